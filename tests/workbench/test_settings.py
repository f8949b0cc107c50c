"""Settings are checked, saved whole, and mended key by key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from workbench.preferences import Preferences
from workbench.session import Session, load_session, save_session, session_path
from workbench.settings import SCHEMA_VERSION, Settings, load_settings, save_settings, settings_path


def write(values: object) -> Path:
    path = settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(values if isinstance(values, str) else json.dumps(values), "utf-8")
    return path


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.stem}.broken-*"))


def test_without_a_file_there_are_defaults_and_no_complaint() -> None:
    assert load_settings() == (Settings(), [])


def test_settings_come_back_as_they_were_saved(home: Path) -> None:
    wanted = Settings(theme="dark", accent="teal", scale=1.5, threads=3, data_dir=Path("somewhere"), autosave_s=0)
    save_settings(wanted)
    assert settings_path().is_relative_to(home)
    assert json.loads(settings_path().read_text())["schema_version"] == SCHEMA_VERSION
    assert load_settings() == (wanted, [])


def test_only_bad_keys_are_reset_and_the_old_file_is_kept() -> None:
    path = write({"theme": "dark", "scale": 99, "threads": "many", "accent": "teal", "unheard_of": 1})
    before = path.read_text()
    settings, problems = load_settings()
    assert (settings.theme, settings.accent) == ("dark", "teal")
    assert (settings.scale, settings.threads) == (1.0, 0)
    assert len(problems) == 1
    assert "“Interface scale”" in problems[0]
    assert "“Processor threads”" in problems[0]
    (kept,) = backups(path)
    assert kept.read_text() == before
    assert kept.name in problems[0]


@pytest.mark.parametrize("text", ["{", "", "[1, 2]", "null", "\x00\x01", '{"theme": '])
def test_a_file_that_is_no_settings_is_kept_and_replaced_by_defaults(text: str) -> None:
    path = write(text)
    settings, problems = load_settings()
    assert settings == Settings()
    assert len(problems) == 1
    assert backups(path)[0].read_text() == text


def test_bytes_that_are_no_text_are_survived() -> None:
    path = write("")
    path.write_bytes(b"\xff\xfe\x00broken")
    settings, problems = load_settings()
    assert settings == Settings()
    assert "cannot be read" in problems[0]


def test_a_newer_version_is_taken_over_as_far_as_known() -> None:
    path = write({"schema_version": SCHEMA_VERSION + 1, "theme": "light", "new_thing": True})
    settings, problems = load_settings()
    assert settings.theme == "light"
    assert "newer version" in problems[0]
    assert len(backups(path)) == 1


def test_assigning_a_wrong_value_is_refused() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.scale = 17
    with pytest.raises(ValidationError):
        settings.device = "toaster"
    settings.device = "cuda:1"


def test_every_setting_has_title_help_and_group() -> None:
    for view in Settings.views():
        assert view.label
        assert view.help.endswith(".")
        assert view.group
    by_name = {view.name: view for view in Settings.views()}
    assert by_name["theme"].choices == ("system", "light", "dark")
    assert (by_name["scale"].minimum, by_name["scale"].maximum) == (0.75, 3.0)
    assert by_name["data_dir"].optional


def test_the_dialog_shows_and_applies_what_was_typed(qtbot: QtBot) -> None:
    dialog = Preferences(Settings(theme="dark", scale=1.25), ["auto", "cpu", "cuda"])
    qtbot.addWidget(dialog)
    assert dialog.editor("theme").value() == "dark"
    line = dialog.editor("scale").control()
    line.clear()
    qtbot.keyClicks(line, "1.5")
    box = dialog.editor("confirm_close").control()
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    with qtbot.waitSignal(dialog.applied) as said:
        qtbot.mouseClick(dialog.buttons.button(QDialogButtonBox.StandardButton.Ok), Qt.MouseButton.LeftButton)
    assert said.args[0] == Settings(theme="dark", scale=1.5, confirm_close=False)


def test_the_dialog_says_what_is_wrong_and_stays_open(qtbot: QtBot) -> None:
    dialog = Preferences(Settings(), ["auto", "cpu"])
    qtbot.addWidget(dialog)
    dialog.show()
    line = dialog.editor("scale").control()
    line.clear()
    qtbot.keyClicks(line, "12")
    with qtbot.assertNotEmitted(dialog.applied):
        qtbot.mouseClick(dialog.buttons.button(QDialogButtonBox.StandardButton.Ok), Qt.MouseButton.LeftButton)
    assert dialog.isVisible()
    assert dialog.error_of("scale") == "Expected a number from 0.75 to 3, got “12”."


def test_the_dialog_restores_defaults_without_applying_them(qtbot: QtBot) -> None:
    dialog = Preferences(Settings(theme="dark", threads=7), ["auto"])
    qtbot.addWidget(dialog)
    button = dialog.buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults)
    with qtbot.assertNotEmitted(dialog.applied):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert dialog.editor("theme").value() == "system"
    assert dialog.editor("threads").value() == 0


def test_a_session_comes_back(home: Path) -> None:
    session = Session("Z2Vv", "ZG9j", "toy", True, {"toy": {"state": {"x": [1, 2]}}}, ["a.sgf"])
    save_session(session)
    assert load_session() == (session, "")
    assert not list((home / "config").glob("*.tmp"))


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', '{"panel": 3, "panels": [1], "recent_files": 5}'])
def test_a_broken_session_starts_anew(text: str) -> None:
    path = session_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    session, trouble = load_session()
    assert session == Session()
    if not text.startswith('{"'):
        assert "could not be read" in trouble
        assert backups(path)[0].read_text() == text


def test_a_half_written_session_never_replaces_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    save_session(Session(panel="toy"))
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        save_session(Session(panel="other"))
    assert load_session()[0].panel == "toy"
    assert [p.name for p in session_path().parent.iterdir()] == ["session.json"]
