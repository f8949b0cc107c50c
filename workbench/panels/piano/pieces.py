"""The music on the desk: what comes with the program, the user's MIDI files, and what was played by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from PySide6.QtCore import QObject, Signal

from engines.core.errors import UserError
from engines.piano import library
from engines.piano.melody import melody_of
from engines.piano.midi import SUFFIXES, read_midi
from engines.piano.notes import Notes

Kind = Literal["style", "melody"]
MOST_FILES: Final = 40
MELODY_SECONDS: Final = 120.0
"""Of a performance whose melody is looked for, from its beginning: the search takes longer for more."""


@dataclass(frozen=True, eq=False)
class Piece:
    """key: fixed name, "library/ballad" or a path. title, note: to be shown. notes: with their pedal."""

    key: str
    title: str
    note: str
    notes: Notes

    @property
    def path(self) -> Path | None:
        """The user's file, or None."""
        return None if self.key.startswith(("library/", "played/")) else Path(self.key)


class Shelf(QObject):
    """All pieces that can be chosen. changed(): the user's own have changed."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._own: dict[str, Piece] = {}
        self._played = 0

    def names(self, kind: Kind) -> list[tuple[str, str, str]]:
        """(key, title, note) of everything that can serve as `kind`: the program's own, then the user's."""
        items = library.styles() if kind == "style" else library.melodies()
        rows = [(f"library/{item.name}", item.title, item.note) for item in items]
        return rows + [(piece.key, piece.title, piece.note) for piece in self._own.values()]

    def find(self, key: str) -> Piece | None:
        """The piece of that key; a file of a former session is read again. None where there is none any more."""
        if key.startswith("library/"):
            try:
                item = library.item(key.removeprefix("library/"))
            except UserError:
                return None
            return Piece(key, item.title, item.note, item.notes)
        return self._own.get(key)

    def open(self, path: Path) -> Piece:
        """Read a MIDI file and keep it. Raises UserError and keeps nothing when it cannot be used."""
        performance = read_midi(path)
        if len(performance.notes) < 2:
            raise UserError(f"{path.name} holds {len(performance.notes)} notes", "choose a piece with a few bars")
        tracks = len(performance.tracks)
        note = f"{len(performance.notes):,} notes, {tracks} track{'s' if tracks != 1 else ''}"
        piece = Piece(str(path), path.stem, "; ".join((note, *performance.remarks)), performance.notes)
        self._keep(piece)
        return piece

    def add_played(self, notes: Notes) -> Piece:
        """Keep what was played by hand."""
        self._played += 1
        piece = Piece(f"played/{self._played}", f"Played by hand {self._played}", f"{len(notes)} notes", notes)
        self._keep(piece)
        return piece

    def _keep(self, piece: Piece) -> None:
        self._own.pop(piece.key, None)
        self._own[piece.key] = piece
        for key in list(self._own)[:-MOST_FILES]:
            del self._own[key]
        self.changed.emit()

    def save_state(self) -> dict[str, Any]:
        """Paths of the user's files; what was played is kept as rows of notes."""
        return {
            "files": [key for key, piece in self._own.items() if piece.path is not None],
            "played": [piece.notes.rows.round(4).tolist() for piece in self._own.values() if piece.path is None],
        }

    def restore_state(self, state: Any) -> None:
        """Read the files again; those that are gone are left out."""
        if not isinstance(state, dict):
            return
        for name in state.get("files") or []:
            try:
                self.open(Path(str(name)))
            except (UserError, OSError):
                continue
        for rows in state.get("played") or []:
            try:
                notes = Notes.of(rows)
            except (TypeError, ValueError):
                continue
            self.add_played(notes)


def accepts(path: Path) -> bool:
    """Whether the ending is that of a MIDI file."""
    return path.suffix.lower() in SUFFIXES


def melody_in(piece: Piece) -> Notes:
    """The melody of a piece: itself where it has one voice only, else the likeliest path of the paper's model through
    its first two minutes. May take a tenth of a second."""
    notes = piece.notes
    if len(notes) < 2 or bool((notes.start[1:] >= notes.end[:-1] - 0.03).all()):
        return notes
    return melody_of(notes.between(0.0, MELODY_SECONDS))
