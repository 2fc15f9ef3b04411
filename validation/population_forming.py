"""Forming of members of a population: spread, tails, other areas and boxes with two weak columns."""

import math

import numpy as np
from device_cell import Watch, for_each

from frenkel.analysis.statistics.statistics import weakest_link
from frenkel.kinetic.circuit import Circuit
from frenkel.kinetic.device import Device
from frenkel.kinetic.waveform import Waveform

TAIL = 1.3  # medians: above this a device forms late
BOX, THICK, RADIUS = 4.16e-9, 1.3e-9, 0.3e-9  # m: width and thickness of boxes with columns, their radius
LAYERS = 5  # of such a box
SMALL, RAMP = 2e-6, 1e3  # A, V/s: limit and rate at which boxes form
DRAWS = 4000


def robust_spread(values):
    """Return 1.4826 times the median distance from the median, over the median."""
    middle = np.median(values)
    return float(1.4826 * np.median(np.abs(values - middle)) / middle)


def late(values):
    """Return how many devices form above `TAIL` medians; one that never formed (infinity) does."""
    return int(np.count_nonzero(values > TAIL * np.median(values)))


def scaled_areas(population, ratio):
    """Return the population of devices whose area is ``ratio`` times as large.

    Parameters
    ----------
    population : mapping
        As the table ``[population]``, tables within it included.
    ratio : float

    Returns
    -------
    dict or None
        With the ``number`` of each law ``least`` times the ratio; None where there is no such law.
    """
    found = []

    def scaled(table):
        if table.get("law") == "least":
            found.append(table)
            return table | {"number": max(1, round(ratio * table["number"]))}
        return {key: scaled(one) if isinstance(one, dict) else one for key, one in table.items()}

    other = scaled(population)
    return other if found else None


# ---------------------------------------------------------------- law of the minimum


def distance(single, many, ratio=2.0):
    """Return the largest distance of the law of devices from that of others ``ratio`` times smaller.

    Parameters
    ----------
    single, many : (n,), (m,) array
        Forming voltages of the smaller and of the larger devices; infinite: never.
    ratio : float
        Of the areas: the larger ones should follow 1 - (1 - F)^ratio, F of the smaller ones.
    """
    single, many = np.sort(single), np.sort(many)
    law = weakest_link(np.searchsorted(single, many, side="right") / (len(single) + 1), ratio)
    return np.abs(law - (np.arange(len(many)) + 0.5) / len(many)).max()


def p_value(single, many, ratio=2.0, draws=DRAWS):
    """Return the probability of such a distance, were the law right: by draws, since both are measured."""
    random, found = np.random.default_rng(1), distance(single, many, ratio)
    size = len(single), len(many)
    # The least of ``ratio`` uniform numbers.
    far = [
        distance(random.random(size[0]), 1.0 - random.random(size[1]) ** (1.0 / ratio), ratio)
        for _ in range(draws)
    ]
    return (1 + np.count_nonzero(np.array(far) >= found)) / (1 + draws)


# ---------------------------------------------------------------- boxes with columns


def with_spots(material):
    """Return a set whose column is spots at random places: two in a box on average, 60 meV apart."""
    spots = {
        "density": "9e16 1/m^2",
        "radius": f"{1e9 * RADIUS:g} nm",
        "exchange_spread": "60 meV",
        "exchange_shift": "2 eV",
        "migration_shift": "1 eV",
        "vacancy_fraction": 0,
    }
    return material.with_changes({"without": ["column"], "spots": spots})


def boxes(material, seeds, *, workers=None):
    """Return number of spots and forming voltage (V) of boxes, (n, 2); number 0 where spots touch."""
    return np.array(for_each(_box, seeds, workers, with_spots(material))).reshape(-1, 2)


def _box(material, seed):
    device = Device(material, THICK, BOX, seed=seed)
    exchange = next(one for one in device.chemistry.mechanisms if one.name == "oxygen exchange")
    weak = device.chemistry.weak
    shifts, sites = np.unique(exchange.barrier_shift[: device.n_hosts][weak], return_counts=True)
    if not 1 <= len(shifts) <= 2 or sites.min() < 3 * LAYERS:  # of 3 to 5 sites a layer where none overlap
        return 0, math.nan
    device.circuit = Circuit(compliance=SMALL)
    watch = Watch(SMALL, end=True)
    watch.begin(device, math.inf)
    device.advance(Waveform.ramp(5.0, RAMP), samples=5, stop=watch, budget=50_000)
    return len(shifts), watch.switched
