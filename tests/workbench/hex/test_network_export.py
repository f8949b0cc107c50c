"""Saving a network as ONNX from the panel's export menu."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.workbench.hex.hex_windows import PATIENCE_MS, opened_hex, said, tiny_network
from workbench.panels.hex.panel import HexPanel

pytest.importorskip("onnx", reason="needs the extra onnx")


def save(qtbot: QtBot, panel: HexPanel, path: Path) -> list[str]:
    """Save the board's network and wait for its job; what the status bar said."""
    told: list[str] = []
    panel.status_message.connect(lambda text, _: told.append(text))
    exports = {export.id: export for export in panel.exports()}
    panel.export(exports["network-onnx"], path)
    handle = next(job for job in panel.services.runner.jobs() if job.name == "hex.export")
    if not handle.has_ended:
        with qtbot.waitSignal(handle.ended, timeout=2 * PATIENCE_MS):
            pass
    return told


def test_the_boards_network_is_saved_and_the_status_bar_tells_of_both_ends(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path)) as (_, panel):
        told = save(qtbot, panel, tmp_path / "board.onnx")
        assert told[0] == "Saving board.onnx…"
        assert "says what the network says on 3×3, 5×5" in told[-1]
        assert (tmp_path / "board.onnx").stat().st_size > 1000
        assert said(panel) == []


def test_a_file_that_cannot_be_written_is_told_inline(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with opened_hex(qtbot, tiny_network(tmp_path)) as (_, panel):
        save(qtbot, panel, tmp_path / "file" / "board.onnx")
        assert "cannot be written" in said(panel)[0]


def test_without_the_package_the_menu_says_what_to_install(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.panels.hex.network_export.why_missing", lambda: "install it")
    with opened_hex(qtbot) as (_, panel):
        exports = {export.id: export for export in panel.exports()}
        assert exports["network-onnx"].why_disabled() == "ONNX is not installed: install it."
        panel.tabs.setCurrentIndex(3)
        lab = {export.id: export for export in panel.exports()}
        assert lab["network-onnx"].why_disabled() == "Train a network first."
