"""The last gap of a metal cell, neighbours at its active electrode, and its off state.

Seen to fail with the whole bond as the barrier, with six neighbours where the whole barrier counts
five, with disorder within metal, and with an interface six times too resistive.
"""

import math
from pathlib import Path

import numpy as np
import pytest
from bent_lattice import barrier_current
from round_trips import sample, stated, way_back
from whole_lattice import put, random_species

from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.units import BOLTZMANN_EV, CONDUCTANCE_QUANTUM

FILES = Path(__file__).parent.parent / "materials"
A = 0.26e-9


def metal_cell(metal="Cu", layers=6, width=5, temperature=300.0, **values):
    numbers = Material.read(FILES / f"{metal}-SiO2-interface.toml").with_values(values)
    a = numbers.lattice.spacing
    return Device(numbers, layers * a, width * a, seed=1, temperature=temperature)


def with_metal(device, sites):
    """Put metal on sites (x, y, z) and nowhere else."""
    species = device.engine.species
    species[: device.n_hosts] = 0
    species[np.ravel_multi_index(np.array(sites).T, device.shape)] = 1
    put(device, species)
    return device


def column(heights):
    return [(2, 2, z) for z in heights]


@pytest.mark.parametrize("empty", [1, 2])
def test_a_gap_is_as_wide_as_the_matter_that_is_missing(empty):
    """Between tip and electrode one empty plane is a barrier of one spacing; metal adds less than 1e-3."""
    device = with_metal(metal_cell(**{"disorder.bond": 0.0}), column(range(6 - empty)))
    for voltage in (0.01, 0.4, -0.7):
        expected = barrier_current(np.array([voltage]), empty * A, 1.0, 3.6, 0.86, 0.5)[0][0]
        assert device.current(voltage) == pytest.approx(expected, rel=1e-3)


def test_a_touch_is_shorter_than_a_gap():
    with pytest.raises(ValueError, match="gap_touch must be below"):
        metal_cell(**{"conduction.gap_touch": 0.5e-9})


def test_disorder_stays_out_of_metal():
    """A contact atom has its quantum on any site; a gap to an electrode has its tip's factor twice."""
    plain, drawn = (metal_cell(**{"disorder.bond": bond}) for bond in (0.0, 0.5))
    both = [with_metal(device, column(range(6))).conductance for device in (plain, drawn)]
    assert both[1] == pytest.approx(both[0], rel=1e-12)
    gaps = [with_metal(device, column(range(5))).conductance for device in (plain, drawn)]
    factor = drawn.bond_factor[np.ravel_multi_index((2, 2, 4), drawn.shape)]
    assert factor != pytest.approx(1.0, abs=0.01)
    assert gaps[1] == pytest.approx(gaps[0] * factor**2, rel=1e-3)


@pytest.mark.parametrize(("extra", "share"), [(0.0, 0.5), (2.5 * 0.42, 0.0), (1.35, -0.06 / 0.42)])
def test_neighbours_at_the_active_electrode_act_on_both_ways(extra, share):
    """Dissolving beside n atoms costs -share n b more than alone, its reverse b n more than that."""
    device = metal_cell(**{"redox.crowding_barrier": extra})
    neighbours = [(1, 2, 5), (3, 2, 5), (2, 2, 4)]  # all clustered, so that no ion's charge acts
    site = int(np.ravel_multi_index((2, 2, 5), device.shape))

    def exchange(metal):
        """Return the barrier of the exchange at the site, dissolving onto it or depositing from it."""
        table = with_metal(device, metal).transitions()
        (row,) = np.flatnonzero((table["mechanism"] == 1) & (table["site_a"] == site))
        return float(table["barrier"][row])

    found = [
        (exchange([(0, 0, 5), *neighbours[:n]]), exchange([(0, 0, 5), *neighbours[:n], (2, 2, 5)]))
        for n in range(4)
    ]
    growing, losing = np.array(found).T
    np.testing.assert_allclose(growing - growing[0], -share * 0.42 * np.arange(4), atol=1e-9)
    np.testing.assert_allclose((losing - growing) - (losing - growing)[0], 0.42 * np.arange(4), atol=1e-9)


def test_the_off_state_is_activated_and_divides_the_voltage_alike():
    cold, hot = (metal_cell(temperature=t) for t in (300.0, 358.0))
    energy = math.log(hot.conductance / cold.conductance) * BOLTZMANN_EV / (1 / 300.0 - 1 / 358.0)
    assert energy == pytest.approx(0.3, rel=1e-9)
    works = [device.solved().at(1.0).work_per_volt(0) for device in (cold, hot)]
    assert works[0] == pytest.approx(works[1], rel=1e-12, abs=0.0)
    # 7 links and 100 of the interface
    assert cold.conductance == pytest.approx(25e-12 / 107.0, rel=1e-3, abs=0.0)


@pytest.mark.parametrize("metal", ["Ag", "Cu"])
def test_events_of_the_sets_close(metal):
    """Forward and reverse cost 0 together within what is stated, in empty cells and with filaments."""
    device, rng, kinds = metal_cell(metal), np.random.default_rng(4), set()
    for kind in ("pristine", "hrs", "lrs"):
        species = random_species(device, kind, rng)
        put(device, species)
        device.device_voltage = rng.uniform(-1, 1)
        start, events, error = device.engine.state(), device.transitions(), stated(device)
        for k in sample(events, 8, rng):
            device.engine.restore(start)
            device.fire(int(k))
            after = device.transitions()
            back = after[way_back(device, events[k], after)]
            assert abs(events[k]["energy"] + back["energy"]) <= 1e-9 + error + stated(device)
            assert events[k]["barrier"] - back["barrier"] == pytest.approx(
                events[k]["energy"], abs=1e-9 + 2 * error
            )
            kinds.add((int(events[k]["mechanism"]), int(events[k]["direction"])))
    assert len(kinds) == 3


def test_a_gap_lies_below_a_quantum():
    device = with_metal(metal_cell(**{"disorder.bond": 0.0}), column(range(5)))
    assert 0.01 < device.conductance / CONDUCTANCE_QUANTUM < 0.05
    assert 0.95 < with_metal(device, column(range(6))).conductance / CONDUCTANCE_QUANTUM < 1.05
