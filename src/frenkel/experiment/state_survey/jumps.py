"""Events of a device, some of them kept with the states on both sides: a reservoir, and walks from a state.

Of the events of the protocol each is kept with the same chance (algorithm R, Vitter, doi:10.1145/3147.3165),
and only what is kept in the end is read at all voltages, which costs more than an event. A walk at rest
goes from one state to another that is not left for the first at once (:mod:`.resting`).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from ...kinetic.circuit import Circuit
from ...kinetic.device import Device
from ...kinetic.seeds import MEASURED, random_numbers, set_words, words
from ...kinetic.solver import Solved
from .reading import Reading
from .resting import Resting, leave

Atoms = dict[str, Any]
"""An arrangement, as a device gives it."""

Read = Callable[[Solved, Atoms], tuple[Reading, Resting]]
"""Reads a state at every voltage, and with its neighbours at rest."""

Side = TypeVar("Side")

PROTOCOL, WALK = 0, 1
"""Where a jump comes from, as the file says it."""


@dataclass(frozen=True, slots=True)
class Event(Generic[Side]):
    """One event: where it comes from, when (s), device voltage (V), hottest place (K) and total rate (1/s)
    just before it, and what was there on both sides: atoms, or readings of them.
    """

    origin: int
    time: float
    voltage: float
    temperature: float
    rate: float
    before: Side
    after: Side


Jump = Event[Reading]


@dataclass(slots=True)
class Reservoir:
    """Events of the cycles that are kept.

    Parameters
    ----------
    number : int
        To keep.
    device : Device
        Its seed and member give the draws.

    Attributes
    ----------
    seen : int
        Events so far.
    """

    number: int
    device: Device
    kept: list[Event[Atoms]] = field(default_factory=list)
    seen: int = 0
    events: int = 0
    last: tuple[Solved, Atoms] | None = None
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.random = random_numbers(self.device.seed, self.device.member, MEASURED)

    def begin(self) -> None:
        """Take note of the arrangement from which the device goes on."""
        self.last, self.events = self._present(), self.device.events

    def _present(self) -> tuple[Solved, Atoms]:
        return self.device.solved(), present(self.device)

    def look(self) -> None:
        """Take note of an event, if there was one since the last look."""
        device, last = self.device, self.last
        if device.events == self.events or last is None:
            return
        self.last, self.events = self._present(), device.events
        place = len(self.kept)
        self.seen += 1
        if place >= self.number:
            place = int(self.random.integers(self.seen))
        if place < self.number:
            voltage = last[0].device_voltage(device.circuit, device.source_voltage)
            # What has relaxed since the last event did so before this one, which changes no bond.
            before = last[1] | device.oxide()
            jump = event(PROTOCOL, device, last[0], voltage, before, self.last[1])
            self.kept[place : place + 1] = [jump]

    def state(self) -> dict[str, Any]:
        """Return everything that :meth:`restore` needs, as plain data."""
        return {"kept": [asdict(kept) for kept in self.kept], "seen": self.seen, "random": words(self.random)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.kept, self.seen = [Event(**kept) for kept in state["kept"]], int(state["seen"])
        set_words(self.random, state["random"])

    def jumps(self, look: Callable[[Atoms], Reading]) -> list[Jump]:
        """Return the events with their sides read."""
        return [
            Event(e.origin, e.time, e.voltage, e.temperature, e.rate, look(e.before), look(e.after))
            for e in self.kept
        ]


def present(device: Device) -> Atoms:
    """Return the present arrangement of a device, and how its oxide has relaxed."""
    return device.arrangement() | device.oxide()


def event(
    origin: int, device: Device, solved: Solved, voltage: float, before: Side, after: Side
) -> Event[Side]:
    """Return the event that has just brought a device from a solved arrangement to the present one."""
    rate = solved.at(voltage).rates(voltage, device.temperature).sum()
    hottest = device.temperature + solved.rise(voltage)
    return Event(origin, device.time, voltage, hottest, float(rate), before, after)


def walk(
    device: Device,
    circuit: Circuit,
    source: float,
    start: tuple[Reading, Resting],
    random: np.random.Generator,
    steps: int,
    read: Read,
) -> tuple[list[Jump], tuple[Reading, Resting]]:
    """Let events happen one after another at a source voltage (V), however long each takes.

    The device is in the state of ``start`` before, in that of the second part of the result afterwards. It
    ends early where nothing can happen.
    """
    path: list[Jump] = []
    for _ in range(steps):
        solved, (before, at_rest) = device.solved(), start
        voltage = solved.device_voltage(circuit, source)
        if not _step(device, solved, voltage, at_rest, random):
            break
        start = read(device.solved(), present(device))
        path.append(event(WALK, device, solved, voltage, before, start[0]))
    return path, start


def settle(
    device: Device,
    start: tuple[Reading, Resting],
    random: np.random.Generator,
    most: int,
    read: Read,
) -> list[Jump]:
    """Let events happen at rest until the oxide has relaxed, at most so many; return two of them.

    They are the last one, which leads to what stays, and one drawn of the others: reading all would fill the
    file with states on the way.
    """
    path: list[Jump] = []
    while len(path) < most and device.relaxing:
        step, start = walk(device, Circuit(), 0.0, start, random, 1, read)
        path += step
    return path[-1:] if len(path) < 2 else [path[int(random.integers(len(path) - 1))], path[-1]]


def _step(
    device: Device, solved: Solved, voltage: float, at_rest: Resting, random: np.random.Generator
) -> bool:
    """Let the next event happen, or the oxide relax; False where nothing can."""
    rates = solved.at(voltage).rates(voltage, device.temperature)
    total = float(rates.sum())
    if voltage == 0.0:
        spent = at_rest.times.sum()
        total = 1.0 / spent if spent > 0.0 else 0.0
    waiting = device.relaxing
    if not total + waiting > 0.0:
        return False
    # The oxide relaxes beside the atoms; where none waits no number is drawn for it.
    if waiting and device.relaxation is not None and random.random() * (total + waiting) < waiting:
        device.relaxation.relax(device.engine.draw)
        return True
    if voltage == 0.0:
        happened = leave(device, at_rest, random)
    else:
        device.fire(int(random.choice(len(rates), p=rates / rates.sum())))
        happened = True
    device.look()
    return happened


def jump_of(data: dict[str, Any]) -> Jump:
    """Return the jump in plain data, as :func:`dataclasses.asdict` gives it."""
    return Event(**data | {side: Reading(**data[side]) for side in ("before", "after")})
