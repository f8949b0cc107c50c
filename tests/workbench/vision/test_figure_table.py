"""The table of figures: its arrow takes no room before something is sorted, and a click sorts."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from tests.workbench.windows import light_theme
from workbench.panels.vision.figure_table import Cell, FigureTable

HEADERS = (("Model", ""), ("Accuracy [%]", ""), ("Error [%]", ""))


def test_headers_keep_no_room_for_an_arrow_until_a_click_sorts(qtbot: QtBot) -> None:
    light_theme()
    table = FigureTable("Figures", HEADERS)
    qtbot.addWidget(table)
    table.resize(500, 200)
    with qtbot.waitExposed(table):
        table.show()
    rows = [[Cell(name), Cell(f"{value:.1f}", value), Cell("1.0", 1.0)] for name, value in (("a", 3.0), ("b", 2.0))]
    table.set_rows(rows)
    head = table.horizontalHeader()
    assert not head.isSortIndicatorShown() and table.item(0, 0).text() == "a"
    before = table.columnWidth(1)
    at = QPoint(head.sectionViewportPosition(1) + 20, head.height() // 2)
    qtbot.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert head.isSortIndicatorShown() and table.item(0, 0).text() == "b"
    table.set_rows(rows)
    assert head.isSortIndicatorShown() and table.item(0, 0).text() == "b", "new figures stay sorted"
    qtbot.waitUntil(lambda: table.columnWidth(1) > before)
