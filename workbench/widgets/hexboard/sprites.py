"""Text and small pictures that stand on a board many times: made once, put on whole device pixels."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPixmap

from workbench.widgets.hexboard.geometry import BoardGeometry
from workbench.widgets.hexboard.look import Look
from workbench.widgets.hexboard.shapes import polygon

TILE = 0.955
"""Size of a cell's tile against its hexagon; the rest is the line between cells."""
COARSE_FROM = 34.0
"""Radius of a cell in device pixels from which cells are drawn as sprites on whole pixels."""
SPRITES_KEPT = 3000


class SpritePainter:
    """What `BoardPainter` draws with.

    pixel_ratio: device pixels per logical pixel for cached sprites; 0 draws everything as vectors.
    """

    def __init__(self, geometry: BoardGeometry, look: Look, font: QFont, pixel_ratio: float = 0.0) -> None:
        self.geometry = geometry
        self.look = look
        self.font = font
        self.pixel_ratio = pixel_ratio
        self._sprites: dict[tuple[str, int], QPixmap] = {}

    @property
    def _is_coarse(self) -> bool:
        """Whether lines between cells are so many pixels wide that half a pixel of rounding is not seen."""
        return self.geometry.radius * self.pixel_ratio >= COARSE_FROM

    def _tile_sprite(self, fill: list[int]) -> QPixmap:
        """A cell of one colour. Steps of 4 in 255 cannot be seen and keep the sprites few."""
        red, green, blue, opacity = (value & ~3 for value in fill)
        key = ("tile", (red << 24) | (green << 16) | (blue << 8) | opacity)
        return self._hexagon_sprite(key, TILE if self._is_coarse else 1.0, QBrush(QColor(red, green, blue, opacity)))

    def _hexagon_sprite(self, key: tuple[str, int], size: float, brush: QBrush) -> QPixmap:
        """A hexagon of `size` times a cell."""
        sprite = self._sprites.get(key)
        if sprite is None:
            shape = polygon(self.geometry.hexagon * size)
            width, height = 2 * np.abs(self.geometry.hexagon * size).max(axis=0)

            def draw(q: QPainter, w: float, h: float) -> None:
                q.translate(w / 2, h / 2)
                q.setPen(Qt.PenStyle.NoPen)
                q.setBrush(brush)
                q.drawPolygon(shape)

            sprite = self._keep(key, self._sprite(width, height, draw))
        return sprite

    def _number(self, p: QPainter, x: float, y: float, text: str, size: float, colour: QColor,
                opacity: float = 1.0) -> None:  # fmt: skip
        """A text from the cache of sprites where there is one: the same few numbers stand in many cells."""
        if not self.pixel_ratio:
            self._text(p, x, y, text, size, colour, opacity=opacity)
            return
        key = (f"{text}/{colour.rgba()}/{opacity}", round(size * 8))
        sprite = self._sprites.get(key)
        if sprite is None:
            width = QFontMetricsF(self._sized(size)).horizontalAdvance(text) + 4
            sprite = self._sprite(
                width, size * 1.5,
                lambda q, w, h: self._text(q, w / 2, h / 2, text, size, colour, opacity=opacity),
            )  # fmt: skip
            self._sprites[key] = sprite
        self._blit(p, x, y, sprite)

    def _sized(self, size: float, bold: bool = False) -> QFont:
        font = QFont(self.font)
        font.setPixelSize(max(1, round(size)))
        font.setWeight(QFont.Weight.Bold if bold else QFont.Weight.Medium)
        return font

    @cached_property
    def _cap_share(self) -> float:
        """Height of capitals and digits as a share of the font's pixel size, to centre texts optically."""
        return QFontMetricsF(self._sized(100)).capHeight() / 100

    def _text(self, p: QPainter, x: float, y: float, text: str, size: float, colour: QColor, *,
              bold: bool = False, opacity: float = 1.0) -> None:  # fmt: skip
        font = self._sized(size, bold)
        p.setFont(font)
        ink = QColor(colour)
        ink.setAlphaF(colour.alphaF() * opacity)
        p.setPen(ink)
        width = QFontMetricsF(font).horizontalAdvance(text)
        p.drawText(QPointF(x - width / 2, y + self._cap_share * font.pixelSize() / 2), text)

    def _sprite(self, width: float, height: float, draw: Callable[[QPainter, float, float], None]) -> QPixmap:
        ratio = self.pixel_ratio
        w, h = 2 * int(np.ceil(width * ratio / 2)), 2 * int(np.ceil(height * ratio / 2))
        sprite = QPixmap(w, h)
        sprite.setDevicePixelRatio(ratio)
        sprite.fill(Qt.GlobalColor.transparent)
        painter = QPainter(sprite)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw(painter, w / ratio, h / ratio)
        painter.end()
        return sprite

    def _keep(self, key: tuple[str, int], sprite: QPixmap) -> QPixmap:
        """Remember a sprite; the store is emptied when counts of a long analysis have filled it."""
        if len(self._sprites) > SPRITES_KEPT:
            self._sprites.clear()
        self._sprites[key] = sprite
        return sprite

    def _blit(self, p: QPainter, x: float, y: float, sprite: QPixmap) -> None:
        """Draw a sprite centred on (x, y), on whole device pixels so that it stays sharp."""
        ratio = self.pixel_ratio
        left = round(x * ratio - sprite.width() / 2) / ratio
        top = round(y * ratio - sprite.height() / 2) / ratio
        p.drawPixmap(QPointF(left, top), sprite)
