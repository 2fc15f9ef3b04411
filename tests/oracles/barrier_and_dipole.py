"""A switch whose barrier and dipole one ramp cannot separate: closed form, at the ramps that are asked for.

The rate is nu exp(-(E - p V)/kT) with E (eV) and p (e); E scatters by 0.03 eV from device to device, so that
V = (kT/p) ln(1 + w p r/(nu kT) exp(E/kT)) with an exponential w. A ramp r gives E = p V + kT ln(nu kT/(p r)):
a line in (p, E) with the slope V. Two lines of slopes V1, V2 with equal errors cross, but the correlation
(V1 + V2)/sqrt(2 (V1^2 + V2^2)) is at least 0.71. It is s1/sqrt(s1^2 + s2^2) for errors s1, s2 where V1 is 0.
"""

import numpy as np

from frenkel.calibration.rounds import Parameter

THERMAL, ATTEMPTS = 0.02585, 1e13  # eV, 1/s
SCATTER = 0.03  # eV
PARAMETERS = (Parameter("barrier", 0.9, 1.3), Parameter("dipole", 0.3, 0.6))
TRUTH = {"barrier": 1.0, "dipole": 0.42}


def devices(values, rate, random, number, temperature=1.0, series=0.0):
    """Return SET voltages (devices, 1, 1) under a ramp of a rate (V/s).

    ``temperature`` is that over 300 K. ``series``: resistance in series over that of the cell before SET, of
    which each device has its own (a lognormal spread of 0.2); the source shows what falls off both.
    """
    values = TRUTH | values
    thermal = THERMAL * temperature
    barrier = values["barrier"] + SCATTER * random.standard_normal(number)
    divider = 1.0 + series * np.exp(0.2 * random.standard_normal(number))
    waits = random.exponential(size=number)
    scale = waits * values["dipole"] * rate / divider / (ATTEMPTS * thermal)
    cell = thermal / values["dipole"] * np.log1p(scale * np.exp(barrier / thermal))
    return (cell * divider)[:, None, None]


def simulator(*protocols, members=32, seed=0):
    """Return a simulator of protocols, each a mapping of `rate`, `temperature`, `series`."""
    from frenkel.calibration.summaries import side_by_side

    def run(points, turn):
        return np.array(
            [
                side_by_side(
                    [
                        devices(one, random=np.random.default_rng([seed, place]), number=members, **protocol)
                        for place, protocol in enumerate(protocols)
                    ]
                )
                for one in points
            ]
        )

    return run


def planted(protocols, numbers, seed, values=TRUTH):
    """Return a target: of each protocol so many devices."""
    from frenkel.calibration.summaries import side_by_side

    return side_by_side(
        [
            devices(values, random=np.random.default_rng([99, seed, place]), number=number, **protocol)
            for place, (protocol, number) in enumerate(zip(protocols, numbers, strict=True))
        ]
    )
