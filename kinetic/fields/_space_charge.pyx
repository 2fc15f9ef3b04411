"""Coulomb potential of all charges, kept up to date from one arrangement to the next (compiled).

A hop changes two charges, so that a few terms bring the sum at a site up to date instead of one for each charge.
Each term, charge times an entry of the Green's table, is rounded to a whole number of units before it is added. Sums
of whole numbers are exact: what was added can be taken away without a trace, so that there is no drift to refresh, and
the potential is to the last bit that of a new sum, whatever came before, and however it is made: many charges are
summed at all sites at once (`charge_sums`). Rounding takes at most half a unit of each charged site and image; the
unit is the finest whose sums cannot run over, 2^-50 of a charge times G at 47 layers.
"""

cimport cython

import numpy as np

from libc.math cimport llrint
from libc.stdint cimport int64_t

from ._bond_network cimport BondNetwork

from .charge_sums import lateral_sums

MOST_CHARGE = 16.0     # e on one site: a species has at most 8, and so have the corners of 8 ions
cdef long KEEP = 16    # arrangements for which a sum may stay unread before it is dropped
# Terms that take as long as sums at all sites at once do, for each entry of the table and to begin with
cdef long BY_ENTRY = 16, AT_ONCE = 200_000


@cython.final
cdef class SpaceCharge:
    """Charges of an arrangement, and the potential of all of them.

    Parameters
    ----------
    network : BondNetwork
        Whose isolated defects are charged.
    charge : float or (2,) floats
        Charge number of an isolated defect, of each kind where there are two.
    coulomb : float
        e / (eps a), V: potential scale of one elementary charge on the lattice.
    green : LatticeGreen, optional
        Of the permittivity; where layers differ in it as they do in conduction, and by default, that of the network.
    permittivity : (nz,) float64, optional
        Of each plane over eps; 1 by default.

    Notes
    -----
    ==============================  ===============================================
    symbol                          attribute
    ==============================  ===============================================
    eps / eps(z) - 1                ``excess``: of the self energy in the bulk there
    q at a host site (e)            ``charge_at``
    sum of q G, in units            ``sum_at`` of the sites ``kept``, of the first ``n_summed`` charges at any other
    one unit (V)                    ``volts``; 1 / (its charge times G) ``fixed``
    ==============================  ===============================================
    """

    def __init__(self, BondNetwork network, charge, double coulomb, LatticeGreen green=None,
                 permittivity=None):
        self.network, self.green = network, network.green if green is None else green
        self.charge[0], self.charge[1] = np.broadcast_to(charge, 2)
        self.coulomb = coulomb
        n, least = network.green.n_hosts, 1.0
        self.excess = np.zeros(network.green.nz)
        if permittivity is not None:
            self.excess = 1.0 / np.array(permittivity, np.float64) - 1.0
            least = np.min(permittivity)
        self.charged, self.coming, self.kept = np.zeros((3, n), np.intc)
        self.charge_at, self.charge_coming = np.zeros((2, n))
        self.coming_in, self.used_in = np.full((2, n), -1, np.int64)
        self.sum_at = np.zeros(n, np.int64)
        # The sum of G over all sites is the potential of a source everywhere between two electrodes, at most
        # (layers + 1)^2 / 8 over the least permittivity, and all terms of one sign bound those of both.
        most = MOST_CHARGE * (network.green.nz + 1) ** 2 / 8.0 / least
        self.fixed = 2.0 ** np.floor(62.0 - np.log2(most))
        self.volts = self.coulomb / self.fixed

    def potential_at(self, const int[::1] sites):
        """Coulomb potential (V) of all charges at some host sites, after `write_energies`."""
        cdef int s
        potential = np.zeros(sites.shape[0])
        cdef double[::1] view = potential
        for s in range(sites.shape[0]):
            view[s] = self.potential(sites[s])
        return potential

    def charges(self):
        """Charge (e) on every host site, after `write_energies`."""
        return np.array(self.charge_at)

    # ---------------------------------------------------------------- charges

    cdef void take(self, const int[::1] ions, const signed char[::1] codes,
                   const double[::1] code_charge) noexcept nogil:
        """Take over the charges of an arrangement: isolated defects by the rule, clustered ones none, and ions."""
        cdef int i, k, site
        self.arrangement += 1
        self.n_coming = 0
        for i in range(self.network.n_isolated):
            site = self.network.isolated[i]
            self._charge_site(site, self.charge[self.network.defect_kind[site]])
        for i in range(ions.shape[0]):
            if ions[i] < self.green.n_hosts:
                self._charge_site(ions[i], code_charge[codes[i]])
                continue
            for k in range(8):
                # An interstitial ion stands in the middle of a cube: an eighth on each corner.
                self._charge_site(self.green.corner(ions[i], k), code_charge[codes[i]] / 8.0)
        # Where most charges are others, new sums when they are read are less work.
        self._forget_sums(self.arrangement if 2 * self._changed(False) > self.n_coming else self.arrangement - KEEP)
        self._changed(True)
        for i in range(self.n_coming):
            self.charged[i] = self.coming[i]
        self.n_charged = self.n_coming

    cdef inline void _charge_site(self, int site, double charge) noexcept nogil:
        if self.coming_in[site] != self.arrangement:
            self.coming_in[site] = self.arrangement
            self.charge_coming[site] = 0.0
            self.coming[self.n_coming] = site
            self.n_coming += 1
        self.charge_coming[site] += charge

    cdef int _changed(self, bint write) noexcept nogil:
        """Count the sites whose charge changes; make the change, in all sums that are kept, if asked to."""
        cdef int i, site, changes = 0
        for i in range(self.n_coming):
            site = self.coming[i]
            if self.charge_at[site] != self.charge_coming[site]:
                changes += 1
                if write:
                    self._replace(site, self.charge_coming[site])
        for i in range(self.n_charged):
            site = self.charged[i]
            if self.coming_in[site] != self.arrangement:
                changes += 1
                if write:
                    self._replace(site, 0.0)
        return changes

    # ---------------------------------------------------------------- sums

    cdef int prepare(self, long events) except -1:
        """Sum all charges at all sites where no sums are kept and this is less work than sums for some events."""
        cdef long least = (AT_ONCE + BY_ENTRY * self.green.table.size) // max(events, 1) + 1
        if self.n_kept == 0 and self.n_charged >= least:
            self.sum_all(least)
        return 0

    def sum_all(self, long least):
        """Sum the charges of which there are at least ``least`` alike, at all sites at once, after `write_energies`."""
        cdef int i, n = 0
        cdef double charge
        nx, ny, nz = self.green.nx, self.green.ny, self.green.nz
        table, place = np.asarray(self.green.table), np.asarray(self.green.part) // self.green.table[0].size
        self._forget_sums(self.arrangement + 1)
        sums, charges = np.zeros((nz, nx, ny), np.int64), np.asarray(self.charge_at)
        values, counts = np.unique(charges[np.asarray(self.charged)[:self.n_charged]], return_counts=True)
        for charge in values[counts >= least]:
            # Images in reflecting sides are sources as well.
            count = (charges == charge).astype(np.float64).reshape(nx, ny, nz).transpose(2, 0, 1)
            if self.green.images:
                count = np.concatenate([count, count[:, ::-1]], axis=1)
                count = np.concatenate([count, count[:, :, ::-1]], axis=2)
            sums += lateral_sums(self._terms(charge, table), place, count)[:, :nx, :ny]
            # Those of this charge come first.
            for i in range(n, self.n_charged):
                if self.charge_at[self.charged[i]] == charge:
                    self.charged[i], self.charged[n] = self.charged[n], self.charged[i]
                    n += 1
        np.asarray(self.sum_at)[:] = sums.transpose(1, 2, 0).ravel()
        self.n_summed, self.summed_in = n, self.arrangement

    def _terms(self, double charge, const double[:, :, ::1] table):
        """What a charge adds through every entry of the Green's table, in whole units."""
        cdef long i
        terms = np.empty((table.shape[0], table.shape[1], table.shape[2]), np.int64)
        cdef int64_t[::1] flat = terms.reshape(-1)
        for i in range(flat.shape[0]):
            flat[i] = self._rounded(charge, (&table[0, 0, 0])[i])
        return terms

    cdef void _forget_sums(self, long before) noexcept nogil:
        """Drop the sums that were last read before an arrangement."""
        cdef int i, site, n = 0
        for i in range(self.n_kept):
            site = self.kept[i]
            if self.used_in[site] < before:
                self.used_in[site] = -1
            else:
                self.kept[n] = site
                n += 1
        self.n_kept = n

    cdef void _replace(self, int site, double charge) noexcept nogil:
        """Let a site hold another charge, in all sums that are kept."""
        cdef int i, host
        cdef double old = self.charge_at[site]
        self.charge_at[site] = charge
        for i in range(self.n_kept):
            host = self.kept[i]
            self.sum_at[host] += self._term(charge, host, site) - self._term(old, host, site)
        self.terms += self.n_kept

    cdef inline int64_t _term(self, double charge, int host, int site) noexcept nogil:
        """What a charge at a site adds at a host site, with its images in reflecting sides, in whole units."""
        cdef double[4] entry
        cdef int k
        cdef int64_t total = 0
        for k in range(self.green.entries(host, site, entry)):
            total += self._rounded(charge, entry[k])
        return total

    cdef inline int64_t _rounded(self, double charge, double entry) noexcept nogil:
        return llrint(charge * self.fixed * entry)

    cdef double potential(self, int host) noexcept nogil:
        """Coulomb potential of all present charges at a host site, V (own charge included)."""
        cdef int i, first = 0
        cdef int64_t total = 0
        if self.used_in[host] < 0:
            if self.summed_in == self.arrangement:
                total, first = self.sum_at[host], self.n_summed
            for i in range(first, self.n_charged):
                total += self._term(self.charge_at[self.charged[i]], host, self.charged[i])
            self.terms += self.n_charged - first
            self.sum_at[host] = total
            self.kept[self.n_kept] = host
            self.n_kept += 1
        self.used_in[host] = self.arrangement
        return self.volts * self.sum_at[host]
