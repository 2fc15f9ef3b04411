"""Cycles until a window closes: devices are cycled until HRS and LRS stay alike, or until they are left.

Every cycle is simulated. What wears a device out is a mechanism without a way back, such as the loss of
oxygen; a window may close without one too. The survival curve is that of Kaplan and Meier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np

from ..analysis.statistics.censoring import Sample, kaplan_meier
from ..checks import between, positive, whole
from ..configuration import device as config
from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..configuration.phases import Cycle, kind_of
from ..configuration.points import Members
from ..data import kinds
from ..data.member_file import MemberColumn
from ..experiment import protocol
from ..kinetic.circuit import Circuit
from ..kinetic.device import Device
from ..kinetic.waveform import Waveform
from ..mpi_runs.child import Context, Stopped
from .farm import RareEventStudy, column
from .members import whole_waveform

if TYPE_CHECKING:
    import xarray as xr

CONFIRMED = 3
"""Cycles in a row whose window is closed: then a device has failed, at the first of them."""

LOOKS = 100
"""Cycles after which it is asked again whether the run is to stop."""


class CycleReading(NamedTuple):
    """What a cycle shows: HRS and LRS (ohm), and how many events without a way back happened."""

    high: float
    low: float
    events: int


class Cycled(Protocol):
    """What can be cycled: a device, or a process in its place."""

    def cycle(self) -> CycleReading:
        """Carry out one cycle."""


@dataclass(slots=True)
class Life:
    """A device until its window closes, or until it is left.

    Attributes
    ----------
    cycle : int
        At which it failed, or was left.
    failed : bool
    events : int
        Events without a way back so far.
    rows : list of tuple
        Of the first cycle and of each with such an event: cycle, events so far, HRS and LRS (ohm).
    """

    cycle: int = 0
    failed: bool = False
    events: int = 0
    rows: list[tuple[float, ...]] = field(default_factory=list)


def follow(system: Cycled, window: float, cycles: int, pause: Callable[[], None]) -> Life:
    """Cycle a device until its window closes, or for as many cycles as are asked.

    Parameters
    ----------
    system : Cycled
    window : float
        HRS over LRS below which the window is closed.
    cycles : int
        After which a device that has not failed is left (censored).
    pause : callable
        Called every :data:`LOOKS` cycles.
    """
    life, closed = Life(), 0
    while closed < CONFIRMED and life.cycle < cycles + closed:
        if life.cycle % LOOKS == 0:
            pause()
        reading = system.cycle()
        life.cycle += 1
        life.events += reading.events
        if reading.events or life.cycle == 1:
            life.rows.append((life.cycle, life.events, reading.high, reading.low))
        closed = closed + 1 if reading.high < window * reading.low else 0
    life.failed = closed == CONFIRMED
    # The first of the cycles whose window is closed.
    life.cycle = life.cycle - CONFIRMED + 1 if life.failed else min(life.cycle, cycles)
    return life


class CyclePhase(NamedTuple):
    """A phase of a cycle: its kind, waveform, circuit, temperature (K) and light."""

    kind: str
    waveform: Waveform
    circuit: Circuit
    temperature: float
    light: float


class CycledDevice:
    """A device under the cycle of a configuration.

    Parameters
    ----------
    device : Device
        After the phases before the cycle.
    steps : sequence of CyclePhase
        One with kind "reset" and one with "set" at least; HRS and LRS are read after the last of each.
    read_voltage : float
        Of the reads (V).
    """

    def __init__(self, device: Device, steps: list[CyclePhase], read_voltage: float) -> None:
        self.device, self.steps, self.read_voltage = device, steps, read_voltage
        self.lossy = {k for k, m in enumerate(device.chemistry.mechanisms) if m.irreversible}

    def cycle(self) -> CycleReading:
        """Carry out the phases of the cycle once."""
        device, read, events = self.device, dict[str, float](), 0
        for step in self.steps:
            device.connect(step.circuit)
            device.change_temperature(step.temperature)
            device.change_light(step.light)
            record = device.advance(step.waveform, samples=2, log=True)
            events += sum(mechanism in self.lossy for _, mechanism, *_ in record.log)
            read[step.kind] = self.read_voltage / device.current(self.read_voltage)
        return CycleReading(read["reset"], read["set"], events)


def prepared(configuration: Configuration, member: int) -> CycledDevice:
    """Return a member of an ensemble after all phases before the last, which is its cycle."""
    own, material = Members(configuration).member(member)
    device = Device(material, **own.arguments())
    first = own.model_copy(update={"phase": own.phase[:-1]})
    protocol.Protocol.of(first, device).go()
    *_, cycle = own.phase
    assert isinstance(cycle, Cycle)
    steps = []
    for phase in cycle.phase:
        circuit = (phase.circuit or own.circuit).circuit(phase.compliance)
        kind = kind_of(phase.name or phase.kind, phase)
        conditions = own.temperature_of(phase), phase.light or 0.0
        steps.append(CyclePhase(kind, whole_waveform(phase), circuit, *conditions))
    return CycledDevice(device, steps, own.read_voltage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endurance(RareEventStudy):
    """After how many cycles the windows of devices close.

    Parameters
    ----------
    window : float
        HRS over LRS below which the window is closed, above 1.
    devices : int
        At least 1. Each is left after as many cycles as the last phase is repeated.
    """

    window: float
    devices: int

    function: ClassVar[str] = "frenkel.rare.endurance:prepare"
    kind: ClassVar[kinds.Mark] = "endurance"
    dim: ClassVar[str] = "device"
    columns: ClassVar[Mapping[str, MemberColumn]] = {
        "life": column("cycle at which the window closed, or at which the device was left", "1"),
        "failed": column("1 where the window closed, 0 where the device was left", "1"),
        "cycle": column("the first cycle, and each with a loss", "1", "loss", kind="ragged"),
        "losses": column("events without a way back so far", "1", "loss", kind="ragged"),
        "hrs": column("HRS of these cycles", "ohm", "loss", kind="ragged"),
        "lrs": column("LRS of these cycles", "ohm", "loss", kind="ragged"),
    }

    def __post_init__(self) -> None:
        if not self.configuration.phase or not isinstance(self.configuration.phase[-1], Cycle):
            raise ConfigurationError("the last phase must be of kind 'cycle', which is repeated")
        RareEventStudy.__post_init__(self)
        whole("devices", self.devices, 1, 1_000_000)
        between("window", self.window, 1.0, 1e12)
        present = {kind_of(p.name or p.kind, p) for p in self.configuration.phase[-1].phase}
        if not {"reset", "set"} <= present:
            kinds_there = ", ".join(sorted(present))
            raise ConfigurationError(f"the cycle must have a reset and a set, got {kinds_there}")

    @property
    def number(self) -> int:
        """Number of devices."""
        return self.devices

    @property
    def name(self) -> str:
        """What it is."""
        return "cycles until the window closes"

    def document(self) -> dict[str, Any]:
        """Return what each device is a function of."""
        return RareEventStudy.document(self) | {"window": self.window}


def prepare(
    settings: Mapping[str, Any],
) -> Callable[[int, Context], tuple[dict[str, Any], dict[str, Any]]]:
    """Return what follows one device; ``settings`` as `Endurance.document` returns them."""
    configuration, window = config.parse(settings["configuration"]), float(settings["window"])
    *_, cycled = configuration.phase
    assert isinstance(cycled, Cycle)
    cycles = cycled.repeat

    def run(number: int, context: Context) -> tuple[dict[str, Any], dict[str, Any]]:
        def pause() -> None:
            if context.stopping():
                raise Stopped

        life = follow(prepared(configuration, number), window, cycles, pause)
        cycle, losses, hrs, lrs = np.array(life.rows).T
        return {
            "life": np.array(float(life.cycle)),
            "failed": np.array(life.failed, np.int8),
            "cycle": cycle, "losses": losses, "hrs": hrs, "lrs": lrs,
        }, {}  # fmt: skip

    return run


def lives(found: xr.Dataset) -> Sample:
    """Return the cycles at which windows closed, those of devices that were left as right-censored."""
    return Sample.of(found["life"].values, right=found["failed"].values == 0)


def survival_curve(found: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the first cycle, each at which a window closed and the last, and what `survival_at` gives."""
    failures = found["life"].values[found["failed"].values == 1]
    cycles = np.unique(np.r_[1.0, failures, found["life"].values.max()])
    return cycles, np.array([survival_at(found, cycle) for cycle in cycles])


def survival_at(found: xr.Dataset, cycle: float) -> tuple[float, float, float]:
    """Return the fraction of devices whose window is open after so many cycles, and its 95 % interval.

    By Kaplan and Meier with Greenwood's interval; where no device has failed before, or none is left, the
    interval is that of Clopper and Pearson.
    """
    from scipy import stats  # which a study needs no part of

    positive("cycle", cycle)
    sample = lives(found)
    earlier = sample.exact & (sample.low <= cycle)
    n, k = len(sample.low), int(np.count_nonzero(sample.right | (sample.low > cycle)))
    exact = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    if not earlier.any() or k == 0:
        return k / n, float(exact.low), float(exact.high)
    curve = kaplan_meier(sample)
    row = curve.isel(value=int(np.searchsorted(curve["value"].values, cycle, side="right")) - 1)
    return float(row["survival"]), float(row["low"]), float(row["high"])
