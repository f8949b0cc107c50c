"""A job's row in the store, as the engine process opens it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.core.errors import UserError
from engines.core.store import Store
from tests.workbench.sample_jobs import SampleSpec
from workbench.runner.messages import Order
from workbench.runner.parcels import Parcel
from workbench.runner.record import open_record

SPEC = SampleSpec(steps=3)


def order(resume_run: str | None = None) -> Order:
    return Order(1, "sample.train", Parcel(b""), resume_run)


def interrupted(store: Store, *steps: int) -> str:
    """A run that left a checkpoint for each of `steps`."""
    record = open_record(store, order(), SPEC)
    for step in steps:
        record.checkpoint({"step": step, "total": np.zeros(3)})
    record.close("interrupted", None)
    return record.run_id


def test_a_run_goes_on_from_its_newest_checkpoint(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = interrupted(store, 1, 2)
    record = open_record(store, order(run), SPEC)
    assert record.resume is not None
    assert record.resume["step"] == 2
    assert store.run(run).status == "running"


def test_a_run_under_way_is_not_begun_a_second_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = interrupted(store, 1)
    open_record(store, order(run), SPEC)
    with pytest.raises(UserError, match="under way"):
        open_record(store, order(run), SPEC)


def test_a_run_whose_checkpoints_are_damaged_does_not_begin_anew_in_silence(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = interrupted(store, 1, 2)
    for path in store.folder(run).glob("checkpoint-*"):
        path.write_bytes(b"half a file")
    with pytest.raises(UserError, match="no checkpoint"):
        open_record(store, order(run), SPEC)
    assert store.run(run).status == "interrupted"
