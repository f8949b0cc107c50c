"""From style A to style B in the paper's seven steps: composed at once, seen together, heard one by one."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.piano.features import Profile, profile, similarity
from engines.piano.midi import write_midi
from engines.piano.notes import Notes
from engines.piano.requests import ComposeRequest, ComposeSnapshot
from workbench.panels.base import Export
from workbench.panels.piano.asking import TOKENS_PER_SECOND
from workbench.panels.piano.auditions import Auditions
from workbench.panels.piano.composer import Composer
from workbench.panels.piano.takes import Reading, Take, Voice
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label, set_enabled
from workbench.widgets.exports import save_csv, save_png
from workbench.widgets.roll_stack import RollStack, StackRow

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel
    from workbench.panels.piano.pieces import Piece

STEPS: Final = (("0", 0.0), ("1/8", 0.125), ("3/8", 0.375), ("1/2", 0.5), ("5/8", 0.625), ("7/8", 0.875), ("1", 1.0))
"""The paper's alphas, as people write them: how far from A to B."""
MOST_TOKENS: Final = 20_000
SCORES: Final = ("Overlap with A", "Overlap with B")
SECOND_STYLES: Final = ("library/ragtime", "library/chorale")
"""What becomes style B where none is chosen: the first that is not A."""
DRAWN_EVERY_S: Final = 0.2
"""While it grows: seven rolls take 18 ms to paint …"""
JUDGED_EVERY_S: Final = 0.5
"""… and fourteen comparisons 8 ms."""
HINT: Final = (
    "Press Morph: seven pieces are composed at once from one seed, on the way from style A to style B, and you see "
    "and hear how the style moves. For 12 seconds each that takes about two seconds of one free processor core."
)


class MorphView(QWidget):
    """Run composes; a click on a roll plays it, the arrow keys go on from the same moment in the next."""

    run_text = "Morph"

    def __init__(self, panel: PianoPanel) -> None:
        super().__init__()
        self.panel = panel
        self.composer = Composer(panel)
        self.ear = Auditions(panel, "morph")
        self._reading = Reading()
        self._snapshot: ComposeSnapshot | None = None
        self._request: ComposeRequest | None = None
        self._pieces: tuple[Piece, Piece] | None = None
        self._profiles: tuple[Profile | None, Profile | None] = (None, None)
        self._scores = np.full((len(STEPS), 2), np.nan)
        self._drawn_at = self._judged_at = 0.0
        self.voices: tuple[Voice, ...] = ()
        self.said = ElidedLabel("From style A to style B of the settings, in the paper's seven steps.")
        self.seconds = QDoubleSpinBox()
        self.seconds.setRange(4.0, 60.0)
        self.seconds.setDecimals(0)
        self.seconds.setValue(12.0)
        self.seconds.setSuffix(" s each")
        self.seconds.setAccessibleName("Length of each piece")
        self.seconds.setToolTip("How much music for each of the seven steps")
        self.stack = RollStack(panel.services.theme, "Seven steps from style A to style B", hint=HINT)
        self.sources = {name: QPushButton(f"Hear {name}") for name in "AB"}
        self.take = QPushButton("Take to the desk")
        self.trend = label("", "small", muted=True, wrap=True)
        self._build()
        self._connect()
        self._settle()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.said, 1)
        head.addWidget(self.seconds)
        foot = QHBoxLayout()
        foot.addWidget(self.trend, 1)
        for button in (*self.sources.values(), self.take):
            foot.addWidget(button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID // 2, GRID, GRID, 0)
        rows.addLayout(head)
        rows.addWidget(self.stack, 1)
        rows.addLayout(foot)

    def _connect(self) -> None:
        self.composer.answered.connect(self._answered)
        self.composer.mode_changed.connect(self._mode_changed)
        self.composer.lost.connect(lambda text: self.panel.show_message(text, "warn"))
        self.ear.changed.connect(self._show_playhead)
        self.stack.row_pressed.connect(self.hear)
        self.stack.row_moved.connect(lambda row: self.hear(row, keep_moment=True) if self.ear.is_playing else None)
        self.stack.play_pressed.connect(self._toggle)
        self.take.clicked.connect(self.take_to_desk)
        for number_of, (name, button) in enumerate(self.sources.items()):
            button.clicked.connect(lambda _=False, n=number_of, key=name: self._hear_source(n, key))

    # -- the panel's contract with its tabs -------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        return self.composer.is_composing

    def start(self) -> None:
        """Compose all seven. Raises UserError when something is missing."""
        panel = self.panel
        panel.messages.clear("error")
        if "performance" not in panel.form.mode:
            raise UserError("this network is told no style", "choose another network on the left")
        if panel.music.is_awaited:
            raise UserError("the music is still being read", "try again in a moment")
        first, second = self._chosen()
        seconds = self.seconds.value()
        length = min(int(seconds * TOKENS_PER_SECOND), MOST_TOKENS)
        self._request = replace(
            panel.wanted(), styles=(first.tokens, second.tokens), shares=(), seconds=seconds, variations=len(STEPS),
            blends=tuple((1 - alpha, alpha) for _, alpha in STEPS), length=length,
        )  # fmt: skip
        self._pieces = (first, second)
        self._profiles = (_profile(first.style), _profile(second.style))
        self._scores[:] = np.nan
        self._reading, self._snapshot, self.voices = Reading(), None, ()
        self.ear.leave()
        self.said.setText(f"From {first.title} (A) to {second.title} (B): composing …")
        self.trend.setText("")
        self._show_rows()
        self._settle()
        self.composer.ask(self._request)

    def stop_stage(self) -> None:
        """Compose no more; what there is stays."""
        self.composer.stop()
        if self.voices and self._snapshot is not None and not self._snapshot.done:
            self._snapshot = replace(self._snapshot, done=True)
            self._finish("Stopped. ")
        elif self._snapshot is None:
            self.said.setText("Stopped.")

    def exports(self) -> list[Export]:
        def why() -> str:
            return "" if self._is_complete else "Morph something first."

        return [
            Export("morph", "Overlap with A and B as CSV", ".csv", lambda path: save_csv(self.columns(), path), why),
            Export("morph-midi", "The seven pieces as MIDI files", ".mid", self._write_midi, why),
            Export("morph-picture", "The seven pieces as a picture", ".png",
                   lambda path: save_png(self.stack.paint_into, self.stack.size(), path), why),
        ]  # fmt: skip

    def save_state(self) -> dict[str, Any]:
        return {"seconds": self.seconds.value()}

    def restore_state(self, state: dict[str, Any]) -> None:
        seconds = state.get("seconds")
        if isinstance(seconds, int | float) and self.seconds.minimum() <= seconds <= self.seconds.maximum():
            self.seconds.setValue(float(seconds))

    def close_stage(self) -> None:
        self.composer.close()

    # -- what is heard ----------------------------------------------------------------------------------------

    def hear(self, row: int, *, keep_moment: bool = False) -> None:
        """Play a piece from its beginning, or from the moment that is heard."""
        if not 0 <= row < len(self.voices):
            return
        self.stack.choose(row)
        self._give(row)
        self.ear.hear(str(row), keep_moment=keep_moment)

    def _give(self, row: int) -> None:
        voice = self.voices[row]
        if self._is_complete:
            self.ear.put(str(row), voice.notes)
        elif voice.horizon > 0:
            self.ear.extend(str(row), voice.notes, voice.horizon)

    def _hear_source(self, which: int, key: str) -> None:
        if self._pieces is None:
            return
        if self.ear.heard == key:
            self.ear.toggle()
            return
        self.ear.put(key, self._pieces[which].sounding)
        self.ear.hear(key)

    def _toggle(self) -> None:
        if self.ear.heard == str(self.stack.chosen):
            self.ear.toggle()
        else:
            self.hear(self.stack.chosen)

    def take_to_desk(self) -> None:
        """The chosen piece becomes a take on the desk."""
        row = self.stack.chosen
        if not self._is_complete or self._snapshot is None or self._request is None or self._pieces is None:
            return
        (text, alpha), (first, second), like = STEPS[row], self._pieces, self._scores[row, 0]
        title = f"{text} of the way from {first.title} to {second.title}; morph, seed {self._request.seed}"
        self.panel.takes.put(
            Take(
                title, self._request.seed, (self.voices[row],), done=True, z=self._snapshot.variations[row].z,
                tokens_per_second=self._snapshot.tokens_per_second, remarks=self._snapshot.remarks,
                alike={} if np.isnan(like) else {0: float(like)},
                request=replace(self._request, shares=(1 - alpha, alpha), blends=(), variations=1),
            )
        )  # fmt: skip
        self.panel.tabs.setCurrentIndex(0)
        self.panel.desk.bar.hear("result")

    # -- what is shown ----------------------------------------------------------------------------------------

    @property
    def _is_complete(self) -> bool:
        return self._snapshot is not None and self._snapshot.done and bool(self.voices)

    def columns(self) -> dict[str, np.ndarray]:
        """The table: a row for each alpha."""
        first, second = (piece.title for piece in self._pieces) if self._pieces else ("", "")
        count = len(STEPS)
        return {
            "alpha": np.array([alpha for _, alpha in STEPS]),
            "style A": np.array([first] * count),
            "style B": np.array([second] * count),
            "overlap with A": self._scores[:, 0],
            "overlap with B": self._scores[:, 1],
            "share of B": self._shares(),
            "notes": np.array([len(voice.notes) for voice in self.voices]),
            "seconds": np.array([voice.clock for voice in self.voices]),
            "seed": np.array([self._request.seed if self._request is not None else 0] * count),
        }

    def _answered(self, snapshot: ComposeSnapshot) -> None:
        if snapshot.problem:
            self.panel.show_message(snapshot.problem, "error")
            self.said.setText("Nothing was composed.")
            return
        self._snapshot = snapshot
        self.voices = self._reading.voices(snapshot)
        now = time.monotonic()
        if snapshot.done:
            self._finish("")
            return
        if now - self._judged_at > JUDGED_EVERY_S:
            self._judged_at = now
            self._judge()
        if self.ear.heard.isdigit():
            self._give(int(self.ear.heard))
        if now - self._drawn_at > DRAWN_EVERY_S:
            self._drawn_at = now
            self._show_rows()
            self._settle()

    def _finish(self, before: str) -> None:
        """All is there: the figures, and every piece ready to be heard."""
        snapshot = self._snapshot
        assert snapshot is not None and self._pieces is not None
        self._judge()
        self._show_rows()
        if self.isVisible():
            for row in range(len(self.voices)):
                self._give(row)
        first, second = self._pieces
        remarks = " ".join(("", *snapshot.remarks))
        self.said.setText(
            f"{before}From {first.title} (A) to {second.title} (B), in {snapshot.milliseconds / 1000:.1f} s.{remarks}"
        )
        self.trend.setText(self._trend())
        self._settle()

    def _judge(self) -> None:
        """How alike each piece is to A and to B; NaN for what is too short yet."""
        for row, voice in enumerate(self.voices):
            own = _profile(voice.notes)
            for which, source in enumerate(self._profiles):
                known = own is not None and source is not None
                self._scores[row, which] = similarity(own, source).overlap if known else np.nan  # type: ignore[arg-type]

    def _shares(self) -> np.ndarray:
        """float64 [7]: B's part of both overlaps."""
        total = self._scores.sum(axis=1)
        return np.divide(self._scores[:, 1], total, out=np.full(len(total), np.nan), where=total > 0)

    def _trend(self) -> str:
        shares = self._shares()
        if np.isnan(shares).any():
            return "Some pieces are too short to be compared: four seconds of notes are needed."
        up = int((np.diff(shares) > 0).sum())
        return (
            f"B's part of both overlaps goes from {shares[0]:.2f} to {shares[-1]:.2f} and "
            f"rises in {up} of {len(shares) - 1} steps. One piece for each step: another seed gives other figures."
        )

    def _show_rows(self) -> None:
        rows = [
            StackRow(
                text,
                self.voices[k].notes if k < len(self.voices) else None,
                (float(self._scores[k, 0]), float(self._scores[k, 1])),
            )
            for k, (text, _) in enumerate(STEPS)
        ]
        self.stack.set_rows(rows, SCORES, self._request.seconds if self._request is not None else self.seconds.value())

    def _show_playhead(self) -> None:
        heard = self.ear.heard
        self.stack.set_playhead(self.ear.position if heard == str(self.stack.chosen) else None)
        for key, button in self.sources.items():
            button.setText(f"Pause {key}" if heard == key and self.ear.is_playing else f"Hear {key}")

    def _settle(self) -> None:
        """What can be pressed now, and why not."""
        for which, (key, button) in enumerate(self.sources.items()):
            tip = f"Play {self._pieces[which].title}, style {key}" if self._pieces else ""
            set_enabled(button, "" if self._pieces else "Morph something first", tip)
        reason = "" if self._is_complete else "It is composing" if self.is_running else "Morph something first"
        set_enabled(self.take, reason, "Put the chosen piece among the takes of the desk")

    def _mode_changed(self, _: str) -> None:
        self._settle()
        self.panel.show_run_state()

    # -- inside -----------------------------------------------------------------------------------------------

    def _chosen(self) -> tuple[Piece, Piece]:
        """Styles A and B of the form; a B is chosen where there is none. Raises UserError."""
        form, shelf = self.panel.form, self.panel.shelf
        if not form.style_keys[1]:
            form.choose(form.style_b, next(key for key in SECOND_STYLES if key != form.style_keys[0]))
        first, second = (shelf.find(key) for key in form.style_keys)
        if first is None or second is None:
            raise UserError("two styles are needed", "choose style A and style B on the left")
        if first is second or form.style_keys[0] == form.style_keys[1]:
            raise UserError("styles A and B are the same piece", "choose another style B on the left")
        return first, second

    def _write_midi(self, path: Path) -> str:
        for (text, _), voice in zip(STEPS, self.voices, strict=True):
            write_midi(path.with_name(f"{path.stem}-{text.replace('/', '-')}{path.suffix}"), voice.notes)
        return f"Saved {len(self.voices)} files, {path.stem}-0{path.suffix} to {path.stem}-1{path.suffix}"

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_complete:
            for row in range(len(self.voices)):
                self._give(row)

    def hideEvent(self, event: QHideEvent) -> None:
        self.ear.leave()
        super().hideEvent(event)


def _profile(notes: Notes) -> Profile | None:
    try:
        return profile(notes)
    except UserError:
        return None
