"""Jobs of the piano topic; importing this package registers them."""

from engines.piano.jobs import render

__all__ = ["render"]
