"""A form is made from any spec, says beside each field what is wrong, and gives back a checked spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from engines.core.errors import UserError
from engines.core.spec import FieldView, Spec, param
from workbench.widgets.basics import byte_size, duration, number, percent
from workbench.widgets.editors import (
    BoolEditor,
    ChoiceEditor,
    NumberEditor,
    PathEditor,
    TextEditor,
    parse_number,
    place_of,
    value_at,
)
from workbench.widgets.spec_form import CUSTOM, SpecForm


class EverySpec(Spec):
    """One field of each kind."""

    count: int = param(3, "How many.", ge=1, le=10, group="Numbers")
    eps: float = param(8 / 255, "How far.", gt=0, le=1, log=True, unit="px", group="Numbers")
    wide: int = param(100, "A wide range.", ge=1, le=1_000_000, group="Numbers")
    open_end: float = param(0.5, "No upper end.", ge=0, group="Numbers")
    is_on: bool = param(True, "Whether.", group="Switches")
    way: Literal["left", "straight_on"] = param("left", "Which way.", group="Switches")
    name: str = param("net", "Which weights.", group="Switches")
    file: Path | None = param(None, "Which file.", group="Files")
    sizes: tuple[int, ...] = param((4, 5), "Which sizes.", group="Files")
    angles: tuple[float, ...] = param((0.0, 22.5), "Which angles.", unit="°", group="Files")
    hidden: float = param(1.0, "Rarely needed.", ge=0, le=2, advanced=True)
    maybe: int | None = param(None, "A limit, if any.", ge=0, advanced=True)

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {}, "full": {"count": 10, "wide": 5000}}


@pytest.fixture
def form(qtbot: QtBot) -> SpecForm[EverySpec]:
    made = SpecForm(EverySpec, choices={"name": ["net", "other"], "device": ["auto", "cpu"]})
    qtbot.addWidget(made)
    made.resize(300, 900)
    with qtbot.waitExposed(made):
        made.show()
    return made


def line_of(form: SpecForm[Any], name: str) -> QLineEdit:
    control = form.editor(name).control()
    assert isinstance(control, QLineEdit)
    return control


def type_into(qtbot: QtBot, form: SpecForm[Any], name: str, text: str) -> None:
    line = line_of(form, name)
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)


def test_each_kind_has_its_editor_and_every_control_a_name(form: SpecForm[EverySpec]) -> None:
    kinds = {
        "count": NumberEditor,
        "eps": NumberEditor,
        "is_on": BoolEditor,
        "way": ChoiceEditor,
        "name": ChoiceEditor,
        "file": PathEditor,
        "sizes": TextEditor,
        "device": ChoiceEditor,
        "seed": NumberEditor,
    }
    for name, kind in kinds.items():
        assert type(form.editor(name)) is kind, name
    for view in EverySpec.views():
        assert form.editor(view.name).control().accessibleName() == view.label
        assert view.help in form.editor(view.name).toolTip()


def test_an_untouched_form_reads_the_preset(form: SpecForm[EverySpec]) -> None:
    assert form.read() == EverySpec.preset("quick")
    assert form.preset() == "quick"


def test_typing_makes_a_checked_spec(form: SpecForm[EverySpec], qtbot: QtBot) -> None:
    type_into(qtbot, form, "count", "7")
    type_into(qtbot, form, "eps", "4/255")
    type_into(qtbot, form, "sizes", "5, 7,9")
    type_into(qtbot, form, "angles", "-10, 12.5")
    type_into(qtbot, form, "file", "some/where.bin")
    box = form.editor("is_on").control()
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    spec = form.read()
    assert (spec.count, spec.eps, spec.sizes, spec.angles) == (7, 4 / 255, (5, 7, 9), (-10.0, 12.5))
    assert (spec.file, spec.is_on) == (Path("some/where.bin"), False)
    assert form.preset() == CUSTOM


def test_a_wrong_value_is_said_beside_its_field_at_once(form: SpecForm[EverySpec], qtbot: QtBot) -> None:
    with qtbot.waitSignal(form.changed, check_params_cb=lambda spec: spec is None):
        type_into(qtbot, form, "count", "99")
    assert form.error_of("count") == "Expected a whole number from 1 to 10, got “99”."
    assert line_of(form, "count").property("invalid") is True
    assert form.spec() is None
    with pytest.raises(UserError, match=r"Count: Expected a whole number from 1 to 10") as told:
        form.read()
    assert told.value.remedy
    type_into(qtbot, form, "count", "9")
    assert form.error_of("count") == ""
    assert form.read().count == 9


@pytest.mark.parametrize(
    ("field", "typed", "expected"),
    [
        ("count", "x", "Expected a whole number from 1 to 10, got “x”."),
        ("count", "2.5", "Expected a whole number from 1 to 10, got “2.5”."),
        ("count", "", "Expected a whole number from 1 to 10, got nothing."),
        ("eps", "0", "Expected a number from 0 to 1, got “0”."),
        ("eps", "1/0", "Expected a number from 0 to 1, got “1/0”."),
        ("open_end", "-1", "Expected a number, at least 0, got “-1”."),
        ("open_end", "inf", "Expected a number, at least 0, got “inf”."),
        ("sizes", "4, x", "Expected whole numbers, separated by commas, got “4, x”."),
    ],
)
def test_messages_name_what_is_expected(
    form: SpecForm[EverySpec], qtbot: QtBot, field: str, typed: str, expected: str
) -> None:
    line_of(form, field).clear()
    type_into(qtbot, form, field, typed)
    assert form.error_of(field) == expected


def test_reading_opens_what_is_folded_and_goes_to_the_first_wrong_field(
    form: SpecForm[EverySpec], qtbot: QtBot
) -> None:
    assert form.advanced is not None
    assert not form.advanced.is_open
    line_of(form, "hidden").setText("5")
    with pytest.raises(UserError, match="Hidden"):
        form.read()
    assert form.advanced.is_open
    assert line_of(form, "hidden").hasFocus()


def test_presets_are_chosen_recognised_and_reset(form: SpecForm[EverySpec], qtbot: QtBot) -> None:
    box = form.findChild(QComboBox)
    assert box is not None
    assert box.accessibleName() == "Preset"
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert form.preset() == "full"
    assert form.read() == EverySpec.preset("full")
    type_into(qtbot, form, "count", "5")
    assert box.currentText() == "Custom"
    type_into(qtbot, form, "count", "10")
    assert box.currentText() == "Full"
    type_into(qtbot, form, "count", "5")
    form.reset()
    assert form.read() == EverySpec.preset("quick")


def test_choices_may_be_typed_too_where_the_field_is_text(form: SpecForm[EverySpec], qtbot: QtBot) -> None:
    box = form.editor("name").control()
    assert isinstance(box, QComboBox)
    assert [box.itemText(i) for i in range(box.count())] == ["net", "other"]
    box.lineEdit().selectAll()
    qtbot.keyClicks(box.lineEdit(), "mine.safetensors")
    assert form.read().name == "mine.safetensors"
    form.set_choices("name", ["new"])
    assert form.read().name == "mine.safetensors"


def test_a_closed_choice_shows_words_and_reads_values(form: SpecForm[EverySpec], qtbot: QtBot) -> None:
    box = form.editor("way").control()
    assert isinstance(box, QComboBox)
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert box.currentText() == "straight on"
    assert form.read().way == "straight_on"


def test_a_slider_may_end_before_its_setting_does(form: SpecForm[EverySpec], qtbot: QtBot) -> None:
    editor = form.editor("hidden")
    assert isinstance(editor, NumberEditor) and editor.slider is not None
    editor.set_reach(0.5)
    with qtbot.assertNotEmitted(editor.edited):
        editor.set_reach(0.2)
    assert editor.slider.value() == editor.slider.maximum() and editor.value() == 1.0  # more than the reach stays
    editor.slider.setValue(editor.slider.maximum() // 2)
    assert editor.value() == pytest.approx(0.1)
    qtbot.keyClick(editor.control(), Qt.Key.Key_Up)
    assert editor.value() == pytest.approx(0.101)
    editor.set_value(1.7)
    assert form.read().hidden == 1.7


def test_sliders_follow_the_number_and_the_number_follows_them(form: SpecForm[EverySpec], qtbot: QtBot) -> None:
    for name in ("count", "eps", "wide"):
        editor = form.editor(name)
        assert isinstance(editor, NumberEditor)
        assert editor.slider is not None
        editor.slider.setValue(editor.slider.maximum())
        assert form.read().model_dump()[name] == pytest.approx(form.editor(name).view.maximum)
        editor.slider.setValue(0)
        assert form.spec() is not None
    type_into(qtbot, form, "wide", "1000")
    assert form.editor("wide").slider.value() == pytest.approx(500, abs=1)  # type: ignore[attr-defined]
    assert form.editor("open_end").slider is None  # type: ignore[attr-defined]


def test_arrow_keys_step_within_the_range(form: SpecForm[EverySpec], qtbot: QtBot) -> None:
    line = line_of(form, "count")
    for _ in range(3):
        qtbot.keyClick(line, Qt.Key.Key_Up)
    assert form.read().count == 6
    qtbot.keyClick(line, Qt.Key.Key_PageUp)
    assert form.read().count == 10
    eps = line_of(form, "eps")
    qtbot.keyClick(eps, Qt.Key.Key_Down)
    assert form.read().eps == pytest.approx(8 / 255 / 1.25, rel=1e-2)


def test_scrolling_past_a_field_changes_nothing(form: SpecForm[EverySpec], qtbot: QtBot) -> None:
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    before = form.read()
    for name in ("count", "way", "eps"):
        control: QWidget = form.editor(name).control()
        control.clearFocus()
        centre = QPointF(control.rect().center())
        event = QWheelEvent(
            centre, QPointF(control.mapToGlobal(centre.toPoint())), QPoint(), QPoint(0, 120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(control, event)
    assert form.read() == before


def test_a_disabled_field_says_why(form: SpecForm[EverySpec]) -> None:
    form.set_reason("count", "Only for new networks.")
    assert not form.editor("count").isEnabled()
    assert form.editor("count").toolTip() == "Only for new networks."
    form.set_reason("count", "")
    assert form.editor("count").isEnabled()
    assert form.editor("count").toolTip() == "How many."


def test_start_values_stay_on_top_of_presets(qtbot: QtBot) -> None:
    form = SpecForm(EverySpec, start={"device": "cpu", "count": 2}, preset="full")
    qtbot.addWidget(form)
    assert form.read() == EverySpec.preset("full", device="cpu", count=2)
    assert form.preset() == "full"
    form.set_preset("quick")
    assert form.read() == EverySpec.preset("quick", device="cpu", count=2)


def test_fields_may_be_chosen_and_the_others_keep_their_values(qtbot: QtBot) -> None:
    form = SpecForm(EverySpec, fields=["eps", "count"])
    qtbot.addWidget(form)
    with pytest.raises(KeyError):
        form.editor("wide")
    form.set_spec(EverySpec(wide=77, count=4))
    assert form.read() == EverySpec(wide=77, count=4)


def test_the_state_comes_back_through_json(form: SpecForm[EverySpec], qtbot: QtBot) -> None:
    import json

    assert form.advanced is not None
    form.set_spec(EverySpec(count=8, file=Path("x"), sizes=(3,)))
    form.advanced.set_open(True)
    state = json.loads(json.dumps(form.save_state()))
    other = SpecForm(EverySpec)
    qtbot.addWidget(other)
    other.restore_state(state)
    assert other.read() == form.read()
    assert other.advanced is not None
    assert other.advanced.is_open


@pytest.mark.parametrize("state", [{}, {"values": 3}, {"values": {"count": 999, "gone": 1, "wide": 12}}])
def test_a_state_that_no_longer_fits_is_taken_up_as_far_as_it_does(
    form: SpecForm[EverySpec], state: dict[str, Any]
) -> None:
    form.restore_state(state)
    spec = form.read()
    assert spec.count == 3
    assert spec.wide == (12 if isinstance(state.get("values"), dict) else 100)


def test_an_optional_field_may_be_emptied(form: SpecForm[EverySpec], qtbot: QtBot) -> None:
    form.set_values({"maybe": 5})
    assert form.read().maybe == 5
    line_of(form, "maybe").clear()
    assert form.read().maybe is None


def test_a_number_that_shows_fewer_digits_keeps_them(qtbot: QtBot) -> None:
    form = SpecForm(EverySpec)
    qtbot.addWidget(form)
    form.set_values({"eps": 1 / 3})
    assert line_of(form, "eps").text() == "0.33333"
    assert form.read().eps == 1 / 3


def test_units_stand_beside_labels_and_the_last_field_of_a_spec_is_the_device(
    form: SpecForm[EverySpec],
) -> None:
    texts = [found.text() for found in form.findChildren(QLabel)]
    assert "Eps [px]" in texts
    assert "Angles [°]" in texts
    assert texts.index("Seed") < texts.index("Device")


RANGES = [(1.0, 1e6), (0.0, 1.0), (0.0, 50_000.0), (-5.0, 5.0)]


@given(st.floats(0, 1), st.booleans(), st.sampled_from(RANGES))
def test_a_sliders_place_and_value_are_inverse(place: float, log: bool, ends: tuple[float, float]) -> None:
    view = FieldView("x", "X", "float", 1.0, "", minimum=ends[0], maximum=ends[1], log=log)
    value = value_at(place, view)
    assert ends[0] <= value <= ends[1] * (1 + 1e-9)
    back = place_of(value, view)
    assert back == pytest.approx(place, abs=1e-6) or (place < 0.01 and back == 0.0)


@given(st.integers(-(10**12), 10**12))
def test_whole_numbers_are_read_as_they_are_shown(value: int) -> None:
    assert parse_number(number(value).replace("−", "-"), whole=True) == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.5, "0.5"), (-0.25, "−0.25"), (1234567, "1\u202f234\u202f567"), (0.00001, "1.00·10⁻⁵"),
     (float("nan"), "–"), (float("inf"), "∞"), (float("-inf"), "−∞"),
     (12.3456, "12.3"), (1234.5, "1\u202f234"),
     (2.5e7 + 0.5, "2.50·10⁷")],
)  # fmt: skip
def test_numbers_are_written_as_people_write_them(value: float, shown: str) -> None:
    assert number(value) == shown


def test_shares_durations_and_sizes_are_short() -> None:
    assert percent(0.1234) == "12.3\u202f%"
    assert percent(float("nan")) == "–"
    assert [duration(s) for s in (0.44, 12, 185, 7620)] == [
        "0.4\u202fs", "12\u202fs", "3\u202fmin 05\u202fs", "2\u202fh 07\u202fmin"
    ]  # fmt: skip
    assert [byte_size(n) for n in (12, 3400, 2_100_000, 5e12)] == [
        "12\u202fB", "3.4\u202fkB", "2.1\u202fMB", "5.0\u202fTB"
    ]  # fmt: skip
