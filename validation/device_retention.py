"""Retention: what LRS and HRS read after waits at 0 V, and how long they keep their state."""

from dataclasses import dataclass

import numpy as np
from device_cell import FAILED, Watch, for_each
from scipy import constants

from frenkel.analysis.statistics.censoring import Sample, kaplan_meier
from frenkel.kinetic.waveform import Waveform

BOLTZMANN = constants.k / constants.e  # eV/K
FACTOR, WINDOW = 2.0, 3.0
DECADE = 4  # readings per decade of time
YEARS = 10 * 365.25 * 86400.0  # s: ten years
HOT = 358.0  # K: 85 C


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Readings of states that wait at 0 V.

    Parameters
    ----------
    temperature : (k,) array
        K.
    time : (t,) array
        Times of the readings (s).
    start : (m,) array
        Resistance (ohm) of each state at the first temperature before the wait.
    ratio : (k, m, t) array
        R over that at the start of the same wait; NaN after the state was lost or the CPU time ended.
    left : (k, m) array of bool
        Whether the state was lost at its last reading; it then ended, else it lasted or ran out of CPU time.
        Restless states run out first, so that what is left of many of them looks better than it is.
    """

    temperature: np.ndarray
    time: np.ndarray
    start: np.ndarray
    ratio: np.ndarray
    left: np.ndarray

    def lost(self, k):
        """Return what is known of the times at which states were lost at temperature k.

        Returns
        -------
        Sample
            Between the last two readings of those that were lost, after the last one of the others.
        """
        number = np.isfinite(self.ratio[k]).sum(axis=1)
        last, before = (np.where(number >= n, self.time[number - n], 0.0) for n in (1, 2))
        left = self.left[k]
        return Sample.between(np.where(left, before, last), np.where(left, last, np.inf))

    def median(self, k):
        """Median time (s) to loss by Kaplan and Meier; NaN if fewer than half are known to be lost."""
        lost = self.lost(k)
        middle = np.sqrt(np.maximum(lost.low, self.time[0] / 2) * lost.high)
        known = ~lost.right
        if not known.any():
            return np.nan
        curve = kaplan_meier(Sample.of(np.where(known, middle, lost.low), right=~known))
        below = curve["value"].values[curve["survival"].values <= 0.5]
        return float(below[0]) if len(below) else np.nan

    def shares(self, k, until=YEARS):
        """Fraction of states known to have lasted until then, share known to have been lost before."""
        lost = self.lost(k)
        return float(np.mean(lost.low >= until)), float(np.mean(lost.high < until))


def usual(state, first, low, high):
    """Return the least and the largest resistance (ohm) of a state that is kept.

    LRS within a factor of 2 of its ``first`` reading, HRS above three times the LRS of its cycle.
    """
    return (first / FACTOR, first * FACTOR) if state == "low" else (low * WINDOW, np.inf)


def own_side(state, first, low, high):
    """Return the same for a state on its side of the geometric mean of both states of its cycle (ohm)."""
    middle = np.sqrt(low * high)
    return (0.0, middle) if state == "low" else (middle, np.inf)


def kept(state, first, low, high):
    """Return the same for a state that is on its side, LRS within a factor of 2 besides."""
    least, most = own_side(state, first, low, high)
    return (first / FACTOR, min(most, first * FACTOR)) if state == "low" else (least, most)


def retention(
    prepared,
    state="low",
    temperatures=(358.0, 450.0, 500.0),
    *,
    voltage=0.0,
    limits=usual,
    longest=1e9,
    budget=20.0,
    workers=None,
):
    """Let states wait at a constant voltage and read them, four times per decade.

    Parameters
    ----------
    prepared : list of Prepared
    state : {"low", "high"}
    temperatures : sequence of float
        K.
    voltage : float
        Of the source while they wait (V).
    limits : callable
        Such as `usual`: within which resistances a state is kept.
    longest : float
        Longest wait (s); the first reading is after a millisecond.
    budget : float
        CPU time (s) of each wait; what is not reached in it is right-censored.
    workers : int, optional

    Returns
    -------
    Retention
    """
    number = round(DECADE * np.log10(longest / 1e-3)) + 1
    time = np.geomspace(1e-3, longest, number)
    found = for_each(_retention, prepared, workers, state, tuple(temperatures), voltage, limits, time, budget)
    ratio = np.array([row for _, rows, _ in found for row in rows]).reshape(-1, len(temperatures), number)
    left = np.array([row for *_, rows in found for row in rows], bool).reshape(-1, len(temperatures))
    return Retention(
        temperature=np.array(temperatures),
        time=time,
        start=np.array([value for values, *_ in found for value in values]),
        ratio=np.moveaxis(ratio, 0, 1),
        left=left.T,
    )


def _retention(state, temperatures, voltage, limits, time, budget, one):
    waiting = getattr(one, state)
    start, rows = [], np.full((len(waiting), len(temperatures), len(time)), np.nan)
    left = np.zeros((len(waiting), len(temperatures)), bool)
    for k, temperature in enumerate(temperatures):
        cell = one.cell(temperature=temperature)
        for i, (found, *both) in enumerate(zip(waiting, one.low, one.high, strict=True)):
            cell.allow(budget)
            low, high = (_reading(cell, state) for state in both)
            cell.again(found, k)
            first = cell.read()
            bounds = limits(state, first, low, high)
            if k == 0:
                start.append(first)
            for j, span in enumerate(np.diff(time, prepend=0.0)):
                try:
                    cell.apply(Waveform.constant(voltage, span), Watch(), superbasin=True)
                except FAILED:
                    break
                reading = cell.read()
                rows[i, k, j] = reading / first
                left[i, k] = not bounds[0] <= reading <= bounds[1]
                if left[i, k]:
                    break
    return start, rows, left


def _reading(cell, state):
    cell.again(state)
    return cell.read()


def arrhenius(found):
    """Return activation energy (eV) of the median times, its standard error, and the line's ln t at 1/kT = 0.

    NaN with fewer than two temperatures at which half of the states left the factor; the error is NaN with
    fewer than three.
    """
    median = np.array([found.median(k) for k in range(len(found.temperature))])
    known = np.isfinite(median)
    if known.sum() < 2:
        return np.nan, np.nan, np.nan
    inverse = 1.0 / (BOLTZMANN * found.temperature[known])
    if known.sum() == 2:
        slope, base = np.polyfit(inverse, np.log(median[known]), 1)
        return float(slope), np.nan, float(base)
    (slope, base), covariance = np.polyfit(inverse, np.log(median[known]), 1, cov=True)
    return float(slope), float(np.sqrt(covariance[0, 0])), float(base)
