"""Networks as ONNX files: what another program gets is what our network says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, run_job
from engines.core.weights import ModelCard, save_weights
from engines.hex import onnx_export
from engines.hex.evaluator import Evaluator
from engines.hex.nets import HexNet, NetConfig, encode
from engines.hex.onnx_export import describe, export_onnx, largest_difference, to_onnx
from engines.hex.results import ExportResult
from engines.hex.spec import ExportSpec

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")

POOLED = NetConfig(blocks=2, channels=6)
CONFIGS = {
    "pooled": POOLED,
    "two heads": NetConfig(blocks=1, channels=5, heads="two"),
    "absolute colours": NetConfig(blocks=1, channels=4, canonical=False),
    "fc": NetConfig(blocks=1, channels=4, head_kind="fc", size=5),
    "fc, two heads": NetConfig(blocks=1, channels=4, head_kind="fc", size=4, heads="two", canonical=False),
}


def network(config: NetConfig) -> HexNet:
    """Random weights, and batch norms that have seen something."""
    torch.manual_seed(3)
    net = HexNet(config)
    net.train()
    cells = torch.randint(0, 3, (16, config.size or 5, config.size or 5), dtype=torch.int8)
    net(encode(cells, torch.ones(16, dtype=torch.int8), canonical=config.canonical)[0])
    return net.eval()


def saved(folder: Path, config: NetConfig = POOLED) -> Path:
    net, path = network(config), folder / "tiny.safetensors"
    card = ModelCard(name="tiny", topic="hex", title="Tiny", architecture={"kind": "hex", **config.as_dict()})
    save_weights(path, dict(net.state_dict()), card)
    return path


def run(path: Path, planes: np.ndarray) -> list[np.ndarray]:
    """The file in the runtime that most programs use."""
    runtime = pytest.importorskip("onnxruntime", reason="a second runtime to compare with")
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return session.run(None, {"planes": planes})


@pytest.mark.parametrize("name", CONFIGS)
def test_every_kind_of_network_is_the_same_in_onnx(name: str) -> None:
    config = CONFIGS[name]
    net = network(config)
    model = to_onnx(net, ModelCard(name="tiny"))
    onnx.checker.check_model(model, full_check=True)
    assert [output.name for output in model.graph.output] == ["policy_logits", "value", "q"][: 3 if net.has_q else 2]
    for size in [config.size] if config.size else [2, 3, 6, 9, 13]:
        assert largest_difference(model, net, size) < 1e-5


@pytest.mark.parametrize("name", CONFIGS)
def test_another_runtime_says_the_same_at_any_batch_and_size(name: str, tmp_path: Path) -> None:
    config = CONFIGS[name]
    path = Path(export_onnx(saved(tmp_path, config), tmp_path / "tiny").path)
    net = network(config)
    for batch, size in [(1, config.size), (7, config.size)] if config.size else [(1, 3), (5, 5), (2, 11), (3, 19)]:
        planes = torch.rand(batch, 3 if config.canonical else 4, size + 2, size + 2)
        with torch.inference_mode():
            out = net(planes)
        wanted = [out.logits, out.value] if out.q is None else [out.logits, out.value, out.q]
        found = run(path, planes.numpy())
        assert [ours.shape for ours in found] == [tuple(theirs.shape) for theirs in wanted]
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)


def test_planes_painted_by_the_files_own_words_give_the_engines_evaluation(tmp_path: Path) -> None:
    """What a stranger would write who has only `io.planes` to go by."""
    path = Path(export_onnx(saved(tmp_path), tmp_path / "tiny.onnx").path)
    evaluator = Evaluator(network(POOLED))
    n, rng = 5, np.random.default_rng(0)
    for to_move in (1, 2):
        cells = rng.choice(np.array([0, 0, 1, 2], np.int8), size=(n, n))
        board = cells.T if to_move == 2 else cells
        planes = np.zeros((1, 3, n + 2, n + 2), np.float32)
        planes[0, 0, 1:-1, 1:-1], planes[0, 1, 1:-1, 1:-1] = board == to_move, board == 3 - to_move
        planes[0, 2, 1:-1, 1:-1] = board == 0
        planes[0, 0, 0], planes[0, 0, -1], planes[0, 1, 1:-1, 0], planes[0, 1, 1:-1, -1] = 1, 1, 1, 1
        logits, value, q = run(path, planes)
        seen = evaluator.evaluate(cells[None], np.array([to_move], np.int8))
        free = board.ravel() == 0
        prior = np.where(free, np.exp(logits[0] - logits[0].max()), 0)
        prior = (prior / prior.sum()).reshape(n, n)
        turned = q[0].reshape(n, n)
        if to_move == 2:
            prior, turned = prior.T, turned.T
        np.testing.assert_allclose(prior.ravel(), seen.prior[0], atol=1e-4)
        np.testing.assert_allclose(value, seen.value, atol=1e-4)
        assert seen.q is not None
        empty = cells.ravel() == 0
        np.testing.assert_allclose(turned.ravel()[empty], seen.q[0][empty], atol=1e-4)


def test_the_file_explains_itself(tmp_path: Path) -> None:
    model = onnx.load(export_onnx(saved(tmp_path), tmp_path / "tiny.onnx").path)
    said = {prop.key: prop.value for prop in model.metadata_props}
    assert ModelCard.from_json(json.loads(said["card"]), "tiny.onnx").title == "Tiny"
    assert said["board_size"] == "any"
    assert said["io.q"] == describe(canonical=True, has_q=True)["q"] == model.graph.output[2].doc_string
    shape = [dim.dim_param or dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    assert shape == ["batch", 3, "side", "side"]
    tied = onnx.load(export_onnx(saved(tmp_path, CONFIGS["fc"]), tmp_path / "fc.onnx").path)
    assert [dim.dim_value for dim in tied.graph.input[0].type.tensor_type.shape.dim][1:] == [3, 7, 7]
    assert {prop.key: prop.value for prop in tied.metadata_props}["board_size"] == "5"


def test_the_job_writes_where_it_is_told_or_into_its_runs_folder(tmp_path: Path) -> None:
    weights = str(saved(tmp_path))
    result = run_job("hex.export", ExportSpec(weights=weights, to=str(tmp_path / "out" / "net")))
    assert isinstance(result, ExportResult)
    assert Path(result.path) == tmp_path / "out" / "net.onnx"
    assert result.bytes == Path(result.path).stat().st_size
    assert result.sizes == onnx_export.CHECKED_SIZES
    assert result.difference < 1e-4
    kept = run_job("hex.export", ExportSpec(weights=weights), LocalContext(folder=tmp_path / "run"))
    assert Path(kept.path) == tmp_path / "run" / "tiny.onnx"
    with pytest.raises(UserError, match="file to write"):
        run_job("hex.export", ExportSpec(weights=weights))


def test_what_stands_in_the_way_is_said_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, to = saved(tmp_path), tmp_path / "net.onnx"
    with pytest.raises(UserError, match="no weights"):
        run_job("hex.export", ExportSpec(weights="nothing", to=str(to)))
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        export_onnx(weights, tmp_path / "file" / "net.onnx")
    other = tmp_path / "other.safetensors"
    save_weights(other, {"w": torch.zeros(3)}, ModelCard(name="other"))
    with pytest.raises(UserError, match="not of a Hex network"):
        export_onnx(other, to)
    ctx = LocalContext()
    ctx.cancel()
    with pytest.raises(Cancelled):
        export_onnx(weights, to, ctx.check)
    monkeypatch.setattr(onnx_export, "TOLERANCE", 0.0)
    monkeypatch.setattr(onnx_export, "largest_difference", lambda *_: 0.5)
    with pytest.raises(RuntimeError, match="differs"):
        export_onnx(weights, to)
    assert not to.exists()


def test_a_network_with_a_layer_unknown_here_is_not_written_without_it() -> None:
    net = network(POOLED)
    net.extra = torch.nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match=r"leaves out extra\.bias, extra\.weight"):
        to_onnx(net, ModelCard(name="tiny"))


def test_without_onnx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    with pytest.raises(UserError, match=r"paper-workbench\[onnx\]"):
        export_onnx(saved(tmp_path), tmp_path / "net.onnx")
