"""A resistor in a circuit: its voltage, and how far that goes straight in time (compiled).

`circuit.Circuit` words the errors; between two events the loop comes here without Python. Resistance in
series (ohm) and limits of the current (A) are those of a circuit.
"""


from libc.math cimport copysign, fabs

# Change of the voltage (V) across a nonlinear device that is always taken as straight in time.
cdef double STRAIGHT = 0.01
# Departure (V) from a straight line in time, half-way, up to which a larger change is taken as straight.
cdef double BEND = 3e-5


cdef double divided(double source, double conductance, double resistance,
                    double low, double high) noexcept nogil:
    """Voltage (V) across a conductance (S) behind a resistance, with a limit of the current."""
    cdef double voltage = source / (1.0 + resistance * conductance)
    cdef double current = voltage * conductance
    if current > high:
        return high / conductance
    if current < low:
        return low / conductance
    return voltage


cdef Line straight(double source, double slope, double duration, double conductance, double resolution,
                   double resistance, double low, double high) noexcept nogil:
    """The line along which the voltage of a conductance (S) goes while the source moves, until a limit."""
    cdef double divider = 1.0 + resistance * conductance, least, until, first, second
    cdef Line line
    line.voltage = divided(source, conductance, resistance, low, high)
    line.slope, line.duration = slope / divider, duration
    if slope == 0.0 or conductance == 0.0:
        return line
    # Source voltages at which the limits begin to act, in the order in which the source meets them.
    first, second = low / conductance * divider, high / conductance * divider
    if slope < 0.0:
        first, second = second, first
    least = max(1e-9 * duration, resolution)
    until = (first - source) / slope
    if until > least:
        line.slope, line.duration = 0.0, min(duration, until)
        return line
    until = (second - source) / slope
    if until > least:
        line.duration = min(duration, until)
        return line
    line.slope = 0.0
    return line


cdef double bend(point, double end, device, double resistance) except? -1.0:
    """A bound (V) on how far a device is from a line straight in time, half-way to ``end``.

    The source stands at V + R I(V). At the middle of two device voltages it is off the middle of its own
    values by R times what the current is off the middle of its own, and the device voltage by less.
    """
    cdef double middle
    if resistance == 0.0:
        return 0.0
    # The end last: a law keeps its last answer, and is asked for the end again.
    middle = device(0.5 * (<double> point[0] + end))
    return resistance * (middle - 0.5 * (<double> point[2] + <double> device(end)))


cdef Line curved(point, double source, double slope, double duration, device, double far, double resolution,
                 double resistance, double low, double high) except *:
    """The line along which the voltage of a nonlinear device goes while the source moves straight."""
    cdef double start = point[0], end = far, span = fabs(far - start)
    cdef double least = max(1e-9 * duration, resolution), until, current, limit
    cdef Line line
    line.voltage, line.slope, line.duration = start, 0.0, duration
    # As far as the caller lets it go, where the resistance in series bends the line little enough.
    while span > STRAIGHT and fabs(bend(point, end, device, resistance)) > BEND:
        span = max(0.5 * span, STRAIGHT)
        end = start + copysign(span, slope)
    if point[3]:
        # At a limit the source goes on alone, until it is back where the limit ends to act.
        until = (<double> point[1] - source) / slope
        if fabs(until) > least:
            if until > 0.0:
                line.duration = min(duration, until)
            return line
    current = device(end)
    limit = min(max(current, low), high)
    if limit != current:
        current, end = limit, device.at(limit)
    until = (end + resistance * current - source) / slope
    if until <= least:
        line.voltage, line.duration = end, min(duration, least)
        return line
    line.slope, line.duration = (end - start) / until, min(duration, until)
    return line


def curve(point, double source, double slope, double duration, device, double far, double resolution,
          double resistance, double low, double high):
    """Return voltage (V), slope (V/s) and duration (s); `Circuit.nonlinear_ramp` says of what."""
    cdef Line found = curved(point, source, slope, duration, device, far, resolution, resistance, low, high)
    return found.voltage, found.slope, found.duration


def voltage(double source, double conductance, double resistance, double low, double high):
    """Return the voltage (V) of a conductance; `Circuit.device_voltage` says what the numbers are."""
    return divided(source, conductance, resistance, low, high)


def line(double source, double slope, double duration, double conductance, double resolution,
         double resistance, double low, double high):
    """Return voltage (V), slope (V/s) and duration (s); `Circuit.ramp` says of what."""
    cdef Line found = straight(source, slope, duration, conductance, resolution, resistance, low, high)
    return found.voltage, found.slope, found.duration
