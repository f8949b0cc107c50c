"""Attacks on image classifiers: pixels in [0, 1] in, pixels in [0, 1] out; normalisation is the model's own.

Light to import: `recipe` needs no torch, the other modules do.
"""
