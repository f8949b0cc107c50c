"""The game that the panel opens with: both sides played by the shipped network, with 300 simulations a move."""

from __future__ import annotations

from typing import Final

SAMPLE_GAME: Final = "https://hexworld.org/board/#11nc1,a3a11f7f6g6g5h5h4i4i3j3j2,k2k1f8d11g9g10f10f11e11j1f9h3"
"""As a HexWorld link: the cursor stands after twelve moves."""
