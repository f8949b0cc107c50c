"""Jobs of the piano topic; importing this package registers them."""

from engines.piano.jobs import compose, measure, render, ship, train

__all__ = ["compose", "measure", "render", "ship", "train"]
