"""Mechanisms and energies: what can happen on the lattice, written as data.

A mechanism is a reaction in both directions, so that detailed balance cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ...checks import between, one_of
from ..lattice.species import VACANCY, Species
from .barrier import MULTIPHONON, NUMBERS, SINUSOIDAL, soret_lever

if TYPE_CHECKING:
    from .multiphonon import Multiphonon

Electrode = Literal["bottom", "top", "filament"]


@dataclass(frozen=True, slots=True, eq=False)
class Mechanism:
    """One reaction, forward and reverse, on one site or on two neighbouring sites.

    Parameters
    ----------
    name : str
        Name in the language of the field, for instance ``"vacancy hop"``.
    before, after : tuple of Species
        Occupants of the one or two sites before and after the forward direction.
    motif : str or None
        Neighbour table that links the two sites; None for a mechanism of one site.
    electrode : {"bottom", "top", "filament"} or None
        Electrode that takes part in a mechanism of one site; "filament", for a remote one, is the nearest
        node of a device's network, with its potential. Its reservoir grows by one with each forward
        event and shrinks with each reverse one, which is impossible at 0; the charge that the site gains
        comes from the electrode's potential.
    second_stock : bool
        The electrode holds these atoms apart from others (metal beside oxygen), in its second reservoir.
    irreversible : bool
        What leaves through the electrode does not come back: there is no reverse event, and no reservoir
        counts it. It stands for an outside that holds none of it, where the rate of the way back is 0.
    remote : bool
        An electron tunnels between the electrode and a site anywhere, rather than an atom at a site that
        touches it; nothing is counted then.
    sites : ndarray of bool, shape (n_sites,), optional
        Sites that exchange an atom with the electrode; those that touch it by default.
    barrier : float
        Barrier E_m (eV), >= 0, shared by both directions.
    attempt_frequency : float
        Attempt frequency (1/s), > 0, of both directions.
    energy : float
        Energy of the forward direction (eV) besides interactions, site energies and electrostatics.
    law : {"sinusoidal", "linear", "marcus", "multiphonon"}
        How the energy difference is split between the directions.
    transition : Multiphonon, optional
        Transition with a metal of the law "multiphonon"; ``barrier`` comes on top of it.
    alpha : float
        Fraction of the energy difference felt by the forward direction of the linear law, 0 to 1.
    heat_of_transport : float
        Heat of transport Q* (eV): the rate reads ``T_i + beta (T_j - T_i)``, beta = (1 - Q*/E_m)/2.
    dipole : float
        Bond dipole at zero field (e m): the transition state of both directions is that of
        `barrier.under_field` with ``dipole / length * max(0, drop)``, where drop (V) is the electrostatic
        energy per unit charge won by the forward direction; with a power above 1 a device leaves out the part
        of single charges. Of a site below the face of the electrode a device takes the
        part over the bond to the site above; an engine alone takes all of it.
    dipole_power : float
        Power of `barrier.under_field`, 1 to 2: 1 a line, 1.5 a linear-cubic well, 2 a cusp.
    floor : float
        Lower bound (eV) of the barrier that a line (power 1) leaves; 0 with a power above 1.
    barrier_shift : ndarray of float64, shape (n_sites,), optional
        Addition to the barrier (eV) per site; a mechanism of two sites takes the mean of both ends.
    frequency_factor : ndarray of float64, shape (n_sites,), optional
        Factor on the attempt frequency per site, >= 0, alike for both directions (a tunnelling probability,
        another oxide); a mechanism of two sites takes the geometric mean of both ends.
    barriers_below : ndarray of float64, shape (n_sites,), optional
        Sum of the extra barriers (eV), >= 0, of all interfaces below each site; a mechanism of two sites
        takes the difference of both ends, alike both ways.
    crowding : tuple of float and int, optional
        ``(extra, count)``: the barrier grows by ``extra * min(n_a, n_b, count) / count`` (eV), n being the
        neighbours of each end that are ``crowding_species``, the moving pair itself left out.
    crowding_species : Species
        Species counted by ``crowding``.
    crowding_motif : str
        Neighbour table in which they are counted.
    crowding_start : int
        Neighbours that add nothing, 0 to less than ``count``: each number of neighbours n above counts as
        ``max(0, min(n, count) - start)``, and ``count`` as ``count - start``.
    crowding_electrode : int
        Neighbours that an electrode beside a site stands for, 0 to ``count``.
    crowding_first : bool
        Count around the first site only: ``min(n_a, count)``.
    crowding_edge : float
        Weight w of the end with more neighbours, 0 to 1: ``(1 - w) min(n_a, n_b) + w max(n_a, n_b)``, each up
        to ``count``. A hop between a cluster and the open has this fraction of the extra barrier, both ways.

    Raises
    ------
    ValueError
        If a value is outside its range, charge or sites are not conserved, or the parts do not fit.
    """

    name: str
    before: tuple[Species, ...] = field(kw_only=True)
    after: tuple[Species, ...] = field(kw_only=True)
    motif: str | None = field(default="nearest", kw_only=True)
    electrode: Electrode | None = field(default=None, kw_only=True)
    second_stock: bool = field(default=False, kw_only=True)
    irreversible: bool = field(default=False, kw_only=True)
    remote: bool = field(default=False, kw_only=True)
    sites: NDArray[np.bool_] | None = field(default=None, kw_only=True)
    barrier: float = field(kw_only=True)
    attempt_frequency: float = field(kw_only=True)
    energy: float = field(default=0.0, kw_only=True)
    law: str = field(default=SINUSOIDAL, kw_only=True)
    transition: Multiphonon | None = field(default=None, kw_only=True)
    alpha: float = field(default=0.5, kw_only=True)
    heat_of_transport: float = field(default=0.0, kw_only=True)
    dipole: float = field(default=0.0, kw_only=True)
    dipole_power: float = field(default=1.0, kw_only=True)
    floor: float = field(default=0.0, kw_only=True)
    barrier_shift: NDArray[np.float64] | None = field(default=None, kw_only=True)
    frequency_factor: NDArray[np.float64] | None = field(default=None, kw_only=True)
    barriers_below: NDArray[np.float64] | None = field(default=None, kw_only=True)
    crowding: tuple[float, int] | None = field(default=None, kw_only=True)
    crowding_species: Species = field(default=VACANCY, kw_only=True)
    crowding_motif: str = field(default="nearest", kw_only=True)
    crowding_start: int = field(default=0, kw_only=True)
    crowding_electrode: int = field(default=0, kw_only=True)
    crowding_first: bool = field(default=False, kw_only=True)
    crowding_edge: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        for side in ("before", "after"):
            value = getattr(self, side)
            object.__setattr__(self, side, (value,) if isinstance(value, Species) else tuple(value))
        if len(self.before) == 1:
            object.__setattr__(self, "motif", None)
        self._check_form()
        self._check_numbers()

    def _check_form(self) -> None:
        who = f"mechanism {self.name!r}"
        if len(self.before) not in (1, 2) or len(self.after) != len(self.before):
            raise ValueError(
                f"{who} must have one or two species before and as many after, "
                f"got {len(self.before)} and {len(self.after)}"
            )
        for old, new in zip(self.before, self.after, strict=True):
            if old.sublattice != new.sublattice:
                raise ValueError(
                    f"{who}: {old.name} cannot become {new.name}, which lives on another sublattice"
                )
        if self.before == self.after:
            raise ValueError(f"{who} must change a site, got {self.before[0].name} before and after")
        if len(self.before) == 2 and self.motif is None:
            raise ValueError(f"{who} has two sites and needs a motif")
        if self.electrode not in (None, "bottom", "top", "filament"):
            raise ValueError(
                f"electrode of {who} must be 'bottom', 'top' or None, or 'filament' for a remote one, "
                f"got {self.electrode!r}"
            )
        if self.electrode == "filament" and not self.remote:
            raise ValueError(f"{who} takes electrons from the filament and must be remote")
        if self.electrode is not None and len(self.before) == 2:
            raise ValueError(f"{who} has two sites and cannot involve an electrode")
        if self.remote and self.electrode is None:
            raise ValueError(f"{who} is remote and needs an electrode")
        if self.second_stock and (self.electrode is None or self.remote):
            raise ValueError(f"{who} has a second stock and needs an electrode that gives and takes atoms")
        if self.irreversible and (self.electrode is None or self.remote or self.second_stock):
            raise ValueError(f"{who} is irreversible and needs an electrode through which atoms leave")
        if self.sites is not None and (self.electrode is None or self.remote):
            raise ValueError(f"{who} has sites and needs an electrode that gives and takes atoms there")
        if self.sites is not None and self.sites.dtype != np.bool_:
            raise ValueError(f"sites of {who} must be true or false, got {self.sites.dtype}")
        if self.barriers_below is not None and len(self.before) == 1:
            raise ValueError(f"{who} has one site and takes no barriers_below")
        if self.electrode is None and abs(sum(self.charge_change)) > 1e-12:
            raise ValueError(
                f"{who} must conserve charge or involve an electrode, it creates {sum(self.charge_change)} e"
            )

    def _check_numbers(self) -> None:
        who = f"mechanism {self.name!r}"
        between(f"barrier of {who}", self.barrier, 0.0, 20.0, "eV")
        between(f"attempt_frequency of {who}", self.attempt_frequency, 1e-30, 1e30, "1/s")
        between(f"energy of {who}", self.energy, -20.0, 20.0, "eV")
        between(f"alpha of {who}", self.alpha, 0.0, 1.0)
        between(f"heat_of_transport of {who}", self.heat_of_transport, -20.0, 20.0, "eV")
        between(f"dipole of {who}", self.dipole, 0.0, 1e-8, "e m")
        between(f"dipole_power of {who}", self.dipole_power, 1.0, 2.0)
        between(f"floor of {who}", self.floor, 0.0, 20.0, "eV")
        if self.dipole_power > 1.0 and self.floor > 0.0:
            raise ValueError(
                f"floor of {who} must be 0 eV with a dipole_power above 1, got {self.floor:g} eV"
            )
        between(f"crowding_edge of {who}", self.crowding_edge, 0.0, 1.0)
        one_of(f"law of {who}", self.law, NUMBERS)
        if (self.law == MULTIPHONON) != (self.transition is not None and self.remote):
            raise ValueError(f"{who} must be remote and have a transition with the law 'multiphonon' only")
        soret_lever(self.barrier, self.heat_of_transport)
        if self.crowding is not None and not (isfinite(self.crowding[0]) and self.crowding[1] >= 1):
            raise ValueError(
                f"crowding of {who} must be a finite energy (eV) and a count of at least 1, "
                f"got {self.crowding}"
            )
        if self.crowding is not None and not 0 <= self.crowding_start < self.crowding[1]:
            raise ValueError(
                f"crowding_start of {who} must be 0 to less than its count of {self.crowding[1]}, "
                f"got {self.crowding_start}"
            )
        if self.crowding is not None:
            between(f"crowding_electrode of {who}", self.crowding_electrode, 0, self.crowding[1])
        if self.crowding is not None and self.barrier + self.crowding[0] < 0.0:
            raise ValueError(
                f"barrier of {who} less what neighbours take off must be at least 0 eV, "
                f"got {self.barrier + self.crowding[0]:.4g}"
            )
        if self.crowding_first and self.is_own_reverse:
            raise ValueError(f"crowding of {who} must count around both ends, because it is its own reverse")
        if self.is_own_reverse and (self.energy != 0.0 or self.dipole != 0.0):
            raise ValueError(
                f"energy and dipole of {who} must be 0, because it is its own reverse, "
                f"got {self.energy} eV and {self.dipole} e m"
            )
        if self.is_own_reverse and self.law != SINUSOIDAL and self.alpha != 0.5:
            raise ValueError(f"alpha of {who} must be 0.5, because it is its own reverse, got {self.alpha}")

    @property
    def is_own_reverse(self) -> bool:
        """Whether the reverse direction is the forward one with both sites exchanged, as in a hop."""
        return len(self.before) == 2 and self.after == self.before[::-1]

    @property
    def charge_change(self) -> tuple[float, ...]:
        """Charge (e) that each site gains in the forward direction."""
        return tuple(new.charge - old.charge for old, new in zip(self.before, self.after, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class PairInteraction:
    """Energy of each pair of neighbours of two species.

    Parameters
    ----------
    a, b : Species
        The two species; alike or different.
    energy : float
        Energy per pair (eV); a binding of 0.15 eV is -0.15.
    motif : str
        Neighbour table that says which sites are a pair.
    exempt : ndarray of bool, shape (n_sites,), optional
        Sites of, for instance, a dead layer: a pair with both sites in it does not count.
    """

    a: Species
    b: Species
    energy: float
    motif: str = "nearest"
    exempt: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        between(f"energy of the pair {self.a.name}-{self.b.name}", self.energy, -20.0, 20.0, "eV")


@dataclass(frozen=True, slots=True, eq=False)
class SiteEnergy:
    """Energy of a species that depends on its site, for instance the disorder of an amorphous oxide.

    Parameters
    ----------
    species : Species
        The species that has it.
    values : ndarray of float64, shape (n_sites,)
        Energy at each site (eV).
    """

    species: Species
    values: NDArray[np.float64]


def refuse_filament(mechanisms: Iterable[Mechanism]) -> None:
    """Raise an error where electrons come from a filament: an engine alone has none."""
    for m in mechanisms:
        if m.electrode == "filament":
            raise ValueError(f"mechanism {m.name!r} takes electrons from a filament and needs a Device")
