"""Columns of cells with transistors: a cell in series with a transistor, and parallel ladders side by side."""

from libc.math cimport exp, expm1, fabs, isinf, log, log1p, sqrt

cdef enum:
    MOST = 200
    WIDEST = 3

cdef double LAST = 1e-8       # a relative step after which the next would be rounding: Newton's steps square
cdef double ROUNDING = 1.8e-15


cdef inline double softplus(double x, double *share) noexcept nogil:
    """ln(1 + exp(x)), and its slope."""
    cdef double e
    if x > 0.0:
        e = exp(-x)
        share[0] = 1.0 / (1.0 + e)
        return x + log1p(e)
    e = exp(x)
    share[0] = e / (1.0 + e)
    return log1p(e)


cdef inline void cell(double u, double a, double v0, bint ohmic, double *i, double *g) noexcept nogil:
    cdef double x = fabs(u) / v0, e, s, q
    if ohmic:
        i[0], g[0] = a * u, a
        return
    if x < 0.02:
        q = x * x
        s = x * (1.0 + q * (1.0 / 6.0 + q * (1.0 / 120.0 + q / 5040.0)))
    else:
        e = exp(x)
        s = 0.5 * (e - 1.0 / e)
    i[0] = a * s if u > 0.0 else -a * s
    g[0] = a / v0 * sqrt(1.0 + s * s)


cdef inline double inverse(double i, double a, double v0, bint ohmic, double most) noexcept nogil:
    """Voltage at which a cell carries a current, both at least 0; ``most`` if it is that or more."""
    cdef double q
    if a <= 0.0:
        return most
    if ohmic:
        return min(i / a, most)
    q = i / a
    return min(v0 * (q if q < 1e-4 else log(q + sqrt(q * q + 1.0))), most)


def transistor_series(const double[::1] bit, const double[::1] source, const double[::1] gate,
                      const double[::1] amplitude, const double[::1] v0, double threshold, double gain,
                      double slope_factor, double unit, double[::1] inner, double[::1] current, double[::1] slope,
                      double[::1] d_drain, double[::1] d_source):
    """Find the cell's voltage where cell and transistor carry one current; return the first that fails, or -1.

    ``inner`` are the cells' voltages, ``slope`` their slopes; of one that fails, ``inner`` is its next step.
    """
    cdef Py_ssize_t k, failed = -1
    cdef int _n
    cdef double pinch, forward, reverse, share, ignored, apart, difference, factor = 2.0 * slope_factor * gain * unit
    cdef double low, high, u, new, step, miss, total, i = 0.0, g = 0.0, through, dd, whole, reach
    cdef bint done
    with nogil:
        for k in range(bit.shape[0]):
            pinch = (gate[k] - threshold) / slope_factor
            forward = softplus((pinch - source[k]) / (2.0 * unit), &ignored)
            d_source[k] = factor * forward * expm1(-forward)
            whole = bit[k] - source[k]
            reach = max(fabs(bit[k]), fabs(source[k]))
            low, high = min(whole, 0.0), max(whole, 0.0)
            # The cell carries no more than the transistor would at the whole voltage.
            reverse = softplus((pinch - bit[k]) / (2.0 * unit), &share)
            through = fabs(factor * unit * (forward - reverse) * (forward + reverse))
            u = inverse(through, amplitude[k], v0[k], isinf(v0[k]), fabs(whole))
            # Newton's step from no voltage over the cell: right where both are ohmic, too far elsewhere.
            cell(0.0, amplitude[k], v0[k], isinf(v0[k]), &i, &g)
            total = factor * reverse * share + g
            u = min(u, through / total) if total > 0.0 else 0.0
            u = u if whole > 0.0 else -u
            done = False
            for _n in range(MOST):
                reverse = softplus((pinch - bit[k] + u) / (2.0 * unit), &share)
                apart = (bit[k] - u - source[k]) / (2.0 * unit)
                # Both are alike at a small drain voltage: their difference from that voltage, not from them.
                difference = log1p(expm1(apart) * share) if fabs(apart) < 1.0 else forward - reverse
                through = factor * unit * difference * (forward + reverse)
                dd = factor * reverse * share
                cell(u, amplitude[k], v0[k], isinf(v0[k]), &i, &g)
                miss, total = through - i, dd + g
                if miss > 0.0:
                    low = u
                elif miss < 0.0:
                    high = u
                step = miss / total if total > 0.0 else 0.0
                new = u + step
                if fabs(miss) <= ROUNDING * (dd * reach + fabs(i)) or miss == 0.0:
                    done = True
                elif not (low <= new <= high) or total == 0.0:
                    new = 0.5 * (low + high)
                    done = high - low <= ROUNDING * fabs(u)
                elif fabs(step) <= LAST * fabs(u):
                    i += g * step
                    u = new
                    done = True
                if done:
                    break
                u = new
            if not done:
                failed = k
                inner[k] = miss / total if total > 0.0 else 0.0
                break
            inner[k], current[k], slope[k], d_drain[k] = u, i, g, dd
    return failed


def ladders(double[:, :, :, ::1] block, const double[::1] wire, double[:, :, ::1] x):
    """Solve side-by-side ladders; ``block`` (k, k, m, n) is destroyed and ``x`` (k, m, n) is right side and answer.

    Row i of a column couples to the next by minus ``wire`` on the diagonal. No pivots are sought: the blocks'
    diagonals outweigh the rest.
    """
    cdef Py_ssize_t k = x.shape[0], m = x.shape[1], n = x.shape[2], i, c
    cdef int p, q, r
    cdef double a[WIDEST][WIDEST]
    cdef double b[WIDEST][WIDEST]
    cdef double y[WIDEST]
    cdef double f
    if k > WIDEST:
        raise ValueError(f"at most {WIDEST} ladders side by side, got {k}")
    with nogil:
        for i in range(m):
            for c in range(n):
                for p in range(k):
                    y[p] = x[p, i, c]
                    for q in range(k):
                        a[p][q] = block[p, q, i, c]
                        b[p][q] = 1.0 if p == q else 0.0
                if i:
                    # block[i - 1] holds the inverse of the block above, x[i - 1] its answer so far.
                    for p in range(k):
                        y[p] += wire[p] * x[p, i - 1, c]
                        for q in range(k):
                            a[p][q] -= wire[p] * block[p, q, i - 1, c] * wire[q]
                for p in range(k):
                    f = 1.0 / a[p][p]
                    for q in range(k):
                        a[p][q] *= f
                        b[p][q] *= f
                    y[p] *= f
                    for r in range(k):
                        if r != p:
                            f = a[r][p]
                            for q in range(k):
                                a[r][q] -= f * a[p][q]
                                b[r][q] -= f * b[p][q]
                            y[r] -= f * y[p]
                for p in range(k):
                    x[p, i, c] = y[p]
                    for q in range(k):
                        block[p, q, i, c] = b[p][q]
        for i in range(m - 2, -1, -1):
            for c in range(n):
                for p in range(k):
                    for q in range(k):
                        x[p, i, c] += block[p, q, i, c] * wire[q] * x[q, i + 1, c]
