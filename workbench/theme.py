"""The one place that decides how the workbench looks: colours, fonts, distances, style sheet.

Widgets take colours from the application's palette where Qt has a role for them and from `Theme.colours`
where it has none; whoever paints by hand listens to `Theme.changed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from workbench.colormaps import Colormap

GRID = 8
"""Distances are multiples of this many logical pixels, or half of it."""

Mode = Literal["system", "light", "dark"]
Accent = Literal["violet", "teal", "blue", "amber", "rose"]
FontRole = Literal["body", "small", "strong", "heading", "title", "mono"]


@dataclass(frozen=True)
class Colours:
    """Named colours of one scheme, each "#rrggbb". series: for curves, told apart by the colour-blind too."""

    window: str
    surface: str
    sunken: str
    border: str
    text: str
    muted: str
    disabled: str
    accent: str
    on_accent: str
    accent_soft: str
    info: str
    warn: str
    error: str
    ok: str
    info_soft: str
    warn_soft: str
    error_soft: str
    ok_soft: str
    series: tuple[str, ...]


LIGHT = Colours(
    window="#f5f6f8",
    surface="#ffffff",
    sunken="#eceef2",
    border="#d5d9e0",
    text="#1b1f27",
    muted="#59616f",
    disabled="#9aa1ad",
    accent="#5546d6",
    on_accent="#ffffff",
    accent_soft="#e8e6fb",
    info="#1f5fa8",
    warn="#855300",
    error="#b3261e",
    ok="#1b7040",
    info_soft="#e6f0fb",
    warn_soft="#fdf1dc",
    error_soft="#fce9e7",
    ok_soft="#e5f5eb",
    series=("#2a6fbb", "#d1670b", "#16866a", "#b0467f", "#7a6a00", "#6b5bd2", "#5c6773"),
)
DARK = Colours(
    window="#17191e",
    surface="#1f2228",
    sunken="#121419",
    border="#363b45",
    text="#e7e9ee",
    muted="#a2aab8",
    disabled="#666e7c",
    accent="#a196ff",
    on_accent="#15122b",
    accent_soft="#2e2a52",
    info="#86bbf5",
    warn="#f2bd63",
    error="#ff9a90",
    ok="#74d198",
    info_soft="#1a2b40",
    warn_soft="#3a2d14",
    error_soft="#43201d",
    ok_soft="#183526",
    series=("#6db1ff", "#ff9f4a", "#4fcfa9", "#f08fc3", "#d9c84a", "#b0a5ff", "#a5afbb"),
)
_ACCENTS: dict[Accent, tuple[tuple[str, str], tuple[str, str, str]]] = {
    "violet": ((LIGHT.accent, LIGHT.accent_soft), (DARK.accent, DARK.on_accent, DARK.accent_soft)),
    "teal": (("#0b6e66", "#dcf2ef"), ("#5ad1c3", "#04201d", "#123733")),
    "blue": (("#1a5fc4", "#e1ecfb"), ("#82b4ff", "#0a1a33", "#1b3152")),
    "amber": (("#8a5200", "#fbeed8"), ("#f0b75c", "#291a02", "#3d2e12")),
    "rose": (("#b02a5b", "#fae3eb"), ("#ff94b6", "#33091a", "#4a1f30")),
}


def colours_for(dark: bool, accent: Accent = "violet") -> Colours:
    """The colours of a scheme with one of the accents."""
    light_accent, dark_accent = _ACCENTS[accent]
    if dark:
        return replace(DARK, accent=dark_accent[0], on_accent=dark_accent[1], accent_soft=dark_accent[2])
    return replace(LIGHT, accent=light_accent[0], accent_soft=light_accent[1])


def system_scheme() -> Qt.ColorScheme:
    """What the desktop asks for; Unknown where it does not say."""
    return QGuiApplication.styleHints().colorScheme()


class Theme(QObject):
    """The look of the running application. Create one after QApplication, then `apply`.

    mode: follow the system, or a fixed scheme. scheme: asks the system; a test passes its own.
    `changed` carries the new `Colours` after palette and style sheet are in place.
    """

    changed = Signal(object)

    def __init__(
        self,
        mode: Mode = "system",
        accent: Accent = "violet",
        *,
        scheme: Callable[[], Qt.ColorScheme] = system_scheme,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._scheme = scheme
        self._mode: Mode = mode
        self._accent: Accent = accent
        self.is_dark = False
        self.colours = LIGHT
        # Queued: Qt is still in the middle of replacing its own palette when it says so.
        QGuiApplication.styleHints().colorSchemeChanged.connect(self.follow_system, Qt.ConnectionType.QueuedConnection)

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def accent(self) -> Accent:
        return self._accent

    def apply(self) -> None:
        """Give the application this look now."""
        self.is_dark = self._wanted_dark()
        self.colours = colours_for(self.is_dark, self._accent)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.setPalette(palette(self.colours))
            app.setStyleSheet(style_sheet(self.colours, "dark" if self.is_dark else "light"))
        self.changed.emit(self.colours)

    def set_mode(self, mode: Mode) -> None:
        """Follow the system, or stay light or dark. The window frame follows where the platform can."""
        self._mode = mode
        hints = QGuiApplication.styleHints()
        if mode == "system":
            hints.unsetColorScheme()
        else:
            hints.setColorScheme(Qt.ColorScheme.Dark if mode == "dark" else Qt.ColorScheme.Light)
        self.apply()

    def set_accent(self, accent: Accent) -> None:
        self._accent = accent
        self.apply()

    def follow_system(self, _scheme: object = None) -> None:
        """Look again at what the system asks for; does nothing when the look stays."""
        if self._wanted_dark() != self.is_dark:
            self.apply()

    def font(self, role: FontRole = "body") -> QFont:
        """The system's font in the size and weight of a role."""
        return font(role)

    def sequential(self) -> Colormap:
        """The colour map for quantities, in this scheme."""
        from workbench import colormaps

        return colormaps.sequential(self.is_dark)

    def diverging(self) -> Colormap:
        """The colour map for signed quantities, in this scheme."""
        from workbench import colormaps

        return colormaps.diverging(self.is_dark)

    def series(self, index: int) -> QColor:
        """The colour of curve number `index`; begins again after the last."""
        return QColor(self.colours.series[index % len(self.colours.series)])

    def _wanted_dark(self) -> bool:
        if self._mode == "system":
            return self._scheme() == Qt.ColorScheme.Dark
        return self._mode == "dark"


def font(role: FontRole = "body") -> QFont:
    """The system's font in the size and weight of a role; "mono" is the system's fixed-width font."""
    base = QApplication.font()
    if role == "mono":
        mono = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        mono.setPointSizeF(base.pointSizeF())
        return mono
    factor, weight = {
        "body": (1.0, QFont.Weight.Normal),
        "small": (0.9, QFont.Weight.Normal),
        "strong": (1.0, QFont.Weight.DemiBold),
        "heading": (1.25, QFont.Weight.DemiBold),
        "title": (1.7, QFont.Weight.DemiBold),
    }[role]
    result = QFont(base)
    result.setPointSizeF(base.pointSizeF() * factor)
    result.setWeight(weight)
    return result


def palette(c: Colours) -> QPalette:
    """Qt's colour roles from ours."""
    roles = QPalette.ColorRole
    result = QPalette()
    for role, colour in {
        roles.Window: c.window,
        roles.WindowText: c.text,
        roles.Base: c.surface,
        roles.AlternateBase: c.sunken,
        roles.Text: c.text,
        roles.PlaceholderText: c.muted,
        roles.Button: c.surface,
        roles.ButtonText: c.text,
        roles.BrightText: c.error,
        roles.ToolTipBase: c.surface,
        roles.ToolTipText: c.text,
        roles.Highlight: c.accent,
        roles.HighlightedText: c.on_accent,
        roles.Accent: c.accent,
        roles.Link: c.accent,
        roles.LinkVisited: c.accent,
        roles.Light: c.surface,
        roles.Midlight: c.sunken,
        roles.Mid: c.border,
        roles.Dark: c.border,
        roles.Shadow: c.sunken,
    }.items():
        result.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(c.disabled))
    result.setColor(QPalette.ColorGroup.Disabled, roles.Highlight, QColor(c.border))
    return result


def style_sheet(c: Colours, scheme: Literal["light", "dark"] = "light") -> str:
    """What the palette cannot say: visible edges of controls, cards, message bars, the accent button."""
    icons = (Path(str(files("resources"))) / "icons").as_posix()
    edge = f"border: 1px solid {c.border}; border-radius: 4px;"
    return f"""
    QLineEdit {{ {edge} background: {c.surface}; padding: 3px 5px; }}
    QPlainTextEdit, QTextEdit, QListView, QTreeView, QTableView {{ {edge} background: {c.surface}; }}
    QTextBrowser {{ border: none; background: {c.surface}; }}
    QComboBox {{ {edge} background: {c.surface}; padding: 3px 6px; }}
    QComboBox QLineEdit {{ border: none; padding: 0; }}
    QComboBox::drop-down {{ border: none; width: 22px; }}
    QComboBox::down-arrow {{ image: url("{icons}/chevron-{scheme}.svg"); width: 14px; height: 14px; }}
    QComboBox QAbstractItemView {{ border: 1px solid {c.border}; background: {c.surface}; outline: none;
        selection-background-color: {c.accent}; selection-color: {c.on_accent}; }}
    QAbstractSpinBox {{ {edge} background: {c.surface}; padding: 2px 0 2px 4px; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: 14px; }}
    QAbstractSpinBox::up-arrow {{ image: url("{icons}/chevron-up-{scheme}.svg"); width: 10px; height: 10px; }}
    QAbstractSpinBox::down-arrow {{ image: url("{icons}/chevron-{scheme}.svg"); width: 10px; height: 10px; }}
    QTabWidget::pane {{ border: none; border-top: 1px solid {c.border}; }}
    QTabBar {{ qproperty-drawBase: 0; }}
    QTabBar::tab {{ padding: 6px 14px; border: none; border-bottom: 2px solid transparent; color: {c.muted}; }}
    QTabBar::tab:hover {{ color: {c.text}; }}
    QTabBar::tab:selected {{ color: {c.text}; border-bottom: 2px solid {c.accent}; }}
    QTabBar::tab:focus {{ background: {c.accent_soft}; }}
    QHeaderView {{ background: {c.surface}; }}
    QHeaderView::section {{ background: {c.surface}; color: {c.muted}; padding: 3px 6px; border: none;
        border-bottom: 1px solid {c.border}; }}
    QTableCornerButton::section {{ background: {c.surface}; border: none; }}
    QLineEdit:focus, QComboBox:focus, QAbstractSpinBox:focus, QPlainTextEdit:focus {{ border: 1px solid {c.accent}; }}
    QLineEdit:disabled, QComboBox:disabled {{ color: {c.disabled}; background: {c.window}; }}
    QCheckBox::indicator, QAbstractItemView::indicator {{ width: 14px; height: 14px; border-radius: 3px;
        border: 1px solid {c.muted}; background: {c.surface}; }}
    QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {{ background: {c.accent};
        border-color: {c.accent}; image: url("{icons}/check-{scheme}.svg"); }}
    QCheckBox::indicator:indeterminate, QAbstractItemView::indicator:indeterminate {{ background: {c.accent};
        border-color: {c.accent}; image: url("{icons}/dash-{scheme}.svg"); }}
    QCheckBox::indicator:focus {{ border: 2px solid {c.accent}; }}
    QCheckBox::indicator:disabled, QAbstractItemView::indicator:disabled {{ border-color: {c.border};
        background: {c.window}; }}
    QProgressBar {{ border: none; border-radius: 3px; background: {c.border}; }}
    QProgressBar::chunk {{ border-radius: 3px; background: {c.accent}; }}
    QPushButton {{ {edge} background: {c.surface}; padding: 4px 12px; }}
    QPushButton:hover {{ background: {c.sunken}; }}
    QPushButton:pressed, QPushButton:checked {{ background: {c.accent_soft}; border-color: {c.accent}; }}
    QPushButton:focus {{ border-color: {c.accent}; }}
    QPushButton:disabled {{ color: {c.disabled}; background: {c.window}; }}
    QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {c.border}; }}
    QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {c.accent}; }}
    QSlider::sub-page:horizontal:disabled {{ background: {c.border}; }}
    QSlider::handle:horizontal {{ width: 12px; height: 12px; margin: -5px 0; border-radius: 7px;
        background: {c.surface}; border: 1px solid {c.muted}; }}
    QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ border: 2px solid {c.accent};
        width: 10px; height: 10px; }}
    QScrollBar {{ background: transparent; border: none; }}
    QScrollBar:vertical {{ width: 10px; }}
    QScrollBar:horizontal {{ height: 10px; }}
    QScrollBar::handle {{ background: {c.border}; border-radius: 4px; margin: 1px; }}
    QScrollBar::handle:vertical {{ min-height: 32px; }}
    QScrollBar::handle:horizontal {{ min-width: 32px; }}
    QScrollBar::handle:hover {{ background: {c.disabled}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QToolTip {{ color: {c.text}; background: {c.surface}; border: 1px solid {c.border}; padding: 4px 6px; }}
    QSplitter::handle {{ background: {c.window}; }}
    QSplitter::handle:hover {{ background: {c.accent_soft}; }}
    QStatusBar::item {{ border: none; }}
    *[role="muted"] {{ color: {c.muted}; }}
    *[role="error"] {{ color: {c.error}; }}
    *[role="ok"] {{ color: {c.ok}; }}
    QFrame[role="card"] {{ background: {c.surface}; border: 1px solid {c.border}; border-radius: 8px; }}
    QLabel[role="key"] {{ background: {c.surface}; border: 1px solid {c.border}; border-radius: 4px;
        padding: 1px 5px; }}
    QToolButton[role="navigation"] {{ text-align: left; padding: 4px 8px; border-radius: 6px; }}
    QToolButton[role="navigation"]:checked {{ background: {c.accent_soft}; font-weight: 600; }}
    QMenuBar {{ background: {c.window}; }}
    QFrame[role="line"] {{ background: {c.border}; border: none; }}
    QPushButton[role="primary"] {{ background: {c.accent}; color: {c.on_accent}; border: 1px solid {c.accent};
        border-radius: 5px; padding: 5px 16px; font-weight: 600; }}
    QPushButton[role="primary"]:hover {{ border-color: {c.text}; }}
    QPushButton[role="primary"]:focus {{ border: 2px solid {c.text}; padding: 4px 15px; }}
    QPushButton[role="primary"]:disabled {{ background: {c.sunken}; color: {c.disabled};
        border-color: {c.border}; }}
    QPushButton[role="stop"] {{ background: {c.error_soft}; color: {c.error}; border: 1px solid {c.error};
        border-radius: 5px; padding: 5px 16px; font-weight: 600; }}
    QPushButton[role="stop"]:focus {{ border: 2px solid {c.error}; padding: 4px 15px; }}
    QPushButton[role="stop"]:disabled {{ color: {c.muted}; border-color: {c.border};
        background: {c.sunken}; }}
    QToolButton {{ border: 1px solid transparent; border-radius: 5px; padding: 4px; }}
    QToolButton:hover {{ background: {c.sunken}; }}
    QToolButton:checked, QToolButton:pressed {{ background: {c.accent_soft}; }}
    QToolButton:focus {{ border-color: {c.accent}; }}
    QToolButton::menu-indicator {{ image: none; }}
    QListWidget[role="navigation"] {{ background: {c.window}; border: none; outline: none; }}
    QListWidget[role="plain"] {{ border: none; outline: none; }}
    QFrame[role="navigation"] {{ background: {c.window}; border: none; border-right: 1px solid {c.border}; }}
    QFrame[role="header"] {{ background: {c.surface}; border: none; border-bottom: 1px solid {c.border}; }}
    QFrame[message="info"] {{ background: {c.info_soft}; border: 1px solid {c.info}; border-radius: 6px; }}
    QFrame[message="ok"] {{ background: {c.ok_soft}; border: 1px solid {c.ok}; border-radius: 6px; }}
    QFrame[message="warn"] {{ background: {c.warn_soft}; border: 1px solid {c.warn}; border-radius: 6px; }}
    QFrame[message="error"] {{ background: {c.error_soft}; border: 1px solid {c.error}; border-radius: 6px; }}
    QLineEdit[invalid="true"], QComboBox[invalid="true"] {{ border: 1px solid {c.error};
        background: {c.error_soft}; }}
    """


def set_role(widget: QObject, role: str) -> None:
    """Style `widget` by a role of the style sheet, also after it was shown."""
    if widget.property("role") == role:
        return
    widget.setProperty("role", role)
    style = widget.style() if hasattr(widget, "style") else None
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)
