"""The column at the right: the variations of a take, how alike each is to the style, and the takes before."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from engines.piano.alignment import KINDS, kinds_of
from engines.piano.codec import describe
from engines.piano.vocabulary import VOCABULARY
from workbench.panels.piano.takes import Takes
from workbench.theme import GRID, Theme
from workbench.widgets.basics import icon_button, label, number, percent
from workbench.widgets.next_tokens import NextTokens
from workbench.widgets.token_stream import TokenStream

WORDS = tuple(describe(token) for token in range(VOCABULARY))
"""Every token in words: thousands are shown fifteen times a second."""


class Variations(QWidget):
    """A button for each variation; arrows go through the takes."""

    def __init__(self, theme: Theme, takes: Takes) -> None:
        super().__init__()
        self.takes = takes
        self.setFixedWidth(240)
        self.group = QButtonGroup(self)
        self.group.setExclusive(True)
        self.group.idClicked.connect(takes.choose)
        self.back = icon_button("undo", "The take before (Ctrl+Z)", lambda: takes.go(-1))
        self.on = icon_button("redo", "The take after (Ctrl+Y)", lambda: takes.go(1))
        self.place = label("No take yet", "small", muted=True)
        self.note = label("", "small", muted=True, wrap=True)
        head = QHBoxLayout()
        head.addWidget(label("Variations", "strong"), 1)
        head.addWidget(self.back)
        head.addWidget(self.on)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(GRID // 2)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID, 0, 0, 0)
        rows.addLayout(head)
        rows.addWidget(self.place)
        rows.addLayout(self._rows)
        rows.addWidget(self.note)
        self.said = label("", "small", muted=True, wrap=True)
        self.next = NextTokens(theme)
        self.next.setMaximumHeight(170)
        self.tokens = TokenStream(theme)
        rows.addWidget(label("Tokens", "strong"))
        rows.addWidget(self.tokens, 1)
        rows.addWidget(self.said)
        rows.addWidget(self.next)
        takes.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the take as it is now."""
        take, (place, count) = self.takes.current, self.takes.place
        for button, step in ((self.back, -1), (self.on, 1)):
            reason = self.takes.why_not(step)
            button.setEnabled(not reason)
            button.setToolTip(reason or ("The take before (Ctrl+Z)" if step < 0 else "The take after (Ctrl+Y)"))
        self.place.setText(f"Take {place} of {count}" if take is not None else "No take yet")
        voices = take.voices if take is not None else ()
        while self._rows.count() > len(voices):
            gone = self.group.button(self._rows.count() - 1)
            self._rows.removeWidget(gone)
            self.group.removeButton(gone)
            gone.hide()
            gone.deleteLater()
        while self._rows.count() < len(voices):
            fresh = QToolButton()
            fresh.setCheckable(True)
            fresh.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            fresh.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self.group.addButton(fresh, self._rows.count())
            self._rows.addWidget(fresh)
        for which, voice in enumerate(voices):
            shown = self.group.button(which)
            alike = take.alike.get(which) if take is not None else None
            text = f"{which + 1}:  {len(voice.notes)} notes, {voice.clock:.0f} s"
            if alike is not None:
                text += f", {percent(alike, 0)} alike"
            shown.setText(text)
            shown.setToolTip(
                "Hear this variation (Alt+Up, Alt+Down). Alike: overlapping area of eight features with the style, "
                "100 % is the same"
            )
        if take is not None and voices:
            self.group.button(take.chosen).setChecked(True)
        self.note.setText(" ".join(take.remarks) if take is not None else "")
        self._show_tokens()

    def _show_tokens(self) -> None:
        take = self.takes.current
        voice = take.voice if take is not None else None
        if take is None or voice is None or not len(voice.tokens):
            self.tokens.set_tokens((), np.zeros(0, int), np.zeros(0), kind_names=KINDS)
            self.said.setText("")
            self.next.set_next((), np.zeros(0), np.zeros(0, int), kind_names=KINDS)
            return
        tokens = voice.tokens.astype(int)
        kinds = kinds_of(tokens)
        self.tokens.set_tokens(
            [WORDS[t] for t in tokens.tolist()], kinds, voice.times, kind_names=KINDS, surprise=voice.nll
        )
        top = voice.top.astype(int)
        self.next.set_next(
            [WORDS[t] for t in top.tolist()], voice.shares, kinds_of(top), kind_names=KINDS,
            taken=int(np.argmax(top == tokens[-1])) if (top == tokens[-1]).any() else -1,
        )  # fmt: skip
        known = voice.nll[np.isfinite(voice.nll)]
        mean = f"{number(float(known.mean()))} nats a token on average. " if len(known) else ""
        self.said.setText(f"{mean}The newest draw, of what could have been drawn:")
