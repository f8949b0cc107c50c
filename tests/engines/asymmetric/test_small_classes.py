"""Classes with no image or few of them, and data of one class: refused before the work, and no session ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines.asymmetric.images import EMBEDDED, FEWEST, members_of, training_images
from engines.asymmetric.images import test_images as images_to_test
from engines.asymmetric.jobs.bench import calibration
from engines.asymmetric.morph import class_noise
from engines.asymmetric.setting import Loaded, images_for, load_bank
from engines.asymmetric.snapshots import LiveMorph, LiveNote, LiveRequest, LiveVerdict
from engines.asymmetric.spec import LiveSpec, TrainSpec
from engines.core.errors import UserError
from engines.core.job import LocalContext, run_job
from engines.core.weights import ModelCard
from engines.vision.nets.models import save_model
from engines.vision.nets.zoo import build
from tests.engines.asymmetric.desks import Desk

SIDE = 8


def folder(root: Path, **counts: int) -> str:
    """A folder with so many pictures of noise in each class."""
    rng = np.random.default_rng(0)
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(rng.integers(0, 255, (SIDE, SIDE)).astype(np.uint8)).save(root / name / f"{i}.png")
    return str(root)


@pytest.fixture
def bank(tmp_path: Path) -> dict[str, str]:
    """Two untrained detectors and a classifier of the same images."""
    shape = (1, SIDE, SIDE)
    card = ModelCard("two", topic="asymmetric", classes=("a", "b"), metrics={"eps": 0.1})
    save_model(tmp_path / "two", build({"kind": "detectors", "filters": [], "hidden": [8], "input_shape": shape,
                                        "classes": 2}, seed=0), card)  # fmt: skip
    save_model(tmp_path / "f", build({"kind": "mlp", "hidden": (8,), "input_shape": shape, "classes": 2}, seed=0),
               ModelCard("f", topic="asymmetric", classes=("a", "b")))  # fmt: skip
    other = str(tmp_path / "f.safetensors")
    return {"detectors": str(tmp_path / "two.safetensors"), "classifier": other, "rival": other}


@pytest.mark.parametrize("count", range(1, FEWEST))
def test_a_class_too_small_to_be_parted_is_refused_before_the_training(tmp_path: Path, count: int) -> None:
    source = folder(tmp_path / "data", a=10, b=count)
    updates: list[str] = []
    ctx = LocalContext(on_progress=lambda done, total, text: updates.append(text))
    spec = TrainSpec(data=source, side=SIDE, epochs=1, updates=1, steps=1, validation_steps=1, companions=False)
    with pytest.raises(UserError, match=rf"too few readable pictures of b \({count}\)"):
        run_job("asymmetric.train", spec, ctx)
    assert updates == ["Reading images"]


def test_the_fewest_pictures_are_enough_for_all_three_parts(tmp_path: Path) -> None:
    source = folder(tmp_path, a=10, b=FEWEST)
    parts = training_images(source, side=SIDE)
    for pool in (parts.train, parts.validation, images_to_test(source, (1, SIDE, SIDE), 0)):
        assert pool.present == (0, 1)


def test_an_empty_folder_is_no_class_and_one_class_is_too_few(tmp_path: Path) -> None:
    assert training_images(folder(tmp_path / "x", a=10, b=10, c=0), side=SIDE).classes == ("a", "b")
    for split in (lambda s: training_images(s, side=SIDE), lambda s: images_to_test(s, (1, SIDE, SIDE), 0)):
        with pytest.raises(UserError, match="has 1 class, and a bank needs at least two"):
            split(folder(tmp_path / str(id(split)), a=10, b=0))


def test_a_limit_is_even_over_the_classes_and_refused_where_it_leaves_none(tmp_path: Path) -> None:
    source = folder(tmp_path, a=60, b=6)
    parts = training_images(source, side=SIDE, limit=8)
    assert np.bincount(np.concatenate([parts.train.labels, parts.validation.labels])).tolist() == [4, 4]
    with pytest.raises(UserError, match="at most 2 images"):
        training_images(source, side=SIDE, limit=2)


def test_images_of_a_folder_do_not_come_class_by_class(tmp_path: Path) -> None:
    """Whoever takes the first ones, as a reader or a calibration does, meets every class."""
    train = training_images(folder(tmp_path, a=40, b=40), side=SIDE).train
    assert set(train.labels[:12].tolist()) == {0, 1}


def test_a_class_without_images_is_named() -> None:
    pool = images_to_test(EMBEDDED, (1, 8, 8), 0)
    few = pool.take(np.flatnonzero(pool.labels != 4))
    with pytest.raises(UserError, match="holds no image of 4"):
        members_of(few, 4)
    with pytest.raises(ValueError, match="at least one image"):
        class_noise(few.images[:0], 1, np.random.default_rng(0))


@pytest.mark.parametrize("counts", [{"a": 12, "b": 1}, {"a": 12, "b": 0}])
@pytest.mark.parametrize("kind", ["noise", "sample", "anatomy"])
def test_a_session_answers_a_small_class_and_goes_on(
    tmp_path: Path, bank: dict[str, str], kind: str, counts: dict[str, int]
) -> None:
    bad, good = folder(tmp_path / "bad", **counts), folder(tmp_path / "good", a=12, b=12)
    with Desk("asymmetric.live", LiveSpec()) as desk:
        desk.ask(LiveRequest(kind, 1, target=1, data=bad, steps=2, eps=0.1, **bank))
        note = desk.wait(lambda s: s.generation == 1)
        assert isinstance(note, LiveNote) and note.note, note
        desk.ask(LiveRequest("noise", 2, target=1, data=good, steps=2, eps=0.1, step_size=0.05, **bank))
        end: Any = desk.wait(lambda s: isinstance(s, LiveMorph) and s.generation == 2 and s.final)
        assert np.isfinite(end.detectors.frames).all()
        desk.ask(LiveRequest("sample", 3, target=1, data=good, **bank))
        assert desk.wait(lambda s: isinstance(s, LiveVerdict) and s.generation == 3).label == 1


def test_pictures_of_other_things_are_refused_even_where_there_are_as_many_classes(
    tmp_path: Path, bank: dict[str, str]
) -> None:
    loaded = load_bank(bank["detectors"], folder(tmp_path / "things", cat=10, dog=10), "cpu")
    with pytest.raises(UserError, match="shows cat, dog …, these detectors know a, b"):
        images_for(loaded, 4, 0)
    assert isinstance(loaded, Loaded)
    same = load_bank(bank["detectors"], folder(tmp_path / "same", A=10, b=10), "cpu")
    assert len(images_for(same, 4, 0)) == 4 and len(calibration(same, 0.05, lambda: None)) == 2
