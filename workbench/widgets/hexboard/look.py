"""Colours of the board in a light and in a dark window, and the two players' names and cues."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor, QPalette

BLACK, WHITE = 1, 2
PLAYER_NAMES = {BLACK: "Red", WHITE: "Blue"}
"""On the screen the first player is Red and joins top and bottom; files and HTP call it black."""


@dataclass(frozen=True)
class Look:
    """The board's colours. red and blue differ in lightness as well as in hue, for those who see no hues."""

    dark: bool
    ground: QColor
    cell: QColor
    cell_light: QColor
    line: QColor
    label: QColor
    red: QColor
    blue: QColor
    red_edge: QColor
    blue_edge: QColor
    mark: QColor
    shadow: QColor
    accent: QColor

    def stone(self, player: int) -> QColor:
        return self.red if player == BLACK else self.blue

    def edge(self, player: int) -> QColor:
        return self.red_edge if player == BLACK else self.blue_edge


LIGHT = Look(
    dark=False,
    ground=QColor("#fbfaf7"),
    cell=QColor("#efe9dd"),
    cell_light=QColor("#f7f2e8"),
    line=QColor("#c3b9a6"),
    label=QColor("#6f6a60"),
    red=QColor("#dd4a34"),
    blue=QColor("#1d5fae"),
    red_edge=QColor("#dd5a45"),
    blue_edge=QColor("#2b6cb8"),
    mark=QColor("#26241f"),
    shadow=QColor(60, 48, 30, 70),
    accent=QColor("#e0a100"),
)
DARK = Look(
    dark=True,
    ground=QColor("#1b1d21"),
    cell=QColor("#2f3238"),
    cell_light=QColor("#363a41"),
    line=QColor("#50555e"),
    label=QColor("#a4a9b3"),
    red=QColor("#f0654c"),
    blue=QColor("#3f83d6"),
    red_edge=QColor("#d9563f"),
    blue_edge=QColor("#3373c4"),
    mark=QColor("#f2f0ea"),
    shadow=QColor(0, 0, 0, 130),
    accent=QColor("#ffc53d"),
)


def look_for(palette: QPalette) -> Look:
    """The look that suits a window's palette; its ground is the window's own colour."""
    return DARK if is_dark(palette) else LIGHT


def is_dark(palette: QPalette) -> bool:
    """Whether a palette's windows are darker than their text."""
    window, text = QPalette.ColorRole.Window, QPalette.ColorRole.WindowText
    return palette.color(window).lightnessF() < palette.color(text).lightnessF()
