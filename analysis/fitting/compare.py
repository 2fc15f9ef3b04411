"""Measured cycles against simulated ones: the statistics of a validation, the simulation in a card's place.

The floor of each statistic is the difference between two halves of the measured devices, the value that
between one half and as many simulated devices. Where there are fewer than :data:`.gate.FEWEST` measured
devices, blocks of their cycles stand for devices, and nothing is said of differences between devices.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from ...data.measured.schema import compared, knows_series, rules_of, with_terminals
from ...typing import Floats
from ..statistics.comparison import Comparison, halves, of_splits
from . import gate
from .observations import FEATURES, ObservationError, Observations, from_dataset
from .statistical_model import POOLED_BELOW

BLOCKS = 4
"""Blocks at least that the cycles of all measured devices are cut into."""


def pair(
    measured: xr.Dataset, simulated: xr.Dataset, origin: str, other: str, *, device: bool = False
) -> tuple[Observations, Observations]:
    """Return the numbers of cycles that both have, over as many cycles.

    Parameters
    ----------
    measured, simulated : xarray.Dataset
        In the layout of measurements, with numbers over device and cycle.
    origin, other : str
        What to call them in messages.
    device : bool
        Whether resistances are those of the devices; default: those at the terminals, as an instrument reads
        them.

    Raises
    ------
    ObservationError
        They share no number, one has no cycle, a switching voltage was read by two rules, or one has no
        resistances of devices.
    """
    ours, theirs = rules_of(measured), rules_of(simulated)
    for name in ours.keys() & theirs.keys():
        if ours[name] != theirs[name]:
            raise ObservationError(
                f"{name} of {origin} was read by the rule {ours[name]!r}, that of {other} by "
                f"{theirs[name]!r}: read the loops again (frenkel read --rule)"
            )
    tables_read = [(with_terminals(data), text) for data, text in ((measured, origin), (simulated, other))]
    feature_names = compared(FEATURES, device=device)
    names = [
        name for name in feature_names if all(name in data and _known(data, name) for data, _ in tables_read)
    ]
    if device and {"hrs", "lrs"} & set(names):
        for data, text in tables_read:
            if not knows_series(data):
                raise ObservationError(
                    f"{text} has resistances at the terminals; those of its devices need the series "
                    "resistance: read it with --series-resistance"
                )
    if not names:
        raise ObservationError(
            f"{origin} and {other} share none of {', '.join(feature_names)}, over device and cycle"
        )
    tables = [from_dataset(data, names, text) for data, text in tables_read]
    cycles = min(table.values.shape[1] for table in tables)
    first, second = (
        replace(observations, values=_alive(observations.values[:, :cycles])) for observations in tables
    )
    if not len(first.values) or not len(second.values):
        raise ObservationError(f"{origin} and {other} must both have devices with {cycles} cycles")
    return first, second


def other_way_round(measured: Observations, simulated: Observations) -> bool:
    """Return whether the second switches at the other polarity than the first, by V_SET or else V_RESET.

    What is compared is the magnitude of its voltages.
    """
    feature_pairs = zip(measured.features, simulated.features, strict=True)
    signs = {feature.name: feature.sign * other.sign for feature, other in feature_pairs}
    return signs.get("set_voltage", signs.get("reset_voltage", 1)) < 0


def _known(data: xr.Dataset, name: str) -> bool:
    return set(data[name].dims) == {"device", "cycle"} and bool(np.isfinite(data[name].values).any())


def _alive(values: Floats) -> Floats:
    """Return the devices with half of their cycles and, where cycles are correlated, spread in each value.

    Of fewer cycles than that, equal values are those of a coarse ramp.
    """
    has_half = (np.isfinite(values).mean(axis=1) >= 0.5).all(axis=1)
    values_kept: Floats = values[has_half]
    if values.shape[1] < POOLED_BELOW or not len(values_kept):
        return values_kept
    switching: Floats = values_kept[(np.nanstd(values_kept, axis=1) > 0).all(axis=1)]
    return switching


def distances(measured: Observations, simulated: Observations, seed: int = 0) -> list[Comparison]:
    """Return each statistic between measured and simulated devices, its floor, and twice the floor.

    Parameters
    ----------
    measured, simulated : Observations
        From :func:`pair`.
    seed : int
        Of the splits.

    Raises
    ------
    ObservationError
        There are too few cycles for a floor.
    """
    devices, cycles, _ = measured.values.shape

    def sampler(number: int, _: int, own: int) -> Mapping[str, Floats]:
        chosen = np.random.default_rng(own).integers(0, len(simulated.values), number)
        return {
            feature.name: feature.backward(simulated.values[chosen][:, :, i])
            for i, feature in enumerate(simulated.features)
        }

    if devices >= gate.FEWEST and cycles >= POOLED_BELOW:
        return gate.judge(measured, sampler, seed=seed)
    differences = gate.pooled_differences if cycles < POOLED_BELOW else gate.cycle_differences
    ours, theirs = _parts(measured.values, simulated.values)
    values, floors = [], []
    for first, second, random in halves(len(ours), seed, 8):
        sampled = theirs[random.integers(0, len(theirs), len(first))]
        floors.append(gate.common_floors(differences(ours[first], ours[second], measured.names, random)))
        values.append(differences(ours[first], sampled, measured.names, random))
    return of_splits(values, floors, gate.largest_values(measured.names))


def _parts(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Return blocks of the cycles of a few devices, which stand for devices; single cycles of very few."""
    devices, cycles, k = one.shape
    pooled = cycles < POOLED_BELOW
    if pooled:
        ours, theirs = one.reshape(-1, 1, k), other.reshape(-1, 1, k)
    else:
        length = max(POOLED_BELOW, cycles // max(2, -(-BLOCKS // devices)))
        ours, theirs = (_blocks(values, length) for values in (one, other))
    if len(ours) < 2 or not len(theirs):
        raise ObservationError(
            f"a floor needs 2 blocks of {POOLED_BELOW} cycles, got {devices} x {cycles} cycles"
        )
    return ours, theirs


def _blocks(values: Floats, length: int) -> Floats:
    """Return blocks of cycles as devices."""
    number = values.shape[1] // length
    blocks = values[:, : number * length].reshape(len(values) * number, length, values.shape[2])
    return _alive(blocks)
