"""A map of pieces by their style to look at: points, names, groups, and which pieces the puck stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import Theme, font
from workbench.widgets.basics import percent
from workbench.widgets.canvas import Canvas
from workbench.widgets.class_colours import class_rgb
from workbench.widgets.roll_ink import ink_on

NEAR: Final = 3
"""How many pieces a blend is made of: more would be heard as none of them."""
MOST_NAMED: Final = 60


def blend_weights(points: np.ndarray, at: tuple[float, float], count: int = NEAR) -> tuple[np.ndarray, np.ndarray]:
    """(int [k], float64 [k]): the nearest of float [N, 2] points and their shares, which sum to 1.

    Shares fall with the square of the distance (Shepard 1968), and on a point itself all is that point's.
    """
    if not len(points):
        return np.zeros(0, int), np.zeros(0)
    distance = np.hypot(*(points - np.asarray(at)).T)
    nearest = np.argsort(distance, kind="stable")[:count]
    far = distance[nearest]
    if far[0] < 1e-9:
        return nearest[:1], np.ones(1)
    share = (far[0] / far) ** 2
    return nearest, share / share.sum()


class StyleMapCanvas(Canvas):
    """Points with names in groups, a puck, a way between two points. `StyleMap` adds what mouse and keyboard do.

    x, y: what the axes are.
    """

    def __init__(
        self,
        theme: Theme,
        name: str = "Map of styles",
        *,
        x: str = "first axis",
        y: str = "second axis",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, parent)
        self._axes = (x, y)
        self._points = np.zeros((0, 2))
        self._names: tuple[str, ...] = ()
        self._groups: tuple[str, ...] = ()
        self._group_of = np.zeros(0, int)
        self._puck = (0.0, 0.0)
        self._has_puck = False  # whether somebody put it somewhere
        self._route: tuple[int, int, float] | None = None
        self._marks: tuple[tuple[str, float, float], ...] = ()
        self._chosen = -1
        self._hovered = -1
        self._is_held = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 160)
        self._describe()

    def sizeHint(self) -> QSize:
        return QSize(360, 340)

    # -- what it shows ----------------------------------------------------------------------------------------

    @property
    def puck(self) -> tuple[float, float]:
        return self._puck

    @property
    def chosen(self) -> int:
        """Index of the point that was chosen last, -1 for none."""
        return self._chosen

    def set_points(
        self, points: np.ndarray, names: Sequence[str], groups: Sequence[str] | None = None, *, keep_puck: bool = True
    ) -> None:
        """Show float [N, 2] points with N names, in the colours of their N groups (a composer, a data set).

        The puck goes to the middle unless it is kept and still on the map. Raises ValueError for other shapes.
        """
        points = np.asarray(points, np.float64).reshape(-1, 2)
        if len(names) != len(points) or (groups is not None and len(groups) != len(points)):
            raise ValueError(f"expected {len(points)} names and groups, got {len(names)}")
        if not np.isfinite(points).all():
            raise ValueError("expected finite points, got NaN or infinity")
        self._points, self._names = points, tuple(names)
        self._groups = tuple(dict.fromkeys(groups)) if groups is not None else ()
        self._group_of = np.array([self._groups.index(g) for g in groups or ()], int)
        self._chosen = self._hovered = -1
        self._route = None
        left, right, low, high = self._extent()
        self._has_puck = self._has_puck and keep_puck
        if not self._has_puck or not (left <= self._puck[0] <= right and low <= self._puck[1] <= high):
            self._puck = (float(points[:, 0].mean()), float(points[:, 1].mean())) if len(points) else (0.0, 0.0)
        self._describe()
        self.refresh()

    def set_axes(self, x: str, y: str) -> None:
        """What the axes are, with the share of the spread that each explains."""
        self._axes = (x, y)
        self.refresh()

    def set_puck(self, x: float, y: float) -> None:
        """Put the puck somewhere; emits nothing."""
        self._puck, self._has_puck = self._clipped(x, y), True
        self._describe()
        self.update()

    def set_route(self, a: int, b: int, alpha: float) -> None:
        """Show the way between two points and how far along it one is, alpha in [0, 1]; a = −1 takes it away."""
        count = len(self._points)
        self._route = (a, b, min(max(alpha, 0.0), 1.0)) if 0 <= a < count and 0 <= b < count else None
        self.update()

    def set_marks(self, marks: Sequence[tuple[str, float, float]]) -> None:
        """Further places with names, such as where a result came to lie: (name, x, y)."""
        self._marks = tuple(marks)
        self.refresh()

    def weights(self, count: int = NEAR) -> tuple[np.ndarray, np.ndarray]:
        """Indices and shares of the pieces that the puck stands for; see `blend_weights`."""
        return blend_weights(self._points, self._puck, count)

    def in_words(self) -> str:
        """The blend under the puck: "Chorale 61 %, Ragtime 28 %, Étude 11 %"."""
        which, share = self.weights()
        return ", ".join(f"{self._names[k]} {percent(s, 0)}" for k, s in zip(which, share, strict=True))

    def columns(self) -> Mapping[str, np.ndarray]:
        if not len(self._points):
            return {}
        out = {"name": np.array(self._names), self._axes[0]: self._points[:, 0], self._axes[1]: self._points[:, 1]}
        if self._groups:
            out["group"] = np.array(self._groups)[self._group_of]
        return out

    # -- where things are -------------------------------------------------------------------------------------

    def _extent(self) -> tuple[float, float, float, float]:
        """left, right, low, high of what is shown, in the units of the points."""
        every = [self._points, np.array([m[1:] for m in self._marks]).reshape(-1, 2)]
        xy = np.concatenate(every)
        if not len(xy):
            return -1.0, 1.0, -1.0, 1.0
        low, high = xy.min(axis=0), xy.max(axis=0)
        pad = max(0.12 * float((high - low).max()), 1e-6)
        return float(low[0] - pad), float(high[0] + pad), float(low[1] - pad), float(high[1] + pad)

    def _room(self, target: QRect) -> QRectF:
        line = QFontMetricsF(font("small")).height()
        return QRectF(target).adjusted(line + 8, 6, -6, -line - 8 - self._legend_height(target))

    def _legend_height(self, target: QRect) -> float:
        return len(self._legend_rows(target)) * (QFontMetricsF(font("small")).height() + 3)

    def _legend_rows(self, target: QRect) -> list[list[int]]:
        """Groups on each line of the legend."""
        if len(self._groups) < 2:
            return []
        metrics = QFontMetricsF(font("small"))
        rows: list[list[int]] = [[]]
        used = 0.0
        for k, group in enumerate(self._groups):
            width = metrics.horizontalAdvance(group) + 26
            if used + width > target.width() - 12 and rows[-1]:
                rows.append([])
                used = 0.0
            rows[-1].append(k)
            used += width
        return rows[:3]

    def _place(self, room: QRectF, x: float, y: float) -> QPointF:
        """One scale for both axes: distances on the map are distances of style."""
        left, right, low, high = self._extent()
        scale = min(room.width() / (right - left), room.height() / (high - low))
        centre = room.center()
        return QPointF(centre.x() + (x - (left + right) / 2) * scale, centre.y() - (y - (low + high) / 2) * scale)

    def place_of(self, x: float, y: float) -> QPointF:
        """Where a point of the map lies in the widget."""
        return self._place(self._room(self.rect()), x, y)

    def point_at(self, at: QPointF) -> tuple[float, float]:
        """The point of the map at a place of the widget."""
        left, right, low, high = self._extent()
        room = self._room(self.rect())
        scale = min(room.width() / (right - left), room.height() / (high - low))
        return (
            (left + right) / 2 + (at.x() - room.center().x()) / scale,
            (low + high) / 2 - (at.y() - room.center().y()) / scale,
        )

    def _clipped(self, x: float, y: float) -> tuple[float, float]:
        left, right, low, high = self._extent()
        return min(max(x, left), right), min(max(y, low), high)

    # -- painting ---------------------------------------------------------------------------------------------

    def _colour(self, index: int) -> QColor:
        if not self._groups:
            return QColor(self.theme.series(0))
        rgb = class_rgb(max(len(self._groups), 1), self.theme.is_dark)[self._group_of[index]]
        return QColor(*(int(v) for v in rgb))

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        room = self._room(target)
        c = self.colours
        painter.setPen(QPen(QColor(c.border), 1))
        painter.setBrush(QColor(c.surface))
        painter.drawRoundedRect(room, 6, 6)
        self._paint_axes(painter, room, target)
        if not len(self._points):
            painter.setPen(QColor(c.muted))
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, "No pieces yet")
            return
        painter.save()
        painter.setClipRect(room)
        for k, (x, y) in enumerate(self._points.tolist()):
            painter.setPen(QPen(QColor(c.surface), 1.5))
            painter.setBrush(self._colour(k))
            painter.drawEllipse(self._place(room, x, y), 5, 5)
        self._paint_names(painter, room)
        for name, x, y in self._marks:
            self._paint_mark(painter, self._place(room, x, y), name)
        painter.restore()
        if not self.is_layer:
            painter.save()
            self._paint_puck(painter, room)
            painter.restore()

    def _paint_axes(self, painter: QPainter, room: QRectF, target: QRect) -> None:
        metrics = QFontMetricsF(font("small"))
        painter.setFont(font("small"))
        painter.setPen(QColor(self.colours.muted))
        below = QRectF(room.left(), room.bottom() + 3, room.width(), metrics.height() + 2)
        right = Qt.TextElideMode.ElideRight
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, metrics.elidedText(self._axes[0], right, room.width()))
        painter.save()
        painter.translate(room.left() - 4, room.center().y())
        painter.rotate(-90)
        beside = QRectF(-room.height() / 2, -metrics.height() - 1, room.height(), metrics.height() + 2)
        painter.drawText(beside, Qt.AlignmentFlag.AlignCenter, metrics.elidedText(self._axes[1], right, room.height()))
        painter.restore()
        y = below.bottom() + 2
        rgb = class_rgb(max(len(self._groups), 1), self.theme.is_dark)
        for row in self._legend_rows(target):
            x = room.left()
            for k in row:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(*(int(v) for v in rgb[k])))
                painter.drawEllipse(QPointF(x + 5, y + metrics.height() / 2), 4.5, 4.5)
                painter.setPen(QColor(self.colours.text))
                painter.drawText(QPointF(x + 13, y + metrics.ascent()), self._groups[k])
                x += metrics.horizontalAdvance(self._groups[k]) + 26
            y += metrics.height() + 3

    def _paint_names(self, painter: QPainter, room: QRectF) -> None:
        """Names beside their points, as many as do not touch each other or a point."""
        if len(self._points) > MOST_NAMED:
            return
        metrics = QFontMetricsF(font("small"))
        painter.setFont(font("small"))
        painter.setPen(QColor(self.colours.muted))
        spots = [self._place(room, x, y) for x, y in self._points.tolist()]
        taken = [QRectF(p.x() - 6, p.y() - 6, 12, 12) for p in spots]
        for k, spot in enumerate(spots):
            text = metrics.elidedText(self._names[k], Qt.TextElideMode.ElideRight, 130)
            width, height = metrics.horizontalAdvance(text), metrics.height()
            for corner in (
                QPointF(spot.x() + 11, spot.y() - height / 2),
                QPointF(spot.x() - 11 - width, spot.y() - height / 2),
                QPointF(spot.x() - width / 2, spot.y() + 9),
                QPointF(spot.x() - width / 2, spot.y() - 9 - height),
            ):
                box = QRectF(corner.x(), corner.y(), width, height)
                if room.contains(box) and not any(box.intersects(t) for i, t in enumerate(taken) if i != k):
                    taken.append(box)
                    painter.drawText(QPointF(box.left(), box.top() + metrics.ascent()), text)
                    break

    def _paint_mark(self, painter: QPainter, at: QPointF, name: str) -> None:
        """A diamond with its name, for a place that is no piece of the map."""
        painter.setPen(QPen(QColor(self.colours.surface), 1.5))
        painter.setBrush(QColor(self.colours.text))
        painter.drawPolygon(QPolygonF([at + QPointF(*d) for d in ((0, -8), (7, 0), (0, 8), (-7, 0))]))
        self._paint_tag(painter, at + QPointF(0, 20), name)

    def _paint_tag(self, painter: QPainter, at: QPointF, text: str, ground: str | None = None) -> None:
        """Letters on a small plate whose middle is at a place, moved to stay inside."""
        metrics = QFontMetricsF(font("small"))
        box = QRectF(0, 0, metrics.horizontalAdvance(text) + 12, metrics.height() + 4)
        box.moveCenter(at)
        room = QRectF(self.rect()).adjusted(4, 4, -4, -4)
        box.moveLeft(min(max(box.left(), room.left()), max(room.right() - box.width(), room.left())))
        colour = QColor(ground or self.colours.surface)
        painter.setPen(QPen(QColor(self.colours.border), 1))
        painter.setBrush(colour)
        painter.drawRoundedRect(box, 4, 4)
        painter.setFont(font("small"))
        painter.setPen(ink_on(colour) if ground else QColor(self.colours.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def paint_over(self, painter: QPainter) -> None:
        if len(self._points):
            self._paint_puck(painter, self._room(self.rect()))

    def _paint_puck(self, painter: QPainter, room: QRectF) -> None:
        """Route, puck, and lines to the pieces that it stands for, as thick as their shares."""
        painter.setClipRect(room.adjusted(-2, -2, 2, 2))
        c, puck = self.colours, self._place(room, *self._puck)
        which, share = self.weights()
        if self._route is not None:
            self._paint_route(painter, room, *self._route)
        for k, s in zip(which, share, strict=True):
            there = self._place(room, *self._points[k])
            painter.setPen(QPen(QColor(c.accent), 1 + 5 * s, c=Qt.PenCapStyle.RoundCap))
            painter.drawLine(puck, there)
        for k, s in zip(which, share, strict=True):
            there = self._place(room, *self._points[k])
            painter.setPen(QPen(QColor(c.accent), 2))
            painter.setBrush(self._colour(int(k)))
            painter.drawEllipse(there, 5 + 3 * s, 5 + 3 * s)
        if 0 <= self._chosen < len(self._points):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(c.text), 2))
            painter.drawEllipse(self._place(room, *self._points[self._chosen]), 10, 10)
        painter.setPen(QPen(QColor(c.surface), 3))
        painter.setBrush(QColor(c.accent))
        painter.drawEllipse(puck, 10, 10)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(c.on_accent))
        painter.drawEllipse(puck, 3, 3)
        if 0 <= self._hovered < len(self._points) and not self._is_held:
            spot = self._place(room, *self._points[self._hovered])
            self._paint_tag(painter, spot - QPointF(0, 18), self._names[self._hovered])

    def _paint_route(self, painter: QPainter, room: QRectF, a: int, b: int, alpha: float) -> None:
        ends = [self._place(room, *self._points[k]) for k in (a, b)]
        painter.setPen(QPen(QColor(self.colours.text), 1.5, Qt.PenStyle.DashLine))
        painter.drawLine(*ends)
        for letter, end in zip("AB", ends, strict=True):
            painter.setPen(QPen(QColor(self.colours.surface), 1.5))
            painter.setBrush(QColor(self.colours.text))
            painter.drawEllipse(end, 9, 9)
            painter.setFont(font("small"))
            painter.setPen(QColor(self.colours.surface))
            painter.drawText(QRectF(end.x() - 9, end.y() - 9, 18, 18), Qt.AlignmentFlag.AlignCenter, letter)
        at = ends[0] + (ends[1] - ends[0]) * alpha
        painter.setPen(QPen(QColor(self.colours.text), 2))
        painter.setBrush(QColor(self.colours.surface))
        painter.drawEllipse(at, 5, 5)

    def _describe(self) -> None:
        count = len(self._points)
        self.setAccessibleDescription(f"{count} pieces. The puck: {self.in_words()}" if count else "No pieces yet")
