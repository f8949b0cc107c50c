"""Runs of melody steps that music shares with a collection of tunes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engines.core.job import LocalContext, run_job
from engines.piano.reciting import LONGEST, Run, Tunes, steps_of
from engines.piano.spec import RecitalSpec


def test_a_tune_is_known_in_another_key() -> None:
    ode = np.array([64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64])
    tunes = Tunes(("scale", "ode"), (np.arange(60, 72), ode))
    run = tunes.longest(np.concatenate(([50, 73, 41], ode[2:9] + 5, [30])))
    assert run == Run(6, "ode", 3, 2, 11)


def test_runs_do_not_go_on_into_the_next_tune() -> None:
    tunes = Tunes(("a", "b"), (np.array([60, 62, 64]), np.array([64, 66, 68])))
    assert tunes.longest(np.array([0, 2, 4, 6, 8])).steps == 2


def test_nothing_is_known_of_nothing() -> None:
    tunes = Tunes(("a",), (np.array([60, 61]),))
    assert tunes.longest(np.array([60])) == Run(0, played=1)
    assert tunes.longest(np.zeros(0, int)) == Run(0)
    assert tunes.longest(np.array([60, 67, 60])) == Run(0, played=3)
    assert Tunes((), ()).longest(np.array([60, 61])) == Run(0, played=2)


def test_a_run_counts_up_to_a_limit() -> None:
    long = np.cumsum(np.random.default_rng(0).integers(-4, 5, LONGEST + 50))
    assert Tunes(("a",), (long,)).longest(long).steps == LONGEST


@given(st.lists(st.lists(st.integers(0, 3), max_size=12), max_size=4), st.lists(st.integers(0, 3), max_size=12))
def test_the_longest_run_is_that_of_trying_all(tunes: list[list[int]], music: list[int]) -> None:
    def holds(run: tuple[int, ...]) -> bool:
        known = [tuple(steps_of(np.array(tune, int)).tolist()) for tune in tunes]
        return any(run == k[i : i + len(run)] for k in known for i in range(len(k)))

    steps = tuple(steps_of(np.array(music, int)).tolist())
    runs = [steps[i:j] for i in range(len(steps)) for j in range(i + 1, len(steps) + 1)]
    expected = max((len(run) for run in runs if holds(run)), default=0)
    found = Tunes([str(k) for k in range(len(tunes))], [np.array(t, int) for t in tunes]).longest(np.array(music, int))
    assert found.steps == expected
    if expected:
        tune = steps_of(np.array(tunes[int(found.piece)], int))
        assert tune[found.there : found.there + expected].tolist() == list(steps[found.here : found.here + expected])


def test_the_job_looks_at_what_a_network_writes() -> None:
    spec = RecitalSpec(weights="piano-style", source="walks", items=3, tokens=200, temperature=1.0)
    found = run_job("piano.recite", spec, LocalContext())
    assert len(found.composed) == len(found.played) == 3 and found.tunes > 100
    assert (found.composed <= np.maximum(found.played - 1, 0)).all()
    assert found.people.min() >= 1, "scales share their steps with other scales"
    assert found.longest == found.composed.max() and found.longest_of_people == found.people.max()
    assert found.mean <= found.longest and found.mean_of_people <= found.longest_of_people
    assert set(found.to_tables()) == {"composed", "people"}
