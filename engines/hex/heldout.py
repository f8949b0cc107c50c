"""Games that no network was trained on, and how well values and q foretell their results."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engines.core.errors import UserError
from engines.hex.coordinates import parse_cell
from engines.hex.rules import Position

if TYPE_CHECKING:
    from engines.hex.evaluator import Evaluates, Evaluator
    from engines.hex.probes import Probes


@dataclass(frozen=True)
class Played:
    """S positions of games with the move played in each.

    cells: int8 [S, n, n]; mover: int8 [S] (1 Black, 2 White); action: int64 [S], the cell played;
    z: float32 [S], the game's result for the mover.
    """

    cells: np.ndarray
    mover: np.ndarray
    action: np.ndarray
    z: np.ndarray

    def __len__(self) -> int:
        return len(self.mover)


def self_played(
    evaluator: Evaluator,
    size: int,
    games: int,
    *,
    simulations: int,
    n0: int = 0,
    seed: int,
    check: Callable[[], None] = lambda: None,
) -> Played:
    """Games of a finished network against itself with self-play's noise, from random first moves."""
    from engines.hex.lockstep import Lockstep
    from engines.hex.selfplay import SelfPlay

    search = Lockstep(
        evaluator, simulations=simulations, n0=n0, c_puct=2.0, fpu="q" if evaluator.has_q else "zero",
        noise=0.25, alpha=0.5, check=check,
    )  # fmt: skip
    play = SelfPlay(size, min(games, 128), sampled_moves=round(size**2 / 3), seed=seed)
    samples = play.play(search, games).samples
    cells = samples.cells.reshape(-1, size, size)
    return Played(cells, samples.mover, samples.action.astype(np.int64), samples.z.astype(np.float32))


def recorded(path: Path, size: int = 9, most: int = 20_000, seed: int = 0) -> Played:
    """Positions of recorded games, one game a line, Black first; only games that were played to a connection.

    Unfinished ones are left out because their winner is not sure: in several final positions the search
    proves a win for the side that is supposed to have given up. At most `most` positions, drawn at random.
    Raises UserError for a file that is none.
    """
    games = [(game, winner) for game in read_games(path, size) if (winner := connection(game, size))]
    every = np.array([(g, t) for g, (game, _) in enumerate(games) for t in range(len(game))]).reshape(-1, 2)
    chosen = every[np.random.default_rng(seed).permutation(len(every))[:most]]
    cells = np.zeros((len(chosen), size * size), np.int8)
    action, mover = np.zeros(len(chosen), np.int64), np.zeros(len(chosen), np.int8)
    z = np.zeros(len(chosen), np.float32)
    for row, (number, ply) in enumerate(chosen):
        game, winner = games[number]
        cells[row, game[:ply:2]], cells[row, game[1:ply:2]] = 1, 2
        action[row], mover[row] = game[ply], 1 + ply % 2
        z[row] = 1 if mover[row] == winner else -1
    return Played(cells.reshape(-1, size, size), mover, action, z)


def read_games(path: Path, size: int) -> list[list[int]]:
    """The cells of each line of a gzip-packed file. Raises UserError."""
    try:
        with gzip.open(path, "rt", encoding="ascii") as lines:
            return [[parse_cell(word, size) for word in line.split()] for line in lines]
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise UserError(f"cannot read the recorded games in {path}: {error}") from None


def connection(game: list[int], size: int) -> int:
    """The colour that joined its sides by the end of a game, or 0."""
    position = Position(size, "none")
    for cell in game:
        position.play(cell)
    return position.winner


@dataclass(frozen=True)
class Errors:
    """Mean squared errors against results in {-1, +1}, and shares with the right sign.

    v: of v(s) against z. v_after: of v(s') of the position after the played move against -z. q: of q(s, a) of
    the played move against -z; NaN without a q-head.
    """

    v: float
    v_after: float
    q: float
    v_sign: float
    q_sign: float


def errors(evaluator: Evaluates, played: Played, *, batch: int = 512) -> Errors:
    """How well a network foretells the results of games it has not seen."""
    rows = np.arange(len(played))
    after = played.cells.copy()
    after.reshape(len(rows), -1)[rows, played.action] = played.mover
    value, later, q = (np.zeros(len(rows), np.float64) for _ in range(3))
    for start in range(0, len(rows), batch):
        part = slice(start, start + batch)
        now = evaluator.evaluate(played.cells[part], played.mover[part])
        value[part] = now.value
        q[part] = np.nan if now.q is None else now.q[np.arange(len(now.value)), played.action[part]]
        later[part] = evaluator.evaluate(after[part], (3 - played.mover[part]).astype(np.int8)).value
    z = played.z.astype(np.float64)
    known = not np.isnan(q).any()
    return Errors(
        v=float(np.mean((z - value) ** 2)),
        v_after=float(np.mean((z + later) ** 2)),
        q=float(np.mean((z + q) ** 2)),
        v_sign=float(np.mean((value > 0) == (z > 0))),
        q_sign=float(np.mean((q < 0) == (z > 0))) if known else float("nan"),
    )


@dataclass(frozen=True)
class Damned:
    """Winning moves that the q-head calls lost (q > 0), by how often self-play would make them.

    rare: share among winning moves with a prior below `RARE`; common: among those with at least `COMMON`.
    rare_q, common_q: mean q of either. rare_moves, common_moves: how many there were.
    """

    rare: float
    common: float
    rare_q: float
    common_q: float
    rare_moves: int
    common_moves: int


RARE, COMMON = 0.01, 0.10
"""Prior shares: below one visit in a hundred a move is hardly ever played in self-play."""


def damned_moves(evaluator: Evaluates, probes: Probes) -> Damned:
    """Compare the q of exactly winning moves that are hardly ever played with that of those that are."""
    out = evaluator.evaluate(probes.cells, probes.mover)
    if out.q is None:
        raise UserError("expected a network with a q-head, got one with two heads")
    wins = probes.moves > 0
    rare, common = wins & (out.prior < RARE), wins & (out.prior >= COMMON)

    def share(which: np.ndarray) -> tuple[float, float]:
        assert out.q is not None
        values = out.q[which]
        return (float((values > 0).mean()), float(values.mean())) if len(values) else (np.nan, np.nan)

    (rare_share, rare_q), (common_share, common_q) = share(rare), share(common)
    return Damned(rare_share, common_share, rare_q, common_q, int(rare.sum()), int(common.sum()))
