"""The loop for one kind of hop on a simple cubic lattice: the same events as `_engine`, sooner.

The rate of a hop is looked up by the neighbours that both ends have. Where potential, temperature or
barrier differ between sites, the rates of a particle are kept and only those that an event touches are
computed again. Draws, order of events and rounding are those of the general loop.

Two bytes a site say in which directions a particle stands and which faces of the box it touches. Those of
the ten other neighbours of the two ends of a hop tell all particles whose rates it changes. Lists are made
before they are worked through, so that few branches depend on what stands where, and what one rate needs of
the memory does not wait for another.
"""

import numpy as np

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport exp, log1p
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t
from libc.string cimport memcpy, memset
from numpy.random cimport bitgen_t

from ._engine cimport Kernel
from ..mechanisms._activation cimport activation_energy
from ._rates cimport Event, Mechanism
from ._sumtree cimport SumTree, choose

cdef enum:
    CHUNK = 100000      # events between two looks for Ctrl-C
    SIDES = 10          # neighbours of the two ends of a hop, without the ends
    TOUCHED = 41        # particles whose rates a hop can change: its own and 4 beyond each neighbour
    JOBS = 74           # rates it can change, its own and 6 of each neighbour, and 8 written past the last
    COLUMNS = 13        # columns of sites within two steps of one
    CACHED = 100000     # sites of a box that stays in the cache
    ALL = 63            # directions
    SELF = 6            # no direction
    FACES = 6           # place of the faces in the two bytes of a site

cdef enum Status:       # as in _engine
    COUNT_REACHED, TIME_REACHED, NOTHING_POSSIBLE

cdef struct Side:       # a neighbour of an end of a hop
    int32_t k           # its direction from there
    int32_t beyond      # directions from it to places that are no neighbours of an end

cdef struct Nearby:     # a place that may hold a particle whose rates a hop changes
    int32_t side        # number of the neighbour beside it
    int32_t k           # its direction from there, SELF for that neighbour itself
    int32_t directions  # in which rates change

cdef struct Touched:    # a particle whose rates may change
    int32_t particle, site
    int32_t directions  # in which they may have changed
    int32_t open        # those onto free sites

cdef struct Job:        # a rate to be worked out
    double* rate
    double energy, crowd    # eV, without the field
    int32_t a, b

cdef extern from *:
    void prefetch "__builtin_prefetch"(const void*) noexcept nogil
    int lowest_bit "__builtin_ctzll"(unsigned long long) noexcept nogil


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

    # sites
    cdef uint16_t[::1] around               # [site] directions in which particles stand, and faces it touches
    cdef int32_t[::1] at                    # [site] particle, where one stands
    cdef int32_t n_sites
    cdef readonly int32_t neighbour         # a neighbour of site 0
    cdef int64_t column[COLUMNS]            # steps to columns within two steps
    cdef int32_t step[64][8]                # [faces, direction] to a neighbour, 0 where there is none
    cdef uint8_t outside[64]                # [faces] directions in which there is none
    # particles
    cdef int32_t[::1] of                    # [particle] its site
    cdef double[::1] line                   # [particle, 8] rates by direction (1/s), where rough
    cdef int32_t n_particles
    cdef readonly SumTree tree
    # what is near a hop, by its direction
    cdef Side side[6][SIDES]
    cdef Nearby nearby[6][6 * SIDES]
    # sets of directions
    cdef uint8_t listed[64][8]              # one after the other
    cdef uint8_t number[64]
    cdef double without[64][6]              # 0 for those in the set, 1 for others
    cdef uint8_t count[64]                  # neighbours that rates depend on
    # rates
    cdef bint rough         # depend on the sites
    cdef double even_kt     # eV, of all sites alike, or -1
    cdef Kernel kernel
    cdef double table[8][8]                 # 1/s, by neighbours
    cdef double energy[8][8]                # eV
    cdef double crowd[8][8]                 # eV
    cdef int moving, background
    cdef bint counted       # rates depend on neighbours
    cdef public int64_t version
    cdef public bint fit    # rates fit the fields

    def __init__(self, shape, bint periodic, int moving, int background):
        self.n_sites, self.moving, self.background = np.prod(shape), moving, background
        self._lay_out(shape, periodic)
        self.at = np.zeros(self.n_sites, dtype=np.int32)
        self.line = np.zeros(8)
        self.version, self.fit = -1, False

    def _lay_out(self, size, bint periodic):
        """Set the faces of each site, and the steps to its neighbours by them."""
        cdef int faces, k
        stride = (size[1] * size[2], size[2], 1)
        x, y, z = (
            (((i == 0) | (i == size[axis] - 1) << 1) << FACES + 2 * axis).astype(np.uint16)
            for axis, i in enumerate(map(np.arange, size))
        )
        near = [(i, j) for i in range(-2, 3) for j in range(-2, 3) if abs(i) + abs(j) <= 2]
        for k, (i, j) in enumerate(near):
            self.column[k] = i * stride[0] + j * stride[1]
        self.around = (x[:, None, None] | y[:, None] | z).reshape(self.n_sites)
        for faces in range(64):
            self.outside[faces], self.step[faces][6], self.step[faces][7] = 0, 0, 0
            for k in range(6):
                axis, up = divmod(k, 2)
                move = stride[axis] if up else -stride[axis]
                if faces >> k & 1:
                    move = -move * (size[axis] - 1) if periodic and axis < 2 else 0
                self.step[faces][k] = move
                self.outside[faces] |= (move == 0) << k
        self.neighbour = max(self.step[self.around[0] >> FACES])

    def load(self, Kernel kernel, bint counted):
        """Take over the state of a kernel. ``counted``: rates depend on neighbours."""
        cdef int i, k
        cdef const int32_t* step
        self.n_particles, self.counted, self.kernel = kernel.n_particles, counted, kernel
        self.of = np.array(kernel.site)
        self.tree = SumTree(max(self.n_particles, 1))
        self._list_directions(counted)
        with nogil:
            for i in range(self.n_sites):
                self.at[i] = kernel.particle[i]
                self.around[i] &= ~ALL
            for i in range(self.n_particles):
                step = self.step[self.around[self.of[i]] >> FACES]
                for k in range(6):
                    if step[k]:
                        self.around[self.of[i] + step[k]] |= 1 << (k ^ 1)
        self.version, self.fit = kernel.version, False

    def _list_directions(self, counted):
        """Tabulate sets of directions, and what is near a hop in each of them."""
        cdef int i, k
        for i in range(64):
            inside = [k for k in range(6) if i >> k & 1]
            self.number[i] = len(inside)
            self.count[i] = len(inside) if counted else 0
            for k in range(6):
                self.without[i][k] = 0.0 if k in inside else 1.0
            for k in range(8):
                self.listed[i][k] = inside[k] if k < len(inside) else 0
        for direction in range(6):
            # direction k ^ 1 is opposite to k
            ends = [(direction, k) for k in range(6) if k != direction]
            ends += [(direction ^ 1, k) for k in range(6) if k != direction ^ 1]
            for i, (along, k) in enumerate(ends):
                self.side[direction][i] = Side(k, ALL & ~(1 << along | 1 << (k ^ 1)) if counted else 0)
                for way in range(6):
                    self.nearby[direction][6 * i + way] = Nearby(i, way, 1 << (way ^ 1))
                # the bit of the way back to the end of the hop stands for the neighbour itself
                self.nearby[direction][6 * i + (k ^ 1)] = Nearby(i, SELF, ALL if counted else 1 << (k ^ 1))

    def fill(self, double[:, :, ::1] table, bint rough, double even_kt):
        """Compute all rates.

        ``table``: what `Rates.hop_by_counts` returns. ``rough``: rates depend on the sites.
        ``even_kt``: kT (eV) of all sites if it is the same, else -1.
        """
        cdef int p
        cdef Touched one
        self.rough, self.even_kt = rough, even_kt
        if rough and self.line.shape[0] < 8 * self.n_particles:
            room = np.zeros(8 * self.n_particles + 8)
            self.line = room[(-room.ctypes.data // 8) % 8:]     # a particle's rates in one cache line
        memcpy(self.table, &table[0, 0, 0], sizeof(self.table))
        memcpy(self.energy, &table[1, 0, 0], sizeof(self.energy))
        memcpy(self.crowd, &table[2, 0, 0], sizeof(self.crowd))
        with nogil:
            for p in range(self.n_particles):
                one.particle, one.site, one.directions = p, self.of[p], ALL
                one.open = self._open(one.site, ALL)
                self._refresh(&one, 1)
            self.tree.build()
        self.fit = True

    def unload(self, Kernel kernel):
        """Give the state back to a kernel."""
        cdef int i
        order = np.array(self.of)[:self.n_particles]
        with nogil:
            for i in range(self.n_sites):
                kernel.rates.species[i] = self.background
                if self.counted:
                    kernel.rates.count[i] = self.count[self.around[i] & ALL]
            for i in range(self.n_particles):
                kernel.rates.species[self.of[i]] = self.moving
        kernel.order(order)

    cdef inline int _open(self, int site, int directions) noexcept nogil:
        """Those of some directions in which a particle could hop from a site."""
        cdef int here = self.around[site]
        return directions & ~(here | self.outside[here >> FACES])

    cdef inline void _refresh(self, const Touched* touched, int n) noexcept nogil:
        """Bring the leaves of particles up to date, in the directions that are touched.

        Added up as in a line of the sum tree.
        """
        cdef double v[6]
        cdef double* kept
        cdef double* leaf = self.tree.level[0]
        cdef Job job[JOBS]
        cdef int i, k, m
        if not self.rough:
            for i in range(n):
                self._rates(touched[i].site, v)
                leaf[touched[i].particle] = ((v[0] + v[1]) + (v[2] + v[3])) + (v[4] + v[5])
            return
        m = self._list_jobs(touched, n, job)
        for i in range(n):
            kept = &self.line[8 * <int64_t>touched[i].particle]
            for k in range(6):  # through a copy, since `without` might overlap as far as a compiler knows
                v[k] = kept[k] * self.without[touched[i].directions][k]
            memcpy(kept, v, sizeof(v))
        self._compute(job, m)
        for i in range(n):
            kept = &self.line[8 * <int64_t>touched[i].particle]
            leaf[touched[i].particle] = ((kept[0] + kept[1]) + (kept[2] + kept[3])) + (kept[4] + kept[5])

    cdef inline int _list_jobs(self, const Touched* touched, int n, Job* job) noexcept nogil:
        """List the rates of particles that are touched and not 0; the number of them."""
        cdef uint8_t who[JOBS]
        cdef uint8_t direction[JOBS]
        cdef const Touched* one
        cdef const double* potential = self.kernel.rates.potential
        cdef int i, here, near_a, near_b, m = 0
        for i in range(n):
            memcpy(direction + m, self.listed[touched[i].open], 8)
            memset(who + m, i, 8)
            m += self.number[touched[i].open]
        for i in range(m):
            one = &touched[who[i]]
            here = self.around[one.site]
            job[i].a = one.site
            job[i].b = one.site + self.step[here >> FACES][direction[i]]
            prefetch(potential + job[i].b)
            near_a, near_b = self.count[here & ALL], self.count[self.around[job[i].b] & ALL]
            job[i].rate = &self.line[8 * <int64_t>one.particle + direction[i]]
            job[i].energy, job[i].crowd = self.energy[near_a][near_b], self.crowd[near_a][near_b]
        return m

    cdef inline void _compute(self, const Job* job, int n) noexcept nogil:
        """Compute rates (1/s) of hops onto free sites in the fields of their sites; as Rates.rate.

        Where nothing is to be climbed no exponential is needed.
        """
        cdef const Mechanism* m = &self.kernel.rates.mechanism[0]
        # copies: the compiler cannot know that no rate is written over them
        cdef int law = m.law
        cdef double frequency = m.frequency, barrier = m.barrier, share = m.share[0], even_kt = self.even_kt
        cdef double charge_a = m.charge[0], charge_b = m.charge[1], energy, peak, kt
        cdef const double* potential = self.kernel.rates.potential
        cdef bint shifted = m.shift >= 0
        cdef double exponent[JOBS]
        cdef int which[JOBS]
        cdef Event event
        cdef int i, uphill = 0
        for i in range(n):
            energy = job[i].energy + (charge_a * potential[job[i].a] + charge_b * potential[job[i].b])
            peak = barrier
            if shifted:
                event.a, event.b = job[i].a, job[i].b
                peak += self.kernel.rates.shift_of(m, &event)
            peak += job[i].crowd
            kt = even_kt
            if kt < 0.0:
                kt = self.kernel.rates.kt[job[i].a]
                kt += m.beta * (self.kernel.rates.kt[job[i].b] - kt)
            exponent[i] = -activation_energy(law, peak, energy, share) / kt
            job[i].rate[0] = frequency
            which[uphill] = i
            uphill += exponent[i] != 0.0
        for i in range(uphill):
            job[which[i]].rate[0] = frequency * exp(exponent[which[i]])

    cdef inline void _rates(self, int site, double* v) noexcept nogil:
        """Rates (1/s) of a particle by direction, where they depend on neighbours alone."""
        cdef int here = self.around[site], k
        cdef const int32_t* step = self.step[here >> FACES]
        cdef const double* row = self.table[self.count[here & ALL]]
        cdef const double* free = self.without[(here & ALL) | self.outside[here >> FACES]]
        for k in range(6):
            v[k] = row[self.count[self.around[site + step[k]] & ALL]] * free[k]

    cdef inline uint64_t _tell(self, int site, const Side* side, int32_t* place, bint comes) noexcept nogil:
        """Tell the other neighbours of an end of a hop that a particle comes or leaves there.

        Writes their sites. Returns six bits for each: if it is free, where particles stand ``beyond``, else,
        in the place of the way back, that one stands on it.
        """
        cdef int here = self.around[site], there, i, k, taken, real
        cdef const int32_t* step = self.step[here >> FACES]
        cdef uint64_t found = 0
        for i in range(SIDES // 2):
            k = side[i].k
            place[i] = site + step[k]
            there = self.around[place[i]]
            # without a neighbour the place is the site itself, which stays as it is
            real, taken = step[k] != 0, here >> k & 1
            self.around[place[i]] = there | real << (k ^ 1) if comes else there & ~(real << (k ^ 1))
            found |= <uint64_t>((there & side[i].beyond & -(real & ~taken)) | taken << (k ^ 1)) << 6 * i
        return found

    cdef inline int _name(self, uint64_t found, const Nearby* nearby, const int32_t* place, Touched* touched,
                          int n) noexcept nogil:
        """Add the particles around a hop whose rates differ after it.

        One beyond two free neighbours is met from each, with the rate in that direction.
        """
        cdef const Nearby* one
        cdef int site
        while found:
            one = &nearby[lowest_bit(found)]
            found &= found - 1
            site = place[one.side]
            site += self.step[self.around[site] >> FACES][one.k]
            touched[n].particle, touched[n].site, touched[n].directions = self.at[site], site, one.directions
            touched[n].open = self._open(site, one.directions)
            prefetch(&self.tree.level[0][self.at[site]])
            if self.rough:
                prefetch(&self.line[8 * <int64_t>self.at[site]])
                prefetch(&self.kernel.rates.potential[site])
            n += 1
        return n

    cdef inline void _fetch(self, int site) noexcept nogil:
        """Ask the memory for what stands within two steps of a site, all at once."""
        cdef int64_t there
        cdef int i
        for i in range(COLUMNS):
            there = site + self.column[i]
            if 0 <= there < self.n_sites:
                prefetch(&self.around[there])
                prefetch(&self.at[there])
                if self.rough:
                    prefetch(&self.kernel.rates.potential[there])

    cdef void _hop(self, int p, double mark) noexcept nogil:
        """Let a particle hop in the direction in which its running sum of rates passes ``mark``."""
        cdef int start = self.of[p], end, n, d
        cdef double v[8]
        cdef int32_t place[SIDES]
        cdef uint64_t found
        cdef Touched touched[TOUCHED]
        if self.n_sites > CACHED:
            self._fetch(start)
        if self.rough:
            d = choose(&self.line[8 * <int64_t>p], &mark)
        else:
            self._rates(start, v)
            v[6] = v[7] = 0.0
            d = choose(v, &mark)
        end = start + self.step[self.around[start] >> FACES][d]
        # All whose rates may differ are listed first: a rate that was refreshed too early would be stale.
        found = self._tell(start, self.side[d], place, False)
        found |= self._tell(end, self.side[d] + SIDES // 2, place + SIDES // 2, True) << 3 * SIDES
        self.at[end], self.of[p] = p, end
        self.around[start] ^= 1 << d
        self.around[end] ^= 1 << (d ^ 1)
        touched[0].particle, touched[0].site, touched[0].directions = p, end, ALL
        touched[0].open = self._open(end, ALL)
        n = self._name(found, self.nearby[d], place, touched, 1)
        self._refresh(touched, n)
        self._climb(touched, n)

    cdef inline void _climb(self, const Touched* touched, int n) noexcept nogil:
        """Recompute the parents of leaves, level by level; a line that is met twice is climbed from once."""
        cdef int64_t line[TOUCHED]
        cdef int64_t parent
        cdef int i, k, left
        cdef double value
        for i in range(n):
            line[i] = touched[i].particle >> 3
        for k in range(1, self.tree.depth):
            left = 0
            for i in range(n):
                parent = line[i]
                value = self.tree.line_sum(self.tree.level[k - 1] + 8 * parent)
                line[left] = parent >> 3
                left += value != self.tree.level[k][parent]
                self.tree.level[k][parent] = value
            n = left

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
            some = min(<int64_t>CHUNK, last - kernel.events)
            with bit_generator.lock, nogil:
                status = self._loop(kernel, random, some, until)
            PyErr_CheckSignals()
            if status != COUNT_REACHED or kernel.events >= last:
                break
        if until < 1e300 and status != COUNT_REACHED:
            kernel.time, kernel.time_rest = until, 0.0
        return status
