"""Jobs of the Hex topic; importing this package registers them."""

from engines.hex.jobs import engine, train

__all__ = ["engine", "train"]
