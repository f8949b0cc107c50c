"""Which hardware computes, with how many threads and in which precision. The only place that asks.

Everyone else is given a device or follows a tensor's. torch is imported by the functions that need it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import psutil

from engines.core.errors import UserError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
_threads: int | None = None


@dataclass(frozen=True)
class DeviceInfo:
    """One device as a person sees it. name: what a spec's `device` takes; memory in bytes, 0 where unknown.

    usable: whether a small product was computed on it just now; note: why not, or what to know.
    """

    name: str
    title: str
    memory_total: int
    memory_free: int
    usable: bool
    note: str = ""


@dataclass(frozen=True)
class Precision:
    """How numbers are kept and multiplied on a device.

    storage: dtype of weights and inputs. compute: dtype of the products inside `region`, None for that of
    storage. channels_last: whether image tensors are faster in that memory format.
    """

    device_type: str
    storage: torch.dtype
    compute: torch.dtype | None
    channels_last: bool

    def region(self) -> contextlib.AbstractContextManager[None]:
        """A context in which products take `compute`."""
        if self.compute is None:
            return contextlib.nullcontext()
        import torch

        return torch.autocast(self.device_type, dtype=self.compute)


def choose(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes the one named by WORKBENCH_DEVICE, else prefers CUDA, then
    Apple's MPS, then the CPU. Also sets the threads once.

    Raises UserError for a name that means nothing or hardware that is not here.
    """
    import torch

    set_threads()
    wanted = name.strip().lower()
    if wanted in ("", "auto"):
        name = wanted = os.environ.get("WORKBENCH_DEVICE", "").strip().lower()
    if wanted in ("", "auto"):
        return torch.device("cuda" if _has_cuda() else "mps" if _has_mps() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise UserError(f"expected a device like auto, cpu, cuda, cuda:1 or mps, got {name!r}") from None
    if device.type == "cuda":
        return _cuda(device, name)
    if device.type == "mps":
        if not _has_mps():
            raise UserError("there is no Apple graphics device (mps) here", "choose auto or cpu")
        return torch.device("mps")
    if device.type != "cpu":
        raise UserError(f"expected a device like auto, cpu, cuda, cuda:1 or mps, got {name!r}")
    return torch.device("cpu")


def set_threads(count: int | None = None) -> int:
    """Set torch's CPU threads, the first time only, and return how many there are.

    Without a count: WORKBENCH_THREADS, else OMP_NUM_THREADS, else half the physical cores (at most 8),
    because a second lane computes at the same time and threads that wait for a busy core cost more than they
    bring.
    """
    global _threads
    if _threads is not None:
        return _threads
    import torch

    chosen = max(
        1,
        count or _threads_named("WORKBENCH_THREADS") or _threads_named("OMP_NUM_THREADS") or _usual_threads(),
    )
    torch.set_num_threads(chosen)
    with contextlib.suppress(RuntimeError):  # Only allowed before the first parallel work; harmless where it is late.
        torch.set_num_interop_threads(1)
    _threads = chosen
    return chosen


def precision(device: torch.device | str, *, training: bool = False) -> Precision:
    """float32 everywhere; on CUDA cards that have it, products in bfloat16, or TF32 while training."""
    import torch

    kind = torch.device(device).type
    if kind != "cuda":
        return Precision(kind, torch.float32, None, channels_last=kind == "cpu")
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    half = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) and not training else None
    return Precision(kind, torch.float32, half, channels_last=True)


def has_fast_bfloat16(device: torch.device | str) -> bool:
    """Whether layers run faster in bfloat16 than in float32; emulation does not count.

    CUDA cards from Ampere on, and CPUs with AVX-512 BF16 or AMX (measured 1.7 to 2.4 times on convolutions
    with 32 to 64 channels).
    """
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if kind == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False


def describe() -> list[DeviceInfo]:
    """Every device here, the CPU last, each tried with a small product."""
    import torch

    found = [_describe_cuda(i) for i in range(torch.cuda.device_count())] if _has_cuda() else []
    if _has_mps():
        found.append(_tried("mps", "Apple graphics", int(torch.mps.recommended_max_memory()), 0))
    memory = psutil.virtual_memory()
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    title = f"{platform.processor() or platform.machine()}, {cores} cores, threads used: {set_threads()}"
    return [*found, _tried("cpu", title, memory.total, memory.available)]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that a device's (or the machine's) memory did not suffice."""
    if isinstance(error, MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    if type(error).__name__ == "OutOfMemoryError":
        return True
    said = str(error).lower()
    return any(text in said for text in ("out of memory", "can't allocate memory", "cublas_status_alloc_failed"))


def shrinking(
    run: Callable[[int], T],
    batch: int,
    *,
    minimum: int = 1,
    on_shrink: Callable[[int], None] | None = None,
) -> T:
    """`run(batch)`; each time memory does not suffice, once more with half the batch, down to `minimum`.

    `run` must be safe to start over. on_shrink: told the new batch, so that the job can say so.
    Raises UserError when even `minimum` is too much; any other exception passes through.
    """
    while True:
        try:
            return run(batch)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            said = str(error).splitlines()[0] if str(error) else "no more memory"
        # Outside the handler: the traceback held the tensors that did not fit.
        free_memory()
        if batch <= minimum:
            raise UserError(
                f"memory did not suffice even for a batch of {batch}: {said}",
                "choose a smaller network or input, close other programs that use the device, or device=cpu",
            )
        batch = max(minimum, batch // 2)
        if on_shrink is not None:
            on_shrink(batch)


def free_memory() -> None:
    """Give memory nobody refers to back to the device. Cheap where torch was never imported.

    What only cycles hold stays where Python's own collection is off: whoever turned it off has threads on which nothing
    may be collected (the window's process), and does it elsewhere.
    """
    if gc.isenabled():
        gc.collect()
    import sys

    torch = sys.modules.get("torch")
    if torch is None or getattr(torch.__spec__, "_initializing", False):
        return  # not there, or another thread is just importing it
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if _has_mps():
        torch.mps.empty_cache()


def has_torch() -> bool:
    """Whether torch is installed, without importing it."""
    return importlib.util.find_spec("torch") is not None


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available() and torch.cuda.device_count() > 0


def _has_mps() -> bool:
    import torch

    return torch.backends.mps.is_available()


def _cuda(device: torch.device, name: str) -> torch.device:
    import torch

    if not _has_cuda():
        built = torch.version.cuda is not None
        why = "there is no usable NVIDIA device here" if built else "this torch was built without CUDA"
        raise UserError(f"{name} was asked for, but {why}", "choose auto or cpu, or install torch with CUDA")
    if device.index is not None and device.index >= torch.cuda.device_count():
        raise UserError(f"expected cuda:0 to cuda:{torch.cuda.device_count() - 1}, got {name!r}")
    return device


def _describe_cuda(index: int) -> DeviceInfo:
    import torch

    free, total = 0, 0
    with contextlib.suppress(RuntimeError):
        free, total = torch.cuda.mem_get_info(index)
    return _tried(f"cuda:{index}", torch.cuda.get_device_name(index), total, free)


def _tried(name: str, title: str, total: int, free: int) -> DeviceInfo:
    import torch

    try:
        ones = torch.ones(8, 8, device=name)
        usable = float((ones @ ones).sum()) == 512.0
    except RuntimeError as error:
        return DeviceInfo(name, title, total, free, usable=False, note=str(error).splitlines()[0])
    return DeviceInfo(name, title, total, free, usable, "" if usable else "it computed a wrong product")


def _threads_named(variable: str) -> int | None:
    text = os.environ.get(variable, "").split(",")[0].strip()
    return int(text) if text.isdigit() and int(text) > 0 else None


def _usual_threads() -> int:
    return min(8, (psutil.cpu_count(logical=False) or os.cpu_count() or 1) // 2)
