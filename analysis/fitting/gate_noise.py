"""Acceptance test of the noise layers of a card, on devices that they were not fitted to.

As in :mod:`.gate`: two halves of the held-out devices give the noise floor, a half and as many devices of the
card the value, and twice the floor is the limit.
"""

from collections.abc import Collection

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import rankdata

from ...cells.card import Card, CardError
from ...cells.noise import RelaxationLaw
from ...typing import Floats, Index
from ..statistics.comparison import (
    LARGEST_CORRELATION,
    LARGEST_KS,
    Comparison,
    halves,
    ks_distance,
    of_splits,
)
from .observations import ObservationError
from .relaxation_fit import continuous

FEWEST = 16
"""Held-out devices of a state that the test needs."""

BANDS = 3
"""Bands of starts, of equally many devices, in each of which a continuous law is judged."""

TRAPS = {"amplitude": "amplitudes", "high": "times in the high state", "low": "times in the low state"}


def judge_rtn(table: xr.Dataset, card: Card, *, seed: int = 0) -> list[Comparison]:
    """Return the rows of random telegraph noise, four of each state.

    Parameters
    ----------
    table : xarray.Dataset
        Of held-out devices, from :func:`.noise_fit.trap_table`, with traces like those of the fit.
    card : Card
    seed : int

    Raises
    ------
    CardError
        The card has no such layer, or not this state.
    ObservationError
        A state has too few devices.
    """
    if card.rtn_law is None:
        raise CardError(f"card {card.name} has no layer of random telegraph noise")
    states = {state.name: state for state in card.rtn_law.states}
    comparisons = []
    for name, devices in _by_state(table["state"].values, states, card, np.isfinite(table["number"].values)):
        number = table["number"].values[devices].astype(int)
        columns = {key: table[key].values for key in TRAPS}
        trap_device = table["trap_device"].values
        kinds = {
            "number of traps": [[float(n)] for n in number],
            **{label: [columns[key][trap_device == d] for d in devices] for key, label in TRAPS.items()},
        }
        for label, rows in kinds.items():
            floors, values = [], []
            for first, second, random in halves(len(devices), seed):
                parts = [np.concatenate([rows[i] for i in part]) for part in (first, second)]
                conductances = _drawn(card, states[name].conductance, len(first), random)[label]
                floors.append(_distance(parts[0], parts[1]))
                values.append(_distance(parts[0], conductances))
            comparisons.append(Comparison.of(f"rtn {name}: {label}", values, floors, largest=LARGEST_KS))
    return comparisons


def judge_relaxation(data: xr.Dataset, card: Card, *, seed: int = 0) -> list[Comparison]:
    """Return the rows of relaxation: shifts after first and last time, their change, their memory.

    The memory is the correlation of ranks of the first and the last shift, of a continuous law in each of
    three bands of starts: distributions alone do not see whether a late read is of the same device.

    Parameters
    ----------
    data : xarray.Dataset
        Of held-out devices, as for :func:`.noise_fit.fit_relaxation`.
    card : Card
    seed : int

    Raises
    ------
    CardError
        The card has no such layer, or not this state.
    ObservationError
        A state has too few devices.
    """
    law = card.relaxation_law
    if law is None:
        raise CardError(f"card {card.name} has no layer of relaxation")
    time = data["time"].values[[0, -1]]
    g = data["conductance"].transpose("device", "time").values[:, [0, -1]]
    start = data["start"].values
    states = data["state"].values if "state" in data else np.full(len(g), "all")
    states_of = {"all"} if continuous(law) else {state.name for state in law.states}
    comparisons = []
    for name, devices in _by_state(states, states_of, card, np.isfinite(g).all(axis=1)):
        floors, values = [], []
        for places, others, random in halves(len(devices), seed):
            first, second = devices[places], devices[others]
            sampled = law.relax(start[second], time, random).T
            measured = _shifts(g[first], start[first])
            floors.append(_each(name, measured, _shifts(g[second], start[second])))
            values.append(_each(name, measured, _shifts(sampled, start[second])))
        comparisons += of_splits(values, floors, dict.fromkeys(values[0], LARGEST_KS))
        comparisons += _memories(name, law, (start[devices], g[devices], time), seed)
    return comparisons


def _memories(
    name: str, law: RelaxationLaw, reads: tuple[Floats, Floats, Floats], seed: int
) -> list[Comparison]:
    """Return the rows of the memory of a state, in bands of starts where the law is continuous in them."""
    start, g, time = reads
    order = np.argsort(start, kind="stable")
    parted = continuous(law) and len(start) >= BANDS * FEWEST
    rows = []
    for band in np.array_split(order, BANDS if parted else 1):
        where = f" near {np.median(start[band]):.2g} S" if parted else ""
        floors, values = [], []
        for places, others, random in halves(len(band), seed, 1):
            first, second = band[places], band[others]
            sampled = law.relax(start[second], time, random).T
            measured = memory(g[first], start[first])
            floors.append(abs(memory(g[second], start[second]) - measured))
            values.append(abs(memory(sampled, start[second]) - measured))
        label = f"relaxation {name}: memory{where}"
        rows.append(Comparison.of(label, values, floors, largest=LARGEST_CORRELATION))
    return rows


def memory(g: Floats, start: Floats) -> float:
    """Return the correlation of ranks of the first and the last shift (devices, times)."""
    ranks = rankdata(g[:, [0, -1]] / start[:, None], axis=0) - 0.5 * (len(start) + 1)
    size = float(np.sqrt(np.prod(np.sum(ranks**2, axis=0))))
    return float(ranks[:, 0] @ ranks[:, 1]) / size if size > 0 else 0.0


def _by_state(
    states: NDArray[np.str_], known: Collection[str], card: Card, usable: NDArray[np.bool_]
) -> list[tuple[str, Index]]:
    groups = []
    for name in dict.fromkeys(str(state) for state in states):
        if name not in known:
            raise CardError(f"card {card.name} has no noise of state {name}, it has {', '.join(known)}")
        devices = np.flatnonzero((states == name) & usable)
        if len(devices) < FEWEST:
            raise ObservationError(
                f"validation needs at least {FEWEST} held-out devices of state {name}, got {len(devices)}: "
                "measure more devices, or hold out a larger part"
            )
        groups.append((name, devices))
    return groups


def _drawn(card: Card, conductance: float, devices: int, random: np.random.Generator) -> dict[str, Floats]:
    traps = card.rtn(np.full(devices, conductance), random)
    return {
        "number of traps": np.bincount(traps.cell, minlength=devices).astype(float),
        **{label: getattr(traps, key) for key, label in TRAPS.items()},
    }


def _distance(one: Floats, other: Floats) -> float:
    """Return the distance of Kolmogorov and Smirnov; 1 if only one of both is empty."""
    if not one.size or not other.size:
        return float(one.size != other.size)
    return ks_distance(one, other)


def _shifts(g: Floats, start: Floats) -> Floats:
    """Return the relative shifts at the first and the last time and between them."""
    return np.column_stack([g / start[:, None] - 1.0, (g[:, 1] - g[:, 0]) / start])


def _each(state: str, one: Floats, other: Floats) -> dict[str, float]:
    names = [f"relaxation {state}: {name}" for name in ("first time", "last time", "in between")]
    return {name: _distance(a, b) for name, a, b in zip(names, one.T, other.T, strict=True)}
