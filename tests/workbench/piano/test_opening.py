"""Files on the Piano panel's desk: bad ones change nothing, large ones do not hold the window, the last wish counts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engines.piano import library
from engines.piano.midi import LONGEST_S, write_midi
from engines.piano.notes import Notes
from engines.piano.smf import compose
from tests.workbench.piano.piano_windows import PATIENCE_MS, composed, opened_piano
from workbench.panels.piano.panel import MAP, PianoPanel
from workbench.panels.piano.pieces import packed, unpacked
from workbench.panels.piano.settings import NONE, OF_STYLE

pytestmark = pytest.mark.usefixtures("networks")
ON, OFF, DRUM_ON = b"\x90\x3c\x50", b"\x80\x3c\x40", b"\x99\x24\x50"


def _track(body: bytes) -> bytes:
    return b"MTrk" + len(body).to_bytes(4, "big") + body


def _file(kind: int, *bodies: bytes) -> bytes:
    header = b"".join(n.to_bytes(2, "big") for n in (kind, len(bodies), 480))
    return b"MThd" + (6).to_bytes(4, "big") + header + b"".join(map(_track, bodies))


NOTES = b"\x00" + ON + b"\x60" + OFF + b"\x00" + ON + b"\x60" + OFF + b"\x00\xff\x2f\x00"
TEN_HOURS = compose(500, 500_000, [(0, ON), (500, OFF), (36_000_000, ON), (36_000_500, OFF)])
BAD = {
    "corrupt": (b"MThd" + bytes(range(200)), "damaged"),
    "no midi": (b"RIFF and something else", "no MIDI file"),
    "empty": (b"", "empty"),
    "no notes": (_file(0, b"\x00\xff\x2f\x00"), "no notes"),
    "drums only": (_file(1, b"\x00" + DRUM_ON + b"\x60\x89\x24\x40\x00\xff\x2f\x00"), "drums only"),
    "ten hours": (TEN_HOURS, "10.0 hours"),
    "type 2": (_file(2, NOTES, NOTES), "separate pieces"),
}


def _long(path: Path, hours: float = 1.5, rate: float = 20.0) -> Path:
    draw = np.random.default_rng(0)
    count = int(hours * 3600 * rate)
    start = np.sort(draw.uniform(0, hours * 3600, count))
    write_midi(path, Notes(start, start + 0.2, draw.integers(40, 90, count), draw.integers(30, 110, count)))
    return path


def _style(panel: PianoPanel) -> tuple[str, int, str]:
    return panel.form.style_a.currentText(), len(panel.desk.roll("style").notes), panel.desk.boxes["style"].said.text()


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_in_words_and_changes_nothing(qtbot: QtBot, tmp_path: Path, what: str) -> None:
    data, said = BAD[what]
    path = tmp_path / "bad.mid"
    path.write_bytes(data)
    assert LONGEST_S < 36_000
    with opened_piano(qtbot) as (_, panel):
        before, names, melody = _style(panel), panel.shelf.names("style"), panel.music.melody
        panel.open_checked(path)
        qtbot.waitUntil(lambda: any(m.kind == "error" for m in panel.messages.messages()), timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda: not panel._opening, timeout=PATIENCE_MS)
        (shown,) = panel.messages.messages()
        assert shown.kind == "error" and "bad.mid" in shown.what and said in shown.what and shown.remedy
        assert _style(panel) == before and panel.shelf.names("style") == names and panel.music.melody is melody
        assert not panel.music.is_awaited and not panel._opening


def test_a_tempo_of_zero_is_passed_over_with_a_remark(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "odd.mid"
    path.write_bytes(_file(0, b"\x00\xff\x51\x03\x00\x00\x00" + NOTES))
    with opened_piano(qtbot) as (_, panel):
        with qtbot.waitSignal(panel.file_opened, timeout=PATIENCE_MS):
            panel.open_checked(path)
        assert _style(panel)[1] == 2 and "tempo of zero" in _style(panel)[2]


def test_while_a_large_file_is_opened_the_desk_says_so_and_stays_as_it_is(qtbot: QtBot, tmp_path: Path) -> None:
    path = _long(tmp_path / "long.mid")
    with opened_piano(qtbot) as (_, panel):
        before = _style(panel)
        with qtbot.waitSignal(panel.file_opened, timeout=PATIENCE_MS):
            panel.open_checked(path)
            assert _style(panel)[:2] == before[:2] and _style(panel)[2] == "Opening long.mid …"
        assert _style(panel)[0] == "long" and _style(panel)[1] > 100_000
        assert "first 10 minutes give the style" in _style(panel)[2]
        style = panel.wanted().styles[0]
        assert 3 * 600 * 20 < len(style) < 6 * 600 * 20


def test_the_newest_of_two_files_counts(qtbot: QtBot, tmp_path: Path) -> None:
    long, short = _long(tmp_path / "long.mid"), tmp_path / "short.mid"
    write_midi(short, library.item("waltz").notes)
    opened: list[Path] = []
    with opened_piano(qtbot) as (_, panel):
        panel.file_opened.connect(opened.append)
        panel.open_checked(long)
        panel.open_checked(short)
        qtbot.waitUntil(lambda: bool(opened), timeout=PATIENCE_MS)
        qtbot.wait(300)
        assert opened == [short] and _style(panel)[0] == "short"
        assert [name for name, _, _ in panel.shelf.names("style")][-1] == str(short) and not panel._opening


def test_stop_gives_up_a_file_that_takes_long(qtbot: QtBot, tmp_path: Path) -> None:
    path = _long(tmp_path / "long.mid", 3.0)
    with opened_piano(qtbot) as (_, panel):
        before = _style(panel)
        panel.open_checked(path)
        qtbot.waitUntil(lambda: bool(panel.messages.messages()), timeout=PATIENCE_MS)
        assert panel.messages.messages()[-1].what == "Opening long.mid …"
        began = time.monotonic()
        panel.stop()
        assert _style(panel) == before and not panel.messages.messages() and not panel._opening
        qtbot.waitUntil(lambda: not panel._jobs or all(h is panel.composer.handle for h in panel._jobs), timeout=10_000)
        assert time.monotonic() - began < 5 and _style(panel) == before


def test_another_choice_gives_up_what_was_being_opened(qtbot: QtBot, tmp_path: Path) -> None:
    path = _long(tmp_path / "long.mid")
    with opened_piano(qtbot) as (_, panel):
        panel.open_checked(path)
        panel.form.choose(panel.form.style_a, "library/ragtime")
        assert _style(panel)[1] == len(library.item("ragtime").notes) and not panel.music.is_awaited
        qtbot.wait(1500)
        assert panel.form.style_a.currentData() == "library/ragtime" and not panel._opening


def test_a_file_is_opened_as_the_melody_and_its_melody_is_found(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "chords.mid"
    write_midi(path, library.item("ballad").notes)
    with opened_piano(qtbot) as (_, panel):
        with qtbot.waitSignal(panel.file_opened, timeout=PATIENCE_MS):
            panel.open_as("melody", path)
        qtbot.waitUntil(lambda: not panel.music.is_awaited, timeout=PATIENCE_MS)
        melody = panel.music.melody
        assert melody is not None and 5 < len(melody) < len(library.item("ballad").notes)
        assert panel.desk.boxes["melody"].said.text() == "found in chords"
        assert panel.form.style_a.currentData() == "library/ballad"


def test_compose_waits_for_the_melody_that_is_looked_for_and_stop_ends_the_wait(qtbot: QtBot) -> None:
    with opened_piano(qtbot, seconds=2.0, variations=1) as (_, panel):
        panel.form.choose(panel.form.melody, OF_STYLE)
        assert panel.music.is_awaited and "looking for the melody" in panel.desk.boxes["melody"].said.text()
        panel.run_button.press()
        assert panel.run_button.state == "running" and len(panel.takes) == 0
        qtbot.waitUntil(lambda: len(panel.takes) == 1 and panel.takes.current.done, timeout=PATIENCE_MS)
        request = panel.takes.current.request
        assert request is not None and len(request.melody) > 50
        panel.form.choose(panel.form.style_a, "library/waltz")
        panel.run_button.press()
        panel.run_button.press()
        assert panel.run_button.state == "idle" and panel.form.melody_key == NONE and not panel.music.is_awaited
        assert len(composed(qtbot, panel).request.melody) == 0  # type: ignore[union-attr]


def test_files_of_a_former_session_are_read_when_they_are_chosen(qtbot: QtBot, tmp_path: Path) -> None:
    for name in ("waltz", "ragtime", "chorale"):
        write_midi(tmp_path / f"{name}.mid", library.item(name).notes)
    (tmp_path / "broken.mid").write_bytes(b"no more")
    keys = [str(tmp_path / f"{name}.mid") for name in ("waltz", "ragtime", "chorale", "broken")]
    state = {
        "pieces": {"files": [*keys, str(tmp_path / "gone.mid")], "played": []},
        "form": {"style_a": keys[0], "style_b": keys[1], "melody": keys[3]},
    }
    with opened_piano(qtbot) as (_, panel):
        panel.restore_state(json.loads(json.dumps(state)))
        qtbot.waitUntil(lambda: not panel.music.is_awaited and not panel.music._reading, timeout=PATIENCE_MS)
        assert abs(_style(panel)[1] - len(library.item("waltz").notes)) <= 2
        assert panel.form.style_keys == (keys[0], keys[1]) and len(panel.wanted().styles) == 2
        assert panel.form.melody_key == "library/ode-to-joy"  # what stood there before
        assert "broken.mid" in panel.messages.messages()[-1].what
        assert panel.shelf.is_unread(keys[2]) and panel.shelf.find(keys[2]) is None
        listed = [name for name, _, _ in panel.shelf.names("style")]
        assert keys[2] in listed and keys[3] not in listed and not any("gone" in name for name in listed)
        panel.form.choose(panel.form.style_a, keys[2])
        qtbot.waitUntil(lambda: panel.shelf.find(keys[2]) is not None, timeout=PATIENCE_MS)
        assert abs(_style(panel)[1] - len(library.item("chorale").notes)) <= 2
        assert panel.save_state()["pieces"]["files"][:3] != [] and json.dumps(panel.save_state())


def test_a_melody_that_was_drawn_comes_back_though_its_file_is_read_later(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "tune.mid"
    write_midi(path, library.item("twinkle").notes)
    drawn = Notes.of([(0.0, 0.5, 60, 127), (0.5, 1.0, 64, 127)])
    state = {"pieces": {"files": [str(path)]}, "form": {"melody": str(path)}, "drawn": packed(drawn)}
    with opened_piano(qtbot) as (_, panel):
        panel.restore_state(json.loads(json.dumps(state)))
        qtbot.waitUntil(lambda: not panel.music.is_awaited, timeout=PATIENCE_MS)
        assert panel.music.drawn is not None and panel.music.drawn.same(drawn)
        assert panel.desk.roll("melody").melody.pitch.tolist() == [60, 64]
        assert panel.desk.boxes["melody"].said.text() == "edited"
        assert unpacked(panel.save_state()["drawn"]).same(drawn)  # type: ignore[union-attr]


def test_pieces_of_a_folder_are_read_when_the_map_needs_them(qtbot: QtBot, tmp_path: Path) -> None:
    for name in ("waltz", "ragtime", "chorale"):
        write_midi(tmp_path / f"{name}.mid", library.item(name).notes)
    with opened_piano(qtbot, seconds=2.0, variations=1) as (_, panel):
        panel.open_checked(tmp_path)
        stage = panel.stage(MAP)
        qtbot.waitUntil(lambda: stage.result is not None, timeout=PATIENCE_MS)
        stage.map.choose(stage.result.names.index("ragtime.mid"))
        qtbot.waitUntil(lambda: panel.player.audible == ("map-piece",), timeout=PATIENCE_MS)
        heard = stage.ear._given["piece"]
        assert abs(len(heard) - len(library.item("ragtime").notes)) <= 2
        stage.compose.click()
        qtbot.waitUntil(lambda: len(panel.takes) == 1 and panel.takes.current.done, timeout=PATIENCE_MS)
        assert len(panel.takes.current.request.styles) >= 1
        (tmp_path / "waltz.mid").write_bytes(b"gone")
        stage._read.clear()
        panel.tabs.setCurrentIndex(MAP)
        stage.map.choose(stage.result.names.index("waltz.mid"))
        qtbot.waitUntil(lambda: bool(panel.messages.messages()), timeout=PATIENCE_MS)
        assert "waltz.mid" in panel.messages.messages()[-1].what


def test_notes_are_kept_as_text_and_old_rows_are_still_read() -> None:
    notes = library.item("ragtime").notes
    again = unpacked(packed(notes))
    assert again is not None and np.abs(again.start - notes.start).max() <= 5e-4
    assert again.pitch.tolist() == notes.pitch.tolist() and again.velocity.tolist() == notes.velocity.tolist()
    rows = unpacked([[0.0, 1.0, 60, 80]])
    assert rows is not None and len(rows) == 1
    for odd in ("", "no base64!", packed(notes)[:-9], [["x"]], [[1.0, 0.0, 60, 80]], 3, {"a": 1}):
        assert unpacked(odd) is None
