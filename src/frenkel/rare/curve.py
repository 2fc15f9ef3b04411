"""How the probability falls with the score: what the stages of repeats of a splitting say on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..typing import Floats, Index
from .splitting import OPEN, Splitting


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How likely it is that a path comes beyond a score.

    Parameters
    ----------
    levels : sequence of ndarray
        Of each repeat the scores that were given up, rising.
    killed : sequence of ndarray of int
        Of each repeat the particles taken out there.
    probability : ndarray of shape (repeats,)
        Of reaching the goal; where not complete of coming beyond the last level.
    complete : ndarray of bool, shape (repeats,)
        False where a repeat was ended at its floor.
    particles, kill : int
        Of each repeat, and how many were taken out in a stage at least.
    goal : float
        Score that counts as reached; infinite for a survival.
    """

    levels: Sequence[Floats]
    killed: Sequence[Index]
    probability: Floats
    complete: np.ndarray[tuple[int], np.dtype[np.bool_]]
    particles: int
    kill: int
    goal: float

    @classmethod
    def of(cls, runs: Iterable[Splitting], kill: int, goal: float) -> Curve:
        """Return the curve of runs of `split`."""
        all_runs = list(runs)
        return cls(
            levels=[np.array(splitting.levels) for splitting in all_runs],
            killed=[np.array(splitting.killed, np.int64) for splitting in all_runs],
            probability=np.array([splitting.probability for splitting in all_runs]),
            complete=np.array([splitting.complete for splitting in all_runs]),
            particles=all_runs[0].particles,
            kill=kill,
            goal=goal,
        )

    @property
    def repeats(self) -> int:
        """Number of repeats."""
        return len(self.levels)

    @property
    def resolution(self) -> float:
        """How much ln P may fall between two levels of a repeat that has no ties."""
        return -math.log1p(-self.kill / self.particles)

    def beyond(self, score: float) -> Floats:
        """Return of each repeat the probability of coming beyond a score, at the goal that of reaching it.

        Between two of its levels a repeat says that of the one below, by `resolution` too much at most.
        """
        if score >= self.goal:
            return self.probability
        probabilities = [
            np.prod(1.0 - killed[levels <= score] / self.particles)
            for levels, killed in zip(self.levels, self.killed, strict=True)
        ]
        return np.array(probabilities)

    def ended(self, score: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which repeats were ended at their floor before a score: theirs are bounds from above."""
        last = np.array([levels[-1] if len(levels) else -math.inf for levels in self.levels])
        return ~self.complete & (last < score)

    def bound(self, score: float) -> float:
        """Return what the probability is below, with 95 %, where no repeat came beyond a score.

        A repeat that lost all its N particles in one stage had come to a share s: of R such repeats together
        none of R N went on, so that less than 3 / (R N) of s did.
        """
        shares = []
        for levels, killed in zip(self.levels, self.killed, strict=True):
            before = killed[(levels <= score) & (killed < self.particles)]
            shares.append(np.prod(1.0 - before / self.particles))
        return float(np.mean(shares)) * min(3.0 / (self.particles * self.repeats), 1.0)

    def decades(self, least: float) -> list[float]:
        """Return the scores at which the mean first falls to 0.1, 0.01 and so on, and the goal.

        Parameters
        ----------
        least : float
            None where the mean is below this, above 0; nor where repeats that were ended hold a tenth of it.
        """
        crossed, last = [], 1.0
        scores = [float(level) for level in np.unique(np.concatenate([*self.levels, [self.goal]]))]
        means = [self._mean(level) for level in scores]
        # A last decade may be missed by a level's width.
        lowest = least * math.exp(-self.resolution)
        for score, mean in zip(scores, means, strict=True):
            if mean < lowest:
                break
            if math.floor(-math.log10(mean) + 1e-9) > math.floor(-math.log10(last) + 1e-9):
                crossed.append(score)
                last = mean
        else:
            if means and math.isfinite(means[-1]) and scores[-1] not in crossed:
                crossed.append(scores[-1])
        return crossed

    def _mean(self, score: float) -> float:
        """Return the mean of the repeats, 0 where those that were ended hold a tenth of it."""
        probabilities = self.beyond(score)
        mean = float(probabilities.mean())
        return 0.0 if probabilities[self.ended(score)].sum() > OPEN * probabilities.sum() else mean
