"""Closed forms that arrays and programming are held against."""

import math

import numpy as np


def ladder(n, segment, conductance):
    """Return node over source voltage of a line whose cells all go to ground.

    V_k/V_0 = cosh((n - k + 1/2) mu) / cosh((n + 1/2) mu) with 4 sinh^2(mu/2) = r G, k = 1 ... n, exact.

    Parameters
    ----------
    n : int
        Number of cells.
    segment : float
        Resistance r of a segment (ohm), the first included.
    conductance : float
        Conductance G of each cell (S).
    """
    mu = 2.0 * np.arcsinh(np.sqrt(segment * conductance) / 2.0)
    behind = n - np.arange(1, n + 1) + 0.5
    # exp of differences, since cosh itself overflows on long lines.
    total = n + 0.5
    scaled = np.exp((behind - total) * mu) * (1.0 + np.exp(-2.0 * behind * mu))
    return np.asarray(scaled / (1.0 + np.exp(-2.0 * total * mu)))


def sneak_resistance(m, n, resistance):
    """Return the resistance beside a selected cell when all other lines float (ohm), exact without wires.

    R [1/(m-1) + 1/(n-1) + 1/((m-1)(n-1))], all other cells of one resistance; m and n at least 2.
    """
    return resistance * (1.0 / (m - 1) + 1.0 / (n - 1) + 1.0 / ((m - 1) * (n - 1)))


def elmore_delay(n, segment, capacitance, driver=0.0):
    """Return the Elmore time constant of each node of a line driven at one end (s).

    tau_k = sum_j C min-path resistance(k, j): R_driver n C + r C sum_j min(k, j). The 50 % delay is about
    0.69 of it. Cells draw no current here.

    Parameters
    ----------
    n : int
        Number of cells.
    segment, driver : float
        Resistance of a segment and of the driver (ohm).
    capacitance : float
        Of each node (F).
    """
    k = np.arange(1, n + 1)
    shared = k * (k + 1) / 2.0 + k * (n - k)
    return np.asarray(capacitance * (driver * n + segment * shared))


def accepted_share(mean, spread, target, tolerance):
    """Return the chance that a normal draw falls within a tolerance of the target.

    Re-programming at random until accepted then takes a geometric number of pulses, 1/p in the mean.

    Parameters
    ----------
    mean, spread : float
        Of what a pulse gives.
    target, tolerance : float
        Centre and half width of what is accepted.
    """
    high, low = (target + tolerance - mean) / spread, (target - tolerance - mean) / spread
    return 0.5 * (math.erf(high / math.sqrt(2.0)) - math.erf(low / math.sqrt(2.0)))
