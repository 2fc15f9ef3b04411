"""What stands at a crossing besides the cell: nothing, a selector or a transistor.

The node between cell and selector is eliminated here, cell by cell, so that the array sees one element with
current I(V) and slope at most that of the cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .. import checks
from ..cells.interface import Cells, Where, pick
from ..errors import ConvergenceError
from ..typing import Floats
from ..units import BOLTZMANN_EV
from ._columns import transistor_series
from ._series import meet, sinh_series

ROUNDING = 8.0 * float(np.finfo(np.float64).eps)
"""Fraction of a voltage or current that the search for the inner node leaves."""

MOST_STEPS = 200
"""Of that search; Newton's method needs 3 to 6, bisection in the worst case 60."""


class Crosspoint:
    """A crossing with two terminals; as most are, with the cell's own scale and nothing that switches."""

    def scale(self, cells: Cells) -> Floats | float:
        """Return the voltage over which the current grows by e (V); infinite where Newton needs no limit."""
        return cells.scale

    def solve(self, voltage: Floats, cells: Cells, where: Where = None) -> tuple[Floats, Floats, Floats]:
        """Return the cell's part of a voltage over the crossing (V), the current (A) and its slope (S)."""
        raise NotImplementedError

    def settle(self, voltage: Floats, cells: Cells) -> int:
        """Switch what has a state to suit a voltage (V); return how many switched."""
        return 0

    def meet(
        self, cells: Cells, where: Where, open_voltage: float, resistance: float, start: float
    ) -> tuple[float, float, float] | None:
        """Return where a crossing meets a load line, if there is a quick way to tell."""
        return None

    def beside(self, voltage: float, current: float, cell: tuple[int, int]) -> tuple[float, float]:
        """Return what the crossing takes besides a cell (V), and its current (A).

        Parameters
        ----------
        voltage, current : float
            Of the cell (V), (A).
        cell : tuple of int
            Word and bit line.
        """
        return 0.0, current


class Direct(Crosspoint):
    """The cell alone (0T1R)."""

    def solve(self, voltage: Floats, cells: Cells, where: Where = None) -> tuple[Floats, Floats, Floats]:
        """Return the voltage itself (V) with current (A) and slope (S) of the cells."""
        return voltage, *cells.current(voltage, where)


Element = Callable[[Floats], tuple[Floats, Floats]]
"""Voltage (V) and its slope (ohm) of a series element at a current (A), rising."""


def in_series(voltage: Floats, cells: Cells, where: Where, element: Element) -> tuple[Floats, Floats, Floats]:
    """Return the cell's voltage (V) in series with an element, with current (A) and slope (S) of both.

    Solves u + v(I(u)) = V, v the element's voltage and I the cell's current, by Newton's method between 0 and
    V. The unknown is the cell's voltage u, which keeps its digits where it is a small part of V.
    """
    voltage = np.asarray(voltage, dtype=np.float64)
    sign, size = np.where(voltage < 0.0, -1.0, 1.0), np.abs(voltage)
    low, high = np.zeros_like(size), size.copy()
    # The element cannot take more than at the current of the whole voltage over the cell.
    inner = size - np.minimum(size, element(np.abs(cells.current(voltage, where)[0]))[0])
    for _ in range(MOST_STEPS):
        current, slope = cells.current(sign * inner, where)
        wanted, resistance = element(np.abs(current))
        # What is missed falls with u, so its sign moves one of both bounds.
        miss = (size - inner) - wanted
        low, high = np.where(miss > 0.0, inner, low), np.where(miss < 0.0, inner, high)
        # Newton's step where it stays between the bounds, half of what is left elsewhere.
        new = inner + miss / (1.0 + resistance * slope)
        new = np.where((new >= low) & (new <= high), new, 0.5 * (low + high))
        if np.all((np.abs(miss) <= ROUNDING * size) | (np.abs(new - inner) <= ROUNDING * inner)):
            return sign * inner, current, slope / (1.0 + resistance * slope)
        inner = new
    worst = int(np.argmax(np.abs(miss)))
    raise _lost(worst, where, cells, float(size.flat[worst]), float(miss.flat[worst]))


def _lost(number: int, where: Where, cells: Cells, voltage: float, missed: float) -> ConvergenceError:
    """Return the error of a crossing whose inner voltage was not found."""
    places = np.arange(cells.shape[0] * cells.shape[1]).reshape(cells.shape)
    i, j = divmod(int(np.ravel(pick(places, where))[number]), cells.shape[1])
    return ConvergenceError(
        f"crossing of cell ({i}, {j}): voltage over the cell not found at {voltage:g} V, "
        f"missed by {missed:.3g} V"
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class ExponentialSelector(Crosspoint):
    """A cell in series with a selector of current Is sinh(V/Vs) (1S1R).

    Parameters
    ----------
    saturation : float or ndarray of shape (m, n)
        Is (A), positive.
    slope_voltage : float or ndarray of shape (m, n)
        Vs (V), positive.
    """

    saturation: float | Floats
    slope_voltage: float | Floats

    def __post_init__(self) -> None:
        for name, unit in (("saturation", "A"), ("slope_voltage", "V")):
            checks.positive(name, getattr(self, name), unit)

    def solve(self, voltage: Floats, cells: Cells, where: Where = None) -> tuple[Floats, Floats, Floats]:
        """Return the voltage less that of the selector (V), the current (A) and its slope (S)."""
        voltage = np.asarray(voltage, dtype=np.float64)
        saturation, scale = self.numbers(cells, where)
        checks.shape("voltage", voltage, saturation.shape, "crossing")
        law = cells.sinh_law(where)
        if law is None:

            def element(current: Floats) -> tuple[Floats, Floats]:
                return scale * np.arcsinh(current / saturation), scale / np.hypot(current, saturation)

            return in_series(voltage, cells, where, element)
        amplitude, v0 = law
        inner, current, slope = np.empty((3, voltage.size))
        failed = sinh_series(
            voltage.ravel(), amplitude.ravel(), v0.ravel(), saturation.ravel(), scale.ravel(),
            inner, current, slope,
        )  # fmt: skip
        if failed >= 0:
            unsolved_voltages = abs(voltage.flat[failed])
            took = scale.flat[failed] * np.arcsinh(current[failed] / saturation.flat[failed])
            raise _lost(failed, where, cells, unsolved_voltages, unsolved_voltages - inner[failed] - took)
        return inner.reshape(voltage.shape), current.reshape(voltage.shape), slope.reshape(voltage.shape)

    def numbers(self, cells: Cells, where: Where = None) -> tuple[Floats, Floats]:
        """Return Is (A) and Vs (V) of the picked crossings."""
        saturation, scale = (
            pick(checks.spread(name, getattr(self, name), cells.shape), where)
            for name in ("saturation", "slope_voltage")
        )
        return saturation, scale

    @cached_property
    def leak(self) -> tuple[float, float]:
        """Largest slope of a selector at 0 V (S), and the least Vs (V)."""
        slope = np.divide(self.saturation, self.slope_voltage)
        return float(np.max(slope)), float(np.min(self.slope_voltage))

    def meet(
        self, cells: Cells, where: Where, open_voltage: float, resistance: float, start: float
    ) -> tuple[float, float, float] | None:
        """Return voltage over a crossing (V), over its cell (V), and current (A) at a load line.

        Parameters
        ----------
        open_voltage, resistance : float
            Of the load line (V), (ohm).
        start : float
            Voltage over the crossing to look from (V).
        """
        law = cells.sinh_law(where)
        if law is None:
            return None
        saturation, scale = self.numbers(cells, where)
        return meet(open_voltage, resistance, law[0][0], law[1][0], saturation[0], scale[0], start)

    def scale(self, cells: Cells) -> Floats | float:
        """Return the sum of both (V); infinite for linear cells, which limit the current themselves."""
        return np.asarray(cells.scale + np.asarray(self.slope_voltage))

    def beside(self, voltage: float, current: float, cell: tuple[int, int]) -> tuple[float, float]:
        """Return the voltage of the selector (V) and its current (A)."""
        saturation, scale = (
            float(value if np.ndim(value) == 0 else np.asarray(value)[cell])
            for value in (self.saturation, self.slope_voltage)
        )
        return scale * math.asinh(current / saturation), current


class ThresholdSelector(Crosspoint):
    """A cell in series with a selector that snaps on above a threshold and off below a hold voltage (1S1R).

    Parameters
    ----------
    threshold, hold : float or ndarray of shape (m, n)
        Voltage over the crossing above which it turns on and below which it turns off (V); hold < threshold.
    on_resistance, off_resistance : float
        Of the selector (ohm), positive.
    shape : tuple of int
        Numbers of word and bit lines.

    Attributes
    ----------
    on : ndarray of shape (m, n), bool
        Which conduct.
    turned : ndarray of shape (m, n), bool
        Which turned when they were asked last.
    """

    def __init__(
        self, *, threshold: float | Floats, hold: float | Floats, on_resistance: float, off_resistance: float,
        shape: tuple[int, int],
    ) -> None:  # fmt: skip
        self.threshold = checks.spread("threshold", threshold, shape)
        self.hold = checks.spread("hold", hold, shape)
        if not (np.all(self.hold > 0.0) and np.all(self.threshold > self.hold)):
            raise ValueError(f"hold must lie between 0 and threshold (V), got {hold} and {threshold}")
        if not 0.0 < on_resistance < off_resistance:
            raise ValueError(
                "on_resistance must lie between 0 and off_resistance (ohm), "
                f"got {on_resistance} and {off_resistance}"
            )
        self.on_resistance, self.off_resistance = on_resistance, off_resistance
        self.on, self.turned = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)

    def _element(self, where: Where) -> Element:
        resistance = np.where(pick(self.on, where), self.on_resistance, self.off_resistance)
        return lambda current: (resistance * current, resistance)

    def solve(self, voltage: Floats, cells: Cells, where: Where = None) -> tuple[Floats, Floats, Floats]:
        """Return the cell's voltage (V), current (A) and slope (S) in the present state of the selectors."""
        return in_series(voltage, cells, where, self._element(where))

    def settle(self, voltage: Floats, cells: Cells) -> int:
        """Turn selectors on above the threshold and off below the hold voltage; return how many turned."""
        size = np.abs(voltage)
        new = np.where(self.on, size >= self.hold, size > self.threshold)
        self.on, self.turned = new, new != self.on
        return int(np.count_nonzero(self.turned))

    def beside(self, voltage: float, current: float, cell: tuple[int, int]) -> tuple[float, float]:
        """Return the voltage of the selector (V) and its current (A), in its present state."""
        return current * (self.on_resistance if self.on[cell] else self.off_resistance), current


class SelfRectifying(Crosspoint):
    """A cell whose current against its forward direction is a fraction.

    Parameters
    ----------
    ratio : float
        Forward over reverse current, at least 1.
    """

    def __init__(self, ratio: float) -> None:
        checks.at_least("ratio", ratio, 1)
        self.ratio = ratio

    def solve(self, voltage: Floats, cells: Cells, where: Where = None) -> tuple[Floats, Floats, Floats]:
        """Return the voltage itself (V), the current (A) and its slope (S)."""
        current, slope = cells.current(voltage, where)
        share = np.where(np.asarray(voltage) < 0.0, 1.0 / self.ratio, 1.0)
        return voltage, current * share, slope * share

    def beside(self, voltage: float, current: float, cell: tuple[int, int]) -> tuple[float, float]:
        """Return no voltage (V), and the current as the junction lets it pass (A)."""
        return 0.0, current / self.ratio if voltage < 0.0 else current


@dataclass(frozen=True, kw_only=True)
class Transistor:
    """An access transistor, n-channel, bulk at 0 V: one smooth law from weak to strong inversion.

    Parameters
    ----------
    threshold : float
        V_T0 (V).
    gain : float
        mu C_ox W/L (A/V^2), positive.
    slope_factor : float
        n of the body effect, at least 1: 1 is an ideal body.
    temperature : float
        (K), 1 to 3000.

    Notes
    -----
    I = 2 n gain U^2 [F((V_P - V_S)/U) - F((V_P - V_D)/U)], F(x) = ln^2(1 + exp(x/2)), V_P = (V_G - V_T0)/n,
    U = kT/q [1]_. Saturated, strong inversion: gain n/2 (V_P - V_S)^2. There is no channel-length modulation.

    References
    ----------
    .. [1] C. C. Enz, F. Krummenacher, E. A. Vittoz, Analog Integr. Circuits Signal Process. 8, 83 (1995),
       10.1007/BF01239381.
    """

    threshold: float
    gain: float
    slope_factor: float = 1.3
    temperature: float = 300.0

    def __post_init__(self) -> None:
        checks.positive("gain", self.gain, "A/V^2")
        checks.at_least("slope_factor", self.slope_factor, 1)
        checks.temperature(self.temperature)

    def current(self, drain: Floats, source: Floats, gate: Floats) -> tuple[Floats, Floats, Floats]:
        """Return current from drain to source (A) and its slopes with drain and source voltage (S)."""
        unit = BOLTZMANN_EV * self.temperature
        pinch = (np.asarray(gate) - self.threshold) / self.slope_factor
        factor = 2.0 * self.slope_factor * self.gain * unit
        at_source, at_drain = (pinch - source) / (2.0 * unit), (pinch - drain) / (2.0 * unit)
        forward, reverse = np.logaddexp(0.0, at_source), np.logaddexp(0.0, at_drain)
        # Both are alike at a small drain voltage: their difference from that voltage, not from them.
        apart = (np.asarray(drain) - source) / (2.0 * unit)
        share = -np.expm1(-reverse)  # exp(x)/(1 + exp(x))
        close = np.log1p(np.expm1(np.clip(apart, -1.0, 1.0)) * share)
        difference = np.where(np.abs(apart) < 1.0, close, forward - reverse)
        current = factor * unit * difference * (forward + reverse)
        return current, factor * reverse * share, factor * forward * np.expm1(-forward)

    def through(self, drain: float, source: float, gate: float) -> float:
        """Return the current from drain to source (A) of one transistor; the law of `current` in scalars."""
        unit = 2.0 * BOLTZMANN_EV * self.temperature
        pinch = (gate - self.threshold) / self.slope_factor
        forward, reverse = _softplus((pinch - source) / unit), _softplus((pinch - drain) / unit)
        apart = (drain - source) / unit
        difference = forward - reverse
        if abs(apart) < 1.0:
            difference = math.log1p(math.expm1(apart) * -math.expm1(-reverse))
        return 0.5 * self.slope_factor * self.gain * unit**2 * difference * (forward + reverse)

    def saturation(self, gate: float) -> float:
        """Return the compliance that a gate voltage (V) sets with the source at 0 V (A)."""
        unit = BOLTZMANN_EV * self.temperature
        pinch = np.asarray((gate - self.threshold) / self.slope_factor / unit)
        return float(2.0 * self.slope_factor * self.gain * unit**2 * np.logaddexp(0.0, pinch / 2.0) ** 2)

    def gate_for(self, compliance: float) -> float:
        """Return the gate voltage (V) whose saturation current is a compliance (A)."""
        checks.positive("compliance", compliance, "A")
        unit = BOLTZMANN_EV * self.temperature
        root = np.sqrt(compliance / (2.0 * self.slope_factor * self.gain * unit**2))
        return float(self.threshold + self.slope_factor * unit * 2.0 * np.log(np.expm1(root)))


def _softplus(x: float) -> float:
    """Return ln(1 + exp(x))."""
    return x + math.log1p(math.exp(-x)) if x > 0.0 else math.log1p(math.exp(x))


@dataclass(frozen=True, kw_only=True)
class OneTransistorOneResistor:
    """A cell between the bit line and the drain of a transistor whose source is the source line (1T1R).

    Parameters
    ----------
    transistor : Transistor
        The same at all crossings.
    """

    transistor: Transistor

    def current(
        self, bit: Floats, source: Floats, gate: Floats, cells: Cells
    ) -> tuple[Floats, Floats, Floats]:
        """Return current from bit to source line (A) and its slopes with both voltages (S)."""
        return self.branch(bit, source, gate, cells)[1:]

    def branch(
        self, bit: Floats, source: Floats, gate: Floats, cells: Cells, where: Where = None
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the voltage over the cell (V) and what `current` returns."""
        inner, current, slope, d_drain, d_source = self._inner(bit, source, gate, cells, where)
        total = slope + d_drain
        # Both slopes vanish only where cell and transistor are off to the last digit; then so does the
        # current's.
        share = slope / np.where(total > 0.0, total, 1.0)
        return inner, current, share * d_drain, share * d_source

    def _inner(
        self, bit: Floats, source: Floats, gate: Floats, cells: Cells, where: Where
    ) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Return the cell's voltage where cell and transistor carry one current, that current, the slopes."""
        law = cells.sinh_law(where)
        if law is None:
            return self._search(bit, source, gate, cells, where)
        shape = law[0].shape
        checks.shape("bit", bit, shape, "crossing")
        with_one, other, gates = (
            np.ascontiguousarray(np.broadcast_to(x, shape), dtype=np.float64).ravel()
            for x in (bit, source, gate)
        )
        buffers = np.empty((5, with_one.size))
        t = self.transistor
        failed = transistor_series(
            with_one, other, gates, law[0].ravel(), law[1].ravel(), t.threshold, t.gain, t.slope_factor,
            BOLTZMANN_EV * t.temperature, *buffers,
        )  # fmt: skip
        if failed >= 0:
            raise _lost(
                failed, where, cells, float(with_one[failed] - other[failed]), float(buffers[0, failed])
            )
        inner, current, slope, d_drain, d_source = (x.reshape(shape) for x in buffers)
        return inner, current, slope, d_drain, d_source

    def _search(
        self, bit: Floats, source: Floats, gate: Floats, cells: Cells, where: Where
    ) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """As `_inner`, for cells of no known law."""
        bit, source = np.asarray(bit, dtype=np.float64), np.asarray(source, dtype=np.float64)
        difference, reach = bit - source, np.maximum(np.abs(bit), np.abs(source))
        low, high, inner = np.minimum(difference, 0.0), np.maximum(difference, 0.0), 0.5 * difference
        for _ in range(MOST_STEPS):
            through, d_drain, d_source = self.transistor.current(bit - inner, source, gate)
            current, slope = cells.current(inner, where)
            # The transistor lets less through and the cell takes more as the cell's voltage grows: one zero.
            miss, total = through - current, d_drain + slope
            low, high = np.where(miss > 0.0, inner, low), np.where(miss < 0.0, inner, high)
            new = inner + miss / np.where(total > 0.0, total, 1.0)
            in_bracket = (new >= low) & (new <= high) & (total > 0.0)
            new = np.where(miss == 0.0, inner, np.where(in_bracket, new, 0.5 * (low + high)))
            # No closer than rounding of the drain voltage moves the transistor's current.
            least = ROUNDING * (d_drain * reach + np.abs(current))
            if np.all((np.abs(miss) <= least) | (np.abs(new - inner) <= ROUNDING * np.abs(inner))):
                return inner, current, slope, d_drain, d_source
            inner = new
        worst = int(np.argmax(np.abs(miss)))
        raise _lost(
            worst, where, cells, float(difference.flat[worst]), float(miss.flat[worst] / total.flat[worst])
        )
