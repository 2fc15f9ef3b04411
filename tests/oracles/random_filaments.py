"""Random filaments of the families whose bonds obey laws, and their operating points at any voltage."""

import math

import numpy as np

from frenkel.kinetic.device import Device
from frenkel.kinetic.lattice.species import OXYGEN, VACANCY
from frenkel.kinetic.materials.material import Material

FAMILIES = (
    "Ag-Al2O3", "Ag-SiO2", "Cu-Al2O3", "Cu-SiO2",
    "HfO2-fast", "SiOx", "SiOx-electrons", "Ta2O5-Pt", "TaOx", "TiOx",
)  # fmt: skip
"""Sets with a barrier of a gap or a contact, or hops between levels that relax."""

SERIES = 7.5e3  # ohm


def filament(shape, rng):
    """Return the host sites of a filament of random radius and density, with a gap of random height."""
    nx, ny, nz = shape
    x, y, z = np.indices(shape)
    away = [(place - rng.integers(n) + n / 2) % n - n / 2 for place, n in ((x, nx), (y, ny))]
    inside = (np.hypot(*away) <= rng.uniform(0.5, 2.5)) & (rng.random(shape) < rng.uniform(0.3, 1.0))
    first, height = rng.integers(nz), rng.integers(nz)
    inside &= (z < first) | (z >= first + height)
    return np.flatnonzero(inside | (rng.random(shape) < 0.01))


def put(device, sites):
    """Give a device these vacancies and no other atoms."""
    species = np.array(device.engine.species, np.int8)
    species[: device.n_hosts] = OXYGEN.code
    species[sites] = VACANCY.code
    device.engine.restore(dict(device.engine.state(), species=species))


def operating_points(family, temperature, number, seed):
    """Yield errors of operating points, relative to their voltage or current.

    Of each filament the voltage behind a series resistance, the current there, and the voltage at a current.

    Raises
    ------
    ArithmeticError
        An operating point, or the network without one of its vacancies, does not settle.
    """
    rng = np.random.default_rng(seed)
    device = Device(Material.load(family), 2.6e-9, 1.6e-9, temperature=temperature, seed=1)
    for _ in range(number):
        put(device, filament(device.shape, rng))
        solved = device.solver.solve(device.engine.species)
        voltage = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.05, 6.0))
        if solved.make_ends is not None:
            solved.make_ends([voltage, math.copysign(6.0, voltage)])
        if solved.law is None:
            continue
        current = solved.law(voltage)
        over, through = solved.law.point(voltage, SERIES)
        yield (
            abs(over + SERIES * through - voltage) / abs(voltage),
            abs(solved.law(over) - through) / max(abs(through), 1e-6 * abs(voltage) / SERIES),
            # Digits are lost to the voltage that the current would need at the conductance of 0 V.
            abs(solved.law.at(current) - voltage) / (abs(voltage) + 1e-6 * abs(current) / solved.conductance),
        )
