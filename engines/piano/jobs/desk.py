"""What the desk asks while somebody waits: read a file, find a melody, compare pieces.

They are sessions of one request, because sessions have a thread of their own: none waits behind another job, and a
newer question is answered while an older one stops.
"""

from __future__ import annotations

from typing import Any, Final

from engines.core.job import JobContext, job
from engines.piano.desk import Compared, ReadPiece, compare, find_melody, read_piece
from engines.piano.notes import Notes
from engines.piano.spec import CompareSpec, FindSpec, ReadSpec

_IDLE_S: Final = 0.25


@job("piano.read", ReadSpec, title="Open a MIDI file", session=True)
def read(spec: ReadSpec, ctx: JobContext) -> ReadPiece:
    """What a MIDI file holds."""
    return read_piece(spec.path, ctx.check)


@job("piano.find", FindSpec, title="Find the melody", session=True)
def find(spec: FindSpec, ctx: JobContext) -> Notes:
    """The melody of the performance that is handed in."""
    return find_melody(_handed_in(ctx), spec.seconds, ctx.check)


@job("piano.compare", CompareSpec, title="Compare pieces", session=True)
def compared(spec: CompareSpec, ctx: JobContext) -> Compared:
    """How alike the performances that are handed in are to the first of them."""
    return compare(_handed_in(ctx), ctx.check)


def _handed_in(ctx: JobContext) -> Any:
    """The request, once it is there."""
    while True:
        request = ctx.latest_request(_IDLE_S)
        if request is not None:
            return request
