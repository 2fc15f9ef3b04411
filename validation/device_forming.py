"""Forming of devices on ramps: where, how much later on faster ramps, and what leaks before."""

import time
from dataclasses import dataclass

import numpy as np
from cell import metered
from device_cell import FAILED, Cell, Setting, devices, for_each


@dataclass(frozen=True, kw_only=True)
class Forming:
    """Forming of devices.

    Parameters
    ----------
    rates : (r,) array
        Ramp rates (V/s).
    voltage : (n, r) array
        Source voltage (V) at which the limit was reached; NaN: never, infinity: not within the CPU time.
    fall : (n, r) array
        Largest fall of the current before that, relative to the largest until then, in steps of 20 mV as a
        meter averages them.
    leakage : (n, r) array
        Current (A) at the first step above 1 V; NaN where the device forms below.
    resistance : (n, r) array
        R at 0.1 V after forming (ohm), held and repeated.
    hottest, cpu : (n, r) array
        Highest temperature (K) that lasted longer than a nanosecond; CPU time (s).
    """

    rates: np.ndarray
    voltage: np.ndarray
    fall: np.ndarray
    leakage: np.ndarray
    resistance: np.ndarray
    hottest: np.ndarray
    cpu: np.ndarray


def forming(material, seeds, rates=(100.0,), *, numbers=None, budget=None, workers=None, **setting):
    """Form one new device per seed and ramp rate.

    Parameters
    ----------
    material, seeds, numbers, workers, **setting
        As of `device_cycles.cycles`; ``form_limit`` must be given.
    rates : sequence of float
        V/s.
    budget : float, optional
        CPU time (s) of each device.

    Returns
    -------
    Forming
    """
    one_each, chosen = devices(material, seeds, numbers), Setting(**setting)
    rows = np.array(for_each(_forming, one_each, workers, chosen, tuple(rates), budget))
    names = ("voltage", "fall", "leakage", "resistance", "hottest", "cpu")
    return Forming(rates=np.array(rates), **dict(zip(names, np.moveaxis(rows, 2, 0), strict=True)))


def _forming(setting, rates, budget, one):
    (material, seed), rows = one, []
    for rate in rates:
        begun, cell = time.process_time(), Cell(material, seed, setting, budget)
        try:
            ramp = cell.form(rate)
            row = [ramp.switched, *before(ramp), cell.read(), cell.hottest]
        except FAILED:
            row = [np.inf, np.nan, np.nan, np.nan, np.nan]
        rows.append([*row, time.process_time() - begun])
    return rows


def before(ramp):
    """Return the largest relative fall of the current on a ramp, and the current (A) just above 1 V."""
    _, voltage, _, current = np.array(ramp.trace).T
    # What flows at the limit is no leakage.
    kept = current < 0.5 * ramp.limit
    kept &= np.cumsum(~kept) == 0
    if kept.sum() < 2:
        return np.nan, np.nan
    edge, mean = metered(voltage[kept], current[kept])
    most = np.maximum.accumulate(mean)
    above = np.flatnonzero(edge > 1.0)
    return float(np.max(1.0 - mean / most)), float(mean[above[0]]) if len(above) else np.nan
