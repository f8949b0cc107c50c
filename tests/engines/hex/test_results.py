"""Results are unpickled by the window, so importing them must bring in no search and no network."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np

from engines.hex.results import SolveResult


def test_unpacking_a_result_imports_neither_jobs_nor_torch() -> None:
    packed = pickle.dumps(SolveResult(2, 1, 1, np.array([-1, 1, 1, -1], np.int8)))
    script = (
        "import pickle, sys; result = pickle.loads(bytes.fromhex(sys.argv[1])); "
        "print(result.to_tables()['moves']['cell'].tolist()); "
        "print([name for name in ('torch', 'engines.hex.jobs', 'engines.hex.search') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, packed.hex()], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split("\n")[:2] == ["['a1', 'b1', 'a2', 'b2']", "[]"]
