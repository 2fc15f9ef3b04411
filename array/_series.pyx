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
    cdef int k
    if y > 0.7:
        y = max(y - guess(y + rough_log(0.5 * b * each)), 0.3)
    if y < 1.5:
        y = min(y, v / (b + vs))
    for k in range(MOST):
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
    cdef int n
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
    for n in range(MOST):
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
