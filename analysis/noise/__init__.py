"""Random telegraph noise and spectra."""
