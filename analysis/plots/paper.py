"""Pictures for papers, ``frenkel.plot``: one panel each, on axes that are given or on a figure of one column.

They compose: each function draws on ``ax`` and returns it, so that panels, labels and a layout are the
caller's. Without ``ax`` a figure 86 mm wide is made, with small letters and thin lines (:data:`STYLE`); for
figures of one's own ``with frenkel.plot.style():`` gives the same.
"""

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, cast
from weakref import WeakSet

import numpy as np

from ...checks import one_of
from ...data.columns import ResultArrays, ResultTable
from ...escape import mathtext
from ...typing import Floats
from ..results import metrics
from ..results.switching import current_at
from . import colours, panels
from .caption import NAMES, prefix
from .page import legend, name_point

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

COLUMN, PAGE = 3.39, 7.01
"""Widths (inch) of one column and of a page of most journals: 86 and 178 mm."""

STYLE: dict[str, Any] = {
    "figure.figsize": (COLUMN, 2.6),
    "figure.constrained_layout.use": True,
    "savefig.dpi": 300,
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.0,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}
"""Settings of matplotlib for a figure of one column."""

HRS, LRS, SET, RESET = colours.HRS, colours.LRS, colours.SET, colours.RESET
"""Colours of states and operations in all pictures."""

SWITCHED = ("form", "set", "reset")

__all__ = [
    "COLUMN", "HRS", "LRS", "PAGE", "RESET", "SET", "STYLE",
    "cdf", "compare", "endurance", "filament", "iv", "population", "pulses", "resistance", "retention", "rtn",
    "style",
]  # fmt: skip

_OURS: "WeakSet[Any]" = WeakSet()
"""Figures that were made here, in whose style further curves are drawn too."""


def style(**changes: Any) -> AbstractContextManager[None]:
    """Return a context in which matplotlib draws for one column of a paper.

    Parameters
    ----------
    **changes
        Settings of matplotlib that are to be others, with "_" for ".": ``font_size=9``.

    Examples
    --------
    >>> with frenkel.plot.style():  # doctest: +SKIP
    ...     figure, (left, right) = plt.subplots(1, 2, figsize=(frenkel.plot.PAGE, 2.6))
    """
    import matplotlib  # matplotlib, which only drawing needs

    settable = {name.replace(".", "_"): name for name in matplotlib.rcParams}
    for name in changes:
        one_of("setting", name, settable)
    settings: Any = STYLE | {settable[name]: value for name, value in changes.items()}
    return matplotlib.rc_context(settings)


def iv(
    data: ResultTable,
    ax: "Axes | None" = None,
    *,
    phases: Sequence[str] | None = None,
    voltage: Literal["source", "device"] = "source",
    scale: Literal["log", "linear"] = "log",
    mark: bool = True,
    label: str | None = None,
    colour: str | None = None,
    **kwargs: Any,
) -> "Axes":
    """Draw current against voltage, and where the device switches.

    Parameters
    ----------
    data : xarray.Dataset
        Result of a device.
    ax : matplotlib Axes, optional
    phases : sequence of str, optional
        Names of the phases to draw; all whose voltage moves by default, the first forming and the last SET
        and RESET strong.
    voltage : {"source", "device"}
        Of the source or across the device.
    scale : {"log", "linear"}
        Of the current, whose magnitude is drawn on a logarithmic scale.
    mark : bool
        Mark and name the points at which the phases drawn strong switch.
    label : str, optional
        In the legend, for all phases; the kinds of the phases by default.
    colour : str, optional
        Of all phases; that of each kind by default.
    **kwargs
        Settings of the lines, as ``Axes.plot`` takes them.

    Raises
    ------
    ValueError
        There is no such phase, or none whose voltage moves.
    """
    _check(data)
    one_of("voltage", voltage, ("source", "device"))
    one_of("scale", scale, ("log", "linear"))
    chosen = _phases(data, phases)
    with _on(ax) as panel:
        kinds = [str(kind) for kind in data["phase_kind"].values]
        strong = chosen if phases is not None else _strong(chosen, kinds)
        phase, volts, amps = (data[name].values for name in ("phase", f"{voltage}_voltage", "current"))
        factor, unit = (0.0, "A") if scale == "log" else prefix(float(np.abs(amps).max()), "A", least=1e-15)
        named: set[str] = set()
        for index in chosen:
            rows = phase == index
            rows &= amps != 0 if scale == "log" else True
            text = label or mathtext(NAMES.get(kinds[index], kinds[index]))
            first = index in strong and text not in named
            named |= {text} if first else set()
            panel.plot(
                volts[rows],
                np.abs(amps[rows]) if scale == "log" else amps[rows] / factor,
                **{
                    "color": colour or colours.KINDS.get(kinds[index], colours.OTHER),
                    "alpha": 1.0 if index in strong else 0.3,
                    "linewidth": None if index in strong else 0.6,
                    "zorder": 3 if index in strong else 2,
                    "label": text if first else None,
                    **kwargs,
                },
            )
        _scale(panel, scale, volts[np.isin(phase, chosen)], amps[np.isin(phase, chosen)])
        panel.set_xlabel(f"{voltage} voltage / V")
        panel.set_ylabel(f"|current| / {unit}" if scale == "log" else f"current / {unit}")
        if mark and voltage == "source":
            for index in strong:
                paint = colour or colours.KINDS.get(kinds[index], colours.OTHER)
                _mark(panel, data, index, kinds[index], factor, paint)
        legend(panel)
        return panel


def filament(
    data: ResultTable,
    ax: "Axes | None" = None,
    *,
    snapshot: int | str = -1,
    colour: panels.Colouring = "state",
    title: bool | str = False,
) -> "Axes":
    """Draw where the defects are between the electrodes, and the gap with its length.

    Parameters
    ----------
    data : xarray.Dataset
        Result of a device.
    ax : matplotlib Axes, optional
    snapshot : int or str
        Number of the snapshot, from the end where negative, or its label.
    colour : {"state", "temperature"}
        What the defects are coloured by.
    title : bool or str
        Above the panel: a text, or True for what is seen.

    Raises
    ------
    ValueError
        There is no such snapshot.
    """
    _check(data)
    number = _snapshot(data, snapshot)
    with _on(ax, height=COLUMN) as panel:
        panels.filament_view(data, number, panel, colour=colour)
        if title is not True:
            panel.set_title(title or "")
        return panel


def cdf(
    data: "xr.Dataset | xr.DataArray | Any",
    ax: "Axes | None" = None,
    *,
    variable: str | None = None,
    family: str | None = None,
    label: str | None = None,
    colour: str | None = None,
    **kwargs: Any,
) -> "Axes":
    """Draw the fraction of devices (or cycles) below each value.

    Parameters
    ----------
    data : xarray.Dataset, xarray.DataArray or array_like
        An ensemble or a sweep of which ``variable`` is drawn, or the values themselves. What is missing (NaN)
        is left out.
    ax : matplotlib Axes, optional
    variable : str, optional
        Such as "set_voltage".
    family : {"weibull", "lognormal", "normal", "loglogistic"}, optional
        Draw on the axes that straighten this distribution, with its fit; on plain ones by default.
    label, colour : str, optional
        Of this curve, where several are drawn on the same axes.
    **kwargs
        Settings of the curve on plain axes, as ``Axes.plot`` takes them.

    Raises
    ------
    ValueError
        There is no such variable, or no value.
    """
    values, text = _values(data, variable)
    with _on(ax) as panel:
        if family is not None:
            from . import probability  # scipy.stats

            probability.probability_plot(
                values, family, axes=panel, label=text, colour=colour or colours.DATA
            )
            legend(panel)
            return panel
        ordered = np.sort(values)
        share = np.arange(1, len(ordered) + 1) / len(ordered)
        steps = np.r_[ordered[0], ordered], 100 * np.r_[0.0, share]
        panel.plot(*steps, **{"drawstyle": "steps-post", "color": colour, "label": label, **kwargs})
        panel.set_xlabel(_common(panel.get_xlabel(), text))
        panel.set_ylabel("fraction below / %")
        panel.set_ylim(0, 100)
        if label:
            legend(panel)
        return panel


def rtn(
    data: "ResultTable | xr.Dataset",
    ax: "Axes | None" = None,
    *,
    phase: int | str = -1,
    traps: "xr.Dataset | int" = 0,
    colour: str = "0.35",
    **kwargs: Any,
) -> "Axes":
    """Draw a trace of random telegraph noise, with the levels of its traps if these are asked for.

    Parameters
    ----------
    data : xarray.Dataset
        A trace, or the result of a device of which ``phase`` is drawn.
    ax : matplotlib Axes, optional
    phase : int or str
        Of a result, from the end where negative.
    traps : int or xarray.Dataset
        How many traps to look for at most, or what :func:`.noise.rtn.traps` found; 0: the trace alone.
    colour : str
        Of the trace.
    **kwargs
        Settings of the line of a trace without traps, as ``Axes.plot`` takes them.

    Raises
    ------
    ValueError
        There is no such phase, or the trace is not sampled evenly.
    """
    from ..noise import trace as traces  # xarray, which few pictures of one device need

    trace: Any = data
    if "phase_name" in data:
        number = data.sizes["phases"] + phase if isinstance(phase, int) and phase < 0 else phase
        trace = traces.from_result(data, number)
    with _on(ax) as panel:
        if isinstance(traps, int) and traps == 0:
            time, current = trace["time"].values, trace["current"].values
            settings = {"color": colour, "linewidth": 0.5, **kwargs}
            panels.current_time(time - time[0], current, panel, **settings)
            return panel
        from ..noise import rtn as noise  # scipy
        from . import rtn as page  # the page, whose name is that of this function

        fitted = noise.traps(trace, maximum=traps) if isinstance(traps, int) else traps
        page.current_time(trace, fitted, panel)
        panel.set_title("", loc="left")
        legend(panel)
        return panel


def resistance(
    data: ResultTable,
    ax: "Axes | None" = None,
    *,
    against: Literal["cycle", "phase"] = "cycle",
    **kwargs: Any,
) -> "Axes":
    """Draw the resistance at the read voltage after each RESET and SET, or after each phase.

    Parameters
    ----------
    data : xarray.Dataset
        Result of a device.
    ax : matplotlib Axes, optional
    against : {"cycle", "phase"}
        Cycles of RESET and SET, or all phases.
    **kwargs
        Settings of the points and lines, as ``Axes.plot`` takes them.

    Raises
    ------
    ValueError
        No RESET and SET follow each other in it, and cycles are to be drawn.
    """
    _check(data)
    one_of("against", against, ("cycle", "phase"))
    cycle, numbers = metrics.cycle_numbers(data)
    if against == "cycle" and not len(cycle):
        raise ValueError("this result has no cycles of RESET and SET to draw")
    with _on(ax) as panel:
        if against == "cycle":
            states = {"reset": numbers["hrs"], "set": numbers["lrs"]}
            panels.resistances(cycle, states, panel, **kwargs)
            panel.locator_params(axis="x", integer=True)
        else:
            kinds, ohms = data["phase_kind"].values, metrics.resistance(data)
            number = np.arange(len(kinds))
            panel.plot(number, ohms, color="0.8", linewidth=0.9, zorder=1)
            states = {str(kind): np.where(kinds == kind, ohms, np.nan) for kind in dict.fromkeys(kinds)}
            panels.resistances(number, states, panel, "o", **kwargs)
            panels.name_phases(data, panel, number)
        panel.set_xlabel(against)
        panel.set_ylabel(f"resistance at {float(data['read_voltage']):g} V / ohm")
        legend(panel)
        return panel


def endurance(data: "xr.Dataset | ResultTable", ax: "Axes | None" = None, **kwargs: Any) -> "Axes":
    """Draw HRS and LRS against the cycle: single devices thinly, and their median.

    Parameters
    ----------
    data : xarray.Dataset
        Result of a device with cycles, an ensemble of such, or measurements with ``hrs`` and ``lrs``.
    ax : matplotlib Axes, optional
    **kwargs
        Settings of the lines of the medians, as ``Axes.plot`` takes them.

    Raises
    ------
    ValueError
        It has no cycle of RESET and SET.
    """
    if "phase_cycle" in data and "member" not in data.sizes:
        cycle, numbers = metrics.cycle_numbers(data)
        states = {name: numbers[name][None] for name in colours.STATES}
    else:
        cycle, states = data["cycle"].values, {name: _devices(data, name) for name in colours.STATES}
    if not len(cycle):
        raise ValueError("no cycle of RESET and SET to draw")
    with _on(ax) as panel:
        for name, paint in colours.STATES.items():
            panels.devices(cycle, states[name], panel, paint, name.upper(), **kwargs)
        panel.set_yscale("log")
        if cycle[-1] >= 100:
            panel.set_xscale("log")
        panel.set_xlabel("cycle")
        panel.set_ylabel("resistance / ohm")
        legend(panel)
        return panel


def retention(
    data: "xr.DataArray | ResultTable",
    ax: "Axes | None" = None,
    *,
    phase: int | str = -1,
    colour: str = colours.LRS,
    label: str = "devices",
    **kwargs: Any,
) -> "Axes":
    """Draw conductance over its first value against time: single devices thinly, and their median.

    Parameters
    ----------
    data : xarray.DataArray or xarray.Dataset
        Conductances over ``device`` and ``time`` (s), as :func:`.relaxation.conductances` gives them, or the
        result of a device of which ``phase`` is drawn.
    ax : matplotlib Axes, optional
    phase : int or str
        Of a result, from the end where negative.
    colour, label : str
        Of these devices; the colour is that of LRS by default, HRS has ``frenkel.plot.HRS``.
    **kwargs
        Settings of the line of the median, as ``Axes.plot`` takes them.

    Raises
    ------
    ValueError
        There is no such phase, or no conductance.
    """
    if "phase_name" in getattr(data, "coords", data) or isinstance(data, ResultArrays):
        _check(data)
        names = [str(name) for name in data["phase_name"].values]
        if isinstance(phase, str):
            one_of("phase", phase, names)
        rows = data["phase"].values == (names.index(phase) if isinstance(phase, str) else phase % len(names))
        time, g = data["time"].values[rows], data["conductance"].values[rows][None]
        time = time - time[0]
    else:
        of_devices = cast("xr.DataArray", data)
        time, g = of_devices["time"].values, np.atleast_2d(of_devices.transpose("device", "time").values)
    after = time > 0
    if not after.any() or not np.isfinite(g[:, 0]).any():
        raise ValueError("no conductance after the first to draw")
    with _on(ax) as panel:
        panels.devices(time[after], (g / g[:, :1])[:, after], panel, colour, label, **kwargs)
        panel.set_xscale("log")
        panel.set_xlabel("time / s")
        panel.set_ylabel("conductance over its first value")
        legend(panel)
        return panel


def pulses(
    data: "ResultTable | Sequence[tuple[int, Any]]", ax: "Axes | None" = None, **kwargs: Any
) -> "Axes":
    """Draw conductance after each of equal pulses: potentiation, then depression.

    Parameters
    ----------
    data : xarray.Dataset or sequence of (sign, conductance)
        Result of a device with trains of pulses, or the trains as :func:`.pulses.trains` gives them.
    ax : matplotlib Axes, optional
    **kwargs
        Settings of the lines of the means, as ``Axes.plot`` takes them.

    Raises
    ------
    ValueError
        No train of pulses changes the conductance.
    """
    from ..reliability import pulses as read  # scipy
    from . import pulses as page

    trains: Any = data
    if not isinstance(data, (list, tuple)):
        _check(data)
        trains = read.trains(trains)
    both = page.ways(trains)
    with _on(ax) as panel:
        page.draw_updates(both, panel, **kwargs)
        panel.set_xlabel("pulse")
        panel.set_ylabel("conductance / µS")
        legend(panel)
        return panel


def compare(
    data: "Mapping[str, xr.Dataset | xr.DataArray | Any]",
    ax: "Axes | None" = None,
    *,
    variable: str = "hrs",
    **kwargs: Any,
) -> "Axes":
    """Draw one number of several sets on a normal probability plot, such as measured and simulated.

    Parameters
    ----------
    data : mapping of str to xarray.Dataset, xarray.DataArray or array_like
        Names and sets; the first has the colour of data, others those of models.
    ax : matplotlib Axes, optional
    variable : str
        Number of the datasets; voltages are drawn by their size, all others on a logarithmic axis.
    **kwargs
        Settings of the points, as ``Axes.plot`` takes them.

    Raises
    ------
    ValueError
        There is no such variable, or no value.
    """
    paints = (colours.DATA, colours.MODEL, *(one for one in colours.SERIES if one != colours.MODEL))
    with _on(ax) as panel:
        for (name, one), paint in zip(data.items(), itertools.cycle(paints), strict=False):
            values, text = _values(one, variable)
            panels.normal_scores(np.abs(values), panel, paint, f"{name} ({len(values)})", **kwargs)
            panel.set_xlabel(_common(panel.get_xlabel(), text))
        _shares(panel, logarithmic=not variable.endswith("voltage"))
        return panel


def population(
    data: "xr.Dataset",
    ax: "Axes | None" = None,
    *,
    variables: Sequence[str] = ("hrs", "lrs"),
    **kwargs: Any,
) -> "Axes":
    """Draw the distributions of resistances or voltages over devices and cycles on a normal probability plot.

    Parameters
    ----------
    data : xarray.Dataset
        Ensemble, or measurements of several devices.
    ax : matplotlib Axes, optional
    variables : sequence of str
        Such as ("hrs", "lrs") or ("set_voltage", "reset_voltage"), which are drawn by their size.
    **kwargs
        Settings of the points, as ``Axes.plot`` takes them.

    Raises
    ------
    ValueError
        There is no such variable, or no value.
    """
    with _on(ax) as panel:
        for name, other in zip(variables, itertools.cycle(colours.SERIES), strict=False):
            values, text = _values(data, name)
            operation = name.removesuffix("_voltage").replace("forming", "form")
            paint = colours.STATES.get(name) or colours.KINDS.get(operation) or other
            word = name.upper() if name in colours.STATES else NAMES.get(operation, name)
            panels.normal_scores(np.abs(values), panel, paint, f"{word} ({len(values)})", **kwargs)
            panel.set_xlabel(_common(panel.get_xlabel(), text))
        quantity = panel.get_xlabel().replace("value / ohm", "resistance / ohm")
        panel.set_xlabel(quantity.replace("value / V", "voltage / V"))
        _shares(panel, logarithmic=not all(name.endswith("voltage") for name in variables))
        return panel


def _shares(panel: "Axes", *, logarithmic: bool) -> None:
    """Finish a normal probability plot: its axis in percent, its legend."""
    if logarithmic:
        panel.set_xscale("log")
    panels.percent_axis(panel, *panel.get_ylim())
    panel.set_ylabel("fraction below")
    legend(panel)


def _devices(data: Any, name: str) -> Floats:
    """Return a number of cycles of all devices, (devices, cycles)."""
    one_of("variable", name, [str(known) for known in data])
    dims = [dim for dim in data[name].dims if dim != "cycle"]
    if len(dims) > 1:
        raise ValueError(f"{name} has {', '.join(map(str, dims))}: choose one point of the sweep")
    return np.asarray(np.atleast_2d(data[name].transpose(*dims, "cycle").values), float)


def _check(data: Any) -> None:
    """Raise an error unless this is the result of one device: a path, a device, an ensemble are not."""
    # Where nothing has imported xarray, there is no dataset.
    xarray: Any = sys.modules.get("xarray")
    if not isinstance(data, ResultArrays) and not (xarray and isinstance(data, xarray.Dataset)):
        kind = f"a {type(data).__name__}"
        raise TypeError(f"a dataset is drawn: device.result, or frenkel.open of a file; got {kind}")
    if "phase_cycle" not in data or "member" in data.sizes:
        raise ValueError("the result of one device is drawn; data.frenkel.member(k) is one of an ensemble")


@contextmanager
def _on(ax: "Axes | None", height: float | None = None) -> "Iterator[Axes]":
    """Give the axes to draw on: those given, or those of a new figure of one column, in its style."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # matplotlib and its Agg renderer
    from matplotlib.figure import Figure

    with style() if ax is None or ax.figure in _OURS else nullcontext():
        if ax is None:
            figure = Figure()
            _OURS.add(figure)
            FigureCanvasAgg(figure)
            if height is not None:
                figure.set_figheight(height)
            ax = figure.add_subplot()
        yield ax


def _phases(data: ResultTable, asked: Sequence[str] | None) -> list[int]:
    """Return the numbers of the phases to draw."""
    names = [str(name) for name in data["phase_name"].values]
    if asked is not None:
        for name in [asked] if isinstance(asked, str) else asked:
            one_of("phase", name, names)
        return [names.index(name) for name in ([asked] if isinstance(asked, str) else asked)]
    kinds = [str(kind) for kind in data["phase_kind"].values]
    moved = [index for index, kind in enumerate(kinds) if kind in panels.SWEPT]
    if not moved:
        raise ValueError(
            "this result has no phase whose voltage moves; frenkel.plot.rtn draws one that stands"
        )
    return moved


def _strong(chosen: list[int], kinds: list[str]) -> list[int]:
    """Return the first forming and the last phase of each other kind."""
    last = {kinds[index]: index for index in chosen}
    last |= {kinds[index]: index for index in reversed(chosen) if kinds[index] == "form"}
    return sorted(last.values())


def _scale(panel: "Axes", scale: str, volts: Floats, amps: Floats) -> None:
    if scale == "linear":
        return
    panel.set_yscale("log")
    # Beside 0 V a current falls to nothing, which would be most of the axis.
    away_from_zero = np.abs(amps[(np.abs(volts) > 0.02 * np.abs(volts).max()) & (amps != 0)])
    if len(away_from_zero):
        panel.set_ylim(away_from_zero.min() / 2, away_from_zero.max() * 3)


def _mark(panel: "Axes", data: ResultTable, index: int, kind: str, height: float, paint: Any) -> None:
    """Mark the point at which a phase switches, and write its voltage beside it."""
    if kind not in SWITCHED:
        return
    volts = float(metrics.phase_numbers(data)["switching_voltage"][index])
    if not np.isfinite(volts):
        return
    rows = data["phase"].values == index
    curve = data["source_voltage"].values[rows], data["current"].values[rows]
    amps = current_at(*curve, volts, kind, logarithmic=height == 0)
    point = volts, abs(amps) if height == 0 else amps / height
    panel.plot(*point, "o", markersize=3.5, markerfacecolor="white", color=paint, zorder=5)
    number = f"{volts:.2f}".replace("-", "−")
    name_point(panel, f"{NAMES[kind]} {number} V", point, paint)


def _snapshot(data: ResultTable, snapshot: int | str) -> int:
    """Return the number of a snapshot, from 0."""
    labels = [str(label) for label in data["snapshot_label"].values]
    if isinstance(snapshot, str):
        one_of("snapshot", snapshot, labels)
        return labels.index(snapshot)
    if not -len(labels) <= snapshot < len(labels):
        raise ValueError(f"snapshot must be between {-len(labels)} and {len(labels) - 1}, got {snapshot}")
    return snapshot % len(labels)


def _common(earlier: str, text: str) -> str:
    """Return the words of an axis that has some already: where they differ, their unit is what is common."""
    if not earlier or earlier == text:
        return text
    units = {words.rpartition(" / ")[2] if " / " in words else "" for words in (earlier, text)}
    return f"value / {units.pop()}" if len(units) == 1 and "" not in units else "value"


def _values(data: Any, variable: str | None) -> tuple[Floats, str]:
    """Return the values that are there, and what they are with their unit."""
    import xarray as xr  # xarray

    if isinstance(data, xr.Dataset):
        one_of("variable", variable, [str(name) for name in data.data_vars])
        data = data[variable]
    text = "value"
    if isinstance(data, xr.DataArray):
        unit = data.attrs.get("units", "1")
        name = data.attrs.get("long_name", data.name or "value")
        text = mathtext(f"{name}{'' if unit == '1' else f' / {unit}'}")
    finite = np.asarray(data, float).ravel()
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        raise ValueError(f"{variable or 'data'} must hold a value to draw, all are missing")
    return finite, text
