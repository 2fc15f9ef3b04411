"""Results as arrays with names: what writes a result, draws it and tells about it needs no xarray."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr


class ResultTable(Protocol):
    """A result to read from: a dataset of xarray, or :class:`ResultArrays`."""

    @property
    def attrs(self) -> Mapping[Any, Any]:
        """Attributes of the whole."""

    @property
    def sizes(self) -> Mapping[Any, int]:
        """Length of each dimension."""

    @property
    def variables(self) -> Mapping[Any, Any]:
        """Arrays by their names, coordinates among them."""

    def __getitem__(self, name: str, /) -> Any:
        """Return a variable, with ``values``, ``dims``, ``dtype`` and ``attrs``."""

    def __contains__(self, name: object, /) -> bool:
        """Tell whether there is a variable of this name."""


@dataclass(frozen=True, slots=True)
class ResultArray:
    """One variable.

    Parameters
    ----------
    dims : tuple of str
    values : ndarray
    attrs : dict
        Unit, name and further attributes.
    """

    dims: tuple[str, ...]
    values: NDArray[Any]
    attrs: dict[str, Any] = field(default_factory=dict)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.values.dtype

    def __float__(self) -> float:
        return float(self.values)


class ResultArrays:
    """Variables of a result.

    Parameters
    ----------
    variables : mapping of str to ResultArray
    coordinates : collection of str
        Names of those that are coordinates.
    attrs : mapping
        Attributes of the whole.

    Raises
    ------
    ValueError
        Two variables have different lengths along one dimension.
    """

    def __init__(
        self, variables: Mapping[str, ResultArray], coordinates: Collection[str], attrs: Mapping[str, Any]
    ) -> None:
        self.variables, self.attrs = dict(variables), dict(attrs)
        self.coordinates = frozenset(coordinates)
        self.sizes: dict[str, int] = {}
        for name, column in self.variables.items():
            for dim, size in zip(column.dims, column.values.shape, strict=True):
                if (known := self.sizes.setdefault(dim, size)) != size:
                    raise ValueError(f"{name} has {size} entries along {dim}, others have {known}")

    @classmethod
    def of(cls, dataset: "xr.Dataset") -> "ResultArrays":
        """Return the variables of a dataset, read into memory."""
        variables = {
            str(name): ResultArray(tuple(map(str, array.dims)), np.asarray(array.values), dict(array.attrs))
            for name, array in dataset.variables.items()
        }
        return cls(variables, [str(name) for name in dataset.coords], dataset.attrs)

    def __getitem__(self, name: str) -> ResultArray:
        return self.variables[name]

    def __contains__(self, name: object) -> bool:
        return name in self.variables

    def dataset(self) -> "xr.Dataset":
        """Return the same as a dataset."""
        import xarray as xr  # xarray, which only whoever computes with a result needs

        data: dict[str, Any] = {}
        coordinates: dict[str, Any] = {}
        for name, column in self.variables.items():
            target = coordinates if name in self.coordinates else data
            target[name] = (column.dims, column.values, column.attrs)
        return xr.Dataset(data, coordinates, self.attrs)

    def named_coordinates(self) -> tuple[dict[str, str], str]:
        """Return the coordinates of each variable and those of none, as CF names them: "phase time".

        Only coordinates that are no dimensions need to be named.
        """
        named = {name for name in self.coordinates if (name,) != self.variables[name].dims}
        of_each = {}
        for name, column in self.variables.items():
            if name not in self.coordinates:
                own = [other for other in named if set(self.variables[other].dims) <= set(column.dims)]
                of_each[name] = " ".join(sorted(own))
        written = set(" ".join(of_each.values()).split())
        return of_each, " ".join(sorted(named - written))
