"""Cells that jump, under voltages that are held: an exponential and a comparison each, more where one jumps."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport exp, log1p
from numpy.random cimport bitgen_t


cdef inline double uniform(bitgen_t *random) noexcept nogil:
    return random.next_double(random.state)


def hold(int[::1] state, double[::1] hazard, const Py_ssize_t[::1] at, const double[::1] place, double[::1] left,
         int[::1] count, const double[:, ::1] log_rates, const int[:, ::1] rows,
         const int[:, ::1] after, const double[:, ::1] marks, bit_generator, int most, bint once):
    """Let time pass in some cells; return how many wait for rows of the table of next states.

    ``state`` and ``hazard``, what is left of a unit exponential, are of all cells, ``at`` names some. Of these:
    the ``place`` of the voltage in steps of the grid, the time that is ``left`` (s), which this uses up, and how
    often each has jumped. ``rows`` (states, grid) tells where in ``after`` and in ``marks``, running sums of
    weights, the next states of a state at a voltage stand; -1: not yet. Between two voltages of the grid one is
    drawn. A cell that waits stays as it was before its jump, with no hazard. With ``once`` a cell stops after a
    jump, and after ``most`` of them it stops anyhow.
    """
    cdef bitgen_t *random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
    cdef Py_ssize_t k, cell, waiting = 0, row
    cdef int s, low, chosen, last = <int>log_rates.shape[1] - 2, i, number = <int>after.shape[1]
    cdef double share, rate, used, inside, mark, time
    with nogil:
        for k in range(at.shape[0]):
            cell, time = at[k], left[k]
            low = min(max(<int>place[k], 0), last)
            share = place[k] - low
            inside = min(max(share, 0.0), 1.0)
            s = state[cell]
            while time > 0.0:
                rate = exp(log_rates[s, low] * (1.0 - share) + log_rates[s, low + 1] * share)
                used = rate * time
                if used < hazard[cell]:
                    hazard[cell] -= used
                    time = 0.0
                    break
                # Both rows first: to draw again where one is missing would favour the other.
                time -= hazard[cell] / rate
                hazard[cell] = 0.0
                if (inside < 1.0 and rows[s, low] < 0) or (inside > 0.0 and rows[s, low + 1] < 0):
                    waiting += 1
                    break
                chosen = low + (uniform(random) < inside)
                row, mark, i = rows[s, chosen], uniform(random), 0
                while i < number - 1 and marks[row, i] < mark:
                    i += 1
                s = after[row, i]
                state[cell], hazard[cell] = s, -log1p(-uniform(random))
                count[k] += 1
                if once or count[k] >= most:
                    break
            left[k] = time if time > 0.0 else 0.0
    return waiting
