"""Networks on images: the zoo, group convolutions, and models as files."""
