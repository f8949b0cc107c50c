"""Ten melodies whose authors are long dead or were never known, in beats."""

from __future__ import annotations

from typing import Final

TUNES: Final[dict[str, tuple[str, str, float, str]]] = {
    "ode-to-joy": (
        "Ode to Joy",
        "L. van Beethoven, Symphony No. 9, 1824",
        116,
        "E4 E4 F4 G4 | G4 F4 E4 D4 | C4 C4 D4 E4 | E4/1.5 D4/.5 D4/2 | E4 E4 F4 G4 | G4 F4 E4 D4 | C4 C4 D4 E4 |"
        "D4/1.5 C4/.5 C4/2 | D4 D4 E4 C4 | D4 E4/.5 F4/.5 E4 C4 | D4 E4/.5 F4/.5 E4 D4 | C4 D4 G3/2 |"
        "E4 E4 F4 G4 | G4 F4 E4 D4 | C4 C4 D4 E4 | D4/1.5 C4/.5 C4/2",
    ),
    "twinkle": (
        "Ah! vous dirai-je, maman (Twinkle)",
        "French song, 1761",
        108,
        "C4 C4 G4 G4 | A4 A4 G4/2 | F4 F4 E4 E4 | D4 D4 C4/2 | G4 G4 F4 F4 | E4 E4 D4/2 | G4 G4 F4 F4 | E4 E4 D4/2 |"
        "C4 C4 G4 G4 | A4 A4 G4/2 | F4 F4 E4 E4 | D4 D4 C4/2",
    ),
    "greensleeves": (
        "Greensleeves",
        "English song, 1580",
        132,
        "A4 | C5/2 D5 | E5/1.5 F#5/.5 E5 | D5/2 B4 | G4/1.5 A4/.5 B4 | C5/2 A4 | A4/1.5 G#4/.5 A4 | B4/2 G#4 |"
        "E4/2 A4 |"
        "C5/2 D5 | E5/1.5 F#5/.5 E5 | D5/2 B4 | G4/1.5 A4/.5 B4 | C5/1.5 B4/.5 A4 | G#4/1.5 F#4/.5 G#4 | A4/3 | A4/3 |"
        "G5/3 | G5/1.5 F#5/.5 E5 | D5/2 B4 | G4/1.5 A4/.5 B4 | C5/2 A4 | A4/1.5 G#4/.5 A4 | B4/2 G#4 | E4/3 |"
        "G5/3 | G5/1.5 F#5/.5 E5 | D5/2 B4 | G4/1.5 A4/.5 B4 | C5/1.5 B4/.5 A4 | G#4/1.5 F#4/.5 G#4 | A4/3 | A4/3",
    ),
    "frere-jacques": (
        "Frère Jacques",
        "French round, about 1780",
        112,
        "C4 D4 E4 C4 | C4 D4 E4 C4 | E4 F4 G4/2 | E4 F4 G4/2 | G4/.5 A4/.5 G4/.5 F4/.5 E4 C4 |"
        "G4/.5 A4/.5 G4/.5 F4/.5 E4 C4 | C4 G3 C4/2 | C4 G3 C4/2",
    ),
    "amazing-grace": (
        "Amazing Grace",
        "New Britain, American hymn, 1829",
        92,
        "D4 | G4/2 B4/.5 G4/.5 | B4/2 A4 | G4/2 E4 | D4/2 D4 | G4/2 B4/.5 G4/.5 | B4/2 A4 | D5/5 B4 |"
        "D5/2 B4/.5 G4/.5 | B4/2 A4 | G4/2 E4 | D4/2 D4 | G4/2 B4/.5 G4/.5 | B4/2 A4 | G4/5",
    ),
    "auld-lang-syne": (
        "Auld Lang Syne",
        "Scottish song, printed 1799",
        104,
        "C4 | F4/1.5 F4/.5 F4 A4 | G4/1.5 F4/.5 G4 A4 | F4/1.5 F4/.5 A4 C5 | D5/3 D5 | C5/1.5 A4/.5 A4 F4 |"
        "G4/1.5 F4/.5 G4 A4 | F4/1.5 D4/.5 D4 C4 | F4/3 D5 | C5/1.5 A4/.5 A4 F4 | G4/1.5 F4/.5 G4 D5 |"
        "C5/1.5 A4/.5 A4 C5 | D5/3 D5 | C5/1.5 A4/.5 A4 F4 | G4/1.5 F4/.5 G4 A4 | F4/1.5 D4/.5 D4 C4 | F4/3",
    ),
    "scarborough-fair": (
        "Scarborough Fair",
        "English ballad, 17th century",
        120,
        "D4/2 D4 | A4/2 A4 | E4/1.5 F4/.5 E4 | D4/3 | r A4 C5 | D5/2 C5 | A4 B4 G4 | A4/3 | r/2 D5 | D5/2 D5 |"
        "C5/2 A4 | A4 G4 F4 | E4 C4/2 | D4/2 A4 | G4/2 F4 | E4 D4 C4 | D4/3",
    ),
    "fur-elise": (
        "Für Elise, opening",
        "L. van Beethoven, 1810",
        72,
        "E5/.25 D#5/.25 | E5/.25 D#5/.25 E5/.25 B4/.25 D5/.25 C5/.25 | A4/.5 r/.25 C4/.25 E4/.25 A4/.25 |"
        "B4/.5 r/.25 E4/.25 G#4/.25 B4/.25 | C5/.5 r/.25 E4/.25 E5/.25 D#5/.25 |"
        "E5/.25 D#5/.25 E5/.25 B4/.25 D5/.25 C5/.25 | A4/.5 r/.25 C4/.25 E4/.25 A4/.25 |"
        "B4/.5 r/.25 E4/.25 C5/.25 B4/.25 | A4/1",
    ),
    "minuet": (
        "Minuet in G",
        "C. Petzold, about 1725",
        126,
        "D5 G4/.5 A4/.5 B4/.5 C5/.5 | D5 G4 G4 | E5 C5/.5 D5/.5 E5/.5 F#5/.5 | G5 G4 G4 | C5 D5/.5 C5/.5 B4/.5 A4/.5 |"
        "B4 C5/.5 B4/.5 A4/.5 G4/.5 | F#4 G4/.5 A4/.5 B4/.5 G4/.5 | A4/3 | D5 G4/.5 A4/.5 B4/.5 C5/.5 | D5 G4 G4 |"
        "E5 C5/.5 D5/.5 E5/.5 F#5/.5 | G5 G4 G4 | C5 D5/.5 C5/.5 B4/.5 A4/.5 | B4 C5/.5 B4/.5 A4/.5 G4/.5 |"
        "A4 B4/.5 A4/.5 G4/.5 F#4/.5 | G4/3",
    ),
    "canon": (
        "Canon in D, first voices",
        "J. Pachelbel, about 1690",
        100,
        "F#5/2 E5/2 | D5/2 C#5/2 | B4/2 A4/2 | B4/2 C#5/2 | D5/2 C#5/2 | B4/2 A4/2 | G4/2 F#4/2 | G4/2 E4/2 |"
        "D4 F#4 A4 G4 | F#4 D4 F#4 E4 | D4 B3 D4 A4 | G4 B4 A4 G4 | F#4/4",
    ),
}
"""Name: title, origin, quarter notes a minute, and the melody for `composing.line`."""
