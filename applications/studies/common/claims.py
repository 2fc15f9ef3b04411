"""Claims of the literature and what our numbers say of them.

A row of ``claims.toml`` holds a claim in our words, its source, and the sentence that our numbers fill; a
study gives the verdict and the numbers.
"""

import functools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numpy.typing import ArrayLike

from frenkel.checks import one_of

from .data import Interval, interval

Verdict = Literal["supports", "corrects", "contradicts", "open", "arithmetic"]
VERDICTS = ("supports", "corrects", "contradicts", "open", "arithmetic")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a sentence says should be there: larger than what would not matter.

    Parameters
    ----------
    found : Interval
        Of the effect, positive where it goes as the sentence says.
    worth : float
        What it must exceed to matter, in the unit of the effect.
    """

    found: Interval
    worth: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """ "supports": the whole interval is beyond what matters; "contradicts": none of it; else "open"."""
        if self.found.low > self.worth:
            return "supports"
        return "contradicts" if self.found.high < self.worth else "open"


def effect(values: ArrayLike, worth: float = 0.0) -> Effect:
    """Return an effect from one number per network."""
    return Effect(interval(values), worth)


def exact(value: float, worth: float = 0.0) -> Effect:
    """Return an effect that has no chance in it."""
    return Effect(Interval(float(value), 0.0), worth)


def judged(effects: Sequence[Effect]) -> Verdict:
    """Return the verdict of effects on a sentence that says them all.

    All support it, or none does and all contradict it; "corrects" where some of both are there: it holds in
    part. Else the numbers do not decide.
    """
    verdicts = {effect.verdict for effect in effects}
    if verdicts in ({"supports"}, {"contradicts"}):
        return verdicts.pop()
    return "corrects" if {"supports", "contradicts"} <= verdicts else "open"


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
    verdict : {"supports", "corrects", "contradicts", "open", "arithmetic"}
        What our numbers do to it, see :func:`judged`; "arithmetic": it follows from what was put in, and no
        measurement could have said otherwise.
    ours : str
        The numbers, with their intervals and units.
    effects : tuple of Effect
        What the verdict follows from.
    """

    id: str
    sentence: str
    source: str
    verdict: Verdict
    ours: str
    effects: tuple[Effect, ...] = ()

    def __post_init__(self) -> None:
        one_of("verdict", self.verdict, VERDICTS)


@functools.cache
def rows() -> dict[str, dict[str, str]]:
    """Return sentence, source and our sentence of every claim, by its id."""
    with Path(__file__).with_name("claims.toml").open("rb") as stream:
        return tomllib.load(stream)


def claim(name: str, effects: Sequence[Effect] | None, /, **numbers: Any) -> Claim:
    """Return what numbers say of a claim.

    Parameters
    ----------
    name : str
        Id of a row of ``claims.toml``.
    effects : sequence of Effect, or None
        That the verdict follows from; None where it is arithmetic.
    **numbers
        What the row's sentence has in braces: numbers, intervals, text, or sequences of them, whose members
        are set apart by " / ".
    """
    row = rows()[name]
    values = {key: _Several(value) if isinstance(value, list) else value for key, value in numbers.items()}
    return Claim(
        id=name, sentence=row["sentence"], source=row["source"],
        verdict="arithmetic" if effects is None else judged(effects), ours=row["ours"].format(**values),
        effects=tuple(effects or ()),
    )  # fmt: skip


class _Several(list[Any]):
    """Numbers that are written one after another, each in the form that is asked for."""

    def __format__(self, form: str) -> str:
        return " / ".join(format(number, form) for number in self)
