"""What the window hands to every panel."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.settings import Settings
from workbench.theme import Theme

if TYPE_CHECKING:
    from engines.core.store import Store
    from workbench.runner import Runner


@dataclass
class Services:
    """runner: starts jobs. store: finished and interrupted runs, None when it could not be opened.

    data_dir: where the user keeps data sets, or None. devices: names a form offers; the engine processes
    complete the list once they have looked.
    """

    runner: Runner
    store: Store | None
    settings: Settings
    theme: Theme
    data_dir: Path | None = None
    devices: list[str] = field(default_factory=lambda: ["auto", "cpu"])
