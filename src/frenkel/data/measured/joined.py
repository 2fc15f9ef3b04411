"""Files of measurements as one: devices of one name are one device."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .schema import LAYOUT, rules_of, with_rules
from .table import TableError

if TYPE_CHECKING:
    import xarray as xr

OWNERS = [name for name, variable in LAYOUT.variables.items() if variable.index_of == "device"]
"""Variables that count devices."""


def join(parts: "Sequence[xr.Dataset]", attrs: Mapping[str, Any]) -> "xr.Dataset":
    """Return datasets in the layout of measurements as one.

    Parameters
    ----------
    parts : sequence of Dataset
    attrs : mapping
        Of the result.

    Raises
    ------
    TableError
        Two have the same cycle of a device, or loops that were read at different voltages or by other rules.
    """
    names = list(dict.fromkeys(str(name) for part in parts for name in part["device"].values))
    places = [np.array([names.index(str(name)) for name in part["device"].values]) for part in parts]
    columns: dict[str, Any] = {"device": names}
    for name in dict.fromkeys(str(key) for part in parts for key in part.variables if key != "device"):
        parts_with_name = [
            (part, at) for part, at in zip(parts, places, strict=True) if name in part.variables
        ]
        dims = parts_with_name[0][0][name].dims
        if dims == ("device", "cycle"):
            columns[name] = _cells(name, parts_with_name, parts, len(names))
        elif dims == ("cycle",):
            columns[name] = _cycles(parts)
        elif dims == ("device",):
            column = np.full(len(names), np.nan)
            for part, at in parts_with_name:
                own = part[name].values
                column[at] = np.where(np.isfinite(own), own, column[at])
            columns[name] = column
        elif dims == ():
            values = np.unique([float(part[name]) for part, _ in parts_with_name])  # NaN is NaN
            if len(values) > 1:
                units = parts_with_name[0][0][name].attrs["units"]
                raise TableError(
                    f"{name} of files that are joined must be one, got {values.tolist()} {units}: read them "
                    "again"
                )
            columns[name] = float(values[0])
        else:
            columns[name] = _rows(name, str(dims[0]), parts, places)
    return with_rules(LAYOUT.dataset(columns, attrs), _rules(parts))


def _rules(parts: "Sequence[xr.Dataset]") -> dict[str, str]:
    """Return the rules by which the parts read switching voltages; those of other tables have none."""
    found: dict[str, str] = {}
    for part in parts:
        for name, rule in rules_of(part).items():
            if found.setdefault(name, rule) != rule:
                raise TableError(
                    f"{name} of files that are joined must be read by one rule, got {found[name]!r} and "
                    f"{rule!r}: read them again"
                )
    return found


def _cycles(parts: "Sequence[xr.Dataset]") -> "np.ndarray[Any, Any]":
    return np.unique(np.concatenate([part["cycle"].values for part in parts if "cycle" in part.variables]))


def _cells(
    name: str, there: "Sequence[tuple[xr.Dataset, Any]]", parts: "Sequence[xr.Dataset]", devices: int
) -> "np.ndarray[Any, Any]":
    """Return a number of each device and cycle."""
    cycles = _cycles(parts)
    values = np.full((devices, len(cycles)), np.nan)
    for part, at in there:
        cells = np.ix_(at, np.searchsorted(cycles, part["cycle"].values))
        own = part[name].values
        if np.any(np.isfinite(values[cells]) & np.isfinite(own)):
            raise TableError(
                f"files that are joined must not hold {name} of the same cycle of a device twice"
            )
        values[cells] = np.where(np.isfinite(own), own, values[cells])
    return values


def _rows(
    name: str, dim: str, parts: "Sequence[xr.Dataset]", places: "Sequence[Any]"
) -> "np.ndarray[Any, Any]":
    """Return rows of the parts below each other; NaN where a part has the dimension and not the variable."""
    columns = []
    for part, at in zip(parts, places, strict=True):
        if name in part.variables:
            values = part[name].values
            columns.append(at[values] if name in OWNERS else values)
        elif dim in part.dims:
            columns.append(np.full(part.sizes[dim], np.nan))
    return np.concatenate(columns)
