"""What stands on the sites of an engine, which events are possible there, and carrying them out (compiled)."""

import numpy as np

cimport cython
from libc.stdint cimport int8_t, int32_t, int64_t, uint64_t
from libc.string cimport memcmp

from ._catalogue cimport Catalogue
from ._site_events cimport Channel, Event, Mechanism, SiteEvents

cdef extern from *:
    int lowest_bit "__builtin_ctzll"(unsigned long long) noexcept nogil

cdef inline uint64_t share_of(int site, int code) noexcept nogil:
    """What a species on a site adds to the mark of a state (splitmix64, Steele et al. 2014, recalled)."""
    cdef uint64_t x = (<uint64_t>site * 256 + <uint64_t>code + 1) * <uint64_t>0x9E3779B97F4A7C15
    x = (x ^ (x >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t>0x94D049BB133111EB
    return x ^ (x >> 31)


@cython.final
cdef class Kernel:
    """Tables and state of one engine; `engine.Engine` checks, compiles and words the errors.

    Parameters
    ----------
    tables : Compiled
        Made by `tables.compile_tables`.
    species : ndarray of int8, shape (n_sites,)
        Codes; kept and changed by events.
    count : ndarray of uint8, shape (n_sites, n_counts)
        Neighbours of each kind that is counted; kept and changed by events.
    """

    def __init__(self, tables, species, count):
        self.tables = SiteEvents(tables, species, tables.touch, count)
        self.fired = np.zeros((self.tables.n_mechanisms, 2), dtype=np.int64)
        self.active = np.zeros((self.tables.n_sites + 63) // 64, dtype=np.uint64)
        self.look()

    # ---- state ---------------------------------------------------------------------------------------

    def look(self):
        """Work out which sites can have events, and the mark, after the species were replaced."""
        cdef int i
        self.n_active, self.mark = 0, 0
        self.active[:] = 0
        for i in range(self.tables.n_sites):
            self.mark ^= share_of(i, self.tables.species[i])
            if self.tables.owns[self.tables.species[i]][self.tables.touch[i]]:
                self.active[i >> 6] |= <uint64_t>1 << (i & 63)
                self.n_active += 1

    def set_reservoir(self, *atoms):
        """Set the atoms that the bottom and the top electrode hold, then those of a second kind."""
        self.tables.fill_reservoirs(*atoms)

    def restore(self, fired, events, version):
        """Take over the events carried out, after the species were replaced."""
        self.look()
        np.asarray(self.fired)[:] = fired
        self.events, self.version = events, version

    def reservoir(self, int count):
        """Atoms that the bottom and the top electrode hold, then those of a second kind; ``count`` of these numbers."""
        return tuple([self.tables.reservoir[k + 1] for k in range(count)])

    def counts(self):
        """Events carried out, by mechanism and direction; a view."""
        return np.asarray(self.fired)

    def holds(self, const int8_t[::1] species):
        """Whether these species stand on the sites."""
        return memcmp(&species[0], &self.tables.species[0], self.tables.n_sites) == 0

    cdef void _place(self, int site, int code) noexcept nogil:
        """Put a species on a site; keep the mark, and whether the site can have events."""
        cdef int touch = self.tables.touch[site], before = self.tables.species[site]
        cdef bint was = self.tables.owns[before][touch], can = self.tables.owns[code][touch]
        self.mark ^= share_of(site, before) ^ share_of(site, code)
        self.tables.place(site, code)
        if was != can:
            self.active[site >> 6] ^= <uint64_t>1 << (site & 63)
            self.n_active += 1 if can else -1

    # ---- events --------------------------------------------------------------------------------------

    cdef void _carry_out(self, const Event* event) noexcept nogil:
        """Carry out an event: sites, counts, reservoir."""
        cdef int m = event.mechanism, into = 1 - event.direction
        cdef int electrode = self.tables.mechanism[m].electrode
        self._place(event.a, self.tables.mechanism[m].code[into][0])
        if event.b >= 0:
            self._place(event.b, self.tables.mechanism[m].code[into][1])
        if electrode:
            self.tables.move_atom(electrode, event.direction)
        self.fired[m, event.direction] += 1
        self.events += 1
        self.version += 1

    cdef int64_t _enumerate(self, Catalogue out) noexcept nogil:
        """Write all possible events by ascending site, then slot; the number of events."""
        cdef int64_t n = 0
        cdef int word, site, code, c, k
        cdef uint64_t bits
        cdef const Channel* channel
        cdef const Mechanism* mechanism
        cdef Event event
        for word in range(<int>self.active.shape[0]):
            bits = self.active[word]
            while bits:
                site = (word << 6) + lowest_bit(bits)
                bits &= bits - 1
                code = self.tables.species[site]
                for c in range(self.tables.first[code], self.tables.first[code + 1]):
                    channel = &self.tables.channel[c]
                    for k in range(channel.width):
                        if not self.tables.decode(site, channel, k, &event):
                            continue
                        out._mechanism[n], out._direction[n] = event.mechanism, event.direction
                        out._a[n], out._b[n] = event.a, event.b
                        mechanism = &self.tables.mechanism[event.mechanism]
                        out._frequency[n] = mechanism.frequency * self.tables.frequency_factor(mechanism, &event)
                        self.tables.energies(&event, &out._barrier[n], &out._energy[n])
                        n += 1
        return n

    def enumerate(self, Catalogue out):
        """Fill a catalogue with every event that is possible now."""
        cdef int64_t most = <int64_t>self.n_active * self.tables.width
        if out.room() < most:
            out.grow(most)
        with nogil:
            out.n = self._enumerate(out)
        out.version = self.version

    def fire(self, Catalogue out, int64_t i):
        """Carry out one event of a catalogue."""
        cdef Event event
        out.event(i, &event)
        self._carry_out(&event)

    def carry_out(self, int mechanism, int direction, int a, int b):
        """Carry out one event of the present state; whether it is one as far as the species on its sites tell."""
        cdef Event event
        cdef const int32_t* before = self.tables.mechanism[mechanism].code[direction]
        if self.tables.species[a] != before[0] or (b >= 0 and self.tables.species[b] != before[1]):
            return False
        event.mechanism, event.direction, event.a, event.b = mechanism, direction, a, b
        self._carry_out(&event)
        return True
