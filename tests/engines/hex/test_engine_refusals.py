"""The live engine with networks that do not take every board."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engines.core.errors import Cancelled
from engines.core.job import LocalContext, run_job
from engines.core.weights import ModelCard, save_weights
from engines.hex.nets import HexNet, NetConfig
from engines.hex.snapshots import AnalysisSnapshot, EngineRequest
from engines.hex.spec import EngineSpec


def test_a_board_that_the_network_does_not_take_is_answered_and_the_session_lives_on(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = HexNet(NetConfig(1, 8, head_kind="fc", size=4))
    path = tmp_path / "fc.safetensors"
    save_weights(path, net.state_dict(), ModelCard(name="fc", architecture=net.config.as_dict()))
    ctx = LocalContext()
    told: list[AnalysisSnapshot] = []

    def next_request(shot: AnalysisSnapshot, keep: bool) -> None:
        told.append(shot)
        if shot.generation == 1:
            ctx.request(EngineRequest("move", 2, 4, simulations=5))
        elif shot.final:
            ctx.cancel()

    ctx.on_snapshot = next_request
    ctx.request(EngineRequest("analyse", 1, 5))
    with pytest.raises(Cancelled):
        run_job("hex.engine", EngineSpec(weights=str(path), device="cpu"), ctx)
    refused, answered = told[0], told[-1]
    assert "4×4 board" in refused.note
    assert refused.final
    assert (answered.generation, answered.size) == (2, 4)
    assert 0 <= answered.best < 16
