"""Profiles as curves: invariance and accuracy over the turn, fooling rate and robust accuracy over the attack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from PySide6.QtWidgets import QWidget

from engines.core.intervals import wilson
from engines.invariance.results import ProfileResult
from workbench.panels.invariance.trails import colours_of
from workbench.theme import Theme
from workbench.widgets.plots import LineStyle, Plot

SHOWS: Final = (
    ("rates", "Relative to the own answer", "invariance", "fooling rate"),
    ("accuracy", "Relative to the label", "accuracy", "robust accuracy"),
    ("shared", "On images all name rightly", "invariance", "fooling rate"),
)
"""Key, text of the choice, y label over turns, y label over attacks."""


class ProfilePlots:
    """Two plots that show the same models in the same colours, with movable lines at θ* and ε*."""

    def __init__(self, theme: Theme, theta_moved: Callable[[float], None], eps_moved: Callable[[float], None]) -> None:
        self._theme = theme
        self._moved = (theta_moved, eps_moved)
        self.turns = Plot(theme, title="Over random turns", x="largest turn θ", y="invariance", x_unit="°",
                          y_unit="%", legend=False)  # fmt: skip
        self.attacks = Plot(theme, title="Over attacks", x="strength ε", y="fooling rate", x_unit="pixels of [0, 1]",
                            y_unit="%", legend=False)  # fmt: skip
        for plot in (self.turns, self.attacks):
            plot.set_range(y=(0.0, 100.0), padding=0.03)
            plot.setMinimumHeight(150)
        self.show = "rates"

    @property
    def widgets(self) -> tuple[QWidget, QWidget]:
        return self.turns, self.attacks

    def draw(self, result: ProfileResult | None, theta: float, eps: float, chosen: int = -1) -> None:
        """All curves anew; the chosen model's carry their 95 % interval."""
        self.turns.clear()
        self.attacks.clear()
        if result is None:
            return
        _, _, over_turns, over_attacks = next(row for row in SHOWS if row[0] == self.show)
        self.turns.set_labels(y=over_turns, y_unit="%")
        self.attacks.set_labels(y=over_attacks, y_unit="%")
        first = result.accuracy if self.show == "accuracy" else result.invariance
        second = {"rates": result.fooled, "accuracy": result.robust, "shared": result.fooled_shared}[self.show]
        counts = result.images, result.shared if self.show == "shared" else result.attacked
        colours = colours_of(result.models, self._theme.colours.series, self._theme.colours.surface)
        for plot, x, rows, count in (
            (self.turns, result.thetas, first, counts[0]),
            (self.attacks, result.epsilons, second, counts[1]),
        ):
            for i, model in enumerate(result.models):
                if not np.isfinite(rows[i]).any():
                    continue
                if i == chosen:
                    ends = np.array([wilson(v * count, count) if np.isfinite(v) else (v, v) for v in rows[i]])
                    plot.set_band(f"{i} interval", x, 100 * ends[:, 0], 100 * ends[:, 1], colour=colours[i])
                style: LineStyle = "line and points" if i == chosen else "line"
                plot.set_curve(str(i), x, 100 * rows[i], name=model.title, colour=colours[i], style=style)
            plot.set_range(x=(float(x[0]), float(x[-1])), y=(0.0, 100.0), padding=0.03)
        self.set_marks(theta, eps)

    def set_marks(self, theta: float, eps: float) -> None:
        """Move the lines only."""
        self.turns.set_mark("theta", theta, text="θ*", movable=True, moved=self._moved[0])
        self.attacks.set_mark("eps", eps, text="ε*", movable=True, moved=self._moved[1])
