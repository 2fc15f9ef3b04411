"""The inverse of the Green's function between nodes, kept from one solution to the next."""

from pathlib import Path

import numpy as np
import pytest
from round_trips import round_trips
from whole_lattice import put

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material

A = 0.26e-9
SHAPE = (13, 13, 16)
VOLTAGE = 0.3
MATERIALS = Path(__file__).resolve().parents[2] / "materials"


def column(count):
    """Return sites of vacancies about the axis, and the sites of which they take 40 %."""
    x, y, _ = np.unravel_index(np.arange(np.prod(SHAPE)), SHAPE)
    rng = np.random.default_rng(3)
    near = np.argsort((x - 6) ** 2 + (y - 6) ** 2 + rng.random(len(x)))[: int(count / 0.4)]
    return rng.choice(near, count, replace=False), near


def arranged(sites, lateral="periodic", name="HfO2-volatile", cache=0):
    """Return a device with vacancies at these host sites and nowhere else."""
    device = Device(Material.find(name, MATERIALS), 16 * A, 13 * A, seed=1, lateral=lateral, cache=cache)
    species = device.engine.species
    species[: device.n_hosts] = OXYGEN.code
    species[sites] = VACANCY.code
    put(device, species)
    return device


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_fields_of_a_kept_inverse_are_those_of_a_fresh_one(lateral):
    """Through 40 arrangements, one to three atoms moved at a time; it is recomputed in none of them.

    Potentials are taken from new residuals and their last digits (1e-16 V) are those of K: 1e-13 V.
    """
    sites, near = column(220)
    kept, fresh = (arranged(sites, lateral).fields for _ in range(2))
    rng = np.random.default_rng(8)
    for number in range(41):
        order = np.sort(sites).astype(np.int32)
        kept.solve(order, True)
        fresh.solve(order)
        assert (kept.solver.kept_m, kept.solver.kept_times) == (fresh.network.m, number)
        assert fresh.solver.kept_m == 0
        assert kept.solution.conductance == pytest.approx(fresh.solution.conductance, rel=1e-12)
        for one, other in zip(kept.nodes(), fresh.nodes(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)
        moved = rng.integers(1, 4)
        free = np.setdiff1d(near, sites)
        sites = np.r_[rng.permutation(sites)[moved:], rng.choice(free, moved, replace=False)]


def test_an_inverse_is_made_afresh_after_a_hundred_changes_and_where_many_atoms_moved():
    sites, near = column(170)
    fields = arranged(sites).fields
    free = np.setdiff1d(near, sites)
    for number in range(103):
        fields.solve(np.sort(np.r_[sites, free[number % 2 : number % 2 + 1]]).astype(np.int32), True)
        assert fields.solver.kept_times == (number if number <= 100 else number - 101)
    fields.solve(np.sort(np.r_[sites[9:], free[:2]]).astype(np.int32), True)
    assert (fields.solver.kept_m, fields.solver.kept_times) == (fields.network.m, 0)
    fields.solve(np.sort(sites[:100]).astype(np.int32), True)
    assert fields.network.m < 150
    assert fields.solver.kept_m == 0


def fired(device, events, look=lambda device: None):
    """Carry out events, each in an arrangement that is solved; return them, conductances and bounds."""
    found = []
    for _ in range(events):
        solved = device.solver.solve(device.engine.species)
        look(device)
        event = solved.events.pick(VOLTAGE, device.engine.draw())
        found.append((event, solved.conductance, solved.removal_error))
        device.engine.catalogue()
        device.engine.fire(event)
    return found


def test_looking_at_a_device_changes_no_bit_of_what_follows():
    sites, _ = column(220)
    device, other = arranged(sites), arranged(sites)
    expected = fired(device, 12)
    assert device.fields.solver.kept_times == 11
    assert fired(other, 12, lambda device: device.solver.maps(1.0)) == expected


def test_looking_changes_no_bit_of_rates_at_a_voltage_where_bonds_have_laws():
    """Ends of cells are solved again after a look: with the K that the arrangement was solved with first.

    Beyond a hundred changes, too, and in an arrangement that comes back from what is kept.
    """
    sites, near = column(170)
    both = [arranged(sites, name="HfO2-face.toml", cache=4).solver for _ in range(2)]
    assert both[0].solved() and both[0].fields.has_laws()
    free = np.setdiff1d(near, sites)
    for number in range(103):
        rates = []
        for looks, solver in enumerate(both):
            species = solver.state.engine.species
            species[free[:2]] = np.where(np.arange(2) == number % 2, VACANCY.code, OXYGEN.code)
            put(solver.state, species)
            solved = solver.solved(refresh=True)
            if number > 98:
                if looks:
                    solver.maps(VOLTAGE)
                rates.append(solved.at(VOLTAGE).rates(VOLTAGE).copy())
        if rates:
            assert both[0].fields.solver.kept_times == both[1].fields.solver.kept_times
            np.testing.assert_array_equal(*rates)


def test_a_run_goes_on_bit_by_bit_from_where_solutions_were_dropped():
    """As a run and its resumption do at each checkpoint: nothing is left of the arrangements before."""
    sites, _ = column(220)
    device, other = arranged(sites), arranged(sites)
    fired(device, 12)
    state = device.state()
    device.forget()
    other.restore(state)
    expected = fired(device, 12)
    assert device.fields.solver.kept_times == 11
    assert fired(other, 12) == expected


@pytest.mark.parametrize("steps", [0, 3])
def test_a_path_from_a_state_hangs_on_no_path_before_it(steps):
    """Splitting and measurements share devices: one solved another state, one this state after others."""
    sites, _ = column(220)
    used, fresh, other = (arranged(sites, cache=64) for _ in range(3))
    fired(other, 3)
    fired(used, steps)
    used.solver.solved()
    found = []
    for device in (used, fresh):
        device.restore(other.state(), stream=(3,), keep_solved=True)
        rates = device.solver.solved().at(VOLTAGE).rates(VOLTAGE)
        found.append((rates.tolist(), fired(device, 6)))
    assert found[0] == found[1]


def test_energies_close_over_events_in_a_large_network():
    """The closure gate where probes bound the errors and the inverse is kept: 40 events and their ways back.

    Each ends in its own arrangement, in which the way back costs minus as much, to 1e-9 eV and what is stated
    of both; and what is stated is below 1e-6 eV.
    """
    sites, _ = column(300)
    device = arranged(sites)
    device.device_voltage = 0.7
    found = np.array(list(round_trips(device, 40, np.random.default_rng(2))))
    assert device.fields.solver.kept_times >= 40
    assert device.fields.network.m > 250
    assert np.all(np.abs(found[:, 0]) <= 1e-9 + found[:, 1])
    assert found[:, 1].max() < 1e-6
