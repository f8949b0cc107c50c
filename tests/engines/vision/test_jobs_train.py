"""Training, measuring and shipping as jobs: resumable, stoppable, honest about what cannot be done."""

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engines.core import checkpoints
from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, find_job, run_job
from engines.core.weights import load_weights, read_card, save_weights
from engines.vision.jobs import measure as measure_module
from engines.vision.jobs import ship as ship_module
from engines.vision.jobs import train as train_module
from engines.vision.jobs.measure import eps_text
from engines.vision.jobs.ship import _chosen
from engines.vision.nets.models import load_model
from engines.vision.results import TrainSnapshot
from engines.vision.spec import MeasureSpec, ShipSpec, TrainSpec
from engines.vision.training import shipped
from engines.vision.training.sets import load_training

SMALL: dict[str, Any] = {"kind": "lenet-small", "limit": 300, "held_out": 60, "batch": 32, "epochs": 3, "rate": 5e-3}


def spec(**changes: Any) -> TrainSpec:
    return TrainSpec(**{**SMALL, **changes})


def run(settings: TrainSpec, folder: Path | None = None, **hooks: Any) -> Any:
    find_job("vision.train")
    return run_job("vision.train", settings, LocalContext(folder=folder, **hooks))


def test_training_leaves_weights_that_load_by_file_with_a_full_card(tmp_path: Path) -> None:
    snapshots: list[TrainSnapshot] = []
    result = run(spec(rotation=30.0), tmp_path, on_snapshot=lambda s, keep: snapshots.append(s))
    model = load_model(result.weights_path)
    assert model.input_shape == (1, 28, 28) and model.classes == tuple("0123456789")
    card = read_card(Path(result.weights_path))
    assert card.topic == "vision" and card.architecture["kind"] == "lenet-small"
    assert "±30°" in card.data and card.licence and card.hardware and card.date
    assert "--set rotation=30.0" in card.command and "--set limit=300" in card.command
    assert (
        result.accuracy == result.history["accuracy"][-1] == pytest.approx(card.metrics["held_out_accuracy"], abs=1e-4)
    )
    assert len(result.history["epoch"]) == 3 and result.ended == "for 3 epochs"
    last = snapshots[-1]
    assert last.epoch == 3 and last.samples.shape == (8, 1, 28, 28) and last.samples.dtype == np.float32
    assert last.samples.min() >= 0 and last.samples.max() <= 1
    assert len(last.step_losses) == 3 * (300 // 32)
    assert pickle.loads(pickle.dumps(last)).epoch == 3


def test_a_killed_run_goes_on_from_its_last_epoch_and_ends_the_same(tmp_path: Path) -> None:
    whole = run(spec(adversarial="fast", eps=0.1), tmp_path / "whole")
    broken = LocalContext(folder=tmp_path / "broken")

    def kill_after_the_first_epoch(state: dict[str, Any]) -> None:
        checkpoints.save(tmp_path, state)
        broken.cancel()

    broken.on_checkpoint = kill_after_the_first_epoch
    with pytest.raises(Cancelled):
        run_job("vision.train", spec(adversarial="fast", eps=0.1), broken)
    state, remarks = checkpoints.load(tmp_path)
    assert state is not None and not remarks and state["trainer"]["epochs_done"] == 1
    resumed = run_job(
        "vision.train", spec(adversarial="fast", eps=0.1), LocalContext(folder=tmp_path / "second", resume=state)
    )
    one, other = load_weights(whole.weights_path)[0], load_weights(resumed.weights_path)[0]
    assert all(torch.equal(one[name], other[name]) for name in one)
    for name in ("loss", "accuracy", "robust_accuracy"):
        np.testing.assert_array_equal(whole.history[name], resumed.history[name])


def test_stopping_answers_within_a_step(tmp_path: Path) -> None:
    context = LocalContext(folder=tmp_path)
    context.on_snapshot = lambda snapshot, keep: context.cancel()
    with pytest.raises(Cancelled):
        run_job("vision.train", spec(epochs=100), context)
    assert not list(tmp_path.glob("*.safetensors"))


def test_one_step_training_that_collapses_keeps_its_best_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engines.vision.training.fit import Trainer

    kept: list[dict[str, torch.Tensor]] = []
    shares = iter([0.3, 0.6, 0.1, 0.9])

    def measured(self: Trainer, held_out: object, check: object) -> tuple[float, float, float]:
        kept.append(self.tensors())
        return 0.9, float("nan"), next(shares)

    monkeypatch.setattr(Trainer, "_measure", measured)
    result = run(spec(adversarial="fast", eps=0.1, epochs=4), tmp_path)
    assert "collapsed in epoch 3; kept epoch 2" in result.ended
    assert result.robust_accuracy == 0.6 and len(result.history["epoch"]) == 2
    saved = load_weights(result.weights_path)[0]
    assert all(torch.equal(saved[name], kept[1][name]) for name in saved)


def test_training_can_start_from_weights_and_refuses_others(tmp_path: Path) -> None:
    first = run(spec(epochs=1, save_as=str(tmp_path / "first.safetensors")))
    second = run(spec(epochs=1, rate=1e-6, start_from=first.weights_path), tmp_path)
    one, two = load_weights(first.weights_path)[0], load_weights(second.weights_path)[0]
    assert max(float((one[k] - two[k]).abs().max()) for k in one) < 1e-3
    with pytest.raises(UserError, match=r"is no mlp of these settings"):
        run(spec(kind="mlp", start_from=first.weights_path))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": "no-such-set"}, "no-such-set"),
        ({"held_out": 1000}, "over half"),
        ({"adversarial": "pgd", "eps": 0.0}, "eps above 0"),
        ({"data": "photos"}, "photos"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_the_reason(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        run(spec(**changes))


def test_a_folder_of_pictures_is_a_data_set(tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for label, level in (("dark", 40), ("light", 200)):
        (tmp_path / label).mkdir()
        for i in range(20):
            picture = np.clip(rng.normal(level, 20, (20, 24, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / label / f"{i}.png")
    settings = spec(data=str(tmp_path), side=16, kind="resnet", width=0.25, held_out=10, limit=0, batch=8, rate=0.02)
    result = run(settings, tmp_path / "run")
    model = load_model(result.weights_path)
    assert model.classes == ("dark", "light") and model.input_shape == (3, 16, 16)
    assert result.accuracy >= 0.9


def test_held_out_images_are_the_same_for_every_seed_and_never_trained_on() -> None:
    one, other = load_training(spec()), load_training(spec(seed=5, limit=0))
    np.testing.assert_array_equal(one.held_out.pixels, other.held_out.pixels)
    held = {image.tobytes() for image in one.held_out.pixels}
    assert len(held) == 60 and not held & {image.tobytes() for image in other.train.pixels}
    assert len(one.train) == 300 and one.shape == (1, 28, 28)


def test_the_width_is_a_factor_on_any_kinds_filters() -> None:
    from engines.vision.training.sets import network

    data = load_training(spec())
    assert network(spec(kind="vgg", width=0.25), data).architecture["widths"] == [8, 16, 32, 32]
    assert network(spec(kind="vgg", widths=(4, 6)), data).architecture["widths"] == [4, 6]
    assert network(spec(kind="wideresnet", width=0.5), data).architecture["widen"] == 1
    assert network(spec(kind="gcnn", width=0.5), data).architecture["width"] == 0.5
    assert network(spec(kind="bncnn", kernel=3), data).architecture["kernel"] == 3


def test_measuring_gives_every_figure_and_can_write_them(tmp_path: Path) -> None:
    place = tmp_path / "net.safetensors"
    run(spec(save_as=str(place), epochs=6, limit=0))
    settings = MeasureSpec(
        weights=str(place), data="digits", images=200, attacked=40, eps=(0.02, 0.3), steps=5, write=True
    )
    metrics = run_job("vision.measure", settings).metrics
    assert metrics["images"] == 200 and metrics["attacked_images"] == 40
    assert metrics["clean_accuracy"] > 0.8
    assert metrics["clean_accuracy"] >= metrics["rotated_30"] >= metrics["rotated_180"]
    for kind in ("pgd5", "apgd"):
        assert metrics[f"{kind}_0.3"] <= metrics[f"{kind}_0.02"] <= metrics["clean_accuracy"] + 0.1
    assert metrics["apgd_0.3"] <= metrics["pgd5_0.3"] + 0.05
    card = read_card(place)
    assert card.metrics["clean_accuracy"] == metrics["clean_accuracy"] and "held_out_accuracy" in card.metrics
    assert run_job("vision.measure", settings.changed(write=False)).metrics == metrics
    load_weights(place)  # its hash still fits


def test_the_embedded_digits_are_matched_by_name_as_mnist_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "net.safetensors"
    run(spec(save_as=str(place), epochs=2))
    tensors, card = load_weights(place)
    save_weights(place, tensors, replace(card, classes=card.classes[::-1]))
    load = measure_module.load_pool
    monkeypatch.setattr(measure_module, "load_pool", lambda source, *args, **more: load("digits", *args, **more))
    settings = MeasureSpec(weights=str(place), data="mnist", images=5000, attacked=0, angles=())
    metrics = run_job("vision.measure", settings).metrics
    assert metrics["digits_images"] == metrics["images"]
    assert metrics["digits_accuracy"] == metrics["clean_accuracy"] < 0.3


def test_measuring_on_foreign_classes_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "net.safetensors"
    run(spec(save_as=str(place), epochs=1))
    with pytest.raises(UserError, match="has a class that"):
        run_job("vision.measure", MeasureSpec(weights=str(place), data="photos", images=10, attacked=0))


def test_attack_strengths_are_named_as_people_say_them() -> None:
    assert [eps_text(e) for e in (8 / 255, 2 / 255, 0.1, 0.3, 0.031)] == ["8/255", "2/255", "0.1", "0.3", "0.031"]


class TestShipping:
    @pytest.fixture(autouse=True)
    def small_table(self, monkeypatch: pytest.MonkeyPatch) -> None:
        table = {
            "mnist-one": ("One", {**SMALL, "epochs": 2}),
            "mnist-two": ("Two", {**SMALL, "epochs": 2, "start_from": "mnist-one"}),
            "cifar-three": ("Three", {**SMALL, "epochs": 1}),
        }
        monkeypatch.setattr(shipped, "TABLE", table)
        find_job("vision.ship")

        def quickly(settings: MeasureSpec, ctx: LocalContext) -> None:
            changes = {"data": "digits", "images": 40, "attacked": 5, "eps": (0.1,), "steps": 2, "strong": False}
            measure_module.measure(settings.changed(**changes), ctx)

        monkeypatch.setattr(ship_module, "measure", quickly)

    def test_each_is_written_with_its_title_and_skipped_the_next_time(self, tmp_path: Path) -> None:
        settings = ShipSpec(names="mnist", folder=str(tmp_path))
        result = run_job("vision.ship", settings)
        assert result.trained == ("mnist-one", "mnist-two") and result.accuracy.shape == (2,)
        card = read_card(tmp_path / "mnist-two.safetensors")
        assert card.metrics["images"] == 40 and "pgd2_0.1" in card.metrics and "held_out_accuracy" in card.metrics
        assert card.title == "Two" and card.command == "paper-workbench run vision.ship --set names=mnist-two"
        again = run_job("vision.ship", settings)
        assert again.trained == () and again.skipped == ("mnist-one", "mnist-two")
        assert run_job("vision.ship", settings.changed(names="mnist-one", redo=True)).trained == ("mnist-one",)

    def test_a_killed_run_goes_on_within_the_model_it_was_at(self, tmp_path: Path) -> None:
        whole = tmp_path / "whole"
        run_job("vision.ship", ShipSpec(names="mnist", folder=str(whole)))
        states: list[dict[str, Any]] = []
        context = LocalContext()

        def kill_in_the_second(state: dict[str, Any]) -> None:
            states.append(state)
            if state.get("name") == "mnist-two":
                context.cancel()

        context.on_checkpoint = kill_in_the_second
        part = ShipSpec(names="mnist", folder=str(tmp_path / "part"))
        with pytest.raises(Cancelled):
            run_job("vision.ship", part, context)
        assert states[-1]["trained"] == ["mnist-one"] and states[-1]["part"]["trainer"]["epochs_done"] == 1
        result = run_job("vision.ship", part, LocalContext(resume=states[-1]))
        assert result.trained == ("mnist-one", "mnist-two")
        one, other = (load_weights(f / "mnist-two.safetensors")[0] for f in (whole, tmp_path / "part"))
        assert all(torch.equal(one[name], other[name]) for name in one)

    def test_names_groups_and_mistakes(self) -> None:
        known = tuple(shipped.TABLE)
        assert _chosen("all", known) == known
        assert _chosen("cifar, mnist-one", known) == ("mnist-one", "cifar-three")
        for wrong in ("mnist-ten", "", "mnist,nonsense"):
            with pytest.raises(UserError, match="no shipped model"):
                _chosen(wrong, known)


def test_the_table_of_shipped_models_is_valid_and_covers_both_series() -> None:
    for name in shipped.TABLE:
        made = shipped.spec_of(name, seed=3)
        assert made.seed >= 3 and made.data == {"mnist": "mnist", "cifar": "cifar10"}[name.split("-")[0]]
        assert not made.start_from or list(shipped.TABLE).index(made.start_from) < list(shipped.TABLE).index(name)
    turned = {s.rotation for n in shipped.TABLE if (s := shipped.spec_of(n)).kind == "stdcnn"}
    attacked = {s.eps for n in shipped.TABLE if (s := shipped.spec_of(n)).adversarial != "none" and s.data == "mnist"}
    assert turned == {0.0, 60.0, 180.0} and attacked == {0.1, 0.2, 0.3}


def test_the_window_can_import_the_jobs_without_torch() -> None:
    code = (
        "import sys, engines.vision.jobs, engines.vision.results, engines.vision.spec; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_commands_on_cards_name_only_what_differs() -> None:
    said = train_module.command(TrainSpec(kind="vgg", widths=(4, 8), save_as="x.safetensors"))
    assert said == "paper-workbench run vision.train --set kind=vgg --set widths=4,8"
