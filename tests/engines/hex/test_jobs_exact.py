"""The exact solver's session and the solution of one position."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, find_job, run_job, to_tables
from engines.hex import solver as solver_module
from engines.hex.jobs.exact import ExactSession
from engines.hex.rules import parse_cell
from engines.hex.snapshots import ExactRequest, ExactSnapshot
from engines.hex.solver import MOST_EMPTY, Solver, too_large
from engines.hex.spec import ExactSpec, SolveSpec
from tests.engines.hex.test_solver import OPENINGS, random_position


class Desk:
    """A session in a thread, as the window's process holds one."""

    def __init__(self) -> None:
        self.shots: list[ExactSnapshot] = []
        self.error: BaseException | None = None
        self.ctx = LocalContext(on_snapshot=lambda shot, keep: self.shots.append(shot))
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            run_job("hex.exact", ExactSpec(), self.ctx)
        except BaseException as error:  # noqa: BLE001 - shown by the test that joins
            self.error = error

    def ask(self, generation: int, cells: np.ndarray, to_move: int = 1) -> None:
        self.ctx.request(ExactRequest("solve", generation, cells, to_move))

    def wait(self, wanted: Callable[[ExactSnapshot], bool], seconds: float = 150.0) -> ExactSnapshot:
        """The first snapshot that is wanted."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for shot in list(self.shots):
                if wanted(shot):
                    return shot
            time.sleep(0.005)
        raise AssertionError(f"no such snapshot among {len(self.shots)}; error: {self.error!r}")


@contextmanager
def desk() -> Iterator[Desk]:
    running = Desk()
    try:
        yield running
    finally:
        running.ctx.cancel()
        running.thread.join(5)
        assert not running.thread.is_alive()
        assert isinstance(running.error, Cancelled), running.error


def empty(size: int) -> np.ndarray:
    return np.zeros((size, size), np.int8)


def is_done(generation: int) -> Callable[[ExactSnapshot], bool]:
    return lambda shot: shot.generation == generation and 0 < shot.total == shot.known


def test_the_exact_solver_is_a_session_and_the_solution_of_one_position_is_not() -> None:
    assert find_job("hex.exact").session
    assert not find_job("hex.solve").session


@pytest.mark.slow
def test_the_empty_5x5_board_is_solved_move_by_move() -> None:
    winning = {parse_cell(name, 5) for name in OPENINGS[5].split()}
    with desk() as session:
        session.ask(1, empty(5))
        solved = session.wait(is_done(1))
        assert set(np.flatnonzero(solved.moves == 1).tolist()) == winning
        assert set(np.flatnonzero(solved.moves == -1).tolist()) == set(range(25)) - winning
        known = [shot.known for shot in session.shots]
        assert known == list(range(26)), "each move as it became known"
        for earlier, later in zip(session.shots, session.shots[1:], strict=False):
            changed = np.flatnonzero(earlier.moves != later.moves)
            assert len(changed) == 1
            assert earlier.moves[changed[0]] == 0


def test_a_newer_position_replaces_the_one_under_way_and_idle_stops() -> None:
    with desk() as session:
        session.ask(1, empty(5))
        session.wait(lambda shot: shot.generation == 1)
        start = time.perf_counter()
        session.ask(2, empty(3))
        session.wait(is_done(2))
        assert time.perf_counter() - start < 1
        assert max(shot.known for shot in session.shots if shot.generation == 1) < 25
        session.ask(3, empty(5))
        session.wait(lambda shot: shot.generation == 3)
        session.ctx.request(ExactRequest("idle", 4, empty(1)))
        time.sleep(0.3)
        said = len(session.shots)
        time.sleep(0.3)
        assert len(session.shots) == said
        session.ask(5, empty(2))
        session.wait(is_done(5))


def test_closing_ends_the_session_while_it_solves() -> None:
    with desk() as session:
        session.ask(1, empty(5))
        session.wait(lambda shot: shot.generation == 1)
        start = time.perf_counter()
        session.ctx.cancel()
        session.thread.join(5)
        assert time.perf_counter() - start < 0.5


def test_what_cannot_be_solved_is_said_and_ends_nothing() -> None:
    over = np.array([[1, 2, 0], [1, 2, 0], [1, 0, 0]], np.int8)
    with desk() as session:
        for generation, cells, why in ((1, empty(11), "5×5"), (2, empty(6), "25 empty"), (3, over, "over"),
                                       (4, np.zeros((2, 3), np.int8), "expected")):  # fmt: skip
            session.ask(generation, cells)
            shot = session.wait(lambda shot, wanted=generation: shot.generation == wanted)
            assert why in shot.note
            assert (shot.total, shot.known) == (0, 0)
        session.ask(5, empty(3))
        session.wait(is_done(5))


@pytest.mark.parametrize("size", [6, 7])
def test_larger_boards_are_solved_near_the_end(size: int) -> None:
    position = random_position(size, size * size - 14, np.random.default_rng(size))
    shots: list[ExactSnapshot] = []
    ctx = LocalContext(on_snapshot=lambda shot, keep: shots.append(shot))
    ExactSession(ctx).answer(ExactRequest("solve", 1, position.cells, position.to_move))
    wanted = Solver(size).solve(position.cells, position.to_move).moves
    np.testing.assert_array_equal(shots[-1].moves, wanted)
    assert shots[-1].known == shots[-1].total == 14


def test_a_position_met_again_costs_no_new_work(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Solver] = []

    class Counted(solver_module.Solver):
        def __init__(self, size: int) -> None:
            super().__init__(size)
            made.append(self)

    monkeypatch.setattr("engines.hex.jobs.exact.Solver", Counted)
    session = ExactSession(LocalContext())
    for generation, size in ((1, 3), (2, 4), (3, 3)):
        session.answer(ExactRequest("solve", generation, empty(size)))
        nodes = [solver.nodes for solver in made]
    assert [solver.size for solver in made] == [3, 4]
    session.answer(ExactRequest("solve", 4, empty(4)))
    assert [solver.nodes for solver in made] == nodes


def test_the_bound_is_told_with_what_is_there() -> None:
    assert too_large(5, 25) == ""
    assert too_large(7, MOST_EMPTY) == ""
    assert "here 26" in too_large(6, 26)
    assert "7×7" in too_large(8, 3)


def test_solving_a_position_gives_each_move_its_result() -> None:
    result = run_job("hex.solve", SolveSpec(size=3, moves="b2"))
    assert (result.value, result.to_move) == (-1, 2)
    assert result.moves[4] == 0
    assert (np.delete(result.moves, 4) == -1).all()
    assert len(to_tables(result)["moves"]["cell"]) == 8


def test_solving_refuses_a_finished_game_and_an_open_board_and_can_be_cancelled() -> None:
    with pytest.raises(UserError, match="over"):
        run_job("hex.solve", SolveSpec(size=3, moves="b1 a1 b2 a2 b3"))
    with pytest.raises(UserError, match="here 36"):
        run_job("hex.solve", SolveSpec(size=6))
    ctx = LocalContext()
    ctx.on_progress = lambda done, total, text: ctx.cancel()
    with pytest.raises(Cancelled):
        run_job("hex.solve", SolveSpec(size=5), ctx)
