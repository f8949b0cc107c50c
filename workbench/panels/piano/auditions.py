"""Music beside the desk's, heard through its player while a tab is in front; afterwards the desk is heard as before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from engines.piano.notes import Notes
    from workbench.panels.piano.panel import PianoPanel


class Auditions(QObject):
    """Pieces of one tab by name. changed(): another one is heard, it plays or pauses, or the moment has moved."""

    changed = Signal()

    def __init__(self, panel: PianoPanel, prefix: str) -> None:
        super().__init__(panel)
        self._panel, self._player, self._prefix = panel, panel.player, prefix
        self._given: dict[str, Notes] = {}
        self._was_asked = False
        self._return_to = 0.0
        self._player.position_changed.connect(self._moved)
        self._player.state_changed.connect(self._moved)

    @property
    def heard(self) -> str:
        """The piece that the player is set to, "" while that is none of these."""
        found = self._player.audible
        own = len(found) == 1 and found[0].startswith(f"{self._prefix}-")
        return found[0].removeprefix(f"{self._prefix}-") if own else ""

    @property
    def is_playing(self) -> bool:
        return bool(self.heard) and self._player.is_playing

    @property
    def position(self) -> float:
        """Seconds into what is heard."""
        return self._player.position

    def put(self, name: str, notes: Notes) -> None:
        """A complete piece."""
        if self._given.get(name) is not notes:
            self._given[name] = notes
            self._player.set_music(self._key(name), notes)

    def extend(self, name: str, notes: Notes, horizon_s: float) -> None:
        """A piece that is still being written, known up to `horizon_s`; finish with `put`."""
        self._given[name] = notes
        self._player.extend_music(self._key(name), notes, horizon_s)

    def hear(self, name: str, *, gain: float = 1.0, keep_moment: bool = False) -> None:
        """Play a piece alone, from its beginning or from the moment that is heard."""
        if not self._was_asked:
            self._was_asked = True
            self._return_to = self._player.position
            self._player.set_loop(None)  # a loop of the desk's means nothing here
        keep_moment = keep_moment and bool(self.heard)
        self._player.hear({self._key(name): gain})
        if not keep_moment:
            self._player.seek(0.0)
        self._player.play()
        self.changed.emit()

    def set_gain(self, name: str, gain: float) -> None:
        """How loud the piece that is heard is."""
        if self.heard == name:
            self._player.hear({self._key(name): gain})

    def toggle(self) -> None:
        """Pause what is heard, or go on."""
        if self.heard:
            self._player.toggle()
            self.changed.emit()

    def pause(self) -> None:
        if self.is_playing:
            self._player.pause()
            self.changed.emit()

    def leave(self) -> None:
        """Take the pieces back; the player is the desk's again, paused if one of these was heard."""
        bar = self._panel.desk.bar
        if self.heard:
            self._player.pause()
            if bar.audible:
                bar.hear(bar.audible)
            else:
                self._player.hear({})
            self._player.seek(self._return_to)
        if self._was_asked:
            self._was_asked = False
            self._player.set_loop(self._panel.desk.timeline.loop)
        for name in self._given:
            self._player.remove_music(self._key(name))
        self._given.clear()

    def _key(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _moved(self, *_: object) -> None:
        if self.heard:
            self.changed.emit()
