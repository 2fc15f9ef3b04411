"""Cells of a card in numbers: a batch that draws cycle after cycle, each cell with its own memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..typing import Floats
from .law import CycleArrays


class CycleSampler:
    """Cells drawn from a card, each with its location, spread and memory.

    Parameters
    ----------
    law : CycleArrays
    names : sequence of str
        Of the features.
    locations, spreads : ndarray
        Of the devices, (number, k), in transformed space.
    random : numpy.random.Generator
        Draws the cycles.

    Attributes
    ----------
    number : int
        Of the cells.
    names, locations, spreads
        As given.
    """

    def __init__(
        self,
        law: CycleArrays,
        names: Sequence[str],
        locations: Floats,
        spreads: Floats,
        random: np.random.Generator,
    ) -> None:
        self._law, self._random = law, random
        self.names, self.number = names, len(locations)
        self.locations, self.spreads = (np.ascontiguousarray(values) for values in (locations, spreads))
        self._history = law.begin(self.number, random)
        self._all = np.arange(self.number)
        self._noise = np.empty((self.number, 1, law.size))

    def cycle(self, which: Any = None) -> dict[str, Floats]:
        """Draw the next cycle of all cells, or of some.

        Parameters
        ----------
        which : array_like of int, optional
            Indices of cells, each at most once; the memory of the others stays.

        Returns
        -------
        dict of str to ndarray
            Of each feature its value (its unit), one per cell asked for.
        """
        rows = self._all if which is None else np.asarray(which, np.int64).ravel()
        if which is not None:
            if rows.size and not (rows.min() >= 0 and rows.max() < self.number):
                raise ValueError(
                    f"which must be from 0 to {self.number - 1}, got {rows.min()} to {rows.max()}"
                )
            if rows.size and np.bincount(rows).max() > 1:
                raise ValueError("which must name each cell at most once")
        noise = self._noise[: rows.size]
        self._random.standard_normal(out=noise)
        values = self._law.draw(noise, rows, self._history, self.locations, self.spreads)
        return {name: values[i, :, 0] for i, name in enumerate(self.names)}
