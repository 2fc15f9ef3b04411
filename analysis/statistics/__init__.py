"""Statistics over devices."""
