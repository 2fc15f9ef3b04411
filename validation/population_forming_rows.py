"""Rows of the table of a population that new devices give: forming, areas, yield."""

import math

import numpy as np
from device_forming import forming
from population_event_rows import share_row
from population_forming import boxes, late, p_value, robust_spread, scaled_areas
from population_rows import resampled
from population_targets import Measured
from population_yield import followed

RATIO = 1 / 16
"""Area of the other devices over that of the first ones: 25 x 25 nm against 100 x 100 nm."""


def formed(population, table):
    """Return `Forming` of devices of 5.2 nm at 100 V/s, with the numbers of a population."""
    materials, seeds = population.members(population.forming, table)
    setting = population.setting | {"size": population.thick, "width": population.wide}
    return forming(
        materials, seeds, budget=10 * population.state_budget, workers=population.workers, **setting
    )


def known(found):
    """Return forming voltages (V) of devices whose CPU time did not run out; infinity: never formed."""
    volts = found.voltage[:, 0]
    # `Forming` has infinity where the CPU time ran out, and NaN where a device did not form.
    return np.where(np.isnan(volts), np.inf, volts)[~np.isinf(volts)]


def forming_rows(population):
    """Forming voltage, its spread and tail, another area, and what leaks before."""
    found = formed(population, population.population)
    volts = known(found)
    n = f"{len(volts)} devices"
    note = f"{np.isinf(volts).sum()} never formed, {population.forming - len(volts)} out of CPU time"
    rows = [
        resampled("A-1", volts, np.median, n=n, note=note),
        resampled("A-2", volts, robust_spread, n=n),
        share_row("A-3", late(volts) if len(volts) else 0, len(volts), n=n),
    ]
    other = scaled_areas(population.population, RATIO)
    if other is None:
        note = "no law of the minimum in the population: the voltage does not depend on the area"
        rows.append(Measured(id="A-4", value=math.nan, note=note))
    else:
        small = known(formed(population, other))
        p = p_value(small, volts, 1.0 / RATIO)
        note = f"median {np.median(small):.2f} V of a {1 / RATIO:g}th of the area"
        rows.append(Measured(id="A-4", value=p, n=f"{len(small)} and {len(volts)} devices", note=note))
    return [*rows, resampled("A-6", found.fall[:, 0], np.median, n=n)]


def box_rows(population):
    """Boxes with two weak columns against boxes with one."""
    material = population.members(1, {})[0][0]
    if not (material.has("column") and "oxygen exchange" in material.mechanisms):
        return [Measured(id="A-5", value=math.nan, note="no column, or no exchange of oxygen")]
    seeds = range(population.first_seed, population.first_seed + population.boxes)
    found = boxes(material, seeds, workers=population.workers)
    single, double = (found[found[:, 0] == count, 1] for count in (1, 2))
    if min(len(single), len(double)) < 3:
        return [Measured(id="A-5", value=math.nan, note=f"{len(single)} and {len(double)} boxes")]
    note = f"medians {np.median(single):.3f} and {np.median(double):.3f} V"
    p = p_value(*(np.where(np.isnan(volts), np.inf, volts) for volts in (single, double)))
    n = f"{len(single)} boxes with one, {len(double)} with two"
    return [Measured(id="A-5", value=p, n=n, note=note)]


def yield_rows(population):
    """Devices that form, and that get stuck."""
    number, cycles = population.endurance
    materials, seeds = population.members(number, population.population)
    found = followed(
        materials,
        seeds,
        cycles,
        budget=population.long_budget,
        workers=population.workers,
        **population.setting,
    )
    worked = [one for one in found if one.formed]
    n = f"{len(worked)} devices, {sum(one.cycles for one in worked)} cycles"
    cut = [one for one in worked if one.cut]
    note = f"{len(cut)} out of CPU time" + (f" from cycle {min(one.cycles for one in cut)} on" if cut else "")
    return [
        share_row("Y-1", len(worked), number, n=f"{number} devices"),
        *(
            share_row(id, sum(one.stuck == state for one in worked), len(worked), n=n, note=note)
            for id, state in (("Y-2", "low"), ("Y-3", "high"))
        ),
    ]


GROUPS = {"forming": forming_rows, "boxes": box_rows, "yield": yield_rows}
"""What measures each group of rows."""
