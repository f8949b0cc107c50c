"""Numbers of events on the time axis of a roll."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import colour_at, heard, shown
from workbench.theme import Theme
from workbench.widgets.roll_canvas import KEYS
from workbench.widgets.timeline import Timeline
from workbench.widgets.value_strip import ValueStrip

TIMES = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 3.0])
VALUES = np.array([1.0, 2.0, 6.0, np.nan, 3.0, 9.0])
GROUPS = np.array([0, 1, 0, 1, 2, 0])


@pytest.fixture
def strip(qtbot: QtBot, theme: Theme) -> ValueStrip:
    timeline = Timeline()
    timeline.set_duration(4.0)
    made = ValueStrip(theme, timeline, "Surprise", unit="nats", high=6.0, hint="Nothing yet")
    timeline.setParent(made)
    shown(qtbot, made, 446, 66)
    made.set_values(TIMES, VALUES, GROUPS, ("on", "off", "wait"))
    return made


def at(strip: ValueStrip, index: int, up: int) -> QPoint:
    """A place in a bar, `up` pixels above its foot."""
    return QPoint(round(float(strip.x_of(index))) + 1, strip.height() - 4 - up)


def test_bars_begin_where_the_rolls_time_is_and_share_a_moment(strip: ValueStrip) -> None:
    scale = (446 - KEYS) / strip.timeline.span
    assert float(strip.x_of(0)) == KEYS
    assert float(strip.x_of(2)) == pytest.approx(KEYS + scale)
    assert np.diff(strip.x_of(np.array([2, 3, 4]))).tolist() == [4.0, 4.0]
    strip.timeline.show_span(1.0, 2.0)
    assert float(strip.x_of(2)) == pytest.approx(KEYS)
    strip.set_values(np.array([0.0, 0.0, 0.0, 0.001]), np.ones(4))
    strip.timeline.fit()
    assert np.diff(strip.x_of(np.arange(4))).max() < 0.1, "no event moves beyond the next moment"


def test_bars_are_as_high_as_their_values_in_the_colour_of_their_group(strip: ValueStrip, theme: Theme) -> None:
    assert colour_at(strip, at(strip, 2, 50)) == theme.series(0)
    assert colour_at(strip, at(strip, 4, 20)) == theme.series(2)
    assert colour_at(strip, at(strip, 4, 40)).name() == theme.colours.surface
    assert colour_at(strip, at(strip, 3, 2)).name() == theme.colours.surface, "no value, no bar"
    assert colour_at(strip, at(strip, 5, 55)) == theme.series(0), "beyond the axis is its end"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_gains_and_losses_stand_on_either_side_of_zero(strip: ValueStrip, theme: Theme, mode: str) -> None:
    theme.set_mode(mode)  # type: ignore[arg-type]
    strip.set_axis("Saved", "nats", -3.0, 3.0)
    strip.set_values(np.array([1.0, 2.0]), np.array([3.0, -3.0]))
    up, down = at(strip, 0, 45), at(strip, 1, 10)
    ground = QColor(theme.colours.surface)
    assert colour_at(strip, up) not in (ground, colour_at(strip, down)) and colour_at(strip, down) != ground
    assert colour_at(strip, QPoint(up.x(), down.y())) == ground == colour_at(strip, QPoint(down.x(), up.y()))


def test_bars_that_others_cover_cost_nothing_and_change_nothing(strip: ValueStrip) -> None:
    rng = np.random.default_rng(0)
    times, values = np.sort(rng.uniform(0, 4, 4000)), rng.uniform(0, 6, 4000)
    strip.set_values(times, values, rng.integers(0, 3, 4000), ("on", "off", "wait"))
    seen = np.arange(4000)
    kept = strip._tallest(seen, strip.x_of(seen))
    assert len(kept) < 1300
    for group in range(3):
        pixels = np.floor(strip.x_of(seen)).astype(int)
        for pixel in (100, 200, 300):
            some = seen[(pixels == pixel) & (strip.groups == group)]
            assert len(some) == 0 or int(some[np.argmax(values[some])]) in kept
    strip.grab()


def test_pointing_tells_the_nearest(strip: ValueStrip) -> None:
    assert strip.tip_at(QPointF(at(strip, 4, 3))) == "Surprise 3\u202fnats at 0:01.00"
    strip.set_tips(lambda k: f"token {k}")
    assert strip.tip_at(QPointF(at(strip, 5, 3))) == "token 5"
    assert strip.tip_at(QPointF(250, 20)) == "" and strip.tip_at(QPointF(3, 20)) == ""


def test_a_click_chooses_or_seeks_and_arrows_walk(strip: ValueStrip, qtbot: QtBot) -> None:
    chosen, sought, played = heard(strip.event_chosen), heard(strip.seek_requested), heard(strip.play_requested)
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=at(strip, 2, 3))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_End, Qt.Key.Key_Right, Qt.Key.Key_Home):
        qtbot.keyClick(strip, key)
    assert [c[0] for c in chosen] == [2, 3, 2, 1, 5, 5, 0]
    assert strip.accessibleDescription().startswith("Surprise 1")
    assert not sought
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(246, 20))
    assert sought[0][0] == pytest.approx(200 / (400 / strip.timeline.span), abs=0.02)
    qtbot.keyClick(strip, Qt.Key.Key_Space)
    assert len(played) == 1


def test_what_was_chosen_elsewhere_stands_out(strip: ValueStrip, theme: Theme) -> None:
    strip.set_marked(np.array([0, 0, 1, 0, 0, 0], bool))
    assert colour_at(strip, at(strip, 2, 20)) == theme.series(0) != colour_at(strip, at(strip, 5, 20))
    strip.set_marked(None)
    assert colour_at(strip, at(strip, 5, 20)) == theme.series(0)
    strip.show_chosen(5)
    x = round(float(strip.x_of(5)))
    assert colour_at(strip, QPoint(x + 5, 30)).name() == theme.colours.accent


def test_the_playhead_crosses_it(strip: ValueStrip, theme: Theme) -> None:
    strip.timeline.set_playhead(2.0)
    x = round(KEYS + 2.0 * (446 - KEYS) / strip.timeline.span)
    assert min(colour_at(strip, QPoint(x + d, 30)).lightness() for d in (-1, 0, 1)) < 90
    strip.timeline.set_playhead(2.5)
    assert colour_at(strip, QPoint(x, 30)).name() == theme.colours.surface


def test_odd_arrays_are_refused_and_none_are_fine(strip: ValueStrip, qtbot: QtBot) -> None:
    with pytest.raises(ValueError, match="6 values"):
        strip.set_values(TIMES, np.zeros(2))
    assert strip.columns()["kind"].tolist() == ["on", "off", "on", "off", "wait", "on"]
    assert strip.accessibleDescription() == "5 values, mean 4.2 nats"
    strip.set_values(np.zeros(0), np.zeros(0))
    assert strip.accessibleDescription() == "Nothing yet" and strip.columns() == {}
    for key in (Qt.Key.Key_Right, Qt.Key.Key_End):
        qtbot.keyClick(strip, key)
    strip.resize(60, 44)
    strip.grab()
