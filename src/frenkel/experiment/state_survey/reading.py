"""What is read of one arrangement of atoms without letting time pass."""

from dataclasses import dataclass

import numpy as np

from ...configuration.measure import MeasureSection
from ...kinetic.solver import Solved
from ...typing import Floats


@dataclass(frozen=True, slots=True)
class Reading:
    """One state.

    Attributes
    ----------
    level : float
        ln of the conductance (S) at the read voltage.
    current : ndarray of shape (b,)
        (A), at the device voltages of the configuration.
    rate : ndarray of shape (t, b)
        Of leaving the state (1/s), at its temperatures and voltages: the sum of the rates of all events, with
        that of the oxide where it relaxes; at 0 V of leaving it and the neighbours that are part of it
        (:mod:`.resting`).
    """

    level: float
    current: Floats
    rate: Floats


def level(solved: Solved, read_voltage: float) -> float:
    """Return ln of the conductance (S) at the read voltage (V)."""
    return float(np.log(solved.current(read_voltage) / read_voltage))


def read(
    solved: Solved, settings: MeasureSection, read_voltage: float, at_rest: Floats, relaxing: float = 0.0
) -> Reading:
    """Read a state at every voltage and temperature of a configuration, but at 0 V, where that is known.

    ``relaxing`` is the rate (1/s) at which the oxide round it relaxes, which is left by that too.
    """
    rate = np.empty((len(settings.temperatures), len(settings.voltages)))
    for column, volts in enumerate(settings.voltages):
        if volts == 0.0:
            rate[:, column] = at_rest
            continue
        events = solved.at(volts)
        rate[:, column] = [events.rates(volts, heat).sum() for heat in settings.temperatures]
    rate += relaxing
    current = [solved.current(volts) for volts in settings.voltages]
    return Reading(level(solved, read_voltage), np.array(current), rate)
