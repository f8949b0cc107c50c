"""The training laboratory's job: the zero loop with progress, snapshots, checkpoints and weights on disk.

The window imports this module to unpack results, so torch is left to the functions.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engines.core.atomic import write_json
from engines.core.device import choose, describe
from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.core.weights import ModelCard, save_weights
from engines.hex.movetext import moves_of
from engines.hex.player import replay
from engines.hex.results import ProbeResult, TrainResult
from engines.hex.snapshots import TrainSnapshot
from engines.hex.spec import ProbeSpec, TrainSpec

if TYPE_CHECKING:
    from engines.hex.nets import HexNet
    from engines.hex.training import TrainingLoop

MINI_BOARDS = 16
SHOW_S = 1 / 30
"""Between two snapshots of one phase."""
_OF_BOTH = ("iteration", "net_calls", "seconds", "games", "games_per_s", "samples", "black_wins")
"""Curves that hold for the twin too; losses and scores are of the network that plays."""


@job("hex.train", TrainSpec, title="Train Hex networks")
def train(spec: TrainSpec, ctx: JobContext) -> TrainResult:
    """Train a three-head or two-head network by self-play, from scratch or from given weights."""
    from engines.hex.training import Callbacks, TrainingLoop

    _refuse_impossible(spec)
    device = choose(spec.device)
    loop = TrainingLoop(spec, device, _start(spec, spec.start_from, spec.heads), _start(spec, spec.twin_from, "two"))
    if ctx.resume:
        loop.restore(ctx.resume)
    calls = Callbacks(check=ctx.check, show=_Show(loop, ctx))
    if spec.actors:
        from engines.hex.distributed import ClusterPlay

        calls.play = ClusterPlay(spec, ctx)
    try:
        while loop.iteration < spec.iterations and not (spec.minutes and loop.seconds > spec.minutes * 60):
            ctx.progress(loop.iteration, spec.iterations, f"Iteration {loop.iteration + 1}")
            loop.iterate(calls)
            _keep_iteration(loop, ctx)
            ctx.checkpoint(loop.state())
            ctx.publish(_snapshot(loop, "measuring"), keep=True)
    finally:
        close = getattr(calls.play, "close", None)
        if close is not None:
            close()
    ctx.progress(loop.iteration, loop.iteration, "Done")
    return _finish(loop, ctx)


def _refuse_impossible(spec: TrainSpec) -> None:
    if not spec.sizes or not all(2 <= n <= 19 for n in spec.sizes):
        raise UserError(f"expected board sizes from 2 to 19, got {spec.sizes}")
    if spec.head_kind == "fc" and len(spec.sizes) > 1:
        raise UserError(f"fc heads are tied to one size, got {spec.sizes}", "give one size, or choose pooled heads")
    wanted = ("start_from", "twin_from") if spec.twin else ("start_from",)
    missing = [name for name in wanted if not getattr(spec, name)]
    if (spec.keep or spec.fixed_norm) and missing:
        raise UserError(
            f"keep and fixed_norm refer to the starting weights, but {' and '.join(missing)} names none",
            f"set {' and '.join(missing)}, or keep to 0 and fixed_norm to false",
        )


def _start(spec: TrainSpec, weights: str, heads: str) -> HexNet | None:
    """The network of `weights`, which must have the spec's architecture with these heads; None for no weights."""
    from engines.hex.evaluator import load_evaluator
    from engines.hex.training import net_config

    if not weights:
        return None
    net = load_evaluator(weights, spec.device).net
    if net.config != net_config(spec, heads):
        raise UserError(
            f"expected starting weights of {net_config(spec, heads)}, got {net.config}",
            "set blocks, channels and heads to those of the weights",
        )
    return net


class _Show:
    """Publishes a snapshot for each new phase, and within one not faster than anybody can see: making it costs."""

    def __init__(self, loop: TrainingLoop, ctx: JobContext) -> None:
        self.loop, self.ctx = loop, ctx
        self._phase, self._at = "", 0.0

    def __call__(self, phase: str) -> None:
        now = time.monotonic()
        if phase == self._phase and now - self._at < SHOW_S:
            return
        self.ctx.publish(_snapshot(self.loop, phase))
        self._phase, self._at = phase, time.monotonic()


def _snapshot(loop: TrainingLoop, phase: str) -> TrainSnapshot:
    """What the laboratory draws; about 2 ms."""
    from engines.hex.evaluator import Evaluator

    size = loop.sizes[-1] if loop.sizes[-1] in loop.players else loop.sizes[0]
    player = loop.players.get(size)
    if player is None:
        boards, last = np.zeros((0, size, size), np.int8), np.zeros(0, np.int32)
    else:
        boards = player.cells[:MINI_BOARDS].cpu().numpy().copy()  # the game goes on while this is drawn
        last = player.actions[np.arange(len(boards)), player.length[: len(boards)] - 1].astype(np.int32)
    out = Evaluator(loop.learner.net, device=loop.device).evaluate(
        np.zeros((1, loop.sizes[0], loop.sizes[0]), np.int8), np.ones(1, np.int8)
    )
    no_q = np.full_like(out.prior[0], np.nan)
    return TrainSnapshot(
        iteration=loop.iteration,
        iterations=loop.spec.iterations,
        phase=phase,
        history={name: np.asarray(values, np.float64) for name, values in loop.history.items()},
        step_losses=np.array(loop.step_losses, np.float32).reshape(-1, 6),
        boards=boards,
        last_moves=last,
        probe_prior=out.prior[0],
        probe_q=no_q if out.q is None else -out.q[0],
        probe_value=float(out.value[0]),
    )


def _card(loop: TrainingLoop, net: HexNet, name: str) -> ModelCard:
    spec = loop.spec
    curves = loop.history.items() if net is loop.learner.net else ((k, loop.history[k]) for k in _OF_BOTH)
    measured = {k: round(v[-1], 4) for k, v in curves if v and np.isfinite(v[-1])}
    return ModelCard(
        name=name,
        topic="hex",
        title=f"Hex, {net.config.heads} heads, {net.config.blocks}×{net.config.channels}",
        architecture={"kind": "hex", **net.config.as_dict(), "sizes": list(spec.sizes)},
        input="int8 boards [B, n, n]: 0 empty, 1 Black (top-bottom), 2 White (left-right)",
        normalisation="none; planes are 0 and 1",
        data=_data(spec, spec.start_from if net is loop.learner.net else spec.twin_from),
        licence="Apache-2.0",
        metrics=measured,
        command="paper-workbench run hex.train " + " ".join(_settings(spec)),
        date=datetime.now(UTC).date().isoformat(),
        hardware=describe()[0].title,
    )


def _data(spec: TrainSpec, start: str) -> str:
    """What a network learnt from. start: the weights it began with, or nothing."""
    said = "self-play, no games from elsewhere"
    if spec.rescore:
        said += f"; results and moves on boards up to {spec.rescore}×{spec.rescore} exact, by the solver"
    return said + (f"; started from {start}" if start else "")


def _settings(spec: TrainSpec) -> list[str]:
    """`--set k=v` for all that differs from the defaults."""
    changed = {k: v for k, v in spec.model_dump(mode="json").items() if v != type(spec).model_fields[k].default}
    return [f"--set {k}={','.join(map(str, v)) if isinstance(v, list) else v}" for k, v in changed.items()]


def _keep_iteration(loop: TrainingLoop, ctx: JobContext) -> None:
    """The weights after this iteration, for the scrubber and for whoever wants an older one."""
    if ctx.folder is None:
        return
    path = ctx.folder / "iterations" / f"{loop.iteration:05d}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    net = loop.learner.net
    save_weights(path, loop.learner.tensors(), _card(loop, net, f"iteration {loop.iteration}"))


def _finish(loop: TrainingLoop, ctx: JobContext) -> TrainResult:
    spec = loop.spec
    nets = [("three-head" if spec.heads == "three" else "two-head", loop.learner)]
    if loop.twin:
        nets.append(("two-head-twin", loop.twin.learner))
    written: list[str] = []
    for number, (label, learner) in enumerate(nets):
        if spec.save_as:
            path = Path(spec.save_as).expanduser()
            path = path if number == 0 else path.with_name(f"{path.stem}-twin{path.suffix}")
        elif ctx.folder is not None:
            path = ctx.folder / f"{label}.safetensors"
        else:
            continue
        save_weights(path, learner.tensors(), _card(loop, learner.net, path.stem))
        written.append(str(path))
    kept = sorted((ctx.folder / "iterations").glob("*.safetensors")) if ctx.folder else []
    if ctx.folder is not None:
        write_json(ctx.folder / "history.json", loop.history)  # NaN becomes null
    return TrainResult(
        {name: np.asarray(v, np.float64) for name, v in loop.history.items()},
        written[0] if written else "",
        written[1] if len(written) > 1 else "",
        tuple(map(str, kept)),
        loop.net_calls,
        loop.games,
        loop.seconds,
    )


@job("hex.probe", ProbeSpec, title="Ask a network about a position")
def probe(spec: ProbeSpec, ctx: JobContext) -> ProbeResult:
    """Evaluate one position with one network: the lab's scrubber over checkpoints."""
    from engines.hex.evaluator import load_evaluator

    position = replay(spec.size, moves_of(spec.moves, spec.size), "pieces")
    ctx.check()
    evaluator = load_evaluator(spec.weights, spec.device)
    out = evaluator.evaluate(position.cells[None], np.array([position.to_move], np.int8))
    q = np.full_like(out.prior[0], np.nan) if out.q is None else -out.q[0]
    q = np.where(position.cells.ravel() == 0, q, np.nan).astype(np.float32)
    return ProbeResult(spec.size, position.to_move, position.cells.copy(), out.prior[0], q, float(out.value[0]))
