"""Rows of the table of a population that single events give."""

import math

import numpy as np
from device_cycles import listed, middle
from device_retention import BOLTZMANN
from population_events import closed_paths, events, field_law, hot_events, listed_paths
from population_rows import WIDE, resampled
from population_targets import Measured
from scipy import stats

from frenkel.analysis.statistics.statistics import bootstrap

PATHS = (0.0, 0.5, -0.5, 1.0, -1.0, -1.4)
"""Device voltages (V) of closed paths; the first one is 0."""
LASTING = 1500.0  # K: few arrangements should be hotter for longer than a nanosecond


def share_row(id, hits, number, **more):
    """Return the row of a fraction, with its exact interval."""
    if not number:
        return Measured(id=id, value=math.nan, note="nothing to count")
    low, high = stats.binomtest(int(hits), int(number)).proportion_ci(0.95, method="exact")
    return Measured(id=id, value=hits / number, low=float(low), high=float(high), **more)


def mean_of_devices(id, values, device, **more):
    """Return the row of a mean, with its interval by drawing whole devices again."""
    groups = [values[device == one] for one in np.unique(device)]
    if not groups:
        return Measured(id=id, value=math.nan, note="nothing to count")
    sums = np.array([(one.sum(), len(one)) for one in groups])
    value = float(sums[:, 0].sum() / sums[:, 1].sum())
    try:
        _, low, high = bootstrap(sums, lambda drawn: float(drawn[:, 0].sum() / drawn[:, 1].sum()))
    except ValueError:  # one device, or all alike
        return Measured(id=id, value=value, **more)
    return Measured(id=id, value=value, low=low, high=high, **more)


def event_rows(population):
    """Barriers and fields of the events of SETs, and temperatures of SETs and RESETs up to 100 uA."""
    found = events(
        population.prepared,
        population.currents,
        budget=10 * population.state_budget,
        workers=population.workers,
    )
    happened = [one for one in found if len(one[2])]
    law, device = field_law([one[2] for one in happened]), np.array([one[0] for one in happened])
    n = f"{len(happened)} SETs of {population.states} devices"
    cool = [one for one in found if one[1] <= WIDE]
    every = np.concatenate([np.zeros(0), *(pair[1] for one in cool for pair in (one[2].T, one[3].T))])
    above, number, hottest = hot_events(every)
    lasting = np.concatenate([np.zeros(0), *(one[4] for one in cool)])
    each = [one[4].max() for one in cool if len(one[4])]
    limits, n_cool = f"up to {1e6 * WIDE:g} uA", f"{len(lasting)} arrangements"
    note = f"{limits}; hottest of each SET with its RESET {listed(np.array(each), '{:.0f}')} K"
    return [
        *(
            mean_of_devices(id, law[:, k], device, n=n, note=f"worst SET {middle(law[:, k], 1.0):.1%}")
            for k, id in enumerate(("F-1", "F-2"))
        ),
        share_row("T-1", np.sum(lasting < LASTING), len(lasting), n=n_cool, note=note),
        share_row("T-2", above, number, n=f"{number} events", note=limits),
        Measured(id="T-3", value=hottest, n=f"{number} events", note=limits),
    ]


def path_rows(population):
    """Closed paths of two events in the states of devices, without and with a voltage."""
    costs = closed_paths(population.last, PATHS, workers=population.workers)
    n = f"{sum(map(len, costs))} paths of {population.states} devices, HRS and LRS"
    at = max(range(1, len(PATHS)), key=lambda k: middle(costs[k]))
    note = f"median, 90 %, worst in meV: {listed_paths(PATHS, costs)}"
    return [
        Measured(id="P-1", value=middle(costs[0], 1.0), n=n),
        resampled("P-2", costs[at] / (300.0 * BOLTZMANN), np.median, n=n, note=note),
    ]


GROUPS = {"events": event_rows, "paths": path_rows}
"""What measures each group of rows."""
