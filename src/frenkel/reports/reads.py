"""Tables in plain text of relaxation, bakes, endurance and read disturb."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..analysis.plots.caption import quantity
from ..analysis.reliability import retention
from ..analysis.reliability.bakes import BakeFit
from ..analysis.reliability.extrapolation import TEMPERATURE, UNITS, Extrapolation
from ..analysis.statistics.distributions import Fit
from ..rare.endurance import survival_at
from .device import table

Ends = tuple[NDArray[np.float64], NDArray[np.bool_]]


def laws_table(laws: Mapping[str, xr.Dataset]) -> str:
    """Return the laws of time fitted to each level, from :func:`.relaxation.compare_laws`, as a table."""
    rows = []
    for name, fits in laws.items():
        for law in fits["law"].values:
            fit = fits.sel(law=law)
            low, high = (float(value) for value in fit["rate_interval"].values)
            rate = {
                "constant": "-",
                "logarithm": f"{quantity(float(fit['rate']), 'S')} per e-fold "
                f"({quantity(low, 'S')} to {quantity(high, 'S')})",
                "power law": f"exponent {float(fit['rate']):.3g} ({low:.3g} to {high:.3g})",
            }[str(law)]
            difference = float(fit["aic"] - fits["aic"].min())
            rows.append([name, str(law), f"{difference:.3g}", rate, f"{float(fit['r_squared']):.3f}"])
    return table(["level", "law of the mean", "AIC above best", "rate (95 %)", "R^2"], rows, left=2)


def bake_table(
    bakes: Mapping[float, tuple[Any, Any]], fits: Mapping[float, retention.Lifetime], use: float
) -> str:
    """Return survivors and median lifetimes of each temperature (K), and the activation energy."""
    rows = []
    for kelvin, (_, failed) in bakes.items():
        median = "- (fewer than 3 times of failure)"
        if kelvin in fits:
            middle, least, most = (quantity(x, "s") for x in fits[kelvin].quantile(0.5))
            median = f"{middle} ({least} to {most})"
        rows.append([f"{kelvin:g} K", str(len(failed)), str(int(np.sum(failed))), median])
    lines = [table(["bake", "devices", "failed", "median time to failure (95 %)"], rows)]
    if len(fits) < 2:
        return lines[0] + "\nno activation energy: 2 temperatures with 3 times of failure each are needed"
    line = retention.arrhenius_of(fits)
    low, high = line.energy_interval
    time_at_use = line.time(use)
    lines += [
        f"activation energy {line.energy:.3g} eV (95 %: {low:.3g} to {high:.3g} eV)",
        f"median at {use:g} K: {time_at_use[0]:.3g} s ({time_at_use[1]:.3g} to {time_at_use[2]:.3g} s)",
    ]
    return "\n".join(lines)


def interval_text(found: BakeFit) -> str:
    """Return what bakes with few reads tell: fractions failed, what is identified, how well the law fits."""
    rows = [
        [f"{kelvin:g} K", f"{devices:.0f}", f"{failed:.0f}", f"{failed / devices:.3g}"]
        for kelvin, devices, failed in zip(found.kelvin, found.devices, found.failed, strict=True)
    ]
    lines = [table(["bake", "devices", "failed", "fraction"], rows)]
    low, high = found.ratio_interval
    lines.append(
        f"identified: activation energy over spread of ln t, {found.ratio:.3g} eV "
        f"(95 %: {low:.3g} to {high:.3g} eV)"
    )
    if found.identified:
        (low, high), (least, most) = found.energy_interval, found.spread_interval
        lines.append(f"activation energy {found.energy:.3g} eV (95 %: {low:.3g} to {high:.3g} eV)")
        lines.append(f"spread of ln t {found.spread:.3g} (95 %: {least:.3g} to {most:.3g})")
    else:
        lines.append(
            "not identified: the activation energy by itself, or the spread; reads at times that differ by "
            f"more than a factor of {max(2.0, found.span):.2g} tell them apart"
        )
    if np.isfinite(found.misfit):
        word = "fits"
        if found.heterogeneity > 1.0:
            word = "does not fit: intervals are as wide as temperatures scatter about it, not devices"
        lines.append(f"the {found.family} law {word} (p = {found.misfit:.2g})")
    else:
        lines.append("whether the law fits cannot be told: as many fractions as numbers")
    return "\n".join(lines)


def endurance_table(found: xr.Dataset) -> str:
    """Return the windows of each decade of cycles and how many cycles failed."""
    rows = [
        [
            str(int(decade["decade"])),
            quantity(float(decade["median_hrs"]), "ohm"),
            quantity(float(decade["median_lrs"]), "ohm"),
            f"{float(decade['median_window']):.3g}",
            f"{float(decade['least_window']):.3g}",
        ]
        for decade in (found.isel(decade=k) for k in range(found.sizes["decade"]))
    ]
    text = table(["to cycle", "median HRS", "median LRS", "median on/off", "least on/off"], rows)
    failures, devices = int(found["failures"].sum()), found.sizes["device"]
    read_count, known = devices * found.attrs["cycles"], int(found["known"].sum())
    first = int(found["first_failure"].min())
    end = f"{failures} of {known} cycles of {devices} device(s) with on/off below {found.attrs['window']:g}"
    if failures:
        end += f", the first is cycle {first}"
        stuck = {"LRS": int(found["stuck_low"].sum()), "HRS": int(found["stuck_high"].sum())}
        end += "".join(f", {number} stuck in {state}" for state, number in stuck.items() if number)
    if known < read_count:
        end += f"; {read_count - known} more have no HRS and LRS"
    return f"{text}\n{end}"


def disturb_table(ends: Mapping[str, Ends]) -> str:
    """Return after how many reads devices are disturbed, from :func:`.pulses.disturb`, as a table."""
    rows = []
    for name, (reads, failed) in ends.items():
        median = "-"
        if failed.any():
            value, low, high = retention.survival_time(retention.kaplan_meier(reads, failed))
            if np.isfinite(value):
                bounds = [f"{x:.3g}" if np.isfinite(x) else "unknown" for x in (low, high)]
                median = f"{value:.3g} ({bounds[0]} to {bounds[1]})"
            else:
                median = f"above {reads.max():g}"
        rows.append([name or "all", str(len(failed)), str(int(failed.sum())), f"{reads.max():g}", median])
    return table(["reads at", "devices", "disturbed", "most reads", "median reads to it (95 %)"], rows)


def fits_table(fits: Mapping[str, Fit], units: Mapping[str, str]) -> str:
    """Return the distributions fitted to numbers of devices: parameters with 95 % intervals, and quantiles.

    Parameters
    ----------
    fits : mapping
        Of each number, by its name.
    units : mapping
        Of the values.
    """
    rows = []
    for name, fit in fits.items():

        def text(value: float, unit: str = units[name]) -> str:
            return f"{value:.3g}" if unit == "1" else quantity(value, unit)

        intervals = fit.intervals()
        parameters = ", ".join(
            f"{key} {value:.3g} ({intervals[key][0]:.3g} to {intervals[key][1]:.3g})"
            for key, value in fit.parameters.items()
        )
        quantiles = fit.values(np.array([0.01, 0.5, 0.99]))
        devices = f"{len(fit.sample.low)}, {int(fit.sample.right.sum())} censored"
        rows.append([name, parameters, devices, *(text(float(value)) for value in quantiles)])
    family = next(iter(fits.values())).family
    return table(["number", f"{family} (95 %)", "devices", "1 %", "median", "99 %"], rows, left=2)


def extrapolation_table(found: Extrapolation) -> str:
    """Return rates by splitting and as extrapolated, and the slope of the line."""
    rows = []
    for k, condition in enumerate(found.condition):
        middle, low, high = (float(number) for number in found.at(float(condition)))
        rows.append(
            [
                f"{condition:g} {UNITS[found.by]}",
                f"{found.rate[k]:.2g} ({found.low[k]:.1g} to {found.high[k]:.1g})",
                f"{middle:.2g} ({low:.1g} to {high:.1g})",
                "accelerated" if found.accelerated[k] else f"{found.rate[k] / middle:.2g} times as usual",
            ]
        )
    columns = ["condition", "rate by splitting (1/s)", "extrapolated (1/s)", ""]
    slope, (low, high) = found.line.slope, found.line.slope_interval
    if found.by == TEMPERATURE:
        words = f"activation energy {-slope:.3g} eV (95 %: {-high:.3g} to {-low:.3g})"
    else:
        slope, low, high = (number / np.log(10.0) for number in (slope, low, high))
        words = f"{slope:.3g} decades per V (95 %: {low:.3g} to {high:.3g})"
    return "\n".join([table(columns, rows, left=1), words, *_parting(found)])


def _parting(found: Extrapolation) -> list[str]:
    """Return how likely a failure is by each time at conditions of use, and by the line: do they part?"""
    rows = []
    for k in np.flatnonzero(~found.accelerated):
        point = found.observed[k]
        middle, low, high = (float(x) for x in found.chance(float(found.condition[k]), point.duration))
        rows.append(
            [
                f"{found.condition[k]:g} {UNITS[found.by]}, {point.duration:.3g} s",
                f"{point.probability:.2g} ({point.low:.1g} to {point.high:.1g})",
                f"{middle:.2g} ({low:.1g} to {high:.1g})",
                f"{point.probability / middle:.2g} times",
                "they part" if point.low > high or point.high < low else "not distinguishable",
            ]
        )
    columns = ["by this time", "fails, by splitting", "extrapolated", "as usual", ""]
    return [table(columns, rows, left=1)] if rows else []


def survival(found: xr.Dataset) -> str:
    """Return after how many cycles the windows of devices closed, and the fraction that is open by decade."""
    life, failed = found["life"].values, found["failed"].values == 1
    decades = 10.0 ** np.arange(1, np.ceil(np.log10(life.max()) - 1e-9) + 1)
    rows = []
    for cycles in np.minimum(decades, life.max()):
        fraction, low, high = survival_at(found, cycles)
        rows.append([f"{cycles:.3g}", f"{fraction:.3g}", f"{low:.3g} to {high:.3g}"])
    return "\n".join(
        [
            table(["cycles", "open", "95 %"], rows),
            f"{np.count_nonzero(failed)} of {len(life)} windows closed; fewest cycles of a device: "
            f"{life.min():.3g}",
        ]
    )
