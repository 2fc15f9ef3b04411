"""Oxides: labels of update curves, barriers of the presets, filaments that stay whole."""

from itertools import pairwise

import numpy as np
import pytest

from frenkel.analysis.reliability.linearity import (
    asymmetry,
    exponential,
    labels,
    nonlinearity,
    number_of_states,
    update_statistics,
)
from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import VACANCY
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.mechanisms.barrier import soret_lever
from frenkel.kinetic.waveform import Waveform
from frenkel.units import BOLTZMANN_EV

PULSES = np.linspace(0.0, 1.0, 1001)
TABLE = {1.0: 1.2267, 1.51: 0.8195, 3.01: 0.3853, 4.51: 0.2266, 6.01: 0.1351, 7.51: 0.0702}


@pytest.mark.parametrize("label", TABLE)
def test_label_is_the_one_of_the_published_table(label):
    # Entries of MLP_NeuroSim's Nonlinearity-NormA table; a label of 8 (g - p) or of the mean misses by 20 %.
    assert nonlinearity(exponential(PULSES, TABLE[label])) == pytest.approx(label, rel=0.02)


def test_label_of_an_exponential_in_closed_form():
    # g - p is largest where its slope is 0: exp(-p / a) = a (1 - exp(-1 / a)).
    a = 0.3
    scale = -np.expm1(-1 / a)
    p = -a * np.log(a * scale)
    assert nonlinearity(exponential(PULSES, a)) == pytest.approx(10 * ((1 - a * scale) / scale - p), rel=1e-5)


def test_straight_line_has_no_label_and_all_states():
    line = 3e-6 + 2e-6 * PULSES
    assert nonlinearity(line) == pytest.approx(0.0, abs=1e-12)
    assert number_of_states(line) == 1000


def test_ways_up_and_down_have_the_signs_of_the_tables():
    up, down = exponential(PULSES, 0.5), 1 - exponential(PULSES, 0.2)
    rising, falling = labels(up, down)
    assert rising > 0 > falling
    assert asymmetry(up, down) == pytest.approx(rising - falling)
    assert labels(up, up[::-1])[1] == pytest.approx(rising)  # the mirrored curve: symmetric


def test_a_jump_at_either_end_has_the_largest_label():
    jump = np.r_[0.0, np.ones(100)]
    assert nonlinearity(jump) == pytest.approx(9.9)
    assert nonlinearity(1 - jump[::-1]) == pytest.approx(-9.9)


def test_noise_leaves_range_over_noise_states():
    # Alternating steps of 1 + 10 and 1 - 10: a noise of 10, a range of 100.
    steps = 1 + 10 * np.tile([1, -1], 50)
    assert number_of_states(np.r_[0, np.cumsum(steps)]) == 10


def test_statistics_average_before_they_take_the_largest_distance():
    line = np.linspace(1.0, 2.0, 101)
    wave = 0.1 * np.sin(np.linspace(0, np.pi, 101))
    found = update_statistics([line + wave, line - wave], [line[::-1]])
    assert found.potentiation == pytest.approx(0.0, abs=1e-9)
    assert found.on_off == pytest.approx(2.0)


def test_statistics_of_unlike_ways():
    """Labels of the published table up and down, each with its sign; steps and range by hand."""
    up, down = 1 + exponential(PULSES, TABLE[3.01]), 3 - 2 * exponential(PULSES, TABLE[6.01])
    found = update_statistics([up], [down])
    assert found.potentiation == pytest.approx(3.01, rel=0.02)
    assert found.depression == pytest.approx(-6.01, rel=0.02)
    assert found.asymmetry == pytest.approx(3.01 + 6.01, rel=0.02)
    assert found.on_off == pytest.approx(3.0)


@pytest.mark.parametrize("bad", [[1.0, 2.0], [1.0, np.nan, 2.0], [1.0, 3.0, 1.0]])
def test_curves_without_a_label_are_refused(bad):
    with pytest.raises(ValueError, match="conductance must"):
        nonlinearity(bad)


def small(name, layers=8, side=8, **values):
    """Return a small device of a packaged set."""
    material = Material.load(name)
    if values:
        material = material.with_values(values)
    a = material.lattice.spacing
    return Device(material, layers * a, side * a, seed=1)


def vacant(device):
    """Return the host sites of the vacancies."""
    return np.flatnonzero(device.engine.species[: device.n_hosts] == VACANCY.code).astype(np.int32)


def test_on_off_of_a_frozen_filament_ends_at_the_bare_oxide():
    device = small("TaOx")
    sites, layer = vacant(device), device.lattice.layer
    values = []
    for gap in range(9):
        device.fields.solve(sites[layer[sites] >= gap])
        values.append(device.fields.solution.conductance)
    numbers = device.material.conduction
    assert values[-1] == pytest.approx(64 * numbers.background / 9, rel=1e-9)
    assert all(a >= b for a, b in pairwise(values))


def test_soret_coefficient_of_taox_is_minus_the_barrier():
    # S = Q* / kT^2 = -E / kT^2: the hop reads the temperature of the site it goes to.
    vacancy = Material.load("TaOx").vacancy
    assert vacancy.heat_of_transport == -vacancy.migration_barrier
    assert soret_lever(vacancy.migration_barrier, vacancy.heat_of_transport) == 1.0


def test_inert_electrodes_keep_the_number_of_vacancies():
    device = small("Ta2O5-Pt", side=6)
    before = len(vacant(device))
    device.advance(Waveform.triangle(-1.5, 1e6), samples=5, budget=500)
    assert device.events > 0
    assert len(vacant(device)) == before


@pytest.mark.parametrize("name", ["TaOx-FCM", "SiOx-FCM"])
def test_filament_that_changes_its_oxygen_stays_ohmic_and_whole(name):
    device = small(name, **{"column.radius": 0.52e-9})
    before = len(vacant(device))
    for voltage in (-2.0, 2.0):
        device.advance(Waveform.pulse(voltage, 0.02, 1e-4), samples=3, budget=2000)
        assert device.current(0.2) == pytest.approx(2 * device.current(0.1), rel=1e-12)
        assert (np.bincount(device.lattice.layer[vacant(device)], minlength=8) > 0).all()
        if voltage < 0:
            assert len(vacant(device)) < before  # oxygen came back from the electrode


def test_siox_generation_barrier_is_the_mean_over_trapped_electrons():
    # 0, 1, 2 electrons: 4.5, 2.5, 0.7 eV, each brought from the Fermi level at 0.3 eV (note in the file).
    kt = BOLTZMANN_EV * 300.0
    weight = np.exp(-0.3 * np.arange(3) / kt)
    rate = (weight * np.exp(-np.array([4.5, 2.5, 0.7]) / kt)).sum() / weight.sum()
    for name in ("SiOx", "SiOx-C"):
        assert Material.load(name).exchange.barrier == pytest.approx(-kt * np.log(rate), abs=1e-6)


@pytest.mark.parametrize("name", ["HfO2-fast", "HfO2-volatile", "TaOx", "TiOx", "SiOx"])
def test_two_vacancies_in_the_top_layer_bind_as_everywhere(name):
    """The exchange that makes a vacancy beside another one costs less by the binding energy of the file."""
    material = Material.load(name).with_values(
        {"column.vacancy_fraction": 0.0, "disorder.site_energy": 0.0, "exchange.depth": 0.0}
        if Material.load(name).has("disorder")
        else {"column.vacancy_fraction": 0.0}
    )
    device = Device(material, 1.56e-9, 1.56e-9, seed=1)
    made = (number for number, one in enumerate(device.chemistry.mechanisms) if one.name == "oxygen exchange")
    exchange, top = next(made), device.shape[2] - 1

    def energies():
        table = device.transitions()
        ways = (table["mechanism"] == exchange) & (table["direction"] == 0)
        places = zip(table["site_a"][ways], table["energy"][ways], np.flatnonzero(ways), strict=True)
        return {
            int(site): (float(energy), int(k)) for site, energy, k in places if site % device.shape[2] == top
        }

    alone = energies()
    first = next(iter(alone))
    device.fire(alone[first][1])
    beside = [
        energy - alone[site][0]
        for site, (energy, _) in energies().items()
        if site in device.lattice.motifs["nearest"][first]
    ]
    assert len(beside) == 4
    np.testing.assert_allclose(beside, -material.vacancy.binding_energy, atol=2e-3)
