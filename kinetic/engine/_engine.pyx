"""The rejection-free engine: local updates, no Python between two events."""

import numpy as np

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport log1p
from libc.stdint cimport int8_t, int32_t, int64_t, uint64_t
from libc.string cimport memcmp
from numpy.random cimport bitgen_t

from ._catalogue cimport Catalogue
from ._rates cimport Channel, Event, Rates
from ._sumtree cimport SumTree

cdef extern from *:
    int lowest_bit "__builtin_ctzll"(unsigned long long) noexcept nogil

cdef enum:
    CHUNK = 20000       # events between two looks for Ctrl-C

cdef enum Status:
    COUNT_REACHED, TIME_REACHED, NOTHING_POSSIBLE, FULL, COLD

cdef inline uint64_t share_of(int site, int code) noexcept nogil:
    """What a species on a site adds to the mark of a state (splitmix64, Steele et al. 2014, recalled)."""
    cdef uint64_t x = (<uint64_t>site * 256 + <uint64_t>code + 1) * <uint64_t>0x9E3779B97F4A7C15
    x = (x ^ (x >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t>0x94D049BB133111EB
    return x ^ (x >> 31)

REASONS = ("events", "time", "stuck", "full", "cold")


@cython.auto_pickle(False)
@cython.final
cdef class Kernel:
    """Tables and state of one engine; `engine.Engine` checks, compiles and words the errors.

    Parameters
    ----------
    tables : Compiled
        Made by `tables.compile_tables`.
    species, potential, kt, reservoir : ndarray
        State: codes, V, eV, and the counts of (unused, bottom, top).
    """

    def __init__(self, tables, species, count):
        self.rates = Rates(tables, species, tables.touch, count)
        self.slot_channel = tables.slot_channel
        self.particle = np.full(self.rates.n_sites, -1, dtype=np.int32)
        self.active = np.zeros((self.rates.n_sites + 63) // 64, dtype=np.uint64)
        self.fired = np.zeros((self.rates.n_mechanisms, 2), dtype=np.int64)
        self.stamp = np.zeros(self.rates.n_sites, dtype=np.int32)
        self.pending = self.owed = -1.0
        self.order(np.flatnonzero(tables.owns[species, tables.touch]).astype(np.int32))

    # ---- state ---------------------------------------------------------------------------------------

    def order(self, order):
        """Take over the numbering of particles: the site of each."""
        capacity = max(64, len(order) + len(order) // 2)
        site = np.full(capacity, -1, dtype=np.int32)
        site[:len(order)] = order
        particle = np.full(self.rates.n_sites, -1, dtype=np.int32)
        particle[order] = np.arange(len(order), dtype=np.int32)
        bits = np.zeros(len(self.active) * 64, dtype=np.uint8)
        bits[order] = 1
        self.site, self.particle, self.n_particles = site, particle, len(order)
        self._mark()
        self.active = np.packbits(bits, bitorder="little").view(np.uint64)
        self.tree, self.fresh = None, False

    def set_fields(self, potential, kt, bottom, top):
        """Set potential (V), kT (eV) and the potentials of the electrodes (V); `release` first."""
        self.rates.set_fields(potential, kt, bottom, top)
        self.fresh = False

    def release(self, total=None):
        """Turn the time of the event already drawn into the hazard that is still to pass before it.

        ``total``: total rate (1/s), where another loop knows it.
        """
        if self.pending >= 0.0:
            if total is None:
                self.prepare()
                total = self.tree.top()
            self.owed = ((self.pending - self.time) + (self.pending_rest - self.time_rest)) * total
            self.pending = -1.0

    def forget(self):
        """Drop the event already drawn."""
        self.pending = self.owed = -1.0

    def set_reservoir(self, bottom, top):
        """Set the atoms that the electrodes hold."""
        self.rates.reservoir[1], self.rates.reservoir[2] = bottom, top
        self.fresh = False

    def reservoir(self):
        """Atoms that the bottom and the top electrode hold."""
        return self.rates.reservoir[1], self.rates.reservoir[2]

    def order_now(self):
        """Site of each particle; a view."""
        return np.asarray(self.site)[:self.n_particles]

    def counts(self):
        """Events carried out, by mechanism and direction; a view."""
        return np.asarray(self.fired)

    cdef void _mark(self) noexcept nogil:
        """Work out the mark of the species on all sites."""
        cdef int i
        self.mark = 0
        for i in range(self.rates.n_sites):
            self.mark ^= share_of(i, self.rates.species[i])

    def holds(self, const int8_t[::1] species):
        """Whether these species stand on the sites."""
        return memcmp(&species[0], &self.rates.species[0], self.rates.n_sites) == 0

    cdef void _place(self, int site, int code) noexcept nogil:
        self.mark ^= share_of(site, self.rates.species[site]) ^ share_of(site, code)
        self.rates.place(site, code)

    cdef void apply(self, const Event* event) noexcept nogil:
        """Carry out an event: sites, counts, particles, reservoir."""
        cdef int m = event.mechanism, into = 1 - event.direction, a = event.a, b = event.b
        cdef int electrode = self.rates.mechanism[m].electrode
        cdef bint was_a = self.particle[a] >= 0, was_b = b >= 0 and self.particle[b] >= 0
        self.n_filled = 0
        self._place(a, self.rates.mechanism[m].code[into][0])
        if b >= 0:
            self._place(b, self.rates.mechanism[m].code[into][1])
        self._move_particles(a, was_a, b, was_b)
        if electrode:
            self.rates.reservoir[electrode] = self.rates.reservoir[electrode] + 1 - 2 * event.direction
        self.last = event[0]
        self.fired[m, event.direction] += 1
        self.events += 1
        self.version += 1

    cdef void _move_particles(self, int a, bint was_a, int b, bint was_b) noexcept nogil:
        """Keep the numbering: a particle that moves keeps its number, the last one fills a gap."""
        cdef bint is_a = self.rates.owns[self.rates.species[a]][self.rates.touch[a]]
        cdef bint is_b = b >= 0 and self.rates.owns[self.rates.species[b]][self.rates.touch[b]]
        if was_a and not is_a and is_b and not was_b:
            self._rename(a, b)
            return
        if was_b and not is_b and is_a and not was_a:
            self._rename(b, a)
            return
        if was_a and not is_a:
            self._remove(a)
        if was_b and not is_b:
            self._remove(b)
        if is_a and not was_a:
            self._append(a)
        if is_b and not was_b:
            self._append(b)

    cdef void _rename(self, int old, int new) noexcept nogil:
        cdef int p = self.particle[old]
        self.particle[old] = -1
        self.particle[new] = p
        self.site[p] = new
        self.active[old >> 6] &= ~(<uint64_t>1 << (old & 63))
        self.active[new >> 6] |= <uint64_t>1 << (new & 63)

    cdef void _remove(self, int site) noexcept nogil:
        cdef int p = self.particle[site], last = self.n_particles - 1
        self.particle[site] = -1
        self.active[site >> 6] &= ~(<uint64_t>1 << (site & 63))
        self.n_particles = last
        if p != last:
            self.site[p] = self.site[last]
            self.particle[self.site[p]] = p
            self.filled[self.n_filled] = self.site[p]
            self.n_filled += 1

    cdef void _append(self, int site) noexcept nogil:
        self.site[self.n_particles] = site
        self.particle[site] = self.n_particles
        self.active[site >> 6] |= <uint64_t>1 << (site & 63)
        self.n_particles += 1

    def last_event(self):
        """Mechanism, direction and sites of the latest event."""
        return self.last.mechanism, self.last.direction, self.last.a, self.last.b

    def reserve(self, room=2):
        """Make room for more particles."""
        if self.n_particles + room > len(self.site):
            site = np.full(2 * len(self.site) + room, -1, dtype=np.int32)
            site[:self.n_particles] = np.asarray(self.site)[:self.n_particles]
            self.site = site
            self.tree, self.fresh = None, False

    # ---- the loop ------------------------------------------------------------------------------------

    def prepare(self):
        """Compute all rates and the tree, if they do not fit the state."""
        if self.fresh:
            return
        self.reserve()
        if self.tree is None:
            self.tree = SumTree(len(self.site) * self.rates.width)
        self.rates.cold = False
        with nogil:
            self._fill()
        self.fresh = True
        if self.owed >= 0.0 and self.tree.top() > 0.0:
            self._schedule(self.owed / self.tree.top())
            self.owed = -1.0

    cdef void _fill(self) noexcept nogil:
        cdef int p
        cdef int64_t i
        for p in range(self.n_particles):
            self._rate_particle(p)
        for i in range(<int64_t>self.n_particles * self.rates.width, self.tree.size[0]):
            self.tree.level[0][i] = 0.0
        self.tree.build()

    cdef void _schedule(self, double wait) noexcept nogil:
        """Set the time of the next event, ``wait`` from now, without losing short waits at late times."""
        cdef double rest = self.time_rest + wait, late
        self.pending = self.time + rest
        late = self.pending - self.time
        self.pending_rest = (self.time - (self.pending - late)) + (rest - late)

    cdef bint _rate_particle(self, int p) noexcept nogil:
        """Compute the rates of one particle; whether any changed."""
        cdef int site = self.site[p], code = self.rates.species[site], c, k, i = 0
        cdef double* line = self.tree.level[0] + <int64_t>p * self.rates.width
        cdef double energy, activation, rate
        cdef bint floored, changed = False
        cdef const Channel* channel
        cdef Event event
        for c in range(self.rates.first[code], self.rates.first[code + 1]):
            channel = &self.rates.channel[c]
            for k in range(channel.width):
                rate = 0.0
                if self.rates.decode(site, channel, k, &event):
                    rate = self.rates.rate(&event, &energy, &activation, &floored)
                changed |= line[i] != rate
                line[i] = rate
                i += 1
        while i < self.rates.width:
            changed |= line[i] != 0.0
            line[i] = 0.0
            i += 1
        return changed

    cdef void _update(self, int site) noexcept nogil:
        """Bring the rates of the particle on a site up to date, once per event."""
        cdef int p = self.particle[site]
        if p < 0 or self.stamp[site] == self.epoch:
            return
        self.stamp[site] = self.epoch
        if self._rate_particle(p):
            self._climb(p)

    cdef void _climb(self, int p) noexcept nogil:
        cdef int i, lines = self.rates.width >> 3
        for i in range(lines):
            self.tree.refresh(<int64_t>p * lines + i)

    cdef void _around(self, int site) noexcept nogil:
        """Update a site and every particle that has an event with it."""
        cdef int i, k, m
        cdef const int32_t* row
        self._update(site)
        for i in range(self.rates.n_reach):
            m = self.rates.reach[i]
            row = self.rates.motif[m] + <int64_t>site * self.rates.motif_width[m]
            for k in range(self.rates.motif_width[m]):
                if row[k] >= 0:
                    self._update(row[k])

    cdef void _touch(self, int site) noexcept nogil:
        """Update whatever depends on the species of a site."""
        cdef int i, k, m
        cdef const int32_t* row
        self._around(site)
        for i in range(self.rates.n_seen):
            m = self.rates.seen[i]
            row = self.rates.motif[m] + <int64_t>site * self.rates.motif_width[m]
            for k in range(self.rates.motif_width[m]):
                if row[k] >= 0:
                    self._around(row[k])

    cdef void _after(self, const Event* event, int before) noexcept nogil:
        """Update rates and tree after an event; ``before``: number of particles before it."""
        cdef int p, i, electrode = self.rates.mechanism[event.mechanism].electrode
        cdef int64_t held
        if self.epoch == 2147483647:
            self.stamp[:] = 0
            self.epoch = 0
        # A stamp per site keeps the work to once per event, and is never cleared but when it runs over.
        self.epoch += 1
        # Numbers above the last particle are free: their rates must be 0.
        for p in range(self.n_particles, before):
            for i in range(self.rates.width):
                self.tree.level[0][<int64_t>p * self.rates.width + i] = 0.0
            self._climb(p)
        for i in range(self.n_filled):
            self._update(self.filled[i])
        self._touch(event.a)
        if event.b >= 0:
            self._touch(event.b)
        if electrode:
            held = self.rates.reservoir[electrode]
            # the first atom into an empty electrode, or the last one out, switches all reverse events
            if held == 0 or (held == 1 and event.direction == 0):
                for p in range(self.n_particles):
                    if self.rates.touch[self.site[p]]:
                        self._update(self.site[p])

    cdef int _loop(self, bitgen_t* random, int64_t events, double until) noexcept nogil:
        """Carry out events until a count, a time, or until none is possible."""
        cdef double total, mark, energy, activation
        cdef int64_t leaf
        cdef int site, before
        cdef bint floored
        cdef const Channel* channel
        cdef Event event
        while events > 0:
            # Every reason to stop comes before the first change, so that a run can go on where it ended.
            if self.rates.cold:
                return COLD
            if self.n_particles + 2 > self.site.shape[0]:
                return FULL
            total = self.tree.top()
            if total <= 0.0:
                return NOTHING_POSSIBLE
            # An event drawn but beyond `until` is kept: a run in pieces draws the same numbers as one.
            if self.pending < 0.0:
                self._schedule(-log1p(-random.next_double(random.state)) / total)
            if self.pending > until:
                return TIME_REACHED
            self.time, self.time_rest, self.pending = self.pending, self.pending_rest, -1.0
            # The leaf in which the mark falls is a slot of a particle: a channel and a neighbour.
            mark = random.next_double(random.state) * total
            leaf = self.tree.locate(&mark)
            site = self.site[leaf // self.rates.width]
            channel = &self.rates.channel[self.slot_channel[self.rates.species[site], leaf % self.rates.width]]
            self.rates.decode(site, channel, leaf % self.rates.width - channel.slot, &event)
            # Whether the floor held is not kept with the rate; it is asked for once per event.
            if self.rates.mechanism[event.mechanism].floor > 0.0:
                self.rates.rate(&event, &energy, &activation, &floored)
                self.floor_hits += floored
            # Only particles near the event can have other rates now.
            before = self.n_particles
            self.apply(&event)
            self._after(&event, before)
            events -= 1
        return COUNT_REACHED

    def run(self, int64_t events, double until, bit_generator):
        """Carry out events; the reason of the end as a number into REASONS."""
        cdef bitgen_t* random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        cdef int64_t last = self.events + events, some
        cdef int status
        while True:
            self.prepare()
            some = min(<int64_t>CHUNK, last - self.events)
            with bit_generator.lock, nogil:
                status = self._loop(random, some, until)
            PyErr_CheckSignals()
            if status == FULL:
                self.fresh = False
            elif status != COUNT_REACHED or self.events >= last:
                break
        if until < 1e300 and (status == TIME_REACHED or status == NOTHING_POSSIBLE):
            self.time, self.time_rest = until, 0.0
        return status

    def check(self):
        """Largest relative error of the selector's total and of the rates against a recomputation."""
        self.prepare()
        cdef double total = self.tree.top()
        rates = np.array(self.tree.leaves())
        self._fill()
        now = np.array(self.tree.leaves())
        scale = np.maximum(np.abs(now), 1e-300)
        worst = float(np.max(np.abs(rates - now) / scale))
        exact = float(np.sum(now.astype(np.longdouble)))
        return abs(total - exact) / max(exact, 1e-300), worst

    # ---- lists of events -----------------------------------------------------------------------------

    cdef int64_t _enumerate(self, Catalogue out) noexcept nogil:
        """Write all possible events by ascending site, then slot; the number of events."""
        cdef int64_t n = 0
        cdef int word, site, code, c, k
        cdef uint64_t bits
        cdef const Channel* channel
        cdef Event event
        for word in range(<int>self.active.shape[0]):
            bits = self.active[word]
            while bits:
                site = (word << 6) + lowest_bit(bits)
                bits &= bits - 1
                code = self.rates.species[site]
                for c in range(self.rates.first[code], self.rates.first[code + 1]):
                    channel = &self.rates.channel[c]
                    for k in range(channel.width):
                        if not self.rates.decode(site, channel, k, &event):
                            continue
                        out._mechanism[n], out._direction[n] = event.mechanism, event.direction
                        out._a[n], out._b[n] = event.a, event.b
                        out._frequency[n] = self.rates.mechanism[event.mechanism].frequency * self.rates.frequency_factor(
                            &self.rates.mechanism[event.mechanism], &event)
                        self.rates.energies(&event, &out._barrier[n], &out._energy[n])
                        n += 1
        return n

    def enumerate(self, Catalogue out):
        """Fill a catalogue with every event that is possible now."""
        if out.room() < self.n_particles * self.rates.width:
            out.grow(self.n_particles * self.rates.width)
        with nogil:
            out.n = self._enumerate(out)
        out.version = self.version

    def rate_each(self, Catalogue out, double[::1] rate, double[::1] energy, double[::1] activation):
        """Rate (1/s), total energy difference and activation energy (eV) of each event of a catalogue."""
        cdef int64_t i
        cdef Event event
        cdef bint floored
        for i in range(out.n):
            out.event(i, &event)
            rate[i] = self.rates.rate(&event, &energy[i], &activation[i], &floored)

    def fire(self, Catalogue out, int64_t i):
        """Carry out one event of a catalogue."""
        cdef Event event
        out.event(i, &event)
        self._carry_out(&event)

    def carry_out(self, int mechanism, int direction, int a, int b):
        """Carry out one event of the present state; whether it is one as far as the species on its sites tell."""
        cdef Event event
        cdef int before = direction
        if self.rates.species[a] != self.rates.mechanism[mechanism].code[before][0] or (
                b >= 0 and self.rates.species[b] != self.rates.mechanism[mechanism].code[before][1]):
            return False
        event.mechanism, event.direction, event.a, event.b = mechanism, direction, a, b
        self._carry_out(&event)
        return True

    cdef int _carry_out(self, const Event* event) except -1:
        self.reserve()
        self.apply(event)
        self.fresh = False
        self.forget()
        return 0
