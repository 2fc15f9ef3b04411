"""Statistical compact models of a cell."""
