"""The window as a person uses it: pages, keys, preferences, session, jobs, closing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from tests.workbench.runners import PATIENCE_MS, wait_end
from tests.workbench.toy_panel import OTHER, TOY, ToyPanel
from tests.workbench.windows import attach_services, opened_panel, opened_window
from workbench.about import About, about_text
from workbench.home import ago
from workbench.main_window import MainWindow
from workbench.preferences import Preferences
from workbench.session import Session, load_session, session_path
from workbench.settings import Settings, load_settings, settings_path

CTRL = Qt.KeyboardModifier.ControlModifier


def nav_button(window: MainWindow, topic: str) -> QToolButton:
    return window.navigation._buttons[topic]


def test_the_home_page_presents_each_panel_with_one_obvious_button(qtbot: QtBot) -> None:
    with opened_window(qtbot, panels=(TOY, OTHER)) as window:
        cards = window.home._cards
        assert [card.info.topic for card in cards] == ["toy", "other"]
        assert [card.button.text() for card in cards] == ["Count", "Open"]
        assert [card.button.property("role") for card in cards] == ["primary", "primary"]
        assert window.windowTitle() == "Paper Workbench"
        qtbot.mouseClick(cards[0].button, Qt.MouseButton.LeftButton)
        assert window.current_panel() is window.panel("toy")
        assert window.windowTitle() == "Counting – Paper Workbench"
        assert nav_button(window, "toy").isChecked()


def test_show_me_runs_the_demonstration(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        qtbot.mouseClick(window.home._cards[0].demo_button, Qt.MouseButton.LeftButton)
        panel = window.panel("toy")
        assert isinstance(panel, ToyPanel)
        with qtbot.waitSignal(panel.demo_done, timeout=PATIENCE_MS):
            pass


def test_panels_are_built_on_first_show_and_once(qtbot: QtBot) -> None:
    with opened_window(qtbot, panels=(TOY, OTHER)) as window:
        assert window.panel("toy") is None
        window.show_panel("toy")
        first = window.panel("toy")
        window.show_home()
        window.show_panel("toy")
        assert window.panel("toy") is first
        assert window.panel("other") is None


def test_opening_a_panel_shows_no_other_window(qtbot: QtBot) -> None:
    shown: list[QWidget] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
                shown.append(watched)
            return False

    with opened_window(qtbot) as window:
        watch = Watch()
        QApplication.instance().installEventFilter(watch)
        window.show_panel("toy")
        qtbot.wait(50)
        QApplication.instance().removeEventFilter(watch)
        assert shown == []
        assert window.isActiveWindow()


def test_number_keys_open_panels(qtbot: QtBot) -> None:
    with opened_window(qtbot, panels=(TOY, OTHER)) as window:
        qtbot.keyClick(window, Qt.Key.Key_2, CTRL)
        assert window.current_panel() is window.panel("other")
        qtbot.keyClick(window, Qt.Key.Key_1, CTRL)
        assert window.current_panel() is window.panel("toy")
        qtbot.keyClick(window, Qt.Key.Key_0, CTRL)
        assert window.current_panel() is None


def test_a_panels_own_keys_work_only_while_it_is_shown(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (window, panel):
        panel.counts[:] = [1]
        panel.setFocus()
        qtbot.keyClick(panel, Qt.Key.Key_C)
        assert panel.counts == []
        panel.counts[:] = [1]
        field = panel.form.editor("text").control()
        field.setFocus()
        qtbot.keyClick(field, Qt.Key.Key_C)
        assert panel.counts == [1], "typing a letter is typing a letter"
        window.show_home()
        qtbot.keyClick(window, Qt.Key.Key_C)
        assert panel.counts == [1]


def test_a_panel_asked_for_before_the_engines_exist_comes_with_them(qtbot: QtBot) -> None:
    with opened_window(qtbot, attach=False) as window:
        qtbot.mouseClick(nav_button(window, "toy"), Qt.MouseButton.LeftButton)
        assert window.current_panel() is None
        assert window.status_bar.message.text() == "The engines are starting…"
        attach_services(window)
        assert window.current_panel() is window.panel("toy")


def test_the_list_of_panels_folds_by_room_and_by_wish(qtbot: QtBot) -> None:
    with opened_window(qtbot, attach=False) as window:
        assert not window.navigation.is_folded
        window.resize(800, 600)
        qtbot.waitUntil(lambda: window.navigation.is_folded)
        qtbot.keyClick(window, Qt.Key.Key_B, CTRL)
        assert not window.navigation.is_folded
        window.resize(820, 600)
        QApplication.processEvents()
        assert not window.navigation.is_folded, "a wish outlives a resize"
        assert window.session.sidebar_folded is False


def test_the_theme_is_chosen_kept_and_followed_by_everything(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (window, panel):
        window.set_theme("dark")
        assert window.theme.is_dark
        assert load_settings()[0].theme == "dark"
        picture = window.grab().toImage()
        spot = panel.plot.mapTo(window, panel.plot.rect().center())
        assert picture.pixelColor(spot).lightness() < 80
        assert picture.pixelColor(3, window.height() // 2).lightness() < 80


def test_preferences_are_applied_saved_and_say_what_waits_for_a_restart(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        qtbot.keyClick(window, Qt.Key.Key_Comma, CTRL)
        (dialog,) = window.findChildren(Preferences)
        dialog.editor("accent").set_value("rose")
        dialog.editor("threads").set_value(2)
        dialog.accept()
        assert window.theme.accent == "rose"
        assert load_settings()[0] == window.settings
        assert window.settings.threads == 2
        assert window.services is not None
        assert window.services.settings is window.settings
        assert (
            "Processor threads: takes effect when the workbench is started again." in window.messages.messages()[0].what
        )
        window.apply_settings(window.settings.model_copy(update={"threads": 3}))
        assert len(window.messages.messages()) == 1
        window.apply_settings(window.settings.model_copy(update={"threads": Settings().threads}))
        assert window.messages.messages() == [], "it is what it was at the start"


def test_settings_that_cannot_be_saved_are_said_and_still_apply(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        settings_path().parent.parent.mkdir(parents=True, exist_ok=True)
        settings_path().parent.write_text("a file where the folder should be")
        window.set_theme("dark")
        assert window.theme.is_dark
        assert "could not be saved" in window.messages.messages()[0].what
        window.set_theme("light")
        assert len(window.messages.messages()) == 1
        settings_path().parent.unlink()
        window.set_theme("dark")
        assert window.messages.messages() == []


def test_about_tells_versions_and_folders(qtbot: QtBot, home: Path) -> None:
    assert str(home / "data") in about_text()
    assert "PySide6" in about_text()
    with opened_window(qtbot, attach=False) as window:
        window.show_about()
        (dialog,) = window.findChildren(About)
        copy = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Copy details")
        qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
        assert QApplication.clipboard().text() == about_text()
        dialog.close()


def test_the_session_comes_back(qtbot: QtBot) -> None:
    with opened_window(qtbot, panels=(TOY, OTHER), size=(1111, 777)) as window:
        window.show_panel("toy")
        panel = window.panel("toy")
        assert isinstance(panel, ToyPanel)
        panel.form.set_values({"steps": 321})
        panel.note.setText("remember me")
    session, trouble = load_session()
    assert trouble == ""
    assert session.panel == "toy"
    with opened_window(qtbot, panels=(TOY, OTHER), session=session) as window:
        window.restore_last_panel()
        panel = window.panel("toy")
        assert isinstance(panel, ToyPanel)
        assert panel.form.read().steps == 321
        assert panel.note.text() == "remember me"


def test_a_panel_that_was_not_opened_keeps_what_it_had_saved(qtbot: QtBot) -> None:
    saved: dict[str, Any] = {"other": {"layout": {}, "state": {"note": "from last week"}}}
    with opened_window(qtbot, panels=(TOY, OTHER), session=Session(panels=saved)) as window:
        window.show_panel("toy")
    assert load_session()[0].panels["other"] == saved["other"]


@pytest.mark.parametrize("state", [{"form": "nonsense"}, {"form": {"values": [1]}}, {"note": None}])
def test_a_saved_state_that_no_longer_fits_does_no_harm(qtbot: QtBot, state: dict[str, Any]) -> None:
    with opened_window(qtbot, session=Session(panels={"toy": {"state": state, "layout": 7}})) as window:
        window.show_panel("toy")
        panel = window.panel("toy")
        assert isinstance(panel, ToyPanel)
        assert panel.form.read().steps == 5


def test_the_session_is_saved_while_the_window_is_open(qtbot: QtBot) -> None:
    with opened_window(qtbot, settings=Settings(autosave_s=1)) as window:
        window.show_panel("toy")
        qtbot.waitUntil(lambda: session_path().exists(), timeout=5000)
        assert json.loads(session_path().read_text())["panel"] == "toy"


def test_a_full_disk_while_saving_the_session_is_said_quietly(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened_window(qtbot) as window:

        def refuse(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("workbench.main_window.save_session", refuse)
        window.save_session()
        assert "No space left on device" in window.status_bar.message.text()


def test_running_jobs_are_counted_and_listed(qtbot: QtBot) -> None:
    with opened_panel(qtbot, steps=100_000, pause_ms=20) as (window, panel):
        assert window.status_bar.jobs.text() == "No jobs"
        panel.run()
        assert window.status_bar.jobs.text() == "1 job"
        assert nav_button(window, "toy").accessibleName() == "Counting, running"
        assert not window.job_dock.isVisible()
        qtbot.mouseClick(window.status_bar.jobs, Qt.MouseButton.LeftButton)
        assert window.job_dock.isVisible()
        (job,) = panel._jobs
        panel.stop()
        wait_end(qtbot, job)
        assert window.status_bar.jobs.text() == "No jobs"
        assert nav_button(window, "toy").accessibleName() == "Counting"
        qtbot.keyClick(window, Qt.Key.Key_J, CTRL)
        assert not window.job_dock.isVisible()


def answer(text: str, seen: list[str]) -> None:
    """Press the button `text` of the question that comes up."""

    def press() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(20, press)
            return
        seen.append(f"{box.text()} {box.informativeText()}")
        next(b for b in box.buttons() if b.text() == text).click()

    QTimer.singleShot(20, press)


def test_closing_asks_while_jobs_run_and_keeps_them_if_told(qtbot: QtBot) -> None:
    with opened_panel(qtbot, steps=100_000, pause_ms=20) as (window, panel):
        panel.run()
        seen: list[str] = []
        answer("Keep working", seen)
        assert not window.close()
        assert window.isVisible()
        assert panel.is_busy()
        assert "1 job is running." in seen[0]
        answer("Stop and close", seen)
        assert window.close()
        assert not window.isVisible()
        assert not panel.is_busy()


def test_closing_does_not_ask_without_jobs_or_when_told_not_to(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (window, _):
        assert window.close()
    with opened_panel(qtbot, steps=100_000, pause_ms=20) as (window, panel):
        window.settings.confirm_close = False
        panel.run()
        assert window.close()


def test_closing_does_not_ask_for_what_only_looks_at_the_computer(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        window.look_at_machine()
        assert window.machine_job is not None
        assert not window.machine_job.has_ended
        assert window.status_bar.jobs.text() == "No jobs"
        assert window._may_close()
        wait_end(qtbot, window.machine_job, 60_000)


def test_what_was_run_is_listed_on_the_home_page(qtbot: QtBot) -> None:
    with opened_panel(qtbot, steps=2) as (window, panel):
        panel.run()
        (job,) = panel._jobs
        wait_end(qtbot, job)
        window.show_home()
        qtbot.waitUntil(lambda: "sample.count" in window.home.runs.texts(), timeout=5000)
        assert any(text.startswith("done") for text in window.home.runs.texts())


def test_the_computer_is_described_once_the_engines_have_looked(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        assert window.status_bar.device.text() == "Starting…"
        window.look_at_machine()
        assert window.machine_job is not None
        wait_end(qtbot, window.machine_job, 60_000)
        texts = " ".join(window.home.machine.texts())
        assert "cpu" in texts
        assert "data sets here" in texts
        assert "thread" in window.status_bar.device.text()
        assert window.services is not None
        assert window.services.devices[0] == "auto"
        assert "cpu" in window.services.devices
        assert window.services.runner.jobs() == []


def test_full_screen_hides_the_menu_but_keeps_its_keys(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        qtbot.keyClick(window, Qt.Key.Key_F11)
        assert window.isFullScreen()
        assert not window.menuBar().isVisible()
        qtbot.keyClick(window, Qt.Key.Key_1, CTRL)
        assert window.current_panel() is not None
        qtbot.keyClick(window, Qt.Key.Key_F11)
        assert not window.isFullScreen()


def test_a_fault_is_shown_with_its_details_to_copy(qtbot: QtBot) -> None:
    with opened_window(qtbot, attach=False) as window:
        window.show_fault("ValueError: odd", "Traceback …")
        (message,) = window.messages.messages()
        copy = next(b for b in message.findChildren(QPushButton) if b.text() == "Copy details")
        qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
        assert QApplication.clipboard().text() == "Traceback …"
        window.show_fault("ValueError: odder", "Traceback …")
        assert [m.what for m in window.messages.messages()] == [
            "Something in the program went wrong: ValueError: odder"
        ]


def test_a_failure_in_the_status_line_stays_until_something_went_well(qtbot: QtBot) -> None:
    with opened_window(qtbot, attach=False) as window:
        window.show_message("something else", "warn")
        for number in range(5):
            window.status(f"failure {number}", "error")
        assert [m.what for m in window.messages.messages()] == ["failure 4", "something else"]
        window.status("under way")
        assert len(window.messages.messages()) == 2
        window.status("Saved", "ok")
        assert [m.what for m in window.messages.messages()] == ["something else"]


def test_the_panel_menu_follows_the_panel_and_disables_with_a_reason(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        menu = window._actions._panel_menu
        menu.aboutToShow.emit()
        assert [a.text() for a in menu.actions()] == ["Open a panel first"]
        window.show_panel("toy")
        menu.aboutToShow.emit()
        by_text = {a.text().split("\t")[0]: a for a in menu.actions()}
        assert by_text["Run Counting"].isEnabled()
        assert not by_text["Do the impossible"].isEnabled()
        assert by_text["Do the impossible"].toolTip() == "Nobody can."
        assert not by_text["Stop"].isEnabled()


def test_the_window_is_usable_at_its_smallest(qtbot: QtBot) -> None:
    with opened_window(qtbot, size=(200, 200)) as window:
        assert window.size() == QSize(640, 420)
        window.show_panel("toy")
        QApplication.processEvents()
        assert window.width() <= 800
        assert window.height() <= 600


def test_a_broken_saved_geometry_is_ignored(qtbot: QtBot) -> None:
    with opened_window(qtbot, session=Session(geometry="bm9uc2Vuc2U=", docks="eA==")) as window:
        assert window.isVisible()
    with opened_window(qtbot, session=Session(geometry="é not base64", docks="*")) as window:
        assert window.isVisible()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "just now"),
        (150, "2 minutes ago"),
        (4000, "1 hour ago"),
        (90_000, "1 day ago"),
        (300_000, "3 days ago"),
    ],
)
def test_times_are_told_roughly(seconds: float, text: str) -> None:
    assert ago(seconds) == text
