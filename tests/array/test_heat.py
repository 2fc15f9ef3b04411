"""Heat between cells: closed forms, and what any network of heat must obey."""

import numpy as np
import pytest

from frenkel.array.heat.geometry import CrossbarGeometry, HeatMaterial, _exchange
from frenkel.array.heat.network import ArrayHeatNetwork

UNLIKE = {
    "line": HeatMaterial(conductivity=50.0, capacity=2.5e6),
    "oxide": HeatMaterial(conductivity=1.0, capacity=2.7e6),
    "insulator": HeatMaterial(conductivity=1.4, capacity=1.7e6),
}
NM = 1e-9


def geometry(shape=(2, 2)):
    return CrossbarGeometry(
        shape=shape, pitch=80 * NM, line_width=40 * NM, line_height=40 * NM, cell_height=10 * NM,
        filament=10 * NM, spacer=40 * NM, base=80 * NM, cover=40 * NM, **UNLIKE,
    )  # fmt: skip


def test_one_cell_warms_up_by_an_exponential():
    resistance, capacity, power = 2e6, 3e-17, 5e-6
    modes = ArrayHeatNetwork.from_matrix([[resistance]], capacity).modes()
    for time in (1e-12, 5e-11, 1e-9):
        exact = power * resistance * -np.expm1(-time / (resistance * capacity))
        assert modes.rise([power], time)[0] == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("number", [2, 4, 9])
def test_a_heated_bar_has_the_mean_temperature_of_the_parabola(number):
    # kappa u'' = -s, u(0) = 0 and u'(L) = 0: mean s L^2 / (3 kappa), to the third order of the boxes.
    length, kappa = 10e-9, 2.0
    sizes = np.full(number, length / number), np.array([1.0]), np.array([1.0])
    kappas = (np.full((number, 1, 1), kappa),) * 3
    matrix = _exchange(kappas, sizes).toarray()
    mean = np.linalg.solve(matrix, sizes[0]).mean()
    assert mean == pytest.approx(length**2 / (3 * kappa), rel=0.13 / number**3)


def test_all_heat_leaves_through_the_sink_and_the_matrix_is_symmetric():
    network = geometry().network((0, 0, 0))
    assert abs(network.conductance - network.conductance.T).max() < 1e-12 * abs(network.conductance).max()
    np.testing.assert_allclose(np.asarray(network.cells.sum(axis=0)).ravel(), 1.0)
    resistance = geometry().network().steady(np.arange(4))
    np.testing.assert_allclose(resistance, resistance.T, rtol=1e-5)
    assert np.all(np.diag(resistance) > 2 * np.max(resistance - np.diag(np.diag(resistance))))


def test_the_slow_limit_of_the_modes_is_the_steady_temperature():
    network = geometry().network((0, 0, 0))
    modes = network.modes(np.array([0]))
    np.testing.assert_allclose(modes.rise([1.0], 1.0), network.steady(np.array([0]))[:, 0], rtol=1e-4)


def test_power_in_is_heat_stored_and_heat_out(monkeypatch):
    # Every box is a body that is looked at: what leaves is K summed over rows, since links cancel in pairs.
    network = geometry((1, 1)).network()
    number = len(network.capacity)
    monkeypatch.setattr("frenkel.array.heat.network.SMALL", number)  # all modes
    boxes = ArrayHeatNetwork(network.conductance, network.capacity, np.eye(number))
    leaves = np.asarray(network.conductance.sum(axis=0)).ravel()
    modes, power = boxes.modes(), 3e-5
    drive = power * network.cells.toarray()[:, 0] @ modes.drives
    for time in (1e-11, 1e-9, 1e-7, 1e-4):
        theta = modes.shapes @ modes.pass_time(np.zeros(modes.rates.size), drive, time)
        mean = modes.shapes @ modes.mean(np.zeros(modes.rates.size), drive, time)
        stored, out = network.capacity @ theta, time * (leaves @ mean)
        assert stored + out == pytest.approx(power * time, rel=1e-8)
    assert out > 0.99 * power * time
