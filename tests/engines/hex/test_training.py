"""Learning on small boards, checkpoints, and the training job (paper file, check 9.9)."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.core.device import choose
from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, run_job
from engines.hex.spec import TrainSpec

TINY = {
    "sizes": (3,), "blocks": 1, "channels": 8, "games": 8, "parallel_games": 8, "simulations": 8, "iterations": 3,
    "epochs": 1.0, "batch": 16, "probes": 40,
}  # fmt: skip


def test_a_killed_run_goes_on_from_its_checkpoint_to_the_same_counts(tmp_path: Path) -> None:
    states: list[dict] = []
    whole = run_job("hex.train", TrainSpec.checked(TINY), LocalContext(on_checkpoint=states.append))
    assert len(states) == 3
    rest: list[dict] = []
    again = run_job("hex.train", TrainSpec.checked(TINY), LocalContext(resume=states[1], on_checkpoint=rest.append))
    assert len(rest) == 1
    np.testing.assert_array_equal(again.history["loss"][:2], whole.history["loss"][:2])
    assert again.history["iteration"].tolist() == [1, 2, 3]
    assert again.games > states[1]["games"]


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_restored_run_trains_on_to_the_last_bit(optimiser: str) -> None:
    """Through the bytes of a checkpoint: both networks, the optimisers' moments, the window and the generator."""
    from engines.core.packing import pack, unpack
    from engines.hex.training import Callbacks, TrainingLoop

    spec = TrainSpec.checked({**TINY, "probes": 0, "twin": True, "optimiser": optimiser})
    first, second = (TrainingLoop(spec, torch.device("cpu")) for _ in range(2))
    first.iterate(Callbacks())
    second.restore(unpack(b"".join(pack(first.state()))))
    for loop in (first, second):
        loop.players.clear()  # games under way begin anew
        loop.iterate(Callbacks())
    assert [first.history[k][1] for k in ("loss", "loss_q", "games", "samples")] == [
        second.history[k][1] for k in ("loss", "loss_q", "games", "samples")
    ]
    assert first.twin is not None
    assert second.twin is not None
    for one, other in ((first.learner, second.learner), (first.twin.learner, second.twin.learner)):
        for name, tensor in one.tensors().items():
            assert torch.equal(tensor, other.tensors()[name]), name


def test_the_job_writes_weights_that_load_and_a_file_per_iteration(tmp_path: Path) -> None:
    from engines.hex.evaluator import load_evaluator

    spec = TrainSpec.checked({**TINY, "twin": True, "save_as": str(tmp_path / "mine.safetensors")})
    folder = tmp_path / "run"
    folder.mkdir()
    result = run_job("hex.train", spec, LocalContext(folder=folder))
    three, two = load_evaluator(result.weights_path, "cpu"), load_evaluator(result.twin_path, "cpu")
    assert three.has_q and not two.has_q
    assert len(result.iteration_paths) == 3
    assert three.sizes == (3,)


def test_stopping_a_run_in_self_play_takes_effect_at_once() -> None:
    shown: list[object] = []
    ctx = LocalContext()
    ctx.on_snapshot = lambda snapshot, keep: (shown.append(snapshot), ctx.cancel())
    with pytest.raises(Cancelled):
        run_job("hex.train", TrainSpec.checked(TINY), ctx)
    assert shown[0].phase == "self-play"
    assert len(shown) == 1


def test_two_heads_train_and_report_no_q() -> None:
    result = run_job("hex.train", TrainSpec.checked({**TINY, "heads": "two", "iterations": 1}))
    assert np.isnan(result.history["q_sign"]).all()
    assert result.history["loss_q"].tolist() == [0.0]


def test_the_arena_gives_every_iteration_an_elo() -> None:
    result = run_job("hex.train", TrainSpec.checked({**TINY, "arena_games": 4}))
    assert np.isfinite(result.history["elo"]).all()


@pytest.mark.parametrize("bad", [{"sizes": (1,)}, {"sizes": (5, 6), "head_kind": "fc"}, {"sizes": ()}])
def test_impossible_sizes_are_refused_before_anything_runs(bad: dict) -> None:
    with pytest.raises(UserError):
        run_job("hex.train", TrainSpec.checked({**TINY, **bad}))


def test_starting_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    spec = TrainSpec.checked({**TINY, "iterations": 1, "save_as": str(tmp_path / "a.safetensors")})
    path = run_job("hex.train", spec).weights_path
    with pytest.raises(UserError, match="channels"):
        run_job("hex.train", TrainSpec.checked({**TINY, "channels": 12, "start_from": path}))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A three-head network and its twin on disk."""
    folder = tmp_path_factory.mktemp("pair")
    result = run_job(
        "hex.train", TrainSpec.checked({**TINY, "iterations": 1, "twin": True}), LocalContext(folder=folder)
    )
    return result.weights_path, result.twin_path


def test_both_networks_start_from_given_weights_and_keep_to_them_on_larger_boards(pair: tuple[str, str]) -> None:
    """With keep = 1 and the norms' statistics fixed a board that is not rescored has no loss until a step on one that
    is; after that its loss leads back to where the network came from."""
    from engines.hex.evaluator import load_evaluator
    from engines.hex.jobs.train import _start
    from engines.hex.training import Callbacks, TrainingLoop

    spec = TrainSpec.checked(
        {
            **TINY, "sizes": (3, 4), "twin": True, "start_from": pair[0], "twin_from": pair[1], "keep": 1.0,
            "fixed_norm": True, "rescore": 3, "exact_games": 40, "defended": 0.5, "games": 4, "epochs": 6.0,
        }
    )  # fmt: skip
    loop = TrainingLoop(
        spec, choose("cpu"), _start(spec, spec.start_from, "three"), _start(spec, spec.twin_from, "two")
    )
    assert loop.twin is not None
    first = [load_evaluator(path, "cpu").net.state_dict() for path in pair]
    for learner, tensors in zip((loop.learner, loop.twin.learner), first, strict=True):
        for name, tensor in learner.tensors().items():
            assert torch.equal(tensor, tensors[name]), name
    larger = loop._play(4, Callbacks()).samples
    smaller = loop._rescored(loop._play(3, Callbacks()), Callbacks()).samples
    assert loop.learner.step(larger)[0] == pytest.approx(0, abs=1e-6)
    before = loop.learner.step(smaller)
    loop.iterate(Callbacks())
    assert loop.learner.step(smaller)[[2, 3]].sum() < before[[2, 3]].sum()
    far = [loop.learner.step(larger)[0] for _ in range(40)]
    assert far[-1] < far[0] / 2
    for learner, tensors in zip((loop.learner, loop.twin.learner), first, strict=True):
        after = learner.tensors()
        fixed = [name for name in after if "running" in name]
        assert fixed and all(torch.equal(after[name], tensors[name]) for name in fixed)
        assert not torch.equal(after["stem.weight"], tensors["stem.weight"])


def test_keeping_to_no_weights_and_a_twin_of_another_kind_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(UserError, match="start_from"):
        run_job("hex.train", TrainSpec.checked({**TINY, "keep": 0.5}))
    with pytest.raises(UserError, match="twin_from"):
        run_job("hex.train", TrainSpec.checked({**TINY, "keep": 0.5, "twin": True, "start_from": pair[0]}))
    with pytest.raises(UserError, match="heads"):
        run_job("hex.train", TrainSpec.checked({**TINY, "twin": True, "twin_from": pair[0]}))


@pytest.mark.slow
def test_rescored_games_teach_3x3_by_heart(tmp_path: Path) -> None:
    """A few hundred games against the solver's best defence suffice."""
    spec = TrainSpec.checked(
        {
            **TINY, "rescore": 3, "exact_games": 64, "defended": 0.5, "parallel_games": 64, "iterations": 4,
            "channels": 16, "blocks": 2, "epochs": 5.0, "probes": 200, "rate": 5e-3,
        }
    )  # fmt: skip
    folder = tmp_path / "run"
    folder.mkdir()
    result = run_job("hex.train", spec, LocalContext(folder=folder))
    assert result.games >= 4 * 64
    assert result.history["q_sign"][-1] > 0.85
    assert result.history["v_sign"][-1] > 0.85
    card = json.loads(Path(result.weights_path).with_suffix(".json").read_text(encoding="utf-8"))
    assert "solver" in card["data"]


def test_the_boards_of_a_snapshot_stand_still_while_the_games_go_on() -> None:
    shown: list[tuple[np.ndarray, np.ndarray]] = []
    ctx = LocalContext()
    ctx.on_snapshot = lambda snapshot, keep: shown.append((snapshot.boards, snapshot.boards.copy()))
    run_job("hex.train", TrainSpec.checked({**TINY, "iterations": 1, "simulations": 40}), ctx)
    assert len({boards.tobytes() for _, boards in shown}) >= 2
    for later, at_once in shown:
        np.testing.assert_array_equal(later, at_once)


def test_snapshots_come_for_every_phase_but_not_for_every_step() -> None:
    shown: list[str] = []
    ctx = LocalContext()
    ctx.on_snapshot = lambda snapshot, keep: shown.append("" if keep else snapshot.phase)
    began = time.monotonic()
    result = run_job("hex.train", TrainSpec.checked({**TINY, "epochs": 100.0, "iterations": 1}), ctx)
    most = 30 * (time.monotonic() - began) + 4
    assert {"self-play", "training", "measuring"} <= set(shown)
    steps = 100 * int(result.history["samples"][0]) // TINY["batch"]
    assert len(shown) <= most
    assert len(shown) < steps


def test_the_card_of_the_twin_tells_no_measures_of_the_other_network(tmp_path: Path) -> None:
    from engines.core.weights import load_weights

    spec = TrainSpec.checked({**TINY, "twin": True, "iterations": 1})
    result = run_job("hex.train", spec, LocalContext(folder=tmp_path))
    three, twin = load_weights(result.weights_path)[1].metrics, load_weights(result.twin_path)[1].metrics
    assert {"loss", "loss_q", "v_sign"} <= set(three)
    assert set(twin) >= {"iteration", "games", "net_calls"}
    assert not set(twin) & {"loss", "loss_q", "v_sign", "q_sign", "elo"}
    written = json.loads((tmp_path / "history.json").read_text(encoding="utf-8"))
    assert written["elo"] == [None]
    assert written["iteration"] == [1.0]


@pytest.mark.slow
def test_check_9_9_the_quick_preset_learns_4x4() -> None:
    """16 iterations of the quick preset; three heads with n0 = 2 also use under a third of the calls of n0 = 0."""
    result = run_job("hex.train", TrainSpec.preset("quick", average_duplicates=True))
    assert result.history["policy_top1"][-3:].max() >= 0.93
    assert result.history["v_sign"][-3:].max() >= 0.85
    assert result.history["consistency"][-1] < 0.15
    delayed = run_job("hex.train", TrainSpec.preset("quick", n0=2, iterations=3))
    assert delayed.net_calls < result.history["net_calls"][2] / 3


@pytest.mark.slow
def test_self_play_on_a_cluster_feeds_the_same_loop() -> None:
    pytest.importorskip("ray", reason="the optional extra 'cluster' is not installed")
    result = run_job("hex.train", TrainSpec.checked({**TINY, "actors": 1, "iterations": 2}))
    assert result.games == 16
    assert np.isfinite(result.history["loss"]).all()
