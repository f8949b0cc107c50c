"""What stands still round the notes of a piano roll, ruler and keys, and what moves over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from workbench.theme import Colours, Theme, font
from workbench.widgets.roll_geometry import RollGeometry, tick_step, tick_times
from workbench.widgets.roll_ink import ink_on, key_colours, mixed, sized
from workbench.widgets.roll_notes import clock_text, is_black, pitch_name
from workbench.widgets.roll_painting import NUMBER_ROOM

_WHITE = QColor("#ffffff")
NAME_SIZES: Final = (10.0, 9.0, 8.0)
"""Pixels of the letters beside the strips, the largest that fits."""


class FramePainter:
    """Draws ruler, keys, loop, playhead and the glow of sounding notes in the colours of the theme."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme

    @property
    def colours(self) -> Colours:
        return self.theme.colours

    # -- what stands still ------------------------------------------------------------------------------------

    def paint_ruler(self, painter: QPainter, g: RollGeometry, loop: tuple[float, float] | None) -> None:
        """Numbers above the notes, in minutes and seconds; the loop as a band."""
        c = self.colours
        painter.save()
        painter.setClipRect(QRectF(g.left, 0, g.width - g.left, g.top), Qt.ClipOperation.IntersectClip)
        painter.fillRect(QRectF(g.left, 0, g.width - g.left, g.top), QColor(c.window))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if loop is not None:
            a, b = g.x_of(loop[0]), g.x_of(loop[1])
            painter.fillRect(QRectF(a, 0, b - a, g.top), QColor(c.accent_soft))
            painter.fillRect(QRectF(a, 0, b - a, 3), QColor(c.accent))
            for x in (a, b - 2):
                painter.fillRect(QRectF(x, 0, 2, g.top), QColor(c.accent))
        step, parts = tick_step(g.pixels_per_second, NUMBER_ROOM)
        painter.setFont(font("small"))
        metrics = QFontMetricsF(font("small"))
        for k, seconds in tick_times(g.time_of(g.left) - step, g.time_of(g.width), step / parts):
            if seconds < 0:
                continue
            x, is_main = g.snapped(g.x_of(seconds)), k % parts == 0
            height = g.top - 4 if is_main else 5
            painter.fillRect(QRectF(x, g.top - height, 1 / g.ratio, height), QColor(c.muted if is_main else c.disabled))
            text = clock_text(seconds, step)
            # Half a number would be read as another one.
            if is_main and x >= g.left and x + 4 + metrics.horizontalAdvance(text) <= g.width:
                painter.setPen(QColor(c.muted))
                painter.drawText(QPointF(x + 4, 5 + metrics.capHeight()), text)
        painter.fillRect(QRectF(g.left, g.top - 1 / g.ratio, g.width - g.left, 1 / g.ratio), QColor(c.border))
        painter.restore()

    def paint_loop(self, painter: QPainter, g: RollGeometry, loop: tuple[float, float]) -> None:
        """What is outside the loop, veiled."""
        veil = QColor(self.colours.window)
        veil.setAlpha(125)
        a, b = min(max(g.x_of(loop[0]), g.left), g.width), min(max(g.x_of(loop[1]), g.left), g.width)
        for left, right in ((g.left, a), (b, g.width)):
            if right > left:
                painter.fillRect(QRectF(left, g.top, right - left, g.height - g.top), veil)

    def paint_keys(
        self, painter: QPainter, g: RollGeometry, lit: dict[int, QColor], names: Sequence[tuple[str, float, float]]
    ) -> None:
        """The keyboard at the left, lit where keys sound; (name, top, height) of the strips below it."""
        c, edge = self.colours, QColor(self.colours.border)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(0, 0, g.left, g.height), QColor(c.window))
        painter.setClipRect(QRectF(0, g.top, g.left, g.bottom - g.top), Qt.ClipOperation.IntersectClip)
        ivory, ebony = key_colours(self.theme.is_dark)
        painter.fillRect(QRectF(0, g.top, g.left, g.bottom - g.top), ivory)
        for pitch in g.pitches():
            upper, lower = g.y_of(pitch + 1), g.y_of(pitch)
            if is_black(pitch):
                middle = g.snapped((upper + lower) / 2)
                painter.fillRect(QRectF(0, middle, g.left, 1 / g.ratio), edge)
            elif pitch in lit:
                above, below = self._white_key(g, pitch)
                painter.fillRect(QRectF(0, above, g.left, below - above), lit[pitch])
            if pitch % 12 in (0, 5):
                painter.fillRect(QRectF(0, lower, g.left, 1 / g.ratio), edge)
        for pitch in g.pitches():
            if is_black(pitch):
                upper, lower = g.y_of(pitch + 1), g.y_of(pitch)
                painter.fillRect(QRectF(0, upper, g.left * 0.58, lower - upper), lit.get(pitch, ebony))
        self._paint_c_names(painter, g, lit)
        painter.restore()
        painter.setPen(QColor(c.muted))
        for name, top, height in names:
            room = QRectF(0, top, g.left, height).adjusted(4, 0, -2, 0)
            small = next((f for f in map(sized, NAME_SIZES) if _width(f, name) <= room.width()), sized(NAME_SIZES[-1]))
            painter.setFont(small)
            text = QFontMetricsF(small).elidedText(name, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)
        painter.fillRect(QRectF(g.left - 1 / g.ratio, 0, 1 / g.ratio, g.height), edge)

    def _white_key(self, g: RollGeometry, pitch: int) -> tuple[float, float]:
        """Upper and lower edge of a white key, which reaches half way under its black neighbours."""
        upper, lower = g.y_of(pitch + 1), g.y_of(pitch)
        half = (lower - upper) / 2
        return upper - (half if is_black(pitch + 1) else 0), lower + (half if is_black(pitch - 1) else 0)

    def _paint_c_names(self, painter: QPainter, g: RollGeometry, lit: dict[int, QColor]) -> None:
        size = min(max(g.row * 1.5 - 2, 9.0), 11.0)
        if g.row * 12 < size + 2:
            return
        painter.setFont(sized(size))
        metrics = QFontMetricsF(painter.font())
        for pitch in g.pitches():
            if pitch % 12:
                continue
            above, below = self._white_key(g, pitch)
            name = pitch_name(pitch)
            ground = lit.get(pitch)
            painter.setPen(ink_on(ground) if ground else QColor("#3a3f4a"))
            # A note is lower than its letters where rows are thin; the letters then stand on the line below C.
            y = (above + below + metrics.capHeight()) / 2 if below - above >= size else below - 1.5
            width, height = metrics.horizontalAdvance(name), metrics.capHeight()
            # The edges of keys would run through the letters.
            plate = QRectF(g.left - width - 5, y - height - 1, width + 3, height + 2)
            painter.fillRect(plate, ground or key_colours(self.theme.is_dark)[0])
            painter.drawText(QPointF(g.left - width - 4, y), name)

    def paint_glow(self, painter: QPainter, g: RollGeometry, box: QRectF, colour: QColor, strength: float) -> None:
        """A note that sounds: a halo, a brighter body and a rim. strength in [0, 1], 1 at its onset."""
        radius = min(3.0, g.row / 4)
        painter.setPen(Qt.PenStyle.NoPen)
        for grow, alpha in ((4.0, 60), (2.0, 100)):
            halo = QColor(colour)
            halo.setAlpha(round(alpha * (0.5 + 0.5 * strength)))
            painter.setBrush(halo)
            painter.drawRoundedRect(box.adjusted(-grow, -grow, grow, grow), radius + grow, radius + grow)
        painter.setBrush(mixed(colour, _WHITE, (0.55 if self.theme.is_dark else 0.35) * (0.4 + 0.6 * strength)))
        painter.setPen(QPen(QColor("#ffffff" if self.theme.is_dark else self.colours.text), 1.25))
        painter.drawRoundedRect(box, radius, radius)

    def paint_playhead(self, painter: QPainter, g: RollGeometry, seconds: float) -> None:
        """A line through everything."""
        x = g.x_of(seconds)
        if not g.left - 1 <= x <= g.width + 1:
            return
        colour = QColor(self.colours.text)
        painter.setPen(QPen(QColor(self.colours.surface), 3))
        painter.drawLine(QPointF(x, g.top), QPointF(x, g.height))
        painter.setPen(QPen(colour, 1.5))
        painter.drawLine(QPointF(x, g.top), QPointF(x, g.height))

    def paint_head(self, painter: QPainter, g: RollGeometry, seconds: float) -> None:
        """The playhead's head in the ruler."""
        x, base = g.x_of(seconds), g.top - 11
        painter.setBrush(QColor(self.colours.text))
        painter.setPen(QPen(QColor(self.colours.window), 1))
        painter.drawPolygon(QPolygonF([
            QPointF(x - 5.5, base), QPointF(x + 5.5, base), QPointF(x + 5.5, base + 4), QPointF(x, base + 11),
            QPointF(x - 5.5, base + 4),
        ]))  # fmt: skip


def _width(small: QFont, text: str) -> float:
    return QFontMetricsF(small).horizontalAdvance(text)
