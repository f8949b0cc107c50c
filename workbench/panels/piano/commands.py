"""What the palette offers of the Piano panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.commands import Command, later
from workbench.panels.piano.transport_bar import TRACKS

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel


def commands_of(panel: PianoPanel, titles: Sequence[str]) -> list[Command]:
    """Everything that can be done besides running and exporting. titles: of the tabs."""
    group = panel.info.title
    views = [
        Command(f"piano.tab{number}", f"Show {title}", later(panel.tabs.setCurrentIndex, number), "", group=group,
                icon="eye")
        for number, title in enumerate(titles)
    ]  # fmt: skip
    hear = [
        Command(f"piano.hear.{name}", f"Hear {text.lower()} alone", later(panel.desk.bar.hear, name), key,
                group=group, icon="music")
        for name, text, key in TRACKS
    ]  # fmt: skip
    takes = panel.takes
    return [
        Command("piano.play", "Play or pause", panel.player.toggle, "", group=group, icon="play"),
        Command("piano.undo", "The take before", later(takes.go, -1), "Ctrl+Z",
                lambda: takes.why_not(-1), group, "undo"),
        Command("piano.redo", "The take after", later(takes.go, 1), "Ctrl+Y",
                lambda: takes.why_not(1), group, "redo"),
        Command("piano.variation.before", "The variation before", later(takes.step_variation, -1), "Alt+Up",
                lambda: takes.why_no_variation(-1), group, "music"),
        Command("piano.variation.after", "The variation after", later(takes.step_variation, 1), "Alt+Down",
                lambda: takes.why_no_variation(1), group, "music"),
        Command("piano.style", "Open a MIDI file as the style…", later(panel.ask_file, "style"), group=group,
                icon="open"),
        Command("piano.melody", "Open a MIDI file as the melody…", later(panel.ask_file, "melody"), group=group,
                icon="open"),
        Command("piano.keyboard", "Play on a connected MIDI keyboard", lambda: panel.attempt(panel.use_keyboard),
                group=group, icon="keyboard"),
        Command("piano.fall", "Falling notes, or the rolls", panel.desk.bar.fall.toggle, "V", group=group,
                icon="down"),
        *hear,
        *views,
    ]  # fmt: skip
