"""Resistances of a state: of the device after a phase, and at the terminals, on the way back of a sweep.

A device in series with a resistor has two resistances. ``hrs`` and ``lrs`` are those of the device;
``hrs_terminal`` and ``lrs_terminal`` are source voltage over current, as an instrument reads them, with all
that is in series.
"""

import numpy as np

from ...typing import Floats

DEVICE_READ = "after the phase, at the read voltage across the device, while no time passes"
TERMINAL_READ = "on the way back of the sweep, at the read voltage of the source, with all that is in series"
"""Where in a cycle a resistance is read: values of the attribute ``read``."""

AROUND = 0.3
"""Fraction of the read voltage on either side of it whose samples count for a resistance."""


def terminal_resistance(source: Floats, current: Floats, read_voltage: float) -> float:
    """Return source voltage over current (ohm) at the read voltage on the way back of a sweep.

    Parameters
    ----------
    source, current : (n,) float64
        Source voltage (V) and current (A) of the phase, in time order.
    read_voltage : float
        V, by magnitude.

    Returns
    -------
    float
        NaN where the sweep does not come back to the read voltage; inf without current.
    """
    if not len(source):
        return np.nan
    volts = np.abs(source)
    falling_part = slice(int(np.flatnonzero(volts == volts.max())[-1]), None)
    return resistance_at(source[falling_part], current[falling_part], abs(read_voltage))


def resistance_at(voltage: Floats, current: Floats, at: float) -> float:
    """Return the resistance (ohm) at a voltage (V), by a parabola through the samples around it.

    Between its neighbours where few are near; NaN where no samples reach it or the current there is of the
    other sign; inf without current.
    """
    v, i = np.abs(voltage), current * np.sign(voltage)
    if not v.size or not v.min() <= at <= v.max():
        return np.nan
    in_range = np.abs(v - at) <= AROUND * at
    if in_range.sum() < 5:
        order = np.argsort(v)
        amperes = float(np.interp(at, v[order], i[order]))
    else:
        amperes = float(np.polyval(np.polyfit(v[in_range] - at, i[in_range], 2), 0.0))
    if amperes == 0:
        return np.inf
    return at / amperes if amperes > 0 else np.nan
