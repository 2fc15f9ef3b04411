"""What is taken out of measurements: numbers of loops, one dataset of many tables, parts for a fit."""
