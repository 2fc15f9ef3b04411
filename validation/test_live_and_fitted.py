"""Arrays of live devices and of cells of the card fitted to such devices, given the same pulses.

Live: HfO2 devices of examples/ensemble_jumps.toml, formed, set once and reset as there, with another seed.
Fitted: cells of the jump-process model of the shipped card. Both stand behind the same transistors, whose
gate is the limit of the ensemble. One array is one draw of 64 devices: what decides is the mean over five of
them, each with seeds of its own, of distances and of floors. ``pytest -s`` prints the table.
"""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp

import frenkel as fk
from frenkel.analysis.statistics.comparison import FACTOR
from frenkel.array.columns import TransistorArray
from frenkel.array.crosspoint import OneTransistorOneResistor, Transistor
from frenkel.array.live_cells import LiveCells
from frenkel.cells.card import Card
from frenkel.cells.interface import conductance
from frenkel.cells.jumping_cells import JumpingCardCells
from frenkel.events.word_lines import TransistorWordLines
from frenkel.experiment.device import build
from frenkel.experiment.protocol import Protocol
from frenkel.kinetic.circuit import Circuit

pytestmark = pytest.mark.verification
ROOT = Path(__file__).parents[1]
SHAPE, EDGE, SEEDS = (8, 8), 1e-10, (7, 8, 9, 10, 11)
NARROW = Transistor(threshold=0.4, gain=3e-4)
GATE = 0.85  # V: saturates at 30 uA, the limit of a SET in the ensemble
SET, DISTURB, WIDTH, TIMES = 1.2, 0.48, 1e-7, 10  # V, V, s, pulses
READS = (-0.3, 0.2, 0.3)  # V


def live_cells(seed):
    """Return 64 devices after forming, one cycle and another RESET of the ensemble."""
    settings = fk.read_configuration(ROOT / "examples" / "ensemble_jumps.toml")
    form, cycle = settings.phase
    reset, set_ = cycle.phase
    phases = {"phase": [form, reset, set_, reset], "ensemble": None, "measure": None, "seed": seed}
    settings = settings.model_copy(update=phases)
    devices = []
    for member in range(SHAPE[0] * SHAPE[1]):
        one = settings.model_copy(update={"member": member})
        device = build(one)
        Protocol.of(one, device).go()
        device.circuit = Circuit()
        devices.append(device)
    m, n = SHAPE
    return LiveCells([devices[i * n : (i + 1) * n] for i in range(m)], edge=EDGE)


def pulsed(cells):
    """Return what is read (S): at first, the change after half-voltage pulses, and after one SET pulse."""
    m, n = cells.shape
    array = TransistorArray(cells, OneTransistorOneResistor(transistor=NARROW), gate_on=GATE)
    rows, columns = TransistorWordLines(array), np.arange(n)
    found = {"HRS": conductance(cells).ravel().copy()}
    for volts in READS:
        current = cells.current(np.full(cells.shape, volts))[0]
        found[f"HRS read at {volts:g} V"] = (current / volts).ravel()
    for i in range(m):
        for _ in range(TIMES):
            rows.pulse_word_line(i, columns, np.full(n, DISTURB), WIDTH)
    found["HRS after half-voltage pulses"] = conductance(cells).ravel().copy()
    found["ratio of both"] = found["HRS after half-voltage pulses"] / found["HRS"]
    for i in range(m):
        rows.pulse_word_line(i, columns, np.full(n, SET), WIDTH)
    return found | {"programmed": conductance(cells).ravel().copy()}


def gate(live, fitted, seed, repeats=20):
    """Return KS of halves of the live cells against fitted ones, and against each other (the floor)."""
    rng, half = np.random.default_rng(seed), live.size // 2
    value, floor = [], []
    for _ in range(repeats):
        order = rng.permutation(live.size)
        one, other = live[order[:half]], live[order[half:]]
        floor.append(ks_2samp(one, other).statistic)
        value.append(ks_2samp(one, rng.choice(fitted, half, replace=False)).statistic)
    # As in the gate of a card: a share is not known better than to one of a half.
    return float(np.mean(value)), max(float(np.mean(floor)), 1.0 / half)


def compared(seeds):
    """Return the mean value and floor of each quantity over arrays, and print them with quantiles of all."""
    law = Card.load("hfo2").jump_law
    live = [pulsed(live_cells(seed)) for seed in seeds]
    fitted = [pulsed(JumpingCardCells(law, (32, 32), seed)) for seed in seeds]
    found = {}
    print(f"\n{'10, 50, 90 % (uS, 1)':30} {'live':>22} {'fitted':>22} {'KS':>6} {'floor':>6}  floors")
    for name in live[0]:
        both = [[one[name] for one in arrays] for arrays in (live, fitted)]
        pairs = np.array([gate(*one, seed) for *one, seed in zip(*both, seeds, strict=True)])
        found[name] = pairs.mean(axis=0)
        unit = 1.0 if name.startswith("ratio") else 1e6
        quantiles = [np.quantile(np.concatenate(values), (0.1, 0.5, 0.9)) for values in both]
        columns = " ".join(f"{' '.join(f'{unit * x:.2f}' for x in one):>22}" for one in quantiles)
        each = " ".join(f"{value / floor:.1f}" for value, floor in pairs)
        print(f"{name:30} {columns} {found[name][0]:6.2f} {found[name][1]:6.2f}  {each}")
    return found


@pytest.fixture(scope="module")
def found():
    return compared(SEEDS)


def within(pair):
    value, floor = pair
    return value <= FACTOR * floor


def test_reads_agree(found):
    assert within(found["HRS"]) and all(within(found[f"HRS read at {volts:g} V"]) for volts in READS)


def test_programmed_conductances_agree(found):
    """One pulse of 1.2 V, 100 ns."""
    assert within(found["programmed"])


def test_disturbed_conductances_agree(found):
    """Ten pulses of 0.48 V, 100 ns: what they change, and where that ends."""
    assert within(found["ratio of both"]) and within(found["HRS after half-voltage pulses"])
