"""From a configuration and measurements to a calibrated material."""
