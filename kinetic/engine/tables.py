"""Compiles mechanisms and energies into the arrays that the kernel interprets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...units import BOLTZMANN_EV
from ..lattice.lattice import Lattice, Table
from ..lattice.species import Species
from ..mechanisms.barrier import NUMBERS, soret_lever
from ..mechanisms.lineshape import tabulate
from ..mechanisms.mechanism import Mechanism, PairInteraction, SiteEnergy

Interaction = PairInteraction | SiteEnergy
MOTIF_LIMIT = 8
ELECTRODES = {None: 0, "bottom": 1, "top": 2, "filament": 3}
_ONCE, _SCAN = 1, 2


@dataclass(slots=True)
class Compiled:
    """Everything fixed about an engine.

    Attributes
    ----------
    arrays : dict
        Tables by name, as the kernel reads them.
    motifs : list of ndarray
        Neighbour tables in the order of their numbers in ``arrays``.
    species : dict of int to Species
        All species by code.
    """

    arrays: dict[str, Any]
    motifs: list[Table]
    species: dict[int, Species]


@dataclass(slots=True)
class _Counts:
    """Count channels: neighbours of one species in one motif, with what they contribute."""

    n_codes: int
    motif: list[int] = field(default_factory=list)
    species: list[int] = field(default_factory=list)
    exempt: list[int] = field(default_factory=list)
    weight: list[NDArray[np.float64]] = field(default_factory=list)

    def channel(self, motif: int, species: int, exempt: int = -1) -> int:
        """Return the number of a channel, made when it is new."""
        for h, key in enumerate(zip(self.motif, self.species, self.exempt, strict=True)):
            if key == (motif, species, exempt):
                return h
        self.motif.append(motif)
        self.species.append(species)
        self.exempt.append(exempt)
        self.weight.append(np.zeros(self.n_codes))
        return len(self.motif) - 1


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
    n_codes = max(species) + 1
    names: list[str] = []
    counts = _Counts(n_codes)
    arrays = _mechanism_arrays(lattice, mechanisms, names)
    arrays |= _energy_arrays(lattice, parts, names, counts)
    arrays["crowd_count"] = _ints(_crowding_channel(m, counts, names) for m in mechanisms)
    arrays |= _channel_arrays(lattice, mechanisms, species, names)
    motifs = [_motif(lattice, name) for name in names]
    if len(motifs) > MOTIF_LIMIT:
        raise ValueError(f"an engine can use at most {MOTIF_LIMIT} motifs, got {', '.join(names)}")
    arrays["h_motif"], arrays["h_species"] = _ints(counts.motif), _ints(counts.species)
    arrays["h_exempt"] = _ints(counts.exempt)
    arrays["h_weight"] = np.array(counts.weight, dtype=np.float64).reshape(-1, n_codes)
    arrays["mutual"] = _mutual(arrays["motif"], counts, motifs)
    return Compiled(arrays, motifs, species)


def neighbour_counts(compiled: Compiled, codes: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Count the neighbours of every site for each count channel; shape (n_sites, n_counts)."""
    a = compiled.arrays
    count = np.zeros((len(codes), len(a["h_motif"])), dtype=np.uint8)
    for h, (motif, sp, exempt) in enumerate(zip(a["h_motif"], a["h_species"], a["h_exempt"], strict=True)):
        for column in compiled.motifs[motif].T:
            there = (column >= 0) & (codes[column] == sp)
            if exempt >= 0:
                mask = a["exempt"][exempt].astype(bool)
                there &= ~(mask & mask[column])
            count[:, h] += there
    return count


def checked_sites(name: str, values: Any, n_sites: int, unit: str) -> NDArray[np.float64]:
    """Return a per-site array of finite floats or say what is wrong with it."""
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.shape != (n_sites,):
        raise ValueError(f"{name} must have shape ({n_sites},), one value per site, got {array.shape}")
    if not np.isfinite(array.sum()):  # one pass in the usual case
        bad = np.flatnonzero(~np.isfinite(array))
        if not len(bad):
            return array
        raise ValueError(f"{name} must be finite ({unit}), got {array[bad[0]]} at site {bad[0]}")
    return array


def _ints(values: Iterable[int]) -> NDArray[np.int32]:
    return np.array(list(values), dtype=np.int32)


def _floats(values: Iterable[float]) -> NDArray[np.float64]:
    return np.array(list(values), dtype=np.float64)


def _all_species(mechanisms: Sequence[Mechanism], parts: Sequence[Interaction]) -> dict[int, Species]:
    found: dict[int, Species] = {}
    listed = [s for m in mechanisms for s in (*m.before, *m.after)]
    for part in parts:
        listed += [part.a, part.b] if isinstance(part, PairInteraction) else [part.species]
    listed += [m.crowding_species for m in mechanisms if m.crowding is not None]
    for one in listed:
        if found.setdefault(one.code, one) != one:
            raise ValueError(f"species {one.name} and {found[one.code].name} share the code {one.code}")
    return found


def _motif(lattice: Lattice, name: str) -> Table:
    if name not in lattice.motifs:
        raise ValueError(f"no motif {name!r} in the lattice; there are: {', '.join(lattice.motifs)}")
    return lattice.motifs[name]


def _motif_number(names: list[str], name: str | None) -> int:
    if name is None:
        return -1
    if name not in names:
        names.append(name)
    return names.index(name)


def _mechanism_arrays(
    lattice: Lattice, mechanisms: Sequence[Mechanism], names: list[str]
) -> dict[str, Any]:
    for m in mechanisms:
        if m.motif is not None:
            _motif(lattice, m.motif)
    code = np.full((len(mechanisms), 2, 2), -1, dtype=np.int8)
    charge = np.zeros((len(mechanisms), 2))
    for i, m in enumerate(mechanisms):
        code[i, 0, : len(m.before)] = [s.code for s in m.before]
        code[i, 1, : len(m.after)] = [s.code for s in m.after]
        charge[i, : len(m.before)] = m.charge_change
    shift, shift_row = _shifts(lattice, mechanisms)
    lineshapes = [None if m.transition is None else tabulate(m.transition) for m in mechanisms]
    factor, factor_row = _factors(lattice, mechanisms)
    length = _floats(lattice.length(m.motif) for m in mechanisms)
    alike = [len(m.before) == 2 and m.before[0] == m.before[1] for m in mechanisms]
    same = [a and m.after[0] == m.after[1] for a, m in zip(alike, mechanisms, strict=True)]
    return {
        "code": code,
        "charge": charge,
        "barrier": _floats(m.barrier for m in mechanisms),
        "frequency": _floats(m.attempt_frequency for m in mechanisms),
        "energy": _floats(m.energy for m in mechanisms),
        "law": _ints(NUMBERS[m.law] for m in mechanisms),
        "alpha": _floats(m.alpha for m in mechanisms),
        "beta": _floats(soret_lever(m.barrier, m.heat_of_transport) for m in mechanisms),
        "length": length,
        "lowering": _floats(m.dipole for m in mechanisms) / length,
        "floor": _floats(m.floor for m in mechanisms),
        "electrode": _ints(_holder(m) for m in mechanisms),
        "source": _ints(ELECTRODES[m.electrode] for m in mechanisms),
        "motif": _ints(_motif_number(names, m.motif) for m in mechanisms),
        "ordered": np.array(same, dtype=np.int8),
        "crowd": _floats(m.crowding[0] if m.crowding else 0.0 for m in mechanisms),
        "crowd_first": _ints(m.crowding_first for m in mechanisms),
        "crowd_limit": _ints(int(m.crowding[1]) if m.crowding else 1 for m in mechanisms),
        "shift": shift,
        "shift_row": shift_row,
        "factor": factor,
        "factor_row": factor_row,
        "lineshapes": lineshapes,
    }


def _holder(mechanism: Mechanism) -> int:
    """Return whose reservoir takes part; electrons that tunnel from afar are not counted."""
    return 0 if mechanism.remote else ELECTRODES[mechanism.electrode]


def _factors(
    lattice: Lattice, mechanisms: Sequence[Mechanism]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return the arrays of factors on attempt frequencies and the row of each mechanism."""
    rows: list[NDArray[np.float64]] = []
    of: list[int] = []
    for m in mechanisms:
        of.append(-1 if m.frequency_factor is None else len(rows))
        if m.frequency_factor is not None:
            what = f"frequency_factor of {m.name!r}"
            values = checked_sites(what, m.frequency_factor, lattice.n_sites, "1")
            if values.min() < 0.0:
                raise ValueError(f"{what} must be at least 0, got {values.min():g}")
            rows.append(values)
    return np.array(rows, dtype=np.float64).reshape(-1, lattice.n_sites if rows else 1), _ints(of)


def _shifts(
    lattice: Lattice, mechanisms: Sequence[Mechanism]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return the distinct arrays of barrier shifts and the row of each mechanism."""
    rows: list[NDArray[np.float64]] = []
    known: dict[int, int] = {}
    of: list[int] = []
    for m in mechanisms:
        if m.barrier_shift is None:
            of.append(-1)
            continue
        values = checked_sites(f"barrier_shift of {m.name!r}", m.barrier_shift, lattice.n_sites, "eV")
        least = m.barrier + float(values.min()) + (min(0.0, m.crowding[0]) if m.crowding else 0.0)
        if least < 0.0:
            raise ValueError(
                f"barrier of {m.name!r} with its barrier_shift must be at least 0 eV, got {least:.4g}"
            )
        if id(m.barrier_shift) not in known:
            known[id(m.barrier_shift)] = len(rows)
            rows.append(values)
        of.append(known[id(m.barrier_shift)])
    return np.array(rows, dtype=np.float64).reshape(-1, lattice.n_sites if rows else 1), _ints(of)


def _energy_arrays(
    lattice: Lattice, parts: Sequence[Interaction], names: list[str], counts: _Counts
) -> dict[str, Any]:
    masks: list[NDArray[np.uint8]] = []
    known: dict[int, int] = {}
    rows: dict[int, NDArray[np.float64]] = {}
    for part in parts:
        if isinstance(part, SiteEnergy):
            values = checked_sites(f"energy of {part.species.name}", part.values, lattice.n_sites, "eV")
            code = part.species.code
            rows[code] = rows[code] + values if code in rows else values
            continue
        _motif(lattice, part.motif)
        motif, exempt = _motif_number(names, part.motif), -1
        if part.exempt is not None:
            mask = np.ascontiguousarray(part.exempt, dtype=np.uint8)
            if mask.shape != (lattice.n_sites,):
                raise ValueError(f"exempt must have shape ({lattice.n_sites},), got {mask.shape}")
            if id(part.exempt) not in known:
                known[id(part.exempt)] = len(masks)
                masks.append(mask)
            exempt = known[id(part.exempt)]
        counts.weight[counts.channel(motif, part.b.code, exempt)][part.a.code] += part.energy
        if part.a.code != part.b.code:
            counts.weight[counts.channel(motif, part.a.code, exempt)][part.b.code] += part.energy
    site_row = np.full(counts.n_codes, -1, dtype=np.int32)
    for row, code in enumerate(rows):
        site_row[code] = row
    return {
        "site_row": site_row,
        "site_energy": np.array(list(rows.values())).reshape(-1, lattice.n_sites if rows else 1),
        "exempt": np.array(masks, dtype=np.uint8).reshape(-1, lattice.n_sites if masks else 1),
    }


def _crowding_channel(mechanism: Mechanism, counts: _Counts, names: list[str]) -> int:
    if mechanism.crowding is None:
        return -1
    return counts.channel(_motif_number(names, mechanism.crowding_motif), mechanism.crowding_species.code)


def _background(species: dict[int, Species]) -> set[int]:
    """Return the codes of the perfect lattice: the lowest one of each sublattice."""
    lowest: dict[int, int] = {}
    for code in sorted(species):
        lowest.setdefault(species[code].sublattice, code)
    return set(lowest.values())


def _channel_arrays(
    lattice: Lattice, mechanisms: Sequence[Mechanism], species: dict[int, Species], names: list[str]
) -> dict[str, Any]:
    """List, for each species, what a site that holds it can do: its slots."""
    n_codes = max(species) + 1
    background = _background(species)
    by_code: list[list[tuple[int, ...]]] = [[] for _ in range(n_codes)]
    slots = [0] * n_codes
    for i, m in enumerate(mechanisms):
        for direction, side in enumerate((m.before, m.after)):
            if direction == 1 and m.is_own_reverse:
                continue
            if len(side) == 1:
                owner, role, partner, motif, width = side[0].code, 0, -1, -1, 1
            else:
                # the rarer species of the pair keeps the event
                role = int(side[0].code in background and side[1].code not in background)
                owner, partner = side[role].code, side[1 - role].code
                motif = _motif_number(names, m.motif)
                width = _motif(lattice, names[motif]).shape[1]
            by_code[owner].append(
                (i, direction, role, motif, partner, _holder(m), slots[owner], width)
            )
            slots[owner] += width
    return _flatten(by_code, max(slots))


def _flatten(by_code: list[list[tuple[int, ...]]], most: int) -> dict[str, Any]:
    names = ("mechanism", "direction", "role", "motif", "partner", "electrode", "slot", "width")
    rows = [row for group in by_code for row in group]
    table: dict[str, Any] = {f"c_{name}": _ints(row[i] for row in rows) for i, name in enumerate(names)}
    table["c_start"] = _ints(np.concatenate([[0], np.cumsum([len(group) for group in by_code])]))
    padded = (most + 7) // 8 * 8
    slot_channel = np.full((len(by_code), padded), -1, dtype=np.int32)
    owns = np.zeros((len(by_code), 4), dtype=np.int8)
    for code, group in enumerate(by_code):
        for i, row in enumerate(group):
            channel = int(table["c_start"][code]) + i
            slot_channel[code, row[6] : row[6] + row[7]] = channel
            # without an electrode: everywhere; with one: where that electrode is touched (3: both)
            for touch in range(4):
                owns[code, touch] |= row[5] == 0 or bool(touch & row[5])
    table["slot_channel"], table["owns"] = slot_channel, owns
    return table


def _mutual(motif: NDArray[np.int32], counts: _Counts, motifs: list[Table]) -> NDArray[np.int8]:
    """Return how often the two sites of each mechanism are neighbours in the motif of each count."""
    table = np.zeros((len(motif), len(counts.motif)), dtype=np.int8)
    cache: dict[tuple[int, int], int] = {}
    for i, first in enumerate(motif):
        for h, second in enumerate(counts.motif):
            if first >= 0:
                if (int(first), second) not in cache:
                    cache[int(first), second] = _overlap(motifs[first], motifs[second], first == second)
                table[i, h] = cache[int(first), second]
    return table


def _overlap(first: Table, second: Table, same: bool) -> int:
    """Return 1 if every pair of one table is exactly once in the other, 0 if never, else `_SCAN`."""
    if same:
        for i in range(first.shape[1]):
            for j in range(i):
                if np.any((first[:, i] >= 0) & (first[:, i] == first[:, j])):
                    return _SCAN
        return _ONCE
    for i in range(first.shape[1]):
        for j in range(second.shape[1]):
            if np.any((first[:, i] >= 0) & (first[:, i] == second[:, j])):
                return _SCAN
    return 0


def thermal_energy(temperature: Any, n_sites: int) -> NDArray[np.float64]:
    """Return kT (eV) of every site from one temperature (K) or one per site."""
    value = np.asarray(temperature, dtype=np.float64)
    array = checked_sites("temperature", np.full(n_sites, value) if value.ndim == 0 else value, n_sites, "K")
    bad = np.flatnonzero((array <= 0.0) | (array > 1e5))
    if len(bad):
        raise ValueError(
            f"temperature must be above 0 and at most 100000 K, got {array[bad[0]]} at site {bad[0]}"
        )
    return array * BOLTZMANN_EV
