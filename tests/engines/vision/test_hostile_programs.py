"""Programs made by hand of allowed operations: none may write where it should not, or read what is not its own.

Each of these once did: heap overwritten by negative repeat counts, weights and pixels changed through an `out` or a
view, gigabytes that no budget counted, training switched on under another name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from engines.core.errors import UserError
from engines.vision.nets import operations
from engines.vision.nets.models import load_model
from engines.vision.nets.program import Program
from tests.engines.vision.test_budget import CPU, bomb, call, ints, number, value
from tests.engines.vision.test_models import SHAPE, Small, edit_graph, export

FLOATS = {"as_float": 0.1}
EXACT = {"as_scalar_type": 5}
NONE = {"as_none": True}
CHANNELS = call("ones.default", ints(1, 100, 1, 1), ("device", CPU), made="wide")
ONE = call("ones.default", ints(1), ("device", CPU), made="one")
COUNTS = call("full.default", ints(2), number(-1), ("dtype", EXACT), ("device", CPU), made="n")


def keyword(name: str, argument: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "arg": argument, "kind": 2}


def calling(node: dict[str, Any], *named: dict[str, Any]) -> dict[str, Any]:
    """The node with arguments by name as well."""
    return {**node, "inputs": [*node["inputs"], *named]}


HOSTILE: dict[str, tuple[list[dict[str, Any]], str]] = {
    "negative counts with a size that is believed": (
        [COUNTS, calling(call("repeat_interleave.Tensor", value("n")), keyword("output_size", number(-2)))],
        "repeat_interleave.Tensor",
    ),
    "the same along a dimension": (
        [COUNTS, calling(call("repeat_interleave.self_Tensor", value("one"), value("n"), number(0)),
                         keyword("output_size", number(-2)))],
        "repeat_interleave.self_Tensor",
    ),
    "a result written over the weights": (
        [calling(call("ones.out", ints(400_000_000), made="more"), keyword("out", value("p_conv_bias")))],
        "writes into another tensor",
    ),
    "the same under another name": (
        [calling(call("max.dim_max", value("x"), number(0), made="more"),
                 keyword("max", value("p_conv_bias")), keyword("max_values", value("p_conv_weight")))],
        "writes into another tensor",
    ),
    "weights overwritten through a view": (
        [call("view.default", value("p_conv_bias"), ints(2, 2), made="view"),
         call("mul_.Scalar", value("view"), number(2), made="more")],
        "changes its weights or its images",
    ),
    "pixels overwritten": (
        [call("mul_.Scalar", value("x"), number(2), made="more")], "changes its weights or its images",
    ),
    "a name for two results": (
        [call("ones.default", ints(400_000_000), ("device", CPU), made="p_conv_bias")], "twice",
    ),
    "statistics shorter than the channels": (
        [ONE, CHANNELS, call("_native_batch_norm_legit_no_training.default", value("wide"), NONE, NONE, value("one"),
                             value("one"), FLOATS, FLOATS,
                             made={"as_tensors": [{"name": "a"}, {"name": "b"}, {"name": "c"}]})],
        "one number for each channel",
    ),
    "the same by name": (
        [ONE, CHANNELS, calling(call("_native_batch_norm_legit_no_training.default",
                                     made={"as_tensors": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}),
                                keyword("input", value("wide")), keyword("weight", NONE), keyword("bias", NONE),
                                keyword("running_mean", value("one")), keyword("running_var", value("one")),
                                keyword("momentum", FLOATS), keyword("eps", FLOATS))],
        "one number for each channel",
    ),
    "statistics that training would overwrite": (
        [call("native_batch_norm.default", value("x"))], "it calls torch.ops.aten.native_batch_norm",
    ),
    "training under another name": (
        [call("dropout.default", value("x"), FLOATS, {"as_bool": True})], "training mode",
    ),
    "training after an argument by name": (
        [{**call("dropout.default"), "inputs": [
            keyword("p", FLOATS),
            {"name": "a", "arg": value("x"), "kind": 1}, {"name": "b", "arg": FLOATS, "kind": 1},
            {"name": "c", "arg": {"as_bool": True}, "kind": 1}]}],
        "training mode",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_program_is_refused_before_it_runs(how: str, tmp_path: Path) -> None:
    nodes, reason = HOSTILE[how]
    path = bomb(nodes, tmp_path)
    with pytest.raises(UserError, match=reason):
        load_model(path, "cpu")


def test_a_refused_program_has_not_touched_the_images(tmp_path: Path) -> None:
    program = Program.read(bomb(HOSTILE["pixels overwritten"][0], tmp_path))
    images = torch.full((2, *SHAPE), 0.25)
    with torch.inference_mode(), pytest.raises(UserError):
        program(images)
    assert torch.equal(images, torch.full((2, *SHAPE), 0.25))


def test_no_operation_on_the_list_writes_unseen() -> None:
    """Every overload that is taken writes nothing, or into its first argument and is checked for that."""
    taken = 0
    for name in sorted(operations._NAMES):
        for suffix in ("", "_"):
            packet = getattr(torch.ops.aten, name + suffix, None)
            for overload in packet.overloads() if packet is not None else ():
                target = f"torch.ops.aten.{name}{suffix}.{overload}"
                function = operations.find(target)
                if function is None or operations.overwrites_another(target):
                    continue
                taken += 1
                written = [argument.name for argument in function._schema.arguments if argument.is_write]
                assert written == ([function._schema.arguments[0].name] if operations.is_in_place(target) else []), (
                    target
                )
    assert taken > 400


def test_values_that_nobody_asks_for_are_dropped_at_once(tmp_path: Path) -> None:
    unused = [call("zeros.default", ints(1_000_000), ("device", CPU), made=f"u{i}") for i in range(20)]
    program = Program.read(bomb(unused, tmp_path))
    need = program._need(torch.Size((1, *SHAPE)))
    assert need.peak < 2 * 4e6 < need.total


def test_what_an_honest_network_does_in_place_is_taken(tmp_path: Path) -> None:
    def in_place(model: dict[str, Any]) -> None:
        nodes = model["graph_module"]["graph"]["nodes"]
        [relu] = [node for node in nodes if node["target"] == "torch.ops.aten.relu.default"]
        relu["target"] = "torch.ops.aten.relu_.default"

    net = Small().eval()
    program = Program.read(edit_graph(export(net, tmp_path / "net.pt2"), in_place))
    images = torch.rand(3, *SHAPE)
    torch.testing.assert_close(program(images), net(images))
