"""Events of a device one after the other along a line of the source voltage (compiled).

What is Python here happens once for an event at most: an arrangement is looked up or solved, an engine draws
and moves its atoms, a caller gets what it asked for.
"""

import numpy as np

from libc.math cimport INFINITY

from ._circuit cimport Line, divided, straight
from ._extremes cimport note_event, note_heat, note_moment, Point
from .circuit import Circuit
from .fields._event_rates cimport Candidates, EventRates

TRAP_EVENTS = 1000
"""Electronic events in a row after which their occupation is averaged, if they are fast enough."""
cdef long MANY = TRAP_EVENTS


cdef class Loop:
    """Waits and events between two samples; `run.Run` adds these, and what is passed in one step.

    Attributes
    ----------
    state : DeviceState
    solver : Solver
    extremes : Extremes
        Largest current and largest changes of it, of all events.
    start, resolution : float
        Time (s) of the device at the start of the waveform, and the shortest time that its clock can add.
    slope : float
        Of the source voltage (V/s).
    electronic : ndarray of bool
        Whether a mechanism moves electrons only.
    trap_events : int
        Electronic events since an atom moved.
    ended : bool
        Whether ``stop`` has ended the run.
    now : Solved or None
        Of the present arrangement, while nothing may have changed it unseen.
    log, moved : list, dict or None
        What is kept of each event, if anything: all of it, or how often each pair of sites moved.
    left : int
        Events that may still happen, where ``moved`` is kept.
    stop, superbasin, weights : callable, Superbasin, ScoreFunction or None
        What is called at each event, if it is there.
    ramp : TemperatureRamp or None
        Of the electrodes, while their temperature changes.
    margin : float
        Candidates for events over the rates of a step of the temperature; 1 where it stands.
    oxide_heat : OxideHeat or None
        What waits in temperatures that change, where heat takes time.
    """

    cdef public object state, solver, extremes, stop, superbasin, weights, log, moved, ramp, oxide_heat
    cdef public double start, resolution, slope, margin
    cdef public long trap_events, left
    cdef public bint ended
    cdef const unsigned char[::1] _electronic
    cdef readonly object now
    cdef object _circuit
    cdef double _resistance, _low, _high
    cdef bint resting   # at 0 V, and nobody looks
    cdef long _waiting  # sites that wait for a relaxation since `_since` (s)
    cdef double _since
    cdef bint _still      # at 0 V, where no rate follows the bonds
    cdef bint _switching  # two-level sites wait since `_switching_since` (s)
    cdef double _switching_since
    cdef bint _plain    # no load or other way of the circuit's own

    def __init__(self):
        self._electronic = np.empty(0, np.uint8)
        self.margin = 1.0

    @property
    def electronic(self):
        return np.asarray(self._electronic).view(bool)

    @electronic.setter
    def electronic(self, value):
        self._electronic = np.asarray(value).view(np.uint8)

    # ---- time ----------------------------------------------------------------------------------------

    def go(self, double local, double until, double begin, double low, double slope):
        """Let time (s) pass to ``until`` while the source (V) is at low + slope (t - begin); return where."""
        cdef double source, end, ahead
        cdef long waiting
        cdef double first = local
        cdef bint still = slope == 0.0 and low == 0.0 and (self.stop is None or self.superbasin is not None)
        self.now, self.slope, self._still = None, slope, still
        relaxation, sites = self.state.relaxation, self.state.two_level
        # At 0 V no rate follows what relaxes: unless somebody looks all the time it is brought up to date in the end.
        self.resting = relaxation is not None and still
        if self.resting:
            relaxation.rest(self.state.time)
        if sites is not None and still:
            sites.rest(self.state.temperature)
            self._switching, self._switching_since = True, self.start + local
        while local < until and not self.ended:
            source, end = low + slope * (local - begin), until
            if relaxation is not None and not self.resting:
                self._waiting, self._since = len(relaxation.waiting), self.start + local
                end = min(until, local + <double> relaxation.ahead())
            ahead = INFINITY
            if sites is not None and not still:
                if self.begin_sites(source, slope, until - first):
                    self.now = None  # bonds are others
                self._switching, self._switching_since = True, self.start + local
                ahead = local + <double> sites.ahead()
                end = min(end, ahead)
            reached = None
            if slope == 0.0 and self.superbasin is not None and self.superbasin.ready:
                waiting, self._waiting = self._waiting, 0  # relaxations are among the exits of a set
                reached = self.leave_superbasin(local, min(until, ahead), source)
                self.now = None
                if reached is None:
                    self._waiting = waiting
            if reached is None and slope == 0.0 and self.trap_events >= MANY:
                reached = self.passed(local, end, source)
                self.now = None
            local = self._wait(local, end, source, slope) if reached is None else reached
            if local == end < until and self._waiting and relaxation.waiting and end < ahead:
                self._waiting = 0
                self.relax(low + slope * (local - begin))
            elif local == ahead < until and self._switching:
                self._spend(self.start + local)
                self._switch(low + slope * (local - begin))
            self._spend(self.start + local)
        if self.resting:
            relaxation.catch_up(self.state.time, self.state.engine.draw)
        if sites is not None and still:
            # Their states are drawn for the next sample, but for those that are fast between two of them.
            self._switching = False
            self.begin_sites(0.0, 0.0, max(local - first, self.resolution))
            self.now = None
        return local

    cdef int _spend(self, double time) except -1:
        """Let what waited use up its part of the time to a relaxation, or to the switching of a site."""
        if self._waiting:
            self.state.relaxation.wait(self._waiting, time - self._since)
            self._waiting = 0
        if self._switching:
            self.state.two_level.pass_time(time - self._switching_since)
            self._switching, self._switching_since = self._still, time
        return 0

    cpdef int relax(self, double source) except -1:
        """Let the oxide round a site relax, whose bonds are others then."""
        return self._alter(self.state.relaxation.relax, source)

    cdef int _switch(self, double source) except -1:
        """Let a two-level site switch, whose bonds are others then."""
        return self._alter(self.state.two_level.switch, source)

    cdef int _alter(self, change, double source) except -1:
        """Let something change bonds that draws its random numbers from the engine."""
        cdef double conductance
        cdef Point before
        state = self.state
        self._connect()
        conductance = self.set_voltage(source)
        before = self._moment(source, state.device_voltage, state.device_voltage * conductance)
        change(state.engine.draw)
        self._ask(self._changed(before), source)
        return 0

    cdef Point _moment(self, double source, double voltage, double current):
        cdef Point found
        found.source, found.voltage, found.current, found.time = source, voltage, current, self.state.time
        return found

    cdef double _changed(self, Point before) except? -1.0:
        """Take note of what an event, or a relaxation, has made of a moment; return the current (A) after it."""
        cdef double conductance = self._conductance(before.source), voltage
        cdef Point after
        if self.stop is None and self._plain and 0.0 <= conductance < INFINITY:
            # Nobody looks at the device before the next sample, which sets its voltage.
            voltage = divided(before.source, conductance, self._resistance, self._low, self._high)
        else:
            self.state.set_voltage(before.source, conductance)
            voltage = self.state.device_voltage
        after = self._moment(before.source, voltage, voltage * conductance)
        note_event(self.extremes, before, after, self._low, self._high, self.slope)
        return after.current

    cdef int _ask(self, double current, double source) except -1:
        """Ask the caller whether the run ends with this current (A)."""
        if self.stop is not None:
            self.now = None  # what is called may look at other arrangements
            if self.stop(current):
                self.ended = True
                self.take_sample(self.state.time - self.start, source)
        return 0

    def begin_sites(self, double source, double slope, double span):
        """Let two-level sites take the temperatures of the present network; return whether bonds are others then."""
        return False

    def leave_superbasin(self, double begin, double end, double source):
        """Return where the run is after a set of arrangements that it leaves, None where there is none."""
        return None

    def passed(self, double begin, double end, double source):
        """Return where the run is after what it passes in one step, None where there is nothing to pass."""
        return None

    cdef double _wait(self, double begin, double end, double source, double slope) except? -1.0:
        """Wait for the next event, for a change of the circuit's regime, or to the end; return where."""
        cdef double elapsed, left, reached, voltage, applied
        cdef EventRates events
        cdef Line line
        cdef int chosen
        # The atoms stand, so the device is one resistor or follows one law: its voltage is straight in time,
        # over a small step, until a limit of the circuit begins or ends to act.
        if self.now is None:
            self.now = self.solver.solved()
        now, state = self.now, self.state
        self._line(now, source, slope, end - begin, &line)
        if line.slope == 0.0 != slope and not self.extremes.limited:
            # A limit begins to act between two events.
            self.look(source, line.voltage, now.current(line.voltage))

        # The total rate along that line uses up the hazard, or the line ends first and the rest is kept.
        events = now.events if now.make_ends is None else now.at(line.voltage, line.slope)
        if self.oxide_heat is None:
            elapsed, left = events.advance(line.voltage, line.slope, line.duration, state.hazard / self.margin)
        else:
            elapsed, left = self.oxide_heat.wait(now, line.voltage, line.slope, line.duration, state.hazard)
        reached = begin + elapsed if elapsed < end - begin else end
        state.pass_time(self.start + reached, left * self.margin)
        if self.weights is not None:
            self.weights.wait(now, (line.voltage, line.slope), (source, slope), elapsed)
        if left == 0.0:
            voltage = line.voltage + line.slope * elapsed
            applied = source + slope * elapsed
            chosen = self.draw_event(now, voltage)
            if self.ramp is not None and not self._accepted(now, voltage, reached, chosen):
                state.draw_hazard()
                return reached
            if self.weights is not None:
                self.weights.event(now, voltage, applied, chosen)
            self.fire(now, applied, voltage, chosen)
        return reached

    cdef bint _accepted(self, now, double voltage, double local, int chosen) except -1:
        """Whether a candidate for an event happens at the temperature of a time (s) on the ramp."""
        cdef EventRates events = now.at(voltage)
        cdef double kept = events.rate_at(chosen, voltage, self.ramp.at(local)) / (
            self.margin * events.rate_at(chosen, voltage, events.ambient))
        return <double> self.state.engine.draw() < kept

    cdef int _connect(self) except -1:
        """Keep the numbers of the circuit, which is another one when the caller replaced it."""
        if self.state.circuit is not self._circuit:
            self._circuit = self.state.circuit
            self._resistance = self._circuit.series_resistance
            self._low, self._high = self._circuit.limits
            self._plain = type(self._circuit) is Circuit
        return 0

    cdef int _line(self, now, double source, double slope, double duration, Line* line) except -1:
        """Work out how the voltage of the device goes while the source moves straight."""
        self._connect()
        if self._plain and now.law is None and now.make_ends is None:
            line[0] = straight(source, slope, duration, now.conductance, self.resolution,
                               self._resistance, self._low, self._high)
        else:
            line.voltage, line.slope, line.duration = now.ramp(
                self._circuit, source, slope, duration, self.resolution)
        return 0

    # ---- events --------------------------------------------------------------------------------------

    cpdef int draw_event(self, now, double voltage, bint atoms_only=False) except -1:
        """Draw the event that happens, of all or of those that move atoms."""
        cdef EventRates events = now.at(voltage) if now.make_ends is not None else now.events
        draw = self.state.engine.draw()
        if not atoms_only:
            return events.pick(voltage, draw) if self.oxide_heat is None else self.oxide_heat.pick(
                events, voltage, draw)
        events.total(voltage)
        columns = events.arrays()
        rate = np.where(self.electronic[columns["mechanism"]], 0.0, columns["rate"])
        return min(int(np.searchsorted(np.cumsum(rate), draw * rate.sum(), side="right")), len(rate) - 1)

    cpdef fire(self, now, double source, double voltage, int chosen):
        """Let an event happen, and do what follows every event."""
        cdef EventRates events = now.at(voltage) if now.make_ends is not None else now.events
        cdef double current, heated
        cdef Point before
        cdef int mechanism, direction, a, b
        state = self.state
        cdef Candidates of = events.candidates
        mechanism, direction = of.mechanism[chosen], of.direction[chosen]
        a, b = of.site_a[chosen], of.site_b[chosen]
        self.trap_events = self.trap_events + 1 if self._electronic[mechanism] else 0
        if self.log is not None:
            self.log.append((state.time, mechanism, direction, a, b))

        # The atoms move, and the wait for the next event begins.
        current = voltage * <double> now.conductance if now.law is None else now.law(voltage)
        before = self._moment(source, voltage, current)
        heated = events._rise(chosen, voltage) if self.oxide_heat is None else <double> self.oxide_heat.event_rise(
            events, voltage, chosen)
        note_heat(self.extremes, events.ambient + heated, self.start, state.time)
        if self.resting:
            state.relaxation.catch_up(state.time, state.engine.draw, (a, b) if self.stop is None else None)
        self._spend(state.time)
        state.carry_out(mechanism, direction, a, b, events.at_floor(chosen, voltage))
        current = self._changed(before)
        if self.superbasin is not None:
            self.superbasin.observe()
        state.draw_hazard()

        # What the caller asked for may end the run: a number of events, or a condition of its own.
        if self.moved is not None:
            moved = (mechanism, min(a, b), max(a, b))
            self.moved[moved] = self.moved.get(moved, 0) + 1
            self.spend_event(source)
        self._ask(current, source)

    cpdef int spend_event(self, double source) except -1:
        """Take one of the events that a run with a budget may have."""
        self.left -= 1
        if self.left < 0:
            self.set_voltage(source)
            self.refuse_more_events()
        return 0

    # ---- what is recorded ----------------------------------------------------------------------------

    cpdef look(self, double source, double voltage, double current):
        """Take note of the current of this moment."""
        self._connect()
        note_moment(self.extremes, self._moment(source, voltage, current), self._low, self._high, self.slope)

    cpdef double set_voltage(self, double source) except? -1.0:
        """Apply a source voltage (V); return current over voltage (S) at the operating point."""
        cdef double conductance = self._conductance(source)
        self.state.set_voltage(source, conductance)
        return conductance

    cdef double _conductance(self, double source) except? -1.0:
        """Return current over voltage (S) of the present arrangement at a source voltage (V)."""
        now = self.now = self.solver.solved()
        self._connect()
        return now.conductance if now.law is None else now.chord(self._circuit, source)
