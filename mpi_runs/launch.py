"""Start the workers of an engine, by its name, and run something with them."""

import contextlib
import traceback
from collections.abc import Callable, Iterator

from ..data import stopping
from . import farm


def engine_of(name: str | None, part: tuple[int, int] | None) -> str:
    """Return the engine to use, by the one named and the part (i, n) of all members that is to run.

    Raises
    ------
    FarmError
        A launcher started several processes, but the engine is one for a single process.
    """
    # Launched processes that take a part each do not repeat each other's work.
    if part and part == (farm.rank() + 1, farm.launched()) and name != "mpi":
        return name or "pool"
    return farm.choose(name)


def start(engine: str, workers: int | None, address: str | None, go: Callable[[farm.Workers], int]) -> int:
    """Run ``go`` with the workers of an engine; signals that batch systems send end it in good order.

    Parameters
    ----------
    engine : str
        One of :data:`.farm.ENGINES`; with "mpi", ``go`` runs on rank 0 and the other ranks serve.
    workers : int or None
        Processes of engine pool or dask.
    address : str or None
        Of the scheduler of dask.
    go : callable
        Takes the workers, returns an exit status.
    """
    if engine == "mpi":
        return _under_mpi(go)
    if engine == "dask":
        opened = farm.dask(workers, address)
    else:
        opened = farm.serial() if engine == "serial" else farm.pool(workers)
    with _signals(), opened as pool:
        return go(pool)


def _under_mpi(go: Callable[[farm.Workers], int]) -> int:
    """Run on rank 0, serve on the others; an error that nobody foresaw ends all of them."""
    farm.abort_on_errors()
    served = False
    try:
        with _signals(), farm.mpi() as pool:
            served = pool is None
            return 0 if pool is None else go(pool)
    except Exception:
        if not served:
            raise  # rank 0: the others have been told to leave
        traceback.print_exc()
        farm.abort()
        raise


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    before = stopping.catch_signals()
    try:
        yield
    finally:
        stopping.restore_signals(before)
