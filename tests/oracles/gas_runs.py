"""Runs of a lattice gas by events, to a time or to a condition, and again from a state."""

import numpy as np

LONG = 1e12  # s, longer than any run here


def run(gas, *, events=None, time=None, until=None, **how):
    """Let time pass to a time (s since the gas was made), for some events, or until a condition holds.

    The condition is asked at the start and after each event. Return the record, None where nothing was to do.
    """
    last = None if events is None else gas.events + events
    if events == 0 or (until is not None and until()):
        return None
    duration = LONG if time is None else time - gas.time
    if duration <= 0.0:
        return None

    def ends(*_):
        return gas.events == last or (until is not None and until())

    return gas.hold(duration, stop=None if last is None and until is None else ends, **how)


def put_back(gas, atoms):
    """Put the atoms of a gas back to an `arrangement` of it; clock, counters and random numbers go on."""
    gas.arrange(**atoms)
    gas.draw_hazard()


def look(gas, number, pause, read, **how):
    """Return what is read at equal times (number, ...), ``pause`` (s) apart, the first after one pause."""
    found = []
    gas.hold(number * pause, samples=number + 1, progress=lambda share, _: found.append(read()), **how)
    assert len(found) == number + 1
    return found[1:]


def ends(gas, runs, duration, read, **how):
    """Return what is read at the end of each of some runs of a duration (s) from the present atoms.

    They are parts of one run of the loop, which takes less time to begin than each of them would.
    """
    atoms = gas.arrangement()

    def end():
        value = read()
        put_back(gas, atoms)
        return value

    return look(gas, runs, duration, end, **how)


def passages(gas, runs, until, read=lambda: None, **how):
    """Return when (s) each of some runs from the present atoms meets a condition, and what is read then.

    The condition is asked after each event. The runs are parts of one, as in `ends`.
    """
    atoms, times, found = gas.arrangement(), [gas.time], []

    def stop(*_):
        if until():
            times.append(gas.time)
            found.append(read())
            put_back(gas, atoms)
        return len(found) == runs

    gas.hold(LONG, stop=stop, **how)
    assert len(found) == runs
    return np.diff(times), found
