"""One harness for every kind of cell, and what each does by itself."""

import numpy as np
import pytest
from made_up_cells import drifting, made_up_cells, varied_cells
from made_up_cycles import truth
from made_up_noise import ONE_KIND

from frenkel.array.live_cells import LiveCells
from frenkel.array.live_processes import LiveWorkers, Recipe, processes
from frenkel.cells.gap_cells import CardCells, Heat
from frenkel.cells.interface import conductance
from frenkel.cells.resistors import FaultyCells, LinearCells
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.mpi_runs.farm import Serial

SHAPE = (2, 3)


def card(shape=SHAPE, **more):
    return made_up_cells(shape, **{"conductance": 1e-5} | more)


def live():
    hfo2 = Material.load("HfO2-volatile")
    return LiveCells(
        [
            [Device(hfo2, thickness=2e-9, width=1.1e-9, seed=1, member=3 * i + j) for j in range(3)]
            for i in range(2)
        ]
    )


CELLS = {
    "linear": lambda: LinearCells([[1e-4, 1e-6, 0.0], [2e-4, 1e-5, 1e-3]]),
    "card": card,
    "card with cycles": lambda: varied_cells(SHAPE, 5),
    "card with noise": lambda: varied_cells(SHAPE, 5, rtn_law=ONE_KIND, relaxation_law=drifting(spread=0.01)),
    "hot card": lambda: card(heat=Heat(activation=0.5, resistance=1e5)),
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


@pytest.mark.parametrize("name", [n for n in CELLS if n != "live"])
def test_two_halves_of_a_pulse_are_the_pulse(name):
    """Also across the turns at which cycles are drawn. (Devices of atoms have edges.)"""
    one, two = CELLS[name](), CELLS[name]()
    for volts, duration in ((1.3, 1e-6), (-1.4, 3e-6), (np.linspace(-1.5, 1.5, 6).reshape(SHAPE), 3e-7)):
        at = np.broadcast_to(volts, SHAPE)
        one.apply(at, duration)
        two.apply(at, duration / 3.0)
        two.apply(at, duration * 2.0 / 3.0)
    if name != "card with noise":  # whose traps draw once per part
        np.testing.assert_allclose(conductance(one), conductance(two), rtol=1e-3 if "hot" in name else 1e-11)


def test_stuck_cells_do_not_move():
    cells = FaultyCells(card(), [[np.nan, 0.0, np.nan], [1e-3, np.nan, np.nan]])
    before = cells.cells.gap.copy()
    cells.apply(np.full(SHAPE, 1.5), 1e-6)
    now = conductance(cells)
    assert now[0, 1] == 0.0 and now[1, 0] == pytest.approx(1e-3)
    assert cells.cells.gap[0, 1] == before[0, 1] and cells.cells.gap[0, 0] < before[0, 0]


def test_cells_that_work_feel_their_own_voltages():
    """Beside stuck ones: each moves as it would without them."""
    cells, plain = FaultyCells(card(), [[1e-3, np.nan, 0.0], [np.nan, 1e-3, np.nan]]), card()
    volts = np.linspace(0.9, 1.5, 6).reshape(SHAPE)
    cells.apply(volts, 1e-8)
    plain.apply(volts, 1e-8)
    works = np.isnan(cells.stuck)
    np.testing.assert_array_equal(cells.cells.gap[works], plain.gap[works])
    assert np.all(cells.cells.gap[~works] == card().gap[~works])


def test_live_cells_switch_by_atoms_and_repeat():
    one, two = live(), live()
    places = (np.array([0, 1]), np.array([1, 2]))
    for cells in (one, two):
        cells.apply(np.array([2.0, 0.3]), 2e-8, places)
        cells.rest(1e-9)
    assert one.devices[0, 1].time == pytest.approx(2.1e-8) and one.devices[0, 0].time == pytest.approx(1e-9)
    np.testing.assert_array_equal(conductance(one), conductance(two))


SMALL = Recipe(material="HfO2-volatile", thickness=2e-9, width=1.1e-9, seed=1)


def test_devices_advanced_elsewhere_are_the_same_bit_by_bit():
    """Their states travel; here to devices made again in this process."""
    workers = LiveWorkers(SMALL, SHAPE, [Serial(), Serial()])
    here, there = live(), LiveCells(workers.devices, advance=workers)
    for cells in (here, there):
        cells.apply(np.full(SHAPE, 1.1), 2e-8)
        cells.rest(1e-9)
        cells.apply(np.array([-0.8]), 1e-8, (np.array([1]), np.array([2])))
    np.testing.assert_array_equal(conductance(here), conductance(there))
    for one, two in zip(here.devices.ravel(), there.devices.ravel(), strict=True):
        np.testing.assert_array_equal(one.engine.species, two.engine.species)
        assert (one.time, one.events, one.hazard) == (two.time, two.events, two.hazard)
    assert sum(device.events for device in here.devices.ravel()) > 0


def test_devices_that_were_put_back_are_advanced_from_there():
    """Whatever the process that advances them did last."""
    workers = LiveWorkers(SMALL, SHAPE, [Serial()])
    cells, found = LiveCells(workers.devices, advance=workers), []
    start = [device.state() for device in cells.devices.ravel()]
    for _ in range(2):
        cells.apply(np.full(SHAPE, 1.1), 2e-8)
        found.append([(device.time, device.events, device.hazard) for device in cells.devices.ravel()])
        for device, state in zip(cells.devices.ravel(), start, strict=True):
            device.restore(state)
    assert found[0] == found[1]


@pytest.mark.verification
def test_devices_advanced_by_other_processes_are_the_same():
    with processes(2) as executors:
        workers = LiveWorkers(SMALL, SHAPE, executors)
        here, there = live(), LiveCells(workers.devices, advance=workers)
        for cells in (here, there):
            cells.apply(np.full(SHAPE, 1.1), 2e-8)
    np.testing.assert_array_equal(conductance(here), conductance(there))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LinearCells([[1.0, -1.0]]), "conductance must be"),
        (lambda: LinearCells([[np.nan]]), "conductance must be"),
        (lambda: card(hrs=1e4), "hrs must be well above lrs"),
        (lambda: card(set_voltage=-0.5), "set_voltage must be above 0 V"),
        (
            lambda: card(conductance=1.0),
            r"window of its cell, got 1 S for cell \(0, 0\) of 1e-06 to 0.0001 S; 6",
        ),
        (lambda: Heat(activation=np.nan), "activation must be between 0 and 10 eV"),
        (lambda: CardCells.from_card(truth(), SHAPE, 1), "card truth has no core"),
        (lambda: card(temperature=0.0), "temperature must be between 1 and 3000 K"),
        (lambda: FaultyCells(card(), np.full(SHAPE, -1.0)), "stuck must hold"),
        (lambda: LiveCells([]), "devices must be rows"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
