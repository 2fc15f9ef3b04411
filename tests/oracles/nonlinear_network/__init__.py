"""A network of bonds of any law, solved by Newton's method: the oracle of the network of a device."""
