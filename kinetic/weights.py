"""Derivatives of the likelihood of a run by every barrier and attempt frequency, kept on the way.

A run of rates r = nu exp(-E / kT) has the log-likelihood sum ln r over its events less the integral of all
rates. Its derivative by a parameter, the score weight S, has the mean 0, whatever the run: that tests the
clock. And the derivative of any mean over runs is a covariance,

    d<f>/dtheta = Cov(f, S),   S_nu = N - int R dt,   S_E = sum c / kT (over events) - int sum r c / kT dt,

with the events N and the total rate R of the mechanism, and c = -d(activation)/d(barrier), at the temperature
that each event reads (Warren and Allen, Entropy 16, 221 (2014), doi:10.3390/e16010221, recalled). Both
directions of a mechanism have one barrier and one frequency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..typing import Floats
from .solver import Solved

STEP = 0.02
"""Largest change of the voltage (V) within which four nodes of Gauss integrate a rate, to 1e-6 at 40 / V."""

NODES, SHARES = np.polynomial.legendre.leggauss(4)


@dataclass(slots=True)
class Weights:
    """Score weights of a device since they were made, or last cleared.

    Attributes
    ----------
    barrier : ndarray of shape (n_mechanisms,)
        By the barrier of each mechanism (1/eV).
    frequency : ndarray of shape (n_mechanisms,)
        By ln of its attempt frequency (1).
    events : ndarray of shape (n_mechanisms,)
        Events that happened.
    """

    barrier: Floats
    frequency: Floats
    events: Floats

    @classmethod
    def of(cls, mechanisms: int) -> Weights:
        """Return weights of so many mechanisms, at 0."""
        return cls(*(np.zeros(mechanisms) for _ in range(3)))

    def clear(self) -> None:
        """Begin anew."""
        for one in (self.barrier, self.frequency, self.events):
            one[:] = 0.0

    def values(self) -> Floats:
        """Return a copy of both, shape (2, n_mechanisms): by barriers (1/eV), by frequencies."""
        return np.array([self.barrier, self.frequency])

    def wait(self, now: Solved, voltage: float, slope: float, elapsed: float) -> None:
        """Take note that a time (s) has passed while the voltage (V) went straight, with a slope (V/s)."""
        if slope == 0.0:
            self._spend(now, voltage, slope, elapsed)
            return
        pieces = max(math.ceil(abs(slope) * elapsed / STEP), 1)
        length = elapsed / pieces
        for piece in range(pieces):
            for node, share in zip(NODES, SHARES, strict=True):
                time = length * (piece + 0.5 * (1.0 + node))
                self._spend(now, voltage + slope * time, slope, 0.5 * share * length)

    def _spend(self, now: Solved, voltage: float, slope: float, time: float) -> None:
        events = now.at(voltage, slope)
        expected = events.rates(voltage) * time
        by_barrier, kt = events.barrier_slopes(voltage)
        mechanism, number = events.arrays()["mechanism"], len(self.barrier)
        self.barrier += np.bincount(mechanism, expected * by_barrier / kt, number)
        self.frequency -= np.bincount(mechanism, expected, number)

    def event(self, now: Solved, voltage: float, chosen: int) -> None:
        """Take note that an event happens at a voltage (V)."""
        events = now.at(voltage)
        by_barrier, kt = events.barrier_slopes(voltage)[:, chosen]
        mechanism = events.arrays()["mechanism"][chosen]
        self.barrier[mechanism] -= by_barrier / kt
        self.frequency[mechanism] += 1.0
        self.events[mechanism] += 1.0
