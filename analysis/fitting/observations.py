"""What every cycle of every device measured: the table from which a statistical model is fitted.

From an ensemble of the kinetic devices (xarray) or a user's file (netCDF or CSV). Missing and censored values
stay NaN; a resistance without current (infinite) counts as such.
"""

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ... import checks
from ...cells.law import Feature
from ...data import store
from ...data.measured.quantities import unit_of
from ...data.measured.reading import first_line, read_table
from ...typing import Floats, Index

if TYPE_CHECKING:
    import xarray as xr

FEATURES = ("hrs", "lrs", "set_voltage", "reset_voltage")
"""Features that are looked for when none are named."""

PROGRAMMED = "programmed"
"""Resistance of devices of which reads alone are known."""

DEVICE_DIMS = ("device", "member")
FINISHED = 0
"""Status of a member that was run to its end: the flag "ok" in the file of an ensemble."""

RESOLUTION = {"log": 0.02, "linear": 1e-3}
"""Differences in ln, as in the jump-process model, and in V below which values are the same. Chosen."""

REPEATS = 0.1
"""Of the resolution: a spread below which a device shows one value."""

ON_LEVEL = 20
"""Values to each level, in the mean, from which on a feature stands on levels."""

FEW = 10
"""Values of a device below which it says nothing of its spread."""

DIGITS = 6
"""Significant digits of what goes into a card."""

LOGARITHMIC = ("ohm", "S", "A", "s", "Hz", "1/s")
"""Units of quantities that are positive and spread over decades."""


class ObservationError(ValueError):
    """A table of cycles cannot be read or is not enough to fit."""


@dataclass(frozen=True, slots=True)
class Observations:
    """Numbers per device and cycle.

    Parameters
    ----------
    features : tuple of Feature
        Names, units, transforms and signs (their quantiles are empty).
    values : ndarray
        (devices, cycles, features), in transformed space; NaN: missing.
    origin : str
        Where they come from.
    """

    features: tuple[Feature, ...]
    values: Floats
    origin: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(feature.name for feature in self.features)

    def take(self, devices: ArrayLike) -> "Observations":
        """Return some devices, by their indices."""
        return Observations(self.features, self.values[np.asarray(devices)], self.origin)

    def split(self, fraction: float, seed: int) -> tuple["Observations", "Observations"]:
        """Return two parts that share no device; the first has ``fraction`` of them."""
        first, second = parts(len(self.values), fraction, seed)
        return self.take(first), self.take(second)


def parts(number: int, fraction: float, seed: int) -> tuple[Index, Index]:
    """Return the indices of two parts of so many devices; the first has ``fraction`` of them."""
    checks.inside("fraction", fraction, 0, 1)
    order = np.random.default_rng(seed).permutation(number)
    first = round(fraction * number)
    return np.sort(order[:first]), np.sort(order[first:])


def dithered(found: Observations, seed: int, *, fitted: bool = True) -> tuple[Observations, dict[str, int]]:
    """Return observations in which no device repeats one value, and how many did of each feature.

    A device of a few atoms may come back to the same arrangement in every cycle. It has no spread, and ln of
    none cannot be fitted: its values get a normal error of :data:`RESOLUTION`. Where a law is ``fitted`` to
    them it is that of the least spread among the others if that is more, since one far below all others would
    widen the law of spreads both ways; devices that judge keep theirs, and tell what that law misses.
    A feature that is one value in all devices is left alone, and so are devices of fewer than :data:`FEW`
    values.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a device without any value
        spread = np.nanstd(found.values, axis=1)
        over_all = np.nanstd(found.values, axis=(0, 1))
    least = np.array([RESOLUTION[feature.transform] for feature in found.features])
    one_value = spread < REPEATS * least
    is_stuck = one_value & (np.isfinite(found.values).sum(axis=1) >= FEW) & (over_all >= REPEATS * least)
    if not is_stuck.any():
        return found, {}
    others = np.where(one_value | ~(spread > 0.0), np.inf, spread).min(axis=0)
    width = np.where(np.isfinite(others) & fitted, np.maximum(least, others), least)
    noise = np.random.default_rng([seed, 11]).normal(0.0, width, found.values.shape)
    values = np.where(is_stuck[:, None], found.values + noise, found.values)
    count = {name: int(n) for name, n in zip(found.names, is_stuck.sum(axis=0), strict=True) if n}
    return replace(found, values=values), count


def levels_of(found: Observations) -> dict[str, int]:
    """Return which features stand on levels, and on how many.

    States of a few atoms have one conductance in every device, an empty two-dimensional sheet a single one.
    A feature stands on levels where all its values lie within a tenth of :data:`RESOLUTION` of that of
    others, with gaps between, :data:`ON_LEVEL` to a level in the mean.
    """
    count = {}
    for i, feature in enumerate(found.features):
        tolerance = REPEATS * RESOLUTION[feature.transform]
        values = np.sort(found.values[:, :, i][np.isfinite(found.values[:, :, i])])
        begin = np.flatnonzero(np.diff(values, prepend=-np.inf) > tolerance)
        width = values[np.append(begin[1:], len(values)) - 1] - values[begin]
        if len(values) >= ON_LEVEL * len(begin) and np.all(width <= tolerance):
            count[feature.name] = len(begin)
    return count


def read_within_steps(found: Observations, steps: Mapping[str, float], seed: int) -> Observations:
    """Return observations whose voltages lie anywhere within half a step (V) of what was read.

    A voltage at a sample of a ramp, or half-way between two, is known to the distance of samples.
    """
    width = np.array([steps.get(name, 0.0) for name in found.names])
    even = np.random.default_rng([seed, 13]).uniform(-0.5, 0.5, found.values.shape)
    return replace(found, values=found.values + width * even)


def read_with_error(found: Observations, names: Iterable[str], seed: int) -> Observations:
    """Return observations whose features of these names have a normal error of :data:`RESOLUTION`."""
    least = np.array([RESOLUTION[feature.transform] for feature in found.features])
    noise = np.random.default_rng([seed, 12]).normal(0.0, least, found.values.shape)
    shared = np.isin(found.names, list(names))
    return replace(found, values=np.where(shared, found.values + noise, found.values))


def build(
    names: Sequence[str], units: Sequence[str], values: ArrayLike, origin: str = "the table"
) -> Observations:
    """Return observations from numbers in their units.

    Parameters
    ----------
    names, units : sequence of str
        Of the features.
    values : array_like
        (devices, cycles, features); NaN or infinite: missing.

    Raises
    ------
    ObservationError
        A unit is missing, a feature has no value at all or takes both signs though its unit asks for a
        logarithm, or there is no device or cycle.
    """
    table = np.asarray(values, float)
    if table.ndim != 3 or 0 in table.shape or table.shape[2] != len(names):
        raise ObservationError(
            f"values must be devices x cycles x {len(names)} features, got shape {table.shape}"
        )
    features, columns = [], []
    for i, (name, unit) in enumerate(zip(names, units, strict=True)):
        column = table[:, :, i]
        finite = column[np.isfinite(column)]
        if not unit:
            raise ObservationError(f'{name} has no units in {origin}; write "1" for a pure number')
        # Both go into cards, and from there into other programs.
        checks.key(f"the name of a feature of {origin}", name, ObservationError)
        checks.line(f"the units of {name} in {origin}", unit, error=ObservationError)
        if not finite.size:
            raise ObservationError(
                f"{name} has no value in any cycle of {origin}: all are missing or censored"
            )
        sign = -1 if np.median(finite) < 0 else 1
        transform = "log" if unit in LOGARITHMIC else "linear"
        if transform == "log" and np.any(sign * finite <= 0):
            raise ObservationError(
                f"{name} in {unit} must be on one side of 0, got {finite.min():g} to {finite.max():g} {unit}"
            )
        missing = 1.0 - finite.size / column.size
        features.append(Feature(name, unit, transform, (), sign, missing))
        columns.append(features[-1].forward(np.where(np.isfinite(column), column, np.nan)))
    return Observations(tuple(features), np.stack(columns, axis=2), origin)


def from_dataset(
    data: "xr.Dataset", names: Sequence[str] | None = None, origin: str = "the dataset"
) -> Observations:
    """Return observations from a dataset with a dimension of devices (or members) and one of cycles.

    Members of an ensemble that failed or were not run are left out.

    Parameters
    ----------
    data : xarray.Dataset
        Variables over (device or member, cycle), each with an attribute ``units``; ``status`` of the members.
    names : sequence of str, optional
        Features to take; default: those of :data:`FEATURES` that have a value.
    """
    device = next((dim for dim in DEVICE_DIMS if dim in data.dims), None)
    if device is None or "cycle" not in data.dims:
        dimensions = ", ".join(map(str, data.dims))
        raise ObservationError(
            f"{origin} needs the dimensions device (or member) and cycle, it has {dimensions}"
        )
    known = [name for name in (*FEATURES, PROGRAMMED) if name in data]
    chosen = tuple(names) if names else tuple(n for n in known if np.isfinite(data[n].values).any())
    chosen = chosen or tuple(known)
    if not chosen:
        raise ObservationError(f"{origin} has none of {', '.join(FEATURES)}; name the features to take")
    for name in chosen:
        if name not in data or set(data[name].dims) != {device, "cycle"}:
            raise ObservationError(f"{origin} has no {name} over {device} and cycle")
    finished = np.arange(data.sizes[device])
    if "status" in data and data["status"].dims == (device,):
        finished = np.flatnonzero(data["status"].values == FINISHED)
        if not finished.size:
            raise ObservationError(f"{origin} has no member that was run to its end")
    # Chosen in each variable alone: what an ensemble keeps beside them along others does not follow.
    columns = [data[name].transpose(device, "cycle").values[finished] for name in chosen]
    units = [str(data[name].attrs.get("units", "")) for name in chosen]
    return build(chosen, units, np.stack(columns, axis=2), origin)


def set_positive(found: Observations) -> Observations:
    """Return observations whose voltages of SET are positive, turned where devices SET at the other polarity.

    Rate equations and circuits of cards count the polarity of SET as positive.
    """
    signs = {feature.name: feature.sign for feature in found.features}
    if (signs.get("set_voltage"), signs.get("reset_voltage")) != (-1, 1):
        return found
    turned = ("set_voltage", "reset_voltage", "forming_voltage")
    features = [replace(f, sign=-f.sign) if f.name in turned else f for f in found.features]
    return replace(found, features=tuple(features))


def is_text_of_cycles(path: str | Path) -> bool:
    """Tell whether a file is a text for :func:`from_csv`: device and cycle first, names in small letters."""
    if store.form_of(path) != "csv":
        return False
    headers = [match[1] for part in re.split("[,;\t]", first_line(path)) if (match := _HEADER.match(part))]
    return headers[:2] == ["device", "cycle"] and all(name == name.casefold() for name in headers)


def from_csv(path: str | Path, chosen: Sequence[str] | None = None) -> Observations:
    """Return observations from a table of text.

    The columns are ``device``, ``cycle`` and features with their units, such as ``hrs (ohm)`` or
    ``gap [nm]``; units that are known become those of SI. An empty field is a missing value. Rows that are
    not there are missing cycles.

    Parameters
    ----------
    path : str or Path
    chosen : sequence of str, optional
        Features to take; default: all.

    Raises
    ------
    ValueError
        A feature that the table does not have. Columns are others, a field is no number, a cycle is no whole
        number, or one of a device stands twice.
    """
    table = read_table(path)
    parts = [match.groups() if (match := _HEADER.match(header)) else (header, "") for header in table.headers]
    names, units = [name for name, _ in parts], [unit or "" for _, unit in parts]
    if names[:2] != ["device", "cycle"] or len(names) < 3:
        raise ObservationError(
            f"{path} must begin with the columns device, cycle and then those of features, such as hrs (ohm)"
        )
    lacking = [name for name in chosen or () if name not in names[2:]]
    if lacking:
        raise ObservationError(f"{path} has no {' and no '.join(lacking)}; it has {', '.join(names[2:])}")
    columns = []
    for place in range(2, len(names)):
        si_unit, factor, offset = unit_of(units[place]) or (units[place], 1.0, 0.0)
        units[place] = si_unit
        columns.append(table.numbers(place) * factor + offset)
    devices, row = np.unique(table.texts(0), return_inverse=True)
    number = table.numbers(1)
    for wrong in np.flatnonzero(~(np.isfinite(number) & (number == np.round(number))))[:1]:
        text = table.texts(1)[wrong]
        raise ObservationError(
            f"line {table.lines[wrong]} of {path} must have a whole number as cycle, got {text!r}"
        )
    cycles, turn = np.unique(number, return_inverse=True)
    values = np.full((devices.size, cycles.size, len(columns)), np.nan)
    places = row * cycles.size + turn
    _, first = np.unique(places, return_index=True)
    if len(first) < len(places):
        repeated = int(np.setdiff1d(np.arange(len(places)), first)[0])
        raise ObservationError(
            f"line {table.lines[repeated]} of {path} has cycle {cycles[turn[repeated]]:g} of device "
            f"{devices[row[repeated]]} once more"
        )
    values[row, turn] = np.stack(columns, axis=1)
    taken = [names.index(name) - 2 for name in chosen] if chosen else range(len(columns))
    names, units = [names[2 + k] for k in taken], [units[2 + k] for k in taken]
    return build(names, units, values[..., list(taken)], str(path))


_HEADER = re.compile(r"^\s*(.*?)\s*(?:[(\[]\s*([^()\[\]]*?)\s*[)\]])?\s*$")
"""A name and its unit in brackets; to `quantities.parted` a / begins a unit, while on/off is a name here."""


def entries(data: "xr.Dataset", dim: str, members: Index) -> Index:
    """Return the places along a ragged dimension of what belongs to members, by their places."""
    owner = np.repeat(np.arange(data.sizes["member"]), data[f"{dim}_count"].values)
    return np.flatnonzero(np.isin(owner, members))


def rounded(values: Floats) -> Floats:
    """Return numbers with :data:`DIGITS` significant digits."""
    with np.errstate(divide="ignore"):
        size = np.where(values == 0.0, 0.0, np.floor(np.log10(np.abs(values))))
    scale = 10.0 ** (DIGITS - 1 - size)
    return np.asarray(np.round(values * scale) / scale)
