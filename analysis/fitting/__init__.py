"""From an ensemble to a card, and its acceptance test."""
