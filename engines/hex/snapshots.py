"""What crosses from the Hex engine to a window: frozen, picklable, numpy only.

Cells are numbered row-major, ``cell = row * n + column``; N = n². Black (1, the first player) joins top and
bottom, White (2) left and right. Values are in [-1, 1]. Unless said otherwise a move's value is what it is worth
to the player who makes it, so the q-head appears here as ``-q(s, a)`` (see `engines.hex.nets` for the sign).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

SWAP = -1
RESIGN = -2
PASS = -3


@dataclass(frozen=True)
class EngineRequest:
    """What the live engine ("hex.engine") shall do next; it replaces whatever it was doing.

    kind: "analyse" searches until the next request, "move" searches to its limits and answers with `final`,
    "idle" stops and keeps the tree.
    generation: any number of the asker's; snapshots carry it back.
    size, moves: the position as moves from the empty board (cells, SWAP, PASS); or, when `setup` is given, int8
    [n, n] stones to start from with `setup_to_move` on turn. swap: "none", "pieces" or "sides".
    changes: SearchSpec fields to change for this request, e.g. {"n0": 0}.
    simulations, milliseconds: limits for "move" (0: no such limit).
    temperature: of the choice by visits; 0 plays the most visited.
    """

    kind: str
    generation: int
    size: int
    moves: tuple[int, ...] = ()
    swap: str = "pieces"
    setup: np.ndarray | None = None
    setup_to_move: int = 1
    changes: dict[str, object] = field(default_factory=dict)
    simulations: int = 0
    milliseconds: int = 0
    temperature: float = 0.0


@dataclass(frozen=True)
class AnalysisSnapshot:
    """A search as it stands.

    prior: float32 [N], sums to 1 over empty cells. visits: int32 [N].
    search_q: float32 [N], search value of each move for its mover, NaN where unvisited.
    q_head: float32 [N], the q-head's value of each move for its mover (= -q), NaN on stones or without a q-head.
    proven: int8 [N], 1 proven win for the mover, -1 proven loss, 0 open.
    value: search value of the position for the player to move. net_value: the network's v for the same.
    min_q: -min_a q(s,a), the value the q-head implies. mean_q: sum_a p(a)·(-q(s,a)).
    lines: for each move with visits, best first, its principal variation as cells (the move itself first).
    best: the move to play (a cell), or SWAP/RESIGN, or -4 while there is none.
    """

    generation: int
    size: int
    to_move: int
    prior: np.ndarray
    visits: np.ndarray
    search_q: np.ndarray
    q_head: np.ndarray
    proven: np.ndarray
    value: float
    net_value: float
    min_q: float
    mean_q: float
    simulations: int
    net_calls: int
    cache_hits: int
    depth: int
    seconds: float
    lines: tuple[tuple[int, ...], ...] = ()
    best: int = -4
    final: bool = False
    note: str = ""


@dataclass(frozen=True)
class ExactRequest:
    """What the exact solver ("hex.exact") shall do next; it replaces whatever it was doing.

    kind: "solve" the position, or "idle" stops and keeps what was learnt. generation: snapshots carry it back.
    cells: int8 [n, n] (0 empty, 1 Black, 2 White), of which only the shape counts for "idle". to_move: 1 or 2.
    """

    kind: str
    generation: int
    cells: np.ndarray
    to_move: int = 1


@dataclass(frozen=True)
class ExactSnapshot:
    """The exact solution of a position as far as it is known.

    moves: int8 [N], 1 proven win for the mover, -1 proven loss, 0 not known yet (or a stone).
    total: moves there are to solve; 0 where `note` says why none is solved.
    """

    generation: int
    size: int
    to_move: int
    moves: np.ndarray
    total: int
    note: str = ""

    @property
    def known(self) -> int:
        """Moves solved so far."""
        return int(np.count_nonzero(self.moves))


@dataclass(frozen=True)
class ReviewedMove:
    """One move of a reviewed game. index: 0 for the first move; player: 1 Black, 2 White (the colour that moved).

    value: of the position before the move, for that player; after: of the position after it, for that player;
    loss: value - after in win-probability points [0, 1]; best: the engine's choice; best_line: its variation.
    rank: place of the played move among the visited ones (0 best), -1 if unvisited. sign: +1/-1 such that
    value * sign is Black's.
    """

    index: int
    player: int
    move: int
    value: float
    after: float
    loss: float
    best: int
    best_line: tuple[int, ...]
    rank: int
    proven: int


@dataclass(frozen=True)
class ReviewSnapshot:
    """The review so far. black_value: float32 [moves+1], Black's value at each position, NaN where not reached."""

    size: int
    black_value: np.ndarray
    moves: tuple[ReviewedMove, ...]


@dataclass(frozen=True)
class DuelSnapshot:
    """Both sides of a duel on one position."""

    left: AnalysisSnapshot
    right: AnalysisSnapshot


@dataclass(frozen=True)
class MatchSnapshot:
    """A match so far. wins: games won by (left, right); wins_as_black: the same for games with Black.

    calls, simulations, seconds: totals of (left, right). game: moves of the game under way.
    elo, elo_low, elo_high: left minus right, with a 95 % interval (Wilson on the score).
    """

    size: int
    played: int
    total: int
    wins: tuple[int, int]
    wins_as_black: tuple[int, int]
    calls: tuple[int, int]
    simulations: tuple[int, int]
    seconds: tuple[float, float]
    elo: float
    elo_low: float
    elo_high: float
    game: tuple[int, ...] = ()
    games: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class OpeningsSnapshot:
    """The swap map. value: float32 [N], Black's value of each opening, NaN where not reached yet.

    exact: int8 [N], +1 if the opening is proven to win for Black, -1 lose, 0 unknown.
    """

    size: int
    value: np.ndarray
    exact: np.ndarray


@dataclass(frozen=True)
class TrainSnapshot:
    """A training run as it stands, enough to draw the whole laboratory.

    phase: "self-play", "training" or "measuring". history: named curves, float64 [points], all of one length
    (one point an iteration): iteration, net_calls, seconds, games, games_per_s, samples, loss, loss_policy,
    loss_value, loss_q, loss_all, loss_pen, v_sign, q_sign, policy_top1, consistency, elo. NaN where not measured.
    step_losses: float32 [steps, 6]: total, policy, value, q, all, pen of the latest steps (at most 2,000).
    boards: int8 [K, n, n] live mini-boards (0 empty, 1 Black, 2 White), last_moves int32 [K] (-1 none).
    probe_*: the network's view of the empty board of the first size (or of the position asked for).
    """

    iteration: int
    iterations: int
    phase: str
    history: dict[str, np.ndarray]
    step_losses: np.ndarray
    boards: np.ndarray
    last_moves: np.ndarray
    probe_prior: np.ndarray
    probe_q: np.ndarray
    probe_value: float
    note: str = ""
