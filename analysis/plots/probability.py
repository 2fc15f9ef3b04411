"""Probability plots: values against the share of devices below, on axes that straighten a distribution."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...checks import one_of
from ...typing import Floats
from ..statistics.censoring import Sample, kaplan_meier
from ..statistics.distributions import FAMILIES, Fit, fit
from ..statistics.statistics import bootstrap_band
from .page import PERCENT, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


BANDS = ("likelihood", "bootstrap", "none")
POINTS, LINE = "#1f6fb4", "0.25"


def draw(
    data: xr.Dataset,
    variables: Sequence[str],
    path: str | Path,
    *,
    family: str = "weibull",
    band: str = "likelihood",
    force: bool = False,
) -> Path:
    """Write a picture with a probability plot of each variable.

    Parameters
    ----------
    data : xarray.Dataset
        Such as an ensemble. Values that are missing are left out; for families of values above 0 magnitudes
        are taken.
    variables : sequence of str
        Names in the dataset.
    path : str or Path
    family, band : str
        As in :func:`probability_plot`.
    force : bool
        Replace an existing file.

    Raises
    ------
    ValueError
        There is no such variable, or too few values.
    StoreError
        The file exists or cannot be written.
    """
    samples = {}
    for name in variables:
        one_of("variable", name, [str(key) for key in data.data_vars])
        values = np.asarray(data[name].values, float).ravel()
        values = values[np.isfinite(values)]
        attrs = data[name].attrs
        unit = attrs.get("units", "1")
        text = f"{attrs.get('long_name', name)}{'' if unit == '1' else f' / {unit}'}"
        samples[text] = np.abs(values) if family != "normal" else values
    return save(probability_page(samples, family, band=band), path, force=force)


def probability_page(
    samples: Mapping[str, Any], family: str = "weibull", *, band: str = "likelihood", title: str = ""
) -> "Figure":
    """Draw a probability plot of each of some samples, beside each other.

    Parameters
    ----------
    samples : mapping
        Of each quantity, named with its unit, its values or a :class:`.Sample`.
    family, band : str
        As in :func:`probability_plot`.
    title : str
        Above them; empty: none.
    """
    panels = _panels(len(samples))
    for (text, sample), axes in zip(samples.items(), panels, strict=True):
        probability_plot(sample, family, axes=axes, band=band, label=text)
    figure: Figure = panels[0].figure  # type: ignore[assignment]
    if title:
        figure.suptitle(title, fontsize=11)
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
    model: Fit | None = None,
    band: str = "likelihood",
    label: str = "",
    colour: str = POINTS,
    seed: int = 0,
) -> "Figure":
    """Draw a sample on probability axes with a fitted distribution and its 95 % band.

    Parameters
    ----------
    values : array_like or Sample
        Exact or right-censored.
    family : str
        Whose axes: "weibull", "lognormal", "normal" or "loglogistic".
    axes : matplotlib.axes.Axes, optional
        To draw on; a new figure otherwise.
    model : Fit, optional
        Curve to draw, such as a clustering fit; fitted with ``family`` if not given.
    band : str
        "likelihood" (see :meth:`.Fit.quantiles`), "bootstrap" or "none"; for each share by itself.
    label : str
        Quantity with its unit, such as "SET voltage / V".
    colour : str
        Of points and band.
    seed : int
        Of the bootstrap.

    Returns
    -------
    matplotlib.figure.Figure
    """
    one_of("family", family, FAMILIES)
    one_of("band", band, BANDS)
    sample = Sample.of(values)
    curve = fit(sample, family) if model is None else model
    points = plotting_positions(sample)
    transform = FAMILIES[family].quantile
    panel = _panels(1)[0] if axes is None else axes
    heights = transform(points["share"].values)
    panel.plot(points["value"].values, heights, "o", ms=3.5, color=colour, mew=0, label=_legend(sample))
    bottom, top = transform(np.array(_ends(points["share"].values)))
    span = np.linspace(bottom, top, 60)
    shares = 1 - np.exp(FAMILIES[family].survival(span))
    drawn = _band(sample, curve, shares, band, seed)
    panel.plot(drawn["value"].values, span, color=LINE, lw=1.2, label=_describe(curve))
    if band != "none":
        kind = band if band == "bootstrap" or len(curve.covariance) == 2 else "information"
        panel.fill_betweenx(
            span,
            drawn["low"].values,
            drawn["high"].values,
            color=colour,
            alpha=0.18,
            lw=0,
            label=f"95 % ({kind})",
        )
    _dress(panel, family, bottom, top)
    panel.set_xlabel(label or "value")
    figure: Figure = panel.figure  # type: ignore[assignment]
    return figure


def _panels(number: int) -> list["Axes"]:
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(6.2 * number, 4.8), layout="constrained")
    return list(figure.subplots(1, number, squeeze=False)[0])


def _ends(share: Floats) -> tuple[float, float]:
    """Return the shares between which the line is drawn: a little beyond the points."""
    low, high = float(share.min()), float(share.max())
    return low / 2, 1 - (1 - high) / 2


def _band(sample: Sample, curve: Fit, shares: Floats, band: str, seed: int) -> xr.Dataset:
    if band == "bootstrap":
        return bootstrap_band(sample, curve.family, shares, seed=seed)
    if band == "likelihood":
        return curve.quantiles(shares)
    return xr.Dataset({"value": ("share", curve.values(shares))})


def _dress(panel: "Axes", family: str, bottom: float, top: float) -> None:
    transform = FAMILIES[family].quantile
    marks = transform(np.array(PERCENT) / 100)
    inside = (marks >= bottom) & (marks <= top)
    shown = [(place, f"{one:g} %") for place, one, used in zip(marks, PERCENT, inside, strict=True) if used]
    panel.set_yticks([place for place, _ in shown], [text for _, text in shown])
    panel.set_ylim(bottom, top)
    panel.set_ylabel(f"share of devices below ({_title(family)} axis)")
    if FAMILIES[family].logarithmic:
        panel.set_xscale("log")
        _tick(panel)
    panel.grid(alpha=0.3)
    panel.legend(fontsize=8, loc="best")


def _tick(panel: "Axes") -> None:
    """Write plain numbers on a logarithmic axis of less than two decades, where powers of ten are too few."""
    from matplotlib import ticker

    low, high = panel.get_xlim()
    if high > 100 * low:
        return
    narrow = high < 5 * low
    panel.xaxis.set_major_locator(ticker.MaxNLocator(6) if narrow else ticker.LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{x:g}"))
    panel.xaxis.set_minor_formatter(ticker.NullFormatter())


def _legend(sample: Sample) -> str:
    censored = int(sample.right.sum())
    return f"{len(sample.low)} devices" + (f", {censored} censored" if censored else "")


def _describe(curve: Fit) -> str:
    numbers = ", ".join(f"{name} {value:.3g}" for name, value in curve.parameters.items())
    return f"{_title(curve.family)}: {numbers}"


def _title(family: str) -> str:
    return "Weibull" if family == "weibull" else family
