"""PV-MCTS on G boards in lockstep: one network batch per step, all arrays on one device (CPU or GPU).

Every simulation is a row operation over games, so the search costs a few microseconds per simulation and the network
is what remains. The tree is fixed-size, as in mctx: a node exists for each expanded position; statistics of moves
live at the node where the move is made. Signs, n0, back-up and proofs are those of the interactive search
(`engines.hex.search`); it differs in three things: one leaf per game and step, so no virtual loss; the exploration
term counts the moves' visits, not those that the position had before it was expanded; and a move that lets the
opponent win at once is found out by visits, not looked up.
Source: Gao et al. 2019, PV-MCTS with delayed expansion; Danihelka et al. 2022 for the Gumbel root.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.hex.evaluator import Evaluator

WON, LOST = 1, -1


@dataclass(frozen=True)
class LockstepResult:
    """One search on each of G boards of N cells, tensors on the search's device.

    visits: int32 [G, N]. q: float32 [G, N], a move's search value for its mover, 0 where unvisited.
    improved: float32 [G, N], the target policy: visit shares, or the completed-q policy with a Gumbel root, without
    moves proven to lose while there are others; one-hot on a proven win. choice: int64 [G], what the Gumbel root or
    the most visits choose.
    status: int8 [G], +1 root proven won for the mover, -1 proven lost, 0 open. value: float32 [G], for the mover.
    simulations, net_calls: totals over games (net_calls counts positions evaluated, roots included).
    """

    visits: Tensor
    q: Tensor
    improved: Tensor
    choice: Tensor
    status: Tensor
    value: Tensor
    simulations: int
    net_calls: int


def connected(stones: Tensor, *, rows: Tensor) -> Tensor:
    """Whether each player's stones join their edges. stones: bool [B, n, n]; rows: bool [B], True if they join top
    and bottom, False if left and right. Returns bool [B]. A flood fill from the near edge until it is stable."""
    turned = torch.where(rows.view(-1, 1, 1), stones, stones.transpose(1, 2))  # transposing keeps the neighbours
    batch, n = turned.shape[0], turned.shape[-1]
    wide = torch.zeros(batch, n + 2, n + 2, dtype=torch.bool, device=stones.device)
    wide[:, 1:-1, 1:-1] = turned
    fill = torch.zeros_like(wide)
    fill[:, 1, :] = wide[:, 1, :]
    while True:
        grown = fill.clone()
        grown[:, 1:] |= fill[:, :-1]
        grown[:, :-1] |= fill[:, 1:]
        grown[:, :, 1:] |= fill[:, :, :-1]
        grown[:, :, :-1] |= fill[:, :, 1:]
        grown[:, :-1, 1:] |= fill[:, 1:, :-1]
        grown[:, 1:, :-1] |= fill[:, :-1, 1:]
        grown &= wide
        if torch.equal(grown, fill):
            return fill[:, n, :].any(1)
        fill = grown


def considered_visits(actions: int, simulations: int) -> list[int]:
    """For each simulation, how many visits the root moves still considered have: sequential halving.

    Source: Danihelka et al. 2022, "Policy improvement by planning with Gumbel", algorithm 1.
    """
    if actions <= 1:
        return list(range(simulations))
    rounds = (actions - 1).bit_length()
    sequence: list[int] = []
    visits, considered = [0] * actions, actions
    while len(sequence) < simulations:
        for _ in range(max(1, simulations // (rounds * considered))):
            sequence.extend(visits[:considered])
            for i in range(considered):
                visits[i] += 1
        considered = max(2, considered // 2)
    return sequence[:simulations]


class Lockstep:
    """A batched search with fixed settings. Calling it is deterministic given the evaluator and the generator; a
    Gumbel root without a generator draws nothing and considers the likeliest moves."""

    def __init__(
        self,
        evaluator: Evaluator,
        *,
        simulations: int,
        n0: int = 0,
        c_puct: float = 2.0,
        fpu: str = "q",
        noise: float = 0.0,
        alpha: float = 0.3,
        gumbel: bool = False,
        considered: int = 16,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.evaluator = evaluator
        self.simulations = simulations
        self.n0 = n0 if evaluator.has_q else 0
        self.c_puct = c_puct
        self.fpu = fpu if evaluator.has_q or fpu != "q" else "zero"
        self.noise = noise
        self.alpha = alpha
        self.gumbel = gumbel
        self.considered = considered
        self.check = check

    @torch.inference_mode()
    def search(self, cells: Tensor, to_move: Tensor, generator: torch.Generator | None = None) -> LockstepResult:
        """Search G positions. cells: int8 [G, n, n], none finished; to_move: int8 [G] (1 or 2)."""
        games, n = cells.shape[0], cells.shape[-1]
        self.games, self.cells, self.size = games, n * n, n
        nodes = self.simulations + 1
        device = cells.device
        self.rows = torch.arange(games, device=device)
        self.base = self.rows * nodes
        shape = (games * nodes, self.cells)
        self.N = torch.zeros(shape, dtype=torch.int32, device=device)
        self.W = torch.zeros(shape, device=device)
        self.P = torch.zeros(shape, device=device)
        self.Q0 = torch.zeros(shape, device=device)  # first-play value for the mover
        self.QH = torch.zeros(shape, device=device)  # q-head's value for the mover
        self.S = torch.zeros(shape, dtype=torch.int8, device=device)  # proven: +1 / -1 for the mover
        self.legal = torch.zeros(shape, dtype=torch.bool, device=device)
        self.child = torch.full(shape, -1, dtype=torch.int32, device=device)
        self.used = torch.ones(games, dtype=torch.int64, device=device)
        self.root_cells, self.root_mover = cells, to_move
        self.calls = 0
        root_value, root_logits = self._expand(self.rows, self.base, cells, to_move)
        self.root_value = root_value
        if self.noise > 0 and not self.gumbel:
            self._add_noise(generator)
        schedule = self._gumbel_schedule(root_logits, generator) if self.gumbel else None
        done = 0
        for step in range(self.simulations):
            self.check()
            moved = self._simulate(None if schedule is None else schedule[step])
            if moved == 0:
                break
            done += moved
        return self._finish(root_value, root_logits, done)

    def _expand(self, games: Tensor, nodes: Tensor, cells: Tensor, movers: Tensor) -> tuple[Tensor, Tensor]:
        """Call the network for positions of `games` and write them at `nodes`. Returns (value [B], log prior)."""
        prior, value, q = self.evaluator.evaluate_tensors(cells, movers)
        self.calls += len(games)
        legal = cells.flatten(1) == 0
        self.P[nodes] = prior
        self.legal[nodes] = legal
        if q is not None:
            self.QH[nodes] = -q
        if self.fpu == "q" and q is not None:
            self.Q0[nodes] = -q
        elif self.fpu == "parent":
            self.Q0[nodes] = value.unsqueeze(1)
        return value, torch.log(prior.clamp(min=1e-12))

    def _add_noise(self, generator: torch.Generator | None) -> None:
        legal = self.legal[self.base]
        concentration = torch.full_like(self.P[self.base], self.alpha)
        sample = torch._standard_gamma(concentration, generator=generator) * legal
        sample = sample / sample.sum(1, keepdim=True).clamp(min=1e-20)
        self.P[self.base] = (1 - self.noise) * self.P[self.base] + self.noise * sample

    def _gumbel_schedule(self, logits: Tensor, generator: torch.Generator | None) -> Tensor:
        """int64 [simulations, G]: visits a root move must have to be looked at in each step."""
        self.root_gumbel = logits
        if generator is not None:
            uniform = torch.rand(logits.shape, generator=generator, device=logits.device).clamp(1e-20, 1 - 1e-7)
            self.root_gumbel = -torch.log(-torch.log(uniform)) + logits
        counts = self.legal[self.base].sum(1).clamp(max=self.considered).cpu()
        tables = {int(m): considered_visits(int(m), self.simulations) for m in counts.unique()}
        return torch.tensor([tables[int(m)] for m in counts], device=logits.device).T.contiguous()

    def _scale(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """sigma(completed q) of the roots and the completed q itself, float32 [B, N] each."""
        visits, total = self.N[nodes], self.W[nodes]
        unvisited = self.QH[nodes] if self.evaluator.has_q else self._mixed_value(nodes).unsqueeze(1)
        known = torch.where(visits > 0, total / visits.clamp(min=1), unvisited)
        known = torch.where(self.S[nodes] != 0, self.S[nodes].float(), known)
        legal = self.legal[nodes]
        low = known.masked_fill(~legal, torch.inf).amin(1, keepdim=True)
        high = known.masked_fill(~legal, -torch.inf).amax(1, keepdim=True)
        unit = (known - low) / (high - low).clamp(min=1e-6)
        return (50 + visits.amax(1, keepdim=True)) * 0.1 * unit, known

    def _mixed_value(self, nodes: Tensor) -> Tensor:
        """What unvisited moves of the roots are given without a q-head, float32 [B]: Danihelka et al. 2022, eq. 33."""
        visits, total = self.N[nodes], self.W[nodes]
        weights = self.P[nodes].clamp(min=1e-12) * (visits > 0)
        searched = (weights * total / visits.clamp(min=1)).sum(1) / weights.sum(1).clamp(min=1e-12)
        count = visits.sum(1)
        return (self.root_value + count * searched) / (1 + count)

    def _select(self, nodes: Tensor) -> Tensor:
        """The move of each node with the best PUCT score, int64 [G]."""
        visits = self.N[nodes]
        proven = self.S[nodes].float()
        mean = torch.where(visits > 0, self.W[nodes] / visits.clamp(min=1), self.Q0[nodes])
        mean = torch.where(proven != 0, proven, mean)
        root = visits.sum(1, keepdim=True).clamp(min=1).sqrt()
        score = mean + self.c_puct * self.P[nodes] * root / (1 + visits)
        score = score + 100.0 * proven  # take a win, never walk into a loss
        return score.masked_fill(~self.legal[nodes], -torch.inf).argmax(1)

    def _select_root(self, wanted: Tensor | None) -> Tensor:
        if wanted is None:
            return self._select(self.base)
        sigma, _ = self._scale(self.base)
        score = self.root_gumbel + sigma + 1000.0 * self.S[self.base].float()
        due = (self.N[self.base] == wanted.unsqueeze(1)) & self.legal[self.base]
        score = torch.where(due, score, score - 1e6)
        return score.masked_fill(~self.legal[self.base], -torch.inf).argmax(1)

    def _simulate(self, wanted: Tensor | None) -> int:
        """One simulation in every game whose root is not proven. Returns how many games took part."""
        device = self.rows.device
        open_games = ~self._proven(self.base).bool()
        taking = int(open_games.sum())
        if taking == 0:
            return 0
        node = self.base.clone()
        cells = self.root_cells.flatten(1).clone()
        mover = self.root_mover.clone()
        descending = open_games.clone()
        path: list[tuple[Tensor, Tensor, Tensor]] = []  # node, move, games on this ply
        last_node, last_move = node.clone(), torch.zeros(self.games, dtype=torch.int64, device=device)
        depth = torch.zeros(self.games, dtype=torch.int64, device=device)
        while True:
            move = self._select_root(wanted) if not path else self._select(node)
            path.append((node, move, descending))
            rows = self.rows[descending]
            cells[rows, move[rows]] = mover[rows]
            mover = torch.where(descending, 3 - mover, mover)
            last_node = torch.where(descending, node, last_node)
            last_move = torch.where(descending, move, last_move)
            depth = depth + descending
            below = self.child[node, move]
            proven = self.S[node, move]
            descending = descending & (below >= 0) & (proven == 0)
            if not bool(descending.any()):
                break
            node = torch.where(descending, self.base + below, node)
        return self._back_up(open_games, path, cells, mover, last_node, last_move, depth, taking)

    def _back_up(
        self,
        taking: Tensor,
        path: list[tuple[Tensor, Tensor, Tensor]],
        cells: Tensor,
        mover: Tensor,
        last_node: Tensor,
        last_move: Tensor,
        depth: Tensor,
        count: int,
    ) -> int:
        """Value the leaves (proven, q or network), then add them along the paths with changing sign."""
        n = self.size
        visits = self.N[last_node, last_move]
        status = self.S[last_node, last_move].clone()  # of the last move, for who made it
        boards = cells.view(-1, n, n)
        fresh = taking & (visits == 0) & (status == 0)
        rows = self.rows[fresh]
        if len(rows):
            who = 3 - mover[rows]  # who made the last move
            won = connected(boards[rows] == who.view(-1, 1, 1), rows=who == 1)
            status[rows] = won.to(torch.int8)
        value = torch.where(status != 0, status.float(), self.QH[last_node, last_move])
        grow = taking & (status == 0) & (visits >= self.n0)
        rows = self.rows[grow]
        if len(rows):
            index = self.used[rows]
            nodes = self.base[rows] + index
            self.child[last_node[rows], last_move[rows]] = index.to(torch.int32)
            self.used[rows] += 1
            net_value, _ = self._expand(rows, nodes, boards[rows], mover[rows])
            value[rows] = -net_value
        for ply in range(len(path) - 1, -1, -1):
            node, move, on = path[ply]
            rows = self.rows[on]
            at, what = node[rows], move[rows]
            sign = 1.0 - 2.0 * ((depth[rows] - 1 - ply) % 2)
            self.N[at, what] += 1
            self.W[at, what] += sign * value[rows]
            if bool((status[rows] != 0).any()):
                self._prove(rows, at, what, status)
        return count

    def _prove(self, rows: Tensor, at: Tensor, what: Tensor, status: Tensor) -> None:
        """Write proven moves, then turn `status` into that of the move above: a won node is a lost move."""
        known = status[rows]
        self.S[at, what] = torch.where(known != 0, known, self.S[at, what])
        status[rows] = -self._proven(at)

    def _proven(self, nodes: Tensor) -> Tensor:
        """int8 [B]: +1 where a move is proven won, -1 where all are proven lost, else 0."""
        proven, legal = self.S[nodes], self.legal[nodes]
        won = (proven == WON).any(1)
        lost = ((proven == LOST) | ~legal).all(1)
        return won.to(torch.int8) - (lost & ~won).to(torch.int8)

    def _finish(self, root_value: Tensor, logits: Tensor, done: int) -> LockstepResult:
        visits, status = self.N[self.base], self._proven(self.base)
        legal, proven = self.legal[self.base], self.S[self.base].float()
        mean = torch.where(visits > 0, self.W[self.base] / visits.clamp(min=1), torch.zeros_like(self.W[self.base]))
        total = visits.sum(1)
        keep = legal & ((proven != LOST) | (status == LOST).unsqueeze(1))
        value = torch.where(total > 0, self.W[self.base].sum(1) / total.clamp(min=1), root_value)
        value = torch.where(status != 0, status.float(), value)
        if self.gumbel:
            sigma, _ = self._scale(self.base)
            improved = torch.softmax((logits + sigma).masked_fill(~keep, -torch.inf), dim=1)
            most = visits.masked_fill(~keep, -1).amax(1, keepdim=True)  # the last visit may have proven a loss
            score = (self.root_gumbel + sigma).masked_fill(~keep | (visits != most), -1e6)
        else:
            # Only moves that look into a proof have no visits at all: fall back on the prior.
            shares = torch.where((total > 0).unsqueeze(1), visits.float(), self.P[self.base])
            kept = shares * keep
            shares = torch.where(kept.sum(1, keepdim=True) > 0, kept, self.P[self.base] * keep)
            improved = shares / shares.sum(1, keepdim=True).clamp(min=1e-12)
            score = improved.clone()
        wins = proven == WON
        one_hot = wins.float() / wins.sum(1, keepdim=True).clamp(min=1)
        improved = torch.where((status == WON).unsqueeze(1), one_hot, improved)
        score = torch.where((status == WON).unsqueeze(1), one_hot, score + 1000.0 * proven)
        choice = score.masked_fill(~legal, -torch.inf).argmax(1)
        return LockstepResult(visits, mean, improved, choice, status, value, done, self.calls)
