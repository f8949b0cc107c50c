"""Three-head AlphaZero networks for Hex (Gao et al.): rules, networks, search, training."""
