"""What the network thinks about a piece: surprise, expectation, attention, and how loudly the style speaks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QComboBox, QFileDialog, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.piano.alignment import of_notes
from engines.piano.codec import encode_melody
from engines.piano.desk import ReadPiece, opening
from engines.piano.notes import Notes
from engines.piano.requests import NO_TOKENS, InspectSnapshot
from engines.piano.spec import FindSpec, ReadSpec
from workbench.panels.base import Export
from workbench.panels.piano.desk import MOST_NATS
from workbench.panels.piano.errand import Errand
from workbench.panels.piano.microscope_pages import AttentionPage, StylePage, TokenPage, means_in_words
from workbench.panels.piano.microscope_score import Score, guess_in_words
from workbench.panels.piano.microscope_subject import Findings, Reader, Subject, of_take
from workbench.panels.piano.pieces import Piece, look_at
from workbench.panels.piano.roll_box import text_button
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label
from workbench.widgets.exports import save_csv

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel
    from workbench.widgets.piano_roll import Region

TAKE, STYLE, FILE = "take", "style", "file"
OTHERS: Final = ("library/ragtime", "library/chorale")
"""Whose style is told instead, where nobody chose: the first that is not the piece's own."""
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
        self._errand = Errand(panel)
        self._melodies: dict[str, Notes] = {}
        self._has_looked = self._is_stale = False
        self.source, self.other = QComboBox(), QComboBox()
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
        self.refresh_pieces()

    def _build(self) -> None:
        for box, name, tip in (
            (self.source, "Piece under the microscope", "Which piece the network reads"),
            (self.other, "Other style", "Whose style the network is told instead, to see what its own is worth"),
        ):
            box.setAccessibleName(name)
            box.setToolTip(tip)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(14)
        head = QHBoxLayout()
        head.setSpacing(GRID)
        for text, box in (("Piece", self.source), ("Other style", self.other)):
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
        self.source.activated.connect(self._source_chosen)
        self.other.activated.connect(lambda _: self.look_again())
        panel.shelf.changed.connect(self.refresh_pieces)
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
        return self.reader.is_composing or self._errand.is_out

    def start(self) -> None:
        """Read the chosen piece. Raises UserError when something is missing."""
        panel, key = self.panel, str(self.source.currentData() or "")
        if panel.form.card is None:
            raise UserError("there is no trained network yet", "train one in the tab “Training lab”")
        self._has_looked, self._is_stale = True, False
        if key == TAKE:
            subject = self._of_take()
            if subject is None:
                raise UserError("there is no take yet", "press Compose on the desk, or choose another piece here")
            self._ask(subject)
            return
        key = panel.form.style_keys[0] if key == STYLE else key
        if panel.shelf.is_unread(key):
            self._read(Path(key))
            return
        piece = panel.shelf.find(key)
        if piece is None:
            raise UserError("there is no such piece", "choose another one here")
        self._ask_piece(piece)

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
        self._errand.give_up()
        if self.reader.is_composing:
            self.reader.stop()
            self.said.setText("Stopped.")
        self.panel.show_run_state()

    def close_stage(self) -> None:
        self._errand.give_up()
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
            "source": self.source.currentData(), "other": self.other.currentData(), "page": self._page,
            "colour": self.score.key.save_state(), "against": self.score.against.currentData(),
        }  # fmt: skip

    def restore_state(self, state: dict[str, Any]) -> None:
        for name, box in (("source", self.source), ("other", self.other)):
            index = box.findData(state.get(name)) if isinstance(state.get(name), str) else -1
            if index >= 0 and state[name] != FILE:
                box.setCurrentIndex(index)
        page = state.get("page")
        if isinstance(page, int) and not isinstance(page, bool) and 0 <= page < len(self.pages):
            self.show_page(page)
        self.score.key.restore_state(state.get("colour"))
        self.score.prefer(state.get("against"))

    # -- what is chosen ---------------------------------------------------------------------------------------

    def refresh_pieces(self) -> None:
        """Read the list of pieces again; what was chosen stays."""
        names = self.panel.shelf.names("style")
        first = [(TAKE, "The current take", "What is shown as the result"), (STYLE, "Style A", "As on the desk")]
        rows = [*first, *names, (FILE, "A MIDI file…", "A file of yours")]
        for box, entries, fallback in ((self.source, rows, STYLE), (self.other, names, OTHERS[0])):
            kept = box.currentData()
            with QSignalBlocker(box):
                box.clear()
                for key, title, note in entries:
                    box.addItem(title, key)
                    box.setItemData(box.count() - 1, note, Qt.ItemDataRole.ToolTipRole)
                wanted = kept if box.findData(kept) >= 0 else fallback
                box.setCurrentIndex(max(box.findData(wanted), 0))

    def show_page(self, number: int) -> None:
        """Which part is below the piece where there is no room for all."""
        self._page = number
        self._buttons.button(number).setChecked(True)
        self._settle()

    def _source_chosen(self, _: int) -> None:
        if self.source.currentData() != FILE:
            self.look_again()
            return
        chosen, _kinds = QFileDialog.getOpenFileName(
            self, "A piece for the microscope", "", "MIDI files (*.mid *.midi *.kar *.rmi)"
        )
        self.source.setCurrentIndex(max(self.source.findData(STYLE), 0))
        if chosen:
            self.panel.attempt(lambda: self.open_file(Path(chosen)))

    def open_file(self, path: Path) -> None:
        """Read a MIDI file and look at it. Raises UserError at once for what is no file, or too large a one."""
        look_at(path)
        self._read(path)

    def _changed_on_desk(self, what: str) -> None:
        take = self.panel.takes.current
        if self.source.currentData() != what or (what == TAKE and (take is None or not take.done)):
            return
        subject = self._of_take() if what == TAKE else None
        if subject is None or self.findings is None or subject.key != self.findings.subject.key:
            self.look_again()

    def _of_take(self) -> Subject | None:
        panel = self.panel
        take, style = panel.takes.current, panel.shelf.find(panel.form.style_keys[0])
        if take is None or not take.done:
            return None
        return of_take(take, style.tokens if style is not None else NO_TOKENS.copy())

    # -- asking -----------------------------------------------------------------------------------------------

    def _read(self, path: Path) -> None:
        self.said.setText(f"Opening {path.name} …")
        self._errand.send("piano.read", ReadSpec(path=path), partial(self._read_in, path), self._not_read)
        self.panel.show_run_state()

    def _read_in(self, path: Path, read: ReadPiece) -> None:
        piece = self.panel.shelf.keep(path, read)
        self.source.setCurrentIndex(max(self.source.findData(piece.key), 0))
        self.panel.attempt(partial(self._ask_piece, piece))

    def _not_read(self) -> None:
        self.said.setText("It could not be read.")
        self.panel.show_run_state()

    def _ask_piece(self, piece: Piece) -> None:
        """Read a performance in its own style and on its own melody, which may have to be found first."""
        if "melody" in self.panel.form.mode and piece.key not in self._melodies:
            self.said.setText(f"Looking for the melody of {piece.title} …")
            spec = FindSpec(seconds=600)
            self._errand.send(
                "piano.find", spec, partial(self._melody_found, piece), self._not_read,
                handed=opening(piece.notes, spec.seconds),
            )  # fmt: skip
            self.panel.show_run_state()
            return
        melody = self._melodies.get(piece.key)
        self._ask(
            Subject(
                (piece.key, id(piece)), piece.title, "its own style", piece.tokens.astype(np.int64), (piece.tokens,),
                piece=piece.key, melody=encode_melody(melody) if melody is not None else NO_TOKENS.copy(),
            )
        )  # fmt: skip

    def _melody_found(self, piece: Piece, melody: Notes) -> None:
        self._melodies[piece.key] = melody
        self.panel.attempt(partial(self._ask_piece, piece))

    def _ask(self, subject: Subject) -> None:
        card = self.panel.form.card
        assert card is not None
        other = self.panel.shelf.find(str(self.other.currentData() or ""))
        self._errand.give_up()
        self._has_looked = True
        if self.findings is None or self.findings.subject.key != subject.key:
            self._show(Findings(subject))
        self.said.setText(f"{subject.title.rstrip(',')}: reading …")
        self.reader.ask(subject.request(card.name, other.tokens if other is not None else NO_TOKENS.copy()))

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
