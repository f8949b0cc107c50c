"""The history of takes by itself."""

from __future__ import annotations

import numpy as np
from pytestqt.qtbot import QtBot

from engines.piano import library
from engines.piano.codec import duration_of, encode
from engines.piano.requests import ComposeSnapshot, Variation
from tests.workbench.windows import light_theme
from workbench.panels.piano.takes import MOST_TAKES, Take, Takes
from workbench.panels.piano.variations import Variations


def _snapshot(name: str) -> ComposeSnapshot:
    tokens = encode(library.item(name).notes).astype(np.int16)
    none = np.zeros(0)
    one = Variation(tokens, np.ones(len(tokens), np.float32), np.zeros((0, 4)), duration_of(tokens), none, none)
    return ComposeSnapshot(1, done=True, variations=(one,))


def test_each_take_keeps_how_alike_it_was(qtbot: QtBot) -> None:
    takes = Takes()
    column = Variations(light_theme(), takes)
    qtbot.addWidget(column)
    for name, alike in (("ragtime", 0.25), ("waltz", 0.75)):
        takes.begin(name, 0)
        takes.grow(_snapshot(name))
        takes.judge({0: alike})
    assert "75" in column.group.button(0).text() and takes.newest is takes.current
    takes.go(-1)
    assert "25" in column.group.button(0).text() and takes.newest is not takes.current


def test_tokens_take_effect_when_the_clock_has_moved() -> None:
    takes = Takes()
    takes.begin("waltz", 0)
    takes.grow(_snapshot("waltz"))
    voice = takes.current.voice
    assert len(voice.times) == len(voice.tokens) and voice.times[-1] == duration_of(voice.tokens.astype(int))
    assert (np.diff(voice.times) >= 0).all()


def test_a_take_from_elsewhere_is_shown_and_a_growing_one_goes_on() -> None:
    takes = Takes()
    takes.begin("first", 1)
    takes.grow(_snapshot("ragtime"))
    takes.begin("growing", 2)
    takes.put(Take("from elsewhere", 3, done=True))
    assert [t.title for t in takes.all] == ["first", "from elsewhere", "growing"] and takes.place == (2, 3)
    takes.grow(_snapshot("waltz"))
    assert takes.newest is not None and takes.newest.voices and takes.current.title == "from elsewhere"
    for number in range(MOST_TAKES):
        takes.put(Take(str(number), 0, done=True))
    assert len(takes) == MOST_TAKES and takes.current.title == str(MOST_TAKES - 1) == takes.newest.title
