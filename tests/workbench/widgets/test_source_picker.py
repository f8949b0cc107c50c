"""Sources are chosen, fetched with progress, or brought by the user; what cannot be used yet says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import drag, heard, shown
from tests.workbench.widgets.samples import SOURCES
from workbench.theme import Theme
from workbench.widgets.source_picker import DRAWING, Source, SourcePicker


@pytest.fixture
def picker(qtbot: QtBot, theme: Theme) -> SourcePicker:
    made = SourcePicker(theme)
    made.set_sources(SOURCES)
    return shown(qtbot, made, 340, 400)


def choose(picker: SourcePicker, key: str) -> None:
    """As the list does when somebody clicks an entry."""
    picker.box.setCurrentIndex(picker.box.findData(key))
    picker.box.activated.emit(picker.box.currentIndex())


def press(qtbot: QtBot, picker: SourcePicker) -> None:
    qtbot.mouseClick(picker.button, Qt.MouseButton.LeftButton)


def answer(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """What the next file or folder dialogs give."""
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", staticmethod(lambda *a, **k: path))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", staticmethod(lambda *a, **k: (path, "")))


def test_embedded_sets_are_ready_at_once(picker: SourcePicker, qtbot: QtBot) -> None:
    said = heard(picker.source_changed)
    assert picker.source == "digits"
    assert picker.is_ready()
    qtbot.keyClick(picker.box, Qt.Key.Key_Down)
    assert picker.source == "photos"
    assert said == [("photos",)]
    assert not picker.button.isVisible()


def test_a_missing_set_is_fetched_with_progress(picker: SourcePicker, qtbot: QtBot) -> None:
    said, wanted, stopped = (
        heard(s) for s in (picker.source_changed, picker.fetch_requested, picker.fetch_stop_requested)
    )
    choose(picker, "mnist")
    assert said == [], "it cannot be used yet"
    assert picker.why_not() == "MNIST is not on this computer yet"
    assert picker.button.text() == "Fetch 11.6\u202fMB"
    press(qtbot, picker)
    assert wanted == [("mnist",)]
    picker.set_fetching("mnist", 5_000_000, 11_594_722)
    assert picker.bar.isVisible()
    assert picker.bar.value() == 431
    assert picker.note.text() == "Fetching 5.0\u202fMB of 11.6\u202fMB"
    press(qtbot, picker)
    assert stopped == [("mnist",)]
    picker.end_fetching("the checksum is wrong")
    assert picker.problem.text() == "the checksum is wrong"
    assert picker.button.text().startswith("Fetch")
    picker.end_fetching()
    picker.set_sources([Source("digits", "Digits", "embedded"), Source("mnist", "MNIST", "ready", 11_594_722)])
    assert picker.source == "mnist", "the choice stays"
    assert picker.is_ready()
    assert not picker.button.isVisible()


def test_a_set_without_address_says_how_to_get_it(picker: SourcePicker) -> None:
    choose(picker, "games")
    assert picker.note.text() == "Put its file into the data folder"
    assert not picker.button.isVisible()


def test_a_fetch_of_unknown_size_and_of_another_set(picker: SourcePicker) -> None:
    choose(picker, "cifar10")
    picker.set_fetching("cifar10", 10, 0)
    assert (picker.bar.minimum(), picker.bar.maximum()) == (0, 0)
    choose(picker, "mnist")
    assert not picker.bar.isVisible()


def test_folders_and_pictures_are_chosen(
    picker: SourcePicker, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = heard(picker.source_changed)
    answer(monkeypatch, "")
    choose(picker, "folder")
    assert picker.source == "digits", "a dialog left without a choice changes nothing"
    answer(monkeypatch, str(tmp_path))
    choose(picker, "folder")
    assert picker.source == str(tmp_path)
    answer(monkeypatch, str(tmp_path / "a.png"))
    choose(picker, "file")
    answer(monkeypatch, str(tmp_path / "b.png"))
    press(qtbot, picker)
    assert [path for (path,) in said] == [str(tmp_path), str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    assert picker.note.text() == str(tmp_path / "b.png")


def test_a_drawing_is_a_source(picker: SourcePicker, qtbot: QtBot) -> None:
    said, drawn = heard(picker.source_changed), heard(picker.drawn)
    choose(picker, DRAWING)
    assert said == [("drawing",)]
    sheet = picker.pad.sheet
    assert sheet.isVisible()
    drag(sheet, [sheet.place_of(5, 5), sheet.place_of(20, 20)])
    ((pixels,),) = drawn
    assert pixels.shape == (28, 28)  # type: ignore[attr-defined]
    choose(picker, "digits")
    assert not sheet.isVisible()


def test_a_source_is_set_from_outside_quietly(picker: SourcePicker, tmp_path: Path) -> None:
    said = heard(picker.source_changed)
    picker.set_source(str(tmp_path))
    assert picker.source == str(tmp_path)
    picture = tmp_path / "a.png"
    picture.write_bytes(b"")
    picker.set_source(str(picture))
    assert picker.source == str(picture)
    picker.set_source("mnist")
    picker.set_source("/nowhere/at/all")
    assert picker.source == "mnist"
    assert said == []


def test_only_what_a_panel_can_use_is_offered(qtbot: QtBot, theme: Theme) -> None:
    picker = shown(qtbot, SourcePicker(theme, own=("folder",)), 300, 80)
    assert picker.box.count() == 1
    assert picker.why_not() == "no folder is chosen yet"
    picker.set_source(DRAWING)
    assert picker.source == ""


def test_a_problem_stands_below_until_another_choice(picker: SourcePicker) -> None:
    picker.show_problem("Three pictures could not be read.")
    assert picker.problem.isVisible()
    choose(picker, "photos")
    assert not picker.problem.isVisible()
