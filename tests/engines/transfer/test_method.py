"""Counting, eight-bit images, spectra, scaled losses and the plane; recipes from fields; the paper's tables."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engines.core.errors import UserError
from engines.transfer import pace
from engines.transfer.frequency import radial, spectrum
from engines.transfer.method import (
    FACTORS,
    eight_bit,
    fooled,
    growing_losses,
    losses_on,
    plane_of,
    scaled_losses,
)
from engines.transfer.recipes import eps_of, recipe_of, recipes_of
from engines.transfer.reference import FIGURE_2, ON_INCEPTION_V3, TARGETS, black_box_mean
from engines.transfer.spec import MatrixSpec, RecipeSpec
from engines.vision.attacks.base import cross_entropy
from engines.vision.attacks.recipe import RECIPES, name, recipe_named


@given(st.integers(0, 2**31 - 1), st.floats(1 / 255, 0.3))
def test_eight_bit_images_stay_in_the_ball_and_near(seed: int, eps: float) -> None:
    rng = np.random.default_rng(seed)
    x = rng.random((2, 3, 5, 5)).astype(np.float32)
    adv = np.clip(x + eps * rng.choice([-1.0, 1.0, 0.3], x.shape), 0, 1).astype(np.float32)
    saved = eight_bit(adv, x, eps) / 255.0
    assert np.abs(saved - x).max() <= eps + 1e-6
    assert np.abs(saved - adv).max() <= 1 / 255 + 1e-6  # half a level of rounding, and as much of clipping
    on_grid = (np.rint(x * 255) / 255).astype(np.float32)
    assert np.array_equal(eight_bit(on_grid, on_grid, eps), np.rint(on_grid * 255))


def test_changes_too_small_for_a_file_are_refused() -> None:
    x = np.full((1, 1, 2, 2), 0.5, np.float32)  # between two levels
    with pytest.raises(UserError, match="eight-bit"):
        eight_bit(x, x, 1e-4)


def test_a_spectrum_finds_a_wave_and_its_rings_sum_to_one() -> None:
    columns = np.arange(32)
    wave = np.cos(2 * np.pi * 8 * columns / 32)[None, None] * np.ones((1, 32, 1))
    shown = spectrum(wave)
    assert shown.shape == (32, 32)
    assert np.unravel_index(shown.argmax(), shown.shape)[0] == 16 and abs(int(shown[16].argmax()) - 16) == 8
    rings = radial(wave[None])
    assert rings.sum() == pytest.approx(1) and rings.argmax() == 8  # 8 of 16 cycles: ring 8 of 16
    assert radial(np.zeros((2, 1, 8, 8))).sum() == 0


def test_scaled_losses_equal_one_pass_a_factor() -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 5)).eval()
    x, y = torch.rand(7, 3, 4, 4), torch.arange(7) % 5
    with torch.no_grad():
        expected = [float(cross_entropy(net(0.5 + s * (x - 0.5)), y).mean()) for s in FACTORS]
    for batch in (1, 4, 128):
        assert scaled_losses(net, x, y, 0.5, batch=batch) == pytest.approx(expected, rel=1e-5)
        seen = list(growing_losses(net, x, y, 0.5, batch=batch))
        assert seen[-1][0] == 7 and (seen[0][0] < 7 or batch == 128)
        assert seen[0][1] == pytest.approx(scaled_losses(net, x[: seen[0][0]], y[: seen[0][0]], 0.5), rel=1e-5)
    assert FACTORS[0] == 0.1 and FACTORS[-1] == 2.0 and len(FACTORS) == 20


def test_a_plane_holds_its_axes_and_projects_what_lies_in_it() -> None:
    generator = torch.Generator().manual_seed(0)
    x, delta = torch.rand(1, 6, 6), 0.1 * torch.randn(1, 6, 6, generator=generator)
    direction = torch.randn(1, 6, 6, generator=generator).sign()
    plane = plane_of(x, x + delta, direction, 0.2, generator)
    unit = 0.2 * 6
    assert float((plane.u * plane.v).sum()) == pytest.approx(0, abs=1e-5)
    assert float(plane.u.norm()) == pytest.approx(unit, rel=1e-5) and float(plane.v.norm()) == pytest.approx(
        unit, rel=1e-5
    )
    places, off = plane.project(torch.stack([x, x + delta, x + 0.3 * plane.u - 2 * plane.v]))
    assert off == pytest.approx(0, abs=1e-5)
    assert places[0] == pytest.approx([0, 0]) and places[2] == pytest.approx([0.3, -2], abs=1e-5)
    assert places[1] == pytest.approx([float(delta.norm()) / unit, 0], abs=1e-5)
    torch.testing.assert_close(plane.at(torch.tensor([[0.3, -2.0]]))[0], x + 0.3 * plane.u - 2 * plane.v)


@pytest.mark.parametrize("case", ["no way", "no direction", "parallel", "neither"])
def test_a_degenerate_plane_takes_a_random_axis(case: str) -> None:
    x, d = torch.rand(1, 5, 5), torch.randn(1, 5, 5, generator=torch.Generator().manual_seed(1))
    zero = torch.zeros_like(x)
    end, direction = {
        "no way": (x, d), "no direction": (x + d, zero), "parallel": (x + d, 3 * d), "neither": (x, zero)
    }[case]  # fmt: skip
    plane = plane_of(x, end, direction, 0.1, torch.Generator().manual_seed(2))
    assert torch.isfinite(plane.u).all() and torch.isfinite(plane.v).all()
    assert float((plane.u * plane.v).sum()) == pytest.approx(0, abs=1e-5)


def test_losses_on_a_plane_are_the_nets() -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3)).eval()
    x = torch.rand(1, 4, 4)
    plane = plane_of(x, x + 0.1, torch.randn(1, 4, 4), 0.1, torch.Generator().manual_seed(0))
    a, b = np.linspace(-1, 1, 3), np.linspace(0, 2, 4)
    loss = losses_on(net, torch.tensor(2), plane, a, b, batch=5)
    assert loss.shape == (4, 3)
    point = plane.at(torch.tensor([[a[2], b[1]]], dtype=torch.float32))
    assert loss[1, 2] == pytest.approx(float(cross_entropy(net(point), torch.tensor([2])).detach()), rel=1e-5)


@pytest.mark.parametrize("ms_an_image", [0.05, 0.8, 4.0])
def test_a_newer_request_is_looked_for_ten_times_a_second_on_any_network(
    monkeypatch: pytest.MonkeyPatch, ms_an_image: float
) -> None:
    clock = Clock()
    monkeypatch.setattr(pace, "time", SimpleNamespace(perf_counter=clock))
    sizes: list[int] = []

    def net(images: torch.Tensor) -> torch.Tensor:
        clock.now += len(images) * ms_an_image / 1000
        sizes.append(len(images))
        return images.flatten(1)[:, :3]

    x = torch.rand(40, 1, 4, 4)
    plane = plane_of(x[0], x[1], torch.randn(1, 4, 4), 0.1, torch.Generator().manual_seed(0))
    axis = np.linspace(-1, 1, 30)
    for work in (
        lambda: losses_on(net, torch.tensor(2), plane, axis, axis, check=clock.look),
        lambda: scaled_losses(net, x, torch.arange(40) % 3, 0.5, check=clock.look),
    ):
        sizes.clear()
        clock.looks.clear()
        work()
        gaps = np.diff([*clock.looks, clock.now])
        assert gaps[1:].max() < 0.1 and gaps.max() < 0.15
        assert np.median(gaps) > (0.04 if ms_an_image > 0.1 else 0.005)


class Clock:
    """Time that only a network's work moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks: list[float] = []

    def __call__(self) -> float:
        return self.now

    def look(self) -> None:
        self.looks.append(self.now)


def test_both_conventions_of_success() -> None:
    y = torch.tensor([0, 1, 2, 3])
    clean = torch.tensor([0, 1, 2, 0])  # the last one was wrong before
    named = torch.tensor([0, 5, 5, 0])
    assert fooled(named, y, clean) == (3, 2, 3)


@pytest.mark.parametrize("title", list(RECIPES))
def test_named_recipes_take_their_parts_from_the_name_and_numbers_from_the_spec(title: str) -> None:
    spec = RecipeSpec(steps=7, copies=3, ti_kernel=9, di_p=0.7, mu=0.9, pivot=0.1, lookahead=False, scales=False)
    recipe, base = recipe_of(spec, 0.2, title), RECIPES[title]
    assert name(recipe) == title and recipe.eps == 0.2
    assert recipe.steps == (7 if base.steps > 1 else 1)
    assert recipe.copies == (3 if base.copies > 1 else 1)
    assert recipe.ti_kernel == (9 if base.ti_kernel > 1 else 1) and recipe.di_p == (0.7 if base.di_p else 0)
    assert recipe.lookahead == base.lookahead and recipe.mu == (0.9 if base.mu else 0)


def test_fgsm_uses_the_whole_radius_whatever_the_step() -> None:
    assert recipe_of(RecipeSpec(step_policy="fixed", alpha=0.01), 0.2, "FGSM").step_size == 0.2


def test_the_fields_are_a_recipe_of_their_own() -> None:
    spec = MatrixSpec(lookahead=True, scales=True, smooth=True, diverse=True, recipes="fgsm, own, NI-FGSM")
    found = recipes_of(spec, 0.1, spec.recipes)
    assert list(found) == ["FGSM", "SI-NI-TI-DIM", "NI-FGSM"]
    same = recipes_of(RecipeSpec(scales=False, mu=0.5), 0.1, "NI-FGSM, own")
    assert len(same) == 1  # the same attack twice is one column
    odd = recipes_of(RecipeSpec(scales=True, copies=2, lookahead=True), 0.1, "SI-NI-FGSM, own")
    assert len(odd) == 1 and odd["SI-NI-FGSM"].copies == 2
    with pytest.raises(UserError, match="NI-FGSM"):
        recipe_of(spec, 0.1, "ni")
    with pytest.raises(UserError, match="no recipe"):
        recipes_of(spec, 0.1, " , ")
    with pytest.raises(UserError, match="odd kernel"):
        recipe_of(RecipeSpec(smooth=True, ti_kernel=4), 0.1)


def test_a_radius_is_usual_for_the_images_unless_given() -> None:
    assert eps_of(RecipeSpec(), (1, 28, 28)) == 0.15 and eps_of(RecipeSpec(), (3, 32, 32)) == 8 / 255
    assert eps_of(RecipeSpec(eps=0.3), (3, 32, 32)) == 0.3


def test_the_papers_tables_are_whole() -> None:
    assert all(len(row) == len(TARGETS) == 7 for row in ON_INCEPTION_V3.values())
    assert all(len(row) == 7 for row in FIGURE_2.values())
    # The mean column that table 4 prints is over all seven. (It prints 20.9 for PGD, whose row gives 22.8.)
    printed = {"FGSM": 24.0, "I-FGSM": 23.8, "C&W": 22.9, "NI-FGSM": 39.6, "SI-NI-FGSM": 56.6}
    for key, mean in printed.items():
        assert sum(ON_INCEPTION_V3[key]) / 7 == pytest.approx(mean, abs=0.051)
    assert black_box_mean("FGSM") == pytest.approx((26.7 + 25.0 + 24.4 + 10.5 + 10.0 + 4.5) / 6)
    assert set(ON_INCEPTION_V3) - {"C&W"} <= set(RECIPES)


def test_what_the_window_imports_brings_no_torch() -> None:
    code = (
        "import sys; import engines.transfer.jobs, engines.transfer.claims, engines.transfer.snapshots;"
        "from engines.vision.attacks.recipe import RECIPES; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_the_longest_recipe_of_the_paper_costs_fifty_passes() -> None:
    from engines.vision.attacks.recipe import passes

    assert passes(recipe_named("SI-NI-TI-DIM")) == 50
