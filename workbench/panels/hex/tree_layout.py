"""Where the nodes of a variation tree lie on a grid: one column for each move, one lane for each branch. No
Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.hex.gametree import Node


@dataclass(frozen=True)
class TreeLayout:
    """Places of k nodes.

    nodes: in no promised order, the beginning first. depth: int32 [k], moves from the beginning. lane: int32
    [k], 0 for the main line, branches below. parent: int32 [k], index of each node's parent, -1 for the
    beginning.
    """

    nodes: tuple[Node, ...]
    depth: np.ndarray
    lane: np.ndarray
    parent: np.ndarray
    index: dict[int, int]

    @property
    def columns(self) -> int:
        return int(self.depth.max()) + 1

    @property
    def lanes(self) -> int:
        return int(self.lane.max()) + 1

    def index_of(self, node: Node) -> int:
        """Where a node stands in the arrays, -1 if it is not in this tree."""
        return self.index.get(id(node), -1)

    def at(self, depth: int, lane: int) -> Node | None:
        """The node at a place of the grid."""
        found = np.flatnonzero((self.depth == depth) & (self.lane == lane))
        return self.nodes[int(found[0])] if len(found) else None


def lay_out(root: Node) -> TreeLayout:
    """The places of all nodes from `root` on.

    A branch takes the first lane below its parent's that is free from its parent's column to its end.
    Branches are placed from the end of a line backwards, which keeps those of one line from crossing; linear
    in the nodes but for the length of branches.
    """
    nodes: list[Node] = []
    depths: list[int] = []
    lanes: list[int] = []
    parents: list[int] = []
    lowest: list[int] = []  # by column, the lowest lane in use
    # A line to place: its first node, column, index of its parent, and the parent's lane.
    waiting: list[tuple[Node, int, int, int]] = [(root, 0, -1, -1)]
    while waiting:
        start, column, parent, above = waiting.pop()
        line = [start]
        while line[-1].children:
            line.append(line[-1].children[0])
        end = column + len(line)
        lowest.extend([-1] * (end - len(lowest)))
        lane = max(max(lowest[max(column - 1, 0) : end]) + 1, above + 1)
        for offset, node in enumerate(line):
            parents.append(parent if offset == 0 else len(nodes) - 1)
            nodes.append(node)
            depths.append(column + offset)
            lanes.append(lane)
        # The cell beside the parent belongs to the bend of the line that leads here.
        for place in range(max(column - 1, 0), end):
            lowest[place] = max(lowest[place], lane)
        first = len(nodes) - len(line)
        for offset, node in enumerate(line):  # last in, first out: the deepest branches are placed first
            for child in reversed(node.children[1:]):
                waiting.append((child, column + offset + 1, first + offset, lane))
    index = {id(node): i for i, node in enumerate(nodes)}
    depth, lane_of, parent_of = (np.array(values, np.int32) for values in (depths, lanes, parents))
    return TreeLayout(tuple(nodes), depth, lane_of, parent_of, index)
