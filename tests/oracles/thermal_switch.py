"""A device whose switching voltages are known in closed form: a thermally activated switch under two ramps.

The rate is nu exp(-(E - l V)/kT); E scatters from device to device, and every reading is blurred.
"""

import numpy as np

from frenkel.calibration.rounds import Parameter

THERMAL = 0.02585  # eV
LENGTH = 0.4  # eV/V
RAMPS = (1e3, 1e6)  # V/s
FEATURES = ("slow", "fast")
PARAMETERS = (
    Parameter("energy", 0.8, 1.4),
    Parameter("scatter", 0.01, 0.2, logarithmic=True),
    Parameter("blur", 0.005, 0.05, logarithmic=True),
)
TRUTH = {"energy": 1.1, "scatter": 0.05, "blur": 0.02}


def devices(values, random, number, cycles):
    """Return SET voltages (devices, cycles, 2) of the slow and the fast ramp."""
    energy = values["energy"] + values["scatter"] * random.standard_normal((number, 1))
    columns = []
    for ramp in RAMPS:
        wait = random.exponential(size=(number, cycles)) * ramp * LENGTH / (1e13 * THERMAL)
        volts = THERMAL / LENGTH * np.log1p(wait * np.exp(energy / THERMAL))
        columns.append(volts + values["blur"] * random.standard_normal((number, cycles)))
    return np.stack(columns, axis=2)


def simulator(members=32, cycles=3, seed=0, common=True):
    """Return a simulator for `calibrate`; ``common``: each member has the same random numbers everywhere."""

    def run(points, turn):
        keys = [[seed] if common else [seed, turn, place] for place in range(len(points))]
        return np.array(
            [
                devices(one, np.random.default_rng(key), members, cycles)
                for one, key in zip(points, keys, strict=True)
            ]
        )

    return run


def planted(number, seed):
    """Return true values drawn evenly from the ranges, and ``number`` devices of 3 cycles with them."""
    random = np.random.default_rng([99, seed])
    truth = {q.name: float(q.value(x)) for q, x in zip(PARAMETERS, random.random(3), strict=True)}
    return truth, devices(truth, random, number, 3)
