"""The strip, counters and table beside the board."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from tests.workbench.hex.fakes import snapshot
from workbench.panels.hex.counters import SearchCounters, counts
from workbench.panels.hex.head_strip import HeadStrip, inconsistency, readings, spread_out
from workbench.panels.hex.move_rows import analysis_columns, move_rows
from workbench.panels.hex.move_table import LINE, MOVE, WIN, MoveTable

LEFT = Qt.MouseButton.LeftButton


# -- heads ---------------------------------------------------------------------------------------------------


def test_the_gap_between_v_and_min_q_is_the_consistency_term() -> None:
    assert inconsistency(snapshot(net_value=0.2, min_q=0.35)) == pytest.approx(0.15)
    assert inconsistency(snapshot(net_value=0.2, min_q=0.2)) == 0
    assert math.isnan(inconsistency(snapshot(min_q=math.nan)))


def test_the_four_readings_are_v_min_q_mean_q_and_search() -> None:
    found = readings(snapshot())
    assert [reading.value for reading in found] == [0.2, 0.35, 0.05, 0.3]
    assert len({reading.shape for reading in found}) == 4
    assert math.isnan(readings(snapshot(simulations=0))[3].value)


def test_the_strip_says_what_it_shows_for_the_mover_or_for_red(qtbot) -> None:
    strip = HeadStrip()
    qtbot.addWidget(strip)
    assert "no analysis" in strip.text()
    strip.set_snapshot(snapshot(to_move=2))
    assert "v 60.0 %" in strip.accessibleDescription()
    assert "|min q + v| = 0.15" in strip.text()
    strip.set_always_red(True)
    assert "v 40.0 %" in strip.text()
    strip.set_snapshot(snapshot(min_q=math.nan, mean_q=math.nan))
    assert "no q-head" in strip.text()
    assert "min q" not in strip.text()


def test_the_strip_moves_its_marks_with_the_values(qtbot) -> None:
    strip = HeadStrip()
    qtbot.addWidget(strip)
    strip.resize(400, strip.sizeHint().height())
    pictures = []
    for changes in ({}, {"net_value": -0.9}, {"min_q": math.nan, "mean_q": math.nan}, {"value": 1.0}):
        strip.set_snapshot(snapshot(**changes))
        pictures.append(strip.grab().toImage())
    assert all(a != b for i, a in enumerate(pictures) for b in pictures[:i])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 400), st.floats(5, 80)), max_size=4))
def test_labels_never_overlap_and_stay_inside(labels: list[tuple[float, float]]) -> None:
    places, widths = [p for p, _ in labels], [w for _, w in labels]
    found = spread_out(places, widths, 0.0, 400.0)
    boxes = sorted((x - w / 2, x + w / 2) for x, w in zip(found, widths, strict=True))
    assert all(low >= -1e-6 and high <= 400 + 1e-6 for low, high in boxes)
    assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(boxes))
    if len(labels) == 1 and widths[0] / 2 <= places[0] <= 400 - widths[0] / 2:
        assert found == places


# -- counters ------------------------------------------------------------------------------------------------


def test_counters_show_what_n0_saves() -> None:
    assert counts(snapshot(simulations=1000, net_calls=80, seconds=0.5)) == {
        "simulations": "1.0k",
        "calls": "80",
        "ratio": "12.5",
        "depth": "9",
        "hits": "12",
        "speed": "2.0k",
    }


def test_counters_of_a_search_that_has_not_begun_are_dashes(qtbot) -> None:
    fresh = counts(snapshot(simulations=0, net_calls=0, seconds=0.0))
    assert (fresh["ratio"], fresh["speed"]) == ("–", "–")
    counters = SearchCounters()
    qtbot.addWidget(counters)
    counters.set_snapshot(snapshot())
    assert "net calls 80" in counters.accessibleDescription()
    counters.set_snapshot(None)
    assert set(counters.texts().values()) == {"–"}


# -- table ---------------------------------------------------------------------------------------------------


def test_rows_are_the_most_visited_moves() -> None:
    snap = snapshot()
    rows = move_rows(snap, top=5)
    assert [row.cell for row in rows] == np.argsort(-snap.visits, kind="stable")[:5].tolist()
    assert rows[0].is_best
    assert rows[0].line[0] == rows[0].cell
    assert sum(row.share for row in move_rows(snap, top=0)) == pytest.approx(1)
    assert all(math.isnan(row.win) for row in move_rows(snap, top=0) if row.visits == 0)


def test_rows_of_blue_turn_round_for_red_and_proofs_are_certain() -> None:
    proven = np.zeros(25, np.int8)
    best = snapshot().best
    proven[best] = 1
    snap = snapshot(to_move=2, proven=proven)
    assert move_rows(snap)[0].win == 100
    assert move_rows(snap, always_red=True)[0].win == 0


@pytest.fixture
def table(qtbot) -> MoveTable:
    widget = MoveTable()
    qtbot.addWidget(widget)
    widget.resize(480, 260)
    widget.show()
    widget.set_snapshot(snapshot())
    return widget


def hover(table: MoveTable, row: int) -> None:
    """Move the mouse over a row, as Qt tells a widget of it."""
    at = QPointF(table.visualRect(table.model().index(row, WIN)).center())
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, at, table.viewport().mapToGlobal(at), none, none,
                        Qt.KeyboardModifier.NoModifier)  # fmt: skip
    QApplication.sendEvent(table.viewport(), event)


def test_the_table_shows_moves_with_their_numbers(table: MoveTable) -> None:
    model = table.model()
    first = table.rows[0]
    assert model.index(0, MOVE).data().endswith("★")
    assert model.index(0, WIN).data() == f"{first.win:.1f}"
    assert len(model.index(0, LINE).data().split()) == len(first.line)
    assert model.headerData(WIN, Qt.Orientation.Horizontal) == "Win %"


def test_pointing_at_a_row_previews_its_line_and_leaving_ends_it(table: MoveTable, qtbot) -> None:
    lines = []
    table.line_hovered.connect(lines.append)
    hover(table, 1)
    hover(table, 2)
    QApplication.sendEvent(table, QEvent(QEvent.Type.Leave))
    assert lines == [table.rows[1].line, table.rows[2].line, ()]


def test_a_preview_follows_its_move_when_the_search_finds_a_better_line(table: MoveTable, qtbot) -> None:
    lines = []
    hover(table, 3)
    table.line_hovered.connect(lines.append)
    hover(table, 0)
    cell = table.rows[0].cell
    table.set_snapshot(snapshot())
    assert len(lines) == 1
    table.set_snapshot(snapshot(lines=((cell, 1, 2),)))
    assert lines[-1] == (cell, 1, 2)
    table.set_snapshot(None)
    assert lines[-1] == ()


def test_a_double_click_or_enter_chooses_the_move(table: MoveTable, qtbot) -> None:
    chosen = []
    table.move_chosen.connect(chosen.append)
    at = table.visualRect(table.model().index(2, MOVE)).center()
    qtbot.mouseClick(table.viewport(), LEFT, pos=at)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert chosen == [table.rows[2].cell]


def test_updates_keep_the_selection(table: MoveTable, qtbot) -> None:
    table.selectRow(3)
    table.set_snapshot(snapshot(seconds=1.0))
    assert table.currentIndex().row() == 3
    table.top = 4
    table.refresh()
    assert table.model().rowCount() == 4


def test_analysis_goes_out_as_columns_of_one_length() -> None:
    columns = analysis_columns(snapshot(5, (3, 4)))
    lengths = {len(column) for column in columns.values()}
    assert lengths == {23}
    assert "d1" not in columns["move"]
    assert columns["visits"].sum() == 1000
