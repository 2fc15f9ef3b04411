"""From a material to what can happen on a lattice: mechanisms, interactions, weak sites, first defects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...typing import Floats
from ..lattice.lattice import Lattice
from ..lattice.species import EMPTY, INTERSTITIAL, OXYGEN, VACANCY, Species
from ..lattice.structure import correlated_normal, grain_boundary, grain_count, grain_seeds, plane_with_pores
from ..materials.material import Material
from .barrier import LINEAR
from .mechanism import Mechanism, PairInteraction, SiteEnergy
from .traps import (
    capture,
    capture_from_filament,
    charge_capture,
    charged_vacancies,
    defect_binding,
    given_traps,
    relaxation,
    trap_levels,
    trap_sites,
    trap_states,
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a material makes of a lattice: species, weak sites, blocked sites and disorder.

    Attributes
    ----------
    material, lattice : Material, Lattice
        What is built on what.
    weak, cap, blocked : ndarray of bool, shape (n_hosts,)
        Weak host sites (column, grain boundaries or single sites; all of them without any), those of the
        reactive cap, and those of a plane that are no pores.
    defect, interstitial : Species
        The defect that conducts (vacancy or metal atom) and the mobile ion, with this material's charges.
    site_energy, disorder : ndarray of shape (n_sites,)
        Energy of a defect (eV) and addition to its barriers (eV).
    """

    material: Material
    lattice: Lattice
    weak: NDArray[np.bool_]
    cap: NDArray[np.bool_]
    blocked: NDArray[np.bool_]
    defect: Species
    interstitial: Species
    site_energy: Floats
    disorder: Floats

    def on(self, hosts: NDArray[np.bool_], extra: float) -> Floats:
        """Return a barrier shift (n_sites,) of ``extra`` eV on some host sites."""
        shift = np.zeros(len(self.lattice.sublattice))
        shift[: len(hosts)][hosts] = extra
        return shift


@dataclass(frozen=True, slots=True)
class Chemistry(Place):
    """Everything a material says about the atoms of one device: its place, and what can happen there.

    Attributes
    ----------
    mechanisms : tuple of Mechanism
        In the order in which the material names them.
    interactions : tuple of PairInteraction or SiteEnergy
        Energies of a configuration besides electrostatics.
    traps : ndarray of int32
        Sites of the electron traps.
    """

    mechanisms: tuple[Mechanism, ...]
    interactions: tuple[PairInteraction | SiteEnergy, ...]
    traps: NDArray[np.int32]


def weak_column(
    lattice: Lattice, shape: tuple[int, int, int], radius: float, spacing: float
) -> NDArray[np.bool_]:
    """Return which host sites lie within ``radius`` (m) of the axis through the middle of the box."""
    nx, ny, nz = shape
    x, y = np.arange(nx) - nx // 2, np.arange(ny) - ny // 2
    # Half a part in 1e9: a radius of exactly two spacings includes the sites on it.
    disc = (x[:, None] ** 2 + y[None, :] ** 2) * spacing**2 <= radius**2 * (1 + 1e-9)
    return np.repeat(disc.ravel(), nz)


def weak_sites(
    material: Material, lattice: Lattice, shape: tuple[int, int, int], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return which host sites are weak: a column, grain boundaries, single sites; all of them without any."""
    n_hosts, spacing = shape[0] * shape[1] * shape[2], material.lattice.spacing
    if material.has("column"):
        return weak_column(lattice, shape, material.column.radius, spacing)
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


def build_chemistry(
    material: Material,
    lattice: Lattice,
    shape: tuple[int, int, int],
    rng: np.random.Generator,
    barrier_shift: Mapping[str, Floats] | None = None,
    traps: ArrayLike | None = None,
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
    traps : array_like of shape (n, 3) or (n, 4), optional
        Places (m), and levels (eV), of the electron traps instead of random ones.

    Raises
    ------
    ValueError
        A mechanism that the material does not switch on, or an array of another length or not finite.
    """
    place = _draw_place(material, lattice, shape, rng)
    given = _checked_shifts(material, lattice, barrier_shift or {})
    atoms = _atomic_energies(place)
    sites, electrons = _trap_energies(place, rng, traps)
    mechanisms = tuple(
        _shifted(mechanism, given.get(name))
        for name in material.mechanisms
        for mechanism in _each(REACTIONS[name](place))
    )
    own = {entry.name: getattr(place, entry.name) for entry in fields(place)}
    return Chemistry(**own, mechanisms=mechanisms, interactions=(*atoms, *electrons), traps=sites)


def _draw_place(
    material: Material, lattice: Lattice, shape: tuple[int, int, int], rng: np.random.Generator
) -> Place:
    """Draw weak sites, disorder and pores, in this order, and charge the species."""
    n_hosts = lattice.n_hosts
    weak = weak_sites(material, lattice, shape, rng)
    site_energy, disorder = np.zeros((2, lattice.n_sites))
    if material.has("disorder"):
        site_energy[:n_hosts] = material.disorder.site_energy * _random(material, lattice, shape, rng)
        disorder[:n_hosts] = material.disorder.barrier * _random(material, lattice, shape, rng)
    if material.defect.adsorption_energy:
        site_energy[:n_hosts] -= material.defect.adsorption_energy * (np.arange(n_hosts) % shape[2] == 0)
    interstitial = replace(INTERSTITIAL, name=material.species["interstitial"])
    if material.has("interstitial"):
        interstitial = replace(interstitial, charge=float(material.interstitial.charge))
    return Place(
        material=material,
        lattice=lattice,
        weak=weak,
        cap=cap_sites(material, shape),
        blocked=blocked_sites(material, lattice, shape, rng),
        defect=replace(VACANCY, name=material.species["defect"], charge=float(material.defect.charge)),
        interstitial=interstitial,
        site_energy=site_energy,
        disorder=disorder,
    )


def _states(place: Place) -> tuple[Species, ...]:
    """Return the defect without electrons of its own, and with them where it can catch some."""
    charged = place.material.has("charge_states")
    return (place.defect, *(charged_vacancies(place.material, place.defect) if charged else ()))


def _atomic_energies(place: Place) -> list[PairInteraction | SiteEnergy]:
    """Return the binding of neighbours and the energies of sites."""
    material, energies = place.material, list[PairInteraction | SiteEnergy]()
    if material.defect.binding_energy:
        energies += _binding(material, place.lattice, place.defect)
    states = _states(place)
    if place.site_energy.any():
        energies += [SiteEnergy(state, place.site_energy) for state in states]
    return energies


def _trap_energies(
    place: Place, rng: np.random.Generator, given: ArrayLike | None
) -> tuple[NDArray[np.int32], list[PairInteraction | SiteEnergy]]:
    """Return the sites of electron traps, drawn or given, and the energies of what stands on them."""
    material, lattice = place.material, place.lattice
    if not material.has("trap"):
        if given is not None:
            raise ValueError(f"traps need a section [trap], which material {material.name} does not have")
        return np.zeros(0, np.int32), []
    level = None
    if given is None:
        sites = trap_sites(material, lattice, rng)
    else:
        sites, level = given_traps(lattice, given)
    # Atoms may stand still beside electrons, but the engine must know them.
    known = [SiteEnergy(kind, np.zeros(lattice.n_sites)) for kind in (OXYGEN, place.defect, EMPTY)]
    levels = trap_levels(material, lattice, sites, rng, level)
    return sites, [*levels, *defect_binding(material, _states(place)), *known]


def _binding(material: Material, lattice: Lattice, defect: Species) -> list[PairInteraction]:
    """Return the binding of neighbours; two in the layer at the top electrode have a share of it."""
    share = material.redox.surface_binding if material.has("redox") else 0.0
    top = lattice.electrode == 2
    parts = ((1.0 - share, top), (share, None))
    return [
        PairInteraction(defect, defect, -part * material.defect.binding_energy, exempt=exempt)
        for part, exempt in parts
        if part
    ]


def _checked_shifts(
    material: Material, lattice: Lattice, barrier_shift: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Return every given shift with one value per site."""
    n_sites, n_hosts = lattice.n_sites, lattice.n_hosts
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


def _each(built: Mechanism | tuple[Mechanism, ...]) -> tuple[Mechanism, ...]:
    return built if isinstance(built, tuple) else (built,)


def _shifted(mechanism: Mechanism, shift: Floats | None) -> Mechanism:
    if shift is None:
        return mechanism
    before = mechanism.barrier_shift
    return replace(mechanism, barrier_shift=shift if before is None else before + shift)


def first_defects(place: Place, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return host sites of the defects that weak sites and cap hold at the start, ascending."""
    material, cap = place.material, place.cap
    chosen = []
    if material.weak is not None:
        free = np.flatnonzero(place.weak & ~cap & ~place.blocked)
        chosen.append(rng.choice(free, size=round(material.weak.vacancy_fraction * len(free)), replace=False))
    if material.has("cap"):
        free = np.flatnonzero(cap)
        chosen.append(rng.choice(free, size=round(material.cap.vacancy_fraction * len(free)), replace=False))
    return np.sort(np.concatenate([np.zeros(0, np.int64), *chosen])).astype(np.int32)


def first_interstitials(place: Place, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return the interstitial sites that hold an ion at the start, ascending."""
    material, lattice = place.material, place.lattice
    sites = np.flatnonzero(lattice.sublattice == INTERSTITIAL.sublattice)
    if not material.has("interstitial") or not len(sites):
        return np.zeros(0, np.int32)
    count = round(material.interstitial.fraction * len(sites))
    return np.sort(rng.choice(sites, size=count, replace=False)).astype(np.int32)


def _reaction(
    name: str,
    numbers: Any,
    before: Species | tuple[Species, Species],
    after: Species | tuple[Species, Species],
    **more: Any,
) -> Mechanism:
    """Return a mechanism with the numbers that its section gives, but for what is said otherwise."""
    keys = ("barrier", "attempt_frequency", "energy", "dipole", "floor")
    given = {key: getattr(numbers, key) for key in keys if hasattr(numbers, key)}
    return Mechanism(name, **{"before": before, "after": after, **given, **more})


def _hop(name: str, place: Place) -> Mechanism:
    """Return the hop of the defect that conducts: a vacancy, or a metal atom."""
    material, numbers = place.material, place.material.defect
    shift = place.disorder.copy()
    if material.weak is not None:
        shift += place.on(~place.weak, material.weak.migration_shift)
    if material.has("cap"):
        shift += place.on(place.cap, material.cap.migration_shift)
    if material.has("plane"):
        # A hop takes the mean of both ends: twice the shift on the blocked one.
        shift += place.on(place.blocked, 2 * material.plane.migration_shift)
    return _reaction(
        name,
        numbers,
        (place.defect, OXYGEN),
        (OXYGEN, place.defect),
        barrier=numbers.migration_barrier,
        heat_of_transport=numbers.heat_of_transport,
        barrier_shift=shift,
        crowding=(numbers.crowding_barrier, numbers.crowding_count) if numbers.crowding_barrier else None,
        crowding_species=place.defect,
    )


def _at_electrode(place: Place) -> Floats | None:
    """Return the extra barrier of an exchange or a Frenkel pair outside the weak sites."""
    weak = place.material.weak
    return None if weak is None else place.on(~place.weak, weak.exchange_shift)


def _oxygen_exchange(place: Place) -> Mechanism:
    return _reaction(
        "oxygen exchange",
        place.material.exchange,
        OXYGEN,
        place.defect,
        electrode="top",
        barrier_shift=_at_electrode(place),
    )


def _redox(place: Place) -> Mechanism:
    """Forward deposits an atom on the electrode, whose reservoir grows; reverse dissolves one."""
    numbers = place.material.redox
    return _reaction(
        "redox",
        numbers,
        place.defect,
        OXYGEN,
        electrode="top",
        energy=-numbers.energy - numbers.stress_work,
        law=LINEAR,
        alpha=1.0 - numbers.transfer_coefficient,
        barrier_shift=_at_electrode(place),
    )


def _interstitial_hop(place: Place) -> Mechanism:
    numbers, ion = place.material.interstitial, place.interstitial
    return _reaction(
        "interstitial hop", numbers, (ion, EMPTY), (EMPTY, ion), barrier=numbers.migration_barrier
    )


def _frenkel_pair(name: str, electrons: int, place: Place) -> Mechanism:
    """Return a Frenkel pair that so many trapped electrons make easier."""
    numbers = place.material.frenkel_pair
    barrier = (numbers.barrier, numbers.barrier_one, numbers.barrier_two)[electrons]
    return _reaction(
        name,
        numbers,
        (OXYGEN, EMPTY),
        (place.defect, place.interstitial),
        motif="pair",
        barrier=barrier + electrons * numbers.trapping_energy,
        barrier_shift=_at_electrode(place),
        **_lowered_by_traps(place.material),
    )


def _lowered_by_traps(material: Material) -> dict[str, Any]:
    """Return what filled traps beside an oxygen take off the barrier of its leaving, up to two of them."""
    lowering = material.frenkel_pair.trapped_lowering
    if not lowering:
        return {}
    if not material.has("trap"):
        raise ValueError(f"frenkel_pair.trapped_lowering needs a section [trap] in material {material.name}")
    return {
        "crowding": (-2.0 * lowering, 2),
        "crowding_species": trap_states(material)[1],
        "crowding_motif": "pair",
        "crowding_first": True,
    }


def _charge_states(place: Place) -> tuple[Mechanism, ...]:
    """Return capture and emission of both electrons, and the hops of a vacancy that holds them."""
    material, numbers = place.material, place.material.charge_states
    hop = _hop("vacancy hop", place)
    hops = [
        replace(
            hop, name=f"hop, {state.name}", before=(state, OXYGEN), after=(OXYGEN, state), barrier=barrier
        )
        for state, barrier in zip(
            charged_vacancies(material, place.defect),
            (numbers.migration_barrier_one, numbers.migration_barrier_two),
            strict=True,
        )
    ]
    return (*charge_capture(material, place.lattice, place.defect), *hops)


def _interstitial_exchange(place: Place) -> Mechanism:
    numbers = place.material.interstitial_exchange
    return _reaction("interstitial exchange", numbers, place.interstitial, EMPTY, electrode="top")


REACTIONS: dict[str, Callable[[Place], Mechanism | tuple[Mechanism, ...]]] = {
    "vacancy hop": partial(_hop, "vacancy hop"),
    "oxygen exchange": _oxygen_exchange,
    "cation hop": partial(_hop, "cation hop"),
    "redox": _redox,
    "interstitial hop": _interstitial_hop,
    "Frenkel pair": partial(_frenkel_pair, "Frenkel pair", 0),
    "Frenkel pair, one electron": partial(_frenkel_pair, "Frenkel pair, one electron", 1),
    "Frenkel pair, two electrons": partial(_frenkel_pair, "Frenkel pair, two electrons", 2),
    "interstitial exchange": _interstitial_exchange,
    "electron capture": lambda place: capture(place.material, place.lattice),
    "electron capture, filament": lambda place: capture_from_filament(place.material, place.lattice),
    "trap relaxation": lambda place: relaxation(place.material),
    "vacancy electron capture": _charge_states,
}
"""Each mechanism that a material file can switch on by name."""
