"""The registry of jobs and the context that runs them in this process."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from engines.core import job as registry
from engines.core.errors import Cancelled, UserError
from engines.core.job import JobContext, LocalContext, find_job, job, run_job, to_tables
from engines.core.spec import Spec, param


class CountSpec(Spec):
    """How far to count."""

    steps: int = param(3, "Steps.", ge=0, le=1000)


@dataclass(frozen=True)
class Count:
    """total: of the steps. squares: int64 [steps]."""

    total: int
    word: str
    squares: np.ndarray


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A topic "probe" whose jobs vanish after the test."""
    monkeypatch.setattr(registry, "_jobs", dict(registry._jobs))
    monkeypatch.setattr(registry, "TOPICS", (*registry.TOPICS, "probe"))
    monkeypatch.setitem(sys.modules, "engines.probe", ModuleType("engines.probe"))
    monkeypatch.setitem(sys.modules, "engines.probe.jobs", ModuleType("engines.probe.jobs"))
    job("probe.count", CountSpec)(count)
    yield


def count(spec: CountSpec, ctx: JobContext) -> Count:
    """Count and square."""
    for i in range(spec.steps):
        ctx.check()
        ctx.progress(i + 1, spec.steps, f"step {i}")
        ctx.publish(i, keep=i == 1)
        ctx.checkpoint({"step": i})
    return Count(spec.steps, "ok", np.arange(spec.steps) ** 2)


def test_a_job_is_found_by_name_with_a_title_from_its_docstring() -> None:
    found = find_job("probe.count")
    assert (found.title, found.topic, found.spec, found.session) == (
        "Count and square",
        "probe",
        CountSpec,
        False,
    )


def test_an_unknown_job_is_answered_with_those_of_its_topic() -> None:
    with pytest.raises(UserError, match=r"no job 'probe.sing'") as caught:
        find_job("probe.sing")
    assert "probe.count" in caught.value.remedy
    with pytest.raises(UserError, match="no job 'other'"):
        find_job("other")
    with pytest.raises(UserError, match="expected a topic"):
        registry.load_topic("other")


def test_two_jobs_of_one_name_are_a_bug() -> None:
    def other(spec: CountSpec, ctx: JobContext) -> None: ...

    other.__module__ = "elsewhere"
    with pytest.raises(ValueError, match="two jobs"):
        job("probe.count", CountSpec)(other)


def test_a_context_passes_on_everything_a_job_says() -> None:
    said: list[Any] = []
    ctx = LocalContext(
        on_progress=lambda *heard: said.append(heard),
        on_snapshot=lambda *heard: said.append(heard),
        on_checkpoint=said.append,
    )
    result = run_job("probe.count", CountSpec(steps=2), ctx)
    assert result.total == 2
    assert said == [
        (1, 2, "step 0"),
        (0, False),
        {"step": 0},
        (2, 2, "step 1"),
        (1, True),
        {"step": 1},
    ]


def test_a_job_needs_no_listener_and_its_own_kind_of_spec() -> None:
    assert run_job("probe.count", CountSpec()).total == 3
    with pytest.raises(TypeError, match="takes CountSpec, got Spec"):
        run_job("probe.count", Spec())


def test_a_cancelled_context_stops_the_job_at_its_next_check() -> None:
    ctx = LocalContext()
    heard: list[float] = []

    def listen(done: float, total: float, text: str) -> None:
        heard.append(done)
        if done == 2:
            ctx.cancel()

    ctx.on_progress = listen
    with pytest.raises(Cancelled):
        run_job("probe.count", CountSpec(steps=100), ctx)
    assert heard == [1, 2]


def test_the_newest_request_replaces_those_not_taken() -> None:
    ctx = LocalContext()
    assert ctx.latest_request() is None
    ctx.request("old")
    ctx.request("new")
    assert ctx.latest_request() == "new"
    assert ctx.latest_request() is None


def test_a_session_wakes_at_once_for_a_request_and_for_its_end() -> None:
    ctx = LocalContext()
    taken: list[Any] = []

    def session() -> None:
        try:
            while True:
                taken.append(ctx.latest_request(timeout_s=30))
        except Cancelled:
            taken.append("closed")

    thread = threading.Thread(target=session)
    begun = time.monotonic()
    thread.start()
    ctx.request(1)
    while not taken:
        thread.join(0.005)
    ctx.cancel()
    thread.join(10)
    assert taken == [1, "closed"]
    assert time.monotonic() - begun < 10


def test_a_result_without_tables_of_its_own_gives_its_scalars() -> None:
    tables = to_tables(Count(3, "ok", np.zeros(5)))
    assert list(tables) == ["result"]
    assert {name: column.tolist() for name, column in tables["result"].items()} == {
        "total": [3],
        "word": ["ok"],
    }
    with pytest.raises(TypeError, match="result dataclass"):
        to_tables({"a": 1})


def test_every_job_of_every_topic_is_listed_by_name() -> None:
    names = [found.name for found in registry.all_jobs()]
    assert names == sorted(names)
    assert "probe.count" in names
    assert "hex.train" in names
