"""Results on disk: netCDF written beside its name and renamed, checked when read.

A file under its final name is always whole: it is written under a temporary name in the same
folder, flushed to the disk, read back, and only then renamed. Checkpoints are written the same way.
"""

import errno
import glob
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import explain, reason
from . import content, forms, kinds, netcdf
from .columns import ResultArrays
from .layout import Layout
from .schema import LAYOUT
from .stopping import held_back

if TYPE_CHECKING:
    import xarray as xr

CHECKPOINT_VERSION = 2


class StoreError(OSError):
    """A result could not be written or read; the message is one sentence for the user."""


def save(
    result: "xr.Dataset | ResultArrays", path: str | Path, *, force: bool = False, layout: Layout = LAYOUT
) -> Path:
    """Write a result as compressed netCDF-4, whole or not at all.

    Parameters
    ----------
    result : xarray.Dataset or ResultArrays
        Checked against its layout first.
    path : str or Path
        Name of the file.
    force : bool
        Replace an existing file.
    layout : Layout
        That of a device by default.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    SchemaError
        The dataset does not have the layout.
    StoreError
        The file exists, its folder cannot be written, or the disk is full.
    """
    layout.check(result)
    columns = result if isinstance(result, ResultArrays) else ResultArrays.of(result)
    target = writable(path, force=force)
    _beside(target, lambda temporary: _write(columns, temporary))
    return target


def save_table(table: "xr.Dataset", path: str | Path, *, force: bool = False) -> Path:
    """Write a dataset that has no layout, such as that of a study, whole or not at all.

    Parameters, return value and errors are those of :func:`save`; nothing is checked.
    """
    target = writable(path, force=force)
    _beside(target, lambda temporary: _write_table(table, temporary))
    return target


def save_tree(tree: "xr.DataTree", path: str | Path, *, force: bool = False) -> Path:
    """Write datasets as groups of one netCDF file for other programs, whole or not at all.

    Parameters, return value and errors are those of :func:`save`; nothing is checked.
    """
    target = writable(path, force=force)
    _beside(target, lambda temporary: tree.to_netcdf(temporary, engine="netcdf4"))
    return target


def load(path: str | Path, layout: Layout = LAYOUT) -> "xr.Dataset":
    """Read a result into memory and check its layout.

    Parameters
    ----------
    path : str or Path
    layout : Layout
        That of a device by default.

    Returns
    -------
    xarray.Dataset
        Holds no open file.

    Raises
    ------
    StoreError
        There is no such file, it is no netCDF file, it is truncated, or it does not hold what it says.
    SchemaError
        It is another version, or has another layout.
    """
    source = readable(path)
    if forms.form_of(source) != "netcdf":
        raise StoreError(forms.not_netcdf(source))
    try:
        content.check(source)
    except content.ContentError as error:
        raise StoreError(str(error)) from None
    try:
        with held_back():
            result = kinds.load(source)
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError) as error:
        raise StoreError(f"{source} cannot be read, it is truncated or damaged ({reason(error)})") from error
    result.attrs.pop(content.ATTRIBUTE, None)  # of the file; what is made of this result is another
    layout.check(result, str(source))
    return result


def writable(path: str | Path, *, force: bool = False) -> Path:
    """Raise an error unless a file of this name could be written now; return its path.

    Called before a long run, so that a wrong name is known at once.

    Raises
    ------
    StoreError
        The file exists and ``force`` is not set, its folder does not exist, or may not be written.
    """
    target = Path(path)
    final = target.resolve() if target.is_symlink() else target
    if target.is_dir():
        raise StoreError(f"{target} is a folder, not a file")
    if target.exists() and not force:
        raise StoreError(f"{target} exists already; choose another name or pass --force (force=True)")
    if not final.parent.is_dir():
        raise StoreError(f"there is no folder {final.parent} to write {target.name} into")
    probe = _temporary(final)
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {reason(error)}") from error
    return target


def write_bytes(content: bytes, path: str | Path) -> Path:
    """Write any file, whole or not at all; an existing one is replaced.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    target = Path(path)
    _beside(target, lambda temporary: temporary.write_bytes(content))
    return target


def save_checkpoint(tree: dict[str, Any], path: str | Path) -> Path:
    """Write nested dicts and lists of numbers, text and arrays, whole or not at all.

    Parameters
    ----------
    tree : dict
        Keys are text; leaves are None, bool, int (of any size), float, str or numpy arrays.
    path : str or Path
        An existing file is replaced.

    Returns
    -------
    Path

    Raises
    ------
    StoreError
        The file cannot be written.
    TypeError
        A leaf is of another type.
    """
    target, packed = Path(path), pack(tree)
    _beside(target, lambda temporary: temporary.write_bytes(packed))
    return target


def pack(tree: dict[str, Any]) -> bytes:
    """Return the content of a checkpoint, as :func:`save_checkpoint` writes it."""
    arrays: list[np.ndarray[Any, Any]] = []
    skeleton = json.dumps({"version": CHECKPOINT_VERSION, "tree": _flatten(tree, arrays)})
    buffer = io.BytesIO()
    named: dict[str, Any] = {f"array{i}": value for i, value in enumerate(arrays)}
    with held_back():  # within it, an interruption would come out as an error of the zip file
        np.savez(buffer, skeleton=np.array(skeleton), **named)
    return buffer.getvalue()


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read what :func:`save_checkpoint` wrote.

    Raises
    ------
    StoreError
        There is no such file, or it is damaged or of another version.
    """
    source = readable(path)
    return unpack(source, str(source))


def unpack(file: Path | io.BytesIO, source: str) -> dict[str, Any]:
    """Return what a checkpoint holds; errors name it by its source."""
    try:
        size = file.stat().st_size if isinstance(file, Path) else len(file.getbuffer())
        with np.load(file, allow_pickle=False) as archive:
            # A checkpoint is not packed.
            if (declared := sum(entry.file_size for entry in archive.zip.infolist())) > size:
                raise StoreError(f"it declares {declared} bytes, the file has {size}")
            # All checksums, since numpy reads no further than the shape that an array says it has.
            if (damaged := archive.zip.testzip()) is not None:
                raise StoreError(f"the checksum of {damaged} is wrong")
            head = json.loads(str(archive["skeleton"]))
            arrays = [archive[f"array{i}"] for i in range(len(archive.files) - 1)]
            version, tree = head["version"], _unflatten(head["tree"], arrays)
    except Exception as error:  # whatever zipfile, numpy and json make of damaged bytes
        raise StoreError(f"checkpoint {source} cannot be read ({reason(error)})") from error
    if version != CHECKPOINT_VERSION:
        raise StoreError(
            f"checkpoint {source} has version {version}, this frenkel reads {CHECKPOINT_VERSION}"
        )
    return dict(tree)


def _write(columns: ResultArrays, path: Path) -> None:
    """Write a result with the hash of its content."""
    digest = content.of_columns(columns)
    with held_back():
        netcdf.write(columns, path, {content.ATTRIBUTE: digest})
    _read_back(path, digest)


def _read_back(path: Path, digest: str) -> None:
    """Raise an error unless a file holds what was written: HDF5 may meet a full disk without an error."""
    if content.of_file(path) != digest:
        raise OSError("what was written does not read back")


def _write_table(result: "xr.Dataset", path: Path) -> None:
    # Text has no fixed width in netCDF-4 and cannot be compressed.
    encoding: dict[str, dict[str, Any]] = {
        str(name): {"zlib": True, "complevel": 4, "shuffle": True}
        for name, array in result.variables.items()
        if array.dtype.kind in "fi" and array.ndim
    }
    # NaN means something only where the schema says so; a fill value would turn integers into floats.
    for name in result.variables:
        encoding.setdefault(str(name), {})["_FillValue"] = None
    with held_back():
        result.to_netcdf(path, engine="netcdf4", format="NETCDF4", encoding=encoding)
    digest = content.of_file(path)
    with netcdf.direct(path, "a") as written:
        written.setncattr(content.ATTRIBUTE, digest)
    _read_back(path, digest)


def _beside(target: Path, write: Callable[[Path], object]) -> None:
    """Write through a temporary name in the same folder, flush to the disk, then rename; follow links."""
    final = target.resolve() if target.is_symlink() else target
    temporary = _temporary(final)
    try:
        write(temporary)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(final)
        _clear_leftovers(final)
        _sync_folder(final.parent)
    except (OSError, RuntimeError) as error:
        raise StoreError(f"{target} cannot be written: {explain(error, final.parent)}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut; some file systems cannot, and then it is left at that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def _clear_leftovers(target: Path) -> None:
    """Remove what processes that were killed while they wrote this file have left beside it."""
    for leftover in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        number = leftover.name.split(".")[-2]
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            leftover.unlink(missing_ok=True)
        except (ValueError, PermissionError):
            continue  # not ours, or alive under another user


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def readable(path: str | Path) -> Path:
    """Return the path of a file that can be read.

    Raises
    ------
    StoreError
        There is none, it is a folder or empty, or it may not be read.
    """
    source = Path(path)
    if source.is_dir():
        raise StoreError(f"{source} is a folder, not a file")
    if not source.exists():
        raise StoreError(f"there is no file {source}")
    if not os.access(source, os.R_OK):
        raise StoreError(f"{source} may not be read")
    if source.stat().st_size == 0:
        raise StoreError(f"{source} is empty")
    return source


def form_of(data: "str | Path | xr.Dataset") -> forms.Form:
    """Return the format of a readable file, "netcdf" for a dataset; errors are those of :func:`readable`."""
    return forms.form_of(readable(data)) if isinstance(data, (str, Path)) else "netcdf"


def kind_of(path: str | Path) -> kinds.Kind:
    """Return what a readable file is; errors are those of :func:`readable` and :func:`.kinds.kind_of`."""
    return kinds.kind_of(readable(path))


def _flatten(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """Replace arrays in a tree by their number, so that the rest is JSON."""
    if isinstance(value, dict):
        return {str(key): _flatten(child, arrays) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_flatten(child, arrays) for child in value]
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError("a checkpoint cannot hold an array of Python objects")
        arrays.append(value)
        return {"__array__": len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a checkpoint cannot hold a {type(value).__name__}")


def _unflatten(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"__array__"}:
            return arrays[value["__array__"]]
        return {key: _unflatten(child, arrays) for key, child in value.items()}
    if isinstance(value, list):
        return [_unflatten(child, arrays) for child in value]
    return value
