"""What every study has: settings, claims of the literature it speaks to, paired intervals, a saved Dataset.

A study is a module with four functions::

    run(settings) -> xarray.Dataset          everything measured, one variable per number of its table
    table(data) -> str                       the table, as Markdown
    claims(data) -> list[Claim]              what the numbers say of sentences of the literature
    draw(data, folder) -> list[Path]         pictures (PNG)

The last three read the dataset alone, so that a report can be made again from files.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from .. import provenance

Verdict = Literal["supports", "corrects", "contradicts", "open"]
VERDICTS = ("supports", "corrects", "contradicts", "open")


def quiet(share: float, what: str) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How much a study does.

    Parameters
    ----------
    task : str
        Data set of :mod:`frenkel.networks.tasks`.
    seeds : int
        Networks trained, each with a seed of its own, at least 2.
    chips : int
        Simulated chips per network, at least 1.
    steps : int
        Training steps of a network (batches), at least 1.
    card : Path, optional
        Card that the device's statistics come from; the one shipped with the examples by default.
    seed : int
        Of everything, 0 to 2**32 - 1.
    progress : callable
        Takes the share done (0 to 1) and a word on what is being done.
    """

    task: str = "digits"
    seeds: int = 8
    chips: int = 20
    steps: int = 900
    card: Path | None = None
    seed: int = 1
    progress: Callable[[float, str], None] = quiet

    def __post_init__(self) -> None:
        for name, least, most in (
            ("seeds", 2, 1000), ("chips", 1, 10_000), ("steps", 1, 10**6), ("seed", 0, 2**32 - 1),
        ):  # fmt: skip
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be between {least} and {most}, got {getattr(self, name)}")

    def random(self, *key: int) -> np.random.Generator:
        """Return the random stream of a part of the study, the same whatever else is done."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def record(self) -> dict[str, Any]:
        """Return the settings as JSON data."""
        found = asdict(self) | {"card": None, "card_hash": None}
        if self.card is not None:
            found |= {"card": self.card.name, "card_hash": hashlib.sha256(self.card.read_bytes()).hexdigest()}
        del found["progress"]
        return found


REDUCED = {"seeds": 3, "chips": 4, "steps": 300}
"""Settings of a quick look, as in the default tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a study says of a sentence of the literature.

    Parameters
    ----------
    id : str
        Such as "S1-rtn".
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
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict must be one of {', '.join(VERDICTS)}, got {self.verdict!r}")


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % confidence interval.

    Attributes
    ----------
    mean, half : float
        Of the values, and half the width of its interval; infinite for fewer than two values.
    """

    mean: float
    half: float

    @property
    def low(self) -> float:
        """Lower end."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean + self.half

    def __format__(self, form: str) -> str:
        """Return "mean ± half", both in one form; the "+" of a signed form is for the mean alone."""
        return f"{self.mean:{form or '.3g'}} ± {self.half:{(form or '.3g').lstrip('+')}}"


def interval(values: ArrayLike) -> Interval:
    """Return the mean over seeds and its 95 % t interval.

    Parameters
    ----------
    values : array_like of shape (seeds,)
        One number per seed; a difference of two methods for a paired interval.
    """
    from scipy import stats

    found = np.asarray(values, float).ravel()
    if found.size < 2:
        return Interval(float(found.mean()), float("inf"))
    half = stats.t.ppf(0.975, found.size - 1) * found.std(ddof=1) / np.sqrt(found.size)
    return Interval(float(found.mean()), float(half))


def finish(data: xr.Dataset, name: str, title: str, settings: Settings, **more: Any) -> xr.Dataset:
    """Return the dataset of a study with title, history and provenance, units checked.

    Parameters
    ----------
    data : xarray.Dataset
        Every variable has ``units`` and ``long_name``.
    name, title : str
        Of the study: "S1", and what it asks.
    settings : Settings
    **more
        JSON data that the result depends on, such as the hash of the device's statistics.

    Raises
    ------
    ValueError
        A variable lacks its units or its long name.
    """
    for key, variable in data.variables.items():
        lacking = {"units", "long_name"} - set(variable.attrs)
        if lacking:
            raise ValueError(f"{key} in study {name} lacks {' and '.join(sorted(lacking))}")
    made = provenance.record({"study": name, **settings.record(), **more}, seed=settings.seed)
    return data.assign_attrs(
        title=f"{name}: {title}",
        study=name,
        source=f"frenkel {provenance.version()}",
        history=f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} made by frenkel",
        provenance=json.dumps(made),
    )


def variable(
    dims: str, values: ArrayLike, units: str, long_name: str
) -> tuple[list[str], Any, dict[str, str]]:
    """Return a variable of a dataset; ``dims`` are names with spaces between them."""
    return dims.split(), np.asarray(values), {"units": units, "long_name": long_name}
