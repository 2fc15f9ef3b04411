"""Pictures of pulses: potentiation and depression, endurance over cycles, disturb by reads."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...typing import Floats
from ..reliability import linearity, pulses, retention
from . import panels
from .colours import RESET, SERIES, SET
from .page import label, sheet
from .relaxation import draw_medians, survival

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


WAYS = {"potentiation": SET, "depression": RESET}
"""Names of both ways and their colours: those of SET, which raises the conductance, and RESET."""
POTENTIATION = next(iter(WAYS))
SIZE = (11.0, 4.8)


def updates_page(trains: Sequence[tuple[int, ArrayLike]], title: str = "pulses") -> "Figure":
    """Draw conductance against pulse number, and how far both ways are from straight lines.

    Parameters
    ----------
    trains : sequence of (sign, conductance)
        Sign of the equal pulses, and conductance (S) before the first and after each, as
        :func:`.pulses.trains` gives them; of each way, trains shorter than the longest are left out.
    title : str
        Headline.
    """
    trains_by_way = ways(trains)
    figure, axes = sheet(title, SIZE, 2)
    updates(trains_by_way, axes[0])
    straightness(trains_by_way, axes[1])
    return figure


def ways(trains: Sequence[tuple[int, ArrayLike]]) -> dict[str, Floats]:
    """Return the trains that raise and those that lower the conductance, (trains, pulses + 1) each.

    Of each way only the trains of the longest number of pulses; the first train of a device has no read
    before it and is one shorter.
    """
    curves = [np.asarray(curve, float) for _, curve in trains]
    by_way = {}
    for name, rises in zip(WAYS, (True, False), strict=True):
        own_curves = [curve for curve in curves if (curve[-1] > curve[0]) == rises and curve[-1] != curve[0]]
        if own_curves:
            longest = max(map(len, own_curves))
            by_way[name] = np.array([curve for curve in own_curves if len(curve) == longest])
    if not by_way:
        raise ValueError("no train of pulses changes the conductance")
    return by_way


def updates(both: Mapping[str, Floats], axes: "Axes") -> None:
    """Draw conductances against pulse number, depression after potentiation."""
    draw_updates(both, axes)
    label(axes, "conductance after each pulse", "pulse", "conductance / µS", legend=8.5)


def draw_updates(both: Mapping[str, Floats], axes: "Axes", **style: Any) -> None:
    """Draw conductances (µS) and their means, without words on the axes."""
    start = 0
    for name, curves in both.items():
        number = start + np.arange(curves.shape[1])
        axes.plot(number, 1e6 * curves[: panels.DEVICES].T, color=WAYS[name], linewidth=0.5, alpha=0.4)
        mean = f"{name}, mean of {len(curves)}" if len(curves) > 1 else name
        settings = {"color": WAYS[name], "markersize": 2.5, "label": mean, **style}
        axes.plot(number, 1e6 * curves.mean(0), "o-", **settings)
        start = int(number[-1])


def straightness(both: Mapping[str, Floats], axes: "Axes") -> None:
    """Draw the fraction of the change done against the fraction of the pulses, with nonlinearity labels."""
    for name, curves in both.items():
        mean = curves.mean(0)
        share = (mean - mean[0]) / (mean[-1] - mean[0])
        bend = linearity.nonlinearity(mean) * (1 if name == POTENTIATION else -1)
        states = int(np.median([linearity.number_of_states(curve) for curve in curves]))
        axes.plot(np.linspace(0, 1, len(share)), share, color=WAYS[name], linewidth=1.6,
                  label=f"{name}: label {bend:z.2f}, {states} states")  # fmt: skip
    axes.plot([0, 1], [0, 1], color="0.55", linewidth=0.8, linestyle="--", zorder=0)
    words = ("nonlinearity (dashed: linear)", "fraction of the pulses", "fraction of the change")
    label(axes, *words, legend=8.5, place="lower right")


def endurance_page(
    cycle: ArrayLike, hrs: ArrayLike, lrs: ArrayLike, window: float = 10.0, title: str = "endurance"
) -> "Figure":
    """Draw both resistances and their ratio against the cycle.

    Parameters
    ----------
    cycle : (n,) array_like
    hrs, lrs : (n,) or (devices, n) array_like
        Resistance (ohm) after RESET and after SET.
    window : float
        Least ratio that counts as a window.
    title : str
        Headline.
    """
    x = np.asarray(cycle, float)
    figure, axes = sheet(title, SIZE, 2)
    panels.resistances(x, {"reset": hrs, "set": lrs}, axes[0])
    panels.devices(x, np.asarray(hrs, float) / np.asarray(lrs, float), axes[1], "0.2", "on/off")
    axes[1].axhline(window, color="0.55", linewidth=0.9, linestyle="--", label=f"window of {window:g}")
    axes[1].set_yscale("log")
    for panel in axes:
        if x[-1] >= 100:
            panel.set_xscale("log")
    label(axes[0], "resistances at the read voltage", "cycle", "resistance / ohm", legend=8.5)
    label(axes[1], "window", "cycle", "on/off", legend=8.5)
    return figure


def disturb_page(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]],
    share: float,
    voltage: Sequence[float] | None = None,
    title: str = "read disturb",
) -> "Figure":
    """Draw conductances against the number of reads, and the reads to a failure against the voltage.

    Parameters
    ----------
    groups : mapping of str to (reads, conductance)
        Of each level or voltage: number of reads (n,), and conductances (S), (devices, n).
    share : float
        A device has failed when its conductance is at this fraction of its start; above 1, risen to it.
    voltage : sequence of float, optional
        Read voltage (V) of each group; without it the second picture is the share that survives.
    title : str
        Headline.
    """
    figure, axes = sheet(title, SIZE, 2)
    for k, (name, (reads, g)) in enumerate(groups.items()):
        x, rows = np.asarray(reads, float), np.atleast_2d(np.asarray(g, float))
        relative = rows / rows[:, :1]
        after = x > 0
        colour = SERIES[k % len(SERIES)]
        axes[0].plot(x[after], relative[: panels.DEVICES, after].T, color=colour, linewidth=0.5, alpha=0.4)
        axes[0].plot(
            x[after], np.median(relative, 0)[after], color=colour, linewidth=1.8, label=name or "median"
        )
    axes[0].axhline(share, color="0.55", linewidth=0.9, linestyle="--", label="failure")
    axes[0].set_xscale("log")
    axes[0].set_yscale("log")
    words = ("thick: median of the devices", "reads", "conductance over that at the start")
    label(axes[0], *words, legend=8.5)
    failures = {name: pulses.disturb(reads, g, share) for name, (reads, g) in groups.items()}
    if voltage is None:
        survival(failures, axes[1])
        label(axes[1], "survival (ticks: censored)", "reads", "fraction of devices undisturbed", legend=8.5)
    else:
        _acceleration(list(failures.values()), np.asarray(voltage, float), axes[1])
    return figure


def _acceleration(ends: Sequence[tuple[Floats, NDArray[np.bool_]]], voltage: Floats, axes: "Axes") -> None:
    """Draw the median reads to a failure against the voltage, and the line through them."""
    fits = [(v, retention.fit_lifetime(*end)) for v, end in zip(voltage, ends, strict=True)
            if len(np.unique(end[0][end[1]])) >= 3]  # fmt: skip
    if fits:
        volts = np.array([v for v, _ in fits])
        medians = draw_medians(volts, [fit for _, fit in fits], axes)
    if len(fits) > 1:
        errors = [fit.median_error for _, fit in fits]
        line = retention.voltage_acceleration(volts, medians, errors)
        fine_voltages = np.linspace(volts.min(), volts.max(), 50)
        text = f"{line.slope:.3g} decades/V ({line.slope_interval[0]:.3g} to {line.slope_interval[1]:.3g})"
        axes.plot(
            fine_voltages, 10 ** (line.intercept + line.slope * fine_voltages), color=SERIES[1], label=text
        )
    axes.set_yscale("log")
    label(axes, "acceleration by the voltage", "read voltage / V", "reads to failure", legend=8.5)
