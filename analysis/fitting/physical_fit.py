"""From an ensemble with measured states and jumps to the parametric model of :mod:`frenkel.cells.physical`.

Each group of parameters has its own likelihood: rates of leaving states (residuals of ln(rate) follow a
hyperbolic distribution of scale 1, so that outliers weigh little), currents (the same, scale 0.1), step sizes
(Laplace, exponential), levels of end states (median and quartiles). Intervals come from devices drawn with
replacement. Probes take no part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from ...cells.physical import PARAMETERS, RATES, PhysicalModel
from ...typing import Floats, Index
from .observations import ObservationError

if TYPE_CHECKING:
    import xarray as xr

STATES, REFIT_STATES = 350, 120
"""States of each part of the levels that the rates are fitted to, and that each refit takes."""

LOWEST, CURRENT_SCALE, LARGEST_VOLTAGE = -36.0, 0.1, 1.0
"""ln(rate) below which rates count as equal; scale of residuals of ln(current), and largest voltage (V)."""

START = (1.6e15, 1.8, 0.4, 0.1, 1.4e7, 1.8, 3.3, 0.8, 2.25, 0.9, 1.75, 1.3)
"""From which the search of the rates begins: those of HfO2, in the order of :data:`.RATES`."""


Grid = tuple[tuple[float, ...], tuple[float, ...], float]
"""Voltages (V), temperatures (K) and read voltage (V) of an ensemble."""

Make = Callable[..., PhysicalModel]
"""Makes a model with some parameters changed."""


@dataclass(frozen=True, slots=True)
class States:
    """States and jumps of an ensemble, and the number of unrelaxed sites of each state."""

    level: Floats
    rate: Floats  # ln(1/s), (s, t, b)
    current: Floats
    kind: Index
    owner: Index
    sites: Index  # -1: leaves faster than any number of sites relaxes
    before: Index
    after: Index
    volts: Floats
    relaxation_rate: float


def fit(
    data: "xr.Dataset", members: Index, name: str, *, seed: int = 0, bootstrap: int = 20
) -> PhysicalModel:
    """Return the physical model of some members.

    Parameters
    ----------
    data : xarray.Dataset
        An ensemble with a table ``measure``.
    members : ndarray of int
        Places along ``member`` of the devices to take.
    name : str
    seed : int
    bootstrap : int
        Refits for the 95 % intervals; 0: none.

    Raises
    ------
    ObservationError
        There are fewer than two devices, no end states of both kinds, or too few states or jumps.
    """
    if len(members) < 2:
        raise ObservationError(f"a physical model needs at least two devices, got {len(members)}")
    random = np.random.default_rng([seed, 47])
    heats = np.argsort(data["heat"].values)
    volts = tuple(float(volt) + 0.0 for volt in data["bias"].values)
    grid = (volts, tuple(float(heat) for heat in data["heat"].values[heats]), float(data["read_voltage"]))
    states = gathered(data, heats)
    values = _fitted(states, members, name, grid, random, START, STATES)
    start = tuple(values[key] for key in RATES)
    refits = [
        _fitted(states, random.choice(members, len(members)), name, grid, random, start, REFIT_STATES)
        for _ in range(bootstrap)
    ]
    intervals = {}
    for key, (_, low, high) in PARAMETERS.items() if refits else ():
        ends = np.quantile([refit[key] for refit in refits], [0.025, 0.975])
        ends = np.clip([min(ends[0], values[key]), max(ends[1], values[key])], low, high)
        intervals[key] = (float(ends[0]), float(ends[1]))
    notes = {"devices": len(members), "bootstrap": bootstrap, "seed": seed}
    return PhysicalModel(
        name=name,
        values=values,
        intervals=intervals,
        voltages=grid[0],
        temperatures=grid[1],
        read_voltage=grid[2],
        provenance=notes,
    )


def gathered(data: "xr.Dataset", heats: Index) -> States:
    """Return states that can be left at all voltages, and the jumps between them."""
    counts = data["state_count"].values
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.concatenate([[0], np.cumsum(counts)])[
        np.repeat(np.arange(len(counts)), data["jump_count"].values)
    ]
    with np.errstate(divide="ignore"):
        rate = np.log(data["state_rate"].values[:, heats])
    at_rest = rate[:, 0, int(np.argmin(np.abs(data["bias"].values)))]
    relaxing = at_rest[np.isfinite(at_rest) & (at_rest > 0.0)]
    if relaxing.size < 2:
        raise ObservationError(
            "a physical model needs states whose oxide relaxes: settle in the table measure"
        )
    count, edges = np.histogram(relaxing, np.arange(0.0, relaxing.max() + 0.2, 0.1))
    fullest = edges[np.argmax(count)]
    relaxation = float(np.median(relaxing[(relaxing >= fullest) & (relaxing < fullest + 0.1)]))
    number = np.exp(np.clip(at_rest - relaxation, -50.0, 10.0))
    sites = np.where(number < 0.02, 0, np.where(number > 6.5, -1, np.clip(np.round(number), 1, 6))).astype(
        np.int64
    )
    usable = np.all(np.isfinite(rate), axis=(1, 2)) & np.all(
        np.diff(data["state_current"].values, axis=1) > 0.0, axis=1
    )
    return States(
        level=data["state_level"].values,
        rate=rate,
        current=data["state_current"].values,
        kind=data["state_kind"].values,
        owner=owner,
        sites=np.where(usable, sites, -1),
        before=data["jump_from"].values + first,
        after=data["jump_to"].values + first,
        volts=data["jump_voltage"].values,
        relaxation_rate=float(np.exp(relaxation)),
    )


def _fitted(
    states: States,
    members: Index,
    name: str,
    grid: Grid,
    random: np.random.Generator,
    start: tuple[float, ...],
    number: int,
) -> dict[str, float]:
    """Return the parameters of some devices, any of which may be there several times."""
    times = np.bincount(members, minlength=int(states.owner.max()) + 1)
    own = np.repeat(np.arange(len(states.owner)), times[states.owner])
    values = {"relaxation_rate": states.relaxation_rate, "barrier_spread": 0.0, "device_fraction": 0.0}
    for kind, state in enumerate(("hrs", "lrs")):
        levels = states.level[own[states.kind[own] == kind]]
        if levels.size < 2:
            raise ObservationError(f"a physical model needs end states of {state}: measure.cycles")
        low, middle, high = np.quantile(levels, [0.25, 0.5, 0.75])
        values |= {
            f"{state}_level": float(middle),
            f"{state}_spread": float(max(0.7413 * (high - low), 1e-3)),
        }
    values |= dict(zip(RATES, start, strict=True))
    values |= {"tunnel_voltage": 0.2, "filament_conductance": 2e-5}
    values |= {"set_step": 1.0, "reset_step": 0.7, "step_spread": 0.9, "back": 0.4}

    def model(**changes: float) -> PhysicalModel:
        return PhysicalModel(
            name=name,
            values=values | changes,
            intervals={},
            voltages=grid[0],
            temperatures=grid[1],
            read_voltage=grid[2],
        )

    own = own[states.sites[own] >= 0]
    values |= _currents(model, states, own, np.array(grid[0]), random)
    values |= _steps(model(), states, times)
    chosen = _by_level(model(), states, own, number, random)
    values |= _rates(model, states, chosen, grid, start)
    values |= _offsets(model(), states, own[states.kind[own] >= 0], grid)
    return {key: float(np.clip(values[key], low, high)) for key, (_, low, high) in PARAMETERS.items()}


def _by_level(
    model: PhysicalModel, states: States, own: Index, most: int, random: np.random.Generator
) -> Index:
    """Return states alike of gaps, of filaments and between, with at most three unrelaxed sites."""
    own = own[states.sites[own] <= 3]
    low, high = model.values["hrs_level"], model.values["lrs_level"]
    part = np.digitize(states.level[own], [low + 0.25 * (high - low), low + 0.88 * (high - low)])
    parts = [random.permutation(own[part == one])[:most] for one in range(3)]
    if min(map(len, parts)) < 8:
        raise ObservationError("a physical model needs states of HRS, of LRS and between: jumps in measure")
    return np.concatenate(parts)


def _currents(
    model: Make, states: States, own: Index, volts: Floats, random: np.random.Generator
) -> dict[str, float]:
    """Return tunnel voltage and filament conductance."""
    chosen = random.permutation(own)[:2000]
    columns = np.flatnonzero((volts != 0.0) & (np.abs(volts) <= LARGEST_VOLTAGE))
    level, seen = states.level[chosen, None], np.log(states.current[np.ix_(chosen, columns)] / volts[columns])

    def residual(logs: Floats) -> Floats:
        one = model(tunnel_voltage=float(np.exp(logs[0])), filament_conductance=float(np.exp(logs[1])))
        return np.asarray((np.log(one.current(level, volts[columns]) / volts[columns]) - seen).ravel())

    start = np.log([0.2, 2e-5])
    best = least_squares(
        residual, start, bounds=(start - 2.5, start + 2.5), loss="soft_l1", f_scale=CURRENT_SCALE
    )
    return {"tunnel_voltage": float(np.exp(best.x[0])), "filament_conductance": float(np.exp(best.x[1]))}


def _steps(model: PhysicalModel, states: States, times: Index) -> dict[str, float]:
    """Return sizes of jumps: ``back``, and the scales of Laplace's, exponential and normal steps."""
    sites = states.sites
    jumps = np.flatnonzero((sites[states.before] >= 0) & (sites[states.after] >= 0))
    jumps = np.repeat(jumps, times[states.owner[states.before[jumps]]])
    before, after, volts = states.before[jumps], states.after[jumps], states.volts[jumps]
    level = states.level[before]
    change, below = model.gap(states.level[after]) - model.gap(level), model.below(level)
    relaxes, filament = sites[after] < sites[before], model.filament(level)
    deep = relaxes & (below > 0.0)
    rises, falls = ~relaxes & (volts > 0.2) & (filament == 0.0), ~relaxes & (volts < -0.2)
    if min(deep.sum(), rises.sum(), falls.sum()) < 4:
        raise ObservationError("a physical model needs jumps of SET, of RESET and at rest: jumps in measure")
    back = float(np.clip(-np.sum(change[deep] * below[deep]) / np.sum(below[deep] ** 2), 0.0, 1.0))
    change = change + back * below
    spread = np.mean(np.abs(change[relaxes]) / (1.0 - 0.5 * filament[relaxes])) / 0.7
    reset_step = max(float(np.mean(change[falls])), 0.0)
    set_step = max(float(np.mean(-change[rises])), 0.0)
    return {"back": back, "step_spread": float(spread), "reset_step": reset_step, "set_step": set_step}


def _rates(
    model: Make, states: States, chosen: Index, grid: Grid, start: tuple[float, ...]
) -> dict[str, float]:
    """Return the parameters of the rates of driven jumps."""
    seen = np.maximum(states.rate[chosen], LOWEST)
    level, sites = states.level[chosen, None, None], states.sites[chosen, None, None].astype(float)
    volts, heats = np.array(grid[0])[None, None], np.array(grid[1])[None, :, None]
    is_log = np.array([key in ("attempt_frequency", "thermal_resistance") for key in RATES])
    bounds = np.array([PARAMETERS[key][1:] for key in RATES]).T
    bounds[:, is_log] = np.log(np.maximum(bounds[:, is_log], 1.0))
    first = np.where(is_log, np.log(np.maximum(start, 1e-9)), start)

    def values(x: Floats) -> dict[str, float]:
        x = np.clip(
            np.where(is_log, np.exp(np.minimum(x, 60.0)), x), *np.array([PARAMETERS[k][1:] for k in RATES]).T
        )
        return dict(zip(RATES, x.tolist(), strict=True))

    def residual(x: Floats) -> Floats:
        logs = model(**values(x)).log_rates(level, sites, np.zeros(1), volts, heats)
        return np.asarray((np.maximum(np.logaddexp.reduce(logs), LOWEST) - seen).ravel())

    first = np.clip(first, bounds[0] + 1e-6, bounds[1] - 1e-6)
    scale = np.maximum(np.abs(first), 0.1)
    best = least_squares(
        residual, first, bounds=bounds, x_scale=scale, loss="soft_l1", max_nfev=30, ftol=1e-5
    )
    return values(best.x)


def _offsets(model: PhysicalModel, states: States, ends: Index, grid: Grid) -> dict[str, float]:
    """Return the spread of the barrier offset of end states, and how much of its variance devices have."""
    offsets = np.linspace(-0.6, 0.6, 49)
    seen = np.maximum(states.rate[ends, 0], LOWEST)[:, None]
    logs = model.log_rates(
        states.level[ends, None, None], states.sites[ends, None, None].astype(float), offsets[None, :, None],
        np.array(grid[0])[None, None], np.array(grid[1])[:1],
    )  # fmt: skip
    misfit = np.sqrt(1.0 + (np.maximum(np.logaddexp.reduce(logs), LOWEST) - seen) ** 2).sum(axis=2)
    offset = offsets[np.argmin(misfit, axis=1)]
    spread = float(0.7413 * np.subtract(*np.quantile(offset, [0.75, 0.25])))
    inside, means, weights = [], [], []
    for kind in (0, 1):
        rows = states.kind[ends] == kind
        for device in np.unique(states.owner[ends[rows]]):
            mine = offset[rows][states.owner[ends[rows]] == device]
            if len(mine) > 1:
                inside.append(mine.var(ddof=1))
                means.append(mine.mean() - offset[rows].mean())
                weights.append(1.0 / len(mine))
    if len(means) < 2:
        return {"barrier_spread": spread, "device_fraction": 0.0}
    within = float(np.mean(inside))
    between = max(float(np.mean(np.square(means))) - within * float(np.mean(weights)), 0.0)
    fraction = between / (between + within) if between + within > 0.0 else 0.0
    return {"barrier_spread": spread, "device_fraction": fraction}
