"""Picture of a current-voltage-temperature table, and which conduction law carries the current where."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ...escape import mathtext
from ...typing import Floats
from ...units import BOLTZMANN_EV
from .colours import SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


STEEPEST = 20.0
"""Local slope at which the axes of slopes end."""


def tabulate(
    current: Mapping[str, ArrayLike] | ArrayLike,
    voltage: ArrayLike,
    temperature: ArrayLike,
    *,
    limit: Mapping[str, float] | None = None,
    contribution: Mapping[str, ArrayLike] | None = None,
    title: str = "",
) -> xr.Dataset:
    """Return a table that :func:`draw_conduction` draws.

    Parameters
    ----------
    current : array_like of shape (n_temperatures, n_voltages), or a mapping of law names to such
        Current (A), measured or of each law; without ``contribution`` they are added up as if they stood
        side by side. Where laws beyond their ``limit`` would carry more than a tenth the total is not
        known: nan, and not drawn.
    voltage : array_like of shape (n_voltages,)
        Voltage (V), ascending, at least three of one sign.
    temperature : array_like of shape (n_temperatures,)
        Temperature (K), ascending.
    limit : mapping of str to float, optional
        Magnitude of the voltage (V) up to which a law is valid; its lines end there.
    contribution : mapping of law names to array_like of shape (n_temperatures, n_voltages), optional
        What each law contributes to the total (A), where some of them stand in series.
    title : str, optional
        Headline of the picture.

    Returns
    -------
    xarray.Dataset
        ``current`` (A) and, of laws, ``law_current``, ``contribution`` (A) and ``limit`` (V).

    Raises
    ------
    ValueError
        If shapes do not fit, or too few voltages have one sign.
    """
    v, t = (np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (voltage, temperature))
    if np.any(np.diff(v) <= 0) or np.any(np.diff(t) <= 0):
        raise ValueError("voltage (V) and temperature (K) must ascend")
    if max(np.count_nonzero(v > 0), np.count_nonzero(v < 0)) < 3:
        raise ValueError(f"voltage must have at least three values of one sign, got {len(v)} values in all")
    coordinates: dict[str, object] = {
        "voltage": ("voltage", v, {"units": "V"}),
        "temperature": ("temperature", t, {"units": "K"}),
    }
    variables: dict[str, object] = {}
    if isinstance(current, Mapping):
        parts = np.array([np.asarray(part, dtype=np.float64) for part in current.values()])
        coordinates["law"] = ("law", list(current))
        variables["law_current"] = (("law", "temperature", "voltage"), parts, {"units": "A"})
        ends = [(limit or {}).get(name, np.inf) for name in current]
        variables["limit"] = ("law", np.array(ends), {"units": "V"})
        contributions = parts if contribution is None else np.array([contribution[name] for name in current])
        variables["contribution"] = (("law", "temperature", "voltage"), contributions, {"units": "A"})
        total = contributions.sum(axis=0)
        out_of_range = np.abs(np.where(np.abs(v) > np.array(ends)[:, None, None], contributions, 0.0)).sum(
            axis=0
        )
        total = np.where(out_of_range > 0.1 * np.abs(contributions).sum(axis=0), np.nan, total)
    else:
        total = np.asarray(current, dtype=np.float64)
    if total.shape != (len(t), len(v)):
        raise ValueError(f"current must have shape ({len(t)}, {len(v)}), got {total.shape}")
    variables["current"] = (("temperature", "voltage"), total, {"units": "A"})
    return xr.Dataset(variables, coordinates, {"title": title})


def shares(dataset: xr.Dataset) -> xr.DataArray:
    """Return the fraction of each law in the current, 0 to 1; dimensions law, temperature, voltage."""
    magnitude: xr.DataArray = abs(dataset["contribution"])
    share: xr.DataArray = magnitude / magnitude.sum("law")
    return share


def local_slopes(voltage: ArrayLike, current: ArrayLike) -> tuple[Floats, Floats]:
    """Return d ln|I| / d ln|V| and d ln|I| / d sqrt|V| (V^-1/2) at each voltage.

    The first is 1 for an ohmic law and 2 for space charge; the second is constant for Poole-Frenkel and
    Schottky emission at high field.

    Parameters
    ----------
    voltage : array_like of shape (n,)
        Voltages of one sign (V), n at least 3.
    current : array_like of shape (n,)
        Currents (A).
    """
    v, logarithm = np.abs(np.asarray(voltage, dtype=np.float64)), np.log(np.abs(current))
    power = np.gradient(logarithm, np.log(v))
    return power, power / (0.5 * np.sqrt(v))


def draw_conduction(dataset: xr.Dataset) -> "Figure":
    """Draw ln|I| against V, sqrt(V) and 1/T, the local slopes, and a strip of the law that dominates.

    Parameters
    ----------
    dataset : xarray.Dataset
        As :func:`tabulate` makes it. Without ``law_current``, as of a measurement, the strip is left out.
        Voltages of the sign that has more of them are drawn.

    Returns
    -------
    matplotlib Figure
        Five or six axes; save it with ``figure.savefig``.
    """
    from matplotlib.figure import Figure as NewFigure  # matplotlib, which only drawing needs

    table = _one_sign(dataset)
    page = NewFigure(figsize=(13.2, 8.4))
    upper = page.add_gridspec(1, 3, left=0.06, right=0.985, top=0.9, bottom=0.53, wspace=0.22)
    lower = page.add_gridspec(1, 3, left=0.06, right=0.985, top=0.42, bottom=0.13, wspace=0.22)
    title = dataset.attrs.get("title") or "conduction"
    page.suptitle(mathtext(title), x=0.06, ha="left", fontsize=13, fontweight="bold")
    _against_voltage(table, page.add_subplot(upper[0]), root=False)
    _against_voltage(table, page.add_subplot(upper[1]), root=True)
    _against_temperature(table, page.add_subplot(upper[2]))
    _slopes(table, page.add_subplot(lower[0]), root=False)
    _slopes(table, page.add_subplot(lower[1]), root=True)
    if "law_current" in table:
        _strip(table, page.add_subplot(lower[2]))
    return page


def _one_sign(dataset: xr.Dataset) -> xr.Dataset:
    """Return the half of the table whose sign has more voltages, with magnitudes, ascending."""
    v = dataset["voltage"].values
    positive = np.count_nonzero(v > 0) >= np.count_nonzero(v < 0)
    one_sign = dataset.isel(voltage=np.flatnonzero(v > 0) if positive else np.flatnonzero(v < 0)[::-1])
    magnitude: xr.Dataset = one_sign.map(abs).assign_coords(voltage=np.abs(one_sign["voltage"].values))
    return magnitude


def _colours(table: xr.Dataset) -> dict[str, str]:
    names = [str(name) for name in table["law"].values] if "law" in table.coords else []
    return {name: SERIES[index % len(SERIES)] for index, name in enumerate(names)}


def _middle(table: xr.Dataset) -> int:
    return int(table.sizes["temperature"] // 2)


def _against_voltage(table: xr.Dataset, axes: "Axes", *, root: bool) -> None:
    """Draw every temperature against V or sqrt(V), and the laws at the middle one."""
    v = table["voltage"].values
    abscissa = np.sqrt(v) if root else v
    number = table.sizes["temperature"]
    for index, kelvin in enumerate(table["temperature"].values):
        shade = str(0.65 * (1 - (index + 1) / number))
        total = _log(table["current"].values[index])
        axes.plot(abscissa, total, color=shade, linewidth=1.3, label=f"{kelvin:g} K")
    for name, colour in _colours(table).items():
        valid = v <= table["limit"].sel(law=name).item()
        of_law = table["law_current"].sel(law=name).values[_middle(table)]
        text = mathtext(name)
        axes.plot(
            abscissa[valid], _log(of_law[valid]), color=colour, linewidth=1.0, linestyle="--", label=text
        )
    _frame(table, axes)
    axes.set_xlabel("sqrt(voltage / V)" if root else "voltage / V")
    axes.set_ylabel("ln(|current| / A)")
    if not root:
        middle = table["temperature"].values[_middle(table)]
        axes.set_title(f"total (grey: temperature) and laws at {middle:g} K", loc="left", fontsize=10)
        axes.legend(fontsize=7.5, framealpha=0.9, loc="lower right")
    else:
        axes.set_title("straight: Poole-Frenkel or Schottky emission", loc="left", fontsize=10)


def _against_temperature(table: xr.Dataset, axes: "Axes") -> None:
    """Draw Arrhenius lines at five voltages, each named by its apparent activation energy."""
    kelvin, v = table["temperature"].values, table["voltage"].values
    positive = np.flatnonzero(np.all(table["current"].values > 0, axis=0))
    picked = positive[np.unique(np.linspace(0, len(positive) - 1, min(5, len(positive))).astype(int))]
    for index in picked:
        shade = str(0.65 * (1 - (index + 1) / len(v)))
        values = _log(table["current"].values[:, index])
        name = f"{v[index]:.3g} V"
        if len(kelvin) > 1:
            energy = -np.polyfit(1 / (BOLTZMANN_EV * kelvin), values, 1)[0]
            name += f": {energy:.3f} eV"
        axes.plot(1000 / kelvin, values, "o-", markersize=3, color=shade, linewidth=1.2, label=mathtext(name))
    axes.set_xlabel("1000 K / temperature")
    axes.set_title("slope: apparent activation energy", loc="left", fontsize=10)
    if len(picked):
        axes.legend(fontsize=7.5, framealpha=0.9)
    axes.grid(True, color="0.93", linewidth=0.7)


def _slopes(table: xr.Dataset, axes: "Axes", *, root: bool) -> None:
    """Draw a local slope of the total and of the laws at the middle temperature."""
    v, at = table["voltage"].values, _middle(table)
    axes.plot(v, local_slopes(v, table["current"].values[at])[root], color="black", linewidth=1.6)
    for name, colour in _colours(table).items():
        of_law = table["law_current"].sel(law=name).values[at]
        valid = (v <= table["limit"].sel(law=name).item()) & (of_law > 0)
        if np.count_nonzero(valid) > 2:
            slope = local_slopes(v[valid], of_law[valid])[root]
            axes.plot(v[valid], slope, color=colour, linewidth=1.0, linestyle="--")
    axes.set_ylim(0, STEEPEST)  # the filling of traps is steeper than any scale that shows the rest
    if not root:
        for height, name in ((1, "ohmic"), (2, "space charge")):
            axes.axhline(height, color="0.75", linewidth=0.8)
            axes.annotate(name, (0.99, height), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                          fontsize=7.5, color="0.45")  # fmt: skip
    axes.set_xlabel("voltage / V")
    axes.set_title("d ln I / d sqrt V (V$^{-1/2}$)" if root else "d ln I / d ln V", loc="left", fontsize=10)
    axes.grid(True, color="0.93", linewidth=0.7)


def _strip(table: xr.Dataset, axes: "Axes") -> None:
    """Paint the law with the largest share at each voltage and temperature, paler the smaller the share.

    White where the total is not known.
    """
    from matplotlib.colors import to_rgb  # matplotlib

    part = shares(table)
    first = part.argmax("law").values
    palette = np.array([to_rgb(colour) for colour in _colours(table).values()])
    strength = part.max("law").values[..., None]
    finite = np.isfinite(table["current"].values)
    axes.pcolormesh(
        _edges(table["voltage"].values),
        np.arange(table.sizes["temperature"] + 1),
        np.where(finite[..., None], 1 - strength * (1 - palette[first]), 1.0),
    )
    axes.set_yticks(np.arange(table.sizes["temperature"]) + 0.5)
    axes.set_yticklabels([f"{kelvin:g}" for kelvin in table["temperature"].values], fontsize=8)
    for number, (name, colour) in enumerate(_colours(table).items()):
        if np.any(finite & (first == number)):
            axes.plot([], [], "s", color=colour, label=mathtext(name))
    axes.legend(fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3, frameon=False)
    axes.set_title("law that carries most, against V and T / K", loc="left", fontsize=10)


def _edges(v: Floats) -> Floats:
    middle = 0.5 * (v[1:] + v[:-1])
    return np.concatenate([[1.5 * v[0] - 0.5 * v[1]], middle, [1.5 * v[-1] - 0.5 * v[-2]]])


def _log(current: Floats) -> Floats:
    """Return ln|I|; what is zero (a law that has frozen out) is not drawn."""
    logarithm: Floats = np.log(np.where(current > 0, current, np.nan))
    return logarithm


def _frame(table: xr.Dataset, axes: "Axes") -> None:
    """Show the total with room below for the laws that matter."""
    log_current = _log(table["current"].values)
    low, high = np.nanmin(log_current), np.nanmax(log_current)
    axes.set_ylim(low - 0.15 * (high - low) - 1, high + 0.05 * (high - low) + 0.5)
    axes.grid(True, color="0.93", linewidth=0.7)
