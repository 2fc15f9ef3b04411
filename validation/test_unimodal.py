"""The dip test against its definition, solved as linear programs, and against published quantiles (fast)."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

spec = importlib.util.spec_from_file_location("unimodal", Path(__file__).with_name("unimodal.py"))
unimodal = importlib.util.module_from_spec(spec)
spec.loader.exec_module(unimodal)


def least_distance(values):
    """Return the least distance from a unimodal distribution function, over all modes: the definition."""
    x, counts = np.unique(values, return_counts=True)
    upper = np.cumsum(counts) / len(values)
    return min(_from_mode(x, upper - counts / len(values), upper, mode) for mode in range(len(x)))


def _from_mode(x, lower, upper, mode):
    # Unknown: the function at each value up to the mode (just below it there), from it on, and the distance.
    place = [*range(mode + 1), *range(mode, len(x))]
    rows, bounds, size = [], [], len(place) + 1

    def at_most(bound, **terms):
        rows.append(np.bincount([int(key[1:]) for key in terms], list(terms.values()), size))
        bounds.append(bound)

    distance = f"v{size - 1}"
    for k, i in enumerate(place):
        below, above = lower[i], upper[i]
        if i == mode:  # the function may step there as the data do
            below, above = (below, below) if k == mode else (above, above)
        at_most(below, **{f"v{k}": 1.0, distance: -1.0})
        at_most(-above, **{f"v{k}": -1.0, distance: -1.0})
        if k:
            at_most(0.0, **{f"v{k - 1}": 1.0, f"v{k}": -1.0})
    for k in range(1, len(place) - 1):
        sign = 1.0 if k < mode else -1.0
        if k in (mode, mode + 1):
            continue
        left, right = 1 / (x[place[k]] - x[place[k - 1]]), 1 / (x[place[k + 1]] - x[place[k]])
        terms = {f"v{k - 1}": -sign * left, f"v{k}": sign * (left + right), f"v{k + 1}": -sign * right}
        at_most(0.0, **terms)
    cost = np.eye(size)[-1]
    return linprog(cost, np.array(rows), bounds, bounds=[(0.0, 1.0)] * size).fun


@pytest.mark.parametrize("number", [4, 9, 20])
@pytest.mark.parametrize("kind", ["one mode", "two modes", "ties"])
def test_dip_is_the_least_distance_from_a_unimodal_distribution(number, kind):
    random = np.random.default_rng(number)
    values = {
        "one mode": random.normal(size=number),
        "two modes": np.append(
            random.normal(size=number // 2), random.normal(5.0, 1.0, number - number // 2)
        ),
        "ties": random.integers(0, 4, number).astype(float),
    }[kind]
    # Neither definition nor algorithm sees less than half of one value's step.
    expected = max(least_distance(values), 0.5 / number)
    assert unimodal.dip(values) == pytest.approx(expected, abs=1e-9)


def test_dip_of_even_values_and_of_two_bands():
    assert unimodal.dip(np.arange(20.0)) == pytest.approx(1 / 40)
    assert unimodal.dip([0.0] * 10 + [1.0] * 10) == pytest.approx(1 / 4)


def test_quantiles_of_uniform_samples_are_the_published_ones():
    """Table qDiptab of the R package diptest, a million draws each; ours err by 0.0015."""
    ours = np.quantile(unimodal.uniform_dips(20), [0.5, 0.9, 0.95])
    np.testing.assert_allclose(ours, [0.07334, 0.09723, 0.10513], atol=0.003)


def test_bands_are_told_from_a_broad_distribution():
    random = np.random.default_rng(3)
    assert unimodal.p_value(random.normal(size=20)) > 0.05
    assert unimodal.p_value(np.append(random.normal(size=10), random.normal(12.0, 1.0, 10))) < 0.01
