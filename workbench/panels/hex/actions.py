"""What the Hex panel can do by name: commands of the palette with their keys, and exports of the board."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engines.hex.snapshots import SWAP
from workbench.commands import Command
from workbench.panels.base import Export
from workbench.panels.hex.network_export import save_onnx, why_no_onnx
from workbench.panels.hex.overlays import OVERLAYS

if TYPE_CHECKING:
    from workbench.panels.hex.panel import HexPanel


def panel_commands(panel: HexPanel) -> list[Command]:
    """The commands beyond those of every panel."""
    return [*_game(panel), *_navigation(panel), *_engines(panel), *_view(panel)]


def _game(panel: HexPanel) -> list[Command]:
    model, group = panel.model, panel.info.title
    undo, redo = model.undo_text, model.redo_text
    no_undo, no_redo = "" if undo else "There is nothing to undo.", "" if redo else "There is nothing to redo."
    no_swap = "" if model.position.can_swap else "Only the second move can be a swap."
    return [
        Command("hex.new", "New game", panel.form.ask_new_game, "Ctrl+N", group=group, icon="game"),
        Command("hex.open", "Open a game (SGF)", panel.open_dialog, "Ctrl+O", group=group, icon="open"),
        Command("hex.save", "Save the game", panel.save, "Ctrl+S", group=group, icon="save"),
        Command("hex.paste", "Paste SGF or a HexWorld link", panel.paste, "Ctrl+V", group=group, icon="paste"),
        Command("hex.copy", "Copy the game as SGF", panel.copy_sgf, "Ctrl+C", group=group, icon="copy"),
        Command("hex.link", "Copy a HexWorld link", panel.copy_link, "Ctrl+L", group=group, icon="copy"),
        Command("hex.picture", "Copy a picture of the board", panel.board_view.board.copy_picture, "",
                group=group, icon="image"),
        Command("hex.undo", f"Undo {undo}".strip(), model.undo, "Ctrl+Z", lambda: no_undo, group, "undo"),
        Command("hex.redo", f"Redo {redo}".strip(), model.redo, "Ctrl+Y", lambda: no_redo, group, "redo"),
        Command("hex.takeback", "Take back", panel.take_back, "Backspace", lambda: _at_start(panel), group, "undo"),
        Command("hex.swap", "Swap", lambda: panel.play(SWAP), "S", lambda: no_swap, group, "swap"),
        Command("hex.setup", "Set up a position", panel.toggle_setup, "Ctrl+E", group=group, icon="edit"),
    ]  # fmt: skip


def _navigation(panel: HexPanel) -> list[Command]:
    model, group = panel.model, panel.info.title

    def begin() -> str:
        return _at_start(panel)

    def end() -> str:
        return "" if model.line()[model.ply + 1 :] else "This is the end of the line."

    return [
        Command("hex.first", "To the beginning", model.to_start, "Home", begin, group, "first"),
        Command("hex.back", "Back one move", model.back, "PgUp", begin, group, "previous"),
        Command("hex.forward", "Forward one move", model.forward, "PgDown", end, group, "next"),
        Command("hex.last", "To the end", model.to_end, "End", end, group, "last"),
        Command("hex.variation", "Next variation", model.next_variation, "Ctrl+Down", group=group, icon="tree"),
        Command("hex.promote", "Make this the main line", model.promote, "", begin, group, "up"),
        Command("hex.delete", "Delete this branch", lambda: panel._try(model.delete_branch), "Delete", begin, group,
                "trash"),
    ]  # fmt: skip


def _engines(panel: HexPanel) -> list[Command]:
    group = panel.info.title

    def no_other() -> str:
        return "" if panel.form.seats.seats().command else "Choose Other under Players and enter a command first."

    return [
        Command("hex.move", "Let the network move", panel.let_network_move, "Ctrl+M", group=group, icon="robot"),
        Command("hex.other_move", "Let the other engine move", panel.let_other_move, "Ctrl+Shift+M", no_other, group,
                "robot"),
        Command("hex.other_judge", "Ask the other engine about this position", panel.ask_other, "", no_other, group,
                "robot"),
        Command("hex.review", "Review the game", panel.results.ask_review, "Ctrl+R", group=group, icon="chart"),
        Command("hex.teach", "Teaching mode on or off", panel.form.teach.toggle, "Ctrl+T", group=group, icon="user"),
        Command("hex.quiz", "Quiz from my mistakes", panel.quiz.start, "", group=group, icon="target"),
        Command("hex.weights", "Use a network from a file", panel.choose_weights, "", group=group, icon="weights"),
    ]  # fmt: skip


def _view(panel: HexPanel) -> list[Command]:
    group = panel.info.title

    def why() -> str:
        return "Teaching is on: overlays would give the answer away." if panel.teacher.is_on else ""

    return [
        Command("hex.turn", "Turn the board", lambda: panel.form.turn_board(1), "R", group=group, icon="rotate"),
        Command("hex.column", "Show or hide the analysis", panel.toggle_column, "Ctrl+Shift+A", group=group,
                icon="sidebar-right"),
        *(Command(f"hex.overlay.{o.name}", f"Overlay: {o.title}",
                  partial(panel.board_view.overlays.toggle, o.name), o.key, why, group, "eye")
          for o in OVERLAYS),
    ]  # fmt: skip


def _at_start(panel: HexPanel) -> str:
    return "" if panel.model.node.parent is not None else "This is the beginning of the game."


def board_exports(panel: HexPanel) -> list[Export]:
    """What the Board tab can save."""

    def no_analysis() -> str:
        return "" if panel.board_view.snapshot is not None else "Analyse the position first."

    def no_curve() -> str:
        return "" if panel.results.graph.curve is not None else "Analyse or review the game first."

    def write_analysis(path: Path) -> None:
        from workbench.panels.hex.board_export import save_analysis_csv

        if panel.board_view.snapshot is not None:
            save_analysis_csv(panel.board_view.snapshot, path, panel.exact.latest)

    def write_network(path: Path) -> str:
        return save_onnx(panel, panel.form.engine_spec().weights, path)

    board, plot = panel.board_view.board, panel.results.graph.plot
    return [
        Export("board-png", "Board as PNG", ".png", board.save_png),
        Export("board-svg", "Board as SVG", ".svg", board.save_svg),
        Export("analysis-csv", "Analysis as CSV", ".csv", write_analysis, no_analysis),
        Export("game-sgf", "Game as SGF", ".sgf", panel.model.save),
        Export("winrate-png", "Win-rate graph as PNG", ".png", plot.save, no_curve),
        Export("winrate-svg", "Win-rate graph as SVG", ".svg", plot.save, no_curve),
        Export("winrate-csv", "Win rates as CSV", ".csv", plot.save, no_curve),
        Export("network-onnx", "Network as ONNX", ".onnx", write_network, why_no_onnx),
    ]
