"""Jobs of the Hex topic; importing this package registers them."""

from engines.hex.jobs import duel, engine, exact, export, external, review, train

__all__ = ["duel", "engine", "exact", "export", "external", "review", "train"]
