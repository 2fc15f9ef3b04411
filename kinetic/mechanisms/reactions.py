"""From a material to what can happen on a lattice: mechanisms and interactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...typing import Floats
from ..lattice.lattice import Lattice
from ..lattice.species import EMPTY, INTERSTITIAL_SITES, OXYGEN, Species
from ..materials.material import Material
from ..materials.sections import DEFECTS
from ..materials.stack import Stack
from .barrier import LINEAR, SINUSOIDAL
from .mechanism import Mechanism, PairInteraction, SiteEnergy
from .place import Place, draw_place, layer_energy
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
class Chemistry:
    """Everything a material states about the atoms of one device.

    Attributes
    ----------
    mechanisms : tuple of Mechanism
        In the order in which the material names them.
    interactions : tuple of PairInteraction or SiteEnergy
        Energies of a configuration besides electrostatics.
    traps : ndarray of int32
        Sites of the electron traps.
    weak : ndarray of bool, shape (n_hosts,)
        The weak host sites: column, grain boundaries or single sites (all of them without any).
    blocked : ndarray of bool, shape (n_hosts,)
        Host sites of a plane that are no pores.
    defect, interstitial : Species
        The defect that conducts (vacancy or metal atom) and the mobile ion, with this material's charges.
    bond_factor : ndarray of shape (n_hosts,)
        Factor of each host site on its bonds.
    second : Species or None
        The cation, where both vacancies and cations conduct.
    """

    mechanisms: tuple[Mechanism, ...]
    interactions: tuple[PairInteraction | SiteEnergy, ...]
    traps: NDArray[np.int32]
    weak: NDArray[np.bool_]
    blocked: NDArray[np.bool_]
    defect: Species
    interstitial: Species
    bond_factor: Floats
    second: Species | None = None

    @property
    def kinds(self) -> tuple[Species, ...]:
        """Kinds of defects that conduct, one or two."""
        return (self.defect,) if self.second is None else (self.defect, self.second)


def build_chemistry(
    stack: Stack,
    lattice: Lattice,
    shape: tuple[int, int, int],
    rng: np.random.Generator,
    barrier_shift: Mapping[str, Floats] | None = None,
    traps: ArrayLike | None = None,
) -> Chemistry:
    """Return mechanisms and interactions of a stack on ``lattice``.

    Parameters
    ----------
    stack : Stack
        The ``mechanisms`` of its material are switched on; sections it lacks mean that the effect is absent.
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
    material = stack.material
    site_energies = draw_place(stack, lattice, shape, rng)
    shifts = _checked_shifts(material, lattice, barrier_shift or {})
    atoms = _atomic_energies(site_energies)
    sites, electrons = _trap_energies(site_energies, rng, traps)
    mechanisms = tuple(
        _shifted(_scattered(_layered(mechanism, name, site_energies), name, site_energies), shifts.get(name))
        for name in material.mechanisms
        for mechanism in _each(REACTIONS[name](site_energies))
    )
    return Chemistry(
        mechanisms,
        (*atoms, *electrons),
        sites,
        site_energies.weak,
        site_energies.blocked,
        site_energies.defect,
        site_energies.interstitial,
        site_energies.bond_factor,
        site_energies.second,
    )


def _states(place: Place) -> tuple[Species, ...]:
    """Return the defect without electrons of its own, and with them where it can catch some."""
    charged = place.material.has("charge_states")
    return (place.defect, *(charged_vacancies(place.material, place.defect) if charged else ()))


def _atomic_energies(place: Place) -> list[PairInteraction | SiteEnergy]:
    """Return the binding of neighbours and the energies of sites."""
    material, energies = place.material, list[PairInteraction | SiteEnergy]()
    for section in DEFECTS:
        if material.has(section) and getattr(material, section).binding_energy:
            energies += _binding(material, section, place.lattice, place.species(section))
    states = _states(place)
    if place.site_energy.any():
        energies += [SiteEnergy(state, place.site_energy) for state in states]
    if place.second is not None:
        if place.second_energy.any():
            energies.append(SiteEnergy(place.second, place.second_energy))
        if mixed := material.mixed_bonds.binding_energy:
            energies.append(PairInteraction(place.defect, place.second, -mixed))
    of_ions = layer_energy(place.stack, "interstitial_energy")
    if of_ions.any():
        between = place.lattice.sublattice == INTERSTITIAL_SITES
        energies.append(SiteEnergy(place.interstitial, np.where(between, of_ions[place.lattice.layer], 0.0)))
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
    zeros = [SiteEnergy(kind, np.zeros(lattice.n_sites)) for kind in (OXYGEN, place.defect, EMPTY)]
    levels = trap_levels(material, lattice, sites, rng, level)
    return sites, [*levels, *defect_binding(material, _states(place)), *zeros]


def _binding(material: Material, section: str, lattice: Lattice, defect: Species) -> list[PairInteraction]:
    """Return the binding of neighbours; metal atoms at the electrode that gives them have a part of it."""
    share = material.redox.surface_binding if section == "cation" and material.has("redox") else 1.0
    energy = getattr(material, section).binding_energy
    top = lattice.electrode == 2
    parts = ((1.0 - share, top), (share, None))
    return [
        PairInteraction(defect, defect, -part * energy, exempt=exempt)
        for part, exempt in parts
        if part
    ]


def _checked_shifts(
    material: Material, lattice: Lattice, barrier_shift: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Return every given shift with one value per site."""
    n_sites, n_hosts = lattice.n_sites, lattice.n_hosts
    shifts = {}
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
        shifts[name] = np.concatenate([array, np.zeros(n_sites - len(array))])
    return shifts


def _each(built: Mechanism | tuple[Mechanism, ...]) -> tuple[Mechanism, ...]:
    return built if isinstance(built, tuple) else (built,)


def _shifted(mechanism: Mechanism, shift: Floats | None) -> Mechanism:
    if shift is None:
        return mechanism
    before = mechanism.barrier_shift
    return replace(mechanism, barrier_shift=shift if before is None else before + shift)


HOPS = {"vacancy hop": "vacancy", "cation hop": "cation", "interstitial hop": "interstitial"}
"""Hops that may cross an interface, and the sections of their numbers."""
DEFECT_HOPS = ("vacancy hop", "cation hop")
"""Hops of what conducts, whose barriers are random in a disordered oxide."""


def _layered(mechanism: Mechanism, name: str, place: Place) -> Mechanism:
    """Return a mechanism with the barriers and attempt frequencies of the layers.

    Across an interface it has the mean of both barriers, the geometric mean of both frequencies and, for a
    hop, the extra barrier of the interface: one object both ways, so that rates keep detailed balance.
    """
    stack, layer = place.stack, place.lattice.layer
    section = HOPS.get(name, "frenkel_pair" if name == "Frenkel pair" else "")
    if not section or stack.is_uniform:
        return mechanism
    barrier = stack.numbers(section, "barrier" if section == "frenkel_pair" else "migration_barrier")
    frequency, extra = stack.relative(section, "attempt_frequency"), stack.above("barrier")
    if np.any(frequency != 1.0):
        mechanism = replace(mechanism, frequency_factor=frequency[layer])
    if section != "frenkel_pair" and extra.any():
        mechanism = replace(mechanism, barriers_below=extra[layer])
    shift = barrier - barrier[-1]
    return _shifted(mechanism, shift[layer] if shift.any() else None)


def _scattered(mechanism: Mechanism, name: str, place: Place) -> Mechanism:
    """Return the hop of a defect that conducts with the barrier of each site times the factor of the site.

    A hop has the mean of both ends: one saddle both ways, which is above both ends as long as barriers are
    not below 0.
    """
    shift, factor = mechanism.barrier_shift, place.barrier_factor
    if factor is None or shift is None or name not in DEFECT_HOPS:
        return mechanism
    return replace(mechanism, barrier_shift=(mechanism.barrier + shift) * factor - mechanism.barrier)


def _hop(name: str) -> Callable[[Place], Mechanism]:
    """Return the builder of the hop of a defect that conducts: a vacancy, or a metal atom."""

    def build(place: Place) -> Mechanism:
        numbers, defect = getattr(place.material, HOPS[name]), place.species(HOPS[name])
        shift = place.disorder.copy()
        if place.material.weak is not None:
            shift += place.on(~place.weak, place.material.weak.migration_shift)
        if place.material.has("cap"):
            shift += place.on(place.cap, place.material.cap.migration_shift)
        if place.material.has("plane"):
            # A hop takes the mean of both ends: twice the shift on the blocked one.
            shift += place.on(place.blocked, 2 * place.material.plane.migration_shift)
        return Mechanism(
            name,
            before=(defect, OXYGEN),
            after=(OXYGEN, defect),
            barrier=numbers.migration_barrier,
            attempt_frequency=numbers.attempt_frequency,
            heat_of_transport=numbers.heat_of_transport,
            barrier_shift=shift,
            crowding=(numbers.crowding_barrier, numbers.crowding_count) if numbers.crowding_barrier else None,
            crowding_species=defect,
            crowding_motif="nearest" if numbers.crowding_shells == 1 else "close",
            crowding_start=numbers.crowding_start,
            crowding_electrode=numbers.crowding_electrode,
            crowding_edge=numbers.edge_share,
        )

    return build


def _at_electrode(place: Place) -> Floats | None:
    """Return the addition to the barrier of an exchange or a Frenkel pair; None where no site differs."""
    return None if place.material.weak is None and not any(place.stack.regions) else place.exchange_shift


def _oxygen_exchange(place: Place) -> Mechanism:
    """Forward takes an oxygen out, from the face or from as far below it as the material says.

    An oxygen from below breaks its bond in the field over that bond alone, then runs to the electrode along
    the weak sites before anything else happens: the way back has all of the energy (linear law, share 0).
    """
    numbers = place.material.exchange
    return Mechanism(
        "oxygen exchange",
        before=(OXYGEN,),
        after=(place.defect,),
        electrode="top",
        sites=_reached(place, numbers.depth),
        law=LINEAR if numbers.depth else SINUSOIDAL,
        alpha=0.0 if numbers.depth else 0.5,
        barrier=numbers.barrier,
        attempt_frequency=numbers.attempt_frequency,
        energy=numbers.energy,
        dipole=numbers.dipole,
        dipole_power=numbers.dipole_power,
        floor=numbers.floor,
        barrier_shift=_at_electrode(place),
    )


def _oxygen_loss(place: Place) -> Mechanism:
    """Oxygen leaves its site as in an exchange, over a higher barrier, and is gone."""
    numbers, exchange = place.material.oxygen_loss, _oxygen_exchange(place)
    return replace(
        exchange,
        name="oxygen loss",
        irreversible=True,
        barrier=exchange.barrier + numbers.barrier,
        floor=exchange.floor + numbers.barrier if exchange.floor else 0.0,
        attempt_frequency=numbers.attempt_frequency,
    )


def _reached(place: Place, depth: float) -> NDArray[np.bool_] | None:
    """Return the sites that exchange oxygen: those at the top face, and weak ones within a depth of it."""
    if not depth:
        return None
    at_top_electrode = (place.lattice.electrode & 2) > 0
    layer = place.lattice.layer[: len(place.weak)]
    at_top_electrode[: len(place.weak)] |= place.weak & (
        layer.max() - layer <= round(depth / place.lattice.spacing)
    )
    return at_top_electrode


def _redox(place: Place) -> Mechanism:
    """Forward deposits an atom on the electrode, whose reservoir grows; reverse dissolves one."""
    numbers = place.material.redox
    return Mechanism(
        "redox",
        before=(place.species("cation"),),
        after=(OXYGEN,),
        electrode="top",
        second_stock=place.second is not None,
        barrier=numbers.barrier,
        attempt_frequency=numbers.attempt_frequency,
        energy=-numbers.energy - numbers.stress_work,
        law=LINEAR,
        alpha=1.0 - numbers.transfer_coefficient,
        barrier_shift=_at_electrode(place),
        crowding=(numbers.crowding_barrier, numbers.crowding_count) if numbers.crowding_barrier else None,
        crowding_species=place.species("cation"),
    )


def _interstitial_hop(place: Place) -> Mechanism:
    numbers = place.material.interstitial
    return Mechanism(
        "interstitial hop",
        before=(place.interstitial, EMPTY),
        after=(EMPTY, place.interstitial),
        barrier=numbers.migration_barrier,
        attempt_frequency=numbers.attempt_frequency,
    )


def _frenkel_pair(name: str, electrons: int) -> Callable[[Place], Mechanism]:
    """Return the builder of a Frenkel pair that so many trapped electrons make easier."""

    def build(place: Place) -> Mechanism:
        numbers = place.material.frenkel_pair
        barrier = (numbers.barrier, numbers.barrier_one, numbers.barrier_two)[electrons]
        return Mechanism(
            name,
            before=(OXYGEN, EMPTY),
            after=(place.defect, place.interstitial),
            motif="pair",
            barrier=barrier + electrons * numbers.trapping_energy,
            attempt_frequency=numbers.attempt_frequency,
            energy=numbers.energy,
            dipole=numbers.dipole,
            floor=numbers.floor,
            barrier_shift=_at_electrode(place),
            **_lowered_by_traps(place.material),
        )

    return build


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
    hop = _hop("vacancy hop")(place)
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
    return Mechanism(
        "interstitial exchange",
        before=(place.interstitial,),
        after=(EMPTY,),
        electrode="top",
        barrier=numbers.barrier,
        attempt_frequency=numbers.attempt_frequency,
        energy=numbers.energy,
    )


REACTIONS: dict[str, Callable[[Place], Mechanism | tuple[Mechanism, ...]]] = {
    "vacancy hop": _hop("vacancy hop"),
    "oxygen exchange": _oxygen_exchange,
    "oxygen loss": _oxygen_loss,
    "cation hop": _hop("cation hop"),
    "redox": _redox,
    "interstitial hop": _interstitial_hop,
    "Frenkel pair": _frenkel_pair("Frenkel pair", 0),
    "Frenkel pair, one electron": _frenkel_pair("Frenkel pair, one electron", 1),
    "Frenkel pair, two electrons": _frenkel_pair("Frenkel pair, two electrons", 2),
    "interstitial exchange": _interstitial_exchange,
    "electron capture": lambda place: capture(place.material, place.lattice),
    "electron capture, filament": lambda place: capture_from_filament(place.material, place.lattice),
    "trap relaxation": lambda place: relaxation(place.material),
    "vacancy electron capture": _charge_states,
}
"""Each mechanism that a material file can switch on by name."""
