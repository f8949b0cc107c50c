"""Plays the music on a MIDI instrument: notes go out when their moment is heard, and none is left hanging.

Optional (extra "midi-io"). The audio clock is the master: what is sent is what the playhead has just passed, so that
the instrument and the sound card play together. The pedal is already in the ends of the notes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np

from engines.core.errors import UserError
from workbench.audio.feeder import Music
from workbench.audio.midi_keyboard import midi_backend

log = logging.getLogger(__name__)

CHANNEL: Final = 0
_ALL_NOTES_OFF: Final = 123
_GRACE_S: Final = 0.05
"""Where playing begins, and after a jump, notes that began so shortly before are struck too."""
_JUMP_S: Final = 0.5
"""A playhead that moved on by more than this has jumped."""


def outputs() -> tuple[str, ...]:
    """Names of the connected outputs. Raises UserError where MIDI is not installed or cannot be asked."""
    backend = midi_backend()
    try:
        return tuple(dict.fromkeys(backend.get_output_names()))
    except Exception as error:
        # rtmidi's errors can only be named once it is loaded.
        raise UserError(f"MIDI outputs cannot be listed: {error}", "look at the system's MIDI settings") from error


def open_output(name: str) -> MidiOut:
    """The output of that name. Raises UserError where there is none."""
    if name not in outputs():
        raise UserError(f"the MIDI output {name!r} is not connected", "connect it, or choose another one")
    try:
        port = midi_backend().open_output(name)
    except Exception as error:  # As in `outputs`.
        raise UserError(f"{name} cannot be opened: {error}", "close other programs that use it") from error
    return MidiOut(name, port)


class MidiOut:
    """One open output. `follow` is called often while it plays.

    lost: called with the reason once the port fails; nothing is sent any more.
    """

    def __init__(self, name: str, port: Any, lost: Callable[[str], None] | None = None) -> None:
        from mido import Message

        self.name = name
        self.lost = lost
        self._port: Any = port
        self._message = Message
        self._sounding: set[int] = set()
        """Pitches that the music holds."""
        self._pressed: set[int] = set()
        self._at: float | None = None
        self._of: tuple[Music, ...] = ()

    @property
    def is_open(self) -> bool:
        return self._port is not None

    # -- the music

    def follow(self, position: float | None, musics: Iterable[Music], loop: tuple[float, float] | None = None) -> None:
        """The playhead is at `position` seconds of these pieces; None while nothing is heard.

        Notes that it passed since the last call are sent. After a jump back or far on, after a change of the pieces and
        while nothing is heard, every note of the music is let go.
        """
        if not self.is_open:
            return
        of = tuple(musics)
        if position is None or not of:
            if self._at is not None:
                self._at = None
                self.hush()
            return
        names = tuple(music.name for music in of)
        has_jumped = self._at is None or not self._at <= position <= self._at + _JUMP_S
        if has_jumped or names != tuple(music.name for music in self._of):
            if self._at is not None:
                self.hush()
            begin = position - _GRACE_S
            if loop is not None and loop[0] <= position:
                begin = max(begin, loop[0])
            self._at = max(begin, 0.0)
        assert self._at is not None
        self._of = of
        self._send_between(self._at, position, of)
        self._at = position

    def _send_between(self, begin: float, end: float, musics: tuple[Music, ...]) -> None:
        """Let go of what sounds no more at `end`; then strike the notes that start in [begin, end), in order.

        One that also ends within these milliseconds is let go next time, or it would not sound at all. Ends are looked
        up anew each time, because music that is being written knows them later.
        """
        still = {int(pitch) for music in musics for pitch in music.keys_at(end)}
        for pitch in sorted(self._sounding - still):
            self._off(pitch)
        due = []
        for music in musics:
            first, last = (int(i) for i in np.searchsorted(music.start, (begin, end)))
            columns = (music.start[first:last], music.pitch[first:last], music.velocity[first:last])
            due += list(zip(*(column.tolist() for column in columns), strict=True))
        for _, pitch, velocity in sorted(due):
            if pitch in self._sounding or pitch in self._pressed:
                # An instrument has one string for each key: it is struck anew, and is the music's from now on.
                self._sounding.discard(pitch)
                self._pressed.discard(pitch)
                self._send("note_off", note=pitch)
            self._send("note_on", note=pitch, velocity=min(max(velocity, 1), 127))
            self._sounding.add(pitch)

    def _off(self, pitch: int) -> None:
        self._sounding.discard(pitch)
        self._send("note_off", note=pitch)

    def hush(self) -> None:
        """Let go of every note, those of keys pressed by hand too."""
        for pitch in sorted({*self._sounding, *self._pressed}):
            self._send("note_off", note=pitch)
        self._sounding.clear()
        self._pressed.clear()
        self._send("control_change", control=_ALL_NOTES_OFF, value=0)

    # -- keys played by hand

    def press(self, pitch: int, velocity: int) -> None:
        """A key goes down, whatever else plays."""
        if pitch in self._pressed or pitch in self._sounding:
            self._send("note_off", note=pitch)
        self._sounding.discard(pitch)
        self._pressed.add(pitch)
        self._send("note_on", note=pitch, velocity=velocity)

    def release(self, pitch: int) -> None:
        """The key goes up; nothing happens where it is not down."""
        if pitch in self._pressed:
            self._pressed.discard(pitch)
            self._send("note_off", note=pitch)

    def close(self) -> None:
        """Let go of all and of the output."""
        if self.is_open:
            self.hush()
        port, self._port = self._port, None
        _close(port)

    def _send(self, kind: str, **values: int) -> None:
        if self._port is None:
            return
        try:
            self._port.send(self._message(kind, channel=CHANNEL, **values))
        except Exception as error:  # noqa: BLE001 - as in `outputs`; it was unplugged
            port, self._port = self._port, None
            _close(port)
            self._sounding.clear()
            self._pressed.clear()
            if self.lost is not None:
                self.lost(str(error) or type(error).__name__)


def _close(port: Any) -> None:
    """Close what may be gone already."""
    if port is None:
        return
    try:
        port.close()
    except Exception:
        log.debug("a MIDI output could not be closed", exc_info=True)
