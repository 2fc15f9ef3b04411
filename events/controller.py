"""What carries pulses and reads to an array: drivers, converters, one bus, books of time and energy."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import simpy

from .clock import PICOSECONDS, Clock, Ledger, Station, picoseconds

Process = Generator[simpy.Event, Any, Any]


class Array(Protocol):
    """What a controller drives: a crossbar or an array with transistors."""

    @property
    def shape(self) -> tuple[int, int]: ...

    def pulse(self, cell: tuple[int, int], amplitude: float, width: float) -> float:
        """Apply a pulse (V, s) to a cell; return the energy (J)."""

    def read(self, cell: tuple[int, int], voltage: float, duration: float) -> tuple[float, float]:
        """Return current (A) and energy (J) of a read (V, s)."""

    def rest(self, duration: float) -> None:
        """Let time pass (s)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """What the circuits around an array take. All modelled, none measured: state yours.

    Parameters
    ----------
    driver_latency : float
        To select a cell and set up its pulse (s).
    driver_energy : float
        Of that (J).
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
    lazy_ageing : float
        Time without voltage (s) that may add up before the cells live it. Above 0 it spares solving the array
        again after each gap of nanoseconds between pulses.
    """

    driver_latency: float = 1e-9
    driver_energy: float = 0.0
    read_voltage: float = 0.2
    read_width: float = 10e-9
    converter_latency: float = 9e-9
    converter_energy: float = 1.67e-12
    converters: int = 1
    resolution: float = 0.0
    lazy_ageing: float = 1e-6

    def __post_init__(self) -> None:
        if self.read_voltage == 0.0 or not math.isfinite(self.read_voltage):
            raise ValueError(f"read_voltage must be finite and not 0 V, got {self.read_voltage}")
        if not 0.0 <= self.resolution < math.inf:
            raise ValueError(f"resolution must be at least 0 A and finite, got {self.resolution}")
        for name in ("driver_latency", "read_width", "converter_latency", "lazy_ageing"):
            picoseconds(getattr(self, name))


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

    Attributes
    ----------
    ledger : Ledger
        Energy of "array", "driver" and "converter" (J).
    pulses, reads : int
        So far.
    """

    def __init__(self, clock: Clock, array: Array, timing: Timing | None = None) -> None:
        self.clock, self.array = clock, array
        self.timing = Timing() if timing is None else timing
        t, self.ledger = self.timing, Ledger()
        self.bus = Station(clock, "bus", ledger=Ledger())
        self.driver = Station(
            clock, "driver", latency=t.driver_latency, energy=t.driver_energy, ledger=self.ledger
        )
        self.converter = Station(
            clock, "converter", capacity=t.converters, latency=t.converter_latency, energy=t.converter_energy,
            ledger=self.ledger,
        )  # fmt: skip
        self.pulses = self.reads = 0
        self._lazy = picoseconds(t.lazy_ageing)
        self._aged = 0  # time up to which the cells have lived (ps)
        self._idle = 0  # time without voltage that they have not lived yet (ps)

    def cell(self, i: int, j: int) -> Handle:
        """Return one cell, as a programming scheme sees it."""
        m, n = self.array.shape
        if not (0 <= i < m and 0 <= j < n):
            raise ValueError(f"cell must lie in an array of {m} x {n} lines, got ({i}, {j})")
        return Handle(self, (i, j))

    def _age(self) -> None:
        """Note the time since the cells were last under voltage, and let them live it once it is long."""
        now = int(self.clock.now)
        self._idle += now - self._aged
        self._aged = now
        if self._idle > self._lazy:
            self._live()

    def _live(self) -> None:
        if self._idle:
            self.array.rest(self._idle / PICOSECONDS)
            self._idle = 0

    def settle(self) -> None:
        """Let the cells live up to now, before looking at them directly."""
        self._age()
        self._live()

    def pulse(self, cell: tuple[int, int], amplitude: float, width: float) -> Process:
        """Select a cell and apply a pulse (V, s)."""
        ticks = picoseconds(width)
        with self.bus.resource.request() as turn:
            yield turn
            yield from self.driver.use()
            self._age()
            self.ledger.add("array", self.array.pulse(cell, amplitude, width))
            yield self.clock.timeout(ticks)
            self._aged = int(self.clock.now)
            self.pulses += 1

    def read(self, cell: tuple[int, int]) -> Process:
        """Read a cell; the process returns its conductance (S), lines included."""
        t = self.timing
        with self.bus.resource.request() as turn:
            yield turn
            yield from self.driver.use()
            self._age()
            current, energy = self.array.read(cell, t.read_voltage, t.read_width)
            self.ledger.add("array", energy)
            yield self.clock.timeout(picoseconds(t.read_width))
            self._aged = int(self.clock.now)
            self.reads += 1
        yield from self.converter.use()
        if t.resolution:
            current = t.resolution * round(current / t.resolution)
        return current / t.read_voltage


@dataclass(frozen=True, slots=True)
class Handle:
    """One cell of an array behind a controller."""

    controller: Controller
    place: tuple[int, int]

    def pulse(self, amplitude: float, width: float) -> Process:
        """Apply a pulse (V, s)."""
        return self.controller.pulse(self.place, amplitude, width)

    def read(self) -> Process:
        """Read; the process returns the conductance (S)."""
        return self.controller.read(self.place)
