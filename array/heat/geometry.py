"""A crossbar as blocks of metal, oxide and insulator, and the network of heat in them.

From the heat sink up: the base, then for each layer of cells its word lines (along x), cells and bit lines
(along y), with a spacer before the next layer, and a cover. Lines of a layer have insulator between them, and
so has the plane of the cells. The volume is cut into boxes with faces on all interfaces (finite volumes): two
neighbours exchange heat through both their halves in series,

    G = A / (d_1 / (2 kappa_1) + d_2 / (2 kappa_2)).

Only the bottom of the base gives heat away. Power enters evenly in the filament of a cell, whose mean
temperature is that of the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix, hstack

from ... import checks
from ...typing import Floats
from .network import HeatNetwork


CELL_BOXES, FILAMENT_BOXES = 4, 4
"""Boxes over the height of a cell and over the side of a heated filament, for each of `CrossbarGeometry.parts`."""


@dataclass(frozen=True, kw_only=True)
class HeatMaterial:
    """What conducts and stores heat.

    Parameters
    ----------
    conductivity : float
        kappa (W/(m K)), positive.
    capacity : float
        Of a volume (J/(m3 K)), positive.
    """

    conductivity: float
    capacity: float

    def __post_init__(self) -> None:
        checks.positive("conductivity", self.conductivity, "W/(m K)")
        checks.positive("capacity", self.capacity, "J/(m3 K)")


@dataclass(frozen=True, kw_only=True)
class CrossbarGeometry:
    """Sizes and materials of a stack of crossbars.

    Parameters
    ----------
    shape : tuple of int
        Numbers of word and bit lines of each layer.
    layers : int
        Of cells, at least 1.
    pitch, line_width : float
        Of lines (m); the width is less than the pitch.
    line_height, cell_height, spacer, base, cover : float
        Of lines, of the switching oxide, of the insulator between layers, under the first and over the last
        line (m), positive.
    filament : float
        Side of the heated square of a cell (m), less than the width of a line.
    line, oxide, insulator : HeatMaterial
        Of lines; of the cell, filament and what lies between word and bit line; of the rest.
    parts : int
        Boxes in each interval between interfaces, more in heated cells, 1 to 8.
    """

    shape: tuple[int, int]
    layers: int = 1
    pitch: float
    line_width: float
    line_height: float
    cell_height: float
    filament: float
    spacer: float
    base: float
    cover: float
    line: HeatMaterial
    oxide: HeatMaterial
    insulator: HeatMaterial
    parts: int = 1

    def __post_init__(self) -> None:
        for name in ("line_height", "cell_height", "filament", "spacer", "base", "cover"):
            checks.positive(name, getattr(self, name), "m")
        for large, small in (("pitch", "line_width"), ("line_width", "filament")):
            if not getattr(self, small) < getattr(self, large):
                raise ValueError(
                    f"{small} must be less than {large}, {getattr(self, large):g} m, "
                    f"got {getattr(self, small):g} m"
                )
        checks.whole("layers", self.layers, 1)
        checks.whole("parts", self.parts, 1, 8)

    # ------------------------------------------------------------------ boxes

    def _across(self, lines: int, mirrored: bool, beyond: float) -> tuple[Floats, Floats, Floats]:
        """Return sizes of boxes across lines (m), fractions of a line in them, and of filaments (lines, boxes)."""
        side, gap = 0.5 * (self.line_width - self.filament), 0.5 * (self.pitch - self.line_width)
        sizes, kinds, numbers = [], [], []

        def add(boxes: Floats, kind: float, number: int) -> None:
            sizes.append(boxes)
            kinds.append(np.full(boxes.size, kind))
            numbers.append(np.full(boxes.size, number))

        space, parts = np.full(self.parts, gap / self.parts), self.parts
        for line in range(lines):
            half = mirrored and line == 0
            # Of a window only the first cell is heated: its own heat changes most beside its filament.
            fine = FILAMENT_BOXES * parts if half or beyond == 0.0 else parts
            beside = _graded(side, self.filament / fine) if fine > parts else np.full(parts, side / parts)
            if not half:
                add(space, 0.0, -1)
                add(beside[::-1], 1.0, -1)
            width, boxes = (0.5 * self.filament, max(fine // 2, 1)) if half else (self.filament, fine)
            add(np.full(boxes, width / boxes), 1.0, line)
            add(beside, 1.0, -1)
            add(space, 0.0, -1)
        if beyond > 0.0:
            add(_graded(beyond, self.pitch), self.line_width / self.pitch, -1)
        of_line = np.concatenate(numbers)[None] == np.arange(lines)[:, None]
        return np.concatenate(sizes), np.concatenate(kinds), of_line * np.concatenate(sizes)

    @cached_property
    def heights(self) -> list[tuple[str, float]]:
        """Name and height (m) of each plane, from the heat sink up."""
        layer = [("word", self.line_height), ("cell", self.cell_height), ("bit", self.line_height)]
        planes = [("base", self.base)]
        for number in range(self.layers):
            planes += [*layer, ("cover", self.cover) if number == self.layers - 1 else ("spacer", self.spacer)]
        return planes

    def network(self, mirrored: bool = False, beyond: float = 0.0) -> HeatNetwork:
        """Return the network of boxes; its cells are (layer, word line, bit line) in C order.

        Parameters
        ----------
        mirrored : bool
            Whether it is a quarter of an array of 2 m - 1 and 2 n - 1 lines, between planes of symmetry
            through the filaments of the first word and of the first bit line; its power is a quarter too.
        beyond : float
            Length (m) for which the array goes on at its other sides, where lines and insulator are taken as
            one mean material: in parallel along lines and upwards, in series across them. Above 0, boxes are
            fine at the first cell alone.
        """
        m, n = self.shape
        dx, in_bit, of_bit = self._across(n, mirrored, beyond)
        dy, in_word, of_word = self._across(m, mirrored, beyond)
        # Thick planes get more boxes: heat spreads in them, most near the lines.
        kinds, steps = [], []
        for kind, height in self.heights:
            number = self.parts * (CELL_BOXES if kind == "cell" else 2)
            cuts = np.full(number, height / number)
            if kind in ("base", "cover") and height > 2.0 * self.line_height:
                cuts = _graded(height, self.line_height / self.parts)
                cuts = cuts[::-1] if kind == "base" else cuts
            kinds += [kind] * cuts.size
            steps += list(cuts)
        dz = np.array(steps)
        shape = dz.size, dy.size, dx.size
        flat = np.zeros(shape[1:])
        of_line, of_oxide = np.zeros(shape), np.zeros(shape)
        for k, kind in enumerate(kinds):
            if kind in ("word", "bit"):
                of_line[k] = (in_word[:, None] if kind == "word" else in_bit) + flat
            elif kind == "cell":
                of_oxide[k] = in_word[:, None] * in_bit

        def mixed(name: str) -> Floats:
            line, oxide, rest = (getattr(one, name) for one in (self.line, self.oxide, self.insulator))
            return rest + of_line * (line - rest) + of_oxide * (oxide - rest)

        kappa = mixed("conductivity")
        across = 1.0 / (of_line / self.line.conductivity + (1.0 - of_line) / self.insulator.conductivity)
        word, bit = (np.array([kind == name for kind in kinds])[:, None, None] for name in ("word", "bit"))
        along_y, along_x = np.where(word, across, kappa), np.where(bit, across, kappa)
        conductance = _exchange((kappa, along_y, along_x), (dz, dy, dx))
        capacity = mixed("capacity") * (dz[:, None, None] * dy[:, None] * dx)
        return HeatNetwork(conductance, capacity.ravel(), self._cells(kinds, of_word, of_bit, shape))

    def _cells(
        self, kinds: list[str], of_word: Floats, of_bit: Floats, shape: tuple[int, ...]
    ) -> csc_matrix:
        """Return the fractions of each filament in the boxes."""
        of_word, of_bit = (one / one.sum(axis=1, keepdims=True) for one in (of_word, of_bit))
        planes = [k for k, kind in enumerate(kinds) if kind == "cell"]
        each = len(planes) // self.layers
        columns = []
        square = np.einsum("iy,jx->ijyx", of_word, of_bit).reshape(-1, shape[1] * shape[2])
        for layer in range(self.layers):
            along = np.zeros(shape[0])
            along[planes[layer * each : (layer + 1) * each]] = 1.0 / each
            columns += [csc_matrix(np.outer(along, one).ravel()[:, None]) for one in square]
        return csc_matrix(hstack(columns))


def _graded(height: float, first: float) -> Floats:
    """Return steps that grow by half from about a first one and fill a height (m)."""
    steps = [first]
    while sum(steps) < height:
        steps.append(1.5 * steps[-1])
    return np.array(steps) * height / sum(steps)


def _exchange(kappas: tuple[Floats, Floats, Floats], sizes: tuple[Floats, Floats, Floats]) -> csc_matrix:
    """Return the heat conductances of boxes (W/K), the bottom at a fixed temperature."""
    shape = kappas[0].shape
    number = np.arange(kappas[0].size).reshape(shape)
    diagonal = np.zeros(shape)
    rows, columns, values = [], [], []
    shaped = [np.reshape(step, [-1 if axis == k else 1 for axis in range(3)]) for k, step in enumerate(sizes)]
    for axis in range(3):
        half = 0.5 * shaped[axis] / kappas[axis]
        area = np.prod(np.broadcast_arrays(*[shaped[k] for k in range(3) if k != axis]), axis=0)
        area = np.broadcast_to(area, shape)
        low, high = (np.delete(number, end, axis) for end in (-1, 0))
        link = np.delete(area, -1, axis) / (np.delete(half, -1, axis) + np.delete(half, 0, axis))
        rows += [low.ravel(), high.ravel()]
        columns += [high.ravel(), low.ravel()]
        values += [-link.ravel()] * 2
        np.add.at(diagonal.reshape(-1), low.ravel(), link.ravel())
        np.add.at(diagonal.reshape(-1), high.ravel(), link.ravel())
        if axis == 0:
            diagonal[0] += area[0] / half[0]
    rows.append(number.ravel())
    columns.append(number.ravel())
    values.append(diagonal.ravel())
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return csc_matrix(coo_matrix(entries, shape=(number.size, number.size)))
