"""Live cells inside a pulse: what stands around them acts at every event."""

from types import SimpleNamespace

import numpy as np
import pytest

from frenkel.array.columns import TransistorArray
from frenkel.array.crossbar import Crossbar
from frenkel.array.crosspoint import (
    ExponentialSelector,
    OneTransistorOneResistor,
    SelfRectifying,
    ThresholdSelector,
    Transistor,
)
from frenkel.array.lines.network import Lines
from frenkel.array.live_cells import LiveCells, _Meter
from frenkel.array.live_processes import LiveWorkers, Recipe
from frenkel.cells.interface import conductance
from frenkel.cells.resistors import FaultyCells, LinearCells
from frenkel.events.word_lines import TransistorWordLines
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.waveform import Waveform
from frenkel.mpi_runs.farm import Serial

SHAPE, EDGE = (2, 2), 1e-10
RECIPE = Recipe(material="HfO2-volatile", thickness=2e-9, width=1.1e-9, seed=1)
TRANSISTOR = Transistor(threshold=0.4, gain=3e-4)


def live(advance=None):
    workers = LiveWorkers(RECIPE, SHAPE, [Serial()])
    return LiveCells(workers.devices, EDGE, *([] if advance is None else [workers]))


def columns(cells, **more):
    given = {"bit_resistance": 20.0, "source_line_resistance": 30.0} | more
    return TransistorArray(cells, OneTransistorOneResistor(transistor=TRANSISTOR), **given)


@pytest.mark.parametrize("by", ["word line", "cell", "array"])
def test_a_gate_limits_live_cells(by):
    """Two devices close under 5 uA and stay 100 times below what the held pulse would give them."""
    array = columns(live())
    word_lines = TransistorWordLines(array)
    if by == "word line":
        word_lines.pulse_word_line(1, np.arange(2), np.full(2, 1.8), 1e-7, 0.6)
    for j in range(2 if by != "word line" else 0):
        (word_lines if by == "cell" else array).pulse((1, j), 1.8, 1e-7, 0.6)
    g = conductance(array.cells)
    limit = TRANSISTOR.saturation(0.6)
    # No voltage of the pulse is left where the current is that of the gate.
    assert np.all(g[1] > 2.0 * limit / 1.8) and np.all(g[1] < 20e-6)
    assert all(device.events == 0 for device in array.cells.devices[0])
    assert all(device.circuit == Circuit() for device in array.cells.devices.ravel())


def test_elsewhere_is_here_behind_a_load():
    """Devices that other processes advance: the same atoms and the same charge."""
    found = []
    for advance in (None, "there"):
        cells = live(advance)
        word_lines = TransistorWordLines(columns(cells))
        energy = word_lines.pulse_word_line(0, np.arange(2), np.full(2, 1.8), 1e-7, 0.6)
        found.append((energy, conductance(cells).tobytes(), cells.devices[0, 1].hazard))
    assert found[0] == found[1] and found[0][0] > 0.0


def test_energy_is_that_of_the_source():
    """A device that stands still: V^2 G for the plateau, half of it for both edges."""
    cells = live()
    g = conductance(cells)[0, 0]
    array = columns(cells)
    array.gate_on = 30.0
    energy = array.pulse((0, 0), 1e-3, 1e-8)
    assert cells.devices[0, 0].events == 0
    assert energy == pytest.approx(1e-6 * g * (1e-8 - EDGE), rel=1e-3)


@pytest.mark.parametrize("own", [0.0, 5e3])
def test_a_passive_array_is_a_resistance_around_the_cell(own):
    """Ohmic devices all around, with or without selectors that are on where the pulse is.

    It is that of one device behind the resistance that Kirchhoff's laws, written out, find, event by event.
    """
    beside = ThresholdSelector(threshold=0.9, hold=0.1, on_resistance=5e3, off_resistance=1e9, shape=SHAPE)
    lines = Lines(shape=SHAPE, word_source_resistance=2e4, bit_source_resistance=1e4)
    array, twin, cell = Crossbar(live(), lines, beside if own else None), live().devices[1, 0], (1, 0)
    array.pulse(cell, 1.6, 3e-8)
    g = conductance(live())
    if own:
        g = g / (1.0 + 1e9 * g)
    matrix = np.diag([1 / 2e4, 1 / 2e4, 1 / 1e4, 1 / 1e4])
    for (i, j), each in np.ndenumerate(g):
        if (i, j) != cell:
            matrix[np.ix_([i, 2 + j], [i, 2 + j])] += each * np.array([[1, -1], [-1, 1]])
    rest = np.linalg.solve(matrix, np.array([0.8 / 2e4, 1.6 / 2e4, 0.0, 0.8 / 1e4]))
    pushed = np.linalg.solve(matrix, np.array([0.0, 1.0, -1.0, 0.0]))
    twin.circuit = Circuit(series_resistance=pushed[1] - pushed[2] + own)
    twin.advance(Waveform.pulse(rest[1] - rest[2], 3e-8 - 2 * EDGE, EDGE))
    device = array.cells.devices[cell]
    assert (device.events, device.conductance) == (twin.events, twin.conductance)
    assert device.events > 0
    # The others feel theirs when the visit ends.
    assert array.cells.devices[0, 0].time == 0.0
    array.finish()
    assert array.cells.devices[0, 0].time == pytest.approx(3e-8)


def test_a_load_and_the_law_of_a_crossing_agree():
    """What a live device is behind, in scalars, and what the array solves, for every kind of crossing."""
    cells = LinearCells([[2e-5, 1e-4]])
    kinds = [
        ExponentialSelector(saturation=np.array([[1e-9, 1e-8]]), slope_voltage=0.1),
        ThresholdSelector(threshold=0.9, hold=0.1, on_resistance=5e3, off_resistance=1e6, shape=(1, 2)),
        SelfRectifying(4.0),
    ]
    kinds[1].on[0, 1] = True
    for beside in kinds:
        for volts in (1.3, -0.7):
            over, current, _ = beside.solve(np.full((1, 2), volts), cells)
            for j in range(2):
                own = float(cells.conductance[0, j] * over[0, j])
                taken, drawn = beside.beside(float(over[0, j]), own, (0, j))
                assert taken + over[0, j] == pytest.approx(volts, rel=1e-9)
                assert drawn == pytest.approx(current[0, j], rel=1e-9)


def test_stuck_cells_beside_live_ones():
    cells = FaultyCells(live(), [[np.nan, 1e-5], [np.nan, np.nan]])
    word_lines = TransistorWordLines(columns(cells))
    alone = TransistorWordLines(columns(live()))
    both = word_lines.pulse_word_line(0, np.arange(2), np.full(2, 1.8), 1e-7, 0.6)
    one = alone.pulse_word_line(0, np.array([0]), np.array([1.8]), 1e-7, 0.6)
    assert cells.cells.devices[0, 0].events == alone.cells.devices[0, 0].events > 0
    assert cells.cells.devices[0, 1].events == 0
    # The stuck cell draws the current of its gate all the time.
    assert both - one == pytest.approx(1.8 * TRANSISTOR.saturation(0.6) * 1e-7, rel=0.02)


def test_what_live_cells_do_not_take():
    with pytest.raises(ValueError, match="voltage_step is not for cells that jump"):
        Crossbar(live(), Lines(shape=SHAPE), voltage_step=1e-3)
    with pytest.raises(ValueError, match="duration must be longer than both edges of 1e-10 s, got 1e-10 s"):
        columns(live()).pulse((0, 0), 1.0, 1e-10)


@pytest.mark.parametrize("volts", [1.4, -1.4])
def test_one_device_meets_the_load_of_many(volts):
    """Lines of 2 and 3 kohm a segment on both sides of the transistor, in arrays and in scalars."""
    array = columns(LinearCells([[2e-5, 1e-4, 5e-4]] * 2), bit_resistance=2e3, source_line_resistance=3e3)
    load = array.load((np.zeros(3, int), np.arange(3)), np.full(3, volts), 1.2)
    over, current = load.meet()
    for k in range(3):
        assert load.alone(k).excess(volts, float(over[k]), float(current[k])) == pytest.approx(0.0, abs=1e-12)
    assert load.pick(np.array([2])).meet()[0][0] == pytest.approx(over[2], rel=1e-9)


def test_charge_is_the_current_that_stood_before_an_event():
    """An edge to 2 A in 1 s, an event after 2 s more that makes it 5 A, and 1 s of that: 1 + 4 + 5 C."""
    meter, device = _Meter(10.0), SimpleNamespace(time=10.0, events=3)
    for time, events, current in ((11.0, 3, 2.0), (13.0, 4, 5.0), (14.0, 4, 5.0)):
        device.time, device.events = time, events
        assert meter(device, current) is False
    assert meter.charge == pytest.approx(10.0)
