"""Inner maximisation, training loss and the losses of the attacks, against what can be known exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engines.asymmetric.fit import Fit, FitSettings, Pools, attack_each
from engines.asymmetric.method import (
    Ascent,
    classifier_loss,
    combined_cw_loss,
    combined_loss,
    detector_loss,
    generative,
    integrated,
    maximise,
    project,
    training_loss,
)
from engines.core.errors import UserError
from engines.vision.nets.detectors import Detectors
from engines.vision.nets.zoo import ImageNet, build


def bank(seed: int = 0, classes: int = 3) -> ImageNet:
    return build(
        {"kind": "detectors", "filters": [], "hidden": [16], "input_shape": [1, 6, 6], "classes": classes}, seed=seed
    )


def images(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 1, 6, 6, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("optimiser", ["normgrad", "adam"])
def test_9_2_a_linear_detectors_inner_maximum_is_exact_in_l_inf(optimiser: str) -> None:
    generator = torch.Generator().manual_seed(1)
    w, x = torch.randn(20, generator=generator), 0.4 + 0.2 * torch.rand(5, 20, generator=generator)
    found = maximise(lambda v: v @ w + 0.3, x, Ascent(0.1, 40, 0.01, "linf", optimiser))
    assert torch.allclose(found @ w + 0.3, x @ w + 0.3 + 0.1 * w.abs().sum(), atol=1e-5)


def test_9_2_a_linear_detectors_inner_maximum_is_exact_in_l2() -> None:
    generator = torch.Generator().manual_seed(2)
    w, x = torch.randn(20, generator=generator), 0.4 + 0.2 * torch.rand(5, 20, generator=generator)
    found = maximise(lambda v: v @ w, x, Ascent(0.15, 40, 0.01, "l2", "normgrad"))
    assert torch.allclose(found @ w, x @ w + 0.15 * w.norm(), atol=1e-5)


def test_9_3_eps_0_is_ordinary_one_vs_rest_training() -> None:
    net, x = bank(), images(40)
    y = np.arange(40) % 3
    still = Ascent(0.0, 10, 0.01, random_start=True)
    fit = Fit(net, FitSettings(still, still, 1, 1, positives=4, negatives=6), x, y, (x, y), seed=3)
    twin = bank()
    pools = Pools(y, 3, np.random.default_rng(3))
    positive, negative = x[pools.draw(4, positive=True)], x[pools.draw(6, positive=False)]
    fit.update()
    loss = torch.zeros(())
    for k in range(3):  # each detector by itself, with the library's cross-entropy
        z = twin.each(torch.cat([positive, negative], 1))[k]
        loss = loss + F.binary_cross_entropy_with_logits(z, torch.tensor([1.0] * 4 + [0.0] * 6))
    loss.backward()
    for ours, plain in zip(net.parameters(), twin.parameters(), strict=True):
        assert ours.grad is not None and plain.grad is not None
        assert torch.allclose(ours.grad, plain.grad, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["linf", "l2"]), st.sampled_from(["adam", "normgrad"]), st.floats(0, 2), st.floats(0.001, 3),
    st.booleans(), st.integers(0, 10_000),
)  # fmt: skip
def test_9_4_perturbations_stay_in_ball_and_box(
    norm: str, optimiser: str, eps: float, step: float, random_start: bool, seed: int
) -> None:
    net, x = bank(seed % 7), images(4, seed)
    x[0], x[1] = 0.0, 1.0  # corners of the box
    plan = Ascent(eps, 4, step, norm, optimiser, random_start)
    for count in (0, 4):
        generator = torch.Generator().manual_seed(seed)
        found = maximise(lambda v: net(v)[:, 0], x, replace(plan, steps=count), generator=generator)
        delta = (found - x).flatten(1)
        size = delta.abs().amax(1) if norm == "linf" else delta.norm(dim=1)
        assert float(size.max()) <= eps + 1e-6
        assert float(found.min()) >= -1e-6 and float(found.max()) <= 1 + 1e-6


def test_9_5_loss_13_is_9_or_10_image_by_image_and_so_are_its_gradients() -> None:
    generator = torch.Generator().manual_seed(4)
    f, z = (torch.randn(50, 5, generator=generator, requires_grad=True) for _ in range(2))
    y = torch.randint(5, (50,), generator=generator)
    loss = combined_loss(f, z, y)
    right = f.argmax(1) == y
    assert right.any() and not right.all()
    assert torch.equal(loss, torch.where(right, classifier_loss(f, y), detector_loss(z, y)))
    df, dz = torch.autograd.grad(loss.sum(), (f, z))
    (plain_f,) = torch.autograd.grad(classifier_loss(f, y)[right].sum(), f)
    (plain_z,) = torch.autograd.grad(detector_loss(z, y)[~right].sum(), z)
    assert torch.equal(df, plain_f) and torch.equal(dz, plain_z)


def test_losses_by_hand() -> None:
    f, z, y = torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([[9.0, -4.0, -1.0]]), torch.tensor([0])
    assert float(classifier_loss(f, y)) == 1.0
    assert float(detector_loss(z, y)) == 1.0
    assert float(combined_cw_loss(f, z, y)) == max(3.0, (1 + 1) * 3.0) - 2.0  # (12): the rejection class leads


def test_9_6_the_attacked_loss_without_the_constraint_bounds_the_one_with_it() -> None:
    """The bound of section 2, image by image: our ascent ignores f and must reach at least what an exhaustive search of
    the ball finds among the points that f gives to the detector's class."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        detector = Detectors((1, 1, 2), 1, (), (16, 16))
        for weight in detector.weights:
            weight.data *= 2.0
    line = torch.tensor([0.8, -0.6])  # f says k on one side of a line through the middle
    x = torch.rand(25, 2, generator=torch.Generator().manual_seed(6))
    plan = Ascent(0.2, 200, 0.005, "linf", "normgrad", random_start=True)
    generator = torch.Generator().manual_seed(0)
    tries = [maximise(lambda v: detector(v)[:, 0], x, plan, generator=generator) for _ in range(8)]
    axis = torch.linspace(-0.2, 0.2, 81)
    ball = torch.cartesian_prod(axis, axis)
    points = (x[:, None] + ball).clamp(0, 1)  # [image, point, 2]
    with torch.no_grad():
        free = torch.stack([F.softplus(detector(found)[:, 0]) for found in tries]).amax(0)
        everywhere = F.softplus(detector(points.reshape(-1, 2))[:, 0]).reshape(len(x), -1)
    allowed = (points - 0.5) @ line > 0
    constrained = torch.where(allowed, everywhere, -torch.inf).amax(1)
    assert (free >= constrained - 1e-4).all()
    assert (everywhere.amax(1) > constrained + 1e-3).any()  # the constraint bites somewhere, so that the bound is one


@given(st.integers(0, 10_000))
def test_9_7_generative_argmax_and_maps_of_logits(seed: int) -> None:
    z = torch.randn(20, 5, generator=torch.Generator().manual_seed(seed)) * 3
    named, score = generative(z)
    for common in (lambda v: 2 * v - 7, torch.sigmoid, torch.exp):
        assert torch.equal(generative(common(z.double()))[0], named)
    assert torch.equal(score, z.amax(1))
    offsets = torch.zeros(5)
    offsets[3] = 1e3
    assert (generative(z, offsets)[0] == 3).all()


def test_the_integrated_rule_asks_the_detector_that_f_names() -> None:
    f, z = torch.tensor([[0.0, 1.0], [5.0, 1.0]]), torch.tensor([[7.0, -2.0], [3.0, 8.0]])
    named, score = integrated(f, z)
    assert named.tolist() == [1, 0] and score.tolist() == [-2.0, 3.0]


def test_each_detector_is_attacked_on_its_own_images() -> None:
    net, x = bank(2), images(9, 3).reshape(3, 3, 1, 6, 6)
    plan = Ascent(0.2, 10, 0.05, "linf", "normgrad")
    together = attack_each(net, x, plan)
    for k in range(3):
        alone = maximise(lambda v, k=k: net(v)[:, k], x[k], plan)
        assert torch.allclose(together[k], alone, atol=1e-6)


def test_adam_begins_with_fresh_moments_in_every_call() -> None:
    net, x = bank(), images(4)
    plan = Ascent(0.3, 5, 0.03)
    first, second = (maximise(lambda v: net(v)[:, 0], x, plan) for _ in range(2))
    assert torch.equal(first, second)


def test_training_loss_is_the_mean_over_the_union_for_each_detector() -> None:
    positive, negative = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 0.0, 0.0]])
    assert float(training_loss(positive, negative)) == pytest.approx(np.log(2))
    twice = training_loss(positive.repeat(2, 1), negative.repeat(2, 1))
    assert float(twice) == pytest.approx(2 * np.log(2))


def test_a_fit_goes_on_from_its_state_to_the_bit() -> None:
    x, y = images(60), np.arange(60) % 3
    plan = Ascent(0.2, 3, 0.1, random_start=True)
    settings = FitSettings(
        plan, replace(plan, random_start=False), epochs=2, updates=3, positives=4, negatives=4, ramp=0.5
    )

    def fresh() -> Fit:
        return Fit(bank(), settings, x, y, (x, y), seed=5)

    whole = fresh()
    for _ in range(2):
        for _ in range(3):
            whole.update()
        whole.validate()
    half = fresh()
    for _ in range(3):
        half.update()
    half.validate()
    late = fresh()
    late.restore(half.state())
    for _ in range(3):
        late.update()
    late.validate()
    whole.use_best()
    late.use_best()
    for a, b in zip(whole.net.parameters(), late.net.parameters(), strict=True):
        assert torch.equal(a, b)
    assert np.array_equal(np.array(whole.losses), np.array(late.losses))
    assert np.array_equal(whole.best_epoch, late.best_epoch)


def test_the_best_epoch_is_kept_for_each_detector_by_itself() -> None:
    x, y = images(60), np.arange(60) % 3
    plan = Ascent(0.1, 2, 0.1)
    fit = Fit(bank(), FitSettings(plan, plan, 3, 2, 4, 4), x, y, (x, y), seed=1)
    kept = []
    for _ in range(3):
        fit.update()
        fit.validate()
        kept.append({name: value.clone() for name, value in fit.net.state_dict().items()})
    fit.use_best()
    for k in range(3):
        assert fit.curve[fit.best_epoch[k] - 1][k] == max(curve[k] for curve in fit.curve) == fit.best_auc[k]
        then = kept[fit.best_epoch[k] - 1]["body.weights.0"][k]
        assert torch.equal(fit.net.state_dict()["body.weights.0"][k], then)


def test_one_class_data_and_bad_numbers_are_refused() -> None:
    with pytest.raises(UserError, match="only one"):
        Pools(np.zeros(5, np.int64), 1, np.random.default_rng(0))
    with pytest.raises(UserError, match="no image"):
        Pools(np.array([0, 0, 2, 2]), 3, np.random.default_rng(0))
    for bad in ({"eps": -1.0}, {"eps": float("nan")}, {"eps": 0.1, "steps": -1}, {"eps": 0.1, "step_size": 0.0}):
        with pytest.raises(ValueError, match="expected"):
            Ascent(**bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="norm"):
        Ascent(0.1, norm="l1")  # type: ignore[arg-type]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_adam_steps_are_the_librarys(norm: str) -> None:
    net, x = bank(3), images(3, 8)
    plan = Ascent(0.4, 6, 0.05, norm)  # type: ignore[arg-type]
    delta = torch.zeros_like(x, requires_grad=True)
    optimiser = torch.optim.Adam([delta], lr=0.05)
    for _ in range(6):
        optimiser.zero_grad()
        (-net(x + delta)[:, 0].sum()).backward()
        optimiser.step()
        delta.data = project(delta.data, x, plan)
    assert torch.allclose(maximise(lambda v: net(v)[:, 0], x, plan), x + delta.detach(), atol=1e-5)
