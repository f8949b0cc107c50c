"""How fast performances become sound: "piano-sound"."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from engines.core.bench import Measure, bench
from engines.core.job import JobContext
from engines.piano.notes import Notes
from engines.piano.sound.bank import RATE, Instrument
from engines.piano.sound.mixing import mixed, score_of
from engines.piano.sound.soundfont import BUILT_IN, choose, general_soundfont

SECONDS: Final = 122.0
NOTES: Final = 2_379
"""The "dense" piece of paper file 08b: 20 notes a second."""
_TARGET: Final = 100.0
_UNIT: Final = "× real time"


@bench("piano-sound", "Notes into samples")
def piano_sound(ctx: JobContext) -> list[Measure]:
    """Seconds of stereo music for each second of one core, with the SoundFont and with the built-in piano."""
    notes, measures = dense_piece(), []
    for done, name in enumerate(("", BUILT_IN)):
        ctx.progress(done, 3, f"Rendering with {name or 'the SoundFont'}")
        instrument = choose(name).instrument
        first, again = (_speed(notes, instrument, ctx) for _ in range(2))
        measures.append(
            Measure(
                f"{instrument.name}: a piece of {SECONDS:.0f} s and {NOTES} notes, tones known",
                again,
                _symusic(notes) if not name else None,
                target=_TARGET,
                unit=_UNIT,
                of="none",
                note="peer: symusic 0.5.8, whole piece at once; it plays this SoundFont out of tune"
                if not name
                else "",
            )
        )
        measures.append(Measure(f"{instrument.name}: the same, its tones made first", first, unit=_UNIT, of="none"))
    ctx.progress(3, 3, "Done")
    return measures


def dense_piece() -> Notes:
    """Notes as dense as recorded piano, the same each time."""
    rng = np.random.default_rng(8)
    start = np.sort(rng.uniform(0, SECONDS, NOTES))
    pitch = np.clip(rng.normal(62, 12, NOTES), 21, 108).astype(np.int16)
    velocity = np.clip(rng.normal(64, 18, NOTES), 1, 127).astype(np.int16)
    return Notes(start, start + rng.uniform(0.05, 1.0, NOTES), pitch, velocity)


def _speed(notes: Notes, instrument: Instrument, ctx: JobContext) -> float:
    score = score_of(notes, instrument)
    began = time.process_time()
    for at in range(0, score.frames, RATE):
        mixed(score, instrument, at, min(at + RATE, score.frames), ctx.check)
    return score.frames / RATE / max(time.process_time() - began, 1e-6)


def _symusic(notes: Notes) -> float | None:
    """What symusic needs for the piece with the same SoundFont; None where either is missing."""
    path = general_soundfont()
    try:
        import symusic
    except (ImportError, OSError):
        return None
    if path is None:
        return None
    synth = symusic.Synthesizer(sf_path=str(path), sample_rate=RATE, quality=0)
    score = symusic.Score(ttype="second")
    track = symusic.Track(ttype="second", program=0, is_drum=False)
    columns = zip(notes.start, notes.end - notes.start, notes.pitch, notes.velocity, strict=True)
    for start, length, pitch, velocity in columns:
        track.notes.append(symusic.Note(float(start), float(length), int(pitch), int(velocity), ttype="second"))
    score.tracks.append(track)
    began = time.process_time()
    synth.render(score, stereo=True)
    return SECONDS / max(time.process_time() - began, 1e-6)
