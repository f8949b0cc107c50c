"""Jobs of the asymmetric topic; importing this package registers them."""

from engines.asymmetric.jobs import bench, toy, train

__all__ = ["bench", "toy", "train"]
