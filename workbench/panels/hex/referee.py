"""The flow of a game: whose turn it is, what the engines are asked, and what teaching makes of a move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from engines.core.errors import UserError
from engines.hex.snapshots import RESIGN, SWAP, AnalysisSnapshot
from workbench.panels.hex.game import GameModel
from workbench.panels.hex.live import LiveEngine
from workbench.panels.hex.seats import COLOURS, Seats
from workbench.panels.hex.teaching import Teacher, Verdict, judge, judge_after

if TYPE_CHECKING:
    from engines.hex.gametree import Node
    from workbench.panels.hex.external import ExternalEngine

JUDGING_SIMULATIONS = 150


class Referee(QObject):
    """Asks the live engine for analyses and moves as the game goes on.

    An engine moves only at the end of a line, and only once somebody has moved or pressed a button: looking through
    a game never makes it longer. analysis: the user wants the position analysed. said(text, kind): for the message
    bar. thinking_changed(text): who thinks, or "".
    """

    said = Signal(str, str)
    thinking_changed = Signal(str)
    judged = Signal(object)

    def __init__(
        self, model: GameModel, engine: LiveEngine, external: ExternalEngine, teacher: Teacher, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.model, self.engine, self.external, self.teacher = model, engine, external, teacher
        self.seats = Seats()
        self.analysis = False
        self._armed: Node | None = None  # the place at which an engine on turn may move by itself
        self._pending: tuple[AnalysisSnapshot, int, dict[str, Any]] | None = None
        self._asked_for: object = None
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._settle)
        model.position_changed.connect(self._position_changed)
        engine.chosen.connect(self._chosen)
        engine.refused.connect(self._engine_refused)
        external.chosen.connect(self._external_chosen)
        external.refused.connect(self._refused)

    @property
    def is_thinking(self) -> bool:
        """Whether an engine is about to move."""
        return self._asked_for is not None

    @property
    def is_judging(self) -> bool:
        """Whether the search under way only weighs a learner's move."""
        return self._pending is not None

    # -- what the user does -----------------------------------------------------------------------------------

    def set_seats(self, seats: Seats) -> None:
        """Another player sits down; if it is an engine's turn now it moves."""
        grown = seats.of(self.model.to_move) != "human" and seats != self.seats
        self.seats = seats
        if grown:
            self._armed = self.model.node
        self.settle()

    def begin(self) -> None:
        """A new game: whoever opens may move."""
        self._armed = self.model.node
        self.settle()

    def set_analysis(self, wanted: bool) -> None:
        self.analysis = wanted
        self.settle()

    def play(self, move: int) -> None:
        """A move of the user's. Raises UserError (IllegalMove) and changes nothing when it is not legal."""
        if self.model.position.winner:
            raise UserError("the game is over", "take back a move, or start a new game")
        if self.is_thinking:
            raise UserError("an engine is thinking about this position", "stop it with Esc, or wait")
        before = self.engine.latest if self.teacher.is_on else None
        position = self.model.engine_position()
        self.teacher.end_turn()
        if self.teacher.is_on and before is not None and move >= 0 and _is_of(before, position):
            self._judge(before, move, position)
            return
        self._play(move)

    def _play(self, move: int) -> None:
        """A move that invites the other side's answer."""
        self.model.play(move)
        self._armed = self.model.node

    def insist(self, verdict: Verdict) -> None:
        """Play the move that teaching took back."""
        self.teacher.insist(self.model.engine_position(), verdict.cell)
        self._play(verdict.cell)

    def take_back(self) -> None:
        """Remove the last move; against an engine, the learner's last move with the answer to it."""
        self.stop_thinking()
        node = self.model.node
        if node.parent is None:
            return
        self._armed = None
        human_now = self.seats.of(self.model.to_move) == "human"
        rival = self.seats.of(3 - self.model.to_move) != "human"
        self.model.take_back(2 if human_now and rival and node.parent.parent is not None else 1)

    def let_engine_move(self) -> None:
        """The network moves for whoever is on turn."""
        if self.model.position.winner:
            raise UserError("the game is over", "take back a move, or start a new game")
        self._ask_network()

    def let_external_move(self) -> None:
        """The other engine moves for whoever is on turn."""
        if self.model.position.winner:
            raise UserError("the game is over", "take back a move, or start a new game")
        if not self.seats.command:
            raise UserError("no command is given for the other engine", "choose Other under Players and enter one")
        self._ask_external()

    def stop_thinking(self) -> None:
        """The engine lets go of the position; it will not move until somebody else has."""
        if self.is_thinking:
            self._asked_for = None
            self.external.rest()
            self.thinking_changed.emit("")
        self._armed = None
        if self._pending is not None:
            self._pending = None
            self.thinking_changed.emit("")

    def stop(self) -> None:
        """No analysis and no engine's move."""
        self.analysis = False
        self.stop_thinking()
        self.engine.rest()

    def close(self) -> None:
        """The window goes: nothing is asked of an engine any more."""
        self.stop()
        self.teacher.end_turn()
        self._later.stop()

    # -- what happens next ------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Decide, once control returns to the event loop, what the engines do about the position."""
        self._later.start()

    def _position_changed(self) -> None:
        if self._asked_for is not None and self._asked_for is not self.model.node:
            self._asked_for = None
            self.external.rest()
            self.thinking_changed.emit("")
        if self._pending is not None and self._pending[2]["moves"] != self.model.position.moves:
            self._pending = None
            self.thinking_changed.emit("")
        self.settle()

    def _settle(self) -> None:
        if self._pending is not None or self.is_thinking:
            return
        position, node = self.model.position, self.model.node
        if position.winner:
            self._armed = None
            self.teacher.end_turn()
            self.engine.rest()
            return
        seat = self.seats.of(position.to_move)
        if seat != "human" and self._armed is node and not node.children:
            self._ask_network() if seat == "network" else self._ask_external()
            return
        if self.analysis or (self.teacher.is_on and seat == "human"):
            self.engine.analyse(self.model.engine_position())
        elif self.engine.is_searching:
            self.engine.rest()
        if seat == "human":
            self.teacher.begin_turn()

    def _ask_network(self) -> None:
        self._asked_for = self.model.node
        seats = self.seats
        self.engine.choose(
            self.model.engine_position(),
            simulations=seats.simulations,
            milliseconds=seats.milliseconds,
            temperature=seats.temperature,
        )
        self.thinking_changed.emit(f"The network thinks for {COLOURS[self.model.to_move]}…")

    def _ask_external(self) -> None:
        self._asked_for = self.model.node
        self.engine.rest()
        self.thinking_changed.emit(f"The other engine thinks for {COLOURS[self.model.to_move]}…")
        self.external.choose(self.seats.command, self.model.engine_position(), self.seats.milliseconds)

    def _chosen(self, snapshot: AnalysisSnapshot) -> None:
        if self._pending is not None:
            before, cell, position = self._pending
            self._pending = None
            self._conclude(judge_after(before, cell, snapshot), position)
            return
        self._answered(snapshot.best)

    def _external_chosen(self, move: int) -> None:
        self._answered(move)

    def _answered(self, move: int) -> None:
        if self._asked_for is not self.model.node:
            return
        self._asked_for = None
        self.thinking_changed.emit("")
        if move < 0 and move not in (SWAP, RESIGN):
            self.said.emit("The engine found no move here.", "warn")
            return
        mover = COLOURS[self.model.to_move]
        try:
            self._play(move)
        except UserError as error:
            self.said.emit(f"The engine's move was refused: {error}", "error")
            return
        if move == SWAP:
            how = "takes the stone over, mirrored" if self.model.swap == "pieces" else "changes sides"
            self.said.emit(f"{mover} swaps: it {how}.", "info")
        elif move == RESIGN:
            self.said.emit(f"{mover} gives up.", "info")

    def _engine_refused(self, why: str) -> None:
        self.analysis = False  # or the same refusal would come with every move
        self._refused(why)

    def _refused(self, why: str) -> None:
        self._asked_for = None
        self._pending = None
        self._armed = None
        self.thinking_changed.emit("")
        self.said.emit(why, "error")

    # -- teaching ---------------------------------------------------------------------------------------------

    def _judge(self, before: AnalysisSnapshot, cell: int, position: dict[str, Any]) -> None:
        verdict = judge(before, cell)
        if verdict is not None:
            self._conclude(verdict, position)
            return
        after = self.model.position.copy()
        after.play(cell)
        if after.winner:
            self._play(cell)
            return
        self._pending = (before, cell, position)
        self.thinking_changed.emit("Weighing your move…")
        self.engine.choose(
            {**position, "moves": (*position["moves"], cell)}, simulations=JUDGING_SIMULATIONS, milliseconds=0
        )

    def _conclude(self, verdict: Verdict, position: dict[str, Any]) -> None:
        self.thinking_changed.emit("")
        if position["moves"] != self.model.position.moves:
            return
        self.judged.emit(verdict)
        objected: list[Verdict] = []
        connection = self.teacher.objected.connect(objected.append)
        self.teacher.assess(verdict, position)
        self.teacher.objected.disconnect(connection)
        if objected:
            self.settle()
            return
        self._play(verdict.cell)


def _is_of(snapshot: AnalysisSnapshot, position: dict[str, Any]) -> bool:
    """Whether a snapshot can be of this position (the live engine drops those of others)."""
    return snapshot.size == position["size"] and bool(snapshot.lines)
