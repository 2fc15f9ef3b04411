"""Rows of the table of a population that waits at a constant voltage give."""

import math

import numpy as np
from device_cell import READ
from device_cycles import middle
from device_retention import HOT, YEARS, kept, own_side, retention
from population_event_rows import share_row
from population_noise import EARLY, falling, foundry, relaxed, spectra, spread_and_growth, traces
from population_rows import of, of_rows, ranked, resampled, resampled_devices
from population_targets import ASKED, Measured
from population_waits import bake_energy, counted

LOW, HIGH = 2e-6, 7e-5  # S: levels of relaxation
ROUNDING = 1e-11  # of ln(G): no noise
FOLLOWED = 40 / 48  # of the states, to the end or until they were lost


def _kept_row(id, found, n):
    stayed, gone, unknown = counted(found.lost(0), YEARS)
    note = f"{stayed} stayed, {gone} lost, {unknown} out of CPU time"
    number = stayed + gone + unknown
    # Where the rest cannot bring the fraction into its band, it need not be followed.
    hopeless = stayed + unknown < ASKED[id][1] * number
    enough = stayed + gone >= FOLLOWED * number or hopeless
    return share_row(id, stayed, stayed + gone, n=n, note=note, enough=enough)


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


def relaxation_rows(population):
    """Spread of ln(G/G0) after programming, beside that of foundry cells."""
    start, ratio = relaxed(
        population.start,
        population.levels,
        budget=population.state_budget,
        workers=population.workers,
    )
    kept = np.where(((start >= LOW) & (start <= HIGH))[..., None], ratio, np.nan)
    times, cells = foundry(LOW, HIGH)
    theirs, growth = spread_and_growth(cells, times)
    early = theirs[np.argmin(abs(times - EARLY))]
    beside = f"foundry_b {early:.3f}, {growth:.3f} a decade ({len(cells)} cells)"
    whole = np.isfinite(kept).all(axis=2)
    n = f"{len(kept)} devices, {whole.sum()} states of {1e6 * LOW:g} to {1e6 * HIGH:g} uS"
    told = "; ".join(
        f"{1e6 * middle(start[:, k]):.1f} uS {spread[0]:.3f}, {rise:.3f}"
        for k in range(start.shape[1])
        for spread, rise in [spread_and_growth(kept[:, k])]
    )
    note = f"by level {told}; {beside}"
    return [
        _spread_row("X-1", kept, lambda rows: spread_and_growth(rows)[0][0], n, note),
        _spread_row("X-2", kept, lambda rows: spread_and_growth(rows)[1], n, ""),
    ]


def _spread_row(id, ratio, statistic, n, note):
    """Return the row of a spread, by drawing whole devices again."""
    value = float(statistic(ratio))
    if value == 0.0 and np.nanmin(ratio) == np.nanmax(ratio):
        return Measured(id=id, value=0.0, low=0.0, high=0.0, n=n, note=note or "nothing moved")
    try:
        value, low, high = of_rows(ratio, statistic)
    except ValueError:
        low = high = math.nan
    return Measured(id=id, value=value, low=low, high=high, n=n, note=note)


def noise_rows(population):
    """Noise of a read: how large, for which resistances, and its spectrum."""
    table = traces(population.prepared, budget=population.state_budget, workers=population.workers)
    n, number = f"{len(table)} traces of {population.states} devices", 4 * population.states
    spread, ohms = table.std(axis=1), np.exp(-table.mean(axis=1))
    moved = spread > ROUNDING
    spread[~moved] = 0.0
    note = f"{np.count_nonzero(~moved)} still, {number - len(table)} out of CPU time"
    size = resampled("N-1", spread, np.median, n=n, note=note)
    if moved.sum() < 3:
        return [size, Measured(id="N-2", value=math.nan, note=note), still("N-3", n)]
    frequency, density = spectra(table[moved])
    slope = resampled_devices("N-3", density, lambda rows: falling(frequency, rows), n)
    return [size, ranked("N-2", spread[moved], ohms[moved], n=n), slope]


def still(id, n):
    """Return the row of a spectrum where nothing moves: it has no slope, which is not what is asked."""
    return Measured(id=id, value=0.0, low=0.0, high=0.0, n=n, note="no noise, so no spectrum")


GROUPS = {
    "retention": retention_rows,
    "bakes": bake_rows,
    "relaxation": relaxation_rows,
    "noise": noise_rows,
}
"""What measures each group of rows."""
