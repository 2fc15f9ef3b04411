"""A guard of what lies one member after another: a selection along members alone would leave all of it."""

from collections.abc import Mapping
from typing import Any

import xarray as xr
from xarray.indexes import Index


class RaggedIndex(Index):
    """Index of whose each entry along a ragged dimension is, and of how many each member has.

    It selects nothing. It refuses to choose members while their entries stand beside them: an index cannot
    cut another dimension, and xarray would keep the entries of all members without a word. An array, and a
    dataset without such entries, drops it, so that numbers of members are selected as ever.

    Parameters
    ----------
    dim : str
        The ragged dimension, such as "sample".
    axes : tuple of str
        Dimensions of the members, those of a sweep first.
    """

    def __init__(self, dim: str, axes: tuple[str, ...]) -> None:
        self.dim, self.axes = dim, axes

    @classmethod
    def from_variables(
        cls, variables: Mapping[Any, xr.Variable], *, options: Mapping[str, Any]
    ) -> "RaggedIndex":
        """Return the index; the option ``dim`` names the ragged dimension."""
        dim = str(options["dim"])
        return cls(dim, tuple(map(str, variables[f"{dim}_count"].dims)))

    def __repr__(self) -> str:
        names = f"['{self.dim}_member', '{self.dim}_count']"
        return f"<whose the entries along {self.dim} are; drop_indexes({names}) takes it away first>"

    def equals(self, other: Index, **options: Any) -> bool:
        """Tell whether two datasets may stand beside each other: both guard the same dimension."""
        return isinstance(other, RaggedIndex) and other.dim == self.dim

    def should_add_coord_to_array(self, name: Any, var: xr.Variable, dims: set[Any]) -> bool:
        """Tell whether an array has a coordinate: whose an entry is, but no count in every number."""
        return str(name).endswith("_member") and set(var.dims) <= set(dims)

    @classmethod
    def concat(cls, indexes: Any, dim: Any, positions: Any = None) -> "RaggedIndex":
        """Refuse to put ensembles side by side by xarray's means.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(
            f"xarray cannot put ensembles one after another along {dim}: their samples differ in number; "
            "frenkel merge joins the parts of a run"
        )

    def isel(self, indexers: Mapping[Any, Any]) -> None:
        """Let entries be chosen, which ends the guard, but no members.

        Raises
        ------
        ValueError
            Members are chosen, or points of a sweep.
        """
        if chosen := [str(dim) for dim in indexers if dim != self.dim]:
            axes = "".join(f", {axis}=..." for axis in self.axes if axis != "member")
            raise ValueError(
                f"choosing along {' and '.join(chosen)} would keep the entries along {self.dim} of every "
                f"member: data.frenkel.member(7{axes}) is one device with its own, and data['lrs'].sel(...) "
                "chooses among numbers of members"
            )


def guarded(whole: xr.Dataset) -> xr.Dataset:
    """Return an ensemble that refuses a choice of members which would leave the entries of all.

    Parameters
    ----------
    whole : xarray.Dataset
        With ``sample_member`` along ``sample`` and ``sample_count`` for each member, or none of both; so for
        every other dimension.

    Returns
    -------
    xarray.Dataset
        ``sel(member=7)`` and ``isel`` raise a ValueError that names the way; ``whole["lrs"].sel(member=7)``
        and ``whole["current"].groupby("sample_member")`` are as ever.
    """
    for dim in map(str, whole.dims):
        pair = [f"{dim}_member", f"{dim}_count"]
        if all(name in whole.variables for name in pair):
            whole = whole.set_coords(pair).set_xindex(pair, RaggedIndex, dim=dim)
    return whole
