"""Jobs of the asymmetric topic; importing this package registers them."""

from engines.asymmetric.jobs import train

__all__ = ["train"]
