"""Own models: asked once, remembered, and every answer checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engines.core import atomic, paths
from engines.core.errors import UserError
from engines.vision import own
from engines.vision.nets.models import list_models
from engines.vision.own import OwnModel, add_own_model, find_own, own_models, remove_own_model


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.pt2"
    path.write_bytes(b"not looked at here")
    return path


def model(place: Path, **changes: Any) -> OwnModel:
    return OwnModel(
        **{"name": "mine", "path": str(place), "classes": ("a", "b"), "input_shape": (3, 32, 32), **changes}
    )


def test_an_own_model_is_remembered_with_every_answer(file: Path) -> None:
    added = add_own_model(model(file, mean=(0.1, 0.2, 0.3), std=(0.5,), pixel_range=(0, 255), title="Mine"))
    assert find_own("mine") == added and own_models() == [added]
    (info,) = [info for info in list_models() if info.is_own]
    assert (info.name, info.title, info.classes, info.input_shape) == ("mine", "Mine", ("a", "b"), (3, 32, 32))
    assert info.is_own and info.problem == ""
    remove_own_model("mine")
    assert own_models() == [] and file.exists()
    with pytest.raises(UserError, match="no model of yours"):
        remove_own_model("mine")
    with pytest.raises(UserError, match="no model of yours"):
        remove_own_model("../mine")


def test_a_relative_path_still_leads_to_the_file_later(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    assert add_own_model(model(Path("net.pt2"))).path == str(file)


def test_names_are_not_taken_twice(file: Path) -> None:
    add_own_model(model(file))
    with pytest.raises(UserError, match="already have"):
        add_own_model(model(file))
    assert add_own_model(model(file, classes=("x", "y")), replace=True).classes == ("x", "y")
    folder = paths.user_weights_folder()
    atomic.write_bytes(folder / "trained.safetensors", b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(UserError, match="already a model"):
        add_own_model(model(file, name="trained"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "../up"}, "expected a name"),
        ({"name": ""}, "expected a name"),
        ({"path": "net.exe"}, "expected a file ending in"),
        ({"path": "/nowhere/net.pt2"}, "there is no file"),
        ({"classes": ()}, "class names, got 0"),
        ({"classes": ("a", "a")}, "two classes are called 'a'"),
        ({"input_shape": (2, 32, 32)}, "1 or 3 colours"),
        ({"input_shape": (3, 2, 32)}, "4 to 1024 pixels"),
        ({"input_shape": (3, 32)}, "colours, height and width"),
        ({"mean": (0.0, 0.0)}, "1 or 3 numbers for the mean"),
        ({"std": (0.0,)}, "above 0"),
        ({"std": (float("nan"),)}, "numbers for the std"),
        ({"pixel_range": (1.0, 0.0)}, "from black to white"),
        ({"outputs": "guesses"}, "logits or probabilities"),
    ],
)
def test_a_wrong_answer_is_named(changes: dict[str, Any], reason: str, file: Path) -> None:
    with pytest.raises(UserError, match=reason):
        add_own_model(model(file, **changes))
    assert own_models() == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": 3}', json.dumps({"path": 1, "classes": "ab"})])
def test_a_damaged_entry_is_left_out_and_reported(text: str, file: Path) -> None:
    add_own_model(model(file))
    (own.own_folder() / "bad.json").write_text(text)
    assert [m.name for m in own_models()] == ["mine"]
    ((place, reason),) = own.own_problems()
    assert place.name == "bad.json" and "add the model again" in reason
