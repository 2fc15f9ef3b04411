"""What scripts and notebooks call besides devices: many devices at once, files of any kind."""
