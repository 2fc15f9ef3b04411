"""A made-up ensemble of cells with two kinds of states, whose jumps and probes follow closed forms.

In the high state ln(rate) is h + 14 V where the voltage is positive and h - 4 where it is not, in the low one
the other way round; h differs from state to state. A jump goes to a new state of the other kind. Circuits
have no resistance, so that the source's voltage is the cell's.
"""

import numpy as np
import xarray as xr

BIAS = np.round(np.linspace(-1.5, 1.5, 13), 12)
HEAT = np.array([300.0, 350.0])
BARRIER = 6e3  # K
LEVELS = np.log([1e-6, 1e-4])
OFFSETS = np.array([-2.0, 0.0])
DESIGNS = [(volts, time) for volts in (0.5, 0.75, 1.0, -0.5, -0.75, -1.0) for time in (1e-6, 1e-4, 1e-2)]


def log_rate(kind, offset, volts, heat=300.0):
    """Return ln of the rate (1/s) of leaving a state."""
    toward = volts if kind == 0 else -volts
    slope = np.where(toward > 0.0, 14.0 * toward, -4.0)
    return offset + slope - BARRIER * (1.0 / heat - 1.0 / 300.0)


def ensemble(members, seed, *, ends=6, jumps=24, probes=12, faster=0.0):
    """Return the dataset; ``faster`` is added to ln(rate) of what the probes do, not of what is read."""
    random = np.random.default_rng(seed)
    states, pairs, rows = [], [], []
    for _ in range(members):
        mine = [_state(end % 2, random) for end in range(2 * ends)]
        links = []
        for number in range(jumps):
            kind = number % 2
            links.append((len(mine), len(mine) + 1, (1 - 2 * kind) * random.uniform(0.2, 1.5)))
            mine += [_state(kind, random), _state(1 - kind, random)]
        states.append(mine)
        pairs.append(links)
        rows.append([_probe(mine[random.integers(2 * ends)], random, faster) for _ in range(probes)])
    return _dataset(states, pairs, rows, 2 * ends)


def _state(kind, random):
    return kind, LEVELS[kind] + 0.2 * random.standard_normal(), OFFSETS[kind] + random.standard_normal()


def _probe(state, random, faster):
    """Return one hold from a state: it moves once at most, since nothing leads back soon."""
    kind, level, offset = state
    volts, time = DESIGNS[random.integers(len(DESIGNS))]
    moved = random.exponential() < time * np.exp(faster + log_rate(kind, offset, volts))
    return kind, volts, time, level, _state(1 - kind, random)[1] if moved else level


def _dataset(states, pairs, rows, ends):
    def flat(lists, column, kind=float):
        return np.array([one[column] for mine in lists for one in mine], kind)

    kind, level, offset = flat(states, 0, int), flat(states, 1), flat(states, 2)
    rate = np.exp([[log_rate(k, o, BIAS, heat) for heat in HEAT] for k, o in zip(kind, offset, strict=True)])
    place = np.concatenate([np.arange(len(mine)) for mine in states])
    probes = len(flat(rows, 0))
    columns = {
        "state_kind": ("state", np.where(place < ends, kind, -1)),
        "state_level": ("state", level),
        "state_current": (("state", "bias"), np.exp(level)[:, None] * BIAS),
        "state_rate": (("state", "heat", "bias"), rate),
        "jump_from": ("jump", flat(pairs, 0, int)),
        "jump_to": ("jump", flat(pairs, 1, int)),
        "jump_voltage": ("jump", flat(pairs, 2)),
        "probe_kind": ("probe", np.zeros(probes, int)),
        "probe_state": ("probe", flat(rows, 0, int)),
        "probe_voltage": ("probe", flat(rows, 1)),
        "probe_time": ("probe", flat(rows, 2)),
        "probe_temperature": ("probe", np.full(probes, 300.0)),
        "probe_series": ("probe", np.zeros(probes)),
        "probe_limit": ("probe", np.full(probes, np.nan)),
        "probe_before": ("probe", flat(rows, 3)),
        "probe_after": ("probe", flat(rows, 4)),
        "probe_switched": ("probe", np.full(probes, np.nan)),
        "status": ("member", np.zeros(len(states), int)),
        "read_voltage": ((), 0.1),
    }
    for dim, lists in (("state", states), ("jump", pairs), ("probe", rows)):
        columns[f"{dim}_count"] = ("member", np.array([len(mine) for mine in lists]))
    return xr.Dataset(columns, coords={"bias": BIAS, "heat": HEAT})
