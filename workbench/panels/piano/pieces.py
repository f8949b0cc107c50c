"""What can be put on the desk: music that comes with the program, the user's MIDI files, what was played by hand."""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from engines.core.errors import UserError
from engines.piano import library
from engines.piano.codec import encode
from engines.piano.desk import ReadPiece
from engines.piano.midi import SUFFIXES
from engines.piano.notes import Notes
from engines.piano.pedal import sustained
from engines.piano.smf import MOST_BYTES

Kind = Literal["style", "melody"]
MOST_FILES: Final = 40
PLAYED, DRAWN = "Played by hand", "Drawn melody"
_UNREAD: Final = "It is read when you choose it."


@dataclass(frozen=True, eq=False)
class Piece:
    """key: fixed name, "library/ballad" or a path. title, note: to be shown. notes: with their pedal. read: what the
    engine made of a file."""

    key: str
    title: str
    note: str
    notes: Notes
    read: ReadPiece | None = None

    @property
    def style(self) -> Notes:
        """What gives the style: all of it, or the beginning of a long file."""
        return self.notes if self.read is None else self.read.style

    @cached_property
    def tokens(self) -> np.ndarray:
        """`style` as text, int32 [L]."""
        return encode(self.notes) if self.read is None else self.read.tokens

    @cached_property
    def sounding(self) -> Notes:
        """All notes, the pedal in their ends."""
        return sustained(self.notes) if self.read is None else self.read.sounding


class Shelf(QObject):
    """All pieces that can be chosen. changed(): the user's own have changed.

    A file of a former session is on the list, and is read when somebody chooses it.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._own: dict[str, Piece | None] = {}
        self._library: dict[str, Piece] = {}
        self._texts: dict[str, str] = {}
        self._played = 0

    def names(self, kind: Kind) -> list[tuple[str, str, str]]:
        """(key, title, note) of everything that can serve as `kind`: the program's own, then the user's."""
        items = library.styles() if kind == "style" else library.melodies()
        rows = [(f"library/{item.name}", item.title, item.note) for item in items]
        return rows + [
            (key, Path(key).stem, _UNREAD) if piece is None else (key, piece.title, piece.note)
            for key, piece in self._own.items()
        ]

    def find(self, key: str) -> Piece | None:
        """The piece of that key. None where there is none, or it is not read yet."""
        if not key.startswith("library/"):
            return self._own.get(key)
        if key not in self._library:
            try:
                item = library.item(key.removeprefix("library/"))
            except UserError:
                return None
            self._library[key] = Piece(key, item.title, item.note, item.notes)
        return self._library[key]

    def is_unread(self, key: str) -> bool:
        """Whether it is a file on the list that has not been read."""
        return key in self._own and self._own[key] is None

    def keep(self, path: Path, read: ReadPiece) -> Piece:
        """Put a file that was read on the list."""
        note = f"{len(read.notes):,} notes, {read.tracks} track{'s' if read.tracks != 1 else ''}"
        piece = Piece(str(path), read.title, "; ".join((note, *read.remarks)), read.notes, read)
        self._keep(piece.key, piece)
        return piece

    def forget(self, key: str) -> None:
        """Take a file off the list."""
        if self._own.pop(key, None) is not None or key in self._own:
            self.changed.emit()

    def add_played(self, notes: Notes, title: str = "") -> Piece:
        """Keep what was played or drawn by hand. title: as it was before, or that of all of its kind."""
        self._played += 1
        title = title or f"{PLAYED} {self._played}"
        if title == DRAWN:
            title += f" {self._played}"
        piece = Piece(f"played/{self._played}", title, f"{len(notes)} notes", notes)
        self._keep(piece.key, piece)
        return piece

    def _keep(self, key: str, piece: Piece | None) -> None:
        self._own.pop(key, None)
        self._own[key] = piece
        for old in list(self._own)[:-MOST_FILES]:
            del self._own[old]
        self.changed.emit()

    def save_state(self) -> dict[str, Any]:
        """Paths of the user's files; what was played is kept as text, written once."""
        played = [(key, piece) for key, piece in self._own.items() if piece is not None and key.startswith("played/")]
        for key, piece in played:
            if key not in self._texts:
                self._texts[key] = packed(piece.notes)
        return {
            "files": [key for key in self._own if not key.startswith("played/")],
            "played": [self._texts[key] for key, _ in played],
            "titles": [piece.title for _, piece in played],
        }

    def restore_state(self, state: Any) -> None:
        """Put the files on the list again; those that are gone are left out."""
        if not isinstance(state, dict):
            return
        for name in _listed(state.get("files")):
            if isinstance(name, str) and name not in self._own and _is_file(Path(name)):
                self._keep(name, None)
        for text, title in zip_longest(_listed(state.get("played")), _listed(state.get("titles"))):
            notes = unpacked(text)
            if notes is not None and len(notes):
                self.add_played(notes, title if isinstance(title, str) else "")


def accepts(path: Path) -> bool:
    """Whether the ending is that of a MIDI file."""
    return path.suffix.lower() in SUFFIXES


def look_at(path: Path) -> None:
    """Raises UserError for what need not be read to be refused."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", "check its name and permissions") from None
    if not path.is_file():
        raise UserError(f"{path.name} is no file", "choose a MIDI file")
    if size > MOST_BYTES:
        raise UserError(f"{path.name} has {size / 1e6:.0f} MB", f"choose a MIDI file below {MOST_BYTES / 1e6:.0f} MB")


def packed(notes: Notes) -> str:
    """Notes without pedal as a line of text, to a millisecond: a session is saved often and in the window's thread."""
    table = np.rint(notes.rows * (1000, 1000, 1, 1)).astype("<i4")
    return base64.b64encode(zlib.compress(table.tobytes(), 1)).decode()


def unpacked(text: Any) -> Notes | None:
    """What `packed` wrote, or rows of numbers as sessions held them before; None where it makes no sense."""
    try:
        if isinstance(text, str):
            table = np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i4").reshape(-1, 4) * (0.001, 0.001, 1, 1)
        else:
            table = np.array([tuple(row) for row in text], np.float64).reshape(-1, 4)
        return Notes(table[:, 0], table[:, 1], table[:, 2].astype(np.int16), table[:, 3].astype(np.int16))
    except (TypeError, ValueError, zlib.error, binascii.Error):
        return None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
