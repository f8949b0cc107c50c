"""Reading a piece along with a network ("piano.inspect"): what it expected at each token, and where it looked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.piano.jobs.sessions import Warm
from engines.piano.requests import LIKELIEST, InspectRequest, InspectSnapshot
from engines.piano.spec import InspectSpec
from engines.piano.vocabulary import (
    MELODY_NO_EVENT,
    MELODY_VOCABULARY,
    OFF,
    ON,
    SHIFT,
    VELOCITY,
    VOCABULARY,
)

if TYPE_CHECKING:
    from torch import Tensor

    from engines.piano.looking import Look
    from engines.piano.models import Loaded

_SHOW_S: Final = 0.25
_TOGETHER: Final = 1024
"""Tokens of windows that are read at once."""
OWN, NO_STYLE, OTHER_STYLE, NO_MELODY = "own", "no style", "other style", "no melody"


@job("piano.inspect", InspectSpec, title="Look at a piece with the network's eyes", session=True)
def inspect(spec: InspectSpec, ctx: JobContext) -> None:
    """Read pieces as requests come, until the session is closed."""
    session = Inspection(spec, ctx)
    while True:
        session.turn()
        ctx.check()


class Inspection(Warm[InspectRequest]):
    """One piece at a time, in windows."""

    def __init__(self, spec: InspectSpec, ctx: JobContext) -> None:
        super().__init__(ctx, spec.device, spec.weights_kept)
        self.most = spec.most

    def refusal(self, request: InspectRequest, problem: str) -> InspectSnapshot:
        return InspectSnapshot(request.generation, done=True, problem=problem)

    def respond(self, request: InspectRequest) -> None:
        """Read the piece window by window."""
        import torch

        started = time.perf_counter()
        with torch.inference_mode():
            reading = _Reading(self, checked(request))
            shown_at = started
            while not reading.is_over:
                reading.step()
                if time.perf_counter() - shown_at > _SHOW_S and not reading.is_over:
                    self.ctx.publish(reading.snapshot(started, done=False))
                    shown_at = time.perf_counter()
            self.ctx.publish(reading.snapshot(started, done=True))


class _Reading:
    """One piece under way."""

    def __init__(self, session: Inspection, request: InspectRequest) -> None:
        import torch

        from engines.piano.looking import Look, windows

        self._request, self._check = request, session.check
        self._loaded = loaded = session.model(request.weights)
        self._net = net = loaded.net
        self._remarks = remarks_on(request, loaded, session.most)
        device = net.softmax.weight.device
        tokens = np.asarray(request.tokens, np.int64)[: session.most]
        self._tokens = torch.from_numpy(tokens.copy()).to(device)
        self._melody = torch.as_tensor(np.asarray(request.melody, np.int64)).to(device)
        self._styles = self._told(session)
        n = len(tokens)
        self._width = min(net.config.length, n)
        self._windows = windows(n, net.config.length)
        self._at = self._read = 0
        conditions = [*self._styles, *([NO_MELODY] if net.config.reads_melody and len(request.melody) else [])]
        self._nll = {name: np.zeros(n, np.float32) for name in conditions}
        self._top = np.zeros((n, LIKELIEST), np.int16)
        self._shares = np.zeros((n, LIKELIEST), np.float32)
        self._kinds = np.zeros((n, 5), np.float32)
        self._look: Look = Look(net, self._width)

    def _told(self, session: Inspection) -> dict[str, Tensor | None]:
        """z [1, d] by what the network is told of the style; None for a network that is told of none."""
        import torch

        if not self._net.config.reads_performance:
            return {OWN: None}
        own = session.blend(self._loaded, self._request.styles, self._request.shares)
        found: dict[str, Tensor | None] = {OWN: own, NO_STYLE: torch.zeros_like(own)}
        if len(self._request.other):
            found[OTHER_STYLE] = session.style(self._loaded, self._request.other)
        return found

    @property
    def is_over(self) -> bool:
        return self._at >= len(self._windows)

    def step(self) -> None:
        """The next few windows, under every condition."""
        import torch

        some = self._windows[self._at : self._at + max(1, _TOGETHER // self._width)]
        self._at += len(some)
        target = torch.zeros(len(some), self._width, dtype=torch.int64, device=self._tokens.device)
        for row, (first, _, end) in enumerate(some):
            target[row, : end - first] = self._tokens[first:end]
        place = torch.arange(self._width, device=target.device)
        size = torch.tensor([end - first for first, _, end in some], device=target.device)
        # What a window sees before its middle was mostly read in the one before.
        counted = (place >= size[:, None].clamp_max(self._width) // 2) & (place < size[:, None])
        melody = self._melodies(some)
        for name, z in self._styles.items():
            logits = self._logits(target, z, melody, counted, self._look if name == OWN else None)
            self._keep(name, some, target, logits)
        if NO_MELODY in self._nll:
            silence = self._encoded(torch.full_like(self._windows_of_melody(some), MELODY_NO_EVENT))
            self._keep(NO_MELODY, some, target, self._logits(target, self._styles[OWN], silence, counted, None))
        self._read = some[-1][2]

    def _melodies(self, some: list[tuple[int, int, int]]) -> Tensor | None:
        return self._encoded(self._windows_of_melody(some)) if self._net.config.reads_melody else None

    def _encoded(self, melody: Tensor) -> Tensor:
        from engines.piano.looking import encoded

        assert self._net.melody_encoder is not None
        return encoded(self._net.melody_encoder, melody, self._check)

    def _windows_of_melody(self, some: list[tuple[int, int, int]]) -> Tensor:
        """int64 [B, melody_length]: the melody from each window's first moment on, as the sampler gives it."""
        import torch
        import torch.nn.functional as F

        from engines.piano.nets.transformer import STEPS_PER_MELODY_TOKEN
        from engines.piano.sampling import clock

        length = self._net.config.melody_length
        padded = F.pad(self._melody, (0, length), value=MELODY_NO_EVENT)
        begin = torch.cat([clock(self._tokens[None, :first]) for first, _, _ in some])
        begin = (begin.float() / STEPS_PER_MELODY_TOKEN).round().long().clamp_max(len(self._melody))
        return padded[begin[:, None] + torch.arange(length, device=padded.device)]

    def _logits(
        self, target: Tensor, z: Tensor | None, melody: Tensor | None, counted: Tensor, look: Look | None
    ) -> Tensor:
        from engines.piano.looking import looked_at

        rows = None if z is None else z.expand(len(target), -1)
        memory, _ = self._net.memory(rows, melody)
        return looked_at(self._net, target, memory, look, counted, self._check).float()

    def _keep(self, name: str, some: list[tuple[int, int, int]], target: Tensor, logits: Tensor) -> None:
        """Write down what the scored part of each window says."""
        import torch

        self._check()
        nats = logits.logsumexp(2) - logits.gather(2, target[..., None])[..., 0]
        for row, (first, scored, end) in enumerate(some):
            part = slice(scored - first, end - first)
            self._nll[name][scored:end] = nats[row, part].cpu().numpy()
            if name == OWN:
                probabilities = logits[row, part].softmax(1)
                shares, top = probabilities.topk(LIKELIEST)
                self._top[scored:end], self._shares[scored:end] = top.cpu().numpy(), shares.cpu().numpy()
                sizes = [ON, OFF - ON, SHIFT - OFF, VELOCITY - SHIFT, VOCABULARY - VELOCITY]
                by_kind = torch.stack([p.sum(1) for p in probabilities.split(sizes, 1)], 1)
                self._kinds[scored:end] = by_kind.cpu().numpy()

    def snapshot(self, started: float, *, done: bool) -> InspectSnapshot:
        """What there is now."""
        from engines.piano.looking import loudness

        n, look, z = self._read, self._look, self._styles[OWN]
        counted, has_memory = max(look.positions, 1), self._net.config.mode != "unconditional"
        nothing = np.zeros(0, np.float32)

        def mean(sums: Tensor) -> np.ndarray:
            return (sums / counted).cpu().numpy().astype(np.float32)

        return InspectSnapshot(
            generation=self._request.generation,
            done=done,
            total=len(self._tokens),
            tokens=self._tokens[:n].cpu().numpy().astype(np.int16),
            nll={name: values[:n].copy() for name, values in self._nll.items()},
            top=self._top[:n].copy(),
            shares=self._shares[:n].copy(),
            kinds=self._kinds[:n].copy(),
            attention=mean(look.attention),
            back=2 ** np.arange(look.bins),
            even=mean(look.even),
            style=nothing if z is None else loudness(self._net, z).cpu().numpy().astype(np.float32),
            cross=mean(look.cross) if has_memory else nothing,
            stream=mean(look.stream) if has_memory else nothing,
            slots=mean(look.slots) if look.is_joined else np.zeros((0, 3), np.float32),
            context=self._net.config.length,
            milliseconds=(time.perf_counter() - started) * 1000,
            remarks=self._remarks,
        )


def checked(request: InspectRequest) -> InspectRequest:
    """The request, if it can be answered. Raises UserError saying what is wrong."""
    parts = [("piece", request.tokens, VOCABULARY), ("melody", request.melody, MELODY_VOCABULARY)]
    parts += [("style", tokens, VOCABULARY) for tokens in (*request.styles, request.other)]
    for name, tokens, vocabulary in parts:
        values = np.asarray(tokens)
        if values.ndim != 1 or (len(values) and not (values.min() >= 0 and values.max() < vocabulary)):
            raise UserError(f"expected the {name} as tokens 0 to {vocabulary - 1}", "choose it again")
    if not len(request.tokens):
        raise UserError("the piece has no notes", "choose another one")
    return request


def remarks_on(request: InspectRequest, loaded: Loaded, most: int) -> tuple[str, ...]:
    """What a reader must know of what the network reads and does not read."""
    config, found = loaded.net.config, []
    if len(request.tokens) > most:
        found.append(f"The first {most:,} of {len(request.tokens):,} tokens are read.")
    if request.styles and not config.reads_performance:
        found.append(f"{loaded.name} reads no style.")
    if config.reads_melody and not len(request.melody):
        found.append("No melody was given, so the network reads a rest.")
    elif len(request.melody) and not config.reads_melody:
        found.append(f"{loaded.name} reads no melody.")
    return tuple(found)
