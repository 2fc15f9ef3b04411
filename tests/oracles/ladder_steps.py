"""A ladder of an export by small steps at constant voltages, written apart from the circuits."""

import numpy as np
from scipy.optimize import brentq


def table(volts, row, at):
    """Return a straight-line table at a voltage; beyond its ends the last line goes on."""
    low = int(np.clip(np.searchsorted(volts, at) - 1, 0, len(volts) - 2))
    share = (at - volts[low]) / (volts[low + 1] - volts[low])
    return row[low] + share * (row[low + 1] - row[low])


def by_steps(ladder, corners, source, series, *, step, start=0, heat=None):
    """Return times (s), states and currents (A) of a cell behind a resistance (ohm) under a source (V)."""
    heat = ladder.temperature if heat is None else heat
    times = np.linspace(0.0, corners[-1], round(corners[-1] / step) + 1)
    volts, top = np.interp(times, corners, source), len(ladder.log_rate) - 1
    used, passed, states, amps = [0.0, 0.0], [0, 0], [], []
    marks = (ladder.ups, ladder.downs)

    def state():
        return int(np.clip(start + passed[0] - passed[1], 0, top))

    def current(v, s):
        return v * np.exp(table(ladder.volts, ladder.log_conductance[s], v))

    def divided(u, s):
        side = sorted((-1e-12, u + np.copysign(1e-12, u)))
        return 0.0 if u == 0.0 else brentq(lambda v: v + series * current(v, s) - u, *side, xtol=1e-13)

    for u, width in zip(volts, np.diff(times, append=times[-1]), strict=True):
        left = width
        while True:
            s = state()
            v = divided(u, s)
            way = 0 if v > 0.0 else 1
            barred = s == (top if way == 0 else 0) or passed[way] == len(marks[way]) or v == 0.0
            if barred:
                break
            log = table(ladder.volts, ladder.log_rate[s], v)
            log += table(ladder.volts, ladder.activation[s], v) * (1.0 / heat - 1.0 / ladder.temperature)
            needed = (marks[way][passed[way]] - used[way]) / np.exp(log)
            if needed > left:
                used[way] += left * np.exp(log)
                break
            used[way], left = marks[way][passed[way]], left - needed
            passed[way] += 1
        states.append(state())
        amps.append(current(divided(u, state()), state()))
    return times, np.array(states), np.array(amps)
