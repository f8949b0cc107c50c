"""Sweeps from the command line, on a real local Ray cluster."""

from __future__ import annotations

import json

import pytest

from engines.core.store import Store
from workbench import cli

TINY = ("blocks=1", "channels=8", "games=4", "parallel_games=4", "simulations=4", "iterations=1", "epochs=1",
        "batch=16", "probes=0")  # fmt: skip


def test_a_sweep_without_values_or_with_a_wrong_setting_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray", reason="the optional extra 'cluster' is not installed")
    assert cli.main(["sweep", "hex.train", "--over", "blocks=0;1"]) == 2
    assert "blocks" in capsys.readouterr().err
    assert cli.main(["sweep", "hex.nothing"]) == 2
    assert Store().runs() == []


@pytest.mark.slow
def test_a_sweep_runs_every_combination_and_keeps_each_as_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray", reason="the optional extra 'cluster' is not installed")
    settings = [part for text in TINY for part in ("--set", text)]
    code = cli.main(["sweep", "hex.train", *settings, "--set", "sizes=3", "--over", "seed=1;2", "--json"])
    tasks = json.loads(capsys.readouterr().out)["tasks"]
    assert code == 0
    assert [t["status"] for t in tasks] == ["done", "done"]
    assert [t["settings"]["seed"] for t in tasks] == [1, 2]
    with_files = Store()
    for task in tasks:
        record = with_files.run(task["run"])
        assert record.status == "done"
        assert (with_files.folder(task["run"]) / "three-head.safetensors").is_file()
