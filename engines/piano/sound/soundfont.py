"""SoundFonts as instruments, and which instruments this machine has.

.sf2 files are read by `sf2`. Compressed ones (.sf3) are read by symusic, which renders whole scores only: each key is
rendered once, as a tone. symusic 0.5.8 plays many fonts out of tune (TimGM6mb by one to three octaves), every velocity
equally loud, and loops at a constant level [measured]; so a font is refused where its keys are not in tune, and
`mixing` does the rest. No SoundFont ships with this program: TimGM6mb.sf2 is GPL-2 and is read from the user's own
pretty_midi.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from engines.core.errors import UserError
from engines.piano.sound.bank import (
    LAYERS,
    LOUDNESS,
    RATE,
    Instrument,
    PianoBank,
    ToneStore,
    frequency,
    layer_of,
    rounded_length,
)
from engines.piano.sound.sf2 import Compressed, SoundFontFile

BUILT_IN: Final = "built-in"
GENERAL: Final = "TimGM6mb"
"""The SoundFont inside pretty_midi."""
SUFFIXES: Final = (".sf2", ".sf3")
_LONGEST_S: Final = 20.0
_RELEASES: Final = (0.03, 0.11)
"""Shortest and longest time constant of a release, seconds."""
_IN_TUNE_CENTS: Final = 25.0
_Tone = Callable[[int, int, int], np.ndarray]
"""``tone(pitch, velocity, frames)``: the held key, float32 [2, frames]."""
_Layer = Callable[[int, int], int]
"""``same_as(pitch, layer)``: the lowest layer that has the same tone."""


class SoundFontPiano:
    """The first piano of a SoundFont file. Raises UserError where it cannot be played, or not in tune."""

    def __init__(self, path: Path, rate: int = RATE) -> None:
        self.name = path.stem
        self.rate = rate
        self._tone, self._same_as, self.release_s = _read(path, rate)
        self._store = ToneStore()
        self._gain = np.float32(1.0)
        middle = self._tone(60, 127, rate // 5)
        loud = float(np.sqrt(np.square(middle).mean()))
        if not np.isfinite(loud) or loud < 1e-6:
            raise UserError(f"{path.name} has no piano: its first sound is silent", "choose another SoundFont")
        self._gain = np.float32(LOUDNESS / loud)

    def tone(self, pitch: int, velocity: int, frames: int) -> np.ndarray:
        """See `Instrument.tone`."""
        key = int(pitch), self._same_as(int(pitch), layer_of(velocity))
        frames = min(frames, int(_LONGEST_S * self.rate))
        found = self._store.get(key, frames)
        if found is not None:
            return found
        asked = rounded_length(frames, self.rate)
        held = self._tone(key[0], LAYERS[key[1]], asked) * self._gain
        if _is_one_sided(held):
            held = held.mean(0, keepdims=True)
        return self._store.put(key, held, asked >= int(_LONGEST_S * self.rate))


def _read(path: Path, rate: int) -> tuple[_Tone, _Layer, float]:
    """The tones of a file, which layers are alike, and the time constant of the release. Raises UserError."""
    try:
        file = SoundFontFile(path)
    except Compressed:
        return compressed_tones(path, rate), lambda pitch, layer: layer, 0.08

    @lru_cache(maxsize=1024)
    def same_as(pitch: int, layer: int) -> int:
        zones = file.zones_for(pitch, LAYERS[layer])
        return next(i for i in range(layer + 1) if file.zones_for(pitch, LAYERS[i]) == zones)

    releases = [zone.release_s for zone in file.zones_for(60, 100)]
    # The format's release is the time for 100 dB.
    constant = float(np.clip(max(releases) / (5 * np.log(10)), *_RELEASES))
    return lambda pitch, velocity, frames: file.tone(pitch, velocity, frames, rate), same_as, constant


def compressed_tones(path: Path, rate: int) -> _Tone:
    """The tones of an .sf3 file through symusic. Raises UserError where that is missing or plays out of tune."""
    try:
        import symusic
    except (ImportError, OSError) as error:
        raise UserError(
            f"compressed SoundFonts need symusic, which cannot be loaded: {error}",
            'pip install "symusic==0.5.8", or choose an .sf2 file',
        ) from error
    try:
        synth = symusic.Synthesizer(sf_path=str(path), sample_rate=rate, quality=0)
    except Exception as error:  # its C++ raises whatever it likes about a bad file
        raise UserError(f"symusic cannot play {path.name}: {error}", "choose another SoundFont") from error

    def tone(pitch: int, velocity: int, frames: int) -> np.ndarray:
        score = symusic.Score(ttype="second")
        track = symusic.Track(ttype="second", program=0, is_drum=False)
        # Two seconds at least: how a tone falls is judged by its second one. Held a little longer than what is used,
        # so that its own release is not heard.
        count = max(frames, 2 * rate)
        track.notes.append(symusic.Note(0.0, count / rate + 0.05, pitch, velocity, ttype="second"))
        score.tracks.append(track)
        samples = np.asarray(synth.render(score, stereo=True), np.float32)[:, :count]
        out = np.zeros((2, count), np.float32)
        out[:, : samples.shape[1]] = np.nan_to_num(samples)
        return (out * _fall(out, pitch, rate))[:, :frames]

    wrong = [pitch for pitch in (48, 60, 72) if not is_in_tune(tone(pitch, 100, rate)[0], pitch, rate)]
    if wrong:
        raise UserError(f"symusic plays {path.name} out of tune", "choose an .sf2 file")
    return tone


def is_in_tune(tone: np.ndarray, pitch: int, rate: int) -> bool:
    """Whether the loudest partial of float32 [n] (a second or so) is a whole multiple of the pitch's frequency."""
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone)), 1 << 18))
    spectrum[: int(20 / rate * (1 << 18))] = 0
    multiple = np.argmax(spectrum) * rate / (1 << 18) / frequency(pitch)
    nearest = round(multiple)
    return 1 <= nearest <= 8 and bool(abs(1200 * np.log2(multiple / nearest)) < _IN_TUNE_CENTS)


def _is_one_sided(tone: np.ndarray) -> bool:
    """Whether left and right differ in nothing but loudness: then half the memory is enough."""
    left, right = (side / max(float(np.abs(side).max()), 1e-9) for side in tone[:, : 1 << 14])
    return bool(np.abs(left - right).max() < 0.02)


def _fall(held: np.ndarray, pitch: int, rate: int) -> np.ndarray:
    """Gains that let a looped tone die away like a string, float32 [n]; ones where it does so by itself."""
    window = rate // 10
    early, late = (float(np.square(held[:, at : at + window]).mean()) for at in (rate, 2 * rate - 2 * window))
    if late < 0.9 * early or early == 0.0:
        return np.ones(held.shape[1], np.float32)
    decay = 0.95 * np.sqrt(frequency(pitch) / 262)
    seconds = np.maximum(np.arange(held.shape[1], dtype=np.float32) / rate - 0.4, 0)
    return np.exp(-decay * seconds).astype(np.float32)


def general_soundfont() -> Path | None:
    """TimGM6mb.sf2 inside the installed pretty_midi (not imported: that takes half a second), or None."""
    try:
        found = importlib.util.find_spec("pretty_midi")
    except (ImportError, OSError, ValueError):
        return None
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        path = Path(folder) / f"{GENERAL}.sf2"
        if path.is_file():
            return path
    return None


@dataclass(frozen=True)
class Chosen:
    """An instrument and why it is not a better one (each reason once, with its remedy)."""

    instrument: Instrument
    remarks: tuple[str, ...] = ()


def choose(wanted: str = "", rate: int = RATE) -> Chosen:
    """The instrument of that name: a path of an .sf2 or .sf3, "TimGM6mb", "built-in", or "" for the best there is.

    What cannot be had is replaced by the next best and remarked on; the built-in piano always works.
    """
    wanted = wanted.strip()
    if wanted == BUILT_IN:
        return Chosen(_built_in(rate))
    remarks: list[str] = []
    paths: list[Path] = []
    if wanted not in ("", GENERAL):
        try:
            paths.append(Path(wanted).expanduser())
        except RuntimeError:
            remarks.append(f"{wanted} cannot be found: its home folder is not known")
    general = general_soundfont()
    for path in [*paths, *([general] if general else [])]:
        try:
            return Chosen(_soundfont(path, _changed_at(path), rate), tuple(remarks))
        except UserError as error:
            if str(error) not in remarks:
                remarks.append(str(error))
        except ValueError:
            remarks.append("the name of the SoundFont is no name of a file")
    if general is None:
        remarks.append("no SoundFont was found (choose an .sf2 file, or pip install pretty_midi, which brings one)")
    return Chosen(_built_in(rate), tuple(remarks))


# Refusals are not remembered: an exception leaves no entry in these caches.
@lru_cache(maxsize=2)
def _soundfont(path: Path, changed_at: int, rate: int) -> SoundFontPiano:
    return SoundFontPiano(path, rate)


@lru_cache(maxsize=2)
def _built_in(rate: int) -> PianoBank:
    return PianoBank(rate)


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def known_instruments() -> tuple[tuple[str, str], ...]:
    """(name for `choose`, what to show) of what is here without a file of the user's; nothing is loaded."""
    found = [(BUILT_IN, "Built-in piano")]
    if general_soundfont() is not None:
        found.insert(0, (GENERAL, "TimGM6mb (SoundFont of pretty_midi)"))
    return tuple(found)
