"""From a configuration to a dataset."""
