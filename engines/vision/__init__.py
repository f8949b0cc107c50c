"""What the panels about images share: networks, attacks, training, image sources, own models."""
