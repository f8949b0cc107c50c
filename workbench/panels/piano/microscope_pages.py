"""The lower half of the microscope: tokens and what was expected, where attention goes, how loudly the style speaks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QSplitter, QVBoxLayout, QWidget

from engines.piano.alignment import KINDS, kinds_of
from engines.piano.requests import InspectSnapshot
from workbench.panels.piano.microscope_subject import Findings
from workbench.panels.piano.variations import WORDS
from workbench.theme import GRID, Theme
from workbench.widgets.basics import label, number, percent
from workbench.widgets.matrix_view import MatrixView
from workbench.widgets.next_tokens import NextTokens
from workbench.widgets.plots import Plot
from workbench.widgets.token_stream import TokenStream


class TokenPage(QWidget):
    """The tokens as chips, and what the network expected in one place. token_chosen(index)."""

    token_chosen = Signal(int)

    def __init__(self, theme: Theme, tip: Callable[[int], str]) -> None:
        super().__init__()
        self.findings: Findings | None = None
        self.shown = -1
        self.stream = TokenStream(theme, "Tokens of the piece")
        self.stream.set_tips(self._more)
        self.said = label("", "small", wrap=True)
        self.next = NextTokens(theme, "What the network expected")
        right = QWidget()
        rows = QVBoxLayout(right)
        rows.setContentsMargins(GRID, 0, 0, 0)
        rows.addWidget(self.said)
        rows.addWidget(self.next, 1)
        parts = QSplitter(Qt.Orientation.Horizontal)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self.stream)
        parts.addWidget(right)
        parts.setSizes([320, 260])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(parts)
        self._tip = tip
        self.stream.token_chosen.connect(self.token_chosen)

    def show_findings(self, findings: Findings | None) -> None:
        """Show the tokens of a subject and what is known of them."""
        self.findings = findings
        if findings is None:
            self.stream.set_tokens((), np.zeros(0, int), np.zeros(0), kind_names=KINDS)
        else:
            subject = findings.subject
            self.stream.set_tokens(
                [WORDS[t] for t in subject.tokens.tolist()], subject.kinds, subject.times, kind_names=KINDS,
                surprise=findings.nats(),
            )  # fmt: skip
        self.show_place(self.shown if findings is not None and self.shown < len(findings.subject.tokens) else -1)

    def show_place(self, index: int) -> None:
        """What was expected in one place; -1 for none."""
        self.shown = index
        findings = self.findings
        found = findings.expected(index) if findings is not None else None
        if findings is None or index < 0:
            self.said.setText("Choose a token, or play: what was expected in its place is shown here.")
        else:
            likely = findings.likelihood(index)
            more = f": {likely}. Expected here:" if likely else ": not read yet."
            self.said.setText(findings.heading(index) + more)
        if findings is None or found is None:
            self.next.set_next((), np.zeros(0), np.zeros(0, int), kind_names=KINDS)
            return
        top, shares, by_kind = found
        is_own = top == findings.subject.tokens[index]
        self.next.set_next(
            [WORDS[t] for t in top.tolist()], shares, kinds_of(top), kind_names=KINDS, kind_shares=by_kind,
            taken=int(np.argmax(is_own)) if is_own.any() else -1,
        )  # fmt: skip

    def _more(self, index: int) -> str:
        """What a chip's tooltip has beyond the token itself."""
        return "\n".join(self._tip(index).splitlines()[1:])


class AttentionPage(QWidget):
    """A heat map of heads by distance, and a plot of layers; a click on a head draws it too."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._snapshot: InspectSnapshot | None = None
        self._head: tuple[int, int] | None = None
        self.map = MatrixView(
            theme, "Where attention goes", row_title="layer, head", column_title="tokens back", shown="percent",
            empty="How far back each head of the decoder looks",
        )  # fmt: skip
        self.plot = Plot(theme, title="How far the layers look back", x="tokens back, up to", y="attention", y_unit="%")
        parts = QSplitter(Qt.Orientation.Horizontal)
        parts.setChildrenCollapsible(False)
        scroll = QScrollArea()  # a large network has fifty heads
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.map)
        parts.addWidget(scroll)
        parts.addWidget(self.plot)
        parts.setSizes([300, 280])
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(parts)
        self.map.cell_clicked.connect(self._choose)

    def show_snapshot(self, snapshot: InspectSnapshot | None) -> None:
        """Draw attention as it was on average."""
        self._snapshot = snapshot
        if snapshot is None or not snapshot.attention.size:
            self.map.set_headers((), ())
            self.plot.clear()
            return
        layers, heads, bins = snapshot.attention.shape
        if self._head is not None and not (self._head[0] < layers and self._head[1] < heads):
            self._head = None
        names = [f"{layer + 1}, {head + 1}" for layer in range(layers) for head in range(heads)]
        self.map.set_headers(names, distances(snapshot.back))
        self.map.set_range(0.0, max(float(snapshot.attention.max()), 0.01))
        self.map.set_values(snapshot.attention.reshape(-1, bins))
        self.map.setMinimumSize(self.map.minimumSizeHint())
        self._draw()

    def _choose(self, row: int, _: int) -> None:
        if self._snapshot is not None:
            heads = self._snapshot.attention.shape[1]
            head = (row // heads, row % heads)
            self._head = None if head == self._head else head
            self._draw()

    def _draw(self) -> None:
        snapshot = self._snapshot
        assert snapshot is not None
        x = np.arange(len(snapshot.back), dtype=float)
        for layer, shares in enumerate(snapshot.attention.mean(1)):
            self.plot.set_curve(f"layer {layer}", x, 100 * shares, name=f"layer {layer + 1}", colour=layer,
                                style="line and points")  # fmt: skip
        self.plot.set_curve("even", x, 100 * snapshot.even, name="if it minded nothing", colour="muted", style="dashed")
        self.plot.remove("head")
        if self._head is not None:
            layer, head = self._head
            self.plot.set_curve("head", x, 100 * snapshot.attention[layer, head],
                                name=f"layer {layer + 1}, head {head + 1}", colour="accent")  # fmt: skip
        self.plot.set_range(x=(-0.4, len(x) - 0.4))
        self.plot.set_ticks(
            "bottom", [(at, str(back)) for at, back in zip(x.tolist(), snapshot.back.tolist(), strict=True)]
        )


class StylePage(QWidget):
    """How loudly the style speaks: norms of what attention to the memory adds, against what it is added to."""

    BARS: Final = (
        ("stream", "residual stream"),
        ("cross", "attention to the memory"),
        ("style", "style alone, |W_o W_v z|"),
    )

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.plot = Plot(theme, title="How loudly the style speaks", x="layer", y="norm")
        self.said = label("What the style adds in each layer, against what it is added to.", "small", wrap=True)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.plot, 1)
        rows.addWidget(self.said)

    def show_snapshot(self, snapshot: InspectSnapshot | None) -> None:
        """Draw the norms of every layer."""
        self.plot.clear()
        if snapshot is None or not len(snapshot.stream):
            told = "This network is told nothing, so nothing is added." if snapshot is not None else ""
            self.said.setText(told or "What the style adds in each layer, against what it is added to.")
            return
        layers = np.arange(1, len(snapshot.stream) + 1, dtype=float)
        for k, (key, name) in enumerate(self.BARS):
            heights = getattr(snapshot, key)
            if len(heights):
                self.plot.set_bars(key, layers + 0.27 * (k - 1), heights, name=name, width=0.25, colour=k)
        self.plot.set_ticks("bottom", [(layer, f"{layer:.0f}") for layer in layers])
        self.said.setText(loudness_in_words(snapshot))


def distances(back: np.ndarray) -> list[str]:
    """Bins of distances as people write them: "1", "2", "3–4", "5–8" …"""
    ends = [0, *back.tolist()]
    return [str(b) if b == a + 1 else f"{a + 1}–{b}" for a, b in pairwise(ends)]


def loudness_in_words(snapshot: InspectSnapshot) -> str:
    """The norms as shares, and where attention to the memory goes."""
    if not len(snapshot.style):
        return "No style is told to this network; attention to the memory is attention to the melody."
    parts = ", ".join(percent(float(v), 0) for v in snapshot.style / np.maximum(snapshot.stream, 1e-9))
    said = f"The style's vector alone has {parts} of the norm that it is added to, from the first layer to the last."
    if len(snapshot.slots):
        melody, stop, style = snapshot.slots.mean(0)
        said += (
            f" Of the attention to the memory {percent(float(style), 0)} goes to the style's slot, "
            f"{percent(float(stop), 0)} to the empty one and {percent(float(melody), 0)} to the melody."
        )
    return said


def means_in_words(findings: Findings, marked: np.ndarray | None = None) -> str:
    """Average surprise, and what each thing that the network is told saves; of some tokens where they are chosen."""
    snapshot = findings.snapshot
    if snapshot is None:
        return ""
    part = np.ones(len(findings.subject.tokens), bool) if marked is None else marked
    own = findings.nats()[part]
    known = own[np.isfinite(own)]
    if not len(known):
        return "Nothing of this part was read."
    said = f"{len(known):,} tokens".replace(",", "\u202f") + f", {number(float(known.mean()))}\u202fnats each"
    for name, words in (
        ("no style", "the style saves {} against none"), ("other style", "{} against another piece's"),
        ("no melody", "the melody saves {}"),
    ):  # fmt: skip
        if name in snapshot.nll:
            saved = findings.saved(name)[part]
            said += "; " + words.format(number(float(np.nanmean(saved))))
    return said + "."
