"""Names along the dimensions of a result, so that a phase or a snapshot is selected by what it is called."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr
from xarray.indexes import PandasIndex

from ..validation import suggest

MOST_SHOWN = 8
"""Phases that an error lists."""


class PhaseIndex(PandasIndex):
    """Index of the phase of each sample: a number, selected by that or by the name of the phase.

    It holds the numbers that a file holds, so that what is opened is saved again as it was.
    """

    names: tuple[str, ...] = ()

    @classmethod
    def from_variables(
        cls, variables: Mapping[Any, xr.Variable], *, options: Mapping[str, Any]
    ) -> "PhaseIndex":
        """Return the index of one variable of numbers; the option ``names`` has the name of each."""
        pandas_index = PandasIndex.from_variables(variables, options={})
        index = cls(pandas_index.index, pandas_index.dim, pandas_index.coord_dtype)
        index.names = tuple(options["names"])
        return index

    def _replace(self, index: Any, dim: Any = None, coord_dtype: Any = None) -> "PhaseIndex":
        replaced = PhaseIndex(index, self.dim if dim is None else dim, coord_dtype or self.coord_dtype)
        replaced.names = self.names
        return replaced

    def sel(self, labels: dict[Any, Any], method: Any = None, tolerance: Any = None) -> Any:
        """Return where the samples of a phase are, by its number or its name.

        Raises
        ------
        KeyError
            There is no phase of this name, or there are several.
        """
        ((coordinate, label),) = labels.items()
        if isinstance(label, str):
            label = named(label, self.names)
        return super().sel({coordinate: label}, method, tolerance)


def named(label: str, names: Sequence[str]) -> int:
    """Return the number of the phase that has a name, or that alone begins with it, as "set 1" with "set".

    Raises
    ------
    KeyError
        There is none, or there are several.
    """
    matching_phases = [k for k, name in enumerate(names) if name == label]
    matching_phases = matching_phases or [k for k, name in enumerate(names) if name.startswith(f"{label} ")]
    if not matching_phases:
        raise KeyError(f"no phase {label!r}{suggest(label, names)}")
    if len(matching_phases) > 1:
        listing = ", ".join(f"{names[k]} (number {k})" for k in matching_phases[:MOST_SHOWN])
        raise KeyError(
            f"{len(matching_phases)} phases are {label!r}: {listing}; name one, or give its number"
        )
    return matching_phases[0]


def indexed(result: xr.Dataset) -> xr.Dataset:
    """Return the result of a device with names along its dimensions.

    Parameters
    ----------
    result : xarray.Dataset
        With the layout of :mod:`.schema`.

    Returns
    -------
    xarray.Dataset
        ``sel(phase="set 1")`` gives the samples of a phase, ``sel(phases="set 1")`` its numbers, and
        ``sel(snapshot="set 1: end")`` a snapshot; everything else is as it was.

    Examples
    --------
    >>> loop = indexed(result).sel(phase="set 1")  # doctest: +SKIP
    >>> loop.plot.scatter("source_voltage", "current")  # doctest: +SKIP
    """
    names = [str(name) for name in result["phase_name"].values]
    labels = [str(label) for label in result["snapshot_label"].values]
    if "phase" not in result.xindexes:
        result = result.set_xindex("phase", PhaseIndex, names=names)
    return result.assign_coords(
        phases=("phases", names, {"long_name": "name of the phase"}),
        snapshot=("snapshot", labels, {"long_name": "label of the snapshot"}),
    )
