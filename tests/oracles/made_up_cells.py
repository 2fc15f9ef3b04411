"""Cells of round numbers for tests of arrays; none of them is anybody's device."""

from dataclasses import replace

import numpy as np
from made_up_cycles import truth

from frenkel.cells.core import GapCore
from frenkel.cells.gap_cells import CardCells
from frenkel.cells.noise import RelaxationLaw, RelaxationState

CORE = GapCore()
FEATURES = {"hrs": 1e6, "lrs": 1e4, "set_voltage": 0.9, "reset_voltage": -1.1}
"""Of a cell between 1 and 100 uS."""


def made_up_cells(shape, conductance=2e-6, **more):
    """Return cells that are all alike, at a conductance; `more` are features or arguments of CardCells."""
    features = {name: more.pop(name, value) for name, value in FEATURES.items()}
    cells = CardCells(CORE, features, shape, **more)
    cells.program(conductance)
    return cells


def drifting(slope=-0.02, spread=0.0, activation=1.0):
    """Return a relaxation whose ln(G) moves by `slope` per unit of ln(t / 1 s) from 1 s on."""
    state = RelaxationState(name="all", conductance=1e-5, location=(0.0, slope), spread=(0.0, spread))
    return RelaxationLaw(states=(state,), times=(1.0, 1e9), activation=activation)


def varied_card(**more):
    """Return the known law of `made_up_cycles` with a core: devices and cycles that differ."""
    return replace(truth(), core=CORE.to_dict(), validity={"voltage": (-2.5, 2.5)}, **more)


def varied_cells(shape, seed, conductance=None, **more):
    """Return cells of `varied_card`, in their HRS or at a conductance."""
    cells = CardCells.from_card(varied_card(**more), shape, seed)
    if conductance is not None:
        cells.program(np.clip(conductance, *cells.window()))
    return cells
