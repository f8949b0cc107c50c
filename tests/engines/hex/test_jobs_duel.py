"""Duels and matches at equal means."""

from __future__ import annotations

import numpy as np
import pytest

from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, run_job, to_tables
from engines.hex import evaluator as evaluator_module
from engines.hex.jobs.duel import balanced_openings
from engines.hex.rules import Position
from engines.hex.snapshots import DuelSnapshot, MatchSnapshot
from engines.hex.spec import DuelSpec, MatchSpec
from tests.engines.hex.oracles import ExactEvaluator, HashEvaluator


class Named(HashEvaluator):
    """A hash evaluator with a name, by which the tests tell the sides apart."""

    def __init__(self, name: str, has_q: bool) -> None:
        super().__init__(has_q=has_q)
        self.name = name


class Expert(ExactEvaluator):
    """Plays perfectly on 3 × 3."""

    name = "expert"


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights called "expert" play perfectly; "two" has no q-head; the rest are random with one."""

    def load(weights: str, *_: object, **__: object) -> object:
        return Expert() if weights == "expert" else Named(weights, has_q=weights != "two")

    monkeypatch.setattr(evaluator_module, "load_evaluator", load)


@pytest.mark.usefixtures("networks")
@pytest.mark.parametrize("equal", ["calls", "simulations"])
def test_both_sides_of_a_duel_spend_the_same(equal: str) -> None:
    shots: list[DuelSnapshot] = []
    ctx = LocalContext(on_snapshot=lambda shot, keep: shots.append(shot))
    spec = DuelSpec(size=7, moves="d4", weights="three", rival_weights="two", equal=equal, budget=120, n0=10)
    result = run_job("hex.duel", spec, ctx)
    left, right = result.left, result.right
    if equal == "calls":
        assert left.net_calls == right.net_calls == 120
        assert left.simulations > 3 * right.simulations
    else:
        assert left.simulations == right.simulations == 120
        assert left.net_calls < right.net_calls
    assert len(shots) == 40
    assert left.final and right.final
    assert np.isnan(right.q_head).all()
    assert to_tables(result)["duel"]["network"].tolist() == ["three", "two"]


@pytest.mark.usefixtures("networks")
def test_a_duel_at_equal_time_takes_about_that_time() -> None:
    result = run_job("hex.duel", DuelSpec(size=7, weights="a", rival_weights="two", equal="time", budget=200))
    for side in (result.left, result.right):
        assert 0.19 < side.seconds < 0.6


@pytest.mark.usefixtures("networks")
def test_a_duel_on_a_finished_game_is_refused() -> None:
    with pytest.raises(UserError, match="over"):
        run_job("hex.duel", DuelSpec(size=3, moves="b1 a1 b2 a2 b3"))


@pytest.mark.usefixtures("networks")
@pytest.mark.parametrize("equal", ["calls", "simulations"])
def test_a_match_plays_every_opening_twice_with_colours_exchanged(equal: str) -> None:
    shots: list[MatchSnapshot] = []
    ctx = LocalContext(on_snapshot=lambda shot, keep: shots.append(shot))
    spec = MatchSpec(size=4, weights="a", rival_weights="b", openings=5, budget=15, equal=equal)
    result = run_job("hex.match", spec, ctx)
    assert len(result.games) == 10
    assert (result.openings[::2] == result.openings[1::2]).all()
    assert len(set(result.openings.tolist())) == 5
    assert result.left_black.tolist() == [True, False] * 5
    assert result.elo_low < result.elo < result.elo_high
    for game, winner, left_black in zip(result.games, result.winners, result.left_black, strict=True):
        position = Position.from_moves(4, game, "none")  # raises where a move is illegal
        if position.winner:
            assert (position.winner == 1) == (left_black == (winner == 0))
    last = shots[-1]
    assert last.played == last.total == 10 == sum(last.wins)
    assert last.wins[0] == (result.winners == 0).sum()
    assert min(result.calls) > 0
    assert len(to_tables(result)["games"]["moves"]) == 10


@pytest.mark.usefixtures("networks")
def test_perfect_play_never_loses_an_opening_that_it_wins() -> None:
    """On 3 × 3 the winner of every opening is known (check 9.1), so the expert wins whichever side is the
    better."""
    winning = {2, 3, 4, 5, 6}  # c1, a2, b2, c2, a3
    result = run_job(
        "hex.match",
        MatchSpec(size=3, weights="expert", rival_weights="b", openings=9, budget=60, equal="simulations", n0=0),
    )
    for opening, left_black, winner in zip(result.openings, result.left_black, result.winners, strict=True):
        if left_black == (int(opening) in winning):
            assert winner == 0
    assert result.winners.sum() <= 9


@pytest.mark.usefixtures("networks")
def test_a_match_repeats_itself_and_resumes_from_a_checkpoint() -> None:
    spec = MatchSpec(size=4, weights="a", rival_weights="b", openings=3, budget=15, equal="simulations")
    whole = run_job("hex.match", spec)
    states: list[dict[str, object]] = []
    ctx = LocalContext()

    def keep(state: dict[str, object]) -> None:
        states.append(state)
        if len(states) == 3:
            ctx.cancel()

    ctx.on_checkpoint = keep
    with pytest.raises(Cancelled):
        run_job("hex.match", spec, ctx)
    resumed = run_job("hex.match", spec, LocalContext(resume=states[-1]))
    assert resumed.games == whole.games
    np.testing.assert_array_equal(resumed.winners, whole.winners)
    assert resumed.calls == whole.calls


def test_openings_are_distinct_and_the_even_ones_come_first() -> None:
    class Tilted(HashEvaluator):
        """Black's first move at cell c is worth c/16 to White."""

        def evaluate(self, cells: np.ndarray, to_move: np.ndarray) -> object:
            out = super().evaluate(cells, to_move)
            cell = cells.reshape(len(cells), -1).argmax(1)
            return type(out)(out.prior, (np.minimum(cell, 15 - cell) / 16).astype(np.float32), out.q)

    chosen = balanced_openings(4, 16, (Tilted(), Tilted()))
    assert sorted(chosen.tolist()) == list(range(16))
    assert chosen[:3].tolist() == [0, 1, 2]
    assert len({min(c, 15 - c) for c in chosen[:8].tolist()}) == 8
