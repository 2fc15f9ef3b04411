"""Several weak spots in one box form as the law of the minimum of single ones says (slow; `make verify`)."""

import numpy as np
import pytest
from population_forming import boxes, p_value
from scipy import stats

from frenkel.kinetic.materials.material import Material

pytestmark = pytest.mark.verification

FALSE_ALARM = 1e-3


def test_two_spots_in_a_box_follow_the_law_of_the_minimum():
    """Kolmogorov-Smirnov distance of forming voltages of boxes with two spots from 1 - (1 - F)^2, F with one.

    Boxes of two spots do not form as boxes of one do, so that the test can tell.
    """
    found = boxes(Material.load("HfO2-fast"), range(92_000, 93_200), workers=2)
    single, double = (found[found[:, 0] == count, 1] for count in (1, 2))
    assert min(len(single), len(double)) >= 200
    assert np.isfinite(single).all() and np.isfinite(double).all()
    p, other = p_value(single, double), stats.ks_2samp(single, double).pvalue
    note = ", ".join(f"{len(one)} boxes {np.median(one):.3f} V" for one in (single, double))
    print(f"one and two spots: {note}; law of the minimum p {p:.2g}, the same law p {other:.1e}")
    assert p > FALSE_ALARM
    assert other < FALSE_ALARM
