"""Compiled mechanisms and the sites they act on: which events are possible and what they cost."""

cimport cython
from libc.math cimport fabs, sqrt
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t

cdef enum:
    MECHANISMS = 32
    CHANNELS = 128
    COUNTS = 16
    CODES = 16
    MOTIFS = 8
    ONCE = 1
    SCAN = 2            # two sites of a motif are neighbours in another 0 times, once, or look

# Records; tables.py has a NumPy dtype of the same fields for Link, Mechanism, Channel and Count.

cdef struct Event:
    int32_t mechanism
    int32_t direction   # 0 forward, 1 reverse
    int32_t a           # first site
    int32_t b           # second site, -1 for a mechanism of one site

cdef struct Link:       # what one count of neighbours adds to the energy of an event
    int32_t count       # number of the count
    int32_t mutual      # how often the two sites see each other in its motif: 0, ONCE or SCAN
    int32_t from_b      # whether the count of a holds the species on b before the event
    int32_t from_a      # whether the count of b holds the species on a
    double gain_a       # eV per neighbour of a
    double gain_b       # eV per neighbour of b
    double gain_pair    # eV of the pair a-b itself

cdef struct Mechanism:
    int32_t code[2][2]  # [before | after][a | b], -1 no site
    double barrier      # eV
    double frequency    # 1/s
    double energy[2]    # eV, by direction
    double crowd        # eV
    int32_t crowd_start  # neighbours up to which nothing is added
    int32_t crowd_limit
    int32_t crowd_count  # count or -1
    int32_t crowd_mutual
    int32_t crowd_first  # whether only the neighbours of a count
    double crowd_edge   # weight of the fuller end, 1 less that of the emptier one
    int32_t electrode   # whose reservoir takes part: 0 none, 1 bottom, 2 top, 3 and 4 the second ones of these
    int32_t factor      # row of factors of the attempt frequency or -1
    int32_t shift       # row of barrier shifts or -1
    int32_t across      # row of barriers of interfaces or -1
    int32_t on_site     # whether a species of it has a site energy
    int32_t ordered     # both sites alike: only a < b
    int32_t n_links
    Link link[2][COUNTS]

cdef struct Channel:    # one direction of one mechanism, seen from the site that keeps the event
    int32_t mechanism, direction
    int32_t role        # the keeper is site a (0) or b (1)
    int32_t motif       # -1: one site
    int32_t partner     # species code wanted on the other site
    int32_t electrode   # whose reservoir takes part
    int32_t touch       # bits of a site of which it needs one: 1 bottom, 2 top, 4 reached by what has sites; 0 none
    int32_t width       # partners that a site has in the motif; 1 for one site

cdef struct Count:      # neighbours of one species in one motif
    int32_t motif, species, exempt


@cython.final
cdef class SiteEvents:
    cdef readonly int n_sites, n_mechanisms, n_codes, n_counts, n_channels, n_motifs
    cdef readonly int width             # events that one site can have at most
    cdef Mechanism mechanism[MECHANISMS]
    cdef Channel channel[CHANNELS]
    cdef Count counted[COUNTS]
    cdef int32_t first[CODES + 1]       # channels of a species: first[code] <= i < first[code + 1]
    cdef int32_t site_row[CODES]        # row of site energies or -1
    cdef int8_t owns[CODES][8]          # [code][what is touched]: whether such a site has any channel
    cdef const int32_t* motif[MOTIFS]
    cdef int32_t motif_width[MOTIFS]
    # per site
    cdef int8_t* species
    cdef const int8_t* touch
    cdef uint8_t* count                 # [site, count]
    cdef const uint8_t* exempt          # [row, site]
    cdef const double* shift            # [row, site] eV
    cdef const double* factor           # [row, site]
    cdef const double* across           # [row, site] eV, of the interfaces below
    cdef const double* site_energy      # [row, site] eV
    cdef int64_t reservoir[5]           # atoms, by electrode (0: not used), then of a second kind
    cdef object held                    # keeps the arrays alive

    cdef inline bint decode(self, int site, const Channel* channel, int k, Event* event) noexcept nogil:
        """Fill the event of one slot of a site; whether it is possible now."""
        cdef int other = -1
        if channel.motif >= 0:
            other = self.motif[channel.motif][<int64_t>site * channel.width + k]
            if other < 0 or self.species[other] != channel.partner:
                return False
            if self.mechanism[channel.mechanism].ordered and other < site:
                return False
        elif channel.touch:
            if not self.touch[site] & channel.touch:
                return False
            if channel.direction == 1 and self.reservoir[channel.electrode] <= 0:
                return False
        event.mechanism = channel.mechanism
        event.direction = channel.direction
        if channel.role == 0:
            event.a = site
            event.b = other
        else:
            event.a = other
            event.b = site
        return True

    cdef inline int mutual(self, int times, int h, int a, int b) noexcept nogil:
        """How often b is a neighbour of a in the motif of a count, as far as that counts."""
        cdef int k, width
        cdef const int32_t* row
        if times == SCAN:
            width = self.motif_width[self.counted[h].motif]
            row = self.motif[self.counted[h].motif] + <int64_t>a * width
            times = 0
            for k in range(width):
                times += row[k] == b
        if times and self.counted[h].exempt >= 0 and self.both_exempt(h, a, b):
            return 0
        return times

    cdef inline bint both_exempt(self, int h, int a, int b) noexcept nogil:
        cdef const uint8_t* mask = self.exempt + <int64_t>self.counted[h].exempt * self.n_sites
        return mask[a] and mask[b]

    cdef inline double on_site(self, int code, int site) noexcept nogil:
        if self.site_row[code] < 0:
            return 0.0
        return self.site_energy[<int64_t>self.site_row[code] * self.n_sites + site]

    cdef inline void energies(self, const Event* event, double* barrier, double* energy) noexcept nogil:
        """Barrier before any lowering, and energy difference without electrostatics, of an event (eV)."""
        cdef const Mechanism* m = &self.mechanism[event.mechanism]
        cdef const Link* link
        cdef const uint8_t* near_a = self.count + <int64_t>event.a * self.n_counts
        cdef const uint8_t* near_b = self.count + <int64_t>event.b * self.n_counts
        cdef int i, times
        cdef double change = m.energy[event.direction], peak = m.barrier
        if m.on_site:
            change += self.on_site_change(m, event)
        for i in range(m.n_links):
            link = &m.link[event.direction][i]
            if event.b < 0:
                change += link.gain_a * near_a[link.count]
                continue
            # each pair once: what both ends see, without the pair between them, and that pair
            times = link.mutual
            if times:
                times = self.mutual(times, link.count, event.a, event.b)
            change += link.gain_a * (near_a[link.count] - times * link.from_b)
            change += link.gain_b * (near_b[link.count] - times * link.from_a)
            change += times * link.gain_pair
        if m.shift >= 0:
            peak += self.shift_of(m, event)
        if m.across >= 0:
            peak += self.across_of(m, event)
        if m.crowd_count >= 0:
            peak += self.crowding(m, event)
        barrier[0] = peak
        energy[0] = change

    cdef inline double on_site_change(self, const Mechanism* m, const Event* event) noexcept nogil:
        cdef int d = event.direction
        cdef double change = self.on_site(m.code[1 - d][0], event.a) - self.on_site(m.code[d][0], event.a)
        if event.b >= 0:
            change += self.on_site(m.code[1 - d][1], event.b) - self.on_site(m.code[d][1], event.b)
        return change

    cdef inline double shift_of(self, const Mechanism* m, const Event* event) noexcept nogil:
        cdef const double* row = self.shift + <int64_t>m.shift * self.n_sites
        if event.b < 0:
            return row[event.a]
        return 0.5 * (row[event.a] + row[event.b])

    cdef inline double across_of(self, const Mechanism* m, const Event* event) noexcept nogil:
        cdef const double* row = self.across + <int64_t>m.across * self.n_sites
        return fabs(row[event.a] - row[event.b])

    cdef inline double frequency_factor(self, const Mechanism* m, const Event* event) noexcept nogil:
        cdef const double* row
        if m.factor < 0:
            return 1.0
        row = self.factor + <int64_t>m.factor * self.n_sites
        if event.b < 0:
            return row[event.a]
        return sqrt(row[event.a] * row[event.b])

    cdef inline int company(self, const Mechanism* m, int neighbours) noexcept nogil:
        """Return how many neighbours beyond those that add nothing, up to where all is added."""
        if neighbours > m.crowd_limit:
            neighbours = m.crowd_limit
        return neighbours - m.crowd_start if neighbours > m.crowd_start else 0

    cdef inline double crowding(self, const Mechanism* m, const Event* event) noexcept nogil:
        cdef int h = m.crowd_count, d = event.direction, times = 0, near_b
        cdef int near = self.count[<int64_t>event.a * self.n_counts + h], span = m.crowd_limit - m.crowd_start
        if event.b >= 0:
            times = self.mutual(m.crowd_mutual, h, event.a, event.b) if m.crowd_mutual else 0
            near -= times * (m.code[d][1] == self.counted[h].species)
        near = self.company(m, near)
        if event.b < 0 or m.crowd_first:
            return m.crowd * near / span
        near_b = self.count[<int64_t>event.b * self.n_counts + h]
        near_b = self.company(m, near_b - times * (m.code[d][0] == self.counted[h].species))
        if near_b < near:
            near, near_b = near_b, near
        return m.crowd * (near + m.crowd_edge * (near_b - near)) / span

    cdef void place(self, int site, int code) noexcept nogil
    cdef void move_atom(self, int electrode, int direction) noexcept nogil
