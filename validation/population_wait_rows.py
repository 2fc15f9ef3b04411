"""Rows of the table of a population that waits at a constant voltage give."""

import math

import numpy as np
from device_cell import READ
from device_retention import HOT, YEARS, kept, own_side, retention
from population_event_rows import share_row
from population_rows import of
from population_targets import Measured
from population_waits import bake_energy, counted

FOLLOWED = 40 / 48  # of the states, to the end or until they were lost


def _kept_row(id, found, n):
    stayed, gone, unknown = counted(found.lost(0), YEARS)
    note = f"{stayed} stayed, {gone} lost, {unknown} out of CPU time"
    also = stayed + gone >= FOLLOWED * (stayed + gone + unknown)
    return share_row(id, stayed, stayed + gone, n=n, note=note, also=also)


def retention_rows(population):
    """States at 85 C for ten years, at 0 V and at the voltage of a read."""
    options = {"longest": YEARS, "budget": population.state_budget, "workers": population.workers}
    rest, stressed = (
        [retention(population.prepared, state, (HOT,), **one, **options) for state in ("low", "high")]
        for one in ({"limits": kept}, {"limits": own_side, "voltage": READ})
    )
    low, high = (counted(found.lost(0), YEARS) for found in stressed)
    flips, ended = low[1] + high[1], sum((*low[:2], *high[:2]))
    note = f"LRS {low[1]}, HRS {high[1]}; {low[2] + high[2]} out of CPU time"
    return [
        *(_kept_row(id, found, of(population)) for id, found in zip(("W-1", "W-2"), rest, strict=True)),
        share_row("W-3", flips, ended, n=f"LRS and HRS, {of(population)} each", note=note),
    ]


def bake_rows(population):
    """Activation energy of LRS."""
    found = retention(
        population.last,
        "low",
        population.bakes,
        longest=1e7,
        budget=population.state_budget,
        workers=population.workers,
    )
    lost = [found.lost(k) for k in range(len(population.bakes))]
    fit, used = bake_energy(population.bakes, lost)
    shares = zip(population.bakes, lost, strict=True)
    ends = ", ".join(f"{kelvin:g} K {1 - one.right.mean():.0%}" for kelvin, one in shares)
    note = f"lost in 1e7 s: {ends}; {len(used)} bakes with 20 to 80 % lost (four are asked)"
    if fit is None:
        return [Measured(id="W-4", value=math.nan, note=note)]
    low, high = fit.energy_interval
    if not np.isfinite(fit.energy_interval).all() or len(used) < 4:
        low = high = math.nan
    n = of(population, population.last)
    return [Measured(id="W-4", value=fit.energy, low=low, high=high, n=n, note=note)]


GROUPS = {"retention": retention_rows, "bakes": bake_rows}
"""What measures each group of rows."""
