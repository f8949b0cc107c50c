"""What the user prefers: declared once with title, range and help; the dialog is generated from it.

A broken file is backed up beside itself and only the bad keys go back to their defaults.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engines.core import atomic, paths
from engines.core.spec import FieldView, Kind
from workbench.files import kept

SCHEMA_VERSION = 1
_KINDS: dict[object, Kind] = {bool: "bool", int: "int", float: "float"}


def _setting(default: Any, title: str, help: str, *, group: str, unit: str = "", restart: bool = False,
             **limits: Any) -> Any:  # fmt: skip
    return Field(
        default,
        title=title,
        description=help,
        json_schema_extra={"group": group, "unit": unit, "restart": restart},
        **limits,
    )


class Settings(BaseModel):
    """All preferences. Assigning a value checks it (pydantic's ValidationError)."""

    model_config = ConfigDict(validate_assignment=True, extra="ignore")

    theme: Literal["system", "light", "dark"] = _setting(
        "system", "Theme", "Follow the desktop's light or dark setting, or keep one.", group="Appearance"
    )
    accent: Literal["violet", "teal", "blue", "amber", "rose"] = _setting(
        "violet", "Accent colour", "Colour of buttons, selection and focus.", group="Appearance"
    )
    scale: float = _setting(
        1.0, "Interface scale", "Multiplies the size of everything; 1 leaves it to the desktop.",
        group="Appearance", unit="×", restart=True, ge=0.75, le=3.0,
    )  # fmt: skip
    preset: Literal["quick", "full"] = _setting(
        "quick", "Default preset", "What a newly opened panel starts from. Quick fits two processor cores.",
        group="Computing",
    )  # fmt: skip
    device: str = _setting(
        "auto",
        "Device",
        "What “auto” means in the panels: auto (the best there is), cpu, cuda, cuda:1, mps.",
        group="Computing",
        restart=True,
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
    )
    threads: int = _setting(
        0, "Processor threads", "Threads of each engine process; 0 chooses by itself.",
        group="Computing", restart=True, ge=0, le=256,
    )  # fmt: skip
    data_dir: Path | None = _setting(
        None, "Data folder", "Searched for data sets before the download cache.", group="Files", restart=True
    )
    autosave_s: int = _setting(
        30, "Save session every", "How often open work is saved meanwhile; 0 saves on closing only.",
        group="Files", unit="s", ge=0, le=3600,
    )  # fmt: skip
    confirm_close: bool = _setting(True, "Ask before closing", "Ask when jobs are still running.", group="Files")

    @classmethod
    def views(cls) -> tuple[FieldView, ...]:
        """What a form needs to know of each setting, in order of declaration."""
        return tuple(_view(name) for name in cls.model_fields)

    @classmethod
    def needs_restart(cls, name: str) -> bool:
        """Whether a change shows only after the next start."""
        extra = cls.model_fields[name].json_schema_extra
        return bool(isinstance(extra, dict) and extra.get("restart"))


def settings_path() -> Path:
    """The settings file of this user."""
    return paths.config_folder() / "settings.json"


def load_settings(path: Path | None = None) -> tuple[Settings, list[str]]:
    """The settings of a file, and what was wrong with it in sentences for the user."""
    path = path or settings_path()
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings(), []
    except (OSError, UnicodeDecodeError) as error:
        return Settings(), [f"The settings in {path} cannot be read ({error}); the defaults are used."]
    try:
        stored = json.loads(text)
        if not isinstance(stored, dict):
            raise ValueError("expected an object of settings")
    except ValueError as error:
        return Settings(), [f"The settings file is not valid ({error}); the defaults are used. {kept(path)}"]
    return _checked(stored, path)


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Write the settings atomically. Raises OSError."""
    values = {"schema_version": SCHEMA_VERSION, **settings.model_dump(mode="json")}
    atomic.write_json(path or settings_path(), values)


def _checked(stored: dict[str, Any], path: Path) -> tuple[Settings, list[str]]:
    problems = []
    version = stored.get("schema_version", SCHEMA_VERSION)
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        problems.append(f"The settings were written by a newer version ({version}); what is known was taken over.")
    values = {name: stored[name] for name in Settings.model_fields if name in stored}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        bad = sorted({str(e["loc"][0]) for e in error.errors()})
        settings = Settings(**{name: value for name, value in values.items() if name not in bad})
        titles = ", ".join(f"“{Settings.model_fields[name].title}”" for name in bad)
        problems.append(f"{titles} had a value that is not allowed and went back to the default.")
    if problems:
        problems[-1] += " " + kept(path)
    return settings, problems


def _view(name: str) -> FieldView:
    field = Settings.model_fields[name]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    annotation = field.annotation
    choices: tuple[str, ...] = ()
    kind: Kind = "text"
    if get_origin(annotation) is Literal:
        kind, choices = "choice", tuple(map(str, get_args(annotation)))
    elif annotation in _KINDS:
        kind = _KINDS[annotation]
    elif Path in get_args(annotation):
        kind = "path"
    bounds = {k: getattr(mark, k) for mark in field.metadata for k in ("ge", "le") if hasattr(mark, k)}
    return FieldView(
        name=name,
        label=field.title or name,
        kind=kind,
        default=field.default,
        help=(field.description or "") + (" Takes effect at the next start." if extra.get("restart") else ""),
        unit=str(extra.get("unit", "")),
        minimum=bounds.get("ge"),
        maximum=bounds.get("le"),
        choices=choices,
        group=str(extra.get("group", "")),
        optional=type(None) in get_args(annotation),
    )
