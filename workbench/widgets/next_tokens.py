"""What a sequence model expects next: bars for the likeliest tokens, and how much each kind of token gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import Theme, font
from workbench.widgets.basics import percent
from workbench.widgets.canvas import Canvas
from workbench.widgets.roll_ink import ink_on

SHARES: Final = 18.0  # pixels of the bar of kinds


class NextTokens(Canvas):
    """Horizontal bars, the likeliest first, below one bar that is divided among the kinds."""

    def __init__(self, theme: Theme, name: str = "Next token", parent: QWidget | None = None) -> None:
        super().__init__(theme, name, parent)
        self._texts: tuple[str, ...] = ()
        self._probabilities = np.zeros(0)
        self._kinds = np.zeros(0, int)
        self._kind_names: tuple[str, ...] = ()
        self._shares: np.ndarray = np.zeros(0)
        self._taken = -1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(140, 80)
        self.setAccessibleDescription("No prediction yet")

    def sizeHint(self) -> QSize:
        return QSize(260, 200)

    def set_next(
        self,
        texts: Sequence[str],
        probabilities: np.ndarray,
        kinds: np.ndarray,
        *,
        kind_names: Sequence[str],
        kind_shares: np.ndarray | None = None,
        taken: int = -1,
    ) -> None:
        """Show k tokens with float [k] probabilities in [0, 1] and int [k] kinds, the likeliest first.

        kind_shares: float [K] of all tokens of each kind, by default of those shown. taken: which of the k was
        drawn. Raises ValueError for arrays of other lengths.
        """
        probabilities, kinds = np.asarray(probabilities, np.float64), np.asarray(kinds, int)
        if not len(texts) == len(probabilities) == len(kinds):
            raise ValueError(f"expected {len(texts)} probabilities and kinds, got {len(probabilities)}, {len(kinds)}")
        self._texts, self._probabilities, self._kinds = tuple(texts), probabilities, kinds
        self._kind_names, self._taken = tuple(kind_names), taken
        counted = np.zeros(len(kind_names))
        np.add.at(counted, kinds, probabilities)
        self._shares = counted if kind_shares is None else np.asarray(kind_shares, np.float64)
        said = ", ".join(f"{t} {percent(p, 0)}" for t, p in zip(self._texts[:3], probabilities, strict=False))
        self.setAccessibleDescription(f"Expected: {said}" if said else "No prediction yet")
        self.refresh()

    def columns(self) -> Mapping[str, np.ndarray]:
        if not self._texts:
            return {}
        return {"token": np.array(self._texts), "probability": self._probabilities}

    def _lines(self, target: QRect) -> tuple[float, int]:
        """Height of a bar, and how many fit."""
        line = QFontMetricsF(font("small")).height() + 4
        room = target.height() - SHARES - line - 10
        return line, max(min(int(room // line), len(self._texts)), 1)

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        painter.setFont(font("small"))
        if not self._texts:
            painter.setPen(QColor(self.colours.muted))
            painter.drawText(target, Qt.AlignmentFlag.AlignCenter, "No prediction yet")
            return
        metrics = QFontMetricsF(font("small"))
        line, count = self._lines(target)
        self._paint_shares(painter, QRectF(target.left(), target.top() + 2, target.width(), SHARES), metrics)
        top = target.top() + SHARES + 8
        widest = max(QFontMetricsF(font("strong")).horizontalAdvance(t) for t in self._texts)
        label = min(widest + 8, target.width() * 0.45)
        said = metrics.horizontalAdvance("100.0\u202f%") + 6
        longest = max(target.width() - label - said, 8.0)
        scale = max(float(self._probabilities.max()), 0.05)
        for k in range(count):
            y = top + k * line
            box = QRectF(target.left() + label, y + 2, longest * self._probabilities[k] / scale, line - 4)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.theme.series(int(self._kinds[k])))
            painter.drawRoundedRect(box, 2, 2)
            painter.setPen(QColor(self.colours.text))
            painter.setFont(font("strong") if k == self._taken else font("small"))
            name = QRectF(target.left(), y, label - 4, line)
            letters = QFontMetricsF(painter.font())
            text = letters.elidedText(self._texts[k], Qt.TextElideMode.ElideRight, name.width() - 2)
            painter.drawText(name, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
            painter.setFont(font("small"))
            painter.setPen(QColor(self.colours.muted))
            painter.drawText(QPointF(box.right() + 5, y + metrics.ascent() + 2), percent(float(self._probabilities[k])))

    def _paint_shares(self, painter: QPainter, room: QRectF, metrics: QFontMetricsF) -> None:
        """One bar divided among the kinds, each named where it has room."""
        total = float(self._shares.sum()) or 1.0
        x = room.left()
        for k, share in enumerate(self._shares):
            box = QRectF(x, room.top(), share / total * room.width(), room.height())
            x = box.right()
            colour = self.theme.series(k)
            painter.fillRect(box.adjusted(0, 0, -1 if box.width() > 2 else 0, 0), colour)
            text = f"{self._kind_names[k]} {percent(share / total, 0)}"
            text = text if metrics.horizontalAdvance(text) + 8 <= box.width() else self._kind_names[k]
            if metrics.horizontalAdvance(text) + 6 <= box.width():
                painter.setPen(ink_on(colour))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def tip_at(self, at: QPointF) -> str:
        if not self._texts:
            return ""
        if at.y() <= SHARES + 4:
            total = float(self._shares.sum()) or 1.0
            pairs = zip(self._kind_names, self._shares, strict=True)
            return "\n".join(f"{name}: {percent(share / total)}" for name, share in pairs)
        line, count = self._lines(self.rect())
        k = int((at.y() - SHARES - 8) // line)
        return f"{self._texts[k]}: {percent(float(self._probabilities[k]), 2)}" if 0 <= k < count else ""
