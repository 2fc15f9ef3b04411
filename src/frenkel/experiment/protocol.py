"""Carry out the phases of a protocol on a device, so that it can stop and go on at any checkpoint.

A phase is applied in *parts* (up, hold, down) and each part in *chunks* of a fixed number of samples. The
state between two chunks is plain data; it is written to a checkpoint now and then. Chunks are the same
whether checkpoints are written or not, hence a resumed run equals an uninterrupted one bit by bit.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

import numpy as np

from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..configuration.phases import AnyPhase, CircuitSection, Planned, Test, kind_of
from ..data import store
from ..kinetic.device import Device
from ..kinetic.extremes import Extremes
from ..kinetic.heating import TemperatureRamp
from ..kinetic.run import Record, sample_times
from ..kinetic.waveform import Waveform
from .snapshot import Moments, observe

CHUNK = 50  # samples

Pause = Callable[["Protocol"], None]
Progress = Callable[[float, str, Device], None]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a protocol stands: the next chunk to do, and what the present part started from (V, S)."""

    phase: int = 0
    attempt: int = 1
    part: int = 0
    chunk: int = 0
    origin: float = 0.0
    conductance: float = 0.0
    limited: bool = False

    def at_part(self, device: Device) -> "Position":
        """Return the position with what the device brings to the part that begins."""
        # The conductance is solved already, for the last snapshot.
        return replace(self, origin=float(device.source_voltage), conductance=device.conductance)

    def after_part(self) -> "Position":
        """Return where the next part of the phase begins."""
        return replace(self, part=self.part + 1, chunk=0)

    def after_attempt(self, again: bool) -> "Position":
        """Return where the next attempt begins: of the same phase, or of the next one."""
        return Position(self.phase, self.attempt + 1) if again else Position(self.phase + 1)


@dataclass(slots=True)
class PhaseLog:
    """What one phase did: the arrays of its samples, its snapshots, and how it was applied.

    ``extremes`` are those of all its events, ``read_temperature`` (K) is that of the read after it.
    ``moments`` says which events and samples are kept as snapshots; None: only those between the parts.
    """

    name: str
    kind: str
    cycle: int
    attempt: int
    compliance: float | None
    document: dict[str, Any]
    read_current: float = 0.0
    read_temperature: float = 0.0
    sample: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    extremes: Extremes = field(default_factory=Extremes)
    moments: Moments | None = None

    def events_since(self, device: Device) -> int:
        """Return the events of the atoms since the phase began."""
        return device.events - int(self.sample["events"][0]) if self.sample else 0

    def take_snapshot(self, device: Device, when: str, **more: int) -> None:
        """Append what the device is now."""
        self.snapshots.append(observe(device) | {"label": f"{self.name}: {when}"} | more)

    def take_moment(self, device: Device) -> None:
        """Append what the device is now where `moments` keep this event or sample; drop what is too many."""
        moments = self.moments
        if moments is not None and moments.due():
            self.take_snapshot(device, f"moment {moments.seen}", moment=moments.seen)
            self.snapshots = moments.thinned(self.snapshots)

    def close(self, device: Device, read_voltage: float) -> None:
        """Read the device at a voltage (V) as the phase has left it."""
        self.read_current, self.read_temperature = float(device.current(read_voltage)), device.temperature
        self.take_snapshot(device, "end")

    def extend(self, record: Record) -> None:
        """Append a record that goes on where the last one ended."""
        if not self.sample:
            self.sample = dict(record.sample)
            return
        # The first sample of a record is the last one of the record before.
        self.sample = {
            name: np.concatenate([self.sample[name], column[1:]]) for name, column in record.sample.items()
        }


class Observer(Interface):
    """Looks at a device while its protocol runs, and changes nothing in it."""

    def begin(self, cycle: int) -> None:
        """Take note of where a piece of the protocol begins, and of its cycle (0: outside of cycles)."""

    def look(self) -> None:
        """Look at the device after an event or a sample."""

    def end(self, kind: str, cycle: int) -> None:
        """Look at the state that a phase has left."""

    def state(self) -> dict[str, Any]:
        """Return everything that :meth:`restore` needs, as plain data."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""


class Protocol:
    """The phases of a run in progress.

    Parameters
    ----------
    device : Device
        Carries the state; made or restored by the caller.
    phases : iterable of (name, cycle, phase)
        As from :meth:`.Configuration.phases`.
    circuit : CircuitSection
        Holds where a phase says nothing else.
    read_voltage : float
        Voltage of the read after each phase (V).
    halt : callable, optional
        ``halt(device, current)`` after each event and sample ends a part early when true.
    observer : Observer, optional
    """

    def __init__(
        self,
        device: Device,
        phases: Iterable[tuple[str, int, AnyPhase]],
        circuit: CircuitSection,
        read_voltage: float,
        halt: Test | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.device, self.phases, self.circuit = device, list(phases), circuit
        self.read_voltage, self.halt, self.observer = read_voltage, halt, observer
        self.ambient, self.ambient_light = device.temperature, device.light
        for name, _, phase in self.phases:
            check_conditions(name, phase, device.check_temperature, device.check_light)
        self.position = Position()
        self.logs: list[PhaseLog] = []
        self.present: PhaseLog | None = None

    @classmethod
    def of(
        cls, configuration: Configuration, device: Device, observer: Observer | None = None
    ) -> "Protocol":
        """Return the protocol of a configuration on a device."""
        settings = configuration
        return cls(device, settings.phases(), settings.circuit, settings.read_voltage, observer=observer)

    def go(self, *, pause: Pause | None = None, progress: Progress | None = None) -> list[PhaseLog]:
        """Carry out what is left, and return the logs of all phases.

        Parameters
        ----------
        pause : callable, optional
            Called between chunks; may write a checkpoint of :meth:`state`.
        progress : callable, optional
            ``progress(share, name, device)`` at each sample, with the fraction of all phases that is done.
        """
        try:
            while self.position.phase < len(self.phases):
                self._attempt(pause, progress)
        finally:
            self._restore_conditions()
        return self.logs

    def state(self) -> dict[str, Any]:
        """Return everything that :meth:`restore` needs, as plain data."""
        logs = [*self.logs, self.present] if self.present else self.logs
        observed = {} if self.observer is None else {"observed": self.observer.state()}
        return {
            "device": self.device.state(),
            "position": asdict(self.position),
            "logs": [asdict(log) for log in logs],
            "unfinished": self.present is not None,
        } | observed

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state` of the same protocol on an equal device."""
        self.device.restore(state["device"])
        self.position = Position(**state["position"])
        self.logs = [_restored(log) for log in state["logs"]]
        self.present = self.logs.pop() if state["unfinished"] else None
        if self.observer is not None:
            self.observer.restore(state["observed"])

    def _attempt(self, pause: Pause | None, progress: Progress | None) -> None:
        """Apply one phase once and decide what comes next."""
        position, device = self.position, self.device
        name, cycle, phase = self.phases[position.phase]
        device.connect((phase.circuit or self.circuit).circuit(phase.compliance))
        device.change_temperature(phase.temperature_ends[0] if phase.temperature_ends else self.ambient)
        device.change_light(self.ambient_light if phase.light is None else phase.light)
        if self.present is None:
            compliance = device.circuit.compliance
            if device.circuit.transistor is not None:
                compliance = min(compliance or math.inf, device.circuit.transistor)
            self.present = PhaseLog(
                name if position.attempt == 1 else f"{name} (attempt {position.attempt})",
                kind_of(name, phase),
                cycle,
                position.attempt,
                compliance,
                phase.model_dump(mode="json", exclude_none=True),
                moments=Moments(phase.snapshots) if phase.snapshots else None,
            )
            self.present.take_snapshot(device, "start")
        while self.position.part < phase.parts:
            self._part(phase, pause, progress)
            self.position = self.position.after_part()
        self._finish(phase)

    def _part(self, phase: AnyPhase, pause: Pause | None, progress: Progress | None) -> None:
        device, present = self.device, self.present
        assert present is not None
        if self.position.chunk == 0:
            self.position = self.position.at_part(device)
        part = self.position.part
        planned = phase.part(part, self.position.origin)
        if planned is None:
            return
        chunks = decades(planned[0], phase.marks()) or cut(*planned)
        share = (
            (lambda done, device: progress(self._done(phase, len(chunks), done), present.name, device))
            if progress
            else None
        )
        watch = self._watch(self._stop(phase, present.compliance))
        begin = np.cumsum([0.0, *(chunk.duration for chunk, _ in chunks)]).tolist()
        while (at := self.position.chunk) < len(chunks):
            chunk, number = chunks[at]
            if self.observer is not None:
                self.observer.begin(present.cycle)
            # Otherwise the number of field solves would depend on where a run was interrupted.
            device.forget()
            budget = None if phase.budget is None else max(phase.budget - present.events_since(device), 0)
            record = device.advance(
                chunk,
                samples=number,
                stop=watch,
                progress=share,
                budget=budget,
                extremes=present.extremes,
                temperature=_heating(phase, begin[at], begin[at + 1], begin[-1]),
            )
            present.extend(record)
            ended = self.position.limited and part == 0
            self.position = replace(self.position, chunk=len(chunks) if ended else at + 1)
            if pause is not None:
                pause(self)
        if part < phase.parts - 1:
            present.take_snapshot(device, f"part {part + 1}")

    def _watch(self, stop: Test | None) -> Test | None:
        """Return what is called after each event and sample: it takes the snapshots and ends the part."""
        present = self.present
        assert present is not None
        if present.moments is None:
            return stop

        def watched(device: Device, current: float) -> bool:
            present.take_moment(device)
            return stop is not None and stop(device, current)

        return watched

    def _stop(self, phase: AnyPhase, compliance: float | None) -> Test | None:
        """Return the test that ends a part early: the user's, or the phase's own; once true it stays so."""
        position, observer = self.position, self.observer
        test = self.halt or phase.ends(position.part, compliance, position.conductance)
        if test is None and observer is None:
            return None

        def ended(device: Device, current: float) -> bool:
            if observer is not None:
                observer.look()
            if test is None:
                return False
            if not self.position.limited and test(device, current):
                self.position = replace(self.position, limited=True)
            return self.position.limited

        return ended

    def _finish(self, phase: AnyPhase) -> None:
        """Read the device, close the log, and go to the next attempt or phase."""
        position, device, present = self.position, self.device, self.present
        assert present is not None
        self._restore_conditions()
        device.forget()
        present.close(device, self.read_voltage)
        self.logs.append(present)
        self.present = None
        retry = phase.unmet(position.attempt, self.read_voltage / max(abs(present.read_current), 1e-300))
        self.position = position.after_attempt(retry)
        if retry:
            logger.info("%s missed its target, again", present.name)
        elif self.observer is not None:
            self.observer.end(present.kind, present.cycle)

    def _restore_conditions(self) -> None:
        """Give the device the temperature and the light that it had before the protocol."""
        self.device.change_temperature(self.ambient)
        self.device.change_light(self.ambient_light)

    def _done(self, phase: AnyPhase, chunks: int, share: float) -> float:
        position = self.position
        within = (position.part + (position.chunk + share) / chunks) / phase.parts
        return (position.phase + min(within, 1.0)) / len(self.phases)


class Checkpoints:
    """Writes the state of a protocol into a file now and then.

    Parameters
    ----------
    path : Path
    interval : float
        Least wall time between two (s).
    **head
        What is kept beside the state.
    """

    def __init__(self, path: Path, interval: float, **head: Any) -> None:
        self.path, self.interval, self.head = path, interval, head
        self.last = time.monotonic()

    def write(self, protocol: Protocol, *, now: bool = False) -> None:
        """Write a checkpoint if asked for, or if the last one is old enough."""
        if now or time.monotonic() - self.last >= self.interval:
            store.save_checkpoint(self.head | {"protocol": protocol.state()}, self.path)
            self.last = time.monotonic()


def _heating(phase: AnyPhase, begin: float, end: float, duration: float) -> tuple[float, float] | None:
    """Return the temperatures (K) of a phase of a duration (s) at two of its times; None where it stands."""
    if phase.temperature_ends is None or phase.temperature_ends[0] == phase.temperature_ends[1]:
        return None
    ramp = TemperatureRamp(*phase.temperature_ends, duration)
    return ramp.at(begin), ramp.at(end)


def _restored(log: dict[str, Any]) -> PhaseLog:
    """Return the log in a checkpoint."""
    moments = log["moments"] and Moments(**log["moments"])
    return PhaseLog(**log | {"extremes": Extremes(**log["extremes"]), "moments": moments})


def cut(waveform: Waveform, samples: int) -> list[Planned]:
    """Cut a waveform at every :data:`CHUNK`-th sample; return the pieces and their numbers of samples."""
    times = sample_times(waveform, samples)
    marks = [*range(0, len(times) - 1, CHUNK), len(times) - 1]
    # A last piece of one interval is no use on its own.
    if len(marks) > 2 and marks[-1] - marks[-2] < 2:
        del marks[-2]
    pieces = []
    for first, last in pairwise(marks):
        begin = 0.0 if first == 0 else float(times[first])
        end = waveform.duration if last == len(times) - 1 else float(times[last])
        pieces.append((_between(waveform, begin, end), last - first + 1))
    return pieces


def decades(waveform: Waveform, marks: list[float]) -> list[Planned]:
    """Cut a constant voltage at given times (s)."""
    voltage = waveform.voltages[0]
    return [(Waveform.constant(voltage, late - early), 2) for early, late in pairwise(marks)]


def _between(waveform: Waveform, begin: float, end: float) -> Waveform:
    # Samples often fall on breakpoints; one that is there but for rounding would leave a step of no length.
    least = 1e-9 * (end - begin)
    inner = [
        (time, voltage)
        for time, voltage in zip(waveform.times, waveform.voltages, strict=True)
        if begin + least < time < end - least
    ]
    inside = [(begin, waveform.voltage(begin)), *inner, (end, waveform.voltage(end))]
    return Waveform(
        tuple(time - begin for time, _ in inside), tuple(voltage for _, voltage in inside), waveform.label
    )


def check_conditions(
    name: str,
    phase: AnyPhase,
    check_temperature: Callable[[float], None],
    check_light: Callable[[float], None],
) -> None:
    """Raise ConfigurationError where a check refuses a temperature (K) or light (1/(m^2 s)) of a phase."""
    try:
        for kelvin in phase.temperatures:
            check_temperature(kelvin)
        check_light(phase.light or 0.0)
    except ValueError as error:
        raise ConfigurationError(f"phase {name}: {error}") from None
