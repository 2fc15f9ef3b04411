"""Names, dimensions, units and meanings of every variable in a result, and the checks on them.

Every writer builds its dataset with :func:`dataset` and every reader passes what it opened to
:func:`check`, so that this file is the one place where the layout of a result is written down.

A *sample* is one reading of the device while a waveform runs; a *phase* is one waveform of the
protocol (forming, a RESET, a pulse train); a *snapshot* holds where every defect was, stored as a
CF contiguous ragged array: the defects of all snapshots one after another along ``defect``, and
their number per snapshot in ``snapshot_size``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # the processes of an ensemble read the names here, and are spared the import
    import xarray as xr

SCHEMA_VERSION = 1
CONVENTIONS = "CF-1.11"


class SchemaError(ValueError):
    """A dataset does not have the layout that this module describes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What a variable of a result is.

    Parameters
    ----------
    dims : tuple of str
        Its dimensions, in order; () for a scalar.
    kind : str
        numpy dtype kinds allowed: "f" float, "i" integer, "U" text.
    units : str
        UDUNITS text; "1" for a pure number, "" for text.
    long_name : str
        What it is, for labels.
    optional : bool
        Whether a valid dataset may lack it.
    nan : bool
        Whether NaN has a meaning in it (given in ``comment``).
    minimum : float or None
        Smallest allowed value, inclusive.
    coordinate : bool
        Whether it is a coordinate rather than a data variable.
    comment : str
        One sentence more, where the long name is not enough.
    """

    dims: tuple[str, ...]
    kind: str
    units: str
    long_name: str
    optional: bool = False
    nan: bool = False
    minimum: float | None = None
    coordinate: bool = False
    comment: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def attrs(self) -> dict[str, Any]:
        """Return the CF attributes of the variable."""
        attrs: dict[str, Any] = {"long_name": self.long_name}
        if self.units:
            attrs["units"] = self.units
        if self.comment:
            attrs["comment"] = self.comment
        return attrs | dict(self.extra)


_SAMPLE, _PHASES, _SNAPSHOT, _DEFECT = ("sample",), ("phases",), ("snapshot",), ("defect",)

VARIABLES: dict[str, Variable] = {
    # along the samples
    "time": Variable(
        dims=_SAMPLE,
        kind="f",
        units="s",
        long_name="time since the device was made",
        minimum=0.0,
        coordinate=True,
    ),
    "phase": Variable(
        dims=_SAMPLE,
        kind="i",
        units="1",
        long_name="index of the phase along phases",
        minimum=0,
        coordinate=True,
    ),
    "source_voltage": Variable(dims=_SAMPLE, kind="f", units="V", long_name="source voltage"),
    "device_voltage": Variable(
        dims=_SAMPLE,
        kind="f",
        units="V",
        long_name="voltage across the device",
        comment="less than the source voltage by the series resistance and the current limit",
    ),
    "current": Variable(dims=_SAMPLE, kind="f", units="A", long_name="current"),
    "conductance": Variable(
        dims=_SAMPLE, kind="f", units="S", long_name="conductance of the device", minimum=0.0
    ),
    "temperature_max": Variable(
        dims=_SAMPLE, kind="f", units="K", minimum=0.0, long_name="highest temperature in the device"
    ),
    "events": Variable(
        dims=_SAMPLE, kind="i", units="1", minimum=0, long_name="atomic events since the device was made"
    ),
    "field_solves": Variable(
        dims=_SAMPLE, kind="i", units="1", minimum=0, long_name="field solutions since the device was made"
    ),
    "floor_events": Variable(
        dims=_SAMPLE,
        kind="i",
        units="1",
        minimum=0,
        long_name="events whose barrier stood at its floor since the device was made",
        comment="the floor is a number of the material: the least barrier that a bond dipole may leave",
    ),
    "filled_traps": Variable(
        dims=_SAMPLE,
        kind="i",
        units="1",
        minimum=0,
        optional=True,
        long_name="electron traps that hold an electron",
    ),
    "count": Variable(
        dims=("sample", "species"),
        kind="i",
        units="1",
        minimum=0,
        long_name="number of defects of each species",
    ),
    "reservoir": Variable(
        dims=("sample", "electrode"),
        kind="i",
        units="1",
        minimum=0,
        optional=True,
        long_name="atoms (oxygen, or the active metal) held by each electrode",
    ),
    "species": Variable(
        dims=("species",), kind="U", units="", long_name="species of defect", coordinate=True
    ),
    "electrode": Variable(
        dims=("electrode",), kind="U", units="", long_name="electrode", coordinate=True, optional=True
    ),
    # along the phases of the protocol
    "phase_name": Variable(dims=_PHASES, kind="U", units="", long_name="name of the phase", coordinate=True),
    "phase_kind": Variable(
        dims=_PHASES,
        kind="U",
        units="",
        long_name="kind of the phase",
        comment="form, set, reset, or the shape of the waveform",
    ),
    "phase_cycle": Variable(
        dims=_PHASES,
        kind="i",
        units="1",
        minimum=0,
        long_name="cycle the phase belongs to",
        comment="0: before cycling",
    ),
    "phase_attempt": Variable(
        dims=_PHASES, kind="i", units="1", minimum=1, long_name="attempt under verify", comment="1: the first"
    ),
    "phase_compliance": Variable(
        dims=_PHASES,
        kind="f",
        units="A",
        nan=True,
        minimum=0.0,
        long_name="current limit",
        comment="NaN: none",
    ),
    "read_current": Variable(
        dims=_PHASES, kind="f", units="A", long_name="current at the read voltage after the phase"
    ),
    "read_voltage": Variable(dims=(), kind="f", units="V", long_name="read voltage"),
    # along the snapshots
    "snapshot_time": Variable(
        dims=_SNAPSHOT, kind="f", units="s", minimum=0.0, coordinate=True, long_name="time of the snapshot"
    ),
    "snapshot_phase": Variable(
        dims=_SNAPSHOT, kind="i", units="1", minimum=0, long_name="index of the phase along phases"
    ),
    "snapshot_label": Variable(dims=_SNAPSHOT, kind="U", units="", long_name="label of the snapshot"),
    "snapshot_size": Variable(
        dims=_SNAPSHOT,
        kind="i",
        units="1",
        minimum=0,
        long_name="number of defects in the snapshot",
        extra={"sample_dimension": "defect"},
    ),
    "snapshot_voltage": Variable(
        dims=_SNAPSHOT, kind="f", units="V", long_name="voltage across the device at the snapshot"
    ),
    "snapshot_current": Variable(dims=_SNAPSHOT, kind="f", units="A", long_name="current at the snapshot"),
    "defect_site": Variable(
        dims=_DEFECT,
        kind="i",
        units="1",
        minimum=0,
        long_name="number of the lattice site",
        comment="host site (x*ny + y)*nz + z, then interstitial sites",
    ),
    "defect_species": Variable(
        dims=_DEFECT, kind="i", units="1", minimum=0, long_name="index of the species along species"
    ),
    "defect_x": Variable(dims=_DEFECT, kind="f", units="m", long_name="position of the defect, x"),
    "defect_y": Variable(dims=_DEFECT, kind="f", units="m", long_name="position of the defect, y"),
    "defect_z": Variable(
        dims=_DEFECT,
        kind="f",
        units="m",
        long_name="position of the defect, z",
        comment="from the plane of the bottom electrode, one spacing below the first layer",
    ),
    "defect_conducting": Variable(
        dims=_DEFECT,
        kind="i",
        units="1",
        optional=True,
        minimum=0,
        long_name="whether the defect carries current",
        extra={"flag_values": np.array([0, 1], "i1"), "flag_meanings": "isolated_charged conducting_neutral"},
    ),
    "defect_temperature": Variable(
        dims=_DEFECT, kind="f", units="K", optional=True, minimum=0.0, long_name="temperature at the defect"
    ),
    # the device
    "lattice_spacing": Variable(dims=(), kind="f", units="m", minimum=0.0, long_name="lattice spacing"),
    "lattice_shape": Variable(
        dims=("axis",), kind="i", units="1", minimum=1, long_name="number of host sites along x, y and z"
    ),
    "axis": Variable(dims=("axis",), kind="U", units="", long_name="axis", coordinate=True),
    "ambient_temperature": Variable(
        dims=(), kind="f", units="K", minimum=0.0, long_name="temperature of the electrodes"
    ),
    "series_resistance": Variable(dims=(), kind="f", units="ohm", minimum=0.0, long_name="series resistance"),
    "member": Variable(
        dims=(), kind="i", units="1", minimum=0, coordinate=True, long_name="member of the ensemble"
    ),
}

NON_DECREASING = ("time", "phase", "events", "field_solves", "snapshot_time", "snapshot_phase")


def dataset(values: Mapping[str, Any], attrs: Mapping[str, Any]) -> "xr.Dataset":
    """Build a result from arrays, with dimensions and attributes from this module, and check it.

    Parameters
    ----------
    values : mapping of str to array_like
        Arrays under the names of :data:`VARIABLES`, in the units given there.
    attrs : mapping
        Attributes of the whole result, such as its title and provenance.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    SchemaError
        A name is unknown, a required one is missing, or a value is not allowed.
    """
    import xarray as xr

    data: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for name, value in values.items():
        variable = _known(name)
        target = coordinates if variable.coordinate else data
        array = np.asarray(value)
        if array.ndim != len(variable.dims):
            raise SchemaError(f"{name} must have the dimensions {_dims(variable)}, got shape {array.shape}")
        target[name] = (variable.dims, array, variable.attrs())
    header = {"Conventions": CONVENTIONS, "frenkel_schema": SCHEMA_VERSION, "frenkel_kind": "device"}
    try:
        result = xr.Dataset(data, coordinates, header | dict(attrs))
    except ValueError as error:
        raise SchemaError(f"the arrays of the result do not fit each other: {error}") from None
    check(result)
    return result


def check(result: "xr.Dataset", origin: str = "the dataset") -> None:
    """Raise an error unless a dataset has the layout of this module.

    Parameters
    ----------
    result : xarray.Dataset
    origin : str
        What to call it in messages, such as the name of its file.

    Raises
    ------
    SchemaError
        Names the origin, the variable and what is wrong with it.
    """
    _check_version(result, origin)
    for name, variable in VARIABLES.items():
        if name in result.variables:
            _check_variable(result[name], name, variable, origin)
        elif not variable.optional:
            raise SchemaError(f"{origin} has no variable {name} ({variable.long_name})")
    for name in NON_DECREASING:
        if np.any(np.diff(result[name].values) < 0):
            raise SchemaError(f"{name} in {origin} must not decrease")
    _check_references(result, origin)


def _check_version(result: "xr.Dataset", origin: str) -> None:
    if "frenkel_schema" not in result.attrs:
        raise SchemaError(f"{origin} is not a frenkel result: it has no attribute frenkel_schema")
    version = result.attrs["frenkel_schema"]
    if version != SCHEMA_VERSION:
        cure = "a newer frenkel" if version > SCHEMA_VERSION else "the frenkel that wrote it"
        raise SchemaError(
            f"{origin} has schema version {version}, this frenkel reads {SCHEMA_VERSION}: use {cure}"
        )


def _check_variable(array: "xr.DataArray", name: str, variable: Variable, origin: str) -> None:
    where = f"{name} in {origin}"
    if array.dims != variable.dims:
        raise SchemaError(f"{where} must have the dimensions {_dims(variable)}, got {array.dims}")
    kind = {"u": "i", "O": "U", "T": "U"}.get(array.dtype.kind, array.dtype.kind)
    if kind != variable.kind:
        names = {"f": "floats", "i": "integers", "U": "text"}
        raise SchemaError(f"{where} must hold {names[variable.kind]}, got {array.dtype}")
    if variable.units and array.attrs.get("units") != variable.units:
        raise SchemaError(f"{where} must have the unit {variable.units}, got {array.attrs.get('units')}")
    if kind == "U":
        return
    values = array.values
    if kind == "f" and np.any(~np.isfinite(values) & ~(np.isnan(values) & variable.nan)):
        raise SchemaError(f"{where} must be finite, {variable.units}")
    if variable.minimum is not None and np.any(values < variable.minimum):
        raise SchemaError(
            f"{where} must be at least {variable.minimum:g} {variable.units}, got {np.nanmin(values):g}"
        )


def _check_references(result: "xr.Dataset", origin: str) -> None:
    """Check that every index points at something and the ragged sizes add up."""
    for name, dim in (("phase", "phases"), ("snapshot_phase", "phases"), ("defect_species", "species")):
        if result[name].size and int(result[name].max()) >= result.sizes[dim]:
            raise SchemaError(
                f"{name} in {origin} must be below {result.sizes[dim]}, the number of {dim}, "
                f"got {int(result[name].max())}"
            )
    total, defects = int(result["snapshot_size"].sum()), result.sizes["defect"]
    if total != defects:
        raise SchemaError(f"snapshot_size in {origin} must add up to the {defects} defects, got {total}")


def _known(name: str) -> Variable:
    if name not in VARIABLES:
        raise SchemaError(f"no variable {name!r} in a result; there are: {', '.join(sorted(VARIABLES))}")
    return VARIABLES[name]


def _dims(variable: Variable) -> str:
    return f"({', '.join(variable.dims)})"
