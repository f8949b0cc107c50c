"""The game that the panel opens with: both sides played by the shipped network, with 300 simulations a move."""

from __future__ import annotations

from typing import Final

SAMPLE_GAME: Final = "https://hexworld.org/board/#11nc1,b10e6f6e8g7f11f5f9h8,h9g9g11f10e11e10d11k8i8j7i7j6i11k9j11h11j8d10h10c11f4g4h2i2h3g3g2i3h4i4h5k7i5k4i10f2f3"
"""As a HexWorld link: the cursor stands after nine moves."""
