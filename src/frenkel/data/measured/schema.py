"""The layout of measurements: names, dimensions, units and meanings stand in ``layout.toml``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..layout import RULE, TERMINAL, Layout

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


def compared(names: Sequence[str], *, device: bool = False) -> tuple[str, ...]:
    """Return the names of numbers that are compared: resistances at the terminals unless told otherwise."""
    return tuple(name + TERMINAL if name in ("hrs", "lrs") and not device else name for name in names)


def with_terminals(data: "xr.Dataset") -> "xr.Dataset":
    """Return measurements with resistances at the terminals, which other programs may not have written."""
    for name in ("hrs", "lrs"):
        if name in data and name + TERMINAL not in data:
            series = float(data["series_resistance"]) if knows_series(data) else 0.0
            attrs = LAYOUT.variables[name + TERMINAL].attrs()
            data = data.assign({name + TERMINAL: (data[name].dims, data[name].values + series, attrs)})
    return data


def knows_series(data: "xr.Dataset") -> bool:
    """Return whether a dataset tells what is in series with its devices, so that hrs and lrs are of these."""
    return "series_resistance" in data and bool(np.isfinite(data["series_resistance"]).all())
