"""Pulse trains: soft bounds and their statistics over devices, and endurance."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...checks import finite, positive
from ...typing import Floats

if TYPE_CHECKING:
    import xarray as xr

DEAD = 0.1  # of the median range of all devices: a device that moves less is dead
LEAST = 8  # pulses in a row that a direction needs


def soft_bounds(conductance: ArrayLike, direction: ArrayLike) -> "xr.Dataset":
    """Extract soft-bounds parameters from trains of equal pulses up and down.

    A pulse up adds ``dw_up (1 - w/w_max)``, one down takes ``dw_down (1 - w/w_min)``; every step has its own
    deviation (cycle to cycle), and every reading shows one more that the device forgets (write noise).
    Weights w are conductances mapped so that the medians of all devices' bounds are -1 and 1, as in aihwkit's
    ``SoftBoundsDevice``. The slope is found with the reading before as instrument, so that noise of the
    readings does not bend it; the two noises follow from variance and covariance of neighbouring steps.

    Parameters
    ----------
    conductance : (n_devices, n_pulses + 1) array_like
        Conductance before the first and after each pulse (S).
    direction : (n_pulses,) array_like
        Above 0 for pulses up, below 0 for pulses down.

    Returns
    -------
    xarray.Dataset
        Along ``device``: ``dw_up`` and ``dw_down`` (at w = 0), ``w_max``, ``w_min``, ``symmetry_point``
        (where both steps are equal), ``cycle_to_cycle`` and ``write_noise`` (over the mean step; 0 where the
        variance found is below 0), ``dead``; scalars over living devices: ``dw_min`` (mean step),
        ``up_down`` (their relative difference), ``device_to_device`` (standard deviation of ln dw), medians
        of both noises, ``states`` (2/dw_min) and ``dead_share``.

    Raises
    ------
    ValueError
        Shapes do not fit, or a direction never has 8 pulses in a row.
    """
    g, direction_sign = np.atleast_2d(np.asarray(conductance, float)), np.sign(np.asarray(direction, float))
    if g.shape[1] != len(direction_sign) + 1:
        raise ValueError(
            f"conductance must have one value more than the {len(direction_sign)} pulses, got {g.shape[1]}"
        )
    finite("conductance", g, "S")
    range_of_g = np.ptp(g, axis=1)
    without_change = range_of_g < DEAD * np.median(range_of_g)
    rows = np.array([[_one_way(values, direction_sign, sign) for sign in (1, -1)] for values in g])
    # Bounds in siemens, then the map to weights: (device, way) of level and slope of the steps.
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = -rows[..., 0] / rows[..., 1]
    top, bottom = np.median(bound[~without_change], axis=0)
    middle, half = (top + bottom) / 2, (top - bottom) / 2
    if not half > 0:
        raise ValueError(
            "direction must be above 0 for pulses that raise the conductance, but those marked so lower it"
        )
    step = (rows[..., 0] + rows[..., 1] * middle) / half
    return _soft_bounds_dataset(step, rows, (bound - middle) / half, half, without_change)


def _soft_bounds_dataset(
    step: Floats, rows: Floats, bound: Floats, half: float, dead: NDArray[np.bool_]
) -> "xr.Dataset":
    rise, fall = step[:, 0], -step[:, 1]
    mean = (rise + fall) / 2
    noise = [np.sqrt(np.maximum(rows[..., k].mean(1), 0)) / half / mean for k in (2, 3)]
    alive = ~dead & (mean > 0)
    overall = float(mean[alive].mean())
    data = {
        "dw_up": ("device", rise),
        "dw_down": ("device", fall),
        "w_max": ("device", bound[:, 0]),
        "w_min": ("device", bound[:, 1]),
        "symmetry_point": ("device", (fall - rise) / (rows[:, 0, 1] + rows[:, 1, 1])),
        "cycle_to_cycle": ("device", noise[0]),
        "write_noise": ("device", noise[1]),
        "dead": ("device", dead),
    }
    import xarray as xr  # xarray, and trains of pulses in a report need none

    dataset = xr.Dataset(data)
    dataset["dw_min"] = overall
    dataset["up_down"] = float((rise - fall)[alive].mean()) / (2 * overall)
    dataset["device_to_device"] = float(np.std(np.log(mean[alive]), ddof=1)) if alive.sum() > 1 else np.nan
    dataset["median_cycle_to_cycle"] = float(np.median(noise[0][alive]))
    dataset["median_write_noise"] = float(np.median(noise[1][alive]))
    dataset["states"] = 2 / overall
    dataset["dead_share"] = float(dead.mean())
    return dataset


def _one_way(g: Floats, way: Floats, sign: int) -> tuple[float, float, float, float]:
    """Return level and slope of the steps of one direction, and the variances of steps and of readings."""
    same_sign = way == sign
    middle = (
        np.flatnonzero(same_sign[:-1] & same_sign[1:]) + 1
    )  # readings between two pulses of this direction
    if len(middle) < LEAST:
        raise ValueError(
            f"direction must have at least {LEAST} pulses in a row each way, got {len(middle) + 1}"
        )
    before, middle_value, after = g[middle - 1], g[middle], g[middle + 1]
    step = after - middle_value
    instrument = before - before.mean()
    covariance = float(instrument @ middle_value)
    slope = float(instrument @ step) / covariance if covariance else np.nan
    level = float(step.mean() - slope * middle_value.mean())
    residual = g[1:] - g[:-1] - level - slope * g[:-1]
    neighbours = float(np.mean(residual[middle - 1] * residual[middle]))
    memory = 1 + slope
    reading = -neighbours / memory if memory > 0 else np.nan
    return level, slope, float(np.mean(residual[middle] ** 2)) - reading * (1 + memory**2), reading


def endurance(hrs: ArrayLike, lrs: ArrayLike, window: float = 10.0) -> "xr.Dataset":
    """Summarise the resistances of a device, or of many, over cycles.

    Parameters
    ----------
    hrs, lrs : (n_cycles,) or (n_devices, n_cycles) array_like
        Resistance of the high and of the low state (ohm), above 0; inf without current, NaN: not read. A
        cycle without both is left out.
    window : float
        Ratio that counts as a window, above 1.

    Returns
    -------
    xarray.Dataset
        Along ``device``: ``first_failure`` (number of the first cycle without window; one more than the
        cycles where there is none), ``failed`` (whether there is one), ``known`` (cycles that were read),
        ``failures`` (number of those without window), and of these ``stuck_low`` and ``stuck_high`` (HRS
        below, or LRS above, the geometric mean of the medians of both states); along ``decade`` (last cycle
        of it): medians ``median_hrs``, ``median_lrs`` (ohm), ``median_window`` and ``least_window`` over
        devices and cycles of the decade.
    """
    high, low = (np.atleast_2d(np.asarray(x, float)) for x in (hrs, lrs))
    if high.shape != low.shape or not high.size:
        raise ValueError(f"hrs and lrs must have one value for each cycle, got {high.shape} and {low.shape}")
    if np.any(high <= 0) or np.any(low <= 0):
        least = min(np.nanmin(high), np.nanmin(low))
        raise ValueError(f"hrs and lrs must be above 0 ohm, got {least:g} ohm")
    recorded = ~np.isnan(high + low)
    if not recorded.any():
        raise ValueError(f"hrs and lrs must be known in some cycle, got none in {high.size}")
    high, low = (np.where(recorded, x, np.nan) for x in (high, low))
    if not window > 1:
        raise ValueError(f"window must be above 1, got {window:g}")
    # No current in either is no window; what is not known stays so.
    ratio = np.divide(high, low, out=np.ones_like(high), where=~np.isinf(low))
    too_narrow = ratio < window
    cycles = high.shape[1]
    middle = np.sqrt(np.nanmedian(high) * np.nanmedian(low))
    ends = np.unique(np.append(10 ** np.arange(1, np.log10(cycles) + 1e-9).astype(int), cycles))
    pieces = [slice(start, end) for start, end in zip(np.append(0, ends[:-1]), ends, strict=True)]
    has_records = [recorded[:, p].any() for p in pieces]
    ends, pieces = ends[has_records], [p for p, is_kept in zip(pieces, has_records, strict=True) if is_kept]
    data = {
        "known": ("device", recorded.sum(1)),
        "first_failure": ("device", np.where(too_narrow.any(1), too_narrow.argmax(1), cycles) + 1),
        "failed": ("device", too_narrow.any(1)),
        "failures": ("device", too_narrow.sum(1)),
        "stuck_low": ("device", (too_narrow & (high < middle)).sum(1)),
        "stuck_high": ("device", (too_narrow & (low > middle)).sum(1)),
        "median_hrs": ("decade", [np.nanmedian(high[:, p]) for p in pieces], {"units": "ohm"}),
        "median_lrs": ("decade", [np.nanmedian(low[:, p]) for p in pieces], {"units": "ohm"}),
        "median_window": ("decade", [np.nanmedian(ratio[:, p]) for p in pieces]),
        "least_window": ("decade", [np.nanmin(ratio[:, p]) for p in pieces]),
    }
    import xarray as xr  # xarray, as above

    return xr.Dataset(data, {"decade": ends}, {"cycles": cycles, "window": window})


def disturb(reads: ArrayLike, conductance: ArrayLike, share: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Return after how many reads each device is disturbed, and whether it is.

    Parameters
    ----------
    reads : (n,) array_like
        Number of reads before each conductance, ascending.
    conductance : (n,) or (n_devices, n) array_like
        S; the first is the state to keep.
    share : float
        Fraction of the first conductance that counts as disturbed; above 1, risen to it.

    Returns
    -------
    reads : (n_devices,) float64
        At the first disturbed conductance, or the last one.
    failed : (n_devices,) bool
        False: not disturbed (censored).
    """
    x, g = np.asarray(reads, float), np.atleast_2d(np.asarray(conductance, float))
    if g.shape[1:] != x.shape or np.any(np.diff(x) <= 0) or not x.min() >= 0:
        raise ValueError(f"reads must ascend from 0 or more with one conductance each, got {x.min():g} first")
    if not (share > 0 and share != 1):
        raise ValueError(f"share must be above 0 and not 1, got {share:g}")
    positive("the first conductance", g[:, 0], "S")
    has_failed = g <= share * g[:, :1] if share < 1 else g >= share * g[:, :1]
    failed = has_failed.any(axis=1)
    return x[np.where(failed, has_failed.argmax(axis=1), len(x) - 1)], np.asarray(failed)


def trains(result: "xr.Dataset", least: int = 10) -> list[tuple[int, Floats]]:
    """Find trains of equal pulses of one sign in a result.

    Parameters
    ----------
    result : xarray.Dataset
        With the layout of :mod:`.schema`; each pulse is a phase, followed by a read.
    least : int
        Fewest pulses of a train.

    Returns
    -------
    list of (sign, conductance)
        Sign of the pulses, and the conductance (S) after each, that after the phase before them first where
        there is one.
    """
    kinds = [str(kind) for kind in result["phase_kind"].values]
    read_conductance = result["read_current"].values / float(result["read_voltage"])
    peak = np.zeros(len(kinds))
    for index in range(len(kinds)):
        voltage = result["source_voltage"].values[result["phase"].values == index]
        peak[index] = voltage[np.argmax(np.abs(voltage))] if len(voltage) else 0.0
    curves, begin = [], 0
    for index in range(1, len(kinds) + 1):
        same_pulse = (
            index < len(kinds) and kinds[index] == kinds[begin] == "pulse" and peak[index] == peak[begin]
        )
        if same_pulse:
            continue
        if kinds[begin] == "pulse" and index - begin >= least and peak[begin] != 0.0:
            curves.append((int(np.sign(peak[begin])), read_conductance[max(begin - 1, 0) : index]))
        begin = index
    return curves
