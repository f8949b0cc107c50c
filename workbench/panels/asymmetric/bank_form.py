"""The left side of the Detection panel: detectors, the classifier they vet, the twin, pictures, and a tab's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from engines.asymmetric.images import EMBEDDED
from engines.asymmetric.setting import TOPIC
from engines.asymmetric.spec import SHIPPED, SHIPPED_DIGITS
from engines.core import data
from engines.core.errors import UserError
from engines.core.weights import read_card
from engines.vision.images import SOURCES
from engines.vision.nets.models import ModelInfo, list_models
from workbench.panels.vision.models import model_items, short_title
from workbench.theme import GRID, Theme
from workbench.widgets.basics import Collapsible, label
from workbench.widgets.model_list import ModelPicker
from workbench.widgets.source_picker import FILE, FOLDER, SourcePicker

KIND: Final = "detectors"
Shape = tuple[int, int, int]
NONE_YET: Final = "No detectors yet: train some"


def banks() -> list[ModelInfo]:
    """Detectors that can be loaded by name, first the shipped ones that know the images which are here."""
    has_mnist = data.status("mnist").state == "ready"
    order = {SHIPPED: 0 if has_mnist else 2, SHIPPED_DIGITS: 1}
    found = [info for info in list_models(topic=TOPIC) if info.kind == KIND]
    return sorted(found, key=lambda info: (order.get(info.name, 3), info.name))


def classifiers(shape: Shape | None) -> list[ModelInfo]:
    """Classifiers of these images, of both topics."""
    beside = [info for info in list_models(shape, TOPIC) if info.kind != KIND]
    return [*beside, *model_items(shape)]


class BankForm(QWidget):
    """`changed`: other detectors, or another classifier. detectors, rival: lists; models: the classifier f, none ticked
    takes the one that belongs to the detectors. source: pictures. `add_settings` gives a tab's form its place."""

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._own: dict[str, ModelInfo] = {}
        self.detectors = _combo("Detectors", "One detector for each class, trained against moving negatives")
        self.rival = _combo(
            "Twin", "The classifier beside the detectors on the morph desk; by itself the adversarially trained one"
        )
        self.models = ModelPicker(theme, "Classifier f", metrics=(("clean_accuracy|accuracy", "Clean"),), several=False)
        self.source = SourcePicker(theme, own=(FOLDER, FILE))
        self._settings = _Pile()
        self._forms: dict[str, QWidget] = {}
        models = QWidget()
        grid = QGridLayout(models)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID // 2)
        for row, (text, box) in enumerate((("Detectors", self.detectors), ("Twin", self.rival))):
            grid.addWidget(label(text, "small", muted=True), row, 0)
            grid.addWidget(box, row, 1)
        grid.setColumnStretch(1, 1)
        self.about = label("", "small", muted=True, wrap=True)
        grid.addWidget(self.about, 2, 0, 1, 2)
        vetted = QWidget()
        column = QVBoxLayout(vetted)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(label("None ticked takes the one trained beside the detectors.", "small", muted=True,
                               wrap=True))  # fmt: skip
        column.addWidget(self.models)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, GRID)
        rows.setSpacing(0)
        self.sections: dict[str, Collapsible] = {}
        for title, content, is_open in (
            ("Detectors", models, True), ("Settings of this tab", self._settings, True),
            ("Pictures", self.source, True), ("Classifier f", vetted, False),
        ):  # fmt: skip
            inner = QWidget()
            column = QVBoxLayout(inner)
            margin = 0 if content is self._settings else GRID
            column.setContentsMargins(margin, 0, margin, margin)
            column.addWidget(content)
            self.sections[title] = Collapsible(title, inner, is_open=is_open)
            rows.addWidget(self.sections[title])
        rows.addStretch(1)
        self.detectors.activated.connect(lambda _: self._chosen())
        self.rival.activated.connect(lambda _: self.changed.emit())
        self.refresh()

    # -- what is chosen ---------------------------------------------------------------------------------------

    @property
    def bank(self) -> ModelInfo | None:
        """The chosen detectors, None where there are none."""
        name = self.detectors.currentData() or ""
        if name in self._own:
            return self._own[name]
        return next((info for info in banks() if info.name == name), None)

    @property
    def classifier(self) -> str:
        """Name of f, "" for the one that belongs to the detectors."""
        chosen = [info for info in self.models.models() if not info.problem]
        return chosen[0].name if chosen else ""

    def names(self) -> dict[str, Any]:
        """detectors, classifier and rival as specs and requests name them. Raises UserError without detectors."""
        if self.bank is None:
            raise UserError("there are no detectors yet", "train some on the Training tab; half a minute is enough")
        return {"detectors": str(self.detectors.currentData()), "classifier": self.classifier,
                "rival": str(self.rival.currentData() or "")}  # fmt: skip

    def refresh(self, choose: str = "") -> None:
        """List all models anew, perhaps choosing other detectors. Emits nothing."""
        with QSignalBlocker(self.detectors):
            kept = choose or self.detectors.currentData()
            self.detectors.clear()
            for info in [*banks(), *self._own.values()]:
                self.detectors.addItem(short_title(info.title), info.name)
            if not self.detectors.count():
                self.detectors.addItem(NONE_YET, "")
            self.detectors.setCurrentIndex(max(self.detectors.findData(kept), 0))
        self._fit()

    def choose_classifiers(self, classifier: str, rival: str) -> None:
        """Tick f and choose the twin; what is not there is left as it is. Emits nothing."""
        if classifier:
            self.models.set_selection([classifier])
        at = self.rival.findData(rival)
        with QSignalBlocker(self.rival):
            self.rival.setCurrentIndex(max(at, 0))

    def add_file(self, path: Path) -> None:
        """Take detectors from a file. Raises UserError where it holds none."""
        card = read_card(path)
        if card.architecture.get("kind") != KIND:
            raise UserError(f"{path.name} is no file of detectors", "choose one that this program exported")
        shape = card.architecture.get("input_shape", ())
        if len(shape) != 3:
            raise UserError(f"{path.name} does not say what its detectors take", "export them again")
        info = ModelInfo(str(path), card.title or path.stem, card.classes, tuple(shape), card.metrics, KIND,
                         data=card.data)  # fmt: skip
        self._own[info.name] = info
        self.refresh(info.name)
        self.changed.emit()

    # -- a tab's settings -------------------------------------------------------------------------------------

    def add_settings(self, key: str, form: QWidget) -> None:
        self._forms[key] = form
        self._settings.addWidget(form)

    def add_note(self, key: str, text: str) -> None:
        """A sentence where a tab has no settings."""
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(GRID, 0, GRID, GRID)
        column.addWidget(label(text, "small", muted=True, wrap=True))
        self.add_settings(key, box)

    def show_settings(self, key: str) -> None:
        if key in self._forms:
            self._settings.setCurrentWidget(self._forms[key])

    # -- inside -----------------------------------------------------------------------------------------------

    def _chosen(self) -> None:
        self._fit()
        self.changed.emit()

    def _fit(self) -> None:
        """Offer the classifiers that take the same images into as many classes."""
        bank = self.bank
        found = [] if bank is None else [
            info for info in classifiers(bank.input_shape) if len(info.classes) == len(bank.classes)
        ]  # fmt: skip
        self.models.set_models(found, self.models.selection())
        with QSignalBlocker(self.rival):
            kept = self.rival.currentData()
            self.rival.clear()
            self.rival.addItem("Robust one beside them", "")
            for info in found:
                self.rival.addItem(info.title, info.name)
            self.rival.setCurrentIndex(max(self.rival.findData(kept), 0))
        self.about.setText("" if bank is None else _about(bank))


def _about(bank: ModelInfo) -> str:
    """What the card says, and which images these detectors fit."""
    colours, height, width = bank.input_shape
    said = [f"{len(bank.classes)} classes, {width}×{height} {'grey' if colours == 1 else 'colour'}"]
    eps = bank.metrics.get("eps")
    if isinstance(eps, (int, float)):
        said.append(f"trained with ε {eps:g} ({'l∞' if bank.metrics.get('norm', 'linf') == 'linf' else 'l2'})")
    auc = bank.metrics.get("mean_validation_auc")
    if isinstance(auc, (int, float)):
        said.append(f"mean AUC under attack {auc:.3f}")
    return ", ".join(said) + f". {_fits(bank)}"


def _fits(bank: ModelInfo) -> str:
    """Which images they know."""
    drawn = bank.metrics.get("drawn_accuracy")
    if bank.name == SHIPPED:
        return "They know MNIST's digits and drawn ones; of the enlarged 8×8 digits they name only 57\u202f% rightly."
    if bank.data == "digits8" and isinstance(drawn, (int, float)):
        return f"They know the embedded 8×8 digits, and name {100 * drawn:.0f}\u202f% of drawn ones rightly."
    known = "the embedded 8×8 digits" if bank.data == "digits8" else Path(bank.data).name if bank.data else ""
    return f"They know {known}, and no other images." if known else ""


def misfit(bank: ModelInfo, source: str) -> str:
    """Why these detectors cannot be trusted on a data set, "" where nothing speaks against it."""
    names = {"digits": "the embedded 8×8 digits", "digits8": "the embedded 8×8 digits"}
    here = "digits8" if source == "digits" and bank.input_shape == (1, 8, 8) else source
    if not bank.data or here not in (*SOURCES, EMBEDDED) or here == bank.data:
        return ""  # of pictures of the user's own nothing is known
    titles = names | {name: data.find(name).title for name in SOURCES if name not in names}
    known, shown = (titles.get(name, Path(name).name) for name in (bank.data, here))
    if bank.name == SHIPPED and here == "digits":
        return "These detectors know MNIST, and name only 57\u202f% of the enlarged 8×8 digits rightly"
    return f"These detectors know {known}, not {shown}"


def _combo(name: str, tip: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(tip)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(10)
    return box


class _Pile(QStackedWidget):
    """As high as the page that is shown, not as the highest."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.currentChanged.connect(lambda _: self.updateGeometry())

    def hasHeightForWidth(self) -> bool:
        return False  # Qt would answer with the highest page

    def sizeHint(self):  # type: ignore[no-untyped-def]
        page = self.currentWidget()
        return super().sizeHint() if page is None else page.sizeHint()

    def minimumSizeHint(self):  # type: ignore[no-untyped-def]
        page = self.currentWidget()
        return super().minimumSizeHint() if page is None else page.minimumSizeHint()
