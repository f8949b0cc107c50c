"""Self-play: G games of one board size searched in lockstep, finished ones replaced at once.

Source: Gao et al. 2019, "Zero loop": one uniformly random first move, no swap, a game ends when the search proves its
result. Deviation: the policy target is the visit distribution (or the Gumbel policy) for every move; the authors'
code stores one-hot targets after the sampled moves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from engines.hex.lockstep import Lockstep, connected
from engines.hex.perfect import Perfect
from engines.hex.samples import Samples, join, of_game


@dataclass(frozen=True)
class Batch:
    """Samples of the games that ended. games, simulations, net_calls, moves: totals of this call.

    black_wins: how many of the games Black won.
    """

    samples: Samples
    games: int
    black_wins: int
    moves: int
    simulations: int
    net_calls: int


class SelfPlay:
    """Keeps its unfinished games between calls, so that long games are not lost to short ones."""

    def __init__(
        self,
        size: int,
        games: int,
        *,
        sampled_moves: int,
        seed: int,
        random_moves: int = 1,
        defended: float = 0.0,
        perfect: Perfect | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        """random_moves: each game begins with 1 up to this many uniformly random moves (the paper: 1), fewer than
        either side needs to win. defended: share of games in which `perfect` plays for the side that is lost after
        those, so that the network must win against the best defence."""
        self.size = size
        self.random_moves = max(1, min(random_moves, size))
        self.sampled_moves = sampled_moves
        self.defended = defended if perfect is not None else 0.0
        self.perfect = perfect
        self.device = torch.device(device)
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        cells = size**2
        self.cells = torch.zeros(games, size, size, dtype=torch.int8, device=self.device)
        self.mover = torch.ones(games, dtype=torch.int8, device=self.device)
        self.actions = np.zeros((games, cells), np.int16)
        self.pi = np.zeros((games, cells, cells), np.float16)
        self.length = np.zeros(games, np.int64)
        self.skip = np.ones(games, np.int64)
        self.defender = np.zeros(games, np.int8)
        """int8 [G]: the colour that `perfect` plays, 0 where the network plays both."""
        self._begin(np.arange(games))

    def _begin(self, games: np.ndarray) -> None:
        count = self.rng.integers(1, self.random_moves + 1, len(games))
        order = self.rng.permuted(np.tile(np.arange(self.size**2), (len(games), 1)), axis=1)[:, : self.random_moves]
        cells = np.zeros((len(games), self.size**2), np.int8)
        for ply in range(self.random_moves):
            on = count > ply
            cells[on, order[on, ply]] = 1 + ply % 2
        rows = torch.as_tensor(games, device=self.device)
        self.cells[rows] = torch.as_tensor(cells, device=self.device).view(-1, self.size, self.size)
        self.mover[rows] = torch.as_tensor(1 + count % 2, dtype=torch.int8, device=self.device)
        self.actions[games, : self.random_moves] = order
        self.length[games] = self.skip[games] = count
        self.defender[games] = 0
        if self.perfect is not None and self.defended:
            for place in np.flatnonzero(self.rng.random(len(games)) < self.defended):
                mover = 1 + int(count[place]) % 2
                self.defender[games[place]] = self.perfect.loser(cells[place], mover)

    def keep(self, games: np.ndarray) -> None:
        """Go on with some boards only. games: int [K], their places."""
        rows = torch.as_tensor(games, device=self.device)
        self.cells, self.mover = self.cells[rows], self.mover[rows]
        self.actions, self.pi = self.actions[games], self.pi[games]
        self.length, self.skip, self.defender = self.length[games], self.skip[games], self.defender[games]

    def play(
        self,
        search: Lockstep,
        games: int,
        *,
        refill: bool = True,
        on_move: Callable[[SelfPlay, int], None] | None = None,
    ) -> Batch:
        """Play until `games` games have ended, or without `refill` until all have.

        `on_move(self, ended)` is called after each ply of all boards.
        """
        ended: list[Samples] = []
        count = black = simulations = calls = moves = 0
        while count < games or not refill:
            result = search.search(self.cells, self.mover, self.generator)
            simulations += result.simulations
            calls += result.net_calls
            moves += len(self.cells)
            finished, winner = self._advance(result.improved, result.choice, result.status, gumbel=search.gumbel)
            for game in finished:
                ended.append(self._samples(game, int(winner[game])))
                black += int(winner[game] == 1)
            count += len(finished)
            if len(finished) and refill:
                self._begin(finished)
            elif len(finished):
                self.keep(np.setdiff1d(np.arange(len(winner)), finished))
                if not len(self.length):
                    break
            if on_move is not None:
                on_move(self, count)
        return Batch(join(ended), count, black, moves, simulations, calls)

    def _advance(
        self, improved: torch.Tensor, choice: torch.Tensor, status: torch.Tensor, *, gumbel: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Play one move on every board. Returns (games that ended, int8 [G] winners or 0)."""
        early = torch.as_tensor(self.length <= self.sampled_moves, device=self.device)
        early = early & (status == 0)
        if bool(early.any()) and not gumbel:
            drawn = torch.multinomial(improved, 1, generator=self.generator).squeeze(1)
            choice = torch.where(early, drawn, choice)
        choice = self._defended(choice, status)
        rows = torch.arange(len(choice), device=self.device)
        mover = self.mover.clone()
        self.cells.view(len(choice), -1)[rows, choice] = mover
        won = connected(self.cells == mover.view(-1, 1, 1), rows=mover == 1)
        winner = torch.where((status == 1) | won, mover, torch.where(status == -1, 3 - mover, torch.zeros_like(mover)))
        self.mover = 3 - mover
        at = (np.arange(len(choice)), self.length)
        self.actions[at] = choice.cpu().numpy()
        self.pi[at] = improved.to(torch.float16).cpu().numpy()
        self.length += 1
        won_by = winner.cpu().numpy()
        return np.flatnonzero(won_by), won_by

    def _defended(self, choice: torch.Tensor, status: torch.Tensor) -> torch.Tensor:
        """The moves with those of the solver where it is its turn; a proven game ends anyway."""
        if self.perfect is None or not self.defender.any():
            return choice
        mover = self.mover.cpu().numpy()
        cells = self.cells.flatten(1).cpu().numpy()
        due = np.flatnonzero((self.defender == mover) & (status.cpu().numpy() == 0))
        moves = [self.perfect.move(cells[game], int(mover[game]), self.rng) for game in due]
        choice = choice.clone()
        choice[torch.as_tensor(due, device=self.device)] = torch.as_tensor(
            moves, dtype=choice.dtype, device=self.device
        )
        return choice

    def _samples(self, game: int, winner: int) -> Samples:
        moves = int(self.length[game])
        empty = np.zeros(self.size**2, np.int8)
        return of_game(
            self.size, empty, 1, self.actions[game, :moves], self.pi[game, :moves].copy(), winner, int(self.skip[game])
        )
