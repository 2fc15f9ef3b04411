"""The background as seen from the nodes of a network, carried from one network to the next.

Its inverse, the Green's matrix of a grounded lattice, is far from singular whatever the bonds are, so that
single nodes may be added and taken out by the formulas for a bordered inverse, in m^2 operations instead of
m^3.
"""

from __future__ import annotations

import green_entries
import numpy as np
import scipy.linalg

from frenkel.kinetic.fields.green import GreenTable
from frenkel.typing import Floats, Index

MOST_CHANGES = 4
"""Nodes that differ up to which carrying over is cheaper than a new inverse."""
LONGEST_LIFE = 200
"""Changes after which the inverse is made again, so that rounding cannot build up."""


def carried(stiffness: Floats, before: Index, after: Index, table: GreenTable) -> Floats | None:
    """Return the inverse of the Green's matrix on some nodes, from that on almost the same nodes.

    Parameters
    ----------
    stiffness : ndarray of shape (m, m)
        Inverse on the old nodes (dimensionless), lower triangle valid; not changed.
    before, after : ndarray of int
        Old and new nodes, ascending.
    table : GreenTable
        The box.

    Returns
    -------
    ndarray or None
        Inverse on the new nodes, lower triangle valid; None if more than ``MOST_CHANGES`` nodes differ.
    """
    gone = np.flatnonzero(~np.isin(before, after, assume_unique=True))
    come = after[~np.isin(after, before, assume_unique=True)]
    if len(gone) + len(come) > min(MOST_CHANGES, len(before) - 1):
        return None
    nodes, matrix = before, stiffness
    for place in gone[::-1]:
        nodes, matrix = np.delete(nodes, place), _without(matrix, int(place))
    for node in come:
        place = int(np.searchsorted(nodes, node))
        response = green_entries.block(table, nodes, [node])[:, 0]
        own = float(green_entries.block(table, [node], [node])[0, 0])
        nodes, matrix = np.insert(nodes, place, node), _with(matrix, place, response, own)
    return matrix


def _without(matrix: Floats, place: int) -> Floats:
    """Return the inverse after one node is left out: what it carried goes to the others."""
    column = np.r_[matrix[place, :place], matrix[place + 1 :, place]]
    smaller = np.empty((len(column), len(column)), order="F")
    smaller[:place, :place] = matrix[:place, :place]
    smaller[place:, :place] = matrix[place + 1 :, :place]
    smaller[place:, place:] = matrix[place + 1 :, place + 1 :]
    return _plus(smaller, -1 / matrix[place, place], column)


def _with(matrix: Floats, place: int, response: Floats, own: float) -> Floats:
    """Return the inverse with one more node, from its responses at the others and at itself."""
    column = scipy.linalg.blas.dsymv(1.0, matrix, response, lower=1)
    stiff = 1 / (own - float(response @ column))
    matrix = _plus(matrix.copy(order="F"), stiff, column)
    larger = np.empty((len(column) + 1,) * 2, order="F")
    larger[:place, :place] = matrix[:place, :place]
    larger[place + 1 :, :place] = matrix[place:, :place]
    larger[place + 1 :, place + 1 :] = matrix[place:, place:]
    larger[place, :place] = -stiff * column[:place]
    larger[place + 1 :, place] = -stiff * column[place:]
    larger[place, place] = stiff
    return larger


def _plus(matrix: Floats, factor: float, vector: Floats) -> Floats:
    """Return the matrix plus factor times vector times its transpose, in place, lower triangle."""
    changed: Floats = scipy.linalg.blas.dsyr(factor, vector, lower=1, a=matrix, overwrite_a=1)
    return changed
