"""Traps averaged between two moves of the atoms: which occupation a run takes, and where a move finds it."""

import numpy as np
import pytest
from round_trips import A
from trap_materials import material
from whole_lattice import put

from frenkel.kinetic._loop import TRAP_EVENTS
from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import EMPTY, FILLED_TRAP, INTERSTITIAL, TRAP
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.occupation import Occupation, occupation, set_electrons
from frenkel.kinetic.run import Run
from frenkel.kinetic.waveform import Waveform

PLACES = np.array([[4.0, 4.0, 2.0, 0.28], [4.0, 4.0, 6.0, 0.22]])
"""Places (spacings) and levels (eV) of two traps, half filled in their image charges."""


def device(places=PLACES):
    rows = np.asarray(places) * [A, A, A, 1.0]
    of_traps = material(level_spread=(0.0, "eV"), decay_length=(0.1, "nm"))
    return Device(of_traps, 8 * A, 8 * A, seed=3, traps=rows)


def run_of(made, duration=1e-3):
    return Run(made, made.solver, Waveform.constant(0.1, duration), samples=2, label="", log=True)


def test_each_voltage_of_a_run_has_its_own_occupation():
    """At 0.1 and 0.6 V in one run: each as solved for that voltage alone, and not the same."""
    made = device()
    run = run_of(made)
    shares = [run.trap_occupation(source).share for source in (0.1, 0.6)]
    assert np.abs(shares[0] - shares[1]).max() > 0.01
    for source, share in zip((0.1, 0.6), shares, strict=True):
        np.testing.assert_array_equal(share, occupation(made, made.solver, source).share)


def test_occupation_is_solved_again_after_an_atom_moved():
    made = device()
    run = run_of(made)
    before = run.trap_occupation(0.5)
    hop = np.flatnonzero(made.transitions()["mechanism"] == 0)[0]
    made.fire(int(hop))
    after = run.trap_occupation(0.5)
    assert not np.array_equal(before.atoms, after.atoms)
    np.testing.assert_array_equal(after.atoms, occupation(made, made.solver, 0.5).atoms)


def test_occupation_is_solved_again_after_an_ion_moved_between_the_traps():
    """Host sites stand; the ion's charge alone moves the levels. Once found by the host sites alone."""
    document = Material.load("HfO2-ETH").document()
    document["trap"] = material(level=(0.2, "eV")).document()["trap"]
    document["mechanisms"] = ["vacancy hop", "interstitial hop", "electron capture"]
    made = Device(Material(document, "ions and traps"), 8 * A, 8 * A, seed=3, traps=PLACES[1:, :3] * A)
    species = made.engine.species
    trap = made.chemistry.traps[0]
    beside = next(site for site in made.lattice.motifs["nearest"][trap] if site >= 0)
    run = run_of(made)
    found = []
    for ion in (beside, beside + 2):
        species[made.n_hosts :][species[made.n_hosts :] == INTERSTITIAL.code] = EMPTY.code
        species[ion] = INTERSTITIAL.code
        put(made, species)
        found.append(run.trap_occupation(0.1))
        np.testing.assert_array_equal(found[-1].share, occupation(made, made.solver, 0.1).share)
    assert found[1].share[1] > 100 * found[0].share[1]  # filled the more readily the farther the ion


def test_relaxation_is_that_of_the_slowest_way_to_equilibrium():
    """Eigenvalues of the master equation of two traps, its rates listed in each of the four states."""
    made = device()
    found = occupation(made, made.solver, 0.3)
    number = {state.tobytes(): i for i, state in enumerate(found.states)}
    assert len(found.states) == 4
    generator = np.zeros((4, 4))
    for i, state in enumerate(found.states):
        set_electrons(made, state)
        made.device_voltage = 0.3
        events = made.transitions()
        assert found.atoms[i] == pytest.approx(events["rate"][events["mechanism"] < 2].sum(), rel=1e-12)
        for event in events[events["mechanism"] >= 2]:
            target = state.copy()
            place = np.flatnonzero(made.chemistry.traps == event["site_a"])[0]
            target[place] = FILLED_TRAP.code if event["direction"] == 0 else TRAP.code
            generator[number[target.tobytes()], i] += event["rate"]
            generator[i, i] -= event["rate"]
    rates = np.sort(-np.linalg.eigvals(generator).real)
    assert abs(rates[0]) < 1e-9 * rates[3] and rates[3] > 3 * rates[1]
    assert found.relaxation == pytest.approx(rates[1], rel=1e-9)
    assert found.rate == pytest.approx(found.share @ found.atoms, rel=1e-12)


def test_an_average_needs_a_hundredfold_margin():
    share, atoms = np.array([0.5, 0.5]), np.array([1.0, 3.0])
    for relaxation, fast in ((199.0, False), (200.0, True)):
        assert Occupation([np.zeros(1, np.int8)] * 2, share, atoms, relaxation).fast == fast


def test_a_move_finds_the_traps_in_a_state_from_which_atoms_move():
    """Two states half of the time each, and atoms that move from the second alone: 30 of 30 moves from it."""
    made = device(PLACES[:1])
    run = run_of(made)
    states = [np.array([TRAP.code], np.int8), np.array([FILLED_TRAP.code], np.int8)]
    averaged = Occupation(states, np.array([0.5, 0.5]), np.array([0.0, 1e3]), np.inf)
    for _ in range(30):
        made.hazard = 1e-6
        reached = run.advance_averaged(averaged, 0.0, 1.0, 0.1)
        assert reached == pytest.approx(1e-6 / 500, rel=1e-12)  # the mean rate is 500 per second
        assert made.filled_traps == 1
    assert all(entry[1] < 2 for entry in run.log) and len(run.log) == 30


def test_a_wait_without_a_move_ends_in_each_state_with_its_share():
    made = device(PLACES[:1])
    run = run_of(made)
    states = [np.array([TRAP.code], np.int8), np.array([FILLED_TRAP.code], np.int8)]
    averaged = Occupation(states, np.array([1.0, 0.0]), np.array([0.0, 1e3]), np.inf)
    for hazard in (1.0, 0.5):
        made.hazard = hazard
        assert run.advance_averaged(averaged, 0.0, 1e-6, 0.1) == 1e-6
        assert made.filled_traps == 0 and made.hazard == hazard  # no atom moves from the first state
    half = Occupation(states, np.array([0.25, 0.75]), np.array([1e3, 1e3]), np.inf)
    run.advance_averaged(half, 0.0, 1e-4, 0.1)
    assert made.hazard == pytest.approx(0.5 - 0.1, rel=1e-12)
    filled = 0
    for _ in range(400):
        made.hazard = 1.0
        run.advance_averaged(half, 0.0, 1e-6, 0.1)
        filled += made.filled_traps
    # Binomial with p = 3/4; 4 standard errors, a false alarm in 16,000. The seed is fixed.
    assert abs(filled - 300) < 4 * np.sqrt(400 * 0.75 * 0.25)


def test_an_atom_that_moves_begins_the_count_of_electrons_anew():
    made = device()
    run = run_of(made)
    run.trap_events = TRAP_EVENTS - 1
    for kind, expected in ((2, TRAP_EVENTS), (0, 0), (2, 1)):
        events = made.transitions()
        run.fire(made.solved(), 0.1, 0.1, int(np.flatnonzero(events["mechanism"] >= kind)[0] if kind else
                                              np.flatnonzero(events["mechanism"] == 0)[0]))
        assert run.trap_events == expected
