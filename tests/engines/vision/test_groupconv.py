"""Exactness of group convolutions and their filter bank (paper file 02, checks 9.1, 9.2 and its pitfalls)."""

import copy
import itertools

import pytest
import torch
from torch import Tensor, nn

from engines.vision.nets.groupconv import (
    GroupBatchNorm,
    GroupPool,
    InvariantHead,
    P4Conv,
    P4Lift,
    P4MConv,
    P4MLift,
    act,
    act_features,
    inverse,
    product,
)
from engines.vision.nets.zoo import ImageNet, build


def images(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def network(kind: str, dtype: torch.dtype = torch.float64, **config: object) -> ImageNet:
    net = build({"kind": kind, **config}, seed=1).to(dtype).eval()
    with torch.random.fork_rng():
        torch.manual_seed(2)
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):  # untouched statistics would hide mistakes
                module.running_mean.uniform_(-0.3, 0.3)
                module.running_var.uniform_(0.5, 1.5)
    return net


def residual(net: ImageNet, x: Tensor, g: int) -> float:
    """How far the features of the acted-on image are from the acted-on features."""
    with torch.no_grad():
        return float((net.features(act(x, g)) - act_features(net.features(x), g)).abs().max())


def invariance(net: ImageNet, x: Tensor, g: int) -> float:
    with torch.no_grad():
        return float((net(act(x, g)) - net(x)).abs().max())


def test_the_elements_form_a_group() -> None:
    square = images(1, 1, 5, 5)
    for g, h in itertools.product(range(8), repeat=2):
        assert torch.equal(act(act(square, h), g), act(square, product(g, h)))
    for g in range(8):
        assert product(g, inverse(g)) == product(inverse(g), g) == 0
    assert len({tuple(act(square, g).flatten().tolist()) for g in range(8)}) == 8


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_9_1_features_of_the_p4_stack_turn_with_the_image(dtype: torch.dtype, bound: float, turns: int) -> None:
    net = network("gcnn", dtype, width=0.5)
    assert residual(net, images(4, 1, 28, 28, dtype=dtype), turns) <= bound


def test_9_1_every_stage_is_equivariant_and_not_constant() -> None:
    net, x = network("gcnn", width=0.5), images(2, 1, 28, 28)
    for stage in net.stages:
        with torch.no_grad():
            plain, turned = net.features(x, stage), net.features(act(x, 1), stage)
        assert float((turned - act_features(plain, 1)).abs().max()) <= 1e-12
        assert float(plain.std()) > 1e-3
        # The pitfall: with the roll the wrong way round, 180° passes and 90° does not.
        wrong = torch.rot90(plain, 1, (-2, -1)).roll(-1, 2)
        assert float((turned - wrong).abs().max()) > 1e-3


def test_9_1_a_turn_of_the_features_is_a_turn_of_the_maps_and_a_roll_of_the_group() -> None:
    features = images(2, 3, 4, 6, 6)
    assert torch.equal(act_features(features, 1), torch.rot90(features, 1, (-2, -1)).roll(1, 2))


@pytest.mark.parametrize("size", [4, 8])
def test_9_1_acting_twice_is_acting_by_the_product(size: int) -> None:
    features = images(2, 3, size, 6, 6)
    for g, h in itertools.product(range(size), repeat=2):
        assert torch.equal(act_features(act_features(features, h), g), act_features(features, product(g, h)))
    assert torch.equal(act_features(act_features(features, 1), 1), act_features(features, 2))


@pytest.mark.parametrize("g", range(8))
def test_9_1_p4m_features_follow_all_eight_elements(g: int) -> None:
    assert residual(network("p4m-gcnn", width=0.3), images(2, 1, 28, 28), g) <= 1e-12
    assert residual(network("p4m-resnet", widths=[2, 3, 4]), images(2, 3, 32, 32), g) <= 1e-12


def test_9_1_an_invariant_head_ignores_the_group_and_a_flattened_one_does_not() -> None:
    x = images(4, 1, 28, 28, dtype=torch.float32)
    pooled, flat = network("gcnn", torch.float32, invariant=True), network("gcnn", torch.float32)
    for turns in (1, 2, 3):
        assert invariance(pooled, x, turns) <= 1e-6
        assert invariance(flat, x, turns) > 1e-3
    colour = images(2, 3, 32, 32, dtype=torch.float32)
    for g in range(1, 8):
        assert invariance(network("p4m-resnet", torch.float32, widths=[2, 3, 4]), colour, g) <= 1e-6


@pytest.mark.parametrize("how", ["mean", "max"])
def test_9_1_both_ways_of_pooling_the_group_are_invariant(how: str) -> None:
    head, features = InvariantHead(3, 5, how).double(), images(2, 3, 8, 6, 6)
    for g in range(8):
        torch.testing.assert_close(head(act_features(features, g)), head(features), atol=1e-12, rtol=0)


def test_9_2_a_lifted_channel_is_the_turned_first_channel_of_the_image_turned_back() -> None:
    for lift, size in ((P4Lift(2, 3, 3), 4), (P4MLift(2, 3, 3), 8)):
        lift = lift.double()
        x = images(2, 2, 9, 9)
        whole = lift(x)
        for g in range(size):
            expected = act(lift(act(x, inverse(g)))[:, :, 0], g)
            torch.testing.assert_close(whole[:, :, g], expected, atol=1e-6, rtol=0)


def test_pitfall_pooling_an_odd_size_breaks_equivariance_by_much() -> None:
    net = network("gcnn", width=0.5)
    assert residual(net, images(2, 1, 28, 28), 1) <= 1e-12
    odd = network("gcnn", width=0.5, input_shape=[1, 29, 29])
    assert residual(odd, images(2, 1, 29, 29), 1) > 1e-3


def test_batch_norm_shares_its_statistics_over_the_group() -> None:
    norm, x = GroupBatchNorm(3).double(), images(4, 3, 4, 5, 5)
    out = norm(x)
    torch.testing.assert_close(out.mean((0, 2, 3, 4)), torch.zeros(3, dtype=torch.float64), atol=1e-9, rtol=0)
    torch.testing.assert_close(norm(act_features(x, 1)), act_features(out, 1), atol=1e-9, rtol=0)
    assert norm.running_mean.shape == (3,)


@pytest.mark.parametrize("mean", [False, True])
def test_pooling_commutes_with_the_group(mean: bool) -> None:
    pool, x = GroupPool(2, mean=mean), images(2, 3, 8, 6, 6)
    for g in range(8):
        torch.testing.assert_close(pool(act_features(x, g)), act_features(pool(x), g))


@pytest.mark.parametrize(("layer", "group"), [(P4Conv(2, 3, 3), 4), (P4MConv(2, 3, 3), 8)])
def test_gradients_reach_the_shared_weight(layer: P4Conv, group: int) -> None:
    layer = layer.double()
    x = images(2, 2, group, 5, 5)
    layer(x).square().sum().backward()
    with torch.no_grad():
        step = torch.zeros_like(layer.weight)
        step[1, 0, 1, 2, 0] = 1e-6
        before = layer(x).square().sum()
        layer.weight += step
        after = layer(x).square().sum()
    assert float((after - before) / 1e-6) == pytest.approx(float(layer.weight.grad[1, 0, 1, 2, 0]), rel=1e-3)


class TestTheFilterBank:
    def test_is_kept_in_eval_mode_with_frozen_weights(self) -> None:
        layer = P4Conv(2, 3, 3).eval().requires_grad_(False)
        assert layer.bank()[0] is layer.bank()[0]

    def test_is_made_anew_while_training(self) -> None:
        layer = P4Conv(2, 3, 3)
        assert layer.bank()[0] is not layer.bank()[0]
        assert layer.bank()[0].requires_grad

    def test_gives_gradients_to_trainable_weights_even_in_eval_mode(self) -> None:
        layer, x = P4Conv(2, 3, 3).eval(), images(1, 2, 4, 5, 5, dtype=torch.float32)
        with torch.no_grad():
            layer(x)  # fills the cache
        layer(x).sum().backward()
        assert layer.weight.grad is not None and float(layer.weight.grad.abs().sum()) > 0

    @pytest.mark.parametrize("change", ["in place", "load", "double", "train"])
    def test_follows_every_change_of_the_weights(self, change: str) -> None:
        layer, x = P4Conv(2, 3, 3).eval().requires_grad_(False), images(1, 2, 4, 5, 5, dtype=torch.float32)
        before = layer(x)
        if change == "in place":
            layer.weight.mul_(2)
            layer.bias.mul_(2)
        elif change == "load":
            layer.load_state_dict({name: 2 * t for name, t in layer.state_dict().items()})
        elif change == "double":
            layer.weight.data, layer.bias.data = 2 * layer.weight.data, 2 * layer.bias.data
        else:
            layer.train()
            layer.weight.data *= 2
            layer.bias.data *= 2
            layer.eval()
        torch.testing.assert_close(layer(x), 2 * before)

    def test_filled_in_inference_mode_serves_an_attack_later(self) -> None:
        layer = P4Conv(2, 3, 3).eval().requires_grad_(False)
        x = images(1, 2, 4, 5, 5, dtype=torch.float32)
        with torch.inference_mode():
            layer(x)
        x = x.clone().requires_grad_()
        layer(x).sum().backward()
        assert float(x.grad.abs().sum()) > 0

    def test_does_not_travel_with_a_copy(self) -> None:
        layer = P4Conv(2, 3, 3).eval().requires_grad_(False)
        layer.bank()
        twin = copy.deepcopy(layer)
        assert twin._cached is None
        assert list(twin.state_dict()) == ["weight", "bias"]
