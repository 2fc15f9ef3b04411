"""Arrays of live devices and of cells of the card fitted to such devices, given the same pulses.

Live: the small HfO2 devices of examples/ensemble_cycles.toml, formed and reset as there, with other seeds.
Fitted: cells of the shipped card. Both stand behind the same wide transistors.
``pytest -s`` prints the table.
"""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp

import frenkel as fk
from frenkel.analysis.fitting.gate import FACTOR
from frenkel.array.cells.base import LiveCells, conductance
from frenkel.array.cells.card import CardCells
from frenkel.array.columns import TransistorArray
from frenkel.array.crosspoint import OneTransistorOneResistor, Transistor
from frenkel.cards.card import Card
from frenkel.events.word_lines import TransistorWordLines
from frenkel.experiment.device import build
from frenkel.experiment.protocol import Protocol
from frenkel.kinetic.circuit import Circuit

pytestmark = pytest.mark.verification
ROOT = Path(__file__).parents[2]
SHAPE, EDGE, SEED = (8, 8), 1e-10, 7
WIDE = Transistor(threshold=0.4, gain=3e-3)
GATE = 5.0  # V: 80 ohm
COMPLIANCE = 20e-6  # A, of a SET in the ensemble
SET, DISTURB, WIDTH, TIMES = 1.6, 0.8, 1e-7, 10  # V, V, s, pulses


def live_cells():
    """Return 64 devices after forming and the first RESET of the ensemble."""
    settings = fk.read_configuration(ROOT / "examples" / "ensemble_cycles.toml")
    form, cycle = settings.phase
    settings = settings.model_copy(update={"phase": [form, cycle.phase[0]], "ensemble": None, "seed": SEED})
    devices = []
    for member in range(SHAPE[0] * SHAPE[1]):
        one = settings.model_copy(update={"member": member})
        device = build(one)
        Protocol.of(one, device).go()
        device.circuit = Circuit(compliance=COMPLIANCE)
        devices.append(device)
    m, n = SHAPE
    return LiveCells([devices[i * n : (i + 1) * n] for i in range(m)], edge=EDGE)


def pulsed(cells):
    """Return conductances (S): at first, the change after half-voltage pulses, and after one SET pulse."""
    m, n = cells.shape
    array = TransistorArray(cells, OneTransistorOneResistor(transistor=WIDE), gate_on=GATE)
    rows, columns = TransistorWordLines(array), np.arange(n)
    start = conductance(cells).ravel().copy()
    for i in range(m):
        for _ in range(TIMES):
            rows.pulse_word_line(i, columns, np.full(n, DISTURB), WIDTH)
    disturbed = conductance(cells).ravel().copy()
    for i in range(m):
        rows.pulse_word_line(i, columns, np.full(n, SET), WIDTH)
    return {
        "HRS": start,
        "HRS after half-voltage pulses": disturbed,
        "ratio of both": disturbed / start,
        "programmed": conductance(cells).ravel().copy(),
    }


def gate(live, fitted, repeats=20):
    """Return KS of halves of the live cells against fitted ones, and against each other (the floor)."""
    rng, half = np.random.default_rng(SEED), live.size // 2
    value, floor = [], []
    for _ in range(repeats):
        order = rng.permutation(live.size)
        one, other = live[order[:half]], live[order[half:]]
        floor.append(ks_2samp(one, other).statistic)
        value.append(ks_2samp(one, rng.choice(fitted, half, replace=False)).statistic)
    return float(np.mean(value)), float(np.mean(floor))


def compared():
    """Return value and floor of each quantity, and print them with quantiles."""
    live = pulsed(live_cells())
    card = Card.load(ROOT / "src" / "frenkel" / "cards" / "hfo2.card.json")
    fitted = pulsed(CardCells.from_card(card, (32, 32), SEED))
    found = {}
    print(f"\n{'10, 50, 90 % quantiles (uS, 1)':30} {'live':>22} {'fitted':>22} {'KS':>6} {'floor':>6}")
    for name, values in live.items():
        found[name] = gate(values, fitted[name])
        unit = 1.0 if name.startswith("ratio") else 1e6
        both = (
            " ".join(f"{unit * x:.2f}" for x in np.quantile(v, (0.1, 0.5, 0.9)))
            for v in (values, fitted[name])
        )
        print(f"{name:30} {next(both):>22} {next(both):>22} {found[name][0]:6.2f} {found[name][1]:6.2f}")
    return found


@pytest.fixture(scope="module")
def found():
    return compared()


def within(pair):
    value, floor = pair
    return value <= FACTOR * floor


def test_states_before_any_pulse_agree(found):
    """HRS after the first RESET: 0.33 against a floor of 0.21."""
    assert within(found["HRS"])


@pytest.mark.xfail(
    reason="KS 0.41, limit 0.40: a pulse holds its voltage where the ramp of the ensemble ends at the limit, "
    "so that no live device stays in the lower half of the LRS of the card (10 % quantile 28, not 13 uS)"
)
def test_programmed_conductances_agree(found):
    assert within(found["programmed"])


@pytest.mark.xfail(
    strict=True,
    reason="KS 0.97, limit 0.08: the gap of a fitted cell creeps at any voltage (7 % in the median, a factor "
    "of 4 in a tenth of the cells), atoms of live devices stay where they are at 0.8 V for 1 us",
)
def test_disturbed_conductances_agree(found):
    assert within(found["ratio of both"])
