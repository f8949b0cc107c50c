"""A matrix fills while a run goes on, reads on every colour, and says under mouse and keys what a cell holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import colour_at, heard, move, rest, shown
from workbench.theme import Theme
from workbench.widgets.matrix_view import MatrixView

NAN = np.nan
VALUES = np.array([[0.99, 0.5, NAN], [0.05, 1.0, 0.0]])


@pytest.fixture
def matrix(qtbot: QtBot, theme: Theme) -> MatrixView:
    made = MatrixView(theme, "Transfer", row_title="source", column_title="target")
    made.set_headers(["lenet", "mlp"], ["lenet", "mlp", "a network with a very long name"])
    made.set_values(VALUES, VALUES - 0.04, VALUES + 0.04)
    return shown(qtbot, made, 420, 260)


def beside(matrix: MatrixView, row: int, column: int) -> QPoint:
    """A place in a cell where no figure stands."""
    return matrix._cell(matrix._grid(matrix.rect()), row, column).topLeft().toPoint() + QPoint(4, 4)


def test_cells_take_the_colours_of_their_numbers(matrix: MatrixView, theme: Theme) -> None:
    assert colour_at(matrix, beside(matrix, 0, 0)).name() == theme.sequential().hex(0.99)
    assert colour_at(matrix, beside(matrix, 1, 2)).name() == theme.sequential().hex(0.0)
    assert colour_at(matrix, beside(matrix, 0, 2)).name() == theme.colours.sunken, "not run yet is no number"
    theme.set_mode("dark")
    assert colour_at(matrix, beside(matrix, 0, 0)).name() == theme.sequential().hex(0.99)
    theme.set_mode("light")


def test_figures_are_short_and_true(matrix: MatrixView) -> None:
    assert [matrix.text_of(v) for v in (0.994, 0.5, 0.05, 0.0, 1.0, NAN)] == ["99", "50", "5.0", "0", "100", ""]
    plain = MatrixView(matrix.theme, shown="number")
    assert [plain.text_of(v) for v in (-0.456, 0.999, 3.14159, 12345.0)] == ["−.46", "1.00", "3.14", "12\u202f345"]
    plain.deleteLater()


def test_a_click_opens_a_cell(matrix: MatrixView, qtbot: QtBot) -> None:
    said = heard(matrix.cell_clicked)
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=matrix.point_of(1, 0))
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    assert said == [(1, 0)]
    assert matrix.chosen == (1, 0)


def test_the_keyboard_walks_and_opens(matrix: MatrixView, qtbot: QtBot) -> None:
    said = heard(matrix.cell_clicked)
    keys = Qt.Key
    for key in (keys.Key_Down, keys.Key_Right, keys.Key_Down, keys.Key_Down, keys.Key_Left, keys.Key_Right):
        qtbot.keyClick(matrix, key)
    assert matrix.accessibleDescription().startswith("source mlp, target mlp: 100.0\u202f%")
    qtbot.keyClick(matrix, keys.Key_Return)
    assert said == [(1, 1)], "the edge stops it"


def test_a_tooltip_tells_the_interval_and_what_is_hatched(matrix: MatrixView, qtbot: QtBot) -> None:
    matrix.set_hatch(np.eye(2, 3, dtype=bool), "white box")
    matrix.set_tips(lambda row, column: f"{200} images")
    matrix.set_running((0, 2))
    assert matrix.describe(0, 0) == (
        "source lenet, target lenet: 99.0\u202f%\n95\u202f% interval 95.0\u202f% to 103.0\u202f%\nwhite box\n200 images"
    )
    assert "not run yet (running)" in matrix.describe(0, 2)
    rest(matrix, matrix.point_of(1, 0))
    qtbot.waitUntil(lambda: QToolTip.text().startswith("source mlp, target lenet"))
    QToolTip.hideText()


def test_hover_is_told_once_a_cell(matrix: MatrixView) -> None:
    said = heard(matrix.cell_hovered)
    move(matrix, matrix.point_of(0, 1))
    move(matrix, matrix.point_of(0, 1) + QPoint(2, 2))
    QApplication.sendEvent(matrix, QEvent(QEvent.Type.Leave))
    assert said == [(0, 1), (-1, -1)]


def test_new_cells_fade_in_and_the_known_ones_do_not_flicker(matrix: MatrixView, theme: Theme, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: matrix._share(0, 0) == 1.0)
    filled = VALUES.copy()
    filled[0, 2] = 1.0
    matrix.set_values(filled)
    assert matrix._share(0, 2) < 1.0
    assert colour_at(matrix, beside(matrix, 0, 0)).name() == theme.sequential().hex(0.99)
    filled[1, 2] = 0.5
    matrix.set_values(filled)
    qtbot.waitUntil(lambda: colour_at(matrix, beside(matrix, 0, 2)).name() == theme.sequential().hex(1.0))
    qtbot.waitUntil(lambda: matrix._fade.state() == matrix._fade.State.Stopped)


def test_hiding_it_ends_the_fade(matrix: MatrixView) -> None:
    matrix.set_values(np.full((2, 3), 0.5))
    matrix.hide()
    assert matrix._fade.state() == matrix._fade.State.Stopped
    assert matrix._share(0, 2) == 1.0


def test_other_headers_bring_an_empty_matrix(matrix: MatrixView) -> None:
    matrix.set_headers(["a"], ["b", "c"])
    assert np.isnan(matrix.values).all()
    assert matrix.accessibleDescription().startswith("1 rows, 2 columns, 0 of 2 cells measured")
    with pytest.raises(ValueError, match=r"expected values \(1, 2\), got \(2, 3\)"):
        matrix.set_values(VALUES)
    with pytest.raises(ValueError, match="expected a mask"):
        matrix.set_hatch(np.zeros((2, 3), bool))
    matrix.set_headers([], [])
    matrix.grab()
    assert matrix.cell_at(50, 50) is None


def test_signed_numbers_have_a_symmetric_range(qtbot: QtBot, theme: Theme) -> None:
    matrix = shown(qtbot, MatrixView(theme, "Cosines", shown="number", diverging=True), 300, 200)
    matrix.set_headers(["a", "b"], ["c", "d"])
    matrix.set_values(np.array([[-0.5, 0.25], [0.0, NAN]]))
    assert matrix.ends() == (-0.5, 0.5)
    qtbot.waitUntil(lambda: matrix._share(1, 0) == 1.0)
    assert colour_at(matrix, beside(matrix, 1, 0)).name() == theme.diverging().hex(0.0, -1, 1)
    matrix.set_range(-1, 1)
    assert matrix.ends() == (-1, 1)
    matrix.set_range(None)
    assert matrix.ends() == (-0.5, 0.5)


def test_every_header_stays_inside(qtbot: QtBot, theme: Theme) -> None:
    names = [f"network-number-{i}" for i in range(12)]
    matrix = shown(qtbot, MatrixView(theme, row_title="source", column_title="target"), 500, 460)
    matrix.set_headers(names, names)
    matrix.set_values(np.full((12, 12), 0.5))
    image = matrix.grab().toImage()
    ground = image.pixelColor(1, 1)
    edge = [image.pixelColor(x, y) for x in (498, 499) for y in range(460)]
    assert all(colour == ground for colour in edge), "the last slanted header is not cut off"
    matrix.resize(60, 50)
    matrix.grab()


def test_it_is_taken_out_as_numbers(matrix: MatrixView, tmp_path: Path) -> None:
    matrix.save(tmp_path / "m.csv")
    lines = (tmp_path / "m.csv").read_text().splitlines()
    assert lines[0] == "source,target,value,low,high"
    assert lines[1] == "lenet,lenet,0.99,0.95,1.03"
    assert lines[3] == "lenet,a network with a very long name,,,"
