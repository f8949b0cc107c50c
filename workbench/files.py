"""What the window does with a small file of its own that cannot be used."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from engines.core import atomic


def back_up(path: Path) -> Path:
    """Copy a broken file to a dated neighbour and say which. Raises OSError."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    copy = path.with_name(f"{path.stem}.broken-{stamp}{path.suffix}")
    atomic.write_bytes(copy, path.read_bytes())
    return copy


def kept(path: Path) -> str:
    """Back a broken file up and say so in a sentence, also when that fails."""
    try:
        return f"The old file is kept as {back_up(path).name}."
    except OSError as error:
        return f"The old file could not be copied ({error.strerror or error})."
