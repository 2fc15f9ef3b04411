"""Laws of conduction."""
