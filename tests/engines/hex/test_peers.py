"""Matches against other programs: colours, openings, times and what a bad mover gets."""

from __future__ import annotations

import numpy as np
import pytest

from engines.core.errors import UserError
from engines.hex.htp.game import Game
from engines.hex.htp.players import PathPlayer
from engines.hex.peers import (
    Made,
    MatchTable,
    NetworkMover,
    OpenSpielMover,
    play_against_open_spiel,
    play_match,
    spread_openings,
)
from engines.hex.peers_bench import Pairing, measures_of
from engines.hex.player import replay


class Clock:
    """A wall clock that only the movers move on."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


class PathMover:
    """A side that needs no network. On a `clock` it takes `takes_s`, or what it may and `overrun_s` more."""

    name = "path"

    def __init__(self, clock: Clock | None = None, takes_s: float = 0.0, overrun_s: float = 0.0) -> None:
        self.clock, self.takes_s, self.overrun_s = clock, takes_s, overrun_s
        self.allowed: list[float] = []

    def new_game(self, size: int) -> None:
        self.size = size

    def move(self, moves: tuple[int, ...], seconds: float) -> Made:
        self.allowed.append(seconds)
        if self.clock is not None:
            self.clock.now += self.takes_s or seconds + self.overrun_s
        position = replay(self.size, moves, "none")
        look = PathPlayer().look(Game(self.size, "none", position))
        return Made(look.lines[0][0], simulations=3, calls=1)


class FirstCell(PathMover):
    name = "first"

    def move(self, moves: tuple[int, ...], seconds: float) -> Made:
        return Made(replay(self.size, moves, "none").legal_moves()[0])


def test_every_opening_is_played_with_both_colours_and_to_the_end() -> None:
    shown: list[MatchTable] = []
    table = play_match(PathMover(), FirstCell(), 4, [5, 6, 10], on_game=shown.append)
    assert len(shown) == len(table.won) == 6
    assert table.black.tolist() == [True, False] * 3 and table.openings.tolist() == [5, 5, 6, 6, 10, 10]
    for game, moves in enumerate(table.games):
        position = replay(4, moves, "none")
        assert position.winner and (position.winner == 1) == (table.won[game] == table.black[game])
        assert table.moves[game].sum() == len(moves) - 1
    assert table.score == 1.0 and table.interval[1] == 1.0
    assert (table.simulations[:, 0] == 3 * table.moves[:, 0]).all() and not table.calls[:, 1].any()


def test_ours_gets_the_time_that_the_peer_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("engines.hex.peers.time", clock)
    ours = PathMover(clock=clock, overrun_s=0.01)
    table = play_match(ours, PathMover(clock=clock, takes_s=0.1), 5, [6, 7], seconds=None)
    assert ours.allowed[0] == pytest.approx(0.1) and ours.allowed[1] == pytest.approx(0.098)
    assert min(ours.allowed) >= 0.09 and ours.allowed[-1] == pytest.approx(0.09, abs=0.005)
    assert table.move_seconds[1] == pytest.approx(0.1)
    assert table.time_ratio == pytest.approx((np.mean(ours.allowed) + 0.01) / 0.1)


def test_an_illegal_move_ends_the_match_with_a_reason() -> None:
    class Cheat(PathMover):
        name = "cheat"

        def move(self, moves: tuple[int, ...], seconds: float) -> Made:
            return Made(moves[0])

    with pytest.raises(UserError, match="cheat made an illegal move: b2"):
        play_match(PathMover(), Cheat(), 4, [5])
    with pytest.raises(UserError, match="at least one opening"):
        play_match(PathMover(), Cheat(), 4, [])


def test_openings_are_different_and_no_half_turns_of_each_other() -> None:
    for size, count in ((7, 20), (9, 20), (4, 8), (3, 9)):
        cells = spread_openings(size, count)
        assert len(set(cells.tolist())) == count
        if count <= size * size // 2:
            assert not set(cells.tolist()) & {size * size - 1 - c for c in cells.tolist() if c * 2 + 1 != size**2}


def test_the_benchmark_states_score_interval_and_time_ratio() -> None:
    table = play_match(PathMover(), FirstCell(), 4, [5, 6])
    won, clock = (m.to_json() for m in measures_of(table, Pairing(4, 10, 4, 0.95)))
    assert won["ours"] == 1.0 and won["meets"] is True and "4 of 4 games" in won["note"]
    assert clock["ratio"] == pytest.approx(table.time_ratio) and clock["unit"] == "ms"


def test_open_spiel_joins_the_same_sides_and_numbers_cells_as_we_do() -> None:
    pytest.importorskip("pyspiel", reason="open_spiel is not installed")
    bot = OpenSpielMover(200, seed=1)
    bot.new_game(3)
    # Black has a1 and a2 (a column), White b1 and c1: a3 wins for Black at once.
    assert bot.move((0, 1, 3, 2), 0.0).move == 6
    # White has a1 and b1 (a row) and is to move: c1 wins.
    assert bot.move((3, 0, 8, 1, 7), 0.0).move == 2


def test_check_8_peer_match_against_open_spiel_at_its_own_time() -> None:
    """A small real match with the shipped network: the wall-clock time of both sides is recorded."""
    pytest.importorskip("pyspiel", reason="open_spiel is not installed")
    from engines.core.weights import list_weights
    from engines.hex.evaluator import load_evaluator
    from engines.hex.spec import SHIPPED_THREE_HEAD

    if not any(card.name == SHIPPED_THREE_HEAD for card in list_weights()):
        pytest.skip("the shipped weights are not here")
    evaluator = load_evaluator(SHIPPED_THREE_HEAD, "cpu")
    table = play_against_open_spiel(lambda: NetworkMover(evaluator, simulations=64), 5, 200, 4, seconds=0.0)
    assert table.won.shape == (4,) and table.names[1] == "open_spiel MCTS, 200 rollouts"
    assert (table.seconds > 0).all() and np.isfinite(table.time_ratio)
    searched = table.simulations[:, 0] / table.moves[:, 0]
    assert (searched <= 64).all() and (table.calls[:, 0] > 0).all()
    assert table.to_tables()["sides"]["wins"].sum() == 4
