"""The three-head engine as a player of the protocol."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from engines.core.errors import UserError
from engines.hex import player
from engines.hex.htp.game import Game
from engines.hex.htp.players import Limits, NetView, Stop, Watch
from engines.hex.search import Limits as SearchLimits
from engines.hex.search import SearchSettings
from engines.hex.snapshots import AnalysisSnapshot
from engines.hex.spec import SearchSpec

if TYPE_CHECKING:
    from engines.hex.evaluator import Evaluator

LOOK_S = 0.1
"""Time between two looks of a live analysis."""
_SETTINGS = ("n0", "c_puct", "batch", "fpu", "use_q_leaf", "noise", "alpha", "gumbel", "average_rotation")


class Stopped(Exception):
    """Ends a search whose answer is wanted now; the tree stays whole."""


class SearchPlayer:
    """PV-MCTS with a network (`engines.hex.player.Player` follows the game).

    spec: the search and the network's name, device and seed. The network is loaded at once, so that a wrong
    name is told at the start.
    """

    def __init__(self, spec: SearchSpec, evaluator: Evaluator | None = None) -> None:
        self.spec = spec
        self._evaluator = evaluator if evaluator is not None else self._read(spec)
        self._player = self._fresh()

    @property
    def name(self) -> str:
        return self._evaluator.name

    def think(self, game: Game, limits: Limits, stop: Stop) -> AnalysisSnapshot:
        self._look_at(game)
        self._run(SearchLimits(simulations=limits.simulations, seconds=limits.seconds), stop)
        return self._player.snapshot(final=True, best=self._player.decide())

    def analyse(self, game: Game, watch: Watch, stop: Stop) -> None:
        self._look_at(game)
        while True:
            self._run(SearchLimits(seconds=LOOK_S), stop)
            watch(self._player.snapshot())
            if stop():
                return
            search = self._player.search
            if search.is_decided or not search.tree.room:
                time.sleep(LOOK_S / 2)

    def network(self, game: Game) -> NetView:
        out = self._evaluator.evaluate(game.position.cells[None], np.array([game.to_move], np.int8))
        return NetView(out.prior[0], float(out.value[0]), None if out.q is None else out.q[0])

    def load(self, weights: str) -> None:
        spec = self.spec.changed(weights=weights)
        self._evaluator, self.spec = self._read(spec), spec
        self._player = self._fresh()

    def settings(self) -> dict[str, str | int | float | bool]:
        return {name: getattr(self.spec, name) for name in _SETTINGS}

    def set(self, name: str, value: str) -> None:
        if name not in _SETTINGS:
            raise UserError(f"there is no parameter {name!r}", f"known: {', '.join(_SETTINGS)}")
        self.spec = self.spec.changed(**{name: value})
        self._evaluator.average_rotation = self.spec.average_rotation
        self._player = self._fresh()

    def close(self) -> None:
        self._player = self._fresh()

    @staticmethod
    def _read(spec: SearchSpec) -> Evaluator:
        from engines.hex.evaluator import load_evaluator  # brings torch

        return load_evaluator(spec.weights, spec.device, average_rotation=spec.average_rotation)

    def _fresh(self) -> player.Player:
        rng = np.random.default_rng(self.spec.seed)
        return player.Player(self._evaluator, SearchSettings.of(self.spec), rng=rng)

    def _look_at(self, game: Game) -> None:
        self._player.set_position(game.size, game.moves, game.swap, game.setup, game.setup_to_move)

    def _run(self, limits: SearchLimits, stop: Stop) -> None:
        def check() -> None:
            # The root comes first whatever happens, so that a move can be named even if stopped at once.
            if self._player.search.root >= 0 and stop():
                raise Stopped

        try:
            self._player.think(limits, check=check)
        except Stopped:
            return
