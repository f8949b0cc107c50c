"""Another program's engine beside ours ("hex.external"), and matches against it ("hex.external_match").

An engine that hangs, dies or babbles loses its own process and nothing else: the answer is a final snapshot
without a move (`best` undecided) whose `note` says what happened, and the next request starts it again.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.hex.arena import elo_interval
from engines.hex.htp.client import HtpClient
from engines.hex.htp.opponent import UNDECIDED, ExternalEngine, Told, single_move, swap_of
from engines.hex.htp.spec import ExternalMatchSpec, ExternalSpec
from engines.hex.peers import Made, MatchTable, NetworkMover, play_match, spread_openings
from engines.hex.search import SearchSettings
from engines.hex.snapshots import EngineRequest, MatchSnapshot

_IDLE_S = 0.25


@job("hex.external", ExternalSpec, title="External engine", session=True)
def external(spec: ExternalSpec, ctx: JobContext) -> None:
    """Ask another program's engine for moves and analysis as requests come, until the session is closed."""
    session = ExternalSession(spec, ctx)
    try:
        while True:
            request = session.take(_IDLE_S)
            if request is not None:
                session.answer(request)
            ctx.check()
    finally:
        session.close()


class ExternalSession:
    """One engine process, started when it is first needed and again after a failure."""

    def __init__(self, spec: ExternalSpec, ctx: JobContext) -> None:
        self.spec = spec
        self.ctx = ctx
        log = ctx.folder / "transcript.txt" if ctx.folder is not None else None
        self.client = HtpClient(spec.command, timeout_s=spec.answer_s, check=ctx.check, log_file=log)
        self.engine = ExternalEngine(self.client)
        self._waiting: EngineRequest | None = None

    def take(self, timeout_s: float) -> EngineRequest | None:
        """The newest request; one that came while the engine was busy goes first."""
        request, self._waiting = self._waiting, None
        return request or self.ctx.latest_request(timeout_s)

    def answer(self, request: EngineRequest) -> None:
        """Serve one request. What goes wrong is told in the answer."""
        if request.kind == "idle":
            return
        try:
            told = Told(request.size, swap_of(request.swap), request.moves, request.setup, request.setup_to_move)
            to_move = told.position().to_move
            self._serve(request, told)
        except UserError as error:
            lost = not self.client.is_alive
            what = f"{error}{'; it is started again when it is next asked' if lost else ''}"
            to_move = request.setup_to_move
            self.ctx.publish(single_move(request.size, to_move, UNDECIDED, generation=request.generation, note=what))

    def close(self) -> None:
        self.client.close()

    def _interrupted(self) -> bool:
        """Whether a newer request has come; it is kept for `take`."""
        newer = self.ctx.latest_request(0.0)
        if newer is not None:
            self._waiting = newer
        return self._waiting is not None

    def _serve(self, request: EngineRequest, told: Told) -> None:
        position = told.position()
        if position.winner:
            self._tell(request, position.to_move, UNDECIDED, note="The game is over.")
            return
        if not self.client.is_alive:
            self.engine = ExternalEngine(self.client)
            self.client.start(self.spec.start_s)
        self.engine.go_to(told)
        wait_s = self.spec.move_s
        if request.kind == "analyse" and self.engine.can_analyse:
            self.engine.analyse(
                told,
                lambda shot: self.ctx.publish(replace(shot, generation=request.generation, note=self.client.name)),
                self._interrupted,
            )
            return
        started = time.perf_counter()
        if request.kind == "analyse":
            move = self.engine.suggest(told, wait_s, self._interrupted)
        else:
            seconds = request.milliseconds / 1000
            wait_s = seconds + self.spec.grace_s if seconds else wait_s
            move = self.engine.move(told, seconds, wait_s, self._interrupted)
        took = time.perf_counter() - started
        self._tell(request, position.to_move, move, seconds=took, note=self.client.name, final=request.kind == "move")

    def _tell(
        self, request: EngineRequest, to_move: int, move: int, *, seconds: float = 0.0, note: str = "",
        final: bool = True,
    ) -> None:  # fmt: skip
        self.ctx.publish(
            single_move(
                request.size,
                to_move,
                move,
                generation=request.generation,
                seconds=seconds,
                note=note,
                final=final,
            )
        )


class ExternalMover:
    """Another program's engine as a side of a match, started again for a game if need be."""

    def __init__(self, client: HtpClient) -> None:
        self.client = client
        self.engine = ExternalEngine(client)
        self.size = 0

    @property
    def name(self) -> str:
        return self.client.name

    def new_game(self, size: int) -> None:
        self.size = size
        if not self.client.is_alive:
            self.client.start()
            self.engine = ExternalEngine(self.client)

    def move(self, moves: tuple[int, ...], seconds: float) -> Made:
        told = Told(self.size, "none", moves)
        self.engine.go_to(told)
        return Made(self.engine.move(told, seconds, self.client.timeout_s, lambda: False))


@job("hex.external_match", ExternalMatchSpec, title="Match against an external engine")
def external_match(spec: ExternalMatchSpec, ctx: JobContext) -> MatchTable:
    """Play another program's engine, every opening twice with colours exchanged."""
    from engines.hex.evaluator import load_evaluator

    evaluator = load_evaluator(spec.weights, spec.device, spec.average_rotation)
    by_time = spec.equal == "time"
    ours = NetworkMover(
        evaluator, SearchSettings.of(spec), simulations=0 if by_time else spec.simulations, seed=spec.seed,
        check=ctx.check,
    )  # fmt: skip
    openings = spread_openings(spec.size, spec.openings)
    total = 2 * len(openings)
    client = HtpClient(spec.command, timeout_s=spec.answer_s, check=ctx.check)

    def tell(table: MatchTable) -> None:
        ctx.progress(len(table.won), total, f"Game {len(table.won)} of {total}")
        ctx.publish(standing(table, total))

    ctx.progress(0, total, "Starting the engine")
    try:
        client.start()
        return play_match(
            ours, ExternalMover(client), spec.size, openings, seconds=None if by_time else 0.0,
            check=ctx.check, on_game=tell,
        )  # fmt: skip
    finally:
        client.close()


def standing(table: MatchTable, total: int) -> MatchSnapshot:
    """A match so far, ours on the left."""
    won = table.won
    elo, low, high = elo_interval(int(won.sum()), len(won))

    def both(values: np.ndarray) -> tuple[int, int]:
        left, right = values.sum(0).tolist()
        return int(left), int(right)

    seconds = table.seconds.sum(0)
    return MatchSnapshot(
        size=table.size,
        played=len(won),
        total=total,
        wins=(int(won.sum()), int((~won).sum())),
        wins_as_black=(int((won & table.black).sum()), int((~won & ~table.black).sum())),
        calls=both(table.calls),
        simulations=both(table.simulations),
        seconds=(float(seconds[0]), float(seconds[1])),
        elo=elo,
        elo_low=low,
        elo_high=high,
        game=table.games[-1],
        games=table.games,
    )
