"""Performances as sound: a file at once ("piano.render"), and stretch by stretch for the player ("piano.sound").

Of a job's snapshots only the newest reaches the window. So the player asks for one stretch at a time and takes the
answer before it asks for the next: nothing can be lost, and a seek or a new tempo is heard at once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.piano.sound.mixing import limited, score_from
from engines.piano.sound.render import render, stretch
from engines.piano.sound.requests import StretchAnswer, StretchRequest
from engines.piano.sound.soundfont import choose
from engines.piano.sound.spec import RenderSpec, SoundSpec
from engines.piano.sound.wave_file import write_wav

if TYPE_CHECKING:
    from engines.piano.notes import Notes

_IDLE_S: Final = 0.25
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
    """Render the stretches that the player asks for, until the session is closed."""
    while True:
        request = ctx.latest_request(_IDLE_S)
        if request is not None:
            ctx.publish(answered(request, spec, ctx))
        ctx.check()


def answered(request: StretchRequest, spec: SoundSpec, ctx: JobContext) -> StretchAnswer:
    """One stretch. What is wrong with a request is part of the answer and ends nothing."""
    began = time.perf_counter()
    chosen = choose(request.instrument or spec.instrument, spec.rate)
    name, remarks, problem = chosen.instrument.name, chosen.remarks, ""
    samples = np.zeros((0, 2), np.float32)
    if request.end - request.begin > _LONGEST_STRETCH_S * spec.rate:
        problem = f"expected a stretch of at most {_LONGEST_STRETCH_S:.0f} s"
    elif request.end > request.begin:
        try:
            score = score_from(
                request.start, request.end_s, request.pitch, request.velocity, chosen.instrument, request.tempo
            )
            samples = stretch(score, chosen.instrument, request.begin, request.end, ctx.check)
        except UserError as error:
            problem = str(error)
    took = (time.perf_counter() - began) * 1000
    return StretchAnswer(request.ticket, request.begin, samples, name, remarks, problem, took)
