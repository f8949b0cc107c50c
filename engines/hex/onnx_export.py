"""A Hex network as an ONNX file, for programs that know no torch.

The graph is written node by node from the network's layers and not traced: that needs the small package `onnx` alone,
takes milliseconds, and keeps the batch and, with pooled heads, the board's side open. What the two definitions of the
network must agree on is checked for every file before it is written: ONNX's own reference evaluator against torch, on
positions of several sizes.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines.core import atomic
from engines.core.errors import UserError
from engines.hex.results import ExportResult

if TYPE_CHECKING:
    from engines.core.weights import ModelCard
    from engines.hex.nets import HexNet

OPSET: Final = 18
IR_VERSION: Final = 8
"""The oldest file format that has opset 18: runtimes since 2022 read it."""
TOLERANCE: Final = 1e-4
"""Largest difference to torch that a file may show, on outputs of about unit size."""
CHECKED_SIZES: Final = (3, 5, 8, 11)
_FLOAT: Final = 1
"""onnx.TensorProto.FLOAT, which is known only where onnx is."""
_POSITIONS: Final = 3
"""Positions of each size that are compared."""


def nothing() -> None:
    """The check of a caller who never cancels."""


def why_missing() -> str:
    """What to install where ONNX files cannot be written, or ""."""
    if importlib.util.find_spec("onnx") is not None:
        return ""
    return "install the extra “onnx”: pip install 'paper-workbench[onnx]'"


def export_onnx(weights: str | Path, path: Path, check: Callable[[], None] = nothing) -> ExportResult:
    """Write shipped weights (by name) or a .safetensors file of a Hex network as ONNX to `path` (.onnx is added).

    check: called between the sizes that are compared, may raise to stop; nothing is then written.
    Raises UserError where onnx is missing, the weights are not a Hex network's, or the file cannot be written.
    """
    from engines.core.weights import load_weights
    from engines.hex.evaluator import build

    if why_missing():
        raise UserError("ONNX files are written with the package onnx, which is not installed", why_missing())
    path = path if path.suffix == ".onnx" else path.with_name(path.name + ".onnx")
    tensors, card = load_weights(weights)
    net = build(dict(card.architecture), tensors).float().eval()
    model = to_onnx(net, card)
    sizes = CHECKED_SIZES if net.config.head_kind == "pooled" else (net.config.size,)
    difference = 0.0
    for size in sizes:
        check()
        difference = max(difference, largest_difference(model, net, size))
    if not difference <= TOLERANCE:
        raise RuntimeError(f"the ONNX graph differs from the network by {difference:.3g}")
    check()
    data = model.SerializeToString()
    try:
        atomic.write_bytes(path, data)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}", "choose another folder") from None
    return ExportResult(str(path), card.name, OPSET, len(data), sizes, difference)


def to_onnx(net: HexNet, card: ModelCard) -> Any:
    """The network in evaluation mode as an onnx.ModelProto.

    Input "planes" as `nets.encode` makes them; outputs "policy_logits", "value" and, with three heads, "q", as
    `nets.Output` says. The card and what inputs and outputs mean are the file's metadata.
    """
    from onnx import TensorProto, helper

    from engines import __version__

    config = net.config
    graph = _Graph({name: tensor.detach().cpu().float().numpy() for name, tensor in net.state_dict().items()})
    outputs = _heads(graph, net, _trunk(graph, net))
    graph.assert_complete()
    side = config.size + 2 if config.head_kind == "fc" else "side"
    cells = config.size**2 if config.head_kind == "fc" else "cells"
    about = describe(canonical=config.canonical, has_q=net.has_q)

    def value_info(name: str, shape: list[int | str]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape, doc_string=about[name])

    made = helper.make_graph(
        graph.nodes,
        "hex_network",
        [value_info("planes", ["batch", 3 if config.canonical else 4, side, side])],
        [value_info(name, ["batch"] if name == "value" else ["batch", cells]) for name in outputs],
        graph.initializers,
        doc_string=f"{card.title or card.name}: a network for Hex",
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="paper-workbench",
        producer_version=__version__,
        doc_string="\n".join(f"{name}: {text}" for name, text in about.items()),
    )
    board = str(config.size) if config.head_kind == "fc" else "any"
    helper.set_model_props(
        model, {"card": json.dumps(card.to_json()), "board_size": board, **{f"io.{k}": v for k, v in about.items()}}
    )
    return model


def describe(*, canonical: bool, has_q: bool) -> dict[str, str]:
    """What goes in and what comes out, by name, for whoever finds only the file."""
    own = "1: the mover's stones; 2: the rival's stones; 3: empty cells; seen so that the mover joins top and bottom, "
    own += "White's boards transposed (rows become columns)"
    absolute = "1: Black's stones (Black joins top and bottom); 2: White's stones; 3: empty cells; "
    absolute += "4: all ones, border included, if White is to move, else zeros"
    mine, other = ("mover's", "rival's") if canonical else ("Black's", "White's")
    about = {
        "planes": "float32 [batch, planes, n + 2, n + 2], n × n boards with a border of one cell. Planes "
        f"{own if canonical else absolute}. The border's top and bottom rows, corners included, are 1 in the {mine} "
        f"plane; its left and right columns, without corners, are 1 in the {other} plane; all else there is 0.",
        "policy_logits": "float32 [batch, n * n], row-major in the view of the planes; take the softmax over empty "
        "cells only.",
        "value": "float32 [batch] in [-1, 1], the expected result for the player to move.",
        "q": "float32 [batch, n * n] in [-1, 1], row-major in the view of the planes: the value of the position after "
        "the move, for the player then to move. A move is worth -q to whoever makes it. Of no meaning on stones.",
    }
    return about if has_q else {name: text for name, text in about.items() if name != "q"}


def largest_difference(model: Any, net: HexNet, size: int, seed: int = 0) -> float:
    """The largest difference of any output between onnx's reference evaluator and torch, on random positions."""
    import torch
    from onnx.reference import ReferenceEvaluator

    from engines.hex.nets import encode

    rng = np.random.default_rng([seed, size])
    cells = rng.choice(np.array([0, 0, 1, 2], np.int8), size=(_POSITIONS, size, size))
    to_move = torch.arange(_POSITIONS, dtype=torch.int8) % 2 + 1
    planes, _ = encode(torch.from_numpy(cells), to_move, canonical=net.config.canonical)
    with torch.inference_mode():
        out = net(planes)
    wanted = [out.logits, out.value] if out.q is None else [out.logits, out.value, out.q]
    found = ReferenceEvaluator(model).run(None, {"planes": planes.numpy()})
    return max(float(np.abs(ours - theirs.numpy()).max()) for ours, theirs in zip(found, wanted, strict=True))


@dataclass
class _Graph:
    """Nodes in the order of their computation. tensors: the network's, by name; each becomes an initialiser."""

    tensors: dict[str, np.ndarray]
    nodes: list[Any] = field(default_factory=list)
    initializers: list[Any] = field(default_factory=list)
    _used: set[str] = field(default_factory=set)

    def op(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node with one output, called `output` or numbered; returns the output's name."""
        from onnx import helper

        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def tensor(self, name: str) -> str:
        """One of the network's tensors."""
        self._used.add(name)
        return self.constant(name, self.tensors[name])

    def constant(self, name: str, value: np.ndarray) -> str:
        from onnx import numpy_helper

        if all(known.name != name for known in self.initializers):
            self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def whole(self, *values: int) -> str:
        """An int64 vector."""
        return self.constant("ints_" + "_".join(map(str, values)).replace("-", "m"), np.array(values, np.int64))

    def real(self, value: float) -> str:
        """A float32 number."""
        return self.constant(f"real_{value:g}", np.array(value, np.float32))

    def conv(self, x: str, name: str, *, pad: int = 0, bias: bool = False) -> str:
        weights = [self.tensor(f"{name}.weight"), *([self.tensor(f"{name}.bias")] if bias else [])]
        return self.op("Conv", x, *weights, pads=[pad] * 4)

    def norm(self, x: str, name: str, epsilon: float) -> str:
        parts = [self.tensor(f"{name}.{part}") for part in ("weight", "bias", "running_mean", "running_var")]
        return self.op("BatchNormalization", x, *parts, epsilon=epsilon)

    def linear(self, x: str, name: str) -> str:
        return self.op("Gemm", x, self.tensor(f"{name}.weight"), self.tensor(f"{name}.bias"), transB=1)

    def assert_complete(self) -> None:
        """A tensor that no node uses means that the network has learnt something this module has not."""
        left = {name for name in self.tensors if not name.endswith("num_batches_tracked")} - self._used
        if left:
            raise RuntimeError(f"the ONNX graph leaves out {', '.join(sorted(left))}")


def _trunk(graph: _Graph, net: HexNet) -> str:
    """`HexNet.forward` up to its heads: [batch, channels, n, n]."""
    x = graph.conv("planes", "stem")
    for k, block in enumerate(net.blocks):
        y = x
        for part, norm in ((1, block.bn1), (2, block.bn2)):
            y = graph.op("Relu", graph.norm(y, f"blocks.{k}.bn{part}", norm.eps))  # type: ignore[arg-type, union-attr]
            y = graph.conv(y, f"blocks.{k}.conv{part}", pad=1)
        x = graph.op("Add", x, y)
    return graph.op("Relu", graph.norm(x, "last_bn", net.last_bn.eps))


def _heads(graph: _Graph, net: HexNet, x: str) -> list[str]:
    """Policy, value and, with three heads, q. Returns the outputs' names in order."""
    flat = graph.whole(0, -1)  # 0 keeps the batch
    graph.op("Reshape", graph.conv(x, "policy", bias=True), flat, output="policy_logits")
    shared = graph.conv(x, "shared", bias=True)
    h = graph.op("Reshape", shared, flat)  # [batch, cells]
    last = h if net.config.head_kind == "fc" else graph.op("Relu", graph.linear(_pool(graph, x, shared, h), "pool_fc"))
    value = graph.op("Tanh", graph.linear(last, "value_fc"))  # [batch, 1]
    graph.op("Squeeze", value, graph.whole(1), output="value")
    if not net.has_q:
        return ["policy_logits", "value"]
    q = graph.linear(h, "q_fc") if net.config.head_kind == "fc" else graph.op("Add", h, graph.linear(last, "q_shift"))
    graph.op("Tanh", q, output="q")
    return ["policy_logits", "value", "q"]


def _pool(graph: _Graph, x: str, shared: str, h: str) -> str:
    """Mean, maximum and size-scaled mean of the maps and of the shared one: [batch, 3 (channels + 1)]."""
    maps = graph.op("Reshape", graph.op("Concat", x, shared, axis=1), graph.whole(0, 0, -1))
    mean = graph.op("ReduceMean", maps, graph.whole(2), keepdims=0)
    top = graph.op("ReduceMax", maps, graph.whole(2), keepdims=0)
    cells = graph.op("Cast", graph.op("Shape", h, start=1, end=2), to=_FLOAT)
    scale = graph.op("Div", graph.op("Sub", graph.op("Sqrt", cells), graph.real(10)), graph.real(10))
    return graph.op("Concat", mean, top, graph.op("Mul", mean, scale), axis=1)
