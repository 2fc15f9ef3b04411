"""Heat between the cells of an array: network, geometry, and what the cells of a crossbar feel of it."""
