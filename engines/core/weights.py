"""Trained weights: a safetensors file with a model card (JSON) beside it. Pickles are never executed.

The card also travels inside the safetensors header, so a file that lost its neighbour still explains itself.
Listing and finding import no torch.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import pickle
import struct
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engines.core import atomic, paths
from engines.core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

FORMAT: Final = 1
_TORCH_SUFFIXES: Final = (".pt", ".pth", ".ckpt", ".bin")
_UNREADABLE: Final = (
    *(RuntimeError, OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, AssertionError),
    struct.error,
)
"""What torch raises for a file of rubbish, depending on where its reading stumbles."""
_HEADER_LIMIT: Final = 64 * 2**20
"""Bytes of a safetensors header that are still believed."""


@dataclass(frozen=True)
class ModelCard:
    """What a person and a loader must know of a set of weights.

    name: also the file's stem. topic: of the panel that uses it. architecture: arguments that build the
    network; empty when unknown. classes: names of the outputs, where it classifies. input: shape, range and
    meaning of what goes in. normalisation: what the model itself does to the input. data, licence: what it
    learnt from, and terms of the weights. metrics: measured figures. command: reproduces the training. date:
    ISO. hardware: trained on. notes: anything else. sha256, parameters, bytes: of the file, filled in by
    `save_weights`. path: where the card was read from; not stored.
    """

    name: str
    topic: str = ""
    title: str = ""
    architecture: dict[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    input: str = ""
    normalisation: str = "none"
    data: str = ""
    licence: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    command: str = ""
    date: str = ""
    hardware: str = ""
    notes: str = ""
    sha256: str = ""
    parameters: int = 0
    bytes: int = 0
    path: Path | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The card as stored."""
        values = asdict(replace(self, path=None))
        del values["path"]
        return {"format": FORMAT, **atomic.strict(values)}

    @classmethod
    def from_json(cls, values: Any, where: str) -> ModelCard:
        """A card from stored JSON; unknown fields are ignored. Raises UserError saying `where` and why."""
        if not isinstance(values, dict) or not isinstance(values.get("name"), str):
            raise UserError(f"{where} is no model card: it has no name", "put back the card that came with the weights")
        known = {f.name: f for f in fields(cls) if f.name != "path"}
        kept = {key: value for key, value in values.items() if key in known}
        for key, value in kept.items():
            expected = _json_type(known[key].type)
            if not isinstance(value, expected) or isinstance(value, bool):
                raise UserError(f"{where}: {key} is a {type(value).__name__}, expected {expected.__name__}")
        kept["classes"] = tuple(map(str, kept.get("classes", ())))
        return cls(**kept)


def save_weights(path: Path, tensors: Mapping[str, Tensor], card: ModelCard) -> ModelCard:
    """Write tensors and card, each atomically, and return the card as written (name, size and hash filled
    in).

    path: ends in .safetensors (added where missing); the card goes beside it as .json.
    """
    from safetensors.torch import save

    path = path if path.suffix == ".safetensors" else path.with_name(path.name + ".safetensors")
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    card = replace(card, name=path.stem, parameters=sum(t.numel() for t in plain.values()), sha256="", bytes=0)
    data = save(plain, metadata={"card": json.dumps(card.to_json())})
    card = replace(card, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), path=path.with_suffix(".json"))
    try:
        # Without the old card first: killed in between, the new file would not match it and be refused.
        path.with_suffix(".json").unlink(missing_ok=True)
        atomic.write_bytes(path, data)
        atomic.write_json(path.with_suffix(".json"), card.to_json())
    except OSError as error:
        raise UserError(
            f"the weights could not be written to {path}: {error.strerror}", "choose another place"
        ) from error
    return replace(ModelCard.from_json(card.to_json(), path.name), path=card.path)


def load_weights(path_or_name: str | Path) -> tuple[dict[str, Tensor], ModelCard]:
    """Tensors on the CPU and their card, by name or file; an unknown card has an empty architecture.

    Raises UserError where nothing is found, the file is damaged or altered, or could only be read by
    unpickling.
    """
    path = find_weights(path_or_name)
    tensors = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    return tensors, read_card(path)


def find_weights(name_or_path: str | Path) -> Path:
    """The weight file: a path as it is, else a name among the shipped ones, then the user's own.

    Raises UserError naming those that exist.
    """
    text = str(name_or_path).strip()
    direct = Path(text).expanduser()
    if text and direct.is_file():
        return direct
    stem = text.removesuffix(".safetensors")
    if stem and stem == Path(stem).name:
        for folder in (paths.shipped_weights_folder(), paths.user_weights_folder()):
            if (folder / f"{stem}.safetensors").is_file():
                return folder / f"{stem}.safetensors"
    known = [p.stem for p in _weight_files()]
    close = difflib.get_close_matches(stem, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known) or 'none'}; or give a file"
    raise UserError(f"there are no weights called {text!r}", hint)


def list_weights() -> list[ModelCard]:
    """Cards of the shipped and the user's weights, by name; unreadable ones are left out (see `problems`)."""
    return [card for card, _ in _surveyed() if card is not None]


def problems() -> list[tuple[Path, str]]:
    """Files among the shipped and the user's weights that cannot be used, each with the reason."""
    return [reason for _, reason in _surveyed() if reason is not None]


def verify(path: Path) -> None:
    """Compare a weight file with the hash in its card. Raises UserError where they differ."""
    card = read_card(path)
    if not card.sha256:
        return
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    if digest.hexdigest() != card.sha256:
        raise UserError(
            f"{path.name} is not the file that its card describes: it was cut off or altered",
            "install it again, or remove the card's sha256 if you changed the weights on purpose",
        )


def read_card(path: Path) -> ModelCard:
    """The card of a weight file: beside it, else inside it, else one with nothing but the name.

    Raises UserError for a card or a file that cannot be read.
    """
    beside = path.with_suffix(".json")
    if beside.is_file():
        try:
            values = json.loads(beside.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(
                f"the model card {beside} cannot be read: {error}",
                "put back the card that came with the weights",
            ) from error
        return replace(ModelCard.from_json(values, beside.name), path=beside)
    inside = _header(path).get("__metadata__", {}).get("card") if path.suffix == ".safetensors" else None
    if inside is None:
        return ModelCard(name=path.stem)
    try:
        return ModelCard.from_json(json.loads(inside), path.name)
    except ValueError as error:
        raise UserError(f"the model card inside {path.name} cannot be read: {error}") from error


def _surveyed() -> list[tuple[ModelCard | None, tuple[Path, str] | None]]:
    found: list[tuple[ModelCard | None, tuple[Path, str] | None]] = []
    for path in _weight_files():
        try:
            found.append((replace(read_card(path), name=path.stem, path=path), None))
        except UserError as error:
            found.append((None, (path, str(error))))
    return found


def _weight_files() -> list[Path]:
    """Weight files by name; a shipped one hides a user's of the same name, as `find_weights` does."""
    by_name: dict[str, Path] = {}
    for folder in (paths.shipped_weights_folder(), paths.user_weights_folder()):
        for path in sorted(folder.glob("*.safetensors")):
            by_name.setdefault(path.stem, path)
    return [by_name[name] for name in sorted(by_name)]


def _header(path: Path) -> dict[str, Any]:
    """The JSON header of a safetensors file. Raises UserError where it is none."""
    damaged = UserError(f"{path} is no safetensors file or is damaged", "fetch or train it again")
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(_HEADER_LIMIT, path.stat().st_size):
                raise damaged
            values = json.loads(file.read(length))
    except (struct.error, ValueError) as error:
        raise damaged from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    if not isinstance(values, dict):
        raise damaged
    return values


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    verify(path)
    try:
        return load(path.read_bytes())
    except SafetensorError as error:
        raise UserError(f"{path} is no safetensors file or is damaged: {error}", "fetch or train it again") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error


def _read_torch(path: Path) -> dict[str, Tensor]:
    """Tensors of a user's torch file, read without executing anything in it."""
    if path.suffix not in _TORCH_SUFFIXES:
        raise UserError(
            f"expected weights as .safetensors (or {', '.join(_TORCH_SUFFIXES)}), got {path.name}",
            "save them with safetensors.torch.save_file",
        )
    import torch

    try:
        with warnings.catch_warnings():  # Of pickle protocols other than torch's own: refused or read, never run.
            warnings.simplefilter("ignore", UserWarning)
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path.name} was refused: reading it would run code that it contains, or it is no torch file",
            "save model.state_dict() instead of the whole model, or convert it to safetensors",
        ) from error
    except _UNREADABLE as error:
        said = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f"{path.name} cannot be read as torch weights: {said}", "save model.state_dict() again"
        ) from error
    return _state_dict(loaded, path)


def _state_dict(loaded: Any, path: Path) -> dict[str, Tensor]:
    import torch

    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
            break
    if isinstance(loaded, Mapping) and loaded:
        tensors = {key: value for key, value in loaded.items() if isinstance(value, torch.Tensor)}
        if len(tensors) == len(loaded):
            return {str(key): value for key, value in tensors.items()}
    raise UserError(f"{path.name} holds no table of named tensors", "save model.state_dict()")


def _json_type(annotation: Any) -> type:
    """The JSON type of a card's field, told by its annotation (text: annotations are lazy)."""
    head = str(annotation).split("[")[0]
    return {"str": str, "int": int, "dict": dict, "tuple": list}[head]
