"""The only calls that open netCDF files: through xarray, and directly where it goes piece by piece.

Libraries are imported by the first file, since most commands open none.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import netCDF4
    import xarray as xr

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
    """
    import xarray as xr  # xarray

    return xr.open_dataset(path, engine="netcdf4", decode_times=False, chunks=chunks)


def direct(path: str | Path, mode: Literal["r", "a", "w"]) -> "netCDF4.Dataset":
    """Open a file without xarray to read ("r"), to change ("a") or to write a new one ("w", netCDF-4).

    Raises
    ------
    OSError
        It cannot be read or written.
    """
    import netCDF4  # the netCDF and HDF5 libraries

    return netCDF4.Dataset(path, mode)
