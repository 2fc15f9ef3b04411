"""What every study has: settings, variables with intervals, claims of the literature, pictures."""
