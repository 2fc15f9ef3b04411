"""Carry out the phases of a protocol on a device, so that it can stop and go on at any checkpoint.

A phase is applied in *parts* (up, hold, down) and each part in *chunks* of a fixed number of samples. The
state between two chunks is plain data; it is written to a checkpoint now and then. Chunks are the same
whether checkpoints are written or not, hence a resumed run equals an uninterrupted one bit by bit.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from ..configuration.device import CircuitSection, Constant, Points, Pulse, Ramp, Sweep
from ..kinetic.circuit import Circuit
from ..kinetic.device import Device
from ..kinetic.run import Record, sample_times
from ..kinetic.waveform import Waveform

CHUNK = 50  # samples
HOLD_SAMPLES = 20
REACHED = 1 - 1e-9  # of the current limit; the clamp holds it to rounding

AnyPhase = Sweep | Ramp | Pulse | Constant | Points
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Position:
    """Where a protocol stands: the next chunk to do, and what the present part started from (V, S)."""

    step: int = 0
    attempt: int = 1
    part: int = 0
    chunk: int = 0
    origin: float = 0.0
    conductance: float = 0.0
    limited: bool = False


@dataclass(slots=True)
class PhaseLog:
    """What one phase did: the arrays of its samples, its snapshots, and how it was applied."""

    name: str
    kind: str
    cycle: int
    attempt: int
    compliance: float | None
    document: dict[str, Any]
    read_current: float = 0.0
    sample: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    snapshots: list[dict[str, Any]] = field(default_factory=list)

    def events_since(self, device: Device) -> int:
        """Return the events of the atoms since the phase began."""
        return device.events - int(self.sample["events"][0]) if self.sample else 0

    def extend(self, record: Record) -> None:
        """Append a record that goes on where the last one ended."""
        if not self.sample:
            self.sample = dict(record.sample)
            return
        # The first sample of a record is the last one of the record before.
        self.sample = {
            name: np.concatenate([self.sample[name], column[1:]]) for name, column in record.sample.items()
        }


class Protocol:
    """The phases of a run in progress.

    Parameters
    ----------
    device : Device
        Carries the state; made or restored by the caller.
    steps : list of (name, cycle, phase)
        From :meth:`.Configuration.steps`.
    circuit : CircuitSection
        Holds where a phase says nothing else.
    read_voltage : float
        Voltage of the read after each phase (V).
    observe : callable
        ``observe(device)`` returns what a snapshot holds, as a dict.
    """

    def __init__(
        self,
        device: Device,
        steps: list[tuple[str, int, AnyPhase]],
        circuit: CircuitSection,
        read_voltage: float,
        observe: Callable[[Device], dict[str, Any]],
    ) -> None:
        self.device, self.steps, self.circuit = device, steps, circuit
        self.read_voltage, self.observe = read_voltage, observe
        self.position = Position()
        self.logs: list[PhaseLog] = []
        self.present: PhaseLog | None = None
        self.halt: Callable[[Device, float], bool] | None = None

    def go(
        self,
        *,
        pause: Callable[["Protocol"], None] | None = None,
        progress: Callable[[float, str, Device], None] | None = None,
    ) -> list[PhaseLog]:
        """Carry out what is left, and return the logs of all phases.

        Parameters
        ----------
        pause : callable, optional
            Called between chunks; may write a checkpoint of :meth:`state`.
        progress : callable, optional
            ``progress(share, name, device)`` at each sample, with the share of all steps that is done.
        """
        while self.position.step < len(self.steps):
            self._attempt(pause, progress)
        return self.logs

    def state(self) -> dict[str, Any]:
        """Return everything that :meth:`restore` needs, as plain data."""
        logs = [*self.logs, self.present] if self.present else self.logs
        return {
            "device": self.device.state(),
            "position": asdict(self.position),
            "logs": [asdict(log) for log in logs],
            "unfinished": self.present is not None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state` of the same protocol on an equal device."""
        self.device.restore(state["device"])
        self.position = Position(**state["position"])
        self.logs = [PhaseLog(**log) for log in state["logs"]]
        self.present = self.logs.pop() if state["unfinished"] else None

    def _attempt(
        self,
        pause: Callable[["Protocol"], None] | None,
        progress: Callable[[float, str, Device], None] | None,
    ) -> None:
        """Apply one phase once and decide what comes next."""
        position, device = self.position, self.device
        name, cycle, phase = self.steps[position.step]
        section = phase.circuit or self.circuit
        device.circuit = circuit_of(section, phase.compliance)
        if self.present is None:
            limit = device.circuit.compliance
            if device.circuit.transistor is not None:
                limit = min(limit or math.inf, device.circuit.transistor)
            label = name if position.attempt == 1 else f"{name} (attempt {position.attempt})"
            self.present = PhaseLog(
                label,
                kind_of(name, phase),
                cycle,
                position.attempt,
                limit,
                phase.model_dump(mode="json", exclude_none=True),
            )
            self.present.snapshots.append(self.observe(device) | {"label": f"{label}: start"})
        while position.part < parts(phase):
            self._part(phase, pause, progress)
            position.part, position.chunk = position.part + 1, 0
        self._finish(phase)

    def _part(
        self,
        phase: AnyPhase,
        pause: Callable[["Protocol"], None] | None,
        progress: Callable[[float, str, Device], None] | None,
    ) -> None:
        position, device, present = self.position, self.device, self.present
        assert present is not None
        if position.chunk == 0:
            position.origin = float(device.source_voltage)
            if isinstance(phase, Constant) and phase.to_share is not None:
                position.conductance = device.conductance
        planned = part_waveform(phase, position.part, position.origin)
        if planned is None:
            return
        waveform, samples = planned
        chunks = decades(phase) or cut(waveform, samples)
        share = (
            (lambda done, device: progress(self._done(phase, len(chunks), done), present.name, device))
            if progress
            else None
        )
        stop = self._stop(phase, present.compliance)
        while position.chunk < len(chunks):
            chunk, number = chunks[position.chunk]
            # Else the number of field solves would depend on where a run was interrupted.
            device.forget()
            budget = None if phase.budget is None else max(phase.budget - present.events_since(device), 0)
            present.extend(device.advance(chunk, samples=number, stop=stop, progress=share, budget=budget))
            ended = position.limited and position.part == 0
            position.chunk = len(chunks) if ended else position.chunk + 1
            if pause is not None:
                pause(self)
        if position.part < parts(phase) - 1:
            present.snapshots.append(
                self.observe(device) | {"label": f"{present.name}: part {position.part + 1}"}
            )

    def _stop(self, phase: AnyPhase, limit: float | None) -> Callable[[Device, float], bool] | None:
        """Return the test that ends a part early: the user's, or the current limit on the way up."""
        halt = self.halt
        if halt is not None:

            def halted(device: Device, current: float) -> bool:
                self.position.limited = self.position.limited or bool(halt(device, current))
                return self.position.limited

            return halted
        if isinstance(phase, Constant) and phase.to_share is not None:
            return self._lost(phase.to_share)
        if not (isinstance(phase, Sweep) and phase.to_limit and self.position.part == 0 and limit):
            return None

        def reached(_: Device, current: float) -> bool:
            self.position.limited = self.position.limited or abs(current) >= REACHED * limit
            return self.position.limited

        return reached

    def _lost(self, share: float) -> Callable[[Device, float], bool]:
        """Return the test for a conductance that has reached a share of what it was as the phase began."""
        edge = share * self.position.conductance

        def lost(device: Device, _: float) -> bool:
            now = device.conductance
            self.position.limited = self.position.limited or (now <= edge if share < 1 else now >= edge)
            return self.position.limited

        return lost

    def _finish(self, phase: AnyPhase) -> None:
        """Read the device, close the log, and go to the next attempt or step."""
        position, device, present = self.position, self.device, self.present
        assert present is not None
        device.forget()
        present.read_current = float(device.current(self.read_voltage))
        present.snapshots.append(self.observe(device) | {"label": f"{present.name}: end"})
        self.logs.append(present)
        self.present = None
        verify = phase.verify if isinstance(phase, Sweep) else None
        again = (
            verify is not None
            and position.attempt < verify.attempts
            and not passes(
                present.kind, self.read_voltage / max(abs(present.read_current), 1e-300), verify.resistance
            )
        )
        if again:
            logger.info("%s missed its target, again", present.name)
        self.position = (
            Position(position.step, position.attempt + 1) if again else Position(position.step + 1)
        )

    def _done(self, phase: AnyPhase, chunks: int, share: float) -> float:
        position = self.position
        within = (position.part + (position.chunk + share) / chunks) / parts(phase)
        return (position.step + min(within, 1.0)) / len(self.steps)


def passes(kind: str, resistance: float, target: float) -> bool:
    """Tell whether a resistance (ohm) meets the target of its phase: above it after RESET, else below."""
    return resistance >= target if kind == "reset" else resistance <= target


def kind_of(name: str, phase: AnyPhase) -> str:
    """Return the kind of a phase for results; points named form, set or reset count as such."""
    return named_kind(name) or phase.kind if isinstance(phase, Points) else phase.kind


def named_kind(name: str) -> str:
    """Return the kind of a phase that its name begins with: form, set, reset, or nothing."""
    first = name.split()[0].lower() if name.split() else ""
    return first if first in ("form", "set", "reset") else ""


def circuit_of(section: CircuitSection, compliance: float | None = None) -> Circuit:
    """Return the circuit of a phase; a limit of its own counts in both directions."""
    limit, polarity = section.compliance, section.polarity
    if compliance is not None:
        limit, polarity = (None, "both") if math.isinf(compliance) else (compliance, "both")
    return Circuit(
        series_resistance=section.series_resistance,
        compliance=limit,
        polarity=polarity,
        transistor=section.transistor,
    )


def parts(phase: AnyPhase) -> int:
    """Return the number of parts of a phase: a sweep goes up, holds and comes down."""
    return 3 if isinstance(phase, Sweep) else 1


def part_waveform(phase: AnyPhase, part: int, origin: float) -> tuple[Waveform, int] | None:
    """Return waveform and number of samples of one part, None if there is nothing to do.

    Parameters
    ----------
    phase : Sweep, Ramp, Pulse, Constant or Points
    part : int
    origin : float
        Source voltage at the start of the part (V).
    """
    if isinstance(phase, Sweep):
        return _sweep_part(phase, part, origin)
    if isinstance(phase, Ramp):
        return Waveform.ramp(phase.stop, phase.rate, start=phase.start), phase.samples
    if isinstance(phase, Constant):
        return Waveform.constant(phase.voltage, phase.duration), phase.samples
    if isinstance(phase, Points):
        return Waveform.points(phase.times, phase.voltages), phase.samples
    if phase.count == 1:
        return Waveform.pulse(phase.amplitude, phase.width, phase.rise, fall=phase.fall), phase.samples
    assert phase.period is not None
    return Waveform.train(
        phase.amplitude, phase.width, phase.period, phase.count, phase.rise, fall=phase.fall
    ), phase.samples


def _sweep_part(phase: Sweep, part: int, origin: float) -> tuple[Waveform, int] | None:
    half = max(phase.samples // 2, 2)
    if part == 0:
        return Waveform.ramp(phase.amplitude, phase.rate), half
    if part == 1:
        return (Waveform.constant(origin, phase.hold), HOLD_SAMPLES) if phase.hold else None
    if origin == 0.0:
        return None
    return Waveform.ramp(0.0, phase.fall_rate or phase.rate, start=origin), half


def cut(waveform: Waveform, samples: int) -> list[tuple[Waveform, int]]:
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


def decades(phase: AnyPhase) -> list[tuple[Waveform, int]]:
    """Cut a constant voltage at times spread evenly over their logarithm; nothing for other phases."""
    if not isinstance(phase, Constant) or phase.first is None:
        return []
    marks = [0.0, *np.geomspace(phase.first, phase.duration, max(phase.samples - 1, 2)).tolist()]
    return [(Waveform.constant(phase.voltage, late - early), 2) for early, late in pairwise(marks)]


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
