"""Whether a network recites melodies that it learnt from ("piano.recite")."""

from __future__ import annotations

import numpy as np

from engines.core.job import JobContext, job
from engines.piano.corpus import melody_or_none
from engines.piano.jobs.likeness import AT_ONCE, composed, loaded_with_music, told
from engines.piano.notes import Notes
from engines.piano.reciting import Run, Tunes
from engines.piano.results import RecitalResult
from engines.piano.spec import RecitalSpec
from engines.piano.vocabulary import MELODY_NO_EVENT


@job("piano.recite", RecitalSpec, title="Does it recite?")
def recite(spec: RecitalSpec, ctx: JobContext) -> RecitalResult:
    """Compose in the styles of pieces learnt from, without their melodies, and look for those melodies' steps.

    People's own pieces that the network never saw are looked at in the same way, for common turns are no recital.
    """
    ctx.progress(0, spec.items, "Loading")
    loaded, music = loaded_with_music(spec, ctx)
    learnt, unseen = music.needed("train"), music.needed("test")
    tunes = Tunes(learnt.names, [melody.pitch for melody in learnt.melodies])
    chosen = learnt.take(np.random.default_rng(spec.seed).permutation(len(learnt))[: spec.items])
    runs: list[Run] = []
    for start in range(0, len(chosen), AT_ONCE):
        ctx.progress(start, spec.items, "Composing")
        some = chosen.take(range(start, min(start + AT_ONCE, len(chosen))))
        z, _ = told(loaded, some, ctx)
        silent = [np.full(1, MELODY_NO_EVENT)] * len(some)
        for notes in composed(loaded, z, silent, len(some), spec, start, ctx):
            runs.append(tunes.longest(melody_or_none(notes, ctx.check).pitch, ctx.check))
    played = np.array([run.played for run in runs])
    people = _people(unseen.melodies, tunes, played, ctx)
    worst = max(runs, key=lambda run: run.steps)
    ctx.progress(spec.items, spec.items, "Done")
    steps = np.array([run.steps for run in runs])
    return RecitalResult(
        weights=loaded.name,
        tunes=len(learnt),
        mean=float(steps.mean()),
        mean_of_people=float(people.mean()),
        longest=worst.steps,
        longest_of_people=int(people.max()),
        composed=steps,
        played=played,
        people=people,
        worst=worst.piece,
    )


def _people(melodies: tuple[Notes, ...], tunes: Tunes, played: np.ndarray, ctx: JobContext) -> np.ndarray:
    """Longest runs in melodies by people, cut to the lengths `played` in turn, for longer music holds longer runs."""
    runs = []
    for number, melody in enumerate(melodies):
        ctx.check()
        wanted = int(played[number % len(played)])
        runs.append(tunes.longest(melody.pitch[:wanted], ctx.check).steps)
    return np.array(runs)
