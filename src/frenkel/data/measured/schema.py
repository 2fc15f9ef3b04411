"""The layout of measurements: names, dimensions, units and meanings stand in ``layout.toml``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..layout import RULE, Layout

if TYPE_CHECKING:
    import xarray as xr

LAYOUT = Layout.read(
    Path(__file__).with_name("layout.toml"), kind="measured", what="a file of frenkel read", optional=True
)

SWITCHING = ("set_voltage", "forming_voltage", "reset_voltage")
"""Variables that are read off a curve by a rule that has a name."""


def with_rules(data: "xr.Dataset", rules: Mapping[str, str]) -> "xr.Dataset":
    """Return a dataset whose switching voltages have the names of the rules by which they were read."""
    for name in data.data_vars.keys() & rules.keys():
        data[name].attrs[RULE] = rules[str(name)]
    return data


def rules_of(data: "xr.Dataset") -> dict[str, str]:
    """Return the names of the rules by which the switching voltages of a dataset were read, where known."""
    named = {name: str(data[name].attrs.get(RULE, "")) for name in SWITCHING if name in data}
    return {name: rule for name, rule in named.items() if rule}
