"""Mean times in the states of a chain, and its stationary law, against closed forms and whole fractions."""

from fractions import Fraction

import numpy as np
import pytest

from frenkel.kinetic.engine._chain import Chain, mean_times, stationary


def fractions(inner, leave):
    """Return the mean times by elimination in fractions, which are exact for the floats that are given."""
    n = len(leave)
    rate = [[Fraction(float(one)) if i != j else Fraction(0) for j, one in enumerate(row)]
            for i, row in enumerate(inner)]
    rows = [[-rate[j][i] for j in range(n)] + [Fraction(int(i == 0))] for i in range(n)]
    for i in range(n):
        rows[i][i] = sum(rate[i]) + Fraction(float(leave[i]))
    for k in range(n):
        for i in range(n):
            if i != k and rows[i][k]:
                share = rows[i][k] / rows[k][k]
                rows[i] = [one - share * other for one, other in zip(rows[i], rows[k], strict=True)]
    return np.array([float(rows[i][n] / rows[i][i]) for i in range(n)])


def chain(n, seed):
    """Return rates over 20 decades, a third of them 0, and rates out that are slower than any."""
    random = np.random.default_rng(seed)
    inner = 10.0 ** random.uniform(-8, 12, (n, n)) * (random.random((n, n)) < 0.67)
    inner[np.arange(n), np.arange(n) - 1] = 10.0 ** random.uniform(-8, 12, n)
    return inner, 10.0 ** random.uniform(-30, -10, n)


@pytest.mark.parametrize(("a", "b", "c", "d"), [(3.0, 50.0, 0.2, 0.7), (1e6, 1e9, 1e-12, 3e-13)])
def test_two_states_are_left_as_their_closed_form_says(a, b, c, d):
    """From A by a to B, by c outside; from B by b back, by d outside: times (b + d, a)/(c b + c d + a d)."""
    inner, leave = np.array([[7.0, a], [b, 7.0]]), np.array([c, d])  # the diagonal is not read
    expected = np.array([b + d, a]) / (c * b + c * d + a * d)
    np.testing.assert_allclose(mean_times(inner, leave), expected, rtol=1e-14)


@pytest.mark.parametrize("n", [1, 3, 8, 16, 24])
def test_times_are_right_to_rounding(n):
    """However often states change places before they are left, up to 1e40 times here."""
    inner, leave = chain(n, n)
    np.testing.assert_allclose(mean_times(inner, leave), fractions(inner, leave), rtol=1e-13)


@pytest.mark.parametrize("n", [2, 7, 16])
def test_events_within_a_set(n):
    """Time in each state by its rates to the others; no more than 1e14, and none where nothing leaves."""
    inner, leave = chain(n, n)
    np.fill_diagonal(inner, 0.0)
    leave *= 1e20
    expected = float(fractions(inner, leave) @ inner.sum(axis=1))
    assert Chain().mean_events(inner, leave) == pytest.approx(min(expected, 1e14), rel=1e-12)
    assert Chain().mean_events(inner, 1e-60 * leave) == 1e14
    assert Chain().mean_events(inner, 0.0 * leave) == 0.0


def test_a_part_that_is_never_left():
    inner = np.zeros((3, 3))
    inner[0, 1] = inner[1, 2] = inner[2, 1] = 1.0
    assert mean_times(inner, np.array([1.0, 0.0, 0.0])) is None
    with pytest.raises(ValueError, match="rates between 2 states must be of shape .2, 2., got .3, 3."):
        mean_times(inner, np.ones(2))


@pytest.mark.parametrize("n", [2, 9, 40])
def test_the_stationary_law(n):
    """Of a chain in detailed balance over 17 decades it is Boltzmann's; of a ring, the waits."""
    random = np.random.default_rng(n)
    energy, saddle = random.uniform(0, 40, n), random.uniform(40, 60, (n, n))
    rates = np.exp(energy[:, None] - np.maximum(saddle, saddle.T))
    weight = np.exp(-energy)
    np.testing.assert_allclose(stationary(rates), weight / weight.sum(), rtol=1e-12)
    wait = 10.0 ** random.uniform(-8, 8, n)
    ring = np.zeros((n, n))
    ring[np.arange(n), np.arange(n) - 1] = 1.0 / wait
    np.testing.assert_allclose(stationary(ring), wait / wait.sum(), rtol=1e-12)


def test_a_state_that_is_not_left_has_no_shares():
    assert np.isnan(stationary(np.array([[0.0, 1.0], [0.0, 0.0]]))).all()
