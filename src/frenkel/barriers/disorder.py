"""Disordered cells: melting and quenching, hops drawn at random, and their distribution."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..typing import Floats
from . import crystal
from .errors import BarrierError, library
from .finished_calculations import as_json, from_json
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
FINEST = 0.25
"""Step (angstrom) of the lengths that are tried; chosen."""
GAIN = 1.92
"""Gain of the logarithm of the likelihood from which a length is stated: 95 % for one parameter."""


def melt_quench(atoms: Any, picoseconds: float) -> Any:
    """Return a cell after a melt and a quench by Langevin dynamics, its volume fixed.

    Half of the time it is at `MELT`, then it cools linearly to `COLD`. A glass takes some 20 ps and more:
    what less gives is a test of the way, or a quenched liquid.

    Parameters
    ----------
    atoms : ase.Atoms
        With a calculator.
    picoseconds : float
        Time of both halves.
    """
    units, velocities = library("ase.units"), library("ase.md.velocitydistribution")
    moving = atoms.copy()
    moving.calc = atoms.calc
    rng = np.random.default_rng(SEED)
    velocities.MaxwellBoltzmannDistribution(moving, temperature_K=MELT, rng=rng)
    dynamics = library("ase.md.langevin").Langevin(
        moving, TIME_STEP * units.fs, temperature_K=MELT, friction=FRICTION / units.fs, rng=rng
    )
    steps = max(2, round(picoseconds * 1e3 / TIME_STEP))
    dynamics.run(steps // 2)
    for temperature in np.linspace(MELT, COLD, steps - steps // 2):
        dynamics.set_temperature(temperature_K=temperature)
        dynamics.run(1)
    quenched = moving.copy()
    quenched.calc = atoms.calc
    return quenched


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
            atoms.calc = self.calculator
            time = self.picoseconds

            def compute() -> dict[str, Any]:
                quenched = melt_quench(atoms, time)
                energy = float(quenched.get_potential_energy())
                return {"atoms": as_json(quenched), "summary": f"{energy:.2f} eV at its end"}

            words = f"melt and quench, {time:g} ps"
            result = self._take("quench", words, {"atoms": as_json(atoms), "time": time}, compute)
            if result is None:
                raise BarrierError(self.failures[-1])
            atoms = from_json(result["atoms"], self.calculator)
        relaxed, energy = super()._unit(atoms)
        self.folder.path.mkdir(parents=True, exist_ok=True)
        library("ase.io").write(self.folder.path / "cell.vasp", relaxed, format="vasp", direct=True)
        return relaxed, energy

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
                sites=len(sites),
                hops=len(computed),
                length=length if gain > GAIN else 0.0,
                gain=gain,
            ),
            failures=tuple(self.failures),
            cpu_seconds=self.cpu,
        )
