"""What colours of notes mean, for several rolls at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import colour_at, shown
from tests.workbench.widgets.music import scale
from workbench.theme import Theme
from workbench.widgets.colour_key import ColourKey
from workbench.widgets.piano_roll import PianoRoll
from workbench.widgets.roll_notes import pitch_class_rgb, value_rgb, velocity_rgb


@pytest.fixture
def key(qtbot: QtBot, theme: Theme) -> Iterator[ColourKey]:
    holder = QWidget()
    rows = QVBoxLayout(holder)
    rolls = [PianoRoll(theme, name) for name in ("above", "below")]
    made = ColourKey(theme, rolls)
    for widget in (made, *rolls):
        rows.addWidget(widget)
    for roll in rolls:
        roll.set_notes(scale(8))
        roll.set_values(None, "surprise", "nats", high=6.0)
    shown(qtbot, holder, 600, 500)
    yield made


def test_a_choice_colours_all_rolls_and_a_rolls_menu_too(key: ColourKey) -> None:
    assert [key.choice.itemText(k) for k in range(key.choice.count())] == ["Velocity", "Pitch class", "Surprise"]
    key.choice.setCurrentIndex(1)
    key.choice.activated.emit(1)
    assert [roll.content.colouring for roll in key.rolls] == ["pitch class"] * 2
    key.rolls[1].set_colouring("values")
    assert key.colouring == "values" == key.rolls[0].content.colouring and key.choice.currentText() == "Surprise"
    assert key.choice.accessibleDescription() == "Notes are coloured by surprise"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_legend_has_the_colours_of_the_notes(key: ColourKey, theme: Theme, mode: str) -> None:
    theme.set_mode(mode)  # type: ignore[arg-type]
    dark, legend = theme.is_dark, key.legend
    image = legend.grab().toImage()

    def has(rgb: np.ndarray) -> bool:
        wanted = tuple(int(v) for v in rgb)
        return any(image.pixelColor(x, 9).getRgb()[:3] == wanted for x in range(image.width()))

    assert has(velocity_rgb(dark)[0]) and has(velocity_rgb(dark)[-1])
    key.colour_by("pitch class")
    for k in (0, 7, 11):
        box = QPoint(k * legend.width() // 12 + 3, 9)
        assert colour_at(legend, box).getRgb()[:3] == tuple(pitch_class_rgb(dark)[k])
    key.colour_by("values")
    image = legend.grab().toImage()
    assert has(value_rgb(dark)[0]) and has(value_rgb(dark)[-1])
    assert legend.ends() == ("0", "6 nats")
    assert legend.tip_at(QPointF(5, 5)) == "Surprise, from 0 to 6 nats"


def test_the_choice_is_kept(key: ColourKey) -> None:
    key.colour_by("pitch class")
    state = key.save_state()
    key.colour_by("velocity")
    key.restore_state("nonsense")
    assert key.colouring == "velocity"
    key.restore_state(state)
    assert key.colouring == "pitch class"
