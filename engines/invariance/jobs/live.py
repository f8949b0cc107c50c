"""One image under the hand ("invariance.live"): dial, feature maps and slice, each as good as the time allows.

A request is answered in small pieces of work, the part that was asked for first, coarse before fine; each piece is
published. Once something was published, a newer request takes over.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.invariance.results import PlaneSlice
from engines.invariance.snapshots import Dial, Inspection, InspectRequest, LiveRequest, LiveSnapshot
from engines.invariance.spec import LiveSpec

if TYPE_CHECKING:
    from engines.invariance.slicing import Slicer
    from engines.vision.nets.models import Model
    from engines.vision.pace import Pace

_IDLE_S: Final = 0.25
_SHOW_S: Final = 0.04
"""Between two snapshots of a dial that fills."""
_ROUNDS: Final = 3
"""The dial's angles are asked in so many rounds, each spread over the whole circle."""
_COARSE: Final = 7
"""Points a side of the first picture of a slice, or a few more."""
_KEPT: Final = 96
_ROUNDING: Final = 1e-4
"""A relative residual below this is float32's rounding; an equivariant stage has about 1e-6."""


class _NewerError(Exception):
    """A newer request has come while one was being answered."""


@job("invariance.live", LiveSpec, title="Live view of one image", session=True)
def live(spec: LiveSpec, ctx: JobContext) -> None:
    """Turn, inspect and cut one image as requests come, until the session is closed."""
    session = LiveSession(spec, ctx)
    while True:
        request = session.next_request(_IDLE_S if session.is_idle else 0.0)
        if request is not None:
            session.begin(request)
        session.go_on()
        ctx.check()


class LiveSession:
    """What lives between requests: loaded models, and what was computed for recent images."""

    def __init__(self, spec: LiveSpec, ctx: JobContext) -> None:
        self.spec, self.ctx = spec, ctx
        self._models: OrderedDict[str, Model | str] = OrderedDict()
        self._kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._paces: dict[str, Pace] = {}
        self._pending: LiveRequest | None = None
        self._work: Iterator[None] | None = None
        self._shown = 0
        self._answer = LiveSnapshot(0, done=True)
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
        self._started, self._shown = time.perf_counter(), 0
        self._answer = LiveSnapshot(request.generation, done=False)
        self._work = self._pieces(request)

    def go_on(self) -> None:
        """Do the next piece of work, if there is one."""
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
        if self._shown and self._pending is None:
            self._pending = self.ctx.latest_request(0.0)
        if self._shown and self._pending is not None:
            raise _NewerError

    def _publish(self, **changes: Any) -> None:
        values = {**self._answer.__dict__, **changes, "milliseconds": (time.perf_counter() - self._started) * 1000}
        self._answer = LiveSnapshot(**values)
        self._shown += 1
        self.ctx.publish(self._answer)

    def _pieces(self, request: LiveRequest) -> Iterator[None]:
        image = checked_image(request.image)
        key = hashlib.blake2b(image.tobytes() + repr(image.shape).encode(), digest_size=12).digest()
        parts = {
            "dial": lambda: self._dial(request, image, key),
            "inspect": lambda: self._inspect(request.inspect, image),
            "slice": lambda: self._slice(request, image, key),
        }
        first = request.first if request.first in parts else "dial"
        for name in (first, *(name for name in parts if name != first)):
            try:
                yield from parts[name]()
            except UserError as error:
                self._publish(notes=(*self._answer.notes, str(error)))
            self._check()

    # --- the dial -------------------------------------------------------------------------------------------------

    def _dial(self, request: LiveRequest, image: np.ndarray, key: bytes) -> Iterator[None]:
        import torch

        from engines.vision.training.augment import rotate

        if not request.models:
            return
        if request.dial_points < 4 or request.dial_points > 720 or request.dial_points % 4:
            raise UserError(f"expected 4 to 720 points round the dial, by fours, got {request.dial_points}")
        x = torch.from_numpy(image)[None]
        mode = self.spec.resample
        turned = rotate(x, float(request.angle), mode=mode)
        models, problems = self._dial_models(request.models, image.shape)
        angles = np.arange(request.dial_points + 1) * (360 / request.dial_points)
        count = len(request.models)
        classes = np.full((count, len(angles)), -1, np.int64)
        confidence = np.full((count, len(angles)), np.nan, np.float32)
        now, sure = np.full(count, -1, np.int64), np.full(count, np.nan, np.float32)
        for i, model in models.items():
            now[i : i + 1], sure[i : i + 1] = _named(model, turned)
            self._check()
        rows = {
            i: self._keep(("dial", key, models[i].name, mode, len(angles)), lambda: _empty(len(angles))) for i in models
        }

        def show() -> None:
            for i, (known, chance) in rows.items():
                classes[i], confidence[i] = known, chance
            self._publish(
                dial=Dial(
                    models=request.models,
                    titles=tuple(models[i].title if i in models else name for i, name in enumerate(request.models)),
                    names=tuple(models[i].classes if i in models else () for i in range(count)),
                    angles=angles,
                    classes=classes.copy(),
                    confidence=confidence.copy(),
                    flips=(classes != classes[:, :1]) & (classes >= 0) & (classes[:, :1] >= 0),
                    angle=float(request.angle),
                    turned=turned[0].numpy(),
                    now_classes=now,
                    now_confidence=sure,
                    problems=problems,
                )
            )

        show()
        yield
        last = time.perf_counter()
        for part in range(_ROUNDS):
            for i, model in models.items():
                known, chance = rows[i]
                todo = np.array([n for n in range(part, len(angles) - 1, _ROUNDS) if known[n] < 0], np.int64)
                if not len(todo):
                    continue
                for some in self._pace(model).parts(len(todo)):
                    self._check()
                    at = todo[some]
                    many = rotate(x.expand(len(at), -1, -1, -1), torch.from_numpy(angles[at]), mode=mode)
                    known[at], chance[at] = _named(model, many)
                known[-1], chance[-1] = known[0], chance[0]  # 360 degrees are 0.
                if time.perf_counter() - last > _SHOW_S:
                    show()
                    last = time.perf_counter()
                    yield
        show()
        yield

    def _dial_models(
        self, names: tuple[str, ...], shape: tuple[int, ...]
    ) -> tuple[dict[int, Model], tuple[tuple[str, str], ...]]:
        """Models that can be asked by their place, and why the others cannot."""
        models: dict[int, Model] = {}
        problems = []
        for i, name in enumerate(names):
            try:
                model = self._model(name)
                if model.input_shape != shape:
                    raise UserError(f"it takes images {list(model.input_shape)}, this one is {list(shape)}")
                models[i] = model
            except UserError as error:
                problems.append((name, str(error)))
            self._check()
        return models, tuple(problems)

    # --- feature maps ---------------------------------------------------------------------------------------------

    def _inspect(self, wanted: InspectRequest | None, image: np.ndarray) -> Iterator[None]:
        if wanted is not None:
            self._publish(inspection=inspection(self._model(wanted.model), wanted, image))
            yield

    # --- the slice ------------------------------------------------------------------------------------------------

    def _slice(self, request: LiveRequest, image: np.ndarray, key: bytes) -> Iterator[None]:
        import torch

        from engines.invariance.slicing import Slicer

        wanted = request.plane
        if wanted is None:
            return
        if not (0 < wanted.extent <= 100 and 0 < wanted.eps <= 1 and 5 <= wanted.size <= 201):
            raise UserError(
                f"expected an extent up to 100, ε up to 1 and 5 to 201 points, got {wanted.extent:g}, {wanted.eps:g}, "
                f"{wanted.size}"
            )
        model = self._model(wanted.model)
        _refuse_shape(model, image)
        place = ("slicer", key, wanted.model, wanted.eps)
        slicer: Slicer = self._keep(
            place,
            lambda: Slicer(model, torch.from_numpy(image), wanted.eps, self.spec.seed, self._check, self._pace(model)),
        )
        drawn: PlaneSlice | None = None
        for size in grids(wanted.size | 1):
            coarse = drawn
            drawn = self._keep(
                (*place, wanted.extent, size),
                lambda size=size, coarse=coarse: slicer.slice(wanted.extent, size, with_arrow=False, coarse=coarse),
            )
            self._publish(plane=slicer.with_arrow(drawn))
            yield
            self._check()
            if not slicer.has_arrow:
                slicer.find_arrow()
                self._publish(plane=slicer.with_arrow(drawn))
                yield

    # --- what is kept ---------------------------------------------------------------------------------------------

    def _model(self, name: str) -> Model:
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

    def _pace(self, model: Model) -> Pace:
        """How many images a model is asked at once."""
        from engines.vision.pace import Pace

        return self._paces.setdefault(model.name, Pace())

    def _keep(self, key: tuple[Any, ...], make: Any) -> Any:
        """What was made for a key, or what is made now; the least recently used of many is dropped."""
        if key not in self._kept:
            self._kept[key] = make()
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


def inspection(model: Model, wanted: InspectRequest, image: np.ndarray) -> Inspection:
    """Feature maps of an image and of the turned image, and how far they are from an exact quarter turn of each other.

    Raises UserError for a model without feature maps, or a stage or channel that it has not.
    """
    import torch

    from engines.vision.nets.groupconv import act_features

    net: Any = model.net
    _refuse_shape(model, image)
    if image.shape[1] != image.shape[2] and wanted.turns % 2:
        raise UserError("quarter turns need a square image", "choose half turns, or another image")
    x = torch.from_numpy(image)[None].to(model.device)
    if wanted.odd:
        x = torch.nn.functional.pad(x, (0, 1, 0, 1))
    turns = wanted.turns % 4
    turned = torch.rot90(x, turns, (-2, -1))
    with torch.no_grad():
        before, after = net.features(x, wanted.stage), net.features(turned, wanted.stage)
    group = int(getattr(net, "group", 1))
    if group > 1:
        expected = act_features(before, turns)
    else:  # An ordinary network's maps, if it were equivariant, would turn and not cycle.
        before, after = before[:, :, None], after[:, :, None]
        expected = torch.rot90(before, turns, (-2, -1))
    channels = before.shape[1]
    if not 0 <= wanted.channel < channels:
        raise UserError(f"expected a channel from 0 to {channels - 1}, got {wanted.channel}")
    gap = (after - expected).abs()
    residual, largest = float(gap.max()), float(before.abs().max())
    relative = residual / largest if largest else 0.0
    only = wanted.channel
    return Inspection(
        model=model.name,
        stages=tuple(net.stages),
        stage=wanted.stage or net.stages[-1],
        channel=only,
        channels=channels,
        group=group,
        turns=turns,
        odd=wanted.odd,
        image=x[0].cpu().numpy(),
        turned=turned[0].cpu().numpy(),
        before=before[0, only].cpu().numpy(),
        after=after[0, only].cpu().numpy(),
        expected=expected[0, only].cpu().numpy(),
        residual=residual,
        relative=relative,
        each=gap[0, only].flatten(1).amax(1).cpu().numpy(),
        is_equivariant=relative < _ROUNDING,
    )


def grids(size: int) -> list[int]:
    """Points a side of the pictures of a slice, coarsest first, up to `size` (odd). Each has the points of the one
    before, as far as halves go."""
    sizes = [size]
    while (sizes[0] - 1) % 4 == 0 and sizes[0] >= 2 * _COARSE - 1:
        sizes.insert(0, (sizes[0] + 1) // 2)
    return sizes if sizes[0] < 2 * _COARSE else [_COARSE, *sizes]


def checked_image(image: np.ndarray) -> np.ndarray:
    """float32 [C, H, W] in [0, 1], contiguous. Raises UserError for anything else."""
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[0] not in (1, 3) or array.dtype != np.float32:
        raise UserError(f"expected an image float32 [1 or 3, H, W], got {array.dtype} {list(array.shape)}")
    if not np.isfinite(array).all() or array.min(initial=0.0) < 0 or array.max(initial=0.0) > 1:
        raise UserError("expected pixels in [0, 1]")
    return np.ascontiguousarray(array)


def _refuse_shape(model: Model, image: np.ndarray) -> None:
    if model.input_shape != image.shape:
        raise UserError(
            f"{model.title} takes images {list(model.input_shape)}, this one is {list(image.shape)}",
            "choose another model or image",
        )


def _named(model: Model, images: Any) -> tuple[np.ndarray, np.ndarray]:
    """Class and confidence of each image."""
    chances = model.logits(images).softmax(1).max(1)
    return chances.indices.cpu().numpy(), chances.values.cpu().numpy()


def _empty(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(count, -1, np.int64), np.full(count, np.nan, np.float32)
