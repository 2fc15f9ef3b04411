"""Everything that is looked at in one device, put together: what a member of an ensemble calls."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from ...configuration.base import ConfigurationError
from ...configuration.device import Configuration
from ...configuration.measure import MeasureSection
from ...configuration.phases import Sweep
from ...kinetic.circuit import Circuit
from ...kinetic.device import Device
from ...kinetic.seeds import MEASURED, random_numbers
from ...kinetic.solver import Solved
from ...typing import Floats
from . import jumps, probes
from .jumps import Jump, Reservoir
from .probes import Probe, ProbePlan
from .reading import Reading, read
from .resting import Resting, resting

ENDS = ("reset", "set")
"""Kinds of phases whose end states are looked at, in the order of the numbers that a file gives them."""

WALKS, PROBES, RESTS = 1, 2, 3
"""Second number of the stream of random numbers of walks, of probes, and of each probe at rest; then cycle,
state, and of a rest its number."""


BITS = 10
"""Binary digits of currents and rates that a file keeps: 5e-4 off at most, in a third of the bytes."""


@dataclass(slots=True)
class PhaseEnd:
    """The state at the end of a phase."""

    cycle: int
    state: int
    reading: Reading


@dataclass(slots=True)
class Measurement:
    """What is looked at in a device while its protocol runs.

    Parameters
    ----------
    configuration : Configuration
        With a section ``measure``.
    device : Device
        That of the protocol; nothing here changes it.
    make : callable
        ``make(temperature)`` returns a device of the same arguments at a temperature (K), with any atoms.
    """

    configuration: Configuration
    device: Device
    make: Callable[[float], Device]
    settings: MeasureSection = field(init=False)
    cycles: set[int] = field(init=False)
    read_cycles: set[int] = field(init=False)
    reservoir: Reservoir = field(init=False)
    ends: list[PhaseEnd] = field(default_factory=list)
    walks: list[Jump] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    twins: dict[float, Device] = field(default_factory=dict)
    looking: bool = False

    def __post_init__(self) -> None:
        settings = self.configuration.measure
        assert settings is not None  # who has no such section makes no measurement
        self.settings = settings
        if self.device.two_level is not None:
            raise ConfigurationError(
                "measure needs a material without a section [two_level], whose switching no jump-process "
                f"model holds, got {self.device.material.name}"
            )
        last = max((cycle for _, cycle, _ in self.configuration.phases()), default=0)
        self.cycles = _spread(settings.cycles, last)
        self.read_cycles = self.cycles | _spread(settings.ends or 0, last)
        self.reservoir = Reservoir(settings.jumps, self.device)

    def begin(self, cycle: int) -> None:
        """Take note of where a piece of the protocol begins, and of its cycle (0: outside of cycles)."""
        # Forming has more events than many cycles, and a card is asked for cycles.
        self.looking = bool(self.settings.jumps) and (cycle > 0 or not self.cycles)
        if self.looking:
            self.reservoir.begin()

    def look(self) -> None:
        """Look at the device after an event or a sample."""
        if self.looking:
            self.reservoir.look()

    def end(self, kind: str, cycle: int) -> None:
        """Look at the state that a phase has left, if it is one of those to look at."""
        if kind not in ENDS or cycle not in self.read_cycles:
            return
        state = ENDS.index(kind)
        reading = self.read(self.device.solved(), jumps.present(self.device))
        self.ends.append(PhaseEnd(cycle, state, reading[0]))
        if cycle in self.cycles:
            self._walk(cycle, state, reading)
            self._probe(cycle, state)

    def read(self, solved: Solved, atoms: jumps.Atoms) -> tuple[Reading, Resting]:
        """Read a state at every voltage; at 0 V with the neighbours that are part of it."""
        twin = self._twin(self.device.temperature)
        with twin.trial():
            twin.arrange(**atoms)
            return self._reading(twin, solved)

    def _look(self, atoms: jumps.Atoms) -> Reading:
        """Read an arrangement that has been."""
        twin = self._twin(self.device.temperature)
        with twin.trial():
            twin.arrange(**atoms)
            return self._reading(twin, twin.solved())[0]

    def _reading(self, twin: Device, solved: Solved) -> tuple[Reading, Resting]:
        """Read the state that a twin is in."""
        volts, settings = self.configuration.read_voltage, self.settings
        at_rest = resting(twin, settings.temperatures, volts)
        return read(solved, settings, volts, at_rest.rate, twin.relaxing), at_rest

    def _walk(self, cycle: int, state: int, start: tuple[Reading, Resting]) -> None:
        random = self._random(WALKS, cycle, state)
        volts = self.settings.voltages
        for number in range(self.settings.walks):
            # Of jumps at rest those under voltage tell nothing, and drawn voltages hardly meet it.
            source = 0.0 if number % 3 == 2 else float(random.uniform(volts[0], volts[-1]))
            twin = self._twin(self.device.temperature)
            twin.restore(self.device.state(), keep_solved=True)
            circuit, _ = self._circuit(source)
            if self.settings.limits is not None and circuit.compliance is not None:
                # What conducts less than the protocol leaves stands there under a lower limit.
                circuit = replace(circuit, compliance=float(random.choice(self.settings.limits)))
            steps = self.settings.steps
            path, last = jumps.walk(twin, circuit, source, start, random, steps, self.read)
            if source != 0.0:
                path += jumps.settle(twin, last, random, self.settings.settle, self.read)
            self.walks += path

    def _probe(self, cycle: int, state: int) -> None:
        random = self._random(PROBES, cycle, state)
        # What switches the end of a RESET is a SET, and the other way round.
        sweep = self._sweep(lambda one: one.kind == ENDS[1 - state])
        for number, plan in enumerate(probes.plans(self.settings, sweep, self.device.temperature, random)):
            twin = self._twin(plan.temperature)
            twin.restore(self.device.state(), stream=(MEASURED, cycle, state, number), keep_solved=True)
            circuit, limit = self._circuit(plan.voltage)
            if plan.limit is not None:
                circuit, limit = replace(circuit, compliance=plan.limit), plan.limit
            stream = self._random(RESTS, cycle, state, number)
            outcome = probes.carry_out(plan, twin, circuit, sweep, self.configuration.read_voltage, stream)
            series = circuit.series_resistance
            self.probes.append(Probe(plan, cycle, state, series, limit, **outcome))

    def _random(self, *stream: int) -> np.random.Generator:
        return random_numbers(self.device.seed, self.device.member, MEASURED, *stream)

    def _twin(self, temperature: float) -> Device:
        """Return a device of a temperature (K) whose atoms may be moved."""
        if temperature not in self.twins:
            self.twins[temperature] = self.make(temperature)
        twin = self.twins[temperature]
        twin.solver.part()  # a run that is resumed has new ones
        return twin

    def _sweep(self, fits: Callable[[Sweep], bool]) -> Sweep | None:
        """Return the first sweep of a cycle that fits, None if there is none."""
        cycle_phases = (phase for _, cycle, phase in self.configuration.phases() if cycle)
        return next((phase for phase in cycle_phases if isinstance(phase, Sweep) and fits(phase)), None)

    def _circuit(self, source: float) -> tuple[Circuit, float]:
        """Return the circuit of the phase of a cycle with this sign of the voltage, and its limit (A)."""
        phase = self._sweep(lambda one: one.amplitude * source > 0.0)
        section = (phase and phase.circuit) or self.configuration.circuit
        circuit = section.circuit(phase.compliance if phase else None)
        limit = min(circuit.compliance or np.inf, circuit.transistor or np.inf)
        return circuit, limit if np.isfinite(limit) else np.nan

    def state(self) -> dict[str, Any]:
        """Return everything that :meth:`restore` needs, as plain data."""
        return {
            "reservoir": self.reservoir.state(),
            "ends": [asdict(item) for item in self.ends],
            "walks": [asdict(item) for item in self.walks],
            "probes": [asdict(item) for item in self.probes],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.reservoir.restore(state["reservoir"])
        self.ends = [PhaseEnd(**item | {"reading": Reading(**item["reading"])}) for item in state["ends"]]
        self.walks = [jumps.jump_of(item) for item in state["walks"]]
        self.probes = [Probe(**item | {"plan": ProbePlan(**item["plan"])}) for item in state["probes"]]

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return what was measured, under the names of the file of an ensemble."""
        return self._states() | self._probes()

    def _states(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return states and the jumps between them; a walk goes on from the state of its last jump."""
        readings = [end.reading for end in self.ends]
        numbers = {_key(reading): place for place, reading in enumerate(readings)}
        jumps_and_walks = [*self.reservoir.jumps(self._look), *self.walks]
        sides = []
        for series in jumps_and_walks:
            sides.append([_number(side, readings, numbers) for side in (series.before, series.after)])
        settings = self.settings
        end = np.full((2, len(readings)), -1, np.int32)
        for place, end_state in enumerate(self.ends):
            end[:, place] = end_state.cycle, end_state.state
        bias, heat = len(settings.voltages), len(settings.temperatures)
        pairs = np.array(sides, np.int32).reshape(-1, 2)
        return {
            "bias": np.array(settings.voltages),
            "heat": np.array(settings.temperatures),
            "state_cycle": end[0],
            "state_kind": end[1].astype(np.int8),
            "state_level": np.array([reading.level for reading in readings], float),
            "state_current": _coarse([reading.current for reading in readings]).reshape(-1, bias),
            "state_rate": _coarse([reading.rate for reading in readings]).reshape(-1, heat, bias),
            "jump_from": pairs[:, 0].copy(),
            "jump_to": pairs[:, 1].copy(),
            "jump_origin": np.array([jump.origin for jump in jumps_and_walks], np.int8),
            "jumps_seen": np.int64(self.reservoir.seen),
            **{
                f"jump_{name}": np.array([getattr(jump, name) for jump in jumps_and_walks], float)
                for name in ("time", "voltage", "temperature", "rate")
            },
        }

    def _probes(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the probes."""
        taken = self.probes
        return {
            "probe_kind": np.array([probe.plan.kind for probe in taken], np.int8),
            "probe_state": np.array([probe.state for probe in taken], np.int8),
            "probe_cycle": np.array([probe.cycle for probe in taken], np.int32),
            "probe_events": np.array([probe.events for probe in taken], np.int32),
            **{
                f"probe_{name}": np.array([getattr(probe.plan, name) for probe in taken], float)
                for name in ("voltage", "time", "temperature")
            },
            **{
                f"probe_{name}": np.array([getattr(probe, name) for probe in taken], float)
                for name in ("series", "limit", "before", "after", "switched")
            },
        }


def _spread(number: int, last: int) -> set[int]:
    """Return that many cycles of 1 to ``last``, all of them where there are no more."""
    # In the middle of equal parts: neither the first cycle nor the last stands for all.
    marks = (np.arange(number) + 0.5) / max(number, 1) * last
    return set((np.floor(marks).astype(int) + 1).tolist()) if last else set()


def _coarse(values: list[Floats]) -> Floats:
    """Return numbers rounded to :data:`BITS` binary digits, of any size."""
    share, power = np.frexp(np.array(values, float))
    return np.asarray(np.ldexp(np.round(np.ldexp(share, BITS + 1)), power - BITS - 1))


def _number(side: Reading, readings: list[Reading], numbers: dict[bytes, int]) -> int:
    """Return the number of a reading among all, added to them unless it is there."""
    key = _key(side)
    if key not in numbers:
        numbers[key] = len(readings)
        readings.append(side)
    return numbers[key]


def _key(one: Reading) -> bytes:
    return np.concatenate([[one.level], one.current, one.rate.ravel()]).tobytes()
