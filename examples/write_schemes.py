"""Two schemes of one's own on the clock, with cells of the packaged HfO2 card behind transistors.

python examples/write_schemes.py      writes write_schemes.png, a minute of one core

Amplitude by distance: cells are brought down from LRS to levels of HRS. The amplitude of each RESET pulse
depends on the target and on the last read, by the median response of other cells to one pulse (after
Alibart et al., Nanotechnology 23, 075201 (2012), recalled). It is compared with pulses that grow by equal
steps (ISPP).

Online detection of read disturb: cells in HRS are read again and again at a voltage that disturbs them.
Each read is compared with what the cell read after it was written; one that has risen gets a RESET pulse at
once (after the macro of Yoon et al., IEEE J. Solid-State Circuits 57, 68 (2022), abstract read). No further
reads are spent on this.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from frenkel.array.columns import TransistorArray
from frenkel.array.crosspoint import OneTransistorOneResistor, Transistor
from frenkel.cells import files
from frenkel.cells.card import Card
from frenkel.cells.jumping_cells import JumpingCardCells
from frenkel.events.clock import Clock
from frenkel.events.controller import Controller, Timing
from frenkel.events.programming import CellPulse, Verified
from frenkel.events.word_lines import TransistorWordLines, program_word_lines

SEED, WORD_LINES, BIT_LINES = 1, 16, 8
TRANSISTOR = Transistor(threshold=0.4, gain=3e-4)  # V, A/V^2: as in array_write_verify.toml
WIDTH, SET, SET_GATE, RESET_GATE = 100e-9, 1.2, 0.8, 3.0  # s, V
AMPLITUDES = np.linspace(0.6, 1.4, 9)  # V, sizes of RESET pulses
TARGETS = np.array([0.3e-6, 0.6e-6, 1.2e-6, 2.4e-6])  # S
TOLERANCE, LIMIT, STEP = 0.3, 40, 0.05  # fraction of the target; pulses; V
DISTURBING, ROUNDS = 0.6, 100  # V, reads of each cell
RISEN, WRONG = 1.5, 3e-6  # of the first read; S, between HRS and LRS


@cache
def law():
    """Return the law of the packaged card."""
    return Card.load(files.file("hfo2")).jump_law


def controller(seed: int, state: str, lines: int = WORD_LINES, read_voltage: float = 0.2) -> Controller:
    """Return an array of cells of the card behind transistors, all in one state, on a clock of its own."""
    cells = JumpingCardCells(law(), (lines, BIT_LINES), seed, state=state)
    array = TransistorArray(cells, OneTransistorOneResistor(transistor=TRANSISTOR))
    return Controller(Clock(), TransistorWordLines(array), Timing(read_voltage=read_voltage))


def response(lines: int = WORD_LINES) -> np.ndarray:
    """Return the median conductance (S) that one RESET pulse of each amplitude leaves in other cells."""
    medians = []
    for amplitude in AMPLITUDES:
        other = controller(SEED + 1000, "lrs", lines)
        for i in range(lines):
            columns = np.arange(BIT_LINES)
            run(other, other.pulse_word_line(i, columns, np.full(BIT_LINES, -amplitude), WIDTH, RESET_GATE))
        medians.append(np.median(read(other)))
    return np.minimum.accumulate(medians)


def run(one: Controller, work):
    """Let the clock run until some work is done, and return what it returns."""
    return one.clock.run(one.clock.process(work))


def read(one: Controller) -> np.ndarray:
    """Return the conductances (S) of all cells, read one word line at a time."""
    rows = range(one.array.shape[0])
    return np.array([run(one, one.read_word_line(i, np.arange(BIT_LINES))) for i in rows])


@dataclass(frozen=True, kw_only=True, slots=True)
class Growing(Verified):
    """RESET pulses that grow by equal steps until the target is passed, then a SET and from the start."""

    def amplitude(self, last: float | None, conductance: float, target: float) -> float:
        """Return the size (V) of the next RESET pulse; the last one is None after a SET."""
        return float(AMPLITUDES[0] if last is None else min(last + STEP, AMPLITUDES[-1]))

    def pulses(self, conductance, target):
        """Yield the next pulse for each read (S)."""
        last = None
        while True:
            if conductance > target:
                last = self.amplitude(last, conductance, target)
                conductance = yield CellPulse(-last, self.width, RESET_GATE)
            else:
                last = None
                conductance = yield CellPulse(SET, self.width, SET_GATE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ByDistance(Growing):
    """RESET pulses by the distance from the target, along the median response of other cells.

    Parameters
    ----------
    response : ndarray
        Conductance (S) that one pulse of each of ``AMPLITUDES`` leaves.
    """

    response: np.ndarray

    def needed(self, conductance: float) -> float:
        """Return the size (V) of the pulse that leaves this conductance (S) in the median."""
        return float(np.interp(-np.log(conductance), -np.log(self.response), AMPLITUDES))

    def amplitude(self, last: float | None, conductance: float, target: float) -> float:
        """Return the size (V) of the next pulse: the last one, more by the distance that is left."""
        if last is None:
            return self.needed(target)
        return min(
            last + max(self.needed(target) - self.needed(conductance), STEP / 5), float(AMPLITUDES[-1])
        )


def write(scheme: Verified, lines: int = WORD_LINES) -> tuple[np.ndarray, np.ndarray, Controller]:
    """Return pulses of each cell, whether it was reached, and the controller after all were written."""
    one, outcomes = controller(SEED, "lrs", lines), []
    targets = np.resize(TARGETS, (lines, BIT_LINES))
    run(one, program_word_lines(one, range(lines), targets, scheme, outcomes))
    return np.array([o.pulses for o in outcomes]), np.array([bool(o.reached) for o in outcomes]), one


def compare(lines: int = WORD_LINES) -> dict[str, tuple[np.ndarray, np.ndarray, Controller]]:
    """Return both ways to write."""
    common = {"width": WIDTH, "tolerance": TOLERANCE, "limit": LIMIT}
    schemes = {
        "equal steps": Growing(**common),
        "by distance": ByDistance(**common, response=response(lines)),
    }
    return {name: write(scheme, lines) for name, scheme in schemes.items()}


def disturb(
    repair: bool, rounds: int = ROUNDS, lines: int = WORD_LINES, voltage: float = DISTURBING
) -> tuple[np.ndarray, int, Controller]:
    """Return the fraction of wrong reads in each round, repairs, and the controller at the end."""
    one = controller(SEED, "hrs", lines, voltage)
    first, wrong, repairs = read(one), [], 0
    for _ in range(rounds):
        now = read(one)
        wrong.append(np.mean(now > WRONG))
        if repair:
            for i, j in zip(*np.nonzero(now > RISEN * first), strict=True):
                run(one, one.pulse((int(i), int(j)), -float(AMPLITUDES[-1]), WIDTH, RESET_GATE))
                first[i, j] = run(one, one.read((int(i), int(j))))
                repairs += 1
    return np.array(wrong), repairs, one


def measure(lines: int = WORD_LINES, rounds: int = ROUNDS):
    """Return both ways to write, and both ways to read often."""
    return compare(lines), {repair: disturb(repair, rounds, lines) for repair in (False, True)}


def words(found) -> dict[str, str]:
    """Return what docs/review.md says of it."""
    parts, (written, read_often) = [], found
    for name, (pulses, reached, one) in written.items():
        error = pulses.std(ddof=1) / np.sqrt(len(pulses))
        energy = one.meter.total / len(pulses)
        count = f"{pulses.mean():.1f} ± {error:.1f} pulses a cell"
        parts.append(f"{name} {count}, {100 * reached.mean():.0f} % reached, {energy * 1e12:.3g} pJ")
    (plain, _, _), (kept, repairs, after) = read_often[False], read_often[True]
    cells = after.array.shape[0] * BIT_LINES
    levels = f"levels of {TARGETS[0] * 1e6:g} to {TARGETS[-1] * 1e6:g} uS within {100 * TOLERANCE:.0f} %"
    rate = f"{100 * repairs / cells / len(plain):.2f} % repairs per read"
    return {
        "pulses": f"{levels}: {'; '.join(parts)}",
        "disturb": (
            f"{len(plain)} reads of {cells} cells at {DISTURBING:g} V: wrong are "
            f"{100 * plain.mean():.2f} % of all without and {100 * kept.mean():.2f} % with detection, {rate}"
        ),
    }


def draw(found, path: str) -> None:
    """Draw pulses per cell, and wrong reads by round."""
    import matplotlib.pyplot as plt

    written, read_often = found
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name, (pulses, reached, _) in written.items():
        left.ecdf(np.where(reached, pulses, LIMIT + 1), label=f"{name}: {pulses.mean():.1f} in the mean")
    left.set(xlabel="pulses", ylabel="fraction of cells that are reached", xlim=(0, LIMIT), ylim=(0, 1))
    left.legend()
    for repair, (wrong, _, _) in read_often.items():
        right.plot(
            np.arange(1, len(wrong) + 1),
            100 * wrong,
            label="detected and repaired" if repair else "reads alone",
        )
    right.set(xlabel=f"reads at {DISTURBING:g} V", ylabel="HRS cells read as LRS / %")
    right.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = measure()
    draw(found, "write_schemes.png")
    print("\n".join(words(found).values()))
