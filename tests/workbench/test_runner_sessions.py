"""Session jobs: they live on, keep their state, and take the newest request. And on the interactive lane the
newest job of its name wins."""

from __future__ import annotations

from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from tests.workbench.runners import MakeRunner, wait_end, wait_picture, wait_state
from tests.workbench.sample_jobs import SampleSpec
from workbench.runner import Runner


@pytest.fixture(params=["processes", "inline"])
def runner(request: pytest.FixtureRequest, make_runner: MakeRunner) -> Runner:
    return make_runner(inline=request.param == "inline")


def test_a_session_keeps_its_state_between_requests(runner: Runner, qtbot: QtBot) -> None:
    session = runner.submit("sample.echo", SampleSpec(), lane="interactive")
    for number, text in enumerate("abc", start=1):
        session.request(text)
        assert wait_picture(qtbot, session, lambda got, t=text: got[1] == t) == (number, text)
    assert session.is_session
    assert session.state == "running"
    assert not runner.is_busy(), "a session that waits is not work under way"
    session.cancel()
    assert wait_end(qtbot, session).state == "cancelled"


def test_the_newest_of_many_requests_is_answered(runner: Runner, qtbot: QtBot) -> None:
    session = runner.submit("sample.echo", SampleSpec(pause_ms=20), lane="interactive")
    wait_state(qtbot, session, "running")
    for number in range(200):
        session.request(number)
    taken, got = wait_picture(qtbot, session, lambda picture: picture[1] == 199)
    assert got == 199
    assert taken < 100, "most were replaced before they were taken"


def test_answers_to_older_requests_are_dropped(runner: Runner, qtbot: QtBot) -> None:
    pictures: list[Any] = []
    session = runner.submit("sample.echo", SampleSpec(pause_ms=150), lane="interactive")
    session.published.connect(pictures.append)
    session.request("old")
    wait_state(qtbot, session, "running")
    qtbot.waitUntil(lambda: session.state == "running")
    assert session.request("new") == 2
    wait_picture(qtbot, session, lambda got: got[1] == "new")
    assert [text for _, text in pictures] == ["new"]


def test_older_answers_are_shown_where_that_is_wanted(runner: Runner, qtbot: QtBot) -> None:
    pictures: list[Any] = []
    session = runner.submit("sample.echo", SampleSpec(pause_ms=400), lane="interactive")
    session.published.connect(pictures.append)
    session.request("first")
    wait_picture(qtbot, session)
    session.request("second", keep_older=True)
    # The session takes it within its 50 ms of waiting, and is then busy for 400 ms.
    with qtbot.waitSignal(session.published, timeout=200, raising=False):
        pass
    session.request("third", keep_older=True)
    wait_picture(qtbot, session, lambda got: got[1] == "third")
    assert [text for _, text in pictures] == ["first", "second", "third"]


def test_a_newer_interactive_job_cancels_the_older_of_its_name(runner: Runner, qtbot: QtBot) -> None:
    session = runner.submit("sample.echo", SampleSpec(), lane="interactive")
    other = runner.submit("sample.train", SampleSpec(steps=1), lane="interactive")
    handles = [
        runner.submit("sample.count", SampleSpec(steps=100_000, pause_ms=5), lane="interactive") for _ in range(5)
    ]
    last = runner.submit("sample.count", SampleSpec(steps=2), lane="interactive")
    wait_end(qtbot, last)
    assert [handle.state for handle in handles] == ["cancelled"] * 5
    assert (last.state, other.state) == ("done", "done")
    session.request("still there?")
    assert wait_picture(qtbot, session) == (1, "still there?")


def test_jobs_of_different_keys_leave_each_other_alone(runner: Runner, qtbot: QtBot) -> None:
    spec = SampleSpec(steps=20, pause_ms=2)
    left = runner.submit("sample.count", spec, lane="interactive", key="left")
    right = runner.submit("sample.count", spec, lane="interactive", key="right")
    wait_end(qtbot, right)
    assert (left.state, right.state) == ("done", "done")


def test_batch_jobs_of_one_name_all_run(runner: Runner, qtbot: QtBot) -> None:
    handles = [runner.submit("sample.count", SampleSpec(steps=2)) for _ in range(4)]
    wait_end(qtbot, handles[-1])
    assert [handle.state for handle in handles] == ["done"] * 4


def test_two_sessions_of_one_name_live_side_by_side(runner: Runner, qtbot: QtBot) -> None:
    sessions = [runner.submit("sample.echo", SampleSpec(), lane="interactive") for _ in range(2)]
    for session, text in zip(sessions, ("left", "right"), strict=True):
        session.request(text)
    assert [wait_picture(qtbot, session)[1] for session in sessions] == ["left", "right"]


def test_a_session_of_a_given_key_is_replaced(runner: Runner, qtbot: QtBot) -> None:
    old = runner.submit("sample.echo", SampleSpec(), lane="interactive", key="board")
    wait_state(qtbot, old, "running")
    new = runner.submit("sample.echo", SampleSpec(), lane="interactive", key="board")
    assert wait_end(qtbot, old).state == "cancelled"
    new.request("x")
    assert wait_picture(qtbot, new)[1] == "x"


def test_no_timer_runs_while_a_session_is_silent(runner: Runner, qtbot: QtBot) -> None:
    session = runner.submit("sample.echo", SampleSpec(), lane="interactive")
    session.request("x")
    wait_picture(qtbot, session)
    qtbot.waitUntil(lambda: not runner._picture_timer.isActive())
    assert not runner._stuck_timer.isActive()


def test_pictures_come_at_most_thirty_times_a_second(make_runner: MakeRunner, qtbot: QtBot) -> None:
    import time

    runner = make_runner(inline=True)
    sessions = [runner.submit("sample.count", SampleSpec(steps=500, pause_ms=2))]
    sessions += [
        runner.submit("sample.count", SampleSpec(steps=500, pause_ms=2), lane="interactive", key=str(i))
        for i in range(2)
    ]
    times: list[float] = []
    sessions[0].published.connect(lambda _: times.append(time.monotonic()))
    wait_end(qtbot, sessions[0])
    wait_end(qtbot, sessions[2])
    pace = (len(times) - 1) / (times[-1] - times[0])
    assert 3 < pace < 31


def test_a_session_does_not_wait_for_an_ordinary_job(runner: Runner, qtbot: QtBot) -> None:
    slow = runner.submit("sample.count", SampleSpec(steps=100_000, pause_ms=5), lane="interactive")
    wait_state(qtbot, slow, "running")
    session = runner.submit("sample.echo", SampleSpec(), lane="interactive")
    session.request("now")
    assert wait_picture(qtbot, session) == (1, "now")
    assert slow.state == "running"
    slow.cancel()
    wait_end(qtbot, slow)
    assert session.state == "running"
