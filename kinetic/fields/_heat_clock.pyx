"""The clock of one arrangement while its temperatures change (compiled).

Each candidate reads a temperature that is a start and a sum of decaying modes (`heat_in_time`):

    T(t) = T_ambient + rise(0) + sum_k z_k g_k(t / tau0),

with g_k the response of a mode to a source 1, s or s^2. The hazard is the integral of the sum of all rates over
time, at this temperature and at the voltage of a ramp.
"""

cimport cython

import numpy as np

from libc.math cimport fabs, NAN

from ._event_rates cimport EventRates, exponential_integral, solve_exponential
from ._heat_space cimport response

cdef double TOLERANCE = 1e-3    # of the hazard of each step, by the difference of a step and its two halves
cdef double NEGLIGIBLE = 1e-7   # hazard of a step that passes, however rough
cdef double FIRST_STEP = 4.0    # waits, at the rates of the start, in the first step


@cython.final
cdef class HeatClock:
    """Rates of candidates whose temperatures change, and the hazard that they use up.

    Parameters
    ----------
    events : EventRates
        Of the arrangement, whose own temperatures are not read.
    start : (n,) float64
        Temperature rise of every candidate at the beginning, K.
    modes : (k, n) float64
        What each mode adds to it per ``unit`` at first, K.
    rate : (k,) float64
        With which each mode decays, per ``unit``.
    power : (k,) int
        Power of time with which its source grows, 0 to 2.
    unit : float
        Time in which modes are counted, s.
    """

    cdef readonly EventRates events
    cdef double[::1] start, rate, rise
    cdef double[:, ::1] modes
    cdef int[::1] power
    cdef double unit, at, summed          # time and voltage that the rates of the events hold at, and their sum
    cdef double at_voltage

    def __init__(self, EventRates events, const double[::1] start, const double[:, ::1] modes, const double[::1] rate,
                 const int[::1] power, double unit):
        if start.shape[0] != events.n or modes.shape[1] != events.n or modes.shape[0] != rate.shape[0]:
            raise ValueError(f"modes must have a row for each rate and a column for each of {events.n} candidates")
        if power.shape[0] != rate.shape[0]:
            raise ValueError(f"power must be given for each of {rate.shape[0]} modes, got {power.shape[0]}")
        self.events, self.unit = events, unit
        self.start, self.modes = np.array(start), np.array(modes)
        self.rate, self.power = np.array(rate), np.array(power)
        self.rise = np.empty(events.n)
        self.at = self.at_voltage = NAN

    cdef double _total(self, double time, double voltage) noexcept nogil:
        """Rate of every candidate (into ``rate`` of the events) after some time, and their sum, 1/s."""
        cdef int c, k, n = self.events.n, modes = self.rate.shape[0]
        cdef double grown
        cdef const double* mode
        cdef double* rise = &self.rise[0] if n else NULL
        if time == self.at and voltage == self.at_voltage:
            return self.summed
        for c in range(n):
            rise[c] = self.start[c]
        for k in range(modes if n else 0):
            grown, mode = response(self.rate[k], self.power[k], time / self.unit), &self.modes[k, 0]
            for c in range(n):
                rise[c] += mode[c] * grown
        self.at, self.at_voltage, self.summed = time, voltage, self.events._total_at(voltage, self.rise)
        return self.summed

    def total(self, double time, double voltage):
        """Sum of all rates (1/s) after some time (s) at a voltage (V)."""
        cdef double total = self._total(time, voltage)
        self.events._refuse_cold()
        return total

    def advance(self, double start, double slope, double begin, double duration, double hazard):
        """Integrate the sum of rates along V(t) = start + slope t from a time on until ``hazard`` is used up.

        Parameters
        ----------
        start, slope : float
            Device voltage (V) at time 0, and its slope (V/s).
        begin, duration : float
            Time from which on, and up to which, time may pass (s).
        hazard : float
            What is left of an Exp(1) draw.

        Returns
        -------
        elapsed : float
            Time of the event, or ``duration``.
        left : float
            Hazard left (0 when the event fell); its error is below 1e-3 of what was used up.
        """
        cdef double t = begin, step = duration - begin, r0, r1, r2, coarse, fine, first, left = hazard
        with nogil:
            r0 = self._total(t, start + slope * t)
            if r0 * step > FIRST_STEP * left:
                step = FIRST_STEP * left / r0
            while t < duration:
                if step > duration - t:
                    step = duration - t
                r2 = self._total(t + step, start + slope * (t + step))
                while True:
                    r1 = self._total(t + 0.5 * step, start + slope * (t + 0.5 * step))
                    # The same step at once and in two halves: the difference bounds the error of the finer one.
                    coarse = exponential_integral(r0, r2, step)
                    first = exponential_integral(r0, r1, 0.5 * step)
                    fine = first + exponential_integral(r1, r2, 0.5 * step)
                    if fabs(fine - coarse) <= TOLERANCE * fine + NEGLIGIBLE or step <= 1e-15 * duration:
                        break
                    step *= 0.5
                    r2 = r1
                if fine >= left:
                    if first >= left:
                        t += solve_exponential(r0, r1, 0.5 * step, left)
                    else:
                        t += 0.5 * step + solve_exponential(r1, r2, 0.5 * step, left - first)
                    left = 0.0
                    self._total(t, start + slope * t)
                    break
                left -= fine
                t = duration if t + step >= duration else t + step
                r0 = r2
                step *= 4.0 if fabs(fine - coarse) <= 0.1 * TOLERANCE * fine else 2.0
        self.events._refuse_cold()
        return t, left

    def event_rise(self, int c):
        """Temperature rise (K) that a candidate reads where `advance` ended."""
        return self.rise[c]

    def pick(self, double uniform):
        """Candidate that fires where `advance` ended, for a uniform draw in [0, 1)."""
        return self.events._chosen(uniform * self._total(self.at, self.at_voltage))
