cdef struct Line:
    double voltage, slope, duration    # V, V/s, s

cdef double divided(double source, double conductance, double resistance,
                    double low, double high) noexcept nogil
cdef Line straight(double source, double slope, double duration, double conductance, double resolution,
                   double resistance, double low, double high) noexcept nogil
