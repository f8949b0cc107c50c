"""Symmetries, sizes and masks of the networks (paper file, check 9.6 and pitfalls 6 and 10)."""

import numpy as np
import pytest
import torch

from engines.core.errors import UserError
from engines.hex.evaluator import Evaluator
from engines.hex.nets import HexNet, NetConfig, decode, encode


def boards(size: int, count: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    cells = rng.choice([0, 0, 1, 2], (count, size, size)).astype(np.int8)
    cells[:, 0, 0] = 0
    return cells, rng.integers(1, 3, count).astype(np.int8)


def evaluator(average_rotation: bool = False, **config: object) -> Evaluator:
    torch.manual_seed(3)
    net = HexNet(NetConfig(2, 16, **config))
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # untouched statistics would hide mistakes
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    return Evaluator(net, average_rotation=average_rotation)


def test_check_9_6_averaging_over_the_half_turn_makes_the_network_turn_exactly() -> None:
    cells, mover = boards(5)
    net = evaluator(average_rotation=True)
    plain, turned = net.evaluate(cells, mover), net.evaluate(cells[:, ::-1, ::-1], mover)
    np.testing.assert_allclose(plain.prior, turned.prior[:, ::-1], atol=1e-6)
    np.testing.assert_allclose(plain.value, turned.value, atol=1e-6)
    np.testing.assert_allclose(plain.q, turned.q[:, ::-1], atol=1e-6)


@pytest.mark.parametrize("head_kind", ["pooled", "fc"])
def test_check_9_6_the_canonical_view_makes_transpose_and_swap_a_symmetry(head_kind: str) -> None:
    cells, mover = boards(5)
    net = evaluator(head_kind=head_kind, size=5 if head_kind == "fc" else 0)
    mirrored = np.where(cells > 0, 3 - cells, 0).transpose(0, 2, 1).astype(np.int8)
    plain, other = net.evaluate(cells, mover), net.evaluate(mirrored, (3 - mover).astype(np.int8))
    np.testing.assert_allclose(plain.value, other.value, atol=1e-5)
    back = other.q.reshape(-1, 5, 5).transpose(0, 2, 1).reshape(-1, 25)
    np.testing.assert_allclose(plain.q, back, atol=1e-5)


def test_without_the_canonical_view_colours_are_not_interchangeable() -> None:
    cells, mover = boards(5)
    net = evaluator(canonical=False)
    mirrored = np.where(cells > 0, 3 - cells, 0).transpose(0, 2, 1).astype(np.int8)
    gap = net.evaluate(cells, mover).value - net.evaluate(mirrored, (3 - mover).astype(np.int8)).value
    assert np.abs(gap).max() > 1e-3


@pytest.mark.parametrize("canonical", [True, False])
def test_pitfall_6_what_is_encoded_decodes_to_the_same_cells(canonical: bool) -> None:
    cells, mover = boards(4)
    planes, _ = encode(torch.as_tensor(cells), torch.as_tensor(mover), canonical=canonical, n_max=6)
    empty = decode(planes[:, 2, 1:-1, 1:-1], torch.as_tensor(mover), 4, canonical=canonical)
    np.testing.assert_array_equal(empty.numpy().reshape(-1, 4, 4), cells == 0)


def test_pitfall_7_planes_and_outputs_are_row_major() -> None:
    cells = np.zeros((1, 3, 3), np.int8)
    cells[0, 0, 1] = 1  # b1
    planes, _ = encode(torch.as_tensor(cells), torch.tensor([1], dtype=torch.int8), canonical=False)
    assert planes[0, 0, 1:-1, 1:-1].flatten().tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("canonical", [True, False])
def test_a_padded_board_is_evaluated_like_the_board_alone(canonical: bool) -> None:
    cells, mover = boards(4)
    net = evaluator(canonical=canonical).net
    alone, mask = encode(torch.as_tensor(cells), torch.as_tensor(mover), canonical=canonical)
    with torch.inference_mode():
        plain = net(alone)
        padded, mask = encode(torch.as_tensor(cells), torch.as_tensor(mover), canonical=canonical, n_max=7)
        wide = net(padded, mask)
    np.testing.assert_allclose(plain.value, wide.value, atol=1e-5)
    inner = wide.q.view(-1, 7, 7)[:, :4, :4].reshape(-1, 16)
    np.testing.assert_allclose(plain.q, inner, atol=1e-5)


def test_one_network_plays_every_size() -> None:
    net = evaluator()
    for size in range(3, 20):
        cells, mover = boards(size, 2)
        out = net.evaluate(cells, mover)
        assert out.prior.shape == (2, size**2)
        np.testing.assert_allclose(out.prior.sum(1), 1, atol=1e-5)
        assert (out.prior[cells.reshape(2, -1) != 0] == 0).all()
        assert (out.q[cells.reshape(2, -1) != 0] == 1).all()


def test_pitfall_10_fully_connected_heads_refuse_another_size_politely() -> None:
    net = evaluator(head_kind="fc", size=5)
    with pytest.raises(UserError, match="5×5"):
        net.evaluate(*boards(6))


def test_two_heads_have_no_q() -> None:
    net = evaluator(heads="two")
    assert not net.has_q
    assert net.evaluate(*boards(5)).q is None


def test_a_batch_that_does_not_fit_goes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    net = evaluator()
    cells, mover = boards(5)
    whole, once, seen = net.evaluate(cells, mover), net._once, []

    def small(boards: torch.Tensor, movers: torch.Tensor) -> object:
        if len(boards) > 4:
            raise RuntimeError("CUDA out of memory")
        seen.append(len(boards))
        return once(boards, movers)

    monkeypatch.setattr(net, "_once", small)
    parts = net.evaluate(cells, mover)
    assert seen == [3, 3, 3, 3]
    np.testing.assert_allclose(parts.prior, whole.prior, atol=1e-6)
    np.testing.assert_allclose(parts.q, whole.q, atol=1e-6)
