"""1,000 random filaments of each family whose bonds obey laws settle, 4 to 400 K and to 6 V (minutes)."""

import numpy as np
import pytest
from random_filaments import FAMILIES, operating_points

TEMPERATURES = (4.0, 10.0, 20.0, 50.0, 77.0, 100.0, 200.0, 300.0, 350.0, 400.0)


@pytest.mark.verification
@pytest.mark.parametrize("family", FAMILIES)
def test_a_thousand_filaments_settle(family):
    errors = [
        error
        for seed, temperature in enumerate(TEMPERATURES)
        for error in operating_points(family, temperature, 1000 // len(TEMPERATURES), seed=100 + seed)
    ]
    behind, current, voltage = np.max(errors, axis=0)
    print(
        f"{family}: {len(errors)} operating points, largest errors {behind:.1g}, {current:.1g}, {voltage:.1g}"
    )
    assert behind < 1e-14 and current < 1e-9 and voltage < 1e-6
