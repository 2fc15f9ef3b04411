"""Runs of a lattice gas by events, to a time or to a condition, and again from a state."""

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


def restart(gas, start):
    """Put a gas back to a state, with the random numbers going on."""
    gas.engine.restore(start["engine"] | {"random": gas.engine.state()["random"]})
    gas.time, gas.floor_events = start["time"], start["floor_events"]
    gas.draw_hazard()


def look(gas, number, pause, read, **how):
    """Return what is read at equal times (number, ...), ``pause`` (s) apart, the first after one pause."""
    found = []
    gas.hold(number * pause, samples=number + 1, progress=lambda share, _: found.append(read()), **how)
    assert len(found) == number + 1
    return found[1:]
