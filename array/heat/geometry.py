"""A crossbar as blocks of metal, oxide and insulator, and the network of heat in them.

From the heat sink up: the base, then for each layer of cells its word lines (along x), cells and bit lines
(along y), with a spacer before the next layer, and a cover. Lines of a layer have insulator between them, and
so has the plane of the cells. The volume is cut into boxes with faces on all interfaces (finite volumes): two
neighbours exchange heat through both their halves in series,

    G = A / (d_1 / (2 kappa_1) + d_2 / (2 kappa_2)).                                                      (1)

Only the bottom of the base gives heat away. Power enters evenly in the volume of the filament of a cell, and
the temperature of the cell is the mean over that same volume.

Conductances (1) give the loss of a flux that is constant in each half of a box. Between two opposite faces of
a box it changes linearly, from q_0 to q_1, and loses d (q_0 - q_1)^2 / (6 kappa) less per area. With K_a the
part of (1) along axis a, and V the volumes of boxes, this lowers the resistance of a cell by

    P^T K^-1 C K^-1 P,    C = sum over a of K_a diag(d_a^2 / (6 kappa_a V)) K_a,                         (2)

so K + C is taken instead of K. The loss of any flux with these sources is an upper bound of the resistance
(Thomson's principle); finite elements for the temperature give a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when first used, and most arrays have no heat

from ... import checks
from ...typing import Floats, Index
from .network import ArrayHeatNetwork

FINEST = 8
"""The finest boxes at a cell whose own heat is resolved, in parts of the shorter side of its filament."""

GROWTH = 1.5
"""Size of a box over that of the one before, away from where boxes are fine."""


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

    # ------------------------------------------------------------------ boxes

    @property
    def _first(self) -> float:
        """Size of the finest boxes (m)."""
        return min(self.filament, self.cell_height) / FINEST

    def _across(
        self, lines: int, heated: int, mirrored: bool, beyond: float
    ) -> tuple[Floats, Floats, Floats]:
        """Return sizes of boxes across lines (m), fractions of a line in them, and sizes in filaments.

        Boxes are fine at a heated line; -1: nowhere.
        """
        half, side = 0.5 * self.filament, 0.5 * (self.line_width - self.filament)
        space = np.full(2, 0.25 * (self.pitch - self.line_width))
        sizes, kinds, numbers = [], [], []

        def add(boxes: Floats, kind: float, number: int) -> None:
            sizes.append(boxes)
            kinds.append(np.full(boxes.size, kind))
            numbers.append(np.full(boxes.size, number))

        for line in range(lines):
            fine = line == heated
            beside = _graded(side, self._first) if fine else np.array([side])
            inner = _graded(half, self._first)[::-1] if fine else np.array([half])
            if not (mirrored and line == 0):
                add(space, 0.0, -1)
                add(beside[::-1], 1.0, -1)
                inner = np.concatenate([inner[::-1], inner]) if fine else np.array([self.filament])
            add(inner, 1.0, line)
            add(beside, 1.0, -1)
            add(space, 0.0, -1)
        if beyond > 0.0:
            add(_graded(beyond, self.pitch), self.line_width / self.pitch, -1)
        of_line = np.concatenate(numbers)[None] == np.arange(lines)[:, None]
        return np.concatenate(sizes), np.concatenate(kinds), of_line * np.concatenate(sizes)

    def _upwards(self, heated: int) -> tuple[list[str], Floats, Index]:
        """Return of boxes from the heat sink up the plane, the size (m) and the layer of cells, or -1.

        Boxes are fine at the cells of a heated layer; -1: nowhere.
        """
        kinds, sizes, layers = [], [], []

        def add(kind: str, boxes: Floats, layer: int = -1) -> None:
            kinds.extend([kind] * boxes.size)
            sizes.append(boxes)
            layers.append(np.full(boxes.size, layer))

        def thick(height: float) -> Floats:
            # Heat spreads in the base and in the cover, most near the lines.
            plain = height <= 2.0 * self.line_height
            return np.full(2, 0.5 * height) if plain else _graded(height, self.line_height)

        add("base", thick(self.base)[::-1])
        for layer in range(self.layers):
            line, cell = np.full(4, 0.25 * self.line_height), np.full(2, 0.5 * self.cell_height)
            if layer == heated:
                line, half = (
                    _graded(self.line_height, self._first),
                    _graded(0.5 * self.cell_height, self._first),
                )
                cell = np.concatenate([half, half[::-1]])
            add("word", line[::-1])
            add("cell", cell, layer)
            add("bit", line)
            if layer < self.layers - 1:
                add("spacer", np.full(4, 0.25 * self.spacer))
        add("cover", thick(self.cover))
        return kinds, np.concatenate(sizes), np.concatenate(layers)

    def network(
        self,
        heated: tuple[int, int, int] | None = None,
        *,
        mirrored: bool = False,
        beyond: float = 0.0,
    ) -> ArrayHeatNetwork:
        """Return the network of boxes; its cells are (layer, word line, bit line) in C order.

        Parameters
        ----------
        heated : tuple of int, optional
            Layer, word line and bit line of a cell whose own heat is resolved, by fine boxes around it.
            Without one only what a cell does to others is right.
        mirrored : bool
            Whether it is a quarter of an array of 2 m - 1 and 2 n - 1 lines, between planes of symmetry
            through the filaments of the first word and of the first bit line; its power is a quarter too.
        beyond : float
            Length (m) for which the array goes on at its other sides, where lines and insulator are taken as
            one mean material: in parallel along lines and upwards, in series across them.
        """
        (m, n), (layer, word_line, bit_line) = self.shape, heated or (-1, -1, -1)
        dx, in_bit, of_bit = self._across(n, bit_line, mirrored, beyond)
        dy, in_word, of_word = self._across(m, word_line, mirrored, beyond)
        kinds, dz, layers = self._upwards(layer)
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
            return np.asarray(rest + of_line * (line - rest) + of_oxide * (oxide - rest))

        kappa = mixed("conductivity")
        across = 1.0 / (of_line / self.line.conductivity + (1.0 - of_line) / self.insulator.conductivity)
        word, bit = (np.array([kind == name for kind in kinds])[:, None, None] for name in ("word", "bit"))
        along_y, along_x = np.where(word, across, kappa), np.where(bit, across, kappa)
        conductance = _exchange((kappa, along_y, along_x), (dz, dy, dx))
        capacity = mixed("capacity") * (dz[:, None, None] * dy[:, None] * dx)
        cells = self._cells(dz * (layers == np.arange(self.layers)[:, None]), of_word, of_bit)
        return ArrayHeatNetwork(conductance, capacity.ravel(), cells)

    def resistances(self) -> Floats:
        """Return the steady rise of each cell by the power of each (K/W), (k, k), cells in C order.

        Each column has its own network, with fine boxes around the cell that is heated; mirror images are
        taken from each other.
        """
        m, n = self.shape
        shape = self.layers, m, n
        columns = np.empty((*shape, *shape))
        for layer, i, j in np.ndindex(self.layers, (m + 1) // 2, (n + 1) // 2):
            network, number = self.network((layer, i, j)), int(np.ravel_multi_index((layer, i, j), shape))
            column = network.steady(np.array([number]))[:, 0].reshape(shape)
            for rows, row in ((slice(None), i), (slice(None, None, -1), m - 1 - i)):
                columns[:, :, :, layer, row, j] = column[:, rows]
                columns[:, :, :, layer, row, n - 1 - j] = column[:, rows, ::-1]
        return columns.reshape(self.layers * m * n, -1)

    def _cells(self, of_layer: Floats, of_word: Floats, of_bit: Floats) -> scipy.sparse.csc_matrix:
        """Return the fractions of each filament in the boxes, from its sizes in them along each axis (m)."""
        parts = [one / one.sum(axis=1, keepdims=True) for one in (of_layer, of_word, of_bit)]
        columns = [
            scipy.sparse.csc_matrix(np.einsum("z,y,x->zyx", up, y, x).ravel()[:, None])
            for up in parts[0]
            for y in parts[1]
            for x in parts[2]
        ]
        return scipy.sparse.csc_matrix(scipy.sparse.hstack(columns))


def _graded(length: float, first: float) -> Floats:
    """Return steps that grow from about a first one and fill a length (m)."""
    steps = [first]
    while sum(steps) < length:
        steps.append(GROWTH * steps[-1])
    return np.array(steps) * length / sum(steps)


def _exchange(
    kappas: tuple[Floats, Floats, Floats], sizes: tuple[Floats, Floats, Floats]
) -> scipy.sparse.csc_matrix:
    """Return K + C of boxes, equations (1) and (2) (W/K), the bottom at a fixed temperature."""
    shape = kappas[0].shape
    number = np.arange(kappas[0].size).reshape(shape)
    shaped = [np.reshape(step, [-1 if axis == k else 1 for axis in range(3)]) for k, step in enumerate(sizes)]
    volume = np.broadcast_to(shaped[0] * shaped[1] * shaped[2], shape)
    total = scipy.sparse.csc_matrix((number.size, number.size))
    for axis, (kappa, size) in enumerate(zip(kappas, shaped, strict=True)):
        half, area = 0.5 * size / kappa, volume / size
        low, high = (np.delete(number, end, axis).ravel() for end in (-1, 0))
        link = np.delete(area, -1, axis) / (np.delete(half, -1, axis) + np.delete(half, 0, axis))
        diagonal = np.bincount(low, link.ravel(), number.size) + np.bincount(high, link.ravel(), number.size)
        if axis == 0:
            diagonal[number[0]] += area[0] / half[0]
        rows, columns = (
            np.concatenate([low, high, number.ravel()]),
            np.concatenate([high, low, number.ravel()]),
        )
        values = np.concatenate([-link.ravel(), -link.ravel(), diagonal])
        along = scipy.sparse.csc_matrix((values, (rows, columns)), shape=(number.size, number.size))
        total += along + along @ scipy.sparse.diags((size**2 / (6.0 * kappa * volume)).ravel()) @ along
    return scipy.sparse.csc_matrix(total)
