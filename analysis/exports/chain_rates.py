"""Levels of conductance between which a cell of a jump-process model goes up and down, a Markov chain.

A cell of the law leaves its state many times before its conductance is another one: atoms go to and fro, and
a state that is left fast need not lead anywhere. What a circuit can follow is when the cell comes to another
level. So a cell gets the states of some walks of the law, SET and RESET, and a level in each part of the
range of ln(conductance) that they went through. From a level, the chain of these states at one voltage and
temperature comes to the next level above or below. Its time is wide where some ways are slow, so that its
middle counts: the rate is that a of which E[exp(-a t)] = 1/2, as of an exponential time, and it is shared
out by where such ways end. A voltage above 0 has the fraction of the ways up, one below 0 that
of the ways down.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...cells._jump_law import JumpKernel
from ...cells.jumps import JumpError, JumpLaw
from ...progress import quiet
from ...typing import Floats, Index

SPACING = float(np.log(4.0))
"""Width of the parts of ln(conductance) of which each has a level."""

WALKS = 4
"""SETs and RESETs whose states a cell has."""

RAMP = 1e5
"""Ramp (V/s) on which walks are drawn: where a cell meets a jump hardly tells where that leads."""

MOST = 4000
"""Jumps of a leg of a walk after which it has not come to its end."""

ATTEMPTS = 20
"""Walks that are begun before the law is said to lead nowhere."""

SLOWEST = -60.0
"""ln of a rate (1/s) that stands for never."""

CLOCKS = np.log(10.0) * np.arange(-9.0, 13.1, 2.0)
"""ln of the rates (1/s) between which one is looked for."""

BLOCK = 32
"""States that are taken out together."""

TABLES = 0.2
"""About the fraction of the time that rates between states take; the rest is solving."""

HRS, LRS = 0, 1
"""Kinds of end states of a law."""


@dataclass(frozen=True, slots=True)
class ChainRates:
    """Levels of one cell, HRS first.

    Parameters
    ----------
    states : ndarray of int, shape (s,)
        Of the law, one a level.
    log_rate : ndarray of shape (t, s, n)
        ln of the rate (1/s) of coming up to the next level where the voltage is above 0, and down where it is
        below; by temperature, level and voltage. At 0 V the lesser of both.
    first : int
        Level at which the walks began, in HRS.
    """

    states: Index
    log_rate: Floats
    first: int


def chain_rates(
    law: JumpLaw, random: np.random.Generator, volts: Floats, tell: Callable[[float], None] = quiet
) -> ChainRates:
    """Return the levels of one cell, their rates at device voltages (V) and at the temperatures of the law.

    Parameters
    ----------
    law : JumpLaw
    random : numpy.random.Generator
    volts : ndarray
        (V), ascending.
    tell : callable, optional
        Is told the share that is done, 0 to 1, as often as a bar moves.

    Raises
    ------
    JumpError
        Walks of the law do not lead from HRS to LRS and back, or all are within one level.
    """
    path, dwell = walks(law, random)
    part = ((law.level[path] - law.level[path].min()) / SPACING).astype(int)
    if np.ptp(part) == 0:
        raise JumpError("HRS and LRS of this law are within a factor of four: a chain would have one level")
    tables = []
    for k, heat in enumerate(law.temperatures):
        tell(TABLES * k / len(law.temperatures))
        tables.append(_between(law, np.unique(path), float(heat), volts))
    rates = np.stack(tables)
    bins = [_starts(law, path, dwell, part == number) for number in np.unique(part)]
    states = np.array([path[random.choice(len(path), p=dwell_of_state)] for dwell_of_state, _, _ in bins])
    level_edges = np.concatenate([[-np.inf], law.level[states], [np.inf]])
    logs = np.full((2, *rates.shape[:1], len(states), len(volts)), SLOWEST)
    for k, (dwell_of_state, entries_of_state, kind) in enumerate(bins):
        for direction, side in ((0, volts >= 0.0), (1, volts <= 0.0)):
            tell(TABLES + (1.0 - TABLES) * (2 * k + direction) / (2 * len(bins)))
            # A voltage that drives a cell out of its end state finds it where it has come to rest.
            start = dwell_of_state if kind == (HRS, LRS)[direction] else entries_of_state
            side_rates = rates[:, side].reshape(-1, *rates.shape[2:])
            log_rates = _passage(law.level, path, start, side_rates, level_edges[k], level_edges[k + 2])[
                direction
            ]
            logs[direction, :, k, side] = np.maximum(log_rates, SLOWEST).reshape(len(rates), -1).T
    merged = np.where(volts > 0.0, logs[0], np.where(volts < 0.0, logs[1], logs.min(axis=0)))
    return ChainRates(states, merged, first=int(np.searchsorted(np.unique(part), part[0])))


def _starts(law: JumpLaw, path: Index, dwell: Floats, inside: Index) -> tuple[Floats, Floats, int]:
    """Return how long a walk stayed in each state of a part, in which it came there, and their kind."""
    dwell_inside = np.where(inside, dwell, 0.0) if dwell[inside].any() else inside.astype(float)
    is_entry = (inside & ~np.concatenate([[False], inside[:-1]])).astype(float)
    kinds = law.kind[path[inside]]
    kind = next((end_state for end_state in (HRS, LRS) if np.any(kinds == end_state)), -1)
    return dwell_inside / dwell_inside.sum(), is_entry / is_entry.sum(), kind


def walks(law: JumpLaw, random: np.random.Generator) -> tuple[Index, Floats]:
    """Return the states of some SETs and RESETs of one cell, in order, and how long it was in each (V)."""
    end_states = [np.flatnonzero(law.kind == kind) for kind in (HRS, LRS)]
    if not end_states[0].size or not end_states[1].size:
        raise JumpError("a chain needs end states of RESET and of SET, which this law does not hold")
    kernel = JumpKernel(law, law.log_rates(float(law.temperatures[0])))
    states: list[int] = []
    dwell: list[float] = []
    visited_counts = np.zeros(2, int)
    state = int(random.choice(end_states[HRS]))
    for _ in range(ATTEMPTS):
        for direction, (sign, side) in enumerate(((1, end_states[LRS]), (-1, end_states[HRS]))):
            goal = sign * float(law.level[random.choice(side)])
            path, at, reached = _leg(law, kernel, state, sign, goal, random)
            states, dwell = states + path, dwell + np.diff(at, append=at[-1]).tolist()
            # A walk that leads nowhere has been there all the same; the next begins where one can.
            state = path[-1] if reached else int(random.choice(side))
            visited_counts[direction] += reached
        if visited_counts.sum() >= 2 * WALKS and visited_counts.all():
            return np.array(states), np.array(dwell)
    raise JumpError("no walk of this law leads from HRS to LRS and back: a circuit cannot have its cells")


def _leg(
    law: JumpLaw, kernel: JumpKernel, state: int, sign: int, goal: float, random: np.random.Generator
) -> tuple[list[int], list[float], bool]:
    """Return the states on a ramp of one sign up to a level, and whether it came there."""
    path, at = [state], [0.0]
    fine_voltages = np.linspace(0.0, abs(law.grid[-1 if sign > 0 else 0]), 400)
    for _ in range(MOST):
        if sign * law.level[path[-1]] >= goal:
            return path, at, True
        rates = np.exp(kernel.log_rate(path[-1], sign * fine_voltages))
        hazard = (
            np.concatenate([[0.0], np.cumsum(0.5 * (rates[1:] + rates[:-1]) * np.diff(fine_voltages))]) / RAMP
        )
        jump_hazard = np.interp(at[-1], fine_voltages, hazard) + random.standard_exponential()
        if jump_hazard > hazard[-1]:
            break  # the ramp has ended
        at.append(max(at[-1], float(np.interp(jump_hazard, hazard, fine_voltages))))
        path.append(int(kernel.next_states(np.array([path[-1]]), np.array([sign * at[-1]]), random)[0]))
    return path, at, False


def _between(law: JumpLaw, visited: Index, heat: float, volts: Floats) -> Floats:
    """Return rates (1/s) between states at voltages (V), (voltages, from, to).

    What leads to others goes to the nearest of these states.
    """
    kernel = JumpKernel(law, law.log_rates(heat), destinations=visited)
    n = len(visited)
    rates = np.zeros((len(volts), n, n))
    for matrix, volt in zip(rates, volts, strict=True):
        state_voltages = np.full(n, volt)
        jumps, weight = kernel.nearest(visited, state_voltages)
        jump_count = jumps.shape[1]
        destinations = kernel.destination(
            np.repeat(visited, jump_count), jumps.ravel(), np.repeat(state_voltages, jump_count)
        )
        to = np.searchsorted(visited, destinations).clip(max=n - 1)
        not_led = visited[to] != destinations
        to[not_led] = np.argmin(np.abs(law.level[destinations[not_led], None] - law.level[visited]), axis=1)
        speed = np.exp(kernel.log_rate(visited, state_voltages))
        np.add.at(matrix, (np.repeat(np.arange(n), jump_count), to), (speed[:, None] * weight).ravel())
    return rates


def _passage(levels: Floats, path: Index, start: Floats, rates: Floats, bottom: float, top: float) -> Floats:
    """Return ln of the rates (1/s) of coming up and down to levels, (2, tables), from states of a walk."""
    visited, path_index = np.unique(path, return_inverse=True)
    level = levels[visited]
    at_top, at_bottom = level >= top, level <= bottom
    between_ends = np.flatnonzero(~at_top & ~at_bottom)
    end_rates = np.stack([rates[..., at_top].sum(-1), rates[..., at_bottom].sum(-1)], axis=-1)[
        :, between_ends
    ]
    table = np.concatenate([end_rates, rates[:, between_ends][..., between_ends]], axis=-1)
    weight = np.bincount(path_index, start, len(visited))[between_ends].astype(float)

    odds, rows = np.full((len(table), len(CLOCKS)), np.nan), np.arange(len(table))

    def lead(n: Index) -> Floats:
        """Return ln of the odds of an end before the clock rings: straight where the time is exponential."""
        new = np.isnan(odds[rows, n])  # each clock of a table is solved once
        odds[new, n[new]] = np.log(_left(table[new], CLOCKS[n[new]], weight).sum(-1))
        return np.asarray(odds[rows, n])

    first, last = (np.full(len(table), n) for n in (1, len(CLOCKS) - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        # A faster clock rings earlier: the pair of clocks about the odds of 1/2 is found by halves.
        for _ in range(int(np.ceil(np.log2(len(CLOCKS) - 1)))):
            centre = (first + last) // 2
            ahead = lead(centre) > 0.0
            first, last = np.where(ahead, centre + 1, first), np.where(ahead, last, centre)
        slow, fast = lead(last - 1), lead(last)
        step = slow / (slow - fast) * (CLOCKS[1] - CLOCKS[0])
        # Where nothing leads out there is no time, and any clock tells so.
        middle = np.where(np.isfinite(step), CLOCKS[last - 1] + step, CLOCKS[0])
        middle = middle.clip(CLOCKS[0], CLOCKS[-1])
        return np.asarray(np.log(_left(table, middle, weight).T) + middle)


def _left(table: Floats, clocks: Floats, weight: Floats) -> Floats:
    """Return the odds of ending up, and down, before a clock of a rate rings; from states of a weight each.

    States are taken out one by one, their ways handed on to the others: sums of what is above 0 alone, right
    to the last digits however fast some go to and fro (Grassmann, Taksar and Heyman).
    """
    m = table.shape[1]
    # The first row is the start, which is left at once.
    ways = np.zeros((*clocks.shape, m + 1, m + 4))
    ways[..., 0, 4:] = weight
    ways[..., 1:, 0] = np.exp(clocks)[..., None]
    ways[..., 1:, 1:3], ways[..., 1:, 4:] = table[..., :2], table[..., 2:]
    for high in range(m, 0, -BLOCK):
        low = max(high - BLOCK, 0)
        for j in range(high, low, -1):
            row = ways[..., j, : 3 + j]
            row /= row.sum(-1, keepdims=True)
            ways[..., low + 1 : j, : 3 + j] += ways[..., low + 1 : j, 3 + j, None] * row[..., None, :]
            band_rows = slice(4 + low, 3 + j)
            ways[..., : low + 1, band_rows] += ways[..., : low + 1, 3 + j, None] * row[..., None, band_rows]
        # Outside of the block its states are taken out together: the same sums, by a product of matrices.
        into, outward = ways[..., : low + 1, 4 + low : 4 + high], ways[..., low + 1 : high + 1, : 4 + low]
        ways[..., : low + 1, : 4 + low] += into @ outward
    return ways[..., 0, 1:3] / ways[..., 0, :1]
