"""Barrier laws with detailed balance: how an energy difference is split between forward and reverse.

The kernel holds inline twins of these functions; a test keeps them equal.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...units import BOLTZMANN_EV

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
    e_m, d_e = _checked(barrier, energy)
    tilted = np.abs(d_e) < np.pi * e_m
    g = np.where(tilted, d_e / np.where(tilted, np.pi * e_m, 1.0), 0.0)
    even = np.where(tilted, e_m * (np.sqrt(1.0 - g * g) + g * np.arcsin(g)), 0.5 * np.abs(d_e))
    return np.asarray(even + 0.5 * d_e)


def linear(
    barrier: ArrayLike, energy: ArrayLike, alpha: float = 0.5, reverse: bool = False
) -> NDArray[np.float64]:
    """Return the activation energy of a linear (Bell, Butler-Volmer) transfer of the energy difference.

    Parameters
    ----------
    barrier : array_like
        Barrier E_m (eV), >= 0.
    energy : array_like
        Energy difference dE (eV) of the direction asked for.
    alpha : float
        Share of dE that the forward direction feels, 0 to 1.
    reverse : bool
        Whether the direction asked for is the reverse one, whose share is ``1 - alpha``.

    Returns
    -------
    ndarray of float64
        Activation energy (eV), >= 0: ``E_m + share * dE``, kept between ``max(0, dE)`` and infinity.

    Raises
    ------
    ValueError
        If a barrier is negative or alpha is outside 0 to 1.

    Notes
    -----
    Where one direction would become negative it is 0 and the other ``|dE|``, so that forward minus
    reverse is always dE.
    """
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha must be between 0 and 1, got {alpha}")
    e_m, d_e = _checked(barrier, energy)
    share = 1.0 - alpha if reverse else alpha
    return np.asarray(np.maximum(e_m + share * d_e, np.maximum(0.0, d_e)))


def marcus(barrier: ArrayLike, energy: ArrayLike) -> NDArray[np.float64]:
    """Return the activation energy of a non-radiative multiphonon transition in its classical limit.

    Parameters
    ----------
    barrier : array_like
        A quarter of the relaxation energy, E_rel / 4 (eV), >= 0: the activation energy without difference.
    energy : array_like
        Energy difference dE (eV) of the direction asked for.

    Returns
    -------
    ndarray of float64
        Activation energy (eV), >= 0: ``(E_rel + dE)**2 / (4 E_rel)`` [1]_; ``max(0, dE)`` for E_rel = 0.

    Raises
    ------
    ValueError
        If a barrier is negative or not a number.

    Notes
    -----
    Forward minus reverse is dE exactly, also in the inverted region |dE| > E_rel, where both rise again.

    References
    ----------
    .. [1] R. A. Marcus, "On the theory of oxidation-reduction reactions involving electron transfer. I",
       J. Chem. Phys. 24, 966 (1956), doi:10.1063/1.1742723.
    """
    e_m, d_e = _checked(barrier, energy)
    some = e_m > 0.0
    relaxation = np.where(some, 4.0 * e_m, 1.0)
    return np.asarray(np.where(some, (relaxation + d_e) ** 2 / (4.0 * relaxation), np.maximum(0.0, d_e)))


def activation(
    barrier: ArrayLike, energy: ArrayLike, law: str = SINUSOIDAL, alpha: float = 0.5, reverse: bool = False
) -> NDArray[np.float64]:
    """Return the activation energy (eV) of the law called ``law``: `sinusoidal`, `linear` or `marcus`."""
    if law == SINUSOIDAL:
        return sinusoidal(barrier, energy)
    if law == LINEAR:
        return linear(barrier, energy, alpha, reverse)
    if law == MARCUS:
        return marcus(barrier, energy)
    raise ValueError(f"no barrier law {law!r}; there are: {', '.join(LAWS)}")


def rate(
    attempt_frequency: ArrayLike, activation_energy: ArrayLike, temperature: ArrayLike
) -> NDArray[np.float64]:
    """Return the Arrhenius rate ``nu exp(-E / kT)`` (1/s).

    Parameters
    ----------
    attempt_frequency : array_like
        Attempt frequency nu (1/s).
    activation_energy : array_like
        Activation energy E (eV).
    temperature : array_like
        Temperature (K), > 0.

    Returns
    -------
    ndarray of float64
        Rate (1/s).
    """
    k_t = BOLTZMANN_EV * np.asarray(temperature, dtype=np.float64)
    return np.asarray(attempt_frequency * np.exp(-np.asarray(activation_energy, dtype=np.float64) / k_t))


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


def _checked(barrier: ArrayLike, energy: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    e_m, d_e = np.asarray(barrier, dtype=np.float64), np.asarray(energy, dtype=np.float64)
    bad = e_m[~(e_m >= 0.0)]
    if bad.size:
        raise ValueError(f"barrier must be at least 0 eV, got {bad[0]}")
    return e_m, d_e
