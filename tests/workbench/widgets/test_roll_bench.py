"""Paper file 08b, section 9, check 7: what is measured of a playing piano roll is what it paints."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QPaintEvent
from pytestqt.qtbot import QtBot

from engines.core.job import LocalContext
from workbench.widgets import roll_bench
from workbench.widgets.piano_roll import PianoRoll


@pytest.mark.parametrize("follows", [False, True])
def test_check_7_every_frame_of_ten_thousand_notes_is_painted_and_held_to_8_ms(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, follows: bool
) -> None:
    painted: list[int] = []
    usual = PianoRoll.paintEvent

    def counted(self: PianoRoll, event: QPaintEvent) -> None:
        painted.append(event.rect().width())
        usual(self, event)

    monkeypatch.setattr(PianoRoll, "paintEvent", counted)
    roll = roll_bench._roll(follows)
    qtbot.addWidget(roll)
    median, slowest = roll_bench.frames(roll, "a few", 6, LocalContext())
    assert len(roll.notes) == 10_000 and (roll.width(), roll.height()) == (1200, 500)
    assert len(painted) >= 6, "each frame is painted"
    assert (max(painted[-3:]) > 1100) == follows, "all of it where it scrolls, little where it stands"
    assert median.target == 8.0 and median.better == "less" and median.meets is (median.ours <= 8.0)
    assert slowest.ours >= median.ours > 0
