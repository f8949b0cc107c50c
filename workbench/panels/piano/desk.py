"""The first tab: the style, the melody and the result on one time axis, a keyboard, and the variations."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLayout, QSplitter, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from engines.piano.alignment import of_notes
from engines.piano.notes import Notes
from workbench.audio.player import Player
from workbench.panels.piano.recorder import Recorder
from workbench.panels.piano.roll_box import RollBox, text_button
from workbench.panels.piano.takes import Takes, Voice
from workbench.panels.piano.transport_bar import TransportBar
from workbench.panels.piano.variations import Variations
from workbench.theme import GRID, Theme
from workbench.widgets.colour_key import ColourKey
from workbench.widgets.falling_notes import FallingNotes
from workbench.widgets.keyboard_view import KeyboardView
from workbench.widgets.mini_map import MiniMap
from workbench.widgets.piano_roll import PianoRoll, Region
from workbench.widgets.roll_keys import press_key
from workbench.widgets.roll_notes import RollNotes
from workbench.widgets.roll_painting import Lane
from workbench.widgets.timeline import Timeline

WIDE: Final = 780
"""Pixels of width from which the variations have a column of their own."""
TALL: Final = 560
"""Pixels of height from which overview and keyboard are shown below the rolls."""
MAP_S: Final = 0.3
"""Seconds between two paintings of the overview and the falling notes while they grow: each is a painting of all."""
HOW_TO_PLAY: Final = "Play below, or on the row A S D F; time counts from the first key"
LEAST: Final = QSize(500, 440)
NAMES: Final = ("style", "melody", "result")
MOST_NATS: Final = 6.0
"""Surprise at which colours and bars are full: a little above that of a guess among all tokens, ln 310 = 5.74."""


class Desk(QWidget):
    """melody_edited(Notes): the user drew in the melody. open_asked(name): the Open button of a roll."""

    melody_edited = Signal(object)
    open_asked = Signal(str)

    def __init__(self, theme: Theme, player: Player, takes: Takes) -> None:
        super().__init__()
        self.player, self.takes = player, takes
        self.timeline = Timeline(self)
        self.boxes = {
            "style": RollBox(theme, self.timeline, "Style", "Choose a performance, or drop a MIDI file here"),
            "melody": RollBox(theme, self.timeline, "Melody", "No melody: the network invents one"),
            "result": RollBox(theme, self.timeline, "Result", "Press Compose: music appears while it is written"),
        }
        self.keyboard = KeyboardView(theme)
        self.map = MiniMap(theme, self.timeline)
        self.bar = TransportBar(player, self.timeline)
        self.variations = Variations(theme, takes)
        self.recorder = Recorder(self)
        self.records: dict[str, QToolButton] = {}
        self._said_before: dict[str, str] = {}
        self._map_shown_at = 0.0
        self.falling = FallingNotes(theme, self.timeline, self.keyboard)
        for name in ("style", "result"):
            self.roll(name).set_values(None, "surprise", "nats", high=MOST_NATS)
        self.colours = ColourKey(theme, [self.roll(name) for name in ("result", "style")])
        self.edit = text_button("Edit", "Draw and move notes of the melody; Ctrl+Z takes a step back", checkable=True)
        self._build()
        self._connect()

    def roll(self, name: str) -> PianoRoll:
        """The roll of "style", "melody" or "result"."""
        return self.boxes[name].roll

    def _build(self) -> None:
        for name in ("style", "melody"):
            button = text_button("Open MIDI…", f"A MIDI file of yours as the {name}")
            button.clicked.connect(lambda _=False, n=name: self.open_asked.emit(n))
            record = text_button(
                "Record", f"Play the {name} on the keys; the clock starts with the first one", checkable=True
            )
            record.clicked.connect(lambda on, n=name: self.recorder.begin(n) if on else self.recorder.end())
            self.records[name] = record
            if name == "melody":
                self.boxes[name].add(self.edit)
            self.boxes[name].add(record)
            self.boxes[name].add(button)
        self.boxes["result"].add(self.colours)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setChildrenCollapsible(False)
        for name in NAMES:
            self.splitter.addWidget(self.boxes[name])
        self.splitter.setSizes([200, 130, 320])
        music = QVBoxLayout()
        music.setContentsMargins(0, 0, 0, 0)
        music.setSpacing(GRID // 2)
        music.addWidget(self.bar)
        self.views = QStackedWidget()
        self.views.addWidget(self.splitter)
        self.views.addWidget(self.falling)
        music.addWidget(self.views, 1)
        self.map.setFixedHeight(36)
        music.addWidget(self.map)
        self.keyboard.setFixedHeight(64)
        music.addWidget(self.keyboard)
        columns = QHBoxLayout(self)
        columns.setContentsMargins(GRID // 2, GRID, GRID // 2, 0)
        # Parts that are hidden where there is no room would otherwise keep that room.
        columns.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        columns.addLayout(music, 1)
        columns.addWidget(self.variations)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.variations.setVisible(event.size().width() >= WIDE)
        tall = event.size().height() >= TALL
        self.map.setVisible(tall)
        self._show_keyboard()

    def minimumSizeHint(self) -> QSize:
        return LEAST.expandedTo(QSize(self.bar.minimumSizeHint().width() + GRID, 0))

    def _connect(self) -> None:
        player, takes = self.player, self.takes
        for name in NAMES:
            roll = self.roll(name)
            roll.seek_requested.connect(player.seek)
            roll.play_requested.connect(player.toggle)
            roll.key_pressed.connect(self.press)
            roll.key_released.connect(self.release)
        self.roll("melody").melody_edited.connect(self._melody_drawn)
        self.edit.toggled.connect(self.roll("melody").set_editable)
        self.falling.seek_requested.connect(player.seek)
        self.falling.play_requested.connect(player.toggle)
        self.bar.fall.toggled.connect(self._fall)
        self.recorder.changed.connect(self._show_recording)
        self.keyboard.key_pressed.connect(self.press)
        self.keyboard.key_released.connect(self.release)
        player.keys_changed.connect(self._keys_sound)
        player.position_changed.connect(self.variations.tokens.set_playhead)
        self.variations.tokens.token_chosen.connect(self._token_chosen)
        takes.changed.connect(self._show_take)
        self.bar.heard_changed.connect(self._heard)

    # -- what it is given -------------------------------------------------------------------------------------

    def show_piece(self, name: str, notes: Notes | None, said: str, sounding: Notes | None = None) -> None:
        """Put a performance ("style") or a melody on the desk; None takes it away. sounding: the same with the pedal in
        the ends of its notes, where somebody has it."""
        box = self.boxes[name]
        box.say(said)
        if name == "melody":
            box.roll.set_melody(notes)
            self.roll("result").set_ghost(notes)
        else:
            box.roll.set_notes(notes)
        if notes is None or not len(notes):
            self.player.remove_music(name)
        else:
            self.player.set_music(name, notes if sounding is None else sounding)
        self._show_map()
        if not self.bar.audible:
            self.bar.hear("style")

    @property
    def region(self) -> Region | None:
        """The part chosen in the style roll."""
        return self.roll("style").selection

    @property
    def heard_notes(self) -> Notes:
        """Notes of the piece that is heard."""
        found = self._heard_roll()
        return Notes(found.start, found.end, found.pitch, found.velocity, found.pedal)

    def _heard_roll(self) -> RollNotes:
        """The same as the rolls have them."""
        roll = self.roll(self.bar.audible or "style")
        return roll.melody if self.bar.audible == "melody" and roll.melody is not None else roll.notes

    # -- the result -------------------------------------------------------------------------------------------

    def _show_take(self) -> None:
        take = self.takes.current
        box = self.boxes["result"]
        voice = take.voice if take is not None else None
        if take is None or voice is None:
            box.roll.set_notes(None)
            box.say("" if take is None else "getting ready to compose; the first time takes some seconds …")
            self.player.remove_music("result")
            return
        box.roll.set_notes(voice.notes, of_notes(voice.notes, voice.tokens, voice.nll))
        if take.done or box.roll.content.lane is not None:  # A lane costs painting everything anew.
            box.roll.set_lane(_surprise(voice) if take.done else None)
        place, count = self.takes.place
        said = f"Take {place} of {count}, variation {take.chosen + 1}: {take.title}"
        if not take.done:
            said += f" · {voice.clock:.1f} s so far, {take.tokens_per_second:.0f} tokens/s"
        box.say(said)
        if take.done:
            self.player.set_music("result", voice.notes)
            self._show_map()
        elif voice.horizon > 0:
            self.player.extend_music("result", voice.notes, voice.horizon)
            if self.bar.audible == "result" and time.monotonic() - self._map_shown_at > MAP_S:
                self._show_map()

    # -- keys -------------------------------------------------------------------------------------------------

    def take_key(self, event: QKeyEvent) -> bool:
        """A key that no control wanted is one of the roll that is heard; Esc is not, it stops. False if it is none."""
        return event.key() != Qt.Key.Key_Escape and press_key(self.roll(self.bar.audible or "style"), event)

    # -- keys played by hand ----------------------------------------------------------------------------------

    def press(self, pitch: int, velocity: int = 80) -> None:
        """A key goes down: it sounds at once."""
        self.recorder.press(pitch, velocity)
        self.player.press(pitch, velocity)

    def release(self, pitch: int) -> None:
        self.recorder.release(pitch)
        self.player.release(pitch)

    def _keys_sound(self, pitches: Any) -> None:
        self.keyboard.set_sounding({int(p): 80 for p in np.asarray(pitches).tolist()})

    def _heard(self, name: str) -> None:
        for other in NAMES:
            self.roll(other).set_audible(other == name)
        self._show_map()

    def _show_map(self) -> None:
        """The overview is of what is heard."""
        self._map_shown_at = time.monotonic()
        heard = self._heard_roll()
        self.map.set_notes(heard)
        self.falling.set_notes(heard)

    def _fall(self, on: bool) -> None:
        """Notes that fall onto the keyboard, or the three rolls."""
        self.views.setCurrentWidget(self.falling if on else self.splitter)
        self._show_keyboard()

    def _show_keyboard(self) -> None:
        """Where there is little room, only while something is to be played on it or falls onto it."""
        self.keyboard.setVisible(self.height() >= TALL or self.bar.fall.isChecked() or bool(self.recorder.name))

    def _show_recording(self) -> None:
        for name, button in self.records.items():
            is_on = self.recorder.name == name
            if is_on and name not in self._said_before:
                self._said_before[name] = self.boxes[name].said.text()
                self.boxes[name].say(HOW_TO_PLAY)
            elif not is_on and name in self._said_before:
                self.boxes[name].say(self._said_before.pop(name))
            button.setChecked(is_on)
            button.setText("End recording" if is_on else "Record")
        self._show_keyboard()
        if self.recorder.name:
            self.keyboard.setFocus()

    def _token_chosen(self, index: int) -> None:
        """Go where a token is heard."""
        times = self.variations.tokens.chips.times
        if 0 <= index < len(times):
            self.player.seek(float(times[index]))

    def _melody_drawn(self, drawn: Any) -> None:
        notes = Notes(drawn.start, drawn.end, drawn.pitch, drawn.velocity)
        self.player.set_music("melody", notes)
        self.roll("result").set_ghost(notes)
        self.melody_edited.emit(notes)


def _surprise(voice: Voice) -> Lane:
    """NLL of each token over the time at which it is played."""
    return Lane(voice.times, voice.nll.astype(np.float64), "Surprise", "nats", 0.0, MOST_NATS)
