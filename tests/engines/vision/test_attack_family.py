"""The numbered checks of paper file 09, section 9, on networks trained here; 9.7 is in test_attack_peers.py, 9.9 is
`bench attacks`."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from engines.core.errors import Cancelled, UserError
from engines.vision.attacks.base import TINY, cross_entropy, predict
from engines.vision.attacks.gradient import RECIPES, Ensemble, Recipe, Step, craft, name, passes, recipe_named, steps
from engines.vision.attacks.transforms import Draw, gaussian, scaled, smoothed

from .small_nets import small_bn_cnn, small_cnn, small_mlp, trained, unseen

EPS = 0.15
DETERMINISTIC = [key for key, recipe in RECIPES.items() if not recipe.is_random]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def crafted(recipe: Recipe, count: int = 24, net: nn.Module | None = None) -> Tensor:
    x, y = unseen(count)
    return craft(net or trained(small_cnn), x, y, recipe, generator=seeded())


def two_class_linear(weight: Tensor) -> nn.Sequential:
    """Logits (0, w·x): the gradient has one direction everywhere."""
    layer = nn.Linear(weight.numel(), 2, bias=False).to(weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(torch.stack([torch.zeros_like(weight), weight]))
    return nn.Sequential(nn.Flatten(), layer)


# --- 9.1 reductions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [k for k in DETERMINISTIC if "SI" not in k and "TI" not in k])
def test_9_1_one_step_equals_fgsm(key: str) -> None:
    fgsm = crafted(recipe_named("FGSM", eps=EPS))
    assert torch.equal(crafted(replace(RECIPES[key], eps=EPS, steps=1)), fgsm)


@pytest.mark.parametrize(("with_scales", "without"), [("SI-MI-FGSM", "MI-FGSM"), ("SI-NI-FGSM", "NI-FGSM")])
def test_9_1_one_copy_is_no_scaling(with_scales: str, without: str) -> None:
    assert torch.equal(crafted(recipe_named(with_scales, copies=1)), crafted(recipe_named(without)))


def test_9_1_without_momentum_all_are_i_fgsm() -> None:
    plain = crafted(recipe_named("I-FGSM", eps=EPS))
    for key in ("MI-FGSM", "NI-FGSM"):
        assert torch.equal(crafted(recipe_named(key, eps=EPS, mu=0.0)), plain)


def test_9_1_a_kernel_of_one_and_a_probability_of_zero_change_nothing() -> None:
    plain = crafted(recipe_named("MI-FGSM"))
    assert torch.equal(crafted(recipe_named("TIM", ti_kernel=1)), plain)
    assert torch.equal(crafted(recipe_named("DIM", di_p=0.0)), plain)
    assert not torch.equal(crafted(recipe_named("DIM", di_p=1.0)), plain)
    assert not torch.equal(crafted(recipe_named("TIM")), plain)


# --- 9.2 the linear model --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["FGSM", "I-FGSM", "MI-FGSM", "NI-FGSM", "SI-MI-FGSM", "SI-NI-FGSM"])
def test_9_2_on_a_linear_model_all_return_the_fgsm_image(key: str) -> None:
    weight = torch.randn(784, generator=seeded(1), dtype=torch.float64)
    net, (x, _) = two_class_linear(weight / 30), unseen(8)
    x, y = x.double(), torch.ones(8, dtype=torch.int64)
    expected = (x - EPS * weight.sign().view(1, 1, 28, 28)).clamp(0, 1)  # for class 1 the loss falls along w
    torch.testing.assert_close(craft(net, x, y, recipe_named(key, eps=EPS)), expected, atol=1e-6, rtol=0)


def test_9_2_on_a_linear_model_ti_returns_the_smoothed_sign() -> None:
    weight = torch.randn(784, generator=seeded(1), dtype=torch.float64)
    net, (x, _) = two_class_linear(weight / 30), unseen(8)
    x, y = x.double(), torch.ones(8, dtype=torch.int64)
    kernel = gaussian(7, x)
    direction = smoothed(-weight.view(1, 1, 28, 28), kernel).sign()
    result = craft(net, x, y, recipe_named("TIM", eps=EPS))
    torch.testing.assert_close(result, (x + EPS * direction).clamp(0, 1), atol=1e-6, rtol=0)


# --- 9.3 ball and box ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", list(RECIPES))
def test_9_3_every_iterate_is_in_the_ball_and_the_box(key: str) -> None:
    x, y = unseen(6)
    count = 0
    for policy in ("eps/T", "fixed"):
        recipe = recipe_named(key, eps=EPS, step_policy=policy, alpha=0.04)
        for step in steps(trained(small_cnn), x, y, recipe, generator=seeded()):
            assert float((step.x - x).abs().max()) <= EPS + 1e-6
            assert float(step.x.min()) >= 0 and float(step.x.max()) <= 1
            count += 1
        assert step.index == recipe.steps
    assert count == 2 * RECIPES[key].steps


# --- 9.4 the normaliser ----------------------------------------------------------------------------------------


def test_9_4_momentum_is_the_same_with_mean_and_sum() -> None:
    assert torch.equal(
        crafted(recipe_named("MI-FGSM", eps=EPS)), crafted(recipe_named("MI-FGSM", eps=EPS, normaliser="l1"))
    )


def test_9_4_a_literal_l1_look_ahead_collapses_onto_mi() -> None:
    net, (x, y) = trained(small_cnn), unseen(300)
    mi, ni, literal = (
        craft(net, x, y, recipe)
        for recipe in (
            recipe_named("MI-FGSM", eps=EPS),
            recipe_named("NI-FGSM", eps=EPS),
            recipe_named("NI-FGSM", eps=EPS, normaliser="l1"),
        )
    )
    same, differs = (float((other - mi).abs().lt(1e-6).float().mean()) for other in (literal, ni))
    assert same > 0.95  # 97.7 % measured for the paper file
    assert differs < same - 0.02
    fooled = [float((predict(net, adv) != y).float().mean()) for adv in (mi, literal)]
    assert abs(fooled[0] - fooled[1]) <= 0.01


@pytest.mark.parametrize("mu", [1.0, 0.5])
def test_9_4_the_momentum_is_bounded_by_the_geometric_sum(mu: float) -> None:
    x, y = unseen(8)
    ahead = []
    recipe = recipe_named("NI-FGSM", eps=EPS, mu=mu)
    for step in steps(trained(small_cnn), x, y, recipe):
        bound = sum(mu**j for j in range(step.index))
        assert float(step.momentum.abs().flatten(1).mean(1).max()) <= bound + 1e-5
        ahead.append(float((step.lookahead - step.before).abs().mean()) / recipe.step_size)
    assert ahead[0] == 0
    assert all(ahead[t] <= mu * sum(mu**j for j in range(t)) + 1e-5 for t in range(len(ahead)))


@pytest.mark.parametrize("key", ["MI-FGSM", "NI-FGSM", "SI-NI-TIM"])
def test_9_4_a_thousandfold_loss_changes_nothing(key: str) -> None:
    x, y = unseen(8)
    net, recipe = double_of(trained(small_cnn)), recipe_named(key, eps=EPS)
    *_, plain = steps(net, x.double(), y, recipe)
    *_, loud = steps(net, x.double(), y, recipe, loss=lambda out, aim: 1000 * cross_entropy(out, aim))
    assert torch.equal(plain.x, loud.x)


# --- 9.5 the range of pixels -----------------------------------------------------------------------------------


def as_the_official_code(net: nn.Module, x: Tensor, y: Tensor, recipe: Recipe) -> Tensor:
    """The attack in [-1, 1] with 2·eps, written down again from the paper's formulas: scales pull towards 0."""
    pixels = lambda v: (v + 1) / 2  # noqa: E731
    clean, here, eps, a = 2 * x - 1, 2 * x - 1, 2 * recipe.eps, 2 * recipe.eps / recipe.steps
    g = torch.zeros_like(x)
    kernel = gaussian(recipe.ti_kernel, x)
    for _ in range(recipe.steps):
        n = (here + a * recipe.mu * g if recipe.lookahead else here).detach().requires_grad_(True)
        loss = sum(cross_entropy(net(pixels(n / 2**i)), y).sum() for i in range(recipe.copies))
        (gradient,) = torch.autograd.grad(loss, n)
        if recipe.ti_kernel > 1:
            gradient = nn.functional.conv2d(gradient, kernel[None, None], padding=recipe.ti_kernel // 2)
        g = recipe.mu * g + gradient / gradient.abs().mean(dim=(1, 2, 3), keepdim=True)
        here = torch.clamp((here + a * g.sign()).clamp(clean - eps, clean + eps), -1, 1)
    return pixels(here)


@pytest.mark.parametrize("key", ["FGSM", "I-FGSM", "MI-FGSM", "NI-FGSM", "TIM"])
def test_9_5_the_range_of_pixels_does_not_matter_without_scales(key: str) -> None:
    x, y = unseen(12)
    net = double_of(trained(small_cnn))
    for pivot in (0.0, 0.5):
        recipe = recipe_named(key, eps=EPS, pivot=pivot)
        ours = craft(net, x.double(), y, recipe)
        assert close_share(ours, as_the_official_code(net, x.double(), y, recipe)) > 0.999


def test_9_5_scales_agree_with_the_official_range_only_about_mid_grey() -> None:
    x, y = unseen(12)
    net = double_of(trained(small_cnn))
    shares = {}
    for pivot in (0.0, 0.5):
        recipe = recipe_named("SI-NI-FGSM", eps=EPS, pivot=pivot)
        ours = craft(net, x.double(), y, recipe)
        shares[pivot] = close_share(ours, as_the_official_code(net, x.double(), y, recipe))
    assert shares[0.5] > 0.999
    assert shares[0.0] < 0.99


def close_share(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().lt(1e-6).float().mean())


def double_of(net: nn.Module) -> nn.Module:
    """A float64 copy."""
    import copy

    return copy.deepcopy(net).double()


# --- 9.6 the batch ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["MI-FGSM", "NI-FGSM", "SI-NI-TIM"])
@pytest.mark.parametrize("make", [small_cnn, small_bn_cnn])
def test_9_6_an_image_alone_is_an_image_in_a_batch(key: str, make: object) -> None:
    net = double_of(trained(make))  # type: ignore[arg-type]
    x, y = unseen(64)
    recipe = recipe_named(key, eps=EPS)
    together = craft(net, x.double(), y, recipe)
    for k in (0, 31, 63):
        alone = craft(net, x[k : k + 1].double(), y[k : k + 1], recipe)
        assert close_share(alone, together[k : k + 1]) > 0.998  # the rest: ties at a gradient of zero


def test_9_6_a_permuted_batch_gives_permuted_images() -> None:
    net = double_of(trained(small_cnn))
    x, y = unseen(64)
    order = torch.randperm(64, generator=seeded(5))
    recipe = recipe_named("SI-NI-TIM", eps=EPS)
    straight = craft(net, x.double(), y, recipe)
    assert close_share(craft(net, x[order].double(), y[order], recipe), straight[order]) > 0.999


@pytest.mark.parametrize("passing", ["batch", "auto"])
def test_9_6_copies_in_one_batch_are_copies_in_a_loop(passing: str) -> None:
    net = double_of(trained(small_bn_cnn))
    x, y = unseen(10)
    recipe = recipe_named("SI-NI-TI-DIM", eps=EPS)
    loop, other = (
        craft(net, x.double(), y, recipe, generator=seeded(), passing=how)  # type: ignore[arg-type]
        for how in ("loop", passing)
    )
    assert close_share(loop, other) > 0.999


# --- 9.8 the kernel --------------------------------------------------------------------------------------------


def test_9_8_the_kernel_is_that_of_the_paper() -> None:
    like = torch.zeros((), dtype=torch.float64)
    for width in (1, 3, 7, 15):
        kernel = gaussian(width, like)
        assert float(kernel.sum()) == pytest.approx(1.0)
        assert torch.equal(kernel, kernel.T)
        assert torch.allclose(kernel, kernel.flip(0))
    seven = gaussian(7, like)
    assert float(seven[3, 3]) == pytest.approx(0.15924, abs=5e-6)
    assert seven.sum(0)[:4].tolist() == pytest.approx([0.00443, 0.05401, 0.24204, 0.39905], abs=5e-6)


# --- the parts, and what goes wrong ----------------------------------------------------------------------------


def test_the_gradient_carries_the_chain_rules_factor() -> None:
    net = double_of(trained(small_cnn))
    x, y = unseen(5)
    x = x.double()
    step: Step = next(iter(steps(net, x, y, recipe_named("SI-NI-FGSM", pivot=0.3), keep_copies=True)))
    n = x.clone().requires_grad_(True)
    loss = sum(cross_entropy(net(scaled(n, i, 0.3)), y) for i in range(5))
    assert isinstance(loss, Tensor) and step.copies is not None
    torch.testing.assert_close(step.gradient, torch.autograd.grad(loss.sum(), n)[0], atol=1e-12, rtol=1e-9)
    torch.testing.assert_close(step.copies.sum(0), step.gradient, atol=1e-12, rtol=1e-9)
    torch.testing.assert_close(step.loss, loss.detach() / 5)


def test_the_look_ahead_may_leave_ball_and_box() -> None:
    x, y = unseen(16)
    outside = [step.lookahead for step in steps(trained(small_cnn), x, y, recipe_named("NI-FGSM", eps=EPS))]
    assert float(outside[-1].min()) < 0
    assert max(float((n - x).abs().max()) for n in outside) > EPS


def test_a_vanished_gradient_is_counted_and_makes_no_nan() -> None:
    x, y = unseen(4)
    net = trained(small_cnn)

    def saturated(images: Tensor) -> Tensor:
        """The first image is called its label with certainty: softmax minus one-hot is exactly zero."""
        certain = 1e4 * torch.nn.functional.one_hot(y, 10) + 0 * images.sum()
        first = (torch.arange(len(images)) == 0)[:, None]
        return torch.where(first, certain.float(), net(images))

    seen = list(steps(saturated, x, y, recipe_named("NI-FGSM", eps=EPS)))
    assert all(step.vanished.tolist() == [True, False, False, False] for step in seen)
    assert torch.equal(seen[-1].x[0], x[0])
    assert torch.isfinite(seen[-1].x).all() and float(seen[0].scale[0]) == pytest.approx(TINY)


def test_a_target_is_approached() -> None:
    x, y = unseen(60)
    net, target = trained(small_cnn), (y + 1) % 10
    adv = craft(net, x, y, recipe_named("MI-FGSM", eps=0.3, targeted=True), target=target)
    assert float((predict(net, adv) == target).float().mean()) > 0.5
    with pytest.raises(ValueError, match="target"):
        craft(net, x, y, recipe_named("MI-FGSM"), target=target)
    with pytest.raises(ValueError, match="target"):
        craft(net, x, y, recipe_named("MI-FGSM", targeted=True))
    with pytest.raises(ValueError, match="generator"):
        craft(net, x, y, recipe_named("DIM"))


def test_an_ensemble_averages_logits_and_transfers() -> None:
    x, y = unseen(20)
    nets = [trained(small_cnn), trained(small_mlp)]
    source = Ensemble(nets)
    torch.testing.assert_close(source(x), (nets[0](x) + nets[1](x)) / 2)
    adv = craft(source, x, y, recipe_named("MI-FGSM", eps=0.2))
    assert all(float((predict(net, adv) != y).float().mean()) > 0.5 for net in nets)


def test_the_draw_equals_resize_pad_resize() -> None:
    x = torch.rand(2, 3, 32, 32, generator=seeded(2))
    changed = 0
    for seed in range(60):
        draw = Draw(32, 32, 0.7, 1.3, seeded(seed))
        if draw.is_identity:
            assert draw(x, 0.5) is x
            continue
        changed += 1
        # The same three operations by torch, for every place and size that the draw may have had.
        result = draw(x, 0.5)
        assert any(torch.equal(result, by_torch(x, r, top, left)) for r, top, left in places(draw))
    assert 30 <= changed <= 54


def places(draw: Draw) -> list[tuple[int, int, int]]:
    """(r, top, left) for R = 42."""
    return [(r, t, s) for r in range(32, 42) for t in range(42 - r) for s in range(42 - r)]


def by_torch(x: Tensor, r: int, top: int, left: int) -> Tensor:
    from torch.nn.functional import interpolate, pad

    resized = interpolate(x, size=(r, r), mode="nearest")
    padded = pad(resized, (left, 42 - r - left, top, 42 - r - top), value=0.5)
    return interpolate(padded, size=(32, 32), mode="nearest")


def test_a_rate_that_rounds_to_nothing_draws_nothing() -> None:
    assert all(Draw(8, 8, 1.0, 1.04, seeded(s)).is_identity for s in range(5))
    x = torch.rand(1, 1, 30, 20, generator=seeded(3))
    assert Draw(30, 20, 1.0, 1.5, seeded(4))(x, 0.0).shape == x.shape


def test_names_and_passes() -> None:
    assert all(name(recipe) == key for key, recipe in RECIPES.items())
    assert passes(RECIPES["SI-NI-TI-DIM"]) == 50 and passes(RECIPES["FGSM"]) == 1
    assert name(replace(RECIPES["DIM"], mu=0.0)) == "DI-FGSM"
    assert name(replace(RECIPES["NI-FGSM"], normaliser="l1", targeted=True)) == "NI-FGSM (literal l1, targeted)"


@pytest.mark.parametrize(
    "changes",
    [{"eps": 0.0}, {"eps": 1.5}, {"steps": 0}, {"copies": 0}, {"ti_kernel": 4}, {"di_p": 1.1}, {"mu": -1.0}],
)
def test_bad_numbers_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(UserError, match="expected"):
        Recipe(**changes)  # type: ignore[arg-type]


def test_an_unknown_recipe_is_refused_and_fgsm_stays_one_step() -> None:
    with pytest.raises(UserError, match="NI-FGSM"):
        recipe_named("XI-FGSM")
    assert recipe_named("FGSM", steps=10, eps=EPS).steps == 1


def test_a_stop_is_heard_between_passes() -> None:
    x, y = unseen(4)
    heard = iter([None, None, None])

    def check() -> None:
        if next(heard, "stop") == "stop":
            raise Cancelled

    with pytest.raises(Cancelled):
        craft(trained(small_cnn), x, y, recipe_named("SI-NI-FGSM"), check=check, passing="loop")


def test_copies_share_a_pass_where_the_source_is_small_and_the_batch_too() -> None:
    from engines.vision.attacks.batching import copies_together, numbers_kept

    dense = nn.Sequential(nn.Flatten(), nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))
    x = torch.rand(4, 1, 28, 28)
    with_weights = numbers_kept(dense, x)
    assert 30 <= with_weights <= 2000  # what is kept of each image; never the 23,520 weights
    assert copies_together(dense, x, 5) == 5 and copies_together(dense, x, 1) == 1

    def heavy(images: Tensor) -> Tensor:
        """Keeps a million numbers of each image."""
        wide = images.flatten(1).repeat(1, 1300)
        return (wide * wide).unflatten(1, (10, -1)).sum(2)

    assert numbers_kept(heavy, x) >= 1_000_000
    assert copies_together(heavy, x[:1], 5) in (3, 5) and copies_together(heavy, x.repeat(4, 1, 1, 1), 5) == 1
