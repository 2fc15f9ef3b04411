"""Calibration: parameters of a simulator whose devices have the statistics of measured ones."""
