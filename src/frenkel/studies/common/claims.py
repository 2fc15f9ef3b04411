"""Claims of the literature and what our numbers say of them.

A row of ``claims.toml`` holds a claim in our words, its source, and the sentence that our numbers fill; a
study gives the verdict and the numbers.
"""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...checks import one_of
from .data import Interval

Verdict = Literal["supports", "corrects", "contradicts", "open"]
VERDICTS = ("supports", "corrects", "contradicts", "open")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a study says of a sentence of the literature.

    Parameters
    ----------
    id : str
        Such as "nonidealities-rtn".
    sentence : str
        The claim, in our words.
    source : str
        Where it stands: "review, Table 1", or a DOI.
    verdict : {"supports", "corrects", "contradicts", "open"}
        What our numbers do to it; "open": they do not decide.
    ours : str
        The numbers, with their intervals and units.
    accepted : bool, optional
        Whether ours lie in the band asked of this model beforehand; None where there is no band.
    """

    id: str
    sentence: str
    source: str
    verdict: Verdict
    ours: str
    accepted: bool | None = None

    def __post_init__(self) -> None:
        one_of("verdict", self.verdict, VERDICTS)


@functools.cache
def rows() -> dict[str, dict[str, str]]:
    """Return sentence, source and our sentence of every claim, by its id."""
    with Path(__file__).with_name("claims.toml").open("rb") as stream:
        return tomllib.load(stream)


def claim(name: str, verdict: Verdict, accepted: bool | None = None, /, **numbers: Any) -> Claim:
    """Return what numbers say of a claim.

    Parameters
    ----------
    name : str
        Id of a row of ``claims.toml``.
    verdict, accepted
        See :class:`Claim`.
    **numbers
        What the row's sentence has in braces: numbers, intervals, text, or sequences of them, whose members
        are set apart by " / ".
    """
    row = rows()[name]
    found = {key: _Several(value) if isinstance(value, list) else value for key, value in numbers.items()}
    accepted = None if accepted is None else bool(accepted)
    return Claim(
        id=name, sentence=row["sentence"], source=row["source"], verdict=verdict,
        ours=row["ours"].format(**found), accepted=accepted,
    )  # fmt: skip


class _Several(list[Any]):
    """Numbers that are written one after another, each in the form that is asked for."""

    def __format__(self, form: str) -> str:
        return " / ".join(format(one, form) for one in self)


def of_gain(gain: Interval) -> Verdict:
    """Return the verdict on a sentence that a method gains."""
    return "supports" if gain.low > 0.0 else "contradicts" if gain.high < 0.0 else "open"
