"""Where the window keeps its own small files, and how it writes them without ever leaving half of one."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path

APP_NAME = "paper-workbench"


def config_dir() -> Path:
    """Folder of settings and session: WORKBENCH_HOME/config, else the platform's place. Not created here."""
    home = os.environ.get("WORKBENCH_HOME")
    if home:
        return Path(home) / "config"
    import platformdirs

    return platformdirs.user_config_path(APP_NAME, appauthor=False)


def write_atomic(path: Path, text: str) -> None:
    """Replace `path` by `text` (UTF-8) so that a crash leaves the old file or the new one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=path.name, suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def back_up(path: Path) -> Path:
    """Copy a file that cannot be used to a dated neighbour and say which. Raises OSError."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    copy = path.with_name(f"{path.stem}.broken-{stamp}{path.suffix}")
    copy.write_bytes(path.read_bytes())
    return copy
