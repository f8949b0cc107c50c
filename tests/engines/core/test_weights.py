"""Weights on disk: round trips, where they are found, and files that must be refused."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from engines.core import paths, weights
from engines.core.errors import UserError
from engines.core.weights import ModelCard

CARD = ModelCard(
    "any",
    topic="probe",
    title="A probe",
    architecture={"kind": "probe", "sizes": [5, 7], "rate": 0.5},
    classes=("cat", "dog"),
    licence="Apache-2.0",
    metrics={"accuracy": 0.9, "never": float("nan")},
)


def some_tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "layer.weight": torch.randn(4, 3, generator=generator),
        "layer.bias": torch.zeros(4, dtype=torch.bfloat16),
        "steps": torch.tensor(7),
        "transposed": torch.arange(6).reshape(2, 3).T,
    }


class Bomb:
    """Unpickling it would run code: it leaves a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that takes the place of the shipped weights."""
    folder = tmp_path / "resources" / "weights"
    folder.mkdir(parents=True)
    monkeypatch.setattr(paths, "shipped_weights_folder", lambda: folder)
    return folder


def test_tensors_and_card_come_back_as_they_were(tmp_path: Path) -> None:
    written = weights.save_weights(tmp_path / "toy.safetensors", some_tensors(), CARD)
    tensors, card = weights.load_weights(tmp_path / "toy.safetensors")
    assert tensors.keys() == some_tensors().keys()
    for name, tensor in some_tensors().items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)
    assert card == written
    assert (card.name, card.parameters, card.classes) == ("toy", 4 * 3 + 4 + 1 + 6, ("cat", "dog"))
    assert card.architecture == {"kind": "probe", "sizes": [5, 7], "rate": 0.5}
    assert card.metrics == {"accuracy": 0.9, "never": None}
    assert card.bytes == (tmp_path / "toy.safetensors").stat().st_size


def test_killed_between_file_and_card_the_new_weights_still_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights.save_weights(tmp_path / "toy", some_tensors(), CARD)

    def killed(path: Path, value: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(weights.atomic, "write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        weights.save_weights(tmp_path / "toy", {"other": torch.ones(1)}, CARD)
    tensors, card = weights.load_weights(tmp_path / "toy.safetensors")
    assert list(tensors) == ["other"]
    assert card.architecture["kind"] == "probe"


def test_the_suffix_may_be_left_out_and_dots_in_the_name_are_kept(tmp_path: Path) -> None:
    weights.save_weights(tmp_path / "net-1.5", some_tensors(), CARD)
    assert (tmp_path / "net-1.5.safetensors").is_file()
    assert weights.read_card(tmp_path / "net-1.5.safetensors").name == "net-1.5"


def test_a_file_that_lost_its_card_explains_itself(tmp_path: Path) -> None:
    weights.save_weights(tmp_path / "toy", some_tensors(), CARD)
    (tmp_path / "toy.json").unlink()
    _, card = weights.load_weights(tmp_path / "toy.safetensors")
    assert (card.title, card.architecture["kind"]) == ("A probe", "probe")


def test_a_foreign_file_without_any_card_loads_with_an_empty_architecture(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"w": torch.ones(2)}, tmp_path / "foreign.safetensors")
    tensors, card = weights.load_weights(str(tmp_path / "foreign.safetensors"))
    assert torch.equal(tensors["w"], torch.ones(2))
    assert (card.name, card.architecture) == ("foreign", {})


def test_names_are_found_among_the_shipped_first_then_the_users(shipped: Path) -> None:
    user = paths.user_weights_folder()
    weights.save_weights(shipped / "both", some_tensors(), CARD)
    weights.save_weights(user / "both", some_tensors(), CARD)
    weights.save_weights(user / "mine", some_tensors(), CARD)
    assert weights.find_weights("both") == shipped / "both.safetensors"
    assert weights.find_weights("mine") == user / "mine.safetensors"
    assert weights.find_weights("mine.safetensors") == user / "mine.safetensors"
    assert weights.find_weights(user / "both.safetensors") == user / "both.safetensors"
    assert [card.name for card in weights.list_weights()] == ["both", "mine"]
    assert weights.list_weights()[0].path == shipped / "both.safetensors"


def test_an_unknown_name_is_answered_with_the_nearest_and_never_leaves_the_folders(shipped: Path) -> None:
    weights.save_weights(shipped / "hex-three-head", some_tensors(), CARD)
    with pytest.raises(UserError, match="did you mean hex-three-head"):
        weights.find_weights("hex-tree-head")
    with pytest.raises(UserError, match="known: hex-three-head"):
        weights.find_weights("zzz")
    for bad in ("", "../weights/hex-three-head", "/nowhere/at/all"):
        with pytest.raises(UserError, match="no weights called"):
            weights.find_weights(bad)


def test_altered_weights_are_noticed_by_their_cards_hash(tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    weights.save_weights(path, some_tensors(), CARD)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="not the file that its card describes"):
        weights.load_weights(path)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 100, b"\x10" + b"\0" * 7 + b"not json at all!"])
def test_a_damaged_file_is_refused_with_or_without_card(shipped: Path, content: bytes) -> None:
    weights.save_weights(shipped / "bad", some_tensors(), CARD)
    (shipped / "bad.safetensors").write_bytes(content)
    with pytest.raises(UserError):
        weights.load_weights("bad")
    (shipped / "bad.json").unlink()
    with pytest.raises(UserError, match="damaged"):
        weights.load_weights("bad")
    assert weights.list_weights() == []
    assert [path.name for path, _ in weights.problems()] == ["bad.safetensors"]


@pytest.mark.parametrize(
    "card",
    ["", "{", "[]", '{"format": 1}', '{"name": "x", "metrics": 3}', '{"name": "x", "classes": "ab"}', "\xff"],
)
def test_a_damaged_card_is_said_and_hides_no_other_weights(shipped: Path, card: str) -> None:
    weights.save_weights(shipped / "good", some_tensors(), CARD)
    weights.save_weights(shipped / "odd", some_tensors(), CARD)
    (shipped / "odd.json").write_text(card, encoding="latin-1")
    with pytest.raises(UserError, match=r"odd\.json"):
        weights.load_weights("odd")
    assert [c.name for c in weights.list_weights()] == ["good"]
    assert len(weights.problems()) == 1


def test_a_card_of_a_later_version_is_read_for_what_is_known(shipped: Path) -> None:
    weights.save_weights(shipped / "toy", some_tensors(), CARD)
    values = json.loads((shipped / "toy.json").read_text(encoding="utf-8"))
    (shipped / "toy.json").write_text(json.dumps({**values, "format": 9, "mood": "new"}), encoding="utf-8")
    assert weights.load_weights("toy")[1].title == "A probe"


@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict", "model"])
def test_a_users_torch_file_of_tensors_is_read(tmp_path: Path, key: str | None) -> None:
    table = {"w": torch.ones(2), "b": torch.zeros(1)}
    torch.save(table if key is None else {key: table, "epoch": 3}, tmp_path / "user.pt")
    tensors, card = weights.load_weights(tmp_path / "user.pt")
    assert tensors.keys() == {"w", "b"}
    assert card.architecture == {}


def test_a_torch_file_that_holds_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2), "x": Bomb(tmp_path / "exploded")}, tmp_path / "evil.pt")
    with pytest.raises(UserError, match="run code") as caught:
        weights.load_weights(tmp_path / "evil.pt")
    assert "state_dict" in caught.value.remedy
    assert not (tmp_path / "exploded").exists()


def test_a_bare_pickle_is_refused_under_any_name_and_does_not_run(tmp_path: Path) -> None:
    for name in ("evil.pt", "evil.pth", "evil.bin", "evil.safetensors", "evil.pkl", "evil"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
        with pytest.raises(UserError):
            weights.load_weights(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"hello" * 30, b"\x80\x02."])
def test_a_torch_file_of_rubbish_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rubbish.pt").write_bytes(content)
    with pytest.raises(UserError, match=r"rubbish\.pt"):
        weights.load_weights(tmp_path / "rubbish.pt")


def test_a_torch_file_without_named_tensors_is_refused(tmp_path: Path) -> None:
    for value in (
        torch.ones(3),
        [torch.ones(3)],
        {},
        {"a": 1},
        {"state_dict": {"a": torch.ones(1), "b": "text"}},
    ):
        torch.save(value, tmp_path / "odd.pt")
        with pytest.raises(UserError, match="no table of named tensors"):
            weights.load_weights(tmp_path / "odd.pt")


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(UserError, match="could not be written"):
        weights.save_weights(tmp_path / "file" / "toy", some_tensors(), CARD)


def test_listing_and_finding_import_no_torch() -> None:
    script = (
        "import sys; from engines.core import weights; weights.list_weights(); weights.problems()\n"
        "sys.exit('torch' in sys.modules or 'safetensors' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[3]).returncode == 0


def test_a_frozen_program_finds_its_resources_in_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert paths.shipped_weights_folder() == tmp_path / "resources" / "weights"


def test_the_users_folders_are_all_below_the_one_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert paths.data_folder() == home / "data"
    assert paths.cache_folder() == home / "cache"
    assert paths.config_folder() == home / "config"
    monkeypatch.delenv("WORKBENCH_HOME")
    usual = {paths.data_folder(), paths.cache_folder(), paths.config_folder()}
    assert len(usual) >= 2
    assert all("paper-workbench" in str(folder) for folder in usual)


def test_every_shipped_card_matches_its_file_and_says_where_it_comes_from() -> None:
    assert weights.problems() == []
    for card in weights.list_weights():
        assert card.path is not None
        weights.verify(card.path)
        assert card.sha256
        assert all((card.topic, card.architecture, card.input, card.data, card.licence, card.command, card.date))
