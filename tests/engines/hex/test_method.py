"""The three-head loss against its closed forms (paper file, checks 9.4 and 9.5)."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.hex.method import STONE, average_duplicates, distance, tabular_q_optimum, three_head_loss

PI = np.array([0.6, 0.3, 0.08, 0.02, 0.0, 0.0])
WIN = np.array([0.6, 0.55, 0.3, 0.1, 0.5, 0.2])


def one(q: torch.Tensor, value: float, z: float, action: int = 0, stones: list[bool] | None = None, **lam: float):
    cells = q.shape[0]
    mask = torch.tensor([stones or [False] * cells])
    legal = (~mask).float()
    return three_head_loss(
        torch.zeros(1, cells),
        torch.tensor([value]),
        q.unsqueeze(0),
        stones=mask,
        pi=legal / legal.sum(),
        action=torch.tensor([action]),
        z=torch.tensor([z]),
        **lam,
    )


def test_check_9_4_the_tabular_optimum_has_the_published_numbers() -> None:
    optimum = tabular_q_optimum(PI, WIN)
    assert (PI * (1 - WIN)).sum() == pytest.approx(0.449, abs=5e-4)
    np.testing.assert_allclose(optimum, [-0.0669, 0.1196, 0.6900, 0.9578, 1, 1], atol=5e-5)


def test_check_9_4_gradient_descent_on_the_loss_finds_the_tabular_optimum() -> None:
    q = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    cases = [(a, z, PI[a] * (WIN[a] if z > 0 else 1 - WIN[a])) for a in range(6) for z in (1.0, -1.0) if PI[a] > 0]
    action = torch.tensor([a for a, _, _ in cases])
    z = torch.tensor([z for _, z, _ in cases], dtype=torch.float64)
    share = torch.tensor([p for _, _, p in cases], dtype=torch.float64)
    rows = len(cases)
    optimiser = torch.optim.SGD([q], lr=0.4)
    for _ in range(4000):
        total = q.new_zeros(())
        for i in range(rows):
            terms = three_head_loss(
                torch.zeros(1, 6, dtype=torch.float64),
                torch.zeros(1, dtype=torch.float64),
                q.unsqueeze(0),
                stones=torch.zeros(1, 6, dtype=torch.bool),
                pi=torch.full((1, 6), 1 / 6, dtype=torch.float64),
                action=action[i : i + 1],
                z=z[i : i + 1],
                lam_v=0.0,
                lam_pen=0.0,
            )
            total = total + share[i] * (terms.total - terms.policy)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        if float(q.grad.abs().max()) < 1e-9:
            break
    np.testing.assert_allclose(q.detach().numpy(), tabular_q_optimum(PI, WIN), atol=1e-6)


def test_check_9_4_a_move_that_is_never_played_is_damned_whatever_it_is_worth() -> None:
    for win in (0.0, 0.5, 1.0):
        assert tabular_q_optimum(np.array([1.0, 0.0]), np.array([0.5, win]))[1] == 1.0


def test_check_9_5_a_lost_position_seen_as_lost_costs_nothing() -> None:
    terms = one(torch.ones(9), -1.0, -1.0)
    assert float(terms.total - terms.policy) == 0.0


@pytest.mark.parametrize("z", [0.0, 0.5, 1.0])
def test_check_9_5_the_and_term_has_no_gradient_where_the_mover_did_not_lose(z: float) -> None:
    q = torch.linspace(-0.9, 0.9, 9, requires_grad=True)
    one(q, 0.3, z, lam_q=0.0, lam_pen=0.0).total.backward()
    assert float(q.grad.abs().max()) == 0.0


def test_check_9_5_q_on_stones_gets_no_gradient() -> None:
    stones = [True, False, True, False, False, True, False, False, False]
    q = torch.linspace(-0.9, 0.9, 9, requires_grad=True)
    one(q, -0.3, -1.0, action=1, stones=stones).total.backward()
    assert float(q.grad[torch.tensor(stones)].abs().max()) == 0.0
    assert float(q.grad[~torch.tensor(stones)].abs().min()) > 0.0


def test_pitfall_2_a_stone_never_wins_the_minimum() -> None:
    """Lost position: every legal q is +1 and a stone's q is -1. The official fill (+1) would see 0 there."""
    q = torch.ones(4)
    q[2] = -1.0
    terms = one(q, -1.0, -1.0, stones=[False, False, True, False])
    assert float(terms.penalty) == 0.0
    assert STONE - 1 >= 2 - 1e-9


def test_pitfall_2_the_and_mean_divides_by_the_empty_cells() -> None:
    q = torch.tensor([1.0, 1.0, 1.0, 0.0])
    assert float(one(q, -1.0, -1.0, lam_q=0).all_q) == pytest.approx(1 / 4)
    assert float(one(q, -1.0, -1.0, lam_q=0, stones=[True, False, False, False], action=1).all_q) == pytest.approx(
        1 / 3
    )


def test_pitfall_3_stones_take_no_part_in_the_policy_loss() -> None:
    logits = torch.tensor([[50.0, 0.0, 0.0]])
    terms = three_head_loss(
        logits,
        torch.zeros(1),
        None,
        stones=torch.tensor([[True, False, False]]),
        pi=torch.tensor([[0.0, 0.5, 0.5]]),
        action=torch.tensor([1]),
        z=torch.zeros(1),
    )
    assert float(terms.policy) == pytest.approx(np.log(2))


def test_each_lambda_switches_its_term_off() -> None:
    q, off = torch.linspace(-0.9, 0.9, 9), {"lam_v": 0.0, "lam_q": 0.0, "lam_all": 0.0, "lam_pen": 0.0}
    assert float(one(q, 0.4, -1.0, **off).total) == pytest.approx(np.log(9))
    for name, field in zip(off, ("value", "q", "all_q", "penalty"), strict=True):
        terms = one(q, 0.4, -1.0, **{**off, name: 1.0})
        assert float(terms.total) == pytest.approx(np.log(9) + float(getattr(terms, field)), abs=1e-6)
        assert float(getattr(terms, field)) > 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([-1.0, 1.0])), min_size=1, max_size=40))
def test_merging_keeps_the_first_of_each_board_and_averages_results(rows: list[tuple[int, float]]) -> None:
    boards = np.array([[number, 1] for number, _ in rows], np.int8)
    z = np.array([result for _, result in rows], np.float32)
    kept, mean, lost = average_duplicates(boards, z)
    numbers = [number for number, _ in rows]
    assert kept.tolist() == sorted({numbers.index(n) for n in numbers})
    for place, m, share in zip(kept, mean, lost, strict=True):
        same = z[boards[:, 0] == numbers[place]]
        assert m == pytest.approx(same.mean(), abs=1e-6)
        assert share == pytest.approx((same < 0).mean(), abs=1e-6)


def test_exact_values_are_the_target_of_every_q_and_leave_nothing_to_the_and_term() -> None:
    """Two boards of 2×2, one solved; the terms by hand."""
    q = torch.tensor([[0.5, -0.5, 0.0, 0.2], [0.1, 0.2, 0.3, 0.4]])
    stones = torch.tensor([[False, False, True, False], [False, False, False, True]])
    exact = torch.tensor([[1, -1, 0, -1], [0, 0, 0, 0]], dtype=torch.int8)
    terms = three_head_loss(
        torch.zeros(2, 4), torch.zeros(2), q, stones=stones, pi=torch.eye(4)[[0, 1]], action=torch.tensor([1, 1]),
        z=torch.tensor([-1.0, -1.0]), exact=exact,
    )  # fmt: skip
    solved = ((1 + 0.5) ** 2 + (-1 - 0.5) ** 2 + (-1 + 0.2) ** 2) / 3
    played = (-1 + 0.2) ** 2
    assert terms.q.item() == pytest.approx((solved + played) / 2, rel=1e-6)
    rest = ((-1 + 0.1) ** 2 + (-1 + 0.2) ** 2 + (-1 + 0.3) ** 2) / 3
    assert terms.all_q.item() == pytest.approx(rest / 2, rel=1e-6)
    perfect = three_head_loss(
        torch.zeros(2, 4), torch.zeros(2), -exact.float(), stones=stones, pi=torch.eye(4)[[0, 1]],
        action=torch.tensor([1, 1]), z=torch.tensor([1.0, 0.0]), exact=exact,
    )  # fmt: skip
    assert perfect.q.item() == 0


def test_the_distance_to_a_teacher_is_zero_only_for_its_own_outputs() -> None:
    generator = torch.Generator().manual_seed(4)
    logits, other = (torch.randn(3, 9, generator=generator) for _ in range(2))
    q, value = torch.rand(3, 9, generator=generator), torch.rand(3, generator=generator)
    stones = torch.rand(3, 9, generator=generator) < 0.4
    assert distance(logits, value, q, logits, value, q, stones).item() == pytest.approx(0, abs=1e-7)
    junk = torch.where(stones, torch.full_like(q, 5.0), q)  # what heads say of stones is nobody's business
    assert distance(logits, value, junk, logits, value, q, stones).item() == pytest.approx(0, abs=1e-7)
    shifted = distance(logits, value + 0.5, q + 0.5, logits, value, q, stones)
    assert shifted.item() == pytest.approx(0.5, rel=1e-5)
    p, t = (torch.softmax(x.masked_fill(stones, -torch.inf), 1) for x in (logits, other))
    kl = torch.where(stones, 0.0, t * (t.clamp(min=1e-30).log() - p.clamp(min=1e-30).log())).sum(1).mean()
    assert distance(logits, value, None, other, value, q, stones).item() == pytest.approx(kl.item(), rel=1e-4)
