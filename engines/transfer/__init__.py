"""Nesterov and scale-invariant attacks that transfer (Lin et al. 2020): matrices, races, one image live, crafting."""
