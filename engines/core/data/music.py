"""The sets of piano music that the workbench knows: archives of MIDI files, read by engines/piano."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from engines.core.data import sets as _sets  # noqa: F401  (those that need no file are listed first)
from engines.core.data.registry import DataFile, DataSet, Layout, register
from engines.core.errors import UserError


def _music(paths: tuple[Path, ...], split: str, check: Callable[[], None]) -> tuple[np.ndarray, np.ndarray]:
    raise UserError("music holds no images", "read it with engines.piano.corpus")


def _archive(name: str, file: DataFile, pieces: int, *, title: str, licence: str, citation: str, page: str) -> DataSet:
    return register(
        DataSet(
            name=name,
            title=title,
            kind="music",
            licence=licence,
            citation=citation,
            page=page,
            splits=("all",),
            layouts=(Layout({"all": (file,)}, _music),),
            counts={"all": pieces},
        )
    )


_archive(
    "pop909",
    DataFile("midi/pop909.zip", 4_847_006, "99924b5a1117ee60439fa5c25242bbd380ea802ea4fa27b219bcd05aad775da6"),
    909,
    title="POP909, 909 pop songs arranged for piano, with their melodies",
    licence="MIT (the repository's); the songs belong to their writers",
    citation="Z. Wang et al.: POP909: a pop-song dataset for music arrangement generation. ISMIR, 2020",
    page="https://github.com/music-x-lab/POP909-Dataset",
)
_archive(
    "piano-midi-de",
    DataFile("midi/piano_midi_de.zip", 2_740_706, "9038dfb97286a4ad0fe616715ef7b0aafa1221d566674a0bb49c59de9de630ba"),
    337,
    title="piano-midi.de, 337 classical piano pieces with expressive tempo",
    licence="CC BY-SA 3.0 DE: weights trained on it need the attribution and the same licence",
    citation="B. Krueger: Classical piano MIDI page. http://www.piano-midi.de",
    page="http://www.piano-midi.de",
)
_archive(
    "asap",
    DataFile("midi/asap_tests_only.zip", 1_675_427, "02816034c11dfd9f104a9478de9a9d27f73ae11736e44dd720bd1609e6f845b4"),
    103,
    title="ASAP, 103 recorded performances of classical pieces (evaluation only)",
    licence="CC BY-NC-SA 4.0: not for commercial use, so no weights are trained on it here",
    citation="F. Foscarin et al.: ASAP: a dataset of aligned scores and performances for piano transcription. "
    "ISMIR, 2020",
    page="https://github.com/fosfrancesco/asap-dataset",
)
