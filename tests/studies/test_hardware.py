"""Studies on networks as a quick look: they run, hold together, and their exact claims hold.

Orderings whose gaps are ten times the spread are asked for here; bands with intervals need the full studies.
"""

import numpy as np
import pytest

from frenkel.studies import architectures, nonidealities, system_card, training
from frenkel.studies.common.settings import REDUCED, Settings

pytest.importorskip("sklearn", reason="digits come from scikit-learn")


@pytest.fixture
def found(reduced_study):
    """Return datasets of the studies, made when first asked for."""
    return lambda name: reduced_study(name).data


def test_the_same_seed_gives_the_same_study(found):
    again = architectures.run(Settings(**REDUCED))
    for name, values in found("architectures").data_vars.items():
        assert np.array_equal(values, again[name]), name


def test_drift_falls_and_pairs_hold(found):
    data = found("nonidealities")
    mean = data.drift_accuracy.sel(drift_mitigation="none").mean("seed")
    assert float(mean.isel(law=3).sel(time_ratio=1e8)) < float(mean.isel(law=1).sel(time_ratio=1e8)) - 10.0
    assert nonidealities.crossing(data, 3) < nonidealities.crossing(data, 2)
    noise = data.telegraph_accuracy.sel(telegraph_severity=0.2).mean("seed")
    assert (
        float(noise.sel(telegraph_mitigation="pair")) > float(noise.sel(telegraph_mitigation="offset")) + 3.0
    )


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


def test_gradients_of_distillation_are_those_of_its_loss():
    """The loss of Eq. 4 by finite differences, without noise."""
    from frenkel.networks.perceptron import Perceptron, Training, softmax
    from frenkel.networks.tasks import Part, Task
    from frenkel.studies.methods.distillation import SHARE, SOFTNESS, distilled

    random = np.random.default_rng(2)
    part = Part(random.random((6, 4)), np.array([0, 1, 2, 0, 1, 2]))
    task = Task(
        name="made up", source="here", classes=3, temporal=False, train=part, validation=part, test=part
    )
    student, teacher = (Perceptron.start((4, 3), 1, random) for _ in range(2))
    # The first step of Adam goes against the sign of the gradient, whatever its size.
    how = Training(steps=1, batch=6, rate=1e-3)
    places = np.random.default_rng(3).integers(6, size=(1, 6))
    moved = distilled(student, [(teacher, None)], task, how, None, np.random.default_rng(3))

    def loss(w):
        x, y = part.x[places[0]], part.y[places[0]]
        logits, said = x @ w, softmax(x @ teacher.weights[0][0] / SOFTNESS)
        hard = -np.log(softmax(logits)[np.arange(6), y]).mean()
        soft = (said * (np.log(said) - np.log(softmax(logits / SOFTNESS)))).sum(axis=1).mean()
        return SHARE * SOFTNESS**2 * soft + (1.0 - SHARE) * hard

    start = student.weights[0][0]
    for i, j in np.ndindex(start.shape):
        step = np.zeros_like(start)
        step[i, j] = 1e-6
        slope = (loss(start + step) - loss(start - step)) / 2e-6
        assert np.sign(moved.weights[0][0, i, j] - start[i, j]) == -np.sign(slope)


def test_energies_of_a_card_add_up_and_counts_are_closed_forms(found):
    data = found("system-card")
    assert np.allclose(data.energy.sum("component"), data.total_energy, rtol=1e-12)
    assert float(data.count_dense) == float(data.closed_dense) == 64 * 32 + 32 * 10
    accepted = {c.id: c.accepted for c in system_card.claims(data)}
    assert accepted["system-card-neurram"] and accepted["system-card-neurobench"]


def test_verdicts_follow_the_numbers(found):
    """With the names of two methods exchanged a study must not say the same again."""

    def verdict(module, data, claim):
        return next(c.verdict for c in module.claims(data) if c.id == claim)

    for module, name, claim, dim, one, other in (
        (nonidealities, "nonidealities", "nonidealities-rtn", "telegraph_mitigation", "pair", "offset"),
        (architectures, "architectures", "architectures-noise", "mapping", "pair", "reference"),
        (training, "training", "training-noise-aware", "training", "plain", "noise-aware"),
    ):
        data = found(name)
        swap = {one: other, other: one}
        names = [swap.get(str(value), str(value)) for value in data[dim].values]
        assert verdict(module, data, claim) in ("supports", "corrects"), claim
        assert verdict(module, data.assign_coords({dim: names}), claim) in ("open", "contradicts"), claim
