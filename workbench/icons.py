"""Line icons on a 24-pixel grid, drawn in the colour of the text they stand beside.

An icon asks the application's palette when it is painted, so it follows the theme by itself, and it is drawn
as vectors, so it is sharp at every scale. The shapes are in resources/icons/lines.json.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files as resource_files

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer


@lru_cache(maxsize=1)
def shapes() -> dict[str, str]:
    """SVG elements of every icon, by name."""
    return json.loads((resource_files("resources") / "icons" / "lines.json").read_text("utf-8"))


def svg(name: str, colour: str, width: float = 1.75) -> str:
    """The icon as an SVG document in `colour` ("#rrggbb")."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        f'stroke="{colour}" stroke-width="{width}" stroke-linecap="round" stroke-linejoin="round">'
        f"{shapes()[name]}</svg>"
    )


@lru_cache(maxsize=512)
def pixmap(name: str, colour: str, side: int, ratio: float = 1.0) -> QPixmap:
    """The icon `side` logical pixels wide in `colour`."""
    result = QPixmap(round(side * ratio), round(side * ratio))
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    QSvgRenderer(QByteArray(svg(name, colour).encode())).render(painter)
    painter.end()
    result.setDevicePixelRatio(ratio)
    return result


def icon(name: str, role: QPalette.ColorRole = QPalette.ColorRole.ButtonText) -> QIcon:
    """The icon in the palette's colour of `role`. Raises KeyError for an unknown name."""
    if name not in shapes():
        raise KeyError(f"there is no icon {name!r}; known: {', '.join(sorted(shapes()))}")
    return QIcon(_Engine(name, role))


class _Engine(QIconEngine):
    """Draws an icon when asked, in the colour that the palette has at that moment."""

    def __init__(self, name: str, role: QPalette.ColorRole) -> None:
        super().__init__()
        self._name, self._role = name, role

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        renderer = QSvgRenderer(QByteArray(svg(self._name, self._now(mode)).encode()))
        renderer.setAspectRatioMode(Qt.AspectRatioMode.KeepAspectRatio)
        renderer.render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        # `size` is in logical pixels since Qt 6.8; older ones hand over device pixels and a scale of 1.
        result = QPixmap(size * scale)
        result.setDevicePixelRatio(scale)
        result.fill(Qt.GlobalColor.transparent)
        painter = QPainter(result)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return result

    def clone(self) -> QIconEngine:
        return _Engine(self._name, self._role)

    def _now(self, mode: QIcon.Mode) -> str:
        group = QPalette.ColorGroup.Disabled if mode == QIcon.Mode.Disabled else QPalette.ColorGroup.Active
        role = QPalette.ColorRole.HighlightedText if mode == QIcon.Mode.Selected else self._role
        if mode == QIcon.Mode.Disabled:
            role = QPalette.ColorRole.ButtonText
        return QGuiApplication.palette().color(group, role).name()
