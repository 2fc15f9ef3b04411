"""The loop for one kind of hop on a simple cubic lattice: the same events as `_engine`, sooner.

A site is a packed word of 4 bytes, its neighbours are found by stride, and the rate of a hop is looked up by
the neighbours that both ends have. Where potential, temperature or barrier differ between sites, the rates of a
particle are kept and only those that an event touches are computed again. Draws, order of events and rounding are those of the general loop.
"""

import numpy as np

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport exp, log1p
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from numpy.random cimport bitgen_t

from ._engine cimport Kernel
from ..mechanisms._activation cimport activation_energy
from ._rates cimport Event, Mechanism
from ._sumtree cimport SumTree, choose

cdef enum:
    CHUNK = 100000      # events between two looks for Ctrl-C
    CROWD = 96          # particles that one hop can touch: 2 ends x (1 + 6 + 36), rounded up

cdef enum Status:       # as in _engine
    COUNT_REACHED, TIME_REACHED, NOTHING_POSSIBLE

cdef enum:              # a site in one word: the particle on it + 1, its neighbouring particles, the faces it touches
    NEAR = 6
    PARTICLE = 9
    FACES = 63
    FREE = 512          # a word below this holds no particle
    LIMIT = 8388606     # particles that fit
    ALL = 63            # directions

cdef struct Particle:
    int32_t site
    int32_t stamp       # epoch in which it was last touched

cdef extern from *:
    void prefetch "__builtin_prefetch"(const void*) noexcept nogil


@cython.auto_pickle(False)
@cython.final
cdef class Hops:
    """Hops of one kind of particle.

    Parameters
    ----------
    shape : tuple of int
        Sites along x, y, z.
    periodic : bool
        Whether x and y are periodic.
    moving, background : int
        Codes of the two species.
    """

    cdef uint32_t* at
    cdef uint32_t[::1] words
    cdef Particle* of
    cdef int32_t[:, ::1] particles
    cdef uint8_t[::1] changed           # [particle] directions touched in this event
    cdef int32_t epoch, n_particles, n_sites
    cdef int32_t step[64][6]
    cdef double table[8][8]
    cdef int64_t stride_x, stride_y
    cdef bint counted       # rates depend on neighbours
    cdef bint rough         # rates depend on the sites
    cdef double even_kt     # eV, of all sites alike, or -1
    cdef Kernel kernel
    cdef double energy[8][8]                # eV, by neighbours
    cdef double crowd[8][8]                 # eV
    cdef double[:, ::1] line                # [particle, direction] 1/s, where rough
    cdef int moving, background
    cdef readonly SumTree tree
    cdef public int64_t version
    cdef public bint fit    # rates fit the fields

    def __init__(self, shape, bint periodic, int moving, int background):
        cdef uint32_t[::1] words
        nx, ny, nz = shape
        self.n_sites, self.moving, self.background = nx * ny * nz, moving, background
        words = np.zeros(self.n_sites, dtype=np.uint32)
        self.words, self.at = words, &words[0]
        self._lay_out(nx, ny, nz, periodic)
        self.line = np.zeros((1, 8))
        self.version, self.fit = -1, False

    def _lay_out(self, int nx, int ny, int nz, bint periodic):
        """Set the steps to the six neighbours for each combination of faces, and the faces of each site."""
        cdef int edges, k, x, y, z, i = 0
        stride, size = (ny * nz, nz, 1), (nx, ny, nz)
        self.stride_x, self.stride_y = ny * nz, nz
        for edges in range(64):
            for k in range(6):
                axis, up = divmod(k, 2)
                move = stride[axis] if up else -stride[axis]
                if edges >> k & 1:
                    # no neighbour is a step of 0: the site itself, which is never free while its particle is there
                    move = -move * (size[axis] - 1) if periodic and axis < 2 else 0
                self.step[edges][k] = move
        for x in range(nx):
            for y in range(ny):
                for z in range(nz):
                    self.at[i] = (
                        (x == 0) | (x == nx - 1) << 1 | (y == 0) << 2 | (y == ny - 1) << 3 | (z == 0) << 4
                        | (z == nz - 1) << 5
                    )
                    i += 1

    def load(self, Kernel kernel, bint counted):
        """Take over the state of a kernel. ``counted``: rates depend on neighbours."""
        cdef int i, near
        self.n_particles, self.counted, self.kernel = kernel.n_particles, counted, kernel
        self.particles = np.stack([np.asarray(kernel.site), np.zeros(len(kernel.site), np.int32)], axis=1)
        self.of = <Particle*>&self.particles[0, 0]
        self.changed = np.zeros(len(kernel.site), dtype=np.uint8)
        self.epoch = 0
        self.tree = SumTree(max(self.n_particles, 1))
        with nogil:
            for i in range(self.n_sites):
                near = kernel.rates.count[i] if counted else 0
                self.at[i] = (self.at[i] & FACES) | near << NEAR | <uint32_t>(kernel.particle[i] + 1) << PARTICLE
        self.version, self.fit = kernel.version, False

    def fill(self, double[:, :, ::1] table, bint rough, double even_kt):
        """Compute all rates.

        ``table``: what `Rates.hop_by_counts` returns. ``rough``: rates depend on the sites.
        ``even_kt``: kT (eV) of all sites if it is the same, else -1.
        """
        cdef int i, j, p
        self.rough, self.even_kt = rough, even_kt
        if rough and len(self.line) < self.n_particles:
            self.line = np.zeros((self.n_particles, 8))
        for i in range(8):
            for j in range(8):
                self.table[i][j] = table[0, i, j]
                self.energy[i][j], self.crowd[i][j] = table[1, i, j], table[2, i, j]
        with nogil:
            for p in range(self.n_particles):
                self.tree.level[0][p] = self._refresh(p, ALL)
            self.tree.build()
        self.fit = True

    def unload(self, Kernel kernel):
        """Give the state back to a kernel."""
        cdef int i
        order = np.array(self.particles)[:self.n_particles, 0]
        with nogil:
            for i in range(self.n_sites):
                kernel.rates.species[i] = self.moving if self.at[i] >= FREE else self.background
                if self.counted:
                    kernel.rates.count[i] = self.at[i] >> NEAR & 7
        kernel.order(order)

    cdef inline double _refresh(self, int particle, int directions) noexcept nogil:
        """Bring rates up to date in some directions; the rate (1/s) of all hops of the particle.

        Added up as in a line of the sum tree.
        """
        cdef double v[6]
        cdef double* kept
        cdef int site = self.of[particle].site, k
        cdef const int32_t* step
        if not self.rough:
            self._rates(site, v)
            return ((v[0] + v[1]) + (v[2] + v[3])) + (v[4] + v[5])
        kept = &self.line[particle, 0]
        step = self.step[self.at[site] & FACES]
        for k in range(6):
            if directions >> k & 1:
                kept[k] = self._rough_rate(site, site + step[k])
        return ((kept[0] + kept[1]) + (kept[2] + kept[3])) + (kept[4] + kept[5])

    cdef double _rough_rate(self, int a, int b) noexcept nogil:
        """Rate (1/s) of one hop in the fields of its sites; as Rates.rate."""
        cdef const Mechanism* m = &self.kernel.rates.mechanism[0]
        cdef int near_a = self.at[a] >> NEAR & 7, near_b = self.at[b] >> NEAR & 7
        cdef double energy, peak = m.barrier, kt
        cdef Event event
        if self.at[b] >= FREE:
            return 0.0
        event.mechanism, event.direction, event.a, event.b = 0, 0, a, b
        energy = self.energy[near_a][near_b] + self.kernel.rates.field_energy(&event)
        if m.shift >= 0:
            peak += self.kernel.rates.shift_of(m, &event)
        peak += self.crowd[near_a][near_b]
        kt = self.even_kt
        if kt < 0.0:
            kt = self.kernel.rates.kt[a]
            kt += m.beta * (self.kernel.rates.kt[b] - kt)
        return m.frequency * exp(-activation_energy(m.law, peak, energy, m.share[0]) / kt)

    cdef inline void _rates(self, int site, double* v) noexcept nogil:
        cdef uint32_t word = self.at[site], other
        cdef const int32_t* step = self.step[word & FACES]
        cdef const double* row = self.table[word >> NEAR & 7]
        cdef int k
        for k in range(6):
            other = self.at[site + step[k]]
            v[k] = row[other >> NEAR & 7] if other < FREE else 0.0

    cdef inline int _meet(self, int particle, int directions, int32_t* touched, int n) noexcept nogil:
        """Add a particle to the list of those whose rates may have changed, with the directions."""
        if self.of[particle].stamp != self.epoch:
            self.of[particle].stamp = self.epoch
            self.changed[particle] = directions
            touched[n] = particle
            n += 1
        else:
            self.changed[particle] |= directions
        return n

    cdef inline int _around(self, int site, int other, int spare, int32_t* touched, int n) noexcept nogil:
        """Add every particle whose rates depend on a site, except through ``other``.

        ``spare``: neighbours of each of its neighbours that need no look. Direction ``k ^ 1`` is opposite to ``k``.
        """
        cdef const int32_t* step = self.step[self.at[site] & FACES]
        cdef const int32_t* further
        cdef int i, k, near
        cdef uint32_t word, beyond
        for i in range(6):
            near = site + step[i]
            if near == site or near == other:
                continue
            word = self.at[near]
            if word >= FREE:
                n = self._meet((word >> PARTICLE) - 1, ALL if self.counted else 1 << (i ^ 1), touched, n)
            elif self.counted and (word >> NEAR & 7) > <uint32_t>spare:
                further = self.step[word & FACES]
                for k in range(6):
                    beyond = self.at[near + further[k]]
                    if beyond >= FREE:
                        n = self._meet((beyond >> PARTICLE) - 1, 1 << (k ^ 1), touched, n)
        return n

    cdef inline void _shift(self, int site, int gain) noexcept nogil:
        """Keep the counts around a site."""
        cdef const int32_t* step = self.step[self.at[site] & FACES]
        cdef int k
        for k in range(6):
            if step[k]:
                self.at[site + step[k]] += <uint32_t>(gain << NEAR)

    cdef inline void _fetch(self, int site) noexcept nogil:
        """Ask the memory for a site and both shells of its neighbours, all at once."""
        cdef const uint32_t* word = self.at + site
        cdef int64_t x = self.stride_x, y = self.stride_y
        prefetch(word)
        prefetch(word - x)
        prefetch(word + x)
        prefetch(word - y)
        prefetch(word + y)
        prefetch(word - x - y)
        prefetch(word - x + y)
        prefetch(word + x - y)
        prefetch(word + x + y)
        prefetch(word - 2 * x)
        prefetch(word + 2 * x)
        prefetch(word - 2 * y)
        prefetch(word + 2 * y)
        if self.rough:
            prefetch(self.kernel.rates.potential + site)
            prefetch(self.kernel.rates.potential + site - x)
            prefetch(self.kernel.rates.potential + site + x)
            prefetch(self.kernel.rates.potential + site - y)
            prefetch(self.kernel.rates.potential + site + y)
            if self.counted:
                prefetch(self.kernel.rates.potential + site - x - y)
                prefetch(self.kernel.rates.potential + site - x + y)
                prefetch(self.kernel.rates.potential + site + x - y)
                prefetch(self.kernel.rates.potential + site + x + y)
                prefetch(self.kernel.rates.potential + site - 2 * x)
                prefetch(self.kernel.rates.potential + site + 2 * x)
                prefetch(self.kernel.rates.potential + site - 2 * y)
                prefetch(self.kernel.rates.potential + site + 2 * y)

    cdef void _hop(self, int p, double mark) noexcept nogil:
        """Let a particle hop in the direction in which its running sum of rates passes ``mark``."""
        cdef int start = self.of[p].site, end, n = 0, i, direction
        cdef double v[8]
        cdef int32_t touched[CROWD]
        if self.rough:
            direction = choose(&self.line[p, 0], &mark)
        else:
            self._rates(start, v)
            v[6] = v[7] = 0.0
            direction = choose(v, &mark)
        # The particle's number moves to the new site, and the counts around both with it.
        end = start + self.step[self.at[start] & FACES][direction]
        self.at[start] &= FREE - 1
        self.at[end] |= <uint32_t>(p + 1) << PARTICLE
        self.of[p].site = end
        if self.counted:
            self._shift(start, -1)
            self._shift(end, 1)
        # All whose rates may differ are listed first: a rate that was refreshed too early would be stale.
        self.epoch += 1
        n = self._meet(p, ALL, touched, n)
        n = self._around(start, end, 0, touched, n)
        n = self._around(end, start, 1, touched, n)
        for i in range(n):
            self.tree.level[0][touched[i]] = self._refresh(touched[i], self.changed[touched[i]])
        for i in range(n):
            self.tree.refresh(touched[i] >> 3)

    cdef int _loop(self, Kernel kernel, bitgen_t* random, int64_t events, double until) noexcept nogil:
        """Carry out events until a count, a time, or until none is possible; as Kernel._loop."""
        cdef double total, mark, rest, late
        cdef double time = kernel.time, time_rest = kernel.time_rest
        cdef double pending = kernel.pending, pending_rest = kernel.pending_rest
        cdef int64_t p, done = 0
        cdef int status = COUNT_REACHED
        while done < events:
            total = self.tree.top()
            if total <= 0.0:
                status = NOTHING_POSSIBLE
                break
            if pending < 0.0:  # as Kernel._schedule
                rest = time_rest - log1p(-random.next_double(random.state)) / total
                pending = time + rest
                late = pending - time
                pending_rest = (time - (pending - late)) + (rest - late)
            if pending > until:
                status = TIME_REACHED
                break
            # A leaf is a particle; what is left of the mark chooses the direction.
            time, time_rest, pending = pending, pending_rest, -1.0
            mark = random.next_double(random.state) * total
            p = self.tree.locate(&mark)
            self._fetch(self.of[p].site)
            self._hop(<int>p, mark)
            done += 1
        kernel.time, kernel.time_rest = time, time_rest
        kernel.pending, kernel.pending_rest = pending, pending_rest
        kernel.events += done
        kernel.version += done
        kernel.fired[0, 0] += done
        self.version = kernel.version
        return status

    def run(self, Kernel kernel, int64_t events, double until, bit_generator):
        """Carry out events; the reason of the end as a number into _engine.REASONS."""
        cdef bitgen_t* random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        cdef int64_t last = kernel.events + events, some
        cdef int status
        if kernel.owed >= 0.0 and self.tree.top() > 0.0:
            kernel._schedule(kernel.owed / self.tree.top())
            kernel.owed = -1.0
        while True:
            if self.epoch > 2000000000:
                self.particles[:, 1] = 0
                self.epoch = 0
            some = min(<int64_t>CHUNK, last - kernel.events)
            with bit_generator.lock, nogil:
                status = self._loop(kernel, random, some, until)
            PyErr_CheckSignals()
            if status != COUNT_REACHED or kernel.events >= last:
                break
        if until < 1e300 and status != COUNT_REACHED:
            kernel.time, kernel.time_rest = until, 0.0
        return status
