"""One image under the hand ("transfer.live"): the attack step by step, everybody's verdict, the look-ahead microscope
and the scale curve.

A request is answered in pieces, dearest last; each is published. Once something was published, a newer request takes
over, so that a dragged slider always sees answers and never waits for what it does not need. An attack that would take
too long for a hand on a slider is shown with fewer iterations first, which is said.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.transfer.jobs.jury import Jury
from engines.transfer.setting import JOINED, Source
from engines.transfer.snapshots import LiveRequest, LiveSnapshot, ScaleCurve
from engines.transfer.spec import LiveSpec

if TYPE_CHECKING:
    from torch import Tensor

    from engines.transfer.walking import Walked
    from engines.vision.attacks.recipe import Recipe
    from engines.vision.nets.models import Model

_IDLE_S: Final = 0.25
_COARSE: Final = 13
"""Points a side of the first picture of the plane."""
_FIRST_IMAGES: Final = 8
"""Images of the first scale curve of the sample; each further curve is of four times as many."""
_WORTH: Final = 1.5
"""A first look is given only where the attack takes so many times longer, or it would delay more than it helps."""
_WALKS_KEPT: Final = 6
_CURVES_KEPT: Final = 200
_LEAST_PLANE, _MOST_PLANE = 5, 129


class _NewerError(Exception):
    """A newer request has come while one was being answered."""


@job("transfer.live", LiveSpec, title="Live attack on one image", session=True)
def live(spec: LiveSpec, ctx: JobContext) -> None:
    """Attack one image as requests come, until the session is closed."""
    session = LiveSession(spec, ctx)
    while True:
        request = session.next_request(_IDLE_S if session.is_idle else 0.0)
        if request is not None:
            session.begin(request)
        session.go_on()
        ctx.check()


class LiveSession:
    """What lives between requests: loaded models, recent attacks, curves, and the sample for the scale curve."""

    def __init__(self, spec: LiveSpec, ctx: JobContext) -> None:
        self.spec, self.ctx = spec, ctx
        self._models: OrderedDict[str, Model | str] = OrderedDict()
        self._walks: OrderedDict[tuple[Any, ...], Walked] = OrderedDict()
        self._curves: OrderedDict[tuple[Any, ...], np.ndarray] = OrderedDict()
        self._samples: dict[tuple[int, ...], tuple[Tensor, Any] | str] = {}
        self._step_s: dict[tuple[str, int], float] = {}  # seconds an iteration by (source, copies), as last measured
        self._pending: LiveRequest | None = None
        self._work: Iterator[None] | None = None
        self._answer = LiveSnapshot(0, done=True)
        self._curve: ScaleCurve | None = None
        self._has_shown = False
        self._started = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to do for the newest request."""
        return self._work is None

    def next_request(self, timeout_s: float) -> LiveRequest | None:
        """The newest request not yet begun, or None."""
        found, self._pending = self._pending, None
        return found or self.ctx.latest_request(timeout_s)

    def begin(self, request: LiveRequest) -> None:
        """Take a request over from the one under way."""
        self._started, self._has_shown = time.perf_counter(), False
        self._answer = LiveSnapshot(request.generation)
        self._work = self._pieces(request)

    def go_on(self) -> None:
        """Do the next piece of work, if there is one. What is wrong with a request is answered, and ends nothing."""
        if self._work is None:
            return
        try:
            next(self._work)
        except StopIteration:
            self._work = None
            self._publish(done=True)
        except _NewerError:
            self._work = None
        except UserError as error:
            self._work = None
            self._publish(done=True, notes=(*self._answer.notes, str(error)))

    def _check(self) -> None:
        """Stops a piece of work for a newer request, once something of the present one was shown."""
        self.ctx.check()
        if self._has_shown and self._pending is None:
            self._pending = self.ctx.latest_request(0.0)
        if self._has_shown and self._pending is not None:
            raise _NewerError

    def _publish(self, **changes: Any) -> None:
        self._answer = replace(self._answer, **changes, milliseconds=(time.perf_counter() - self._started) * 1000)
        self._has_shown = True
        self.ctx.publish(self._answer)

    def _pieces(self, request: LiveRequest) -> Iterator[None]:
        import torch

        from engines.transfer.walking import Microscope, perturbation

        source = self._source(request.source)
        array = _checked(request.image, source)
        image = torch.from_numpy(array).to(source.models[0].device)
        label = _checked_class(request.label, source, "label")
        aim = _checked_class(request.target_class, source, "target class")
        if label < 0:
            with torch.no_grad():
                label = int(source.net(image[None]).argmax(1))
        key = (hashlib.blake2b(array.tobytes(), digest_size=12).digest(), array.shape, source.name)

        def attack(recipe: Recipe) -> Walked:
            recipe = replace(recipe, targeted=aim >= 0)
            return self._walk((*key, label, aim, recipe, request.seed), source, image, label, aim, recipe, request.seed)

        def show(own: Walked, *, preview: bool) -> Jury:
            jury = Jury(self.model, request.targets, source, label, self._check)
            jury.ask(own.x, only_source=True)
            self._publish(
                walk=own.walk, verdicts=jury.verdicts(), perturbation=perturbation(image, own.x[-1]), preview=preview
            )
            return jury

        quick = self._first_look(request.recipe, source)
        if quick is not None and not self._has_walk((*key, label, aim), request.recipe, aim, request.seed):
            show(attack(quick), preview=True)
            yield
        own = attack(request.recipe)
        jury = show(own, preview=False)
        yield
        jury.ask(own.x, only_source=False)
        self._publish(verdicts=jury.verdicts())
        yield
        sizes = _sizes(request.plane_size)
        microscope = None
        if sizes:
            rival = attack(replace(request.recipe, lookahead=not request.recipe.lookahead))
            microscope = Microscope(source, image, own, rival, request.step, request.seed)
            self._publish(plane=microscope.view(sizes[0], self._check))
            yield
        if request.scales:
            for curve in self._image_curves(request, jury, image, key):
                self._publish(scales=curve)
                yield
            for curve in self._sample_curves(request, jury, image.shape, 0, _FIRST_IMAGES):
                self._publish(scales=curve)
                yield
        for size in sizes[1:]:
            assert microscope is not None
            self._publish(plane=microscope.view(size, self._check))
            yield
        if request.scales:
            seen = _FIRST_IMAGES
            while seen < self.spec.sample:
                for curve in self._sample_curves(request, jury, image.shape, seen, 4 * seen):
                    self._publish(scales=curve)
                    yield
                seen *= 4

    # --- the scale curve ------------------------------------------------------------------------------------------

    def _image_curves(
        self, request: LiveRequest, jury: Jury, image: Tensor, key: tuple[Any, ...]
    ) -> Iterator[ScaleCurve]:
        """Each model's losses of this one image."""
        import torch

        from engines.transfer.method import FACTORS, scaled_losses

        pivot = request.recipe.pivot
        factors = np.array(FACTORS)
        shape = len(jury.models), len(factors)
        marks = 2.0 ** -np.arange(max(request.recipe.copies, 1))
        curve = ScaleCurve(
            tuple(m.name for m in jury.models), tuple(m.title for m in jury.models), factors,
            np.full(shape, np.nan), np.full(shape, np.nan), marks, pivot, 0,
        )  # fmt: skip
        for i, model in enumerate(jury.models):
            label = jury.labels[i]

            def measure(model: Model = model, label: int = label) -> np.ndarray:
                y = torch.tensor([label], device=image.device)
                return scaled_losses(model.net, image[None], y, pivot, check=self._check)

            if label >= 0:
                curve.image[i] = self._kept(("image", *key[:2], label, model.name, pivot), measure)
            self._curve = replace(curve, image=curve.image.copy())
            yield self._curve

    def _sample_curves(
        self, request: LiveRequest, jury: Jury, shape: tuple[int, ...], first: int, last: int
    ) -> Iterator[ScaleCurve]:
        """Each model's mean losses over the images of the data up to `last`; those before `first` were measured.

        The first curves come model by model, later ones when all models have seen as many images.
        """
        import torch

        from engines.transfer.method import scaled_losses

        sample = self._sample(tuple(shape))
        if isinstance(sample, str):
            if not first:
                self._publish(notes=(*self._answer.notes, sample))
            return
        x, pool = sample
        first, last = min(first, len(x)), min(last, len(x))
        assert self._curve is not None  # The image's own curve comes first.
        if first == last:
            return
        curve = replace(self._curve, sample=np.full_like(self._curve.sample, np.nan), count=last)
        pivot = request.recipe.pivot
        for i, model in enumerate(jury.models):

            def measure(model: Model = model) -> np.ndarray:
                few = x[first:last]
                y = torch.from_numpy(pool.labels_for(model.classes))[first:last].to(x.device)
                y = torch.where(y < 0, model.logits(few).argmax(1), y)
                return scaled_losses(model.net, few, y, pivot, check=self._check)

            mean = self._kept(("sample", tuple(shape), model.name, pivot, first, last), measure)
            before = self._curve.sample[i] if first else 0.0
            curve.sample[i] = (first * before + (last - first) * mean) / last
            if not first:
                yield replace(curve, sample=curve.sample.copy())
        self._curve = curve
        if first:
            yield curve

    def _sample(self, shape: tuple[int, ...]) -> tuple[Tensor, Any] | str:
        """Images for the mean curve, or why there are none."""
        import torch

        from engines.core.device import choose
        from engines.vision.images import load_pool

        if not self.spec.sample:
            return "No sample was asked for, so the scale curve shows this image only."
        if shape not in self._samples:
            colours, height, width = shape
            try:
                pool = load_pool(
                    self.spec.data, (colours, height, width), self.spec.sample, self.spec.seed, check=self._check
                )
                self._samples[shape] = torch.from_numpy(pool.images).to(choose(self.spec.device)), pool
            except UserError as error:
                self._samples[shape] = f"There is no sample for the scale curve: {error}"
        return self._samples[shape]

    # --- what is kept ---------------------------------------------------------------------------------------------

    def _first_look(self, recipe: Recipe, source: Source) -> Recipe | None:
        """The attack with as many iterations as the hand can wait for, on the same way; None where it waits for all.

        Known once the source was attacked with as many copies: the iterations' time is measured then.
        """
        each = self._step_s.get((source.name, recipe.copies))
        budget = self.spec.first_look_ms / 1000
        if not budget or each is None or recipe.steps < 2 or each * recipe.steps <= _WORTH * budget:
            return None
        steps = max(1, int(budget / each))
        return replace(
            recipe,
            steps=steps,
            alpha=min(recipe.alpha * recipe.steps / steps, 1.0),  # Steps of a fixed length go as far in all.
            copies=recipe.copies if each <= 2 * budget else 1,  # Where not one iteration fits, one copy has to do.
        )

    def _has_walk(self, key: tuple[Any, ...], recipe: Recipe, aim: int, seed: int) -> bool:
        return (*key, replace(recipe, targeted=aim >= 0), seed) in self._walks

    def _walk(
        self, key: tuple[Any, ...], source: Source, image: Tensor, label: int, aim: int, recipe: Recipe, seed: int
    ) -> Walked:
        from engines.transfer.walking import walked

        if key not in self._walks:
            began = time.perf_counter()
            self._walks[key] = walked(source, image, label, aim, recipe, seed, self._check)
            self._step_s[source.name, recipe.copies] = (time.perf_counter() - began) / recipe.steps
        self._walks.move_to_end(key)
        while len(self._walks) > _WALKS_KEPT:
            self._walks.popitem(last=False)
        return self._walks[key]

    def _kept(self, key: tuple[Any, ...], measure: Callable[[], np.ndarray]) -> np.ndarray:
        if key not in self._curves:
            self._curves[key] = measure()
        self._curves.move_to_end(key)
        while len(self._curves) > _CURVES_KEPT:
            self._curves.popitem(last=False)
        return self._curves[key]

    def _source(self, text: str) -> Source:
        """The source of that name. Raises UserError where one of its models cannot be had."""
        models = tuple(self.model(part.strip()) for part in text.split(JOINED) if part.strip())
        if not models:
            raise UserError("no source is chosen", "choose a model to attack")
        if any(m.classes != models[0].classes or m.input_shape != models[0].input_shape for m in models):
            raise UserError("models with different classes or inputs cannot be averaged", "join models of one kind")
        return Source(JOINED.join(m.name for m in models), " + ".join(m.title for m in models), models)

    def model(self, name: str) -> Model:
        """A loaded model; a refusal is remembered too, so that it costs once. Raises UserError."""
        from engines.vision.nets.models import load_model

        found = self._models.pop(name, None)
        if found is None:
            try:
                found = load_model(name, self.spec.device)
            except UserError as error:
                found = str(error)
        self._models[name] = found
        while len(self._models) > self.spec.models_kept:
            self._models.popitem(last=False)
        if isinstance(found, str):
            raise UserError(found)
        return found


def _checked(image: np.ndarray, source: Source) -> np.ndarray:
    """The image, contiguous. Raises UserError for one that the source does not take."""
    array = np.asarray(image)
    shape = source.models[0].input_shape
    if array.dtype != np.float32 or array.shape != shape:
        raise UserError(
            f"{source.title} takes images {list(shape)}, this one is {list(array.shape)}",
            "choose another source or image",
        )
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
        raise UserError("expected pixels in [0, 1]")
    return np.ascontiguousarray(array)


def _checked_class(index: int, source: Source, what: str) -> int:
    if index >= len(source.classes):
        raise UserError(f"expected a {what} from 0 to {len(source.classes) - 1}, got {index}")
    return max(index, -1)


def _sizes(size: int) -> list[int]:
    """Points a side of the plane, coarse before fine; none where the plane is hidden."""
    if size <= 0:
        return []
    last = min(max(size, _LEAST_PLANE), _MOST_PLANE) | 1
    return sorted({min(_COARSE, last), last})
