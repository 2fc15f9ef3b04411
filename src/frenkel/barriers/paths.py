"""Relaxation, climbing-image nudged elastic bands, and attempt frequencies of Vineyard."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..typing import Floats
from ..units import ELEMENTARY_CHARGE
from .errors import BarrierError, library

ATOMIC_MASS = 1.66053906892e-27
"""Atomic mass constant (kg), CODATA 2022."""
SPRING = 5.0
"""Force constant (eV/angstrom^2) between images; along a climbing band it moves images, never the saddle."""
STEP = 0.02
"""Displacement (angstrom) of finite differences; chosen."""
MOST_STEPS = 400
"""Steps of an optimiser after which a calculation counts as not converged; chosen."""


def relax(atoms: Any, force: float, cell: bool = False) -> Any:
    """Return atoms at rest: no force above ``force`` (eV/angstrom).

    Parameters
    ----------
    atoms : ase.Atoms
        With a calculator.
    force : float
    cell : bool, optional
        Relax the cell too, in the space group that the crystal has.

    Raises
    ------
    BarrierError
        Not after `MOST_STEPS` steps.
    """
    relaxed = atoms.copy()
    relaxed.calc = atoms.calc
    target = relaxed
    if cell:
        relaxed.set_constraint(library("ase.constraints").FixSymmetry(relaxed, verbose=False))
        target = library("ase.filters").FrechetCellFilter(relaxed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = library("ase.optimize").LBFGS(target, logfile=None).run(fmax=force, steps=MOST_STEPS)
    if not done:
        what = "the cell" if cell else relaxed.get_chemical_formula()
        raise BarrierError(f"{what} does not relax below {force:g} eV/angstrom in {MOST_STEPS} steps")
    if cell:
        relaxed.set_constraint()
    return relaxed


@dataclass(frozen=True)
class Band:
    """A relaxed band from one minimum over a saddle to another.

    Attributes
    ----------
    images : list of ase.Atoms
        Ends included.
    energies : array
        Energy (eV) of each image above the first.
    coordinates : array
        Length (angstrom) of the path of all atoms up to each image.
    """

    images: list[Any]
    energies: Floats
    coordinates: Floats

    @property
    def forward(self) -> float:
        """Barrier (eV) from the first end."""
        return float(self.energies.max())

    @property
    def backward(self) -> float:
        """Barrier (eV) from the last end."""
        return float(self.energies.max() - self.energies[-1])

    @property
    def saddle(self) -> Any:
        """The highest image."""
        return self.images[int(np.argmax(self.energies))]


def band(start: Any, end: Any, calculator: Any, between: int, force: float) -> Band:
    """Return a climbing-image nudged elastic band between two minima with the same atoms.

    Images begin on the interpolation of image-dependent pair potentials, see doi:10.1063/1.4878664. The
    highest one climbs along the improved tangent, see doi:10.1063/1.1329672 and doi:10.1063/1.1323224.

    Parameters
    ----------
    start, end : ase.Atoms
        Relaxed, each with its energy.
    calculator : ase calculator
        That of the images between.
    between : int
        Images between them, from 1.
    force : float
        No force on the band above this (eV/angstrom) at the end.

    Raises
    ------
    BarrierError
        The band does not come to rest.
    """
    images = [start, *(start.copy() for _ in range(between)), end]
    for image in images[1:-1]:
        image.calc = calculator
    # The ends keep their energies: a shared calculator would compute them again in every step.
    images[0], images[-1] = held(start), held(end)
    elastic = library("ase.mep").NEB(
        images, k=SPRING, climb=True, method="improvedtangent", allow_shared_calculator=True
    )
    elastic.interpolate("idpp" if between > 1 else "linear", mic=True)
    optimiser = library("ase.optimize").LBFGS(elastic, logfile=None, maxstep=0.1)
    if not optimiser.run(fmax=force, steps=MOST_STEPS):
        raise BarrierError(f"a band does not relax below {force:g} eV/angstrom in {MOST_STEPS} steps")
    energies = np.array(elastic.energies)
    steps = [_distance(one, two) for one, two in pairwise(images)]
    return Band(images, energies - energies[0], np.concatenate([[0.0], np.cumsum(steps)]))


def held(atoms: Any, energy: float | None = None) -> Any:
    """Return atoms that keep their energy (eV), computed where it is not given."""
    kept = atoms.copy()
    energy = atoms.get_potential_energy() if energy is None else energy
    kept.calc = library("ase.calculators.singlepoint").SinglePointCalculator(kept, energy=float(energy))
    return kept


def _distance(one: Any, two: Any) -> float:
    moves = library("ase.geometry").find_mic(two.positions - one.positions, one.cell, one.pbc)[0]
    return float(np.linalg.norm(moves))


def hessian(atoms: Any, chosen: Sequence[int]) -> Floats:
    """Return second derivatives (eV/angstrom^2) for some atoms by central differences of forces.

    Parameters
    ----------
    atoms : ase.Atoms
        With a calculator.
    chosen : sequence of int
        Atoms that move; the others stay.

    Returns
    -------
    array (3 n, 3 n)
        Symmetric.
    """
    rows = []
    for atom in chosen:
        for axis in range(3):
            pair = []
            for sign in (1.0, -1.0):
                moved = atoms.copy()
                moved.calc = atoms.calc
                moved.positions[atom, axis] += sign * STEP
                pair.append(moved.get_forces()[list(chosen)].ravel())
            rows.append((pair[1] - pair[0]) / (2 * STEP))
    matrix = np.array(rows, float)
    return np.asarray((matrix + matrix.T) / 2)


def attempt_frequency(start: Any, saddle: Any, chosen: Sequence[int]) -> float:
    """Return the attempt frequency (Hz) of Vineyard, with a partial Hessian.

    It is the product of the frequencies of the minimum over that of the real ones of the saddle,
    ``prod(nu_i, i = 1 .. 3n) / prod(nu'_j, j = 1 .. 3n - 1)``, see doi:10.1016/0022-3697(57)90059-8.

    Parameters
    ----------
    start, saddle : ase.Atoms
        Minimum and saddle, with a calculator.
    chosen : sequence of int
        Atoms that move; the others stay.

    Raises
    ------
    BarrierError
        The minimum is none, or the saddle has not one negative curvature.
    """
    masses = np.repeat(start.get_masses()[list(chosen)], 3)
    weight = 1 / np.sqrt(masses[:, None] * masses[None, :])
    minimum, top = (np.linalg.eigvalsh(hessian(atoms, chosen) * weight) for atoms in (start, saddle))
    if minimum[0] <= 0 or top[0] >= 0 or top[1] <= 0:
        raise BarrierError(
            f"no attempt frequency: {np.sum(minimum <= 0)} curvatures of the minimum and "
            f"{np.sum(top <= 0)} of the saddle are negative, 0 and 1 are needed"
        )
    scale = ELEMENTARY_CHARGE / 1e-20 / ATOMIC_MASS  # eV/angstrom^2/u to 1/s^2
    logarithm = 0.5 * (np.log(minimum * scale).sum() - np.log(top[1:] * scale).sum())
    return float(np.exp(logarithm) / (2 * np.pi))


def around(atoms: Any, atom: int, number: int) -> list[int]:
    """Return an atom and the ``number`` of others that are nearest to it."""
    gaps = atoms.get_distances(atom, range(len(atoms)), mic=True)
    return [int(k) for k in np.argsort(gaps, kind="stable")[: number + 1]]
