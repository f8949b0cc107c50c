"""What is chosen, left or broken at the wrong moment in the tabs beside the desk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from engines.piano import library
from engines.piano.midi import write_midi
from engines.piano.notes import Notes
from engines.piano.sound.soundfont import choose
from tests.workbench.piano.piano_windows import PATIENCE_MS, opened_piano
from workbench.panels.piano.microscope_choice import FILE, TAKE
from workbench.panels.piano.panel import BLIND, DESK, MAP, MICROSCOPE, MORPH, TRAINING
from workbench.session import Session

pytestmark = pytest.mark.usefixtures("networks")


def test_a_sample_of_the_training_is_paused_and_does_not_stay_on_the_desk(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        panel.desk.bar.hear("style")
        panel.tabs.setCurrentIndex(TRAINING)
        stage = panel.stage(TRAINING)
        qtbot.waitUntil(stage.isVisible)
        stage._draw({}, np.zeros(0), 0, library.item("waltz").notes.rows)
        stage.listen.click()
        assert panel.player.is_playing and panel.player.audible == ("training-sample",)
        assert stage.listen.text() == "Pause"
        stage.listen.click()
        assert not panel.player.is_playing and stage.listen.text() == "Hear"
        stage.listen.click()
        panel.tabs.setCurrentIndex(DESK)
        assert not panel.player.is_playing and panel.player.audible == ("style",)
        assert stage.listen.text() == "Hear"


def test_a_map_knows_where_its_pieces_lie_though_the_list_says_another_place(qtbot: QtBot, tmp_path: Path) -> None:
    for name in ("waltz", "ragtime", "chorale"):
        write_midi(tmp_path / f"{name}.mid", library.item(name).notes)
    with opened_piano(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(MAP)
        stage = panel.stage(MAP)
        panel.run_button.press()  # a map of the program's own pieces is given up for one of the folder
        stage.show_folder(tmp_path)
        stage.source.setCurrentIndex(0)
        qtbot.waitUntil(lambda: stage.result is not None, timeout=PATIENCE_MS)
        assert "read by “Small, melody+performance”" in stage.said.text()
        stage.map.choose(stage.result.names.index("waltz.mid"))
        qtbot.waitUntil(lambda: panel.player.audible == ("map-piece",), timeout=PATIENCE_MS)
        assert len([job for job in panel._jobs if job.name == "piano.styles"]) == 0


def test_who_opens_no_file_after_all_keeps_the_piece(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    with opened_piano(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(MICROSCOPE)
        source = panel.stage(MICROSCOPE).choice.source
        for key in ("library/waltz", FILE):
            source.setCurrentIndex(source.findData(key))
            source.activated.emit(source.currentIndex())
        assert source.currentData() == "library/waltz"


def test_a_file_given_up_for_a_take_that_is_not_there_leaves_nothing_running(qtbot: QtBot, tmp_path: Path) -> None:
    write_midi(tmp_path / "mine.mid", library.item("waltz").notes)
    with opened_piano(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(MICROSCOPE)
        choice = panel.stage(MICROSCOPE).choice
        choice.open_file(tmp_path / "mine.mid")
        assert panel.run_button.state == "running"
        choice.source.setCurrentIndex(choice.source.findData(TAKE))
        panel.run()
        assert panel.run_button.state == "idle"


@pytest.mark.parametrize("value", [10**400, float("nan"), float("inf"), -1, "x" * 5000, "\0", None, [], {}, True])
def test_a_damaged_session_opens_every_tab(qtbot: QtBot, value: Any) -> None:
    stages = {
        "Style map": {"folder": value}, "Morph": {"seconds": value}, "Likeness": {"histograms": value},
        "Microscope": {"source": value, "other": value, "page": value, "colour": value, "against": value},
        "Blind test": {"setup": {"rounds": value, "seconds": value, "seed": value, "first": value}, "answers": value},
        "Training lab": {"steps": value, "source": value, "start_from": value},
    }  # fmt: skip
    state = json.loads(json.dumps({"stages": stages, "tab": value}))
    with opened_piano(qtbot, session=Session(panels={"piano": {"state": state}})) as (_, panel):
        for number in range(panel.tabs.count()):
            panel.tabs.setCurrentIndex(number)
        assert panel.stage(MORPH).seconds.value() == 12.0
        assert panel.stage(BLIND).setup.spins["rounds"].value() >= 1


def test_numbers_too_large_for_a_machine_do_not_keep_the_panel_closed(qtbot: QtBot) -> None:
    huge, sound = 10**400, {"offset_ms": 10**400, "piano": "~nobody-of-that-name/a.sf2"}
    state = {"bar": {"tempo": huge, "volume": float("inf"), "bpm": float("nan"), "sound": sound}, "tab": MORPH}
    with opened_piano(qtbot, session=Session(panels={"piano": {"state": state}})) as (_, panel):
        assert panel.isVisible() and panel.tabs.currentIndex() == MORPH  # what came after the numbers was taken up
        assert panel.desk.bar.tempo.value() == 100 and panel.desk.bar.volume.value() > 0
        panel.player.reopen()
        qtbot.waitUntil(lambda: not panel.player._output.is_opening, timeout=PATIENCE_MS)


@pytest.mark.parametrize("name", ["\0", "~nobody-of-that-name/a.sf2", "x" * 5000])
def test_a_soundfont_that_can_be_no_file_is_replaced_and_remarked_on(name: str) -> None:
    chosen = choose(name)
    assert chosen.remarks and chosen.instrument.tone(60, 80, 100).any()


def test_the_desk_says_how_much_of_a_piece_its_melody_was_looked_for_in(qtbot: QtBot, tmp_path: Path) -> None:
    waltz = library.item("waltz").notes
    rows = [waltz.shifted(k * (waltz.duration + 1.0)).rows for k in range(int(130 / waltz.duration) + 1)]
    write_midi(tmp_path / "long.mid", Notes.of(np.concatenate(rows)))
    with opened_piano(qtbot) as (_, panel):
        panel.open_as("melody", tmp_path / "long.mid")
        said = panel.desk.boxes["melody"].said
        qtbot.waitUntil(lambda: "found in" in said.text(), timeout=PATIENCE_MS)
        assert "of its first 2 minutes" in said.text()
