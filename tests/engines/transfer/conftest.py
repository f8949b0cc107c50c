"""Three small networks of the zoo, trained on the embedded digits in seconds, in the user's folder of weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engines.core.paths import user_weights_folder
from engines.core.weights import ModelCard

SMALL = {
    "small-cnn": {"kind": "lenet-small", "filters": [8, 12], "hidden": 32},
    "small-bn": {"kind": "bncnn", "widths": [8, 12], "kernel": 3},
    "small-mlp": {"kind": "mlp", "hidden": [48]},
}
ROBUST = "small-mlp"
"""Its card says that it was trained against an adversary, which is enough for the tests."""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the trained networks, made once."""
    from engines.vision.nets.models import save_model
    from tests.engines.vision.small_nets import trained as fit

    folder = tmp_path_factory.mktemp("small-networks")
    for title, architecture in SMALL.items():
        net = fit(_maker(title, architecture), epochs=5)
        data = "digits; trained on images attacked (pgd, l∞ 0.1)" if title == ROBUST else "digits"
        save_model(folder / f"{title}.safetensors", net, ModelCard(title, "vision", title, data=data))
    return folder


def _maker(title: str, architecture: dict[str, object]) -> Callable[[], object]:
    def make() -> object:
        from engines.vision.nets.zoo import build

        return build({**architecture, "input_shape": [1, 28, 28]}, seed=3)

    make.__name__ = title
    return make


@pytest.fixture
def models(home: Path, trained: Path) -> str:
    """The names of the small networks, separated by commas, ready to be loaded."""
    shutil.copytree(trained, user_weights_folder(), dirs_exist_ok=True)
    return ",".join(SMALL)


@pytest.fixture
def only_these(models: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, with nothing shipped beside them and no data set beyond the embedded ones."""
    from engines.core import paths

    monkeypatch.setattr(paths, "shipped_weights_folder", lambda: Path("/nowhere"))
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    return models
