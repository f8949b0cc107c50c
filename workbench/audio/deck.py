"""Makes the samples of a block: mixes tracks, fades at every jump, adds clicks and keys, and keeps the sum in range."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engines.piano.sound.mixing import limited
from workbench.audio.live import Voices
from workbench.audio.tracks import Program
from workbench.audio.wish import Gains, Wish

FADE_S: Final = 0.005
_KNEE: Final = 0.97
"""One track stays below; only sums of several, of keys and clicks are bent."""


@dataclass
class _Tail:
    """What still fades out after a jump."""

    program: Program
    position: int
    gains: dict[str, float]
    left: int


@dataclass
class Deck:
    """Plays a program's tracks block by block, with a fade at every jump. It belongs to the callback alone.

    position: frame of the program that comes next. heard: the tracks that should be audible; gains: how loud each is by
    now. is_starved: it stopped because samples were late. shortages: how often music was not written in time since the
    last `play`. tail: what still fades out after a jump.
    """

    rate: int
    program: Program
    position: int = 0
    is_running: bool = False
    is_starved: bool = False
    shortages: int = 0
    ended_run: int = 0
    seen_run: int = 0
    seen_seek: int = 0
    heard: Gains = ()
    gains: dict[str, float] = field(default_factory=dict)
    volume: float = 0.0
    fade_in: int = 0
    tail: _Tail | None = None
    fade: int = field(init=False)
    _ramp: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.fade = max(1, int(FADE_S * self.rate))
        self._ramp = np.linspace(0, 1, self.fade + 1, dtype=np.float32)[1:, None]

    def stop(self) -> None:
        """Play no more; what would have come fades out."""
        self.tail = _Tail(self.program, self.position, dict(self.gains), self.fade)
        self.is_running = False

    def jump(self, program: Program, position: int) -> None:
        """Go elsewhere; what would have come fades out meanwhile."""
        if self.is_running:
            self.tail = _Tail(self.program, self.position, dict(self.gains), self.fade)
            self.fade_in = self.fade
        self.program, self.position = program, position

    def play(self, wish: Wish, out: np.ndarray) -> None:
        """Add the next len(out) frames and move on."""
        count = len(out)
        targets = dict(self.heard)
        for name in targets.keys() | self.gains.keys():
            target, gain = targets.get(name, 0.0), self.gains.get(name, 0.0)
            track = self.program.tracks.get(name)
            if track is not None and (samples := track.read(self.position, count)) is not None:
                self._add(out, samples, gain, target)
            self.gains[name] = self._moved(gain, target, count)
        if wish.metronome is not None:
            wish.metronome.add(out, self.program.seconds(self.position), self.program.tempo, self.rate)
        if self.fade_in:
            done = self.fade - self.fade_in
            faded = min(self.fade_in, count)
            out[:faded] *= self._ramp[done : done + faded]
            self.fade_in -= faded
        if self.tail is not None:
            self._fade_out(out)
        self.position += count

    def _add(self, out: np.ndarray, samples: np.ndarray, gain: float, target: float) -> None:
        if gain == target:
            if gain == 1.0:
                out += samples
            elif gain:
                out += samples * np.float32(gain)
            return
        step = np.float32((1 if target > gain else -1) / self.fade)
        ramp = gain + step * np.arange(1, len(out) + 1, dtype=np.float32)
        ramp = np.minimum(ramp, target) if target > gain else np.maximum(ramp, target)
        out += samples * ramp[:, None]

    def _moved(self, gain: float, target: float, count: int) -> float:
        reach = count / self.fade
        return float(np.clip(target, gain - reach, gain + reach))

    def _fade_out(self, out: np.ndarray) -> None:
        tail = self.tail
        assert tail is not None
        count = min(tail.left, len(out))
        done = self.fade - tail.left
        ramp = 1 - self._ramp[done : done + count]
        for name, gain in tail.gains.items():
            track = tail.program.tracks.get(name)
            if gain and track is not None and (samples := track.read(tail.position, count)) is not None:
                out[:count] += samples * (ramp * np.float32(gain))
        tail.position += count
        tail.left -= count
        if tail.left <= 0:
            self.tail = None

    def finish(self, wish: Wish, voices: Voices, out: np.ndarray, played: int) -> None:
        """What belongs to the whole block, of which `played` frames were played: a fade that goes on, keys played by
        hand, volume, the limiter."""
        if self.tail is not None and played < len(out):
            self._fade_out(out[played:])
        if voices.is_awake:
            by_hand = np.zeros_like(out)
            voices.add(by_hand)
            out += limited(by_hand)
        if self.volume == wish.volume:
            out *= np.float32(wish.volume)
        else:
            out *= np.linspace(self.volume, wish.volume, len(out), dtype=np.float32)[:, None]
            self.volume = wish.volume
        peak = float(np.abs(out).max(initial=0.0))
        if not np.isfinite(peak):
            np.nan_to_num(out, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)
        if not peak <= _KNEE:
            limited(out, _KNEE)
