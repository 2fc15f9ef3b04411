"""A temperature of the electrodes that is linear in time: steps for the network, exact waits for events.

A network is solved for one temperature, so a ramp is cut into steps. Within a step rates follow the ramp
itself: candidates for events come at ``MARGIN`` times the rates k of the middle of the step, and one at the
time t is accepted with the probability k(T(t)) / (MARGIN k), which gives waits and events of the changing
rates exactly (thinning; P. A. W. Lewis and G. S. Shedler, Naval Research Logistics 26, 403 (1979),
10.1002/nav.3800260304).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

HALF = 0.1
"""Change of ln(rate) from the middle of a step to its ends, for the largest activation energy that counts."""

MARGIN = math.exp(HALF)
"""Candidates for events over what the rates of the middle of a step are."""


@dataclass(frozen=True, slots=True)
class TemperatureRamp:
    """A temperature that is linear in time between two values.

    Attributes
    ----------
    start, stop : float
        At the ends (K), above 0.
    duration : float
        Time between them (s), above 0.
    """

    start: float
    stop: float
    duration: float

    def at(self, time: float) -> float:
        """Return the temperature (K) at a time (s)."""
        return self.start + (self.stop - self.start) * (time / self.duration)

    def steps(self, frequency: float) -> list[tuple[float, float]]:
        """Return when steps begin (s), and the temperature in their middle (K).

        ln(nu exp(-E/kT)) changes by E/kT dT/T. Where N is the sum of all attempt frequencies, an event with
        E > kT ln(N t) is not seen in a time t. So dT/T = 2 HALF / ln(N t), about 0.5 %, does for all others.

        Parameters
        ----------
        frequency : float
            Sum of the attempt frequencies of all events (Hz), not negative.
        """
        exponent = math.log(max(frequency * self.duration, math.e))
        number = math.ceil(abs(math.log(self.stop / self.start)) * exponent / (2.0 * HALF))
        if number == 0:
            return [(0.0, self.start)]
        edges = np.geomspace(self.start, self.stop, number + 1)
        times = (edges - self.start) / (self.stop - self.start) * self.duration
        return list(zip(times[:-1].tolist(), (0.5 * (edges[:-1] + edges[1:])).tolist(), strict=True))
