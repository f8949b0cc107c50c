"""note-seq as a second opinion: asked directly where it is installed, else through the answers it once gave.

It drags some thirty packages along (librosa, numba, bokeh, IPython …), so no extra of the project asks for it. The
answers in oracle.json were recorded with note-seq 0.0.5 by

    pip install note-seq==0.0.5    (best elsewhere: pip install --target DIR, then PYTHONPATH=DIR)
    WORKBENCH_DATA=… python -m tests.engines.piano.oracle
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from engines.piano.midi import read_midi_bytes
from engines.piano.notes import Notes

RECORDED = Path(__file__).with_name("oracle.json")
ARCHIVES = {"pop909": 9, "asap_tests_only": 8, "piano_midi_de": 9}
"""How many files of each archive are looked at."""
MELODY_S = 60.0


def case(seed: int, count: int = 30) -> Notes:
    """Crowded random notes on a grid of milliseconds: few pitches, shared moments, a busy pedal."""
    rng = np.random.default_rng(seed)
    start = np.sort(rng.integers(0, 4000, count)) // (10 if seed % 2 else 1) * (10 if seed % 2 else 1)
    end = start + rng.integers(1, 1200, count) // (10 if seed % 2 else 1) * (10 if seed % 2 else 1)
    end = np.maximum(end, start + 1)
    pitch = rng.integers(58, 66, count) if seed % 3 else rng.integers(21, 109, count)
    marks = np.unique(rng.integers(0, 5500, 2 * (seed % 5)))
    marks = marks[: len(marks) // 2 * 2].reshape(-1, 2)
    return Notes(start / 1000, end / 1000, pitch, rng.integers(1, 128, count), marks / 1000)


def archive_notes() -> list[tuple[str, Notes]]:
    """Files of the data sets, spread over each archive."""
    folder, out = Path(os.environ["WORKBENCH_DATA"]) / "midi", []
    for archive, count in ARCHIVES.items():
        with zipfile.ZipFile(folder / f"{archive}.zip") as opened:
            members = sorted(name for name in opened.namelist() if name.endswith(".mid"))
            for member in members[5 :: len(members) // count][:count]:
                out.append((member, read_midi_bytes(opened.read(member), member).notes))
    return out


def rows(notes: Notes) -> list[list[int]]:
    """Notes in microseconds, in one order, to be compared."""
    table = np.rint(notes.rows * [1e6, 1e6, 1, 1]).astype(np.int64)
    ordered: list[list[int]] = table[np.lexsort(table.T[::-1])].tolist()
    return ordered


def digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def note_seq_sequence(notes: Notes) -> Any:
    from note_seq.protobuf import music_pb2

    sequence = music_pb2.NoteSequence()
    for start, end, pitch, velocity in notes.rows:
        note = sequence.notes.add()
        note.start_time, note.end_time, note.pitch, note.velocity = start, end, int(pitch), int(velocity)
    for down, up in notes.pedal:
        for time, value in ((down, 100), (up, 0)):
            change = sequence.control_changes.add()
            change.time, change.control_number, change.control_value = time, 64, value
    sequence.total_time = max([notes.duration, *notes.pedal.ravel()])
    return sequence


def note_seq_notes(sequence: Any, first: int = 0) -> Notes:
    return Notes.of((n.start_time, n.end_time, n.pitch, n.velocity) for n in sequence.notes[first:])


def note_seq_sustained(notes: Notes) -> Notes:
    from note_seq import sequences_lib

    return note_seq_notes(sequences_lib.apply_sustain_control_changes(note_seq_sequence(notes)))


def note_seq_tokens(notes: Notes) -> list[int]:
    """Of notes without pedal on the 88 keys."""
    from note_seq import performance_lib, sequences_lib

    quantised = sequences_lib.quantize_note_sequence_absolute(note_seq_sequence(notes), 100)
    first = {1: 2 - 21, 2: 90 - 21, 3: 178 - 1, 4: 278 - 1}
    events = performance_lib.Performance(quantised, num_velocity_bins=32)
    return [first[event.event_type] + event.event_value for event in events]


def note_seq_decoded(tokens: list[int]) -> Notes:
    from note_seq import performance_lib

    performance = performance_lib.Performance(steps_per_second=100, num_velocity_bins=32)
    for token in tokens:
        for kind, low, base in ((4, 278, 1), (3, 178, 1), (2, 90, 21), (1, 2, 21)):
            if token >= low:
                performance.append(performance_lib.PerformanceEvent(kind, token - low + base))
                break
    return note_seq_notes(performance.to_sequence(velocity=100))


def note_seq_melody(notes: Notes) -> Notes:
    from note_seq import melody_inference

    sequence = note_seq_sequence(notes)
    count = len(sequence.notes)
    melody_inference.infer_melody_for_sequence(sequence)
    return note_seq_notes(sequence, count)


def random_text(seed: int, length: int = 150) -> list[int]:
    """Tokens without sense: many releases of what is not open, strikes of what is."""
    rng = np.random.default_rng(seed)
    few = np.concatenate((np.arange(40, 46), np.arange(128, 134), np.arange(178, 184), np.arange(278, 281)))
    drawn: list[int] = (rng.choice(few, length) if seed % 2 else rng.integers(2, 310, length)).tolist()
    return drawn


def main() -> None:
    from engines.piano.pedal import sustained

    cases = []
    for seed in range(24):
        notes = case(seed)
        wet = note_seq_sustained(notes)
        tokens = note_seq_tokens(wet.on_keys())
        cases.append(
            {
                "notes": rows(notes),
                "pedal": np.rint(notes.pedal * 1e6).astype(int).tolist(),
                "sustained": digest(rows(wet)),
                "tokens": digest(tokens),
                "melody": digest(rows(note_seq_melody(wet))),
            }
        )
    texts = [[text, digest(rows(note_seq_decoded(text)))] for text in map(random_text, range(20))]
    files = {}
    for name, notes in archive_notes():
        wet = note_seq_sustained(notes) if len(notes.pedal) else notes
        part = sustained(notes).between(0, MELODY_S)
        files[name] = [digest(rows(wet)), digest(note_seq_tokens(wet.on_keys())), digest(rows(note_seq_melody(part)))]
    RECORDED.write_text(json.dumps({"cases": cases, "texts": texts, "files": files}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
