"""The player as the panel sees it: music by name, play, seek, loop, compare, tempo; signals at the window's pace.

Sound is rendered ahead by the engine process (`renderers`) and only copied by the sound card's callback (`transport`).
The sound card is opened by a thread of its own, because PortAudio may look for devices for a second; until it is there,
and where there is none, the playhead moves all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from engines.piano.sound.bank import RATE
from workbench.audio.feeder import music_of
from workbench.audio.hand import Hand
from workbench.audio.metronome import Metronome
from workbench.audio.midi_link import Heard, MidiLink
from workbench.audio.opening import Opener
from workbench.audio.output import Output
from workbench.audio.rendering import Rendering
from workbench.audio.sinks import open_sink
from workbench.audio.transport import Transport
from workbench.audio.wish import State

if TYPE_CHECKING:
    from engines.piano.notes import Notes
    from workbench.runner import Runner

TICK_MS: Final = 16
_IDLE_TICKS: Final = 60
SLOWEST, FASTEST = 0.5, 2.0
OFFSET_S: Final = 0.3
"""The largest correction of the playhead, either way."""


class Player(QObject):
    """Plays pieces by name, e.g. "source", "melody" and "result".

    All times are seconds of the music at tempo 1. The playhead is what is heard, not what was handed over.
    """

    position_changed = Signal(float)
    """While it plays, 60 times a second; and after a seek."""
    state_changed = Signal(str)
    """"stopped", "buffering" (rendering), "playing", "waiting" (the music is still being written)."""
    midi_lost = Signal(str)
    """The MIDI instrument is gone; why."""
    ended = Signal()
    looped = Signal(int)
    """The loop began again; how many times so far."""
    keys_changed = Signal(object)
    """Pitches that sound now, int16 [n], of audible pieces and of keys played by hand."""
    lateness_changed = Signal(int)
    """Underruns so far, the transport's and the sound card's."""
    output_changed = Signal(str, str)
    """The sound card's name, and why there is none (with the remedy)."""
    instrument_changed = Signal(str, object)
    """What plays, and remarks (a tuple of str) on why it is not a better one."""
    tempo_changed = Signal(float)
    """The new tempo is heard."""
    waits_changed = Signal(int)
    """Times that the music was not written in time, so far."""
    short_changed = Signal(float)
    """While it waits for music to be written: whole seconds of music that are missing until it goes on."""
    exported = Signal(str)
    export_failed = Signal(str)

    def __init__(
        self,
        runner: Runner | None = None,
        parent: QObject | None = None,
        *,
        opener: Opener | None = None,
        now: Callable[[], float] = time.monotonic,
        rate: int = RATE,
    ) -> None:
        super().__init__(parent)
        self._now = now
        self.transport = Transport(rate, now)
        self._rendering = Rendering(self.transport, runner, now, self)
        self._rendering.instrument_changed.connect(self.instrument_changed)
        self._rendering.exported.connect(self.exported)
        self._rendering.export_failed.connect(self.export_failed)
        self._feeder = self._rendering.feeder
        self._output = Output(self.transport, opener or partial(open_sink, now=now), now)
        self._hand = Hand(self.transport.voices, self._rendering.loaded, now)
        self._midi = MidiLink(self._heard, self)
        self._midi.lost.connect(self.midi_lost)
        self._shown_state: State = "stopped"
        self._shown_position = -1.0
        self._shown_keys = b""
        self._shown_late = self._shown_loops = self._shown_waits = 0
        self._shown_tempo = 1.0
        self._shown_short = 0.0
        self._idle = 0
        self._is_closed = False
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)

    # -- the machine

    def open(self, device: int | None = None) -> None:
        """Open the sound card (the system's usual one) and warm the engine; the panel calls it when it is shown."""
        if not self._is_closed and self._output.open(device, self._rendering.instrument):
            self._rendering.start()
            self._wake()

    def reopen(self) -> None:
        """Look for the sound card again, e.g. after one was plugged in."""
        self._output.reopen(self._rendering.instrument)
        self._wake()

    def close(self) -> None:
        """Stop and let go of the sound card, the MIDI output, the session and the timers."""
        self._is_closed = True
        self._timer.stop()
        self.transport.pause()
        self.close_midi()
        self._output.close()
        self._rendering.close()

    @property
    def output(self) -> tuple[str, str]:
        """The sound card's name, and why there is none."""
        return self._output.about

    @property
    def has_sound(self) -> bool:
        """Whether there is a sound card."""
        return self._output.has_sound

    @property
    def depth_s(self) -> float:
        """Seconds of music that wait in the sound card; more on a machine that was late."""
        return self._output.depth_s

    # -- a MIDI instrument

    def open_midi(self, name: str) -> None:
        """Play on that MIDI output too, keys played by hand as well. Raises UserError, and then the old one stays."""
        self._midi.open(name)
        self._wake()

    def close_midi(self) -> None:
        """Let go of every note and of the MIDI output."""
        self._midi.close()

    @property
    def midi(self) -> str:
        """Name of the MIDI output; empty for none."""
        return self._midi.name

    def _heard(self) -> Heard:
        is_heard = self.state == "playing" and not self.transport.has_seek_ahead
        musics = [music for name in self.audible if (music := self._feeder.music(name))]
        return self.position if is_heard else None, musics, self.loop

    # -- the music

    def set_music(self, name: str, notes: Notes) -> None:
        """Play these notes under that name; while playing, the change is heard as soon as it is rendered.

        Raises UserError for more than four hours.
        """
        self._feeder.set_music(music_of(name, notes, None))
        self._changed()

    def extend_music(self, name: str, notes: Notes, horizon_s: float) -> None:
        """Notes that are still being written, all of them so far; they are known up to `horizon_s`.

        Held notes are given with an end of at least `horizon_s`. What was known before should be given again as it
        was, then the sound goes on without a seam. Finish with `set_music`.
        """
        self._feeder.set_music(music_of(name, notes, horizon_s))
        self._changed()

    def remove_music(self, name: str) -> None:
        self._feeder.remove(name)
        self._changed()

    @property
    def duration(self) -> float:
        """Seconds of the longest piece."""
        return self._feeder.seconds

    def hear(self, gains: dict[str, float]) -> None:
        """How loud each piece is, 0 … 1; those left out are silent."""
        self.transport.set_gains(gains)
        self._changed()

    def solo(self, name: str) -> None:
        """Hear this piece alone, from the same moment on."""
        self.hear({name: 1.0})

    @property
    def audible(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.transport.wish.gains)

    # -- the transport

    def play(self) -> None:
        self._output.ensure(self._rendering.instrument)
        if not self.transport.is_wanted:
            self._output.listen()
        self.transport.play()
        self._changed()

    def pause(self) -> None:
        self.transport.pause()
        self._changed()

    def toggle(self) -> None:
        """Play or pause."""
        (self.pause if self.transport.is_wanted else self.play)()

    def stop(self) -> None:
        """Pause, and back to the start (of the loop, if there is one)."""
        self.transport.pause()
        loop = self.transport.wish.loop
        self.seek(loop[0] if loop else 0.0)

    def seek(self, seconds: float) -> None:
        self.transport.seek(min(max(seconds, 0.0), self.duration))
        self._changed()

    def nudge(self, seconds: float) -> None:
        """Go back or on from what is heard."""
        self.seek(self.position + seconds)

    @property
    def state(self) -> State:
        return "stopped" if not self.transport.is_wanted else self.transport.mark.state

    @property
    def is_playing(self) -> bool:
        """Whether it plays, or waits to."""
        return self.transport.is_wanted

    @property
    def position(self) -> float:
        """Seconds of music that are heard now."""
        if self.transport.has_seek_ahead:
            return self.transport.wish.seek[1]
        mark = self.transport.mark
        heard = self.transport.clock.heard(self._now()) if mark.state == "playing" else None
        return mark.position if heard is None else heard

    def set_loop(self, loop: tuple[float, float] | None) -> None:
        """Repeat between two moments; None plays on. While paused outside of it the playhead goes to its start."""
        self.transport.set_loop(loop)
        kept = self.transport.wish.loop
        if kept is not None and not self.transport.is_wanted and not kept[0] <= self.position < kept[1]:
            self.transport.seek(kept[0])
        self._changed()

    @property
    def loop(self) -> tuple[float, float] | None:
        return self.transport.wish.loop

    def set_tempo(self, tempo: float) -> None:
        """0.5 … 2 times as fast, at the same pitch; heard from the same moment on once it is rendered."""
        self._feeder.set_tempo(float(np.clip(tempo, SLOWEST, FASTEST)))
        self._changed()

    @property
    def tempo(self) -> float:
        """The wished tempo."""
        return self._feeder.tempo

    def set_volume(self, volume: float) -> None:
        """0 … 1."""
        self.transport.set_volume(volume)
        self._wake()

    def set_metronome(self, metronome: Metronome | None) -> None:
        self.transport.set_metronome(metronome)
        self._wake()

    def set_offset(self, seconds: float) -> None:
        """Move the playhead against the sound, within 0.3 s; positive where sound comes late (Bluetooth)."""
        self.transport.clock.offset_s = float(np.clip(seconds, -OFFSET_S, OFFSET_S))

    def set_instrument(self, name: str) -> None:
        """A SoundFont's path, "TimGM6mb", "built-in", or "" for the best there is; renders all anew."""
        if self._rendering.set_instrument(name):
            self._changed()

    @property
    def instrument(self) -> str:
        """The wished instrument."""
        return self._rendering.instrument

    # -- keys played by hand

    def press(self, pitch: int, velocity: int = 80) -> None:
        """A key goes down; it sounds with the next block, whatever else plays."""
        if not 0 <= pitch <= 127 or velocity < 1:
            return
        self._output.ensure(self._rendering.instrument)
        velocity = min(velocity, 127)
        self._hand.press(pitch, velocity)
        self._midi.press(pitch, velocity)
        self._wake()

    def release(self, pitch: int) -> None:
        """The key goes up."""
        self._hand.release(pitch)
        self._midi.release(pitch)
        self._wake()

    def release_all(self) -> None:
        for pitch in self._hand.pitches:
            self.release(pitch)
        self._hand.release_all()
        self._wake()

    # -- files

    def export(
        self, path: Path, name: str, *, begin_s: float = 0.0, end_s: float | None = None, bits: Literal[16, 24] = 16
    ) -> None:
        """Write a piece, or a part, as a WAV file at the present tempo; `exported` or `export_failed` tells.

        Raises UserError where there is no such piece.
        """
        self._rendering.export(path, name, begin_s, end_s, bits)
        self._wake()

    # -- inside

    def _changed(self) -> None:
        self._wake()
        self._show()

    def _wake(self) -> None:
        self._idle = 0
        if self._is_closed:
            return
        if not self._timer.isActive():
            self._timer.start()
        self._midi.wake()

    def tick(self) -> None:
        """What is due: the silent clock, rendering, and what the window shows."""
        if self._output.tick():
            self.output_changed.emit(*self._output.about)
        is_busy = self._rendering.feed()
        self._hand.hold()
        self._show()
        is_needed = is_busy or self.transport.is_wanted or bool(self._hand.pitches) or self.transport.voices.count > 0
        self._idle = 0 if is_needed or self._output.is_opening else self._idle + 1
        if self._idle > _IDLE_TICKS:
            self._timer.stop()
            self._midi.rest()

    # -- what is shown

    def _show(self) -> None:
        mark = self.transport.mark
        if mark.state == "ended" and not self.transport.is_wanted and self.transport.wish.run:
            self.transport.pause()
            self.ended.emit()
        state = self.state
        if state != self._shown_state:
            self._shown_state = state
            self.state_changed.emit(state)
        position = self.position
        if position != self._shown_position:
            self._shown_position = position
            self.position_changed.emit(position)
        if mark.loops != self._shown_loops:
            self._shown_loops = mark.loops
            self.looped.emit(mark.loops)
        if mark.tempo != self._shown_tempo:
            self._shown_tempo = mark.tempo
            self.tempo_changed.emit(mark.tempo)
        late = self.lateness
        if late != self._shown_late:
            self._shown_late = late
            self.lateness_changed.emit(late)
        if mark.waits != self._shown_waits:
            self._shown_waits = mark.waits
            self.waits_changed.emit(mark.waits)
        if self.short_s != self._shown_short:
            self._shown_short = self.short_s
            self.short_changed.emit(self._shown_short)
        keys = self.keys_at(position) if state == "playing" else self.keys_at(None)
        if keys.tobytes() != self._shown_keys:
            self._shown_keys = keys.tobytes()
            self.keys_changed.emit(keys)

    @property
    def lateness(self) -> int:
        """Times that sound was not there in time."""
        return self.transport.mark.underruns + self._output.late

    @property
    def short_s(self) -> float:
        """Whole seconds of music that have to be written until it goes on; 0 while it does not wait for that."""
        return float(np.ceil(self.transport.mark.short_s)) if self.state == "waiting" else 0.0

    def keys_at(self, seconds: float | None) -> np.ndarray:
        """Pitches that sound at that moment in audible pieces, and keys held by hand; int16, sorted."""
        found = [np.array(self._hand.pitches, np.int16)]
        if seconds is not None:
            found += [music.keys_at(seconds) for name in self.audible if (music := self._feeder.music(name))]
        return np.unique(np.concatenate(found)).astype(np.int16)
