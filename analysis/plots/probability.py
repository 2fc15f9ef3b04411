"""Probability plots: values against the fraction of devices below, on axes that straighten a distribution."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...checks import one_of
from ...escape import mathtext
from ...typing import Floats
from ..statistics.censoring import Sample, kaplan_meier
from ..statistics.distributions import FAMILIES, Fit, fit
from .colours import DATA
from .page import log_ticks
from .panels import percent_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


POINTS, LINE = DATA, "0.55"


def probability_page(samples: Mapping[str, Any], family: str = "weibull", *, title: str = "") -> "Figure":
    """Draw a probability plot of each of some samples, beside each other.

    Parameters
    ----------
    samples : mapping
        Of each quantity, named with its unit, its values or a :class:`.Sample`.
    family : str
        As in :func:`probability_plot`.
    title : str
        Above them; empty: none.
    """
    panels = _panels(len(samples))
    for (text, sample), axes in zip(samples.items(), panels, strict=True):
        probability_plot(sample, family, axes=axes, label=mathtext(text))
    figure: Figure = panels[0].figure  # type: ignore[assignment]
    if title:
        figure.suptitle(mathtext(title), fontsize=11)
    return figure


def plotting_positions(values: Any) -> xr.Dataset:
    """Return where the values of a sample belong on a probability plot.

    Half-way up the step of the Kaplan-Meier curve at each value, (i - 1/2)/n without censoring; devices that
    are right-censored have no point of their own but move those above them.

    Parameters
    ----------
    values : array_like or Sample
        Exact or right-censored.

    Returns
    -------
    xarray.Dataset
        Along ``value``: ``share``, between 0 and 1.
    """
    curve = kaplan_meier(values)
    return xr.Dataset({"share": 1 - (curve["survival"] + curve["before"]) / 2})


def probability_plot(
    values: Any,
    family: str = "weibull",
    *,
    axes: "Axes | None" = None,
    label: str = "",
    colour: str = POINTS,
) -> "Figure":
    """Draw a sample on probability axes with a fitted distribution and its 95 % band, that of the likelihood.

    Parameters
    ----------
    values : array_like or Sample
        Exact or right-censored.
    family : str
        Whose axes: "weibull", "lognormal", "normal" or "loglogistic".
    axes : matplotlib.axes.Axes, optional
        To draw on; a new figure otherwise.
    label : str
        Quantity with its unit, such as "SET voltage / V".
    colour : str
        Of points and band.

    Returns
    -------
    matplotlib.figure.Figure
    """
    one_of("family", family, FAMILIES)
    sample = Sample.of(values)
    curve = fit(sample, family)
    points = plotting_positions(sample)
    transform = FAMILIES[family].quantile
    panel = _panels(1)[0] if axes is None else axes
    heights = transform(points["share"].values)
    panel.plot(points["value"].values, heights, "o", ms=3.5, color=colour, mew=0, label=_legend(sample))
    bottom, top = transform(np.array(_ends(points["share"].values)))
    heights_drawn = np.linspace(bottom, top, 60)
    shares = 1 - np.exp(FAMILIES[family].survival(heights_drawn))
    fitted = curve.quantiles(shares)
    panel.plot(fitted["value"].values, heights_drawn, color=LINE, lw=1.2, label=_describe(curve))
    low, high = fitted["low"].values, fitted["high"].values
    panel.fill_betweenx(heights_drawn, low, high, color=colour, alpha=0.18, lw=0, label="95 % (likelihood)")
    _dress(panel, family, bottom, top)
    panel.set_xlabel(label or "value")
    figure: Figure = panel.figure  # type: ignore[assignment]
    return figure


def survival_page(cycles: Floats, fraction: Floats, left: Floats, title: str = "") -> "Figure":
    """Draw the fraction of devices whose window is open against cycles, as steps, with its 95 % interval.

    Parameters
    ----------
    cycles : ndarray of shape (n,)
        Above 0, ascending.
    fraction : ndarray of shape (n, 3)
        Fraction of devices from each cycle on, and both ends of its interval.
    left : ndarray
        Cycles at which devices were left whose windows are open; a cross each.
    title : str
    """
    axes = _panels(1)[0]
    open_part, low, high = fraction.T
    axes.fill_between(cycles, low, high, step="post", color=POINTS, alpha=0.18, lw=0, label="95 %")
    axes.step(cycles, open_part, where="post", color=POINTS, lw=1.4, label="window open (Kaplan-Meier)")
    if len(left):
        at = open_part[np.searchsorted(cycles, left, side="right") - 1]
        axes.plot(
            left, at, "+", ms=8, color=POINTS, clip_on=False, label=f"{len(left)} left with open windows"
        )
    axes.set(xscale="log", ylim=(0.0, 1.02), xlabel="cycles", ylabel="fraction of devices")
    log_ticks(axes.xaxis)
    axes.legend(fontsize=8, loc="lower left")
    axes.set_title(mathtext(title), fontsize=10)
    figure: Figure = axes.figure  # type: ignore[assignment]
    return figure


def _panels(number: int) -> list["Axes"]:
    from matplotlib.figure import Figure as NewFigure  # matplotlib, which only drawing needs

    figure = NewFigure(figsize=(6.2 * number, 4.8), layout="constrained")
    return list(figure.subplots(1, number, squeeze=False)[0])


def _ends(share: Floats) -> tuple[float, float]:
    """Return the shares between which the line is drawn: a little beyond the points."""
    low, high = float(share.min()), float(share.max())
    return low / 2, 1 - (1 - high) / 2


def _dress(panel: "Axes", family: str, bottom: float, top: float) -> None:
    percent_axis(panel, bottom, top, FAMILIES[family].quantile)
    panel.set_ylim(bottom, top)
    panel.set_ylabel(f"fraction of devices below ({_title(family)} axis)")
    if FAMILIES[family].logarithmic:
        panel.set_xscale("log")
        log_ticks(panel.xaxis)
    panel.legend(fontsize=8, loc="best")


def _legend(sample: Sample) -> str:
    censored = int(sample.right.sum())
    return f"{len(sample.low)} devices" + (f", {censored} censored" if censored else "")


def _describe(curve: Fit) -> str:
    numbers = ", ".join(f"{name} {value:.3g}" for name, value in curve.parameters.items())
    return f"{_title(curve.family)}: {numbers}"


def _title(family: str) -> str:
    return "Weibull" if family == "weibull" else family
