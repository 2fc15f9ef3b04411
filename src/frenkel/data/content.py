"""Hash of what a file says: its variables, whatever the versions of the libraries that wrote it.

Files come from strangers and from failing disks, and there are damaged ones from which the HDF5 library does
not come back. So a file is first read in a process of its own, which is killed when it gives no sign of life,
and its hash is compared with the one that it carries.
"""

import contextlib
import hashlib
import json
import os
import select
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..escape import shell
from . import forms, netcdf, sizes
from .columns import ResultArrays

BLOCK = 8 << 20  # bytes read at once
ATTRIBUTE = "content_hash"
PATIENCE = 30.0  # s without a sign of life from the library


class ContentError(OSError):
    """A file cannot be read, or does not hold what it says; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class StoredHash:
    """Two content hashes of a file.

    Parameters
    ----------
    path : Path
    found : str
        Of its variables as they are.
    carried : str
        That it says it has; empty where it says nothing, as files that other programs wrote.
    """

    path: Path
    found: str
    carried: str

    def check(self) -> str:
        """Return the hash.

        Raises
        ------
        ContentError
            The two differ.
        """
        if self.carried not in ("", self.found):
            cure = remedy(self.path) or f"; if you changed it yourself, remove its attribute {ATTRIBUTE}"
            raise ContentError(
                f"{self.path} was damaged or changed after it was written: its content is {self.found:.12}, "
                f"but it says {self.carried:.12}{cure}"
            )
        return self.found


class ContentHash:
    """SHA-256 over name, type, dimensions, shape and values of every variable, in the order of their names.

    Values may come in pieces, each variable's in its own order; attributes do not count.
    """

    def __init__(self) -> None:
        self.heads: dict[str, str] = {}
        self.sums: dict[str, Any] = {}

    def declare(self, name: str, dtype: str, dims: tuple[str, ...], shape: tuple[int, ...]) -> None:
        """Begin a variable; ``dtype`` is that of its values, or "text"."""
        self.heads[name] = f"{name} {dtype} {' '.join(dims)} {' '.join(map(str, shape))}"
        self.sums[name] = hashlib.sha256()

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Go on with the values of a variable."""
        if values.dtype.kind in "OUST":
            self.sums[name].update(b"".join(str(value).encode() + b"\0" for value in values.ravel()))
        else:
            little = values.astype(values.dtype.newbyteorder("<"), copy=False)
            self.sums[name].update(np.ascontiguousarray(little).data.cast("B") if little.size else b"")

    def hexdigest(self) -> str:
        """Return the hash as 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for name in sorted(self.heads):
            digest.update(f"{self.heads[name]} {self.sums[name].hexdigest()}\n".encode())
        return digest.hexdigest()


def dtype_text(dtype: Any) -> str:
    """Return the type of values as the hash knows it: "<f8", "|i1", or "text"."""
    kind = np.dtype(dtype) if dtype is not str else None
    return "text" if kind is None or kind.kind in "OUST" else kind.newbyteorder("<").str


def of_columns(columns: ResultArrays) -> str:
    """Return the content hash that a file of these variables has."""
    computed = ContentHash()
    for name, column in columns.variables.items():
        computed.declare(name, dtype_text(column.dtype), column.dims, column.values.shape)
        computed.add(name, column.values)
    return computed.hexdigest()


def of_file(path: Path) -> str:
    """Return the content hash of a netCDF file; groups, which hold how it was made, do not count.

    For files of this process; :func:`read` is for others.

    Raises
    ------
    OSError
        It cannot be read, or is no netCDF file.
    """
    return _hashes(path, lambda: None)[0]


def read(path: Path) -> StoredHash:
    """Return the content hash of any netCDF file, and that which it carries.

    A file is read once by a process, unless it changes. It is read in a child that is forked off, where that
    is safe: not under MPI, and not while other threads run.

    Raises
    ------
    ContentError
        It cannot be read, or reading it hangs or kills the library.
    """
    stat = path.stat()
    key = (os.path.realpath(path), stat.st_size, stat.st_mtime_ns)
    if key not in _known:
        if forms.form_of(path) != "netcdf":
            raise ContentError(forms.not_netcdf(path))
        forks = threading.active_count() == 1 and "mpi4py.MPI" not in sys.modules
        answer = (_apart if forks else _answer)(path)
        if "error" in answer:
            raise ContentError(f"{path} {answer['error']}{remedy(path)}")
        _known[key] = answer["found"], answer["carried"]
    return StoredHash(path, *_known[key])


_known: dict[tuple[str, int, int], tuple[str, str]] = {}


def check(path: Path) -> str:
    """Return the content hash of any netCDF file, compared with that which it carries.

    Raises
    ------
    ContentError
        As :func:`read`; or it does not hold what it says.
    """
    return read(path).check()


def remedy(path: Path) -> str:
    """Return how to make a merged file again, "" where that cannot be."""
    folder = forms.run_folder(path)
    command = shell("frenkel", "merge", str(path), "-o", str(path), "--force")
    words = f"; `{command}` makes it again from {folder}"
    return words if folder.is_dir() else ""


def _hashes(path: Path, alive: Callable[[], object]) -> tuple[str, str]:
    """Return the hash of a file and the one that it carries; call ``alive`` now and then."""
    computed = ContentHash()
    size, texts = path.stat().st_size, 0
    with netcdf.direct(path, "r") as file:
        carried = str(getattr(file, ATTRIBUTE, ""))
        file.set_auto_maskandscale(False)
        for name, variable in file.variables.items():
            alive()
            computed.declare(name, dtype_text(variable.dtype), variable.dimensions, variable.shape)
            for block in _blocks(variable, size):
                values = np.asarray(block)
                texts += sum(len(str(text)) for text in values.ravel()) if values.dtype.kind == "O" else 0
                if texts > size:
                    # Letters are not packed, but many entries may refer to the same.
                    words = "it holds more letters than the file has bytes"
                    raise sizes.SizeError(f"{path} cannot be read: {words}")
                computed.add(name, values)
                alive()
    return computed.hexdigest(), carried


def _answer(path: Path, alive: Callable[[], object] = lambda: None) -> dict[str, str]:
    try:
        computed, carried = _hashes(path, alive)
    except sizes.SizeError as error:
        return {"error": str(error).removeprefix(f"{path} ")}
    except Exception as error:  # whatever the library makes of damaged bytes
        reason = " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())
        return {"error": f"cannot be read, it is truncated or damaged ({reason})"}
    return {"found": computed, "carried": carried}


def _apart(path: Path) -> dict[str, str]:
    """Read a file in a child, which writes a dot for every sign of life and its answer at the end."""
    ours, its = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of BLAS, which wait for work
        child = os.fork()
    if not child:
        try:
            os.close(ours)
            os.write(its, json.dumps(_answer(path, lambda: os.write(its, b"."))).encode())
        finally:
            os._exit(0)
    os.close(its)
    try:
        received = _listen(ours)
    finally:
        os.close(ours)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if received is None:
        words = f"does not come back from reading it within {PATIENCE:g} s"
        return {"error": f"is damaged: the HDF5 library {words}"}
    text = received.lstrip(b".")
    if not text:
        died = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "no memory is left"
        return {"error": f"is damaged: the HDF5 library dies of reading it ({died})"}
    answer: dict[str, str] = json.loads(text)
    return answer


def _listen(handle: int) -> bytes | None:
    """Return all that comes through a pipe, None if nothing came for too long."""
    answer = bytearray()
    while select.select([handle], [], [], PATIENCE)[0]:
        part = os.read(handle, 1 << 16)
        if not part:
            return bytes(answer)
        answer += part
    return None


def _blocks(variable: Any, size: int) -> Iterator[Any]:
    """Yield the values of a variable in its order, a few megabytes at a time.

    A text may be as long as the file, of ``size`` bytes.
    """
    if variable.ndim == 0 or 0 in variable.shape:
        yield variable[...]
        return
    width = max(min(size, BLOCK // 16), 64) if variable.dtype is str else variable.dtype.itemsize
    row = max(int(np.prod(variable.shape[1:])) * width, 1)
    step = max(BLOCK // row, 1)
    # Whole chunks, since each read unpacks those that it touches.
    chunks = variable.chunking()
    if isinstance(chunks, list) and step > chunks[0]:
        step -= step % chunks[0]
    for begin in range(0, variable.shape[0], step):
        yield variable[begin : begin + step]
