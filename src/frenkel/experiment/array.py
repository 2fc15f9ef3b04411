"""From the configuration of an array to a dataset: program, wait, refresh, multiply, map, margins."""

import itertools
import json
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import provenance
from ..array import periphery
from ..array.crossbar import Crossbar
from ..array.lines import bias as biases
from ..array.lines import wires
from ..cells.interface import conductance
from ..configuration import array as array_configuration
from ..configuration.array import (
    AnyScheme,
    ArrayConfiguration,
    MapPhase,
    MarginPhase,
    MultiplyPhase,
    ProgramPhase,
    ReadDisturbPhase,
    RefreshPhase,
    RestPhase,
    RetentionPhase,
    StaircasePhase,
)
from ..errors import ConvergenceError
from ..events.monitor import SHARES, Monitor
from ..events.programming import (
    Blind,
    CurrentLimited,
    GateIncremental,
    IncrementalPulses,
    Scheme,
    WriteOutcome,
    WriteVerify,
    program_all,
)
from ..events.word_lines import TransistorWordLines, program_word_line
from ..events.workload import (
    Products,
    ReadDisturb,
    ReadRecord,
    Reads,
    Refresh,
    Retention,
    Staircase,
    log_times,
)
from ..progress import in_words
from ..typing import Floats
from . import array_file
from .array_margin import margins
from .assembled import VECTORS, AssembledArray, executors, stream

if TYPE_CHECKING:
    import xarray as xr

Progress = Callable[[float, str, Any], None]

SCHEMES: dict[str, type] = {
    "blind": Blind,
    "write-verify": WriteVerify,
    "incremental": IncrementalPulses,
    "gate-incremental": GateIncremental,
    "current-limited": CurrentLimited,
}


class Session:
    """An assembled array at work: carries out phases and keeps what a result holds.

    Parameters
    ----------
    assembled : AssembledArray
        The array.
    progress : callable, optional
        ``progress(share, name, state)`` now and then.
    """

    def __init__(self, assembled: AssembledArray, progress: Progress | None = None) -> None:
        self.assembled, self.progress = assembled, progress
        self.controller = assembled.controller
        self.voltage = assembled.configuration.periphery.read_voltage
        self.monitor = Monitor(assembled.controller, assembled.cells, self.voltage)
        self.values: dict[str, Any] = {}
        self.snapshots: list[tuple[str, float, Floats]] = []
        self.maps: list[tuple[str, Floats, Floats, Floats]] = []
        self.readings: list[tuple[int, ReadRecord]] = []
        self.ends: list[float] = []
        self.phase = 0
        self.targets: Floats | None = None
        self.scheme: Scheme | None = None

    def go(self) -> dict[str, Any]:
        """Carry out all phases; return the variables of the result."""
        self._snapshot("as made")
        phases = self.assembled.configuration.phase
        for self.phase, phase in enumerate(phases):
            try:
                WORK[phase.kind](self, phase)
            except ConvergenceError as error:
                bias = f" at {phase.voltage:g} V" if isinstance(phase, MapPhase | MarginPhase) else ""
                raise ConvergenceError(f"phase {self.phase + 1}, {phase.kind}{bias}: {error}") from error
            self.ends.append(self.controller.clock.seconds)
            self._say(1.0)
        return self.values | self._recorded()

    # ------------------------------------------------------------------ what every phase uses

    def _say(self, share: float) -> None:
        if self.progress is None:
            return
        phases = self.assembled.configuration.phase
        state = SimpleNamespace(
            events=self.controller.pulses + self.controller.reads, source_voltage=self.voltage
        )
        self.progress((self.phase + share) / len(phases), phases[self.phase].kind, state)

    def _run(self, work: Generator[Any, Any, Any], gaps: Iterator[float]) -> None:
        """Carry out work on the clock, with rows of the monitor."""
        clock = self.controller.clock
        clock.run(clock.process(self.monitor.watch(work, gaps, self.phase)))

    def _snapshot(self, label: str) -> None:
        if isinstance(self.assembled.array, Crossbar):
            self.assembled.array.finish()
        self.snapshots.append((label, self.controller.clock.seconds, self._conductance()))

    def _conductance(self) -> Floats:
        """Return what a read of each cell alone would see (S), transistor included, as no time passes."""
        array, (m, n) = self.assembled.array, self.assembled.shape
        if not isinstance(array, TransistorWordLines):
            return conductance(self.assembled.cells, self.voltage).copy()
        bit_lines = np.arange(n)
        currents = [array.read_word_line(i, bit_lines, self.voltage, 0.0)[0] for i in range(m)]
        return np.array(currents) / self.voltage

    def _name(self, default: str) -> str:
        return self.assembled.configuration.phase[self.phase].name or default

    # ------------------------------------------------------------------ phases

    def program(self, phase: ProgramPhase) -> None:
        """Bring cells to their targets."""
        self.targets = self.assembled.targets(phase.targets)
        self.scheme = self._scheme(phase.scheme)
        self.assembled.check_program(self.phase + 1, phase, self.targets)
        outcomes: list[WriteOutcome] = []
        start = self.controller.clock.seconds
        gaps = itertools.repeat(phase.cadence) if phase.cadence is not None else iter(())
        self._run(self._programming(phase, self.scheme, outcomes), gaps)
        shape = self.assembled.shape
        reached = [-1 if o.reached is None else int(o.reached) for o in outcomes]
        self.values |= {
            "target": self.targets,
            "programmed": np.reshape([o.conductance for o in outcomes], shape),
            "program_pulses": np.reshape(np.array([o.pulses for o in outcomes], np.int64), shape),
            "reached": np.reshape(np.array(reached, np.int8), shape),
            "program_time": self.controller.clock.seconds - start,
            "program_time_serial": self._serial(outcomes, phase.scheme.width),
        }
        self._snapshot(self._name("programmed"))

    def _programming(
        self, phase: ProgramPhase, scheme: Scheme, outcomes: list[WriteOutcome]
    ) -> Generator[Any, Any, None]:
        targets, (m, n) = self.targets, self.assembled.shape
        assert targets is not None
        for i in range(m):
            if phase.parallel == "word line":
                yield from program_word_line(self.controller, i, targets[i], scheme, outcomes)
            else:
                cells = ((self.controller.cell(i, j), float(targets[i, j])) for j in range(n))
                yield from program_all(cells, scheme, outcomes)
            self._say((i + 1) / m)

    def _serial(self, outcomes: list[WriteOutcome], width: float) -> float:
        """Return the time (s) of all pulses, a read before the first and after each, one after the other."""
        t = self.controller.timing
        pulses = sum(o.pulses for o in outcomes)
        verified = [o.pulses for o in outcomes if o.reached is not None]
        reads = sum(verified) + len(verified)
        read_time = t.driver_latency + t.read_width + t.converter_latency
        return pulses * (t.driver_latency + width) + sum(verified) * t.settling + reads * read_time

    def _scheme(self, section: AnyScheme) -> Scheme:
        options = section.model_dump(exclude={"kind"})
        if section.kind == "current-limited":
            options["gate_for"] = self.assembled.transistor().gate_for
        scheme: Scheme = SCHEMES[section.kind](**options)
        return scheme

    def rest(self, phase: RestPhase) -> None:
        """Let time pass."""

        def work() -> Generator[Any, Any, None]:
            yield self.controller.clock.rest(phase.duration)

        gaps = np.diff(log_times(phase.first, phase.duration, phase.looks), prepend=0.0)
        self._run(work(), iter(gaps[:-1]))
        self._snapshot(self._name(f"after {in_words(phase.duration)}"))

    def refresh(self, phase: RefreshPhase) -> None:
        """Program again what has moved too far."""
        assert self.targets is not None and self.scheme is not None
        goal = [((int(i), int(j)), float(g)) for (i, j), g in np.ndenumerate(self.targets)]
        work = Refresh(
            period=phase.period,
            rounds=phase.rounds,
            targets=goal,
            scheme=self.scheme,
            tolerance=phase.tolerance,
        )
        self._run(work.run(self.controller), iter(()))
        self._snapshot(self._name("refreshed"))

    def retention(self, phase: RetentionPhase) -> None:
        """Let time pass and read cells at its start and at every look."""
        times = [0.0, *log_times(phase.first, phase.duration, phase.looks)]
        m, n = self.assembled.shape
        cells = phase.cells or itertools.product(range(m), range(n))
        work = Retention(times=times, cells=[(i, j) for i, j in cells])
        self._read(work, f"after {in_words(phase.duration)}")

    def staircase(self, phase: StaircasePhase) -> None:
        """Pulse one cell with rising or falling amplitudes."""
        options = phase.model_dump(exclude={"kind", "name", "cell"})
        self._read(Staircase(cell=(phase.cell[0], phase.cell[1]), **options), "after the staircase")

    def read_disturb(self, phase: ReadDisturbPhase) -> None:
        """Read one cell many times."""
        self._read(ReadDisturb(cell=(phase.cell[0], phase.cell[1]), count=phase.count), "after reads")

    def _read(self, work: Reads, label: str) -> None:
        """Carry out work that reads single cells, and keep its readings."""
        self._run(work.run(self.controller), iter(()))
        self.readings += [(self.phase, reading) for reading in work.readings]
        self._snapshot(self._name(label))

    def multiply(self, phase: MultiplyPhase) -> None:
        """Send random vectors through the array, bit by bit where it has gates."""
        m, _ = self.assembled.shape
        numbers = stream(self.assembled.seed, VECTORS).integers(0, 2**phase.bits, (phase.vectors, m))
        top_level = 2**phase.bits - 1
        array = self.assembled.array
        if isinstance(array, TransistorWordLines):
            # A bit of the numbers after the other, least first: on or off is all that a gate can say.
            planes = numbers[:, None] >> np.arange(phase.bits)[None, :, None] & 1
            drives = planes.reshape(-1, m).astype(np.float64)
            products = iter(array.multiply(drives > 0.0, self.voltage))
        else:
            drives = numbers * (self.voltage / top_level)
            products = iter(array.multiply(drives))
        cells = self._conductance()
        gates = array.shape[1] if isinstance(array, TransistorWordLines) else None
        work = Products(
            vectors=drives, multiply=lambda _: next(products), power=self._power(cells), gates=gates
        )
        self._run(work.run(self.controller), iter(()))
        currents = np.asarray(work.currents)
        if isinstance(array, TransistorWordLines):
            weight = 2.0 ** np.arange(phase.bits) / top_level
            currents = np.einsum("kbn,b->kn", currents.reshape(phase.vectors, phase.bits, -1), weight)
        share = numbers / top_level
        self.values |= {
            "input": numbers,
            "product": currents,
            "product_exact": self.voltage * share @ cells,
            "product_target": self.voltage * share @ (cells if self.targets is None else self.targets),
        }

    def _power(self, cells: Floats) -> Callable[[Floats, Floats], float]:
        """Return what gives the power of the sources (W) while a vector is on.

        With transistors the bit lines are driven, so that it is exact; on a passive array that of the cells
        without lines stands for it, which is more.
        """
        if isinstance(self.assembled.array, TransistorWordLines):
            return lambda _, current: float(self.voltage * np.sum(current))
        rows = cells.sum(axis=1)
        return lambda drive, _: float(drive**2 @ rows)

    def map(self, phase: MapPhase) -> None:
        """Solve the array once and keep every voltage and current."""
        array, (m, n) = self.assembled.array, self.assembled.shape
        if isinstance(array, TransistorWordLines):
            self.maps.append((f"all gates on, {phase.voltage:g} V", *gated_map(array, phase.voltage)))
            return
        array.finish()
        if phase.cell is None:
            solution = array.solve(biases.multiply(np.full(m, phase.voltage), n))
            label = f"all word lines at {phase.voltage:g} V"
        else:
            i, j = phase.cell
            solution = array.solve(biases.select((m, n), (i, j), phase.voltage, phase.scheme))
            label = f"cell ({i}, {j}) at {phase.voltage:g} V, {phase.scheme}"
        self.maps.append((label, solution.voltage, solution.current, np.array([solution.word, solution.bit])))

    def margin(self, phase: MarginPhase) -> None:
        """Find read margins against size."""
        self.values |= margins(self.assembled, phase, self._say)

    # ------------------------------------------------------------------ what a result holds

    def _recorded(self) -> dict[str, Any]:
        assembled, monitor = self.assembled, self.monitor
        phases = assembled.configuration.phase
        values: dict[str, Any] = {
            "phase_name": [phase.name or phase.kind for phase in phases],
            "phase_kind": [phase.kind for phase in phases],
            "phase_end": np.array(self.ends),
            "snapshot_label": [label for label, _, _ in self.snapshots],
            "snapshot_time": np.array([at for _, at, _ in self.snapshots]),
            "conductance": np.array([g for _, _, g in self.snapshots]),
            "read_voltage": self.voltage,
            "ambient_temperature": float(assembled.cells.temperature),
            **self._heat(),
            **self._area(),
        }
        if monitor.time:
            components = sorted(set().union(*monitor.energy))
            values |= {
                "time": np.array(monitor.time),
                "phase": np.array(monitor.phase, np.int32),
                "quantile": np.array(SHARES),
                "conductance_quantile": np.array(monitor.conductance),
                "component": components,
                "energy": np.array([[row.get(c, 0.0) for c in components] for row in monitor.energy]).reshape(
                    len(monitor.time), len(components)
                ),
                "pulses": np.array(monitor.pulses, np.int64),
                "reads": np.array(monitor.reads, np.int64),
            }
        return values | self._operations() | self._readings() | self._maps()

    def _area(self) -> dict[str, Any]:
        assembled = self.assembled
        m, n = assembled.shape
        parts = {"cells": wires.area_of(assembled.configuration.array.crossing, m * n, assembled.node)}
        parts |= assembled.periphery.area(m, n)
        return {"part": list(parts), "area": np.array(list(parts.values()))}

    def _heat(self) -> dict[str, Any]:
        heat = getattr(self.assembled.array, "heat", None)
        return {} if heat is None else {"neighbour_rise": heat.hottest}

    def _operations(self) -> dict[str, Any]:
        log = self.assembled.log
        if log is None or not len(log):
            return {}
        lane, start, end, word_line, bit_line = zip(*log, strict=True)
        lanes, codes = np.unique(lane, return_inverse=True)
        return {
            "lane": lanes.tolist(),
            "operation_lane": codes.astype(np.int8),
            "operation_start": np.array(start, np.int64),
            "operation_end": np.array(end, np.int64),
            "operation_word_line": np.array(word_line, np.int32),
            "operation_bit_line": np.array(bit_line, np.int32),
        }

    def _readings(self) -> dict[str, Any]:
        if not self.readings:
            return {}
        phases, readings = zip(*self.readings, strict=True)
        cells = np.array([reading.cell for reading in readings], np.int32)
        return {
            "reading_time": np.array([reading.time for reading in readings]),
            "reading_phase": np.array(phases, np.int32),
            "reading_word_line": cells[:, 0],
            "reading_bit_line": cells[:, 1],
            "reading_conductance": np.array([reading.conductance for reading in readings]),
            "reading_amplitude": np.array([reading.amplitude for reading in readings]),
        }

    def _maps(self) -> dict[str, Any]:
        if not self.maps:
            return {}
        gated = isinstance(self.assembled.array, TransistorWordLines)
        return {
            "map_label": [label for label, _, _, _ in self.maps],
            "map_voltage": np.array([voltage for _, voltage, _, _ in self.maps]),
            "map_current": np.array([current for _, _, current, _ in self.maps]),
            "map_line": np.array([line for _, _, _, line in self.maps]),
            "line": ["bit line", "source line"] if gated else ["word line", "bit line"],
        }


WORK: dict[str, Callable[[Session, Any], None]] = {
    "program": Session.program,
    "rest": Session.rest,
    "retention": Session.retention,
    "refresh": Session.refresh,
    "staircase": Session.staircase,
    "read-disturb": Session.read_disturb,
    "multiply": Session.multiply,
    "map": Session.map,
    "margin": Session.margin,
}


def gated_map(array: TransistorWordLines, voltage: float) -> tuple[Floats, Floats, Floats]:
    """Return voltages over the cells (V), currents (A) and line voltages (V) with all gates on."""
    m, n = array.shape
    gates = np.full((m, n), array.gate_on)
    inner = array.array
    solution = inner.solve(np.full(n, voltage), np.zeros(n), np.full(m, array.gate_on))
    cell_voltage = inner.crosspoint.branch(solution.node[0], solution.node[1], gates, inner.cells)[0]
    return cell_voltage, solution.current[0], solution.node


def run(
    configuration: ArrayConfiguration, *, folder: Path = Path(), progress: Progress | None = None
) -> "xr.Dataset":
    """Carry out what a configuration says.

    Parameters
    ----------
    configuration : ArrayConfiguration
    folder : Path
        Where files with a relative name are looked for.
    progress : callable, optional
        ``progress(share, name, state)`` now and then.

    Returns
    -------
    xarray.Dataset
        With the layout of :mod:`.array_file`.

    Raises
    ------
    ConfigurationError, ValueError
        A file or a number cannot be used.
    ConvergenceError
        Lines and cells could not be solved; names bias, cell and residual.
    """
    seed = provenance.draw_seed() if configuration.seed is None else configuration.seed
    with executors(configuration) as workers:
        assembled = AssembledArray(configuration, folder, seed, executors=workers)
        values = Session(assembled, progress).go()
    recorded = configuration.document() | {"seed": seed}
    if assembled.documents:
        recorded["documents"] = assembled.documents
    m, n = assembled.shape
    figures = {name: f"{value:.4g} {unit}" for name, (value, unit) in assembled.periphery.table().items()}
    attrs = provenance.attributes(
        configuration.title or f"{m} x {n} array of {configuration.array.crossing} cells",
        recorded,
        seed=seed,
        periphery=json.dumps(figures),
        periphery_label=periphery.LABEL,
    )
    return array_file.dataset(values, attrs)


def again(result: "xr.Dataset", origin: str = "the dataset") -> "xr.Dataset":
    """Run the configuration recorded in a result once more.

    Raises
    ------
    ProvenanceError, ConfigurationError
        It does not say what made it.
    """
    document, seed, _ = provenance.parse(result.attrs.get("provenance"), origin)
    return run(array_configuration.parse(document | {"seed": seed}, f"the configuration in {origin}"))
