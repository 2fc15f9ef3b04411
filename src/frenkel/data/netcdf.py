"""The only calls that open netCDF files: through xarray, and directly where it goes piece by piece.

A file that declares more than it can hold (:mod:`.sizes`) is refused. Libraries are imported by the first
file, since most commands open none.
"""

import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from . import sizes

if TYPE_CHECKING:
    import netCDF4
    import xarray as xr
    from xarray.backends import CachingFileManager

    from .columns import ResultArrays

MAGIC = (b"\x89HDF\r\n\x1a\n", b"CDF")
"""First bytes of netCDF-4 and of the classic format."""


def lazy(path: str | Path, chunks: dict[str, int] | None = None) -> "xr.Dataset":
    """Return a dataset whose values are read when they are used; times stay numbers in their unit.

    Parameters
    ----------
    path : str or Path
    chunks : dict, optional
        Of dask arrays, {} for those of the file; None: no dask arrays.

    Raises
    ------
    OSError
        It cannot be read.
    SizeError
        It declares more values than its size can hold.
    """
    import xarray as xr  # xarray
    from xarray.backends import NetCDF4DataStore
    from xarray.backends.store import StoreBackendEntrypoint

    def opened(chunks: dict[str, int] | None) -> "xr.Dataset":
        try:
            store = NetCDF4DataStore(_shared(path))  # type: ignore[no-untyped-call]
            data = xr.open_dataset(store, engine=StoreBackendEntrypoint, decode_times=False, chunks=chunks)
        except AttributeError as error:  # by the library, of an attribute that it cannot read
            raise OSError(f"{path} cannot be read: {error}") from None
        data.encoding["source"] = os.path.abspath(path)
        return data

    data = opened(None)
    try:
        _check(
            path,
            {str(name): (variable.shape, _written(variable)) for name, variable in data.variables.items()},
        )
    except sizes.SizeError:
        data.close()
        raise
    if chunks is None:
        return data
    data.close()  # dask would lay out every chunk that is declared, so only now
    return opened(chunks)


def _shared(path: str | Path) -> "CachingFileManager[Any]":
    """Return xarray's manager of a file, which keeps one handle for all datasets of it in this process.

    A process that opens a file with a text variable three times with NetCDF-C 4.9 to 4.10, closes two handles
    and opens another one ends in a segmentation fault. If one dataset closes the handle, the next read of
    another one opens it again.
    """
    import netCDF4  # the netCDF and HDF5 libraries
    from xarray.backends import CachingFileManager  # xarray, with the first file
    from xarray.backends.netCDF4_ import NETCDF4_PYTHON_LOCK

    stat, opener = os.stat(path), cast(Any, netCDF4.Dataset)
    return CachingFileManager(
        opener,
        os.path.abspath(path),
        mode="r",
        lock=NETCDF4_PYTHON_LOCK,
        manager_id=f"{stat.st_dev} {stat.st_ino}",
    )


def direct(path: str | Path, mode: Literal["r", "a", "w"]) -> "netCDF4.Dataset":
    """Open a file without xarray to read ("r"), to change ("a") or to write a new one ("w", netCDF-4).

    Raises
    ------
    OSError
        It cannot be read or written.
    SizeError
        It is to be read, and declares more values than its size can hold.
    """
    import netCDF4  # the netCDF and HDF5 libraries

    if mode == "r" and "xarray" in sys.modules and os.path.exists(path):
        _shared(path).close()  # see there: two handles may be one too many
    file = netCDF4.Dataset(path, mode)
    if mode == "r":
        try:
            _check(
                path, {name: (variable.shape, variable.dtype) for name, variable in file.variables.items()}
            )
        except sizes.SizeError:
            file.close()
            raise
    return file


def write(columns: "ResultArrays", path: Path, more: Mapping[str, Any]) -> None:
    """Write a result, and ``more`` attributes of the file, as compressed netCDF-4, as xarray would.

    Raises
    ------
    OSError
        It cannot be written.
    """
    of_each, of_none = columns.named_coordinates()
    with direct(path, "w") as file:
        for name, size in columns.sizes.items():
            file.createDimension(name, size)
        for name, column in columns.variables.items():
            # Text has no fixed width in netCDF-4 and cannot be compressed.
            text = column.dtype.kind not in "fi"
            packed: Any = {} if text or not column.dims else {"zlib": True, "complevel": 4, "shuffle": True}
            dtype: Any = str if text else column.dtype
            variable = file.createVariable(name, dtype, column.dims, **packed)
            own = {"coordinates": of_each[name]} if of_each.get(name) else {}
            _set_attributes(variable, column.attrs | own)
            variable[...] = column.values.astype(object) if text else column.values
        _set_attributes(file, columns.attrs | ({"coordinates": of_none} if of_none else {}) | dict(more))


def _set_attributes(target: Any, attrs: Mapping[str, Any]) -> None:
    """Set attributes of a file or a variable; a list of texts stays one."""
    for name, value in attrs.items():
        if isinstance(value, (list, tuple)) and value and all(isinstance(text, str) for text in value):
            target.setncattr_string(name, list(value))
        else:
            target.setncattr(name, value)


def _check(path: str | Path, variables: Mapping[str, tuple[tuple[int, ...], Any]]) -> None:
    """Raise SizeError if shapes and types of variables declare more than their file can hold."""
    declared = {name: math.prod(shape) * _width(dtype) for name, (shape, dtype) in variables.items()}
    if declared:
        largest = max(declared, key=lambda name: declared[name])
        try:
            sizes.check(sum(declared.values()), Path(path).stat().st_size, largest)
        except sizes.SizeError as error:
            raise sizes.SizeError(f"{path} cannot be read: {error}") from None


def _written(variable: "xr.Variable") -> Any:
    """Return the type of a variable of xarray in its file: integers with a scale are fractions in memory."""
    return variable.dtype if variable.dtype.kind in "SOUT" else variable.encoding.get("dtype", variable.dtype)


def _width(dtype: Any) -> int:
    """Return the bytes of a value; of a text those of its reference."""
    return sizes.REFERENCE if dtype is str or dtype.kind == "O" else max(int(dtype.itemsize), 1)
