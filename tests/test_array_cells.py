"""One harness for every kind of cell, and what each does by itself."""

import numpy as np
import pytest

from frenkel.array.cells import (
    CardCells,
    CardParameters,
    FaultyCells,
    LinearCells,
    LiveCells,
    conductance,
    sampled,
)
from frenkel.kinetic.device import Device
from frenkel.kinetic.material import Material

SHAPE = (2, 3)
CARD = {
    "prefactor": 1e-4,
    "decay": 0.25e-9,
    "voltage_scale": 0.3,
    "gap_least": 0.1e-9,
    "gap_most": 1.7e-9,
    "set_rate": 1e11,
    "reset_rate": 1e10,
    "set_scale": 0.12,
    "reset_scale": 0.15,
    "activation": 0.6,
    "gap_rest": 1.0e-9,
    "rest_rate": 1e9,
    "rest_activation": 1.1,
}


def card(shape=SHAPE, seed=0, gap=0.8e-9, temperature=300.0, **changes):
    rng = np.random.default_rng(seed)
    return CardCells(CardParameters(**CARD | changes), np.full(shape, gap), rng, temperature)


def live():
    hfo2 = Material.load("HfO2")
    return LiveCells(
        [
            [Device(hfo2, thickness=2e-9, width=1.1e-9, seed=1, member=3 * i + j) for j in range(3)]
            for i in range(2)
        ]
    )


CELLS = {
    "linear": lambda: LinearCells([[1e-4, 1e-6, 0.0], [2e-4, 1e-5, 1e-3]]),
    "card": card,
    "card with spread": lambda: card(
        cycle_spread=0.3, prefactor=sampled(1e-4, 0.2, SHAPE, np.random.default_rng(5))
    ),
    "live": live,
    "faulty": lambda: FaultyCells(card(), [[np.nan, 0.0, np.nan], [1e-3, np.nan, np.nan]]),
}


@pytest.fixture(params=CELLS)
def cells(request):
    return CELLS[request.param]()


def test_interface(cells):
    """Shapes, no current at no voltage, a slope that is the derivative, a current that rises."""
    assert cells.shape == SHAPE and cells.temperature == 300.0
    assert np.all(np.asarray(cells.scale) > 0.0)
    current, slope = cells.current(np.zeros(SHAPE))
    assert current.shape == slope.shape == SHAPE
    assert np.all(current == 0.0) and np.all(slope >= 0.0)
    for v in (-0.7, 0.02, 0.4):
        at = np.full(SHAPE, v)
        slope = cells.current(at)[1]
        difference = (cells.current(at + 1e-5)[0] - cells.current(at - 1e-5)[0]) / 2e-5
        np.testing.assert_allclose(slope, difference, rtol=1e-6, atol=1e-18)


def test_picked_cells_are_those_of_the_array(cells):
    volts = np.linspace(-0.5, 0.5, 6).reshape(SHAPE)
    whole = cells.current(volts)[0]
    mask = np.array([[True, False, True], [False, False, True]])
    places = (np.array([1, 0]), np.array([2, 1]))
    np.testing.assert_array_equal(cells.current(volts[mask], mask)[0], whole[mask])
    np.testing.assert_array_equal(cells.current(volts[places], places)[0], whole[places])


def test_a_pulse_leaves_the_other_cells_alone(cells):
    before = conductance(cells)
    places = (np.array([0]), np.array([2]))
    cells.apply(np.array([1.2]), 1e-7, places)
    changed = conductance(cells) != before
    changed[places] = False
    assert not changed.any()


def test_no_time_changes_nothing(cells):
    before = conductance(cells)
    cells.apply(np.ones(SHAPE), 0.0)
    cells.rest(0.0)
    np.testing.assert_array_equal(conductance(cells), before)


@pytest.mark.parametrize("duration", [-1.0, np.nan, np.inf])
def test_bad_durations_are_refused(cells, duration):
    with pytest.raises(ValueError, match="duration must be at least 0"):
        cells.apply(np.zeros(SHAPE), duration)


def test_card_sets_up_and_resets_down_within_its_window():
    cells = card()
    middle = conductance(cells)
    cells.apply(np.full(SHAPE, 1.5), 1e-6)
    set_ = conductance(cells)
    cells.apply(np.full(SHAPE, -2.8), 1e-6)
    assert np.all(conductance(cells) < middle) and np.all(middle < set_)
    cells.apply(np.full(SHAPE, -50.0), 1.0)  # an infinite rate
    np.testing.assert_array_equal(cells.gap, CARD["gap_most"])


def test_two_halves_of_a_pulse_are_the_pulse():
    one, two = card(), card()
    volts = np.linspace(-1.5, 1.5, 6).reshape(SHAPE)
    one.apply(volts, 3e-7)
    two.apply(volts, 1e-7)
    two.apply(volts, 2e-7, fresh=False)
    np.testing.assert_allclose(one.gap, two.gap, rtol=1e-13)


def test_halves_of_a_pulse_with_spread_have_one_draw():
    one, two = card(cycle_spread=0.5, seed=3), card(cycle_spread=0.5, seed=3)
    one.apply(np.ones(SHAPE), 3e-7)
    two.apply(np.ones(SHAPE), 1e-7)
    two.apply(np.ones(SHAPE), 2e-7, fresh=False)
    np.testing.assert_allclose(one.gap, two.gap, rtol=1e-13)


def test_drift_is_exponential_and_thermally_activated():
    """ln of the distance from rest falls by nu exp(-E/kT) t."""
    for temperature in (300.0, 400.0):
        cells = card(temperature=temperature)
        cells.rest(5e4 if temperature == 300.0 else 1.0)
        k = 1e9 * np.exp(-1.1 / (8.617333262e-5 * temperature))
        share = (cells.gap - 1.0e-9) / (0.8e-9 - 1.0e-9)
        np.testing.assert_allclose(np.log(share), -k * (5e4 if temperature == 300.0 else 1.0), rtol=1e-9)


def test_spread_of_pulses_is_lognormal():
    """Of 40,000 cells: mean and variance of ln k within 4.5 standard errors each (false alarm 1.4e-5)."""
    n, sigma = 40_000, 0.4
    cells = card(shape=(200, 200), cycle_spread=sigma, seed=11)
    cells.apply(np.full((200, 200), 0.8), 1e-9)
    log_rate = np.log(-np.log((cells.gap - 0.1e-9) / 0.7e-9))
    sharp = card(shape=(1, 1))
    sharp.apply(np.full((1, 1), 0.8), 1e-9)
    centre = np.log(-np.log((sharp.gap[0, 0] - 0.1e-9) / 0.7e-9))
    assert abs(log_rate.mean() - centre) < 4.5 * sigma / np.sqrt(n)
    assert abs(log_rate.var() / sigma**2 - 1.0) < 4.5 * np.sqrt(2.0 / n)


def test_programmed_conductance_is_read():
    cells = card()
    target = np.linspace(1e-6, 3e-5, 6).reshape(SHAPE)
    cells.program(target)
    np.testing.assert_allclose(conductance(cells), target, rtol=1e-12)
    with pytest.raises(ValueError, match="conductance must lie between"):
        cells.program(1.0)


def test_same_seed_same_cells():
    one, two = card(cycle_spread=0.5, seed=3), card(cycle_spread=0.5, seed=3)
    for cells in (one, two):
        cells.apply(np.ones(SHAPE), 1e-7)
        cells.apply(np.array([-1.0]), 1e-7, (np.array([1]), np.array([1])))
    np.testing.assert_array_equal(one.gap, two.gap)


def test_stuck_cells_do_not_move():
    cells = FaultyCells(card(), [[np.nan, 0.0, np.nan], [1e-3, np.nan, np.nan]])
    cells.apply(np.full(SHAPE, 1.5), 1e-6)
    now = conductance(cells)
    assert now[0, 1] == 0.0 and now[1, 0] == pytest.approx(1e-3)
    assert cells.cells.gap[0, 1] == 0.8e-9 and cells.cells.gap[0, 0] < 0.8e-9


def test_live_cells_switch_by_atoms_and_repeat():
    one, two = live(), live()
    places = (np.array([0, 1]), np.array([1, 2]))
    for cells in (one, two):
        cells.apply(np.array([2.0, 0.3]), 2e-8, places)
        cells.rest(1e-9)
    assert one.devices[0, 1].time == pytest.approx(2.1e-8) and one.devices[0, 0].time == pytest.approx(1e-9)
    np.testing.assert_array_equal(conductance(one), conductance(two))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LinearCells([[1.0, -1.0]]), "conductance must be"),
        (lambda: LinearCells([[np.nan]]), "conductance must be"),
        (lambda: card(decay=-1.0), "decay must be positive"),
        (lambda: card(cycle_spread=np.nan), "cycle_spread must be at least 0"),
        (lambda: card(gap=3e-9), "gap must lie between"),
        (lambda: card(temperature=0.0), "temperature must be between 1 and 3000 K"),
        (lambda: FaultyCells(card(), np.full(SHAPE, -1.0)), "stuck must hold"),
        (lambda: LiveCells([]), "devices must be rows"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
