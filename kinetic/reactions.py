"""From a material to what can happen on a lattice: mechanisms, interactions, weak column, first vacancies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .lattice import Lattice
from .material import Material
from .mechanism import Mechanism, PairInteraction, SiteEnergy
from .species import EMPTY, INTERSTITIAL, OXYGEN, VACANCY, Species

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chemistry:
    """Everything a material says about the atoms of one device.

    Attributes
    ----------
    mechanisms : tuple of Mechanism
        In the order in which the material names them.
    interactions : tuple of PairInteraction or SiteEnergy
        Energies of a configuration besides electrostatics.
    column : ndarray of bool, shape (n_hosts,)
        Host sites of the weak column (all of them without one).
    vacancy : Species
        The vacancy with this material's charge number.
    """

    mechanisms: tuple[Mechanism, ...]
    interactions: tuple[PairInteraction | SiteEnergy, ...]
    column: NDArray[np.bool_]
    vacancy: Species


@dataclass(frozen=True, slots=True)
class _Place:
    """What the builders below share: the lattice, its weak column and its disorder."""

    material: Material
    lattice: Lattice
    column: NDArray[np.bool_]
    vacancy: Species
    interstitial: Species
    disorder: Floats
    cap: NDArray[np.bool_]

    def outside(self, extra: float) -> Floats:
        """Return a barrier shift (n_sites,) of ``extra`` eV on host sites outside the column."""
        shift = np.zeros(len(self.lattice.sublattice))
        shift[: len(self.column)][~self.column] = extra
        return shift


def weak_column(
    lattice: Lattice, shape: tuple[int, int, int], radius: float, spacing: float
) -> NDArray[np.bool_]:
    """Return which host sites lie within ``radius`` (m) of the axis through the middle of the box."""
    nx, ny, nz = shape
    x, y = np.arange(nx) - nx // 2, np.arange(ny) - ny // 2
    # Half a part in 1e9: a radius of exactly two spacings includes the sites on it.
    disc = (x[:, None] ** 2 + y[None, :] ** 2) * spacing**2 <= radius**2 * (1 + 1e-9)
    return np.repeat(disc.ravel(), nz)


def cap_sites(material: Material, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Return which host sites belong to the reactive cap below the top electrode."""
    layers = round(material.cap.thickness / material.lattice.spacing) if material.has("cap") else 0
    return np.tile(np.arange(shape[2]) >= shape[2] - layers, shape[0] * shape[1])


def build_chemistry(
    material: Material,
    lattice: Lattice,
    shape: tuple[int, int, int],
    rng: np.random.Generator,
    barrier_shift: Mapping[str, Floats] | None = None,
) -> Chemistry:
    """Return mechanisms and interactions of ``material`` on ``lattice``.

    Parameters
    ----------
    material : Material
        Its ``mechanisms`` are switched on; sections it lacks mean that the effect is absent.
    lattice : Lattice
        Cubic, host sites first.
    shape : tuple of int
        Host sites in x, y and z.
    rng : numpy.random.Generator
        Draws the disorder of sites and barriers.
    barrier_shift : mapping of str to ndarray of shape (n_sites,) or (n_hosts,), optional
        Addition to the barrier (eV) per site, by name of the mechanism: a grain boundary, a strain field.

    Raises
    ------
    ValueError
        A mechanism that the material does not switch on, or an array of another length or not finite.
    """
    n_hosts = shape[0] * shape[1] * shape[2]
    column = np.ones(n_hosts, dtype=bool)
    if material.has("column"):
        column = weak_column(lattice, shape, material.column.radius, material.lattice.spacing)
    site_energy, disorder = np.zeros((2, len(lattice.sublattice)))
    if material.has("disorder"):
        site_energy[:n_hosts] = material.disorder.site_energy * rng.standard_normal(n_hosts)
        disorder[:n_hosts] = material.disorder.barrier * rng.standard_normal(n_hosts)
    vacancy = replace(VACANCY, charge=float(material.vacancy.charge))
    interstitial = INTERSTITIAL
    if material.has("interstitial"):
        interstitial = replace(INTERSTITIAL, charge=float(material.interstitial.charge))
    place = _Place(material, lattice, column, vacancy, interstitial, disorder, cap_sites(material, shape))
    interactions: list[PairInteraction | SiteEnergy] = []
    if material.vacancy.binding_energy:
        top = lattice.electrode == 2
        interactions.append(PairInteraction(vacancy, vacancy, -material.vacancy.binding_energy, exempt=top))
    if site_energy.any():
        interactions.append(SiteEnergy(vacancy, site_energy))
    given = _checked_shifts(material, len(lattice.sublattice), n_hosts, barrier_shift or {})
    mechanisms = tuple(_shifted(REACTIONS[name](place), given.get(name)) for name in material.mechanisms)
    return Chemistry(mechanisms, tuple(interactions), column, vacancy)


def _checked_shifts(
    material: Material, n_sites: int, n_hosts: int, barrier_shift: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Return every given shift with one value per site."""
    whole = {}
    for name, values in barrier_shift.items():
        if name not in material.mechanisms:
            raise ValueError(
                f"barrier_shift names no mechanism of {material.name}: {name!r}; "
                f"there are: {', '.join(material.mechanisms)}"
            )
        array = np.asarray(values, np.float64)
        if array.shape not in ((n_sites,), (n_hosts,)) or not np.isfinite(array).all():
            raise ValueError(
                f"barrier_shift of {name!r} must be {n_hosts} or {n_sites} finite numbers in eV, "
                f"got an array of shape {array.shape}"
            )
        whole[name] = np.concatenate([array, np.zeros(n_sites - len(array))])
    return whole


def _shifted(mechanism: Mechanism, shift: Floats | None) -> Mechanism:
    if shift is None:
        return mechanism
    before = mechanism.barrier_shift
    return replace(mechanism, barrier_shift=shift if before is None else before + shift)


def first_vacancies(
    material: Material, column: NDArray[np.bool_], shape: tuple[int, int, int], rng: np.random.Generator
) -> NDArray[np.int32]:
    """Return host sites of the vacancies that weak column and cap hold at the start, ascending."""
    cap = cap_sites(material, shape)
    chosen = []
    if material.has("column"):
        free = np.flatnonzero(column & ~cap)
        chosen.append(
            rng.choice(free, size=round(material.column.vacancy_fraction * len(free)), replace=False)
        )
    if material.has("cap"):
        free = np.flatnonzero(cap)
        chosen.append(rng.choice(free, size=round(material.cap.vacancy_fraction * len(free)), replace=False))
    return np.sort(np.concatenate([np.zeros(0, np.int64), *chosen])).astype(np.int32)


def _vacancy_hop(place: _Place) -> Mechanism:
    numbers = place.material.vacancy
    shift = place.disorder.copy()
    if place.material.has("column"):
        shift += place.outside(place.material.column.migration_shift)
    if place.material.has("cap"):
        shift[: len(place.column)] += place.material.cap.migration_shift * place.cap
    return Mechanism(
        "vacancy hop",
        before=(place.vacancy, OXYGEN),
        after=(OXYGEN, place.vacancy),
        barrier=numbers.migration_barrier,
        attempt_frequency=numbers.attempt_frequency,
        heat_of_transport=numbers.heat_of_transport,
        barrier_shift=shift,
        crowding=(numbers.crowding_barrier, numbers.crowding_count) if numbers.crowding_barrier else None,
        crowding_species=place.vacancy,
    )


def _oxygen_exchange(place: _Place) -> Mechanism:
    numbers = place.material.exchange
    shift = None
    if place.material.has("column"):
        shift = place.outside(place.material.column.exchange_shift)
    return Mechanism(
        "oxygen exchange",
        before=(OXYGEN,),
        after=(place.vacancy,),
        electrode="top",
        barrier=numbers.barrier,
        attempt_frequency=numbers.attempt_frequency,
        energy=numbers.energy,
        dipole=numbers.dipole,
        floor=numbers.floor,
        barrier_shift=shift,
    )


def _interstitial_hop(place: _Place) -> Mechanism:
    numbers = place.material.interstitial
    return Mechanism(
        "interstitial hop",
        before=(place.interstitial, EMPTY),
        after=(EMPTY, place.interstitial),
        barrier=numbers.migration_barrier,
        attempt_frequency=numbers.attempt_frequency,
    )


def _frenkel_pair(place: _Place) -> Mechanism:
    numbers = place.material.frenkel_pair
    return Mechanism(
        "Frenkel pair",
        before=(OXYGEN, EMPTY),
        after=(place.vacancy, place.interstitial),
        motif="pair",
        barrier=numbers.barrier,
        attempt_frequency=numbers.attempt_frequency,
        energy=numbers.energy,
        dipole=numbers.dipole,
        floor=numbers.floor,
    )


def _interstitial_exchange(place: _Place) -> Mechanism:
    numbers = place.material.interstitial_exchange
    return Mechanism(
        "interstitial exchange",
        before=(place.interstitial,),
        after=(EMPTY,),
        electrode="top",
        barrier=numbers.barrier,
        attempt_frequency=numbers.attempt_frequency,
        energy=numbers.energy,
    )


REACTIONS: dict[str, Callable[[_Place], Mechanism]] = {
    "vacancy hop": _vacancy_hop,
    "oxygen exchange": _oxygen_exchange,
    "interstitial hop": _interstitial_hop,
    "Frenkel pair": _frenkel_pair,
    "interstitial exchange": _interstitial_exchange,
}
"""Each mechanism that a material file can switch on by name."""
