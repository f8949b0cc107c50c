"""The toy theatre: target sets, and check 9.8 with a reduced budget."""

from __future__ import annotations

import numpy as np
import pytest

from engines.asymmetric.jobs.toy import _CHANGEABLE
from engines.asymmetric.method import Ascent
from engines.asymmetric.snapshots import TheatreRequest, ToySnapshot
from engines.asymmetric.spec import TheatreSpec, ToySpec
from engines.asymmetric.toy_sets import target_set
from engines.asymmetric.toys import MARGIN, Theatre, ToySettings, negative_set
from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, run_job
from tests.engines.asymmetric.desks import Desk

SQUARE = (0.1, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9, 0.5, 0.5)


@pytest.mark.slow
def test_9_8_exp_z_on_the_line_gathers_at_the_modes() -> None:
    points = target_set("density", 500, np.random.default_rng(0))
    theatre = Theatre(
        points, ToySettings(Ascent(0.4, 10, 0.05, random_start=True), 1e-3, 128, 0), width=100, layers=3, seed=0
    )
    before = theatre.mass()
    for _ in range(1200):
        theatre.step()
    assert before < 0.2
    assert theatre.mass() > 0.9
    model, truth = theatre.density(1000)
    x = (np.arange(1000) + 0.5) / 1000
    assert model.mean() == pytest.approx(1, abs=1e-3) and truth.mean() == pytest.approx(1, abs=1e-2)
    for mode in (0.4, 0.6):  # a peak close to each mode
        near = np.abs(x - mode) < 0.1
        assert x[near][model[near].argmax()] == pytest.approx(mode, abs=0.015)


@pytest.mark.slow
def test_9_8_noise_lands_on_the_plane_set_after_asymmetrical_training_and_not_after_plain() -> None:
    points = target_set("ring", 1000, np.random.default_rng(0))
    theatre = Theatre(points, ToySettings(Ascent(0.5, 10, 0.05, random_start=True), 2e-3, 128, 200), seed=0)
    for _ in range(200):
        theatre.step()
    assert theatre.losses[-1] < 0.05  # plain training has long solved its task
    assert theatre.landed(theatre.ascend(500)[-1]) < 0.1
    for _ in range(1400):
        theatre.step()
    assert theatre.landed(theatre.ascend(500)[-1]) > 0.9


@pytest.mark.parametrize("name", ["ring", "grid", "spirals", "checkerboard", "drawn"])
def test_sets_lie_in_the_middle_and_negatives_around_them(name: str) -> None:
    rng = np.random.default_rng(1)
    points = target_set(name, 400, rng, SQUARE)
    assert points.shape == (400, 2) and points.dtype == np.float32
    assert points.min() > 0.15 and points.max() < 0.85
    negatives = negative_set(points, 300, rng)
    low, high = points.min(0) - MARGIN, points.max(0) + MARGIN
    assert negatives.shape == (300, 2) and not ((negatives > low) & (negatives < high)).all(1).any()
    assert negatives.min() >= 0 and negatives.max() <= 1


def test_a_drawing_keeps_its_form_and_a_bad_one_is_refused() -> None:
    points = target_set("drawn", 2000, np.random.default_rng(0), (0.0, 0.0, 1.0, 0.0, 0.5, 0.25))
    width, height = points.max(0) - points.min(0)
    assert height / width == pytest.approx(0.25, abs=0.05)
    for bad in ((), (0.1, 0.2, 0.3), (0.1, float("nan"), 0.2, 0.2, 0.3, 0.3)):
        with pytest.raises(UserError, match="drawn points"):
            target_set("drawn", 10, np.random.default_rng(0), bad)
    with pytest.raises(UserError, match="no target set"):
        target_set("moons", 10, np.random.default_rng(0))


def test_negatives_on_the_line_keep_off_the_middle() -> None:
    negatives = negative_set(target_set("density", 50, np.random.default_rng(0)), 500, np.random.default_rng(0))
    assert ((negatives < 0.3) | (negatives > 0.7)).all() and (negatives < 0.3).any() and (negatives > 0.7).any()


def test_the_job_publishes_what_the_stage_draws_and_ends_with_an_ascent() -> None:
    shots: list[ToySnapshot] = []
    spec = ToySpec(updates=60, plain=20, width=16, points=100, noise=50, grid=16)
    result = run_job("asymmetric.toy", spec, LocalContext(on_snapshot=lambda s, keep: shots.append(s)))
    assert len(result.losses) == 60 and result.heat.shape == (16, 16) and result.ascent.shape[1:] == (50, 2)
    assert 0 <= result.share <= 1 and 0 <= result.plain_share <= 1 and np.isnan(result.mass)
    last = shots[-1]
    assert last.update == 60 and last.ascent is not None and last.share == result.share
    assert last.negatives.shape == (11, 100, 2) and last.points.shape == (100, 2)
    assert set(result.to_tables()) == {"result", "loss"}


def test_eps_0_stays_a_plain_classifier_and_swims_nowhere() -> None:
    shots: list[ToySnapshot] = []
    spec = ToySpec(updates=30, plain=5, eps=0.0, width=16, points=60, noise=10)
    run_job("asymmetric.toy", spec, LocalContext(on_snapshot=lambda s, keep: shots.append(s)))
    assert {s.phase for s in shots} == {"plain"}
    assert (shots[-1].negatives == shots[-1].negatives[0]).all()


def test_a_toy_can_be_cancelled() -> None:
    ctx = LocalContext()
    ctx.on_progress = lambda done, total, text: ctx.cancel()
    with pytest.raises(Cancelled):
        run_job("asymmetric.toy", ToySpec(updates=100_000, width=16, points=60), ctx)


SMALL = {"width": 16, "points": 100, "updates": 100_000, "grid": 16}


def test_the_theatre_trains_while_eps_moves_and_ascends_on_demand() -> None:
    with Desk("asymmetric.theatre", TheatreSpec()) as desk:
        desk.ask(TheatreRequest("start", 1, dict(SMALL)))
        desk.wait(lambda s: s.update > 5)
        desk.ask(TheatreRequest("change", 2, {"eps": 0.1}))
        changed = desk.wait(lambda s: s.generation == 2)
        assert changed.eps == pytest.approx(0.1) and changed.update > 5
        further = desk.wait(lambda s: s.generation == 2 and s.update > changed.update)
        assert further.is_running
        desk.ask(TheatreRequest("ascend", 3, count=30))
        landed = desk.wait(lambda s: s.generation == 3 and s.ascent is not None)
        assert landed.ascent.shape[1:] == (30, 2) and 0 <= landed.share <= 1
        desk.ask(TheatreRequest("pause", 4))
        assert not desk.wait(lambda s: s.generation == 4).is_running


def test_the_theatre_answers_what_is_wrong_and_goes_on() -> None:
    with Desk("asymmetric.theatre", TheatreSpec()) as desk:
        for generation, request in enumerate(
            (
                TheatreRequest("dance", 1),
                TheatreRequest("ascend", 2),
                TheatreRequest("start", 3, {"eps": 7.0}),
                TheatreRequest("start", 4, {"target": "drawn"}),
                TheatreRequest("change", 5, {"width": 8}),
            ),
            1,
        ):
            desk.ask(request)
            assert desk.wait(lambda s, g=generation: s.generation == g and bool(s.note)).note
        desk.ask(TheatreRequest("start", 9, dict(SMALL)))
        assert desk.wait(lambda s: s.generation == 9 and s.update > 0).note == ""
    assert "eps" in _CHANGEABLE
