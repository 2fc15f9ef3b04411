"""The usual extrapolation of a failure rate from accelerated conditions, beside what happens at use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...checks import positive
from ...typing import Floats
from ...units import BOLTZMANN_EV
from ..statistics import regression

TEMPERATURE, VOLTAGE = "temperature", "voltage"
UNITS = {TEMPERATURE: "K", VOLTAGE: "V"}
NEAR = 1e-6
"""Relative difference below which two conditions are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """How likely a failure is under one condition.

    Parameters
    ----------
    temperature : float
        (K)
    voltage : float
        Largest of the waveform in magnitude (V).
    duration : float
        For which it is applied (s), above 0.
    probability, low, high : float
        Of failing by then, with its 95 % interval, 0 to 1.
    """

    temperature: float
    voltage: float
    duration: float
    probability: float
    low: float
    high: float

    def rate(self, probability: float) -> float:
        """Return the constant rate (1/s) that would fail with a probability: -ln(1 - P) / duration."""
        return float(-np.log1p(-min(probability, 1.0 - 1e-12)) / self.duration)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extrapolation:
    """Rates under conditions, and the line through the accelerated ones.

    Attributes
    ----------
    by : {"temperature", "voltage"}
        What accelerates.
    condition : ndarray of shape (n,)
        (K or V), ascending.
    rate, low, high : ndarray of shape (n,)
        Mean rate of failing (1/s), with its 95 % interval.
    accelerated : ndarray of bool, shape (n,)
        Conditions that the line goes through.
    line : Line
        ln(rate) against 1/kT (1/eV), or against the voltage (V).
    observed : tuple of Observed
        What the rates come from, in the same order.
    """

    by: str
    condition: Floats
    rate: Floats
    low: Floats
    high: Floats
    accelerated: np.ndarray[tuple[int], np.dtype[np.bool_]]
    line: regression.Line
    observed: tuple[Observed, ...]

    def chance(self, condition: float, time: Floats | float) -> tuple[Floats, Floats, Floats]:
        """Return the probability of failing by a time (s) as usually extrapolated, with its 95 % interval.

        A constant rate is what is usually taken: 1 - exp(-rate time).
        """
        middle, low, high = (-np.expm1(-rate * np.asarray(time, float)) for rate in self.at(condition))
        return middle, low, high

    def at(self, condition: Floats | float) -> tuple[Floats, Floats, Floats]:
        """Return the extrapolated rate (1/s) at conditions (K or V), with its 95 % interval."""
        value, half = self.line.at(abscissa(self.by, condition))
        return np.exp(value), np.exp(value - half), np.exp(value + half)


def abscissa(by: str, condition: Floats | float) -> Floats:
    """Return what ln(rate) is taken as straight in: 1/kT (1/eV), or the voltage (V)."""
    value = np.asarray(condition, float)
    return 1.0 / (BOLTZMANN_EV * value) if by == TEMPERATURE else value


def extrapolate(observed: Sequence[Observed], use: float) -> Extrapolation:
    """Return the usual extrapolation: Arrhenius' law, or exponential in the voltage, from beyond use.

    Parameters
    ----------
    observed : sequence of Observed
        They differ in temperature, or else in voltage; each with a probability above 0.
    use : float
        Condition of use (K or V): those above it are accelerated, at least two.

    Raises
    ------
    ValueError
        There are not two accelerated conditions, a probability is 0, or both temperature and voltage differ.

    Notes
    -----
    A constant rate is the usual assumption too. Where devices differ the worst ones fail first, and
    -ln(1 - P) / t falls with the time: conditions whose probabilities are alike compare best.
    """
    cause = accelerating(observed)
    rows = sorted(observed, key=lambda one: float(getattr(one, cause)))
    condition = np.array([float(getattr(row, cause)) for row in rows])
    probabilities = np.array([row.probability for row in rows])
    if not np.all(probabilities > 0.0):
        failed = condition[probabilities <= 0.0][0]
        raise ValueError(f"nothing has failed at {failed:g} {UNITS[cause]}: there is no rate to draw")
    positive("duration", [row.duration for row in rows], "s")
    rate, low, high = (
        np.array([row.rate(getattr(row, name)) for row in rows]) for name in ("probability", "low", "high")
    )
    accelerated = condition > use * (1.0 + NEAR)
    if len(np.unique(condition[accelerated])) < 2:
        raise ValueError(
            f"the line needs two conditions above {use:g} {UNITS[cause]}, got {np.count_nonzero(accelerated)}"
        )
    # A 95 % interval of P is symmetric in ln P, 1.96 standard errors to each side.
    error = np.maximum(np.log(high / np.maximum(low, 1e-300)) / (2 * 1.96), 1e-3)
    fitted = regression.line(
        abscissa(cause, condition[accelerated]), np.log(rate[accelerated]), error[accelerated]
    )
    return Extrapolation(
        by=cause, condition=condition, rate=rate, low=low, high=high, accelerated=accelerated,
        line=fitted, observed=tuple(rows),
    )


def accelerating(observed: Sequence[Observed]) -> str:
    """Return what differs between conditions: "temperature" or "voltage"."""
    differ = [
        name
        for name in (TEMPERATURE, VOLTAGE)
        if np.ptp([getattr(row, name) for row in observed]) > NEAR * abs(getattr(observed[0], name))
    ]
    if len(differ) != 1:
        reason = "neither differs" if not differ else "both differ"
        raise ValueError(f"conditions must differ in temperature or in voltage: {reason}")
    return differ[0]
