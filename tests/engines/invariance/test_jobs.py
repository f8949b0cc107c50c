"""The jobs: whole tables from real networks, and sentences for what they cannot measure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, run_job, to_tables
from engines.core.weights import ModelCard
from engines.invariance.models import ONE_CLASS, UNLABELLED, trained
from engines.invariance.results import ProfileResult
from engines.invariance.spec import COLOUR_EPS, GREY_EPS, BoundarySpec, OrthogonalitySpec, ProfileSpec
from engines.vision.nets.models import save_model
from engines.vision.nets.zoo import build
from engines.vision.training.shipped import TABLE, spec_of

QUICK = {"data": "digits", "images": 60, "steps": 5}


def profiles(nets: dict[str, str], *names: str, **changes: object) -> ProfileResult:
    models = ",".join(nets[name] for name in names)
    spec = ProfileSpec.checked({"models": models, "thetas": (0, 60, 180), "epsilons": (0, 0.1), **QUICK, **changes})
    return run_job("invariance.profile", spec)


def test_profiles_of_several_models_fill_one_table(nets: dict[str, str]) -> None:
    seen: list[ProfileResult] = []
    models = ",".join(nets[name] for name in ("plain", "turned", "hard"))
    spec = ProfileSpec(models=models, thetas=(180, 60), epsilons=(0.05, 0.2), **QUICK)
    found = run_job("invariance.profile", spec, LocalContext(on_snapshot=lambda snapshot, keep: seen.append(snapshot)))
    assert found.is_complete and found.thetas.tolist() == [0, 60, 180] and found.epsilons.tolist() == [0, 0.05, 0.2]
    assert found.invariance.shape == found.accuracy.shape == found.fooled.shape == found.robust.shape == (3, 3)
    assert (found.invariance[:, 0] == 1).all() and (found.fooled[:, 0] == 0).all()
    assert np.allclose(found.accuracy[:, 0], found.clean)
    plain, turned, hard = range(3)
    assert found.invariance[turned, 2] > found.invariance[plain, 2] + 0.1
    assert found.fooled[hard, 1] < found.fooled[plain, 1]
    assert [m.theta for m in found.models] == [0, 180, 0] and [m.eps for m in found.models] == [0, 0, 0.1]
    assert found.models[0].family == found.models[1].family != found.models[2].family
    assert 5 <= found.shared <= 60 * found.clean.min() + 1 and (found.fooled_shared[:, 0] == 0).all()
    assert (np.diff(found.fooled_shared) >= 0).all()
    assert len(seen) == 6 and not seen[0].is_complete and np.isnan(seen[0].invariance[1]).all()
    assert {len(column) for column in to_tables(found)["turns"].values()} == {9}
    x, y = found.at(90.0, 0.1)
    assert found.invariance[0, 2] <= x[0] <= found.invariance[0, 1] and y[0] == pytest.approx(
        1 - np.interp(0.1, found.epsilons, found.fooled[0])
    )


def test_profiles_repeat_exactly_with_their_seed(nets: dict[str, str]) -> None:
    first, second = (profiles(nets, "plain", seed=3) for _ in range(2))
    assert np.array_equal(first.invariance, second.invariance) and np.array_equal(first.fooled, second.fooled)
    alone, together = first, profiles(nets, "turned", "plain", seed=3)
    assert np.array_equal(alone.invariance[0], together.invariance[1])
    assert np.array_equal(alone.fooled[0], together.fooled[1])


def test_turning_before_the_attack_is_offered(nets: dict[str, str]) -> None:
    found = profiles(nets, "plain", turn_first=60.0)
    assert "turned by up to ±60° first" in found.notes[0]
    assert found.fooled[0, 1] != profiles(nets, "plain").fooled[0, 1]


def test_one_class_and_unknown_labels_are_said(nets: dict[str, str], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, note in (("7", ONE_CLASS), ("cat", UNLABELLED)):
        folder = tmp_path / name
        (folder / name).mkdir(parents=True)
        for i in range(3):
            Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(folder / name / f"{i}.png")
        found = profiles(nets, "plain", data=str(folder))
        assert note in found.notes and found.images == 3
        assert np.isnan(found.accuracy).any() == (name == "cat")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"thetas": (200,)}, "each θ from 0 to 180"),
        ({"epsilons": (-0.1,)}, "each ε from 0 to 1"),
        ({"thetas": ()}, "at least one θ"),
        ({"models": "nobody-has-this"}, "no weights called"),
        ({"data": "/nowhere"}, "no images called"),
        ({"images": 1}, "images"),
    ],
)
def test_settings_that_cannot_be_measured_are_named(
    changes: dict[str, object], reason: str, nets: dict[str, str]
) -> None:
    with pytest.raises(UserError, match=reason):
        profiles(nets, "plain", **changes)


def test_budget_zero_fools_nobody(nets: dict[str, str]) -> None:
    found = profiles(nets, "plain", epsilons=(0,), thetas=(0,))
    assert found.fooled.tolist() == [[0.0]] and found.invariance.tolist() == [[1.0]] and found.is_complete


def test_models_for_different_images_are_not_compared(nets: dict[str, str], tmp_path: Path) -> None:
    save_model(tmp_path / "colour", build({"kind": "bncnn", "input_shape": (3, 32, 32)}, seed=0), ModelCard("c"))
    with pytest.raises(UserError, match="images of one size"):
        run_job("invariance.profile", ProfileSpec(models=f"{nets['plain']},{tmp_path / 'colour.safetensors'}", **QUICK))


def test_a_model_that_answers_nan_on_images_is_reported(tmp_path: Path) -> None:
    from engines.vision.nets.models import load_model

    net = build({"kind": "mlp", "hidden": (8,)}, seed=0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(1e30)
    save_model(tmp_path / "big", net, ModelCard("big"))
    with pytest.raises(UserError, match="NaN or infinity"):
        load_model(tmp_path / "big.safetensors", "cpu").logits(torch.rand(2, 1, 28, 28))


def test_cancelling_ends_each_job_quietly(nets: dict[str, str]) -> None:
    jobs = {
        "invariance.profile": ProfileSpec(models=nets["plain"], data="digits"),
        "invariance.boundary": BoundarySpec(models=nets["plain"], data="digits"),
        "invariance.orthogonality": OrthogonalitySpec(model=nets["plain"], data="digits"),
    }
    for name, spec in jobs.items():
        ctx = LocalContext()
        ctx.cancel()
        with pytest.raises(Cancelled):
            run_job(name, spec, ctx)


def test_distances_count_what_they_leave_out(nets: dict[str, str]) -> None:
    models = f"{nets['plain']},{nets['hard']}"
    spec = BoundarySpec(models=models, data="digits", images=40, resolution=9, slice_image=3)
    found = run_job("invariance.boundary", spec)
    assert found.distances.shape == (2, 40) and len(found.slices) == 2
    for i in range(2):
        kept = ~np.isnan(found.distances[i])
        assert kept.sum() == found.flipped[i] and found.flipped[i] + found.wrong[i] + found.never[i] == 40
        assert found.mean[i] == pytest.approx(found.distances[i][kept].mean()) and (found.distances[i][kept] > 0).all()
    assert found.mean[1] > found.mean[0]  # adversarial training moves the boundary away
    zero = run_job("invariance.boundary", spec.changed(wrong="zero", models=nets["plain"]))
    assert (zero.distances[0] == 0).sum() == zero.wrong[0] and zero.mean[0] <= found.mean[0]
    drawn = found.slices[0]
    assert drawn.classes.shape == drawn.margin.shape == (9, 9) and drawn.classes[4, 4] == drawn.label
    assert np.linalg.norm(drawn.arrow) == pytest.approx(drawn.distance, rel=1e-3)
    assert drawn.adversary[0] > 0 and drawn.turned[1] > 0
    assert len(to_tables(found)["distances"]) == 3


def test_a_slice_needs_an_image_that_is_there(nets: dict[str, str]) -> None:
    with pytest.raises(UserError, match="from 0 to 9"):
        run_job("invariance.boundary", BoundarySpec(models=nets["plain"], data="digits", images=10, slice_image=10))


def test_orthogonality_fills_its_board(nets: dict[str, str]) -> None:
    spec = OrthogonalitySpec(model=nets["plain"], data="digits", images=80, steps=5, k=10, draws=3)
    found = run_job("invariance.orthogonality", spec)
    assert found.cosines.shape == (10, 10) and found.adversarial.shape == (10, 1, 28, 28)
    assert found.overlap.shape == found.chance_overlap.shape == (10,) and found.data_overlap.shape == (2, 10)
    assert np.allclose(found.chance_overlap * 784, np.arange(1, 11)) and found.chance_cosine == pytest.approx(
        0.0285, abs=1e-4
    )
    assert np.allclose(np.cos(np.deg2rad(found.angles)) ** 2 @ np.ones(10) / 10, found.overlap[-1])
    assert 5 < found.effective_dimension < 400 and found.effective_cosine > found.chance_cosine
    assert ((found.overlap >= 0) & (found.overlap <= 1)).all() and len(found.point_cosines) == 80 - found.left_out
    assert to_tables(found)["overlap"]["k"].tolist() == list(range(1, 11))
    few = run_job("invariance.orthogonality", spec.changed(images=12, k=50))
    assert len(few.overlap) == 12 and "Only 12 directions" in few.notes[-1]
    with pytest.raises(UserError, match="angle of 0"):
        run_job("invariance.orthogonality", spec.changed(angle=0.0))


def test_the_same_image_over_and_over_has_no_directions(nets: dict[str, str], tmp_path: Path) -> None:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[5:20, 13:15] = 255
    for i in range(3):
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    spec = OrthogonalitySpec(model=nets["plain"], data=str(tmp_path), images=10, steps=3)
    with pytest.raises(UserError, match="all images are the same"):
        run_job("invariance.orthogonality", spec)
    Image.fromarray(pixels).save(tmp_path / "only.png")
    with pytest.raises(UserError, match="fewer than two"):
        run_job("invariance.orthogonality", spec.changed(data=str(tmp_path / "only.png")))


def test_a_card_tells_how_its_model_was_trained() -> None:
    for name in TABLE:
        spec = spec_of(name)
        said = []
        if spec.rotation:
            said.append(f"turned by up to ±{spec.rotation:g}°")
        if spec.adversarial != "none":
            said.append(f"attacked ({spec.adversarial}, l∞ {spec.eps:.3g})")
        card = ModelCard(name, architecture={"kind": spec.kind}, data=f"x; trained on images {', '.join(said)}")
        found = trained(name, card)
        assert found.theta == spec.rotation
        assert found.eps == pytest.approx(spec.eps if spec.adversarial != "none" else 0.0, rel=1e-2)


def test_usual_strengths_follow_the_colours() -> None:
    assert GREY_EPS[0] == COLOUR_EPS[0] == 0 and max(GREY_EPS) == 0.3 and max(COLOUR_EPS) == pytest.approx(8 / 255)


def test_results_and_jobs_import_no_torch() -> None:
    code = (
        "import sys, engines.invariance.jobs, engines.invariance.results, engines.invariance.snapshots; "
        "import engines.invariance.claims; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
