"""A picture is magnified by whole device pixels, read out under mouse and keys, zoomed, moved and taken out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import CONTROL, colour_at, drag, heard, move, shown, wheel
from workbench.theme import Theme
from workbench.widgets.image_view import ImageView, link

BOARD = (np.indices((8, 8)).sum(axis=0) % 2).astype(np.float32)


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> ImageView:
    made = shown(qtbot, ImageView(theme, "Digit"), 203, 231)
    made.set_picture(BOARD, "board")
    return made


def test_every_pixel_is_a_square_of_one_colour(view: ImageView) -> None:
    image = view.grab().toImage()
    first, last = view.point_of(0, 0), view.point_of(0, 1)
    side = last.x() - first.x()
    assert side == 24, "the largest whole factor that fits"
    for row in range(8):
        for column in range(8):
            centre = view.point_of(row, column)
            wanted = QColor("white" if BOARD[row, column] else "black")
            for dx, dy in ((0, 0), (-side // 2 + 1, -side // 2 + 1), (side // 2 - 2, side // 2 - 2)):
                assert image.pixelColor(centre.x() + dx, centre.y() + dy) == wanted


def test_the_value_under_the_mouse_is_said(view: ImageView, qtbot: QtBot) -> None:
    said = heard(view.pixel_hovered)
    move(view, view.point_of(2, 5))
    move(view, view.point_of(2, 5) + QPoint(1, 1))
    assert said == [(2, 5)], "once for each pixel"
    assert view.read_out(2, 5) == "(2, 5)  1.000"
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert said[-1] == (-1, -1)


def test_colours_and_signs_are_read_out(view: ImageView) -> None:
    view.set_picture(np.full((3, 2, 2), 51, np.uint8))
    assert view.read_out(0, 0) == "(0, 0)  r 0.200  g 0.200  b 0.200"
    view.set_difference(np.array([[-0.25, 0.125], [0.0, -0.0001]]))
    assert view.read_out(0, 0) == "(0, 0)  −0.250"
    assert view.read_out(0, 1) == "(0, 1)  +0.125"
    assert view.read_out(1, 1) == "(1, 1)  +0.000", "no minus before nothing"


def test_a_click_and_the_keyboard_choose_pixels(view: ImageView, qtbot: QtBot) -> None:
    clicked = heard(view.pixel_clicked)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.point_of(6, 1))
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
    assert clicked == [(6, 1)], "beside the picture is no pixel"
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Return):
        qtbot.keyClick(view, key)
    assert clicked[-1] == (3, 5)
    assert view.accessibleDescription().startswith("(3, 5)")


def test_the_map_of_differences_is_symmetric(view: ImageView, theme: Theme) -> None:
    view.set_difference(np.array([[-0.1, 0.2], [0.0, 0.05]]), "change")
    assert view.value_range == (-0.2, 0.2)
    zero, orange = colour_at(view, view.point_of(1, 0)), colour_at(view, view.point_of(0, 1))
    assert zero.name() == theme.diverging().hex(0.0, -1, 1)
    assert orange.name() == theme.diverging().hex(1.0, -1, 1)
    view.set_difference(np.zeros((2, 2)), limit=0.3)
    assert view.value_range == (-0.3, 0.3)


def test_numbers_take_their_own_range_and_gaps_stay_bare(view: ImageView, theme: Theme) -> None:
    view.set_values(np.array([[3.0, np.nan], [5.0, 4.0]]))
    assert view.value_range == (3.0, 5.0)
    assert colour_at(view, view.point_of(1, 0)).name() == theme.sequential().hex(1.0)
    bare = colour_at(view, view.point_of(0, 1)).name()
    assert bare == theme.colours.window
    view.set_values(np.full((2, 2), 2.0))
    view.grab()


def test_the_theme_changes_the_map_at_once(view: ImageView, theme: Theme) -> None:
    view.set_difference(np.array([[-1.0, 1.0]]))
    light = colour_at(view, view.point_of(0, 1))
    theme.set_mode("dark")
    assert colour_at(view, view.point_of(0, 1)).name() == theme.diverging().hex(1.0, -1, 1) != light.name()
    theme.set_mode("light")


def test_zooming_and_dragging_a_picture(view: ImageView, qtbot: QtBot) -> None:
    before = view.point_of(0, 1).x() - view.point_of(0, 0).x()
    wheel(view, view.point_of(7, 7), 3, CONTROL)
    assert view.point_of(0, 1).x() - view.point_of(0, 0).x() > before
    corner = view.point_of(7, 7)
    assert view.rect().contains(corner), "zoomed about the mouse"
    drag(view, [QPoint(60, 60), QPoint(90, 90), QPoint(140, 140)])
    assert view.point_of(7, 7) != corner
    for _ in range(40):
        qtbot.keyClick(view, Qt.Key.Key_Plus)
    view.grab()
    qtbot.keyClick(view, Qt.Key.Key_0)
    assert view.point_of(0, 1).x() - view.point_of(0, 0).x() == before
    for _ in range(40):
        qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.point_of(0, 1).x() - view.point_of(0, 0).x() == 1


def test_a_wheel_without_control_is_left_to_the_page(view: ImageView) -> None:
    before = view.point_of(0, 0)
    wheel(view, before, 1)
    assert view.point_of(0, 0) == before


def test_linked_views_point_at_the_same_pixel(qtbot: QtBot, theme: Theme, view: ImageView) -> None:
    twin = shown(qtbot, ImageView(theme, "Twin"), 120, 150)
    twin.set_picture(1 - BOARD)
    link([view, twin])
    move(view, view.point_of(4, 4))
    assert twin.pixel == (4, 4)
    move(twin, twin.point_of(1, 2))
    assert view.pixel == (1, 2)
    QApplication.sendEvent(twin, QEvent(QEvent.Type.Leave))
    assert view.pixel is None


def test_photographs_fit_smoothly_and_small_rooms_hold_large_pictures(view: ImageView) -> None:
    ramp = np.tile(np.linspace(0, 1, 512), (512, 1))
    view.set_picture(ramp)
    left, right = colour_at(view, view.point_of(256, 20)).red(), colour_at(view, view.point_of(256, 490)).red()
    assert left < 30
    assert right > 220
    view.resize(70, 90)
    view.grab()
    view.set_picture(np.zeros((1, 1000)))
    view.grab()


def test_frames_are_drawn_and_said(view: ImageView, theme: Theme) -> None:
    corner = view.point_of(0, 0) - QPoint(13, 13)
    view.set_frame("fooled")
    assert colour_at(view, corner).name() == theme.colours.error
    assert "fooled" in view.accessibleDescription()
    assert "board" in view.accessibleDescription()
    assert "8 by 8 pixels" in view.accessibleDescription()


def test_nothing_is_shown_as_such(view: ImageView) -> None:
    view.set_picture(None)
    assert view.accessibleDescription() == "No picture yet"
    assert view.values is None
    assert view.columns() == {}
    assert view.pixel_at(50, 50) is None
    view.grab()


def test_a_picture_is_copied_and_saved(
    view: ImageView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    qtbot.keyClick(view, Qt.Key.Key_C, CONTROL)
    assert QApplication.clipboard().image().width() == 2 * view.width()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(lambda *a, **k: (str(tmp_path / "a.b"), "")))
    menu = view.context_menu()
    actions = {action.text(): action for action in menu.actions()}
    actions["Save as PNG…"].trigger()
    actions["Save as CSV…"].trigger()
    assert QImage(str(tmp_path / "a.b.png")).size() == view.size() * 2
    assert (tmp_path / "a.b.csv").read_text().startswith("row,column,value\n0,0,0\n0,1,1\n")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(lambda *a, **k: (str(tmp_path / "no" / "a"), "")))
    actions["Save as SVG…"].trigger()
    (box,) = view.findChildren(QMessageBox)
    assert "Choose another folder" in box.informativeText()
    box.close()
    menu.close()
    QApplication.clipboard().clear()


def test_level_views_in_a_row_show_their_pictures_at_one_height(qtbot: QtBot, theme: Theme) -> None:
    views = [shown(qtbot, ImageView(theme, name, level=True), 160, 220) for name in ("one", "other")]
    views[0].set_picture(np.zeros((8, 8)))
    views[1].set_difference(np.linspace(-1, 1, 64).reshape(8, 8))
    assert views[0].point_of(0, 0) == views[1].point_of(0, 0)
    assert views[0].point_of(7, 7) == views[1].point_of(7, 7)
