"""The toy theatre: as a run to the end ("asymmetric.toy") and as a session whose numbers move ("asymmetric.theatre").

The window imports this module to unpack results, so torch is left to the functions.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.asymmetric.results import ToyResult
from engines.asymmetric.snapshots import TheatreRequest, ToySnapshot
from engines.asymmetric.spec import TheatreSpec, ToySpec
from engines.core.errors import UserError
from engines.core.job import JobContext, job

if TYPE_CHECKING:
    from engines.asymmetric.toys import Theatre

MOST_POINTS = 1000
FRAMES = 40
"""Frames of an ascent."""
_DENSITY_GRID = 500
_SHOW_S = 0.2
_MEASURE_EVERY = 250
_QUICK_NOISE = 200
"""Noise points of the shares measured on the way."""
_SLICE_S = 0.03
_IDLE_S = 0.25
_CHANGEABLE = ("eps", "norm", "steps", "step_size", "rate", "updates")


@job("asymmetric.toy", ToySpec, title="Train a toy detector")
def toy(spec: ToySpec, ctx: JobContext) -> ToyResult:
    """Train one detector on the line or the plane, show how its negatives swim, and carry noise uphill at the end."""
    theatre = _theatre(spec)
    shares: list[tuple[float, float]] = []
    plain_share = float("nan")
    began, shown = time.monotonic(), 0.0
    while len(theatre.losses) < spec.updates:
        done = len(theatre.losses)
        ctx.check()
        if done == spec.plain and spec.plain:
            plain_share = _measure(theatre, shares, ctx)
        elif done and done % _MEASURE_EVERY == 0:
            _measure(theatre, shares, ctx)
        if time.monotonic() - shown > _SHOW_S:
            ctx.progress(done, spec.updates, f"Update {done}")
            ctx.publish(snapshot(theatre, spec, shares=shares))
            shown = time.monotonic()
        theatre.step(ctx.check)
        if not np.isfinite(theatre.losses[-1]):
            raise UserError("the loss is no longer a number", "lower the learning rate")
    ctx.progress(spec.updates, spec.updates, "Carrying noise uphill")
    ascent = theatre.ascend(max(1, spec.noise), frames=FRAMES, check=ctx.check)
    share = theatre.landed(ascent[-1])
    shares.append((spec.updates, share))
    ctx.publish(snapshot(theatre, spec, shares=shares, ascent=ascent, share=share), keep=True)
    is_line = theatre.points.shape[1] == 1
    return ToyResult(
        losses=np.array(theatre.losses, np.float32),
        heat=theatre.heat(_DENSITY_GRID if is_line else spec.grid),
        points=theatre.points,
        share=share,
        plain_share=plain_share,
        shares=np.array(shares).reshape(-1, 2),
        ascent=ascent,
        density=theatre.density(_DENSITY_GRID) if is_line else None,
        mass=theatre.mass() if is_line else float("nan"),
        auc=theatre.finer_auc(ctx.check),
        seconds=time.monotonic() - began,
    )


def _theatre(spec: ToySpec) -> Theatre:
    """An untrained theatre of the spec."""
    from engines.asymmetric.toy_sets import target_set
    from engines.asymmetric.toys import Theatre

    points = target_set(spec.target, spec.points, np.random.default_rng(spec.seed), spec.drawn)
    return Theatre(points, _settings(spec), width=spec.width, layers=spec.layers, seed=spec.seed)


def _settings(spec: ToySpec) -> Any:
    from engines.asymmetric.method import Ascent
    from engines.asymmetric.toys import ToySettings

    ascent = Ascent(spec.eps, spec.steps, spec.step_size, spec.norm, random_start=True)
    return ToySettings(ascent, spec.rate, spec.batch, spec.plain)


def _measure(theatre: Theatre, shares: list[tuple[float, float]], ctx: JobContext) -> float:
    share = theatre.landed(theatre.ascend(_QUICK_NOISE, check=ctx.check)[-1])
    shares.append((len(theatre.losses), share))
    return share


def snapshot(
    theatre: Theatre,
    spec: ToySpec,
    *,
    shares: list[tuple[float, float]],
    ascent: np.ndarray | None = None,
    share: float = float("nan"),
    generation: int = 0,
    phase: str = "",
    is_running: bool = True,
    note: str = "",
) -> ToySnapshot:
    """What the stage draws; a few milliseconds."""
    is_line = theatre.points.shape[1] == 1
    return ToySnapshot(
        generation=generation,
        update=len(theatre.losses),
        updates=spec.updates,
        phase=phase or ("adversarial" if theatre.is_adversarial else "plain"),
        losses=np.array(theatre.losses, np.float32),
        heat=theatre.heat(_DENSITY_GRID if is_line else spec.grid),
        points=theatre.points[:MOST_POINTS],
        negatives=theatre.swim(),
        share=share,
        shares=np.array(shares, np.float64).reshape(-1, 2),
        ascent=ascent,
        density=theatre.density(_DENSITY_GRID) if is_line else None,
        eps=theatre.settings.ascent.eps,
        is_running=is_running,
        note=note,
    )


@job("asymmetric.theatre", TheatreSpec, title="Toy theatre", session=True)
def theatre_session(spec: TheatreSpec, ctx: JobContext) -> None:
    """Train a toy while its numbers are changed, until the session is closed."""
    stage = Stage(spec, ctx)
    while True:
        request = ctx.latest_request(0.0 if stage.is_running else _IDLE_S)
        if request is not None:
            stage.take(request)
        elif stage.is_running:
            stage.go_on()
        ctx.check()


class Stage:
    """The session's state: the theatre, whether it trains, and the request its snapshots answer."""

    def __init__(self, spec: TheatreSpec, ctx: JobContext) -> None:
        self.ctx = ctx
        self.period = 1 / spec.publish_hz
        self.device, self.seed = spec.device, spec.seed
        self.toy = ToySpec(seed=spec.seed, device=spec.device)
        self.theatre: Theatre | None = None
        self.shares: list[tuple[float, float]] = []
        self.is_running = False
        self.generation = 0
        self._published = 0.0

    def take(self, request: TheatreRequest) -> None:
        """Do what is asked. What is wrong with it is answered, and ends nothing."""
        self.generation = request.generation
        try:
            self._obey(request)
        except UserError as error:
            self.publish(note=str(error))

    def _obey(self, request: TheatreRequest) -> None:
        if request.kind == "start":
            toy = ToySpec.checked({"seed": self.seed, "device": self.device, **request.changes})
            self.theatre = _theatre(toy)  # only now: a bad request leaves the old one
            self.toy, self.shares, self.is_running = toy, [], True
        elif request.kind == "change":
            bad = [name for name in request.changes if name not in _CHANGEABLE]
            if bad:
                raise UserError(f"{', '.join(bad)} cannot change during training", "start anew with it")
            self.toy = self.toy.changed(**request.changes)
            if self.theatre is not None:
                self.theatre.settings = replace(_settings(self.toy), plain=self.theatre.settings.plain)
                self.is_running = self.is_running or len(self.theatre.losses) < self.toy.updates
        elif request.kind == "ascend":
            self._ascend(request.count)
        elif request.kind in ("pause", "idle"):
            self.is_running = False
        elif request.kind == "resume":
            self.is_running = self.theatre is not None
        else:
            raise UserError(f"expected start, change, ascend, pause, resume or idle, got {request.kind!r}")
        self.publish()

    def _ascend(self, count: int) -> None:
        if self.theatre is None:
            raise UserError("there is no detector to ascend yet", "start the training first")
        if not 1 <= count <= 20_000:
            raise UserError(f"expected 1 to 20000 noise points, got {count}")
        ascent = self.theatre.ascend(count, frames=FRAMES, check=self.ctx.check)
        share = self.theatre.landed(ascent[-1])
        self.shares.append((len(self.theatre.losses), share))
        self.publish(ascent=ascent, share=share, phase="ascending")

    def go_on(self) -> None:
        """Train a little, and show it when it is time."""
        theatre = self.theatre
        if theatre is None:
            self.is_running = False
            return
        until = time.perf_counter() + _SLICE_S
        while time.perf_counter() < until and len(theatre.losses) < self.toy.updates:
            theatre.step(self.ctx.check)
            if not np.isfinite(theatre.losses[-1]):
                self.is_running = False
                self.publish(note="the loss is no longer a number: lower the learning rate and start anew")
                return
        if len(theatre.losses) >= self.toy.updates:
            self.is_running = False
            self.publish()
        elif time.perf_counter() - self._published > self.period:
            self.publish()

    def publish(
        self, *, ascent: np.ndarray | None = None, share: float = float("nan"), phase: str = "", note: str = ""
    ) -> None:
        """A snapshot as things stand; an empty one before the first start."""
        self._published = time.perf_counter()
        if self.theatre is None:
            nothing = np.zeros((0, 2), np.float32)
            heat = np.zeros((1, 1), np.float32)
            self.ctx.publish(
                ToySnapshot(
                    self.generation, 0, 0, "idle", np.zeros(0, np.float32), heat, nothing, nothing[None],
                    float("nan"), np.zeros((0, 2)), is_running=False, note=note,
                )
            )  # fmt: skip
            return
        self.ctx.publish(
            snapshot(
                self.theatre, self.toy, shares=self.shares, ascent=ascent, share=share, generation=self.generation,
                phase=phase, is_running=self.is_running, note=note,
            )
        )  # fmt: skip
