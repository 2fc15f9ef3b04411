"""A crossbar of exported cells in circuit simulators against the solver of the project."""

import numpy as np
import pytest
from made_up_core import CARD, CORE
from spice_array import SEGMENT, netlist, run
from spice_bench import need

from frenkel.array.crossbar import Crossbar
from frenkel.array.lines.network import Lines
from frenkel.cells.gap_cells import CardCells

PULSE = (5, 7, 1.5, 1e-6)
"""Word line, bit line, amplitude [V], width [s]."""


def currents(route, folder, size):
    """Return currents before and after a pulse in a simulator, ours, and how far the pulse changed them."""
    need(route)
    need("osdi")
    random = np.random.default_rng(1)
    features = {name: v.reshape(size, size) for name, v in CARD.sample(size * size, 1, 7).items()}
    low, high = CORE.gap(features["lrs"]), CORE.gap(features["hrs"])
    gaps = low + (high - low) * random.uniform(0.0, 1.0, (size, size))
    gaps[PULSE[:2]] = high[PULSE[:2]]
    voltages = random.uniform(0.0, 0.1, size)
    cells = CardCells(CORE, features, (size, size))
    cells.program(1.0 / (CORE.read_voltage / cell_current(gaps)))
    lines = Lines(shape=(size, size), word_resistance=SEGMENT, bit_resistance=SEGMENT)
    # The whole array in every step: a load line books what half-selected cells feel too late (0.8 %).
    bar = Crossbar(cells, lines, scheme="half", steps=200, use_load_line=False)
    before = bar.multiply(voltages)
    bar.pulse(PULSE[:2], *PULSE[2:])
    bar.finish()
    after = bar.multiply(voltages)
    command = netlist(CARD, route, features, gaps, voltages, PULSE, folder)
    return run(command, folder, size), np.array([before, after])


def cell_current(gap):
    """Return the current at the read voltage [A]."""
    core = CORE
    return (
        core.current_prefactor
        * np.exp(-gap / core.gap_scale)
        * np.sinh(core.read_voltage / core.voltage_scale)
    )


def check(found, ours):
    error = np.abs(found / ours - 1.0).max(axis=1)
    print(f"largest difference {error[0]:.2g} before, {error[1]:.2g} after the pulse")
    assert np.all(error < 5e-3)
    # The pulse did something: the selected bit line carries another current.
    assert abs(ours[1, PULSE[1]] / ours[0, PULSE[1]] - 1.0) > 0.05


@pytest.mark.parametrize("route", ["osdi", "vacask"])
def test_small_crossbar(bench_folder, route):
    check(*currents(route, bench_folder, 8))


@pytest.mark.spice
@pytest.mark.parametrize("route", ["osdi", "vacask"])
def test_crossbar(bench_folder, route):
    """32 x 32."""
    check(*currents(route, bench_folder, 32))
