"""What the sessions of this topic share: the newest request wins, and loaded networks and style vectors stay warm."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
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
"""Of each network."""


class NewerError(Exception):
    """A newer request has come while one was being answered."""


@dataclass(eq=False)
class _Kept:
    """A loaded network, the state of its file when it was read, and styles by their texts: they go when it goes."""

    loaded: Loaded
    stamp: tuple[str, int, int]
    styles: OrderedDict[bytes, Tensor] = field(default_factory=OrderedDict)


class Warm(Generic[R]):
    """A subclass says how to answer (`respond`, which calls `check` at least every 100 ms) and how to refuse."""

    def __init__(self, ctx: JobContext, device: str, weights_kept: int) -> None:
        self.ctx = ctx
        self._device, self._weights_kept = device, weights_kept
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
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
        """A loaded network; the newest few are kept, and read again when their file has changed. Raises UserError,
        also for one without a style vector."""
        from engines.piano.models import load_pooled, stamp_of

        stamp = stamp_of(name)
        kept = self._kept.pop(name, None)
        if kept is None or kept.stamp != stamp:
            kept = _Kept(load_pooled(name, self._device), stamp)
        self._kept[name] = kept
        while len(self._kept) > self._weights_kept:
            self._kept.popitem(last=False)
        return kept.loaded

    def style(self, loaded: Loaded, tokens: np.ndarray) -> Tensor:
        """z [1, d] of a performance, under a network that `model` gave."""
        import torch

        from engines.piano.sampling import style_of

        # By the network itself: two files of one name are two networks.
        styles = next(kept.styles for kept in self._kept.values() if kept.loaded is loaded)
        key = hashlib.blake2b(np.ascontiguousarray(tokens, np.int32).tobytes(), digest_size=16).digest()
        found = styles.pop(key, None)
        if found is None:
            found = style_of(loaded.net, torch.as_tensor(np.asarray(tokens, np.int64)), check=self.check)
        styles[key] = found
        while len(styles) > _STYLES_KEPT:
            styles.popitem(last=False)
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
