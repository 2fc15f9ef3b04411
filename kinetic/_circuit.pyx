"""A resistor in a circuit: its voltage, and how far that goes straight in time (compiled).

`circuit.Circuit` words the errors; between two events the loop comes here without Python. Resistance in
series (ohm) and limits of the current (A) are those of a circuit.
"""


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


def voltage(double source, double conductance, double resistance, double low, double high):
    """Return the voltage (V) of a conductance; `Circuit.device_voltage` says what the numbers are."""
    return divided(source, conductance, resistance, low, high)


def line(double source, double slope, double duration, double conductance, double resolution,
         double resistance, double low, double high):
    """Return voltage (V), slope (V/s) and duration (s); `Circuit.ramp` says of what."""
    cdef Line found = straight(source, slope, duration, conductance, resolution, resistance, low, high)
    return found.voltage, found.slope, found.duration
