"""What the desk saves: the result as MIDI, WAV, sheet music and tokens, and the edited melody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engines.core.errors import UserError
from engines.piano.codec import describe
from engines.piano.midi import write_midi, write_musicxml
from workbench.panels.base import Export
from workbench.panels.piano.takes import Voice
from workbench.widgets.exports import save_csv

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel


def exports_of(panel: PianoPanel) -> list[Export]:
    """Of the take that is shown and of what is heard."""

    def voice() -> Voice:
        take = panel.takes.current
        found = take.voice if take is not None else None
        if found is None:
            raise UserError("nothing is composed yet", "press Compose first")
        return found

    def why() -> str:
        take = panel.takes.current
        return "" if take is not None and take.voice is not None else "Compose something first."

    def heard() -> str:
        return panel.desk.bar.audible or "style"

    def wave(path: Path) -> str:
        panel.player.export(path, heard())
        return f"Writing {path.name} …"

    def loop() -> tuple[float, float]:
        found = panel.player.loop
        if found is None:
            raise UserError("there is no loop", "drag on a ruler to make one")
        return found

    def looped(path: Path) -> str:
        begin, end = loop()
        panel.player.export(path, heard(), begin_s=begin, end_s=end)
        return f"Writing {path.name} …"

    def looped_midi(path: Path) -> None:
        begin, end = loop()
        part = panel.desk.heard_notes.between(begin, end).shifted(-begin).stretched(1 / panel.player.tempo)
        if not len(part):
            raise UserError("no note begins in the loop", "make it longer")
        write_midi(path, part)

    def why_no_loop() -> str:
        return "" if panel.player.loop is not None else "Drag on a ruler to make a loop first."

    def style_vector(path: Path) -> None:
        take = panel.takes.current
        if take is None or not len(take.z):
            raise UserError("this take has no style vector", "compose with a network that is told a style")
        np.save(path, take.z)

    def tokens(path: Path) -> None:
        np.save(path, voice().tokens)

    def token_table(path: Path) -> None:
        found = voice()
        save_csv({
            "token": found.tokens, "meaning": np.array([describe(int(t)) for t in found.tokens]), "nats": found.nll,
        }, path)  # fmt: skip

    return [
        Export("midi", "Result as MIDI", ".mid", lambda path: write_midi(path, voice().notes), why),
        Export("wav", "What is heard as WAV", ".wav", wave),
        Export("loop", "The loop of what is heard as WAV", ".wav", looped, why_no_loop),
        Export("loop-midi", "The loop of what is heard as MIDI", ".mid", looped_midi, why_no_loop),
        Export("sheet", "Result as sheet music (MusicXML)", ".musicxml",
               lambda path: write_musicxml(path, voice().notes, panel.desk.bar.bpm.value()), why),
        Export("tokens", "Tokens of the result", ".npy", tokens, why),
        Export("token-table", "Tokens of the result, in words", ".csv", token_table, why),
        Export("style", "Style vector", ".npy", style_vector, why),
    ]  # fmt: skip
