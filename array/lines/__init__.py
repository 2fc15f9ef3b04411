"""Lines of an array and their solvers."""
