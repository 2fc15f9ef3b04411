"""Motion of tunnelling gaps at constant voltages, cell by cell, exact for any duration."""

from libc.math cimport exp, fabs

cdef double SMALL = 0.02    # below, a series of four terms is exact to rounding


cdef inline double sinh_of(double x) noexcept nogil:
    """sinh of x >= 0."""
    cdef double e, q
    if x < SMALL:
        q = x * x
        return x * (1.0 + q * (1.0 / 6.0 + q * (1.0 / 120.0 + q / 5040.0)))
    e = exp(x)
    return 0.5 * (e - 1.0 / e)


cdef inline double moved(double y, double way) noexcept nogil:
    """Return y after a way of dy/dway = -min(max(y, -1), 1)."""
    cdef double size = fabs(y), free
    if size > 1.0:
        free = size - 1.0
        if way <= free:
            size = size - way
        else:
            size = exp(free - way)
    else:
        size = size * exp(-way)
    return size if y >= 0.0 else -size


cdef inline double hot_move(double y, double way, double edge, double end, double sign, double power, double scale,
                            double heat_ambient, double resistance, double activation, double reference,
                            double most) noexcept nogil:
    """As `moved`, in steps of ``most``: the rate follows the temperature of the power exp(-gap/scale)."""
    cdef double step, factor, after, now, trial
    now = exp(activation * (1.0 / reference - 1.0 / (heat_ambient
              + resistance * power * exp(-(end + sign * edge * y) / scale))))
    while way > 0.0 and fabs(y) > 1e-12:
        # The whole rest, where it moves the gap less than a step.
        step = way
        if fabs(y) > most and way * now > most / min(fabs(y), 1.0):
            step = most / (min(fabs(y), 1.0) * now)
        trial = moved(y, step * now)
        after = exp(activation * (1.0 / reference - 1.0 / (heat_ambient
                    + resistance * power * exp(-(end + sign * edge * trial) / scale))))
        factor = 0.5 * (now + after)
        y = moved(y, step * factor)
        now = exp(activation * (1.0 / reference - 1.0 / (heat_ambient
                  + resistance * power * exp(-(end + sign * edge * y) / scale))))
        way = way - step
    return y


def advance(double[::1] gap, const double[::1] gap_min, const double[::1] gap_max,
            const double[::1] set_velocity, const double[::1] reset_velocity,
            double[::1] turn, unsigned char[::1] closing, unsigned char[::1] turned,
            const Py_ssize_t[::1] at, bint everywhere, const double[::1] voltage, double duration,
            double drive, double edge, const double[::1] heat):
    """Hold voltages for a duration; mark cells that turned, and return how many.

    ``at`` are the cells of the voltages unless ``everywhere``. ``heat``: factor of all rates; then resistance (K/W),
    activation over k (K), reference and ambient (K), I0 (A), V0 and g0 (V, m), or nothing for cold cells.
    """
    cdef Py_ssize_t n = voltage.shape[0], k, c, count = 0
    cdef double v, x, way, y, factor = heat[0]
    cdef bint hot = heat.shape[0] > 1
    with nogil:
        for k in range(n):
            c = k if everywhere else at[k]
            turned[k] = 0
            v = voltage[k]
            if v == 0.0:
                continue
            x = sinh_of(drive * fabs(v)) * factor * duration / edge
            if v > 0.0:
                way = x * set_velocity[c]
                y = (gap[c] - gap_min[c]) / edge
                if hot:
                    y = hot_move(y, way, edge, gap_min[c], 1.0, heat[5] * v * sinh_of(v / heat[6]), heat[7],
                                 heat[4], heat[1], heat[2], heat[3], 0.02 * heat[7] / edge)
                else:
                    y = moved(y, way)
                gap[c] = gap_min[c] + edge * y
                # From the first wall to the other the cell has gone, or could have gone, one edge.
                turn[c] = min(turn[c] + way, 1.0)
                if turn[c] == 1.0 and not closing[c]:
                    closing[c] = turned[k] = 1
                    count += 1
            else:
                way = x * reset_velocity[c]
                y = (gap_max[c] - gap[c]) / edge
                if hot:
                    y = hot_move(y, way, edge, gap_max[c], -1.0, heat[5] * -v * sinh_of(-v / heat[6]), heat[7],
                                 heat[4], heat[1], heat[2], heat[3], 0.02 * heat[7] / edge)
                else:
                    y = moved(y, way)
                gap[c] = gap_max[c] - edge * y
                turn[c] = max(turn[c] - way, 0.0)
                if turn[c] == 0.0 and closing[c]:
                    closing[c] = 0
                    turned[k] = 1
                    count += 1
    return count
