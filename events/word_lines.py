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
from ..errors import ConvergenceError
from ..typing import Floats, Index
from .clock import Process
from .controller import Controller
from .programming import Outcome, Pulse, Scheme, Wish

FIRST_PART = 1e-3
"""Of a pulse, for which the voltages at its start are held."""

CHANGE = 0.1
"""Of the logarithm of a cell's current in one part of a pulse, above which the next part is shorter."""

SHORTEST = 2e-4
"""Of a pulse: parts are not made shorter."""

CLOSE, MOST_STEPS = 1e-11, 200
"""Step of a cell's voltage, as a share of the pulse, at which its search ends, and most steps of it."""


@dataclass
class TransistorWordLines:
    """Pulses and reads of word lines of an array with transistors, or of single cells in them.

    A pulse goes in parts. Within one the cells' voltages are held; the next is up to four times as long while
    currents change by less than 10 %, and shorter when they change by more.

    Parameters
    ----------
    array : TransistorArray
        What is driven.
    shortest : float
        Least length of a part (s); 0 for none. Live devices need it longer than both edges of their pulses.
    """

    array: TransistorArray
    shortest: float = 0.0

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
        least = max(SHORTEST * width, self.shortest)
        at, over = (np.full(bit_lines.shape, word_line), bit_lines), 0.5 * amplitude
        energy, left, part = 0.0, width, max(FIRST_PART * width, least)
        while left > 0.0:
            # A rest that is too short to stand alone goes with this part.
            part = left if left - part < least else part
            over, before, power = self._solve(word_line, bit_lines, amplitude, gate, over)
            self.cells.apply(over, part, at)
            after = self.cells.current(over, at)[0]
            energy += power * part
            left -= part
            # The fastest cell decides: its current may change by CHANGE in the next part.
            moved = float(np.max(np.abs(np.log(np.abs(after) / np.abs(before)))))
            part = min(max(part * min(4.0, CHANGE / max(moved, 1e-9)), least), left)
        return energy

    def read_word_line(
        self, word_line: int, bit_lines: Index, voltage: float, duration: float
    ) -> tuple[Floats, float]:
        """Return the currents (A) of some cells of a word line and the energy (J) of a read (V, s)."""
        checks.finite("voltage", voltage, "V")
        checks.at_least("duration", duration, 0, "s")
        applied = np.full(bit_lines.shape, voltage)
        over, current, power = self._solve(word_line, bit_lines, applied, None, 0.9 * applied)
        if duration > 0.0:
            self.cells.apply(over, duration, (np.full(bit_lines.shape, word_line), bit_lines))
        return current, power * duration

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
        out, guess = np.empty((len(inputs), self.shape[1])), None
        for k, vector in enumerate(inputs):
            found = self.array.solve(voltage, 0.0, np.where(vector, self.gate_on, 0.0), guess=guess)
            guess, out[k] = found.node, found.top[0]
        return out

    def _solve(
        self, word_line: int, bit_lines: Index, amplitude: Floats, gate: float | None, over: Floats
    ) -> tuple[Floats, Floats, float]:
        """Return the voltage over each cell (V), its current (A) and the power of the sources (W).

        Newton's method on the cells' voltages ``over``, bracketed: a larger one draws more through the cell
        and lets less through the transistor.
        """
        m, n = self.shape
        checks.whole("word line", word_line, 0, m - 1)
        checks.between("bit lines", bit_lines, 0, n - 1)
        ladders, transistor = self.array.ladders, self.array.crosspoint.transistor
        end = ladders.source_resistance
        to_bit, to_source = (
            count * r + end
            for count, r in zip((word_line + 1, m - word_line), ladders.resistance, strict=True)
        )
        gates, at = self.gate_on if gate is None else gate, (np.full(bit_lines.shape, word_line), bit_lines)
        bit, source = np.maximum(amplitude, 0.0), np.maximum(-amplitude, 0.0)
        low, high = np.minimum(amplitude, 0.0), np.maximum(amplitude, 0.0)
        over = np.minimum(np.maximum(over, low), high)
        # Bit and source line carry the cell's current alone: what is missed falls with the cell's voltage.
        for _ in range(MOST_STEPS):
            current, slope = self.cells.current(over, at)
            through, d_drain, d_source = transistor.current(
                bit - to_bit * current - over, source + to_source * current, np.asarray(gates)
            )
            miss = through - current
            fall = slope + d_drain * (1.0 + to_bit * slope) - d_source * to_source * slope
            low, high = np.where(miss > 0.0, over, low), np.where(miss < 0.0, over, high)
            step = miss / np.where(fall > 0.0, fall, 1.0)
            new = over + step
            new = np.where((new >= low) & (new <= high) & (fall > 0.0), new, 0.5 * (low + high))
            if np.all((np.abs(new - over) <= CLOSE * np.abs(amplitude)) | (miss == 0.0)):
                current = current + slope * (new - over)
                return new, current, float(np.sum(amplitude * current))
            over = new
        bad = int(np.argmax(np.abs(miss)))
        raise ConvergenceError(
            f"cell ({word_line}, {bit_lines[bad]}): Kirchhoff's law missed by {np.abs(miss[bad]):.3g} A "
            f"at a bias of {amplitude[bad]:g} V after {MOST_STEPS} steps"
        )

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
        yield Pulse(amplitude, width, gate)

    def read(self) -> Generator[Wish, Any, float]:
        conductance: float = yield None
        return conductance


def program_word_line(
    controller: Controller, word_line: int, targets: Floats, scheme: Scheme, outcomes: list[Outcome]
) -> Process:
    """Program all cells of a word line at once, each by its own run of the scheme.

    In each round all cells that are not done are read together, then those that want a pulse of one gate
    voltage, width and sign get it together, each with its own amplitude.

    Parameters
    ----------
    targets : ndarray of shape (n,)
        (S); NaN for cells that are left alone.
    outcomes : list of Outcome
        Appended to, one per bit line with a target, in their order.
    """
    checks.shape("targets", targets, controller.array.shape[1:], "bit line")
    bit_lines = np.flatnonzero(~np.isnan(targets))
    runs: dict[int, Any] = {int(j): scheme.program(_Wishing(), float(targets[j])) for j in bit_lines}
    wishes: dict[int, Wish] = {}  # of each bit line that is not done
    done: dict[int, Outcome] = {}
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


def _step(j: int, run: Any, answer: Any, wishes: dict[int, Any], done: dict[int, Outcome]) -> None:
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
    outcomes: list[Outcome],
) -> Process:
    """Program word lines one after the other; ``targets`` (m, n) in S, NaN for cells left alone."""
    checks.shape("targets", targets, controller.array.shape, "cell")
    for word_line in word_lines:
        yield from program_word_line(controller, word_line, targets[word_line], scheme, outcomes)
