"""Energies of all candidate events of one arrangement, their rates, and the clock that runs on these (compiled)."""

cimport cython

import numpy as np

from ...units import BOLTZMANN_EV

from libc.math cimport exp, fabs, INFINITY, isnan, NAN
from libc.string cimport memcpy

from ..engine._catalogue cimport Catalogue
from ..mechanisms._activation cimport activation_energy, barrier_under_field, fill_lineshape, lineshape_activation

cdef double BOLTZMANN = BOLTZMANN_EV  # eV/K
cdef double NEGLIGIBLE = 1e-7  # fraction of all rates that those of no weight have
cdef double UNSEEN = 1e-9     # fraction of all rates by which these may change on a ramp
cdef double MOST_NEAR = 1e-3  # V
cdef double FIRST_STEP = 4.0  # waits, at the rates of the start, in the first step of the clock
cdef int NO_SPECIES = -128  # not -1, the code where an event has a single site


@cython.final
cdef class MechanismTables:
    """What the events of each mechanism have in common.

    Parameters
    ----------
    tables : dict
        One array per field, over the mechanisms, see ``Engine.tables``; ``dipole`` over the event's length.
    ambient : float
        Temperature of the electrodes, K.
    second : int, optional
        Code of the cation, where vacancies and cations conduct; by default no species has it.
    """

    def __init__(self, tables, double ambient, int second=NO_SPECIES):
        self.second = second
        self.code_before_a = np.asarray(tables["code_before_a"], np.intc)
        self.code_after_a = np.asarray(tables["code_after_a"], np.intc)
        self.code_before_b = np.asarray(tables["code_before_b"], np.intc)
        self.code_after_b = np.asarray(tables["code_after_b"], np.intc)
        self.electrode = np.asarray(tables["electrode"], np.intc)
        self.law = np.asarray(tables["law"], np.intc)
        self.charge_a = np.asarray(tables["charge_a"], np.float64)
        self.charge_b = np.asarray(tables["charge_b"], np.float64)
        self.dipole = np.asarray(tables["dipole"], np.float64)  # e m over the event's length: a pure number
        self.power = np.asarray(tables["dipole_power"], np.float64)
        self.floor = np.asarray(tables["floor"], np.float64)
        self.transport = np.asarray(tables["heat_of_transport"], np.float64)
        self.alpha = np.asarray(tables["alpha"], np.float64)
        self.ambient = ambient
        self.arrays = tables
        for i, shape in enumerate(tables.get("lineshapes", ())):
            if shape is not None:
                fill_lineshape(&self.lineshape[<int>i], shape)

    def candidates(self, Catalogue listed):
        """Return the events of a catalogue."""
        cdef Candidates made = Candidates.__new__(Candidates)
        cdef int n = listed.n
        made._room(self, n)
        if n > 0:
            memcpy(&made.mechanism[0], &listed._mechanism[0], n * sizeof(int))
            memcpy(&made.site_a[0], &listed._a[0], n * sizeof(int))
            memcpy(&made.site_b[0], &listed._b[0], n * sizeof(int))
            memcpy(&made.direction[0], &listed._direction[0], n)
            memcpy(&made.barrier[0], &listed._barrier[0], n * sizeof(double))
            memcpy(&made.chemical[0], &listed._energy[0], n * sizeof(double))
            memcpy(&made.frequency[0], &listed._frequency[0], n * sizeof(double))
        return made


@cython.final
cdef class Candidates:
    """Every event that is possible in one arrangement; its energy in the fields is not known yet.

    Parameters
    ----------
    tables : MechanismTables
    mechanism, direction, site_a, site_b : (n,) int
        Direction 0 is forward; site_b -1 where there is none.
    barrier, chemical : (n,) float64
        Barrier and energy difference without fields, eV.
    frequency : (n,) float64
        Attempt frequency, Hz.
    """

    def __init__(self, MechanismTables tables, mechanism, direction, site_a, site_b, barrier, chemical, frequency):
        self._room(tables, len(mechanism))
        np.asarray(self.mechanism)[:], np.asarray(self.direction)[:] = mechanism, direction
        np.asarray(self.site_a)[:], np.asarray(self.site_b)[:] = site_a, site_b
        np.asarray(self.barrier)[:], np.asarray(self.chemical)[:] = barrier, chemical
        np.asarray(self.frequency)[:] = frequency

    cdef int _room(self, MechanismTables tables, int n) except -1:
        # One block for all columns of a kind: each array that Python knows of costs more than these copies.
        cdef int[:, ::1] whole = np.empty((3, n), np.intc)
        cdef double[:, ::1] real = np.empty((3, n))
        self.tables, self.n = tables, n
        self.mechanism, self.site_a, self.site_b = whole[0], whole[1], whole[2]
        self.direction = np.empty(n, np.int8)
        self.barrier, self.chemical, self.frequency = real[0], real[1], real[2]
        self.nbytes = whole.nbytes + real.nbytes + n
        return 0

    def heat_read(self):
        """Sites whose temperatures each event reads, and the share of the second one (-1 and 0: none)."""
        cdef int c
        share = np.zeros(self.n)
        cdef double[::1] view = share
        for c in range(self.n):
            if self.site_b[c] >= 0:
                view[c] = self.mixed_rise(c, 0.0, 1.0)
        return np.array(self.site_a), np.array(self.site_b), share

    def scale_filament_exchange(self, const double[::1] factor):
        """Multiply the attempt frequency of exchanges with the filament by a factor per site."""
        cdef int c
        for c in range(self.n):
            if self.site_b[c] < 0 and self.tables.electrode[self.mechanism[c]] == 3:
                self.frequency[c] *= factor[self.site_a[c]]

    def scale_mechanisms(self, const double[::1] factor):
        """Multiply the attempt frequency of each event, forward and reverse alike, by that of its mechanism."""
        cdef int c
        for c in range(self.n):
            self.frequency[c] *= factor[self.mechanism[c]]


@cython.final
cdef class EventRates:
    """Energies of candidate events, and their rates at any voltage.

    Made by the fields, which know the energies.

    Parameters
    ----------
    candidates : Candidates
    energy : (n,) float64
        Energy difference at 0 V, eV.
    work : (n,) float64
        Work of the bias, eV per volt.

    Notes
    -----
    =====================================================  =========================
    symbol                                                 attribute
    =====================================================  =========================
    dE(V) = energy0 + work0 + work V (eV)                  ``energies(V)``
    drop(V) = drop0 + lever (work - beyond) (V)
    T(V) = ambient + (rise0 + rise V) V (K)
    k = nu exp(-E_a(dE, E_m(dipole drop)) / kT) (1/s)      ``rates(V)``, ``rate``
    sum of all k                                           ``total(V)``
    =====================================================  =========================
    """

    def __init__(self, Candidates candidates, energy, work):
        cdef double[:, ::1] block = np.zeros((ROWS, candidates.n))
        np.asarray(block)[ENERGY], np.asarray(block)[WORK] = energy, work
        self.candidates, self.n, self.ambient = candidates, candidates.n, candidates.tables.ambient
        self._split(block)

    @staticmethod
    cdef EventRates hold(Candidates candidates, double[:, ::1] block):
        """Hold a block of energies, whose rows are named in the declarations."""
        cdef EventRates made = EventRates.__new__(EventRates)
        made.candidates, made.n, made.ambient = candidates, candidates.n, candidates.tables.ambient
        made._split(block)
        return made

    cdef int _split(self, double[:, ::1] block) except -1:
        self.energy0, self.drop0, self.lever, self.rate = block[ENERGY], block[DROP], block[LEVER], block[RATE]
        self.work0, self.work, self.rise0, self.rise = block[WORK_0], block[WORK], block[RISE_0], block[RISE]
        self.beyond0, self.beyond = block[BEYOND_0], block[BEYOND]
        self.nbytes = block.nbytes
        self.low, self.high = -INFINITY, INFINITY
        self.rated_at = self.hot_at = NAN
        return 0

    def arrays(self):
        """All columns as a dict of copies; ``energy1``, ``drop1`` and ``heat`` are those of a linear network."""
        return {
            "mechanism": np.array(self.candidates.mechanism), "direction": np.array(self.candidates.direction),
            "site_a": np.array(self.candidates.site_a), "site_b": np.array(self.candidates.site_b),
            "barrier": np.array(self.candidates.barrier), "chemical": np.array(self.candidates.chemical),
            "frequency": np.array(self.candidates.frequency), "energy0": np.array(self.energy0),
            "energy1": np.array(self.work), "drop0": np.array(self.drop0),
            "drop1": np.multiply(self.lever, np.subtract(self.work, self.beyond)), "heat": np.array(self.rise),
            "rate": np.array(self.rate),
        }

    def between(self, double low, double high, const double[:, ::1] first, const double[:, ::1] second):
        """Return the same candidates with the work and heat that lines through two voltages give them.

        Parameters
        ----------
        low, high : float
            Voltages (V) between which these hold.
        first, second : (3, n) float64
            Work of the bias (eV), temperature rise over the voltage (K/V), and the part of the work that is done
            beyond the bond that breaks (eV), at either voltage.
        """
        cdef EventRates made = EventRates.__new__(EventRates)
        cdef int c
        cdef double slope, span = high - low
        cdef double[:, ::1] real
        if min(first.shape[0], second.shape[0]) < 3 or min(first.shape[1], second.shape[1]) < self.n:
            raise ValueError(f"ends must have three values for each of {self.n} candidates")
        # The energies at 0 V do not change; the rest begins at row WORK_0.
        real = np.empty((ROWS - WORK_0, self.n))
        made.candidates, made.n, made.ambient = self.candidates, self.n, self.ambient
        made.energy0, made.drop0, made.lever = self.energy0, self.drop0, self.lever
        made.work0, made.work, made.rise0, made.rise = real[0], real[1], real[2], real[3]
        made.beyond0, made.beyond, made.rate = real[4], real[5], real[6]
        made.nbytes = real.nbytes
        made.low, made.high = low, high
        made.rated_at = made.hot_at = NAN
        for c in range(self.n):
            slope = (second[0, c] - first[0, c]) / span
            made.work0[c], made.work[c] = first[0, c] - slope * low, slope
            slope = (second[1, c] - first[1, c]) / span
            made.rise0[c], made.rise[c] = first[1, c] - slope * low, slope
            slope = (second[2, c] - first[2, c]) / span
            made.beyond0[c], made.beyond[c] = first[2, c] - slope * low, slope
        return made

    def event(self, int c):
        """Mechanism, direction and both sites (-1: none) of candidate ``c``."""
        cdef Candidates of = self.candidates
        return of.mechanism[c], of.direction[c], of.site_a[c], of.site_b[c]

    def energies(self, double voltage):
        """Energy difference of every candidate at ``voltage``, eV."""
        cdef int c
        result = np.array(self.energy0)
        cdef double[::1] view = result
        for c in range(self.n):
            view[c] += self._bias(c, voltage)
        return result

    def work_per_volt(self, int c):
        """Derivative of the energy of candidate ``c`` by the voltage, eV/V."""
        return self.work[c]

    cdef inline double _bias(self, int c, double voltage) noexcept nogil:
        """Work of the bias in a candidate, eV."""
        return self.work0[c] + self.work[c] * voltage

    cdef inline double _rise(self, int c, double voltage) noexcept nogil:
        """Temperature rise that a candidate reads, K."""
        return (self.rise0[c] + self.rise[c] * voltage) * voltage

    cdef inline double _activation(self, int c, double peak, double energy, double kt) noexcept nogil:
        """Activation energy (eV) of a candidate; the linear law's lever belongs to the forward direction."""
        cdef int mech = self.candidates.mechanism[c]
        if self.candidates.tables.law[mech] == 3:
            return peak + lineshape_activation(&self.candidates.tables.lineshape[mech], energy, kt)
        cdef double alpha = self.candidates.tables.alpha[mech]
        return activation_energy(
            self.candidates.tables.law[mech], peak, energy, 1.0 - alpha if self.candidates.direction[c] else alpha)

    cdef inline double _lowered(self, int c, double voltage) noexcept nogil:
        """Barrier of a candidate in the field over its bond, before any floor, eV."""
        cdef double slope
        return self._under_field(c, voltage, &slope)

    cdef inline double _under_field(self, int c, double voltage, double* slope) noexcept nogil:
        """The same; ``slope`` becomes its derivative by the barrier without field."""
        cdef int mech = self.candidates.mechanism[c]
        cdef double drop
        slope[0] = 1.0
        if self.candidates.tables.dipole[mech] > 0.0:
            drop = self.drop0[c] + self.lever[c] * (
                self._bias(c, voltage) - self.beyond0[c] - self.beyond[c] * voltage)
            if drop > 0.0:
                return barrier_under_field(self.candidates.barrier[c], self.candidates.tables.dipole[mech] * drop,
                                           self.candidates.tables.power[mech], slope)
        return self.candidates.barrier[c]

    cdef double _total(self, double voltage) noexcept nogil:
        """Rate of every candidate at ``voltage`` (into ``rate``) and their sum, 1/s."""
        cdef int c
        cdef double total = 0.0
        # While the voltage stands, and for the draw at the end of a wait, the rates are there already.
        if voltage == self.rated_at:
            return self.rated_total
        for c in range(self.n):
            self.rate[c] = self._rate(c, voltage)
            total += self.rate[c]
        self.evaluations += 1
        self.rated_at, self.rated_total = NAN if self.cold else voltage, total
        self.near_at = self.hot_at = NAN
        return total

    cdef inline double _rate(self, int c, double voltage) noexcept nogil:
        """Rate of one candidate at ``voltage``, 1/s."""
        return self._rate_at(c, voltage, self._rise(c, voltage))

    cdef inline double _rate_at(self, int c, double voltage, double rise) noexcept nogil:
        """Rate of one candidate at ``voltage`` that reads a temperature rise (K), 1/s."""
        cdef int mech = self.candidates.mechanism[c]
        # Barrier, energy and temperature at this voltage; the field may not push the barrier below its floor.
        cdef double peak = max(self._lowered(c, voltage), self.candidates.tables.floor[mech])
        cdef double energy = self.energy0[c] + self._bias(c, voltage)
        cdef double kt = BOLTZMANN * (self.ambient + rise)
        if kt <= 0.0:
            self.cold = True
            return 0.0
        # Arrhenius with the local temperature, which rises with the voltage.
        return self.candidates.frequency[c] * exp(-self._activation(c, peak, energy, kt) / kt)

    cdef double _total_at(self, double voltage, const double[::1] rise) noexcept nogil:
        """Take the rates of all candidates that read a temperature rise (K) each; return their sum, 1/s."""
        cdef int c
        cdef double total = 0.0
        for c in range(self.n):
            self.rate[c] = self._rate_at(c, voltage, rise[c])
            total += self.rate[c]
        # What is kept of a voltage does not hold any more.
        self.rated_at = self.near_at = self.hot_at = NAN
        return total

    cdef double _near(self, double voltage) noexcept nogil:
        """Sum of all rates at a voltage soon after the start of a wait: those that are negligible as they were there.

        Until the others could have changed the sum by 1e-9 of it, only those that have all but 1e-7 of it are computed
        again. What is kept begins at the start of each wait, so that a run does not depend on what was asked before.
        """
        cdef int k, c
        cdef double total
        if not fabs(voltage - self.hot_at) <= self.hot_within:
            return self._total(voltage)
        if voltage == self.near_at:
            return self.near_total
        if voltage == self.rated_at:
            return self.rated_total
        total = self.hot_rest
        for k in range(self.n_hot):
            c = self.hot[k]
            self.rate[c] = self._rate(c, voltage)
            total += self.rate[c]
        self.rated_at, self.near_at, self.near_total = NAN, voltage, total
        return total

    cdef void _list_hot(self, double voltage) noexcept nogil:
        """List the candidates with all but a tiny fraction of the rates, and how far the others may be left alone."""
        cdef int c
        cdef double total = self._total(voltage), steepest = 0.0, least = NEGLIGIBLE * total / max(self.n, 1)
        self.n_hot, self.hot_rest, self.hot_at, self.hot_within = 0, 0.0, voltage, 0.0
        for c in range(self.n):
            if self.rate[c] > least:
                self.hot[self.n_hot] = c
                self.n_hot += 1
            else:
                self.hot_rest += self.rate[c]
                steepest = max(steepest, self._steepness(c, voltage))
        # Twice the steepness: over so short a way it changes by less.
        if total > 0.0 and not self.cold and 2 * self.n_hot < self.n:
            self.hot_within = min(MOST_NEAR, UNSEEN * total / (2.0 * steepest * self.hot_rest + 1e-300))

    cdef double _steepness(self, int c, double voltage) noexcept nogil:
        """Bound on the change of a rate's logarithm (1/V); no law here changes by more than energy and barrier do."""
        cdef int mech = self.candidates.mechanism[c]
        cdef double rise = self.rise0[c] + 2.0 * self.rise[c] * voltage
        cdef double kelvin = self.ambient + self._rise(c, voltage)
        cdef double kt = BOLTZMANN * kelvin
        cdef double work = fabs(self.work[c])
        cdef double most = self.candidates.barrier[c] + fabs(self.energy0[c]) + fabs(self._bias(c, voltage))
        # An activation energy changes by no more than the energy and the barrier do, and this by no more than a line.
        work += self.candidates.tables.dipole[mech] * fabs(self.lever[c]) * (work + fabs(self.beyond[c]))
        return (work + most * fabs(rise) / kelvin) / kt

    def set_bias(self, const double[::1] potential, const double[::1] source, double top=1.0, double[::1] out=None):
        """Set the work of the bias for one-site events whose site has a potential given.

        Parameters
        ----------
        potential : (n_sites,) float64
            Potential (V) of each site, NaN at sites whose events keep their energy.
        source : (n_sites,) float64
            Potential (V) of the nearest node of the filament.
        top : float
            Potential of the top electrode (V).
        out : (n,) float64, optional
            Where it is written (eV); by default what these candidates have at 1 V.
        """
        cdef int c, mech, site
        cdef double done, other
        self.rated_at = NAN
        if out is None:
            out = self.work
        for c in range(self.n):
            mech = self.candidates.mechanism[c]
            site = self.candidates.site_a[c]
            # Hops, and sites that no trap stands on, keep what the network gave them.
            if self.candidates.site_b[c] >= 0 or potential[site] != potential[site]:
                continue
            other = top if self.candidates.tables.electrode[mech] == 2 else 0.0
            if self.candidates.tables.electrode[mech] == 3:
                other = source[site]
            done = self.candidates.tables.charge_a[mech] * (potential[site] - other)
            out[c] = -done if self.candidates.direction[c] else done

    def total(self, double voltage):
        """Sum of all rates at a device voltage (V), 1/s."""
        cdef double total = self._total(voltage)
        self._refuse_cold()
        if isnan(total):
            raise ValueError(f"rates at {voltage:g} V are not known here: ask what Solved.at({voltage:g}) gives")
        return total

    def rates(self, double voltage, ambient=None):
        """Rate of every candidate at ``voltage`` (V), 1/s; ``ambient``: another temperature (K) of the electrodes."""
        cdef double own = self.ambient
        if ambient is None:
            self.total(voltage)
            return np.array(self.rate)
        # What is kept holds at one temperature: neither side may take the other's.
        self.ambient, self.rated_at = ambient, NAN
        try:
            self.total(voltage)
        finally:
            self.ambient, self.rated_at = own, NAN
        return np.array(self.rate)

    cpdef double rate_at(self, int c, double voltage, double ambient) except? -1.0:
        """Rate of candidate ``c`` (1/s) at ``voltage`` (V) and another temperature (K) of the electrodes."""
        cdef double own = self.ambient, rate
        self.ambient = ambient
        rate = self._rate(c, voltage)
        self.ambient = own
        self._refuse_cold()
        return rate

    def rises(self, double voltage):
        """Temperature rise (K) that every candidate reads at ``voltage`` (V) where heat is steady, shape (n,)."""
        cdef int c
        result = np.empty(self.n)
        cdef double[::1] view = result
        for c in range(self.n):
            view[c] = self._rise(c, voltage)
        return result

    def total_of(self, double voltage, const double[::1] rise):
        """Sum of all rates at ``voltage`` (V) where every candidate reads a temperature rise (K) of its own, 1/s."""
        cdef double total
        if rise.shape[0] != self.n:
            raise ValueError(f"rise must have a value for each of {self.n} candidates, got {rise.shape[0]}")
        total = self._total_at(voltage, rise)
        self._refuse_cold()
        return total

    def set_rise(self, const double[::1] rise):
        """Set the temperature rise over the square of the voltage (K/V^2) that every candidate reads."""
        self.rise[:] = rise
        self.rated_at = self.hot_at = NAN

    def barrier_slopes(self, double voltage):
        """Derivative of every activation energy by its barrier, and kT (eV), at ``voltage`` (V); shape (2, n).

        By a central difference, whatever the law: 0 where the field holds the barrier at its floor.
        """
        cdef int c
        cdef double low, energy, kt, slope, step = 1e-5
        result = np.zeros((2, self.n))
        cdef double[:, ::1] view = result
        for c in range(self.n):
            low = self._under_field(c, voltage, &slope)
            energy = self.energy0[c] + self._bias(c, voltage)
            kt = BOLTZMANN * (self.ambient + self._rise(c, voltage))
            if low >= self.candidates.tables.floor[self.candidates.mechanism[c]]:
                view[0, c] = slope * (self._activation(c, low + step, energy, kt)
                                      - self._activation(c, low - step, energy, kt)) / (2.0 * step)
            view[1, c] = kt
        return result

    cdef int _refuse_cold(self) except -1:
        """Raise an error where a rate asked for a temperature of 0 K or below since the last look."""
        if self.cold:
            self.cold = False
            raise ValueError(
                "heat_of_transport must keep the temperature that a hop reads above 0 K; "
                "the temperature difference between two neighbouring sites is too large for it"
            )
        return 0

    def activation(self, double voltage):
        """Activation energy of every candidate at ``voltage``, eV."""
        cdef int c, mech
        cdef double peak, kt
        result = np.zeros(self.n)
        cdef double[::1] view = result
        for c in range(self.n):
            mech = self.candidates.mechanism[c]
            peak = max(self._lowered(c, voltage), self.candidates.tables.floor[mech])
            kt = BOLTZMANN * (self.ambient + self._rise(c, voltage))
            view[c] = self._activation(c, peak, self.energy0[c] + self._bias(c, voltage), kt)
        return result

    cpdef bint at_floor(self, int c, double voltage):
        """Whether the field leaves candidate ``c`` no more than its floor at ``voltage`` (V).

        Without a floor, and with a law that bends, that is beyond the critical field.
        """
        return self._lowered(c, voltage) < self.candidates.tables.floor[self.candidates.mechanism[c]]

    cpdef (double, double) advance(self, double start, double slope, double duration, double hazard,
                                   double tolerance=1e-3):
        """Integrate the total rate along V(t) = start + slope t until ``hazard`` is used up.

        Parameters
        ----------
        start, slope, duration : float
            Device voltage (V), its slope (V/s) and the time available (s).
        hazard : float
            What is left of an Exp(1) draw.
        tolerance : float
            Bound on the error of the integral in each accepted step.

        Returns
        -------
        elapsed : float
            Time to the event, or ``duration``.
        left : float
            Hazard left (0 when the event fell).
        """
        cdef double t = 0.0, step, r0, r1, r2, coarse, fine, first, left = hazard, x
        if slope != 0.0:
            self._room_for_hot()
        with nogil:
            # At a constant voltage the rate is constant: the wait is the hazard over it.
            r0 = self._total(start)
            self.hot_at = NAN
            if slope == 0.0 or duration == 0.0:
                if r0 * duration < left:
                    t, left = duration, left - r0 * duration
                else:
                    t, left = left / r0, 0.0
            else:
                # Along a ramp rates are close to exponential in time over a short step: steps are halved until two
                # estimates agree, and doubled after each that does. The event falls within a few times the wait at
                # the rates of the start, so that no step need begin much longer.
                step = duration
                if r0 * step > FIRST_STEP * left:
                    step = FIRST_STEP * left / r0
                if fabs(slope) * step <= MOST_NEAR and self.hot.shape[0] > 0:
                    self._list_hot(start)
                while t < duration:
                    if step > duration - t:
                        step = duration - t
                    r2 = self._near(start + slope * (t + step))
                    r1 = self._near(start + slope * (t + 0.5 * step))
                    # The same step at once and in two halves: the difference bounds the error of the finer one.
                    coarse = exponential_integral(r0, r2, step)
                    first = exponential_integral(r0, r1, 0.5 * step)
                    fine = first + exponential_integral(r1, r2, 0.5 * step)
                    # A step whose whole hazard is within the tolerance passes, however rough.
                    if fabs(fine - coarse) > tolerance and fine > 0.5 * tolerance and step > 1e-15 * duration:
                        step *= 0.25 if fabs(fine - coarse) > 16.0 * tolerance else 0.5
                        continue
                    # The event falls in this step: where, by the same exponential.
                    if fine >= left:
                        if first >= left:
                            x = solve_exponential(r0, r1, 0.5 * step, left)
                        else:
                            x = 0.5 * step + solve_exponential(r1, r2, 0.5 * step, left - first)
                        t += x
                        left = 0.0
                        break
                    left -= fine
                    t += step
                    r0 = r2
                    step *= 2.0
        self._refuse_cold()
        return t, left

    cdef int _room_for_hot(self) except -1:
        """Make room for the list of those that matter, where their laws have a bound on the steepness."""
        cdef int c
        if self.hot.shape[0] == 0:
            for c in range(self.n):
                if self.candidates.tables.law[self.candidates.mechanism[c]] > 1:
                    return 0
            self.hot = np.empty(self.n, np.intc)
        return 0

    cpdef int pick(self, double voltage, double uniform) except -1:
        """Candidate that fires at ``voltage`` for a uniform draw in [0, 1)."""
        return self._chosen(uniform * self._near(voltage))

    cdef int _chosen(self, double target) except -1:
        """Candidate at which the running sum of ``rate`` passes a value."""
        cdef double running = 0.0
        cdef int c, last = -1
        # Running sum in the order of the catalogue: a draw gives the same event on every machine.
        for c in range(self.n):
            if self.rate[c] > 0.0:
                running += self.rate[c]
                last = c
                if target < running:
                    return c
        if last < 0:
            raise ArithmeticError("no event has a rate above zero: nothing can be picked")
        return last
