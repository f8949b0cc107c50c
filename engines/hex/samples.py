"""Training samples: what self-play leaves behind, and the window that training draws batches from."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from engines.hex.method import average_duplicates


@dataclass(frozen=True)
class Samples:
    """S positions of one board size n, N = n², each with one played move.

    cells: int8 [S, N]; mover: int8 [S] (1 Black, 2 White); pi: float16 [S, N], sums to 1; action: int16 [S];
    z: float32 [S], the game's result for the mover; lost: float32 [S], mean of max(-z, 0) (differs from z only
    where duplicates were merged). exact: int8 [S, N], what each move is worth to the mover by the solver, +1 or -1,
    0 on stones; a row of zeros where nobody asked the solver.
    """

    size: int
    cells: np.ndarray
    mover: np.ndarray
    pi: np.ndarray
    action: np.ndarray
    z: np.ndarray
    lost: np.ndarray
    exact: np.ndarray

    def __len__(self) -> int:
        return len(self.mover)

    def take(self, index: np.ndarray) -> Samples:
        """The samples at `index`, int or bool [K]."""
        return Samples(self.size, *(getattr(self, f.name)[index] for f in fields(self) if f.name != "size"))

    def turned(self, which: np.ndarray) -> Samples:
        """The same with the samples of bool [S] `which` turned by 180°: board, pi, action and exact values."""
        cells, pi, action, exact = self.cells.copy(), self.pi.copy(), self.action.copy(), self.exact.copy()
        cells[which] = cells[which, ::-1]
        pi[which] = pi[which, ::-1]
        exact[which] = exact[which, ::-1]
        action[which] = self.size**2 - 1 - action[which]
        return Samples(self.size, cells, self.mover, pi, action, self.z, self.lost, exact)

    def merged(self) -> Samples:
        """Samples whose boards after the move agree become one, with mean results and the first pi.

        Those with exact values stay: there is nothing to average, and a position that is met in many games is to
        weigh more than one that is met once.
        """
        played = ~(self.exact != 0).any(axis=1)
        if not played.any():
            return self
        rest = self.take(~played)
        first = self.take(played)
        after = first.cells.copy()
        after[np.arange(len(first)), first.action] = first.mover
        kept, z, lost = average_duplicates(after, first.z)
        merged = replace(first.take(kept), z=z, lost=lost)
        return join([merged, rest]) if len(rest) else merged

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays, for a checkpoint; `of_arrays` turns it back."""
        return {f.name: np.asarray(getattr(self, f.name)) for f in fields(self)}

    @staticmethod
    def of_arrays(arrays: dict[str, np.ndarray]) -> Samples:
        """Of `arrays`; those that know no exact values (of an older checkpoint) get rows of zeros."""
        rest = {k: np.asarray(v) for k, v in arrays.items() if k != "size"}
        rest.setdefault("exact", np.zeros_like(rest["cells"]))
        return Samples(size=int(arrays["size"]), **rest)


def join(parts: list[Samples]) -> Samples:
    """One after the other; all of one size, at least one."""
    names = [f.name for f in fields(Samples) if f.name != "size"]
    return Samples(parts[0].size, *(np.concatenate([getattr(p, name) for p in parts]) for name in names))


def of_game(
    size: int, first: np.ndarray, mover: int, actions: np.ndarray, pi: np.ndarray, winner: int, skip: int
) -> Samples:
    """The samples of one game from the position `first` (int8 [N]) with `mover` to move.

    actions: int [T]; pi: float16 [T, N]; the first `skip` moves (random openings) leave no sample.
    """
    moves = len(actions)
    movers = np.where(np.arange(moves) % 2 == 0, mover, 3 - mover).astype(np.int8)
    cells = np.tile(first, (moves, 1))
    for t in range(moves - 1):
        cells[t + 1 :, actions[t]] = movers[t]
    z = np.where(movers == winner, 1.0, -1.0).astype(np.float32)
    lost, exact = np.maximum(-z, 0), np.zeros_like(cells)
    every = Samples(size, cells, movers, pi, actions.astype(np.int16), z, lost, exact)
    return every.take(np.arange(skip, moves))


class Window:
    """The latest iterations' samples. Batches hold one board size each, so no position is padded."""

    def __init__(self, iterations: int) -> None:
        self._parts: deque[list[Samples]] = deque(maxlen=iterations)

    def __len__(self) -> int:
        return sum(len(s) for part in self._parts for s in part)

    def add(self, samples: list[Samples]) -> None:
        """The samples of one iteration, one entry a board size."""
        self._parts.append([s for s in samples if len(s)])

    def batches(self, batch: int, *, merge: bool, rng: np.random.Generator) -> Iterator[Samples]:
        """One pass in random order, half of the samples turned by 180°. A last short batch is left out unless it is
        the only one of its size."""
        pools = []
        for size in sorted({s.size for part in self._parts for s in part}):
            pool = join([s for part in self._parts for s in part if s.size == size])
            pools.append(pool.merged() if merge else pool)
        order: list[tuple[int, np.ndarray]] = []
        for number, pool in enumerate(pools):
            shuffled = rng.permutation(len(pool))
            whole = max(len(pool) // batch, 1)
            order += [(number, shuffled[i * batch : (i + 1) * batch]) for i in range(whole)]
        for place in rng.permutation(len(order)):
            number, index = order[place]
            chosen = pools[number].take(index)
            yield chosen.turned(rng.random(len(chosen)) < 0.5)

    def state(self) -> list[list[dict[str, np.ndarray]]]:
        """For a checkpoint."""
        return [[s.arrays() for s in part] for part in self._parts]

    def restore(self, state: list[list[dict[str, np.ndarray]]]) -> None:
        self._parts.clear()
        for part in state:
            self._parts.append([Samples.of_arrays(arrays) for arrays in part])
