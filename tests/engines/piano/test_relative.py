"""Paper file 08: checks 4 and 6; 2.5's quirk of the encoder."""

from __future__ import annotations

import math

import pytest
import torch

from engines.piano.nets.relative import (
    BLOCK,
    CrossAttention,
    RelativeAttention,
    causal_scores,
    two_sided_scores,
)

torch.manual_seed(0)


def rand(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("length", "reach", "last"), [(7, 12, 7), (12, 5, 12), (12, 5, 3), (9, 9, 1), (6, 1, 6)])
def test_check_4_the_skew_is_an_explicit_gather(length: int, reach: int, last: int) -> None:
    q, table = rand(2, 3, last, 4), rand(2, reach, 4, seed=1)
    got = causal_scores(q, table, length)
    for row in range(last):
        i = length - last + row
        for j in range(i + 1):
            r = i - j
            wanted = (q[:, :, row] * table[:, None, r]).sum(-1) if r < reach else torch.zeros(2, 3)
            assert torch.allclose(got[:, :, row, j], wanted, atol=1e-6)


def test_check_4_the_example_of_four_positions() -> None:
    s = torch.tensor([[10.0 * i + m for m in range(4)] for i in range(4)])
    # One-hot queries and tables make the product S itself: query i has S's row i, table row r is column 3 - r.
    table = torch.eye(4).flip(0)[None]
    got = causal_scores(s[None, None], table, 4)[0, 0]
    assert got[0, 0] == 3
    assert got[1, :2].tolist() == [12, 13]
    assert got[2, :3].tolist() == [21, 22, 23]
    assert got[3].tolist() == [30, 31, 32, 33]


def test_check_4_logits_beyond_the_last_distance_know_content_only() -> None:
    q, table = rand(1, 1, 20, 4), rand(1, 6, 4, seed=1)
    far = torch.ones(20, 20, dtype=torch.bool).tril(-6)
    assert (causal_scores(q, table, 20)[0, 0][far] == 0).all()
    assert (causal_scores(q, 5 * table, 20)[0, 0][far] == 0).all()


@pytest.mark.parametrize(("length", "reach"), [(1, 4), (2, 4), (7, 12), (12, 5), (12, 1)])
def test_the_two_sided_skew_is_an_explicit_gather(length: int, reach: int) -> None:
    q, table = rand(2, 3, length, 4), rand(2, 2 * reach - 1, 4, seed=1)
    got = two_sided_scores(q, table)
    assert got.shape == (2, 3, length, length)
    for i in range(length):
        for j in range(length):
            r = i - j
            known = abs(r) < reach
            wanted = (q[:, :, i] * table[:, None, reach - 1 + r]).sum(-1) if known else torch.zeros(2, 3)
            assert torch.allclose(got[:, :, i, j], wanted, atol=1e-6)


def test_the_spill_of_the_reference_code_is_the_next_rows_values() -> None:
    length = 6
    q, table = rand(1, 1, length, 4), rand(1, length, 4, seed=1)
    got = causal_scores(q, table, length)[0, 0]
    unskewed = q[0, 0] @ table[0].flip(0).mT  # column m: distance length - 1 - m
    for i in range(length - 1):
        assert got[i, i + 1] == 0
        for j in range(i + 2, length):
            assert torch.isclose(got[i, j], unskewed[i + 1, j - i - 2], atol=1e-6)


def explicit(layer: RelativeAttention, x: torch.Tensor) -> torch.Tensor:
    """Causal attention as the formula has it."""
    p = layer.projections
    q, k, v = p.split(p.q(x)), p.split(p.k(x)), p.split(p.v(x))
    length, c = x.shape[1], q.shape[-1]
    scores = torch.full((p.heads, x.shape[0], length, length), -math.inf)
    for i in range(length):
        for j in range(i + 1):
            e = layer.table[:, None, i - j] if i - j < layer.table.shape[1] else torch.zeros(p.heads, 1, c)
            scores[:, :, i, j] = (q[:, :, i] * (k[:, :, j] + e)).sum(-1) / math.sqrt(c)
    return p.join(scores.softmax(-1) @ v)


@pytest.mark.parametrize("length", [5, BLOCK + 9])
def test_blocks_of_queries_give_the_attention_of_the_formula(length: int) -> None:
    layer = RelativeAttention(8, 2, 12, 20, 0.0, "causal")
    x = rand(2, length, 8)
    with torch.no_grad():
        assert torch.allclose(layer(x), explicit(layer, x), atol=1e-5)


@pytest.mark.parametrize("manner", ["two-sided", "spill", "none"])
def test_an_encoders_attention_sees_later_keys_and_not_masked_ones(manner: str) -> None:
    layer = RelativeAttention(8, 2, 8, 4, 0.0, manner)
    x = rand(1, 10, 8)
    mask = torch.arange(10)[None] < 7
    later, hidden = x.clone(), x.clone()
    later[0, 6] += 1
    hidden[0, 9] += 1
    with torch.no_grad():
        assert not torch.allclose(layer(x, mask)[0, 0], layer(later, mask)[0, 0])
        assert torch.equal(layer(x, mask)[0, 0], layer(hidden, mask)[0, 0])


def test_an_unknown_manner_is_refused() -> None:
    with pytest.raises(ValueError, match="two-sided"):
        RelativeAttention(8, 2, 8, 4, 0.0, "left")


def test_check_6_attention_to_one_slot_is_a_constant() -> None:
    layer = CrossAttention(8, 2, 12, 6, 0.0)
    x, z = rand(2, 5, 8), rand(2, 1, 6, seed=1)
    with torch.no_grad():
        full = layer.attend(x, *layer.keys_values(z))
        assert torch.allclose(full, layer.constant(z).expand(2, 5, 8), atol=1e-6)
        assert torch.equal(layer(x, z), layer.constant(z))
        assert (layer(x, torch.zeros(2, 1, 6)) == 0).all()


def test_check_7_a_stop_slot_has_logit_zero_and_value_zero() -> None:
    layer = CrossAttention(8, 2, 8, 8, 0.0)
    p = layer.projections
    memory = torch.cat([rand(1, 3, 8, seed=2), torch.zeros(1, 1, 8)], 1)
    k, v = layer.keys_values(memory)
    q = p.split(p.q(rand(1, 5, 8)))
    assert ((q @ k.mT)[..., 3] == 0).all()
    assert (v[:, :, 3] == 0).all()
