"""Variables of a study's dataset, and intervals over its seeds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from frenkel import provenance

from .settings import Settings

Variable = tuple[list[str], NDArray[Any], dict[str, str]]
"""Dimensions, values, and attributes ``units`` and ``long_name``."""

Variables = dict[str, Variable]


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
    from scipy import stats  # scipy.stats, and reading a study back needs none

    numbers = np.asarray(values, float).ravel()
    if numbers.size < 2:
        return Interval(float(numbers.mean()), float("inf"))
    half_width = stats.t.ppf(0.975, numbers.size - 1) * numbers.std(ddof=1) / np.sqrt(numbers.size)
    return Interval(float(numbers.mean()), float(half_width))


def percent(values: ArrayLike | Interval) -> str:
    """Return the interval of shares in percent, as text."""
    shares = values if isinstance(values, Interval) else interval(values)
    return f"{Interval(100 * shares.mean, 100 * shares.half):.1f} %"


def variable(dims: str, values: ArrayLike, units: str, long_name: str) -> Variable:
    """Return a variable of a dataset; ``dims`` are names with spaces between them."""
    return dims.split(), np.asarray(values), {"units": units, "long_name": long_name}


def finish(values: Variables, name: str, title: str, settings: Settings, **more: Any) -> xr.Dataset:
    """Return the dataset of a study with title, history and provenance.

    Parameters
    ----------
    values : dict
        Made by :func:`variable`; names of dimensions become coordinates.
    name, title : str
        Of the study, and what it asks.
    settings : Settings
    **more
        JSON data that the result depends on, such as the hash of the device's statistics.
    """
    recorded = {"study": name, **settings.record(), **more}
    attrs = provenance.attributes(f"{name}: {title}", recorded, seed=settings.seed, study=name)
    return xr.Dataset(values, attrs=attrs)


def markdown(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    first, *others = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return [first, "|" + "---|" * len(head), *others]
