"""From measured pulses to the layer of pulses of a card, and the rows that judge it on devices held out.

What is chosen is how alike two pulses must be for one to stand for the other: number of neighbours, four
scales, and the fraction of a difference before a pulse that is left after it, by the continuous ranked
probability score (CRPS) of ln(conductance) after the pulses of devices left out, or, of fewer than
:data:`FEWEST_DEVICES` devices, of blocks of pulses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...cells.pulses import COLUMNS, PulseLaw
from ...typing import Floats, Index
from ..statistics.comparison import LARGEST_KS, Comparison, halves, ks_distance
from .observations import ObservationError, parts, rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 2000
"""Pulses of a law, which bounds the file of a card (some 100 kB)."""

JUDGED = 600
"""Pulses, of either sign, whose score chooses the scales."""

FEWEST_DEVICES, FEWEST = 6, 40
"""Devices from which on folds are of devices; pulses that a law needs."""

LEAST_JUDGED = 32
"""Pulses of a sign that judge."""

FOLDS = 4

CHOICES: Mapping[str, tuple[float, ...]] = {
    "neighbours": (4, 8, 16, 32, 64),
    "level_scale": (0.1, 0.3, 1.0, 3.0, 10.0),
    "voltage_scale": (0.05, 0.15, 0.5, 1.5),
    "gate_scale": (0.05, 0.15, 0.5, 1.5),
    "width_scale": (0.5, 1.5, 5.0, 15.0),
    "carry": (0.0, 0.25, 0.5, 0.75, 1.0),
}
"""Values that are tried, one number at a time."""

SHUFFLES, LEAST = 10, 4.0
"""Pulses say nothing of the state after them unless they score better than so many tables whose states after
were shuffled, by this many standard deviations of the scores of these. Of shuffled data 0.2 % pass: Student's
t of nine degrees of freedom."""

ALLOWED, ERRORS = 1.15, 2.0
"""Limit of the score of a law: this times that of a law of the other half of the devices held out, and so
many standard errors of the difference of both."""


@dataclass(frozen=True, slots=True)
class RecordedPulses:
    """Recorded pulses.

    Parameters
    ----------
    table : ndarray of shape (n, 5)
        :data:`.pulses.COLUMNS`.
    owner : ndarray of shape (n,)
        Device of each.
    """

    table: Floats
    owner: Index

    def take(self, rows: "Index | NDArray[np.bool_]") -> "RecordedPulses":
        """Return some of them."""
        return RecordedPulses(self.table[rows], self.owner[rows])

    def law(self, **numbers: Any) -> PulseLaw:
        """Return a law of all of them."""
        return PulseLaw(**dict(zip(COLUMNS, self.table.T, strict=True)), **numbers)


def measured(data: xr.Dataset) -> bool:
    """Tell whether a dataset holds pulses of a laboratory."""
    return "pulse" in data.dims and "pulse_conductance" in data


def gathered(data: xr.Dataset) -> RecordedPulses:
    """Return pulses with a state before and after each.

    Parameters
    ----------
    data : xarray.Dataset
        In the layout of measurements, with pulses. Where no state before a pulse was read it is that after
        the one before.

    Raises
    ------
    ObservationError
        There are fewer than :data:`FEWEST` pulses with both states.
    """
    owner, after = data["pulse_device"].values, data["pulse_conductance"].values
    previous = np.where(np.diff(owner, prepend=-1) == 0, np.roll(after, 1), np.nan)
    before = data["pulse_conductance_before"].values if "pulse_conductance_before" in data else previous
    before = np.where(np.isfinite(before), before, previous)
    volts = data["pulse_voltage"].values
    gate, width = (
        data[name].values if name in data else np.full(len(owner), np.nan)
        for name in ("pulse_gate_voltage", "pulse_width")
    )
    gate = np.zeros(len(owner)) if np.isnan(gate).all() else gate
    width = np.ones(len(owner)) if np.isnan(width).all() else width
    usable = (before > 0) & (after > 0) & (volts != 0) & np.isfinite(volts + gate) & (width > 0)
    if usable.sum() < FEWEST:
        raise ObservationError(
            f"a law of pulses needs at least {FEWEST} pulses with a state before and after each, got "
            f"{int(usable.sum())}"
        )
    columns = (np.log(before[usable]), volts[usable], gate[usable], np.log(width[usable]))
    table = np.stack([*columns, np.log(after[usable])], axis=1)
    return RecordedPulses(rounded(table), owner[usable])


def cycles(data: xr.Dataset) -> xr.Dataset:
    """Return the states from which trains of pulses of one sign begin, as cycles: HRS and LRS (ohm).

    Pulses of the same sign in a row are a train; before one of SET the device is in HRS, before one of RESET
    in LRS.
    """
    pulses = gathered(data)
    names = data["device"].values
    rows: list[tuple[int, int, float, float]] = []
    for place in np.unique(pulses.owner):
        own = pulses.table[pulses.owner == place]
        first = np.flatnonzero(np.diff(np.sign(own[:, 1]), prepend=0.0))
        for sign in (1.0, -1.0):
            begins = first[np.sign(own[first, 1]) == sign]
            rows += [(place, k, sign, float(np.exp(-own[row, 0]))) for k, row in enumerate(begins)]
    number = 1 + max(k for _, k, _, _ in rows)
    values = {1.0: np.full((len(names), number), np.nan), -1.0: np.full((len(names), number), np.nan)}
    for place, k, sign, ohms in rows:
        values[sign][place, k] = ohms
    variables = {
        name: (("device", "cycle"), values[sign], {"units": "ohm"})
        for name, sign in (("hrs", 1.0), ("lrs", -1.0))
        if np.isfinite(values[sign]).any()
    }
    return xr.Dataset(variables, {"device": names, "cycle": np.arange(1, number + 1)})


def split(pulses: RecordedPulses, fraction: float, seed: int) -> tuple[RecordedPulses, RecordedPulses]:
    """Return pulses to fit to and pulses to judge by: of different devices, of few devices of blocks."""
    devices = np.unique(pulses.owner)
    if len(devices) >= FEWEST_DEVICES:
        training = np.isin(pulses.owner, devices[parts(len(devices), fraction, seed)[0]])
    else:
        blocks = _blocks(pulses)
        training = np.isin(blocks, parts(int(blocks.max()) + 1, fraction, seed)[0])
    return pulses.take(training), pulses.take(~training)


def _blocks(pulses: RecordedPulses) -> Index:
    """Return the number of the block of each pulse: twenty in a row of each device."""
    return np.asarray(np.arange(len(pulses.owner)) * 20 // len(pulses.owner))


def fit(training: RecordedPulses, seed: int = 0) -> tuple[PulseLaw, dict[str, Any]]:
    """Return the law of pulses, and how it was made.

    Raises
    ------
    ObservationError
        The state after a pulse does not depend on the pulse and the state before it, as where states were
        shuffled.
    """
    random = np.random.default_rng([seed, 14])
    if len(training.owner) > MOST:
        training = training.take(np.sort(random.choice(len(training.owner), MOST, replace=False)))
    devices = np.unique(training.owner)
    group = training.owner if len(devices) >= FEWEST_DEVICES else _blocks(training)
    order = random.permutation(np.unique(group))
    fold = np.argmax(group[:, None] == order, axis=1) % min(FOLDS, len(order))
    judged = _judged(training, random)
    law = training.law()
    best = score(law, fold, judged)
    gain = _gain(training, best, fold, judged, random)
    unused = {f"{name}_scale" for name in ("gate", "width") if not np.any(getattr(law, name))}
    for name, values in CHOICES.items():
        for value in () if name in unused else values:
            change: dict[str, Any] = {name: int(value) if name == "neighbours" else value}
            other = replace(law, **change)
            if (judgement := score(other, fold, judged)) < best:
                law, best = other, judgement
    record = {"pulses": len(training.owner), "devices": len(devices), "score": best, "gain": gain}
    return law, record


def _gain(
    pulses: RecordedPulses, best: float, fold: Index, judged: Index, random: np.random.Generator
) -> float:
    """Return by how many standard deviations pulses score better than shuffled ones; refuse too few."""
    shuffled = [
        score(RecordedPulses(_shuffled(pulses.table, random), pulses.owner).law(), fold, judged)
        for _ in range(SHUFFLES)
    ]
    gain = (float(np.mean(shuffled)) - best) / max(float(np.std(shuffled, ddof=1)), 1e-12)
    if gain < LEAST:
        alike = len(np.unique(pulses.table[:, 1:4], axis=0)) <= 2
        reason = "pulses of each sign are all alike;" if alike else "are rows or columns mixed up? If not,"
        raise ObservationError(
            "the state after a pulse does not depend on the pulse and on the state before it (better than "
            f"shuffled pulses by {gain:.1f} standard deviations, must be {LEAST:g}): {reason} more pulses "
            "at other voltages and widths would tell"
        )
    return gain


def _shuffled(table: Floats, random: np.random.Generator) -> Floats:
    """Return pulses whose states after them are mixed among pulses of the same sign."""
    mixed = table.copy()
    for sign in (-1.0, 1.0):
        rows = np.flatnonzero(np.sign(table[:, 1]) == sign)
        mixed[rows, 4] = table[random.permutation(rows), 4]
    return mixed


def _judged(pulses: RecordedPulses, random: np.random.Generator) -> Index:
    """Return the pulses that choose: at most :data:`JUDGED` of each sign."""
    chosen = []
    for sign in (-1.0, 1.0):
        rows = np.flatnonzero(np.sign(pulses.table[:, 1]) == sign)
        chosen.append(np.sort(random.choice(rows, min(JUDGED, len(rows)), replace=False)))
    return np.concatenate(chosen)


def score(law: PulseLaw, fold: Index, judged: Index) -> float:
    """Return the mean CRPS of ln(conductance) after judged pulses, each by the other folds; signs alike."""
    sign, scores, counts = np.sign(law.voltage[judged]), [], []
    for number in np.unique(fold[judged]):
        kept = fold != number
        part = replace(law, **{name: getattr(law, name)[kept] for name in COLUMNS})
        for side in np.unique(sign):
            rows = judged[(fold[judged] == number) & (sign == side)]
            if len(rows) and np.any(np.sign(part.voltage) == side):
                scores.append(float(predicted(part, law, rows).mean()))
                counts.append(side)
    return float(np.mean([np.mean(np.array(scores)[np.array(counts) == side]) for side in np.unique(counts)]))


def predicted(law: PulseLaw, other: PulseLaw, rows: Index) -> Floats:
    """Return the CRPS of ln(conductance) after pulses of another law, all of one sign, by a law."""
    cells = np.stack([other.before, other.voltage, other.gate, other.width], axis=1)[rows]
    drawn = law.moved(cells[:, 0], law.nearest(cells))
    return crps(drawn, other.after[rows])


def crps(drawn: Floats, value: Floats) -> Floats:
    """Return the score of samples (n, k) for values (n,): eq. 21 of doi:10.1198/016214506000001437.

    Pairs are of distinct samples, so that the score does not depend on their number.
    """
    k = drawn.shape[1]
    away = np.abs(drawn - value[:, None]).mean(axis=1)
    if k == 1:
        return np.asarray(away)
    order = np.sort(drawn, axis=1)
    apart = order @ (2.0 * np.arange(k) - k + 1.0) / (0.5 * k * (k - 1))
    return np.asarray(away - 0.5 * apart)


def judge(pulses: RecordedPulses, law: PulseLaw, *, seed: int = 0) -> list[Comparison]:
    """Return the rows of a law of pulses, on pulses that it was not fitted to: three of each sign.

    The states after; the score of the prediction of each, with that of a law of the other half as its floor
    and a limit by :data:`ALLOWED`; and the fraction that moved by a factor of two.
    """
    rows = []
    for sign, name in ((1.0, "set"), (-1.0, "reset")):
        own = pulses.take(np.sign(pulses.table[:, 1]) == sign)
        if len(own.owner) < LEAST_JUDGED or not np.any(np.sign(law.voltage) == sign):
            continue
        groups = own.owner if len(np.unique(own.owner)) >= FEWEST_DEVICES else _blocks(own)
        values: dict[str, list[float]] = {"state": [], "score": [], "moved": []}
        floors: dict[str, list[float]] = {"state": [], "score": [], "moved": []}
        errors: list[float] = []
        units = np.unique(groups)
        for first, second, random in halves(len(units), seed, 15):
            one, other = (own.take(np.isin(groups, units[part])) for part in (first, second))
            drawn = _drawn(law, other, random)
            step = [np.abs(x[:, 4] - x[:, 0]) > np.log(2.0) for x in (one.table, other.table)]
            values["state"].append(ks_distance(one.table[:, 4], drawn))
            floors["state"].append(ks_distance(one.table[:, 4], other.table[:, 4]))
            moved = np.abs(drawn - other.table[:, 0]) > np.log(2.0)
            values["moved"].append(abs(float(step[0].mean() - moved.mean())))
            floors["moved"].append(abs(float(step[0].mean() - step[1].mean())))
            everyone = np.arange(len(one.owner))
            numbers = {key: getattr(law, key) for key in CHOICES}
            scores = [predicted(known, one.law(), everyone) for known in (law, other.law(**numbers))]
            values["score"].append(float(scores[0].mean()))
            floors["score"].append(float(scores[1].mean()))
            errors.append(float(np.std(scores[0] - scores[1]) / np.sqrt(len(everyone))))
        rows += [
            Comparison.of(
                f"pulses {name}: state after", values["state"], floors["state"], largest=LARGEST_KS
            ),
            Comparison.of(
                f"pulses {name}: prediction (CRPS)", values["score"], floors["score"],
                limit=ALLOWED * float(np.mean(floors["score"])) + ERRORS * float(np.mean(errors)),
            ),
            Comparison.of(
                f"pulses {name}: fraction moved by 2", values["moved"],
                max(float(np.mean(floors["moved"])), 1.0 / len(own.owner)), largest=LARGEST_KS,
            ),
        ]  # fmt: skip
    return rows


def _drawn(law: PulseLaw, pulses: RecordedPulses, random: np.random.Generator) -> Floats:
    """Return ln(conductance) after pulses, drawn from a law."""
    before, volts, gate, width, _ = pulses.table.T
    return np.asarray(np.log(law.respond(np.exp(before), volts, random, gate=gate, width=np.exp(width))))
