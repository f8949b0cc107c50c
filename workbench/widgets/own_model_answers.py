"""What is asked about a model file of the user's, and how typed answers become values. Knows no Qt."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from engines.core.errors import UserError
from workbench.widgets.editors import parse_number, plain_number

PIXEL_RANGES: Final[dict[str, tuple[float, float]]] = {
    "0 to 1": (0.0, 1.0),
    "0 to 255": (0.0, 255.0),
    "−1 to 1": (-1.0, 1.0),
}
NORMALISATIONS: Final[dict[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "none": ((0.0,), (1.0,)),
    "MNIST": ((0.1307,), (0.3081,)),
    "CIFAR-10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""What networks are usually trained with: channel means and deviations of pixels in [0, 1]."""


@dataclass(frozen=True)
class Question:
    """What to look into: a file, and what the user has said already; zeros and "" ask the file."""

    path: str
    kind: str = ""
    colours: int = 0
    height: int = 0
    width: int = 0


class FoundLike(Protocol):
    """What is in a file that was not refused; the result of `vision.inspect` has all of it. input_shape: int64
    [3], 0 where any goes. candidates: kinds of architecture that bare weights fit; architecture: the first of these,
    with every setting it fits with (empty for a program)."""

    @property
    def is_program(self) -> bool: ...
    @property
    def input_shape(self) -> np.ndarray: ...
    @property
    def classes(self) -> int: ...
    @property
    def class_names(self) -> tuple[str, ...]: ...
    @property
    def outputs(self) -> Any: ...
    @property
    def architecture_kind(self) -> str: ...
    @property
    def candidates(self) -> tuple[str, ...]: ...
    @property
    def architecture(self) -> dict[str, Any]: ...
    @property
    def operations(self) -> int: ...
    @property
    def parameters(self) -> int: ...
    @property
    def notes(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Answers:
    """All that has to be known of a file to use it, named as `engines.vision.own.OwnModel` names it."""

    name: str
    path: str
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    title: str = ""
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    pixel_range: tuple[float, float] = (0.0, 1.0)
    outputs: str = "logits"
    architecture: dict[str, Any] = field(default_factory=dict)


Refused = Callable[[str, str], None]
"""Called with what is wrong and what to do about it."""
Stop = Callable[[], None]
"""Ends what was begun; its answer is not wanted any more."""


@dataclass(frozen=True)
class OwnModelTools:
    """How the dialog gets things done; all answers come later, in the window's own thread.

    inspect: look into a file. save: keep the answers; raises UserError. predict: what the network says to a
    picture file: (class, probability) pairs, best first; None where it cannot be tried. suffixes: of model
    files.
    """

    inspect: Callable[[Question, Callable[[FoundLike], None], Refused], Stop]
    save: Callable[[Answers], None]
    predict: Callable[[Answers, Path, Callable[[list[tuple[str, float]]], None], Refused], Stop] | None = None
    suffixes: tuple[str, ...] = (".pt2", ".safetensors", ".pt", ".pth")


def class_names(text: str, expected: int) -> tuple[str, ...]:
    """Names typed one a line, or separated by commas. Raises UserError unless there are `expected` different ones
    (any number where 0 are expected)."""
    parts = text.splitlines() if "\n" in text.strip() else text.split(",")
    names = tuple(part.strip() for part in parts if part.strip())
    if not names:
        raise UserError("the classes have no names yet", "one a line, or separated by commas")
    if expected and len(names) != expected:
        raise UserError(
            f"the network answers with {expected} classes, and {len(names)} are named",
            "name each of its answers once, in their order",
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"two classes are called “{twice[0]}”", "give each its own name")
    return names


def numbers(text: str, what: str, colours: int) -> tuple[float, ...]:
    """Numbers separated by commas: one, or one for each colour. Raises UserError."""
    try:
        values = tuple(parse_number(part.strip().replace("\u2212", "-"), whole=False) for part in text.split(","))
    except ValueError:
        raise UserError(f"expected numbers for the {what}, got “{text.strip()}”", "separate them by commas") from None
    if len(values) not in (1, colours):
        raise UserError(
            f"expected 1 or {colours} numbers for the {what}, got {len(values)}",
            "give one for all colours, or one for each",
        )
    return values


def pixel_range(text: str) -> tuple[float, float]:
    """A range as chosen or typed, such as "0 to 255". Raises UserError."""
    if text in PIXEL_RANGES:
        return PIXEL_RANGES[text]
    parts = re.split(r"\s*(?:to|…|,)\s*", text.strip().replace("\u2212", "-"))
    try:
        black, white = (parse_number(part, whole=False) for part in parts)
    except ValueError:
        raise UserError(
            f"expected a range such as 0 to 255, got “{text.strip()}”", "write two numbers, such as 0 to 255"
        ) from None
    if white <= black:
        raise UserError(f"expected black below white, got {text.strip()}", "write the value of black first")
    return black, white


def written(values: tuple[float, ...]) -> str:
    """Numbers as one types them."""
    return ", ".join(plain_number(value) for value in values)


def free_name(path: Path) -> str:
    """A name made of a file's."""
    return re.sub(r"[^\w .+()-]", "-", path.stem).lstrip("-. +()")[:80] or "my model"
