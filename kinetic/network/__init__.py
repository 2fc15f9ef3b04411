"""A network of bonds of any law."""
