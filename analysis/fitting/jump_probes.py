"""What probes of devices that were left out tell of a jump-process model: holds, pulses, rests and ramps.

A single jump does not tell what many in a row lead to, which is what a cell is asked. So cells of a law of
some devices are put through the probes of the others, and each probe is given its density among the cells.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...cells.files import CardWarning
from ...cells.jump_cells import JumpCells
from ...cells.jumps import STATES, JumpLaw
from ...data.probes import RAMP
from ...typing import Floats, Index
from .observations import entries

if TYPE_CHECKING:
    import xarray as xr

MOVED, SWITCHED = 0.02, float(np.log(2.0))
"""Least change of ln(conductance) of a state that moved, and of one that switched."""

CELLS = 24
"""Of each design, and of each ramp."""

LONGEST = 100
"""Jumps after which a cell is left: what flickers at a limit has come to its levels by then."""

VOLT_WIDTH, LEVEL_WIDTH = 0.05, 0.1
"""Widths (V, and in ln(conductance)) of the density of where a ramp switches and of where a probe ends (t of
three degrees of freedom)."""

FAR = 2.0
"""Distance (V) at which a ramp that did not switch counts to be from one that did."""

SOURCE = ("voltage", "time", "temperature", "series", "limit")
"""What makes a design, beside kind and state."""


@dataclass(frozen=True, slots=True)
class Design:
    """Probes of one setting: its numbers in the order of :data:`SOURCE`, and what devices did."""

    kind: int
    state: int
    setting: tuple[float, ...]
    before: Floats
    after: Floats
    switched: Floats


def designs(data: "xr.Dataset", members: Index) -> list[Design]:
    """Return the probes of some members, by places, that were not given up, by their settings."""
    probe_entries = entries(data, "probe", members)
    names = ("kind", "state", *SOURCE, "before", "after", "switched")
    columns = {name: data[f"probe_{name}"].values[probe_entries] for name in names}
    finite = np.isfinite(columns["after"])
    of = [np.where(np.isnan(columns[name]), np.inf, columns[name]) for name in names[:-3]]  # no limit
    table = np.stack(of)[:, finite]
    grouped = []
    settings, place = np.unique(table, axis=1, return_inverse=True)
    for number, column in enumerate(settings.T):
        rows_of_setting = np.flatnonzero(finite)[place.ravel() == number]
        kind, state = (int(value) for value in column[:2])
        sides = (columns[name][rows_of_setting] for name in ("before", "after", "switched"))
        grouped.append(Design(kind, state, tuple(column[2:]), *sides))
    return grouped


def without(law: JumpLaw, kept: Index, ends: Index) -> JumpLaw:
    """Return the law of some of its jumps and end states alone, by their numbers."""
    sides = np.concatenate([law.before[kept], law.after[kept]])
    states, place = np.unique(np.concatenate([sides, ends]), return_inverse=True)
    kind = np.full(len(states), -1)
    kind[place[len(sides) :]] = law.kind[ends]
    return replace(
        law,
        level=law.level[states],
        current=law.current[states],
        rate=law.rate[states],
        kind=kind,
        before=place[: len(kept)],
        after=place[len(kept) : len(sides)],
        jump_voltage=law.jump_voltage[kept],
    )


def score(law: JumpLaw, probes: list[Design], seed: int) -> dict[tuple[int, int], list[float]]:
    """Return the logarithm of the density of each probe among cells of a law, by kind and state."""
    densities: dict[tuple[int, int], list[float]] = {}
    with warnings.catch_warnings():
        # Ramps of devices may go beyond what was read, and cells at a limit flicker, as devices do.
        warnings.simplefilter("ignore", CardWarning)
        for design, logs in (*_of_holds(law, probes, seed), *_of_ramps(law, probes, seed)):
            densities.setdefault((design.kind, design.state), []).extend(logs.tolist())
    return densities


def _of_holds(law: JumpLaw, probes: list[Design], seed: int) -> Iterator[tuple[Design, Floats]]:
    """Yield what is held, all designs of one state and temperature at a time, and its log densities.

    What counts is whether a state stayed, moved or switched, and where it ended.
    """
    constant_probes = [probe for probe in probes if probe.kind != RAMP]
    for state, heat in sorted({(probe.state, probe.setting[2]) for probe in constant_probes}):
        state_probes = [
            probe for probe in constant_probes if (probe.state, probe.setting[2]) == (state, heat)
        ]
        cells = JumpCells(law, CELLS * len(state_probes), seed, STATES[state], heat)
        cells.most = LONGEST
        source, time, _, series, limit = np.repeat(
            np.array([probe.setting for probe in state_probes]), CELLS, axis=0
        ).T
        before = np.log(cells.conductance)
        cells.hold(source, time, series=series, limit=limit)
        after = np.log(cells.conductance)
        outcomes = outcome(before, after, state).reshape(-1, CELLS)
        for design, outcome_row, level in zip(state_probes, outcomes, after.reshape(-1, CELLS), strict=True):
            # Half a cell of each kind more (Jeffreys), so that what no cell did is not impossible.
            share = (np.bincount(outcome_row, minlength=3) + 0.5) / (CELLS + 1.5)
            level_density = density((design.after[:, None] - level) / LEVEL_WIDTH)
            yield design, np.log(share[outcome(design.before, design.after, state)]) + level_density


def outcome(before: Floats, after: Floats, state: int) -> Index:
    """Return whether states stayed (0), moved (1), or switched, up from HRS and down from LRS (2)."""
    change = after - before
    has_switched = np.where(state == 0, change, -change) > SWITCHED
    return np.where(has_switched, 2, (np.abs(change) > MOVED).astype(int))


def _of_ramps(law: JumpLaw, probes: list[Design], seed: int) -> Iterator[tuple[Design, Floats]]:
    """Yield ramps and the log densities of where they switched and of what they left."""
    ramps = [ramp for ramp in probes if ramp.kind == RAMP]
    for state, heat, tip in sorted({(ramp.state, ramp.setting[2], ramp.setting[0]) for ramp in ramps}):
        state_probes = [
            ramp for ramp in ramps if (ramp.state, ramp.setting[2], ramp.setting[0]) == (state, heat, tip)
        ]
        cells = JumpCells(law, CELLS * len(state_probes), seed, STATES[state], heat)
        cells.most = LONGEST
        _, time, _, series, limit = np.repeat(
            np.array([ramp.setting for ramp in state_probes]), CELLS, axis=0
        ).T
        done = cells.ramp(tip, abs(tip) / time, series=series, limit=limit)
        switching_voltage = done.rise_voltage if state == 0 else done.peak_voltage
        # A current that is largest where the source turns back has not been reset.
        volts = np.where((state == 1) & (switching_voltage == tip), np.nan, switching_voltage).reshape(
            -1, CELLS
        )
        log_conductance = np.log(cells.conductance).reshape(-1, CELLS)
        for design, switched, level in zip(state_probes, volts, log_conductance, strict=True):
            seen = design.switched[:, None]
            distance = np.nan_to_num(np.abs(seen - switched), nan=FAR)
            distance[np.isnan(seen) & np.isnan(switched)] = 0.0
            logs = density(distance / VOLT_WIDTH) + density((design.after[:, None] - level) / LEVEL_WIDTH)
            yield design, logs


def density(distance: Floats) -> Floats:
    """Return the logarithm of the mean of the kernel over cells (n, cells), but for its constant."""
    return np.asarray(np.log(np.mean((1.0 + distance**2) ** -2, axis=1)))


def mean_log_density(parts: list[dict[tuple[int, int], list[float]]]) -> float:
    """Return the mean over kinds and states of the mean of all parts: each kind of probe counts alike."""
    keys = {key for part in parts for key in part}
    return float(
        np.mean(
            [
                np.mean([log_probability for part in parts for log_probability in part.get(key, [])])
                for key in keys
            ]
        )
    )
