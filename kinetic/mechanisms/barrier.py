"""Barrier laws with detailed balance: how an energy difference is split between forward and reverse.

The loops hold the laws inline; tests keep them equal to the law here and to those of `barrier_laws`.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

SINUSOIDAL: Final = "sinusoidal"
LINEAR: Final = "linear"
MARCUS: Final = "marcus"
MULTIPHONON: Final = "multiphonon"
LAWS: Final = {SINUSOIDAL: 0, LINEAR: 1, MARCUS: 2}
NUMBERS: Final = {**LAWS, MULTIPHONON: 3}
"""Numbers of all laws; that of many phonons depends on temperature and is in `lineshape`."""


def sinusoidal(barrier: ArrayLike, energy: ArrayLike) -> NDArray[np.float64]:
    """Return the activation energy of a sinusoidal barrier tilted by an energy difference.

    Parameters
    ----------
    barrier : array_like
        Barrier E_m (eV) without energy difference, >= 0.
    energy : array_like
        Energy difference dE (eV) between the end and the start of the move.

    Returns
    -------
    ndarray of float64
        Activation energy (eV), >= 0.

    Raises
    ------
    ValueError
        If a barrier is negative or not a number.

    Notes
    -----
    With ``g = -dE / (pi E_m)`` the activation energy is
    ``E_m [sqrt(1 - g**2) + g asin(g)] + dE / 2`` for ``|g| <= 1`` and ``max(0, dE)`` beyond; forward minus
    reverse is dE exactly. For small dE it is ``E_m + dE / 2``.
    """
    e_m, d_e = np.asarray(barrier, dtype=np.float64), np.asarray(energy, dtype=np.float64)
    negative = e_m[~(e_m >= 0.0)]
    if negative.size:
        raise ValueError(f"barrier must be at least 0 eV, got {negative[0]}")
    tilted = np.abs(d_e) < np.pi * e_m
    g = np.where(tilted, d_e / np.where(tilted, np.pi * e_m, 1.0), 0.0)
    even = np.where(tilted, e_m * (np.sqrt(1.0 - g * g) + g * np.arcsin(g)), 0.5 * np.abs(d_e))
    return np.asarray(even + 0.5 * d_e)


def under_field(barrier: ArrayLike, work: ArrayLike, power: float) -> NDArray[np.float64]:
    """Return the height of a transition state that a field lowers.

    Parameters
    ----------
    barrier : array_like
        Height E_0 (eV) without field.
    work : array_like
        Dipole at zero field times the field over the bond, p F (eV); negative in the opposite field.
    power : float
        n, 1 to 2: 1 a line (Bell), 1.5 a linear-cubic well, 2 a cusp of two parabolas.

    Returns
    -------
    ndarray of float64
        Height (eV). For a barrier above 0 it is ``E_0 (1 - p F / (n E_0))**n`` [1]_ with n = 1 / nu: the
        slope at zero field is -p for each n. Events give it the field of their forward direction alone, see
        `Mechanism.dipole`. Beyond the critical field n E_0 / p it is negative (E_0 less p F / n): no barrier
        is left.

    References
    ----------
    .. [1] O. K. Dudko, G. Hummer, A. Szabo, "Intrinsic rates and activation free energies from
       single-molecule pulling experiments", Phys. Rev. Lett. 96, 108101 (2006),
       doi:10.1103/PhysRevLett.96.108101.
    """
    e_0, taken = np.broadcast_arrays(np.asarray(barrier, np.float64), np.asarray(work, np.float64))
    if power == 1.0:
        return np.asarray(e_0 - np.maximum(taken, 0.0))
    some = e_0 > 0.0
    left = 1.0 - np.where(some, taken, 0.0) / (power * np.where(some, e_0, 1.0))
    bent = e_0 * np.where(left > 0.0, np.abs(left) ** power, left)
    return np.asarray(np.where(some, bent, e_0 - np.maximum(taken, 0.0) / power))


def soret_lever(barrier: float, heat_of_transport: float) -> float:
    """Return the lever beta of the temperature that a hop reads, ``T_i + beta (T_j - T_i)``.

    Parameters
    ----------
    barrier : float
        Barrier E_m (eV), >= 0.
    heat_of_transport : float
        Heat of transport Q* (eV).

    Returns
    -------
    float
        ``(1 - Q* / E_m) / 2``; 1/2 for Q* = 0.

    Raises
    ------
    ValueError
        If Q* is given for a move without barrier.
    """
    if heat_of_transport == 0.0:
        return 0.5
    if barrier <= 0.0:
        raise ValueError(f"heat_of_transport needs a barrier above 0 eV, got barrier {barrier}")
    return 0.5 * (1.0 - heat_of_transport / barrier)
