"""How long samples stand above the melting point: a temperature there is the model's, not the device's.

Nothing melts in a run and no temperature is clipped. Where the hottest place stays above the point for longer
than `LEAST`, the material would not be what the numbers of the set describe, and a sentence says so.
"""

from dataclasses import dataclass

import numpy as np

from ...data.columns import ResultTable
from ...typing import Floats

LEAST = 1e-9
"""Time (s) above the melting point that is worth a sentence."""


@dataclass(frozen=True, slots=True)
class Melting:
    """What samples say about temperatures above the melting point.

    Attributes
    ----------
    longest : float
        Longest time (s) that they stay above it without a break.
    share : float
        Fraction of the whole time that they are above it.
    last : int
        Index of the sample that ends the longest time.
    """

    longest: float
    share: float
    last: int


def melting(time: Floats, temperature: Floats, point: float) -> Melting:
    """Return how long samples stay above the melting point.

    A sample stands for the time half way to both of its neighbours: whoever wants shorter times seen asks for
    more samples.

    Parameters
    ----------
    time, temperature : (n,) float64
        Times (s), ascending, and highest temperatures (K).
    point : float
        Melting point (K).
    """
    half_step = np.diff(time) / 2
    span = np.append(half_step, 0.0) + np.append(0.0, half_step)
    hot = temperature > point
    spent = np.cumsum(np.where(hot, span, 0.0))
    # Since the last sample that was not too hot.
    unbroken = spent - np.maximum.accumulate(np.where(hot, 0.0, spent))
    last = int(np.argmax(unbroken))
    duration = float(span.sum())
    return Melting(float(unbroken[last]), float(spent[-1]) / duration if duration else 0.0, last)


def of_result(result: ResultTable) -> Melting | None:
    """Return how long a result stays above its material's melting point; None where that is not known."""
    point = result.attrs.get("melting_point")
    if point is None:
        return None
    return melting(result["time"].values, result["temperature_max"].values, float(point))
