"""Steady temperature of a solved network whose bonds carry heat in proportion to their conductance."""

from __future__ import annotations

import numpy as np

from frenkel.kinetic.conduction.laws import Bonds, Ohmic
from frenkel.units import LORENZ_NUMBER

from .background import Background
from .network import Network, Solution
from .newton import UnsolvedError
from .systems import solve

HEAT_LIMIT = 100
"""Iterations of the temperature after which a solve has failed."""


def wiedemann_franz(
    electrical: Solution,
    lattice: Background,
    *,
    ambient: float,
    lorenz: float = LORENZ_NUMBER,
    tolerance: float = 1e-6,
) -> Solution:
    """Solve for the steady temperature, with bonds that carry heat in proportion to their conductance.

    Parameters
    ----------
    electrical : Solution
        Solved conduction network; its power is the source of heat.
    lattice : UniformBackground or LinkBackground
        Lattice heat conduction, kappa a (W/K), on the same sites.
    ambient : float
        Temperature of both electrodes (K), positive.
    lorenz : float, optional
        Lorenz number (V^2/K^2), positive.
    tolerance : float, optional
        Largest change of a temperature in the last iteration (K). Default 1e-6.

    Returns
    -------
    Solution
        ``potential`` is the temperature of every site (K).

    Raises
    ------
    ConvergenceError
        If the temperatures do not settle.
    ValueError
        If the ambient temperature or the Lorenz number is not positive.

    Notes
    -----
    The heat through a bond of conductance g is ``L0 g (T_i^2 - T_j^2) / 2``, that is, a bond of conductance
    ``L0 g (T_i + T_j) / 2`` at the mean temperature of its ends, iterated until nothing changes. With no
    lattice conduction any geometry then has ``T^2 = T0^2 + (phi - phi_0) (phi_1 - phi) / L0`` [1]_.

    References
    ----------
    .. [1] F. Kohlrausch, "Ueber den stationaeren Temperaturzustand eines elektrisch geheizten Leiters", Ann.
       Phys. 306, 132 (1900), doi:10.1002/andp.19003060107.
    """
    if not (0 < ambient < np.inf and 0 < lorenz < np.inf):
        raise ValueError(f"ambient (K) and lorenz (V^2/K^2) must be positive, got {ambient!r} and {lorenz!r}")
    network = electrical.network
    voltage, slope = electrical.bond_voltage, network.currents(electrical.bond_voltage)[1]
    carried = np.divide(electrical.bond_current, voltage, out=slope, where=voltage != 0)
    temperature = np.full(network.background.n_sites, float(ambient))
    for _ in range(HEAT_LIMIT):
        extended = np.r_[temperature, ambient, ambient]  # BOTTOM and TOP count from the end
        mean = 0.5 * (extended[network.first] + extended[network.second])
        law = Ohmic(conductance=lorenz * carried * mean)
        heat = Bonds(first=network.first, second=network.second, law=law)
        solution = solve(Network(heat, lattice), 0.0, ground=ambient, source=electrical.site_power)
        change = float(np.max(np.abs(solution.potential - temperature)))
        temperature = solution.potential
        if change <= tolerance:
            return solution
    raise UnsolvedError(
        f"temperatures still change by {change:.2g} K after {HEAT_LIMIT} iterations",
        electrical.top - electrical.bottom,
    )
