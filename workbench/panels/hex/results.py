"""Below the board: the win-rate graph, the tree of variations, and the review with its biggest mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSpinBox,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from engines.hex.gametree import Node
from workbench.panels.hex.comment_box import CommentBox
from workbench.panels.hex.game import GameModel
from workbench.panels.hex.mistakes import Thresholds, WinCurve, curve_of_values
from workbench.panels.hex.tree_view import VariationTreeView
from workbench.panels.hex.win_graph import MistakesList, ThresholdBar, WinRateGraph
from workbench.theme import GRID, Theme
from workbench.widgets.basics import label, set_enabled


class ResultsZone(QWidget):
    """Signals: ply_asked(ply) from the graph or the list; review_asked(simulations), stop_review_asked();
    quiz_asked()."""

    ply_asked = Signal(int)
    review_asked = Signal(int)
    stop_review_asked = Signal()
    quiz_asked = Signal()

    def __init__(self, theme: Theme, model: GameModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._curve: WinCurve | None = None
        self._size = model.size
        self.shows_review = False
        self._reviewing = False
        self._reviewed: tuple[Node, ...] = ()
        self.graph = WinRateGraph(theme)
        self.tree = VariationTreeView()
        self.mistakes = MistakesList(theme)
        self.thresholds = ThresholdBar()
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        self.comment = CommentBox(model)
        split.addWidget(self._titled("Win rate", self.graph, beside=self._threshold_button()))
        split.addWidget(self._titled("Variations", self.tree, self.comment))
        split.addWidget(self._titled("Biggest mistakes", self.mistakes, self._review_row()))
        split.setSizes([420, 320, 300])
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID, 0, GRID, GRID // 2)
        rows.addWidget(split)
        self.graph.ply_clicked.connect(self.ply_asked)
        self.mistakes.ply_chosen.connect(self.ply_asked)
        self.thresholds.changed.connect(self._rethreshold)
        self.tree.node_chosen.connect(model.jump)
        self.tree.menu_asked.connect(self._show_menu)
        self.tree.delete_asked.connect(model.delete_branch)  # asked for moves only, never for the beginning
        for change in (model.game_replaced, model.tree_changed):
            change.connect(lambda: self.tree.set_tree(model.tree))
        model.position_changed.connect(lambda: self.tree.set_current(model.node))
        self.tree.set_tree(model.tree)
        self.mistakes.set_curve(None, Thresholds(), self._size)

    def forget(self) -> None:
        """Another game: what is shown here was of the one before."""
        self.shows_review = False
        self._show(None)

    def show_ply(self, ply: int) -> None:
        self.graph.set_ply(ply)

    def show_live(self, line: Sequence[Node], values: Mapping[int, float], size: int) -> None:
        """What live analysis has found along `line`; a review on show is not replaced.

        values: Red's value in [-1, 1] by id of the node.
        """
        if self.shows_review or self._reviewing:
            return
        self._size = size
        red = np.array([values.get(id(node), np.nan) for node in line])
        moves = [node.move if node.move is not None else -3 for node in line[1:]]
        players = [node.colour or 1 + (number % 2) for number, node in enumerate(line[1:])]
        self._show(curve_of_values(red, players, moves))

    def begin_review(self) -> None:
        self._reviewing = True
        self._reviewed = tuple(self._model.line()[1:])
        self._start.setText("Stop")
        self._start.setToolTip("Stop the review; what it found stays")

    def show_review(self, curve: WinCurve, size: int) -> None:
        self.shows_review = True
        self._size = size
        self._show(curve)

    def end_review(self, whole: bool) -> None:
        self._reviewing = False
        self._start.setText("Review the game")
        self._start.setToolTip("Analyse every position of the game on the board (Ctrl+R)")
        found = self._curve is not None and bool((np.nan_to_num(self._curve.loss) > 0).any())
        set_enabled(self._quiz, "" if found else "The review found no mistakes", "Ask these positions as a quiz")

    def ask_review(self) -> None:
        """What the button does."""
        if self._reviewing:
            self.stop_review_asked.emit()
        else:
            self.review_asked.emit(self._simulations.value())

    def _show_menu(self, node: Node, at: QPoint) -> None:
        """What can be done with a move of the tree."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Go here", lambda: self._model.jump(node))
        actions = (
            menu.addAction("Make this the main line", lambda: self._model.promote(node)),
            menu.addAction("Delete this branch", lambda: self._model.delete_branch(node)),
        )
        for action in actions:
            action.setEnabled(node.parent is not None)
        menu.popup(at)

    def _threshold_button(self) -> QToolButton:
        """What counts as a mistake, folded into a menu: it is seldom changed."""
        button = QToolButton()
        button.setText("Thresholds")
        button.setToolTip("Points of win % from which a move counts as inaccuracy, mistake or blunder")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        action = QWidgetAction(menu)
        action.setDefaultWidget(self.thresholds)
        menu.addAction(action)
        button.setMenu(menu)
        return button

    def _show(self, curve: WinCurve | None) -> None:
        self._curve = curve
        self.graph.set_curve(curve)
        self._tell_tree(curve)
        self.mistakes.set_curve(curve if self.shows_review else None, self.thresholds.thresholds, self._size)

    def _tell_tree(self, curve: WinCurve | None) -> None:
        """Underline a reviewed game's mistakes in the tree."""
        if curve is None or not self.shows_review:
            self.tree.set_severities({})
            return
        nodes = self._reviewed
        kinds = [self.thresholds.thresholds.severity(float(loss)) for loss in curve.loss]
        self.tree.set_severities(dict(zip(nodes, kinds, strict=False)))

    def _rethreshold(self, thresholds: Thresholds) -> None:
        self.graph.set_thresholds(thresholds)
        self._show(self._curve)

    def _review_row(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        self._simulations = QSpinBox()
        self._simulations.setRange(1, 1_000_000)
        self._simulations.setValue(200)
        self._simulations.setSuffix(" sims")
        self._simulations.setMaximumWidth(112)
        self._simulations.setAccessibleName("Simulations for each position of the review")
        self._simulations.setToolTip("Simulations for each position of the game")
        self._start = QPushButton("Review the game")
        self._start.setToolTip("Analyse every position of the game on the board (Ctrl+R)")
        self._start.clicked.connect(self.ask_review)
        self._quiz = QPushButton("Quiz")
        set_enabled(self._quiz, "Review a game first")
        self._quiz.clicked.connect(lambda: self.quiz_asked.emit())
        row.addWidget(self._simulations)
        row.addWidget(self._start, 1)
        row.addWidget(self._quiz)
        return box

    def _titled(
        self, title: str, content: QWidget, below: QWidget | None = None, beside: QWidget | None = None
    ) -> QWidget:
        box = QWidget()
        rows = QVBoxLayout(box)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        head = QHBoxLayout()
        head.addWidget(label(title, "small", muted=True), 1)
        if beside is not None:
            head.addWidget(beside)
        rows.addLayout(head)
        rows.addWidget(content, 3)
        if below is not None:
            rows.addWidget(below, 1 if isinstance(below, CommentBox) else 0)
        return box
