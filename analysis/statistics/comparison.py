"""One statistic of a model against measured devices, with its noise floor, its limit and a verdict.

Two halves of the measured devices differ by chance alone: the mean difference over several splits is the
noise floor. A half and a sample of the model, as large as the other half, give the value. Unless a statistic
has a rule of its own, its limit is :data:`FACTOR` times the floor. With very few data that can be more than
the statistic reaches for any model: such a comparison has neither passed nor failed.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from scipy.stats import ks_2samp

from ...typing import Floats, Index

FACTOR = 2.0
"""Allowed multiple of the noise floor."""

REPEATS = 10
"""Splits over which value and floor are averaged."""

LARGEST_KS = 1.0
"""Largest distance of Kolmogorov and Smirnov, and largest difference of two shares."""

LARGEST_CORRELATION = 2.0
"""Largest difference of two correlations."""

Verdict = Literal["passed", "FAILED", "cannot be judged with this much data"]
"""What a comparison, or a row of a stored card, says of the model."""

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
    largest : float
        Largest value that the statistic can have for any model.
    """

    statistic: str
    value: float
    floor: float
    limit: float
    largest: float = math.inf

    @classmethod
    def of(
        cls,
        statistic: str,
        values: Splits,
        floors: Splits,
        *,
        limit: float | None = None,
        largest: float = math.inf,
    ) -> Self:
        """Return the comparison of the means of values and floors.

        Parameters
        ----------
        statistic : str
        values, floors : float or sequence of float
            The difference, or that of each split.
        limit : float, optional
            Default: :data:`FACTOR` times the mean floor.
        largest : float
        """
        value, floor = float(np.mean(values)), float(np.mean(floors))
        return cls(statistic, value, floor, FACTOR * floor if limit is None else limit, largest)

    @property
    def verdict(self) -> Verdict:
        """Whether the value is within the limit, or why that says nothing."""
        if not math.isfinite(self.limit):
            return verdict_of(None)
        within = self.value <= self.limit
        # A value beyond the limit shows that the limit can be exceeded.
        return verdict_of(None if within and self.limit >= self.largest else within)

    @property
    def passed(self) -> bool:
        """Whether the value is within a limit that can be exceeded."""
        return self.verdict == "passed"

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as a row of a validation; ``passed`` is None if it cannot be judged."""
        return {
            "statistic": self.statistic,
            "value": self.value,
            "floor": self.floor,
            "limit": self.limit,
            "passed": {verdict_of(known): known for known in (True, False, None)}[self.verdict],
        }


def verdict_of(passed: bool | None) -> Verdict:
    """Return what ``passed`` of a row of a card says; None: it cannot be judged."""
    if passed is None:
        return "cannot be judged with this much data"
    return "passed" if passed else "FAILED"


def of_splits(
    values: Sequence[Mapping[str, float]],
    floors: Sequence[Mapping[str, float]],
    largest: Mapping[str, float],
) -> list[Comparison]:
    """Return a comparison of each statistic.

    Parameters
    ----------
    values, floors : sequence of mapping of str to float
        Of each split the statistics between a part and the model, and between two parts.
    largest : mapping of str to float
        Largest value of each statistic that has one.
    """
    return [
        Comparison.of(
            name,
            [row[name] for row in values],
            [row[name] for row in floors],
            largest=largest.get(name, math.inf),
        )
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


def ks_distance(one: Floats, other: Floats) -> float:
    """Return the distance of Kolmogorov and Smirnov of two samples; NaN if one of them is empty."""
    if not one.size or not other.size:
        return math.nan
    # The distance is that of either method; for a pair of single values the asymptotic p divides by zero.
    method = "exact" if one.size == other.size == 1 else "asymp"
    return float(ks_2samp(one, other, method=method).statistic)


def passed(rows: Iterable[Comparison]) -> bool:
    """Return whether no comparison has failed, and not all of them are without a verdict."""
    verdicts = {row.verdict for row in rows}
    return "FAILED" not in verdicts and verdicts != {verdict_of(None)}


def table(rows: Sequence[Comparison]) -> str:
    """Return the comparisons as text, a line each, and which of them failed or cannot be judged."""
    width = max(30, *(len(row.statistic) for row in rows))
    lines = [f"{'statistic':<{width}} {'model':>8} {'floor':>8} {'limit':>8}"]
    for row in rows:
        numbers = [
            f"{x:8.4f}" if math.isfinite(x) else f"{'-':>8}" for x in (row.value, row.floor, row.limit)
        ]
        lines.append(f"{row.statistic:<{width}} {' '.join(numbers)}  {row.verdict}")
    return "\n".join([*lines, *_conclusion(rows)])


def _conclusion(rows: Sequence[Comparison]) -> list[str]:
    """Return sentences that name the comparisons which failed or cannot be judged."""
    failed, unknown = (
        [row.statistic for row in rows if row.verdict == verdict_of(known)] for known in (False, None)
    )
    number = len(rows) - len(failed) - len(unknown)
    lines = [f"failed: {', '.join(failed)}"] if failed else []
    lines += [f"passed: {number} of {len(rows)} rows"] if number and not failed else []
    if unknown:
        whole = len(unknown) == len(rows)
        names = f"all {len(rows)} rows; give more devices or cycles" if whole else ", ".join(unknown)
        lines.append(f"{verdict_of(None)}: {names}")
    return lines
