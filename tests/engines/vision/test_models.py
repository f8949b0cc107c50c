"""Models as files: what loads gives the very same answers and gradients, and what could run code is refused."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import engines.vision.jobs  # noqa: F401  (registers vision.inspect)
from engines.core import paths, weights
from engines.core.errors import UserError
from engines.core.job import run_job
from engines.core.weights import ModelCard
from engines.vision.jobs.models import InspectSpec
from engines.vision.nets.models import list_models, load_model, model_info, save_model
from engines.vision.nets.pickles import suspicious
from engines.vision.nets.program import Program
from engines.vision.nets.zoo import build
from engines.vision.own import OwnModel, add_own_model

SHAPE = (3, 12, 12)


class Attentive(nn.Module):
    """Most of what classifiers are made of, in one small network."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding="same"), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.pool = nn.MaxPool2d(2)
        self.norm = nn.LayerNorm(8)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(8, 5)
        self.register_buffer("offset", torch.rand(1, 3, 1, 1), persistent=False)
        self.factor = torch.tensor([2.0])

    def forward(self, x: Tensor) -> Tensor:
        y = self.pool(self.stem((x - self.offset) * self.factor))
        y = F.interpolate(F.adaptive_avg_pool2d(y, (2, 3)), scale_factor=2, mode="bilinear")
        y = y + F.pad(y, (1, 1, 1, 1))[:, :, 1:-1, 1:-1]
        y = self.drop(self.norm(y.flatten(2).transpose(1, 2)))
        y = y + self.attend(y, y, y, need_weights=False)[0]
        a, b = y.chunk(2, -1)
        y = torch.where(a > 0, a, 0.1 * a).repeat(1, 1, 2) + torch.cat([b, b], -1)
        y = torch.einsum("bnc,bnc->bc", y, F.gelu(y)) / y.shape[1]
        return self.head(F.normalize(y.view(x.shape[0], -1), dim=1))


class Small(nn.Module):
    """One convolution and a dense layer; `after` is applied to its answers."""

    def __init__(self, after: Callable[[Tensor], Tensor] = lambda out: out, classes: int = 5) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, classes)
        self.after = after

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.head(self.conv(x).relu().mean((2, 3))))


def export(net: nn.Module, path: Path, *, batch: int | None = None, training: bool = False) -> Path:
    """Save a network as PyTorch does; `batch` fixes the batch size."""
    dynamic = None if batch else ({0: torch.export.Dim("batch")},)
    images = torch.rand(batch or 2, *SHAPE)
    program = torch.export.export(net if training else net.eval(), (images,), dynamic_shapes=dynamic)
    torch.export.save(program, path)
    return path


def rewrite(path: Path, change: Callable[[str, bytes], bytes | None], *, deflate: bool = False) -> Path:
    """The archive with each part passed through `change` (None drops it)."""
    out = path.with_name(f"changed-{path.name}")
    how = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", how) as new:
        for entry in old.infolist():
            part = change(entry.filename.partition("/")[2], old.read(entry))
            if part is not None:
                new.writestr(entry.filename, part)
    return out


def edit_graph(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The archive with its description changed in place."""

    def part(name: str, data: bytes) -> bytes:
        if name != "models/model.json":
            return data
        model = json.loads(data)
        change(model)
        return json.dumps(model).encode()

    return rewrite(path, part)


def own(path: Path, **changes: Any) -> OwnModel:
    values = {"name": "mine", "path": str(path), "classes": tuple("abcde"), "input_shape": SHAPE, **changes}
    return add_own_model(OwnModel(**values), replace=True)


class Evil:
    """A pickle of this creates a folder when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.marker),))


# --- programs give the very same answers --------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [None, 2], ids=["any batch", "batch of 2"])
@pytest.mark.parametrize("make", [Attentive, Small])
def test_a_program_answers_and_differentiates_like_the_network(
    make: type[nn.Module], batch: int | None, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    net = make().eval()
    program = Program.read(export(net, tmp_path / "net.pt2", batch=batch))
    images = torch.rand(5, *SHAPE)
    ours, theirs = images.clone().requires_grad_(), images.clone().requires_grad_()
    torch.testing.assert_close(program(ours), net(theirs), rtol=1e-6, atol=1e-6)
    program(ours).square().sum().backward()
    net(theirs).square().sum().backward()
    assert theirs.grad is not None and theirs.grad.abs().max() > 0
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-7)


def test_a_zoo_network_survives_the_export(tmp_path: Path) -> None:
    net = build({"kind": "gcnn", "width": 0.5}, seed=3).eval()
    program = torch.export.export(net, (torch.rand(2, 1, 28, 28),), dynamic_shapes=({0: torch.export.Dim("b")},))
    torch.export.save(program, tmp_path / "gcnn.pt2")
    images = torch.rand(3, 1, 28, 28)
    model = load_model(tmp_path / "gcnn.pt2", "cpu")
    assert model.classes == tuple("0123456789")
    torch.testing.assert_close(model.logits(images), net(images), rtol=1e-5, atol=1e-5)


def test_pixels_reach_a_foreign_network_as_it_expects_them(tmp_path: Path) -> None:
    seen: list[Tensor] = []
    net = Small().eval()
    path = export(net, tmp_path / "net.pt2")
    own(path, pixel_range=(0, 255), mean=(100.0, 110.0, 120.0), std=(50.0, 60.0, 70.0))
    model = load_model("mine", "cpu")
    images = torch.rand(2, *SHAPE)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((100.0, 110.0, 120.0), (50.0, 60.0, 70.0)))
    seen.append((images * 255 - mean) / std)
    torch.testing.assert_close(model.logits(images), net(seen[0]).detach(), rtol=1e-4, atol=1e-4)
    assert model.classes == tuple("abcde")


def test_gradients_reach_the_pixels_of_an_own_model(tmp_path: Path) -> None:
    own(export(Small(), tmp_path / "net.pt2"), pixel_range=(-1, 1))
    model = load_model("mine", "cpu")
    images = torch.rand(2, *SHAPE).requires_grad_()
    model.net(images).sum().backward()
    assert images.grad is not None and float(images.grad.abs().max()) > 0


def test_probabilities_become_logits_with_the_same_softmax(tmp_path: Path) -> None:
    net = Small(lambda out: out.softmax(1))
    own(export(net, tmp_path / "net.pt2"), outputs="probabilities")
    images = torch.rand(4, *SHAPE)
    torch.testing.assert_close(load_model("mine", "cpu").logits(images).softmax(1), net(images).detach())


# --- files that could run code ------------------------------------------------------------------------------------


def test_a_pickle_that_would_run_code_is_refused_and_never_run(tmp_path: Path) -> None:
    path, marker = export(Small(), tmp_path / "net.pt2"), tmp_path / "marker"
    inputs = io.BytesIO()
    torch.save(Evil(marker), inputs)
    for evil in (inputs.getvalue(), pickle.dumps(Evil(marker), protocol=2), pickle.dumps(Evil(marker), protocol=5)):
        bad = rewrite(path, lambda name, data, evil=evil: evil if name == "data/sample_inputs/model.pt" else data)
        with pytest.raises(UserError, match=r"refused.*would run code.*(posix|nt)\.mkdir"):
            load_model(bad, "cpu")
        with pytest.raises(UserError, match="refused"):
            run_job("vision.inspect", InspectSpec(path=str(bad)))
        assert not marker.exists()
    with bad.open("rb") as stream, contextlib.suppress(RuntimeError):
        torch.export.load(stream)  # The file is as bad as it claims: PyTorch's own loader runs it.
    assert marker.exists()


def test_harmless_pickles_of_tensors_are_not_suspected() -> None:
    for value in ((torch.rand(2, 3),), {"a": nn.Linear(2, 2).state_dict()}, [torch.ones(1).half(), 3, "text"]):
        for protocol in (2, 4):
            out = io.BytesIO()
            torch.save(value, out, pickle_protocol=protocol)
            assert suspicious(out.getvalue()) == []


def test_a_pickle_that_hides_its_call_behind_its_memo_is_found() -> None:
    # "os" and "system" are fetched from the memo, in the other order than they were put there.
    stream = b"\x80\x04\x8c\x06system\x94\x8c\x02os\x940h\x01h\x00\x93\x8c\x04true\x85R."
    assert suspicious(stream) == ["os.system"]
    assert suspicious(b"not a pickle") != []


def test_weights_and_constants_stored_as_pickles_are_refused(tmp_path: Path) -> None:
    path = export(Small(), tmp_path / "net.pt2")

    def pickled(name: str, data: bytes) -> bytes:
        return data.replace(b'"use_pickle": false', b'"use_pickle": true') if name.endswith("config.json") else data

    with pytest.raises(UserError, match="stored as a pickle"):
        load_model(rewrite(path, pickled), "cpu")


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.mine.run.default",
        "torch.hub.load",
        "torch.os.system",
        "_operator.attrgetter",
        "#extension:op",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.rand.default",
        "torch.ops.aten._linalg_svd.default",
        "math.floor",
    ],
)
def test_operations_that_are_not_listed_are_refused_by_name(target: str, tmp_path: Path) -> None:
    def swap(model: dict[str, Any]) -> None:
        model["graph_module"]["graph"]["nodes"][0]["target"] = target

    bad = edit_graph(export(Small(), tmp_path / "net.pt2"), swap)
    with pytest.raises(UserError, match="refused: it calls " + target.replace(".", r"\.")):
        load_model(bad, "cpu")


@pytest.mark.parametrize("attribute", ["__setattr__", "__class__", "__getattribute__", "_op", "op"])
def test_only_overloads_of_an_operation_can_be_called(attribute: str, tmp_path: Path) -> None:
    def call(model: dict[str, Any]) -> None:
        arguments = [{"name": "a", "arg": {"as_string": "changed_by_a_file"}}, {"name": "b", "arg": {"as_int": 7}}]
        node = {"target": f"torch.ops.aten.add.{attribute}", "inputs": arguments, "outputs": [{"as_none": True}]}
        model["graph_module"]["graph"]["nodes"].insert(0, node)

    with pytest.raises(UserError, match=f"calls torch.ops.aten.add.{attribute}"):
        load_model(edit_graph(export(Small(), tmp_path / "net.pt2"), call), "cpu")
    assert not hasattr(torch.ops.aten.add, "changed_by_a_file")


@pytest.mark.parametrize(
    ("operation", "first", "second"),
    [
        ("mul", {"as_ints": [1]}, {"as_int": 1000}),
        ("mul", {"as_string": "a"}, {"as_int": 1000}),
        ("mod", {"as_string": "%s"}, {"as_int": 1}),
        ("mul", {"as_int": 1 << 40}, {"as_int": 1 << 40}),
        ("floordiv", {"as_int": 1}, {"as_int": 0}),
    ],
)
def test_arithmetic_is_of_sizes_only(operation: str, first: Any, second: Any, tmp_path: Path) -> None:
    def compute(model: dict[str, Any]) -> None:
        arguments = [{"name": "a", "arg": first}, {"name": "b", "arg": second}]
        outputs = [{"as_sym_int": {"as_name": "made"}}]
        node = {"target": f"_operator.{operation}", "inputs": arguments, "outputs": outputs}
        model["graph_module"]["graph"]["nodes"].insert(0, node)

    with pytest.raises(UserError, match="expected sizes of tensors"):
        load_model(edit_graph(export(Small(), tmp_path / "net.pt2"), compute), "cpu")


def test_expressions_and_names_in_the_file_are_never_evaluated(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    call = f"__import__('pathlib').Path({str(marker)!r}).touch()"

    def inject(model: dict[str, Any]) -> None:
        graph = model["graph_module"]["graph"]
        for meta in graph["tensor_values"].values():
            for size in meta["sizes"]:
                if "as_expr" in size:
                    size["as_expr"]["expr_str"] = call
        model["guards_code"] = [call]
        model["graph_module"]["module_call_graph"][0]["signature"]["forward_arg_names"] = [f"x={call}"]

    model = load_model(edit_graph(export(Small(), tmp_path / "net.pt2"), inject), "cpu")
    assert model.logits(torch.rand(2, *SHAPE)).shape == (2, 5)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("data/aotinductor/model/run.so", "compiled code"),
        ("extra/setup.py", "script"),
        ("data/constants/custom_obj_0", "pickled object"),
        ("data/constants/opaque_obj_0", "pickled object"),
    ],
)
def test_compiled_code_scripts_and_objects_are_refused(name: str, reason: str, tmp_path: Path) -> None:
    path = export(Small(), tmp_path / "net.pt2")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{archive.namelist()[0].split('/')[0]}/{name}", b"\x7fELF")
    with pytest.raises(UserError, match=reason):
        load_model(path, "cpu")


def test_a_pickled_module_is_refused_with_the_reason(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    torch.save(Evil(marker), tmp_path / "evil.pt")
    with pytest.raises(UserError, match="run code"):
        load_model(tmp_path / "evil.pt", "cpu")
    assert not marker.exists()


# --- damaged files ------------------------------------------------------------------------------------------------


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = export(Small(), tmp_path / "net.pt2")
    bomb = rewrite(path, lambda name, data: bytes(50 << 20) if "weight_0" in name else data, deflate=True)
    assert bomb.stat().st_size < 1 << 20
    with pytest.raises(UserError, match="refused: it unpacks to"):
        load_model(bomb, "cpu")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_says_so(share: float, tmp_path: Path) -> None:
    path = export(Small(), tmp_path / "net.pt2")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(UserError, match="cut off"):
        load_model(path, "cpu")


def test_flipped_bytes_end_in_a_user_error_or_in_finite_answers(tmp_path: Path) -> None:
    path = export(Small(), tmp_path / "net.pt2")
    data, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(60):
        changed = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            changed[place] = rng.integers(0, 256)
        path.write_bytes(changed)
        try:
            model = load_model(path, "cpu")
        except UserError:
            continue
        assert torch.isfinite(model.logits(torch.rand(1, *SHAPE))).all()


def _drop_nodes(model: dict[str, Any]) -> None:
    model["graph_module"]["graph"]["nodes"].pop(0)


def _oversize(model: dict[str, Any]) -> None:
    model["graph_module"]["graph"]["tensor_values"]["x"]["dtype"] = 5


def _other_schema(model: dict[str, Any]) -> None:
    model["schema_version"]["major"] = 99


def _unknown_argument(model: dict[str, Any]) -> None:
    model["graph_module"]["graph"]["nodes"][0]["inputs"][0]["arg"] = {"as_graph": {"name": "g", "graph": {}}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_drop_nodes, "before it computes it"),
        (_oversize, "expected real numbers"),
        (_other_schema, "version 99"),
        (_unknown_argument, "given more than numbers"),
        (lambda model: model.pop("graph_module"), "cannot be understood"),
        (lambda model: model["graph_module"]["signature"]["input_specs"].clear(), "takes 0 inputs"),
        (lambda model: model["graph_module"]["signature"]["output_specs"].clear(), "answers with 0 tensors"),
    ],
)
def test_a_description_that_makes_no_sense_is_a_user_error(
    change: Callable[[dict[str, Any]], None], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=reason):
        load_model(edit_graph(export(Small(), tmp_path / "net.pt2"), change), "cpu")


def test_weights_larger_than_what_is_stored_are_refused(tmp_path: Path) -> None:
    path = export(Small(), tmp_path / "net.pt2")
    short = rewrite(path, lambda name, data: data[:-8] if name == "data/weights/weight_0" else data)
    with pytest.raises(UserError, match="larger than what is stored"):
        load_model(short, "cpu")


@pytest.mark.parametrize("size", [1500 * 10**6, 10**15, 10**30])
def test_few_bytes_viewed_as_a_huge_tensor_are_refused_before_it_is_made(size: int, tmp_path: Path) -> None:
    def stretched(name: str, data: bytes) -> bytes:
        if name != "data/weights/model_weights_config.json":
            return data
        config = json.loads(data)
        meta = next(iter(config["config"].values()))["tensor_meta"]
        meta["sizes"], meta["strides"] = [{"as_int": size}], [{"as_int": 0}]
        return json.dumps(config).encode()

    with pytest.raises(UserError, match="refused: its tensors need more than"):
        load_model(rewrite(export(Small(), tmp_path / "net.pt2"), stretched), "cpu")


def test_encrypted_and_packed_parts_are_user_errors(tmp_path: Path) -> None:
    path = export(Small(), tmp_path / "net.pt2")
    locked = bytearray(path.read_bytes())
    entry = locked.find(b"PK\x01\x02")
    while entry >= 0:  # the flag "encrypted" of every part
        locked[entry + 8] |= 1
        entry = locked.find(b"PK\x01\x02", entry + 4)
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr("archive/data.pkl", os.urandom(300) + bytes(500))
    broken = bytearray(body.getvalue())
    broken[60:90] = bytes(b ^ 0xFF for b in broken[60:90])
    packed = rewrite(path, lambda name, data: bytes(broken) if name.endswith(".pt") else data)
    path.write_bytes(locked)
    for bad, reason in ((path, "encrypted"), (packed, "packed part")):
        with pytest.raises(UserError, match=reason):
            load_model(bad, "cpu")


# --- networks that are no use -------------------------------------------------------------------------------------


class Blocked(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            y = x.flatten(1)[:, :5] * 2
        return y + 0


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (Small(lambda out: out / 0.0 * 0.0), "NaN or infinity"),
        (Small(lambda out: out.round()), "do not depend on the pixels|gradient"),
        (Small(lambda out: out.argmax(1, keepdim=True).float()), "no gradient flows"),
        (Small(lambda out: out * 0 + 1), "do not depend on the pixels"),
        (Small(lambda out: out[:, :, None]), "one row of class scores"),
        (Small(lambda out: out - out.mean(0, keepdim=True)), "others are in its batch"),
        (Small(lambda out: (out, out)), "answers with 2 tensors"),  # type: ignore[arg-type,return-value]
        (Blocked(), "gradients could not flow"),
    ],
    ids=["nan", "rounded", "argmax", "constant", "shape", "mixing", "two answers", "no_grad"],
)
def test_networks_that_attacks_cannot_use_are_refused(net: nn.Module, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=reason):
        load_model(export(net, tmp_path / "net.pt2"), "cpu")


def test_an_export_in_training_mode_is_refused(tmp_path: Path) -> None:
    for net in (nn.Sequential(nn.Dropout(), nn.Flatten()), nn.Sequential(nn.BatchNorm2d(3), nn.Flatten())):
        with pytest.raises(UserError, match=r"training mode.*eval\(\)"):
            load_model(export(net, tmp_path / "net.pt2", training=True), "cpu")


def test_wrong_class_counts_and_shapes_are_named(tmp_path: Path) -> None:
    path = export(Small(), tmp_path / "net.pt2")
    own(path, classes=("a", "b"))
    with pytest.raises(UserError, match="answers with 5 numbers an image, but has 2 class names"):
        load_model("mine", "cpu")
    own(path, input_shape=(1, 12, 12))
    with pytest.raises(UserError, match="exported for 3 colours, got 1"):
        load_model("mine", "cpu")
    own(path)
    with pytest.raises(UserError, match=r"takes images \[3, 12, 12\], got \[3, 9, 9\]"):
        load_model("mine", "cpu").logits(torch.rand(1, 3, 9, 9))
    path.unlink()
    with pytest.raises(UserError, match="is gone"):
        load_model("mine", "cpu")
    assert model_info("mine").problem == "its file is gone"


# --- weights of the zoo -------------------------------------------------------------------------------------------


def test_a_saved_network_comes_back_exactly_and_is_listed(tmp_path: Path) -> None:
    net = build({"kind": "stdcnn", "mean": 0.1307, "std": 0.3081}, seed=1).eval()
    card = save_model(paths.user_weights_folder() / "my-std", net, ModelCard("x", title="Mine", metrics={"clean": 0.9}))
    assert card.topic == "vision" and card.classes == tuple("0123456789")
    model = load_model("my-std", "cpu")
    images = torch.rand(3, 1, 28, 28)
    kept = model.net.state_dict()
    assert all(torch.equal(kept[key], tensor) for key, tensor in net.state_dict().items())
    torch.testing.assert_close(model.logits(images), net(images), atol=1e-5, rtol=1e-5)  # another order of memory
    assert not any(p.requires_grad for p in model.net.parameters()) and not model.net.training
    info = model_info("my-std")
    assert (info.title, info.kind, info.input_shape, info.is_own) == ("Mine", "stdcnn", (1, 28, 28), False)
    assert info.metrics == {"clean": 0.9} and info.parameters == card.parameters
    assert "my-std" not in [m.name for m in list_models((3, 32, 32))]
    assert "my-std" in [m.name for m in list_models((1, 28, 28))]


def test_bare_weights_need_an_architecture_and_get_their_preprocessing(tmp_path: Path) -> None:
    net = build({"kind": "stdcnn"}, seed=2).eval()
    path = tmp_path / "bare.pth"
    torch.save(net.body.state_dict(), path)
    with pytest.raises(UserError, match="does not say which architecture"):
        load_model(path, "cpu")
    with pytest.raises(UserError, match="which architecture"):
        add_own_model(OwnModel("bare", str(path), tuple("0123456789"), (1, 28, 28)))
    architecture = {"kind": "stdcnn", "input_shape": [1, 28, 28]}
    add_own_model(
        OwnModel(
            "bare", str(path), tuple("abcdefghij"), (1, 28, 28), mean=(0.5,), std=(0.25,), architecture=architecture
        )
    )
    images = torch.rand(2, 1, 28, 28)
    expected = net.body((images - 0.5) / 0.25)
    torch.testing.assert_close(load_model("bare", "cpu").logits(images), expected.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("architecture", "reason"),
    [
        ({"kind": "stdcnn", "width": 2.0}, r"is \[10, .* expected \[20, "),
        ({"kind": "mlp"}, "does not fit a mlp: it lacks"),
        ({"kind": "nothing"}, "no architecture"),
    ],
)
def test_weights_of_another_architecture_are_named(architecture: dict[str, Any], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "bare.pth"
    torch.save(build({"kind": "stdcnn"}, seed=2).state_dict(), path)
    add_own_model(OwnModel("bare", str(path), tuple("0123456789"), (1, 28, 28), architecture=architecture))
    with pytest.raises(UserError, match=reason):
        load_model("bare", "cpu")


def test_weights_with_nan_are_refused(tmp_path: Path) -> None:
    net = build({"kind": "stdcnn"}, seed=2)
    with torch.no_grad():
        next(net.parameters())[0] = float("nan")
    save_model(tmp_path / "nan", net, ModelCard("nan"))
    with pytest.raises(UserError, match="NaN"):
        load_model(tmp_path / "nan.safetensors", "cpu")


def test_listing_models_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from engines.vision.nets.models import list_models; from engines.vision import own, images; "
        "list_models(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_unknown_names_are_user_errors() -> None:
    with pytest.raises(UserError, match="no weights called"):
        load_model("nobody-has-this", "cpu")
    with pytest.raises(UserError, match="no model called"):
        model_info("nobody-has-this")


# --- vision.inspect -----------------------------------------------------------------------------------------------


def test_inspecting_a_program_tells_what_the_dialog_asks(tmp_path: Path) -> None:
    path = export(Small(lambda out: out.softmax(1)), tmp_path / "net.pt2", batch=3)
    found = run_job("vision.inspect", InspectSpec(path=str(path)))
    assert found.is_program and found.input_shape.tolist() == list(SHAPE) and found.classes == 5
    assert found.outputs == "probabilities" and found.fixed_batch == 3 and found.gradient > 0
    assert "batches of exactly 3" in found.notes[0] and "sum to one" in found.notes[1]
    assert found.to_tables()["model"]["classes"][0] == 5


def test_inspecting_a_program_of_any_size_asks_for_one(tmp_path: Path) -> None:
    side = torch.export.Dim("side", min=8)
    program = torch.export.export(
        Small().eval(), (torch.rand(2, *SHAPE),), dynamic_shapes=({0: torch.export.Dim("b"), 2: side, 3: side},)
    )
    torch.export.save(program, tmp_path / "net.pt2")
    found = run_job("vision.inspect", InspectSpec(path=str(tmp_path / "net.pt2")))
    assert found.input_shape.tolist() == [3, 0, 0] and "say which one" in found.notes[0]
    sized = run_job("vision.inspect", InspectSpec(path=str(tmp_path / "net.pt2"), height=16, width=16))
    assert sized.input_shape.tolist() == [3, 16, 16] and sized.classes == 5


def test_inspecting_weights_finds_their_architecture(tmp_path: Path) -> None:
    net = build({"kind": "gcnn", "width": 0.5, "classes": 7}, seed=2)
    torch.save(net.state_dict(), tmp_path / "w.pth")
    found = run_job("vision.inspect", InspectSpec(path=str(tmp_path / "w.pth")))
    assert (found.architecture_kind, found.classes) == ("gcnn", 7)
    assert found.architecture == {"kind": "gcnn", "input_shape": [1, 28, 28], "width": 0.5, "classes": 7}
    assert build(found.architecture).load_state_dict(net.state_dict())
    assert not found.is_program and found.parameters == sum(p.numel() for p in net.parameters())
    torch.save({"a": torch.ones(3)}, tmp_path / "w.pth")
    with pytest.raises(UserError, match="fits none"):
        run_job("vision.inspect", InspectSpec(path=str(tmp_path / "w.pth")))
    for bad in ("", str(tmp_path / "none.pt2"), str(Path(__file__))):
        with pytest.raises(UserError):
            run_job("vision.inspect", InspectSpec(path=bad))


def test_a_card_whose_class_names_do_not_match_is_refused(tmp_path: Path) -> None:
    net = build({"kind": "stdcnn"}, seed=1)
    card = ModelCard("x", architecture=net.architecture, classes=("a", "b"), topic="vision")
    weights.save_weights(tmp_path / "x", net.state_dict(), card)
    with pytest.raises(UserError, match="10 outputs, but its card names 2 classes"):
        load_model(tmp_path / "x.safetensors", "cpu")
