"""How a matrix of signed weights lies in cells: columns, slices, tiles.

Weights run from -1 to 1 here; whoever calls keeps the scale. All arrays may have axes in front (chips,
seeds), and :func:`decode` undoes :func:`encode`, on conductances and on currents alike: both are linear.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..array.weights import DifferentialPair, ReferenceColumn
from ..checks import one_of
from ..typing import Floats

Mapping = str
"""One of `MAPPINGS`."""

MAPPINGS = ("pair", "reference", "offset")
"""Two cells per weight side by side; one cell and a column of cells at mid-window for all; one cell, and the
mid-window current taken off digitally, as calculated from the inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A way to build an array.

    Parameters
    ----------
    mapping : {"pair", "reference", "offset"}
        How it takes signs by default.
    area : float
        Of one weight (F^2).
    passive : bool
        Whether cells have no transistor, so that single cells see sneak paths.
    area_source : str
        Where the area is from.
    """

    mapping: Mapping
    area: float
    passive: bool
    area_source: str


ARCHITECTURES: dict[str, Architecture] = {
    "0T1R": Architecture(
        mapping="reference", area=4.0, passive=True, area_source="2F x 2F, NeuroSim default"
    ),
    "1S1R": Architecture(mapping="reference", area=4.0, passive=True, area_source="as 0T1R, selector on top"),
    "1T1R": Architecture(mapping="reference", area=16.0, passive=False, area_source="4F x 4F, NeuroSim"),
    "2T2R": Architecture(mapping="pair", area=32.0, passive=False, area_source="two 1T1R cells"),
}
"""Ways to build an array, by name."""


def encode(weights: ArrayLike, mapping: Mapping, least: float, most: float) -> Floats:
    """Return the conductances that stand for weights.

    Parameters
    ----------
    weights : array_like of shape (..., m, n)
        From -1 to 1.
    mapping : {"pair", "reference", "offset"}
    least, most : float
        Window of conductance (S).

    Returns
    -------
    ndarray of shape (..., m, 2 n), (..., m, n + 1) or (..., m, n)
        (S). Cells of a pair are neighbours; the reference column is the last.

    Raises
    ------
    ValueError
        A weight is beyond -1 or 1, or not a number; no such mapping.
    """
    one_of("mapping", mapping, MAPPINGS)
    w = np.asarray(weights)
    if mapping == "pair":
        conductances = DifferentialPair(least=least, most=most).conductances(w)
        return np.stack(conductances, axis=-1).reshape(*w.shape[:-1], 2 * w.shape[-1])
    flat = ReferenceColumn(least=least, most=most).conductances(w.reshape(-1, w.shape[-1]))
    pairs = flat.reshape(*w.shape[:-1], w.shape[-1] + 1)
    return pairs if mapping == "reference" else pairs[..., :-1]


def decode(
    columns: Floats, mapping: Mapping, least: float, most: float, inputs: Floats | float = 1.0
) -> Floats:
    """Return weights, or weighted sums, that columns show.

    Parameters
    ----------
    columns : ndarray of shape (..., columns)
        Conductances (S), or currents for inputs of 1 V full scale (A).
    mapping : {"pair", "reference", "offset"}
    least, most : float
        Window of conductance (S).
    inputs : ndarray of shape (..., 1) or float
        For "offset": sum of the inputs (V) that the currents are for; 1 for conductances.

    Returns
    -------
    ndarray of shape (..., n)
    """
    if mapping == "pair":
        pair = DifferentialPair(least=least, most=most)
        return pair.products(columns[..., 0::2], columns[..., 1::2], 1.0)
    if mapping == "reference":
        return ReferenceColumn(least=least, most=most).products(columns, 1.0)
    return np.asarray((columns - 0.5 * (least + most) * inputs) * 2.0 / (most - least))


def columns_of(outputs: int, mapping: Mapping) -> int:
    """Return the physical columns of a number of outputs."""
    return {"pair": 2 * outputs, "reference": outputs + 1, "offset": outputs}[mapping]


def most_outputs(mapping: Mapping, columns: int) -> int:
    """Return the outputs that an array with a number of columns has."""
    return {"pair": columns // 2, "reference": columns - 1, "offset": columns}[mapping]


def slices_of(
    weights: ArrayLike, mapping: Mapping, slices: int, bits: int | None
) -> list[tuple[float, Floats]]:
    """Return slices of weights as (scale, part): the weights are the sum of scale times part.

    Parameters
    ----------
    weights : array_like
        From -1 to 1.
    mapping : {"pair", "reference", "offset"}
        A pair holds a sign and magnitude digits, others digits around the middle of the window.
    slices : int
        Cells (pairs) per weight, at least 1.
    bits : int or None
        Of a weight; None: one cell holds any value (one slice only). A whole number of bits per slice is
        taken, so there may be a few more.

    Raises
    ------
    ValueError
        Several slices without a number of bits, or fewer bits than slices.
    """
    w = np.asarray(weights, float)
    if bits is None:
        if slices != 1:
            raise ValueError(f"weight_bits must be given for {slices} slices")
        return [(1.0, w)]
    sign_bits = 1 if mapping == "pair" else 0
    per_slice = math.ceil((bits - sign_bits) / slices)
    if slices < 1 or bits - sign_bits < slices:
        raise ValueError(f"weight_bits must be at least {slices + sign_bits} for {slices} slices, got {bits}")
    base = 2**per_slice
    steps = base**slices - 1
    if mapping == "pair":
        sign, steps_of_weight = np.sign(w), np.rint(np.abs(w) * steps)
    else:
        sign, steps_of_weight = np.ones_like(w), np.rint((w + 1.0) / 2.0 * steps)
    parts = []
    for k in range(slices):
        digit = steps_of_weight // base**k % base / (base - 1)
        part = sign * digit if mapping == "pair" else 2.0 * digit - 1.0
        parts.append((base**k * (base - 1) / steps, part))
    return parts


def tiles_of(
    inputs: int, outputs: int, mapping: Mapping, rows: int, columns: int
) -> Iterator[tuple[slice, slice]]:
    """Yield the (inputs, outputs) of a matrix that each array of rows x columns holds.

    Raises
    ------
    ValueError
        An array too narrow for a single output.
    """
    most = most_outputs(mapping, columns)
    if most < 1:
        raise ValueError(
            f"columns must be at least {columns_of(1, mapping)} for mapping {mapping}, got {columns}"
        )
    for i in range(0, inputs, rows):
        for j in range(0, outputs, most):
            yield slice(i, min(i + rows, inputs)), slice(j, min(j + most, outputs))
