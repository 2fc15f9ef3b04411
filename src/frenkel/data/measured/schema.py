"""The layout of measurements: names, dimensions, units and meanings stand in ``layout.toml``."""

from pathlib import Path

from ..layout import Layout

LAYOUT = Layout.read(
    Path(__file__).with_name("layout.toml"), kind="measured", what="a file of frenkel read", optional=True
)
