"""Specs: every number a user may change, written once for the form, the command line, checks and records.

A topic declares ``class CraftSpec(Spec)`` with fields made by `param`. Nothing here computes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from engines.core.errors import UserError

Kind = Literal["bool", "int", "float", "choice", "text", "path", "ints", "floats"]


def param(
    default: Any,
    help: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    unit: str = "",
    group: str = "",
    log: bool = False,
    advanced: bool = False,
    label: str = "",
) -> Any:
    """A spec field: its default, range, unit and one-line help.

    group: heading under which a form shows it. log: a slider for it moves in factors.
    advanced: folded away until asked for. label: shown instead of the name made readable.
    """
    extra: dict[str, Any] = {"unit": unit, "group": group, "log": log, "advanced": advanced, "label": label}
    return Field(default, description=help, ge=ge, gt=gt, le=le, lt=lt, json_schema_extra=extra)


@dataclass(frozen=True)
class FieldView:
    """What a form or an option parser needs to know of one field."""

    name: str
    label: str
    kind: Kind
    default: Any
    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    group: str = ""
    log: bool = False
    advanced: bool = False
    optional: bool = False


class Spec(BaseModel):
    """Base of all specs: frozen, unknown fields refused, with named presets.

    `presets` maps a preset's name to the fields that it changes; every spec has ``quick`` and ``full``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {}, "full": {}}

    seed: int = param(0, "Seed of every random choice.", ge=0, le=2**31 - 1, group="Run", advanced=True)
    device: str = param("auto", "What computes: auto, cpu, cuda, cuda:1, mps.", group="Run", advanced=True)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """The spec of a preset with `changes` on top. Raises UserError for an unknown name or a bad value."""
        if name not in cls.presets:
            raise UserError(f"expected a preset out of {', '.join(cls.presets)}, got {name!r}")
        return cls.checked({**cls.presets[name], **changes})

    @classmethod
    def checked(cls, values: dict[str, Any]) -> Self:
        """A spec from plain values (text is converted). Raises UserError naming each field that is wrong."""
        fields = cls.model_fields
        unknown = [name for name in values if name not in fields]
        if unknown:
            raise UserError(
                f"{cls.__name__} has no field {', '.join(map(repr, unknown))}",
                f"known: {', '.join(sorted(fields))}",
            )
        try:
            return cls(**{name: _from_text(fields[name], value) for name, value in values.items()})
        except ValidationError as error:
            said = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'spec'}: {e['msg'].lower()}, got {e['input']!r}"
                for e in error.errors()
            )
            raise UserError(said) from None

    def changed(self, **changes: Any) -> Self:
        """This spec with some fields changed, checked again."""
        return type(self).checked({**self.model_dump(), **changes})

    @classmethod
    def views(cls) -> tuple[FieldView, ...]:
        """One view per field, in the order of declaration, `seed` and `device` last."""
        names = sorted(cls.model_fields, key=lambda name: name in ("seed", "device"))
        return tuple(_view(name, cls.model_fields[name]) for name in names)

    def fingerprint(self) -> str:
        """A short hash that two specs share exactly when they are of one class and equal."""
        text = type(self).__name__ + json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _from_text(field: FieldInfo, value: Any) -> Any:
    """Lists may come as "1,2,3" from the command line; "none" empties an optional field."""
    if not isinstance(value, str):
        return value
    annotation, optional = _plain(field.annotation)
    if optional and value.lower() in ("", "none"):
        return None
    if get_origin(annotation) in (tuple, list):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _plain(annotation: Any) -> tuple[Any, bool]:
    """The annotation without ``| None``, and whether it had it."""
    if get_origin(annotation) in (Union, UnionType):
        parts = [a for a in get_args(annotation) if a is not type(None)]
        if len(parts) == 1:
            return parts[0], True
    return annotation, False


def _view(name: str, field: FieldInfo) -> FieldView:
    annotation, optional = _plain(field.annotation)
    kind, choices = _kind(annotation)
    bounds: dict[str, float] = {}
    for mark in field.metadata:
        for key in ("ge", "gt", "le", "lt"):
            if getattr(mark, key, None) is not None:
                bounds[key] = getattr(mark, key)
    extra: dict[str, Any] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return FieldView(
        name=name,
        label=extra.get("label") or name.replace("_", " ").capitalize(),
        kind=kind,
        default=field.default,
        help=field.description or "",
        unit=extra.get("unit", ""),
        minimum=bounds.get("ge", bounds.get("gt")),
        maximum=bounds.get("le", bounds.get("lt")),
        choices=choices,
        group=extra.get("group", ""),
        log=bool(extra.get("log")),
        advanced=bool(extra.get("advanced")),
        optional=optional,
    )


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    origin = get_origin(annotation)
    if origin is Literal:
        return "choice", tuple(str(a) for a in get_args(annotation))
    if origin in (tuple, list):
        return ("ints" if get_args(annotation)[0] is int else "floats"), ()
    if isinstance(annotation, type):
        if issubclass(annotation, Enum):
            return "choice", tuple(str(m.value) for m in annotation)
        if issubclass(annotation, bool):
            return "bool", ()
        if issubclass(annotation, int):
            return "int", ()
        if issubclass(annotation, float):
            return "float", ()
        if issubclass(annotation, Path):
            return "path", ()
    return "text", ()
