"""Rate laws for compiled loops: the activation energy of one direction, twins of barrier.py and lineshape.py."""

from libc.math cimport M_PI, asin, fabs, log, pow, sqrt
from libc.stdint cimport int32_t, int64_t

cdef struct Lineshape:  # twin of lineshape.Lineshape
    const double* node  # [kT, energy, 4]: value, slopes times steps, cross slope, eV
    int32_t n_kt, n_energy
    double step         # eV
    double first, ratio  # ln of the lowest kT, step of that logarithm

cdef inline int fill_lineshape(Lineshape* table, shape) except -1:
    """Point to the table of a `Lineshape`, which the caller keeps alive."""
    table.node = <const double*><size_t>shape.node.ctypes.data
    table.n_kt, table.n_energy = shape.node.shape[0], shape.node.shape[1]
    table.step, table.first, table.ratio = shape.step, shape.first, shape.ratio
    return 0

cdef inline double activation_energy(int law, double barrier, double energy, double share) noexcept nogil:
    """Twin of barrier.activation; ``share`` is the direction's share of the linear law."""
    cdef double g, value
    if law == 0:
        if fabs(energy) >= M_PI * barrier:
            return 0.5 * (energy + fabs(energy))    # max(0, energy) without a branch
        g = energy / (M_PI * barrier)
        return barrier * (sqrt(1.0 - g * g) + g * asin(g)) + 0.5 * energy
    if law == 2 and barrier > 0.0:
        value = 1.0 + energy / (4.0 * barrier)
        return barrier * value * value
    value = barrier + share * energy
    if energy > 0.0:
        return value if value > energy else energy
    return value if value > 0.0 else 0.0

cdef inline double barrier_under_field(double barrier, double work, double power, double* slope) noexcept nogil:
    """Twin of barrier.under_field; ``slope`` becomes its derivative by the barrier."""
    cdef double left, bent
    slope[0] = 1.0
    if power == 1.0:
        return barrier - work if work > 0.0 else barrier
    if barrier <= 0.0:
        return barrier - work / power if work > 0.0 else barrier
    left = 1.0 - work / (power * barrier)
    if left <= 0.0:
        return barrier * left    # beyond the critical field
    bent = left if power == 2.0 else sqrt(left) if power == 1.5 else pow(left, power - 1.0)
    slope[0] = bent * (left + work / barrier)
    return barrier * left * bent

cdef inline void hermite(double t, double* w) noexcept nogil:
    """Weights of both values and both slopes at t between 0 and 1; a straight line beyond."""
    cdef double low = t if t < 0.0 else 0.0, high = t - 1.0 if t > 1.0 else 0.0, s = t - low - high
    w[0] = (1.0 + 2.0 * s) * (1.0 - s) * (1.0 - s)
    w[1] = s * s * (3.0 - 2.0 * s)
    w[2] = s * (1.0 - s) * (1.0 - s) + low
    w[3] = s * s * (s - 1.0) + high

cdef inline double lineshape_activation(const Lineshape* table, double energy, double kt) noexcept nogil:
    """Twin of Lineshape.activation: the even part of a transition with many phonons, and half of dE."""
    cdef double across[4]
    cdef double along[4]
    cdef double x = fabs(energy) / table.step, y = (log(kt) - table.first) / table.ratio, even = 0.0
    cdef int i = table.n_energy - 2, j = 0, a, b
    cdef const double* node
    if x < i:
        i = <int>x
    if y > 0.0:
        j = table.n_kt - 2
        if y < j:
            j = <int>y
    hermite(x - i, across)
    hermite(y - j, along)
    for b in range(2):
        for a in range(2):
            node = table.node + 4 * (<int64_t>(j + b) * table.n_energy + i + a)
            even += along[b] * (across[a] * node[0] + across[2 + a] * node[1])
            even += along[2 + b] * (across[a] * node[2] + across[2 + a] * node[3])
    return even + 0.5 * energy
