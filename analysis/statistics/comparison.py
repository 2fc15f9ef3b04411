"""One statistic of a model against measured devices, with its noise floor, its limit and a verdict.

Two halves of the measured devices differ by chance alone: the mean difference over several splits is the
noise floor. A half and a sample of the model, as large as the other half, give the value. Unless a statistic
has a rule of its own, its limit is :data:`FACTOR` times the floor.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ...typing import Index

FACTOR = 2.0
"""Allowed multiple of the noise floor."""

REPEATS = 10
"""Splits over which value and floor are averaged."""

Splits = float | Sequence[float]
"""A difference, or that of each split."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One statistic: that of the model, its noise floor, and the limit.

    Parameters
    ----------
    statistic : str
        What is compared.
    value : float
        Difference between model and measured devices.
    floor : float
        The same difference where chance alone makes it.
    limit : float
        Largest value that passes.
    """

    statistic: str
    value: float
    floor: float
    limit: float

    @classmethod
    def of(cls, statistic: str, values: Splits, floors: Splits, limit: float | None = None) -> Self:
        """Return the comparison of the means of values and floors.

        Parameters
        ----------
        statistic : str
        values, floors : float or sequence of float
            The difference, or that of each split.
        limit : float, optional
            Default: :data:`FACTOR` times the mean floor.
        """
        value, floor = float(np.mean(values)), float(np.mean(floors))
        return cls(statistic, value, floor, FACTOR * floor if limit is None else limit)

    @property
    def passed(self) -> bool:
        """Whether the model differs from the measured devices by no more than the limit."""
        return self.value <= self.limit

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as a row of the gate of a card."""
        return {
            "statistic": self.statistic,
            "value": self.value,
            "floor": self.floor,
            "limit": self.limit,
            "passed": self.passed,
        }


def of_splits(
    values: Sequence[Mapping[str, float]], floors: Sequence[Mapping[str, float]]
) -> list[Comparison]:
    """Return a comparison of each statistic.

    Parameters
    ----------
    values, floors : sequence of mapping of str to float
        Of each split the statistics between a part and the model, and between two parts.
    """
    return [
        Comparison.of(name, values=[one[name] for one in values], floors=[one[name] for one in floors])
        for name in values[0]
    ]


def halves(
    number: int, seed: int, *key: int, repeats: int = REPEATS
) -> Iterator[tuple[Index, Index, np.random.Generator]]:
    """Yield the places of two random halves, and the generator that divided them, for each split.

    Parameters
    ----------
    number : int
        Of devices; the last of an odd number is in neither half.
    seed : int
    *key : int
        Tells these splits from others of the same seed.
    repeats : int
        Number of splits.
    """
    for split in range(repeats):
        random = np.random.default_rng([seed, split, *key])
        order = random.permutation(number)
        yield order[: number // 2], order[number // 2 : 2 * (number // 2)], random


def passed(rows: Iterable[Comparison]) -> bool:
    """Return whether every comparison has passed."""
    return all(row.passed for row in rows)


def table(rows: Sequence[Comparison]) -> str:
    """Return the comparisons as text, a line each."""
    width = max(30, *(len(row.statistic) for row in rows))
    lines = [f"{'statistic':<{width}} {'model':>8} {'floor':>8} {'limit':>8}"]
    for row in rows:
        verdict = "passed" if row.passed else "FAILED"
        lines.append(
            f"{row.statistic:<{width}} {row.value:8.4f} {row.floor:8.4f} {row.limit:8.4f}  {verdict}"
        )
    return "\n".join(lines)
