"""Takes as lines of text, so that a session brings back what was composed."""

from __future__ import annotations

import base64
import binascii
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from engines.piano.requests import ComposeRequest
from engines.piano.vocabulary import VOCABULARY
from workbench.panels.piano.takes import Reading, Take, Voice, plain

MOST_KEPT: Final = 10
"""Takes of a session, the newest ones."""
MOST_TOKENS: Final = 40_000
"""Of all variations of a take; a longer one is not kept, for a session is saved often and in the window's thread."""
_BROKEN: Final = (
    TypeError,
    ValueError,
    KeyError,
    IndexError,
    OSError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    binascii.Error,
)


class KeptTakes:
    """Writes each take once; chosen variations and likeness may change and stand beside it."""

    def __init__(self) -> None:
        self._texts: dict[int, tuple[tuple[Voice, ...], str]] = {}

    def save(self, takes: Sequence[Take]) -> list[dict[str, Any]]:
        """The newest finished takes, the oldest first."""
        found = [t for t in takes if t.done and t.voices and sum(len(v.tokens) for v in t.voices) <= MOST_TOKENS]
        texts: dict[int, tuple[tuple[Voice, ...], str]] = {}
        lines = []
        for take in found[-MOST_KEPT:]:
            key = id(take.voices)  # a take is made anew with each change, what was composed stays
            texts[key] = self._texts.get(key) or (take.voices, packed(take))
            alike = {str(k): float(v) for k, v in take.alike.items()}
            lines.append({"title": take.title, "chosen": take.chosen, "alike": alike, "music": texts[key][1]})
        self._texts = texts
        return lines


def packed(take: Take) -> str:
    """Tokens, surprise, style vector and request as base64 of a compressed .npz."""
    request = take.request
    arrays: dict[str, Any] = {"z": take.z, "loudness": take.loudness}
    about: dict[str, Any] = {"seed": take.seed, "remarks": list(take.remarks), "speed": take.tokens_per_second}
    for k, voice in enumerate(take.voices):
        arrays |= {f"tokens{k}": voice.tokens, f"nll{k}": voice.nll.astype(np.float16)}
    about["clocks"] = [voice.clock for voice in take.voices]
    if request is not None:
        about["request"] = {**plain(request), "styles": len(request.styles)}
        arrays |= {"melody": request.melody, "primer": request.primer}
        arrays |= {f"style{k}": style for k, style in enumerate(request.styles)}
    stream = io.BytesIO()
    np.savez_compressed(stream, about=np.array(json.dumps(about)), **arrays)
    return base64.b64encode(stream.getvalue()).decode()


def unpacked(line: Any) -> Take | None:
    """What `save` wrote; None where it makes no sense."""
    try:
        data = np.load(io.BytesIO(base64.b64decode(line["music"], validate=True)), allow_pickle=False)
        about = json.loads(str(data["about"]))
        voices = tuple(_voice(data, k, float(clock)) for k, clock in enumerate(about["clocks"]))
        chosen, alike = int(line["chosen"]), {int(k): float(v) for k, v in line["alike"].items()}
        if not 0 <= chosen < len(voices):
            return None
        return Take(
            str(line["title"]), int(about["seed"]), voices, chosen, True, data["z"], data["loudness"],
            float(about["speed"]), tuple(str(text) for text in about["remarks"]), alike, _request(data, about),
        )  # fmt: skip
    except _BROKEN:
        return None


def _voice(data: Any, k: int, clock: float) -> Voice:
    tokens, nll, none = data[f"tokens{k}"].astype(np.int16), data[f"nll{k}"].astype(np.float32), np.zeros(0)
    if (
        tokens.ndim != 1
        or tokens.shape != nll.shape
        or (len(tokens) and not 0 <= tokens.min() <= tokens.max() < VOCABULARY)
    ):
        raise ValueError("no tokens of this program")
    return Voice(tokens, nll, Reading.whole(tokens, clock), clock, clock, none.astype(np.int16), none)


def _request(data: Any, about: dict[str, Any]) -> ComposeRequest | None:
    said = about.get("request")
    if said is None:
        return None
    said = {**said, "shares": tuple(said["shares"]), "blends": tuple(tuple(row) for row in said["blends"])}
    styles = tuple(data[f"style{k}"] for k in range(said.pop("styles")))
    return ComposeRequest(
        generation=0, seed=int(about["seed"]), styles=styles, melody=data["melody"], primer=data["primer"], **said
    )
