"""One device: atoms and electrons hop on a lattice."""
