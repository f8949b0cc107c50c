"""Jobs of the piano topic; importing this package registers them."""

from engines.piano.jobs import measure, render, ship, train

__all__ = ["measure", "render", "ship", "train"]
