"""When enough devices were run: quantiles known to a stated width, without bias from the decision to stop."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ...checks import inside, positive
from ...typing import Floats

FIRST = 100
"""Number of devices at the first look."""

CONFIDENCE = 0.95
"""Of the interval that is reported."""

CAREFUL = 0.9999
"""Confidence of the wide interval that the decision is also made with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was known at one look.

    Parameters
    ----------
    number : int
        Devices with a value.
    value, low, high : float
        Quantile with its interval, in the unit of the values; infinite while too few devices are known.
    width : float
        high - low, over the magnitude of the value.
    expected : float
        Number of devices after which the interval should be narrow enough, inf if unknown.
    """

    number: int
    value: float
    low: float
    high: float
    width: float
    expected: float


class Stopping:
    """Rule that stops an ensemble once the interval of a quantile is narrow; values are fed one by one.

    Three things keep the decision from biasing the result:

    - Devices count in the order of their numbers, not in that in which they end: quick devices are not ahead.
      Values that arrive out of order wait. So the result does not depend on the number of processes.
    - It looks only when fixed numbers of devices are known: 100, then each time a quarter more.
    - It stops if the interval and also one of 99.99 %, scaled to the same confidence, are narrow enough: the
      ends of the wider one scatter less, and depend less on the estimate.

    Simulated with Weibull slopes from 3 to 20 (1,000 repetitions each): of quantiles at 1, 1, 10, 50 and 90
    %, known to 15, 5, 10, 3 and 5 %, the 95 % interval held the truth in 95.2, 95.4, 94.7, 94.6 and 95.5 %,
    and the mean was too high by 0.08, 0.02, 0.07, 0.03 and 0.01 standard deviations (error 0.03). With the
    95 % interval alone, looked at after every 5 % more devices, it held the first in 92 %.

    Parameters
    ----------
    share : float
        Fraction of the devices below the quantile, 0 to 1.
    width : float
        Full width of the 95 % interval relative to the magnitude of the quantile, above 0.

    Examples
    --------
    >>> import numpy as np
    >>> rule = Stopping(share=0.5, width=0.1)
    >>> values = np.random.default_rng(1).normal(1.0, 0.1, 1000)
    >>> next(member for member, value in enumerate(values) if rule.add(member, value))
    99
    """

    def __init__(self, share: float, width: float) -> None:
        inside("share", share, 0, 1)
        positive("width", width)
        self.share, self.width = share, width
        self.looks: list[Look] = []
        self.stopped = False
        self._next_look = FIRST
        self._values: list[float] = []
        self._counted = 0
        self._waiting: dict[int, float | None] = {}

    def add(self, member: int, value: float | None) -> bool:
        """Take the value of one device and return whether to stop.

        Parameters
        ----------
        member : int
            Its number, from 0 on; every number must come in the end, once.
        value : float or None
            inf: above all others (it did not switch). None: the device was lost, and is left out, which
            biases the result if its value had to do with its loss.

        Returns
        -------
        bool
            True from the look on at which the interval is narrow enough. What comes later is not used.
        """
        if value is not None and np.isnan(value):
            raise ValueError(
                f"value of member {member} must not be NaN: give inf if it lies above what was tested, "
                "None if the device was lost"
            )
        if member < self._counted or member in self._waiting:
            raise ValueError(f"member must be one not yet given and at least 0, got {member}")
        self._waiting[member] = value
        while not self.stopped and self._counted in self._waiting:
            given = self._waiting.pop(self._counted)
            self._counted += 1
            if given is not None:
                self._values.append(given)
            if self._counted == self._next_look:
                self._look()
        return self.stopped

    @property
    def result(self) -> Look:
        """The last look: the result once stopped."""
        if not self.looks:
            raise ValueError(f"no result before {self._next_look} devices are known, got {self._counted}")
        return self.looks[-1]

    def _look(self) -> None:
        self._next_look = int(np.ceil(1.25 * self._next_look))
        if not self._values:
            return
        ordered = np.sort(self._values)
        value = quantile(ordered, self.share)
        low, high = order_interval(ordered, self.share, CONFIDENCE)
        interval = order_interval(ordered, self.share, CAREFUL)
        scale = stats.norm.ppf(0.5 + CONFIDENCE / 2) / stats.norm.ppf(0.5 + CAREFUL / 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            width = float(np.divide(high - low, abs(value)))
            # NaN (between two infinities) stays NaN, which is not narrow.
            largest = float(np.maximum(width, np.divide((interval[1] - interval[0]) * scale, abs(value))))
        number = len(ordered)
        expected = number * (largest / self.width) ** 2 if np.isfinite(largest) else np.inf
        self.looks.append(
            Look(number=number, value=value, low=low, high=high, width=width, expected=expected)
        )
        self.stopped = largest <= self.width


def rank_interval(number: int, share: float, confidence: float) -> tuple[int, int]:
    """Return the ranks between which a quantile lies with at least a given confidence.

    Each end is wrong with at most half of the rest, by the binomial law of the number of values below the
    quantile. Rank 0 stands for -inf, ``number`` + 1 for inf.
    """
    inside("confidence", confidence, 0, 1)
    tail = (1 - confidence) / 2
    return int(stats.binom.ppf(tail, number, share)), int(stats.binom.isf(tail, number, share)) + 1


def order_interval(ordered: Floats, share: float, confidence: float) -> tuple[float, float]:
    """Return the interval of a quantile from sorted values, infinite where there are too few."""
    low, high = rank_interval(len(ordered), share, confidence)
    return (
        float(ordered[low - 1]) if low else -np.inf,
        float(ordered[high - 1]) if high <= len(ordered) else np.inf,
    )


def median_unbiased(below: float, above: float, number: int, share: float) -> float:
    """Return the estimate of a quantile at rank (n + 1/3) share + 1/3, between two order statistics.

    The smallest or largest value if the rank lies beyond it.
    """
    rank = (number + 1 / 3) * share + 1 / 3
    part = rank - np.floor(rank)
    if rank < 1 or rank >= number or part == 0 or below == above:
        return float(below)
    return float(below + part * (above - below))


def neighbours(number: int, share: float) -> tuple[int, int]:
    """Return the ranks between which the estimate lies."""
    below = int(np.floor((number + 1 / 3) * share + 1 / 3))
    return min(max(below, 1), number), min(max(below + 1, 1), number)


def quantile(ordered: Floats, share: float) -> float:
    """Return the median-unbiased estimate of a quantile from sorted values."""
    number = len(ordered)
    first, second = neighbours(number, share)
    return median_unbiased(float(ordered[first - 1]), float(ordered[second - 1]), number, share)
