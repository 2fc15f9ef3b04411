"""Pictures of data sheets and reports, as SVG or pixels within a page."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from typing import TYPE_CHECKING

import numpy as np

from ...escape import html
from ...typing import Floats
from . import colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 110
"""Of pictures on a page."""

Band = tuple[Floats, Floats, Floats]
"""5 %, median and 95 % of cells."""


def svg(figure: "Figure") -> str:
    """Return a figure as the text of an element <svg>, without date."""
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    whole = text.getvalue()
    return whole[whole.index("<svg") :]


def image(figure: "Figure", alternative: str) -> str:
    """Return a figure as an element <img> that holds its pixels, for pictures of many points.

    Parameters
    ----------
    figure : matplotlib Figure
    alternative : str
        What it shows, for who cannot see it.
    """
    content = BytesIO()
    figure.savefig(content, format="png", dpi=DPI)
    pixels = b64encode(content.getvalue()).decode()
    return f'<img alt="{html(alternative)}" src="data:image/png;base64,{pixels}">'


def _figure(number: int) -> tuple["Figure", list["Axes"]]:
    from matplotlib.figure import Figure  # tables of a sheet without pictures need none

    figure = Figure(figsize=(4.4 * number, 3.2), layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(1, number)))


def bands(
    panels: Sequence[tuple[str, str, Floats, Mapping[str, Band], bool]],
) -> "Figure":
    """Draw medians and 5 to 95 % of cells against what was applied, one panel each.

    Parameters
    ----------
    panels : sequence of (label of x, label of y, x, bands, logarithmic)
        Bands by state, "hrs" or "lrs".
    """
    figure, axes = _figure(len(panels))
    for ax, (across, up, x, of, logarithmic) in zip(axes, panels, strict=True):
        low, high = (extreme([extreme(band) for band in of.values()]) for extreme in (np.min, np.max))
        ax.set_ylim(low / 1.3, high * 1.3)
        for state, (low, middle, high) in of.items():
            colour = colours.STATES[state]
            ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
            ax.plot(x, middle, "o-", color=colour, markersize=3, label=state.upper())
        ax.set(xlabel=across, ylabel=up, yscale="log", xscale="log" if logarithmic else "linear")
        ax.grid(alpha=0.25)
    return figure


def times(of: Mapping[str, Mapping[float, tuple[Floats, Floats]]]) -> "Figure":
    """Draw median times (s) to switch against the voltage (V), by operation and temperature (K)."""
    figure, axes = _figure(len(of))
    for ax, (operation, by_heat) in zip(axes, of.items(), strict=True):
        for (kelvin, (volts, median)), style in zip(by_heat.items(), ("-", "--", ":") * 9, strict=False):
            colour, label = colours.KINDS[operation], f"{kelvin:g} K"
            ax.plot(volts, median, f"o{style}", color=colour, markersize=3, label=label)
        ax.set(xlabel="source voltage / V", ylabel=f"median time to {operation.upper()} / s", yscale="log")
        ax.grid(alpha=0.25)
        ax.legend(frameon=False)
    return figure


def kept(of: Mapping[str, Mapping[float, tuple[Floats, Floats]]]) -> "Figure":
    """Draw the fraction of cells on their side against time (s) without voltage, by state and temperature."""
    figure, (ax,) = _figure(1)
    for state, by_heat in of.items():
        for (kelvin, (seconds, part)), style in zip(by_heat.items(), ("-", "--", ":") * 9, strict=False):
            ax.plot(seconds, part, f"o{style}", color=colours.STATES[state], markersize=3,
                    label=f"{state.upper()}, {kelvin:g} K")
    ax.set(xlabel="time / s", ylabel="fraction that keeps its state", xscale="log", ylim=(-0.03, 1.03))
    ax.grid(alpha=0.25)
    ax.legend(frameon=False)
    return figure
