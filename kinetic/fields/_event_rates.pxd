cimport cython

from libc.math cimport fabs, log

from ..mechanisms._activation cimport Lineshape

cdef enum:
    # rows of a block of energies: at 0 V, what the voltage adds (at 0 V and per volt), and the rates
    ENERGY = 0
    DROP = 1
    LEVER = 2
    WORK_0 = 3
    WORK = 4
    RISE_0 = 5
    RISE = 6
    BEYOND_0 = 7
    BEYOND = 8
    RATE = 9
    ROWS = 10


@cython.final
cdef class MechanismTables:
    cdef int[::1] code_before_a, code_after_a, code_before_b, code_after_b, electrode, law
    cdef double[::1] charge_a, charge_b, dipole, power, floor, transport, alpha
    cdef Lineshape lineshape[32]        # by mechanism; filled for those with the law of many phonons
    cdef object arrays                  # the compiled line shapes point into theirs
    cdef readonly double ambient        # temperature of the electrodes, K
    cdef int second                     # code of the second species that conducts; a code of none where there is one

    cdef inline bint conducts(self, int code, signed char conducting) noexcept nogil:
        """Whether a species is a defect that conducts: ``conducting``, or the second kind beside it."""
        return code == conducting or code == self.second


@cython.final
cdef class Candidates:
    cdef readonly MechanismTables tables
    cdef readonly int n
    cdef readonly long nbytes           # of its columns
    cdef int[::1] mechanism, site_a, site_b
    cdef signed char[::1] direction
    cdef double[::1] barrier, chemical, frequency

    cdef int _room(self, MechanismTables tables, int n) except -1

    cdef inline int leaves(self, int c, signed char conducting) noexcept nogil:
        """Host site of the defect that conducts and that the event takes away, or -1."""
        cdef int mech = self.mechanism[c], reverse = self.direction[c]
        if self.tables.conducts(
                self.tables.code_after_a[mech] if reverse else self.tables.code_before_a[mech], conducting):
            return self.site_a[c]
        if self.site_b[c] >= 0 and self.tables.conducts(
                self.tables.code_after_b[mech] if reverse else self.tables.code_before_b[mech], conducting):
            return self.site_b[c]
        return -1

    cdef inline int arrives(self, int c, signed char conducting) noexcept nogil:
        """Host site of the defect that the event leaves behind, or -1."""
        cdef int mech = self.mechanism[c], reverse = self.direction[c]
        if self.tables.conducts(
                self.tables.code_before_a[mech] if reverse else self.tables.code_after_a[mech], conducting):
            return self.site_a[c]
        if self.site_b[c] >= 0 and self.tables.conducts(
                self.tables.code_before_b[mech] if reverse else self.tables.code_after_b[mech], conducting):
            return self.site_b[c]
        return -1

    cdef inline int kind(self, int c) noexcept nogil:
        """Kind of the defect that the event moves, makes or takes away: 1 of the second kind, else 0."""
        cdef int mech = self.mechanism[c], second = self.tables.second
        return (self.tables.code_before_a[mech] == second or self.tables.code_after_a[mech] == second
                or self.tables.code_before_b[mech] == second or self.tables.code_after_b[mech] == second)

    cdef inline double mixed_rise(self, int c, double at_a, double at_b) noexcept nogil:
        """Temperature rise that a hop reads: T_i + beta (T_j - T_i), beta = (1 - Q*/E_m)/2."""
        cdef double beta = 0.5
        if self.barrier[c] > 0.0:
            beta = 0.5 * (1.0 - self.tables.transport[self.mechanism[c]] / self.barrier[c])
        if self.direction[c]:
            beta = 1.0 - beta
        return at_a + beta * (at_b - at_a)


@cython.final
cdef class EventRates:
    cdef readonly Candidates candidates
    cdef readonly int n
    cdef readonly long evaluations
    cdef readonly long nbytes            # of the columns that no other rates of these candidates hold
    cdef double[::1] energy0, drop0, lever, rate
    # What the voltage adds, at 0 V and per volt: work (eV), and temperature rise over the voltage (K/V).
    cdef double[::1] work0, work, rise0, rise
    cdef double[::1] beyond0, beyond     # of the work, what is done beyond the bond whose dipole sees the field, eV
    cdef readonly double low, high       # voltages between which these hold, V
    cdef readonly double ambient
    cdef double rated_at, rated_total   # voltage that `rate` holds at (NAN: at none), and the sum
    # Candidates with all but a tiny fraction of the sum at a voltage, and how far from there (V) the others may stay.
    cdef int[::1] hot
    cdef int n_hot
    cdef double hot_at, hot_within, hot_rest
    cdef double near_at, near_total     # voltage that `rate` holds at but for these others, and the sum
    cdef bint cold                      # a rate asked for a temperature of 0 K or below

    @staticmethod
    cdef EventRates hold(Candidates candidates, double[:, ::1] block)
    cpdef (double, double) advance(self, double start, double slope, double duration, double hazard, double tolerance=*)
    cpdef int pick(self, double voltage, double uniform) except -1
    cpdef bint at_floor(self, int c, double voltage)
    cpdef double rate_at(self, int c, double voltage, double ambient) except? -1.0
    cdef int _split(self, double[:, ::1] block) except -1
    cdef double _bias(self, int c, double voltage) noexcept nogil
    cdef double _rise(self, int c, double voltage) noexcept nogil
    cdef double _activation(self, int c, double peak, double energy, double kt) noexcept nogil
    cdef double _lowered(self, int c, double voltage) noexcept nogil
    cdef double _under_field(self, int c, double voltage, double* slope) noexcept nogil
    cdef double _total(self, double voltage) noexcept nogil
    cdef double _rate(self, int c, double voltage) noexcept nogil
    cdef double _rate_at(self, int c, double voltage, double rise) noexcept nogil
    cdef double _total_at(self, double voltage, const double[::1] rise) noexcept nogil
    cdef int _chosen(self, double target) except -1
    cdef double _near(self, double voltage) noexcept nogil
    cdef void _list_hot(self, double voltage) noexcept nogil
    cdef double _steepness(self, int c, double voltage) noexcept nogil
    cdef int _room_for_hot(self) except -1
    cdef int _refuse_cold(self) except -1


cdef inline double exponential_integral(double r0, double r1, double step) noexcept nogil:
    """Integral over ``step`` of a rate that is exponential in time between its end values."""
    cdef double x
    if r0 <= 0.0 or r1 <= 0.0:
        return 0.5 * (r0 + r1) * step
    x = log(r1 / r0)
    if fabs(x) < 1e-6:
        return 0.5 * (r0 + r1) * step
    return (r1 - r0) / x * step


cdef inline double solve_exponential(double r0, double r1, double step, double area) noexcept nogil:
    """Time at which the same integral reaches ``area``."""
    cdef double x
    if r0 <= 0.0 or r1 <= 0.0:
        x = area / (0.5 * (r0 + r1))
        return x if x < step else step
    x = log(r1 / r0) / step
    if fabs(x * step) < 1e-6:
        x = area / (0.5 * (r0 + r1))
    else:
        x = log(1.0 + x * area / r0) / x
    return x if x < step else step
