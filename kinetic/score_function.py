"""Derivatives of the likelihood of a run by every barrier and attempt frequency, kept on the way.

A run of rates r = nu exp(-E / kT) has the log-likelihood sum ln r over its events less the integral of all
rates. Its derivative by a parameter, the score weight S, has the mean 0, whatever the run: that tests the
clock. And the derivative of any mean over runs is a covariance,

    d<f>/dtheta = Cov(f, S),   S_nu = N - int R dt,   S_E = sum c / kT (over events) - int sum r c / kT dt,

with the events N and the total rate R of the mechanism, and c = -d(activation)/d(barrier), at the temperature
that each event reads (Warren and Allen, Entropy 16, 221 (2014), doi:10.3390/e16010221, recalled). Both
directions of a mechanism have one barrier and one frequency.

For any other number s = d ln(r)/dtheta is what `twins` find at each arrangement, and

    S_theta = sum s (over events) - int sum r s dt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np

from ..typing import Floats
from .solver import Solved
from .state import DeviceState

STEP = 0.02
"""Largest change of the voltage (V) within which four nodes of Gauss integrate a rate, to 1e-6 at 40 / V."""


@cache
def _gauss() -> tuple[Floats, Floats]:
    """Return the nodes and the weights of Gauss between -1 and 1; made when they are first wanted, by few."""
    return np.polynomial.legendre.leggauss(4)


Line = tuple[float, float]
"""A voltage (V) and its slope (V/s)."""


class Number(Protocol):
    """A number of a device whose rates follow it; see `twins`."""

    def rate_slopes(self, state: DeviceState, now: Solved, source: float, slope: float = 0.0) -> Floats:
        """Return d ln(rate) by the number of every event that is possible now, at a source voltage (V)."""


@dataclass(slots=True)
class ScoreFunction:
    """Score weights of a device since they were made, or last cleared.

    Attributes
    ----------
    barrier : ndarray of shape (n_mechanisms,)
        By the barrier of each mechanism (1/eV).
    frequency : ndarray of shape (n_mechanisms,)
        By ln of its attempt frequency (1).
    events : ndarray of shape (n_mechanisms,)
        Events that happened.
    number : ndarray of shape (n_numbers,)
        By each of the numbers.
    state : DeviceState
        The device.
    numbers : sequence of Number
    """

    barrier: Floats
    frequency: Floats
    events: Floats
    number: Floats
    state: DeviceState
    numbers: Sequence[Number]

    @classmethod
    def of(cls, state: DeviceState, numbers: Sequence[Number] = ()) -> ScoreFunction:
        """Return weights of a device, at 0."""
        barrier, frequency, events = np.zeros((3, len(state.chemistry.mechanisms)))
        return cls(barrier, frequency, events, np.zeros(len(numbers)), state, numbers)

    def clear(self) -> None:
        """Reset the sums."""
        for sums in (self.barrier, self.frequency, self.events, self.number):
            sums[:] = 0.0

    def values(self) -> Floats:
        """Return a copy of both, shape (2, n_mechanisms): by barriers (1/eV), by frequencies."""
        return np.array([self.barrier, self.frequency])

    def wait(self, now: Solved, device: Line, source: Line, elapsed: float) -> None:
        """Take note that a time (s) has passed while the voltages went straight.

        Parameters
        ----------
        now : Solved
        device, source : tuple of float
            Voltage at its start (V) and slope (V/s), of the device and of the source.
        elapsed : float
        """
        (voltage, slope), (above, rise) = device, source
        if slope == 0.0:
            self._spend(now, device, (above + 0.5 * rise * elapsed, rise), elapsed)
            return
        pieces = max(math.ceil(abs(slope) * elapsed / STEP), 1)
        length = elapsed / pieces
        for piece in range(pieces):
            for node, share in zip(*_gauss(), strict=True):
                time = length * (piece + 0.5 * (1.0 + node))
                at = (voltage + slope * time, slope), (above + rise * time, rise)
                self._spend(now, *at, 0.5 * share * length)

    def _spend(self, now: Solved, device: Line, source: Line, time: float) -> None:
        voltage, slope = device
        events = now.at(voltage, slope)
        expected = events.rates(voltage) * time
        by_barrier, kt = events.barrier_slopes(voltage)
        mechanism, number = events.arrays()["mechanism"], len(self.barrier)
        self.barrier += np.bincount(mechanism, expected * by_barrier / kt, number)
        self.frequency -= np.bincount(mechanism, expected, number)
        for k, parameter in enumerate(self.numbers):
            self.number[k] -= expected @ parameter.rate_slopes(self.state, now, *source)

    def event(self, now: Solved, voltage: float, source: float, chosen: int) -> None:
        """Take note that an event happens at voltages (V) of the device and of the source."""
        events = now.at(voltage)
        by_barrier, kt = events.barrier_slopes(voltage)[:, chosen]
        mechanism = events.arrays()["mechanism"][chosen]
        self.barrier[mechanism] -= by_barrier / kt
        self.frequency[mechanism] += 1.0
        self.events[mechanism] += 1.0
        for k, parameter in enumerate(self.numbers):
            self.number[k] += parameter.rate_slopes(self.state, now, source)[chosen]
