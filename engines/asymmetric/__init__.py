"""Adversarial example detection and classification with asymmetrical adversarial training (Yin et al. 2020)."""
