"""How much memory a program would take, told before it takes any.

A file of a few kilobytes may hold allowed operations with huge sizes: ones([10**10]), a repeat, a pad, the outer
product of two vectors. Linux grants such a request, and ends the engine's process or another once the memory is
written to. So a program is first run on tensors of PyTorch's "meta" device, which have a shape and no memory, and
every result is added up; only then is it run on pixels. What a kernel takes besides its result (convolutions unfold
their input, attention its scores) is estimated from its shapes, on the safe side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psutil
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from engines.core.errors import UserError
from engines.vision.nets import operations

MOST_TENSOR: Final = 2 << 30
"""Bytes of one result for the smallest batch, of views too: a kernel may copy them, and their gradients are whole."""
MOST_RUN: Final = 8 << 30
"""Bytes of all results of the smallest batch together, as a gradient needs them. A residual network of 152 layers takes
0.7 GB for an image of 224 × 224."""
MOST_PIECES: Final = 10_000
"""Tensors that one operation may cut another into."""
WORTH_A_LOOK: Final = 256 << 20
"""A need below this is not compared with the memory that is free."""
_FREE_SHARE: Final = 0.9
_SMALL_IMAGE: Final = 20_480
"""Numbers of input up to which PyTorch unfolds even float32 instead of asking oneDNN (Convolution.cpp, use_mkldnn)."""
_BLOCK: Final = 16
"""oneDNN rounds channels up to this."""
_REMEDY: Final = "a classifier of images needs far less: export the plain network"


@dataclass(frozen=True)
class Need:
    """Bytes that a run takes. peak: at one time, without gradients. total: of all results, which a gradient keeps.
    stretched: the same with views counted as if they were copies. largest: of one result, view or work space, made by
    the operation `where`."""

    peak: int
    total: int
    stretched: int
    largest: int
    where: str


class Meter(TorchDispatchMode):
    """Adds up what operations on meta tensors would take while it is entered. Raises UserError for one whose result
    depends on numbers, not on sizes alone."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name, self._target = name, ""
        self._in_step = self._peak = self._total = self._views = self._largest = 0
        self._where = ""

    def need(self) -> Need:
        """What was counted so far."""
        return Need(self._peak, self._total, self._total + self._views, self._largest, self._where)

    def run(
        self,
        target: str,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        alive: Iterable[Any],
    ) -> Any:
        """The result of one operation. alive: what was computed before it and is needed still."""
        self._target, self._in_step = target, 0
        count = _pieces(function, args, kwargs)
        if count > MOST_PIECES:
            raise UserError(f"{self._name} was refused: {target} makes {count} tensors of one", _REMEDY)
        operations.refuse_short_statistics(function, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except RuntimeError as error:
            if isinstance(error, NotImplementedError) or "meta tensor" in str(error):
                raise UserError(
                    f"{self._name} was refused: the size of what {target} makes depends on the pixels",
                    "leave masks, nonzero and repeat counts that come from the image out of forward",
                ) from None
            raise
        storages = (value.untyped_storage() for value in alive if isinstance(value, Tensor))
        kept = {storage._cdata: storage.nbytes() for storage in storages}
        self._peak = max(self._peak, sum(kept.values()) + self._in_step)
        for made in tree_leaves(result):
            if isinstance(made, Tensor):
                # Those within an operation are PyTorch's own and stay views: a matrix is laid over a whole batch so.
                stretch = made.numel() * made.itemsize
                self._views += max(0, stretch - made.untyped_storage().nbytes())
                self._look(stretch)
        return result

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {t.untyped_storage()._cdata for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        self._count(_work_space(func, args, result))
        for made in tree_leaves(result):
            if isinstance(made, Tensor) and made.untyped_storage()._cdata not in given:
                self._count(made.untyped_storage().nbytes())
        return result

    def _count(self, size: int) -> None:
        self._in_step += size
        self._total += size
        self._look(size)

    def _look(self, size: int) -> None:
        if size > self._largest:
            self._largest, self._where = size, self._target


def refuse_excess(need: Need, name: str) -> None:
    """Raises UserError where even the smallest batch takes more than any classifier does."""
    if need.largest > MOST_TENSOR:
        raise UserError(
            f"{name} was refused: {need.where} would take {_size(need.largest)}, the limit is {_size(MOST_TENSOR)}",
            _REMEDY,
        )
    if need.stretched > MOST_RUN:
        raise UserError(
            f"{name} was refused: even the smallest batch would take {_size(need.stretched)} in all, the limit is "
            f"{_size(MOST_RUN)}",
            _REMEDY,
        )


def refuse_growth(need: Need, least: Need, times: float, name: str) -> None:
    """Raises UserError where a batch `times` the smallest one takes far more than so many times its need: each image is
    judged alone, so an honest network's need grows as the batch does."""
    if need.stretched > max(MOST_RUN, 4 * times * least.stretched):
        raise UserError(
            f"{name} was refused: {times:g} times the images would take {_size(need.stretched)}, and one batch of the "
            f"smallest size {_size(least.stretched)}",
            _REMEDY,
        )


def refuse_without_room(need: Need, images: int, *, keeps_all: bool) -> None:
    """Raises MemoryError where this batch does not fit into the memory that is free now, so that callers take smaller
    ones. keeps_all: gradients are asked for."""
    wanted = need.total if keeps_all else need.peak
    if wanted < WORTH_A_LOOK:
        return
    free = int(_FREE_SHARE * psutil.virtual_memory().available)
    if wanted > free:
        raise MemoryError(f"{images} images need {_size(wanted)} of memory, and {_size(free)} are free")


def _pieces(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """How many tensors an operation with these arguments makes of its first; 0 for those that cut nothing."""
    if not isinstance(function, torch._ops.OpOverload):  # arithmetic with sizes
        return 0
    name = function._schema.name.partition("::")[2].removeprefix("unsafe_")
    given = {**dict(zip((argument.name for argument in function._schema.arguments), args, strict=False)), **kwargs}
    if name == "chunk":
        return int(given["chunks"])
    if name == "unbind" or (name == "split" and "split_size" in given):
        length = given["self"].shape[given.get("dim", 0)]
        part = given.get("split_size", 1)
        return int(-(-length // part)) if part > 0 else 0
    return 0


def _work_space(func: Any, args: Sequence[Any], result: Any) -> int:
    """Bytes that a kernel takes besides its result."""
    name = func._schema.name
    if name == "aten::convolution":
        return _of_convolution(args[0], args[1], result, transposed=bool(args[6]))
    if name.startswith("aten::_scaled_dot_product"):
        query, key = args[0], args[1]
        return int(2 * query.shape[:-1].numel() * key.shape[-2] * query.itemsize)
    return 0


def _of_convolution(images: Tensor, weight: Tensor, result: Tensor, *, transposed: bool) -> int:
    """Of the unfolded input [C_in k k, places] (of the output, for a transposed one), or of oneDNN's blocked copies."""
    if images.dtype != torch.float32 or images.numel() <= _SMALL_IMAGE:
        places = (images if transposed else result).shape[2:].numel()
        column = weight.numel() // max(1, weight.shape[0]) if transposed else weight[:1].numel()
        groups = max(1, images.shape[1] // max(1, weight.shape[0 if transposed else 1]))
        return int(len(images) * groups * column * places * images.itemsize)
    return sum(len(t) * -(-t.shape[1] // _BLOCK) * _BLOCK * t.shape[2:].numel() * t.itemsize for t in (images, result))


def _size(count: int) -> str:
    for factor, unit in ((1e12, "TB"), (1e9, "GB")):
        if count >= factor:
            return f"{count / factor:.3g} {unit}" if count < 1e15 else f"more than {count / factor:.0e} {unit}"
    return f"{count / 1e6:.3g} MB"
