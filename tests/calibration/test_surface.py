"""Surfaces of devices whose numbers are made up: what noise alone shows, and how sure a likelihood is."""

import numpy as np
import pytest
from scipy.stats import qmc

from frenkel.calibration.summaries import Summary
from frenkel.calibration.surface import Surface

SUMMARY = Summary(("p", "q", "r", "s", "t"), of_devices=True, of_cycles=False)
PLACES = qmc.Sobol(2, rng=np.random.default_rng(1)).random_base2(5)[:20]
LOW, HIGH = np.zeros(2), np.ones(2)


def surface(noise, far=0.0, seed=1):
    """Return the surface of 32 devices at 20 places, and their statistics: (20, 32, 5) numbers, shifted by
    ``far`` times the first parameter."""
    values = noise + far * PLACES[:, :1, None]
    devices = SUMMARY.devices(values[:, :, None])
    return Surface(PLACES, devices, SUMMARY, 10, LOW, HIGH, seed), SUMMARY.together(devices)


def least_squares(shown, places):
    """Return the plain quadratic through statistics at other places."""

    def terms(x):
        return np.column_stack([np.ones(len(x)), x, x**2, x[:, 0] * x[:, 1]])

    return terms(places) @ np.linalg.lstsq(terms(PLACES), shown, rcond=None)[0]


def test_noise_alone_has_hardly_a_slope():
    """The squared difference between both ends of the second parameter, which moves nothing, over that of
    the plain quadratic, means of 12 designs: 0.00 to 0.08 with eight other seeds of the whole. The first,
    which moves all means by 5, is found as before, within 0.49 in those eight."""
    plain = kept = 0.0
    ends = np.array([[0.5, 0.0], [0.5, 1.0], [0.0, 0.5], [1.0, 0.5]])
    for seed in range(12):
        found, shown = surface(np.random.default_rng([2, seed]).standard_normal((20, 32, 5)), 5.0)
        one, other = least_squares(shown, ends), found.mean(ends)
        plain += np.sum((one[1] - one[0]) ** 2)
        kept += np.sum((other[1] - other[0]) ** 2)
        assert other[3, :5] - other[2, :5] == pytest.approx(5.0, abs=0.7)
    assert kept < 0.3 * plain


def test_what_few_members_hide_is_called_flat():
    """The first parameter moves all means by 0.4 spreads. With 13 members, three more than there are
    statistics, its slopes are taken for noise in 10 of 12 designs, and it is called flat; with 32 in none.
    The second one, which moves nothing, is flat in 11 of 12 and in half."""
    flat = {
        members: [
            surface(np.random.default_rng([9, k]).standard_normal((20, members, 5)), 0.4)[0].flat()
            for k in range(6)
        ]
        for members in (13, 32)
    }
    assert sum(0 in one for one in flat[13]) >= 3 and not any(0 in one for one in flat[32])
    assert any(1 in one for one in flat[32])


def test_terms_that_are_no_noise_stay():
    """The same devices in all designs: no term but the mean has noise, and the quadratic is the plain one."""
    common = np.broadcast_to(np.random.default_rng(3).standard_normal((1, 32, 5)), (20, 32, 5))
    found, shown = surface(common, 5.0)
    places = np.random.default_rng(4).random((6, 2))
    assert found.mean(places) == pytest.approx(least_squares(shown, places), abs=1e-9)


@pytest.mark.parametrize("of_devices", [False, True])
def test_one_or_two_statistics_are_taken_as_they_are(of_devices):
    """They do not tell how wide the law of a term is: the quadratic is the plain one, noise included."""
    summary = Summary(("p",), of_devices=of_devices, of_cycles=False)
    values = np.random.default_rng(6).standard_normal((20, 32, 1))
    devices = summary.devices(values[:, :, None])
    found = Surface(PLACES, devices, summary, 10, LOW, HIGH, 1)
    places = np.random.default_rng(4).random((6, 2))
    plain = least_squares(summary.together(devices), places)
    assert found.mean(places) == pytest.approx(plain, abs=1e-9)


def test_the_power_of_the_likelihood_is_that_of_percival():
    """Of 32 devices that are the same everywhere, 10 statistics and 2 parameters: equation as published, in
    its own letters; the misfit enters with 31 degrees of freedom."""
    common = np.broadcast_to(np.random.default_rng(5).standard_normal((1, 32, 5)), (20, 32, 5))
    found, shown = surface(common, 5.0)
    n_s, n_d, n_theta = 32, 10, 2
    b = (n_s - n_d - 2) / ((n_s - n_d - 1) * (n_s - n_d - 4))
    m = n_theta + 2 + (n_s - 1 + b * (n_d - n_theta)) / (1 + b * (n_d - n_theta))
    assert m == pytest.approx(26.08, abs=0.01)
    place, aim = np.array([[0.5, 0.5]]), shown.mean(axis=0)
    misfit, likelihood = found.misfit(place, aim + 0.1)
    size = 0.5 * np.linalg.slogdet(found.covariance(place)[0])[1]
    assert likelihood[0] == pytest.approx(-0.5 * m * np.log1p(misfit[0] / 31.0) - size, rel=1e-9)
