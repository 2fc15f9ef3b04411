"""What measured tables cannot be: states under each other's names, units mixed, labels or times mixed up.

What no cell shows is an error. What a cell may show, but mixed-up rows always do, is a doubt: a sentence that
goes into the card.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import f as fisher
from scipy.stats import norm, rankdata

from ...typing import Floats
from .observations import ObservationError, Observations

if TYPE_CHECKING:
    import xarray as xr

WINDOW, INVERTED = 1.5, 0.02
"""LRS over HRS beyond which a cycle is inverted; fraction of such cycles that no cell shows. None of 6,584
public cycles is inverted, those of stuck cells included."""

FACTOR, ALIKE = 300.0, 3.0
"""Ratio of resistances, of HRS and of LRS alike, between two groups of devices that no technology shows; and
how far the two ratios may be apart. Thousands stand for mixed units."""

CERTAIN = 1e-4
"""Probability by chance below which devices differ, or cycles have a memory."""

FEWEST_DEVICES, FEWEST_CYCLES, FEWEST_READS = 4, 10, 20
"""Devices, cycles and devices that were read, with which a doubt is possible."""

GROWTH = 3.0
"""Standard errors by which shifts must grow with time."""


def check(found: Observations) -> None:
    """Refuse cycles that no cell shows.

    Raises
    ------
    ObservationError
        HRS is below LRS, or resistances of two groups of devices are in different units.
    """
    names = found.names
    if not {"hrs", "lrs"} <= set(names):
        return
    high, low = (found.values[:, :, names.index(name)] for name in ("hrs", "lrs"))
    window = high - low
    inverted = window[np.isfinite(window)] < -np.log(WINDOW)
    if inverted.size and inverted.mean() > INVERTED:
        raise ObservationError(
            f"HRS of {found.origin} is below LRS in {inverted.mean():.0%} of the cycles, at most "
            f"{INVERTED:.0%} are allowed: are columns, states or units (S for ohm) mixed up?"
        )
    levels = np.array([_medians(values) for values in (high, low)])
    levels = levels[:, np.isfinite(levels).all(axis=0)]
    if levels.shape[1] < 2:
        return
    order = np.argsort(levels.mean(axis=0))
    split = int(np.argmax(np.diff(levels.mean(axis=0)[order]))) + 1
    ratios = [float(np.median(x[order[split:]]) - np.median(x[order[:split]])) for x in levels]
    if min(ratios) > np.log(FACTOR) and abs(ratios[0] - ratios[1]) < np.log(ALIKE):
        raise ObservationError(
            f"HRS and LRS of {len(order) - split} of {len(order)} devices of {found.origin} are "
            f"{np.exp(ratios[0]):.3g} and {np.exp(ratios[1]):.3g} times those of the others: are units mixed?"
        )


def _medians(values: Floats) -> Floats:
    """Return the median of each device, NaN where it has no value."""
    return np.array(
        [np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in values]
    )


def doubts(found: Observations) -> list[str]:
    """Return why cycles may be mixed up among devices: these do not differ, and cycles have no memory."""
    devices, cycles, _ = found.values.shape
    if devices < FEWEST_DEVICES or cycles < FEWEST_CYCLES:
        return []
    chances = []
    for values in np.moveaxis(found.values, 2, 0):
        rows = [row[np.isfinite(row)] for row in values if np.isfinite(row).sum() >= FEWEST_CYCLES]
        if len(rows) < FEWEST_DEVICES:
            return []
        ends = np.cumsum([len(row) for row in rows])[:-1]
        ranks = np.split(rankdata(np.concatenate(rows)), ends)
        chances += [_of_devices(ranks), _of_memory(ranks)]
    if min(chances) < CERTAIN:
        return []
    return [
        f"devices of {found.origin} do not differ and cycles have no memory (p {min(chances):.2g}): if these "
        "are different devices in the order of their cycles, labels are mixed up"
    ]


def _of_devices(rows: list[Floats]) -> float:
    """Return the p of alike devices: Kruskal and Wallis, by the F test of ranks."""
    whole = np.concatenate(rows)
    between = sum(len(row) * (row.mean() - whole.mean()) ** 2 for row in rows) / (len(rows) - 1)
    within = sum(((row - row.mean()) ** 2).sum() for row in rows) / (len(whole) - len(rows))
    return float(fisher.sf(between / within, len(rows) - 1, len(whole) - len(rows))) if within > 0 else 0.0


def _of_memory(rows: list[Floats]) -> float:
    """Return the p of cycles without a memory from each to the next, within devices."""
    rest = [row - row.mean() for row in rows]
    # The mean of products of neighbours is below 0 by 1/n where there is none.
    power = sum((row**2).sum() for row in rest)
    pairs = sum(len(row) - 1 for row in rest)
    if not power > 0:
        return 1.0
    lag = sum((row[1:] * row[:-1]).sum() for row in rest) / power + len(rows) / (pairs + len(rows))
    return float(2 * norm.sf(abs(lag) * np.sqrt(pairs)))


def doubts_of_reads(data: "xr.Dataset", origin: str) -> list[str]:
    """Return why times of reads may be wrong: shifts from the start do not grow with them.

    Parameters
    ----------
    data : xarray.Dataset
        As :func:`.measured_noise.relaxation` returns it.
    origin : str
        What to call it.
    """
    g = data["conductance"].transpose("device", "time").values
    shift = np.abs(np.log(np.where(g > 0, g, np.nan) / data["start"].values[:, None]))
    shift = shift[np.isfinite(shift).all(axis=1)]
    if len(shift) < FEWEST_READS:
        return []
    order = np.arange(shift.shape[1]) - 0.5 * (shift.shape[1] - 1)
    slopes = rankdata(shift, axis=1) @ order / (order @ order)
    error = float(slopes.std(ddof=1)) / np.sqrt(len(slopes))
    if error > 0 and slopes.mean() > GROWTH * error:
        return []
    return [
        f"shifts of {origin} do not grow with time (rank slope {slopes.mean():.2f}, error {error:.2f}): are "
        "times mixed up, or is the error of a read larger than the relaxation?"
    ]
