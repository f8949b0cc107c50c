"""WAV files of what can be played, written by the engine process while it plays on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engines.core.errors import UserError
from engines.piano.sound.requests import StretchAnswer, StretchRequest

if TYPE_CHECKING:
    from workbench.audio.feeder import Feeder

_AFTER_S = 2.0
"""A file ends at most so long after the last key, when its tone has died away."""


@dataclass(frozen=True)
class Export:
    """One file to write: a piece from `begin_s` to `end_s` seconds of its music."""

    path: Path
    name: str
    begin_s: float
    end_s: float
    bits: int


class Exports:
    """Files that wait to be written, in order."""

    def __init__(self, feeder: Feeder) -> None:
        self._feeder = feeder
        self._waiting: deque[Export] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, path: Path, name: str, begin_s: float, end_s: float | None, bits: int) -> None:
        """Raises UserError where there is no such piece."""
        music = self._feeder.music(name)
        if music is None or not len(music.start):
            raise UserError("there is no music to write", "compose or open a piece first")
        self._waiting.append(Export(path, name, begin_s, np.inf if end_s is None else end_s, bits))

    def next(self, ticket: int, instrument: str) -> StretchRequest:
        """The question for the next file, at the present tempo. Raises UserError where its piece is gone."""
        export = self._waiting.popleft()
        music = self._feeder.music(export.name)
        if music is None:
            raise UserError(f"{export.path.name} was not written: its piece is gone", "export it again")
        tempo, rate = self._feeder.tempo, self._feeder.transport.rate
        end_s = min(export.end_s, music.seconds + _AFTER_S * tempo)
        begin, end = (round(seconds / tempo * rate) for seconds in (export.begin_s, end_s))
        columns = (music.start, music.end, music.pitch, music.velocity)
        return StretchRequest(ticket, *columns, begin, end, tempo, instrument, str(export.path), export.bits)

    def write_here(self, instrument: str) -> StretchAnswer:
        """Write the next file at once: without an engine process (tests, a window without lanes)."""
        from engines.core.job import LocalContext
        from engines.piano.jobs.render import answered
        from engines.piano.sound.spec import SoundSpec

        try:
            request = self.next(0, instrument)
        except UserError as error:
            return StretchAnswer(0, 0, problem=str(error))
        return answered(request, SoundSpec(rate=self._feeder.transport.rate), LocalContext())
