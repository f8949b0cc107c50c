"""The system bench: attacks against both decision rules, their curves over the threshold, and the images of a cell."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSlider, QSplitter, QTabWidget, QVBoxLayout, QWidget

from engines.asymmetric.metrics import ACCEPTED_RIGHT, FOOLED, Rates
from engines.asymmetric.results import RULES, BenchResult
from engines.asymmetric.snapshots import BenchSnapshot
from engines.asymmetric.spec import BenchSpec
from engines.core import atomic
from engines.core.intervals import wilson
from workbench.panels.asymmetric.auc_view import AucView
from workbench.panels.asymmetric.axis_range import AxisRange
from workbench.panels.asymmetric.cell_view import CellView
from workbench.panels.asymmetric.radius import keep_reach
from workbench.panels.base import Export
from workbench.panels.stage import Stage
from workbench.panels.vision.figure_table import Cell, FigureTable, share_cell
from workbench.theme import GRID, set_role
from workbench.widgets.basics import ElidedLabel, label, number, percent
from workbench.widgets.exports import save_tables
from workbench.widgets.matrix_view import MatrixView
from workbench.widgets.plots import Plot
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from workbench.panels.asymmetric.panel import DetectionPanel
    from workbench.runner import JobHandle

MULTI: Final = "multi-targeted"
STOPS: Final = 1000
FIELDS: Final = (
    "images", "norm", "eps", "steps", "step_size", "attacks", "keep", "restarts", "tpr", "calibrate", "auc_images",
    "auc_steps", "optimiser", "random_start", "seed", "device",
)  # fmt: skip
BREAKS: Final = (
    "The multi-targeted attack (Tramer et al. 2020) adapts to this defence and breaks it. The other rows are the "
    "paper's own attacks and flatter it: judge the defence by the multi-targeted row."
)
HEADERS: Final = (
    ("Attack", "What the perturbed images were made against"),
    ("Rule", "Integrated: f names, its detector vets. Generative: the detectors alone"),
    ("Error [%]", "Perturbed images that pass under a wrong name, at the threshold of the slider"),
    ("at TPR", "The same at the threshold that lets the chosen share of natural images pass"),
    ("EER [%]", "Where natural images rejected = perturbed ones let through (ours, not the paper's)"),
    ("Accuracy [%]", "Natural images that pass under their right name, at the slider's threshold"),
    ("f fooled [%]", "Perturbed images that the classifier alone names wrongly"),
)


class BenchStage(Stage):
    """Run attacks classifier and detectors together; the matrix fills an attack at a time."""

    run_text = "Run bench"
    panel: DetectionPanel

    def __init__(self, panel: DetectionPanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self.result: BenchResult | None = None
        self.threshold = float("nan")
        self._keys: set[str] = set()
        self._rates: dict[tuple[int, int], Rates] = {}
        self.form: SpecForm[BenchSpec] = SpecForm(
            BenchSpec, fields=FIELDS, choices={"device": panel.services.devices}, preset=panel.services.settings.preset
        )
        keep_reach(self.form)
        self.status = ElidedLabel("Run attacks the whole system in four ways and shows what each rule lets through.")
        self.warning = label(BREAKS, "small", wrap=True)
        set_role(self.warning, "error")
        self.matrix = MatrixView(theme, "System bench", row_title="attack", column_title="rule",
                                 empty="Run fills this: error at the chosen TPR")  # fmt: skip
        self.matrix.set_tips(self._tip)
        self.rule = QComboBox()
        self.rule.setAccessibleName("Decision rule of the curves")
        self.rule.addItems([rule.capitalize() for rule in RULES])
        self.rule.setToolTip("Integrated: f names the class, its detector vets it. Generative: the detectors alone")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Threshold T")
        self.slider.setToolTip("The logit from which an image counts as natural; moves the line in both plots")
        self.slider.setRange(0, STOPS)
        self.slider_text = label("T –", "small")
        self.roc = Plot(theme, title="Detection", x="FPR: wrong, let through", y="TPR", x_unit="%", y_unit="%")
        self.curves = Plot(theme, title="Accuracy and error over T", x="threshold T on z", y="share", y_unit="%")
        self.axis = AxisRange(self.roc, "TPR", top=100, fit=False)
        self.table = FigureTable("Figures of every cell", HEADERS)
        self.auc = AucView(theme)
        self.cell = CellView(theme)
        self._build()
        self.matrix.cell_clicked.connect(self.open_cell)
        self.rule.activated.connect(lambda _: self._rule_changed())
        self.slider.valueChanged.connect(lambda _: self._slid())
        self.table.row_chosen.connect(self._row_chosen)

    # -- stage ------------------------------------------------------------------------------------------------

    def wanted(self) -> BenchSpec:
        """What Run would measure; the multi-targeted attack is always among it. Raises UserError where something does
        not fit."""
        spec = self.form.read()
        names = self.panel.form.names()
        attacks = spec.attacks if MULTI in spec.attacks else (*spec.attacks, MULTI)
        return spec.changed(
            detectors=names["detectors"], classifier=names["classifier"], data=self.panel.data_text(), attacks=attacks
        )

    def start(self) -> None:
        self.begin(self.wanted())

    def begin(self, spec: BenchSpec) -> JobHandle:
        """Measure this."""
        handle = self.panel.start("asymmetric.bench", spec)
        self.take(handle)
        handle.progressed.connect(self._progressed)
        self.result, self._rates = None, {}
        self.matrix.set_headers(spec.attacks, RULES)
        self.matrix.set_values(np.full((len(spec.attacks), 2), np.nan))
        self._empty_curves(spec.attacks)
        self.table.set_rows([])
        self.cell.clear()
        self.status.setText("Waiting for the engine…")
        return handle

    def close_stage(self) -> None:
        if self.handle is not None and not self.handle.has_ended:
            self.handle.progressed.disconnect(self._progressed)
        super().close_stage()

    def show_snapshot(self, snapshot: Any) -> None:
        if isinstance(snapshot, BenchSnapshot) and self.result is None:
            self.matrix.set_headers(snapshot.attacks, snapshot.rules)
            self.matrix.set_values(snapshot.error)

    def show_end(self, handle: JobHandle) -> None:
        handle.progressed.disconnect(self._progressed)
        if handle.state == "done":
            self.show_result(handle.result)
        elif handle.state == "cancelled":
            self.status.setText("Stopped; attacks that were finished stay in the matrix.")
        elif handle.error is not None:
            self.status.setText(handle.error.what)

    def _progressed(self, progress: Any) -> None:
        self.status.setText(f"{progress.text}…" if progress.text else "Measuring…")

    # -- showing ----------------------------------------------------------------------------------------------

    def show_result(self, result: BenchResult) -> None:
        """Draw a finished bench, with the threshold at the chosen TPR."""
        self.result = result
        self._rates = {(a, r): result.rates(a, r) for a in range(len(result.attacks)) for r in range(2)}
        count = len(result.labels)
        self.matrix.set_headers(result.attacks, RULES)
        ends = np.array([[wilson(e * count, count) for e in row] for row in result.error])
        self.matrix.set_values(result.error, ends[..., 0], ends[..., 1])
        worst = result.attacks.index(MULTI) if MULTI in result.attacks else 0
        ball = f"{'l∞' if result.norm == 'linf' else 'l2'} ε {result.eps:g}"
        self.status.setText(
            f"{count} images, {ball}: at {percent(result.tpr, 0)} TPR "
            f"{result.attacks[worst]} gets {percent(float(result.error[worst, 0]))} past the integrated and "
            f"{percent(float(result.error[worst, 1]))} past the generative rule  ·  "
            f"{result.titles[0]}, f: {result.titles[1]}"
        )
        self.auc.show_result(result)
        self._rule_changed()
        self.open_cell(worst, 0)

    def _rule_changed(self) -> None:
        """Another rule has other logits: the threshold goes back to the chosen TPR."""
        if self.result is None:
            return
        self._draw_curves()
        self.set_threshold(float(self.result.threshold[self.rule.currentIndex()]))

    def set_threshold(self, threshold: float) -> None:
        """Put the line at T."""
        self.threshold = threshold
        low, high = self._span()
        with QSignalBlocker(self.slider):
            self.slider.setValue(round((threshold - low) / (high - low) * STOPS))
        self._draw_threshold()

    def _slid(self) -> None:
        low, high = self._span()
        self.threshold = low + (high - low) * self.slider.value() / STOPS
        self._draw_threshold()

    def _span(self) -> tuple[float, float]:
        """Ends of the slider: all logits of the rule but the farthest, which would squeeze the rest."""
        if self.result is None:
            return 0.0, 1.0
        r = self.rule.currentIndex()
        scores = np.concatenate([self.result.score[r], self.result.attacked_score[:, r].ravel()])
        low, high = np.quantile(scores, [0.01, 1.0])
        at = float(self.result.threshold[r])
        low, high = min(float(low), at) - 1, max(float(high), at) + 1
        return low, high

    def _draw_curves(self) -> None:
        result = self.result
        if result is None:
            return
        r = self.rule.currentIndex()
        for a, attack in enumerate(result.attacks):
            found = self._rates[a, r]
            thick: Any = "line" if attack == MULTI else "dashed"
            self.roc.set_curve(attack, 100 * found.fpr, 100 * found.tpr, name=attack, colour=a, style=thick)
            self.curves.set_curve(attack, found.threshold, 100 * found.error, name=f"error, {attack}", colour=a,
                                  style=thick)  # fmt: skip
        found = self._rates[0, r]
        self.curves.set_curve("accuracy", found.threshold, 100 * found.accuracy, name="accuracy", colour="text")
        low, high = self._span()
        self.roc.set_range(x=(0, 100))
        self.axis.apply()
        self.curves.set_range(x=(low, high), y=(0, 100))

    def _empty_curves(self, attacks: tuple[str, ...]) -> None:
        """Curves of the run before go; those of other attacks leave the legend too."""
        for plot in (self.roc, self.curves):
            for key in self._keys - set(attacks):
                plot.remove(key)
            for key in self._keys & set(attacks):
                plot.set_curve(key, [], [])
        self._keys = set(attacks)

    def _draw_threshold(self) -> None:
        result = self.result
        if result is None:
            return
        r = self.rule.currentIndex()
        natural = float((result.score[r] >= self.threshold).mean())
        self.slider_text.setText(f"T {number(self.threshold)}: {percent(natural, 0)} pass")
        self.slider_text.setToolTip(
            f"{percent(natural)} of {len(result.labels)} natural images have this logit or more"
        )
        self.roc.set_mark("T", 100 * natural, vertical=False, text="")
        self.curves.set_mark("T", self.threshold, movable=True, moved=self.set_threshold)
        rows = []
        for a, attack in enumerate(result.attacks):
            for rule in range(2):
                found = self._rates[a, rule]
                # Each rule has logits of its own; the other one's row stands where as many natural images pass.
                at = self.threshold if rule == r else float(np.quantile(result.score[rule], max(0.0, 1 - natural)))
                index = min(int(np.searchsorted(found.threshold, at)), len(found.threshold) - 1)
                count = len(result.labels)
                rows.append([
                    Cell(attack), Cell(RULES[rule]), share_cell(float(found.error[index]), count, "perturbed images"),
                    share_cell(float(result.error[a, rule]), count, "perturbed images"),
                    Cell(f"{100 * result.eer[a, rule]:.1f}", float(result.eer[a, rule]),
                         f"at T {number(float(result.eer_threshold[a, rule]))}"),
                    share_cell(float(found.accuracy[index]), count, "natural images"),
                    share_cell(float(result.fooled[a]), count, "perturbed images"),
                ])  # fmt: skip
        self.table.set_rows(rows)
        self.cell.show_threshold(self.threshold, r)

    def open_cell(self, attack: int, rule: int) -> None:
        """Show the images behind a cell."""
        if self.result is None:
            return
        self.matrix.set_chosen((attack, rule))
        if rule != self.rule.currentIndex():
            self.rule.setCurrentIndex(rule)
            self._rule_changed()
        self.cell.show_cell(self.result, attack, rule, self.threshold)

    def _row_chosen(self, number_of: int) -> None:
        if number_of >= 0:
            self.open_cell(number_of // 2, number_of % 2)

    def _tip(self, attack: int, rule: int) -> str:
        if self.result is None:
            return ""
        got = self.result.outcomes(attack, rule, float(self.result.threshold[rule]))
        return (
            f"{int((got == FOOLED).sum())} fooled, {int((got == ACCEPTED_RIGHT).sum())} named rightly, "
            f"{int((got == 1).sum())} rejected, of {len(got)} perturbed images\nClick to see them"
        )

    # -- surroundings -----------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self.result is not None else "Run the bench first."

        return [
            Export("bench-csv", "Figures, AUC and all curves as CSV", ".csv", self._write_csv, none),
            Export("bench-npz", "Attacked images and logits as NPZ", ".npz", self._write_npz, none),
            Export("roc-png", "Detection curves as PNG", ".png", self.roc.save, none),
            Export("curves-png", "Accuracy and error as PNG", ".png", self.curves.save, none),
        ]

    def _write_csv(self, path: Path) -> str:
        assert self.result is not None
        written = save_tables(self.result.to_tables(), path)
        return f"Saved {len(written)} tables beside {path.name}"

    def _write_npz(self, path: Path) -> None:
        assert self.result is not None
        r = self.result
        body = io.BytesIO()
        np.savez_compressed(
            body, allow_pickle=False, x=r.images, labels=r.labels, x_adv=r.attacked, z=r.attacked_z, f=r.attacked_f,
            attacks=np.array(r.attacks), rules=np.array(RULES), threshold=r.threshold, eps=np.float64(r.eps),
        )  # fmt: skip
        atomic.write_bytes(path, body.getbuffer())

    def save_state(self) -> dict[str, Any]:
        return {"form": self.form.save_state(), "rule": self.rule.currentIndex(), "axis": self.axis.currentIndex()}

    def restore_state(self, state: dict[str, Any]) -> None:
        if isinstance(state.get("form"), dict):
            self.form.restore_state(state["form"])
        rule = state.get("rule")
        if isinstance(rule, int) and 0 <= rule < 2:
            self.rule.setCurrentIndex(rule)
        axis = state.get("axis")
        if isinstance(axis, int) and 0 <= axis < self.axis.count():
            self.axis.setCurrentIndex(axis)

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(GRID // 2)
        head.addWidget(self.rule)
        head.addWidget(label("T", "small", muted=True))
        head.addWidget(self.slider, 1)
        head.addWidget(self.slider_text)
        head.addWidget(self.axis)
        curves = QSplitter(Qt.Orientation.Horizontal)
        for plot in (self.roc, self.curves):
            plot.setMinimumHeight(150)
            curves.addWidget(plot)
        curves.setChildrenCollapsible(False)
        figures = QTabWidget()
        figures.setDocumentMode(True)
        figures.addTab(self.table, "Figures")
        figures.addTab(self.auc, "AUC of each detector")
        upper = QWidget()
        rows = QVBoxLayout(upper)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addLayout(head)
        rows.addWidget(curves, 3)
        rows.addWidget(figures, 2)
        side = QSplitter(Qt.Orientation.Vertical)
        side.setChildrenCollapsible(False)
        self.matrix.setMinimumHeight(150)
        side.addWidget(self.matrix)
        side.addWidget(self.cell)
        side.setSizes([210, 330])
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(side)
        split.addWidget(upper)
        split.setSizes([268, 572])  # from here on the table of figures needs no scrolling at 1400 px
        split.setStretchFactor(1, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.setSpacing(GRID // 2)
        whole.addWidget(self.status)
        whole.addWidget(self.warning)
        whole.addWidget(split, 1)
