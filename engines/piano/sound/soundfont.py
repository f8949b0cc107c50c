"""A SoundFont's piano as an instrument, read by symusic; and which instruments this machine has.

symusic renders whole scores only, holds the interpreter's lock meanwhile, and (0.5.8) plays every velocity equally loud
and loops at a constant level [measured]. So each key is rendered once, as a tone, and `mix` does the rest: exact
onsets, loudness, the fall of held tones, release. No SoundFont ships with this program: TimGM6mb.sf2 is GPL-2 and is
read from the user's own pretty_midi.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.core.errors import UserError
from engines.piano.sound.bank import LAYERS, RATE, Instrument, PianoBank, ToneStore, frequency, layer_of, rounded_length

BUILT_IN: Final = "built-in"
GENERAL: Final = "TimGM6mb"
"""The SoundFont inside pretty_midi."""
SUFFIXES: Final = (".sf2", ".sf3")
_LARGEST: Final = 2 << 30
_LONGEST_S: Final = 20.0
_PEAK: Final = 0.24
"""Loudest sample of middle C at full velocity, as the built-in piano has it."""


class SoundFontPiano:
    """The first piano of a SoundFont file (.sf2, .sf3; bank 0, program 0).

    Raises UserError where symusic is missing or the file is not a SoundFont that it can play.
    """

    release_s = 0.08

    def __init__(self, path: Path, rate: int = RATE) -> None:
        self.name = path.stem
        self.rate = rate
        self._music, self._synth = _open(path, rate)
        self._store = ToneStore()
        middle = self._rendered(60, 100, rate)
        peak = float(np.abs(middle).max())
        if not np.isfinite(peak) or peak < 1e-5:
            raise UserError(f"{path.name} has no piano: its first sound is silent", "choose another SoundFont")
        self._gain = np.float32(_PEAK / peak)

    def tone(self, pitch: int, velocity: int, frames: int) -> np.ndarray:
        """See `Instrument.tone`."""
        key = int(pitch), layer_of(velocity)
        frames = min(frames, int(_LONGEST_S * self.rate))
        found = self._store.get(key, frames)
        if found is not None:
            return found
        # Two seconds at least: how a tone falls is judged by its second one.
        asked = rounded_length(max(frames, 2 * self.rate), self.rate)
        held = self._rendered(key[0], LAYERS[key[1]], asked) * self._gain
        held *= _fall(held, key[0], self.rate)
        if _is_one_sided(held):
            held = held.mean(0, keepdims=True)
        return self._store.put(key, held, asked >= int(_LONGEST_S * self.rate))

    def _rendered(self, pitch: int, velocity: int, frames: int) -> np.ndarray:
        """One key held for `frames`, float32 [2, frames]."""
        music = self._music
        score = music.Score(ttype="second")
        track = music.Track(ttype="second", program=0, is_drum=False)
        # Held a little longer than what is used, so that its own release is not heard.
        seconds = frames / self.rate + 0.05
        track.notes.append(music.Note(0.0, seconds, pitch, velocity, ttype="second"))
        score.tracks.append(track)
        samples = np.asarray(self._synth.render(score, stereo=True), np.float32)[:, :frames]
        tone = np.zeros((2, frames), np.float32)
        tone[:, : samples.shape[1]] = np.nan_to_num(samples)
        return tone


def _is_one_sided(tone: np.ndarray) -> bool:
    """Whether left and right differ in nothing but loudness: then half the memory is enough."""
    left, right = (side / max(float(np.abs(side).max()), 1e-9) for side in tone[:, : 1 << 14])
    return bool(np.abs(left - right).max() < 0.02)


def _fall(held: np.ndarray, pitch: int, rate: int) -> np.ndarray:
    """Gains that let a looped tone die away like a string, float32 [n]; ones where it does so by itself."""
    window = rate // 10
    early, late = (float(np.square(held[:, at : at + window]).mean()) for at in (rate, 2 * rate - 2 * window))
    if late < 0.75 * early or early == 0.0:
        return np.ones(held.shape[1], np.float32)
    decay = 0.95 * np.sqrt(frequency(pitch) / 262)
    seconds = np.maximum(np.arange(held.shape[1], dtype=np.float32) / rate - 0.4, 0)
    return np.exp(-decay * seconds).astype(np.float32)


def _open(path: Path, rate: int) -> tuple[Any, Any]:
    """symusic and its synthesizer of that file. Raises UserError."""
    try:
        import symusic
    except (ImportError, OSError) as error:
        raise UserError(
            f"SoundFonts need symusic, which cannot be loaded: {error}", 'pip install "symusic==0.5.8"'
        ) from error
    # symusic ends the process on some files that are no SoundFont, so the header is read first.
    try:
        with path.open("rb") as file:
            head = file.read(12)
        size = path.stat().st_size
    except OSError as error:
        raise UserError(f"the SoundFont {path.name} cannot be read: {error.strerror}", "choose another") from error
    if head[:4] != b"RIFF" or head[8:12] != b"sfbk" or size > _LARGEST:
        raise UserError(f"{path.name} is not a SoundFont", "choose an .sf2 or .sf3 file of less than 2 GB")
    if int.from_bytes(head[4:8], "little") + 8 > size:
        raise UserError(f"{path.name} is cut off: {size} bytes are there", "download it again")
    try:
        return symusic, symusic.Synthesizer(sf_path=str(path), sample_rate=rate, quality=0)
    except Exception as error:
        raise UserError(f"symusic cannot play {path.name}: {error}", "choose another SoundFont") from error


def general_soundfont() -> Path | None:
    """TimGM6mb.sf2 inside the installed pretty_midi (not imported: that takes half a second), or None."""
    try:
        found = importlib.util.find_spec("pretty_midi")
    except (ImportError, ValueError):
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
    paths = [Path(wanted).expanduser()] if wanted not in ("", GENERAL) else []
    general = general_soundfont()
    for path in [*paths, *([general] if general else [])]:
        try:
            return Chosen(_soundfont(path, _changed_at(path), rate), tuple(remarks))
        except UserError as error:
            if str(error) not in remarks:
                remarks.append(str(error))
    if general is None:
        remarks.append("pretty_midi, whose SoundFont is the usual one, is not installed (pip install pretty_midi)")
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
    except OSError:
        return 0


def known_instruments() -> tuple[tuple[str, str], ...]:
    """(name for `choose`, what to show) of what is here without a file of the user's; nothing is loaded."""
    found = [(BUILT_IN, "Built-in piano")]
    if general_soundfont() is not None and importlib.util.find_spec("symusic") is not None:
        found.insert(0, (GENERAL, "TimGM6mb (SoundFont of pretty_midi)"))
    return tuple(found)
