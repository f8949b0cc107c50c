"""What the network thinks about a piece: surprise, expectation, attention, and how loudly the style speaks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.piano.alignment import of_notes
from engines.piano.notes import Notes
from engines.piano.requests import InspectSnapshot
from workbench.panels.base import Export
from workbench.panels.piano.desk import MOST_NATS
from workbench.panels.piano.microscope_choice import STYLE, TAKE, Choice
from workbench.panels.piano.microscope_pages import AttentionPage, StylePage, TokenPage, means_in_words
from workbench.panels.piano.microscope_score import Score, guess_in_words
from workbench.panels.piano.microscope_subject import Findings, Reader, Subject
from workbench.panels.piano.roll_box import text_button
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label
from workbench.widgets.exports import save_csv

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel
    from workbench.widgets.piano_roll import Region

WIDE: Final = 1150
"""Pixels of width from which all pages are seen side by side."""
SAME_MOMENT_S: Final = 0.02
HINT: Final = (
    "Press Look closer: the network reads this piece token by token and says how much each one surprised it, what it "
    "expected, and where it looked. A minute of music takes about a second of one processor core."
)


class Microscope(QWidget):
    """Run reads; afterwards another piece, network or comparison is read as soon as it is chosen."""

    run_text = "Look closer"

    def __init__(self, panel: PianoPanel) -> None:
        super().__init__()
        self.panel = panel
        theme = panel.services.theme
        self.findings: Findings | None = None
        self.chosen = -1
        self.reader = Reader(panel)
        self.choice = Choice(panel, self)
        self._has_looked = self._is_stale = False
        self.said = ElidedLabel("The piece as the network sees it.")
        self.score = Score(panel, HINT)
        self.tokens = TokenPage(theme, self.score.tip)
        self.attention, self.loudness = AttentionPage(theme), StylePage(theme)
        self.pages: tuple[tuple[str, QWidget], ...] = (
            ("Tokens", self.tokens), ("Attention", self.attention), ("Style", self.loudness),
        )  # fmt: skip
        self.part = label("", "small", muted=True, wrap=True)
        self._page = 0
        self._build()
        self._connect()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(GRID)
        for text, box in (("Piece", self.choice.source), ("Other style", self.choice.other)):
            caption = label(text, muted=True)
            caption.setBuddy(box)
            head.addWidget(caption)
            head.addWidget(box)
        head.addWidget(self.said, 1)
        self.switch = QWidget()
        buttons = QHBoxLayout(self.switch)
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.setSpacing(GRID // 2)
        group = QButtonGroup(self)
        group.setExclusive(True)
        for number, (title, _) in enumerate(self.pages):
            button = text_button(title, f"Show {title.lower()} below the piece", checkable=True)
            button.setChecked(number == 0)
            group.addButton(button, number)
            buttons.addWidget(button)
        group.idClicked.connect(self.show_page)
        self._buttons = group
        middle = QHBoxLayout()
        middle.addWidget(self.switch)
        middle.addWidget(self.part, 1)
        self.beside = QSplitter(Qt.Orientation.Horizontal)
        self.beside.setChildrenCollapsible(False)
        for _, page in self.pages:
            self.beside.addWidget(page)
        self.beside.setSizes([430, 430, 240])
        below = QWidget()
        rows = QVBoxLayout(below)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addLayout(middle)
        rows.addWidget(self.beside, 1)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self.score)
        parts.addWidget(below)
        parts.setSizes([450, 300])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, GRID, 0, 0)
        whole.setSpacing(GRID // 2)
        whole.addLayout(head)
        whole.addWidget(parts, 1)

    def _connect(self) -> None:
        panel = self.panel
        self.reader.answered.connect(self._answered)
        self.reader.mode_changed.connect(lambda _: panel.show_run_state())
        self.reader.lost.connect(lambda text: panel.show_message(text, "warn"))
        self.choice.found.connect(self._ask)
        self.choice.changed.connect(self.look_again)
        self.choice.said.connect(self.said.setText)
        self.choice.settled.connect(panel.show_run_state)
        panel.takes.changed.connect(lambda: self._changed_on_desk(TAKE))
        panel.form.styles_changed.connect(lambda: self._changed_on_desk(STYLE))
        panel.form.weights.currentIndexChanged.connect(lambda _: self.look_again())
        self.tokens.token_chosen.connect(self.choose)
        self.score.token_chosen.connect(self.choose)
        self.score.moved.connect(self._moved)
        self.score.region_changed.connect(self._region_changed)

    # -- the panel's contract with its tabs -------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        return self.reader.is_composing or self.choice.is_awaited

    def start(self) -> None:
        """Read the chosen piece. Raises UserError when something is missing."""
        if self.panel.form.card is None:
            raise UserError("there is no trained network yet", "train one in the tab “Training lab”")
        self._has_looked, self._is_stale = True, False
        self.choice.ask()

    def look_again(self) -> None:
        """Read anew what is looked at, if anything is; a hidden view waits until it is shown."""
        if not self._has_looked:
            return
        if self.isVisible():
            self.panel.attempt(self.start)
        else:
            self._is_stale = True

    def stop_stage(self) -> None:
        """Read no further; what was read stays."""
        self.choice.give_up()
        if self.reader.is_composing:
            self.reader.stop()
            self.said.setText("Stopped.")
        self.panel.show_run_state()

    def close_stage(self) -> None:
        self.choice.give_up()
        self.reader.close()

    def exports(self) -> list[Export]:
        def why() -> str:
            return "" if self.findings is not None and self.findings.count else "Look closer at a piece first."

        def tokens(path: Path) -> None:
            assert self.findings is not None
            save_csv(self.findings.columns(), path)

        return [
            Export("look-tokens", "Surprise of every token as CSV", ".csv", tokens, why),
            Export("look-attention", "Attention by distance as CSV", ".csv",
                   lambda path: save_csv(dict(self.attention.map.columns()), path), why),
            Export("look-style", "Loudness of the style as CSV", ".csv",
                   lambda path: save_csv(self.loudness.plot.columns(), path), why),
        ]  # fmt: skip

    def save_state(self) -> dict[str, Any]:
        return {
            **self.choice.save_state(),
            "page": self._page,
            "colour": self.score.key.save_state(),
            "against": self.score.against.currentData(),
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        self.choice.restore_state(state)
        page = state.get("page")
        if isinstance(page, int) and not isinstance(page, bool) and 0 <= page < len(self.pages):
            self.show_page(page)
        self.score.key.restore_state(state.get("colour"))
        self.score.prefer(state.get("against"))

    # -- what is chosen ---------------------------------------------------------------------------------------

    def show_page(self, number: int) -> None:
        """Which part is below the piece where there is no room for all."""
        self._page = number
        self._buttons.button(number).setChecked(True)
        self._settle()

    def _changed_on_desk(self, what: str) -> None:
        """Another take, or another style A: it is read if it is what is looked at, and not the same."""
        if self.choice.key != what:
            return
        shown = None if self.findings is None else self.findings.subject
        if what == TAKE:
            subject = self.choice.take()
            is_same = subject is None or (shown is not None and subject.key == shown.key)
        else:
            is_same = shown is not None and shown.piece == self.panel.form.style_keys[0]
        if not is_same:
            self.look_again()

    # -- asking -----------------------------------------------------------------------------------------------

    def _ask(self, subject: Subject) -> None:
        card = self.panel.form.card
        assert card is not None
        self._has_looked = True
        if self.findings is None or self.findings.subject.key != subject.key:
            self._show(Findings(subject))
        self.said.setText(f"{subject.title.rstrip(',')}: reading …")
        self.reader.ask(subject.request(card.name, self.choice.against(subject)))

    def _answered(self, snapshot: InspectSnapshot) -> None:
        if snapshot.problem:
            self.panel.show_message(snapshot.problem, "error")
            self.said.setText("Nothing was read.")
            return
        assert self.findings is not None
        self._show(Findings(self.findings.subject, snapshot))
        subject, card = self.findings.subject, self.panel.form.card
        if not snapshot.done:
            self.said.setText(
                f"{subject.title.rstrip(',')}: {len(snapshot.tokens):,} of {snapshot.total:,} tokens read …"
            )
            return
        self._tell_desk()
        name = (card.title or card.name) if card is not None else ""
        told = f" in {subject.told}" if len(snapshot.style) else ""
        self.said.setText(
            " ".join((f"{subject.title}{told}, read by “{name}”, {snapshot.context} tokens at a time.",
                      *snapshot.remarks, guess_in_words() + "."))
        )  # fmt: skip

    def _tell_desk(self) -> None:
        """Where the desk's style is what was read, its notes may be coloured by their surprise there too."""
        findings = self.findings
        assert findings is not None
        if findings.subject.piece and findings.subject.piece == self.panel.form.style_keys[0]:
            roll = self.panel.desk.roll("style")
            n = roll.notes
            values = of_notes(Notes(n.start, n.end, n.pitch, n.velocity), findings.subject.tokens, findings.nats())
            roll.set_values(values, "surprise", "nats", high=MOST_NATS)

    # -- what is shown ----------------------------------------------------------------------------------------

    def _show(self, findings: Findings) -> None:
        is_new = self.findings is None or findings.subject is not self.findings.subject
        self.findings = findings
        if is_new:
            self.chosen = -1
        self.score.show_findings(findings)
        self.tokens.show_findings(findings)
        if is_new:
            self.tokens.stream.set_marked(None)
            self.tokens.stream.chips.scroll_to(0)
        if is_new or self.tokens.shown < 0:
            self._place(self._reached(self.score.timeline.playhead))
        self.attention.show_snapshot(findings.snapshot)
        self.loudness.show_snapshot(findings.snapshot)
        self._region_changed(self.score.roll.selection)

    def choose(self, index: int) -> None:
        """Look at one token, and go there."""
        if self.findings is None or not 0 <= index < len(self.findings.subject.tokens):
            return
        self.chosen = index
        self.score.seek(float(self.findings.subject.times[index]))
        self._place(index)

    def _place(self, index: int) -> None:
        self.tokens.stream.show_chosen(self.chosen)
        self.score.show_chosen(self.chosen)
        self.tokens.show_place(index)

    def _moved(self, seconds: float) -> None:
        """The playhead: the last token that has been reached is shown, unless another of this moment was chosen."""
        if self.findings is None:
            return
        times = self.findings.subject.times
        self.tokens.stream.set_playhead(seconds)
        if self.chosen >= 0 and abs(times[self.chosen] - seconds) < SAME_MOMENT_S:
            return
        index = self._reached(seconds)
        if self.chosen >= 0 or index != self.tokens.shown:
            self.chosen = -1
            self._place(index)

    def _reached(self, seconds: float) -> int:
        """The last token that takes effect by then, -1 for none."""
        return -1 if self.findings is None else int(np.searchsorted(self.findings.subject.times, seconds, "right")) - 1

    def _region_changed(self, region: Region | None) -> None:
        """The part chosen in the roll: its tokens stand out, and their averages are told."""
        findings = self.findings
        if findings is None:
            return
        marked = None if region is None else findings.subject.within(region.start, region.end, region.low, region.high)
        self.tokens.stream.set_marked(marked)
        self.score.set_marked(marked)
        said = means_in_words(findings, marked)
        self.part.setText(f"The chosen part: {said}" if marked is not None and said else said)

    # -- room -------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle()

    def _settle(self) -> None:
        wide = self.width() >= WIDE
        self.switch.setVisible(not wide)
        for number, (_, page) in enumerate(self.pages):
            page.setVisible(wide or number == self._page)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self.look_again()
