"""What was open: window, current panel, every panel's state. Written whole, never in halves.

A panel that was not opened this time keeps what it had saved before.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engines.core import atomic, paths
from workbench.files import kept

SCHEMA_VERSION = 1


@dataclass
class Session:
    """geometry, docks: what Qt saves, as base64. panel: topic on top, "" for home. panels: topic → saved."""

    geometry: str = ""
    docks: str = ""
    panel: str = ""
    sidebar_folded: bool | None = None
    panels: dict[str, dict[str, Any]] = field(default_factory=dict)
    recent_files: list[str] = field(default_factory=list)


def session_path() -> Path:
    """The session file of this user."""
    return paths.config_folder() / "session.json"


def load_session(path: Path | None = None) -> tuple[Session, str]:
    """The last session, and a sentence for the user if its file could not be used."""
    path = path or session_path()
    try:
        stored = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Session(), ""
    except (OSError, ValueError) as error:
        return Session(), f"The last session could not be read ({error}). {kept(path)}"
    if not isinstance(stored, dict):
        return Session(), f"The last session could not be read. {kept(path)}"
    return _checked(stored), ""


def save_session(session: Session, path: Path | None = None) -> None:
    """Write the session atomically. Raises OSError."""
    atomic.write_json(path or session_path(), {"schema_version": SCHEMA_VERSION, **asdict(session)})


def _checked(stored: dict[str, Any]) -> Session:
    """The parts that have the right shape; the rest starts anew."""
    fresh = Session()
    for name in ("geometry", "docks", "panel"):
        if isinstance(stored.get(name), str):
            setattr(fresh, name, stored[name])
    if isinstance(stored.get("sidebar_folded"), bool):
        fresh.sidebar_folded = stored["sidebar_folded"]
    panels = stored.get("panels")
    if isinstance(panels, dict):
        fresh.panels = {str(topic): state for topic, state in panels.items() if isinstance(state, dict)}
    recent = stored.get("recent_files")
    if isinstance(recent, list):
        fresh.recent_files = [str(name) for name in recent][:12]
    return fresh
