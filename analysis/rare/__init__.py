"""What hardly ever happens: its probability by multilevel splitting."""
