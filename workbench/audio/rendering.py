"""Keeps samples coming: the engine process renders, the window helps where that is late; WAV files in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QObject, Signal

from engines.core.errors import UserError
from engines.piano.sound.bank import Instrument
from engines.piano.sound.requests import StretchAnswer
from workbench.audio.exports import Exports
from workbench.audio.feeder import Feeder, Stretch
from workbench.audio.renderers import BUDGET_S, HURRY_S, LaneRenderer, LocalRenderer
from workbench.audio.transport import Transport

if TYPE_CHECKING:
    from workbench.runner import Runner

_LANE_PATIENCE_S: Final = 0.08
"""What somebody is about to hear is rendered by the window when the engine process takes longer."""


class Rendering(QObject):
    """`feed` is called with each of the window's ticks.

    instrument_changed(name, remarks): what plays, and why it is not a better one. exported(path), export_failed(why).
    """

    instrument_changed = Signal(str, object)
    exported = Signal(str)
    export_failed = Signal(str)

    def __init__(
        self, transport: Transport, runner: Runner | None, now: Callable[[], float], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.feeder = Feeder(transport)
        self.instrument = ""
        self._transport = transport
        self._local = LocalRenderer()
        self._lane = LaneRenderer(runner, self._rendered, now) if runner is not None else None
        self._exports = Exports(self.feeder)
        self._shown: tuple[str, tuple[str, ...]] = ("", ())

    def start(self) -> None:
        """Warm the engine."""
        if self._lane is not None:
            self._lane.start()

    def close(self) -> None:
        if self._lane is not None:
            self._lane.close()

    def set_instrument(self, name: str) -> bool:
        """Render all anew with another instrument (see `choose`); whether it is another."""
        if name == self.instrument:
            return False
        self.instrument = name
        self._shown = ("", ())
        self.feeder.forget_samples()
        return True

    def loaded(self) -> Instrument:
        """The instrument, for keys played by hand."""
        return self._local.chosen(self.instrument).instrument

    def export(self, path: Path, name: str, begin_s: float, end_s: float | None, bits: int) -> None:
        """Have a WAV file written. Raises UserError where there is no such piece."""
        self._exports.add(path, name, begin_s, end_s, bits)

    def feed(self) -> bool:
        """Have rendered what is missing; whether anything is."""
        wanted = self.feeder.next()
        lane = self._lane
        if lane is not None:
            lane.start()
            if lane.can_ask and self._exports:
                try:
                    lane.ask_file(self._exports.next(lane.next_ticket(), self.instrument))
                except UserError as error:
                    self.export_failed.emit(str(error))
            elif lane.can_ask and wanted is not None:
                lane.ask(wanted, self._transport.rate, self.instrument)
            waiting = lane.waiting_s
            is_awaited = self._transport.is_wanted and self._transport.mark.state == "buffering"
            is_late = is_awaited or waiting is None or waiting > _LANE_PATIENCE_S
            if not (wanted is not None and wanted.is_urgent and is_late):
                return wanted is not None or waiting is not None or bool(self._exports)
        elif self._exports:
            self._rendered(None, self._exports.write_here(self.instrument))
        if wanted is not None:
            self._local.work(self.feeder.next, self.instrument, HURRY_S if wanted.is_urgent else BUDGET_S)
            chosen = self._local.chosen(self.instrument)
            self._show_instrument(chosen.instrument.name, chosen.remarks)
            self.feeder.trim()
        return wanted is not None or bool(self._exports)

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
            self.feeder.took(stretch, answer.milliseconds / 1000)
            self.feeder.trim()
        self._show_instrument(answer.instrument, answer.remarks)
        self.feed()

    def _show_instrument(self, name: str, remarks: tuple[str, ...]) -> None:
        if name and (name, remarks) != self._shown:
            self._shown = (name, remarks)
            self.instrument_changed.emit(name, remarks)
