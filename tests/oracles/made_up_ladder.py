"""A small jump-process model of known states: three ohmic ones that a SET goes up and a RESET down."""

from dataclasses import replace

import earlier
import numpy as np

from frenkel.cells.card import Card
from frenkel.cells.jumps import JumpLaw

CONDUCTANCE = np.array([2e-6, 1e-5, 5e-5])
OFFSETS = np.array([-2.0, 0.0, -1.0])
SLOPE, BARRIER = 14.0, 4e3
"""Of ln(rate) against the voltage (1/V), and against 1/T (K)."""

VOLTAGES = np.round(np.linspace(-1.8, 1.8, 25), 12)
HEATS = np.array([300.0, 330.0, 358.0])


def law(**change):
    """Return the law; ln(rate) = offset + 14 |V| - 4000 (1/T - 1/300)."""
    heat = -BARRIER * (1.0 / HEATS - 1.0 / 300.0)
    log_rate = OFFSETS[:, None, None] + SLOPE * np.abs(VOLTAGES) + heat[:, None]
    numbers = {
        "voltages": VOLTAGES, "temperatures": HEATS, "level": np.log(CONDUCTANCE),
        "current": CONDUCTANCE[:, None] * VOLTAGES, "rate": np.exp(log_rate),
        "kind": np.array([0, -1, 1]), "before": [0, 1, 2, 1], "after": [1, 2, 1, 0],
        "jump_voltage": np.array([1.0, 1.0, -1.0, -1.0]), "read_voltage": 0.1, "neighbours": 1,
    }  # fmt: skip
    return JumpLaw(**numbers | change)


def card(**change):
    """Return a card with the law."""
    return replace(Card.load(earlier.today() / "small.card.json"), jump_law=law(**change))
