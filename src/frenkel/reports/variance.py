"""What an ensemble says of its devices, in plain text: their part of the variance, memory, drawn numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..analysis.plots.caption import quantity
from ..typing import Floats
from .device import table

MOST_DEVICES = 2000
"""Devices that are looked at; the interval by bootstrap takes time in proportion to the square of them."""

LAGS = 1, 20
"""Cycles over which correlations are shown, where there are enough."""


def variance_lines(file: Any) -> list[str]:
    """Return how the variance of ln(R) divides between devices and cycles; nothing for less than 2 cycles.

    Parameters
    ----------
    file : netCDF4.Dataset
        Of an ensemble without a sweep.
    """
    if "cycle" not in file.dimensions or len(file.dimensions["cycle"]) < 2:
        return []
    rows = [row for name in ("hrs", "lrs") if name in file.variables and (row := _row(file, name))]
    if not rows:
        return []
    columns = ["ln R", "devices", "variance of the device", *(f"lag {lag}" for lag in LAGS)]
    return [
        "",
        table(columns, rows),
        "fraction and correlations with 95 % intervals by bootstrap over devices",
    ]


def population_lines(file: Any) -> list[str]:
    """Return the numbers that a population has drawn, and how often a draw came again; [] without one.

    Parameters
    ----------
    file : netCDF4.Dataset
    """
    drawn = [variable for variable in file.variables.values() if "law" in variable.ncattrs()]
    if not drawn:
        return []
    rows = []
    for variable in drawn:
        values = np.asarray(variable[...], float).ravel()
        unit = variable.units
        cuts = [
            f"{value:.4g}" if unit == "1" else quantity(float(value), unit)
            for value in np.quantile(values, [0.1, 0.5, 0.9])
        ]
        rows.append([variable.key, variable.law, *cuts, variable.levels])
    columns = ["drawn number", "law", "10 %", "median", "90 %", "levels"]
    again = int(np.sum(file["redrawn"][...]))
    sentence = f"{again} draws were not allowed and came again" if again else "all draws were allowed"
    return ["", table(columns, rows), sentence]


def _row(file: Any, name: str) -> list[str]:
    from ..analysis.statistics.variance import IntervalEstimate, lag_correlation, variance_fraction  # scipy

    resistance = np.ma.filled(file[name][:MOST_DEVICES], np.nan).astype(float)
    values: Floats = np.log(np.where(resistance > 0.0, resistance, np.nan))

    def text(estimate: Callable[[], IntervalEstimate]) -> tuple[str, str]:
        try:
            one = estimate()
        except ValueError:
            return "-", "-"  # too few devices or cycles, or all alike
        return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})", str(one.devices)

    fraction, devices = text(lambda: variance_fraction(values))
    if fraction == "-":
        return []
    lags = [text(lambda lag=lag: lag_correlation(values, lag))[0] for lag in LAGS]  # type: ignore[misc]
    return [name, devices, fraction, *lags]
