"""Jobs of the invariance topic; importing this package registers them."""

from engines.invariance.jobs import boundary, live, orthogonality, profile

__all__ = ["boundary", "live", "orthogonality", "profile"]
