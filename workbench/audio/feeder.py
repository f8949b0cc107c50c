"""Keeps samples ready ahead of the playhead: says what to render next, and what may be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.core.errors import UserError
from engines.piano.sound.mixing import LONGEST_S, sounding
from workbench.audio.tracks import CHUNK, Program, Track
from workbench.audio.transport import Transport

if TYPE_CHECKING:
    from engines.piano.notes import Notes

SETTLE_S: Final = 0.05
"""Of music that is being written, so much before its end may still change."""
TAIL_S: Final = 0.8
"""Kept after the last note for its release: longer than any instrument's."""
_URGENT_S: Final = 2.0
_FIRST_S: Final = 0.5
_AHEAD_S: Final = 60.0
_OTHERS_S: Final = 8.0
_STRETCH_S: Final = (0.5, 8.0)
"""Shortest and longest stretch asked for at once …"""
_ANSWER_S: Final = 0.3
"""… so that rendering it takes about this long, however busy the machine is. What the question and the answer need on
their way does not count: it is the same for long stretches, and short ones would only ask more often."""
_MOST_FRAMES: Final = (128 << 20) // 8
_KEPT_S: Final = 70.0


@dataclass(eq=False)
class Music:
    """One piece: the columns of its notes with the pedal in their ends, and how far it is written.

    horizon_s: seconds up to which all is known. longest_s: of its notes.
    """

    name: str
    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    complete: bool
    horizon_s: float
    longest_s: float = 0.0

    @property
    def seconds(self) -> float:
        """Until its last key goes up."""
        return float(self.end.max(initial=0.0))

    def keys_at(self, seconds: float) -> np.ndarray:
        """Pitches that sound at that moment, int16 [n]."""
        first = int(np.searchsorted(self.start, seconds - self.longest_s))
        last = int(np.searchsorted(self.start, seconds, side="right"))
        return self.pitch[first:last][self.end[first:last] > seconds]


def music_of(name: str, notes: Notes, horizon_s: float | None) -> Music:
    """The piece; `horizon_s` where it is still being written: its notes that reach there are held on.

    Raises UserError for more than four hours.
    """
    start, end, pitch, velocity = sounding(notes)
    if len(end) and float(end.max()) > LONGEST_S:
        raise UserError("the music is longer than four hours", "choose a part of it")
    if horizon_s is not None:
        # When a held note ends is not known yet; what is rendered stops before it matters.
        end = np.where(end >= horizon_s - 1e-6, np.maximum(end, horizon_s + TAIL_S), end)
    longest = float((end - start).max(initial=0.0))
    complete = horizon_s is None
    return Music(name, start, end, pitch, velocity, complete, float(horizon_s or 0.0), longest)


@dataclass(frozen=True)
class Stretch:
    """What to render next: frames [begin, end) of a track; is_urgent: somebody is about to hear them."""

    track: Track
    music: Music
    tempo: float
    begin: int
    end: int
    is_urgent: bool

    def columns(self, rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Start, end, pitch and velocity of the notes that may sound there."""
        music = self.music
        a, b = (frame / rate * self.tempo for frame in (self.begin, self.end))
        first = int(np.searchsorted(music.start, a - music.longest_s - TAIL_S * self.tempo - 0.01))
        last = int(np.searchsorted(music.start, b + 0.01))
        return tuple(c[first:last] for c in (music.start, music.end, music.pitch, music.velocity))  # type: ignore[return-value]


class Feeder:
    """The pieces that can be played, as tracks of the transport's program."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.tempo = 1.0
        self._stretch_s = 1.0
        self._musics: dict[str, Music] = {}
        self._of: dict[Track, tuple[str, float]] = {}

    @property
    def seconds(self) -> float:
        """Length of the longest piece."""
        return max((m.seconds if m.complete else m.horizon_s for m in self._musics.values()), default=0.0)

    def music(self, name: str) -> Music | None:
        return self._musics.get(name)

    def set_music(self, music: Music) -> None:
        """Play this under its name from now on; a piece that is only longer than before goes on without a seam."""
        old = self._musics.get(music.name)
        self._musics[music.name] = music
        if old is not None and not old.complete and _goes_on(old, music):
            for track, (name, tempo) in self._of.items():
                if name == music.name:
                    track.grow(self._frames(music, tempo), complete=music.complete)
            return
        self._change({music.name: 0.0 if old is None else same_until(old, music)})

    def remove(self, name: str) -> None:
        if self._musics.pop(name, None) is not None:
            self._change({})

    def set_tempo(self, tempo: float) -> None:
        """Render all anew at another tempo; the transport changes over once it is there."""
        if tempo != self.tempo:
            self.tempo = tempo
            self._change(dict.fromkeys(self._musics, 0.0))

    def forget_samples(self) -> None:
        """Render all anew, e.g. with another instrument."""
        self._change(dict.fromkeys(self._musics, 0.0))

    def next(self) -> Stretch | None:
        """The most urgent stretch that is not rendered."""
        for program, name, begin, end, is_urgent in self._wanted():
            track = program.tracks.get(name)
            if track is None or track not in self._of:
                continue
            first = track.missing(begin, end)
            if first is None:
                continue
            length_s = min(self._stretch_s, _URGENT_S) if is_urgent else self._stretch_s
            # Beyond what is wanted by now: else the edge of a window that moves on would be asked for sliver by sliver.
            stop = first + max(1, int(length_s * self.transport.rate) // CHUNK) * CHUNK
            if is_urgent and end - begin <= _FIRST_S * self.transport.rate:
                stop = min(stop, -(-end // CHUNK) * CHUNK)  # Somebody waits for these: the least that is enough.
            stop = min(stop, track.frames)
            music = self._musics[self._of[track][0]]
            return Stretch(track, music, self._of[track][1], first, stop, is_urgent)
        return None

    def took(self, stretch: Stretch, seconds: float) -> None:
        """How long it took to render a stretch: the next ones are shorter or longer."""
        length = (stretch.end - stretch.begin) / self.transport.rate
        wanted = length * _ANSWER_S / max(seconds, 1e-3)
        least, most = max(_STRETCH_S[0], self._stretch_s / 2), min(_STRETCH_S[1], self._stretch_s * 2)
        self._stretch_s = float(np.clip(wanted, least, most))

    def trim(self) -> None:
        """Forget samples far from the playhead where there are too many."""
        tracks = list(self._of)
        if sum(track.held_frames for track in tracks) <= _MOST_FRAMES:
            return
        rate, at = self.transport.rate, self._place()
        for track in tracks:
            frame = round(at / self._of[track][1] * rate)
            track.drop(frame - 10 * rate, frame + int(_KEPT_S * rate))

    def _wanted(self) -> Iterator[tuple[Program, str, int, int, bool]]:
        """Program, track, frames and urgency, most urgent first."""
        wish, current, rate = self.transport.wish, self.transport.current, self.transport.rate
        at = self._place()
        audible = [name for name, _ in wish.gains]
        others = [name for name in wish.program.tracks if name not in audible]

        def part(program: Program, seconds: float, ahead_s: float) -> tuple[int, int]:
            begin = program.frame(seconds)
            return begin, begin + int(ahead_s * rate)

        for name in audible if current is not wish.program else ():
            yield current, name, *part(current, at, _FIRST_S), True
        # The first half second of all before more of one: then it can start.
        for ahead_s in (_FIRST_S, _URGENT_S):
            for name in audible:
                yield wish.program, name, *part(wish.program, at, ahead_s), True
        if wish.loop is not None:
            for name in audible:
                yield wish.program, name, *part(wish.program, wish.loop[0], 1.0), True
        for names, ahead_s in ((others, _FIRST_S), (audible, _AHEAD_S), (others, _OTHERS_S)):
            for name in names:
                yield wish.program, name, *part(wish.program, at, ahead_s), False
        for name in audible:
            yield wish.program, name, *part(wish.program, 0.0, _URGENT_S), False

    def _place(self) -> float:
        """Where the playhead is, or is about to jump to."""
        wish = self.transport.wish
        return wish.seek[1] if self.transport.has_seek_ahead else self.transport.mark.position

    def _change(self, fresh: dict[str, float]) -> None:
        """A new program in which the tracks of `fresh` are made anew, from those seconds of their music on."""
        old = self.transport.wish.program
        is_same = old.tempo == self.tempo
        tracks = {
            name: old.tracks[name]
            if is_same and name not in fresh and name in old.tracks
            else Track(self._frames(music, self.tempo), complete=music.complete)
            for name, music in self._musics.items()
        }
        for name, seconds in fresh.items():
            if is_same and name in old.tracks and name in tracks:
                tracks[name].take_over(old.tracks[name], old.frame(seconds))
        program = Program(self.transport.rate, self.tempo, tracks)
        playing = self.transport.current
        # What is still playing is rendered further until the new program is ready; other old ones are not.
        kept = {track: about for track, about in self._of.items() if track in set(playing.tracks.values())}
        self._of = {track: about for track, about in kept.items() if self._is_as_it_was(track, about[0], tracks)}
        self._of.update({track: (name, self.tempo) for name, track in tracks.items()})
        self.transport.set_program(program)

    def _is_as_it_was(self, track: Track, name: str, tracks: dict[str, Track]) -> bool:
        """Whether an old track still belongs to today's notes: only its tempo is another."""
        return name in self._musics and name in tracks and self._of[track][1] != self.tempo

    def _frames(self, music: Music, tempo: float) -> int:
        seconds = music.seconds / tempo + TAIL_S if music.complete else (music.horizon_s - SETTLE_S) / tempo
        return max(0, int(seconds * self.transport.rate))


def same_until(old: Music, new: Music) -> float:
    """Seconds up to which both sound the same: before the first note that only one has, and before the first end that
    is another."""
    limits = [m.horizon_s - SETTLE_S for m in (old, new) if not m.complete]
    n = min(len(old.start), len(new.start))
    same = np.ones(n, bool)
    for a, b in ((old.start, new.start), (old.pitch, new.pitch), (old.velocity, new.velocity)):
        same &= a[:n] == b[:n]
    first = n if same.all() else int(np.argmin(same))
    limits += [float(m.start[first]) for m in (old, new) if first < len(m.start)]
    a, b = old.end[:first], new.end[:first]
    if (a != b).any():
        limits.append(float(np.minimum(a, b)[a != b].min()))
    return max(0.0, min(limits)) if limits else max(old.seconds, new.seconds)


def _goes_on(old: Music, new: Music) -> bool:
    """Whether `new` is `old` with more at its end: the same up to where `old` was settled."""
    limit = old.horizon_s - SETTLE_S
    if not new.complete and new.horizon_s < old.horizon_s:
        return False
    n, m = int(np.searchsorted(old.start, limit)), int(np.searchsorted(new.start, limit))
    if n != m or any(
        not np.array_equal(a[:n], b[:n])
        for a, b in ((old.start, new.start), (old.pitch, new.pitch), (old.velocity, new.velocity))
    ):
        return False
    a, b = old.end[:n], new.end[:n]
    return bool(np.all((a == b) | ((a >= limit) & (b >= limit))))
