"""What conduction laws are compared with: the exponent of a slanted barrier, a chain between two leads."""

import numpy as np
from numpy.typing import ArrayLike

from frenkel.checks import positive
from frenkel.kinetic.conduction.tunnelling import decay
from frenkel.typing import Floats


def wkb_exponent(start: ArrayLike, end: ArrayLike, length: ArrayLike, mass: float) -> Floats:
    """Return the WKB exponent of a barrier whose top falls linearly along the way; exp(-it) is transmitted.

    Parameters
    ----------
    start, end : array_like
        Height of the barrier above the electron's energy at both ends (eV), at least one of them positive;
        exchanging them changes nothing. Where one is negative the barrier ends on the way.
    length : array_like
        Length of the way (m).
    mass : float
        Effective mass over that of a free electron.

    Notes
    -----
    ``(4 sqrt(2 m) d / 3 hbar) (a^(3/2) - b^(3/2)) / (a - b)``, written without the difference.
    """
    a = np.maximum(start, end)
    lowest = np.minimum(start, end)
    share = np.where(lowest < 0, a / np.where(lowest < 0, a - lowest, 1.0), 1.0)
    b = np.maximum(lowest, 0.0)
    shape = share * (a + np.sqrt(a * b) + b) / (np.sqrt(a) + np.sqrt(b))
    value: Floats = 2 / 3 * decay(1.0, mass) * np.asarray(length) * shape
    return value


def chain_transmission(
    energy: ArrayLike, level: ArrayLike, hopping: ArrayLike, left: float, right: float
) -> Floats:
    """Return the coherent transmission of a chain of levels between two leads.

    Parameters
    ----------
    energy : array_like
        Energies of the electron (eV).
    level : array_like of shape (n,)
        Energies of the levels (eV).
    hopping : array_like of shape (n - 1,)
        Matrix elements between neighbours (eV).
    left, right : float
        Broadening Gamma that the leads give to the first and the last level (eV), positive.

    Returns
    -------
    ndarray
        Transmission at each energy, 0 to 1; times 2 e^2 / h the conductance.

    Notes
    -----
    ``T = Gamma_L Gamma_R |G_1n|^2``, G the Green's function of the chain with the leads' self-energies
    -i Gamma / 2 [1]_. One level: ``Gamma_L Gamma_R / ((E - E0)^2 + (Gamma_L + Gamma_R)^2 / 4)``.

    References
    ----------
    .. [1] C. Caroli, R. Combescot, P. Nozieres, D. Saint-James, "Direct calculation of the tunneling
       current", J. Phys. C 4, 916 (1971), doi:10.1088/0022-3719/4/8/018.
    """
    positive("left", left, "eV")
    positive("right", right, "eV")
    levels, hops = np.atleast_1d(level).astype(complex), np.atleast_1d(hopping).astype(complex)
    if levels.ndim != 1 or hops.shape != (len(levels) - 1,):
        raise ValueError(f"hopping must have one entry fewer than level, got {hops.shape} and {levels.shape}")
    levels[0] -= 0.5j * left
    levels[-1] -= 0.5j * right
    at = np.asarray(energy, dtype=np.float64)
    # Continued fraction of the tridiagonal matrix: each Green's function is one division.
    green = 1 / (at - levels[0])
    through = green
    for own, hop in zip(levels[1:], hops, strict=True):
        green = 1 / (at - own - hop**2 * green)
        through = through * hop * green
    value: Floats = left * right * np.abs(through) ** 2
    return value
