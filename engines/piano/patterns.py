"""Fifteen ways to play the piano, each a short piece written by rule and always the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engines.piano.composing import (
    BLUES,
    HARMONIC_MINOR,
    MAJOR,
    MINOR,
    PENTATONIC,
    Chord,
    Sheet,
    chords,
    tune,
)
from engines.piano.notes import Notes

Composer = Callable[[np.random.Generator], Notes]
_SONATINA = "C C G7 C F C G7 C Am Dm G7 C F Dm G7 C"


def alberti(rng: np.random.Generator) -> Notes:
    """Broken chords low-high-middle-high under a clear tune."""
    sheet, harmony = Sheet(), chords(_SONATINA)
    for number, chord in enumerate(harmony):
        low, middle, high = chord.tones(48, 3)
        for half in range(8):
            sheet.note(4 * number + half / 2, 0.45, (low, high, middle, high)[half % 4], 50 + 6 * (half % 4 == 0))
    rhythms = ((1, 1, 1, 1), (1.5, 0.5, 1, 1), (0.5, 0.5, 0.5, 0.5, 1, 1), (2, -2))
    for beat, length, pitch in tune(harmony, rng, bar=4, rhythms=rhythms, scale=MAJOR, tonic=0, centre=76):
        sheet.note(beat, 0.9 * length, pitch, 78 + 6 * (beat % 4 == 0))
    return sheet.performed(132, rng, loose_ms=5, sway=0.03)


def chorale(rng: np.random.Generator) -> Notes:
    """Four voices moving together, slow and even."""
    sheet = Sheet()
    harmony = chords("G D Em C G Am D G Em Bm C G Am D7 G G D Em C G C D7 Em Em Am D G C Am D7 G G")
    upper = 74
    for number, chord in enumerate(harmony):
        last = number % 8 == 7
        upper = chord.nearest(upper + int(rng.choice([-2, -1, 1, 2])))
        upper = min(max(upper, 67), 79)
        upper = chord.nearest(upper)
        inner = [p for p in chord.tones(57, 8) if p < upper][-2:]
        length = 1.9 if last else 0.97
        beat = number + number // 8
        sheet.chord(beat, length, [chord.bass(40), *inner, upper], 58 + 4 * (number % 2 == 0) - 6 * last)
    return sheet.performed(63, rng, loose_ms=9, sway=0.08, phrase=9)


def ballad(rng: np.random.Generator) -> Notes:
    """Wide arpeggios under pedal and a singing tune."""
    sheet, harmony = Sheet(), chords("C Am F G C Em F G Am Em F C Dm G7 C C")
    for number, chord in enumerate(harmony):
        beat = 4.0 * number
        tones = [chord.bass(36), *chord.tones(chord.bass(36) + 7, 5)]
        for half in range(8):
            up_down = (0, 1, 2, 3, 4, 3, 2, 1)[half]
            sheet.note(beat + half / 2, 0.6, tones[up_down], 44 + 2 * up_down + 5 * (half == 0))
        sheet.pedal(beat + 0.08, beat + 3.95)
    rhythms = ((1.5, 0.5, 2), (1, 1, 1, 1), (0.5, 0.5, 1, 2), (3, -1))
    for beat, length, pitch in tune(harmony, rng, bar=4, rhythms=rhythms, scale=MAJOR, tonic=0, centre=74):
        sheet.note(beat, length, pitch, 74 + 4 * (beat % 8 == 0))
    return sheet.performed(74, rng, sway=0.08, loose_ms=12)


def staccato(rng: np.random.Generator) -> Notes:
    """Short detached notes, quick and dry."""
    sheet, harmony = Sheet(), chords("Am E7 Am Dm Am F E7 Am C G7 C F Dm E7 Am Am")
    for number, chord in enumerate(harmony):
        for quarter in range(4):
            sheet.note(4 * number + quarter, 0.2, chord.bass(45) if quarter % 2 == 0 else chord.tones(52, 1)[0], 66)
    rhythms = ((0.5,) * 8, (0.5, 0.5, -0.5, 0.5, 0.5, 0.5, -0.5, 0.5), (0.5, 0.5, 1, 0.5, 0.5, 1), (0.5,) * 6 + (-1,))
    for beat, _, pitch in tune(harmony, rng, bar=4, rhythms=rhythms, scale=HARMONIC_MINOR, tonic=9, centre=79):
        sheet.note(beat, 0.18, pitch, 82 + 8 * (beat % 1 == 0))
    return sheet.performed(138, rng, loose_ms=3)


def ambient(rng: np.random.Generator) -> Notes:
    """A few soft notes, far apart, in one long pedal each."""
    sheet, harmony = Sheet(), chords("Dmaj9 Bm9 Gmaj9 A9 Dmaj9 F#m7 Gmaj9 Dmaj9")
    for number, chord in enumerate(harmony):
        beat = 8.0 * number
        sheet.note(beat, 3, chord.bass(33), 40)
        sheet.pedal(beat + 0.1, beat + 7.9)
        for pitch in rng.permutation(chord.tones(66, 7))[:5]:
            beat += float(rng.choice([0.5, 1.0, 1.5]))
            sheet.note(beat, 1.5, int(pitch), float(rng.integers(28, 46)))
    return sheet.performed(76, rng, loose_ms=30, sway=0.1, uneven=4)


def ragtime(rng: np.random.Generator) -> Notes:
    """Bass and chord in the left hand, a syncopated tune in octaves in the right."""
    sheet, harmony = Sheet(), chords("C C G7 C A7 D7 G7 C F F C A7 D7 G7 C C")
    _oompah(sheet, harmony, 72)
    rhythms = (
        (0.25, 0.5, 0.25, 0.5, 0.5, 0.25, 0.5, 0.25, 1),
        (0.5, 0.25, 0.5, 0.25, 0.5, 1, 0.5, 0.5),
        (0.25, 0.5, 0.5, 0.25, 0.5, 0.5, 0.5, 1),
        (0.5, 0.5, 0.25, 0.5, 0.25, 2),
    )
    for beat, length, pitch in tune(harmony, rng, bar=4, rhythms=rhythms, scale=MAJOR, tonic=0, centre=74):
        loud = 84 + 8 * (beat % 1 != 0)
        sheet.note(beat, 0.85 * length, pitch, loud)
        if length >= 0.5:
            sheet.note(beat, 0.85 * length, pitch + 12, loud - 8)
    return sheet.performed(92, rng, loose_ms=5)


def stride(rng: np.random.Generator) -> Notes:
    """Leaping left hand, swung runs in the right."""
    sheet, harmony = Sheet(), chords("F6 D7 G7 C7 F6 F7 Bb6 Bdim7 F6 D7 G7 C7 Am7 D7 G7 C7 F6 F6")
    _oompah(sheet, harmony, 80, tenths=True)
    rhythms = ((0.5,) * 8, (1, 0.5, 0.5, 0.5, 0.5, 1), (-0.5, 0.5, 0.5, 0.5, 1, -1), (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1))
    for beat, length, pitch in tune(harmony, rng, bar=4, rhythms=rhythms, scale=MAJOR, tonic=5, centre=77):
        sheet.note(beat, 0.8 * length, pitch, 88 + 6 * (beat % 1 != 0))
    return sheet.performed(152, rng, swing=0.9, loose_ms=8, uneven=6)


def waltz(rng: np.random.Generator) -> Notes:
    """Three in a bar with a long breath."""
    sheet, harmony = Sheet(), chords("Am Dm E7 Am F Dm E7 E7 Am A7 Dm Dm Am E7 Am Am C G7 C F Dm Am E7 Am")
    for number, chord in enumerate(harmony):
        beat = 3.0 * number
        sheet.note(beat, 1, chord.bass(38), 62)
        for quarter in (1, 2):
            sheet.chord(beat + quarter, 0.6, chord.tones(55, 3), 46)
        sheet.pedal(beat + 0.05, beat + 2.6)
    rhythms = ((2, 1), (1, 1, 1), (1.5, 0.5, 1), (3,))
    for beat, length, pitch in tune(harmony, rng, bar=3, rhythms=rhythms, scale=HARMONIC_MINOR, tonic=9, centre=77):
        sheet.note(beat, 0.95 * length, pitch, 76 + 6 * (beat % 6 == 0))
    return sheet.performed(148, rng, sway=0.14, phrase=12, loose_ms=12)


def boogie(rng: np.random.Generator) -> Notes:
    """Twelve bars of blues over a walking left hand."""
    sheet, harmony = Sheet(), chords("C7 F7 C7 C7 F7 F7 C7 C7 G7 F7 C7 G7 C7 F7 C7 C7 F7 F7 C7 C7 G7 F7 C7 C7")
    for number, chord in enumerate(harmony):
        root = chord.bass(36)
        for half, step in enumerate((0, 4, 7, 9, 10, 9, 7, 4)):
            sheet.note(4 * number + half / 2, 0.45, root + step, 84)
    rhythms = ((0.5, 0.5, 1, 0.5, 0.5, 1), (-0.5, 0.5, 0.5, 0.5, 1, 1), (0.5,) * 8, (1, -0.5, 0.5, 1, -1))
    for beat, length, pitch in tune(harmony, rng, bar=4, rhythms=rhythms, scale=BLUES, tonic=0, centre=75):
        sheet.note(beat, 0.7 * length, pitch, 96)
        if beat % 1 == 0:
            sheet.note(beat, 0.7 * length, pitch + 3, 88)
    return sheet.performed(144, rng, swing=1.0, loose_ms=6, uneven=5)


def nocturne(rng: np.random.Generator) -> Notes:
    """A murmuring left hand over two octaves, an ornamented tune far above."""
    sheet, harmony = Sheet(), chords("Eb Eb Cm Ab Bb7 Eb Gm Cm Ab Fm Bb7 Eb")
    for number, chord in enumerate(harmony):
        beat = 6.0 * number
        tones = [chord.bass(34), *chord.tones(chord.bass(34) + 10, 5)]
        for half in range(12):
            sheet.note(beat + half / 2, 0.5, tones[(0, 2, 4, 5, 4, 2)[half % 6]], 36 + 8 * (half % 6 == 0))
        sheet.pedal(beat + 0.05, beat + 2.9)
        sheet.pedal(beat + 3.05, beat + 5.9)
    rhythms = ((3, 1, 1, 1), (1.5, 1.5, 3), (2, 1, 2, 1), (4, -2))
    for beat, length, pitch in tune(harmony, rng, bar=6, rhythms=rhythms, scale=MAJOR, tonic=3, centre=79):
        if length >= 3 and beat:
            for i, step in enumerate((0, 2, 0)):  # a turn before the long note
                sheet.note(beat - 0.45 + 0.15 * i, 0.14, pitch + step, 60)
        sheet.note(beat, 0.97 * length, pitch, 72)
    return sheet.performed(112, rng, sway=0.18, phrase=12, loose_ms=18, uneven=4)


def toccata(rng: np.random.Generator) -> Notes:
    """Unbroken quick notes over held basses."""
    sheet, harmony = Sheet(), chords("Dm Gm A7 Dm F C A7 Dm Bb Gm A7 Dm Gm A7 Dm Dm")
    for number, chord in enumerate(harmony[:-1]):
        beat, tones = 4.0 * number, chord.tones(62, 6)
        sheet.chord(beat, 3.9, (chord.bass(36), chord.bass(36) + 12), 82)
        order = (0, 1, 2, 3, 4, 3, 2, 1) if number % 2 == 0 else (5, 3, 4, 2, 3, 1, 2, 0)
        for sixteenth in range(16):
            sheet.note(beat + sixteenth / 4, 0.22, tones[order[sixteenth % 8]], 78 + 8 * (sixteenth % 4 == 0))
    sheet.chord(4.0 * (len(harmony) - 1), 4, (38, 50, 57, 62, 66, 69, 74), 92, roll=0.05)
    return sheet.performed(120, rng, loose_ms=3)


def minimal(rng: np.random.Generator) -> Notes:
    """One small figure, repeated while single notes of it change."""
    sheet = Sheet()
    figure = [64, 71, 67, 76, 71, 64, 74, 67]
    choices = Chord.of("Em9").tones(60, 12)
    for bar in range(28):
        if bar and bar % 2 == 0:
            figure[int(rng.integers(8))] = int(rng.choice(choices))
        for half, pitch in enumerate(figure):
            sheet.note(2 * bar + half / 4, 0.24, pitch, 60 + 10 * (half % 3 == 0))
        if bar % 4 == 0:
            sheet.note(2.0 * bar, 7.5, (40, 43, 36, 38)[bar // 4 % 4], 58)
        sheet.pedal(2 * bar + 0.02, 2 * bar + 1.98)
    return sheet.performed(112, rng, loose_ms=3, uneven=2)


def march(rng: np.random.Generator) -> Notes:
    """Full chords and octaves, loud and square."""
    sheet, harmony = Sheet(), chords("Bb F7 Bb Eb Bb F7 Bb Bb Gm D7 Gm Eb Bb F7 Bb Bb")
    for number, chord in enumerate(harmony):
        beat, root = 4.0 * number, chord.bass(34)
        for quarter in range(4):
            bass = root if quarter % 2 == 0 else root + 7
            sheet.chord(beat + quarter, 0.5, (bass, bass + 12), 98)
    rhythms = ((1.5, 0.5, 1, 1), (0.75, 0.25, 1, 2), (1, 1, 0.75, 0.25, 1), (1, 1, 2))
    for beat, length, pitch in tune(harmony, rng, bar=4, rhythms=rhythms, scale=MAJOR, tonic=10, centre=70):
        chord = harmony[int(beat // 4)]
        inner = [p for p in chord.tones(pitch + 1, 3) if p < pitch + 12]
        sheet.chord(beat, 0.8 * length, (pitch, *inner, pitch + 12), 102 + 8 * (beat % 2 == 0))
    return sheet.performed(112, rng, loose_ms=6, uneven=4)


def planing(rng: np.random.Generator) -> Notes:
    """Ninth chords sliding in parallel, a pentatonic line above, much pedal."""
    sheet = Sheet()
    harmony = chords("Dbmaj9 Ebm9 Gbmaj9 Ab9 Dbmaj9 Bbm9 Gbmaj9 Ab9 Ebm9 Gbmaj9 Dbmaj9 Dbmaj9")
    for number, chord in enumerate(harmony):
        beat = 4.0 * number
        root = chord.bass(39)
        sheet.chord(beat, 3.8, [root + step for step in chord.shape], 46, roll=0.08)
        sheet.chord(beat + 2, 1.8, [root + 12 + step for step in chord.shape[1:]], 40)
        sheet.pedal(beat + 0.1, beat + 3.9)
    rhythms = ((-0.5, 0.5, 0.5, 0.5, 2), (1, 0.5, 0.5, 1, 1), (0.25,) * 8 + (2,), (1.5, 0.5, 2))
    for beat, length, pitch in tune(harmony, rng, bar=4, rhythms=rhythms, scale=PENTATONIC, tonic=1, centre=80):
        sheet.note(beat, length, pitch, 58 + 6 * (length >= 1))
    return sheet.performed(69, rng, sway=0.12, loose_ms=14, uneven=4)


def lament(rng: np.random.Generator) -> Notes:
    """A falling bass in minor, single long notes, hardly louder than a breath."""
    sheet, harmony = Sheet(), chords("Am Em F C Dm Am E7 Am Am G F E7 Dm Am E7 Am")
    for number, chord in enumerate(harmony):
        beat = 4.0 * number
        sheet.note(beat, 4, chord.bass(40), 50)
        sheet.chord(beat + 1, 2.9, chord.tones(52, 2), 40)
    rhythms = ((3, 1), (2, 2), (1, 1, 2), (4,))
    for beat, length, pitch in tune(harmony, rng, bar=4, rhythms=rhythms, scale=MINOR, tonic=9, centre=69):
        sheet.note(beat, length, pitch, 62)
    return sheet.performed(84, rng, sway=0.1, loose_ms=15)


def _oompah(sheet: Sheet, harmony: list[Chord], velocity: float, *, tenths: bool = False) -> None:
    """A low bass on one and three, a chord on two and four."""
    for number, chord in enumerate(harmony):
        for quarter in range(4):
            beat = 4 * number + quarter
            if quarter % 2:
                sheet.chord(beat, 0.4, chord.tones(53, 3), velocity - 12)
                continue
            bass = chord.bass(31) + (0 if quarter == 0 else 7)
            above = bass + 12 if not tenths else bass + 12 + chord.shape[1]
            sheet.chord(beat, 0.5, (bass, above), velocity)
