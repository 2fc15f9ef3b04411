"""Currents through weak sites of a sheet that no atom fills, each between the electrodes of the one layer.

A site conducts ``g exp(-E (1/kT - 1/kT0)) exp(d/kT)``, with T0 = 300 K, as carriers do that are emitted
over a barrier or hop by a state in the gap. What its energy is lower than the mean, d, goes with its factor
f on bonds: it is the random number ``ln f / s`` of the disorder of bonds, whose standard deviation is s,
times the spread. What relaxes bonds relaxes the off state too. Sites are resistors beside the network,
exactly so where each touches both electrodes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...typing import Floats
from ...units import BOLTZMANN_EV
from ..materials.material import Material
from .classes import activated


def empty_conductance(
    material: Material, empty: NDArray[np.bool_], factor: Floats, temperature: float
) -> float:
    """Return the conductance (S) of empty weak sites in parallel.

    Parameters
    ----------
    material : Material
    empty : (n_hosts,) bool
        Weak sites without an atom.
    factor : (n_hosts,) float
        Factors of the sites on their bonds.
    temperature : float
        Of the sheet, K.
    """
    numbers, warmth = material.conduction, BOLTZMANN_EV * temperature
    median = numbers.empty_site * activated(numbers.empty_activation, temperature)
    if not numbers.empty_spread:
        return float(median * empty.sum())
    deviation = np.log(factor[empty]) * (numbers.empty_spread / material.disorder.bond)
    return float(median * np.exp(deviation / warmth).sum())
