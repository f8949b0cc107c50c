"""What both decision rules make of one image: the detectors' logits, the thresholds, and the decisions in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engines.asymmetric.snapshots import LiveVerdict
from workbench.theme import Theme, set_role
from workbench.widgets.basics import label, number, repolish
from workbench.widgets.exports import save_csv
from workbench.widgets.plots import Plot

INTEGRATED, GENERATIVE = 0, 1
ROLES: Final = {"accepted": "ok", "fooled": "error", "rejected": "muted", "waiting": "muted"}


@dataclass(frozen=True)
class Decision:
    """named: class that the rule names; score: its detector's logit; outcome: accepted, fooled (accepted as another
    class than the label), rejected, or waiting for the threshold."""

    named: int
    score: float
    threshold: float
    outcome: str


def decide(verdict: LiveVerdict, label_of: int = -1) -> tuple[Decision, Decision]:
    """(integrated, generative) of a verdict. label_of: the true class, -1 where not known."""
    found = []
    for rule, named in ((INTEGRATED, int(verdict.f.argmax())), (GENERATIVE, int(verdict.z.argmax()))):
        score, threshold = float(verdict.z[named]), float(verdict.threshold[rule])
        if not np.isfinite(threshold):
            outcome = "waiting"
        elif score < threshold:
            outcome = "rejected"
        else:
            outcome = "fooled" if label_of >= 0 and named != label_of else "accepted"
        found.append(Decision(named, score, threshold, outcome))
    return found[0], found[1]


class VerdictView(QWidget):
    """Bars of z with both thresholds, and a sentence for each rule and the twin."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = Plot(theme, title="Detectors", x="class", y="logit z", zoomable=False)
        self.plot.setMinimumHeight(150)
        self.lines = [label("", "small", wrap=True) for _ in range(3)]
        for line, tip in zip(
            self.lines,
            ("The classifier f names a class, and that class's detector vets it against T",
             "The detectors alone: the class of the largest logit, rejected where that is below T",
             "The classifier of the twin view, which rejects nothing"), strict=True,
        ):  # fmt: skip
            line.setToolTip(tip)
        self._drawn = False
        self.verdict: LiveVerdict | None = None
        self.decisions: tuple[Decision, Decision] | None = None
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(4)
        rows.addWidget(self.plot, 1)
        for line in self.lines:
            rows.addWidget(line)
        self.clear()

    def clear(self) -> None:
        """Nothing was judged yet."""
        self.verdict = self.decisions = None
        for key in ("integrated", "generative") if self._drawn else ():
            self.plot.set_curve(key, [], [])
        if self._drawn:
            self.plot.set_bars("z", [], [], width=0.7)
        self.lines[0].setText("Choose a picture: both rules judge it at once.")
        for line in self.lines[1:]:
            line.setText("")

    def show_verdict(self, verdict: LiveVerdict, label_of: int = -1) -> None:
        """Draw it. label_of: the true class of the image, -1 where not known."""
        self.verdict, self._drawn = verdict, True
        self.decisions = decide(verdict, label_of)
        x = np.arange(len(verdict.classes))
        named = {self.decisions[GENERATIVE].named}
        colours = [("accent" if k in named else "muted") for k in x]
        self.plot.set_bars("z", x, verdict.z, name="z", colours=[self._rgb(name) for name in colours], width=0.7)
        self.plot.set_ticks("bottom", [(float(k), name[:6]) for k, name in enumerate(verdict.classes)])
        for rule, (key, colour) in enumerate((("integrated", 1), ("generative", 2))):
            at = float(verdict.threshold[rule])
            ends = [-0.6, len(x) - 0.4]
            self.plot.set_curve(key, ends, [at, at], name=f"T, {key}", colour=colour, style="dashed")
        low, high = float(min(verdict.z.min(), 0)), float(max(verdict.z.max(), 0))
        known = verdict.threshold[np.isfinite(verdict.threshold)]
        if len(known):
            low, high = min(low, float(known.min())), max(high, float(known.max()))
        self.plot.set_range(x=(-0.6, len(x) - 0.4), y=(low, high), padding=0.08)
        rules = (("Integrated", f"f says “{verdict.classes[self.decisions[0].named]}”, its detector"),
                 ("Generative", f"“{verdict.classes[self.decisions[1].named]}” leads, its detector"))  # fmt: skip
        for line, (rule_name, said), decision in zip(self.lines, rules, self.decisions, strict=False):
            sign = "<" if decision.score < decision.threshold else "≥"
            against = f" {sign} T {number(decision.threshold)}" if np.isfinite(decision.threshold) else ""
            line.setText(f"{rule_name}: {decision.outcome}. {said} says z {number(decision.score)}{against}.")
            set_role(line, ROLES[decision.outcome])
            repolish(line)
        self.lines[2].setText(f"Twin: “{verdict.classes[int(verdict.rival.argmax())]}” on this very image.")
        set_role(self.lines[2], "muted")

    def save(self, path: Path) -> None:
        """The logits as CSV."""
        if self.verdict is not None:
            save_csv({"class": np.array(self.verdict.classes), "z": self.verdict.z, "f": self.verdict.f,
                      "twin": self.verdict.rival}, path)  # fmt: skip

    def _rgb(self, name: str) -> str:
        return str(getattr(self.plot._theme.colours, name))
