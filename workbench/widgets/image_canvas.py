"""One picture that is looked at, magnified pixel by pixel: plain, a signed difference, or numbers on a colour map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from workbench.colormaps import Colormap
from workbench.theme import GRID, Theme, font
from workbench.widgets.basics import number
from workbench.widgets.canvas import Canvas, image_of
from workbench.widgets.frames import WORDS, Frame, paint_frame
from workbench.widgets.pixels import channels_last, reach, rgba_of, strongest
from workbench.widgets.scale_bar import bar_height, paint_bar

Mode = Literal["picture", "difference", "values"]
SMOOTH_FROM: Final = 128
"""A picture with a longer side than this is a photograph: it is fitted smoothly rather than by whole factors."""


@dataclass(frozen=True)
class _Place:
    """Where the picture lies. area: what is seen of it; whole: all of it; both in logical pixels. side: of one
    pixel, logical."""

    area: QRectF
    whole: QRectF
    side: float


class ImageCanvas(Canvas):
    """A picture of any size in the room that there is, magnified by a whole number of screen pixels. What follows the
    hand is `ImageView`'s.

    caption: keep a line below for the caption and the value under the mouse. legend: show the colour bar of
    differences and values. level: keep its room under plain pictures too, so that views in a row are level.
    """

    def __init__(
        self,
        theme: Theme,
        name: str = "Picture",
        *,
        caption: bool = True,
        legend: bool = True,
        empty: str = "No picture yet",
        level: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, parent)
        self._mode: Mode = "picture"
        self._given: np.ndarray | None = None
        self._values: np.ndarray | None = None  # the same as [H, W, C]
        self._range = (0.0, 1.0)
        self._image: QImage | None = None
        self._caption, self._unit = "", ""
        self._with_caption, self._with_legend, self._empty = caption, legend, empty
        self._is_level = level
        self._frame: Frame = "none"
        self._pixel: tuple[int, int] | None = None
        self._zoom = 0  # device pixels for each of the picture's, 0 to fit
        self._centre = (0.0, 0.0)  # column, row in the middle while zoomed
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._describe()

    # -- what it shows ----------------------------------------------------------------------------------------

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def values(self) -> np.ndarray | None:
        """[H, W, C] as it was given, None without a picture."""
        return self._values

    @property
    def pixel(self) -> tuple[int, int] | None:
        """(row, column) under the mouse or the keyboard's cursor."""
        return self._pixel

    @property
    def value_range(self) -> tuple[float, float]:
        """The numbers at both ends of the colour bar."""
        return self._range

    def clear(self) -> None:
        """Show no picture."""
        self._show("picture", None, (0.0, 1.0), "", "")

    def set_picture(self, picture: np.ndarray | None, caption: str = "") -> None:
        """Show a picture [H, W], [C, H, W] or [H, W, C], C in 1, 3, 4: real in [0, 1] or uint8. None clears."""
        self._show("picture", picture, (0.0, 1.0), caption, "")

    def set_difference(
        self, difference: np.ndarray, caption: str = "", *, limit: float | None = None, unit: str = ""
    ) -> None:
        """Show a signed difference of two pictures, blue below and orange above zero.

        limit: what the ends of the map stand for; the largest absolute value if None. Of colour pictures each
        pixel shows the channel that differs most.
        """
        half = reach(difference) if limit is None else float(limit)
        self._show("difference", difference, (-half, half), caption, unit)

    def set_values(
        self,
        values: np.ndarray,
        caption: str = "",
        *,
        low: float | None = None,
        high: float | None = None,
        unit: str = "",
    ) -> None:
        """Show numbers [H, W] such as a feature map; NaN is left bare. low, high: ends of the map, those of the
        numbers if None."""
        plain = np.asarray(values, np.float64)
        known = plain[np.isfinite(plain)]
        bottom = float(known.min()) if low is None and known.size else low or 0.0
        top = float(known.max()) if high is None and known.size else 1.0 if high is None else high
        self._show("values", plain, (bottom, top if top > bottom else bottom + 1), caption, unit)

    def set_caption(self, caption: str) -> None:
        self._caption = caption
        self._describe()
        self.refresh()

    def set_frame(self, frame: Frame) -> None:
        """Say with a frame what became of the picture."""
        self._frame = frame
        self._describe()
        self.refresh()

    def show_pixel(self, row: int, column: int) -> None:
        """Point at a pixel and read it out; (-1, -1) at none. Emits nothing."""
        shape = None if self._values is None else self._values.shape
        inside = shape is not None and 0 <= row < shape[0] and 0 <= column < shape[1]
        self._pixel = (row, column) if inside else None
        self.update()

    def read_out(self, row: int, column: int) -> str:
        """The value of a pixel in words, such as "(3, 12) 0.502"."""
        if self._values is None:
            return ""
        pixel = self._values[row, column]
        numbers = [float(v) / 255 if self._values.dtype == np.uint8 else float(v) for v in pixel[:3]]
        sign = "+" if self._mode == "difference" else ""
        said = [number(v) if self._mode == "values" else f"{round(v, 3) + 0.0:{sign}.3f}" for v in numbers]
        said = [v.replace("-", "\u2212") for v in said]
        text = said[0] if len(said) == 1 else "  ".join(f"{c} {v}" for c, v in zip("rgb", said, strict=False))
        return f"({row}, {column})  {text}"

    def sizeHint(self) -> QSize:
        return QSize(200, 200 + round(self._below()))

    def minimumSizeHint(self) -> QSize:
        return QSize(64, 64 + round(self._below()))

    def columns(self) -> Mapping[str, np.ndarray]:
        if self._values is None:
            return {}
        height, width, channels = self._values.shape
        rows, cols = np.indices((height, width))
        names = ("value",) if channels == 1 else ("red", "green", "blue", "alpha")[:channels]
        flat = self._values.reshape(-1, channels)
        return {"row": rows.ravel(), "column": cols.ravel(), **{n: flat[:, i] for i, n in enumerate(names)}}

    # -- painting ---------------------------------------------------------------------------------------------

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        if self._image is None:
            self._paint_empty(painter, target)
            return
        place = self._place(target, painter.device().devicePixelRatioF())
        painter.save()
        painter.setClipRect(place.area.adjusted(-0.01, -0.01, 0.01, 0.01))
        smooth = not self._zoom and max(self._image.width(), self._image.height()) > SMOOTH_FROM
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        image = self._image
        shrink = place.side * painter.device().devicePixelRatioF()
        if smooth and shrink < 1:  # Qt's own smoothing looks at four pixels only
            image = image.scaled(
                max(round(image.width() * shrink), 1), max(round(image.height() * shrink), 1),
                Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation,
            )  # fmt: skip
        painter.drawImage(place.whole, image)
        painter.restore()
        paint_frame(painter, place.area, self._frame, self.colours)
        self._paint_words(painter, target, place)

    def _paint_empty(self, painter: QPainter, target: QRect) -> None:
        painter.setPen(QPen(QColor(self.colours.border), 1, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(target).adjusted(2.5, 2.5, -2.5, -2.5), 6, 6)
        painter.setPen(QColor(self.colours.muted))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(target.adjusted(GRID, GRID, -GRID, -GRID), int(flags), self._empty)

    def _paint_words(self, painter: QPainter, target: QRect, place: _Place) -> None:
        if self._shows_legend():
            width = min(max(place.area.width(), 120.0), 260.0, target.width() - GRID)
            room = QRectF(place.area.center().x() - width / 2, place.area.bottom() + 6, width, bar_height())
            paint_bar(painter, room, self._colormap(), *self._range, self.colours, unit=self._unit)
        if self._with_caption and self._caption and not self.is_layer:
            self._write(painter, self._caption_room(target, place), self._caption)

    def _caption_room(self, target: QRect, place: _Place) -> QRectF:
        legend = bar_height() + 6 if self._shows_legend() else 0.0
        line = QFontMetricsF(font("small")).height() + 2
        return QRectF(target.left() + 4, place.area.bottom() + 4 + legend, target.width() - 8, line)

    def _write(self, painter: QPainter, room: QRectF, text: str) -> None:
        painter.setFont(font("small"))
        painter.setPen(QColor(self.colours.text))
        short = QFontMetricsF(font("small")).elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, short)

    def paint_over(self, painter: QPainter) -> None:
        if self._image is None:
            return
        place = self._place(self.rect(), self.devicePixelRatioF())
        said = self._caption if self._pixel is None else self.read_out(*self._pixel)
        if self._with_caption and said:  # the value takes the caption's place while somebody points
            self._write(painter, self._caption_room(self.rect(), place), said)
        if self._pixel is None:
            return
        row, column = self._pixel
        cell = QRectF(
            place.whole.left() + column * place.side, place.whole.top() + row * place.side, place.side, place.side
        )
        painter.save()
        painter.setClipRect(place.area.adjusted(-2, -2, 2, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        mark = cell if place.side >= 3 else QRectF(cell.center().x() - 3, cell.center().y() - 3, 6, 6)
        for colour, grow in (("#101218", 1.5), ("#ffffff", 0.5)):
            painter.setPen(QPen(QColor(colour), 1))
            painter.drawRect(mark.adjusted(-grow, -grow, grow, grow))
        painter.restore()

    def _show(self, mode: Mode, values: np.ndarray | None, ends: tuple[float, float], caption: str, unit: str) -> None:
        given = None if values is None else np.array(values)
        fresh = None if given is None else channels_last(given)
        if fresh is None or self._values is None or fresh.shape != self._values.shape:
            self._zoom, self._pixel = 0, None
        self._mode, self._given, self._values, self._range = mode, given, fresh, ends
        self._caption, self._unit = caption, unit
        self._draw()
        self._describe()

    def _draw(self) -> None:
        if self._given is None:
            self._image = None
        elif self._mode == "picture":
            self._image = image_of(rgba_of(self._given))
        else:
            self._image = image_of(self._colormap().rgba(strongest(self._given), *self._range))
        self.refresh()

    def _colormap(self) -> Colormap:
        return self.theme.diverging() if self._mode == "difference" else self.theme.sequential()

    def _recolour(self, colours: object) -> None:
        self._draw()

    def _describe(self) -> None:
        if self._values is None:
            self.setAccessibleDescription(self._empty)
            return
        height, width, _ = self._values.shape
        said = [self._caption, WORDS[self._frame], f"{width} by {height} pixels"]
        if self._mode != "picture":
            said.append(f"{number(self._range[0])} to {number(self._range[1])} {self._unit}".strip())
        self.setAccessibleDescription(", ".join(part for part in said if part) + ". Arrow keys read pixels.")

    # -- where things are -------------------------------------------------------------------------------------

    def _shows_legend(self) -> bool:
        return self._with_legend and self._mode != "picture" and self._values is not None

    def _below(self) -> float:
        """Height of what stands under the picture."""
        line = QFontMetricsF(font("small")).height() + 4 if self._with_caption else 0.0
        return line + (bar_height() + 8 if self._shows_legend() or self._is_level else 0.0)

    def _place(self, target: QRect, ratio: float) -> _Place:
        assert self._image is not None
        width, height = self._image.width(), self._image.height()
        room = QRectF(target).adjusted(4, 4, -4, -4 - self._below())
        across, down = room.width() * ratio / width, room.height() * ratio / height
        fit = max(min(across, down), 1 / max(width, height))
        if not self._zoom:
            device = fit if max(width, height) > SMOOTH_FROM or fit < 1 else math.floor(fit)
            middle = (width / 2, height / 2)
        else:
            device = self._zoom
            middle = self._kept_inside(across / self._zoom, down / self._zoom)
        side = device / ratio
        # On whole device pixels, or the edges of the magnified pixels would fall between two.
        left = round((room.center().x() - middle[0] * side) * ratio) / ratio
        top = round((room.center().y() - middle[1] * side) * ratio) / ratio
        whole = QRectF(left, top, width * side, height * side)
        return _Place(whole.intersected(room) if self._zoom else whole, whole, side)

    def _middle(self) -> tuple[float, float]:
        """(column, row) that lies in the middle of the room now."""
        place = self._place(self.rect(), self.devicePixelRatioF())
        centre = QRectF(self.rect()).adjusted(4, 4, -4, -4 - self._below()).center()
        return (centre.x() - place.whole.left()) / place.side, (centre.y() - place.whole.top()) / place.side

    def _kept_inside(self, across: float, down: float) -> tuple[float, float]:
        """The middle of a zoomed picture, so that no room stays bare that the picture could fill. across, down:
        ratio of the room to the zoomed picture."""
        assert self._image is not None
        centre = []
        for size, share, at in (
            (self._image.width(), across, self._centre[0]),
            (self._image.height(), down, self._centre[1]),
        ):
            half = min(share, 1.0) * size / 2
            centre.append(min(max(at, half), size - half))
        return centre[0], centre[1]

    def pixel_at(self, x: float, y: float) -> tuple[int, int] | None:
        """(row, column) at a point of the widget, None beside the picture."""
        if self._image is None:
            return None
        place = self._place(self.rect(), self.devicePixelRatioF())
        if not place.area.contains(QPointF(x, y)):
            return None
        column = min(int((x - place.whole.left()) / place.side), self._image.width() - 1)
        row = min(int((y - place.whole.top()) / place.side), self._image.height() - 1)
        return row, column

    def point_of(self, row: int, column: int) -> QPoint:
        """The middle of a pixel in the widget."""
        place = self._place(self.rect(), self.devicePixelRatioF())
        x = place.whole.left() + (column + 0.5) * place.side
        return QPoint(int(x), int(place.whole.top() + (row + 0.5) * place.side))

    # -- how large it is shown -------------------------------------------------------------------------------

    def zoom_by(self, steps: int, about: tuple[float, float] | None = None) -> None:
        """Magnify by more (or fewer) screen pixels per pixel; about: (column, row) that stays in sight."""
        if self._image is None:
            return
        ratio = self.devicePixelRatioF()
        now = self._zoom or max(1, math.floor(self._place(self.rect(), ratio).side * ratio))
        self._centre = about or (self._centre if self._zoom else (self._image.width() / 2, self._image.height() / 2))
        grown = now + steps * max(1, now // 4)
        self._zoom = min(max(grown, 1), 64)
        self.refresh()

    def zoom_to_fit(self) -> None:
        """Show the whole picture again."""
        self._zoom = 0
        self.refresh()

    def extend_menu(self, menu: QMenu) -> None:
        menu.addSeparator()
        menu.addAction("Zoom in", lambda: self.zoom_by(1))
        menu.addAction("Zoom out", lambda: self.zoom_by(-1))
        menu.addAction("Show all of it", self.zoom_to_fit)
