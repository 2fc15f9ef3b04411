"""Entries of a Green's table, and responses to a few sources: what oracles and tests read of it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from frenkel.kinetic.fields.green import GreenTable
from frenkel.typing import Floats


def coordinates(
    table: GreenTable, sites: ArrayLike
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the lattice coordinates x, y, z of site numbers.

    Raises
    ------
    ValueError
        For a site number outside the box.
    """
    number = np.asarray(sites, dtype=np.intp)
    if number.size and not (number.min() >= 0 and number.max() < table.n_sites):
        got = f"{number.min()} to {number.max()}"
        raise ValueError(f"sites must be between 0 and {table.n_sites - 1}, got {got}")
    _, ny, nz = table.shape
    column, z = np.divmod(number, nz)
    x, y = np.divmod(column, ny)
    return x, y, z


def block(table: GreenTable, sites_a: ArrayLike, sites_b: ArrayLike) -> Floats:
    """Return the responses at some sites to unit sources at others.

    Parameters
    ----------
    sites_a : array_like of int, shape (a,)
        Sites where the response is read.
    sites_b : array_like of int, shape (b,)
        Sites of the sources.

    Returns
    -------
    ndarray of shape (a, b)
        Dimensionless.
    """
    a, b = (coordinates(table, np.atleast_1d(sites)) for sites in (sites_a, sites_b))
    px, py = table.period
    nz = table.shape[2]
    flat = table.table.reshape(-1)
    if not table.images:
        # Index tables by coordinate: an order of magnitude faster than a remainder for every pair.
        along_x = (np.arange(table.shape[0])[:, None] - b[0]) % px * (py * nz * nz) + b[2]
        along_y = (np.arange(table.shape[1])[:, None] - b[1]) % py * (nz * nz)
        return np.asarray(flat.take(along_x[a[0]] + along_y[a[1]] + (a[2] * nz)[:, None]))
    xa, ya, za = (c[:, None] for c in a)
    xb, yb, zb = (c[None, :] for c in b)
    along_z = za * nz + zb

    def entries(dx: NDArray[np.intp], dy: NDArray[np.intp]) -> Floats:
        return flat.take((dx * py + dy) * (nz * nz) + along_z)

    dx, dy = (xa - xb) % px, (ya - yb) % py
    mx, my = (xa + xb + 1) % px, (ya + yb + 1) % py
    return entries(dx, dy) + entries(mx, dy) + entries(dx, my) + entries(mx, my)


def everywhere(table: GreenTable, sites: ArrayLike, source: ArrayLike) -> Floats:
    """Return the response of every site to sources at some of them.

    Parameters
    ----------
    sites : array_like of int, shape (m,)
        Sites of the sources; one named twice receives both.
    source : array_like of float, shape (m,)
        Strength, in any unit.

    Returns
    -------
    ndarray of shape (n_sites,)
        In the unit of ``source``.
    """
    number = np.atleast_1d(np.asarray(sites, dtype=np.intp))
    coordinates(table, number)
    strength = np.atleast_1d(np.asarray(source, dtype=np.float64))
    if strength.shape != number.shape:
        raise ValueError(f"source must have one value per site, {number.shape}, got {strength.shape}")
    return table.respond(np.bincount(number, strength, table.n_sites).astype(np.float64, copy=False))
