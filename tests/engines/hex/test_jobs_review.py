"""Game reviews and swap maps."""

from __future__ import annotations

import numpy as np
import pytest

from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, run_job, to_tables
from engines.hex import evaluator as evaluator_module
from engines.hex.rules import parse_cell
from engines.hex.snapshots import OpeningsSnapshot, ReviewSnapshot
from engines.hex.spec import OpeningsSpec, ReviewSpec
from tests.engines.hex.oracles import ExactEvaluator, HashEvaluator
from tests.engines.hex.test_solver import OPENINGS

WINNING_3X3 = {2, 3, 4, 5, 6}
"""c1, a2, b2, c2, a3: check 9.1, whose list is of a first player who joins left and right, mirrored in
a1-c3."""


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator_module, "load_evaluator", lambda *_, **__: ExactEvaluator())


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator_module, "load_evaluator", lambda *_, **__: HashEvaluator())


@pytest.mark.usefixtures("exact")
def test_a_review_finds_the_moves_that_threw_the_game_away() -> None:
    shots: list[ReviewSnapshot] = []
    ctx = LocalContext(on_snapshot=lambda shot, keep: shots.append(shot))
    result = run_job("hex.review", ReviewSpec(size=3, moves="b2 a1 a2 b1 a3", swap="none", simulations=60, n0=0), ctx)
    assert len(result.black_value) == 6
    assert len(result.moves) == 5
    assert result.black_value[1] == 1.0
    for move in result.moves:
        assert move.after == pytest.approx(
            result.black_value[move.index + 1] * (1 if move.player == 1 else -1), abs=1e-6
        )
        assert move.loss == pytest.approx(max(0.0, (move.value - move.after) / 2), abs=1e-6)
    for index, shot in enumerate(shots):
        assert np.isnan(shot.black_value[index + 1 :]).all()
        assert not np.isnan(shot.black_value[: index + 1]).any()
    assert len(shots) == 6


@pytest.mark.usefixtures("exact")
def test_a_blunder_is_listed_first_and_its_better_move_is_named() -> None:
    result = run_job("hex.review", ReviewSpec(size=3, moves="b2 a3 a1 c1 c3", swap="none", simulations=80, n0=0))
    mistakes = result.mistakes(0.3)
    swings = np.flatnonzero(np.abs(np.diff(result.black_value)) > 0.6)
    assert {move.index for move in mistakes} == set(swings.tolist())
    for move in mistakes:
        assert move.best != move.move
        assert move.best_line[0] == move.best
        assert move.proven == -1
    tables = to_tables(result)
    assert tables["moves"]["move"].tolist() == ["b2", "a3", "a1", "c1", "c3"]


@pytest.mark.usefixtures("exact")
def test_under_a_swap_rule_the_opening_is_judged_by_what_the_swapper_makes_of_it() -> None:
    result = run_job("hex.review", ReviewSpec(size=3, moves="b2 :s", swap="pieces", simulations=60, n0=0))
    opening, swap = result.moves
    assert opening.loss == pytest.approx(0.5)
    assert swap.loss == 0.0
    assert swap.value == 1.0 == swap.after
    declined = run_job("hex.review", ReviewSpec(size=3, moves="b2 a1", swap="pieces", simulations=60, n0=0))
    assert declined.moves[1].loss == 1.0


@pytest.mark.usefixtures("hashed")
def test_a_review_can_be_cancelled_and_refuses_illegal_games() -> None:
    ctx = LocalContext()
    ctx.on_snapshot = lambda shot, keep: ctx.cancel()
    with pytest.raises(Cancelled):
        run_job("hex.review", ReviewSpec(size=7, moves="a1 b1 c1", simulations=50), ctx)
    with pytest.raises(UserError, match="taken"):
        run_job("hex.review", ReviewSpec(size=7, moves="a1 a1", simulations=50))
    with pytest.raises(UserError):
        run_job("hex.review", ReviewSpec(size=7, moves="a1 q99", simulations=50))


def test_a_review_without_moves_is_refused() -> None:
    with pytest.raises(UserError, match="no moves"):
        run_job("hex.review", ReviewSpec(size=4))


@pytest.mark.usefixtures("hashed")
def test_resigning_ends_a_review_with_the_winner() -> None:
    result = run_job("hex.review", ReviewSpec(size=5, moves="c3 b2 resign", swap="none", simulations=20))
    assert result.black_value[-1] == -1.0


@pytest.mark.usefixtures("exact")
def test_the_swap_map_of_3x3_is_the_proven_one() -> None:
    shots: list[OpeningsSnapshot] = []
    ctx = LocalContext(on_snapshot=lambda shot, keep: shots.append(shot))
    result = run_job("hex.openings", OpeningsSpec(size=3, simulations=400, n0=0), ctx)
    assert set(np.flatnonzero(result.exact == 1).tolist()) == WINNING_3X3
    assert set(np.flatnonzero(result.value > 0).tolist()) == WINNING_3X3
    assert len(shots) == 1 + 9 + 5, "the network's, nine proofs, and five searches for a half of the board"
    assert [int(np.count_nonzero(shot.exact)) for shot in shots] == [*range(10), *[9] * 5]
    assert to_tables(result)["openings"]["swap"].sum() == 5


@pytest.mark.slow
@pytest.mark.usefixtures("hashed")
def test_the_swap_map_of_5x5_is_the_proven_one_whatever_the_network_says() -> None:
    said: list[str] = []
    ctx = LocalContext(on_progress=lambda done, total, text: said.append(text))
    result = run_job("hex.openings", OpeningsSpec(size=5, simulations=1, n0=0), ctx)
    winning = {parse_cell(name, 5) for name in OPENINGS[5].split()}
    assert set(np.flatnonzero(result.exact == 1).tolist()) == winning
    assert (result.exact != 0).all()
    assert np.flatnonzero(to_tables(result)["openings"]["swap"]).tolist() == sorted(winning)
    assert said[:2] == ["1 of 25 openings proven", "2 of 25 openings proven"]


@pytest.mark.usefixtures("hashed")
def test_the_swap_map_is_the_same_from_both_ends_of_the_board() -> None:
    result = run_job("hex.openings", OpeningsSpec(size=6, simulations=20))
    np.testing.assert_array_equal(result.value, result.value[::-1])
    assert not np.isnan(result.value).any()
    assert np.abs(result.value).max() <= 1
