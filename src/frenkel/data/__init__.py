"""What a file of frenkel is, and how it is opened."""
