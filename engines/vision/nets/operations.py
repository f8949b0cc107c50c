"""Which operations an exported program may call: those that a classifier of images is made of.

A list of what is allowed and not of what is forbidden, because PyTorch has some thousand operations, among them
ones that open files (from_file), draw random numbers, or read memory that nobody wrote. What is not named here is
refused with its name. Nothing is looked up by a path given in a file except through this list.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from engines.core.errors import UserError

_ATEN: Final = re.compile(r"torch\.ops\.aten\.([A-Za-z_0-9]+)\.([A-Za-z_0-9]+)")

_SHAPES: Final = """
alias broadcast_tensors cat chunk clone concat concatenate constant_pad_nd contiguous detach_ expand expand_as flatten
flip gather hstack index index_select lift_fresh_copy movedim moveaxis narrow numpy_T pad permute pixel_shuffle
pixel_unshuffle reflection_pad2d replication_pad2d repeat repeat_interleave reshape roll rot90 select slice split
split_with_sizes squeeze stack swapaxes swapdims sym_numel sym_size t tile to _to_copy transpose tril triu type_as
unbind unflatten unfold unsafe_chunk unsafe_split unsqueeze view view_as vstack
"""
_MAKERS: Final = """
arange eye full full_like linspace new_full new_ones new_zeros ones ones_like scalar_tensor zeros zeros_like
"""
_POINTWISE: Final = """
abs absolute add addcdiv addcmul atan atan2 bitwise_and bitwise_not bitwise_or ceil celu clamp clamp_max clamp_min clip
copysign cos cosh deg2rad div divide elu eq erf erfc exp exp2 expm1 fill floor floor_divide fmod frac ge gelu glu
greater greater_equal gt hardshrink hardsigmoid hardswish hardtanh le leaky_relu lerp less less_equal log log10 log1p
log2 log_sigmoid logaddexp logical_and logical_not logical_or logical_xor lt masked_fill maximum minimum mish mul
multiply nan_to_num ne neg negative not_equal positive pow prelu reciprocal relu relu6 remainder round rsqrt rsub
selu sgn sigmoid sign silu sin sinh softplus softshrink special_expit sqrt square sub subtract tan tanh
threshold true_divide trunc where xlogy
"""
_REDUCTIONS: Final = """
all amax amin any argmax argmin argsort count_nonzero cumprod cumsum frobenius_norm linalg_norm linalg_vector_norm
logsumexp max mean median min nanmean nansum norm prod sort std std_mean sum topk var var_mean
"""
_LAYERS: Final = """
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d _adaptive_avg_pool2d addbmm addmm
affine_grid_generator alpha_dropout avg_pool1d avg_pool2d baddbmm batch_norm bilinear bmm channel_shuffle conv1d conv2d
conv_transpose2d convolution cosine_similarity cross dot dropout einsum embedding feature_dropout grid_sampler
grid_sampler_2d group_norm instance_norm inner layer_norm linear log_softmax _log_softmax matmul
max_pool1d max_pool2d max_pool2d_with_indices mm mv _native_batch_norm_legit_no_training
native_dropout native_group_norm native_layer_norm one_hot outer rms_norm scaled_dot_product_attention softmax
_softmax tensordot upsample_bicubic2d upsample_bilinear2d upsample_nearest2d
"""
_NAMES: Final = frozenset(" ".join((_SHAPES, _MAKERS, _POINTWISE, _REDUCTIONS, _LAYERS)).split())

_COUNTS_OF_A_TENSOR: Final = frozenset({"repeat_interleave.Tensor", "repeat_interleave.self_Tensor"})
"""Refused although other overloads are taken. Given an output size, they believe it, and write a negative count's
neighbours over whatever lies behind their result; without one, the size of their result depends on numbers."""

ASSERTIONS: Final = frozenset({"_assert_scalar", "_assert_tensor_metadata", "_assert_async", "sym_constrain_range"})
"""Checks that an export leaves in its graph. They compute nothing, so they are passed over."""

_NORMALISES: Final = "aten::_native_batch_norm_legit_no_training"

_LARGEST: Final = 1 << 63
"""Beyond this no size can be."""


def _of_sizes(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of plain numbers only: the same operators would repeat lists, fill texts in, or grow integers without
    end. Raises ValueError for anything else, in or out."""

    def compute(*numbers: Any) -> Any:
        try:
            result = function(*numbers) if all(map(_is_size, numbers)) else None
        except ZeroDivisionError:
            result = None
        if not _is_size(result):
            raise ValueError("expected sizes of tensors")
        return result

    return compute


def _is_size(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= _LARGEST


_SIZES: Final[dict[str, Callable[..., Any]]] = {
    "_operator.add": _of_sizes(operator.add),
    "_operator.sub": _of_sizes(operator.sub),
    "_operator.mul": _of_sizes(operator.mul),
    "_operator.floordiv": _of_sizes(operator.floordiv),
    "_operator.mod": _of_sizes(operator.mod),
    "_operator.neg": _of_sizes(operator.neg),
    "_operator.eq": _of_sizes(operator.eq),
    "_operator.ne": _of_sizes(operator.ne),
    "_operator.lt": _of_sizes(operator.lt),
    "_operator.le": _of_sizes(operator.le),
    "_operator.gt": _of_sizes(operator.gt),
    "_operator.ge": _of_sizes(operator.ge),
    "torch.sym_max": _of_sizes(max),
    "torch.sym_min": _of_sizes(min),
}
"""Arithmetic with the sizes of tensors."""


def is_assertion(target: str) -> bool:
    """Whether a node only checks something."""
    match = _ATEN.fullmatch(target)
    return match is not None and match[1] in ASSERTIONS


def is_known(target: str) -> bool:
    """Whether a node's target is on the list, told by its name alone: nothing is looked up."""
    match = _ATEN.fullmatch(target)
    if match is None:
        return target in _SIZES
    name = match[1]
    if f"{name}.{match[2]}" in _COUNTS_OF_A_TENSOR:
        return False
    return name in _NAMES or (name.endswith("_") and not name.endswith("__") and name[:-1] in _NAMES)


def is_in_place(target: str) -> bool:
    """Whether the operation overwrites its first argument."""
    match = _ATEN.fullmatch(target)
    return match is not None and match[1].endswith("_") and not match[1].endswith("__")


def overwrites_another(target: str) -> bool:
    """Whether a known operation writes into a tensor that it is given, other than the first of an in-place one:
    overloads with `out`, under many names (`add.out`, `max.dim_max`), resize and fill any tensor, weights too."""
    written = [i for i, argument in enumerate(_parameters(target)) if argument.is_write]
    return written not in ([], [0]) or (written == [0]) != is_in_place(target)


def parameter_names(target: str) -> tuple[str, ...]:
    """What a known operation calls its arguments, whatever a file calls them; empty for arithmetic with sizes."""
    return tuple(argument.name for argument in _parameters(target))


def _parameters(target: str) -> tuple[Any, ...]:
    return tuple(getattr(getattr(find(target), "_schema", None), "arguments", ()))


def refuse_short_statistics(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raises UserError where normalising a batch would read behind its weights or statistics: this operation alone
    believes that each has a number for each channel."""
    if getattr(function, "_schema", None) is None or function._schema.name != _NORMALISES:
        return
    given = {**dict(zip((argument.name for argument in function._schema.arguments), args, strict=False)), **kwargs}
    images = given["input"]
    channels = images.shape[1] if images.dim() > 1 else -1
    statistics = (given.get(name) for name in ("weight", "bias", "running_mean", "running_var"))
    if any(one is not None and one.numel() != channels for one in statistics):
        raise UserError(
            "the program normalises by statistics that do not have one number for each channel",
            "export the plain network again",
        )


def find(target: str) -> Callable[..., Any] | None:
    """The function of a known target, or None where this PyTorch has none of that name."""
    import torch

    if not is_known(target):
        return None
    match = _ATEN.fullmatch(target)
    if match is None:
        return _SIZES[target]
    packet = getattr(torch.ops.aten, match[1], None)
    found: Any = getattr(packet, match[2], None)
    # Only overloads: a packet has attributes besides, and `__setattr__` called from a file would change PyTorch itself.
    return found if isinstance(found, torch._ops.OpOverload) else None
