"""Capture and emission with many phonons: one table for both, the classical limit, twin, device."""

import math

import barrier_laws
import numpy as np
import pytest
from gas_runs import run
from round_trips import FALSE_ALARM, way_back
from scipy import stats
from trap_materials import KT, leaf, material
from trap_network import Marcus, Multiphonon

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import EMPTY, FILLED_TRAP, OXYGEN, TRAP
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.rows import MaterialError
from frenkel.kinetic.mechanisms import traps
from frenkel.kinetic.mechanisms.lineshape import tabulate
from frenkel.kinetic.mechanisms.mechanism import Mechanism, SiteEnergy
from frenkel.units import BOLTZMANN_EV

HAFNIA = Multiphonon(relaxation_energy=1.19, phonon_energy=0.07)
S17 = {"huang_rhys": (17.0, "1"), "phonon_energy": (0.07, "eV"), "relaxation_energy": None}


def of_phonons(mechanisms=("vacancy hop", "oxygen exchange", "electron capture"), **values):
    document = material(mechanisms).document()
    for key, value in (S17 | values).items():
        if value is None:
            document["trap"].pop(key, None)
        else:
            document["trap"][key] = leaf(*value)
    return Material(document, "phonons")


def test_the_table_is_the_transition_and_both_directions_share_it():
    """ln of the rate to 1e-3 of `Multiphonon` with a contact, inverted region and beyond the grid too."""
    rng = np.random.default_rng(1)
    table = tabulate(HAFNIA)
    for temperature in (100.0, 300.0, 411.0, 900.0):
        energy, kt = rng.uniform(-7, 7, 60), BOLTZMANN_EV * temperature
        height = barrier_laws.multiphonon(table, energy, temperature)
        right = HAFNIA.log_exchanged(energy, temperature) - 0.5 * energy / kt
        np.testing.assert_allclose(-height / kt, right, atol=2e-3)
        back = barrier_laws.multiphonon(table, -energy, temperature)
        np.testing.assert_allclose(height - back, energy, atol=1e-14)
        twin = barrier_laws.compiled(0.0, energy, "multiphonon", kelvin=temperature, shape=table)
        np.testing.assert_allclose(twin, height, atol=1e-14)


def test_classical_limit_is_marcus():
    """S = 600 soft phonons at 600 K: ln of the rate within 0.02 of Marcus' with the same metal, over 3 eV.

    The prefactor differs by the width of the classical line, as in `tat`; 40 phonons are 0.1 off there.
    """
    energy = np.linspace(-1.5, 1.5, 25)
    classical = Marcus(relaxation_energy=1.2).log_exchanged(energy, 600.0) - 0.5 * energy / (2 * KT)
    off = []
    for phonon in (0.002, 0.03):
        table = tabulate(Multiphonon(relaxation_energy=1.2, phonon_energy=phonon))
        off.append(np.abs(-barrier_laws.multiphonon(table, energy, 600.0) / (2 * KT) - classical).max())
    assert off[0] < 0.02 < off[1]


def test_a_cold_trap_tunnels_where_the_classical_one_freezes():
    """At 100 K the phonons' zero-point motion catches electrons that Marcus' law would leave for ages."""
    table = tabulate(HAFNIA)
    quantum = -barrier_laws.multiphonon(table, 0.0, 100.0) / (BOLTZMANN_EV * 100.0)
    classical = Marcus(relaxation_energy=1.19).log_exchanged(np.zeros(1), 100.0)[0]
    assert quantum > classical + 5.0


@pytest.mark.parametrize("more", [(), ("electron capture, filament", "trap relaxation")])
def test_capture_and_emission_are_each_others_reverse(more):
    """X-07 at 1.3 V: energies to 1e-12 eV; at 0 V, where all is at one temperature, rates exp(-dE/kT) too."""
    mechanisms = ("vacancy hop", "oxygen exchange", "electron capture", *more)
    device = Device(of_phonons(mechanisms), 8 * 0.26e-9, 8 * 0.26e-9, seed=3)
    rng = np.random.default_rng(5)
    for voltage in (0.0, 1.3):
        device.device_voltage = voltage
        events, start = device.transitions(), device.engine.state()
        for k in rng.permutation(np.flatnonzero(events["mechanism"] >= 2))[:25]:
            device.engine.restore(start)
            device.fire(int(k))
            after = device.transitions()
            back = after[way_back(device, events[k], after)]
            assert abs(events["energy"][k] + back["energy"]) < 1e-12
            if voltage == 0.0:
                ratio = math.log(events["rate"][k] / back["rate"])
                assert ratio == pytest.approx(-events["energy"][k] / KT, abs=1e-9)
        device.engine.restore(start)


def test_dwell_times_have_the_rates_of_the_transition():
    """Both dwell times by KS against `Multiphonon` itself, p > 1e-4 each; fails with one phonon more."""
    lattice = Lattice.cubic((3, 3, 4), 0.3e-9, interstitial=True)
    capture = Mechanism(
        "capture",
        before=(TRAP,),
        after=(FILLED_TRAP,),
        electrode="bottom",
        remote=True,
        law="multiphonon",
        barrier=0.0,
        transition=HAFNIA,
        attempt_frequency=1e13,
        energy=0.05,
    )
    codes = np.where(lattice.sublattice == 1, EMPTY.code, OXYGEN.code)
    site = lattice.n_hosts + 4
    codes[site] = TRAP.code
    background = [SiteEnergy(kind, np.zeros(lattice.n_sites)) for kind in (OXYGEN, EMPTY)]
    gas = LatticeGas(lattice, [capture], codes, interactions=background, seed=12)
    time, _, direction, _, _ = np.array(run(gas, events=3000, log=True).log).T
    waits = np.diff(time, prepend=0.0)
    times = {TRAP.code: waits[direction == 0], FILLED_TRAP.code: waits[direction == 1]}
    assert len(waits) == 3000

    def p_value(transition, code, energy):
        shared = transition.log_exchanged(np.array([energy]), 300.0)[0]
        rate = 1e13 * math.exp(shared - 0.5 * energy / KT)
        return stats.kstest(times[code], stats.expon(scale=1 / rate).cdf).pvalue

    one_more = Multiphonon(relaxation_energy=1.26, phonon_energy=0.07)
    for code, energy in ((TRAP.code, 0.05), (FILLED_TRAP.code, -0.05)):
        assert p_value(HAFNIA, code, energy) > FALSE_ALARM > p_value(one_more, code, energy)


def test_one_way_to_say_how_the_lattice_relaxes():
    assert of_phonons().trap.huang_rhys == 17.0
    for wrong in ({"relaxation_energy": (1.0, "eV")}, {"huang_rhys": None}, {"phonon_energy": None}):
        with pytest.raises(MaterialError, match="must have either relaxation_energy, or huang_rhys and"):
            of_phonons(**wrong)
    with pytest.raises(MaterialError, match="huang_rhys times phonon_energy must be between"):
        of_phonons(huang_rhys=(100.0, "1"))
    with pytest.raises(ValueError, match="temperature must be at least 77 K"):
        Device(of_phonons(), 8 * 0.26e-9, 8 * 0.26e-9, seed=3, temperature=50.0)


def test_an_exchange_has_the_barrier_of_its_law_alone():
    """Classical: a quarter of the relaxation energy; with phonons none besides that of their table.

    So both laws have one rate where the phonons are soft (Marcus' limit), here S = 480 at 600 K.
    """
    lattice = Lattice.cubic((3, 3, 4), 2.6e-10, interstitial=True)
    (classical, *_), (quantum, *_) = (
        traps.capture(one, lattice)
        for one in (material(), of_phonons(huang_rhys=(480.0, "1"), phonon_energy=(0.0025, "eV")))
    )
    assert classical.barrier == pytest.approx(material().trap.relaxation_energy / 4.0)
    assert quantum.barrier == 0.0 and quantum.transition.relaxation_energy == pytest.approx(1.2)
    energy, kt = np.linspace(-0.5, 0.5, 5), 2 * KT
    height = quantum.barrier + barrier_laws.multiphonon(tabulate(quantum.transition), energy, 600.0)
    marcus = Marcus(relaxation_energy=1.2).log_exchanged(energy, 600.0) - 0.5 * energy / kt
    np.testing.assert_allclose(-height / kt, marcus, atol=0.02)
