"""Acceptance test of the jump-process model of a card, by probes of devices that it was not fitted to.

Each probe of a held-out device is repeated on cells of the card under the same source, circuit and
temperature, from states of the card's own. As in :mod:`.gate`, two halves of the held-out devices give the
noise floor; in the second half cells of the card, as many, take the place of the devices for the value; twice
the floor is the limit. A share is not known better than to one probe of a half: where no device moved at all,
that is the floor.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import ks_2samp

from ...cells._jump_law import JumpKernel
from ...cells.card import Card
from ...cells.core import GapCore
from ...cells.files import CardWarning
from ...cells.jump_cells import JumpCells
from ...cells.jumps import STATES, JumpLaw
from ...data.probes import BUDGET, KINDS, RAMP
from ...typing import Floats, Index
from ..statistics.comparison import LARGEST_KS, REPEATS, Comparison
from .jump_probes import MOVED, SWITCHED
from .observations import RESOLUTION, entries, rounded

if TYPE_CHECKING:
    import xarray as xr

CELLS = 40
"""Cells of the card for each probe."""

RAMPED = 8
"""Cells for each ramp: at a limit they flicker, as devices do."""

FEWEST = 16
"""Probes that a row needs."""

COLUMNS = (
    "kind", "state", "voltage", "time", "temperature", "series", "limit", "before", "after", "switched"
)
"""Variables of probes that are used, without what stands before them."""

CURRENTS = (-0.75, -0.3, 0.3, 0.75)
"""Device voltages (V) near which currents of end states are compared."""

NEVER = 1e9
"""Voltage (V) that stands for a ramp on which a cell did not switch: beyond all others in a KS distance."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One statistic of probes.

    Parameters
    ----------
    name : str
    owner : ndarray of shape (n,)
        Device of each probe.
    design : ndarray of shape (n,)
        Number of its voltage, time and temperature; -1: values are pooled.
    measured : ndarray of shape (n,)
    card : ndarray of shape (n, CELLS)
        For ramps (n, RAMPED).
    """

    name: str
    owner: Index
    design: Index
    measured: Floats
    card: Floats

    def row(self, seed: int, repeats: int = REPEATS) -> Comparison:
        """Return the row of a gate: value and floor over ``repeats`` splits of the devices."""
        floors, values = [], []
        devices = np.unique(self.owner)
        for r in range(repeats):
            random = np.random.default_rng([seed, 7, r])
            first = np.isin(self.owner, random.permutation(devices)[: len(devices) // 2])
            cycle_of_owner = random.integers(self.card.shape[1], size=len(self.owner))
            drawn = self.card[np.arange(len(self.owner)), cycle_of_owner]
            floors.append(self._distance(first, self.measured))
            values.append(self._distance(first, drawn))
        least = 2.0 / len(self.owner) if self.design[0] >= 0 else 0.0
        return Comparison.of(self.name, values, max(float(np.mean(floors)), least), largest=LARGEST_KS)

    def error(self) -> float:
        """Return the mean over designs of how far the fraction of all devices is from that of the card."""
        distances = [
            abs(self.measured[self.design == design].mean() - self.card[self.design == design].mean())
            for design in np.unique(self.design)
        ]
        return float(np.mean(distances))

    def _distance(self, first: np.ndarray[tuple[int], np.dtype[np.bool_]], second: Floats) -> float:
        """Return how far the measured values of a first part are from values of the others."""
        if self.design[0] < 0:
            return float(ks_2samp(self.measured[first], second[~first]).statistic)
        number = int(self.design.max()) + 1
        count, total = np.zeros((2, 2, number))
        for part, (in_half, values) in enumerate(((first, self.measured), (~first, second))):
            count[part] = np.bincount(self.design[in_half], minlength=number)
            total[part] = np.bincount(self.design[in_half], values[in_half], minlength=number)
        in_both = np.all(count > 0, axis=0)
        share = total[:, in_both] / count[:, in_both]
        # A design of few probes tells less.
        return float(np.average(np.abs(share[0] - share[1]), weights=count[:, in_both].min(axis=0)))


def judge(law: JumpLaw, data: "xr.Dataset", members: Index, *, seed: int = 0) -> list[Comparison]:
    """Return the rows of the jump-process model.

    Parameters
    ----------
    law : JumpLaw
    data : xarray.Dataset
        An ensemble with probes.
    members : ndarray of int
        Places along ``member`` of devices that the law was not fitted to, at least two.
    seed : int

    Returns
    -------
    list of Comparison
        Currents of each state, and for each kind of probe and state with at least :data:`FEWEST` probes of
        two devices what they did.
    """
    statistics = list(_currents(law, data, members, seed))
    statistics += compared(law, data, members, seed) if "probe_count" in data else []
    return [statistic.row(seed) for statistic in statistics]


def given_up(data: "xr.Dataset", members: Index) -> dict[str, list[int]]:
    """Return of each kind of probe and state how many took too many events, and of how many; no row has them.

    Parameters
    ----------
    data : xarray.Dataset
        An ensemble; without probes nothing is returned.
    members : ndarray of int
        Places along ``member`` of the devices that judge.

    Returns
    -------
    dict
        ``{"rest of lrs": [given up, all]}``, where there are any.
    """
    if "probe_count" not in data:
        return {}
    probe_entries = entries(data, "probe", members)
    kind, state, after = (data[f"probe_{name}"].values[probe_entries] for name in ("kind", "state", "after"))
    lost_of = {}
    for number, name in product(range(len(KINDS)), range(len(STATES))):
        is_missing = np.isnan(after[(kind == number) & (state == name)])
        if is_missing.any():
            lost_of[f"{_kind_name(number)} of {STATES[name]}"] = [int(is_missing.sum()), int(is_missing.size)]
    return lost_of


def _kind_name(kind: int) -> str:
    return KINDS[kind].replace("_", " ")


def judge_core(card: Card, data: "xr.Dataset", members: Index, *, seed: int = 0) -> list[Comparison]:
    """Return rows of the currents of the core of a card, whose resistances are those that the card draws.

    Parameters
    ----------
    card : Card
        With a core; without one there are no rows.
    data : xarray.Dataset
        An ensemble whose states were read at many voltages; without those there are no rows.
    members : ndarray of int
        Places along ``member`` of devices that the card was not fitted to, at least two.
    seed : int
    """
    if not card.core or "state_current" not in data or not {*STATES} <= {*card.names}:
        return []
    core = GapCore(**card.core)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        samples = card.sample(10 * CELLS, 10, seed)

    def current(state: int, volts: float, random: np.random.Generator, number: int) -> Floats:
        ohms = random.choice(samples[STATES[state]].ravel(), size=(number, CELLS))
        return np.asarray(np.log(core.conductance(core.gap(ohms), volts) * abs(volts)))

    currents = _of_end_states(data, members, seed, current)
    return [replace(statistic, name=f"{statistic.name} by the core").row(seed) for statistic in currents]


def _currents(law: JumpLaw, data: "xr.Dataset", members: Index, seed: int) -> Iterator[Compared]:
    """Yield currents of end states at several voltages, and those of end states of the law."""
    kernel = JumpKernel(law, law.log_rates(float(law.temperatures[0])))

    def current(state: int, volts: float, random: np.random.Generator, number: int) -> Floats:
        end_states = random.choice(np.flatnonzero(law.kind == state), size=number * CELLS)
        return np.log(np.abs(kernel.current(end_states, volts))).reshape(number, CELLS)

    return _of_end_states(data, members, seed, current)


def _of_end_states(
    data: "xr.Dataset",
    members: Index,
    seed: int,
    current: Callable[[int, float, np.random.Generator, int], Floats],
) -> Iterator[Compared]:
    """Yield ln(current) of end states of members, and what else is said to be that of as many cells."""
    state_entries = entries(data, "state", members)
    owner = np.repeat(np.arange(data.sizes["member"]), data["state_count"].values)[state_entries]
    bias = data["bias"].values
    places = np.unique([int(np.argmin(np.abs(bias - volts))) for volts in CURRENTS])
    for state in range(len(STATES)):
        rows = np.flatnonzero(data["state_kind"].values[state_entries] == state)
        if rows.size < FEWEST or np.unique(owner[rows]).size < 2:
            continue
        for column in places[bias[places] != 0.0]:
            volts = float(bias[column])
            logarithm = np.log(np.abs(data["state_current"].values[state_entries[rows], column]))
            # A device that conducts nothing has no logarithm: it is told by its states, not here.
            finite = np.isfinite(logarithm)
            random = np.random.default_rng([seed, 9, state, column])
            sampled = current(state, volts, random, int(finite.sum()))
            pooled, name = np.full(int(finite.sum()), -1), f"current of {STATES[state]} at {volts:g} V"
            yield Compared(name, owner[rows][finite], pooled, *as_read(random, logarithm[finite], sampled))


def as_read(random: np.random.Generator, *values: Floats) -> Iterator[Floats]:
    """Yield ln of currents or conductances with the error of a reading.

    States of a few atoms have the same conductance in every device, and the card tells it to a thousandth: a
    KS distance would be 1 for that.
    """
    for column in values:
        yield column + random.normal(0.0, RESOLUTION["log"], column.shape)


def compared(law: JumpLaw, data: "xr.Dataset", members: Index, seed: int = 0) -> list[Compared]:
    """Return every statistic of the probes of some members, with cells of the law under the same probes."""
    probe_entries = entries(data, "probe", members)
    owner = np.repeat(np.arange(data.sizes["member"]), data["probe_count"].values)[probe_entries]
    columns = {name: data[f"probe_{name}"].values[probe_entries] for name in COLUMNS}
    statistics: list[Compared] = []
    for kind in range(len(KINDS)):
        for state in range(len(STATES)):
            finite = np.isfinite(columns["after"])
            if kind == RAMP:  # one that took too many events at its limit has switched before
                finite |= np.isfinite(columns["switched"])
            probe_rows = np.flatnonzero((columns["kind"] == kind) & (columns["state"] == state) & finite)
            if probe_rows.size < FEWEST or np.unique(owner[probe_rows]).size < 2:
                continue
            probe_values = {name: values[probe_rows] for name, values in columns.items()}
            repeat = _ramps if kind == RAMP else _holds
            with warnings.catch_warnings():
                # A ramp of the devices may go beyond what was read too; the rows say what comes of it.
                warnings.simplefilter("ignore", CardWarning)
                statistics += repeat(law, probe_values, owner[probe_rows], state, seed)
    return statistics


def _holds(
    law: JumpLaw, of: dict[str, Floats], owner: Index, state: int, seed: int
) -> Iterator[Compared]:
    """Yield fractions of what moved and switched, and the states of what moved, of one kind and state."""
    n = len(owner)
    before, after = np.empty((2, n, CELLS))
    for heat in np.unique(of["temperature"]):
        rows = np.flatnonzero(of["temperature"] == heat)
        cells = JumpCells(law, rows.size * CELLS, seed, STATES[state], float(heat))
        cells.most = BUDGET
        before[rows] = np.log(cells.conductance).reshape(-1, CELLS)
        source, time, series, limit = (
            np.repeat(of[name][rows], CELLS) for name in ("voltage", "time", "series", "limit")
        )
        cells.hold(source, time, series=series, limit=limit)
        after[rows] = np.log(cells.conductance).reshape(-1, CELLS)
    design = np.unique(
        np.stack([of["voltage"], of["time"], of["temperature"]], axis=1), axis=0, return_inverse=True
    )[1].ravel()
    kind, sign = _kind_name(int(of["kind"][0])), 1.0 if state == 0 else -1.0
    change, sampled = of["after"] - of["before"], after - before
    for name, least, turned in (("moved", MOVED, None), ("switched", SWITCHED, sign)):
        sizes = [np.abs(column) if turned is None else turned * column for column in (change, sampled)]
        shares = [(column > least).astype(float) for column in sizes]
        yield Compared(f"{kind} of {STATES[state]}: {name}", owner, design, *shares)
    # Levels of the law are those of its first temperature: of currents at others it knows nothing.
    coldest = np.flatnonzero(of["temperature"] == law.temperatures[0])
    if coldest.size >= FEWEST and np.unique(owner[coldest]).size > 1:
        name, pooled = f"{kind} of {STATES[state]}: level after", np.full(coldest.size, -1)
        random = np.random.default_rng([seed, 13, state, int(of["kind"][0])])
        yield Compared(name, owner[coldest], pooled, *as_read(random, of["after"][coldest], after[coldest]))


def _ramps(
    law: JumpLaw, of: dict[str, Floats], owner: Index, state: int, seed: int
) -> Iterator[Compared]:
    """Yield switching voltages and the levels after ramps of each rate and limit."""
    # A rate comes from a division, and no limit is NaN: what is one setting must be equal.
    rates = rounded(np.abs(of["voltage"]) / of["time"])
    settings = np.stack([rates, np.nan_to_num(of["limit"], nan=0.0)])
    switched, level = _ramped(law, of, rates, state, seed)
    for rate, most in np.unique(settings, axis=1).T:
        rows = np.flatnonzero((settings[0] == rate) & (settings[1] == most))
        if rows.size < FEWEST or np.unique(owner[rows]).size < 2:
            continue
        observed_switching, sampled = (
            np.abs(np.nan_to_num(v[rows], nan=NEVER)) for v in (of["switched"], switched)
        )
        name = f"ramp of {STATES[state]} at {rate:g} V/s" + (f" to {most:g} A" if most else "")
        pooled = np.full(rows.size, -1)
        yield Compared(f"{name}: switching voltage", owner[rows], pooled, observed_switching, sampled)
        ended = rows[np.isfinite(of["after"][rows])]
        if ended.size >= FEWEST and np.unique(owner[ended]).size > 1:
            random = np.random.default_rng([seed, 13, state, RAMP, *map(int, (rate, 1e9 * most))])
            conductances = as_read(random, of["after"][ended], level[ended])
            yield Compared(f"{name}: level after", owner[ended], np.full(ended.size, -1), *conductances)


def _ramped(
    law: JumpLaw, of: dict[str, Floats], rates: Floats, state: int, seed: int
) -> tuple[Floats, Floats]:
    """Return switching voltages (V; NaN: none) and levels of cells after the ramps, each (n, RAMPED)."""
    switched, level = np.empty((2, len(rates), RAMPED))
    for tip, heat in np.unique(np.stack([of["voltage"], of["temperature"]]), axis=1).T:
        # All rates and limits at once: cells are each for themselves.
        rows = np.flatnonzero((of["voltage"] == tip) & (of["temperature"] == heat))
        cells = JumpCells(law, rows.size * RAMPED, seed, STATES[state], float(heat))
        cells.most = BUDGET
        rate, series, limit = (np.repeat(data[rows], RAMPED) for data in (rates, of["series"], of["limit"]))
        ramps = cells.ramp(float(tip), rate, series=series, limit=limit)
        volts = ramps.rise_voltage if state == 0 else ramps.peak_voltage
        # A current that is largest where the source turns back has not been reset.
        volts = np.where((state == 1) & (volts == tip), np.nan, volts)
        switched[rows] = volts.reshape(-1, RAMPED)
        level[rows] = np.log(cells.conductance).reshape(-1, RAMPED)
    return switched, level
