"""The Piano panel: choose a style and a melody, compose, listen while it is written, and compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from engines.core.errors import UserError
from engines.piano.codec import encode
from engines.piano.desk import STYLE_S, opening
from engines.piano.notes import Notes
from engines.piano.requests import ComposeRequest, ComposeSnapshot
from workbench.audio.midi_keyboard import MidiKeyboard, open_keyboard
from workbench.audio.player import Player
from workbench.commands import Command
from workbench.panels.base import Export, Panel, Zone
from workbench.panels.piano import kept_takes, pieces
from workbench.panels.piano.alike import Judge
from workbench.panels.piano.asking import in_words, request_of
from workbench.panels.piano.commands import commands_of
from workbench.panels.piano.composer import Composer
from workbench.panels.piano.demo import Demonstration
from workbench.panels.piano.desk import Desk
from workbench.panels.piano.errand import Errand
from workbench.panels.piano.files import exports_of
from workbench.panels.piano.kept_takes import KeptTakes
from workbench.panels.piano.music import Music
from workbench.panels.piano.pieces import Shelf, packed, unpacked
from workbench.panels.piano.settings import PianoSettings
from workbench.panels.piano.tabs import Tabs
from workbench.panels.piano.takes import Takes
from workbench.panels.registry import PanelInfo
from workbench.services import Services

TABS: Final = (
    ("Desk", "", "Style, melody and result on one time axis"),
    ("Style map", "workbench.panels.piano.map_stage:MapStage", "Where styles lie, and what lies between them"),
    ("Morph", "workbench.panels.piano.morph_view:MorphView", "From style A to style B in seven steps"),
    ("Likeness", "workbench.panels.piano.likeness_view:LikenessView", "Eight features of source and result"),
    (
        "Microscope",
        "workbench.panels.piano.microscope:Microscope",
        "What the network thinks of a piece, token by token",
    ),
    ("Blind test", "workbench.panels.piano.blind_stage:BlindStage", "Which of two is closer to a style, by your ears"),
    ("Training lab", "workbench.panels.piano.training_stage:PianoTraining", "Train a network on your own music"),
)
"""Title, "module:class" of what is imported when first shown, tooltip."""
DESK, MAP, MORPH, LIKENESS, MICROSCOPE, BLIND, TRAINING = range(7)
RUN_KEY: Final = "Ctrl+Return"
"""The space bar plays and pauses on the desk, as wherever music is made."""
FORM_FROM: Final = 860
"""Width of the panel from which the settings are shown beside the work by themselves."""
FIRST_STYLE, FIRST_MELODY = "library/ballad", "library/ode-to-joy"


class PianoPanel(Panel):
    """Wires the settings, the player, the composing session and the tabs together."""

    def __init__(self, services: Services, info: PanelInfo, parent: QWidget | None = None) -> None:
        super().__init__(services, info, parent)
        self.shelf = Shelf(self)
        self.takes = Takes(self)
        self.composer = Composer(self)
        self.player = Player(services.runner, self)
        self.form = PianoSettings(services, self.shelf)
        self.desk = Desk(services.theme, self.player, self.takes)
        self.demonstration = Demonstration(self)
        self.music = Music(self)
        self.judge = Judge(self)
        self._figures = Errand(self)
        self._kept = KeptTakes()
        self._composes_when_settled = False
        self._plays_when_ready = False
        self._keyboard: MidiKeyboard | None = None
        self.tabs = Tabs(self, TABS, self.desk)
        self.run_button.set_text("Compose", RUN_KEY)
        self.set_zones(self.form, self.tabs)
        self._connect()
        self.form.choose(self.form.style_a, FIRST_STYLE)
        self.form.choose(self.form.melody, FIRST_MELODY)
        self.music.begin()  # they may have stood there already

    def _connect(self) -> None:
        self.desk.open_asked.connect(self.ask_file)
        self.desk.melody_edited.connect(self.music.draw)
        self.desk.recorder.recorded.connect(self._recorded)
        self.composer.answered.connect(self._answered)
        self.composer.mode_changed.connect(self.show_run_state)
        self.composer.lost.connect(lambda text: self.show_message(text, "warn"))
        self.composer.lost.connect(self.demonstration.fail)
        self.judge.judged.connect(self.demonstration.take_judged)
        self.music.took.connect(self._taken)
        self.music.refused.connect(self._refused)
        self.music.settled.connect(self._settled)
        self.player.exported.connect(lambda path: self.status_message.emit(f"Saved {path}", "ok"))
        self.desk.bar.said.connect(self.status_message)
        self.player.export_failed.connect(lambda why: self.show_message(why, "error"))
        self.tabs.currentChanged.connect(self._tab_shown)

    # -- tabs -------------------------------------------------------------------------------------------------

    def stage(self, number: int) -> Any:
        """What a tab shows, built when first asked for."""
        return self.tabs.stage(number)

    def _tab_shown(self, number: int) -> None:
        view = self.stage(number)
        self.run_button.set_text(getattr(view, "run_text", "Compose"), RUN_KEY)
        self.show_run_state()
        self._settle_zones()
        self.commands_changed.emit()

    # -- the panel contract -----------------------------------------------------------------------------------

    def run(self) -> None:
        """Compose, or what the tab in front is for."""
        number = self.tabs.currentIndex()
        starts = getattr(self.stage(number), "start", None) if number != DESK else None
        self.attempt(starts if starts is not None else self.compose)

    def compose(self) -> None:
        """A new take from what the form says, once all of it is read. Raises UserError when something is missing."""
        self._composes_when_settled = self.music.is_awaited
        self.show_run_state()
        if self._composes_when_settled:
            self.status_message.emit("Composing begins when the music is on the desk", "info")
            return
        request = self._afresh(self.wanted())
        self._begin(request, in_words(self))

    def compose_blend(self, performances: list[Notes], shares: list[float], title: str) -> None:
        """A new take in a blend of several styles, everything else as the form says. Raises UserError."""
        if "performance" not in self.form.mode:
            raise UserError("this network is told no style", "choose another network on the left")
        tokens = tuple(encode(opening(notes, STYLE_S)) for notes in performances)
        self.tabs.setCurrentIndex(DESK)
        self._begin(self._afresh(replace(self.wanted(), styles=tokens, shares=tuple(shares))), title)

    def _afresh(self, request: ComposeRequest) -> ComposeRequest:
        """With another seed, shown in the form, where these very settings were composed before."""
        seed = self.takes.fresh_seed(request)
        if seed != request.seed:
            self.form.how.set_values({"seed": seed})
            self.status_message.emit(f"The same settings once more: seed {seed}, for other notes", "info")
        return replace(request, seed=seed)

    def _begin(self, request: ComposeRequest, title: str) -> None:
        self.messages.clear("error")
        # What plays goes on, unless it is the result, which makes room for the new one.
        self._plays_when_ready = not self.player.is_playing or self.desk.bar.audible == "result"
        self.takes.begin(title, request.seed, request)
        if self.run_button.hasFocus():  # the space bar shall pause what is heard next, not compose anew
            self.desk.roll("result").setFocus()
        self.composer.ask(request)

    def wanted(self) -> ComposeRequest:
        """What the form asks for. Raises UserError when something is missing."""
        return request_of(self)

    def demo(self) -> None:
        """Compose a few seconds around a melody in a style."""
        self.demonstration.start()

    def stop(self) -> None:
        """Stop what the tab in front does, composing and every job; the sound goes on, as do the sessions behind it."""
        front = self.tabs.built.get(self.tabs.currentIndex())
        if front is not None and hasattr(front, "stop_stage"):
            front.stop_stage()
        self._composes_when_settled = False
        self.music.stop()
        self.composer.stop()
        self.takes.stop()
        self.show_run_state()
        for handle in list(self._jobs):
            if handle is not self.composer.handle and handle in self.tabs.handles:
                handle.cancel()

    def close_panel(self) -> None:
        self.demonstration.end()
        self.music.close()
        self.judge.close()
        self._figures.give_up()
        if self._keyboard is not None:
            self._keyboard.close()
        self.player.close()
        self.composer.close()
        self.tabs.close_stages()
        super().close_panel()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.player.open()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.tabs.currentIndex() != DESK or not self.desk.take_key(event):
            super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self.player.pause()
        super().hideEvent(event)

    def accepts(self, path: Path) -> bool:
        return path.is_dir() or pieces.accepts(path)

    def open_path(self, path: Path) -> None:
        """A MIDI file becomes style A; a folder becomes the style map."""
        if path.is_dir():
            self.tabs.setCurrentIndex(MAP)
            self.stage(MAP).show_folder(path)
            return
        self.open_as("style", path)

    def open_as(self, name: str, path: Path) -> None:
        """Put a MIDI file on the desk as "style" or "melody" once it is read. Raises UserError at once for what is no
        file or too large; nothing is changed by a file that cannot be used."""
        self.music.open("melody" if name == "melody" else "style", path)
        self.opens_later(path)
        self.tabs.setCurrentIndex(DESK)

    def ask_file(self, name: str) -> None:
        """Let the user choose a MIDI file."""
        kinds = "MIDI files (*.mid *.midi *.kar *.rmi)"
        chosen, _ = QFileDialog.getOpenFileName(self, f"A performance as {name}", "", kinds)
        if chosen:
            self.messages.withdraw("job piano.read")
            self.attempt(lambda: self.open_as(name, Path(chosen)))

    def save_state(self) -> dict[str, Any]:
        return {
            "pieces": self.shelf.save_state(),
            "form": self.form.save_state(),
            "bar": self.desk.bar.save_state(),
            "colour": self.desk.colours.save_state(),
            "takes": self._kept.save(self.takes.all),
            "drawn": None if self.music.drawn is None else packed(self.music.drawn),
            "stages": self.tabs.save_state(),
            "tab": self.tabs.currentIndex(),
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        self.shelf.restore_state(state.get("pieces"))
        self.form.restore_state(state.get("form"))
        self.desk.bar.restore_state(state.get("bar"))
        self.desk.colours.restore_state(state.get("colour"))
        lines = state.get("takes")
        found = [kept_takes.unpacked(line) for line in lines] if isinstance(lines, list) else []
        self.takes.restore([take for take in found if take is not None])
        drawn = unpacked(state["drawn"]) if state.get("drawn") else None
        if drawn is not None:
            self.desk.show_piece("melody", drawn, "")
            self.music.draw(drawn)
        self.tabs.restore_state(state.get("stages"), state.get("tab"))

    def exports(self) -> list[Export]:
        view = self.stage(self.tabs.currentIndex())
        own = getattr(view, "exports", None)
        return [*exports_of(self, self._figures), *(own() if own is not None else [])]

    def commands(self) -> list[Command]:
        own = [replace(c, shortcut=RUN_KEY) if c.id == "panel.run" else c for c in super().commands()]
        return [*own, *commands_of(self, [title for title, _, _ in TABS])]

    # -- zones ------------------------------------------------------------------------------------------------

    def toggle_zone(self, zone: Zone) -> None:
        """The training lab has settings of its own."""
        if zone == "form" and self.tabs.currentIndex() == TRAINING:
            self.stage(TRAINING).toggle_settings()
            self._settle_zones()
        else:
            super().toggle_zone(zone)

    def _settle_zones(self) -> None:
        super()._settle_zones()
        if not hasattr(self, "tabs") or "form" not in self._zones:
            return
        training = self.tabs.currentIndex() == TRAINING
        asked = self._asked.get("form")
        shown = self.width() >= FORM_FROM if asked is None else asked
        self._zones["form"].setVisible(shown and not training)
        view = self.tabs.built.get(TRAINING)
        on = view.settings.isVisibleTo(view) if training and view is not None else self._zones["form"].isVisibleTo(self)
        self._form_button.setChecked(on)

    # -- inside -----------------------------------------------------------------------------------------------

    def attempt(self, action: Callable[[], object]) -> bool:
        """Do something; what the user can mend is shown as a message. Says whether it was done."""
        try:
            action()
        except UserError as error:
            self.show_message(error.what, "error", error.remedy)
            return False
        return True

    def _taken(self, path: Path) -> None:
        if path in self._opening:
            self.was_opened(path)

    def _refused(self, path: Path) -> None:
        if path in self._opening:
            self.was_not_opened(path)

    def _settled(self) -> None:
        """All that is chosen is on the desk: what waited for it begins."""
        if self._composes_when_settled:
            self.attempt(self.compose)
            self.show_run_state()

    def _recorded(self, name: str, notes: Notes) -> None:
        """What was played becomes the style or the melody."""
        piece = self.shelf.add_played(notes)
        self.form.choose(self.form.style_a if name == "style" else self.form.melody, piece.key)

    def use_keyboard(self) -> None:
        """Play on a connected MIDI keyboard from now on. Raises UserError when there is none."""
        if self._keyboard is not None:
            self._keyboard.close()
        self._keyboard = keyboard = open_keyboard(None, self)
        keyboard.pressed.connect(self.desk.press)
        keyboard.released.connect(self.desk.release)
        keyboard.lost.connect(lambda why: self.show_message(f"The MIDI keyboard is gone: {why}", "warn"))
        self.status_message.emit("The MIDI keyboard plays", "ok")

    def _answered(self, snapshot: ComposeSnapshot) -> None:
        if snapshot.problem:
            self.takes.stop()
            self.show_message(snapshot.problem, "error")
            self.demonstration.fail(snapshot.problem)
            return
        self.takes.grow(snapshot)
        voice = self.takes.current.voice if self.takes.current is not None else None
        # Before the first moment is known there is nothing on the track, and playing would end at once.
        if self._plays_when_ready and voice is not None and (voice.horizon > 0 or snapshot.done):
            self._plays_when_ready = False
            self.desk.bar.hear("result")
            self.player.seek(0.0)
            self.player.play()

    def show_run_state(self) -> None:
        """What the Run button says: of the tab in front where that composes by itself, else of the desk."""
        waits = self._composes_when_settled or self.composer.is_composing or self._main_job is not None
        front = self.tabs.built.get(self.tabs.currentIndex())
        self.run_button.set_state("running" if getattr(front, "is_running", waits) else "idle")
        self.busy_changed.emit(self.is_busy())
