"""Going on with what another version left, and keeping models beside files that no list knows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from pytestqt.qtbot import QtBot

from engines.core import paths
from engines.core.weights import ModelCard
from tests.workbench.vision.small_panel import opened_small
from workbench.panels import kept


def test_a_run_with_settings_of_another_version_is_refused_before_it_is_started(qtbot: QtBot) -> None:
    with opened_small(qtbot) as (window, panel):
        view = panel.training
        jobs = len(window.services.runner.jobs())
        view.resumable = SimpleNamespace(name=view.job, id="r1", spec={"epochs": 3, "momentum_of_old": 1})
        view.resume()  # an exception here would be one in a slot
        [said] = [message for message in panel.messages.messages() if message.cause == "resume"]
        assert said.kind == "error" and "momentum_of_old" in said.what and said.remedy
        assert len(window.services.runner.jobs()) == jobs and view.handle is None
        assert not panel.is_busy()


def test_a_file_that_no_list_knows_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    monkeypatch.setattr(paths, "user_weights_folder", lambda: folder)
    unlisted = folder / "mine.safetensors"
    unlisted.write_bytes(b"the only copy of a week's work")
    trained = tmp_path / "trained.safetensors"
    trained.write_bytes(b"new")
    monkeypatch.setattr(kept, "read_card", lambda _: ModelCard(name="x", title="X", architecture={"kind": "mlp"}))
    assert kept.keep_as(trained, "mine", "Mine") == "mine-2"
    assert unlisted.read_bytes().startswith(b"the only copy")
    assert (folder / "mine-2.safetensors").read_bytes() == b"new"
