"""Sites, what may stand on them, and the structure of the oxide."""
