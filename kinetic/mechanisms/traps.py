"""Electron traps: where they are, how they catch and lose electrons, and what their charge does to bonds.

A trap stands on a site between the host sites and holds an electron or not; a vacancy may hold electrons
too. Capture and emission are one mechanism with an electrode, or with the nearest node of the filament: a
non-radiative multiphonon transition [1]_, by the line shape of Huang and Rhys with the occupied states of a
metal, or in its classical limit, where the barrier is that of two crossing parabolas. The ratio of both rates
is exp(-dE/kT), dE being the level in the potential of its place less the Fermi level of the source.

.. [1] T. Grasser, "Stochastic charge trapping in oxides: from random telegraph noise to bias temperature
   instabilities", Microelectron. Reliab. 52, 39 (2012), doi:10.1016/j.microrel.2011.09.002.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...typing import Floats
from ...units import BOLTZMANN_EV, ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY
from ..lattice.lattice import Lattice
from ..lattice.species import (
    EXCITED_TRAP,
    FILLED_EXCITED_TRAP,
    FILLED_TRAP,
    INTERSTITIAL_SITES,
    TRAP,
    VACANCY_ONE,
    VACANCY_TWO,
    Species,
)
from ..materials.material import Material
from ..materials.sections import ElectronNumbers
from .barrier import MARCUS, MULTIPHONON
from .mechanism import Electrode, Mechanism, PairInteraction, SiteEnergy

FOUR_STATES = "trap relaxation"
REACH = 8.0
"""Screening lengths beyond which a trap leaves bonds as they are (factor within exp(-exp(-8)))."""


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
    steps = [(before, after, 0.0) for before, after in _ways(material)]
    return _exchange("electron capture", material.trap, steps, ("bottom", "top"), lattice)


def capture_from_filament(material: Material, lattice: Lattice) -> tuple[Mechanism, ...]:
    """Return capture and emission with the nearest node of the network; a device knows which and how far."""
    steps = [(before, after, 0.0) for before, after in _ways(material)]
    return _exchange("electron capture", material.trap, steps, ("filament",), lattice)


def _ways(material: Material) -> list[tuple[Species, Species]]:
    """Return the states before and after each way to catch an electron."""
    empty, filled, excited, filled_excited = trap_states(material)
    if FOUR_STATES in material.mechanisms:
        return [(empty, filled_excited), (excited, filled)]
    return [(empty, filled)]


def _exchange(
    name: str,
    numbers: ElectronNumbers,
    steps: Sequence[tuple[Species, Species, float]],
    sources: Sequence[Electrode],
    lattice: Lattice,
) -> tuple[Mechanism, ...]:
    """Return one mechanism per source and step: before, after and the energy (eV) besides the site's."""
    exchanges = []
    height = lattice.position[:, 2]
    for source in sources:
        distance = height if source == "bottom" else lattice.thickness - height
        for number, (before, after, energy) in enumerate(steps):
            exchanges.append(
                Mechanism(
                    f"{name}, {source}" + (f" {number + 1}" if len(steps) > 1 else ""),
                    before=(before,),
                    after=(after,),
                    electrode=source,
                    remote=True,
                    attempt_frequency=numbers.attempt_frequency,
                    energy=energy,
                    frequency_factor=None
                    if source == "filament"
                    else np.exp(-2.0 * distance / numbers.decay_length),
                    **_law(numbers),
                )
            )
    return tuple(exchanges)


def _law(numbers: ElectronNumbers) -> dict[str, Any]:
    """Return the law of capture and emission: classical, or with the phonons of one energy."""
    if numbers.huang_rhys == 0.0:
        return {"law": MARCUS, "barrier": numbers.relaxation_energy / 4.0}
    from .multiphonon import Multiphonon  # and what it imports

    relaxation = numbers.huang_rhys * numbers.phonon_energy
    transition = Multiphonon(relaxation_energy=relaxation, phonon_energy=numbers.phonon_energy)
    return {"law": MULTIPHONON, "barrier": 0.0, "transition": transition}


def charged_vacancies(material: Material, defect: Species) -> tuple[Species, Species]:
    """Return the vacancy with one and with two electrons.

    Raises
    ------
    ValueError
        If an isolated vacancy is not doubly charged, or there is no electrostatics to charge it in.
    """
    if defect.charge != 2.0:
        raise ValueError(f"vacancy.charge must be 2 for charge_states, got {defect.charge:g}")
    if material.has("interface"):
        raise ValueError(
            f"material {material.name} has sections [interface] and [charge_states]: columns take none"
        )
    return (
        replace(VACANCY_ONE, name=f"{defect.name} with one electron"),
        replace(VACANCY_TWO, name=f"{defect.name} with two electrons"),
    )


def charge_capture(material: Material, lattice: Lattice, defect: Species) -> tuple[Mechanism, ...]:
    """Return how vacancies catch (forward) and lose their first and their second electron, at each electrode.

    Energies are those of isolated vacancies; a clustered one is neutral and lower by the charge transition,
    which a device adds by its rule.
    """
    numbers = material.charge_states
    single, double = charged_vacancies(material, defect)
    steps = [
        (defect, single, numbers.level_one + material.electrostatics.charge_transition),
        (single, double, numbers.level_two),
    ]
    return _exchange("vacancy electron capture", numbers, steps, ("bottom", "top"), lattice)


def defect_binding(material: Material, vacancies: Sequence[Species]) -> list[PairInteraction]:
    """Return what each defect next to a filled trap takes off its energy."""
    shift = material.trap.defect_shift
    _, filled, _, filled_excited = trap_states(material)
    states = (filled, filled_excited) if FOUR_STATES in material.mechanisms else (filled,)
    if not shift:
        return []
    return [
        PairInteraction(state, vacancy, -shift, motif="pair") for state in states for vacancy in vacancies
    ]


def given_traps(lattice: Lattice, traps: ArrayLike) -> tuple[NDArray[np.int32], Floats]:
    """Return the sites nearest to given places, ascending, and their levels (eV), NaN where none is given.

    Parameters
    ----------
    lattice : Lattice
    traps : array_like of shape (n, 3) or (n, 4)
        Places (m), inside the box, and levels above the Fermi level of the electrodes (eV).

    Raises
    ------
    ValueError
        Another shape, a place outside the box, or two traps on one site.
    """
    rows = np.asarray(traps, np.float64)
    if rows.ndim != 2 or rows.shape[1] not in (3, 4) or not np.isfinite(rows).all():
        raise ValueError(f"traps must be finite numbers of shape (n, 3) or (n, 4), got shape {rows.shape}")
    size = np.array(
        [lattice.shape[0] * lattice.spacing, lattice.shape[1] * lattice.spacing, lattice.thickness]
    )
    if ((rows[:, :3] < 0.0) | (rows[:, :3] > size)).any():
        raise ValueError(f"traps must lie between 0 and {size[0]:g}, {size[1]:g} and {size[2]:g} m")
    sites = np.flatnonzero(lattice.sublattice == INTERSTITIAL_SITES)
    displacement = lattice.position[sites][None] - rows[:, None, :3]
    if lattice.lateral == "periodic":
        displacement[..., :2] -= np.round(displacement[..., :2] / size[:2]) * size[:2]
    chosen = sites[(displacement**2).sum(axis=2).argmin(axis=1)]
    order = np.argsort(chosen, kind="stable")
    chosen = chosen[order].astype(np.int32)
    if (np.diff(chosen) == 0).any():
        raise ValueError("traps must be on sites of their own, a lattice spacing apart, got two on one site")
    level = rows[order, 3] if rows.shape[1] == 4 else np.full(len(rows), np.nan)
    return chosen, level


def relaxation(material: Material) -> tuple[Mechanism, ...]:
    """Return the transitions between stable and metastable state, of the empty and of the filled trap.

    What they cost are energies of states, `trap_levels`: stated here too, a trap would gain on every round.
    """
    numbers = material.trap
    empty, filled, excited, filled_excited = trap_states(material)
    return tuple(
        Mechanism(
            name,
            before=(stable,),
            after=(other,),
            barrier=numbers.metastable_barrier,
            attempt_frequency=numbers.attempt_frequency,
        )
        for name, stable, other in (
            ("trap relaxation, empty", empty, excited),
            ("trap relaxation, filled", filled, filled_excited),
        )
    )


def trap_levels(
    material: Material,
    lattice: Lattice,
    sites: NDArray[np.int32],
    rng: np.random.Generator,
    given: Floats | None = None,
) -> list[SiteEnergy]:
    """Return the energy (eV) of a filled trap per site: its level, given or drawn from a normal law."""
    numbers = material.trap
    level = np.zeros(lattice.n_sites)
    level[sites] = numbers.level + numbers.level_spread * rng.standard_normal(len(sites))
    if given is not None:
        level[sites] = np.where(np.isnan(given), level[sites], given)
    _, filled, excited, filled_excited = trap_states(material)
    energies = [SiteEnergy(filled, level)]
    if FOUR_STATES in material.mechanisms:
        excited_energy = np.full(lattice.n_sites, numbers.metastable_energy)
        energies += [SiteEnergy(excited, excited_energy), SiteEnergy(filled_excited, level + excited_energy)]
    return energies


def corners(lattice: Lattice, sites: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the eight host sites around each trap, shape (n_traps, 8)."""
    if not len(sites):
        return np.zeros((0, 8), np.int32)
    return np.ascontiguousarray(lattice.motifs["pair"][sites, :8], dtype=np.int32)


class BondModulation:
    """What charged traps do to the bonds around them.

    An electron that hops at distance r from a trap of charge number z meets the screened Coulomb energy

        U(r) = -z e^2 exp(-r/l) / (4 pi eps r)

    and a bond conducts less by exp(-(U_a + U_b) / 2 kT), the mean of both ends; a factor per site therefore.
    Within a filament the electron does not hop: there the charge scatters, screened by the metal, and acts
    with the share `metallic_share` of the exponent.

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
        self.metallic_share = material.trap.metallic_share
        hosts = lattice.position[: lattice.n_hosts]
        length = material.trap.screening_length
        scale = ELEMENTARY_CHARGE / (
            4.0 * np.pi * material.electrostatics.permittivity * VACUUM_PERMITTIVITY
        )  # V m
        period = np.array([lattice.shape[0], lattice.shape[1]]) * lattice.spacing
        self.exponent = np.zeros((len(sites), lattice.n_hosts))
        for row, site in enumerate(sites):
            displacement = hosts - lattice.position[site]
            if lattice.lateral == "periodic":
                displacement[:, :2] -= np.round(displacement[:, :2] / period) * period
            r = np.sqrt(np.sum(displacement**2, axis=1))
            energy = np.where(r < REACH * length, scale / r * np.exp(-r / length), 0.0)
            self.exponent[row] = energy / (2.0 * BOLTZMANN_EV * temperature)

    def factors(self, charge: Floats) -> tuple[Floats, Floats]:
        """Return the factor of each host site on bonds over a gap, and on those of a filament.

        Parameters
        ----------
        charge : ndarray of shape (n_traps,)
            Charge numbers of the traps.
        """
        exponent = charge @ self.exponent
        return np.asarray(np.exp(exponent)), np.asarray(np.exp(self.metallic_share * exponent))


def nearest_nodes(
    lattice: Lattice, sites: NDArray[np.int32], nodes: NDArray[np.int32]
) -> tuple[NDArray[np.intp], Floats]:
    """Return which host site is nearest to each of the given sites (the first of equals), and how far (m)."""
    displacement = lattice.position[sites][:, None] - lattice.position[nodes][None]
    if lattice.lateral == "periodic":
        period = np.array([lattice.shape[0], lattice.shape[1]]) * lattice.spacing
        displacement[..., :2] -= np.round(displacement[..., :2] / period) * period
    # Equal distances must stay equal: the choice may not depend on the last digit.
    squared = np.round((displacement**2).sum(axis=2) / lattice.spacing**2, 6)
    nearest = squared.argmin(axis=1)
    return nearest, lattice.spacing * np.sqrt(squared[np.arange(len(sites)), nearest])
