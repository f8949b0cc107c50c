"""Specs: presets, checks, text from the command line, and what a form learns of them."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.core.errors import UserError
from engines.core.job import TOPICS, all_jobs
from engines.core.spec import Spec, param


class Tone(Enum):
    SOFT = "soft"
    LOUD = "loud"


class ProbeSpec(Spec):
    """One field of each kind."""

    steps: int = param(10, "Steps.", ge=1, le=1000, unit="steps", group="Loop")
    rate: float = param(0.1, "Rate.", gt=0, lt=1, log=True)
    loud: bool = param(False, "Loud.")
    method: Literal["a", "b"] = param("a", "Method.", label="Which way")
    tone: Tone = param(Tone.SOFT, "Tone.")
    sizes: tuple[int, ...] = param((4, 5), "Sizes.")
    angles: tuple[float, ...] = param((0.0,), "Angles.", unit="°")
    note: str = param("", "Note.")
    file: Path | None = param(None, "File.", advanced=True)
    limit: int | None = param(None, "Limit.", ge=0)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {"steps": 2},
        "full": {"steps": 500, "sizes": (9,)},
    }


def test_a_preset_takes_changes_on_top() -> None:
    assert ProbeSpec.preset("quick").steps == 2
    spec = ProbeSpec.preset("full", rate="0.5", steps="7")
    assert (spec.steps, spec.rate, spec.sizes) == (7, 0.5, (9,))
    with pytest.raises(UserError, match="quick, full"):
        ProbeSpec.preset("huge")


def test_text_from_the_command_line_becomes_each_fields_type() -> None:
    spec = ProbeSpec.checked(
        {
            "steps": "12",
            "rate": "1e-3",
            "loud": "yes",
            "method": "b",
            "tone": "loud",
            "sizes": "3, 4,5,",
            "angles": "0,22.5",
            "file": "x/y.txt",
            "limit": "3",
        }
    )
    assert (spec.steps, spec.rate, spec.loud, spec.method, spec.tone) == (12, 1e-3, True, "b", Tone.LOUD)
    assert (spec.sizes, spec.angles, spec.file, spec.limit) == ((3, 4, 5), (0.0, 22.5), Path("x/y.txt"), 3)
    assert ProbeSpec.checked({"limit": "none", "file": ""}).limit is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("steps", "1001"),
        ("steps", "two"),
        ("steps", "1.5"),
        ("steps", None),
        ("rate", 0.0),
        ("rate", "1"),
        ("rate", "nan"),
        ("method", "c"),
        ("tone", "shrill"),
        ("sizes", "3,x"),
        ("seed", -1),
        ("loud", "perhaps"),
    ],
)
def test_a_bad_value_is_said_with_its_field_and_what_was_given(field: str, value: Any) -> None:
    with pytest.raises(UserError, match=field) as caught:
        ProbeSpec.checked({field: value})
    assert "got" in caught.value.what


def test_several_bad_values_are_all_named() -> None:
    with pytest.raises(UserError) as caught:
        ProbeSpec.checked({"steps": 0, "rate": 3})
    assert "steps" in caught.value.what
    assert "rate" in caught.value.what


def test_an_unknown_field_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UserError, match="'stepz'") as caught:
        ProbeSpec.checked({"stepz": 1})
    assert "steps" in caught.value.remedy


def test_a_spec_is_frozen_and_a_change_is_checked_again() -> None:
    spec = ProbeSpec()
    with pytest.raises(ValueError, match="frozen"):
        spec.steps = 3  # type: ignore[misc]
    assert spec.changed(steps=3).steps == 3
    with pytest.raises(UserError):
        spec.changed(steps=-3)
    assert spec.steps == 10


def test_a_form_learns_kind_range_unit_and_choices() -> None:
    views = {view.name: view for view in ProbeSpec.views()}
    assert list(views)[-2:] == ["seed", "device"]
    assert (views["steps"].kind, views["steps"].minimum, views["steps"].maximum) == ("int", 1, 1000)
    assert (views["steps"].unit, views["steps"].group, views["steps"].help) == ("steps", "Loop", "Steps.")
    assert (views["rate"].kind, views["rate"].log, views["rate"].minimum) == ("float", True, 0)
    assert (views["method"].choices, views["method"].label) == (("a", "b"), "Which way")
    assert views["tone"].choices == ("soft", "loud")
    kinds = [views[n].kind for n in ("loud", "sizes", "angles", "note", "file", "limit")]
    assert kinds == ["bool", "ints", "floats", "text", "path", "int"]
    assert (views["file"].optional, views["limit"].optional, views["file"].advanced) == (True, True, True)
    assert not views["steps"].optional


def test_equal_specs_share_a_fingerprint_and_others_do_not() -> None:
    assert ProbeSpec(steps=3).fingerprint() == ProbeSpec.checked({"steps": "3"}).fingerprint()
    assert ProbeSpec(steps=3).fingerprint() != ProbeSpec(steps=4).fingerprint()
    assert Spec().fingerprint() != ProbeSpec().fingerprint()


GOOD = st.fixed_dictionaries(
    {},
    optional={
        "steps": st.integers(1, 1000),
        "rate": st.floats(0, 1, exclude_min=True, exclude_max=True),
        "loud": st.booleans(),
        "method": st.sampled_from(["a", "b"]),
        "sizes": st.lists(st.integers()).map(tuple),
        "angles": st.lists(st.floats(allow_nan=False)).map(tuple),
        "limit": st.none() | st.integers(0),
        "seed": st.integers(0, 2**31 - 1),
    },
)


def as_text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(repr, value))
    return "none" if value is None else str(value)


@given(GOOD)
def test_a_spec_written_as_text_or_json_is_read_back_the_same(values: dict[str, Any]) -> None:
    spec = ProbeSpec.checked(values)
    assert ProbeSpec.checked({name: as_text(value) for name, value in values.items()}) == spec
    assert ProbeSpec.checked(spec.model_dump(mode="json")) == spec
    assert spec.changed() == spec


@given(
    st.dictionaries(
        st.sampled_from([*ProbeSpec.model_fields, "other", ""]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    )
)
def test_any_input_gives_a_valid_spec_or_a_users_mistake(values: dict[str, Any]) -> None:
    try:
        spec = ProbeSpec.checked(values)
    except UserError as error:
        assert error.what
    else:
        assert 1 <= spec.steps <= 1000
        assert 0 < spec.rate < 1
        assert ProbeSpec.checked(spec.model_dump(mode="json")).fingerprint() == spec.fingerprint()


@pytest.mark.parametrize("job", [j for j in all_jobs() if j.topic in TOPICS], ids=lambda job: job.name)
def test_every_registered_jobs_spec_has_valid_presets_ranges_and_help(job: Any) -> None:
    assert {"quick", "full"} <= set(job.spec.presets)
    for name in job.spec.presets:
        assert isinstance(job.spec.preset(name), job.spec)
    for view in job.spec.views():
        assert view.help.endswith("."), view.name
        if view.kind in ("int", "float"):
            assert view.minimum is not None, view.name
            assert view.maximum is not None, view.name
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", job.name)
    assert job.title
