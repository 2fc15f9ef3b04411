"""From shards to one netCDF file, member by member, in memory that does not grow with their number."""

import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import netcdf
from ..data.content import ATTRIBUTE, ContentHash, dtype_text
from ..errors import explain
from . import index, shards

CHUNK_BYTES = 1 << 20
MEMBER_CHUNK = 256
OPEN_FILES = 64
OR = " or "
"""Between the names of what has the same place in different points of a sweep, such as species."""

Array = NDArray[Any]
"""Array of a member, of any type."""

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Where the array of a member goes in the merged file.

    Parameters
    ----------
    dims : tuple of str
        Of the member's array.
    attrs : mapping
        Unit, name and further attributes.
    kind : {"member", "ragged", "constant"}
        One entry per member; one after another along the first dimension; the same for all members.
    """

    dims: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "member"


@dataclass(slots=True)
class Located:
    """Where records of members are; all arrays have one entry per record.

    Attributes
    ----------
    paths : list of Path
    member : ndarray of int64
    status : ndarray of uint8
        ``shards.MISSING`` where there is no record.
    shard : ndarray of int32
        Index into ``paths``.
    offset, length : ndarray of int64
    """

    paths: list[Path]
    member: Whole
    status: NDArray[np.uint8]
    shard: NDArray[np.int32]
    offset: Whole
    length: Whole

    def head(self, number: int) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON part of a record.

        Raises
        ------
        OSError
            It cannot be read.
        """
        with self.paths[self.shard[number]].open("rb") as file:
            frame = os.pread(file.fileno(), int(self.length[number]), int(self.offset[number]))
        _, code, head = shards.frame_head(frame)
        return code, head

    def digest(self, configuration_hash: str) -> str:
        """Return a hash of which members of which configuration these are, and of what became of them."""
        found = hashlib.sha256(configuration_hash.encode())
        found.update(np.ascontiguousarray(self.member, "<i8").tobytes())
        found.update(np.ascontiguousarray(self.status, "u1").tobytes())
        return found.hexdigest()


@dataclass(slots=True)
class Target:
    """What the merged file is to be.

    Attributes
    ----------
    grid : list of (str, int)
        Dimensions over which the members go, the last one fastest.
    columns : dict of str to Column
    coordinates : dict of str to (dims, values, attrs)
        Variables that do not come from members.
    attrs : dict
    compression : int
        Level of zlib, 0 to 9; 0 for none.
    stride : int
        Members of the points of a sweep are numbered in steps of this.
    """

    grid: list[tuple[str, int]]
    columns: dict[str, Column]
    coordinates: dict[str, tuple[tuple[str, ...], Any, dict[str, Any]]]
    attrs: dict[str, Any]
    compression: int = 1
    stride: int = 2**62


def merge(located: Located, target: Target, path: Path, progress: Callable[[int], None] | None = None) -> str:
    """Write one netCDF file, whole or not at all; return its content hash.

    A link is written through: what it points at is replaced.

    Raises
    ------
    ShardError
        A record cannot be read, or the file cannot be written.
    """
    final = path.resolve() if path.is_symlink() else path
    temporary = final.with_name(f".{final.name}.{os.getpid()}.part")
    reader = _Reader(located)
    try:
        found = _write(reader, target, temporary, progress or (lambda done: None))
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(final)
    except (OSError, RuntimeError) as error:
        if isinstance(error, shards.ShardError):
            raise
        raise shards.ShardError(
            getattr(error, "errno", None), f"{path} cannot be written: {explain(error, final.parent)}"
        ) from error
    finally:
        reader.close()
        temporary.unlink(missing_ok=True)
    return found


def _write(reader: "_Reader", target: Target, path: Path, progress: Callable[[int], None]) -> str:
    survey = _Survey(reader, target)
    with netcdf.direct(path, "w") as file:
        file.set_fill_off()
        for name, size in target.grid:
            file.createDimension(name, size)
        hashed = ContentHash()
        _coordinates(file, target, survey, hashed)
        owners = _owners(target, survey)
        streams = {name: _Stream(file, target, survey, name, hashed) for name in survey.types}
        last = time.monotonic()
        for number in range(len(reader.located.member)):
            arrays = reader.arrays(number)
            member = reader.located.member[number] % target.stride
            arrays |= {name: np.full(counts[number], member, np.int32) for name, counts in owners.items()}
            for stream in streams.values():
                stream.append(arrays, number)
            if time.monotonic() - last > 0.5:
                last = time.monotonic()
                progress(number + 1)
        for stream in streams.values():
            stream.flush(last=True)
        # By this name xarray knows coordinates that are no dimensions.
        named = {"coordinates": " ".join(owners)} if owners else {}
        file.setncatts(target.attrs | named | {ATTRIBUTE: hashed.hexdigest()})
        _provenance(file, survey, target)
    progress(len(reader.located.member))
    return hashed.hexdigest()


class _Reader:
    """Reads records by number, with few files open."""

    def __init__(self, located: Located) -> None:
        self.located = located
        self.open: OrderedDict[int, int] = OrderedDict()

    def frame(self, number: int, size: int | None = None) -> bytes | None:
        """Return the record of a member, or its first ``size`` bytes; None if it has none."""
        one = self.located
        if one.status[number] == shards.MISSING:
            return None
        length = int(one.length[number])
        try:
            handle, offset = self._handle(int(one.shard[number])), int(one.offset[number])
            found = os.pread(handle, min(size or length, length), offset)
        except OSError as error:
            raise shards.ShardError(
                error.errno, f"{one.paths[one.shard[number]]} cannot be read: {error.strerror}"
            ) from error
        if len(found) < min(size or length, length):
            raise self.fault(number, "the file ends before it")
        return found

    def head(self, number: int) -> dict[str, Any]:
        """Return the JSON part of a record, {} if there is none."""
        frame = self.frame(number, shards.HEAD.size)
        if frame is None:
            return {}
        json_length = shards.HEAD.unpack(frame)[4]
        whole = self.frame(number, shards.HEAD.size + json_length)
        assert whole is not None
        try:
            return shards.frame_head(whole)[2]
        except shards.ShardError as error:
            raise self.fault(number, str(error)) from None

    def arrays(self, number: int) -> dict[str, Array]:
        """Return the arrays of a finished member, {} for others."""
        if self.located.status[number] != shards.OK:
            return {}
        frame = self.frame(number)
        assert frame is not None
        try:
            return shards.decode(frame)[3]
        except shards.ShardError as error:
            raise self.fault(number, str(error)) from None

    def fault(self, number: int, what: str) -> shards.ShardError:
        """Return what is wrong with a record, and let the next survey read its shard again."""
        path = self.located.paths[self.located.shard[number]]
        index.forget(path)
        return shards.ShardError(
            None,
            f"the record of member {self.located.member[number]} at offset {self.located.offset[number]} of "
            f"{path} is damaged: {what}; the same command again looks for it anew",
        )

    def _handle(self, shard: int) -> int:
        if shard in self.open:
            self.open.move_to_end(shard)
        else:
            if len(self.open) >= OPEN_FILES:
                os.close(self.open.popitem(last=False)[1])
            self.open[shard] = os.open(self.located.paths[shard], os.O_RDONLY)
        return self.open[shard]

    def close(self) -> None:
        while self.open:
            os.close(self.open.popitem()[1])


class _Survey:
    """What must be known before writing: types, sizes, and how much of each ragged dimension a member has."""

    def __init__(self, reader: _Reader, target: Target) -> None:
        count = len(reader.located.member)
        self.types: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.texts: dict[str, list[str]] = {}
        self.counts: dict[str, Array] = {}
        self.first: dict[int, dict[str, Any]] = {}  # arrays of the first finished member of each point
        self.wall, self.peak = np.full(count, np.nan), np.full(count, np.nan)
        self.hosts: dict[str, int] = {}
        self.host = np.full(count, -1, np.int32)
        per_point = target.grid[-1][1]
        for number in range(count):
            head = reader.head(number)
            self.wall[number] = head.get("wall", np.nan)
            self.peak[number] = head.get("peak", np.nan)
            if "host" in head:
                self.host[number] = self.hosts.setdefault(head["host"], len(self.hosts))
            if reader.located.status[number] == shards.OK:
                if number // per_point not in self.first:
                    self.first[number // per_point] = reader.arrays(number)
                    self._texts(head.get("texts", {}))
                self._sizes(reader, number, head.get("arrays", []), target)

    def _texts(self, given: Mapping[str, list[str]]) -> None:
        """Take the texts of a point: what differs from those of points before it is added to them."""
        for name, texts in given.items():
            known = self.texts.setdefault(name, [])
            known += [""] * (len(texts) - len(known))
            for place, text in enumerate(texts):
                if text not in known[place].split(OR):
                    known[place] = f"{known[place]}{OR}{text}" if known[place] else text

    def _sizes(self, reader: _Reader, number: int, described: list[Any], target: Target) -> None:
        count = len(reader.located.member)
        for name, dtype, shape in described:
            column = target.columns.get(name)
            if column is None:
                continue
            if len(shape) != len(column.dims):
                what = f"{name} must have {len(column.dims)} dimensions, got {len(shape)}"
                raise reader.fault(number, what)
            self.types.setdefault(name, dtype)
            if dtype != self.types[name]:
                raise reader.fault(number, f"{name} must be of type {self.types[name]}, got {dtype}")
            inner = list(zip(column.dims, shape, strict=True))
            if column.kind == "ragged":
                dim, size = inner.pop(0)
                self.counts.setdefault(dim, np.zeros(count, np.int32))[number] = size
            for dim, size in inner:
                self.sizes[dim] = max(self.sizes.get(dim, 0), size)


def _coordinates(file: Any, target: Target, survey: _Survey, hashed: ContentHash) -> None:
    """Write what does not grow with the members' data: coordinates, texts, constants, counts."""
    for dim, size in survey.sizes.items():
        if dim not in file.dimensions:
            file.createDimension(dim, size)
    grid = tuple(name for name, _ in target.grid)
    shape = tuple(size for _, size in target.grid)
    for name, texts in survey.texts.items():
        attrs = target.columns[name].attrs if name in target.columns else {}
        _small(file, hashed, name, (name,), np.array(texts, object), attrs)
    for name, (dims, values, attrs) in target.coordinates.items():
        _small(file, hashed, name, dims, values, attrs)
    for dim, counts in survey.counts.items():
        file.createDimension(dim, int(counts.sum(dtype=np.int64)))
        attrs = {"long_name": f"entries along {dim}", "units": "1", "sample_dimension": dim}
        _small(file, hashed, f"{dim}_count", grid, counts.reshape(shape), attrs)
    for name in [name for name in survey.types if target.columns[name].kind == "constant"]:
        column = target.columns[name]
        del survey.types[name]
        values = [survey.first[point][name] for point in sorted(survey.first)]
        if all(np.array_equal(values[0], one) for one in values):
            _small(file, hashed, name, column.dims, values[0], column.attrs)
            continue
        # A point none of whose members finished has no value.
        table = np.full((int(np.prod(shape[:-1])), *values[0].shape), _fill(values[0].dtype))
        for point, arrays in survey.first.items():
            table[point] = arrays[name]
        table = table.astype(values[0].dtype).reshape(*shape[:-1], *values[0].shape)
        _small(file, hashed, name, (*grid[:-1], *column.dims), table, column.attrs)


def _owners(target: Target, survey: _Survey) -> dict[str, Array]:
    """Let each entry along a ragged dimension say whose it is; return its variables, and counts by member."""
    owners = {}
    for dim, counts in survey.counts.items():
        name = _owner(dim)
        attrs = {"units": "1", "long_name": f"member that the entry along {dim} belongs to"}
        target.columns[name] = Column(dims=(dim,), attrs=attrs, kind="ragged")
        survey.types[name] = np.dtype(np.int32).str
        owners[name] = counts
    return owners


def _owner(dim: str) -> str:
    return f"{dim}_member"


def _small(
    file: Any, hashed: ContentHash, name: str, dims: Sequence[str], values: Any, attrs: Mapping[str, Any]
) -> None:
    values = np.asarray(values)
    text = values.dtype.kind in "OUST"
    for dim, size in zip(dims, values.shape, strict=True):
        if dim not in file.dimensions:
            file.createDimension(dim, size)
    variable = file.createVariable(name, str if text else values.dtype, tuple(dims))
    variable.setncatts(dict(attrs))
    variable[...] = values.astype(object) if text else values
    hashed.declare(name, "text" if text else dtype_text(values.dtype), tuple(dims), values.shape)
    hashed.add(name, values)


class _Stream:
    """Writes one variable in whole chunks, as its values come."""

    def __init__(self, file: Any, target: Target, survey: _Survey, name: str, hashed: ContentHash) -> None:
        self.name, self.column, self.hashed = name, target.columns[name], hashed
        self.dtype = np.dtype(survey.types[name])
        self.grid = [size for _, size in target.grid]
        self.ragged = self.column.kind == "ragged"
        inner = self.column.dims[1:] if self.ragged else self.column.dims
        self.shape = tuple(survey.sizes[dim] for dim in inner)
        lead = (self.column.dims[0],) if self.ragged else tuple(dim for dim, _ in target.grid)
        dims = (*lead, *inner)
        sizes = tuple(len(file.dimensions[dim]) for dim in dims)
        width = max(int(np.prod(self.shape)) * self.dtype.itemsize, 1)
        rows = (
            max(CHUNK_BYTES // width, 1) if self.ragged else min(MEMBER_CHUNK, max(CHUNK_BYTES // width, 1))
        )
        self.rows = max(min(rows, sizes[len(lead) - 1]), 1)
        options: dict[str, Any] = {}
        if 0 not in sizes:
            options["chunksizes"] = (*[1] * (len(lead) - 1), self.rows, *self.shape)
        if target.compression:
            options |= {"compression": "zlib", "complevel": target.compression, "shuffle": True}
        self.variable = file.createVariable(name, self.dtype, dims, **options)
        # Whole chunks are written, so a cache would only cost memory: 64 MB a variable. One byte turns it
        # off; 0 means the default.
        self.variable.set_var_chunk_cache(size=1, nelems=1)
        attrs = dict(self.column.attrs)
        if self.ragged and name != _owner(dims[0]):
            attrs["comment"] = f"entries of all members in turn; {_owner(dims[0])} says whose each is"
        self.variable.setncatts(attrs)
        hashed.declare(name, dtype_text(self.dtype), dims, sizes)
        self.counts = survey.counts.get(self.column.dims[0]) if self.ragged else None
        self.waiting: list[Array] = []
        self.size, self.place = 0, 0

    def append(self, arrays: Mapping[str, Array], number: int) -> None:
        """Take the array of the next member; one without a result adds its fill value, or nothing."""
        value = arrays.get(self.name)
        if self.counts is not None:
            if value is None or not len(value):
                return
            value = self._padded(value, len(value))
        else:
            value = self._padded(value)[None]
        self.waiting.append(value)
        self.size += len(value)
        if self.size >= self.rows:
            self.flush()

    def flush(self, last: bool = False) -> None:
        """Write the whole chunks that wait, and the rest of them when it is the last time."""
        if not self.size:
            return
        values = np.concatenate(self.waiting) if len(self.waiting) > 1 else self.waiting[0]
        number = self.size if last else self.size - (self.place + self.size) % self.rows
        if number <= 0:
            self.waiting = [values]
            return
        self._put(values[:number])
        rest = values[number:]
        self.waiting, self.size = ([rest.copy()] if len(rest) else []), len(rest)

    def _put(self, values: Array) -> None:
        self.hashed.add(self.name, values)
        if self.ragged:
            self.variable[self.place : self.place + len(values)] = values
            self.place += len(values)
            return
        while len(values):
            point, begin = divmod(self.place, self.grid[-1])
            part = values[: self.grid[-1] - begin]
            where = (*np.unravel_index(point, self.grid[:-1]), slice(begin, begin + len(part)))
            self.variable[where if len(where) > 1 else where[0]] = part
            self.place, values = self.place + len(part), values[len(part) :]

    def _padded(self, value: Array | None, *rows: int) -> Array:
        shape = (*rows, *self.shape)
        if value is not None and value.shape == shape:
            return value.astype(self.dtype, copy=False)
        whole = np.full(shape, _fill(self.dtype), self.dtype)
        if value is not None:
            whole[tuple(slice(0, size) for size in value.shape)] = value
        return whole


def _fill(dtype: Any) -> float:
    """Return what stands for members without a result, and beyond the end of shorter ones."""
    return np.nan if np.dtype(dtype).kind == "f" else -1


def _provenance(file: Any, survey: _Survey, target: Target) -> None:
    """Write what differs between runs: times, hosts, memory. It does not enter the hash."""
    group = file.createGroup("provenance")
    dims, shape = tuple(name for name, _ in target.grid), tuple(size for _, size in target.grid)
    rows = {
        "wall_time": (survey.wall, "s", "wall time of the member"),
        "peak_memory": (survey.peak, "byte", "largest memory of its process so far"),
        "host": (survey.host, "1", "index of its host along hosts"),
    }
    for name, (values, units, long_name) in rows.items():
        variable = group.createVariable(name, values.dtype, dims, compression="zlib")
        variable.setncatts({"units": units, "long_name": long_name})
        variable[...] = values.reshape(shape)
    group.createDimension("hosts", len(survey.hosts))
    names = group.createVariable("host_name", str, ("hosts",))
    if survey.hosts:
        names[...] = np.array(list(survey.hosts), object)
