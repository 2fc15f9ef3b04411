"""Bonds whose current is not proportional to their voltage (compiled).

A law is a rising function i(u) with the slope g at 0 V. It stands in a table of ln(i / g u), so that any law of
`frenkel.kinetic.conduction` serves and none is known here; one that is not odd has a table for either sign. With
S the voltages that unit currents along the bonds make in the network of their slopes at 0 V, and v their voltages
there, the voltages u settle where

    u + S (i(u) - g u) = v,

by Newton's method on as many unknowns as there are such bonds. Laws rise, so the solution is unique.
"""

cimport cython

import numpy as np

from libc.math cimport exp, fabs, INFINITY

from ._small_lu cimport factor_small, solve_small

cdef double SETTLED = 1e-13  # V over the largest voltage: the last step of Newton's method
cdef double NEAR = 1e-9      # the same, from where Newton's method on the voltages alone goes on
cdef double ROUNDED = 1e-6   # V over the largest voltage: what rounding may leave open where no step helps
cdef int MOST_STEPS = 200, LAST_STEPS = 20
cdef int UNSETTLED = -99


@cython.final
cdef class BondLaws:
    """Table of laws, interpolated by cubics.

    Parameters
    ----------
    step : float
        Step of the voltage (V), above 0.
    log_ratio, log_slope : (n_laws, n_steps) float64
        ln(i / g u) at 0 V, one step, two steps ..., and its derivative (1/V). Beyond the last step the ratio
        stays as it is there: the bond is ohmic again.
    below : (n_laws,) int32, optional
        Which row holds for negative voltages, as a function of their size; by default the same, the law is odd.
    heating : sequence of float, optional
        Fraction of the power of a bond of each law, from 0 to 1, that heats the atoms at its ends (default: 1). A
        row of ``below`` has none of its own.

    Raises
    ------
    ValueError
        A table that starts otherwise than 0, or a current that falls somewhere.
    """

    def __init__(self, double step, log_ratio, log_slope, below=None, heating=None):
        self.step = step
        self.log_ratio = np.ascontiguousarray(log_ratio, dtype=np.float64)
        self.log_slope = np.ascontiguousarray(log_slope, dtype=np.float64)
        self.below = np.array(np.arange(len(self.log_ratio)) if below is None else below, np.intc)
        self.heating = np.ones(len(self.log_ratio)) if heating is None else np.array(heating, np.float64)
        self.last = self.log_ratio.shape[1] - 1
        self.scratch, self.pivot = np.zeros(0), np.zeros(0, np.intc)
        cdef int law, i
        cdef double slope
        for law in range(self.log_ratio.shape[0]):
            if fabs(self.log_ratio[law, 0]) > 1e-12:
                raise ValueError(f"a law must have the slope of its conductance at 0 V, law {law} has "
                                 f"{exp(self.log_ratio[law, 0])} times that")
            for i in range(4 * self.last):
                self.current(law, 0.25 * i * step, &slope)
                # Between the steps of the table a current that saturates may fall by as little.
                if not slope > -1e-6 * exp(self.log_ratio[law, i // 4]):
                    raise ValueError(f"the current of law {law} must not fall with the voltage; it does at "
                                     f"{0.25 * i * step:.3g} V")

    cdef double beyond(self, int k, const double* coupling, const double* g, int* law, const double* rest,
                       double voltage, double load) except? -1e300:
        """Current beyond the slopes at 0 V (background bonds times 1 V); it lowers the voltage by ``load`` times it.

        Parameters
        ----------
        k : int
            Number of bonds.
        coupling, g, law, rest
            As of :class:`LawBonds`.
        voltage : float
            Of the arrangement where these bonds carry no more than their slopes at 0 V, V.
        load : float
            In series, 1 / (background bond).
        """
        cdef int j, l
        cdef double total = 0.0, slope
        if self.pivot.shape[0] < k:
            self.scratch = np.zeros(k * k + 3 * k + settle_room(k))
            self.pivot = np.zeros(k, np.intc)
        cdef double* loaded = &self.scratch[0]
        cdef double* drop = loaded + k * k
        cdef double* drive = drop + k
        cdef double* tangent = drive + k
        for j in range(k):
            drive[j] = rest[j] * voltage
            # Behind a load the drive says what no bond bears, up to 1e6 V at a given current: start within 1 V.
            drop[j] = drive[j] if load == 0.0 else max(-1.0, min(1.0, drive[j]))
            for l in range(k):
                loaded[j * k + l] = coupling[j * k + l] + load * rest[j] * rest[l]
        if settle(self, k, loaded, g, law, drive, drop, tangent, tangent + k, &self.pivot[0]):
            raise ArithmeticError(f"the current of {k} bonds at {voltage:g} V does not settle")
        # What a bond carries beyond its slope at 0 V reaches the electrodes by the part of 1 V that it bears.
        for j in range(k):
            total += g[j] * (self.current(law[j], drop[j], &slope) - drop[j]) * rest[j]
        return total

    cdef double current(self, int law, double u, double* slope) noexcept nogil:
        """Current over conductance, i / g (V), and its derivative."""
        cdef double size = fabs(u), at = size / self.step, t, h, a, b, c, d, value
        cdef int n = self.last
        if u < 0.0:
            law = self.below[law]
        if at < n:
            n = <int>at
            t = at - n
            h = self.step
            # The cubic that has the values and the slopes of both ends.
            a, b = self.log_ratio[law, n], h * self.log_slope[law, n]
            d = h * self.log_slope[law, n + 1]
            c = 3.0 * (self.log_ratio[law, n + 1] - a) - 2.0 * b - d
            d = d + b - 2.0 * (self.log_ratio[law, n + 1] - a)
            value = exp(a + t * (b + t * (c + t * d)))
            slope[0] = value * (1.0 + size * (b + t * (2.0 * c + t * 3.0 * d)) / h)
            return u * value
        value = exp(self.log_ratio[law, n])
        slope[0] = value
        return u * value

    def ratio(self, int law, double u):
        """Current over conductance (V) at a voltage (V), and its derivative."""
        cdef double slope
        value = self.current(law, u, &slope)
        return value, slope


cdef long settle_room(long k) noexcept nogil:
    """Numbers of work that `settle` needs for ``k`` bonds."""
    return k * k + 3 * k


cdef double unsettled(BondLaws laws, int k, const double* coupling, const double* g, const int* law,
                      const double* drive, const double* u, double* tangent, double* extra, double* out) noexcept nogil:
    """How far u + S (i - g u) - v is from nothing: the vector in ``out``, its largest entry returned."""
    cdef int j, l
    cdef double total, size = 0.0
    for j in range(k):
        extra[j] = g[j] * (laws.current(law[j], u[j], &tangent[j]) - u[j])
    for j in range(k):
        total = u[j] - drive[j]
        for l in range(k):
            total += coupling[j * k + l] * extra[l]
        out[j] = total
        size = max(size, fabs(total))
    return size


cdef int tangent_factor(int k, const double* coupling, const double* g, const double* tangent, double* matrix,
                        int* pivot) noexcept nogil:
    """LU of 1 + S g (i' - 1), in Fortran's order."""
    cdef int j, l
    cdef double weight
    for l in range(k):
        weight = g[l] * (tangent[l] - 1.0)
        for j in range(k):
            matrix[l * k + j] = coupling[j * k + l] * weight
        matrix[l * k + l] += 1.0
    return factor_small(k, matrix, pivot)


cdef int settle(BondLaws laws, int k, const double* coupling, const double* g, const int* law, const double* drive,
                double* u, double* tangent, double* work, int* pivot) noexcept nogil:
    """Bring ``u`` (a first guess) to u + S (i(u) - g u) = drive; ``tangent`` becomes i'(u) / g there."""
    cdef int info = newton(laws, k, coupling, g, law, drive, u, tangent, work, pivot, MOST_STEPS)
    if info == 0:
        return 0
    # A law that grows by e over a few millivolts takes more steps than that.
    if loaded_newton(laws, k, coupling, g, law, drive, u, tangent, work, pivot):
        return info
    newton(laws, k, coupling, g, law, drive, u, tangent, work, pivot, LAST_STEPS)
    return 0


cdef double behind(BondLaws laws, int law, double g, double load, double wanted, double u,
                   double* tangent) noexcept nogil:
    """The voltage at which u + ``load`` (i(u) - g u) is what is wanted, near ``u``; the sum rises with u."""
    cdef double low = -INFINITY, high = INFINITY, value, slope, next_
    cdef int _step
    for _step in range(MOST_STEPS):
        value = u + load * g * (laws.current(law, u, tangent) - u) - wanted
        slope = 1.0 + load * g * (tangent[0] - 1.0)
        if value > 0.0 or value != value:
            high = u
        else:
            low = u
        next_ = u - value / slope
        # Outside of what is known, or where a current is too large for a number: halve, or go out by doubling.
        if not low < next_ < high:
            if high == INFINITY:
                next_ = max(2.0 * low, 1e-3)
            elif low == -INFINITY:
                next_ = min(2.0 * high, -1e-3)
            else:
                next_ = 0.5 * (low + high)
        if fabs(next_ - u) <= 1e-15 * fabs(u) or next_ == low or next_ == high:
            return next_
        u = next_
    return u


cdef int loaded_newton(BondLaws laws, int k, const double* coupling, const double* g, const int* law,
                       const double* drive, double* u, double* tangent, double* work, int* pivot) noexcept nogil:
    """Bring ``u`` near the solution by Newton's method on w = u + diag(S) (i(u) - g u).

    A bond alone is solved when w is the drive. In w the currents are bounded by w / diag(S) however steep the law is,
    so that steps are neither lost on the way down an exponential nor too long on the way up.
    """
    cdef double* matrix = work
    cdef double* left = work + k * k
    cdef double* start = left + k
    cdef double* other = start + k
    cdef double size, before, scale = 0.0, share, change, load, weight
    cdef int j, l, _step
    for j in range(k):
        scale = max(scale, fabs(drive[j]))
        u[j] = 0.0
    size = unsettled(laws, k, coupling, g, law, drive, u, tangent, other, left)
    for _step in range(MOST_STEPS):
        # G = diag(du/dw) + S diag(dh/dw), h = i - g u
        for l in range(k):
            load = coupling[l * k + l]
            weight = g[l] * (tangent[l] - 1.0)
            weight = weight / (1.0 + load * weight) if weight < 1e300 else 1.0 / load
            for j in range(k):
                matrix[l * k + j] = coupling[j * k + l] * weight
            matrix[l * k + l] += 1.0 - load * weight
        if factor_small(k, matrix, pivot):
            return UNSETTLED
        solve_small(k, 1, matrix, pivot, left)
        for j in range(k):
            start[j] = u[j]
        share, before = 1.0, size
        while True:
            change = 0.0
            for j in range(k):
                load = coupling[j * k + j]
                weight = start[j] + load * g[j] * (laws.current(law[j], start[j], &tangent[j]) - start[j])
                u[j] = behind(laws, law[j], g[j], load, weight - share * left[j], start[j], &tangent[j])
                change = max(change, fabs(u[j] - start[j]))
            # Where currents through a loop of bonds cancel, w has fewer digits than the voltages.
            if change <= NEAR * scale or share < NEAR:
                unsettled(laws, k, coupling, g, law, drive, u, tangent, matrix, other)
                return 0 if share == 1.0 or before <= ROUNDED * scale else UNSETTLED
            size = unsettled(laws, k, coupling, g, law, drive, u, tangent, matrix, other)
            if size < before:
                break
            share *= 0.5
        for j in range(k):
            left[j] = other[j]
    return UNSETTLED


cdef int newton(BondLaws laws, int k, const double* coupling, const double* g, const int* law, const double* drive,
                double* u, double* tangent, double* work, int* pivot, int most) noexcept nogil:
    """The same by Newton's method on the voltages alone, by at most so many steps."""
    cdef double* matrix = work
    cdef double* left = work + k * k
    cdef double* extra = left + k
    cdef double* start = extra + k
    cdef double size, before, scale = 0.0, share, change
    cdef int j, _step, info = 0
    for j in range(k):
        scale = max(scale, fabs(drive[j]))
    if scale == 0.0:
        for j in range(k):
            u[j] = 0.0
            tangent[j] = 1.0
        return 0
    size = unsettled(laws, k, coupling, g, law, drive, u, tangent, extra, left)
    for _step in range(most):
        info = tangent_factor(k, coupling, g, tangent, matrix, pivot)
        if info:
            return info
        solve_small(k, 1, matrix, pivot, left)
        change = 0.0
        for j in range(k):
            change = max(change, fabs(left[j]))
            start[j] = u[j]
        # A step that leaves more unsettled than before is halved; near the end rounding decides, and a step
        # that small is taken as it is.
        share, before = 1.0, size
        for j in range(k):
            u[j] = start[j] - left[j]
        if change <= SETTLED * scale:
            unsettled(laws, k, coupling, g, law, drive, u, tangent, extra, left)
            return 0
        while True:
            # `left` holds the step while shares of it are tried; what is unsettled then goes into `extra`.
            size = unsettled(laws, k, coupling, g, law, drive, u, tangent, matrix, extra)
            if size < before or change * share <= 1e-9 * scale:
                break
            share *= 0.5
            for j in range(k):
                u[j] = start[j] - share * left[j]
        for j in range(k):
            left[j] = extra[j]
    return UNSETTLED
