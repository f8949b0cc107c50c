"""Jobs of the asymmetric topic; importing this package registers them."""

from engines.asymmetric.jobs import bench, live, morph, toy, train

__all__ = ["bench", "live", "morph", "toy", "train"]
