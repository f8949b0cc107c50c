"""Composing while one listens ("piano.compose"): tokens stream out as they are drawn, and a newer wish takes over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.piano.jobs.sessions import Warm
from engines.piano.notes import Notes
from engines.piano.requests import TOP, ComposeRequest, ComposeSnapshot, Variation
from engines.piano.spec import ComposeSpec
from engines.piano.vocabulary import MELODY_VOCABULARY, VOCABULARY
from engines.piano.vocabulary import checked as tokens_in

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from engines.piano.grammar import Rows
    from engines.piano.sampling import Sampler

_SHOW_S: Final = 1 / 15
"""Between two answers: nobody sees more, and making one costs."""
MOST_VARIATIONS, MOST_TOKENS = 32, 20_000


@job("piano.compose", ComposeSpec, title="Compose", session=True)
def compose(spec: ComposeSpec, ctx: JobContext) -> None:
    """Compose as requests come, until the session is closed."""
    session = Session(spec, ctx)
    while True:
        session.turn()
        ctx.check()


class Session(Warm[ComposeRequest]):
    """One request at a time, drawn token by token."""

    def __init__(self, spec: ComposeSpec, ctx: JobContext) -> None:
        super().__init__(ctx, spec.device, spec.weights_kept)

    def refusal(self, request: ComposeRequest, problem: str) -> ComposeSnapshot:
        return ComposeSnapshot(request.generation, done=True, problem=problem)

    def respond(self, request: ComposeRequest) -> None:
        """Compose what is asked for."""
        started = time.perf_counter()
        piece = _Piece(self, checked(request))
        shown_at = 0.0
        while not piece.is_over:
            self.check()
            piece.step()
            now = time.perf_counter()
            if now - shown_at > _SHOW_S:
                self.ctx.publish(piece.snapshot(started, done=False))
                shown_at = now
        self.ctx.publish(piece.snapshot(started, done=True))


class _Piece:
    """The variations of one request under way."""

    def __init__(self, session: Session, request: ComposeRequest) -> None:
        import torch

        from engines.piano.grammar import Rows
        from engines.piano.sampling import Sampler

        self.request = request
        loaded = session.model(request.weights)
        config = loaded.net.config
        self.remarks: tuple[str, ...] = ()
        z, self._z, self._loudness = None, np.zeros((1, 0), np.float32), np.zeros(0, np.float32)
        if config.reads_performance:
            rows = request.blends or (request.shares,)
            z = torch.cat([session.blend(loaded, request.styles, shares) for shares in rows])
            self._z = z.cpu().numpy().astype(np.float32)
            if config.mode == "performance" or config.merge == "sum":
                self._loudness = loaded.net.loudness_of_style(z)[0].cpu().numpy()
        elif request.styles:
            self.remarks += (f"{loaded.name} reads no style.",)
        if config.reads_melody and not len(request.melody):
            self.remarks += ("No melody was given, so the network reads a rest.",)
        elif len(request.melody) and not config.reads_melody:
            self.remarks += (f"{loaded.name} reads no melody.",)
        device = loaded.net.softmax.weight.device
        self._rows: Rows = Rows(request.variations)
        self._sampler: Sampler = Sampler(
            loaded.net,
            request.variations,
            z,
            torch.as_tensor(np.asarray(request.melody, np.int64)) if config.reads_melody else None,
            generator=[
                torch.Generator(device=device).manual_seed(seed) for seed in seeds_of(request.seed, request.variations)
            ],
            temperature=request.temperature,
            top_p=request.top_p,
            mask=self._rows if request.grammar else None,
        )
        n = len(request.primer)
        self._count = n
        self._tokens = np.zeros((request.variations, n + request.length), np.int16)
        self._nll = np.full((request.variations, n + request.length), np.nan, np.float32)
        self._ended = [np.zeros((0, 4)) for _ in range(request.variations)]
        if n:
            primer = np.asarray(request.primer, np.int64)
            self._tokens[:, :n] = primer
            self._sampler.prime(torch.from_numpy(primer.copy()), session.check)
            if not request.grammar:
                for token in primer:
                    session.check()
                    self._rows.feed(np.full(request.variations, token))
        self._lengths = np.zeros(request.variations, np.int64)
        self._probabilities: Tensor | None = None
        self.drawn = 0
        self._mark_ended()

    @property
    def is_over(self) -> bool:
        return bool((self._lengths > 0).all()) or self.drawn >= self.request.length

    def step(self) -> None:
        """One token for each variation."""
        tokens, self._probabilities = self._sampler.step()
        self.drawn += 1
        drawn = tokens.cpu().numpy()
        self._tokens[:, self._count] = drawn
        self._nll[:, self._count] = self._sampler.nll.cpu().numpy()
        self._count += 1
        if not self.request.grammar:
            self._rows.feed(drawn)
        self._mark_ended()

    def _mark_ended(self) -> None:
        """Where each variation reached its seconds, its length in tokens stands."""
        if not self.request.seconds:
            return
        for row, decoder in enumerate(self._rows.decoders):
            if not self._lengths[row] and decoder.clock >= self.request.seconds:
                self._lengths[row] = self._count

    def snapshot(self, started: float, *, done: bool) -> ComposeSnapshot:
        """What there is now; at the end, open notes end with the clock."""
        took = time.perf_counter() - started
        return ComposeSnapshot(
            generation=self.request.generation,
            done=done,
            variations=tuple(self._variation(row, done) for row in range(self.request.variations)),
            z=self._z[0],
            loudness=self._loudness,
            tokens_per_second=self.drawn * self.request.variations / max(took, 1e-9),
            milliseconds=took * 1000,
            remarks=(*self.remarks, *self._cut_short()) if done else self.remarks,
        )

    def _cut_short(self) -> tuple[str, ...]:
        """Why a piece is shorter than the seconds that were asked for."""
        if not self.request.seconds or (self._lengths > 0).all():
            return ()
        return (f"It ends after {self.drawn:,} tokens, before the {self.request.seconds:g} s that were asked for.",)

    def _variation(self, row: int, done: bool) -> Variation:
        decoder = self._rows.decoders[row]
        length = int(self._lengths[row]) or self._count
        notes = self._notes(row, done)
        clock = decoder.clock
        if self.request.seconds:  # A row goes on while slower ones are still composed; what is beyond is not shown.
            notes = notes[notes[:, 0] < self.request.seconds]
            clock = min(clock, self.request.seconds)
            if done:
                notes[:, 1] = np.minimum(notes[:, 1], self.request.seconds)
        return Variation(
            tokens=self._tokens[row, :length].copy(),
            nll=self._nll[row, :length].copy(),
            notes=notes,
            clock=clock,
            attention=self._sampler.attention(row).cpu().numpy(),
            z=self._z[row] if len(self._z) > 1 else self._z[0, :0],
            **_top(self._probabilities, row),
        )

    def _notes(self, row: int, done: bool) -> np.ndarray:
        """float64 [N, 4]: the notes that ended, in the order of starts; at the end the open ones too. Only those that
        ended since the last answer are read, or long pieces would be read again fifteen times a second."""
        from engines.piano.codec import notes_of

        fresh = self._rows.finished[row][len(self._ended[row]) :]
        if fresh:
            self._ended[row] = np.concatenate((self._ended[row], notes_of(fresh).rows))
        open_notes = self._rows.decoders[row].finish() if done else []
        return Notes.of(np.concatenate((self._ended[row], notes_of(open_notes).rows))).rows


def seeds_of(seed: int, count: int) -> list[int]:
    """Seeds of `count` variations: `seed` itself, then numbers made of it. The first ones do not depend on `count`."""
    others = (np.random.SeedSequence((seed % 2**64, k)).generate_state(1, np.uint64)[0] for k in range(1, count))
    return [seed, *(int(number) for number in others)]


def checked(request: ComposeRequest) -> ComposeRequest:
    """The request, if it can be answered. Raises UserError saying what is wrong."""
    if not 1 <= request.variations <= MOST_VARIATIONS:
        raise UserError(f"expected 1 to {MOST_VARIATIONS} variations, got {request.variations}")
    if not 1 <= request.length <= MOST_TOKENS:
        raise UserError(f"expected 1 to {MOST_TOKENS} tokens, got {request.length}")
    if request.seconds < 0 or not np.isfinite(request.seconds):
        raise UserError(f"expected seconds from 0, got {request.seconds}")
    if request.blends and len(request.blends) != request.variations:
        raise UserError(f"expected a mixture for each of {request.variations} variations, got {len(request.blends)}")
    if not -(2**63) <= request.seed < 2**64:
        raise UserError(f"expected a seed of at most 64 bits, got {request.seed}")
    texts = [("primer", request.primer, VOCABULARY), ("melody", request.melody, MELODY_VOCABULARY)]
    for name, tokens, vocabulary in (*texts, *(("style", style, VOCABULARY) for style in request.styles)):
        try:
            tokens_in(np.asarray(tokens), vocabulary)
        except ValueError:
            raise UserError(f"expected the {name} as tokens 0 to {vocabulary - 1}", "choose it again") from None
    if len(request.primer) > MOST_TOKENS:
        raise UserError(
            f"{len(request.primer):,} tokens to go on from; {MOST_TOKENS:,} is the limit", "choose a shorter part"
        )
    return request


def _top(probabilities: torch.Tensor | None, row: int) -> dict[str, np.ndarray]:
    if probabilities is None:
        return {"top": np.zeros(0, np.int16), "shares": np.zeros(0, np.float32)}
    shares, tokens = probabilities[row].topk(TOP)
    return {"top": tokens.cpu().numpy().astype(np.int16), "shares": shares.cpu().numpy().astype(np.float32)}
