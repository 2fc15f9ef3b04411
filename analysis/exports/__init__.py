"""Cards in the form of other programs."""
