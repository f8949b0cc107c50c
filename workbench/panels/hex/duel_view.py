"""Two networks on one position side by side, at equal calls, simulations or time; and matches between them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.hex.rules import Position
from engines.hex.snapshots import AnalysisSnapshot, DuelSnapshot, MatchSnapshot
from engines.hex.spec import DuelSpec, MatchSpec
from workbench.panels.base import Export
from workbench.panels.hex.counters import SearchCounters
from workbench.panels.hex.head_strip import HeadStrip
from workbench.panels.hex.move_table import MoveTable
from workbench.panels.hex.overlays import OverlayOptions, overlay
from workbench.panels.hex.settings_form import known_networks
from workbench.panels.hex.stage import Stage
from workbench.theme import GRID, font
from workbench.widgets.basics import ElidedLabel, label, line, set_enabled
from workbench.widgets.exports import save_csv
from workbench.widgets.hexboard import HexBoard
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from workbench.panels.hex.panel import HexPanel
    from workbench.runner import JobHandle

MATCH_HELP = "Both networks play every opening twice, with colours exchanged"
FIELDS = ("weights", "n0", "rival_weights", "rival_n0", "equal", "budget", "c_puct", "seed", "device")


class DuelSide(QWidget):
    """One searcher: its board with search values, its heads, its counters, its moves."""

    def __init__(self, panel: HexPanel) -> None:
        super().__init__()
        self._panel = panel
        self.name = ElidedLabel("")
        self.name.setFont(font("strong"))
        self.board = HexBoard(size=panel.model.size)
        self.board.set_locked("The duel follows the position of the Board tab")
        self.strip = HeadStrip()
        self.counters = SearchCounters()
        self.table = MoveTable()
        self.table.line_hovered.connect(lambda moves: self.board.set_variation(moves))
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID // 2, 0, GRID // 2, 0)
        rows.setSpacing(GRID // 2)
        for widget, stretch in (
            (self.name, 0), (self.board, 3), (self.counters, 0), (self.strip, 0), (self.table, 1)
        ):  # fmt: skip
            rows.addWidget(widget, stretch)

    def show_position(self) -> None:
        """The position that would be searched."""
        self._panel.model.show_on(self.board)
        self.board.set_rotation(self._panel.board_view.board.rotation)

    def show_game(self, size: int, moves: tuple[int, ...]) -> None:
        """A game of a match as it stands."""
        position = Position(size, "none")
        for move in moves:
            position.play(move)
        self.board.set_position(
            position.cells, position.to_move, last_move=position.last_cell, winning_path=position.winning_path()
        )

    def show_snapshot(self, snapshot: AnalysisSnapshot | None) -> None:
        self.strip.set_snapshot(snapshot)
        self.counters.set_snapshot(snapshot)
        self.table.set_snapshot(snapshot)
        options = OverlayOptions(0, False, self._panel.services.theme.is_dark)
        self.board.set_heat(None if snapshot is None else overlay("visits", snapshot, options))


class DuelView(Stage):
    """The duel. Run searches the position of the Board tab on both sides."""

    run_text = "Run the duel"

    def __init__(self, panel: HexPanel) -> None:
        super().__init__(panel)
        names = known_networks()
        self.form: SpecForm[DuelSpec] = SpecForm(
            DuelSpec,
            fields=FIELDS,
            show_presets=False,
            choices={"weights": names, "rival_weights": names, "device": panel.services.devices},
            start={"budget": 200},
        )
        self.sides = (DuelSide(panel), DuelSide(panel))
        self.verdict = label("Run the duel to compare the two on the position of the Board tab.", wrap=True)
        self._tables: dict[str, dict[str, Any]] = {}
        self.match_button = QPushButton("Play a match")
        self.match_button.setToolTip(MATCH_HELP)
        self.match_button.clicked.connect(lambda: panel._try(self.start_match))
        boards = QSplitter()
        boards.setChildrenCollapsible(False)
        for side in self.sides:
            boards.addWidget(side)
        box = self.settings_beside(self.form, self.match_button)
        grid = QGridLayout()
        grid.addWidget(self.verdict, 0, 0)
        grid.addWidget(line(), 1, 0)
        grid.addWidget(boards, 2, 0)
        grid.setRowStretch(2, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, GRID // 2, 0, 0)
        row.addWidget(box)
        row.addLayout(grid, 1)
        panel.model.position_changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """The Board tab shows another position."""
        if self.handle is not None and not self.handle.has_ended:
            return
        for side in self.sides:
            side.show_position()
            side.show_snapshot(None)

    def start(self) -> None:
        spec = self._spec(DuelSpec)
        self.follow()
        self._name_sides(spec)
        self.verdict.setText(f"Both search with the same {_unit(spec.equal)}…")
        self.take(self.panel.start("hex.duel", spec))

    def start_match(self) -> None:
        """Play a match between the two networks on boards of this size."""
        spec = self._spec(MatchSpec)
        self._name_sides(spec)
        self.verdict.setText("The match begins…")
        set_enabled(self.match_button, "A match is being played")
        for side in self.sides:
            side.show_snapshot(None)
        self.take(self.panel.start("hex.match", spec))

    def show_snapshot(self, snapshot: Any) -> None:
        if isinstance(snapshot, DuelSnapshot):
            for side, seen in zip(self.sides, (snapshot.left, snapshot.right), strict=True):
                side.show_snapshot(seen)
            self.verdict.setText(_compare(snapshot))
        elif isinstance(snapshot, MatchSnapshot):
            self.verdict.setText(_score(snapshot))
            game = snapshot.game or (snapshot.games[-1] if snapshot.games else ())
            for side in self.sides:
                side.show_game(snapshot.size, game)

    def show_end(self, handle: JobHandle) -> None:
        result = handle.result
        set_enabled(self.match_button, "", MATCH_HELP)
        if handle.state != "done":
            self.verdict.setText(f"{self.verdict.text()}  {'Stopped.' if handle.state == 'cancelled' else ''}".strip())
            return
        self._tables = result.to_tables()
        if handle.name == "hex.duel":
            self.show_snapshot(DuelSnapshot(result.left, result.right))
        else:
            self.verdict.setText(f"Match over. {self.verdict.text()}")

    def exports(self) -> list[Export]:
        def none_of(table: str) -> str:
            return "" if table in self._tables else f"Run a {'duel' if table == 'duel' else 'match'} first."

        def write(table: str, path: Path) -> None:
            save_csv(self._tables[table], path)

        return [
            *(Export(f"{table}-csv", text, ".csv", partial(write, table), partial(none_of, table))
              for table, text in (("duel", "Duel as CSV"), ("games", "Match: games as CSV"),
                                  ("sides", "Match: result as CSV"))),
            Export("left-png", "Left board as PNG", ".png", self.sides[0].board.save_png),
            Export("right-png", "Right board as PNG", ".png", self.sides[1].board.save_png),
        ]  # fmt: skip

    def save_state(self) -> dict[str, Any]:
        spec = self.form.spec()
        return {} if spec is None else {name: spec.model_dump(mode="json")[name] for name in FIELDS}

    def restore_state(self, state: dict[str, Any]) -> None:
        try:
            self.form.set_spec(DuelSpec.checked({k: v for k, v in state.items() if k in FIELDS}))
        except UserError:
            return

    def _spec(self, kind: type[Any]) -> Any:
        model = self.panel.model
        chosen = self.form.read().model_dump()
        fields = {name: chosen[name] for name in FIELDS}
        moves = "" if kind is MatchSpec else _moves(self.panel)
        if kind is MatchSpec:
            fields = {**kind.presets["quick"], **fields}
        return kind.checked({**fields, "size": model.size, "moves": moves})

    def _name_sides(self, spec: DuelSpec) -> None:
        self.sides[0].name.setText(f"{spec.weights}  ·  n₀ = {spec.n0}")
        self.sides[1].name.setText(f"{spec.rival_weights}  ·  n₀ = {spec.rival_n0}")


def _moves(panel: HexPanel) -> str:
    """The moves up to the position shown. Raises UserError after set-up stones."""
    from engines.hex.coordinates import move_name
    from engines.hex.snapshots import PASS, RESIGN, SWAP

    position = panel.model.position
    if position.setup is not None:
        raise UserError("duels are run on positions from the empty board", "go to a position without set-up stones")
    names = {SWAP: ":s", PASS: ":p", RESIGN: ":r"}
    return " ".join(names.get(move) or move_name(move, panel.model.size) for move in position.moves)


def _unit(equal: str) -> str:
    return {"calls": "network calls", "simulations": "simulations", "time": "time"}[equal]


def _compare(snapshot: DuelSnapshot) -> str:
    left, right = snapshot.left, snapshot.right
    more = left.simulations / max(right.simulations, 1)
    return (
        f"Left: {left.simulations:,} simulations on {left.net_calls:,} calls in {left.seconds:.1f} s, "
        f"depth {left.depth}.  "
        f"Right: {right.simulations:,} on {right.net_calls:,} in {right.seconds:.1f} s, depth {right.depth}.  "
        f"Left has searched {more:.1f} times as much."
    )


def _score(snapshot: MatchSnapshot) -> str:
    left, right = snapshot.wins
    return (
        f"Game {snapshot.played} of {snapshot.total}: left {left}, right {right} "
        f"(with Red {snapshot.wins_as_black[0]} and {snapshot.wins_as_black[1]}).  "
        f"Elo difference {snapshot.elo:+.0f} ({snapshot.elo_low:+.0f} to {snapshot.elo_high:+.0f}).  "
        f"Calls {snapshot.calls[0]:,} : {snapshot.calls[1]:,}, "
        f"time {snapshot.seconds[0]:.0f} : {snapshot.seconds[1]:.0f} s."
    )
