"""Coulomb potential of all charges, kept up to date from one arrangement to the next (compiled).

A hop changes two charges, so that a few terms bring the sum at a site up to date instead of one for each charge.
Each term, charge times Green's function, is rounded to a whole number of units before it is added. Sums of whole
numbers are exact: what was added can be taken away without a trace, so that there is no drift to refresh, and the
potential is to the last bit that of a new sum, whatever came before. Rounding takes at most half a unit
of each charged site; the unit is the finest whose sums cannot run over, 2^-50 of a charge times G at 47 layers.
"""

cimport cython

import numpy as np

from libc.math cimport llrint
from libc.stdint cimport int64_t

from ._bond_network cimport BondNetwork

MOST_CHARGE = 16.0     # e on one site: a species has at most 8, and so have the corners of 8 ions
cdef long KEEP = 16    # arrangements for which a sum may stay unread before it is dropped


@cython.final
cdef class SpaceCharge:
    """Charges of an arrangement, and the potential of all of them.

    Parameters
    ----------
    network : BondNetwork
        Whose isolated vacancies are charged.
    charge : float
        Charge number of an isolated vacancy.
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
    sum of q G, in units            ``sum_at`` of the sites ``kept``
    one unit (V)                    ``volts``; 1 / (its charge times G) ``fixed``
    ==============================  ===============================================
    """

    def __init__(self, BondNetwork network, double charge, double coulomb, LatticeGreen green=None,
                 permittivity=None):
        self.network, self.green = network, network.green if green is None else green
        self.charge, self.coulomb = charge, coulomb
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
        """Take over the charges of an arrangement: isolated vacancies by the rule, clustered ones none, and ions."""
        cdef int i, k
        self.arrangement += 1
        self.n_coming = 0
        for i in range(self.network.n_isolated):
            self._charge_site(self.network.isolated[i], self.charge)
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
        cdef double old = self.charge_at[site], green
        self.charge_at[site] = charge
        for i in range(self.n_kept):
            host = self.kept[i]
            green = self.green.value(host, site)
            self.sum_at[host] += self._term(charge, green) - self._term(old, green)
        self.terms += self.n_kept

    cdef inline int64_t _term(self, double charge, double green) noexcept nogil:
        """What a charge adds through an entry of the Green's function, in whole units."""
        return llrint(charge * self.fixed * green)

    cdef double potential(self, int host) noexcept nogil:
        """Coulomb potential of all present charges at a host site, V (own charge included)."""
        cdef int i
        cdef int64_t total = 0
        if self.used_in[host] < 0:
            for i in range(self.n_charged):
                total += self._term(self.charge_at[self.charged[i]], self.green.value(host, self.charged[i]))
            self.terms += self.n_charged
            self.sum_at[host] = total
            self.kept[self.n_kept] = host
            self.n_kept += 1
        self.used_in[host] = self.arrangement
        return self.volts * self.sum_at[host]
