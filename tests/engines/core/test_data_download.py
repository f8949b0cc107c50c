"""Fetching against a server on this machine: progress, checksums, cancelling and resuming."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engines.core import data
from engines.core.data import DataFile, DataSet, Layout, download, registry
from engines.core.errors import Cancelled, UserError
from tests.engines.core.file_server import FileServer

BODY = np.random.default_rng(5).integers(0, 256, 1_000_000, dtype=np.uint8).tobytes()
LABELS = bytes(1000)


@pytest.fixture
def server() -> Iterator[FileServer]:
    owner = FileServer({"a.bin": BODY, "b.bin": LABELS})
    running = owner.start()
    yield owner
    owner.released.set()
    running.shutdown()
    running.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "data"


@pytest.fixture
def entry(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> DataSet:
    """A set of two files on that server, known as "toy"."""

    def read(paths: tuple[Path, ...], split: str, check: object) -> tuple[np.ndarray, np.ndarray]:
        images = np.frombuffer(paths[0].read_bytes(), np.uint8).reshape(1000, 10, 100, 1)
        return images, np.frombuffer(paths[1].read_bytes(), np.uint8).astype(np.int64)

    files = tuple(
        DataFile(f"toy/{name}", len(body), hashlib.sha256(body).hexdigest(), (server.url(name),))
        for name, body in server.files.items()
    )
    made = DataSet(
        name="toy", title="Toy", kind="images", licence="CC0", citation="", page="", splits=("train",),
        layouts=(Layout({"train": files}, read),),
    )  # fmt: skip
    monkeypatch.setitem(registry._sets, "toy", made)
    return made


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_fetched_set_loads_and_its_progress_counts_all_bytes(entry: DataSet, home: Path) -> None:
    with pytest.raises(data.MissingData, match=r"Toy \(1\.0 MB\) is not on this machine.*data fetch toy"):
        data.load("toy")
    said: list[tuple[float, float]] = []
    folder = data.fetch("toy", progress=lambda done, total, text: said.append((done, total)))
    assert folder == home / "toy" and leftovers(home) == ["a.bin", "b.bin"]
    assert said[0] == (0, entry.size) and said[-1] == (entry.size, entry.size)
    assert [done for done, _ in said] == sorted(done for done, _ in said) and len(said) > 5
    assert data.load("toy").images.tobytes() == BODY
    assert data.status("toy").state == "ready"


def test_what_is_there_is_not_fetched_again(entry: DataSet, server: FileServer, home: Path) -> None:
    data.fetch("toy")
    server.requests.clear()
    data.fetch("toy")
    assert server.requests == []
    (home / "toy" / "b.bin").unlink()
    assert data.status("toy").state == "partial"
    data.fetch("toy")
    assert [path for path, _ in server.requests] == ["/b.bin"]


def test_files_in_the_given_folder_come_before_the_cache_and_before_the_network(
    entry: DataSet, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "given" / "toy"
    given.mkdir(parents=True)
    for name, body in server.files.items():
        (given / name).write_bytes(body)
    assert data.fetch("toy", data_dir=given.parent) == given
    assert len(data.load("toy", data_dir=given.parent)) == 1000
    monkeypatch.setenv("WORKBENCH_DATA", str(given.parent))
    assert len(data.load("toy")) == 1000 and server.requests == []


def test_a_wrong_checksum_is_refused_and_leaves_nothing_that_could_be_used(
    entry: DataSet, server: FileServer, home: Path
) -> None:
    server.files["a.bin"] = BODY[:-1] + b"?"
    with pytest.raises(UserError, match="another checksum"):
        data.fetch("toy")
    assert leftovers(home) == []
    with pytest.raises(data.MissingData):
        data.load("toy")


def test_a_longer_file_than_the_known_one_is_refused(entry: DataSet, server: FileServer, home: Path) -> None:
    server.files["a.bin"] = BODY + BODY
    with pytest.raises(UserError, match=r"a\.bin"):
        data.fetch("toy")
    assert leftovers(home) == []


def test_the_next_address_is_used_when_the_first_fails(
    entry: DataSet, server: FileServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = entry.files[0]
    mirrored = DataFile(first.path, first.size, first.sha256, (server.url("gone.bin"), *first.urls))
    assert download.fetch_file(mirrored, home).read_bytes() == BODY
    assert [path for path, _ in server.requests] == ["/gone.bin", "/a.bin"]


def test_a_broken_connection_is_resumed_by_the_next_fetch(entry: DataSet, server: FileServer, home: Path) -> None:
    server.cut = [400_000]
    with pytest.raises(UserError, match="try again"):
        data.fetch("toy")
    kept = (home / "toy" / "a.bin.part").stat().st_size
    assert 0 < kept <= 400_000 and not (home / "toy" / "a.bin").exists()
    said: list[float] = []
    data.fetch("toy", progress=lambda done, total, text: said.append(done))
    assert ("/a.bin", f"bytes={kept}-") in server.requests
    assert said[1] == kept, "progress goes on from what was kept"
    assert leftovers(home) == ["a.bin", "b.bin"] and data.load("toy").images.tobytes() == BODY


def test_a_server_that_cannot_resume_starts_over(entry: DataSet, server: FileServer, home: Path) -> None:
    server.ranges, server.cut = False, [300_000]
    with pytest.raises(UserError):
        data.fetch("toy")
    data.fetch("toy")
    assert data.load("toy").images.tobytes() == BODY


def test_a_spoilt_part_is_thrown_away_and_fetched_afresh(entry: DataSet, server: FileServer, home: Path) -> None:
    part = home / "toy" / "a.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(500_000))
    data.fetch("toy")
    assert [wanted for path, wanted in server.requests if path == "/a.bin"] == ["bytes=500000-", ""]
    assert data.load("toy").images.tobytes() == BODY


def test_cancelling_keeps_the_part_and_uses_none_of_it(entry: DataSet, server: FileServer, home: Path) -> None:
    server.pause_s = 0.02
    so_far: list[float] = []

    def check() -> None:
        if so_far and so_far[-1] > 200_000:
            raise Cancelled

    with pytest.raises(Cancelled):
        data.fetch("toy", progress=lambda done, total, text: so_far.append(done), check=check)
    assert leftovers(home) == ["a.bin.part"]
    with pytest.raises(data.MissingData):
        data.load("toy")
    data.fetch("toy")
    assert data.load("toy").images.tobytes() == BODY


def test_a_silent_server_does_not_delay_cancelling(
    entry: DataSet, server: FileServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stall = True
    waiting = threading.Event()
    asked: list[float] = []

    def check() -> None:
        if waiting.is_set():
            asked.append(time.monotonic())
            raise Cancelled

    threading.Timer(0.5, waiting.set).start()
    with pytest.raises(Cancelled):
        data.fetch("toy", check=check)
    assert time.monotonic() - asked[0] < 2.0, "it does not wait for the server's next byte"
    server.released.set()


def test_no_server_at_all_is_a_clear_message(entry: DataSet, home: Path) -> None:
    file = entry.files[0]
    lost = DataFile(file.path, file.size, file.sha256, ("http://127.0.0.1:9/a.bin",))
    with pytest.raises(UserError, match=r"could not download a\.bin.*check the connection") as caught:
        download.fetch_file(lost, home)
    assert str(home) in caught.value.remedy


def test_an_error_answer_is_named(entry: DataSet, server: FileServer) -> None:
    server.status = 503
    with pytest.raises(UserError, match="503"):
        data.fetch("toy")


def test_two_fetches_at_once_bring_each_file_once(entry: DataSet, server: FileServer, home: Path) -> None:
    server.pause_s = 0.01
    failures: list[BaseException] = []

    def work() -> None:
        try:
            data.fetch("toy")
        except (UserError, OSError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == [] and leftovers(home) == ["a.bin", "b.bin"]
    assert sorted(path for path, _ in server.requests) == ["/a.bin", "/b.bin"]


def test_the_lock_of_a_dead_process_is_taken_over(entry: DataSet, home: Path) -> None:
    lock = home / "toy" / "a.bin.lock"
    lock.parent.mkdir(parents=True)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock.write_text(str(gone.pid))
    data.fetch("toy")
    assert leftovers(home) == ["a.bin", "b.bin"]


def test_verify_tells_missing_damaged_and_whole_files_apart(entry: DataSet, home: Path) -> None:
    assert [r.state for r in data.verify("toy")] == ["missing", "missing"]
    data.fetch("toy")
    assert [r.state for r in data.verify("toy")] == ["ok", "ok"]
    (home / "toy" / "a.bin").write_bytes(bytes(len(BODY)))
    assert [r.state for r in data.verify("toy")] == ["damaged", "ok"]
    with pytest.raises(data.MissingData, match=r"a\.bin is damaged"):
        data.load("toy")
    data.fetch("toy")
    assert [r.state for r in data.verify("toy")] == ["ok", "ok"]


def test_a_full_disk_is_said_before_anything_is_fetched(
    entry: DataSet, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engines.core.data import access

    monkeypatch.setattr(access.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(UserError, match="do not fit"):
        data.fetch("toy")
    assert server.requests == []
