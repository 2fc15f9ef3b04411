"""Many members on many processes."""
