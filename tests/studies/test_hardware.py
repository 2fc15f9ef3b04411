"""Studies on networks from end to end: they hold together, repeat, and their verdicts follow the numbers.

Networks are hardly trained here; orderings of accuracies need the studies themselves (`make studies`).
"""

import numpy as np
import pytest
import xarray as xr

from frenkel.networks.tasks import load
from frenkel.studies import architectures, noise, nonidealities, system_card, training
from frenkel.studies.common.settings import Settings
from frenkel.studies.methods import hardware

pytest.importorskip("sklearn", reason="digits come from scikit-learn")


@pytest.fixture
def found(reduced_study):
    """Return datasets of the studies, made when first asked for."""
    return lambda name: reduced_study(name).data


def test_the_same_seed_gives_the_same_study(found, reduced_study):
    again = training.run(reduced_study.settings)
    for name, values in found("training").data_vars.items():
        assert np.array_equal(values, again[name]), name


def test_networks_learn_digits_and_noise():
    """300 steps: 9 of 10 digits; trained under a noise, networks are better under it by many points."""
    settings, task = Settings(seeds=2, chips=4, steps=300), load("digits")
    noisy = training.lognormal(0.5)
    plain, aware = (hardware.trained(task, settings, noise) for noise in (None, noisy))
    assert np.all(hardware.tested(plain, task.test, 1, settings.random(1)) > 90.0)
    seen = [hardware.tested(net, task.test, 4, settings.random(1), noisy).mean() for net in (plain, aware)]
    assert seen[1] > seen[0] + 3.0


def test_common_factors_cancel_in_both_analogue_subtractions(found):
    data = found("architectures")
    error = data.common_error
    assert float(error.sel(mapping="pair")) < 1e-12 and float(error.sel(mapping="reference")) < 1e-12
    assert float(error.sel(mapping="offset")) > 0.1
    assert float(data.kirchhoff_residual) < 1e-9
    # Without a transistor the closed form: R/(2/(n-1) + 1/(n-1)^2) beside the cell.
    n, window = 64, 100.0
    floating = float(data.single_read_error.sel(scheme="floating", size=n))
    assert floating == pytest.approx(window / (2 / (n - 1) + 1 / (n - 1) ** 2), rel=1e-3)
    assert float(data.single_read_error.sel(scheme="half", size=n)) == pytest.approx(
        (n - 1) * window / 2, rel=1e-3
    )


def test_the_clock_agrees_with_the_sum_and_the_batch(found):
    data = found("write-verify")
    assert float(data.clock_time) == float(data.summed_time)
    # 4.5 standard errors of the mean over the cells on the clock: 7e-6.
    assert abs(float(data.clock_pulses - data.batch_pulses)) < 4.5 * float(data.clock_pulses_error)
    count = data.pulses_per_cell.sel(pulses="equal").mean("seed").values
    assert (np.diff(count) > 0.0).all()


def test_energies_of_a_card_add_up_and_counts_are_closed_forms(found):
    data = found("system-card")
    assert np.allclose(data.energy.sum("component"), data.total_energy, rtol=1e-12)
    assert float(data.count_dense) == float(data.closed_dense) == 64 * 32 + 32 * 10
    accepted = {c.id: c.accepted for c in system_card.claims(data)}
    assert accepted["system-card-neurram"] and accepted["system-card-neurobench"]


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")  # shares of losses that are none here
@pytest.mark.parametrize(
    ("module", "claim", "name", "dim", "better", "worse"),
    [
        (nonidealities, "nonidealities-rtn", "telegraph_accuracy", "telegraph_mitigation", "pair", "offset"),
        (architectures, "architectures-noise", "independent_accuracy", "mapping", "pair", "reference"),
        (training, "training-noise-aware", "accuracy", "training", "noise-aware", "plain"),
        (noise, "noise-rounding", "rounding_accuracy", "rounding", "device, corrected", "nearest"),
    ],
)
def test_verdicts_follow_the_numbers(found, module, claim, name, dim, better, worse):
    """Numbers that are put in say one thing, and another with the names of two methods exchanged."""
    study = module.__name__.rsplit(".", 1)[-1]
    data = found(study).copy(deep=True)
    for method, level in ((better, 90.0), (worse, 80.0)):
        values = data[name].loc[{dim: method}]
        data[name].loc[{dim: method}] = xr.zeros_like(values) + level + 0.1 * values.seed

    def verdict(data):
        return next(c.verdict for c in module.claims(data) if c.id == claim)

    swap = {better: worse, worse: better}
    names = [swap.get(str(value), str(value)) for value in data[dim].values]
    assert verdict(data) in ("supports", "corrects")
    assert verdict(data.assign_coords({dim: names})) in ("open", "contradicts")
