"""What goes out into files: the recipe as JSON, and images that were attacked with it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from engines.core import atomic
from engines.transfer.spec import CraftSpec

if TYPE_CHECKING:
    from workbench.panels.transfer.panel import TransferPanel
    from workbench.runner import JobHandle

MOST_CRAFTED = 10_000


class Crafting(QObject):
    """Writes with the recipe, white box and pictures that the panel shows."""

    def __init__(self, panel: TransferPanel) -> None:
        super().__init__(panel)
        self._panel = panel

    def write_recipe(self, path: Path) -> None:
        """Name, parts, numbers and white box of the recipe as JSON; dropped on the window it is taken up again."""
        recipe = self._panel.recipe
        about = {
            "name": recipe.title,
            "recipe": asdict(recipe.recipe()),
            "passes": recipe.passes,
            "source": self._panel.choice.source,
            "paper": "Lin et al. 2020, arXiv 1908.06281",
        }
        atomic.write_text(path, json.dumps(about, indent=2, ensure_ascii=False) + "\n")

    def craft(self, folder: Path | None = None) -> None:
        """Attack the chosen pictures and write NPZ, PNG and recipe.json into a folder, asked for unless given."""
        if folder is None:
            chosen = QFileDialog.getExistingDirectory(self._panel, "Folder for the crafted images")
            if not chosen:
                return
            folder = Path(chosen)
        where = folder
        self._panel.attempt(lambda: self._begin(where))

    def _begin(self, folder: Path) -> None:
        panel = self._panel
        size = panel.experiment()
        common = {k: v for k, v in size.model_dump().items() if k in CraftSpec.model_fields}
        source = panel.choice.source_name()
        classes, aim = panel.choice.source_classes(), panel.attack.target_class
        spec = CraftSpec.checked(
            {**common, "source": source, "targets": ",".join(panel.choice.names()), "folder": str(folder),
             "target_class": classes[aim] if aim >= 0 else "", "images": min(size.images, MOST_CRAFTED)}
        )  # fmt: skip
        panel.start("transfer.craft", spec).ended.connect(self._crafted)

    def _crafted(self, handle: JobHandle) -> None:
        handle.ended.disconnect(self._crafted)
        if handle.state == "done":
            r = handle.result
            self._panel.show_message(
                f"{r.files} files are in {r.folder}: {int(r.fooled_saved[0].sum())} of {len(r.keys)} saved images fool "
                f"{r.targets[0].title}.", "info",
            )  # fmt: skip
