"""The interactive search: paper check 9.7 in its parts, and the traps 1, 4, 5 and 11 of the paper's code."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.core.errors import Cancelled
from engines.hex.bitboard import Stones, to_arrays
from engines.hex.cache import EvaluationCache
from engines.hex.search import Limits, Search, SearchSettings
from engines.hex.solver import Solver
from engines.hex.tree import OPEN
from tests.engines.hex.oracles import ExactEvaluator, HashEvaluator, empty_cells, exact_value, random_position


def empty(size: int) -> np.ndarray:
    return np.zeros((size, size), np.int8)


def every_row(search: Search) -> list[int]:
    """Rows that can be reached from the root."""
    rows = [search.root]
    for row in rows:
        child = search.tree.child[row]
        rows += child[child >= 0].tolist()
    return rows


class NaiveNode:
    """A position of the plain search that the tree is compared with: dictionaries, no sharing, no proofs."""

    def __init__(self, position: Stones) -> None:
        self.position = position
        self.visits = 0
        self.prior: dict[int, float] = {}
        self.n: dict[int, int] = {}
        self.w: dict[int, float] = {}
        self.children: dict[int, NaiveNode] = {}


def naive_puct(evaluator: HashEvaluator, cells: np.ndarray, to_move: int, simulations: int, c: float) -> NaiveNode:
    """AlphaZero's PUCT with values in [-1, 1], first-play value 0, one network call for each new position."""

    def expand(node: NaiveNode) -> float:
        board = np.zeros(node.position.geometry.cells, np.int8)
        for cell in range(len(board)):
            bit = node.position.geometry.bit[cell]
            board[cell] = 1 if node.position.black & bit else 2 if node.position.white & bit else 0
        out = evaluator.evaluate(board.reshape(1, *cells.shape), np.array([node.position.to_move], np.int8))
        for cell in np.flatnonzero(board == 0):
            node.prior[cell], node.n[cell], node.w[cell] = float(out.prior[0, cell]), 0, 0.0
        return float(out.value[0])

    root = NaiveNode(Stones.of(cells, to_move))
    expand(root)
    root.visits = 1
    for _ in range(simulations):
        node, way = root, []
        while node.prior:

            def score(a: int, node: NaiveNode = node) -> float:
                mean = node.w[a] / node.n[a] if node.n[a] else 0.0
                return mean + c * node.prior[a] * math.sqrt(node.visits) / (1 + node.n[a])

            move = max(sorted(node.prior), key=score)
            way.append((node, move))
            if move not in node.children:
                node.children[move] = NaiveNode(node.position.play(move))
            node = node.children[move]
        value = -1.0 if node.position.winner else expand(node)
        node.visits += 1
        for parent, move in reversed(way):
            value = -value
            parent.visits += 1
            parent.n[move] += 1
            parent.w[move] += value
    return root


@pytest.mark.parametrize(("size", "stones"), [(3, 0), (4, 3), (5, 4), (7, 10)])
def test_check_9_7_without_q_and_n0_zero_it_is_plain_puct_move_for_move(size: int, stones: int) -> None:
    cells = random_position(size, stones, np.random.default_rng(size))
    to_move = 1 + stones % 2
    settings = SearchSettings(n0=0, c_puct=1.25, batch=1, fpu="zero", use_q_leaf=False, prove=False)
    search = Search(HashEvaluator(has_q=False), cells, to_move, settings)
    for simulations in range(1, 201):
        search.run(Limits(simulations=1))
        if simulations in (1, 2, 3, 10, 50, 200):
            naive = naive_puct(HashEvaluator(has_q=False), cells, to_move, simulations, 1.25)
            counts = np.zeros(size * size, np.int32)
            counts[list(naive.n)] = list(naive.n.values())
            np.testing.assert_array_equal(search.visits, counts, err_msg=f"after {simulations} simulations")
    values = search.tree.move_values(search.root)
    for move, visits in naive.n.items():
        if visits:
            assert values[move] == pytest.approx(naive.w[move] / visits, abs=1e-5)


@pytest.mark.parametrize("batch", [1, 4, 16])
@pytest.mark.parametrize(("n0", "has_q"), [(0, False), (0, True), (3, True), (10, True)])
def test_check_9_7_visits_sum_to_simulations_and_wins_stay_within_visits(batch: int, n0: int, has_q: bool) -> None:
    evaluator = HashEvaluator(has_q=has_q)
    search = Search(evaluator, empty(6), 1, SearchSettings(n0=n0, batch=batch))
    search.run(Limits(simulations=777))
    assert search.visits.sum() == 777 == search.counters.simulations
    assert search.counters.net_calls == evaluator.positions <= 777 + 1
    for row in every_row(search):
        visits, wins = search.tree.visits[row], search.tree.wins[row]
        assert (wins >= 0).all()
        assert (wins <= visits + 1e-9).all()
        assert search.tree.row_visits[row] >= visits.sum()
    if n0 == 10:
        assert evaluator.positions < 777 / 4


@pytest.mark.parametrize("n0", [0, 2])
def test_check_9_7_proven_flags_agree_with_the_solver(n0: int) -> None:
    rng = np.random.default_rng(5)
    proven = 0
    for stones in (0, 1, 2, 3, 4) * 4:
        cells = random_position(3, stones, rng)
        search = Search(HashEvaluator(), cells, 1 + stones % 2, SearchSettings(n0=n0, batch=4))
        search.run(Limits(simulations=300))
        for row in every_row(search):
            flag = search.tree.row_proven[row]
            if flag:
                assert flag == exact_value(search.tree.stones[row])
                proven += 1
            known = search.tree.proven_moves(row)
            for move in np.flatnonzero(known):
                assert known[move] == -exact_value(search.tree.stones[row].play(int(move)))
    assert proven > 100


def test_a_small_board_is_proven_and_the_winning_move_is_played() -> None:
    search = Search(HashEvaluator(), empty(3), 1, SearchSettings(n0=0))
    search.run(Limits(simulations=20_000))
    assert search.is_decided
    assert search.value() == 1.0
    winning = Stones.of(empty(3), 1).play(search.best_move())
    assert exact_value(winning) == -1
    assert search.choose(temperature=1.0) == search.best_move()


@pytest.mark.parametrize("n0", [0, 5])
def test_check_9_7_with_exact_v_and_q_the_most_visited_move_wins(n0: int) -> None:
    rng = np.random.default_rng(1)
    won = 0
    for stones in (0, 2, 4, 1, 3) * 4:
        cells = random_position(3, stones, rng)
        position = Stones.of(cells, 1 + stones % 2)
        search = Search(ExactEvaluator(), cells, position.to_move, SearchSettings(n0=n0, batch=1, prove=False))
        search.run(Limits(simulations=40))
        if exact_value(position) > 0:
            assert exact_value(position.play(int(search.visits.argmax()))) == -1
            won += 1
    assert won >= 8


def test_trap_1_a_wrong_sign_of_q_would_show() -> None:
    """With the exact q negated, first-play values and leaves point at the losing moves."""

    class Wrong(ExactEvaluator):
        def evaluate(self, cells: np.ndarray, to_move: np.ndarray) -> object:
            out = super().evaluate(cells, to_move)
            return type(out)(out.prior, out.value, -out.q)

    right, wrong = (
        Search(kind(), empty(3), 1, SearchSettings(n0=50, batch=1, prove=False)) for kind in (ExactEvaluator, Wrong)
    )
    for search in (right, wrong):
        search.run(Limits(simulations=20))
    start = Stones.of(empty(3), 1)
    assert exact_value(start.play(int(right.visits.argmax()))) == -1
    assert exact_value(start.play(int(wrong.visits.argmax()))) == 1
    snapshot = right.snapshot()
    assert snapshot.min_q == 1.0 == snapshot.net_value
    for move in empty_cells(start):
        assert snapshot.q_head[move] == -exact_value(start.play(move))


def test_trap_1_leaves_below_n0_back_up_their_q_as_it_is() -> None:
    evaluator = HashEvaluator()
    search = Search(evaluator, empty(5), 2, SearchSettings(n0=100, batch=1, c_puct=30.0))
    search.run(Limits(simulations=60))
    assert evaluator.positions == 1
    q = evaluator.evaluate(empty(5)[None], np.array([2], np.int8)).q[0]
    values = search.tree.move_values(search.root)
    seen = search.visits > 0
    assert seen.sum() > 5
    np.testing.assert_allclose(values[seen], -q[seen], atol=1e-6)


def test_unvisited_moves_are_tried_in_the_order_of_the_q_head_when_the_prior_says_nothing() -> None:
    search = Search(ExactEvaluator(), empty(3), 1, SearchSettings(n0=0, batch=1, c_puct=0.0))
    search.run(Limits(simulations=1))
    assert exact_value(Stones.of(empty(3), 1).play(int(search.visits.argmax()))) == -1


def test_trap_4_noise_touches_the_root_only_and_comes_from_its_own_generator() -> None:
    def run(seed: int, noise: float) -> Search:
        search = Search(
            HashEvaluator(), empty(5), 1, SearchSettings(n0=0, noise=noise), rng=np.random.default_rng(seed)
        )
        np.random.seed(0)  # noqa: NPY002 - a global seed must have no influence
        search.run(Limits(simulations=200))
        return search

    quiet, one, again, other = run(1, 0.0), run(1, 0.25), run(1, 0.25), run(2, 0.25)
    np.testing.assert_array_equal(one.visits, again.visits)
    assert (one.tree.prior[one.root] != other.tree.prior[other.root]).any()
    np.testing.assert_array_equal(one.tree.clean_prior(one.root), quiet.tree.prior[quiet.root])
    assert one.tree.prior[one.root].sum() == pytest.approx(1, abs=1e-5)
    evaluator = HashEvaluator()
    for row in every_row(one)[1:]:
        board, mover = one.tree.stones[row], one.tree.stones[row].to_move
        cells = np.array([1 if board.black & b else 2 if board.white & b else 0 for b in board.geometry.bit], np.int8)
        expected = evaluator.evaluate(cells.reshape(1, 5, 5), np.array([mover], np.int8)).prior[0]
        np.testing.assert_array_equal(one.tree.prior[row], expected)
    np.testing.assert_array_equal(one.snapshot().prior, quiet.snapshot().prior)


def test_noise_leaves_the_old_root_when_the_game_goes_on() -> None:
    search = Search(HashEvaluator(), empty(5), 1, SearchSettings(n0=0, noise=0.5))
    search.run(Limits(simulations=100))
    old, clean = search.root, search.tree.clean_prior(search.root).copy()
    search.advance(search.best_move())
    np.testing.assert_array_equal(search.tree.prior[old], clean)


@pytest.mark.parametrize("n0", [1, 10, 1000])
def test_trap_5_the_root_is_expanded_before_the_first_simulation(n0: int) -> None:
    evaluator = HashEvaluator()
    search = Search(evaluator, empty(5), 1, SearchSettings(n0=n0))
    search.run(Limits(simulations=1))
    assert evaluator.positions == 1
    assert search.visits.sum() == 1
    assert search.tree.move_values(search.root)[search.visits > 0] != 0.0


def test_trap_11_equal_calls_buy_more_simulations_with_n0() -> None:
    """What an equal-simulation comparison hides; and with few simulations a large n0 expands nothing."""
    patient, eager = (Search(HashEvaluator(), empty(7), 1, SearchSettings(n0=n0)) for n0 in (10, 0))
    for search in (patient, eager):
        search.run(Limits(calls=100))
        assert search.counters.net_calls == 100
    assert eager.counters.simulations == 99
    assert patient.counters.simulations > 5 * eager.counters.simulations
    few = Search(HashEvaluator(), empty(7), 1, SearchSettings(n0=16))
    few.run(Limits(simulations=16))
    assert few.counters.net_calls == 1


def test_check_9_7_virtual_loss_with_batch_1_is_the_sequential_search() -> None:
    """A batch of one counts its visit as a loss and takes it back: nothing may be left of it."""
    once = Search(HashEvaluator(), empty(6), 1, SearchSettings(n0=2, batch=1))
    once.run(Limits(simulations=300))
    stepwise = Search(HashEvaluator(), empty(6), 1, SearchSettings(n0=2, batch=16))
    for _ in range(300):  # one simulation at a time: the batch can never hold a second leaf
        stepwise.run(Limits(simulations=1))
    for one, other in zip(every_row(once), every_row(stepwise), strict=True):
        np.testing.assert_array_equal(once.tree.visits[one], stepwise.tree.visits[other])
        np.testing.assert_array_equal(once.tree.wins[one], stepwise.tree.wins[other])
        np.testing.assert_array_equal(once.tree.score_value[one], stepwise.tree.score_value[other])


@pytest.mark.parametrize("batch", [1, 16])
def test_no_virtual_loss_is_left_after_a_run(batch: int) -> None:
    search = Search(HashEvaluator(), empty(6), 1, SearchSettings(n0=3, batch=batch))
    search.run(Limits(simulations=500))
    tree = search.tree
    for row in every_row(search):
        seen = (tree.visits[row] > 0) & np.isfinite(tree.score_value[row])
        expected = 2 * tree.wins[row][seen] / tree.visits[row][seen] - 1
        np.testing.assert_allclose(tree.score_value[row][seen], expected, atol=1e-6)
        np.testing.assert_allclose(tree.score_prior[row], tree.prior[row] / (1 + tree.visits[row]), rtol=1e-6)


def test_batches_stay_small_while_the_tree_is_young() -> None:
    sizes: list[int] = []
    search = Search(
        HashEvaluator(before=lambda cells: sizes.append(len(cells))),
        empty(9),
        1,
        SearchSettings(n0=0, batch=16),
    )
    search.run(Limits(simulations=300))
    assert sizes[:5] == [1, 1, 1, 1, 1]
    assert sizes[-5:-1] == [16] * 4
    for index, size in enumerate(sizes[1:], start=1):
        assert size <= max(1, sum(sizes[:index]) // 4)


def test_leaves_of_a_batch_are_asked_once_each() -> None:
    def all_differ(cells: np.ndarray) -> None:
        assert len({board.tobytes() for board in cells}) == len(cells)

    search = Search(HashEvaluator(before=all_differ), empty(3), 1, SearchSettings(n0=0, batch=64))
    search.run(Limits(simulations=150))
    assert search.counters.simulations == search.visits.sum()


def test_cancelling_in_the_middle_of_a_batch_leaves_a_sound_tree() -> None:
    asked = 0

    def stop_at_the_tenth(cells: np.ndarray) -> None:
        nonlocal asked
        asked += 1
        if asked == 10:
            raise Cancelled

    search = Search(HashEvaluator(before=stop_at_the_tenth), empty(6), 1, SearchSettings(n0=0, batch=16))
    with pytest.raises(Cancelled):
        search.run(Limits(simulations=1000))
    done = search.counters.simulations
    assert 0 < done == search.visits.sum() < 1000
    twin = Search(HashEvaluator(), empty(6), 1, SearchSettings(n0=0, batch=16))
    twin.run(Limits(simulations=done))
    np.testing.assert_array_equal(search.visits, twin.visits)
    search.run(Limits(simulations=100))
    twin.run(Limits(simulations=100))
    np.testing.assert_array_equal(search.visits, twin.visits)
    np.testing.assert_allclose(search.tree.wins[search.root], twin.tree.wins[twin.root])


def test_check_is_called_for_every_batch_and_ends_the_run() -> None:
    checks = 0

    def check() -> None:
        nonlocal checks
        checks += 1
        if checks == 7:
            raise Cancelled

    search = Search(HashEvaluator(), empty(6), 1, SearchSettings(n0=0, batch=8))
    with pytest.raises(Cancelled):
        search.run(Limits(seconds=60), check=check)
    assert search.counters.simulations <= 5 * 8


def test_a_reused_tree_holds_the_same_values_as_a_fresh_evaluation() -> None:
    evaluator = HashEvaluator()
    search = Search(evaluator, empty(5), 1, SearchSettings(n0=0))
    search.run(Limits(simulations=400))
    move = search.best_move()
    below = int(search.tree.child[search.root, move])
    visits, wins = search.tree.visits[below].copy(), search.tree.wins[below].copy()
    search.advance(move)
    np.testing.assert_array_equal(search.visits, visits)
    np.testing.assert_array_equal(search.tree.wins[search.root], wins)
    cells = empty(5)
    cells.flat[move] = 1
    fresh = Search(HashEvaluator(), cells, 2, SearchSettings(n0=0))
    fresh.run(Limits(simulations=1))
    np.testing.assert_array_equal(search.snapshot().prior, fresh.snapshot().prior)
    assert search.snapshot().net_value == fresh.snapshot().net_value
    before = evaluator.positions
    search.run(Limits(simulations=50))
    assert search.visits.sum() == visits.sum() + 50
    assert evaluator.positions - before <= 50


def test_a_move_that_was_only_a_leaf_becomes_an_expanded_root() -> None:
    search = Search(HashEvaluator(), empty(5), 1, SearchSettings(n0=1000))
    search.run(Limits(simulations=30))
    move, row = int(search.visits.argmax()), search.root
    assert search.tree.child[row, move] == OPEN
    search.advance(move)
    search.run(Limits(simulations=10))
    assert search.visits.sum() == 10
    assert search.tree.child[row, move] == search.root


def test_making_room_keeps_what_is_below_the_root() -> None:
    search = Search(HashEvaluator(), empty(5), 1, SearchSettings(n0=0), memory_bytes=400_000)
    search.run(Limits(simulations=100_000))
    assert search.tree.is_full
    search.advance(search.best_move())
    visits, wins = search.visits, search.tree.wins[search.root].copy()
    lines = search.snapshot().lines
    assert search.make_room()
    assert not search.tree.is_full
    np.testing.assert_array_equal(search.visits, visits)
    np.testing.assert_array_equal(search.tree.wins[search.root], wins)
    assert search.snapshot().lines == lines
    search.run(Limits(simulations=20))
    assert search.visits.sum() == visits.sum() + 20


def test_a_finished_game_is_reported_and_not_searched() -> None:
    cells = empty(3)
    cells[:, 1] = 1
    evaluator = HashEvaluator()
    search = Search(evaluator, cells, 2)
    search.run(Limits(simulations=10))
    assert evaluator.positions == 0
    assert search.snapshot().value == -1.0
    assert search.snapshot().best == -4


def test_an_occupied_cell_is_refused() -> None:
    search = Search(HashEvaluator(), random_position(4, 4, np.random.default_rng(0)), 1)
    taken = next(c for c in range(16) if c not in empty_cells(search.position))
    with pytest.raises(ValueError, match="empty cell"):
        search.advance(taken)


def test_a_run_without_any_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="limit"):
        Search(HashEvaluator(), empty(3), 1).run(Limits())


def test_temperature_follows_the_visits() -> None:
    search = Search(HashEvaluator(), empty(5), 1, SearchSettings(n0=0), rng=np.random.default_rng(3))
    search.run(Limits(simulations=200))
    drawn = np.bincount([search.choose(1.0) for _ in range(4000)], minlength=25) / 4000
    np.testing.assert_allclose(drawn, search.visits / 200, atol=0.04)
    assert {search.choose(0.0) for _ in range(5)} == {search.best_move()}
    assert search.choose(0.01) == search.best_move()


def test_a_snapshot_describes_the_position_completely() -> None:
    cells = random_position(6, 7, np.random.default_rng(2))
    search = Search(HashEvaluator(), cells, 2, SearchSettings(n0=2))
    search.run(Limits(simulations=300))
    shot = search.snapshot(generation=9)
    stones = cells.reshape(-1) != 0
    assert (shot.generation, shot.size, shot.to_move, shot.simulations) == (9, 6, 2, 300)
    assert shot.prior[stones].sum() == 0
    assert shot.prior.sum() == pytest.approx(1, abs=1e-5)
    assert np.isnan(shot.q_head).tolist() == stones.tolist()
    assert np.isnan(shot.search_q).tolist() == (shot.visits == 0).tolist()
    assert shot.min_q == pytest.approx(float(np.nanmax(shot.q_head)))
    assert -1 <= shot.value <= 1
    assert shot.depth >= 2
    assert shot.lines[0][0] == shot.best
    assert len(shot.lines) == (shot.visits > 0).sum()
    for line in shot.lines:
        position = search.position
        for move in line:
            assert move in empty_cells(position)
            position = position.play(move)


def test_the_cache_changes_no_result_for_a_rotation_blind_network() -> None:
    class Blind(HashEvaluator):
        def evaluate(self, cells: np.ndarray, to_move: np.ndarray) -> object:
            first, second = super().evaluate(cells, to_move), super().evaluate(cells[:, ::-1, ::-1], to_move)
            kind = type(first)
            return kind(
                (first.prior + second.prior[:, ::-1]) / 2,
                (first.value + second.value) / 2,
                (first.q + second.q[:, ::-1]) / 2,
            )

    plain = Search(Blind(), empty(4), 1, SearchSettings(n0=0, batch=1))
    cached = Search(Blind(), empty(4), 1, SearchSettings(n0=0, batch=1), cache=EvaluationCache(16, 10_000))
    for search in (plain, cached):
        search.run(Limits(simulations=400))
    np.testing.assert_array_equal(plain.visits, cached.visits)
    assert cached.counters.cache_hits > 50
    assert cached.counters.net_calls + cached.counters.cache_hits == plain.counters.net_calls


def test_a_move_that_lets_the_opponent_win_at_once_is_refuted_without_a_network_call() -> None:
    cells = empty(4)
    cells[1, :3] = 2  # White threatens at d2, and only there
    cells[0, 3] = cells[3, 0] = cells[3, 1] = 1
    stop = 1 * 4 + 3
    evaluator = HashEvaluator()
    search = Search(evaluator, cells, 1, SearchSettings(n0=0, batch=1, c_puct=50.0))
    search.run(Limits(simulations=60))
    known = search.tree.proven_moves(search.root)
    refuted = [move for move in empty_cells(search.position) if search.visits[move] and move != stop]
    assert refuted
    assert (known[refuted] == -1).all()
    assert (search.visits[refuted] == 1).all()
    assert known[stop] != -1 or search.proven
    assert evaluator.positions <= 1 + search.visits[stop]


def test_a_win_in_one_is_seen_before_the_first_simulation() -> None:
    cells = empty(5)
    cells[:4, 2] = 1
    search = Search(HashEvaluator(), cells, 1)
    search.run(Limits(simulations=50))
    assert search.is_decided
    assert search.best_move() in (21, 22)
    assert search.snapshot().value == 1.0
    assert set(np.flatnonzero(search.snapshot().proven == 1).tolist()) == {21, 22}


@settings(max_examples=25, deadline=None)
@given(
    size=st.integers(2, 6),
    stones=st.integers(0, 8),
    seed=st.integers(0, 10_000),
    n0=st.integers(0, 12),
    batch=st.integers(1, 24),
    fpu=st.sampled_from(["q", "parent", "zero"]),
    gumbel=st.booleans(),
    noise=st.sampled_from([0.0, 0.25]),
    has_q=st.booleans(),
)
def test_whatever_the_settings_the_tree_stays_sound(
    size: int, stones: int, seed: int, n0: int, batch: int, fpu: str, gumbel: bool, noise: float, has_q: bool
) -> None:
    stones = min(stones, size * size // 3)
    cells = random_position(size, stones, np.random.default_rng(seed))
    chosen = SearchSettings(n0=n0, batch=batch, fpu=fpu, gumbel=gumbel, noise=noise)
    search = Search(HashEvaluator(has_q=has_q), cells, 1 + stones % 2, chosen, cache=EvaluationCache(size**2, 50))
    for _ in range(4):
        before = int(search.visits.sum())
        search.run(Limits(simulations=60))
        assert search.visits.sum() - before == 60 or search.is_decided
        assert search.counters.net_calls <= search.counters.simulations + 1
        for row in every_row(search):
            tree = search.tree
            visits, wins, child = tree.visits[row], tree.wins[row], tree.child[row]
            assert (wins >= 0).all()
            assert (wins <= visits + 1e-9).all()
            assert (visits[child != OPEN] > 0).all() or tree.row_proven[row]
            assert not visits[[c for c in range(size**2) if c not in empty_cells(tree.stones[row])]].any()
            for move in np.flatnonzero(child >= 0):
                assert tree.row_visits[child[move]] <= visits[move]
        if search.is_decided:
            if size <= 3:
                assert search.proven == exact_value(search.position)
            break
        search.advance(search.best_move())
        if search.is_over:
            break


def test_check_9_7_proven_flags_on_4x4_agree_with_the_exact_solver() -> None:
    solver, rng, compared = Solver(4), np.random.default_rng(11), 0
    for stones in (2, 4, 5, 6, 7):
        cells = random_position(4, stones, rng)
        search = Search(HashEvaluator(), cells, 1 + stones % 2, SearchSettings(n0=2, batch=8))
        search.run(Limits(simulations=1500))
        for row in every_row(search):
            if search.tree.row_proven[row]:
                boards, to_move = to_arrays([search.tree.stones[row]])
                assert search.tree.row_proven[row] == solver.value(boards[0], int(to_move[0]))
                compared += 1
    assert compared > 50
