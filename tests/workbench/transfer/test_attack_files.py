"""Files of one attack: what is written lies within ε, or is refused."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines.core.errors import UserError
from engines.transfer.snapshots import Walk
from workbench.panels.transfer.attack_files import write_pixels


def attacked(clean: np.ndarray, eps: float) -> Walk:
    values: dict[str, Any] = dict.fromkeys((field.name for field in fields(Walk)), 0)
    values["x"] = np.stack([clean, np.clip(clean + eps, 0, 1)]).astype(np.float32)
    return Walk(**{**values, "eps": eps})


def test_written_pixels_lie_within_eps(tmp_path: Path) -> None:
    clean = np.linspace(0, 1, 256, dtype=np.float32).reshape(1, 16, 16)
    write_pixels(tmp_path / "a.png", attacked(clean, 0.02), clean)
    with Image.open(tmp_path / "a.png") as opened:
        stored = np.asarray(opened) / 255
    assert np.abs(stored - clean[0]).max() <= 0.02 + 1e-6
    assert np.abs(stored - clean[0]).max() > 0.015


def test_a_change_that_eight_bits_cannot_hold_is_refused_and_not_written_outside_eps(tmp_path: Path) -> None:
    clean = np.full((1, 4, 4), 100.5 / 255, np.float32)  # scaled pictures lie between two levels
    with pytest.raises(UserError, match="eight-bit"):
        write_pixels(tmp_path / "a.png", attacked(clean, 0.001), clean)
    assert not list(tmp_path.iterdir())
