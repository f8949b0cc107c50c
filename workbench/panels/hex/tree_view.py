"""The variation tree, painted: click or walk through a game and its branches."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFont,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from engines.hex.coordinates import move_name
from engines.hex.gametree import GameTree, Node
from engines.hex.rules import PASS, RESIGN, SWAP
from workbench.panels.hex.mistakes import Severity
from workbench.panels.hex.tree_layout import TreeLayout, lay_out
from workbench.panels.hex.win_graph import SEVERITY_COLOURS
from workbench.widgets.hexboard.look import PLAYER_NAMES, look_for

PITCH = 30
"""Pixels from one move to the next and from one lane to the next."""
RADIUS = 10.5
_SIGNS = {SWAP: "⇄", RESIGN: "×", PASS: "–"}


class VariationTreeView(QAbstractScrollArea):
    """Moves from left to right, branches below the line they leave.

    `node_chosen(Node)`: the user wants to see it. `menu_asked(Node, QPoint)`: a right click, in global
    pixels.
    Keys: Left and Right along the line, Up and Down between branches, Home, End, Delete
    (`delete_asked(Node)`).
    """

    node_chosen = Signal(object)
    menu_asked = Signal(object, object)
    delete_asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size = 11
        self._layout: TreeLayout = lay_out(Node())
        self._current: Node = self._layout.nodes[0]
        self._on_path: np.ndarray = np.ones(1, bool)
        self._severities: dict[int, Severity] = {}
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Variation tree")
        self.viewport().setMouseTracking(True)
        self.viewport().setBackgroundRole(QPalette.ColorRole.Base)
        self.viewport().setAutoFillBackground(True)
        self.horizontalScrollBar().setSingleStep(PITCH)
        self.verticalScrollBar().setSingleStep(PITCH)
        self._measure()

    # -- what it shows ---------------------------------------------------------------------------------------

    @property
    def current(self) -> Node:
        return self._current

    @property
    def layout_of_tree(self) -> TreeLayout:
        return self._layout

    def set_tree(self, tree: GameTree) -> None:
        """Show a tree (again, after it changed) with its cursor as the current node."""
        self._size = tree.size
        self._layout = lay_out(tree.root)
        self._measure()
        self.set_current(tree.cursor)

    def set_current(self, node: Node) -> None:
        """Mark a node of the tree shown and scroll to it."""
        index = self._layout.index_of(node)
        if index < 0:
            raise ValueError("expected a node of the tree that is shown")
        self._current = node
        self._on_path = np.zeros(len(self._layout.nodes), bool)
        while index >= 0:
            self._on_path[index] = True
            index = int(self._layout.parent[index])
        self._scroll_to(node)
        self.setAccessibleDescription(self.describe(node))
        self.viewport().update()

    def set_severities(self, severities: Mapping[Node, Severity]) -> None:
        """Underline nodes whose move was a mistake."""
        self._severities = {id(node): kind for node, kind in severities.items() if kind != "fine"}
        self.viewport().update()

    def describe(self, node: Node) -> str:
        """A node in words."""
        number = int(self._layout.depth[self._layout.index_of(node)])
        if node.move is None:
            said = "beginning" if node.parent is None else f"{number}. stones set up"
        else:
            said = f"{number}. {PLAYER_NAMES.get(node.colour, '')} {move_name(node.move, self._size)}"
        if len(node.children) > 1:
            said += f", {len(node.children)} variations follow"
        kind = self._severities.get(id(node))
        return said + (f", {kind}" if kind else "") + (f": {node.comment.strip()}" if node.comment else "")

    # -- places ----------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(420, 140)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 64)

    def place(self, node: Node) -> QPointF:
        """The middle of a node in viewport pixels."""
        index = self._layout.index_of(node)
        return QPointF(
            PITCH * (int(self._layout.depth[index]) + 0.6) - self.horizontalScrollBar().value(),
            PITCH * (int(self._layout.lane[index]) + 0.6) - self.verticalScrollBar().value(),
        )

    def node_at(self, x: float, y: float) -> Node | None:
        """The node under a point of the viewport."""
        column = (x + self.horizontalScrollBar().value()) / PITCH - 0.1
        lane = (y + self.verticalScrollBar().value()) / PITCH - 0.1
        return self._layout.at(int(column), int(lane)) if column >= 0 and lane >= 0 else None

    def _measure(self) -> None:
        view = self.viewport().size()
        for bar, count, room in (
            (self.horizontalScrollBar(), self._layout.columns, view.width()),
            (self.verticalScrollBar(), self._layout.lanes, view.height()),
        ):
            bar.setRange(0, max(round(PITCH * (count + 0.3)) - room, 0))
            bar.setPageStep(room)

    def _scroll_to(self, node: Node) -> None:
        at, view = self.place(node), self.viewport().size()
        for bar, place, room in (
            (self.horizontalScrollBar(), at.x(), view.width()),
            (self.verticalScrollBar(), at.y(), view.height()),
        ):
            edge = min(2 * PITCH, room // 3)
            if place < edge:
                bar.setValue(bar.value() + round(place) - edge)
            elif place > room - edge:
                bar.setValue(bar.value() + round(place) - room + edge)

    # -- painting --------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        seen = self._visible(event.rect())
        self._paint_lines(painter, seen)
        for index in seen:
            self._paint_node(painter, self._layout.nodes[index], bool(self._on_path[index]))
        painter.end()

    def _visible(self, rect: QRect) -> list[int]:
        """Nodes in the rectangle, and those whose line to their parent crosses it."""
        layout, left, top = self._layout, self.horizontalScrollBar().value(), self.verticalScrollBar().value()
        first, last = (rect.left() + left) // PITCH - 1, (rect.right() + left) // PITCH + 1
        low, high = (rect.top() + top) // PITCH - 1, (rect.bottom() + top) // PITCH + 1
        parent_lane = layout.lane[np.maximum(layout.parent, 0)]
        inside = (layout.depth >= first) & (layout.depth <= last) & (layout.lane >= low) & (parent_lane <= high)
        return np.flatnonzero(inside).tolist()

    def _paint_lines(self, painter: QPainter, seen: list[int]) -> None:
        faint = self.palette().color(QPalette.ColorRole.Mid)
        strong = self.palette().color(QPalette.ColorRole.Highlight)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for on_path in (False, True):
            painter.setPen(QPen(strong if on_path else faint, 2.0 if on_path else 1.5))
            path = QPainterPath()
            for index in seen:
                above = int(self._layout.parent[index])
                if above < 0 or bool(self._on_path[index]) is not on_path:
                    continue
                start, end = self.place(self._layout.nodes[above]), self.place(self._layout.nodes[index])
                path.moveTo(start)
                if end.y() > start.y():  # down along the parent's column, then into the lane
                    path.lineTo(start.x(), end.y() - PITCH / 2)
                    path.quadTo(QPointF(start.x(), end.y()), QPointF(start.x() + PITCH / 2, end.y()))
                path.lineTo(end)
            painter.drawPath(path)

    def _paint_node(self, painter: QPainter, node: Node, on_path: bool) -> None:
        at = self.place(node)
        look = look_for(self.palette())
        is_stone = node.move is not None and node.colour in (1, 2)
        fill = look.stone(node.colour) if is_stone else self.palette().color(QPalette.ColorRole.Button)
        painter.setOpacity(1.0 if on_path or node is self._current else 0.62)
        if node is self._current:
            ring = self.palette().color(QPalette.ColorRole.Highlight)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ring)
            painter.drawEllipse(at, RADIUS + 3.5, RADIUS + 3.5)
            painter.setBrush(self.palette().color(QPalette.ColorRole.Base))
            painter.drawEllipse(at, RADIUS + 1.5, RADIUS + 1.5)
        painter.setBrush(fill)
        edge = fill.darker(135) if is_stone else self.palette().color(QPalette.ColorRole.Mid)
        painter.setPen(QPen(edge, 1.0))
        if node.move is None:
            painter.drawRoundedRect(QRectF(at.x() - 8, at.y() - 8, 16, 16), 3, 3)
        else:
            painter.drawEllipse(at, RADIUS, RADIUS)
        text = self._text(node)
        if text:
            self._fit_font(painter, text)
            ink = QColor("#ffffff") if is_stone else self.palette().color(QPalette.ColorRole.Text)
            painter.setPen(ink)
            box = QRectF(at.x() - PITCH / 2, at.y() - RADIUS, PITCH, 2 * RADIUS)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.setOpacity(1.0)
        self._paint_notes(painter, node, at)

    def _fit_font(self, painter: QPainter, text: str) -> None:
        font = QFont(self.font())
        font.setPixelSize(8 if len(text) > 2 else 13 if text in _SIGNS.values() else 10)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)

    def _text(self, node: Node) -> str:
        if node.move is None:
            return "" if node.parent is None else "+"
        return _SIGNS.get(node.move) or move_name(node.move, self._size)

    def _paint_notes(self, painter: QPainter, node: Node, at: QPointF) -> None:
        kind = self._severities.get(id(node))
        if kind is not None:
            dark = look_for(self.palette()).dark
            painter.setPen(QPen(QColor(SEVERITY_COLOURS[dark][kind]), 3, c=Qt.PenCapStyle.RoundCap))
            painter.drawLine(at + QPointF(-7, RADIUS + 3), at + QPointF(7, RADIUS + 3))
        if node.comment:
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Base), 1.5))
            painter.setBrush(look_for(self.palette()).accent)
            painter.drawEllipse(at + QPointF(RADIUS * 0.8, -RADIUS * 0.8), 3.6, 3.6)

    # -- mouse and keys --------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        node = self.node_at(event.position().x(), event.position().y())
        if node is not None and event.button() == Qt.MouseButton.LeftButton:
            self.node_chosen.emit(node)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        at = event.pos()
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        node = self.node_at(at.x(), at.y()) if by_mouse else self._current
        if node is not None:
            self.menu_asked.emit(node, event.globalPos())

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            node = self.node_at(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), self.describe(node) if node else "", self.viewport())
            return True
        if event.type() == QEvent.Type.Resize:
            self._measure()
            self._scroll_to(self._current)
        return super().viewportEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Delete and self._current.parent is not None:
            self.delete_asked.emit(self._current)
            return
        target = self._target(key)
        if target is None:
            super().keyPressEvent(event)
        elif target is not self._current:
            self.node_chosen.emit(target)

    def _target(self, key: Qt.Key) -> Node | None:
        """Where a key leads from the current node; None if it is no key of ours."""
        here = self._current
        if key == Qt.Key.Key_Left:
            return here.parent or here
        if key == Qt.Key.Key_Right:
            return here.children[0] if here.children else here
        if key == Qt.Key.Key_Home:
            return self._layout.nodes[0]
        if key == Qt.Key.Key_End:
            return here.last
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            return self._beside(1 if key == Qt.Key.Key_Down else -1)
        return None

    def _beside(self, step: int) -> Node:
        """The nearest node in the same column above or below."""
        layout, index = self._layout, self._layout.index_of(self._current)
        same = np.flatnonzero(layout.depth == layout.depth[index])
        away = (layout.lane[same] - layout.lane[index]) * step
        ahead = same[away > 0]
        if not len(ahead):
            return self._current
        return layout.nodes[int(ahead[np.argmin(np.abs(layout.lane[ahead] - layout.lane[index]))])]
