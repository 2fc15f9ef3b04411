"""What the file of an ensemble holds of its population: the drawn numbers, and the failures of members."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..configuration.material import is_number
from ..configuration.points import Members
from ..configuration.population import ATTEMPTS, LEVELS
from ..data.member_file import MemberColumn
from ..mpi_runs import shards
from ..mpi_runs.merge import Located

Columns = dict[str, tuple[tuple[str, ...], Any, dict[str, Any]]]
"""Variables by name: dimensions, values, attributes."""

DIFFERING = (
    "lattice_shape", "layer_planes", "layer_region", "lattice_spacing", "ambient_temperature",
    "series_resistance",
)  # fmt: skip
"""Variables that all members share unless sizes, temperature or circuit are drawn."""


def name_of(key: str) -> str:
    """Return the name of a variable for a dotted key: its parts, but for a section of the configuration."""
    return "_".join(key.split(".")[0 if is_number(key) else 1 :])


def levels(fractions: Sequence[float]) -> str:
    """Return which levels a number is drawn on, each with its fraction of the variance."""
    parts = [f"{level} {share:.3g}" for level, share in zip(LEVELS, fractions, strict=True) if share > 0.0]
    return f"{', '.join(parts)} of the variance"


def of_each_member(name: str, column: MemberColumn) -> MemberColumn:
    """Return where a variable goes that may differ between the members of a population."""
    return replace(column, kind="member") if name in DIFFERING else column


def drawn(
    points: Sequence[Configuration], grid: list[tuple[str, int]], members: Any, folder: Path
) -> Columns:
    """Return the numbers that populations draw, for every member, also for those that failed.

    Parameters
    ----------
    points : sequence of Configuration
    grid : list of (str, int)
        Dimensions over which the members go.
    members : array_like
        Numbers along ``member``.
    folder : Path
        Where a material file with a relative name is looked for.

    Returns
    -------
    dict
        Empty without a population. Else one coordinate for each drawn number, ``die`` and ``wafer`` where
        members are grouped, and ``redrawn``.
    """
    if points[0].population is None:
        return {}
    dims, sizes = tuple(name for name, _ in grid), tuple(size for _, size in grid)
    sampler = Members(points[0], folder).sampler
    assert sampler is not None
    redrawn = np.zeros((len(points), len(members)), np.int32)
    values = {key: np.full(redrawn.shape, np.nan) for key in sampler.numbers}
    for point, configuration in enumerate(points):
        own = Members(configuration, folder)
        for place, member in enumerate(np.asarray(members).tolist()):
            try:
                draws = own.draw(member)
            except ConfigurationError:  # the sentence with which the member has failed
                redrawn[point, place] = ATTEMPTS
                continue
            for key, value in draws.values.items():
                values[key][point, place] = value
            redrawn[point, place] = sum(draws.redrawn.values())
    columns: Columns = {}
    for key, number in sampler.numbers.items():
        law = sampler.section.laws[key]
        attrs = {
            "units": number.unit,
            "long_name": number.meaning,
            "key": key,
            "law": law.law,
            "levels": levels(law.fractions),
        }
        columns[name_of(key)] = (dims, values[key].reshape(sizes), attrs)
    places = np.array([sampler.section.place(member)[1:] for member in np.asarray(members).tolist()], object)
    for level, column in zip(LEVELS[1:], places.T, strict=True):
        if column[0] is not None:
            attrs = {"units": "1", "long_name": f"{level} that the member is on"}
            columns[level] = (("member",), column.astype(np.int64), attrs)
    columns["redrawn"] = (
        dims,
        redrawn.reshape(sizes),
        {"units": "1", "long_name": "draws of the member that were not allowed and were drawn again"},
    )
    return columns


def failures(located: Located, grid: list[tuple[str, int]]) -> Columns:
    """Return why each member has no result, and how far it came.

    Parameters
    ----------
    located : Located
        Records of all members, in the order of the file.
    grid : list of (str, int)
        Dimensions over which the members go.
    """
    dims, sizes = tuple(name for name, _ in grid), tuple(size for _, size in grid)
    number = len(located.member)
    reasons = np.full(number, "", object)
    phases = np.full(number, "", object)
    times, voltages = np.full((2, number), np.nan)
    for place in np.flatnonzero(located.status != shards.OK).tolist():
        code = int(located.status[place])
        reasons[place] = shards.STATUS[code]
        if code == shards.MISSING:
            continue
        head = located.head(place)[1]
        reasons[place] = head.get("error") or shards.STATUS[code]
        state = head.get("state") or {}
        phases[place] = state.get("phase", "")
        times[place], voltages[place] = state.get("time", np.nan), state.get("source_voltage", np.nan)
    return {
        "failure": (dims, reasons.reshape(sizes), {"long_name": "why the member has no result"}),
        "failure_phase": (dims, phases.reshape(sizes), {"long_name": "phase that a failed member was in"}),
        "failure_time": (
            dims,
            times.reshape(sizes),
            {
                "units": "s",
                "long_name": "time of the device when the member was last seen; its values are censored here",
            },
        ),
        "failure_voltage": (
            dims,
            voltages.reshape(sizes),
            {"units": "V", "long_name": "source voltage when the member was last seen"},
        ),
    }
