"""Jobs of the transfer topic; importing this package registers them."""

from engines.transfer.jobs import craft, live, matrix, race, scales

__all__ = ["craft", "live", "matrix", "race", "scales"]
