"""A connected MIDI keyboard: polled by the window, so that it needs no thread. Optional (extra "midi-io")."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import QObject, QTimer, Signal

from engines.core.errors import UserError

_POLL_MS: Final = 5
_SUSTAIN: Final = 64
_REMEDY: Final = 'pip install "python-rtmidi>=1.5"; on Linux it also needs libasound2'


def keyboards() -> tuple[str, ...]:
    """Names of the connected inputs. Raises UserError where MIDI is not installed."""
    backend = midi_backend()
    try:
        return tuple(dict.fromkeys(backend.get_input_names()))
    except Exception as error:
        # rtmidi's errors can only be named once it is loaded.
        raise UserError(f"MIDI inputs cannot be listed: {error}", "look at the system's MIDI settings") from error


class MidiKeyboard(QObject):
    """One open input. While the sustain pedal is down, released keys go on sounding."""

    pressed = Signal(int, int)
    """Pitch, velocity 1 … 127."""
    released = Signal(int)
    lost = Signal(str)
    """It was unplugged; why."""

    def __init__(self, port: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._port = port
        self._down: set[int] = set()
        self._sustained: set[int] = set()
        self._pedal = False
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self.poll)
        self._timer.start()

    def poll(self) -> None:
        """Take what came since the last time."""
        try:
            messages = list(self._port.iter_pending())
        except Exception as error:  # noqa: BLE001 - as in `keyboards`
            self.close()
            self.lost.emit(str(error))
            return
        for message in messages:
            self._take(message)

    def _take(self, message: Any) -> None:
        if message.type == "note_on" and message.velocity > 0:
            self._down.add(message.note)
            self._sustained.discard(message.note)
            self.pressed.emit(message.note, message.velocity)
        elif message.type in ("note_on", "note_off"):
            self._down.discard(message.note)
            if self._pedal:
                self._sustained.add(message.note)
            else:
                self.released.emit(message.note)
        elif message.type == "control_change" and message.control == _SUSTAIN:
            self._pedal = message.value >= 64
            if not self._pedal:
                self._let_go(self._sustained)

    def _let_go(self, keys: set[int]) -> None:
        for pitch in sorted(keys):
            self.released.emit(pitch)
        keys.clear()

    def close(self) -> None:
        """Let go of all keys and of the input."""
        self._timer.stop()
        self._let_go(self._sustained)
        self._let_go(self._down)
        port, self._port = self._port, None
        if port is not None:
            port.close()


def open_keyboard(name: str | None = None, parent: QObject | None = None) -> MidiKeyboard:
    """The input of that name, or the first one. Raises UserError where there is none."""
    names = keyboards()
    if not names or (name is not None and name not in names):
        raise UserError(
            f"there is no MIDI keyboard {name!r}" if name else "no MIDI keyboard is connected",
            "connect one, or play the keys on the screen",
        )
    try:
        port = midi_backend().open_input(name or names[0])
    except Exception as error:  # As in `keyboards`.
        raise UserError(f"{name or names[0]} cannot be opened: {error}", "close other programs that use it") from error
    return MidiKeyboard(port, parent)


def midi_backend() -> Any:
    """mido's rtmidi backend. Raises UserError."""
    try:
        import mido

        return mido.Backend("mido.backends.rtmidi", load=True)
    except (ImportError, OSError) as error:
        raise UserError(f"MIDI ports need python-rtmidi, which cannot be loaded: {error}", _REMEDY) from error
