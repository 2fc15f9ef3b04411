"""Markov chains of a few states: how long they stay in each, when and from which they leave a set.

The time of leaving is drawn from the exact law and the state from the exact probabilities. The one approximation is
a first time step of 1e-9 of the shortest mean wait, so probabilities are right to about 1e-9 (relative).

References
----------
M. A. Novotny, Phys. Rev. Lett. 74, 1 (1995), doi:10.1103/PhysRevLett.74.1
K. A. Fichthorn and Y. Lin, J. Chem. Phys. 138, 164104 (2013), doi:10.1063/1.4801869
"""

import numpy as np

cimport cython
from cpython.pycapsule cimport PyCapsule_GetPointer
from numpy.random cimport bitgen_t

cdef enum:
    STATES = 16         # most states
    LEVELS = 128        # doublings of the time step: of 1e-22 s, at rates of 1e13, to any span

cdef double FIRST = 1e-9    # of the shortest mean wait: first time step
cdef double CLOSED = 1e14   # events within a set that is as good as closed


cdef bint mean_times_within(double* rate, int n, double* total, double* time) noexcept nogil:
    """Mean time (s) in each of n states, entered at the first, before they are left; false if they never are.

    ``rate`` has rows of n + 1, rates between the states (the diagonal is not read) and out of them, and is
    used up; ``total`` is work space. One state after another is taken out, the last first, and nothing is
    subtracted: right to rounding however often states change places before they are left.
    """
    cdef int i, j, k, width = n + 1
    cdef double share
    for k in range(n - 1, -1, -1):
        total[k] = rate[k * width + n]
        for j in range(k):
            total[k] += rate[k * width + j]
        if not total[k] > 0.0:
            return False
        # Who went to it goes on to where it leads; back to where one came from is no change.
        for i in range(k):
            share = rate[i * width + k] / total[k]
            for j in range(k):
                if j != i:
                    rate[i * width + j] += share * rate[k * width + j]
            rate[i * width + n] += share * rate[k * width + n]
    for k in range(n):
        time[k] = k == 0
        for i in range(k):
            time[k] += time[i] * rate[i * width + k]
        time[k] /= total[k]
    return True


def mean_times(const double[:, :] inner, const double[:] leave):
    """Return the mean time in each of some states, entered at the first, before they are left.

    Parameters
    ----------
    inner : (n, n) float64
        Rates between the states (1/s); the diagonal is not read.
    leave : (n,) float64
        Rate out of the set from each state (1/s).

    Returns
    -------
    (n,) float64 or None
        (s), right to rounding; None where the set, or a part of it, is never left.

    References
    ----------
    W. K. Grassmann, M. I. Taksar and D. P. Heyman, Oper. Res. 33, 1107 (1985), doi:10.1287/opre.33.5.1107
    """
    cdef int n = leave.shape[0]
    if n < 1 or inner.shape[0] != n or inner.shape[1] != n:
        shape = inner.shape[0], inner.shape[1]
        raise ValueError(f"rates between {n} states must be of shape {(n, n)}, got {shape}")
    cdef double[:, ::1] rate = np.column_stack([inner, leave])
    cdef double[::1] total = np.empty(n)
    time = np.empty(n)
    cdef double[::1] found = time
    return time if mean_times_within(&rate[0, 0], n, &total[0], &found[0]) else None


def stationary(const double[:, :] rates):
    """Return the share of the time that a chain spends in each of its states, shape (n,); NaN if one traps it.

    Parameters
    ----------
    rates : (n, n) float64
        Rates between the states (1/s); the diagonal is not read.

    Notes
    -----
    The mean times between two entries into the first state, which is what leaves the others lead to.
    """
    inner = np.array(rates)
    back = inner[:, 0].copy()
    # Who leaves the first state comes back; what leads there ends the round.
    inner[:, 0] = back[0] = 0.0
    time = mean_times(inner, back)
    return np.full(len(inner), np.nan) if time is None else time / time.sum()


@cython.auto_pickle(False)
cdef class Chain:
    """Rates between a few states and out of them; entered at state 0."""

    cdef int n                          # states 0 to n - 1
    cdef double inner[STATES][STATES]   # 1/s, between states
    cdef double leave[STATES]           # 1/s, out of the set
    # powers of the one-step matrix
    cdef double[:, :, ::1] step         # [level, from, to]
    cdef double[:, ::1] lost            # [level, from]
    cdef int n_levels
    cdef double first                   # s, time step of level 0

    def __init__(self):
        self.step = np.zeros((LEVELS, STATES, STATES))
        self.lost = np.zeros((LEVELS, STATES))

    cdef double _inner_events(self) noexcept nogil:
        """Mean number of events within the set before it is left."""
        cdef double rate[STATES * (STATES + 1)]
        cdef double row[STATES]
        cdef double total[STATES]
        cdef double time[STATES]
        cdef double mean = 0.0, out = 0.0
        cdef int i, j, n = self.n
        for i in range(n):
            row[i] = 0.0
            for j in range(n):
                rate[i * (n + 1) + j] = self.inner[i][j]
                row[i] += self.inner[i][j]
            rate[i * (n + 1) + n] = self.leave[i]
            out += self.leave[i]
        if out <= 0.0:
            return 0.0
        if not mean_times_within(rate, n, total, time):
            return CLOSED
        for i in range(n):
            mean += time[i] * row[i]
        return mean if mean < CLOSED else CLOSED

    def mean_events(self, const double[:, ::1] inner, const double[::1] leave):
        """Mean number of events within a set of states, entered at state 0, before it is left.

        Parameters
        ----------
        inner : (n, n) float64
            Rates between the states (1/s), n at most 16; the diagonal is not read.
        leave : (n,) float64
            Rate out of the set from each state (1/s).
        """
        self._take(inner, leave)
        return self._inner_events()

    def leave_by(self, const double[:, ::1] inner, const double[::1] leave, double span, bit_generator):
        """Draw from the exact law when and from which state a set, entered at state 0, is left.

        Parameters
        ----------
        inner, leave : ndarray
            As for `mean_events`; some ``leave`` is above 0.
        span : float
            Longest time (s).
        bit_generator : numpy.random.BitGenerator

        Returns
        -------
        time : float
            Time of the exit (s), or ``span``.
        state : int
            State that it is left from, or where it is then.
        left : bool
            Whether it was left.
        """
        cdef bitgen_t* random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        cdef int state = 0
        cdef bint left = False
        cdef double time
        self._take(inner, leave)
        with bit_generator.lock, nogil:
            self._double(span)
            time = self._sample(random, span, &state, &left)
        return time, state, left

    def _take(self, const double[:, ::1] inner, const double[::1] leave):
        cdef int i, j
        if not 1 <= leave.shape[0] <= STATES:
            raise ValueError(f"a set must have 1 to {STATES} states, got {leave.shape[0]}")
        self.n = leave.shape[0]
        for i in range(self.n):
            self.leave[i] = leave[i]
            for j in range(self.n):
                self.inner[i][j] = 0.0 if i == j else inner[i, j]

    cdef void _double(self, double span) noexcept nogil:
        """Square the matrix of one short time step until it covers ``span`` (s) or empties the set."""
        cdef int i, j, k, level = 0, n = self.n
        cdef double most = 0.0, total, least
        for i in range(n):
            total = self.leave[i]
            for j in range(n):
                total += self.inner[i][j]
            most = total if total > most else most
        # Within so short a step two events are as good as impossible: one step is linear in the rates.
        self.first = FIRST / most
        for i in range(n):
            self.lost[0, i] = total = self.leave[i] * self.first
            for j in range(n):
                self.step[0, i, j] = self.inner[i][j] * self.first
                total += self.step[0, i, j]
            self.step[0, i, i] = 1.0 - total
        # Each squaring doubles the time covered.
        least = 0.0
        while level + 1 < LEVELS and least < 0.999 and self.first * 2.0**level <= span:
            least = 1.0
            for i in range(n):
                self.lost[level + 1, i] = self.lost[level, i]
                for j in range(n):
                    self.step[level + 1, i, j] = 0.0
                for k in range(n):
                    self.lost[level + 1, i] += self.step[level, i, k] * self.lost[level, k]
                    for j in range(n):
                        self.step[level + 1, i, j] += self.step[level, i, k] * self.step[level, k, j]
                # all terms are positive; with rows of sum 1 rounding does not double at each level
                total = self.lost[level + 1, i]
                for j in range(n):
                    total += self.step[level + 1, i, j]
                self.lost[level + 1, i] /= total
                for j in range(n):
                    self.step[level + 1, i, j] /= total
                least = self.lost[level + 1, i] if self.lost[level + 1, i] < least else least
            level += 1
        self.n_levels = level + 1

    cdef double _sample(self, bitgen_t* random, double span, int* state, bint* left) noexcept nogil:
        """Draw when (s, at most ``span``) and from which state the set is left; or where it is at ``span``."""
        cdef double weight[STATES]
        cdef double after[STATES]
        cdef double aim = random.next_double(random.state), more, time = 0.0, rest = span, wait, hazard = 0.0
        cdef int i, j, level
        for i in range(self.n):
            weight[i] = i == 0
        # Longest steps first: each is taken while it loses less than is still to be lost. They are held against
        # what is left of the span, exact, since a short step added to a long time may leave it as it is.
        for level in range(self.n_levels - 1, -1, -1):
            wait = self.first * 2.0**level
            while wait <= rest:
                more = 0.0
                for i in range(self.n):
                    more += weight[i] * self.lost[level, i]
                if more > aim or more <= 0.0:
                    break
                for j in range(self.n):
                    after[j] = 0.0
                    for i in range(self.n):
                        after[j] += weight[i] * self.step[level, i, j]
                for j in range(self.n):
                    weight[j] = after[j]
                aim -= more  # what is still to be lost; never a difference of two numbers close to 1
                time += wait
                rest -= wait
        # The rest is shorter than the first step, in which the chance of leaving grows linearly.
        for i in range(self.n):
            hazard += weight[i] * self.leave[i]
        if hazard <= 0.0:  # the weights have died out, as happens once in 1e16
            for i in range(self.n):
                weight[i] = self.leave[i]
            hazard = 1e300
        wait = aim / hazard
        left[0] = time + wait <= span
        if left[0]:
            for i in range(self.n):
                weight[i] *= self.leave[i]
        state[0] = self._pick(weight, random.next_double(random.state))
        return time + wait if left[0] else span

    cdef int _pick(self, const double* weight, double u) noexcept nogil:
        cdef int i, last = 0
        cdef double total = 0.0
        for i in range(self.n):
            total += weight[i]
        u *= total
        for i in range(self.n):
            if weight[i] > 0.0:
                last = i
                if u < weight[i]:
                    break
                u -= weight[i]
        return last
