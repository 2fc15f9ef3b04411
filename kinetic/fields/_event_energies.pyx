"""The energy of every candidate event in one arrangement, the same seen from both ends (compiled).

For every candidate this writes the energy at 0 V, and what a device voltage V adds:

    dE(V)    = energy0 + bias(V)          energy difference, eV
    drop(V)  = drop0 + lever bias(V)      forward electrostatic gain per unit charge, V
    T(V)     = T_ambient + rise(V)        temperature read by the event, K

In a linear network bias grows with V and rise with V^2, at *any* voltage. Where bonds obey laws of their own bias
and rise / V are straight within a cell of voltage, with the values that the network has at its two ends. The ends
are fixed beforehand, so that the line, too, is the same seen from both ends of an event.

Energy first: energy0 is the difference of one function of the arrangement (interactions, Coulomb energy of
all charges with their images in both electrodes, charge transitions of neighbours). bias is the work in the
network *without the moving atom*: classified and wired as if it were absent, so that both ends see the same
environment and the energy is antisymmetric by construction.
"""

import numpy as np

from libc.math cimport fabs, NAN
from scipy.linalg.cython_blas cimport ddot

from ._event_rates cimport EventRates
from ._space_charge cimport SpaceCharge

cdef enum:
    # Charges that one event changes: 1 vacancy that leaves and its 18 neighbours, 1 that arrives and its 18, and
    # 8 corners of an ion on each of two sites make 54; the loops below write without a bound.
    MOST_CHANGES = 64

cdef double WATSON = 0.252731009858663  # G(0) of the infinite simple cubic lattice: self energy in the bulk
cdef double ION_SELF = 0.090009586862  # the same for a charge spread over the eight corners of a cube


cdef class FilamentFields(SpaceCharge):
    """Fields that also give the energies of events; made with the arguments of :class:`SpaceCharge`."""

    cdef double bound_share
    cdef int n_moving
    cdef long removed                     # number of the solution whose moving atoms were taken away
    # charges that one event changes
    cdef int delta_count
    cdef int[MOST_CHANGES] delta_site
    cdef double[MOST_CHANGES] delta_value

    def __init__(self, *args, double bound_share=1.0, **laws):
        SpaceCharge.__init__(self, *args, **laws)
        self.bound_share = bound_share
        self.removed = -1

    def write_energies(self, EventRates out, signed char conducting, const double[::1] code_charge,
                       const int[::1] ions, const signed char[::1] ion_codes):
        """Write energies, drops and heats of every candidate in ``out`` (see the module's head).

        Parameters
        ----------
        out : EventRates
            Holds the catalogue and the tables of the mechanisms.
        conducting : int
            Code of the species that conducts and follows the charge rule (the vacancy).
        code_charge : (n_codes,) float64
            Charge number of each species.
        ions, ion_codes : (n,) int32, int8
            Sites and species of all other charges: on interstitial sites, and vacancies that hold electrons.

        Notes
        -----
        Where bonds obey laws what the voltage adds is NaN: it is written at the ends of cells, by `write_end`.
        """
        cdef bint linear = not self.has_laws()
        self._take_away(out, conducting, linear)
        with nogil:
            self._take_charges(ions, ion_codes, code_charge)
            self._write(out, conducting, code_charge, linear)

    def write_end(self, EventRates of, signed char conducting, double voltage):
        """Solve the network at an end of a cell of voltage (V, other than 0), after `solve`.

        Returns
        -------
        events : (2, n) float64
            Work of the bias (eV) in each of the n candidates, and temperature rise (K) that each reads.
        nodes : (m,) float64
            Temperature rise (K) of the nodes.

        Raises
        ------
        ArithmeticError
            A potential does not settle.
        """
        cdef int c, info
        if self.removed != self.solution:
            self._take_away(of, conducting, False)
        self.prepare(self.n_moving)
        self.operate(voltage)
        events = np.empty((3, of.n))
        cdef double[:, ::1] view = events
        with nogil:
            self._read_points()
            info = self._moving_pass(self.n_moving)
            for c in range(of.n):
                view[0, c] = self._work(of, c, conducting)
                view[1, c] = self._heat_read(of, c)
                view[2, c] = self._work_beyond(of, c, conducting)
        if info:
            raise ArithmeticError(f"a network without one of its vacancies does not settle at {voltage:g} V")
        return events, np.array(self.theta[:self.m])

    def _take_away(self, EventRates of, signed char conducting, bint read):
        """Solve the network without each vacancy that some candidate takes away, the costly part."""
        self.make_room()
        with nogil:
            self.clear_wanted()
            self._want_candidates(of, conducting)
            self.n_moving = self._list_moving(of, conducting)
        self.remove_each(self.n_moving, read)
        self.removed = self.solution

    # ---------------------------------------------------------------- who moves

    cdef void _want_candidates(self, EventRates out, signed char conducting) noexcept nogil:
        cdef int c, leaving
        cdef bint moved
        for c in range(out.n):
            leaving = self._leaves(out, c, conducting)
            moved = leaving >= 0 and self.node_at[leaving] >= 0
            self.want(out.site_a[c], moved)
            if out.site_b[c] >= 0:
                self.want(out.site_b[c], moved)
            elif self._above(out, c) >= 0:
                self.want(self._above(out, c), moved)

    cdef inline int _leaves(self, EventRates out, int c, signed char conducting) noexcept nogil:
        """Host site of the vacancy that the event takes away, or -1."""
        cdef int mech = out.mechanism[c], reverse = out.direction[c]
        if (out.code_after_a[mech] if reverse else out.code_before_a[mech]) == conducting:
            return out.site_a[c]
        if out.site_b[c] >= 0 and (out.code_after_b[mech] if reverse else out.code_before_b[mech]) == conducting:
            return out.site_b[c]
        return -1

    cdef inline int _arrives(self, EventRates out, int c, signed char conducting) noexcept nogil:
        """Host site of the vacancy that the event leaves behind, or -1."""
        cdef int mech = out.mechanism[c], reverse = out.direction[c]
        if (out.code_before_a[mech] if reverse else out.code_after_a[mech]) == conducting:
            return out.site_a[c]
        if out.site_b[c] >= 0 and (out.code_before_b[mech] if reverse else out.code_after_b[mech]) == conducting:
            return out.site_b[c]
        return -1

    cdef int _list_moving(self, EventRates out, signed char conducting) noexcept nogil:
        """Number the conducting defects that some candidate takes away."""
        cdef int c, site, n = 0, i
        # Many candidates take the same vacancy: it is removed once.
        for i in range(self.m):
            self.moving_number[self.node[i]] = -1
        for c in range(out.n):
            site = self._leaves(out, c, conducting)
            if site >= 0 and self.node_at[site] >= 0 and self.moving_number[site] < 0:
                self.moving_number[site] = n
                self.moving[n] = site
                n += 1
        return n

    # ---------------------------------------------------------------- charges

    cdef int _charge_changes(self, int leaving, int arriving) noexcept nogil:
        """Charges that an event changes by the rule (site, change) in ``delta``; returns their number."""
        cdef int n = 0, k, other, neighbours
        if leaving >= 0:
            # The vacancy itself, if it was isolated and so charged.
            if self.node_at[leaving] < 0:
                n = self._add_delta(n, leaving, -self.charge, -1)
            # Its neighbours that have no other one become isolated and charged, unless it arrives beside them.
            for k in range(18 if self.n_close[leaving] else 0):
                other = self.shifted(leaving, k)
                if other < 0 or not self.vacant[other] or self.in_contact(other) or self.n_close[other] != 1:
                    continue
                if arriving < 0 or not self.is_close(other, arriving):
                    n = self._add_delta(n, other, self.charge, 1)
        if arriving >= 0:
            # Where it arrives it is charged if no other vacancy is near, its old self not counted.
            neighbours = self.n_close[arriving]
            if leaving >= 0 and self.is_close(leaving, arriving):
                neighbours -= 1
            if neighbours == 0 and not self.in_contact(arriving):
                n = self._add_delta(n, arriving, self.charge, 1)
            # Isolated ones beside its new place are clustered now and discharge.
            for k in range(18 if neighbours else 0):
                other = self.shifted(arriving, k)
                if other >= 0 and other != leaving and self.vacant[other] and self.n_close[other] == 0 \
                        and not self.in_contact(other):
                    n = self._add_delta(n, other, -self.charge, -1)
        return n

    cdef inline int _add_delta(self, int n, int site, double value, int count) noexcept nogil:
        self.delta_site[n] = site
        self.delta_value[n] = value
        self.delta_count += count
        return n + 1

    cdef int _add_ion(self, int n, int site, double value) noexcept nogil:
        """A charge that appears on an interstitial site, spread over its corners."""
        cdef int k
        if value != 0.0:
            for k in range(8):
                self.delta_site[n] = self.corner(site, k)
                self.delta_value[n] = value / 8.0
                n += 1
        return n

    cdef double _charge_energy(self, int n, double self_charge) noexcept nogil:
        """Coulomb energy of the changes ``delta`` (eV), bulk self energies excluded."""
        cdef int k, l
        cdef double energy = 0.0
        for k in range(n):
            # Each change in the potential of all charges before, every pair of changes, and half of each with itself.
            energy += self.delta_value[k] * self._coulomb(self.delta_site[k])
            for l in range(k):
                energy += self.coulomb * self.delta_value[k] * self.delta_value[l] * self.g(
                    self.delta_site[k], self.delta_site[l])
            energy += 0.5 * self.coulomb * self.delta_value[k] ** 2 * self.g(self.delta_site[k], self.delta_site[k])
        return energy - 0.5 * self.coulomb * self_charge

    cdef double _coulomb_changed(self, int site, int n) noexcept nogil:
        """Coulomb potential at ``site`` with the first ``n`` changes made, V."""
        cdef int k, l
        cdef double total = 0.0
        if site >= self.n_hosts:
            for k in range(8):
                total += self._coulomb_changed(self.corner(site, k), n)
            return total / 8.0
        total = self._coulomb(site)
        for l in range(n):
            total += self.coulomb * self.delta_value[l] * self.g(site, self.delta_site[l])
        return total

    cdef double _ion_self(self, int mech, int reverse, bint second, EventRates out,
                          const double[::1] code_charge) noexcept nogil:
        """Change of the bulk self energy of ions on one interstitial site, in charge^2 x G."""
        cdef int before = out.code_before_b[mech] if second else out.code_before_a[mech]
        cdef int after = out.code_after_b[mech] if second else out.code_after_a[mech]
        cdef double change = code_charge[after] * code_charge[after] - code_charge[before] * code_charge[before]
        return (-change if reverse else change) * ION_SELF

    cdef double _held(self, int mech, int reverse, bint second, EventRates out, signed char conducting,
                      const double[::1] code_charge, double* squares) noexcept nogil:
        """Change of the charge that a host site holds apart from the rule; of its square in ``squares``."""
        cdef int before = out.code_before_b[mech] if second else out.code_before_a[mech]
        cdef int after = out.code_after_b[mech] if second else out.code_after_a[mech]
        cdef double old = 0.0 if before == conducting else code_charge[before]
        cdef double new = 0.0 if after == conducting else code_charge[after]
        cdef double sign = -1.0 if reverse else 1.0
        squares[0] += sign * (new * new - old * old)
        return sign * (new - old)

    # ---------------------------------------------------------------- write

    cdef void _write(self, EventRates out, signed char conducting, const double[::1] code_charge,
                     bint linear) noexcept nogil:
        cdef int c, mech, reverse, a, b, leaving, arriving
        cdef double qa, qb, sign
        out.rated_at = NAN
        for c in range(out.n):
            mech, reverse = out.mechanism[c], out.direction[c]
            a, b = out.site_a[c], out.site_b[c]
            sign = -1.0 if reverse else 1.0
            leaving, arriving = self._leaves(out, c, conducting), self._arrives(out, c, conducting)
            qa = sign * out.charge_a[mech]
            qb = sign * out.charge_b[mech] if b >= 0 else 0.0
            out.bias[1, c] = self._work(out, c, conducting) if linear else NAN
            out.beyond[1, c] = self._work_beyond(out, c, conducting) if linear else NAN
            # At 0 V the difference of one energy function, so that all ways round a cycle sum to nothing.
            out.energy0[c] = out.chemical[c] + self._charging(out, c, mech, reverse, a, b, qa, qb, leaving, arriving,
                                                              conducting, code_charge)
            out.drop0[c] = 0.0
            out.lever[c] = 0.0
            if out.dipole[mech] > 0.0:
                self._write_drop(out, c, mech, sign, a, b, leaving, arriving)
            out.rise[1, c] = self._heat_read(out, c) if linear else NAN

    cdef double _work(self, EventRates out, int c, signed char conducting) noexcept nogil:
        """Work of the bias (eV) in one event; a conducting defect that leaves is not in the network it is taken in."""
        cdef int mech = out.mechanism[c], a = out.site_a[c], b = out.site_b[c]
        cdef int leaving = self._leaves(out, c, conducting), moving = self._mover(leaving)
        cdef double sign = -1.0 if out.direction[c] else 1.0, bias
        # Charge times potential at both sites, the top electrode's for what comes from there.
        bias = sign * out.charge_a[mech] * self._potential_without(a, moving)
        if b >= 0:
            bias += sign * out.charge_b[mech] * self._potential_without(b, moving)
        if out.electrode[mech] == 2:
            bias -= self.top * (sign * out.charge_a[mech])
        if self.bound_share != 1.0 and self._in_company(leaving, self._arrives(out, c, conducting)):
            bias *= self.bound_share
        return bias

    cdef inline int _mover(self, int leaving) noexcept nogil:
        """Number of the atom at a site among those that are taken out of the network; -1 if it is not in it."""
        return self.moving_number[leaving] if leaving >= 0 and self.node_at[leaving] >= 0 else -1

    cdef inline int _above(self, EventRates out, int c) noexcept nogil:
        """Site above that of an exchange with a top electrode that it does not touch, or -1."""
        cdef int a = out.site_a[c]
        if out.dipole[out.mechanism[c]] == 0.0 or out.electrode[out.mechanism[c]] != 2 or a >= self.n_hosts:
            return -1
        return a + 1 if self.sz[a] < self.nz - 1 else -1

    cdef double _work_beyond(self, EventRates out, int c, signed char conducting) noexcept nogil:
        """The part of an exchange's work of the bias (eV) that is done above the bond that breaks."""
        cdef int above = self._above(out, c)
        if above < 0:
            return 0.0
        return (-1.0 if out.direction[c] else 1.0) * out.charge_a[out.mechanism[c]] * (
            self._potential_without(above, self._mover(self._leaves(out, c, conducting))) - self.top)

    cdef inline bint _in_company(self, int leaving, int arriving) noexcept nogil:
        """Whether a defect hops between two places in company, or at an electrode; told without it, from both ends."""
        if leaving < 0 or arriving < 0 or self.node_at[leaving] < 0:
            return False
        return self.in_contact(arriving) or self.n_close[arriving] > self.is_close(leaving, arriving)

    cdef double _charging(self, EventRates out, int c, int mech, int reverse, int a, int b, double qa, double qb,
                          int leaving, int arriving, signed char conducting,
                          const double[::1] code_charge) noexcept nogil:
        """Coulomb energy and charge transitions of one event, eV."""
        cdef int n
        cdef double self_charge, held, squares = 0.0
        self.delta_count = 0
        # Charges by the rule: their self energy in the bulk is part of the charge transition, so it is taken out.
        n = self._charge_changes(leaving, arriving)
        self_charge = self.delta_count * self.charge * self.charge * WATSON
        # Charges on the two sites themselves: ions on interstitial ones, electrons on host ones.
        if a >= self.n_hosts:
            n = self._add_ion(n, a, qa)
            self_charge += self._ion_self(mech, reverse, False, out, code_charge)
        else:
            held = self._held(mech, reverse, False, out, conducting, code_charge, &squares)
            if held != 0.0:
                n = self._add_delta(n, a, held, 0)
        if b >= self.n_hosts:
            n = self._add_ion(n, b, qb)
            self_charge += self._ion_self(mech, reverse, True, out, code_charge)
        elif b >= 0:
            held = self._held(mech, reverse, True, out, conducting, code_charge, &squares)
            if held != 0.0:
                n = self._add_delta(n, b, held, 0)
        if squares != 0.0:
            self_charge += squares * WATSON
        if n == 0:
            return 0.0
        return self.delta_count * self.charge_transition + self._charge_energy(n, self_charge)

    cdef double _heat_read(self, EventRates out, int c) noexcept nogil:
        """Temperature rise that the event reads: T_i + beta (T_j - T_i), beta = (1 - Q*/E_m)/2."""
        cdef double beta = 0.5, low = self.heat_at(out.site_a[c])
        if out.site_b[c] < 0:
            return low
        if out.barrier[c] > 0.0:
            beta = 0.5 * (1.0 - out.transport[out.mechanism[c]] / out.barrier[c])
        if out.direction[c]:
            beta = 1.0 - beta
        return low + beta * (self.heat_at(out.site_b[c]) - low)

    cdef void _write_drop(self, EventRates out, int c, int mech, double sign, int a, int b, int leaving,
                          int arriving) noexcept nogil:
        """Forward gain per unit charge over the bond, in the surroundings without the vacancy and ion of the event."""
        cdef double unit = fabs(out.charge_a[mech]), coulomb
        cdef int n = 0
        if unit == 0.0:
            return
        # A vacancy that ends here, the way back of a pair's birth: both ways must read the same surroundings,
        # those without it and its ion.
        if leaving >= 0 and arriving < 0:
            self.delta_count = 0
            n = self._charge_changes(leaving, -1)
            if b >= self.n_hosts:
                n = self._add_ion(n, b, sign * out.charge_b[mech])
        coulomb = out.charge_a[mech] * self._coulomb_changed(a, n)
        if b >= 0:
            coulomb += out.charge_b[mech] * self._coulomb_changed(b, n)
        # Of a site below the face, the bond to the site above it.
        if self._above(out, c) >= 0:
            coulomb -= out.charge_a[mech] * self._coulomb_changed(self._above(out, c), n)
        out.drop0[c] = -coulomb / unit
        out.lever[c] = -sign / unit

    cdef inline double _host_without(self, int host, int c) noexcept nogil:
        """Potential at 1 V on a host site without moving atom ``c`` (-1: nobody leaves)."""
        cdef int m = self.m, one = 1, i
        if c < 0 or m == 0:
            return self.point_phi[host]
        i = self.node_at[host]
        if i >= 0:
            return self.phi[i] + self.shift[c, i]
        return self.top * self.unit[self.sz[host]] + ddot(
            &m, &self.rows[self.row_of[host], 0], &one, &self.drawn[c, 0], &one)

    cdef double _potential_without(self, int site, int c) noexcept nogil:
        cdef int k
        cdef double total = 0.0
        if site < self.n_hosts:
            return self._host_without(site, c)
        for k in range(8):
            total += self._host_without(self.corner(site, k), c)
        return total / 8.0
