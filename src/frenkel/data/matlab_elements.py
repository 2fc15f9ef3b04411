"""Elements of MATLAB files of version 5 to 7: how much they hold and how deep, before scipy reads them."""

import io
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

MATRIX, COMPRESSED = 14, 15
"""Kinds of elements: an array, and one that is packed."""

DEEPEST = 32
"""Most structures within each other."""


def load(data: bytes, most: int) -> dict[str, Any]:
    """Return the variables of a file; structures are dictionaries.

    Parameters
    ----------
    data : bytes
        Of the whole file.
    most : int
        Most bytes of packed elements, unpacked.

    Raises
    ------
    ValueError
        They have more bytes, arrays lie within each other more than :data:`DEEPEST` times, or it is damaged.
    """
    from scipy import io as scipy_io  # only files of MATLAB need it

    for element in _elements(data, most):
        _check_depth(element)
    try:
        shapes = scipy_io.whosmat(io.BytesIO(data))
        size = sum(8 * int(np.prod(shape, dtype=float)) for _, shape, _ in shapes)
        if size > 8 * max(most, len(data)):  # a byte becomes a number of eight
            raise ValueError(f"may hold at most {most} bytes in arrays, it declares {size}")
        found: dict[str, Any] = scipy_io.loadmat(io.BytesIO(data), simplify_cells=True)
    except ValueError:
        raise
    except Exception as error:  # whatever scipy makes of damaged bytes
        raise ValueError(f"cannot be read: {error or type(error).__name__}") from None
    return found


def _elements(data: bytes, most: int) -> Iterator[bytes]:
    """Yield the elements of a file of version 5 to 7, unpacked.

    Raises
    ------
    ValueError
        They have more bytes than ``most``.
    """
    order = "<u4" if data[126:128] == b"IM" else ">u4"
    begin = 128
    while begin + 8 <= len(data):
        kind, length = (int(word) for word in np.frombuffer(data, order, 2, begin))
        element = data[begin : begin + 8 + length]
        if kind == COMPRESSED:
            try:
                element = zlib.decompressobj().decompress(element[8:], most + 1)
            except zlib.error as error:
                raise ValueError(f"cannot be unpacked: {error}") from None
            most -= len(element)
            if most < 0:
                raise ValueError("unpacks to more than 100 times its bytes, which no measurement does")
        yield np.frombuffer(element[: len(element) // 4 * 4], order).astype("<u4").tobytes()
        begin += 8 + length


def _check_depth(element: bytes) -> None:
    """Raise ValueError if arrays lie within arrays more than :data:`DEEPEST` times: scipy dies of it."""
    words = np.frombuffer(element[: len(element) // 8 * 8], "<u4").reshape(-1, 2)
    ends: list[int] = []
    for place in np.flatnonzero(words[:, 0] == MATRIX):
        begin, end = 8 * int(place), 8 * int(place) + 8 + int(words[place, 1])
        while ends and ends[-1] <= begin:
            ends.pop()
        if not ends or end <= ends[-1]:
            ends.append(end)
        if len(ends) > DEEPEST:
            raise ValueError(f"must have at most {DEEPEST} structures within each other")
