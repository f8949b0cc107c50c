"""Small networks, trained within seconds on the embedded digits, once for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.core.job import run_job
from engines.vision.spec import TrainSpec

NETS = {
    "plain": {"kind": "stdcnn", "width": 0.5},
    "turned": {"kind": "stdcnn", "width": 0.5, "rotation": 180.0},
    "group": {"kind": "gcnn", "width": 0.2},
    "lenet": {"kind": "lenet-small"},
    "hard": {"kind": "lenet-small", "adversarial": "fast", "eps": 0.1},
}


@pytest.fixture(scope="session")
def nets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Paths of trained weights by name."""
    folder = tmp_path_factory.mktemp("nets")
    for name, changes in NETS.items():
        spec = TrainSpec(data="digits", held_out=50, epochs=5, batch=64, save_as=str(folder / name), **changes)
        run_job("vision.train", spec)
    return {name: str(Path(folder) / f"{name}.safetensors") for name in NETS}
