"""Layouts of files of results: a table of variables, and datasets built from it and checked against it.

A table is a TOML file of rows ``name = [kind, dimensions, unit, what it is, {what else}]``: the kind is
``float``, ``whole`` or ``text``, dimensions have spaces between them, and what else holds other fields of
:class:`Variable`.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import of_earlier
from .columns import ResultArray, ResultArrays, ResultTable

if TYPE_CHECKING:  # the processes of an ensemble read the names here, and are spared the import
    import xarray as xr

SCHEMA_VERSION = 1
CONVENTIONS = "CF-1.11"

RULE = "rule"
"""Attribute of switching voltages: the name of the rule by which they were read."""

TERMINAL = "_terminal"
"""What the names of resistances at the terminals end in."""

KINDS = {"float": "f", "whole": "i", "text": "U"}
"""numpy's letters of the kinds of values."""

NAMES = {"f": "floats", "i": "integers", "U": "text"}
ALIKE = {"u": "i", "O": "U", "T": "U"}

TEXTS = (
    "title",
    "source",
    "history",
    "provenance",
    "material",
    "material_hash",
    "family",
    "lateral",
    "periphery",
)
"""Attributes that are text where a result has them."""

NUMBERS = (
    "melting_point",
    "time_above_melting",
    "share_above_melting",
    "event_temperature_max",
    "event_temperature_duration",
)
"""Attributes that are one real number where a result has them."""


class SchemaError(ValueError):
    """A dataset does not have the layout that it should have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What a variable of a result is.

    Parameters
    ----------
    dims : tuple of str
        Its dimensions, in order; () for a scalar.
    kind : str
        numpy dtype kind: "f" float, "i" integer, "U" text.
    units : str
        UDUNITS text; "1" for a pure number, "" for text.
    long_name : str
        What it is, for labels.
    optional : bool
        Whether a valid dataset may lack it.
    nan : bool
        Whether NaN has a meaning in it (given in ``comment``).
    least : float or None
        Smallest allowed value, inclusive.
    coordinate : bool
        Whether it is a coordinate rather than a data variable.
    ascends : bool
        Whether no value may be smaller than the one before.
    index_of : str
        Dimension that its values are indices along; "": none.
    sizes_of : str
        Dimension that is cut into pieces of these sizes (CF contiguous ragged array); "": none.
    flags : tuple of str
        Meanings of 0, 1, ...
    comment : str
        One sentence more, where the long name is not enough.
    rule : str
        Name of the rule by which it is read off a curve; "": it is not, or each file names its own.
    read : str
        Where in a cycle a resistance is read, for those that are.
    """

    dims: tuple[str, ...]
    kind: str
    units: str
    long_name: str
    optional: bool = False
    nan: bool = False
    least: float | None = None
    coordinate: bool = False
    ascends: bool = False
    index_of: str = ""
    sizes_of: str = ""
    flags: tuple[str, ...] = ()
    comment: str = ""
    rule: str = ""
    read: str = ""

    def attrs(self) -> dict[str, Any]:
        """Return the CF attributes of the variable."""
        attrs: dict[str, Any] = {"long_name": self.long_name}
        if self.units:
            attrs["units"] = self.units
        if self.comment:
            attrs["comment"] = self.comment
        if self.rule:
            attrs["rule"] = self.rule
        if self.read:
            attrs["read"] = self.read
        if self.sizes_of:
            attrs["sample_dimension"] = self.sizes_of
        if self.flags:
            attrs["flag_values"] = np.arange(len(self.flags), dtype=np.int8)
            attrs["flag_meanings"] = " ".join(self.flags)
        return attrs

    def faults(self, array: "xr.DataArray | ResultArray") -> Iterator[str]:
        """Yield what is wrong with an array that should be this variable, such as "must be finite, A"."""
        kind = ALIKE.get(array.dtype.kind, array.dtype.kind)
        if array.dims != self.dims:
            yield f"must have the dimensions ({', '.join(self.dims)}), got {array.dims}"
        if kind != self.kind:
            yield f"must hold {NAMES[self.kind]}, got {array.dtype}"
        if self.units and array.attrs.get("units") != self.units:
            yield f"must have the unit {self.units}, got {array.attrs.get('units')}"
        if self.kind == "U" or kind != self.kind:
            return
        values = array.values
        if kind == "f" and np.any(~np.isfinite(values) & ~(np.isnan(values) & self.nan)):
            yield f"must be finite, {self.units}"
        if self.least is not None and np.any(values < self.least):
            yield f"must be at least {self.least:g} {self.units}, got {np.nanmin(values):g}"
        if self.ascends and np.any(np.diff(values) < 0):
            yield "must not decrease"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which variables a kind of file holds.

    Parameters
    ----------
    kind : str
        Its attribute ``frenkel_kind``.
    what : str
        What it is called in messages, such as "the result of a device".
    variables : mapping of str to Variable
    since : str
        Variable that each of these files has, and none of an earlier frenkel; "": there is no such variable.
    former : tuple of str
        Variables that only files of an earlier frenkel have.
    """

    kind: str
    what: str
    variables: Mapping[str, Variable]
    since: str = ""
    former: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, table: Path, kind: str, what: str, *, optional: bool = False, since: str = "",
        former: tuple[str, ...] = (),
    ) -> "Layout":  # fmt: skip
        """Return the layout of a table; ``optional`` is what its variables are unless their row says else."""
        rows = tomllib.loads(table.read_text(encoding="utf-8"))
        variables = {}
        for name, (values, dims, units, long_name, *more) in rows.items():
            fields = {"optional": optional} | (more[0] if more else {})
            fields["flags"] = tuple(fields.get("flags", ()))
            variables[name] = Variable(
                dims=tuple(dims.split()), kind=KINDS[values], units=units, long_name=long_name, **fields
            )
        return cls(kind=kind, what=what, variables=variables, since=since, former=former)

    def dataset(self, values: Mapping[str, Any], attrs: Mapping[str, Any]) -> "xr.Dataset":
        """Build a dataset as :meth:`columns` does."""
        return self.columns(values, attrs).dataset()

    def columns(self, values: Mapping[str, Any], attrs: Mapping[str, Any]) -> ResultArrays:
        """Build a result from arrays, with dimensions and attributes of the layout, and check it.

        Parameters
        ----------
        values : mapping of str to array_like
            Arrays under the names of the variables, in their units.
        attrs : mapping
            Attributes of the whole result, such as its title and provenance.

        Raises
        ------
        SchemaError
            A name is unknown, a required one is missing, or a value is not allowed.
        """
        columns = {}
        for name, value in values.items():
            if name not in self.variables:
                names = ", ".join(sorted(self.variables))
                raise SchemaError(f"no variable {name!r} in {self.what}; there are: {names}")
            variable, array = self.variables[name], np.asarray(value)
            if array.ndim != len(variable.dims):
                dims = ", ".join(variable.dims)
                raise SchemaError(f"{name} must have the dimensions ({dims}), got shape {array.shape}")
            columns[name] = ResultArray(variable.dims, array, variable.attrs())
        head = {"Conventions": CONVENTIONS, "frenkel_schema": SCHEMA_VERSION, "frenkel_kind": self.kind}
        coordinates = [name for name in columns if self.variables[name].coordinate]
        try:
            data = {name: column for name, column in columns.items() if name not in coordinates}
            result = ResultArrays(data | columns, coordinates, head | dict(attrs))
        except ValueError as error:
            raise SchemaError(f"the arrays of the result do not fit each other: {error}") from None
        self.check(result)
        return result

    def check(self, result: ResultTable, origin: str = "the dataset") -> None:
        """Raise an error unless a dataset has this layout.

        Parameters
        ----------
        result : xarray.Dataset or ResultArrays
        origin : str
            What to call it in messages, such as the name of its file.

        Raises
        ------
        SchemaError
            Names the origin, the variable and what is wrong with it.
        """
        _check_version(result, origin)
        if (kind := result.attrs.get("frenkel_kind")) != self.kind:
            part = ", and its frenkel.member(7) is one device" if kind == "ensemble" else ""
            raise SchemaError(f"{origin} is not {self.what}, its kind is {kind}; frenkel.open reads it{part}")
        for name in TEXTS:
            if not isinstance(given := result.attrs.get(name, ""), str):
                raise SchemaError(f"the attribute {name} of {origin} must be text, got {given!r}")
        for name in NUMBERS:
            number = np.asarray(result.attrs.get(name, 0.0))
            if number.ndim or number.dtype.kind not in "iuf":
                said = f"must be one number, got {number.tolist()!r}"
                raise SchemaError(f"the attribute {name} of {origin} {said}")
        if self.since and self.since not in result.variables:
            raise SchemaError(of_earlier(origin, f"it has no variable {self.since}"))
        for name in self.former:
            if name in result.variables:
                raise SchemaError(of_earlier(origin, f"it has a variable {name}"))
        variables = {name: variable for name, variable in self.variables.items() if name in result.variables}
        for name, variable in self.variables.items():
            if name not in variables and not variable.optional:
                raise SchemaError(f"{origin} has no variable {name} ({variable.long_name})")
            if name in variables and (fault := next(variable.faults(result[name]), None)):
                raise SchemaError(f"{name} in {origin} {fault}")
        for name, variable in variables.items():
            if fault := _reference(result, result[name].values, variable):
                raise SchemaError(f"{name} in {origin} {fault}")


def _check_version(result: ResultTable, origin: str) -> None:
    if "frenkel_schema" not in result.attrs:
        raise SchemaError(f"{origin} is not a frenkel result: it has no attribute frenkel_schema")
    version = result.attrs["frenkel_schema"]
    if not isinstance(version, int | np.integer):
        raise SchemaError(f"frenkel_schema of {origin} must be a whole number, got {version!r}")
    if version != SCHEMA_VERSION:
        cure = "a newer frenkel" if version > SCHEMA_VERSION else "the frenkel that wrote it"
        raise SchemaError(
            f"{origin} has schema version {version}, this frenkel reads {SCHEMA_VERSION}: use {cure}"
        )


def _reference(result: ResultTable, values: NDArray[Any], variable: Variable) -> str:
    """Return what is wrong with indices that point at nothing, or sizes that do not add up; "": nothing."""
    if variable.index_of and values.size:
        number, last = result.sizes[variable.index_of], int(values.max())
        if last >= number:
            return f"must be below {number}, the number of {variable.index_of}, got {last}"
    if variable.sizes_of:
        total, number = int(values.sum()), result.sizes[variable.sizes_of]
        if total != number:
            return f"must add up to the {number} along {variable.sizes_of}, got {total}"
    return ""
