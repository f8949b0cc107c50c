"""How fast tokens are drawn and made: "piano"."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines.core.bench import Measure, bench
from engines.core.errors import UserError
from engines.core.job import JobContext
from engines.piano.sound import bench as _sound  # noqa: F401 - registers "piano-sound"

if TYPE_CHECKING:
    from engines.piano.nets.transformer import StyleAutoencoder
    from engines.piano.notes import Notes
    from engines.piano.sampling import Sampler

DENSE_TOKENS_A_SECOND: Final = 51
"""What recorded classical piano consumes (ASAP; paper file 08, section 7)."""
OVERHEAD_TARGET: Final = 0.85
"""Share of the sampling time that the network itself should have."""
_ROUNDS: Final = 5
_PROTOTYPE: Final[dict[str, Any]] = {
    "d": 256, "heads": 8, "key_channels": 256, "ffn": 1024, "layers_enc": 1, "layers_dec": 6, "R": 1024,
    "dropout": 0.0, "mode": "performance", "length": 2048,
}  # fmt: skip
"""The network that paper file 08b, section 5, was measured with."""


@bench("piano", "Cached sampling and tokens")
def piano(ctx: JobContext) -> list[Measure]:
    """Tokens a second of the cached sampler, with and without its cache, and of the tokeniser."""
    from engines.piano.nets.transformer import StyleConfig, build

    measures: list[Measure] = []
    ctx.progress(0, 4, "The shipped network")
    shipped, title = _shipped()
    measures += _sampling(shipped, title, 1, ctx, target=3.0 * DENSE_TOKENS_A_SECOND)
    ctx.progress(1, 4, "Eight at once")
    measures += _sampling(shipped, title, 8, ctx)
    ctx.progress(2, 4, "Without a cache")
    measures.append(_cache_over_none(build(StyleConfig(**_PROTOTYPE)), ctx))
    ctx.progress(3, 4, "Tokens")
    measures += _tokens(ctx)
    ctx.progress(4, 4, "Done")
    return measures


def _shipped() -> tuple[StyleAutoencoder, str]:
    """The shipped style network, or an untrained one of its size: the time is the same."""
    from engines.piano.jobs.train import config_of
    from engines.piano.models import load_model
    from engines.piano.nets.transformer import build
    from engines.piano.shipped import STYLE, spec_of

    try:
        return load_model(STYLE).net, STYLE
    except UserError:
        return build(config_of(spec_of(STYLE))), f"{STYLE}'s size, untrained"


def _sampler(net: StyleAutoencoder, batch: int, *, grammar: bool) -> Sampler:
    import torch

    from engines.piano.grammar import Rows
    from engines.piano.sampling import Sampler

    device = net.softmax.weight.device
    generator = torch.Generator(device=device).manual_seed(0)
    z = torch.zeros(1, net.config.d, device=device) if net.config.reads_performance else None
    melody = torch.full((300,), 2) if net.config.reads_melody else None
    return Sampler(net, batch, z, melody, generator=generator, mask=Rows(batch) if grammar else None)


def _sampling(
    net: StyleAutoencoder, title: str, batch: int, ctx: JobContext, target: float | None = None
) -> list[Measure]:
    """Sampling as a piece is composed, and the network's steps alone; both take turns."""
    import torch

    count = min(net.config.length - 1, 255)
    ours, bare = [], []
    for turn in range(_ROUNDS + 1):
        ctx.check()
        sampler = _sampler(net, batch, grammar=True)
        start = _clock()
        for _ in range(count):
            sampler.step()
        taken = _clock() - start
        tokens = sampler.tokens
        alone = _sampler(net, batch, grammar=False)
        start = _clock()
        with torch.inference_mode():
            for k in range(count):
                alone._advance(tokens[:, k : k + 1])
        if turn:  # The first round warms up.
            ours.append(batch * count / taken)
            bare.append(batch * count / (_clock() - start))
    note = f"{count} tokens, {net.softmax.weight.device.type}, {torch.get_num_threads()} threads, grammar mask"
    what = f"Cached sampling, {title}, batch {batch}"
    found = [
        Measure(
            f"{what}, over the network's steps alone", median(ours), limit=median(bare), target=OVERHEAD_TARGET,
            unit="tokens/s", note=f"limit: the same steps without drawing, grammar and bookkeeping; {note}",
        )
    ]  # fmt: skip
    if target is not None:
        dense = f"target: three times the {DENSE_TOKENS_A_SECOND} tokens/s of recorded piano; {note}"
        found.append(Measure(what, median(ours), target=target, unit="tokens/s", of="none", note=dense))
    return found


def _cache_over_none(net: StyleAutoencoder, ctx: JobContext, at: int = 512) -> Measure:
    """A step of the cached sampler against a full pass, which the reference code makes for each token."""
    import torch

    tokens = torch.randint(2, 310, (1, at), generator=torch.Generator().manual_seed(0))
    sampler = _sampler(net, 1, grammar=False)
    sampler.prime(tokens)
    cached, full = [], []
    with torch.inference_mode():
        memory, _ = net.memory(torch.zeros(1, net.config.d))
        for _ in range(_ROUNDS):
            ctx.check()
            start = _clock()
            for _ in range(8):
                sampler.step()
            cached.append(8 / (_clock() - start))
            start = _clock()
            net.decode(sampler.tokens, memory)
            full.append(1 / (_clock() - start))
    return Measure(
        f"Cached step over a full pass at {at} tokens", median(cached), peer=median(full), target=10.0,
        unit="tokens/s", of="peer",
        note="d 256, 6 layers, R 1024, untrained; peer: the decoder run anew for every token, as the reference code "
        f"does; {torch.get_num_threads()} threads",
    )  # fmt: skip


def _tokens(ctx: JobContext) -> list[Measure]:
    """The tokeniser there and back, beside note-seq where it is installed."""
    from engines.piano.codec import decode, encode

    notes = _dense()
    tokens = encode(notes)
    forth = len(tokens) / _seconds(lambda: encode(notes), ctx)
    back = len(tokens) / _seconds(lambda: decode(tokens), ctx)
    peer = None
    if importlib.util.find_spec("note_seq") is not None:
        sequence = _note_sequence(notes)
        peer = len(tokens) / _seconds(lambda: _note_seq_tokens(sequence), ctx, rounds=2)
    note = f"{len(notes)} notes, {len(tokens)} tokens; one thread"
    return [
        Measure("Notes to tokens", forth, target=10e6, unit="tokens/s", of="none", note=note),
        Measure(
            "Notes to tokens, over note-seq", forth, peer=peer, target=1.0, unit="tokens/s", of="peer",
            note=note if peer else f"note-seq is not installed; {note}",
        ),
        Measure("Tokens to notes", back, target=2e6, unit="tokens/s", of="none", note=note),
    ]  # fmt: skip


def _dense(count: int = 60_000) -> Notes:
    """Twenty notes a second with changing loudness."""
    from engines.piano.notes import Notes

    rng = np.random.default_rng(0)
    start = np.sort(rng.uniform(0, count / 20, count))
    return Notes(
        start, start + rng.uniform(0.05, 0.8, count), rng.integers(30, 95, count), rng.integers(20, 110, count)
    )


def _note_sequence(notes: Notes) -> Any:
    """Notes as note-seq has them. Made before the clock runs: ours are arrays already."""
    import note_seq

    sequence = note_seq.NoteSequence()
    for start, end, pitch, velocity in notes.rows.tolist():
        sequence.notes.add(start_time=start, end_time=end, pitch=int(pitch), velocity=int(velocity))
    sequence.total_time = notes.duration
    return sequence


def _note_seq_tokens(sequence: Any) -> int:
    """How many tokens note-seq makes of them."""
    import note_seq
    from note_seq.performance_lib import Performance

    quantised = note_seq.quantize_note_sequence_absolute(sequence, 100)
    return len(Performance(quantised, num_velocity_bins=32))


def _seconds(run: Callable[[], object], ctx: JobContext, rounds: int = _ROUNDS) -> float:
    run()
    taken = []
    for _ in range(rounds):
        ctx.check()
        start = _clock()
        run()
        taken.append(_clock() - start)
    return median(taken)


def _clock() -> float:
    """Seconds that count: with one thread on a processor its own time, so that other programs do not."""
    import torch

    if torch.get_num_threads() == 1 and not torch.cuda.is_available():
        return time.process_time()
    return time.perf_counter()
