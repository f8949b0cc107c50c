"""Paper file 08, section 9, checks 2 and 3: tokens, sustained notes and melodies are note-seq's."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from engines.piano.codec import decode, encode
from engines.piano.melody import melody_of
from engines.piano.notes import Notes
from engines.piano.pedal import sustained
from tests.engines.piano import oracle

RECORDED = json.loads(oracle.RECORDED.read_text())
needs_data = pytest.mark.skipif(
    not os.environ.get("WORKBENCH_DATA"), reason="WORKBENCH_DATA is not set: no local data sets"
)


def _notes(stored: dict) -> Notes:
    table = np.array(stored["notes"])
    pedal = np.array(stored["pedal"]).reshape(-1, 2) / 1e6
    return Notes(table[:, 0] / 1e6, table[:, 1] / 1e6, table[:, 2], table[:, 3], pedal)


@pytest.mark.parametrize("number", range(len(RECORDED["cases"])))
def test_check_2_and_3_crowded_notes_become_note_seqs_notes_tokens_and_melody(number: int) -> None:
    stored = RECORDED["cases"][number]
    notes = _notes(stored)
    wet = sustained(notes)
    assert oracle.digest(oracle.rows(wet)) == stored["sustained"]
    assert oracle.digest(encode(notes).tolist()) == stored["tokens"]
    assert oracle.digest(oracle.rows(melody_of(wet))) == stored["melody"]


def test_check_2_any_text_means_the_notes_that_note_seq_reads_in_it() -> None:
    assert len(RECORDED["texts"]) >= 20
    for text, expected in RECORDED["texts"]:
        assert oracle.digest(oracle.rows(decode(np.array(text)))) == expected


@needs_data
def test_check_2_and_3_real_files_become_note_seqs_notes_tokens_and_melodies() -> None:
    """26 files; melodies of their first minutes."""
    files = oracle.archive_notes()
    assert len(files) >= 20 and {name for name, _ in files} == set(RECORDED["files"])
    for name, notes in files:
        wet = sustained(notes)
        mine = [
            oracle.digest(oracle.rows(wet)),
            oracle.digest(encode(notes).tolist()),
            oracle.digest(oracle.rows(melody_of(wet.between(0, oracle.MELODY_S)))),
        ]
        assert mine == RECORDED["files"][name], name


def test_check_2_and_3_live_against_an_installed_note_seq() -> None:
    pytest.importorskip("note_seq", reason="note-seq is not installed; see oracle.py for why and how")
    for seed in range(100, 130):
        notes = oracle.case(seed)
        wet = sustained(notes)
        assert oracle.rows(wet) == oracle.rows(oracle.note_seq_sustained(notes))
        assert encode(notes).tolist() == oracle.note_seq_tokens(wet.on_keys())
        assert oracle.rows(melody_of(wet)) == oracle.rows(oracle.note_seq_melody(wet))
        text = oracle.random_text(seed)
        assert oracle.rows(decode(np.array(text))) == oracle.rows(oracle.note_seq_decoded(text))
