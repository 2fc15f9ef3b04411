"""Electron traps: where they are, how they catch and lose electrons, and what their charge does to bonds.

A trap stands on a site between the host sites and holds an electron or not. Capture and emission are one
mechanism with an electrode, in the classical limit of the non-radiative multiphonon transition [1]_: the
barrier is that of two crossing parabolas and the ratio of both rates exp(-dE/kT), dE being the level of the
trap in the potential of its place less the Fermi level of the electrode.

.. [1] T. Grasser, "Stochastic charge trapping in oxides: from random telegraph noise to bias temperature
   instabilities", Microelectron. Reliab. 52, 39 (2012), doi:10.1016/j.microrel.2011.09.002.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..units import BOLTZMANN_EV, ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
from .barrier import MARCUS
from .lattice import Lattice
from .material import Material
from .mechanism import Electrode, Mechanism, SiteEnergy
from .species import EXCITED_TRAP, FILLED_EXCITED_TRAP, FILLED_TRAP, INTERSTITIAL_SITES, TRAP, Species

Floats = NDArray[np.float64]
FOUR_STATES = "trap relaxation"
REACH = 8.0
"""Screening lengths beyond which a trap leaves bonds alone (factor within exp(-exp(-8)))."""


def trap_sites(material: Material, lattice: Lattice, rng: np.random.Generator) -> NDArray[np.int32]:
    """Draw the sites of the traps: a Poisson number of them, uniform over the sites between the hosts."""
    sites = np.flatnonzero(lattice.sublattice == INTERSTITIAL_SITES)
    mean = material.trap.density * lattice.n_hosts * lattice.spacing**3
    count = int(rng.poisson(mean))
    if count > len(sites):
        raise ValueError(
            f"trap.density must leave at most one trap per site, {len(sites)} of them here, got {count} traps"
        )
    return np.sort(rng.choice(sites, size=count, replace=False)).astype(np.int32)


def trap_states(material: Material) -> tuple[Species, Species, Species, Species]:
    """Return the states of a trap with this material's charges: empty, filled, and both metastable."""
    empty = float(material.trap.charge)
    return (
        replace(TRAP, charge=empty),
        replace(FILLED_TRAP, charge=empty - 1.0),
        replace(EXCITED_TRAP, charge=empty),
        replace(FILLED_EXCITED_TRAP, charge=empty - 1.0),
    )


def capture(material: Material, lattice: Lattice) -> tuple[Mechanism, ...]:
    """Return capture (forward) and emission (reverse) of an electron, with each electrode.

    Two states: empty to filled. Four states: the stable empty trap to the metastable filled one, and the
    metastable empty one to the stable filled one; "trap relaxation" leads between stable and metastable.
    """
    numbers = material.trap
    empty, filled, excited, filled_excited = trap_states(material)
    four = FOUR_STATES in material.mechanisms
    ways = [(empty, filled_excited), (excited, filled)] if four else [(empty, filled)]
    names: tuple[Electrode, ...] = ("bottom", "top")
    found = []
    for electrode in names:
        height = lattice.position[:, 2]
        distance = height if electrode == "bottom" else lattice.thickness - height
        for number, (before, after) in enumerate(ways):
            found.append(
                Mechanism(
                    f"electron capture, {electrode}" + (f" {number + 1}" if four else ""),
                    before=(before,),
                    after=(after,),
                    electrode=electrode,
                    remote=True,
                    barrier=numbers.relaxation_energy / 4.0,
                    law=MARCUS,
                    attempt_frequency=numbers.attempt_frequency,
                    frequency_factor=np.exp(-2.0 * distance / numbers.decay_length),
                )
            )
    return tuple(found)


def relaxation(material: Material) -> tuple[Mechanism, ...]:
    """Return the transitions between stable and metastable state, of the empty and of the filled trap."""
    numbers = material.trap
    empty, filled, excited, filled_excited = trap_states(material)
    return tuple(
        Mechanism(
            name,
            before=(stable,),
            after=(other,),
            barrier=numbers.metastable_barrier,
            attempt_frequency=numbers.attempt_frequency,
            energy=numbers.metastable_energy,
        )
        for name, stable, other in (
            ("trap relaxation, empty", empty, excited),
            ("trap relaxation, filled", filled, filled_excited),
        )
    )


def trap_levels(
    material: Material, lattice: Lattice, sites: NDArray[np.int32], rng: np.random.Generator
) -> list[SiteEnergy]:
    """Return the energy (eV) of a filled trap per site: its level, drawn from a normal distribution."""
    numbers = material.trap
    level = np.zeros(lattice.n_sites)
    level[sites] = numbers.level + numbers.level_spread * rng.standard_normal(len(sites))
    _, filled, excited, filled_excited = trap_states(material)
    found = [SiteEnergy(filled, level)]
    if FOUR_STATES in material.mechanisms:
        above = np.full(lattice.n_sites, numbers.metastable_energy)
        found += [SiteEnergy(excited, above), SiteEnergy(filled_excited, level + above)]
    return found


def corners(lattice: Lattice, sites: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the eight host sites around each trap, shape (n_traps, 8)."""
    if not len(sites):
        return np.zeros((0, 8), np.int32)
    return np.ascontiguousarray(lattice.motifs["pair"][sites, :8], dtype=np.int32)


class BondEase:
    """What charged traps do to the bonds around them.

    An electron that hops at distance r from a trap of charge number z meets the screened Coulomb energy

        U(r) = -z e^2 exp(-r/l) / (4 pi eps r)

    and a bond conducts less by exp(-(U_a + U_b) / 2 kT), the mean of both ends; a factor per site therefore.

    Parameters
    ----------
    material : Material
        With sections ``trap`` and ``electrostatics``.
    lattice : Lattice
    sites : ndarray of int32
        Sites of the traps.
    temperature : float
        Temperature of the electrons (K), that of the electrodes.
    """

    def __init__(
        self, material: Material, lattice: Lattice, sites: NDArray[np.int32], temperature: float
    ) -> None:
        self.sites = sites
        hosts = lattice.position[: lattice.n_hosts]
        length = material.trap.screening_length
        scale = ELEMENTARY_CHARGE / (
            4.0 * np.pi * material.electrostatics.permittivity * VACUUM_PERMITTIVITY
        )  # V m
        period = np.array([lattice.shape[0], lattice.shape[1]]) * lattice.spacing
        self.exponent = np.zeros((len(sites), lattice.n_hosts))
        for row, site in enumerate(sites):
            away = hosts - lattice.position[site]
            if lattice.lateral == "periodic":
                away[:, :2] -= np.round(away[:, :2] / period) * period
            r = np.sqrt(np.sum(away**2, axis=1))
            energy = np.where(r < REACH * length, scale / r * np.exp(-r / length), 0.0)
            self.exponent[row] = energy / (2.0 * BOLTZMANN_EV * temperature)

    def factor(self, charge: Floats) -> Floats:
        """Return the factor of each host site for the charge numbers of the traps, shape (n_traps,)."""
        return np.asarray(np.exp(charge @ self.exponent))
