"""Pictures and models of the user's, through the pickers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from engines.core.errors import UserError
from engines.vision.own import OwnModel, add_own_model, own_models
from tests.workbench.vision.small_panel import PATIENCE_MS, opened_small
from workbench.panels.vision.models import model_items
from workbench.widgets.own_model_dialog import OwnModelDialog
from workbench.widgets.source_picker import DRAWING


def _digits_folder(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        for i in range(3):
            Image.fromarray(rng.integers(0, 255, (30, 40), dtype=np.uint8)).save(folder / name / f"{i}.png")
    (folder / "two" / "broken.png").write_bytes(b"no picture")
    return folder


def test_pictures_load_as_the_models_take_them(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_small(qtbot) as (_, panel):
        with qtbot.waitSignal(panel.pools.loaded, timeout=PATIENCE_MS) as loaded:
            panel.pools.set_source("digits")
        assert loaded.args[0].images.shape == (20, 1, 28, 28)
        with qtbot.waitSignal(panel.pools.loaded, timeout=PATIENCE_MS) as loaded:
            panel.pools.set_shape((3, 32, 32))
        assert loaded.args[0].images.shape[1:] == (3, 32, 32)
        with qtbot.waitSignal(panel.pools.loaded, timeout=PATIENCE_MS) as loaded:
            panel.pools.open_path(_digits_folder(tmp_path / "mine"))
        pool = loaded.args[0]
        assert len(pool) == 6 and pool.classes == ("one", "two")
        assert "broken.png" in panel.source_picker.problem.text()
        assert panel.pools.for_spec() == str(tmp_path / "mine")


def test_a_source_without_pictures_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with opened_small(qtbot) as (_, panel):
        with qtbot.waitSignal(panel.pools.failed, timeout=PATIENCE_MS):
            panel.pools.open_path(tmp_path / "empty")
        assert panel.source_picker.problem.isVisible()
        assert "empty. It takes" in panel.source_picker.problem.text(), "two sentences"
        with pytest.raises(UserError):
            panel.pools.open_path(tmp_path / "gone.png")


def test_the_status_bar_says_opened_only_once_it_is(qtbot: QtBot, tmp_path: Path) -> None:
    Image.fromarray(np.full((30, 40), 128, np.uint8)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with opened_small(qtbot) as (window, panel):
        heard: list[str] = []
        panel.status_message.connect(lambda text, kind: heard.append(text))
        with qtbot.waitSignal(panel.pools.failed, timeout=PATIENCE_MS):
            window.open_path(tmp_path / "bad.png")
            assert heard == ["Opening bad.png…"]
        assert heard == ["Opening bad.png…", "bad.png was not opened"]
        assert window.session.recent_files == []
        (refusal,) = panel.messages.messages()
        with qtbot.waitSignal(panel.pools.loaded, timeout=PATIENCE_MS):
            window.open_path(tmp_path / "good.png")
        assert heard[2:] == ["Opening good.png…", "Opened good.png"]
        assert window.session.recent_files == [str(tmp_path / "good.png")]
        assert refusal not in panel.messages.messages()


def test_a_model_that_is_not_added_was_not_opened(qtbot: QtBot, tmp_path: Path) -> None:
    path = _weights(tmp_path)
    with opened_small(qtbot) as (window, panel):
        heard: list[str] = []
        panel.status_message.connect(lambda text, kind: heard.append(text))
        for ending in ("reject", "accept"):
            assert window.open_path(path)
            (dialog,) = [d for d in panel.picker.findChildren(OwnModelDialog) if d.isVisible()]
            qtbot.waitUntil(dialog.add_button.isEnabled, timeout=PATIENCE_MS)
            dialog.reject() if ending == "reject" else dialog.add_button.click()
        opening = "Opening mine.safetensors…"
        assert heard == [opening, "mine.safetensors was not opened", opening, "Added mine"]
        assert window.session.recent_files == [str(path)]


def test_what_lies_behind_a_transparent_picture_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    figure = Image.new("RGBA", (30, 30), (0, 0, 0, 0))
    figure.paste((255, 255, 255, 255), (10, 5, 20, 25))
    figure.save(tmp_path / "figure.png")
    with opened_small(qtbot) as (_, panel):
        with qtbot.waitSignal(panel.pools.loaded, timeout=PATIENCE_MS):
            panel.pools.open_path(tmp_path / "figure.png")
        assert panel.source_picker.remark.isVisible()
        assert panel.source_picker.remark.text() == "1 picture has transparent parts: they are black here."
        panel.source_picker.set_source("digits")
        assert not panel.source_picker.remark.isVisible()


def test_a_drawing_is_one_picture_and_no_pool_for_an_experiment(qtbot: QtBot) -> None:
    with opened_small(qtbot) as (_, panel):
        panel.pools.set_source(DRAWING)
        pixels = np.zeros((28, 28), np.uint8)
        pixels[5:22, 13:15] = 255
        with qtbot.waitSignal(panel.pools.loaded) as loaded:
            panel.source_picker.pad.set_pixels(pixels)
        assert loaded.args[0].images.shape == (1, 1, 28, 28) and loaded.args[0].images.max() > 0.8
        with pytest.raises(UserError, match="drawing"):
            panel.pools.for_spec()


def test_only_the_newest_load_is_told(qtbot: QtBot) -> None:
    with opened_small(qtbot) as (_, panel):
        told = []
        panel.pools.loaded.connect(told.append)
        panel.pools.set_source("photos")
        with qtbot.waitSignal(panel.pools.loaded, timeout=PATIENCE_MS):
            panel.pools.set_source("digits")
        assert [pool.source for pool in told] == ["digits"]


def _weights(folder: Path, **architecture: object) -> Path:
    import torch
    from safetensors.torch import save_file

    from engines.vision.nets.zoo import build

    torch.manual_seed(0)
    path = folder / "mine.safetensors"
    save_file(build({"kind": "stdcnn", "classes": 10, **architecture}).state_dict(), path)
    return path


def test_a_dropped_model_is_inspected_tried_and_added(qtbot: QtBot, tmp_path: Path) -> None:
    picture = tmp_path / "seven.png"
    Image.fromarray(np.full((28, 28), 128, np.uint8)).save(picture)
    with opened_small(qtbot) as (_, panel):
        panel.own.open_path(_weights(tmp_path))
        dialog = panel.picker.findChild(OwnModelDialog)
        qtbot.waitUntil(lambda: dialog.add_button.isEnabled(), timeout=PATIENCE_MS)
        assert dialog.form.kind.currentText() == "stdcnn"
        dialog.try_picture(picture)
        qtbot.waitUntil(lambda: "seven.png: " in dialog.verdict.text() and "%" in dialog.verdict.text(),
                        timeout=PATIENCE_MS)  # fmt: skip
        with qtbot.waitSignal(panel.own.changed) as changed:
            dialog.add_button.click()
        assert changed.args == ["mine"] and panel.picker.selection() == ["mine"]
        assert [model.name for model in own_models()] == ["mine"]
        panel.own.remove("mine")
        assert own_models() == [] and panel.picker.selection() == []
        panel.own.remove("mine")
        assert any("no model of yours" in m.what for m in panel.messages.messages())


def test_weights_of_another_width_are_added_with_it(qtbot: QtBot, tmp_path: Path) -> None:
    from engines.vision.nets.models import load_model

    with opened_small(qtbot) as (_, panel):
        panel.own.open_path(_weights(tmp_path, kind="gcnn", width=0.5))
        dialog = panel.picker.findChild(OwnModelDialog)
        qtbot.waitUntil(lambda: dialog.add_button.isEnabled(), timeout=PATIENCE_MS)
        with qtbot.waitSignal(panel.own.changed):
            dialog.add_button.click()
        (added,) = own_models()
        assert added.architecture == {"kind": "gcnn", "input_shape": [1, 28, 28], "classes": 10, "width": 0.5}
        assert load_model("mine", "cpu").card.parameters == 38_935


def test_a_file_that_is_no_model_is_refused_in_the_dialog(qtbot: QtBot, tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nothing of the kind")
    with opened_small(qtbot) as (_, panel):
        panel.own.open_path(bad)
        dialog = panel.picker.findChild(OwnModelDialog)
        qtbot.waitUntil(lambda: bool(dialog.messages.messages()), timeout=PATIENCE_MS)
        assert not dialog.add_button.isEnabled()
        dialog.reject()
        with pytest.raises(UserError):
            panel.own.open_path(tmp_path / "gone.pt2")


def test_closing_while_a_file_is_looked_into_leaves_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_small(qtbot) as (_, panel):
        panel.own.open_path(_weights(tmp_path))
        panel.pools.set_source("digits")


def test_shipped_models_come_first_and_own_ones_last(tmp_path: Path) -> None:
    path = _weights(tmp_path)
    architecture = {"kind": "stdcnn"}
    add_own_model(OwnModel("a first", str(path), tuple("0123456789"), (1, 28, 28), architecture=architecture))
    items = model_items((1, 28, 28))
    assert items[-1].name == "a first" and items[-1].is_own
    assert [i.is_shipped for i in items] == sorted([i.is_shipped for i in items], reverse=True)
