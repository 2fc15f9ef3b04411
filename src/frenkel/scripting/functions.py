"""Members that a function of a script makes, run in processes forked from it, which know the function."""

import contextlib
import hashlib
import inspect
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from ..configuration import device as config
from ..experiment.device import Device
from ..experiment.members import Arrays, collect
from ..mpi_runs import farm
from ..mpi_runs.child import Context

Function = Callable[..., Device]
"""``function(seed=..., member=...)`` makes the device of a member, runs it, and returns it."""

PREPARE = "frenkel.scripting.functions:prepare"
_given: dict[str, Function] = {}
_numbers = itertools.count()


def prepare(settings: dict[str, Any]) -> Callable[[int, Context], tuple[Arrays, dict[str, Any]]]:
    """Return what runs one member, from settings with the ``key`` of the function, ``seed`` and ``keep``."""
    function, seed = _given[settings["key"]], settings["seed"]

    def run(member: int, context: Context) -> tuple[Arrays, dict[str, Any]]:
        device = checked(function(seed=seed, member=member), seed, member)
        document = device.document()
        arrays, texts = collect(device, device.logs, config.parse(document), settings["keep"])
        return arrays, {"texts": texts, "document": document, "touched": device.not_repeatable}

    return run


def checked(device: Any, seed: int, member: int) -> Device:
    """Return what a function gave, if it is the device of a member and something was run on it.

    Raises
    ------
    TypeError, ValueError
        It is not.
    """
    if not isinstance(device, Device):
        raise TypeError(f"the function must return a frenkel.Device, got {device!r}")
    if (device.seed, device.member) != (seed, member):
        raise ValueError(
            f"the function must make its device with the seed and member that it is given, {seed} and "
            f"{member}, got {device.seed} and {device.member}"
        )
    if not device.logs:
        raise ValueError("the function ran nothing on its device")
    return device


@contextlib.contextmanager
def registered(function: Function) -> Iterator[str]:
    """Give the key under which processes forked meanwhile find a function."""
    key = f"{os.getpid()}-{next(_numbers)}"
    _given[key] = function
    try:
        yield key
    finally:
        del _given[key]


@contextlib.contextmanager
def workers(engine: str, number: int | None) -> Iterator[farm.Workers]:
    """Give the workers for a function.

    Raises
    ------
    FarmError
        The engine has processes that do not come from this one.
    """
    if engine == "serial":
        with farm.serial() as serial:
            yield serial
        return
    if engine != "pool":
        raise farm.FarmError(f"a function must run with engine serial or pool, got {engine}")
    count = number or farm.cores()
    with ProcessPoolExecutor(count, mp_context=get_context("fork")) as pool:
        pool.submit(os.getpid).result()  # fork now, before there are threads that show the progress
        yield [(pool, count)]


def described(function: Function) -> dict[str, str]:
    """Return the name of a function and a hash of its text, by which another function is told on resume."""
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):
        text = ""
    name = f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', repr(function))}"
    return {"name": name, "source_hash": hashlib.sha256(text.encode()).hexdigest()[:16]}
