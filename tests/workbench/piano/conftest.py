"""A small network with random weights among the user's own: what it composes is nonsense, but at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

MODES = {"piano-style": "melody+performance", "small-unconditional": "unconditional"}


@pytest.fixture
def networks(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Nothing shipped is seen; called, it puts the networks in place again."""
    from engines.core import paths
    from engines.core.weights import ModelCard, save_weights
    from engines.piano.nets.transformer import StyleConfig, build

    empty = home / "nothing-shipped"
    empty.mkdir()
    monkeypatch.setattr(paths, "shipped_weights_folder", lambda: empty)

    def place() -> None:
        import torch

        for name, mode in MODES.items():
            torch.manual_seed(3)
            config = StyleConfig(
                d=16, heads=2, key_channels=16, ffn=32, layers_enc=1, layers_dec=1, R=16, R_enc=8, dropout=0.0,
                mode=mode, length=64, melody_length=32,
            )  # fmt: skip
            card = ModelCard(name=name, topic="piano", title=f"Small, {mode}", architecture=config.to_json())
            save_weights(paths.user_weights_folder() / f"{name}.safetensors", build(config).state_dict(), card)

    place()
    return place
