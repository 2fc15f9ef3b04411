"""What `extremes.Extremes` takes note of at a moment and at an event (compiled: a run does so each time)."""

from libc.math cimport fabs

SAME = 1e-9
"""Relative difference of two currents that is rounding: at a limit the first moment counts."""
cdef double MORE = 1.0 + SAME, LESS = 1.0 - SAME


cdef int note_moment(found, Point now, double low, double high, double slope) except -1:
    """Take note of a moment, with the limits (A) and the slope of the source (its sign counts)."""
    cdef double size = fabs(now.current)
    # Written so that all is more than NaN.
    cdef bint peak = not size <= fabs(<double> found.peak[0]) * MORE
    cdef bint out = now.source * slope >= 0.0 and not size <= fabs(<double> found.out[0]) * MORE
    if peak or out:
        moment = tuple.__new__(type(found.peak), (now.current, now.source, now.voltage, now.time))
        if peak:
            found.peak = moment
        if out:
            found.out = moment
    if not low * LESS < now.current < high * LESS:
        found.limited = True
    return 0


cdef int note_event(found, Point before, Point after, double low, double high, double slope) except -1:
    """Take note of an event, by the moments before and after it."""
    cdef double change
    note_moment(found, before, low, high, slope)
    if not found.limited:
        change = fabs(after.current) - fabs(before.current)
        if change > 0.0 and not change <= <double> found.up[0] * MORE:
            found.up = _step(found, change, before)
        elif change < 0.0 and not change >= <double> found.down[0] * MORE:
            found.down = _step(found, change, before)
    note_moment(found, after, low, high, slope)
    return 0


cdef int note_heat(found, double kelvin, double begin, double time) except -1:
    """Take note of the temperature that an event reads, and of its time; the run had begun at ``begin`` (s)."""
    cdef double last = found.last_event
    if not kelvin <= <double> found.hottest[0]:
        found.hottest = tuple.__new__(type(found.hottest), (kelvin, time - (begin if last != last else last), time))
    found.last_event = time
    return 0


cdef object _step(found, double change, Point before):
    return tuple.__new__(type(found.up), (change, before.current, before.source, before.voltage, before.time))


cdef Point _point(moment):
    cdef Point point
    point.current, point.source, point.voltage, point.time = moment
    return point


def look(found, now, limits, double slope):
    """`Extremes.look`."""
    note_moment(found, _point(now), limits[0], limits[1], slope)


def event(found, before, after, limits, double slope):
    """`Extremes.event`."""
    note_event(found, _point(before), _point(after), limits[0], limits[1], slope)
