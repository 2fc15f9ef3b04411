cdef struct Point:
    double current, source, voltage, time

cdef int note_moment(found, Point now, double low, double high, double slope) except -1
cdef int note_heat(found, double kelvin, double begin, double time) except -1
cdef int note_event(found, Point before, Point after, double low, double high, double slope) except -1
