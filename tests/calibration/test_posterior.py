"""Draws from densities whose moments are known."""

import numpy as np
from scipy.stats import norm

from frenkel.calibration.posterior import sample


def test_a_ridge_has_its_moments():
    """A Gaussian with a correlation of -0.99: means, spreads and quantiles to 5 errors of as many draws as
    are effective (false alarm below 1e-5)."""
    spread = 0.05
    inverse = np.linalg.inv(spread**2 * np.array([[1.0, -0.99], [-0.99, 1.0]]))

    def density(places):
        away = places - [0.6, 0.4]
        return -0.5 * np.einsum("ni,ij,nj->n", away, inverse, away)

    found = sample(density, np.zeros(2), np.ones(2), 2**12, 1)
    assert found.effective > 1000
    error = 5 * spread / np.sqrt(found.effective)
    mean = found.share(found.places)
    assert np.all(np.abs(mean - [0.6, 0.4]) < error) and np.all(np.abs(found.best - [0.6, 0.4]) < spread)
    deviation = np.sqrt(found.share((found.places - mean) ** 2))
    assert np.all(np.abs(deviation - spread) < error)
    edge = 0.6 + spread * norm.ppf(0.975)
    assert abs(found.quantile(0.975)[0] - edge) < 3 * error
    again = found.equal(2000, 3)
    assert np.all(np.abs(again.mean(axis=0) - mean) < 5 * spread / np.sqrt(2000))


def test_two_peaks_keep_their_shares():
    """Peaks of 1 and 3 parts, far apart: the smaller has a quarter, to 5 errors."""

    def density(places):
        x = places[:, 0]
        return np.logaddexp(norm.logpdf(x, 0.2, 0.01), np.log(3.0) + norm.logpdf(x, 0.8, 0.01))

    found = sample(density, np.zeros(1), np.ones(1), 2**12, 2)
    share = float(found.share(found.places[:, 0] < 0.5))
    assert abs(share - 0.25) < 5 * np.sqrt(0.1875 / found.effective)


def test_an_even_density_is_even():
    found = sample(lambda places: np.zeros(len(places)), np.array([0.2]), np.array([0.4]), 2**12, 3)
    assert np.all(np.abs(found.quantile(0.25) - 0.25) < 5 * 0.2 * np.sqrt(0.1875 / found.effective))
