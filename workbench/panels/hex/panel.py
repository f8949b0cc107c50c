"""The Hex panel: a board to play on, the search and its heads beside it, and three more stages in tabs."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QSplitter, QTabWidget, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.core.spec import Spec
from engines.hex.coordinates import move_name
from engines.hex.snapshots import SWAP, AnalysisSnapshot, ReviewSnapshot
from engines.hex.spec import EngineSpec
from workbench.commands import Command
from workbench.panels.base import Export, Panel, Zone
from workbench.panels.hex.actions import board_exports, panel_commands
from workbench.panels.hex.analysis_column import AnalysisColumn
from workbench.panels.hex.board_view import BoardView
from workbench.panels.hex.exact import ExactSolver
from workbench.panels.hex.external import ExternalEngine
from workbench.panels.hex.game import GameModel
from workbench.panels.hex.live import LiveEngine
from workbench.panels.hex.mistakes import curve_of_review
from workbench.panels.hex.overlays import OverlayOptions
from workbench.panels.hex.quiz import Quiz
from workbench.panels.hex.referee import Referee
from workbench.panels.hex.results import ResultsZone
from workbench.panels.hex.reviewer import Reviewer
from workbench.panels.hex.sample import SAMPLE_GAME
from workbench.panels.hex.seats import Seats
from workbench.panels.hex.settings_form import SettingsForm, ViewOptions, known_networks
from workbench.panels.hex.teaching import Teacher, Verdict
from workbench.panels.registry import PanelInfo
from workbench.services import Services
from workbench.theme import GRID
from workbench.widgets.basics import icon_button
from workbench.widgets.message_bar import Message, MessageKind

DEMO_SIMULATIONS: Final = 400
LIVE_CURVE_MS: Final = 300
COLUMN_FROM: Final = 740
"""Logical pixels of width of the board's page from which the analysis is shown beside the board by itself."""
FORM_FROM: Final = 900
RESULTS_FROM: Final = 520
"""Width and height of the panel from which the settings and the results are shown by themselves."""
STAGES: Final = (
    ("Duel", "workbench.panels.hex.duel_view:DuelView", "Two networks search this position side by side"),
    ("Swap map", "workbench.panels.hex.openings_view:OpeningsView", "What every first move is worth"),
    ("Training lab", "workbench.panels.hex.lab:LabView", "Train a network and watch it learn"),
)
"""Stages beside the board, imported when first shown: title, "module:class", tool tip."""


class HexPanel(Panel):
    """Play, analyse, review, duel, map and train."""

    def __init__(self, services: Services, info: PanelInfo, parent: QWidget | None = None) -> None:
        super().__init__(services, info, parent)
        self.model = GameModel(11, "pieces", self)
        self.engine = LiveEngine(self)
        self.external = ExternalEngine(self)
        self.teacher = Teacher(self)
        # Before the referee plays the move: the answer is about the position in which it was asked.
        self.engine.chosen.connect(self._analysed)
        self.referee = Referee(self.model, self.engine, self.external, self.teacher, self)
        self.reviewer = Reviewer(self, self.model)
        self._demo_wanted = False
        self._hint = -1
        self._column_asked: bool | None = None
        self._place: object = None
        self._values: dict[int, float] = {}
        self._passing: list[Message] = []
        # The graph costs as much as everything else that a snapshot changes, and is read more slowly.
        self._live_curve = QTimer(self, singleShot=True, interval=LIVE_CURVE_MS)
        self._live_curve.timeout.connect(
            lambda: self.results.show_live(self.model.line(), self._values, self.model.size)
        )
        self._stages: dict[int, Any] = {}
        self._stage_states: dict[str, Any] = {}
        self._build()
        self.quiz = Quiz(self)
        self.exact = ExactSolver(self)
        self._connect()
        self.run_button.set_text("Analyse")
        self.model.load_text(SAMPLE_GAME)
        self.model.jump_to_ply(self.model.ply)
        self.model.mark_saved()
        self._show_view(self.form.view())
        self.board_view.overlays.set_current("search_q")

    # -- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.form = SettingsForm(known_networks(), self.services.devices)
        self.board_view = BoardView(self.model)
        self.column = AnalysisColumn(self.services.theme)
        self.results = ResultsZone(self.services.theme, self.model)
        self.board_page = board_page = QSplitter(Qt.Orientation.Horizontal)
        board_page.setChildrenCollapsible(False)
        board_page.setHandleWidth(GRID // 2)
        board_page.addWidget(self.board_view)
        board_page.addWidget(self.column)
        board_page.setStretchFactor(0, 3)
        board_page.setStretchFactor(1, 1)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(board_page, "Board")
        self.tabs.setTabToolTip(0, "Play and analyse")
        self._pages: list[QWidget] = []
        for title, _, help_text in STAGES:
            page = QWidget()
            QVBoxLayout(page).setContentsMargins(0, 0, 0, 0)
            self._pages.append(page)
            number = self.tabs.addTab(page, title)
            self.tabs.setTabToolTip(number, help_text)
        self._column_button = icon_button(
            "sidebar-right", "Show or hide the analysis (Ctrl+Shift+A)", self.toggle_column, checkable=True
        )
        self.add_to_header(self._column_button)
        self.set_zones(self.form, self.tabs, self.results, stretch=(4, 1))
        self._zones["form"].setMinimumWidth(self.form.minimumSizeHint().width() + 14)

    def _connect(self) -> None:
        form, board, referee = self.form, self.board_view, self.referee
        form.new_game_asked.connect(self.new_game)
        form.swap_changed.connect(lambda swap: self._try(lambda: self.model.set_swap(swap)))
        form.engine_changed.connect(self._engine_changed)
        form.view_changed.connect(self._show_view)
        form.teaching_changed.connect(self._teaching_changed)
        form.quiz_button.clicked.connect(self.quiz.start)
        form.seats.changed.connect(referee.set_seats)
        form.seats.move_requested.connect(self.let_network_move)
        board.move_asked.connect(self.play)
        board.swap_asked.connect(lambda: self.play(SWAP))
        board.take_back_asked.connect(self.take_back)
        board.failed.connect(lambda text, remedy: self.show_message(text, "error", remedy))
        board.board.rotation_changed.connect(self._rotated)
        board.cell_hovered.connect(self._preview_cell)
        board.heat_changed.connect(self.column.show_heat)
        self.column.line_hovered.connect(self._preview_line)
        self.column.move_chosen.connect(self.play)
        self.column.n0_changed.connect(lambda n0: self.form.engine.set_values({"n0": n0}))
        self.results.ply_asked.connect(self._go_to_reviewed)
        self.results.review_asked.connect(self.review)
        self.results.stop_review_asked.connect(self.reviewer.stop)
        self.results.quiz_asked.connect(self.quiz.start)
        self.reviewer.reviewed.connect(self._reviewed)
        self.reviewer.ended.connect(self._review_ended)
        self.engine.analysed.connect(self._analysed)
        self.external.analysed.connect(self._other_analysed)
        self.engine.mode_changed.connect(lambda _: self._follow_engine())
        self.engine.refused.connect(self._fail_demo)
        referee.said.connect(self._tell)
        referee.thinking_changed.connect(self._thinking)
        self.teacher.objected.connect(self._objected)
        self.teacher.praised.connect(self._praised)
        self.teacher.hinted.connect(self._hinted)
        self.model.position_changed.connect(self._moved)
        self.model.game_replaced.connect(self._game_replaced)
        self.model.tree_changed.connect(self.commands_changed)
        self.tabs.currentChanged.connect(self._stage_shown)
        self.services.theme.changed.connect(lambda _: self._show_view(self.form.view()))

    # -- stages -----------------------------------------------------------------------------------------------

    def stage(self, number: int) -> Any:
        """The stage of a tab (1 and up), built when first asked for."""
        if number not in self._stages:
            module, _, name = STAGES[number - 1][1].partition(":")
            view = getattr(importlib.import_module(module), name)(self)
            self._pages[number - 1].layout().addWidget(view)  # type: ignore[union-attr]
            self._stages[number] = view
            state = self._stage_states.get(STAGES[number - 1][0])
            if isinstance(state, dict):
                view.restore_state(state)
        return self._stages[number]

    def _stage_shown(self, number: int) -> None:
        on_board = number == 0
        if not on_board:
            self.stage(number)
            if self.referee.analysis:
                self.referee.set_analysis(False)
        self._settle_zones()
        self._follow_engine()
        self.commands_changed.emit()

    @property
    def _current(self) -> Any:
        """The stage that is shown, None for the board."""
        number = self.tabs.currentIndex()
        return None if number == 0 else self.stage(number)

    # -- zones ------------------------------------------------------------------------------------------------

    def toggle_zone(self, zone: Zone) -> None:
        """A stage beside the board has settings of its own, and no results zone."""
        if self._current is None or zone == "help":
            super().toggle_zone(zone)
        elif zone == "form":
            self._current.toggle_settings()
            self._settle_zones()

    def toggle_column(self) -> None:
        """Show or hide the analysis beside the board."""
        self._column_asked = not self.column.isVisibleTo(self.board_page)
        self._settle_zones()

    def _settle_zones(self) -> None:
        super()._settle_zones()
        stage = self._current
        for zone, by_room in (("form", self.width() >= FORM_FROM), ("results", self.height() >= RESULTS_FROM)):
            if zone in self._zones:
                asked = self._asked.get(zone)  # type: ignore[call-overload]
                shown = by_room if asked is None else asked
                self._zones[zone].setVisible(stage is None and shown)  # type: ignore[index]
        on = stage.settings.isVisibleTo(stage) if stage is not None else self._zones["form"].isVisibleTo(self)
        self._form_button.setChecked("form" in self._zones and on)
        room = self.width() - (self._zones["form"].width() if self._zones["form"].isVisibleTo(self) else 0)
        by_room = room >= COLUMN_FROM
        self.column.setVisible(by_room if self._column_asked is None else self._column_asked)
        self._column_button.setChecked(self.column.isVisibleTo(self.board_page))
        self._column_button.setVisible(stage is None)

    # -- the panel contract -----------------------------------------------------------------------------------

    def run(self) -> None:
        """Analyse the position on the board, or start what the stage shown is for."""
        if self._current is not None:
            self._try(self._current.start)
            return
        if self.teacher.is_on:
            self.show_message(
                "Teaching is on: the search is not shown.", "info", "", ("Turn it off and analyse", self._untaught)
            )
            return
        if not self._try(self.form.engine_spec):
            return
        if self.model.position.winner:
            self.show_passing("The game is over here.", "info", "Go back a move, or start a new game.")
            return
        self.messages.clear("error")
        self.referee.set_analysis(True)
        self._follow_engine()

    def _untaught(self) -> None:
        self.form.teach.setChecked(False)
        self.run()

    def stop(self) -> None:
        """No analysis, no engine's move, no job."""
        self.referee.stop()
        for handle in list(self._jobs):
            if handle not in (self.engine.handle, self.external.handle, self.exact.handle):
                handle.cancel()
        self.exact.stop()
        self._follow_engine()

    def demo(self) -> None:
        self._demo_wanted = True
        self.tabs.setCurrentIndex(0)
        if self.model.position.winner:
            self.model.back()
        self.run()

    def close_panel(self) -> None:
        self.results.comment.keep()
        self._live_curve.stop()
        self.referee.close()
        for view in self._stages.values():
            view.close_stage()
        self.engine.close()
        self.external.close()
        self.exact.close()
        super().close_panel()

    def open_path(self, path: Path) -> None:
        """Open an SGF file; a damaged one changes nothing."""
        self.referee.stop()
        self.model.open(path)
        self.tabs.setCurrentIndex(0)
        self._start_of_opened()

    def save_state(self) -> dict[str, Any]:
        stages = dict(self._stage_states)
        for number, view in self._stages.items():
            stages[STAGES[number - 1][0]] = view.save_state()
        return {
            "sgf": self.model.to_sgf(),
            "ply": self.model.ply,
            "dirty": self.model.is_dirty,
            "path": str(self.model.path) if self.model.path else "",
            "seats": self.form.seats.seats().as_state(),
            "engine": (self.form.engine.spec() or EngineSpec()).model_dump(mode="json"),
            "view": asdict(self.form.view()),
            "teaching": self.form.teaching(),
            "column": self._column_asked,
            "overlay": self.board_view.overlays.current(),
            "tab": self.tabs.currentIndex(),
            "stages": stages,
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        if isinstance(state.get("sgf"), str):
            try:
                self.model.load_text(state["sgf"])
                if isinstance(state.get("ply"), int):
                    self.model.to_end()
                    self.model.jump_to_ply(state["ply"])
                if not state.get("dirty"):
                    self.model.mark_saved()
            except UserError as error:
                self.show_message("The game of the last session could not be restored.", "warn", str(error))
        seats = Seats.of_state(state.get("seats"))
        self.form.seats.set_seats(seats)
        self.referee.seats = seats
        self.form.set_engine(state.get("engine"))
        self.form.set_view(ViewOptions.of_state(state.get("view")))
        self.form.set_teaching(state.get("teaching"))
        if isinstance(state.get("overlay"), str):
            self.board_view.overlays.set_current(state["overlay"])
        if isinstance(state.get("column"), bool):
            self._column_asked = state["column"]
        if isinstance(state.get("stages"), dict):
            self._stage_states = state["stages"]
        if isinstance(state.get("tab"), int) and 0 <= state["tab"] < self.tabs.count():
            self.tabs.setCurrentIndex(state["tab"])

    # -- what the user does -----------------------------------------------------------------------------------

    def play(self, move: int) -> None:
        """A move on the board, by mouse, keyboard or the table of moves."""
        if self.quiz.is_asking:
            self.quiz.answer(move)
            return
        self._clear_hint()
        self._try(lambda: self.referee.play(move))

    def take_back(self) -> None:
        self._try(self.referee.take_back)

    def let_network_move(self) -> None:
        self._try(self.referee.let_engine_move)

    def let_other_move(self) -> None:
        """The external engine plays for whoever is on turn."""
        self._try(self.referee.let_external_move)

    def ask_other(self) -> None:
        """What the external engine thinks of the position: on the board where it analyses, else in words."""
        if self.model.position.winner:
            self.show_passing("The game is over here.")
            return
        self.referee.set_analysis(False)
        self.external.judge(self.form.seats.seats().command, self.model.engine_position())

    def new_game(self, size: int, swap: str) -> None:
        """Begin again; unsaved moves can be brought back with undo."""
        self.referee.stop_thinking()
        self.quiz.end()

        def begin() -> None:
            self.model.new_game(size, swap)  # type: ignore[arg-type]

        if self._try(begin):
            self.results.forget()
            self.referee.begin()

    def review(self, simulations: int) -> None:
        """Analyse every position of the game on the board."""

        def begin() -> None:
            self.referee.set_analysis(False)
            self.reviewer.start(self.form.engine_spec(), simulations)
            self.results.begin_review()

        self._try(begin)

    def paste(self) -> None:
        """Open a game or a HexWorld link from the clipboard."""
        text = QGuiApplication.clipboard().text()
        if self._try(lambda: self.model.load_text(text)):
            self._start_of_opened()

    def copy_sgf(self) -> None:
        QGuiApplication.clipboard().setText(self.model.to_sgf())
        self.status_message.emit("Copied the game as SGF", "ok")

    def copy_link(self) -> None:
        def copy() -> None:
            QGuiApplication.clipboard().setText(self.model.to_link())
            self.status_message.emit("Copied a HexWorld link", "ok")

        self._try(copy)

    def open_dialog(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Open a game", "", "Hex games (*.sgf *.hex);;All files (*)")
        if chosen:
            self.open_checked(Path(chosen))

    def save(self) -> None:
        """Save where the game came from, or ask."""
        path = self.model.path
        if path is None:
            chosen, _ = QFileDialog.getSaveFileName(self, "Save the game", "game.sgf", "Hex games (*.sgf)")
            if not chosen:
                return
            path = Path(chosen)
            path = path if path.suffix else path.with_suffix(".sgf")
        if self._try(lambda: self.model.save(path)):
            self.status_message.emit(f"Saved {path}", "ok")

    def _try(self, action: Any) -> bool:
        """Do it; a user's mistake becomes a message and changes nothing."""
        self._clear_passing()
        try:
            action()
        except UserError as error:
            self.show_passing(error.what, "warn", error.remedy)
            return False
        return True

    def show_passing(
        self,
        text: str,
        kind: MessageKind = "info",
        remedy: str = "",
        action: tuple[str, Callable[[], None]] | None = None,
    ) -> None:
        """A message about the position shown or what was just tried: it goes with the next."""
        self._passing.append(self.show_message(text, kind, remedy, action))

    def _clear_passing(self) -> None:
        for message in self._passing:
            self.messages.remove(message)
        self._passing.clear()

    def _tell(self, text: str, kind: MessageKind) -> None:
        """The referee speaks; an engine that fails is more than a passing remark."""
        if kind == "error":
            self.show_message(text, kind)
        else:
            self.show_passing(text, kind)

    def _start_of_opened(self) -> None:
        self.quiz.end()
        self.results.forget()

    # -- the engine speaks ------------------------------------------------------------------------------------

    def _engine_changed(self, spec: Spec | None) -> None:
        if isinstance(spec, EngineSpec):
            self.engine.configure(spec)
            self.column.show_n0(spec.n0)

    def _analysed(self, snapshot: AnalysisSnapshot) -> None:
        self.teacher.see(snapshot)
        if self.referee.is_judging or not self.engine.is_about(self.model.engine_position()):
            return
        if self.teacher.is_on and not self.referee.analysis:
            return  # the learner sees no marks, not even on the engine's move
        self._show_snapshot(snapshot)
        if np.isfinite(snapshot.value):
            sign = 1.0 if snapshot.to_move == 1 else -1.0
            self._values[id(self.model.node)] = sign * snapshot.value
            if not self._live_curve.isActive():
                self._live_curve.start()
        if self._demo_wanted and snapshot.simulations >= DEMO_SIMULATIONS:
            self._demo_wanted = False
            self.referee.stop()
            self._follow_engine()
            self.demo_done.emit(_figures(snapshot))

    def _show_snapshot(self, snapshot: AnalysisSnapshot | None) -> None:
        self.board_view.show_snapshot(snapshot)
        self.column.show_snapshot(snapshot)

    def _other_analysed(self, snapshot: AnalysisSnapshot) -> None:
        """The external engine as judge."""
        if snapshot.size != self.model.size or snapshot.to_move != self.model.to_move:
            return
        if int(snapshot.visits.sum()) > 1:
            self._show_snapshot(snapshot)
        elif snapshot.best != -4:
            who = snapshot.note or "The other engine"
            self.show_passing(f"{who} would play {move_name(snapshot.best, snapshot.size)} here.")

    def _fail_demo(self, why: str) -> None:
        if self._demo_wanted:
            self._demo_wanted = False
            self.demo_failed.emit(why)

    def _follow_engine(self) -> None:
        """The Run button says what the stage shown is doing."""
        if self._current is not None:
            self.run_button.set_text(self._current.run_text)
            if self._main_job is None:
                self.run_button.set_state("idle")
            return
        self.run_button.set_text("Analyse")
        if self._main_job is None:
            searching = self.engine.is_searching and (self.referee.analysis or self.referee.is_thinking)
            self.run_button.set_state("running" if searching else "idle")

    def _thinking(self, text: str) -> None:
        self.board_view.set_thinking(text)
        self.status_message.emit(text or "Ready", "info")
        self._follow_engine()

    def _moved(self) -> None:
        """Another position, or only a note on this one, which leaves the analysis as it is."""
        position = self.model.engine_position()
        place = (self.model.tree, position["moves"], self.model.to_move, self.model.position.cells.tobytes())
        if place != self._place:
            self._place = place
            self._clear_hint()
            self._clear_passing()
            self.external.rest()
            self.board_view.show_snapshot(None)
            self.column.show_position(self.model.position)
        self.results.show_ply(self.model.ply)
        self.commands_changed.emit()

    def _game_replaced(self) -> None:
        self._values.clear()
        self.quiz.end()
        self.reviewer.stop()
        self.form.show_game(self.model.size, self.model.swap)
        self.results.forget()

    # -- previews, view ---------------------------------------------------------------------------------------

    def _preview_cell(self, cell: int) -> None:
        """Hovering a move that was searched shows how the search goes on after it."""
        snapshot = self.board_view.snapshot
        lines = snapshot.lines if snapshot is not None and self.board_view.overlays.current() else ()
        self._preview_line(next((line for line in lines if line and line[0] == cell), ()))

    def _preview_line(self, line: tuple[int, ...]) -> None:
        self.board_view.board.set_variation(line[: self.form.view().pv_length], self.model.to_move)

    def _show_view(self, view: ViewOptions) -> None:
        self.board_view.set_options(OverlayOptions(view.top, view.always_red, self.services.theme.is_dark))
        self.board_view.board.set_coordinates(view.coordinates)
        self.board_view.board.set_rotation(view.rotation)
        self.board_view.set_numbers(view.numbers)
        self.column.set_options(view.always_red, view.top)

    def _rotated(self, hour: int) -> None:
        view = self.form.view()
        if view.rotation != hour:
            self.form.set_view(ViewOptions(**{**asdict(view), "rotation": hour}))

    # -- review -----------------------------------------------------------------------------------------------

    def _reviewed(self, snapshot: ReviewSnapshot) -> None:
        if self._is_of_this_game():
            self.results.show_review(curve_of_review(snapshot), snapshot.size)

    def _is_of_this_game(self) -> bool:
        """Whether the review is of the game on the board; a new game may begin while it runs."""
        return bool(self.reviewer.nodes) and self.reviewer.nodes[0] is self.model.tree.root

    def _review_ended(self, whole: bool) -> None:
        self.results.end_review(whole)

    def _go_to_reviewed(self, ply: int) -> None:
        nodes = self.reviewer.nodes
        if self.results.shows_review and ply < len(nodes) and self._is_of_this_game():
            self.model.jump(nodes[ply])
        else:
            self.model.jump_to_ply(ply)

    # -- teaching ---------------------------------------------------------------------------------------------

    def _teaching_changed(self, on: bool, tolerance: int, hint_s: int) -> None:
        self.teacher.is_on = on
        self.teacher.tolerance = float(tolerance)
        self.teacher.hint_after_s = hint_s
        self.board_view.set_teaching(on)
        self.column.set_teaching(on)
        self._clear_hint()
        if on:
            self.referee.set_analysis(False)
            self._show_snapshot(None)
        self.referee.settle()
        self.exact.settle()

    def _objected(self, verdict: Verdict) -> None:
        self.show_passing(
            f"That move loses {verdict.loss:.0f} points of win chances "
            f"({verdict.before:.0f} % → {verdict.after:.0f} %). Try another.",
            "warn",
            "",
            ("Play it anyway", lambda: self.referee.insist(verdict)),
        )

    def _praised(self, verdict: Verdict) -> None:
        self.messages.clear("warn")
        self.status_message.emit(f"Your move keeps {verdict.after:.0f} % (best: {verdict.before:.0f} %)", "ok")

    def _hinted(self, cell: int) -> None:
        self._hint = cell
        self.board_view.board.set_variation((cell,), self.model.to_move)
        self.status_message.emit("A hint is shown on the board", "info")

    def _clear_hint(self) -> None:
        if self._hint >= 0:
            self._hint = -1
            self.board_view.board.set_variation(())

    # -- commands and exports ---------------------------------------------------------------------------------

    def commands(self) -> list[Command]:
        return [*super().commands(), *panel_commands(self)]

    def exports(self) -> list[Export]:
        stage = self._current
        return board_exports(self) if stage is None else stage.exports()

    def toggle_setup(self) -> None:
        """Paint stones instead of playing, or play again."""
        on = not self.board_view.is_setting_up
        self.referee.stop()
        self.board_view.set_setup(self.board_view.setup_bar.colour() if on else None)

    def choose_weights(self) -> None:
        """Use a network from a file of the user's."""
        chosen, _ = QFileDialog.getOpenFileName(self, "Choose a network", "", "Weights (*.safetensors);;All files (*)")
        if chosen:
            self.form.engine.set_values({"weights": chosen})


def _figures(snapshot: AnalysisSnapshot) -> dict[str, float | int | str]:
    """What the tour writes down."""
    return {
        "simulations": snapshot.simulations,
        "net_calls": snapshot.net_calls,
        "simulations_per_call": round(snapshot.simulations / max(snapshot.net_calls, 1), 2),
        "value": round(snapshot.value, 4),
        "depth": snapshot.depth,
        "seconds": round(snapshot.seconds, 3),
    }
