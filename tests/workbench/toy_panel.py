"""A panel as small as can be that uses every part of the base: form, stage, results, files, exports, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QLabel

from engines.core.errors import UserError
from tests.workbench.sample_jobs import Counted, SampleSpec
from workbench.commands import Command
from workbench.panels.base import Export, Panel
from workbench.panels.registry import PanelInfo
from workbench.services import Services
from workbench.widgets.plots import Plot
from workbench.widgets.spec_form import SpecForm

SAMPLE_JOBS = "tests.workbench.sample_jobs"
TOY = PanelInfo(
    topic="toy",
    title="Counting",
    family="Games and search",
    icon="chart",
    paper="Nobody: How to count, 1900",
    summary="Count as far as you like and watch the numbers grow.",
    target="tests.workbench.toy_panel:ToyPanel",
    action="Count",
    accepts=(".txt",),
    accepts_text="lists of numbers",
)
OTHER = PanelInfo(
    topic="other",
    title="Second",
    family="Vision",
    icon="image",
    paper="Somebody: How to look, 1901",
    summary="Look at what others have counted.",
    target="tests.workbench.toy_panel:ToyPanel",
    accepts=(".png",),
    accepts_text="pictures",
)
BROKEN = PanelInfo("broken", "Broken", "Theory", "warn", "N.N.", "Cannot be built.", "tests.no_such_module:Nothing")


class ToyPanel(Panel):
    """Counts; `counts` are the steps seen."""

    def __init__(self, services: Services, info: PanelInfo) -> None:
        super().__init__(services, info)
        self.counts: list[int] = []
        self.opened: list[Path] = []
        self.form = SpecForm(SampleSpec, choices={"device": services.devices}, preset=services.settings.preset)
        self.plot = Plot(services.theme, title="Counting", x="Step", y="Count", legend=False)
        self.note = QLabel("Nothing counted yet")
        self.set_zones(self.form, self.plot, self.note)
        self.job = "sample.count"
        self._is_demo = False

    def run(self) -> None:
        try:
            spec = self.form.read()
        except UserError as error:
            self.show_message(error.what, "error", error.remedy)
            return
        self._start(spec)

    def demo(self) -> None:
        self._is_demo = True
        self._start(SampleSpec(steps=20, pause_ms=2))

    def _start(self, spec: SampleSpec) -> None:
        handle = self.start(self.job, spec)
        handle.published.connect(self._show)
        handle.ended.connect(self._ended)

    def _show(self, snapshot: Counted) -> None:
        self.counts.append(snapshot.count)
        self.plot.set_curve("count", range(len(self.counts)), self.counts)
        self.note.setText(f"Counted to {snapshot.count}")

    def _ended(self, handle: Any) -> None:
        if not self._is_demo:
            return
        self._is_demo = False
        if handle.state == "done":
            self.demo_done.emit({"count": handle.result.count})
        else:
            self.demo_failed.emit(f"the job ended as {handle.state}")

    def open_path(self, path: Path) -> None:
        text = path.read_text("utf-8")
        if not text.strip().isdigit():
            raise UserError(f"expected a number in {path.name}, got {text[:20]!r}", "Choose another file.")
        self.opened.append(path)
        self.form.set_values({"steps": int(text)})

    def save_state(self) -> dict[str, Any]:
        return {"form": self.form.save_state(), "note": self.note.text()}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.form.restore_state(state.get("form", {}))
        self.note.setText(str(state.get("note", "")))

    def commands(self) -> list[Command]:
        clear = Command("toy.clear", "Clear what was counted", self.counts.clear, "C", group="Counting")
        never = Command("toy.never", "Do the impossible", self.counts.clear, "", lambda: "Nobody can.", "Counting")
        return [*super().commands(), clear, never]

    def exports(self) -> list[Export]:
        return [
            Export("plot", "Plot as PNG", ".png", self.plot.save),
            Export("table", "Counts as CSV", ".csv", self.plot.save,
                   lambda: "" if self.counts else "Nothing was counted yet."),
        ]  # fmt: skip
