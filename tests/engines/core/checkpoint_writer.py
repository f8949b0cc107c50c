"""A process that writes checkpoints and statuses until it is killed: ``python -m … FOLDER RUN FIRST``.

After each checkpoint it says its number on standard output, so that the killer knows what must be there.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np

from engines.core.store import Store

SIZE = 40_000


def main(folder: str, run_id: str, first: str) -> None:
    store = Store(Path(folder))
    store.set_status(run_id, "running")
    for number in itertools.count(int(first)):
        state = {"number": number, "array": np.full(SIZE, number), "nested": {"list": [number, str(number)]}}
        store.save_checkpoint(run_id, state)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        store.set_status(run_id, "running", metrics={"number": number})


if __name__ == "__main__":
    main(*sys.argv[1:])
