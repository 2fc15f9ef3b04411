"""A conduction network: typed bonds between sites and electrodes on a conducting background.

The same class solves for potential (S, A, V) and for temperature (W/K, W, K): heat is a network whose
sources are the powers of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import green_entries
import numpy as np
from numpy.typing import ArrayLike

from frenkel.kinetic.conduction.laws import BOTTOM, Bonds
from frenkel.kinetic.fields.green import GreenTable
from frenkel.typing import Floats, Index

from .background import Background, LinkBackground, UniformBackground, links_of
from .stiffness import LONGEST_LIFE, carried


class Network:
    """Bonds on a background between two electrodes.

    Parameters
    ----------
    bonds : Bonds or sequence of Bonds
        Bonds, one set for each law. Bonds of a site to ``BOTTOM`` or ``TOP`` are the contacts.
    background : UniformBackground or LinkBackground
        What conducts everywhere else.
    after : Network, optional
        A solved network of the same background and almost the same sites, whose work is carried over: an
        update of hundreds of sites then takes about two thirds of the time.

    Attributes
    ----------
    nodes : ndarray of int, shape (m,)
        Sites that carry bonds, ascending.
    first, second : ndarray of int, shape (n_bonds,)
        Ends of all bonds, set after set.

    Raises
    ------
    ValueError
        If a bond names a site outside the background.
    """

    def __init__(
        self, bonds: Bonds | Sequence[Bonds], background: Background, *, after: Network | None = None
    ) -> None:
        self.bonds: tuple[Bonds, ...] = (bonds,) if isinstance(bonds, Bonds) else tuple(bonds)
        self.background = background
        self.first = np.concatenate([np.empty(0, np.intp), *(b.first for b in self.bonds)])
        self.second = np.concatenate([np.empty(0, np.intp), *(b.second for b in self.bonds)])
        self.nodes = np.unique(np.r_[self.first, self.second[self.second >= 0]])
        if self.nodes.size and self.nodes[-1] >= background.n_sites:
            last = background.n_sites - 1
            raise ValueError(f"bonds must join sites 0 to {last}, got site {self.nodes[-1]}")
        m = len(self.nodes)
        # Local numbers: the nodes, then the bottom electrode (m) and the top one (m + 1).
        self.a = np.searchsorted(self.nodes, self.first)
        inner = np.searchsorted(self.nodes, self.second)
        self.b = np.where(self.second >= 0, inner, np.where(self.second == BOTTOM, m, m + 1))
        self.linear = all(b.law.linear for b in self.bonds)
        self._changes = 0
        self._carried = None if after is None else self._from(after)

    @cached_property
    def stiffness(self) -> Floats:
        """What the background looks like from the nodes (dimensionless), kept from one solve to the next.

        Half of the time of an update goes into it, and it does not depend on the laws.
        """
        if not isinstance(self.background, UniformBackground):
            raise TypeError('method "green" needs a UniformBackground; use "iterative" or "direct"')
        if self._carried is not None:
            return self._carried
        return self.background.stiffness(self.nodes)

    def _from(self, after: Network) -> Floats | None:
        """Return the stiffness if it can be had from another network's."""
        known: Floats | None = after.__dict__.get("stiffness")
        background = self.background
        if not isinstance(background, UniformBackground) or background is not after.background:
            return None
        if known is None or after._changes >= LONGEST_LIFE:
            return None
        if np.array_equal(self.nodes, after.nodes):
            self._changes = after._changes
            return known
        self._changes = after._changes + 1
        carried_over = carried(known, after.nodes, self.nodes, background.table)
        if carried_over is None:
            self._changes = 0
        return carried_over

    def currents(self, voltage: Floats) -> tuple[Floats, Floats]:
        """Return the current (A) and slope (S) of every bond at its voltage (V), set after set."""
        current, slope = np.empty_like(voltage), np.empty_like(voltage)
        start = 0
        for bond in self.bonds:
            part = slice(start, start + len(bond))
            current[part], slope[part] = bond.law.current(voltage[part], bond)
            start += len(bond)
        return current, slope

    def gathered(self, current: Floats) -> Floats:
        """Return the net current (A) that leaves each node, then the bottom and the top, through bonds."""
        m = len(self.nodes)
        leaving = np.bincount(self.a, current, m + 2) - np.bincount(self.b, current, m + 2)
        return leaving.astype(np.float64, copy=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Solution:
    """A solved network.

    Parameters
    ----------
    network : Network
        What was solved.
    bottom, top : float
        Potentials of the electrodes (V).
    potential : ndarray of shape (n_sites,)
        Potential of every site (V).
    bond_voltage, bond_current : ndarray of shape (n_bonds,)
        From first to second (V, A), in the order of ``network.first``. The voltage is more accurate than the
        difference of two potentials.
    current : float
        Current from the top electrode into the device (A).
    iterations : int
        Newton steps, or steps of conjugate gradients.
    residual : float
        Largest violation of Kirchhoff's current law at a site (A).
    error : float
        Bound ("iterative") or estimate (other methods) of the largest error of a potential (V).
    """

    network: Network
    bottom: float
    top: float
    potential: Floats
    bond_voltage: Floats
    bond_current: Floats
    current: float
    iterations: int
    residual: float
    error: float

    @property
    def bond_power(self) -> Floats:
        """Power in each bond (W)."""
        return self.bond_voltage * self.bond_current

    @cached_property
    def power(self) -> float:
        """Power in bonds and background together (W); equals current times voltage without sources."""
        return float(np.sum(self.bond_power) + np.sum(self._links()[1]))

    @cached_property
    def site_power(self) -> Floats:
        """Heat given to each site (W): half the power of every bond and link that ends there.

        The electrodes take the other half of the power of contacts and of their own links.
        """
        n = self.network.background.n_sites
        links, link_power = self._links()
        first = np.r_[self.network.first, links.first]
        second = np.r_[self.network.second, links.second]
        half = 0.5 * np.r_[self.bond_power, link_power]
        inner = second >= 0
        given = np.bincount(first, half, n) + np.bincount(second[inner], half[inner], n)
        return given.astype(np.float64, copy=False)

    def _links(self) -> tuple[LinkBackground, Floats]:
        links = links_of(self.network.background)
        current = links.link_current(self.potential - self.bottom, 0.0, self.top - self.bottom)
        return links, current**2 / links.conductance


def pairs_within(table: GreenTable, sites: ArrayLike, cutoff: float) -> tuple[Index, Index, Floats]:
    """Return the pairs of sites no further apart than a distance.

    Parameters
    ----------
    table : GreenTable
        The box: its spacing, and whether its sides are periodic.
    sites : array_like of int, shape (m,)
        Site numbers, none twice.
    cutoff : float
        Distance (m).

    Returns
    -------
    first, second : ndarray of int, shape (n_pairs,)
        Site numbers, each pair once, by the nearest image.
    length : ndarray of shape (n_pairs,)
        Distances (m).
    """
    number = np.asarray(sites, dtype=np.intp)
    steps = []
    places = green_entries.coordinates(table, number)
    for coordinate, period in zip(places, (*table.shape[:2], 0), strict=True):
        step = np.abs(coordinate[:, None] - coordinate[None, :])
        if period and not table.images:
            step = np.minimum(step, period - step)
        steps.append(step)
    square = sum(step**2 for step in steps)
    reach = (cutoff / table.spacing) ** 2 * (1 + 1e-9)
    first, second = np.nonzero(np.triu(square <= reach, 1))
    length = table.spacing * np.sqrt(square[first, second])
    return number[first], number[second], length
