"""Jobs of the piano topic; importing this package registers them."""

from engines.piano.jobs import compose, desk, inspect, likeness, measure, recite, render, ship, styles, train, write

__all__ = ["compose", "desk", "inspect", "likeness", "measure", "recite", "render", "ship", "styles", "train", "write"]
