"""A cell of current A sinh(u/V0), or A u, in series with a selector of current Is sinh(s/Vs), cell by cell."""

from libc.math cimport copysign, exp, fabs, isinf, log, sqrt

cdef enum:
    MOST = 100

cdef double SMALL = 0.02    # below, series of four terms are exact to rounding
cdef double LARGE = 300.0   # above, hyperbolic functions would overflow soon
cdef double LAST = 1e-8     # a relative step after which the next would be rounding: Newton's steps square
# Voltage and current are those after that step, the slope is that before: 1e-7 off, which a Jacobian may be.


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


cdef bint resistor(double v, double a, double saturation, double vs,
                   double *u, double *i, double *g) noexcept nogil:
    """Linear cell: Is sinh(x)/a + Vs x = V is convex in x, hence Newton's steps are monotone from the right."""
    cdef double whole = v * a / saturation, x, s, c, step
    cdef int k
    x = min(v / vs, inverse(whole))
    for k in range(MOST):
        hyperbolic(x, &s, &c)
        step = (s * saturation / a + vs * x - v) / (c * saturation / a + vs)
        if fabs(step) <= LAST * x:
            s -= c * step
            u[0], i[0] = s * saturation / a, s * saturation
            g[0] = 1.0 / (1.0 / a + vs / (saturation * c))
            return True
        x -= step
    return False


cdef bint junction(double v, double a, double v0, double saturation, double vs,
                   double *out_u, double *out_i, double *out_g) noexcept nogil:
    """Newton's method on the cell's voltage u, u + Vs asinh(A sinh(u/V0)/Is) = V, kept between 0 and V."""
    cdef double low = 0.0, high = v, u, i, g, s, c, miss, slope, new, guess, x = v / vs
    cdef int k
    if x < SMALL:
        # Both nearly ohmic: the linear answer and its cubic correction, good to x^4.
        slope = 1.0 / saturation
        s = a * slope / v0
        new = 1.0 / (1.0 + vs * s)
        u = v * new
        c, s = u / v0, u * s
        u -= new * vs * (a * slope * c * c * c - s * s * s) * (1.0 / 6.0)
    # More than the true one: the current if the selector took all.
    elif x < LARGE:
        hyperbolic(x, &s, &c)
        u = min(v, v0 * inverse(s * saturation / a))
    else:
        u = v
    # Where both are exponential their logarithms add up.
    if x > 1.0:
        guess = (x + log(saturation / a)) / (1.0 / v0 + 1.0 / vs)
        if guess > v0:
            u = min(u, guess)
    for k in range(MOST):
        hyperbolic(u / v0, &s, &c)
        i, g = a * s, a * c / v0
        slope = vs / sqrt(i * i + saturation * saturation)
        miss = (v - u) - vs * inverse(i / saturation)
        if miss > 0.0:
            low = u
        else:
            high = u
        new = u + miss / (1.0 + slope * g)
        if not (low <= new <= high):
            new = 0.5 * (low + high)
        if fabs(new - u) <= LAST * u:
            out_u[0], out_i[0], out_g[0] = new, i + g * (new - u), g / (1.0 + slope * g)
            return True
        u = new
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
    """Find the cell's voltage, current and slope at each voltage; return the first index that fails, or -1."""
    cdef Py_ssize_t k, failed = -1
    cdef double u, i, g
    with nogil:
        for k in range(voltage.shape[0]):
            if not crossing(fabs(voltage[k]), amplitude[k], scale[k], saturation[k], slope_voltage[k], &u, &i, &g):
                failed = k
                break
            inner[k] = copysign(u, voltage[k])
            current[k] = copysign(i, voltage[k])
            slope[k] = g
    return failed
