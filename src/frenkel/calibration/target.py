"""What was measured, as the numbers that simulated devices are compared with."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm

from .. import toml
from ..analysis.fitting.observations import FEATURES, Observations, build
from ..analysis.measured.dataset import READ_VOLTAGE
from ..analysis.measured.loops import Readout
from ..analysis.results.switching import HALF_RISE, LARGEST_CURRENT
from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..configuration.phases import Sweep
from ..data.layout import TERMINAL
from ..data.measured.schema import LAYOUT, compared, knows_series, rules_of, with_terminals
from ..experiment import measurements
from ..quantity import to_si

if TYPE_CHECKING:
    import xarray as xr

OF_DEVICES = ("forming_voltage",)
"""Numbers that a device has once."""

MOST_DEVICES = 10_000
"""Of a population."""

SWITCHED_BY = {"set_voltage": "set", "reset_voltage": "reset", "forming_voltage": "form"}
"""Kind of the phase that a switching voltage is of."""


def target(path: Path, configuration: Configuration, features: tuple[str, ...] = ()) -> Observations:
    """Return the measured numbers that devices of a configuration have too, over as many cycles.

    Parameters
    ----------
    path : Path
        File of ``frenkel read``, ensemble, result, or a table; or a population (.toml), see
        :func:`population`.
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
    if path.suffix == ".toml":
        data = population(path)
    else:
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


def population(path: Path) -> "xr.Dataset":
    """Return devices with the means and spreads that a file states, in the layout of measurements.

    The file has ``devices``, optionally ``read_voltage``, and a table for each number: ``mean`` and
    ``spread`` of a voltage; ``median`` and, in decades, ``spread`` of a resistance. Without ``spread`` only
    the mean is compared.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ConfigurationError
        A key is missing or unknown, or a value cannot be.
    """
    document = dict(toml.read(path))
    number = document.pop("devices", None)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST_DEVICES:
        raise ConfigurationError(f"devices of {path.name} must be from 1 to {MOST_DEVICES}, got {number!r}")
    scores = norm.ppf((np.arange(number) + 0.5) / number)
    scores /= np.std(scores, ddof=1) if number > 1 else 1.0
    variables: dict[str, Any] = {"device": [str(k) for k in range(number)], "cycle": [1]}
    if "read_voltage" in document:
        variables["read_voltage"] = _number(path, "read_voltage", document.pop("read_voltage"), "V")
    for place, (name, table) in enumerate(document.items()):
        voltage = name in SWITCHED_BY
        if not voltage and name.removesuffix(TERMINAL) not in FEATURES:
            raise ConfigurationError(f"{path.name} must have tables of {', '.join(FEATURES)}, got {name}")
        middle = "mean" if voltage else "median"
        if not isinstance(table, dict) or not {middle} <= table.keys() <= {middle, "spread"}:
            raise ConfigurationError(f"[{name}] of {path.name} must have {middle}, and spread if it is known")
        own = np.random.default_rng(place).permutation(scores)
        spread = table.get("spread", "0 V" if voltage else 0.0)
        if voltage:
            values = _number(path, name, table[middle], "V") + _number(path, name, spread, "V") * own
        else:
            if isinstance(spread, bool) or not isinstance(spread, (int, float)) or not 0 <= spread <= 10:
                raise ConfigurationError(
                    f"spread of {name} in {path.name} must be 0 to 10 decades, got {spread!r}"
                )
            values = _number(path, name, table[middle], "ohm") * 10.0 ** (spread * own)
        variables[name] = values if name in OF_DEVICES else values[:, None]
    return with_terminals(LAYOUT.dataset(variables, {"title": path.name}))


def _number(path: Path, name: str, text: Any, unit: str) -> float:
    try:
        low, high = (-1e3, 1e3) if unit == "V" else (1e-3, 1e18)
        return to_si(text, unit, low, high)
    except ValueError as error:
        raise ConfigurationError(f"{name} of {path.name} {error}") from None


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
