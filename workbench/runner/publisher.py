"""Sends snapshots and progress at the pace of a window: the newest of each job, and always the last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.runner.parcels import Segments

Key = tuple[int, str]


@dataclass(frozen=True)
class _Offer:
    value: Any
    generation: int


class Publisher:
    """Keeps the newest offer of each job and kind, and sends it once `interval_s` has passed since the last.

    What was offered must not be changed afterwards: it is packed on this thread.
    send: ``(kind, job, generation, body)``.
    """

    def __init__(self, send: Callable[[str, int, int, Any], None], segments: Segments, interval_s: float) -> None:
        self._send = send
        self._segments = segments
        self._interval = interval_s
        self._offers: dict[Key, _Offer] = {}
        self._due: dict[Key, float] = {}
        self._faults: dict[int, BaseException] = {}
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def offer(self, job: int, kind: str, value: Any, generation: int) -> None:
        """Replace what waits of this job and kind. Raises what an earlier offer could not be packed for."""
        self.raise_fault(job)
        with self._changed:
            waited = (job, kind) in self._offers
            self._offers[job, kind] = _Offer(value, generation)
            if not waited:
                self._changed.notify_all()

    def raise_fault(self, job: int) -> None:
        """Raise, in the job's own thread, that its snapshot cannot be sent."""
        if job in self._faults:
            raise self._faults.pop(job)

    def flush(self, job: int) -> None:
        """Send what waits of a job that ends, from the caller's thread, and forget the job."""
        with self._sending:
            for kind in ("progress", "snapshot"):
                with self._changed:
                    offer = self._offers.pop((job, kind), None)
                if offer is not None:
                    self._deliver((job, kind), offer, wait_s=2.0)
        with self._changed:
            for kind in ("progress", "snapshot"):
                self._due.pop((job, kind), None)
            self._faults.pop(job, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                key = self._wait_for_due()
                if key is None:
                    return
            with self._sending:
                with self._changed:
                    offer = self._offers.pop(key, None)
                    if offer is not None:
                        self._due[key] = time.monotonic() + self._interval
                if offer is not None and not self._deliver(key, offer, wait_s=0.5):
                    with self._changed:
                        self._offers.setdefault(key, offer)

    def _wait_for_due(self) -> Key | None:
        """The next key to send, once its time has come; None at the end. Holds the condition."""
        while not self._stopped:
            if not self._offers:
                self._changed.wait()
                continue
            key = min(self._offers, key=lambda k: self._due.get(k, 0.0))
            left = self._due.get(key, 0.0) - time.monotonic()
            if left <= 0:
                return key
            self._changed.wait(left)
        return None

    def _deliver(self, key: Key, offer: _Offer, wait_s: float) -> bool:
        """Pack and send; False when the window has not yet read the snapshots before."""
        job, kind = key
        try:
            parcel = self._segments.pack(offer.value, wait_s)
        except Exception as error:  # noqa: BLE001 - pickling runs foreign code; the job gets to hear of it
            self._faults[job] = error
            return True
        if parcel is None:
            return False
        self._send(kind, job, offer.generation, parcel)
        return True
