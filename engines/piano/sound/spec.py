"""What may be set when a performance is made into sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from engines.core.spec import Spec, param

_INSTRUMENT = 'A SoundFont file (.sf2, .sf3), "TimGM6mb", "built-in", or empty for the best there is.'


class RenderSpec(Spec):
    """A MIDI file as a WAV file ("piano.render")."""

    midi: Path | None = param(None, "The MIDI file; empty takes a piece that comes with the program.", group="Music")
    item: str = param("", "Name of that piece; empty takes the first.", group="Music")
    begin_s: float = param(0.0, "Where to begin.", ge=0, le=36_000, unit="s", group="Music")
    end_s: float | None = param(
        None, "Where to end; none plays to the last tone.", gt=0, le=36_000, unit="s", group="Music"
    )
    tempo: float = param(1.0, "Speed; 2 is twice as fast.", ge=0.25, le=4, log=True, group="Music")
    instrument: str = param("", _INSTRUMENT, group="Sound")
    bits: Literal[16, 24] = param(16, "Bits a sample.", group="Sound", advanced=True)
    gain_db: float = param(0.0, "Louder or softer.", ge=-40, le=12, unit="dB", group="Sound", advanced=True)
    wav: Path | None = param(None, "The WAV file to write; empty writes into the run's folder.", group="Sound")

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {"end_s": 30.0}, "full": {}}


class SoundSpec(Spec):
    """The session that renders what the player is going to play ("piano.sound")."""

    instrument: str = param("", _INSTRUMENT, group="Sound")
    rate: int = param(44_100, "Samples a second.", ge=8_000, le=192_000, unit="Hz", group="Sound", advanced=True)
