"""The card of the tests with a core for circuits."""

from dataclasses import replace

import numpy as np
from gap_equation import GapEquation
from made_up_cycles import truth

from frenkel.cells.core import GapCore, average

CORE = GapCore()
CARD = replace(truth(), core=CORE.to_dict(), validity={"voltage": (-2.5, 2.5)})

MIDDLE = average(CARD)
"""Instance parameters of the average device."""


def average_cell():
    """Return the rate equation of the average device."""
    features = {
        "hrs": np.exp(MIDDLE["lnhrs"]),
        "lrs": np.exp(MIDDLE["lnlrs"]),
        "set_voltage": MIDDLE["vset"],
        "reset_voltage": -MIDDLE["vreset"],
    }
    return GapEquation(core=CORE, **{name: float(value) for name, value in CORE.cells(features).items()})
