"""Plots draw by key, follow the theme, and give their picture and numbers away."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QPainter
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from tests.workbench.windows import light_theme
from workbench.theme import Theme
from workbench.widgets import exports
from workbench.widgets.plots import Plot

X = np.arange(10.0)


@pytest.fixture
def theme(qtbot: QtBot) -> Theme:
    return light_theme()


@pytest.fixture
def plot(qtbot: QtBot, theme: Theme) -> Plot:
    made = Plot(theme, title="Loss", x="Step", y="Loss", y_unit="nats")
    qtbot.addWidget(made)
    made.resize(400, 260)
    with qtbot.waitExposed(made):
        made.show()
    return made


def test_small_numbers_stand_at_the_axis_as_they_are(plot: Plot) -> None:
    plot.set_curve("a", [0.0, 0.1, 0.3], [0.0, 0.01, 0.02])
    plot.set_range(x=(0.0, 0.3), y=(0.0, 0.02))
    plot.set_labels(x="eps")
    for side in ("bottom", "left"):
        axis = plot.axes.getAxis(side)
        axis.updateAutoSIPrefix()
        assert axis.autoSIPrefixScale == 1.0


def test_a_band_without_a_name_is_not_in_the_legend(plot: Plot) -> None:
    plot.set_band("spread", X, X, X + 1, name=None)
    plot.set_band("other", X, X, X + 1)
    assert "other" in legend(plot) and "spread" not in legend(plot)


def written(plot: Plot, side: str) -> list[str]:
    """The numbers that stand at an axis, as pyqtgraph is about to draw them."""
    axis = plot.axes.getAxis(side)
    picture = QImage(10, 10, QImage.Format.Format_ARGB32)
    painter = QPainter(picture)
    try:
        _, _, texts = axis.generateDrawSpecs(painter)
    finally:
        painter.end()
    return [text for _, _, text in texts] if axis.textPen().color().alpha() else []


def test_both_ends_of_a_percentage_are_written(qtbot: QtBot, plot: Plot) -> None:
    plot.set_curve("a", X, 10 * X)
    plot.set_range(y=(0.0, 100.0), padding=0.03)
    qtbot.waitUntil(lambda: {"0", "100"} <= set(written(plot, "left")))


def test_an_empty_axis_has_no_numbers_unless_its_range_is_known(qtbot: QtBot, plot: Plot, theme: Theme) -> None:
    assert not written(plot, "left") and not written(plot, "bottom")
    plot.set_range(y=(0.0, 100.0))
    assert written(plot, "left") and not written(plot, "bottom")
    plot.set_curve("a", X, X)
    assert written(plot, "bottom")
    theme.set_mode("dark")
    assert written(plot, "bottom")
    plot.clear()
    assert not written(plot, "bottom")


def test_a_name_in_the_legend_stays_on_one_line(plot: Plot) -> None:
    plot.set_curve("a", X, X, name="LeNet AT ε 0.3")
    assert "LeNet&nbsp;AT&nbsp;ε&nbsp;0.3" in legend(plot)
    plot.set_curve("b", X, X, name="multi-targeted")
    assert "multi-" not in legend(plot), "a hyphen is no place to break it either"


def legend(plot: Plot) -> str:
    return plot._legend.text()


def centre_of(plot: Plot, x: float, y: float) -> QPoint:
    """Where a point of the axes is on the plot's view."""
    return plot.view.mapFromScene(plot.axes.vb.mapViewToScene(QPointF(x, y)))


def drag(qtbot: QtBot, view: QWidget, start: QPoint, end: QPoint) -> None:
    """Press, move in steps, release; qtbot's own moves do not hold the button."""
    kinds, left, none = QEvent.Type, Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    path = [QPointF(start + (end - start) * k / 5) for k in range(6)]
    events = [(kinds.MouseMove, path[0], none, none), (kinds.MouseButtonPress, path[0], left, left)]
    events += [(kinds.MouseMove, at, none, left) for at in path[1:]]
    events.append((kinds.MouseButtonRelease, path[-1], left, none))
    for kind, at, button, held in events:
        where = QPointF(view.mapToGlobal(at))
        event = QMouseEvent(kind, at, where, button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(view, event)
        qtbot.wait(25)  # pyqtgraph looks at a hundred moves a second, and drops the rest


def test_axes_carry_labels_and_units(plot: Plot) -> None:
    assert plot.axes.getAxis("left").labelText == "Loss [nats]"
    assert plot.axes.getAxis("bottom").labelText == "Step"
    plot.set_labels(x="Time", x_unit="s")
    assert plot.axes.getAxis("bottom").labelText == "Time [s]"


def test_a_curve_is_redrawn_by_its_key(plot: Plot) -> None:
    plot.set_curve("a", X, X, name="first")
    plot.set_curve("a", X[:3], X[:3] * 2)
    plot.set_curve("b", X, -X, name="second <b>")
    assert list(plot.columns()) == ["first: Step", "first", "second <b>: Step", "second <b>"]
    assert "first" in legend(plot)
    assert "second&nbsp;&lt;b&gt;" in legend(plot), "names are text, not markup"
    plot.remove("a")
    assert list(plot.columns()) == ["Step", "second <b>"]
    assert "first" not in legend(plot)
    plot.clear()
    assert plot.columns() == {}


def test_curves_of_different_length_are_refused(plot: Plot) -> None:
    with pytest.raises(ValueError, match="one length"):
        plot.set_curve("a", X, X[:4])


def test_new_curves_take_the_next_free_colour(plot: Plot, theme: Theme) -> None:
    for key in "abc":
        plot.set_curve(key, X, X)
    plot.remove("b")
    plot.set_curve("d", X, X)
    assert legend(plot).count(theme.series(1).name()) == 1


def test_nan_leaves_a_gap_and_breaks_nothing(plot: Plot, qtbot: QtBot) -> None:
    y = X.copy()
    y[3:5] = np.nan
    for style in ("line", "dashed", "points", "line and points", "steps"):
        plot.set_curve(style, X, y, style=style)  # type: ignore[arg-type]
    plot.set_curve("empty", [], [])
    plot.set_curve("all gone", X, np.full(10, np.nan))
    plot.grab()
    assert np.isnan(plot.columns()["dashed"][3])


def test_a_band_shades_between_its_bounds(plot: Plot, theme: Theme) -> None:
    plot.set_band("spread", X, X - 1, X + 1, name="spread", colour=0)
    plot.set_range(x=(0, 9), y=(-1, 10))
    image = plot.grab().toImage()
    inside = image.pixelColor(plot.view.mapTo(plot, centre_of(plot, 5, 5)))
    outside = image.pixelColor(plot.view.mapTo(plot, centre_of(plot, 2.5, 8.5)))
    assert inside != outside
    assert outside.name() == theme.colours.surface
    assert list(plot.columns()) == ["Step", "spread (low)", "spread (high)"]


def test_bars_take_their_own_colours(plot: Plot) -> None:
    plot.set_bars("bars", X, X + 1, colours=["error"] * 5 + ["ok"] * 5)
    plot.set_range(x=(-1, 10), y=(0, 11))
    image = plot.grab().toImage()
    first, last = (image.pixelColor(plot.view.mapTo(plot, centre_of(plot, x, 0.6))) for x in (3.2, 8.2))
    assert first.name() == plot._theme.colours.error
    assert last.name() == plot._theme.colours.ok
    plot.set_bars("bars", X[:2], [np.nan, 1.0])
    plot.grab()


def test_a_mark_moves_is_dragged_and_goes(plot: Plot, qtbot: QtBot) -> None:
    moved: list[float] = []
    plot.set_range(x=(0, 10), y=(0, 1), padding=0)
    plot.set_mark("now", 4.0, text="now", movable=True, moved=moved.append)
    plot.set_mark("now", 5.0, text="later")
    assert moved == [], "setting it is not dragging it"
    qtbot.wait(20)
    view = plot.view.viewport()
    start, end = centre_of(plot, 5.0, 0.5), centre_of(plot, 7.0, 0.5)
    drag(qtbot, view, start, end)
    assert moved
    assert moved[-1] == pytest.approx(7.0, abs=0.5)
    plot.set_mark("now", None)
    plot.set_mark("now", None)
    assert plot.columns() == {}


def test_a_click_says_where(plot: Plot, qtbot: QtBot) -> None:
    plot.set_range(x=(0, 10), y=(0, 1), padding=0)
    with qtbot.waitSignal(plot.clicked) as said:
        qtbot.mouseClick(plot.view.viewport(), Qt.MouseButton.LeftButton, pos=centre_of(plot, 4.0, 0.5))
    assert said.args == [pytest.approx(4.0, abs=0.1), pytest.approx(0.5, abs=0.02)]


def test_the_values_under_the_mouse_are_shown(plot: Plot, qtbot: QtBot) -> None:
    plot.set_curve("a", X, X**2, name="square")
    plot.set_range(x=(0, 9), y=(0, 81), padding=0)
    qtbot.wait(20)
    with qtbot.waitSignal(plot.hovered):
        qtbot.mouseMove(plot.view.viewport(), centre_of(plot, 4.1, 40))
    assert plot._note.toPlainText() == "Step 4\nsquare 16"
    assert plot._note.isVisible()
    with qtbot.waitSignal(plot.hovered, check_params_cb=lambda x, y: math.isnan(x)):
        plot.leaveEvent(None)
    assert not plot._note.isVisible()


def test_the_theme_is_followed(plot: Plot, theme: Theme, qtbot: QtBot) -> None:
    plot.set_curve("a", X, X)
    plot.set_mark("m", 3.0, text="m")
    theme.set_mode("dark")
    image = plot.grab().toImage()
    assert image.pixelColor(plot.view.mapTo(plot, QPoint(2, 2))).name() == theme.colours.surface
    assert theme.series(0).name() in legend(plot)


def test_a_plot_is_saved_as_png_svg_and_csv(plot: Plot, tmp_path: Path) -> None:
    plot.set_curve("a", X, X / 3, name="third")
    for suffix in (".png", ".svg", ".csv"):
        plot.save(tmp_path / f"plot{suffix}")
    image = QImage(str(tmp_path / "plot.png"))
    assert image.size() == plot.size() * 2
    assert len({image.pixelColor(x, y).name() for x in range(0, 800, 7) for y in range(0, 500, 7)}) > 3
    root = ElementTree.parse(tmp_path / "plot.svg").getroot()
    assert "Step" in {text for node in root.iter() if (text := (node.text or "").strip())}
    rows = list(csv.reader((tmp_path / "plot.csv").open()))
    assert rows[0] == ["Step", "third"]
    assert float(rows[4][1]) == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"expected \.png, \.svg or \.csv"):
        plot.save(tmp_path / "plot.bmp")


def test_a_missing_folder_is_an_error_and_leaves_nothing(plot: Plot, tmp_path: Path) -> None:
    for suffix in (".png", ".svg"):
        with pytest.raises(OSError):
            plot.save(tmp_path / "nowhere" / f"plot{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_the_context_menu_copies_saves_and_shows_everything(
    plot: Plot, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plot.set_curve("a", X, X, name="line")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(lambda *a, **k: (str(tmp_path / "chosen"), "")))
    menu = plot.context_menu()
    actions = {action.text(): action for action in menu.actions() if action.text()}
    assert list(actions) == [
        "Copy picture", "Copy values as CSV", "Save as PNG…", "Save as SVG…", "Save as CSV…",
        "Show everything",
    ]  # fmt: skip
    actions["Copy values as CSV"].trigger()
    assert QApplication.clipboard().text().startswith("Step,line\n0,0\n")
    actions["Copy picture"].trigger()
    assert QApplication.clipboard().image().width() == plot.width() * 2
    actions["Save as PNG…"].trigger()
    actions["Save as CSV…"].trigger()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["chosen.csv", "chosen.png"]
    plot.set_range(x=(3, 4))
    actions["Show everything"].trigger()
    plot.grab()
    assert plot.axes.vb.viewRange()[0][1] > 8
    menu.close()
    QApplication.clipboard().clear()


def test_a_plot_that_cannot_be_saved_says_so(
    plot: Plot, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = str(tmp_path / "nowhere" / "plot.png")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(lambda *a, **k: (missing, "")))
    plot._ask_and_save(".png")
    (box,) = plot.findChildren(QMessageBox)
    assert "nowhere" in box.informativeText()
    box.close()


def test_a_right_click_opens_the_menu(plot: Plot, qtbot: QtBot) -> None:
    from PySide6.QtGui import QContextMenuEvent

    place = QPoint(200, 120)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, plot.mapToGlobal(place))
    QApplication.sendEvent(plot.view.viewport(), event)
    (menu,) = (m for m in plot.findChildren(QMenu) if m.isVisible())
    assert menu.isVisible()
    menu.close()


def test_ten_thousand_points_are_drawn_at_once(plot: Plot) -> None:
    x = np.linspace(0, 100, 10_000)
    plot.set_curve("many", x, np.sin(x), name="many")
    assert not plot.grab().isNull()


def test_tables_become_files(tmp_path: Path) -> None:
    one = {"t": {"a": np.array([1, 2]), "b": np.array([0.5, np.nan])}}
    assert exports.save_tables(one, tmp_path / "one.csv") == [tmp_path / "one.csv"]
    assert (tmp_path / "one.csv").read_text() == "a,b\n1,0.5\n2,\n"
    two = {**one, "u": {"c": np.array(["x, y", "z"]), "d": np.array([True])}}
    written = exports.save_tables(two, tmp_path / "two.csv")
    assert [p.name for p in written] == ["two-t.csv", "two-u.csv"]
    assert written[1].read_text() == 'c,d\n"x, y",True\nz,\n'
