"""What hardly ever happens to a device, and which of its numbers decide what does."""
