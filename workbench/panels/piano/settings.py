"""The left side of the piano panel: who composes, in whose style, around which melody, and how freely."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from engines.core.spec import Spec, param
from engines.core.weights import ModelCard
from engines.piano.models import list_models
from workbench.panels.piano.pieces import Shelf
from workbench.services import Services
from workbench.theme import GRID
from workbench.widgets.basics import Collapsible, label, percent
from workbench.widgets.spec_form import SpecForm

DEFAULT_WEIGHTS: Final = "piano-style"
NONE, OF_STYLE = "", "of style"
PRIMERS: Final = (
    ("", "nothing", "It begins by itself"),
    ("opening", "the opening of the style", "The first seconds of style A are played, and the network goes on"),
    ("region", "the part chosen in the style roll", "Drag over the style roll to choose a part"),
)
OPENING_S: Final = 4.0
TIP_A: Final = "The performance whose manner is taken: how dense, how loud, how high, how short"
TIP_B: Final = "A second performance, to blend with the first"
TIP_MELODY: Final = "The tune to play around; draw your own with Edit over its roll"


class HowSpec(Spec):
    """How freely, and how much."""

    temperature: float = param(0.9, "1 draws as the network says; less is safer, 0 takes the likeliest.", ge=0, le=2)
    top_p: float = param(0.95, "Only the likeliest tokens with this share of the probability are drawn.", gt=0, le=1)
    seconds: float = param(20.0, "How much music.", ge=2, le=600, log=True, unit="s")
    variations: int = param(2, "Pieces composed at once, with the same settings.", ge=1, le=8)
    grammar: bool = param(True, "Never release a key that is up, nor strike one that is down.", advanced=True)

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {}, "full": {"seconds": 60.0, "variations": 4}}


class PianoSettings(QWidget):
    """styles_changed(), melody_changed(): other pieces were chosen. melody_chosen_again(): the user took an entry
    of the melodies, maybe the one that stood there."""

    styles_changed = Signal()
    melody_changed = Signal()
    melody_chosen_again = Signal()

    def __init__(self, services: Services, shelf: Shelf) -> None:
        super().__init__()
        self.shelf = shelf
        self.weights = _combo("Network", "Who composes; the line below says what it is told")
        self.style_a, self.style_b = _combo("Style A", TIP_A), _combo("Style B", TIP_B)
        self.blend = QSlider(Qt.Orientation.Horizontal)
        self.blend.setRange(0, 100)
        self.blend.setSingleStep(5)
        self.blend.setAccessibleName("Blend of the styles")
        self.blend_text = label("", "small", muted=True)
        self.melody = _combo("Melody", TIP_MELODY)
        self.primer = _combo("Go on from", "What is taken as already played; the network goes on from there")
        self.how: SpecForm[HowSpec] = SpecForm(
            HowSpec, fields=("temperature", "top_p", "seconds", "variations", "grammar", "seed"),
            preset=services.settings.preset,
        )  # fmt: skip
        self._cards: dict[str, ModelCard] = {}
        self._build()
        self.refresh_models()
        self.refresh_pieces()
        for key, text, tip in PRIMERS:
            self.primer.addItem(text, key)
            self.primer.setItemData(self.primer.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._connect()
        self._show_blend()

    def _build(self) -> None:
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, GRID)
        rows.setSpacing(0)
        self.said = label("", "small", muted=True, wrap=True)
        music = QGridLayout()
        music.setContentsMargins(GRID, 0, GRID, GRID)
        music.setVerticalSpacing(GRID // 2)
        blend = QWidget()
        line = QHBoxLayout(blend)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.blend, 1)
        line.addWidget(self.blend_text)
        rows_of = (
            ("Network", self.weights, self.weights), ("Style A", self.style_a, self.style_a),
            ("Style B", self.style_b, self.style_b), ("Blend", blend, self.blend), ("Melody", self.melody, self.melody),
            ("Go on from", self.primer, self.primer),
        )  # fmt: skip
        for row, (text, widget, control) in enumerate(rows_of):
            name = label(text, muted=True)
            name.setBuddy(control)
            music.addWidget(name, row, 0)
            music.addWidget(widget, row, 1)
        music.addWidget(self.said, music.rowCount(), 0, 1, 2)
        music.setColumnStretch(1, 1)
        inner = QWidget()
        inner.setLayout(music)
        parts = (("Music", inner), ("How", self.how))
        self.sections = {title: Collapsible(title, widget, is_open=True) for title, widget in parts}
        for section in self.sections.values():
            rows.addWidget(section)
        rows.addStretch(1)

    def _connect(self) -> None:
        self.shelf.changed.connect(self.refresh_pieces)
        self.weights.currentIndexChanged.connect(self._weights_chosen)
        self.style_a.currentIndexChanged.connect(self._style_chosen)
        self.style_b.currentIndexChanged.connect(self._style_chosen)
        self.blend.valueChanged.connect(lambda _: self._show_blend())
        self.melody.currentIndexChanged.connect(lambda _: self.melody_changed.emit())
        self.melody.activated.connect(lambda _: self.melody_chosen_again.emit())

    # -- what is chosen ---------------------------------------------------------------------------------------

    @property
    def card(self) -> ModelCard | None:
        """The chosen network's card."""
        return self._cards.get(str(self.weights.currentData() or ""))

    @property
    def mode(self) -> str:
        """What that network is told: "melody+performance", "performance", "melody", "unconditional"."""
        return str(self.card.architecture.get("mode", "")) if self.card is not None else ""

    @property
    def style_keys(self) -> tuple[str, str]:
        """Keys of styles A and B; B is empty without one."""
        return str(self.style_a.currentData() or ""), str(self.style_b.currentData() or "")

    @property
    def shares(self) -> tuple[float, float]:
        """How much of each style."""
        alpha = self.blend.value() / 100 if self.style_keys[1] else 0.0
        return 1 - alpha, alpha

    @property
    def melody_key(self) -> str:
        """Key of the melody; NONE or OF_STYLE."""
        return str(self.melody.currentData() or NONE)

    @property
    def primer_kind(self) -> str:
        return str(self.primer.currentData() or "")

    def choose(self, box: QComboBox, key: str) -> bool:
        """Choose an entry by its key; False where there is none."""
        index = box.findData(key)
        if index >= 0:
            box.setCurrentIndex(index)
        return index >= 0

    def set_blend(self, alpha: float) -> None:
        """Share of style B, 0 … 1."""
        self.blend.setValue(round(100 * alpha))

    # -- lists ------------------------------------------------------------------------------------------------

    def refresh_models(self, choose: str = "") -> None:
        """Read the list of networks again; choose one of them."""
        wanted = choose or str(self.weights.currentData() or DEFAULT_WEIGHTS)
        self._cards = {card.name: card for card in list_models() if card.architecture.get("mode") != "unpooled"}
        with QSignalBlocker(self.weights):
            self.weights.clear()
            for name, card in self._cards.items():
                self.weights.addItem(card.title or name, name)
            if not self._cards:
                self.weights.addItem("none trained yet", "")
            self.choose(self.weights, wanted)
        self._weights_chosen()

    def refresh_pieces(self) -> None:
        """Read the lists of pieces again; what was chosen stays."""
        for box, kind, first in (
            (self.style_a, "style", ()),
            (self.style_b, "style", (("", "none"),)),
            (self.melody, "melody", ((NONE, "none"), (OF_STYLE, "the melody of style A"))),
        ):
            kept = box.currentData()
            with QSignalBlocker(box):
                box.clear()
                for key, text in first:
                    box.addItem(text, key)
                for key, title, note in self.shelf.names("style" if kind == "style" else "melody"):
                    box.addItem(title, key)
                    box.setItemData(box.count() - 1, note, Qt.ItemDataRole.ToolTipRole)
                if kept is not None:
                    self.choose(box, kept)

    # -- state ------------------------------------------------------------------------------------------------

    def save_state(self) -> dict[str, Any]:
        return {
            "weights": self.weights.currentData(),
            "style_a": self.style_a.currentData(),
            "style_b": self.style_b.currentData(),
            "melody": self.melody.currentData(),
            "primer": self.primer.currentData(),
            "blend": self.blend.value(),
            "how": self.how.save_state(),
        }

    def restore_state(self, state: Any) -> None:
        """Take up what `save_state` said; ignore what does not fit."""
        if not isinstance(state, dict):
            return
        for name in ("weights", "style_a", "style_b", "melody", "primer"):
            if isinstance(state.get(name), str):
                self.choose(getattr(self, name), state[name])
        blend = state.get("blend")
        if isinstance(blend, int) and not isinstance(blend, bool) and 0 <= blend <= 100:
            self.blend.setValue(blend)
        if isinstance(state.get("how"), dict):
            self.how.restore_state(state["how"])

    # -- inside -----------------------------------------------------------------------------------------------

    def _weights_chosen(self) -> None:
        mode = self.mode
        reads_style, reads_melody = "performance" in mode, "melody" in mode
        self.blend.setEnabled(reads_style)
        self.style_b.setEnabled(reads_style)
        self.style_b.setToolTip(TIP_B if reads_style else "This network is told no style")
        self.melody.setEnabled(reads_melody)
        self.melody.setToolTip(TIP_MELODY if reads_melody else "This network is told no melody")
        card = self.card
        if card is None:
            self.said.setText("Train a network in the tab “Training lab”.")
        else:
            nll = card.metrics.get("test_nll", card.metrics.get("held_out_nll"))
            self.said.setText(
                {"melody+performance": "Plays a melody in a style.", "performance": "Plays in a style.",
                 "melody": "Plays around a melody; the style is not heard.", "unconditional": "Plays what it likes."}
                .get(mode, "")
            )  # fmt: skip
            self.said.setToolTip(
                f"Its surprise at music it never saw: {nll:.3f} nats a token. 0 would be certain of every token, "
                "5.74 is a guess among all 310. Less is better." if isinstance(nll, float) else ""
            )  # fmt: skip
        self._show_blend()

    def _style_chosen(self) -> None:
        self._show_blend()
        self.styles_changed.emit()
        if self.melody_key == OF_STYLE:
            self.melody_changed.emit()

    def _show_blend(self) -> None:
        has_second = bool(self.style_keys[1]) and "performance" in self.mode
        self.blend.setEnabled(has_second)
        self.blend.setToolTip("How far from style A to style B" if has_second else "Choose a style B to blend with")
        self.blend_text.setText(f"{percent(self.shares[1], 0)} B" if has_second else "all A")


def _combo(name: str, tip: str) -> QComboBox:
    box = QComboBox()
    box.setToolTip(tip)
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(12)
    return box
