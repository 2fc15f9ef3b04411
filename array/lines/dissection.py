"""An elimination order for both line layers: nested dissection that cuts only what holds a half to the other.

Word lines run along rows and bit lines along columns, so that a cut between columns goes through word nodes
only and a cut between rows through bit nodes only: n nodes each, where a cut of a general grid of both layers
would take 2 n.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...typing import Index

LEAF = 12
"""Nodes of a part that is not cut any further."""


@lru_cache(maxsize=8)
def order(m: int, n: int) -> Index:
    """Return the order of elimination of word nodes i n + j and bit nodes m n + i n + j, (2 m n,)."""
    parts: list[Index] = []
    _cut((0, m, 0, n), (0, m, 0, n), n, m * n, parts)
    nodes = np.concatenate(parts)
    nodes.flags.writeable = False
    return nodes


Box = tuple[int, int, int, int]
"""First and last row, first and last column, the last ones excluded."""


def _nodes(box: Box, n: int) -> Index:
    return (np.arange(box[0], box[1])[:, None] * n + np.arange(box[2], box[3])).ravel()


def _cut(word: Box, bit: Box, n: int, shift: int, found: list[Index]) -> None:
    """Add the nodes of a part, both halves first and what parts them last."""
    (wi, wk, wj, wl), (bi, bk, bj, bl) = word, bit
    columns, rows = wl - wj, bk - bi
    if (wk - wi) * columns + rows * (bl - bj) <= LEAF or max(columns, rows) < 2:
        found += [_nodes(word, n), _nodes(bit, n) + shift]
    elif columns >= rows:
        # Through the word nodes of a column; its bit nodes stay with the first half.
        j = (wj + wl) // 2
        side = min(max(j + 1, bj), bl)
        _cut((wi, wk, wj, j), (bi, bk, bj, side), n, shift, found)
        _cut((wi, wk, j + 1, wl), (bi, bk, side, bl), n, shift, found)
        found.append(_nodes((wi, wk, j, j + 1), n))
    else:
        i = (bi + bk) // 2
        side = min(max(i + 1, wi), wk)
        _cut((wi, side, wj, wl), (bi, i, bj, bl), n, shift, found)
        _cut((side, wk, wj, wl), (i + 1, bk, bj, bl), n, shift, found)
        found.append(_nodes((i, i + 1, bj, bl), n) + shift)
