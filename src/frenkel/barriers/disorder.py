"""Disordered cells: melting and quenching, hops drawn at random, and their distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..typing import Floats
from . import crystal
from .errors import BarrierError, library
from .finished_calculations import DECIMALS, as_json, from_json
from .study import CrystalStudy, Disorder, Findings

MELT = 5000.0
"""Temperature (K) of the melt, so far above melting points of oxides that 0.5 ps melt them; chosen."""
COLD = 300.0
"""Temperature (K) at the end of a quench."""
TIME_STEP = 2.0
"""Step (fs) of the dynamics; chosen."""
FRICTION = 0.02
"""Friction (1/fs) of the thermostat; chosen."""
SEED = 49
"""Seed of velocities, thermostat and the choice of hops."""
EXPANSION = 1.08
"""Volume of the melt over that of the crystal; chosen. The quenched cell is relaxed to its own volume."""
CRYSTAL = 0.1
"""Distance (angstrom) by which a crystal's atoms may be off after a quench; chosen."""
SEGMENT = 100
"""Steps of a melt and quench that are kept together; chosen."""
FINEST = 0.25
"""Step (angstrom) of the lengths that are tried; chosen."""
SAMPLES = 2000
"""Samples of a law whose distance from it is known."""
GAIN = 1.92
"""Gain of the logarithm of the likelihood from which a length is stated: 95 % for one parameter."""


def schedule(picoseconds: float) -> Floats:
    """Return the temperature (K) of each step of a melt and a quench.

    Half of the time it is `MELT`, then it falls linearly to `COLD`. A quench within
    picoseconds is faster than that of a measured glass.
    """
    steps = max(2, round(picoseconds * 1e3 / TIME_STEP))
    return np.append(np.full(steps // 2, MELT), np.linspace(MELT, COLD, steps - steps // 2))


def dynamics(atoms: Any, temperatures: Sequence[float], seed: int) -> None:
    """Move atoms by Langevin dynamics in a fixed volume, one step at each temperature (K).

    Parameters
    ----------
    atoms : ase.Atoms
        With a calculator. At rest they get velocities of the first temperature.
    temperatures : sequence of float
    seed : int
        Of velocities and thermostat.
    """
    units, rng = library("ase.units"), np.random.default_rng(seed)
    if not atoms.get_velocities().any():
        spread = np.sqrt(units.kB * temperatures[0] / atoms.get_masses())[:, None]
        atoms.set_velocities(spread * rng.standard_normal(atoms.positions.shape))
    langevin = library("ase.md.langevin").Langevin(
        atoms,
        TIME_STEP * units.fs,
        temperature_K=temperatures[0],
        friction=FRICTION / units.fs,
        fixcm=False,  # a fixed centre of mass would not be at the temperature; all of the cell may drift
        rng=rng,
    )
    for temperature in temperatures:
        langevin.set_temperature(temperature_K=temperature)
        langevin.run(1)


def correlation_length(places: Floats, values: Floats, cell: Floats) -> tuple[float, float]:
    """Return the length (angstrom) over which values at places are alike, and its gain of ln(likelihood).

    The law is that of `lattice.structure.correlated_normal`: normal numbers whose correlation at a distance
    r is ``exp(-r**2 / (2 l**2))``, summed over periodic images. The length is the most likely one up to a
    quarter of the cell; mean and variance are those that fit it best.

    Parameters
    ----------
    places : array (n, 3)
        Positions (angstrom).
    values : array (n,)
    cell : array (3, 3)
        Lattice vectors (angstrom).
    """
    gaps = (places[:, None] - places[None]) @ np.linalg.inv(cell)
    gaps -= np.rint(gaps)
    images = np.array(np.meshgrid(*[(-1, 0, 1)] * 3)).reshape(3, -1).T
    squares = (((gaps[..., None, :] + images) @ cell) ** 2).sum(axis=-1)
    own = ((images @ cell) ** 2).sum(axis=-1)
    longest = np.sqrt(own[own > 0].min()) / 4

    def likelihood(length: float) -> float:
        law = np.exp(-squares / (2 * length**2)).sum(axis=-1) / np.exp(-own / (2 * length**2)).sum()
        matrix = law + 1e-6 * np.eye(len(values))
        sign, logarithm = np.linalg.slogdet(matrix)
        if sign <= 0:
            return -np.inf
        inverse = np.linalg.inv(matrix)
        rest = values - (inverse @ values).sum() / inverse.sum()
        variance = rest @ inverse @ rest / len(values)
        return float(-0.5 * (logarithm + len(values) * np.log(variance)))

    lengths = np.arange(FINEST, longest, FINEST)
    found = np.array([likelihood(length) for length in lengths])
    independent = -0.5 * len(values) * np.log(np.var(values))
    best = int(np.argmax(found))
    return float(lengths[best]), float(found[best] - independent)


def laws(barriers: Floats) -> dict[str, tuple[float, float]]:
    """Return how well laws fit barriers: ln(likelihood), and the chance of a larger distance.

    The laws are a normal and a log-normal one. The distance is that of Kolmogorov between sample and fitted
    law; its chance is that of `SAMPLES` samples of the law, each with its own fit.

    Parameters
    ----------
    barriers : array (n,)
        Barriers (eV) above 0, at least three that differ.
    """
    from scipy.stats import norm  # scipy, for those alone who have a disordered cell

    drawn = np.random.default_rng(SEED).standard_normal((SAMPLES, len(barriers)))

    def distance(values: Floats) -> Floats:
        own = np.sort(values, axis=-1)
        mean, width = own.mean(axis=-1, keepdims=True), own.std(axis=-1, ddof=1, keepdims=True)
        law, steps = norm.cdf((own - mean) / width), np.arange(len(barriers) + 1) / len(barriers)
        return np.asarray(np.maximum(steps[1:] - law, law - steps[:-1]).max(axis=-1))

    found = {}
    for name, values in (("normal", barriers), ("log-normal", np.log(barriers))):
        likelihood = norm.logpdf(values, values.mean(), values.std()).sum()
        if name == "log-normal":
            likelihood -= values.sum()  # density of the barrier, not of its logarithm
        found[name] = float(likelihood), float(np.mean(distance(drawn) >= distance(values)))
    return found


class DisorderedStudy(CrystalStudy):
    """Calculations of a cell without symmetry: hops drawn at random, and the vacancies at their ends."""

    def __init__(self, *arguments: Any, picoseconds: float | None = None) -> None:
        self.picoseconds = picoseconds
        super().__init__(*arguments)

    def _unit(self, atoms: Any) -> tuple[Any, float]:
        """Return the whole cell, molten and quenched where this is asked, relaxed."""
        atoms = atoms * (self.settings.supercell or crystal.supercell_of(atoms))
        self.settings = replace(self.settings, supercell=(1, 1, 1))
        if self.picoseconds is not None:
            atoms = self._quenched(atoms, schedule(self.picoseconds))
        relaxed, energy = super()._unit(atoms)
        if self.picoseconds is not None and (number := len(crystal.symmetry(relaxed, CRYSTAL)[0])) > 1:
            raise BarrierError(
                f"the quenched cell is a crystal again, with {number} operations of symmetry: "
                "take another --supercell or a shorter --melt-quench"
            )
        self.folder.path.mkdir(parents=True, exist_ok=True)
        library("ase.io").write(self.folder.path / "cell.vasp", relaxed, format="vasp", direct=True)
        return relaxed, energy

    def _quenched(self, atoms: Any, temperatures: Floats) -> Any:
        """Return a cell after melt and quench; segments are kept, so that a killed command continues.

        The cell is made a cube: 48 atoms of HfO2 in the cell of the crystal became the crystal again.
        """
        atoms.set_cell(np.eye(3) * np.cbrt(EXPANSION * atoms.get_volume()), scale_atoms=True)
        velocities = np.zeros_like(atoms.positions)
        for first in range(0, len(temperatures), SEGMENT):
            part = temperatures[first : first + SEGMENT]
            given = {
                "atoms": as_json(atoms),
                "velocities": velocities.tolist(),
                "temperatures": part.tolist(),
                "seed": SEED + first,
            }
            moving = from_json(given["atoms"], self.calculator)
            moving.set_velocities(velocities)

            def compute(moving: Any = moving, given: dict[str, Any] = given) -> dict[str, Any]:
                dynamics(moving, given["temperatures"], given["seed"])
                return {
                    "atoms": as_json(moving),
                    "velocities": np.round(moving.get_velocities(), DECIMALS).tolist(),
                    "summary": f"{moving.get_temperature():.0f} K, {moving.get_potential_energy():.2f} eV",
                }

            time = (first + len(part)) * TIME_STEP / 1e3
            result = self._take("quench", f"melt and quench to {time:g} ps", given, compute)
            if result is None:
                raise BarrierError(self.failures[-1])
            atoms, velocities = from_json(result["atoms"], self.calculator), np.array(result["velocities"])
        return atoms

    def _cell_words(self) -> str:
        lengths = ", ".join(f"{length:.3f}" for length in self.unit.cell.lengths())
        time = self.picoseconds
        made = "" if time is None else f", melted at {MELT:g} K and quenched within {time:g} ps"
        return f"{len(self.unit)} atoms, one cell of {lengths} angstrom{made}, neutral, cell fixed"

    def run(self) -> Findings:
        """Return the distribution of what was drawn.

        Raises
        ------
        BarrierError
            Fewer than three hops have a saddle.
        """
        distinct = crystal.hops(self.unit, self.settings.species, self.settings.cutoff)
        rng = np.random.default_rng(SEED)
        number = min(self.settings.sample, len(distinct))
        drawn = [distinct[k] for k in sorted(rng.choice(len(distinct), number, replace=False))]
        vacancies: dict[int, float] = {}
        for site in sorted({site for hop in drawn for site in (hop.start, hop.end)}):
            try:
                vacancies[site] = self._vacancy(site)
            except BarrierError:
                continue  # it is among the failures
        computed = []
        for hop in drawn:
            if hop.start in vacancies and hop.end in vacancies and (band := self._hop(hop)) is not None:
                computed.append((hop, band))
        if len(computed) < 3:
            raise BarrierError(f"{len(computed)} of {number} hops have a saddle, at least 3 are needed")
        middle = np.array([(band.forward + band.backward) / 2 for _, (band, _) in computed])
        typical, band = computed[int(np.argmin(np.abs(middle - middle.mean())))]
        frequency, source = self._frequency(typical, band)
        reference, words = self._reference()
        sites = sorted(vacancies)
        energies = np.array([vacancies[site] for site in sites])
        length, gain = correlation_length(self.unit.positions[sites], energies, self.unit.cell.array)
        return Findings(
            formula=self.unit.get_chemical_formula("metal", empirical=True),
            species=self.settings.species,
            origin=self.potential.identity,
            confidence=self.potential.confidence,
            cell=self._cell_words(),
            hops=tuple(self._row(one, found) for one, found in computed),
            barrier=float(middle.mean()),
            decided_by=f"mean over both directions of {len(computed)} hops drawn from {len(distinct)}",
            frequency=frequency,
            frequency_from=f"{source}, {self._name(typical)}",
            vacancies={
                self._site_name(site): (vacancies[site] - self.energy + reference, 1)
                for site in sites
                if reference is not None
            },
            reference=words,
            disorder=Disorder(
                site_energy=float(np.std(energies, ddof=1)),
                barrier=float(np.std(middle, ddof=1)),
                barrier_log=float(np.std(np.log(middle), ddof=1)),
                laws=laws(middle),
                sites=len(sites),
                hops=len(computed),
                length=length if gain > GAIN else 0.0,
                gain=gain,
            ),
            failures=tuple(self.failures),
            cpu_seconds=self.cpu,
        )
