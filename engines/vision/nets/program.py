"""Runs a program read by `archive`: one operation after another, with gradients, on whatever device it is moved to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from engines.core.errors import UserError
from engines.vision.nets import budget, operations
from engines.vision.nets.archive import DTYPES, Archive, Node, read_archive

_MEMORY_FORMATS: Final = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}


@dataclass(frozen=True)
class _Ref:
    """A value computed before, by its name."""

    name: str


class _Here:
    """Stands for the device that the program is on, whatever the file says."""


_MOST_PLANS: Final = 1024


@dataclass(frozen=True)
class _Step:
    target: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: tuple[str | None, ...]
    unpacks: bool
    done_with: tuple[str, ...]


class Program(nn.Module):
    """An exported network as a module: [B, C, H, W] of the shape it was exported for to one tensor.

    sizes: the shape of its input, None where any size goes. A batch size that was fixed at the export is kept by
    cutting what comes into such pieces, the last one filled up. name: of the file, for messages.

    What a batch would take is told before it is run (see `budget`): UserError where it is more than any classifier
    needs, MemoryError where this batch does not fit into what is free.
    """

    def __init__(self, archive: Archive, name: str = "the program") -> None:
        super().__init__()
        self.name = name
        self.sizes = archive.sizes
        self.torch_version = archive.torch_version
        self.operations = len(archive.nodes)
        self.dtype: torch.dtype = getattr(torch, archive.dtype)
        self._input, self._output = archive.input, archive.output
        self._places: dict[str, str] = {}
        for i, (name, tensor) in enumerate(archive.tensors.items()):
            self._places[name] = f"tensor_{i}"
            if name in archive.trained and tensor.is_floating_point():
                self.register_parameter(f"tensor_{i}", nn.Parameter(tensor, requires_grad=False))
            else:
                self.register_buffer(f"tensor_{i}", tensor)
        self._steps = tuple(_compiled(archive))
        self._needs: dict[torch.Size, budget.Need] = {}

    @classmethod
    def read(cls, path: Path) -> Program:
        """The program in a .pt2 file. Raises UserError where it is refused (see `archive`)."""
        return cls(read_archive(path), path.name).eval()

    def forward(self, x: Tensor) -> Tensor:
        """The program's answer to a batch, float32."""
        fixed = self.sizes[0]
        if fixed is None or len(x) == fixed:
            return self._run(x)
        answers = []
        for start in range(0, len(x), fixed):
            part = x[start : start + fixed]
            if len(part) < fixed:
                filling = part[-1:].expand(fixed - len(part), *part.shape[1:]).detach()
                answers.append(self._run(torch.cat([part, filling]))[: len(part)])
            else:
                answers.append(self._run(part))
        return torch.cat(answers) if answers else self._run(x.new_zeros(fixed, *x.shape[1:]))[:0]

    def _run(self, x: Tensor) -> Tensor:
        self._refuse_excess(x)
        values: dict[str, Any] = {name: getattr(self, place) for name, place in self._places.items()}
        values[self._input] = x.to(self.dtype)
        for step in self._steps:
            _take(step, values, x.device)
        answer: Tensor = values[self._output]
        return answer.float()

    def _refuse_excess(self, x: Tensor) -> None:
        least = torch.Size((self.sizes[0] or 1, *x.shape[1:]))
        if len(self._needs) >= _MOST_PLANS:
            self._needs.clear()
        if least not in self._needs:
            need = self._need(least)
            budget.refuse_excess(need, self.name)
            self._needs[least] = need
        if x.shape not in self._needs:
            need = self._need(x.shape)
            budget.refuse_growth(need, self._needs[least], len(x) / least[0], self.name)
            self._needs[x.shape] = need
        if x.device.type == "cpu":  # an accelerator says by itself that its memory is full
            keeps_all = torch.is_grad_enabled() and x.requires_grad
            budget.refuse_without_room(self._needs[x.shape], len(x), keeps_all=keeps_all)

    @torch.inference_mode(False)  # tensors made in it do not count what is written into them
    @torch.no_grad()
    def _need(self, shape: torch.Size) -> budget.Need:
        """What a batch of this shape would take. Raises UserError where that depends on the pixels, and where the
        program writes into its weights or into the pixels, also through another view of them."""
        nowhere = torch.device("meta")
        tensors = ((name, getattr(self, place)) for name, place in self._places.items())
        values: dict[str, Any] = {name: torch.empty_like(tensor, device=nowhere) for name, tensor in tensors}
        values[self._input] = torch.empty(shape, dtype=self.dtype, device=nowhere)
        given = tuple(values.values())
        with budget.Meter(self.name) as meter:
            for step in self._steps:
                computed = (value for name, value in values.items() if name not in self._places)
                _take(step, values, nowhere, partial(meter.run, step.target, alive=computed))
        if any(tensor._version for tensor in given):
            raise UserError(
                f"{self.name} was refused: it changes its weights or its images while it runs",
                "write the network without operations in place, and call net.eval() before the export",
            )
        return meter.need()


def _take(step: _Step, values: dict[str, Any], device: torch.device, run: Callable[..., Any] | None = None) -> None:
    """Compute one step's results into `values`, and drop what nobody needs after it.

    run: called with the function, its arguments and its keywords instead of the function itself.
    """
    args = [_filled(a, values, device) for a in step.args]
    kwargs = {key: _filled(a, values, device) for key, a in step.kwargs.items()}
    result = step.function(*args, **kwargs) if run is None else run(step.function, args, kwargs)
    for name, value in zip(step.outputs, result if step.unpacks else (result,), strict=False):
        if name is not None:
            values[name] = value
    for name in step.done_with:
        values.pop(name, None)


def _compiled(archive: Archive) -> Iterator[_Step]:
    """The nodes as steps that know which values nobody needs after them."""
    known = {archive.input, *archive.tensors}
    last: dict[str, int] = {}
    prepared = []
    for i, node in enumerate(archive.nodes):
        args, kwargs = _arguments(node)
        for name in _names((args, kwargs)):
            if name not in known:
                raise UserError(f"the program uses {name[:60]!r} before it computes it", "export it again")
            last[name] = i
        for made in filter(None, node.outputs):
            if made in known:
                raise UserError(f"the program computes {made[:60]!r} twice", "export it again")
            known.add(made)
            last[made] = i  # what nobody asks for is dropped at once
        prepared.append((node, args, kwargs))
    if archive.output not in known:
        raise UserError("the program never computes its answer", "export it again")
    for i, (node, args, kwargs) in enumerate(prepared):
        function = operations.find(node.target)
        if function is None:
            raise UserError(f"this PyTorch has no {node.target}", "export it again with this version")
        done = tuple(name for name, at in last.items() if at == i and name != archive.output)
        unpacks = node.returns_list or len(node.outputs) != 1
        yield _Step(node.target, function, args, _placed(function, kwargs), node.outputs, unpacks, done)


def _placed(function: Callable[..., Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments of what makes a tensor of nothing: where the program is, even if the file does not say where."""
    schema = getattr(function, "_schema", None)
    if schema is None or any("Tensor" in str(argument.type) for argument in schema.arguments):
        return kwargs
    knows = any(argument.name == "device" for argument in schema.arguments)
    return {**kwargs, "device": _Here()} if knows else kwargs


def _arguments(node: Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for name, argument, is_positional in node.inputs:
        value = _constant(*next(iter(argument.items())))
        if is_positional:
            args.append(value)
        else:
            kwargs[name] = value
    return tuple(args), kwargs


def _constant(kind: str, value: Any) -> Any:
    """A stored argument as a value, a reference, or a list of these."""
    if kind == "as_none":
        return None
    if kind in ("as_int", "as_float", "as_bool", "as_string", "as_ints", "as_floats", "as_bools"):
        return value
    if kind == "as_tensor":
        return _Ref(str(value["name"]))
    if kind == "as_tensors":
        return [_Ref(str(one["name"])) for one in value]
    if kind in ("as_sym_int", "as_sym_float", "as_sym_bool"):
        return _size(value)
    if kind in ("as_sym_ints", "as_sym_floats", "as_sym_bools"):
        return [_size(one) for one in value]
    if kind == "as_optional_tensors":
        return [_Ref(str(one["as_tensor"]["name"])) if "as_tensor" in one else None for one in value]
    if kind == "as_scalar_type" and value in DTYPES:
        return getattr(torch, DTYPES[value])
    if kind == "as_memory_format" and value in _MEMORY_FORMATS:
        return _MEMORY_FORMATS[value]
    if kind == "as_layout" and value == 7:
        return torch.strided
    if kind == "as_device":
        return _Here()
    raise UserError(f"the program has an argument that is not understood ({kind})", "export the plain network")


def _size(value: dict[str, Any]) -> Any:
    return _Ref(str(value["as_name"])) if "as_name" in value else next(iter(value.values()))


def _filled(value: Any, values: dict[str, Any], device: torch.device) -> Any:
    if isinstance(value, _Ref):
        return values[value.name]
    if isinstance(value, list):
        return [_filled(one, values, device) for one in value]
    return device if isinstance(value, _Here) else value


def _names(value: Any) -> Iterator[str]:
    """Names of all references within nested arguments."""
    if isinstance(value, _Ref):
        yield value.name
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _names(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _names(one)
