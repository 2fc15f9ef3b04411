"""Loops of an ohmic cell, of which every number is known."""

import numpy as np

HRS, LRS, SET, RESET, LIMIT = 1e5, 1e4, 0.8, -1.0, 1e-4


def loop(*, set_at=SET, reset_at=RESET, hrs=HRS, lrs=LRS, start=None, sign=1.0, step=0.01):
    """Return voltage and current of a SET under a limit and a RESET of an ohmic cell."""
    up = np.arange(0, 1.2 + step / 2, step)
    down = -np.arange(0, 1.5 + step / 2, step)
    volts = np.concatenate([up, up[::-1][1:], down[1:], down[::-1][1:]])
    ohms, amperes = start or hrs, []
    for k, v in enumerate(volts):
        if k < len(up) and v >= set_at - 1e-9:
            ohms = lrs
        elif v <= reset_at + 1e-9:
            ohms = hrs
        amperes.append(min(v / ohms, LIMIT))
    return sign * volts, sign * np.array(amperes)
