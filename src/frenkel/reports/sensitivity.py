"""Derivatives by barriers and attempt frequencies as a table with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..rare.parameters import unit
from ..rare.score import NORMAL

if TYPE_CHECKING:
    import xarray as xr

    from ..typing import Floats

STEP = {"barrier": (0.01, "+10 meV"), "frequency": (float(np.log(1.1)), "+10 %")}
"""Change that a row states, and its name."""

HEADS = {"final": "ln G at the end", "time": "ln t at the edge", "voltage": "V at the edge (V)"}
NOTHING = 1e-12
"""Information over the largest below which a combination is told by nothing but rounding."""
SMALL = 0.1
"""Part of a combination below which it is not named."""
Interval = tuple[float, float, float]
"""A number, and the ends of the interval in which it may be."""
ENOUGH = 100
"""Devices whose 95 % intervals hold the truth in 95 to 96 %."""
WIDTH = 32
"""Of a column."""


def describe(found: xr.Dataset, z: Floats, intervals: Mapping[str, Interval] | None = None) -> str:
    """Return a table of what changes of barriers and frequencies do, with 95 % intervals.

    Parameters
    ----------
    found : Dataset
    z : ndarray of shape (mechanisms,)
        As `frenkel.rare.sensitivity.table` returns both.
    intervals : mapping of str to (value, low, high), optional
        Of parameters, in the units in which they are kept: what they do is listed too.
    """
    lines = [f"{'':34}" + "".join(f"{HEADS[str(name)]:>{WIDTH}}" for name in found["value"].values)]
    lines.append(f"{'mean':34}" + "".join(f"{mean:>{WIDTH}.4g}" for mean in found["mean"].values))
    lines.append(f"{'devices':34}" + "".join(f"{number:>{WIDTH}}" for number in found["members"].values))
    fewest = int(found["members"].values.min())
    if fewest < ENOUGH:
        lines.append(f"intervals of {fewest} devices are too narrow: take at least {ENOUGH}")
    for mechanism in found["mechanism"].values:
        for parameter, (step, name) in STEP.items():
            row = found.sel(mechanism=mechanism, of=parameter)
            ends = (row[key].values * step for key in ("derivative", "low", "high"))
            cells = "".join(f"{_with_interval(*numbers):>{WIDTH}}" for numbers in zip(*ends, strict=True))
            lines.append(f"{f'{mechanism}, {parameter} {name}'[:34]:34}{cells}")
    lines += by_parameters(found)
    lines += by_intervals(found, intervals or {})
    lines += combinations_text(found)
    finite = np.abs(z[np.isfinite(z)])
    if finite.size:
        lines.append(f"mean weights are 0 within {finite.max():.1f} standard errors (above 4: a wrong clock)")
    return "\n".join(lines)


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{value:+.3g} ({low:+.2g} to {high:+.2g})"


def by_parameters(found: xr.Dataset) -> list[str]:
    """Return a row for every parameter, and how each number was found: by weights (w) or by runs (r)."""
    if not found.sizes["parameter"]:
        return []
    lines = ["other numbers, by score weights (w) or by twins with the same random numbers (r):"]
    for name in found["parameter"].values:
        row = found.sel(parameter=name)
        columns = (row[key].values for key in ("change", "change_low", "change_high", "runs"))
        cells = "".join(
            f"{_with_interval(*numbers) + ' ' + 'wr'[int(by_runs)]:>{WIDTH}}"
            for *numbers, by_runs in zip(*columns, strict=True)
        )
        lines.append(f"{f'{name} {unit(str(name))[1]}'[:34]:34}{cells}")
    return lines


def by_intervals(found: xr.Dataset, intervals: Mapping[str, Interval]) -> list[str]:
    """Return what the stated intervals of parameters do to the means, to first order.

    A row holds the changes at both ends of an interval; the last one adds half their distances as independent
    errors, root of the sum of squares. Energies act by eV, other numbers by the logarithm.
    """
    lines, squares = [], np.zeros(found.sizes["value"])
    for name in found["parameter"].values:
        if str(name) not in intervals:
            continue
        value, low, high = intervals[str(name)]
        step, words = unit(str(name))
        ends = [(end - value) if words == "+10 meV" else np.log(end / value) for end in (low, high)]
        change = found.sel(parameter=name)["change"].values / step
        squares += (0.5 * (ends[1] - ends[0]) * change) ** 2
        cells = "".join(f"{f'{slope * ends[0]:+.3g} to {slope * ends[1]:+.3g}':>{WIDTH}}" for slope in change)
        lines.append(f"{f'{name} {low:.4g} to {high:.4g}'[:34]:34}{cells}")
    if not lines:
        return []
    total = "".join(f"{f'± {np.sqrt(square):.3g}':>{WIDTH}}" for square in squares)
    return ["intervals that the material states, to first order:", *lines, f"{'all, independent':34}{total}"]


def combinations_text(found: xr.Dataset) -> list[str]:
    """Return which combinations the course of a device tells, each with its least standard error.

    Its unit is 25 meV of a barrier or a factor e of a frequency; 95 % intervals.
    """
    lines = ["told by all that happens in one device, in 25 meV of barriers and factors e of frequencies:"]
    values, errors = found["information"].values, found["information_error"].values
    for number, (value, error) in enumerate(zip(values, NORMAL * errors, strict=True)):
        parts = found["combination"].isel(number=number)
        words = [
            f"{float(parts.sel(of=parameter, mechanism=mechanism)):+.2f} {mechanism} {parameter}"
            for mechanism in found["mechanism"].values
            for parameter in STEP
            if abs(float(parts.sel(of=parameter, mechanism=mechanism))) >= SMALL
        ]
        if value <= NOTHING * values[0]:
            size = "not told"
        else:
            widest = (value - error) ** -0.5 if value > error else np.inf
            size = f"± {value**-0.5:.2g} ({(value + error) ** -0.5:.2g} to {widest:.2g})"
        lines.append(f"  {size:26} {' '.join(words)}")
    return lines
