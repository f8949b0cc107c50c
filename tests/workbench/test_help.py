"""Help is rendered from Markdown in the theme's colours, beside the work."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QTextTable
from pytestqt.qtbot import QtBot

from engines.core import paths
from tests.workbench.windows import light_theme, opened_panel, opened_window
from workbench.panels.registry import PANELS
from workbench.widgets.help_pane import HelpPane, help_text

PAGE = """# Counting

Some *emphasis* and `code`, see [the other page](other.md) or [the web](https://example.org).

## Claims

| claim | paper | ours |
|---|---|---|
| (a) | 1.0 | 0.9 |

- one
- two
"""


@pytest.fixture
def pane(qtbot: QtBot, tmp_path: Path) -> HelpPane:
    (tmp_path / "toy.md").write_text(PAGE, "utf-8")
    (tmp_path / "other.md").write_text("# The other page\n", "utf-8")
    made = HelpPane(light_theme(), folder=tmp_path)
    qtbot.addWidget(made)
    made.resize(340, 600)
    made.show()
    made.show_topic("toy")
    return made


def tables(pane: HelpPane) -> list[QTextTable]:
    return [f for f in pane.document().rootFrame().childFrames() if isinstance(f, QTextTable)]


def test_headings_are_larger_and_tables_have_lines_in_the_themes_colour(pane: HelpPane) -> None:
    first = pane.document().begin()
    assert first.text() == "Counting"
    second = next(b for b in blocks(pane) if b.text() == "Claims")
    body = next(b for b in blocks(pane) if b.text().startswith("Some"))
    sizes = [b.begin().fragment().charFormat().font().pointSizeF() for b in (first, second, body)]
    assert sizes[0] > sizes[1] > sizes[2]
    (table,) = tables(pane)
    assert table.format().borderBrush().color().name() == pane._theme.colours.border
    assert table.format().cellPadding() > 0


def blocks(pane: HelpPane) -> list:
    found, block = [], pane.document().begin()
    while block.isValid():
        found.append(block)
        block = block.next()
    return found


def test_the_theme_is_followed_and_the_place_is_kept(pane: HelpPane) -> None:
    pane.resize(340, 90)
    pane.verticalScrollBar().setValue(40)
    pane._theme.set_mode("dark")
    (table,) = tables(pane)
    assert table.format().borderBrush().color().name() == pane._theme.colours.border
    assert pane.verticalScrollBar().value() == 40
    assert pane.palette().base().color().name() == pane._theme.colours.surface


def test_links_to_pages_open_here_and_others_in_the_browser(pane: HelpPane, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", staticmethod(lambda url: opened.append(url.toString())))
    pane.anchorClicked.emit(QUrl("https://example.org"))
    assert opened == ["https://example.org"]
    assert pane.topic == "toy"
    pane.anchorClicked.emit(QUrl("other.md"))
    assert pane.topic == "other"
    assert pane.toPlainText().startswith("The other page")


def test_a_missing_page_says_so(qtbot: QtBot) -> None:
    assert "No help yet" in help_text("nowhere")
    pane = HelpPane(light_theme())
    qtbot.addWidget(pane)
    pane.show_topic("nowhere")
    assert pane.toPlainText().startswith("No help yet")


def test_every_panel_and_the_window_have_a_page() -> None:
    folder = paths.resources_folder() / "help"
    for topic in ["workbench", *(info.topic for info in PANELS)]:
        text = (folder / f"{topic}.md").read_text("utf-8")
        assert text.startswith("# ")
        assert len(text) > 400


def test_f1_opens_and_closes_help_beside_the_panel(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (_, panel):
        pane = panel._zones["help"]
        assert not pane.isVisible(), "a narrow window begins without"
        qtbot.keyClick(panel, Qt.Key.Key_F1)
        assert pane.isVisible()
        assert isinstance(pane, HelpPane)
        assert pane.topic == "toy"
        assert "No help yet" in pane.toPlainText()
        qtbot.keyClick(panel, Qt.Key.Key_F1)
        assert not pane.isVisible()


def test_f1_on_the_home_page_explains_the_window(qtbot: QtBot) -> None:
    with opened_window(qtbot, attach=False) as window:
        qtbot.keyClick(window, Qt.Key.Key_F1)
        assert window._window_help.isVisible()
        assert "Ctrl+K" in window._window_help.toPlainText()
        qtbot.keyClick(window, Qt.Key.Key_F1)
        assert not window._window_help.isVisible()
