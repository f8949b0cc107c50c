"""A `torch.export` program (.pt2) read as data: a list of operations, tensors, and nothing that could run.

`torch.export.load` is not used. It unpickles sample inputs and constants, evaluates size expressions as Python,
resolves any dotted name below `torch`, and compiles source text made of names found in the file: each of these
runs code that a file may carry. Here the archive's JSON and raw tensors are read instead, every operation is looked
up in a list of allowed ones (`operations`), and a file that holds more than that is refused before anything is
built. Source of the format: torch 2.13, torch/_export/serde/schema.py (schema version 8) and
torch/export/pt2_archive.
"""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engines.core.errors import UserError
from engines.vision.nets import operations
from engines.vision.nets.pickles import suspicious

if TYPE_CHECKING:
    from torch import Tensor

MOST_BYTES: Final = 2 << 30
MOST_JSON: Final = 64 << 20
MOST_NODES: Final = 20_000
_SCHEMA: Final = 8
"""Major version of the format that is understood."""
_AGAIN: Final = "export it again with this version of PyTorch: torch.export.save(program, path)"
_EXPORT: Final = "export the plain network with torch.export.export(net.eval(), …)"
DTYPES: Final = {
    **{1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64"},
    **{12: "bool", 13: "bfloat16"},
}
"""Scalar types by their number in the file (schema.py, ScalarType)."""


@dataclass(frozen=True)
class Node:
    """One operation. target: its full name. inputs: (argument name, argument, by position) with arguments as stored:
    a dict of one entry, kind to value. outputs: names of the results, a list for an operation that returns a list
    of tensors, None for a result that nobody uses."""

    target: str
    inputs: tuple[tuple[str, dict[str, Any], bool], ...]
    outputs: tuple[str | None, ...]
    returns_list: bool


@dataclass(frozen=True)
class Archive:
    """What a program consists of. tensors: name in the graph to tensor, weights and constants. trained: names of
    those that are parameters. input: name of the image batch; sizes: its shape, None where any size goes; dtype:
    name of its scalar type. output: name of the answer. torch_version: as the file states it."""

    nodes: tuple[Node, ...]
    tensors: dict[str, Tensor]
    trained: frozenset[str]
    input: str
    sizes: tuple[int | None, ...]
    dtype: str
    output: str
    torch_version: str


def read_archive(path: Path) -> Archive:
    """Read and check a whole .pt2 file. Raises UserError with the reason when it is refused or damaged."""
    try:
        with zipfile.ZipFile(path) as opened:
            members = _members(opened, path)
            return _program(_Reader(opened, members, path))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path.name} is no torch.export program, or it was cut off: {error}", "copy or export it again"
        ) from None
    except RecursionError:
        raise UserError(f"{path.name} was refused: its description is nested without end", _AGAIN) from None
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, OverflowError) as error:
        raise UserError(f"{path.name} cannot be understood: {type(error).__name__}: {error}", _AGAIN) from None
    except OSError as error:
        raise UserError(
            f"{path.name} cannot be read: {error.strerror or error}",
            "check that the disk is there and that you may read the file",
        ) from None
    except RuntimeError as error:  # An encrypted part, or sizes that no tensor can have.
        said = str(error).partition("\n")[0][:200]
        raise UserError(f"{path.name} cannot be understood: {said}", _AGAIN) from None


class _Reader:
    """Members of the archive by their name below its root folder."""

    def __init__(self, opened: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: Path) -> None:
        self.opened, self.members, self.path = opened, members, path
        self._taken = 0

    def take(self, count: int) -> None:
        """Count bytes of tensors that are to be made. A few stored bytes can be viewed as tensors of any size, so
        that the file's own size limits nothing. Raises UserError beyond MOST_BYTES."""
        self._taken += count
        if self._taken > MOST_BYTES:
            raise UserError(
                f"{self.path.name} was refused: its tensors need more than {_megabytes(MOST_BYTES)}", _EXPORT
            )

    def bytes(self, name: str) -> bytes:
        if name not in self.members:
            raise UserError(f"{self.path.name} is incomplete: it has no {name}", _AGAIN)
        return self.opened.read(self.members[name])

    def json(self, name: str) -> Any:
        if name in self.members and self.members[name].file_size > MOST_JSON:
            raise UserError(f"{self.path.name} was refused: {name} is larger than {MOST_JSON >> 20} MB", _EXPORT)
        return json.loads(self.bytes(name))


def _members(opened: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The archive's table of contents, refused where it lies about sizes or lists what can run."""
    entries = opened.infolist()
    if not entries or min(entry.header_offset for entry in entries) != 0:
        # A file cut in its middle can end with the table of contents of an archive that lies within it.
        raise zipfile.BadZipFile("its table of contents does not cover it")
    stated = sum(entry.file_size for entry in entries)
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or stated > path.stat().st_size:
        raise UserError(
            f"{path.name} was refused: it unpacks to {_megabytes(stated)}, more than it holds "
            f"({_megabytes(path.stat().st_size)}); PyTorch stores programs unpacked",
            _AGAIN,
        )
    if stated > MOST_BYTES:
        raise UserError(
            f"{path.name} was refused: {_megabytes(stated)}, the limit is {_megabytes(MOST_BYTES)}",
            "halve its weights with net.half(), or export a smaller network",
        )
    members = {entry.filename.partition("/")[2]: entry for entry in entries}
    if len(members) != len(entries):
        raise UserError(f"{path.name} was refused: it holds two parts of one name", _AGAIN)
    if "serialized_exported_program.json" in {entry.filename for entry in entries}:
        raise UserError(f"{path.name} was exported by a PyTorch before 2.8, in a format that is gone", _AGAIN)
    if "models/model.json" not in members:
        raise UserError(f"{path.name} is no torch.export program: it has no models/model.json", _EXPORT)
    for name in members:
        folder = name.split("/")[:2]
        if folder == ["data", "aotinductor"] or name.endswith((".so", ".dll", ".dylib", ".pyd", ".py", ".pyc")):
            raise UserError(f"{path.name} was refused: it holds compiled code or a script ({name})", _EXPORT)
        if folder == ["data", "constants"] and name.split("/")[-1].startswith(("custom_obj_", "opaque_obj_")):
            raise UserError(f"{path.name} was refused: it holds a pickled object that could run code ({name})", _EXPORT)
    _refuse_pickles(opened, members, path)
    return members


def _refuse_pickles(opened: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: Path) -> None:
    for name, entry in members.items():
        if not name.endswith((".pt", ".pth", ".pkl", ".pickle")):
            continue
        calls = suspicious(opened.read(entry))
        if calls:
            raise UserError(
                f"{path.name} was refused: reading it would run code: {name} calls {', '.join(calls[:3])}",
                "ask its author for the weights as safetensors, or " + _EXPORT,
            )


def _program(reader: _Reader) -> Archive:
    model = reader.json("models/model.json")
    if model["schema_version"]["major"] != _SCHEMA:
        raise UserError(
            f"{reader.path.name} has version {model['schema_version']['major']} of the format, expected {_SCHEMA}",
            _AGAIN,
        )
    if b"little" not in reader.bytes("byteorder"):
        raise UserError(f"{reader.path.name} was written by a machine with another byte order", _AGAIN)
    module = model["graph_module"]
    graph = module["graph"]
    if len(graph["nodes"]) > MOST_NODES:
        raise UserError(
            f"{reader.path.name} has {len(graph['nodes'])} operations, the limit is {MOST_NODES}",
            "leave long loops out of forward: an export writes each round of them out",
        )
    nodes = tuple(_node(raw, reader.path) for raw in graph["nodes"] if not operations.is_assertion(raw["target"]))
    kept, trained, images = _inputs(reader, module["signature"]["input_specs"])
    if len(images) != 1:
        raise UserError(f"{reader.path.name} takes {len(images)} inputs, expected one batch of images", _EXPORT)
    output = _output(module["signature"]["output_specs"], reader.path)
    meta = graph["tensor_values"][images[0]]
    if meta["dtype"] not in (6, 7, 8, 13):
        what = DTYPES.get(meta["dtype"], "something else")
        raise UserError(f"{reader.path.name} takes {what}, expected real numbers", "export it for float32 images")
    sizes = tuple(size.get("as_int") for size in meta["sizes"])
    if len(sizes) != 4:
        raise UserError(f"{reader.path.name} takes inputs of {len(sizes)} dimensions, expected [B, C, H, W]", _EXPORT)
    _check_overwritten(nodes, frozenset(kept), reader.path)
    return Archive(
        nodes, kept, frozenset(trained), images[0], sizes, DTYPES[meta["dtype"]], output, str(model["torch_version"])
    )


def _node(raw: dict[str, Any], path: Path) -> Node:
    target = raw["target"]
    if not operations.is_known(target):
        raise UserError(f"{path.name} was refused: it calls {_shown(target)}", _advice(target))
    if operations.find(target) is None:
        raise UserError(f"{path.name} calls {_shown(target)}, which this PyTorch does not have", _AGAIN)
    if operations.overwrites_another(target):
        raise UserError(f"{path.name} was refused: {_shown(target)} writes into another tensor", _EXPORT)
    places = iter(operations.parameter_names(target))
    inputs = []
    for given in raw["inputs"]:
        argument = given["arg"]
        if not isinstance(argument, dict) or len(argument) != 1:
            raise ValueError(f"an argument of {target}")
        kind, value = next(iter(argument.items()))
        if kind in ("as_graph", "as_custom_obj", "as_operator", "as_string_to_argument"):
            raise UserError(f"{path.name} was refused: {_shown(target)} is given more than numbers ({kind})", _EXPORT)
        by_position = given.get("kind") != 2
        # What the file calls it says nothing of an argument by position.
        name = next(places, "") if by_position else str(given["name"])
        if name in ("train", "training") and value not in (False, None):
            raise UserError(
                f"{path.name} was exported in training mode ({_shown(target)})", "call net.eval() before the export"
            )
        inputs.append((str(given["name"]), argument, by_position))
    outputs: list[str | None] = []
    for result in raw["outputs"]:
        kind, value = next(iter(result.items()))
        if kind == "as_tensors":
            return Node(target, tuple(inputs), tuple(str(one["name"]) for one in value), returns_list=True)
        outputs.append(_result_name(kind, value))
    return Node(target, tuple(inputs), tuple(outputs), returns_list=False)


def _result_name(kind: str, value: Any) -> str | None:
    if kind == "as_tensor":
        return str(value["name"])
    if kind in ("as_sym_int", "as_sym_float", "as_sym_bool"):
        return str(value["as_name"])
    if kind == "as_none":
        return None
    raise ValueError(f"a result of kind {kind}")


def _inputs(reader: _Reader, specs: list[dict[str, Any]]) -> tuple[dict[str, Tensor], list[str], list[str]]:
    """Tensors by their name in the graph, which of them are parameters, and the names of what a caller gives."""
    stored = {folder: _Payload(reader, folder) for folder in ("weights", "constants")}
    tensors: dict[str, Tensor] = {}
    trained: list[str] = []
    given: list[str] = []
    for spec in specs:
        kind, value = next(iter(spec.items()))
        if kind == "user_input":
            given.append(_given_name(value["arg"], reader.path))
        elif kind in ("parameter", "buffer", "tensor_constant"):
            name, key = str(value["arg"]["name"]), str(value[f"{kind}_name"])
            # Buffers that are not persistent are stored among the constants.
            folder = "weights" if key in stored["weights"].config else "constants"
            tensors[name] = stored[folder].tensor(key)
            if kind == "parameter":
                trained.append(name)
        else:
            raise UserError(f"{reader.path.name} was refused: it is given {kind}", _EXPORT)
    return tensors, trained, given


def _given_name(argument: dict[str, Any], path: Path) -> str:
    if "as_tensor" not in argument:
        raise UserError(f"{path.name} takes more than a batch of images ({next(iter(argument))})", _EXPORT)
    return str(argument["as_tensor"]["name"])


class _Payload:
    """Raw tensors of one folder of the archive. Views of one storage share it."""

    def __init__(self, reader: _Reader, folder: str) -> None:
        self.reader, self.folder = reader, folder
        name = f"data/{folder}/model_{folder}_config.json"
        self.config: dict[str, Any] = reader.json(name)["config"] if name in reader.members else {}
        self._read: dict[str, Tensor] = {}

    def tensor(self, key: str) -> Tensor:
        import torch

        if key not in self.config:
            raise UserError(f"{self.reader.path.name} is incomplete: it has no tensor {key}", _AGAIN)
        entry = self.config[key]
        meta = entry["tensor_meta"]
        if entry["use_pickle"] or meta is None:
            raise UserError(f"{self.reader.path.name} was refused: {key} is stored as a pickle", _EXPORT)
        if meta["dtype"] not in DTYPES:
            raise UserError(f"{self.reader.path.name}: {key} has a scalar type that is not known", _EXPORT)
        sizes: list[int] = [int(size["as_int"]) for size in meta["sizes"]]
        strides = [int(stride["as_int"]) for stride in meta["strides"]]
        offset = int(meta["storage_offset"]["as_int"])
        flat = self._flat(entry["path_name"], getattr(torch, DTYPES[meta["dtype"]]))
        reach = offset + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
        if min((*sizes, *strides, offset, 0)) < 0 or (0 not in sizes and reach >= len(flat)):
            raise UserError(f"{self.reader.path.name} is damaged: {key} is larger than what is stored of it", _AGAIN)
        self.reader.take(math.prod(sizes) * flat.itemsize)
        return torch.as_strided(flat, sizes, strides, offset).clone()

    def _flat(self, name: str, dtype: Any) -> Tensor:
        import torch

        if name not in self._read:
            data = self.reader.bytes(f"data/{self.folder}/{name}")
            self._read[name] = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.empty(0).byte()
        raw = self._read[name]
        if len(raw) % dtype.itemsize:
            raise UserError(f"{self.reader.path.name} is damaged: {name} has {len(raw)} bytes", _AGAIN)
        return raw.view(dtype)


def _output(specs: list[dict[str, Any]], path: Path) -> str:
    names = []
    for spec in specs:
        kind, value = next(iter(spec.items()))
        if kind != "user_output":
            raise UserError(f"{path.name} changes its own state ({kind})", "call net.eval() before the export")
        if "as_tensor" in value["arg"]:
            names.append(str(value["arg"]["as_tensor"]["name"]))
    if len(names) != 1:
        raise UserError(f"{path.name} answers with {len(names)} tensors, expected one, the logits", _EXPORT)
    return names[0]


def _check_overwritten(nodes: tuple[Node, ...], kept: frozenset[str], path: Path) -> None:
    for node in nodes:
        first = node.inputs[0][1].get("as_tensor", {}) if node.inputs else {}
        if operations.is_in_place(node.target) and first.get("name") in kept:
            raise UserError(f"{path.name} changes its own weights while it runs", "call net.eval() before the export")


def _advice(target: str) -> str:
    if target.startswith("torch.ops.higher_order"):
        return "leave torch.no_grad, loops and conditions out of forward: gradients could not flow through them"
    if target.startswith("torch.ops.aten"):
        return "it is not among the operations that a classifier is made of; write the network without it"
    return "only PyTorch's own tensor operations (aten) are taken; a custom one could run any code"


def _shown(target: Any) -> str:
    return str(target)[:120]


def _megabytes(count: int) -> str:
    return f"{count / 2**20:.1f} MB"
