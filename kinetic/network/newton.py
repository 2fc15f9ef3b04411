"""Newton's method on a network, and the three linear solvers it can stand on.

Every solver builds its residual from the voltages of single bonds, never from a product with an assembled
matrix: with a contrast of 1e8 the product would lose eight digits of each bond's current.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import scipy.linalg
import scipy.sparse

from ...errors import ConvergenceError
from ...typing import Floats
from ..conduction.laws import TOP
from .background import UniformBackground, links_of
from .lattice_solver import BondedLattice, Iterate

if TYPE_CHECKING:
    from .network import Network


NEWTON_LIMIT = 100
"""Newton steps after which a solve has failed."""
HALVINGS = 60
"""Trial lengths of one damped step."""
FIRST_SHARE, LEAST_SHARE = 0.1, 1e-5
"""Steps towards a voltage that cannot be solved at once: the first, and that below which it has failed."""
RESTARTS = 6
"""Times that conjugate gradients are started again on the true residual before a solve has failed."""


class System(Protocol):
    """What Newton's method needs of a linear solver; unknowns are the nodes or all sites."""

    network: Network
    voltage: float
    tolerance: float

    def initial(self, start: Floats | None) -> Floats: ...

    def residual(self, x: Floats, rest: Floats | None = None) -> State: ...

    def corrector(self, state: State) -> Callable[[State], Floats]: ...

    def potential(self, x: Floats) -> Floats: ...

    def current(self, state: State) -> float: ...


@dataclass(frozen=True)
class State:
    """A trial potential: bond voltages and currents there, and the current that does not balance."""

    x: Floats
    voltage: Floats
    current: Floats
    slope: Floats
    residual: Floats
    background: Floats


class GreenSystem:
    """Unknowns are the bonded sites only; the background enters by the inverse of its Green's matrix."""

    def __init__(self, network: Network, voltage: float, source: Floats | None, tolerance: float) -> None:
        background = network.background
        if not isinstance(background, UniformBackground):
            raise TypeError('method "green" needs a UniformBackground; use "iterative" or "direct"')
        self.network, self.voltage, self.tolerance = network, voltage, tolerance
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
        everywhere = self.profile + table.everywhere(nodes, fed)
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

    def __init__(self, network: Network, voltage: float, source: Floats | None, tolerance: float) -> None:
        self.network, self.voltage, self.tolerance = network, voltage, tolerance
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


@dataclass(frozen=True)
class Solved:
    """Where Newton's method ended: state, steps, and estimate or bound of the potential's error (V)."""

    state: State
    iterations: int
    error: float


def newton(system: System, start: Floats | None) -> Solved:
    """Solve a network by damped Newton steps; a linear one by a single step and its refinement.

    Raises
    ------
    ConvergenceError
        If the tolerance of the system is not met.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # laws may overflow in a trial step, then shortened
        if isinstance(system, IterativeSystem):
            return _newton_iterative(system, start)
        return _newton_exact(system, start)


def raised(build: Callable[[float], System], voltage: float) -> tuple[System, Solved] | None:
    """Solve at a voltage approached in steps, each started from the last; None if that fails too.

    A start far from the solution can put a bond where its slope is beyond any arithmetic; near the solution
    the bonds in series with it have taken over the voltage. For laws of many decades.
    """
    share, step, start = 0.0, FIRST_SHARE, None
    while True:
        trial = min(1.0, share + step)
        system = build(voltage * trial)
        try:
            solved = newton(system, start)
        except ConvergenceError:
            step *= 0.25
            if step < LEAST_SHARE:
                return None
            continue
        if trial == 1.0:
            return system, solved
        share, step, start = trial, 2 * step, system.potential(solved.state.x)


def _newton_exact(system: System, start: Floats | None) -> Solved:
    """Newton steps by factorisation, the last of them refined."""
    state = system.residual(system.initial(start))
    for step in range(1, NEWTON_LIMIT + 1):
        correct = _corrector(system, state)
        change = correct(state)
        state, whole = _advanced(system, state, change)
        if system.network.linear or (whole and np.max(np.abs(change), initial=0.0) <= system.tolerance):
            return _refined(system, state, correct, step)
    raise _failure(system, state, NEWTON_LIMIT, float(np.max(np.abs(change))))


def _refined(system: System, state: State, correct: Callable[[State], Floats], step: int) -> Solved:
    """Refine with the last factor; what is too small for the potentials still goes to the bond voltages."""
    state = system.residual(state.x + correct(state))
    rest = correct(state)
    error = float(np.max(np.abs(rest), initial=0.0))
    if not error <= max(system.tolerance, 1e-6):
        raise _failure(system, state, step, error)
    return Solved(system.residual(state.x, rest), step, error)


def _newton_iterative(system: IterativeSystem, start: Floats | None) -> Solved:
    """Newton steps of which each is solved to half of the tolerance; ends when the bound meets it."""
    state = system.residual(system.initial(start))
    limit = RESTARTS if system.network.linear else NEWTON_LIMIT
    bound = np.inf
    for _ in range(limit):
        try:
            change = system.corrector(state)(state)
        except ArithmeticError as failed:
            raise _failure(system, state, system.steps, float(failed.args[0])) from None
        except RuntimeError:  # SuperLU found the block of the bonds singular
            raise _failure(system, state, system.steps, np.inf) from None
        state, whole = _advanced(system, state, change)
        if whole and system.last is not None:
            bound = system.last.bound(-state.residual)
            if bound <= system.tolerance:
                return Solved(state, system.steps, bound)
    raise _failure(system, state, system.steps, bound)


def _corrector(system: System, state: State) -> Callable[[State], Floats]:
    try:
        return system.corrector(state)
    except (scipy.linalg.LinAlgError, RuntimeError):
        contrast = float(np.max(state.slope, initial=0.0))
        raise ConvergenceError(
            f"the network is singular to working precision: bonds of up to {contrast:.3g} S on this "
            "background; keep the contrast below about 1e12",
            residual=float(np.max(np.abs(state.residual), initial=0.0)),
            iterations=0,
            bias=system.voltage,
        ) from None


def _failure(system: System, state: State, steps: int, error: float) -> ConvergenceError:
    bias = system.voltage
    residual = float(np.max(np.abs(state.residual), initial=0.0))
    return ConvergenceError(
        f"network not solved at {bias:g} V: after {steps} iterations the potential may be wrong by "
        f"{error:.3g} V (tolerance {system.tolerance:.3g} V), largest unbalanced current {residual:.3g} A",
        residual=residual,
        iterations=steps,
        bias=bias,
    )


def _advanced(system: System, state: State, change: Floats) -> tuple[State, bool]:
    """Return the state after a step, and whether the whole step was taken.

    Laws that rise with voltage make the network the minimum of a convex function (the co-content of Millar)
    whose gradient is the residual. A step is shortened until its slope along the step has fallen to a half.
    """
    full = system.residual(state.x + change)
    # A change within the tolerance is not searched: its slope is rounding.
    if system.network.linear or np.max(np.abs(change)) <= system.tolerance:
        return full, True
    before = float(change @ state.residual)
    if _slope_along(change, full) <= 0.5 * abs(before):
        return full, True
    low, high, trial = 0.0, 1.0, full
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        trial = system.residual(state.x + middle * change)
        slope = _slope_along(change, trial)
        if abs(slope) <= 0.5 * abs(before):
            break
        low, high = (middle, high) if slope < 0 else (low, middle)
    return trial, False


def _slope_along(change: Floats, state: State) -> float:
    slope = float(change @ state.residual)
    return slope if np.isfinite(slope) else np.inf


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
