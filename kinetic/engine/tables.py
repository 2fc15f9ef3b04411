"""Compiles mechanisms and energies into the arrays that the kernel interprets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...checks import at_least
from ...typing import Floats
from ..lattice.lattice import Lattice, Table
from ..lattice.species import Species
from ..mechanisms.barrier import NUMBERS
from ..mechanisms.lineshape import tabulate
from ..mechanisms.mechanism import Mechanism, PairInteraction, SiteEnergy
from .counts import Counts, mutual_counts, standing

Interaction = PairInteraction | SiteEnergy
MOTIF_LIMIT, COUNT_LIMIT = 8, 16
ELECTRODES = {None: 0, "bottom": 1, "top": 2, "filament": 3}


# Records as the kernel reads them; structs of the same names in _site_events.pxd say what each field means.
LINK = np.dtype(
    [
        ("count", "i4"),
        ("mutual", "i4"),
        ("from_b", "i4"),
        ("from_a", "i4"),
        ("gain_a", "f8"),
        ("gain_b", "f8"),
        ("gain_pair", "f8"),
    ],
    align=True,
)
MECHANISM = np.dtype(
    [
        ("code", "i4", (2, 2)),
        ("barrier", "f8"),
        ("frequency", "f8"),
        ("energy", "f8", 2),
        ("crowd", "f8"),
        ("crowd_start", "i4"),
        ("crowd_limit", "i4"),
        ("crowd_count", "i4"),
        ("crowd_mutual", "i4"),
        ("crowd_first", "i4"),
        ("crowd_edge", "f8"),
        ("electrode", "i4"),
        ("factor", "i4"),
        ("shift", "i4"),
        ("across", "i4"),
        ("on_site", "i4"),
        ("ordered", "i4"),
        ("n_links", "i4"),
        ("link", LINK, (2, COUNT_LIMIT)),
    ],
    align=True,
)
CHANNEL = np.dtype(
    [
        (name, "i4")
        for name in (
            "mechanism", "direction", "role", "motif", "partner", "electrode", "touch", "width"
        )
    ]
)
REACHED = 4  # bit of a site that an electrode reaches without touching it
COUNT = np.dtype([("motif", "i4"), ("species", "i4"), ("exempt", "i4")])


@dataclass(slots=True)
class Compiled:
    """Everything fixed about an engine, as the kernel reads it.

    Attributes
    ----------
    mechanism, channel, count : ndarray of MECHANISM, CHANNEL, COUNT
        Mechanisms; what a species can do, species after species; which neighbours are counted.
    first : ndarray of int32, shape (n_codes + 1,)
        Channels of a species: ``first[code]`` up to before ``first[code + 1]``.
    width : int
        Events that one site can have at most.
    touch : ndarray of int8, shape (n_sites,)
        Bits of what a site touches: 1 bottom, 2 top electrode, 4 what the `sites` of a mechanism reach.
    owns : ndarray of int8, shape (n_codes, 8)
        Whether a site of a species can ever do something, by what it touches.
    site_row : ndarray of int32, shape (n_codes,)
        Row of ``site_energy`` of each species, or -1.
    site_energy, shift, factor, across : ndarray of float64, shape (n_rows, n_sites)
        Energies of sites (eV), additions to barriers (eV), factors on attempt frequencies, and sums of the
        barriers of the interfaces below sites (eV).
    exempt : ndarray of uint8, shape (n_rows, n_sites)
        Sites whose pairs do not count.
    standing : ndarray of uint8, shape (n_counts, n_sites)
        Neighbours that the electrode beside a site stands for.
    motifs : list of ndarray
        Neighbour tables in the order of their numbers.
    species : dict of int to Species
        All species by code.
    """

    mechanism: NDArray[np.void]
    channel: NDArray[np.void]
    count: NDArray[np.void]
    first: NDArray[np.int32]
    width: int
    touch: NDArray[np.int8]
    owns: NDArray[np.int8]
    site_row: NDArray[np.int32]
    site_energy: Floats
    shift: Floats
    factor: Floats
    across: Floats
    exempt: NDArray[np.uint8]
    standing: NDArray[np.uint8]
    motifs: list[Table]
    species: dict[int, Species]


def compile_tables(
    lattice: Lattice, mechanisms: Sequence[Mechanism], interactions: Iterable[Interaction]
) -> Compiled:
    """Compile mechanisms and interactions on a lattice.

    Parameters
    ----------
    lattice : Lattice
        Sites and neighbour tables.
    mechanisms : sequence of Mechanism
        At least one.
    interactions : iterable of PairInteraction or SiteEnergy
        Parts of the energy.

    Returns
    -------
    Compiled
        Tables for the kernel.

    Raises
    ------
    ValueError
        If two species share a code, a per-site array has another length than the lattice, a value is not
        finite, or a motif is missing.
    """
    if not mechanisms:
        raise ValueError("mechanisms must hold at least one Mechanism, got none")
    parts = list(interactions)
    species = _all_species(mechanisms, parts)
    counts = Counts(max(species) + 1)
    names: list[str] = []  # of the motifs in use
    for m in mechanisms:
        _motif_number(lattice, names, m.motif)
    shift, shift_row = _shifts(lattice, mechanisms)
    factor, factor_row = _not_negative(lattice, mechanisms, "frequency_factor", "1")
    across, across_row = _not_negative(lattice, mechanisms, "barriers_below", "eV")
    site_row, site_energy, exempt = _energies(lattice, parts, names, counts)
    crowd = [_crowding_count(lattice, m, counts, names) for m in mechanisms]
    channel, first = _channels(lattice, mechanisms, species, names)
    width, owns = _owners(channel, first)
    motifs = [lattice.motifs[name] for name in names]
    if len(motifs) > MOTIF_LIMIT:
        raise ValueError(f"an engine can use at most {MOTIF_LIMIT} motifs, got {', '.join(names)}")
    if len(counts.keys) > COUNT_LIMIT:
        raise ValueError(
            f"an engine can count at most {COUNT_LIMIT} kinds of neighbours, got {len(counts.keys)}"
        )
    mutual = mutual_counts([_motif_number(lattice, names, m.motif) for m in mechanisms], counts, motifs)
    table = np.zeros(len(mechanisms), dtype=MECHANISM)
    for i, m in enumerate(mechanisms):
        row = table[i]
        _fill_mechanism(row, m)
        row["shift"], row["factor"], row["crowd_count"] = shift_row[i], factor_row[i], crowd[i]
        row["across"] = across_row[i]
        row["crowd_mutual"] = mutual[i, crowd[i]] if crowd[i] >= 0 else 0
        row["on_site"] = np.any(site_row[row["code"][row["code"] >= 0]] >= 0)
        _fill_links(row, counts, mutual[i])
    return Compiled(
        mechanism=table,
        channel=channel,
        count=np.array([key[:3] for key in counts.keys], dtype=COUNT),
        first=first,
        width=width,
        touch=_touch(lattice, mechanisms),
        owns=owns,
        site_row=site_row,
        site_energy=site_energy,
        shift=shift,
        factor=factor,
        across=across,
        exempt=exempt,
        standing=standing(lattice, counts),
        motifs=motifs,
        species=species,
    )


def neighbour_counts(compiled: Compiled, codes: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Count the neighbours of every site for each kind that is counted; shape (n_sites, n_counts)."""
    count = np.zeros((len(codes), len(compiled.count)), dtype=np.uint8)
    for h, (motif, sp, exempt) in enumerate(compiled.count.tolist()):
        near = compiled.motifs[motif]
        is_present = (near >= 0) & (codes[near] == sp)
        if exempt >= 0:
            mask = compiled.exempt[exempt].astype(bool)
            is_present &= ~(mask[:, None] & mask[near])
        count[:, h] = is_present.sum(axis=1)
        count[:, h] += compiled.standing[h]
    return count


def checked_codes(species: ArrayLike, lattice: Lattice, known: Mapping[int, Species]) -> NDArray[np.int8]:
    """Return one code of a known species per site or say what is wrong with it."""
    codes = np.array(species, dtype=np.int8)
    if codes.shape != (lattice.n_sites,):
        raise ValueError(
            f"species must have shape ({lattice.n_sites},), one code per site, got {codes.shape}"
        )
    for code in sorted(set(codes.tolist())):
        if code not in known:
            names = ", ".join(f"{c} {s.name}" for c, s in sorted(known.items()))
            raise ValueError(f"species code {code} is in no mechanism or interaction; there are: {names}")
        sublattices = lattice.sublattice[codes == code]
        kind = known[code]
        if np.any(sublattices != kind.sublattice):
            raise ValueError(
                f"species {kind.name} must stand on sublattice {kind.sublattice}, "
                f"got {sublattices[sublattices != kind.sublattice][0]}"
            )
    return codes


def checked_sites(name: str, values: Any, n_sites: int, unit: str) -> Floats:
    """Return a per-site array of finite floats or say what is wrong with it."""
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.shape != (n_sites,):
        raise ValueError(f"{name} must have shape ({n_sites},), one value per site, got {array.shape}")
    if not np.isfinite(np.vdot(array, array)):  # one pass in the usual case, without a warning
        not_finite = np.flatnonzero(~np.isfinite(array))
        if not len(not_finite):
            return array
        raise ValueError(
            f"{name} must be finite ({unit}), got {array[not_finite[0]]} at site {not_finite[0]}"
        )
    return array


def _all_species(mechanisms: Sequence[Mechanism], parts: Sequence[Interaction]) -> dict[int, Species]:
    by_code: dict[int, Species] = {}
    listed = [s for m in mechanisms for s in (*m.before, *m.after)]
    for part in parts:
        listed += [part.a, part.b] if isinstance(part, PairInteraction) else [part.species]
    listed += [m.crowding_species for m in mechanisms if m.crowding is not None]
    for kind in listed:
        if by_code.setdefault(kind.code, kind) != kind:
            raise ValueError(f"species {kind.name} and {by_code[kind.code].name} share the code {kind.code}")
    return by_code


def _motif_number(lattice: Lattice, names: list[str], name: str | None) -> int:
    """Return the number of a motif among those in use, which it joins when it is new; -1 for None."""
    if name is None:
        return -1
    if name not in lattice.motifs:
        raise ValueError(f"no motif {name!r} in the lattice; there are: {', '.join(lattice.motifs)}")
    if name not in names:
        names.append(name)
    return names.index(name)


def _fill_mechanism(row: Any, m: Mechanism) -> None:
    """Write what a mechanism states of the events themselves."""
    row["code"] = -1
    row["code"][0, : len(m.before)] = [s.code for s in m.before]
    row["code"][1, : len(m.after)] = [s.code for s in m.after]
    row["barrier"], row["frequency"] = m.barrier, m.attempt_frequency
    row["energy"] = m.energy, -m.energy
    row["electrode"] = _holder(m)
    row["crowd"], row["crowd_limit"] = m.crowding or (0.0, 1)
    row["crowd_start"], row["crowd_first"] = m.crowding_start, m.crowding_first
    row["crowd_edge"] = m.crowding_edge
    row["ordered"] = len(m.before) == 2 and m.before[0] == m.before[1] and m.after[0] == m.after[1]


def _fill_links(row: Any, counts: Counts, mutual: NDArray[np.int8]) -> None:
    """List the counts that can change the energy of a mechanism, for both directions."""
    for h, ((_, species, *_), count_row) in enumerate(zip(counts.keys, counts.weight, strict=True)):
        weight = np.r_[count_row, 0.0]  # code -1: no site, no energy
        if not np.any(weight[row["code"]]):
            continue
        for d in range(2):
            (pa, pb), (qa, qb) = row["code"][d], row["code"][1 - d]
            link = row["link"][d, row["n_links"]]
            link["count"], link["mutual"] = h, mutual[h]
            link["from_b"], link["from_a"] = pb == species, pa == species
            link["gain_a"], link["gain_b"] = weight[qa] - weight[pa], weight[qb] - weight[pb]
            link["gain_pair"] = weight[qa] * (qb == species) - weight[pa] * (pb == species)
        row["n_links"] += 1


def _holder(mechanism: Mechanism) -> int:
    """Return whose reservoir takes part; electrons from afar and atoms that are lost are not counted."""
    holder = 0 if mechanism.remote or mechanism.irreversible else ELECTRODES[mechanism.electrode]
    return holder + 2 if holder and mechanism.second_stock else holder


def _touch(lattice: Lattice, mechanisms: Sequence[Mechanism]) -> NDArray[np.int8]:
    """Return the bits of what each site touches."""
    touch = lattice.electrode.astype(np.int8)
    masks = [m.sites for m in mechanisms if m.sites is not None]
    for mask in masks:
        if mask.shape != touch.shape or not np.array_equal(mask, masks[0]):
            raise ValueError(f"sites must be one mask of shape {touch.shape} for all that have any")
        touch[mask] |= REACHED
    return touch


def _not_negative(
    lattice: Lattice, mechanisms: Sequence[Mechanism], name: str, unit: str
) -> tuple[Floats, list[int]]:
    """Return the arrays per site of this name, all at least 0, and the row of each mechanism."""
    rows: list[Floats] = []
    row_of = [-1] * len(mechanisms)
    for i, m in enumerate(mechanisms):
        if getattr(m, name) is not None:
            row_of[i], description = len(rows), f"{name} of {m.name!r}"
            rows.append(checked_sites(description, getattr(m, name), lattice.n_sites, unit))
            at_least(description, rows[-1].min(), 0.0)
    return _stacked(rows, lattice, np.float64), row_of


def _shifts(lattice: Lattice, mechanisms: Sequence[Mechanism]) -> tuple[Floats, list[int]]:
    """Return the distinct arrays of barrier shifts and the row of each mechanism."""
    rows: list[Floats] = []
    row_of: dict[int, int] = {}
    owners: list[int] = []
    for m in mechanisms:
        if m.barrier_shift is None:
            owners.append(-1)
            continue
        values = checked_sites(f"barrier_shift of {m.name!r}", m.barrier_shift, lattice.n_sites, "eV")
        least = m.barrier + float(values.min()) + (min(0.0, m.crowding[0]) if m.crowding else 0.0)
        if least < 0.0:
            raise ValueError(
                f"barrier of {m.name!r} with its barrier_shift must be at least 0 eV, got {least:.4g}"
            )
        if id(m.barrier_shift) not in row_of:
            row_of[id(m.barrier_shift)] = len(rows)
            rows.append(values)
        owners.append(row_of[id(m.barrier_shift)])
    return _stacked(rows, lattice, np.float64), owners


def _energies(
    lattice: Lattice, parts: Sequence[Interaction], names: list[str], counts: Counts
) -> tuple[NDArray[np.int32], Floats, NDArray[np.uint8]]:
    """Count what pairs need, and return the row of each species, energies of sites and exempt sites."""
    masks: list[NDArray[np.uint8]] = []
    row_of: dict[int, int] = {}
    rows: dict[int, Floats] = {}
    for part in parts:
        if isinstance(part, SiteEnergy):
            values = checked_sites(f"energy of {part.species.name}", part.values, lattice.n_sites, "eV")
            code = part.species.code
            rows[code] = rows[code] + values if code in rows else values
            continue
        motif, exempt = _motif_number(lattice, names, part.motif), -1
        if part.exempt is not None:
            mask = np.ascontiguousarray(part.exempt, dtype=np.uint8)
            if mask.shape != (lattice.n_sites,):
                raise ValueError(f"exempt must have shape ({lattice.n_sites},), got {mask.shape}")
            if id(part.exempt) not in row_of:
                row_of[id(part.exempt)] = len(masks)
                masks.append(mask)
            exempt = row_of[id(part.exempt)]
        counts.weight[counts.number(motif, part.b.code, exempt)][part.a.code] += part.energy
        if part.a.code != part.b.code:
            counts.weight[counts.number(motif, part.a.code, exempt)][part.b.code] += part.energy
    site_row = np.full(counts.n_codes, -1, dtype=np.int32)
    site_row[list(rows)] = np.arange(len(rows))
    return (
        site_row,
        _stacked(list(rows.values()), lattice, np.float64),
        _stacked(masks, lattice, np.uint8),
    )


def _stacked(rows: Sequence[NDArray[Any]], lattice: Lattice, kind: type[Any]) -> NDArray[Any]:
    """Return rows of one value per site as one array; without any, one of shape (0, 1)."""
    return np.array(rows, dtype=kind).reshape(-1, lattice.n_sites if rows else 1)


def _crowding_count(lattice: Lattice, mechanism: Mechanism, counts: Counts, names: list[str]) -> int:
    if mechanism.crowding is None:
        return -1
    motif = _motif_number(lattice, names, mechanism.crowding_motif)
    return counts.number(motif, mechanism.crowding_species.code, standing=mechanism.crowding_electrode)


def _background(species: dict[int, Species]) -> set[int]:
    """Return the codes of the perfect lattice: the lowest one of each sublattice."""
    lowest: dict[int, int] = {}
    for code in sorted(species):
        lowest.setdefault(species[code].sublattice, code)
    return set(lowest.values())


def _channels(
    lattice: Lattice, mechanisms: Sequence[Mechanism], species: dict[int, Species], names: list[str]
) -> tuple[NDArray[np.void], NDArray[np.int32]]:
    """List, for each species, what a site that holds it can do, and where the list of each begins."""
    n_codes = max(species) + 1
    background = _background(species)
    by_code: list[list[tuple[int, ...]]] = [[] for _ in range(n_codes)]
    for i, m in enumerate(mechanisms):
        for direction, side in enumerate((m.before, m.after)):
            if direction == 1 and (m.is_own_reverse or m.irreversible):
                continue
            role, partner, width = 0, -1, 1
            motif = _motif_number(lattice, names, m.motif)
            if len(side) == 2:
                # The rarer species of the pair keeps the event.
                role = int(side[0].code in background and side[1].code not in background)
                partner, width = side[1 - role].code, lattice.motifs[names[motif]].shape[1]
            owner = side[role].code
            touch = 0 if m.remote else ELECTRODES[m.electrode]
            touch = touch if m.sites is None else REACHED
            by_code[owner].append((i, direction, role, motif, partner, _holder(m), touch, width))
    first = np.cumsum([0, *(len(group) for group in by_code)], dtype=np.int32)
    return np.array([row for group in by_code for row in group], dtype=CHANNEL), first


def _owners(channel: NDArray[np.void], first: NDArray[np.int32]) -> tuple[int, NDArray[np.int8]]:
    """Return the most events of a site, and whether one of a species has any by what it touches."""
    owns = np.zeros((len(first) - 1, 2 * REACHED), dtype=np.int8)
    for code in range(len(first) - 1):
        for needed in channel["touch"][first[code] : first[code + 1]]:
            # Without an electrode: everywhere; with one: where it is touched (3: both), or reached.
            for touch in range(2 * REACHED):
                owns[code, touch] |= needed == 0 or bool(touch & needed)
    most = max(int(channel["width"][low:high].sum()) for low, high in pairwise(first))
    return most, owns


def rate_tables(lattice: Lattice, mechanisms: Sequence[Mechanism]) -> dict[str, Any]:
    """Return what rates need of each mechanism; see `Engine.tables`."""
    shapes = [None if m.transition is None else tabulate(m.transition) for m in mechanisms]
    tables: dict[str, Any] = {
        "law": np.array([NUMBERS[m.law] for m in mechanisms], np.int32),
        "floor": np.array([m.floor for m in mechanisms]),
        "alpha": np.array([m.alpha for m in mechanisms]),
        "electrode": np.array([ELECTRODES[m.electrode] for m in mechanisms], np.int32),
        "length": np.array([lattice.length(m.motif) for m in mechanisms]),
        "dipole": np.array([m.dipole for m in mechanisms]),
        "dipole_power": np.array([m.dipole_power for m in mechanisms]),
        "heat_of_transport": np.array([m.heat_of_transport for m in mechanisms]),
        "lineshapes": shapes if any(shapes) else [],
    }
    charges = np.zeros((2, len(mechanisms)))
    for i, m in enumerate(mechanisms):
        charges[: len(m.before), i] = m.charge_change
    tables["charge_a"], tables["charge_b"] = charges
    for side in ("before", "after"):
        codes = np.full((2, len(mechanisms)), -1, np.int32)
        for i, m in enumerate(mechanisms):
            kinds = getattr(m, side)
            codes[: len(kinds), i] = [s.code for s in kinds]
        tables[f"code_{side}_a"], tables[f"code_{side}_b"] = codes
    return tables
