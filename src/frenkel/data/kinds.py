"""What a file is: by its first bytes, by its ending, and by the mark in a netCDF file.

Ask :func:`.forms.form_of` for the format, which costs one read of a few bytes, :func:`kind_of` for what a
netCDF file holds, and :func:`open` or :func:`load` for the dataset.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from . import content, netcdf
from .forms import Form, form_of, not_netcdf

if TYPE_CHECKING:
    import xarray as xr

Mark = Literal[
    "device", "ensemble", "array", "measured", "tails", "sensitivity", "endurance", "calibration", "study"
]
"""What a netCDF file of frenkel holds: its attribute ``frenkel_kind``; one of a study has ``study``."""

Kind = Form | Mark
"""What a file is; "netcdf" is one of another program."""


class WrongFileError(ValueError):
    """A netCDF file holds another kind than was asked for; the message is one sentence for the user."""


def kind_of(path: str | Path) -> Kind:
    """Return what a file is, "other" where it cannot be read.

    Raises
    ------
    ContentError
        A netCDF file is damaged: such a file may kill the library that opens it.
    """
    source = Path(path)
    try:
        form = form_of(source)
    except OSError:
        return "other"
    if form != "netcdf":
        return form
    content.check(source)
    # By xarray, as all who open it: netCDF-C 4.10 with HDF5 2.2 dies where a file that is open twice
    # through xarray, and closed once, is opened and closed directly, and then opened once more.
    with netcdf.lazy(source) as data:
        return of(data)


def of(data: "xr.Dataset") -> Mark | Literal["netcdf"]:
    """Return the kind of a dataset, "netcdf" where it is none of frenkel's."""
    mark = data.attrs.get("frenkel_kind")
    marks = [name for name in get_args(Mark) if isinstance(mark, str) and name == mark and name != "study"]
    if marks:
        kind: Mark = marks[0]
        return kind
    return "study" if "study" in data.attrs else "netcdf"


def open(path: str | Path, *kinds: Mark, chunks: dict[str, int] | None = None) -> "xr.Dataset":
    """Open a netCDF file; its values are read when they are used.

    Parameters
    ----------
    path : str or Path
        Checked for damage before, where it is of strangers.
    *kinds : str
        What it may hold; by default anything.
    chunks : dict, optional
        See :func:`.netcdf.lazy`.

    Raises
    ------
    WrongFileError
        It holds something else.
    OSError
        It is no netCDF file, or cannot be read.
    """
    if form_of(path) != "netcdf":
        raise OSError(not_netcdf(path))
    data = netcdf.lazy(path, chunks)
    if kinds and of(data) not in kinds:
        data.close()
        mark = data.attrs.get("frenkel_kind", of(data))
        raise WrongFileError(f"{path} holds no {' or '.join(kinds)}, its kind is {mark}")
    return data


def load(path: str | Path, *kinds: Mark) -> "xr.Dataset":
    """Read a netCDF file into memory and close it; parameters and errors are those of :func:`open`."""
    with open(path, *kinds) as data:
        return data.load()
