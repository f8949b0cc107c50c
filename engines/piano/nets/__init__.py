"""The style autoencoder and its relative attention."""
