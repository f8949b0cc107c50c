"""The live session: what it answers, in which order, and what it does when a newer request comes."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from engines.core.job import LocalContext, run_job
from engines.transfer.jobs.live import LiveSession
from engines.transfer.method import scaled_losses
from engines.transfer.snapshots import LiveRequest, LiveSnapshot
from engines.transfer.spec import LiveSpec
from engines.vision.attacks.recipe import recipe_named
from engines.vision.images import load_pool

RECIPE = recipe_named("SI-NI-FGSM", eps=0.2, steps=4, copies=3)


@pytest.fixture
def image() -> np.ndarray:
    return load_pool("digits", (1, 28, 28), 3, seed=1).images[0]


class Bench:
    """A session without its loop: requests are answered here and now."""

    def __init__(self, **spec: Any) -> None:
        self.shots: list[LiveSnapshot] = []
        self.ctx = LocalContext(on_snapshot=lambda shot, keep: self.shots.append(shot))
        self.session = LiveSession(LiveSpec(**{"sample": 6, "data": "digits", "first_look_ms": 0, **spec}), self.ctx)

    def ask(self, request: LiveRequest) -> LiveSnapshot:
        self.shots.clear()
        self.session.begin(request)
        while not self.session.is_idle:
            self.session.go_on()
        return self.shots[-1]


def test_the_answer_has_every_part_and_the_walk_comes_first(models: str, image: np.ndarray) -> None:
    bench = Bench()
    last = bench.ask(LiveRequest(7, image, "small-cnn", ("small-bn", "small-mlp"), RECIPE, plane_size=17))
    assert last.done and last.generation == 7 and not last.notes
    first = bench.shots[0]
    assert first.walk is not None and first.perturbation is not None and first.plane is None and first.scales is None
    assert first.verdicts is not None and first.verdicts.models == ("small-cnn",)
    assert all(shot.generation == 7 for shot in bench.shots) and not bench.shots[-2].done

    walk, verdicts, plane, scales = last.walk, last.verdicts, last.plane, last.scales
    assert walk is not None and verdicts is not None and plane is not None and scales is not None
    assert walk.title == "SI-NI-FGSM" and walk.passes == 12 and walk.shrink == 1
    assert walk.x.shape == (5, 1, 28, 28) and walk.copies.shape == (4, 3, 1, 28, 28)
    assert np.array_equal(walk.x[0], image) and np.abs(walk.x - image).max() <= 0.2 + 1e-6
    np.testing.assert_allclose(walk.copies.sum(1), walk.gradient, atol=1e-5)
    assert walk.reach[0] == 0 and walk.reach[-1] > 1 and not walk.vanished.any()
    # One step: x_{t+1} = clip(x_t + a·sign(g)), so each part really belongs to the others.
    moved = np.clip(np.clip(walk.x[:-1] + walk.step_size * np.sign(walk.momentum), image - 0.2, image + 0.2), 0, 1)
    np.testing.assert_allclose(walk.x[1:], moved, atol=1e-6)

    assert verdicts.models == ("small-cnn", "small-bn", "small-mlp")
    assert verdicts.white_box.tolist() == [True, False, False]
    assert verdicts.named.shape == (3, 5) and np.array_equal(verdicts.labels, np.full(3, walk.label))
    assert verdicts.fooled[0, -1] and not verdicts.fooled[0, 0]
    assert verdicts.truth[0, -1] < verdicts.truth[0, 0]

    assert plane.loss.shape == (17, 17) and np.isfinite(plane.loss).all() and plane.step == 4
    assert plane.titles == ("SI-NI-FGSM", "SI-MI-FGSM")
    assert plane.path[0] == pytest.approx([0, 0]) and plane.path[-1, 1] == pytest.approx(0, abs=1e-4)
    assert plane.off[0] == 0 and plane.off[-1] == pytest.approx(0, abs=1e-4)
    assert plane.a[0] <= plane.path[:, 0].min() and plane.a[-1] >= plane.ahead[:, 0].max()
    np.testing.assert_allclose(plane.rival_ahead, plane.rival_path[:-1], atol=1e-5)  # MI looks nowhere

    assert scales.marks.tolist() == [1, 0.5, 0.25] and scales.count == 6
    assert np.isfinite(scales.image).all() and np.isfinite(scales.sample).all() and scales.image.shape == (3, 20)
    clean = -np.log(verdicts.truth[:, 0])
    np.testing.assert_allclose(scales.image[:, 9], clean, atol=1e-3)

    assert last.perturbation is not None and last.perturbation.linf <= 0.2 + 1e-6
    np.testing.assert_allclose(last.perturbation.delta, walk.x[-1] - image, atol=1e-6)


def test_literal_l1_makes_the_arrows_vanish(models: str, image: np.ndarray) -> None:
    literal = replace(RECIPE, normaliser="l1", copies=1)
    last = Bench().ask(LiveRequest(1, image, "small-cnn", recipe=literal, plane_size=5, scales=False))
    assert last.walk is not None and last.plane is not None and last.scales is None
    assert last.walk.reach.max() < 0.05
    np.testing.assert_allclose(last.plane.ahead, last.plane.path[:-1], atol=0.01)


def test_looking_at_another_step_costs_no_new_attack(
    models: str, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engines.transfer import walking

    made: list[int] = []
    real = walking.walked
    monkeypatch.setattr(walking, "walked", lambda *args: made.append(1) or real(*args))
    bench = Bench()
    request = LiveRequest(1, image, "small-cnn", ("small-bn",), RECIPE, plane_size=5)
    bench.ask(request)
    assert len(made) == 2  # the attack and its twin without the look-ahead
    other = bench.ask(replace(request, generation=2, step=2))
    assert len(made) == 2 and other.plane is not None and other.plane.step == 2
    bench.ask(replace(request, generation=3, recipe=replace(RECIPE, eps=0.1)))
    assert len(made) == 4


def test_a_target_class_is_approached(models: str, image: np.ndarray) -> None:
    strong = recipe_named("MI-FGSM", eps=0.5, steps=10)
    last = Bench().ask(LiveRequest(1, image, "small-cnn", recipe=strong, target_class=7, plane_size=0, scales=False))
    assert last.walk is not None and last.verdicts is not None and last.plane is None
    assert last.walk.aim == 7 and last.walk.title == "MI-FGSM (targeted)" and last.verdicts.named[0, -1] == 7
    assert last.walk.loss[-1] < last.walk.loss[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": ""}, "no source"),
        ({"source": "nobody"}, "nobody"),
        ({"label": 10}, "label from 0 to 9"),
        ({"target_class": 99}, "target class from 0 to 9"),
        ({"image": np.zeros((3, 28, 28), np.float32)}, "takes images"),
        ({"image": np.full((1, 28, 28), 2.0, np.float32)}, "pixels in"),
    ],
)
def test_what_is_wrong_with_a_request_is_answered_and_ends_nothing(
    models: str, image: np.ndarray, changes: dict[str, Any], said: str
) -> None:
    bench = Bench()
    request = LiveRequest(1, image, "small-cnn", recipe=RECIPE, plane_size=0, scales=False)
    last = bench.ask(replace(request, **changes))
    assert last.done and last.walk is None and said in last.notes[0]
    assert bench.ask(request).walk is not None


def test_a_target_that_cannot_be_asked_is_named_and_the_rest_answered(models: str, image: np.ndarray) -> None:
    last = Bench().ask(LiveRequest(1, image, "small-cnn", ("nobody", "small-mlp"), RECIPE, plane_size=0, scales=False))
    assert last.verdicts is not None and last.verdicts.models == ("small-cnn", "small-mlp")
    assert last.verdicts.problems[0][0] == "nobody"


def test_without_a_sample_the_curve_is_of_the_image(models: str, image: np.ndarray) -> None:
    last = Bench(sample=0).ask(LiveRequest(1, image, "small-cnn", recipe=RECIPE, plane_size=0))
    assert last.scales is not None and np.isnan(last.scales.sample).all() and "No sample" in last.notes[0]


def test_a_newer_request_takes_over_after_the_first_answer(models: str, image: np.ndarray) -> None:
    bench = Bench()
    request = LiveRequest(1, image, "small-cnn", ("small-bn",), RECIPE, plane_size=65)
    bench.session.begin(request)
    bench.ctx.request(replace(request, generation=2))
    bench.session.go_on()
    assert [shot.generation for shot in bench.shots] == [1]  # the first answer is always given
    while not bench.session.is_idle:
        bench.session.go_on()
    assert not bench.shots[-1].done
    newer = bench.session.next_request(0.0)
    assert newer is not None and newer.generation == 2
    assert bench.ask(newer).done and bench.shots[0].generation == 2


def test_a_long_attack_is_shown_with_fewer_iterations_first(models: str, image: np.ndarray) -> None:
    bench = Bench(first_look_ms=60)
    recipe = replace(RECIPE, steps=10)
    request = LiveRequest(1, image, "small-cnn", ("small-bn",), recipe, plane_size=0, scales=False)
    bench.ask(request)
    assert not bench.shots[0].preview, "how long it takes is not known yet"
    bench.session._step_s["small-cnn", 3] = 0.02  # As a residual network takes.
    last = bench.ask(replace(request, generation=2, recipe=replace(recipe, eps=0.3)))
    first = bench.shots[0]
    assert first.preview and first.walk is not None and first.walk.x.shape[0] == 4 and first.walk.passes == 9
    assert np.abs(first.walk.x[-1] - image).max() == pytest.approx(0.3, abs=1e-5), "as far as the whole attack goes"
    assert first.verdicts is not None and first.perturbation is not None and not first.done
    assert not last.preview and last.walk is not None and last.walk.x.shape[0] == 11 and last.done
    again = bench.ask(replace(request, generation=3, recipe=replace(recipe, eps=0.3)))
    assert not bench.shots[0].preview and again.walk is not None, "what is known needs no first look"


@pytest.mark.parametrize(
    ("each_s", "steps", "copies"), [(0.008, 10, 3), (0.02, 3, 3), (0.09, 1, 3), (0.5, 1, 1)]
)  # fmt: skip
def test_a_first_look_has_as_many_iterations_as_fit(
    models: str, image: np.ndarray, each_s: float, steps: int, copies: int
) -> None:
    bench = Bench(first_look_ms=60)
    fixed = replace(RECIPE, steps=10, step_policy="fixed", alpha=0.01)
    source = bench.session._source("small-cnn")
    bench.session._step_s["small-cnn", 3] = each_s
    quick = bench.session._first_look(fixed, source)
    if steps == 10:
        assert quick is None
    else:
        assert quick is not None and (quick.steps, quick.copies) == (steps, copies)
        assert quick.alpha * quick.steps == pytest.approx(0.1)


def test_a_newer_request_ends_an_attack_after_its_first_look(models: str, image: np.ndarray) -> None:
    bench = Bench(first_look_ms=60)
    bench.session._step_s["small-cnn", 3] = 0.1
    request = LiveRequest(1, image, "small-cnn", recipe=RECIPE, plane_size=0, scales=False)
    bench.session.begin(request)
    bench.ctx.request(replace(request, generation=2))
    while not bench.session.is_idle:
        bench.session.go_on()
    assert [shot.preview for shot in bench.shots] == [True]
    newer = bench.session.next_request(0.0)
    assert newer is not None and newer.generation == 2


def test_the_scale_curve_comes_model_by_model_and_of_few_images_first(models: str, image: np.ndarray) -> None:
    bench = Bench(sample=40)
    request = LiveRequest(1, image, "small-cnn", ("small-bn", "small-mlp"), RECIPE, plane_size=65)
    last = bench.ask(request)
    curves = [shot.scales for shot in bench.shots if shot.scales is not None]
    known = [(np.isfinite(c.image).all(1).sum(), np.isfinite(c.sample).all(1).sum(), c.count) for c in curves]
    assert known[0] == (1, 0, 0) and (3, 1, 8) in known, "one model, then few images"
    coarse = next(i for i, shot in enumerate(bench.shots) if shot.plane is not None and len(shot.plane.a) == 65)
    shown = bench.shots[coarse].scales
    assert shown is not None and shown.count == 8, "the sample does not wait for the fine slice"
    assert last.scales is not None and last.scales.count == 40
    alone = Bench(sample=40)
    x, pool = alone.session._sample((1, 28, 28))
    model = alone.session.model("small-mlp")
    y = torch.from_numpy(pool.labels_for(model.classes))
    np.testing.assert_allclose(last.scales.sample[2], scaled_losses(model.net, x, y, RECIPE.pivot), rtol=1e-4)


def test_the_job_answers_until_it_is_closed(models: str, image: np.ndarray) -> None:
    from engines.core.errors import Cancelled

    done, shots = threading.Event(), []

    def hear(shot: LiveSnapshot, keep: bool) -> None:
        shots.append(shot)
        if shot.done:
            done.set()

    ctx = LocalContext(on_snapshot=hear)
    ended: list[BaseException] = []

    def run() -> None:
        try:
            run_job("transfer.live", LiveSpec(sample=0), ctx)
        except Cancelled as stop:
            ended.append(stop)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        for generation in (1, 2):
            done.clear()
            ctx.request(LiveRequest(generation, image, "small-cnn", recipe=RECIPE, plane_size=5))
            assert done.wait(60)
            assert shots[-1].generation == generation
    finally:
        ctx.cancel()
        thread.join(20)
    assert not thread.is_alive() and len(ended) == 1


def test_large_images_are_shown_shrunk() -> None:
    from engines.transfer.walking import _shrunk

    images = torch.arange(2 * 3 * 1 * 4 * 5, dtype=torch.float32).view(2, 3, 1, 4, 5)
    small = _shrunk(images, 2)
    assert small.shape == (2, 3, 1, 2, 3)
    assert small[0, 0, 0, 0, 0] == pytest.approx(float(images[0, 0, 0, :2, :2].mean()))
    assert small[1, 2, 0, 1, 2] == pytest.approx(float(images[1, 2, 0, 2:, 4:].mean()))
