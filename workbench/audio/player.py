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

from engines.core.errors import UserError
from engines.piano.sound.bank import RATE, placed
from engines.piano.sound.mixing import loudness
from engines.piano.sound.requests import StretchAnswer
from workbench.audio.exports import Exports
from workbench.audio.feeder import Feeder, Stretch, music_of
from workbench.audio.metronome import Metronome
from workbench.audio.opening import Opener, Opening
from workbench.audio.renderers import BUDGET_S, HURRY_S, LaneRenderer, LocalRenderer
from workbench.audio.sinks import SilentSink, Sink, open_sink
from workbench.audio.transport import State, Transport

if TYPE_CHECKING:
    from engines.piano.notes import Notes
    from workbench.runner import Runner

TICK_MS: Final = 16
_IDLE_TICKS: Final = 60
_LANE_PATIENCE_S: Final = 0.08
"""What somebody is about to hear is rendered by the window when the engine process takes longer."""
_PRESSED_S: Final = 0.9
"""Of a key's tone so much is computed before it sounds (4 ms); more while it is held, at most …"""
_HELD_S: Final = 8.0
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
        self._opener = opener or partial(open_sink, now=now)
        self.transport = Transport(rate, now)
        self._feeder = Feeder(self.transport)
        self._local = LocalRenderer()
        self._lane = LaneRenderer(runner, self._rendered, now) if runner is not None else None
        self._instrument = ""
        self._shown_instrument: tuple[str, tuple[str, ...]] = ("", ())
        self._sink: Sink | None = None
        self._opening: Opening | None = None
        self._device: int | None = None
        self._exports = Exports(self._feeder)
        self._held: dict[int, tuple[int, float, float]] = {}
        """Keys pressed by hand: velocity, since when, and how much of the tone was given."""
        self._shown_state: State = "stopped"
        self._shown_position = -1.0
        self._shown_keys = b""
        self._shown_late = self._shown_loops = 0
        self._shown_tempo = 1.0
        self._idle = 0
        self._is_closed = False
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)

    # -- the machine

    def open(self, device: int | None = None) -> None:
        """Open the sound card (the system's usual one) and warm the engine; the panel calls it when it is shown."""
        if self._is_closed or self._opening is not None or (self._sink is not None and device == self._device):
            return
        self._device = device
        if self._sink is None:
            self._sink = SilentSink("", self.transport.rate, self._now)
            self._sink.start(self.transport.fill)
        self._opening = Opening(self._opener, self.transport, self._device, self._instrument)
        if self._lane is not None:
            self._lane.start()
        self._wake()

    def reopen(self) -> None:
        """Look for the sound card again, e.g. after one was plugged in."""
        self._sink_off()
        self.open(self._device)

    def close(self) -> None:
        """Stop and let go of the sound card, the session and the timer."""
        self._is_closed = True
        self._timer.stop()
        self.transport.pause()
        if self._opening is not None:
            self._opening.abandon()
            self._opening = None
        self._sink_off()
        if self._lane is not None:
            self._lane.close()

    @property
    def output(self) -> tuple[str, str]:
        """The sound card's name, and why there is none."""
        return ("", "") if self._sink is None else (self._sink.name, self._sink.reason)

    @property
    def has_sound(self) -> bool:
        """Whether there is a sound card."""
        return self._sink is not None and not self._sink.is_silent

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
        self._ensure_open()
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
        if name != self._instrument:
            self._instrument = name
            self._shown_instrument = ("", ())
            self._feeder.forget_samples()
            self._changed()

    @property
    def instrument(self) -> str:
        """The wished instrument."""
        return self._instrument

    # -- keys played by hand

    def press(self, pitch: int, velocity: int = 80) -> None:
        """A key goes down; it sounds with the next block, whatever else plays."""
        if not 0 <= pitch <= 127 or velocity < 1:
            return
        self._ensure_open()
        player = self._local.chosen(self._instrument).instrument
        tone = player.tone(pitch, min(velocity, 127), int(_PRESSED_S * self.transport.rate))
        gain = loudness(np.array([min(velocity, 127)]))[0] * (
            placed(pitch) if len(tone) == 1 else np.ones(2, np.float32)
        )
        self.transport.voices.press(pitch, tone, gain, player.release_s)
        self._held[pitch] = min(velocity, 127), self._now(), _PRESSED_S
        self._wake()

    def release(self, pitch: int) -> None:
        """The key goes up."""
        self._held.pop(pitch, None)
        self.transport.voices.release(pitch)
        self._wake()

    def release_all(self) -> None:
        self._held.clear()
        self.transport.voices.release_all()
        self._wake()

    def _hold_keys(self) -> None:
        """More of the tones of keys that are held long, one key a tick."""
        for pitch, (velocity, since, given) in self._held.items():
            if given < _HELD_S and self._now() - since > given / 2:
                longer = min(2 * given, _HELD_S)
                player = self._local.chosen(self._instrument).instrument
                self.transport.voices.lengthen(pitch, player.tone(pitch, velocity, int(longer * self.transport.rate)))
                self._held[pitch] = velocity, since, longer
                return

    # -- files

    def export(
        self, path: Path, name: str, *, begin_s: float = 0.0, end_s: float | None = None, bits: Literal[16, 24] = 16
    ) -> None:
        """Write a piece, or a part, as a WAV file at the present tempo; `exported` or `export_failed` tells.

        Raises UserError where there is no such piece.
        """
        self._exports.add(path, name, begin_s, end_s, bits)
        self._wake()

    # -- inside

    def _ensure_open(self) -> None:
        if self._sink is None:
            self.open(self._device)

    def _sink_off(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.stop()
        self.transport.clock.reset()

    def _changed(self) -> None:
        self._wake()
        self._show()

    def _wake(self) -> None:
        self._idle = 0
        if not self._timer.isActive() and not self._is_closed:
            self._timer.start()

    def tick(self) -> None:
        """What is due: the silent clock, rendering, and what the window shows."""
        self._take_sink()
        if self._sink is not None:
            self._sink.tick()
        is_busy = self._feed()
        self._hold_keys()
        self._show()
        is_needed = is_busy or self.transport.is_wanted or bool(self._held) or self.transport.voices.count > 0
        self._idle = 0 if is_needed or self._opening is not None else self._idle + 1
        if self._idle > _IDLE_TICKS:
            self._timer.stop()

    def _take_sink(self) -> None:
        """Change over to the sound card once it is open, and to silence when it is gone."""
        if self._opening is not None and self._opening.is_done:
            opened, self._opening = self._opening.sink, None
            assert opened is not None
            if self._sink is not None:
                self._sink.stop()
            self.transport.clock.reset()
            opened.go()
            self._sink = opened.sink
            self.output_changed.emit(self._sink.name, self._sink.reason)
        elif self._sink is not None and self._opening is None and not self._sink.is_alive:
            self._sink_off()
            gone = "The sound card stopped (it may have been unplugged; choose Reconnect)"
            self._sink = SilentSink(gone, self.transport.rate, self._now)
            self._sink.start(self.transport.fill)
            self.output_changed.emit(self._sink.name, gone)

    def _feed(self) -> bool:
        """Have rendered what is missing; whether anything is."""
        wanted = self._feeder.next()
        lane = self._lane
        if lane is not None:
            lane.start()
            if lane.can_ask and self._exports:
                try:
                    lane.ask_file(self._exports.next(lane.next_ticket(), self._instrument))
                except UserError as error:
                    self.export_failed.emit(str(error))
            elif lane.can_ask and wanted is not None:
                lane.ask(wanted, self.transport.rate, self._instrument)
            waiting = lane.waiting_s
            is_awaited = self.transport.is_wanted and self.transport.mark.state == "buffering"
            is_late = is_awaited or waiting is None or waiting > _LANE_PATIENCE_S
            if not (wanted is not None and wanted.is_urgent and is_late):
                return wanted is not None or waiting is not None or bool(self._exports)
        elif self._exports:
            self._rendered(None, self._exports.write_here(self._instrument))
        if wanted is not None:
            self._local.work(self._feeder.next, self._instrument, HURRY_S if wanted.is_urgent else BUDGET_S)
            self._show_instrument(*self._chosen_here())
            self._feeder.trim()
        return wanted is not None or bool(self._exports)

    def _chosen_here(self) -> tuple[str, tuple[str, ...]]:
        chosen = self._local.chosen(self._instrument)
        return chosen.instrument.name, chosen.remarks

    def _rendered(self, stretch: Stretch | None, answer: StretchAnswer) -> None:
        """The engine process answered."""
        if stretch is None:
            if answer.problem:
                self.export_failed.emit(answer.problem)
            else:
                self.exported.emit(answer.written)
        elif len(answer.samples) or answer.problem:
            samples = answer.samples
            if answer.problem:
                samples = np.zeros((stretch.end - stretch.begin, 2), np.float32)
            stretch.track.put(stretch.begin, samples)
            if self._lane is not None:
                self._feeder.took(stretch, self._lane.last_s)
            self._feeder.trim()
        self._show_instrument(answer.instrument, answer.remarks)
        self._feed()

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
        keys = self.keys_at(position) if state == "playing" else self.keys_at(None)
        if keys.tobytes() != self._shown_keys:
            self._shown_keys = keys.tobytes()
            self.keys_changed.emit(keys)

    @property
    def lateness(self) -> int:
        """Times that sound was not there in time."""
        return self.transport.mark.underruns + (self._sink.late if self._sink is not None else 0)

    def keys_at(self, seconds: float | None) -> np.ndarray:
        """Pitches that sound at that moment in audible pieces, and keys held by hand; int16, sorted."""
        found = [np.array(sorted(self._held), np.int16)]
        if seconds is not None:
            found += [music.keys_at(seconds) for name in self.audible if (music := self._feeder.music(name))]
        return np.unique(np.concatenate(found)).astype(np.int16)

    def _show_instrument(self, name: str, remarks: tuple[str, ...]) -> None:
        if name and (name, remarks) != self._shown_instrument:
            self._shown_instrument = (name, remarks)
            self.instrument_changed.emit(name, remarks)
