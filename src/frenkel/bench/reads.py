"""Models of reads predict an unseen time, an unseen temperature, the next half of a trace.

Relaxation: trained on reads before 300 s of one half of the cells and judged by the last read of the other.
Bakes: each temperature but the first and last is left out in turn. Traces: the first half trains. A model is
a function of at most 40 lines; less is better in every task.
"""

import warnings
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from ..analysis.fitting import noise_fit
from ..analysis.noise import rtn, spectrum
from ..analysis.noise.answer import answer
from ..analysis.reliability.bakes import fit_intervals
from ..typing import Floats
from ..units import BOLTZMANN_EV
from . import presets
from .models import OURS
from .scores import Figure, Figures, ScoreTable, scored

SEEN = 300.0
"""Reads up to this time (s) train."""

LEVELS, CELLS, BANDS = 16, 64, 6
"""Levels of equally many cells; cells of a product; bands of a spectrum."""

Relaxation = Callable[[xr.Dataset, Floats, float], Floats]
"""Reads of the training, starts of others (S) and a time (s) to their conductances then (S)."""


def law(training: xr.Dataset, start: Floats, time: float) -> Floats:
    """The layer of relaxation of a card, continuous in the conductance."""
    found, _ = noise_fit.fit_relaxation(training)
    return found.relax(start, time, np.random.default_rng(1))


def nearest(training: xr.Dataset, start: Floats) -> NDArray[np.intp]:
    """Return for each start one of the training cells near it in conductance, drawn from 100."""
    order = np.argsort(training["start"].values)
    place = np.searchsorted(training["start"].values[order], start)
    place += np.random.default_rng(2).integers(-50, 51, len(start))
    return np.asarray(order[place.clip(0, len(order) - 1)])


def as_last_seen(training: xr.Dataset, start: Floats, time: float) -> Floats:
    """The last read of the training, of a cell of about the same start: a table without time."""
    g = training["conductance"].values
    rows = nearest(training, start)
    return np.asarray(start + g[rows, -1] - training["start"].values[rows])


def walk(training: xr.Dataset, start: Floats, time: float) -> Floats:
    """The last steps of the training once more, in equal steps of ln t, by where a cell is then."""
    g, seen = training["conductance"].values, training["time"].values
    found = as_last_seen(training, start, time)
    steps = round(np.log(time / seen[-1]) / np.log(seen[-1] / seen[-2]))
    for _ in range(max(steps, 1)):
        there = xr.Dataset({"start": ("device", g[:, -2])})
        rows = nearest(there, found)
        found = found + g[rows, -1] - g[rows, -2]
    return np.maximum(found, 0.0)


def normal(training: xr.Dataset, start: Floats, time: float) -> Floats:
    """A normal law whose variance is a cubic of the conductance; aihwkit and CrossSim have such."""
    g, first = training["conductance"].values[:, -1], training["start"].values
    rest = (g - first) ** 2
    unit = first.max()
    # A cubic may fall below 0, where such models draw no noise at all.
    variance = np.polyval(np.polyfit(first / unit, rest, 3), start / unit).clip(0.0)
    return np.asarray(start + np.sqrt(variance) * np.random.default_rng(3).standard_normal(len(start)))


RELAXATION: Mapping[str, Relaxation] = {
    OURS: law, "as last seen": as_last_seen, "walk in ln t": walk, "Gaussian": normal,
    "aihwkit after Wan": presets.aihwkit_wan, "aihwkit after Falcone": presets.aihwkit_cmo,
    "CrossSim after Wan": presets.crosssim_wan,
}  # fmt: skip


def half(values: Floats) -> float:
    """Return half of the middle 68 %."""
    low, high = np.quantile(values, norm.cdf([-1.0, 1.0]))
    return 0.5 * float(high - low)


def aged(start: Floats, one: Floats, other: Floats) -> dict[str, float]:
    """Return the figure of each task between two sets of conductances of cells with the same starts."""
    edges = np.quantile(start, np.linspace(0, 1, LEVELS + 1))[1:-1]
    level = np.digitize(start, edges)
    spreads = np.array([[half((g - start)[level == k]) for k in range(LEVELS)] for g in (one, other)])
    tables = []
    for g in (one, other):
        table = np.zeros((LEVELS, LEVELS))
        np.add.at(table, (level, np.digitize(g, edges)), 1.0)
        tables.append(table / table.sum(axis=1, keepdims=True))
    random = np.random.default_rng(4)
    groups = random.permutation(len(start))[: len(start) // CELLS * CELLS].reshape(-1, CELLS)
    weight = random.random(groups.shape)
    errors = [np.sqrt(np.mean(np.sum(weight * (g - start)[groups], axis=1) ** 2)) for g in (one, other)]
    return {
        "spread at an unseen time": abs(float(np.log(half(one - start)) - np.log(half(other - start)))),
        "spread, mean over 16 levels": float(np.mean(np.abs(np.log(spreads[0] / spreads[1])))),
        "confusion of 4 bits": float(np.abs(tables[0] - tables[1]).sum(axis=1).mean() / 2),
        "error of a product": abs(float(np.log(errors[0] / errors[1]))),
    }


def relaxation(reads: xr.Dataset, judging: NDArray[np.bool_], models: Mapping[str, Relaxation]) -> ScoreTable:
    """Return the figures of each model, and of the other half itself (floor), at the last time."""
    late = float(reads["time"].values[-1])
    training = reads.isel(device=~judging, time=reads["time"].values < SEEN)
    judge, whole = reads.isel(device=judging), reads.isel(device=~judging)
    start, g = judge["start"].values, judge["conductance"].values[:, -1]

    def figures(model: Relaxation) -> Figure:
        drawn = model(training, start, late)
        return lambda kept: aged(start[kept], g[kept], drawn[kept])

    floor = aged(start, g, as_last_seen(whole, start, late))
    return scored(floor, {name: partial(figures, model) for name, model in models.items()}, len(start))


Bake = Callable[[Floats, Floats, Floats, float], float]
"""Temperatures (K), bounds of the times of failure (s), and another temperature to the share that fails."""


def activated(kelvin: Floats, low: Floats, high: Floats, other: float) -> float:
    """A thermally activated time with a normal spread of its logarithm."""
    found = fit_intervals(kelvin, low, high)
    x = 1.0 / (BOLTZMANN_EV * kelvin)
    share = np.isfinite(high).mean()
    # The level follows from the share over all temperatures.
    levels = np.linspace(-60.0, 60.0, 4001)
    means = [norm.cdf(c - found.ratio * (x - x.mean())).mean() for c in levels]
    level = np.interp(share, means, levels)
    return float(norm.cdf(level - found.ratio * (1.0 / (BOLTZMANN_EV * other) - x.mean())))


def between(kelvin: Floats, low: Floats, high: Floats, other: float) -> float:
    """The fractions of the neighbouring temperatures, in a straight line."""
    levels = np.unique(kelvin)
    return float(np.interp(other, levels, [np.isfinite(high)[kelvin == one].mean() for one in levels]))


def pooled(kelvin: Floats, low: Floats, high: Floats, other: float) -> float:
    """The fraction of all temperatures together."""
    return float(np.isfinite(high).mean())


BAKES: Mapping[str, Bake] = {OURS: activated, "straight line": between, "pooled fraction": pooled}


SHARES, SPECTRUM = "fractions failed at an unseen temperature", "noise spectrum, 6 bands (ln)"
"""Names of tasks."""


def bakes(kelvin: Floats, low: Floats, high: Floats, models: Mapping[str, Bake]) -> ScoreTable:
    """Return of each model the mean difference of predicted and measured fractions of failed cells."""
    inner = np.unique(kelvin)[1:-1]
    errors = []
    for other in inner:
        out = kelvin == other
        share = float(np.isfinite(high[out]).mean())
        errors.append(np.sqrt(share * (1 - share) / out.sum() * 2 / np.pi))

    def figures(model: Bake) -> Figure:
        differences = []
        for other in inner:
            out = kelvin == other
            predicted = model(kelvin[~out], low[~out], high[~out], float(other))
            differences.append((predicted, np.isfinite(high), out))

        def of(kept: NDArray[np.intp]) -> Figures:
            return {SHARES: float(np.mean([
                abs(p - failed[kept][out[kept]].mean()) for p, failed, out in differences
            ]))}  # fmt: skip

        return of

    return scored(
        {SHARES: float(np.mean(errors))},
        {name: partial(figures, model) for name, model in models.items()},
        len(kelvin),
    )


Noise = Callable[[xr.Dataset, Floats, float], Floats]
"""A trace, frequencies (Hz) and the step (s) to the density there."""


def traps(trace: xr.Dataset, f: Floats, step: float) -> Floats:
    """What `frenkel rtn` answers: traps and white noise where they hold, else the slope of the spectrum."""
    found = answer(trace, 2)
    if not found.holds or found.traps is None:
        return slope(trace, f, step)
    model = rtn.model(found.traps)
    density = np.full(len(f), 2 * step * model.noise**2)
    for amplitude, high, low in zip(model.amplitude, model.high, model.low, strict=True):
        density += spectrum.two_state_spectrum(f, amplitude, high, low, step)
    return density


def slope(trace: xr.Dataset, f: Floats, step: float) -> Floats:
    """A power law of the frequency through the spectrum of the trace."""
    own, density = bands(trace)
    return np.asarray(np.exp(np.polyval(np.polyfit(np.log(own), np.log(density), 1), np.log(f))))


def white(trace: xr.Dataset, f: Floats, step: float) -> Floats:
    """The variance of the trace, evenly."""
    return np.full(len(f), 2 * step * float(trace["current"].var()))


NOISE: Mapping[str, Noise] = {OURS: traps, "power law": slope, "white": white}


def bands(trace: xr.Dataset) -> tuple[Floats, Floats]:
    """Return middle frequencies (Hz) of bands and the mean density in each."""
    density = spectrum.power_spectrum(trace, int(np.clip(trace.sizes["sample"] // 1000, 2, 64)))
    f, values = density["frequency"].values[spectrum.SKIPPED :], density.values[spectrum.SKIPPED :]
    edges = np.geomspace(f[0], f[-1] * (1 + 1e-9), BANDS + 1)
    place = np.digitize(f, edges) - 1
    kept = [k for k in range(BANDS) if np.any(place == k)]
    return np.sqrt(edges[1:] * edges[:-1])[kept], np.array([values[place == k].mean() for k in kept])


def noise(traces: list[xr.Dataset], models: Mapping[str, Noise]) -> ScoreTable:
    """Return of each model the mean over traces and bands of |ln(predicted/measured)| of the second half."""
    halves, floors = [], []
    for trace in traces:
        middle = trace.sizes["sample"] // 2
        first, second = trace.isel(sample=slice(0, middle)), trace.isel(sample=slice(middle, 2 * middle))
        step = float(np.median(np.diff(trace["time"].values)))
        f, measured = bands(second)
        halves.append((first, f, step, measured))
        floors.append(float(np.mean(np.abs(np.log(bands(first)[1] / measured)))))

    def figures(model: Noise) -> Figure:
        off = []
        for first, f, step, measured in halves:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a partial answer says so by itself
                density = model(first, f, step)
            off.append(float(np.mean(np.abs(np.log(density / measured)))))
        return lambda kept: {SPECTRUM: float(np.mean(np.array(off)[kept]))}

    return scored(
        {SPECTRUM: float(np.mean(floors))},
        {name: partial(figures, model) for name, model in models.items()},
        len(traces),
    )
