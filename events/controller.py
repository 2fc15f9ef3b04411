"""What carries pulses and reads to an array: drivers, converters, one bus, time and energy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .. import checks
from ..array.lines.bias import check_cell
from ..array.periphery import Periphery
from ..typing import Floats, Index
from .clock import PICOSECONDS, Clock, EnergyMeter, Log, Operation, Process, Station, picoseconds


class Array(Protocol):
    """What a controller drives."""

    @property
    def shape(self) -> tuple[int, int]: ...

    def pulse(self, cell: tuple[int, int], amplitude: float, width: float) -> float:
        """Apply a pulse (V, s) to a cell; return the energy (J)."""

    def read(self, cell: tuple[int, int], voltage: float, duration: float) -> tuple[float, float]:
        """Return current (A) and energy (J) of a read (V, s)."""

    def rest(self, duration: float) -> None:
        """Let time pass (s)."""


@runtime_checkable
class Cooling(Protocol):
    """An array whose cells cool between pulses, before they live that time."""

    def cool(self, duration: float) -> None:
        """Let warm cells cool for a while (s)."""


@runtime_checkable
class GatedArray(Array, Protocol):
    """An array with transistors: a pulse may name the gate voltage, and a word line goes at once."""

    @property
    def gate_on(self) -> float:
        """Gate voltage of a read and of a pulse that names no other (V)."""

    def pulse(
        self, cell: tuple[int, int], amplitude: float, width: float, gate: float | None = None
    ) -> float:
        """Apply a pulse (V, s) to a cell with a gate voltage (V); return the energy (J)."""

    def pulse_word_line(
        self, word_line: int, bit_lines: Index, amplitude: Floats, width: float, gate: float | None = None
    ) -> float:
        """Apply a pulse (V, s) to some cells of a word line; return the energy (J)."""

    def read_word_line(
        self, word_line: int, bit_lines: Index, voltage: float, duration: float
    ) -> tuple[Floats, float]:
        """Return the currents (A) of some cells of a word line and the energy (J) of a read (V, s)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """What the circuits around an array take. All modelled, none measured: state yours.

    Parameters
    ----------
    driver_latency : float
        To select a cell and set up its pulse (s).
    driver_energy : float
        Of one line (J).
    gate_energy : float
        Of the gates of one word line (J).
    read_voltage : float
        (V), not 0.
    read_width : float
        For which the array is held for a read (s).
    converter_latency : float
        Of one conversion (s).
    converter_energy : float
        Of one conversion (J).
    converters : int
        How many there are.
    resolution : float
        Step of the converter (A); 0 for an ideal one.
    settling : float
        Time without voltage between a pulse and the next read (s): a state that relaxes within it is not
        taken for one that a pulse has left.
    lazy_ageing : float
        Time without voltage (s) that may add up before the cells live it. Above 0 it spares solving the array
        again after each gap of nanoseconds between pulses.
    """

    driver_latency: float = 1e-9
    driver_energy: float = 0.0
    gate_energy: float = 0.0
    read_voltage: float = 0.2
    read_width: float = 10e-9
    converter_latency: float = 9e-9
    converter_energy: float = 1.67e-12
    converters: int = 1
    resolution: float = 0.0
    settling: float = 0.0
    lazy_ageing: float = 1e-6

    def __post_init__(self) -> None:
        if self.read_voltage == 0.0 or not math.isfinite(self.read_voltage):
            raise ValueError(f"read_voltage must be finite and not 0 V, got {self.read_voltage}")
        checks.at_least("resolution", self.resolution, 0, "A")
        for name in ("driver_latency", "read_width", "converter_latency", "settling", "lazy_ageing"):
            picoseconds(getattr(self, name))

    @classmethod
    def of(
        cls,
        periphery: Periphery,
        columns: int,
        *,
        full_scale: float | None = None,
        settling: float = 0.0,
        lazy_ageing: float = 1e-6,
    ) -> Timing:
        """Return the timing of a modelled periphery around an array of some columns.

        Parameters
        ----------
        full_scale : float, optional
            Largest current of its converters (A), positive: gives them a resolution. Ideal by default.
        settling, lazy_ageing : float
            See :class:`Timing`.
        """
        if full_scale is not None:
            checks.positive("full_scale", full_scale, "A")
        converter = periphery.converter
        return cls(
            driver_latency=periphery.driver_latency,
            driver_energy=periphery.driver_energy + periphery.input_energy,
            gate_energy=periphery.gate_energy,
            read_voltage=periphery.read_voltage,
            read_width=periphery.read_width,
            converter_latency=converter.latency,
            converter_energy=converter.energy,
            converters=periphery.converters(columns),
            resolution=0.0 if full_scale is None else full_scale / 2.0**converter.bits,
            settling=settling,
            lazy_ageing=lazy_ageing,
        )


class Controller:
    """Brings pulses and reads to one array in simulated time.

    The array is a resource: one pulse or read holds it at a time, while conversions overlap with the next
    use. Between uses the cells age.

    Parameters
    ----------
    clock : Clock
        What everything runs on.
    array : Array
        What is driven.
    timing : Timing
        Latencies and energies.
    log : Log, optional
        Where every operation is entered.

    Attributes
    ----------
    meter : EnergyMeter
        Energy of "array", "driver" and "converter" (J).
    pulses, reads : int
        So far; a word line at once counts once.
    """

    def __init__(
        self, clock: Clock, array: Array, timing: Timing | None = None, log: Log | None = None
    ) -> None:
        self.clock, self.array, self.log = clock, array, log
        self.timing = Timing() if timing is None else timing
        t, self.meter = self.timing, EnergyMeter()
        self.bus = Station(clock, "bus", meter=EnergyMeter())
        self.driver = Station(
            clock, "driver", latency=t.driver_latency, energy=t.driver_energy, meter=self.meter, log=log
        )
        self.converter = Station(
            clock, "converter", capacity=t.converters, latency=t.converter_latency, energy=t.converter_energy,
            meter=self.meter, log=log,
        )  # fmt: skip
        self.pulses = self.reads = 0
        self._lazy = picoseconds(t.lazy_ageing)
        self._aged = 0  # time up to which the cells have lived (ps)
        self._idle = 0  # time without voltage that they have not lived yet (ps)
        self._held = False  # under voltage now
        self._settling = picoseconds(t.settling)
        self._pulsed = False  # since the last read
        self._cool: Callable[[float], None] | None = array.cool if isinstance(array, Cooling) else None

    def cell(self, i: int, j: int) -> Handle:
        """Return one cell, as a programming scheme sees it."""
        check_cell(self.array.shape, (i, j))
        return Handle(self, (i, j))

    def _age(self) -> None:
        """Note the time since the cells were last under voltage, and let them live it once it is long."""
        time = int(self.clock.now)
        if self._cool is not None and time > self._aged:
            self._cool((time - self._aged) / PICOSECONDS)
        self._idle += time - self._aged
        self._aged = time
        if self._idle > self._lazy:
            self._live()

    def _live(self) -> None:
        if self._idle:
            self.array.rest(self._idle / PICOSECONDS)
            self._idle = 0

    def settle(self) -> None:
        """Let the cells live up to now, before looking at them directly.

        Within a pulse or a read they have lived up to its end already.
        """
        if not self._held:
            self._age()
            self._live()

    def select(self, lines: int = 1, gates: int = 1) -> Process:
        """Set up the drivers of some lines and gates at once."""
        yield from self.driver.use()
        t = self.timing
        if more := (lines - 1) * t.driver_energy + gates * t.gate_energy:
            self.meter.add("driver", more)

    def hold(self, lane: str, width: float, word_line: int = -1, bit_line: int = -1) -> Process:
        """Keep the array under voltage for a while (s)."""
        start, self._held = int(self.clock.now), True
        yield self.clock.timeout(picoseconds(width))
        self._aged, self._held = int(self.clock.now), False
        if self.log is not None:
            self.log.append(Operation(lane, start, self._aged, word_line, bit_line))

    def _use(
        self, lane: str, width: float, lines: int, act: Callable[[], tuple[Any, float]], *place: int
    ) -> Process:
        """Pulse or read for a while (s) once the bus is free, and count it; return what was found.

        ``act`` does it; it returns what was found and the energy (J).
        """
        with self.bus.resource.request() as turn:
            yield turn
            if lane == "read" and self._pulsed and self._settling:
                yield self.clock.timeout(self._settling)
            self._pulsed = lane == "pulse"
            yield from self.select(lines)
            self._age()
            value, energy = act()
            self.meter.add("array", energy)
            yield from self.hold(lane, width, *place)
            if lane == "pulse":
                self.pulses += 1
            else:
                self.reads += 1
        return value

    def _gated(self, what: str) -> GatedArray:
        """Return the array, if it has transistors; ``what`` needs them."""
        if not isinstance(self.array, GatedArray):
            raise ValueError(f"{what} needs an array with transistors (1T1R)")
        return self.array

    def pulse(
        self, cell: tuple[int, int], amplitude: float, width: float, gate: float | None = None
    ) -> Process:
        """Select a cell and apply a pulse (V, s), with a gate voltage (V) where there is a transistor."""
        picoseconds(width)
        apply = self.array.pulse
        if gate is not None:
            apply = partial(self._gated(f"a gate of {gate:g} V").pulse, gate=gate)
        yield from self._use("pulse", width, 1, lambda: (None, apply(cell, amplitude, width)), *cell)

    def read(self, cell: tuple[int, int]) -> Process:
        """Read a cell; the process returns its conductance (S), lines included."""
        t = self.timing
        read = partial(self.array.read, cell, t.read_voltage, t.read_width)
        current = yield from self._use("read", t.read_width, 1, read, *cell)
        yield from self.converter.use()
        return float(self.converted(current)) / t.read_voltage

    def converted(self, current: Any) -> Any:
        """Return a current (A) as the converter gives it."""
        step = self.timing.resolution
        return step * np.round(current / step) if step else current

    # ------------------------------------------------------------------ a word line at once

    def pulse_word_line(
        self, word_line: int, bit_lines: Index, amplitude: Floats, width: float, gate: float | None = None
    ) -> Process:
        """Apply a pulse (V, s) to some cells of a word line at once; their amplitudes may differ."""
        array = self._gated("programming a word line at once")
        apply = partial(array.pulse_word_line, word_line, bit_lines, amplitude, width, gate)
        yield from self._use("pulse", width, len(bit_lines), lambda: (None, apply()), word_line)

    def read_word_line(self, word_line: int, bit_lines: Index) -> Process:
        """Read some cells of a word line at once; the process returns their conductances (S)."""
        t, array = self.timing, self._gated("programming a word line at once")
        read = partial(array.read_word_line, word_line, bit_lines, t.read_voltage, t.read_width)
        current = yield from self._use("read", t.read_width, len(bit_lines), read, word_line)
        yield from self.converter.share(len(bit_lines))
        return self.converted(current) / t.read_voltage


@dataclass(frozen=True, slots=True)
class Handle:
    """One cell of an array behind a controller."""

    controller: Controller
    place: tuple[int, int]

    def pulse(self, amplitude: float, width: float, gate: float | None = None) -> Process:
        """Apply a pulse (V, s), with a gate voltage (V) where there is a transistor."""
        return self.controller.pulse(self.place, amplitude, width, gate)

    def read(self) -> Process:
        """Read; the process returns the conductance (S)."""
        return self.controller.read(self.place)
