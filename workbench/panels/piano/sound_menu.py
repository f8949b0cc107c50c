"""What is seldom changed about the sound: the piano, a MIDI instrument to play on, how late the loudspeakers are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QFileDialog, QGridLayout, QMenu, QSlider, QToolButton, QWidget, QWidgetAction

from engines.core.errors import UserError
from engines.piano.sound.soundfont import SUFFIXES, known_instruments
from workbench import icons
from workbench.audio.midi_out import outputs
from workbench.audio.player import OFFSET_S
from workbench.theme import GRID
from workbench.widgets.basics import icon_button, label

if TYPE_CHECKING:
    from workbench.audio.player import Player

_STEP_MS: Final = 10
_TIP: Final = (
    "Wireless loudspeakers play later than they tell: move this until the notes glow when you hear them. "
    "Positive where the sound comes late."
)


class SoundMenu(QToolButton):
    """A button with a menu; more: menus of others within it. said(text, level): something to tell, "ok" or "warn"."""

    said = Signal(str, str)

    def __init__(
        self,
        player: Player,
        more: tuple[QMenu, ...] = (),
        parent: QWidget | None = None,
        *,
        ports: Callable[[], tuple[str, ...]] = outputs,
    ) -> None:
        super().__init__(parent)
        self.player = player
        self._ports = ports
        self._wanted = ""
        """The instrument of the last session, not connected yet."""
        self.setIcon(icons.icon("sliders"))
        text = "Sound: the piano, a MIDI instrument, how far loops grow faster, delay of the loudspeakers"
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.midi = QMenu("Play on a MIDI instrument", menu)
        self.midi.setToolTipsVisible(True)
        self.midi.aboutToShow.connect(self.fill)
        menu.addMenu(self.midi)
        self.piano = QMenu("Piano sound", menu)
        self.piano.setToolTipsVisible(True)
        self.piano.aboutToShow.connect(self.fill_pianos)
        menu.addMenu(self.piano)
        for further in more:
            further.setParent(menu, further.windowFlags())  # its maker may be disabled, and it would be with it
            further.setEnabled(True)
            menu.addMenu(further)
        menu.addSeparator()
        action = QWidgetAction(menu)
        action.setDefaultWidget(self._delay())
        menu.addAction(action)
        self.setMenu(menu)
        player.midi_lost.connect(self._lost)

    def _delay(self) -> QWidget:
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(GRID * 2, GRID // 2, GRID * 2, GRID // 2)
        self.offset = QSlider(Qt.Orientation.Horizontal)
        self.offset.setRange(-round(OFFSET_S * 1000 / _STEP_MS), round(OFFSET_S * 1000 / _STEP_MS))
        self.offset.setPageStep(5)
        self.offset.setMinimumWidth(200)
        self.offset.setAccessibleName("Audio offset, in steps of 10 ms")
        self.offset.setToolTip(_TIP)
        self.offset_text = label("", "mono")
        self.offset_text.setMinimumWidth(self.offset_text.fontMetrics().horizontalAdvance("+000 ms"))
        self.reset = icon_button("reset", "No offset", lambda: self.offset.setValue(0))
        name = label("Audio offset", muted=True)
        name.setToolTip(_TIP)
        name.setBuddy(self.offset)
        grid.addWidget(name, 0, 0)
        grid.addWidget(self.offset_text, 0, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.offset, 1, 0, 1, 2)
        grid.addWidget(self.reset, 1, 2)
        self.offset.valueChanged.connect(self._offset_changed)
        self._offset_changed(0)
        return box

    # -- the piano

    def fill_pianos(self) -> None:
        """List the pianos of this machine, and the user's SoundFont."""
        self.piano.clear()
        group = QActionGroup(self.piano)
        wanted = self.player.instrument
        found = [("", "The best there is"), *known_instruments()]
        if wanted not in [name for name, _ in found]:
            found.append((wanted, Path(wanted).name))
        for name, title in found:
            action = self.piano.addAction(title)
            action.setCheckable(True)
            action.setChecked(name == wanted)
            action.triggered.connect(lambda _=False, n=name: self.player.set_instrument(n))
            group.addAction(action)
        self.piano.addSeparator()
        self.piano.addAction("A SoundFont file…", self.ask_font)

    def ask_font(self) -> None:
        """Let the user choose a SoundFont; one that cannot be played is replaced, and the line of the bar says why."""
        kinds = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        chosen, _ = QFileDialog.getOpenFileName(self, "A piano", "", f"SoundFonts ({kinds})")
        if chosen:
            self.player.set_instrument(chosen)

    # -- the MIDI instrument

    def fill(self) -> None:
        """Look for instruments and list them."""
        self.midi.clear()
        group = QActionGroup(self.midi)
        try:
            names: tuple[str, ...] = self._ports()
            reason = "" if names else "No MIDI instrument is connected"
            remedy = "connect one and open this menu again"
        except UserError as error:
            names, reason, remedy = (), error.what, error.remedy
        for name in ("", *names):
            action = self.midi.addAction(name or "None: sound card only")
            action.setCheckable(True)
            action.setChecked(name == self.player.midi)
            action.setToolTip("Turn the volume down to hear the instrument alone" if name else "")
            action.triggered.connect(lambda _=False, n=name: self.choose(n))
            group.addAction(action)
        for text in (reason.partition(": ")[0], remedy) if reason else ():
            action = self.midi.addAction(text)
            action.setEnabled(False)
            action.setToolTip(reason)

    def choose(self, name: str) -> None:
        """Play on that instrument; "" for none."""
        self._wanted = ""
        if not name:
            self.player.close_midi()
            return
        try:
            self.player.open_midi(name)
        except UserError as error:
            self.said.emit(f"{error.what}: {error.remedy}", "warn")
        else:
            self.said.emit(f"Notes are also played on {name}", "ok")

    def _lost(self, why: str) -> None:
        self.said.emit(f"The MIDI instrument is gone: {why}. Connect it and choose it again.", "warn")

    # -- state

    def save_state(self) -> dict[str, Any]:
        return {
            "offset_ms": self.offset.value() * _STEP_MS,
            "midi": self.player.midi or self._wanted,
            "piano": self.player.instrument,
        }

    def restore_state(self, state: Any) -> None:
        """Take up what `save_state` said; an instrument that is not there any more is left out without a word."""
        if not isinstance(state, dict):
            return
        offset, name, piano = state.get("offset_ms"), state.get("midi"), state.get("piano")
        if isinstance(piano, str):
            self.player.set_instrument(piano)
        if isinstance(offset, int) and abs(offset) <= self.offset.maximum() * _STEP_MS:
            self.offset.setValue(round(offset / _STEP_MS))
        if isinstance(name, str) and name:
            self._wanted = name
            try:
                self.player.open_midi(name)
            except UserError:
                return

    def _offset_changed(self, steps: int) -> None:
        self.player.set_offset(steps * _STEP_MS / 1000)
        self.offset_text.setText(f"{steps * _STEP_MS:+d} ms" if steps else "0 ms")
