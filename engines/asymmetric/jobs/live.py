"""The live desk ("asymmetric.live"): one image at a time, both models, answered while a slider moves.

Work is cut into slices of some hundredths of a second; between two of them the session looks for a newer request, which
replaces what is under way. The first picture of a morph comes after the first slice, the rest while it goes on.
The window imports this module to unpack results, so torch is left to the functions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.asymmetric.images import members_of
from engines.asymmetric.metrics import auc, threshold_at
from engines.asymmetric.setting import Loaded, Named, classifier_for, companion, images_for, load_bank, training_of
from engines.asymmetric.snapshots import LiveAnatomy, LiveMorph, LiveNote, LiveRequest, LiveVerdict, Track
from engines.asymmetric.spec import LiveSpec
from engines.core.device import choose
from engines.core.errors import UserError
from engines.core.job import JobContext, job

if TYPE_CHECKING:
    from engines.asymmetric.method import Ascent
    from engines.asymmetric.morph import Walk
    from engines.vision.images import Pool

_SLICE_S = 0.02
_IDLE_S = 0.25
_FIRST_MS = 25.0
"""How long the first picture of a way waits for steps to show."""
_KEPT = 4
"""Sets of models kept in memory."""
FRAMES = 21
AUC_STEPS = (5, 10, 20, 40, 80, 160)
_NATURAL = 400
"""Test images behind a verdict's thresholds."""
_CHUNK = 25
KINDS = ("judge", "morph", "noise", "rubbish", "anatomy", "sample", "idle")


@job("asymmetric.live", LiveSpec, title="Morph desk", session=True)
def live(spec: LiveSpec, ctx: JobContext) -> None:
    """Perturb, judge and dissect single images as requests come, until the session is closed."""
    desk = Desk(spec, ctx)
    while True:
        request = ctx.latest_request(0.0 if desk.is_busy else _IDLE_S)
        if request is not None:
            desk.take(request)
        elif desk.is_busy:
            desk.go_on()
        ctx.check()


@dataclass
class _Models:
    """What a choice of names means. thresholds: float64 [2], NaN until they were measured."""

    bank: Loaded
    f: Named
    rival: Named
    thresholds: np.ndarray = field(default_factory=lambda: np.full(2, np.nan))
    pool: Pool | None = None
    training: Pool | None = None
    singles: dict[int, Any] = field(default_factory=dict)

    def single(self, k: int) -> Any:
        """Detector k alone, images to logits [B]."""
        from engines.asymmetric.attacks import System

        if k not in self.singles:
            self.singles[k] = System(self.f.net, self.bank.net).one(k)
        return self.singles[k]


class Desk:
    """The session's state: models, and the work under way, which is a generator that yields between slices."""

    def __init__(self, spec: LiveSpec, ctx: JobContext) -> None:
        self.ctx = ctx
        self.spec = spec
        self.device = choose(spec.device)
        self.is_busy = False
        self._models: dict[tuple[str, str, str, str], _Models] = {}
        self._work: Iterator[None] = iter(())
        self._request = LiveRequest("idle", 0)
        self._began = 0.0
        self._published = 0.0

    def take(self, request: LiveRequest) -> None:
        """Begin what is asked, dropping what is under way. What is wrong with it is answered, and ends nothing."""
        self._request = request
        self._began = time.perf_counter()
        self._published = 0.0
        self._work = self._begin(request)
        self.is_busy = True
        self.go_on()

    def go_on(self) -> None:
        """One slice of the work."""
        until = time.perf_counter() + _SLICE_S
        try:
            while time.perf_counter() < until:
                self.ctx.check()
                next(self._work)
        except StopIteration:
            self.is_busy = False
        except UserError as error:
            self.is_busy = False
            self.ctx.publish(LiveNote(self._request.generation, str(error)))

    def _begin(self, request: LiveRequest) -> Iterator[None]:
        """The generator that does it. Checks come with its first slice."""
        if request.kind not in KINDS:
            raise UserError(f"expected {', '.join(KINDS)}, got {request.kind!r}")
        if request.kind == "idle":
            self.ctx.publish(LiveNote(request.generation, ""))
            return
        models = self._prepared(request)
        if not 0 <= request.target < models.bank.net.classes:
            raise UserError(f"expected a target from 0 to {models.bank.net.classes - 1}, got {request.target}")
        yield
        if request.kind in ("judge", "sample"):
            yield from self._judge(request, models)
        elif request.kind == "anatomy":
            yield from self._anatomy(request, models)
        else:
            yield from self._morph(request, models)

    def _prepared(self, request: LiveRequest) -> _Models:
        """The models of a request, loaded once; the least recently used beyond some are dropped."""
        key = (request.detectors, request.rival, request.classifier, request.data)
        found = self._models.pop(key, None)
        if found is None:
            bank = load_bank(request.detectors, request.data, self.device)
            missing = [robust for name, robust in ((request.classifier, False), (request.rival, True))
                       if not name and not companion(bank, robust=robust)]  # fmt: skip
            if missing:  # rare, and slow: say so instead of being silent
                self.ctx.publish(LiveNote(request.generation, "No classifier fits these detectors: training one first"))
            f, rival = (
                classifier_for(name, bank, robust=robust, seed=0, device=self.device, check=self.ctx.check)
                for name, robust in ((request.classifier, False), (request.rival, True))
            )
            found = _Models(bank, f, rival)
        self._models[key] = found
        while len(self._models) > _KEPT:
            self._models.pop(next(iter(self._models)))
        return found

    def _pool(self, models: _Models) -> Pool:
        if models.pool is None:
            models.pool = images_for(models.bank, 0, 0, self.ctx.check)
        return models.pool

    def _image(self, request: LiveRequest, models: _Models) -> tuple[np.ndarray, int]:
        """The request's image, or a test image drawn with its seed, and its label (-1 unknown)."""
        shape = models.bank.net.input_shape
        if request.image is not None and request.kind != "sample":
            image = np.asarray(request.image, np.float32)
            if image.shape != shape or not np.isfinite(image).all() or image.min() < 0 or image.max() > 1:
                raise UserError(f"expected an image {list(shape)} of pixels in [0, 1], got {list(image.shape)}")
            return image, -1
        pool = self._pool(models)
        members = members_of(pool, request.target) if request.kind == "sample" else np.arange(len(pool))
        index = int(np.random.default_rng(request.seed).choice(members))
        return pool.images[index], int(pool.labels[index])

    def _milliseconds(self) -> float:
        return (time.perf_counter() - self._began) * 1000

    def _is_due(self) -> bool:
        """Whether a picture is due: the first at once, then as often as the window can show."""
        return time.perf_counter() - self._published >= 1 / self.spec.publish_hz

    def _publish(self, snapshot: Any) -> None:
        self._published = time.perf_counter()
        self.ctx.publish(snapshot)

    def _judge(self, request: LiveRequest, models: _Models) -> Iterator[None]:
        """All three models' logits of one image, at once; then again with thresholds, once those are known."""
        import torch

        image, label = self._image(request, models)
        x = torch.from_numpy(image)[None].to(self.device)
        with torch.no_grad():
            z, f, rival = (net(x)[0].cpu().numpy() for net in (models.bank.net, models.f.net, models.rival.net))

        def publish() -> None:
            self._publish(
                LiveVerdict(
                    request.generation, models.bank.classes, image, label, z, f, rival, models.thresholds.copy(),
                    (models.bank.card.title, models.f.title, models.rival.title), self._milliseconds(),
                )
            )  # fmt: skip

        publish()
        if np.isnan(models.thresholds).any():
            yield from self._find_thresholds(models)
            publish()

    def _find_thresholds(self, models: _Models) -> Iterator[None]:
        import torch

        from engines.asymmetric.method import generative, integrated

        scores: list[list[np.ndarray]] = [[], []]
        pool = images_for(models.bank, _NATURAL, 0, self.ctx.check)
        for at in range(0, len(pool), _CHUNK):
            x = torch.from_numpy(pool.images[at : at + _CHUNK]).to(self.device)
            with torch.no_grad():
                z = models.bank.net(x)
                for rule, (_, score) in enumerate((integrated(models.f.net(x), z), generative(z))):
                    scores[rule].append(score.cpu().numpy())
            yield
        models.thresholds = np.array([threshold_at(np.concatenate(s)) for s in scores])

    def _plan(self, request: LiveRequest) -> Ascent:
        from engines.asymmetric.method import Ascent

        norm, optimiser, eps = request.norm, request.optimiser, request.eps
        step = request.step_size or 2.5 * eps / max(request.steps, 1) or 1.0
        if request.kind in ("noise", "rubbish"):
            norm, optimiser = "l2", "normgrad"
            eps = float("inf") if request.kind == "rubbish" else eps
        try:
            return Ascent(eps, request.steps, step, norm, optimiser)  # type: ignore[arg-type]
        except ValueError as error:
            raise UserError(str(error)) from None

    def _morph(self, request: LiveRequest, models: _Models) -> Iterator[None]:
        """Both models' ways from one image, step by step in turn, with what is there so far shown on the way."""
        import torch

        from engines.asymmetric.morph import Walk, class_noise, frame_steps, gaussian_noise

        plan = self._plan(request)
        rng = np.random.default_rng(request.seed)
        if request.kind == "noise":
            if models.training is None:
                models.training = training_of(models.bank, self.ctx.check).train
            known = models.training
            image = class_noise(known.images[members_of(known, request.target)[:2000]], 1, rng)[0]
        elif request.kind == "rubbish":
            image = gaussian_noise(models.bank.net.input_shape, rng)
        else:
            image, _ = self._image(request, models)
        x = torch.from_numpy(image)[None].to(self.device)
        target = torch.tensor([request.target], device=self.device)
        kept = frame_steps(plan.steps, FRAMES)
        ways = (
            Walk(models.bank.net, x, target, plan, kept=kept, objective=models.single(request.target)),
            Walk(models.rival.net, x, target, plan, kept=kept),
        )
        while not ways[0].is_over or not ways[1].is_over:
            for way in ways:
                if not way.is_over:
                    way.step()
            final = ways[0].is_over and ways[1].is_over
            # The very first picture waits for some steps: one that shows nothing new is no answer.
            if final or (self._is_due() and (self._published or self._milliseconds() > _FIRST_MS)):
                self._publish(self._shown(request, models, image, ways, final))
            yield

    def _shown(
        self, request: LiveRequest, models: _Models, image: np.ndarray, ways: tuple[Walk, Walk], final: bool
    ) -> LiveMorph:
        return LiveMorph(
            generation=request.generation,
            kind=request.kind,
            target=request.target,
            classes=models.bank.classes,
            image=image,
            detectors=_track(ways[0], models.bank.card.title or models.bank.card.name),
            rival=_track(ways[1], models.rival.title),
            step=min(way.done for way in ways),
            total=ways[0].total,
            final=final,
            milliseconds=self._milliseconds(),
        )

    def _anatomy(self, request: LiveRequest, models: _Models) -> Iterator[None]:
        """Histograms of one detector's logits, then its AUC against budgets of the attack."""
        import torch

        from engines.asymmetric.method import Ascent, climb

        pool, k, single = self._pool(models), request.target, models.single(request.target)
        rng = np.random.default_rng(request.seed)
        groups = []
        for members in (members_of(pool, k), np.flatnonzero(pool.labels != k)):
            chosen = rng.permutation(members)[: max(1, request.count)]
            groups.append(torch.from_numpy(pool.images[chosen]).to(self.device))
        with torch.no_grad():
            natural, others = (single(x).cpu().numpy() for x in groups)
        attacked = np.full(len(others), np.nan, np.float32)
        curve = np.full(len(AUC_STEPS), np.nan)

        def publish(final: bool) -> None:
            self._publish(
                LiveAnatomy(
                    request.generation, k, models.bank.classes, natural, others, attacked.copy(),
                    np.array(AUC_STEPS, np.int64), curve.copy(), final, self._milliseconds(),
                )
            )  # fmt: skip

        def attack(plan: Ascent) -> Iterator[np.ndarray | None]:
            """None after every step, so that a newer request need not wait; then the logits of a chunk."""
            for at in range(0, len(others), _CHUNK):
                chunk = groups[1][at : at + _CHUNK]
                end = chunk
                for _, moved, value in climb(single, chunk, plan):
                    if value is not None:
                        yield None
                    else:
                        end = moved
                with torch.no_grad():
                    yield single(end).cpu().numpy()

        publish(False)
        plan = self._plan(request)
        done = 0
        for z in attack(plan):
            if z is not None:
                attacked[done : done + len(z)] = z
                done += len(z)
                publish(False)
            yield
        for row, steps in enumerate(AUC_STEPS):
            budget = Ascent(plan.eps, steps, 2.5 * plan.eps / steps or 1.0, plan.norm, plan.optimiser)
            found = []
            for z in attack(budget):
                if z is not None:
                    found.append(z)
                yield
            curve[row] = auc(natural, np.concatenate(found))
            publish(row == len(AUC_STEPS) - 1)


def _track(way: Walk, title: str) -> Track:
    """A way so far as arrays. There is at least its first frame."""
    return Track(
        title=title,
        frames=np.stack([v[0].cpu().numpy() for v in way.frames]),
        steps=np.array(way.steps, np.int32),
        logit=np.array([float(v[0]) for v in way.logit], np.float32),
        others=np.array([float(v[0]) for v in way.others], np.float32),
        named=np.array([int(v[0]) for v in way.named], np.int64),
        trace=np.array([float(v[0]) for v in way.trace], np.float32),
    )
