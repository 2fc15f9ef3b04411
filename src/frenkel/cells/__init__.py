"""Cells of an array: their interface, the laws of a card, and the file of a card."""
