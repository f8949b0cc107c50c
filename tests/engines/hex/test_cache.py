"""The evaluation cache: one entry for a position and its rotation, turned back for the asker."""

from __future__ import annotations

import numpy as np

from engines.hex.bitboard import Stones, to_arrays
from engines.hex.cache import EvaluationCache
from engines.hex.search import Limits, Search, SearchSettings
from tests.engines.hex.oracles import HashEvaluator, random_position


def test_a_rotated_position_finds_the_same_entry_turned() -> None:
    rng = np.random.default_rng(0)
    cache = EvaluationCache(25, 100)
    for stones in (1, 2, 5, 8):
        cells = random_position(5, stones, rng)
        position, rotated = Stones.of(cells, 1), Stones.of(cells[::-1, ::-1], 1)
        assert position.canonical_key == rotated.canonical_key
        prior, q = rng.random(25).astype(np.float32), rng.random(25).astype(np.float32)
        cache.store(position.canonical_key, prior, 0.25, q)
        canonical, other = (rotated, position) if position.is_turned else (position, rotated)
        found = cache.find(canonical)
        assert found is not None
        np.testing.assert_array_equal(found[0], prior)
        np.testing.assert_array_equal(found[2], q)
        turned = cache.find(other)
        assert turned is not None
        assert turned[1] == 0.25
        np.testing.assert_array_equal(turned[0], prior[::-1])
        np.testing.assert_array_equal(turned[2], q[::-1])


def test_the_side_to_move_and_the_colours_matter() -> None:
    cells = random_position(5, 6, np.random.default_rng(1))
    keys = {
        Stones.of(cells, 1).canonical_key,
        Stones.of(cells, 2).canonical_key,
        Stones.of(cells.T, 1).canonical_key,
        Stones.of(np.where(cells, 3 - cells, 0).astype(np.int8), 1).canonical_key,
    }
    assert len(keys) == 4


def test_keys_do_not_depend_on_the_order_of_moves() -> None:
    start = Stones.of(np.zeros((6, 6), np.int8), 1)
    one, other = start, start
    for move in (3, 8, 14, 20):
        one = one.play(move)
    for move in (14, 20, 3, 8):
        other = other.play(move)
    assert (one.key, one.turned, one.ends) == (other.key, other.turned, other.ends)
    cells, to_move = to_arrays([one])
    fresh = Stones.of(cells[0], int(to_move[0]))
    assert (fresh.key, fresh.turned) == (one.key, one.turned)


def test_no_two_of_many_positions_share_a_key() -> None:
    rng = np.random.default_rng(2)
    seen: dict[int, bytes] = {}
    for _ in range(3000):
        cells = random_position(7, int(rng.integers(0, 12)), rng)
        key = Stones.of(cells, 1).key
        assert seen.setdefault(key, cells.tobytes()) == cells.tobytes()


def test_a_full_cache_forgets_the_oldest() -> None:
    cache = EvaluationCache(9, 3)
    positions = [Stones.of(np.eye(3, dtype=np.int8) * 0, 1).play(cell) for cell in range(5)]
    for index, position in enumerate(positions[:4]):
        cache.store(position.canonical_key, np.full(9, index, np.float32), index, None)
    assert len(cache) == 3
    assert cache.find(positions[0]) is None
    found = cache.find(positions[3])
    assert found is not None
    assert found[1] == 3.0
    assert found[2] is None
    cache.clear()
    assert len(cache) == 0
    assert cache.find(positions[3]) is None


def test_it_grows_as_it_fills() -> None:
    cache = EvaluationCache(4, 5000)
    for key in range(5000):
        cache.store(key, np.full(4, key, np.float32), 0.0, np.zeros(4, np.float32))
    assert len(cache) == 5000


def test_a_large_board_gets_fewer_entries_than_memory_allows() -> None:
    assert EvaluationCache(361, 5_000_000).capacity < 100_000


def test_searching_again_costs_no_network_call() -> None:
    evaluator, cache = HashEvaluator(), EvaluationCache(25, 10_000)
    visits = []
    for _ in range(2):
        search = Search(evaluator, np.zeros((5, 5), np.int8), 1, SearchSettings(n0=0, batch=1), cache=cache)
        search.run(Limits(simulations=300))
        visits.append(search.visits)
        calls = evaluator.positions
    np.testing.assert_array_equal(*visits)
    assert calls == len(cache)
    assert search.counters.net_calls == 0
    assert search.counters.cache_hits > 290


def test_the_network_sees_the_canonical_rotation_only() -> None:
    """So a search's result does not depend on which of two rotated positions was met first."""
    shown: list[np.ndarray] = []
    evaluator = HashEvaluator(before=lambda cells: shown.extend(cells))
    rng = np.random.default_rng(8)
    cells = random_position(5, 4, rng)
    results = []
    for board in (cells, cells[::-1, ::-1].copy()):
        search = Search(evaluator, board, 1, SearchSettings(n0=0, batch=1), cache=EvaluationCache(25, 1000))
        search.run(Limits(simulations=1))
        results.append(search.snapshot())
    np.testing.assert_array_equal(results[0].prior, results[1].prior[::-1])
    np.testing.assert_array_equal(results[0].q_head, results[1].q_head[::-1])
    np.testing.assert_array_equal(shown[0], shown[len(shown) // 2])
