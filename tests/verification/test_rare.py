"""Splitting in the box of all states against the master equation, from 1e-3 to 1e-12. Some ten minutes.

Each estimate within three standard errors; the hundred repeats are one test of bias and one of the variance
that each run states. Seeds are fixed; a z of 3 is a false alarm of 2.7e-3 for each of the six rows.
"""

import math

import numpy as np
import pytest
from rare_events import Box, joined, repeated

pytestmark = [pytest.mark.verification, pytest.mark.timeout(3600)]


@pytest.mark.parametrize(("share", "defects", "exact", "particles"), [
    (0.3, 8, 3.84e-4, 1000), (1.0, 10, 5.23e-6, 1000), (0.4, 10, 7.24e-8, 2000), (0.2, 10, 2.51e-9, 3000),
    (0.05, 10, 1.0e-12, 4000),
])
def test_passages(share, defects, exact, particles):
    law, process = Box(share, defects).passages()
    runs = joined(repeated(process, 1.0, 8, particles, particles // 10))
    print(f"{law:.4g}: ratio {runs.probability / law:.3f}, found {runs.error / law:.3f}, "
          f"stated {runs.stated / law:.3f}, {runs.levels:.0f} levels")
    assert math.log10(law) == pytest.approx(math.log10(exact), abs=0.5)
    assert abs(runs.probability - law) < 3.0 * max(runs.error, runs.stated) < 1.5 * law


@pytest.mark.parametrize("share", [10.0, 50.0, 130.0])
def test_survivals(share):
    """2.9e-2, 2.2e-6 and some 1e-13."""
    law, process = Box(share, 6).survivals()
    runs = joined(repeated(process, math.inf, 16, 200, 20))
    print(f"{law:.4g}: ratio {runs.probability / law:.3f}, found {runs.error / law:.3f}, "
          f"stated {runs.stated / law:.3f}, {runs.levels:.0f} levels")
    assert abs(runs.probability - law) < 3.0 * max(runs.error, runs.stated) < law


def test_hundred_repeats():
    """No bias, and the variance that runs state is the one that is found, to a z of 3 each."""
    law, process = Box(50.0, 6).survivals()
    runs = repeated(process, math.inf, 100, 100, 10)
    found = np.array([one.probability for one in runs])
    assert abs(found.mean() - law) < 3.0 * found.std(ddof=1) / 10.0
    gap = np.array([one.variance for one in runs]) - (found - law) ** 2
    print(f"ratio {found.mean() / law:.3f} +- {found.std(ddof=1) / 10 / law:.3f}; of a run stated "
          f"{np.mean([one.variance for one in runs]) ** 0.5 / law:.3f}, found {found.std(ddof=1) / law:.3f}")
    assert abs(gap.mean()) < 3.0 * gap.std(ddof=1) / 10.0
