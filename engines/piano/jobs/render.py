"""Performances as sound: a file at once ("piano.render"), and stretch by stretch for the player ("piano.sound").

Of a job's snapshots only the newest reaches the window. So the player asks for one stretch at a time and takes the
answer before it asks for the next: nothing can be lost, and a seek or a new tempo is heard at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.piano.sound.bank import Instrument
from engines.piano.sound.mixing import Score, limited, nothing, score_from
from engines.piano.sound.render import render, stretch
from engines.piano.sound.requests import NO_SAMPLES, StretchAnswer, StretchRequest
from engines.piano.sound.soundfont import choose
from engines.piano.sound.spec import RenderSpec, SoundSpec
from engines.piano.sound.wave_file import write_wav

if TYPE_CHECKING:
    from engines.piano.notes import Notes

_IDLE_S: Final = 0.25
_PAUSE_S: Final = 0.02
_OVER: Final = object()
WARM_KEYS: Final = (36, 96)
WARM_VELOCITIES: Final = (64, 92)
"""One in each of the two middle layers; where a SoundFont has one layer, the second time costs nothing."""
WARM_S: Final = 2.0
"""Of each tone; a longer one is made when it is needed. 61 keys in two layers take 43 MB at most."""
_LONGEST_STRETCH_S: Final = 60.0


@dataclass(frozen=True)
class RenderResult:
    """What was written.

    title: of the piece. file: the WAV file, empty where nobody keeps it. seconds: its length; render_seconds: what it
    took. peak: largest |sample|. notes: how many sounded. instrument, remarks: what played, and why not a better one.
    """

    title: str
    file: str
    seconds: float
    render_seconds: float
    times_real_time: float
    peak: float
    notes: int
    instrument: str
    remarks: tuple[str, ...]


@job("piano.render", RenderSpec, title="Performance as a WAV file")
def render_file(spec: RenderSpec, ctx: JobContext) -> RenderResult:
    """A MIDI file, or a piece of ours, as a WAV file."""
    ctx.progress(0, 1, "Reading")
    title, notes = _music(spec)
    chosen = choose(spec.instrument)
    end_s = np.inf if spec.end_s is None else spec.end_s
    if end_s <= spec.begin_s:
        raise UserError(f"the end ({end_s:g} s) is not after the beginning ({spec.begin_s:g} s)", "change one of them")
    ctx.progress(0, 1, f"Rendering with {chosen.instrument.name}")
    began = time.perf_counter()
    samples = render(
        notes,
        instrument=chosen.instrument,
        check=ctx.check,
        tempo=spec.tempo,
        begin_s=spec.begin_s,
        end_s=end_s,
    )
    if not len(samples):
        raise UserError(f"{title} has no notes in that part", "choose another part")
    took = time.perf_counter() - began
    if spec.gain_db:
        samples = limited(samples * np.float32(10 ** (spec.gain_db / 20)))
    rate = chosen.instrument.rate
    path = spec.wav or (ctx.folder / f"{_file_name(title)}.wav" if ctx.folder is not None else None)
    if path is not None:
        write_wav(path, samples, rate, bits=spec.bits)
    seconds = len(samples) / rate
    return RenderResult(
        title,
        str(path or ""),
        seconds,
        took,
        seconds / max(took, 1e-9),
        float(np.abs(samples).max()),
        len(notes.start),
        chosen.instrument.name,
        chosen.remarks,
    )


def _music(spec: RenderSpec) -> tuple[str, Notes]:
    """Title and notes. Raises UserError."""
    if spec.midi is not None:
        from engines.piano.midi import read_midi

        return spec.midi.stem, read_midi(spec.midi).notes
    from engines.piano import library

    item = library.item(spec.item) if spec.item else library.styles()[0]
    return item.name, item.notes


def _file_name(title: str) -> str:
    return "".join(c if c.isalnum() or c in "-_ " else "_" for c in title).strip() or "performance"


@job("piano.sound", SoundSpec, title="Sound of what is played", session=True)
def sound(spec: SoundSpec, ctx: JobContext) -> None:
    """Render the stretches that the player asks for, until the session is closed.

    Between questions tones are made that will be needed: while a network composes beside this session, or a training
    run has the other cores, making one can take a hundred times longer than mixing it.
    """
    warmed: str | None = None
    coming: Iterator[None] | None = None
    while True:
        request = ctx.latest_request(_IDLE_S if coming is None else _PAUSE_S)
        if request is not None:
            ctx.publish(answered(request, spec, ctx))
            wanted = request.instrument or spec.instrument
            if wanted != warmed:
                warmed, coming = wanted, warming(choose(wanted, spec.rate).instrument)
        elif coming is not None and next(coming, _OVER) is _OVER:
            coming = None
        ctx.check()


def warming(instrument: Instrument) -> Iterator[None]:
    """Make the tones of the keys that piano music uses most, the middle ones first; one a step (some 10 ms)."""
    middle = (WARM_KEYS[0] + WARM_KEYS[1]) // 2
    for velocity in WARM_VELOCITIES:
        for pitch in sorted(range(WARM_KEYS[0], WARM_KEYS[1] + 1), key=lambda key: abs(key - middle)):
            instrument.tone(pitch, velocity, int(WARM_S * instrument.rate))
            yield


def answered(request: StretchRequest, spec: SoundSpec, ctx: JobContext) -> StretchAnswer:
    """One stretch. What is wrong with a request is part of the answer and ends nothing."""
    began = time.perf_counter()
    chosen = choose(request.instrument or spec.instrument, spec.rate)
    samples, problem, written = NO_SAMPLES, "", ""
    try:
        if request.wav:
            written = _written(request, chosen.instrument, ctx)
        else:
            samples = stretch_of(request, chosen.instrument, ctx.check)
    except UserError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{request.wav or 'the stretch'} cannot be written: {error.strerror or error}"
    took = (time.perf_counter() - began) * 1000
    return StretchAnswer(
        request.ticket, request.begin, samples, chosen.instrument.name, chosen.remarks, problem, took, written
    )


def stretch_of(request: StretchRequest, instrument: Instrument, check: Callable[[], None] = nothing) -> np.ndarray:
    """The samples that are asked for, float32 [end - begin, 2]. Raises UserError."""
    if request.end - request.begin > _LONGEST_STRETCH_S * instrument.rate:
        raise UserError(f"expected a stretch of at most {_LONGEST_STRETCH_S:.0f} s")
    if request.end <= request.begin:
        return NO_SAMPLES
    return stretch(_score(request, instrument), instrument, request.begin, request.end, check)


def _score(request: StretchRequest, instrument: Instrument) -> Score:
    return score_from(request.start, request.end_s, request.pitch, request.velocity, instrument, request.tempo)


def _written(request: StretchRequest, instrument: Instrument, ctx: JobContext) -> str:
    """The file, once it is written. Raises UserError and OSError."""
    score, parts = _score(request, instrument), []
    end = min(request.end, score.frames)
    for at in range(request.begin, end, instrument.rate):
        ctx.progress(at - request.begin, end - request.begin, "Rendering")
        parts.append(stretch(score, instrument, at, min(at + instrument.rate, end), ctx.check))
    if not parts:
        raise UserError("there is nothing to hear in that part", "choose another part")
    return str(write_wav(Path(request.wav), np.concatenate(parts), instrument.rate, bits=request.bits))
