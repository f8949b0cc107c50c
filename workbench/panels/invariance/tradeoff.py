"""The trade-off tab: the plane, the profiles it reads from, and the figures behind both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QSplitter, QVBoxLayout, QWidget

from engines.core import atomic
from engines.core.errors import UserError
from engines.core.results import plain
from engines.invariance.results import ProfileResult
from engines.invariance.spec import ProfileSpec
from workbench.panels.base import Export
from workbench.panels.invariance.choices import source_name
from workbench.panels.invariance.plane import TradeOffPlane
from workbench.panels.invariance.profile_plots import SHOWS, ProfilePlots
from workbench.panels.invariance.trails import colours_of, trained_text
from workbench.panels.stage import Stage
from workbench.panels.vision.figure_table import Cell, FigureTable, share_cell
from workbench.panels.vision.models import short_title
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label
from workbench.widgets.exports import save_tables
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from workbench.panels.invariance.panel import InvariancePanel
    from workbench.runner import JobHandle

STEPS: Final = 200
"""Positions of a slider."""
THETA, EPS = 60.0, 0.1
EXPECTED: Final = (
    "Here each ticked model becomes a dot: further right is more invariant to turns, further up is more robust against "
    "attacks. Press Measure profiles."
)
HEADERS: Final = (
    ("Model", "Its title"),
    ("Trained", "Largest turn and strength of the adversary in training, as its card says"),
    ("Clean [%]", "Accuracy without turn or attack, % with half the 95 % interval"),
    ("inv(θ*) [%]", "Rate of invariance: random turns up to ±θ* leave the answer as it was"),
    ("acc(θ*) [%]", "Accuracy on images turned by up to ±θ*"),
    ("1−fool(ε*) [%]", "Share of images whose answer the attack at ε* does not change"),
    ("racc(ε*) [%]", "Robust accuracy: right in spite of the attack at ε*"),
)


class TradeOffView(Stage):
    """Run measures profiles of the ticked models; the sliders read the curves at θ* and ε* without measuring anew."""

    run_text = "Measure profiles"
    panel: InvariancePanel

    def __init__(self, panel: InvariancePanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self.result: ProfileResult | None = None
        self._theta, self._eps = THETA, EPS
        self.form: SpecForm[ProfileSpec] = SpecForm(
            ProfileSpec, leave_out=("models", "data"), choices={"device": panel.services.devices},
            preset=panel.services.settings.preset,
        )  # fmt: skip
        self.plane = TradeOffPlane(theme)
        self.plots = ProfilePlots(theme, self._theta_dragged, self._eps_dragged)
        self.table = FigureTable("Figures at θ* and ε*", HEADERS)
        self.status = ElidedLabel("Measure profiles to see how much invariance costs robustness.")
        self.theta_slider, self._theta_text = _slider("θ*: read the turns at this angle")
        self.eps_slider, self._eps_text = _slider("ε*: read the attacks at this strength")
        self.shows = QComboBox()
        self.shows.setAccessibleName("What the profiles are relative to")
        self.shows.setToolTip("Rates relative to a model's own answer make a bad model look robust: look at both")
        for key, text, *_ in SHOWS:
            self.shows.addItem(text, key)
        self._expect(None)
        self._build()
        self.shows.activated.connect(lambda _: self._show_other())
        self.theta_slider.valueChanged.connect(lambda at: self._read(theta=180 * at / STEPS))
        self.eps_slider.valueChanged.connect(lambda at: self._read(eps=self._most * at / STEPS))
        self.plane.model_chosen.connect(self._choose)
        self.table.row_chosen.connect(self._choose)
        theme.changed.connect(lambda _: self._draw())
        self._place_sliders()

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Raises UserError where models or images do not fit."""
        self.begin(self.form.read())

    def begin(self, spec: ProfileSpec) -> JobHandle:
        """Measure with these settings and the panel's models and pictures."""
        spec = spec.changed(models=self.panel.models_text(), data=self.panel.source_text())
        handle = self.panel.start("invariance.profile", spec)
        self.take(handle)
        self.status.setText("Measuring…")
        return handle

    def take(self, handle: JobHandle) -> None:
        """Follow a run; what the plane says while it is empty is about this one."""
        super().take(handle)
        self._expect(handle)

    def _expect(self, handle: JobHandle | None) -> None:
        """What an empty plane says."""
        if handle is None:
            self.plane.set_note(EXPECTED)
        elif not handle.has_ended:
            self.plane.set_note("The first model is being turned and attacked; then its dot appears.")
        elif handle.state == "cancelled":
            self.plane.set_note("Stopped before the first model was measured.")
        elif handle.state != "done":
            self.plane.set_note("Nothing was measured.")

    def show_snapshot(self, snapshot: Any) -> None:
        if isinstance(snapshot, ProfileResult):
            self._show(snapshot)
            done = int(np.isfinite(snapshot.fooled).all(1).sum())
            self.status.setText(f"{done} of {len(snapshot.models)} models measured on {snapshot.images} images…")

    def show_end(self, handle: JobHandle) -> None:
        self._expect(handle)
        if handle.state == "done":
            self._show(handle.result)
            self.status.setText(_summary(handle.result))
        elif handle.state == "cancelled":
            self.status.setText("Stopped; what was measured stays." if self.result else "Stopped.")
        elif handle.error is not None:
            self.status.setText(handle.error.what)

    def save_state(self) -> dict[str, Any]:
        return {"form": self.form.save_state(), "theta": self._theta, "eps": self._eps,
                "shows": self.shows.currentData()}  # fmt: skip

    def restore_state(self, state: dict[str, Any]) -> None:
        restore_form(self.form, state.get("form"))
        for name, most in (("theta", 180.0), ("eps", 1.0)):
            value = state.get(name)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most:
                setattr(self, f"_{name}", float(value))
        at = self.shows.findData(state.get("shows"))
        if at >= 0:
            self.shows.setCurrentIndex(at)
            self.plots.show = self.shows.currentData()
        self._place_sliders()

    # -- showing ----------------------------------------------------------------------------------------------

    @property
    def _most(self) -> float:
        """The strongest attack that was measured, or that usually is."""
        if self.result is not None:
            return float(self.result.epsilons[-1]) or 1.0
        return 0.3 if self.panel.shape[0] == 1 else 8 / 255

    def _show(self, result: ProfileResult) -> None:
        fresh = self.result is None or not np.array_equal(self.result.epsilons, result.epsilons)
        self.result = result
        if fresh:
            most = float(result.epsilons[-1])
            self._eps = min(self._eps, most) if most >= 0.1 else most / 4
            self._place_sliders()
        self._draw()

    def _draw(self) -> None:
        chosen = self._chosen_index()
        self.plots.draw(self.result, self._theta, self._eps, chosen)
        self._draw_read(chosen)

    def _draw_read(self, chosen: int) -> None:
        """What depends on θ* and ε* only."""
        self.plane.show_result(self.result, self._theta, self._eps, chosen)
        result = self.result
        if result is None:
            return
        at = self._theta, self._eps
        rows = []
        for i, model in enumerate(result.models):
            inv, acc = (_at(result.thetas, rows_[i], at[0]) for rows_ in (result.invariance, result.accuracy))
            fool, racc = (_at(result.epsilons, rows_[i], at[1]) for rows_ in (result.fooled, result.robust))
            trained = Cell(trained_text(model), model.theta + 1000 * model.eps)
            turned = (share_cell(share, result.images) for share in (result.clean[i], inv, acc))
            hit = (share_cell(share, result.attacked, "attacked images") for share in (1 - fool, racc))
            rows.append([Cell(short_title(model.title), tip=f"{model.title} ({model.name})"), trained, *turned, *hit])
        colours = colours_of(result.models, self.panel.services.theme.colours.series,
                             self.panel.services.theme.colours.surface)  # fmt: skip
        self.table.set_rows(rows, colours)

    def _read(self, theta: float | None = None, eps: float | None = None) -> None:
        """Another place on the curves."""
        self._theta = self._theta if theta is None else min(max(theta, 0.0), 180.0)
        self._eps = self._eps if eps is None else min(max(eps, 0.0), self._most)
        self._place_sliders()
        self.plots.set_marks(self._theta, self._eps)
        self._draw_read(self._chosen_index())

    def _theta_dragged(self, theta: float) -> None:
        self._read(theta=theta)

    def _eps_dragged(self, eps: float) -> None:
        self._read(eps=eps)

    def _place_sliders(self) -> None:
        with QSignalBlocker(self.theta_slider), QSignalBlocker(self.eps_slider):
            self.theta_slider.setValue(round(self._theta / 180 * STEPS))
            self.eps_slider.setValue(round(self._eps / self._most * STEPS))
        self._theta_text.setText(f"θ* ±{self._theta:.0f}°")
        whole = f" = {self._eps * 255:.1f}/255" if self._most < 0.1 else ""
        self._eps_text.setText(f"ε* {self._eps:.3f}{whole}")

    def _show_other(self) -> None:
        self.plots.show = self.shows.currentData()
        self._draw()

    def _choose(self, index: int) -> None:
        self.table.choose(index)
        self._draw()

    def _chosen_index(self) -> int:
        return self.table.current_row()

    # -- exports ----------------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self.result is not None else "Measure profiles first."

        return [
            Export("profiles-csv", "Profiles as CSV, three tables", ".csv", self._write_tables, none),
            Export("figures-csv", "Figures at θ* and ε* as CSV", ".csv", self._write_figures, none),
            Export("profiles-json", "Profiles and settings as JSON", ".json", self._write_json, none),
            Export("plane-png", "Trade-off plane as PNG", ".png", self.plane.save, none),
            Export("plane-svg", "Trade-off plane as SVG", ".svg", self.plane.save, none),
            Export("turns-png", "Profile over turns as PNG", ".png", self.plots.turns.save, none),
            Export("attacks-png", "Profile over attacks as PNG", ".png", self.plots.attacks.save, none),
        ]

    def _write_tables(self, path: Path) -> str:
        assert self.result is not None
        written = save_tables(self.result.to_tables(), path)
        return f"Saved {', '.join(p.name for p in written)}"

    def _write_figures(self, path: Path) -> None:
        assert self.result is not None
        theta, eps = np.full(len(self.result.models), self._theta), np.full(len(self.result.models), self._eps)
        save_tables({"figures": {**self.table.columns_as_arrays(), "theta*": theta, "eps*": eps}}, path)

    def _write_json(self, path: Path) -> None:
        assert self.result is not None
        spec = self.handle.spec if self.handle is not None else None
        said = spec.model_dump(mode="json") if isinstance(spec, ProfileSpec) else {}
        tables = {name: {k: np.asarray(v).tolist() for k, v in columns.items()}
                  for name, columns in self.result.to_tables().items()}  # fmt: skip
        atomic.write_json(path, {"spec": said, "result": plain(self.result), "tables": tables})

    # -- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        sliders = QHBoxLayout()
        sliders.setSpacing(GRID)
        for text, slider in ((self._theta_text, self.theta_slider), (self._eps_text, self.eps_slider)):
            sliders.addWidget(text)
            sliders.addWidget(slider, 1)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        head = QHBoxLayout()
        head.addWidget(label("Trade-off plane", "strong"))
        head.addStretch(1)
        column.addLayout(head)
        column.addWidget(self.plane, 1)
        column.addLayout(sliders)
        right = QWidget()
        curves = QVBoxLayout(right)
        curves.setContentsMargins(0, 0, 0, 0)
        curves.setSpacing(GRID // 2)
        curves.addWidget(self.shows)
        for plot in self.plots.widgets:
            curves.addWidget(plot, 1)
        above = QSplitter(Qt.Orientation.Horizontal)
        above.setChildrenCollapsible(False)
        above.addWidget(left)
        above.addWidget(right)
        above.setSizes([420, 380])
        rows = QSplitter(Qt.Orientation.Vertical)
        rows.setChildrenCollapsible(False)
        rows.addWidget(above)
        rows.addWidget(self.table)
        rows.setStretchFactor(0, 3)
        rows.setStretchFactor(1, 1)
        rows.setSizes([470, 190])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.addWidget(self.status)
        whole.addWidget(rows, 1)


def restore_form(form: SpecForm[Any], state: object) -> None:
    """Put what `SpecForm.save_state` said back; what does not fit is ignored."""
    values = state.get("values") if isinstance(state, dict) else None
    if not isinstance(values, dict):
        return
    spec_class = form.spec_class
    try:
        form.set_spec(spec_class.checked({k: v for k, v in values.items() if k in spec_class.model_fields}))
    except UserError:
        return


def _at(points: np.ndarray, values: np.ndarray, at: float) -> float:
    """A curve read at a place, NaN where it is not measured yet."""
    return float(np.interp(at, points, values)) if np.isfinite(values).all() else float("nan")


def _slider(help_text: str) -> tuple[QSlider, QLabel]:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, STEPS)
    slider.setPageStep(STEPS // 12)
    slider.setAccessibleName(help_text)
    slider.setToolTip(help_text)
    text = label("", "small")
    text.setMinimumWidth(76)
    text.setBuddy(slider)
    return slider, text


def _summary(result: ProfileResult) -> str:
    said = [
        f"{len(result.models)} models on {result.images} images of {source_name(result.source)}, "
        f"{result.attacked} of them attacked with {result.attack.upper()}",
        f"all name {result.shared} of those rightly",
    ]
    return "; ".join(said) + "." + "".join(f" {note}" for note in result.notes)
