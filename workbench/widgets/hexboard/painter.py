"""Draws a Hex board with any QPainter: the widget's cached layers, exported pictures and vector files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QRadialGradient,
)

from workbench.widgets.hexboard.colourmaps import DARK_INK, wants_dark_text
from workbench.widgets.hexboard.geometry import column_label
from workbench.widgets.hexboard.heat import Heat
from workbench.widgets.hexboard.look import BLACK
from workbench.widgets.hexboard.shapes import SIGNS, cut, flattened, polygon, rounded, stroke
from workbench.widgets.hexboard.sprites import TILE, SpritePainter

STONE = 0.735
"""Radius of a stone in circumradii of a cell (the inscribed circle has 0.866)."""
SMALLEST_TEXT = 7.0
"""Texts in cells smaller than this many pixels are left out: they could not be read."""


@dataclass(frozen=True)
class Mark:
    """A note on a cell. kind: "label", "triangle", "square", "circle", "cross" or "swap"; text for labels."""

    kind: str
    text: str = ""


class BoardPainter(SpritePainter):
    """Draws the parts of one board, in the order in which the methods stand here."""

    # -- the empty board -------------------------------------------------------------------------------------

    def paint_board(self, p: QPainter, *, shadow: bool = True) -> None:
        """Border and cells of the empty board."""
        g = self.geometry
        frame = rounded(g.frame, g.radius * 0.5)
        if shadow:
            self._paint_shadow(p, frame)
        p.setPen(Qt.PenStyle.NoPen)
        # As shapes cut to the border, not as clipped ones: SVG writers know no clipping.
        outline = flattened(frame)
        for wedge, player in zip(g.wedges, (1, 2, 1, 2), strict=True):
            p.setBrush(self.look.edge(player))
            p.drawPolygon(polygon(cut(outline, wedge)))
        p.setBrush(self.look.ground)
        for start, end in g.seams:
            p.drawPolygon(polygon(cut(outline, stroke(start, end, max(1.0, 0.07 * g.radius)))))
        self._paint_cells(p)

    def _paint_shadow(self, p: QPainter, frame: QPainterPath) -> None:
        """A soft shadow below the board. On large screens it is drawn small and stretched: it is soft anyway,
        and wide strokes over millions of pixels take a tenth of a second."""
        if not self._is_coarse:
            self._stroke_shadow(p, frame)
            return
        share = 4.0 / self.geometry.radius
        small = QPixmap(math.ceil(self.geometry.width * share), math.ceil(self.geometry.height * share))
        small.fill(Qt.GlobalColor.transparent)
        painter = QPainter(small)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(share, share)
        self._stroke_shadow(painter, frame)
        painter.end()
        p.save()
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        p.drawPixmap(QRectF(0, 0, small.width() / share, small.height() / share), small, QRectF(small.rect()))
        p.restore()

    def _stroke_shadow(self, p: QPainter, frame: QPainterPath) -> None:
        """A few outlines of falling strength."""
        p.setBrush(Qt.BrushStyle.NoBrush)
        colour = QColor(self.look.shadow)
        steps = 6
        reach = self.geometry.radius * 0.30
        for i in range(steps):
            colour.setAlphaF(self.look.shadow.alphaF() * 1.4 / steps * (1 - i / steps))
            width = 2 * reach * (i + 1) / steps
            p.setPen(
                QPen(
                    colour,
                    width,
                    Qt.PenStyle.SolidLine,
                    Qt.PenCapStyle.RoundCap,
                    Qt.PenJoinStyle.RoundJoin,
                )
            )
            p.drawPath(frame.translated(0, reach * 0.35))

    def _paint_cells(self, p: QPainter) -> None:
        g = self.geometry
        if self._is_coarse:
            for size, name in ((1.02, "ground"), (TILE, "cell")):
                sprite = self._hexagon_sprite((name, 0), size, self._cell_brush(name))
                for x, y in g.centres.tolist():
                    self._blit(p, x, y, sprite)
            return
        p.setPen(Qt.PenStyle.NoPen)
        for size, name in ((1.02, "ground"), (TILE, "cell")):
            p.setBrush(self._cell_brush(name))
            shape = polygon(g.hexagon * size)
            for x, y in g.centres.tolist():
                p.translate(x, y)  # rather than the shape: the gradient belongs to the cell
                p.drawPolygon(shape)
                p.translate(-x, -y)

    def _cell_brush(self, name: str) -> QBrush:
        """What is below the cells and shows between them as lines, or the cells' own gentle gradient."""
        if name == "ground":
            return QBrush(self.look.line)
        shine = QLinearGradient(0, -self.geometry.radius, 0, self.geometry.radius)
        shine.setColorAt(0, self.look.cell_light)
        shine.setColorAt(1, self.look.cell)
        return QBrush(shine)

    def paint_coordinates(self, p: QPainter) -> None:
        """Letters and numbers outside."""
        for cell in range(0, self.geometry.size**2, self.geometry.size + 1):
            self._coordinates_of(p, cell, strong=False)

    def paint_coordinates_of(self, p: QPainter, cell: int) -> None:
        """The letter and the number of one cell once more, so that they stand out."""
        self._coordinates_of(p, cell, strong=True)

    def _coordinates_of(self, p: QPainter, cell: int, *, strong: bool) -> None:
        g = self.geometry
        size = min(max(0.56 * g.radius, 7.5), 22.0)
        row, column = divmod(cell, g.size)
        for place in g.letter_places[[column, g.size + column]]:
            self._coordinate(p, place, column_label(column), size, strong)
        for place in g.number_places[[row, g.size + row]]:
            self._coordinate(p, place, str(row + 1), size, strong)

    def _coordinate(self, p: QPainter, place: np.ndarray, text: str, size: float, strong: bool) -> None:
        colour = self.look.mark if strong else self.look.label
        self._text(p, place[0], place[1], text, size, colour, bold=strong)

    # -- overlay ---------------------------------------------------------------------------------------------

    def paint_heat(self, p: QPainter, heat: Heat) -> None:
        """The overlay's colours; its texts are `paint_heat_texts`, after the stones."""
        g = self.geometry
        # As tuples at once: reading numpy scalars one by one would cost more than the drawing.
        fills, places = heat.fills.tolist(), g.centres.tolist()
        if self.pixel_ratio:
            for cell in np.flatnonzero(heat.fills[:, 3]).tolist():
                x, y = places[cell]
                self._blit(p, x, y, self._tile_sprite(fills[cell]))
            if not self._is_coarse:
                p.drawPixmap(0, 0, self._line_layer)
        else:
            p.setPen(Qt.PenStyle.NoPen)
            for cell in np.flatnonzero(heat.fills[:, 3]).tolist():
                p.setBrush(QColor(*fills[cell]))
                p.drawPolygon(polygon(g.hexagon * TILE + g.centres[cell]))
        if heat.best >= 0:
            self._ring(p, heat.best)

    @cached_property
    def _line_layer(self) -> QPixmap:
        """The lines between the cells alone. Tiles are put on whole pixels, these lines above them are not:
        so the lines stay even, and drawing 361 tiles costs a tenth of drawing 361 polygons."""
        g = self.geometry
        layer = QPixmap(round(g.width * self.pixel_ratio), round(g.height * self.pixel_ratio))
        layer.setDevicePixelRatio(self.pixel_ratio)
        layer.fill(Qt.GlobalColor.transparent)
        painter = QPainter(layer)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.look.line)
        for size, mode in (
            (1.02, QPainter.CompositionMode.CompositionMode_SourceOver),
            (TILE, QPainter.CompositionMode.CompositionMode_DestinationOut),
        ):
            painter.setCompositionMode(mode)
            shape = polygon(g.hexagon * size)
            for x, y in g.centres:
                painter.drawPolygon(shape.translated(x, y))
        painter.end()
        return layer

    def _ring(self, p: QPainter, cell: int) -> None:
        g = self.geometry
        width = max(1.6, 0.11 * g.radius)
        p.setBrush(Qt.BrushStyle.NoBrush)
        for colour, extra in ((self.look.mark, max(1.0, 0.05 * g.radius)), (self.look.accent, 0.0)):
            p.setPen(QPen(colour, width + 2 * extra, j=Qt.PenJoinStyle.RoundJoin))
            p.drawPolygon(polygon(g.hexagon * 0.86 + g.centres[cell]))

    def paint_heat_texts(self, p: QPainter, heat: Heat, *, numbers: bool = True) -> None:
        """The overlay's texts, in black or white, whichever reads better on the cell's colour."""
        g = self.geometry
        size = 0.60 * g.radius
        if not numbers or size < SMALLEST_TEXT:
            return
        two_lines = g.radius >= 24
        ground = np.array([self.look.cell.red(), self.look.cell.green(), self.look.cell.blue()], float)
        share = heat.fills[:, 3:] / 255.0
        mixed = heat.fills[:, :3] * share + ground * (1 - share)
        dark = wants_dark_text(mixed)
        dark = dark.tolist()
        ink = (QColor("#ffffff"), QColor(*DARK_INK))
        places = g.centres.tolist()
        for cell, text in enumerate(heat.texts):
            if not text:
                continue
            x, y = places[cell]
            sub = heat.subtexts[cell] if two_lines else ""
            up = 0.20 * g.radius if sub else 0.0
            fit = size if len(text) <= 3 else size * 3.2 / len(text)
            self._number(p, x, y - up, text, fit, ink[int(dark[cell])])
            if sub:
                self._number(p, x, y + 0.36 * g.radius, sub, 0.36 * g.radius, ink[int(dark[cell])], 0.85)

    # -- stones ----------------------------------------------------------------------------------------------

    def paint_stones(self, p: QPainter, cells: np.ndarray, strong: frozenset[int] | None = None) -> None:
        """Stones of int8 [n, n] `cells`. strong: if given, all other stones are drawn pale (a won game)."""
        g = self.geometry
        flat = cells.reshape(-1)
        for cell in np.flatnonzero(flat):
            pale = strong is not None and int(cell) not in strong
            x, y = g.centres[cell]
            self.paint_stone(p, x, y, int(flat[cell]), 0.42 if pale else 1.0)

    def paint_stone(self, p: QPainter, x: float, y: float, player: int, opacity: float = 1.0) -> None:
        """One stone with its centre at (x, y)."""
        before = p.opacity()
        p.setOpacity(before * opacity)
        if self.pixel_ratio:
            key = ("stone", player)
            if key not in self._sprites:
                side = 2 * self.geometry.radius
                self._sprites[key] = self._sprite(
                    side, side, lambda q, w, h: self._vector_stone(q, w / 2, h / 2, player)
                )
            self._blit(p, x, y, self._sprites[key])
        else:
            self._vector_stone(p, x, y, player)
        p.setOpacity(before)

    def _vector_stone(self, p: QPainter, x: float, y: float, player: int) -> None:
        r = STONE * self.geometry.radius
        base = self.look.stone(player)
        p.setPen(Qt.PenStyle.NoPen)
        soft = QRadialGradient(QPointF(x, y + 0.10 * r), 1.16 * r)
        shadow = QColor(self.look.shadow)
        soft.setColorAt(0.80, shadow)
        shadow.setAlpha(0)
        soft.setColorAt(1.0, shadow)
        p.setBrush(soft)
        p.drawEllipse(QPointF(x, y + 0.10 * r), 1.16 * r, 1.16 * r)
        body = QRadialGradient(QPointF(x, y), 1.5 * r, QPointF(x - 0.36 * r, y - 0.46 * r))
        body.setColorAt(0.0, base.lighter(128))
        body.setColorAt(0.45, base)
        body.setColorAt(1.0, base.darker(140))
        p.setBrush(body)
        p.setPen(QPen(base.darker(135), max(0.6, 0.045 * r)))
        p.drawEllipse(QPointF(x, y), r, r)
        gleam = QRadialGradient(QPointF(x - 0.30 * r, y - 0.42 * r), 0.55 * r)
        gleam.setColorAt(0.0, QColor(255, 255, 255, 70))
        gleam.setColorAt(1.0, QColor(255, 255, 255, 0))
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(gleam)
        p.drawEllipse(QPointF(x - 0.25 * r, y - 0.36 * r), 0.58 * r, 0.5 * r)

    def paint_numbers(self, p: QPainter, numbers: dict[int, int]) -> None:
        """Move numbers on stones (cell → number)."""
        for cell, number in numbers.items():
            self._on_stone(p, cell, str(number))

    def _on_stone(self, p: QPainter, cell: int, text: str, opacity: float = 1.0) -> None:
        size = self.geometry.radius * (0.66 if len(text) < 3 else 0.5)
        if size >= 5:
            x, y = self.geometry.centres[cell]
            self._text(p, x, y, text, size, QColor("#ffffff"), bold=True, opacity=opacity)

    def paint_last_move(self, p: QPainter, cell: int) -> None:
        """A white ring inside the stone that was placed last."""
        r = self.geometry.radius
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(QColor(255, 255, 255, 240), max(1.4, 0.11 * r)))
        p.drawEllipse(QPointF(*self.geometry.centres[cell]), 0.33 * r, 0.33 * r)

    def paint_winning_path(self, p: QPainter, path: Sequence[int], player: int) -> None:
        """A bright line along the stones that connect, drawn out into the two sides which they join."""
        g = self.geometry
        points = [g.centres[cell] for cell in path]
        if not points:
            return
        across = g.turn[1] if player == BLACK else np.array([np.sqrt(3) / 2, -0.5]) @ g.turn
        first, last = path[0], path[-1]
        starts_low = (first // g.size if player == BLACK else first % g.size) == 0
        ends_high = (last // g.size if player == BLACK else last % g.size) == g.size - 1
        if starts_low and ends_high:
            points = [points[0] - across * g.radius * 1.12, *points, points[-1] + across * g.radius * 1.12]
        line = QPainterPath(QPointF(*points[0]))
        for point in points[1:]:
            line.lineTo(QPointF(*point))
        p.setBrush(Qt.BrushStyle.NoBrush)
        edge = self.look.stone(player).darker(170)
        for colour, width in ((edge, 0.40), (QColor("#fff6d8"), 0.24)):
            p.setPen(QPen(colour, max(1.5, width * g.radius), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap,
                          Qt.PenJoinStyle.RoundJoin))  # fmt: skip
            p.drawPath(line)

    def paint_contour(self, p: QPainter, pairs: Sequence[tuple[int, int]]) -> None:
        """A line between the two cells of each pair of neighbours."""
        g = self.geometry
        line = QPainterPath()
        for a, b in pairs:
            middle, way = (g.centres[a] + g.centres[b]) / 2, g.centres[b] - g.centres[a]
            half = np.array([-way[1], way[0]]) * (0.5 * g.radius / float(np.hypot(*way)))
            line.moveTo(QPointF(*(middle - half)))
            line.lineTo(QPointF(*(middle + half)))
        p.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((self.look.ground, 0.30), (self.look.mark, 0.16)):
            p.setPen(QPen(colour, max(1.6, width * g.radius), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            p.drawPath(line)

    def paint_tile(self, p: QPainter, cell: int, player: int) -> None:
        """A whole cell in a player's colour: a stone where there is no room for one."""
        fill = self.look.stone(player)
        sprite = self._tile_sprite([fill.red(), fill.green(), fill.blue(), 255])
        x, y = self.geometry.centres[cell]
        self._blit(p, x, y, sprite)

    # -- notes -----------------------------------------------------------------------------------------------

    def paint_marks(self, p: QPainter, marks: dict[int, Mark], cells: np.ndarray) -> None:
        """Labels and signs, white on stones and dark (or light) on bare cells."""
        g = self.geometry
        flat = cells.reshape(-1)
        for cell, mark in marks.items():
            colour = QColor("#ffffff") if flat[cell] else self.look.mark
            x, y = g.centres[cell]
            if mark.kind == "label":
                size = g.radius * (0.74 if len(mark.text) < 3 else 1.9 / (len(mark.text) + 0.5))
                self._text(p, x, y, mark.text, size, colour, bold=True)
                continue
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.setPen(QPen(colour, max(1.4, 0.10 * g.radius), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap,
                          Qt.PenJoinStyle.RoundJoin))  # fmt: skip
            p.drawPath(SIGNS[mark.kind](x, y, 0.36 * g.radius))

    def paint_variation(self, p: QPainter, moves: Sequence[int], player: int) -> None:
        """Numbered ghost stones of a variation; later moves fade. `player` makes the first of them."""
        seen: set[int] = set()
        for i, cell in enumerate(moves):
            if cell < 0 or cell in seen:
                continue
            seen.add(cell)
            fade = max(0.94 - 0.06 * i, 0.5)
            mover = player if i % 2 == 0 else 3 - player
            x, y = self.geometry.centres[cell]
            self.paint_stone(p, x, y, mover, fade)
            self._on_stone(p, cell, str(i + 1), min(1.0, fade + 0.3))

    def paint_ghost(self, p: QPainter, cell: int, player: int, *, hollow: bool, text: str = "") -> None:
        """The stone that a click would place; hollow, so that the number below it stays readable."""
        g = self.geometry
        x, y = g.centres[cell]
        if hollow:
            r = STONE * g.radius
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.setPen(QPen(self.look.ground, max(3.4, 0.22 * g.radius)))
            p.drawEllipse(QPointF(x, y), r, r)
            p.setPen(QPen(self.look.stone(player), max(2.0, 0.14 * g.radius)))
            p.drawEllipse(QPointF(x, y), r, r)
            return
        self.paint_stone(p, x, y, player, 0.55)
        if text:
            self._on_stone(p, cell, text)

    def paint_cursor(self, p: QPainter, cell: int, player: int) -> None:
        """The keyboard's cell: a dashed outline in the colour to move."""
        g = self.geometry
        outline = polygon(g.hexagon * 0.93 + g.centres[cell])
        p.setBrush(Qt.BrushStyle.NoBrush)
        width = max(2.0, 0.12 * g.radius)
        p.setPen(QPen(self.look.ground, width + 2, j=Qt.PenJoinStyle.RoundJoin))
        p.drawPolygon(outline)
        p.setPen(QPen(self.look.stone(player), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap,
                      Qt.PenJoinStyle.RoundJoin))  # fmt: skip
        p.drawPolygon(outline)
