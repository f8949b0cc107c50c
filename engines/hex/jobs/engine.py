"""The live engine behind the board ("hex.engine")."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.hex.analysis import UNDECIDED, unsearched
from engines.hex.player import Player, replay
from engines.hex.rules import Swap
from engines.hex.search import Limits, SearchSettings
from engines.hex.snapshots import AnalysisSnapshot, EngineRequest
from engines.hex.spec import EngineSpec

if TYPE_CHECKING:
    from engines.hex.evaluator import Evaluator

_SLICE_S = 0.025
"""Searching between two looks for a newer request."""
_LEAST_SLICE_S = 0.003
_IDLE_S = 0.25
_DEFAULT_MOVE_MS = 1000
"""Thinking time of a move for which neither limit was given."""
_NETWORKS_KEPT = 2


@job("hex.engine", EngineSpec, title="Live engine", session=True)
def engine(spec: EngineSpec, ctx: JobContext) -> None:
    """Analyse positions and choose moves as requests come, until the session is closed."""
    session = EngineSession(spec, ctx)
    while True:
        request = ctx.latest_request(0.0 if session.is_busy else _IDLE_S)
        if request is not None:
            session.begin(request)
        elif session.is_busy:
            session.go_on()
        ctx.check()


class EngineSession:
    """What lives between requests: networks, the player with its tree and caches, the request under way."""

    def __init__(self, spec: EngineSpec, ctx: JobContext) -> None:
        self.spec = spec
        self.ctx = ctx
        self.is_busy = False
        self._networks: dict[tuple[str, bool], Evaluator] = {}
        self._network: tuple[str, bool] | None = None
        self._player: Player | None = None
        self._request = EngineRequest("idle", 0, 3)
        self._settings = spec
        self._started = self._published = 0.0
        self._before = (0, 0)

    def begin(self, request: EngineRequest) -> None:
        """Take a request over from whatever is under way. What is wrong with it is answered, and ends
        nothing."""
        self.is_busy = False
        self._request = request
        try:
            if request.kind not in ("analyse", "move", "idle"):
                raise UserError(f"expected analyse, move or idle, got {request.kind!r}")
            if request.kind == "idle":
                return
            player = self._prepare(request)
        except UserError as error:
            self.ctx.publish(_refusal(request, str(error)))
            return
        self._started = time.perf_counter()
        self._published = 0.0
        counters = player.search.counters
        self._before = (counters.simulations, counters.net_calls)
        self.is_busy = True
        if player.is_over:
            self._finish("The game is over.")

    def go_on(self) -> None:
        """Search a little further, and tell. What the network refuses (a board size) is answered, and ends
        nothing."""
        try:
            self._search()
        except UserError as error:
            self.is_busy = False
            self.ctx.publish(_refusal(self._request, str(error)))

    def _search(self) -> None:
        player, request = cast(Player, self._player), self._request
        now = time.perf_counter()
        elapsed, due = now - self._started, self._published + 1 / self.spec.publish_hz - now
        seconds, simulations = min(_SLICE_S, max(_LEAST_SLICE_S, due)), 0
        if request.kind == "move":
            limit = request.milliseconds or (0 if request.simulations else _DEFAULT_MOVE_MS)
            left_s = limit / 1000 - elapsed if limit else seconds
            done = player.search.counters.simulations - self._before[0]
            simulations = max(0, request.simulations - done)
            if (limit and left_s <= 0) or (request.simulations and not simulations):
                self._finish("")
                return
            seconds = min(seconds, left_s)
        if player.settings.gumbel and simulations:  # its rounds are planned for the whole budget
            seconds = 0.0
        player.think(Limits(simulations=simulations, seconds=seconds), check=self.ctx.check)
        if player.search.is_decided:
            self._finish("Proven.")
        elif not player.search.tree.room:
            self._finish("The tree has reached its memory limit.")
        elif time.perf_counter() - self._published >= 1 / self.spec.publish_hz:
            self._published = time.perf_counter()
            note = _caution(player.evaluator, request.size)
            self.ctx.publish(player.snapshot(request.generation, note=note))

    def _finish(self, note: str) -> None:
        """Answer a "move", or show that an analysis has nothing left to do."""
        player, request = cast(Player, self._player), self._request
        self.is_busy = False
        final = request.kind == "move"
        best = player.decide(request.temperature, self.ctx.check) if final else None
        note = " ".join(part for part in (note, _caution(player.evaluator, request.size)) if part)
        self.ctx.publish(player.snapshot(request.generation, best=best, final=final, note=note))

    def _prepare(self, request: EngineRequest) -> Player:
        """The player at the request's position, with its settings. Raises UserError."""
        settings = self.spec.changed(**request.changes) if request.changes else self.spec
        replay(request.size, request.moves, _swap(request.swap), request.setup, request.setup_to_move)
        network = (settings.weights, settings.average_rotation)
        evaluator = self._evaluator(network)
        if self._player is None:
            self._player = Player(
                evaluator,
                SearchSettings.of(settings),
                cache_positions=self.spec.cache_positions,
                rng=np.random.default_rng(settings.seed),
            )
        elif network != self._network or SearchSettings.of(settings) != self._player.settings:
            self._player.change(SearchSettings.of(settings), evaluator)
        self._network = network
        self._player.set_position(
            request.size, request.moves, _swap(request.swap), request.setup, request.setup_to_move
        )
        return self._player

    def _evaluator(self, network: tuple[str, bool]) -> Evaluator:
        """A loaded network; the least recently used one beyond two is dropped."""
        from engines.hex.evaluator import load_evaluator

        evaluator = self._networks.pop(network, None)
        if evaluator is None:
            evaluator = load_evaluator(network[0], self.spec.device, network[1])
        self._networks[network] = evaluator
        while len(self._networks) > _NETWORKS_KEPT:
            self._networks.pop(next(iter(self._networks)))
        return evaluator


def _swap(text: str) -> Swap:
    if text not in ("none", "pieces", "sides"):
        raise UserError(f"expected swap to be none, pieces or sides, got {text!r}")
    return cast(Swap, text)


def _caution(evaluator: object, size: int) -> str:
    """What to know of a network's view of a board larger than any it was trained on, or ""."""
    largest = max(getattr(evaluator, "sizes", ()), default=size)
    if size <= largest:
        return ""
    return f"This network was trained on boards up to {largest}×{largest}: take its view of this one with care."


def _refusal(request: EngineRequest, note: str) -> AnalysisSnapshot:
    """An answer without an analysis: the note says why."""
    return unsearched(
        request.size**2,
        generation=request.generation,
        size=request.size,
        to_move=request.setup_to_move,
        best=UNDECIDED,
        final=True,
        note=note,
    )
