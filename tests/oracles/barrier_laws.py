"""The barrier laws in plain Python, for comparison with the compiled loops."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from frenkel.kinetic.fields._event_rates import Candidates, EventRates, MechanismTables
from frenkel.kinetic.mechanisms.barrier import LAWS, LINEAR, MARCUS, NUMBERS, SINUSOIDAL, sinusoidal
from frenkel.kinetic.mechanisms.lineshape import Lineshape
from frenkel.typing import Floats
from frenkel.units import BOLTZMANN_EV


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
        Fraction of dE that the forward direction feels, 0 to 1.
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


def height_of(well: str, barrier: float, reach: float, force: float) -> float:
    """Return the height (eV) of a well's edge over its minimum under a force, from the well itself.

    Parameters
    ----------
    well : {"cusp", "cubic"}
        Of Dudko, Hummer and Szabo: a parabola that ends at ``reach``, or a cubic.
    barrier, reach : float
        Height (eV) and place (any length) of the edge without force.
    force : float
        Over the length, eV.
    """
    place = np.linspace(-4.0, 4.0, 800_001) * reach
    part = place / reach
    if well == "cusp":
        inside = part <= 1.0
        energy = np.where(inside, barrier * part**2, -np.inf) - force * place
        return float(barrier - force * reach - energy[inside].min())
    energy = barrier * (1.5 * part - 2.0 * part**3) - force * place
    edge = np.flatnonzero((energy[1:-1] > energy[:-2]) & (energy[1:-1] >= energy[2:])) + 1
    foot = np.flatnonzero((energy[1:-1] < energy[:-2]) & (energy[1:-1] <= energy[2:])) + 1
    return float(energy[edge[0]] - energy[foot[0]])


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


def _checked(barrier: ArrayLike, energy: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    e_m, d_e = np.asarray(barrier, dtype=np.float64), np.asarray(energy, dtype=np.float64)
    bad = e_m[~(e_m >= 0.0)]
    if bad.size:
        raise ValueError(f"barrier must be at least 0 eV, got {bad[0]}")
    return e_m, d_e


def multiphonon(shape: Lineshape, energy: ArrayLike, temperature: float) -> Floats:
    """Return the activation energy (eV) for energy differences dE (eV) at a temperature (K).

    Forward minus reverse is dE to rounding.
    """
    difference = np.asarray(energy, np.float64)
    x, y = np.abs(difference) / shape.step, (np.log(BOLTZMANN_EV * temperature) - shape.first) / shape.ratio
    i = np.minimum(x.astype(int), shape.node.shape[1] - 2)
    j = int(np.clip(np.floor(y), 0, shape.node.shape[0] - 2))
    across, along = _hermite(x - i), _hermite(np.asarray(y - j))
    even = np.zeros_like(difference)
    for b in (0, 1):
        for a in (0, 1):
            node = shape.node[j + b, i + a]
            even += along[b] * (across[a] * node[..., 0] + across[2 + a] * node[..., 1])
            even += along[2 + b] * (across[a] * node[..., 2] + across[2 + a] * node[..., 3])
    return np.asarray(even + 0.5 * difference)


def _hermite(t: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the weights of both values and of both slopes at t between 0 and 1; a line beyond."""
    t = np.asarray(t, np.float64)
    low, high = np.minimum(t, 0.0), np.maximum(t - 1.0, 0.0)
    s = t - low - high
    return (
        (1 + 2 * s) * (1 - s) ** 2,
        s**2 * (3 - 2 * s),
        s * (1 - s) ** 2 + low,
        s**2 * (s - 1) + high,
    )


def compiled(
    barrier: ArrayLike,
    energy: ArrayLike,
    law: str,
    *,
    kelvin: float = 300.0,
    alpha: float = 0.5,
    direction: int = 0,
    shape: Lineshape | None = None,
) -> Floats:
    """Return the activation energy (eV) as the loop of devices works it out, for comparison with the laws."""
    whole = ("code_before_a", "code_after_a", "code_before_b", "code_after_b", "electrode")
    tables = {name: np.zeros(1, np.int32) for name in whole}
    tables |= {
        name: np.zeros(1) for name in ("charge_a", "charge_b", "dipole", "floor", "heat_of_transport")
    }
    tables["dipole_power"] = np.ones(1)
    tables |= {"law": np.array([NUMBERS[law]], np.int32), "alpha": np.array([alpha]), "lineshapes": [shape]}
    barriers, energies = np.broadcast_arrays(barrier, energy)
    none = np.zeros(barriers.size)
    listed = none, none + direction, none, none, barriers.ravel(), none, none
    candidates = Candidates(MechanismTables(tables, kelvin), *listed)
    return EventRates(candidates, energies.ravel(), none).activation(1.0).reshape(barriers.shape)
