"""Measurements of a laboratory: files of instruments, what their columns are, layout of what is read."""
