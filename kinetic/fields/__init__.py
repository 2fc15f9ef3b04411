"""Potential, heat and charge of a device, and the energy of every event in them."""
