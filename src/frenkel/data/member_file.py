"""One netCDF file of many members, one after another, in memory that does not grow with their number."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import netcdf
from .content import ATTRIBUTE, ContentHash, dtype_text

CHUNK_BYTES = 1 << 20
MEMBER_CHUNK = 256
OR = " or "
"""Between the names of what has the same place in different points of a sweep, such as species."""

OWNER = np.dtype(np.int32).str
"""Type of the numbers of members to which entries belong."""

Array = NDArray[Any]
"""Array of a member, of any type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberColumn:
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
class Target:
    """What the merged file is to be.

    Attributes
    ----------
    grid : list of (str, int)
        Dimensions over which the members go, the last one fastest.
    columns : dict of str to MemberColumn
    coordinates : dict of str to (dims, values, attrs)
        Variables that do not come from members.
    attrs : dict
    compression : int
        Level of zlib, 0 to 9; 0 for none.
    stride : int
        Members of the points of a sweep are numbered in steps of this.
    along_members : sequence of str
        Those of the coordinates that are no dimensions, and are coordinates for xarray too.
    """

    grid: list[tuple[str, int]]
    columns: dict[str, MemberColumn]
    coordinates: dict[str, tuple[tuple[str, ...], Any, dict[str, Any]]]
    attrs: dict[str, Any]
    compression: int = 1
    stride: int = 2**62
    along_members: Sequence[str] = ()


class MemberContents:
    """What must be known before writing: types, sizes, and how much of each ragged dimension a member has.

    Parameters
    ----------
    target : Target
    count : int
        Number of members.
    """

    def __init__(self, target: Target, count: int) -> None:
        self.columns = target.columns
        self.per_point = target.grid[-1][1]
        self.types: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.texts: dict[str, list[str]] = {}
        self.counts: dict[str, Array] = {}
        self.first: dict[int, dict[str, Array]] = {}  # arrays of the first finished member of each point
        self.wall, self.peak = np.full(count, np.nan), np.full(count, np.nan)
        self.hosts: dict[str, int] = {}
        self.host = np.full(count, -1, np.int32)

    def add_run(self, number: int, head: Mapping[str, Any]) -> None:
        """Take how long a member took (``wall``, s), its memory (``peak``, byte) and its ``host``."""
        self.wall[number] = head.get("wall", np.nan)
        self.peak[number] = head.get("peak", np.nan)
        if "host" in head:
            self.host[number] = self.hosts.setdefault(head["host"], len(self.hosts))

    def is_first(self, number: int) -> bool:
        """Tell whether no member of its point was finished before this one."""
        return number // self.per_point not in self.first

    def add_first(self, number: int, arrays: dict[str, Array], texts: Mapping[str, Sequence[str]]) -> None:
        """Take the arrays and the texts of the first finished member of a point.

        Of texts, what differs from those of points before it is added to them.
        """
        self.first[number // self.per_point] = arrays
        for name, text_values in texts.items():
            known = self.texts.setdefault(name, [])
            known += [""] * (len(text_values) - len(known))
            for place, text in enumerate(text_values):
                if text not in known[place].split(OR):
                    known[place] = f"{known[place]}{OR}{text}" if known[place] else text

    def add_sizes(self, number: int, described: Sequence[tuple[str, str, Sequence[int]]]) -> None:
        """Take name, type and shape of the arrays of a finished member.

        Raises
        ------
        ValueError
            An array has another number of dimensions than its column, or another type than those before.
        """
        for name, dtype, shape in described:
            column = self.columns.get(name)
            if column is None:
                continue
            if len(shape) != len(column.dims):
                raise ValueError(f"{name} must have {len(column.dims)} dimensions, got {len(shape)}")
            self.types.setdefault(name, dtype)
            if dtype != self.types[name]:
                raise ValueError(f"{name} must be of type {self.types[name]}, got {dtype}")
            inner = list(zip(column.dims, shape, strict=True))
            if column.kind == "ragged":
                dim, size = inner.pop(0)
                self.counts.setdefault(dim, np.zeros(len(self.wall), np.int32))[number] = size
            for dim, size in inner:
                self.sizes[dim] = max(self.sizes.get(dim, 0), size)


def write(
    path: Path,
    target: Target,
    contents: MemberContents,
    members: NDArray[np.int64],
    arrays: Callable[[int], dict[str, Array]],
    progress: Callable[[int], None],
) -> str:
    """Write the file and return its content hash.

    Parameters
    ----------
    path : Path
        Written from its start; what writes it beside its name and renames it is up to the caller.
    target : Target
    contents : MemberContents
        Of the same members.
    members : (n,) int64
        Their numbers.
    arrays : callable
        Returns the arrays of a member by its place, {} for one without a result; asked once for each.
    progress : callable
        Called now and then with how many are written.

    Raises
    ------
    OSError
        It cannot be written.
    ValueError
        Contents do not fit each other.
    """
    with netcdf.direct(path, "w") as file:
        file.set_fill_off()
        for name, size in target.grid:
            file.createDimension(name, size)
        hashed = ContentHash()
        _coordinates(file, target, contents, hashed)
        constants = [name for name in contents.types if target.columns[name].kind == "constant"]
        _constants(file, target, contents, hashed, constants)
        owners = {_owner(dim): counts for dim, counts in contents.counts.items()}
        streams = {
            name: _Stream(file, target, contents, hashed, name, target.columns[name], contents.types[name])
            for name in contents.types
            if name not in constants
        }
        streams |= {
            _owner(dim): _Stream(file, target, contents, hashed, _owner(dim), _owner_column(dim), OWNER)
            for dim in contents.counts
        }
        last = time.monotonic()
        for number in range(len(members)):
            columns = arrays(number)
            member = members[number] % target.stride
            columns |= {name: np.full(counts[number], member, np.int32) for name, counts in owners.items()}
            for stream in streams.values():
                stream.append(columns, number)
            if time.monotonic() - last > 0.5:
                last = time.monotonic()
                progress(number + 1)
        for stream in streams.values():
            stream.flush(last=True)
        # By this name xarray knows coordinates that are no dimensions.
        names = (*owners, *target.along_members)
        named = {"coordinates": " ".join(names)} if names else {}
        file.setncatts(target.attrs | named | {ATTRIBUTE: hashed.hexdigest()})
        _provenance(file, contents, target)
    progress(len(members))
    return hashed.hexdigest()


def _coordinates(file: Any, target: Target, contents: MemberContents, hashed: ContentHash) -> None:
    """Write what does not grow with the members' data: coordinates, texts, counts."""
    for dim, size in contents.sizes.items():
        if dim not in file.dimensions:
            file.createDimension(dim, size)
    grid = tuple(name for name, _ in target.grid)
    shape = tuple(size for _, size in target.grid)
    for name, texts in contents.texts.items():
        attrs = target.columns[name].attrs if name in target.columns else {}
        _small(file, hashed, name, (name,), np.array(texts, object), attrs)
    for name, (dims, values, attrs) in target.coordinates.items():
        _small(file, hashed, name, dims, values, attrs)
    for dim, counts in contents.counts.items():
        file.createDimension(dim, int(counts.sum(dtype=np.int64)))
        attrs = {"long_name": f"entries along {dim}", "units": "1", "sample_dimension": dim}
        _small(file, hashed, f"{dim}_count", grid, counts.reshape(shape), attrs)


def _constants(
    file: Any, target: Target, contents: MemberContents, hashed: ContentHash, names: Sequence[str]
) -> None:
    """Write what all members of a point share, once where all points do."""
    grid = tuple(name for name, _ in target.grid)
    shape = tuple(size for _, size in target.grid)
    for name in names:
        column = target.columns[name]
        if any(name not in arrays for arrays in contents.first.values()):
            raise ValueError(f"{name} is not in the first member of every point")
        values = [contents.first[point][name] for point in sorted(contents.first)]
        if all(np.array_equal(values[0], value) for value in values):
            _small(file, hashed, name, column.dims, values[0], column.attrs)
            continue
        # A point none of whose members finished has no value, nor has one with fewer sites beyond them.
        sizes = tuple(max(lengths) for lengths in zip(*(value.shape for value in values), strict=True))
        table = np.full((int(np.prod(shape[:-1])), *sizes), _fill(values[0].dtype))
        for point, arrays in contents.first.items():
            own: tuple[int | slice, ...] = (point, *(slice(length) for length in arrays[name].shape))
            table[own] = arrays[name]
        table = table.astype(values[0].dtype).reshape(*shape[:-1], *sizes)
        _small(file, hashed, name, (*grid[:-1], *column.dims), table, column.attrs)


def _owner(dim: str) -> str:
    return f"{dim}_member"


def _owner_column(dim: str) -> MemberColumn:
    """Return the column by which each entry along a ragged dimension says whose it is."""
    attrs = {"units": "1", "long_name": f"member that the entry along {dim} belongs to"}
    return MemberColumn(dims=(dim,), attrs=attrs, kind="ragged")


def _small(
    file: Any, hashed: ContentHash, name: str, dims: Sequence[str], values: Any, attrs: Mapping[str, Any]
) -> None:
    values = np.asarray(values)
    text = values.dtype.kind in "OUST"
    for dim, size in zip(dims, values.shape, strict=True):
        if dim not in file.dimensions:
            file.createDimension(dim, size)
        if (others := len(file.dimensions[dim])) != size:
            raise ValueError(f"{name} has {size} entries along {dim}, other arrays {others}")
    variable = file.createVariable(name, str if text else values.dtype, tuple(dims))
    variable.setncatts(dict(attrs))
    variable[...] = values.astype(object) if text else values
    hashed.declare(name, "text" if text else dtype_text(values.dtype), tuple(dims), values.shape)
    hashed.add(name, values)


class _Stream:
    """Writes one variable in whole chunks, as its values come."""

    def __init__(
        self, file: Any, target: Target, contents: MemberContents, hashed: ContentHash,
        name: str, column: MemberColumn, dtype: str,
    ) -> None:  # fmt: skip
        self.name, self.column, self.hashed = name, column, hashed
        self.dtype = np.dtype(dtype)
        self.grid = [size for _, size in target.grid]
        self.ragged = self.column.kind == "ragged"
        inner = self.column.dims[1:] if self.ragged else self.column.dims
        self.shape = tuple(contents.sizes[dim] for dim in inner)
        leading_dims = (self.column.dims[0],) if self.ragged else tuple(dim for dim, _ in target.grid)
        dims = (*leading_dims, *inner)
        sizes = tuple(len(file.dimensions[dim]) for dim in dims)
        width = max(int(np.prod(self.shape)) * self.dtype.itemsize, 1)
        rows = (
            max(CHUNK_BYTES // width, 1) if self.ragged else min(MEMBER_CHUNK, max(CHUNK_BYTES // width, 1))
        )
        self.rows = max(min(rows, sizes[len(leading_dims) - 1]), 1)
        options: dict[str, Any] = {}
        if 0 not in sizes:
            options["chunksizes"] = (*[1] * (len(leading_dims) - 1), self.rows, *self.shape)
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
        self.counts = contents.counts.get(self.column.dims[0]) if self.ragged else None
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
        next_values = values[number:]
        self.waiting, self.size = ([next_values.copy()] if len(next_values) else []), len(next_values)

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
        filled = np.full(shape, _fill(self.dtype), self.dtype)
        if value is not None:
            filled[tuple(slice(0, size) for size in value.shape)] = value
        return filled


def _fill(dtype: Any) -> float:
    """Return what stands for members without a result, and beyond the end of shorter ones."""
    return np.nan if np.dtype(dtype).kind == "f" else -1


def _provenance(file: Any, contents: MemberContents, target: Target) -> None:
    """Write what differs between runs: times, hosts, memory. It does not enter the hash."""
    group = file.createGroup("provenance")
    dims, shape = tuple(name for name, _ in target.grid), tuple(size for _, size in target.grid)
    rows = {
        "wall_time": (contents.wall, "s", "wall time of the member"),
        "peak_memory": (contents.peak, "byte", "largest memory of its process so far"),
        "host": (contents.host, "1", "index of its host along hosts"),
    }
    for name, (values, units, long_name) in rows.items():
        variable = group.createVariable(name, values.dtype, dims, compression="zlib")
        variable.setncatts({"units": units, "long_name": long_name})
        variable[...] = values.reshape(shape)
    group.createDimension("hosts", len(contents.hosts))
    names = group.createVariable("host_name", str, ("hosts",))
    if contents.hosts:
        names[...] = np.array(list(contents.hosts), object)
