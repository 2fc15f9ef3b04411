"""Current of ions, and the voltage at which ions and electrons together carry none."""

from __future__ import annotations

import math

from scipy.optimize import brentq

from ..checks import whole
from ..kinetic.device import Device
from ..units import ELEMENTARY_CHARGE

SEARCHED = 1.0
"""Largest magnitude (V) of an open-circuit voltage that is looked for."""

_RESOLUTION = 1e-3  # V


def mean_current(device: Device, voltage: float, events: int = 3000) -> tuple[float, float]:
    """Return the mean currents of electrons and of ions at a constant device voltage.

    Parameters
    ----------
    device : Device
        A cell; it is left as it was found, its clock and random numbers included.
    voltage : float
        Device voltage (V).
    events : int
        Events over which the mean is taken, at least 1. More of them average better, but let a filament
        grow or dissolve meanwhile.

    Returns
    -------
    tuple of float
        Current of electrons (A), weighted by the mean wait in each arrangement, and of ions (A).

    Raises
    ------
    ValueError
        ``events`` below 1.

    Notes
    -----
    An event whose energy changes by dE/dV per volt moves the charge ``-e dE/dV`` through the source, by the
    theorem of Ramo [1]_ and Shockley. Dissolving an atom moves part of z e, every hop another; an ion that
    crossed the cell has moved z e. To and fro cancels exactly, which single rates do not.

    References
    ----------
    .. [1] S. Ramo, Proc. IRE 27, 584 (1939), doi:10.1109/JRPROC.1939.228757.
    """
    whole("events", events, 1)
    start = device.state()
    try:
        charge = time = electrons = 0.0
        for _ in range(events):
            solution = device.solved()
            rates = solution.at(voltage)
            total = rates.total(voltage)
            if total == 0.0:
                break
            chosen = rates.pick(voltage, device.engine.draw())
            charge -= rates.work_per_volt(chosen)
            electrons += solution.current(voltage) / total
            time += 1.0 / total
            device.fire(chosen)
    finally:
        device.restore(start)
    if time == 0.0:
        return device.current(voltage), 0.0
    return electrons / time, ELEMENTARY_CHARGE * charge / time


def open_circuit_voltage(device: Device, events: int = 3000) -> float:
    """Return the device voltage at which electrons and ions together carry no current.

    Parameters
    ----------
    device : Device
        A cell; it is left as it was found.
    events : int
        Events over which each current is averaged; see `mean_current`.

    Returns
    -------
    float
        Voltage (V), to 1 mV besides the noise of the mean: positive while metal returns to the top electrode.
        An electronic path shorts this electromotive force, so it is 0 V where electrons carry much more than
        ions; NaN where there is no zero within 1 V.
    """

    def total(voltage: float) -> float:
        return sum(mean_current(device, voltage, events))

    start = total(0.0)
    if start == 0.0:
        return 0.0
    # The cell drives a current; a voltage against it must stop it.
    against = -math.copysign(1.0, start)
    inner, outer = 0.0, 10 * _RESOLUTION
    while inner < SEARCHED:
        if total(against * outer) * start < 0.0:
            return float(brentq(total, against * inner, against * outer, xtol=_RESOLUTION))
        inner, outer = outer, min(2 * outer, SEARCHED)
    return math.nan
