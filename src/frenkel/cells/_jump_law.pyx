"""The jump law of a memory cell: the one implementation of when a cell leaves its state, and for which one.

A cell is in a recorded state s. Between two points of an even grid of voltages, and beyond its ends, ln of the
rate of leaving s and the current through s are linear in the voltage v across the cell::

    k(s, v) = exp((1 - f) L[s, i] + f L[s, i + 1]),    v = v_0 + (i + f) w                                 (1)
    I(s, v) = (1 - f) C[s, i] + f C[s, i + 1]                                                              (2)

Behind a resistance R, under a current limit I_max and at a source voltage V the voltage v solves::

    v + R I(s, v) = V,    or I(s, v) = sign(V) I_max where that current would be larger                    (3)

The cell leaves s when its hazard has used up a unit exponential H. From now on, for a time T in which ln(k)
changes linearly by d, from k_0, that is after the time t::

    k_0 T (exp(d t/T) - 1) / d = H,    t = T ln(1 + d H / (k_0 T)) / d,    t = H / k_0 where d is 0         (4)

No t solves it where the rate falls so fast that the hazard stays below H. One of the nearest recorded jumps j
is drawn, with the weights::

    w_j ~ exp(-|p(s, v) - p_j|^2 / 2)                                                                      (5)
    p(s, v) = (ln G / level_scale, ln k(s, v) / rate_scale, v / voltage_scale, ln k(s, 0) / rest_scale)

Where it leads is the recorded state whose features m are nearest to::

    m(after_j) + c(v) (m(s) - m(before_j)),    c(v) = carry + (rest_carry - carry) exp(-(v / voltage_scale)^2 / 2)
    m(s) = (ln G / NEAR_LEVEL, (ln k(s, v_-), ln k(s, 0), ln k(s, v_+)) / NEAR_RATE)                       (6)

with v_- and v_+ half-way from 0 V to the ends of the grid. (:mod:`frenkel.cells.jumps` says where the data of
the law come from.)

========== ==========================================  ==========================================
symbol     attribute of :class:`JumpKernel`            unit
========== ==========================================  ==========================================
L          ``log_rates``                               ln of 1/s
C          ``grid_current``                            A
v_0, w     ``first_voltage``, ``grid_step``            V
p_j        ``jump_points``                             scales of the law
m          ``features``                                NEAR_LEVEL and NEAR_RATE of the law's module
========== ==========================================  ==========================================

Two drivers use these functions: :meth:`JumpKernel.pass_time` advances all cells round by round, with draws of
one generator for each round; :meth:`JumpTable.hold` advances cell after cell, each with its own unit
exponential, by next states that are tabulated at the voltages of the grid.
"""

cimport cython
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport NAN, copysign, exp, fabs, isfinite, isnan, log1p
from numpy.random cimport bitgen_t

import numpy as np

from .jumps import NEAR_LEVEL, NEAR_RATE, SCALES, JumpError

SMALLEST_CARRY = 1e-9
"""Fraction c below which a jump leads to its own state: less than the smallest step between two states."""

BLOCK = 2**18
"""Distances that are held in memory at a time."""

CACHED = 20_000
"""States at voltages whose nearest jumps are kept: some 20 MB with 64 of each."""

SWITCHED_RISE = 1.5
"""Smallest growth of the current at one jump that counts as the switching of a SET, as for devices."""

SWITCHED_LIMIT = 0.95
"""Fraction of the current limit from which a SET has switched."""

cdef double SAME = 1e-9, RISE = SWITCHED_RISE, LEAST_CARRY = SMALLEST_CARRY


cdef struct Point:
    Py_ssize_t low          # i, the grid point below; the first or the last but one beyond the ends
    double fraction         # f, outside 0 to 1 beyond the ends


cdef inline Point locate(double position, Py_ssize_t last) noexcept nogil:
    """Split a position in steps of the grid, whose last interval begins at point ``last``."""
    cdef Point point
    point.low = 0 if position < 1.0 else last if position >= last else <Py_ssize_t>position
    point.fraction = position - point.low
    return point


cdef inline double linear(const double *row, Point point) noexcept nogil:
    """Interpolate a row of a table, equations (1) and (2)."""
    return row[point.low] * (1.0 - point.fraction) + row[point.low + 1] * point.fraction


cdef inline double inverse(const double *grid, const double *current, Py_ssize_t last, double weight,
                           double resistance, double value) noexcept nogil:
    """Return the position at which ``weight v + resistance I(v)``, which ascends, has a value: equation (3)."""
    cdef Py_ssize_t low = 0, high = last + 1, middle
    cdef double below, above
    while high - low > 1:
        middle = (low + high) // 2
        if weight * grid[middle] + resistance * current[middle] <= value:
            low = middle
        else:
            high = middle
    below = weight * grid[low] + resistance * current[low]
    above = weight * grid[low + 1] + resistance * current[low + 1]
    return low + (value - below) / (above - below)


cdef inline double passage_time(double rate, double change, double time, double hazard) noexcept nogil:
    """Return the time (s) of the first passage, equation (4); NaN or more than ``time`` (s): none within it.

    ``rate`` (1/s) is that at the beginning, ``change`` that of its logarithm.
    """
    cdef double needed = hazard / rate
    if fabs(change) < 1e-9:
        return needed
    return time * (log1p(change * (needed / time)) / change)


def carry_fraction(law, volts):
    """Return c(v), the fraction of what tells states apart that a jump keeps, equation (6).

    Parameters
    ----------
    law : JumpLaw
    volts : ndarray
        Voltage across the cell at the jump (V).

    Returns
    -------
    ndarray
        0 to 1.
    """
    cdef double carry = law.carry, rest_carry = law.carry if law.rest_carry is None else law.rest_carry
    cdef double scale = law.voltage_scale
    cdef const double[::1] volt = np.ascontiguousarray(volts, np.float64).reshape(-1)
    cdef Py_ssize_t k
    found = np.empty(volt.shape[0])
    cdef double[::1] out = found
    for k in range(volt.shape[0]):
        out[k] = carried(carry, rest_carry, volt[k] / scale)
    return found.reshape(np.shape(volts))


cdef inline double carried(double carry, double rest_carry, double scaled_volts) noexcept nogil:
    """Return c(v) of equation (6) at v / voltage_scale."""
    return carry + (rest_carry - carry) * exp(-0.5 * scaled_volts * scaled_volts)


@cython.final
cdef class JumpKernel:
    """The jump law at one temperature.

    Parameters
    ----------
    law : JumpLaw
    log_rates : ndarray of shape (s, g)
        ln of the rates (1/s) of leaving each state at the voltages of the law's grid: :meth:`.JumpLaw.log_rates`.
    jumps : ndarray of int, optional
        Numbers of the jumps of the law that may be drawn; default: all.
    destinations : ndarray of int, optional
        States that jumps may lead to; default: those on both sides of ``jumps``, or all states where that is
        not given.

    Attributes
    ----------
    neighbours : int
        Jumps of which the next one is drawn.

    Notes
    -----
    A law without jumps has currents and rates; its methods that need a jump raise JumpError.
    """

    cdef readonly object law, log_rates, features
    cdef readonly Py_ssize_t neighbours
    cdef object jumps, jump_points, jump_sizes
    cdef dict slots
    cdef object cached_jumps, cached_sums, cached_next
    cdef Py_ssize_t last, zero
    cdef double first_voltage, last_voltage, grid_step
    cdef const double[::1] grid
    cdef const double[:, ::1] log_rate_table, grid_current, feature_table
    cdef const double[:, ::1] marks         # features of the destinations, one row for each feature
    cdef const Py_ssize_t[::1] before, after, destinations
    cdef double carry, rest_carry, voltage_scale

    def __init__(self, law, log_rates, jumps=None, destinations=None):
        self.law, self.log_rates = law, np.ascontiguousarray(log_rates)
        self.grid, self.log_rate_table = law.grid, self.log_rates
        self.grid_current = np.ascontiguousarray(law.grid_current)
        self.last = self.grid.shape[0] - 2
        self.first_voltage, self.last_voltage = self.grid[0], self.grid[self.last + 1]
        self.grid_step = self.grid[1] - self.grid[0]
        self.zero = round(-self.first_voltage / self.grid_step)
        columns = [self.zero // 2, self.zero, (self.zero + self.last + 1) // 2]
        marks = [law.level / NEAR_LEVEL, self.log_rates[:, columns] / NEAR_RATE]
        self.features = self.feature_table = np.ascontiguousarray(np.column_stack(marks))
        self.carry, self.voltage_scale = law.carry, law.voltage_scale
        self.rest_carry = law.carry if law.rest_carry is None else law.rest_carry
        self.before, self.after = law.before.astype(np.intp), law.after.astype(np.intp)
        self.jumps = np.arange(len(law.before)) if jumps is None else np.asarray(jumps)
        self.neighbours = min(law.neighbours, len(self.jumps))
        self.jump_points = self.points(law.before[self.jumps], law.jump_voltage[self.jumps])
        self.jump_sizes = np.sum(self.jump_points**2, axis=1)
        if destinations is None and jumps is not None:
            destinations = np.unique([law.before[self.jumps], law.after[self.jumps]])
        ends = np.arange(len(law.level)) if destinations is None else np.asarray(destinations)
        self.destinations = ends.astype(np.intp)
        self.marks = np.ascontiguousarray(self.features[ends].T)
        self.slots = {}
        self.cached_jumps = np.empty((0, self.neighbours), np.intp)
        self.cached_sums = np.empty((0, self.neighbours))
        self.cached_next = np.empty((0, self.neighbours), np.intp)

    # ------------------------------------------------------------------ of one state, compiled

    cdef inline Point point_of(self, double volts) noexcept nogil:
        """Return where a voltage is on the grid."""
        return locate((volts - self.first_voltage) / self.grid_step, self.last)

    cdef inline double current_at(self, Py_ssize_t state, double volts) noexcept nogil:
        """Return I(s, v) (A), equation (2)."""
        return linear(&self.grid_current[state, 0], self.point_of(volts))

    cdef inline double voltage_at(self, Py_ssize_t state, double source, double series, double limit) noexcept nogil:
        """Return the voltage across the cell (V), equation (3)."""
        cdef double position = (source - self.first_voltage) / self.grid_step
        cdef const double *row = &self.grid_current[state, 0]
        if series != 0.0:
            position = inverse(&self.grid[0], row, self.last, 1.0, series, source)
        if isfinite(limit) and fabs(linear(row, locate(position, self.last))) > limit:
            position = inverse(&self.grid[0], row, self.last, 0.0, 1.0, copysign(limit, source))
        return self.first_voltage + position * self.grid_step

    cdef inline double first_passage(self, Py_ssize_t state, double low, double high, double time, double series,
                                     double limit, double hazard, double *first, double *last) noexcept nogil:
        """Return the fraction of a time (s) that passes before a jump, and the voltages at both its ends."""
        cdef double begin, end, fraction
        first[0] = last[0] = self.voltage_at(state, low, series, limit)
        begin = end = linear(&self.log_rate_table[state, 0], self.point_of(first[0]))
        if high != low:
            last[0] = self.voltage_at(state, high, series, limit)
            end = linear(&self.log_rate_table[state, 0], self.point_of(last[0]))
        fraction = passage_time(exp(begin), end - begin, time, hazard) / time
        return fraction if fraction < 1.0 else 1.0

    cdef inline double beyond(self, double volts) noexcept nogil:
        """Return how far a voltage is beyond the grid (V); below 0 within it."""
        return max(volts - self.last_voltage, self.first_voltage - volts)

    # ------------------------------------------------------------------ of arrays

    def log_rate(self, states, volts):
        """Return ln of the rates (1/s) of leaving states at voltages (V) across the cell; both broadcast."""
        return self.interpolated(self.log_rate_table, states, volts)

    def current(self, states, volts):
        """Return the currents (A) through states at voltages (V) across the cell; both broadcast."""
        return self.interpolated(self.grid_current, states, volts)

    cdef interpolated(self, const double[:, ::1] table, states, volts):
        cdef Py_ssize_t k
        shape, of, at = spread(states, volts)
        cdef const Py_ssize_t[::1] state = of
        cdef const double[::1] volt = at
        result = np.empty(len(of))
        cdef double[::1] out = result
        for k in range(state.shape[0]):
            out[k] = linear(&table[state[k], 0], self.point_of(volt[k]))
        return result.reshape(shape)

    def current_and_slope(self, states, volts):
        """Return currents (A) and slopes (S) of states at voltages (V) across the cell; both broadcast.

        As :meth:`current`, but through 0 A at 0 V: where 0 V is within an interval of the grid, a line from
        there to each of its ends replaces the one across.
        """
        cdef Py_ssize_t k, low
        cdef double v0, v1, i0, i1
        shape, of, at = spread(states, volts)
        cdef const Py_ssize_t[::1] state = of
        cdef const double[::1] volt = at
        result = np.empty((2, len(of)))
        cdef double[:, ::1] out = result
        for k in range(state.shape[0]):
            low = self.point_of(volt[k]).low
            v0, v1 = self.grid[low], self.grid[low + 1]
            i0, i1 = self.grid_current[state[k], low], self.grid_current[state[k], low + 1]
            if v0 < 0.0 < v1:
                if volt[k] < 0.0:
                    v1 = i1 = 0.0
                else:
                    v0 = i0 = 0.0
            out[1, k] = (i1 - i0) / (v1 - v0)
            # From the end that is nearer to 0 V, so that no digits are lost there.
            out[0, k] = i0 + out[1, k] * (volt[k] - v0) if fabs(v0) <= fabs(v1) else i1 + out[1, k] * (volt[k] - v1)
        return result[0].reshape(shape), result[1].reshape(shape)

    def voltage(self, states, source, series, limit):
        """Return the voltages (V) across cells in states, equation (3).

        Parameters
        ----------
        states : ndarray of int
        source : ndarray
            (V)
        series : ndarray
            (ohm), 0 or more.
        limit : ndarray
            (A), above 0; infinity: none.
        """
        cdef Py_ssize_t k
        shape, of, *circuit = spread(states, source, series, limit)
        cdef const Py_ssize_t[::1] state = of
        cdef const double[::1] volt = circuit[0], resistance = circuit[1], most = circuit[2]
        result = np.empty(len(of))
        cdef double[::1] out = result
        for k in range(state.shape[0]):
            out[k] = self.voltage_at(state[k], volt[k], resistance[k], most[k])
        return result.reshape(shape)

    def passage(self, Py_ssize_t state, double low, double high, double time, double series, double limit,
                double hazard):
        """Return the fraction of a time (s) that passes before a cell leaves its state; 1 where it does not.

        The source goes linearly from ``low`` to ``high`` (V), so near to each other that ln(rate) is linear
        between them; ``hazard`` is a unit exponential. Equation (4).
        """
        cdef double first, last
        return self.first_passage(state, low, high, time, series, limit, hazard, &first, &last)

    # ------------------------------------------------------------------ the next state

    def points(self, states, volts):
        """Return p(s, v) of equation (5), (n, 3) or (n, 4)."""
        law = self.law
        numbers = [law.level[states], self.log_rate(states, volts), volts]
        if law.rest_scale is not None:
            numbers.append(self.log_rates[states, self.zero])
        return np.stack([one / getattr(law, name) for one, name in zip(numbers, SCALES)], axis=1)

    def nearest(self, states, volts):
        """Return the nearest jumps of states at voltages (V), and their weights, equation (5).

        Parameters
        ----------
        states : ndarray of int, shape (n,)
        volts : ndarray of shape (n,)
            Across the cell (V).

        Returns
        -------
        jumps : ndarray of int, shape (n, neighbours)
            Numbers in the law, in no order.
        weights : ndarray of shape (n, neighbours)
            Of each state they sum to 1.

        Raises
        ------
        JumpError
            The law has no jumps.
        """
        if not self.neighbours:
            raise JumpError("a law without jumps cannot tell which state comes next")
        points = self.points(states, volts)
        jumps = np.empty((len(states), self.neighbours), np.intp)
        weights = np.empty(jumps.shape)
        for part, product, square in blocks(len(states), len(self.jumps)):
            # |p|^2 + |p_j|^2 - 2 p p_j, in arrays that all blocks share: most of the time goes into memory.
            np.matmul(2.0 * points[part], self.jump_points.T, out=product)
            np.add(np.sum(points[part] ** 2, axis=1)[:, None], self.jump_sizes, out=square)
            np.subtract(square, product, out=square)
            near = np.argpartition(square, self.neighbours - 1, axis=1)[:, : self.neighbours]
            distance = np.take_along_axis(square, near, axis=1)
            jumps[part] = self.jumps[near]
            weights[part] = np.exp(-0.5 * (distance - distance.min(axis=1, keepdims=True)))
        return jumps, weights / weights.sum(axis=1, keepdims=True)

    def destination(self, states, jumps, volts):
        """Return where jumps lead from states at voltages (V), all of shape (n,): equation (6)."""
        cdef const Py_ssize_t[::1] state = np.ascontiguousarray(states, np.intp)
        cdef const Py_ssize_t[::1] jump = np.ascontiguousarray(jumps, np.intp)
        cdef const double[::1] volt = np.ascontiguousarray(volts, np.float64)
        cdef Py_ssize_t k
        found = np.empty(len(states), np.intp)
        cdef Py_ssize_t[::1] out = found
        cdef double[::1] work = self.work()
        with nogil:
            for k in range(state.shape[0]):
                out[k] = self.destination_of(state[k], jump[k], volt[k], &work[0])
        return found

    cdef double[::1] work(self):
        """Return an empty array for the distances of all destinations."""
        return np.empty(self.destinations.shape[0])

    cdef Py_ssize_t destination_of(self, Py_ssize_t state, Py_ssize_t jump, double volts, double *work) noexcept nogil:
        """Return where a jump leads from a state at a voltage (V): equation (6)."""
        cdef Py_ssize_t k, i, best = 0, number = self.destinations.shape[0]
        cdef double kept = carried(self.carry, self.rest_carry, volts / self.voltage_scale), target
        cdef const double *marks
        if kept <= LEAST_CARRY:
            return self.after[jump]
        for i in range(self.marks.shape[0]):
            target = kept * (self.feature_table[state, i] - self.feature_table[self.before[jump], i])
            target += self.feature_table[self.after[jump], i]
            marks = &self.marks[i, 0]
            # One loop for each feature, without a branch within: the compiler takes several states at a time.
            if i == 0:
                for k in range(number):
                    work[k] = (marks[k] - target) * (marks[k] - target)
            else:
                for k in range(number):
                    work[k] += (marks[k] - target) * (marks[k] - target)
        for k in range(1, number):
            if work[k] < work[best]:
                best = k
        return self.destinations[best]

    def next_states(self, states, volts, random):
        """Draw the next state of each cell; one uniform number of a generator each.

        Parameters
        ----------
        states : ndarray of int, shape (n,)
        volts : ndarray of shape (n,)
            Across the cell (V).
        random : numpy.random.Generator

        Raises
        ------
        JumpError
            The law has no jumps.
        """
        slots = self.cached(states, volts)
        cdef Py_ssize_t k, i, last = self.neighbours - 1
        cdef const Py_ssize_t[::1] slot = slots
        cdef const double[::1] mark = random.random(len(slots))
        cdef const double[:, ::1] sums = self.cached_sums
        chosen = np.empty(len(slots), np.intp)
        cdef Py_ssize_t[::1] out = chosen
        for k in range(slot.shape[0]):
            i = 0
            while i < last and sums[slot[k], i] < mark[k]:
                i += 1
            out[k] = i
        next_ = self.cached_next[slots, chosen]
        new = np.flatnonzero(next_ < 0)
        if new.size:
            at = slots[new], chosen[new]
            next_[new] = self.cached_next[at] = self.destination(states[new], self.cached_jumps[at], volts[new])
        return next_

    cdef cached(self, states, volts):
        """Return the rows of the cached jumps, sums of weights and next states of states at voltages.

        A cell that alternates between states at a current limit asks for the same rows again and again.
        """
        if len(self.slots) > CACHED:
            self.slots.clear()
        keys = list(zip(states.tolist(), volts.tolist()))
        new = {key: place for place, key in enumerate(keys) if key not in self.slots}
        if new:
            first, last = len(self.slots), len(self.slots) + len(new)
            places = np.array(list(new.values()))
            jumps, weights = self.nearest(states[places], volts[places])
            if last > len(self.cached_jumps):
                self.cached_jumps = grown(self.cached_jumps, first, 2 * last)
                self.cached_sums = grown(self.cached_sums, first, 2 * last)
                self.cached_next = grown(self.cached_next, first, 2 * last)
            self.cached_jumps[first:last] = jumps
            self.cached_sums[first:last] = np.cumsum(weights, axis=1)
            self.cached_next[first:last] = -1
            self.slots.update(zip(new, range(first, last)))
        return np.array([self.slots[key] for key in keys], np.intp)

    # ------------------------------------------------------------------ all cells, round by round

    def pass_time(self, Py_ssize_t[::1] states_out, Py_ssize_t[::1] count_out, const double[::1] low,
                  const double[::1] high, const double[::1] time, const double[::1] series,
                  const double[::1] limit, Py_ssize_t most, random, RampRecord record=None):
        """Let time pass in all cells while each source goes linearly from one voltage to another.

        In each round every cell that is not done draws a unit exponential, and then every one that jumps a
        uniform number.

        Parameters
        ----------
        states_out : ndarray of intp, shape (n,)
            State of each cell, which this changes.
        count_out : ndarray of intp, shape (n,)
            To which the jumps of each cell are added; a cell stops at ``most``.
        low, high : ndarray of shape (n,)
            Source voltage (V) at the beginning and at the end, so near to each other that ln(rate) is linear
            between them.
        time, series, limit : ndarray of shape (n,)
            (s), (ohm) and (A; infinity: none) of each cell.
        most : int
        random : numpy.random.Generator
        record : RampRecord, optional
            Takes note of the currents.

        Returns
        -------
        beyond : float
            Farthest (V) that a cell was beyond the grid; 0 or more.
        stopped : int
            Cells that came to ``most`` jumps.

        Raises
        ------
        JumpError
            The law has no jumps, and a cell leaves its state.
        """
        cdef Py_ssize_t number = states_out.shape[0], n, m = 0, k, cell, s, stopped = 0
        cdef double source, now, end, fraction, beyond = 0.0
        cdef double[::1] begin = np.zeros(number), sources = np.empty(number), before = np.empty(number)
        cdef const double[::1] hazard
        cdef const Py_ssize_t[::1] next_
        moving_cells, volts_at = np.empty(number, np.intp), np.empty(number)
        cdef Py_ssize_t[::1] moving = moving_cells
        cdef double[::1] volts = volts_at
        for cell in range(number):
            if time[cell] > 0.0 and count_out[cell] < most:
                moving[m] = cell
                m += 1
        while m:
            n, m = m, 0
            hazard = random.standard_exponential(n)
            with nogil:
                for k in range(n):
                    cell = moving[k]
                    s = states_out[cell]
                    source = low[cell] + begin[cell] * (high[cell] - low[cell])
                    fraction = self.first_passage(s, source, high[cell], (1.0 - begin[cell]) * time[cell],
                                                  series[cell], limit[cell], hazard[k], &now, &end)
                    beyond = max(beyond, max(self.beyond(now), self.beyond(end)))
                    if fraction == 1.0:
                        if record is not None:
                            record.note(cell, high[cell], low[cell], high[cell], self.current_at(s, end))
                        continue
                    begin[cell] += fraction * (1.0 - begin[cell])
                    source = low[cell] + begin[cell] * (high[cell] - low[cell])
                    now = self.voltage_at(s, source, series[cell], limit[cell])
                    beyond = max(beyond, self.beyond(now))
                    # Cells that jump move to the front of the list that is being read.
                    moving[m], sources[m], volts[m], before[m] = cell, source, now, self.current_at(s, now)
                    m += 1
            if not m:
                break
            jumping = moving_cells[:m].copy()
            next_ = self.next_states(np.asarray(states_out)[jumping], volts_at[:m], random)
            n, m = m, 0
            for k in range(n):
                cell = moving[k]
                states_out[cell] = s = next_[k]
                count_out[cell] += 1
                if record is not None:
                    now = self.voltage_at(s, sources[k], series[cell], limit[cell])
                    beyond = max(beyond, self.beyond(now))
                    record.note_jump(cell, sources[k], low[cell], high[cell], before[k], self.current_at(s, now))
                if count_out[cell] < most:
                    moving[m] = cell
                    m += 1
                else:
                    stopped += 1
        return beyond, stopped


@cython.final
cdef class RampRecord:
    """Switching voltages of cells on a ramp.

    Parameters
    ----------
    limit : ndarray of shape (n,)
        Largest magnitude of the current (A) of each cell; infinity: none.
    """

    cdef const double[::1] limit
    cdef double[::1] rise, rise_source, peak, peak_source, limit_source

    def __init__(self, limit):
        self.limit = limit
        self.rise, self.peak = np.zeros((2, len(limit)))
        self.rise_source, self.peak_source, self.limit_source = np.full((3, len(limit)), np.nan)

    cdef void note(self, Py_ssize_t cell, double source, double low, double high, double current) noexcept nogil:
        """Take note of a current (A) at a source voltage (V), on the way from one source voltage to another."""
        cdef double size = fabs(current)
        if isnan(self.limit_source[cell]) and size >= self.limit[cell] * (1.0 - SAME):
            self.limit_source[cell] = source
        if fabs(high) > fabs(low) and size > self.peak[cell] * (1.0 + SAME):
            self.peak[cell], self.peak_source[cell] = size, source

    cdef void note_jump(self, Py_ssize_t cell, double source, double low, double high, double before,
                        double after) noexcept nogil:
        """Take note of a jump: the currents (A) before and after it."""
        cdef double change = fabs(after) - fabs(before)
        self.note(cell, source, low, high, before)
        if isnan(self.limit_source[cell]) and change > self.rise[cell]:
            self.rise[cell] = change
            self.rise_source[cell] = source if fabs(after) >= RISE * fabs(before) else NAN
        self.note(cell, source, low, high, after)

    @property
    def rise_voltage(self):
        """Source voltage (V) at which each cell switched to its limit: see :class:`.jump_cells.Ramped`."""
        rise = np.asarray(self.rise_source)
        switched = np.where(np.isnan(rise), self.limit_source, rise)
        return np.where(np.asarray(self.peak) >= SWITCHED_LIMIT * np.asarray(self.limit), switched, np.nan)

    @property
    def peak_voltage(self):
        """Source voltage (V) at which the current of each cell was largest while the source rose in magnitude."""
        return np.asarray(self.peak_source)


# ---------------------------------------------------------------------- cell after cell


@cython.final
cdef class JumpTable:
    """Next states of a kernel at the voltages of its grid, tabulated where they are needed.

    Between two voltages of the grid one of them is drawn, with the fraction f of equation (1).

    Parameters
    ----------
    kernel : JumpKernel

    Raises
    ------
    JumpError
        The law has no jumps.
    """

    cdef JumpKernel kernel
    cdef int[:, ::1] rows           # row of a state at a voltage in the three tables below; -1: not tabulated yet
    cdef object jumps, sums         # jumps near a state at a voltage, and running sums of their weights
    cdef object next_states         # where each of these jumps leads; -1: not drawn yet
    cdef Py_ssize_t filled          # rows of the three in use
    cdef double[::1] work

    def __init__(self, JumpKernel kernel):
        if not kernel.neighbours:
            raise JumpError("a law without jumps cannot tell which state comes next")
        self.kernel = kernel
        self.rows = np.full(kernel.log_rates.shape, -1, np.int32)
        self.jumps, self.next_states = np.empty((2, 0, kernel.neighbours), np.int32)
        self.sums = np.empty((0, kernel.neighbours))
        self.filled, self.work = 0, kernel.work()

    def hold(self, int[::1] states_out, double[::1] hazard_out, double[::1] left_out, int[::1] count_out,
             const Py_ssize_t[::1] cells, const double[::1] volts, bit_generator, int most, bint once,
             const double[:, ::1] base=None, const double[:, ::1] change=None, const double[::1] weight=None):
        """Let time pass in some cells at constant voltages.

        Parameters
        ----------
        states_out : ndarray of int32
            States of all cells, which this changes.
        hazard_out : ndarray
            What is left of the unit exponential of each of all cells, which this uses up and draws again.
        left_out : ndarray of shape (n,)
            Time that is left of each of the picked cells (s), which this uses up.
        count_out : ndarray of int32, shape (n,)
            To which the jumps of each of the picked cells are added.
        cells : ndarray of intp, shape (n,)
            Numbers of the picked cells.
        volts : ndarray of shape (n,)
            Voltage across each of them (V).
        bit_generator : numpy.random.BitGenerator
        most : int
            Jumps after which a cell stops.
        once : bool
            Whether a cell stops after one jump.
        base, change : ndarray of shape (s, g), optional
            ln of the rates (1/s) instead of the kernel's, and what is added to it with the weight of a cell.
        weight : ndarray of shape (n,), optional
            Of each of the picked cells. The next state is drawn as at the temperature of the kernel.
        """
        cdef Py_ssize_t number = cells.shape[0]
        if base is None:
            base = change = self.kernel.log_rate_table
        todo_list = np.arange(number)
        cdef Py_ssize_t[::1] todo = todo_list
        while number:
            number = self.advance(states_out, hazard_out, left_out, count_out, cells, volts, todo[:number],
                                  bit_generator, most, once, base, change, weight)
            if number:
                waiting = todo_list[:number]
                self.tabulate(np.asarray(states_out)[np.asarray(cells)[waiting]], np.asarray(volts)[waiting])

    cdef Py_ssize_t advance(self, int[::1] states_out, double[::1] hazard_out, double[::1] left_out,
                            int[::1] count_out, const Py_ssize_t[::1] cells, const double[::1] volts,
                            Py_ssize_t[::1] todo_out, bit_generator, int most, bint once,
                            const double[:, ::1] base, const double[:, ::1] change,
                            const double[::1] weight) except -1:
        """Advance the cells ``todo_out``; return how many wait for rows of the table, at its front.

        A cell that waits stays as it was before its jump, with no hazard.
        """
        cdef bitgen_t *random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        cdef const int[:, ::1] jumps = self.jumps, rows = self.rows
        cdef int[:, ::1] next_states = self.next_states
        cdef const double[:, ::1] sums = self.sums
        cdef JumpKernel kernel = self.kernel
        cdef Py_ssize_t j, k, cell, waiting = 0
        cdef int s, row, i, last = <int>kernel.neighbours - 1, next_
        cdef Py_ssize_t column
        cdef double rate, wait, inside, mark, time
        cdef Point point
        cdef bint warm = weight is not None
        with nogil:
            for j in range(todo_out.shape[0]):
                k = todo_out[j]
                cell, time = cells[k], left_out[k]
                point = kernel.point_of(volts[k])
                inside = min(max(point.fraction, 0.0), 1.0)
                s = states_out[cell]
                while time > 0.0:
                    rate = linear(&base[s, 0], point)
                    if warm:
                        rate = rate + weight[k] * linear(&change[s, 0], point)
                    rate = exp(rate)
                    wait = passage_time(rate, 0.0, time, hazard_out[cell])
                    if wait > time:
                        hazard_out[cell] -= rate * time
                        time = 0.0
                        break
                    # Both rows first: to draw again where one is missing would favour the other.
                    time -= wait
                    hazard_out[cell] = 0.0
                    if (inside < 1.0 and rows[s, point.low] < 0) or (inside > 0.0 and rows[s, point.low + 1] < 0):
                        todo_out[waiting] = k
                        waiting += 1
                        break
                    column = point.low + (uniform(random) < inside)
                    row = rows[s, column]
                    mark, i = uniform(random), 0
                    while i < last and sums[row, i] < mark:
                        i += 1
                    next_ = next_states[row, i]
                    if next_ < 0:
                        next_ = <int>kernel.destination_of(s, jumps[row, i], kernel.grid[column], &self.work[0])
                        next_states[row, i] = next_
                    s = next_
                    states_out[cell], hazard_out[cell] = s, -log1p(-uniform(random))
                    count_out[k] += 1
                    if once or count_out[k] >= most:
                        break
                left_out[k] = time if time > 0.0 else 0.0
        return waiting

    cdef tabulate(self, states, volts):
        """Add the next states of states at the voltages of the grid on both sides of voltages."""
        kernel, rows = self.kernel, np.asarray(self.rows)
        low = ((volts - kernel.law.grid[0]) / (kernel.law.grid[1] - kernel.law.grid[0])).astype(int)
        low = np.clip(low, 0, len(kernel.law.grid) - 2)
        wanted = np.unique(np.stack([np.tile(states, 2), np.concatenate([low, low + 1])], axis=1), axis=0)
        wanted = wanted[rows[wanted[:, 0], wanted[:, 1]] < 0]
        starts, at = np.ascontiguousarray(wanted[:, 0]), kernel.law.grid[wanted[:, 1]]
        jumps, weights = kernel.nearest(starts, at)
        first, last = self.filled, self.filled + len(wanted)
        if last > len(self.sums):  # most calls add a row or two: to copy the tables each time grows as their square
            self.jumps, self.next_states, self.sums = (
                grown(table, first, 2 * last) for table in (self.jumps, self.next_states, self.sums)
            )
        rows[wanted[:, 0], wanted[:, 1]] = np.arange(first, last)
        self.jumps[first:last], self.next_states[first:last] = jumps, -1
        self.sums[first:last] = np.cumsum(weights, axis=1)
        self.filled = last


cdef inline double uniform(bitgen_t *random) noexcept nogil:
    return random.next_double(random.state)


# ---------------------------------------------------------------------- arrays


def spread(states, *numbers):
    """Return a shape, and states and numbers of that shape as contiguous arrays of one axis."""
    arrays = np.broadcast_arrays(states, *numbers)
    flat = [np.ascontiguousarray(one, np.float64).ravel() for one in arrays[1:]]
    return arrays[0].shape, np.ascontiguousarray(arrays[0], np.intp).ravel(), *flat


def blocks(number, width):
    """Yield slices of rows, of about BLOCK numbers where a row has ``width``, and two arrays for as many numbers."""
    size = min(max(BLOCK // width, 1), number)
    arrays = np.empty((2, size, width))
    for first in range(0, number, size or 1):
        part = slice(first, min(first + size, number))
        yield part, *arrays[:, : part.stop - first]


def grown(table, first, rows):
    """Return a table of more rows, the first of which are kept."""
    larger = np.empty((rows, table.shape[1]), table.dtype)
    larger[:first] = table[:first]
    return larger
