"""Many devices from a script: the datasets that ``frenkel run --members`` and ``frenkel sweep`` write."""

import contextlib
import copy
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import checks, provenance
from ..configuration import device as config
from ..configuration.base import ConfigurationError
from ..configuration.device import Configuration
from ..configuration.population import with_tables
from ..configuration.reader import about_population, change, read
from ..data import forms, store
from ..errors import warn
from ..experiment import ensemble as whole
from ..experiment import ensemble_file
from ..experiment.device import Device
from ..experiment.ensemble import Axis, Ensemble
from ..mpi_runs import farm, launch, runs, session, shards
from ..reports.ensemble import EnsembleProgress
from . import functions

if TYPE_CHECKING:
    import xarray as xr

KEEPS = ("summary", "traces", "all")
Protocol = Configuration | Mapping[str, Any] | str | Path | Device
"""What says how a member is made and what is done to it, but for functions."""


class EnsembleError(RuntimeError):
    """Members are left, or none has a result; the message says why."""


def ensemble(
    what: Protocol | functions.Function,
    members: int | None = None,
    *,
    seed: int | None = None,
    changes: Mapping[str, Any] | None = None,
    population: Mapping[str, Any] | None = None,
    keep: str | None = None,
    engine: str | None = None,
    workers: int | None = None,
    output: str | Path | None = None,
    progress: bool = True,
) -> "xr.Dataset":
    """Run many devices with the same settings, on all cores.

    Parameters
    ----------
    what : path, mapping, Configuration, Device or callable
        A configuration, or the name of its file; or a device: what was run on it is done to each member. Or a
        function with the arguments ``seed`` and ``member`` that makes a device with them, runs it and returns
        it: with own mechanisms, traps, or anything else that a file does not hold.
    members : int, optional
        Number of devices; that of the section ``ensemble`` by default.
    seed : int, optional
        With the number of a member the key of its random numbers; that of the configuration, else drawn.
    changes : mapping, optional
        Values of a configuration that are to be others: ``{"vacancy.migration_barrier": "0.8 eV"}``.
    population : mapping, optional
        Numbers that differ between members, instead of the table ``[population]``:
        ``{"exchange.barrier": {"law": "normal", "sd": "0.03 eV"}}``. Each is a coordinate of the dataset.
    keep : {"summary", "traces", "all"}, optional
        Numbers of each device and cycle; also samples and phases ("traces", the default); also snapshots.
    engine : {"pool", "serial", "mpi", "dask"}, optional
        As on the command line: mpi under a launcher, else all cores. On ranks other than 0 of MPI the script
        ends here. "serial" runs one after another in this process, for debuggers: a crash takes it along. A
        function runs with pool or serial.
    workers : int, optional
        Processes of engine pool or dask.
    output : path, optional
        File to write (.nc). The same call goes on after a kill. Without it the result is in memory alone.
    progress : bool
        Show how far it is: a bar on a terminal, a line a minute elsewhere.

    Returns
    -------
    xarray.Dataset
        The same as of the command line. :func:`frenkel.open` reads it again, ``data.frenkel.member(k)`` takes
        one member out of it. Failed members have no values and their ``status``.

    Raises
    ------
    ConfigurationError, MaterialError, TypeError
        What is asked for is not possible.
    EnsembleError
        No member has a result, or the run was stopped before its end.
    StoreError
        The output exists, or cannot be written.

    Warns
    -----
    UserWarning
        Some members failed.

    Examples
    --------
    >>> def experiment(seed, member):
    ...     device = Device("HfO2-fast", "5 nm", "5 nm", seed=seed, member=member)
    ...     device.form("7 V", compliance="40 uA")
    ...     return device
    >>> data = ensemble(experiment, members=100)  # doctest: +SKIP
    >>> data.forming_voltage.quantile([0.05, 0.5, 0.95])  # doctest: +SKIP
    """
    plan = _Plan(keep, engine, workers, output, progress)
    if callable(what) and not isinstance(what, (Configuration, Device)):
        for words, given in (("changes are", changes), ("a population is", population)):
            if given:
                raise ConfigurationError(
                    f"{words} for configurations; give the function what it is to change"
                )
        return _of_function(what, members, seed, plan)
    configuration, folder = _configuration(what, changes or {}, seed)
    if population is not None:
        configuration = _with_population(configuration, population, folder)
    kept_seed = None if plan.output is None else whole.known_seed(plan.output)
    return plan.go(plan.kept(whole.plain(configuration, members, folder, kept_seed)))


def sweep(
    what: Protocol,
    over: Mapping[str, str | Sequence[Any]],
    members: int | None = None,
    *,
    seed: int | None = None,
    changes: Mapping[str, Any] | None = None,
    keep: str | None = None,
    engine: str | None = None,
    workers: int | None = None,
    output: str | Path | None = None,
    progress: bool = True,
) -> "xr.Dataset":
    """Run an ensemble at every combination of the values of some keys.

    Parameters
    ----------
    what : path, mapping, Configuration or Device
        As for :func:`ensemble`.
    over : mapping
        Keys and their values, as the command line has them or one by one: ``{"device.temperature":
        "300:400:5 K", "material": ["HfO2-fast", "TaOx"]}``.
    members : int, optional
        Devices at each point.
    seed, changes, keep, engine, workers, output, progress
        As for :func:`ensemble`.

    Returns
    -------
    xarray.Dataset
        With a dimension for each key besides those of an ensemble.

    Raises
    ------
    ConfigurationError, MaterialError, EnsembleError, StoreError
        As for :func:`ensemble`.
    """
    plan = _Plan(keep, engine, workers, output, progress)
    if not over:
        raise ConfigurationError("over must name at least one key, got none")
    configuration, folder = _configuration(what, changes or {}, seed)
    document = configuration.model_dump(mode="json", exclude_none=True, exclude_unset=True)
    if configuration.seed is None:
        if plan.output is not None:
            raise ConfigurationError("a sweep with an output needs a seed, so that the same call goes on")
        document["seed"] = provenance.draw_seed()
    section = {} if configuration.ensemble is None else {"ensemble": configuration.ensemble.model_dump()}

    def changed(texts: Sequence[str]) -> Configuration:
        variant = _changed(document, texts) | section
        return config.parse(variant, "the configuration")

    axes = [_axis(key, values) for key, values in over.items()]
    return plan.go(plan.kept(whole.sweep(changed, axes, members, folder)))


@dataclass(frozen=True, slots=True)
class _Plan:
    """How an ensemble is run, and where to."""

    keep: str | None
    engine: str | None
    workers: int | None
    path: str | Path | None
    progress: bool

    def __post_init__(self) -> None:
        if self.keep is not None:
            checks.one_of("keep", self.keep, KEEPS, ConfigurationError)
        if self.engine is not None:
            checks.one_of("engine", self.engine, farm.ENGINES, ConfigurationError)
        if self.output is None:
            return
        if self.output.suffix != ".nc":
            raise ConfigurationError(f"output must end in .nc, got {str(self.output)!r}")
        if self.output.exists() and not forms.run_folder(self.output).exists():
            raise store.StoreError(f"{self.output} exists already; choose another name")

    @property
    def output(self) -> Path | None:
        return None if self.path is None else Path(self.path)

    def kept(self, asked: Ensemble) -> Ensemble:
        """Return an ensemble that keeps what is asked for here."""
        return asked if self.keep is None else replace(asked, keep=self.keep)

    @contextlib.contextmanager
    def place(self) -> Iterator[Path]:
        """Give the file to write, which without an output is gone afterwards."""
        if self.output is not None:
            yield self.output
            return
        with tempfile.TemporaryDirectory(prefix="frenkel-") as folder:
            yield Path(folder) / "ensemble.nc"

    def shown(self) -> EnsembleProgress:
        return EnsembleProgress(quiet=not self.progress)

    def go(self, asked: Ensemble) -> "xr.Dataset":
        """Run an ensemble and return its dataset."""
        engine, ended = launch.engine_of(self.engine, None), False
        if engine == "mpi" and self.output is None:
            raise ConfigurationError("engine mpi needs an output, on a disk that all its processes see")
        with self.place() as path:

            def run(found: farm.Workers) -> int:
                nonlocal ended
                progress = self.shown()
                with progress:
                    run_outcome, _ = whole.run(
                        asked, path, found, show=progress.status, begin=progress.begun,
                        merging=progress.merging, limit=asked.limit, isolated=engine != "serial",
                    )  # fmt: skip
                _check_end(run_outcome, forms.run_folder(path), len(asked.numbers()))
                ended = True
                return int(run_outcome.code)

            code = launch.start(engine, self.workers, None, run)
            if not ended:  # a rank of MPI that has served
                raise SystemExit(code)
            return self.opened(path)

    def opened(self, path: Path) -> "xr.Dataset":
        data = ensemble_file.open_ensemble(path)
        if self.output is None:
            data.load().close()
        return data


def _check_end(done: session.RunOutcome, folder: Path, number: int) -> None:
    """Raise EnsembleError unless some members have a result; warn of those that have none."""
    if done.left:
        raise EnsembleError(
            f"stopped ({done.reason}): {number - done.left} of {number} members are done; with an output, "
            "the same call goes on"
        )
    if len(done.failed) == number:
        code, head = runs.survey([folder]).head(0)
        raise EnsembleError(f"all members failed, one of them: {head.get('error') or shards.STATUS[code]}")
    if done.failed:
        listing = ", ".join(map(str, done.failed[:10])) + (" ..." if len(done.failed) > 10 else "")
        warnings.warn(
            f"{len(done.failed)} of {number} members failed: {listing}; their status says how", stacklevel=6
        )


def _configuration(what: Any, changes: Mapping[str, Any], seed: int | None) -> tuple[Configuration, Path]:
    """Return the configuration of what is asked for, and where its material files are."""
    texts, folder = [f"{key}={value}" for key, value in changes.items()], Path()
    if seed is not None:
        checks.whole("seed", seed, 0, provenance.SEED_LIMIT - 1, ConfigurationError)
        texts.append(f"seed={seed}")
    if isinstance(what, (str, Path)):
        folder, configuration = Path(what).parent, read(what, texts)
        if not isinstance(configuration, Configuration):
            raise ConfigurationError(f"{what} is the configuration of an array, not of a device")
        return configuration, folder
    if isinstance(what, Device):
        if what.not_repeatable:
            raise ConfigurationError(
                f"{what.not_repeatable}, which no configuration holds: give a function of seed and member"
            )
        document = what.document() | {"member": 0}
    elif isinstance(what, Configuration):
        document = what.document() | {"member": 0}
        if what.ensemble is not None:
            document["ensemble"] = what.ensemble.model_dump(mode="json", exclude_none=True)
    elif isinstance(what, Mapping):
        document = with_tables(dict(what), folder)
    else:
        raise TypeError(f"what must be a configuration, its file, a device or a function, got {what!r}")
    return config.parse(_changed(document, texts), "the configuration"), folder


def _with_population(
    configuration: Configuration, population: Mapping[str, Any], folder: Path
) -> Configuration:
    """Return a configuration with another population."""
    document = with_tables(configuration.document() | {"population": population}, folder)
    section = config.parse(document, "ensemble").population
    configuration = configuration.model_copy(update={"population": section})
    for doubt in about_population(configuration, folder):
        warn(doubt)
    return configuration


def _changed(document: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    variant = copy.deepcopy(dict(document))
    for text in texts:
        change(variant, text)
    return variant


def _axis(key: str, values: str | Sequence[Any]) -> Axis:
    if isinstance(values, str):
        return whole.axis(f"{key}={values}")
    texts = tuple(str(value) for value in values)
    if not texts:
        raise ConfigurationError(f"over[{key!r}] must hold at least one value, got none")
    return Axis(key, texts)


def _of_function(
    function: Callable[..., Any], members: int | None, seed: int | None, plan: _Plan
) -> "xr.Dataset":
    """Run an ensemble whose members a function makes."""
    checks.whole("members", members, 1, provenance.MOST_MEMBERS, ConfigurationError)
    assert members is not None
    keep = plan.keep or "traces"
    with plan.place() as path, functions.registered(function) as key:
        folder = forms.run_folder(path)
        if seed is None:
            seed = _drawn(folder)
        checks.whole("seed", seed, 0, provenance.SEED_LIMIT - 1, ConfigurationError)
        name = functions.described(function)
        head = {"function": name, "seed": seed, "keep": keep}
        document = head | {"points": [], "materials": [], "material_of": [], "over": {}}
        job = session.Job(
            folder=folder, function=functions.PREPARE, settings={"key": key, "seed": seed, "keep": keep},
            document=document, digest=provenance.digest(document), members=list(range(members)),
            software={"version": provenance.version(), "git": provenance.git_hash()}, isolated=False,
        )  # fmt: skip
        engine, progress = launch.engine_of(plan.engine, None), plan.shown()
        with functions.workers(engine, plan.workers) as pool, progress:
            run_outcome = session.execute(job, pool, progress.status, progress.begun)
        _check_end(run_outcome, folder, members)
        located = runs.survey([folder], job.digest).best(list(range(members)))
        reason, first = _origin(located, name["name"])
        if path.exists() and run_outcome.ran == 0:
            return plan.opened(path)
        recorded = Ensemble(points=(first,), members=members, keep=keep, not_repeatable=reason)
        whole.write(recorded, recorded.document() | head, located, path)
        return plan.opened(path)


def _drawn(folder: Path) -> int:
    """Return the seed of what an earlier start has left, else a new one."""
    present = runs.recorded(folder)
    return int(present["document"]["seed"]) if present else provenance.draw_seed()


def _origin(located: Any, name: str) -> tuple[str, Configuration]:
    """Return why the configuration of the first member does not make all of them, and that configuration.

    Raises
    ------
    EnsembleError
        Their protocols differ.
    """
    first: Configuration | None = None
    steps: list[str] = []
    why = ""
    for number, member in enumerate(located.member.tolist()):
        code, head = located.head(number)
        if code != shards.OK:
            continue
        configuration = config.parse(head["document"] | {"member": 0})
        if first is None:
            first, steps = configuration, [step for step, _, _ in configuration.phases()]
        elif configuration != first:
            if [step for step, _, _ in configuration.phases()] != steps:
                raise EnsembleError(f"all members must have the same phases, member {member} has others")
            why = f"each member was made in its own way by the function {name}"
        why = why or head["touched"]
    assert first is not None  # else _check_end has raised
    return why, first
