"""A drawing is smooth, is what a network sees, and every step of it can be taken back."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import CONTROL, SHIFT, colour_at, drag, heard, move, shown
from workbench.theme import Theme
from workbench.widgets.drawing_pad import DrawingPad


@pytest.fixture
def pad(qtbot: QtBot, theme: Theme) -> DrawingPad:
    return shown(qtbot, DrawingPad(theme), 300, 340)


def stroke(pad: DrawingPad, *points: tuple[float, float]) -> None:
    drag(pad.sheet, [pad.sheet.place_of(*point) for point in points])


def test_a_stroke_is_drawn_where_the_mouse_went(pad: DrawingPad) -> None:
    said, live = heard(pad.drawn), heard(pad.drawing)
    stroke(pad, (5, 14), (10, 14), (22, 14))
    (pixels,) = said[-1]
    assert len(said) == 1
    assert len(live) == 2
    assert isinstance(pixels, np.ndarray)
    assert pixels.shape == (28, 28)
    assert pixels.dtype == np.uint8
    assert (pixels[13:15, 6:21] > 150).all()
    assert pixels[:11].max() == 0
    assert pixels[17:].max() == 0
    assert colour_at(pad.sheet, pad.sheet.place_of(12, 14).toPoint()) == QColor("white")


def test_edges_are_smooth(pad: DrawingPad) -> None:
    stroke(pad, (4, 4), (24, 17))
    fine = pad.sheet.fine()
    between = ((fine > 20) & (fine < 235)).sum()
    assert between > 100, "anti-aliased, not jagged"
    pixels = pad.pixels()
    assert len(np.unique(pixels)) > 10


def test_a_fast_curve_has_no_corners(pad: DrawingPad) -> None:
    pad.set_brush(1.0)
    stroke(pad, (4, 24), (14, 2), (24, 24))
    rows = np.flatnonzero(pad.pixels().max(axis=1) > 60)
    assert rows[0] > 6, "the sharp turn at the top is rounded off"


def test_a_click_makes_a_dot(pad: DrawingPad, qtbot: QtBot) -> None:
    qtbot.mouseClick(pad.sheet, Qt.MouseButton.LeftButton, pos=pad.sheet.place_of(8, 20).toPoint())
    pixels = pad.pixels()
    assert pixels[19:21, 7:9].min() > 150
    assert pixels.sum() < 255 * 9


def test_undo_and_redo_take_every_step(pad: DrawingPad, qtbot: QtBot) -> None:
    assert not pad._undo.isEnabled()
    assert pad._undo.toolTip() == "Nothing to undo"
    stroke(pad, (5, 5), (20, 5))
    first = pad.pixels()
    stroke(pad, (5, 15), (20, 15))
    qtbot.keyClick(pad.sheet, Qt.Key.Key_Delete)
    assert pad.sheet.is_empty
    qtbot.keyClick(pad.sheet, Qt.Key.Key_Z, CONTROL)
    qtbot.keyClick(pad.sheet, Qt.Key.Key_Z, CONTROL)
    assert np.array_equal(pad.pixels(), first)
    qtbot.mouseClick(pad._redo, Qt.MouseButton.LeftButton)
    assert pad.pixels()[15].max() > 200
    stroke(pad, (5, 25), (20, 25))
    assert not pad.sheet.can_redo, "another stroke ends what could come back"
    said = heard(pad.drawn)
    qtbot.mouseClick(pad._undo, Qt.MouseButton.LeftButton)
    assert len(said) == 1


def test_an_undone_sheet_is_not_changed_by_the_next_stroke(pad: DrawingPad) -> None:
    stroke(pad, (5, 5), (20, 5))
    kept = pad.pixels()
    stroke(pad, (5, 15), (20, 15))
    pad.sheet.undo()
    stroke(pad, (5, 20), (20, 20))
    pad.sheet.undo()
    assert np.array_equal(pad.pixels(), kept)


def test_the_eraser_takes_ink_away(pad: DrawingPad, qtbot: QtBot) -> None:
    stroke(pad, (3, 14), (25, 14))
    qtbot.keyClick(pad.sheet, Qt.Key.Key_E)
    assert pad._eraser.isChecked()
    pad.set_brush(4)
    stroke(pad, (14, 8), (14, 20))
    pixels = pad.pixels()
    assert pixels[14, 14] == 0
    assert pixels[14, 5] > 200
    qtbot.keyClick(pad.sheet, Qt.Key.Key_B)
    assert pad._brush.isChecked()


def test_the_brush_grows_by_keys(pad: DrawingPad, qtbot: QtBot) -> None:
    before = pad.sheet.brush
    qtbot.keyClick(pad.sheet, Qt.Key.Key_BracketRight)
    assert pad.sheet.brush > before
    for _ in range(30):
        qtbot.keyClick(pad.sheet, Qt.Key.Key_BracketLeft)
    assert pad.sheet.brush == 0.5


def test_the_keyboard_draws(pad: DrawingPad, qtbot: QtBot) -> None:
    qtbot.keyClick(pad.sheet, Qt.Key.Key_Left)
    assert pad.sheet.is_empty, "without Shift the pen is up"
    for _ in range(5):
        qtbot.keyClick(pad.sheet, Qt.Key.Key_Down, SHIFT)
    pixels = pad.pixels()
    assert pixels[14:19, 12:14].min() > 60
    qtbot.keyClick(pad.sheet, Qt.Key.Key_Return)
    assert pad.sheet.can_undo


def test_ink_on_paper_is_pasted_light_on_dark(pad: DrawingPad, qtbot: QtBot) -> None:
    paper = QImage(100, 60, QImage.Format.Format_RGB32)
    paper.fill(Qt.GlobalColor.white)
    painter = QPainter(paper)
    painter.fillRect(40, 10, 20, 40, Qt.GlobalColor.black)
    painter.end()
    QApplication.clipboard().setImage(paper)
    qtbot.keyClick(pad.sheet, Qt.Key.Key_V, CONTROL)
    pixels = pad.pixels()
    assert pixels[14, 14] > 200
    assert pixels[14, 3] < 30
    assert pixels[0].max() == 0, "a wide picture is not stretched"
    pad.sheet.undo()
    assert pad.sheet.is_empty
    QApplication.clipboard().clear()
    assert not pad.sheet.paste()


def test_a_drawing_is_put_on_the_sheet_and_comes_back(pad: DrawingPad) -> None:
    digit = np.zeros((28, 28), np.uint8)
    digit[5:20, 10:13] = 255
    pad.set_pixels(digit)
    assert np.abs(pad.pixels().astype(int) - digit).max() < 130
    assert np.abs(pad.pixels().astype(int) - digit).mean() < 3


def test_the_networks_view_is_shown_on_demand(pad: DrawingPad, qtbot: QtBot) -> None:
    stroke(pad, (4, 4), (24, 17))
    smooth = pad.sheet.grab().toImage()
    qtbot.keyClick(pad.sheet, Qt.Key.Key_P)
    assert pad.sheet.grab().toImage() != smooth


def test_drawing_outside_does_nothing(pad: DrawingPad) -> None:
    drag(pad.sheet, [QPointF(1, 1), QPointF(2, 2)])
    move(pad.sheet, QPointF(pad.sheet.width() / 2, 40))
    assert pad.sheet.is_empty
    assert not pad.sheet.can_undo
