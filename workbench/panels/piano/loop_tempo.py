"""A little faster with each pass of the loop, up to a ceiling: how one practises a hard bar."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from workbench.widgets.basics import set_enabled

STEP: Final = 5
CEILINGS: Final = (100, 110, 120, 135, 150, 200)
"""Per cent of the written tempo."""
_PASS_S: Final = 1.0
"""Shorter passes count together until so much was heard: a loop of a tenth of a second is no practice."""


class LoopTempo(QToolButton):
    """Pressed, it raises the tempo by 5 points a pass. Only while something loops.

    tempo_wanted(per cent): set this tempo now. ceilings: the menu that says how far, for whoever has room for it.
    """

    tempo_wanted = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(f"+{STEP} %")
        self.setAccessibleName(f"Faster by {STEP} % with each pass of the loop")
        self.setCheckable(True)
        self._passes = 0
        self._heard_s = 0.0
        self._loop: tuple[float, float] | None = None
        self.ceilings = QMenu("Faster loops: how far", self)
        self.ceilings.setToolTipsVisible(True)
        group = QActionGroup(self.ceilings)
        self._ceilings: dict[int, QAction] = {}
        for percent in CEILINGS:
            action = self.ceilings.addAction(f"Up to {percent} %")
            action.setCheckable(True)
            action.triggered.connect(self._show)
            group.addAction(action)
            self._ceilings[percent] = action
        self._ceilings[120].setChecked(True)
        self.toggled.connect(self._begin)
        self._show()

    @property
    def ceiling(self) -> int:
        """The highest tempo, per cent."""
        return next(percent for percent, action in self._ceilings.items() if action.isChecked())

    def set_ceiling(self, percent: Any) -> None:
        """One of CEILINGS; anything else changes nothing."""
        if isinstance(percent, int) and percent in self._ceilings:
            self._ceilings[percent].setChecked(True)
            self._show()

    def set_loop(self, loop: tuple[float, float] | None) -> None:
        """What is repeated, seconds of music; without a loop there is nothing to press."""
        self._loop = loop
        if loop is None:
            self.setChecked(False)
        self._begin()
        self._show()

    def passed(self, count: int, percent: float) -> None:
        """The loop began again for the `count`th time, at a tempo of `percent`."""
        passes, self._passes = count - self._passes, count
        if not self.isChecked() or self._loop is None or passes <= 0:
            return
        self._heard_s += passes * (self._loop[1] - self._loop[0]) / (percent / 100)
        if self._heard_s < _PASS_S:
            return
        self._heard_s = 0.0
        if percent < self.ceiling:
            self.tempo_wanted.emit(min(percent + STEP, float(self.ceiling)))

    def _begin(self, *_: object) -> None:
        self._heard_s = 0.0

    def _show(self, *_: object) -> None:
        set_enabled(
            self,
            "" if self._loop is not None else "Make a loop first: drag on a ruler, or choose a part and press L",
            f"Play {STEP} % faster with each pass of the loop, up to {self.ceiling} % (the sound menu says how far)",
        )
