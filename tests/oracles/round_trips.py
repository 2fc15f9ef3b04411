"""Events of a device and those that undo them: what both cost must cancel."""

import numpy as np

A = 0.26e-9
FALSE_ALARM = 1e-4


def way_back(device, event, after):
    """Return the index in ``after`` of the reverse of an event that was carried out."""
    same = after["mechanism"] == event["mechanism"]
    if device.chemistry.mechanisms[event["mechanism"]].is_own_reverse:
        same &= (after["site_a"] == event["site_b"]) & (after["site_b"] == event["site_a"])
    else:
        same &= (after["site_a"] == event["site_a"]) & (after["site_b"] == event["site_b"])
        same &= after["direction"] != event["direction"]
    found = np.flatnonzero(same)
    assert len(found) == 1
    return int(found[0])


def sample(events, each, rng):
    """Return up to ``each`` random events of every mechanism and direction."""
    kinds = events["mechanism"].astype(int) * 2 + events["direction"]
    return np.concatenate([rng.permutation(np.flatnonzero(kinds == k))[:each] for k in np.unique(kinds)])


def stated(device):
    """Return the stated error of an energy (eV): 2 e at two places, at the present voltage."""
    now = device.solved()
    return 4 * (now.solver_error + now.removal_error) * abs(device.device_voltage)


def round_trips(device, each, rng):
    """Yield what each of some events and its way back cost together (eV), and what is stated of both."""
    start, events = device.engine.state(), device.transitions()
    bound = stated(device)
    for k in rng.permutation(len(events))[:each]:
        device.engine.restore(start)
        device.fire(int(k))
        after = device.transitions()
        back = after[way_back(device, events[k], after)]
        yield events["energy"][k] + back["energy"], bound + stated(device)
