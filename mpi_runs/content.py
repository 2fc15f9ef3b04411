"""Hash of what a file says: its variables, whatever the versions of the libraries that wrote it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 8 << 20  # bytes read at once
ATTRIBUTE = "content_hash"


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
            self.sums[name].update(b"".join(str(one).encode() + b"\0" for one in values.ravel()))
        else:
            little = values.astype(values.dtype.newbyteorder("<"), copy=False)
            self.sums[name].update(np.ascontiguousarray(little).data.cast("B") if little.size else b"")

    def hexdigest(self) -> str:
        """Return the hash as 64 hexadecimal digits."""
        whole = hashlib.sha256()
        for name in sorted(self.heads):
            whole.update(f"{self.heads[name]} {self.sums[name].hexdigest()}\n".encode())
        return whole.hexdigest()


def dtype_text(dtype: Any) -> str:
    """Return the type of values as the hash knows it: "<f8", "|i1", or "text"."""
    kind = np.dtype(dtype) if dtype is not str else None
    return "text" if kind is None or kind.kind in "OUST" else kind.newbyteorder("<").str


def of_file(path: Path) -> str:
    """Return the content hash of a netCDF file; groups, which hold how it was made, do not count.

    Raises
    ------
    OSError
        It cannot be read, or is no netCDF file.
    """
    import netCDF4

    found = ContentHash()
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        for name, variable in file.variables.items():
            found.declare(name, dtype_text(variable.dtype), variable.dimensions, variable.shape)
            for block in _blocks(variable):
                found.add(name, np.asarray(block))
    return found.hexdigest()


def _blocks(variable: Any) -> Iterator[Any]:
    """Yield the values of a variable in its order, a few megabytes at a time."""
    if variable.ndim == 0 or 0 in variable.shape:
        yield variable[...]
        return
    width = 64 if variable.dtype is str else variable.dtype.itemsize
    row = max(int(np.prod(variable.shape[1:])) * width, 1)
    step = max(BLOCK // row, 1)
    # Whole chunks, since each read unpacks those that it touches.
    chunks = variable.chunking()
    if isinstance(chunks, list) and step > chunks[0]:
        step -= step % chunks[0]
    for begin in range(0, variable.shape[0], step):
        yield variable[begin : begin + step]
