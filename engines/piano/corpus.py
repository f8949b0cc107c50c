"""Music to learn from and to measure on: whole pieces as tokens with their melodies, read once and kept.

Sources: "library" (made by code, always there), "walks" (synthetic, for quick training), "pop909", "piano-midi-de",
"asap" (evaluation only), or the path of a folder of MIDI files.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

import numpy as np

from engines.core import paths
from engines.core.atomic import write_bytes
from engines.core.errors import UserError
from engines.core.job import JobContext
from engines.piano.codec import duration_of, encode
from engines.piano.midi import Performance, midi_files, read_midi, read_midi_bytes
from engines.piano.notes import Notes

Part = Literal["train", "validation", "test"]
Check = Callable[[], None]
Progress = Callable[[float, float, str], None]

SHARES: Final = (0.8, 0.1, 0.1)
PARTS: Final[tuple[Part, ...]] = ("train", "validation", "test")
EVALUATION_ONLY: Final = frozenset({"asap"})
FEWEST_TOKENS: Final = 32
"""A piece with fewer, about seven notes, teaches nothing and is left out."""
_SPLIT: Final = "piano-2020"
"""Part of what each piece's name is hashed with; another text makes another split."""
_FORMAT: Final = 1
"""Of the kept copy; raise it when tokens, melodies or reading change."""
_KEPT_FOLDERS: Final = 12
"""Copies of folders in the cache; older ones, whose files may have changed since, are removed."""
_UNREADABLE: Final = (
    *(OSError, ValueError, LookupError, EOFError, TypeError, RuntimeError, SyntaxError, MemoryError),
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
)
"""What numpy raises for a damaged copy, depending on which byte is wrong."""
_ARCHIVES: Final = {"pop909": "pop909", "piano-midi-de": "piano-midi-de", "asap": "asap"}


@dataclass(frozen=True)
class Source:
    """Where music may come from. name: what `tokens_of` takes. note: the terms. is_here: can be read now."""

    name: str
    title: str
    note: str
    is_here: bool
    may_train: bool = True


@dataclass(frozen=True, eq=False)
class Corpus:
    """K pieces.

    pieces: int16 [L_k] performance tokens each, the whole piece. names: K, different ones. melodies: K, in the
    piece's own time, without the pedal; the arranger's where the set has them (POP909), else inferred; empty
    where asked for without. remarks: what was left out and why.
    """

    source: str
    title: str
    pieces: tuple[np.ndarray, ...]
    names: tuple[str, ...]
    melodies: tuple[Notes, ...]
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pieces)

    @property
    def tokens(self) -> int:
        """Of all pieces together."""
        return sum(map(len, self.pieces))

    @property
    def seconds(self) -> float:
        """Of all pieces together."""
        return sum(map(duration_of, self.pieces))

    def take(self, chosen: Sequence[int] | np.ndarray) -> Corpus:
        """The pieces at those indices, in that order."""
        return replace(
            self,
            pieces=tuple(self.pieces[i] for i in chosen),
            names=tuple(self.names[i] for i in chosen),
            melodies=tuple(self.melodies[i] for i in chosen),
        )

    def part(self, name: Part) -> Corpus:
        """The pieces of one part: about 80, 10 and 10 %, always the same ones (see `parts_of`). What is for
        evaluation only is all "test"."""
        if name not in PARTS:
            raise UserError(f"expected a part out of {', '.join(PARTS)}, got {name!r}")
        if self.source in EVALUATION_ONLY:
            return self if name == "test" else self.take([])
        return self.take(np.flatnonzero(parts_of(self.names) == PARTS.index(name)))

    def needed(self, name: Part) -> Corpus:
        """As `part`. Raises UserError where it holds no piece."""
        found = self.part(name)
        if not len(found):
            raise UserError(f"{self.title} has no pieces for the {name}", "choose a source with at least three")
        return found

    def index(self, name: str) -> int:
        """Where the piece of that name is. Raises UserError."""
        if name not in self.names:
            raise UserError(f"{self.title} has no piece {name!r}", "choose one of its pieces")
        return self.names.index(name)


def parts_of(names: Sequence[str]) -> np.ndarray:
    """int64 [K]: 0 training, 1 validation, 2 test.

    Pieces are ordered by a hash of their names and cut at 80 and 90 %. From three pieces on each part has at least
    one; of two, one is for the test; a single one is trained on.
    """
    count = len(names)
    digests = [hashlib.sha256(f"{_SPLIT}/{name}".encode("utf8", "surrogatepass")).digest() for name in names]
    order = np.array(sorted(range(count), key=lambda i: digests[i]), np.int64)
    held = [round(share * count) for share in SHARES[1:]]
    if count >= 3:
        held = [max(1, h) for h in held]
    elif count == 2:
        held = [0, 1]
    part = np.zeros(count, np.int64)
    validation, test = held
    part[order[count - validation - test : count - test]] = 1
    part[order[count - test :]] = 2
    return part


def sources() -> tuple[Source, ...]:
    """Everything but folders, and whether its files are here."""
    from engines.core import data

    own = (
        Source("library", "Pieces that come with the program", "made by code; public domain", True),
        Source("walks", "Synthetic scale walks, for a quick training", "made by code; public domain", True),
    )
    known = []
    for name in _ARCHIVES:
        entry = data.find(name)
        ready = data.status(name).state == "ready"
        known.append(Source(name, entry.title, entry.licence, ready, name not in EVALUATION_ONLY))
    return (*own, *known)


def refuse_training(source: str) -> None:
    """Raise UserError when weights may not be trained on `source` because of its licence."""
    if source in EVALUATION_ONLY:
        raise UserError(
            f"{source} is for evaluation only: its licence forbids commercial use of what is made of it",
            "train on pop909, walks or a folder of your own",
        )


def tokens_of(
    source: str,
    check: Check = lambda: None,
    *,
    progress: Progress = lambda done, total, text: None,
    data_dir: Path | str | None = None,
    melodies: bool = True,
) -> Corpus:
    """All pieces of a source, in the order of their names.

    Read once and kept in the cache folder; a changed file makes a new copy. Files that cannot be read are left
    out with a remark, and so is a second copy of the same music. melodies: without them, a set that states none
    is read faster. Raises UserError (MissingData for a registered set whose files are not here).
    """
    from engines.core import data

    if source == "library":
        return _library()
    if source == "walks":
        from engines.piano.library import walks

        return _assembled(source, "Synthetic scale walks", ((n, notes, m) for n, notes, m in walks()), check)
    if source in _ARCHIVES:
        (archive,) = data.locate(_ARCHIVES[source], data_dir=data_dir, check=check)
        title, stamp = data.find(source).title, data.find(source).files[0].sha256[:16]
        reading = _of_archive(archive, source, melodies, check, progress)
    else:
        folder = Path(source).expanduser()
        if not folder.is_dir():
            known = ", ".join(("library", "walks", *_ARCHIVES))
            raise UserError(f"there is no source {source!r}", f"name one of {known}, or a folder of MIDI files")
        files = midi_files(folder, check)
        title, stamp = folder.name, _stamp(folder, files)
        reading = _of_folder(folder, files, melodies, check, progress)
    label = source if source in _ARCHIVES else "folder"
    kept = paths.cache_folder() / "piano" / f"{label}-{stamp}-{'m' if melodies else 'n'}{_FORMAT}.npz"
    corpus = _load(kept, source, title)
    if corpus is None:
        corpus = _assembled(source, title, reading, check)
        _save(kept, corpus)
    if not len(corpus):
        raise UserError(f"{title} holds nothing to play: {corpus.remarks[0]}", "choose other files")
    return corpus


def reading(ctx: JobContext) -> Progress:
    """For `tokens_of`: says in a job's progress which file is read, for a set of hundreds takes a minute once."""
    return lambda done, total, name: ctx.progress(0, 1, f"Reading {done + 1} of {total}: {name}")


def melody_or_none(notes: Notes, check: Check = lambda: None) -> Notes:
    """The inferred melody of notes as they sound; none when there are too many for it."""
    from engines.piano.melody import melody_of

    try:
        return melody_of(notes, check)
    except UserError:
        return Notes.empty()


Reading = Iterator[tuple[str, Notes | UserError, Notes]]
"""Name, notes (or what is wrong with the file) and melody of one piece after the other."""


def _assembled(source: str, title: str, reading: Reading, check: Check) -> Corpus:
    pieces, names, melodies, remarks = [], [], [], []
    seen: dict[bytes, str] = {}
    for name, notes, melody in reading:
        check()
        if isinstance(notes, UserError):
            remarks.append(notes.what)
            continue
        tokens = encode(notes).astype(np.int16)
        digest = hashlib.sha256(tokens.tobytes()).digest()
        if len(tokens) < FEWEST_TOKENS:
            remarks.append(f"{name}: {len(notes)} notes are too few")
        elif digest in seen:
            remarks.append(f"{name} is the same music as {seen[digest]}")
        else:
            seen[digest] = name
            pieces.append(tokens)
            names.append(name)
            melodies.append(melody)
    return Corpus(source, title, tuple(pieces), tuple(names), tuple(melodies), tuple(remarks))


def _library() -> Corpus:
    from engines.piano import library

    items = library.styles()
    pieces = tuple(encode(item.notes).astype(np.int16) for item in items)
    melodies = tuple(melody_or_none(item.notes) for item in items)
    return Corpus("library", "Pieces that come with the program", pieces, tuple(i.name for i in items), melodies)


def _of_archive(archive: Path, source: str, melodies: bool, check: Check, progress: Progress) -> Reading:
    with zipfile.ZipFile(archive) as opened:
        members = sorted(name for name in opened.namelist() if name.endswith(".mid"))
        for done, member in enumerate(members):
            check()
            name = member.split("/", 1)[1].removesuffix(".mid")
            progress(done, len(members), name)
            yield _read(name, partial(_member, opened, member, name), melodies, check)


def _member(archive: zipfile.ZipFile, member: str, name: str) -> Performance:
    return read_midi_bytes(archive.read(member), name)


def _of_folder(folder: Path, files: list[Path], melodies: bool, check: Check, progress: Progress) -> Reading:
    for done, path in enumerate(files):
        check()
        name = path.relative_to(folder).as_posix()
        progress(done, len(files), name)
        yield _read(name, partial(read_midi, path), melodies, check)


def _read(
    name: str, reader: Callable[[], Performance], melodies: bool, check: Check
) -> tuple[str, Notes | UserError, Notes]:
    try:
        performance = reader()
    except UserError as error:
        return name, error, Notes.empty()
    stated = performance.track("MELODY")
    if stated is not None and len(performance.tracks) > 1:
        melody = replace(stated.notes.on_keys(), pedal=np.zeros((0, 2)))
    else:
        melody = melody_or_none(performance.notes, check) if melodies else Notes.empty()
    return name, performance.notes, melody


def _stamp(folder: Path, files: list[Path]) -> str:
    """Changes with the path, size or time of any file."""
    facts = []
    for path in files:
        stat = path.stat()
        facts.append((path.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns))
    return hashlib.sha256(json.dumps([os.fspath(folder.resolve()), facts]).encode()).hexdigest()[:16]


def _save(path: Path, corpus: Corpus) -> None:
    """Keep a copy; a full or read-only disk costs time on the next use, nothing else."""
    rows = [melody.rows for melody in corpus.melodies]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        tokens=np.concatenate([*corpus.pieces, np.zeros(0, np.int16)]),
        lengths=np.array([len(p) for p in corpus.pieces], np.int64),
        melodies=np.concatenate([*rows, np.zeros((0, 4))]),
        melody_lengths=np.array([len(r) for r in rows], np.int64),
        texts=np.frombuffer(json.dumps([corpus.names, corpus.remarks]).encode(), np.uint8),
    )
    with suppress(OSError):
        write_bytes(path, buffer.getvalue())
        copies = sorted(path.parent.glob("folder-*.npz"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
        for old in copies[_KEPT_FOLDERS:]:
            old.unlink()


def _load(path: Path, source: str, title: str) -> Corpus | None:
    """The kept copy, or None when there is none or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            names, remarks = json.loads(kept["texts"].tobytes())
            pieces = np.split(kept["tokens"], np.cumsum(kept["lengths"])[:-1]) if names else []
            rows = np.split(kept["melodies"], np.cumsum(kept["melody_lengths"])[:-1]) if names else []
    except _UNREADABLE:
        return None
    melodies = tuple(Notes(r[:, 0], r[:, 1], r[:, 2].astype(np.int16), r[:, 3].astype(np.int16)) for r in rows)
    return Corpus(source, title, tuple(pieces), tuple(names), melodies, tuple(remarks))
