"""How long samples are above a melting point, and the sentence that says so."""

import numpy as np
import pytest

from frenkel.analysis.plots.caption import caption
from frenkel.analysis.results.melting import melting, of_result

TIME = np.array([0.0, 1.0, 2.0, 4.0, 4.0, 5.0, 8.0])


@pytest.mark.parametrize(
    ("hot", "longest", "share", "last"),
    [
        ([], 0.0, 0.0, 0),
        ([1], 1.0, 1 / 8, 1),  # half of the way to either neighbour
        ([3, 4], 1.5, 1.5 / 8, 4),  # a phase ends where the next begins
        ([0, 2, 5, 6], 3.5, 5.5 / 8, 6),
        (range(7), 8.0, 1.0, 6),
    ],
)
def test_samples_stand_for_the_time_half_way_to_their_neighbours(hot, longest, share, last):
    temperature = np.where(np.isin(np.arange(7), list(hot)), 1000.1, 1000.0)
    found = melting(TIME, temperature, 1000.0)
    assert (found.longest, found.share, found.last) == (longest, pytest.approx(share, rel=1e-15), last)


def test_a_caption_compares_the_highest_temperature_with_the_melting_point(result):
    assert of_result(result) is None and "melt" not in caption(result, [0])
    hottest = float(result["temperature_max"].max())
    above = result.copy()
    above.attrs["melting_point"] = hottest
    assert of_result(above).longest == 0.0
    text = " ".join(caption(above, [0]).split())
    assert f"{hottest:.0f} K, below {hottest:.0f} K, where it melts" in text
    above.attrs["melting_point"] = hottest - 1e-3
    found = of_result(above)
    text = " ".join(caption(above, [0]).split())
    assert found.longest > 1e-9 and ", above" in text
    assert f"{found.longest * 1e9:.3g} ns at a time, in" in text
    above["time"] = above["time"] * (0.9e-9 / found.longest)
    text = " ".join(caption(above, [0]).split())
    assert "for at most 900 ps" in text and "at a time" not in text
