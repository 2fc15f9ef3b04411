"""Reservoirs of examples/reservoirs.py: cells, tasks and readout against closed forms."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples"))
reservoirs = importlib.import_module("reservoirs")

VOLTS = np.array([2.5, -0.8, 1.0, 0.0, -0.3])


def published(state, volts):
    """The equation of the cell, pulse by pulse."""
    for volt in volts:
        u = reservoirs.GAIN * abs(volt) / (1.0 + reservoirs.GAIN * abs(volt))
        state = 0.99 * state + 0.01 * 0.5 + u * ((volt > 0.0) - state)
    return state


def test_the_mean_of_a_cell_is_the_published_equation():
    cells = reservoirs.VolatileCells((1, 1), 1)
    for volt in VOLTS:
        cells.apply(volt, reservoirs.WIDTH)
    assert cells.fraction.item() == pytest.approx(published(0.5, VOLTS), rel=1e-12)
    current = cells.current(np.array([[2.0]]))[0].item()
    assert current == pytest.approx(9.13e-6 * 8.0 * cells.fraction.item())


def test_half_a_pulse_twice_is_the_pulse_and_a_cell_forgets_by_an_exponential():
    whole, halves = (reservoirs.VolatileCells((1, 3), 1, spread=0.5) for _ in range(2))
    whole.apply(1.7, 1e-6)
    for _ in range(2):
        halves.apply(1.7, 0.5e-6)
    assert halves.fraction == pytest.approx(whole.fraction, rel=1e-12)
    before = whole.fraction - 0.5
    whole.rest(30e-6)
    assert whole.fraction - 0.5 == pytest.approx(before * whole.kept**30, rel=1e-9)


def test_channels_are_binomial():
    channels, number = 12, 4000
    cells = reservoirs.VolatileCells((1, number), 3, channels=channels)
    for volt in VOLTS[:3]:
        cells.apply(volt, reservoirs.WIDTH)
    p = published(0.5, VOLTS[:3])
    variance = p * (1.0 - p) / channels
    assert abs(cells.fraction.mean() - p) < 4.0 * np.sqrt(variance / number)
    assert cells.fraction.var() == pytest.approx(variance, rel=4.0 * np.sqrt(2.0 / number))


def test_a_linear_reservoir_has_the_error_of_its_noise():
    """x(n) and x(n - 1) make a target of theirs exactly; noise of a variance v adds what regression loses."""
    random = np.random.default_rng(2)
    inputs = random.standard_normal(6001)
    states = np.stack([inputs[1:], inputs[:-1]], axis=1)
    targets = states @ [2.0, -1.0] + 3.0
    assert reservoirs.nrmse(states, targets, 3000) < 1e-12
    noise = 0.5
    lost = np.sqrt(noise**2 / (1.0 + noise**2))
    noisy = states + noise * random.standard_normal(states.shape)
    assert reservoirs.nrmse(noisy, targets, 3000) == pytest.approx(lost, rel=0.05)


def test_the_known_polynomial_of_the_map_leaves_its_noise():
    inputs, targets = reservoirs.henon(4000, np.random.default_rng(1))
    states = np.stack([inputs**2, np.roll(inputs, 1)], axis=1)
    floor = 0.0025 / targets.std()
    assert reservoirs.nrmse(states, targets, 2000) == pytest.approx(floor, rel=0.1)


def test_narma_is_of_order_ten():
    inputs, targets = reservoirs.narma(400, np.random.default_rng(1))
    y, n = targets, 200  # y[n] is y(n + 1)
    expected = 0.3 * y[n - 1] + 0.05 * y[n - 1] * y[n - 10 : n].sum() + 1.5 * inputs[n - 9] * inputs[n] + 0.1
    assert y[n] == pytest.approx(expected, rel=1e-12)


def test_pulses_take_their_time_and_states_are_those_of_their_step():
    reservoir = reservoirs.Reservoir(reservoirs.VolatileCells((2, reservoirs.CELLS), 1))
    masks = np.ones((2, 1, reservoirs.CELLS, reservoirs.MASK))
    volts = reservoirs.masked(np.array([0.0, 1.0, 0.5])[:, None, None] * np.ones((1, 2, 1)), masks, 2)
    assert (volts.min(), volts.max()) == (reservoirs.LOWEST, reservoirs.HIGHEST)
    currents = reservoir.states(volts)
    assert reservoir.clock.seconds == pytest.approx(len(volts) * reservoirs.WIDTH)
    states = reservoirs.by_step(currents)
    assert states.shape == (2, 3, reservoirs.CELLS * reservoirs.MASK)
    assert states[1, 2].reshape(reservoirs.MASK, -1) == pytest.approx(currents[8:12, 1])
    assert reservoir.meter.energy["cells"] == pytest.approx(np.sum(volts * currents) * reservoirs.WIDTH)


class Ohmic:
    """A card whose cells conduct alike, count holds and have no memory."""

    def jump_cells(self, number, seed):
        self.number, self.held = number, []
        return self

    def hold(self, volts, time, *, series, limit):
        self.held.append((volts.copy(), time))

    def current(self, volts, *, series, limit):
        return np.clip(volts / (1e4 + series), -limit, limit)


def test_cells_of_a_card_get_every_pulse_behind_their_driver():
    card = Ohmic()
    cells = reservoirs.CardCells(card, (2, 3), 1)
    volts = np.linspace(-0.1, 0.6, 24).reshape(4, 2, 3)
    found = reservoirs.Reservoir(cells, 1e-5).states(volts)
    assert np.array_equal([held for held, _ in card.held], volts.reshape(4, 6))
    assert [time for _, time in card.held] == [1e-5] * 4
    limit = reservoirs.DRIVER["limit"]
    expected = np.clip(volts / (1e4 + reservoirs.DRIVER["series"]), -limit, limit)
    assert found == pytest.approx(expected)
