"""Pictures of a card beside the devices that it should stand for: quantiles, devices, memory, currents."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm

from ...cells.card import Card, CardWarning
from ...cells.core import GapCore
from ...escape import mathtext
from ...typing import Floats
from ..fitting import core_fit, gate
from ..fitting.observations import Observations
from .colours import DATA, MODEL
from .panels import loops

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAND = "0.82"

LABELS = {
    "hrs": "HRS",
    "lrs": "LRS",
    "set_voltage": "SET voltage",
    "reset_voltage": "RESET voltage",
    "forming_voltage": "forming voltage",
}
"""Of features that have a usual name; others are shown by their own."""

SAMPLES = 40
"""Samples of the card that the bands are made of."""

SHARES = norm.cdf(np.linspace(-3.0, 3.0, 61))
"""Shares at which quantiles are compared."""

FAN = 24
"""Cycles that a fan of currents shows."""

Curves = Sequence[tuple[Floats, Floats]]
"""Voltages (V) and currents (A) of some cycles."""


def page(
    card: Card,
    observed: Observations,
    curves: Curves | None = None,
    *,
    drawn: Curves | None = None,
    seed: int = 0,
) -> "Figure":
    """Draw what validation compares: quantiles of each feature, the devices, the memory, and currents.

    Parameters
    ----------
    card : Card
    observed : Observations
        Devices that the card was not fitted to, with its features.
    curves : sequence of (ndarray, ndarray), optional
        Voltages (V) and currents (A) of some of their cycles.
    drawn : sequence of (ndarray, ndarray), optional
        The same of cells of the card, shown beside them; by default those of its core, where it has one.
    seed : int
    """
    from matplotlib.figure import Figure as NewFigure  # matplotlib, which only drawing needs

    k = len(card.features)
    figure = NewFigure(figsize=(max(3.1 * k, 12.4), 9.2), layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=(1, 2.1))
    upper, lower = halves
    samples = _samples(card, observed, seed)
    for i, axes in enumerate(np.atleast_1d(upper.subplots(1, k))):
        quantiles(card, observed, samples, i, axes)
    parts = lower.subplots(2, 3)
    first, second = 0, min(1, k - 1)
    devices(card, observed, samples[0], (first, second), parts[0, 0], spread=False)
    devices(card, observed, samples[0], (first, first), parts[0, 1], spread=True)
    memory(card, observed, samples, first, parts[0, 2])
    memory(card, observed, samples, k - 1, parts[1, 2])
    fan(curves, parts[1, 0], "of the devices", DATA)
    if drawn is None and card.core:
        drawn = core_curves(card, seed)
    fan(drawn, parts[1, 1], "of the card", MODEL)
    if curves and drawn:
        low, high = zip(*(axes.get_ylim() for axes in parts[1, :2]), strict=True)
        for axes in parts[1, :2]:
            axes.set_ylim(min(low), max(high))
    count, cycles, _ = observed.values.shape
    name = mathtext(f"{card.name} {card.version}")
    figure.suptitle(
        f"card {name} and {count} devices of {cycles} cycles; grey: 95 % of such samples of the card",
        x=0.01, ha="left", fontsize=11,
    )  # fmt: skip
    return figure


def quantiles(card: Card, observed: Observations, samples: Floats, feature: int, axes: "Axes") -> None:
    """Draw quantiles of the devices against those of the card, with the band of chance.

    Parameters
    ----------
    card : Card
    observed : Observations
    samples : ndarray
        (samples, devices, cycles, k) of the card, in transformed space.
    feature : int
    axes : matplotlib axes
    """
    item = card.features[feature]
    card_quantiles = np.nanquantile(samples[..., feature].reshape(len(samples), -1), SHARES, axis=1)
    observed_quantiles = np.nanquantile(observed.values[:, :, feature], SHARES)
    low, middle, high = (item.sign * np.quantile(card_quantiles, q, axis=1) for q in (0.025, 0.5, 0.975))
    scale = np.log(10.0) if item.transform == "log" else 1.0
    axes.fill_between(middle / scale, low / scale, high / scale, color=BAND, lw=0)
    axes.plot(middle / scale, middle / scale, color=MODEL, lw=1)
    axes.plot(middle / scale, item.sign * observed_quantiles / scale, ".", color=DATA, ms=4)
    name = _label(item.name, item.unit, item.transform)
    axes.set(xlabel=f"{name}, card", ylabel="devices")


def devices(
    card: Card,
    observed: Observations,
    sample: Floats,
    features: tuple[int, int],
    axes: "Axes",
    *,
    spread: bool,
) -> None:
    """Draw a point for every device: two of its means, or a mean and its spread."""
    i, j = features
    for values, colour, label in ((sample, MODEL, "card"), (observed.values, DATA, "devices")):
        mean, deviation = np.nanmean(values, axis=1), np.nanstd(values, axis=1)
        x = _shown(card, i, mean[:, i])
        y = deviation[:, i] if spread else _shown(card, j, mean[:, j])
        axes.plot(x, y, ".", color=colour, ms=4, alpha=0.6, label=label)
    names = [
        _label(card.features[n].name, card.features[n].unit, card.features[n].transform) for n in features
    ]
    axes.set_xlabel(f"{names[0]}, mean of a device")
    if spread:
        unit = "ln" if card.features[i].transform == "log" else card.features[i].unit
        axes.set(ylabel=f"spread within a device / {mathtext(unit)}", yscale="log")
    else:
        axes.set_ylabel(names[1])
    axes.legend(fontsize=8)


def memory(card: Card, observed: Observations, samples: Floats, feature: int, axes: "Axes") -> None:
    """Draw the autocorrelation of a feature over cycles, about the mean of each device."""
    longest = min(20, observed.values.shape[1] // 2)
    lags = np.arange(1, longest + 1)
    correlations = np.array([autocorrelation(sample[:, :, feature], longest) for sample in samples])
    low, middle, high = np.quantile(correlations, [0.025, 0.5, 0.975], axis=0)
    axes.fill_between(lags, low, high, color=BAND, lw=0)
    axes.plot(lags, middle, color=MODEL, lw=1)
    axes.plot(lags, autocorrelation(observed.values[:, :, feature], longest), ".", color=DATA)
    axes.axhline(0, color="0.6", lw=0.6)
    name = card.features[feature].name
    axes.set(xlabel="lag / cycles", ylabel=f"autocorrelation, {mathtext(LABELS.get(name, name))}")


def fan(curves: Curves | None, axes: "Axes", whose: str, colour: str) -> None:
    """Draw currents against voltages of some cycles, or say that there are none."""
    axes.set(xlabel=f"voltage / V, {whose}", ylabel="|current| / A")
    if not curves:
        missing = "no traces were given" if colour == DATA else "the card has no core"
        axes.text(0.5, 0.5, missing, transform=axes.transAxes, ha="center", color="0.5")
        return
    loops(curves, axes, colour)


def core_curves(card: Card, seed: int = 0) -> list[tuple[Floats, Floats]]:
    """Return voltages and currents of cells of a card on the ramps of its ensemble, one cycle each.

    Cycles whose HRS is not above their LRS have no core and are left out.
    """
    core = GapCore.of(card)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        features = {name: values[:, 0] for name, values in card.sample(FAN, 1, seed).items()}
    usable = core.shows(features)
    if not usable.any():
        return []
    features = {name: values[usable] for name, values in features.items()}
    cells = core.cells(features)
    shared = [np.full(usable.sum(), value) for value in (core.voltage_scale, core.drive)]
    rates = [cells[name] / core.gap_scale for name in ("set_velocity", "reset_velocity")]
    parameters = np.log(np.stack([features["hrs"], features["lrs"], *rates, *shared], axis=1))
    set_end, reset_end = (
        1.15 * float(features["set_voltage"].max()),
        1.15 * float(features["reset_voltage"].min()),
    )
    time, volts = _ramps(core, set_end, reset_end)
    state = core_fit.simulate(parameters, time, volts, core)
    # At 0 V there is no current to take a logarithm of.
    logs = core_fit.currents(parameters, state, np.where(volts == 0, 1e-6, volts), core)
    return [(volts, np.where(volts == 0, 0.0, np.exp(row))) for row in logs]


def _ramps(core: GapCore, up: float, down: float) -> tuple[Floats, Floats]:
    """Return times and voltages of a SET and a RESET ramp, up and back."""
    legs = [(0.0, up, core.set_ramp), (up, 0.0, core.set_ramp)]
    legs += [(0.0, down, core.reset_ramp), (down, 0.0, core.reset_ramp)]
    times, volts = [np.zeros(1)], [np.zeros(1)]
    for begin, end, ramp in legs:
        leg = np.linspace(begin, end, 151)[1:]
        volts.append(leg)
        times.append(times[-1][-1] + np.abs(leg - begin) / ramp)
    return np.concatenate(times), np.concatenate(volts)


def _samples(card: Card, observed: Observations, seed: int) -> Floats:
    """Return samples of the card as large as the observations, with the same values missing."""
    count, cycles, _ = observed.values.shape
    samples = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        for s in range(SAMPLES):
            cycles_drawn = card.sample(count, cycles, seed + s)
            sampled = np.stack([f.forward(cycles_drawn[f.name]) for f in observed.features], axis=2)
            samples.append(np.where(np.isfinite(observed.values), sampled, np.nan))
    return np.array(samples)


def autocorrelation(values: Floats, longest: int) -> Floats:
    """Return the autocorrelation of (devices, cycles) about device means, as validation compares it."""
    return np.array([gate.correlations(values[:, :, None], lag)[0, 0] for lag in range(1, longest + 1)])


def _shown(card: Card, feature: int, values: Floats) -> Floats:
    """Return transformed values as they are drawn: decades, or the unit with its sign."""
    item = card.features[feature]
    shown: Floats = item.sign * values / (np.log(10.0) if item.transform == "log" else 1.0)
    return shown


def _label(name: str, unit: str, transform: str) -> str:
    title = LABELS.get(name, name)
    return mathtext(f"log10({title} / {unit})" if transform == "log" else f"{title} / {unit}")
