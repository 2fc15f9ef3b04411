"""Time-space readout on the clock: products of 4-bit inputs and 4-bit weights in cells of the HfO2 card.

python examples/time_readout.py      writes time_readout.png, half a minute of one core

Bits of a weight lie side by side in space, one on each of four bit lines, LRS for 1 and HRS for 0; bits of
an input follow each other in time. For each bit of the inputs the word lines whose bit is 1 are opened one
after the other for a width t, and all bit lines are read at once, in one of two ways:

- in time: lines of a capacitance C are charged to V0 and left alone, so that no direct current flows. They
  fall to V0 exp(-t sum G / C). A reference resistor R then discharges them to V0 / e^2, which takes
  R C (2 - t sum G / C): linear in the sum of conductances;
- held: lines stay at V0 and their charge V0 t sum G is integrated on C.

Thermal noise kT/C is added to both, each is digitised in equal steps. Recharging a line takes
C V0 (V0 - V), so that at equal width the energy is (1 - exp(-x)) / x of that of held lines, with
x = t sum G / C. A macro with time-space readout is published (Hung et al., IEEE J. Solid-State Circuits 58,
303 (2023), document 9874915, abstract read); the abstract does not show its circuit, this one is ours.
Clamps and converters, which it saves too, are left out: no number of theirs was found.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from frenkel.array.columns import TransistorArray
from frenkel.array.crosspoint import OneTransistorOneResistor, Transistor
from frenkel.cells import files
from frenkel.cells.card import Card
from frenkel.cells.jumping_cells import JumpingCardCells
from frenkel.events.clock import Clock, picoseconds
from frenkel.events.controller import Controller, Timing
from frenkel.events.word_lines import TransistorWordLines
from frenkel.units import BOLTZMANN

SEED, WORD_LINES, WEIGHTS, BITS = 1, 16, 4, 4
TRANSISTOR = Transistor(threshold=0.4, gain=3e-4)  # V, A/V^2: as in array_write_verify.toml
RESET, RESET_WIDTH, RESET_GATE = -1.4, 100e-9, 3.0  # V, s, V
READ, WIDTH, CAPACITANCE = 0.2, 1e-9, 1e-12  # V, s, F; chosen so that lines fall by about a third
DEPTH, STEPS = 2.0, 128  # of ln V0/V down to which the reference discharges; steps of the converter
PRODUCTS = 16
DISTURBING, ROUNDS, WRONG = 0.7, 100, 3e-6  # V; products; S, between HRS and LRS
WAYS = ("in time", "held")


@dataclass
class Readout:
    """A controller whose bit lines are read together, in time or held.

    Parameters
    ----------
    controller : Controller
    held : bool
        Whether the lines are held at their voltage.
    volts : float
        To which the lines are charged (V).
    capacitance : float
        Of a line (F).
    random : numpy.random.Generator
        Of the thermal noise.

    Attributes
    ----------
    energy : float
        From the sources of the lines (J).
    """

    controller: Controller
    held: bool
    volts: float
    capacitance: float
    random: np.random.Generator
    energy: float = 0.0

    def sums(self, inputs: np.ndarray) -> Generator[Any, Any, np.ndarray]:
        """Open the word lines whose input is true; return t sum G / C of each bit line, digitised."""
        one, array = self.controller, self.controller.array.array
        lines = np.arange(array.shape[1])
        voltage, charge = np.full(lines.size, self.volts), np.zeros(lines.size)
        with one.bus.resource.request() as turn:
            yield turn
            yield from one.select(lines.size)
            for i in np.flatnonzero(inputs):
                load = array.load((np.full(lines.size, i), lines), voltage, array.gate_on)
                across, current = load.meet()
                array.cells.apply(across, WIDTH, load.at)
                if self.held:
                    charge += current * WIDTH
                else:
                    voltage = voltage * np.exp(-current / voltage * WIDTH / self.capacitance)
                yield from one.hold("read", WIDTH, int(i))
            noise = np.sqrt(BOLTZMANN * 300.0 / self.capacitance) * self.random.standard_normal(lines.size)
            if self.held:
                self.energy += float(np.sum(charge * self.volts))
                found = (charge / self.capacitance + noise) / self.volts
                wait = DEPTH * WIDTH
            else:
                self.energy += float(np.sum(self.capacitance * self.volts * (self.volts - voltage)))
                found = np.log(self.volts / (voltage + noise))
                wait = WIDTH * float(np.max(DEPTH - found))  # with R C = t
            yield one.clock.timeout(picoseconds(max(wait, 0.0)))
        return np.round(np.clip(found, 0.0, DEPTH) * STEPS / DEPTH) * DEPTH / STEPS

    def product(self, inputs: np.ndarray) -> Generator[Any, Any, np.ndarray]:
        """Return sums over bits of the inputs in time and over those of the weights in space."""
        total = np.zeros(self.controller.array.shape[1] // BITS)
        for bit in range(BITS):
            sums = yield from self.sums(inputs >> bit & 1 == 1)
            total += 2.0**bit * sums.reshape(-1, BITS) @ 2.0 ** np.arange(BITS)
        return total


def written(seed: int, weights: np.ndarray) -> Controller:
    """Return an array whose cells hold the bits of weights (word lines, weights), lowest bit first."""
    bits = (weights[..., None] >> np.arange(BITS) & 1).reshape(len(weights), -1)
    law = Card.load(files.file("hfo2")).jump_law
    cells = JumpingCardCells(law, bits.shape, seed, state="lrs")
    array = TransistorArray(cells, OneTransistorOneResistor(transistor=TRANSISTOR))
    one = Controller(Clock(), TransistorWordLines(array), Timing(read_voltage=READ))
    for i, row in enumerate(bits):
        zero = np.flatnonzero(row == 0)
        if zero.size:
            run(one, one.pulse_word_line(i, zero, np.full(zero.size, RESET), RESET_WIDTH, RESET_GATE))
    return one


def run(one: Controller, work: Generator[Any, Any, Any]) -> Any:
    """Let the clock run until some work is done, and return what it returns."""
    return one.clock.run(one.clock.process(work))


def multiply(held: bool, products: int = PRODUCTS) -> dict[str, Any]:
    """Return what was read, what is right, energy (J) and time (s) of a product."""
    random = np.random.default_rng(SEED)
    weights = random.integers(2**BITS, size=(WORD_LINES, WEIGHTS))
    inputs = random.integers(2**BITS, size=(products, WORD_LINES))
    one = written(SEED, weights)
    readout = Readout(one, held, READ, CAPACITANCE, np.random.default_rng([SEED, 2]))
    start = one.clock.seconds
    found = np.array([run(one, readout.product(vector)) for vector in inputs])
    right = inputs @ weights
    slope, offset = np.polyfit(right.ravel(), found.ravel(), 1)
    return {
        "error": (found - offset) / slope - right,
        "right": right,
        "found": found,
        "energy": readout.energy / products,
        "time": (one.clock.seconds - start) / products,
    }


def disturb(held: bool, rounds: int = ROUNDS, volts: float = DISTURBING) -> np.ndarray:
    """Return the fraction of HRS cells that have left HRS after each product with all word lines open."""
    one = written(SEED, np.random.default_rng(SEED).integers(2**BITS, size=(WORD_LINES, WEIGHTS)))
    high = conductances(one) < WRONG
    readout = Readout(one, held, volts, CAPACITANCE, np.random.default_rng([SEED, 3]))
    wrong = []
    for _ in range(rounds):
        run(one, readout.sums(np.ones(WORD_LINES, bool)))
        wrong.append(np.mean(conductances(one)[high] > WRONG))
    return np.array(wrong)


def conductances(one: Controller) -> np.ndarray:
    """Return the conductances (S) of all cells, without letting time pass."""
    columns = np.arange(one.array.shape[1])
    return np.array([one.array.read_word_line(i, columns, READ, 0.0)[0] / READ for i in range(WORD_LINES)])


def measure(products: int = PRODUCTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return both ways: products, and what products at a high voltage do to cells."""
    return {
        way: multiply(way == "held", products) | {"wrong": disturb(way == "held", rounds)} for way in WAYS
    }


def interval(values: np.ndarray) -> str:
    """Return the rms of values and its 95 % interval (bootstrap)."""
    random = np.random.default_rng(SEED)
    draws = random.choice(values, size=(1000, len(values)))
    low, high = np.quantile(np.sqrt(np.mean(draws**2, axis=1)), [0.025, 0.975])
    return f"{np.sqrt(np.mean(values**2)):.3g} ({low:.3g} to {high:.3g})"


def words(found: dict[str, Any]) -> dict[str, str]:
    """Return what docs/review.md says of it."""
    full = WORD_LINES * (2**BITS - 1) ** 2
    parts, cells = [], WORD_LINES * WEIGHTS * BITS / 2
    for way, one in found.items():
        left = one["wrong"][-1]
        error = np.sqrt(left * (1 - left) / cells)
        parts.append(
            f"{way}: {one['energy'] * 1e12:.3g} pJ and {one['time'] * 1e9:.3g} ns a product, error "
            f"{interval(100 * one['error'].ravel() / full)} % of full scale, "
            f"{100 * left:.1f} ± {100 * error:.1f} % of HRS lost "
            f"after {len(one['wrong'])} products at {DISTURBING:g} V"
        )
    return {"readout": "; ".join(parts)}


def draw(found: dict[str, Any], path: str) -> None:
    """Draw what was read against what is right, and cells that were disturbed."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for mark, (way, one) in zip("ox", found.items(), strict=True):
        left.plot(one["right"].ravel(), (one["right"] + one["error"]).ravel(), mark, mfc="none", label=way)
        right.plot(np.arange(1, len(one["wrong"]) + 1), 100 * one["wrong"], label=way)
    most = max(one["right"].max() for one in found.values())
    left.plot([0, most], [0, most], "k", lw=0.5)
    left.set(xlabel="product of inputs and weights", ylabel="product as it is read")
    left.legend()
    right.set(xlabel=f"products at {DISTURBING:g} V", ylabel="HRS cells that are lost / %")
    right.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = measure()
    draw(found, "time_readout.png")
    print("\n".join(words(found).values()))
