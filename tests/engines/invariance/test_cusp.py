"""The curriculum: stages that follow each other, resumable, and told apart on the card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, run_job, to_tables
from engines.core.weights import load_weights, read_card
from engines.invariance.jobs.cusp import stages_of
from engines.invariance.models import trained
from engines.invariance.results import CuspSnapshot
from engines.invariance.spec import CuspSpec

TINY = CuspSpec(limit=200, thetas=(60, 180), epsilons=(0.05, 0.1), epochs=(1, 1), adversarial="fast", held_out=40)


def test_each_stage_starts_from_the_one_before(tmp_path: Path) -> None:
    seen: list[CuspSnapshot] = []
    ctx = LocalContext(folder=tmp_path, on_snapshot=lambda snapshot, keep: seen.append(snapshot))
    found = run_job("invariance.cusp", TINY, ctx)
    assert {snapshot.stage for snapshot in seen} == {0, 1} and all(len(s.accuracy) == 2 for s in seen)
    assert np.isnan(seen[0].accuracy).all() and seen[-1].accuracy[0] == found.accuracy[0]
    assert found.history["epoch"].tolist() == [1, 2] and found.history["accuracy"].tolist() == found.accuracy.tolist()
    assert len(to_tables(found)["history"]["epoch"]) == 2
    assert found.thetas.tolist() == [60, 180] and len(found.accuracy) == 2
    card = read_card(Path(found.weights_path))
    assert "by a curriculum: ±60° with ε 0.05 for 1 epochs, ±180° with ε 0.1" in card.data
    assert "run invariance.cusp --set limit=200" in card.command
    who = trained("c", card)
    assert (who.theta, who.eps) == (180.0, 0.1) and who.is_by_curriculum
    assert {p.name for p in tmp_path.glob("*.safetensors")} == {
        "stage-1.safetensors",
        "stage-2.safetensors",
        "cusp.safetensors",
    }


def test_an_interrupted_curriculum_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = run_job("invariance.cusp", TINY, LocalContext(folder=tmp_path / "whole"))
    states: list[dict[str, Any]] = []
    ctx = LocalContext(folder=tmp_path / "cut")

    def keep(state: dict[str, Any]) -> None:
        states.append(state)
        if len(state.get("stages", [])) == 1 and "part" not in state:
            ctx.cancel()

    ctx.on_checkpoint = keep
    with pytest.raises(Cancelled):
        run_job("invariance.cusp", TINY, ctx)
    resumed = run_job("invariance.cusp", TINY, LocalContext(folder=tmp_path / "cut", resume=states[-1]))
    first, second = (load_weights(result.weights_path)[0] for result in (whole, resumed))
    assert all(bool((first[name] == second[name]).all()) for name in first)
    assert resumed.accuracy.tolist() == whole.accuracy.tolist()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"epochs": (1,)}, "as many θ as ε as epochs"),
        ({"thetas": (), "epsilons": (), "epochs": ()}, "as many θ"),
        ({"thetas": (180, 60)}, "curriculum's θ grow"),
        ({"epsilons": (0.2, 0.1)}, "curriculum's ε grow"),
        ({"epsilons": (0.0, 0.1)}, "ε above 0"),
        ({"thetas": (60, 300)}, "from 0 to 180"),
    ],
)
def test_stages_that_make_no_curriculum_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        stages_of(TINY.changed(**changes))


def test_the_full_curriculum_is_the_papers() -> None:
    stages = stages_of(CuspSpec.preset("full"))
    assert [s.rotation for s in stages] == [120, 150, 180] and [s.epochs for s in stages] == [74, 15, 31]
    assert [round(s.eps * 255) for s in stages] == [2, 4, 8] and all(s.steps == 10 for s in stages)
