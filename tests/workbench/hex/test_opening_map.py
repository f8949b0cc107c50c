import numpy as np
import pytest
from PySide6.QtCore import Qt

from engines.hex.snapshots import OpeningsSnapshot
from workbench.panels.hex.opening_map import OpeningMap
from workbench.panels.hex.opening_model import contour, opening_columns, opening_heat, red_percent, summary


def openings() -> OpeningsSnapshot:
    """4×4: the short diagonal wins, proven for d1; a1 is not valued."""
    value = np.full(16, -0.4, np.float32)
    value[[3, 6, 9, 12]] = 0.5
    value[5] = -0.02
    value[0] = np.nan
    exact = np.zeros(16, np.int8)
    exact[3], exact[15] = 1, -1
    return OpeningsSnapshot(4, value, exact)


def test_proven_openings_are_certain_and_unknown_ones_bare() -> None:
    percent = red_percent(openings())
    assert percent[3] == 100
    assert percent[15] == 0
    assert percent[6] == pytest.approx(75)
    heat = opening_heat(openings(), dark=False)
    assert heat.texts[:4] == ("", "30", "30", "W")
    assert heat.fills[0, 3] == 0
    assert heat.fills[3, 0] > heat.fills[3, 2]
    assert heat.fills[1, 2] > heat.fills[1, 0]


def test_the_contour_separates_winning_from_losing_openings_and_nothing_else() -> None:
    percent = red_percent(openings())
    pairs = contour(percent, 4)
    assert pairs
    for a, b in pairs:
        assert (percent[a] >= 50) != (percent[b] >= 50)
    assert (2, 3) in pairs
    assert (3, 6) not in pairs
    assert not [pair for pair in pairs if 0 in pair]
    assert contour(np.full(16, 70.0), 4) == ()


def test_the_summary_counts_swaps_and_names_the_fairest() -> None:
    assert summary(openings()) == (
        "4 of 15 openings win for Red: swap those. 2 of 16 are proven. Fairest: b2 with 49 %."
    )
    value = np.where(np.arange(16) % 3, -0.4, 0.4).astype(np.float32)
    assert summary(OpeningsSnapshot(4, value, np.zeros(16, np.int8))).count("proven") == 0
    proven = OpeningsSnapshot(4, value, np.where(np.arange(16) < 5, 1, -1).astype(np.int8))
    assert summary(proven) == "Proven: 5 of 16 openings win for Red: swap those."
    empty = OpeningsSnapshot(4, np.full(16, np.nan, np.float32), np.zeros(16, np.int8))
    assert summary(empty) == "No opening valued yet"
    assert opening_heat(empty, dark=True).empty_note


def test_the_map_goes_out_as_columns() -> None:
    columns = opening_columns(openings())
    assert columns["opening"][3] == "d1"
    assert len(columns["red_win_percent"]) == 16


@pytest.fixture
def swap_map(qtbot) -> OpeningMap:
    widget = OpeningMap()
    qtbot.addWidget(widget)
    widget.resize(420, 300)
    widget.show()
    return widget


def test_a_click_on_an_opening_chooses_it(swap_map: OpeningMap, qtbot) -> None:
    chosen = []
    swap_map.opening_chosen.connect(chosen.append)
    swap_map.set_openings(openings())
    for hour in (10, 9):
        swap_map.set_rotation(hour)
        x, y = swap_map._places().centres[6]
        qtbot.mouseClick(swap_map, Qt.MouseButton.LeftButton, pos=swap_map.rect().topLeft() + _point(x, y))
    assert chosen == [6, 6]


def _point(x: float, y: float):
    from PySide6.QtCore import QPoint

    return QPoint(round(x), round(y))


def test_the_keyboard_walks_the_map_and_says_what_it_finds(swap_map: OpeningMap, qtbot) -> None:
    swap_map.set_openings(openings())
    chosen = []
    swap_map.opening_chosen.connect(chosen.append)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Return):
        qtbot.keyClick(swap_map, key)
    assert len(chosen) == 1
    assert swap_map.accessibleDescription() == swap_map.describe(chosen[0])
    assert swap_map.describe(3) == "d1: proven win for Red, so swap"
    assert swap_map.describe(1) == "b1: 30.0 % for Red, so do not swap"
    assert swap_map.describe(0) == "a1: not valued yet"


def test_the_picture_changes_with_the_values_and_the_contour(swap_map: OpeningMap) -> None:
    pictures = [swap_map.grab().toImage()]
    for snapshot in (openings(), OpeningsSnapshot(4, -openings().value, openings().exact)):
        swap_map.set_openings(snapshot)
        pictures.append(swap_map.grab().toImage())
    swap_map.set_openings(None)
    assert swap_map.grab().toImage() == pictures[0]
    assert pictures[0] != pictures[1] != pictures[2]
