"""A file is looked into, refused inline or described, and what it does not say is asked, tried and saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from engines.core.errors import UserError
from tests.workbench.widgets.hands import heard, shown
from tests.workbench.widgets.samples import DIGITS, Engine, Found, found_weights
from workbench.theme import Theme
from workbench.widgets.own_model_answers import (
    OwnModelTools,
    Question,
    class_names,
    free_name,
    numbers,
    pixel_range,
)
from workbench.widgets.own_model_dialog import OwnModelDialog


def opened(qtbot: QtBot, theme: Theme, engine: Engine) -> OwnModelDialog:
    made = OwnModelDialog(theme, OwnModelTools(engine.inspect, engine.save, engine.predict))
    return shown(qtbot, made, 560, 560)


def add(qtbot: QtBot, dialog: OwnModelDialog) -> list[str]:
    """Press the button; the messages that stand in the dialog then."""
    qtbot.mouseClick(dialog.add_button, Qt.MouseButton.LeftButton)
    return [message.what for message in dialog.messages.messages()]


def test_a_program_says_all_itself(qtbot: QtBot, theme: Theme) -> None:
    engine = Engine(Found(notes=("exported for batches of 1",)))
    dialog = opened(qtbot, theme, engine)
    assert not dialog.add_button.isEnabled()
    assert dialog.add_button.toolTip() == "Choose a file first"
    assert not dialog.form.isVisible()
    qtbot.keyClicks(dialog.path, "/nets/digits.pt2")
    qtbot.keyClick(dialog.path, Qt.Key.Key_Return)
    assert engine.questions == [Question("/nets/digits.pt2")]
    assert dialog._facts.text() == (
        "A program of 12 operations with 1\u202f199\u202f882 numbers; 10 classes, answers with logits. "
        "Exported for batches of 1."
    )
    assert dialog.form.name.text() == "digits"
    assert not dialog.form.kind.isVisible()
    assert not dialog.form.width_box.isEnabled()
    assert dialog.form.width_box.toolTip() == "The file says this itself"
    saved = heard(dialog.saved)
    assert add(qtbot, dialog) == []
    ((answers,),) = saved
    assert engine.saved == [answers]
    assert answers.classes == DIGITS  # type: ignore[attr-defined]
    assert answers.input_shape == (1, 28, 28)  # type: ignore[attr-defined]
    assert answers.architecture == {}  # type: ignore[attr-defined]
    assert not dialog.isVisible()


def test_weights_ask_for_their_architecture_and_normalisation(qtbot: QtBot, theme: Theme) -> None:
    engine = Engine(found_weights())
    dialog = opened(qtbot, theme, engine)
    dialog.set_path("/nets/w.safetensors")
    dialog.form.kind.setCurrentText("lenet-small")
    assert engine.questions[-1].kind == "lenet-small"
    dialog.form.range.setCurrentText("0 to 255")
    dialog.form.usual.setCurrentText("MNIST")
    dialog.form.usual.activated.emit(dialog.form.usual.currentIndex())
    dialog.form.classes.setPlainText("\n".join(f"digit {i}" for i in range(10)))
    assert add(qtbot, dialog) == []
    (answers,) = engine.saved
    assert answers.pixel_range == (0, 255)
    assert answers.mean == (0.1307,)
    assert answers.std == (0.3081,)
    assert answers.classes[3] == "digit 3"
    assert answers.architecture["kind"] == "lenet-small"
    assert answers.architecture["classes"] == 10


def test_a_refused_file_says_why_and_what_to_do(qtbot: QtBot, theme: Theme) -> None:
    engine = Engine(Found(), refused=True)
    dialog = opened(qtbot, theme, engine)
    dialog.set_path("/nets/evil.pth")
    (message,) = dialog.messages.messages()
    assert message.what.startswith("evil.pth would run code")
    assert message.remedy.startswith("save its weights")
    assert not dialog.add_button.isEnabled()
    assert not dialog.form.isVisible()
    engine.refused = False
    dialog.set_path("/nets/good.pt2")
    assert dialog.messages.messages() == []
    assert dialog.add_button.isEnabled()


def test_wrong_answers_are_marked_and_nothing_is_saved(qtbot: QtBot, theme: Theme) -> None:
    engine = Engine(Found())
    dialog = opened(qtbot, theme, engine)
    dialog.set_path("/nets/a.pt2")
    dialog.form.classes.setPlainText("a, b, c")
    assert add(qtbot, dialog) == ["the network answers with 10 classes, and 3 are named"]
    assert dialog.form.classes.property("invalid")
    dialog.form.classes.setPlainText(", ".join(DIGITS))
    dialog.form.mean.setText("0.5, 0.5")
    assert add(qtbot, dialog) == ["expected 1 or 1 numbers for the mean, got 2"]
    assert not dialog.form.classes.property("invalid")
    dialog.form.mean.setText("0.5")
    dialog.form.std.setText("0")
    assert add(qtbot, dialog) == ["expected deviations above 0"]
    dialog.form.std.setText("1")
    dialog.form.name.setText("  ")
    assert add(qtbot, dialog) == ["the model has no name yet"]
    dialog.form.name.setText("taken")
    assert add(qtbot, dialog) == ["there is already a model called 'taken'"]
    assert engine.saved == []
    assert dialog.isVisible()
    dialog.form.name.setText("free")
    assert add(qtbot, dialog) == []
    assert engine.saved[0].name == "free"


def test_any_size_is_asked_and_tried(qtbot: QtBot, theme: Theme) -> None:
    engine = Engine(Found(input_shape=np.array([3, 0, 0]), classes=0))
    dialog = opened(qtbot, theme, engine)
    dialog.set_path("/nets/a.pt2")
    assert dialog.form.width_box.isEnabled()
    engine.found = Found(input_shape=np.array([3, 32, 32]), classes=4)
    dialog.form.height_box.setValue(32)
    dialog.form.width_box.setValue(32)
    dialog.form.width_box.editingFinished.emit()
    assert engine.questions[-1] == Question("/nets/a.pt2", "", 3, 32, 32)
    assert dialog.form.classes.toPlainText() == "0, 1, 2, 3"
    assert dialog.form.width_box.isEnabled(), "what the user said can be said otherwise"


def test_a_picture_is_tried(qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(Found())
    dialog = opened(qtbot, theme, engine)
    dialog.set_path("/nets/a.pt2")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", staticmethod(lambda *a, **k: ("/pics/seven.png", "")))
    qtbot.mouseClick(dialog.try_button, Qt.MouseButton.LeftButton)
    assert dialog.verdict.text() == "seven.png: 7 (98\u202f%), 1 (1\u202f%), 9 (0\u202f%)"
    assert engine.tried[0][1] == Path("/pics/seven.png")
    dialog.try_picture(Path("/pics/notes.txt"))
    assert [m.what for m in dialog.messages.messages()] == ["notes.txt is not a picture"]
    assert dialog.verdict.text() == ""


def test_half_a_small_screen_is_enough(qtbot: QtBot, theme: Theme) -> None:
    note = "The file does not say what its classes are called, nor how its pictures were prepared."
    engine = Engine(replace(found_weights(), notes=(note,)))
    made = OwnModelDialog(theme, OwnModelTools(engine.inspect, engine.save, engine.predict))
    dialog = shown(qtbot, made, 400, 300)  # 800 × 600 at 200 %
    assert (dialog.width(), dialog.height()) == (400, 300)
    dialog.set_path("/nets/w.safetensors")
    assert (dialog.width(), dialog.height()) == (400, 300), "what was found does not make it larger"
    for control in (dialog.add_button, dialog.path, dialog.form.name):
        assert dialog.rect().contains(control.mapTo(dialog, control.rect().bottomRight()))
    assert dialog._area.horizontalScrollBar().maximum() == 0
    dialog.form.std.setText("0")
    assert add(qtbot, dialog) == ["expected deviations above 0"]
    shown_part = dialog._area.viewport().rect()
    assert shown_part.contains(dialog.form.std.mapTo(dialog._area.viewport(), dialog.form.std.rect().center()))


def test_answers_that_come_late_are_not_wanted(qtbot: QtBot, theme: Theme) -> None:
    engine = Engine(Found(), later=True)
    dialog = opened(qtbot, theme, engine)
    dialog.set_path("/nets/slow.pt2")
    assert dialog.add_button.toolTip() == "The file is being looked into"
    slow = engine.answer
    dialog.set_path("/nets/other.pt2")
    assert engine.stopped == 1
    slow()
    assert dialog._found is None
    engine.answer()
    assert dialog.form.name.text() == "other"
    dialog.set_path("/nets/third.pt2")
    dialog.reject()
    assert engine.stopped == 2
    engine.answer()
    assert dialog._found is None


def test_typed_answers_become_values() -> None:
    assert class_names("cat, dog,\n", 0) == ("cat", "dog")
    assert class_names("red fox, adult\nred fox, cub", 2) == ("red fox, adult", "red fox, cub")
    assert numbers("0.5, 1/2, 5e-1", "mean", 3) == (0.5, 0.5, 0.5)
    assert numbers("−1", "mean", 3) == (-1.0,)
    assert pixel_range("−1 to 1") == (-1, 1)
    assert pixel_range("−0.5 to 0.5") == (-0.5, 0.5)
    assert free_name(Path("/x/.résumé*net.pt")) == "résumé-net"
    for wrong in (
        lambda: class_names(" , ", 0),
        lambda: class_names("a,a", 2),
        lambda: numbers("a", "mean", 1),
        lambda: pixel_range("white"),
        lambda: pixel_range("3 to 1"),
    ):
        with pytest.raises(UserError):
            wrong()
