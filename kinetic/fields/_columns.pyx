"""Contacts of independent columns and the closed energies of the events in them (compiled).

Lengths are in lattice spacings, energies in eV, potentials in V. The film reaches from the top electrode
(depth 0) to the bottom one (depth ``film`` = nz + 1); the sites of layer z lie at depth nz - z.
"""

cimport cython

import numpy as np

from libc.math cimport exp, expm1, fabs, log, sqrt, tanh
from libc.string cimport memcmp, memcpy

from ._event_rates cimport Candidates, ENERGY, EventRates, LEVER, RISE, ROWS, WORK

cdef int MOST_STEPS = 200


cdef struct Column:
    int count       # defects
    double near     # defects near the contact, weighted
    double width    # of the depletion zone, spacings
    double share    # of the device voltage that falls over the contact at low bias
    double g        # conductance at low bias, S
    double level    # ln of the contact's current before its voltage factors, ln A
    double slope    # energy that the forward branch rises by e in, eV
    double kept_voltage, kept_current  # last voltage (V) that was asked for, 0 for none, and its current (A)


@cython.final
cdef class ColumnKernel:
    """State of all columns of one arrangement; the numbers come from :class:`Columns`."""

    cdef readonly int nx, ny, nz, n_columns, n_hosts
    cdef double kt, barrier, step, ideality, built_in, film, target, doping, donor, tunnel, image
    cdef double log_scale, bulk, metallic
    cdef int layers, metallic_count, forward
    cdef unsigned char[::1] vacant, before      # of this arrangement and of the one that `columns` holds
    cdef Column[::1] columns                    # by column
    cdef object column_array                    # the same as an array
    cdef double[::1] width_without, share_without  # by host site: of its column without the defect on it

    def __init__(self, shape, numbers):
        """``numbers``: dict of the attributes above, see `columns._kernel_numbers`."""
        self.nx, self.ny, self.nz = shape
        self.n_columns = self.nx * self.ny
        self.n_hosts = self.n_columns * self.nz
        self.film = self.nz + 1.0
        self.kt, self.barrier, self.step = numbers["kt"], numbers["barrier"], numbers["step"]
        self.layers, self.ideality = numbers["layers"], numbers["ideality"]
        self.built_in, self.target = numbers["built_in"], numbers["target"]
        self.doping, self.donor = numbers["doping"], numbers["donor"]
        self.tunnel, self.image = numbers["tunnel"], numbers["image"]
        self.log_scale, self.bulk = numbers["log_scale"], numbers["bulk"]
        self.metallic, self.metallic_count = numbers["metallic"], numbers["metallic_count"]
        self.forward = numbers["forward"]
        self.vacant, self.before = np.zeros(self.n_hosts, np.uint8), np.full(self.n_hosts, 255, np.uint8)
        kind = [("count", np.intc), *[(name, float) for name in (
            "near", "width", "share", "g", "level", "slope", "kept_voltage", "kept_current")]]
        self.column_array = self.columns = np.zeros(self.n_columns, np.dtype(kind, align=True))
        self.width_without, self.share_without = np.zeros((2, self.n_hosts))

    # ---------------------------------------------------------------- one column

    cdef double _width(self, const unsigned char* vacant, int skip) noexcept nogil:
        """Width at which the charge has bent the bands by the built-in voltage (first crossing)."""
        cdef double inner = 0.0, outer, moment = 0.0, added, density
        cdef int k
        # Layer by layer down from the contact: each shell of charge bends the bands by density times depth.
        for k in range(self.nz + 2):
            outer = k + 0.5 if k <= self.nz else self.film
            density = self.doping
            if 0 < k <= self.nz and self.nz - k != skip and vacant[self.nz - k]:
                density += self.donor
            added = 0.5 * density * (outer * outer - inner * inner)
            # The layer in which the bending is reached, exactly: within it the charge is even.
            if moment + added >= self.target and added > 0.0:
                return sqrt(inner * inner + 2.0 * (self.target - moment) / density)
            moment += added
            inner = outer
        return self.film

    cdef void _describe(self, const unsigned char* vacant, int skip, Column* out) noexcept nogil:
        """Everything about a column, without the defect in layer ``skip`` (-1: with all)."""
        cdef int z, top = self.nz - self.layers
        cdef double x, contact, e00, unused
        out.count, out.near, out.kept_voltage = 0, 0.0, 0.0
        # Defects of the column, and those near the contact with weights that fall to zero below them.
        for z in range(self.nz):
            if vacant[z] and z != skip:
                out.count += 1
                if z >= top:
                    out.near += (z - top + 1.0) / self.layers
        out.width = self._width(vacant, skip)
        # A column full enough is a filament, ohmic from end to end.
        if self.metallic_count > 0 and out.count >= self.metallic_count:
            out.share, out.g = 0.0, self.metallic
            return
        # Field emission through the barrier as wide as its zone; E0 is E00 cold and kT hot.
        e00 = self.tunnel / out.width
        x = e00 / self.kt
        out.slope = e00 / tanh(x)
        out.level = self.log_scale - (self.barrier - self.step * out.near) / out.slope
        # At low bias contact and film are two resistors in series, and share the voltage accordingly.
        contact = exp(out.level + self._lowering(out, 0.0, &unused) / out.slope) / (self.ideality * self.kt)
        out.share = self.bulk / (self.bulk + contact)
        out.g = contact * out.share

    cdef inline double _lowering(self, const Column* column, double reverse, double* slope) noexcept nogil:
        """Image-force lowering (eV) at ``reverse`` V over the barrier, and its slope (eV/V)."""
        cdef double bent = self.built_in + reverse, film = self.film / column.width
        cdef double field = 2.0 * sqrt(self.built_in * bent) / column.width, growth = 0.5 * field / bent
        if bent > self.built_in * film * film:  # the film is depleted: from here on in proportion
            field = (self.built_in * film * film + bent) / self.film
            growth = 1.0 / self.film
        field = sqrt(self.image * field)
        slope[0] = 0.5 * self.image * growth / field
        return field

    # ---------------------------------------------------------------- all columns

    def occupy(self, const int[::1] sites):
        """Take an arrangement of defects and return its conductance (S); unchanged columns keep their numbers."""
        cdef int i, j, z, start
        cdef double total = 0.0
        cdef Column without
        with nogil:
            self.vacant[:] = 0
            for i in range(sites.shape[0]):
                self.vacant[sites[i]] = 1
            for j in range(self.n_columns):
                start = j * self.nz
                # One event changes one or two columns; the others keep their numbers, currents included.
                if memcmp(&self.vacant[start], &self.before[start], self.nz) != 0:
                    memcpy(&self.before[start], &self.vacant[start], self.nz)
                    self._describe(&self.vacant[start], -1, &self.columns[j])
                    # And the column without each of its defects, for events that take it away.
                    for z in range(self.nz):
                        if self.vacant[start + z]:
                            self._describe(&self.vacant[start], z, &without)
                            self.width_without[start + z] = without.width
                            self.share_without[start + z] = without.share
                total += self.columns[j].g
        return total

    def metallic_columns(self):
        """Numbers of the columns that conduct as filaments, ascending."""
        found = np.zeros(self.n_columns, np.bool_)
        cdef unsigned char[::1] view = found.view(np.uint8)
        cdef int j
        if self.metallic_count > 0:
            for j in range(self.n_columns):
                view[j] = self.columns[j].count >= self.metallic_count
        return np.flatnonzero(found)

    def table(self):
        """Numbers of every column as a structured array (a copy)."""
        return self.column_array.copy()

    def present_current(self, double voltage):
        """Current (A) of the present arrangement at a device voltage (V)."""
        return self.total_current(self.columns, voltage)

    cdef inline double _potential(self, double width, double share, int z) noexcept nogil:
        """Potential (V) of layer z at 1 V; the contact's share falls over interlayer and zone."""
        cdef double depth = self.nz - z, zone = share / self.ideality
        return 1.0 - (share - zone) - zone * (depth / width if depth < width else 1.0) - (
            1.0 - share) * depth / self.film

    def unit_potential(self):
        """Potential (V) of every host site at 1 V, all defects present."""
        result = np.zeros(self.n_hosts)
        cdef double[::1] view = result
        cdef int i, j
        for i in range(self.n_hosts):
            j = i // self.nz
            view[i] = self._potential(self.columns[j].width, self.columns[j].share, i % self.nz)
        return result

    # ---------------------------------------------------------------- current

    cdef double _contact(self, const Column* column, double voltage, bint ahead, double* slope
                         ) noexcept nogil:
        """ln of the contact's current (A) at a voltage > 0 in one direction, and the slope of it (1/V)."""
        cdef double y = voltage / self.ideality, open_ = -expm1(-y / self.kt), growth, lowering
        cdef double result = column.level + log(open_)
        slope[0] = exp(-y / self.kt) / (open_ * self.kt)
        lowering = self._lowering(column, 0.0 if ahead else y, &growth)
        if ahead:
            slope[0] += 1.0 / column.slope
            result += (lowering + y) / column.slope
        else:
            slope[0] += (growth - 1.0) / column.slope + 1.0 / self.kt
            result += (lowering - y) / column.slope + y / self.kt
        slope[0] /= self.ideality
        return result

    cdef double _current(self, const Column* column, double voltage, bint ahead) noexcept nogil:
        """Current (A) of contact and bulk in series at ``voltage`` > 0: Newton on ln(I_contact / I_bulk)."""
        cdef double low = 0.0, high = voltage, x, slope, excess, contact, after = voltage
        cdef int _step
        # In logarithms both currents are smooth over any number of decades, so that Newton needs a few steps.
        contact = self._contact(column, voltage, ahead, &slope)
        excess = contact - log(self.bulk * voltage)
        # Start: a contact that takes nearly everything, or one as good as exponential.
        x = voltage * (1.0 - exp(excess)) if excess < -2.0 else voltage - (excess + 2.5) / slope
        if not low < x < high:
            x = column.share * voltage
        for _step in range(MOST_STEPS):
            contact = self._contact(column, x, ahead, &slope)
            excess = contact - log(self.bulk * (voltage - x))
            # The root stays bracketed: the excess grows with the contact's voltage.
            if excess > 0.0:
                high = x
            else:
                low = x
            # Newton, or the middle where it would leave the bracket.
            after = x - excess / (slope + 1.0 / (voltage - x))
            if not low <= after <= high:
                after = 0.5 * (low + high)
            elif fabs(after - x) * slope < 1e-7 and fabs(after - x) < 1e-7 * (voltage - x):
                break  # Newton squares what is left
            if after == x or after == low or after == high:
                break
            x = after
        # The part with the larger voltage knows its current to more digits.
        if after > 0.5 * voltage:
            return exp(contact + slope * (after - x))
        return self.bulk * (voltage - after)

    cdef inline void _keep(self, int j, const Column* known) noexcept nogil:
        """Keep a current found in a copy of the table, if the column is still the same."""
        cdef Column* now = &self.columns[j]
        if now.count == known.count and now.near == known.near and now.width == known.width:
            now.kept_voltage, now.kept_current = known.kept_voltage, known.kept_current

    def total_current(self, Column[::1] columns, double voltage):
        """Current (A) through the columns of a `table` at a device voltage (V)."""
        cdef double total = 0.0, size = fabs(voltage)
        cdef bint ahead = (voltage > 0.0) == (self.forward > 0)
        cdef int j
        if size == 0.0:
            return 0.0
        with nogil:
            for j in range(self.n_columns):
                # A read asks for the same voltage again and again: the last current is kept.
                if columns[j].kept_voltage != voltage:
                    columns[j].kept_voltage = voltage
                    if self.metallic_count > 0 and columns[j].count >= self.metallic_count:
                        columns[j].kept_current = self.metallic * size
                    else:
                        columns[j].kept_current = self._current(&columns[j], size, ahead)
                    self._keep(j, &columns[j])
                total += columns[j].kept_current
        return total if voltage > 0.0 else -total

    # ---------------------------------------------------------------- energies of events

    def event_rates(self, Candidates of, signed char conducting, const double[::1] rise):
        """Energies of candidates in the present arrangement.

        Parameters
        ----------
        of : Candidates
        conducting : int
            Code of the defects.
        rise : (n_hosts,) float64
            Temperature rise at 1 V, K.

        Returns
        -------
        EventRates
        """
        cdef double[:, ::1] block = np.zeros((ROWS, of.n))
        cdef int c, wrong = 0
        with nogil:
            for c in range(of.n):
                if of.site_a[c] >= self.n_hosts or of.site_b[c] >= self.n_hosts:
                    wrong = 1
                    break
                self._write(of, c, conducting, rise, block)
        if wrong:
            raise ValueError("columns know events of host sites only, got one of an interstitial site")
        return EventRates.hold(of, block)

    cdef inline double _potential_without(self, int site, int leaving) noexcept nogil:
        """Potential (V) of a site at 1 V; its own column is taken without the defect that leaves."""
        cdef int j = site // self.nz
        if leaving >= 0 and leaving // self.nz == j:
            return self._potential(self.width_without[leaving], self.share_without[leaving], site % self.nz)
        return self._potential(self.columns[j].width, self.columns[j].share, site % self.nz)

    cdef void _write(self, Candidates of, int c, signed char conducting, const double[::1] rise,
                     double[:, ::1] out) noexcept nogil:
        cdef int mech = of.mechanism[c], a = of.site_a[c], b = of.site_b[c]
        cdef int leaving = of.leaves(c, conducting)
        cdef double sign = -1.0 if of.direction[c] else 1.0
        # Work of the bias on what moves; the top electrode is at 1 V. No Coulomb part, see `Columns`.
        cdef double bias = sign * of.tables.charge_a[mech] * self._potential_without(a, leaving)
        if b >= 0:
            bias += sign * of.tables.charge_b[mech] * self._potential_without(b, leaving)
        if of.tables.electrode[mech] == 2:
            bias -= sign * of.tables.charge_a[mech]
        out[ENERGY, c], out[WORK, c] = of.chemical[c], bias
        if of.tables.dipole[mech] > 0.0 and of.tables.charge_a[mech] != 0.0:
            out[LEVER, c] = -sign / fabs(of.tables.charge_a[mech])
        out[RISE, c] = rise[a] if b < 0 else of.mixed_rise(c, rise[a], rise[b])
