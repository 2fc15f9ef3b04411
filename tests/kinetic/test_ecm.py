"""Electrochemical metallisation against exact results: Butler-Volmer, regimes, nucleation, moved charge.

Statistical tests have a fixed seed and a false-alarm probability of 1e-4 per p-value, and were seen to fail
on the planted error that their docstrings name.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from gas_runs import passages
from scipy import stats
from scipy.optimize import brentq
from whole_lattice import put

from frenkel.experiment.electrochemistry import mean_current, open_circuit_voltage
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.conduction.bonds import BOTTOM, Bonds
from frenkel.kinetic.conduction.transport import QuantumGap
from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.stack import Stack
from frenkel.kinetic.mechanisms.mechanism import PairInteraction
from frenkel.kinetic.mechanisms.reactions import build_chemistry
from frenkel.kinetic.waveform import Waveform
from frenkel.units import BOLTZMANN_EV, CONDUCTANCE_QUANTUM, ELEMENTARY_CHARGE

KT = BOLTZMANN_EV * 300.0
DECADES = 1 / (KT * math.log(10))  # per volt, of exp(V/kT)
FALSE_ALARM = 1e-4
SETS = (
    "Ag-GeS2",
    "Ag-SiO2",
    "Ag-Al2O3",
    "Cu-SiO2",
    "Cu-GeS2",
    "Cu-Al2O3",
    "Ag-HfO2",
    "Ag-TiO2",
    "Ru-Ta2O5",
    "Ag-Ag2S",
)
PLAIN = {
    "redox.barrier": 0.6,
    "redox.energy": 0.0,
    "redox.transfer_coefficient": 0.7,
    "redox.surface_binding": 0.0,
    "column.radius": 1e-6,
}


def redox(**values):
    """Return the redox mechanism of a material and its metal, without fields and neighbours."""
    material = Material.load("Ag-SiO2").with_values(PLAIN | values)
    lattice = Lattice.cubic((3, 3, 2), 2.9e-10)
    chemistry = build_chemistry(Stack((material,), (2,)), lattice, (3, 3, 2), np.random.default_rng(0))
    return replace(chemistry.mechanisms[1], barrier_shift=None), chemistry.defect


def interface(overpotential, occupied, **values):
    """Return the rate of dissolving onto, or of depositing from, the one site of an interface."""
    mechanism, metal = redox(**values)
    lattice = Lattice.cubic((1, 1, 2), 2.9e-10)
    gas = LatticeGas(
        lattice,
        [mechanism],
        [0, metal.code if occupied else 0],
        electrode_potential=(0.0, overpotential),
        reservoir=(0, 5),
        seed=1,
    )
    (event,) = gas.transitions()
    return float(event["rate"])


def current(overpotential):
    """Return dissolution less deposition (1/s) of one site."""
    return interface(overpotential, False) - interface(overpotential, True)


@pytest.mark.parametrize("overpotential", [-0.3, -0.1, -0.02, 0.02, 0.1, 0.3])
def test_x32_butler_volmer(overpotential):
    exchange, beta = interface(0.0, False), 0.7
    theory = exchange * (math.exp(beta * overpotential / KT) - math.exp(-(1 - beta) * overpotential / KT))
    assert current(overpotential) == pytest.approx(theory, rel=1e-9)


def test_x32_no_current_at_equilibrium_and_charge_transfer_resistance():
    assert current(0.0) == 0.0
    exchange, step = ELEMENTARY_CHARGE * interface(0.0, False), 1e-5
    resistance = 2 * step / (ELEMENTARY_CHARGE * (current(step) - current(-step)))
    assert resistance == pytest.approx(KT / exchange, rel=1e-6)  # kT / (z q j0)


@pytest.mark.parametrize(("sign", "share"), [(1, 0.7), (-1, 0.3)])
def test_x32_tafel_slope(sign, share):
    low, high = (abs(current(sign * eta)) for eta in (0.3, 0.4))
    assert math.log10(high / low) / 0.1 == pytest.approx(share * DECADES, rel=5e-3)


def test_dissolution_has_its_energy_and_stress():
    ratio = interface(0.1, False, **{"redox.energy": 0.2, "redox.stress_work": 0.05}) / interface(
        0.1, True, **{"redox.energy": 0.2, "redox.stress_work": 0.05}
    )
    assert ratio == pytest.approx(math.exp((0.1 - 0.25) / KT), rel=1e-9)


# ---------------------------------------------------------------------- E-02


def cell(layers=6, **values):
    material = Material.load("Ag-SiO2").with_values({"redox.barrier": 0.4} | values)
    return Device(material, layers * 2.9e-10, 8 * 2.9e-10, seed=1)


def rates_at(device, voltage):
    candidates = device.solved().at(voltage)
    candidates.total(voltage)
    return candidates.arrays()


def test_e02_charge_transfer_alone():
    """The interface of an empty cell of n layers has 1/(n + 1) of the voltage."""
    device = cell(**{"redox.transfer_coefficient": 0.3})
    low, high = (np.max(rates_at(device, v)["rate"]) for v in (-0.1, 0.1))
    slope = math.log10(high / low) / (0.2 / 7)
    assert slope == pytest.approx(0.3 * DECADES, rel=1e-6)


def test_e02_hopping_alone():
    """A hop of a in a cell of thickness d (electrode to electrode) gains a z / (2 d) decades."""
    layers, spacing = 9, 2.9e-10
    material = Material.load("Ag-SiO2")
    lattice = Lattice.cubic((3, 3, layers), spacing)
    chemistry = build_chemistry(
        Stack((material.with_values({"column.radius": 1e-6}),), (layers,)), lattice, (3, 3, layers),
        np.random.default_rng(0),
    )
    species = np.zeros(9 * layers, int)
    species[4 * layers + 4] = chemistry.defect.code
    logs = []
    for voltage in (-0.2, 0.2):
        gas = LatticeGas(
            lattice,
            [chemistry.mechanisms[0]],
            species,
            potential=voltage * (lattice.layer + 1) / (layers + 1),
            electrode_potential=(0.0, voltage),
            seed=1,
        )
        table = gas.transitions()
        down = table["site_b"] == 4 * layers + 3
        down |= table["site_a"] == 4 * layers + 3
        logs.append(math.log10(table["rate"][down][0]))
    assert (logs[1] - logs[0]) / 0.4 == pytest.approx(DECADES / (2 * (layers + 1)), rel=0.03)


def nucleus(overpotential, energy, binding, share=0.3):
    """Return a gas of four mutually neighbouring sites at the top electrode, empty at first."""
    mechanism, metal = redox(**{"redox.energy": energy, "redox.transfer_coefficient": share})
    edge = 2.9e-10
    # The fifth site is the layer at the bottom, which no atom can reach.
    place = edge * (np.array([(0, 0, 5), (0, 1, 5), (1, 0, 5), (1, 1, 5), (5, 5, 0)]) + 1.0)
    lattice = Lattice.from_positions(place, np.zeros(5), (12 * edge,) * 3, {"nearest": 1.5 * edge})
    return LatticeGas(
        lattice,
        [mechanism],
        np.zeros(5, int),
        interactions=[PairInteraction(metal, metal, -binding)],
        electrode_potential=(0.0, overpotential),
        reservoir=(0, 50),
        seed=7,
    )


def births_and_deaths(gas, steps):
    """Return rates of adding and of losing an atom with 0 ... ``steps`` - 1 of them, from the gas."""
    births, deaths, start = [], [], gas.state()
    for _ in range(steps):
        table = gas.transitions()
        grows = table["direction"] == 1  # the reverse of deposition
        births.append(table["rate"][grows].sum())
        deaths.append(table["rate"][~grows].sum())
        gas.fire(int(np.flatnonzero(grows)[0]))
    gas.restore(start)
    return np.array(births), np.array(deaths)


def first_passage(births, deaths):
    """Return the mean time from no atom to ``len(births)`` of them."""
    total = 0.0
    for i in range(len(births)):
        for j in range(i + 1):
            total += np.prod(deaths[j + 1 : i + 1] / births[j + 1 : i + 1]) / births[j]
    return total


@pytest.mark.parametrize(
    ("critical", "energy", "binding"), [(1, 0.4, 0.5), (2, 0.6, 0.35)], ids=["Nc=1", "Nc=2"]
)
def test_e02_nucleation_alone(critical, energy, binding):
    """Atoms come and go fast; the one that follows the critical nucleus limits: (Nc + alpha) z.

    A fraction of 0.3 eases attachment less than loss, so that the nucleus is in equilibrium.
    """
    times = [
        first_passage(*births_and_deaths(nucleus(eta, energy, binding), critical + 1)) for eta in (0.0, 0.02)
    ]
    slope = math.log10(times[0] / times[1]) / 0.02
    assert slope == pytest.approx((critical + 0.3) * DECADES, rel=0.03)


# ----------------------------------------------------------------------


def first_times(gas, atoms, runs):
    """Return the times at which the sites first hold a number of atoms."""
    return passages(gas, runs, lambda: np.count_nonzero(gas.engine.codes) >= atoms)[0]


def test_x22_steps_without_return_are_hypoexponential():
    """Sum of exponential waits with the rates of the gas. Fails with the second step 20 % slower."""
    gas = nucleus(0.0, -1.0, -0.02)  # dissolving gains 1 eV, neighbours repel a little
    births, _ = births_and_deaths(gas, 3)
    assert len(set(births)) == 3

    def cumulative(t):
        weights = [np.prod([b / (b - a) for b in births if b != a]) for a in births]
        return 1 - sum(w * np.exp(-a * np.asarray(t)) for w, a in zip(weights, births, strict=True))

    times = first_times(gas, 3, 6000)
    assert stats.kstest(times, cumulative).pvalue > FALSE_ALARM
    error = math.sqrt(np.sum(births**-2.0) / len(times))
    assert 2 * stats.norm.sf(abs(times.mean() - np.sum(1 / births)) / error) > FALSE_ALARM


def test_x22_first_passage_with_return():
    """Mean of birth and death. Fails with atoms that are lost 15 % faster."""
    engine = nucleus(0.0, 0.03, 0.02)
    births, deaths = births_and_deaths(engine, 4)
    times = first_times(engine, 4, 1500)
    error = times.std(ddof=1) / math.sqrt(len(times))
    assert 2 * stats.norm.sf(abs(times.mean() - first_passage(births, deaths)) / error) > FALSE_ALARM


# ---------------------------------------------------------------------- devices


def test_an_ion_moves_the_charge_of_its_way():
    """From the electrode to the layer next to the other one: n/(n + 1) of z e, whatever its path."""
    device, layers, moved = cell(), 6, 0.0
    site = None
    for layer in range(layers - 1, -1, -1):
        table, columns = device.transitions(), rates_at(device, 0.0)
        if site is None:
            k = int(np.flatnonzero(table["direction"] == 1)[0])
            site = int(table["site_a"][k])
        else:
            ends = np.stack([table["site_a"], table["site_b"]])
            k = int(np.flatnonzero((ends == site).any(axis=0) & (ends == site - 1).any(axis=0))[0])
            site -= 1
        assert site % layers == layer
        moved -= columns["energy1"][k]
        device.fire(k)
    assert moved == pytest.approx(layers / (layers + 1), abs=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_atoms_at_the_active_electrode_bind_by_their_share(share):
    device = cell(**{"redox.surface_binding": share})
    alone = device.transitions()["energy"].copy()
    sites = device.transitions()["site_a"].copy()
    device.fire(0)
    table = device.transitions()
    beside = [
        energy - alone[sites == site][0]
        for site, energy, way in zip(table["site_a"], table["energy"], table["direction"], strict=True)
        if way == 1 and site in sites and abs(int(site) - int(sites[0])) == 6
    ]
    assert beside
    np.testing.assert_allclose(beside, -share * 0.18, atol=1e-3)  # a neighbour conducts: fields differ a bit


@pytest.mark.parametrize("name", SETS)
def test_sets_are_complete_and_say_where_numbers_are_from(name):
    material = Material.load(name)
    assert material.family == "ecm"
    assert material.mechanisms == ("cation hop", "redox")
    assert {row.confidence for row in material.table()} <= {
        "measured",
        "ab initio",
        "fitted",
        "recalled",
        "chosen",
    }
    device = Device(material, 6 * material.lattice.spacing, 8 * material.lattice.spacing, seed=1)
    assert (device.transitions()["direction"] == 1).all()  # an empty cell can only take metal in


def test_copper_stays_in_its_range():
    assert 0.4 <= Material.load("Cu-SiO2").cation.migration_barrier <= 1.1


def test_a_chain_of_atoms_has_one_quantum():
    device = cell(**{"column.radius": 1e-10, "column.vacancy_fraction": 1.0})
    assert device.count(1) == 6
    assert device.conductance == pytest.approx(CONDUCTANCE_QUANTUM, rel=0.05)


def test_silver_sets_and_resets():
    device = cell()
    device.circuit = Circuit(series_resistance=1e3, compliance=1e-4)
    device.advance(
        Waveform.ramp(2.0, 1e4),
        samples=2,
        budget=20_000,
        stop=lambda at, _: at.conductance > CONDUCTANCE_QUANTUM / 2,
    )
    assert device.conductance > CONDUCTANCE_QUANTUM / 2
    # Metal came from the electrode and is all in the cell.
    assert device.engine.reservoir[1] + device.count(1) == Material.load("Ag-SiO2").redox.inventory
    device.advance(Waveform.ramp(-1.0, 1e3), samples=2, budget=20_000)
    assert device.conductance < 1e-2 * CONDUCTANCE_QUANTUM


def test_open_circuit_voltage_is_zero_with_an_electronic_path():
    material = Material.load("HfO2-volatile")
    device = Device(material, 2.6e-9, 2.08e-9, seed=1)
    before, draws = device.engine.species, device.state()["engine"]["random"]
    assert abs(open_circuit_voltage(device, 50)) < 1e-3
    np.testing.assert_array_equal(device.engine.species, before)
    np.testing.assert_array_equal(device.state()["engine"]["random"], draws)


def test_ions_alone_drive_a_current_against_the_leak():
    """Silver in the middle of a leak-poor cell goes home to its electrode: a positive voltage stops it."""
    device = Device(
        Material.load("Ag-HfO2").with_values({"column.vacancy_fraction": 0.3, "redox.energy": 0.6}),
        8 * 2.9e-10,
        8 * 2.9e-10,
        seed=3,
    )
    electrons, ions = mean_current(device, 0.0, 400)
    assert electrons == 0.0
    assert ions < 0.0
    with pytest.raises(ValueError, match="events must be a whole number of at least 1, got 0"):
        mean_current(device, 0.0, 0)


def test_first_passage_solves_its_linear_system():
    births, deaths = np.array([3.0, 2.0, 1.0]), np.array([0.0, 0.5, 4.0])
    matrix = np.diag(births + deaths) - np.diag(births[:-1], 1) - np.diag(deaths[1:], -1)
    assert first_passage(births, deaths) == pytest.approx(np.linalg.solve(matrix, np.ones(3))[0])


# ---------------------------------------------------------------------- gaps


@pytest.mark.parametrize("name", ["Ag-SiO2", "Cu-SiO2", "Ag-Al2O3", "Cu-Al2O3"])
def test_a_tip_tunnels_to_the_active_electrode(name):
    """A row of atoms from the cathode, two spacings short: its last atom, which hides the others, tunnels.

    Seen to fail with a `contact_top_factor` of 1, which leaves an ohmic way beside.
    """
    material, layers = Material.load(name), 6
    a, numbers = material.lattice.spacing, material.conduction
    device = Device(material, layers * a, 8 * a, seed=1)
    species = device.engine.species.copy()
    species[: device.n_hosts] = 0
    row = [(4, 4, z) for z in range(layers - 1)]
    species[np.ravel_multi_index(np.array(row).T, device.shape)] = 1
    put(device, species)
    law = QuantumGap(channels=1.0, barrier=numbers.gap_barrier, mass=numbers.gap_mass)
    gap = Bonds(first=np.zeros(1, int), second=np.array([BOTTOM]), law=law, length=np.array([2 * a]))
    wire = 1 / numbers.contact_bottom + (layers - 2) / numbers.prefactor  # ohm

    def through(drop):
        return float(law.current(np.array([drop]), gap)[0][0])

    for voltage in (0.1, 0.5):
        drop = brentq(lambda u, v=voltage: u + wire * through(u) - v, 0.0, voltage, xtol=1e-15)
        assert device.current(voltage) == pytest.approx(through(drop), rel=2e-3)
