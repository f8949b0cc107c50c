"""The registry, its readers and splits; real sets where WORKBENCH_DATA has them."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.core import data
from engines.core.data import readers
from engines.core.data.images import ImageSet, assign_parts
from engines.core.data.places import sha256_of
from engines.core.errors import Cancelled, UserError

GIVEN = os.environ.get("WORKBENCH_DATA", "")
BY_HAND = ("hex-games", "pop909", "piano-midi-de", "asap")
"""Those without an address to fetch them from."""
needs_data = pytest.mark.skipif(not GIVEN, reason="WORKBENCH_DATA is not set: no local data sets")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))


def idx(values: np.ndarray) -> bytes:
    """`values` (uint8) in LeCun's format, packed."""
    shape = np.array(values.shape, ">u4").tobytes()
    return gzip.compress(b"\0\0\x08" + bytes([values.ndim]) + shape + values.tobytes())


def packed(images: np.ndarray) -> np.ndarray:
    """The colour differences that `read_packed` undoes. images: uint8 [N, H, W, 3]."""
    red, green, blue = images.transpose(3, 0, 1, 2)
    planes = np.stack([red - green, green, blue - green])
    for axis in (3, 2):
        planes = np.diff(planes, axis=axis, prepend=np.uint8(0)).astype(np.uint8)
    return planes


def archive(path: Path, batches: dict[str, np.ndarray]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, records in batches.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            entry.size = records.nbytes
            tar.addfile(entry, io.BytesIO(records.tobytes()))
    return path


def test_embedded_sets_load_without_any_file_or_network() -> None:
    for name in ("digits", "photos"):
        assert data.find(name).embedded and data.status(name).state == "embedded"
        assert data.verify(name) == () and data.fetch(name)
    photos = data.load("photos", "all")
    assert photos.shape == (256, 256, 3) and len(photos) == len(data.photo_names()) >= 8
    assert data.load_photo("astronaut").shape == (512, 512, 3)
    with pytest.raises(UserError, match="astronaut"):
        data.load_photo("nobody")


def test_digits_split_into_disjoint_parts_with_every_class() -> None:
    parts = [data.load("digits", split) for split in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [1258, 180, 359]
    for part in parts:
        assert part.images.dtype == np.uint8 and part.images.max() == 255 and set(part.labels) == set(range(10))
    joined = data.load("digits", "all")
    assert len(joined) == 1797 and len(set(joined.keys)) == 1797
    pixels = [p.images.reshape(len(p), -1) for p in parts]
    seen = [set(map(bytes, p)) for p in pixels]
    assert not seen[0] & seen[2], "no training image is tested on"


def test_every_entry_states_its_terms_and_its_files() -> None:
    for entry in data.list_sets():
        assert entry.licence and entry.citation and entry.page.startswith("http") and entry.splits
        for layout in entry.layouts:
            assert set(layout.needs) == set(entry.splits)
            for file in layout.files:
                assert len(file.sha256) == 64 and file.size > 0
        assert entry.downloadable or entry.embedded or entry.name in BY_HAND


def test_names_are_forgiving_and_unknown_ones_are_answered_with_the_known() -> None:
    assert data.find("Fashion_MNIST").name == "fashion-mnist"
    with pytest.raises(UserError, match=r"no data set 'imagenet'.*cifar10"):
        data.find("imagenet")
    with pytest.raises(UserError, match="no split 'dev'"):
        data.load("digits", "dev")
    with pytest.raises(UserError, match="no images"):
        data.load("hex-games", "all")
    with pytest.raises(UserError, match="no images"):
        data.load("pop909", "all")
    with pytest.raises(UserError, match="no games"):
        data.load_games("digits")


def test_a_data_folder_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="--data-dir"):
        data.load("mnist", data_dir="/does/not/exist")
    monkeypatch.setenv("WORKBENCH_DATA", "/does/not/exist")
    with pytest.raises(UserError, match="WORKBENCH_DATA"):
        data.status("mnist")


def test_missing_games_say_where_to_put_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    with pytest.raises(data.MissingData, match="put the files into a data folder"):
        data.load_games()
    with pytest.raises(data.MissingData):
        data.fetch("hex-games")


def test_loading_the_registry_imports_nothing_slow() -> None:
    code = (
        "import sys, engines.core.data as d; d.list_sets(); d.status('digits');"
        "print([m for m in ('torch', 'sklearn', 'skimage', 'PIL', 'pooch', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@given(
    labels=st.lists(st.integers(0, 3), min_size=1, max_size=60),
    shares=st.lists(st.floats(0.05, 0.3), min_size=1, max_size=3),
)
def test_parts_are_disjoint_stable_and_of_the_share_asked_for(labels: list[int], shares: list[float]) -> None:
    keys = [f"image {i}" for i in range(len(labels))]
    part = assign_parts(keys, np.array(labels), shares)
    order = np.random.default_rng(0).permutation(len(labels))
    again = assign_parts([keys[i] for i in order], np.array(labels)[order], shares)
    assert np.array_equal(again, part[order]), "the order of the images decides nothing"
    for label in set(labels):
        count = labels.count(label)
        for i, share in enumerate(shares):
            found = np.sum((part == i) & (np.array(labels) == label))
            assert abs(found - share * count) <= 1


def test_an_image_set_refuses_what_does_not_fit_together() -> None:
    images = np.zeros((4, 2, 2, 1), np.uint8)
    with pytest.raises(ValueError, match="uint8"):
        ImageSet("x", "all", images.astype(np.float32), np.zeros(4, np.int64))
    with pytest.raises(ValueError, match="labels"):
        ImageSet("x", "all", images, np.zeros(3, np.int64))
    whole = ImageSet("x", "all", images, np.array([0, 1, 0, 1]), ("a", "b"), tuple("abcd"))
    assert whole.take([3, 0]).keys == ("d", "a") and list(whole.take(slice(1, 3)).labels) == [1, 0]
    sample = whole.sample(3, np.random.default_rng(1))
    assert len(sample) == 3 and list(sample.keys) == sorted(sample.keys)
    with pytest.raises(ValueError, match="shares"):
        whole.divide(0.7, 0.7)


def test_idx_files_are_read_and_damaged_ones_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (5, 3, 4), dtype=np.uint8)
    path = tmp_path / "x.gz"
    path.write_bytes(idx(values))
    assert np.array_equal(readers.read_idx(path), values)
    whole = path.read_bytes()
    for spoilt in (
        b"",
        b"no gzip",
        whole[:-9],
        gzip.compress(b"\0\0\x08"),
        gzip.compress(b"\0\0\x0d\1\0\0\0\1x"),
    ):
        path.write_bytes(spoilt)
        with pytest.raises(UserError, match=r"x\.gz"):
            readers.read_idx(path)
    path.write_bytes(gzip.compress(gzip.decompress(whole)[:-1]))
    with pytest.raises(UserError, match=r"expected \(5, 3, 4\)"):
        readers.read_idx(path)


def test_both_layouts_of_cifar_give_the_same_pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)
    labels = np.array([3, 1, 4, 1, 5, 9, 2])
    records = np.concatenate([labels[:, None].astype(np.uint8), images.transpose(0, 3, 1, 2).reshape(7, -1)], 1)
    tar = archive(tmp_path / "c.tar.gz", {"data_batch_1.bin": records[:4], "data_batch_2.bin": records[4:]})
    read, seen = readers.read_cifar_archive(tar, ["data_batch_1.bin", "data_batch_2.bin"])
    assert np.array_equal(read, images) and np.array_equal(seen, labels)

    npz = tmp_path / "c.npz"
    np.savez(npz, d=packed(images), labels=labels.astype(np.uint8), classes=np.array([b"a", b"b"]))
    read, seen, classes = readers.read_packed(npz)
    assert np.array_equal(read, images) and np.array_equal(seen, labels) and classes == ("a", "b")


def test_damaged_cifar_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.tar.gz"
    with pytest.raises(UserError, match=r"test_batch\.bin"):
        readers.read_cifar_archive(archive(path, {"other.bin": np.zeros(3073, np.uint8)}), ["test_batch.bin"])
    with pytest.raises(UserError, match="no whole"):
        readers.read_cifar_archive(archive(path, {"test_batch.bin": np.zeros(99, np.uint8)}), ["test_batch.bin"])
    path.write_bytes(archive(path, {"test_batch.bin": np.zeros(3073, np.uint8)}).read_bytes()[:60])
    with pytest.raises(UserError, match=r"c\.tar\.gz"):
        readers.read_cifar_archive(path, ["test_batch.bin"])
    npz = tmp_path / "c.npz"
    for spoilt in (b"", b"PK\3\4 not really", b"\x93NUMPY"):
        npz.write_bytes(spoilt)
        with pytest.raises(UserError, match=r"c\.npz"):
            readers.read_packed(npz)
    np.savez(npz, d=np.zeros((3, 2, 4, 4), np.uint8), labels=np.zeros(5, np.uint8), classes=np.array([b"a"]))
    with pytest.raises(UserError, match="expected uint8"):
        readers.read_packed(npz)


def test_an_npz_with_pickled_members_is_never_unpickled(tmp_path: Path) -> None:
    npz = tmp_path / "c.npz"
    np.savez(npz, d=np.array([{}], dtype=object), labels=np.zeros(1, np.uint8), classes=np.array([b"a"]))
    with pytest.raises(UserError, match="cannot be read"):
        readers.read_packed(npz)


def test_hex_games_are_row_major_cells_and_a_strange_move_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.txt.gz"
    path.write_bytes(gzip.compress(b"a1 b1 a2\n\ni9 c4\n"))
    games = readers.read_hex_games(path, 9)
    assert [list(game) for game in games] == [[0, 1, 9], [80, 29]]
    path.write_bytes(gzip.compress(b"a1\na10\n"))
    with pytest.raises(UserError, match="line 2"):
        readers.read_hex_games(path, 9)


def test_a_checksum_is_computed_once_for_an_unchanged_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 10)
    calls: list[int] = []
    first = sha256_of(path, lambda: calls.append(1))
    assert sha256_of(path, lambda: calls.append(1)) == first == hashlib.sha256(b"x" * 10).hexdigest()
    assert calls == [1]
    path.write_bytes(b"y" * 11)
    assert sha256_of(path) != first


@needs_data
@pytest.mark.parametrize(("name", "mean"), [("mnist", 0.1307), ("fashion-mnist", 0.2860)])
def test_the_published_mean_of_the_training_images_is_found(name: str, mean: float) -> None:
    train, test = data.load(name, "train"), data.load(name, "test")
    assert train.images.shape == (60_000, 28, 28, 1) and test.images.shape == (10_000, 28, 28, 1)
    assert abs(train.images.mean() / 255 - mean) < 5e-5
    if name == "mnist":
        assert list(np.bincount(train.labels)) == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        assert list(np.bincount(test.labels)) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    else:
        assert set(np.bincount(train.labels)) == {6000} and train.classes[9] == "ankle boot"
    fit, held_out = train.divide(0.9, 0.1, names=("fit", "validation"))
    assert len(fit) + len(held_out) == 60_000 and not set(fit.keys) & set(held_out.keys)
    assert held_out.split == "validation"


@needs_data
def test_cifar_test_images_are_the_published_ones_and_stay_decoded(tmp_path: Path) -> None:
    test = data.load("cifar10", "test")
    assert test.images.shape == (10_000, 32, 32, 3) and set(np.bincount(test.labels)) == {1000}
    assert test.classes[3] == "cat"
    copies = list((tmp_path / "cache" / "data" / "decoded").iterdir())
    assert len(copies) == 1
    again = data.load("cifar10", "test")
    assert np.array_equal(again.images, test.images) and np.array_equal(again.labels, test.labels)
    copies[0].write_bytes(copies[0].read_bytes()[:5000])
    assert np.array_equal(data.load("cifar10", "test").images, test.images), "a spoilt copy is made again"


@needs_data
def test_decoding_can_be_cancelled() -> None:
    calls: list[int] = []

    def check() -> None:
        calls.append(1)
        if len(calls) > 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        data.load("cifar10", "test", check=check)


@needs_data
def test_every_local_file_has_the_registered_checksum() -> None:
    for name in ("mnist", "fashion-mnist", "cifar10", *BY_HAND):
        assert data.status(name).state == "ready"
        assert {report.state for report in data.verify(name)} == {"ok"}


@needs_data
def test_the_recorded_games_are_all_there() -> None:
    games = data.load_games()
    assert len(games) == 23_665 and games.size == 9
    assert min(map(len, games.games)) == 2 and max(map(len, games.games)) == 64
    assert all(len(set(game.tolist())) == len(game) and 0 <= game.min() <= game.max() < 81 for game in games.games)
