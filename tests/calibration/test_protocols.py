"""Calibration to several protocols, what it proposes to free, its diagnostics and its density."""

import numpy as np
import pytest
import xarray as xr
from barrier_and_dipole import PARAMETERS, TRUTH, planted, simulator

from frenkel.calibration import diagnosis, information
from frenkel.calibration.rounds import Parameter, calibrate
from frenkel.calibration.summaries import side_by_side, summary
from frenkel.calibration.target import population, target
from frenkel.configuration.base import ConfigurationError
from frenkel.configuration.device import parse
from frenkel.data import store
from frenkel.reports import calibration

SLOW, MIDDLE, FAST = ({"rate": rate} for rate in (1e-5, 1e2, 1e8))
"""Rates (V/s) with SET near 0.05, 1.0 and 1.8 V."""


@pytest.fixture(scope="module")
def both():
    """A calibration to two ramps."""
    return run(SLOW, FAST)


def run(*protocols, numbers=(60, 10), seed=1, **options):
    names = [f"set_voltage ({k})" for k in range(1, 1 + len(protocols))]
    aim = planted(protocols, numbers[: len(protocols)], seed)
    return calibrate(simulator(*protocols), aim, names, PARAMETERS, rounds=2, seed=seed, **options)


def correlation(found):
    return abs(np.corrcoef(found.draws.T)[0, 1])


def width(found, name):
    return np.ptp(np.quantile(found.draws[:, [q.name for q in PARAMETERS].index(name)], (0.025, 0.975)))


def test_two_ramps_break_the_ridge_of_barrier_and_dipole(both):
    """One ramp: a ridge. Two with SET at 1.0 and 1.8 V tell both better, but their correlation is that of two
    lines, 0.95; with SET of most devices near 0 V, as retention has it, it is 0.5. The truth is in all."""
    alone, usual = run(FAST), run(MIDDLE, FAST, numbers=(24, 24))
    assert correlation(alone) > 0.9
    assert 0.7 < correlation(usual) < 1.0 and width(usual, "barrier") < 0.7 * width(alone, "barrier")
    assert correlation(both) < 0.6 and width(both, "barrier") < 0.3 * width(alone, "barrier")
    for found in (alone, usual, both):
        for name, value in TRUTH.items():
            low, high = found.intervals[name]
            assert low < value < high


def test_features_of_few_devices_have_no_spread_and_larger_errors():
    """24 and 5 devices: no spread of the second; its mean has the error of five devices."""
    found, more = (run(MIDDLE, FAST, numbers=numbers) for numbers in ((24, 5), (24, 24)))
    assert "ln spread of devices of set_voltage (2)" in found.lacking
    assert found.statistics[:2] == ("mean of set_voltage (1)", "mean of set_voltage (2)")
    assert 1.6 < found.errors[1] / more.errors[1] < 2.8  # root of 24/5 is 2.2
    assert found.errors[0] == pytest.approx(more.errors[0], rel=0.3)


def test_tables_beside_each_other_lose_nothing():
    first, second = np.ones((3, 2, 1)), np.full((2, 4, 2), 2.0)
    whole = side_by_side([first, second])
    assert whole.shape == (3, 4, 3) and np.nansum(whole) == 6 + 32
    assert np.isnan(whole[2, :, 1:]).all() and np.isnan(whole[:, 2:, 0]).all()


def test_what_is_proposed_is_what_a_calibration_tells():
    """Beside the other one, two ramps tell more of each than one; an idle one is never proposed."""
    idle, spreads = Parameter("idle", 0.0, 1.0), []
    for protocols in ((FAST,), (SLOW, FAST)):
        aim = planted(protocols, (24, 24)[: len(protocols)], 3)
        names = [f"v{k}" for k in range(len(protocols))]
        proposal = information.propose(simulator(*protocols), aim, names, (*PARAMETERS, idle))
        assert set(proposal.names) == set(TRUTH)
        assert proposal.alone["idle"] == pytest.approx(1.0) == proposal.together["idle"]
        spreads.append([proposal.together[name] for name in TRUTH])
    assert np.all(np.array(spreads[1]) < 0.5 * np.array(spreads[0]))
    nothing = information.propose(simulator(FAST), planted((FAST,), (24,), 3), ["v"], (idle,))
    assert nothing.names == () and "none is identifiable" in calibration.proposal_text(nothing)
    assert "--free barrier,dipole" in calibration.proposal_text(proposal) or proposal.names[0] == "dipole"


def test_the_expected_spread_is_that_of_the_posterior(both):
    aim = planted((SLOW, FAST), (60, 10), 1)
    proposal = information.propose(simulator(SLOW, FAST), aim, ["a", "b"], PARAMETERS)
    for i, q in enumerate(PARAMETERS):
        prior = (q.high - q.low) / np.sqrt(12)
        assert 0.5 < both.draws[:, i].std() / prior / proposal.together[q.name] < 2.0


def test_the_density_is_that_of_the_draws(both):
    """Draws of a plain Metropolis chain on it have the same quartiles; outside of the box it is 0."""
    density, random = both.density, np.random.default_rng(1)
    walkers, level = both.draws[:200].copy(), density.log_prob(both.draws[:200])
    step = 0.8 * both.draws.std(axis=0)
    for _ in range(40):
        moved = walkers + step * random.standard_normal(walkers.shape)
        other = density.log_prob(moved)
        taken = np.log(random.random(len(walkers))) < other - level
        walkers[taken], level[taken] = moved[taken], other[taken]
    error = 4 * both.draws.std(axis=0) * 1.36 / np.sqrt(200)
    for fraction in (0.25, 0.5, 0.75):
        assert np.all(np.abs(np.quantile(walkers - both.draws.mean(axis=0), fraction, axis=0)
                             - np.quantile(both.draws - both.draws.mean(axis=0), fraction, axis=0)) < error)
    assert density.log_prob([9.0, 9.0]) == -np.inf
    assert density.log_prob(both.draws[0]) == pytest.approx(density.log_prob(both.draws[:1])[0])


def test_a_logarithmic_range_has_its_prior():
    """A number that moves nothing, in 1 to 100: the density falls as 1/value."""

    def idle(points, turn):
        return np.array([np.random.default_rng(3).standard_normal((16, 1, 2)) for _ in points])

    aim = np.random.default_rng(4).standard_normal((10, 1, 2))
    found = calibrate(idle, aim, ["p", "q"], (Parameter("x", 1.0, 100.0, True),), rounds=1)
    one, other = found.density.log_prob([[2.0], [20.0]])
    assert one - other == pytest.approx(np.log(10.0), abs=0.05)


def test_diagnostics(both, tmp_path):
    """Runs agree, the target is as predicted, and a target that the model cannot show is not."""
    checked = diagnosis.diagnose(both)
    assert checked.r_hat.max() < 1.02 and checked.effective.min() > 500
    assert 0.02 < checked.p_value and np.all((checked.p_values > 0.002) & (checked.p_values < 0.998))
    assert "R-hat at most 1.0" in diagnosis.sentences(both, checked)[0]
    store.save_tree(diagnosis.inference_data(both, checked), tmp_path / "i.nc")
    with xr.open_datatree(tmp_path / "i.nc") as tree:
        assert tree["posterior"]["barrier"].dims == ("chain", "draw")
        np.testing.assert_allclose(tree["posterior"]["dipole"], checked.chains[..., 1])
        assert tree["posterior_predictive"]["statistics"].shape == (4, 500, len(both.statistics))
        np.testing.assert_allclose(tree["observed_data"]["statistics"], both.target)
    wrong = planted((SLOW, FAST), (60, 60), 1)[..., ::-1]  # the slower ramp at the larger voltage
    found = calibrate(simulator(SLOW, FAST), wrong, ["a", "b"], PARAMETERS, rounds=1)
    failed = diagnosis.diagnose(found)
    assert failed.p_value < 1e-3
    assert any("of a: measured above" in line for line in diagnosis.sentences(found, failed))


def test_runs_that_disagree_are_named(both):
    places = np.random.default_rng(2).standard_normal((4, 500, 2))
    places[0, :, 1] += 1.0
    r_hat = diagnosis._r_hat(places)
    assert r_hat[0] < 1.01 < r_hat[1]
    checked = diagnosis.Diagnosis(
        chains=places, effective=np.full(4, 900.0), r_hat=r_hat, replicated=places,
        p_values=np.full(len(both.statistics), 0.5), p_value=0.5,
    )  # fmt: skip
    assert "dipole: runs of the sampler disagree" in diagnosis.sentences(both, checked)[1]


def test_a_population_has_its_means_and_spreads(tmp_path):
    path = tmp_path / "population.toml"
    path.write_text(
        'devices = 24\n[set_voltage]\nmean = "0.9 V"\nspread = "0.1 V"\n'
        '[hrs]\nmedian = "100 kohm"\nspread = 0.3\n[forming_voltage]\nmean = "2 V"\n'
    )
    ramp = {"rate": "1 MV/s"}
    cycle = [{"kind": "reset", "amplitude": "-2 V"} | ramp, {"kind": "set", "amplitude": "2 V"} | ramp]
    phases = [{"kind": "form", "amplitude": "4 V"} | ramp, {"kind": "cycle", "repeat": 1, "phase": cycle}]
    device = {"thickness": "2 nm", "width": "2 nm"}
    found = target(path, parse({"device": device, "phase": phases}))
    compared, aim, lacking = summary(found.names, found.values)
    by_name = dict(zip(compared.names, aim + compared.below_median(found.values), strict=True))
    assert by_name["mean of set_voltage"] == pytest.approx(0.9)
    assert by_name["mean of hrs_terminal"] == pytest.approx(np.log(1e5))
    # The estimate of ln of a spread is corrected by (psi(n/2) - ln(n/2))/2 for n = 23, which is -0.022.
    assert by_name["ln spread of devices of set_voltage"] == pytest.approx(np.log(0.1), abs=0.03)
    spread = by_name["ln spread of devices of hrs_terminal"]
    assert spread == pytest.approx(np.log(0.3 * np.log(10)), abs=0.03)
    assert lacking == ("ln spread of devices of forming_voltage",)
    for text, message in [
        ("", "devices of population.toml must be from 1"),
        ("devices = 5\n[x]\nmean = 1", "must have tables of"),
        ("devices = 5\n[hrs]\nmean = 1", "must have median"),
        ('devices = 5\n[hrs]\nmedian = "1 V"', "hrs of population.toml"),
        ('devices = 5\n[hrs]\nmedian = "1 kohm"\nspread = "x"', "must be 0 to 10 decades"),
    ]:
        path.write_text(text)
        with pytest.raises(ConfigurationError, match=message):
            population(path)
