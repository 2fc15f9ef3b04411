"""Search of numbers of a material towards a table of targets, by CMA-ES (Hansen, arXiv:1604.00772; package cma)."""

import json
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import provenance
from ..configuration.base import ConfigurationError
from ..configuration.material import as_file
from ..data import store
from ..errors import Doubt
from ..kinetic.materials.material import Material
from .bands import Plan, Record, Targets, measure
from .free import unit_of
from .rounds import Parameter

GENERATION = 10
"""Points of a generation."""

SPREAD = 0.13
"""Standard deviation of the first generation, as a part of each range."""

CHOICE = 5
"""Points of the search among which other devices choose."""

CHOICE_MEMBERS, REPORT_MEMBERS = 1_000_000, 2_000_000
"""First members of the devices that choose and of those of the report; those of the search count from 0."""


class Point(NamedTuple):
    """A point of the search: places in the ranges, values of the targets, and the loss."""

    place: list[float]
    values: dict[str, float]
    loss: float


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched, and how.

    Parameters
    ----------
    material : Material
        Start of the search.
    parameters : sequence of Parameter
    targets : Targets
    plan : Plan
    seed : int
        Of the devices and of the search.
    points : int
        Points of the search; rounded up to whole generations.
    log : Path
        Where each generation is written, so that a search that was stopped goes on.
    """

    material: Material
    parameters: Sequence[Parameter]
    targets: Targets
    plan: Plan
    seed: int
    points: int
    log: Path

    def made(self, place: Sequence[float]) -> Material:
        """Return the material of a point."""
        values = {q.name: float(q.value(x)) for q, x in zip(self.parameters, place, strict=True)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Doubt)  # the ranges of --free hold, not those of the file
            return self.material.with_values(values)

    def points_of(
        self, pool: Executor, places: Sequence[Sequence[float]], first: int, number: int
    ) -> list[Point]:
        """Measure the same devices at each place: members from ``first`` on."""
        members = range(first, first + number)
        tasks = [
            pool.submit(measure, material, self.seed, member, self.plan)
            for material in map(self.made, places)
            for member in members
        ]
        records: list[Record] = [task.result() for task in tasks]
        points = []
        for k, place in enumerate(places):
            values = self.targets.values(records[k * number : (k + 1) * number], self.plan)
            points.append(Point([float(x) for x in place], values, self.targets.loss(values)))
        return points


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """Give processes that measure devices."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def search(task: Search, pool: Executor, report: Callable[[str], None]) -> tuple[Point, Point]:
    """Search, let other devices choose among the best points, and measure the chosen one on further devices.

    Parameters
    ----------
    task : Search
    pool : Executor
        See `processes`.
    report : callable
        Gets a line on each generation.

    Returns
    -------
    chosen, reported : Point
        On the devices of the choice, and on those of the report.

    Raises
    ------
    ConfigurationError
        The log is that of another search.
    """
    import cma  # heavy, and only a search needs it

    start = [min(max(float(q.place(_number(task.material, q))), 0.02), 0.98) for q in task.parameters]
    options = {"bounds": [0, 1], "popsize": GENERATION, "seed": task.seed % 2**31 + 1, "verbose": -9}
    strategy = cma.CMAEvolutionStrategy(start, SPREAD, options)
    known, found = _logged(task), list[Point]()
    number = task.targets.devices["search"]
    generations = math.ceil(task.points / GENERATION)
    for generation in range(generations):
        places = strategy.ask()
        if generation < len(known):
            points = known[generation]
            if not np.allclose([one.place for one in points], places, rtol=0.0, atol=1e-9):
                raise ConfigurationError(
                    f"{task.log} is the log of another search: use --force, or another output"
                )
        else:
            points = task.points_of(pool, places, generation * number, number)
            with task.log.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps([one._asdict() for one in points]) + "\n")
        strategy.tell(places, [one.loss for one in points])
        found += points
        best = min(found, key=lambda one: one.loss)
        report(
            f"{len(found)} of {generations * GENERATION} points: loss {best.loss:.3g}; {shown(best.values)}"
        )
    ranked = sorted(found, key=lambda one: one.loss)[: CHOICE - 1]
    places = [one.place for one in ranked] + [np.clip(strategy.result.xfavorite, 0.0, 1.0).tolist()]
    choice = task.points_of(pool, places, CHOICE_MEMBERS, task.targets.devices["choice"])
    chosen = min(choice, key=lambda one: one.loss)
    report(
        f"chosen by {task.targets.devices['choice']} other devices: loss {chosen.loss:.3g}; {shown(chosen.values)}"
    )
    return chosen, task.points_of(pool, [chosen.place], REPORT_MEMBERS, task.targets.devices["report"])[0]


def shown(values: dict[str, float]) -> str:
    """Return the values of targets in a line."""
    return ", ".join(f"{name} {value:.3g}" for name, value in values.items())


def table(task: Search, reported: Point) -> list[str]:
    """Return the lines of a table: each target, its band, the value, and whether it is met."""
    lines = []
    for one in task.targets.targets:
        value = reported.values[one.quantity]
        low, high = ("" if math.isinf(end) else f"{end:.4g}" for end in (one.low, one.high))
        ends = f"{low} to {high}"
        verdict = "met" if one.distance(value) == 0.0 else "MISSED"
        lines.append(f"{one.quantity:20s} {value:12.4g}  asked {ends:22s} {verdict}")
    return lines


def material_file(task: Search, base: str, chosen: Point, reported: Point, files: str) -> str:
    """Return the text of the material of the chosen point, based on that of the start."""
    devices = task.targets.devices
    head = (
        f"{task.material.name} after a search: {files}, seed {task.seed}, {task.points} points of {devices['search']} "
        f"devices, chosen by {devices['choice']}.\nOn {devices['report']} further devices: {shown(reported.values)}"
    )
    changes: dict[str, Any] = {}
    for q, x in zip(task.parameters, chosen.place, strict=True):
        section, key = q.name.split(".", 1)
        changes.setdefault(section, {})[key] = {
            "value": float(f"{float(q.value(x)):.4g}"),
            "unit": unit_of(q.name),
            "confidence": "fitted",
            "fitted_to": ", ".join(one.quantity for one in task.targets.targets),
            "range": [q.low, q.high],
            "source": f"frenkel {provenance.version()} calibrate, seed {task.seed}; the range is that of the search",
        }
    return as_file(base, changes, head)


def _number(material: Material, q: Parameter) -> float:
    """Return the value of a parameter at the start; the middle of its range where the material states none."""
    section, key = q.name.split(".", 1)
    numbers = getattr(material, section, None)
    value = getattr(numbers, key, None)
    return float(q.value(0.5)) if value is None else float(value)


def _logged(task: Search) -> list[list[Point]]:
    """Return the generations in the log."""
    if not task.log.exists():
        return []
    lines = task.log.read_text(encoding="utf-8").splitlines()
    generations = []
    for line in lines:
        try:
            generations.append([Point(**one) for one in json.loads(line)])
        except (ValueError, TypeError):
            break  # a line that was being written
    if len(generations) < len(lines):
        whole = "".join(json.dumps([one._asdict() for one in each]) + "\n" for each in generations)
        store.write_bytes(whole.encode(), task.log)
    return generations
