"""The gate: which wrong models it refuses, by which statistic, and how often."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_cycles import NAMES, UNITS, cycles, truth
from made_up_surrogates import forgetful, hierarchical_gaussian, independent, pooled_copula

from frenkel.analysis.fitting import cycle_memory, gate, gate_task, statistical_model
from frenkel.analysis.fitting.observations import build
from frenkel.analysis.statistics import comparison

pytest.importorskip("sklearn", reason="fitting needs the extra fit")


@pytest.fixture(scope="module")
def held_out():
    return cycles(192, 60, seed=2)


@pytest.fixture(scope="module")
def judged(held_out):
    """Return, of each surrogate, its rows: four that are wrong and the card."""
    training = cycles(192, 60, seed=1)
    card = statistical_model.fit(training, "made up", statistical_model.FitOptions(bootstrap=0))
    models = {
        "independent": independent(training),
        "pooled copula": pooled_copula(training),
        "hierarchical Gaussian": hierarchical_gaussian(training),
        "no memory": forgetful(card),
        "card": card,
    }
    rows = {name: gate.judge(held_out, model, repeats=4) for name, model in models.items()}
    return {name: {row.statistic: row for row in found} for name, found in rows.items()}


def test_the_card_alone_passes(judged):
    passed = {name: comparison.passed(list(rows.values())) for name, rows in judged.items()}
    assert passed == {
        "independent": False,
        "pooled copula": False,
        "hierarchical Gaussian": False,
        "no memory": False,
        "card": True,
    }


def test_what_each_statistic_sees(judged):
    """The pooled distribution favours the pooled copula; devices and memory tell the others apart."""

    def of(statistic):
        return {
            name: max(row.value for key, row in rows.items() if key.startswith(statistic))
            for name, rows in judged.items()
        }

    pooled, device, memory = of("pooled KS"), of("device KS"), of("autocorrelation at lag 1")
    floor = max(row.floor for key, row in judged["card"].items() if key.startswith("pooled KS"))
    assert pooled["pooled copula"] < 2 * floor and pooled["card"] < 2 * floor
    assert pooled["pooled copula"] < pooled["hierarchical Gaussian"]
    assert pooled["pooled copula"] < pooled["independent"]
    assert device["card"] < device["hierarchical Gaussian"] < device["pooled copula"]
    assert device["hierarchical Gaussian"] < device["independent"]
    assert all(memory["card"] < 0.3 * memory[name] for name in memory if name != "card")
    # Right pool and right correlations of its devices, and yet refused.
    rows = judged["no memory"]
    assert all(rows[f"pooled KS of {name}"].passed for name in NAMES) and rows["device correlations"].passed
    assert not any(rows[f"autocorrelation at lag 2 of {name}"].passed for name in NAMES)


def test_a_wrong_number_fails_its_own_rows(held_out):
    """One feature of a card that is one standard deviation too high: rows of the others pass."""
    right = truth()
    shift = np.zeros(2 * len(NAMES))
    shift[1] = np.nanstd(held_out.values[:, :, 1])
    rows = gate.judge(held_out, replace(right, means=right.means + shift).sample, repeats=4)
    failed = {row.statistic for row in rows if not row.passed}
    assert {f"pooled KS of {NAMES[1]}", f"device KS of {NAMES[1]} (mean)"} <= failed
    others = [name for name in NAMES if name != NAMES[1]]
    assert not [row for row in failed if any(f" of {name}" in row for name in others)]


def test_an_array_sees_devices_that_are_alike(judged):
    """Wrong bits come back in the same cells, and sums do not average out: the pool has neither."""
    for name in ("independent", "pooled copula"):
        assert not judged[name]["bit errors of an array"].passed
        assert not judged[name]["sums of an array (MVM)"].passed


@pytest.mark.parametrize(
    ("wrong", "least"),
    [
        (lambda c: np.array([np.diag(np.diag(m)) for m in c]), 2.0),
        (lambda c: 0.1 * c, 4.0),
    ],
    ids=["no correlation", "narrow kinds"],
)
def test_kinds_of_device(held_out, wrong, least):
    """Correlations of 0.3 that are left out, and kinds with a tenth of their variance, are refused."""
    right = truth()
    row = gate.within_kinds(held_out, replace(right, covariances=wrong(right.covariances)), 0)
    assert row.value > least * row.floor
    assert gate.within_kinds(held_out, right, 0).passed


def test_bit_errors_of_a_known_array():
    """Cells that are always wrong are wrong twice; cells that are wrong at random hardly ever."""
    bits = np.zeros((2, 4), int)
    steady = np.broadcast_to(np.where(np.arange(8).reshape(2, 4) == 3, 9.0, 1.0), (6, 2, 4))
    assert gate_task.bit_errors(steady, bits, (5.0, 0.0)) == (0.125, 0.125)
    turns = np.ones((8, 2, 4))
    turns[np.arange(8), np.arange(8) // 4, np.arange(8) % 4] = 9.0
    assert gate_task.bit_errors(turns, bits, (5.0, 0.0)) == (0.125, 0.0)


def test_sum_errors_of_a_known_array():
    """One error for all cells: of a column with n rows on, n errors over n^(1/2)."""
    random = np.random.default_rng(3)
    bits = random.integers(0, 2, (gate_task.ROWS, 5))
    ideal = (1e-6, 1e-5)
    g = np.where(bits == 0, *ideal)[None] + 9e-7
    one, mean = gate_task.sum_errors(np.repeat(g, 3, axis=0), bits, ideal, np.random.default_rng(4))
    on = np.random.default_rng(4).integers(0, 2, (32, gate_task.ROWS)).sum(axis=1)
    assert one == pytest.approx(0.1 * np.quantile(np.sqrt(on), 0.68), rel=0.02)
    assert mean == pytest.approx(one)


def test_without_resistances_there_is_no_array():
    values = np.random.default_rng(5).standard_normal((20, 30, 1))
    found = build(["set_voltage"], ["V"], values)
    assert gate_task.differences(found.values, found.values, found.features, 0) == {}


def test_gaps_in_the_cycles(held_out):
    """Missing values, a tenth of them, leave the verdict on the truth as it is."""
    values = np.where(np.random.default_rng(6).random(held_out.values.shape) < 0.1, np.nan, held_out.values)
    whole = [f.backward(values[:, :, i]) for i, f in enumerate(held_out.features)]
    rows = gate.judge(build(NAMES, UNITS, np.stack(whole, axis=2)), truth(), repeats=4)
    assert comparison.passed(rows), [row for row in rows if not row.passed]


def test_missing_values_are_missing_in_the_sample(held_out):
    """A model is compared with the second half at the places that the half has; the sampler misses none."""
    values = held_out.values.copy()
    values[np.random.default_rng(5).random(values.shape) < 0.2] = np.nan
    gaps = replace(held_out, values=values)
    for _, second, made in gate._halves(gaps, truth(), 2, 0):
        assert np.array_equal(np.isnan(made), np.isnan(second)) and np.isnan(made).mean() > 0.15


def test_limits_of_predictions_come_from_the_card(held_out):
    """They are those of its own cycles, whatever the devices show; here a card that forgets."""
    law = truth()
    now = cycle_memory.covariances(law.coefficients, law.innovation, 0)[0]
    forgetful_card = replace(law, coefficients=law.coefficients[:0], innovation=now)
    rows = {row.statistic: row for row in gate.prediction(held_out, forgetful_card, 0)}
    for name in NAMES:
        uniform, score = rows[f"{gate.CALIBRATION} of {name}"], rows[f"{gate.SCORE} of {name}"]
        assert score.limit == 1.05 * score.floor != 1.05 * score.value
        assert uniform.limit == max(comparison.FACTOR * uniform.floor, 0.02)
    assert comparison.passed(gate.prediction(held_out, truth(), 0))


def test_errors_of_predictions_are_standard(held_out):
    """By their own law the errors have a spread of 1: 11,000 of each feature, 4 % for the 60 cycles."""
    found = gate.surprises(held_out.values, truth())
    np.testing.assert_allclose(found.std(axis=0), 1.0, atol=0.04)


def test_an_array_holds_its_bits():
    """A 1 is an LRS, a 0 an HRS; exact."""
    features = truth().features
    level = {"hrs": np.log(1e6), "lrs": np.log(1e4)}
    values = np.stack([np.full((30, 12), level.get(f.name, 1.0)) for f in features], axis=2)
    conductance, bits = gate_task.conductances(values, features, np.random.default_rng(1))
    assert 0 < bits.mean() < 1
    np.testing.assert_allclose(conductance[:, bits == 1], 1e-4, rtol=1e-12)
    np.testing.assert_allclose(conductance[:, bits == 0], 1e-6, rtol=1e-12)


def test_every_bounded_statistic_knows_its_largest_value(judged):
    """Halves in two points are as far apart as can be: KS 1, energy distance 2 k^(1/4)."""
    most = gate.largest_values(NAMES)
    free = {"sums of an array (MVM)", "scatter within kinds of device"}
    free |= {f"{statistic} of {name}" for statistic in ("pooled tails", gate.SCORE) for name in NAMES}
    rows = judged["card"].values()
    assert {row.statistic for row in rows if row.largest == np.inf} == free
    assert all(row.largest == most[row.statistic] for row in rows if row.statistic not in free)
    one, other = np.zeros((5, 1, 3)), np.ones((5, 1, 3))
    most = gate.largest_values("abc")
    found = gate.pooled_differences(one, other, "abc", np.random.default_rng(0))
    assert [found[f"pooled KS of {name}"] for name in "abc"] == [1.0] * 3 and most["pooled KS of a"] == 1.0
    assert found["pooled energy distance"] == pytest.approx(most["pooled energy distance"])
    turned = np.stack([np.arange(10.0), -np.arange(10.0)], axis=1)[None]
    found = gate.cycle_differences(turned, np.abs(turned), "ab", np.random.default_rng(0))
    assert found["correlation within a cycle"] == pytest.approx(most["correlation within a cycle"])


@pytest.mark.filterwarnings("error")
def test_values_without_spread_have_no_statistic():
    """No warning of a library: one value has no spread to count in, and a gap has no distance."""
    one, gap = np.ones((1, 1, 2)), np.full((1, 1, 2), np.nan)
    for first, second in ((one, one), (one, gap), (gap, one)):
        found = gate.pooled_differences(first, second, "ab", np.random.default_rng(0))
        unknown = ("pooled energy distance", "pooled tails of a", "pooled tails of b")
        assert np.isnan([found[name] for name in unknown]).all()
    assert np.isnan(found["pooled KS of a"])
    moving = np.random.default_rng(1).standard_normal((2, 4, 30))
    one, other = (np.stack([values, np.ones_like(values)], axis=2) for values in moving)
    row = gate.pooled_differences(one, other, "ab", np.random.default_rng(0))
    floor = gate.common_floors(row)
    rows = comparison.of_splits([row], [floor], gate.largest_values("ab"))
    assert np.isfinite(floor["pooled tails of a"]) and np.isnan(floor["pooled tails of b"])
    unknown = comparison.verdict_of(None)
    assert [row.verdict for row in rows if row.statistic.endswith("tails of b")] == [unknown]
    every_other = np.where(np.arange(8)[:, None] % 2, np.nan, np.arange(8.0)[:, None] ** 2)[None]
    assert np.isnan(gate.correlations(every_other, 1)).all()
