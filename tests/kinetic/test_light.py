"""Light makes the mobile ion of a material hop faster, forward and reverse alike, and nothing else."""

import numpy as np
import pytest

from frenkel.kinetic.device import Device
from frenkel.kinetic.finite_difference import FiniteDifference
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import INTERSTITIAL, Species
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.mechanisms.mechanism import Mechanism
from frenkel.kinetic.waveform import Waveform
from frenkel.units import BOLTZMANN_EV

MATERIAL = Material.load("MAPbI3-Ag").with_values({"interstitial.fraction": 0.02})
FLUX = MATERIAL.light.flux
ION, VOID = Species("ion", 0, 0, 0.0), Species("void", 1, 0, 0.0)
HALIDE = MATERIAL.mechanisms.index("interstitial hop")


def made(material=MATERIAL, seed=3, **options):
    """Return a small device."""
    spacing = material.lattice.spacing
    return Device(material, 4 * spacing, 4 * spacing, seed=seed, **options)


def test_the_factor_is_that_of_the_file_at_its_flux_and_follows_the_power():
    numbers = MATERIAL.light
    assert numbers.at(0.0) == 1.0 and numbers.at(FLUX) == pytest.approx(numbers.factor)
    grown = (numbers.at(100 * FLUX) - 1) / (numbers.at(FLUX) - 1)
    assert grown == pytest.approx(100**numbers.power)


@pytest.mark.parametrize("voltage", [0.0, 0.3])
def test_light_multiplies_the_hops_of_the_mobile_ion_alone(voltage):
    device = made()
    dark, mechanism = device.rates(voltage), device.transitions()["mechanism"]
    assert {HALIDE} < set(mechanism)
    device.light = FLUX
    factor = np.where(mechanism == HALIDE, MATERIAL.light.factor, 1.0)
    np.testing.assert_allclose(device.rates(voltage), dark * factor, rtol=1e-12)
    device.light = 0.0
    np.testing.assert_array_equal(device.rates(voltage), dark)


@pytest.mark.parametrize("flux", [0.0, FLUX])
def test_forward_over_reverse_is_that_of_the_dark(flux):
    """Seen to fail with the factor on one direction alone."""
    device = made(seed=4)
    device.light = flux
    table = device.transitions()
    k = int(np.flatnonzero(table["mechanism"] == HALIDE)[0])
    event = table[k]
    device.fire(k)
    after = device.transitions()
    # The ion goes back: same pair of sites, the other way round.
    back = (after["mechanism"] == HALIDE) & (after["site_a"] == event["site_b"])
    back &= after["site_b"] == event["site_a"]
    assert back.sum() == 1
    ratio = event["rate"] / after["rate"][back][0]
    assert np.log(ratio) == pytest.approx(-event["energy"] / (BOLTZMANN_EV * 300.0), abs=1e-6)


def test_the_clock_runs_by_the_factor_and_the_atoms_take_the_same_way():
    """A device in which the mobile ion alone can move does the same in light, earlier."""
    alone = MATERIAL.with_mechanisms(["cation hop", "interstitial hop"])
    devices = [made(alone) for _ in range(2)]
    devices[1].light = FLUX
    for device in devices:
        device.advance(
            Waveform.constant(0.1, 1.0), samples=2, stop=lambda at, _: at.events >= 20
        )
    dark, bright = devices
    assert dark.events == bright.events == 20
    np.testing.assert_array_equal(dark.engine.species, bright.engine.species)
    assert dark.count(INTERSTITIAL.code) > 0
    assert dark.time / bright.time == pytest.approx(MATERIAL.light.factor, rel=1e-9)


def test_a_change_of_temperature_and_a_twin_keep_the_light():
    device, other = made(), made()
    device.light = other.light = FLUX
    device.temperature = 330.0
    fresh = made(temperature=330.0)
    fresh.light = FLUX
    np.testing.assert_array_equal(device.rates(0.2), fresh.rates(0.2))
    assert device.branch(1).light == FLUX
    twin = made()
    FiniteDifference._follow(twin, other)
    assert twin.light == FLUX


def test_light_that_cannot_be_is_refused():
    device = made()
    with pytest.raises(ValueError, match="light must be between 0 and 1e"):
        device.light = -1.0
    with pytest.raises(ValueError, match=r"light must be 0 for material HfO2-fast, which has no .*\[light\]"):
        made(Material.load("HfO2-fast")).light = 1e19
    lattice = Lattice.cubic((3, 3, 3), 3e-10)
    hop = Mechanism("hop", before=(ION, VOID), after=(VOID, ION), barrier=0.5, attempt_frequency=1e13)
    gas = LatticeGas(lattice, [hop], np.zeros(27, np.int8) + ION.code, seed=1)
    with pytest.raises(ValueError, match="light of a lattice gas must be between 0 and 0"):
        gas.light = 1e19
    assert device.light == 0.0
