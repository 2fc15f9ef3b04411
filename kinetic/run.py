"""One waveform on one device: lines between breakpoints, samples, limits of the circuit, events."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..checks import whole
from ..typing import Floats
from ._loop import Loop
from .engine.flicker import busiest_pair
from .extremes import Extremes
from .heating import MARGIN, TemperatureRamp
from .lattice.species import CATION, INTERSTITIAL, VACANCY
from .mechanisms.two_level import clock
from .occupation import Occupation, moves_electrons, occupation, set_electrons, without_electrons
from .score_function import ScoreFunction
from .solver import Solved, Solver
from .state import DeviceState
from .superbasin import NONE, RELAXES, Superbasin
from .waveform import Waveform

if TYPE_CHECKING:
    from .oxide_heat import OxideHeat

SAMPLED = (
    "time",
    "source_voltage",
    "device_voltage",
    "current",
    "conductance",
    "temperature_max",
    "events",
    "field_solves",
    "floor_events",
    "filled_traps",
)
"""Columns of a sample that are one number each; those of the atoms follow."""

TEMPERATURE = "temperature"
"""Column of a sample: temperature of the electrodes (K)."""

ATOMS = ("reservoir", "defect", "interstitial")
SECOND = ("second_reservoir", "second")
"""The same of the second kind of defect that conducts, in devices that have one."""

COUNTED = {"events", "field_solves", "floor_events", "filled_traps", *ATOMS, *SECOND}
"""Columns of a sample that are whole numbers."""

MOST_EVENTS = 2**63 - 1
"""Largest budget of events: what a counter of the compiled loop holds."""


class EventBudgetError(RuntimeError):
    """A run spent more events than it was allowed; the state is that after the last of them."""


@dataclass(slots=True)
class Record:
    """What a waveform did to a device.

    Attributes
    ----------
    label : str
        Name of the phase.
    sample : dict of str to ndarray
        ``time`` (s), ``source_voltage``, ``device_voltage`` (V), ``current`` (A), ``conductance`` (S),
        ``temperature_max`` (K), ``events``, ``field_solves``, ``floor_events``, ``filled_traps``,
        ``reservoir`` and the numbers ``defect`` (vacancies or metal atoms) and ``interstitial``;
        ``temperature`` of the electrodes (K); where both vacancies and cations conduct, the number ``second``
        of cations and their ``second_reservoir``.
    snapshots : list of dict
        ``time``, ``label``, ``sites``, ``species``, ``voltage``, ``current``; first and last moment at least.
    log : list of tuple
        ``(time, mechanism, direction, site_a, site_b)`` of every event, when asked for.
    extremes : Extremes
        Largest current and largest changes of it, of all events.
    """

    label: str
    sample: dict[str, NDArray[Any]]
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    log: list[tuple[float, int, int, int, int]] = field(default_factory=list)
    extremes: Extremes = field(default_factory=Extremes)


class Run(Loop):
    """One waveform on one device; parameters as of `Device.advance`.

    The total rate of all events, integrated over time, uses up the hazard: a unit exponential drawn after
    each event. Where it is used up the next event falls, drawn by the rates at that moment. Between events
    the atoms stand, so that one solution of the fields serves.
    """

    def __init__(
        self,
        state: DeviceState,
        solver: Solver,
        waveform: Waveform,
        *,
        samples: int,
        label: str,
        stop: Callable[[float], bool] | None = None,
        budget: int | None = None,
        log: bool = False,
        progress: Callable[[float], None] | None = None,
        superbasin: bool = False,
        extremes: Extremes | None = None,
        weights: ScoreFunction | None = None,
        heating: TemperatureRamp | None = None,
        set_temperature: Callable[[float], Solver] | None = None,
        oxide_heat: OxideHeat | None = None,
    ) -> None:
        whole("samples", samples, 2)
        if budget is not None:
            whole("budget", budget, 0, MOST_EVENTS)
        if superbasin and weights is not None:
            raise ValueError("superbasin must be off where weights are kept: it hides events")
        if heating is not None and weights is not None:
            raise ValueError("no weights may be kept while the temperature changes: they are of one")
        if oxide_heat is not None and (superbasin or weights is not None):
            raise ValueError(
                "thermal.transient must be false for a superbasin and where weights are kept: both take heat "
                "as steady"
            )
        if oxide_heat is not None and heating is not None:
            raise ValueError("thermal.transient must be false where the temperature of a phase is a ramp")
        super().__init__()
        self.state, self.solver, self.waveform = state, solver, waveform
        self.start, self.resolution = state.time, math.ulp(waveform.duration)
        self.slope = waveform.voltages[1] - waveform.voltages[0]
        self.extremes = Extremes() if extremes is None else extremes
        self.label, self.snapshots = label, list[dict[str, Any]]()
        # Means over traps take heat as steady.
        self.electronic = moves_electrons(state) & (state.averages_traps and oxide_heat is None)
        self.rows: list[tuple[float, ...]] = []
        self.sample_times: list[float] = sample_times(waveform, samples).tolist()
        self.counted: tuple[Solved | None, tuple[int, int, int, int]] = None, (0, 0, 0, 0)
        self.averaged: tuple[tuple[bytes, bytes, tuple[int, ...], float], Occupation | None] | None = None
        # Who is called at each event.
        self.stop, self.progress, self.weights, self.oxide_heat = stop, progress, weights, oxide_heat
        self.superbasin = Superbasin(state, solver) if superbasin else None
        self.set_temperature, self.next_step = set_temperature, math.inf
        self.steps = deque[tuple[float, float]]()
        if heating is not None:
            self.ramp, self.margin = heating, MARGIN
            self.steps.extend(heating.steps(float(solver.solved().events.arrays()["frequency"].sum())))
        self.log = [] if log else None
        self.budget, self.moved = budget, None
        if budget is not None:
            self.moved, self.left = {}, budget

    def run(self) -> Record:
        """Apply the waveform from its start to its end, or to where ``stop`` ends it."""
        self.state.look()
        self.begin_step()
        self.take_snapshot("start", self.waveform.voltages[0])
        self.take_sample(0.0, self.waveform.voltages[0])
        next_sample = 1
        for begin, end, low, high in self.waveform.segments():
            slope = (high - low) / (end - begin)
            local = begin
            while local < end and not self.ended:
                # No step passes a sample, a breakpoint or another temperature, which stand at exact times.
                until = min(end, self.sample_times[next_sample], self.next_step)
                local = self.go(local, until, begin, low, slope)
                if local >= self.next_step:
                    self.begin_step()
                if local >= self.sample_times[next_sample] or local >= end:
                    voltage = high if local >= end else low + slope * (local - begin)
                    if local >= self.sample_times[next_sample]:
                        next_sample = min(next_sample + 1, len(self.sample_times) - 1)
                    self.take_sample(local, voltage)
            if self.ended:
                break
        self.take_snapshot("end", self.state.source_voltage)
        columns = zip(*self.rows, strict=True)
        second = () if self.state.chemistry.second is None else SECOND
        sample = {
            name: np.array(column, np.int64 if name in COUNTED else np.float64)
            for name, column in zip((*SAMPLED, *ATOMS, TEMPERATURE, *second), columns, strict=True)
        }
        return Record(self.label, sample, self.snapshots, self.log or [], self.extremes)

    def begin_step(self) -> None:
        """Give the electrodes the temperature of the next step, if there is one."""
        if self.set_temperature is None or not self.steps:
            return
        self.solver = self.set_temperature(self.steps.popleft()[1])
        self.next_step = self.steps[0][0] if self.steps else math.inf
        self.averaged = None
        if self.superbasin is not None:
            self.superbasin = Superbasin(self.state, self.solver)

    # ------------------------------------------------------------------ what is passed in one step

    def leave_superbasin(self, begin: float, end: float, source: float) -> float | None:
        """Pass the time within a set of states; return where the run is then, None where there is no set."""
        assert self.superbasin is not None
        # Its law holds only while the voltage stands.
        departure = self.superbasin.leave(source, end - begin)
        if departure is None:
            return None
        elapsed, solution, voltage, chosen = departure
        end_time = end if chosen == NONE else begin + elapsed
        self.state.pass_time(self.start + end_time)
        self.state.look()
        if chosen == RELAXES:
            self.relax(source)
            if self.moved is not None:
                # Stands for the events within the set, which are not counted, and ends what never comes out.
                self.spend_event(source)
        elif chosen >= 0:
            self.fire(solution, source, voltage, chosen)
        return end_time

    def passed(self, begin: float, end: float, source: float) -> float | None:
        """Return where the run is after what it passes in one step, None where there is nothing to pass."""
        # Traps that switch much faster than atoms move: atoms see the mean over their states.
        if self.weights is None:
            averaged = self.trap_occupation(source)
            if averaged is not None and averaged.fast:
                return self.advance_averaged(averaged, begin, end, source)
        return None

    def begin_sites(self, source: float, slope: float, span: float) -> bool:
        """Give two-level sites the temperatures of the present network; return whether bonds are others then.

        Parameters
        ----------
        source, slope : float
            Source voltage (V), and its slope (V/s).
        span : float
            Time (s) between the last sample and the next one.
        """
        state, now = self.state, self.solver.solved()
        sites, active = state.two_level, now.active
        assert sites is not None and active is not None
        voltage = now.device_voltage(state.circuit, source)
        sharpness = now.sharpness(voltage, slope) if voltage else 0.0
        return sites.begin(
            active,
            now.site_rise(voltage, slope),
            state.temperature,
            clock=clock(now.at(voltage, slope).total(voltage), span),
            sharpness=sharpness,
            draw=state.engine.draw,
        )

    def trap_occupation(self, source: float) -> Occupation | None:
        """Return the occupation of the traps around the present atoms, solved once while they stand."""
        atoms, bonds = without_electrons(self.state).tobytes(), self.state.bond_factor.tobytes()
        key = (atoms, bonds, self.state.engine.reservoir, source)
        if self.averaged is None or self.averaged[0] != key:
            self.averaged = key, occupation(self.state, self.solver, source)
        return self.averaged[1]

    def advance_averaged(self, averaged: Occupation, begin: float, end: float, source: float) -> float:
        """Wait with switching traps at constant voltage for the next move of an atom, or to ``end``."""
        # Only atoms use up the hazard, at their mean rate over the states of the traps.
        state, total, elapsed = self.state, averaged.rate, end - begin
        hazard_left, weight = state.hazard - total * elapsed, averaged.share
        if not hazard_left > 0.0:
            elapsed, hazard_left = min(elapsed, state.hazard / total), 0.0
            weight = averaged.share * averaged.atoms

        # The wait ends in a state with its fraction of the time, or, before a move, of the moves.
        mark = np.cumsum(weight) / weight.sum()
        chosen = min(int(np.searchsorted(mark, state.engine.draw(), side="right")), len(mark) - 1)
        set_electrons(state, averaged.states[chosen])
        end_time = begin + elapsed if elapsed < end - begin else end
        state.pass_time(self.start + end_time, hazard_left)
        if hazard_left == 0.0:
            solution = self.solver.solved()
            voltage = solution.device_voltage(state.circuit, source)
            self.fire(solution, source, voltage, self.draw_event(solution, voltage, atoms_only=True))
        return end_time

    def refuse_more_events(self) -> None:
        """Raise the error of a budget that is used up, with the pair of sites that used most of it."""
        busiest = busiest_pair(self.moved or {}, self.state.chemistry.mechanisms, self.state.lattice)
        raise EventBudgetError(
            f"budget of {self.budget} events used up at {self.state.time - self.start:g} s and "
            f"{self.state.source_voltage:g} V; {busiest}: "
            "a flickering pair; raise the budget or ramp faster"
        )

    # ------------------------------------------------------------------ what is recorded

    def take_sample(self, local: float, source: float) -> None:
        """Record the numbers of this moment."""
        state = self.state
        conductance, solution = self.set_voltage(source), self.solver.solved()
        filled, defects, interstitials, cations = self.count_atoms(solution)
        stocks = state.engine.reservoir
        second = (stocks[3] if len(stocks) > 2 else 0, cations)
        voltage = state.device_voltage
        current = voltage * conductance
        self.look(source, voltage, current)
        self.rows.append(
            (
                self.start + local,
                source,
                voltage,
                current,
                conductance,
                state.temperature
                + (solution.rise(voltage) if self.oxide_heat is None else self.oxide_heat.rise(solution)),
                state.events,
                state.field_solves,
                state.floor_events,
                filled,
                stocks[1],
                defects,
                interstitials,
                state.temperature,
                *(() if state.chemistry.second is None else second),
            )
        )
        if self.progress is not None:
            self.progress(local / self.waveform.duration)
        if self.stop is not None and not self.ended and local > 0.0 and self.stop(current):
            self.ended = True

    def count_atoms(self, now: Solved) -> tuple[int, int, int, int]:
        """Return filled traps, defects, interstitials and cations, counted once while the atoms stand."""
        if self.counted[0] is not now:
            filled, count = self.state.filled_traps, self.state.count
            defects, interstitials, cations = (count(kind.code) for kind in (VACANCY, INTERSTITIAL, CATION))
            self.counted = now, (filled, defects, interstitials, cations)
        return self.counted[1]

    def take_snapshot(self, name: str, source: float) -> None:
        """Record where the defects are."""
        sites, species = self.state.defects
        conductance = self.set_voltage(source)
        voltage = self.state.device_voltage
        self.snapshots.append(
            {
                "time": self.state.time,
                "label": f"{self.label} {name}".strip(),
                "sites": sites,
                "species": species,
                "voltage": voltage,
                "current": voltage * conductance,
            }
        )


def sample_times(waveform: Waveform, samples: int) -> Floats:
    """Return times (s) spread evenly over the path of the voltage, over time where that is constant."""
    times, voltages = np.asarray(waveform.times), np.asarray(waveform.voltages)
    path = np.abs(np.diff(voltages))
    weight = path / path.sum() if path.sum() > 0 else np.zeros_like(path)
    is_constant = path == 0
    if is_constant.any():
        span = np.diff(times) * is_constant
        share = 0.5 if path.sum() > 0 else 1.0
        weight = weight * (1.0 - share) + share * span / span.sum()
    mark = np.concatenate([[0.0], np.cumsum(weight)])
    # Equal marks cannot be inverted; a segment always has some weight, so they rise strictly.
    return np.asarray(np.interp(np.linspace(0.0, mark[-1], samples), mark, times))
