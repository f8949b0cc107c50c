"""The sustain pedal: turning presses into longer notes, as the paper's pipeline does before tokenising."""

from __future__ import annotations

import numpy as np

from engines.piano.notes import Notes, joined_spans


def sustained(notes: Notes) -> Notes:
    """The same notes as they sound, with the pedal applied to their ends and no pedal left.

    A note whose key goes up while the pedal is down sounds until the pedal goes up, or until its key is
    struck again. A key struck again while the pedal is down ends every earlier note of that pitch, also one
    that is still held; a note that is left with no length by that is dropped. What still sounds at the last
    event ends there. At one moment the pedal is handled before the keys: down, then up, then strikes, then
    releases.

    Source: note-seq 0.0.5, `apply_sustain_control_changes`, which walks from event to event; here the same
    ends follow from one sort.
    """
    if not len(notes.pedal):
        return notes
    if not len(notes):
        return Notes.empty()
    down, up = notes.pedal[:, 0], notes.pedal[:, 1]
    last = max(notes.duration, float(notes.start[-1]), float(up[-1]))

    held = _covering(down, up, notes.end)
    release = np.where(held >= 0, np.append(up, last)[held], notes.end)
    pressed = _covering(down, up, notes.start) >= 0

    # Next strike of the same pitch under the pedal, for each note: a running minimum from the right per pitch.
    order = np.argsort(notes.pitch, kind="stable")
    pitch, start = notes.pitch[order], notes.start[order]
    index = np.arange(len(notes))
    strike = np.where(pressed[order], index, len(notes))
    following = np.append(np.minimum.accumulate(strike[::-1])[::-1], len(notes))[1:]
    same = (following < len(notes)) & (np.append(pitch, -1)[following] == pitch)
    again = np.where(same, np.append(start, np.inf)[following], np.inf)
    # A strike at the very moment of a release comes before it, but after the pedal going up.
    cut = (again <= notes.end[order]) | (again < release[order])
    end = np.where(cut, again, release[order])
    lasting = ~cut | (end > start)
    kept = order[lasting]
    return Notes(notes.start[kept], end[lasting], notes.pitch[kept], notes.velocity[kept])


def presses(time: np.ndarray, value: np.ndarray, end: float) -> np.ndarray:
    """Presses float64 [P, 2] from control changes 64.

    time: float [M] seconds. value: int [M], 64 and above is down. end: seconds, where a pedal that is never
    released is taken to go up. Of several changes at one moment "down" counts before "up" (so up and down
    again at one moment stays up), as in `sustained`'s source.
    """
    is_up = np.asarray(value) < 64
    order = np.lexsort((is_up, time))
    time, is_up = np.asarray(time, np.float64)[order], is_up[order]
    change = np.flatnonzero(np.diff(np.concatenate(([True], is_up)).astype(np.int8)))
    moments = time[change]
    if len(moments) % 2:
        moments = np.append(moments, max(end, moments[-1]))
    spans = moments.reshape(-1, 2)
    return joined_spans(spans[spans[:, 1] > spans[:, 0]])


def _covering(down: np.ndarray, up: np.ndarray, time: np.ndarray) -> np.ndarray:
    """int64 [N]: the press with down <= time < up, or -1."""
    index = np.searchsorted(down, time, side="right") - 1
    inside = (index >= 0) & (time < up[np.maximum(index, 0)])
    return np.where(inside, index, -1)
