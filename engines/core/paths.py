"""Where files live: the user's folders, and what ships with the program (also inside a frozen one).

`WORKBENCH_HOME` puts everything of the user's below one folder; otherwise the platform's own places are
taken. Nothing here creates a folder; whoever writes does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from platformdirs import PlatformDirs

_APP = "paper-workbench"


def home() -> Path | None:
    """The folder named by WORKBENCH_HOME, or None."""
    named = os.environ.get("WORKBENCH_HOME", "").strip()
    return Path(named).expanduser().absolute() if named else None


def data_folder() -> Path:
    """What must not be lost: runs, trained weights."""
    return _below("data", PlatformDirs(_APP, appauthor=False).user_data_path)


def cache_folder() -> Path:
    """What can be fetched or computed again: downloaded data sets."""
    return _below("cache", PlatformDirs(_APP, appauthor=False).user_cache_path)


def config_folder() -> Path:
    """Settings and the saved session."""
    return _below("config", PlatformDirs(_APP, appauthor=False).user_config_path)


def user_weights_folder() -> Path:
    """Weights the user trained or put there."""
    return data_folder() / "weights"


def data_sets_folder() -> Path | None:
    """The folder of data sets named by WORKBENCH_DATA, or None."""
    named = os.environ.get("WORKBENCH_DATA", "").strip()
    return Path(named).expanduser().absolute() if named else None


def resources_folder() -> Path:
    """What ships with the program: weights/, help/, icons/."""
    bundle = getattr(sys, "_MEIPASS", None)
    if bundle is not None:
        return Path(bundle) / "resources"
    return Path(__file__).resolve().parents[2] / "resources"


def shipped_weights_folder() -> Path:
    """Weights that ship with the program."""
    return resources_folder() / "weights"


def _below(name: str, usual: Path) -> Path:
    chosen = home()
    return chosen / name if chosen is not None else usual
