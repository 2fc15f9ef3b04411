cimport cython


@cython.final
cdef class BondLaws:
    cdef double[:, ::1] log_ratio, log_slope   # ln(i / g u) by law and step of |u|, and its derivative
    cdef int[::1] below                        # row of a law for negative u
    cdef double[::1] heating                   # fraction of the power of a bond that its ends get, by law
    cdef double step
    cdef int last
    # Room in which the currents of one arrangement after the other are worked out; none is kept there.
    cdef double[::1] scratch
    cdef int[::1] pivot

    cdef double current(self, int law, double u, double* slope) noexcept nogil
    cdef double beyond(self, int k, const double* coupling, const double* g, int* law, const double* rest,
                       double voltage, double load) except? -1e300


cdef int settle(BondLaws laws, int k, const double* coupling, const double* g, const int* law, const double* drive,
                double* u, double* tangent, double* work, int* pivot) noexcept nogil
cdef long settle_room(long k) noexcept nogil
cdef double behind(BondLaws laws, int law, double g, double load, double wanted, double u,
                   double* tangent) noexcept nogil
cdef int tangent_factor(int k, const double* coupling, const double* g, const double* tangent, double* matrix,
                        int* pivot) noexcept nogil
