"""Solve a network: three linear solvers for Newton's method to stand on, and the choice among them.

Every solver builds its residual from the voltages of single bonds, never from a product with an assembled
matrix: with a contrast of 1e8 the product would lose eight digits of each bond's current.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import green_entries
import numpy as np
import scipy.linalg
import scipy.sparse
from numpy.typing import ArrayLike

from frenkel.errors import ConvergenceError
from frenkel.kinetic.conduction.laws import TOP
from frenkel.threads import one_blas_thread
from frenkel.typing import Floats

from .background import UniformBackground, links_of
from .lattice_solver import BondedLattice, Iterate
from .network import Network, Solution
from .newton import State, System, newton, raised

Method = Literal["auto", "green", "direct", "iterative"]

DENSE_LIMIT = 1000
"""Sites with bonds above which the dense exact solver gives way to the sparse one."""


def solve(
    network: Network,
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
    network : Network
        Bonds on a background.
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
    if begin is not None and begin.shape != (network.background.n_sites,):
        raise ValueError(f"start must have shape ({network.background.n_sites},), got {begin.shape}")
    with one_blas_thread():
        system = _system(network, method, float(voltage), source, tolerance)
        try:
            solved = newton(system, begin)
        except ConvergenceError as failed:
            if network.linear:
                raise
            found = raised(lambda v: _system(network, method, v, source, tolerance), float(voltage))
            if found is None:
                raise failed from None
            system, solved = found
        return Solution(
            network=network,
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


def _system(
    network: Network, method: Method, voltage: float, source: ArrayLike | None, tolerance: float
) -> System:
    fed = None if source is None else np.asarray(source, dtype=np.float64)
    if fed is not None and fed.shape != (network.background.n_sites,):
        raise ValueError(f"source must have shape ({network.background.n_sites},), got {fed.shape}")
    uniform = isinstance(network.background, UniformBackground)
    if method == "auto":
        method = "green" if uniform and len(network.nodes) <= DENSE_LIMIT else "iterative"
    if method == "green":
        return GreenSystem(network, voltage, fed, tolerance)
    if method == "direct":
        return LatticeSystem(network, voltage, fed, tolerance)
    if method == "iterative":
        return IterativeSystem(network, voltage, fed, tolerance)
    raise ValueError(f'method must be "auto", "green", "direct" or "iterative", got {method!r}')


class GreenSystem:
    """Unknowns are the bonded sites only; the background enters by the inverse of its Green's matrix."""

    exact = True

    def __init__(self, network: Network, voltage: float, source: Floats | None, tolerance: float) -> None:
        background = network.background
        if not isinstance(background, UniformBackground):
            raise TypeError('method "green" needs a UniformBackground; use "iterative" or "direct"')
        self.network, self.linear = network, network.linear
        self.voltage, self.tolerance = voltage, tolerance
        self.background = background
        table = background.table
        self.profile = np.tile(table.background(0.0, voltage), table.shape[0] * table.shape[1])
        # What is fed into nodes enters their balance: spread over the background first, the heat of a good
        # bond would make 1e13 K there, and the difference from it would keep few digits.
        self.fed = np.zeros(len(network.nodes)) if source is None else source[network.nodes]
        self.elsewhere = None
        if source is not None:
            self.elsewhere = source.copy()
            self.elsewhere[network.nodes] = 0.0
            self.profile = self.profile + table.respond(self.elsewhere) / background.conductance
        self.far = self.profile[network.nodes]
        self.stiffness = network.stiffness

    def initial(self, start: Floats | None) -> Floats:
        begin: Floats = self.far if start is None else start[self.network.nodes]
        return begin.copy()

    def residual(self, x: Floats, rest: Floats | None = None) -> State:
        net = self.network
        deviation = x - self.far
        if rest is not None:
            deviation = deviation + rest
        background = self.background.conductance * _symmetric_product(self.stiffness, deviation)
        voltage = _differences(net, x, rest, self.voltage)
        current, slope = net.currents(voltage)
        residual = background + net.gathered(current)[:-2] - self.fed
        return State(x, voltage, current, slope, residual, background)

    def corrector(self, state: State) -> Callable[[State], Floats]:
        matrix = self.stiffness.copy(order="F")
        g = self.background.conductance
        _add_laplacian(self.network, state.slope / g, matrix)
        factor = scipy.linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        return lambda s: scipy.linalg.cho_solve(factor, s.residual / -g, check_finite=False)

    def potential(self, x: Floats) -> Floats:
        # The background's currents, not the bonds': those amplify an error by their contrast.
        nodes, table = self.network.nodes, self.background.table
        fed = _symmetric_product(self.stiffness, x - self.far)
        everywhere = self.profile + green_entries.everywhere(table, nodes, fed)
        everywhere[nodes] = x
        return everywhere

    def current(self, state: State) -> float:
        table, g = self.background.table, self.background.conductance
        share = table.background(0.0, 1.0)
        nz = table.shape[2]
        total = g * table.conductance * self.voltage
        total -= float(state.background @ share[self.network.nodes % nz])
        if self.elsewhere is not None:
            total -= float(np.sum(self.elsewhere.reshape(-1, nz) @ share))
        return total + float(self.network.gathered(state.current)[-1])


class LatticeSystem:
    """Unknowns are all sites; corrections by factorisation of the whole lattice."""

    exact = True

    def __init__(self, network: Network, voltage: float, source: Floats | None, tolerance: float) -> None:
        self.network, self.linear = network, network.linear
        self.voltage, self.tolerance = voltage, tolerance
        self.links, self.source = links_of(network.background), source

    def initial(self, start: Floats | None) -> Floats:
        if start is not None:
            return start.copy()
        background = self.network.background
        if isinstance(background, UniformBackground):
            table = background.table
            return np.tile(table.background(0.0, self.voltage), table.shape[0] * table.shape[1])
        return background.profile * self.voltage

    def residual(self, x: Floats, rest: Floats | None = None) -> State:
        net = self.network
        background = self.links.applied(x, 0.0, self.voltage)
        if rest is not None:
            background = background + self.links.applied(rest, 0.0, 0.0)
        local = None if rest is None else rest[net.nodes]
        voltage = _differences(net, x[net.nodes], local, self.voltage)
        current, slope = net.currents(voltage)
        residual = background.copy()
        residual[net.nodes] += net.gathered(current)[:-2]
        if self.source is not None:
            residual -= self.source
        return State(x, voltage, current, slope, residual, background)

    def bonded(self, state: State) -> BondedLattice:
        laplacian = _sparse_laplacian(self.network, state.slope)
        return BondedLattice(self.links, self.network.nodes, laplacian)

    def corrector(self, state: State) -> Callable[[State], Floats]:
        solve = self.bonded(state).factored()
        return lambda s: -solve(s.residual)

    def potential(self, x: Floats) -> Floats:
        return x

    def current(self, state: State) -> float:
        link_current = self.links.link_current(state.x, 0.0, self.voltage)
        at_top = self.links.second == TOP
        return float(self.network.gathered(state.current)[-1] - np.sum(link_current[at_top]))


class IterativeSystem(LatticeSystem):
    """Unknowns are all sites; corrections by conjugate gradients with a bound in volts."""

    exact = False
    steps = 0
    last: Iterate | None = None

    def corrector(self, state: State) -> Callable[[State], Floats]:
        bonded = self.bonded(state)

        def correct(s: State) -> Floats:
            # Half of the tolerance is left for what rounding adds.
            self.last = bonded.iterated(-s.residual, 0.5 * self.tolerance)
            self.steps += self.last.steps
            return self.last.potential

        return correct

    def bound(self, state: State) -> float:
        return np.inf if self.last is None else self.last.bound(-state.residual)


def _differences(net: Network, x: Floats, rest: Floats | None, top: float) -> Floats:
    """Return the voltage of every bond, with the small part of the potentials taken apart from the large."""
    extended = np.r_[x, 0.0, top]
    voltage: Floats = extended[net.a] - extended[net.b]
    if rest is not None:
        small = np.r_[rest, 0.0, 0.0]
        voltage += small[net.a] - small[net.b]
    return voltage


def _add_laplacian(net: Network, slope: Floats, lower: Floats) -> None:
    """Add the bonds' Laplacian to the lower triangle of a Fortran-ordered matrix in place."""
    m = len(net.nodes)
    inner = net.b < m
    row, column = np.maximum(net.a, net.b)[inner], np.minimum(net.a, net.b)[inner]
    np.subtract.at(lower.reshape(-1, order="F"), column * m + row, slope[inner])
    lower[np.diag_indices(m)] += _node_slopes(net, slope)


def _node_slopes(net: Network, slope: Floats) -> Floats:
    """Return the sum of the slopes of the bonds at each node (S)."""
    m = len(net.nodes)
    ends = np.bincount(net.a, slope, m) + np.bincount(net.b, slope, m + 2)[:m]
    return ends.astype(np.float64, copy=False)


def _sparse_laplacian(net: Network, slope: Floats) -> scipy.sparse.csr_array:
    m = len(net.nodes)
    inner = net.b < m
    a, b, g = net.a[inner], net.b[inner], slope[inner]
    own = np.arange(m)
    entries = (np.r_[-g, -g, _node_slopes(net, slope)], (np.r_[a, b, own], np.r_[b, a, own]))
    return scipy.sparse.coo_array(entries, shape=(m, m)).tocsr()


def _symmetric_product(lower: Floats, vector: Floats) -> Floats:
    """Return the product with a symmetric matrix given by its lower triangle."""
    if not vector.size:
        return vector
    product: Floats = scipy.linalg.blas.dsymv(1.0, lower, vector, lower=1)
    return product
