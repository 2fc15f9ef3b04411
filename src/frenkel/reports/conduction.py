"""Currents of a material by its conduction laws, over voltage and temperature."""

import numpy as np
import xarray as xr

from ..analysis.plots.conduction import tabulate
from ..kinetic.conduction import iv
from ..kinetic.materials.material import Material

VOLTAGES = 60
TEMPERATURES = (250.0, 300.0, 350.0, 400.0, 450.0)  # K


def laws_of(material: Material, thickness: float, width: float, largest: float) -> xr.Dataset:
    """Return the current of each law of a material, and where each of them dominates.

    Parameters
    ----------
    material : Material
    thickness, width : float
        Of the oxide and of the square electrodes (m).
    largest : float
        Voltage (V) up to which the currents are taken, above 0.
    """
    volts, kelvin = np.linspace(largest / VOLTAGES, largest, VOLTAGES), np.array(TEMPERATURES)
    rows = [iv.currents(material, float(t), volts, thickness, width**2) for t in kelvin]
    parts = [iv.contributions(row) for row in rows]
    return tabulate(
        {name: [row[name] for row in rows] for name in rows[0]},
        volts,
        kelvin,
        contribution={name: [part[name] for part in parts] for name in parts[0]},
        limit=iv.largest_voltages(material, thickness),
        title=f"{material.name}, {thickness * 1e9:g} nm thick, {width * 1e9:g} nm wide",
    )
