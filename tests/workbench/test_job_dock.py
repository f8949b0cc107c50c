"""The job dock and the two dialogs, used as a person would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QWidget
from pytestqt.qtbot import QtBot

from engines.core.store import Store
from tests.workbench.runners import MakeRunner, wait_end, wait_picture, wait_state
from tests.workbench.sample_jobs import SampleSpec
from workbench.runner import JobHandle, Runner
from workbench.widgets.failure_dialog import FailureDialog, StuckDialog, offer_to_end, show_failure
from workbench.widgets.job_dock import EMPTY_TEXT, JobDock
from workbench.widgets.job_model import SHARE_ROLE, Column

LONG = SampleSpec(steps=100_000, pause_ms=5)


@pytest.fixture
def runner(make_runner: MakeRunner, store: Store) -> Runner:
    return make_runner(store, inline=True)


@pytest.fixture
def dock(runner: Runner, qtbot: QtBot) -> JobDock:
    dock = JobDock(runner)
    qtbot.addWidget(dock)
    dock.resize(900, 240)
    with qtbot.waitExposed(dock):
        dock.show()
    return dock


def _rows(dock: JobDock) -> list[tuple[str, str]]:
    """Job and state of each row."""
    model = dock.model
    return [
        (str(model.index(row, Column.JOB).data()), str(model.index(row, Column.STATE).data()))
        for row in range(model.rowCount())
    ]


def _click_row(dock: JobDock, qtbot: QtBot, handle: JobHandle) -> None:
    row = dock.model._rows.index(handle)
    place = dock.table.visualRect(dock.model.index(row, 0)).center()
    qtbot.mouseClick(dock.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert dock.current() is handle


def test_an_empty_list_says_what_belongs_there(dock: JobDock) -> None:
    assert dock.pages.currentWidget() is dock.empty
    assert dock.empty.text() == EMPTY_TEXT
    for button in (dock.stop_button, dock.resume_button, dock.details_button, dock.clear_button):
        assert not button.isEnabled()
        assert button.toolTip(), "a disabled button says why"
        assert button.accessibleName()


def test_jobs_are_listed_newest_first_with_their_states(dock: JobDock, runner: Runner, qtbot: QtBot) -> None:
    done = wait_end(qtbot, runner.submit("sample.train", SampleSpec(steps=1)))
    running = runner.submit("sample.count", LONG)
    waiting = runner.submit("sample.mistake", SampleSpec())
    wait_state(qtbot, running, "running")
    assert dock.pages.currentWidget() is dock.table
    assert _rows(dock) == [
        ("Mistake", "Waiting"),
        ("Count to `steps`, publishing an array in every step", "Running"),
        ("Count with a checkpoint after every step, and go on from one", "Done"),
    ]
    assert done.has_ended
    waiting.cancel()
    running.cancel()
    wait_end(qtbot, running)


def test_progress_time_and_time_left_are_shown(dock: JobDock, runner: Runner, qtbot: QtBot) -> None:
    handle = runner.submit("sample.count", SampleSpec(steps=400, pause_ms=5))
    qtbot.waitUntil(lambda: handle.progress is not None and handle.progress.done > 20, timeout=10_000)
    model = dock.model
    assert 0 < model.index(0, Column.PROGRESS).data(SHARE_ROLE) < 1
    assert str(model.index(0, Column.PROGRESS).data()).startswith("step ")
    assert model.index(0, Column.TIME).data().endswith("s")
    assert model.index(0, Column.LEFT).data().endswith("s")
    assert dock._ticker.isActive()
    dock.grab()  # the bar is painted
    handle.cancel()
    wait_end(qtbot, handle)
    assert not dock._ticker.isActive()
    assert model.index(0, Column.LEFT).data() == ""
    assert model.index(0, Column.PROGRESS).data(SHARE_ROLE) is None


def test_the_stop_button_stops_the_selected_job(dock: JobDock, runner: Runner, qtbot: QtBot) -> None:
    handle = runner.submit("sample.count", LONG)
    wait_state(qtbot, handle, "running")
    _click_row(dock, qtbot, handle)
    qtbot.mouseClick(dock.stop_button, Qt.MouseButton.LeftButton)
    assert _rows(dock)[0][1] == "Stopping…"
    assert not dock.stop_button.isEnabled()
    assert wait_end(qtbot, handle).state == "cancelled"
    assert dock.stop_button.toolTip() == "It has ended"


def test_the_delete_key_stops_the_selected_job(dock: JobDock, runner: Runner, qtbot: QtBot) -> None:
    handle = runner.submit("sample.count", LONG)
    wait_state(qtbot, handle, "running")
    dock.activateWindow()
    dock.table.setFocus()
    dock.select(handle)
    qtbot.keyClick(dock.table, Qt.Key.Key_Delete)
    assert wait_end(qtbot, handle).state == "cancelled"


def test_the_details_of_a_bug_can_be_copied(dock: JobDock, runner: Runner, qtbot: QtBot) -> None:
    handle = wait_end(qtbot, runner.submit("sample.bug", SampleSpec(seed=7)))
    assert dock.model.index(0, Column.PROGRESS).data() == "ZeroDivisionError: division by zero"
    _click_row(dock, qtbot, handle)
    qtbot.mouseClick(dock.details_button, Qt.MouseButton.LeftButton)
    (dialog,) = dock.findChildren(FailureDialog)
    assert "fault in the program" in dialog.heading.text()
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert "Traceback (most recent call last)" in copied
    assert '"seed": 7' in copied
    assert str(handle.run_id) in copied
    dialog.close()


def test_return_shows_the_details_of_the_selected_job(dock: JobDock, runner: Runner, qtbot: QtBot) -> None:
    handle = wait_end(qtbot, runner.submit("sample.mistake", SampleSpec()))
    dock.activateWindow()
    dock.table.setFocus()
    dock.select(handle)
    qtbot.keyClick(dock.table, Qt.Key.Key_Return)
    (dialog,) = dock.findChildren(FailureDialog)
    assert dialog.text.text() == "expected a positive number, got -1\nenter 1 or more"
    assert "fault" not in dialog.heading.text(), "the user's mistake is no fault of the program"
    dialog.close()


def test_a_job_that_went_well_has_no_details(dock: JobDock, runner: Runner, qtbot: QtBot) -> None:
    handle = wait_end(qtbot, runner.submit("sample.count", SampleSpec(steps=1)))
    _click_row(dock, qtbot, handle)
    assert not dock.details_button.isEnabled()
    assert not dock.resume_button.isEnabled()
    assert dock.resume_button.toolTip() == "It is done"


def test_a_cancelled_run_with_a_checkpoint_is_resumed(dock: JobDock, runner: Runner, qtbot: QtBot) -> None:
    first = runner.submit("sample.train", LONG)
    wait_picture(qtbot, first)
    first.cancel()
    wait_end(qtbot, first)
    _click_row(dock, qtbot, first)
    qtbot.mouseClick(dock.resume_button, Qt.MouseButton.LeftButton)
    second = dock.current()
    assert isinstance(second, JobHandle)
    assert second is not first
    assert wait_picture(qtbot, second).resumed_at >= 1
    assert second.run_id == first.run_id
    second.cancel()
    wait_end(qtbot, second)


def test_runs_that_an_earlier_window_left_are_offered(make_runner: MakeRunner, qtbot: QtBot, store: Store) -> None:
    run_id = store.create("sample.train", SampleSpec(steps=4).model_dump(), [0])
    store.save_checkpoint(run_id, {"step": 3, "total": np.zeros(8)})
    runner = make_runner(store, inline=True)
    dock = JobDock(runner)
    qtbot.addWidget(dock)
    dock.show()
    qtbot.waitUntil(lambda: dock.model.rowCount() == 1, timeout=5000)
    assert _rows(dock) == [("sample.train", "Interrupted")]
    dock.table.setCurrentIndex(dock.model.index(0, 0))
    assert not dock.stop_button.isEnabled()
    qtbot.mouseClick(dock.resume_button, Qt.MouseButton.LeftButton)
    handle = dock.current()
    assert isinstance(handle, JobHandle)
    wait_end(qtbot, handle)
    assert handle.result.resumed_at == 3
    assert _rows(dock) == [("Count with a checkpoint after every step, and go on from one", "Done")]
    assert store.run(run_id).status == "done"


def test_ended_jobs_are_cleared(dock: JobDock, runner: Runner, qtbot: QtBot) -> None:
    wait_end(qtbot, runner.submit("sample.mistake", SampleSpec()))
    running = runner.submit("sample.count", LONG)
    wait_state(qtbot, running, "running")
    qtbot.mouseClick(dock.clear_button, Qt.MouseButton.LeftButton)
    assert [state for _, state in _rows(dock)] == ["Running"]
    running.cancel()
    wait_end(qtbot, running)


def test_answers_to_a_slider_do_not_crowd_the_list(dock: JobDock, runner: Runner, qtbot: QtBot) -> None:
    wait_end(qtbot, runner.submit("sample.count", SampleSpec(steps=1), lane="interactive"))
    assert _rows(dock) == []
    broken = wait_end(qtbot, runner.submit("sample.bug", SampleSpec(), lane="interactive"))
    assert _rows(dock) == [(broken.title, "Failed")]
    session = runner.submit("sample.echo", SampleSpec(), lane="interactive")
    wait_state(qtbot, session, "running")
    assert _rows(dock)[0][1] == "Live"


def test_every_cell_can_be_read_aloud(dock: JobDock, runner: Runner, qtbot: QtBot) -> None:
    wait_end(qtbot, runner.submit("sample.count", SampleSpec(steps=1)))
    role = Qt.ItemDataRole.AccessibleTextRole
    spoken = [dock.model.index(0, column).data(role) for column in Column]
    assert spoken[Column.STATE] == "State: Done"
    assert all(spoken)
    assert dock.table.accessibleName() == "Jobs"


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return window


def test_a_job_that_does_not_stop_is_ended_from_the_dialog(
    make_runner: MakeRunner, qtbot: QtBot, store: Store, window: QWidget
) -> None:
    runner = make_runner(store, stuck_after_s=0.2)
    runner.stuck.connect(lambda handle: offer_to_end(handle, window))
    deaf = runner.submit("sample.deaf", SampleSpec())
    wait_picture(qtbot, deaf)
    with qtbot.waitSignal(runner.stuck, timeout=5000):
        deaf.cancel()
    (dialog,) = window.findChildren(StuckDialog)
    assert dialog.isVisible()
    assert "resumed from its last checkpoint" in dialog.text.text()
    with qtbot.waitSignal(dialog.finished, timeout=10_000):
        qtbot.mouseClick(dialog.end_button, Qt.MouseButton.LeftButton)
    assert deaf.state == "interrupted"
    qtbot.waitUntil(lambda: set(runner.engine_pids()) == {"batch", "interactive"})


def test_the_offer_goes_away_when_the_job_answers_after_all(runner: Runner, qtbot: QtBot, window: QWidget) -> None:
    handle = runner.submit("sample.count", LONG)
    wait_state(qtbot, handle, "running")
    dialog = offer_to_end(handle, window)
    with qtbot.waitSignal(dialog.finished, timeout=5000):
        handle.cancel()
    assert handle.state == "cancelled"


def test_waiting_on_keeps_the_job(runner: Runner, qtbot: QtBot, window: QWidget) -> None:
    handle = runner.submit("sample.count", LONG)
    wait_state(qtbot, handle, "running")
    dialog = offer_to_end(handle, window)
    with qtbot.waitSignal(dialog.finished, timeout=5000) as ended:
        qtbot.mouseClick(dialog.wait_button, Qt.MouseButton.LeftButton)
    assert ended.args == [QDialog.DialogCode.Rejected.value]
    assert handle.state == "running"
    handle.cancel()
    wait_end(qtbot, handle)


def test_the_report_of_a_run_from_the_store_has_its_spec(
    make_runner: MakeRunner, qtbot: QtBot, window: QWidget, tmp_path: Path
) -> None:
    runner = make_runner(inline=True)
    handle = wait_end(qtbot, runner.submit("sample.mistake", {"steps": 3}))
    assert handle.error is not None
    assert handle.error.what == "expected a positive number, got -1"
    dialog = show_failure(handle, window)
    assert '{"steps": 3}' in dialog.details.toPlainText()
    dialog.close()


def test_a_stored_spec_that_no_longer_fits_is_refused_with_the_field(make_runner: MakeRunner, qtbot: QtBot) -> None:
    runner = make_runner(inline=True)
    handle = wait_end(qtbot, runner.submit("sample.count", {"stepz": 3}))
    assert handle.error is not None
    assert handle.error.kind == "user"
    assert "stepz" in handle.error.what
