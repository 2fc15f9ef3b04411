"""Work of the voltage without each hopping atom against the network from which it is really gone.

Every way by which a network without an atom is solved at a voltage is taken: tangents at the operating
point, slopes at 0 V for the atoms whose tangents leave no digits, and Newton's method on all potentials.
"""

import math

import numpy as np
import pytest
from random_filaments import filament, put

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material

ENERGY = 1e-6
"""eV: bound on the error of the work in one event."""
FAMILIES = ("Cu-SiO2", "HfO2-fast", "SiOx", "Ta2O5-Pt", "TaOx")


def make(family, temperature, precise=False):
    """Return a device of a family, of which ``bound_share`` is 1: all of the work is done on each atom."""
    return Device(Material.load(family), 2.6e-9, 1.6e-9, temperature=temperature, seed=1, precise=precise)


def chosen_hops(device, columns, rng, most):
    """Return the candidates of up to ``most`` conducting atoms, one hop of each."""
    nodes = device.fields.nodes()[0]
    kinds = [
        number
        for number, m in enumerate(device.chemistry.mechanisms)
        if len(m.before) == 2 and m.before[0].code == VACANCY.code
    ]
    hops = np.isin(columns["mechanism"], kinds) & (columns["direction"] == 0)
    hops &= np.isin(columns["site_a"], nodes)
    hops = rng.permutation(np.flatnonzero(hops))
    return hops[np.unique(columns["site_a"][hops], return_index=True)[1]][:most]


def work_in(other, sites, event, mechanism, voltage):
    """Return the work (eV) in the network without the atom, and the error (V) of its potentials."""
    put(other, np.setdiff1d(sites, event["site_a"]))
    other.solver.solve_network(other.engine.species)
    point = other.fields.operate(voltage)
    ends = np.array([event["site_a"], event["site_b"]], np.int32)
    return np.array(mechanism.charge_change) @ point.potentials.potential_at(ends), point.solver_error


def compare(family, temperature, *, tangents, precise=False, number=3, seed=11, most=6):
    """Return of hops in random filaments: atoms solved from 0 V, error over bound, atoms refined."""
    device, other = make(family, temperature, precise), make(family, temperature)
    leave_one_out = device.fields.leave_one_out
    leave_one_out.tangents = tangents
    rng, pick, rows = np.random.default_rng(seed), np.random.default_rng(1), []
    for _ in range(number):
        sites = filament(device.shape, rng)
        put(device, sites)
        solved = device.solver.solve(device.engine.species)
        low = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.05, 6.0))
        for voltage in (low, math.copysign(6.0, low)):
            if solved.make_ends is None:
                continue
            end = solved.make_ends([voltage])[0]
            columns = solved.events.arrays()
            for k in chosen_hops(device, columns, pick, most):
                event = {name: columns[name][k] for name in ("site_a", "site_b")}
                mechanism = device.chemistry.mechanisms[columns["mechanism"][k]]
                expected, error = work_in(other, sites, event, mechanism, voltage)
                charges = np.abs(mechanism.charge_change).sum()
                bound = charges * (end.error * abs(voltage) + error)
                assert bound <= ENERGY
                off = abs(end.events[0, k] - expected) / (bound + 1e-13)
                rows.append((leave_one_out.from_rest, off, leave_one_out.refined))
    return np.array(rows)


@pytest.mark.parametrize("temperature", [4.0, 50.0, 77.0, 300.0, 400.0])
@pytest.mark.parametrize("family", FAMILIES)
def test_work_from_tangents_and_from_slopes_at_0_volt_is_within_its_bound(family, temperature):
    """Up to 6 V; conductances at 4 K range over hundreds of decades, at 300 K tangents do for most atoms."""
    by_tangents, from_rest = (compare(family, temperature, tangents=way) for way in (True, False))
    assert len(by_tangents) == len(from_rest) > 0
    assert by_tangents[:, 1].max() <= 1.0 and from_rest[:, 1].max() <= 1.0
    assert from_rest[:, 0].min() > 0 and by_tangents[:, 0].sum() < from_rest[:, 0].sum()


@pytest.mark.parametrize(("family", "temperature", "seed"), [("HfO2-fast", 10.0, 101), ("Cu-SiO2", 350.0, 108)])
def test_atoms_whose_tangents_leave_no_digits_are_solved_otherwise(family, temperature, seed):
    """At 10 K voltages do not settle from tangents; with copper T lacks digits."""
    rows = compare(family, temperature, tangents=True, number=8, seed=seed)
    assert rows[:, 0].max() > 0 and rows[:, 1].max() <= 1.0


@pytest.mark.parametrize("tangents", [True, False])
@pytest.mark.parametrize("temperature", [300.0, 400.0])
def test_either_way_needs_no_refinement_at_common_temperatures(temperature, tangents):
    """What is read is right before any residual corrects it."""
    rows = compare("HfO2-fast", temperature, tangents=tangents)
    assert len(rows) and rows[:, 1].max() <= 1.0
    assert rows[:, 2].max() == 0
    assert not tangents or rows[:, 0].max() == 0


@pytest.mark.parametrize("tangents", [True, False])
@pytest.mark.parametrize("temperature", [50.0, 300.0])
def test_precise_energies_settle_by_either_way(temperature, tangents):
    rows = compare("HfO2-fast", temperature, tangents=tangents, precise=True)
    assert len(rows) and rows[:, 1].max() <= 1.0


def test_solutions_do_not_depend_on_those_before():
    """An arrangement solved by tangents, from 0 V and by tangents again, between others: the same bits."""
    rng = np.random.default_rng(3)
    for temperature in (10.0, 300.0):
        device, results = make("HfO2-fast", temperature), []
        sites = [filament(device.shape, rng) for _ in range(3)]
        for number, tangents in ((0, True), (1, True), (0, False), (2, True), (0, True)):
            device.fields.leave_one_out.tangents = tangents
            put(device, sites[number])
            solved = device.solver.solve(device.engine.species)
            if solved.make_ends is not None:
                ends = solved.make_ends([2.0, -6.0, 0.3])
                results.append((number, tangents, np.concatenate([end.events for end in ends])))
        first, last = (results[k][2] for k in (0, -1))
        assert results[0][0] == results[-1][0] == 0
        np.testing.assert_array_equal(first, last)
