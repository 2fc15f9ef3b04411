"""The file of an array: names, dimensions, units and meanings of its variables.

Along ``sample``: rows of the monitor, at a cadence in simulated time. Along ``operation``: everything that
the controller did, in whole picoseconds. Over ``word_line`` and ``bit_line`` (with transistors the gates are
the word lines): maps of the cells. What a run did not do is missing. Variables named as in the result of a
device mean the same there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..analysis.results import schema, store
from ..analysis.results.schema import SchemaError, Variable

KIND = "array"
_CELL = ("word_line", "bit_line")
_SAMPLE, _OPERATION, _PHASES, _READING = ("sample",), ("operation",), ("phases",), ("reading",)


def _float(dims: tuple[str, ...], units: str, name: str, *, nan: bool = False, comment: str = "") -> Variable:
    return Variable(dims=dims, kind="f", units=units, long_name=name, nan=nan, comment=comment, optional=True)


def _whole(dims: tuple[str, ...], units: str, name: str, comment: str = "", least: float = 0.0) -> Variable:
    return Variable(
        dims=dims, kind="i", units=units, long_name=name, comment=comment, optional=True, minimum=least
    )


def _text(dim: str, name: str) -> Variable:
    return Variable(dims=(dim,), kind="U", units="", long_name=name, optional=True, coordinate=True)


VARIABLES: dict[str, Variable] = {
    # along the samples
    "time": Variable(
        dims=_SAMPLE, kind="f", units="s", long_name="simulated time", minimum=0.0, coordinate=True,
        optional=True,
    ),
    "phase": Variable(
        dims=_SAMPLE, kind="i", units="1", long_name="index of the phase along phases", minimum=0,
        coordinate=True, optional=True,
    ),
    "quantile": Variable(
        dims=("quantile",), kind="f", units="1", long_name="quantile over the cells", coordinate=True,
        optional=True,
    ),
    "conductance_quantile": _float(("sample", "quantile"), "S", "conductance of the cells"),
    "energy": _float(
        ("sample", "component"), "J", "energy so far", comment="driver and converter are modelled"
    ),
    "pulses": _whole(_SAMPLE, "1", "pulses so far"),
    "reads": _whole(_SAMPLE, "1", "reads so far"),
    "component": _text("component", "where energy goes"),
    # along the phases
    "phase_name": Variable(dims=_PHASES, kind="U", units="", long_name="name of the phase"),
    "phase_kind": Variable(dims=_PHASES, kind="U", units="", long_name="kind of the phase"),
    "phase_end": _float(_PHASES, "s", "simulated time at the end of the phase"),
    # along the operations
    "operation_start": _whole(_OPERATION, "ps", "start"),
    "operation_end": _whole(_OPERATION, "ps", "end"),
    "operation_lane": _whole(_OPERATION, "1", "index of what was at work along lane"),
    "operation_word_line": _whole(_OPERATION, "1", "word line", "-1: all or none", -1.0),
    "operation_bit_line": _whole(_OPERATION, "1", "bit line", "-1: all or none", -1.0),
    "lane": _text("lane", "what was at work"),
    # along the reads of single cells
    "reading_time": _float(_READING, "s", "simulated time at the end of the read"),
    "reading_phase": _whole(_READING, "1", "index of the phase along phases"),
    "reading_word_line": _whole(_READING, "1", "word line"),
    "reading_bit_line": _whole(_READING, "1", "bit line"),
    "reading_conductance": _float(_READING, "S", "conductance as read, lines included"),
    "reading_amplitude": _float(
        _READING, "V", "amplitude of the pulse before the read", nan=True, comment="NaN: none"
    ),
    # over the cells
    "target": _float(_CELL, "S", "target conductance", nan=True, comment="NaN: none"),
    "programmed": _float(
        _CELL, "S", "conductance as read last while programming", nan=True, comment="NaN: none"
    ),
    "program_pulses": _whole(_CELL, "1", "pulses that programming took"),
    "reached": _whole(_CELL, "1", "whether the target was reached", "1: yes, 0: no, -1: not asked", -1.0),
    "program_time": _float((), "s", "simulated time that programming took"),
    "program_time_serial": _float((), "s", "time of as many pulses and reads of one cell after the other"),
    "conductance": _float(("snapshot", *_CELL), "S", "conductance as a read of each cell alone sees it"),
    "snapshot_label": Variable(
        dims=("snapshot",), kind="U", units="", long_name="label of the snapshot", optional=True
    ),
    "snapshot_time": _float(("snapshot",), "s", "time of the snapshot"),
    # vectors
    "input": _whole(("vector", "word_line"), "1", "number on each line"),
    "product": _float(
        ("vector", "bit_line"), "A", "current as converted, weighted sum over the bits of the input"
    ),
    "product_exact": _float(("vector", "bit_line"), "A", "the same without lines, of the cells as they are"),
    "product_target": _float(("vector", "bit_line"), "A", "the same without lines, of the targets"),
    # maps
    "map_label": Variable(dims=("map",), kind="U", units="", long_name="what was applied", optional=True),
    "map_voltage": _float(("map", *_CELL), "V", "voltage over the cell"),
    "map_current": _float(("map", *_CELL), "A", "current through the cell"),
    "map_line": _float(("map", "line", *_CELL), "V", "voltage of the line at the cell"),
    "line": _text("line", "which line"),
    # margins
    "size": Variable(
        dims=("size",), kind="i", units="1", long_name="number of word and of bit lines", coordinate=True,
        optional=True,
    ),
    "scheme": _text("scheme", "what unselected lines are connected to"),
    "crossing": _text("crossing", "what stands at a crossing"),
    "read_margin": _float(
        ("crossing", "scheme", "size"), "1", "read margin",
        comment="1 - largest current in HRS / smallest in LRS over patterns of the others; may be negative",
    ),
    # constants
    "area": _float(("part",), "m2", "area", comment="modelled"),
    "part": _text("part", "what takes area"),
    "read_voltage": _float((), "V", "read voltage"),
    "ambient_temperature": _float((), "K", "temperature of the surroundings"),
}  # fmt: skip

OLD_NAMES = {"operation_row": "operation_word_line", "operation_column": "operation_bit_line"}
"""What variables are called in files of earlier versions, and now."""


def dataset(values: Mapping[str, Any], attrs: Mapping[str, Any]) -> xr.Dataset:
    """Build the result of an array and check it.

    Raises
    ------
    SchemaError
        A name is unknown, or a value is not allowed.
    """
    data: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for name, value in values.items():
        if name not in VARIABLES:
            raise SchemaError(f"no variable {name!r} in the result of an array")
        variable = VARIABLES[name]
        (coordinates if variable.coordinate else data)[name] = (
            variable.dims,
            np.asarray(value),
            variable.attrs(),
        )
    head = {
        "Conventions": schema.CONVENTIONS,
        "frenkel_schema": schema.SCHEMA_VERSION,
        "frenkel_kind": KIND,
    }
    try:
        result = xr.Dataset(data, coordinates, head | dict(attrs))
    except ValueError as error:
        raise SchemaError(f"the arrays of the result do not fit each other: {error}") from None
    check(result)
    return result


def check(result: xr.Dataset, origin: str = "the dataset") -> None:
    """Raise SchemaError unless a dataset has the layout of this module."""
    schema._check_version(result, origin)
    if result.attrs.get("frenkel_kind") != KIND:
        raise SchemaError(f"{origin} is not the result of an array")
    for name, variable in VARIABLES.items():
        if name in result.variables:
            schema._check_variable(result[name], name, variable, origin)
        elif not variable.optional:
            raise SchemaError(f"{origin} has no variable {name} ({variable.long_name})")


def is_array(path: Path) -> bool:
    """Tell whether a file is the result of an array."""
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            return getattr(file, "frenkel_kind", "") == KIND
    except OSError:
        return False


def save(result: xr.Dataset, path: str | Path, *, force: bool = False) -> Path:
    """Write a result as compressed netCDF-4, whole or not at all.

    Raises
    ------
    SchemaError, StoreError
        It is no result of an array; the file exists or cannot be written.
    """
    check(result)
    return store.save_table(result, path, force=force)


def load(path: str | Path) -> xr.Dataset:
    """Read a result into memory and check its layout.

    Raises
    ------
    StoreError, SchemaError
        There is no such file, or it is no result of an array.
    """
    source = store.readable(path)
    try:
        result = xr.load_dataset(source, engine="netcdf4", decode_times=False)
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError) as error:
        raise store.StoreError(f"{source} cannot be read ({error})") from error
    result = result.rename({old: new for old, new in OLD_NAMES.items() if old in result})
    check(result, str(source))
    return result
