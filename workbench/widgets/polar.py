"""A dial: an angle to drag, and rings that say what each network answers at every angle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import GRID, Theme, font
from workbench.widgets.basics import percent
from workbench.widgets.canvas import Canvas, image_of
from workbench.widgets.class_colours import class_rgb, shade, short_names
from workbench.widgets.pixels import rgba_of, wants_light_ink
from workbench.widgets.polar_legend import Legend, Ring, legend_height, paint_legend
from workbench.widgets.polar_raster import PolarRaster, runs

__all__ = ["PolarDial", "Ring"]

SNAP: Final = 15.0
"""Degrees that Shift, Page Up and Page Down step by."""
_STEPS: Final = {
    Qt.Key.Key_Left: 1.0, Qt.Key.Key_Up: 1.0, Qt.Key.Key_Right: -1.0, Qt.Key.Key_Down: -1.0,
    Qt.Key.Key_PageUp: SNAP, Qt.Key.Key_PageDown: -SNAP,
}  # fmt: skip


class PolarDial(Canvas):
    """Degrees run counter-clockwise from the top, as the picture turns: its upper edge points at the handle.

    Signals: `angle_changing(degrees)` while dragging, `angle_changed(degrees)` at the end of a drag and for
    every key and notch of the wheel; degrees in [0, 360). Shift snaps to 15°. Keys: arrows turn by 1°, Page Up
    and Page Down by 15°, Home goes to 0. The wheel turns it while it has the focus.
    """

    angle_changing = Signal(float)
    angle_changed = Signal(float)

    def __init__(
        self, theme: Theme, name: str = "Rotation dial", *, legend: bool = True, parent: QWidget | None = None
    ) -> None:
        """legend: say below or beside the dial what each ring answers at the handle."""
        super().__init__(theme, name, parent)
        self._with_legend = legend
        self._angle = 0.0
        self._rings: tuple[Ring, ...] = ()
        self._names: tuple[str, ...] = ()
        self._short: tuple[str, ...] = ()
        self._label = -1
        self._picture: QImage | None = None
        self._is_dragged = False
        self._raster: PolarRaster | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 180)
        self._describe()

    # -- what it shows ----------------------------------------------------------------------------------------

    @property
    def angle(self) -> float:
        """Degrees in [0, 360), counter-clockwise."""
        return self._angle

    @property
    def rings(self) -> tuple[Ring, ...]:
        return self._rings

    def set_angle(self, degrees: float) -> None:
        """Turn to an angle; emits nothing."""
        self._angle = degrees % 360.0
        self._describe()
        self.update()

    def set_rings(self, rings: Sequence[Ring], class_names: Sequence[str], *, label: int = -1) -> None:
        """Show rings, the first outermost. label: the true class; where a network answers otherwise a line runs
        along its ring. Raises ValueError where classes and confidence of a ring differ in length."""
        for ring in rings:
            if ring.classes.shape != ring.confidence.shape or ring.classes.ndim != 1:
                raise ValueError(f"{ring.name}: expected [A] twice, got {ring.classes.shape}, {ring.confidence.shape}")
        self._rings, self._names, self._label = tuple(rings), tuple(class_names), label
        self._short = short_names(self._names)
        self._describe()
        self.refresh()

    def set_picture(self, picture: np.ndarray | None) -> None:
        """The picture in the middle as it is fed to the networks, turned already: [H, W] or [C, H, W]."""
        self._picture = None if picture is None else image_of(rgba_of(picture))
        self.update()

    def describe(self, degrees: float) -> str:
        """What all networks answer at an angle."""
        lines = [f"{degrees:.0f}°"]
        for ring in self._rings:
            number, confidence = ring.at(degrees)
            said = "not known yet" if number < 0 else f"{self._names[number]}, {percent(confidence, 0)}"
            lines.append(f"{ring.name}: {said}")
        return "\n".join(lines)

    def columns(self) -> Mapping[str, np.ndarray]:
        if not self._rings or len({len(ring.classes) for ring in self._rings}) > 1:
            return {}
        count = len(self._rings[0].classes)
        out: dict[str, np.ndarray] = {"degrees": np.arange(count) * 360.0 / count}
        names = np.array([*self._names, ""])
        for ring in self._rings:
            out[f"{ring.name}: class"] = names[ring.classes]
            out[f"{ring.name}: confidence"] = ring.confidence
        return out

    def sizeHint(self) -> QSize:
        return QSize(380, 380)

    # -- where things are -------------------------------------------------------------------------------------

    def _side_legend(self, target: QRect) -> bool:
        return self._with_legend and target.width() >= 1.25 * target.height() and bool(self._rings)

    def _legend_height(self) -> float:
        return legend_height(self._said()) if self._rings and self._with_legend else 0.0

    def _circle(self, target: QRect) -> tuple[QPointF, float]:
        """Centre of the dial and radius of its outermost ring."""
        room = QRectF(target).adjusted(4, 4, -4, -4)
        if self._side_legend(target):
            room.setWidth(min(room.height(), room.width() * 0.62))
        else:
            room.setHeight(room.height() - self._legend_height())
        rim = QFontMetricsF(font("small")).horizontalAdvance("270°") + 12  # numbers of degrees, and the knob
        return room.center(), max(min(room.width(), room.height()) / 2 - rim, 20.0)

    def _inner(self, radius: float) -> float:
        """Radius of the disc in the middle, which holds the picture."""
        return radius * (0.42 if len(self._rings) <= 4 else 0.32)

    def _bands(self, radius: float) -> list[tuple[float, float]]:
        """(inner, outer) radius of each ring, the first outermost."""
        inner, count = self._inner(radius), max(len(self._rings), 1)
        step = (radius - inner - 4) / count
        gap = min(4.0, step * 0.18)
        return [(radius - (i + 1) * step + gap, radius - i * step) for i in range(count)]

    def _spot(self, centre: QPointF, radius: float, degrees: float) -> QPointF:
        turn = math.radians(degrees)
        return QPointF(centre.x() - radius * math.sin(turn), centre.y() - radius * math.cos(turn))

    def knob(self) -> QPoint:
        """Where the handle's knob is."""
        centre, radius = self._circle(self.rect())
        return self._spot(centre, radius + 8, self._angle).toPoint()

    def point_of(self, degrees: float, ring: int = 0) -> QPoint:
        """The middle of a ring at an angle."""
        centre, radius = self._circle(self.rect())
        inner, outer = self._bands(radius)[ring]
        return self._spot(centre, (inner + outer) / 2, degrees).toPoint()

    def _polar(self, at: QPointF) -> tuple[float, float]:
        """Radius and degrees of a point."""
        centre, _ = self._circle(self.rect())
        x, y = at.x() - centre.x(), at.y() - centre.y()
        return math.hypot(x, y), math.degrees(math.atan2(-x, -y)) % 360.0

    def tip_at(self, at: QPointF) -> str:
        distance, degrees = self._polar(at)
        _, radius = self._circle(self.rect())
        for ring, (inner, outer) in zip(self._rings, self._bands(radius), strict=False):
            if inner <= distance <= outer:
                number, confidence = ring.at(degrees)
                said = "not known yet" if number < 0 else f"{self._names[number]}, {percent(confidence)}"
                return f"{ring.name} at {degrees:.0f}°: {said}"
        return ""

    # -- painting ---------------------------------------------------------------------------------------------

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        centre, radius = self._circle(target)
        bands = self._bands(radius)
        self._paint_degrees(painter, centre, radius)
        if self._rings:
            self._paint_rings(painter, centre, radius, bands)
        else:
            painter.setPen(QPen(QColor(self.colours.border), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(centre, radius, radius)
        if not self.is_layer:
            self._paint_now(painter, target)

    def _paint_degrees(self, painter: QPainter, centre: QPointF, radius: float) -> None:
        painter.setFont(font("small"))
        metrics = QFontMetricsF(font("small"))
        for degrees in range(0, 360, 15):
            is_main = degrees % 90 == 0
            painter.setPen(QPen(QColor(self.colours.muted if is_main else self.colours.border), 1))
            tick = 6 if is_main else 4
            painter.drawLine(self._spot(centre, radius + 3, degrees), self._spot(centre, radius + tick, degrees))
            if is_main:
                text = f"{degrees}°"
                width = metrics.horizontalAdvance(text)
                far = 9 + (width / 2 if degrees % 180 else 5 + metrics.height() / 2)
                at = self._spot(centre, radius + far, degrees)
                x = at.x() - width / 2
                painter.setPen(QColor(self.colours.muted))
                painter.drawText(QPointF(x, at.y() + metrics.capHeight() / 2), text)

    def _paint_rings(self, painter: QPainter, centre: QPointF, radius: float, bands: list[tuple[float, float]]) -> None:
        colours = class_rgb(max(len(self._names), 1), self.theme.is_dark)
        sunken = QColor(self.colours.sunken)
        ground = (sunken.red(), sunken.green(), sunken.blue())
        shaded = [shade(ring.classes, ring.confidence, colours, ground) for ring in self._rings]
        ratio = painter.device().devicePixelRatioF()
        if self._raster is None or self._raster.key != (radius, ratio, tuple(bands)):
            self._raster = PolarRaster(radius, ratio, bands)
        image = image_of(self._raster.draw(shaded))
        side = image.width() / ratio
        painter.drawImage(QRectF(centre.x() - side / 2, centre.y() - side / 2, side, side), image)
        for ring, rgb, band in zip(self._rings, shaded, bands, strict=True):
            self._paint_runs(painter, centre, ring, rgb, band)

    def _paint_runs(
        self, painter: QPainter, centre: QPointF, ring: Ring, rgb: np.ndarray, band: tuple[float, float]
    ) -> None:
        """Borders where the answer flips, letters on the runs between, a line where the answer is wrong."""
        inner, outer = band
        step = 360.0 / len(ring.classes)
        found = runs(ring.classes)
        light = wants_light_ink(rgb)
        metrics = QFontMetricsF(font("small"))
        for start, length in found:
            number = int(ring.classes[start])
            first = (start - 0.5) * step
            if len(found) > 1:
                painter.setPen(QPen(QColor(self.colours.window), 2))
                painter.drawLine(self._spot(centre, inner, first), self._spot(centre, outer, first))
            if number < 0:
                continue
            if self._label >= 0 and number != self._label:
                painter.setPen(QPen(QColor(self.colours.error), 2, c=Qt.PenCapStyle.FlatCap))
                circle = QRectF(centre.x() - inner - 1, centre.y() - inner - 1, 2 * inner + 2, 2 * inner + 2)
                # Qt counts sixteenths of a degree counter-clockwise from the right.
                painter.drawArc(circle, round((first + 90) * 16), round(length * step * 16))
            text, middle = self._short[number], (start + (length - 1) / 2) * step
            room = math.radians(length * step) * (inner + outer) / 2
            if room >= metrics.horizontalAdvance(text) + 6 and outer - inner >= metrics.capHeight() + 4:
                is_light = light[round(start + (length - 1) / 2) % len(ring.classes)]
                painter.setFont(font("small"))
                painter.setPen(QColor("#ffffff" if is_light else "#101218"))
                box = QRectF(0, 0, 60, 20)
                box.moveCenter(self._spot(centre, (inner + outer) / 2, middle))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def paint_over(self, painter: QPainter) -> None:
        self._paint_now(painter, self.rect())

    def _paint_now(self, painter: QPainter, target: QRect) -> None:
        """What moves with the angle: picture, hand, and the answers in words."""
        centre, radius = self._circle(target)
        inner = self._inner(radius) - 6
        self._paint_picture(painter, centre, inner)
        start, knob = self._spot(centre, inner + 4, self._angle), self._spot(centre, radius + 8, self._angle)
        for colour, width in ((self.colours.surface, 4.0), (self.colours.accent, 2.0)):
            painter.setPen(QPen(QColor(colour), width, c=Qt.PenCapStyle.RoundCap))
            painter.drawLine(start, knob)
        painter.setPen(QPen(QColor(self.colours.surface), 2))
        painter.setBrush(QColor(self.colours.accent))
        painter.drawEllipse(knob, 7, 7)
        if self._with_legend and self._rings:
            self._paint_legend(painter, target, centre, radius)

    def _paint_picture(self, painter: QPainter, centre: QPointF, inner: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.colours.sunken))
        painter.drawEllipse(centre, inner, inner)
        text = f"{self._angle:.0f}°"
        if self._picture is None:
            painter.setPen(QColor(self.colours.text))
            painter.setFont(font("title"))
            painter.drawText(QRectF(centre.x() - inner, centre.y() - inner, 2 * inner, 2 * inner),
                             Qt.AlignmentFlag.AlignCenter, text)  # fmt: skip
            return
        ratio = painter.device().devicePixelRatioF()
        longest = max(self._picture.width(), self._picture.height())
        factor = 1.36 * inner * ratio / longest  # the square within the circle
        factor = math.floor(factor) if factor >= 2 else factor
        width, height = (v * factor / ratio for v in (self._picture.width(), self._picture.height()))
        left, top = (round(v * ratio) / ratio for v in (centre.x() - width / 2, centre.y() - height / 2))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, factor < 2)
        painter.drawImage(QRectF(left, top, width, height), self._picture)
        painter.restore()
        metrics = QFontMetricsF(font("strong"))
        room = centre.y() + inner - (top + height)
        if room >= metrics.capHeight() + 4:
            painter.setPen(QColor(self.colours.text))
            painter.setFont(font("strong"))
            box = QRectF(centre.x() - inner, top + height, 2 * inner, room)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_legend(self, painter: QPainter, target: QRect, centre: QPointF, radius: float) -> None:
        small = QFontMetricsF(font("small"))
        if self._side_legend(target):
            left = centre.x() + radius + small.height() + 22 + small.horizontalAdvance("270°")
            top = max(centre.y() - self._legend_height() / 2, target.top() + 4.0)
        else:
            left, top = target.left() + GRID, target.bottom() - self._legend_height()
        room = QRectF(left, top, target.right() - left - 4, self._legend_height())
        rgb = class_rgb(max(len(self._names), 1), self.theme.is_dark)
        paint_legend(painter, room, self._said(), rgb, self.colours)

    def _said(self) -> Legend:
        return Legend(self._rings, self._names, self._short, self._label, self._angle)

    # -- mouse and keyboard -----------------------------------------------------------------------------------

    def _turn(self, degrees: float, *, done: bool) -> None:
        before = self._angle
        self.set_angle(degrees)
        if done:
            self.angle_changed.emit(self._angle)
        elif self._angle != before:
            self.angle_changing.emit(self._angle)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        distance, degrees = self._polar(event.position())
        _, radius = self._circle(self.rect())
        if event.button() == Qt.MouseButton.LeftButton and self._inner(radius) < distance < radius + 24:
            self._is_dragged = True
            self._turn(self._snapped(degrees, event.modifiers()), done=False)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        distance, degrees = self._polar(event.position())
        _, radius = self._circle(self.rect())
        if self._is_dragged:
            self._turn(self._snapped(degrees, event.modifiers()), done=False)
        near = self._inner(radius) < distance < radius + 24
        self.setCursor(Qt.CursorShape.PointingHandCursor if near else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._is_dragged and event.button() == Qt.MouseButton.LeftButton:
            self._is_dragged = False
            self._turn(self._angle, done=True)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus() and event.angleDelta().y():
            step = SNAP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            self._turn(self._angle + math.copysign(step, event.angleDelta().y()), done=True)
            event.accept()
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _STEPS:
            step = _STEPS[key]
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                step = math.copysign(SNAP, step)
            self._turn(self._angle + step, done=True)
        elif key == Qt.Key.Key_Home:
            self._turn(0.0, done=True)
        else:
            super().keyPressEvent(event)

    @staticmethod
    def _snapped(degrees: float, keys: Qt.KeyboardModifier) -> float:
        if keys & Qt.KeyboardModifier.ShiftModifier:
            return round(degrees / SNAP) * SNAP
        return float(round(degrees))

    def _describe(self) -> None:
        self.setAccessibleDescription(self.describe(self._angle).replace("\n", ", "))
