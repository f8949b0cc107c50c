"""What the sound card's callback costs, alone and beside a busy thread: "audio-callback"."""

from __future__ import annotations

import threading
import time

import numpy as np

from engines.core.bench import Measure, bench
from engines.core.job import JobContext
from workbench.audio.sinks import BLOCK, DEPTHS_S
from workbench.audio.tracks import Program, Track
from workbench.audio.transport import Transport

_BLOCKS = 4000
_TARGET_MS = 0.2


@bench("audio-callback", "Blocks for the sound card")
def audio_callback(ctx: JobContext) -> list[Measure]:
    """Milliseconds of processor time for one block of 512 frames: one piece, two mixed, a loop of 0.1 s."""
    rng = np.random.default_rng(0)
    samples = [rng.uniform(-0.4, 0.4, (20 * 44_100, 2)).astype(np.float32) for _ in range(2)]
    measures = []
    for what, gains, loop in (
        ("one piece", {"a": 1.0}, None),
        ("two pieces mixed", {"a": 1.0, "b": 0.5}, None),
        ("a loop of 0.1 s", {"a": 1.0}, (1.0, 1.1)),
    ):
        ctx.check()
        transport = Transport()
        tracks = {name: _track(data) for name, data in zip("ab", samples, strict=True)}
        transport.set_program(Program(transport.rate, 1.0, tracks))
        transport.set_gains(gains)
        transport.set_loop(loop or (0.0, 19.0))
        transport.play()
        out, took = np.zeros((BLOCK, 2), np.float32), []
        for _ in range(_BLOCKS):
            began = time.thread_time()
            transport.fill(out)
            took.append((time.thread_time() - began) * 1000)
        common = {"target": _TARGET_MS, "unit": "ms", "better": "less", "of": "none"}
        note = f"a block lasts {BLOCK / transport.rate * 1000:.1f} ms"
        measures.append(Measure(f"{what}: median", float(np.median(took)), note=note, **common))  # type: ignore[arg-type]
        measures.append(Measure(f"{what}: 99th percentile", float(np.percentile(took, 99)), unit="ms", of="none"))
    measures.append(_beside_a_busy_thread(samples[0], ctx))
    return measures


def _beside_a_busy_thread(samples: np.ndarray, ctx: JobContext) -> Measure:
    """How long a block takes by the clock while another thread of the process never rests: waiting for the interpreter
    counts, as it does in the window."""
    transport = Transport()
    transport.set_program(Program(transport.rate, 1.0, {"a": _track(samples)}))
    transport.set_gains({"a": 1.0})
    transport.play()
    over = threading.Event()

    def spin() -> None:
        while not over.is_set():
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    out, took = np.zeros((BLOCK, 2), np.float32), []
    try:
        for _ in range(300):
            ctx.check()
            time.sleep(0.002)
            began = time.perf_counter()
            transport.fill(out)
            took.append((time.perf_counter() - began) * 1000)
    finally:
        over.set()
        thread.join()
    return Measure(
        "one piece beside a busy thread: 99th percentile by the clock",
        float(np.percentile(took, 99)),
        target=BLOCK / transport.rate * 1000,
        unit="ms",
        better="less",
        of="none",
        note=f"the card holds {DEPTHS_S[0] * 1000:.0f} ms",
    )


def _track(samples: np.ndarray) -> Track:
    track = Track(len(samples))
    track.put(0, samples)
    return track
