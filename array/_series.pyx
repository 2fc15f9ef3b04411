"""A cell of current A sinh(u/V0), or A u, in series with a selector of current Is sinh(s/Vs), cell by cell."""

from libc.math cimport copysign, exp, fabs, isinf, log, sqrt
from libc.string cimport memcpy

cdef enum:
    MOST = 100

cdef double SMALL = 0.02    # below, series of four terms are exact to rounding
cdef double LARGE = 300.0   # above, hyperbolic functions would overflow soon
cdef double CLOSE = 1e-4    # a step after which the next would be rounding: steps are of third order


cdef inline void hyperbolic(double x, double *s, double *c) noexcept nogil:
    """sinh and cosh of x >= 0."""
    cdef double e, q
    if x < SMALL:
        q = x * x
        s[0] = x * (1.0 + q * (1.0 / 6.0 + q * (1.0 / 120.0 + q / 5040.0)))
        c[0] = 1.0 + q * (0.5 + q * (1.0 / 24.0 + q / 720.0))
    else:
        e = exp(x)
        s[0], c[0] = 0.5 * (e - 1.0 / e), 0.5 * (e + 1.0 / e)


cdef inline double inverse(double t) noexcept nogil:
    """asinh of t >= 0."""
    cdef double q
    if t < SMALL:
        q = t * t
        return t * (1.0 - q * (1.0 / 6.0 - q * (3.0 / 40.0 - q * 15.0 / 336.0)))
    return log(t + sqrt(t * t + 1.0))


cdef inline double rough_log(double x) noexcept nogil:
    """ln of a normal x > 0, to 2e-5: exponent from the bits, a quotient of polynomials of the mantissa."""
    cdef long long bits, power  # of 2, in the upper 12 bits
    cdef double m, t
    memcpy(&bits, &x, 8)
    power = (bits >> 52) - 1023
    bits = bits - (power << 52)
    memcpy(&m, &bits, 8)
    # ln m = 2 artanh((m - c)/(m + c)) + ln c with c = sqrt 2, three terms.
    t = (m - 1.4142135623730951) / (m + 1.4142135623730951)
    return 0.34657359027997264 + power * 0.6931471805599453 + t * (2.0 + t * t * (2.0 / 3.0 + t * t * 0.4))


cdef inline double guess(double right) noexcept nogil:
    """Lambert's function of exp(right), w + ln w = right, to 1e-4 or so."""
    cdef double p = right, w, miss, q
    if right < 3.0:
        p = log(1.0 + exp(right))
    w = p * (1.0 - rough_log(1.0 + p) / (2.0 + p))
    miss = right - w - rough_log(w)
    q = 2.0 * (1.0 + w) * (1.0 + w + miss * (2.0 / 3.0))
    # A step of fourth order (Fritsch).
    return w + w * miss * (q - miss) / ((1.0 + w) * (q - 2.0 * miss))


cdef bint resistor(double v, double a, double saturation, double vs,
                   double *u, double *i, double *g) noexcept nogil:
    """Linear cell: b sinh(y) + Vs y = V, b = Is/A, by Halley's method from the answer for exp(y)/2."""
    cdef double b = saturation / a, each = 1.0 / vs, y = v * each, s, c, miss, bent, first, step
    cdef int _k
    if y > 0.7:
        y = max(y - guess(y + rough_log(0.5 * b * each)), 0.3)
    if y < 1.5:
        y = min(y, v / (b + vs))
    for _k in range(MOST):
        hyperbolic(y, &s, &c)
        bent, first = b * s, b * c + vs
        miss = bent + vs * y - v
        step = miss * first / (first * first - 0.5 * miss * bent)
        if fabs(step) <= CLOSE * min(y, 1.0):
            # Third order after this step: rounding.
            s = s - step * (c - 0.5 * step * (s - step * c * (1.0 / 3.0)))
            c = c - step * s
            u[0], i[0] = s * b, s * saturation
            g[0] = a * saturation * c / (saturation * c + vs * a)
            return True
        y -= step
    u[0], i[0] = s * b, s * saturation
    return False


cdef bint junction(double v, double a, double v0, double saturation, double vs,
                   double *out_u, double *out_i, double *out_g) noexcept nogil:
    """Vs y + V0 asinh(k sinh(y)) = V, k = Is/A, by Halley's method from its asymptotes, kept in a bracket."""
    cdef double k = saturation / a, y = v / (vs + v0 * k), s, c, q, root, first, second, miss, step, u = 0.0
    cdef double low = 0.0, high = v / vs
    cdef int _n
    if y < SMALL and k < SMALL:
        # Both nearly ohmic: the linear answer and its cubic correction, good to the fifth power.
        first, q = vs + v0 * k, y * y
        if k * v0 * q * q < 1e-14 * vs:
            y = y - v0 * k * (1.0 - k * k) * y * q / (6.0 * first)
            q = y * y
            s, c = y * (1.0 + q * (1.0 / 6.0 + q * (1.0 / 120.0))), 1.0 + q * (0.5 + q * (1.0 / 24.0))
            out_u[0] = v0 * inverse(k * s)
            out_i[0] = s * saturation
            out_g[0] = a * saturation * c / (v0 * saturation * c + vs * a)
            return True
    if k < 1.0 and y > 0.7:
        y = min(y, (v - v0 * log(k)) / (vs + v0))
    elif k >= 1.0:
        # No more than where the cell would take it all.
        y = v / v0
        if y < LARGE:
            hyperbolic(y, &s, &c)
            y = inverse(s / k)
        else:
            y = y - log(k)
        y = min(y, high)
    for _n in range(MOST):
        hyperbolic(y, &s, &c)
        q = k * s
        root = sqrt(1.0 + q * q)
        u = v0 * inverse(q)
        first = vs + v0 * k * c / root
        second = v0 * (1.0 - k * k) * q / (root * root * root)
        miss = u + vs * y - v
        step = miss * first / (first * first - 0.5 * miss * second)
        if fabs(step) <= CLOSE * min(y, 1.0):
            out_u[0] = u - step * (first - vs - 0.5 * step * second)
            s = s - step * (c - 0.5 * step * (s - step * c * (1.0 / 3.0)))
            c = c - step * s
            out_i[0], q = s * saturation, k * s
            root = a * sqrt(1.0 + q * q)
            out_g[0] = root * saturation * c / (v0 * saturation * c + vs * root)
            return True
        if miss > 0.0:
            high = y
        else:
            low = y
        y = y - step if low < y - step < high else 0.5 * (low + high)
    out_u[0], out_i[0] = u, s * saturation
    return False


cdef bint crossing(double v, double a, double v0, double saturation, double vs,
                   double *u, double *i, double *g) noexcept nogil:
    if a == 0.0:
        u[0], i[0], g[0] = v, 0.0, 0.0
        return True
    if v == 0.0:
        u[0], i[0], g[0] = 0.0, 0.0, 1.0 / ((1.0 if isinf(v0) else v0) / a + vs / saturation)
        return True
    if isinf(v0):
        return resistor(v, a, saturation, vs, u, i, g)
    return junction(v, a, v0, saturation, vs, u, i, g)


def sinh_series(const double[::1] voltage, const double[::1] amplitude, const double[::1] scale,
                const double[::1] saturation, const double[::1] slope_voltage,
                double[::1] inner, double[::1] current, double[::1] slope):
    """Find the cell's voltage, current and slope at each voltage; return the first index that fails, or -1.

    Of that index voltage and current are the last that were tried, both positive.
    """
    cdef Py_ssize_t k, failed = -1
    cdef double u = 0.0, i = 0.0, g = 0.0
    with nogil:
        for k in range(voltage.shape[0]):
            if not crossing(fabs(voltage[k]), amplitude[k], scale[k], saturation[k], slope_voltage[k], &u, &i, &g):
                failed = k
                inner[k], current[k] = u, i
                break
            inner[k] = copysign(u, voltage[k])
            current[k] = copysign(i, voltage[k])
            slope[k] = g
    return failed


cdef void ladder(const double *g, const double *shunt, const double *rhs, const double *onward, Py_ssize_t size,
                 double *seen, double *x) noexcept nogil:
    """Solve one line: ``onward`` between neighbours, ``shunt`` to ground, currents ``rhs``; ``seen`` is room.

    ``g`` is added to the shunts. Pivots are sums of positive numbers.
    """
    cdef Py_ssize_t k
    cdef double below = 0.0, carried = 0.0, pivot, step
    for k in range(size):
        below = shunt[k] + g[k] + below
        carried = rhs[k] + carried
        step = onward[k] if k < size - 1 else 0.0
        pivot = below + step
        seen[k] = step / pivot
        x[k] = carried / pivot
        carried = carried * seen[k]
        below = below * seen[k]
    for k in range(size - 2, -1, -1):
        x[k] += seen[k] * x[k + 1]


cdef double tangents(const double[:, ::1] cells, const double[::1] resistance, const double[::1] voltage,
                     double[:, ::1] found, double *load, double *flow, Py_ssize_t skipped) noexcept nogil:
    """Linearise every crossing with its far line: current flow + load times the voltage of both; -1 if one fails."""
    cdef Py_ssize_t k
    cdef double u = 0.0, current = 0.0, slope = 0.0
    for k in range(voltage.shape[0]):
        load[k] = flow[k] = 0.0
        if k == skipped:
            continue
        if not crossing(fabs(voltage[k]), cells[0, k], cells[1, k], cells[2, k], cells[3, k], &u, &current, &slope):
            return -1.0
        found[0, k], found[1, k], found[2, k] = copysign(u, voltage[k]), copysign(current, voltage[k]), slope
        load[k] = slope / (1.0 + resistance[k] * slope)
        flow[k] = (found[1, k] - slope * voltage[k]) / (1.0 + resistance[k] * slope)
    return 0.0


def cross(const double[:, ::1] cells, const double[:, ::1] lines, const double[::1] resistance, Py_ssize_t i,
          Py_ssize_t j, Py_ssize_t n, const double[::1] source, const double[::1] rest, double amplitude,
          double[::1] voltage, double[:, ::1] found, double[::1] line, double[:, ::1] work, double close, int most):
    """Solve the cells of one word and one bit line, where all others carry nothing; return the steps, or -1.

    The first n of the arrays are of the word line, the others of the bit line; the selected crossing is number j,
    and number n + i is left out.

    cells : amplitude, scale, saturation and slope voltage of each crossing
    lines : conductance of each node to its driver, and onward to the next (S)
    resistance : of the far line of each crossing, up to its driver (ohm)
    source : current of the drivers into each node (A); rest : voltage behind each far line (V), at the amplitude (V)
    voltage : over each crossing where to start, and then the answer (V)
    found : of each crossing the cell's voltage, current, slope, node voltage, and V of the crossing per V of amplitude
    line : open voltage and resistance of what is around the selected crossing; voltage of the last node of the bit
        line for 1 A into that of the crossing
    work : seven rows of room; close : step (V) that ends; most : steps
    """
    cdef Py_ssize_t size = voltage.shape[0], m = size - n, k, at = n + i, first, count
    cdef int step = 0, side, done = 0
    cdef double sign, largest, slope, current, new, total, scale, moved, selected = 0.0
    cdef double *load = &work[0, 0]
    cdef double *flow = &work[1, 0]
    cdef double *node = &work[2, 0]   # voltages with the selected crossing open
    cdef double *unit = &work[3, 0]   # for 1 A into the node of the selected crossing
    cdef double *rhs = &work[4, 0]
    cdef double *one = &work[5, 0]
    cdef double *room = &work[6, 0]
    with nogil:
        while done < 2:
            # Twice at the end: the second time for what the amplitude changes, along the same tangents.
            if done == 0:
                step += 1
                if step > most or tangents(cells, resistance, voltage, found, load, flow, at) < 0.0:
                    step = -1
                    break
            slope, current = found[2, j], found[1, j] - found[2, j] * voltage[j]
            for side in range(2):
                if side == 0:
                    first, count, sign = 0, n, 1.0
                else:
                    first, count, sign = n, m, -1.0
                for k in range(first, first + count):
                    # A crossing takes its current from a word node and gives it to a bit node.
                    rhs[k] = source[k]
                    one[k] = 0.0
                    if k != j:
                        rhs[k] += load[k] * rest[k] - sign * flow[k] * (1 - done)
                if done:
                    for k in range(first, first + count):
                        rhs[k] /= amplitude
                one[j if side == 0 else at] = 1.0
                if side == 0:
                    scale, load[j] = load[j], 0.0
                ladder(load + first, &lines[0, first], rhs + first, &lines[1, first], count, room, node + first)
                ladder(load + first, &lines[0, first], one + first, &lines[1, first], count, room, unit + first)
                if side == 0:
                    load[j] = scale
            if done:
                current = 0.0
            else:
                line[0], line[1], line[2] = node[j] - node[at], unit[j] + unit[at], unit[size - 1]
            # The selected crossing, linearised too, meets what is around it.
            selected = (current + slope * (node[j] - node[at])) / (1.0 + line[1] * slope)
            largest = 0.0
            for k in range(size):
                sign = 1.0 if k < n else -1.0
                total = node[k] - sign * selected * unit[k]
                if not done:
                    found[3, k] = total
                if k == at:
                    continue
                if k == j:
                    new = node[j] - node[at] - line[1] * selected
                else:
                    # Of the node against what is behind the far line, which takes some.
                    total = sign * (total - (rest[k] / amplitude if done else rest[k]))
                    new = total - resistance[k] * (flow[k] * (1 - done) + load[k] * total)
                if done:
                    found[4, k] = new
                    continue
                moved, scale = new - voltage[k], cells[1, k] + cells[3, k]
                largest = max(largest, fabs(moved))
                # No further than where the current would have grown by what the tangent gave.
                if fabs(new) > fabs(voltage[k]) and fabs(new) > 7.0 * scale and fabs(moved) > scale:
                    moved = copysign(scale * log(1.0 + fabs(moved) / scale), moved)
                voltage[k] += moved
                found[1, k] += found[2, k] * moved
            if done or largest <= close:
                done += 1
    return step


def meet(double open_voltage, double resistance, double a, double v0, double saturation, double vs, double start):
    """Return where a crossing meets a load line: its voltage, the cell's, the current (V, V, A); None if nowhere.

    Newton's method from a voltage over the crossing, kept between 0 and the open voltage.
    """
    cdef double size = fabs(open_voltage), low = 0.0, high = size, v, u = 0.0, i = 0.0, g = 0.0, miss, step
    cdef int _n
    v = min(max(start if open_voltage > 0.0 else -start, 0.0), size)
    for _n in range(2 * MOST):
        if not crossing(v, a, v0, saturation, vs, &u, &i, &g):
            return None
        miss = v - size + resistance * i
        if miss > 0.0:
            high = v
        else:
            low = v
        step = miss / (1.0 + resistance * g)
        if fabs(step) <= 1e-9 * size:
            return (copysign(v - step, open_voltage), copysign(u, open_voltage),
                    copysign(i - g * step, open_voltage))
        v = v - step if low <= v - step <= high else 0.5 * (low + high)
    return None
