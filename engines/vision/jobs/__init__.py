"""Jobs of the image networks; importing this package registers them."""

from engines.vision.jobs import models, ship, train

__all__ = ["models", "ship", "train"]
