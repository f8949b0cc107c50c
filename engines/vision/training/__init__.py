"""Training on images: augmentation, plain and adversarial steps, the table of shipped models."""
