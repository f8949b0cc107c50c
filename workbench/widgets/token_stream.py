"""Tokens of a piece as chips, in step with the playhead: what each means, and how surprising it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollBar, QSizePolicy, QWidget

from workbench.theme import Theme, font
from workbench.widgets.basics import number
from workbench.widgets.canvas import Canvas
from workbench.widgets.roll_ink import mixed
from workbench.widgets.roll_notes import clock_text

GAP: Final = 4
SURPRISE: Final = 4.0
"""Nats at which a chip's bar is full; a guess among all 310 tokens costs ln 310 = 5.7."""
UNMARKED: Final = 0.35
"""Opacity of chips that do not belong to what was chosen elsewhere."""


class TokenChips(Canvas):
    """The chips themselves, in rows from left to right; `TokenStream` puts a scroll bar beside them."""

    chosen_changed = Signal(int)
    scrolled = Signal()

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, name, parent)
        self.texts: Sequence[str] = ()
        self.kinds = np.zeros(0, int)
        self.kind_names: tuple[str, ...] = ()
        self.times = np.zeros(0)
        self.surprise: np.ndarray | None = None
        self.current = -1
        self.chosen = -1
        self.marked: np.ndarray | None = None
        self.more: Callable[[int], str] | None = None
        self.top_row = 0
        self._widest = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 48)

    # -- where things are -------------------------------------------------------------------------------------

    def measure(self) -> None:
        """Find the width of a chip anew."""
        metrics = QFontMetricsF(font("small"))
        self._widest = max((metrics.horizontalAdvance(t) for t in set(self.texts)), default=40.0)

    @property
    def per_row(self) -> int:
        return max((self.width() - GAP) // (round(self._widest) + 18 + GAP), 1)

    @property
    def chip(self) -> QSize:
        """Size of each chip; all are alike, so that thousands need no layout, and a row fills the width."""
        height = round(QFontMetricsF(font("small")).height()) + 10
        return QSize((self.width() - GAP) // self.per_row - GAP, height)

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return -(-len(self.texts) // self.per_row)

    @property
    def rows_seen(self) -> int:
        """How many whole rows fit."""
        return max((self.height() - GAP) // (self.chip.height() + GAP), 1)

    def place_of(self, index: int) -> QRect:
        """Where a chip lies in the widget."""
        row, column = divmod(index, self.per_row)
        chip = self.chip
        return QRect(
            GAP + column * (chip.width() + GAP),
            GAP + (row - self.top_row) * (chip.height() + GAP),
            chip.width(),
            chip.height(),
        )

    def shows(self, index: int) -> bool:
        """Whether a chip is in sight."""
        return self.top_row <= index // self.per_row < self.top_row + self.rows_seen

    def index_at(self, at: QPointF) -> int:
        """The chip under a place, -1 for none."""
        chip = self.chip
        column, x = divmod(at.x() - GAP, chip.width() + GAP)
        row, y = divmod(at.y() - GAP, chip.height() + GAP)
        index = int((row + self.top_row) * self.per_row + column)
        hit = 0 <= column < self.per_row and row >= 0 and x < chip.width() and y < chip.height()
        return index if hit and 0 <= index < len(self.texts) else -1

    # -- painting ---------------------------------------------------------------------------------------------

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        if not self.texts:
            painter.setPen(QColor(self.colours.muted))
            painter.drawText(target, Qt.AlignmentFlag.AlignCenter, "No tokens yet")
            return
        painter.setFont(font("small"))
        first = self.top_row * self.per_row
        last = min((self.top_row + self.rows_seen + 1) * self.per_row, len(self.texts))
        painter.save()
        painter.translate(target.topLeft())
        for index in range(first, last):
            if self.marked is not None:
                painter.setOpacity(1.0 if self.marked[index] else UNMARKED)
            self._paint_chip(painter, index)
        painter.restore()

    def _paint_chip(self, painter: QPainter, index: int) -> None:
        box = QRectF(self.place_of(index))
        kind = self.theme.series(int(self.kinds[index]))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(mixed(self.colours.surface, kind, 0.16))
        painter.drawRoundedRect(box, 4, 4)
        painter.setBrush(kind)
        painter.drawRoundedRect(QRectF(box.left(), box.top(), 4, box.height()), 2, 2)
        value = np.nan if self.surprise is None else float(self.surprise[index])
        if np.isfinite(value):
            width = min(max(value / SURPRISE, 0.0), 1.0) * (box.width() - 10)
            painter.drawRect(QRectF(box.left() + 8, box.bottom() - 3, width, 2))
        painter.setPen(QColor(self.colours.text))
        painter.drawText(box.adjusted(9, 0, -4, -2), Qt.AlignmentFlag.AlignVCenter, self.texts[index])

    def paint_over(self, painter: QPainter) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for index, colour, width in ((self.current, self.colours.text, 2.0), (self.chosen, self.colours.accent, 2.0)):
            if 0 <= index < len(self.texts):
                painter.setPen(QPen(QColor(colour), width))
                painter.drawRoundedRect(QRectF(self.place_of(index)).adjusted(-1, -1, 1, 1), 5, 5)

    def columns(self) -> Mapping[str, np.ndarray]:
        if not self.texts:
            return {}
        out = {
            "token": np.array(self.texts),
            "kind": np.array([self.kind_names[k] for k in self.kinds]),
            "time (s)": self.times,
        }
        if self.surprise is not None:
            out["surprise (nats)"] = self.surprise
        return out

    def describe(self, index: int) -> str:
        """A token in words."""
        said = f"{self.texts[index]}, {self.kind_names[self.kinds[index]]}, token {index + 1} of {len(self.texts)}"
        said += f", at {clock_text(float(self.times[index]), 0.01)}"
        if self.surprise is not None and np.isfinite(self.surprise[index]):
            said += f", surprise {number(float(self.surprise[index]))}\u202fnats"
        return said

    def tip_at(self, at: QPointF) -> str:
        index = self.index_at(at)
        if index < 0:
            return ""
        more = self.more(index) if self.more is not None else ""
        return f"{self.describe(index)}\n{more}" if more else self.describe(index)

    # -- scrolling and choosing -------------------------------------------------------------------------------

    def scroll_to(self, row: int) -> None:
        """Show another row at the top."""
        row = min(max(row, 0), max(self.rows - self.rows_seen, 0))
        if row != self.top_row:
            self.top_row = row
            self.refresh()
            self.scrolled.emit()

    def reveal(self, index: int) -> None:
        """Scroll as little as needed to see a chip."""
        row = index // self.per_row
        if row < self.top_row:
            self.scroll_to(row)
        elif row >= self.top_row + self.rows_seen:
            self.scroll_to(row - self.rows_seen + 1)

    def choose(self, index: int) -> None:
        if len(self.texts):
            self.chosen = min(max(index, 0), len(self.texts) - 1)
            self.reveal(self.chosen)
            self.setAccessibleDescription(self.describe(self.chosen))
            self.update()
            self.chosen_changed.emit(self.chosen)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.choose(index)

    def wheelEvent(self, event: QWheelEvent) -> None:
        before = self.top_row
        notches = event.angleDelta().y() / 120
        self.scroll_to(self.top_row - (round(2 * notches) or (1 if notches > 0 else -1 if notches < 0 else 0)))
        event.setAccepted(self.top_row != before)  # at its ends the page scrolls

    def keyPressEvent(self, event: QKeyEvent) -> None:
        at = self.chosen if self.chosen >= 0 else max(self.current, 0)
        page = self.per_row * self.rows_seen
        steps = {
            Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -self.per_row, Qt.Key.Key_Down: self.per_row,
            Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page, Qt.Key.Key_Home: -at,
            Qt.Key.Key_End: len(self.texts),
        }  # fmt: skip
        key = Qt.Key(event.key())
        if key in steps and len(self.texts):
            self.choose(at + steps[key])
        else:
            super().keyPressEvent(event)


class TokenStream(QWidget):
    """Chips with a scroll bar; the chip of the playhead is framed and stays in sight while a piece plays,
    unless somebody scrolled away from it.

    Signals: `token_chosen(index)` by mouse and keys (arrows, Page Up and Down, Home, End).
    """

    token_chosen = Signal(int)

    def __init__(self, theme: Theme, name: str = "Tokens", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.chips = TokenChips(theme, name)
        self._bar = QScrollBar(Qt.Orientation.Vertical)
        self._bar.setAccessibleName(f"Scroll through {name.lower()}")
        self._bar.valueChanged.connect(self.chips.scroll_to)
        self.chips.scrolled.connect(self._show_place)
        self.chips.chosen_changed.connect(self.token_chosen)
        columns = QHBoxLayout(self)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(0)
        columns.addWidget(self.chips, 1)
        columns.addWidget(self._bar)
        self.chips.installEventFilter(self)
        self.setFocusProxy(self.chips)
        self._show_place()

    def sizeHint(self) -> QSize:
        return QSize(420, 160)

    def set_tokens(
        self,
        texts: Sequence[str],
        kinds: np.ndarray,
        times: np.ndarray,
        *,
        kind_names: Sequence[str],
        surprise: np.ndarray | None = None,
    ) -> None:
        """Show L tokens. kinds: int [L], which of `kind_names`. times: float [L], seconds, never falling.
        surprise: float [L], negative log probabilities in nats, NaN where there is none.

        Whoever stands at the end follows a piece that grows. Raises ValueError for arrays of other lengths.
        """
        kinds, times = np.asarray(kinds, int), np.asarray(times, np.float64)
        if not len(texts) == len(kinds) == len(times) or (surprise is not None and len(surprise) != len(texts)):
            raise ValueError(f"expected {len(texts)} kinds and times, got {len(kinds)} and {len(times)}")
        if len(kinds) and not (kinds.min() >= 0 and kinds.max() < len(kind_names)):
            raise ValueError(f"expected kinds below {len(kind_names)}, got {kinds.max()}")
        chips = self.chips
        was_at_end = chips.top_row >= chips.rows - chips.rows_seen
        had_some = bool(chips.texts)
        chips.texts, chips.kinds, chips.times = tuple(texts), kinds, times
        chips.kind_names = tuple(kind_names)
        chips.surprise = None if surprise is None else np.asarray(surprise, np.float64)
        if chips.marked is not None and len(chips.marked) != len(texts):
            chips.marked = None
        chips.chosen = min(chips.chosen, len(texts) - 1)
        chips.current = min(chips.current, len(texts) - 1)
        chips.measure()
        chips.setAccessibleDescription(f"{len(texts)} tokens" if len(texts) else "No tokens yet")
        chips.refresh()
        chips.scroll_to(chips.rows if was_at_end and had_some else chips.top_row)
        self._show_place()

    def set_playhead(self, seconds: float) -> None:
        """Frame the last token that has been reached, and scroll there when it changes."""
        chips = self.chips
        index = int(np.searchsorted(chips.times, seconds, "right")) - 1
        if index != chips.current:
            was_seen = chips.current < 0 or chips.shows(chips.current)  # who scrolled away is left in peace
            chips.current = index
            if index >= 0 and was_seen:
                chips.reveal(index)
            chips.update()

    def choose(self, index: int) -> None:
        """Choose a token and bring it into sight."""
        self.chips.choose(index)

    def show_chosen(self, index: int) -> None:
        """Frame a token that was chosen elsewhere, -1 for none; says nothing."""
        chips = self.chips
        chips.chosen = index if 0 <= index < len(chips.texts) else -1
        if chips.chosen >= 0:
            chips.reveal(chips.chosen)
        chips.update()

    def set_marked(self, marked: np.ndarray | None) -> None:
        """Let all tokens but those of bool [L] step back, and bring the first of them into sight; None ends it.

        Raises ValueError for another length.
        """
        chips = self.chips
        if marked is not None and len(marked) != len(chips.texts):
            raise ValueError(f"expected {len(chips.texts)} marks, got {len(marked)}")
        chips.marked = None if marked is None else np.asarray(marked, bool)
        if chips.marked is not None and chips.marked.any():
            chips.reveal(int(np.argmax(chips.marked)))
            chips.setAccessibleDescription(f"{int(chips.marked.sum())} of {len(chips.texts)} tokens chosen")
        chips.refresh()

    def set_tips(self, more: Callable[[int], str] | None) -> None:
        """More lines for the tooltip of a token, asked when it is shown."""
        self.chips.more = more

    def _show_place(self) -> None:
        chips = self.chips
        self._bar.blockSignals(True)
        self._bar.setRange(0, max(chips.rows - chips.rows_seen, 0))
        self._bar.setPageStep(chips.rows_seen)
        self._bar.setValue(chips.top_row)
        self._bar.blockSignals(False)
        self._bar.setVisible(self._bar.maximum() > 0)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.FontChange):
            self.chips.measure()
            self.chips.scroll_to(self.chips.top_row)
            self._show_place()
        return False
