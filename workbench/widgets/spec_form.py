"""A form made from a spec: fields with units, ranges and help, presets, and what is wrong beside each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import ValidationError
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.core.spec import FieldView, Spec
from workbench.theme import GRID, set_role
from workbench.widgets.basics import Collapsible, IconLabel, icon_button, label
from workbench.widgets.editors import BoolEditor, Editor, NumberEditor, editor_for, plain_number

CUSTOM: Final = "custom"
S = TypeVar("S", bound=Spec)


@dataclass
class _Row:
    view: FieldView
    editor: Editor
    caption: QLabel
    error: QLabel
    others: list[QWidget]


class SpecForm(QWidget, Generic[S]):
    """A form for `spec_class`.

    fields: only these, in this order; leave_out: all but these. choices: lists to choose from for text
    fields, such as names of weights; text may still be typed. start: values to begin with and to reset to,
    on top of the preset. `changed` carries the spec after each change, or None while something in the form
    is wrong; `field_changed` carries the name of the field that the user changed.
    """

    changed = Signal(object)
    field_changed = Signal(str)

    def __init__(
        self,
        spec_class: type[S],
        *,
        fields: Sequence[str] | None = None,
        leave_out: Iterable[str] = (),
        choices: Mapping[str, Sequence[str]] | None = None,
        start: Mapping[str, Any] | None = None,
        preset: str = "quick",
        show_presets: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.spec_class = spec_class
        self._choices, self._start = dict(choices or {}), dict(start or {})
        self._rows: dict[str, _Row] = {}
        self._hidden: dict[str, Any] = {}
        self._quiet = False
        left_out = set(leave_out)
        views = [v for v in spec_class.views() if v.name not in left_out]
        if fields is not None:
            by_name = {v.name: v for v in views}
            views = [by_name[name] for name in fields]
        self._lines = QVBoxLayout(self)
        self._lines.setContentsMargins(GRID, GRID, GRID + GRID // 2, GRID)
        self._lines.setSpacing(GRID)
        self._preset_box = self._build_presets() if show_presets else None
        self._form_error = label("", "small", wrap=True)
        set_role(self._form_error, "error")
        self._form_error.setVisible(False)
        self._lines.addWidget(self._form_error)
        self.advanced: Collapsible | None = None
        self._build_groups(views)
        self._lines.addStretch(1)
        self.set_preset(preset if preset in spec_class.presets else next(iter(spec_class.presets)))

    # -- values ---------------------------------------------------------------------------------------------

    def values(self) -> dict[str, Any]:
        """What stands in the form, unchecked."""
        return {**self._hidden, **{name: row.editor.value() for name, row in self._rows.items()}}

    def read(self) -> S:
        """The spec that the form says. Marks what is wrong and raises UserError."""
        spec, problems = self._check()
        self._show_problems(problems)
        if spec is None:
            first = next(iter(problems))
            if first in self._rows:
                self.reveal(first)
            said = "; ".join(f"{self._label_of(name)}: {text}" for name, text in problems.items())
            raise UserError(said, "Correct the marked fields." if first else "")
        return spec

    def spec(self) -> S | None:
        """The spec that the form says, or None while something is wrong."""
        return self._check()[0]

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Put values into the form; fields it does not have are kept for `read`. One `changed` follows."""
        self._quiet = True
        known = self.spec_class.model_fields
        for name, value in values.items():
            if name in self._rows:
                self._rows[name].editor.set_value(value)
            elif name in known:
                self._hidden[name] = value
        self._quiet = False
        self._after_change()

    def set_spec(self, spec: S) -> None:
        """Show a spec."""
        self.set_values(spec.model_dump())

    def set_preset(self, name: str) -> None:
        """Show a preset, with the form's own start values on top."""
        self.set_values({**self.spec_class.preset(name).model_dump(), **self._start})

    def reset(self) -> None:
        """Back to the preset that is chosen, or to the first one after changes."""
        chosen = self.preset()
        self.set_preset(next(iter(self.spec_class.presets)) if chosen == CUSTOM else chosen)

    def preset(self) -> str:
        """The preset that the form equals, or "custom"."""
        spec = self.spec()
        for name in self.spec_class.presets:
            if spec is not None and spec == self.spec_class.preset(name).changed(**self._start):
                return name
        return CUSTOM

    def save_state(self) -> dict[str, Any]:
        """The form's values as JSON, and whether the advanced ones are open."""
        spec = self.spec()
        values = spec.model_dump(mode="json") if spec is not None else {}
        return {"values": values, "advanced": bool(self.advanced and self.advanced.is_open)}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take up saved values; those that the spec no longer allows are left as they are."""
        if not isinstance(state, Mapping):
            return
        values = state.get("values")
        if isinstance(values, Mapping):
            now = self.spec()
            for name, value in values.items():
                try:
                    now = (now or self.spec_class()).changed(**{name: value})
                except UserError:
                    continue
            if now is not None:
                self.set_spec(now)
        if self.advanced is not None:
            self.advanced.set_open(bool(state.get("advanced")))

    # -- single fields --------------------------------------------------------------------------------------

    def editor(self, name: str) -> Editor:
        """The editor of a field. Raises KeyError."""
        return self._rows[name].editor

    def error_of(self, name: str) -> str:
        """What is said to be wrong with a field now."""
        return self._rows[name].error.text()

    def set_choices(self, name: str, choices: Sequence[str]) -> None:
        """Replace the list offered for a field that has one."""
        editor = self._rows[name].editor
        if hasattr(editor, "set_choices"):
            editor.set_choices(choices)

    def set_reason(self, name: str, reason: str) -> None:
        """Disable a field and say why in its tooltip; "" enables it."""
        row = self._rows[name]
        for widget in (row.editor, row.caption, *row.others):
            widget.setEnabled(not reason)
        tip = reason or row.view.help
        for widget in (row.editor, row.caption):
            widget.setToolTip(tip)

    def reveal(self, name: str) -> None:
        """Bring a field into view and give it the focus."""
        row = self._rows[name]
        if row.view.advanced and self.advanced is not None:
            self.advanced.set_open(True)
        row.editor.control().setFocus(Qt.FocusReason.OtherFocusReason)

    # -- inside ---------------------------------------------------------------------------------------------

    def _check(self) -> tuple[S | None, dict[str, str]]:
        values = self.values()
        # Text that the editor could not read as a number; pydantic is more lenient and would take "inf".
        problems = {
            name: expected(row.view, values[name])
            for name, row in self._rows.items()
            if isinstance(row.editor, NumberEditor) and isinstance(values[name], str)
        }
        try:
            spec = self.spec_class(**values)
            return (None if problems else spec), problems
        except ValidationError as error:
            for said in error.errors():
                name = str(said["loc"][0]) if said["loc"] else ""
                row = self._rows.get(name)
                problems.setdefault(name, expected(row.view, row.editor.value()) if row else said["msg"])
            return None, problems

    def _show_problems(self, problems: Mapping[str, str]) -> None:
        for name, row in self._rows.items():
            text = problems.get(name, "")
            row.error.setText(text)
            row.error.setVisible(bool(text))
            row.editor.set_invalid(bool(text))
        rest = [f"{self._label_of(name)}: {text}" for name, text in problems.items() if name not in self._rows]
        self._form_error.setText("; ".join(rest).removeprefix(": "))
        self._form_error.setVisible(bool(rest))

    def _edited(self, name: str) -> None:
        if not self._quiet:
            self.field_changed.emit(name)
            self._after_change()

    def _after_change(self) -> None:
        spec, problems = self._check()
        self._show_problems(problems)
        if self._preset_box is not None:
            quiet = self._preset_box.blockSignals(True)
            self._preset_box.setCurrentIndex(self._preset_box.findData(self.preset()))
            self._preset_box.blockSignals(quiet)
        self.changed.emit(spec)

    def _allows(self, name: str, value: Any) -> bool:
        try:
            self.spec_class(**{name: value})
        except ValidationError as error:
            return all(said["loc"][:1] != (name,) for said in error.errors())
        return True

    def _label_of(self, name: str) -> str:
        return self._rows[name].view.label if name in self._rows else name

    def _build_presets(self) -> QComboBox:
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        caption = label("Preset", "strong")
        box = QComboBox()
        box.setAccessibleName("Preset")
        box.setToolTip("Sets all values at once. Quick fits two processor cores.")
        for name in (*self.spec_class.presets, CUSTOM):
            box.addItem(name.capitalize(), name)
        box.currentIndexChanged.connect(self._preset_chosen)
        caption.setBuddy(box)
        row.addWidget(caption)
        row.addWidget(box, 1)
        row.addWidget(icon_button("reset", "Reset all values to the preset", self.reset))
        self._lines.addLayout(row)
        return box

    def _preset_chosen(self) -> None:
        if self._preset_box is None:
            return
        name = self._preset_box.currentData()
        if name != CUSTOM:
            self.set_preset(name)

    def _build_groups(self, views: Sequence[FieldView]) -> None:
        plain = [v for v in views if not v.advanced]
        folded = [v for v in views if v.advanced]
        self._add_groups(self._lines, plain)
        if folded:
            inside = QWidget()
            lines = QVBoxLayout(inside)
            lines.setContentsMargins(0, 0, 0, 0)
            lines.setSpacing(GRID)
            self._add_groups(lines, folded)
            self.advanced = Collapsible(f"Advanced ({len(folded)})", inside)
            self._lines.addWidget(self.advanced)

    def _add_groups(self, lines: QVBoxLayout, views: Sequence[FieldView]) -> None:
        groups = list(dict.fromkeys(v.group for v in views))
        for group in groups:
            if group and len(groups) > 1:
                heading = label(group, "strong")
                heading.setContentsMargins(0, GRID // 2, 0, 0)
                lines.addWidget(heading)
            grid = QGridLayout()
            grid.setHorizontalSpacing(GRID)
            grid.setVerticalSpacing(GRID // 2)
            grid.setColumnStretch(0, 5)
            grid.setColumnStretch(1, 4)
            for view in (v for v in views if v.group == group):
                self._add_row(grid, view)
            lines.addLayout(grid)

    def _add_row(self, grid: QGridLayout, view: FieldView) -> None:
        at = grid.rowCount()
        editor = editor_for(view, self._choices.get(view.name, ()))
        editor.setToolTip(view.help)
        name = view.label.removesuffix(f" {view.unit}") if view.unit else view.label
        caption = label(f"{name} [{view.unit}]" if view.unit else name, wrap=True)
        caption.setToolTip(view.help)
        caption.setBuddy(editor)
        info = IconLabel("info", 13, muted=True)
        info.setToolTip(view.help)
        info.setAccessibleName(view.help)
        error = label("", "small", wrap=True)
        set_role(error, "error")
        error.setVisible(False)
        others: list[QWidget] = []
        wide = view.kind in ("ints", "floats", "path") or (view.kind == "text" and view.name != "device")
        left = QHBoxLayout()
        left.setSpacing(GRID // 2)
        left.addWidget(caption)
        left.addWidget(info)
        left.addStretch(1)
        if wide:
            grid.addLayout(left, at, 0, 1, 2)
            grid.addWidget(editor, at + 1, 0, 1, 2)
            at += 1
        else:
            grid.addLayout(left, at, 0)
            side = Qt.AlignmentFlag.AlignRight if isinstance(editor, BoolEditor) else Qt.AlignmentFlag(0)
            grid.addWidget(editor, at, 1, side)
        if isinstance(editor, NumberEditor) and editor.slider is not None:
            at += 1
            if not self._allows(view.name, view.minimum):
                editor.exclude_minimum()
            editor.slider.setToolTip(view.help)
            others.append(editor.slider)
            grid.addWidget(editor.slider, at, 0, 1, 2)
        grid.addWidget(error, at + 1, 0, 1, 2)
        self._rows[view.name] = _Row(view, editor, caption, error, others)
        editor.edited.connect(lambda name=view.name: self._edited(name))


def expected(view: FieldView, got: Any) -> str:
    """What is wrong with a value, in one sentence that names what is expected."""
    if isinstance(got, list):
        got = ", ".join(map(str, got))
    text = plain_number(got) if isinstance(got, float) else got
    shown = "nothing" if text in ("", None) else f"“{text}”"
    low, high = view.minimum, view.maximum
    what = {"int": "a whole number", "float": "a number", "ints": "whole numbers, separated by commas",
            "floats": "numbers, separated by commas", "choice": f"one of {', '.join(view.choices)}"}.get(
                view.kind, "another value")  # fmt: skip
    if view.kind in ("int", "float"):
        if low is not None and high is not None:
            what += f" from {plain_number(low)} to {plain_number(high)}"
        elif low is not None:
            what += f", at least {plain_number(low)}"
        elif high is not None:
            what += f", at most {plain_number(high)}"
    return f"Expected {what}, got {shown}."
