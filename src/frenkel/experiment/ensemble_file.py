"""The file of an ensemble: what is in it, and how to get members, traces and halves out of it.

Along ``member`` (and the dimensions of a sweep): numbers of each device, and along ``cycle`` those of its
cycles. What has another length in every member lies one member after another along a dimension of its own
(CF contiguous ragged array): the samples along ``sample``, ``sample_count`` of them per member; likewise
``phases``, ``snapshot`` and ``defect``, and what a section ``measure`` adds along ``state``, ``jump`` and
``probe``. Names, units and meanings are those of a single result.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import provenance
from ..configuration import device as config
from ..configuration.device import Configuration
from ..configuration.phases import kind_of
from ..configuration.points import Grid, Members, point_document
from ..data import content, kinds, schema
from ..data.layout import Layout, SchemaError, Variable
from ..data.member_file import MemberColumn
from ..data.member_parts import MEASURED, RAGGED, part_name
from ..data.stopping import held_back
from ..errors import of_earlier
from ..mpi_runs import shards
from ..validation import suggest

if TYPE_CHECKING:
    import xarray as xr

LAYOUT = Layout.read(
    Path(__file__).with_name("ensemble_layout.toml"), kind="ensemble", what="an ensemble of frenkel"
)
KIND = LAYOUT.kind
RAGGED_DIMS = (*RAGGED["all"], *MEASURED)
SHARED = ("bias", "heat")
"""Variables that are the same for all members: voltages and temperatures at which states are read."""

MERGED = "merged_hash"
"""Attribute of each file: which records of members it was merged of."""

MOST_SHOWN = 8
"""Values of a dimension that an error lists."""

_CYCLE = ("cycle",)


def _ragged(variable: Variable) -> bool:
    return variable.dims[:1] in [(dim,) for dim in RAGGED_DIMS]


SUMMARY = {
    name: one for name, one in LAYOUT.variables.items() if not _ragged(one) and name not in SHARED
}
"""Numbers of each member, or of each of its cycles."""


def columns() -> dict[str, MemberColumn]:
    """Return where each array of a member goes: summaries, and the variables of a single result."""
    layout = {}
    for variables, kind in ((LAYOUT.variables, "member"), (schema.VARIABLES, "constant")):
        for name, variable in variables.items():
            attrs = variable.attrs()
            attrs.pop("sample_dimension", None)
            if kind == "member":
                attrs = {"units": variable.units} | attrs  # first, for text too
            kind_of = "ragged" if _ragged(variable) else "constant" if name in SHARED else kind
            layout[name] = MemberColumn(dims=variable.dims, attrs=attrs, kind=kind_of)
    return layout


def coordinates(
    points: Sequence[Configuration], status: np.ndarray[Any, Any], grid: list[tuple[str, int]], members: Any
) -> dict[str, tuple[tuple[str, ...], Any, dict[str, Any]]]:
    """Return the variables that do not come from members.

    Parameters
    ----------
    points : sequence of Configuration
    status : ndarray
        Of every member, in the order of the file.
    grid : list of (str, int)
        Dimensions over which the members go.
    members : array_like
        Numbers along ``member``.
    """
    protocols = _protocols(points)
    dims, sizes = tuple(name for name, _ in grid), tuple(size for _, size in grid)
    cycles = max((step.cycle for step in itertools.chain(*protocols)), default=0)
    flags = {
        "flag_values": np.array(list(shards.STATUS), np.uint8),
        "flag_meanings": " ".join(text.replace(" ", "_") for text in shards.STATUS.values()),
    }
    seed_of = map(points.seed, range(len(points))) if isinstance(points, Grid) else (p.seed for p in points)
    seeds = np.fromiter(seed_of, np.int64, len(points))
    return {
        "member": (
            ("member",),
            np.asarray(members, np.int64),
            {"long_name": "member of the ensemble", "units": "1"},
        ),
        "cycle": (_CYCLE, np.arange(1, cycles + 1, dtype=np.int32), {"long_name": "cycle", "units": "1"}),
        "axis": (("axis",), np.array(["x", "y", "z"], object), {"long_name": "axis"}),
        "status": (dims, status.reshape(sizes), {"long_name": "what became of the member", **flags}),
        "seed": (
            dims[:-1],
            seeds.reshape(sizes[:-1]),
            {"long_name": "seed; with the member the key of the random numbers", "units": "1"},
        ),
        "step_name": _texts_of(protocols, "name", dims, sizes, "phase of the protocol"),
        "step_kind": _texts_of(protocols, "kind", dims, sizes, "kind of the phase"),
    }


class Step(NamedTuple):
    """One phase of a protocol, unrolled: its name, its kind, and the cycle it belongs to."""

    name: str
    kind: str
    cycle: int


def _protocols(points: Sequence[Configuration]) -> list[list[Step]]:
    """Return the protocol of every point; one for all where the longest begins like each of the others."""
    same_phases = isinstance(points, Grid) and not any(key.startswith("phase") for key in points.over)
    protocols = [
        [Step(name, kind_of(name, phase), cycle) for name, cycle, phase in point.phases()]
        for point in (points[:1] if same_phases else points)
    ]
    longest = max(protocols, key=len)
    return [longest] if all(protocol == longest[: len(protocol)] for protocol in protocols) else protocols


def _texts_of(
    protocols: list[list[Step]], which: str, dims: tuple[str, ...], sizes: tuple[int, ...], long_name: str
) -> tuple[tuple[str, ...], Any, dict[str, Any]]:
    """Return texts of the steps: of one protocol along step, else of every point, "" after its end."""
    length = max(map(len, protocols))
    texts = np.array(
        [[getattr(step, which) for step in row] + [""] * (length - len(row)) for row in protocols], object
    )
    if len(protocols) == 1:
        return ("step",), texts[0], {"long_name": long_name}
    return (*dims[:-1], "step"), texts.reshape(*sizes[:-1], length), {"long_name": long_name}


def open_ensemble(path: str | Path) -> "xr.Dataset":
    """Open the file of an ensemble; values are read when they are used.

    With dask installed, variables are dask arrays, so that files larger than the memory can be reduced. Where
    traces were kept, members are not chosen from the whole, see :func:`.guarded`.

    Raises
    ------
    WrongFileError
        It is no ensemble.
    SchemaError
        It is one of an earlier frenkel.
    """
    import importlib.util  # xarray and pandas, which merging does without

    from ..data.ragged import guarded

    chunks: dict[str, int] | None = {} if importlib.util.find_spec("dask") else None
    opened = kinds.open(path, "ensemble", chunks=chunks)
    if MERGED not in opened.attrs:
        raise SchemaError(of_earlier(str(path), f"it has no attribute {MERGED}"))
    return guarded(opened)


def member(ensemble: "xr.Dataset", number: int, **point: Any) -> "xr.Dataset":
    """Return one member in the layout of a single result, for every tool that takes one.

    Parameters
    ----------
    ensemble : xarray.Dataset
    number : int
        Along ``member``.
    **point
        Values along the dimensions of a sweep.

    Raises
    ------
    SchemaError
        There is no such member, it did not finish, or only summaries were kept.
    """
    where = {"member": number, **point}
    _check_place(ensemble, where)
    status = int(ensemble["status"].sel(where))
    if status != shards.OK:
        raise SchemaError(f"member {number} has no result: {shards.STATUS[status]}")
    if "sample_count" not in ensemble:
        raise SchemaError('this ensemble kept summaries only; run it with ensemble.keep = "traces"')
    values: dict[str, Any] = {"member": np.int32(number), "axis": ["x", "y", "z"]}
    flat = _flat(ensemble, where)
    ranges = {dim: _range(ensemble, dim, flat) for dim in RAGGED_DIMS}
    for name, variable in schema.VARIABLES.items():
        if name in values:
            continue
        if name not in ensemble.variables:
            if variable.dims and variable.dims[0] in ("snapshot", "defect") and not variable.optional:
                values[name] = np.zeros(0, {"f": "f8", "i": "i4", "U": "U1"}[variable.kind])
            continue
        array = ensemble[name]
        if _ragged(variable):
            values[name] = array[ranges[variable.dims[0]]].values
        else:
            values[name] = array.sel({dim: value for dim, value in where.items() if dim in array.dims}).values
    if "layer_region" in values:  # of the widest member
        rows, columns, _ = values["lattice_shape"]
        values["layer_region"] = values["layer_region"][:, :rows, :columns]
    attrs = _attrs(ensemble, where, number)
    if point:
        values |= _own_texts(values, json.loads(attrs["provenance"])["configuration"])
    values |= _texts(ensemble, ranges, point)
    return schema.dataset(values, attrs).assign_coords(_drawn(ensemble, where))


def _drawn(ensemble: "xr.Dataset", where: Mapping[str, Any]) -> dict[str, "xr.DataArray"]:
    """Return the numbers that the population of an ensemble drew for a member."""
    return {
        str(name): coordinate.sel({dim: where[str(dim)] for dim in coordinate.dims}).reset_coords(drop=True)
        for name, coordinate in ensemble.coords.items()
        if "key" in coordinate.attrs or name in ("die", "wafer", "redrawn")
    }


def _own_texts(values: Mapping[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return species with their counts, and layers, of one point; those of other points are padding in it."""
    configuration = config.parse(document)
    material = configuration.made_of()
    own: dict[str, Any] = {}
    if "count" in values:
        is_counted = ~np.all(values["count"] < 0, axis=0)
        # In the order in which a device counts them.
        kinds = [kind for kind in ("defect", "cation", "interstitial") if kind in material.species]
        species = [material.species[kind] for kind in kinds]
        own |= {"count": values["count"][:, is_counted], "species": species[: np.count_nonzero(is_counted)]}
    if "layer" in values:
        layers = configuration.arguments()["layers"]
        own["layer"] = [layer.material(material).name for layer in layers]
    return own


def _check_place(ensemble: "xr.Dataset", where: Mapping[str, Any]) -> None:
    """Raise SchemaError unless a member, and a point of a sweep, is one that there is."""
    axes = ensemble["status"].dims
    if unknown := [name for name in where if name not in axes]:
        raise SchemaError(f"there is no dimension {unknown[0]!r}; there are: {', '.join(map(str, axes))}")
    if missing := [str(name) for name in axes if name not in where]:
        raise SchemaError(f"a member of a sweep needs a value of {' and of '.join(missing)}")
    for name, value in where.items():
        members_present = ensemble[name].values.tolist()
        if value not in members_present:
            listing = (
                ", ".join(map(str, members_present))
                if len(members_present) <= MOST_SHOWN
                else f"{members_present[0]} to {members_present[-1]}"
            )
            raise SchemaError(f"there is no {name} {value!r}; there are: {listing}")


def padded(ensemble: "xr.Dataset", name: str) -> "xr.DataArray":
    """Return a ragged variable as a rectangle: along ``member`` and its own dimension, NaN after the end.

    Parameters
    ----------
    ensemble : xarray.Dataset
        Of one point, where it is a sweep.
    name : str
        Such as "current".

    Raises
    ------
    SchemaError
        There is no such variable along the samples, or other entries, of each member.
    """
    import xarray as xr  # xarray and pandas

    ragged = [
        str(name) for name, array in ensemble.data_vars.items() if f"{(*array.dims, '')[0]}_count" in ensemble
    ]
    if name not in ragged:
        raise SchemaError(f"there is no {name!r} along the samples of members{suggest(name, ragged)}")
    array = ensemble[name]
    dim = str(array.dims[0])
    counts = ensemble[f"{dim}_count"].values.ravel()
    longest = int(counts.max(initial=0))
    whole = np.full((len(counts), longest, *array.shape[1:]), np.nan)
    is_counted = np.arange(longest) < counts[:, None]
    whole[is_counted] = array.values
    shape = ensemble[f"{dim}_count"].shape
    dims = (*ensemble[f"{dim}_count"].dims, *array.dims)
    return xr.DataArray(whole.reshape(*shape, *whole.shape[1:]), dims=dims, attrs=array.attrs, name=name)


def values(path: Path, name: str) -> list[float | None]:
    """Return one number of every member of a merged file, in their order.

    Parameters
    ----------
    path : Path
    name : str
        A variable along ``member``, or along member and cycle, of which the first cycle counts.

    Returns
    -------
    list of float or None
        inf where it was never reached (NaN in the file), None where the member failed.

    Raises
    ------
    ValueError
        The file has no such variable.
    """
    content.check(path)
    with held_back(), kinds.open(path) as data:
        have = [str(name) for name in data.data_vars if data[name].dims[:1] == ("member",)]
        if name not in have or data[name].dtype.kind != "f":
            raise ValueError(f"no number {name!r} of the members in {path}; there are: {', '.join(have)}")
        column = data[name].values.reshape(data.sizes["member"], -1)[:, 0]
        failed = data["status"].values != shards.OK
    return [
        None if is_failed else (np.inf if np.isnan(value) else float(value))
        for value, is_failed in zip(column, failed, strict=True)
    ]


def _flat(ensemble: "xr.Dataset", where: dict[str, Any]) -> int:
    """Return the place of a member in the order of the ragged arrays."""
    status = ensemble["status"]
    places = [int(ensemble.get_index(dim).get_indexer([where[str(dim)]])[0]) for dim in status.dims]
    return int(np.ravel_multi_index(places, status.shape))


def _range(ensemble: "xr.Dataset", dim: str, flat: int) -> slice:
    if f"{dim}_count" not in ensemble:
        return slice(0, 0)
    counts = ensemble[f"{dim}_count"].values.ravel()
    begin = int(counts[:flat].sum(dtype=np.int64))
    return slice(begin, begin + int(counts[flat]))


def _texts(ensemble: "xr.Dataset", ranges: dict[str, slice], point: dict[str, Any]) -> dict[str, Any]:
    """Return the names of phases and snapshots of a member."""
    step_name, step_kind = (
        ensemble[name].sel({dim: value for dim, value in point.items() if dim in ensemble[name].dims}).values
        for name in ("step_name", "step_kind")
    )
    steps = ensemble["phase_step"][ranges["phases"]].values
    attempts = ensemble["phase_attempt"][ranges["phases"]].values
    names = [
        str(step_name[step]) + (f" (attempt {attempt})" if attempt > 1 else "")
        for step, attempt in zip(steps, attempts, strict=True)
    ]
    texts: dict[str, Any] = {
        "phase_name": names,
        "phase_kind": [str(step_kind[step]) for step in steps],
        "snapshot_label": np.zeros(0, "U1"),
    }
    if "snapshot_part" in ensemble:
        parts = ensemble["snapshot_part"][ranges["snapshot"]].values
        phases = ensemble["snapshot_phase"][ranges["snapshot"]].values
        texts["snapshot_label"] = [
            f"{names[phase]}: {part_name(int(part))}"
            for part, phase in zip(parts, phases, strict=True)
        ]
    return texts


def _attrs(ensemble: "xr.Dataset", where: dict[str, Any], number: int) -> dict[str, Any]:
    """Return attributes of a member, its own provenance among them, so that it can be run again."""
    attrs = {
        name: ensemble.attrs[name]
        for name in ("title", "source", "history", "material", "material_hash", "lateral", "not_repeatable")
        if name in ensemble.attrs
    }
    origin = provenance.read(ensemble.attrs.get("provenance"))
    recorded = origin["configuration"]
    sweep = len(ensemble["status"].dims) > 1
    place = _flat(ensemble, where) // ensemble.sizes["member"] if sweep else 0
    document = point_document(recorded, place)
    if sweep or "population" in document:  # the attributes of the file are those of its first point
        _, material = Members(config.parse(document)).member(number)
        attrs |= {"material": material.name, "material_hash": material.hash}
    # The software of the ensemble made the member, whatever reads it now.
    record = provenance.record(document, seed=config.parse(document).seed or 0, member=number)
    return attrs | {"provenance": json.dumps(record | {"software": origin["software"]})}
