"""The live engine's session: requests in, snapshots out, nothing lost between them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, find_job, run_job
from engines.hex import evaluator as evaluator_module
from engines.hex.snapshots import SWAP, AnalysisSnapshot, EngineRequest
from engines.hex.spec import EngineSpec
from tests.engines.hex.oracles import ExactEvaluator, HashEvaluator


class Desk:
    """A session in a thread, as the window's process holds one."""

    def __init__(self, spec: EngineSpec) -> None:
        self.shots: list[AnalysisSnapshot] = []
        self.times: list[float] = []
        self.error: BaseException | None = None
        self.ctx = LocalContext(on_snapshot=self._keep)
        self.thread = threading.Thread(target=self._run, args=(spec,))
        self.thread.start()

    def _keep(self, shot: AnalysisSnapshot, keep: bool) -> None:
        self.times.append(time.perf_counter())
        self.shots.append(shot)

    def _run(self, spec: EngineSpec) -> None:
        try:
            run_job("hex.engine", spec, self.ctx)
        except BaseException as error:  # noqa: BLE001 - shown by the test that joins
            self.error = error

    def wait(self, wanted: Callable[[AnalysisSnapshot], bool], seconds: float = 10.0) -> AnalysisSnapshot:
        """The first snapshot that is wanted."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for shot in list(self.shots):
                if wanted(shot):
                    return shot
            time.sleep(0.005)
        raise AssertionError(f"no such snapshot among {len(self.shots)}; error: {self.error!r}")


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> HashEvaluator:
    """Every name of weights gives one hash evaluator, except "missing"."""
    network = HashEvaluator()
    _provide(monkeypatch, network)
    return network


def _provide(monkeypatch: pytest.MonkeyPatch, network: object) -> None:
    def load(weights: str, device: str = "auto", average_rotation: bool = False) -> object:
        if weights == "missing":
            raise UserError("there are no weights called missing")
        return network

    monkeypatch.setattr(evaluator_module, "load_evaluator", load)


@contextmanager
def desk(**fields: object) -> Iterator[Desk]:
    running = Desk(EngineSpec(n0=0, **fields))
    try:
        yield running
    finally:
        running.ctx.cancel()
        running.thread.join(5)
        assert not running.thread.is_alive()
        assert isinstance(running.error, Cancelled), running.error


def test_the_engine_is_a_session_job() -> None:
    assert find_job("hex.engine").session


def test_analysis_goes_on_and_publishes_at_least_ten_times_a_second(hashed: HashEvaluator) -> None:
    with desk(publish_hz=20.0) as session:
        session.ctx.request(EngineRequest("analyse", 7, 9))
        session.wait(lambda s: s.generation == 7)
        start = len(session.shots)
        session.wait(lambda s: len(session.shots) >= start + 12, seconds=1.2 + 5)
        lasted = session.times[start + 11] - session.times[start]
        assert 11 / lasted > 9.0, f"{11 / lasted:.1f} snapshots a second"
        counts = [shot.simulations for shot in session.shots]
        assert counts == sorted(counts)
        assert counts[-1] > counts[0]
        assert not any(shot.final for shot in session.shots)


def test_a_newer_request_replaces_the_older_one_within_a_tenth_of_a_second(hashed: HashEvaluator) -> None:
    with desk() as session:
        session.ctx.request(EngineRequest("analyse", 1, 9))
        session.wait(lambda s: s.generation == 1)
        asked = time.perf_counter()
        session.ctx.request(EngineRequest("analyse", 2, 9, moves=(40,)))
        session.wait(lambda s: s.generation == 2)
        at = next(t for t, s in zip(session.times, session.shots, strict=True) if s.generation == 2)
        assert at - asked < 0.5
        assert session.shots[-1].to_move == 2


def test_a_board_larger_than_any_trained_on_comes_with_a_caution(hashed: HashEvaluator) -> None:
    hashed.sizes = (4, 5)
    with desk() as live:
        live.ctx.request(EngineRequest("analyse", 1, 7))
        assert "up to 5×5" in live.wait(lambda s: s.generation == 1).note
        live.ctx.request(EngineRequest("analyse", 2, 5))
        assert live.wait(lambda s: s.generation == 2).note == ""


def test_idle_stops_and_keeps_the_tree(hashed: HashEvaluator) -> None:
    with desk() as session:
        session.ctx.request(EngineRequest("analyse", 1, 7))
        session.wait(lambda s: s.simulations > 200)
        session.ctx.request(EngineRequest("idle", 2, 7))
        time.sleep(0.4)
        count = len(session.shots)
        time.sleep(0.2)
        assert len(session.shots) == count
        session.ctx.request(EngineRequest("analyse", 3, 7))
        first = session.wait(lambda s: s.generation == 3)
        assert first.visits.sum() > 200


def test_a_move_within_its_simulations_is_answered_once(hashed: HashEvaluator) -> None:
    with desk() as session:
        session.ctx.request(EngineRequest("move", 4, 8, moves=(0, 63), swap="none", simulations=150))
        shot = session.wait(lambda s: s.final)
        assert shot.generation == 4
        assert shot.simulations == 150
        assert shot.best == int(shot.visits.argmax())
        assert shot.visits[shot.best] > 0
        assert sum(s.final for s in session.shots) == 1


def test_a_move_within_its_time(hashed: HashEvaluator) -> None:
    with desk() as session:
        asked = time.perf_counter()
        session.ctx.request(EngineRequest("move", 5, 9, swap="none", milliseconds=300))
        session.wait(lambda s: s.final)
        assert 0.25 < time.perf_counter() - asked < 2.0


def test_a_proven_win_is_played_at_once(hashed: HashEvaluator) -> None:
    cells = np.zeros((5, 5), np.int8)
    cells[:4, 2] = 1
    with desk() as session:
        session.ctx.request(EngineRequest("move", 1, 5, setup=cells, setup_to_move=1, milliseconds=60_000))
        shot = session.wait(lambda s: s.final)
        assert shot.best in (21, 22)
        assert shot.proven[shot.best] == 1
        assert shot.value == 1.0
        assert "roven" in shot.note


def test_it_swaps_when_the_opening_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    _provide(monkeypatch, ExactEvaluator())
    with desk() as session:
        session.ctx.request(EngineRequest("move", 1, 3, moves=(4,), swap="pieces", simulations=200))
        assert session.wait(lambda s: s.final and s.generation == 1).best == SWAP
        session.ctx.request(EngineRequest("move", 2, 3, moves=(0,), swap="pieces", simulations=200))
        assert session.wait(lambda s: s.final and s.generation == 2).best >= 0


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (EngineRequest("analyse", 3, 5, moves=(1, 1)), "taken"),
        (EngineRequest("analyse", 3, 5, moves=(99,)), "cell"),
        (EngineRequest("analyse", 3, 5, changes={"n0": -4}), "n0"),
        (EngineRequest("analyse", 3, 5, changes={"colour": 1}), "colour"),
        (EngineRequest("analyse", 3, 5, changes={"weights": "missing"}), "missing"),
        (EngineRequest("dance", 3, 5), "dance"),
        (EngineRequest("analyse", 3, 5, swap="maybe"), "maybe"),
    ],
)
def test_a_bad_request_is_answered_and_the_session_goes_on(
    hashed: HashEvaluator, request_: EngineRequest, said: str
) -> None:
    with desk() as session:
        session.ctx.request(request_)
        shot = session.wait(lambda s: s.generation == 3)
        assert said in shot.note
        assert shot.best == -4
        session.ctx.request(EngineRequest("move", 4, 5, swap="none", simulations=20))
        assert session.wait(lambda s: s.generation == 4 and s.final).visits.sum() == 20


def test_settings_change_with_a_request_and_return(hashed: HashEvaluator) -> None:
    with desk() as session:
        ask = {"size": 6, "swap": "none", "simulations": 300}
        session.ctx.request(EngineRequest("move", 1, changes={"n0": 20}, **ask))
        patient = session.wait(lambda s: s.generation == 1 and s.final)
        session.ctx.request(EngineRequest("move", 2, **ask))
        eager = session.wait(lambda s: s.generation == 2 and s.final)
        assert patient.net_calls < 60 < eager.net_calls + eager.cache_hits


def test_a_gumbel_move_spends_its_simulations(hashed: HashEvaluator) -> None:
    with desk() as session:
        session.ctx.request(EngineRequest("move", 1, 6, swap="none", simulations=32, changes={"gumbel": True}))
        shot = session.wait(lambda s: s.final)
        assert shot.simulations == 32
        assert (shot.visits > 0).sum() == 16


def test_a_finished_game_needs_no_search(hashed: HashEvaluator) -> None:
    cells = np.zeros((3, 3), np.int8)
    cells[:, 0] = 1
    with desk() as session:
        session.ctx.request(EngineRequest("move", 1, 3, setup=cells, setup_to_move=2, simulations=10))
        shot = session.wait(lambda s: s.final)
        assert shot.best == -4
        assert "over" in shot.note


def test_closing_ends_the_session_while_it_searches(hashed: HashEvaluator) -> None:
    with desk() as session:
        session.ctx.request(EngineRequest("analyse", 1, 9))
        session.wait(lambda s: s.generation == 1)
        start = time.perf_counter()
        session.ctx.cancel()
        session.thread.join(5)
        assert time.perf_counter() - start < 0.5
