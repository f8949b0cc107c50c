from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.core.errors import UserError
from engines.piano import library, smf
from engines.piano.midi import midi_bytes, midi_files, read_midi, read_midi_bytes, write_midi
from engines.piano.notes import Notes
from engines.piano.smf import compose, number, parse
from tests.engines.piano.unhurried import unhurried


def _file(tracks: list[bytes], *, kind: int = 1, division: int = 480) -> bytes:
    head = (
        b"MThd\x00\x00\x00\x06" + kind.to_bytes(2, "big") + len(tracks).to_bytes(2, "big") + division.to_bytes(2, "big")
    )
    return head + b"".join(b"MTrk" + len(t).to_bytes(4, "big") + t for t in tracks)


def _note(channel: int = 0, pitch: int = 60, wait: int = 0, length: int = 480) -> bytes:
    on, off = bytes((0x90 | channel, pitch, 64)), bytes((0x80 | channel, pitch, 0))
    return number(wait) + on + number(length) + off


END = b"\x00\xff\x2f\x00"


def test_a_performance_survives_being_written_and_read(tmp_path: Path) -> None:
    notes = library.item("waltz").notes
    write_midi(tmp_path / "waltz.mid", notes)
    back = read_midi(tmp_path / "waltz.mid")
    assert back.notes.same(notes) and not back.remarks
    assert back.tempo.first == 120 and back.tempo.changes == 0 and np.array_equal(back.pedal, back.notes.pedal)
    assert midi_bytes(back.notes) == midi_bytes(notes)


def test_other_programs_read_what_is_written(tmp_path: Path) -> None:
    mido = pytest.importorskip("mido")
    pretty_midi = pytest.importorskip("pretty_midi")
    notes = library.item("toccata").notes
    data = midi_bytes(notes)
    opened = mido.MidiFile(file=io.BytesIO(data))
    assert opened.ticks_per_beat == 500 and opened.type == 0
    (instrument,) = pretty_midi.PrettyMIDI(io.BytesIO(data)).instruments
    theirs = sorted((n.start, n.end, n.pitch, n.velocity) for n in instrument.notes)
    assert np.allclose(theirs, sorted(notes.rows.tolist()))


def test_a_foreign_file_reads_as_other_programs_read_it() -> None:
    """Tempo changes in another track, running status, silent strikes as releases, two hands on one channel."""
    pretty_midi = pytest.importorskip("pretty_midi")
    tempo = b"\x00\xff\x51\x03\x07\xa1\x20" + number(960) + b"\xff\x51\x03\x0f\x42\x40" + END
    right = (
        b"\x00\xff\x03\x05Right\x00\x90\x40\x50"
        + number(700)
        + b"\x40\x00"
        + number(100)
        + b"\x43\x51"
        + number(900)
        + b"\x43\x00"
        + END
    )
    left = _note(0, 48, 200, 1500) + END
    data = _file([tempo, right, left])
    mine = read_midi_bytes(data, "x")
    theirs = [n for i in pretty_midi.PrettyMIDI(io.BytesIO(data)).instruments for n in i.notes]
    assert np.allclose(mine.notes.rows, sorted((n.start, n.end, n.pitch, n.velocity) for n in theirs))
    assert mine.tempo == type(mine.tempo)(120.0, 60.0, 120.0, 1)
    assert [t.name for t in mine.tracks] == ["Right", ""] and mine.track("right") is mine.tracks[0]


def test_a_pedal_belongs_to_its_channel_whatever_track_it_is_in() -> None:
    pedal = b"\x00\xb0\x40\x7f" + number(1920) + b"\xb0\x40\x00" + END
    shared = read_midi_bytes(_file([_note(), _note(0, 64), pedal]), "x")  # as piano-midi.de writes Mussorgsky
    assert shared.notes.pedal.tolist() == [[0.0, 2.0]] and shared.notes.end.tolist() == [0.5, 0.5]
    # A second channel without the pedal: each is sustained by its own, and the merged notes have none left.
    apart = read_midi_bytes(_file([_note(), _note(1, 64), pedal]), "x")
    assert len(apart.notes.pedal) == 0 and apart.notes.end.tolist() == [2.0, 0.5]
    assert apart.pedal.tolist() == [[0.0, 2.0]]


def test_strikes_and_releases_pair_as_in_pretty_midi() -> None:
    def ends(track: bytes) -> list[tuple[float, float]]:
        notes = read_midi_bytes(_file([track + END], division=500), "x").notes
        return list(zip(notes.start.tolist(), notes.end.tolist(), strict=True))

    on, off = bytes((0x90, 60, 64)), bytes((0x80, 60, 0))
    again = b"\x00" + on + number(500) + on + number(0) + off + number(500) + off
    assert ends(again) == [(0.0, 0.5), (0.5, 1.0)], "a release ends what was struck before this moment"
    assert ends(b"\x00" + on + number(100) + on + number(100) + off) == [(0.0, 0.2), (0.1, 0.2)]
    assert ends(b"\x00" + on + b"\x00" + off + b"\x05" + on + b"\x05" + off) == [(0.0, 0.0), (0.005, 0.01)]


def test_a_cut_file_gives_what_is_there_and_says_so() -> None:
    data = midi_bytes(library.item("march").notes)
    part = read_midi_bytes(data[: len(data) // 2], "march.mid")
    assert 100 < len(part.notes) < len(library.item("march").notes)
    assert any("cut off" in remark for remark in part.remarks)


def test_a_key_never_released_ends_with_its_track() -> None:
    found = read_midi_bytes(_file([b"\x00\x90\x3c\x40" + number(960) + b"\xff\x2f\x00"]), "x")
    assert found.notes.end.tolist() == [1.0] and any("never released" in r for r in found.remarks)


def test_zero_tempo_is_passed_over() -> None:
    found = read_midi_bytes(_file([b"\x00\xff\x51\x03\x00\x00\x00" + _note() + END]), "x")
    assert found.notes.end.tolist() == [0.5] and any("tempo" in r for r in found.remarks)


def test_time_code_instead_of_beats() -> None:
    found = read_midi_bytes(_file([_note(length=500) + END], division=(256 - 25) << 8 | 40), "x")
    assert found.notes.end.tolist() == [0.5]


def test_a_riff_file_is_unwrapped() -> None:
    inner = _file([_note() + END])
    assert len(read_midi_bytes(b"RIFF\x00\x00\x00\x00RMIDdata\x00\x00\x00\x00" + inner, "x").notes) == 1


def test_drums_are_left_out() -> None:
    found = read_midi_bytes(_file([_note(), _note(9, 36)]), "x")
    assert found.notes.pitch.tolist() == [60] and any("drums" in r for r in found.remarks)
    assert [t.is_drums for t in found.tracks] == [False, True]


TEN_HOURS = b"\x00\x90\x3c\x40" + number(36_000 * 960) + b"\x80\x3c\x00" + END


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty"),
        (b"hello, I am a text" * 3, "no MIDI file"),
        (_file([]), "no notes"),
        (_file([END]), "no notes"),
        (_file([_note(9)]), "drums only"),
        (_file([_note(), _note()], kind=2), "separate pieces"),
        (_file([_note()], division=0), "0 ticks"),
        (_file([_note()], division=0xFF00), "time code"),
        (_file([TEN_HOURS]), "10.0 hours"),
    ],
)
def test_what_cannot_be_played_is_refused_with_a_remedy(data: bytes, problem: str) -> None:
    with pytest.raises(UserError, match=problem) as raised:
        read_midi_bytes(data, "song.mid")
    assert raised.value.remedy and raised.value.what.startswith("song.mid: ")


def test_one_piece_in_format_2_is_read() -> None:
    assert len(read_midi_bytes(_file([END, _note()], kind=2), "x").notes) == 1


def test_limits_on_size_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = _file([b"".join(_note() for _ in range(60)) + END])
    monkeypatch.setattr("engines.piano.midi.MOST_NOTES", 50)
    with pytest.raises(UserError, match="60 notes"):
        read_midi_bytes(data, "x")
    monkeypatch.setattr(smf, "MOST_EVENTS", 100)
    with pytest.raises(UserError, match="million events"):
        read_midi_bytes(data, "x")
    monkeypatch.setattr("engines.piano.midi.MOST_BYTES", 100)
    (tmp_path / "large.mid").write_bytes(data)
    with pytest.raises(UserError, match="MB"):
        read_midi(tmp_path / "large.mid")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.mid", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            read_midi(path)
    with pytest.raises(UserError, match="cannot be written"):
        write_midi(tmp_path, Notes.empty())


def test_files_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no MIDI file"):
        midi_files(tmp_path)
    with pytest.raises(UserError, match="no folder"):
        midi_files(tmp_path / "x")
    (tmp_path / "b").mkdir()
    for name in ("c.MID", "b/a.midi", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [p.relative_to(tmp_path).as_posix() for p in midi_files(tmp_path)] == ["b/a.midi", "c.MID"]


def test_notes_of_one_pitch_that_overlap_are_cut_not_lost() -> None:
    notes = Notes.of([(0, 2, 60, 64), (1, 3, 60, 70), (1, 2, 60, 80), (-1, 0.5, 62, 60)])
    back = read_midi_bytes(midi_bytes(notes), "x").notes
    assert back.rows.tolist() == [[0, 1, 60, 64], [0, 0.5, 62, 60], [1, 2, 60, 80]]


@unhurried
@given(st.binary(max_size=300))
def test_random_bytes_never_break_the_reader(noise: bytes) -> None:
    for data in (noise, b"MThd" + noise, _file([noise]), _file([noise, _note()])):
        try:
            found = read_midi_bytes(data, "x")
        except UserError:
            continue
        assert len(found.notes) > 0


@unhurried
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_file_with_wrong_bytes_never_breaks_the_reader(faults: list[tuple[int, int]]) -> None:
    data = bytearray(midi_bytes(library.item("ambient").notes))
    for where, value in faults:
        data[where % len(data)] = value
    try:
        found = read_midi_bytes(bytes(data), "x")
    except UserError as error:
        assert error.remedy
    else:
        assert len(found.notes) > 0


@unhurried
@given(st.integers(0, 2**28 - 1))
def test_numbers_of_variable_length(value: int) -> None:
    data = compose(480, 500_000, [(value, b"\x90\x3c\x40"), (value, b"\x80\x3c\x40")])
    assert parse(data).tracks[0].events[0][0] == value


def test_moments_too_late_for_whole_numbers_are_late_and_not_negative() -> None:
    from engines.piano.smf import RawFile

    far = RawFile(0, 1, 0.0, (), ((0, 2**24 - 1),), ())
    ticks = np.array([0, 2**30, 2**40, 2**41])
    assert np.allclose(far.seconds(ticks), ticks * ((2**24 - 1) / 1e6))
