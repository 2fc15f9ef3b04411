"""Score weights: derivatives of rates and of laws against those of the master equation; the mean is 0.

Every z is two-sided with a false-alarm probability of 1e-4; seeds are fixed.
"""

import numpy as np
import pytest
from rare_events import hopping_chain, hopping_device, law_after
from scipy import stats
from scipy.sparse import bmat
from small_boxes import FALSE_ALARM, A
from whole_lattice import SMALL, small_material

from frenkel.kinetic.device import Device
from frenkel.kinetic.waveform import Waveform

Z = stats.norm.isf(FALSE_ALARM / 2)


def small(**values):
    """Return a small device with hops and exchange, with some numbers changed."""
    material = small_material("HfO2-volatile", **SMALL | values)
    return Device(material, 3 * A, 3 * A, temperature=1000.0, seed=4)


def slopes(device, voltage):
    """Return the derivative of every rate by its barrier (1/s/eV)."""
    slope, kt = device.solved().at(voltage).barrier_slopes(voltage)
    return -device.rates(voltage) * slope / kt


@pytest.mark.parametrize(("key", "number", "value"), [
    ("vacancy__migration_barrier", 0, 0.3), ("exchange__barrier", 1, 0.3), ("exchange__barrier", 1, 0.12)])
def test_derivatives_of_rates(key, number, value):
    """By the barrier of each mechanism, with heat, bias and a dipole that may meet its floor: to 1e-6.

    Fails without the temperature of each event, and with the activation in the place of the barrier.
    """
    step, voltage = 1e-5, 1.5
    device = small(**{key: value})
    device.advance(Waveform.constant(0.5, 1e-11), samples=2)
    found, mechanism = slopes(device, voltage), device.transitions()["mechanism"]
    ends = []
    for barrier in (value - step, value + step):
        other = small(**{key: barrier})
        other.arrange(**device.arrangement())
        ends.append(other.rates(voltage))
    expected = (ends[1] - ends[0]) / (2 * step)
    mine = mechanism == number
    np.testing.assert_allclose(found[mine], expected[mine], rtol=2e-6, atol=1e-9 * np.abs(expected).max())
    assert mine.any() and (expected[~mine] == 0.0).all()


@pytest.fixture(scope="module")
def law():
    """Return device, time, states that count (mask), exact chance at that time and its derivative (1/eV)."""
    device = hopping_device()
    _, matrix, conductance = hopping_chain(device)
    count = conductance >= 4.0 * conductance[0]
    time = -2.0 / matrix.diagonal().min()
    chance, step = [], 1e-4
    for barrier in (0.3 - step, 0.3, 0.3 + step):
        other = hopping_chain(hopping_device(barrier=barrier))[1]
        chance.append(law_after(other, 0, time)[count].sum())
    return device, time, count, matrix, chance[1], (chance[2] - chance[0]) / (2 * step)


def test_derivative_of_a_law_by_the_master_equation(law):
    """The derivatives of all rates together give that of the chance: to 1e-3, as central differences do."""
    device, time, count, matrix, _, expected = law
    change = hopping_chain(device, lambda one: slopes(one, 0.3))[1]
    both = bmat([[matrix, change], [None, matrix]]).tocsr()
    from scipy.sparse.linalg import expm_multiply

    start = np.eye(1, both.shape[0]).ravel()
    after = expm_multiply(both.T.tocsr() * time, start)
    assert after[len(count):][count].sum() == pytest.approx(expected, rel=1e-3)


def test_covariance_with_the_weight_is_the_derivative(law):
    """1,500 runs: Cov(f, S) is d<f>/dE of the master equation, and the means of the weights are 0."""
    device, time, _, _, chance, expected = law
    start, weights, edge = device.state(), device.keep_weights(), 4.0 * device.conductance
    rows = []
    for number in range(1500):
        device.restore(start, stream=(number,), keep_solved=True)
        weights.clear()
        device.advance(Waveform.constant(0.3, time), samples=2)
        rows.append((device.conductance >= edge, *weights.values()[:, 0], weights.events[0]))
    device.restore(start)
    device.weights = None
    found, barrier, frequency, events = np.array(rows, float).T
    assert events.mean() > 0.5
    for one, exact in ((barrier, 0.0), (frequency, 0.0), (found, chance),
                       ((found - found.mean()) * barrier, expected)):
        assert abs(one.mean() - exact) < Z * one.std(ddof=1) / np.sqrt(len(one))
    # The covariance differs from 0, and events alone are no weight: their mean is not 0.
    product = (found - found.mean()) * barrier
    assert abs(product.mean()) > Z * product.std(ddof=1) / np.sqrt(len(product))


def test_mean_weight_is_zero_on_a_ramp():
    """100 ramps to 2 V with hops and exchange. Fails when a wait is taken at the voltage where it began."""
    device = small()
    start, weights, rows = device.state(), device.keep_weights(), []
    for number in range(100):
        device.restore(start, stream=(number,), keep_solved=True)
        weights.clear()
        device.advance(Waveform.ramp(2.0, 2e13), samples=2)
        rows.append(weights.values().ravel())
    values = np.array(rows)
    z = values.mean(axis=0) / (values.std(axis=0, ddof=1) / np.sqrt(len(values)))
    assert (np.abs(z) < Z).all() and (values.std(axis=0) > 0).any()


def test_weights_and_superbasins_exclude_each_other():
    device = small()
    device.keep_weights()
    with pytest.raises(ValueError, match="superbasin must be off where weights are kept"):
        device.advance(Waveform.constant(0.1, 1e-12), superbasin=True)
    assert device.branch(1).weights is None


def test_weights_change_nothing():
    """The same events at the same times with and without."""
    times = []
    for kept in (False, True):
        device = small()
        if kept:
            device.keep_weights()
        record = device.advance(Waveform.constant(0.5, 2e-12), samples=2, log=True)
        times.append(record.log)
    assert times[0] == times[1] and times[0]
