"""Mechanisms: what can happen on a lattice, and with which barrier."""
