"""The panel's demonstration: a few seconds composed around a melody in a style."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject

from engines.core.errors import UserError

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel

SECONDS: Final = 8.0


class Demonstration(QObject):
    """Ends with the panel's `demo_done` or `demo_failed`."""

    def __init__(self, panel: PianoPanel) -> None:
        super().__init__(panel)
        self.panel = panel
        self._is_on = False

    def start(self) -> None:
        """Compose with what is chosen, for a few seconds."""
        panel = self.panel
        self._is_on = True
        panel.tabs.setCurrentIndex(0)
        panel.form.how.set_values({"seconds": SECONDS, "variations": 2})
        try:
            panel.compose()
        except UserError as error:
            self.fail(str(error))

    def end(self) -> None:
        """The window goes, or it is over."""
        self._is_on = False

    def fail(self, why: str) -> None:
        """Something it needs cannot be had."""
        if self._is_on:
            self.end()
            self.panel.demo_failed.emit(why)

    def take_judged(self) -> None:
        """A take is complete, and compared with its style."""
        take = self.panel.takes.current
        if not self._is_on or take is None or take.voice is None:
            return
        self.end()
        figures: dict[str, Any] = {
            "take": take.title,
            "notes": sum(len(voice.notes) for voice in take.voices),
            "seconds": round(take.voice.clock, 2),
            "tokens_per_second": round(take.tokens_per_second, 1),
            "overlap_with_style": round(max(take.alike.values()), 4) if take.alike else None,
        }
        self.panel.demo_done.emit(figures)
