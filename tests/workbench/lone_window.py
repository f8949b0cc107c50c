"""A window reduced to its runner, to be killed: trains for ever, resuming the run it finds interrupted.

Prints "running RUN RESUMED_AT" and then "step COUNT" for pictures, as they come.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QCoreApplication, QTimer

from engines.core.store import Store
from tests.workbench.sample_jobs import Counted, SampleSpec
from workbench.runner import JobHandle, Runner


class LoneWindow:
    """Starts lanes, and the job once the runs of earlier windows are known."""

    def __init__(self) -> None:
        self.runner = Runner(Store(), extra_modules=("tests.workbench.sample_jobs",), warm=False)
        self.handle: JobHandle | None = None
        self.told = False
        self.runner.resumable_changed.connect(self.begin)
        self.runner.start_lanes()

    def begin(self) -> None:
        if self.handle is not None:
            return
        rows = self.runner.resumable()
        spec = SampleSpec(steps=10_000_000, numbers=20_000)
        handle = self.runner.resume(rows[0]) if rows else self.runner.submit("sample.train", spec)
        self.handle = handle
        handle.published.connect(self.tell)
        handle.ended.connect(lambda _: QCoreApplication.exit(3))

    def tell(self, picture: Counted) -> None:
        assert self.handle is not None
        if not self.told:
            self.told = True
            sys.stdout.write(f"running {self.handle.run_id} {picture.resumed_at}\n")
        sys.stdout.write(f"step {picture.count}\n")
        sys.stdout.flush()


def main() -> int:
    app = QCoreApplication([])
    window = LoneWindow()
    QTimer.singleShot(60_000, app.quit)
    code = app.exec()
    window.runner.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
