"""Motion of tunnelling gaps at constant voltages, cell by cell, exact for any duration.

    dg/dt = -v_set sinh(k V) h w((g - g_min)/e)      for V > 0
    dg/dt =  v_reset sinh(k |V|) h w((g_max - g)/e)  for V < 0,      w(y) = y between -1 and 1

with h = exp(E/k_B (1/T0 - 1/T)) at the temperature of the surroundings, or of a filament that heats itself,
T + R_th |I V|. Cold cells have h = 1.
"""

import numpy as np

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


cdef struct Heating:
    double resistance, activation, reference, ambient    # K/W, K, K, K
    double prefactor, voltage_scale, gap_scale    # I0 (A), V0 (V), g0 (m)


cdef inline double speedup(const Heating *heat, double power, double gap) noexcept nogil:
    """By how much a gap moves faster than at the reference, hot by the power exp(-gap/g0) (W)."""
    cdef double temperature = heat.ambient + heat.resistance * power * exp(-gap / heat.gap_scale)
    return exp(heat.activation * (1.0 / heat.reference - 1.0 / temperature))


cdef inline double hot_move(double y, double way, double edge, double end, double sign, double voltage,
                            const Heating *heat) noexcept nogil:
    """As `moved`, in steps of a gap of g0/50: the rate follows the temperature."""
    cdef double power = heat.prefactor * voltage * sinh_of(voltage / heat.voltage_scale)
    cdef double most = 0.02 * heat.gap_scale / edge, step, after, now
    now = speedup(heat, power, end + sign * edge * y)
    while way > 0.0 and fabs(y) > 1e-12:
        # The whole rest, where it moves the gap less than a step.
        step = way
        if fabs(y) > most and way * now > most / min(fabs(y), 1.0):
            step = most / (min(fabs(y), 1.0) * now)
        after = speedup(heat, power, end + sign * edge * moved(y, step * now))
        y = moved(y, step * (0.5 * (now + after)))
        now = speedup(heat, power, end + sign * edge * y)
        way = way - step
    return y


def move(const double[::1] distance, const double[::1] way):
    """Return distances to a limit of the gap after ways, both over the edge: ``dy/dway = -w(y)``.

    Parameters
    ----------
    distance : ndarray (N,)
        Below 0 for a gap beyond its limit.
    way : ndarray (N,)
        0 or more.
    """
    cdef Py_ssize_t k, n = distance.shape[0]
    if way.shape[0] != n:
        raise ValueError(f"way must be as many as the {n} distances, got {way.shape[0]}")
    result = np.empty(n)
    cdef double[::1] out = result
    with nogil:
        for k in range(n):
            out[k] = moved(distance[k], way[k])
    return result


cdef class Gaps:
    """Gaps of N cells: where each is, the law of the cycle that it is in, and what a voltage does to it.

    Parameters
    ----------
    core : GapCore
        What all cells have in common.
    features : mapping of str to ndarray (N,)
        Of the first cycle of every cell, see `GapCore.cells`.

    Attributes
    ----------
    gap : ndarray (N,)
        (m); every cell starts in its HRS.
    least, most : ndarray (N,)
        Gap in LRS and in HRS (m).
    cycles : ndarray (N,)
        Turns from RESET to SET so far.
    """

    cdef object core
    cdef double drive, edge
    cdef readonly object gap, least, most, cycles
    cdef object turn, set_velocity, reset_velocity, next_least, next_set_velocity, closing, turned

    def __init__(self, core, features):
        law = core.cells(features)
        self.core, self.drive, self.edge = core, core.drive, core.edge
        self.least, self.most, self.set_velocity, self.reset_velocity = (
            np.array(law[name], dtype=np.float64) for name in ("gap_min", "gap_max", "set_velocity", "reset_velocity")
        )
        # Of the cycle whose RESET half holds already: its LRS and SET wait for the turn to RESET.
        self.next_least, self.next_set_velocity = self.least.copy(), self.set_velocity.copy()
        self.gap, self.turn = self.most.copy(), np.zeros(self.most.size)
        self.closing, self.turned = np.zeros(self.most.size, dtype=np.uint8), np.zeros(self.most.size, dtype=np.uint8)
        self.cycles = np.zeros(self.most.size, dtype=np.int64)

    def advance(self, const Py_ssize_t[::1] at, bint everywhere, const double[::1] voltage, double duration,
                const double[::1] heat, const double[::1] rise):
        """Apply constant voltages (V) to some cells, or to all, for a duration (s).

        Parameters
        ----------
        at : ndarray (n,) of int
            Cells of the voltages, unless ``everywhere``.
        everywhere : bool
            Whether the voltages are those of all cells in their order.
        voltage : ndarray (n,)
            (V).
        duration : float
            (s), 0 or more.
        heat : ndarray
            Factor of all rates; then thermal resistance (K/W), activation over k (K), reference and ambient
            (K), or nothing for cells that temperature does nothing to.
        rise : ndarray (n,) or (0,)
            By which each is warmer than the surroundings (K); none: not at all.

        Returns
        -------
        turned : ndarray (n,) of bool
            Which of them have turned; overwritten by the next call.
        any : bool
            Whether one has.
        """
        cdef Py_ssize_t n = voltage.shape[0], k, c, count = 0
        cdef double v, x, way, y, factor = heat[0]
        cdef double drive = self.drive, edge = self.edge
        cdef bint hot = heat.shape[0] > 1 and heat[1] > 0.0
        cdef bint warm = heat.shape[0] > 1 and rise.shape[0] > 0
        cdef double activation = heat[2] if warm else 0.0, reference = heat[3] if warm else 1.0
        cdef double ambient = heat[4] if warm else 1.0
        cdef Heating heating = Heating(0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0)
        cdef double[::1] gap = self.gap, turn = self.turn
        cdef const double[::1] gap_min = self.least, gap_max = self.most
        cdef const double[::1] set_velocity = self.set_velocity, reset_velocity = self.reset_velocity
        cdef unsigned char[::1] closing = self.closing, turned = self.turned
        if hot:
            core = self.core
            heating = Heating(heat[1], heat[2], heat[3], heat[4],
                              core.current_prefactor, core.voltage_scale, core.gap_scale)
        with nogil:
            for k in range(n):
                c = k if everywhere else at[k]
                turned[k] = 0
                v = voltage[k]
                if v == 0.0:
                    continue
                if warm and rise[k] > 0.0:
                    if hot:
                        heating.ambient = ambient + rise[k]
                    else:
                        factor = exp(activation * (1.0 / reference - 1.0 / (ambient + rise[k])))
                elif warm:
                    heating.ambient, factor = ambient, heat[0]
                x = sinh_of(drive * fabs(v)) * factor * duration / edge
                if v > 0.0:
                    way = x * set_velocity[c]
                    y = (gap[c] - gap_min[c]) / edge
                    if hot:
                        y = hot_move(y, way, edge, gap_min[c], 1.0, v, &heating)
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
                        y = hot_move(y, way, edge, gap_max[c], -1.0, -v, &heating)
                    else:
                        y = moved(y, way)
                    gap[c] = gap_max[c] - edge * y
                    turn[c] = max(turn[c] - way, 0.0)
                    if turn[c] == 0.0 and closing[c]:
                        closing[c] = 0
                        turned[k] = 1
                        count += 1
        return self.turned[:n].view(bool), count > 0

    def program(self, gap):
        """Give all cells their gaps (m) without pulses."""
        np.copyto(self.gap, gap)

    def relax(self, ratio):
        """Take gaps at which the conductance of each cell is ``ratio`` times as large."""
        self.gap -= self.core.gap_scale * np.log(ratio)

    def begin(self, at):
        """Begin a half of a cycle in cells that have turned; return those that close, in need of a cycle."""
        closing = self.closing[at].view(bool)
        opening, closed = at[~closing], at[closing]
        self.least[opening] = self.next_least[opening]
        self.set_velocity[opening] = self.next_set_velocity[opening]
        self.cycles[closed] += 1
        return closed

    def take(self, at, features):
        """Give cells that close their next cycle."""
        law = self.core.cells(features)
        self.most[at], self.reset_velocity[at] = law["gap_max"], law["reset_velocity"]
        self.next_least[at], self.next_set_velocity[at] = law["gap_min"], law["set_velocity"]
