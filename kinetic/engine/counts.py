"""Which neighbours of a site an engine counts, and which of them two sites have in common."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...typing import Floats
from ..lattice.lattice import Lattice, Table

_ONCE, _SCAN = 1, 2


class Counts:
    """Counts of neighbours of one species in one motif, with what they contribute."""

    def __init__(self, n_codes: int) -> None:
        self.n_codes = n_codes
        # motif, species, row of exempt sites or -1, neighbours that an electrode stands for
        self.keys: list[tuple[int, int, int, int]] = []
        self.weight: list[Floats] = []  # eV per neighbour, by the species that sees it

    def number(self, motif: int, species: int, exempt: int = -1, standing: int = 0) -> int:
        """Return the number of a count, made when it is new."""
        key = (motif, species, exempt, standing)
        if key not in self.keys:
            self.keys.append(key)
            self.weight.append(np.zeros(self.n_codes))
        return self.keys.index(key)


def standing(lattice: Lattice, counts: Counts) -> NDArray[np.uint8]:
    """Return the neighbours that electrodes stand for, (n_counts, n_sites); one column if there are none."""
    number = np.array([key[3] for key in counts.keys], dtype=np.uint8)[:, None]
    return number * (lattice.electrode != 0) if number.any() else number


def mutual_counts(motif: Sequence[int], counts: Counts, motifs: list[Table]) -> NDArray[np.int8]:
    """Return how often the two sites of each mechanism are neighbours in the motif of each count."""
    table = np.zeros((len(motif), len(counts.keys)), dtype=np.int8)
    cache: dict[tuple[int, int], int] = {}
    for i, first in enumerate(motif):
        for h, (second, *_) in enumerate(counts.keys):
            if first >= 0:
                if (first, second) not in cache:
                    cache[first, second] = _overlap(motifs[first], motifs[second], first == second)
                table[i, h] = cache[first, second]
    return table


def _overlap(first: Table, second: Table, same: bool) -> int:
    """Return 1 if every pair of one table is exactly once in the other, 0 if never, else `_SCAN`."""
    if same:
        for i in range(first.shape[1]):
            for j in range(i):
                if np.any((first[:, i] >= 0) & (first[:, i] == first[:, j])):
                    return _SCAN
        return _ONCE
    for i in range(first.shape[1]):
        for j in range(second.shape[1]):
            if np.any((first[:, i] >= 0) & (first[:, i] == second[:, j])):
                return _SCAN
    return 0
