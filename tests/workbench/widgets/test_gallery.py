"""Thousands of thumbnails: only those in sight are drawn; chosen by mouse and keys, sifted by what became of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QColor, QImage
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import CONTROL, colour_at, heard, shown, wheel
from workbench.theme import Theme
from workbench.widgets.frames import Frame
from workbench.widgets.gallery import MOST_BYTES, Gallery, Tile
from workbench.widgets.gallery_export import sheet

FRAMES: list[Frame] = ["ok", "fooled", "rejected"]


@pytest.fixture
def gallery(qtbot: QtBot, theme: Theme) -> Gallery:
    made = shown(qtbot, Gallery(theme, "Pictures", thumb=56), 420, 360)
    pictures = np.linspace(0, 1, 30)[:, None, None, None] * np.ones((1, 1, 28, 28))
    made.set_pictures(pictures, [f"no. {i}" for i in range(30)], [FRAMES[i % 3] for i in range(30)])
    return made


def place(gallery: Gallery, row: int) -> QPoint:
    return gallery.list.visualRect(gallery.model.index(row)).center()


def click(qtbot: QtBot, gallery: Gallery, row: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.mouseClick(gallery.list.viewport(), Qt.MouseButton.LeftButton, keys, place(gallery, row))


def chips(gallery: Gallery) -> dict[str, QWidget]:
    return {chip.text(): chip for chip in gallery._buttons.values() if chip.isVisibleTo(gallery)}


def test_a_click_and_the_arrow_keys_choose(gallery: Gallery, qtbot: QtBot) -> None:
    said = heard(gallery.selected)
    click(qtbot, gallery, 3)
    qtbot.keyClick(gallery.list, Qt.Key.Key_Right)
    assert said == [(3,), (4,)]
    opened = heard(gallery.activated)
    qtbot.keyClick(gallery.list, Qt.Key.Key_Return)
    assert opened == [(4,)]
    gallery.select(-1)
    assert gallery.current == -1
    assert said[-1] == (-1,)


def test_only_what_is_in_sight_is_drawn(qtbot: QtBot, theme: Theme) -> None:
    gallery = shown(qtbot, Gallery(theme), 420, 360)
    gallery.set_pictures(np.zeros((5000, 1, 28, 28), np.uint8))
    gallery.grab()
    drawn = len(gallery._look.kept)
    assert 10 < drawn < 200
    gallery.select(4999)
    gallery.grab()
    assert (4999, gallery.devicePixelRatioF()) in gallery._look.kept
    for number in range(0, 5000, 25):
        gallery.select(number)
        gallery.grab()
    held = sum(4 * tile.width() * tile.height() for tile in gallery._look.kept.values())
    assert held <= MOST_BYTES
    assert len(gallery._look.kept) < 5000


def test_chips_show_one_kind_and_count_it(gallery: Gallery, qtbot: QtBot) -> None:
    assert list(chips(gallery)) == ["All 30", "Not fooled 10", "Fooled 10", "Rejected 10"]
    gallery.select(4)
    said = heard(gallery.selected)
    qtbot.mouseClick(chips(gallery)["Fooled 10"], Qt.MouseButton.LeftButton)
    assert gallery.model.rowCount() == 10
    assert gallery.current == 4, "a fooled one stays current"
    click(qtbot, gallery, 0)
    assert gallery.current == 1, "numbers count the tiles, not the rows"
    gallery.select(3)
    assert gallery.model.rowCount() == 30, "one that is hidden brings all back"
    qtbot.mouseClick(chips(gallery)["Fooled 10"], Qt.MouseButton.LeftButton)
    assert said[-1] == (-1,), "and one that goes out of sight is not current any more"


def test_frames_change_while_a_run_goes_on(gallery: Gallery, theme: Theme) -> None:
    at = gallery.list.viewport().mapTo(gallery, gallery.list.visualRect(gallery.model.index(0)).topLeft())
    edge = QPoint(at.x() + gallery.list.gridSize().width() // 2, at.y() + 7)
    assert colour_at(gallery, edge).name() == theme.colours.ok
    gallery.set_frame(0, "fooled")
    assert colour_at(gallery, edge).name() == theme.colours.error
    assert "Fooled 11" in chips(gallery)
    gallery.append([Tile(np.ones((28, 28)), "new", "ok")])
    assert gallery.model.rowCount() == 31
    assert gallery.tiles[30].caption == "new"


def test_appending_under_a_filter_shows_only_what_fits(gallery: Gallery) -> None:
    gallery.show_only("rejected")
    gallery.append([Tile(np.ones((28, 28)), "a", "ok"), Tile(np.ones((28, 28)), "b", "rejected")])
    assert gallery.model.rowCount() == 11
    gallery.set_tiles([Tile(np.ones((2, 2)), "a", "ok")])
    assert gallery.model.rowCount() == 1, "a filter that nothing fits is lifted"


def test_small_pictures_are_magnified_by_whole_factors_and_large_ones_shrink(gallery: Gallery) -> None:
    assert gallery.pixmap(0, 1.0).width() == 56
    assert gallery.pixmap(0, 2.0).width() == 112
    gallery.set_thumb(40)
    assert gallery.pixmap(0, 1.0).width() == 28
    gallery.set_pictures(np.zeros((1, 3, 200, 100)))
    assert (gallery.pixmap(0, 1.0).width(), gallery.pixmap(0, 1.0).height()) == (20, 40)


@pytest.mark.parametrize("width", [300, 474, 475, 640, 1001])
def test_columns_fill_the_width(gallery: Gallery, width: int) -> None:
    gallery.resize(width, 300)
    gallery.grab()
    step = gallery.list.gridSize().width()
    tops = [gallery.list.visualRect(gallery.model.index(row)).top() for row in range(30)]
    assert tops.count(tops[0]) == gallery.list.viewport().width() // step
    assert gallery.list.viewport().width() - tops.count(tops[0]) * step < step


def test_the_wheel_with_control_resizes(gallery: Gallery, qtbot: QtBot) -> None:
    wheel(gallery.list.viewport(), place(gallery, 0), 1, CONTROL)
    assert gallery.thumb == 64
    qtbot.keyClick(gallery.list, Qt.Key.Key_Minus, CONTROL)
    assert gallery.thumb == 56


def test_differences_share_one_symmetric_range(gallery: Gallery, theme: Theme) -> None:
    gallery.set_pictures([np.full((4, 4), -0.1), np.full((4, 4), 0.2)], signed=True)
    first, second = (gallery.pixmap(i, 1.0).toImage().pixelColor(3, 3).name() for i in (0, 1))
    assert second == theme.diverging().hex(1.0, -1, 1)
    assert first == theme.diverging().hex(-0.5, -1, 1)
    theme.set_mode("dark")
    assert gallery.pixmap(1, 1.0).toImage().pixelColor(3, 3).name() == theme.diverging().hex(1.0, -1, 1) != second
    theme.set_mode("light")


def test_several_are_chosen_where_allowed(qtbot: QtBot, theme: Theme) -> None:
    gallery = shown(qtbot, Gallery(theme, several=True), 420, 300)
    gallery.set_pictures(np.zeros((9, 8, 8)))
    said = heard(gallery.selection_changed)
    click(qtbot, gallery, 1)
    click(qtbot, gallery, 3, CONTROL)
    assert gallery.selection() == [1, 3]
    assert said[-1] == ([1, 3],)


def test_tiles_are_said_to_those_who_do_not_see_them(gallery: Gallery) -> None:
    index = gallery.model.index(1)
    assert gallery.model.data(index, Qt.ItemDataRole.AccessibleTextRole) == "picture 2, no. 1, fooled"
    assert gallery.list.accessibleDescription() == "30 pictures: 10 not fooled, 10 fooled, 10 rejected"
    assert QAccessible.queryAccessibleInterface(gallery.list).childCount() == 30


def test_nothing_says_so(qtbot: QtBot, theme: Theme) -> None:
    gallery = shown(qtbot, Gallery(theme, empty="Run the attack"), 300, 200)
    assert gallery.empty_text() == "Run the attack"
    gallery.grab()
    with pytest.raises(ValueError, match="expected 2 captions or none, got 1"):
        gallery.set_pictures(np.zeros((2, 4, 4)), ["one"])


def test_pictures_are_copied_and_saved_pixel_for_pixel(
    gallery: Gallery, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.select(29)
    qtbot.keyClick(gallery.list, Qt.Key.Key_C, CONTROL)
    assert QApplication.clipboard().image().width() == 28
    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(lambda *a, **k: (str(tmp_path / "one"), "")))
    menu = gallery.context_menu()
    actions = {action.text(): action for action in menu.actions()}
    actions["Save picture as PNG…"].trigger()
    image = QImage(str(tmp_path / "one.png"))
    assert image.width() == 28
    assert image.pixelColor(3, 3) == QColor("white")
    actions["Save all shown as one PNG…"].trigger()
    assert QImage(str(tmp_path / "one.png")).width() == 8 * 30 - 2
    menu.close()
    QApplication.clipboard().clear()


def test_a_sheet_holds_pictures_of_any_size() -> None:
    made = sheet([np.full((2, 3, 4), 9, np.uint8), np.full((4, 1, 4), 7, np.uint8)])
    assert made.shape == (4, 8, 4)
    assert made[0, 0, 0] == 9
    assert made[3, 5, 0] == 7
    assert made[3, 0, 3] == 0
