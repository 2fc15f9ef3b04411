"""Results only: xarray in, xarray out."""
