"""Kernels of the line solver: batched tridiagonals, and conjugate gradients on the bit lines.

Every layer is stored with the position along its lines as the slow index, so that both recurrences run over the
slow index and the inner loops, over the lines, have unit stride. The word layer is therefore transposed.
"""

ctypedef Py_ssize_t index


cdef double dot(const double *a, const double *b, index n) noexcept nogil:
    # Four sums, since one would wait for each addition.
    cdef double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0
    cdef index k, whole = n - n % 4
    for k in range(0, whole, 4):
        s0 += a[k] * b[k]
        s1 += a[k + 1] * b[k + 1]
        s2 += a[k + 2] * b[k + 2]
        s3 += a[k + 3] * b[k + 3]
    for k in range(whole, n):
        s0 += a[k] * b[k]
    return (s0 + s1) + (s2 + s3)


cdef void sweep(const double *inverse, const double *lower, const double *rhs, double *x,
                index length, index lines) noexcept nogil:
    """Solve the tridiagonal of every line; ``rhs`` and ``x`` may be the same."""
    cdef index k, p
    cdef const double *low
    cdef const double *inv
    cdef const double *before
    cdef double *row
    for p in range(lines):
        x[p] = rhs[p]
    for k in range(1, length):
        low, before, row = lower + (k - 1) * lines, x + (k - 1) * lines, x + k * lines
        for p in range(lines):
            row[p] = rhs[k * lines + p] + low[p] * before[p]
    inv, row = inverse + (length - 1) * lines, x + (length - 1) * lines
    for p in range(lines):
        row[p] = inv[p] * row[p]
    for k in range(length - 2, -1, -1):
        low, inv = lower + k * lines, inverse + k * lines
        before, row = x + (k + 1) * lines, x + k * lines
        for p in range(lines):
            row[p] = inv[p] * row[p] + low[p] * before[p]


cdef void times_transposed(const double *g, const double *x, double *out, index m, index n) noexcept nogil:
    """out[j, i] = g[i, j] x[i, j], in tiles that stay in the cache."""
    cdef index i, j, i0, j0
    for i0 in range(0, m, 16):
        for j0 in range(0, n, 16):
            for j in range(j0, min(j0 + 16, n)):
                for i in range(i0, min(i0 + 16, m)):
                    out[j * m + i] = g[i * n + j] * x[i * n + j]


cdef void minus_transposed(const double *g, const double *y, const double *a, double *out,
                           index m, index n) noexcept nogil:
    """out[i, j] = a[i, j] - g[i, j] y[j, i]."""
    cdef index i, j, i0, j0
    for i0 in range(0, m, 16):
        for j0 in range(0, n, 16):
            for i in range(i0, min(i0 + 16, m)):
                for j in range(j0, min(j0 + 16, n)):
                    out[i * n + j] = a[i * n + j] - g[i * n + j] * y[j * m + i]


cdef double eliminate(const double *shunt, const double *onward, const double *before, double *seen,
                      double *inverse, double *lower, index lines) noexcept nogil:
    """Factor one position of every line; return the least pivot (S)."""
    cdef index p
    cdef double pivot, least = 1e300
    for p in range(lines):
        # What the cell before saw, behind the coupling.
        seen[p] = shunt[p] + before[p] * seen[p]
        pivot = seen[p] + onward[p]
        inverse[p] = 1.0 / pivot
        lower[p] = onward[p] * inverse[p]
    for p in range(lines):
        least = min(least, seen[p] + onward[p])
    return least


def factor(const double[:, ::1] shunt, const double[:, ::1] coupling, double[:, ::1] work,
           double[:, ::1] inverse, double[:, ::1] lower):
    """Factor every line; return whether all pivots are positive.

    The pivot is the conductance onward plus what is ``seen`` to ground from here back, so that nothing is
    subtracted and a cell of 1e-12 S beside wires of 1 S keeps its digits. ``work`` is two rows of a layer.
    """
    cdef index length = shunt.shape[0], lines = shunt.shape[1], k, p
    cdef double least = 1e300
    cdef const double *nothing = &work[1, 0]
    with nogil:
        for p in range(lines):
            work[0, p] = work[1, p] = 0.0
        for k in range(length):
            least = min(least, eliminate(
                &shunt[k, 0], &coupling[k, 0] if k + 1 < length else nothing, &lower[k - 1, 0] if k else nothing,
                &work[0, 0], &inverse[k, 0], &lower[k, 0], lines))
    return bool(least > 0.0)


def conjugate(const double[:, ::1] conductance,
              const double[:, ::1] word_inverse, const double[:, ::1] word_lower,
              const double[:, ::1] bit_inverse, const double[:, ::1] bit_lower,
              const double[:, ::1] word_rhs, const double[:, ::1] bit_rhs,
              double[:, ::1] word, double[:, ::1] bit, double[:, :, ::1] work,
              double tolerance, double floor, index limit):
    """Solve both layers; return iterations, the residual's norm and that of the right side (A).

    ``word_rhs`` and ``word`` are (n, m), the others (m, n); ``work`` is five arrays of m n.
    """
    cdef index m = conductance.shape[0], n = conductance.shape[1], size = m * n, k, iteration = 0
    cdef const double *g = &conductance[0, 0]
    cdef const double *iw = &word_inverse[0, 0]
    cdef const double *lw = &word_lower[0, 0]
    cdef const double *ib = &bit_inverse[0, 0]
    cdef const double *lb = &bit_lower[0, 0]
    cdef const double *fw = &word_rhs[0, 0]
    cdef const double *fb = &bit_rhs[0, 0]
    cdef double *w = &word[0, 0]
    cdef double *x = &bit[0, 0]
    cdef double *r = &work[0, 0, 0]
    cdef double *z = &work[1, 0, 0]
    cdef double *p = &work[2, 0, 0]
    cdef double *cp = &work[3, 0, 0]
    cdef double *t = &work[4, 0, 0]
    cdef double rz, rz_old = 1.0, alpha, beta, stop, norm, first
    with nogil:
        sweep(iw, lw, fw, w, n, m)
        for k in range(size):
            x[k] = 0.0
            p[k] = 0.0
            cp[k] = 0.0
        minus_transposed(g, w, fb, r, m, n)
        for k in range(size):
            r[k] = 2.0 * fb[k] - r[k]
        norm = dot(r, r, size) ** 0.5
        first = norm
        stop = max(tolerance * norm, floor)
        while norm > stop and iteration < limit:
            sweep(ib, lb, r, z, m, n)
            rz = dot(r, z, size)
            beta = rz / rz_old if iteration else 0.0
            rz_old = rz
            for k in range(size):
                p[k] = z[k] + beta * p[k]
                # The preconditioner times z is r, hence its product with p needs no multiplication.
                cp[k] = r[k] + beta * cp[k]
            times_transposed(g, p, t, m, n)
            sweep(iw, lw, t, t, n, m)
            minus_transposed(g, t, cp, z, m, n)
            alpha = rz / dot(p, z, size)
            for k in range(size):
                x[k] = x[k] + alpha * p[k]
                r[k] = r[k] - alpha * z[k]
            norm = dot(r, r, size) ** 0.5
            iteration += 1
        times_transposed(g, x, t, m, n)
        for k in range(size):
            t[k] = t[k] + fw[k]
        sweep(iw, lw, t, w, n, m)
    return iteration, norm, first
