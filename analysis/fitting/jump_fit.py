"""From what an ensemble measured of its states and jumps to the jump-process model of a card.

The rates are the devices' own; nothing is fitted to them. What is chosen is how alike two states must be for
the jumps of one to stand for those of the other, and how much of what distinguishes them is carried over a
jump: number of neighbours, four scales and two shares, by the predictive density of the jumps of devices
that were left out. Jumps at rest, under a positive and under a negative voltage count alike: those at rest
are few, and others do not stand for them. Where the ensemble has probes, all but two of the scales are then
those with which cells predict the probes of devices left out best (:mod:`.jump_probes`): what many jumps in
a row lead to is not in the density of one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...cells._jump_law import JumpKernel
from ...cells.jumps import CURRENT_STEP, RATE_STEP, JumpLaw, classes, evenly, quantised
from ...typing import Floats, Index
from . import jump_probes
from .observations import FINISHED, ObservationError, entries, rounded

if TYPE_CHECKING:
    import xarray as xr

MOST = 3000
"""Jumps of a law, which bounds the file of a card (some 2 MB)."""

JUDGED = 600
"""Jumps whose density chooses the scales, as many of each class of voltages where there are so many."""

FOLDS = 4
PROBE_FOLDS = 2
LEVEL_WIDTH, RATE_WIDTH = 0.1, 1.0
"""Widths, in ln(conductance) and ln(rate), of the density of states to come (t of one degree of freedom)."""

CHOICES: dict[str, tuple[float, ...]] = {
    "neighbours": (1, 2, 4, 8, 16, 32, 64),
    "level_scale": (0.125, 0.25, 0.5, 1.0, 2.0),
    "rate_scale": (0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
    # Wider ones predict single jumps a little better, but let those under voltage stand for rest: of
    # 188 rests of LRS of devices of HfO2 0.5 % switched, of cells 6 % with 0.1 V and 15 % with 0.2 V.
    "voltage_scale": (0.025, 0.05, 0.1),
    # At 1 a cell never forgets, and LRS ends at higher conductances with every jump.
    "carry": (0.0, 0.25, 0.5, 0.75, 0.9),
    "rest_carry": (0.0, 0.25, 0.5, 0.75, 0.9),
    "rest_scale": (4.0, 8.0, 16.0),
}
"""Values that are tried, one number at a time, from those of :class:`.JumpLaw` on."""

PROBED: dict[str, tuple[float, ...]] = {
    # The density of one jump asks for as many neighbours as there are, which smooths it; what it chose stays
    # where no fewer predict more.
    "neighbours": (8, 16, 32),
    "level_scale": (0.25, 0.5, 1.0),
    **{name: CHOICES[name] for name in ("rest_scale", "carry", "rest_carry")},
}
"""Values of what probes decide where there are any, beside those that single jumps chose."""

REST_SCALE = 8.0
"""From which the search of this scale begins. What has just moved relaxes at some 1e6 per s, what stands is
left in years: 30 and more in ln(rate)."""


def measured(data: "xr.Dataset") -> bool:
    """Tell whether an ensemble holds jumps between states that were read."""
    return "jump_count" in data and data["jump_count"].dims == ("member",) and bool(data["jump_count"].sum())


def finished(data: "xr.Dataset") -> Index:
    """Return the places along ``member`` of the members that were run to their end."""
    return np.flatnonzero(data["status"].values == FINISHED)


def fit(data: "xr.Dataset", members: Index, *, seed: int = 0) -> tuple[JumpLaw, dict[str, Any]]:
    """Return the jump-process model of some members, and how it was made.

    Parameters
    ----------
    data : xarray.Dataset
        An ensemble with a table ``measure``.
    members : ndarray of int
        Places along ``member`` of the devices to take, at least two.
    seed : int

    Returns
    -------
    JumpLaw
    dict
        For the provenance of a card: ``devices``, ``jumps``, ``states``, ``left_out`` and ``score``, the mean
        logarithm of the predictive density of single jumps; with probes also ``probes``, that of theirs.

    Raises
    ------
    ObservationError
        There are no end states, or jumps of fewer than two devices.
    """
    random = np.random.default_rng([seed, 6])
    law, owner, home, left_out = gathered(data, members, random)
    devices = np.unique(owner)
    if devices.size < 2:
        raise ObservationError(f"a jump-process model needs at least two devices, got {devices.size}")
    law, best = chosen(law, owner, random)
    notes: dict[str, Any] = {"devices": int(devices.size), "jumps": len(law.before), "states": len(law.level)}
    notes |= {"left_out": left_out, "score": best}
    if "probe_count" in data and np.any(data["probe_count"].values[members]):
        law, predicted = by_probes(law, data, owner, home, seed)
        notes |= {} if predicted is None else {"probes": predicted}
    return law, notes


def gathered(
    data: "xr.Dataset", members: Index, random: np.random.Generator
) -> tuple[JumpLaw, Index, Index, int]:
    """Return the law with default scales, the member of each jump and state, and how many jumps are left out.

    That are those beside a state that nothing can leave at one of the voltages, or whose current does not
    rise with the voltage.
    """
    counts = data["state_count"].values
    offset = np.concatenate([[0], np.cumsum(counts)])
    owner = np.repeat(np.arange(len(counts)), data["jump_count"].values)
    jump_entries = entries(data, "jump", members)
    sides = (
        np.stack([data[name].values[jump_entries] for name in ("jump_from", "jump_to")])
        + offset[owner[jump_entries]]
    )
    heats = np.argsort(data["heat"].values)
    rate, current, usable = _quantised(data, heats)
    is_usable = np.all(usable[sides], axis=0)
    kept_jumps = np.flatnonzero(is_usable)
    if kept_jumps.size > MOST:
        level = data["state_level"].values[sides[0, kept_jumps]]
        volts = data["jump_voltage"].values[jump_entries][kept_jumps]
        kept_jumps = kept_jumps[evenly(level, volts, MOST, random)]
    kind = data["state_kind"].values
    own_states = entries(data, "state", members)
    end_states = own_states[(kind[own_states] >= 0) & usable[own_states]]
    if not end_states.size:
        raise ObservationError("a jump-process model needs states after a RESET or a SET: measure.cycles")
    states, place_of = np.unique(np.concatenate([end_states, *sides[:, kept_jumps]]), return_inverse=True)
    before, after = place_of[len(end_states) :].reshape(2, -1)
    # Sides of jumps are read again where they are end states too: those that cells start in keep their kind.
    law = JumpLaw(
        voltages=data["bias"].values + 0.0,  # no -0.0
        temperatures=data["heat"].values[heats],
        level=rounded(data["state_level"].values[states]),
        current=current[states],
        rate=rate[states],
        kind=kind[states].astype(np.int64),
        before=before,
        after=after,
        jump_voltage=rounded(data["jump_voltage"].values[jump_entries][kept_jumps]),
        read_voltage=float(data["read_voltage"]),
        rest_scale=REST_SCALE,
    )
    home = np.repeat(np.arange(len(counts)), counts)[states]
    return law, owner[jump_entries][kept_jumps], home, int(np.count_nonzero(~is_usable))


def _quantised(data: "xr.Dataset", heats: Index) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return rates and currents of all states to the steps of a card, and of which both make a law."""
    rate, volts = data["state_rate"].values[:, heats], data["bias"].values
    not_zero = volts != 0.0
    conductance = data["state_current"].values[:, not_zero] / volts[not_zero]
    usable = np.all(rate > 0.0, axis=(1, 2)) & np.all(conductance > 0.0, axis=1)
    current = np.zeros((len(rate), len(volts)))
    current[:, not_zero] = volts[not_zero] * quantised(
        np.where(conductance > 0.0, conductance, 1.0), CURRENT_STEP
    )
    usable &= np.all(np.diff(current, axis=1) > 0.0, axis=1)
    return quantised(np.where(rate > 0.0, rate, 1.0), RATE_STEP), current, usable


def chosen(law: JumpLaw, owner: Index, random: np.random.Generator) -> tuple[JumpLaw, float]:
    """Return the law with the numbers that predict the jumps of devices left out best, and its score."""
    devices = random.permutation(np.unique(owner))
    fold = np.argmax(owner[:, None] == devices, axis=1) % min(FOLDS, len(devices))
    kinds = classes(law.jump_voltage)
    most = JUDGED // len(np.unique(kinds))
    order = random.permutation(len(owner))
    judged_jumps = np.sort(np.concatenate([order[kinds[order] == kind][:most] for kind in np.unique(kinds)]))
    return best_of(replace(law, rest_carry=law.carry), CHOICES, lambda one: score(one, fold, judged_jumps))


def best_of(
    law: JumpLaw,
    choices: Mapping[str, Sequence[float]],
    judge: Callable[[JumpLaw], float],
    rounds: int = 2,
) -> tuple[JumpLaw, float]:
    """Return the law with those values of some numbers that are judged highest, and what that is.

    More rounds than one, since the best of one number depends on the others.
    """
    best = judge(law)
    for _, name in product(range(rounds), choices):
        for value in choices[name]:
            if value == getattr(law, name):
                continue
            change: dict[str, Any] = {name: int(value) if name == "neighbours" else value}
            other = replace(law, **change)
            judgement = judge(other)
            if judgement > best:
                law, best = other, judgement
    return law, best


def by_probes(
    law: JumpLaw, data: "xr.Dataset", owner: Index, home: Index, seed: int
) -> tuple[JumpLaw, float | None]:
    """Return the law with the numbers that predict probes of devices left out best, and their score.

    Where no probe tells anything, as all were given up, the law stays and there is no score.

    Parameters
    ----------
    law : JumpLaw
    data : xarray.Dataset
        An ensemble with probes.
    owner, home : ndarray of int
        Member of each jump and of each state of the law.
    seed : int
    """
    devices = np.random.default_rng([seed, 8]).permutation(np.unique(home))
    parts = []
    for number in range(PROBE_FOLDS):
        fold_devices = devices[number::PROBE_FOLDS]
        end_states = np.flatnonzero((law.kind >= 0) & ~np.isin(home, fold_devices))
        training_jumps = np.flatnonzero(~np.isin(owner, fold_devices))
        # Cells start in end states of the other devices, which may have none of one kind.
        probes = [
            design
            for design in jump_probes.designs(data, fold_devices)
            if design.state in law.kind[end_states]
        ]
        if training_jumps.size and probes:
            parts.append((training_jumps, end_states, probes))
    if not parts:
        return law, None

    def judge(one: JumpLaw) -> float:
        scores = [jump_probes.score(jump_probes.without(one, training_jumps, end_states), probes, seed)
                 for training_jumps, end_states, probes in parts]
        return jump_probes.mean_log_density(scores)

    return best_of(law, PROBED, judge, rounds=1)


def score(law: JumpLaw, fold: Index, judged: Index) -> float:
    """Return the mean logarithm of the density of the states that jumps led to, each by the other folds.

    The states that the law leads to are the recorded ones that a cell would be in, of the other folds alone;
    they are compared in ln(conductance) and in ln(rate) at the voltage of the jump and at 0 V, since what a
    pulse leaves is asked at rest.

    Parameters
    ----------
    law : JumpLaw
    fold : ndarray of shape (j,)
        Of each jump.
    judged : ndarray of int
        Jumps that count.
    """
    logs = law.log_rates(float(law.temperatures[0]))
    total = np.zeros(len(judged))
    for number in np.unique(fold[judged]):
        fold_jumps = np.flatnonzero(fold[judged] == number)
        jumps = judged[fold_jumps]
        kernel = JumpKernel(law, logs, np.flatnonzero(fold != number))
        nearest, weight = kernel.nearest(law.before[jumps], law.jump_voltage[jumps])
        starts = np.repeat(law.before[jumps], nearest.shape[1])
        volts = np.repeat(law.jump_voltage[jumps], nearest.shape[1])
        destinations = kernel.destination(starts, nearest.ravel(), volts).reshape(nearest.shape)

        def features(states: Index, kernel: JumpKernel = kernel, which: Index = jumps) -> Floats:
            """Return ln(conductance) of states and ln(rate), at the voltage of the jump and at 0 V."""
            rates = [kernel.log_rate(states, volts) for volts in (law.jump_voltage[which, None], 0.0)]
            return np.stack([law.level[states] / LEVEL_WIDTH, *(log_rate / RATE_WIDTH for log_rate in rates)])

        distance = np.sum((features(destinations) - features(law.after[jumps, None])) ** 2, axis=0)
        # Heavy tails, so that one jump that nothing predicts does not decide.
        total[fold_jumps] = np.log(np.sum(weight / (1.0 + distance) ** 2, axis=1))
    kinds = classes(law.jump_voltage[judged])
    mean = np.mean([total[kinds == kind].mean() for kind in np.unique(kinds)])
    return float(mean - np.log(np.pi**2 * LEVEL_WIDTH * RATE_WIDTH**2))
