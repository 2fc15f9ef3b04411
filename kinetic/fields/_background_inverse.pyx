"""K, the inverse of a Green's function between the nodes, kept up to date from one arrangement to the next (compiled).

Conduction and heat have one each where layers differ in them otherwise, and share one elsewhere.
"""

cimport cython

import numpy as np

from libc.math cimport fabs

from ._bond_network cimport BondNetwork
from ._lattice_green cimport LatticeGreen
from ._symmetric cimport add_square, dot, factor, invert_factored, multiply

cdef enum:
    # K is kept from one solution to the next where this many nodes conduct, for so many times, and if no more than so
    # many have come and so many gone
    KEPT_FROM = 150
    KEPT_TIMES = 100
    MOST_CHANGES = 8
cdef double KEPT_ERROR = 1e-12   # of a column of K G: beyond it K is computed again


@cython.final
cdef class BackgroundInverse:
    """The inverse of the Green's function of a background between the nodes of a network.

    Parameters
    ----------
    network : BondNetwork
    green : LatticeGreen
        Of its box.

    Notes
    -----
    ========================  ==========================================================
    symbol                    attribute
    ========================  ==========================================================
    K = G^-1 between nodes    ``matrix`` (lower triangle)
    K, kept for next time     ``kept_matrix`` of the nodes ``kept_node``
    as large, lent            ``room``, which may come back as another one
    ========================  ==========================================================
    """

    def __init__(self, BondNetwork network, LatticeGreen green):
        self.network, self.green = network, green
        self.spare_matrix = np.zeros((1, 1))
        self.make_room(True)

    cdef int make_room(self, bint keep) except -1:
        """Follow the capacity of the network; K that is kept goes where it grows."""
        cdef int capacity = self.network.capacity
        if self.matrix is None or self.kept_matrix.shape[0] != capacity:
            self.matrix = self.kept_matrix = np.zeros((capacity, capacity))
            self.spare_matrix = np.zeros((1, 1))
            self.kept_node, self.old_place = np.zeros((2, capacity), np.intc)
            self.kept_m = 0
            rows = np.zeros((2, capacity))
            self.source, self.residual = rows[0], rows[1]
        if self.kept_m and not keep and self.spare_matrix.shape[0] != capacity:
            self.spare_matrix = np.zeros((capacity, capacity))
        return 0

    cdef void drop(self) noexcept nogil:
        """Compute K from G again at the next arrangement."""
        self.kept_m = 0

    cdef int invert(self, bint keep, double[:, ::1] lent) noexcept nogil:
        """K between the nodes, the lower triangle, which is all that anyone reads; what is lent becomes ``room``."""
        cdef int i, info
        self.room = lent
        if self.kept_m and not keep:
            self.matrix = self.spare_matrix
            return self._invert_again()
        if keep and self._change_kept():
            self.matrix = self.kept_matrix
            return 0
        self.matrix, self.kept_m = self.kept_matrix, 0
        info = self._invert_again()
        if info == 0 and keep and self.network.m >= KEPT_FROM:
            self.kept_m, self.kept_times = self.network.m, 0
            for i in range(self.network.m):
                self.kept_node[i] = self.network.node[i]
        return info

    cdef int _invert_again(self) noexcept nogil:
        """The inverse of G between the nodes; G is positive definite, so Cholesky needs no pivots."""
        cdef int m = self.network.m, ld = self.network.capacity, i, info
        for i in range(m):
            self.network.green_row(self.green, self.network.node[i], i + 1, &self.matrix[i, 0])
        info = factor(m, ld, &self.matrix[0, 0])
        return info if info else invert_factored(m, ld, &self.matrix[0, 0])

    cdef bint _change_kept(self) noexcept nogil:
        """Change the K that is kept to that of the present nodes, one rank for each that came or went; whether it is.

        Bonds have no part in it, so that no contrast does: errors stay at 1e-15 over hundreds of changes.
        """
        cdef int i = 0, j = 0, k, n_gone = 0, n_come = 0
        cdef int[MOST_CHANGES] gone, come
        if self.kept_m == 0 or self.network.m < KEPT_FROM:
            return False
        # Both lists ascend.
        while i < self.kept_m or j < self.network.m:
            if j == self.network.m or (i < self.kept_m and self.kept_node[i] < self.network.node[j]):
                if n_gone == MOST_CHANGES:
                    return False
                gone[n_gone] = i
                n_gone, i = n_gone + 1, i + 1
            elif i == self.kept_m or self.network.node[j] < self.kept_node[i]:
                if n_come == MOST_CHANGES:
                    return False
                come[n_come], self.old_place[j] = j, -1
                n_come, j = n_come + 1, j + 1
            else:
                self.old_place[j] = i
                i, j = i + 1, j + 1
        if n_gone + n_come == 0:
            return True
        if self.kept_times >= KEPT_TIMES:
            return False
        for k in range(n_gone):
            self._take_out(gone[k])
        self._lay_out()
        for k in range(n_come):
            if not self._put_in(come[k]):
                return False
        self.kept_times += 1
        return True

    cdef void _take_out(self, int s) noexcept nogil:
        """Let the node at place ``s`` float in the background: K - K_s K_s' / K_ss, whose row and column s are zero."""
        cdef int i
        cdef double diagonal = self.kept_matrix[s, s]
        for i in range(self.kept_m):
            self.source[i] = self.kept_matrix[s, i] if i <= s else self.kept_matrix[i, s]
        add_square(self.kept_m, self.network.capacity, -1.0 / diagonal, &self.source[0], &self.kept_matrix[0, 0])

    cdef void _lay_out(self) noexcept nogil:
        """Order what is kept by the present nodes, new ones zero, in the room that is lent."""
        cdef int i, j, at
        for i in range(self.network.m):
            at = self.old_place[i]
            for j in range(i + 1):
                self.room[i, j] = 0.0
                if at >= 0 and self.old_place[j] >= 0:
                    self.room[i, j] = self.kept_matrix[at, self.old_place[j]]
            self.kept_node[i] = self.network.node[i]
        self.matrix, self.kept_m = self.room, self.network.m
        self.room = self.kept_matrix
        self.kept_matrix = self.matrix

    cdef bint _put_in(self, int t) noexcept nogil:
        """Hold node ``t``, too: K + v v' / s with v = K g - e_t, s = G_tt - g' K g; whether K g = e_t then."""
        cdef int i, m = self.network.m, ld = self.network.capacity
        cdef double left
        self.network.green_row(self.green, self.network.node[t], m, &self.source[0])
        multiply(m, ld, &self.kept_matrix[0, 0], &self.source[0], &self.residual[0])
        left = self.source[t] - dot(m, &self.source[0], &self.residual[0])
        if not left > 0.0:
            return False
        self.residual[t] -= 1.0
        add_square(m, ld, 1.0 / left, &self.residual[0], &self.kept_matrix[0, 0])
        multiply(m, ld, &self.kept_matrix[0, 0], &self.source[0], &self.residual[0])
        self.residual[t] -= 1.0
        for i in range(m):
            if not fabs(self.residual[i]) <= KEPT_ERROR:
                return False
        return True
