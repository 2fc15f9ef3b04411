"""Events of a device, some of them kept with the states on both sides: a reservoir, and walks from a state.

Of the events of the protocol each is kept with the same chance (algorithm R, Vitter, doi:10.1145/3147.3165),
and only what is kept is read at all voltages, which costs more than the event itself.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ...configuration.measure import MeasureSection
from ...kinetic.circuit import Circuit
from ...kinetic.device import Device
from ...kinetic.seeds import MEASURED, random_numbers, set_words, words
from ...kinetic.solver import Solved
from .reading import Reading, read

PROTOCOL, WALK = 0, 1
"""Where a jump comes from, as the file says it."""


@dataclass(slots=True)
class Jump:
    """One event: where it comes from, when (s), device voltage (V), hottest place (K) and total rate (1/s)
    just before it, and the states on both sides.
    """

    origin: int
    time: float
    voltage: float
    temperature: float
    rate: float
    before: Reading
    after: Reading


@dataclass(slots=True)
class Reservoir:
    """Jumps of the cycles that are kept.

    Parameters
    ----------
    settings : MeasureSection
    read_voltage : float
        (V)
    device : Device
        Its seed and member give the draws.

    Attributes
    ----------
    seen : int
        Events so far.
    """

    settings: MeasureSection
    read_voltage: float
    device: Device
    kept: list[Jump] = field(default_factory=list)
    seen: int = 0
    events: int = 0
    last: Solved | None = None
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.random = random_numbers(self.device.seed, self.device.member, MEASURED)

    def begin(self) -> None:
        """Take note of the arrangement from which the device goes on."""
        self.last, self.events = self.device.solved(), self.device.events

    def look(self) -> None:
        """Take note of an event, if there was one since the last look."""
        device, before = self.device, self.last
        if device.events == self.events or before is None:
            return
        self.last, self.events = device.solved(), device.events
        place = len(self.kept)
        self.seen += 1
        if place >= self.settings.jumps:
            place = int(self.random.integers(self.seen))
        if place < self.settings.jumps:
            voltage = before.device_voltage(device.circuit, device.source_voltage)
            sides = [read(one, self.settings, self.read_voltage) for one in (before, self.last)]
            found = jump(PROTOCOL, device, before, voltage, *sides)
            self.kept[place : place + 1] = [found]

    def state(self) -> dict[str, Any]:
        """Return everything that :meth:`restore` needs, as plain data."""
        return {"kept": [plain(one) for one in self.kept], "seen": self.seen, "random": words(self.random)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.kept, self.seen = [made(one) for one in state["kept"]], int(state["seen"])
        set_words(self.random, state["random"])


def jump(
    origin: int, device: Device, solved: Solved, voltage: float, before: Reading, after: Reading
) -> Jump:
    """Return the event that has just brought a device from a solved arrangement to the present one."""
    rate = solved.at(voltage).rates(voltage, device.temperature).sum()
    hottest = device.temperature + solved.rise(voltage)
    return Jump(origin, device.time, voltage, hottest, float(rate), before, after)


def walk(
    device: Device,
    circuit: Circuit,
    source: float,
    start: Reading,
    random: np.random.Generator,
    settings: MeasureSection,
    read_voltage: float,
) -> list[Jump]:
    """Let events happen one after another at a source voltage (V), however long each takes.

    The device is in the state of ``start`` before, in another afterwards. It ends early where nothing can
    happen.
    """
    found: list[Jump] = []
    for _ in range(settings.steps):
        solved = device.solved()
        voltage = solved.device_voltage(circuit, source)
        rates = solved.at(voltage).rates(voltage, device.temperature)
        if not rates.sum() > 0.0:
            break
        device.fire(int(random.choice(len(rates), p=rates / rates.sum())))
        before, start = start, read(device.solved(), settings, read_voltage)
        found.append(jump(WALK, device, solved, voltage, before, start))
    return found


def plain(one: Jump) -> dict[str, Any]:
    """Return a jump as plain data, for a checkpoint."""
    return asdict(one)


def made(data: dict[str, Any]) -> Jump:
    """Return the jump in plain data."""
    return Jump(**data | {side: Reading(**data[side]) for side in ("before", "after")})
