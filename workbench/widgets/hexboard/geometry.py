"""Where the cells of a Hex board lie on the screen: centres, outlines, borders, labels, hit test.

The flat board has pointed-top hexagons, row r shifted by half a cell to the right of row r - 1, so that a1's
acute corner points to ten o'clock. The other orientations turn the board clockwise in steps of 30°, and are
numbered, as on HexWorld, by the hour to which that corner points: 10 flat, 9 diamond with a1 left, 12 diamond
with a1 on top. Knows no Qt.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FLAT = 10
DIAMOND = 9
MIN_SIZE = 1
MAX_SIZE = 26

_HALF = np.sqrt(3.0) / 2
BORDER = 0.46
"""Width of the coloured border beyond the outermost vertices, in circumradii of a cell."""
LABEL_GAP = 0.60
"""Distance of the coordinates' centres from the outside of the border."""
LABEL_ROOM = 0.52
"""Half the room that a coordinate needs, so that labels never leave the widget."""

_HEXAGON = np.array([(0, -1), (_HALF, -0.5), (_HALF, 0.5), (0, 1), (-_HALF, 0.5), (-_HALF, -0.5)])


@dataclass(frozen=True)
class BoardGeometry:
    """A board of `size` × `size` cells fitted into a rectangle of `width` × `height` logical pixels.

    rotation: hour of the clock to which a1's corner points, 1..12. coordinates: leave room for labels
    outside. Arrays are float64 in pixels, y downwards; cells are numbered row-major.
    """

    size: int
    width: float
    height: float
    rotation: int = FLAT
    coordinates: bool = True
    margin: float = 6.0

    def __post_init__(self) -> None:
        if not MIN_SIZE <= self.size <= MAX_SIZE:
            raise ValueError(f"expected a board size in {MIN_SIZE}..{MAX_SIZE}, got {self.size}")
        if not 1 <= self.rotation <= 12:
            raise ValueError(f"expected a rotation in 1..12, got {self.rotation}")

    @cached_property
    def turn(self) -> np.ndarray:
        """float64 [2, 2]: row vectors of the flat board times it are turned clockwise on the screen."""
        angle = np.deg2rad((self.rotation - FLAT) * 30.0)
        return np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])

    @cached_property
    def _fit(self) -> tuple[float, np.ndarray]:
        """Circumradius of a cell in pixels, and the translation, so that everything lies inside the
        rectangle."""
        extent = self._unit_extent @ self.turn
        low, high = extent.min(axis=0), extent.max(axis=0)
        pad = LABEL_ROOM if self.coordinates else 0.06
        low, high = low - pad, high + pad
        room = np.maximum(np.array([self.width, self.height]) - 2 * self.margin, 1.0)
        scale = float((room / (high - low)).min())
        return scale, np.array([self.width, self.height]) / 2 - scale * (low + high) / 2

    @cached_property
    def _unit_extent(self) -> np.ndarray:
        """Points of the flat unit board that must stay visible: labels, or else the corners of the border."""
        if self.coordinates:
            return np.concatenate([self._unit_labels[0], self._unit_labels[1], self._unit_frame])
        return self._unit_frame

    @property
    def aspect(self) -> float:
        """Width by height of the board with its labels."""
        low, high = (self._unit_extent @ self.turn).min(axis=0), (self._unit_extent @ self.turn).max(axis=0)
        wide, tall = high - low + 2 * (LABEL_ROOM if self.coordinates else 0.06)
        return float(wide / tall)

    @property
    def radius(self) -> float:
        """Circumradius of a cell in pixels; a stone or a text has about 1.7 of these as its room."""
        return self._fit[0]

    def to_screen(self, points: np.ndarray) -> np.ndarray:
        """Points [..., 2] of the flat unit board as pixels."""
        scale, shift = self._fit
        return points @ self.turn * scale + shift

    @cached_property
    def _unit_centres(self) -> np.ndarray:
        row, column = np.divmod(np.arange(self.size**2), self.size)
        return np.stack([2 * _HALF * (column + row / 2), 1.5 * row], axis=1)

    @cached_property
    def centres(self) -> np.ndarray:
        """[N, 2] centres of the cells."""
        return self.to_screen(self._unit_centres)

    @cached_property
    def hexagon(self) -> np.ndarray:
        """[6, 2] outline of any cell, relative to its centre."""
        return _HEXAGON @ self.turn * self.radius

    @cached_property
    def _unit_frame(self) -> np.ndarray:
        """[8, 2]: the border's outline without rounding, from the acute corner at a1 clockwise; the two acute
        corners are cut off at a right angle to the long diagonal (they would reach far out otherwise)."""
        n, reach = self.size, BORDER
        low_y, high_y = -1 - reach, 1.5 * (n - 1) + 1 + reach
        # The left border touches the vertices (-√3/2, ±1/2) of a1: direction (1, √3)/2, normal (-√3, 1)/2.
        normal = np.array([-_HALF, 0.5])
        left = float(np.array([-_HALF, 0.5]) @ normal) + reach
        right = float((self._unit_centres[n - 1] + (_HALF, -0.5)) @ -normal) + reach

        def on_left(y: float) -> np.ndarray:
            return np.array([(0.5 * y - left) / _HALF, y])

        def on_right(y: float) -> np.ndarray:
            return np.array([(0.5 * y + right) / _HALF, y])

        top_left, top_right = on_left(low_y), on_right(low_y)
        bottom_right, bottom_left = on_right(high_y), on_left(high_y)
        long_way = np.array([_HALF, 0.5])
        keep = 1 + 1.25 * reach  # from a1's centre along the long diagonal
        cut = max(float(-top_left @ long_way) - keep, 0.0) / np.cos(np.pi / 6)
        down_left, along_top = np.array([0.5, _HALF]), np.array([1.0, 0.0])
        return np.array(
            [
                top_left + cut * along_top, top_right, bottom_right - cut * down_left,
                bottom_right - cut * along_top, bottom_left, top_left + cut * down_left,
            ]
        )  # fmt: skip

    @cached_property
    def frame(self) -> np.ndarray:
        """[6, 2] outline of the coloured border, not yet rounded."""
        return self.to_screen(self._unit_frame)

    @cached_property
    def centre(self) -> np.ndarray:
        """[2] the middle of the board."""
        return (self.centres[0] + self.centres[-1]) / 2

    @cached_property
    def wedges(self) -> tuple[np.ndarray, ...]:
        """Triangles from the middle to two corners and beyond, which cut the border into top, right, bottom
        and left. Each [3, 2]; top and bottom are the first player's."""
        n = self.size
        long_way = np.array([_HALF, 0.5])
        short_way = np.array([0.5, -_HALF])
        middle = (self._unit_centres[0] + self._unit_centres[-1]) / 2
        far = 4.0 * n + 8
        corners = [middle - far * long_way, middle + far * short_way,
                   middle + far * long_way, middle - far * short_way]  # fmt: skip
        return tuple(self.to_screen(np.array([middle, corners[i], corners[(i + 1) % 4]])) for i in range(4))

    @cached_property
    def seams(self) -> np.ndarray:
        """[4, 2, 2] lines from the middle through the four corners, where the border changes its colour."""
        return np.array([(wedge[0], wedge[1]) for wedge in self.wedges])

    @cached_property
    def _unit_labels(self) -> tuple[np.ndarray, np.ndarray]:
        """Places of the letters (above and below) and numbers (left and right): two arrays [2n, 2]."""
        n = self.size
        reach = 1 + BORDER + LABEL_GAP
        index = np.arange(n)
        up, along = np.array([0.5, _HALF]), np.array([1.0, 0.0])  # directions of columns and rows
        top = self._unit_centres[index] - up * (reach / _HALF)
        bottom = self._unit_centres[n * (n - 1) + index] + up * (reach / _HALF)
        left = self._unit_centres[index * n] - along * (reach / _HALF)
        right = self._unit_centres[index * n + n - 1] + along * (reach / _HALF)
        return np.concatenate([top, bottom]), np.concatenate([left, right])

    @cached_property
    def letter_places(self) -> np.ndarray:
        """[2n, 2] centres of the column letters, first the n above, then the n below."""
        return self.to_screen(self._unit_labels[0])

    @cached_property
    def number_places(self) -> np.ndarray:
        """[2n, 2] centres of the row numbers, first the n on the left, then the n on the right."""
        return self.to_screen(self._unit_labels[1])

    def cell_at(self, x: float, y: float) -> int:
        """The cell under a point, or -1. Borders between cells go to either neighbour."""
        scale, shift = self._fit
        u, v = (np.array([x, y]) - shift) / scale @ self.turn.T
        row = v / 1.5
        column = u / (2 * _HALF) - row / 2
        # Cube rounding: of the three coordinates the worst rounded one follows from the other two.
        cube = np.array([column, row, -column - row])
        whole = np.round(cube)
        off = np.abs(whole - cube)
        if off[0] > off[1] and off[0] > off[2]:
            whole[0] = -whole[1] - whole[2]
        elif off[1] > off[2]:
            whole[1] = -whole[0] - whole[2]
        c, r = int(whole[0]), int(whole[1])
        return r * self.size + c if 0 <= r < self.size and 0 <= c < self.size else -1

    def neighbours(self, cell: int) -> tuple[int, ...]:
        """The cells that touch `cell`."""
        r, c = divmod(cell, self.size)
        around = ((r - 1, c), (r - 1, c + 1), (r, c - 1), (r, c + 1), (r + 1, c - 1), (r + 1, c))
        return tuple(i * self.size + j for i, j in around if 0 <= i < self.size and 0 <= j < self.size)

    def step(self, cell: int, direction: tuple[float, float], through: np.ndarray | None = None) -> int:
        """The neighbour of `cell` that lies most nearly in `direction` (screen, y down); `cell` if there is
        none.

        through: a point whose line in that direction the walk should keep to, so that repeated steps across
        the grain of the hexagons zigzag instead of drifting aside; the cell's own centre if None.
        """
        way = np.array(direction, float) / np.hypot(*direction)
        origin = self.centres[cell] if through is None else through
        best, best_off = cell, np.inf
        for other in self.neighbours(cell):
            move = self.centres[other] - self.centres[cell]
            if float(move @ way) < 0.45 * float(np.hypot(*move)):
                continue
            aside = self.centres[other] - origin
            off = abs(float(aside[0] * way[1] - aside[1] * way[0]))
            if off < best_off - 1e-6:
                best, best_off = other, off
        return best


def cell_label(cell: int, size: int) -> str:
    """Letter of the column and number of the row, e.g. a1; columns past z continue aa, ab."""
    row, column = divmod(cell, size)
    return column_label(column) + str(row + 1)


def column_label(column: int) -> str:
    """a, b, …, z, aa, ab, …"""
    return ("" if column < 26 else chr(96 + column // 26)) + chr(97 + column % 26)
