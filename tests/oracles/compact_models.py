"""Reference compact models of resistive switches, written from their published equations.

For comparison with the kinetic devices and for teaching; none of them is fitted to anything here. Each is a
frozen dataclass with ``derivative(state, voltage)``, ``current(state, voltage)`` and the ``limits`` of its
state, and all are used through :func:`integrate` and :func:`switching_time`. The JART VCM model has a file
of its own, :mod:`jart`.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq

from frenkel.typing import Floats
from frenkel.units import BOLTZMANN_EV


class CompactModel(Protocol):
    """One state, a current and a rate."""

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest value of the state."""

    def derivative(self, state: float, voltage: float) -> float:
        """Return the rate of the state, in its unit per second."""

    def current(self, state: float, voltage: float) -> float:
        """Return the current [A]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StanfordPKU:
    """Gap model of Stanford and Peking University, version 1, without its random term.

    ``I = I0 exp(-g/g0) sinh(V/V0)``, ``dg/dt = -v0 exp(-Ea/kT) sinh(gamma a0 q V / (L kT))`` with
    ``gamma = gamma0 - beta (g / 1 nm)^3`` and ``T = T0 + |V I| Rth``. Positive voltage closes the gap. The
    published random term is left out: it is drawn at every evaluation, so that its effect depends on the
    step of the solver.

    Parameters
    ----------
    current_prefactor, voltage_scale, gap_scale : float
        I0 [A], V0 [V], g0 [m].
    velocity, activation_energy, hop_distance, oxide_thickness : float
        v0 [m/s], Ea [eV], a0 [m], L [m].
    enhancement, enhancement_slope : float
        gamma0 and beta, pure numbers.
    thermal_resistance, temperature : float
        Rth [K/W], T0 [K].
    gap_limits : tuple of float
        Smallest and largest gap [m].

    References
    ----------
    Jiang et al., doi:10.1109/SISPAD.2014.6931558 and doi:10.1109/TED.2016.2545412. Default values: those of
    the public version 1.0.0 as used in MemTorch.
    """

    current_prefactor: float = 1e-3
    voltage_scale: float = 0.25
    gap_scale: float = 0.25e-9
    velocity: float = 10.0
    activation_energy: float = 0.6
    hop_distance: float = 0.25e-9
    oxide_thickness: float = 12e-9
    enhancement: float = 16.0
    enhancement_slope: float = 0.8
    thermal_resistance: float = 2.1e3
    temperature: float = 298.0
    gap_limits: tuple[float, float] = (0.1e-9, 1.7e-9)

    def __post_init__(self) -> None:
        _positive(
            self,
            "current_prefactor voltage_scale gap_scale velocity activation_energy hop_distance "
            "oxide_thickness enhancement temperature",
        )
        _ordered("gap_limits", self.gap_limits, "m")

    @property
    def limits(self) -> tuple[float, float]:
        return self.gap_limits

    def current(self, state: float, voltage: float) -> float:
        """Return the current [A] at a gap [m] and a voltage [V]."""
        return (
            self.current_prefactor
            * math.exp(-state / self.gap_scale)
            * math.sinh(voltage / self.voltage_scale)
        )

    def hottest(self, state: float, voltage: float) -> float:
        """Return the temperature of the filament [K]."""
        return self.temperature + abs(voltage * self.current(state, voltage)) * self.thermal_resistance

    def derivative(self, state: float, voltage: float) -> float:
        """Return the rate of the gap [m/s]; zero at a limit if it would pass it."""
        thermal = BOLTZMANN_EV * self.hottest(state, voltage)
        gamma = self.enhancement - self.enhancement_slope * (state * 1e9) ** 3
        drive = gamma * self.hop_distance * voltage / (self.oxide_thickness * thermal)
        rate = -self.velocity * math.exp(-self.activation_energy / thermal) * math.sinh(drive)
        return _inside(rate, state, self.gap_limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vteam:
    """VTEAM: threshold model with a polynomial rate.

    ``dx/dt = k_off (V/v_off - 1)^alpha_off f`` for V > v_off > 0, ``k_on (V/v_on - 1)^alpha_on f`` for
    V < v_on < 0 and 0 between; the resistance is linear in x, r_on at 0 and r_off at the thickness D. The
    window f = 1 - (x/D)^(2p) on the way up and 1 - (1 - x/D)^(2p) on the way down ends the motion at the
    limits (Biolek's form depends on the direction like this one).

    Parameters
    ----------
    r_on, r_off : float
        Resistances [ohm].
    k_on, k_off : float
        Rates [m/s], negative and positive.
    alpha_on, alpha_off : float
        Exponents.
    v_on, v_off : float
        Thresholds [V], negative and positive.
    thickness : float
        D [m].
    window : int
        p; large: abrupt ends.

    References
    ----------
    Kvatinsky et al., doi:10.1109/TCSII.2015.2433536. Default values: those of MemTorch.
    """

    r_on: float = 50.0
    r_off: float = 1000.0
    k_on: float = -10.0
    k_off: float = 5e-4
    alpha_on: float = 3.0
    alpha_off: float = 1.0
    v_on: float = -0.2
    v_off: float = 0.02
    thickness: float = 3e-9
    window: int = 10

    def __post_init__(self) -> None:
        _positive(self, "r_on r_off k_off alpha_on alpha_off v_off thickness window")
        for name, unit in (("k_on", "m/s"), ("v_on", "V")):
            if not getattr(self, name) < 0:
                raise ValueError(f"{name} must be below 0 {unit}, got {getattr(self, name):g}")

    @property
    def limits(self) -> tuple[float, float]:
        return 0.0, self.thickness

    def current(self, state: float, voltage: float) -> float:
        """Return the current [A] at a state x [m] and a voltage [V]."""
        return voltage / (self.r_on + (self.r_off - self.r_on) * state / self.thickness)

    def derivative(self, state: float, voltage: float) -> float:
        """Return dx/dt [m/s]."""
        if self.v_on <= voltage <= self.v_off:
            return 0.0
        up = voltage > 0
        distance = state / self.thickness if up else 1.0 - state / self.thickness
        window = 1.0 - max(distance, 0.0) ** (2 * self.window)
        k, threshold, alpha = (
            (self.k_off, self.v_off, self.alpha_off) if up else (self.k_on, self.v_on, self.alpha_on)
        )
        return k * math.pow(voltage / threshold - 1.0, alpha) * window


@dataclass(frozen=True, slots=True, kw_only=True)
class Yakopcic:
    """Generalised memristive device of Yakopcic.

    ``I = a1 x sinh(bV)`` for V >= 0 and ``a2 x sinh(bV)`` below; ``dx/dt = eta g(V) f(x)`` with
    ``g = Ap (e^V - e^Vp)`` above Vp, ``-An (e^-V - e^Vn)`` below -Vn and 0 between; moving up,
    ``f = exp(-alpha_p (x - xp)) ((xp - x)/(1 - xp) + 1)`` from xp on, moving down
    ``f = exp(alpha_n (x + xn - 1)) x/(1 - xn)`` from 1 - xn on, and 1 elsewhere.

    Parameters
    ----------
    a1, a2 : float
        Amplitudes [A].
    b : float
        [1/V].
    v_p, v_n : float
        Thresholds [V], both given positive.
    rate_p, rate_n : float
        Ap and An [1/s].
    x_p, x_n, alpha_p, alpha_n : float
        Where the motion begins to slow down, and how fast.
    eta : int
        1 or -1: positive voltage raises or lowers x.

    References
    ----------
    Yakopcic et al., doi:10.1109/LED.2011.2163292 and doi:10.1109/TCAD.2013.2252057.
    """

    a1: float = 0.17
    a2: float = 0.17
    b: float = 0.05
    v_p: float = 0.16
    v_n: float = 0.15
    rate_p: float = 4000.0
    rate_n: float = 4000.0
    x_p: float = 0.3
    x_n: float = 0.5
    alpha_p: float = 1.0
    alpha_n: float = 5.0
    eta: int = 1

    def __post_init__(self) -> None:
        _positive(self, "a1 a2 b v_p v_n rate_p rate_n alpha_p alpha_n")
        for name in ("x_p", "x_n"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must be between 0 and 1, got {getattr(self, name):g}")
        if self.eta not in (1, -1):
            raise ValueError(f"eta must be 1 or -1, got {self.eta}")

    @property
    def limits(self) -> tuple[float, float]:
        return 0.0, 1.0

    def current(self, state: float, voltage: float) -> float:
        """Return the current [A] at a state x (0 to 1) and a voltage [V]."""
        return (self.a1 if voltage >= 0 else self.a2) * state * math.sinh(self.b * voltage)

    def derivative(self, state: float, voltage: float) -> float:
        """Return dx/dt [1/s]."""
        if voltage > self.v_p:
            force = self.rate_p * (math.exp(voltage) - math.exp(self.v_p))
        elif voltage < -self.v_n:
            force = -self.rate_n * (math.exp(-voltage) - math.exp(self.v_n))
        else:
            return 0.0
        return self.eta * force * self._slowing(state, up=self.eta * force > 0)

    def _slowing(self, x: float, *, up: bool) -> float:
        if up and x >= self.x_p:
            return math.exp(-self.alpha_p * (x - self.x_p)) * ((self.x_p - x) / (1 - self.x_p) + 1)
        if not up and x <= 1 - self.x_n:
            return math.exp(self.alpha_n * (x + self.x_n - 1)) * x / (1 - self.x_n)
        return 1.0


def integrate(
    model: CompactModel,
    voltage: Callable[[float], float],
    times: Any,
    state: float,
    *,
    corners: Any = None,
    tolerance: float = 1e-8,
) -> tuple[Floats, Floats]:
    """Return state and current along a voltage.

    Parameters
    ----------
    model : CompactModel
    voltage : callable
        Time [s] to voltage [V].
    times : array_like
        Ascending [s].
    state : float
        At the first time, within ``model.limits``.
    corners : array_like, optional
        Times [s] at which the voltage has a corner or a step: the solver restarts there, so that it never
        steps over one. Default: all ``times``.
    tolerance : float
        Relative, of the solver (LSODA).

    Returns
    -------
    states, currents : ndarray
        At the times.

    Raises
    ------
    ValueError
        The state lies outside its limits, or times do not ascend.
    RuntimeError
        The solver gave up.
    """
    points = np.asarray(times, float)
    low, high = model.limits
    if not low <= state <= high:
        raise ValueError(f"state must be between {low:g} and {high:g}, got {state:g}")
    if points.size < 2 or not np.all(np.diff(points) > 0):
        raise ValueError("times must be at least two and ascend, in s")
    inner = points if corners is None else np.asarray(corners, float)
    inner = inner[(inner > points[0]) & (inner < points[-1])]
    states, last = np.full(points.size, float(state)), float(state)
    for start, end in itertools.pairwise([points[0], *np.unique(inner), points[-1]]):
        wanted = (points > start) & (points <= end)
        at = np.unique([*points[wanted], end])
        found = _segment(model, voltage, last, at, start, tolerance)
        states[wanted] = found[: int(wanted.sum())]
        last = float(found[-1])
    currents = np.array([model.current(s, voltage(t)) for s, t in zip(states, points, strict=True)])
    return states, currents


def _segment(
    model: CompactModel,
    voltage: Callable[[float], float],
    state: float,
    at: Floats,
    start: float,
    tolerance: float,
) -> Floats:
    """Return the states at times up to the end of a stretch without corners."""
    low, high = model.limits
    # A step at a corner belongs to what follows at the start and to what precedes at the end.
    first, last = np.nextafter(start, at[-1]), np.nextafter(at[-1], start)

    def rate(t: float, y: Floats) -> list[float]:
        return [model.derivative(min(max(float(y[0]), low), high), voltage(min(max(t, first), last)))]

    solved = solve_ivp(
        rate,
        (start, at[-1]),
        [state],
        method="LSODA",
        t_eval=at,
        rtol=tolerance,
        atol=tolerance * (high - low) * 1e-3,
    )
    if not solved.success:
        raise RuntimeError(f"the solver stopped at {solved.t[-1]:g} s: {solved.message}")
    # The right side is evaluated inside the limits; the solver may pass them by its tolerance.
    found: Floats = np.clip(solved.y[0], low, high)
    return found


def switching_time(model: CompactModel, voltage: float, start: float, end: float) -> float:
    """Return the time [s] in which a constant voltage takes the state from one value to another.

    With one state it is a quadrature, ``t = int ds / (ds/dt)``, exact where a solver would have to find an
    abrupt edge. Both values positive: the integral runs over the logarithm of the state.

    Raises
    ------
    ValueError
        The voltage does not move the state that way all along.
    """
    if start == end:
        return 0.0
    rates = [model.derivative(float(s), voltage) for s in np.linspace(start, end, 9)[:-1]]
    if not all(rate * (end - start) > 0 for rate in rates):
        raise ValueError(f"{voltage:g} V does not take the state from {start:g} to {end:g}")
    if min(start, end) > 0:
        scale = 1.0 / abs(model.derivative(start, voltage)) * start

        def slowness(u: float) -> float:
            state = math.exp(u)
            return state / model.derivative(state, voltage) / scale

        total, _ = quad(slowness, math.log(start), math.log(end), limit=200, epsrel=1e-8)
        return float(total * scale)
    scale = 1.0 / abs(model.derivative(start, voltage))
    total, _ = quad(lambda s: 1.0 / model.derivative(s, voltage) / scale, start, end, limit=200, epsrel=1e-8)
    return float(total * scale)


def half_current_state(model: CompactModel, voltage: float, start: float, end: float) -> float:
    """Return the state where the current is the geometric mean of those at two states."""
    target = 0.5 * sum(math.log(abs(model.current(state, voltage))) for state in (start, end))
    found = brentq(lambda s: math.log(abs(model.current(s, voltage))) - target, start, end, rtol=1e-10)
    return float(found)


def _inside(rate: float, state: float, limits: tuple[float, float]) -> float:
    low, high = limits
    return 0.0 if (state <= low and rate < 0) or (state >= high and rate > 0) else rate


def _positive(model: Any, names: str) -> None:
    for name in names.split():
        value = getattr(model, name)
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be above 0, got {value:g}")


def _ordered(name: str, limits: tuple[float, float], unit: str) -> None:
    if not 0 <= limits[0] < limits[1]:
        raise ValueError(f"{name} must ascend from at least 0 {unit}, got {limits[0]:g} and {limits[1]:g}")
