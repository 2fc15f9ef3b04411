"""Energies and barriers of stacks of oxides: one energy function, one object for both ways of a hop."""

from itertools import combinations, product

import numpy as np
import pytest
from layered_lattice import LayeredLattice
from round_trips import FALSE_ALARM, A, sample, stated, way_back
from whole_lattice import SMALL, Occupancy, batch_p_value, boltzmann, put, random_species, small_material

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.rows import MaterialError
from frenkel.kinetic.materials.stack import Interface, Layer, Stack
from frenkel.kinetic.waveform import Waveform
from frenkel.units import BOLTZMANN_EV

OTHER = {
    "vacancy": {"migration_barrier": "0.9 eV", "attempt_frequency": "3 THz"},
    "interstitial": {"migration_barrier": "0.4 eV"},
    "frenkel_pair": {"barrier": "1.9 eV", "attempt_frequency": "2 THz"},
    "electrostatics": {"permittivity": 7.0},
    "conduction": {"background": "3 nS", "decay_length": "0.2 nm"},
    "heat": {"conductivity": "4 W/(m*K)"},
}


def layered(lateral="periodic"):
    """Return a device of three layers in which everything differs, and its oracle."""
    material = small_material("HfO2-ETH")
    inner = Interface(0.35, -0.2, 0.15, thermal_resistance=2e-9, contact_factor=0.3)
    upper = Interface(-0.5, 0.1, 0.05, contact_barrier=0.9)
    layers = [Layer(2 * A), Layer(2 * A, changes=OTHER, interface=inner), Layer(3 * A, interface=upper)]
    device = Device(material, 7 * A, 6 * A, seed=1, lateral=lateral, layers=layers)
    oracle = LayeredLattice(
        device.stack.materials, (2, 2, 3), (2e-9, 0.0), lateral, 6, exchange=(0.35, -0.5), ions=(-0.2, 0.1)
    )
    return device, oracle


@pytest.mark.parametrize("lateral", ["periodic", "reflecting"])
def test_events_across_interfaces_close_and_follow_one_energy(lateral):
    """|dE_f + dE_r| within 1e-9 eV + the stated error, energy0 = change of the energy; detailed balance."""
    device, oracle = layered(lateral)
    rng, crossing = np.random.default_rng(5), 0
    below = np.array(oracle.of_plane)[device.lattice.layer]
    for kind in ("pristine", "hrs", "lrs"):
        species = random_species(device, kind, rng)
        put(device, species)
        for device.device_voltage in (0.0, rng.uniform(-3, 3)):
            start, events, begin = device.engine.state(), device.transitions(), oracle.energy(species)
            zero, error = device.solved().events.arrays()["energy0"], stated(device)
            for k in sample(events, 8, rng):
                device.engine.restore(start)
                device.fire(int(k))
                after = device.transitions()
                event, back = events[k], after[way_back(device, events[k], after)]
                bound = 1e-9 + error + stated(device)
                assert abs(event["energy"] + back["energy"]) <= bound
                assert event["barrier"] - back["barrier"] == pytest.approx(event["energy"], abs=bound)
                assert abs(zero[k] - oracle.energy(device.engine.species) + begin) <= 1e-9
                if device.device_voltage == 0.0:
                    ratio = np.log(event["rate"] / back["rate"])
                    assert ratio == pytest.approx(-event["energy"] / (BOLTZMANN_EV * 300.0), abs=1e-6)
                crossing += event["site_b"] >= 0 and below[event["site_a"]] != below[event["site_b"]]
            device.engine.restore(start)
    assert crossing > 12


def test_barriers_and_frequencies_of_hops_by_layer_and_across():
    """Within a layer its own; across, the mean and the interface's barrier, geometric mean of frequencies."""
    device, oracle = layered()
    extra = np.array([[0.0, 0.15, 0.0], [0.15, 0.0, 0.05], [0.0, 0.05, 0.0]])
    layer = np.array(oracle.of_plane)
    names = [mechanism.name for mechanism in device.chemistry.mechanisms]
    seen, hops = set(), (("vacancy hop", "vacancy"), ("interstitial hop", "interstitial"))
    for seed, (name, section) in product(range(10), hops):
        put(device, random_species(device, "pristine", np.random.default_rng(seed)))
        events, arrays = device.transitions(), device.solved().events.arrays()
        numbers = [getattr(material, section) for material in oracle.materials]
        of_kind = np.flatnonzero(events["mechanism"] == names.index(name))
        a, b = (layer[device.lattice.layer[events[end][of_kind]]] for end in ("site_a", "site_b"))
        for k, i, j in zip(of_kind, a, b, strict=True):
            mean = 0.5 * (numbers[i].migration_barrier + numbers[j].migration_barrier) + extra[i, j]
            assert arrays["barrier"][k] == pytest.approx(mean, abs=1e-12)
            frequency = np.sqrt(numbers[i].attempt_frequency * numbers[j].attempt_frequency)
            assert arrays["frequency"][k] == pytest.approx(frequency, rel=1e-12, abs=0)
            seen.add((name, int(i), int(j)))
    assert len(seen) == 14  # within three layers and across two interfaces both ways, of either hop


def test_two_layers_follow_boltzmann():
    """All states of up to 3 vacancies on 3 x 3 x 3 sites, one plane of the lower oxide and two of the upper.

    False alarm 1e-4 for each of 4 observables by 40 batch means. Fails without the exchange energy, and with
    the permittivity of the upper layer in both.
    """
    material = small_material("HfO2-volatile", **SMALL)
    changes = {"electrostatics": {"permittivity": 8.0}, "vacancy": {"attempt_frequency": "20 THz"}}
    step = Interface(exchange_energy=0.12, barrier=0.1)
    layers = [Layer(A, changes=changes), Layer(2 * A, interface=step)]
    device = Device(material, 3 * A, 3 * A, temperature=2000.0, seed=21, cache=100_000, layers=layers)
    states = [(sites, ()) for n in range(4) for sites in combinations(range(device.n_hosts), n)]
    spent = Occupancy(device, states).run(5e-10)
    assert device.events > 5_000

    def least(materials, exchange):
        oracle = LayeredLattice(materials, (1, 2), width=3, exchange=exchange)
        law = boltzmann(device, oracle, states)
        rows = {
            "number": [len(sites) for sites, _ in states],
            "charged": [len(oracle.classify(v)[1]) if v else 0 for v, _ in states],
            "below": [np.count_nonzero(oracle.place[list(v), 2] < 1) if v else 0 for v, _ in states],
            "at the top": [np.count_nonzero(oracle.place[list(v), 2] > 1) if v else 0 for v, _ in states],
        }
        return min(batch_p_value(spent, np.array(row, float), law @ row) for row in rows.values())

    assert least(device.stack.materials, (0.12,)) > FALSE_ALARM
    assert least(device.stack.materials, (0.0,)) < FALSE_ALARM
    assert least((material, material), (0.12,)) < FALSE_ALARM


def test_a_layer_takes_from_a_set_what_a_layer_has_of_its_own():
    device = Material.load("HfO2-fast")
    layer = Layer(2.6e-9, "TaOx", {"vacancy": {"migration_barrier": "1.1 eV"}}).material(device)
    other = Material.load("TaOx")
    assert layer.vacancy.migration_barrier == 1.1
    assert layer.electrostatics.permittivity == other.electrostatics.permittivity
    assert layer.conduction.decay_length == other.conduction.decay_length
    assert layer.conduction.contact_top == device.conduction.contact_top
    assert layer.exchange == device.exchange and layer.mechanisms == device.mechanisms


def test_first_defects_of_each_layer():
    """The fraction of weak sites that hold a defect is that of their layer."""
    material = small_material("HfO2-volatile", drop=("disorder",), column__vacancy_fraction=0.0)
    changes = {"column": {"vacancy_fraction": 1.0}}
    device = Device(material, 6 * A, 6 * A, seed=1, layers=[Layer(2 * A), Layer(4 * A, changes=changes)])
    sites, _ = device.defects
    weak = np.flatnonzero(device.chemistry.weak)
    assert sites.tolist() == [site for site in weak if site % 6 >= 2]


@pytest.mark.parametrize(("layers", "message"), [
    ([Layer(2.5 * A), Layer(3 * A)], r"thickness of layer 1 must be a whole number of lattice spacings of "
     r"0\.26 nm, such as 0\.52 or 0\.78 nm, got 0\.65 nm"),
    ([Layer(2 * A, "HfO3"), Layer(3 * A)], r"layer 1: no material 'HfO3'"),
    ([Layer(2 * A), Layer(3 * A, "Ag-SiO2")],
     r"layer 2: material Ag-SiO2 of a layer has no section \[vacancy\]"),
    ([Layer(5 * A, changes={"exchange": {"barrier": "1 eV"}})],
     r"layer 1: exchange\.barrier belongs to the whole"),
    ([Layer(2 * A), Layer(3 * A, changes={"conduction": {"prefactor": "1 pS"}})],
     r"no filament can conduct in layer 2: conduction\.prefactor must be above"),
    ([Layer(5 * A, interface=Interface(barrier=0.1))], r"the lowest layer has no layer below it"),
])
def test_a_wrong_stack_gets_one_sentence(layers, message):
    with pytest.raises((ValueError, MaterialError), match=message):
        Stack.of(Material.load("HfO2-fast"), layers, 5)


@pytest.mark.parametrize("name", ["HfO2-traps", "PCMO", "Ag-graphene-HfO2"])
def test_sections_that_no_stack_can_have_are_refused(name):
    material = Material.load(name)
    thick = 4 * material.lattice.spacing
    layers = [Layer(thick), Layer(thick, interface=Interface(exchange_energy=0.1))]
    with pytest.raises(ValueError, match=r"layers need a material without a section"):
        Stack.of(material, layers, 8)


def test_thickness_is_that_of_the_layers():
    with pytest.raises(ValueError, match="thickness must be that of the layers together"):
        Device(Material.load("HfO2-fast"), 6 * A, 6 * A, seed=1, layers=[Layer(2 * A), Layer(3 * A)])


def test_no_vacancy_moves_by_itself_where_layers_are_alike():
    """Two layers that are one oxide keep the seed's first atoms and its site energies."""
    material = Material.load("HfO2-volatile")
    one, two = (
        Device(material, 8 * A, 6 * A, seed=4, layers=layers) for layers in ((), (Layer(3 * A), Layer(5 * A)))
    )
    assert np.array_equal(one.engine.species, two.engine.species) and one.count(VACANCY.code) > 0


@pytest.mark.parametrize("exchange", [-0.2, 0.2])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_exchange_energy_sets_the_polarity(exchange, seed):
    """Two oxides that differ in the energy of a vacancy alone, at 0 V and 600 K, then on a ramp of 1.5 V.

    Vacancies gather in the layer where their energy is less. A voltage that drives the charged ones out of
    it, across the interface, makes a conducting path: positive at the top if they gather above. Measured: the
    geometric mean of the conductance is 38 to 1,800 times that of the other sign, in all of 8 pairs.
    """
    material = small_material(
        "HfO2-volatile", drop=("disorder",), column__radius=2e-9, column__vacancy_fraction=0.2,
        column__migration_shift=0.0, column__exchange_shift=0.0, vacancy__migration_barrier=0.5,
        vacancy__binding_energy=0.0, vacancy__crowding_barrier=0.0, conduction__contact_bottom=1e-4,
        conduction__contact_top=1e-4,
    ).with_mechanisms(["vacancy hop"])
    layers = [Layer(4 * A), Layer(4 * A, interface=Interface(exchange_energy=exchange))]
    mean = []
    for sign in (1, -1):
        device = Device(material, 8 * A, 4 * A, seed=seed, temperature=600.0, layers=layers)
        device.advance(Waveform.constant(0.0, 6e-9), samples=2)
        above = np.mean(device.defects[0] % 8 >= 4)
        assert (above if exchange < 0.0 else 1.0 - above) > 0.8
        record = device.advance(Waveform.ramp(sign * 1.5, rate=5e8), samples=150)
        mean.append(np.log(record.sample["conductance"]).mean())
    assert np.sign(mean[0] - mean[1]) == -np.sign(exchange)
    assert abs(mean[0] - mean[1]) > np.log(10.0)
