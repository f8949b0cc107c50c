"""The solver behind the exact overlay ("hex.exact") and the solution of one position ("hex.solve").

The overlay's solver is a session apart from the live engine: solving is Python from end to end, so on another
thread of the search's process it would take turns with the search, and on the search's own thread it would stop
it. The window runs this session on the batch lane, in a process of its own.
"""

from __future__ import annotations

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.hex.movetext import moves_of
from engines.hex.player import replay
from engines.hex.results import SolveResult
from engines.hex.rules import Position
from engines.hex.snapshots import ExactRequest, ExactSnapshot
from engines.hex.solver import Solver, too_large
from engines.hex.spec import ExactSpec, SolveSpec

_IDLE_S = 0.25
_SOLVERS_KEPT = 2
"""Solvers of so many board sizes are kept with what they have learnt (some tens of MB each)."""


class _Replaced(Exception):
    """A newer request has come while an older one is being solved."""

    def __init__(self, request: ExactRequest) -> None:
        super().__init__()
        self.request = request


@job("hex.exact", ExactSpec, title="Exact solver", session=True)
def exact(spec: ExactSpec, ctx: JobContext) -> None:
    """Solve positions as requests come, each move published as it becomes known, until the session is closed."""
    session = ExactSession(ctx)
    request: ExactRequest | None = None
    while True:
        if request is None:
            request = ctx.latest_request(_IDLE_S)
        try:
            if request is not None:
                session.answer(request)
            request = None
        except _Replaced as newer:
            request = newer.request
        ctx.check()


class ExactSession:
    """What lives between requests: a solver for each of the latest board sizes, with what it has learnt."""

    def __init__(self, ctx: JobContext) -> None:
        self.ctx = ctx
        self._solvers: dict[int, Solver] = {}

    def answer(self, request: ExactRequest) -> None:
        """Solve the request's position, or say why not. Raises _Replaced when a newer request comes."""
        if request.kind == "idle":
            return
        cells = request.cells
        moves = np.zeros(cells.size, np.int8)
        try:
            position = Position.from_cells(cells, request.to_move)
            total, why = int((cells == 0).sum()), too_large(len(cells), int((cells == 0).sum()))
            why = "the game is over" if position.winner else why
        except UserError as error:
            total, why = 0, str(error)
        self._publish(request, moves, 0 if why else total, why)
        if why:
            return
        for cell, value in self._solver(len(cells)).each_move(cells, request.to_move, self._look):
            moves[cell] = value
            self._publish(request, moves, total)

    def _publish(self, request: ExactRequest, moves: np.ndarray, total: int, note: str = "") -> None:
        size = len(request.cells)
        self.ctx.publish(ExactSnapshot(request.generation, size, request.to_move, moves.copy(), total, note))

    def _look(self) -> None:
        """The solver's check: end with the session, or for a newer request."""
        self.ctx.check()
        newer = self.ctx.latest_request()
        if newer is not None:
            raise _Replaced(newer)

    def _solver(self, size: int) -> Solver:
        solver = self._solvers.pop(size, None) or Solver(size)
        self._solvers[size] = solver
        while len(self._solvers) > _SOLVERS_KEPT:
            self._solvers.pop(next(iter(self._solvers)))
        return solver


@job("hex.solve", SolveSpec, title="Solve a small position")
def solve_position(spec: SolveSpec, ctx: JobContext) -> SolveResult:
    """Find the exact result of a position and of each of its moves."""
    position = replay(spec.size, moves_of(spec.moves, spec.size), "none")
    if position.winner:
        raise UserError("the game is over in this position", "take back a move")
    cells, total = position.cells, len(position.legal_moves())
    why = too_large(spec.size, total)
    if why:
        raise UserError(why, "choose a smaller board, or give more moves")
    moves = np.zeros(spec.size**2, np.int8)
    ctx.progress(0, total, "Solving")
    for known, (cell, value) in enumerate(Solver(spec.size).each_move(cells, position.to_move, ctx.check), start=1):
        moves[cell] = value
        ctx.progress(known, total, f"{known} of {total} moves solved")
    return SolveResult(spec.size, position.to_move, int(moves[moves != 0].max()), moves)
