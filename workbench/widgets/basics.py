"""Small pieces that every screen uses: labels, icon buttons, folding zones, numbers as people write them."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QIcon, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QDialogButtonBox, QFrame, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from workbench import icons
from workbench.theme import GRID, FontRole, font, set_role


def label(text: str, role: FontRole = "body", *, muted: bool = False, wrap: bool = False) -> QLabel:
    """A plain-text label in a font role."""
    result = QLabel(text)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setFont(font(role))
    result.setWordWrap(wrap)
    if muted:
        set_role(result, "muted")
    return result


def icon_button(
    name: str, text: str, clicked: Callable[[], object] | None = None, *, checkable: bool = False
) -> QToolButton:
    """A flat button with an icon only; `text` is its tooltip and its accessible name."""
    button = QToolButton()
    button.setIcon(icons.icon(name))
    button.setIconSize(QSize(18, 18))
    button.setToolTip(text)
    button.setAccessibleName(text)
    button.setCheckable(checkable)
    if clicked is not None:
        button.clicked.connect(lambda _=False: clicked())
    return button


def line() -> QFrame:
    """A hairline between groups."""
    result = QFrame()
    result.setFixedHeight(1)
    set_role(result, "line")
    return result


def set_enabled(widget: QWidget, reason: str, tooltip: str = "") -> None:
    """Enable `widget` when `reason` is empty; otherwise disable it and let the tooltip say why."""
    widget.setEnabled(not reason)
    widget.setToolTip(reason or tooltip)


class IconLabel(QWidget):
    """An icon that stands alone, drawn in the colour of the text."""

    def __init__(self, name: str, side: int = 18, *, muted: bool = False, accent: bool = False) -> None:
        super().__init__()
        roles = QPalette.ColorRole
        role = roles.Highlight if accent else roles.PlaceholderText if muted else roles.WindowText
        self._icon = icons.icon(name, role)
        self.setFixedSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._icon.paint(QPainter(self), self.rect())


class ElidedLabel(QLabel):
    """One line that ends in "…" where there is no room; the tooltip has the whole text."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(QFontMetrics(self.font()).averageCharWidth() * 6)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        metrics = QFontMetrics(self.font())
        text = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(self.alignment()) | Qt.TextFlag.TextSingleLine, text)

    def setText(self, text: str) -> None:
        super().setText(text)
        self._tell_whole()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._tell_whole()

    def _tell_whole(self) -> None:
        fits = QFontMetrics(self.font()).horizontalAdvance(self.text()) <= self.width()
        self.setToolTip("" if fits else self.text())


class Collapsible(QWidget):
    """A heading that folds its content away. `toggled(bool)` carries whether it is open."""

    toggled = Signal(bool)

    def __init__(self, title: str, content: QWidget, *, is_open: bool = False, parent: QWidget | None = None):
        super().__init__(parent)
        self.content = content
        self._head = QToolButton()
        self._head.setText(title)
        self._head.setFont(font("strong"))
        self._head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._head.setCheckable(True)
        self._head.setIconSize(QSize(14, 14))
        self._head.setAutoRaise(True)
        self._head.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._head.toggled.connect(self._apply)
        self._head.setStyleSheet("QToolButton { padding: 2px; } QToolButton:checked { background: transparent; }")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addWidget(self._head, 0, Qt.AlignmentFlag.AlignLeft)
        rows.addWidget(content)
        self._head.setChecked(is_open)
        self._apply(is_open)

    @property
    def is_open(self) -> bool:
        return self._head.isChecked()

    def set_open(self, is_open: bool) -> None:
        self._head.setChecked(is_open)

    def _apply(self, is_open: bool) -> None:
        self._head.setIcon(icons.icon("chevron-down" if is_open else "chevron-right"))
        self._head.setAccessibleName(f"{self._head.text()}, {'open' if is_open else 'folded'}")
        self.content.setVisible(is_open)
        self.toggled.emit(is_open)


def plain_buttons(box: QDialogButtonBox) -> None:
    """Take the style's coloured icons off a dialog's buttons; here icons are lines."""
    for button in box.buttons():
        button.setIcon(QIcon())


def sentence(text: str) -> str:
    """A message as a sentence: a capital first, a full stop last. A name such as "b2" or "game.sgf" stays itself."""
    text = text.strip()
    if not text:
        return ""
    first = text.split()[0].rstrip(".!?…:,;")
    start = text[0].upper() if first.replace("-", "").replace("'", "").isalpha() else text[0]
    return start + text[1:] + ("" if text[-1] in ".!?…:" else ".")


def repolish(widget: QWidget) -> None:
    """Let the style sheet look at the widget's properties again."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


def number(value: float, digits: int = 3) -> str:
    """A number as people write it: `digits` significant ones, thin spaces in thousands, true minus."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) < 1e15:
        text = f"{int(value):,}".replace(",", "\u202f")
    elif abs(value) >= 1e6 or abs(value) < 1e-4:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa}·10{_raised(int(exponent))}"
    elif abs(value) >= 10**digits:
        text = f"{round(value):,}".replace(",", "\u202f")
    else:
        text = f"{value:.{digits}g}"
    return text.replace("-", "\u2212")


def percent(share: float, digits: int = 1) -> str:
    """A share in [0, 1] as "12.3 %"."""
    return "–" if math.isnan(share) else f"{100 * share:.{digits}f}\u202f%".replace("-", "\u2212")


def duration(seconds: float) -> str:
    """Seconds as "0.4 s", "12 s", "3 min 05 s" or "2 h 07 min"."""
    if seconds < 10:
        return f"{seconds:.1f}\u202fs"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}\u202fs"
    if whole < 3600:
        return f"{whole // 60}\u202fmin {whole % 60:02d}\u202fs"
    return f"{whole // 3600}\u202fh {whole % 3600 // 60:02d}\u202fmin"


def byte_size(count: float) -> str:
    """Bytes as "3.4 MB" (powers of 1,000, as shops and sites do)."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f}\u202f{unit}" if unit == "B" or count >= 100 else f"{count:.1f}\u202f{unit}"
        count /= 1000
    return f"{count:.1f}\u202fTB"


def _raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def is_theme_change(event: QEvent) -> bool:
    """Whether this change event means that colours have to be taken anew."""
    return event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange)
