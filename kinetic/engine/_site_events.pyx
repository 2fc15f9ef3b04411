"""Compiled mechanisms and the sites they act on: which events are possible and what they cost."""

import numpy as np

cimport cython
from libc.string cimport memcpy


@cython.auto_pickle(False)
cdef class SiteEvents:
    """Tables of one engine, with views of its sites.

    Parameters
    ----------
    tables : Compiled
        Made by `tables.compile_tables`.
    species, touch : ndarray of int8, shape (n_sites,)
        Codes, and what is touched.
    count : ndarray of uint8, shape (n_sites, n_counts)
        Neighbours of each kind that is counted.
    """

    def __init__(self, tables, int8_t[::1] species, const int8_t[::1] touch, count):
        cdef int k
        cdef const int32_t[:, ::1] table
        cdef uint8_t[::1] flat = count.reshape(-1) if count.size else np.zeros(1, np.uint8)
        cdef const uint8_t[::1] exempt = _flat(tables.exempt, np.uint8)
        cdef const double[::1] shift = _flat(tables.shift, np.float64)
        cdef const double[::1] factor = _flat(tables.factor, np.float64)
        cdef const double[::1] across = _flat(tables.across, np.float64)
        cdef const double[::1] site_energy = _flat(tables.site_energy, np.float64)
        self.n_sites, self.n_motifs = len(species), len(tables.motifs)
        self.species, self.touch, self.count = &species[0], &touch[0], &flat[0]
        self.exempt, self.shift, self.site_energy = &exempt[0], &shift[0], &site_energy[0]
        self.factor, self.across = &factor[0], &across[0]
        for k in range(self.n_motifs):
            table = tables.motifs[k]
            self.motif[k], self.motif_width[k] = &table[0, 0], table.shape[1]
        self.held = [tables, species, touch, flat, exempt, shift, site_energy, factor, across]
        self._load(tables)
        for k in range(5):
            self.reservoir[k] = 0

    def _load(self, t):
        """Copy the records of mechanisms, counts and channels."""
        self.n_mechanisms, self.n_channels, self.n_counts = len(t.mechanism), len(t.channel), len(t.count)
        self.n_codes, self.width = len(t.site_row), t.width
        _copy(self.mechanism, t.mechanism, sizeof(Mechanism), MECHANISMS, "mechanisms")
        _copy(self.channel, t.channel, sizeof(Channel), CHANNELS, "directions of mechanisms")
        _copy(self.counted, t.count, sizeof(Count), COUNTS, "kinds of neighbours that count")
        _copy(self.first, t.first, sizeof(int32_t), CODES + 1, "species")
        _copy(self.site_row, t.site_row, sizeof(int32_t), CODES, "species")
        _copy(self.owns, t.owns.reshape(-1), sizeof(int8_t), 8 * CODES, "species and electrodes")

    def fill_reservoirs(self, *atoms):
        """Give the bottom and the top electrode so many atoms, then of a second kind."""
        for k, number in enumerate(atoms, 1):
            self.reservoir[k] = number

    cdef void move_atom(self, int electrode, int direction) noexcept nogil:
        """Count an atom that an electrode takes (direction 0) or gives (1)."""
        self.reservoir[electrode] += 1 - 2 * direction

    cdef void place(self, int site, int code) noexcept nogil:
        """Put a species on a site and keep the neighbours' counts."""
        cdef int h, k, other, old = self.species[site], gain, width
        cdef const int32_t* row
        self.species[site] = code
        for h in range(self.n_counts):
            gain = (code == self.counted[h].species) - (old == self.counted[h].species)
            if gain == 0:
                continue
            width = self.motif_width[self.counted[h].motif]
            row = self.motif[self.counted[h].motif] + <int64_t>site * width
            for k in range(width):
                other = row[k]
                if other < 0 or (self.counted[h].exempt >= 0 and self.both_exempt(h, site, other)):
                    continue
                self.count[<int64_t>other * self.n_counts + h] += gain


def _flat(array, kind):
    return array.reshape(-1) if array.size else np.zeros(1, kind)


cdef int _copy(void* target, rows, size_t size, int most, str what) except -1:
    """Copy records of NumPy into structs, whose layout is the same if their size is."""
    cdef const uint8_t[::1] raw
    if rows.dtype.itemsize != size:
        raise TypeError(f"a record of {what} has {rows.dtype.itemsize} bytes, its struct {size}")
    if len(rows) > most:
        raise ValueError(f"an engine can hold at most {most} {what}, got {len(rows)}")
    if len(rows):
        raw = np.ascontiguousarray(rows).view(np.uint8)
        memcpy(target, &raw[0], raw.shape[0])
    return 0
