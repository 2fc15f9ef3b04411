"""The energy of every candidate event in one arrangement, the same seen from both ends (compiled).

For every candidate this writes the energy at 0 V, and what a device voltage V adds:

    dE(V)    = energy0 + bias(V)          energy difference, eV
    drop(V)  = drop0 + lever bias(V)      forward electrostatic gain per unit charge, V
    T(V)     = T_ambient + rise(V)        temperature read by the event, K

In a linear network bias grows with V and rise with V^2, at *any* voltage. Where bonds obey laws of their own bias
and rise / V are straight within a voltage interval, with the values that the network has at its two ends. The ends
are fixed beforehand, so that the line, too, is the same seen from both ends of an event.

Energy first: energy0 is the difference of one function of the arrangement (interactions, Coulomb energy of
all charges with their images in both electrodes, charge transitions of neighbours). bias is the work in the
network *without the moving atom*: classified and wired as if it were absent, so that both ends see the same
environment and the energy is antisymmetric by construction.
"""

cimport cython

import numpy as np

from libc.math cimport fabs, NAN

from ._bond_laws cimport BondLaws
from ._bond_network cimport BondNetwork
from ._event_rates cimport BEYOND, Candidates, DROP, ENERGY, EventRates, LEVER, RISE, ROWS, WORK
from ._lattice_green cimport LatticeGreen
from ._leave_one_out cimport LeaveOneOut, PotentialsWithout
from ._network_solver cimport LinearSolution, NetworkSolver
from ._operating_point cimport CurrentLaw, LawBonds, OperatingPoint
from ._readout cimport Readout
from ._space_charge cimport SpaceCharge

cdef enum:
    # Charges that one event changes: 1 vacancy that leaves and its 18 neighbours, 1 that arrives and its 18, and
    # 8 corners of an ion on each of two sites make 54; the loops below write without a bound.
    MOST_CHANGES = 64

cdef double WATSON = 0.252731009858663  # G(0) of the infinite simple cubic lattice: self energy in the bulk
cdef double ION_SELF = 0.090009586862  # the same for a charge spread over the eight corners of a cube


@cython.final
cdef class FilamentFields:
    """Fields of filaments and the energies of the events in them: the parts in their order.

    Parameters
    ----------
    solver : NetworkSolver
        Conduction and heat, on its network of bonds.
    charges : SpaceCharge
        Of the same network.
    charge_transition : float or (2,) floats
        Energy of a defect in its isolated, charged state, of each kind where there are two, eV.
    bound_share : float or (2,) floats
        Fraction of the work of the bias that is done on a defect which hops between two places where it conducts.
    laws : BondLaws, optional
        Of bonds that are not ohmic.
    refine : bool
        Refine all potentials without a hopping atom until they settle.

    Attributes
    ----------
    solution : LinearSolution or None
        Of the last arrangement that was solved.
    point : OperatingPoint or None
        That `solve_at` solved last.

    Notes
    -----
    ``solve`` gives a `LinearSolution`; ``event_rates`` gives the `EventRates` of its events; where bonds obey laws
    ``solve_at`` gives what the voltage adds at the end of a voltage interval.
    """

    cdef readonly NetworkSolver solver
    cdef readonly BondNetwork network
    cdef readonly SpaceCharge charges
    cdef readonly LeaveOneOut leave_one_out
    cdef readonly LinearSolution solution
    cdef readonly OperatingPoint point
    cdef double[2] charge_transition, bound_share  # by kind of defect
    cdef LatticeGreen green
    cdef Readout readout
    cdef BondLaws laws
    cdef LawBonds bonds                   # of the solution for which they were asked last
    # charges that one event changes
    cdef int[2] delta_count               # by kind of defect
    cdef double[2] delta_excess           # of the self energies of those that are counted, by their layers
    cdef int[MOST_CHANGES] delta_site
    cdef double[MOST_CHANGES] delta_value

    def __init__(self, NetworkSolver solver, SpaceCharge charges, *, charge_transition, bound_share,
                 BondLaws laws=None, bint refine=False):
        self.solver, self.network, self.green = solver, solver.network, solver.green
        self.charges, self.laws = charges, laws
        self.charge_transition[0], self.charge_transition[1] = np.broadcast_to(charge_transition, 2)
        self.bound_share[0], self.bound_share[1] = np.broadcast_to(bound_share, 2)
        self.readout = Readout(solver.network, solver.k_heat.green)
        self.leave_one_out = LeaveOneOut(solver, self.readout, refine)

    # ---------------------------------------------------------------- arrangements and voltages

    def solve(self, const int[::1] vacancies, bint keep=False):
        """Solve the network of an arrangement, see `NetworkSolver.solve`; its `LinearSolution`."""
        self.solution = None
        self.solution = self.solver.solve(vacancies, keep)
        return self.solution

    cdef LinearSolution present(self):
        """The present solution; raises ValueError before anything was solved."""
        if self.solution is None:
            raise ValueError("no arrangement is solved yet: call solve first")
        return self.solution

    def nodes(self):
        """Host sites that conduct in the present solution, their potential (V) and temperature rise (K) at 1 V.

        Raises
        ------
        ValueError
            Nothing was solved yet; so do all other methods that read the present solution.
        """
        return self.present().potentials.nodes()

    cdef LawBonds law_bonds(self):
        """The bonds of the present solution that obey laws."""
        cdef LinearSolution solution = self.present()
        if self.bonds is None or self.bonds.solution is not solution:
            self.bonds = LawBonds.list(solution, self.laws)
        return self.bonds

    def has_laws(self):
        """Whether the current or the work of some event of the present solution is not in proportion to the voltage."""
        if self.laws is None:
            return False
        return self.law_bonds().n > 0 or self.network.hides_laws()

    def law(self):
        """Current (A) of the present solution as a function of the voltage (V); None where it is ohmic."""
        cdef LawBonds bonds = self.law_bonds()
        return CurrentLaw.of(bonds) if bonds.n else None

    def operate(self, double voltage):
        """Solve the whole network of the present solution at a voltage (V); its `OperatingPoint`.

        Raises
        ------
        ArithmeticError
            The potential does not settle.
        """
        return OperatingPoint.at(self.law_bonds(), voltage)

    # ---------------------------------------------------------------- events

    def event_rates(self, Candidates of, signed char conducting, const double[::1] code_charge,
                    const int[::1] ions, const signed char[::1] ion_codes):
        """Energies of candidates in the present solution (see the module's head).

        Parameters
        ----------
        of : Candidates
        conducting : int
            Code of the first species that conducts and follows the charge rule (the vacancy).
        code_charge : (n_codes,) float64
            Charge number of each species.
        ions, ion_codes : (n,) int32, int8
            Sites and species of all other charges: on interstitial sites, and vacancies that hold electrons.

        Returns
        -------
        EventRates
            Where bonds obey laws what the voltage adds is NaN: `solve_at` gives it at the ends of voltage intervals.
        """
        cdef double[:, ::1] block = np.zeros((ROWS, of.n))
        cdef PotentialsWithout without = None
        cdef bint linear = not self.has_laws()
        self._take_away(of, conducting, linear)
        if linear:
            without = PotentialsWithout.hold(self.leave_one_out, self.present().potentials)
        with nogil:
            self.charges.take(ions, ion_codes, code_charge)
        self.charges.prepare(of.n)
        with nogil:
            self._write(of, conducting, code_charge, without, block)
        return EventRates.hold(of, block)

    def solve_at(self, Candidates of, signed char conducting, double voltage):
        """Solve the network of the present solution at an end of a voltage interval (V, other than 0).

        Returns
        -------
        events : (3, n) float64
            Work of the bias (eV) in each of the n candidates, temperature rise (K) that each reads, and the part of
            the work that is done beyond the bond that breaks (eV).
        nodes : (m,) float64
            Temperature rise (K) of the nodes.

        Raises
        ------
        ArithmeticError
            A potential does not settle.
        """
        cdef int c
        cdef OperatingPoint point
        cdef PotentialsWithout without
        if not self.leave_one_out.has_removed(self.present(), of):
            self._take_away(of, conducting, False)
        point = OperatingPoint.at(self.law_bonds(), voltage)
        self.leave_one_out.remove_at(point)
        without = PotentialsWithout.hold(self.leave_one_out, point.potentials)
        events = np.empty((3, of.n))
        cdef double[:, ::1] view = events
        with nogil:
            for c in range(of.n):
                view[0, c] = self._work(of, c, conducting, without)
                view[1, c] = self._heat_read(of, c)
                view[2, c] = self._work_beyond(of, c, conducting, without)
        self.point = point
        return events, np.array(point.potentials.theta[:self.network.m])

    cdef int _take_away(self, Candidates of, signed char conducting, bint read) except -1:
        """Solve the network without each vacancy that some candidate takes away, the costly part."""
        cdef int c, leaving, above
        cdef bint hops
        self.leave_one_out.local.clear()
        with nogil:
            self.readout.clear()
            for c in range(of.n):
                leaving = of.leaves(c, conducting)
                hops = leaving >= 0 and self.network.node_at[leaving] >= 0
                self.readout.want(of.site_a[c], hops)
                above = self._above(of, c)
                if of.site_b[c] >= 0:
                    self.readout.want(of.site_b[c], hops)
                elif above >= 0:
                    self.readout.want(above, hops)
                self.leave_one_out.local.add(leaving)
        return self.leave_one_out.remove(self.present(), of, read)

    # ---------------------------------------------------------------- one event

    cdef void _write(self, Candidates of, signed char conducting, const double[::1] code_charge,
                     PotentialsWithout without, double[:, ::1] out) noexcept nogil:
        """Energies of all candidates into a block; what the voltage adds is NaN without potentials at 1 V."""
        cdef int c, mech, reverse, a, b, leaving, arriving
        cdef double qa, qb, sign
        for c in range(of.n):
            mech, reverse = of.mechanism[c], of.direction[c]
            a, b = of.site_a[c], of.site_b[c]
            sign = -1.0 if reverse else 1.0
            leaving, arriving = of.leaves(c, conducting), of.arrives(c, conducting)
            qa = sign * of.tables.charge_a[mech]
            qb = sign * of.tables.charge_b[mech] if b >= 0 else 0.0
            if without is None:
                out[WORK, c] = out[BEYOND, c] = out[RISE, c] = NAN
            else:
                out[WORK, c] = self._work(of, c, conducting, without)
                out[BEYOND, c] = self._work_beyond(of, c, conducting, without)
                out[RISE, c] = self._heat_read(of, c)
            # At 0 V the difference of one energy function, so that all ways round a cycle sum to nothing.
            out[ENERGY, c] = of.chemical[c] + self._charging(of, c, mech, reverse, a, b, qa, qb, leaving, arriving,
                                                             conducting, code_charge)
            if of.tables.dipole[mech] > 0.0:
                self._write_drop(of, c, mech, sign, a, b, leaving, arriving, out)

    cdef double _work(self, Candidates of, int c, signed char conducting, PotentialsWithout without) noexcept nogil:
        """Work of the bias (eV) in one event; a conducting defect that leaves is not in the network it is taken in."""
        cdef int mech = of.mechanism[c], a = of.site_a[c], b = of.site_b[c]
        cdef int leaving = of.leaves(c, conducting), hopping = self.leave_one_out.local.hopping_at(leaving)
        cdef double sign = -1.0 if of.direction[c] else 1.0, bias
        # Charge times potential at both sites, the top electrode's for what comes from there.
        bias = sign * of.tables.charge_a[mech] * without.potential(a, hopping)
        if b >= 0:
            bias += sign * of.tables.charge_b[mech] * without.potential(b, hopping)
        if of.tables.electrode[mech] == 2:
            bias -= without.all.top * (sign * of.tables.charge_a[mech])
        cdef double bound = self.bound_share[of.kind(c)]
        if bound != 1.0 and self._stays_bound(leaving, of.arrives(c, conducting)):
            bias *= bound
        return bias

    cdef inline int _above(self, Candidates of, int c) noexcept nogil:
        """Site above that of an exchange with a top electrode that it does not touch, or -1."""
        cdef int a = of.site_a[c], mech = of.mechanism[c]
        if of.tables.dipole[mech] == 0.0 or of.tables.electrode[mech] != 2 or a >= self.green.n_hosts:
            return -1
        return a + 1 if self.green.sz[a] < self.green.nz - 1 else -1

    cdef double _work_beyond(self, Candidates of, int c, signed char conducting,
                             PotentialsWithout without) noexcept nogil:
        """The part of an exchange's work of the bias (eV) that is done above the bond that breaks."""
        cdef int above = self._above(of, c)
        if above < 0:
            return 0.0
        return (-1.0 if of.direction[c] else 1.0) * of.tables.charge_a[of.mechanism[c]] * (
            without.potential(above, self.leave_one_out.local.hopping_at(of.leaves(c, conducting))) - without.all.top)

    cdef inline bint _stays_bound(self, int leaving, int arriving) noexcept nogil:
        """Whether a defect hops between two places where it conducts, judged without it, so alike from both ends."""
        if leaving < 0 or arriving < 0 or self.network.node_at[leaving] < 0:
            return False
        return (self.green.in_contact(arriving)
                or self.network.n_close[arriving] > self.green.is_close(leaving, arriving))

    cdef double _heat_read(self, Candidates of, int c) noexcept nogil:
        """Temperature rise that the event reads."""
        cdef double low = self.readout.heat_at(of.site_a[c])
        if of.site_b[c] < 0:
            return low
        return of.mixed_rise(c, low, self.readout.heat_at(of.site_b[c]))

    # ---------------------------------------------------------------- charges

    cdef int _charge_changes(self, int kind, int leaving, int arriving) noexcept nogil:
        """Charges that an event of a kind changes by the rule (site, change) in ``delta``; returns their number."""
        cdef int n = 0, k, other, neighbours
        if leaving >= 0:
            # The vacancy itself, if it was isolated and so charged.
            if self.network.node_at[leaving] < 0:
                n = self._add_delta(n, leaving, kind, -1)
            # Its neighbours that have no other one become isolated and charged, unless it arrives beside them.
            for k in range(18 if self.network.n_close[leaving] else 0):
                other = self.green.shifted(leaving, k)
                if (other < 0 or not self.network.vacant[other] or self.green.in_contact(other)
                        or self.network.n_close[other] != 1):
                    continue
                if arriving < 0 or not self.green.is_close(other, arriving):
                    n = self._add_delta(n, other, self.network.defect_kind[other], 1)
        if arriving >= 0:
            # Where it arrives it is charged if no other vacancy is near, its old self not counted.
            neighbours = self.network.n_close[arriving]
            if leaving >= 0 and self.green.is_close(leaving, arriving):
                neighbours -= 1
            if neighbours == 0 and not self.green.in_contact(arriving):
                n = self._add_delta(n, arriving, kind, 1)
            # Isolated ones beside its new place are clustered now and discharge.
            for k in range(18 if neighbours else 0):
                other = self.green.shifted(arriving, k)
                if other >= 0 and other != leaving and self.network.vacant[other] and self.network.n_close[other] == 0 \
                        and not self.green.in_contact(other):
                    n = self._add_delta(n, other, self.network.defect_kind[other], -1)
        return n

    cdef inline int _add_delta(self, int n, int site, int kind, int count) noexcept nogil:
        """A defect of a kind that becomes charged (``count`` 1) or neutral (-1)."""
        self.delta_count[kind] += count
        self.delta_excess[kind] += count * self.charges.excess[self.green.sz[site]]
        return self._add_charge(n, site, count * self.charges.charge[kind])

    cdef inline int _add_charge(self, int n, int site, double value) noexcept nogil:
        self.delta_site[n] = site
        self.delta_value[n] = value
        return n + 1

    cdef inline void _clear_deltas(self) noexcept nogil:
        cdef int kind
        for kind in range(2):
            self.delta_count[kind], self.delta_excess[kind] = 0, 0.0

    cdef inline double _self_charge(self, int kind) noexcept nogil:
        """Bulk self energy of the charges of a kind that the rule changes, in charge^2 x G."""
        cdef double charge = self.charges.charge[kind]
        return self.delta_count[kind] * charge * charge * WATSON + self.delta_excess[kind] * charge * charge * WATSON

    cdef int _add_ion(self, int n, int site, double value) noexcept nogil:
        """A charge that appears on an interstitial site, spread over its corners."""
        cdef int k
        if value != 0.0:
            for k in range(8):
                self.delta_site[n] = self.green.corner(site, k)
                self.delta_value[n] = value / 8.0
                n += 1
        return n

    cdef double _charge_energy(self, int n, double self_charge) noexcept nogil:
        """Coulomb energy of the changes ``delta`` (eV), bulk self energies excluded."""
        cdef int k, l
        cdef double energy = 0.0
        for k in range(n):
            # Each change in the potential of all charges before, every pair of changes, and half of each with itself.
            energy += self.delta_value[k] * self.charges.potential(self.delta_site[k])
            for l in range(k):
                energy += self.charges.coulomb * self.delta_value[k] * self.delta_value[l] * self.charges.green.value(
                    self.delta_site[k], self.delta_site[l])
            energy += 0.5 * self.charges.coulomb * self.delta_value[k] ** 2 * self.charges.green.value(
                self.delta_site[k], self.delta_site[k])
        return energy - 0.5 * self.charges.coulomb * self_charge

    cdef double _coulomb_changed(self, int site, int n) noexcept nogil:
        """Coulomb potential at ``site`` with the first ``n`` changes made, V."""
        cdef int k, l
        cdef double total = 0.0
        if site >= self.green.n_hosts:
            for k in range(8):
                total += self._coulomb_changed(self.green.corner(site, k), n)
            return total / 8.0
        total = self.charges.potential(site)
        for l in range(n):
            total += self.charges.coulomb * self.delta_value[l] * self.charges.green.value(site, self.delta_site[l])
        return total

    cdef double _ion_self(self, int mech, int reverse, bint second, int site, Candidates of,
                          const double[::1] code_charge) noexcept nogil:
        """Change of the bulk self energy of ions on one interstitial site, in charge^2 x G, in the layer below it."""
        cdef int before = of.tables.code_before_b[mech] if second else of.tables.code_before_a[mech]
        cdef int after = of.tables.code_after_b[mech] if second else of.tables.code_after_a[mech]
        cdef double change = code_charge[after] * code_charge[after] - code_charge[before] * code_charge[before]
        return (-change if reverse else change) * ION_SELF * (
            1.0 + self.charges.excess[self.green.sz[self.green.corner(site, 0)]])

    cdef double _held(self, int mech, int reverse, bint second, int site, Candidates of, signed char conducting,
                      const double[::1] code_charge, double* squares) noexcept nogil:
        """Change of the charge that a host site holds apart from the rule; of its square in ``squares``."""
        cdef int before = of.tables.code_before_b[mech] if second else of.tables.code_before_a[mech]
        cdef int after = of.tables.code_after_b[mech] if second else of.tables.code_after_a[mech]
        cdef double old = 0.0 if of.tables.conducts(before, conducting) else code_charge[before]
        cdef double new = 0.0 if of.tables.conducts(after, conducting) else code_charge[after]
        cdef double sign = -1.0 if reverse else 1.0
        squares[0] += sign * (new * new - old * old) * (1.0 + self.charges.excess[self.green.sz[site]])
        return sign * (new - old)

    cdef double _charging(self, Candidates of, int c, int mech, int reverse, int a, int b, double qa, double qb,
                          int leaving, int arriving, signed char conducting,
                          const double[::1] code_charge) noexcept nogil:
        """Coulomb energy and charge transitions of one event, eV."""
        cdef int n
        cdef double self_charge, held, squares = 0.0
        self._clear_deltas()
        # Charges by the rule: their self energy in the bulk is part of the charge transition, so it is taken out.
        n = self._charge_changes(of.kind(c), leaving, arriving)
        self_charge = self._self_charge(0) + self._self_charge(1)
        # Charges on the two sites themselves: ions on interstitial ones, electrons on host ones.
        if a >= self.green.n_hosts:
            n = self._add_ion(n, a, qa)
            self_charge += self._ion_self(mech, reverse, False, a, of, code_charge)
        else:
            held = self._held(mech, reverse, False, a, of, conducting, code_charge, &squares)
            if held != 0.0:
                n = self._add_charge(n, a, held)
        if b >= self.green.n_hosts:
            n = self._add_ion(n, b, qb)
            self_charge += self._ion_self(mech, reverse, True, b, of, code_charge)
        elif b >= 0:
            held = self._held(mech, reverse, True, b, of, conducting, code_charge, &squares)
            if held != 0.0:
                n = self._add_charge(n, b, held)
        if squares != 0.0:
            self_charge += squares * WATSON
        if n == 0:
            return 0.0
        return (self.delta_count[0] * self.charge_transition[0] + self.delta_count[1] * self.charge_transition[1]
                + self._charge_energy(n, self_charge))

    cdef void _write_drop(self, Candidates of, int c, int mech, double sign, int a, int b, int leaving,
                          int arriving, double[:, ::1] out) noexcept nogil:
        """Forward gain per unit charge over the bond, in the surroundings without the vacancy and ion of the event."""
        cdef double unit = fabs(of.tables.charge_a[mech]), coulomb
        cdef int n = 0
        if unit == 0.0:
            return
        out[LEVER, c] = -sign / unit
        # A dipole holds the Lorentz factor of a mean field. A law that bends does not see the field of a charge one
        # or two sites away: it would be beyond the critical one. The line does, as the sets with it were fitted.
        if of.tables.power[mech] > 1.0:
            return
        # A vacancy that ends here, the reverse of the creation of a pair: both must read the same surroundings,
        # those without it and its ion.
        if leaving >= 0 and arriving < 0:
            self._clear_deltas()
            n = self._charge_changes(of.kind(c), leaving, -1)
            if b >= self.green.n_hosts:
                n = self._add_ion(n, b, sign * of.tables.charge_b[mech])
        coulomb = of.tables.charge_a[mech] * self._coulomb_changed(a, n)
        if b >= 0:
            coulomb += of.tables.charge_b[mech] * self._coulomb_changed(b, n)
        # Of a site that does not touch the electrode, the bond to the site above it.
        if self._above(of, c) >= 0:
            coulomb -= of.tables.charge_a[mech] * self._coulomb_changed(self._above(of, c), n)
        out[DROP, c] = -coulomb / unit
