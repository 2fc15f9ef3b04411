"""The layout of results: names, files, metrics."""
