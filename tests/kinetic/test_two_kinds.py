"""Devices in which vacancies and cations conduct: one network, one energy, and Boltzmann's law."""

import re
from itertools import combinations

import numpy as np
import pytest
from round_trips import FALSE_ALARM, A, sample, stated, way_back
from two_kinds import SECOND, TwoKinds, two_kinds
from whole_lattice import Occupancy, batch_p_value, random_species

from frenkel.kinetic.device import Device
from frenkel.kinetic.engine.engine import Engine
from frenkel.kinetic.lattice.species import CATION, CONDUCTING, OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.rows import MaterialError
from frenkel.kinetic.materials.stack import Layer
from frenkel.kinetic.mechanisms.mechanism import Mechanism
from frenkel.kinetic.waveform import Waveform
from frenkel.units import BOLTZMANN_EV

SIDES = ("periodic", "reflecting")
MECHANISMS = SECOND["mechanisms"]
LEVERS = {"electrostatics__charge_transition": 0.3, "vacancy__bound_share": 0.4, "cation__bound_share": 0.7}
GAPS = {
    "mixed_bonds__gap_reorganisation": 0.4, "cation_bonds__gap_barrier": 1.0,
    "cation_bonds__contact_top_barrier": 0.2,
}  # fmt: skip


def make(lateral="periodic", size=(6, 7), precise=True, **values):
    material = two_kinds(**values)
    device = Device(
        material, size[1] * material.lattice.spacing, size[0] * material.lattice.spacing, seed=1,
        lateral=lateral, precise=precise,
    )  # fmt: skip
    return device, TwoKinds(material, device.shape, lateral)


def put(device, species, held=(0, 30, 0, 30)):
    """Give a device other atoms, and the electrodes oxygen and metal (bottom, top of each)."""
    device.engine = Engine(
        device.lattice, device.chemistry.mechanisms, species, interactions=device.chemistry.interactions,
        reservoir=held, seed=device.seed,
    )  # fmt: skip


def random_atoms(device, kind, rng):
    """Return a random arrangement, half of the defects cations."""
    species = random_species(device, kind, rng)
    defects = np.flatnonzero(species == VACANCY.code)
    species[rng.permutation(defects)[: len(defects) // 2]] = CATION.code
    return species


@pytest.mark.parametrize("lateral", SIDES)
def test_potential_current_and_heat_of_mixed_bonds_equal_a_direct_solution(lateral):
    """Every bond to 1e-11; potential, current and heat to 1e-10 of the factorised whole lattice."""
    device, oracle = make(lateral)
    rng = np.random.default_rng(5)
    for kind in ("pristine", "hrs", "lrs"):
        species = random_atoms(device, kind, rng)
        found = device.solver.solve_network(species)
        bonds = oracle.network(oracle.take(species))
        mine = {(int(min(a, b)), int(max(a, b))): g for a, b, g in device.fields.solver.bonds()}
        theirs = {(int(min(a, b)), int(max(a, b))): g for a, b, g in bonds}
        assert mine == pytest.approx(theirs, rel=1e-11, abs=0)
        potential, conductance, _ = oracle.potential(bonds)
        heat = oracle.heat(bonds)
        assert np.abs(found.potentials.maps()[0] - potential).max() <= 1e-10
        assert np.abs(found.potentials.maps()[1] - heat).max() <= 1e-10 * heat.max()
        assert found.conductance == pytest.approx(conductance, rel=1e-10, abs=0)


@pytest.mark.parametrize(
    ("lateral", "values"), [("periodic", LEVERS), ("reflecting", {}), ("periodic", GAPS)]
)
def test_events_of_both_kinds_close_and_follow_one_energy(lateral, values):
    """Fire, solve again, read the way back: 0 within the bound; at 0 V the difference of one total energy."""
    device, oracle = make(lateral, **values)
    rng, seen = np.random.default_rng(3), set()
    for kind, voltage in (("pristine", 0.0), ("hrs", 1.3), ("lrs", -0.7)):
        put(device, random_atoms(device, kind, rng))
        device.device_voltage = voltage
        start, events = device.engine.state(), device.transitions()
        begin = oracle.energy(device.engine.species)
        zero, error = device.solved().events.arrays()["energy0"], stated(device)
        for k in sample(events, 4, rng):
            device.engine.restore(start)
            device.fire(int(k))
            after = device.transitions()
            back, bound = after[way_back(device, events[k], after)], 1e-9 + error + stated(device)
            assert abs(events[k]["energy"] + back["energy"]) <= bound
            split = events[k]["barrier"] - back["barrier"]
            assert split == pytest.approx(events[k]["energy"], abs=20 * bound)
            assert abs(zero[k] - oracle.energy(device.engine.species) + begin) <= 1e-9
            if voltage == 0.0:
                ratio = np.log(events[k]["rate"] / back["rate"])
                assert ratio == pytest.approx(-events[k]["energy"] / (BOLTZMANN_EV * 300.0), abs=1e-6)
            seen.add((int(events[k]["mechanism"]), int(events[k]["direction"])))
        device.engine.restore(start)
    assert seen == {(0, 0), (1, 0), (1, 1), (2, 0), (3, 0), (3, 1)}


def test_work_on_an_event_is_that_in_the_network_without_its_atom():
    """Energy per volt against the factorised lattice wired without the atom that leaves."""
    device, oracle = make()
    species = random_atoms(device, "lrs", np.random.default_rng(8))
    put(device, species)
    events, work = device.transitions(), device.solved().events.arrays()["energy1"]
    for k in sample(events, 4, np.random.default_rng(2)):
        mechanism = device.chemistry.mechanisms[events["mechanism"][k]]
        sign = 1 - 2 * int(events["direction"][k])
        before = mechanism.before if sign > 0 else mechanism.after
        ends = (int(events["site_a"][k]), int(events["site_b"][k]))[: len(before)]
        without = species.copy()
        without[list(ends)] = OXYGEN.code
        potential = oracle.potential(oracle.network(oracle.take(without)))[0]
        change = sign * np.array(mechanism.charge_change)
        expected = change @ (potential[list(ends)] - (1.0 if mechanism.electrode else 0.0))
        assert work[k] == pytest.approx(expected, abs=1e-9)


def states_of(n_hosts, most):
    """Return every arrangement (vacancies, cations) of up to so many defects."""
    return [
        (vacancies, cations)
        for total in range(most + 1)
        for sites in combinations(range(n_hosts), total)
        for cations in (c for n in range(total + 1) for c in combinations(sites, n))
        for vacancies in [tuple(site for site in sites if site not in cations)]
    ]


class BothKinds(Occupancy):
    """Time in each arrangement (vacancies, cations)."""

    def _state(self, species):
        key = species.tobytes()
        if key not in self.met:
            places = (tuple(np.flatnonzero(species == kind.code).tolist()) for kind in CONDUCTING)
            self.met[key] = self.number.get(tuple(places))
        return self.met[key]


WRONG = ({"mixed_bonds__binding_energy": 0.0}, {"cation_bonds__charge_transition": -0.3})


@pytest.mark.parametrize(
    ("until", "wrongs"),
    [(3e-10, WRONG), pytest.param(3e-9, (*WRONG, {"cation__charge": 2}), marks=pytest.mark.verification)],
)
def test_a_small_box_of_both_kinds_follows_boltzmann(until, wrongs):
    """All states of up to 2 defects on 3 x 3 x 3 sites: hops, exchange and redox, charges that come and go.

    False alarm 1e-4 for each of 7 observables by 40 batch means; 170,000 events had the least p-value 0.13.
    Fails without the mixed binding and with the charge transition of a vacancy for a cation, and in ten times
    the events with its charge.
    """
    values = {
        "exchange__barrier": 0.3, "exchange__energy": 0.9, "exchange__floor": 0.1, "exchange__inventory": 1,
        "vacancy__migration_barrier": 0.3, "electrostatics__charge_transition": -0.3, "redox__energy": 0.85,
        "redox__barrier": 0.3, "cation__migration_barrier": 0.3, "mixed_bonds__binding_energy": 0.3,
        "cation_bonds__charge_transition": 0.1, "redox__attempt_frequency": 1e14,
        "cation__attempt_frequency": 1e14,
    }  # fmt: skip
    material = two_kinds(drop=("disorder", "column"), **values)
    device = Device(material, 3 * A, 3 * A, temperature=2000.0, seed=33, cache=100_000)
    states = states_of(device.n_hosts, 2)
    spent = BothKinds(device, states).run(until)

    def least(**other):
        oracle = TwoKinds(two_kinds(drop=("disorder", "column"), **values | other), device.shape)
        energy, species = np.zeros(len(states)), device.engine.species
        rows = []
        for k, places in enumerate(states):
            species[:] = OXYGEN.code
            for kind, sites in zip(CONDUCTING, places, strict=True):
                species[list(sites)] = kind.code
            energy[k] = oracle.energy(species)
            sites = oracle.take(species)
            isolated = oracle.classify(sites)[1] if len(sites) else sites
            rows.append([
                len(places[0]), len(places[1]), len(places[0]) * len(places[1]),
                np.count_nonzero(oracle.squared(*places) == 1) if all(places) else 0,
                np.count_nonzero(oracle.kind[isolated]), len(isolated), oracle.place[sites, 2].sum(),
            ])  # fmt: skip
        law = np.exp((energy.min() - energy) / (BOLTZMANN_EV * device.temperature))
        law /= law.sum()
        return min(batch_p_value(spent, row, law @ row) for row in np.array(rows, float).T)

    assert device.events > 5_000
    assert least() > FALSE_ALARM
    for wrong in wrongs:
        assert least(**wrong) < FALSE_ALARM


def test_oxygen_and_metal_of_an_electrode_are_held_apart():
    """Metal comes from the stock of metal alone, and an oxygen that leaves the oxide joins that of oxygen."""
    device, _ = make(redox__inventory=1, exchange__inventory=0, column__vacancy_fraction=0.0)
    assert device.engine.reservoir == (0, 0, 0, 1)
    name = [mechanism.name for mechanism in device.chemistry.mechanisms]
    for expected in ((0, 0, 0, 0), (0, 1, 0, 0)):
        kind = ("redox", 1) if expected[1] == 0 else ("oxygen exchange", 0)
        events = device.transitions()
        is_kind = (events["mechanism"] == name.index(kind[0])) & (events["direction"] == kind[1])
        device.fire(int(np.flatnonzero(is_kind)[0]))
        assert device.engine.reservoir == expected
    events = device.transitions()
    # The stock of metal is empty, whatever oxygen there is.
    assert not np.any((events["mechanism"] == name.index("redox")) & (events["direction"] == 1))
    assert device.count(CATION.code) == device.count(VACANCY.code) == 1


def test_first_atoms_of_both_kinds_have_their_fractions():
    fractions = {"vacancy__fraction": 0.03, "cation__fraction": 0.05, "column__vacancy_fraction": 0.0}
    device, _ = make(size=(10, 10), **fractions)
    assert device.count(VACANCY.code) == 30 and device.count(CATION.code) == 50


def test_a_run_counts_both_kinds_and_goes_on_bit_by_bit():
    device, _ = make(precise=False, cation__fraction=0.05)
    metal = 50 + device.count(CATION.code)
    record = device.advance(Waveform.ramp(0.6, 1e9), samples=20)
    assert record.sample["second"][-1] == device.count(CATION.code) > 0
    assert record.sample["second_reservoir"][-1] + device.count(CATION.code) == metal
    state = device.state()
    ends = []
    for _ in range(2):
        device.restore(state)
        device.advance(Waveform.constant(0.6, 1e-10), samples=2)
        ends.append((device.engine.species.tobytes(), device.hazard))
    assert ends[0] == ends[1]


def without(*sections, **more):
    document = two_kinds().document()
    return {key: value for key, value in document.items() if key not in sections} | more


@pytest.mark.parametrize(("document", "message"), [
    (without("mixed_bonds"), "needs a section [mixed_bonds] for the bonds between a vacancy and a cation"),
    (without("cation_bonds"), "needs a section [cation_bonds] for the bonds between cations"),
    (without("cation", "redox", mechanisms=["vacancy hop"]),
     "[cation_bonds] needs both kinds of defects, [vacancy] and [cation]; missing: [cation]"),
    (without(species={"defect": "silver", "cation": "silver"}), "species must have different names"),
    ({**Material.load("HfO2-fast").document(), "species": {"cation": "silver"}},
     "species.cation names a second kind of defect, which needs [vacancy] and [cation]"),
    (without(trap=Material.load("HfO2-traps").document()["trap"]), "cannot have a section [trap]"),
])  # fmt: skip
def test_wrong_kinds_get_one_sentence(document, message):
    with pytest.raises(MaterialError, match=re.escape(message)):
        Material(document, "x")


def test_layers_and_reactions_between_kinds_are_refused():
    material = two_kinds()
    thick = 4 * material.lattice.spacing
    other = Layer(thick, changes={"electrostatics": {"permittivity": 8.0}})
    with pytest.raises(ValueError, match="layers need a material with one kind of defect that conducts"):
        Device(material, 2 * thick, thick, seed=1, layers=[Layer(thick), other])
    silver = Device(material, thick, thick, seed=1).chemistry.second
    swap = Mechanism(
        "swap", before=(VACANCY, silver), after=(silver, VACANCY), barrier=1.0, attempt_frequency=1e13
    )
    with pytest.raises(ValueError, match="turns one kind of defect into the other"):
        Device(material, thick, thick, seed=1, mechanisms=[swap])
