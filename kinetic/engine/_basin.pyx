"""Superbasins: sets of states that the system goes to and fro between, left by one exact step.

When the last events only visited a few states, those become the transient states of an absorbing Markov chain.
The time at which it is left is drawn from the exact law and the state it is left from from the exact
probabilities; the event that leaves it is drawn from all others of that state. The one approximation is a first
time step of 1e-9 of the shortest mean wait, so probabilities are right to about 1e-9 (relative).

References
----------
M. A. Novotny, Phys. Rev. Lett. 74, 1 (1995), doi:10.1103/PhysRevLett.74.1
K. A. Fichthorn and Y. Lin, J. Chem. Phys. 138, 164104 (2013), doi:10.1063/1.4801869
"""

import numpy as np

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint64_t
from numpy.random cimport bitgen_t

from ._engine cimport Kernel
from ._rates cimport Channel, Event, Mechanism

cdef enum:
    CHUNK = 5000        # events between two looks for Ctrl-C
    PAUSE = 1024        # events before another try after a basin that was not worth it

cdef enum Status:       # as in _engine
    COUNT_REACHED, TIME_REACHED, NOTHING_POSSIBLE, FULL, COLD

cdef double FIRST = 1e-9    # of the shortest mean wait: first time step
cdef double SHARE = 0.01    # of the total rate: least that makes an event part of a basin


cdef inline uint64_t mix(uint64_t x) noexcept nogil:
    """Scatter the bits of a number (splitmix64)."""
    x += 0x9E3779B97F4A7C15ULL
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL
    return x ^ (x >> 31)


@cython.auto_pickle(False)
cdef class Basin:
    """Loop with superbasins.

    Parameters
    ----------
    gain : float
        Least mean number of events per state within a basin that makes it worth the work.
    """

    def __init__(self, double gain):
        self.gain = gain
        self.step = np.zeros((LEVELS, STATES, STATES))
        self.lost = np.zeros((LEVELS, STATES))

    # ---- states ------------------------------------------------------------------------------------------

    cdef uint64_t _turned(self, Kernel kernel, uint64_t key, const Event* event, int64_t held) noexcept nogil:
        """Key of the state after an event; ``key`` and ``held``, the electrode's atoms, from before it."""
        cdef const Mechanism* m = &kernel.rates.mechanism[event.mechanism]
        cdef int d = event.direction
        cdef uint64_t electrode
        key ^= mix(<uint64_t>event.a << 4 | m.code[d][0]) ^ mix(<uint64_t>event.a << 4 | m.code[1 - d][0])
        if event.b >= 0:
            key ^= mix(<uint64_t>event.b << 4 | m.code[d][1]) ^ mix(<uint64_t>event.b << 4 | m.code[1 - d][1])
        if m.electrode:
            electrode = <uint64_t>m.electrode << 60
            key ^= mix(electrode | <uint64_t>held) ^ mix(electrode | <uint64_t>(held + 1 - 2 * d))
        return key

    cdef uint64_t _next(self, Kernel kernel, uint64_t key, const Event* event) noexcept nogil:
        """Key of the state that an event of the kernel's state leads to."""
        return self._turned(
            kernel, key, event, kernel.rates.reservoir[kernel.rates.mechanism[event.mechanism].electrode])

    cdef void _step(self, Kernel kernel, const Event* event) noexcept nogil:
        """Carry out an event that does not count as one: neither clock nor counters move."""
        cdef int before = kernel.n_particles, m = event.mechanism, d = event.direction
        kernel.apply(event)
        kernel._after(event, before)
        kernel.events -= 1
        kernel.version -= 1
        kernel.fired[m, d] -= 1

    cdef void _undo(self, Kernel kernel, const Event* event) noexcept nogil:
        cdef Event back = event[0]
        cdef const Mechanism* m = &kernel.rates.mechanism[event.mechanism]
        if event.b >= 0 and m.code[0][0] == m.code[1][1] and m.code[0][1] == m.code[1][0]:
            back.a, back.b = event.b, event.a
        else:
            back.direction = 1 - event.direction
        self._step(kernel, &back)

    cdef void _go(self, Kernel kernel, int target) noexcept nogil:
        """Bring the kernel from the state it is in to another one, along the tree of first visits."""
        cdef int path[STATES]
        cdef int n = 0, up = target
        while up != self.here:
            if self.depth[self.here] >= self.depth[up]:
                self._undo(kernel, &self.via[self.here])
                self.here = self.parent[self.here]
            else:
                path[n] = up
                n += 1
                up = self.parent[up]
        while n > 0:
            n -= 1
            self._step(kernel, &self.via[path[n]])
        self.here = target

    cdef void _list_fast(self, Kernel kernel) noexcept nogil:
        """List the events of the state the kernel is in that have at least a share of its total rate."""
        self.n_fast[self.here] = 0
        self._collect(kernel, kernel.tree.depth - 1, 0, SHARE * kernel.tree.top())

    cdef void _collect(self, Kernel kernel, int level, int64_t node, double least) noexcept nogil:
        cdef const double* v = kernel.tree.level[level] + 8 * node
        cdef int i, s = self.here, n, site, slot, width = kernel.rates.width
        cdef const Channel* channel
        for i in range(8):
            if v[i] <= 0.0 or v[i] < least:
                continue
            if level > 0:
                self._collect(kernel, level - 1, 8 * node + i, least)
                continue
            n = self.n_fast[s]
            if n == FAST:
                return
            site, slot = kernel.site[(8 * node + i) // width], (8 * node + i) % width
            channel = &kernel.rates.channel[kernel.slot_channel[kernel.rates.species[site], slot]]
            kernel.rates.decode(site, channel, slot - channel.slot, &self.fast[s][n])
            self.fast_rate[s][n] = v[i]
            self.fast_key[s][n] = self._next(kernel, self.key[s], &self.fast[s][n])
            self.n_fast[s] = n + 1

    cdef int _member(self, uint64_t key) noexcept nogil:
        cdef int i
        for i in range(self.n):
            if self.key[i] == key:
                return i
        return -1

    cdef bint _grow(self, Kernel kernel) noexcept nogil:
        """Add the state that is reached with the largest share of a member's rate; whether there was one."""
        cdef int i, k, source = -1, which = 0
        cdef double best = 0.0, share, total
        for i in range(self.n):
            total = self.leave[i]
            for k in range(self.n_fast[i]):
                share = self.fast_rate[i][k] / total
                if share > best and self._member(self.fast_key[i][k]) < 0:
                    best, source, which = share, i, k
        if source < 0:
            return False
        i = self.n
        self.key[i], self.parent[i] = self.fast_key[source][which], source
        self.depth[i], self.via[i] = self.depth[source] + 1, self.fast[source][which]
        self._go(kernel, source)
        self._step(kernel, &self.via[i])
        self.here, self.n = i, i + 1
        self.leave[i] = kernel.tree.top()
        self._list_fast(kernel)
        return True

    cdef double _mask(self, Kernel kernel) noexcept nogil:
        """Take events to other members out of the tree, note their rates; the rate left, added up afresh."""
        cdef int k, s = self.here, owner, p
        for k in range(STATES):
            self.inner[s][k] = 0.0
        for k in range(self.n_fast[s]):
            if self._member(self.fast_key[s][k]) < 0:
                continue
            for owner in range(2):
                if owner == 0 or self.fast[s][k].b >= 0:
                    p = kernel.particle[self.fast[s][k].b if owner else self.fast[s][k].a]
                    if p >= 0:
                        self._mask_particle(kernel, p)
        return kernel.tree.top()

    cdef void _mask_particle(self, Kernel kernel, int p) noexcept nogil:
        cdef int i, member, width = kernel.rates.width, site = kernel.site[p], s = self.here
        cdef double* line = kernel.tree.level[0] + <int64_t>p * width
        cdef const Channel* channel
        cdef Event event
        for i in range(width):
            if line[i] <= 0.0:
                continue
            channel = &kernel.rates.channel[kernel.slot_channel[kernel.rates.species[site], i]]
            kernel.rates.decode(site, channel, i - channel.slot, &event)
            member = self._member(self._next(kernel, self.key[s], &event))
            if member >= 0:
                self.inner[s][member] += line[i]
                line[i] = 0.0
        kernel._climb(p)

    cdef void _unmask(self, Kernel kernel) noexcept nogil:
        """Put back what `_mask` took out."""
        cdef int k, s = self.here, p, owner
        for k in range(self.n_fast[s]):
            for owner in range(2):
                if owner == 1 and self.fast[s][k].b < 0:
                    continue
                p = kernel.particle[self.fast[s][k].b if owner else self.fast[s][k].a]
                if p >= 0:
                    kernel._rate_particle(p)
                    kernel._climb(p)

    cdef double _explore(self, Kernel kernel) noexcept nogil:
        """Make the basin around the state of the kernel; the mean number of events within it before the exit."""
        cdef int i
        self.n, self.here = 1, 0
        self.key[0], self.parent[0], self.depth[0] = self.now, 0, 0
        self.leave[0] = kernel.tree.top()
        self._list_fast(kernel)
        while self.n < STATES and self._grow(kernel):
            pass
        if self.n == 1:
            return 0.0
        for i in range(self.n):
            self._go(kernel, i)
            self.leave[i] = self._mask(kernel)
            self._unmask(kernel)
        self._go(kernel, 0)
        return self._inner_events()

    # ---- the absorbing chain -----------------------------------------------------------------------------

    cdef double _inner_events(self) noexcept nogil:
        """Mean number of events within the basin before it is left: visits from (-T)^-1, by elimination."""
        cdef double matrix[STATES][STATES + 1]
        cdef double row[STATES]
        cdef double factor, total, mean = 0.0, out = 0.0
        cdef int i, j, k, n = self.n
        for i in range(n):
            row[i] = 0.0
            for j in range(n):
                row[i] += self.inner[i][j]
            out += self.leave[i]
        if out <= 0.0:
            return 0.0
        for i in range(n):
            for j in range(n):
                matrix[i][j] = -self.inner[j][i]
            matrix[i][i] = row[i] + self.leave[i]
            matrix[i][n] = i == 0
        for k in range(n):
            for i in range(k + 1, n):
                factor = matrix[i][k] / matrix[k][k]
                for j in range(k, n + 1):
                    matrix[i][j] -= factor * matrix[k][j]
        for i in range(n - 1, -1, -1):
            total = matrix[i][n]
            for j in range(i + 1, n):
                total -= matrix[i][j] * matrix[j][n]
            matrix[i][n] = total / matrix[i][i]
            mean += matrix[i][n] * row[i]
        # below the rounding of the elimination the basin is as good as closed
        return mean if 0.0 <= mean < 1e14 else 1e14

    def mean_events(self, const double[:, ::1] inner, const double[::1] leave):
        """Mean number of events within a set of states, entered at state 0, before it is left.

        Parameters
        ----------
        inner : (n, n) float64
            Rates between the states (1/s), n at most 16; the diagonal is not read.
        leave : (n,) float64
            Rate out of the set from each state (1/s).
        """
        self._take(inner, leave)
        return self._inner_events()

    def leave_by(self, const double[:, ::1] inner, const double[::1] leave, double span, bit_generator):
        """Draw from the exact law when and from which state a set, entered at state 0, is left.

        Parameters
        ----------
        inner, leave : ndarray
            As for `mean_events`; some ``leave`` is above 0.
        span : float
            Longest time (s).
        bit_generator : numpy.random.BitGenerator

        Returns
        -------
        time : float
            Time of the exit (s), or ``span``.
        state : int
            State that it is left from, or where it is then.
        left : bool
            Whether it was left.
        """
        cdef bitgen_t* random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        cdef int state = 0
        cdef bint left = False
        cdef double time
        self._take(inner, leave)
        with bit_generator.lock, nogil:
            self._double(span)
            time = self._sample(random, span, &state, &left)
        return time, state, left

    def _take(self, const double[:, ::1] inner, const double[::1] leave):
        cdef int i, j
        if not 1 <= leave.shape[0] <= STATES:
            raise ValueError(f"a set must have 1 to {STATES} states, got {leave.shape[0]}")
        self.n = leave.shape[0]
        for i in range(self.n):
            self.leave[i] = leave[i]
            for j in range(self.n):
                self.inner[i][j] = 0.0 if i == j else inner[i, j]

    cdef void _double(self, double span) noexcept nogil:
        """Square the matrix of one short time step until it covers ``span`` (s) or empties the basin."""
        cdef int i, j, k, level = 0, n = self.n
        cdef double most = 0.0, total, least
        for i in range(n):
            total = self.leave[i]
            for j in range(n):
                total += self.inner[i][j]
            most = total if total > most else most
        self.first = FIRST / most
        for i in range(n):
            self.lost[0, i] = total = self.leave[i] * self.first
            for j in range(n):
                self.step[0, i, j] = self.inner[i][j] * self.first
                total += self.step[0, i, j]
            self.step[0, i, i] = 1.0 - total
        least = 0.0
        while level + 1 < LEVELS and least < 0.999 and self.first * 2.0**level <= span:
            least = 1.0
            for i in range(n):
                self.lost[level + 1, i] = self.lost[level, i]
                for j in range(n):
                    self.step[level + 1, i, j] = 0.0
                for k in range(n):
                    self.lost[level + 1, i] += self.step[level, i, k] * self.lost[level, k]
                    for j in range(n):
                        self.step[level + 1, i, j] += self.step[level, i, k] * self.step[level, k, j]
                # all terms are positive; with rows of sum 1 rounding does not double at each level
                total = self.lost[level + 1, i]
                for j in range(n):
                    total += self.step[level + 1, i, j]
                self.lost[level + 1, i] /= total
                for j in range(n):
                    self.step[level + 1, i, j] /= total
                least = self.lost[level + 1, i] if self.lost[level + 1, i] < least else least
            level += 1
        self.n_levels = level + 1

    cdef double _sample(self, bitgen_t* random, double span, int* state, bint* left) noexcept nogil:
        """Draw when (s, at most ``span``) and from which state the basin is left; or where it is at ``span``."""
        cdef double weight[STATES]
        cdef double after[STATES]
        cdef double aim = random.next_double(random.state), more, time = 0.0, wait, hazard = 0.0
        cdef int i, j, level
        for i in range(self.n):
            weight[i] = i == 0
        for level in range(self.n_levels - 1, -1, -1):
            wait = self.first * 2.0**level
            while time + wait <= span:
                more = 0.0
                for i in range(self.n):
                    more += weight[i] * self.lost[level, i]
                if more > aim or more <= 0.0:
                    break
                for j in range(self.n):
                    after[j] = 0.0
                    for i in range(self.n):
                        after[j] += weight[i] * self.step[level, i, j]
                for j in range(self.n):
                    weight[j] = after[j]
                aim -= more  # what is still to be lost; never a difference of two numbers close to 1
                time += wait
        for i in range(self.n):
            hazard += weight[i] * self.leave[i]
        if hazard <= 0.0:  # the weights have died out, as happens once in 1e16
            for i in range(self.n):
                weight[i] = self.leave[i]
            hazard = 1e300
        wait = aim / hazard
        left[0] = time + wait <= span
        if left[0]:
            for i in range(self.n):
                weight[i] *= self.leave[i]
        state[0] = self._pick(weight, random.next_double(random.state))
        return time + wait if left[0] else span

    cdef int _pick(self, const double* weight, double u) noexcept nogil:
        cdef int i, last = 0
        cdef double total = 0.0
        for i in range(self.n):
            total += weight[i]
        u *= total
        for i in range(self.n):
            if weight[i] > 0.0:
                last = i
                if u < weight[i]:
                    break
                u -= weight[i]
        return last

    # ---- the loop ----------------------------------------------------------------------------------------

    cdef int _escape(self, Kernel kernel, bitgen_t* random, double until) noexcept nogil:
        """Leave the basin around the state, if there is one worth it; -1 if not, else a status."""
        cdef double span = (until - kernel.time) - kernel.time_rest, wait, mark, energy, activation, events
        cdef int state = 0, slot, site, before, width = kernel.rates.width
        cdef bint left = False, floored
        cdef int64_t leaf
        cdef const Channel* channel
        cdef Event event
        events = self._explore(kernel)
        if events < self.gain * self.n:
            return -1
        self.ready = events > 10.0 * self.gain * self.n  # likely again one of many exits out of the same place
        self._double(span)
        wait = self._sample(random, span, &state, &left)
        self._go(kernel, state)
        self.now = self.key[state]
        if not left:
            kernel.version += state != 0
            return TIME_REACHED
        self.exits += 1
        self.skipped += events
        kernel._schedule(wait)
        kernel.time, kernel.time_rest, kernel.pending = kernel.pending, kernel.pending_rest, -1.0
        mark = self._mask(kernel) * random.next_double(random.state)
        leaf = kernel.tree.locate(&mark)
        site, slot = kernel.site[leaf // width], leaf % width
        channel = &kernel.rates.channel[kernel.slot_channel[kernel.rates.species[site], slot]]
        kernel.rates.decode(site, channel, slot - channel.slot, &event)
        self._unmask(kernel)
        if kernel.rates.mechanism[event.mechanism].floor > 0.0:
            kernel.rates.rate(&event, &energy, &activation, &floored)
            kernel.floor_hits += floored
        self.now = self._next(kernel, self.now, &event)
        before = kernel.n_particles
        kernel.apply(&event)
        kernel._after(&event, before)
        return COUNT_REACHED

    cdef bint _revisits(self, Kernel kernel) noexcept nogil:
        """Note the state after an event; whether the last events visited few enough states for a basin."""
        cdef int i, k, distinct = 0, electrode = kernel.rates.mechanism[kernel.last.mechanism].electrode
        cdef bint few
        cdef int64_t held = kernel.rates.reservoir[electrode] - 1 + 2 * kernel.last.direction
        self.now = self._turned(kernel, self.now, &kernel.last, held)
        self.window[self.filled] = self.now
        self.filled += 1
        if self.filled != GLANCE and self.filled != WINDOW:
            return False
        for i in range(self.filled):
            k = 0
            while self.window[k] != self.window[i]:
                k += 1
            distinct += k == i
        few = distinct <= (STATES if self.filled == WINDOW else PAIRS)
        if few or self.filled == WINDOW:
            self.filled = 0
        return few

    cdef int _loop(self, Kernel kernel, bitgen_t* random, int64_t events, double until) noexcept nogil:
        cdef int status
        while events > 0:
            if self.ready and kernel.pending < 0.0:
                if kernel.n_particles + 2 * STATES > kernel.site.shape[0]:
                    return FULL
                self.ready = False
                status = self._escape(kernel, random, until)
                if status == TIME_REACHED:
                    return status
                if status == COUNT_REACHED:
                    self.filled = 0
                    events -= 1
                    continue
                self.pause = PAUSE
            status = kernel._loop(random, 1, until)
            if status != COUNT_REACHED:
                return status
            events -= 1
            if self._revisits(kernel) and self.pause <= 0:
                self.ready = True
            self.pause -= 1
        return COUNT_REACHED

    def run(self, Kernel kernel, int64_t events, double until, bit_generator):
        """Carry out events, as Kernel.run; those within a basin are not counted."""
        cdef bitgen_t* random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        cdef int64_t last = kernel.events + events, some
        cdef int status
        self.filled = self.pause = 0
        self.ready = False
        kernel.reserve(2 * STATES)
        while True:
            kernel.prepare()
            some = min(<int64_t>CHUNK, last - kernel.events)
            with bit_generator.lock, nogil:
                status = self._loop(kernel, random, some, until)
            PyErr_CheckSignals()
            if status == FULL:
                kernel.reserve(2 * STATES)
                kernel.fresh = False
            elif status != COUNT_REACHED or kernel.events >= last:
                break
        if until < 1e300 and (status == TIME_REACHED or status == NOTHING_POSSIBLE):
            kernel.time, kernel.time_rest = until, 0.0
        return status
