"""The recipe's model and bar: names, costs, parts, the way back, files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engines.core.errors import UserError
from engines.vision.attacks.recipe import RECIPES
from tests.workbench.windows import light_theme
from workbench.panels.transfer.files import pool_of, read_recipe
from workbench.panels.transfer.recipe_bar import RecipeBar
from workbench.panels.transfer.recipe_model import RecipeModel


def test_chips_name_and_price_the_recipe(qtbot: QtBot) -> None:
    bar = RecipeBar(RecipeModel(), light_theme())
    qtbot.addWidget(bar)
    bar.show()
    assert bar.name.text() == "SI-NI-FGSM" and bar.cost.text().startswith("50 gradient passes")
    for field in ("diverse", "smooth"):
        qtbot.mouseClick(bar.chips[field], Qt.MouseButton.LeftButton)
    assert bar.name.text() == "SI-NI-TI-DIM" and bar.presets.currentText() == "SI-NI-TI-DIM"
    for field in ("scales", "lookahead"):
        qtbot.mouseClick(bar.chips[field], Qt.MouseButton.LeftButton)
    assert bar.name.text() == "TI-DIM" and bar.cost.text().startswith("10 gradient passes")


@pytest.mark.parametrize("title", list(RECIPES))
def test_a_named_recipe_has_its_parts_and_its_name(qtbot: QtBot, title: str) -> None:
    model = RecipeModel()
    model.choose(title)
    assert model.title == model.matching() == title
    model.choose("SI-NI-FGSM")
    assert model.title == "SI-NI-FGSM" and model.spec.steps > 1


def test_a_part_that_is_switched_on_does_something(qtbot: QtBot) -> None:
    model = RecipeModel()
    bar = RecipeBar(model, light_theme())
    qtbot.addWidget(bar)
    model.change(scales=False, copies=1, mu=0.0, lookahead=False)
    qtbot.mouseClick(bar.chips["scales"], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(bar.chips["lookahead"], Qt.MouseButton.LeftButton)
    assert model.title == "SI-NI-FGSM" and model.spec.copies == 2 and model.spec.mu == 1


def test_undo_takes_a_drag_back_as_one_change(qtbot: QtBot) -> None:
    model = RecipeModel()
    first = model.spec
    model.change(smooth=True)
    for eps in (0.16, 0.2, 0.3):
        model.change(eps=eps)
    model.undo()
    assert model.eps == first.eps and model.spec.smooth
    model.undo()
    assert model.spec == first and model.why_no_undo()
    model.redo()
    model.redo()
    assert model.eps == 0.3 and not model.why_no_undo() and model.why_no_redo()


def test_what_fits_no_attack_is_refused_and_changes_nothing(qtbot: QtBot) -> None:
    model = RecipeModel()
    before = model.spec
    with pytest.raises(UserError, match="odd"):
        model.change(smooth=True, ti_kernel=4)
    with pytest.raises(UserError):
        model.change(steps=0)
    assert model.spec == before


def test_grey_and_colour_keep_their_own_radius(qtbot: QtBot) -> None:
    model = RecipeModel()
    model.change(eps=0.25)
    model.set_shape((3, 32, 32))
    assert model.eps == pytest.approx(8 / 255) and model.most_eps < 0.2
    model.set_shape((1, 28, 28))
    assert model.eps == 0.25


def test_state_survives_and_odd_state_changes_nothing(qtbot: QtBot) -> None:
    model, other = RecipeModel(), RecipeModel()
    model.change(eps=0.22, diverse=True, copies=3)
    other.restore_state(json.loads(json.dumps(model.save_state())))
    assert other.spec == model.spec
    odd_states: tuple[object, ...] = (
        None, [], {"spec": 3}, {"spec": {"eps": "much", "steps": -1, "new": 1}, "eps": {"1": True}},
    )  # fmt: skip
    for odd in odd_states:
        other.restore_state(odd)
    assert other.spec == model.spec


def test_silly_recipe_files_are_refused(tmp_path: Path) -> None:
    for name, text in (("a", "no json"), ("b", "[1, 2]"), ("c", '{"recipe": 5}'), ("d", '{"recipe": {"z": 1}}')):
        path = tmp_path / f"{name}.json"
        path.write_text(text)
        with pytest.raises(UserError):
            read_recipe(path)


def test_images_in_an_npz_are_taken_or_refused_with_the_reason(tmp_path: Path) -> None:
    good = tmp_path / "good.npz"
    np.savez(good, x=np.full((3, 1, 28, 28), 128, np.uint8), labels=np.array([1, 0, 2]))
    pool = pool_of(good, (1, 28, 28))
    assert len(pool) == 3 and pool.labels.tolist() == [1, 0, 2] and pool.images.max() == pytest.approx(128 / 255)
    with pytest.raises(UserError, match="expected images"):
        pool_of(good, (3, 32, 32))
    bad = tmp_path / "bad.npz"
    np.savez(bad, y=np.zeros(3))
    with pytest.raises(UserError, match="no array"):
        pool_of(bad, (1, 28, 28))
    np.savez(bad, x=np.full((1, 1, 28, 28), 7.0))
    with pytest.raises(UserError, match="not in"):
        pool_of(bad, (1, 28, 28))
    bad.write_bytes(b"nothing")
    with pytest.raises(UserError, match="no NPZ of numbers") as refused:
        pool_of(bad, (1, 28, 28))
    assert "pickle" not in str(refused.value), "NumPy's advice is not for a stranger's file"
