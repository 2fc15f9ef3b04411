"""Sheets of one or a few layers: two-state occupancy of a vacancy, conduction at weak sites alone."""

import math

import numpy as np
import pytest

from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.rows import MaterialError
from frenkel.kinetic.waveform import Waveform
from frenkel.units import BOLTZMANN_EV

METALS = ("MoS2-Au", "MoS2-Ag", "MoS2-Cu")
CALM = {
    "disorder.site_energy": 0.0, "disorder.bond": 0.0, "disorder.relaxation_rate": 0.0,
    "disorder.quenched_share": 0.0, "conduction.empty_spread": 0.0, "sites.exchange_spread": 0.0,
    "sites.exchange_shift": 5.0,
}  # fmt: skip
"""All vacancies alike."""
COLD = {"heat.conductivity": 1e4, "heat.ballistic_factor": 100.0}
"""No heat: a current through the filled site warms it, and detailed balance then fails as it must."""
FAST = CALM | {"redox.barrier": 0.40, "redox.energy": 0.06, "sites.fraction": 1 / 9}


def sheet(name="MoS2-Au", side=3, values=None, **options):
    material = Material.load(name).with_values(CALM | (values or {}))
    return Device(material, material.lattice.spacing, side * material.lattice.spacing, seed=2, **options)


def at_vacancy(device, voltage):
    """Return the event of the only weak site: an atom enters or leaves."""
    device.device_voltage = voltage
    events = device.transitions()
    (k,) = np.flatnonzero(device.chemistry.weak[events["site_a"]])
    return k, events[k]


def occupancy(energy, voltage, temperature=300.0):
    """Return the fraction of time a site is filled: its potential is half the voltage by symmetry."""
    return 1.0 / (1.0 + math.exp((energy - voltage / 2) / (BOLTZMANN_EV * temperature)))


@pytest.mark.parametrize("name", METALS)
@pytest.mark.parametrize("voltage", [-1.2, 0.0, 0.3, 2.0])
def test_rates_in_and_out_give_the_two_state_occupancy(name, voltage):
    device = sheet(name, values=COLD | {"redox.energy": 0.06, "sites.fraction": 1 / 9})
    k, enter = at_vacancy(device, voltage)
    device.fire(int(k))
    _, leave = at_vacancy(device, voltage)
    assert enter["energy"] == pytest.approx(0.06 - voltage / 2, abs=1e-12)
    share = enter["rate"] / (enter["rate"] + leave["rate"])
    assert share == pytest.approx(occupancy(0.06, voltage), rel=1e-6)
    # Butler-Volmer with a transfer coefficient of one half: each direction feels half of the energy.
    barrier = device.material.redox.barrier + enter["energy"] / 2
    assert enter["barrier"] == pytest.approx(max(barrier, 0.0, enter["energy"]), abs=1e-12)


def test_current_through_a_filled_vacancy_warms_it_and_empties_it_sooner():
    device = sheet(values={"redox.energy": 0.06, "sites.fraction": 1 / 9})
    k, _ = at_vacancy(device, -1.2)
    device.fire(int(k))
    _, warm = at_vacancy(device, -1.2)
    rise = device.temperature_map.max() - 300.0
    warmth = BOLTZMANN_EV * (300.0 + rise)
    hot = device.material.redox.attempt_frequency * math.exp(-warm["barrier"] / warmth)
    assert rise > 1.0 and warm["rate"] == pytest.approx(hot, rel=1e-9)


def test_simulated_occupancy_is_the_closed_form():
    """Filled or not at 4000 times, 14 relaxation times apart: binomial, allowed 4 standard deviations.

    False alarm with p = 6e-5. Seen to fail with the full voltage instead of half of it.
    """
    device = sheet(values=FAST | COLD)
    k, enter = at_vacancy(device, 0.1)
    device.fire(int(k))
    _, leave = at_vacancy(device, 0.1)
    apart = 14 / (enter["rate"] + leave["rate"])
    sample = device.advance(Waveform.constant(0.1, 4000 * apart), samples=4001).sample
    p = occupancy(0.06, 0.1)
    assert abs(sample["defect"][1:].mean() - p) < 4 * math.sqrt(p * (1 - p) / 4000)


def test_first_filling_on_a_ramp_has_the_closed_form_of_a_ramped_hazard():
    """Median of 400 sheets of nine vacancies against V0 ln(1 + rho ln2 / (lambda0 V0)), V0 = 4kT/e.

    The median's error is 1 / (2 f sqrt(n)); allowed 4 of them, p = 6e-5. Seen to fail with V0 = 2kT/e.
    """
    rho, scale = 1.0, 4 * BOLTZMANN_EV * 300.0
    material = Material.load("MoS2-Au").with_values(CALM | {"sites.fraction": 1.0})
    slow = material.redox.attempt_frequency * math.exp(-material.redox.barrier / (BOLTZMANN_EV * 300.0)) * 9
    found = []
    for member in range(400):
        device = Device(material, 0.639e-9, 3 * 0.639e-9, seed=5, member=member)
        device.advance(Waveform.ramp(3.0, rho), samples=4, stop=lambda device, _: device.events > 0)
        found.append(device.source_voltage)
    median = scale * math.log1p(rho * math.log(2) / (slow * scale))
    # Density at the median: hazard over rho, times a half.
    density = 0.5 * slow * math.exp(median / scale) / rho
    assert abs(np.median(found) - median) < 4 / (2 * density * math.sqrt(400))


def test_one_occupied_vacancy_switches_a_sheet():
    device = sheet(side=12, values={"sites.fraction": 0.05})
    off = device.conductance
    conduction = device.material.conduction
    assert off == pytest.approx(144 * conduction.background / 2 + 7 * conduction.empty_site, rel=1e-12)
    events = device.transitions()
    device.fire(int(np.flatnonzero(device.chemistry.weak[events["site_a"]])[0]))
    contact = device.material.conduction.contact_top
    assert device.conductance == pytest.approx(contact / 2, rel=1e-3)
    assert device.conductance / off > 1e5


def test_filled_vacancies_conduct_in_parallel():
    device = sheet(side=20, values={"sites.fraction": 0.1, "conduction.prefactor": 1e-15})
    for count in range(1, 8):
        events = device.transitions()
        enters = device.chemistry.weak[events["site_a"]] & (events["direction"] == 1)
        device.fire(int(np.flatnonzero(enters)[0]))
        expected = count * device.material.conduction.contact_top / 2
        assert device.conductance == pytest.approx(expected, rel=1e-3)


def test_order_of_the_metals_is_that_of_their_ab_initio_barriers():
    barriers = {name: Material.load(name).redox.barrier for name in METALS}
    assert barriers["MoS2-Au"] - barriers["MoS2-Ag"] == pytest.approx(0.323 - 0.034, abs=1e-9)
    assert barriers["MoS2-Cu"] - barriers["MoS2-Ag"] == pytest.approx(0.318 - 0.034, abs=1e-9)


@pytest.mark.parametrize("temperature", [250.0, 300.0, 350.0])
def test_off_state_is_that_of_the_empty_vacancies(temperature):
    """Each conducts g exp(-(E - d) / kT) over its value at 300 K; a filled one no longer does."""
    material = Material.load("MoS2-Au")
    device = Device(material, 0.639e-9, 20 * 0.639e-9, seed=3, temperature=temperature)
    numbers, chemistry = material.conduction, device.chemistry
    deviate = np.log(chemistry.bond_factor) / material.disorder.bond * numbers.empty_spread
    energy = numbers.empty_activation * (1 - temperature / 300.0) - deviate
    leak = numbers.empty_site * np.exp(-energy / (BOLTZMANN_EV * temperature))
    bare = 400 * numbers.background / 2
    assert chemistry.weak.sum() == 20 and leak[chemistry.weak].std() > 0.3 * leak[chemistry.weak].mean()
    assert device.conductance == pytest.approx(bare + leak[chemistry.weak].sum(), rel=1e-9)
    events = device.transitions()
    k = int(np.flatnonzero(chemistry.weak[events["site_a"]])[0])
    filled = events["site_a"][k]
    device.fire(k)
    left = device.solver.solve_network(device.engine.species).conductance
    expected = leak[chemistry.weak].sum() - leak[filled]
    assert device.conductance - left == pytest.approx(expected, rel=1e-6)


def test_empty_vacancies_conduct_through_one_layer_alone():
    material = Material.load("MoS2-Au")
    with pytest.raises(ValueError, match=r"conduction\.empty_site must be 0 unless the device has one layer"):
        Device(material, 2 * 0.639e-9, 3 * 0.639e-9, seed=1)
    with pytest.raises(MaterialError, match=r"gap_barrier must be 0 beside conduction\.empty_site"):
        material.with_values({"conduction.gap_barrier": 3.0})
    with pytest.raises(MaterialError, match=r"conduction\.empty_spread must be 0 where disorder\.bond is 0"):
        material.with_values({name: 0.0 for name in CALM if name.startswith("disorder.")})


def test_barriers_differ_from_vacancy_to_vacancy():
    """Their spread is that of the file (4 errors of 900 draws); perfect places have the shift alone."""
    device = sheet(side=30, values={"sites.fraction": 1.0, "sites.exchange_spread": 0.05})
    drawn = device.transitions()["barrier"] - device.material.redox.barrier
    assert len(drawn) == 900
    assert abs(drawn.std() - 0.05) < 4 * 0.05 / math.sqrt(1800) and abs(drawn.mean()) < 4 * 0.05 / 30
    rare = sheet(side=30, values={"sites.exchange_spread": 0.05})
    events = rare.transitions()
    perfect = events["barrier"][~rare.chemistry.weak[events["site_a"]]]
    assert perfect == pytest.approx(rare.material.redox.barrier + 5.0, abs=1e-12)


@pytest.mark.parametrize("name", ["MoS2-Au", "MoS2-Ag", "hBN-GB"])
def test_no_resistance_occurs_twice(name):
    """Four cycles of each of two sheets: 25.51 Gohm and one or two times 100 kohm were all that there was."""
    material = Material.load(name)
    a, low, high = material.lattice.spacing, [], []
    for seed in (1, 2):
        device = Device(material, a, 28 * a, seed=seed, circuit=Circuit(compliance=1e-6))
        for _ in range(4):
            device.advance(Waveform.ramp(4.0, 1.0), samples=50, stop=lambda _, i: i > 0.99e-6, budget=20_000)
            device.advance(Waveform.ramp(0.0, 1e7, start=device.source_voltage), samples=2)
            low.append(device.conductance)
            device.advance(Waveform.ramp(-2.5, 10.0), samples=2, budget=20_000)
            device.advance(Waveform.ramp(0.0, 10.0, start=-2.5), samples=2, budget=20_000)
            high.append(device.conductance)
    for found in (low, high):
        assert len(set(np.round(np.log10(found), 5))) == 8
    assert min(low) > 1e3 * max(high)


def test_silver_enters_boron_nitride_at_the_boundary_alone():
    material = Material.load("hBN-Ag")
    a = material.lattice.spacing
    device = Device(material, 3 * a, 7 * a, seed=1, circuit=Circuit(compliance=1e-5))
    device.advance(
        Waveform.ramp(1.5, 100.0), samples=20, stop=lambda _, current: current > 0.999e-5, budget=20_000
    )
    sites, _ = device.defects
    assert len(sites) >= 2 and device.chemistry.weak[sites].all()
    wall = Device(material.with_values({"column.radius": 1e-10}), 3 * a, 7 * a, seed=1)
    assert wall.conductance == device.material.conduction.background * 49 / 4
