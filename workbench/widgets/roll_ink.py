"""Colours and letters that the painters of a piano roll share."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PySide6.QtGui import QColor, QFont

from workbench.theme import font
from workbench.widgets.pixels import wants_light_ink


def key_colours(dark: bool) -> tuple[QColor, QColor]:
    """Of white and of black keys; in the dark white keys are dimmed, for a white bar would blind."""
    return (QColor("#b9bec8"), QColor("#16181d")) if dark else (QColor("#ffffff"), QColor("#2b2f38"))


def ink_on(ground: QColor) -> QColor:
    """White or near-black letters, whichever are read more easily on a ground."""
    return QColor(_ink_on(ground.red(), ground.green(), ground.blue()))


@lru_cache(maxsize=512)
def _ink_on(red: int, green: int, blue: int) -> str:
    return "#ffffff" if wants_light_ink(np.array([[red, green, blue]], np.uint8))[0] else "#14161b"


def mixed(first: QColor | str, second: QColor | str, share: float) -> QColor:
    """The opaque colour `share` of the way from the first to the second."""
    a, b = QColor(first), QColor(second)
    return QColor(
        round(a.red() + (b.red() - a.red()) * share),
        round(a.green() + (b.green() - a.green()) * share),
        round(a.blue() + (b.blue() - a.blue()) * share),
    )


def melody_colour(dark: bool) -> QColor:
    """Green of a lightness and hue that no velocity has."""
    return QColor("#4fe0b0" if dark else "#00855f")


def sized(pixels: float) -> QFont:
    """The system's font in a size in pixels, for letters that must fit a row."""
    result = font("small")
    result.setPixelSize(max(round(pixels), 6))
    return result
