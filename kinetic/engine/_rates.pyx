"""Compiled mechanisms and the sites they act on: which events are possible and what they cost."""

import numpy as np

cimport cython


def activation(int law, double barrier, double energy, double share):
    """Activation energy (eV) as the loop computes it, for comparison with `barrier.activation`."""
    return activation_energy(law, barrier, energy, share)


def multiphonon(shape, double energy, double kt):
    """Activation energy (eV) of a `Lineshape` as the loop computes it, for comparison with its own."""
    cdef Lineshape table
    fill_lineshape(&table, shape)
    return lineshape_activation(&table, energy, kt)


cdef void fill_lineshape(Lineshape* table, shape):
    """Point to the table of a `Lineshape`, which the caller keeps alive."""
    cdef const double[:, :, ::1] node = shape.node
    table.node, table.n_kt, table.n_energy = &node[0, 0, 0], node.shape[0], node.shape[1]
    table.step, table.first, table.ratio = shape.step, shape.first, shape.ratio


@cython.auto_pickle(False)
cdef class Rates:
    """Tables of one engine, with views of its sites and fields.

    Parameters
    ----------
    tables : dict
        Arrays made by `tables.compile_tables`.
    motifs : list of ndarray of int32, shape (n_sites, width)
        Neighbour tables.
    species, electrode : ndarray of int8, shape (n_sites,)
        Codes, and the electrodes touched.
    count : ndarray of uint8, shape (n_sites, n_counts)
        Neighbours of each kind that is counted.
    """

    def __init__(self, tables, motifs, int8_t[::1] species, const int8_t[::1] electrode, count):
        cdef int k
        cdef const int32_t[:, ::1] table
        cdef uint8_t[::1] flat = count.reshape(-1) if count.size else np.zeros(1, np.uint8)
        cdef const uint8_t[::1] exempt = _flat(tables["exempt"], np.uint8)
        cdef const double[::1] shift = _flat(tables["shift"], np.float64)
        cdef const double[::1] factor = _flat(tables["factor"], np.float64)
        cdef const double[::1] site_energy = _flat(tables["site_energy"], np.float64)
        self.n_sites, self.n_motifs = len(species), len(motifs)
        self.species, self.electrode, self.count = &species[0], &electrode[0], &flat[0]
        self.exempt, self.shift, self.site_energy = &exempt[0], &shift[0], &site_energy[0]
        self.factor = &factor[0]
        for k in range(self.n_motifs):
            table = motifs[k]
            self.motif[k], self.motif_width[k] = &table[0, 0], table.shape[1]
        self.held = [motifs, species, electrode, flat, exempt, shift, site_energy, None, None, factor]
        self.held.append(tables["lineshapes"])
        self.seen_mechanism = -1
        self._load_counts(tables)
        self._load_mechanisms(tables)
        self._load_channels(tables)
        for k in range(3):
            self.reservoir[k] = 0
        for k in range(4):
            self.electrode_potential[k] = 0.0

    def _load_counts(self, t):
        self.n_counts, self.n_codes = len(t["h_motif"]), len(t["c_start"]) - 1
        for h in range(self.n_counts):
            self.counted[h].motif, self.counted[h].species = t["h_motif"][h], t["h_species"][h]
            self.counted[h].exempt = t["h_exempt"][h]
        for code in range(self.n_codes):
            self.site_row[code] = t["site_row"][code]
        seen = sorted(set(t["h_motif"].tolist()))
        reach = sorted(set(t["motif"].tolist()) - {-1})
        self.n_seen, self.n_reach = len(seen), len(reach)
        for i, motif in enumerate(seen):
            self.seen[i] = motif
        for i, motif in enumerate(reach):
            self.reach[i] = motif

    def _load_mechanisms(self, t):
        cdef Mechanism* m
        self.n_mechanisms = len(t["barrier"])
        for i in range(self.n_mechanisms):
            m = &self.mechanism[<int>i]
            for side in range(2):
                for end in range(2):
                    m.code[<int>side][<int>end] = t["code"][i, side, end]
                m.charge[<int>side] = t["charge"][i, side]
            m.barrier, m.frequency, m.floor = t["barrier"][i], t["frequency"][i], t["floor"][i]
            m.energy[0], m.energy[1] = t["energy"][i], -t["energy"][i]
            m.share[0], m.share[1] = t["alpha"][i], 1.0 - t["alpha"][i]
            m.lowering, m.beta, m.law = t["lowering"][i], t["beta"][i], t["law"][i]
            m.crowd, m.crowd_limit = t["crowd"][i], t["crowd_limit"][i]
            m.crowd_count, m.electrode = t["crowd_count"][i], t["electrode"][i]
            m.source, m.factor = t["source"][i], t["factor_row"][i]
            m.crowd_first = t["crowd_first"][i]
            if t["lineshapes"][i] is not None:
                fill_lineshape(&m.lineshape, t["lineshapes"][i])
            m.crowd_mutual = t["mutual"][i, t["crowd_count"][i]] if t["crowd_count"][i] >= 0 else 0
            m.shift, m.ordered = t["shift_row"][i], t["ordered"][i]
            used = [c for c in t["code"][i].ravel() if c >= 0]
            m.on_site = bool(np.any(t["site_row"][used] >= 0))
            self._load_links(t, i)

    def _load_links(self, t, int i):
        """List the counts that can change the energy of a mechanism, for both directions."""
        cdef Link* link
        cdef int n = 0, d
        weight = np.pad(t["h_weight"], ((0, 0), (0, 1)))  # code -1: no site, no energy
        for h in range(self.n_counts):
            if not np.any(weight[h, t["code"][i].ravel()]):
                continue
            for d in range(2):
                (pa, pb), (qa, qb) = t["code"][i, d], t["code"][i, 1 - d]
                sp = t["h_species"][h]
                link = &self.mechanism[i].link[d][n]
                link.count, link.mutual = h, t["mutual"][i, h]
                link.from_b, link.from_a = pb == sp, pa == sp
                link.gain_a = weight[h, qa] - weight[h, pa]
                link.gain_b = weight[h, qb] - weight[h, pb]
                link.gain_pair = weight[h, qa] * (qb == sp) - weight[h, pa] * (pb == sp)
            n += 1
        self.mechanism[i].n_links = n

    def _load_channels(self, t):
        cdef Channel* c
        self.n_channels, self.width = len(t["c_mechanism"]), t["slot_channel"].shape[1]
        self.slot_array = t["slot_channel"]
        for i in range(self.n_channels):
            c = &self.channel[<int>i]
            c.mechanism, c.direction, c.role = t["c_mechanism"][i], t["c_direction"][i], t["c_role"][i]
            c.motif, c.partner, c.electrode = t["c_motif"][i], t["c_partner"][i], t["c_electrode"][i]
            c.slot, c.width = t["c_slot"][i], t["c_width"][i]
        for code in range(self.n_codes):
            self.first[code], self.first[code + 1] = t["c_start"][code], t["c_start"][code + 1]
            for touch in range(4):
                self.owns[code][<int>touch] = t["owns"][code, touch]

    def set_fields(self, const double[::1] potential, const double[::1] kt, double bottom, double top):
        """Set potential (V), kT (eV) and the potentials of the electrodes (V)."""
        self.held[7], self.held[8] = potential, kt
        self.potential, self.kt = &potential[0], &kt[0]
        self.electrode_potential[1], self.electrode_potential[2] = bottom, top

    def hop_by_counts(self, int a, int b):
        """Price the hop from a to b for 0 to 6 counted neighbours of each.

        Shape (3, 8, 8): rate in the fields of these two sites (1/s), energy difference without
        electrostatics (eV), and addition to the barrier by crowding (eV).
        """
        cdef Event event
        cdef double energy, activation, barrier
        cdef bint floored
        cdef int i, j
        cdef uint8_t near_a = self.count[a], near_b = self.count[b]
        table = np.zeros((3, 8, 8))
        event.mechanism, event.direction, event.a, event.b = 0, 0, a, b
        for i in range(7):
            for j in range(7):
                if self.n_counts:
                    self.count[a], self.count[b] = i, j
                table[0, i, j] = self.rate(&event, &energy, &activation, &floored)
                self.price(&event, &barrier, &energy)
                table[1, i, j] = energy
                if self.mechanism[0].crowd_count >= 0:
                    table[2, i, j] = self.crowding(&self.mechanism[0], &event)
        if self.n_counts:
            self.count[a], self.count[b] = near_a, near_b
        return table

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
