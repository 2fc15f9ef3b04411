"""Stacks of layers from bottom to top, and their lattice layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a stack.

    Attributes
    ----------
    name : str
        Name of the layer within its stack.
    material : str
        Material that it is part of.
    thickness : float
        Thickness (m), at least one lattice layer; rounded to whole ones.
    base : str or None
        Name of a layer below whose numbers it takes where it states none.
    """

    name: str
    material: str
    thickness: float
    base: str | None = None


def stack_layers(layers: Sequence[Layer], spacing: float) -> tuple[int, ...]:
    """Check a stack and return how many lattice layers each of its layers has.

    Parameters
    ----------
    layers : sequence of Layer
        From bottom to top.
    spacing : float
        Distance of lattice layers (m), > 0.

    Returns
    -------
    tuple of int
        Lattice layers, at least 1 each, by rounding of the thickness.

    Raises
    ------
    ValueError
        An empty stack, a name that is empty or given twice, a layer thinner than one lattice layer, or a base
        that is no layer, the layer itself or one above it.
    """
    if not 0.0 < spacing < math.inf:
        raise ValueError(f"spacing must be above 0 m and finite, got {spacing}")
    if not layers:
        raise ValueError("a stack must hold at least one layer, got none")
    names = [layer.name for layer in layers]
    for place, layer in enumerate(layers):
        if not layer.name:
            raise ValueError(
                f"every layer of a stack must have a name, layer {place + 1} from the bottom has none"
            )
        if layer.name in names[:place]:
            raise ValueError(f"names of layers must differ, got '{layer.name}' twice")
        if not spacing * (1.0 - 1e-9) <= layer.thickness < math.inf:
            raise ValueError(
                f"thickness of layer '{layer.name}' must be at least one lattice layer, {spacing:g} m, "
                f"the thinnest that a lattice can hold, got {layer.thickness:g} m"
            )
        _check_base(layer, names, place)
    return tuple(round(layer.thickness / spacing) for layer in layers)


def _check_base(layer: Layer, names: list[str], place: int) -> None:
    if layer.base is None or layer.base in names[:place]:
        return
    if layer.base not in names:
        raise ValueError(
            f"base of layer '{layer.name}' must be a layer of the stack, got '{layer.base}'; "
            f"there are: {', '.join(names)}"
        )
    which = "itself" if layer.base == layer.name else f"'{layer.base}', which lies above it"
    raise ValueError(
        f"base of layer '{layer.name}' must be a layer below it, because a stack is built from the bottom "
        f"and may not be cyclic, got {which}"
    )


def layer_of_sites(shape: tuple[int, int, int], counts: Sequence[int]) -> NDArray[np.int32]:
    """Return the number of the layer, from the bottom, in which each host site lies.

    Parameters
    ----------
    shape : tuple of int
        Host sites in x, y and z.
    counts : sequence of int
        Lattice layers of each layer, as `stack_layers` returns them; together nz.

    Raises
    ------
    ValueError
        If the layers do not add up to nz.
    """
    if sum(counts) != shape[2]:
        raise ValueError(f"layers of the stack must add up to {shape[2]} lattice layers, got {sum(counts)}")
    column = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return np.tile(column, shape[0] * shape[1])
