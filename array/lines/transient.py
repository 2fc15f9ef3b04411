"""Lines with capacitance in time: TR-BDF2 steps under an error bound, each solved by the line solver.

Every node carries M dv/dt = F(v), with F the currents that lines, ends and cells send into it. A step of h is
a trapezoidal stage to gamma h and a backward-difference stage to h, gamma = 2 - sqrt 2, so that both have the
same matrix M/(d h) + J with d = gamma/2, of the structure of the lines at rest; the method is of second order
and L-stable [1]_ [2]_.

References
----------
.. [1] R. E. Bank et al., IEEE Trans. Electron Devices 32, 1992 (1985), 10.1109/T-ED.1985.22232.
.. [2] M. E. Hosea, L. F. Shampine, Appl. Numer. Math. 20, 21 (1996), 10.1016/0168-9274(95)00115-8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ... import checks
from ...errors import ConvergenceError
from ...typing import Floats
from .bias import Bias
from .network import Network
from .newton import KIRCHHOFF, Law, limited
from .solvers import SchurSolver

Nodes = tuple[Floats, Floats]
"""Values at the word and bit nodes, each (m, n)."""

GAMMA = 2.0 - np.sqrt(2.0)
SHARE = GAMMA / 2.0
"""d: of a step, the weight of its end in both stages."""

ERROR = (-3.0 * GAMMA**2 + 4.0 * GAMMA - 2.0) / (12.0 * (2.0 - GAMMA))
MOST_STEPS = 1_000_000
NEWTON_STEPS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacitance:
    """Of every node.

    Parameters
    ----------
    word, bit : float
        Of a segment of line with all that is not the cell, against ground (F), positive.
    cell : float
        Between both nodes of a cell (F), 0 or more.
    """

    word: float
    bit: float
    cell: float = 0.0

    def __post_init__(self) -> None:
        checks.positive("word", self.word, "F")
        checks.positive("bit", self.bit, "F")
        checks.at_least("cell", self.cell, 0, "F")

    def charge(self, nodes: Nodes) -> Nodes:
        """Return M v (C)."""
        between = self.cell * (nodes[0] - nodes[1])
        return self.word * nodes[0] + between, self.bit * nodes[1] - between

    def energy(self, nodes: Nodes) -> float:
        """Return the energy stored (J)."""
        word, bit = self.charge(nodes)
        return 0.5 * float(np.sum(word * nodes[0]) + np.sum(bit * nodes[1]))


@dataclass(eq=False)
class Transient:
    """What happened.

    Attributes
    ----------
    time : list of float
        Ends of all steps, the start first; a time at which the drive jumps stands twice (s).
    sensed : list of ndarray (n,)
        Current out of the bit lines at these times (A).
    watched : list of ndarray (w,)
        Voltage over the cells that were watched (V).
    power : list of (float, float)
        Of the sources, and lost in lines, drivers and sense amplifiers (W).
    word, bit : ndarray of shape (m, n)
        Node voltages at the end (V).
    energy : float
        From all sources (J), by the trapezoidal rule over the steps.
    line_loss : float
        Lost in segments, drivers and sense amplifiers (J).
    rejected : int
        Steps whose error was too large.
    """

    word: Floats
    bit: Floats
    time: list[float] = field(default_factory=list)
    sensed: list[Floats] = field(default_factory=list)
    watched: list[Floats] = field(default_factory=list)
    power: list[tuple[float, float]] = field(default_factory=list)
    energy: float = 0.0
    line_loss: float = 0.0
    rejected: int = 0


@dataclass(eq=False)
class Stepper:
    """Takes an array with capacitance through time.

    Parameters
    ----------
    network : Network
        Lines, all with resistance, and which ends are connected.
    law : callable
        Current (A) and slope (S) of all cells at their voltages (V).
    capacitance : Capacitance
        Of the nodes.
    scale : float or ndarray
        Voltage over which a cell's current grows by e (V); infinite for linear cells.
    tolerance : float
        Largest error of a node in a step (V), positive.
    """

    network: Network
    law: Law
    capacitance: Capacitance
    scale: Floats | float = np.inf
    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        checks.positive("tolerance", self.tolerance, "V")
        self.solver = SchurSolver(self.network)
        self._factored: tuple[float, Floats] | None = None

    def run(
        self,
        drive: Callable[[float], Bias],
        duration: float,
        *,
        corners: Sequence[float] = (),
        watch: Sequence[tuple[int, int]] = (),
        after: Callable[[Floats, float], None] | None = None,
    ) -> Transient:
        """Return what happens under a drive, from all nodes at 0 V.

        Parameters
        ----------
        drive : callable
            Bias at a time (s); the same ends connected throughout. Where it jumps its value is that after.
        duration : float
            (s), positive.
        corners : sequence of float
            Times (s) at which the drive jumps or bends.
        watch : sequence of (int, int)
            Cells whose voltage is recorded.
        after : callable, optional
            Called after each step with the mean voltage over every crossing (V) and the time it lasted (s).

        Raises
        ------
        ConvergenceError
            Kirchhoff's law is not met in a step that can get no shorter.
        """
        checks.positive("duration", duration, "s")
        shape = self.network.lines.shape
        nodes = np.zeros(shape), np.zeros(shape)
        # The drive may jump at a corner: each piece between two of them begins again, with F as it is there.
        ends = sorted({float(c) for c in corners if 0.0 < c < duration} | {duration})
        course, time, step = Transient(*nodes), 0.0, ends[0] * 1e-3
        cells = tuple(np.array(watch, dtype=np.intp).reshape(-1, 2).T)
        for end in ends:
            # The drive as it is before its jump at the end of this piece.
            last = np.nextafter(end, 0.0)
            flow = self._flow(drive(time), nodes)
            self._record(course, time, nodes, cells)
            while time < end:
                # A rest too short to stand alone goes with this step.
                step = min(step, end - time)
                if end - time - step < 1e-9 * step:
                    step = end - time
                new, flow_new, error = self._step(drive, time, step, last, nodes, flow)
                # The error of a method of second order goes as the cube of the step.
                grown = 0.9 * (self.tolerance / error) ** (1.0 / 3.0) if error > 0.0 else 3.0
                if error > self.tolerance:
                    course.rejected += 1
                    if not step > 1e-12 * duration:
                        raise ConvergenceError(
                            f"transient: error {error:.3g} V at {time:g} s in a step of {step:g} s"
                        )
                    step *= max(min(grown, 0.5), 0.1)
                    continue
                if after is not None:
                    # Cells have moved, so F at the end of the step is asked again.
                    mean = tuple(0.5 * (a + b) for a, b in zip(nodes, new, strict=True))
                    after(mean[0] - mean[1], step)
                    flow_new = self._flow(self.network.bias, new)
                time = end if step == end - time else time + step
                nodes, flow = new, flow_new
                self._record(course, time, nodes, cells)
                step *= min(max(grown, 0.2), 3.0)
                if len(course.time) > MOST_STEPS:
                    raise ConvergenceError(
                        f"transient: {MOST_STEPS} steps up to {time:g} s of {duration:g} s"
                    )
        course.word, course.bit = nodes
        power_given, power_lost = np.array(course.power).T
        course.energy, course.line_loss = (
            float(np.trapezoid(p, course.time)) for p in (power_given, power_lost)
        )
        return course

    def _flow(self, bias: Bias, nodes: Nodes) -> Nodes:
        """Return F, the current into every node (A)."""
        self.network.drive(bias)
        return self.network.residual(*nodes, self.law(nodes[0] - nodes[1])[0])

    def _record(
        self, found: Transient, now: float, nodes: Nodes, cells: tuple[NDArray[np.intp], ...]
    ) -> None:
        cell_voltage = nodes[0] - nodes[1]
        ends = self.network.terminals(*nodes, np.zeros_like(cell_voltage))
        found.time.append(now)
        found.sensed.append(-(ends[2] + ends[3]))
        found.watched.append(cell_voltage[cells])
        supplied = float(sum(np.nansum(v * i) for v, i in zip(self.network.bias.ends, ends, strict=True)))
        found.power.append((supplied, self.network.line_power(*nodes, ends)))

    def _step(
        self, drive: Callable[[float], Bias], now: float, step: float, last: float, nodes: Nodes, flow: Nodes
    ) -> tuple[Nodes, Nodes, float]:
        """Return the nodes after a step, F there and the largest error (V)."""
        g = GAMMA
        # Trapezoidal stage to gamma h.
        middle, flow_middle = self._stage(drive(min(now + g * step, last)), step, nodes, flow, nodes)
        a, b = 1.0 / (g * (2.0 - g)), (1.0 - g) ** 2 / (g * (2.0 - g))
        # Backward difference from the start and the middle; its matrix is that of the first stage.
        origin = tuple(a * x - b * y for x, y in zip(middle, nodes, strict=True))
        nothing = np.zeros_like(nodes[0])
        end, flow_end = self._stage(
            drive(min(now + step, last)), step, (origin[0], origin[1]), (nothing, nothing), middle
        )
        # Second difference of F, the third derivative of the voltages: what a method of second order misses.
        parts = [
            (2.0 * ERROR / SHARE) * (x / g - y / (g * (1.0 - g)) + z / (1.0 - g))
            for x, y, z in zip(flow, flow_middle, flow_end, strict=True)
        ]
        # Through the matrix of the step, so that fast modes, which it damps, do not count.
        error = self.solver.solve(parts[0], parts[1], tolerance=1e-4)
        return end, flow_end, float(max(np.abs(error[0]).max(), np.abs(error[1]).max()))

    def _stage(
        self, bias: Bias, step: float, origin: Nodes, flow: Nodes, guess: Nodes
    ) -> tuple[Nodes, Nodes]:
        """Solve M (z - origin)/(d h) = flow + F(z); return z and F(z)."""
        rate = 1.0 / (SHARE * step)
        self.network.drive(bias)
        word, bit = guess
        at = word - bit
        current, slope = self.law(at)
        steepest = rate * (self.capacitance.word + self.capacitance.bit + 2.0 * self.capacitance.cell)
        missed = np.inf
        for _ in range(NEWTON_STEPS):
            # Newton's method as at rest, with the charge that the nodes took up since `origin`.
            carried = current + slope * (word - bit - at)
            inflow = self.network.residual(word, bit, carried)
            stored = self.capacitance.charge((word - origin[0], bit - origin[1]))
            r_word, r_bit = (f + o - rate * s for f, o, s in zip(flow, inflow, stored, strict=True))
            self._factor(rate, slope)
            d_word, d_bit = self.solver.solve(r_word, r_bit, tolerance=1e-9)
            word, bit = word + d_word, bit + d_bit
            # Tangents at the new voltages, and Kirchhoff's law from the cells' own currents there.
            voltage = word - bit
            new = limited(voltage, at, self.scale)
            settled, at = new is voltage, new
            current, slope = self.law(at)
            inflow = self.network.residual(word, bit, current)
            stored = self.capacitance.charge((word - origin[0], bit - origin[1]))
            missed = max(
                float(np.abs(f + o - rate * s).max()) for f, o, s in zip(flow, inflow, stored, strict=True)
            )
            largest = max(float(np.abs(current).max()), rate * max(float(np.abs(s).max()) for s in stored))
            rounding = self.network.rounding + 1e-15 * steepest * float(
                np.abs(word).max() + np.abs(bit).max()
            )
            if settled and missed <= 10.0 * KIRCHHOFF * largest + rounding:
                return (word, bit), inflow
        raise ConvergenceError(
            f"transient: Kirchhoff's law missed by {missed:.3g} A after {NEWTON_STEPS} Newton steps "
            f"at a bias of {bias.amplitude:g} V in a step of {step:g} s"
        )

    def _factor(self, rate: float, slope: Floats) -> None:
        """Factor M/(d h) + J, unless it is that of the last time."""
        if self._factored is not None:
            old, same = self._factored
            if old == rate and np.array_equal(same, slope):
                return
        c = self.capacitance
        self.solver.factor(slope + rate * c.cell, (rate * c.word, rate * c.bit))
        self._factored = rate, slope
