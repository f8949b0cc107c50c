"""What tests of the Invariance panel share: a window with the panel, and networks small enough."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from engines.core import paths
from engines.core.weights import ModelCard
from tests.workbench.windows import opened_window
from workbench.main_window import MainWindow
from workbench.panels.invariance.panel import InvariancePanel
from workbench.panels.registry import PANELS

PATIENCE_MS = 60_000
INVARIANCE = tuple(info for info in PANELS if info.topic == "invariance")
DIGITS = tuple("0123456789")
NAMES = ("a-plain", "b-plain-rot60", "c-gcnn")


def small_networks() -> tuple[str, ...]:
    """Untrained networks among the user's models: a plain one, one whose card says turns, and a group network."""
    import torch

    from engines.vision.nets.models import save_model
    from engines.vision.nets.zoo import build

    torch.manual_seed(0)
    folder = paths.user_weights_folder()
    for name, kind, data in (
        (NAMES[0], "stdcnn", "digits"),
        (NAMES[1], "stdcnn", "digits; trained on images turned by up to ±60°"),
        (NAMES[2], "gcnn", "digits"),
    ):
        net = build({"kind": kind, "classes": 10, "width": 0.5})
        card = ModelCard(name, "vision", title=f"Small {kind}", classes=DIGITS, data=data)
        save_model(folder / f"{name}.safetensors", net, card)
    return NAMES


@contextmanager
def opened_invariance(
    qtbot: QtBot, names: tuple[str, ...] | None = None
) -> Iterator[tuple[MainWindow, InvariancePanel]]:
    """A window that shows the panel with the embedded digits and the small networks ticked."""
    chosen = small_networks() if names is None else names
    with opened_window(qtbot, panels=INVARIANCE, size=(1400, 900)) as window:
        window.show_panel("invariance")
        panel = window.panel("invariance")
        assert isinstance(panel, InvariancePanel)
        panel.form.models.set_selection(chosen)
        panel._models_changed()
        with qtbot.waitSignal(panel.pools.loaded, timeout=PATIENCE_MS):
            panel.pools.set_source("digits")
        yield window, panel


def wait_live(qtbot: QtBot, panel: InvariancePanel) -> None:
    """Until everything about the newest request is answered."""
    qtbot.waitUntil(lambda: panel.one.live.mode == "resting", timeout=PATIENCE_MS)


def wait_idle(qtbot: QtBot, panel: InvariancePanel) -> None:
    """Until the main job has ended."""
    qtbot.waitUntil(lambda: not panel.is_busy(), timeout=PATIENCE_MS)


def said(panel: InvariancePanel) -> str:
    """All messages above the work."""
    return " | ".join(f"{m.what} {m.remedy}" for m in panel.messages.messages())


def stroke() -> np.ndarray:
    """A drawn 1, uint8 [28, 28]."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 13:16] = 255
    return pixels


def export(panel: InvariancePanel, name: str, path: Path) -> Path:
    """Save one of the exports that the tab offers."""
    found = next(e for e in panel.exports() if e.id == name)
    assert not found.why_disabled()
    panel.export(found, path)
    return path
