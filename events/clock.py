"""The clock of an array: SimPy with an integer number of picoseconds, so that times add exactly."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import simpy

from .. import checks

Process = Generator[simpy.Event, Any, Any]
PICOSECONDS = 1_000_000_000_000
"""In a second."""


def picoseconds(seconds: float) -> int:
    """Return a duration in whole picoseconds.

    Parameters
    ----------
    seconds : float
        0 or more, finite; rounded to the nearest picosecond.

    Raises
    ------
    ValueError
        Negative, not finite, or above 0 but less than half a picosecond.
    """
    checks.at_least("a duration", seconds, 0, "s")
    ticks = round(seconds * PICOSECONDS)
    if seconds > 0.0 and ticks == 0:
        raise ValueError(f"a duration must be 0 or at least 1 ps, got {seconds:g} s")
    return ticks


class Clock(simpy.Environment):
    """SimPy's environment, counting picoseconds.

    `now` is an int (ps); `seconds` is the same in s.
    """

    def __init__(self) -> None:
        super().__init__(initial_time=0)

    @property
    def seconds(self) -> float:
        """Time since the start (s)."""
        return int(self.now) / PICOSECONDS

    def rest(self, duration: float) -> simpy.Timeout:
        """Return an event that happens after a duration (s)."""
        return self.timeout(picoseconds(duration))


@dataclass
class EnergyMeter:
    """Where energy went.

    Attributes
    ----------
    energy : dict of str to float
        By component (J).
    """

    energy: dict[str, float] = field(default_factory=dict)

    def add(self, component: str, energy: float) -> None:
        """Add an energy (J) to a component."""
        checks.finite(f"energy of {component}", energy, "J")
        self.energy[component] = self.energy.get(component, 0.0) + energy

    @property
    def total(self) -> float:
        """Of all components (J)."""
        return math.fsum(self.energy.values())


class Operation(NamedTuple):
    """What was at work ("pulse", "read", or a station), from when to when (ps), and where (-1: all)."""

    lane: str
    start: int
    end: int
    word_line: int = -1
    bit_line: int = -1


class Log(list[Operation]):
    """What happened when, in the order in which operations ended."""


class Station:
    """Equal things that do one job at a time each: drivers, sense amplifiers, converters.

    Parameters
    ----------
    clock : Clock
        What it runs on.
    name : str
        Of its energy in the meter.
    capacity : int
        How many there are, at least 1.
    latency : float
        Of one use (s), where a use names no other.
    energy : float
        Of one use (J).
    meter : EnergyMeter, optional
        Where energy is entered.
    log : Log, optional
        Where uses are entered.

    Attributes
    ----------
    uses : int
        Finished.
    busy, waited : int
        Sum over uses of time in service and in the queue (ps).
    """

    def __init__(
        self,
        clock: Clock,
        name: str,
        *,
        capacity: int = 1,
        latency: float = 0.0,
        energy: float = 0.0,
        meter: EnergyMeter | None = None,
        log: Log | None = None,
    ) -> None:
        checks.whole(f"capacity of {name}", capacity, 1)
        checks.at_least(f"energy of {name}", energy, 0, "J")
        self.clock, self.name, self.energy = clock, name, energy
        self.latency = picoseconds(latency)
        self.meter = meter if meter is not None else EnergyMeter()
        self.log = log
        self.resource, self.servers = simpy.Resource(clock, capacity), capacity
        self.uses = self.busy = self.waited = 0

    def use(self, duration: float | None = None, count: int = 1) -> Process:
        """Wait for one, hold it ``count`` times a duration (s; its latency by default), enter its energy."""
        ticks = count * (self.latency if duration is None else picoseconds(duration))
        arrival = int(self.clock.now)
        with self.resource.request() as request:
            yield request
            self.waited += int(self.clock.now) - arrival
            yield self.clock.timeout(ticks)
        end = int(self.clock.now)
        self.uses += count
        self.busy += ticks
        self.meter.add(self.name, count * self.energy)
        if self.log is not None and ticks:
            self.log.append(Operation(self.name, end - ticks, end))

    def share(self, count: int) -> Process:
        """Do a number of uses, as many at once as there are; the process ends with the last."""
        per_server, remainder = divmod(count, self.servers)
        parts = [per_server + (k < remainder) for k in range(self.servers)]
        yield self.clock.all_of([self.clock.process(self.use(count=part)) for part in parts if part])
