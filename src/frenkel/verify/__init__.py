"""Exact tests of an installed frenkel: what theory says, what this build gives, and how far they differ."""
