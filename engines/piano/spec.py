"""What may be set in training, measuring and composing; nothing here computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from engines.core.spec import Spec, param

SIZES: Final[dict[str, dict[str, int]]] = {
    "tiny": {"d": 96, "heads": 4, "key_channels": 96, "ffn": 384, "layers_enc": 2, "layers_dec": 3},
    "small": {"d": 128, "heads": 4, "key_channels": 128, "ffn": 512, "layers_enc": 2, "layers_dec": 3},
    "medium": {"d": 192, "heads": 6, "key_channels": 192, "ffn": 768, "layers_enc": 2, "layers_dec": 4},
    "paper": {"d": 384, "heads": 8, "key_channels": 512, "ffn": 1024, "layers_enc": 6, "layers_dec": 6},
}
"""Widths and layers by name; "paper" are those of the reference code's set."""
_SOURCE = "walks, library, pop909, piano-midi-de, or a folder of MIDI files."
_WEIGHTS = "Name of weights, or a file."

Mode = Literal["unconditional", "performance", "melody", "melody+performance", "unpooled"]


class TrainSpec(Spec):
    """A style autoencoder, or one of its baselines ("piano.train")."""

    source: str = param("walks", f"What to learn from: {_SOURCE}", group="Music")
    mode: Mode = param("performance", "What the decoder is told: nothing, a style, a melody, both.", group="Network")
    merge: Literal["sum", "concat", "tile"] = param("sum", "How style and melody meet.", group="Network")
    size: Literal["tiny", "small", "medium", "paper"] = param("tiny", "Width and layers.", group="Network")
    length: int = param(192, "Tokens of a crop; 100 last about 4 seconds.", ge=16, le=4096, log=True, group="Network")
    reach: int = param(
        0, "Learned relative distances of the decoder; 0 for half the length.", ge=0, le=4096, group="Network",
        advanced=True,
    )  # fmt: skip
    reach_encoder: int = param(
        32, "Those of the encoders, to both sides; 0 as the decoder's.", ge=0, le=4096, group="Network", advanced=True
    )
    encoder_relative: Literal["two-sided", "spill", "none"] = param(
        "two-sided", "Relative positions in the encoders; spill is the reference code's accident.", group="Network",
        advanced=True,
    )  # fmt: skip
    clock: bool = param(
        False, "Attention to the melody knows the time; not in the paper, follows melodies sooner.", group="Network",
        advanced=True,
    )  # fmt: skip
    dropout: float = param(0.0, "Share of units left out.", ge=0, lt=1, group="Network", advanced=True)
    batch: int = param(16, "Crops of a step.", ge=1, le=256, log=True, group="Training")
    steps: int = param(600, "Steps at most.", ge=1, le=1_000_000, log=True, group="Training")
    minutes: float = param(0.0, "Minutes at most; 0 for no limit.", ge=0, le=10_000, unit="min", group="Training")
    rate: float = param(3e-3, "Highest learning rate.", gt=0, le=1, log=True, group="Training")
    warm_up: int = param(100, "Steps in which the rate rises.", ge=0, le=100_000, group="Training", advanced=True)
    schedule: Literal["decay", "constant", "paper"] = param(
        "decay", "The rate falls to 0, stays, or follows the reference code.", group="Training", advanced=True
    )
    optimiser: Literal["adam", "muon"] = param(
        "adam", "Adam is the paper's; muon needs fewer steps.", group="Training", advanced=True
    )
    augment: bool = param(True, "Stretch by up to 5 % and transpose by up to 3 semitones.", group="Training")
    perturbation: Literal["none", "paper", "repo", "elsewhere"] = param(
        "none", "How the performance input differs from the target, so that style says no key; elsewhere: another part "
        "of the piece.", group="Training",
    )  # fmt: skip
    measure_every: int = param(100, "Steps between two measurings.", ge=1, le=100_000, group="Training", advanced=True)
    held_out: int = param(32, "Crops of pieces not trained on.", ge=0, le=4096, group="Training", advanced=True)
    sample_tokens: int = param(
        160, "Tokens composed at each measuring, to listen to; 0 for none.", ge=0, le=4096, group="Training",
        advanced=True,
    )  # fmt: skip
    checkpoint_minutes: float = param(
        2.0, "Between two checkpoints.", gt=0, le=600, unit="min", group="Training", advanced=True
    )
    start_from: str = param(
        "", "Trained weights to go on from, with their size and what they are told; empty begins anew.", group="Network"
    )
    save_as: str = param("", "File for the weights; empty keeps them with the run.", group="Training", advanced=True)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {"optimiser": "muon", "rate": 1e-2, "warm_up": 50, "batch": 8, "steps": 400},
        "full": {
            "source": "pop909", "mode": "melody+performance", "size": "paper", "length": 2048, "reach_encoder": 0,
            "dropout": 0.1, "batch": 8, "steps": 100_000, "schedule": "paper", "perturbation": "paper",
            "measure_every": 500, "held_out": 90,
        },
    }  # fmt: skip


class ShipSpec(Spec):
    """The networks that come with the program ("piano.ship")."""

    names: str = param("all", "Which ones, with commas: all, or names.", group="Run")
    folder: str = param("", "Where weights are written; empty for the program's own folder.", group="Run")
    minutes: float = param(
        0.0, "Limit of one network's training; 0 for none.", ge=0, le=10_000, unit="min", group="Run"
    )
    steps: int = param(0, "Steps of each instead of the usual ones; 0 for those.", ge=0, le=1_000_000, group="Run")
    redo: bool = param(False, "Train again what is there already.", group="Run")
    go_on: bool = param(False, "Begin with the shipped weights of that name instead of anew.", group="Run")
    rate: float = param(0.0, "Highest learning rate instead of the usual one; 0 for that.", ge=0, le=1, group="Run")
    measure: bool = param(True, "Measure each on the test pieces afterwards.", group="Run")


class MeasureSpec(Spec):
    """NLL of weights on pieces not trained on, under every conditioning ("piano.measure")."""

    weights: str = param("piano-style", _WEIGHTS, group="Network")
    source: str = param("", f"What to measure on; empty for what it was trained on. {_SOURCE} asap too.", group="Music")
    part: Literal["validation", "test"] = param("test", "Which held-out pieces.", group="Music")
    crops: int = param(90, "Crops; pieces take turns.", ge=2, le=10_000, log=True, group="Music")
    write: bool = param(False, "Write what was measured into the card of the weights.", group="Run", advanced=True)

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {"crops": 30}, "full": {"crops": 900}}


class ComposeSpec(Spec):
    """Composing while one listens ("piano.compose"); what to compose comes with each request."""

    weights_kept: int = param(3, "Loaded networks kept in memory.", ge=1, le=20, group="Run", advanced=True)


class InspectSpec(ComposeSpec):
    """Reading along with a network ("piano.inspect"); what to read comes with each request."""

    most: int = param(12_000, "Tokens read of a piece, from its beginning.", ge=1, le=200_000, log=True, group="Run")


class WriteSpec(Spec):
    """A piece in a style and on a melody, as files ("piano.write")."""

    weights: str = param("piano-style", _WEIGHTS, group="Network")
    style: str = param("ballad", "A piece that comes with the program, or a MIDI file.", group="Music")
    second: str = param("", "A second style to mix in; empty for none.", group="Music")
    alpha: float = param(0.5, "How far towards the second style.", ge=0, le=1, group="Music")
    melody: str = param(
        "ode-to-joy", "A melody that comes with the program, or a MIDI file; empty for none.", group="Music"
    )
    seconds: float = param(30.0, "Length of the piece.", gt=0, le=3600, unit="s", group="Composing")
    variations: int = param(1, "Pieces composed at once.", ge=1, le=32, group="Composing")
    temperature: float = param(
        1.0, "0 takes the likeliest token, 1 the network's own chances.", ge=0, le=2, group="Composing"
    )
    top_p: float = param(0.95, "Only the likeliest tokens with this share are drawn.", gt=0, le=1, group="Composing")
    grammar: bool = param(True, "No release of a key that is up, no strike of one that is down.", group="Composing")

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {}, "full": {"seconds": 120.0, "variations": 4}}


class StylesSpec(Spec):
    """Style vectors of performances, and a map of them ("piano.styles")."""

    weights: str = param("piano-style", _WEIGHTS, group="Network")
    source: str = param("library", f"Whose styles: {_SOURCE} asap too.", group="Music")
    folder: Path | None = param(None, "A folder of MIDI files instead.", group="Music", advanced=True)
    most: int = param(200, "Pieces at most.", ge=2, le=5000, log=True, group="Music")
    seconds: float = param(60.0, "Read of each piece, from its beginning.", gt=1, le=3600, unit="s", group="Music")

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {"most": 40}, "full": {}}


class LikenessSpec(Spec):
    """How like its source a network composes ("piano.likeness")."""

    weights: str = param("piano-style", _WEIGHTS, group="Network")
    source: str = param("", f"Whose styles; empty for what it was trained on. {_SOURCE} asap too.", group="Music")
    part: Literal["validation", "test"] = param("test", "Which held-out pieces.", group="Music")
    items: int = param(12, "Pieces.", ge=2, le=1000, log=True, group="Music")
    tokens: int = param(400, "Tokens that are composed for each.", ge=64, le=8192, log=True, group="Composing")
    temperature: float = param(1.0, "1 is the network's own.", ge=0, le=2, group="Composing", advanced=True)

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {}, "full": {"items": 80, "tokens": 2048}}


class MorphSpec(LikenessSpec):
    """Music between two styles ("piano.morph")."""

    items: int = param(8, "Pairs of pieces.", ge=1, le=500, log=True, group="Music")
    alphas: tuple[float, ...] = param(
        (0.0, 0.25, 0.5, 0.75, 1.0), "How far from the first style to the second.", group="Composing"
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {},
        "full": {"items": 40, "tokens": 2048, "alphas": (0.0, 0.125, 0.375, 0.5, 0.625, 0.875, 1.0)},
    }


class RecitalSpec(Spec):
    """Whether a network recites tunes that it learnt from ("piano.recite")."""

    weights: str = param("piano-style", _WEIGHTS, group="Network")
    source: str = param("", f"What it learnt from; empty asks its card. {_SOURCE}", group="Music")
    items: int = param(60, "Pieces that are composed, each in the style of another one it learnt.", ge=2, le=1000)
    tokens: int = param(1000, "Tokens that are composed for each.", ge=64, le=8192, log=True, group="Composing")
    temperature: float = param(1.0, "1 is the network's own.", ge=0, le=2, group="Composing")

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {}, "full": {"items": 400, "tokens": 2048}}


class ReadSpec(Spec):
    """A MIDI file for the desk ("piano.read")."""

    path: Path = param(Path(), "The file.", group="Music")


class FindSpec(Spec):
    """The melody of a performance ("piano.find"); the performance comes with the request."""

    seconds: float = param(
        120.0, "From its beginning: the search takes longer for more.", gt=0, le=600, unit="s", group="Music"
    )


class CompareSpec(Spec):
    """How alike performances are ("piano.compare"); they come with the request."""
