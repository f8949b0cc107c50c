"""Play, seek, loop, tempo, metronome, volume, and which of the pieces is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QDoubleSpinBox,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engines.core.errors import UserError
from workbench import icons
from workbench.audio.metronome import Metronome
from workbench.audio.player import FASTEST, SLOWEST
from workbench.audio.sinks import DEPTHS_S
from workbench.panels.piano.loop_tempo import LoopTempo
from workbench.panels.piano.sound_menu import SoundMenu
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, icon_button, label
from workbench.widgets.roll_notes import clock_text

if TYPE_CHECKING:
    from workbench.audio.player import Player
    from workbench.widgets.timeline import Timeline

TRACKS: Final = (("style", "Style", "1"), ("melody", "Melody", "2"), ("result", "Result", "3"))
"""Name in the player, what the button says, its key."""
BPM: Final = 100.0


class TransportBar(QWidget):
    """Controls one player and one timeline.

    heard_changed(name): another piece is heard. said(text, level): something to tell, "ok" or "warn".
    """

    heard_changed = Signal(str)
    said = Signal(str, str)

    def __init__(self, player: Player, timeline: Timeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.player, self.timeline = player, timeline
        self.start = icon_button("first", "Back to the start (Home)", player.stop)
        self.play = icon_button("play", "Play (Space)", player.toggle)
        self.loop = icon_button("loop", "Repeat the part chosen in a roll (L)", self._loop_pressed, checkable=True)
        self.loop_tempo = LoopTempo()
        self.place = label("0:00.0", "mono")
        self.place.setAccessibleName("Position and length")
        self.place.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.place.setMinimumWidth(self.place.fontMetrics().horizontalAdvance("00:00.0 / 00:00.0"))
        self.heard: dict[str, QToolButton] = {}
        self.tempo = _spin("Tempo", SLOWEST * 100, FASTEST * 100, 100, " %", 5, "How fast the music is played")
        self.beat = icon_button("clock", "Metronome", self._beat_changed, checkable=True)
        self.bpm = _spin("Beats a minute", 30, 300, BPM, " bpm", 1, "Beats of the metronome, at tempo 100 %")
        self.volume = QSlider(Qt.Orientation.Horizontal)
        self.volume.setRange(0, 100)
        self.volume.setValue(80)
        self.volume.setFixedWidth(88)
        self.volume.setAccessibleName("Volume")
        self.volume.setToolTip("Volume")
        self.sound = SoundMenu(player, (self.loop_tempo.ceilings,))
        self.fall = icon_button("down", "Notes fall onto the keyboard (V)", checkable=True)
        self.status = ElidedLabel()
        self.retry = QToolButton()
        self.retry.setText("Reconnect")
        self.retry.setToolTip("Look for the sound card again")
        self.retry.setVisible(False)
        self._instrument: tuple[str, tuple[str, ...]] = ("", ())
        self._late = self._waits = 0
        self._build()
        self._connect()
        self._volume_changed(self.volume.value())

    def _build(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        for widget in (self.start, self.play, self.loop, self.loop_tempo, self.place):
            row.addWidget(widget)
        row.addSpacing(GRID)
        group = QButtonGroup(self)
        group.setExclusive(True)
        for name, text, key in TRACKS:
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setToolTip(f"Hear {text.lower()} alone, from the same moment on ({key})")
            button.clicked.connect(lambda _=False, n=name: self.hear(n))
            group.addButton(button)
            self.heard[name] = button
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.fall)
        row.addWidget(self.volume)
        row.addWidget(self.sound)
        below = QHBoxLayout()
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(GRID // 2)
        below.addWidget(self.status, 1)
        for control in (self.retry, self.tempo, self.beat, self.bpm):
            below.addWidget(control)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2)
        rows.addLayout(row)
        rows.addLayout(below)

    def _connect(self) -> None:
        player = self.player
        player.position_changed.connect(self._moved)
        player.state_changed.connect(self._show_state)
        player.lateness_changed.connect(self._lateness)
        player.waits_changed.connect(self._waited)
        player.short_changed.connect(self._show_status)
        player.looped.connect(lambda count: self.loop_tempo.passed(count, self.tempo.value()))
        self.loop_tempo.tempo_wanted.connect(self.tempo.setValue)
        self.sound.said.connect(self.said)
        player.output_changed.connect(self._show_status)
        player.instrument_changed.connect(self._instrument_shown)
        self.timeline.view_changed.connect(lambda: self._moved(player.position))
        self.timeline.loop_changed.connect(self._loop_set)
        self.tempo.valueChanged.connect(lambda value: player.set_tempo(value / 100))
        self.bpm.valueChanged.connect(lambda _: self._beat_changed())
        self.volume.valueChanged.connect(self._volume_changed)
        self.retry.clicked.connect(player.reopen)

    # -- what is heard ----------------------------------------------------------------------------------------

    @property
    def audible(self) -> str:
        """The piece that is heard, "" before one was chosen."""
        return next((name for name, button in self.heard.items() if button.isChecked()), "")

    def hear(self, name: str) -> None:
        """Hear one piece alone."""
        if name in self.heard:
            self.heard[name].setChecked(True)
            self.player.solo(name)
            self.heard_changed.emit(name)

    def save_state(self) -> dict[str, Any]:
        return {
            "tempo": self.tempo.value(),
            "volume": self.volume.value(),
            "bpm": self.bpm.value(),
            "loop_ceiling": self.loop_tempo.ceiling,
            "sound": self.sound.save_state(),
        }

    def restore_state(self, state: Any) -> None:
        """Take up what `save_state` said; ignore what does not fit."""
        if isinstance(state, dict):
            for name in ("tempo", "volume", "bpm"):
                value = state.get(name)
                box = getattr(self, name)
                if isinstance(value, int | float) and box.minimum() <= value <= box.maximum():
                    box.setValue(type(box.value())(value))
            self.loop_tempo.set_ceiling(state.get("loop_ceiling"))
            self.sound.restore_state(state.get("sound"))

    # -- inside -----------------------------------------------------------------------------------------------

    def _moved(self, seconds: float) -> None:
        self.timeline.set_playhead(seconds)
        self.place.setText(f"{clock_text(seconds, 0.1)} / {clock_text(self.timeline.duration, 0.1)}")

    def _show_state(self, state: str) -> None:
        on = state != "stopped"
        self.play.setIcon(icons.icon("pause" if on else "play"))
        text = "Pause (Space)" if on else "Play (Space)"
        self.play.setToolTip(text)
        self.play.setAccessibleName(text)
        self._show_status()

    def _show_status(self, *_: object) -> None:
        player = self.player
        name, reason = player.output
        # The line is cut at its end where there is little room: what concerns the listener comes first.
        parts = self._interruptions()
        if reason:
            until = "Reconnect looks again; until then the playhead moves all the same, and WAV files can be written"
            parts.insert(0, f"No sound: {reason}. {until}")
        elif name:
            parts.append(name)
        parts += [text for text in (self._instrument[0], *self._instrument[1][:1]) if text]
        self.status.setText(" · ".join(parts))
        self.retry.setVisible(bool(reason))

    def _interruptions(self) -> list[str]:
        """What keeps the music waiting now, and how often it did: the composer, or this machine."""
        parts = []
        if self.player.state == "buffering":
            parts.append("rendering …")
        elif self.player.state == "waiting":
            short = self.player.short_s
            parts.append(f"composing … goes on when {short:.0f} s more are written" if short >= 1 else "composing …")
        if self._waits:
            parts.append(f"waited {_times(self._waits)} for the composer")
        if self._late:
            deeper = self.player.depth_s > DEPTHS_S[0]
            parts.append(
                f"{self._late} interruption{'s' if self._late != 1 else ''} of the sound (this machine is busy"
                + (f"; {self.player.depth_s:g} s now wait in the sound card)" if deeper else ")")
            )
        return parts

    def _waited(self, count: int) -> None:
        self._waits = count
        self._show_status()

    def _lateness(self, count: int) -> None:
        self._late = count
        self._show_status()

    def _instrument_shown(self, name: str, remarks: object) -> None:
        self._instrument = (name, tuple(str(r) for r in remarks) if isinstance(remarks, tuple) else ())
        self._show_status()

    def _loop_pressed(self) -> None:
        """The button asks for the loop of the chosen part; a roll says which that is."""
        if not self.loop.isChecked():
            self.timeline.set_loop(None)
        elif self.timeline.loop is None:
            whole = (self.timeline.start, min(self.timeline.end, self.timeline.duration))
            self.timeline.set_loop(whole if whole[1] > whole[0] else None)
            self.loop.setChecked(self.timeline.loop is not None)

    def _loop_set(self, loop: tuple[float, float] | None) -> None:
        with QSignalBlocker(self.loop):
            self.loop.setChecked(loop is not None)
        self.player.set_loop(loop)
        self.loop_tempo.set_loop(loop)

    def _beat_changed(self) -> None:
        try:
            self.player.set_metronome(Metronome(self.bpm.value()) if self.beat.isChecked() else None)
        except UserError:  # the box keeps to what a metronome can do
            self.player.set_metronome(None)

    def _volume_changed(self, value: int) -> None:
        self.player.set_volume((value / 100) ** 2)  # loudness is felt as about the square


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _spin(name: str, low: float, high: float, value: float, unit: str, step: float, tip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(0)
    box.setRange(low, high)
    box.setSingleStep(step)
    box.setValue(value)
    box.setSuffix(unit)
    box.setKeyboardTracking(False)
    box.setAccessibleName(name)
    box.setToolTip(tip)
    return box
