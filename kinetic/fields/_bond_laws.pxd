cdef class BondLaws:
    cdef double[:, ::1] log_ratio, log_slope   # ln(i / g u) by law and step of |u|, and its derivative
    cdef int[::1] below                        # row of a law for negative u
    cdef double step
    cdef int last
    # Room in which the currents of one arrangement after the other are worked out; none is kept there.
    cdef double[::1] scratch
    cdef int[::1] pivot

    cdef int room_for(self, int k) except -1
    cdef double current(self, int law, double u, double* slope) noexcept nogil


cdef int settle(BondLaws laws, int k, double* coupling, double* g, int* law, double* drive, double* u,
                double* tangent, double* work, int* pivot) noexcept nogil
cdef long settle_room(long k) noexcept nogil
cdef int tangent_factor(int k, double* coupling, double* g, double* tangent, double* matrix,
                        int* pivot) noexcept nogil


cdef class CurrentLaw:
    cdef BondLaws laws
    cdef int k
    cdef double conductance, background
    cdef readonly long size    # bytes
    cdef double[::1] coupling, g, rest     # of one block
    cdef int[::1] law
    cdef double asked, answer              # the last voltage (V), and the current there (A)

    cdef int _room(self, int k) except -1
    cdef double _beyond(self, double voltage, double load) except? -1e300
