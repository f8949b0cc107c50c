"""The tour walks through the real window and leaves pictures, figures and an honest exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from engines.core.errors import UserError
from tests.workbench.toy_panel import BROKEN, SAMPLE_JOBS, TOY, ToyPanel
from workbench.panels.registry import PanelInfo
from workbench.session import Session, load_session, save_session
from workbench.settings import Settings, load_settings, save_settings
from workbench.tour import run_tour

SMALL = (800, 600)


class FailingPanel(ToyPanel):
    """Its demonstration runs into a user's mistake."""

    def demo(self) -> None:
        self.job = "sample.mistake"
        super().demo()


class EndlessPanel(ToyPanel):
    """Its demonstration never ends."""

    def demo(self) -> None:
        self.status_message.emit("thinking", "info")


FAILING = replace(TOY, topic="failing", target="tests.workbench.test_tour:FailingPanel")
ENDLESS = replace(TOY, topic="endless", target="tests.workbench.test_tour:EndlessPanel")


def tour(out: Path, *panels: PanelInfo, topics: list[str] | None = None, timeout_s: float = 60) -> int:
    return run_tour(
        out,
        topics,
        panels=panels,
        size=SMALL,
        timeout_s=timeout_s,
        inline=True,
        extra_modules=(SAMPLE_JOBS,),
    )


def summary(out: Path) -> dict:
    return json.loads((out / "summary.json").read_text("utf-8"))


def colours(path: Path) -> set[str]:
    image = QImage(str(path))
    assert (image.width(), image.height()) == SMALL
    return {image.pixelColor(x, y).name() for x in range(0, 800, 3) for y in range(0, 600, 3)}


def test_every_panel_is_shown_in_both_themes_with_its_figures(qtbot: QtBot, tmp_path: Path) -> None:
    assert tour(tmp_path, TOY) == 0
    said = summary(tmp_path)
    assert said["ok"] is True
    assert said["fonts"] > 0
    (entry,) = said["panels"]
    assert (entry["topic"], entry["ok"], entry["figures"], entry["error"]) == ("toy", True, {"count": 20}, "")
    assert 0 < entry["seconds"] <= said["seconds"]
    names = ["home-dark.png", "home.png", "summary.json", "toy-dark.png", "toy.png"]
    assert sorted(p.name for p in tmp_path.iterdir()) == names
    for name in ("home", "toy"):
        light, dark = colours(tmp_path / f"{name}.png"), colours(tmp_path / f"{name}-dark.png")
        assert len(light) > 20, "a picture with texts has many colours"
        assert "#f5f6f8" in light
        assert "#17191e" in dark
        assert "#17191e" not in light


def test_only_the_panels_asked_for_are_visited(qtbot: QtBot, tmp_path: Path) -> None:
    assert tour(tmp_path, TOY, ENDLESS, topics=["toy"]) == 0
    assert [entry["topic"] for entry in summary(tmp_path)["panels"]] == ["toy"]


def test_a_failed_demonstration_is_told_and_the_others_still_run(qtbot: QtBot, tmp_path: Path) -> None:
    assert tour(tmp_path, FAILING, BROKEN, TOY) == 1
    said = summary(tmp_path)
    assert said["ok"] is False
    failing, broken, toy = said["panels"]
    assert failing["error"] == "the job ended as failed"
    assert failing["messages"] == ["expected a positive number, got -1"]
    assert broken["error"] == "the panel could not be built"
    assert toy["ok"] is True
    assert (tmp_path / "failing.png").exists()


def test_a_demonstration_without_end_is_given_up(qtbot: QtBot, tmp_path: Path) -> None:
    assert tour(tmp_path, ENDLESS, timeout_s=0.3) == 1
    assert summary(tmp_path)["panels"][0]["error"] == "the demonstration did not end within 0.3 s"


def test_an_unknown_panel_is_refused_before_anything_is_shown(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no panel nowhere"):
        tour(tmp_path / "out", TOY, topics=["nowhere"])
    assert not (tmp_path / "out").exists()


def test_the_users_session_and_settings_stay_as_they_were(qtbot: QtBot, tmp_path: Path) -> None:
    save_session(Session(panel="toy", panels={"toy": {"state": {"note": "mine"}}}))
    save_settings(Settings(theme="dark", autosave_s=1))
    assert tour(tmp_path, TOY) == 0
    assert load_session()[0].panels["toy"] == {"state": {"note": "mine"}}
    assert load_settings()[0] == Settings(theme="dark", autosave_s=1)
