"""Encoding musical style with Transformer autoencoders: notes, tokens, networks and sound for the piano.

Source: K. Choi, C. Hawthorne, I. Simon, M. Dinculescu, J. Engel, "Encoding Musical Style with Transformer
Autoencoders", ICML 2020.
"""
