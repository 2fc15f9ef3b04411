"""Regions of a layer: weak spots, grains and their boundaries, with barriers of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ...checks import one_of
from ...typing import Floats
from .sections import check_quantities, quantity

Shape = Literal["box", "column", "cell"]


@dataclass(frozen=True, slots=True)
class Region:
    """Part of a layer whose sites have barriers and first defects of their own.

    Parameters
    ----------
    shape : {"box", "column", "cell"}
        A box of ``width`` along x and ``length`` along y, a column of ``radius``, or the Voronoi cell of its
        centre among those of all cells of the layer: the sites that are nearest to it.
    x, y : float
        Centre (m), from the first row of sites.
    radius, width, length : float
        Sizes (m) of a column and of a box.
    boundary : float
        Of a cell: only sites within this distance (m) of its boundary, a grain boundary; 0: all of the cell.
    migration_shift, exchange_shift : float
        What comes to the barriers (eV) of a hop and of an exchange there.
    vacancy_fraction : float or None
        Fraction of its sites that hold a defect at the start, in place of what weak sites hold.

    Raises
    ------
    ValueError
        A value outside its range, or a size that the shape needs and does not have.
    """

    shape: Shape
    x: float = quantity("m", 0.0, 1e-6, "centre along x, from the first row of sites")
    y: float = quantity("m", 0.0, 1e-6, "centre along y")
    radius: float = quantity("m", 0.0, 1e-6, "radius of a column", default=0.0)
    width: float = quantity("m", 0.0, 1e-6, "size of a box along x", default=0.0)
    length: float = quantity("m", 0.0, 1e-6, "size of a box along y", default=0.0)
    boundary: float = quantity("m", 0.0, 1e-6, "width of the strip along the boundary of a cell", default=0.0)
    migration_shift: float = quantity("eV", -20.0, 20.0, "what comes to the barrier of a hop", default=0.0)
    exchange_shift: float = quantity("eV", -20.0, 20.0, "what comes to that of an exchange", default=0.0)
    vacancy_fraction: float | None = quantity(
        "1", 0.0, 1.0, "fraction of its sites that hold a defect at the start", optional=True
    )

    def __post_init__(self) -> None:
        one_of("shape of a region", self.shape, get_args(Shape))
        check_quantities(self, "a region")
        for name in {"box": ("width", "length"), "column": ("radius",), "cell": ()}[self.shape]:
            if not getattr(self, name):
                raise ValueError(f"a region with the shape {self.shape} needs a {name} above 0")
        of_others = {"box": ("radius", "boundary"), "column": ("width", "length", "boundary")}
        for name in of_others.get(self.shape, ("radius", "width", "length")):
            if getattr(self, name):
                raise ValueError(f"a region with the shape {self.shape} has no {name}, leave it out")


def columns_of(
    regions: Sequence[Region], shape: tuple[int, int], spacing: float, periodic: bool
) -> NDArray[np.intp]:
    """Return which region each column of sites of a layer lies in, -1 for none.

    Parameters
    ----------
    regions : sequence of Region
        Of one layer. Where several overlap, a site belongs to the last of them.
    shape : tuple of int
        Columns of sites in x and y.
    spacing : float
        Of the lattice (m).
    periodic : bool
        Whether regions go on beyond the sides.

    Returns
    -------
    ndarray of int, shape (nx, ny)
    """
    places = spacing * np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    sides = spacing * np.array(shape)

    def away(region: Region) -> Floats:
        difference = places - (region.x, region.y)
        if periodic:
            difference -= sides * np.round(difference / sides)
        return np.asarray(difference)

    # A part in 1e9: a region of exactly two spacings includes the sites on its edge.
    edge = spacing * 1e-9
    cells = [number for number, region in enumerate(regions) if region.shape == "cell"]
    distance = np.array([np.hypot(*np.moveaxis(away(regions[number]), -1, 0)) for number in cells])
    owner = np.full(shape, -1)
    for number, region in enumerate(regions):
        if region.shape == "box":
            inside = (np.abs(away(region)) <= np.array([region.width, region.length]) / 2 + edge).all(axis=-1)
        elif region.shape == "column":
            inside = (away(region) ** 2).sum(axis=-1) <= (region.radius + edge) ** 2
        else:
            inside = _cell(distance, cells.index(number), region.boundary + edge if region.boundary else 0.0)
        owner[inside] = number
    return owner


def _cell(distance: Floats, cell: int, boundary: float) -> NDArray[np.bool_]:
    """Return which columns belong to a Voronoi cell, or to its part near the boundary.

    Half the difference of the distances to two centres stands for the distance from their boundary; it is
    that on the line through both.
    """
    inside: NDArray[np.bool_] = np.argmin(distance, axis=0) == cell
    if boundary:
        others = np.delete(distance, cell, axis=0).min(axis=0, initial=np.inf)
        inside = inside & (0.5 * (others - distance[cell]) <= boundary)
    return inside
