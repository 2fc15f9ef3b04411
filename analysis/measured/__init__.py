"""Measurements of a laboratory: files of instruments, what their columns are, numbers of loops."""
