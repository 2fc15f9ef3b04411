"""Largest current of a waveform and largest changes of it at one event: of all moments, not of samples.

Between two events the atoms stand, so that the current rises with the voltage across the device and the
voltage follows the source: the largest is at an end of a straight piece. A run looks at each device before
and after every event, at the same source voltage, and at the breakpoints of the waveform.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from . import _extremes

DIRECTIONS = ("up", "down")
"""Of a change of the current's magnitude, in the order of `Extremes.values`."""


class CurrentSample(NamedTuple):
    """Current (A), source and device voltage (V) and time (s); NaN where there is none."""

    current: float = math.nan
    source_voltage: float = math.nan
    device_voltage: float = math.nan
    time: float = math.nan


class CurrentStep(NamedTuple):
    """One event: change of the current's magnitude (A), the current and voltages (V) before it, time (s)."""

    change: float = math.nan
    current: float = math.nan
    source_voltage: float = math.nan
    device_voltage: float = math.nan
    time: float = math.nan


class HotEvent(NamedTuple):
    """Temperature that an event reads (K), how long the atoms had stood before it (s), and its time (s)."""

    temperature: float = math.nan
    duration: float = math.nan
    time: float = math.nan


NO_MOMENT, NO_STEP, NO_EVENT = CurrentSample(), CurrentStep(), HotEvent()


@dataclass(slots=True)
class Extremes:
    """Largest current so far, and the events that changed it most.

    Steps are counted in amperes: a hop within a broken filament may multiply a current of next to nothing,
    and the last hop of a RESET divides one. They are counted until a limit of the circuit acts for the first
    time, since from then on the current is that of the limit, and its falls and returns are none of the
    switching that led there.

    Arrangements that a run passes in one step (a superbasin, an average over traps) are not looked at: the
    voltage stands there, and the device has gone through them event by event before.

    Attributes
    ----------
    peak : CurrentSample
        Of the largest current, by magnitude; the first such moment.
    out : CurrentSample
        The same of the moments at which the source does not go back towards 0 V. A contact that flickers may
        join for a moment after a RESET, while the source goes back, and draw more than the RESET did.
    up, down : CurrentStep
        Largest rise and fall of the magnitude at one event.
    limited : bool
        Whether a limit of the circuit has acted.
    hottest : HotEvent
        The event that read the highest temperature.
    last_event : float
        Time of the last event (s); NaN before the first.
    """

    peak: CurrentSample = NO_MOMENT
    out: CurrentSample = NO_MOMENT
    up: CurrentStep = NO_STEP
    down: CurrentStep = NO_STEP
    limited: bool = False
    hottest: HotEvent = NO_EVENT
    last_event: float = math.nan

    def __post_init__(self) -> None:
        # A checkpoint gives lists.
        self.peak, self.out = CurrentSample(*self.peak), CurrentSample(*self.out)
        self.up, self.down = CurrentStep(*self.up), CurrentStep(*self.down)
        self.hottest = HotEvent(*self.hottest)

    def look(self, now: CurrentSample, limits: tuple[float, float], slope: float) -> None:
        """Take note of a moment.

        Parameters
        ----------
        now : CurrentSample
        limits : tuple of float
            Least and largest current (A) of the circuit.
        slope : float
            Of the source voltage (V/s); its sign alone counts.
        """
        _extremes.look(self, now, limits, slope)

    def event(
        self, before: CurrentSample, after: CurrentSample, limits: tuple[float, float], slope: float
    ) -> None:
        """Take note of an event, by the moments before and after it."""
        _extremes.event(self, before, after, limits, slope)

    def values(self) -> dict[str, float | list[float]]:
        """Return the numbers under the names of a result; of steps a pair, as `DIRECTIONS` are."""
        steps = (self.up, self.down)
        return {
            "peak_current": self.peak.current,
            "peak_source_voltage": self.peak.source_voltage,
            "peak_device_voltage": self.peak.device_voltage,
            "peak_time": self.peak.time,
            "out_current": self.out.current,
            "out_source_voltage": self.out.source_voltage,
            "out_device_voltage": self.out.device_voltage,
            "out_time": self.out.time,
            "step_current": [step.change for step in steps],
            "step_from": [step.current for step in steps],
            "step_source_voltage": [step.source_voltage for step in steps],
            "step_device_voltage": [step.device_voltage for step in steps],
            "step_time": [step.time for step in steps],
        }
