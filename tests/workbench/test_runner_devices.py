"""A batch lane for each accelerator, and which lane takes which job."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from engines.core.device import DeviceInfo
from tests.workbench.runners import MakeRunner, wait_end, wait_state
from tests.workbench.sample_jobs import SampleSpec

GPUS = tuple(DeviceInfo(f"cuda:{i}", "a card", 8, 8, usable=True) for i in range(2))
BROKEN = DeviceInfo("cuda:2", "a broken card", 8, 8, usable=False)
CPU = DeviceInfo("cpu", "a processor", 8, 8, usable=True)
LONG = {"steps": 100_000, "pause_ms": 5}


def test_engines_say_which_devices_there_are(make_runner: MakeRunner, qtbot: QtBot) -> None:
    runner = make_runner(started=False, warm=True)
    assert runner.devices == ()
    with qtbot.waitSignal(runner.devices_changed, timeout=60_000):
        runner.start_lanes()
    assert runner.devices[-1].name == "cpu"
    assert runner.devices[-1].usable


def test_one_accelerator_needs_no_further_lane(make_runner: MakeRunner, qtbot: QtBot) -> None:
    runner = make_runner(inline=True)
    runner._found_devices((GPUS[0], CPU))
    handle = wait_end(qtbot, runner.submit("sample.count", SampleSpec(steps=1)))
    assert (handle.place, handle.state) == ("batch", "done")
    assert set(runner._lanes) == {"batch", "interactive"}


def test_two_accelerators_compute_at_the_same_time(make_runner: MakeRunner, qtbot: QtBot) -> None:
    runner = make_runner(inline=True)
    runner._found_devices((*GPUS, BROKEN, CPU))
    assert set(runner._lanes) == {"batch", "batch cuda:1", "interactive"}
    first, second = (runner.submit("sample.count", SampleSpec(**LONG)) for _ in range(2))
    wait_state(qtbot, first, "running")
    wait_state(qtbot, second, "running")
    assert {first.place, second.place} == {"batch", "batch cuda:1"}
    for handle in (first, second):
        handle.cancel()
        wait_end(qtbot, handle)


def test_a_job_goes_to_the_lane_of_the_device_it_names(make_runner: MakeRunner, qtbot: QtBot) -> None:
    runner = make_runner(inline=True)
    runner._found_devices((*GPUS, CPU))
    places = {
        device: runner.submit("sample.count", SampleSpec(steps=1, device=device)).place
        for device in ("cuda:1", "cuda:0", "cpu")
    }
    assert places == {"cuda:1": "batch cuda:1", "cuda:0": "batch", "cpu": "batch"}
    for handle in runner.jobs():
        assert wait_end(qtbot, handle).state == "done"
