"""The live desk: answers while a slider moves, latest wins, and a refusal ends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.asymmetric.images import EMBEDDED
from engines.asymmetric.snapshots import LiveAnatomy, LiveMorph, LiveNote, LiveRequest, LiveVerdict
from engines.asymmetric.spec import LiveSpec
from engines.core.weights import ModelCard
from engines.vision.nets.models import save_model
from tests.engines.asymmetric import trained
from tests.engines.asymmetric.desks import Desk


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder: Path = tmp_path_factory.mktemp("models")
    for name, net in (("bank", trained.bank()), ("plain", trained.classifier())):
        save_model(folder / name, net, ModelCard(name, topic="asymmetric", title=name, data=EMBEDDED))
    path = {name: str(folder / f"{name}.safetensors") for name in ("bank", "plain")}
    return {"detectors": path["bank"], "rival": path["plain"], "classifier": path["plain"]}


@pytest.fixture
def desk(models: dict[str, str]) -> Iterator[Desk]:
    with Desk("asymmetric.live", LiveSpec()) as running:
        yield running


def of(generation: int, kind: type, final: bool = False) -> Any:
    return lambda s: isinstance(s, kind) and s.generation == generation and (not final or s.final)


def test_a_sample_is_judged_and_then_again_with_thresholds(desk: Desk, models: dict[str, str]) -> None:
    desk.ask(LiveRequest("sample", 1, target=4, **models))
    verdict: LiveVerdict = desk.wait(of(1, LiveVerdict))
    assert verdict.label == 4 and verdict.image.shape == (1, 8, 8) and verdict.z.shape == verdict.f.shape == (10,)
    settled = desk.wait(lambda s: isinstance(s, LiveVerdict) and np.isfinite(s.threshold).all())
    assert settled.generation == 1
    desk.ask(LiveRequest("judge", 2, image=verdict.image, **models))
    again = desk.wait(of(2, LiveVerdict))
    assert np.allclose(again.z, verdict.z) and np.isfinite(again.threshold).all()


def test_a_morph_ends_where_the_attack_does_with_its_frames_and_trace(desk: Desk, models: dict[str, str]) -> None:
    image = trained.images(20)[0][3].numpy()
    desk.ask(LiveRequest("morph", 1, image=image, target=7, eps=0.2, steps=40, step_size=0.0, **models))
    end: LiveMorph = desk.wait(of(1, LiveMorph, final=True))
    for track in (end.detectors, end.rival):
        assert len(track.frames) == len(track.steps) == 21 and track.steps[-1] == 40 and len(track.trace) == 40
        assert np.abs(track.frames - image).max() <= 0.2 + 1e-6
        assert track.logit[-1] > track.logit[0] and np.isclose(track.trace[0], track.logit[0], atol=1e-4)
    assert end.detectors.title == "bank" and end.rival.title == "plain"


def test_a_newer_request_replaces_the_one_under_way(desk: Desk, models: dict[str, str]) -> None:
    desk.ask(LiveRequest("morph", 1, target=1, steps=20_000, **models))
    desk.wait(of(1, LiveMorph))
    desk.ask(LiveRequest("morph", 2, target=2, steps=20, **models))
    assert desk.wait(of(2, LiveMorph, final=True)).target == 2
    first_of_2 = next(i for i, s in enumerate(desk.shots) if s.generation == 2)
    assert all(s.generation == 2 for s in desk.shots[first_of_2:])


@pytest.mark.parametrize(("kind", "steps"), [("noise", 20), ("rubbish", 40)])
def test_noise_becomes_the_target(desk: Desk, models: dict[str, str], kind: str, steps: int) -> None:
    desk.ask(LiveRequest(kind, 1, target=3, eps=6.0, steps=steps, step_size=0.3, **models))
    end: LiveMorph = desk.wait(of(1, LiveMorph, final=True))
    assert end.kind == kind and end.detectors.named[-1] == 3
    assert end.detectors.frames.min() >= 0 and end.detectors.frames.max() <= 1
    if kind == "noise":
        length = np.linalg.norm(end.detectors.frames[-1] - end.image)
        assert length <= 6.0 + 1e-4


def test_the_anatomy_fills_and_the_curve_does_not_rise(desk: Desk, models: dict[str, str]) -> None:
    desk.ask(LiveRequest("anatomy", 1, target=5, eps=0.2, steps=20, count=30, **models))
    first = desk.wait(of(1, LiveAnatomy))
    assert np.isnan(first.attacked).all() and first.natural.mean() > first.others.mean()
    end = desk.wait(of(1, LiveAnatomy, final=True))
    assert np.isfinite(end.attacked).all() and (end.attacked >= end.others - 1e-3).mean() > 0.95
    assert np.isfinite(end.auc).all() and end.auc[-1] <= end.auc[0] + 0.02


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "dance"},
        {"kind": "morph", "target": 10},
        {"kind": "morph", "eps": -1.0},
        {"kind": "morph", "eps": float("nan"), "step_size": 0.1},
        {"kind": "judge", "image": np.zeros((1, 3, 3), np.float32)},
        {"kind": "judge", "image": np.full((1, 8, 8), np.nan, np.float32)},
        {"kind": "judge", "detectors": "nobody"},
    ],
)
def test_what_is_wrong_is_answered_and_ends_nothing(desk: Desk, models: dict[str, str], wrong: dict[str, Any]) -> None:
    desk.ask(LiveRequest(**{"generation": 1, **models, **wrong}))
    assert desk.wait(of(1, LiveNote)).note
    desk.ask(LiveRequest("sample", 2, **models))
    assert desk.wait(of(2, LiveVerdict)).label == 0
