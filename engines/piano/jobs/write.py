"""A piece in a style and on a melody, as files, without a window ("piano.write")."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines.core import atomic
from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.piano.codec import encode, encode_melody
from engines.piano.corpus import melody_or_none
from engines.piano.features import similarity
from engines.piano.following import followed
from engines.piano.jobs.compose import MOST_TOKENS, Session
from engines.piano.midi import read_midi, write_midi
from engines.piano.notes import Notes
from engines.piano.pedal import sustained
from engines.piano.requests import ComposeRequest, ComposeSnapshot
from engines.piano.results import WriteResult
from engines.piano.spec import ComposeSpec, WriteSpec


@job("piano.write", WriteSpec, title="Compose a piece")
def write(spec: WriteSpec, ctx: JobContext) -> WriteResult:
    """Compose a piece in the style of a performance and on a melody, and write it as MIDI, tokens and style vector."""
    ctx.progress(0, 1, "Loading")
    style = music(spec.style)
    melody = melody_in(spec.melody) if spec.melody else Notes.empty()
    styles, shares = [encode(style)], [1.0]
    if spec.second:
        styles, shares = [*styles, encode(music(spec.second))], [1 - spec.alpha, spec.alpha]
    request = ComposeRequest(
        generation=1,
        weights=spec.weights,
        styles=tuple(styles),
        shares=tuple(shares),
        melody=encode_melody(melody),
        temperature=spec.temperature,
        top_p=spec.top_p,
        grammar=spec.grammar,
        seed=spec.seed,
        length=MOST_TOKENS,
        seconds=spec.seconds,
        variations=spec.variations,
    )
    last = _composed(request, spec, ctx)
    pieces = [Notes.of(v.notes) for v in last.variations]
    ctx.progress(1, 1, "Done")
    return WriteResult(
        weights=spec.weights,
        files=_files(ctx.folder, pieces, last),
        seconds=min(v.clock for v in last.variations),
        notes=np.array([len(p) for p in pieces], np.int64),
        nll=np.array([float(np.nanmean(v.nll)) for v in last.variations]),
        overlap=np.array([_overlap(p, style) for p in pieces]),
        followed=np.array([followed(p, melody) for p in pieces]),
        tokens_per_second=last.tokens_per_second,
        remarks=last.remarks,
    )


def music(text: str) -> Notes:
    """A bundled piece by name, or a MIDI file, as it sounds. Raises UserError."""
    from engines.piano import library

    path = Path(text).expanduser()
    notes = read_midi(path).notes if path.suffix.lower() in (".mid", ".midi") or path.is_file() else None
    found = sustained(library.item(text).notes if notes is None else notes)
    if not len(found):
        raise UserError(f"{text} has no notes", "choose another piece")
    return found


def melody_in(text: str) -> Notes:
    """A bundled melody by name, or what is taken for the melody of another piece."""
    from engines.piano import library

    return library.item(text).notes if text in library.melody_names() else melody_or_none(music(text))


def _composed(request: ComposeRequest, spec: WriteSpec, ctx: JobContext) -> ComposeSnapshot:
    """The finished answer. Raises UserError with what a request cannot have."""
    listener = _Listener(ctx, request.seconds)
    Session(ComposeSpec(seed=spec.seed, device=spec.device), listener).answer(request)
    assert listener.last is not None
    if listener.last.problem:
        raise UserError(listener.last.problem)
    return listener.last


@dataclass
class _Listener:
    """The context of a session that gets one request: snapshots are progress."""

    ctx: JobContext
    seconds: float
    last: ComposeSnapshot | None = None
    folder: Path | None = None
    resume: Any = None

    def check(self) -> None:
        self.ctx.check()

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.ctx.progress(done, total, text)

    def publish(self, snapshot: Any, *, keep: bool = False) -> None:
        self.last = snapshot
        if snapshot.variations:
            clock = min(v.clock for v in snapshot.variations)
            self.ctx.progress(clock, self.seconds, f"{clock:.0f} s composed")
        self.ctx.publish(snapshot)

    def checkpoint(self, state: dict[str, Any]) -> None:
        """A piece takes seconds."""

    def latest_request(self, timeout_s: float = 0.0) -> Any | None:
        return None


def _files(folder: Path | None, pieces: list[Notes], last: ComposeSnapshot) -> tuple[str, ...]:
    if folder is None:
        return ()
    written = []
    for number, (piece, variation) in enumerate(zip(pieces, last.variations, strict=True), 1):
        name = f"piece-{number}"
        write_midi(folder / f"{name}.mid", piece)
        _save(folder / f"{name}-tokens.npy", variation.tokens)
        written += [f"{name}.mid", f"{name}-tokens.npy"]
    if len(last.z):
        _save(folder / "style.npy", last.z)
        written.append("style.npy")
    return tuple(written)


def _save(path: Path, array: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    atomic.write_bytes(path, buffer.getvalue())


def _overlap(piece: Notes, style: Notes) -> float:
    try:
        return similarity(piece, style).overlap
    except UserError:
        return float("nan")
