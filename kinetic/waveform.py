"""Source voltage as a function of time: piecewise linear, so that its breakpoints are exact."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .. import notebook
from ..checks import number, positive, whole
from ..quantity import all_si, si
from ..typing import Quantity

LARGEST_VOLTAGE = 1000.0
LARGEST_DURATION = 1e12
STEEPEST_RATE = 1e18


@dataclass(frozen=True, slots=True)
class Waveform:
    """A source voltage that is linear between given points.

    What makes one takes numbers in SI, or text with a unit: ``Waveform.triangle("2 V", rate="1 MV/s")``.

    Parameters
    ----------
    times : sequence of float
        Times of the points (s): the first 0, strictly increasing, at most 1e12.
    voltages : sequence of float
        Source voltage at each (V), between -1000 and 1000.
    label : str
        What the waveform is for ("form", "reset" ...); it names the phase in results.

    Raises
    ------
    ValueError, TypeError
        Fewer than two points, unequal lengths, times that do not increase, a number that is not finite or out
        of range. The message names the point.

    Examples
    --------
    >>> wave = Waveform.triangle(amplitude=2.0, rate=1e6)
    >>> wave.duration, wave.voltage(1e-6)
    (4e-06, 1.0)
    """

    times: tuple[float, ...]
    voltages: tuple[float, ...]
    label: str = ""

    def __post_init__(self) -> None:
        times, voltages = _floats("times", self.times), _floats("voltages", self.voltages)
        if len(times) != len(voltages):
            raise ValueError(f"times and voltages must be equally many, got {len(times)} and {len(voltages)}")
        if len(times) < 2:
            raise ValueError(f"a waveform needs at least 2 points, got {len(times)}")
        if times[0] != 0.0:
            raise ValueError(f"times[0] must be 0 s, got {times[0]:g} s")
        for i in range(1, len(times)):
            if not times[i] > times[i - 1]:
                raise ValueError(
                    f"times must increase strictly, in s, got times[{i - 1}] = {times[i - 1]:.17g} "
                    f"and times[{i}] = {times[i]:.17g}"
                )
        number("the duration", times[-1], 0.0, LARGEST_DURATION, "s")
        farthest = max(range(len(voltages)), key=lambda i: abs(voltages[i]))
        number(f"voltages[{farthest}]", voltages[farthest], -LARGEST_VOLTAGE, LARGEST_VOLTAGE, "V")
        if not isinstance(self.label, str):
            raise TypeError(f"label must be text, got {self.label!r}")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "voltages", voltages)

    def __repr__(self) -> str:
        voltages = [f"{voltage:g}" for voltage in self.voltages]
        path = " ".join(voltages if len(voltages) <= 8 else [*voltages[:4], "...", *voltages[-3:]])
        label = f" {self.label}" if self.label else ""
        return f"<Waveform{label}: {path} V in {self.duration:g} s, {len(voltages)} points>"

    def _repr_html_(self) -> str:
        """Return its words and its curve, for notebooks."""
        return notebook.page(
            "Waveform", repr(self)[len("<Waveform") : -1], notebook.sparkline(self.times, self.voltages)
        )

    @classmethod
    def points(
        cls, times: Sequence[Quantity] | str, voltages: Sequence[Quantity] | str, *, label: str = ""
    ) -> Waveform:
        """Return the waveform through the given points (s), (V); text may be "0, 1, 2 us" too."""
        return cls(tuple(all_si("times", times, "s")), tuple(all_si("voltages", voltages, "V")), label)

    @classmethod
    def ramp(cls, stop: Quantity, rate: Quantity, *, start: Quantity = 0.0, label: str = "") -> Waveform:
        """Return a ramp from ``start`` to ``stop`` (V) at ``rate`` (V/s), which is positive either way."""
        stop, start, rate = si("stop", stop, "V"), si("start", start, "V"), si("rate", rate, "V/s")
        _check_rate("rate", rate)
        number("start", start, -LARGEST_VOLTAGE, LARGEST_VOLTAGE, "V")
        number("stop", stop, -LARGEST_VOLTAGE, LARGEST_VOLTAGE, "V")
        if stop == start:
            raise ValueError(f"stop must differ from start, both are {stop:g} V; constant() holds a voltage")
        return cls((0.0, abs(stop - start) / rate), (start, stop), label)

    @classmethod
    def triangle(
        cls,
        amplitude: Quantity,
        rate: Quantity,
        *,
        hold: Quantity | None = None,
        fall_rate: Quantity | None = None,
        label: str = "",
    ) -> Waveform:
        """Return a sweep from 0 to ``amplitude`` and back.

        Parameters
        ----------
        amplitude : float or str
            Voltage of the tip (V), either sign, not 0.
        rate : float or str
            Slope of the way up (V/s), positive.
        hold : float or str, optional
            Time at the tip (s), positive; none by default.
        fall_rate : float or str, optional
            Slope of the way back (V/s), positive; ``rate`` by default.
        label : str
            Name of the phase.
        """
        amplitude, rate = si("amplitude", amplitude, "V"), si("rate", rate, "V/s")
        _check_rate("rate", rate)
        fall_rate = rate if fall_rate is None else si("fall_rate", fall_rate, "V/s")
        _check_rate("fall_rate", fall_rate)
        _check_amplitude(amplitude)
        tip, fall = abs(amplitude) / rate, abs(amplitude) / fall_rate
        if hold is None:
            return cls((0.0, tip, tip + fall), (0.0, amplitude, 0.0), label)
        hold = si("hold", hold, "s")
        number("hold", hold, 0.0, LARGEST_DURATION, "s")
        positive("hold", hold, "s")
        return cls((0.0, tip, tip + hold, tip + hold + fall), (0.0, amplitude, amplitude, 0.0), label)

    @classmethod
    def pulse(
        cls,
        amplitude: Quantity,
        width: Quantity,
        rise: Quantity,
        *,
        fall: Quantity | None = None,
        delay: Quantity = 0.0,
        base: Quantity = 0.0,
        label: str = "",
    ) -> Waveform:
        """Return one pulse with straight edges.

        Parameters
        ----------
        amplitude : float or str
            Voltage of the plateau (V), different from ``base``.
        width : float or str
            Duration of the plateau (s), positive.
        rise, fall : float or str
            Durations of the edges (s), positive; ``fall`` is ``rise`` by default.
        delay : float or str
            Time at ``base`` before the pulse (s), not negative.
        base : float or str
            Voltage before and after (V).
        label : str
            Name of the phase.
        """
        amplitude, base = si("amplitude", amplitude, "V"), si("base", base, "V")
        width, rise, delay = si("width", width, "s"), si("rise", rise, "s"), si("delay", delay, "s")
        fall = rise if fall is None else si("fall", fall, "s")
        for name, value in (("width", width), ("rise", rise), ("fall", fall)):
            _check_positive(name, value)
        number("delay", delay, 0.0, LARGEST_DURATION, "s")
        times, voltages = [0.0], [base]
        if delay > 0.0:
            times.append(delay)
            voltages.append(base)
        for step, voltage in ((rise, amplitude), (width, amplitude), (fall, base)):
            times.append(times[-1] + step)
            voltages.append(voltage)
        return cls(tuple(times), tuple(voltages), label)

    @classmethod
    def train(
        cls,
        amplitude: Quantity,
        width: Quantity,
        period: Quantity,
        count: int,
        rise: Quantity,
        *,
        fall: Quantity | None = None,
        base: Quantity = 0.0,
        label: str = "",
    ) -> Waveform:
        """Return ``count`` equal pulses, one per ``period`` (s); the other parameters are those of `pulse`.

        Each period starts with the rising edge; the rest of it, after the falling edge, is at ``base``.
        """
        pulse = cls.pulse(amplitude, width, rise, fall=fall, base=base, label=label)
        period, base = si("period", period, "s"), si("base", base, "V")
        _check_positive("period", period)
        if not isinstance(count, int):
            raise TypeError(f"count must be a whole number, got {count!r}")
        whole("count", count, 1, 10_000_000)
        # One part in 1e12 is rounding of rise + width + fall, not a pulse that does not fit.
        if period < pulse.duration * (1 - 1e-12):
            least = f"rise + width + fall = {pulse.duration:g} s"
            raise ValueError(f"period must be at least {least}, got {period:g} s")
        rest = period > pulse.duration * (1 + 1e-12)
        times, voltages = [0.0], [base]
        for k in range(count):
            times += [k * period + time for time in pulse.times[1:]]
            voltages += pulse.voltages[1:]
            if rest:
                times.append((k + 1) * period)
                voltages.append(base)
        return cls(tuple(times), tuple(voltages), label)

    @classmethod
    def constant(cls, voltage: Quantity, duration: Quantity, *, label: str = "") -> Waveform:
        """Return a constant ``voltage`` (V) for ``duration`` (s), positive; it is there from the start."""
        voltage, duration = si("voltage", voltage, "V"), si("duration", duration, "s")
        _check_positive("duration", duration)
        return cls((0.0, duration), (voltage, voltage), label)

    @property
    def duration(self) -> float:
        """Time of the last point (s)."""
        return self.times[-1]

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Times at which the slope may change (s), first and last included."""
        return self.times

    @property
    def amplitude(self) -> float:
        """Voltage farthest from 0, with its sign (V)."""
        return max(self.voltages, key=abs)

    def voltage(self, time: float) -> float:
        """Return the source voltage (V) at ``time`` (s), from 0 to `duration`, ends included.

        Raises
        ------
        ValueError
            The time is outside the waveform.
        """
        times, voltages = self.times, self.voltages
        if not 0.0 <= time <= times[-1]:
            raise ValueError(f"time must be between 0 and {times[-1]:g} s, got {time:g} s")
        i = min(bisect_right(times, time), len(times) - 1)
        share = (time - times[i - 1]) / (times[i] - times[i - 1])
        # This form returns both ends of a segment exactly.
        return voltages[i - 1] * (1.0 - share) + voltages[i] * share

    def segments(self) -> Iterator[tuple[float, float, float, float]]:
        """Yield start (s), end (s), voltage at the start and at the end (V) of each straight part."""
        for i in range(len(self.times) - 1):
            yield self.times[i], self.times[i + 1], self.voltages[i], self.voltages[i + 1]

    def then(self, other: Waveform, *, rise: Quantity | None = None) -> Waveform:
        """Return this waveform followed by ``other``.

        Parameters
        ----------
        other : Waveform
            What follows.
        rise : float, optional
            Duration of a straight edge between the two (s), positive. Needed when ``other`` starts at another
            voltage than this one ends with: a source cannot jump.

        Returns
        -------
        Waveform
            With the first label that is not empty.

        Raises
        ------
        ValueError
            The voltages differ and there is no ``rise``.
        """
        start = self.duration
        first, last = other.voltages[0], self.voltages[-1]
        if rise is not None:
            rise = si("rise", rise, "s")
            _check_positive("rise", rise)
            start += rise
        elif first != last:
            raise ValueError(f"a waveform that ends at {last:g} V cannot go on at {first:g} V without a rise")
        skip = 1 if rise is None else 0
        times = self.times + tuple(start + time for time in other.times[skip:])
        return Waveform(times, self.voltages + other.voltages[skip:], self.label or other.label)

    def __add__(self, other: Waveform) -> Waveform:
        if not isinstance(other, Waveform):
            return NotImplemented
        return self.then(other)

    def rest(self, time: float) -> Waveform:
        """Return what is left of it from a time (s) on, at least 0 and before its end."""
        voltage = self.voltage(time)
        i = bisect_right(self.times, time)
        later = tuple(t - time for t in self.times[i:])
        return Waveform((0.0, *later), (voltage, *self.voltages[i:]), self.label)

    def scaled(self, factor: float) -> Waveform:
        """Return the same waveform with every voltage multiplied by a factor."""
        return replace(self, voltages=tuple(factor * volts for volts in self.voltages))

    def named(self, label: str) -> Waveform:
        """Return the same waveform with another label."""
        return replace(self, label=label)


def _floats(name: str, values: Sequence[float]) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a sequence of numbers, got {values!r}") from error
    for i, volts in enumerate(numbers):
        if not math.isfinite(volts):
            raise ValueError(f"{name}[{i}] must be finite, got {volts}")
    return numbers


def _positive(name: str, value: float, most: float, unit: str) -> None:
    number(name, value, 0.0, most, unit)
    if value == 0.0:
        raise ValueError(f"{name} must be more than 0 {unit}, got 0")


def _check_positive(name: str, value: float) -> None:
    _positive(name, value, LARGEST_DURATION, "s")


def _check_rate(name: str, rate: float) -> None:
    _positive(name, rate, STEEPEST_RATE, "V/s")


def _check_amplitude(amplitude: float) -> None:
    number("amplitude", amplitude, -LARGEST_VOLTAGE, LARGEST_VOLTAGE, "V")
    if amplitude == 0.0:
        raise ValueError("amplitude must not be 0 V")
