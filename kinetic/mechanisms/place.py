"""What a material makes of a lattice: weak sites, cap, planes, disorder, and the defects it starts with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...typing import Floats
from ..lattice.lattice import Lattice
from ..lattice.species import CATION, INTERSTITIAL, VACANCY, Species
from ..lattice.structure import (
    correlated_normal,
    grain_boundary,
    grain_count,
    grain_seeds,
    log_normal,
    plane_with_pores,
)
from ..materials.material import Material
from ..materials.sections import SpotsNumbers
from ..materials.stack import Stack


@dataclass(frozen=True, slots=True)
class Place:
    """What a material makes of a lattice: species, weak sites, blocked sites and disorder.

    Attributes
    ----------
    stack, lattice : Stack, Lattice
        What is built on what.
    exchange_shift : ndarray of shape (n_sites,)
        Addition to the barrier (eV) of an exchange with an electrode.
    weak, cap, blocked : ndarray of bool, shape (n_hosts,)
        Weak host sites, those of the reactive cap, and those of a plane that are no pores.
    defect, interstitial : Species
        The defect that conducts and the mobile ion.
    second : Species or None
        The cation, where both vacancies and cations conduct.
    site_energy, second_energy, disorder : ndarray of shape (n_sites,)
        Energy of a defect, the same of the second kind (eV), and addition to their barriers (eV).
    barrier_factor : ndarray of shape (n_sites,) or None
        Factor of a site on the barriers of their hops, which are the mean of both ends; None where all are 1.
    bond_factor : ndarray of shape (n_hosts,)
        Factor of a site on its bonds, which are the product of both ends: where a defect stands and how deep
        its level lies is not the same on any two sites.
    """

    stack: Stack
    lattice: Lattice
    exchange_shift: Floats
    weak: NDArray[np.bool_]
    cap: NDArray[np.bool_]
    blocked: NDArray[np.bool_]
    defect: Species
    interstitial: Species
    second: Species | None
    site_energy: Floats
    second_energy: Floats
    disorder: Floats
    barrier_factor: Floats | None
    bond_factor: Floats

    @property
    def material(self) -> Material:
        """Material of the uppermost layer, with all that the layers share."""
        return self.stack.material

    def species(self, section: str) -> Species:
        """Return the species whose numbers are in the section ``vacancy`` or ``cation``."""
        return self.second if section == "cation" and self.second is not None else self.defect

    def on(self, hosts: NDArray[np.bool_], extra: float) -> Floats:
        """Return a barrier shift (n_sites,) of ``extra`` eV on some host sites."""
        shift = np.zeros(len(self.lattice.sublattice))
        shift[: len(hosts)][hosts] = extra
        return shift


def draw_place(
    stack: Stack, lattice: Lattice, shape: tuple[int, int, int], rng: np.random.Generator
) -> Place:
    """Draw weak sites, disorder and pores, in this order, and charge the species."""
    n_hosts, material = lattice.n_hosts, stack.material
    weak, exchange_shift = weak_sites(material, lattice, shape, rng)
    site_energy, disorder = np.zeros((2, lattice.n_sites))
    bond_factor, barrier_factor = np.ones(n_hosts), None
    if material.has("disorder"):
        columns = n_hosts // shape[2]
        site_energy[:n_hosts] = np.tile(stack.numbers("disorder", "site_energy"), columns) * _random(
            material, lattice, shape, rng
        )
        random = _random(material, lattice, shape, rng)
        disorder[:n_hosts] = np.tile(stack.numbers("disorder", "barrier"), columns) * random
        if (width := stack.numbers("disorder", "barrier_factor")).any():
            barrier_factor = np.ones(lattice.n_sites)
            barrier_factor[:n_hosts] = log_normal(random, np.tile(width, columns))
        if material.disorder.bond:
            bond_factor = np.exp(material.disorder.bond * _random(material, lattice, shape, rng))
    second, second_energy = None, site_energy.copy()
    if material.has_two_kinds:
        name, charge = material.species["cation"], float(material.cation.charge)
        second = replace(CATION, name=name, charge=charge)
        second_energy[:n_hosts] -= material.cation.adsorption_energy * (np.arange(n_hosts) % shape[2] == 0)
    if material.defect.adsorption_energy:
        site_energy[:n_hosts] -= material.defect.adsorption_energy * (np.arange(n_hosts) % shape[2] == 0)
    for region, inside in stack.region(shape, lattice.lateral == "periodic"):
        disorder[:n_hosts][inside] += region.migration_shift
        exchange_shift[:n_hosts][inside] += region.exchange_shift
    site_energy[:n_hosts] += layer_energy(stack, "exchange_energy")[lattice.layer[:n_hosts]]
    interstitial = replace(INTERSTITIAL, name=material.species["interstitial"])
    if material.has("interstitial"):
        interstitial = replace(interstitial, charge=float(material.interstitial.charge))
    return Place(
        stack=stack,
        lattice=lattice,
        exchange_shift=exchange_shift,
        weak=weak,
        cap=cap_sites(material, shape),
        blocked=blocked_sites(material, lattice, shape, rng),
        defect=replace(VACANCY, name=material.species["defect"], charge=float(material.defect.charge)),
        interstitial=interstitial,
        second=second,
        site_energy=site_energy,
        second_energy=second_energy,
        disorder=disorder,
        barrier_factor=barrier_factor,
        bond_factor=bond_factor,
    )


def layer_energy(stack: Stack, key: str) -> Floats:
    """Return the energy (eV) of a species by plane, less that in the uppermost layer."""
    energy = stack.above(key)
    return np.asarray(energy - energy[-1])


def weak_sites(
    material: Material, lattice: Lattice, shape: tuple[int, int, int], rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Floats]:
    """Return which host sites are weak, and what is added to the barrier of an exchange (eV, all sites).

    Weak are columns, grain boundaries or single sites; all of them without any such section.
    """
    shift = np.zeros(lattice.n_sites)
    if material.has("spots"):
        weak, own = weak_spots(material.spots, lattice, shape, material.lattice.spacing, rng)
        shift[: lattice.n_hosts] = own
    else:
        weak = _weak_region(material, lattice, shape, rng)
    if material.weak is not None:
        shift[: lattice.n_hosts][~weak] += material.weak.exchange_shift
    if material.has("sites") and material.sites.exchange_spread:
        shift[: lattice.n_hosts][weak] += material.sites.exchange_spread * rng.standard_normal(weak.sum())
    return weak, shift


def weak_spots(
    numbers: SpotsNumbers,
    lattice: Lattice,
    shape: tuple[int, int, int],
    spacing: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.bool_], Floats]:
    """Return which host sites lie in weak columns at random places, and the shift (eV) of their column.

    Columns go on beyond a periodic side. Where several overlap, a site belongs to the one of the least shift.
    """
    side = spacing * np.array(shape[:2])
    count = int(rng.poisson(numbers.density * side.prod()))
    centres = rng.uniform(0.0, side, (count, 2))
    shifts = numbers.exchange_spread * rng.standard_normal(count)
    places = spacing * np.stack(np.meshgrid(*map(np.arange, shape[:2]), indexing="ij"), axis=-1)
    own = np.full(shape[:2], np.inf)
    for centre, shift in zip(centres, shifts, strict=True):
        away = places - centre
        if lattice.lateral == "periodic":
            away -= side * np.round(away / side)
        inside = (away**2).sum(axis=-1) <= numbers.radius**2
        own[inside] = np.minimum(own[inside], shift)
    weak = np.isfinite(own)
    return np.repeat(weak.ravel(), shape[2]), np.repeat(np.where(weak, own, 0.0).ravel(), shape[2])


def _weak_region(
    material: Material, lattice: Lattice, shape: tuple[int, int, int], rng: np.random.Generator
) -> NDArray[np.bool_]:
    n_hosts, spacing = shape[0] * shape[1] * shape[2], material.lattice.spacing
    if material.has("column"):
        bottom = material.column.radius
        return weak_column(shape, bottom, material.column.top_radius or bottom, spacing)
    if material.has("polycrystal"):
        cell = (shape[0] * spacing, shape[1] * spacing, shape[2] * spacing)
        seeds = grain_seeds(cell, grain_count(cell, material.polycrystal.grain_size), rng)
        hosts = lattice.position[:n_hosts]
        return grain_boundary(
            hosts, seeds, cell, material.polycrystal.boundary_width, lateral=lattice.lateral
        )
    if material.has("sites"):
        chosen = np.zeros(n_hosts, bool)
        count = round(material.sites.fraction * n_hosts)
        chosen[rng.choice(n_hosts, size=count, replace=False)] = True
        return chosen
    return np.ones(n_hosts, dtype=bool)


def weak_column(shape: tuple[int, int, int], bottom: float, top: float, spacing: float) -> NDArray[np.bool_]:
    """Return which host sites lie within a cone around the axis through the middle of the box.

    Its radius (m) goes in a straight line from ``bottom`` in the lowest layer to ``top`` in the highest.
    """
    nx, ny, nz = shape
    x, y = np.arange(nx) - nx // 2, np.arange(ny) - ny // 2
    radius = np.linspace(bottom, top, nz)
    squared = (x[:, None] ** 2 + y[None, :] ** 2) * spacing**2
    # Half a part in 1e9: a radius of exactly two spacings includes the sites on it.
    return np.asarray(squared[:, :, None] <= radius**2 * (1 + 1e-9)).ravel()


def blocked_sites(
    material: Material, lattice: Lattice, shape: tuple[int, int, int], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return the host sites of a plane with pores that are no pores; none without a plane."""
    if not material.has("plane"):
        return np.zeros(shape, dtype=bool).ravel()
    spacing = material.lattice.spacing
    layer = round(material.plane.height / spacing) - 1
    if not 0 <= layer < shape[2]:
        raise ValueError(
            f"plane.height must be {spacing:g} to {shape[2] * spacing:g} m, "
            f"inside the oxide, got {material.plane.height:g} m"
        )
    radius = material.plane.pore_radius / spacing
    return plane_with_pores(
        shape, layer, material.plane.pore_fraction, rng, pore_radius=radius, lateral=lattice.lateral
    )


def cap_sites(material: Material, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Return which host sites belong to the reactive cap below the top electrode."""
    layers = round(material.cap.thickness / material.lattice.spacing) if material.has("cap") else 0
    return np.tile(np.arange(shape[2]) >= shape[2] - layers, shape[0] * shape[1])


def _random(
    material: Material, lattice: Lattice, shape: tuple[int, int, int], rng: np.random.Generator
) -> Floats:
    """Return one standard normal number per host site, alike over the correlation length of the disorder."""
    length = material.disorder.correlation_length / material.lattice.spacing
    return correlated_normal(shape, length, rng, lattice.lateral)


def first_defects(
    stack: Stack,
    weak: NDArray[np.bool_],
    blocked: NDArray[np.bool_],
    shape: tuple[int, int, int],
    rng: np.random.Generator,
    periodic: bool,
) -> NDArray[np.int32]:
    """Return host sites of the defects that oxide, weak sites, cap and regions hold at first, ascending."""
    material = stack.material
    cap = cap_sites(material, shape)
    chosen, taken = [], np.zeros(len(weak), bool)
    of_region = []
    for region, inside in stack.region(shape, periodic):
        if region.vacancy_fraction is not None:
            of_region.append((region.vacancy_fraction, np.flatnonzero(inside)))
            taken |= inside
    if material.weak is not None:
        free = weak & ~cap & ~blocked & ~taken
        fractions = np.array([layer.weak.vacancy_fraction for layer in stack.materials if layer.weak])
        # One draw from all layers that have the same share.
        for fraction in dict.fromkeys(fractions.tolist()):
            layer = np.flatnonzero(fractions == fraction)
            sites = np.flatnonzero(free & np.tile(np.isin(stack.layer, layer), shape[0] * shape[1]))
            chosen.append(rng.choice(sites, size=round(fraction * len(sites)), replace=False))
    if material.has("cap"):
        free_sites = np.flatnonzero(cap & ~taken)
        chosen.append(
            rng.choice(free_sites, size=round(material.cap.vacancy_fraction * len(free_sites)), replace=False)
        )
    for fraction, sites in of_region:
        chosen.append(rng.choice(sites, size=round(fraction * len(sites)), replace=False))
    if material.defect.fraction:
        taken_sites = np.concatenate([*chosen, np.flatnonzero(blocked)])
        chosen.append(_anywhere(material.defect.fraction, taken_sites, len(weak), rng))
    return np.sort(np.concatenate([np.zeros(0, np.int64), *chosen])).astype(np.int32)


def _anywhere(
    fraction: float, taken: NDArray[np.integer], n_hosts: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return a fraction of the host sites, or all of them that are free."""
    free = np.setdiff1d(np.arange(n_hosts), taken)
    return np.asarray(rng.choice(free, size=min(round(fraction * n_hosts), len(free)), replace=False))


def first_cations(
    material: Material, vacancies: NDArray[np.int32], n_hosts: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Return host sites that hold a cation at the start, where vacancies and cations conduct, ascending."""
    if not material.has_two_kinds or not material.cation.fraction:
        return np.zeros(0, np.int32)
    return np.sort(_anywhere(material.cation.fraction, vacancies, n_hosts, rng)).astype(np.int32)


def first_interstitials(material: Material, lattice: Lattice, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return the interstitial sites that hold an ion at the start, ascending."""
    sites = np.flatnonzero(lattice.sublattice == INTERSTITIAL.sublattice)
    if not material.has("interstitial") or not len(sites):
        return np.zeros(0, np.int32)
    count = round(material.interstitial.fraction * len(sites))
    return np.sort(rng.choice(sites, size=count, replace=False)).astype(np.int32)
