"""The upper half of the microscope: the piece as a piano roll, its surprise, and what telling the network saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from engines.piano.alignment import KINDS
from workbench import icons
from workbench.panels.piano.auditions import Auditions
from workbench.panels.piano.desk import MOST_NATS
from workbench.panels.piano.microscope_subject import GUESS, Findings
from workbench.theme import GRID, font, set_role
from workbench.widgets.basics import ElidedLabel, icon_button, label, number, percent
from workbench.widgets.colour_key import ColourKey
from workbench.widgets.piano_roll import PianoRoll
from workbench.widgets.timeline import Timeline
from workbench.widgets.value_strip import ValueStrip

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel

PIECE: Final = "piece"
SAVED_UP_TO: Final = 3.0
"""Nats at which a bar of what is saved is cut off."""


class Score(QWidget):
    """moved(seconds): the playhead is elsewhere. token_chosen(index): in a strip. region_changed(Region or None)."""

    moved = Signal(float)
    token_chosen = Signal(int)
    region_changed = Signal(object)

    def __init__(self, panel: PianoPanel, hint: str) -> None:
        super().__init__()
        theme = panel.services.theme
        self.panel = panel
        self.findings: Findings | None = None
        self._preferred = "other style"
        self.timeline = Timeline(self)
        self.ear = Auditions(panel, "look")
        self.roll = PianoRoll(theme, "Piece under the microscope", timeline=self.timeline, hint=hint)
        self.roll.set_values(None, "surprise", "nats", high=MOST_NATS)
        self.roll.set_colouring("values")
        self.key = ColourKey(theme, [self.roll])
        self.play = icon_button("play", "Play (Space)", self.toggle)
        self.kinds = label("", "small", muted=True)
        self.kinds.setTextFormat(Qt.TextFormat.RichText)
        self.kinds.setToolTip("Colours of the bars of surprise and of the tokens")
        self.surprise = ValueStrip(theme, self.timeline, "Surprise", unit="nats", high=MOST_NATS)
        self.saved = ValueStrip(theme, self.timeline, "Saved", unit="nats", low=-SAVED_UP_TO, high=SAVED_UP_TO)
        self.against = QComboBox()
        self.against.setAccessibleName("What the lower strip compares with")
        self.against.setMinimumContentsLength(20)
        self.against.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.against.setToolTip("Nats that each token costs more when the network is told something else")
        self.mean = ElidedLabel()
        self.mean.setFont(font("small"))
        set_role(self.mean, "muted")
        self._build()
        self._connect()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(GRID)
        head.addWidget(self.play)
        head.addWidget(self.kinds)
        head.addStretch(1)
        head.addWidget(self.key)
        below = QHBoxLayout()
        below.setSpacing(GRID)
        below.addWidget(label("Saved against", "small", muted=True))
        below.addWidget(self.against)
        below.addWidget(self.mean, 1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2)
        rows.addLayout(head)
        rows.addWidget(self.roll, 1)
        rows.addWidget(self.surprise)
        rows.addLayout(below)
        rows.addWidget(self.saved)

    def _connect(self) -> None:
        roll = self.roll
        roll.seek_requested.connect(self.seek)
        roll.play_requested.connect(self.toggle)
        roll.key_pressed.connect(self.panel.desk.press)
        roll.key_released.connect(self.panel.desk.release)
        roll.selection_changed.connect(self.region_changed)
        for strip in (self.surprise, self.saved):
            strip.seek_requested.connect(self.seek)
            strip.play_requested.connect(self.toggle)
            strip.event_chosen.connect(self.token_chosen)
            strip.set_tips(self.tip)
        self.ear.changed.connect(self._heard)
        self.timeline.playhead_moved.connect(lambda _, now: self.moved.emit(now))
        self.timeline.loop_changed.connect(self._loop_changed)
        self.against.activated.connect(lambda _: self._show_saved())
        self.panel.services.theme.changed.connect(lambda _: self._show_kinds())
        self._show_kinds()

    def _show_kinds(self) -> None:
        """The legend of the strip of surprise; padding and end are in no piece."""
        theme = self.panel.services.theme
        names = [name.replace(" ", "&nbsp;") for name in KINDS]
        parts = [f'<span style="color:{theme.series(k).name()}">■</span>&nbsp;{name}' for k, name in enumerate(names)]
        self.kinds.setText("&ensp;".join(parts[1:]))

    # -- what it shows ----------------------------------------------------------------------------------------

    def show_findings(self, findings: Findings | None) -> None:
        """Draw a subject and what is known of it so far."""
        is_new = findings is None or self.findings is None or findings.subject is not self.findings.subject
        self.findings = findings
        if findings is None:
            self.roll.set_notes(None)
            for strip in (self.surprise, self.saved):
                strip.set_values(np.zeros(0), np.zeros(0))
            return
        subject = findings.subject
        if is_new:
            self.ear.leave()
            self.roll.select(None)
            self.roll.set_notes(None)
            self.timeline.set_playhead(0.0)
        self.roll.set_notes(subject.notes, findings.of_notes())
        if is_new:
            self.roll.fit()
        self.surprise.set_values(subject.times, findings.nats(), subject.kinds, KINDS)
        self._show_choices()
        self._show_saved()

    def show_chosen(self, index: int) -> None:
        """Mark a token in both strips, -1 for none."""
        self.surprise.show_chosen(index)
        self.saved.show_chosen(index)

    def set_marked(self, marked: np.ndarray | None) -> None:
        """Let all tokens but some step back."""
        self.surprise.set_marked(marked)
        self.saved.set_marked(marked)

    def prefer(self, name: object) -> None:
        """What to compare with, once it is measured; what is no name is ignored."""
        if isinstance(name, str) and name:
            self._preferred = name
            self.against.setCurrentIndex(max(self.against.findData(name), 0))

    def _show_choices(self) -> None:
        """The conditions that were measured."""
        known = self.findings.snapshot.nll if self.findings is not None and self.findings.snapshot is not None else {}
        names = [name for name in known if name != "own"]
        if names == [self.against.itemData(k) for k in range(self.against.count())]:
            return
        kept = self.against.currentData() or self._preferred
        with QSignalBlocker(self.against):
            self.against.clear()
            for name in names:
                text = "another piece's style" if name == "other style" else name
                self.against.addItem(text, name)
            self.against.setCurrentIndex(max(self.against.findData(kept), 0))
        self.against.setEnabled(bool(names))

    def _show_saved(self) -> None:
        findings, name = self.findings, str(self.against.currentData() or "")
        if findings is None or not name:
            self.saved.set_values(np.zeros(0), np.zeros(0))
            self.mean.setText("This network is told nothing." if findings is not None and findings.count else "")
            return
        values = findings.saved(name)
        self.saved.set_axis(f"Saved against {self.against.currentText()}", "nats", -SAVED_UP_TO, SAVED_UP_TO)
        self.saved.set_values(findings.subject.times, values)
        known = values[np.isfinite(values)]
        if len(known):
            better = percent(float((known > 0).mean()), 0)
            self.mean.setText(
                f"{number(float(known.mean()))}\u202fnats a token on average; {better} of the tokens are likelier with "
                "what it is told"
            )

    def tip(self, index: int) -> str:
        """A token in words, how likely it was, and what was likelier."""
        findings = self.findings
        if findings is None:
            return ""
        lines = [findings.heading(index), findings.likelihood(index), findings.alternatives(index)]
        name = str(self.against.currentData() or "")
        saved = findings.saved(name)[index] if name else np.nan
        if np.isfinite(saved):
            lines.append(f"Saved against {self.against.currentText()}: {number(float(saved))}\u202fnats")
        return "\n".join(line for line in lines if line)

    # -- what is heard ----------------------------------------------------------------------------------------

    def seek(self, seconds: float) -> None:
        """Go to a moment; the desk's player is left alone until this piece is played."""
        if self.ear.heard == PIECE:
            self.panel.player.seek(seconds)
        self.timeline.set_playhead(seconds)

    def toggle(self) -> None:
        """Play from the playhead, or pause."""
        if self.findings is None:
            return
        if self.ear.heard == PIECE:
            self.ear.toggle()
            return
        at = self.timeline.playhead
        self.ear.put(PIECE, self.findings.subject.notes)
        self.ear.hear(PIECE)
        self.panel.player.set_loop(self.timeline.loop)
        self.panel.player.seek(at if at < self.timeline.duration - 0.05 else 0.0)

    def _heard(self) -> None:
        if self.ear.heard == PIECE:
            self.timeline.set_playhead(self.ear.position)
        on = self.ear.is_playing
        self.play.setIcon(icons.icon("pause" if on else "play"))
        text = "Pause (Space)" if on else "Play (Space)"
        self.play.setToolTip(text)
        self.play.setAccessibleName(text)

    def _loop_changed(self, loop: tuple[float, float] | None) -> None:
        if self.ear.heard == PIECE:
            self.panel.player.set_loop(loop)

    def hideEvent(self, event: QHideEvent) -> None:
        self.ear.leave()
        self._heard()
        super().hideEvent(event)


def guess_in_words() -> str:
    """What the axis of surprise means."""
    return f"{number(GUESS)}\u202fnats would be a guess among all {round(float(np.exp(GUESS)))} tokens"
