"""Cells of an array."""
