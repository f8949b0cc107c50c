"""The walk takes the moves that a look at every score would take, however few of them it looks at."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.hex import walk as walk_module
from engines.hex.cache import EvaluationCache
from engines.hex.search import Limits, Search, SearchSettings
from engines.hex.tree import OPEN
from tests.engines.hex.oracles import HashEvaluator, random_position


def scores(search: Search, row: int) -> np.ndarray:
    """float32 [N]: S + c · U · sqrt(N(s)) of every move."""
    tree = search.tree
    factor = np.float32(tree.c_puct * math.sqrt(tree.row_visits[row]))
    return tree.score_prior[row] * factor + tree.score_value[row]


def open_rows(search: Search) -> list[int]:
    """Rows below the root that a walk can enter."""
    tree = search.tree
    rows = [search.root]
    for row in rows:
        rows += [child for child in tree.child[row].tolist() if child >= 0]
    return [row for row in rows if not tree.row_proven[row]]


@settings(max_examples=30, deadline=None)
@given(
    size=st.integers(3, 7),
    stones=st.integers(0, 8),
    seed=st.integers(0, 10_000),
    n0=st.sampled_from([0, 2, 10]),
    batch=st.sampled_from([1, 16]),
    c_puct=st.sampled_from([0.0, 0.3, 1.5, 40.0]),
    gumbel=st.booleans(),
    has_q=st.booleans(),
)
def test_the_move_that_is_held_to_be_best_has_the_greatest_score(
    size: int, stones: int, seed: int, n0: int, batch: int, c_puct: float, gumbel: bool, has_q: bool
) -> None:
    stones = min(stones, size * size // 3)
    cells = random_position(size, stones, np.random.default_rng(seed))
    chosen = SearchSettings(n0=n0, batch=batch, c_puct=c_puct, gumbel=gumbel)
    search = Search(HashEvaluator(has_q=has_q), cells, 1 + stones % 2, chosen, cache=EvaluationCache(size**2, 100))
    for simulations in (1, 2, 3, 30, 1, 200, 1):
        search.run(Limits(simulations=simulations))
        if search.is_decided:
            break
        for row in open_rows(search):
            place, every = search.walk.at(row), scores(search, row)
            assert place.edge == row * size**2 + int(every.argmax())
            assert place.total == search.tree.row_visits[row]
            assert place.visits == search.tree.visits_at[place.edge]
            every[place.edge % size**2] = -np.inf
            assert every.max() <= place.bound + place.slope * c_puct * math.sqrt(place.total)


def test_equal_scores_are_decided_as_a_look_at_every_score_decides_them() -> None:
    """Without a prior's say and with c = 0 every unvisited move has the score 0: the first one comes first."""
    settings = SearchSettings(n0=0, batch=1, c_puct=0.0, fpu="zero", prove=False)
    search = Search(HashEvaluator(), np.zeros((5, 5), np.int8), 1, settings)
    for _ in range(60):
        expected = search.root >= 0 and int(scores(search, search.root).argmax())
        before = search.visits
        search.run(Limits(simulations=1))
        if expected is not False:
            assert int((search.visits - before).argmax()) == expected


@pytest.mark.parametrize("n0", [0, 10])
def test_forgetting_the_places_again_and_again_changes_nothing(n0: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> Search:
        search = Search(HashEvaluator(), np.zeros((6, 6), np.int8), 1, SearchSettings(n0=n0))
        search.run(Limits(simulations=3000))
        return search

    once = run()
    monkeypatch.setattr(walk_module, "_PLACES", 3)
    often = run()
    assert len(open_rows(once)) > 100
    assert once.tree.rows == often.tree.rows
    rows = slice(0, once.tree.rows)
    for name in ("visits", "wins", "score_value", "score_prior", "child"):
        np.testing.assert_array_equal(getattr(once.tree, name)[rows], getattr(often.tree, name)[rows])
    assert once.tree.row_visits == often.tree.row_visits
    assert once.counters.depth == often.counters.depth


def test_most_visits_compute_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the walk is for. Its speed is the benchmark's business."""
    looks = visits = 0
    look, count = walk_module.Walk._look, walk_module.Walk.count

    def counted_look(self: walk_module.Walk, place: walk_module.Place, total: float) -> None:
        nonlocal looks
        looks += 1
        look(self, place, total)

    def counted(self: walk_module.Walk, path: list[walk_module.Place], value: float) -> walk_module.Place | None:
        nonlocal visits
        visits += len(path)
        return count(self, path, value)

    monkeypatch.setattr(walk_module.Walk, "_look", counted_look)
    monkeypatch.setattr(walk_module.Walk, "count", counted)
    search = Search(HashEvaluator(), np.zeros((9, 9), np.int8), 1, SearchSettings(n0=10))
    search.run(Limits(simulations=5000))
    assert visits > 10_000
    assert looks < visits / 5


def test_a_forced_visit_of_a_refuted_move_leaves_it_refuted() -> None:
    cells = np.zeros((4, 4), np.int8)
    cells[1, :3] = 2  # White threatens at d2, and only there
    cells[0, 3] = cells[3, 0] = cells[3, 1] = 1
    search = Search(HashEvaluator(), cells, 1, SearchSettings(n0=0, batch=1, c_puct=50.0))
    search.run(Limits(simulations=20))
    assert not search.is_decided
    known = search.tree.proven_moves(search.root)
    refuted = int(np.flatnonzero(known == -1)[0])
    place = search.walk.at(search.root)
    search.walk.force(place, refuted)
    done, path = search.walk.quick(place, 1, 0)
    assert done == 0
    assert path[-1].edge == search.root * 16 + refuted
    search.walk.end(path, 1)
    search.walk.flush(search.root)
    assert search.visits[refuted] == 2
    assert search.tree.child_at[search.root * 16 + refuted] != OPEN
    assert place.edge == search.root * 16 + int(scores(search, search.root).argmax()) != search.root * 16 + refuted
