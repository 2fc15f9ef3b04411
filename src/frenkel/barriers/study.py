"""All that is computed of one crystal: defects, hops, their frequencies, pairs and neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from . import crystal, paths
from .calculators import Potential
from .errors import BarrierError, library
from .finished_calculations import Folder, as_json, from_json

DIATOMIC = {"H": 0.74, "N": 1.10, "O": 1.23, "F": 1.42, "Cl": 1.99}
"""Elements whose reference is half a molecule, and the bond length (angstrom) from which it relaxes."""
BOX = 10.0
"""Side (angstrom) of the box of a molecule; chosen."""
HESSIAN_ATOMS = 3
"""Nearest atoms that move with the hopping one in a partial Hessian; chosen."""


@dataclass(frozen=True)
class BarrierSettings:
    """What is calculated, and how well.

    Attributes
    ----------
    species : str
        Element whose defects and hops are meant.
    cutoff : float
        Longest hop (angstrom).
    supercell : tuple of int or None
        Repeats of the relaxed unit cell; None: `crystal.supercell_of`.
    images : int
        Between the ends of a band.
    force : float
        Largest force (eV/angstrom) of what is relaxed.
    interstitials, pairs, crowding : int
        How many voids, distinct pairs of vacancies, and neighbours of the hop that decides are taken.
    frequency : float or None
        Attempt frequency (Hz) to state instead of computing it.
    reference : float or None
        Energy (eV) of an atom of the reservoir with the same calculator; None: half a molecule.
    sample : int
        Hops that are drawn from a cell without symmetry, see `disorder`.
    """

    species: str
    cutoff: float
    supercell: tuple[int, int, int] | None = None
    images: int = 3
    force: float = 0.05
    interstitials: int = 1
    pairs: int = 1
    crowding: int = 1
    frequency: float | None = None
    reference: float | None = None
    sample: int = 12


@dataclass(frozen=True)
class HopEnergy:
    """A hop with its barriers.

    Attributes
    ----------
    name : str
    length : float
        Distance (angstrom) of the two sites; NaN where a file does not say.
    multiplicity : int
        How many of the unit cell are like it.
    forward, backward : float
        Barriers (eV) from either end.
    energies, coordinates : tuple of float
        Of the path: eV above the first end, angstrom.
    origin : str
        File or calculation.
    charge : int or None
        Charge number of the cell; None where it was not stated.
    """

    name: str
    length: float
    multiplicity: int
    forward: float
    backward: float
    energies: tuple[float, ...]
    coordinates: tuple[float, ...]
    origin: str
    charge: int | None = None


@dataclass(frozen=True)
class Disorder:
    """Distribution of what was drawn from a disordered cell.

    Attributes
    ----------
    site_energy : float
        Standard deviation (eV) of the energies of vacancies.
    barrier : float
        Standard deviation (eV) of the barriers of hops, each the mean of both directions.
    barrier_log : float
        Standard deviation of their logarithm.
    laws : mapping of str to (float, float)
        ln(likelihood) of the barriers and chance of a larger Kolmogorov distance, of both laws.
    sites, hops : int
        How many there are of each.
    length : float
        Length (angstrom) over which energies of vacancies are alike; 0 where none is distinguishable.
    gain : float
        What the most likely length adds to ln(likelihood) of independent energies.
    """

    site_energy: float
    barrier: float
    barrier_log: float
    laws: Mapping[str, tuple[float, float]]
    sites: int
    hops: int
    length: float
    gain: float


@dataclass(frozen=True)
class Findings:
    """What was found of one crystal; energies in eV, lengths in angstrom, frequencies in Hz.

    ``charged`` holds the formation energy of a vacancy by charge, with the Fermi level at the valence band.
    """

    formula: str
    species: str
    origin: str
    confidence: str
    cell: str
    hops: tuple[HopEnergy, ...]
    barrier: float
    decided_by: str
    frequency: float | None = None
    frequency_from: str = ""
    vacancies: dict[str, tuple[float, int]] = field(default_factory=dict)
    interstitials: tuple[float, ...] = ()
    reference: str = ""
    pairs: dict[str, float] = field(default_factory=dict)
    crowding: tuple[float, ...] = ()
    failures: tuple[str, ...] = ()
    cpu_seconds: float = 0.0
    disorder: Disorder | None = None
    charged: Mapping[int, float] = field(default_factory=dict)

    @property
    def formation(self) -> float | None:
        """Energy (eV) of making a vacancy: of the most stable site, in a disordered cell the mean."""
        energies = [energy for energy, _ in self.vacancies.values()]
        if not energies:
            return None
        return min(energies) if self.disorder is None else float(np.mean(energies))

    @property
    def charges(self) -> dict[int, float]:
        """Lowest barrier (eV) of each charge state that was stated."""
        states = {hop.charge for hop in self.hops if hop.charge is not None}
        return {q: min(hop.forward for hop in self.hops if hop.charge == q) for q in states}


class CrystalStudy:
    """Calculations of one crystal, in the order in which each needs those before it.

    Parameters
    ----------
    atoms : ase.Atoms
        Unit cell as read.
    settings : BarrierSettings
    potential : calculators.Potential
    folder : Path
        Where finished calculations are kept.
    note : callable
        Takes a line of progress.
    """

    def __init__(
        self,
        atoms: Any,
        settings: BarrierSettings,
        potential: Potential,
        folder: Path,
        note: Callable[[str], None],
    ) -> None:
        crystal.check_species(atoms, settings.species, "the structure")
        crystal.hops(atoms, settings.species, settings.cutoff)  # refuses a cut-off that is too short at once
        self.settings, self.potential = settings, potential
        self.folder = Folder(folder, potential.identity, note)
        self.calculator: Any = potential.make()
        self.failures: list[str] = []
        self.cpu = 0.0
        self.unit, self.unit_energy = self._unit(atoms)
        self.repeats = self.settings.supercell or crystal.supercell_of(self.unit)
        self.perfect = self.unit * self.repeats
        self.energy = self.unit_energy * prod(self.repeats)
        self.moved: dict[int, Any] = {}  # displacements of all atoms around the vacancy of each distinct site

    def run(self) -> Findings:
        """Return everything that the settings ask.

        Raises
        ------
        BarrierError
            The crystal does not relax, or no hop was found to have a saddle.
        """
        vacancies = {k: self._vacancy(k) for k in crystal.sites(self.unit, self.settings.species)}
        reference, words = self._reference()
        interstitials = [energy for energy in self._interstitials() if energy is not None]
        distinct = crystal.hops(self.unit, self.settings.species, self.settings.cutoff)
        computed = [(hop, band) for hop in distinct if (band := self._hop(hop)) is not None]
        if not computed:
            raise BarrierError(f"none of the {len(distinct)} distinct hops has a saddle: {self.failures[0]}")
        barrier, decisive, decided_by = self._decide(computed, vacancies)
        hop, band = computed[decisive]
        frequency, source = self._frequency(hop, band)
        sites = crystal.sites(self.unit, self.settings.species)
        return Findings(
            formula=self.unit.get_chemical_formula("metal", empirical=True),
            species=self.settings.species,
            origin=self.potential.identity,
            confidence=self.potential.confidence,
            cell=self._cell_words(),
            hops=tuple(self._row(one, found) for one, found in computed),
            barrier=barrier,
            decided_by=f"{decided_by} {self._name(hop)}",
            frequency=frequency,
            frequency_from=source,
            vacancies={
                self._site_name(k): (energy - self.energy + reference, sites[k])
                for k, energy in vacancies.items()
                if reference is not None
            },
            interstitials=tuple(
                energy - self.energy - reference for energy in interstitials if reference is not None
            ),
            reference=words,
            pairs=self._pairs(distinct, vacancies),
            crowding=tuple(self._crowding(hop, band)),
            failures=tuple(self.failures),
            cpu_seconds=self.cpu,
        )

    def _take(self, kind: str, words: str, inputs: dict[str, Any], compute: Callable[[], Any]) -> Any:
        """Return a calculation, None where it failed, which is then listed."""
        result = self.folder.take(kind, words, inputs, compute)
        self.cpu += result["cpu_seconds"]
        if "error" in result:
            self.failures.append(f"{words}: {result['error']}")
            return None
        return result

    def _unit(self, atoms: Any) -> tuple[Any, float]:
        atoms = atoms.copy()
        atoms.calc = self.calculator

        def compute() -> dict[str, Any]:
            relaxed = paths.relax(atoms, self.settings.force / 5, cell=True)
            lengths = ", ".join(f"{length:.3f}" for length in relaxed.cell.lengths())
            return {
                "atoms": as_json(relaxed),
                "energy": float(relaxed.get_potential_energy()),
                "summary": f"{lengths} angstrom",
            }

        inputs = {"atoms": as_json(atoms), "force": self.settings.force}
        result = self._take("cell", "unit cell", inputs, compute)
        if result is None:
            raise BarrierError(self.failures[-1])
        return from_json(result["atoms"], self.calculator), result["energy"]

    def _relaxed(self, kind: str, words: str, atoms: Any) -> Any:
        """Return relaxed atoms and energy of a defect, None where it does not relax."""
        atoms.calc = self.calculator

        def compute() -> dict[str, Any]:
            relaxed = paths.relax(atoms, self.settings.force)
            energy = float(relaxed.get_potential_energy())
            return {
                "atoms": as_json(relaxed),
                "energy": energy,
                "summary": f"{energy - self.energy:.3f} eV above the crystal",
            }

        result = self._take(kind, words, {"atoms": as_json(atoms), "force": self.settings.force}, compute)
        if result is None:
            return None
        return paths.held(from_json(result["atoms"], None), result["energy"]), result["energy"]

    def _vacancy(self, site: int) -> float:
        """Return the energy of the crystal with one vacancy."""
        atoms = self.perfect.copy()
        del atoms[site]
        relaxed = self._relaxed("vacancy", f"vacancy {self._site_name(site)}", atoms)
        if relaxed is None:
            raise BarrierError(self.failures[-1])
        others = [k for k in range(len(self.perfect)) if k != site]
        moves = np.zeros((len(self.perfect), 3))
        moves[others] = relaxed[0].positions - self.perfect.positions[others]
        self.moved[site] = moves
        return float(relaxed[1])

    def _moves(self, vacant: int) -> Any:
        """Return displacements (angstrom) of all atoms around a vacancy, by symmetry from that of its class.

        They are 0 where the supercell does not have the symmetry of the crystal: only a worse start.
        """
        atom = vacant % len(self.unit)  # copies of the unit cell follow each other
        rotations, onto, _ = crystal.mapping(self.unit)
        kind = self._classes()[atom]
        rotation = rotations[int(np.argmax(onto[:, kind] == atom))]
        cell = self.unit.cell.array
        turn = np.linalg.inv(cell) @ rotation.T @ cell
        places = self.perfect.positions
        target = (places - places[kind]) @ turn + places[vacant]
        large = self.perfect.cell.array
        gaps = (target[:, None] - places[None]) @ np.linalg.inv(large)
        distance = np.linalg.norm((gaps - np.rint(gaps)) @ large, axis=-1)
        image = np.argmin(distance, axis=1)
        moves = np.zeros_like(places)
        if len(set(image)) == len(places) and distance.min(axis=1).max() < 10 * crystal.SAME:
            moves[image] = self.moved[kind] @ turn
        return moves

    def _reference(self) -> tuple[float | None, str]:
        """Return the energy of an atom of the reservoir, and what it is."""
        species, given = self.settings.species, self.settings.reference
        if given is not None:
            return given, f"{given:g} eV an atom of {species}, as given"
        if species not in DIATOMIC:
            return None, f"none: {species} has no molecule of two atoms; give the energy of an atom"
        atoms = library("ase").Atoms(
            [species] * 2, [(0, 0, 0), (0, 0, DIATOMIC[species])], cell=[BOX] * 3, pbc=True
        )
        atoms.calc = self.calculator

        def compute() -> dict[str, Any]:
            relaxed = paths.relax(atoms, self.settings.force)
            length = float(relaxed.get_distance(0, 1, mic=True))
            return {
                "energy": float(relaxed.get_potential_energy()),
                "length": length,
                "summary": f"bond {length:.3f} angstrom",
            }

        result = self._take("molecule", f"molecule {species}2", {"atoms": as_json(atoms)}, compute)
        if result is None:
            return None, f"none: {self.failures[-1]}"
        half = result["energy"] / 2
        words = f"half a molecule {species}2 of the same calculator, {half:.3f} eV an atom, no correction"
        return half, words

    def _interstitials(self) -> list[float | None]:
        """Return the energy of the crystal with an atom in each of its largest voids."""
        energies: list[float | None] = []
        for number, place in enumerate(crystal.voids(self.unit, self.settings.interstitials), 1):
            atoms = self.perfect.copy() + library("ase").Atoms(self.settings.species, [place])
            relaxed = self._relaxed("interstitial", f"interstitial {number}", atoms)
            energies.append(None if relaxed is None else relaxed[1])
        return energies

    def _hop(self, hop: crystal.Hop, besides: tuple[int, ...] = ()) -> tuple[paths.Band, int] | None:
        """Return the band of a hop and the index of the hopping atom, with other sites vacant besides."""
        end = self._end_atom(hop)
        first = self.perfect.copy()
        last = self.perfect.copy()
        # The unwrapped place, so that the atom takes the straight way into the neighbouring cell.
        last.positions[hop.start] = self._place(hop)
        if not besides:
            first.positions += self._moves(end)
            moves = self._moves(hop.start)
            moves[hop.start] = moves[end]
            last.positions += moves
        gone = sorted({end, *besides}, reverse=True)
        for atoms in (first, last):
            for k in gone:
                del atoms[k]
        name = self._name(hop) + (f" beside {len(besides)}" if besides else "")
        ends = [self._relaxed("end", f"{name}, end {k}", atoms) for k, atoms in enumerate((first, last), 1)]
        if ends[0] is None or ends[1] is None:
            return None
        moving = hop.start - sum(k < hop.start for k in gone)
        start, stop = ends[0][0], ends[1][0]

        def compute() -> dict[str, Any]:
            band = paths.band(start, stop, self.calculator, self.settings.images, self.settings.force)
            return {
                "images": [as_json(image) for image in band.images],
                "energies": band.energies.tolist(),
                "coordinates": band.coordinates.tolist(),
                "summary": f"{band.forward:.3f} and {band.backward:.3f} eV",
            }

        inputs = {
            "start": as_json(start),
            "end": as_json(stop),
            "images": self.settings.images,
            "force": self.settings.force,
        }
        result = self._take("band", f"hop {name}", inputs, compute)
        if result is None:
            return None
        images = [from_json(image, self.calculator) for image in result["images"]]
        return paths.Band(images, np.array(result["energies"]), np.array(result["coordinates"])), moving

    def _decide(
        self, computed: list[tuple[crystal.Hop, tuple[paths.Band, int]]], vacancies: dict[int, float]
    ) -> tuple[float, int, str]:
        """Return the barrier of long-range motion, which hop decides it, and why."""
        lowest = min(vacancies.values())
        classes = self._classes()
        tops = [vacancies[classes[hop.end]] - lowest + band.forward for hop, (band, _) in computed]
        saddles = [
            (*member, top) for (hop, _), top in zip(computed, tops, strict=True) for member in hop.members
        ]
        barrier = crystal.percolation(saddles)
        if np.isnan(barrier):
            decisive = int(np.argmin(tops))
            return tops[decisive], decisive, "the hops do not connect the crystal; the lowest is"
        decisive = int(np.argmin(np.abs(np.array(tops) - barrier)))
        return barrier, decisive, "lowest barrier at which hops connect the crystal in three directions:"

    def _classes(self) -> dict[int, int]:
        """Return {atom of the species: the first atom that symmetry takes it to}."""
        _, onto, _ = crystal.mapping(self.unit)
        return {
            k: int(onto[:, k].min())
            for k, symbol in enumerate(self.unit.get_chemical_symbols())
            if symbol == self.settings.species
        }

    def _frequency(self, hop: crystal.Hop, found: tuple[paths.Band, int]) -> tuple[float | None, str]:
        if self.settings.frequency is not None:
            return self.settings.frequency, "as given"
        band, moving = found
        start, saddle = band.images[0], band.saddle
        chosen = paths.around(saddle, moving, HESSIAN_ATOMS)

        for atoms in (start, saddle):
            atoms.calc = self.calculator

        def compute() -> dict[str, Any]:
            frequency = paths.attempt_frequency(start, saddle, chosen)
            return {"frequency": frequency, "summary": f"{frequency / 1e12:.2f} THz"}

        inputs = {"start": as_json(start), "saddle": as_json(saddle), "atoms": chosen}
        result = self._take("frequency", f"attempt frequency of {self._name(hop)}", inputs, compute)
        if result is None:
            return None, self.failures[-1]
        return result["frequency"], f"Vineyard, partial Hessian of {len(chosen)} atoms"

    def _pairs(self, distinct: list[crystal.Hop], vacancies: dict[int, float]) -> dict[str, float]:
        """Return the energy (eV) gained by vacancies at both ends of the shortest hops, below 0 if lost."""
        classes, gained = self._classes(), {}
        for hop in distinct[: self.settings.pairs]:
            atoms = self.perfect.copy()
            for k in sorted((hop.start, self._end_atom(hop)), reverse=True):
                del atoms[k]
            relaxed = self._relaxed("pair", f"pair {self._name(hop)}", atoms)
            if relaxed is not None:
                alone = vacancies[classes[hop.start]] + vacancies[classes[hop.end]]
                gained[self._name(hop)] = alone - relaxed[1] - self.energy
        return gained

    def _crowding(self, hop: crystal.Hop, found: tuple[paths.Band, int]) -> list[float]:
        """Return what one, two, ... vacancies beside a hop add to its barrier, mean of both directions."""
        alone = (found[0].forward + found[0].backward) / 2
        places = np.array([self.unit.positions[hop.start], self._place(hop)])
        cell = self.perfect.cell.array
        gaps = []
        for k, symbol in enumerate(self.perfect.get_chemical_symbols()):
            offsets = self.perfect.positions[k] - places
            offsets -= np.rint(np.linalg.solve(cell.T, offsets.T).T) @ cell
            distances = np.linalg.norm(offsets, axis=1)
            if symbol == self.settings.species and distances.min() > crystal.SAME:
                gaps.append((round(float(distances.max()), 3), k))
        near = [k for _, k in sorted(gaps)]
        added = []
        for number in range(1, self.settings.crowding + 1):
            crowded = self._hop(hop, tuple(near[:number]))
            if crowded is not None:
                added.append((crowded[0].forward + crowded[0].backward) / 2 - alone)
        return added

    def _place(self, hop: crystal.Hop) -> Any:
        return self.unit.positions[hop.end] + np.array(hop.shift) @ self.unit.cell.array

    def _end_atom(self, hop: crystal.Hop) -> int:
        """Return the atom of the supercell onto whose site the hop leads."""
        end = crystal.matched(self.perfect, self._place(hop))
        if end == hop.start:
            raise BarrierError(
                f"the supercell {'x'.join(map(str, self.repeats))} is too small: the hop {self._name(hop)} "
                "leads onto an image of its own atom"
            )
        return end

    def _site_name(self, site: int) -> str:
        order = sorted(set(self._classes().values()))
        return f"{self.settings.species}{order.index(self._classes()[site]) + 1}"

    def _name(self, hop: crystal.Hop) -> str:
        return f"{self._site_name(hop.start)}-{self._site_name(hop.end)} {hop.length / 10:.4f} nm"

    def _row(self, hop: crystal.Hop, found: tuple[paths.Band, int]) -> HopEnergy:
        band, _ = found
        return HopEnergy(
            name=self._name(hop),
            length=hop.length,
            multiplicity=hop.multiplicity,
            forward=band.forward,
            backward=band.backward,
            energies=tuple(float(energy) for energy in band.energies),
            coordinates=tuple(float(length) for length in band.coordinates),
            origin=self.potential.identity,
        )

    def _cell_words(self) -> str:
        lengths = ", ".join(f"{length:.3f}" for length in self.unit.cell.lengths())
        cells = "x".join(map(str, self.repeats))
        return f"{len(self.perfect)} atoms, {cells} unit cells of {lengths} angstrom, neutral, cell fixed"
