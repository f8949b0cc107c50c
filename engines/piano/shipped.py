"""The networks that come with the program, as settings. `piano.ship` trains them; nothing else says how."""

from __future__ import annotations

from typing import Any, Final

from engines.piano.spec import TrainSpec

STYLE, UNCONDITIONAL, PERFORMANCE, MELODY = "piano-style", "piano-unconditional", "piano-performance", "piano-melody"
ELSEWHERE = "piano-style-elsewhere"
"""Names of the shipped networks."""

_COMMON: Final[dict[str, Any]] = {
    "source": "pop909", "size": "small", "length": 256, "reach_encoder": 32, "batch": 6, "steps": 2300, "rate": 1e-2,
    "optimiser": "muon", "warm_up": 50, "measure_every": 100, "held_out": 32, "sample_tokens": 0, "clock": True,
}  # fmt: skip
"""The same size and the same crops for all, so that what conditions the decoder is all that differs."""

TABLE: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    STYLE: (
        "Style and melody",
        {**_COMMON, "mode": "melody+performance", "merge": "sum", "perturbation": "paper"},
    ),
    UNCONDITIONAL: ("Neither style nor melody", {**_COMMON, "mode": "unconditional"}),
    PERFORMANCE: ("Style only", {**_COMMON, "mode": "performance"}),
    MELODY: ("Melody only", {**_COMMON, "mode": "melody"}),
    ELSEWHERE: (
        "Style from elsewhere, and melody",
        {
            **_COMMON,
            "mode": "melody+performance",
            "merge": "sum",
            "perturbation": "elsewhere",
            "start_from": STYLE,
            "steps": 3000,
            "rate": 5e-3,
        },
    ),
}
"""name → title and the fields of its TrainSpec, in the order in which they are trained."""


def spec_of(
    name: str,
    *,
    seed: int = 0,
    device: str = "auto",
    steps: int = 0,
    minutes: float = 0.0,
    rate: float = 0.0,
    go_on: bool = False,
) -> TrainSpec:
    """The training of the shipped network `name`. steps, rate: instead of the table's own where they are not 0.
    go_on: begin with the weights of that name."""
    fields = {**TABLE[name][1], "seed": seed, "device": device, "minutes": minutes}
    if go_on:
        fields["start_from"] = name
    return TrainSpec(**fields | {k: v for k, v in {"steps": steps, "rate": rate}.items() if v})
