"""Which piece the microscope looks at, and whose style stands against its own; the engine reads and listens for it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog

from engines.core.errors import UserError
from engines.piano.codec import encode_melody
from engines.piano.desk import ReadPiece, opening
from engines.piano.notes import Notes
from engines.piano.requests import NO_TOKENS
from engines.piano.spec import FindSpec, ReadSpec
from workbench.panels.piano.errand import Errand
from workbench.panels.piano.microscope_subject import Subject, of_take
from workbench.panels.piano.pieces import Piece, look_at

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel

TAKE, STYLE, FILE = "take", "style", "file"
OTHERS: Final = ("library/ragtime", "library/chorale")
"""Whose style is told instead, where nobody chose: the first that is not the piece's own."""
LONGEST_MELODY_S: Final = 600.0
MOST_MELODIES: Final = 40
"""Pieces whose melodies are kept: as many as the list holds files."""


class Choice(QObject):
    """source, other: the boxes. found(Subject): the chosen piece is there, with its melody. changed(): another choice
    was made. said(str): what is under way. settled(): nothing is awaited any more, or something is now."""

    found = Signal(object)
    changed = Signal()
    said = Signal(str)
    settled = Signal()

    def __init__(self, panel: PianoPanel, parent: QObject) -> None:
        super().__init__(parent)
        self._panel = panel
        self._errand = Errand(panel)
        self._melodies: dict[Piece, Notes] = {}
        self._kept = STYLE
        self.source, self.other = QComboBox(), QComboBox()
        for box, name, tip in (
            (self.source, "Piece under the microscope", "Which piece the network reads"),
            (self.other, "Other style", "Whose style the network is told instead, to see what its own is worth"),
        ):
            box.setAccessibleName(name)
            box.setToolTip(tip)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(14)
        self.source.activated.connect(self._source_chosen)
        self.source.currentIndexChanged.connect(self._remember)
        self.other.activated.connect(lambda _: self.changed.emit())
        panel.shelf.changed.connect(self.refresh)
        self.refresh()

    @property
    def is_awaited(self) -> bool:
        """Whether a file is being read, or a melody looked for."""
        return self._errand.is_out

    @property
    def key(self) -> str:
        """What is chosen: TAKE, STYLE, or the key of a piece."""
        return str(self.source.currentData() or "")

    def refresh(self) -> None:
        """Read the list of pieces again; what was chosen stays."""
        shelf = self._panel.shelf
        names = shelf.names("style")
        first = [(TAKE, "The current take", "What is shown as the result"), (STYLE, "Style A", "As on the desk")]
        rows = [*first, *names, (FILE, "A MIDI file…", "A file of yours")]
        others = [row for row in names if not shelf.is_unread(row[0])]
        for box, entries, fallback in ((self.source, rows, STYLE), (self.other, others, OTHERS[0])):
            kept = box.currentData()
            with QSignalBlocker(box):
                box.clear()
                for key, title, note in entries:
                    box.addItem(title, key)
                    box.setItemData(box.count() - 1, note, Qt.ItemDataRole.ToolTipRole)
                wanted = kept if box.findData(kept) >= 0 else fallback
                box.setCurrentIndex(max(box.findData(wanted), 0))

    def ask(self) -> None:
        """Have the chosen piece found; `found` tells. Raises UserError when there is none."""
        panel, key = self._panel, self.key
        self.give_up()
        if key == TAKE:
            subject = self.take()
            if subject is None:
                raise UserError("there is no take yet", "press Compose on the desk, or choose another piece here")
            self.found.emit(subject)
            return
        key = panel.form.style_keys[0] if key == STYLE else key
        if panel.shelf.is_unread(key):
            self._read(Path(key))
            return
        piece = panel.shelf.find(key)
        if piece is None:
            raise UserError("there is no such piece", "choose another one here")
        self._find(piece)

    def take(self) -> Subject | None:
        """The take on the desk, once it is complete."""
        panel = self._panel
        take, style = panel.takes.current, panel.shelf.find(panel.form.style_keys[0])
        if take is None or not take.done:
            return None
        return of_take(take, style.tokens if style is not None else NO_TOKENS.copy())

    def against(self, subject: Subject) -> np.ndarray:
        """Tokens of the piece whose style is told instead; another one is chosen where that is the subject's own."""
        if subject.piece and self.other.currentData() == subject.piece:
            spare = next(key for key in OTHERS if key != subject.piece)
            self.other.setCurrentIndex(max(self.other.findData(spare), 0))
        piece = self._panel.shelf.find(str(self.other.currentData() or ""))
        return piece.tokens if piece is not None else NO_TOKENS.copy()

    def open_file(self, path: Path) -> None:
        """Read a MIDI file and look at it. Raises UserError at once for what is no file, or too large a one."""
        look_at(path)
        self._read(path)

    def give_up(self) -> None:
        """Wait for no file and no melody any more."""
        if self._errand.is_out:
            self._errand.give_up()
            self.settled.emit()

    def save_state(self) -> dict[str, Any]:
        return {"source": self.source.currentData(), "other": self.other.currentData()}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take up what `save_state` said; ignore what does not fit."""
        for name, box in (("source", self.source), ("other", self.other)):
            index = box.findData(state.get(name)) if isinstance(state.get(name), str) else -1
            if index >= 0 and state[name] != FILE:
                box.setCurrentIndex(index)

    # -- inside -----------------------------------------------------------------------------------------------

    def _source_chosen(self, _: int) -> None:
        if self.key != FILE:
            self.changed.emit()
            return
        chosen, _kinds = QFileDialog.getOpenFileName(
            self.source, "A piece for the microscope", "", "MIDI files (*.mid *.midi *.kar *.rmi)"
        )
        self.source.setCurrentIndex(max(self.source.findData(self._kept), 0))
        if chosen:
            self._panel.attempt(lambda: self.open_file(Path(chosen)))

    def _remember(self, _: int) -> None:
        """What stays chosen when no file is opened after all."""
        if self.key and self.key != FILE:
            self._kept = self.key

    def _read(self, path: Path) -> None:
        self.said.emit(f"Opening {path.name} …")
        self._errand.send("piano.read", ReadSpec(path=path), partial(self._read_in, path), self._failed)
        self.settled.emit()

    def _read_in(self, path: Path, read: ReadPiece) -> None:
        piece = self._panel.shelf.keep(path, read)
        self.source.setCurrentIndex(max(self.source.findData(piece.key), 0))
        self._find(piece)

    def _failed(self) -> None:
        self.said.emit("It could not be read.")
        self.settled.emit()

    def _find(self, piece: Piece) -> None:
        """A performance in its own style and on its own melody, which may have to be looked for first."""
        if "melody" in self._panel.form.mode and piece not in self._melodies:
            self.said.emit(f"Looking for the melody of {piece.title} …")
            spec = FindSpec(seconds=LONGEST_MELODY_S)
            self._errand.send(
                "piano.find", spec, partial(self._melody_found, piece), self._failed,
                handed=opening(piece.notes, spec.seconds),
            )  # fmt: skip
            self.settled.emit()
            return
        melody = self._melodies.get(piece)
        self.found.emit(
            Subject(
                (piece.key, id(piece)), piece.title, "its own style", piece.tokens.astype(np.int64), (piece.tokens,),
                piece=piece.key, melody=encode_melody(melody) if melody is not None else NO_TOKENS.copy(),
            )
        )  # fmt: skip

    def _melody_found(self, piece: Piece, melody: Notes) -> None:
        self._melodies[piece] = melody
        for old in list(self._melodies)[:-MOST_MELODIES]:
            del self._melodies[old]
        self._find(piece)
