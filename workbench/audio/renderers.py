"""Who renders what the feeder wants: a session in the engine process, or the window itself, a little at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines.core.errors import UserError
from engines.piano.sound.mixing import release_frames, score_from
from engines.piano.sound.render import stretch
from engines.piano.sound.requests import StretchAnswer, StretchRequest
from engines.piano.sound.soundfont import Chosen, choose
from engines.piano.sound.spec import SoundSpec
from workbench.audio.feeder import Stretch
from workbench.audio.tracks import CHUNK

if TYPE_CHECKING:
    from workbench.runner import JobHandle, Runner

BUDGET_S: Final = 0.004
"""The window's own rendering takes so long of each tick of 16 ms …"""
HURRY_S: Final = 0.012
"""… and so long when somebody is about to hear it."""
_RETRY_S: Final = 2.0


class LaneRenderer:
    """The session "piano.sound" on the interactive lane. One stretch is under way at a time, so none is lost.

    on_answer: called with the stretch (None for a file) and the answer.
    """

    def __init__(
        self,
        runner: Runner,
        on_answer: Callable[[Stretch | None, StretchAnswer], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner, self._on_answer, self._now = runner, on_answer, now
        self._handle: JobHandle | None = None
        self._asked: Stretch | None = None
        self._ticket = 0
        self._since: float | None = None
        self._broken_until = 0.0
        self._is_closed = False

    def start(self) -> None:
        """Begin the session, if it does not live and is not known to fail."""
        if self._handle is not None or self._is_closed or self._now() < self._broken_until:
            return
        self._handle = self._runner.submit("piano.sound", SoundSpec(), lane="interactive", key="piano.sound")
        self._handle.published.connect(self._answered)
        self._handle.ended.connect(self._ended)

    @property
    def waiting_s(self) -> float | None:
        """Seconds since the last question, while it is not answered; None when none is open."""
        return None if self._since is None else self._now() - self._since

    @property
    def can_ask(self) -> bool:
        return self._handle is not None and self._since is None

    def ask(self, stretch_: Stretch, rate: int, instrument: str) -> None:
        """Have a stretch rendered."""
        columns = stretch_.columns(rate)
        self._send(
            stretch_, StretchRequest(self._next(), *columns, stretch_.begin, stretch_.end, stretch_.tempo, instrument)
        )

    def ask_file(self, request: StretchRequest) -> None:
        """Have a WAV file written; a stretch under way is asked for again later."""
        self._send(None, request)

    def next_ticket(self) -> int:
        return self._next()

    def _next(self) -> int:
        self._ticket += 1
        return self._ticket

    def _send(self, asked: Stretch | None, request: StretchRequest) -> None:
        assert self._handle is not None
        self._asked, self._since = asked, self._now()
        self._handle.request(request)

    def _answered(self, answer: Any) -> None:
        if isinstance(answer, StretchAnswer) and answer.ticket == self._ticket and self._since is not None:
            asked, self._asked, self._since = self._asked, None, None
            self._on_answer(asked, answer)

    def _ended(self, handle: JobHandle) -> None:
        """The session failed, or its process ended: the window renders, and tries again later."""
        self._handle = None
        was_file = self._since is not None and self._asked is None
        self._asked, self._since = None, None
        self._broken_until = self._now() + _RETRY_S
        if was_file and not self._is_closed:
            said = handle.error.what if handle.error is not None else "the process that writes it ended"
            self._on_answer(None, StretchAnswer(self._ticket, 0, problem=said))

    def close(self) -> None:
        """End the session."""
        self._is_closed = True
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.published.disconnect(self._answered)
            handle.ended.disconnect(self._ended)
            handle.cancel()


class LocalRenderer:
    """Renders in this process, tone by tone and chunk by chunk, never much longer than it may."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._chosen: Chosen | None = None
        self._clock = time.perf_counter

    def chosen(self, instrument: str) -> Chosen:
        """The instrument; loading a SoundFont takes some 20 ms, once."""
        if self._chosen is None or self._name != instrument:
            self._name, self._chosen = instrument, choose(instrument)
        return self._chosen

    def work(self, wanted: Callable[[], Stretch | None], instrument: str, budget_s: float = BUDGET_S) -> int:
        """Render what is wanted until the time is over; how many chunks are done.

        Tones that are not computed yet count as work of their own, so that a chord of ten new keys is spread.
        """
        until = self._clock() + budget_s
        player = self.chosen(instrument).instrument
        done = 0
        while self._clock() < until:
            found = wanted()
            if found is None:
                break
            track, end = found.track, min(found.begin + CHUNK, found.end)
            try:
                score = score_from(*found.columns(player.rate), player, found.tempo)
            except UserError:
                # Such music is refused where it is set; whatever came here is silent.
                track.put(found.begin, np.zeros((end - found.begin, 2), np.float32))
                continue
            release = release_frames(player)
            for i in range(len(score.start)):
                last = min(int(score.end[i]) + release, end)
                player.tone(int(score.pitch[i]), int(score.velocity[i]), max(last - int(score.start[i]), 1))
                if self._clock() >= until and i + 1 < len(score.start):
                    return done
            track.put(found.begin, stretch(score, player, found.begin, end))
            done += 1
        return done
