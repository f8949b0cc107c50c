"""What was composed is there again after a restart."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tests.workbench.piano.piano_windows import composed, opened_piano
from workbench.panels.piano.kept_takes import MOST_KEPT, KeptTakes, unpacked
from workbench.panels.piano.takes import Take

pytestmark = pytest.mark.usefixtures("networks")


def test_takes_come_back_with_the_session(qtbot: QtBot) -> None:
    with opened_piano(qtbot, seconds=2.0, variations=2) as (_, panel):
        first, second = composed(qtbot, panel), composed(qtbot, panel)
        qtbot.waitUntil(lambda: bool(panel.takes.newest.alike) or not panel.judge._errand.is_out)
        panel.takes.choose(1)
        state = json.loads(json.dumps(panel.save_state()))
        kept = panel.takes.all
    with opened_piano(qtbot, seconds=2.0, variations=2) as (_, panel):
        panel.restore_state(state)
        assert panel.takes.place == (2, 2) and panel.takes.current.chosen == 1
        for old, new in zip(kept, panel.takes.all, strict=True):
            assert (old.title, old.seed, old.alike) == (new.title, new.seed, new.alike) and new.done
            for a, b in zip(old.voices, new.voices, strict=True):
                assert np.array_equal(a.tokens, b.tokens) and a.notes.same(b.notes, 1e-9)
                assert np.allclose(a.nll, b.nll, rtol=1e-3, equal_nan=True)
            assert np.array_equal(old.z, new.z) and np.array_equal(old.request.styles[0], new.request.styles[0])
        assert panel.desk.roll("result").notes is not None and "Take 2 of 2" in panel.desk.boxes["result"].said.text()
        third = composed(qtbot, panel)
        assert len({first.seed, second.seed, third.seed}) == 3  # the same settings once more are still known
        assert [len(panel.takes), panel.takes.place] == [3, (3, 3)]


@pytest.mark.parametrize(
    "line", [None, 5, {}, {"music": "x"}, {"music": "AAAA", "title": "t", "chosen": 0, "alike": {}}, {"music": 3}]
)
def test_an_odd_line_is_left_out(line: Any) -> None:
    assert unpacked(line) is None


def test_takes_without_music_and_old_ones_are_not_kept(qtbot: QtBot) -> None:
    with opened_piano(qtbot, seconds=2.0, variations=1) as (_, panel):
        whole = composed(qtbot, panel)
    lines = KeptTakes().save([Take("empty", 0, done=True), *[whole] * (MOST_KEPT + 2)])
    assert len(lines) == MOST_KEPT and {line["title"] for line in lines} == {whole.title}
