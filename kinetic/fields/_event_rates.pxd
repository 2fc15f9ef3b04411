from ..mechanisms._activation cimport Lineshape


cdef class EventRates:
    cdef readonly int n
    cdef readonly long evaluations
    cdef int[::1] mechanism, site_a, site_b
    cdef signed char[::1] direction
    cdef double[::1] barrier, chemical, frequency
    cdef double[::1] energy0, drop0, lever, rate
    # What the voltage adds, at 0 V and per volt: work (eV), and temperature rise over the voltage (K/V).
    cdef double[:, ::1] bias, rise
    cdef double[:, ::1] beyond           # of the work, what is done beyond the bond whose dipole sees the field, eV
    cdef readonly double low, high       # voltages between which these hold, V
    cdef int[::1] code_before_a, code_after_a, code_before_b, code_after_b, electrode, law
    cdef double[::1] charge_a, charge_b, dipole, floor, transport, alpha
    cdef Lineshape lineshape[32]        # by mechanism; filled for those with the law of many phonons
    cdef object tables
    cdef readonly double ambient
    cdef double rated_at, rated_total   # voltage that `rate` holds at (NAN: at none), and the sum
    # Candidates with all but a tiny share of the sum at a voltage, and how far from there (V) the others may be left alone.
    cdef int[::1] hot
    cdef int n_hot
    cdef double hot_at, hot_within, hot_rest
    cdef double near_at, near_total     # voltage that `rate` holds at but for these others, and the sum
    cdef bint cold                      # a rate asked for a temperature of 0 K or below

    cpdef (double, double) advance(self, double start, double slope, double duration, double hazard, double tolerance=*)
    cpdef int pick(self, double voltage, double uniform) except -1
    cpdef bint at_floor(self, int c, double voltage)
    cdef int _room(self, int n) except -1
    cdef int _share(self, EventRates other) except -1
    cdef int _take(self, EventRates other) except -1
    cdef double _bias(self, int c, double voltage) noexcept nogil
    cdef double _rise(self, int c, double voltage) noexcept nogil
    cdef double _activation(self, int c, double peak, double energy, double kt) noexcept nogil
    cdef double _lowered(self, int c, double voltage) noexcept nogil
    cdef double _total(self, double voltage) noexcept nogil
    cdef double _rate(self, int c, double voltage) noexcept nogil
    cdef double _near(self, double voltage) noexcept nogil
    cdef void _list_hot(self, double voltage) noexcept nogil
    cdef double _steepness(self, int c, double voltage) noexcept nogil
    cdef int _room_for_hot(self) except -1
    cdef int _refuse_cold(self) except -1
