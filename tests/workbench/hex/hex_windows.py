"""What tests of the Hex panel share: a window with the panel, engines in threads, and a network small enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engines.core.weights import ModelCard, save_weights
from tests.workbench.windows import opened_window
from workbench.main_window import MainWindow
from workbench.panels.hex.panel import HexPanel
from workbench.panels.hex.seats import Seats
from workbench.panels.registry import PANELS

PATIENCE_MS = 30_000
HEX = tuple(info for info in PANELS if info.topic == "hex")
ALONE = Seats(red="human", blue="human")


def tiny_network(folder: Path) -> Path:
    """Random weights of the smallest three-head network, in milliseconds."""
    import torch

    from engines.hex.nets import HexNet, NetConfig

    torch.manual_seed(1)
    net = HexNet(NetConfig(blocks=1, channels=4))
    path = folder / "tiny.safetensors"
    card = ModelCard(
        name="tiny",
        topic="hex",
        title="Tiny",
        architecture={"kind": "hex", **net.config.as_dict(), "sizes": [3, 4, 5]},
        input="boards",
        normalisation="none",
        data="none",
        licence="Apache-2.0",
        metrics={},
        command="",
        date="2026-01-01",
        hardware="cpu",
    )
    save_weights(path, dict(net.state_dict()), card)
    return path


@contextmanager
def opened_hex(
    qtbot: QtBot, weights: Path | None = None, *, size: int = 4, seats: Seats = ALONE, swap: str = "none"
) -> Iterator[tuple[MainWindow, HexPanel]]:
    """A window that shows the Hex panel with an empty board of `size` and these players."""
    with opened_window(qtbot, panels=HEX, size=(1400, 900)) as window:
        window.show_panel("hex")
        panel = window.panel("hex")
        assert isinstance(panel, HexPanel)
        panel.form.seats.set_seats(ALONE)
        panel.referee.seats = ALONE
        if weights is not None:
            panel.form.engine.set_values({"weights": str(weights)})
        panel.new_game(size, swap)
        panel.form.seats.set_seats(seats)
        panel.referee.seats = seats
        yield window, panel


def click(qtbot: QtBot, panel: HexPanel, cell: int, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    """A click on a cell of the board."""
    board = panel.board_view.board
    qtbot.mouseClick(board, button, pos=board.cell_centre(cell))


def said(panel: HexPanel) -> list[str]:
    """The messages above the board, newest first."""
    return [message.what for message in panel.messages.messages()]


def wait(qtbot: QtBot, signal: object, act: Callable[[], object], check: Callable[..., bool] | None = None) -> None:
    """Do something and wait until `signal` has told of it."""
    with qtbot.waitSignal(signal, timeout=PATIENCE_MS, check_params_cb=check):
        act()


def wait_moves(qtbot: QtBot, panel: HexPanel, moves: int, act: Callable[[], object]) -> None:
    """Do something and wait until so many moves have been played."""
    signal = panel.model.position_changed
    with qtbot.waitSignal(signal, timeout=PATIENCE_MS, check_params_cb=lambda: panel.model.ply >= moves):
        act()
