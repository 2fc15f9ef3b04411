"""Measurements as one dataset: numbers of loops, and tables that are read by a guess or a mapping."""
