"""Cost of one field update, side by side with SciPy's solvers and CHOLMOD on the same network.

The task: a filament and scattered defects on a cubic lattice of 8,000 or 64,000 sites between two electrodes,
bonds of up to sqrt(6) spacings at 1e8 times the background, wired as a device wires them; find the potential
of every site. The network changes by one defect between two solves.

- "compiled": the solver inside a device: wiring, conduction *and* heat, at the bonded sites.
- "exact": the network of the tests by the Green's table, the potential everywhere included.
- "iterative": the same by conjugate gradients on the whole lattice, to a proven 1 mV.
- CG: scipy.sparse.linalg.cg on the matrix scaled to a unit diagonal, stopped by an oracle at a true error of
  1 mV, which favours it: it cannot know.
- SuperLU: scipy.sparse.linalg.splu in its best setting for this matrix, factorisation and solve.
- CHOLMOD: by scikit-sparse or sksparse-minimal if either is installed; analysis, factorisation and solve. The
  latter has only the simplicial factorisation, 4 to 25 times slower than the supernodal one of the former.

Assembling the peers' matrices is not counted. CPU time of one thread, least of the repeats, taking turns.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray
from report import machine, write, write_table

from frenkel.kinetic.conduction.laws import TOP, Bonds, Ohmic
from frenkel.kinetic.fields._bond_network import BondNetwork
from frenkel.kinetic.fields._lattice_green import LatticeGreen
from frenkel.kinetic.fields._network_solver import NetworkSolver
from frenkel.kinetic.fields.green import GreenTable
from frenkel.threads import one_blas_thread

# The network of the tests, solved in other ways: it knows the potential of every site.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "oracles"))

from nonlinear_network.background import UniformBackground
from nonlinear_network.network import Network
from nonlinear_network.systems import solve

HEADER = ["quantity", "ours", "peer", "ratio", "target", "per second", "error"]
SPACING = 0.26e-9  # m
GROUND = 1e-10  # S, conductance of a background bond
CONTRAST = 1e8
REACH = 6  # longest bond, squared, in spacings
MILLIVOLT = 1e-3
# Of performance.md: ms of an exact update at 8,000 and 64,000 sites, by bonded sites.
TARGET = {100: (0.6, 3), 300: (0.6, 3), 600: (2, 5)}

Array = NDArray[np.float64]
Timed = tuple[float, Any]


def timed(action: Callable[[], Any]) -> Timed:
    """Return CPU seconds and result of one call, BLAS held at one thread."""
    with one_blas_thread():
        start = time.process_time()
        result = action()
        return time.process_time() - start, result


def defects(table: GreenTable, m: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Return m sites, half of them near the axis."""
    nx, ny, nz = table.shape
    sites: set[int] = set()
    while len(sites) < m // 2:
        x, y = (round(random.normal(n / 2, 1.3)) % n for n in (nx, ny))
        sites.add((x * ny + y) * nz + int(random.integers(nz)))
    while len(sites) < m:
        sites.add(int(random.integers(table.n_sites)))
    return np.array(sorted(sites))


def solver_of(table: GreenTable) -> NetworkSolver:
    """Return the solver that a device uses: tunnel bonds up to the reach, contacts of two layers."""
    squared = np.arange(1, REACH + 1)
    pair = np.r_[0.0, CONTRAST * np.exp(-4 * (np.sqrt(squared) - 1))]
    contact = np.zeros((2, table.shape[2]))
    contact[0, :2] = CONTRAST * np.exp(-4 * np.arange(2))
    contact[1, ::-1] = contact[0]
    return NetworkSolver(BondNetwork(LatticeGreen(table.shape, table), pair, contact), GROUND, 1.0, 1e-6)


def bonds_of(solver: NetworkSolver) -> Bonds:
    """Return the bonds and contacts that a device makes between its defects."""
    first, second, conductance = (np.array(part) for part in zip(*solver.bonds(), strict=True))
    return Bonds(first=first, second=second, law=Ohmic(conductance=conductance))


def assembled(network: Network, background: UniformBackground) -> tuple[scipy.sparse.csc_matrix, Array]:
    """Return matrix and right-hand side of the whole lattice at 1 V."""
    links, n = background.links, network.background.n_sites
    i, j = np.r_[links.first, network.first], np.r_[links.second, network.second]
    g = np.r_[links.conductance, network.currents(np.zeros(len(network.first)))[1]]
    inner = j >= 0
    place = (np.r_[i, j[inner], i[inner], j[inner]], np.r_[i, j[inner], j[inner], i[inner]])
    matrix = scipy.sparse.coo_matrix((np.r_[g, g[inner], -g[inner], -g[inner]], place), shape=(n, n))
    return matrix.tocsc(), np.bincount(i[j == TOP], g[j == TOP], n)


def super_lu(matrix: scipy.sparse.csc_matrix, rhs: Array) -> Array:
    """Factor and solve."""
    factor = scipy.sparse.linalg.splu(
        matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    solution: Array = factor.solve(rhs)
    return solution


def scaled(matrix: scipy.sparse.csc_matrix, rhs: Array) -> tuple[scipy.sparse.csr_matrix, Array, Array]:
    """Return the system scaled to a unit diagonal, and the scale: that preconditioner at its cheapest."""
    scale = 1 / np.sqrt(matrix.diagonal())
    diagonal = scipy.sparse.diags(scale)
    return (diagonal @ matrix @ diagonal).tocsr(), scale * rhs, scale


def steps_to_a_millivolt(matrix: scipy.sparse.csr_matrix, rhs: Array, scale: Array, exact: Array) -> int:
    """Return the number of steps of conjugate gradients to a true error of 1 mV."""
    steps = 0

    class Near(Exception):
        pass

    def watch(x: Array) -> None:
        nonlocal steps
        steps += 1
        if np.max(np.abs(scale * x - exact)) < MILLIVOLT:
            raise Near

    with contextlib.suppress(Near):
        scipy.sparse.linalg.cg(matrix, rhs, rtol=0.0, maxiter=20_000, callback=watch)
    return steps


def cholmod() -> tuple[str, Callable[[scipy.sparse.csc_matrix, Array], Array]] | None:
    """Return what brings CHOLMOD, and its factor and solve; None where it is not installed."""
    try:
        cholesky = importlib.import_module("sksparse.cholmod").cholesky
        return "scikit-sparse", lambda matrix, rhs: cholesky(matrix)(rhs)
    except (ImportError, AttributeError):
        pass
    try:
        minimal = importlib.import_module("sksparse_minimal").SparseCholesky
        return "sksparse-minimal", lambda matrix, rhs: minimal(matrix).solve_A(rhs)
    except ImportError:
        return None


class Case:
    """One size of lattice and number of defects: a chain of networks that differ by one defect."""

    def __init__(self, edge: int, m: int, repeats: int) -> None:
        self.table = GreenTable((edge, edge, edge), SPACING)
        self.background = UniformBackground(self.table, GROUND)
        self.solver = solver_of(self.table)
        self.name = f"{m} defects, {edge**3:,} sites"
        self.edge, self.m, self.repeats = edge, m, repeats
        random = np.random.default_rng(m)
        sites = defects(self.table, m, random)
        self.chain = []
        for _ in range(repeats):
            kept = np.delete(sites, random.integers(m))
            new = random.choice(np.setdiff1d(np.arange(self.table.n_sites), kept))
            sites = np.sort(np.r_[kept, new])
            self.solver.solve(sites.astype(np.intc))
            self.chain.append((sites, Network(bonds_of(self.solver), self.background)))

    def own(self) -> dict[str, tuple[float, float]]:
        """Return seconds and error (V) of each of our solvers."""
        found: dict[str, list[tuple[float, float]]] = {"exact": [], "compiled": [], "iterative": []}
        solve(self.chain[0][1], 1.0, method="iterative", tolerance=MILLIVOLT)  # sets the background up
        for sites, network in self.chain:
            seconds, exact = timed(lambda n=network: solve(n, 1.0, method="green"))
            found["exact"].append((seconds, exact.error))
            vacancies = sites.astype(np.intc)
            seconds, solution = timed(lambda v=vacancies: self.solver.solve(v))
            nodes, potential, _ = solution.potentials.nodes()
            found["compiled"].append((seconds, float(np.max(np.abs(potential - exact.potential[nodes])))))
            seconds, near = timed(lambda n=network: solve(n, 1.0, method="iterative", tolerance=MILLIVOLT))
            found["iterative"].append((seconds, float(np.max(np.abs(near.potential - exact.potential)))))
        return {name: (min(t for t, _ in runs), max(e for _, e in runs)) for name, runs in found.items()}

    def peers(self, factorise: bool) -> dict[str, tuple[float, float]]:
        """Return seconds and error (V) of each peer; ``factorise`` False leaves the direct ones out."""
        network = self.chain[-1][1]
        exact = solve(network, 1.0, method="green").potential
        matrix, rhs = assembled(network, self.background)
        unit, unit_rhs, scale = scaled(matrix, rhs)
        steps = steps_to_a_millivolt(unit, unit_rhs, scale, exact)

        def gradients() -> Array:
            # A given number of steps, so that looking for 1 mV is not timed.
            solution: Array = scale * scipy.sparse.linalg.cg(unit, unit_rhs, rtol=0.0, maxiter=steps)[0]
            return solution

        actions: dict[str, Callable[[], Array]] = {"CG to 1 mV": gradients}
        factor = cholmod()
        if factorise and factor is not None:
            actions[f"CHOLMOD ({factor[0]})"] = lambda: factor[1](matrix, rhs)
        if factorise:
            actions["SuperLU"] = lambda: super_lu(matrix, rhs)
        found = {}
        for name, action in actions.items():
            runs = [timed(action) for _ in range(3 if self.edge <= 20 or name == "CG to 1 mV" else 1)]
            error = float(np.max(np.abs(runs[-1][1] - exact)))
            found[name] = (min(seconds for seconds, _ in runs), error)
        return found

    def rows(self, factorise: bool) -> Iterator[list[str]]:
        """Yield the rows of this case, by the columns of `HEADER`."""
        own, peers = self.own(), self.peers(factorise)
        target = f"<= {TARGET[self.m][self.edge > 20]:g} ms" if self.m in TARGET else ""
        for solver, (seconds, error) in own.items():
            against = {"CG to 1 mV": peers["CG to 1 mV"]} if solver == "iterative" else peers
            fallback = f"<= {60 if self.edge > 20 else 5} ms"
            quantity = f"{solver} field update, {self.name} ({len(self.chain[-1][1].nodes)} bonded)"
            for peer, (other, _) in against.items():
                yield [
                    quantity, f"{1e3 * seconds:.2f} ms", f"{peer} {1e3 * other:.1f} ms",
                    f"{other / seconds:.1f}", fallback if solver == "iterative" else target,
                    f"{1 / seconds:.0f}", f"{error:.0e} V",
                ]


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    command = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    command.add_argument("--edges", nargs="+", type=int, default=[20, 40], help="sites a side")
    command.add_argument("--defects", nargs="+", type=int, default=[100, 300, 600])
    command.add_argument("--repeats", type=int, default=12, help="networks of each case")
    command.add_argument("--factorise", type=int, default=300, metavar="M",
                         help="defects at which the direct peers also run on large lattices (a minute)")
    options = command.parse_args(arguments)
    write(machine())
    if cholmod() is None:
        write("CHOLMOD is left out: neither scikit-sparse nor sksparse-minimal is installed.")
    write()
    cases = ((edge, m) for edge in options.edges for m in options.defects)
    write_table(HEADER, (
        row for edge, m in cases
        for row in Case(edge, m, options.repeats).rows(factorise=edge <= 20 or m == options.factorise)
    ))


if __name__ == "__main__":
    main()
