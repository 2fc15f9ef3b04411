"""Rows of the table of a population that single events give."""

import math

import numpy as np
from device_cycles import middle
from population_events import events, field_law, hot_events
from population_targets import Measured
from scipy import stats

from frenkel.analysis.statistics.statistics import bootstrap


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
    """Barriers, fields and temperatures of the events of SETs and RESETs."""
    found = events(
        population.prepared,
        population.currents,
        budget=10 * population.state_budget,
        workers=population.workers,
    )
    happened = [one for one in found if len(one[1])]
    law, device = field_law([one[1] for one in happened]), np.array([one[0] for one in happened])
    n = f"{len(happened)} SETs of {population.states} devices"
    every = np.concatenate([np.zeros(0), *(pair[1] for one in found for pair in (one[1].T, one[2].T))])
    above, number, hottest = hot_events(every)
    limits = f"up to {1e6 * max(population.currents):g} uA"
    return [
        *(
            mean_of_devices(id, law[:, k], device, n=n, note=f"worst SET {middle(law[:, k], 1.0):.1%}")
            for k, id in enumerate(("F-1", "F-2"))
        ),
        share_row("T-2", above, number, n=f"{number} events", note=limits),
        Measured(id="T-3", value=hottest, n=f"{number} events"),
    ]


GROUPS = {"events": event_rows}
"""What measures each group of rows."""
