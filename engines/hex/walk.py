"""Walking down the tree and back: the part of the search that every simulation pays for.

A simulation passes some ten positions, and in each of them PUCT takes the move with the greatest score. A visit
changes the score of one move only; those of the others are straight lines in c · sqrt(N(s)) meanwhile. So each
row that is walked through has a `Place`, which holds the move that is best now and a bound on the scores of all
others. While the move stays above the bound no score is computed; when it does not, the few next best moves are
compared; and only when the bound on the remaining ones is reached too is the whole row looked at. The moves are
exactly those that an argmax over the row's float32 scores would give: where rounding could decide, it is made.

The numbers of the best move live in its place as long as it is best. The tree's arrays and `row_visits` lag
behind until `flush`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engines.hex.tree import CLOSED, FINISHED, OPEN, REFUTED, Tree

_MARGIN = 1e-6
"""Relative; the float32 rounding of two scores that are compared is at most half of it."""
_LINES = 14
"""Moves that are kept for comparison."""
_REACH, _SHARE = 4.0, 0.125
"""Visits for which a bound is drawn at least, and the part of the visits so far that is added."""
_YOUNG = 8
"""Visits of a row from which on it keeps a list; before that, every score of it is looked at after each."""
_PLACES = 20_000
"""Places take two or three kilobytes each, and new ones are quickly made."""


class Place:
    """A row of the tree and the move that is best in it.

    edge: the move's flat index; doubled: 2 W; end - left: N; prior: P; others: visits of the row that are not the
    move's. child: the place it leads to; None where the walk ends, or where nobody has gone on yet.
    low, step: the move stays the best while left > 0 and doubled > low + step · left.
    bound, slope: no other score is above bound + slope · c · sqrt(N(s)). lines: (S, U, cell) of the next best moves;
    rest: a bound like `bound` on all that are not among them, infinite where nothing is listed.
    threats: masks of the cells where the player to move and where the opponent would win at once; None before
    somebody asks.
    """

    __slots__ = (
        "bound", "child", "doubled", "edge", "end", "left", "lines", "low", "others", "prior", "rest", "row", "slope",
        "step", "threats",
    )  # fmt: skip

    def __init__(self, row: int) -> None:
        self.row = row
        self.threats: tuple[int, int] | None = None
        self.child: Place | None = None
        self.lines: list[tuple[float, float, int]] = []
        self.edge = 0
        self.end = self.left = self.others = self.doubled = self.prior = 0.0
        self.low = self.step = self.bound = self.slope = self.rest = 0.0

    @property
    def visits(self) -> int:
        """N of the best move."""
        return int(self.end - self.left)

    @property
    def total(self) -> int:
        """N(s) of the row."""
        return int(self.end - self.left + self.others)


@dataclass(slots=True, frozen=True)
class Path:
    """A way down that waits for the network. places: the positions passed; edges: the moves made there."""

    places: list[Place]
    edges: list[int]


class Walk:
    """The places of a tree; `drop` them when anybody else changes rows. depth: of the longest way so far."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.depth = 0
        self._c_puct = tree.c_puct
        self._places: dict[int, Place] = {}
        self._scores = np.empty(tree.cells, np.float32)
        self._factor = np.zeros((), np.float32)  # an array, because a Python number takes numpy twice as long

    def at(self, row: int) -> Place:
        """The place of a row."""
        place = self._places.get(row)
        if place is None:
            place = self._places[row] = Place(row)
            self._look(place, float(self.tree.row_visits[row]))
        return place

    @property
    def is_crowded(self) -> bool:
        """Whether there are so many places that a `flush` will drop them."""
        return len(self._places) > _PLACES

    def drop(self) -> None:
        """Forget all places; what has not been flushed is lost."""
        self._places.clear()

    def flush(self, root: int) -> None:
        """Bring the tree's arrays up to date below `root`, and drop the places when there are many."""
        tree, places = self.tree, self._places
        waiting = [places[root]] if root in places else []
        for place in waiting:  # grows while it is read
            row = place.row
            if tree.row_visits[row] == place.total:
                continue  # nobody came here since the last time, nor further down
            tree.row_visits[row] = place.total
            self._write(place)
            children = tree.child[row]
            waiting += [places[child] for child in children[children >= 0].tolist() if child in places]
        if self.is_crowded:
            self.drop()

    def quick(self, root: Place, most: int, n0: int) -> tuple[int, list[Place]]:
        """Simulate up to `most` times as long as simulations end in a stored q, at moves with at most n0 visits.

        Returns how many were made, and the way down of the next one, which ends elsewhere and is not counted yet
        (empty when all were made).
        """
        tree = self.tree
        child, q, row_proven = tree.child_at, tree.q_at, tree.row_proven
        count, depth, most_visits = self.count, self.depth, float(n0)
        path = [root]
        for done in range(most):
            place = path[-1]
            while True:
                while (below := place.child) is not None:
                    path.append(below)
                    place = below
                edge = place.edge
                row = child[edge]
                if row < 0 or row_proven[row]:
                    break
                place.child = self.at(row)
            if len(path) > depth:
                self.depth = depth = len(path)
            visits = place.end - place.left
            if row != OPEN or visits >= most_visits or (visits == 0.0 and self._ends(place)):
                return done, path
            changed = count(path, q[edge])
            if changed is not None:
                del path[path.index(changed) + 1 :]
        return most, []

    def arrival(self, path: list[Place]) -> int:
        """What a way leads to: a row that is proven, OPEN, FINISHED or REFUTED."""
        place = path[-1]
        if place.end == place.left and self.tree.child_at[place.edge] == OPEN:
            self._ends(place)
        return self.tree.child_at[place.edge]

    def count(self, path: list[Place], value: float) -> Place | None:
        """Add a visit with its result, `value` in [-1, 1] for the player to move at the end of the way.

        Returns the first place of the way in which another move is best now.
        """
        result = value + 1.0  # doubled, as in the place
        changed = None
        for place in reversed(path):
            result = 2.0 - result
            place.doubled = doubled = place.doubled + result
            place.left = left = place.left - 1.0
            if (doubled <= place.low + left * place.step or left <= 0.0) and self._choose(place):
                changed = place
        return changed

    def lose(self, path: list[Place]) -> Path:
        """Count a visit with a virtual loss in each place: result 0 until `settle` adds the true one."""
        edges = [place.edge for place in path]
        for place in path:
            place.left -= 1.0
            if place.doubled <= place.low + place.left * place.step or place.left <= 0.0:
                self._choose(place)
        return Path(path, edges)

    def settle(self, paths: list[Path], values: list[float]) -> None:
        """Add the results of visits that were counted as losses (see `count`)."""
        tree = self.tree
        better: dict[Place, list[int]] = {}  # moves that are not the best, and may be now
        for path, value in zip(paths, values, strict=True):
            result = value + 1.0
            for place, edge in zip(reversed(path.places), reversed(path.edges), strict=True):
                result = 2.0 - result
                if place.edge == edge:
                    place.doubled += result
                else:
                    tree.wins_at[edge] += result / 2.0
                    better.setdefault(place, []).append(edge)
        for place, edges in better.items():
            self._improve(place, edges)

    def visits(self, path: Path) -> int:
        """N of the last move of a way."""
        place, edge = path.places[-1], path.edges[-1]
        return place.visits if place.edge == edge else self.tree.visits_at[edge]

    def force(self, place: Place, move: int) -> None:
        """Make `move` the next one here, whatever its score, for one visit."""
        visits = place.end - place.left
        edge = place.row * self.tree.cells + move
        if edge != place.edge:
            total, other = place.total, place.edge
            self._write(place)
            self._list(place, [other])
            place.lines = [line for line in place.lines if line[2] != move]
            visits = self._take(place, move, total)
        place.end, place.left, place.bound = visits + 1.0, 1.0, math.inf

    def end(self, path: list[Place], proven: int) -> None:
        """Count a visit whose result is certain (1: the player to move at the end of the way wins, -1: loses), and
        carry the proof upwards.

        A move into a lost position proves its maker's win; a position whose every move leads into a won one
        is lost.
        """
        tree = self.tree
        edges = [place.edge for place in path]
        self.count(path, proven)
        if not tree.prove:
            return
        for place, edge in zip(reversed(path), reversed(edges), strict=True):
            row = place.row
            if proven > 0:
                if tree.value_at[edge] == CLOSED:
                    return
                self._close(place, edge)
                if tree.row_open[row]:
                    return
            if tree.row_proven[row]:
                return
            proven = -proven
            tree.row_proven[row] = proven

    def _ends(self, place: Place) -> bool:
        """Whether the best move, unvisited yet, ends the game or lets the opponent win at once; noted in
        the tree."""
        tree = self.tree
        stones = tree.stones[place.row]
        if place.threats is None:
            place.threats = stones.winning_cells(), stones.opponent_winning_cells()
        own, other = place.threats
        if not own and not other:
            return False
        bit = stones.geometry.bit[place.edge % tree.cells]
        if own & bit:
            tree.child_at[place.edge] = FINISHED
        elif tree.prove and other & ~bit:  # the opponent's ways to win are the same after a move elsewhere
            tree.child_at[place.edge] = REFUTED
        else:
            return False
        return True

    def _choose(self, place: Place) -> bool:
        """Find the best move again after a visit of the one that was; says whether it is another.

        One long function, because every simulation comes here about twice.
        """
        tree = self.tree
        slope, others, prior, bound = place.slope, place.others, place.prior, place.bound
        visits = place.end - place.left
        total = visits + others
        factor = self._c_puct * math.sqrt(total)
        value, upper = place.doubled / visits - 1.0, prior / (1.0 + visits)
        mine = value + upper * factor
        is_other = False
        if mine <= bound + slope * factor:
            edge, lines = place.edge, place.lines
            if bound == math.inf and tree.value_at[edge] == CLOSED:
                mine = CLOSED  # it was made against better knowledge
            best = second = place.rest + slope * factor
            top = None
            for line in lines:
                s, u, _ = line
                score = s + u * factor
                if score > second:
                    if score > best:
                        second = best
                        best = score
                        top = line
                    else:
                        second = score
            margin = _MARGIN * (3.0 + upper * factor)
            if mine > best + margin:
                bound = best  # the old one had become loose
            else:
                tree.visits_at[edge] = int(visits)
                tree.wins_at[edge] = place.doubled / 2.0
                tree.score_prior_at[edge] = upper
                if mine != CLOSED:
                    tree.value_at[edge] = value
                    if mine > second:
                        second = mine
                if top is None or best <= second + margin:  # a move that is not listed, or rounding decides
                    self._look(place, total)
                    return place.edge != edge
                if mine != CLOSED:
                    lines[lines.index(top)] = value, upper, edge % tree.cells
                else:
                    lines.remove(top)
                bound, is_other = second, True
                _, upper, move = top
                visits = self._take(place, move, total)
                others, prior = place.others, place.prior
            place.bound = bound = bound + margin - slope * factor
        place.left = reach = _REACH + visits * _SHARE
        place.end = end = visits + reach
        if bound == CLOSED:  # there is no other move
            place.low = place.step = CLOSED
            return is_other
        # The move stays the best while S + U c sqrt(N(s)) > bound + slope c sqrt(N(s)). Times its visits n, this says
        # that 2 W is above a function of n, which is convex, so that its chord over the next visits is above it.
        bound += 1.0
        ahead = self._c_puct * math.sqrt(end + others)
        place.low = low = end * (bound + ahead * (slope - prior / (1.0 + end)))
        place.step = (visits * (bound + factor * (slope - upper)) - low) / reach
        return is_other

    def _look(self, place: Place, total: float) -> None:
        """Choose in the whole row, whose arrays are up to date, and list the next best moves. total: N(s)."""
        tree, row, scores = self.tree, place.row, self._scores
        factor = self._c_puct * math.sqrt(total)
        values, uppers = tree.score_value[row], tree.score_prior[row]
        self._factor[()] = factor
        np.multiply(uppers, self._factor, scores)
        np.add(scores, values, scores)
        move = int(scores.argmax())
        if total < _YOUNG:  # not worth a list
            place.rest, place.bound, place.slope, place.lines = math.inf, math.inf, 0.0, []
            visits = self._take(place, move, total)
            place.end, place.left = visits + 1.0, 1.0
            return
        best = scores.item(move)
        scores[move] = CLOSED
        order = scores.argsort()
        count = min(_LINES, tree.row_open[row] - 1)
        first = tree.cells - count
        listed = order[first:]
        second = scores.item(order.item(-1))
        rest = scores.item(order.item(first - 1)) if count == _LINES else CLOSED
        slope = place.slope = uppers.item(int(uppers.argmax())) * (1.0 + _MARGIN)
        place.rest = rest - slope * factor
        place.bound = second + _MARGIN * (3.0 + abs(best)) - slope * factor
        place.lines = list(zip(values[listed].tolist(), uppers[listed].tolist(), listed.tolist(), strict=True))
        visits = self._take(place, move, total)
        place.end, place.left = visits + 1.0, 1.0  # the next visit draws the line

    def _take(self, place: Place, move: int, total: float) -> float:
        """Make a move the best one; returns its visits, which are for the caller to enter. total: N(s)."""
        tree = self.tree
        place.edge = edge = place.row * tree.cells + move
        visits = float(tree.visits_at[edge])
        place.others = total - visits
        place.doubled = 2.0 * tree.wins_at[edge]
        place.prior = tree.prior_at[edge]
        row = tree.child_at[edge]
        place.child = None if row < 0 or tree.row_proven[row] else self._places.get(row)
        return visits

    def _write(self, place: Place) -> None:
        """Write the best move's numbers into the tree."""
        tree, edge, visits = self.tree, place.edge, place.visits
        tree.visits_at[edge] = visits
        tree.wins_at[edge] = place.doubled / 2
        tree.score_prior_at[edge] = place.prior / (1 + visits)
        if visits and tree.value_at[edge] != CLOSED:
            tree.value_at[edge] = place.doubled / visits - 1

    def _list(self, place: Place, edges: Sequence[int]) -> float:
        """Enter moves that are not the best one into the lines as the tree has them; returns their greatest score."""
        tree, factor = self.tree, self._c_puct * math.sqrt(place.total)
        first = place.row * tree.cells
        lines = place.lines = [line for line in place.lines if first + line[2] not in edges]
        best = CLOSED
        for edge in set(edges):
            value, upper = tree.value_at[edge], tree.score_prior_at[edge]
            if value != CLOSED:
                lines.append((value, upper, edge - first))
                best = max(best, value + upper * factor)
        return best

    def _improve(self, place: Place, edges: list[int]) -> None:
        """Compare the best move again with others whose W has grown."""
        tree = self.tree
        for edge in edges:
            if tree.value_at[edge] != CLOSED:
                tree.value_at[edge] = 2.0 * tree.wins_at[edge] / tree.visits_at[edge] - 1.0
        if place.rest < math.inf:
            limit = place.bound + place.slope * self._c_puct * math.sqrt(place.total)
            if self._list(place, edges) <= limit:
                return
        if place.visits:
            place.bound = math.inf
            self._choose(place)
        else:
            self._look(place, place.total)

    def _close(self, place: Place, edge: int) -> None:
        """Never choose a move again, because it loses."""
        tree = self.tree
        tree.value_at[edge] = CLOSED
        tree.row_open[place.row] -= 1
        self._list(place, [edge])
        if place.edge == edge and tree.row_open[place.row]:
            self._write(place)
            self._look(place, place.total)
