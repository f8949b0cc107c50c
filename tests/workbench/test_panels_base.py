"""The base of all panels, driven through the toy panel: run, stop, failures, zones, files, exports, state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QFileDialog, QLineEdit, QSlider, QWidget
from pytestqt.qtbot import QtBot

from tests.workbench.runners import PATIENCE_MS, wait_end
from tests.workbench.toy_panel import BROKEN, OTHER, TOY, ToyPanel
from tests.workbench.windows import opened_panel, opened_window
from workbench.panels import registry
from workbench.widgets.basics import sentence
from workbench.widgets.failure_dialog import FailureDialog


def said(panel: ToyPanel) -> list[tuple[str, str]]:
    return [(m.kind, m.what) for m in panel.messages.messages()]


def click_run(qtbot: QtBot, panel: ToyPanel) -> None:
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)


def wait_idle(qtbot: QtBot, panel: ToyPanel) -> None:
    if panel.is_busy():
        with qtbot.waitSignal(panel.busy_changed, timeout=PATIENCE_MS, check_params_cb=lambda busy: not busy):
            pass


def test_run_counts_and_the_button_tells_where_it_is(qtbot: QtBot) -> None:
    with opened_panel(qtbot, steps=40, pause_ms=5) as (_, panel):
        assert (panel.run_button.text(), panel.run_button.toolTip()) == ("Run", "Run (Space)")
        click_run(qtbot, panel)
        assert panel.run_button.text() == "Stop"
        assert panel.is_busy()
        assert panel._why_no_run() == "It is running already."
        wait_idle(qtbot, panel)
        assert panel.counts[-1] == 40
        assert panel.run_button.text() == "Run"
        assert said(panel) == []


def test_the_button_has_room_for_its_longest_text_and_keeps_its_width(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (_, panel):
        button = panel.run_button
        widths = set()
        for text in ("Go", "Stop after the longest of all searches"):
            button.set_text(text)
            for state in ("idle", "running", "stopping"):
                button.set_state(state)
                widths.add((text, button.sizeHint().width()))
                room = button.sizeHint().width() - button.iconSize().width()
                assert room > button.fontMetrics().horizontalAdvance(button.text())
        assert len(widths) == 2, "a change of state moves nothing"


def test_names_of_files_and_cells_keep_their_letters_in_messages() -> None:
    assert sentence("the game is over") == "The game is over."
    assert sentence("game.sgf: line 1 is wrong") == "game.sgf: line 1 is wrong."
    assert sentence("b2 is taken") == "b2 is taken."


def test_stopping_says_so_until_the_job_has_answered(qtbot: QtBot) -> None:
    with opened_panel(qtbot, steps=100_000, pause_ms=20) as (_, panel):
        click_run(qtbot, panel)
        (job,) = panel._jobs
        with qtbot.waitSignal(job.published, timeout=PATIENCE_MS):
            pass
        qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
        assert panel.run_button.text() == "Stopping…"
        assert not panel.run_button.isEnabled()
        assert panel.run_button.toolTip() == "Waiting for the job to answer"
        wait_end(qtbot, job)
        assert job.state == "cancelled"
        assert panel.run_button.text() == "Run"
        assert panel.run_button.isEnabled()


def test_space_runs_and_escape_stops_but_not_while_typing(qtbot: QtBot) -> None:
    with opened_panel(qtbot, steps=100_000, pause_ms=20) as (_, panel):
        field = panel.form.editor("text").control()
        assert isinstance(field, QLineEdit)
        field.setFocus()
        qtbot.keyClick(field, Qt.Key.Key_Space)
        assert field.text() == " "
        assert not panel.is_busy()
        panel.setFocus()
        qtbot.keyClick(panel, Qt.Key.Key_Space)
        assert panel.is_busy()
        (job,) = panel._jobs
        qtbot.keyClick(panel, Qt.Key.Key_Escape)
        wait_end(qtbot, job)
        assert job.state == "cancelled"


def test_space_on_a_focused_button_presses_that_button(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (_, panel):
        panel._help_button.setFocus()
        qtbot.keyClick(panel._help_button, Qt.Key.Key_Space)
        assert panel._zones["help"].isVisible()
        assert not panel.is_busy()


def test_a_wrong_setting_is_said_and_nothing_starts(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (_, panel):
        line = panel.form.editor("steps").control()
        assert isinstance(line, QLineEdit)
        line.selectAll()
        qtbot.keyClicks(line, "-3")
        click_run(qtbot, panel)
        assert not panel.is_busy()
        assert said(panel) == [("error", "Steps: Expected a whole number from 0 to 10000000, got “-3”.")]
        assert line.hasFocus()


def test_a_users_mistake_in_a_job_is_said_with_its_remedy(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (_, panel):
        panel.job = "sample.mistake"
        click_run(qtbot, panel)
        wait_idle(qtbot, panel)
        (message,) = panel.messages.messages()
        assert (message.kind, message.what) == ("error", "expected a positive number, got -1")
        assert message.remedy == "enter 1 or more"


def test_a_bug_in_a_job_can_be_looked_at_and_the_panel_goes_on(qtbot: QtBot) -> None:
    with opened_panel(qtbot, steps=3) as (window, panel):
        panel.job = "sample.bug"
        click_run(qtbot, panel)
        wait_idle(qtbot, panel)
        (message,) = panel.messages.messages()
        assert "fault in the program" in message.what
        details = next(b for b in message.findChildren(QAbstractButton) if b.text() == "Details…")
        qtbot.mouseClick(details, Qt.MouseButton.LeftButton)
        (dialog,) = window.findChildren(FailureDialog)
        dialog.close()
        panel.job = "sample.count"
        click_run(qtbot, panel)
        assert said(panel) == [], "a new run clears the old error"
        wait_idle(qtbot, panel)
        assert panel.counts[-1] == 3


def test_messages_are_not_doubled_and_can_be_closed(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (_, panel):
        for text in ("a", "a", "b", "c", "d"):
            panel.show_message(text, "warn")
        assert [what for _, what in said(panel)] == ["d", "c", "b"]
        first = panel.messages.messages()[0]
        close = next(b for b in first.findChildren(QAbstractButton) if "Close" in b.toolTip())
        qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
        assert [what for _, what in said(panel)] == ["c", "b"]
        panel.messages.clear()
        assert not panel.messages.isVisible()


def test_a_reason_disables_run_and_is_its_tooltip(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (_, panel):
        panel.run_button.set_reason("Load a network first.")
        assert not panel.run_button.isEnabled()
        assert panel.run_button.toolTip() == "Load a network first."
        panel.setFocus()
        qtbot.keyClick(panel, Qt.Key.Key_Space)
        assert not panel.is_busy()
        panel.run_button.set_reason("")
        assert panel.run_button.isEnabled()


def test_the_demonstration_reports_its_figures(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (_, panel):
        with qtbot.waitSignal(panel.demo_done, timeout=PATIENCE_MS) as done:
            panel.demo()
        assert done.args == [{"count": 20}]


def test_zones_fold_by_room_and_by_wish(qtbot: QtBot) -> None:
    with opened_window(qtbot, size=(1700, 900)) as window:
        window.show_panel("toy")
        panel = window.panel("toy")
        assert isinstance(panel, ToyPanel)
        qtbot.waitUntil(lambda: panel._zones["help"].isVisible())
        window.resize(800, 600)
        qtbot.waitUntil(lambda: not panel._zones["help"].isVisible())
        assert panel._zones["form"].isVisible()
        qtbot.mouseClick(panel._form_button, Qt.MouseButton.LeftButton)
        assert not panel._zones["form"].isVisible()
        window.resize(1700, 900)
        qtbot.waitUntil(lambda: panel._zones["help"].isVisible())
        assert not panel._zones["form"].isVisible(), "a wish outlives a resize"
        panel.toggle_zone("results")
        assert not panel.note.isVisible()


def test_sizes_and_wishes_come_back(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (_, panel):
        panel._columns.setSizes([400, 500, 0])
        panel.toggle_zone("results")
        kept = json.loads(json.dumps(panel.layout_state()))
        width = panel._columns.sizes()[0]
    with opened_panel(qtbot) as (_, panel):
        panel.restore_layout(kept)
        assert panel._columns.sizes()[0] == pytest.approx(width, abs=3)
        assert not panel.note.isVisible()
        for broken in (
            {},
            {"columns": "x", "rows": [1], "asked": 3},
            {"columns": [-1, 2, 3]},
            {"asked": {"x": 1}},
        ):
            panel.restore_layout(broken)


def test_nothing_is_cut_off_at_800_by_600(qtbot: QtBot) -> None:
    with opened_window(qtbot, size=(800, 600)) as window:
        window.show_panel("toy")
        panel = window.panel("toy")
        assert isinstance(panel, ToyPanel)
        assert window.size() == QSize(800, 600)
        for control in (panel.run_button, panel.export_button, panel._help_button):
            corner = control.mapTo(window, control.rect().bottomRight())
            assert window.rect().contains(corner)
        assert panel.plot.width() >= 300


def test_every_control_has_an_accessible_name(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (window, _):
        kinds = (QAbstractButton, QLineEdit, QComboBox, QSlider)
        for kind in kinds:
            for control in window.findChildren(kind):
                if control.window() is not window:  # in a menu of pyqtgraph's that is never shown
                    continue
                inner = control.parent()
                owned = isinstance(inner, QWidget) and inner.metaObject().className() in (
                    "QComboBox", "QScrollBar", "QMenuBar", "QDockWidget", "QMainWindow"
                )  # fmt: skip
                named = control.accessibleName() or (control.text() if hasattr(control, "text") else "")
                # Qt names its own parts: arrows of menus and docks, the text of an editable list.
                assert named or owned or control.objectName().startswith("qt_"), repr(control)


def test_exports_are_written_or_say_why_not(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened_panel(qtbot, steps=3) as (window, panel):
        menu = panel.export_button.menu()
        menu.aboutToShow.emit()
        plot, table = menu.actions()
        assert (plot.text(), plot.isEnabled()) == ("Plot as PNG…", True)
        assert (table.isEnabled(), table.toolTip()) == (False, "Nothing was counted yet.")
        click_run(qtbot, panel)
        wait_idle(qtbot, panel)
        menu.aboutToShow.emit()
        table = menu.actions()[1]
        monkeypatch.setattr(
            QFileDialog, "getSaveFileName", staticmethod(lambda *a, **k: (str(tmp_path / "counts"), ""))
        )
        with qtbot.waitSignal(panel.status_message):
            table.trigger()
        assert (tmp_path / "counts.csv").read_text().startswith("Step,count")
        assert "Saved" in window.status_bar.message.text()
        panel.export(panel.exports()[0], tmp_path / "nowhere" / "plot.png")
        assert said(panel)[0][1].startswith("plot.png could not be written")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(lambda *a, **k: ("", "")))
        panel.export(panel.exports()[0])
        assert sorted(p.name for p in tmp_path.iterdir()) == ["counts.csv"]


def test_an_export_without_matter_says_so(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (_, panel):
        panel.export(panel.exports()[1])
        assert said(panel) == [("info", "Nothing was counted yet.")]


def test_a_bad_file_changes_nothing_and_a_good_one_is_taken(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_panel(qtbot, steps=7) as (_, panel):
        bad, good = tmp_path / "bad.txt", tmp_path / "good.txt"
        bad.write_text("not a number")
        good.write_text("12")
        assert not panel.open_checked(bad)
        assert panel.form.read().steps == 7
        assert said(panel)[0] == ("error", "expected a number in bad.txt, got 'not a number'")
        assert not panel.open_checked(tmp_path / "missing.txt")
        assert "cannot be read" in said(panel)[0][1]
        heard: list[str] = []
        panel.status_message.connect(lambda text, kind: heard.append(text))
        assert not panel.open_checked(bad)
        assert heard == ["Opening bad.txt…", "bad.txt was not opened"]
        assert panel.open_checked(good)
        assert heard[2:] == ["Opening good.txt…", "Opened good.txt"]
        assert panel.form.read().steps == 12
        assert said(panel) == [], "what was wrong with another file is no news"


def test_a_job_that_failed_is_not_news_once_it_runs_again_and_fails_otherwise(qtbot: QtBot) -> None:
    with opened_panel(qtbot, steps=2) as (_, panel):
        for _ in range(2):
            handle = panel.start("sample.mistake", panel.form.read(), main=False)
            wait_end(qtbot, handle)
        panel.show_message("something else", "warn")
        handle = panel.start("sample.bug", panel.form.read(), main=False)
        wait_end(qtbot, handle)
        assert len(said(panel)) == 3, "another job's failure stays"
        assert said(panel)[-1][1] == "expected a positive number, got -1"


def test_of_one_cause_the_newest_stands_and_goes_with_it(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (_, panel):
        panel.show_message("a", "warn", cause="file")
        panel.show_message("b", "error")
        panel.show_message("c", "warn", cause="file")
        assert [what for _, what in said(panel)] == ["c", "b"]
        panel.messages.withdraw("file")
        assert [what for _, what in said(panel)] == ["b"]
        panel.messages.withdraw("other")
        assert [what for _, what in said(panel)] == ["b"]


def test_panels_are_listed_by_family_in_the_given_order() -> None:
    from dataclasses import replace

    stray = replace(TOY, topic="stray", family="Something new")
    found = registry.by_family((stray, OTHER, TOY))
    assert list(found) == ["Games and search", "Vision", "Something new"]
    with pytest.raises(KeyError, match="known: other"):
        registry.find("toy", (OTHER,))


def test_registered_panels_have_an_icon_a_paper_and_lower_case_suffixes() -> None:
    from workbench import icons

    for info in registry.PANELS:
        assert info.icon in icons.shapes()
        assert info.paper
        assert info.summary.endswith(".")
        assert info.family in registry.FAMILIES
        assert all(s.startswith(".") and s == s.lower() for s in info.accepts)


def test_a_panel_that_cannot_be_built_is_said_and_the_rest_goes_on(qtbot: QtBot) -> None:
    with opened_window(qtbot, panels=(BROKEN, TOY)) as window:
        window.show_panel("broken")
        assert "“Broken” could not be opened" in window.messages.messages()[0].what
        assert window.current_panel() is None
        window.show_panel("toy")
        assert window.current_panel() is window.panel("toy")


def test_what_and_remedy_are_shown_as_two_sentences(qtbot: QtBot) -> None:
    from PySide6.QtWidgets import QLabel

    with opened_panel(qtbot) as (_, panel):
        panel.show_message("expected a number, got “x”", "error", "choose another file")
        (message,) = panel.messages.messages()
        texts = [found.text() for found in message.findChildren(QLabel)]
        assert texts == ["Expected a number, got “x”. Choose another file."]
