"""The live session: the part under the hand first, coarse before fine, and nothing that ends it but its close."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.core.errors import Cancelled
from engines.core.job import LocalContext, run_job
from engines.core.weights import ModelCard
from engines.invariance.jobs.live import grids
from engines.invariance.snapshots import InspectRequest, LiveRequest, LiveSnapshot, SliceRequest
from engines.invariance.spec import LiveSpec
from engines.vision.images import load_pool
from engines.vision.nets.models import save_model
from engines.vision.nets.zoo import build


class Talk:
    """A session in a thread of its own, spoken to as a panel does."""

    def __init__(self) -> None:
        self.heard: list[LiveSnapshot] = []
        self._changed = threading.Condition()
        self.ctx = LocalContext(on_snapshot=self._hear)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with contextlib.suppress(Cancelled):
            run_job("invariance.live", LiveSpec(device="cpu"), self.ctx)

    def _hear(self, snapshot: Any, keep: bool) -> None:
        with self._changed:
            self.heard.append(snapshot)
            self._changed.notify_all()

    def ask(self, request: LiveRequest) -> list[LiveSnapshot]:
        """All answers to a request, the last one done."""
        self.ctx.request(request)
        return self.answers(request.generation)

    def answers(self, generation: int) -> list[LiveSnapshot]:
        def mine() -> list[LiveSnapshot]:
            return [s for s in self.heard if s.generation == generation]

        with self._changed:
            assert self._changed.wait_for(lambda: any(s.done for s in mine()), timeout=120)
            return mine()

    def close(self) -> None:
        self.ctx.cancel()
        self.thread.join(timeout=60)
        assert not self.thread.is_alive()


@pytest.fixture
def talk() -> Iterator[Talk]:
    session = Talk()
    yield session
    session.close()


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return load_pool("digits", (1, 28, 28), 1, seed=2).images[0]


def test_the_dial_is_answered_at_the_angle_first_and_then_filled(
    talk: Talk, nets: dict[str, str], image: np.ndarray
) -> None:
    names = (nets["plain"], nets["group"])
    heard = talk.ask(LiveRequest(1, image, names, angle=90.0))
    first, last = heard[0].dial, heard[-1].dial
    assert first is not None and last is not None and heard[-1].done and not heard[0].done
    assert (first.now_classes >= 0).all() and (first.classes == -1).all()
    assert np.array_equal(first.turned, np.rot90(image, 1, (1, 2)))
    assert last.angles.tolist() == list(range(0, 361, 5)) and (last.classes >= 0).all()
    assert ((last.confidence > 0.1) & (last.confidence <= 1)).all() and np.array_equal(
        last.classes[:, 0], last.classes[:, -1]
    )
    assert np.array_equal(last.flips, last.classes != last.classes[:, :1]) and not last.flips[:, 0].any()
    at = list(last.angles).index(90.0)
    assert np.array_equal(last.classes[:, at], last.now_classes)
    assert np.allclose(last.confidence[:, at], last.now_confidence, atol=1e-5)
    again = talk.ask(LiveRequest(2, image, names, angle=37.0))
    assert again[0].dial is not None and (again[0].dial.classes == last.classes).all()  # kept from before


def test_an_equivariant_stage_turns_with_its_image_and_an_odd_size_breaks_it(
    talk: Talk, nets: dict[str, str], image: np.ndarray
) -> None:
    for turns in (1, 2, 3):
        (answer, *_) = talk.ask(LiveRequest(turns, image, (), inspect=InspectRequest(nets["group"], turns=turns)))
        seen = answer.inspection
        assert seen is not None and seen.group == 4 and seen.stage == "conv4" and seen.before.shape == (4, 4, 4)
        assert seen.is_equivariant and seen.relative < 1e-5
        assert np.allclose(seen.after, seen.expected, atol=1e-4)
        assert np.allclose(seen.expected, np.roll(np.rot90(seen.before, turns, (1, 2)), turns, 0), atol=1e-6)
    odd = talk.ask(LiveRequest(5, image, (), inspect=InspectRequest(nets["group"], odd=True)))[0].inspection
    assert odd is not None and odd.image.shape == (1, 29, 29) and not odd.is_equivariant and odd.relative > 0.01
    plain = talk.ask(LiveRequest(6, image, (), inspect=InspectRequest(nets["plain"], "conv1", 2)))[0].inspection
    assert plain is not None and plain.group == 1 and plain.channel == 2 and plain.before.shape == (1, 26, 26)
    assert not plain.is_equivariant and len(plain.stages) == 4


def test_a_slice_comes_coarse_first_then_with_its_arrow(talk: Talk, nets: dict[str, str], image: np.ndarray) -> None:
    wanted = SliceRequest(nets["plain"], extent=5.0, size=25)
    heard = talk.ask(LiveRequest(1, image, (), plane=wanted, first="slice"))
    planes = [snapshot.plane for snapshot in heard if snapshot.plane is not None]
    assert [len(p.classes) for p in planes] == [7, 7, 13, 25, 25]  # with its arrow; done
    assert np.isnan(planes[0].distance) and planes[-1].distance > 0
    middle = planes[-1].classes[12, 12]
    assert middle == planes[-1].label and planes[-1].extent == 5.0
    assert np.array_equal(planes[-1].classes[::4, ::4], planes[0].classes)
    # DeepFool's way is the shortest known: nothing nearer within the plane is called something else.
    line = np.linspace(-5, 5, 25)
    far = np.hypot(*np.meshgrid(line, line))
    assert (planes[-1].classes[far < 0.7 * planes[-1].distance] == middle).all()
    other = talk.ask(LiveRequest(2, image, (), plane=SliceRequest(nets["plain"], extent=2.0, size=25), first="slice"))
    assert other[0].plane is not None and other[0].plane.distance == planes[-1].distance  # the arrow is kept


@pytest.mark.parametrize("size", [5, 9, 25, 33, 41, 49, 97, 201])
def test_pictures_of_a_slice_begin_with_few_points_and_end_with_all(size: int) -> None:
    sizes = grids(size)
    assert sizes == sorted(set(sizes)) and sizes[-1] == size and sizes[0] < 14 and all(n % 2 for n in sizes)
    if size in (25, 33, 49, 97):  # nothing is asked twice
        assert all((b - 1) % (a - 1) == 0 for a, b in itertools.pairwise(sizes))


def test_the_newest_request_takes_over_and_each_one_shows_something(
    talk: Talk, nets: dict[str, str], image: np.ndarray
) -> None:
    for generation in range(1, 30):
        talk.ctx.request(LiveRequest(generation, image, (nets["plain"], nets["group"]), angle=generation * 7.0))
    heard = talk.answers(29)
    assert heard[-1].done and heard[-1].dial is not None and (heard[-1].dial.classes >= 0).all()
    assert [s.generation for s in talk.heard] == sorted(s.generation for s in talk.heard)


def test_what_is_wrong_is_said_and_ends_nothing(
    talk: Talk, nets: dict[str, str], image: np.ndarray, tmp_path: Path
) -> None:
    save_model(tmp_path / "colour", build({"kind": "bncnn", "input_shape": (3, 32, 32)}, seed=0), ModelCard("c"))
    save_model(tmp_path / "dense", build({"kind": "mlp", "hidden": (8,)}, seed=0), ModelCard("d"))
    colour, dense = str(tmp_path / "colour.safetensors"), str(tmp_path / "dense.safetensors")
    dial = talk.ask(LiveRequest(1, image, ("nobody-has-this", colour, nets["plain"])))[-1].dial
    assert dial is not None and [name for name, _ in dial.problems] == ["nobody-has-this", colour]
    assert (dial.classes[:2] == -1).all() and (dial.classes[2] >= 0).all()
    for number, (changes, said) in enumerate(
        [
            ({"image": image.astype(np.float64)}, "expected an image float32"),
            ({"image": image * 2}, "pixels in"),
            ({"image": image * np.float32("nan")}, "pixels in"),
            ({"dial_points": 7}, "points round the dial"),
            ({"inspect": InspectRequest(dense)}, "no feature maps"),
            ({"inspect": InspectRequest(nets["plain"], "conv9")}, "no feature maps"),
            ({"inspect": InspectRequest(nets["plain"], channel=99)}, "a channel from 0"),
            ({"inspect": InspectRequest(colour)}, "takes images"),
            ({"plane": SliceRequest(colour)}, "takes images"),
            ({"plane": SliceRequest(nets["plain"], extent=-1.0)}, "expected an extent"),
        ],
        2,
    ):
        values: dict[str, Any] = {"image": image, "models": (nets["plain"],), **changes}
        heard = talk.ask(LiveRequest(number, **values))
        assert heard[-1].done and any(said in note for note in heard[-1].notes), said


def test_closing_ends_a_session_that_is_at_work(nets: dict[str, str], image: np.ndarray) -> None:
    session = Talk()
    session.ctx.request(LiveRequest(1, image, tuple(nets.values()), plane=SliceRequest(nets["group"], size=201)))
    with session._changed:
        assert session._changed.wait_for(lambda: bool(session.heard), timeout=60)
    session.close()
