"""The conduction network: typed bonds between sites and electrodes on a conducting background.

The same class solves for potential (S, A, V) and for temperature (W/K, W, K): heat is a network whose
sources are the powers of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ...errors import ConvergenceError
from ...threads import one_blas_thread
from ...typing import Floats, Index
from ..conduction.laws import BOTTOM, Bonds, Ohmic
from ..fields.green import GreenTable
from .background import Background, LinkBackground, UniformBackground, links_of
from .newton import GreenSystem, IterativeSystem, LatticeSystem, System, newton, raised
from .stiffness import LONGEST_LIFE, carried

__all__ = [
    "Background",
    "ConvergenceError",
    "LinkBackground",
    "Network",
    "Solution",
    "UniformBackground",
    "pairs_within",
    "wiedemann_franz",
]

Method = Literal["auto", "green", "direct", "iterative"]

DENSE_LIMIT = 1000
"""Sites with bonds above which the dense exact solver gives way to the sparse one."""
HEAT_LIMIT = 100
"""Iterations of the temperature after which a solve has failed."""
LORENZ_NUMBER = 2.44e-8
"""Lorenz number of Wiedemann and Franz, L0 = pi^2 k^2 / (3 e^2) (V^2/K^2)."""


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

    def solve(
        self,
        voltage: float,
        *,
        ground: float = 0.0,
        source: ArrayLike | None = None,
        method: Method = "auto",
        tolerance: float = 1e-6,
        start: ArrayLike | None = None,
    ) -> Solution:
        """Solve for the potential of every site.

        Parameters
        ----------
        voltage : float
            Top electrode minus bottom electrode (V).
        ground : float, optional
            Potential of the bottom electrode (V); the temperature of both electrodes (K) for heat. Default 0.
        source : array_like of shape (n_sites,), optional
            Current (A), or power (W), fed into each site.
        method : {"auto", "green", "direct", "iterative"}, optional
            "green": exact, dense in the bonded sites, on a uniform background. "direct": factorisation of
            the whole lattice (SuperLU), for checking. "iterative": conjugate gradients on the whole lattice.
            "auto": "green" up to 1,000 bonded sites on a uniform background, else "iterative".
        tolerance : float, optional
            Error allowed to the iterative method, and to Newton's (V). Default 1e-6.
        start : array_like of shape (n_sites,), optional
            Potential to start from (V). Default: that of the background.

        Returns
        -------
        Solution

        Raises
        ------
        ConvergenceError
            If the tolerance is not met.
        ValueError
            If the voltage is not finite, the tolerance not positive, or the method unknown.
        TypeError
            If "green" is asked of single links.
        """
        if not (np.isfinite(voltage) and np.isfinite(ground)):
            raise ValueError(f"voltage and ground must be finite (V), got {voltage!r} and {ground!r}")
        if not 0 < tolerance < np.inf:
            raise ValueError(f"tolerance must be positive (V), got {tolerance!r}")
        # Solved above ground: a common potential of hundreds (kelvin, say) would cost digits of the drops.
        begin = None if start is None else np.asarray(start, dtype=np.float64) - ground
        if begin is not None and begin.shape != (self.background.n_sites,):
            raise ValueError(f"start must have shape ({self.background.n_sites},), got {begin.shape}")
        with one_blas_thread():
            system = self._system(method, float(voltage), source, tolerance)
            try:
                solved = newton(system, begin)
            except ConvergenceError as failed:
                if self.linear:
                    raise
                found = raised(lambda v: self._system(method, v, source, tolerance), float(voltage))
                if found is None:
                    raise failed from None
                system, solved = found
            return Solution(
                network=self,
                bottom=float(ground),
                top=float(ground + voltage),
                potential=system.potential(solved.state.x) + ground,
                bond_voltage=solved.state.voltage,
                bond_current=solved.state.current,
                current=system.current(solved.state),
                iterations=solved.iterations,
                residual=float(np.max(np.abs(solved.state.residual), initial=0.0)),
                error=solved.error,
            )

    def _system(self, method: Method, voltage: float, source: ArrayLike | None, tolerance: float) -> System:
        fed = None if source is None else np.asarray(source, dtype=np.float64)
        if fed is not None and fed.shape != (self.background.n_sites,):
            raise ValueError(f"source must have shape ({self.background.n_sites},), got {fed.shape}")
        uniform = isinstance(self.background, UniformBackground)
        if method == "auto":
            method = "green" if uniform and len(self.nodes) <= DENSE_LIMIT else "iterative"
        if method == "green":
            return GreenSystem(self, voltage, fed, tolerance)
        if method == "direct":
            return LatticeSystem(self, voltage, fed, tolerance)
        if method == "iterative":
            return IterativeSystem(self, voltage, fed, tolerance)
        raise ValueError(f'method must be "auto", "green", "direct" or "iterative", got {method!r}')


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
    for coordinate, period in zip(table.coordinates(number), (*table.shape[:2], 0), strict=True):
        step = np.abs(coordinate[:, None] - coordinate[None, :])
        if period and not table.images:
            step = np.minimum(step, period - step)
        steps.append(step)
    square = sum(step**2 for step in steps)
    reach = (cutoff / table.spacing) ** 2 * (1 + 1e-9)
    first, second = np.nonzero(np.triu(square <= reach, 1))
    length = table.spacing * np.sqrt(square[first, second])
    return number[first], number[second], length


def wiedemann_franz(
    electrical: Solution,
    lattice: Background,
    *,
    ambient: float,
    lorenz: float = LORENZ_NUMBER,
    tolerance: float = 1e-6,
) -> Solution:
    """Solve for the steady temperature, with bonds that carry heat in proportion to their conductance.

    Parameters
    ----------
    electrical : Solution
        Solved conduction network; its power is the source of heat.
    lattice : UniformBackground or LinkBackground
        Lattice heat conduction, kappa a (W/K), on the same sites.
    ambient : float
        Temperature of both electrodes (K), positive.
    lorenz : float, optional
        Lorenz number (V^2/K^2), positive.
    tolerance : float, optional
        Largest change of a temperature in the last iteration (K). Default 1e-6.

    Returns
    -------
    Solution
        ``potential`` is the temperature of every site (K).

    Raises
    ------
    ConvergenceError
        If the temperatures do not settle.
    ValueError
        If the ambient temperature or the Lorenz number is not positive.

    Notes
    -----
    The heat through a bond of conductance g is ``L0 g (T_i^2 - T_j^2) / 2``, that is, a bond of conductance
    ``L0 g (T_i + T_j) / 2`` at the mean temperature of its ends, iterated until nothing changes. With no
    lattice conduction any geometry then has ``T^2 = T0^2 + (phi - phi_0) (phi_1 - phi) / L0`` [1]_.

    References
    ----------
    .. [1] F. Kohlrausch, "Ueber den stationaeren Temperaturzustand eines elektrisch geheizten Leiters", Ann.
       Phys. 306, 132 (1900), doi:10.1002/andp.19003060107.
    """
    if not (0 < ambient < np.inf and 0 < lorenz < np.inf):
        raise ValueError(f"ambient (K) and lorenz (V^2/K^2) must be positive, got {ambient!r} and {lorenz!r}")
    network = electrical.network
    voltage, slope = electrical.bond_voltage, network.currents(electrical.bond_voltage)[1]
    carried = np.divide(electrical.bond_current, voltage, out=slope, where=voltage != 0)
    temperature = np.full(network.background.n_sites, float(ambient))
    for _ in range(HEAT_LIMIT):
        extended = np.r_[temperature, ambient, ambient]  # BOTTOM and TOP count from the end
        mean = 0.5 * (extended[network.first] + extended[network.second])
        law = Ohmic(conductance=lorenz * carried * mean)
        heat = Bonds(first=network.first, second=network.second, law=law)
        solution = Network(heat, lattice).solve(0.0, ground=ambient, source=electrical.site_power)
        change = float(np.max(np.abs(solution.potential - temperature)))
        temperature = solution.potential
        if change <= tolerance:
            return solution
    raise ConvergenceError(
        f"temperatures still change by {change:.2g} K after {HEAT_LIMIT} iterations",
        residual=change,
        iterations=HEAT_LIMIT,
        bias=electrical.top - electrical.bottom,
    )
