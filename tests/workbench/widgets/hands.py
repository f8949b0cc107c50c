"""What a person does with a widget: shows it, drags over it, turns the wheel, looks at a pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

W = TypeVar("W", bound=QWidget)
PLAIN = Qt.KeyboardModifier.NoModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def shown(qtbot: QtBot, widget: W, width: int, height: int) -> W:
    """The widget on the screen in this size; closed after the test."""
    qtbot.addWidget(widget)
    widget.resize(width, height)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def move(widget: QWidget, at: QPoint | QPointF, *, held: bool = False, keys: Qt.KeyboardModifier = PLAIN) -> None:
    """The mouse goes to a place; held: with the left button down."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    _mouse(widget, QEvent.Type.MouseMove, QPointF(at), none, left if held else none, keys)


def drag(widget: QWidget, path: Sequence[QPoint | QPointF], *, keys: Qt.KeyboardModifier = PLAIN) -> None:
    """Press at the first point, move through the others, release at the last."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    places = [QPointF(at) for at in path]
    _mouse(widget, QEvent.Type.MouseButtonPress, places[0], left, left, keys)
    for at in places[1:]:
        _mouse(widget, QEvent.Type.MouseMove, at, none, left, keys)
    _mouse(widget, QEvent.Type.MouseButtonRelease, places[-1], left, none, keys)


def wheel(widget: QWidget, at: QPoint | QPointF, notches: int, keys: Qt.KeyboardModifier = PLAIN) -> None:
    """Turn the wheel, positive away from the person."""
    point = QPointF(at)
    event = QWheelEvent(
        point, QPointF(widget.mapToGlobal(point)), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, keys,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def rest(widget: QWidget, at: QPoint) -> None:
    """Let the mouse rest, so that a tooltip is asked for."""
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, at, widget.mapToGlobal(at)))


def colour_at(widget: QWidget, at: QPoint) -> QColor:
    """What is seen at a place."""
    image = widget.grab().toImage()
    ratio = image.devicePixelRatio()
    return image.pixelColor(round(at.x() * ratio), round(at.y() * ratio))


def heard(signal: object) -> list[tuple[object, ...]]:
    """A list that fills with what a signal carries."""
    said: list[tuple[object, ...]] = []

    def listen(*values: object) -> None:
        said.append(values)

    connect: Callable[[object], object] = signal.connect  # type: ignore[attr-defined]
    connect(listen)
    return said


def _mouse(
    widget: QWidget,
    kind: QEvent.Type,
    at: QPointF,
    button: Qt.MouseButton,
    held: Qt.MouseButton,
    keys: Qt.KeyboardModifier,
) -> None:
    QApplication.sendEvent(widget, QMouseEvent(kind, at, QPointF(widget.mapToGlobal(at)), button, held, keys))
