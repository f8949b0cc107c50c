"""Composing while one listens ("piano.compose"): tokens stream out as they are drawn, and a newer wish takes over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.piano.jobs.sessions import Warm
from engines.piano.requests import TOP, ComposeRequest, ComposeSnapshot, Variation
from engines.piano.spec import ComposeSpec

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
            generator=torch.Generator(device=device).manual_seed(request.seed),
            temperature=request.temperature,
            top_p=request.top_p,
            mask=self._rows if request.grammar else None,
        )
        self._fed: list[np.ndarray] = []
        self._nll: list[np.ndarray] = []
        if len(request.primer):
            self._sampler.prime(torch.as_tensor(np.asarray(request.primer, np.int64)))
            for token in request.primer:
                self._take(np.full(request.variations, int(token)), np.full(request.variations, np.nan))
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
        self._take(tokens.cpu().numpy(), self._sampler.nll.cpu().numpy())
        self._mark_ended()

    def _take(self, tokens: np.ndarray, nll: np.ndarray) -> None:
        self._fed.append(tokens.astype(np.int16))
        self._nll.append(nll.astype(np.float32))
        if not self.request.grammar:
            self._rows.feed(tokens)

    def _mark_ended(self) -> None:
        """Where each variation reached its seconds, its length in tokens stands."""
        if not self.request.seconds:
            return
        for row, decoder in enumerate(self._rows.decoders):
            if not self._lengths[row] and decoder.clock >= self.request.seconds:
                self._lengths[row] = len(self._fed)

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
            remarks=self.remarks,
        )

    def _variation(self, row: int, done: bool) -> Variation:
        from engines.piano.codec import notes_of

        decoder, ended = self._rows.decoders[row], self._rows.finished[row]
        length = int(self._lengths[row]) or len(self._fed)
        notes = notes_of([*ended, *(decoder.finish() if done else ())]).rows
        clock = decoder.clock
        if self.request.seconds:  # A row goes on while slower ones are still composed; what is beyond is not shown.
            notes = notes[notes[:, 0] < self.request.seconds]
            clock = min(clock, self.request.seconds)
            if done:
                notes[:, 1] = np.minimum(notes[:, 1], self.request.seconds)
        return Variation(
            tokens=np.array([t[row] for t in self._fed[:length]], np.int16),
            nll=np.array([n[row] for n in self._nll[:length]], np.float32),
            notes=notes,
            clock=clock,
            attention=self._sampler.attention(row).cpu().numpy(),
            z=self._z[row] if len(self._z) > 1 else self._z[0, :0],
            **_top(self._probabilities, row),
        )


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
    for name, tokens, vocabulary in (("primer", request.primer, 310), ("melody", request.melody, 92)):
        values = np.asarray(tokens)
        if values.ndim != 1 or (len(values) and not (values.min() >= 0 and values.max() < vocabulary)):
            raise UserError(f"expected the {name} as tokens 0 to {vocabulary - 1}", "choose it again")
    return request


def _top(probabilities: torch.Tensor | None, row: int) -> dict[str, np.ndarray]:
    if probabilities is None:
        return {"top": np.zeros(0, np.int16), "shares": np.zeros(0, np.float32)}
    shares, tokens = probabilities[row].topk(TOP)
    return {"top": tokens.cpu().numpy().astype(np.int16), "shares": shares.cpu().numpy().astype(np.float32)}
