"""Conduction, heat and charge in a box: networks of bonds and the Green's function that they stand on."""

import numpy as np
from numpy.typing import NDArray

from ..kinetic.fields._bond_network import BondNetwork
from ..kinetic.fields._lattice_green import LatticeGreen
from ..kinetic.fields._network_solver import NetworkSolver
from ..kinetic.fields.green import GreenTable
from .row import SPACING, Check


def network() -> list[Check]:
    """A chain of equal bonds leaves the potential linear; powers add up to V I on a random network.

    Both are networks as a device solves them, at 1 V.
    """
    bond, background = 1e-4, 1e-10
    chain, conducting = _conducting(bond, background), _conducting(bond, background)
    line = chain.solve(np.arange(9, dtype=np.int32))
    straight = np.arange(1, 10) / 10
    random = np.random.default_rng(6)
    green = conducting.green
    solution = conducting.solve(np.sort(random.choice(green.n_hosts, 60, replace=False)).astype(np.int32))
    nodes, at_nodes, _ = solution.potentials.nodes()
    potential = solution.potentials.maps()[0]
    potential[nodes] = at_nodes  # the map is rounded where bonds are strong
    box = potential.reshape(green.nx, green.ny, green.nz)
    drops = [box - np.roll(box, 1, axis) for axis in (0, 1)]
    drops.append(np.diff(box, axis=2, prepend=0.0, append=1.0))
    power = solution.power() + background * sum(float(np.sum(drop**2)) for drop in drops)
    return [
        Check(
            "network: worst potential of a chain of bonds (V at 1 V)",
            0.0,
            float(np.abs(line.potentials.nodes()[1] - straight).max()),
            1e-12,
        ),
        Check(
            "network: conductance of a chain of bonds (S)",
            (bond + 36 * background) / 10,
            line.conductance,
            1e-12,
            "relative",
        ),
        Check("network: sum of powers over V I", 1.0, power / solution.conductance, 1e-12, "relative"),
    ]


def _conducting(bond: float, background: float) -> NetworkSolver:
    """Return the network of a box of 6 x 6 x 9 sites, with bonds of up to sqrt(6) spacings (S)."""
    shape = (6, 6, 9)
    strength = bond / background
    pair = np.r_[0.0, strength * np.exp(-4 * (np.sqrt(np.arange(1, 7)) - 1))]
    contact = np.zeros((2, 9))
    contact[0, 0] = contact[1, -1] = strength
    green = LatticeGreen(shape, GreenTable(shape, SPACING))
    return NetworkSolver(BondNetwork(green, pair, contact), background, 1.0, 1e-6)


def fields() -> list[Check]:
    """Uniform heating of a slab gives a parabola; a charge between plates gives linear potentials."""
    nz = 15
    table = GreenTable((4, 4, nz), SPACING)
    layer = np.arange(1, nz + 1)
    rise = table.respond(np.ones(table.n_sites))[:nz]
    exact = layer * (nz + 1 - layer) / 2
    sheet = np.zeros((4, 4, nz))
    sheet[:, :, 4] = 1.0
    response = table.respond(sheet.ravel())[:nz]
    triangle = np.minimum(layer * (nz + 1 - 5), 5 * (nz + 1 - layer)) / (nz + 1)
    return [
        Check(
            "heat: worst point of a heated slab, relative", 0.0, float(np.abs(rise / exact - 1).max()), 1e-12
        ),
        Check(
            "charge: worst point of a charged sheet, relative",
            0.0,
            float(np.abs(response / triangle - 1).max()),
            1e-12,
        ),
    ]


def green() -> list[Check]:
    """The Green's table and the response to a unit source are columns of the inverse of the lattice."""
    shape = (5, 4, 6)
    table, site = GreenTable(shape, SPACING), 2
    exact = np.linalg.inv(laplacian(shape))[:, site]
    unit = np.zeros(table.n_sites)
    unit[site] = 1.0
    columns = {"table": table.table[:, :, :, site].ravel(), "response": table.respond(unit)}
    return [
        Check(
            f"charge: column of the Green's {name}, relative",
            0.0,
            float(np.abs(column / exact - 1).max()),
            1e-12,
        )
        for name, column in columns.items()
    ]


def laplacian(shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return the Laplacian of a box with an electrode below and above and periodic sides."""
    ring_x, ring_y = (2 * np.eye(n) - np.roll(np.eye(n), 1, 0) - np.roll(np.eye(n), -1, 0) for n in shape[:2])
    nx, ny, nz = shape
    line = 2 * np.eye(nz) - np.eye(nz, k=1) - np.eye(nz, k=-1)
    across = np.kron(ring_x, np.eye(ny)) + np.kron(np.eye(nx), ring_y)
    return np.asarray(np.kron(across, np.eye(nz)) + np.kron(np.eye(nx * ny), line))
