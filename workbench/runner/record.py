"""A job's row in the store, written by the engine process itself so that a killed window loses nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import engines
from engines.core.errors import UserError
from engines.core.results import scalars
from engines.core.spec import Spec

if TYPE_CHECKING:
    from engines.core.store import Store
    from workbench.runner.messages import ErrorInfo, Order, State


@dataclass
class Record:
    """One run under way. resume: the state of its last checkpoint, or None for a fresh start."""

    store: Store
    run_id: str
    folder: Path
    resume: dict[str, Any] | None = None

    def checkpoint(self, state: dict[str, Any]) -> None:
        self.store.save_checkpoint(self.run_id, state)

    def keep(self, snapshot: Any) -> None:
        self.store.keep_snapshot(self.run_id, snapshot)

    def done(self, result: Any) -> None:
        """Keep the result, then call the run done."""
        if result is not None:
            self.store.save_result(self.run_id, result)
        self.store.set_status(self.run_id, "done", metrics=scalars(result))

    def close(self, state: State, error: ErrorInfo | None) -> None:
        """Call the run failed, cancelled or interrupted."""
        self.store.set_status(self.run_id, state, error=None if error is None else asdict(error))


@lru_cache(maxsize=1)
def open_store(folder: Path | None) -> Store:
    """This process's store; opened once."""
    from engines.core.store import Store

    return Store(folder)


def open_record(store: Store, order: Order, spec: Spec) -> Record:
    """A row for this order: a new one, or that of the run it goes on with.

    Raises UserError for a run that is under way elsewhere, and for one whose checkpoints are all damaged: it
    must neither be written by two, nor begin anew without anybody having said so.
    """
    resume = None
    run_id = order.resume_run
    if run_id is None:
        plain = spec.model_dump(mode="json")
        run_id = store.create(order.name, plain, [spec.seed], spec.device, engines.__version__)
    else:
        old = store.run(run_id)
        if old.status in ("waiting", "running") and store.is_alive(old):
            raise UserError(f"run {run_id} is still under way", "cancel it where it runs, or wait for it")
        resume = store.load_checkpoint(run_id)
        if resume is None and store.has_checkpoint(run_id):
            reasons = "; ".join(store.notices[-2:])
            raise UserError(f"no checkpoint of run {run_id} can be read: {reasons}", "start a new run")
    store.set_status(run_id, "running")
    return Record(store, run_id, store.folder(run_id), resume)
