"""The circuit around a device: source, series resistance, compliance clamp, transistor as a current limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Protocol, get_args

from ..checks import at_least, finite, number, one_of
from ..quantity import si
from ..typing import Quantity
from . import _circuit

Polarity = Literal["positive", "negative", "both"]


class OperatingPoint(NamedTuple):
    """Voltages and current of a device in its circuit.

    Attributes
    ----------
    device_voltage : float
        Voltage across the device (V).
    source_voltage : float
        Voltage across device and series resistance together (V): what is applied, or less where a limit acts.
    current : float
        Current through the device (A).
    limited : bool
        Whether the compliance or the transistor limits the current.
    """

    device_voltage: float
    source_voltage: float
    current: float
    limited: bool


class VoltageRamp(NamedTuple):
    """Voltage across a device that changes in a straight line.

    Attributes
    ----------
    device_voltage : float
        At the start (V).
    slope : float
        Change of it (V/s).
    duration : float
        Time for which the line holds (s).
    """

    device_voltage: float
    slope: float
    duration: float


class NonlinearDevice(Protocol):
    """A device whose current rises with the voltage, by a law of its own."""

    def __call__(self, voltage: float) -> float:
        """Return the current (A) at a voltage (V)."""

    def point(self, source: float, resistance: float) -> tuple[float, float]:
        """Return the voltage (V) behind a resistance in series (ohm), and the current (A) there."""

    def at(self, current: float) -> float:
        """Return the voltage (V) at a current (A)."""


@dataclass(slots=True)
class Straight:
    """The law of a resistor, a `NonlinearDevice` too."""

    conductance: float

    def __call__(self, voltage: float) -> float:
        """Return the current (A) at a voltage (V)."""
        return voltage * self.conductance

    def point(self, source: float, resistance: float) -> tuple[float, float]:
        """Return the voltage (V) behind a resistance in series (ohm), and the current (A) there."""
        voltage = source / (1.0 + resistance * self.conductance)
        return voltage, voltage * self.conductance

    def at(self, current: float) -> float:
        """Return the voltage (V) at a current (A)."""
        return current / self.conductance


@dataclass(frozen=True, kw_only=True, init=False)
class Circuit:
    """A voltage source, a series resistance and a limit of the current.

    Parameters
    ----------
    series_resistance : float or str
        Resistance in series with the device (ohm), 0 to 1e12; as text "2 kohm".
    compliance : float or str, optional
        Largest current the source delivers (A), 1e-15 to 1. Where the device would draw more, the source
        lowers its voltage until the current is exactly this. None: no limit.
    polarity : {"positive", "negative", "both"}
        Signs of the current that the compliance applies to.
    transistor : float or str, optional
        Saturation current of an ideal transistor in series (A), 1e-15 to 1: it limits the current in both
        directions and takes the rest of the applied voltage. None: no transistor.

    Raises
    ------
    ValueError, TypeError
        A number outside its range; the message names it.

    Examples
    --------
    >>> circuit = Circuit(series_resistance=2e3, compliance=50e-6)
    >>> circuit.device_voltage(1.0, 1e-3)  # 50 uA through 1 kohm
    0.05
    """

    series_resistance: float = 0.0
    compliance: float | None = None
    transistor: float | None = None
    polarity: Polarity = "positive"

    def __init__(
        self,
        *,
        series_resistance: Quantity = 0.0,
        compliance: Quantity | None = None,
        transistor: Quantity | None = None,
        polarity: Polarity = "positive",
    ) -> None:
        quantities = {
            "series_resistance": si("series_resistance", series_resistance, "ohm"),
            "compliance": None if compliance is None else si("compliance", compliance, "A"),
            "transistor": None if transistor is None else si("transistor", transistor, "A"),
            "polarity": polarity,
        }
        for name, value in quantities.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        number("series_resistance", self.series_resistance, 0.0, 1e12, "ohm")
        one_of("polarity", self.polarity, get_args(Polarity))
        for name, value in (("compliance", self.compliance), ("transistor", self.transistor)):
            if value is not None:
                number(name, value, 1e-15, 1.0, "A")

    @cached_property
    def limits(self) -> tuple[float, float]:
        """Least and largest current (A) that source and transistor let pass."""
        upper = lower = math.inf if self.compliance is None else self.compliance
        upper = math.inf if self.polarity == "negative" else upper
        lower = math.inf if self.polarity == "positive" else lower
        transistor = math.inf if self.transistor is None else self.transistor
        return -min(lower, transistor), min(upper, transistor)

    def device_voltage(self, source_voltage: float, conductance: float) -> float:
        """Return the voltage across a linear device (V).

        Parameters
        ----------
        source_voltage : float
            Applied voltage (V), finite.
        conductance : float
            Conductance of the device (S), finite, not negative.

        Raises
        ------
        ValueError
            A number is out of range.
        """
        self._check_point(source_voltage, conductance)
        return _circuit.voltage(source_voltage, conductance, self.series_resistance, *self.limits)

    def _check_point(self, source_voltage: float, conductance: float) -> None:
        if not (0.0 <= conductance < math.inf and -math.inf < source_voltage < math.inf):
            finite("source_voltage", source_voltage, "V")
            at_least("conductance", conductance, 0.0, "S")

    def ramp(
        self,
        source_voltage: float,
        slope: float,
        duration: float,
        conductance: float,
        resolution: float = 0.0,
    ) -> VoltageRamp:
        """Return the voltage across a linear device while the source moves in a straight line.

        Parameters
        ----------
        source_voltage, slope : float
            Applied voltage at the start (V) and its slope (V/s).
        duration : float
            Time for which the slope holds (s), positive.
        conductance : float
            Conductance of the device (S).
        resolution : float
            Shortest time that the caller's clock can add (s), ``math.ulp`` of it. A limit nearer than this,
            or than 1e-9 of ``duration``, counts as passed: else rounding could hold the caller there.

        Returns
        -------
        Ramp
            Until a limit begins or ends to act, at most for ``duration``.
        """
        self._check_point(source_voltage, conductance)
        course = source_voltage, slope, duration, conductance, resolution
        return VoltageRamp(*_circuit.line(*course, self.series_resistance, *self.limits))

    def settle(self, source_voltage: float, device: NonlinearDevice) -> OperatingPoint:
        """Return voltages and current of a device that knows its voltage behind a resistance."""
        voltage, current = device.point(source_voltage, self.series_resistance)
        return self._limited(voltage, source_voltage, current, device.at)

    def _clamped(self, current: float) -> float:
        """Return a current (A) within the limits."""
        lower, upper = self.limits
        return min(max(current, lower), upper)

    def _limited(
        self, voltage: float, source_voltage: float, current: float, at: Callable[[float], float]
    ) -> OperatingPoint:
        """Return the point of a device without limits, or that of a limit, at the voltage of a current."""
        limit = self._clamped(current)
        if limit == current:
            return OperatingPoint(voltage, source_voltage, current, False)
        # The limit fixes the current; the source gives way.
        voltage = at(limit)
        return OperatingPoint(voltage, voltage + self.series_resistance * limit, limit, True)

    def nonlinear_ramp(
        self,
        point: OperatingPoint,
        source_voltage: float,
        slope: float,
        duration: float,
        device: NonlinearDevice,
        far: float,
        resolution: float = 0.0,
    ) -> VoltageRamp:
        """Return the voltage across a nonlinear device while the source moves in a straight line.

        Parameters
        ----------
        point : OperatingPoint
            Of the device at the start, as `settle` returns it.
        source_voltage, slope, duration, resolution : float
            As of `ramp`; a slope of 0 has no line.
        device : NonlinearDevice
        far : float
            Device voltage (V), on from the present one along the slope, that the line may not pass.

        Returns
        -------
        Ramp
            As far as ``far``, or as the resistance in series bends the line by too little to matter, or until
            a limit begins or ends to act; at most for ``duration``.
        """
        course = source_voltage, slope, duration, device, far, resolution
        return VoltageRamp(*_circuit.curve(point, *course, self.series_resistance, *self.limits))

    def solve(self, source_voltage: float, current_of_voltage: Callable[[float], float]) -> OperatingPoint:
        """Return voltages and current of a nonlinear device.

        Parameters
        ----------
        source_voltage : float
            Applied voltage (V), finite.
        current_of_voltage : callable
            Current (A) of the device at a voltage (V) across it: continuous, zero at 0 V, of the sign of the
            voltage. Where it is not monotonic there may be several solutions; one of them is returned.

        Raises
        ------
        ValueError
            The voltage is not finite, or the device is not passive at a voltage that was tried.
        """
        if not math.isfinite(source_voltage):
            finite("source_voltage", source_voltage, "V")

        def current(voltage: float) -> float:
            value = float(current_of_voltage(voltage))
            if not math.isfinite(value) or value * voltage < 0.0:
                raise ValueError(
                    f"current_of_voltage must be finite and have the sign of the voltage, "
                    f"got {value:g} A at {voltage:g} V"
                )
            return value

        resistance = self.series_resistance
        voltage = source_voltage
        if resistance > 0.0 and voltage != 0.0:
            voltage = root(lambda v: v + resistance * current(v) - source_voltage, source_voltage)
        free = voltage
        return self._limited(
            free, source_voltage, current(free), lambda limit: root(lambda v: current(v) - limit, free)
        )


def root(function: Callable[[float], float], end: float) -> float:
    """Return the zero of ``function`` between 0 and ``end``, to rounding."""
    from scipy.optimize import brentq  # 0.1 s to import, and only nonlinear devices need it

    return float(brentq(function, 0.0, end, xtol=1e-15, rtol=4 * 2.0**-52, maxiter=500))
