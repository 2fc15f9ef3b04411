"""What is written down while an array works: rows at a cadence in simulated time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ..cells.interface import Cells, conductance
from ..typing import Floats
from .clock import Process
from .controller import Controller

SHARES = (0.05, 0.5, 0.95)
"""Quantiles of the conductance that a row holds."""


@dataclass
class Monitor:
    """Looks at the cells themselves, which costs no time and disturbs nothing.

    Parameters
    ----------
    controller : Controller
        Of the array.
    cells : Cells
        Of the array.
    voltage : float
        At which conductances are given (V).

    Attributes
    ----------
    time : list of float
        Of each row (s).
    phase : list of int
        Number of the phase.
    conductance : list of ndarray of shape (3,)
        Quantiles 5, 50 and 95 % over the cells (S).
    energy : list of dict
        By component, so far (J).
    pulses, reads : list of int
        So far.
    """

    controller: Controller
    cells: Cells
    voltage: float = 0.1
    time: list[float] = field(default_factory=list)
    phase: list[int] = field(default_factory=list)
    conductance: list[Floats] = field(default_factory=list)
    energy: list[dict[str, float]] = field(default_factory=list)
    pulses: list[int] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)

    def take(self, phase: int = 0) -> None:
        """Write one row now."""
        self.controller.settle()
        values = conductance(self.cells, self.voltage)
        self.time.append(self.controller.clock.seconds)
        self.phase.append(phase)
        self.conductance.append(np.quantile(values, SHARES))
        self.energy.append(dict(self.controller.meter.energy))
        self.pulses.append(self.controller.pulses)
        self.reads.append(self.controller.reads)

    def watch(self, work: Process, gaps: Iterable[float], phase: int = 0) -> Process:
        """Carry out some work, with a row at its start, after every gap (s), and at its end.

        Returns
        -------
        generator
            What the work returns.
        """
        clock = self.controller.clock
        process = clock.process(work)
        self.take(phase)
        for gap in gaps:
            yield clock.any_of([process, clock.rest(gap)])
            if not process.is_alive:
                break
            self.take(phase)
        value = yield process
        self.take(phase)
        return value
