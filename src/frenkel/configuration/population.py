"""The table ``[population]`` of a configuration: numbers that differ from member to member of an ensemble.

::

    [population]
    devices_per_die = 16
    dies_per_wafer = 8
    exchange.barrier = {law = "normal", sd = "0.03 eV", die = 0.2, wafer = 0.1}
    device.thickness = {law = "log-normal", sigma = 0.03}
    circuit.series_resistance = {law = "discrete", values = "1, 2 kohm", weights = [3, 1]}

    [[population.correlated]]
    numbers = ["exchange.barrier", "device.thickness"]
    matrix = [[1.0, 0.5], [0.5, 1.0]]

Each number is a function of a standard normal score z: x = mean + sd z of the normal law, x = F^-1(Phi(z))
of any other (a Gaussian copula). The score is the sum of independent parts of member, die and wafer,
``z = sqrt(1 - die - wafer) e + sqrt(die) d + sqrt(wafer) w``: ``die`` and ``wafer`` are the fractions of its
variance that the members of one die or wafer share. Each part has a stream of random numbers of its own,
whose key is the number of the member, die or wafer, the level, and the name of the number: no draw depends
on how many members there are, or on which other numbers are drawn.

A draw outside of the allowed values of its number is drawn again, on the lowest level that has a part in it;
with it are all numbers that it is correlated with. What is left is the law given the parts of higher levels,
under the condition that all values are allowed.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from statistics import NormalDist
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..checks import between
from ..kinetic.materials.material import Material
from ..kinetic.seeds import POPULATION, random_numbers
from ..provenance import MOST_MEMBERS
from ..quantity import share_unit, to_si
from ..typing import Floats
from ..validation import shown, suggest
from .base import ConfigurationError, Section, checked
from .numbers import ConfigurationNumber, number_of

LEVELS = ("device", "die", "wafer")
"""Levels on which numbers are drawn, the lowest first."""

MOST_VALUES = 10_000
"""Most values of a table."""

MOST_REDRAWN = 0.01
"""Fraction of draws that may lie outside of the allowed values before a sentence says so."""

ATTEMPTS = 10_000
"""Draws in a row that may lie outside before a member ends with an error."""

ROUNDING = 1e-9
"""Fraction of a variance that is taken for the rounding of a sum."""

EXAMPLE = 'exchange.barrier = {law = "normal", sd = "0.03 eV"}'
"""Entry of a population that errors show."""

LAYER_THICKNESS = re.compile(r"device\.layer\.[0-9]+\.thickness")
"""Key of the thickness of a layer, which is rounded to whole spacings, at least one."""

Written = str | float
"""A quantity as text with a unit, or a pure number."""
Values = Annotated[list[Written] | str, Field(min_length=1, max_length=MOST_VALUES)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class Law(Section):
    """How one number is distributed over the members, and on which levels.

    Attributes
    ----------
    die, wafer : float
        Fractions of the variance of the score that the members of one die, and of one wafer, have in common;
        the remainder belongs to the member.
    """

    law: str
    die: Fraction = 0.0
    wafer: Fraction = 0.0

    @model_validator(mode="after")
    def _sum(self) -> "Law":
        if self.die + self.wafer > 1.0 + ROUNDING:
            raise ValueError(f"die and wafer must add up to at most 1, got {self.die:g} and {self.wafer:g}")
        return self

    @property
    def fractions(self) -> tuple[float, float, float]:
        """Fractions of the variance of the score on the :data:`LEVELS`."""
        own = 1.0 - self.die - self.wafer
        return own if own > ROUNDING else 0.0, self.die, self.wafer

    def distribution(self, number: ConfigurationNumber, present: float | None) -> "Distribution":
        """Return the distribution of a number.

        Parameters
        ----------
        number : ConfigurationNumber
        present : float or None
            Value that the number has in the configuration, in its unit: the centre where the law gives none.

        Raises
        ------
        ValueError
            The law does not fit the number.
        """
        raise NotImplementedError

    def check(self, number: ConfigurationNumber) -> None:
        """Raise ValueError unless the law fits the number, whatever value that has in a configuration."""
        self.distribution(number, number.high)


class Distribution:
    """Distribution of one number: its value as a function of a standard normal score."""

    def value(self, score: float) -> float:
        """Return the value at a score."""
        raise NotImplementedError

    def outside(self, number: ConfigurationNumber) -> float:
        """Return the probability of a value that is not allowed; 0 of laws whose values are all allowed."""
        return 0.0


class _Gaussian(Distribution):
    """Normal law of a value, or of its natural logarithm."""

    def __init__(self, centre: float, width: float, logarithmic: bool) -> None:
        self.centre, self.width, self.logarithmic = centre, width, logarithmic

    def value(self, score: float) -> float:
        if self.logarithmic:
            return self.centre * math.exp(self.width * score)
        return self.centre + self.width * score

    def outside(self, number: ConfigurationNumber) -> float:
        return _below(self._score(number.low)) + _below(-self._score(number.high))

    def _score(self, value: float) -> float:
        """Return the score of a value, infinite where no score has it."""
        if self.logarithmic:
            distance = math.log(value / self.centre) if value > 0.0 else -math.inf
        else:
            distance = value - self.centre
        return distance / self.width if self.width else math.copysign(math.inf, distance)


class Normal(Law):
    """Normal law; without ``mean`` around the value that the number has."""

    law: Literal["normal"]
    mean: Written | None = None
    sd: Written

    def distribution(self, number: ConfigurationNumber, present: float | None) -> Distribution:
        _continuous(self.law, number)
        width = _width(number, self.sd)
        return _Gaussian(_centre("mean", self.mean, number, present), width, logarithmic=False)


class LogNormal(Law):
    """Normal law of the natural logarithm, standard deviation ``sigma``; ``median`` as ``mean`` above."""

    law: Literal["log-normal"]
    median: Written | None = None
    sigma: float = Field(ge=0.0, le=10.0)

    def distribution(self, number: ConfigurationNumber, present: float | None) -> Distribution:
        _continuous(self.law, number)
        centre = _centre("median", self.median, number, present)
        if centre <= 0.0:
            raise ValueError(f"{number.key}.median must be above 0 for a log-normal law, got {centre:g}")
        return _Gaussian(centre, self.sigma, logarithmic=True)


class _Least(Distribution):
    """Law of the least of n independent normal values: P(x) = 1 - (1 - Phi((x - mean) / sd))^n."""

    def __init__(self, mean: float, sd: float, number: float) -> None:
        self.mean, self.sd, self.number = mean, sd, number

    def value(self, score: float) -> float:
        # Of one normal value: ln of the probability to lie above. The smaller side keeps its digits.
        above = math.log(_below(-score)) / self.number
        if above < math.log(0.5):
            return self.mean - self.sd * NormalDist().inv_cdf(math.exp(above))
        return self.mean + self.sd * NormalDist().inv_cdf(-math.expm1(above))

    def outside(self, number: ConfigurationNumber) -> float:
        if not self.sd:
            return 0.0
        below, above = ((end - self.mean) / self.sd for end in (number.low, number.high))
        return -math.expm1(self.number * math.log1p(-_below(below))) + math.pow(_below(-above), self.number)


class Least(Law):
    """The least of ``number`` normal values, such as the barrier of the weakest of so many spots.

    ``number`` need not be whole: with spots of density n it is n times the area of the device.
    """

    law: Literal["least"]
    mean: Written | None = None
    sd: Written
    number: float = Field(ge=1.0, le=1e12)

    def distribution(self, number: ConfigurationNumber, present: float | None) -> Distribution:
        _continuous(self.law, number)
        return _Least(_centre("mean", self.mean, number, present), _width(number, self.sd), self.number)


class _Flat(Distribution):
    """Uniform law."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def value(self, score: float) -> float:
        return self.low + (self.high - self.low) * _below(score)


class Uniform(Law):
    """Uniform law between two values."""

    law: Literal["uniform"]
    low: Written
    high: Written

    def distribution(self, number: ConfigurationNumber, present: float | None) -> Distribution:
        _continuous(self.law, number)
        low, high = (_read(number, name, value) for name, value in (("low", self.low), ("high", self.high)))
        if not low <= high:
            raise ValueError(f"{number.key}.low must be at most high, got {low:g} and {high:g} {number.unit}")
        return _Flat(low, high)


class _Steps(Distribution):
    """Law of some values with probabilities."""

    def __init__(self, values: Sequence[float], weights: Sequence[float]) -> None:
        order = np.argsort(
            values, kind="stable"
        )  # the score ascends with the value, also of correlated numbers
        self.values = np.asarray(values, float)[order]
        self.upto = np.cumsum(np.asarray(weights, float)[order] / math.fsum(weights))

    def value(self, score: float) -> float:
        place = int(np.searchsorted(self.upto, _below(score), side="right"))
        return float(self.values[min(place, len(self.values) - 1)])


class Discrete(Law):
    """Some values, with weights that need not add up to 1; equal ones by default."""

    law: Literal["discrete"]
    values: Values
    weights: list[float] | None = None

    def distribution(self, number: ConfigurationNumber, present: float | None) -> Distribution:
        values = _values(number, self.values)
        weights = [1.0] * len(values) if self.weights is None else self.weights
        if len(weights) != len(values):
            raise ValueError(
                f"{number.key} must have one weight for each of its {len(values)} values, got {len(weights)}"
            )
        if not all(0.0 <= weight < math.inf for weight in weights) or not math.fsum(weights) > 0.0:
            raise ValueError(
                f"{number.key}.weights must be at least 0 and finite, and not all 0, got {shown(weights)}"
            )
        return _Steps(values, weights)


class Empirical(Law):
    """Empirical law: each of the values is as likely as the others; ``file`` is read into ``values``."""

    law: Literal["table"]
    values: Values

    def distribution(self, number: ConfigurationNumber, present: float | None) -> Distribution:
        values = _values(number, self.values)
        return _Steps(values, [1.0] * len(values))


LAWS: dict[str, type[Law]] = {
    "normal": Normal,
    "log-normal": LogNormal,
    "least": Least,
    "uniform": Uniform,
    "discrete": Discrete,
    "table": Empirical,
}


class Correlated(Section):
    """Numbers whose scores are correlated on each level.

    Attributes
    ----------
    numbers : list of str
        Their keys.
    matrix : list of list of float or None
        Correlation matrix of the scores, in the order of the numbers.
    loadings : list of float or None
        Instead of a matrix the correlation of each score with one latent factor: that of two scores is the
        product of their loadings.
    """

    numbers: list[str] = Field(min_length=2, max_length=100)
    matrix: list[list[float]] | None = None
    loadings: list[Annotated[float, Field(ge=-1.0, le=1.0)]] | None = None

    @model_validator(mode="after")
    def _definite(self) -> "Correlated":
        names = " and ".join(self.numbers)
        if (self.matrix is None) == (self.loadings is None):
            raise ValueError(f"{names} must be given either a matrix or loadings")
        size = len(self.numbers)
        rows = [len(self.loadings)] if self.loadings is not None else [*map(len, self.matrix or [])]
        if rows != ([size] if self.loadings is not None else [size] * size):
            raise ValueError(f"a correlation must have one row and one column for each of {names}")
        correlation = self.correlation
        if not np.allclose(np.diag(correlation), 1.0) or not np.array_equal(correlation, correlation.T):
            raise ValueError(f"the matrix of {names} must be symmetric with 1 on its diagonal")
        least = float(np.linalg.eigvalsh(correlation)[0])
        if not least > 1e-10:
            raise ValueError(
                f"the correlation of {names} must be positive definite, its least eigenvalue is {least:.2g}"
            )
        return self

    @property
    def correlation(self) -> Floats:
        """Correlation matrix of the scores."""
        if self.matrix is not None:
            return np.array(self.matrix, float)
        loadings = np.array(self.loadings, float)
        return np.outer(loadings, loadings) + np.diag(1.0 - loadings**2)


class PopulationSection(Section):
    """Numbers that differ between members, by their dotted keys, and how members are grouped.

    Attributes
    ----------
    devices_per_die : int or None
        Members 0 to ``devices_per_die - 1`` are on die 0, and so on.
    dies_per_wafer : int or None
    shipped : bool or None
        Whether numbers without a law here have that of the material; see :meth:`of`.
    correlated : list of Correlated
        A number is in at most one of them.
    """

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    devices_per_die: int | None = Field(default=None, ge=1, le=MOST_MEMBERS)
    dies_per_wafer: int | None = Field(default=None, ge=1, le=MOST_MEMBERS)
    shipped: bool | None = None
    correlated: list[Correlated] = Field(default=[])

    @model_validator(mode="before")
    @classmethod
    def _nested(cls, document: Any) -> Any:
        """Write keys in quotes ("exchange.barrier") as those without, so that ``--set`` finds them."""
        if not isinstance(document, Mapping):
            return document
        nested: dict[str, Any] = {}
        for key, value in document.items():
            *way, last = str(key).removeprefix("material.").split(".")
            place = nested
            for part in way:
                place = place.setdefault(part, {})
                if not isinstance(place, dict):
                    raise ValueError(f"{key} is given twice")
            if isinstance(place.get(last), dict) and isinstance(value, Mapping):
                place[last] = place[last] | dict(value)
            else:
                place[last] = dict(value) if isinstance(value, Mapping) else value
        return nested

    @model_validator(mode="after")
    def _fits(self) -> "PopulationSection":
        for key, law in self.laws.items():
            for level, given in (("die", self.devices_per_die), ("wafer", self.dies_per_wafer)):
                if getattr(law, level) and (given is None or self.devices_per_die is None):
                    size = "devices_per_die" if level == "die" else "devices_per_die and dies_per_wafer"
                    raise ValueError(f"{key}.{level} needs {size}")
        named: set[str] = set()
        for group in self.correlated:
            for key in group.numbers:
                if key not in self.laws:
                    raise ValueError(f"correlated: {key} has no law here{suggest(key, self.laws)}")
                if key in named:
                    raise ValueError(f"correlated must name each number once, got {key} twice")
                named.add(key)
            if len({self.laws[key].fractions for key in group.numbers}) > 1:
                raise ValueError(
                    f"{' and '.join(group.numbers)} are correlated and must have the same die and wafer"
                )
        return self

    @cached_property
    def laws(self) -> dict[str, Law]:
        """Law of each number by its dotted key, in the order of the file."""
        return dict(_laws(self.__pydantic_extra__ or {}, ""))

    def of(self, material: Material) -> "PopulationSection":
        """Return the table with the laws that the material ships, where it asks for them.

        Raises
        ------
        ConfigurationError
            The material ships none, or laws that fit nothing.
        """
        if not self.shipped:
            return self
        if not material.population:
            raise ConfigurationError(
                f"population.shipped must not be true, since {material.name} has no table [population]"
            )
        laws = {width.key: width.law for width in material.population}
        own = self.model_dump(mode="json", exclude={"shipped"}, exclude_none=True)
        return checked(PopulationSection, laws | own, f"population of {material.name}")

    def groups(self) -> list[tuple[str, ...]]:
        """Return the keys of numbers that are drawn together, each number in one group."""
        grouped = [tuple(group.numbers) for group in self.correlated]
        return grouped + [(key,) for key in self.laws if not any(key in group for group in grouped)]

    def check(self, model: type[BaseModel]) -> None:
        """Raise ValueError unless every key is a number that its law fits.

        Parameters
        ----------
        model : type
            Model of the configuration.
        """
        for key, law in self.laws.items():
            law.check(number_of(key, model))

    def place(self, member: int) -> tuple[int, int | None, int | None]:
        """Return the numbers of a member, of its die and of its wafer; None where there are none."""
        die = None if self.devices_per_die is None else member // self.devices_per_die
        wafer = None if die is None or self.dies_per_wafer is None else die // self.dies_per_wafer
        return member, die, wafer


class MemberNumbers(NamedTuple):
    """Numbers of one member.

    Attributes
    ----------
    values : dict of str to float
        By key, in the units of the numbers.
    redrawn : dict of str to int
        How often each was drawn again, since it or one that it is correlated with was not allowed.
    """

    values: dict[str, float]
    redrawn: dict[str, int]


class Sampler:
    """MemberNumbers the numbers of members.

    Parameters
    ----------
    section : PopulationSection
    configuration : pydantic model
        Whose numbers they are.
    material : Material
        Of the configuration.

    Attributes
    ----------
    numbers : dict of str to ConfigurationNumber
        What is drawn, by key.
    distributions : dict of str to Distribution

    Raises
    ------
    ConfigurationError
        A number has no value to lie around.
    """

    def __init__(self, section: PopulationSection, configuration: BaseModel, material: Material) -> None:
        self.section = section
        self.numbers = {key: number_of(key, type(configuration)) for key in section.laws}
        for key in filter(LAYER_THICKNESS.fullmatch, self.numbers):
            self.numbers[key] = replace(self.numbers[key], low=0.5 * material.lattice.spacing)
        try:
            self.distributions = {
                key: section.laws[key].distribution(number, number.value(configuration, material))
                for key, number in self.numbers.items()
            }
        except ValueError as error:
            raise ConfigurationError(f"population: {error}") from None
        factors = {
            tuple(group.numbers): np.linalg.cholesky(group.correlation) for group in section.correlated
        }
        self.groups = [(keys, factors.get(keys)) for keys in section.groups()]

    def draw(self, seed: int, member: int) -> MemberNumbers:
        """Return the numbers of a member of the ensemble with a seed.

        Raises
        ------
        ConfigurationError
            No allowed values came in :data:`ATTEMPTS` draws.
        """
        values: dict[str, float] = {}
        redrawn: dict[str, int] = {}
        place = self.section.place(member)
        for keys, factor in self.groups:
            fractions = self.section.laws[keys[0]].fractions
            parts = [
                _Part(seed, number, level, keys, math.sqrt(fraction))
                for level, (number, fraction) in enumerate(zip(place, fractions, strict=True))
                if number is not None and fraction > 0.0
            ]
            above = sum((part.scores() for part in parts[1:]), np.zeros(len(keys)))
            for attempt in range(ATTEMPTS):  # noqa: B007  (counted after the loop)
                scores = above + parts[0].scores()
                scores = scores if factor is None else factor @ scores
                drawn = {
                    key: self.distributions[key].value(float(score))
                    for key, score in zip(keys, scores, strict=True)
                }
                if all(
                    self.numbers[key].low <= value <= self.numbers[key].high for key, value in drawn.items()
                ):
                    break
            else:
                number = self.numbers[keys[0]]
                raise ConfigurationError(
                    f"population: {ATTEMPTS} draws of {' and '.join(keys)} in a row were not allowed "
                    f"({number.key} must be between {number.low:g} and {number.high:g} {number.unit})"
                )
            values |= drawn
            redrawn |= dict.fromkeys(keys, attempt)
        return MemberNumbers({key: values[key] for key in self.numbers}, redrawn)

    def doubts(self) -> Iterator[str]:
        """Yield a sentence for each number of whose draws more than :data:`MOST_REDRAWN` are not allowed."""
        for key, number in self.numbers.items():
            if (outside := self.distributions[key].outside(number)) > MOST_REDRAWN:
                yield (
                    f"population.{key}: {100 * outside:.2g} % of the draws lie outside of the allowed "
                    f"{number.low:g} to {number.high:g} {number.unit} and are drawn again"
                )


class _Part:
    """Part of one level in the scores of some numbers, each from its own stream."""

    def __init__(self, seed: int, place: int, level: int, keys: Iterable[str], weight: float) -> None:
        self.streams = [random_numbers(seed, place, POPULATION, level, *key.encode()) for key in keys]
        self.weight = weight

    def scores(self) -> Floats:
        """Return the next parts of the scores."""
        return self.weight * np.array([stream.standard_normal() for stream in self.streams])


def with_tables(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a document of a configuration with the values of the files that its population names.

    Parameters
    ----------
    document : dict
        As a TOML file gives it; a table of ``law = "table"`` may have ``file`` and ``unit`` instead of
        ``values``: a text file with one number a line, # before comments.
    folder : Path
        Where a file with a relative name is looked for.

    Raises
    ------
    ConfigurationError
        A file cannot be read, or holds something else.
    """
    return (
        document | {"population": _filled(document["population"], folder)}
        if "population" in document
        else document
    )


def _filled(entry: Any, folder: Path) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    if entry.get("law") != "table" or not isinstance(name := entry.get("file"), str):
        return {key: _filled(value, folder) for key, value in entry.items()}
    path = folder / name
    try:
        lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
        numbers = [float(line) for line in lines if line]
    except OSError as error:
        raise ConfigurationError(f"population: {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"population: {path} must hold one number a line: {error}") from None
    unit = entry.get("unit", "1")
    values = [number if unit == "1" else f"{number!r} {unit}" for number in numbers]
    return {key: value for key, value in entry.items() if key not in ("file", "unit")} | {"values": values}


def _laws(entries: Mapping[str, Any], above: str) -> Iterator[tuple[str, Law]]:
    """Yield the dotted key and the law of each number in nested tables."""
    for name, entry in entries.items():
        key = f"{above}{name}"
        if not isinstance(entry, Mapping):
            if not above:
                raise ValueError(f"unknown key {key}{suggest(key, PopulationSection.model_fields)}")
            raise ValueError(f"{key} must be a table with a law, as in {EXAMPLE}, got {shown(entry)}")
        inner = [value for value in entry.values() if isinstance(value, Mapping)]
        if "law" not in entry and (inner or not above):
            yield from _laws(entry, f"{key}.")
            continue
        kind = entry.get("law")
        if not isinstance(kind, str) or kind not in LAWS:
            given = "is missing" if kind is None else f"must not be {shown(kind)}"
            raise ValueError(f"{key}.law {given}; there are: {', '.join(LAWS)}")
        yield key, checked(LAWS[kind], entry, key)


def _below(score: float) -> float:
    """Return the probability of a standard normal score below this one."""
    return 0.5 * math.erfc(-score / math.sqrt(2.0))


def _continuous(law: str, number: ConfigurationNumber) -> None:
    """Raise ValueError where a law of any value is given to a whole number."""
    if number.whole:
        raise ValueError(f"{number.key} is a whole number: its law must be discrete or table, got {law}")


def _read(number: ConfigurationNumber, name: str, value: Any) -> float:
    """Return a value of a number, named in errors by the key of its law."""
    try:
        return number.read(value)
    except ValueError as error:
        raise ValueError(f"{number.key}.{name} {str(error).removeprefix(number.key).strip()}") from None


def _centre(name: str, given: Any, number: ConfigurationNumber, present: float | None) -> float:
    """Return the centre of a law, the present value of its number by default."""
    if given is not None:
        return _read(number, name, given)
    if present is None:
        raise ValueError(f"{number.key}.{name} is missing, and the configuration has no {number.key} instead")
    return present


def _width(number: ConfigurationNumber, value: Any) -> float:
    """Return a standard deviation, in the unit of its number."""
    most = number.high - number.low
    try:
        if number.unit != "1":
            if number.unit == "K" and isinstance(value, str) and not value.strip().endswith("K"):
                raise ValueError(f"must be in K, being a difference, got {shown(value)}")
            return to_si(value, number.unit, 0.0, most)
        if isinstance(value, str):
            raise ValueError(f"must be a pure number, got {shown(value)}")
        between("", value, 0.0, most)
    except ValueError as error:
        raise ValueError(f"{number.key}.sd {str(error).strip()}") from None
    return float(value)


def _values(number: ConfigurationNumber, given: list[Any] | str) -> list[float]:
    """Return the values of a table; of texts the unit of the last one holds for bare numbers before it."""
    texts = given.split(",") if isinstance(given, str) else given
    if all(isinstance(text, str) for text in texts):
        texts = [*share_unit(texts)]
    values = [_read(number, "values", text) for text in texts]
    for value in values:
        if number.whole and value != int(value):
            raise ValueError(f"{number.key}.values must be whole numbers, got {value:g}")
    return values
