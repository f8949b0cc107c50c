"""The jobs: training that can be stopped and resumed, the system bench, morphs, distortions, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engines.asymmetric.fit import Fit
from engines.asymmetric.images import EMBEDDED, shape_of, training_images
from engines.asymmetric.images import test_images as images_to_test
from engines.asymmetric.jobs.morph import nearest
from engines.asymmetric.metrics import FOOLED, error_at
from engines.asymmetric.results import RULES, BenchResult
from engines.asymmetric.setting import PLAIN_SUFFIX, load_bank, resolve
from engines.asymmetric.snapshots import BenchSnapshot, MorphSnapshot, TrainSnapshot
from engines.asymmetric.spec import BenchSpec, DistortionSpec, MorphSpec, TrainSpec
from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, find_job, run_job
from engines.core.weights import ModelCard
from engines.vision.nets.models import save_model
from tests.engines.asymmetric import trained

TINY: dict[str, Any] = {
    "hidden": (12,), "epochs": 2, "updates": 4, "steps": 2, "validation_steps": 2, "validation_images": 6,
    "positives": 4, "negatives": 4, "companions": False, "eps": 0.1,
}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """The trained bank and classifiers of these tests as files."""
    card = ModelCard("bank", topic="asymmetric", data=EMBEDDED, metrics={"eps": trained.EPS})
    save_model(tmp_path / "bank", trained.bank(), card)
    save_model(tmp_path / "bank-f", trained.classifier(), ModelCard("bank-f", topic="asymmetric", data=EMBEDDED))
    save_model(tmp_path / "rival", trained.classifier(), ModelCard("rival", topic="asymmetric", data=EMBEDDED))
    return {name: str(tmp_path / f"{name}.safetensors") for name in ("bank", "bank-f", "rival")}


def test_training_leaves_weights_that_load_and_a_card_that_explains_them(tmp_path: Path) -> None:
    shots: list[Any] = []
    spec = TrainSpec(**TINY, save_as=str(tmp_path / "mine"))
    result = run_job("asymmetric.train", spec, LocalContext(on_snapshot=lambda s, keep: shots.append(s)))
    assert result.losses.shape == (8, 10) and result.auc.shape == (2, 10)
    assert (result.best_auc == result.auc.max(0)).all()
    bank = load_bank(result.weights_path, "", "cpu")
    assert bank.source == EMBEDDED and bank.eps == 0.1 and bank.classes == tuple("0123456789")
    assert "--set eps=0.1" in bank.card.command and "none stated" not in bank.card.licence
    last = shots[-1]
    assert isinstance(last, TrainSnapshot) and last.epoch == 2 and last.attacked.shape == (10, 1, 8, 8)
    assert (last.z_after >= last.z_before - 1e-4).mean() > 0.7  # the attack moved the shown negatives uphill
    assert set(result.to_tables()) == {"detectors", "losses", "epochs"}


def test_weights_of_16_bits_are_half_as_large_and_load_as_32(tmp_path: Path) -> None:
    for half in (False, True):
        run_job("asymmetric.train", TrainSpec(**TINY, save_as=str(tmp_path / f"half{half}"), half=half))
    sizes = [(tmp_path / f"half{half}.safetensors").stat().st_size for half in (False, True)]
    assert sizes[1] < 0.7 * sizes[0]
    bank = load_bank(str(tmp_path / "halfTrue.safetensors"), "", "cpu")
    assert bank.net.body.weights[0].dtype == torch.float32


def test_companions_are_found_beside_the_detectors(tmp_path: Path) -> None:
    few = {**TINY, "companions": True, "limit": 60}
    run_job("asymmetric.train", TrainSpec(**few, save_as=str(tmp_path / "mine")))
    assert {p.name for p in tmp_path.glob("*.safetensors")} == {
        "mine.safetensors", "mine-f.safetensors", "mine-robust.safetensors"
    }  # fmt: skip


def test_training_goes_on_after_a_stop_as_if_there_had_been_none() -> None:
    states: list[dict[str, Any]] = []
    whole = run_job("asymmetric.train", TrainSpec(**TINY), LocalContext(on_checkpoint=states.append))
    assert len(states) == 2
    resumed = run_job("asymmetric.train", TrainSpec(**TINY), LocalContext(resume=states[0]))
    assert np.array_equal(whole.losses, resumed.losses) and np.array_equal(whole.auc, resumed.auc)


def test_training_stops_when_told() -> None:
    ctx = LocalContext()
    ctx.on_progress = lambda done, total, text: ctx.cancel()
    with pytest.raises(Cancelled):
        run_job("asymmetric.train", TrainSpec(**{**TINY, "updates": 100_000}), ctx)


def test_a_loss_that_is_no_number_ends_the_run_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fit, "update", lambda self, check: np.full(10, np.nan, np.float32))
    with pytest.raises(UserError, match="learning rate"):
        run_job("asymmetric.train", TrainSpec(**TINY))


def test_the_bench_shows_every_cell_with_its_images(files: dict[str, str]) -> None:
    shots: list[BenchSnapshot] = []
    spec = BenchSpec(
        detectors=files["bank"], images=20, steps=8, step_size=0.0, eps=trained.EPS, auc_images=5, auc_steps=(2, 8),
        attacks=("classifier", "combined", "multi-targeted"),
    )  # fmt: skip
    result: BenchResult = run_job("asymmetric.bench", spec, LocalContext(on_snapshot=lambda s, k: shots.append(s)))
    assert [s.done for s in shots] == [1, 2, 3] and shots[0].rules == RULES
    assert result.attacked.shape == (3, 2, 20, 1, 8, 8) and result.auc.shape == (2, 10)
    assert sorted(np.unique(result.labels, return_counts=True)[1]) == [2] * 10  # evenly over the classes
    assert np.abs(result.attacked - result.images).max() <= trained.EPS + 1e-6
    for attack in range(3):
        for rule in range(2):
            rates = result.rates(attack, rule)
            assert error_at(rates, 0.95) == result.error[attack, rule]
            fooled = result.outcomes(attack, rule, result.threshold[rule]) == FOOLED
            assert fooled.mean() == pytest.approx(result.error[attack, rule])
    named = result.attacked_f[:, 0].argmax(2)
    assert result.fooled == pytest.approx((named != result.labels).mean(1))
    assert (result.score >= result.threshold[:, None]).mean(1).min() >= 0.95
    assert len(result.to_tables()) == 2 + 6


def test_the_bench_is_the_same_twice(files: dict[str, str]) -> None:
    spec = BenchSpec(detectors=files["bank"], images=10, steps=3, attacks=("multi-targeted",), auc_images=0)
    one, two = (run_job("asymmetric.bench", spec) for _ in range(2))
    assert np.array_equal(one.attacked, two.attacked)


def test_calibration_lets_every_class_pass_the_same_share(files: dict[str, str]) -> None:
    spec = BenchSpec(
        detectors=files["bank"], images=10, steps=1, attacks=("classifier",), calibrate=True, auc_images=0, tpr=0.9
    )
    result: BenchResult = run_job("asymmetric.bench", spec)
    parts = training_images(EMBEDDED)
    with torch.no_grad():
        z = trained.bank()(torch.from_numpy(parts.validation.images)).numpy() + result.offsets
    for k in range(10):
        assert (z[parts.validation.labels == k, k] >= 0).mean() == pytest.approx(0.9, abs=0.08)


def test_budget_0_moves_nothing_and_changes_no_decision(files: dict[str, str]) -> None:
    spec = BenchSpec(detectors=files["bank"], images=10, eps=0.0, auc_images=5, auc_steps=(4,), attacks=("combined",))
    result: BenchResult = run_job("asymmetric.bench", spec)
    assert (result.attacked == result.images).all() and (result.attacked_named[0] == result.named).all()


def test_what_the_bench_refuses(files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no attack"):
        run_job("asymmetric.bench", BenchSpec(detectors=files["bank"], attacks=("magic",)))
    with pytest.raises(UserError, match="not a bank"):
        run_job("asymmetric.bench", BenchSpec(detectors=files["rival"], data=EMBEDDED))
    with pytest.raises(UserError, match="there are no weights"):
        run_job("asymmetric.bench", BenchSpec(detectors="nobody"))
    bad = {name: t.clone() for name, t in trained.bank().state_dict().items()}
    bad["body.weights.0"][0, 0, 0] = float("nan")
    from engines.core.weights import save_weights

    save_weights(tmp_path / "nan", bad, ModelCard("nan", "asymmetric", architecture=trained.bank().architecture))
    with pytest.raises(UserError, match="NaN"):
        run_job("asymmetric.bench", BenchSpec(detectors=str(tmp_path / "nan.safetensors"), data=EMBEDDED))


def test_the_morph_grid_holds_frames_of_both_models(files: dict[str, str]) -> None:
    shots: list[MorphSnapshot] = []
    spec = MorphSpec(detectors=files["bank"], rival=files["rival"], steps=30, step_size=0.0, eps=0.4, frames=6)
    result = run_job("asymmetric.morph", spec, LocalContext(on_snapshot=lambda s, k: shots.append(s)))
    assert result.detectors.shape == result.rival.shape == (6, 10, 10, 1, 8, 8)
    assert result.steps.tolist() == [0, 6, 12, 18, 24, 30]
    assert (result.detectors[0] == result.rival[0]).all()
    assert result.z[-1].mean() > result.z[0].mean() and result.rival_logit[-1].mean() > result.rival_logit[0].mean()
    off = ~np.eye(10, dtype=bool)
    assert ((result.read_as >= 0) & (result.read_as + result.still_true <= 1)).all()
    with torch.no_grad():
        z = trained.bank()(torch.from_numpy(result.final[0].reshape(100, 1, 8, 8))).numpy().reshape(10, 10, 10)
    assert (z.argmax(2) == np.arange(10))[off].mean() > 0.6
    assert np.allclose(z[np.arange(10)[:, None], np.arange(10), np.arange(10)], result.z[-1], atol=1e-3)
    assert shots and shots[-1].detectors.shape == (10, 10, 1, 8, 8)


def test_the_reader_knows_clean_digits() -> None:
    pool = images_to_test(EMBEDDED, (1, 8, 8), 200)
    read = nearest(training_images(EMBEDDED).train, pool.images)
    assert (read == pool.labels).mean() > 0.95


def test_distortions_report_their_successes(files: dict[str, str]) -> None:
    spec = DistortionSpec(detectors=files["bank"], images=6, steps=30, bisections=4)
    result = run_job("asymmetric.distortion", spec)
    good = np.isfinite(result.distance)
    assert result.success_rate == good.mean() and good.any()
    assert result.mean == pytest.approx(result.distance[good].mean())
    assert (result.target != result.labels).all()


def test_a_folder_of_classes_is_trained_on_and_a_folder_of_one_class_is_refused(tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 200)):
        (tmp_path / "two" / name).mkdir(parents=True)
        for i in range(20):
            pixels = rng.normal(level, 10, (12, 12)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "two" / name / f"{i}.png")
    few = {**TINY, "data": str(tmp_path / "two"), "side": 12, "validation_images": 5}
    result = run_job("asymmetric.train", TrainSpec(**few))
    assert result.classes == ("dark", "light")
    (tmp_path / "one" / "only").mkdir(parents=True)
    for i in range(8):
        Image.fromarray(np.zeros((12, 12), np.uint8)).save(tmp_path / "one" / "only" / f"{i}.png")
    with pytest.raises(UserError, match="at least two"):
        run_job("asymmetric.train", TrainSpec(**{**few, "data": str(tmp_path / "one")}))


def test_sources_are_split_without_overlap() -> None:
    parts = training_images(EMBEDDED)
    test = images_to_test(EMBEDDED, (1, 8, 8), 0)
    assert len(parts.train) == 1258 and len(parts.validation) == 180 and len(test) == 359
    assert shape_of("mnist") == (1, 28, 28) and shape_of("/some/folder", 32) == (1, 32, 32)
    cut = training_images("digits", limit=100)
    assert cut.train.shape == (1, 28, 28) and len(cut.train) == 100


def test_empty_names_mean_what_is_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    assert resolve("", EMBEDDED) == ("digits-aat", EMBEDDED)
    assert resolve("", "") == ("digits-aat", EMBEDDED)  # MNIST is not on this machine
    for unknown in ("cifar10", "fashion-mnist"):
        with pytest.raises(UserError, match="no shipped detectors"):
            resolve("", unknown)
    assert resolve("", "digits") == ("digits-aat", EMBEDDED)  # enlarged, they are foreign to the detectors of MNIST
    assert resolve("mine.safetensors", "mnist") == ("mine.safetensors", "mnist")


def test_jobs_are_registered_and_suffixes_are_told_apart() -> None:
    for name, is_session in (
        ("toy", False), ("theatre", True), ("train", False), ("bench", False), ("morph", False), ("live", True),
        ("distortion", False),
    ):  # fmt: skip
        assert find_job(f"asymmetric.{name}").session == is_session
    assert PLAIN_SUFFIX != ""
