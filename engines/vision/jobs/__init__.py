"""Jobs of the image networks; importing this package registers them."""

from engines.vision.jobs import measure, models, pictures, ship, train

__all__ = ["measure", "models", "pictures", "ship", "train"]
