"""What was measured, as the numbers that simulated devices are compared with."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..analysis.fitting.observations import FEATURES, Observations, build
from ..analysis.measured.dataset import READ_VOLTAGE
from ..analysis.measured.loops import Readout
from ..analysis.results.switching import HALF_RISE, LARGEST_CURRENT
from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..configuration.phases import Sweep
from ..data.layout import TERMINAL
from ..data.measured.schema import compared, knows_series, rules_of
from ..experiment import measurements

if TYPE_CHECKING:
    import xarray as xr

OF_DEVICES = ("forming_voltage",)
"""Numbers that a device has once."""

SWITCHED_BY = {"set_voltage": "set", "reset_voltage": "reset", "forming_voltage": "form"}
"""Kind of the phase that a switching voltage is of."""


def target(path: Path, configuration: Configuration, features: tuple[str, ...] = ()) -> Observations:
    """Return the measured numbers that devices of a configuration have too, over as many cycles.

    Parameters
    ----------
    path : Path
        File of ``frenkel read``, ensemble, result, or a table.
    configuration : Configuration
        Protocol of the simulated devices.
    features : tuple of str
        Numbers to compare; default: all that both have, resistances at the terminals.

    Notes
    -----
    Which electrode a laboratory grounds is its own choice: where its SETs, else RESETs or forming, have the
    other sign than those of the protocol, all of its switching voltages are turned round, which the origin
    of the numbers tells.

    Raises
    ------
    ConfigurationError
        There are none, or resistances were read at another voltage, or V_SET by another rule.
    ObservationError
        A number is no such quantity.
    """
    volts = configuration.read_voltage
    data = measurements.of_file(path, Readout(volts or READ_VOLTAGE))
    if "read_voltage" in data and not np.isclose(float(data["read_voltage"]), volts):
        raise ConfigurationError(
            f"{path.name} has resistances at {float(data['read_voltage']):g} V, the configuration reads at "
            f"{volts:g} V: set read_voltage, or read the loops again"
        )
    for name, rule in rules_of(data).items():
        if rule not in (HALF_RISE, LARGEST_CURRENT):
            raise ConfigurationError(
                f"{name} of {path.name} was read by the rule {rule!r}, that of simulated devices is "
                f"{HALF_RISE!r}: read the loops again"
            )
    statistics_present = _there(data, configuration)
    for name in features:
        if name not in (*statistics_present, *_there(data, configuration, device=True)):
            raise ConfigurationError(
                f"{name} is not among what {path.name} and the configuration both have: "
                f"{', '.join(statistics_present) or 'nothing'}"
            )
    if {"hrs", "lrs"} & set(features) and not knows_series(data):
        raise ConfigurationError(
            f"{path.name} has resistances at the terminals; hrs and lrs of its devices need the series "
            "resistance (frenkel read --series-resistance), or compare hrs_terminal and lrs_terminal"
        )
    names = features or statistics_present
    if not names:
        raise ConfigurationError(
            f"{path.name} and the phases of the configuration share none of "
            f"{', '.join((*compared(FEATURES), *OF_DEVICES))}"
        )
    cycles = min(data.sizes.get("cycle", 1), max(number_of_cycles(configuration), 1))
    table = np.full((data.sizes["device"], cycles, len(names)), np.nan)
    for i, name in enumerate(names):
        values = data[name].values
        # What a device has once stands in its first cycle.
        columns = values[:, :cycles] if values.ndim == 2 else values[:, None]
        table[:, : columns.shape[1], i] = columns
    origin = path.name
    if _other_way_round(data, names, configuration):
        table *= [-1.0 if name in SWITCHED_BY else 1.0 for name in names]
        origin += " (its voltages turned round)"
    finite = np.isfinite(table).any(axis=(1, 2))
    return build(names, [str(data[name].attrs["units"]) for name in names], table[finite], origin)


def _other_way_round(data: "xr.Dataset", names: tuple[str, ...], configuration: Configuration) -> bool:
    """Return whether what was measured switches at the other polarity than the protocol."""
    for name, kind in SWITCHED_BY.items():
        tops = [
            phase.amplitude
            for _, _, phase in configuration.phases()
            if isinstance(phase, Sweep) and phase.kind == kind
        ]
        if name in names and tops:
            return float(np.nanmedian(data[name].values)) * float(tops[0]) < 0.0
    return False


def number_of_cycles(configuration: Configuration) -> int:
    """Return the number of cycles of a configuration."""
    return max((cycle for _, cycle, _ in configuration.phases()), default=0)


def _there(data: "xr.Dataset", configuration: Configuration, *, device: bool = False) -> tuple[str, ...]:
    """Return the numbers that measurements hold and a protocol gives."""
    kinds = {(phase.kind, cycle > 0) for _, cycle, phase in configuration.phases()}
    limits = {
        "hrs": ("reset", True),
        "reset_voltage": ("reset", True),
        "lrs": ("set", True),
        "set_voltage": ("set", True),
        "forming_voltage": ("form", False),
    }
    return tuple(
        name
        for name in (*compared(FEATURES, device=device), *OF_DEVICES)
        if name in data
        and np.isfinite(data[name].values).any()
        and limits[name.removesuffix(TERMINAL)] in kinds
    )
