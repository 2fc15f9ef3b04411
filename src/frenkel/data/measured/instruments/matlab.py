"""MATLAB .mat files to version 7: vectors are columns; matrices of one shape have a column for each sweep."""

from typing import Any

import numpy as np
import pandas

from ... import matlab_elements
from .source import Instrument, Recording, Source

WORDS = (b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file")


def _recognises(source: Source) -> bool:
    return source.data.startswith(WORDS)


def _parse(source: Source) -> Recording:
    if source.data.startswith(WORDS[1]):
        raise ValueError("is of MATLAB 7.3: save it with save(..., '-v7')")
    arrays = _numbers(matlab_elements.load(source.data, source.most))
    count: dict[tuple[int, ...], int] = {}
    for array in arrays.values():
        count[array.shape] = count.get(array.shape, 0) + array.size
    if not count:
        raise ValueError("holds no array of numbers")
    shape = max(count, key=lambda key: (count[key], key))
    fitting_arrays = {name: array for name, array in arrays.items() if array.shape in (shape, shape[:1])}
    frame = pandas.DataFrame(
        {name: np.broadcast_to(array.T, shape[::-1]).ravel() for name, array in fitting_arrays.items()}
    )
    block = np.repeat(np.arange(shape[1] if len(shape) > 1 else 1), shape[0])
    unused = [f"{name} {array.shape}" for name, array in arrays.items() if name not in fitting_arrays]
    notes = (f"not read: {', '.join(unused)}",) if unused else ()
    return Recording(frame=frame, block=block, notes=notes)


def _numbers(tree: dict[str, Any], above: str = "") -> dict[str, np.ndarray]:
    """Return the arrays of more than one number, those of structures by the names of their fields."""
    arrays: dict[str, np.ndarray] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            arrays |= _numbers(value, name)
        elif (
            isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.ndim < 3 and value.size > 1
        ):
            key = name if name not in arrays else f"{above}.{name}"
            arrays[key] = np.asarray(value, float)
    return arrays


INSTRUMENT = Instrument(name="MATLAB", recognises=_recognises, parse=_parse)
