"""Recovery of a known hierarchical law, and the gate that must refuse wrong models."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from made_up_cycles import NAMES, UNITS, cycles, observe, truth

from frenkel.analysis.fitting import cycle_memory, gate, statistical_model
from frenkel.analysis.fitting.observations import ObservationError, build, dithered, from_csv, from_dataset
from frenkel.cells.card import Card

pytest.importorskip("sklearn", reason="fitting needs the extra fit")


@pytest.fixture(scope="module")
def training():
    return cycles(160, 60, seed=1)


@pytest.fixture(scope="module")
def held_out():
    return cycles(160, 60, seed=2)


@pytest.fixture(scope="module")
def fitted(training):
    return statistical_model.fit(training, "made up", statistical_model.FitOptions(bootstrap=10))


# --- memory ---------------------------------------------------------------------------------------------


def test_lost_products_are_exact():
    """Closed form against the mean over all positions of the projected covariance matrix."""
    law = truth()
    number = 12
    model = cycle_memory.covariances(law.coefficients, law.innovation, number - 1)
    k = model.shape[1]
    full = np.block(
        [[model[t - s] if t >= s else model[s - t].T for s in range(number)] for t in range(number)]
    )
    centre = np.kron(np.eye(number) - 1 / number, np.eye(k))
    about = (centre @ full @ centre.T).reshape(number, k, number, k)
    lost = cycle_memory._lost(model, 3)
    for h in range(4):
        expected = np.mean([about[t, :, t - h] for t in range(h, number)], axis=0)
        assert np.allclose(model[h] - lost[h], expected, atol=1e-12)


def test_covariances_solve_yule_walker():
    law = truth()
    g = cycle_memory.covariances(law.coefficients, law.innovation, 4)
    assert np.allclose(np.diag(g[0]), 1.0)
    assert np.allclose(g[2], law.coefficients[0] @ g[1] + law.coefficients[1] @ g[0])
    assert np.allclose(g[0], law.coefficients[0] @ g[1].T + law.coefficients[1] @ g[2].T + law.innovation)


def test_memory_without_the_bias_of_device_means():
    """512 devices of 30 cycles: the fit recovers 0.6 (z < 5), device means lose 0.07 of it."""
    random = np.random.default_rng(4)
    noise = random.standard_normal((512, 230, 1))
    x = noise.copy()
    for c in range(1, 230):
        x[:, c] = 0.6 * x[:, c - 1] + noise[:, c]
    scores = x[:, -30:] + 5 * random.standard_normal((512, 1, 1))
    error = np.sqrt((1 - 0.36) / (512 * 29))
    assert abs(cycle_memory.fit(scores, 1).coefficients[0, 0, 0] - 0.6) < 5 * error
    products, _ = cycle_memory.lagged_products(scores, 1)
    assert products[1].item() / products[0].item() < 0.55


def test_memory_agrees_with_statsmodels():
    """One long series: the same coefficients as least squares, up to the ends (1 in 2000 cycles)."""
    var = pytest.importorskip("statsmodels.tsa.api").VAR
    scores = truth().draw_scores(1, 2000, np.random.default_rng(5))
    ours = cycle_memory.fit(scores, 2)
    theirs = var(scores[0]).fit(2)
    assert np.allclose(ours.coefficients, theirs.coefs, atol=0.01)
    assert np.allclose(ours.innovation, theirs.sigma_u, atol=0.02)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_criterion_finds_the_order(order):
    law = truth()
    known = replace(law, coefficients=law.coefficients[:order])
    scores = known.draw_scores(100, 60, np.random.default_rng(6))
    scores[:, ::9, 1] = np.nan
    assert len(cycle_memory.fit(scores).coefficients) == order


def test_likelihood_of_contrasts_is_exact():
    """Closed form against the determinants of the whole covariance, of orders 0 to 2."""
    law, number = truth(), 7
    k = len(law.innovation)
    for order in range(3):
        coefficients = law.coefficients[:order]
        model = cycle_memory.covariances(coefficients, law.innovation, number - 1)
        rows = [[model[t - s] if t >= s else model[s - t].T for s in range(number)] for t in range(number)]
        whole = np.block(rows)
        ones = np.tile(np.eye(k), (number, 1))
        expected = sum(np.linalg.slogdet(one)[1] for one in (whole, ones.T @ np.linalg.solve(whole, ones)))
        found = cycle_memory._misfit(coefficients, law.innovation, number)
        assert found == pytest.approx(expected, abs=1e-10)


def test_short_series_keep_their_memory():
    """64 devices of 12 cycles, one of four features remembers (0.25): seen in all of 20 sets.

    The innovation alone prefers none in 14 of them, since the level of a device takes more of the spread.
    Without any memory one is found in at most 2 of 20.
    """
    found = []
    for memory in (0.25, 0.0):
        random = np.random.default_rng(31)
        scores = random.standard_normal((20, 64, 40, 4))
        for cycle in range(1, 40):
            scores[:, :, cycle, 0] += memory * scores[:, :, cycle - 1, 0]
        found.append([len(cycle_memory.fit(one[:, -12:]).coefficients) for one in scores])
    assert min(found[0]) >= 1 and np.count_nonzero(found[1]) <= 2


def test_drift_is_refused():
    walk = np.cumsum(np.random.default_rng(7).standard_normal((40, 50, 1)), axis=1)
    with pytest.raises(cycle_memory.MemoryFitError, match="the cycles drift"):
        cycle_memory.fit(walk, 1)


# --- recovery -------------------------------------------------------------------------------------------


def test_recovery(fitted):
    """Order and mixture are found, and most parameters lie in their intervals.

    With 10 refits an interval of the extremes covers about 0.8; fewer than half of 28 is below 1e-4.
    """
    assert len(fitted.coefficients) == 2 and len(fitted.weights) == 2
    assert fitted.weights == pytest.approx([0.75, 0.25], abs=0.15)
    exact = statistical_model.parameters(truth(), like=fitted)
    whole = [name for name in exact if name.startswith(("mean ", "deviation ", "weight"))]
    covered = [fitted.intervals[name][0] <= exact[name] <= fitted.intervals[name][1] for name in whole]
    assert np.mean(covered) > 0.5
    close = [abs(statistical_model.parameters(fitted, like=truth())[n] - exact[n]) < 0.25 for n in whole]
    assert all(close)


def test_card_of_a_fit(fitted, tmp_path):
    from frenkel.analysis.fitting import card_schema

    path = card_schema.save(fitted, tmp_path / "a.json")
    assert Card.load(path).to_dict() == fitted.to_dict()
    assert fitted.validity["cycles"] == (1.0, 60.0)
    assert fitted.provenance["devices"] == 160


def test_fit_is_reproducible(training, fitted):
    again = statistical_model.fit(training, "made up", statistical_model.FitOptions(bootstrap=0))
    assert np.array_equal(again.means, fitted.means)


def test_missing_and_dead_devices(training):
    values = np.array(training.values)
    random = np.random.default_rng(8)
    values[random.random(values.shape) < 0.03] = np.nan
    values[:5] = np.nan
    whole = [f.backward(values[:, :, i]) for i, f in enumerate(training.features)]
    found = build(NAMES, UNITS, np.stack(whole, axis=2))
    card = statistical_model.fit(found, "gaps", statistical_model.FitOptions(bootstrap=0))
    assert card.provenance["devices_without_cycles"] == 5
    assert card.features[0].missing == pytest.approx(0.03 + 5 / 160, abs=0.01)
    assert len(card.coefficients) == 2


def test_defective_devices_are_a_kind_of_their_own():
    """Seven per cent of stuck devices: their weight within 4.5 binomial errors of 0.07 (0.02)."""
    law = truth()
    stuck = law.means[:1] - np.array([2.5, 0, 0, 0, 1.2, 0, 0, 0])
    worse = replace(
        law,
        weights=np.array([0.7, 0.23, 0.07]),
        means=np.concatenate([law.means, stuck]),
        covariances=np.concatenate([law.covariances, law.covariances[:1]]),
    )
    options = statistical_model.FitOptions(bootstrap=0, order=1)
    card = statistical_model.fit(observe(worse.sample(200, 30, 9)), "stuck", options)
    assert len(card.weights) == 3
    assert card.weights[2] == pytest.approx(0.07, abs=0.08) and abs(card.means[2, 0] - 9.5) < 0.6


# --- gate -----------------------------------------------------------------------------------------------


def failures(rows):
    return {row.statistic for row in rows if not row.passed}


def test_gate_accepts_the_fit(held_out, fitted):
    assert failures(gate.judge(held_out, fitted, repeats=4)) == set()


def test_gate_refuses_a_pooled_copula(training, held_out):
    """Cycles drawn from the pool: right pooled statistics, wrong devices, no memory."""
    pool = training.values.reshape(-1, 4)

    def copula(devices, number, seed):
        random = np.random.default_rng(seed)
        rows = pool[random.integers(0, len(pool), (devices, number))]
        return {f.name: f.backward(rows[:, :, i]) for i, f in enumerate(training.features)}

    failed = failures(gate.judge(held_out, copula, repeats=4))
    assert "device energy distance" in failed
    assert any(name.startswith("device KS") for name in failed)
    assert any(name.startswith("autocorrelation at lag 1") for name in failed)
    assert not any(name.startswith("pooled") for name in failed)


def alike(card):
    """Return a card whose devices are all the same."""
    mean = card.weights @ card.means
    return replace(card, weights=np.ones(1), means=mean[None], covariances=1e-6 * np.eye(8)[None])


@pytest.mark.parametrize(
    ("wrong", "statistic"),
    [
        (
            lambda c: replace(c, coefficients=c.coefficients[:0], innovation=np.eye(4)),
            "autocorrelation at lag 1",
        ),
        (lambda c: replace(c, means=c.means + np.eye(8)[4] * 0.3), "device KS"),
        (alike, "device energy distance"),
    ],
    ids=["no memory", "wide spread", "alike devices"],
)
def test_gate_refuses_planted_errors(held_out, wrong, statistic):
    rows = gate.judge(held_out, wrong(truth()).sample, repeats=3)
    assert any(name.startswith(statistic) for name in failures(rows))


def test_prediction_sees_a_wrong_memory(held_out, fitted):
    wrong = replace(fitted, coefficients=-fitted.coefficients)
    rows = gate.prediction(held_out, wrong, 0)
    assert any(row.statistic.startswith(gate.SCORE) and not row.passed for row in rows)


def test_gate_needs_devices(held_out, fitted):
    with pytest.raises(ObservationError, match="at least 20 held-out devices, got 10"):
        gate.judge(held_out.take(range(10)), fitted)


# --- observations ---------------------------------------------------------------------------------------


def test_split_shares_no_device(training):
    first, second = training.split(0.7, seed=3)
    rows = {tuple(row[0]) for row in first.values}, {tuple(row[0]) for row in second.values}
    assert len(rows[0]) == 112 and len(rows[1]) == 48 and not rows[0] & rows[1]


def test_dataset_and_csv(tmp_path):
    data = xr.Dataset(
        {
            "hrs": (("member", "cycle"), [[1e5, np.nan], [2e5, 3e5]], {"units": "ohm"}),
            "reset_voltage": (("member", "cycle"), [[-1.0, -1.1], [-1.2, -1.3]], {"units": "V"}),
        }
    )
    one = from_dataset(data)
    path = tmp_path / "a.csv"
    path.write_text(
        "device,cycle,hrs [ohm],reset_voltage [V]\na,1,1e5,-1\na,2,,-1.1\nb,1,2e5,-1.2\nb,2,3e5,-1.3\n"
    )
    other = from_csv(path)
    assert np.array_equal(one.values, other.values, equal_nan=True)
    assert one.features == other.features
    assert one.features[1].sign == -1 and one.features[0].missing == 0.25


def test_a_device_that_repeats_one_value_is_read_with_an_error():
    """One of 40 devices shows one HRS in all its cycles: the whole table was refused for it."""
    found = cycles(40, 12, 3)
    found.values[7, :, 0] = 12.0
    with pytest.raises(ObservationError, match="the same in every cycle of a device"):
        statistical_model.fit(found, "x", statistical_model.FitOptions(bootstrap=0))
    told, count = dithered(found, 1)
    assert count == {NAMES[0]: 1} and dithered(told, 1)[1] == {}
    others = np.ones(found.values.shape, bool)
    others[7, :, 0] = False
    np.testing.assert_array_equal(told.values[others], found.values[others])
    least = np.sort(told.values[:, :, 0].std(axis=1))[:2]  # by twelve draws of the least spread of the others
    assert 0.3 * least[1] < told.values[7, :, 0].std() < 2.0 * least[1]
    # Devices that judge keep the error of a reading: of twelve draws 0.3 to 2 times it in 0.9999 of seeds.
    judging, _ = dithered(found, 1, fitted=False)
    assert 0.3 * 0.02 < judging.values[7, :, 0].std() < 2.0 * 0.02 < 0.3 * least[1]
    statistical_model.fit(told, "x", statistical_model.FitOptions(bootstrap=0)).sample(3, 5, 1)


HRS = np.full((3, 4, 1), 1e5)


def numbered():
    """Return cycles that count up, as tables made by hand do: without noise nothing can be drawn."""
    hrs = 1e5 + 1e3 * np.arange(3.0)[:, None] + np.arange(1.0, 13.0)
    values = np.stack([hrs, np.broadcast_to(1e4 + np.arange(1.0, 13.0), hrs.shape)], axis=2)
    return build(["hrs", "lrs"], ["ohm", "ohm"], values, "numbers")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: build(["hrs"], [""], HRS), "hrs has no units"),
        (lambda: build(["hrs"], ["ohm"], HRS * np.nan), "all are missing or censored"),
        (lambda: build(["hrs"], ["ohm"], HRS - 1e5), "must be on one side of 0"),
        (lambda: build(["hrs"], ["ohm"], HRS[0]), "devices x cycles x 1 features"),
        (lambda: from_dataset(xr.Dataset({"hrs": ("cycle", [1.0])})), "needs the dimensions device"),
        (lambda: from_dataset(xr.Dataset({"a": (("device", "cycle"), [[1.0]])})), "has none of"),
        (lambda: statistical_model.fit(cycles(1, 19, 0), "x"), "needs at least 20 values .* has 19"),
        (
            lambda: statistical_model.fit(build(["hrs"], ["ohm"], np.full((30, 20, 1), 1.0)), "x"),
            "hrs is the same in every cycle",
        ),
        (
            lambda: statistical_model.fit(numbered(), "x"),
            "hrs, lrs of numbers .* without any scatter of their own",
        ),
        (lambda: statistical_model.FitOptions(components=0), "whole number of at least 1, got 0"),
        (lambda: statistical_model.FitOptions(bootstrap=1), "bootstrap must be 0 or at least 2"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b (ohm)\n1,2\n2,3\n3,4\n", "must begin with"),
        ("device,cycle\na,1\na,2\na,3\n", "must begin with"),
        ("device,cycle,hrs [ohm]\n", "holds no table"),
        ("device,cycle,hrs [ohm]\na,1,1\na,2,x\na,3,1\na,4,1\na,5,1\n", "line 3 of a.csv must hold numbers"),
        (
            "device,cycle,hrs [ohm]\na,1,1\na,2,1\na,1,1\n",
            r"line 4 of .*a\.csv has cycle 1 of device a once more",
        ),
        ("device,cycle,hrs [ohm]\na,1,1\na,2,1\na,,1\n", "line 4 .* a whole number as cycle, got ''"),
        ("device,cycle,hrs [ohm]\na,1,1\na,2,1\na,1.5,1\n", "a whole number as cycle, got '1.5'"),
        ("device,cycle,hrs\na,1,1\na,2,1\na,3,1\n", "hrs has no units"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        from_csv(path)


def test_csv_of_other_programs(tmp_path):
    """A mark of UTF-8, semicolons with decimal commas, and kilohm are the same table in ohm."""
    rows = ["device,cycle,hrs (ohm)", "a,1,150500.0", "a,2,", "b,1,2e5", "b,2,3e5"]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8-sig")
    other = ["device;cycle;hrs [kohm]", "a;1;150,5", "a;2;", "b;1;200,0", "b;2;300,0"]
    (tmp_path / "b.csv").write_text("\n".join(other))
    one, two = from_csv(tmp_path / "a.csv"), from_csv(tmp_path / "b.csv")
    assert one.features == two.features and one.features[0].unit == "ohm"
    np.testing.assert_allclose(one.values, two.values, rtol=1e-12)
    assert one.values[0, 0, 0] == pytest.approx(np.log(150500.0))


def test_spread_of_few_cycles_is_not_too_small():
    """Ten cycles of one Gaussian: their ln(spread) is (psi(9/2) - ln 5)/2 = -0.110 too small on average.

    The card knows that: mean 0, within four errors of 0.24/sqrt(400) and that of the simulated effect
    (p = 1e-4). Twice the effect, or none of it, is 4.5 or more of these away.
    """
    values = np.random.default_rng(8).standard_normal((400, 10, 1))
    options = statistical_model.FitOptions(bootstrap=0, components=1, order=0)
    card = statistical_model.fit(build(("gap",), ("V",), values), "few", options)
    shown = np.log(values.std(axis=1)).mean()
    assert shown == pytest.approx(-0.110, abs=0.05)
    assert float((card.weights @ card.means)[1]) == pytest.approx(0.0, abs=0.055)


def test_noise_is_taken_from_the_covariance():
    """Total less noise, exactly, where that leaves enough; at least 1 % of the total where it does not."""
    total = np.array([[2.0, 0.5], [0.5, 1.0]])
    noise = np.array([[0.3, 0.1], [0.1, 0.2]])
    np.testing.assert_allclose(statistical_model.without_noise(total, noise), total - noise, rtol=1e-12)
    np.testing.assert_allclose(statistical_model.without_noise(total, 5.0 * total), 0.01 * total, rtol=1e-12)


def test_deviation_of_a_mixture_holds_its_means():
    """Law of total variance: within the kinds of device and between their means; exact."""
    card = truth()
    two = replace(
        card,
        weights=np.array([0.75, 0.25]),
        means=np.stack([card.means[0], card.means[0] + 0.8]),
        covariances=np.stack([card.covariances[0], 2.0 * card.covariances[0]]),
    )
    found = statistical_model.parameters(two)
    inner = np.diagonal(card.covariances[0])[0] * (0.75 + 0.25 * 2.0)
    assert found[f"deviation location {card.names[0]}"] ** 2 == pytest.approx(
        inner + 0.75 * 0.25 * 0.8**2, rel=1e-12
    )
    assert found[f"mean location {card.names[0]}"] == pytest.approx(card.means[0, 0] + 0.2, rel=1e-12)
