"""Intervals of bakes with one read hold the planted ratio as often as they say."""

import numpy as np
import pytest
from scipy.stats import binom

from frenkel.analysis.reliability.bakes import fit_intervals
from frenkel.units import BOLTZMANN_EV

pytestmark = pytest.mark.verification
BAKES, RATIO = 200, 0.8


def planted(seed):
    """Return 600 devices at three temperatures, read once after 4,000 s."""
    t = np.repeat([430.0, 470.0, 510.0], 200)
    middle = 8.5 + 1.5 * RATIO / BOLTZMANN_EV * (1 / t - 1 / 470.0)
    failed = middle + 1.5 * np.random.default_rng(seed).standard_normal(len(t)) < np.log(4000.0)
    return t, np.where(failed, 0.0, 4000.0), np.where(failed, 4000.0, np.inf)


def test_the_ratio_is_covered():
    """Of 200 intervals of 95 %, outside of 180 to 198 with a probability of 0.4 %."""
    bounds = [fit_intervals(*planted(seed)).ratio_interval for seed in range(BAKES)]
    hits = sum(low < RATIO < high for low, high in bounds)
    assert binom.ppf(0.002, BAKES, 0.95) <= hits <= binom.ppf(0.998, BAKES, 0.95)
