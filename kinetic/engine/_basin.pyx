"""Superbasins: sets of states that the system goes to and fro between, left by one exact step.

When the last events only visited a few states, those become the transient states of an absorbing Markov chain
(_chain.pyx); the event that leaves it is drawn from all others of the state that it is left from.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint64_t
from numpy.random cimport bitgen_t

from ._chain cimport STATES, Chain
from ._engine cimport Kernel
from ._rates cimport Channel, Event, Mechanism

cdef enum:
    CHUNK = 5000        # events between two looks for Ctrl-C
    PAUSE = 1024        # events before another try after a basin that was not worth it

cdef enum Status:       # as in _engine
    COUNT_REACHED, TIME_REACHED, NOTHING_POSSIBLE, FULL, COLD

cdef double SHARE = 0.01    # of the total rate: least that makes an event part of a basin


cdef inline uint64_t mix(uint64_t x) noexcept nogil:
    """Scatter the bits of a number (splitmix64)."""
    x += 0x9E3779B97F4A7C15ULL
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL
    return x ^ (x >> 31)


@cython.auto_pickle(False)
cdef class Basin(Chain):
    """Loop with superbasins.

    Parameters
    ----------
    gain : float
        Least mean number of events per state within a basin that makes it worth the work.
    """

    def __init__(self, double gain):
        Chain.__init__(self)
        self.gain = gain

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
        # Add the states that are reached with the largest shares, as many as fit.
        self.n, self.here = 1, 0
        self.key[0], self.parent[0], self.depth[0] = self.now, 0, 0
        self.leave[0] = kernel.tree.top()
        self._list_fast(kernel)
        while self.n < STATES and self._grow(kernel):
            pass
        if self.n == 1:
            return 0.0
        # Rates between members and out of the set are added up apart: their difference would lose digits.
        for i in range(self.n):
            self._go(kernel, i)
            self.leave[i] = self._mask(kernel)
            self._unmask(kernel)
        self._go(kernel, 0)
        return self._inner_events()

    # ---- the loop ----------------------------------------------------------------------------------------

    cdef int _escape(self, Kernel kernel, bitgen_t* random, double until) noexcept nogil:
        """Leave the basin around the state, if there is one worth it; -1 if not, else a status."""
        cdef double span = (until - kernel.time) - kernel.time_rest, wait, mark, energy, activation, events
        cdef int state = 0, slot, site, before, width = kernel.rates.width
        cdef bint left = False, floored
        cdef int64_t leaf
        cdef const Channel* channel
        cdef Event event
        # A basin is worth its law only if leaving it saves many events.
        events = self._explore(kernel)
        if events < self.gain * self.n:
            return -1
        self.ready = events > 10.0 * self.gain * self.n  # likely again one of many exits out of the same place
        # The exact law says when and from where; where nothing leaves until the end, only the state changes.
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
        # The event that leaves is drawn from what the state can do besides going to other members.
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
            # An event already drawn belongs to the state now: a basin may only be left before the next draw.
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
