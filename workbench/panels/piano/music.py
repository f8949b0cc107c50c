"""What is on the desk: two styles and a melody. Files are read and melodies found by the engine, so nothing waits."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from PySide6.QtCore import QObject, QTimer, Signal

from engines.piano.desk import MELODY_S, ReadPiece, lone_voice, opening
from engines.piano.notes import Notes
from engines.piano.spec import FindSpec, ReadSpec
from workbench.panels.piano.errand import Errand
from workbench.panels.piano.pieces import DRAWN, Piece, look_at
from workbench.panels.piano.settings import NONE, OF_STYLE

if TYPE_CHECKING:
    from PySide6.QtWidgets import QComboBox

    from workbench.panels.piano.panel import PianoPanel

Slot = Literal["style", "second", "melody"]
SLOTS: Final[tuple[Slot, ...]] = ("style", "second", "melody")
PATIENCE_MS: Final = 400
"""What takes longer to open is said above the work, with a way to stop it."""
FIRST: Final[dict[Slot, str]] = {"style": "library/ballad", "second": "", "melody": NONE}
"""What stands in a slot whose file cannot be read and that held nothing before."""


class Music(QObject):
    """melody: what is composed around, None for none. drawn: the same, if the user has edited it.

    took(path), refused(path): a file that was to be opened is on the desk, or is not and changed nothing.
    settled(): nothing that is chosen is awaited any more.
    """

    took = Signal(object)
    refused = Signal(object)
    settled = Signal()

    def __init__(self, panel: PianoPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self.melody: Notes | None = None
        self.drawn: Notes | None = None
        self._readers = {slot: Errand(panel) for slot in SLOTS}
        self._reading: dict[Slot, Path] = {}
        self._finder = Errand(panel)
        self._found: dict[str, Notes] = {}
        self._chosen: dict[Slot, str] = {}
        self._shown: dict[Slot, Piece | None] = {}
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._say_it_takes_time)
        panel.form.styles_changed.connect(self._styles_chosen)
        panel.form.melody_changed.connect(self.choose_melody)
        panel.form.melody_chosen_again.connect(lambda: self.choose_melody() if self.drawn is not None else None)

    # -- what is asked for ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Show what the form says to begin with."""
        self._styles_chosen()
        self.choose_melody()

    def open(self, slot: Slot, path: Path) -> None:
        """Read a file and choose it. Raises UserError at once for what is no file, or too large a one."""
        look_at(path)
        self._read(slot, path)

    @property
    def is_awaited(self) -> bool:
        """Whether something that is chosen is not there yet."""
        return self._finder.is_out or any(self._panel.shelf.is_unread(self._key(slot)) for slot in SLOTS)

    def stop(self) -> None:
        """Give up what is being read or looked for; a slot whose file is not read shows what it held before."""
        for slot in list(self._reading):
            self._readers[slot].give_up()
            self._not_read(slot, self._reading[slot])
        if self._finder.is_out:
            self._finder.give_up()
            self._no_melody()
        self._settle()

    def close(self) -> None:
        """The window goes."""
        self._patience.stop()
        for errand in (*self._readers.values(), self._finder):
            errand.give_up()

    def draw(self, notes: Notes) -> None:
        """The user has edited the melody."""
        self.melody = self.drawn = notes
        self._panel.desk.boxes["melody"].say("edited")

    # -- what is chosen ---------------------------------------------------------------------------------------

    def _box(self, slot: Slot) -> QComboBox:
        form = self._panel.form
        return {"style": form.style_a, "second": form.style_b, "melody": form.melody}[slot]

    def _key(self, slot: Slot) -> str:
        return str(self._box(slot).currentData() or "")

    def _styles_chosen(self) -> None:
        for slot in ("style", "second"):
            self._choose(slot)

    def choose_melody(self) -> None:
        """Another melody was chosen; what was drawn is kept on the list."""
        drawn, self.drawn = self.drawn, None
        if drawn is not None and len(drawn):
            self._panel.shelf.add_played(drawn, DRAWN)
        self._choose("melody")

    def _choose(self, slot: Slot) -> None:
        key, shelf = self._key(slot), self._panel.shelf
        path = self._reading.get(slot)
        if path is not None and str(path) != key and key != self._chosen.get(slot):
            self._give_up(slot)  # the user has made another choice meanwhile
        self._chosen[slot] = key
        if not shelf.is_unread(key):
            self._show(slot)
        elif slot not in self._reading:
            self._read(slot, Path(key))

    def _show(self, slot: Slot) -> None:
        desk = self._panel.desk
        if slot == "melody":
            self._show_melody()
        elif slot == "style":
            piece = self._panel.shelf.find(self._key(slot))
            if slot not in self._shown or piece is not self._shown[slot]:
                self._shown[slot] = piece
                if piece is None:
                    desk.show_piece("style", None, "")
                else:
                    desk.show_piece("style", piece.notes, "", piece.sounding)
            self._say(slot)
        else:
            self._shown[slot] = self._panel.shelf.find(self._key(slot))

    def _show_melody(self) -> None:
        """Put the melody on the desk, or have it looked for."""
        if self.drawn is not None:
            return
        self._finder.give_up()
        key, shelf = self._key("melody"), self._panel.shelf
        of = self._key("style") if key == OF_STYLE else key
        piece = shelf.find(of) if key != NONE else None
        self._shown["melody"] = shelf.find(key)
        known = None if piece is None else self._known_melody(piece)
        self.melody = known
        self._panel.desk.show_piece("melody", known, "")
        if piece is not None and known is None:
            spec = FindSpec()
            self._finder.send(
                "piano.find", spec, partial(self._melody_found, piece), self._no_melody,
                handed=opening(piece.notes, spec.seconds),
            )  # fmt: skip
        self._say("melody")
        self._settle()

    def _known_melody(self, piece: Piece) -> Notes | None:
        if piece.key not in self._found:
            alone = lone_voice(piece.notes)
            if alone is None:
                return None
            self._found[piece.key] = alone
        return self._found[piece.key]

    def _melody_found(self, piece: Piece, melody: Notes) -> None:
        self._found[piece.key] = melody
        self._show_melody()

    def _no_melody(self) -> None:
        """It cannot be looked for, or shall not be."""
        self._panel.form.choose(self._panel.form.melody, NONE)

    # -- files ------------------------------------------------------------------------------------------------

    def _read(self, slot: Slot, path: Path) -> None:
        self._give_up(slot)
        self._reading[slot] = path
        self._readers[slot].send(
            "piano.read", ReadSpec(path=path), partial(self._read_in, slot, path), partial(self._not_read, slot, path)
        )
        self._say(slot)
        self._patience.start()

    def _give_up(self, slot: Slot) -> None:
        """Another file is opened, or another piece chosen, before this one was read."""
        path = self._reading.pop(slot, None)
        if path is not None:
            self._readers[slot].give_up()
            self._quiet()
            self.refused.emit(path)

    def _read_in(self, slot: Slot, path: Path, read: ReadPiece) -> None:
        self._reading.pop(slot, None)
        self._found.pop(str(path), None)
        piece = self._panel.shelf.keep(path, read)
        self._panel.form.choose(self._box(slot), piece.key)
        for other in SLOTS:  # the same file may stand elsewhere, and be another than when it was read last
            if self._key(other) == piece.key or (other == "melody" and self._key(other) == OF_STYLE):
                self._show(other)
        self._quiet()
        self.took.emit(path)
        self._settle()

    def _not_read(self, slot: Slot, path: Path) -> None:
        """It cannot be read, or was given up: what stood there before stands there again."""
        self._reading.pop(slot, None)
        form, shelf = self._panel.form, self._panel.shelf
        if self._key(slot) == str(path) and shelf.is_unread(str(path)):
            before = self._shown.get(slot)
            kept = before.key if before is not None else FIRST[slot]
            if not form.choose(self._box(slot), kept):
                form.choose(self._box(slot), FIRST[slot])
            if not any(self._key(other) == str(path) for other in SLOTS):
                shelf.forget(str(path))
        self._say(slot)
        self._quiet()
        self.refused.emit(path)
        self._settle()

    def _settle(self) -> None:
        if not self.is_awaited:
            self.settled.emit()

    # -- in words ---------------------------------------------------------------------------------------------

    def _say(self, slot: Slot) -> None:
        """The line beside the roll's heading."""
        if slot == "second":
            return
        box, path = self._panel.desk.boxes[slot], self._reading.get(slot)
        if path is not None:
            box.say(f"Opening {path.name} …")
        elif slot == "style":
            piece = self._shown.get("style")
            box.say("" if piece is None else f"{piece.title}: {piece.note}")
        else:
            box.say(self._melody_in_words())

    def _melody_in_words(self) -> str:
        key, shelf = self._key("melody"), self._panel.shelf
        piece = shelf.find(self._key("style") if key == OF_STYLE else key) if key != NONE else None
        if self.drawn is not None:
            return "edited"
        if piece is None:
            return ""
        if self._finder.is_out:
            return f"looking for the melody of {piece.title} …"
        if self.melody is not None and not len(self.melody):
            return f"none was found in {piece.title}"
        if key != OF_STYLE and self.melody is not None and len(self.melody) == len(piece.notes):
            return piece.title
        limit = MELODY_S if lone_voice(piece.notes) is not None else FindSpec().seconds
        cut = f", of its first {limit / 60:.0f} minutes" if piece.notes.duration > limit else ""
        return f"found in {piece.title}{cut}"

    def _say_it_takes_time(self) -> None:
        for path in self._reading.values():
            self._panel.show_message(f"Opening {path.name} …", "info", "", ("Stop", self.stop), cause="opening")

    def _quiet(self) -> None:
        if not self._reading:
            self._patience.stop()
            self._panel.messages.withdraw("opening")
