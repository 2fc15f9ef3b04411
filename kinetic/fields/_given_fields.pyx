"""Event energies in fields that no atom changes (compiled)."""

cimport cython

import numpy as np

from libc.math cimport fabs

from ._event_rates cimport Candidates, ENERGY, EventRates, LEVER, RISE_0, ROWS, WORK


@cython.final
cdef class GivenFields:
    """Potential and temperature of every site at a source voltage of 1 V, and the energies of events in them.

    Parameters
    ----------
    potential : (n_sites,) float64
        Electrostatic potential (V).
    electrodes : (3,) float64
        Potential (V) by electrode as `Engine.tables` numbers them: none, bottom, top.
    temperature : (n_sites,) float64
        Temperature (K).

    Notes
    -----
    With charge q_s gained and potential phi_s at site s, potential phi_e of the electrode, and V the source voltage
    over 1 V, an event costs ``dE = dE_chemical + V (sum_s q_s phi_s - q_a phi_e)``, and a dipole sees the drop of that
    work over its own charge. The event reads ``T + V (T_i + (1 - Q*/E_m)/2 (T_j - T_i) - T)`` between start i and end
    j, with T the temperature of the electrodes.
    """

    cdef readonly object potential, electrodes, temperature
    cdef const double[::1] _potential, _electrode, _temperature

    def __init__(self, potential, electrodes, temperature):
        self.potential = self._potential = potential
        self.electrodes = self._electrode = electrodes
        self.temperature = self._temperature = temperature

    def event_rates(self, Candidates of):
        """Return candidates with their energies in these fields, as `EventRates`."""
        cdef double[:, ::1] block = np.zeros((ROWS, of.n))
        cdef int c
        with nogil:
            for c in range(of.n):
                self._write(of, c, block)
        return EventRates.hold(of, block)

    cdef void _write(self, Candidates of, int c, double[:, ::1] out) noexcept nogil:
        """Energy, work of the bias and temperature rise of one event into a block."""
        cdef int mech = of.mechanism[c], a = of.site_a[c], b = of.site_b[c]
        cdef double sign = -1.0 if of.direction[c] else 1.0, charge = of.tables.charge_a[mech]
        cdef double rise = self._temperature[a] - of.tables.ambient
        cdef double work = charge * self._potential[a]
        if b >= 0:
            work += of.tables.charge_b[mech] * self._potential[b]
            rise = of.mixed_rise(c, rise, self._temperature[b] - of.tables.ambient)
        else:
            work -= charge * self._electrode[of.tables.electrode[mech]]
        out[ENERGY, c], out[WORK, c], out[RISE_0, c] = of.chemical[c], sign * work, rise
        if of.tables.dipole[mech] > 0.0:
            out[LEVER, c] = -sign / (fabs(charge) if charge != 0.0 else 1.0)
