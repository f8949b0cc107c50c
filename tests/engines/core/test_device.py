"""Choosing hardware, and what happens when its memory does not suffice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engines.core import device
from engines.core.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
WITHOUT_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="there is an NVIDIA device here")
WITH_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA device here")


def test_auto_takes_the_best_device_that_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for cuda, mps, best in ((True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")):
        monkeypatch.setattr(device, "_has_cuda", lambda cuda=cuda: cuda)
        monkeypatch.setattr(device, "_has_mps", lambda mps=mps: mps)
        assert device.choose("auto").type == best
        assert device.choose("").type == best


def test_the_cpu_may_be_asked_for_in_any_case() -> None:
    assert device.choose(" CPU ") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "meta", "xpu", "cuda:-1", "8"])
def test_a_name_that_means_no_device_here_is_the_users_mistake(name: str) -> None:
    with pytest.raises(UserError):
        device.choose(name)


@WITHOUT_CUDA
def test_cuda_that_is_not_here_is_refused_with_what_to_do() -> None:
    with pytest.raises(UserError, match="cuda") as caught:
        device.choose("cuda:1")
    assert "cpu" in caught.value.remedy


@WITH_CUDA
def test_a_card_that_is_not_here_is_refused() -> None:
    with pytest.raises(UserError, match="expected cuda:0"):
        device.choose(f"cuda:{torch.cuda.device_count()}")


def test_mps_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_has_mps", lambda: False)
    with pytest.raises(UserError, match="mps"):
        device.choose("mps")


def test_every_described_device_was_tried_and_the_cpu_is_last() -> None:
    found = device.describe()
    assert found[-1].name == "cpu"
    assert found[-1].usable
    assert 0 < found[-1].memory_free <= found[-1].memory_total
    assert all(device.choose(info.name) for info in found if info.usable)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"WORKBENCH_THREADS": "3", "OMP_NUM_THREADS": "2"}, 3),
        ({"OMP_NUM_THREADS": "2"}, 2),
        ({"WORKBENCH_THREADS": "many", "OMP_NUM_THREADS": "2,1"}, 2),
        ({"WORKBENCH_THREADS": "0", "OMP_NUM_THREADS": "1"}, 1),
    ],
)
def test_threads_are_set_once_from_the_environment(
    variables: dict[str, str], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(device, "_threads", None)
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    for name in ("WORKBENCH_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert [device.set_threads(), device.set_threads(7)] == [expected, expected]
    assert told == [expected]


def test_a_fresh_process_really_computes_with_the_threads_that_were_chosen() -> None:
    script = (
        "import torch; from engines.core import device\n"
        "device.set_threads(2); print(torch.get_num_threads(), torch.get_num_interop_threads())"
    )
    said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert said.stdout.split() == ["2", "1"], said.stderr


def test_the_processor_computes_in_float32_and_its_region_changes_nothing() -> None:
    precision = device.precision("cpu")
    with precision.region():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == precision.storage == torch.float32


def test_the_batch_is_halved_until_it_fits_and_the_job_is_told() -> None:
    tried: list[int] = []
    told: list[int] = []

    def run(batch: int) -> str:
        tried.append(batch)
        if batch > 20:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return f"done with {batch}"

    assert device.shrinking(run, 100, on_shrink=told.append) == "done with 12"
    assert tried == [100, 50, 25, 12]
    assert told == [50, 25, 12]


def test_memory_that_does_not_suffice_for_the_smallest_batch_is_said() -> None:
    tried: list[int] = []

    def run(batch: int) -> None:
        tried.append(batch)
        raise MemoryError

    with pytest.raises(UserError, match="batch of 4") as caught:
        device.shrinking(run, 9, minimum=4)
    assert tried == [9, 4]
    assert caught.value.remedy


def test_any_other_exception_is_not_hidden() -> None:
    def run(batch: int) -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        device.shrinking(run, 8)


def test_what_torch_says_when_memory_ends_is_understood() -> None:
    assert device.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert device.is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"))
    assert device.is_out_of_memory(MemoryError())
    assert not device.is_out_of_memory(ValueError("out of memory"))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert device.is_out_of_memory(caught.value)


def test_the_tensors_that_did_not_fit_are_gone_before_the_next_try() -> None:
    import gc
    import weakref

    first: list[weakref.ref[torch.Tensor]] = []

    def run(batch: int) -> bool:
        if not first:
            large = torch.zeros(batch)
            first.append(weakref.ref(large))
            raise RuntimeError("out of memory")
        return first[0]() is None

    gc.collect()
    assert device.shrinking(run, 2)


def test_freeing_memory_is_harmless_where_torch_was_never_imported() -> None:
    script = "import sys; from engines.core import device; device.free_memory(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


def test_nothing_is_collected_where_pythons_own_collection_is_off() -> None:
    import gc
    import weakref

    class Knot:
        def __init__(self) -> None:
            self.tied = self

    gc.disable()
    try:
        lost = weakref.ref(Knot())
        device.free_memory()
        assert lost() is not None, "a widget could have gone on this thread"
    finally:
        gc.enable()
    device.free_memory()
    assert lost() is None


def test_auto_means_the_device_that_the_user_prefers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_has_cuda", lambda: True)
    monkeypatch.setenv("WORKBENCH_DEVICE", "cpu")
    assert str(device.choose("auto")) == "cpu"
    monkeypatch.setenv("WORKBENCH_DEVICE", "toaster")
    with pytest.raises(UserError, match="got 'toaster'"):
        device.choose("auto")
    assert str(device.choose("cpu")) == "cpu"
