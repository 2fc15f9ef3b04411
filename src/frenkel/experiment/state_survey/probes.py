"""What a state does under a voltage that its protocol does not apply, on a twin of the device."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ...analysis.results.metrics import event_voltage
from ...configuration.measure import HoldSection, MeasureSection
from ...configuration.phases import Sweep
from ...data.probes import BUDGET, KINDS, RAMP
from ...kinetic.circuit import Circuit
from ...kinetic.device import Device
from ...kinetic.extremes import Extremes
from ...kinetic.run import EventBudgetError
from ...kinetic.waveform import Waveform
from .reading import level
from .resting import rest


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """One probe: kind, source voltage (V; of a ramp its tip), time (s; of a ramp up to its tip), heat (K),
    and a limit of the current (A) where it is not that of the protocol.
    """

    kind: int
    voltage: float
    time: float
    temperature: float
    limit: float | None = None


@dataclass(slots=True)
class Probe:
    """What a probe did: ln of the conductance (S) before and after it, switching voltage (V), events,
    of a rest those that left a state with its neighbours.

    NaN: the end is not known, since it took too many events; a ramp did not switch, or took too many events
    before a limit of the current acted; no ramp.
    """

    plan: ProbePlan
    cycle: int
    state: int
    series: float
    limit: float
    before: float
    after: float
    switched: float
    events: int


def plans(
    settings: MeasureSection, sweep: Sweep | None, temperature: float, random: np.random.Generator
) -> list[ProbePlan]:
    """Draw the probes of one end state; ``sweep`` is the phase that switches it."""
    drawn: list[ProbePlan] = []
    for number, kind in enumerate(KINDS[:3]):
        section: HoldSection | None = getattr(settings, kind)
        if section is None:
            continue
        grid = list(product(section.voltages, section.times, section.temperatures or (temperature,)))
        for place in chosen(len(grid), section.draws, random):
            voltage, time, heat = grid[place]
            drawn.append(ProbePlan(number, voltage, time * section.pulses, heat))
    if settings.ramp is not None and sweep is not None:
        # What a limit decides is the state after a SET.
        limits = (settings.ramp.limits or (None,)) if sweep.kind == "set" else (None,)
        ramps = list(product(settings.ramp.rates, limits))
        for place in chosen(len(ramps), settings.ramp.draws, random):
            rate, limit = ramps[place]
            drawn.append(ProbePlan(RAMP, sweep.amplitude, abs(sweep.amplitude) / rate, temperature, limit))
    return drawn


def chosen(of: int, draws: int, random: np.random.Generator) -> list[int]:
    """Draw places of a grid: each at most once, all of them where as many are asked for."""
    picked: list[int] = random.choice(of, size=min(draws, of), replace=False).tolist()
    return picked


def carry_out(
    plan: ProbePlan,
    twin: Device,
    circuit: Circuit,
    sweep: Sweep | None,
    read_voltage: float,
    random: np.random.Generator,
) -> dict[str, Any]:
    """Apply a probe to a device in the state that it starts from; return what became of it.

    What is held has the device's own random numbers; a rest, which goes from one set of arrangements to the
    next, those that are given.
    """
    twin.circuit = circuit
    before, events, begin = level(twin.solved(), read_voltage), twin.events, twin.time
    outcome = {"before": before, "after": np.nan, "switched": np.nan, "events": BUDGET}
    if plan.voltage == 0.0:
        rest_state = rest(twin, plan.time, read_voltage, BUDGET, random)
        if rest_state is None:
            return outcome
        return outcome | {"after": level(twin.solved(), read_voltage), "events": rest_state}
    ramp = plan.kind == RAMP
    if ramp:
        waveform = Waveform.triangle(plan.voltage, abs(plan.voltage) / plan.time)
    else:
        waveform = Waveform.constant(plan.voltage, plan.time)
    extremes, ended = Extremes(), True
    try:
        twin.advance(waveform, samples=3, budget=BUDGET, superbasin=not ramp, extremes=extremes)
    except EventBudgetError:
        ended = False
    if ended:
        outcome |= {"after": level(twin.solved(), read_voltage), "events": twin.events - events}
    # What flickers at the limit has switched before.
    if sweep is not None and ramp and (ended or extremes.limited):
        limit = np.nan if circuit.compliance is None else circuit.compliance
        corners = {"time": begin + np.array(waveform.times), "source_voltage": np.array(waveform.voltages)}
        outcome["switched"] = event_voltage(corners, extremes.values(), sweep.kind, limit)
    return outcome
