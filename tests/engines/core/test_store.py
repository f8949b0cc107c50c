"""The run store: what it remembers, and what a kill or a damaged file can do to it."""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engines.core import packing, schema
from engines.core.errors import UserError
from engines.core.store import Store
from tests.engines.core import checkpoint_writer

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store")
    yield opened
    opened.close()


@dataclass(frozen=True)
class Figures:
    """score: a figure. curve: float64 [P]. picture: uint8 [H, W]."""

    score: float
    label: str
    curve: np.ndarray
    picture: np.ndarray

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {"curve": {"step": np.arange(len(self.curve)), "value": self.curve}}


def same(left: Any, right: Any) -> bool:
    """Equal in value and type, arrays in dtype and shape too, NaN equal to itself."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray | np.generic):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right or (left != left and right != right)


def test_a_run_is_remembered_by_another_store_on_the_same_folder(store: Store) -> None:
    run_id = store.create("probe.count", {"steps": 3, "rate": 0.1}, (0, 1), "cpu", "1.2")
    store.set_status(run_id, "done", {"score": 0.5, "nothing": float("nan")})
    with_other_eyes = Store(store.root)
    record = with_other_eyes.run(run_id)
    with_other_eyes.close()
    assert (record.name, record.spec, record.seeds) == ("probe.count", {"steps": 3, "rate": 0.1}, (0, 1))
    assert (record.device, record.code_version, record.status) == ("cpu", "1.2", "done")
    assert record.metrics == {"score": 0.5, "nothing": None}
    assert store.folder(run_id).is_dir()


def test_runs_are_listed_newest_first_and_chosen_by_status_and_name(store: Store) -> None:
    first = store.create("probe.a", {})
    second = store.create("probe.b", {})
    third = store.create("probe.a", {})
    store.set_status(second, "failed", error={"what": "no"})
    assert [r.id for r in store.runs()] == [third, second, first]
    assert [r.id for r in store.runs(name="probe.a")] == [third, first]
    assert [r.id for r in store.runs(status="failed")] == [second]
    assert [r.id for r in store.runs(limit=1)] == [third]
    assert store.run(second).error == {"what": "no"}


def test_going_on_forgets_the_error_of_the_time_before(store: Store) -> None:
    run_id = store.create("probe.a", {})
    store.set_status(run_id, "failed", error={"what": "no"})
    store.set_status(run_id, "running")
    assert store.run(run_id).error == {}


def test_an_unknown_run_and_a_path_for_an_id_are_the_users_mistakes(store: Store) -> None:
    with pytest.raises(UserError, match="no run 'nothing'"):
        store.run("nothing")
    for bad in ("../elsewhere", "", "/etc", ".hidden"):
        with pytest.raises(UserError, match="id of a run"):
            store.folder(bad)
    with pytest.raises(ValueError, match="status"):
        store.set_status(store.create("probe.a", {}), "asleep")


def test_a_store_can_be_pickled_and_used_by_many_threads(store: Store) -> None:
    copy: Store = pickle.loads(pickle.dumps(store))
    made: list[str] = []

    def work(where: Store) -> None:
        for _ in range(10):
            made.append(where.create("probe.a", {}))
            where.set_status(made[-1], "done")

    threads = [threading.Thread(target=work, args=(where,)) for where in (store, copy, store, copy)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    copy.close()
    assert len(set(made)) == 40 == len(store.runs(status="done"))


def test_the_database_is_in_wal_mode_and_has_the_present_version(store: Store) -> None:
    store.create("probe.a", {})
    connection = sqlite3.connect(store.database)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(schema.STEPS),)
    connection.close()


def test_a_database_of_the_first_version_is_brought_up_with_its_runs(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "runs.sqlite3")
    for statement in schema.STEPS[0]:
        connection.execute(statement)
    connection.execute(
        "INSERT INTO runs (id, name, spec, status, created, updated) VALUES ('old', 'probe.a', '{}', 'done', 1, 2)"
    )
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    store = Store(tmp_path)
    assert (store.run("old").status, store.run("old").owner_pid, store.notices) == ("done", 0, [])
    store.set_status("old", "running")
    assert store.run("old").owner_pid == os.getpid()
    store.close()


def test_a_database_of_a_later_program_is_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create("probe.a", {})
    store.close()
    connection = sqlite3.connect(store.database)
    connection.execute(f"PRAGMA user_version = {len(schema.STEPS) + 1}")
    connection.commit()
    connection.close()
    with pytest.raises(UserError, match="later version"):
        Store(tmp_path)
    connection = sqlite3.connect(store.database)
    assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize("damage", ["garbage", "zeros", "middle", "header"])
def test_a_damaged_database_is_set_aside_and_made_anew_from_the_runs_folders(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    runs = [store.create("probe.a", {"steps": i}) for i in range(60)]
    store.set_status(runs[0], "done", {"score": 1.5})
    store.close()
    content = bytearray(store.database.read_bytes())
    if damage == "garbage":
        content = bytearray(b"not a database at all, sorry" * 100)
    elif damage == "zeros":
        content[:] = bytes(len(content))
    elif damage == "header":
        content[:100] = b"\xff" * 100
    else:
        content[4096:12288] = b"\xa5" * 8192
    store.database.write_bytes(content)
    again = Store(tmp_path)
    assert {r.id for r in again.runs()} == set(runs)
    assert again.run(runs[0]).metrics == {"score": 1.5}
    assert len(again.notices) == 1
    assert "60 found" in again.notices[0]
    backups = [p for p in tmp_path.glob("runs.damaged-*.sqlite3")]
    assert [p.read_bytes() for p in backups] == [bytes(content)]
    assert backups[0].name in again.notices[0]
    again.close()


def test_damage_that_shows_only_later_is_mended_then(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_id = store.create("probe.a", {})
    store.close()
    reader = Store(tmp_path)
    reader._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    with store.database.open("r+b") as file:
        file.write(b"\0" * 4096)
    reader._connection.execute("PRAGMA shrink_memory")  # type: ignore[union-attr]
    assert [r.id for r in reader.runs()] == [run_id]
    reader.set_status(run_id, "done")
    assert reader.run(run_id).status == "done"
    reader.close()


def test_a_damaged_run_folder_costs_only_that_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    good, bad = store.create("probe.a", {}), store.create("probe.a", {})
    (store.folder(bad) / "run.json").write_text('{"id": "tru', encoding="utf-8")
    store.close()
    store.database.write_bytes(b"garbage" * 1000)
    again = Store(tmp_path)
    assert [r.id for r in again.runs()] == [good]
    assert any(bad in notice for notice in again.notices)
    again.close()


def test_a_folder_that_cannot_be_made_is_said_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        Store(tmp_path / "file" / "store")
    assert "WORKBENCH_HOME" in caught.value.remedy


def test_runs_whose_process_is_gone_are_interrupted_and_those_of_living_ones_are_not(store: Store) -> None:
    mine = store.create("probe.a", {})
    kept = store.create("probe.a", {})
    done = store.create("probe.a", {})
    store.set_status(done, "done")
    script = (
        "import sys; from pathlib import Path; from engines.core.store import Store\n"
        "sys.stdout.write(Store(Path(sys.argv[1])).create('probe.a', {}) + '\\n'); sys.stdout.flush()\n"
        "sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(store.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as other:
        assert other.stdout is not None
        theirs = other.stdout.readline().strip()
        assert set(store.mark_interrupted({kept})) == {mine}
        assert store.run(theirs).status == "running"
        other.kill()
    assert store.mark_interrupted({kept}) == [theirs]
    assert [store.run(r).status for r in (mine, kept, done, theirs)] == [
        "interrupted",
        "running",
        "done",
        "interrupted",
    ]


def test_a_checkpoint_comes_back_with_every_type(store: Store) -> None:
    run_id = store.create("probe.a", {})
    state = {
        "numbers": [1, 2.5, True, None, float("inf"), 2**100],
        "pair": (1, ("a", b"\0\xff")),
        "by number": {3: "three", 1.5: "x"},
        "$": {"tagged": 1},
        "arrays": {"bool": np.array([True, False]), "half": np.ones((2, 0, 3), np.float16)},
        "text": np.array(["a", "längér"]),
        "strided": np.arange(12, dtype=np.int64).reshape(3, 4)[:, ::2],
        "scalar": np.float32(1 / 3),
        "complex": np.array([1 + 2j]),
        "zero dimensions": np.array(7, np.uint8),
    }
    store.save_checkpoint(run_id, state)
    back = store.load_checkpoint(run_id)
    assert back is not None
    assert same(state, back)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | arrays.arrays(st.sampled_from([np.int8, np.float32, np.uint16, np.bool_]), arrays.array_shapes(min_dims=0)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), PLAIN, max_size=4))
def test_whatever_can_be_packed_is_unpacked_the_same(state: dict[str, Any]) -> None:
    head, body = packing.pack(state)
    assert same(state, packing.unpack(head + bytes(body)))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_altered_or_cut_bytes_are_never_taken_for_a_state(data: st.DataObject) -> None:
    head, body = packing.pack({"a": np.arange(50), "b": "text"})
    whole = head + bytes(body)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(packing.Damaged):
        packing.unpack(whole[:cut])
    place, flip = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(1, 255))
    altered = bytearray(whole)
    altered[place] ^= flip
    with pytest.raises(packing.Damaged):
        packing.unpack(altered)


@pytest.mark.parametrize("bad", [object(), {1, 2}, np.array([object()]), {(1, 2): 3}, lambda: None])
def test_what_cannot_be_stored_is_refused_by_its_place_and_leaves_the_old_one(store: Store, bad: Any) -> None:
    run_id = store.create("probe.a", {})
    store.save_checkpoint(run_id, {"step": 1})
    with pytest.raises(TypeError, match=r"state\['deep'\]\[1\]"):
        store.save_checkpoint(run_id, {"deep": [0, bad]})
    assert store.load_checkpoint(run_id) == {"step": 1}


def test_only_the_last_two_checkpoints_are_kept_and_none_once_it_is_done(store: Store) -> None:
    run_id = store.create("probe.a", {})
    assert store.load_checkpoint(run_id) is None
    assert not store.has_checkpoint(run_id)
    for step in range(5):
        store.save_checkpoint(run_id, {"step": step})
    assert len(list(store.folder(run_id).glob("checkpoint-*"))) == 2
    assert store.load_checkpoint(run_id) == {"step": 4}
    store.set_status(run_id, "done")
    assert not store.has_checkpoint(run_id)


@pytest.mark.parametrize("damage", ["cut", "empty", "altered", "pickle"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(store: Store, damage: str) -> None:
    run_id = store.create("probe.a", {})
    for step in (1, 2):
        store.save_checkpoint(run_id, {"step": step, "array": np.zeros(1000)})
    newest = max(store.folder(run_id).glob("checkpoint-*"))
    content = newest.read_bytes()
    altered = content[:-500] + bytes([content[-500] ^ 1]) + content[-499:]
    fakes = {
        "cut": content[: len(content) // 2],
        "empty": b"",
        "altered": altered,
        "pickle": pickle.dumps({}),
    }
    newest.write_bytes(fakes[damage])
    state = store.load_checkpoint(run_id)
    assert state is not None
    assert state["step"] == 1
    assert newest.name in store.notices[-1]
    store.save_checkpoint(run_id, {"step": 3})
    assert store.load_checkpoint(run_id) == {"step": 3}


def test_a_full_disk_keeps_the_previous_checkpoint_and_leaves_no_rubbish(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.create("probe.a", {})
    store.save_checkpoint(run_id, {"step": 1})
    before = sorted(p.name for p in store.folder(run_id).iterdir())

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left") as caught:
        store.save_checkpoint(run_id, {"step": 2})
    assert "free some disk space" in caught.value.remedy
    monkeypatch.undo()
    assert sorted(p.name for p in store.folder(run_id).iterdir()) == before
    assert store.load_checkpoint(run_id) == {"step": 1}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_killed_at_twenty_random_moments_every_acknowledged_checkpoint_survives(store: Store) -> None:
    run_id = store.create("probe.train", {})
    random = np.random.default_rng(20)
    newest = recorded = 0
    for _ in range(20):
        acknowledged = killed_writer(store, run_id, newest + 1, pause_s=float(random.uniform(0, 0.04)))
        state = store.load_checkpoint(run_id)
        assert state is not None
        assert state["number"] in (acknowledged, acknowledged + 1)
        assert np.array_equal(state["array"], np.full(checkpoint_writer.SIZE, state["number"]))
        assert state["nested"] == {"list": [state["number"], str(state["number"])]}
        newest = state["number"]
        assert store.mark_interrupted() == [run_id]
        recorded, before = store.run(run_id).metrics.get("number", 0), recorded
        assert before <= recorded <= acknowledged
        assert not list(store.folder(run_id).glob(".*.tmp"))
    assert store.notices == []
    assert len(list(store.folder(run_id).glob("checkpoint-*"))) <= 3


def killed_writer(store: Store, run_id: str, first: int, pause_s: float) -> int:
    """Start a writer, kill it `pause_s` after its first checkpoint; the last number that it said."""
    arguments = [sys.executable, "-m", checkpoint_writer.__name__, str(store.root), run_id, str(first)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT) as writer:
        assert writer.stdout is not None
        said = writer.stdout.readline()
        time.sleep(pause_s)
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.read()
    return int(said.split(b"\n")[-2])


def test_a_result_becomes_json_arrays_and_tables(store: Store) -> None:
    import csv
    import json

    run_id = store.create("probe.a", {"steps": 2}, code_version="9")
    result = Figures(0.5, "good", np.array([1.0, np.nan]), np.arange(200, dtype=np.uint8).reshape(10, 20))
    files = store.save_result(run_id, result)
    folder = store.folder(run_id)
    assert files == [folder / "tables" / "curve.csv", folder / "result.npz", folder / "result.json"]
    value = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert (value["job"], value["spec"], value["code_version"]) == ("probe.a", {"steps": 2}, "9")
    assert value["result"]["curve"] == [1.0, None]
    assert value["result"]["picture"] == {"array": "picture", "shape": [10, 20], "dtype": "uint8"}
    with np.load(folder / "result.npz") as stored:
        assert np.array_equal(stored["picture"], result.picture)
    with (folder / "tables" / "curve.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["step", "value"], ["0", "1.0"], ["1", ""]]


def test_kept_snapshots_come_back_in_order_without_the_damaged(store: Store) -> None:
    run_id = store.create("probe.a", {})
    for step in range(3):
        path = store.keep_snapshot(run_id, Figures(step, "", np.zeros(1), np.zeros((1, 1), np.uint8)))
        if step == 1:
            path.write_bytes(path.read_bytes()[:-5])
    assert [snapshot["score"] for snapshot in store.snapshots(run_id)] == [0, 2]
    assert "000002" in store.notices[-1]


def test_a_deleted_run_takes_its_files_along_unless_it_is_under_way(store: Store) -> None:
    run_id = store.create("probe.a", {})
    folder = store.folder(run_id)
    with pytest.raises(UserError, match="under way"):
        store.delete(run_id)
    store.set_status(run_id, "cancelled")
    store.delete(run_id)
    assert not folder.exists()
    assert store.runs() == []
