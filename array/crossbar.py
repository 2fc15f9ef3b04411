"""A passive crossbar: cells with what stands beside them, between resistive word and bit lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from .. import checks
from ..cells.interface import Cells, jumps
from ..errors import ConvergenceError
from ..typing import Floats
from .cross import CrossSolver
from .crosspoint import Crosspoint, Direct
from .crosstalk import ArrayHeat
from .lines import bias as biases
from .lines.bias import Bias
from .lines.effective import effective_matrix, load_line
from .lines.network import Lines, Network, Solution
from .lines.newton import solve
from .lines.solvers import DirectSolver, SchurSolver, solver_for
from .lines.transient import Capacitance, Stepper, Transient
from .pulse_memory import PulseMemory, Surroundings, Visit

RELINEARISE = 5e-3
"""Change of the selected cell's voltage (V) after which the array around it is solved again."""

FIRST_PART = 1e-3
"""Of a pulse whose parts adapt: its first part."""

MANY = 0.4
"""Vectors, as a fraction of the bit lines, from which the effective matrix costs less than solving each."""

SETTLING = 50
"""Most rounds of selectors turning on and off within one solve."""


class Crossbar:
    """A passive array that can be read, multiplied with, programmed and left alone.

    Parameters
    ----------
    cells : Cells
        Of shape (m, n).
    lines : Lines
        Of the same shape.
    crosspoint : Crosspoint, optional
        What stands beside each cell; nothing by default.
    scheme : {"half", "third", "floating", "grounded"}
        Unselected lines during a pulse.
    steps : int
        Equal parts of a pulse over which the selected cell's voltage is held, at least 1.
    voltage_step : float, optional
        Instead, parts that grow and shrink so that the voltage of the selected crossing moves by about this
        much (V) in each. Not for cells that jump: what is around them acts at every jump.
    use_load_line : bool
        Replace the array around the selected cell by its Thevenin equivalent until the cell's voltage has
        moved by 5 mV, and the array by the two lines of the cell where its selectors let nothing else carry
        (:mod:`.cross`); otherwise the whole array is solved at every step.
    heat : ArrayHeat, optional
        Heat that cells give each other; none by default.

    Attributes
    ----------
    solves : int
        Solves of the whole array so far.

    Raises
    ------
    ValueError
        Shapes that differ, an unknown scheme, no step.
    """

    def __init__(
        self,
        cells: Cells,
        lines: Lines,
        crosspoint: Crosspoint | None = None,
        *,
        scheme: str = "half",
        steps: int = 1,
        voltage_step: float | None = None,
        use_load_line: bool = True,
        heat: ArrayHeat | None = None,
    ) -> None:
        if cells.shape != lines.shape:
            raise ValueError(f"cells are {cells.shape}, lines {lines.shape}: both must have the same shape")
        checks.one_of("scheme", scheme, biases.UNSELECTED)
        checks.whole("steps", steps, 1)
        if voltage_step is not None:
            checks.positive("voltage_step", voltage_step, "V")
            if jumps(cells):
                raise ValueError("voltage_step is not for cells that jump: leave it out")
        self.cells, self.lines, self.scheme = cells, lines, scheme
        self.steps, self.voltage_step = steps, voltage_step
        self.crosspoint: Crosspoint = Direct() if crosspoint is None else crosspoint
        self.use_load_line, self.solves = use_load_line, 0
        self._networks: dict[bytes, tuple[Network, SchurSolver | DirectSolver]] = {}
        self._guess: dict[bytes, tuple[Floats, Floats]] = {}
        self._kept: tuple[Floats, Floats] | None = None  # slopes of the crossings (S), and their matrix
        self.memory, self.heat = PulseMemory(self.cells, self.crosspoint, heat), heat
        self._cross = CrossSolver(self.lines, self.cells, self.crosspoint)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of word and bit lines."""
        return self.lines.shape

    # ------------------------------------------------------------------ at rest

    def _network(self, bias: Bias) -> tuple[bytes, Network, SchurSolver | DirectSolver]:
        """Return matrices for the ends that a bias connects, made once."""
        key = np.concatenate(bias.connected).tobytes()
        if key not in self._networks:
            network = Network(self.lines, bias)
            self._networks[key] = network, solver_for(network)
        network, solver = self._networks[key]
        network.drive(bias)
        return key, network, solver

    def law(self, voltage: Floats) -> tuple[Floats, Floats]:
        """Return current (A) and slope (S) of all crossings at their voltages (V)."""
        return self.memory.law(voltage)

    def solve(
        self, bias: Bias, *, warm: bool = False, guess: tuple[Floats, Floats] | None = None
    ) -> Solution:
        """Return voltages and currents under a bias.

        Parameters
        ----------
        bias : Bias
            What the ends of the lines are connected to.
        warm : bool
            Start from the last solution with the same ends connected.
        guess : (word, bit), optional
            Otherwise node voltages to start from (V).

        Raises
        ------
        ConvergenceError
            Kirchhoff's law is not met, or selectors do not settle.
        """
        key, network, solver = self._network(bias)
        guess = self._guess.get(key) if warm else guess
        for _ in range(SETTLING):
            self.solves += 1
            solution = solve(network, solver, self.law, scale=self.crosspoint.scale(self.cells), guess=guess)
            guess = solution.word, solution.bit
            if not self.crosspoint.settle(solution.voltage, self.cells):
                self._guess[key] = guess
                return solution
        turned = getattr(self.crosspoint, "turned", np.ones(self.shape, dtype=bool))
        i, j = np.argwhere(turned)[0]
        raise ConvergenceError(
            f"selectors still turn on and off after {SETTLING} rounds at a bias of {bias.amplitude:g} V, "
            f"such as that of cell ({i}, {j}) at {solution.voltage[i, j]:.3g} V; "
            f"Kirchhoff's law is met but for {solution.residual:.3g} A"
        )

    def multiply(self, voltages: ArrayLike) -> Floats:
        """Return currents out of the bit lines (A), (..., n), for voltages on the word lines (V), (..., m).

        Where all crossings are linear many vectors go through the effective matrix, and so does any number
        while the matrix of the last call holds; otherwise each vector is solved by itself, from the solution
        before. Every word line is driven; for floating ones `solve` a bias of
        `frenkel.array.lines.bias.lines`.

        Raises
        ------
        ValueError
            Vectors of another length than there are word lines, or a voltage that is not finite.
        """
        given = np.asarray(voltages, dtype=np.float64)
        checks.shape("voltages", given, (*given.shape[:-1], self.shape[0]), "word line")
        checks.finite("voltages", given, "V")
        self.finish()
        vectors = given.reshape(-1, self.shape[0])
        if self._linear and (len(vectors) > MANY * self.shape[1] or self._holds(self._slopes(0.0))):
            return np.asarray(given @ self._matrix(0.0))
        currents = np.empty((len(vectors), self.shape[1]))
        for k, vector in enumerate(vectors):
            currents[k] = self.solve(biases.multiply(vector, self.shape[1]), warm=k > 0).sensed
        return currents.reshape(*given.shape[:-1], self.shape[1])

    @property
    def _linear(self) -> bool:
        """Whether lines and crossings are a linear map that has an effective matrix."""
        if self.lines.word_lumped or self.lines.bit_lumped or not isinstance(self.crosspoint, Direct):
            return False
        law = self.cells.sinh_law()
        return law is not None and bool(np.all(np.isinf(law[1])))

    def effective_matrix(self, read_voltage: float = 0.0) -> Floats:
        """Return currents out of the bit lines per volt on the word lines (S), (m, n).

        Exact for linear cells. Others are taken at their slope at a voltage (V) over the crossing.
        """
        checks.finite("read_voltage", read_voltage, "V")
        self.finish()
        return self._matrix(read_voltage).copy()

    def _slopes(self, voltage: float) -> Floats:
        """Return the slopes of the crossings (S) at a voltage over each (V)."""
        return self.law(np.full(self.shape, voltage))[1]

    def _holds(self, slopes: Floats) -> bool:
        """Return whether the matrix that is kept is that of these slopes."""
        return self._kept is not None and np.array_equal(self._kept[0], slopes)

    def _matrix(self, read_voltage: float) -> Floats:
        """Return the effective matrix (S), that of the last call where no slope has changed since."""
        slopes = self._slopes(read_voltage)
        if self._kept is None or not self._holds(slopes):
            _, network, solver = self._network(biases.multiply(np.zeros(self.shape[0]), self.shape[1]))
            self._kept = slopes.copy(), effective_matrix(network, solver, slopes)
        return self._kept[1]

    def transient(
        self,
        drive: Callable[[float], Bias],
        duration: float,
        capacitance: Capacitance,
        *,
        corners: Sequence[float] = (),
        tolerance: float = 1e-4,
        watch: Sequence[tuple[int, int]] = (),
        after: Callable[[Floats, float], None] | None = None,
        move: bool = False,
    ) -> Transient:
        """Return what happens while the lines charge, from all nodes at 0 V; see `Stepper.run`.

        Parameters
        ----------
        drive, duration, corners, watch, after
            As in `Stepper.run`.
        capacitance : Capacitance
            Of every node.
        tolerance : float
            Largest error of a node in a step (V).
        move : bool
            Whether cells feel their voltages meanwhile; otherwise they stay as they are. Selectors with a
            state do not turn.
        """
        for cell in watch:
            biases.check_cell(self.shape, cell)
        self.finish()
        stepper = Stepper(
            Network(self.lines, drive(0.0)),
            self.law,
            capacitance,
            self.crosspoint.scale(self.cells),
            tolerance,
        )

        def felt(voltage: Floats, seconds: float) -> None:
            if move:
                self.cells.apply(self.crosspoint.solve(voltage, self.cells)[0], seconds)
            if after is not None:
                after(voltage, seconds)

        return stepper.run(
            drive, duration, corners=corners, watch=watch, after=felt if move or after is not None else None
        )

    # ------------------------------------------------------------------ in time

    def pulse(self, cell: tuple[int, int], amplitude: float, width: float) -> float:
        """Apply a pulse to one cell; the others feel what the scheme leaves on them.

        Parameters
        ----------
        cell : tuple of int
            Word and bit line.
        amplitude : float
            Between the two lines (V).
        width : float
            Duration (s), positive.

        Returns
        -------
        float
            Energy from the sources (J).
        """
        checks.positive("width", width, "s")
        memory, energy, left = self.memory, 0.0, width
        part = width / self.steps if self.voltage_step is None else FIRST_PART * width
        while left > 1e-9 * part:
            part = min(part, left)
            visit = self._visiting(cell, amplitude, self.scheme)
            if jumps(self.cells):
                energy += part * visit.power(memory.driven(visit, part))
                left -= part
                continue
            before = visit.now
            memory.felt(visit, before.over, part)
            after = memory.moment(visit)
            # The current changes little within a part: the mean of both ends is that of the part.
            energy += part * visit.power(0.5 * (before.current + after.current))
            left -= part
            if self.voltage_step is not None:
                change = abs(after.voltage - before.voltage)
                part *= min(2.0, self.voltage_step / change) if change > 0.0 else 2.0
        return energy

    def _visiting(self, cell: tuple[int, int], amplitude: float, scheme: str) -> Visit:
        """Return the array around a cell, made again when the cell is another or has moved too far."""
        memory, key = self.memory, (scheme, amplitude)
        memory.begin(cell)
        old = memory.visits.get(key)
        if old is not None:
            moved = memory.moment(old).voltage - old.around.now.voltage
            if self.use_load_line and abs(moved) <= RELINEARISE:
                return old
            memory.expose(old)
        around = self._cross.solve(cell, amplitude, scheme) if self.use_load_line else None
        if around is None:
            around = self._whole(cell, amplitude, scheme)
        return memory.remember(key, around)

    def _whole(self, cell: tuple[int, int], amplitude: float, scheme: str) -> Surroundings:
        """Return what is around a cell by solving the whole array."""
        memory, key = self.memory, (scheme, amplitude)
        bias = biases.select(self.shape, cell, amplitude, scheme)
        solution = self.solve(bias, guess=memory.like_last(key))
        _, network, solver = self._network(bias)
        cell_voltage, slope = memory.at_solution(solution.voltage)
        solver.factor(slope)
        line = load_line(network, solver, solution, cell, float(slope[cell]))
        memory.solved(key, solution)
        return memory.around(line, solution, cell_voltage)

    def finish(self) -> None:
        """End the visit of a cell: the others get the voltages they have felt in its pulses and reads."""
        self.memory.finish()

    def read(self, cell: tuple[int, int], voltage: float, duration: float) -> tuple[float, float]:
        """Read one cell with its word line at a voltage and all other lines at 0 V.

        Parameters
        ----------
        cell : tuple of int
            Word and bit line.
        voltage : float
            (V), not 0.
        duration : float
            For which the row feels it (s).

        Returns
        -------
        current : float
            Out of the cell's bit line (A).
        energy : float
            From the sources (J).
        """
        checks.at_least("duration", duration, 0, "s")
        visit = self._visiting(cell, voltage, "grounded")
        moment = self.memory.moment(visit)
        around = visit.around
        sensed = around.sensed + around.line.sense * (moment.current - around.now.current)
        if duration > 0.0:
            self.memory.felt(visit, moment.over, duration)
        return sensed, duration * visit.power(moment.current)

    def cool(self, duration: float) -> None:
        """Let warm cells cool for a while (s) at 0 V: the time between pulses that `rest` lives later.

        Warm cells live this time twice, warm here and cold in `rest`; the second adds little to the first.
        """
        if self.heat is not None:
            self.memory.cool(duration)

    def rest(self, duration: float) -> None:
        """Let time pass (s) with all lines at 0 V."""
        self.finish()
        self.cells.rest(duration)
