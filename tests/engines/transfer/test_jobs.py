"""Matrix, race, scale curve and crafting, on small networks and the embedded digits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.core.errors import Cancelled, UserError
from engines.core.intervals import wilson
from engines.core.job import LocalContext, run_job, to_tables
from engines.transfer.results import MatrixResult, RaceResult, ScalesResult
from engines.transfer.setting import default_models
from engines.transfer.spec import CraftSpec, MatrixSpec, RaceSpec, ScalesSpec

DATA: dict[str, Any] = {"data": "digits", "images": 30, "eps": 0.2, "steps": 5}


def kept(shots: list[Any]) -> LocalContext:
    return LocalContext(on_snapshot=lambda shot, keep: shots.append(shot))


def test_the_matrix_fills_and_its_numbers_are_those_of_the_images(models: str) -> None:
    shots: list[MatrixResult] = []
    spec = MatrixSpec(
        **DATA, sources="small-cnn,small-bn,small-cnn+small-bn", targets=models, recipes="FGSM, MI-FGSM, DIM", gallery=4
    )
    result = run_job("transfer.matrix", spec, kept(shots))
    assert result.wrong.shape == (3, 3, 3) and result.count == 30 and (result.wrong >= 0).all()
    assert result.recipes == ("FGSM", "MI-FGSM", "DIM") and result.passes.tolist() == [1, 5, 5]
    assert result.white_box.tolist() == [[True, False, False], [False, True, False], [True, True, False]]
    assert [target.is_robust for target in result.targets] == [False, False, True]
    # Images are right for all models, so that both conventions agree, and are what `named` says.
    assert (result.clean == result.labels).all() and (result.right == 30).all()
    assert np.array_equal(result.wrong, result.wrong_of_right)
    assert np.array_equal((result.named != result.labels[None, None]).sum(-1), result.wrong)
    assert np.allclose(result.rate, result.wrong / 30)
    assert result.interval(1, 0, 2) == wilson(int(result.wrong[1, 0, 2]), 30)
    # Iterating beats one step on a white box, and a white box beats the black ones.
    white, black = result.mean(white=True), result.mean(white=False)
    assert white[1] >= white[0] and white[1] > black[1]
    assert result.mean(white=False, robust=True)[1] == pytest.approx(result.rate[1, :, 2].mean())
    # Live filling: nine cells, the first snapshot knows one of them.
    assert len(shots) == 9
    assert (shots[0].wrong >= 0).any(2).sum() == 1 and np.isnan(shots[0].rate).sum() == 24
    assert shots[0].interval(2, 2, 2) == (0.0, 1.0)
    assert np.isnan(shots[0].crafted[2, 2]).all() and np.isfinite(shots[0].crafted[0, 0]).all()
    assert result.crafted.shape == (3, 3, 4, 1, 28, 28)
    assert np.abs(result.crafted - result.images).max() <= 0.2 + 1e-6
    tables = to_tables(result)
    assert len(tables["success"]["recipe"]) == 27 and tables["targets"]["clean_accuracy"].tolist() == [1, 1, 1]
    assert (tables["success"]["low"] <= tables["success"]["success"]).all()


def test_a_matrix_is_the_same_again_and_a_recipe_does_not_depend_on_the_others(models: str) -> None:
    common: dict[str, Any] = {**DATA, "sources": "small-cnn", "targets": models}
    both = run_job("transfer.matrix", MatrixSpec(**common, recipes="DIM, MI-FGSM"))
    again = run_job("transfer.matrix", MatrixSpec(**common, recipes="DIM, MI-FGSM"))
    alone = run_job("transfer.matrix", MatrixSpec(**common, recipes="DIM"))
    assert np.array_equal(both.crafted, again.crafted)
    assert np.array_equal(both.crafted[0], alone.crafted[0])


def test_any_images_separate_the_two_conventions(models: str) -> None:
    spec = MatrixSpec(**{**DATA, "images": 150}, sources="small-cnn", targets=models, recipes="FGSM", choose="any")
    result = run_job("transfer.matrix", spec)
    assert (result.right < 150).any()
    before = (result.clean != result.labels).sum(1)
    assert np.array_equal(result.right, 150 - before)
    assert (result.wrong >= result.wrong_of_right).all()
    both = (result.named[0, 0] != result.labels) & (result.clean == result.labels)
    assert np.array_equal(both.sum(1), result.wrong_of_right[0, 0])


def test_own_answers_are_attacked_where_that_is_asked(models: str) -> None:
    common: dict[str, Any] = {**DATA, "images": 150, "choose": "any", "sources": "small-mlp", "targets": "small-mlp"}
    truth, own = (
        run_job("transfer.matrix", MatrixSpec(**common, recipes="MI-FGSM", labels=labels, gallery=150))
        for labels in ("truth", "own")
    )
    wrong = truth.clean[0] != truth.labels[0]
    changed = np.abs(truth.crafted[0, 0] - own.crafted[0, 0]).reshape(150, -1).max(1) > 1e-6
    assert wrong.any() and np.array_equal(changed, wrong)


def test_unlabelled_pictures_are_judged_by_each_models_own_answer(models: str) -> None:
    spec = MatrixSpec(data="photos", images=6, sources="small-cnn", targets=models, recipes="FGSM", eps=0.3)
    result = run_job("transfer.matrix", spec)
    assert np.array_equal(result.labels, result.clean) and result.count == 6
    assert any("own answer" in note for note in result.notes)


def test_a_stop_is_heard_within_a_cell(models: str) -> None:
    ctx = LocalContext()
    ctx.on_progress = lambda done, total, text: ctx.cancel() if done > 2 else None
    with pytest.raises(Cancelled):
        run_job("transfer.matrix", MatrixSpec(**DATA, sources=models, targets=models), ctx)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sources": "nobody"}, "nobody"),
        ({"recipes": "XX"}, "expected a recipe"),
        ({"data": "/no/such/folder"}, "no images called"),
        ({"recipes": "TIM", "ti_kernel": 6}, "odd kernel"),
    ],
)
def test_what_is_wrong_is_said(models: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        run_job("transfer.matrix", MatrixSpec(**{**DATA, "sources": models, "targets": models, **changes}))


def test_default_models_have_one_of_each_kind_and_a_robust_one(only_these: str) -> None:
    assert default_models("digits") == ("small-bn", "small-cnn", "small-mlp")
    assert default_models("digits", most=2) == ("small-bn", "small-mlp")
    with pytest.raises(UserError, match="no trained model"):
        default_models("cifar10")
    result = run_job("transfer.matrix", MatrixSpec(images=10, recipes="FGSM"))
    assert len(result.sources) == len(result.targets) == 3 and result.data == "digits"


def test_a_race_scores_every_iteration(models: str) -> None:
    shots: list[RaceResult] = []
    spec = RaceSpec(**DATA, source="small-cnn", targets=models, left="MI-FGSM", right="SI-NI-FGSM", frames=3)
    result = run_job("transfer.race", spec, kept(shots))
    assert result.recipes == ("MI-FGSM", "SI-NI-FGSM") and result.wrong.shape == (2, 6, 3)
    assert result.passes.tolist() == [[0, 1, 2, 3, 4, 5], [0, 5, 10, 15, 20, 25]]
    assert (result.wrong[:, 0] == 0).all() and result.rate[0, 5, 0] > 0.5  # clean images are right; a white box falls
    assert result.white_box.tolist() == [True, False, False]
    assert result.reach[0].tolist() == [0, 0, 0, 0, 0, 0] and result.reach[1, 5] > 1
    assert result.frames.shape == (2, 6, 3, 1, 28, 28)
    for side in (0, 1):
        assert np.array_equal(result.frames[side, 0], result.frames[0, 0])
        assert np.abs(result.frames[side] - result.frames[side, :1]).max() <= 0.2 + 1e-6
    assert len(shots) == 5 and (shots[0].wrong[:, 2:] == -1).all() and np.isnan(shots[0].rate[:, 2:]).all()
    # The end of a race is the matrix of the same recipe.
    matrix = run_job("transfer.matrix", MatrixSpec(**DATA, sources="small-cnn", targets=models, recipes="MI-FGSM"))
    assert np.array_equal(matrix.wrong[0, 0], result.wrong[0, 5])
    assert len(to_tables(result)["race"]["recipe"]) == 2 * 6 * 3


def test_a_short_recipe_ends_its_race_early(models: str) -> None:
    result = run_job(
        "transfer.race", RaceSpec(**DATA, source="small-cnn+small-bn", targets=models, left="FGSM", right="I-FGSM")
    )
    assert (result.wrong[0, 2:] == -1).all() and (result.wrong[1] >= 0).all()
    assert result.passes[0].tolist() == [0, 1, -1, -1, -1, -1]
    assert (to_tables(result)["race"]["iteration"] <= 5).all()


def test_the_scale_curve_has_the_clean_loss_at_one(models: str) -> None:
    shots: list[ScalesResult] = []
    result = run_job("transfer.scales", ScalesSpec(models=models, data="digits", images=60), kept(shots))
    assert result.losses.shape == (3, 20) and np.isfinite(result.losses).all()
    assert len(shots) > 3 and np.isfinite(shots[0].losses[0]).all() and np.isnan(shots[0].losses[1:]).all()
    assert not np.allclose(shots[0].losses[0], result.losses[0]), "the first picture is of the first images"
    at_one = result.losses[:, result.factors.tolist().index(1.0)]
    assert at_one == pytest.approx(clean_losses(models, 60), rel=1e-4)
    black = run_job("transfer.scales", ScalesSpec(models=models, data="digits", images=60, pivot=0.0))
    assert black.losses[:, 9] == pytest.approx(at_one, rel=1e-4)
    assert not np.allclose(black.losses[:, 0], result.losses[:, 0], rtol=0.01)
    assert list(to_tables(result)["scales"]) == ["factor", "small-cnn", "small-bn", "small-mlp"]


def clean_losses(models: str, count: int) -> list[float]:
    """Mean cross-entropy of each model on the unscaled images."""
    import torch

    from engines.vision.attacks.base import cross_entropy
    from engines.vision.images import load_pool
    from engines.vision.nets.models import load_model

    pool = load_pool("digits", (1, 28, 28), count)
    x, y = pool.tensors()
    assert isinstance(x, torch.Tensor)
    return [float(cross_entropy(load_model(name).logits(x), y).mean()) for name in models.split(",")]


def test_crafted_images_are_saved_rounded_within_the_ball_and_scored_again(models: str, tmp_path: Path) -> None:
    from PIL import Image

    spec = CraftSpec(
        **{**DATA, "images": 6}, source="small-cnn", targets=models, recipe="MI-FGSM", folder=str(tmp_path)
    )
    result = run_job("transfer.craft", spec)
    assert result.files == 8 and len(list(tmp_path.glob("*.png"))) == 6
    assert result.largest <= 0.2 + 1e-6 and result.largest_saved <= 0.2 + 1e-6
    assert np.abs(result.saved / 255 - result.crafted).max() <= 1 / 255 + 1e-6
    with np.load(tmp_path / "crafted.npz", allow_pickle=False) as file:
        assert np.array_equal(file["x_adv"], result.crafted) and np.array_equal(file["x_adv_uint8"], result.saved)
        assert file["models"].tolist() == ["small-cnn", "small-bn", "small-mlp"]
    for k, path in enumerate(sorted(tmp_path.glob("*.png"))):
        with Image.open(path) as picture:
            assert np.array_equal(np.asarray(picture), result.saved[k, 0])
    assert np.array_equal(result.fooled_saved, result.named_saved != result.labels)
    # What the models say of the files is what they say of the pixels read from them.
    import torch

    from engines.vision.nets.models import load_model

    said = load_model("small-bn").logits(torch.from_numpy(result.saved.astype(np.float32) / 255)).argmax(1)
    assert np.array_equal(said.numpy(), result.named_saved[1])
    recipe = json.loads((tmp_path / "recipe.json").read_text(encoding="utf-8"))
    assert recipe["name"] == "MI-FGSM" and recipe["recipe"]["eps"] == 0.2 and recipe["source"] == "small-cnn"
    assert to_tables(result)["targets"]["target"].tolist() == ["small-cnn", "small-bn", "small-mlp"]


def test_a_target_class_is_aimed_at(models: str, tmp_path: Path) -> None:
    spec = CraftSpec(
        **{**DATA, "images": 20, "eps": 0.4, "steps": 10}, source="small-cnn", targets=models, recipe="MI-FGSM",
        target_class="7", folder=str(tmp_path), pictures=False,
    )  # fmt: skip
    result = run_job("transfer.craft", spec)
    assert result.recipe == "MI-FGSM (targeted)" and not list(tmp_path.glob("*.png"))
    assert np.array_equal(result.fooled, result.named == 7) and result.fooled[0].mean() > 0.5
    with pytest.raises(UserError, match="no class 'zebra'"):
        run_job("transfer.craft", spec.changed(target_class="zebra"))


def test_nothing_is_written_without_a_folder_and_a_bad_one_is_said(models: str, tmp_path: Path) -> None:
    spec = CraftSpec(**{**DATA, "images": 2}, source="small-mlp", targets="small-mlp", recipe="FGSM")
    assert run_job("transfer.craft", spec).folder == ""
    with_run = run_job("transfer.craft", spec, LocalContext(folder=tmp_path))
    assert with_run.folder == str(tmp_path) and (tmp_path / "recipe.json").is_file()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        run_job("transfer.craft", spec.changed(folder=str(tmp_path / "file" / "x")))
    with pytest.raises(UserError, match="eight-bit"):
        run_job("transfer.craft", spec.changed(eps=0.0005))
