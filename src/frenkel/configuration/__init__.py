"""Configurations: TOML to checked values in SI."""
