"""The Piano panel: choose a style and a melody, compose, listen while it is written, and compare."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QTabWidget, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.piano.codec import encode, encode_melody
from engines.piano.notes import Notes
from engines.piano.requests import ComposeRequest, ComposeSnapshot
from workbench.audio.midi_keyboard import MidiKeyboard, open_keyboard
from workbench.audio.player import Player
from workbench.commands import Command, later
from workbench.panels.base import Export, Panel, Zone
from workbench.panels.piano import pieces
from workbench.panels.piano.alike import likeness
from workbench.panels.piano.composer import Composer
from workbench.panels.piano.demo import Demonstration
from workbench.panels.piano.desk import Desk
from workbench.panels.piano.files import exports_of
from workbench.panels.piano.pieces import Piece, Shelf
from workbench.panels.piano.settings import NONE, OF_STYLE, OPENING_S, PianoSettings
from workbench.panels.piano.takes import Takes
from workbench.panels.piano.transport_bar import TRACKS
from workbench.panels.registry import PanelInfo
from workbench.services import Services
from workbench.theme import GRID

TABS: Final = (
    ("Desk", "", "Style, melody and result on one time axis"),
    ("Style map", "workbench.panels.piano.map_stage:MapStage", "Where styles lie, and what lies between them"),
    ("Likeness", "workbench.panels.piano.likeness_view:LikenessView", "Eight features of source and result"),
    ("Training lab", "workbench.panels.piano.training_stage:PianoTraining", "Train a network on your own music"),
)
"""Title, "module:class" of what is imported when first shown, tooltip."""
DESK, MAP, LIKENESS, TRAINING = range(4)
FORM_FROM: Final = 860
"""Width of the panel from which the settings are shown beside the work by themselves."""
TOKENS_PER_SECOND: Final = 200
"""No music needs more; a limit for a network that has gone astray."""
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
        self._melody: Notes | None = None
        self._drawn: Notes | None = None
        self._plays_when_ready = False
        self._keyboard: MidiKeyboard | None = None
        self._stages: dict[int, Any] = {}
        self._stage_states: dict[str, Any] = {}
        self._build()
        self._connect()
        self.form.choose(self.form.style_a, FIRST_STYLE)
        self._style_chosen()  # it may have stood there already
        self.form.choose(self.form.melody, FIRST_MELODY)

    def _build(self) -> None:
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("Views of the Piano panel")
        self._pages: list[QWidget] = []
        for number, (title, _, tip) in enumerate(TABS):
            page: QWidget = self.desk if number == DESK else QWidget()
            if number != DESK:
                QVBoxLayout(page).setContentsMargins(0, GRID // 4, 0, 0)
            self._pages.append(page)
            self.tabs.setTabToolTip(self.tabs.addTab(page, title), tip)
        self.run_button.set_text("Compose")
        self.set_zones(self.form, self.tabs)

    def _connect(self) -> None:
        self.form.styles_changed.connect(self._style_chosen)
        self.form.melody_changed.connect(self._melody_chosen)
        self.desk.open_asked.connect(self.ask_file)
        self.desk.melody_edited.connect(self._melody_drawn)
        self.desk.recorder.recorded.connect(self._recorded)
        self.composer.answered.connect(self._answered)
        self.composer.mode_changed.connect(self._mode_changed)
        self.composer.lost.connect(lambda text: self.show_message(text, "warn"))
        self.composer.lost.connect(self.demonstration.fail)
        self.takes.kept.connect(self._take_kept)
        self.player.exported.connect(lambda path: self.status_message.emit(f"Saved {path}", "ok"))
        self.player.export_failed.connect(lambda why: self.show_message(why, "error"))
        self.tabs.currentChanged.connect(self._tab_shown)

    # -- tabs -------------------------------------------------------------------------------------------------

    def stage(self, number: int) -> Any:
        """What a tab shows, built when first asked for."""
        if number == DESK:
            return self.desk
        if number not in self._stages:
            module, _, name = TABS[number][1].partition(":")
            view = getattr(importlib.import_module(module), name)(self)
            self._pages[number].layout().addWidget(view)  # type: ignore[union-attr]
            self._stages[number] = view
            state = self._stage_states.get(TABS[number][0])
            if isinstance(state, dict):
                view.restore_state(state)
        return self._stages[number]

    def _tab_shown(self, number: int) -> None:
        view = self.stage(number)
        self.run_button.set_text(getattr(view, "run_text", "Compose"))
        self._settle_zones()
        self.commands_changed.emit()

    # -- the panel contract -----------------------------------------------------------------------------------

    def run(self) -> None:
        """Compose, or what the tab in front is for."""
        number = self.tabs.currentIndex()
        starts = getattr(self.stage(number), "start", None) if number != DESK else None
        self.attempt(starts if starts is not None else self.compose)

    def compose(self) -> None:
        """A new take from what the form says. Raises UserError when something is missing."""
        self._begin(self.wanted(), self._in_words())

    def compose_blend(self, performances: list[Notes], shares: list[float], title: str) -> None:
        """A new take in a blend of several styles, everything else as the form says. Raises UserError."""
        if "performance" not in self.form.mode:
            raise UserError("this network is told no style", "choose another network on the left")
        tokens = tuple(encode(notes) for notes in performances)
        self.tabs.setCurrentIndex(DESK)
        self._begin(replace(self.wanted(), styles=tokens, shares=tuple(shares)), title)

    def audition(self, notes: Notes) -> None:
        """Hear a piece that is not on the desk."""
        self.player.set_music("audition", notes)
        self.player.solo("audition")
        self.player.seek(0.0)
        self.player.play()

    def _begin(self, request: ComposeRequest, title: str) -> None:
        self.messages.clear("error")
        self.takes.begin(title, request.seed)
        self._plays_when_ready = not self.player.is_playing
        self.composer.ask(request)

    def wanted(self) -> ComposeRequest:
        """What the form asks for. Raises UserError when something is missing."""
        form = self.form
        how = form.how.read()
        card = form.card
        if card is None:
            raise UserError("there is no trained network yet", "train one in the tab “Training lab”")
        found = [self.shelf.find(key) for key in form.style_keys if key]
        styles = [piece for piece in found if piece is not None]
        if "performance" in form.mode and not styles:
            raise UserError("no style is chosen", "choose a performance as style A")
        melody = encode_melody(self._melody) if self._melody is not None and "melody" in form.mode else None
        primer = self._primer(styles)
        return ComposeRequest(
            generation=0,
            weights=card.name,
            styles=tuple(encode(piece.notes) for piece in styles),
            shares=form.shares[: len(styles)],
            **({"melody": melody} if melody is not None else {}),
            **({"primer": encode(primer)} if primer is not None else {}),
            temperature=how.temperature,
            top_p=how.top_p,
            grammar=how.grammar,
            seed=how.seed,
            length=min(int(how.seconds * TOKENS_PER_SECOND), 20_000),
            seconds=how.seconds,
            variations=how.variations,
        )

    def _primer(self, styles: list[Piece]) -> Notes | None:
        kind = self.form.primer_kind
        if not kind or not styles:
            return None
        notes = styles[0].notes
        if kind == "opening":
            return notes.between(0.0, OPENING_S)
        region = self.desk.region
        if region is None:
            raise UserError("no part of the style is chosen", "drag over the style roll, or go on from something else")
        part = notes.between(region.start, region.end)
        part = part.take((part.pitch >= region.low) & (part.pitch <= region.high))
        if not len(part):
            raise UserError("the chosen part of the style holds no notes", "drag over some notes of the style roll")
        return part.shifted(-region.start)

    def _in_words(self) -> str:
        """The settings in a line."""
        form = self.form
        parts = []
        if "performance" in form.mode:
            parts.append(form.style_a.currentText())
            if form.style_keys[1] and form.shares[1]:
                parts[-1] = (
                    f"{form.shares[0]:.0%} {form.style_a.currentText()}, {form.shares[1]:.0%} "
                    f"{form.style_b.currentText()}"
                )
        if self._melody is not None and "melody" in form.mode:
            parts.append("edited melody" if self._drawn is not None else form.melody.currentText())
        how = form.how.spec()
        if how is not None:
            parts.append(f"temperature {how.temperature:g}, seed {how.seed}")
        return "; ".join(parts)

    def demo(self) -> None:
        """Compose a few seconds around a melody in a style."""
        self.demonstration.start()

    def stop(self) -> None:
        """Stop composing and every job; the sound goes on, as do the sessions behind it."""
        self.composer.stop()
        self.takes.stop()
        for handle in list(self._jobs):
            if handle is not self.composer.handle and handle in self._own_jobs():
                handle.cancel()

    def _own_jobs(self) -> list[Any]:
        return [view.handle for view in self._stages.values() if getattr(view, "handle", None) is not None]

    def close_panel(self) -> None:
        self.demonstration.end()
        if self._keyboard is not None:
            self._keyboard.close()
        self.player.close()
        self.composer.close()
        for view in self._stages.values():
            view.close_stage()
        super().close_panel()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.player.open()

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
        """Put a MIDI file on the desk as "style" or "melody". Raises UserError and changes nothing when it cannot."""
        piece = self.shelf.open(path)
        box = self.form.style_a if name == "style" else self.form.melody
        self.form.choose(box, piece.key)
        self.tabs.setCurrentIndex(DESK)

    def ask_file(self, name: str) -> None:
        """Let the user choose a MIDI file."""
        kinds = "MIDI files (*.mid *.midi *.kar *.rmi)"
        chosen, _ = QFileDialog.getOpenFileName(self, f"A performance as {name}", "", kinds)
        if chosen:
            self.attempt(lambda: self.open_as(name, Path(chosen)))

    def save_state(self) -> dict[str, Any]:
        stages = dict(self._stage_states)
        for number, view in self._stages.items():
            stages[TABS[number][0]] = view.save_state()
        return {
            "pieces": self.shelf.save_state(),
            "form": self.form.save_state(),
            "bar": self.desk.bar.save_state(),
            "drawn": None if self._drawn is None else self._drawn.rows.round(4).tolist(),
            "stages": stages,
            "tab": self.tabs.currentIndex(),
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        self.shelf.restore_state(state.get("pieces"))
        self.form.restore_state(state.get("form"))
        self.desk.bar.restore_state(state.get("bar"))
        drawn = state.get("drawn")
        if isinstance(drawn, list):
            try:
                notes = Notes.of(drawn)
            except (TypeError, ValueError):
                notes = None
            if notes is not None:
                self._melody_drawn(notes)
                self.desk.show_piece("melody", notes, "edited")
        if isinstance(state.get("stages"), dict):
            self._stage_states = state["stages"]
        tab = state.get("tab")
        if isinstance(tab, int) and not isinstance(tab, bool) and 0 <= tab < self.tabs.count():
            self.tabs.setCurrentIndex(tab)

    def exports(self) -> list[Export]:
        view = self.stage(self.tabs.currentIndex())
        own = getattr(view, "exports", None)
        return [*exports_of(self), *(own() if own is not None else [])]

    def commands(self) -> list[Command]:
        group = self.info.title
        views = [
            Command(f"piano.tab{number}", f"Show {title}", later(self.tabs.setCurrentIndex, number), "", group=group,
                    icon="eye")
            for number, (title, _, _) in enumerate(TABS)
        ]  # fmt: skip
        hear = [
            Command(f"piano.hear.{name}", f"Hear {text.lower()} alone", later(self.desk.bar.hear, name), key,
                    group=group, icon="music")
            for name, text, key in TRACKS
        ]  # fmt: skip
        return [
            *super().commands(),
            Command("piano.play", "Play or pause", self.player.toggle, "", group=group, icon="play"),
            Command("piano.undo", "The take before", later(self.takes.go, -1), "Ctrl+Z",
                    lambda: self.takes.why_not(-1), group, "undo"),
            Command("piano.redo", "The take after", later(self.takes.go, 1), "Ctrl+Y",
                    lambda: self.takes.why_not(1), group, "redo"),
            Command("piano.style", "Open a MIDI file as the style…", later(self.ask_file, "style"), group=group,
                    icon="open"),
            Command("piano.melody", "Open a MIDI file as the melody…", later(self.ask_file, "melody"), group=group,
                    icon="open"),
            Command("piano.keyboard", "Play on a connected MIDI keyboard", lambda: self.attempt(self.use_keyboard),
                    group=group, icon="keyboard"),
            Command("piano.fall", "Falling notes, or the rolls", self.desk.bar.fall.toggle, "V", group=group,
                    icon="down"),
            *hear,
            *views,
        ]  # fmt: skip

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
        view = self._stages.get(TRAINING)
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

    def _style_chosen(self) -> None:
        piece = self.shelf.find(self.form.style_keys[0])
        if piece is None:
            self.desk.show_piece("style", None, "")
        else:
            self.desk.show_piece("style", piece.notes, f"{piece.title}: {piece.note}")

    def _melody_chosen(self) -> None:
        self._drawn = None
        key = self.form.melody_key
        piece = self.shelf.find(self.form.style_keys[0] if key == OF_STYLE else key) if key != NONE else None
        if piece is None:
            self._melody = None
            self.desk.show_piece("melody", None, "")
            return
        self._melody = pieces.melody_in(piece)
        said = f"found in {piece.title}" if key == OF_STYLE or len(self._melody) != len(piece.notes) else piece.title
        self.desk.show_piece("melody", self._melody, said)

    def _melody_drawn(self, notes: Notes) -> None:
        self._melody = self._drawn = notes
        self.desk.boxes["melody"].say("edited")

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
        if self._plays_when_ready and self.takes.current is not None and self.takes.current.voices:
            self._plays_when_ready = False
            self.desk.bar.hear("result")
            self.player.seek(0.0)
            self.player.play()

    def _mode_changed(self, mode: str) -> None:
        self.run_button.set_state("idle" if mode == "resting" else "running")
        self.busy_changed.emit(self.is_busy())

    def _take_kept(self) -> None:
        piece, take = self.shelf.find(self.form.style_keys[0]), self.takes.newest
        if piece is not None and take is not None:
            self.takes.judge(likeness(piece.notes, [voice.notes for voice in take.voices]))
        self.demonstration.take_kept()
