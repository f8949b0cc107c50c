from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from engines.core.errors import UserError
from engines.piano import library
from engines.piano.composing import pitch_of
from engines.piano.midi import write_musicxml
from engines.piano.musicxml import PER_BAR, key_of, musicxml, spelled
from engines.piano.notes import Notes


def _read(text: str) -> tuple[list[tuple[int, int, int]], int]:
    """Notes (sixteenth, sixteenths long, pitch), ties joined, and the number of bars; each staff must fill its bar."""
    found: list[tuple[int, int, int]] = []
    bars = ElementTree.fromstring(text).findall("part/measure")
    open_ties: dict[tuple[str, int], tuple[int, int]] = {}
    for number, bar in enumerate(bars):
        at, filled = 0, {"1": 0, "2": 0}
        last = 0
        for element in bar:
            if element.tag == "backup":
                at = 0
            if element.tag != "note":
                continue
            length, staff = int(element.findtext("duration", "0")), element.findtext("staff", "")
            if element.find("chord") is None:
                last, at = at, at + length
                filled[staff] += length
            step = element.find("pitch")
            if step is None:
                continue
            sign = {"1": "#", "-1": "b", None: ""}[step.findtext("alter")]
            pitch = pitch_of(f"{step.findtext('step')}{sign}{step.findtext('octave')}")
            ties = {tie.get("type") for tie in element.findall("tie")}
            start, so_far = open_ties.pop((staff, pitch)) if "stop" in ties else (number * PER_BAR + last, 0)
            if "start" in ties:
                open_ties[staff, pitch] = start, so_far + length
            else:
                found.append((start, so_far + length, pitch))
        assert filled == {"1": PER_BAR, "2": PER_BAR}
    assert not open_ties
    return sorted(found), len(bars)


def test_notes_on_the_grid_come_back_with_ties_over_bar_lines() -> None:
    rows = [(0, 4, 60), (4, 17, 64), (4, 17, 67), (30, 5, 72), (0, 40, 48)]
    notes = Notes.of([(s / 8, (s + n) / 8, p, 64) for s, n, p in rows])
    found, bars = _read(musicxml(notes, 120))
    assert found == sorted(rows) and bars == 3


def test_every_bundled_piece_becomes_a_score_with_full_bars() -> None:
    for item in (*library.styles(), *library.melodies()):
        found, _ = _read(musicxml(item.notes, 100, title=item.title))
        assert 0.6 * len(item.notes) < len(found) <= len(item.notes), item.name


def test_whole_bars_of_silence_before_the_music_are_left_out() -> None:
    found, bars = _read(musicxml(Notes.of([(9.0, 9.5, 60, 64)]), 120))
    assert found == [(8, 4, 60)] and bars == 1


@pytest.mark.parametrize(
    ("name", "fifths"), [("ode-to-joy", 0), ("minuet", 1), ("canon", 2), ("auld-lang-syne", -1), ("greensleeves", 0)]
)
def test_the_key_is_found(name: str, fifths: int) -> None:
    notes = library.item(name).notes
    assert key_of(notes) == fifths
    assert key_of(notes.transposed(7)) == fifths + 1 and key_of(notes.transposed(5)) == fifths - 1


def test_notes_are_spelled_as_their_key_has_them() -> None:
    assert [spelled(p, 0) for p in (60, 61, 66, 70)] == [("C", 0, 4), ("C", 1, 4), ("F", 1, 4), ("B", -1, 4)]
    assert spelled(66, -3) == ("G", -1, 4) and spelled(63, 4) == ("D", 1, 4)
    assert spelled(59, -6) == ("C", -1, 4) and spelled(60, 6) == ("B", 1, 3)
    for fifths in range(-6, 7):
        for pitch in range(21, 109):
            letter, alter, octave = spelled(pitch, fifths)
            assert abs(alter) <= 1 and pitch_of(f"{letter}{octave}") + alter == pitch


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    note = Notes.of([(0, 1, 60, 64)])
    for notes, bpm in ((Notes.empty(), 120.0), (note, 5.0), (note, np.nan), (Notes.of([(0, 9000, 60, 64)]), 120.0)):
        with pytest.raises(UserError):
            musicxml(notes, bpm)
    write_musicxml(tmp_path / "a.musicxml", note)
    assert _read((tmp_path / "a.musicxml").read_text())[0] == [(0, 8, 60)]
    with pytest.raises(UserError, match="cannot be written"):
        write_musicxml(tmp_path, note)


def test_a_title_may_hold_any_sign() -> None:
    text = musicxml(Notes.of([(0, 1, 60, 64)]), title='<Tom & "Jerry">')
    assert ElementTree.fromstring(text).findtext("work/work-title") == '<Tom & "Jerry">'
