"""One waveform on one device: pieces between breakpoints, samples, limits of the circuit and events."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..typing import Floats
from .engine.flicker import Moved, busiest_pair
from .lattice.species import INTERSTITIAL, VACANCY
from .occupation import Occupation, arrangement, become, occupation, of_electrons
from .superbasin import Superbasin
from .waveform import Waveform

if TYPE_CHECKING:
    from .device import Configuration, Device

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

BLINKS = 1000
"""Electronic events in a row after which their occupation is averaged, if they are fast enough."""

CHORD_STEP = 2e-3
"""Change of the source voltage (V) over which a nonlinear device is taken as a resistor."""


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
        ``reservoir`` and the numbers ``defect`` (vacancies or metal atoms) and ``interstitial``.
    snapshots : list of dict
        ``time``, ``label``, ``sites``, ``species``, ``voltage``, ``current``; first and last moment at least.
    log : list of tuple
        ``(time, mechanism, direction, site_a, site_b)`` of every event, when asked for.
    """

    label: str
    sample: dict[str, NDArray[Any]]
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    log: list[tuple[float, int, int, int, int]] = field(default_factory=list)


class Run:
    """One waveform on one device: pieces between breakpoints, samples, limits and events."""

    def __init__(
        self,
        device: Device,
        waveform: Waveform,
        samples: int,
        label: str,
        stop: Any,
        budget: int | None,
        log: bool,
        progress: Any,
        superbasin: bool = False,
    ) -> None:
        if samples < 2:
            raise ValueError(f"samples must be at least 2, got {samples}")
        self.device, self.waveform, self.stop, self.budget = device, waveform, stop, budget
        self.keep_log, self.progress = log, progress
        self.start = device.time
        self.first_event = device.events
        self.record = Record(label, {})
        self.rows: list[tuple[float, ...]] = []
        self.sample_times = sample_times(waveform, samples)
        self.moves: dict[Moved, int] = {}
        self.ended = False
        self.electronic = of_electrons(device)
        self.superbasin = Superbasin(device) if superbasin else None
        self.blinks = 0  # electronic events since an atom moved
        self.known: tuple[tuple[bytes, float], Occupation | None] | None = None

    def go(self) -> Record:
        device = self.device
        self.snapshot("start", self.waveform.voltages[0])
        self.sample(0.0, self.waveform.voltages[0])
        next_sample = 1
        for begin, end, low, high in self.waveform.segments():
            slope = (high - low) / (end - begin)
            local = begin
            while local < end and not self.ended:
                until = min(end, self.sample_times[next_sample])
                local = self.piece(local, until, low + slope * (local - begin), slope)
                if local >= self.sample_times[next_sample] or local >= end:
                    voltage = high if local >= end else low + slope * (local - begin)
                    device.time = self.start + local
                    if local >= self.sample_times[next_sample]:
                        next_sample = min(next_sample + 1, len(self.sample_times) - 1)
                    self.sample(local, voltage)
            if self.ended:
                break
        self.snapshot("end", device.source_voltage)
        names = (*SAMPLED, "reservoir", "defect", "interstitial")
        whole = {
            "events",
            "field_solves",
            "floor_events",
            "filled_traps",
            "reservoir",
            "defect",
            "interstitial",
        }
        columns = zip(*self.rows, strict=True)
        self.record.sample = {
            name: np.array(column, np.int64 if name in whole else np.float64)
            for name, column in zip(names, columns, strict=True)
        }
        return self.record

    def piece(self, begin: float, end: float, source: float, slope: float) -> float:
        """Advance to the next event, to a change of the circuit's regime, or to ``end``; return where."""
        device = self.device
        if self.superbasin is not None and slope == 0.0 and self.superbasin.ready:
            reached = self.leave_superbasin(self.superbasin, begin, end, source)
            if reached is not None:
                return reached
        if slope == 0.0 and self.blinks >= BLINKS:
            averaged = self.occupied(source)
            if averaged is not None and averaged.fast:
                return self.rest(averaged, begin, end, source)
        now = device.configuration()
        conductance, duration = now.chord(device.circuit, source), end - begin
        if now.law is not None and slope != 0.0:
            duration = min(duration, CHORD_STEP / abs(slope))
        voltage, rate, duration = device.circuit.piece(
            source, slope, duration, conductance, math.ulp(self.waveform.duration)
        )
        elapsed, device._hazard = now.prices.advance(voltage, rate, duration, device._hazard)
        reached = begin + elapsed if elapsed < end - begin else end
        device.time = self.start + reached
        if device._hazard == 0.0:
            volts = voltage + rate * elapsed
            self.event(now, source + slope * elapsed, volts, self.pick(now, volts))
        return reached

    def leave_superbasin(self, found: Superbasin, begin: float, end: float, source: float) -> float | None:
        """Pass the time within a set of states; return where the run is then, None where there is no set."""
        left = found.leave(source, end - begin)
        if left is None:
            return None
        elapsed, now, voltage, chosen = left
        reached = begin + elapsed if chosen >= 0 else end
        self.device.time = self.start + reached
        if chosen >= 0:
            self.event(now, source, voltage, chosen)
        return reached

    def occupied(self, source: float) -> Occupation | None:
        """Return the occupation of the traps around the present atoms, solved once while they stand."""
        key = (arrangement(self.device).tobytes(), source)
        if self.known is None or self.known[0] != key:
            self.known = key, occupation(self.device, source)
        return self.known[1]

    def rest(self, averaged: Occupation, begin: float, end: float, source: float) -> float:
        """Wait with blinking traps at constant voltage for the next move of an atom, or to ``end``."""
        device = self.device
        total, elapsed = averaged.rate, end - begin
        if total * elapsed < device._hazard:
            device._hazard -= total * elapsed
            weight = averaged.share
        else:
            elapsed = min(elapsed, device._hazard / total)
            device._hazard = 0.0
            weight = averaged.share * averaged.atoms
        mark = np.cumsum(weight) / weight.sum()
        state = min(int(np.searchsorted(mark, device.engine.draw(), side="right")), len(mark) - 1)
        become(device, averaged.states[state])
        reached = begin + elapsed if elapsed < end - begin else end
        device.time = self.start + reached
        if device._hazard == 0.0:
            now = device.configuration()
            voltage = device.circuit.device_voltage(source, now.chord(device.circuit, source))
            self.event(now, source, voltage, self.pick(now, voltage, atoms_only=True))
        return reached

    def event(self, now: Configuration, source: float, voltage: float, chosen: int) -> None:
        device = self.device
        device.floor_events += now.prices.at_floor(chosen, voltage)
        catalogue = device.engine.catalogue()
        a, b = int(catalogue.site_a[chosen]), int(catalogue.site_b[chosen])
        blink = self.electronic[int(catalogue.mechanism[chosen])]
        self.blinks = self.blinks + 1 if blink else 0
        if self.keep_log:
            self.record.log.append(
                (device.time, int(catalogue.mechanism[chosen]), int(catalogue.direction[chosen]), a, b)
            )
        device.engine.fire(chosen)
        if self.superbasin is not None:
            self.superbasin.note()
        device._hazard = device._draw_hazard()
        if self.budget is not None:
            moved = (int(catalogue.mechanism[chosen]), min(a, b), max(a, b))
            self.moves[moved] = self.moves.get(moved, 0) + 1
            if device.events - self.first_event > self.budget:
                self.over_budget()
        if self.stop is not None:
            conductance = device._set_voltage(source)
            if self.stop(device, device.device_voltage * conductance):
                self.ended = True
                self.sample(device.time - self.start, source)

    def pick(self, now: Configuration, voltage: float, atoms_only: bool = False) -> int:
        """Draw the event that happens, of all or of those that move atoms."""
        draw = self.device.engine.draw()
        if not atoms_only:
            return int(now.prices.pick(voltage, draw))
        now.prices.total(voltage)
        columns = now.prices.arrays()
        rate = np.where(self.electronic[columns["mechanism"]], 0.0, columns["rate"])
        return min(int(np.searchsorted(np.cumsum(rate), draw * rate.sum(), side="right")), len(rate) - 1)

    def over_budget(self) -> None:
        busiest = busiest_pair(self.moves, self.device.chemistry.mechanisms, self.device.lattice)
        raise EventBudgetError(
            f"budget of {self.budget} events used up at {self.device.time - self.start:g} s and "
            f"{self.device.source_voltage:g} V; {busiest}: "
            "a flickering pair; raise the budget or ramp faster"
        )

    def sample(self, local: float, source: float) -> None:
        device = self.device
        now = device.configuration()
        conductance = device._set_voltage(source)
        voltage = device.device_voltage
        current = voltage * conductance
        self.rows.append(
            (
                self.start + local,
                source,
                voltage,
                current,
                conductance,
                device.temperature + now.heat_max * voltage * voltage,
                device.events,
                device.field_solves,
                device.floor_events,
                device.filled_traps,
                device.engine.reservoir[1],
                device.count(VACANCY.code),
                device.count(INTERSTITIAL.code),
            )
        )
        if self.progress is not None:
            self.progress(local / self.waveform.duration, device)
        if self.stop is not None and not self.ended and local > 0.0 and self.stop(device, current):
            self.ended = True

    def snapshot(self, name: str, source: float) -> None:
        device = self.device
        sites, species = device.defects
        conductance = device._set_voltage(source)
        voltage = device.device_voltage
        self.record.snapshots.append(
            {
                "time": device.time,
                "label": f"{self.record.label} {name}".strip(),
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
    still = path == 0
    if still.any():
        span = np.diff(times) * still
        share = 0.5 if path.sum() > 0 else 1.0
        weight = weight * (1.0 - share) + share * span / span.sum()
    mark = np.concatenate([[0.0], np.cumsum(weight)])
    # Equal marks cannot be inverted; a segment always has some weight, so they rise strictly.
    return np.asarray(np.interp(np.linspace(0.0, mark[-1], samples), mark, times))
