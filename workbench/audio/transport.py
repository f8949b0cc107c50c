"""What the sound card calls: play, pause, seek, loop, compare, and never wait for anything.

The window changes one immutable `Wish` by assigning it; the callback reads it once a block, and assigns one immutable
`Mark` of where it is. There is no lock, no allocation beyond a block's arrays, no logging and no exception that could
be avoided. Every jump (seek, loop, pause, other tracks, other tempo) is a fade of 5 ms between what would have come and
what comes instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from workbench.audio.clock import Clock, Piece
from workbench.audio.deck import FADE_S as FADE_S
from workbench.audio.deck import Deck
from workbench.audio.live import Voices
from workbench.audio.metronome import Metronome
from workbench.audio.tracks import ENDLESS, Program, Track
from workbench.audio.wish import Gains, Mark, State, Wish

SHORTEST_LOOP_S: Final = 0.05
AHEAD_S: Final = 2.0
"""Music still being written starts once so much of it is there, twice as much after each wait …"""
_DOUBLINGS: Final = 2
BEHIND_S: Final = 0.2
"""… and waits when less is left."""
FRESH_S: Final = 0.5
"""What was written so shortly before it is due need not be rendered yet: then the writing was late."""
START_S: Final = 0.15
"""So much has to be rendered before it starts …"""
CUSHION_S: Final = 0.5
"""… and before it goes on after an underrun: that machine is slow."""


class Transport:
    """Plays the tracks of a program. Methods are for one thread (the window's), `fill` for the sound card's.

    rate: frames a second. now: the clock that the callback's moments are measured with.
    """

    def __init__(self, rate: int = 44_100, now: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.clock = Clock(rate)
        self.voices = Voices(rate)
        self._now = now
        program = Program(rate)
        self._wish = Wish(program)
        self._head = Deck(rate, program)
        self._mark = Mark()
        self._runs = 0
        self._play_at = 0.0
        self._pieces: list[Piece] = []

    # -- for the window

    @property
    def mark(self) -> Mark:
        """Where the callback is, as of its last block."""
        return self._mark

    @property
    def wish(self) -> Wish:
        return self._wish

    @property
    def current(self) -> Program:
        """The program that is being played; for a moment still the one before the wished one."""
        return self._head.program

    @property
    def is_wanted(self) -> bool:
        """Whether it plays, or would as soon as it can."""
        return self._wish.run > 0 and self._head.ended_run != self._wish.run

    @property
    def has_seek_ahead(self) -> bool:
        """Whether the callback has not yet obeyed the last `seek`."""
        return self._wish.seek[0] != self._head.seen_seek

    def play(self) -> None:
        """Go on from where it is; from the start (or the loop's) when the end was reached."""
        if self.is_wanted:
            return
        self._runs += 1
        self._play_at = self._now()
        wish = self._wish
        if self._is_at_end():
            wish = replace(wish, seek=(wish.seek[0] + 1, wish.loop[0] if wish.loop else 0.0))
        self._wish = replace(wish, run=self._runs)

    def _is_at_end(self) -> bool:
        wish = self._wish
        place = wish.seek[1] if self.has_seek_ahead else self._mark.position
        tracks = _audible(wish.gains, wish.program)
        return bool(tracks) and all(t.complete and wish.program.frame(place) >= t.frames for t in tracks)

    def pause(self) -> None:
        self._wish = replace(self._wish, run=0)

    def seek(self, seconds: float) -> None:
        """Go to a moment of the music, playing or not."""
        self._wish = replace(self._wish, seek=(self._wish.seek[0] + 1, max(0.0, float(seconds))))

    def set_loop(self, loop: tuple[float, float] | None) -> None:
        """Repeat from `loop[0]` to `loop[1]` seconds of music; None plays on. Shorter than 50 ms is made longer."""
        if loop is not None:
            a, b = max(0.0, min(loop)), max(loop)
            loop = a, max(b, a + SHORTEST_LOOP_S)
        self._wish = replace(self._wish, loop=loop)

    def set_gains(self, gains: dict[str, float]) -> None:
        """How loud each track is (0 … 1); those left out are silent."""
        heard = tuple((name, float(np.clip(gain, 0, 1))) for name, gain in gains.items() if gain > 0)
        self._wish = replace(self._wish, gains=heard)

    def set_volume(self, volume: float) -> None:
        self._wish = replace(self._wish, volume=float(np.clip(volume, 0, 1)))

    def set_metronome(self, metronome: Metronome | None) -> None:
        self._wish = replace(self._wish, metronome=metronome)

    def set_program(self, program: Program) -> None:
        """Play other tracks, or the same at another tempo, from the same moment of the music on.

        While it plays, the change happens once the new program is rendered there; until then the old one goes on.
        """
        self._wish = replace(self._wish, program=program)

    # -- for the sound card

    def fill(self, out: np.ndarray, latency_s: float = 0.0, at: float | None = None) -> None:
        """Write the next block, float32 [n, 2]. latency_s: from now until its first frame is heard."""
        wish, head, count = self._wish, self._head, len(out)
        moment = self._now() if at is None else at
        out[:] = 0
        underruns, waits, loops = self._mark.underruns, self._mark.waits, self._mark.loops
        first_sound = self._mark.first_sound_s
        self._obey(wish, head, count)
        done, state = 0, self._state(wish, head)
        self._pieces.clear()
        while done < count and head.is_running:
            room = self._room(wish, head, count - done)
            if room <= 0:
                late = self._starve(head)
                if late == "ended":
                    head.ended_run = wish.run
                elif late == "waiting":
                    waits += 1
                    head.shortages += 1
                else:
                    underruns += 1
                state = late
                break
            start = head.position
            self._pieces.append(Piece(done, room, head.program.seconds(start), head.program.tempo))
            head.play(wish, out[done : done + room])
            state = "playing"
            if head.seen_run != wish.run:
                head.seen_run = wish.run
                first_sound = moment - self._play_at + latency_s + done / self.rate
            done += room
            if wish.loop is not None and head.position == self._loop_end(wish, head):
                head.jump(head.program, head.program.frame(wish.loop[0]))
                loops += 1
        played = done
        if done < count:
            self._pieces.append(Piece(done, count - done, head.program.seconds(head.position), 0.0))
        head.finish(wish, self.voices, out, played)
        self.clock.handed(count, moment, latency_s, tuple(self._pieces))
        self._mark = Mark(
            state,
            head.program.seconds(head.position),
            head.program.tempo,
            underruns,
            waits,
            loops,
            self._mark.blocks + 1,
            self._short_s(head) if state == "waiting" else 0.0,
            first_sound,
        )

    def _obey(self, wish: Wish, head: Deck, count: int) -> None:
        """Do what changed in the wish since the last block."""
        needed = count + 2 * head.fade
        program, target = head.program, None
        # Another program or other tracks wait until they are rendered; what plays goes on meanwhile.
        if wish.program is not program:
            place = wish.program.frame(program.seconds(head.position))
            if not head.is_running or self._ready(wish.gains, wish.program, place) >= needed:
                program, target = wish.program, place
        if wish.seek[0] != head.seen_seek:
            head.seen_seek = wish.seek[0]
            program = wish.program
            target = program.frame(wish.seek[1])
        if target is not None:
            head.jump(program, target)
        if wish.gains is not head.heard and (
            not head.is_running or target is not None or self._ready(wish.gains, head.program, head.position) >= needed
        ):
            head.heard = wish.gains
        if wish.run != head.seen_run:
            head.shortages = 0
        ready = self._ready(head.heard, head.program, head.position)
        wanted = wish.run > 0 and wish.run != head.ended_run
        if head.is_running and not wanted:
            head.stop()
        elif head.is_running and target is not None and ready < needed:
            head.is_running = False  # A jump to where nothing is rendered yet is nobody's lateness.
        elif wanted and not head.is_running and ready >= self._cushion(head, needed):
            head.is_running, head.fade_in = True, head.fade
            head.gains = dict(head.heard)
        head.is_starved = head.is_starved and wanted and not head.is_running

    def _state(self, wish: Wish, head: Deck) -> State:
        if wish.run == 0:
            return "stopped"
        if head.ended_run == wish.run:
            return "ended"
        if head.is_running:
            return "playing"
        return "waiting" if self._short_s(head) > 0 else "buffering"

    def _cushion(self, head: Deck, needed: int) -> int:
        """Frames that have to be ready before it starts."""
        if self._short_s(head) > 0:
            return ENDLESS
        is_slow = head.is_starved or self._is_being_written(head)
        return max(needed, int((CUSHION_S if is_slow else START_S) * self.rate))

    def _short_s(self, head: Deck) -> float:
        """Seconds of music that have to be written before it starts."""
        if not self._is_being_written(head):
            return 0.0
        missing = AHEAD_S * 2 ** min(head.shortages, _DOUBLINGS) - self._written(head) / self.rate
        return max(0.0, missing) * head.program.tempo

    def _written(self, head: Deck) -> int:
        """Frames from the position on that every audible track will have, once rendered."""
        tracks = _audible(head.heard, head.program)
        return min((ENDLESS if track.complete else track.frames - head.position for track in tracks), default=ENDLESS)

    def _is_being_written(self, head: Deck) -> bool:
        return any(not track.complete for track in _audible(head.heard, head.program))

    def _ready(self, gains: Gains, program: Program, position: int) -> int:
        """Frames from `position` that every audible track has."""
        return min((track.ready(position) for track in _audible(gains, program)), default=ENDLESS)

    def _loop_end(self, wish: Wish, head: Deck) -> int:
        return head.program.frame(wish.loop[1]) if wish.loop is not None else ENDLESS

    def _room(self, wish: Wish, head: Deck, count: int) -> int:
        """How many of the next `count` frames can be played in one piece; 0 when none can."""
        end = self._loop_end(wish, head)
        if head.position < end:
            count = min(count, end - head.position)
        program = head.program
        length = max((track.frames for track in _audible(head.heard, program)), default=0)
        being_written = self._is_being_written(head)
        if not being_written and (wish.loop is None or head.position >= end):
            count = min(count, max(0, length - head.position))
        ready = self._ready(head.heard, program, head.position)
        # Where samples end something is kept back to fade out with.
        return min(count, ready - (int(BEHIND_S * self.rate) if being_written else head.fade))

    def _starve(self, head: Deck) -> State:
        """Stop where nothing can be played: at the end, or because writing or rendering is late."""
        program, position = head.program, head.position
        head.stop()
        tracks = _audible(head.heard, program)
        if all(track.complete and position >= track.frames for track in tracks):
            return "ended"
        head.is_starved = True
        margin = int((BEHIND_S + FRESH_S) * self.rate)
        return "waiting" if self._written(head) <= margin else "buffering"


def _audible(gains: Gains, program: Program) -> list[Track]:
    return [program.tracks[name] for name, _ in gains if name in program.tracks]
