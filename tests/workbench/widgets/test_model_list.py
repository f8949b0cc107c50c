"""Models are ticked by mouse and keys, only those that go together, and one's own are added and forgotten."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QCheckBox, QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import heard, shown
from tests.workbench.widgets.samples import MODELS, Info, tools
from workbench.theme import Theme
from workbench.widgets.model_list import ModelPicker
from workbench.widgets.model_table import REASON, shape_text

METRICS = (("clean_accuracy", "Clean"), ("rotated_180", "±180°"))


@pytest.fixture
def picker(qtbot: QtBot, theme: Theme) -> ModelPicker:
    made = ModelPicker(theme, metrics=METRICS)
    made.set_models(MODELS, ["mnist-stdcnn"])
    return shown(qtbot, made, 480, 280)


def click(qtbot: QtBot, picker: ModelPicker, row: int, *, on_tick: bool = False) -> None:
    rect = picker.table.visualRect(picker.model.index(row, 0))
    at = QPoint(rect.left() + 10, rect.center().y()) if on_tick else rect.center()
    qtbot.mouseClick(picker.table.viewport(), Qt.MouseButton.LeftButton, pos=at)


def cells(picker: ModelPicker, row: int) -> list[str]:
    return [picker.model.index(row, column).data() for column in range(picker.model.columnCount())]


def test_models_are_listed_with_their_figures(picker: ModelPicker) -> None:
    assert cells(picker, 0) == ["Plain CNN on MNIST", "28×28 grey", "99\u202f%", "43\u202f%"]
    assert cells(picker, 1)[2:] == ["99\u202f%", "–"]
    assert "43.0\u202f%" in picker.model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert shape_text((3, 32, 48)) == "48×32 colour"


def test_a_figure_stands_in_for_one_that_is_missing(qtbot: QtBot, theme: Theme) -> None:
    picker = shown(qtbot, ModelPicker(theme), 400, 200)
    both = {"clean_accuracy": 0.5, "held_out_accuracy": 0.9}
    picker.set_models([Info("a", "a", metrics=both), Info("b", "b", metrics={"held_out_accuracy": 0.9})])
    assert [picker.model.index(row, 2).data() for row in (0, 1)] == ["50\u202f%", "90\u202f%"]


def test_a_click_on_tick_or_title_ticks_once(picker: ModelPicker, qtbot: QtBot) -> None:
    said = heard(picker.selection_changed)
    click(qtbot, picker, 1, on_tick=True)
    click(qtbot, picker, 2)
    click(qtbot, picker, 1)
    assert said == [
        (["mnist-stdcnn", "mnist-gcnn"],),
        (["mnist-stdcnn", "mnist-gcnn", "mnist-at"],),
        (["mnist-stdcnn", "mnist-at"],),
    ]
    assert [info.name for info in picker.models()] == ["mnist-stdcnn", "mnist-at"]


def test_space_ticks_the_row_of_the_keyboard(picker: ModelPicker, qtbot: QtBot) -> None:
    picker.table.setFocus()
    picker.table.setCurrentIndex(picker.model.index(0, 0))
    qtbot.keyClick(picker.table, Qt.Key.Key_Down)
    qtbot.keyClick(picker.table, Qt.Key.Key_Space)
    assert picker.selection() == ["mnist-stdcnn", "mnist-gcnn"]
    assert picker.table.accessibleDescription().startswith("Ticked: Plain CNN on MNIST, Equivariant CNN")


def test_models_of_another_input_or_with_a_problem_say_why_not(picker: ModelPicker, qtbot: QtBot) -> None:
    said = heard(picker.selection_changed)
    click(qtbot, picker, 3)
    click(qtbot, picker, 5)
    assert said == []
    tips = [picker.model.index(row, 0).data(Qt.ItemDataRole.ToolTipRole) for row in (3, 5)]
    assert tips[0] == "ResNet on CIFAR-10\nIt takes 32×32 colour pictures, the ticked ones 28×28 grey"
    assert tips[1].endswith("lost.pt2 is gone")
    click(qtbot, picker, 0)
    click(qtbot, picker, 3)
    assert picker.selection() == ["cifar-resnet"], "with nothing else ticked any input will do"


def test_a_row_that_cannot_be_ticked_looks_so(picker: ModelPicker) -> None:
    option = QStyleOptionViewItem()
    picker.table.itemDelegate().initStyleOption(option, picker.model.index(3, 0))  # type: ignore[attr-defined]
    assert not option.state & option.state.State_Enabled  # type: ignore[attr-defined]
    assert picker.model.index(0, 0).data(REASON) == ""


def test_one_alone_or_a_few_at_most(qtbot: QtBot, theme: Theme) -> None:
    single = shown(qtbot, ModelPicker(theme, several=False), 400, 260)
    single.set_models(MODELS, ["mnist-at"])
    click(qtbot, single, 0)
    assert single.selection() == ["mnist-stdcnn"]
    click(qtbot, single, 0)
    assert single.selection() == ["mnist-stdcnn"], "one is always chosen"
    click(qtbot, single, 3)
    assert single.selection() == ["cifar-resnet"]
    few = shown(qtbot, ModelPicker(theme, most=2), 400, 260)
    few.set_models(MODELS, ["mnist-stdcnn", "mnist-gcnn"])
    click(qtbot, few, 2)
    assert few.selection() == ["mnist-stdcnn", "mnist-gcnn"]


def test_other_models_keep_the_ticks_that_they_can(picker: ModelPicker) -> None:
    said = heard(picker.selection_changed)
    picker.set_models([*MODELS[:2], Info("new", "new")])
    assert picker.selection() == ["mnist-stdcnn"]
    picker.set_models(MODELS[1:3])
    assert picker.selection() == []
    picker.set_selection(["mnist-gcnn", "never heard of"])
    assert picker.selection() == ["mnist-gcnn"]
    assert said == [], "only the user's ticks are told"


def test_the_column_of_inputs_gives_way_in_a_narrow_form(picker: ModelPicker) -> None:
    assert not picker.table.isColumnHidden(1)
    picker.resize(320, 280)
    assert picker.table.isColumnHidden(1)


def test_own_models_are_added_once_the_engine_is_there(picker: ModelPicker, qtbot: QtBot) -> None:
    assert picker._add.toolTip() == "The engine is still starting"
    assert picker.add_own() is None
    picker.set_own_model_tools(tools())
    added = heard(picker.model_added)
    dialog = picker.add_own("/nets/my digits.pt2")
    assert dialog is not None
    assert dialog.isVisible()
    qtbot.mouseClick(dialog.add_button, Qt.MouseButton.LeftButton)
    assert added == [("my digits",)]
    assert not dialog.isVisible()


def test_only_own_models_are_forgotten(picker: ModelPicker, qtbot: QtBot) -> None:
    said = heard(picker.remove_requested)
    picker.table.setCurrentIndex(picker.model.index(0, 0))
    assert not picker._remove.isEnabled()
    assert picker._remove.toolTip() == "Only models of your own can be forgotten"
    picker.table.setCurrentIndex(picker.model.index(4, 0))
    qtbot.mouseClick(picker._remove, Qt.MouseButton.LeftButton)
    assert said == [("my-net",)]


def test_rows_are_said_to_those_who_do_not_see_them(picker: ModelPicker) -> None:
    role = Qt.ItemDataRole.AccessibleTextRole
    assert picker.model.index(0, 0).data(role) == "Plain CNN on MNIST, ticked"
    assert picker.model.index(1, 0).data(role).endswith("not ticked")
    assert not picker.findChildren(QCheckBox)
