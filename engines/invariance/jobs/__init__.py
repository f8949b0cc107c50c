"""Jobs of the invariance topic; importing this package registers them."""

from engines.invariance.jobs import boundary, cusp, live, orthogonality, profile

__all__ = ["boundary", "cusp", "live", "orthogonality", "profile"]
