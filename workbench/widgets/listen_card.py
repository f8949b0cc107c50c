"""A large button that plays something: its name, its key, how far it has played. All cards of a row look alike."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFocusEvent, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from workbench.theme import GRID, Theme, font
from workbench.widgets.canvas import KEYBOARD_REASONS, paint_ring
from workbench.widgets.roll_notes import clock_text

LEAST_HEARD_S: Final = 1.0
"""So much has to have played before a card counts as heard."""
_BAR: Final = 6.0


class ListenCard(QAbstractButton):
    """Emits `clicked`. title: what it plays. key: the key that does the same, said on the card."""

    def __init__(self, theme: Theme, title: str, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme, self.key = theme, key
        self._at = self._length = 0.0
        self._is_playing = self._was_heard = self._has_ring = False
        self.setText(title)
        self.hint = f"Hear {title} ({key}); again to pause"
        self.setToolTip(self.hint)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._describe()
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(220, 150)

    def minimumSizeHint(self) -> QSize:
        return QSize(110, 92)

    @property
    def was_heard(self) -> bool:
        """Whether it has played for a second, or to its end, since `begin`."""
        return self._was_heard

    @property
    def is_playing(self) -> bool:
        return self._is_playing

    @property
    def share(self) -> float:
        """How much of it has played, 0 to 1."""
        return min(self._at / self._length, 1.0) if self._length > 0 else 0.0

    def begin(self, length: float) -> None:
        """Something new of `length` seconds that was not heard yet."""
        self._length, self._at = length, 0.0
        self._is_playing = self._was_heard = False
        self._describe()

    def set_length(self, length: float) -> None:
        """The same as before is of another length."""
        self._length = length
        self.update()

    def show_state(self, *, is_playing: bool, at: float) -> None:
        """Whether it plays, and at which second."""
        before = self._is_playing, self._was_heard
        self._is_playing, self._at = is_playing, at
        self._was_heard = self._was_heard or (is_playing and at >= min(LEAST_HEARD_S, self._length))
        if before != (self._is_playing, self._was_heard):
            self._describe()
        self.update()

    def _describe(self) -> None:
        state = "playing" if self._is_playing else "heard" if self._was_heard else "not heard yet"
        self.setAccessibleName(f"Hear {self.text()}")
        self.setAccessibleDescription(f"Key {self.key}; {state}")
        self.update()

    # -- painting ---------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        c = self.theme.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled():
            painter.setOpacity(0.5)
        room = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        ground = c.accent_soft if self._is_playing or self.isDown() else c.sunken if self.underMouse() else c.surface
        painter.setPen(QPen(QColor(c.accent if self._is_playing else c.border), 1.5))
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(room, 8, 8)
        inner = room.adjusted(2 * GRID, 1.5 * GRID, -2 * GRID, -1.5 * GRID)
        foot = QFontMetricsF(font("small")).height()
        self._paint_head(painter, inner)
        self._paint_sign(painter, QPointF(inner.center().x(), (inner.top() + foot + inner.bottom() - foot - 8) / 2))
        bar = QRectF(inner.left(), inner.bottom() - foot - _BAR - 4, inner.width(), _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(c.border))
        painter.drawRoundedRect(bar, 3, 3)
        painter.setBrush(QColor(c.accent))
        bar.setWidth(bar.width() * self.share)
        painter.drawRoundedRect(bar, 3, 3)
        painter.setFont(font("small"))
        painter.setPen(QColor(c.muted))
        line = QRectF(inner.left(), inner.bottom() - foot, inner.width(), foot)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, clock_text(min(self._at, self._length), 0.1))
        said = "heard" if self._was_heard else "not heard yet"
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, said)
        if self._has_ring and self.hasFocus():
            paint_ring(painter, QRectF(self.rect()), QColor(c.accent))
        painter.end()

    def _paint_head(self, painter: QPainter, inner: QRectF) -> None:
        c = self.theme.colours
        painter.setFont(font("heading"))
        painter.setPen(QColor(c.text))
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, self.text())
        painter.setFont(font("small"))
        metrics = QFontMetricsF(font("small"))
        side = max(metrics.height() + 4, metrics.horizontalAdvance(self.key) + 10)
        key = QRectF(inner.right() - side, inner.top(), side, metrics.height() + 4)
        painter.setPen(QPen(QColor(c.border), 1))
        painter.setBrush(QColor(c.window))
        painter.drawRoundedRect(key, 4, 4)
        painter.setPen(QColor(c.muted))
        painter.drawText(key, Qt.AlignmentFlag.AlignCenter, self.key)

    def _paint_sign(self, painter: QPainter, at: QPointF) -> None:
        """A triangle, or two bars while it plays."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme.colours.accent))
        if self._is_playing:
            for x in (-9.0, 3.0):
                painter.drawRoundedRect(QRectF(at.x() + x, at.y() - 10, 6, 20), 1.5, 1.5)
        else:
            painter.drawPolygon(QPolygonF([at + QPointF(*d) for d in ((-8, -11), (12, 0), (-8, 11))]))

    # -- focus ------------------------------------------------------------------------------------------------

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._has_ring = event.reason() in KEYBOARD_REASONS
        super().focusInEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.HoverEnter, QEvent.Type.HoverLeave, QEvent.Type.Enter, QEvent.Type.Leave):
            self.update()
        return super().event(event)
