"""Heat between the cells of an array: its network, and the geometry of a crossbar."""
