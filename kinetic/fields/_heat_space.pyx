"""Fields of heat at sites, bonds that conduct it, and the Krylov space of a stretch of time (compiled).

See `heat_in_time` for what is solved.
"""

cimport cython

import numpy as np

from libc.math cimport expm1, fabs, sqrt
from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport daxpy, ddot, dgemm, dscal
from frenkel._lapack cimport dgetrf, dgetrs, dsteqr

from ._lattice_green cimport LatticeGreen

cdef int TERMS = 18
cdef double FASTEST = 1e-14    # smallest part of a fast mode that one step with the pole leaves


cdef double response(double rate, int power, double time) noexcept nogil:
    """Integral of exp(-rate (time - s)) s^power up to ``time``."""
    cdef double slow = rate * time, value, term, grown = 1.0
    cdef int q, _q, j
    if power == 0:
        return time if slow < 1e-12 else -expm1(-slow) / rate
    for _q in range(power + 1):
        grown *= time
    if slow < 1.0:
        # By the series, the sum over j of p! (-slow)^j / (p + 1 + j)!: the recurrence would cancel.
        term = 1.0 / (power + 1)
        value = 0.0
        for j in range(1, TERMS):
            value += term
            term *= -slow / (power + 1 + j)
        return value * grown
    value, grown = -expm1(-slow) / rate, 1.0
    for q in range(1, power + 1):
        grown *= time
        value = (grown - q * value) / rate
    return value


def responses(const double[::1] rate, int power, double time):
    """What modes make of a source: the integral of exp(-rate (time - s)) s^power up to a time.

    Parameters
    ----------
    rate : (k,) float64
        Not negative.
    power : int
        0, 1 or 2.
    time : float
        Positive.

    Returns
    -------
    (k,) float64
    """
    cdef int k
    result = np.empty(rate.shape[0])
    cdef double[::1] view = result
    for k in range(rate.shape[0]):
        view[k] = response(rate[k], power, time)
    return result


cdef inline void product(char left, char right, int rows, int columns, int terms, const double* a, int width_a,
                         const double* b, int width_b, double* out, int width) noexcept nogil:
    """A product of matrices in Fortran's order, each as it is (N) or transposed (T)."""
    cdef double zero = 0.0, unity = 1.0
    dgemm(
        &left, &right, &rows, &columns, &terms, &unity, <double*>a, &width_a, <double*>b, &width_b, &zero, out, &width
    )


@cython.final
cdef class SiteWindow:
    """Columns of the box that hold some sites, and the modes there.

    Parameters
    ----------
    mode_x, mode_y, mode_z : (n, n) float64
        Orthonormal modes of the box by number and site.
    sites : (n,) int
        Host sites.
    """

    def __init__(self, mode_x, mode_y, mode_z, sites):
        cdef Py_ssize_t[::1] site = np.ascontiguousarray(sites, np.intp)
        cdef int s, x, y
        self.nx, self.ny, self.nz, self.n = len(mode_x), len(mode_y), len(mode_z), len(site)
        cdef int[::1] at_x = np.full(self.nx, -1, np.intc), at_y = np.full(self.ny, -1, np.intc)
        for s in range(self.n):
            at_x[site[s] // (self.ny * self.nz)] = at_y[site[s] // self.nz % self.ny] = 0
        for x in range(self.nx):
            if at_x[x] == 0:
                at_x[x] = self.wide
                self.wide += 1
        for y in range(self.ny):
            if at_y[y] == 0:
                at_y[y] = self.deep
                self.deep += 1
        self.place = np.empty(self.n, np.intp)
        self.at_place = self.place
        for s in range(self.n):
            x, y = at_x[site[s] // (self.ny * self.nz)], at_y[site[s] // self.nz % self.ny]
            self.at_place[s] = (x * self.deep + y) * self.nz + site[s] % self.nz
        self.mode_x = np.ascontiguousarray(mode_x[:, np.asarray(at_x) >= 0])
        self.mode_y = np.ascontiguousarray(mode_y[:, np.asarray(at_y) >= 0])
        self.mode_z = mode_z
        self.half = np.empty(self.wide * self.ny * self.nz)
        self.box, self.turned = np.empty(self.wide * self.deep * self.nz), np.empty(self.wide * self.deep * self.nz)

    cdef void read(self, const double* field, double* out) noexcept nogil:
        """The field at each site, from amplitudes of all modes."""
        cdef int x, s, across = self.ny * self.nz, block = self.deep * self.nz
        if self.n == 0:
            return
        product(b"N", b"T", across, self.wide, self.nx, field, across, &self.mode_x[0, 0], self.wide, &self.half[0],
                across)
        for x in range(self.wide):
            product(b"N", b"T", self.nz, self.deep, self.ny, &self.half[x * across], self.nz, &self.mode_y[0, 0],
                    self.deep, &self.turned[x * block], self.nz)
        product(b"N", b"N", self.nz, self.wide * self.deep, self.nz, &self.mode_z[0, 0], self.nz, &self.turned[0],
                self.nz, &self.box[0], self.nz)
        for s in range(self.n):
            out[s] = self.box[self.at_place[s]]

    cdef void spread(self, const double* values, double* field) noexcept nogil:
        """Amplitudes of all modes of sources at the sites, which are added up."""
        cdef int x, s, across = self.ny * self.nz, block = self.deep * self.nz
        if self.n == 0:
            memset(field, 0, self.nx * across * sizeof(double))
            return
        memset(&self.box[0], 0, self.wide * block * sizeof(double))
        for s in range(self.n):
            self.box[self.at_place[s]] += values[s]
        product(b"T", b"N", self.nz, self.wide * self.deep, self.nz, &self.mode_z[0, 0], self.nz, &self.box[0],
                self.nz, &self.turned[0], self.nz)
        for x in range(self.wide):
            product(b"N", b"N", self.nz, self.ny, self.deep, &self.turned[x * block], self.nz, &self.mode_y[0, 0],
                    self.deep, &self.half[x * across], self.nz)
        product(b"N", b"N", across, self.nx, self.wide, &self.half[0], across, &self.mode_x[0, 0], self.wide, field,
                across)

    def at(self, const double[::1] field):
        """The field at each site; what follows the modes in it is left out."""
        result = np.empty(self.n)
        cdef double[::1] view = result
        if self.n:
            self.read(&field[0], &view[0])
        return result

    def modes(self, const double[::1] values, double[::1] field):
        """Write amplitudes of all modes of sources at the sites into a field."""
        self.spread(&values[0] if self.n else NULL, &field[0])


@cython.final
cdef class Bonds:
    """Heat conductance between nodes and electrodes: a symmetric matrix whose rows are nearly empty.

    Parameters
    ----------
    matrix : (n, n) float64
    """

    def __init__(self, const double[:, ::1] matrix):
        cdef int i, j, k = 0
        self.n = matrix.shape[0]
        self.begin = np.empty(self.n + 1, np.intc)
        for i in range(self.n):
            for j in range(self.n):
                k += matrix[i, j] != 0.0
        self.column, self.value = np.empty(k, np.intc), np.empty(k)
        k = 0
        for i in range(self.n):
            self.begin[i] = k
            for j in range(self.n):
                if matrix[i, j] != 0.0:
                    self.column[k], self.value[k] = j, matrix[i, j]
                    k += 1
        self.begin[self.n] = k

    cdef void flow(self, const double* theta, double* out) noexcept nogil:
        cdef int i, k
        for i in range(self.n):
            out[i] = 0.0
            for k in range(self.begin[i], self.begin[i + 1]):
                out[i] += self.value[k] * theta[self.column[k]]

    def times(self, const double[::1] theta):
        """The matrix times a vector."""
        result = np.empty(self.n)
        cdef double[::1] view = result
        if self.n:
            self.flow(&theta[0], &view[0])
        return result


@cython.final
cdef class ShiftedHeat:
    """(sigma M + L + E W E')^-1 of one arrangement, by 1 + G W between its nodes and electrodes.

    Parameters
    ----------
    window : SiteWindow
        Of the nodes.
    nodes : (m,) int32
        Host sites.
    bonds : Bonds
        W, whose last rows are the electrodes that are reservoirs.
    inverse : (n_sites,) float64
        1 / (sigma + rate) of each mode of the bare lattice.
    mean : (nz + n, nz + n) float64
        The same of the lateral mean, with the n reservoirs.
    green : LatticeGreen
        Between host sites, electrodes at 0.
    change : (nz + n, nz + n) float64
        What reservoirs add between layers, and between these and the reservoirs.
    columns : int
        Of the box.

    Raises
    ------
    ArithmeticError
        The matrix is singular.
    """

    def __init__(self, SiteWindow window, const int[::1] nodes, Bonds bonds, const double[::1] inverse,
                 const double[:, ::1] mean, LatticeGreen green, const double[:, ::1] change, int columns):
        cdef int i, j, k, one = 1, info = 0, size = bonds.n, reservoirs, row, other
        cdef double[:, ::1] between
        self.window, self.bonds, self.inverse, self.mean = window, bonds, inverse, mean
        self.n_sites, self.nz, self.m = inverse.shape[0], green.nz, nodes.shape[0]
        reservoirs = mean.shape[0] - self.nz
        self.n, self.electrodes, self.root_columns = self.n_sites + reservoirs, size - self.m, sqrt(columns)
        self.theta, self.current = np.empty(size), np.empty(size)
        self.field, self.joined = np.empty(self.n), np.empty(mean.shape[0])
        self.factors, self.pivot = np.zeros((size, size)), np.zeros(size, np.intc)
        if self.m == 0:
            return
        between = np.empty((size, size))
        with nogil:
            for i in range(size):
                for j in range(i + 1):
                    between[i, j] = green.value(nodes[i], nodes[j]) if i < self.m else 0.0
                    if reservoirs:
                        row = nodes[i] % self.nz if i < self.m else self.nz + i - self.m
                        other = nodes[j] % self.nz if j < self.m else self.nz + j - self.m
                        between[i, j] += change[row, other]
                    between[j, i] = between[i, j]
            # Row by row 1 + W G, which is 1 + G W in Fortran's order.
            for i in range(size):
                for k in range(bonds.begin[i], bonds.begin[i + 1]):
                    daxpy(&size, &bonds.value[k], &between[bonds.column[k], 0], &one, &self.factors[i, 0], &one)
                self.factors[i, i] += 1.0
            dgetrf(&size, &size, &self.factors[0, 0], &size, &self.pivot[0], &info)
        if info:
            raise ArithmeticError(f"the heat of {self.m} conducting defects has no solution")

    cdef void respond(self, const double* vector, double* out) noexcept nogil:
        """The bare lattice and the reservoirs; ``out`` may be ``vector``."""
        cdef int i, j, joined = self.mean.shape[0], nz = self.nz
        cdef double total
        if joined > nz:
            memcpy(&self.joined[0], vector, nz * sizeof(double))
            memcpy(&self.joined[nz], vector + self.n_sites, (joined - nz) * sizeof(double))
        for i in range(self.n_sites):
            out[i] = self.inverse[i] * vector[i]
        if joined > nz:
            for i in range(joined):
                total = 0.0
                for j in range(joined):
                    total += self.mean[i, j] * self.joined[j]
                out[i if i < nz else self.n_sites + i - nz] = total

    cdef void apply(self, const double* vector, double* out) noexcept nogil:
        cdef int i, k, one = 1, info = 0, size = self.bonds.n
        cdef char plain = b"N"
        self.respond(vector, out)
        if self.m == 0:
            return
        self.window.read(out, &self.theta[0])
        for k in range(self.electrodes):
            self.theta[self.m + k] = out[self.n_sites + k] / self.root_columns
        dgetrs(&plain, &size, &one, &self.factors[0, 0], &size, &self.pivot[0], &self.theta[0], &size, &info)
        self.bonds.flow(&self.theta[0], &self.current[0])
        self.window.spread(&self.current[0], &self.field[0])
        for k in range(self.n - self.n_sites):
            self.field[self.n_sites + k] = self.current[self.m + k] / self.root_columns if k < self.electrodes else 0.0
        self.respond(&self.field[0], &self.field[0])
        for i in range(self.n):
            out[i] -= self.field[i]

    def solve(self, const double[::1] vector):
        """The operator times a field."""
        result = np.empty(self.n)
        cdef double[::1] view = result
        self.apply(&vector[0], &view[0])
        return result


def krylov(ShiftedHeat shifted, SiteWindow read, const double[::1] source, const double[::1] mass, double sigma, *,
           int power, const double[::1] watched, double tolerance, int most, int first, double exhausted):
    """The Krylov space of a source under (1 + A / sigma)^-1, large enough for the temperatures that are read.

    Parameters
    ----------
    shifted : ShiftedHeat
        (sigma M + L + E W E')^-1.
    read : SiteWindow
        Sites whose temperature has to be right.
    source : (n,) float64
    mass : (n,) float64
        M, 1 at sites.
    sigma : float
    power : int
        Power of time with which the source grows.
    watched : (t,) float64
        Times at which the last vector may change no temperature by more than ``tolerance`` (K).
    most : int
        Largest number of vectors.
    first : int
        Number of the vector at which the temperatures are looked at for the first time.
    exhausted : float
        Norm of a further vector that adds nothing.

    Returns
    -------
    rate : (k,) float64
        With which each mode decays.
    turn : (k, k) float64
        Source of each mode in the vectors.
    space : (k, n) float64
        Orthonormal in the product with M, by the recurrence of Lanczos.
    seen : (k, r) float64
        Sources of the modes at the sites that are read.
    error : float
        Largest change of a temperature by the last vector (K); infinite where the space had no look.
    """
    cdef int n = source.shape[0], sites = shifted.n_sites, seeing = read.n, times = watched.shape[0]
    cdef int i, j, k = 0, t, size, info, one = 1
    cdef double norm = 0.0, share, beyond, error = np.inf, change, inverse
    cdef char whole = b"I"
    field, at_sites = np.empty((most + 1, n)), np.empty((most + 1, max(seeing, 1)))
    cdef double[:, ::1] space = field, seen = at_sites
    cdef double[::1] weighed = np.empty(n), diagonal = np.empty(most), beside = np.empty(most)
    cdef double[::1] part = np.empty(most), left = np.empty(most), work = np.empty(2 * most), rate = np.empty(most)
    cdef double[:, ::1] vector = np.empty((most, most)), share_of = np.empty((times, most))
    cdef double[:, ::1] now = np.zeros((times, max(seeing, 1))), before = np.zeros((times, max(seeing, 1)))
    with nogil:
        for i in range(n):
            norm += source[i] * source[i] / mass[i]
        norm = sqrt(norm)
        for i in range(n):
            space[0, i] = source[i] / mass[i] / norm
        read.read(&space[0, 0], &seen[0, 0])
        while True:
            memcpy(&weighed[0], &space[k, 0], sites * sizeof(double))
            for i in range(sites, n):
                weighed[i] = space[k, i] * mass[i]
            shifted.apply(&weighed[0], &space[k + 1, 0])
            dscal(&n, &sigma, &space[k + 1, 0], &one)
            # Against the last two vectors: against the others it is orthogonal by itself.
            share = ddot(&n, &space[k + 1, 0], &one, &weighed[0], &one)
            diagonal[k], share = share, -share
            daxpy(&n, &share, &space[k, 0], &one, &space[k + 1, 0], &one)
            if k:
                share = -beside[k - 1]
                daxpy(&n, &share, &space[k - 1, 0], &one, &space[k + 1, 0], &one)
            beyond = 0.0
            for i in range(n):
                beyond += space[k + 1, i] * space[k + 1, i] * mass[i]
            beyond = sqrt(beyond)
            size = k + 1
            if k >= first or beyond < exhausted or size == most:
                # Eigenvalues are 1 / (1 + rate / sigma).
                memcpy(&part[0], &diagonal[0], size * sizeof(double))
                memcpy(&left[0], &beside[0], k * sizeof(double))
                dsteqr(&whole, &size, &part[0], &left[0], &vector[0, 0], &most, &work[0], &info)
                for j in range(size):
                    rate[j] = sigma * (1.0 / min(max(part[j], FASTEST), 1.0) - 1.0)
                for t in range(times):
                    memset(&share_of[t, 0], 0, size * sizeof(double))
                    for j in range(size):
                        share = norm * response(rate[j], power, watched[t]) * vector[j, 0]
                        daxpy(&size, &share, &vector[j, 0], &one, &share_of[t, 0], &one)
                if seeing:
                    product(
                        b"N", b"N", seeing, times, size, &seen[0, 0], seeing, &share_of[0, 0], most, &now[0, 0], seeing
                    )
                error = 0.0
                for t in range(times):
                    for i in range(seeing):
                        change = fabs(now[t, i] - before[t, i])
                        if not change <= error:
                            error = change
                        before[t, i] = now[t, i]
                if error <= tolerance or beyond < exhausted or size == most:
                    break
            beside[k] = beyond
            inverse = 1.0 / beyond
            dscal(&n, &inverse, &space[k + 1, 0], &one)
            k += 1
            read.read(&space[k, 0], &seen[k, 0])
    size = k + 1
    modes = np.asarray(vector)[:size, :size]
    turn = norm * modes * modes[:, :1]
    return np.array(rate[:size]), turn, field[:size], turn @ at_sites[:size, :seeing], error
