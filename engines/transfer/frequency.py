"""Where a perturbation has its energy. Numpy only, so that a window can draw it too."""

from __future__ import annotations

import numpy as np


def spectrum(delta: np.ndarray) -> np.ndarray:
    """Where a perturbation [C, H, W] has its energy: log10(1 + magnitude) of its 2-D Fourier transform, mean over
    colours, zero frequency in the middle: float32 [H, W]."""
    magnitude = np.abs(np.fft.fft2(delta.astype(np.float64), axes=(-2, -1))).mean(0)
    return np.fft.fftshift(np.log10(1 + magnitude)).astype(np.float32)


def radial(delta: np.ndarray, bands: int = 16) -> np.ndarray:
    """Share of the energy of perturbations [N, C, H, W] in rings of rising frequency, float64 [bands], sum 1.

    The last ring is the highest frequency of an axis; the corners beyond it count to it. Zeros where nothing changed.
    """
    power = (np.abs(np.fft.fft2(delta.astype(np.float64), axes=(-2, -1))) ** 2).sum((0, 1))
    rows, columns = np.fft.fftfreq(delta.shape[-2]), np.fft.fftfreq(delta.shape[-1])
    radius = np.hypot(rows[:, None], columns[None]) / 0.5
    ring = np.minimum((radius * bands).astype(int), bands - 1)
    energy = np.bincount(ring.ravel(), power.ravel(), minlength=bands)
    return energy / energy.sum() if energy.sum() > 0 else energy
