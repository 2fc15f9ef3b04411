"""Rates of the set HfO2-ETH against Arrhenius with the barriers of DeviceKMC, written again here."""

import math

import numpy as np

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.lattice import Lattice
from frenkel.kinetic.lattice.species import EMPTY, INTERSTITIAL, OXYGEN, VACANCY
from frenkel.kinetic.lattice_gas import LatticeGas
from frenkel.kinetic.materials.material import Material
from frenkel.kinetic.materials.stack import Stack
from frenkel.kinetic.mechanisms.reactions import build_chemistry

# github.com/manasakani/DeviceKMC, src/structure_input.h: generation in the oxide and at the interface, hops
# of vacancy and oxygen ion (eV), attempt frequency "10e13" (Hz); recombination has no barrier.
PAIR, INTERFACE, VACANCY_HOP, ION_HOP, ATTEMPT = 3.93, 1.66, 1.09, 0.76, 1e14
CHARGE = 2
BOLTZMANN = 1.380649e-23 / 1.602176634e-19  # eV/K
SHAPE = (5, 4, 6)
FIELDS = (0.0, 5e7, 5e8, 1.2e9)  # V/m
NAMES = ("vacancy hop", "oxygen exchange", "interstitial hop", "Frenkel pair", "interstitial exchange")
BARRIERS = dict(zip(NAMES, (VACANCY_HOP, 0.0, ION_HOP, 0.0, ION_HOP), strict=True))


def tilted(barrier, energy):
    """Return the activation energy (eV) of a sinusoidal barrier whose end lies ``energy`` (eV) higher."""
    if abs(energy) >= math.pi * barrier:
        return max(0.0, energy)
    g = energy / (math.pi * barrier)
    return barrier * (math.sqrt(1 - g * g) + g * math.asin(g)) + energy / 2


def by_hand(event, name, occupied, potential, top):
    """Return the energy difference (eV) of an event in a frozen potential (V)."""
    a, b = int(event["site_a"]), int(event["site_b"])
    sign = -1 if event["direction"] else 1
    if name in ("vacancy hop", "interstitial hop"):
        start, end = (a, b) if occupied[a] else (b, a)
        charge = CHARGE if name == "vacancy hop" else -CHARGE
        return charge * (potential[end] - potential[start])
    if name == "Frenkel pair":
        return sign * (PAIR + CHARGE * (potential[a] - potential[b]))
    energy = INTERFACE if name == "oxygen exchange" else INTERFACE - PAIR
    return sign * (energy + CHARGE * (potential[a] - top))


def frozen_field(material, seed, field, temperature):
    """Return the largest relative difference of the rates of a random state in a uniform field (V/m)."""
    random = np.random.default_rng(seed)
    lattice = Lattice.cubic(SHAPE, material.lattice.spacing, interstitial=True)
    chemistry = build_chemistry(Stack((material,), SHAPE[2:]), lattice, SHAPE, random)
    species = np.full(lattice.n_sites, EMPTY.code, np.int8)
    species[: lattice.n_hosts] = OXYGEN.code
    species[random.choice(lattice.n_hosts, 15, replace=False)] = VACANCY.code
    ions = random.choice(lattice.n_sites - lattice.n_hosts, 10, replace=False) + lattice.n_hosts
    species[ions] = INTERSTITIAL.code
    potential, top = field * lattice.position[:, 2], field * lattice.thickness
    gas = LatticeGas(
        lattice,
        chemistry.mechanisms,
        species,
        interactions=chemistry.interactions,
        potential=potential,
        electrode_potential=(0.0, top),
        temperature=temperature,
        reservoir=(0, 100),
        seed=seed,
    )
    occupied = (species == VACANCY.code) | (species == INTERSTITIAL.code)
    worst = 0.0
    for event in gas.transitions():
        name = chemistry.mechanisms[event["mechanism"]].name
        barrier = tilted(BARRIERS[name], by_hand(event, name, occupied, potential, top))
        expected = ATTEMPT * math.exp(-barrier / (BOLTZMANN * temperature))
        worst = max(worst, abs(event["rate"] / expected - 1))
    return worst


def in_device(material, seed):
    """Return the same for a device at 0 V, with the energies of its own charges."""
    device = Device(material, 1.6e-9, 1.6e-9, seed=seed)
    random = np.random.default_rng(seed)
    for _ in range(8):
        kinds = device.transitions()["mechanism"]
        # Every mechanism in turn, else the many bulk pairs would be all there is.
        device.fire(int(random.choice(np.flatnonzero(kinds == random.choice(np.unique(kinds))))))
    device.source_voltage = device.device_voltage = 0.0
    worst = 0.0
    for event in device.transitions():
        name = device.chemistry.mechanisms[event["mechanism"]].name
        barrier = tilted(BARRIERS[name], float(event["energy"]))
        expected = ATTEMPT * math.exp(-barrier / (BOLTZMANN * device.temperature))
        worst = max(worst, abs(event["rate"] / expected - 1))
    return worst


def largest_difference(seed):
    """Return the largest relative difference of any rate of one seed, in all fields and in a device."""
    material = Material.load("HfO2-ETH")
    found = [frozen_field(material, seed, field, 300.0 + 100 * seed) for field in FIELDS]
    return max(*found, in_device(material, seed))
