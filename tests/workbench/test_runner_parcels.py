"""Objects through pipe and shared memory, and the pace at which they are sent."""

from __future__ import annotations

import threading
import time
import uuid
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
import pytest

from workbench.runner import parcels
from workbench.runner.messages import Progress
from workbench.runner.parcels import LARGE, Parcel, Segments, sweep, unpack
from workbench.runner.publisher import Publisher


@pytest.fixture
def prefix() -> str:
    return f"pwtest{uuid.uuid4().hex[:8]}-"


def _exists(prefix: str, number: int) -> bool:
    try:
        SharedMemory(f"{prefix}{number}").close()
    except FileNotFoundError:
        return False
    return True


def test_small_objects_need_no_segment(prefix: str) -> None:
    parcel = Segments(prefix).pack({"a": np.arange(10)})
    assert parcel is not None
    assert parcel.segment is None
    np.testing.assert_array_equal(unpack(parcel, prefix)["a"], np.arange(10))


def test_a_segment_is_gone_once_it_was_read(prefix: str) -> None:
    segments = Segments(prefix)
    sent = [np.arange(LARGE, dtype=np.uint8), np.ones((300, 100)), "text", np.zeros(LARGE // 8 + 1)]
    parcel = segments.pack(sent)
    assert parcel is not None
    assert parcel.segment == 1
    assert len(parcel.data) < 2000, "no array's bytes go through the pipe"
    assert _exists(prefix, 1)
    got = unpack(parcel, prefix)
    assert not _exists(prefix, 1)
    for ours, theirs in zip(sent, got, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    segments.acknowledged(1)


def test_at_most_four_segments_wait_to_be_read(prefix: str) -> None:
    segments = Segments(prefix)
    array = np.zeros(LARGE)
    waiting = [segments.pack(array, 0.0) for _ in range(Segments.LIMIT)]
    assert all(isinstance(parcel, Parcel) for parcel in waiting)
    assert segments.pack(array, 0.0) is None
    assert waiting[0] is not None
    unpack(waiting[0], prefix)
    segments.acknowledged(1)
    assert segments.pack(array, 0.0) is not None
    segments.close()
    assert not any(_exists(prefix, number) for number in range(1, 7))


def test_what_a_killed_process_left_is_swept(prefix: str) -> None:
    segments = Segments(prefix)
    for _ in range(3):
        segments.pack(np.zeros(LARGE), 0.0)
    assert sweep(prefix, last_read=0) == 3
    assert not any(_exists(prefix, number) for number in range(1, 4))
    assert sweep(prefix, last_read=0) == 0
    segments.close()


def test_without_shared_memory_everything_goes_through_the_pipe(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, size: int) -> SharedMemory:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parcels, "_create", full)
    sent = np.arange(50_000, dtype=np.float64)
    parcel = Segments(prefix).pack((sent, sent[:3]))
    assert parcel is not None
    assert parcel.segment is None
    got = unpack(parcel, prefix)
    np.testing.assert_array_equal(got[0], sent)
    got[0][0] = 5.0  # as writeable as what was sent


class _Sent:
    """Collects what a publisher sends, unpacked, with the time."""

    def __init__(self, interval_s: float) -> None:
        self.items: list[tuple[float, str, int, int, Any]] = []
        self.arrived = threading.Condition()
        self.publisher = Publisher(self.send, Segments(""), interval_s)
        self.publisher.start()

    def send(self, kind: str, job: int, generation: int, body: Any) -> None:
        with self.arrived:
            self.items.append((time.monotonic(), kind, job, generation, unpack(body)))
            self.arrived.notify_all()

    def wait_for(self, count: int) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.items) >= count, 5.0)


def test_the_first_offer_is_sent_at_once_and_the_newest_after_the_interval() -> None:
    sent = _Sent(interval_s=0.1)
    sent.publisher.offer(1, "snapshot", 0, 0)
    sent.wait_for(1)
    for value in range(1, 50):
        sent.publisher.offer(1, "snapshot", value, 3)
    sent.wait_for(2)
    sent.publisher.stop()
    assert [item[1:] for item in sent.items] == [("snapshot", 1, 0, 0), ("snapshot", 1, 3, 49)]
    assert sent.items[1][0] - sent.items[0][0] >= 0.099


def test_jobs_and_kinds_do_not_replace_each_other() -> None:
    sent = _Sent(interval_s=0.01)
    for job in (1, 2):
        for kind in ("snapshot", "progress"):
            sent.publisher.offer(job, kind, (job, kind), 0)
    sent.wait_for(4)
    sent.publisher.stop()
    assert {item[4] for item in sent.items} == {(j, k) for j in (1, 2) for k in ("snapshot", "progress")}


def test_the_last_offer_of_a_job_that_ends_is_sent_without_waiting() -> None:
    sent = _Sent(interval_s=60.0)
    sent.publisher.offer(1, "snapshot", "first", 0)
    sent.wait_for(1)
    sent.publisher.offer(1, "snapshot", "last", 0)
    sent.publisher.flush(1)
    assert [item[4] for item in sent.items] == ["first", "last"]
    sent.publisher.stop()


@pytest.mark.parametrize(
    ("progress", "left"),
    [
        (Progress(25, 100, "", 5.0), 15.0),
        (Progress(100, 100, "", 5.0), 0.0),
        (Progress(0, 100, "", 5.0), None),
        (Progress(10, 0, "", 5.0), None),
    ],
)
def test_time_left_follows_the_pace_so_far(progress: Progress, left: float | None) -> None:
    assert progress.seconds_left == left
