"""A transition with many phonons as the compiled loops read it: an even function on a grid.

Capture and emission share everything but ``exp(-+ dE / 2 kT)``, so one table of what they share, a function
of |dE| and of the temperature, gives both; their ratio is exp(-dE / kT) whatever the error of the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ...typing import Floats
from ...units import BOLTZMANN_EV

if TYPE_CHECKING:
    from .mechanism import Mechanism
    from .multiphonon import Multiphonon


COLDEST, HOTTEST = 77.0, 5000.0
"""Temperatures (K) that the table covers; below it is refused, above it goes on in a straight line."""
N_KT, N_ENERGY = 28, 129
BEYOND = 3.0
"""Energy (eV) that the table covers beyond twice the relaxation energy."""


@dataclass(frozen=True, eq=False)
class Lineshape:
    """Even part of the activation energy of an exchange with a metal, bicubic on a grid.

    Attributes
    ----------
    node : ndarray of shape (n_kt, n_energy, 4)
        Value, both slopes times the steps of the grid, and the cross slope (eV).
    step : float
        Step of the energy (eV), from 0 eV on.
    first, ratio : float
        Logarithm of the least kT (eV), and the step of that logarithm.

    Notes
    -----
    The rate is ``nu exp(-(even(|dE|, T) + dE / 2) / kT)``, with ``even = -kT log_exchanged(dE, T)`` of the
    transition: the line shape of Huang and Rhys summed over the energies of the metal, weighed by their
    occupation [1]_. Beyond the grid it is a straight line in the energy, which is exact: every electron of
    the metal that can pay takes part there.

    References
    ----------
    .. [1] K. Huang and A. Rhys, "Theory of light absorption and non-radiative transitions in F-centres",
       Proc. R. Soc. A 204, 406 (1950), doi:10.1098/rspa.1950.0184.
    """

    node: Floats
    step: float
    first: float
    ratio: float


@lru_cache(maxsize=16)
def tabulate(transition: Multiphonon) -> Lineshape:
    """Return the table of a transition with a metal; made once in a process (about half a second)."""
    from scipy.interpolate import RectBivariateSpline  # takes a while, and few need it

    end = 2.0 * transition.relaxation_energy + BEYOND
    energy = np.linspace(0.0, end, N_ENERGY)
    thermal = np.geomspace(BOLTZMANN_EV * COLDEST, BOLTZMANN_EV * HOTTEST, N_KT)
    even = np.stack([-kt * log_exchanged(transition, energy, float(kt)) for kt in thermal])
    mirrored = np.concatenate([even[:, :0:-1], even], axis=1)
    spline = RectBivariateSpline(np.log(thermal), np.r_[-energy[:0:-1], energy], mirrored)
    step, ratio = float(energy[1]), float(np.log(thermal[1] / thermal[0]))
    arguments = np.log(thermal), energy
    node = np.stack(
        [
            even,
            step * spline(*arguments, dy=1),
            ratio * spline(*arguments, dx=1),
            step * ratio * spline(*arguments, dx=1, dy=1),
        ],
        axis=-1,
    )
    return Lineshape(np.ascontiguousarray(node), step, float(np.log(thermal[0])), ratio)


def refuse_cold(mechanisms: Iterable[Mechanism], least: float) -> None:
    """Raise an error where a table of some mechanism does not reach down to a temperature (K)."""
    for m in mechanisms:
        if m.transition is not None and least < COLDEST * (1 - 1e-9):
            raise ValueError(
                f"temperature must be at least {COLDEST:g} K for the law 'multiphonon' of {m.name!r}, "
                f"got {least:g} K"
            )


def log_exchanged(transition: Multiphonon, level: Floats, thermal: float) -> Floats:
    """Return ``transition.log_exchanged`` at kT = ``thermal`` (eV), with few Bessel functions."""
    from scipy.interpolate import CubicSpline  # SciPy, and only exchange of electrons by phonons needs it
    from scipy.special import logsumexp

    from .multiphonon import STEP, contact_energies, log_half_sech

    grid = contact_energies(level, thermal)
    step: Floats = STEP * thermal * np.arange(2.0 * len(grid))
    shared = transition.log_shared(step, thermal / BOLTZMANN_EV)
    line = CubicSpline(step, shared, bc_type=((1, 0.0), "not-a-knot"))
    term = line(np.abs(level[:, None] - thermal * grid)) + log_half_sech(grid)
    return np.asarray(logsumexp(term, axis=1) + np.log(STEP * thermal / transition.phonon_energy))
