"""What the desk saves: the result as MIDI, WAV, sheet music, tokens and figures, the melody, a picture of a roll."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QPainter

from engines.core.errors import UserError
from engines.piano.codec import describe
from engines.piano.desk import Compared
from engines.piano.midi import write_midi, write_musicxml
from engines.piano.spec import CompareSpec
from workbench.panels.base import Export
from workbench.panels.piano.errand import Errand
from workbench.panels.piano.metrics import style_told, table_of
from workbench.panels.piano.takes import Voice
from workbench.widgets.exports import save_csv, save_png, save_svg

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel
    from workbench.widgets.piano_roll import PianoRoll


def exports_of(panel: PianoPanel, errand: Errand) -> list[Export]:
    """Of the take that is shown and of what is heard. errand: compares for the figures."""

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

    def melody(path: Path) -> None:
        found = panel.music.melody
        if found is None or not len(found):
            raise UserError("there is no melody", "choose or draw one")
        write_midi(path, found)

    def metrics(path: Path) -> str | None:
        take = panel.takes.current
        if take is None or not take.done:
            raise UserError("the take is not complete", "wait until it is composed, or stop it")
        style = style_told(panel, take)
        if style is None:
            save_csv(table_of(take, [None] * len(take.voices)), path)
            return None

        def write(found: Compared) -> None:
            try:
                save_csv(table_of(take, found.alike[1:]), path)
            except OSError as error:
                panel.show_message(f"{path.name} could not be written: {error.strerror or error}.", "error",
                                   "Choose another folder.", cause="export")  # fmt: skip
            else:
                panel.status_message.emit(f"Saved {path}", "ok")

        errand.send("piano.compare", CompareSpec(), write, handed=(style, *(voice.notes for voice in take.voices)))
        return f"Writing {path.name} …"

    def roll() -> PianoRoll:
        return panel.desk.roll(heard())

    def paint(painter: QPainter, target: QRect) -> None:
        painter.fillRect(target, QColor(roll().colours.surface))
        roll().paint_into(painter, target)

    return [
        Export("midi", "Result as MIDI", ".mid", lambda path: write_midi(path, voice().notes), why),
        Export("wav", "What is heard as WAV", ".wav", wave),
        Export("loop", "The loop of what is heard as WAV", ".wav", looped, why_no_loop),
        Export("loop-midi", "The loop of what is heard as MIDI", ".mid", looped_midi, why_no_loop),
        Export("sheet", "Result as sheet music (MusicXML)", ".musicxml",
               lambda path: write_musicxml(path, voice().notes, panel.desk.bar.bpm.value()), why),
        Export("melody", "Melody as MIDI", ".mid", melody,
               lambda: "" if panel.music.melody is not None and len(panel.music.melody) else "There is no melody."),
        Export("roll", "Roll of what is heard as a picture, 300 dots an inch", ".png",
               lambda path: save_png(paint, roll().size(), path, dpi=300)),
        Export("roll-svg", "Roll of what is heard as a drawing (SVG)", ".svg",
               lambda path: save_svg(paint, roll().size(), path, title=roll().accessibleName())),
        Export("metrics", "Figures of the take as CSV", ".csv", metrics, why),
        Export("tokens", "Tokens of the result", ".npy", tokens, why),
        Export("token-table", "Tokens of the result, in words", ".csv", token_table, why),
        Export("style", "Style vector", ".npy", style_vector, why),
    ]  # fmt: skip
