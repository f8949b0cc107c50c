"""Red's win % through a game with a bar for what each move lost; a click goes to that position."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from engines.hex.coordinates import move_name
from workbench.panels.hex.mistakes import (
    SEVERITIES,
    Mistake,
    Severity,
    Thresholds,
    WinCurve,
    biggest_mistakes,
    mean_loss,
    tally,
)
from workbench.theme import GRID, Theme, font
from workbench.widgets.basics import ElidedLabel, label
from workbench.widgets.hexboard.look import PLAYER_NAMES
from workbench.widgets.plots import Plot

SEVERITY_COLOURS: dict[bool, dict[Severity, str]] = {
    False: {"fine": "#9aa8b5", "inaccuracy": "#c9a100", "mistake": "#d1670b", "blunder": "#8f2fb0"},
    True: {"fine": "#65717e", "inaccuracy": "#e3c53c", "mistake": "#ff9f4a", "blunder": "#d58cf0"},
}
"""By lightness and hue; for a light and a dark window."""


class WinRateGraph(QWidget):
    """The graph, with counts of each player's mistakes above it.

    `ply_clicked(ply)`: the user wants the position after so many moves. Left, Right, Home and End do the
    same.
    """

    ply_clicked = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._curve: WinCurve | None = None
        self._thresholds = Thresholds()
        self._ply = 0
        self.plot = Plot(theme, x="Move", y="Red", y_unit="%", legend=False, zoomable=False)
        self.plot.setAccessibleName("Win rate by move")
        self.plot.clicked.connect(self._clicked)
        self.plot.set_range(y=(0, 104), x=(0, 10))
        self.plot.set_ticks("left", [(v, str(v)) for v in (0, 25, 50, 75, 100)])
        self._tallies = {player: ElidedLabel() for player in (1, 2)}
        for tally_of in self._tallies.values():
            tally_of.setFont(font("small"))
        head = QHBoxLayout()
        head.setContentsMargins(GRID, 0, GRID, 0)
        head.addWidget(self._tallies[1], 1)
        head.addWidget(self._tallies[2], 1)
        self._tallies[2].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addLayout(head)
        rows.addWidget(self.plot, 1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Win rate graph")
        theme.changed.connect(self._redraw)

    @property
    def curve(self) -> WinCurve | None:
        return self._curve

    @property
    def ply(self) -> int:
        return self._ply

    @property
    def thresholds(self) -> Thresholds:
        return self._thresholds

    def set_curve(self, curve: WinCurve | None) -> None:
        """Show a game, or nothing."""
        self._curve = curve
        self._redraw()

    def set_thresholds(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._redraw()

    def set_ply(self, ply: int) -> None:
        """Mark the position that the board shows."""
        self._ply = ply
        self.plot.set_mark("here", float(ply), colour="accent")
        self._say()

    def _redraw(self, _colours: object = None) -> None:
        curve = self._curve
        if curve is None:
            for key in ("red", "loss"):
                self.plot.remove(key)
            for player in (1, 2):
                self._tallies[player].setText("")
            self._say()
            return
        dark = self._theme.is_dark
        kinds = [self._thresholds.severity(float(loss)) for loss in curve.loss]
        plies = np.arange(curve.length)
        self.plot.set_mark("even", 50.0, vertical=False, colour="border")
        self.plot.set_bars(
            "loss",
            plies + 1.0,
            np.nan_to_num(curve.loss),
            name="points lost",
            width=0.7,
            colours=[SEVERITY_COLOURS[dark][kind] for kind in kinds],
        )
        self.plot.set_curve(
            "red",
            np.arange(curve.length + 1.0),
            curve.red,
            name="Red %",
            colour="#f0654c" if dark else "#cf3f2a",
            style="line and points" if curve.length < 60 else "line",
        )
        self.plot.set_range(x=(0, max(curve.length, 10)), y=(0, 104))
        for player in (1, 2):
            self._tallies[player].setText(self._summary(curve, player))
        self.set_ply(self._ply)

    def _summary(self, curve: WinCurve, player: int) -> str:
        counts = tally(curve, self._thresholds, player)
        lost = mean_loss(curve, player)
        if np.isnan(lost):
            return f"{PLAYER_NAMES[player]}: not judged yet"
        said = ", ".join(_counted(counts[kind], kind) for kind in reversed(SEVERITIES[1:]) if counts[kind])
        return f"{PLAYER_NAMES[player]}: {said or 'no mistakes'} · {lost:.1f} points a move"

    def _say(self) -> None:
        known = self._curve is not None and 0 <= self._ply < len(self._curve.red)
        value = self._curve.red[self._ply] if known and self._curve is not None else np.nan
        text = f"move {self._ply}" + ("" if np.isnan(value) else f", Red wins {value:.0f} %")
        self.setAccessibleDescription(text)

    def _clicked(self, x: float, _y: float) -> None:
        if self._curve is not None:
            self.ply_clicked.emit(int(np.clip(round(x), 0, self._curve.length)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = self._curve.length if self._curve is not None else 0
        wanted = {
            Qt.Key.Key_Left: self._ply - 1,
            Qt.Key.Key_Right: self._ply + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }.get(Qt.Key(event.key()))
        if wanted is None:
            super().keyPressEvent(event)
        elif 0 <= wanted <= last:
            self.ply_clicked.emit(wanted)


class ThresholdBar(QWidget):
    """Three numbers that say what counts as inaccuracy, mistake and blunder. `changed(Thresholds)`."""

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._boxes: dict[str, QDoubleSpinBox] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        for kind in SEVERITIES[1:]:
            box = QDoubleSpinBox()
            box.setRange(0.5, 100)
            box.setDecimals(1)
            box.setSuffix(" pts")
            box.setAccessibleName(f"{kind}, from so many points of win % lost")
            box.setToolTip(f"A move that loses at least this much of its win % is shown as {_an(kind)}.")
            box.valueChanged.connect(lambda _value, name=kind: self._edited(name))
            self._boxes[kind] = box
            row.addWidget(label(kind.capitalize(), "small", muted=True))
            row.addWidget(box)
        row.addStretch(1)
        self.set_thresholds(Thresholds())

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(*(self._boxes[kind].value() for kind in SEVERITIES[1:]))

    def set_thresholds(self, thresholds: Thresholds) -> None:
        for kind, box in self._boxes.items():
            with QSignalBlocker(box):
                box.setValue(getattr(thresholds, kind))

    def _edited(self, edited: str) -> None:
        """The neighbours give way, so that the three stay in order."""
        values = {kind: box.value() for kind, box in self._boxes.items()}
        mine = values[edited]
        order = list(values)
        for index, kind in enumerate(order):
            pushed = min(values[kind], mine) if index < order.index(edited) else max(values[kind], mine)
            if kind != edited:
                with QSignalBlocker(self._boxes[kind]):
                    self._boxes[kind].setValue(pushed)
        self.changed.emit(self.thresholds)


class MistakesList(QListWidget):
    """The moves that lost most, worst first. `ply_chosen(ply)` shows the board on which one was played."""

    ply_chosen = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName("Biggest mistakes")
        self.setUniformItemSizes(True)
        self.setIconSize(QSize(12, 12))
        self.itemActivated.connect(self._chosen)
        self.itemClicked.connect(self._chosen)
        self._shown: tuple[Mistake, ...] | None = None

    def set_curve(self, curve: WinCurve | None, thresholds: Thresholds, size: int, *, count: int = 10) -> None:
        """List the mistakes of a game on a board of `size`."""
        found = biggest_mistakes(curve, thresholds, count=count) if curve is not None else ()
        if found == self._shown:
            return
        self._shown = found
        self.clear()
        if not found:
            text = "No game reviewed yet" if curve is None else "No move lost enough to be listed"
            empty = QListWidgetItem(text)
            empty.setFlags(Qt.ItemFlag.NoItemFlags)
            self.addItem(empty)
        for mistake in found:
            self.addItem(self._item(mistake, size))

    def _item(self, mistake: Mistake, size: int) -> QListWidgetItem:
        better = f", better {move_name(mistake.best, size)}" if mistake.best >= -2 else ""
        text = (
            f"{mistake.ply + 1}. {PLAYER_NAMES[mistake.player]} {move_name(mistake.move, size)}  "
            f"−{mistake.loss:.0f} points{better}"
        )
        item = QListWidgetItem(text)
        item.setData(Qt.ItemDataRole.UserRole, mistake.ply)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{mistake.severity}, {text}")
        item.setToolTip(f"{mistake.severity.capitalize()}: click to see the board before this move")
        item.setIcon(_dot(SEVERITY_COLOURS[self._theme.is_dark][mistake.severity], self.devicePixelRatioF()))
        return item

    def _chosen(self, item: QListWidgetItem) -> None:
        ply = item.data(Qt.ItemDataRole.UserRole)
        if ply is not None:
            self.ply_chosen.emit(int(ply))


def _dot(colour: str, pixel_ratio: float) -> QIcon:
    """A round spot of one colour."""
    pixmap = QPixmap(round(12 * pixel_ratio), round(12 * pixel_ratio))
    pixmap.setDevicePixelRatio(pixel_ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawEllipse(QRectF(1, 1, 10, 10))
    painter.end()
    return QIcon(pixmap)


def _counted(count: int, kind: str) -> str:
    plural = {"inaccuracy": "inaccuracies"}.get(kind, kind + "s")
    return f"{count} {kind if count == 1 else plural}"


def _an(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
