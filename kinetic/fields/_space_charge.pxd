cimport cython

from libc.stdint cimport int64_t

from ._bond_network cimport BondNetwork
from ._lattice_green cimport LatticeGreen


@cython.final
cdef class SpaceCharge:
    cdef BondNetwork network
    cdef LatticeGreen green
    cdef readonly double coulomb          # e / (eps a), V
    cdef double[2] charge                 # of an isolated defect, by its kind (e)
    cdef double[::1] excess               # by plane: what the self energy in its bulk has beyond that at eps, relative
    # charge (e) on each host site, the sites that hold some, and the same of the arrangement that comes
    cdef int n_charged, n_coming
    cdef int[::1] charged, coming
    cdef double[::1] charge_at, charge_coming
    cdef long[::1] coming_in              # number of the last arrangement in which a site was charged
    # sums over all charges that are kept from one arrangement to the next
    cdef double fixed, volts              # units in one charge times G; V in one unit
    cdef readonly long arrangement        # counts the arrangements
    cdef int n_kept
    cdef int[::1] kept
    cdef long[::1] used_in                # number of the arrangement in which a sum was last read, -1: none is kept
    cdef int64_t[::1] sum_at
    cdef readonly long terms              # products of a charge and G that were added one by one so far
    cdef int n_summed                     # charges in the sums at all sites of the arrangement ``summed_in``
    cdef long summed_in

    cdef void take(self, const int[::1] ions, const signed char[::1] codes,
                   const double[::1] code_charge) noexcept nogil
    cdef void _charge_site(self, int site, double charge) noexcept nogil
    cdef int _changed(self, bint write) noexcept nogil
    cdef void _forget_sums(self, long before) noexcept nogil
    cdef void _replace(self, int site, double charge) noexcept nogil
    cdef int64_t _term(self, double charge, int host, int site) noexcept nogil
    cdef int64_t _rounded(self, double charge, double entry) noexcept nogil
    cdef int prepare(self, long events) except -1
    cdef double potential(self, int host) noexcept nogil
