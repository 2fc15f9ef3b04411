"""Many devices of one configuration, or of each point of a sweep: what is run, and what is written."""

import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import checks, provenance
from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..configuration.layers import documents_of
from ..configuration.material import is_number
from ..configuration.points import Grid, points_of
from ..data import content, forms, member_file, netcdf, schema
from ..kinetic.materials.changes import number
from ..kinetic.materials.material import Material
from ..kinetic.materials.rows import declared
from ..mpi_runs import farm, lock, merge, runs, session, shards
from ..mpi_runs.session import Job, RunOutcome
from ..mpi_runs.status import Status
from ..quantity import share_unit, to_si
from . import device as experiment
from . import population_columns
from .ensemble_file import KIND, MERGED, columns, coordinates
from .members import STRIDE

POINTS_LIMIT = 2**20
"""Attribute of a merged file: which members of which configuration it was made of, see `Located.digest`."""

GROUPS = 500
"""Groups of neighbouring points whose durations are learned together, at most."""
FUNCTION = "frenkel.experiment.members:prepare"


@dataclass(frozen=True, slots=True)
class Axis:
    """One dimension of a sweep.

    Parameters
    ----------
    key : str
        Key of the configuration, with dots between levels.
    texts : tuple of str
        Its values, as the configuration takes them.
    """

    key: str
    texts: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the dimension: the last part of the key, with the number of the phase if there is one.

        That of a number of the material has its section before it, since several have a barrier; that of a
        layer, "layer_1_thickness", its number as in the key.
        """
        if self.key.startswith("device.layer."):
            return population_columns.name_of(self.key)
        with_place = self.key.startswith("phase.") or is_number(self.key)
        return "_".join(self.key.split(".")[-2 if with_place else -1 :])


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of the merged file at the end of a start.

    Attributes
    ----------
    content : str
        Its content hash.
    why : str
        Why it was written; empty if it was complete before.
    """

    content: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """Everything that the result of an ensemble is a function of.

    Parameters
    ----------
    points : sequence of Configuration
        One, or one per point of a sweep, each with its seed.
    members : int
        Devices per point.
    keep : {"summary", "traces", "all"}
    axes : tuple of Axis
    folder : Path
        Where material files with a relative name are looked for.
    limit : float, optional
        Longest time of one member (s); the results are no function of it.
    keep_state : bool
        Keep the final state of each member, from which more cycles can go on.
    former : tuple of str
        Shards of the run whose final states the members begin from; see :func:`.more.extended`.
    not_repeatable : str
        Why the configuration cannot make the members again; empty where it can.
    """

    points: Sequence[Configuration]
    members: int
    keep: str = "traces"
    axes: tuple[Axis, ...] = ()
    folder: Path = field(default_factory=Path)
    limit: float | None = None
    keep_state: bool = False
    former: tuple[str, ...] = ()
    not_repeatable: str = ""

    def numbers(self) -> np.ndarray[Any, Any]:
        """Return the numbers of all members, points one after another."""
        return (np.arange(len(self.points))[:, None] * STRIDE + np.arange(self.members)).ravel()

    def document(self) -> dict[str, Any]:
        """Return what the results are a function of, as JSON values.

        ``points`` holds the configurations, ``materials`` the materials that occur and ``material_of`` which
        of them each point uses; a sweep has instead ``base``, the configuration without changes, and
        ``materials`` by name. ``layer_documents`` holds the materials that layers are based on, by name.
        ``keep`` and ``over`` are as given. The number of members is no part of it.
        """
        settings = {"keep": self.keep, "over": {swept.key: list(swept.texts) for swept in self.axes}}
        if isinstance(self.points, Grid):
            materials = self.points.materials or {
                name: Material.find(name, self.folder).document()
                for name in self.points.names()
            }
            layers = documents_of(self.points.layer_bases(), self.points.layer_documents)
            if layers:
                settings["layer_documents"] = layers
            return {"base": self.points.base, "materials": materials} | settings
        layers = {}
        for point in self.points:
            layers |= documents_of(point.device.bases, layers | (point.layer_documents or {}))
        if layers:
            settings["layer_documents"] = layers
        used = [point.made_of(self.folder) for point in self.points]
        hashes = list(dict.fromkeys(material.hash for material in used))
        first = {material.hash: material for material in reversed(used)}
        return {
            "points": [
                point.model_copy(update={"material_document": None, "layer_documents": None}).document()
                | {"material": material.name}
                for point, material in zip(self.points, used, strict=True)
            ],
            "materials": [first[digest].document() for digest in hashes],
            "material_of": [hashes.index(material.hash) for material in used],
        } | settings


def plain(
    configuration: Configuration, members: int | None, folder: Path, seed: int | None = None
) -> Ensemble:
    """Return the ensemble of one configuration, whose members differ as its material ships unless it says otherwise.

    Parameters
    ----------
    configuration : Configuration
    members : int or None
        Instead of the number in its section ``ensemble``.
    folder : Path
    seed : int, optional
        Used where the configuration has none; drawn by default.

    Raises
    ------
    ConfigurationError
        No number of members is given.
    """
    section = configuration.ensemble
    number = members or (section.members if section else 0)
    if not number:
        raise ConfigurationError("the number of members is missing: give --members or ensemble.members")
    checks.whole("members", number, 1, provenance.MOST_MEMBERS, ConfigurationError)
    if configuration.seed is None:
        configuration = configuration.model_copy(
            update={"seed": provenance.draw_seed() if seed is None else seed}
        )
    configuration = configuration.with_shipped(folder)
    settings_kept: dict[str, Any] = {}
    if section:
        settings_kept = {"keep": section.keep, "keep_state": section.keep_state, "limit": section.limit}
    return Ensemble(points=(configuration,), members=number, folder=folder, **settings_kept)


def sweep(
    read: Callable[[Sequence[str]], Configuration],
    axes: Sequence[Axis],
    members: int | None,
    folder: Path,
    seed: int | None = None,
) -> Ensemble:
    """Return the ensemble of every combination of the values of some keys; see :class:`.Grid`.

    Parameters
    ----------
    read : callable
        ``read(["key=value", ...])`` returns the configuration with these changes.
    axes : sequence of Axis
    members : int or None
    folder : Path
    seed : int, optional

    Raises
    ------
    ConfigurationError
        There are too many points, or what is swept is drawn. Values are checked when the points are met, by
        :func:`job` at first.
    """
    number = int(np.prod([len(axis.texts) for axis in axes]))
    if not 1 <= number <= POINTS_LIMIT:
        raise ConfigurationError(f"a sweep must have 1 to {POINTS_LIMIT} points, got {number}")
    names = [swept.name for swept in axes]
    keys = {swept.key.removeprefix("material.") for swept in axes}
    if len(set(names)) < len(names):
        raise ConfigurationError(f"each axis of a sweep needs a name of its own, got {', '.join(names)}")
    given = read([])
    base = plain(given, members or None, folder, seed)
    population = base.points[0].population
    drawn = {} if population is None else population.of(base.points[0].made_of(folder)).laws
    if given.population is None and keys & {*drawn, "material", "base"}:
        # Widths that nobody asked for give way to what is swept.
        base = replace(base, points=(base.points[0].model_copy(update={"population": None}),))
        population, drawn = None, {}
    for key in (swept.key for swept in axes):
        if population is not None and population.shipped and key in ("material", "material.base"):
            raise ConfigurationError(
                f"{key} cannot be swept with population.shipped: each material ships laws of its own"
            )
        if (key := key.removeprefix("material.")) in drawn:
            raise ConfigurationError(
                f"{key} is drawn by [population] and cannot be swept: sweep over a key of its law, such as "
                f"population.{key}.mean"
            )
    # Without defaults, which may be no keys of what a change puts in the place of a section.
    document = base.points[0].model_dump(mode="json", exclude_none=True, exclude_unset=True)
    grid = Grid(document, {swept.key: list(swept.texts) for swept in axes})
    for swept in axes:
        grid[0].check_number(swept.key)
    return replace(base, points=grid, axes=tuple(axes))


def axis(text: str) -> Axis:
    """Read "key=first:last:number" with a unit at the end, or "key=value,value".

    The unit of the last value holds for bare numbers before it.

    Examples
    --------
    >>> axis("device.temperature=300:400:3 K").texts
    ('300.0 K', '350.0 K', '400.0 K')
    >>> axis("device.temperature=300,350,400 K").texts
    ('300 K', '350 K', '400 K')
    """
    key, equals, values = text.partition("=")
    if not equals or not key.strip() or not values.strip():
        raise ConfigurationError(
            f"--over must be KEY=FIRST:LAST:NUMBER UNIT or KEY=VALUE,VALUE, got {text!r}"
        )
    if ":" not in values:
        return Axis(key.strip(), share_unit(values.split(",")))
    numbers, _, unit = values.strip().partition(" ")
    try:
        first, last, number = numbers.split(":")
        grid = np.linspace(float(first), float(last), int(number))
    except ValueError:
        raise ConfigurationError(f"--over must be KEY=FIRST:LAST:NUMBER UNIT, got {text!r}") from None
    if len(grid) < 1:
        raise ConfigurationError(f"--over needs at least one value, got {text!r}")
    return Axis(key.strip(), tuple(f"{float(value)!r} {unit}".strip() for value in grid))


def known_seed(output: Path) -> int | None:
    """Return the seed that was drawn when the run was first started, None if it was not."""
    present = runs.recorded(forms.run_folder(output))
    if present is None or present["document"].get("over"):
        return None
    points = present["document"]["points"] or [{}]  # none where a function of a script makes the members
    seed: int | None = points[0].get("seed")
    return seed


def job(ensemble: Ensemble, output: Path, *, part: tuple[int, int] | None = None, **options: Any) -> Job:
    """Return what a start of an ensemble does.

    Parameters
    ----------
    ensemble : Ensemble
    output : Path
        Its shards are in the folder beside with ``.run`` added.
    part : (int, int), optional
        (i, n), i from 1: every n-th member, for job arrays.
    **options
        ``limit``, ``grace``, ``deadline``, ``isolated``, ``retry`` and ``force`` of :class:`.Job`.
    """
    document = ensemble.document()
    numbers = ensemble.numbers()
    name = "all"
    if part is not None:
        numbers, name = numbers[part[0] - 1 :: part[1]], f"{part[0]}-of-{part[1]}"
    for point in ensemble.points[:1]:
        experiment.check_device(point, point.made_of(ensemble.folder))
    points = len(ensemble.points)
    groups = min(GROUPS, points)
    costs = np.fromiter(map(_cost, ensemble.points), float, points)  # reads, so checks, every point once
    return Job(
        folder=forms.run_folder(output),
        function=FUNCTION,
        settings=document | {"keep_state": ensemble.keep_state, "former": ensemble.former},
        document=document,
        digest=provenance.digest(document),
        members=numbers.tolist(),
        cost=lambda number: (number // STRIDE * groups // points, float(costs[number // STRIDE])),
        software={"version": provenance.version(), "git": provenance.git_hash()},
        part=name,
        **options,
    )


def _cost(configuration: Configuration) -> float:
    """Return what a member costs, relative to other points only: sites times phases."""
    section = configuration.device
    return section.height * section.width**2 * configuration.count()


def run(
    ensemble: Ensemble,
    output: Path,
    workers: farm.Workers,
    *,
    part: tuple[int, int] | None = None,
    show: Callable[[Status], None] = lambda status: None,
    begin: Callable[[runs.Survey], None] = lambda found: None,
    merging: Callable[[int], None] = lambda done: None,
    **options: Any,
) -> tuple[RunOutcome, Merged | None]:
    """Run what is left of an ensemble, and merge it when all is done and the file is not what it should be.

    Returns
    -------
    Outcome
        How it ended.
    Merged or None
        The merged file; None where members are left, or where another part is merging.

    Raises
    ------
    ChangedError, LockError, ShardError
        As :func:`.session.execute`.
    """
    own_job = job(ensemble, output, part=part, **options)
    done = session.execute(own_job, workers, show, begin)
    if done.left:
        return done, None
    folder = forms.run_folder(output)
    located = _located(ensemble, folder, own_job)
    if located is None:
        return done, None  # other parts are not done
    why = _stale(output, located.digest(own_job.digest))
    if not why:
        return done, Merged(content.read(output).found, "")
    try:
        with lock.hold(folder, "merge.lock"):
            for left in output.parent.glob(f".{glob.escape(output.name)}.*.part"):
                left.unlink(missing_ok=True)  # by a part that was killed while it wrote the file
            return done, Merged(write(ensemble, own_job.document, located, output, merging), why)
    except lock.LockError:
        return done, None  # another part, which ended at the same time, is writing the file


def _located(ensemble: Ensemble, folder: Path, mine: Job) -> merge.Located | None:
    """Return where all members of an ensemble are, None if some are not done.

    A part that has ended has left indices of what it wrote. The shards of others are read only where nobody
    is at work on them: these parts were killed.
    """
    numbers = ensemble.numbers()
    best = runs.survey([folder], mine.digest, mine.part).best(numbers)
    if np.any(best.status == shards.MISSING) and not any(folder.glob("*.lock")):
        best = runs.survey([folder], mine.digest).best(numbers)
    return None if np.any(best.status == shards.MISSING) else best


def _stale(output: Path, digest: str) -> str:
    """Return why a merged file is not that of some members, "" if it is: by its attribute and its content."""
    if not output.exists():
        return "there was none"
    try:
        content.check(output)
        with netcdf.direct(output, "r") as file:
            merged_attribute = getattr(file, MERGED, None)
    except OSError:
        return "the one that was there was damaged or changed"
    return "" if merged_attribute == digest else "the one that was there held others, or other results"


def write(
    ensemble: Ensemble,
    document: Mapping[str, Any],
    located: merge.Located,
    output: Path,
    progress: Callable[[int], None] | None = None,
) -> str:
    """Merge located members into one file, with the document of the folder; return its content hash."""
    members = located.member[: ensemble.members] if ensemble.axes else located.member
    grid = [(axis.name, len(axis.texts)) for axis in ensemble.axes] + [("member", len(members))]
    first = ensemble.points[0]
    material = first.made_of(ensemble.folder)
    attrs = {
        "Conventions": schema.CONVENTIONS,
        "frenkel_schema": np.int32(schema.SCHEMA_VERSION),
        "frenkel_kind": KIND,
    } | provenance.attributes(
        first.title or _title(ensemble, material.name, len(located.member)),
        document,
        seed=first.seed or 0,
        material=material.name,
        material_hash=material.hash,
        lateral=first.device.lateral,
        keep=ensemble.keep,
    )
    if ensemble.not_repeatable:
        attrs["not_repeatable"] = ensemble.not_repeatable
    attrs[MERGED] = located.digest(provenance.digest(document))
    fixed = coordinates(ensemble.points, located.status, grid, members)
    for swept in ensemble.axes:
        fixed[swept.name] = ((swept.name,), *_axis_values(swept))
    drawn = population_columns.drawn(ensemble.points, grid, members, ensemble.folder)
    if drawn:
        fixed |= drawn | population_columns.failures(located, grid)
    # What is swept or drawn is a coordinate and needs no variable besides.
    columns_kept = {
        name: population_columns.of_each_member(name, column) if drawn else column
        for name, column in columns().items()
        if name not in fixed
    }
    target = member_file.Target(grid, columns_kept, fixed, attrs, stride=STRIDE, along_members=[*drawn])
    return merge.merge(located, target, output, progress)


def merge_folders(
    folders: Sequence[Path],
    output: Path,
    begin: Callable[[runs.Survey], None] = lambda found: None,
) -> str:
    """Merge what the folders of several machines hold, finished or not; return the content hash.

    ``begin`` is called once with what was found.

    Raises
    ------
    ChangedError
        They do not hold one and the same configuration.
    ShardError
        One is no folder of a run, or a shard cannot be read.
    """
    documents = []
    for folder in folders:
        present = runs.recorded(folder)
        if present is None:
            raise shards.ShardError(None, f"{folder} is no folder of a run: it has no {runs.DOCUMENT}")
        documents.append(present)
    for folder, other in zip(folders, documents, strict=True):
        if other["configuration_hash"] != documents[0]["configuration_hash"]:
            keys = runs.differing(documents[0]["document"], other["document"])
            raise runs.ChangedError(f"{folder} differs from {folders[0]} in {'; '.join(keys)}")
    merged = runs.survey(folders, documents[0]["configuration_hash"])
    begin(merged)
    if not len(merged.member):
        raise shards.ShardError(None, f"{folders[0]} holds no finished member yet")
    ensemble = from_document(documents[0]["document"], merged.member)
    numbers = ensemble.numbers() if ensemble.axes else np.unique(merged.member)
    return write(ensemble, documents[0]["document"], merged.best(numbers), output)


def from_document(document: dict[str, Any], members: np.ndarray[Any, Any]) -> Ensemble:
    """Return the ensemble whose :meth:`Ensemble.document` this is, with as many members as there are."""
    return Ensemble(
        points=points_of(document),
        members=int(np.max(members % STRIDE)) + 1,
        keep=document["keep"],
        axes=tuple(Axis(key, tuple(texts)) for key, texts in document["over"].items()),
    )


def _title(ensemble: Ensemble, material: str, devices: int) -> str:
    if not ensemble.axes:
        return f"{material}, {devices} devices"
    swept = " and ".join(swept.key for swept in ensemble.axes)
    return f"sweep of {swept}: {len(ensemble.points)} points, {devices} devices"


def _axis_values(one: Axis) -> tuple[Any, dict[str, Any]]:
    """Return the values of an axis as floats in SI where they are quantities, else as text."""
    attrs = {"long_name": one.key}
    if place := is_number(one.key):
        section, key = place
        unit = declared(section, key).metadata["unit"]
        return np.array([number(section, key, text) for text in one.texts]), attrs | {"units": unit}
    for unit in ("", "m", "s", "V", "V/s", "A", "ohm", "K", "eV", "S", "Hz"):
        try:
            if not unit:
                return np.array([float(text) for text in one.texts]), attrs | {"units": "1"}
            return np.array([to_si(text, unit, -np.inf, np.inf) for text in one.texts]), attrs | {
                "units": unit
            }
        except ValueError:
            continue
    return np.array(one.texts, object), attrs
