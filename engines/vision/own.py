"""A user's own classifiers: which file, and what the file itself does not say. No torch.

The answers (class names, input shape, preprocessing) are asked once and kept as a small JSON below the user's
weights. The file stays where it is; it is checked anew each time it is loaded.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args

from engines.core import atomic, paths, weights
from engines.core.errors import UserError

FORMAT: Final = 1
SUFFIXES: Final = (".pt2", ".safetensors", ".pt", ".pth", ".ckpt", ".bin")
"""A torch.export program, or weights of an architecture that the workbench builds."""
MOST_CLASSES: Final = 10_000
Answer = Literal["logits", "probabilities"]


@dataclass(frozen=True)
class OwnModel:
    """What has to be known of a file. path: of the program or the weights. classes: names of the outputs, in order.

    input_shape: (C, H, W). pixel_range: what black and white are to the network, e.g. (0, 1), (0, 255), (-1, 1);
    mean, std: per colour (or one for all), in units of that range, taken off afterwards. outputs: what it answers
    with. architecture: of bare weights, as for `zoo.build`; empty for a program.
    """

    name: str
    path: str
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    title: str = ""
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    pixel_range: tuple[float, float] = (0.0, 1.0)
    outputs: Answer = "logits"
    architecture: dict[str, Any] = field(default_factory=dict)

    @property
    def is_program(self) -> bool:
        """Whether it is a torch.export program rather than weights."""
        return Path(self.path).suffix.lower() == ".pt2"

    def checked(self) -> OwnModel:
        """Itself with plain values. Raises UserError saying which one is wrong."""
        if not re.fullmatch(r"[\w][\w .+()-]{0,79}", self.name):
            raise UserError(
                f"expected a name of up to 80 letters, digits, spaces and - . + ( ), got {self.name!r}",
                "choose another",
            )
        if Path(self.path).suffix.lower() not in SUFFIXES:
            raise UserError(
                f"expected a file ending in {', '.join(SUFFIXES)}, got {Path(self.path).name!r}",
                "save a program with torch.export.save, or weights with safetensors.torch.save_file",
            )
        if not 1 <= len(self.classes) <= MOST_CLASSES:
            raise UserError(
                f"expected 1 to {MOST_CLASSES} class names, got {len(self.classes)}",
                "give one name for each number that the network answers with",
            )
        twice = sorted({name for name in self.classes if self.classes.count(name) > 1})
        if twice:
            raise UserError(f"two classes are called {twice[0]!r}", "give each its own name")
        _check_shape(self.input_shape)
        for what, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, self.input_shape[0]) or not all(map(math.isfinite, values)):
                raise UserError(
                    f"expected 1 or {self.input_shape[0]} numbers for the {what}, got {values}",
                    "give one for all colours, or one for each",
                )
        if min(self.std) <= 0:
            raise UserError(f"expected standard deviations above 0, got {self.std}", "1 leaves the pixels as they are")
        black, white = self.pixel_range
        if not (math.isfinite(black) and math.isfinite(white) and white > black):
            raise UserError(f"expected a pixel range from black to white, got {self.pixel_range}", "0 to 1 is usual")
        if self.outputs not in get_args(Answer):
            raise UserError(
                f"expected outputs to be logits or probabilities, got {self.outputs!r}",
                "logits, unless its answers sum to one",
            )
        if not self.is_program and not self.architecture.get("kind"):
            raise UserError(
                f"{Path(self.path).name} holds weights alone: which architecture do they belong to?",
                "choose one of the workbench's, or export the network as a program (.pt2)",
            )
        return self


def own_folder() -> Path:
    """Where the answers are kept, one JSON a model."""
    return paths.user_weights_folder() / "own"


def add_own_model(model: OwnModel, *, replace: bool = False) -> OwnModel:
    """Remember a model. Raises UserError for a bad value, a missing file, or a name that is taken."""
    model = model.checked()
    if not Path(model.path).expanduser().is_file():
        raise UserError(f"there is no file {model.path}", "choose the file again")
    place = own_folder() / f"{model.name}.json"
    if any(card.name == model.name for card in weights.list_weights()):
        raise UserError(f"there is already a model called {model.name!r}", "choose another name")
    if place.is_file() and not replace:
        raise UserError(f"you already have a model called {model.name!r}", "choose another name, or replace it")
    absolute = str(Path(model.path).expanduser().resolve())
    values = {"format": FORMAT, **asdict(model), "path": absolute}
    try:
        atomic.write_json(place, values)
    except OSError as error:
        raise UserError(
            f"{place} could not be written: {error.strerror}",
            "check that the disk has room and that you may write there",
        ) from error
    return OwnModel(**{**_values(model), "path": absolute})


def remove_own_model(name: str) -> None:
    """Forget a model; its file stays. Raises UserError where there is none of that name."""
    place = own_folder() / f"{name}.json"
    if Path(name).name != name or not place.is_file():
        raise UserError(
            f"there is no model of yours called {name!r}", "it may have been forgotten already: look at the list"
        )
    place.unlink()


def own_models() -> list[OwnModel]:
    """Every remembered model by name; unreadable entries are left out (see `own_problems`)."""
    return [found for found in _surveyed() if isinstance(found, OwnModel)]


def own_problems() -> list[tuple[Path, str]]:
    """Entries that cannot be used, each with the reason."""
    return [found for found in _surveyed() if not isinstance(found, OwnModel)]


def find_own(name: str) -> OwnModel | None:
    """The model of that name, or None."""
    return next((model for model in own_models() if model.name == name), None)


def _surveyed() -> list[OwnModel | tuple[Path, str]]:
    found: list[OwnModel | tuple[Path, str]] = []
    for place in sorted(own_folder().glob("*.json")):
        try:
            found.append(_read(place))
        except UserError as error:
            found.append((place, str(error)))
    return found


def _read(place: Path) -> OwnModel:
    try:
        values = json.loads(place.read_text(encoding="utf-8"))
        known = {f.name for f in fields(OwnModel)}
        kept = {key: _tupled(value) for key, value in values.items() if key in known}
        return OwnModel(**{**kept, "name": place.stem}).checked()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{place.name} is no entry of an own model: {error}", "add the model again") from None


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _values(model: OwnModel) -> dict[str, Any]:
    return {f.name: getattr(model, f.name) for f in fields(model)}


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) != 3 or not all(isinstance(n, int) for n in shape):
        raise UserError(
            f"expected an input shape of colours, height and width, got {shape}",
            "(1, 28, 28) and (3, 32, 32) are usual",
        )
    if shape[0] not in (1, 3):
        raise UserError(f"expected 1 or 3 colours, got {shape[0]}", "pictures are grey or red, green, blue")
    if not all(4 <= n <= 1024 for n in shape[1:]):
        raise UserError(
            f"expected 4 to 1024 pixels a side, got {shape[2]} × {shape[1]}",
            "set the size of the pictures that the network was trained on",
        )
