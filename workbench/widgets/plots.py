"""Plots in the theme's colours: named curves, bars, bands and marks, with axis labels, units and a legend.

A plot is updated by key: `set_curve("loss", x, y)` draws or redraws. Its context menu copies and saves what
it shows. pyqtgraph takes half a second to import, so import this module where a panel is built, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFileDialog, QMenu, QMessageBox, QVBoxLayout, QWidget

from workbench.commands import later
from workbench.theme import GRID, Colours, Theme, font
from workbench.widgets import exports
from workbench.widgets.basics import label, number

LineStyle = Literal["line", "dashed", "points", "line and points", "steps"]
THICK_UP_TO: Final = 3000  # points; wider pens are slow beyond
END_ROOM: Final = 9  # pixels


class _UpAxis(pg.AxisItem):
    """The left axis. With a grid pyqtgraph leaves out a number that reaches past the end: 0 and 100 of a percentage."""

    def boundingRect(self) -> QRectF:
        return super().boundingRect().adjusted(0, -END_ROOM, 0, END_ROOM)


@dataclass
class _Item:
    """Something drawn. colour: index into the theme's series, or "#rrggbb", or one of its named colours."""

    graphic: Any
    kind: str
    name: str
    colour: int | str
    style: LineStyle = "line"
    x: np.ndarray | None = None
    y: np.ndarray | None = None
    high: np.ndarray | None = None
    parts: tuple[Any, ...] = ()


class Plot(QWidget):
    """One pair of axes.

    x, y: axis labels; x_unit, y_unit: their units, shown in brackets. `clicked(x, y)` and `hovered(x, y)` are
    in the axes' units; hovered carries NaN when the mouse leaves. readout: show values under the mouse.
    """

    clicked = Signal(float, float)
    hovered = Signal(float, float)

    def __init__(
        self,
        theme: Theme,
        *,
        title: str = "",
        x: str = "",
        y: str = "",
        x_unit: str = "",
        y_unit: str = "",
        legend: bool = True,
        readout: bool = True,
        zoomable: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._labels = {"bottom": (x, x_unit), "left": (y, y_unit)}
        self._title = title
        self._items: dict[str, _Item] = {}
        self._fixed: set[str] = set()
        self.setAccessibleName(title or f"{y} by {x}")
        self.view = pg.PlotWidget(enableMenu=False, axisItems={"left": _UpAxis("left")})
        self.view.setAcceptDrops(False)
        self.view.viewport().setAcceptDrops(False)
        self.axes: pg.PlotItem = self.view.getPlotItem()
        if self.axes.ctrlMenu is not None:  # made without a parent, never shown, and not freed by pyqtgraph
            self.axes.ctrlMenu.setParent(self, Qt.WindowType.Popup)
        self.axes.hideButtons()
        self.axes.layout.setContentsMargins(1, END_ROOM - 3, 1, 1)  # the upper half of a number at the top
        self.axes.setMouseEnabled(x=zoomable, y=zoomable)
        self.axes.showGrid(x=True, y=True, alpha=0.3)
        self.axes.setDownsampling(auto=True, mode="peak")
        self._caption = label(title, "strong")
        self._legend = label("", "small", wrap=True)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._with_legend = legend
        self._guide = pg.InfiniteLine(angle=90, movable=False)
        self._note = pg.TextItem(anchor=(1, 0))
        self._readout = readout
        for extra in (self._guide, self._note):
            extra.setVisible(False)
            extra.setZValue(100)
            self.axes.addItem(extra, ignoreBounds=True)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        self._head = QWidget()
        self._head_rows = head = QBoxLayout(QBoxLayout.Direction.LeftToRight, self._head)
        head.setSpacing(GRID // 2)
        head.setContentsMargins(GRID, GRID // 2, GRID, 0)
        head.addWidget(self._caption)
        head.addWidget(self._legend, 1)
        self._head.setAutoFillBackground(True)
        self._head.setBackgroundRole(QPalette.ColorRole.Base)
        rows.addWidget(self._head)
        self._head.setVisible(bool(title))
        rows.addWidget(self.view, 1)
        self.view.scene().sigMouseClicked.connect(self._clicked)
        self.view.scene().sigMouseMoved.connect(self._moved)
        theme.changed.connect(self._restyle)
        self._restyle(theme.colours)

    def sizeHint(self) -> QSize:
        return QSize(360, 200)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 96)

    def hasHeightForWidth(self) -> bool:
        """A legend that wraps must not make the whole plot ask for more height in a scroll area."""
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_legend()

    def _place_legend(self) -> None:
        """Beside the title, or below it where the two do not fit on a line."""
        metrics = self._legend.fontMetrics()
        names = [item.name for item in self._items.values() if item.name]
        wanted = self._caption.sizeHint().width() + sum(metrics.horizontalAdvance(name) + 28 for name in names)
        beside = wanted + 3 * GRID <= self.width()
        self._head_rows.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)
        side = Qt.AlignmentFlag.AlignRight if beside else Qt.AlignmentFlag.AlignLeft
        self._legend.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)

    # -- drawing --------------------------------------------------------------------------------------------

    def set_curve(
        self,
        key: str,
        x: Sequence[float] | np.ndarray,
        y: Sequence[float] | np.ndarray,
        *,
        name: str = "",
        colour: int | str | None = None,
        style: LineStyle = "line",
    ) -> None:
        """Draw or redraw a curve through float [n] `x` and `y`; NaN leaves a gap."""
        xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if xs.shape != ys.shape or xs.ndim != 1:
            raise ValueError(f"expected x and y of one length, got {xs.shape} and {ys.shape}")
        item = self._items.get(key)
        if item is None:
            graphic = pg.PlotDataItem(connect="finite", stepMode=None)
            item = self._add(key, _Item(graphic, "curve", name or key, self._pick(colour), style))
        item.x, item.y = xs, ys
        if colour is not None and colour != item.colour:
            item.colour = colour
        self._style_curve(item)
        if style == "steps" and len(xs):
            width = xs[1] - xs[0] if len(xs) > 1 else 1.0
            edges = np.append(xs, xs[-1] + width) - width / 2
            item.graphic.setData(edges, ys, stepMode="center")
        elif np.isfinite(ys).any():
            item.graphic.setData(xs, ys)
        else:
            item.graphic.setData([], [])  # pyqtgraph warns of bounds when nothing but gaps is given

    def set_bars(
        self,
        key: str,
        x: Sequence[float] | np.ndarray,
        height: Sequence[float] | np.ndarray,
        *,
        name: str = "",
        width: float = 0.8,
        colour: int | str | None = None,
        colours: Sequence[str] | None = None,
    ) -> None:
        """Draw bars of float [n] `height` at `x`; `colours` gives each its own."""
        xs, ys = np.asarray(x, np.float64), np.asarray(height, np.float64)
        item = self._items.get(key)
        if item is None:
            graphic = pg.BarGraphItem(x=xs, height=ys, width=width)
            item = self._add(key, _Item(graphic, "bars", name or key, self._pick(colour)))
        item.x, item.y = xs, ys
        item.parts = tuple(colours) if colours is not None else ()
        item.graphic.setOpts(x=xs, height=np.nan_to_num(ys), width=width)
        self._style_bars(item)

    def set_band(
        self,
        key: str,
        x: Sequence[float] | np.ndarray,
        low: Sequence[float] | np.ndarray,
        high: Sequence[float] | np.ndarray,
        *,
        name: str | None = "",
        colour: int | str | None = None,
    ) -> None:
        """Shade between float [n] `low` and `high`, such as a spread over seeds. name: None leaves it out of the
        legend."""
        xs, lows, highs = (np.asarray(v, np.float64) for v in (x, low, high))
        item = self._items.get(key)
        if item is None:
            unseen = pg.mkPen((0, 0, 0, 0))  # without a pen pyqtgraph makes no path to fill between
            lower, upper = pg.PlotDataItem(pen=unseen), pg.PlotDataItem(pen=unseen)
            graphic = pg.FillBetweenItem(lower, upper)
            item = _Item(graphic, "band", "" if name is None else name or key, self._pick(colour), parts=(lower, upper))
            self._add(key, item)
        item.x, item.y, item.high = xs, lows, highs
        item.parts[0].setData(xs, lows)
        item.parts[1].setData(xs, highs)
        shade = self._colour(item.colour)
        shade.setAlpha(50)
        item.graphic.setBrush(shade)

    def set_mark(
        self,
        key: str,
        at: float | None,
        *,
        vertical: bool = True,
        text: str = "",
        colour: int | str = "accent",
        movable: bool = False,
        moved: Callable[[float], object] | None = None,
    ) -> None:
        """A line across the plot at `at`, or none. `moved` is called while the user drags a movable one."""
        item = self._items.get(key)
        if at is None:
            self.remove(key)
            return
        if item is None:
            mark = pg.InfiniteLine(angle=90 if vertical else 0, movable=movable, label=text or None)
            item = self._add(key, _Item(mark, "mark", "", colour))
            if moved is not None:
                mark.sigPositionChanged.connect(lambda line: moved(float(line.value())))
        item.colour = colour
        self._style_mark(item)
        if item.graphic.value() != at:
            quiet = item.graphic.blockSignals(True)
            item.graphic.setValue(at)
            item.graphic.blockSignals(quiet)
        # pyqtgraph gives a line no such attribute when it was made without a label.
        if getattr(item.graphic, "label", None) is not None:
            item.graphic.label.setFormat(text)

    def remove(self, key: str) -> None:
        """Take a curve, bars, a band or a mark away, if it is there."""
        item = self._items.pop(key, None)
        if item is None:
            return
        self.axes.removeItem(item.graphic)
        if item.kind == "band":
            for part in item.parts:
                self.axes.removeItem(part)
        self._write_legend()
        if not self._items:
            self._write_axes()

    def clear(self) -> None:
        """Take everything away."""
        for key in list(self._items):
            self.remove(key)

    def set_labels(self, *, x: str | None = None, y: str | None = None, x_unit: str = "", y_unit: str = "") -> None:
        """Change the axes' labels and units."""
        if x is not None:
            self._labels["bottom"] = (x, x_unit)
        if y is not None:
            self._labels["left"] = (y, y_unit)
        self._restyle(self._theme.colours)

    def set_title(self, title: str) -> None:
        """Change the heading."""
        self._title = title
        self._caption.setText(title)
        self.setAccessibleName(title)
        self._write_legend()

    def set_range(
        self,
        *,
        x: tuple[float, float] | None = None,
        y: tuple[float, float] | None = None,
        padding: float = 0.02,
    ) -> None:
        """Fix the visible range of an axis; one that is not given is left as it is."""
        if x is not None:
            self.axes.setXRange(*x, padding=padding)
            self._fixed.add("bottom")
        if y is not None:
            self.axes.setYRange(*y, padding=padding)
            self._fixed.add("left")
        self._write_axes()

    def set_log(self, *, x: bool = False, y: bool = False) -> None:
        """Axes in powers of ten."""
        self.axes.setLogMode(x=x, y=y)

    def set_ticks(self, axis: Literal["bottom", "left"], ticks: Sequence[tuple[float, str]] | None) -> None:
        """Own tick texts, or None for numbers again."""
        self.axes.getAxis(axis).setTicks(None if ticks is None else [list(ticks)])

    def show_all(self) -> None:
        """Zoom so that everything is seen, and keep doing so."""
        self.axes.enableAutoRange()

    # -- taking things out ----------------------------------------------------------------------------------

    def columns(self) -> dict[str, np.ndarray]:
        """What is drawn, as columns for CSV: one common x column if all share it, else one for each."""
        drawn = [item for item in self._items.values() if item.x is not None and item.y is not None]
        x_name = self._labels["bottom"][0] or "x"
        shared = len({item.x.tobytes() for item in drawn if item.x is not None}) <= 1
        columns: dict[str, np.ndarray] = {}
        for item in drawn:
            columns.setdefault(x_name if shared else f"{item.name}: {x_name}", item.x)  # type: ignore[arg-type]
            if item.high is None:
                columns[item.name] = item.y  # type: ignore[assignment]
            else:
                columns[f"{item.name} (low)"] = item.y  # type: ignore[assignment]
                columns[f"{item.name} (high)"] = item.high
        return columns

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        """Draw the plot with any painter."""
        painter.fillRect(target, QColor(self._theme.colours.surface))
        top = self._head.height() if self._head.isVisibleTo(self) else 0
        if top:
            self._head.render(painter, target.topLeft())
        self.view.render(painter, QRectF(target.adjusted(0, top, 0, 0)), self.view.viewport().rect())

    def save(self, path: Path) -> None:
        """Write PNG, SVG or CSV, by the suffix. Raises OSError, or ValueError for another suffix."""
        match path.suffix.lower():
            case ".png":
                exports.save_png(self.paint_into, self.size(), path)
            case ".svg":
                exports.save_svg(self.paint_into, self.size(), path, title=self.accessibleName())
            case ".csv":
                exports.save_csv(self.columns(), path)
            case other:
                raise ValueError(f"expected .png, .svg or .csv, got {other!r}")

    def context_menu(self) -> QMenu:
        """Copy, save and zoom; made anew each time, owned by the plot."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy picture", lambda: exports.copy_picture(self.paint_into, self.size()))
        menu.addAction("Copy values as CSV", lambda: exports.copy_text(exports.csv_text(self.columns())))
        menu.addSeparator()
        for suffix in (".png", ".svg", ".csv"):
            menu.addAction(f"Save as {suffix[1:].upper()}…", later(self._ask_and_save, suffix))
        menu.addSeparator()
        menu.addAction("Show everything", self.show_all)
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._open_menu(event.globalPos())

    # -- inside ---------------------------------------------------------------------------------------------

    def leaveEvent(self, event: object) -> None:
        self._guide.setVisible(False)
        self._note.setVisible(False)
        self.hovered.emit(float("nan"), float("nan"))

    def _open_menu(self, at: QPoint) -> None:
        self.context_menu().popup(at)

    def _ask_and_save(self, suffix: str) -> None:
        name = (self._title or self.accessibleName()).lower().replace(" ", "-") + suffix
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the plot", name, f"*{suffix}")
        if chosen:
            path = Path(chosen)
            try:
                self.save(path if path.suffix else path.with_suffix(suffix))
            except OSError as error:
                box = QMessageBox(self)
                box.setIcon(QMessageBox.Icon.Warning)
                box.setText("The plot could not be saved.")
                box.setInformativeText(f"{path}: {error.strerror or error}. Choose another folder.")
                box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
                box.open()

    def _add(self, key: str, item: _Item) -> _Item:
        self._items[key] = item
        if item.kind == "band":
            for part in item.parts:
                self.axes.addItem(part)
        self.axes.addItem(item.graphic, ignoreBounds=item.kind == "mark")
        self._write_legend()
        if len(self._items) == 1:
            self._write_axes()
        return item

    def _write_axes(self) -> None:
        """Labels and numbers; an axis without curves and without a range of its own has none that mean anything."""
        colours = self._theme.colours
        for side in ("bottom", "left"):
            axis = self.axes.getAxis(side)
            told = bool(self._items) or side in self._fixed
            axis.setTextPen(pg.mkPen(colours.muted if told else (0, 0, 0, 0)))
            text, unit = self._labels[side]
            if text or unit:
                size = f"{font('small').pointSizeF():.1f}pt"
                said = f"{text} [{unit}]" if unit else text
                # Without ranges pyqtgraph writes 0.1 as 100 and leaves the label to say "x0.001", which it does not.
                axis.setLabel(said, siPrefixEnableRanges=(), color=colours.text, **{"font-size": size})

    def _write_legend(self) -> None:
        signs = {"bars": "■", "band": "▒", "dashed": "╍", "points": "●", "steps": "▟"}
        entries = [
            f'<span style="color:{self._colour(item.colour).name()}">'
            f"{signs.get(item.kind, signs.get(item.style, '━'))}</span>&nbsp;{_unbroken(item.name)}"
            for item in self._items.values()
            if item.kind != "mark" and item.name
        ]
        self._legend.setText("&nbsp;&nbsp; ".join(entries) if self._with_legend else "")
        self._head.setVisible(bool(self._title or self._legend.text()))
        self._place_legend()

    def _pick(self, colour: int | str | None) -> int | str:
        if colour is not None:
            return colour
        used = [item.colour for item in self._items.values() if item.kind != "mark"]
        return next(i for i in range(len(used) + 1) if i not in used)

    def _colour(self, colour: int | str) -> QColor:
        if isinstance(colour, int):
            return self._theme.series(colour)
        return QColor(getattr(self._theme.colours, colour, colour))

    def _style_curve(self, item: _Item) -> None:
        colour = self._colour(item.colour)
        many = item.x is not None and len(item.x) > THICK_UP_TO
        dash = Qt.PenStyle.DashLine if item.style == "dashed" else Qt.PenStyle.SolidLine
        lined = item.style != "points"
        item.graphic.setPen(pg.mkPen(colour, width=1 if many else 2, style=dash) if lined else None)
        dotted = item.style in ("points", "line and points")
        item.graphic.setSymbol("o" if dotted else None)
        if dotted:
            item.graphic.setSymbolSize(6)
            item.graphic.setSymbolPen(None)
            item.graphic.setSymbolBrush(colour)
        item.graphic.opts["antialias"] = not many

    def _style_bars(self, item: _Item) -> None:
        if item.parts:
            item.graphic.setOpts(brushes=[self._colour(c) for c in item.parts], pen=None)
        else:
            item.graphic.setOpts(brush=self._colour(item.colour), pen=None)

    def _style_mark(self, item: _Item) -> None:
        colour = self._colour(item.colour)
        item.graphic.setPen(pg.mkPen(colour, width=1.5, style=Qt.PenStyle.DashLine))
        item.graphic.setHoverPen(pg.mkPen(colour, width=3))
        if getattr(item.graphic, "label", None) is not None:
            item.graphic.label.setColor(colour)

    def _restyle(self, colours: Colours) -> None:
        self.view.setBackground(colours.surface)
        for side in ("bottom", "left"):
            axis = self.axes.getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.setPen(pg.mkPen(colours.border))
            axis.setTickFont(font("small"))
        self._write_axes()
        self._write_legend()
        self._guide.setPen(pg.mkPen(colours.muted, width=1))
        self._note.setColor(QColor(colours.text))
        ground = QColor(colours.surface)
        ground.setAlpha(220)
        self._note.fill = pg.mkBrush(ground)
        for item in self._items.values():
            if item.kind == "curve":
                self._style_curve(item)
            elif item.kind == "bars":
                self._style_bars(item)
            elif item.kind == "mark":
                self._style_mark(item)
            else:
                shade = self._colour(item.colour)
                shade.setAlpha(50)
                item.graphic.setBrush(shade)

    def _clicked(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not event.double():
            point = self.axes.vb.mapSceneToView(event.scenePos())
            self.clicked.emit(point.x(), point.y())
        elif event.double():
            self.show_all()

    def _moved(self, at: QPointF) -> None:
        inside = self.axes.vb.sceneBoundingRect().contains(at)
        if inside:
            point = self.axes.vb.mapSceneToView(at)
            self.hovered.emit(point.x(), point.y())
            self._show_values(point.x())
        else:
            self._guide.setVisible(False)
            self._note.setVisible(False)

    def _show_values(self, x: float) -> None:
        curves = [i for i in self._items.values() if i.kind == "curve" and i.x is not None and len(i.x)]
        if not self._readout or not curves or self.axes.ctrl.logXCheck.isChecked():
            return
        nearest = [int(np.nanargmin(np.abs(item.x - x))) for item in curves]  # type: ignore[operator]
        place = float(curves[0].x[nearest[0]])  # type: ignore[index]
        said = [f"{self._labels['bottom'][0] or 'x'} {number(place)}"]
        for item, k in zip(curves, nearest, strict=True):
            said.append(f"{item.name} {number(float(item.y[k]))}")  # type: ignore[index]
        self._guide.setValue(place)
        self._note.setText("\n".join(said))
        (left, right), (_, top) = self.axes.vb.viewRange()
        on_left = place > (left + right) / 2
        self._note.setAnchor((0, 0) if on_left else (1, 0))
        self._note.setPos(left if on_left else right, top)
        self._guide.setVisible(True)
        self._note.setVisible(True)


def _unbroken(name: str) -> str:
    """A name as HTML that a wrapping legend keeps on one line."""
    return escape(name).replace(" ", "&nbsp;").replace("-", "&#8209;")
