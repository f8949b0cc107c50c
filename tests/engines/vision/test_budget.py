"""Programs of allowed operations with huge sizes are refused before they take any memory; honest ones are measured."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from engines.core.errors import UserError
from engines.vision.nets import budget
from engines.vision.nets.models import load_model
from engines.vision.nets.program import Program
from engines.vision.nets.zoo import build
from tests.engines.vision.test_models import SHAPE, Attentive, Small, edit_graph, export

CPU = {"as_device": {"type": "cpu", "index": None}}
HUGE = 10**10


def ints(*values: int) -> dict[str, Any]:
    return {"as_ints": list(values)}


def call(operation: str, *given: dict[str, Any] | tuple[str, dict[str, Any]], made: Any = "made") -> dict[str, Any]:
    """A node of a program. given: arguments by position, or (name, argument)."""
    named = [one if isinstance(one, tuple) else (f"a{i}", one) for i, one in enumerate(given)]
    inputs = [{"name": name, "arg": arg, "kind": 2 if name in ("device", "dtype") else 1} for name, arg in named]
    made = made if isinstance(made, dict) else {"as_tensor": {"name": made}}
    target = operation if operation.startswith("_operator") else f"torch.ops.aten.{operation}"
    return {"target": target, "inputs": inputs, "outputs": [made]}


def value(name: str) -> dict[str, Any]:
    return {"as_tensor": {"name": name}}


def number(count: int) -> dict[str, Any]:
    return {"as_int": count}


def size(name: str) -> dict[str, Any]:
    return {"as_sym_int": {"as_name": name}}


def sizes(*values: str | int) -> dict[str, Any]:
    return {"as_sym_ints": [{"as_name": one} if isinstance(one, str) else {"as_int": one} for one in values]}


def made_size(name: str) -> dict[str, Any]:
    return {"as_sym_int": {"as_name": name}}


ONE = call("ones.default", ints(1), ("device", CPU), made="one")
ROW = call("expand.default", value("one"), ints(200_000), made="row")
BATCH = call("sym_size.int", value("x"), number(0), made=made_size("b"))
BOMBS: dict[str, list[dict[str, Any]]] = {
    "made at once": [call("ones.default", ints(HUGE), ("device", CPU))],
    "made without a device": [call("full.default", ints(HUGE), {"as_float": 1.0})],
    "counted": [call("arange.default", number(HUGE), ("device", CPU))],
    "expanded": [ONE, call("expand.default", value("one"), ints(HUGE))],
    "repeated": [ONE, call("repeat.default", value("one"), ints(HUGE))],
    "padded": [call("constant_pad_nd.default", value("x"), ints(*[100_000] * 4))],
    "padded in steps": [
        call("constant_pad_nd.default", value("x"), ints(3000, 0), made="p0"),
        call("constant_pad_nd.default", value("p0"), ints(0, 0, 3000, 0), made="p1"),
        call("repeat.default", value("p1"), ints(1, 100, 1, 1)),
    ],
    "scaled": [call("upsample_nearest2d.vec", value("x"), ints(100_000, 100_000), {"as_none": True})],
    "pooled to a larger size": [call("adaptive_avg_pool2d.default", value("x"), ints(100_000, 100_000))],
    "convolved with padding": [
        call("conv2d.default", value("x"), value("p_conv_weight"), value("p_conv_bias"), ints(1, 1), ints(9**6, 9**6)),
    ],
    "unfolded in a kernel": [
        call("to.dtype", value("x"), {"as_scalar_type": 8}, made="exact"),
        call("ones.default", ints(1, 3, 4000, 4000), ("dtype", {"as_scalar_type": 8}), ("device", CPU), made="kernel"),
        call("conv2d.default", value("exact"), value("kernel"), {"as_none": True}, ints(1, 1), ints(3000, 3000)),
    ],
    "an outer product": [ONE, ROW, call("einsum.default", {"as_string": "a,b->ab"}, {"as_tensors": [
        {"name": "row"}, {"name": "row"}]})],
    "scores of attention": [
        ONE, ROW,
        call("reshape.default", value("row"), ints(1, 1, 200_000, 1), made="q"),
        call("scaled_dot_product_attention.default", value("q"), value("q"), value("q")),
    ],
    "sizes computed": [
        BATCH,
        call("_operator.add", size("b"), number(99_999), made=made_size("n")),
        call("_operator.mul", size("n"), size("n"), made=made_size("m")),
        call("ones.default", sizes("m"), ("device", CPU)),
    ],
    "a little, many times": [
        call("full.default", ints(250_000_000), {"as_float": 1.0}, ("device", CPU), made=f"m{i}") for i in range(9)
    ],
    "more than can be counted": [call("ones.default", ints(10**18, 10**18), ("device", CPU))],
}  # fmt: skip


def bomb(nodes: list[dict[str, Any]], folder: Path) -> Path:
    def place(model: dict[str, Any]) -> None:
        model["graph_module"]["graph"]["nodes"][:0] = nodes

    return edit_graph(export(Small(), folder / "net.pt2"), place)


def most_memory() -> int:
    """Bytes that this process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("how", BOMBS)
def test_huge_sizes_are_refused_before_memory_is_taken(how: str, tmp_path: Path) -> None:
    path = bomb(BOMBS[how], tmp_path)
    before, began = most_memory(), time.monotonic()
    with pytest.raises(UserError) as refused:
        load_model(path, "cpu")
    assert most_memory() - before < 400e6
    assert time.monotonic() - began < 60
    assert path.name in refused.value.what and refused.value.remedy
    if how != "more than can be counted":
        assert "was refused" in refused.value.what and "limit" in refused.value.what


@pytest.mark.parametrize(
    "nodes",
    [
        [call("zeros.default", ints(0, HUGE), ("device", CPU), made="z"),
         call("unbind.int", value("z"), number(1), made={"as_tensors": [{"name": "p"}]})],
        [call("zeros.default", ints(0), ("device", CPU), made="z"),
         call("chunk.default", value("z"), number(HUGE), made={"as_tensors": [{"name": "p"}]})],
        [call("zeros.default", ints(0, HUGE), ("device", CPU), made="z"),
         call("split.Tensor", value("z"), number(3), number(1), made={"as_tensors": [{"name": "p"}]})],
    ],
)  # fmt: skip
def test_a_tensor_is_not_cut_into_endless_pieces(nodes: list[dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"makes \d{10,} tensors of one"):
        load_model(bomb(nodes, tmp_path), "cpu")


@pytest.mark.parametrize(
    "node",
    [call("index.Tensor", value("flat"), {"as_optional_tensors": [{"as_tensor": {"name": "n"}}]}),
     call("where.default", value("x"))],
)  # fmt: skip
def test_sizes_that_depend_on_pixels_are_refused(node: dict[str, Any], tmp_path: Path) -> None:
    flat = call("flatten.using_ints", value("x"), made="flat")
    mask = call("to.dtype", value("flat"), {"as_scalar_type": 12}, made="n")
    with pytest.raises(UserError, match="depends on the pixels"):
        load_model(bomb([flat, mask, node], tmp_path), "cpu")


def test_a_size_that_explodes_with_the_batch_is_refused(tmp_path: Path) -> None:
    powers = [BATCH]
    for i in range(3):  # the batch to the power of 8
        before = "b" if i == 0 else f"b{i}"
        powers.append(call("_operator.mul", size(before), size(before), made=made_size(f"b{i + 1}")))
    program = Program.read(bomb([*powers, call("ones.default", sizes("b3"), ("device", CPU))], tmp_path))
    assert program(torch.rand(4, *SHAPE)).shape == (4, 5)
    with pytest.raises(UserError, match=r"64 times the images would take .* TB"):
        program(torch.rand(64, *SHAPE))


def test_a_batch_that_does_not_fit_into_free_memory_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program.read(export(Attentive(), tmp_path / "net.pt2"))
    monkeypatch.setattr(budget, "WORTH_A_LOOK", 0)
    need = program._need(torch.Size((8, *SHAPE)))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": need.total})())
    images = torch.rand(8, *SHAPE)
    assert program(images).shape == (8, 5), "without gradients only a part is alive at one time"
    assert need.peak < 0.9 * need.total
    with pytest.raises(MemoryError, match="8 images need"):
        program(images.requires_grad_())


def test_the_need_of_an_honest_network_is_what_it_takes(tmp_path: Path) -> None:
    need = Program.read(export(Small(), tmp_path / "net.pt2"))._need(torch.Size((10, *SHAPE)))
    convolved = 10 * 4 * 10 * 10 * 4
    images = 10 * 3 * 12 * 12 * 4
    small = 10 * (4 + 5) * 4
    unfolded = 10 * 27 * 10 * 10 * 4  # below PyTorch's threshold it may unfold
    assert need.total == convolved * 2 + small + unfolded
    assert need.largest == unfolded and "conv2d" in need.where
    assert convolved + images <= need.peak <= need.total + images


def test_large_networks_are_not_refused() -> None:
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attend = nn.TransformerEncoderLayer(1024, 16, 4096, batch_first=True)
            self.patch = nn.Conv2d(3, 1024, 14, 14)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.attend(self.patch(x).flatten(2).transpose(1, 2)).mean(1)

    for net, shape in ((Wide(), (16, 3, 336, 336)), (build({"kind": "resnet", "input_shape": (3, 224, 224)}), None)):
        images = torch.empty(shape or (1, 3, 224, 224), device="meta")
        with torch.no_grad(), budget.Meter("net") as meter:
            meter.run("all", lambda images, net=net: net.eval().to("meta")(images), (images,), {}, [images])
        budget.refuse_excess(meter.need(), "net")
        assert meter.need().total > 90e6


def test_measuring_costs_little_and_once_a_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program.read(export(Attentive(), tmp_path / "net.pt2"))
    measured: list[torch.Size] = []
    need = program._need
    monkeypatch.setattr(program, "_need", lambda shape: (measured.append(shape), need(shape))[1])
    for _ in range(3):
        assert F.softmax(program(torch.rand(4, *SHAPE)), 1).shape == (4, 5)
    assert measured == [torch.Size((1, *SHAPE)), torch.Size((4, *SHAPE))]
