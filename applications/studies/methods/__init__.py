"""What studies are made of: devices that learn, forget, draw and are corrected."""
