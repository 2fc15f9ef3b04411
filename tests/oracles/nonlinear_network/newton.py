"""Newton's method on a system of equations of which it knows nothing but the protocol `System`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import scipy.linalg

from frenkel.errors import ConvergenceError
from frenkel.typing import Floats

NEWTON_LIMIT = 100
"""Newton steps after which a solve has failed."""
HALVINGS = 60
"""Trial lengths of one damped step."""
FIRST_SHARE, LEAST_SHARE = 0.1, 1e-5
"""Steps towards a voltage that cannot be solved at once: the first, and that below which it has failed."""
RESTARTS = 6
"""Times that conjugate gradients are started again on the true residual before a solve has failed."""


class UnsolvedError(ConvergenceError):
    """A network is not solved at a voltage (V)."""

    def __init__(self, message: str, bias: float) -> None:
        super().__init__(message)
        self.bias = bias


class System(Protocol):
    """What Newton's method needs of a linear solver; unknowns are the nodes or all sites."""

    exact: ClassVar[bool]
    """True if corrections are exact up to rounding; else the system is a `Bounded` one."""
    linear: bool
    voltage: float
    tolerance: float

    def initial(self, start: Floats | None) -> Floats: ...

    def residual(self, x: Floats, rest: Floats | None = None) -> State: ...

    def corrector(self, state: State) -> Callable[[State], Floats]: ...

    def potential(self, x: Floats) -> Floats: ...

    def current(self, state: State) -> float: ...


class Bounded(System, Protocol):
    """A system whose corrections are approximate, with a bound of their error."""

    steps: int

    def bound(self, state: State) -> float: ...


@dataclass(frozen=True)
class State:
    """A trial potential: bond voltages and currents there, and the current that does not balance."""

    x: Floats
    voltage: Floats
    current: Floats
    slope: Floats
    residual: Floats
    background: Floats


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
        return _newton_exact(system, start) if system.exact else _newton_iterative(system, start)


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
        if system.linear or (whole and np.max(np.abs(change), initial=0.0) <= system.tolerance):
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


def _newton_iterative(system: Bounded, start: Floats | None) -> Solved:
    """Newton steps of which each is solved to half of the tolerance; ends when the bound meets it."""
    state = system.residual(system.initial(start))
    limit = RESTARTS if system.linear else NEWTON_LIMIT
    bound = np.inf
    for _ in range(limit):
        try:
            change = system.corrector(state)(state)
        except ArithmeticError as failed:
            raise _failure(system, state, system.steps, float(failed.args[0])) from None
        except RuntimeError:  # SuperLU found the block of the bonds singular
            raise _failure(system, state, system.steps, np.inf) from None
        state, whole = _advanced(system, state, change)
        if whole:
            bound = system.bound(state)
            if bound <= system.tolerance:
                return Solved(state, system.steps, bound)
    raise _failure(system, state, system.steps, bound)


def _corrector(system: System, state: State) -> Callable[[State], Floats]:
    try:
        return system.corrector(state)
    except (scipy.linalg.LinAlgError, RuntimeError):
        contrast = float(np.max(state.slope, initial=0.0))
        raise UnsolvedError(
            f"the network is singular to working precision: bonds of up to {contrast:.3g} S on this "
            "background; keep the contrast below about 1e12",
            system.voltage,
        ) from None


def _failure(system: System, state: State, steps: int, error: float) -> ConvergenceError:
    bias = system.voltage
    residual = float(np.max(np.abs(state.residual), initial=0.0))
    return UnsolvedError(
        f"network not solved at {bias:g} V: after {steps} iterations the potential may be wrong by "
        f"{error:.3g} V (tolerance {system.tolerance:.3g} V), largest unbalanced current {residual:.3g} A",
        bias,
    )


def _advanced(system: System, state: State, change: Floats) -> tuple[State, bool]:
    """Return the state after a step, and whether the whole step was taken.

    Laws that rise with voltage make the network the minimum of a convex function (the co-content of Millar)
    whose gradient is the residual. A step is shortened until its slope along the step has fallen to a half.
    """
    full = system.residual(state.x + change)
    # A change within the tolerance is not searched: its slope is rounding.
    if system.linear or np.max(np.abs(change)) <= system.tolerance:
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
