"""The paper's listening study at home: a source and two candidates whose names are hidden; which is closer in style?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from engines.core.errors import UserError
from workbench.panels.base import Export
from workbench.panels.piano.auditions import Auditions
from workbench.panels.piano.blind_results import BlindResults, columns_of
from workbench.panels.piano.blind_setup import BlindSetup
from workbench.panels.piano.blind_test import BlindTest, Heard, Trial
from workbench.theme import GRID
from workbench.widgets.basics import label, set_enabled
from workbench.widgets.exports import save_csv
from workbench.widgets.listen_card import ListenCard
from workbench.widgets.tally_bar import TallyBar

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel

Closer = Literal["a", "b", "neither"]
CARDS: Final[tuple[tuple[Heard, str, str], ...]] = (("source", "Source", "S"), ("a", "A", "1"), ("b", "B", "2"))
ANSWERS: Final[tuple[tuple[Closer, str, str], ...]] = (
    ("neither", "Can't tell", "N"), ("a", "A is closer", "A"), ("b", "B is closer", "B")
)  # fmt: skip
"""Each answer stands below the card that it names."""
KEYS_TEXT: Final = (
    "Keys: S plays the source, 1 and 2 play A and B, Space pauses; A, B and N answer. Listen as often as you like. "
    "Stop ends the test and keeps what was answered."
)
KEYS: Final = (
    Qt.Key.Key_S, Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_A, Qt.Key.Key_B, Qt.Key.Key_N, Qt.Key.Key_Space,
    Qt.Key.Key_Return, Qt.Key.Key_Enter,
)  # fmt: skip
HINT: Final = (
    "Each round plays a source and two pieces, A and B, composed by two contestants. You say which is closer to the "
    "source in style. Chance decides who is A, and the end tells. All three are equally long and equally loud.\n\n"
    "Press Begin the test: the source of the first round plays at once, and A and B are there after about two seconds "
    "of one free processor core; the next rounds are composed while you listen. How freely, “How” at the left says. "
    "Ten rounds take about five minutes."
)


class BlindStage(QWidget):
    """Run begins a test, Stop ends it: what was answered is kept."""

    run_text = "Begin the test"

    def __init__(self, panel: PianoPanel) -> None:
        super().__init__()
        self.panel = panel
        theme = panel.services.theme
        self.test = BlindTest(panel)
        self.ear = Auditions(panel, "blind")
        self._trial: Trial | None = None
        self._playing: Heard | None = None
        self.setup = BlindSetup(panel)
        self.results = BlindResults(theme)
        self.hint = label(HINT, muted=True, wrap=True)
        self.heading = label("", "heading")
        self.ahead = label("", "small", muted=True)
        self.reveal = QCheckBox("Show answers as I go")
        self.reveal.setToolTip("Tell after each answer who was A and who was B, with the count so far")
        self.cards = {name: ListenCard(theme, title, key) for name, title, key in CARDS}
        self.answers = {name: QPushButton(f"{text} ({key})") for name, text, key in ANSWERS}
        self.told = label("", wrap=True)
        self.next = QPushButton("Next round (Enter)")
        self.bar = TallyBar(theme, "Answers so far")
        self.worth = label("", "small", muted=True, wrap=True)
        self.pages = QStackedWidget()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._build()
        self._connect()
        self._show_results()

    def _build(self) -> None:
        before = QWidget()
        rows = QVBoxLayout(before)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2 * GRID)
        rows.addWidget(self.setup)
        rows.addWidget(self.hint)
        rows.addWidget(self.results, 1)
        rows.addStretch(0)
        during = QWidget()
        rows = QVBoxLayout(during)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID)
        head = QHBoxLayout()
        head.addWidget(self.heading)
        head.addWidget(self.ahead, 1)
        head.addWidget(self.reveal)
        rows.addLayout(head)
        rows.addWidget(label("Which is closer to the source in style: density, register, touch, manner?", muted=True))
        cards = QHBoxLayout()
        cards.setSpacing(2 * GRID)
        for card in self.cards.values():
            card.setMaximumHeight(260)
            cards.addWidget(card, 1)
        rows.addLayout(cards, 2)
        choice = QHBoxLayout()
        choice.setSpacing(2 * GRID)
        for button in self.answers.values():
            button.setMinimumHeight(40)
            choice.addWidget(button, 1)
        rows.addLayout(choice)
        after = QHBoxLayout()
        after.addWidget(self.told, 1)
        after.addWidget(self.next)
        rows.addLayout(after)
        rows.addWidget(self.bar)
        rows.addWidget(self.worth)
        rows.addStretch(1)
        rows.addWidget(label(KEYS_TEXT, "small", muted=True, wrap=True))
        self.pages.addWidget(before)
        self.pages.addWidget(during)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(GRID // 2, GRID, GRID, GRID)
        whole.addWidget(self.pages)

    def _connect(self) -> None:
        self.test.changed.connect(self._changed)
        self.test.failed.connect(
            lambda why: self.panel.show_message(f"No more rounds can be composed: {why}.", "warn", cause="blind")
        )
        self.ear.changed.connect(self._show_cards)
        self.reveal.toggled.connect(self._reveal)
        self.next.clicked.connect(self.go_on)
        for name, card in self.cards.items():
            card.clicked.connect(lambda _=False, n=name: self.hear(n))
        for closer, button in self.answers.items():
            button.clicked.connect(lambda _=False, c=closer: self.answer(c))

    # -- the panel's contract with its tabs -------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        return self.test.is_on

    def start(self) -> None:
        """Begin a test as the form says. Raises UserError where something is missing."""
        self.panel.messages.clear("error")
        contest, trials, requests = self.setup.rounds()
        self.panel.messages.withdraw("blind")
        self._trial = None
        self.test.begin(contest, trials, requests)
        self.setFocus()
        self.hear("source")

    def stop_stage(self) -> None:
        """End the test: the rounds that were answered are kept."""
        self.test.end()

    def exports(self) -> list[Export]:
        def why() -> str:
            if self.test.is_on:
                return "End the test first: the file names who was who."
            return "" if self.test.kept.rows else "Take a test first."

        def write(path: Path) -> None:
            if not self.test.kept.rows:
                raise UserError("there are no answers yet", "take a test first")
            save_csv(columns_of(self.test.kept), path)

        return [Export("blind", "Answers of all blind tests as CSV", ".csv", write, why)]

    def save_state(self) -> dict[str, Any]:
        return {"setup": self.setup.save_state(), "answers": self.test.rows, "reveal": self.reveal.isChecked()}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.setup.restore_state(state.get("setup"))
        self.test.kept.restore(state.get("answers"))
        self.reveal.setChecked(state.get("reveal") is True)
        self._show_results()

    def close_stage(self) -> None:
        self.test.close()

    # -- listening and answering ------------------------------------------------------------------------------

    def hear(self, name: Heard) -> None:
        """Play the source, A or B from its beginning; the one that is heard pauses, or goes on."""
        trial = self._trial
        if trial is None or (name != "source" and not trial.is_ready):
            return
        if self._playing == name and self.ear.heard == name:
            self.ear.toggle()
            return
        self._playing = name
        self.ear.put(name, trial.notes(name))
        self.ear.hear(name, gain=trial.gain(name))

    def answer(self, closer: Closer) -> None:
        """Answer the round that is shown, once A and B were heard."""
        if self._why_no_answer():
            return
        self.ear.pause()
        shown = self._trial
        self.test.answer(closer)
        if not self.test.is_on:
            return
        if self.reveal.isChecked() and shown is not None:
            self._trial = self.test.trial(shown.number)
            self.test.peek()
            self._show_round()
        else:
            self.hear("source")

    def go_on(self) -> None:
        """The next round, after an answer was shown."""
        if self._trial is not None and self._trial.answer is not None and self.test.is_on:
            self._trial = None
            self._changed()
            self.hear("source")

    def _why_no_answer(self) -> str:
        trial = self._trial
        if trial is None or not trial.is_ready:
            return "A and B are being composed"
        if trial.answer is not None:
            return "This round is answered"
        missing = [name.upper() for name in ("a", "b") if not self.cards[name].was_heard]  # type: ignore[index]
        return f"Hear {' and '.join(missing)} for a second first" if missing else ""

    # -- what is shown ----------------------------------------------------------------------------------------

    def _changed(self) -> None:
        """A round became ready, was answered, or the test began or ended."""
        self.panel.show_run_state()
        if not self.test.is_on:
            self._trial = self._playing = None
            self.ear.leave()
            self.setup.go_on()
            self._show_results()
            return
        self.pages.setCurrentIndex(1)
        shown = self._trial
        now = self.test.trial(shown.number) if shown is not None else None
        if shown is None or now is None or (now.answer is not None and not self.reveal.isChecked()):
            self._take(self.test.current)
        elif now.answer is None:
            self._renew(now)
        self._show_round()

    def _take(self, trial: Trial | None) -> None:
        """Another round."""
        self._trial, self._playing = trial, None
        self.ear.pause()
        for card in self.cards.values():
            card.begin(trial.seconds if trial is not None else 0.0)
        self._give()

    def _renew(self, trial: Trial) -> None:
        """The round that is shown may have been composed meanwhile."""
        was_ready = self._trial is not None and self._trial.is_ready
        self._trial = trial
        if was_ready or not trial.is_ready:
            return
        for name, card in self.cards.items():
            if name == "source":
                card.set_length(trial.seconds)
            else:
                card.begin(trial.seconds)
        self._give()
        if self._playing is not None:
            self.ear.set_gain(self._playing, trial.gain(self._playing))

    def _give(self) -> None:
        """Let all three be rendered ahead."""
        trial = self._trial
        if trial is None or not self.isVisible():
            return
        self.ear.put("source", trial.notes("source"))
        if trial.is_ready:
            self.ear.put("a", trial.notes("a"))
            self.ear.put("b", trial.notes("b"))

    def _show_round(self) -> None:
        test, trial = self.test, self._trial
        if trial is None:
            return
        number = [one.number for one in test.trials].index(trial.number) + 1
        self.heading.setText(f"Round {number} of {len(test.trials)}")
        waiting = test.ready - (trial.is_ready and trial.answer is None)
        left = "The next round is being composed" if not waiting else f"{waiting} composed ahead"
        self.ahead.setText("" if test.is_complete else left if trial.is_ready
                           else "Composing A and B; the source can be heard")  # fmt: skip
        for name, card in self.cards.items():
            set_enabled(card, "" if name == "source" or trial.is_ready else "It is being composed", card.hint)
        self._show_cards()
        self._show_told()

    def _show_cards(self) -> None:
        if self._trial is None:
            return
        for name, card in self.cards.items():
            own = self.ear.heard == name and self._playing == name
            card.show_state(is_playing=own and self.ear.is_playing, at=self.ear.position if own else 0.0)
        reason = self._why_no_answer()
        for closer, text, key in ANSWERS:
            set_enabled(self.answers[closer], reason, f"{text} ({key})")

    def _show_told(self) -> None:
        """Who was who, and the count so far, where the user wants to see it."""
        test, trial, on = self.test, self._trial, self.reveal.isChecked()
        answered = trial is not None and trial.answer is not None and on
        self.next.setVisible(answered)
        self.told.setVisible(answered)
        contest = test.contest
        if answered and contest is not None and trial is not None:
            names = (contest.first, contest.second)
            closer = {"first": names[0], "second": names[1]}.get(str(trial.answer))
            self.told.setText(
                f"The source was “{trial.title}”. A was “{names[trial.side('a')]}”, B was “{names[trial.side('b')]}”. "
                + (f"You said “{closer}” is closer." if closer else "You could not tell.")
            )
        counted = on and bool(test.answered) and contest is not None
        self.bar.setVisible(counted)
        self.worth.setVisible(counted)
        if counted and contest is not None:
            tally = test.tally
            self.bar.set_counts(contest.first, contest.second, (tally.first, tally.neither, tally.second))
            self.worth.setText(tally.in_words(contest.first, contest.second))

    def _reveal(self, on: bool) -> None:
        if on:
            self.test.peek()
        if self.test.is_on and self._trial is not None:
            if not on and self._trial.answer is not None:
                self.go_on()
            else:
                self._show_round()

    def _show_results(self) -> None:
        """The form, and the last test or what a test is."""
        self.setup.refresh()
        self.results.show_kept(self.test.kept)
        has = bool(self.test.kept.rows)
        self.results.setVisible(has)
        self.hint.setVisible(not has)
        self.pages.setCurrentIndex(0)

    # -- surroundings -----------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        # Without this the desk's keys (1 hears its style) would take these before the test sees them.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._wants(event):
            event.accept()
            return True
        return super().event(event)

    def _wants(self, event: QKeyEvent) -> bool:
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return plain and self.test.is_on and Qt.Key(event.key()) in KEYS

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._wants(event) or event.isAutoRepeat():
            super().keyPressEvent(event)
            return
        key = Qt.Key(event.key())
        for name, _, letter in CARDS:
            if key == getattr(Qt.Key, f"Key_{letter}"):
                self.hear(name)
        for closer, _, letter in ANSWERS:
            if key == getattr(Qt.Key, f"Key_{letter}"):
                self.answer(closer)
        if key == Qt.Key.Key_Space:
            self.hear(self._playing or "source")
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.go_on()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.test.is_on:
            self._give()
            self._show_cards()
            self.setFocus()
        else:
            self.setup.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        self._playing = None
        self.ear.leave()
        super().hideEvent(event)
