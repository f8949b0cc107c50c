"""What a listening test compares, and on which music: the small form, and the rounds made of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QSpinBox, QWidget

from engines.core.errors import UserError
from engines.core.weights import ModelCard
from engines.piano import library
from engines.piano.codec import decode, encode_melody
from engines.piano.listening import excerpt, plan
from engines.piano.models import list_models
from engines.piano.requests import ComposeRequest
from engines.piano.shipped import STYLE, UNCONDITIONAL
from workbench.panels.piano.asking import TOKENS_PER_SECOND
from workbench.panels.piano.blind_test import SPARE_S, Contest, Trial
from workbench.theme import GRID
from workbench.widgets.basics import label, set_enabled

if TYPE_CHECKING:
    from engines.piano.notes import Notes
    from workbench.panels.piano.panel import PianoPanel
    from workbench.panels.piano.pieces import Piece
    from workbench.panels.piano.takes import Take

NETWORKS, TAKES = "networks", "takes"
LIBRARY, OWN, ALL = "library", "own", "all"
TUNE, DESK, NONE = "tune", "desk", "none"
_CHOICES: Final = {
    "kind": ("Compare", ((NETWORKS, "two networks"), (TAKES, "the take of now and a rival"))),
    "first": ("First", ()),
    "second": ("Second", ()),
    "pieces": ("Styles of", ((LIBRARY, "pieces that come with it"), (OWN, "your own pieces"), (ALL, "all pieces"))),
    "melody": ("Melody", ((TUNE, "another tune each round"), (DESK, "the melody on the desk"), (NONE, "none"))),
}  # fmt: skip
_TIPS: Final = {
    "kind": "Whose results are compared",
    "first": "One contestant; in each round chance decides whether it is heard as A or as B",
    "second": "The other contestant",
    "pieces": "Where the sources are taken from; each is heard once before any comes again",
    "melody": "What networks that are told a melody play; both get the same",
}
_NUMBERS: Final = {
    "rounds": ("Rounds", 1, 40, 10, "", "Questions; at least 6 answers that decide are needed to show anything"),
    "seconds": ("Length", 4, 30, 10, " s", "Of each piece that is heard"),
    "seed": ("Seed", 0, 99_999, 0, "", "Draws the order, who is A, and what is composed; one more after each test"),
}  # fmt: skip
Rounds = tuple[Contest, list[Trial], list[tuple[ComposeRequest, ComposeRequest]]]


class BlindSetup(QWidget):
    """changed(): something else was chosen."""

    changed = Signal()

    def __init__(self, panel: PianoPanel) -> None:
        super().__init__()
        self.panel = panel
        self._cards: dict[str, ModelCard] = {}
        self._wanted: dict[str, str] = {}
        self.boxes: dict[str, QComboBox] = {}
        self.spins: dict[str, QSpinBox] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GRID)
        places = ("kind", "pieces", "first", "melody", "second", "")
        for number, name in enumerate(places):
            if name:
                self._put(grid, number, _CHOICES[name][0], self._box(name))
        for number, name in enumerate(_NUMBERS):
            text, low, high, value, unit, tip = _NUMBERS[name]
            spin = self.spins[name] = QSpinBox()
            spin.setRange(low, high)
            spin.setValue(value)
            spin.setSuffix(unit)
            spin.setToolTip(tip)
            spin.setAccessibleName(text)
            caption = label(text, muted=True)
            caption.setBuddy(spin)
            grid.addWidget(caption, number, 4)
            grid.addWidget(spin, number, 5)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self.boxes["kind"].currentIndexChanged.connect(lambda _: self.refresh())
        self.refresh()

    def _box(self, name: str) -> QComboBox:
        box = self.boxes[name] = QComboBox()
        box.setAccessibleName(_CHOICES[name][0])
        box.setToolTip(_TIPS[name])
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(10)
        for key, text in _CHOICES[name][1]:
            box.addItem(text, key)
        box.activated.connect(lambda _: self._chosen(name))
        return box

    @staticmethod
    def _put(grid: QGridLayout, number: int, text: str, box: QComboBox) -> None:
        caption = label(text, muted=True)
        caption.setBuddy(box)
        grid.addWidget(caption, number // 2, 2 * (number % 2))
        grid.addWidget(box, number // 2, 2 * (number % 2) + 1)

    def _chosen(self, name: str) -> None:
        self._wanted[name] = self.value(name)
        self.changed.emit()

    def value(self, name: str) -> str:
        """The key that is chosen in a box."""
        return str(self.boxes[name].currentData() or "")

    def choose(self, name: str, key: str) -> None:
        """Choose in a box; what is not there yet is chosen once it is."""
        self._wanted[name] = key
        found = self.boxes[name].findData(key)
        if found >= 0:
            self.boxes[name].setCurrentIndex(found)

    def go_on(self) -> None:
        """Another seed for the next test: the same one would ask the same again."""
        spin = self.spins["seed"]
        spin.setValue((spin.value() + 1) % (spin.maximum() + 1))

    # -- lists ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the lists of networks and takes again; what was chosen stays."""
        of_takes = self.value("kind") == TAKES
        self._cards = {card.name: card for card in list_models() if card.architecture.get("mode") != "unpooled"}
        takes = self.panel.takes
        rivals = [(str(n), f"{n + 1}: {take.title}") for n, take in enumerate(takes.all) if take.done]
        own = next((row for row in rivals if takes.all[int(row[0])] is takes.current), None)
        networks = [(name, card.title or name) for name, card in self._cards.items()]
        lists = ([own] if own is not None else [], [r for r in rivals if r is not own]) if of_takes else (networks,) * 2
        for name, rows, first in zip(("first", "second"), lists, (STYLE, UNCONDITIONAL), strict=True):
            box = self.boxes[name]
            with QSignalBlocker(box):
                box.clear()
                for key, text in rows:
                    box.addItem(text, key)
                if not rows:
                    box.addItem("none yet", "")
                at = box.findData(self._wanted.get(name, first))
                box.setCurrentIndex(
                    at if at >= 0 else min(1, box.count() - 1) if name == "second" and not of_takes else 0
                )
        why = "Takes were composed already" if of_takes else ""
        for widget in (self.boxes["pieces"], self.boxes["melody"], self.spins["rounds"]):
            widget.setToolTip(why or _TIPS.get(self._name(widget), "") or _NUMBERS["rounds"][5])
            widget.setEnabled(not why)
        set_enabled(self.boxes["first"], "The take that the desk shows" if of_takes else "", _TIPS["first"])
        self.changed.emit()

    def _name(self, widget: QWidget) -> str:
        return next((name for name, box in self.boxes.items() if box is widget), "")

    def save_state(self) -> dict[str, Any]:
        return {**{n: self.value(n) for n in self.boxes}, **{n: spin.value() for n, spin in self.spins.items()}}

    def restore_state(self, state: Any) -> None:
        """Take up what `save_state` said; ignore what does not fit."""
        if not isinstance(state, dict):
            return
        for name in self.boxes:
            if isinstance(state.get(name), str):
                self.choose(name, state[name])
        for name, spin in self.spins.items():
            value = state.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and spin.minimum() <= value <= spin.maximum():
                spin.setValue(value)

    # -- rounds -----------------------------------------------------------------------------------------------

    def rounds(self) -> Rounds:
        """A test as the form says. Raises UserError where something is missing."""
        return self._of_takes() if self.value("kind") == TAKES else self._of_networks()

    def _of_networks(self) -> Rounds:
        names = sorted(filter(None, {self.value("first"), self.value("second")}))
        if not names:
            raise UserError("there is no trained network yet", "train one in the tab “Training lab”")
        if len(names) < 2:
            raise UserError("both contestants are the same network", "choose two different ones")
        seconds, seed = float(self.spins["seconds"].value()), self.spins["seed"].value()
        sources = self._sources()
        titles = [self._cards[name].title or name for name in names]
        contest = Contest(titles[0], titles[1], f"networks {' | '.join(names)}", seconds)
        how = self.panel.form.how.read()
        melodies = self._melodies(seed)
        trials: list[Trial] = []
        requests: list[tuple[ComposeRequest, ComposeRequest]] = []
        for number, one in enumerate(plan(len(sources), self.spins["rounds"].value(), seed)):
            piece, melody = sources[one.source], next(melodies)
            heard = excerpt(piece.sounding, seconds, one.begin)
            trials.append(Trial(number, piece.title, heard, one.seed, one.is_swapped))
            base = ComposeRequest(
                0, styles=(piece.tokens,), temperature=how.temperature, top_p=how.top_p, grammar=how.grammar,
                seed=one.seed, seconds=seconds + SPARE_S, length=int((seconds + SPARE_S) * TOKENS_PER_SECOND),
            )  # fmt: skip
            requests.append((self._told(base, names[0], melody), self._told(base, names[1], melody)))
        return contest, trials, requests

    def _told(self, base: ComposeRequest, name: str, melody: np.ndarray | None) -> ComposeRequest:
        """What a network reads of style and melody."""
        mode = str(self._cards[name].architecture.get("mode", ""))
        told = replace(base, weights=name, styles=base.styles if "performance" in mode else ())
        return replace(told, melody=melody) if melody is not None and "melody" in mode else told

    def _sources(self) -> list[Piece]:
        shelf, kind = self.panel.shelf, self.value("pieces")
        keys = [key for key, _, _ in shelf.names("style") if kind == ALL or key.startswith("library/") == (kind != OWN)]
        found = [piece for key in keys if (piece := shelf.find(key)) is not None and len(piece.notes) > 1]
        if not found:
            raise UserError(
                "none of your pieces is on the desk's list yet",
                "drop a MIDI file, or choose the pieces that come with it",
            )
        return found

    def _melodies(self, seed: int) -> Any:
        """An endless iterator over melody tokens; None for no melody."""
        kind = self.value("melody")
        if kind == TUNE:
            names = np.random.default_rng((seed, 1)).permutation(np.array(library.melody_names()))
            return cycle([encode_melody(library.item(str(name)).notes) for name in names])
        melody = self.panel.music.melody if kind == DESK else None
        return cycle([encode_melody(melody) if melody is not None else None])

    def _of_takes(self) -> Rounds:
        takes = self.panel.takes
        key = self.value("second")
        own, rival = takes.current, takes.all[int(key)] if key.isdigit() and int(key) < len(takes.all) else None
        if own is None or rival is None or own is rival or not (own.done and rival.done):
            raise UserError("two finished takes are needed", "compose twice on the desk, then choose a rival")
        source, title = self._source_of(own)
        seconds, seed = float(self.spins["seconds"].value()), self.spins["seed"].value()
        heard = excerpt(source, seconds)
        pairs = list(zip(own.voices, rival.voices, strict=False))
        trials: list[Trial] = []
        for one, (first, second) in zip(plan(1, len(pairs), seed), pairs, strict=True):
            cut = tuple(excerpt(voice.notes, seconds) for voice in (first, second))
            if not all(len(notes) for notes in cut):
                continue
            trials.append(Trial(len(trials), title, heard, one.seed, one.is_swapped, cut))  # type: ignore[arg-type]
        if not trials:
            raise UserError("these takes have no variations with notes to compare", "compose again")
        contest = Contest(own.title, rival.title, f"takes {own.title} | {rival.title}", seconds)
        return contest, trials, []

    def _source_of(self, take: Take) -> tuple[Notes, str]:
        """What a take was told as its style (the larger part of a blend), else style A of the desk."""
        asked = take.request
        if asked is not None and asked.styles:
            shares = asked.shares or (1.0,) * len(asked.styles)
            return decode(asked.styles[int(np.argmax(shares))]), take.title.split(";")[0]
        piece = self.panel.shelf.find(self.panel.form.style_keys[0])
        if piece is None:
            raise UserError("there is no style to hold the takes against", "choose a performance as style A")
        return piece.sounding, piece.title
