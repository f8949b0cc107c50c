"""What the Hex jobs return: frozen, and light to import, because the window unpickles them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.hex.analysis import UNDECIDED
from engines.hex.coordinates import cell_name, move_name
from engines.hex.snapshots import AnalysisSnapshot, ReviewedMove


@dataclass(frozen=True)
class DuelResult:
    """Both searches at the end of their budget, and their networks' names."""

    left: AnalysisSnapshot
    right: AnalysisSnapshot
    names: tuple[str, str]

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """One row a side."""
        sides = (self.left, self.right)
        return {
            "duel": {
                "network": np.array(self.names),
                "best": np.array([move_name(s.best, s.size) if s.best > -4 else "" for s in sides]),
                "win": np.array([(s.value + 1) / 2 for s in sides]),
                "simulations": np.array([s.simulations for s in sides]),
                "net_calls": np.array([s.net_calls for s in sides]),
                "depth": np.array([s.depth for s in sides]),
                "seconds": np.array([s.seconds for s in sides]),
            }
        }


@dataclass(frozen=True)
class MatchResult:
    """A finished match. winners: int8 [games], 0 if the left network won, 1 if the right one did.

    openings: int32 [games], the first moves; left_black: bool [games], whether the left network had Black.
    elo, elo_low, elo_high: left minus right, 95 % (Wilson). calls, simulations, seconds: totals of (left,
    right). games: the moves of each game.
    """

    size: int
    names: tuple[str, str]
    winners: np.ndarray
    openings: np.ndarray
    left_black: np.ndarray
    elo: float
    elo_low: float
    elo_high: float
    calls: tuple[int, int]
    simulations: tuple[int, int]
    seconds: tuple[float, float]
    games: tuple[tuple[int, ...], ...]

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """The games, one a row, and the totals, one side a row."""
        wins = [int((self.winners == side).sum()) for side in (0, 1)]
        return {
            "games": {
                "opening": np.array([move_name(int(m), self.size) for m in self.openings]),
                "black": np.array([self.names[0 if left else 1] for left in self.left_black]),
                "winner": np.array([self.names[int(w)] for w in self.winners]),
                "moves": np.array([" ".join(move_name(m, self.size) for m in game) for game in self.games]),
            },
            "sides": {
                "network": np.array(self.names),
                "wins": np.array(wins),
                "elo": np.array([self.elo, -self.elo]),
                "elo_low": np.array([self.elo_low, -self.elo_high]),
                "elo_high": np.array([self.elo_high, -self.elo_low]),
                "net_calls": np.array(self.calls),
                "simulations": np.array(self.simulations),
                "seconds": np.array(self.seconds),
            },
        }


@dataclass(frozen=True)
class ReviewResult:
    """A reviewed game. black_value: float32 [moves+1], Black's value at each position, in [-1, 1].

    moves: one entry a move. simulations, net_calls: totals.
    """

    size: int
    black_value: np.ndarray
    moves: tuple[ReviewedMove, ...]
    simulations: int
    net_calls: int

    def mistakes(self, threshold: float = 0.1) -> tuple[ReviewedMove, ...]:
        """Moves that lost more than `threshold` of win probability, the worst first."""
        bad = [move for move in self.moves if move.loss > threshold]
        return tuple(sorted(bad, key=lambda move: -move.loss))

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """One row a move; values as win probabilities of the player who moved."""
        moves = self.moves
        return {
            "moves": {
                "number": np.array([m.index + 1 for m in moves]),
                "player": np.array(["Black" if m.player == 1 else "White" for m in moves]),
                "move": np.array([move_name(m.move, self.size) for m in moves]),
                "win_before": np.array([(m.value + 1) / 2 for m in moves]),
                "win_after": np.array([(m.after + 1) / 2 for m in moves]),
                "loss": np.array([m.loss for m in moves]),
                "best": np.array(["" if m.best == UNDECIDED else move_name(m.best, self.size) for m in moves]),
                "rank": np.array([m.rank for m in moves]),
            },
            "positions": {
                "moves": np.arange(len(self.black_value)),
                "black_win": (self.black_value + 1) / 2,
            },
        }


@dataclass(frozen=True)
class OpeningsResult:
    """The swap map. value: float32 [N], Black's value of each first move in [-1, 1]; exact: int8 [N], +1
    proven win for Black, -1 proven loss, 0 open. net_value: float32 [N], the same from the network alone."""

    size: int
    value: np.ndarray
    exact: np.ndarray
    net_value: np.ndarray
    simulations: int
    net_calls: int

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """One row an opening; `swap` says whether the second player should, by proof where there is one."""
        names = np.array([cell_name(cell, self.size) for cell in range(self.size**2)])
        return {
            "openings": {
                "cell": names,
                "black_win": (self.value + 1) / 2,
                "network": (self.net_value + 1) / 2,
                "proven": self.exact,
                "swap": np.where(self.exact != 0, self.exact, self.value) > 0,
            }
        }


@dataclass(frozen=True)
class SolveResult:
    """The exact solution of a position. value: 1 if the player to move wins, else -1. to_move: 1 Black, 2
    White.

    moves: int8 [N], 1 for winning moves, -1 for losing ones, 0 on stones.
    """

    size: int
    to_move: int
    value: int
    moves: np.ndarray

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """The moves as cells with their results."""
        cells = np.flatnonzero(self.moves)
        names = np.array([cell_name(int(cell), self.size) for cell in cells])
        return {"moves": {"cell": names, "result": self.moves[cells]}}


@dataclass(frozen=True)
class ExportResult:
    """A network written as ONNX. opset, bytes: of the file. sizes: boards on which the file was compared with the
    network; difference: the largest of any output."""

    path: str
    name: str
    opset: int
    bytes: int
    sizes: tuple[int, ...]
    difference: float


@dataclass(frozen=True)
class TrainResult:
    """A finished run. history: named curves, float64 [iterations] (see TrainSnapshot).

    weights_path, twin_path: the networks' files, empty where nobody keeps the run. iteration_paths: one file an
    iteration, for the scrubber.
    """

    history: dict[str, np.ndarray]
    weights_path: str
    twin_path: str
    iteration_paths: tuple[str, ...]
    net_calls: int
    games: int
    seconds: float

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {"history": self.history}


@dataclass(frozen=True)
class ProbeResult:
    """A network's view of a position, without a search. prior: float32 [N]; q: float32 [N], a move's value for its
    mover (-q), NaN on stones and for two heads; value: for the player to move. cells: int8 [n, n]."""

    size: int
    to_move: int
    cells: np.ndarray
    prior: np.ndarray
    q: np.ndarray
    value: float
