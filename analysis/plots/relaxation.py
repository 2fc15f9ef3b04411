"""Pictures of relaxation and retention: fans of quantiles, laws of time, survival, and the Arrhenius plot."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ...typing import Floats
from ...units import BOLTZMANN_EV
from ..reliability import relaxation, retention
from ..reliability.bakes import STANDARD, BakeFit
from ..reliability.extrapolation import NEAR, TEMPERATURE, UNITS, Extrapolation
from .colours import SERIES
from .page import label, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LAWS = {"constant": "0.55", "logarithm": "#1f1f1f", "power law": "#157a55"}
MARKED = {"second": 1.0, "hour": 3600.0, "day": 86400.0, "year": 31557600.0, "10 years": 315576000.0}


def relaxation_page(data: Mapping[str, xr.DataArray], title: str = "relaxation") -> "Figure":
    """Draw fans of quantiles of several levels, laws of time on the first, and the spread against time.

    Parameters
    ----------
    data : mapping of str to xarray.DataArray
        Conductances of each level, from :func:`.relaxation.conductances`.
    title : str
        Headline.
    """
    figure, axes = sheet(title, (12.6, 4.6), 3, left=0.065, top=0.82, bottom=0.14, space=0.27)
    fan(data, axes[0])
    laws(next(iter(data.values())), axes[1], next(iter(data)))
    deviations(data, axes[2])
    return figure


def fan(data: Mapping[str, xr.DataArray], axes: "Axes") -> None:
    """Draw the median, the middle half and the middle 98 % of each level against the logarithm of time."""
    for (name, level), colour in zip(data.items(), _colours(len(data)), strict=True):
        lines = relaxation.quantiles(level, (0.01, 0.25, 0.5, 0.75, 0.99)) * 1e6
        time = lines["time"].values
        axes.fill_between(time, lines[0], lines[4], color=colour, alpha=0.15, linewidth=0)
        axes.fill_between(time, lines[1], lines[3], color=colour, alpha=0.35, linewidth=0)
        axes.plot(time, lines[2], color=colour, linewidth=1.5, label=name)
    axes.set_xscale("log")
    label(axes, "median, middle half, middle 98 %", "time / s", "conductance / µS", legend=8)


def laws(data: xr.DataArray, axes: "Axes", name: str = "") -> None:
    """Draw the mean with its standard errors and the fitted laws of time."""
    mean, time = data.mean("device") * 1e6, data["time"].values
    fits = relaxation.compare_laws(data, reference=float(time[0]))
    if data.sizes["device"] > 1:
        error = data.std("device", ddof=1) / np.sqrt(data.sizes["device"]) * 1e6
        axes.errorbar(
            time, mean, error, fmt="o", color=SERIES[0], markersize=4, linewidth=1, label=f"mean, {name}"
        )
    else:
        axes.plot(time, mean, "o", color=SERIES[0], markersize=4, label=name)
    fine_times = np.geomspace(time[0], time[-1], 200)
    x = np.log(fine_times / time[0])
    for law, colour in LAWS.items():
        fit = fits.sel(law=law)
        level, rate = float(fit["level"]) * 1e6, float(fit["rate"])
        curve = level * np.exp(-rate * x) if law == "power law" else level + rate * 1e6 * x
        difference = float(fit["aic"] - fits["aic"].min())
        axes.plot(fine_times, curve, color=colour, linewidth=1.1, label=f"{law}, ΔAIC = {difference:.3g}")
    axes.set_xscale("log")
    label(axes, "laws of time", "time / s", "mean conductance / µS", legend=8)


def deviations(data: Mapping[str, xr.DataArray], axes: "Axes") -> None:
    """Draw the standard deviation over devices against the logarithm of time."""
    for (name, level), colour in zip(data.items(), _colours(len(data)), strict=True):
        time, spread = level["time"].values, level.std("device", ddof=1) * 1e6
        axes.plot(time, spread, "o-", color=colour, markersize=4, linewidth=1, label=name)
    axes.set_xscale("log")
    # From 0 on, with room above: so far it is a fraction of what the spread varies by, which may be little.
    axes.set_ylim(0.0, 1.05 * axes.dataLim.y1 if axes.dataLim.y1 > 0.0 else 1.0)
    label(axes, "spread over devices", "time / s", "standard deviation / µS", legend=8)


def retention_page(
    bakes: Mapping[float, tuple[ArrayLike, ArrayLike]],
    use: float = 358.15,
    family: str = "lognormal",
    title: str = "retention",
) -> "Figure":
    """Draw the survival at each bake temperature and, of two or more, the Arrhenius plot of the median times.

    Temperatures with fewer than 3 different times of failure show their survival alone.

    Parameters
    ----------
    bakes : mapping of float to (time, failed)
        Times (s) and whether the device failed, of each temperature (K).
    use : float
        Temperature (K) to extrapolate to.
    family : str
        Distribution of lifetimes.
    title : str
        Headline.
    """
    panels = min(len(bakes), 2)
    figure, axes = sheet(title, (5.5 * panels, 4.8), panels, left=0.15 / panels)
    fits = retention.fit_bakes(bakes, family)
    named = {f"{kelvin:.0f} K,": bake for kelvin, bake in bakes.items()}
    survival(named, axes[0], {f"{kelvin:.0f} K,": fit for kelvin, fit in fits.items()})
    words = (f"survival (ticks: censored; thin: {family})", "time / s", "fraction of devices that survive")
    label(axes[0], *words, legend=8.5, place="lower left")
    if panels > 1:
        arrhenius(fits, axes[1], use)
    return figure


def interval_page(found: BakeFit, title: str = "retention") -> "Figure":
    """Draw the shares that failed in bakes with few reads, on axes in which an activation energy is a line.

    Parameters
    ----------
    found : BakeFit
        From :func:`.bakes.fit_intervals`.
    title : str
        Headline.
    """
    figure, (axes,) = sheet(title, (5.5, 4.8), 1, left=0.15)
    inverse = 1.0 / (BOLTZMANN_EV * found.kelvin)
    share = (found.failed + 0.5) / (found.devices + 1.0)
    law = STANDARD[found.family]
    score = law.ppf(share)
    error = np.sqrt(share * (1 - share) / found.devices) / law.pdf(score)
    axes.errorbar(inverse, score, 1.96 * error, fmt="o", color=SERIES[0], capsize=3)
    middle = float(np.average(score + found.ratio * inverse, weights=1 / error**2))
    axes.plot(inverse, middle - found.ratio * inverse, color=SERIES[1], lw=1.2)
    label(axes, "devices that failed", "1/kT (1/eV)", f"standard scores ({found.family})")
    return figure


def survival(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]],
    axes: "Axes",
    fits: Mapping[str, retention.Lifetime] | None = None,
) -> None:
    """Draw Kaplan-Meier curves with 95 % bands, censored devices as ticks, and fitted distributions.

    Parameters
    ----------
    groups : mapping of str to (time, failed)
        Times (s) or numbers of reads, and whether the device failed, of each group, by its name.
    axes : matplotlib Axes
    fits : mapping of str to Lifetime, optional
        Of groups, by their names.
    """
    for (name, (time, failed)), colour in zip(groups.items(), _colours(len(groups)), strict=True):
        times, has_failed = np.asarray(time, float), np.asarray(failed).astype(bool)
        text = f"{name} {has_failed.sum()} of {len(has_failed)} failed".strip()
        if not has_failed.any():
            axes.plot([times.min() / 2, times.max()], [1, 1], color=colour, linewidth=1.5, label=text)
            continue
        curve = retention.kaplan_meier(times, has_failed)
        t = np.concatenate([[curve["time"].values[0] / 2], curve["time"].values])
        survival_curve, low, high = (
            np.concatenate([[1.0], curve[name].values]) for name in ("survival", "low", "high")
        )
        axes.step(t, survival_curve, where="post", color=colour, linewidth=1.5, label=text)
        axes.fill_between(t, low, high, step="post", color=colour, alpha=0.18, linewidth=0)
        step_before = np.maximum(np.searchsorted(t, times[~has_failed], side="right") - 1, 0)
        axes.plot(times[~has_failed], survival_curve[step_before], "|", color=colour, markersize=8)
        if fits and name in fits:
            fine_times = np.geomspace(t[0], times.max(), 150)
            axes.plot(fine_times, fits[name].survival(fine_times), color="0.25", linewidth=0.7)
    axes.set_xscale("log")
    axes.set_ylim(0, 1.03)


def arrhenius(fits: Mapping[float, retention.Lifetime], axes: "Axes", use: float = 358.15) -> None:
    """Draw median times against the inverse temperature with the fitted line, its band and its end.

    The line needs two temperatures at least.
    """
    temperature = np.array(list(fits))
    draw_medians(1000 / temperature, list(fits.values()), axes)
    if len(fits) > 1:
        _extrapolation(retention.arrhenius_of(fits), temperature, axes, use)
    axes.set_yscale("log")
    _mark_durations(axes)
    words = ("Arrhenius plot", "1000 K / temperature", "median time to failure / s")
    label(axes, *words, legend=8.5, place="upper left")


def draw_medians(place: Floats, fits: Sequence[retention.Lifetime], axes: "Axes") -> Floats:
    """Draw median lifetimes with their 95 % intervals against a condition, and return the medians."""
    median, low, high = np.array([fit.quantile(0.5) for fit in fits]).reshape(-1, 3).T
    _with_bars(axes, place, median, low, high, SERIES[0], "median, 95 %")
    return np.asarray(median)


def _extrapolation(found: retention.Arrhenius, temperature: Floats, axes: "Axes", use: float) -> None:
    span = np.linspace(min(1 / temperature.max(), 1 / use), max(1 / temperature.min(), 1 / use), 100)
    line = np.array([found.time(1 / x) for x in span])
    low, high = found.energy_interval
    text = f"{found.energy:.3g} eV ({low:.3g} to {high:.3g} eV)"
    axes.plot(1000 * span, line[:, 0], color=SERIES[1], linewidth=1.3, label=text)
    axes.fill_between(1000 * span, line[:, 1], line[:, 2], color=SERIES[1], alpha=0.18, linewidth=0)
    time_at_use = found.time(use)
    text = f"{use - 273.15:.0f} °C: {time_at_use[0]:.2g} s ({time_at_use[1]:.2g} to {time_at_use[2]:.2g} s)"
    axes.plot([1000 / use], [time_at_use[0]], "D", color=SERIES[1], markersize=6, zorder=4, label=text)


def _mark_durations(axes: "Axes") -> None:
    bottom, top = axes.get_ylim()
    for name, value in MARKED.items():
        if bottom < value < top:
            axes.axhline(value, color="0.8", linewidth=0.7, zorder=0)
            coordinates = ("axes fraction", "data")
            axes.annotate(name, (0.99, value), xycoords=coordinates, ha="right", va="bottom", fontsize=8)


def _colours(number: int) -> list[str]:
    return [SERIES[i % len(SERIES)] for i in range(number)]


def extrapolation_page(found: Extrapolation, use: float) -> "Figure":
    """Draw a failure as it is, and as accelerated conditions are usually extrapolated to that of use.

    On the left are mean rates against the condition. On the right, where there are times at use, is the
    probability of having failed against time: by splitting, and by the constant rate of the line.

    Parameters
    ----------
    found : Extrapolation
        From :func:`.extrapolation.extrapolate`.
    use : float
        Condition of use (K or V).
    """
    title = "as it is, and as extrapolated"
    at_use = np.isclose(found.condition, use, rtol=NEAR)
    if not at_use.any():
        figure, (left,) = sheet(title, (6.2, 4.8), 1, left=0.15)
    else:
        figure, (left, right) = sheet(title, (11.4, 4.8), 2, left=0.08)
        _chances(right, found, use, at_use)
    _rates(left, found, use)
    return figure


def _rates(axes: "Axes", found: Extrapolation, use: float) -> None:
    """Draw mean rates of failing against the condition, and the line through accelerated ones."""
    arrhenius = found.by == TEMPERATURE

    def place(condition: ArrayLike) -> Floats:
        value = np.asarray(condition, float)
        return 1000.0 / value if arrhenius else value

    conditions = np.linspace(min(use, float(found.condition.min())), float(found.condition.max()), 200)
    middle, low, high = found.at(conditions)
    axes.plot(place(conditions), middle, color=SERIES[0], linewidth=1.3, label="extrapolated, as usual")
    axes.fill_between(place(conditions), low, high, color=SERIES[0], alpha=0.18, linewidth=0)
    for mask, colour, name in (
        (found.accelerated, SERIES[0], "accelerated, by splitting"),
        (~found.accelerated, SERIES[1], "use conditions, by splitting"),
    ):
        if mask.any():
            points = (found.rate[mask], found.low[mask], found.high[mask])
            _with_bars(axes, place(found.condition[mask]), *points, colour, name)
    axes.axvline(float(place(use)), color="0.6", linewidth=0.8, linestyle=":")
    axes.set_yscale("log")
    unit = UNITS[found.by]
    x = "1000 K / temperature" if arrhenius else "voltage / V"
    label(axes, f"mean rate of failing; dotted: use, {use:g} {unit}", x, "−ln(1 − P) / time / 1/s", legend=8)


def _chances(axes: "Axes", found: Extrapolation, use: float, at_use: NDArray[np.bool_]) -> None:
    """Draw the probability of having failed against time at use, and what a constant rate makes of it."""
    times, chance, low, high = np.array(
        [(point.duration, point.probability, point.low, point.high) for point in found.observed]
    ).T
    moved = np.array(found.at(found.condition)[0] / found.at(use)[0]) * times
    all_times = [times[at_use], moved[found.accelerated]]
    first, last = (pick(np.concatenate(all_times)) for pick in (np.min, np.max))
    drawn_times = np.geomspace(first / 3.0, 3.0 * last, 200)
    middle, least, most = found.chance(use, drawn_times)
    axes.plot(drawn_times, middle, color=SERIES[0], linewidth=1.3, label="constant rate of the line")
    axes.fill_between(drawn_times, least, most, color=SERIES[0], alpha=0.18, linewidth=0)
    for mask, abscissa, colour, name in (
        (found.accelerated, moved, SERIES[0], "accelerated ones, their times moved by the line"),
        (at_use, times, SERIES[1], "at use, by splitting"),
    ):
        _with_bars(axes, abscissa[mask], chance[mask], low[mask], high[mask], colour, name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    # All rises: room for the legend lies below the least that is drawn.
    probabilities = np.concatenate([low, chance, least])
    axes.set_ylim(float(probabilities[probabilities > 0.0].min()) ** 1.4, 2.0)
    title = f"failed by a time at {use:g} {UNITS[found.by]}"
    label(axes, title, "time / s", "probability", legend=8, place="lower right")


def _with_bars(axes: "Axes", x: Floats, y: Floats, low: Floats, high: Floats, colour: str, name: str) -> None:
    """Draw points with their intervals."""
    bars = np.clip([y - low, high - y], 0.0, None)
    axes.errorbar(x, y, bars, fmt="o", markersize=4.5, capsize=2.5, color=colour, label=name)
