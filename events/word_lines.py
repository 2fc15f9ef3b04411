"""An array with transistors, one word line at a time: all its cells are pulsed or read at once.

Only the gates of one word line are on, so that every bit line has one cell and one transistor between the
wires up to its driver and down to that of the source line. What leaks through word lines that are off is left
out: 4 pA a cell where the gate is 0.4 V below threshold, which 127 of them add up to 0.5 nA.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..array.columns import TransistorArray
from ..array.loads import TransistorLoad
from ..cells.interface import jumps
from ..typing import Floats, Index
from .clock import Process
from .controller import Controller
from .programming import CellPulse, Scheme, Wish, WriteOutcome

FIRST_PART = 1e-3
"""Of a pulse, for which the voltages at its start are held."""

CHANGE = 0.1
"""Of the logarithm of a cell's current in one part of a pulse, above which the next part is shorter."""

SHORTEST = 2e-4
"""Of a pulse: parts are not made shorter."""


@dataclass
class TransistorWordLines:
    """Pulses and reads of word lines of an array with transistors, or of single cells in them.

    Cells that jump feel transistor and lines at every jump. Of others a pulse goes in parts: within one the
    cells' voltages are held; the next is up to four times as long while currents change by less than 10 %,
    and shorter when they change by more.

    Parameters
    ----------
    array : TransistorArray
        What is driven.
    """

    array: TransistorArray

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of word and bit lines."""
        return self.array.shape

    @property
    def cells(self) -> Any:
        """Of the array."""
        return self.array.cells

    @property
    def gate_on(self) -> float:
        """Gate voltage of a read and of a pulse that names no other (V)."""
        return self.array.gate_on

    def pulse_word_line(
        self, word_line: int, bit_lines: Index, amplitude: Floats, width: float, gate: float | None = None
    ) -> float:
        """Apply a pulse (V, s) to some cells of a word line; return the energy from the sources (J).

        Parameters
        ----------
        bit_lines : ndarray of int
            Which; the lines of the others are at 0 V.
        amplitude : ndarray
            Of bit over source line of each (V).
        gate : float, optional
            Of the word line (V).
        """
        checks.positive("width", width, "s")
        checks.finite("amplitude", amplitude, "V")
        checks.shape("amplitude", amplitude, np.shape(bit_lines), "bit line that is named")
        load = self._load(word_line, bit_lines, amplitude, gate)
        if jumps(self.cells):
            return float(np.sum(amplitude * self.cells.drive(load, width, load.at)))
        least = SHORTEST * width
        energy, time_left, part = 0.0, width, FIRST_PART * width
        while time_left > 0.0:
            # A rest that is too short to stand alone goes with this part.
            part = time_left if time_left - part < least else part
            cell_voltage, before = load.meet()
            self.cells.apply(cell_voltage, part, load.at)
            after = self.cells.current(cell_voltage, load.at)[0]
            energy += float(np.sum(amplitude * before)) * part
            time_left -= part
            # The fastest cell decides: its current may change by CHANGE in the next part.
            moved = float(np.max(np.abs(np.log(np.abs(after) / np.abs(before)))))
            part = min(max(part * min(4.0, CHANGE / max(moved, 1e-9)), least), time_left)
        return energy

    def read_word_line(
        self, word_line: int, bit_lines: Index, voltage: float, duration: float
    ) -> tuple[Floats, float]:
        """Return the currents (A) of some cells of a word line and the energy (J) of a read (V, s)."""
        checks.finite("voltage", voltage, "V")
        checks.at_least("duration", duration, 0, "s")
        load = self._load(word_line, bit_lines, np.full(bit_lines.shape, voltage), None)
        cell_voltage, current = load.meet()
        if duration > 0.0:
            self.cells.apply(cell_voltage, duration, load.at)
        return current, float(np.sum(voltage * current)) * duration

    def multiply(self, inputs: NDArray[np.bool_], voltage: float) -> Floats:
        """Return the currents into all bit lines (A), (k, n), with the gates of some word lines on.

        Parameters
        ----------
        inputs : ndarray of shape (k, m), bool
            Word lines whose gates are on, one vector after the other.
        voltage : float
            Of all bit lines (V).
        """
        checks.shape("inputs", inputs, (len(inputs), self.shape[0]), "vector and word line")
        currents, guess = np.empty((len(inputs), self.shape[1])), None
        for k, vector in enumerate(inputs):
            solution = self.array.solve(voltage, 0.0, np.where(vector, self.gate_on, 0.0), guess=guess)
            guess, currents[k] = solution.node, solution.top[0]
        return currents

    def _load(
        self, word_line: int, bit_lines: Index, amplitude: Floats, gate: float | None
    ) -> TransistorLoad:
        """Return what stands around some cells of a word line while their sources hold a voltage (V)."""
        m, n = self.shape
        checks.whole("word line", word_line, 0, m - 1)
        checks.between("bit lines", bit_lines, 0, n - 1)
        selected = (np.full(bit_lines.shape, word_line), bit_lines)
        return self.array.load(selected, amplitude, self.gate_on if gate is None else gate)

    # ------------------------------------------------------------------ what a controller asks of any array

    def pulse(
        self, cell: tuple[int, int], amplitude: float, width: float, gate: float | None = None
    ) -> float:
        """Apply a pulse (V, s) to one cell; return the energy (J)."""
        return self.pulse_word_line(cell[0], np.array([cell[1]]), np.array([amplitude]), width, gate)

    def read(self, cell: tuple[int, int], voltage: float, duration: float) -> tuple[float, float]:
        """Return current (A) and energy (J) of a read of one cell (V, s)."""
        current, energy = self.read_word_line(cell[0], np.array([cell[1]]), voltage, duration)
        return float(current[0]), energy

    def rest(self, duration: float) -> None:
        """Let time pass (s) with all lines at 0 V."""
        self.array.rest(duration)


class _Wishing:
    """A cell that only says what it wants: those of a word line gather wishes and carry them out together."""

    def pulse(self, amplitude: float, width: float, gate: float | None = None) -> Generator[Wish, Any, None]:
        yield CellPulse(amplitude, width, gate)

    def read(self) -> Generator[Wish, Any, float]:
        conductance: float = yield None
        return conductance


def program_word_line(
    controller: Controller, word_line: int, targets: Floats, scheme: Scheme, outcomes: list[WriteOutcome]
) -> Process:
    """Program all cells of a word line at once, each by its own run of the scheme.

    In each round all cells that are not done are read together, then those that want a pulse of one gate
    voltage, width and sign get it together, each with its own amplitude.

    Parameters
    ----------
    targets : ndarray of shape (n,)
        (S); NaN for cells that are left alone.
    outcomes : list of WriteOutcome
        Appended to, one per bit line with a target, in their order.
    """
    checks.shape("targets", targets, controller.array.shape[1:], "bit line")
    bit_lines = np.flatnonzero(~np.isnan(targets))
    runs: dict[int, Any] = {int(j): scheme.program(_Wishing(), float(targets[j])) for j in bit_lines}
    wishes: dict[int, Wish] = {}  # of each bit line that is not done
    done: dict[int, WriteOutcome] = {}
    for j in runs:
        _step(j, runs[j], None, wishes, done)
    while wishes:
        readers = np.array([j for j, wish in wishes.items() if wish is None])
        if readers.size:
            values = yield from controller.read_word_line(word_line, readers)
            for j, value in zip(readers, values, strict=True):
                _step(int(j), runs[int(j)], float(value), wishes, done)
            continue
        groups: dict[tuple[bool, float, float | None], dict[int, float]] = {}
        for j, wish in wishes.items():
            if wish is not None:
                group = groups.setdefault((wish.amplitude > 0.0, wish.width, wish.gate), {})
                group[j] = wish.amplitude
        for (_, width, gate), members in groups.items():
            amplitude = np.array(list(members.values()))
            yield from controller.pulse_word_line(word_line, np.array(list(members)), amplitude, width, gate)
        for j in list(wishes):
            _step(j, runs[j], None, wishes, done)
    outcomes.extend(done[int(j)] for j in bit_lines)


def _step(j: int, run: Any, answer: Any, wishes: dict[int, Any], done: dict[int, WriteOutcome]) -> None:
    """Give a run its answer and note what it wants next, or what became of its cell."""
    try:
        wishes[j] = run.send(answer)
    except StopIteration as end:
        wishes.pop(j, None)
        done[j] = end.value


def program_word_lines(
    controller: Controller,
    word_lines: Sequence[int],
    targets: Floats,
    scheme: Scheme,
    outcomes: list[WriteOutcome],
) -> Process:
    """Program word lines one after the other; ``targets`` (m, n) in S, NaN for cells left alone."""
    checks.shape("targets", targets, controller.array.shape, "cell")
    for word_line in word_lines:
        yield from program_word_line(controller, word_line, targets[word_line], scheme, outcomes)
