"""The trainer: it learns, goes on where it was stopped, and its jobs write weights that load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, run_job
from engines.piano.codec import encode
from engines.piano.crops import Crops
from engines.piano.muon import Muon, orthogonal
from engines.piano.nets.transformer import StyleConfig, build
from engines.piano.notes import Notes
from engines.piano.results import TrainResult, TrainSnapshot
from engines.piano.spec import TrainSpec
from engines.piano.training import Settings, Trainer, held_out_nll, nll_of_crops

SMALL: dict[str, Any] = {
    "d": 16, "heads": 2, "key_channels": 16, "ffn": 32, "layers_enc": 1, "layers_dec": 1, "R": 16, "length": 32,
    "melody_length": 16,
}  # fmt: skip
CPU = torch.device("cpu")


def walk(seed: int, seconds: int = 40) -> Notes:
    """Four notes a second, going up and down a scale from a key of its own."""
    rng = np.random.default_rng(seed)
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16])
    start = np.arange(seconds * 4) / 4
    at = np.abs((np.arange(len(start)) + rng.integers(18)) % 18 - 9)
    pitch = scale[at] + rng.integers(45, 60)
    return Notes(start, start + 0.2, pitch.astype(np.int16), np.full(len(start), 64, np.int16))


def crops(first: int, count: int) -> Crops:
    pieces = [walk(seed) for seed in range(first, first + count)]
    return Crops([encode(p) for p in pieces], pieces, 32, 16)


def trainer(mode: str = "melody+performance", **settings: Any) -> Trainer:
    net = build(StyleConfig(**{**SMALL, "mode": mode, "dropout": 0.1}), seed=0)
    usual = {"steps": 30, "batch": 4, "rate": 1e-2, "warm_up": 5, "measure_every": 10, "held_out": 6}
    return Trainer(net, crops(0, 6), crops(100, 3), Settings(**{**usual, **settings}), CPU)


@pytest.mark.parametrize("optimiser", ["adam", "muon"])
def test_the_loss_falls_and_the_rate_ends_at_zero(optimiser: str) -> None:
    t = trainer(steps=60, optimiser=optimiser, perturbation="paper")
    while not t.is_over:
        t.step()
    held_out = t.history["held_out"]
    assert t.history["step"] == [10, 20, 30, 40, 50, 60]
    assert held_out[-1] < held_out[0] - 0.5 and held_out[0] < 6
    assert t.tokens == 60 * 4 * 32 and t.share == 1
    assert t.history["rate"][-1] < 1e-2 / 20
    assert np.isfinite(t.history["other_style"]).all()


@pytest.mark.parametrize("optimiser", ["adam", "muon"])
def test_a_training_that_was_stopped_goes_on_to_the_bit(optimiser: str) -> None:
    whole, first = trainer(steps=14, optimiser=optimiser), trainer(steps=14, optimiser=optimiser)
    while not whole.is_over:
        whole.step()
    for _ in range(8):
        first.step()
    second = trainer(steps=14, optimiser=optimiser)
    second.restore(first.state())
    while not second.is_over:
        second.step()
    for name, tensor in whole.tensors().items():
        assert torch.equal(tensor, second.tensors()[name]), name
    assert whole.losses == second.losses
    for curve in whole.history.keys() - {"seconds"}:
        assert whole.history[curve] == second.history[curve], curve


def test_minutes_end_a_training() -> None:
    t = trainer(steps=10_000, minutes=1e-3)
    while not t.is_over:
        t.step()
    assert t.steps_done < 10_000 and t.seconds >= 0.06
    assert len(t.history["step"]) >= 1 and t.history["step"][-1] == t.steps_done


def test_nll_of_crops_is_the_mean_that_the_loss_is() -> None:
    t = trainer()
    batch = crops(50, 4).fixed(7, 0)
    nats, tokens = nll_of_crops(t.net, batch, CPU)
    assert nats.shape == (7,) and tokens.tolist() == [32] * 7
    assert held_out_nll(t.net, batch, CPU) == pytest.approx(float(nats.sum() / tokens.sum()))
    one, _ = nll_of_crops(t.net, batch.rows(slice(4, 5)), CPU)
    assert one[0] == pytest.approx(nats[4], rel=1e-5)


def test_padding_counts_nowhere() -> None:
    t = trainer("performance")
    text = encode(walk(3))[:20]
    batch = Crops([text], [Notes.empty()], 32, 16).fixed(1, 0)
    nats, tokens = nll_of_crops(t.net, batch, CPU)
    assert tokens.tolist() == [20]
    with torch.no_grad():
        row = torch.as_tensor(text, dtype=torch.int64)[None]
        logits = t.net(row, row)
        wanted = -logits.log_softmax(-1).gather(2, row[..., None]).sum()
    assert nats[0] == pytest.approx(float(wanted), rel=1e-4)


def test_orthogonal_keeps_directions_and_evens_singular_values() -> None:
    for shape in ((3, 8, 8), (2, 6, 20), (2, 20, 6)):
        x = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
        got = orthogonal(x)
        u, _, v = torch.linalg.svd(x, full_matrices=False)
        values = torch.linalg.svdvals(got)
        assert float(values.min()) > 0.5 and float(values.max()) < 1.3
        along = (u.mT @ got @ v.mT).diagonal(dim1=1, dim2=2)
        assert torch.allclose(along.sort(descending=True).values, values, atol=1e-3)


def test_muon_moves_matrices_as_far_as_adam_would() -> None:
    p = torch.nn.Parameter(torch.zeros(12, 30))
    optimiser = Muon([p], lr=0.1)
    p.grad = torch.randn(12, 30, generator=torch.Generator().manual_seed(0))
    optimiser.step()
    assert float(p.detach().pow(2).mean().sqrt()) == pytest.approx(0.1 * 0.2, rel=0.35)
    with pytest.raises(ValueError, match="matrices"):
        Muon([torch.nn.Parameter(torch.zeros(3))])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of MIDI files."""
    from engines.piano.midi import write_midi

    for seed in range(5):
        write_midi(tmp_path / "music" / f"{seed}.mid", walk(seed))
    return tmp_path / "music"


def spec_for(folder: Path, **changes: Any) -> TrainSpec:
    fields: dict[str, Any] = {
        "source": str(folder), "mode": "melody+performance", "length": 32, "batch": 2, "steps": 6, "measure_every": 3,
        "held_out": 4, "sample_tokens": 12, "warm_up": 2,
    }  # fmt: skip
    return TrainSpec(**{**fields, **changes})


def test_the_job_trains_on_a_folder_shows_a_piece_and_writes_weights_that_load(folder: Path, tmp_path: Path) -> None:
    from engines.piano.models import load_model
    from engines.piano.spec import MeasureSpec

    heard: list[TrainSnapshot] = []
    ctx = LocalContext(folder=tmp_path, on_snapshot=lambda s, keep: heard.append(s))
    result = run_job("piano.train", spec_for(folder), ctx)
    assert isinstance(result, TrainResult)
    assert result.tokens == 6 * 2 * 32 and result.history["step"].tolist() == [3, 6]
    assert heard[-1].share == 1 and heard[-1].style.shape[1] == 4
    loaded = load_model(result.weights_path)
    assert loaded.net.config.mode == "melody+performance" and loaded.card.topic == "piano"
    assert loaded.card.metrics["validation_nll"] == pytest.approx(result.held_out_nll, abs=1e-4)
    wanted = MeasureSpec(weights=result.weights_path, source=str(folder), crops=4, write=True)
    found = run_job("piano.measure", wanted)
    assert found.own > 0 and np.isnan([found.other_style, found.other_melody]).all()  # One test piece: no other one.
    assert found.own == pytest.approx(found.per_crop.mean(), rel=1e-6)
    assert load_model(result.weights_path).card.metrics["test_nll"] == pytest.approx(found.own, abs=1e-4)


def test_a_stopped_job_goes_on_from_its_checkpoint(folder: Path) -> None:
    states: list[dict[str, Any]] = []
    spec = spec_for(folder, checkpoint_minutes=1e-6)
    whole = run_job("piano.train", spec, LocalContext(on_checkpoint=states.append))
    assert len(states) == 6
    again = run_job("piano.train", spec, LocalContext(resume=states[3]))
    assert again.held_out_nll == whole.held_out_nll
    assert np.array_equal(again.history["loss"], whole.history["loss"])


def test_training_goes_on_from_weights_with_their_size_and_what_they_are_told(folder: Path, tmp_path: Path) -> None:
    from engines.piano.models import load_model

    first = tmp_path / "first.safetensors"
    run_job("piano.train", spec_for(folder, mode="melody+performance", save_as=str(first)))
    then = tmp_path / "then.safetensors"
    spec = spec_for(folder, mode="unconditional", length=64, steps=1, rate=1e-9, warm_up=0, start_from=str(first))
    run_job("piano.train", spec.model_copy(update={"save_as": str(then)}))
    before, after = load_model(str(first)), load_model(str(then))
    assert after.net.config == before.net.config and after.net.config.mode == "melody+performance"
    for name, tensor in before.net.state_dict().items():
        assert torch.allclose(tensor, after.net.state_dict()[name], atol=1e-6), name
    assert after.card.metrics["steps"] == 1
    assert after.card.metrics["steps_before"] == before.card.metrics["steps"]
    assert before.card.command in after.card.command


def test_the_card_of_a_network_begun_elsewhere_names_both_musics(folder: Path, tmp_path: Path) -> None:
    from engines.core.weights import load_weights

    begun = spec_for(folder, start_from="piano-style", steps=1, rate=1e-9, held_out=2)
    saved = tmp_path / "mine.safetensors"
    run_job("piano.train", begun.model_copy(update={"save_as": str(saved)}))
    _, card = load_weights(str(saved))
    assert "begun with piano-style, which learnt from POP909" in card.data
    assert "POP909" in card.licence and "files" in card.licence
    with pytest.raises(UserError):
        run_job("piano.train", spec_for(folder, start_from="mnist-lenet"))


def test_a_stop_is_heard_within_a_step(folder: Path) -> None:
    ctx = LocalContext()
    ctx.on_snapshot = lambda s, keep: ctx.cancel()
    with pytest.raises(Cancelled):
        run_job("piano.train", spec_for(folder, steps=100_000), ctx)


def test_what_may_not_betrained_on_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="evaluation only"):
        run_job("piano.train", spec_for(folder, source="asap"))
    with pytest.raises(UserError, match="no source"):
        run_job("piano.train", spec_for(folder, source="nowhere"))


def test_shipped_networks_are_of_one_size_and_differ_in_what_they_are_told() -> None:
    from engines.piano.jobs.ship import chosen
    from engines.piano.jobs.train import config_of
    from engines.piano.shipped import TABLE, spec_of

    configs = [config_of(spec_of(name)) for name in TABLE]
    assert len({c.mode for c in configs}) == 4
    assert len({(c.d, c.heads, c.layers_enc, c.layers_dec, c.length) for c in configs}) == 1
    assert spec_of("piano-style", steps=3).steps == 3
    assert chosen("piano-melody, piano-style", tuple(TABLE)) == ("piano-style", "piano-melody")
    with pytest.raises(UserError, match="piano-style"):
        chosen("piano-nothing", tuple(TABLE))


def test_ship_trains_measures_and_writes_and_then_skips(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engines.piano import shipped
    from engines.piano.spec import ShipSpec

    small = {k: v for k, v in spec_for(folder).model_dump().items() if k not in ("seed", "device", "minutes")}
    table = {
        name: (title, {**small, "mode": fields["mode"]}) for name, (title, fields) in list(shipped.TABLE.items())[:2]
    }
    monkeypatch.setattr(shipped, "TABLE", table)
    monkeypatch.setattr("engines.piano.jobs.measure.trained_on", lambda said: str(folder))
    out = tmp_path / "out"
    spec = ShipSpec(folder=str(out))
    result = run_job("piano.ship", spec)
    assert result.trained == ("piano-style", "piano-unconditional") and np.isfinite(result.nll).all()
    assert {p.name for p in out.glob("*.json")} == {"piano-style.json", "piano-unconditional.json"}
    from engines.piano.models import load_model

    loaded = load_model(str(out / "piano-style.safetensors"))
    assert loaded.card.bytes < 2.2 * loaded.card.parameters + 20_000  # two bytes a number
    assert next(loaded.net.parameters()).dtype == torch.float32
    assert loaded.card.metrics["test_nll"] == pytest.approx(result.nll[0], abs=1e-4)
    assert result.to_tables()["shipped"]["nll"].shape == (2,)
    assert run_job("piano.ship", spec).skipped == result.trained


def test_a_shipping_that_was_stopped_goes_on_with_the_network_it_was_at(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engines.piano import shipped
    from engines.piano.models import load_model
    from engines.piano.spec import ShipSpec

    small = {k: v for k, v in spec_for(folder, checkpoint_minutes=1e-6).model_dump().items()}
    small = {k: v for k, v in small.items() if k not in ("seed", "device", "minutes", "mode")}
    table = {name: (name, {**small, "mode": "unconditional"}) for name in ("one", "two")}
    monkeypatch.setattr(shipped, "TABLE", table)
    states: list[dict[str, Any]] = []
    whole = run_job(
        "piano.ship", ShipSpec(folder=str(tmp_path / "a"), measure=False), LocalContext(on_checkpoint=states.append)
    )
    middle = next(s for s in states if s.get("name") == "two" and s["part"]["trainer"]["steps_done"] == 3)
    assert middle["trained"] == ["one"]
    again = run_job("piano.ship", ShipSpec(folder=str(tmp_path / "b"), measure=False), LocalContext(resume=middle))
    assert again.trained == ("one", "two") and np.array_equal(again.nll, whole.nll)
    assert not (tmp_path / "b" / "one.json").exists()
    first, second = (load_model(str(tmp_path / f / "two.safetensors")).net.state_dict() for f in "ab")
    assert all(torch.equal(first[k], second[k]) for k in first)


def test_the_command_of_a_card_trains_the_same_again() -> None:
    import shlex

    from engines.piano.jobs.train import command

    spec = TrainSpec(source="/music/of mine & others", steps=7, augment=False)
    words = shlex.split(command(spec))
    assert words[:3] == ["paper-workbench", "run", "piano.train"]
    fields = dict(word.split("=", 1) for word in words[3:] if word != "--set")
    assert TrainSpec.model_validate_strings(fields) == spec


def test_a_shipping_that_was_stopped_while_measuring_does_not_train_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engines.piano import shipped
    from engines.piano.spec import ShipSpec

    small = {k: v for k, v in spec_for(folder).model_dump().items() if k not in ("seed", "device", "minutes", "mode")}
    small.pop("start_from")
    monkeypatch.setattr(shipped, "TABLE", {"one": ("one", {**small, "mode": "unconditional"})})
    monkeypatch.setattr("engines.piano.jobs.measure.trained_on", lambda said: str(folder))
    states: list[dict[str, Any]] = []
    spec = ShipSpec(folder=str(tmp_path / "a"))
    whole = run_job("piano.ship", spec, LocalContext(on_checkpoint=states.append))
    middle = next(s for s in states if s.get("written") == "one")
    assert middle["trained"] == []
    before = (tmp_path / "a" / "one.safetensors").stat().st_size
    monkeypatch.setattr("engines.piano.jobs.ship.fit", lambda *args: pytest.fail("trained again"))
    again = run_job("piano.ship", spec, LocalContext(resume=middle))
    assert again.trained == ("one",) and np.array_equal(again.nll, whole.nll)
    assert (tmp_path / "a" / "one.safetensors").stat().st_size == before
