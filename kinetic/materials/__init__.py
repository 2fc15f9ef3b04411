"""Materials: named sets of cited numbers."""
