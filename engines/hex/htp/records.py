"""Game records for `loadsgf` and `printsgf`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from engines.core.errors import UserError


def save_text(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises UserError."""
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text if text.endswith("\n") else text + "\n")
        Path(beside).replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
