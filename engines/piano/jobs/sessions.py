"""What the sessions of this topic share: the newest request wins, and loaded networks and style vectors stay warm."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext

if TYPE_CHECKING:
    from torch import Tensor

    from engines.piano.models import Loaded

R = TypeVar("R")
_IDLE_S: Final = 0.25
_STYLES_KEPT: Final = 64


class NewerError(Exception):
    """A newer request has come while one was being answered."""


class Warm(Generic[R]):
    """A subclass says how to answer (`respond`, which calls `check` at least every 100 ms) and how to refuse."""

    def __init__(self, ctx: JobContext, device: str, weights_kept: int) -> None:
        self.ctx = ctx
        self._device, self._weights_kept = device, weights_kept
        self._models: OrderedDict[str, Loaded] = OrderedDict()
        self._styles: OrderedDict[tuple[str, bytes], Tensor] = OrderedDict()
        self._pending: R | None = None

    def respond(self, request: R) -> None:
        """Answer a request with snapshots. Raises UserError where it cannot be answered."""
        raise NotImplementedError

    def refusal(self, request: R, problem: str) -> Any:
        """The snapshot that says why there is no answer."""
        raise NotImplementedError

    def turn(self) -> None:
        """Wait a little for a request and answer it."""
        request, self._pending = self._pending or self.ctx.latest_request(_IDLE_S), None
        if request is not None:
            self.answer(request)

    def answer(self, request: R) -> None:
        """Answer until it is done or a newer request comes. What is wrong with it is published."""
        try:
            self.respond(request)
        except NewerError:
            return
        except UserError as error:
            self.ctx.publish(self.refusal(request, str(error)))

    def check(self) -> None:
        """Raises for a newer request, and for the session's end."""
        self.ctx.check()
        if self._pending is None:
            self._pending = self.ctx.latest_request(0.0)
        if self._pending is not None:
            raise NewerError

    def model(self, name: str) -> Loaded:
        """A loaded network; the newest few are kept. Raises UserError, also for one without a style vector."""
        from engines.piano.models import load_model

        found = self._models.pop(name, None) or load_model(name, self._device)
        self._models[name] = found
        while len(self._models) > self._weights_kept:
            self._models.popitem(last=False)
        if found.net.config.mode == "unpooled":
            raise UserError("a network without pooling copies its source", "choose weights with a style vector")
        return found

    def style(self, loaded: Loaded, tokens: np.ndarray) -> Tensor:
        """z [1, d] of a performance."""
        import torch

        from engines.piano.sampling import style_of

        digest = hashlib.blake2b(np.ascontiguousarray(tokens, np.int32).tobytes(), digest_size=16).digest()
        key = (loaded.name, digest)
        found = self._styles.pop(key, None)
        if found is None:
            found = style_of(loaded.net, torch.as_tensor(np.asarray(tokens, np.int64)), check=self.check)
        self._styles[key] = found
        while len(self._styles) > _STYLES_KEPT:
            self._styles.popitem(last=False)
        return found

    def blend(self, loaded: Loaded, styles: Sequence[np.ndarray], shares: Sequence[float]) -> Tensor:
        """z [1, d]: the styles of performances in these shares, scaled to sum 1; equal ones where none are given.
        Raises UserError where they cannot be mixed."""
        if not styles:
            raise UserError(f"{loaded.name} needs a style", "choose a performance")
        parts = np.asarray(shares or (1.0,) * len(styles), np.float64)
        if parts.shape != (len(styles),) or not np.isfinite(parts).all() or abs(parts.sum()) < 1e-9:
            raise UserError(f"expected a share for each of {len(styles)} styles, together not 0")
        vectors = [self.style(loaded, tokens) for tokens in styles]
        mixed: Tensor = sum(float(s) * z for s, z in zip(parts / parts.sum(), vectors, strict=True))  # type: ignore[assignment]
        return mixed
