"""The table ``[measure]`` of a configuration: what is looked at in each device beside its protocol.

::

    [measure]
    cycles = 4                  # of each device, spread evenly; the parts below start from their end states
    ends = 12                   # cycles of each device whose end states are read, for rare ones
    jumps = 20                  # kept of each device, drawn from the events of its cycles
    walks = 2                   # from each end state, of `steps` events at a drawn source voltage
    settle = 40                 # most events at rest after each of these walks, until the oxide has relaxed

    [measure.hold]              # for judging only
    draws = 4                   # of the pairs of voltage and time, from each end state
    voltages = "-1, -0.5, 0.5, 0.8 V"
    times = "0.1, 1, 10 us"

The protocol goes on as if nothing had been looked at.
"""

from itertools import pairwise
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from ..checks import COLDEST, HOTTEST
from .base import RATES, TIMES, Section
from .quantity import reads_all, writes

Voltages = Annotated[tuple[float, ...], reads_all("V", -100.0, 100.0), writes("V")]
Read = Annotated[tuple[float, ...], reads_all("V", -20.0, 20.0), writes("V")]
Times = Annotated[tuple[float, ...], reads_all("s", *TIMES), writes("s")]
Rates = Annotated[tuple[float, ...], reads_all("V/s", *RATES), writes("V/s")]
Currents = Annotated[tuple[float, ...], reads_all("A", 1e-15, 1.0), writes("A")]
Temperatures = Annotated[tuple[float, ...], reads_all("K", COLDEST, HOTTEST), writes("K")]
MOST = 10_000
"""Most jumps, walks or draws that are kept of one device."""

GRID = tuple(float(volts) for volts in np.round(np.linspace(-1.8, 1.8, 25), 12))


class HoldSection(Section):
    """A constant source voltage for a time, from an end state, on random numbers of its own.

    ``pulses`` of one time each are applied as one, since a circuit without capacitance keeps nothing from one
    to the next; what happens at 0 V between them is left out.
    """

    draws: int = Field(default=1, ge=1, le=MOST)
    voltages: Voltages = Field(min_length=1, max_length=1000)
    times: Times = Field(min_length=1, max_length=1000)
    pulses: int = Field(default=1, ge=1, le=10**9)
    temperatures: Temperatures | None = Field(default=None, min_length=1, max_length=100)


class RampSection(Section):
    """The phase that switches an end state, as a triangle of another rate, a SET under another limit too."""

    draws: int = Field(default=1, ge=1, le=MOST)
    rates: Rates = Field(min_length=1, max_length=100)
    limits: Currents | None = Field(default=None, min_length=1, max_length=100)


class MeasureSection(Section):
    """What is looked at in each device beside its protocol.

    Attributes
    ----------
    cycles : int
        How many cycles of a device have their end states looked at, spread evenly over all of them.
    ends : int or None
        How many have their end states read alone, spread evenly: a state that one in a hundred ends as is
        met in many, not in a few. None: those of ``cycles``.
    voltages : tuple of float
        Device voltages (V) at which rates and currents of a state are read, ascending, 0 V among them.
    temperatures : tuple of float
        At which the rates are read (K).
    jumps : int
        Events of the cycles that are kept of a device, each as likely as the others; of all phases where
        there are no cycles.
    walks, steps : int
        Walks from each end state at a drawn source voltage, each third one at rest, and the events of each.
    settle : int
        Most events at rest that follow each walk under a voltage until the oxide has relaxed, of which two
        are kept: what soft pulses leave, which end states do not tell.
    limits : tuple of float or None
        Of the current (A) in walks where the protocol has one, drawn for each; None: that of the protocol.
    hold, half_select, rest, ramp : section or None
        For judging only: nothing is fitted to them.
    """

    cycles: int = Field(default=1, ge=1, le=100_000)
    ends: int | None = Field(default=None, ge=1, le=100_000)
    voltages: Read = Field(default=GRID, min_length=3, max_length=1000)
    temperatures: Temperatures = Field(default=(300.0, 330.0, 358.0), min_length=1, max_length=100)
    jumps: int = Field(default=1, ge=0, le=MOST)
    walks: int = Field(default=1, ge=0, le=MOST)
    limits: Currents | None = Field(default=None, min_length=1, max_length=100)
    steps: int = Field(default=3, ge=1, le=MOST)
    settle: int = Field(default=0, ge=0, le=MOST)
    hold: HoldSection | None = None
    half_select: HoldSection | None = None
    rest: HoldSection | None = None
    ramp: RampSection | None = None

    @model_validator(mode="after")
    def _check(self) -> "MeasureSection":
        if any(not low < high for low, high in pairwise(self.voltages)):
            raise ValueError("voltages must ascend")
        if 0.0 not in self.voltages:
            raise ValueError("voltages must hold 0 V, where states are left at rest")
        if len(set(self.temperatures)) < len(self.temperatures):
            raise ValueError("temperatures must differ from each other")
        return self
