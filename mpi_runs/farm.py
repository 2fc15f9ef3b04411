"""Many tasks on many workers, written once against the Executor protocol of Python's library.

An engine is a context that gives *workers*: executors, each with how many workers it has. Every engine is an
existing one; there is no scheduler here, only the loop that keeps the workers supplied.
"""

import contextlib
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from typing import Any

from ..data.stopping import Stop
from . import worker
from .order import Order
from .shards import STOPPED
from .worker import Receipt, Report

AHEAD = 2  # tasks handed out per distant worker, so that none waits for the manager
TICK = 0.5  # s between two looks at the clock, the signals and the progress
TRIES = 3  # of a task whose worker was lost, on engines that survive that
SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")
ENGINES = ("serial", "pool", "mpi", "dask")
NO_MPI = (
    'there is no MPI here: pip install ".[mpi]" in the clone brings one, or use the MPI of the '
    "cluster (its module loaded, and mpi4py installed)"
)

Workers = Sequence[tuple[Executor, int]]
"""Executors and their numbers of workers."""


class FarmError(RuntimeError):
    """An engine cannot be used here; the message says what to do."""


class Serial(Executor):
    """One member after another, in this thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run now."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def launched() -> int:
    """Return how many processes a launcher started together with this one, 1 without a launcher."""
    return max((int(os.environ[name]) for name in SIZES if os.environ.get(name, "").isdigit()), default=1)


def rank() -> int:
    """Return the number of this process among those that a launcher started, from 0."""
    return next((int(os.environ[name]) for name in RANKS if os.environ.get(name, "").isdigit()), 0)


def cores() -> int:
    """Return how many cores this process may use."""
    cpus = os.environ.get("SLURM_CPUS_PER_TASK", "")
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(int(cpus), allowed) if cpus.isdigit() else allowed


@contextlib.contextmanager
def _closing() -> Iterator[None]:
    """End the member processes of this process, and flush its shard."""
    try:
        yield
    finally:
        worker.close_all()


@contextlib.contextmanager
def serial() -> Iterator[Workers]:
    """One worker, this process."""
    with _closing():
        yield [(Serial(), 1)]


@contextlib.contextmanager
def pool(workers: int | None = None) -> Iterator[Workers]:
    """Processes of this machine, as many as it has cores; each is looked after by a thread."""
    number = workers or cores()
    with _closing(), ThreadPoolExecutor(number, "frenkel") as threads:
        yield [(threads, number)]


@contextlib.contextmanager
def mpi() -> Iterator[Workers | None]:
    """All ranks of an MPI job; gives None on ranks other than 0, which have served when it returns.

    Rank 0 hands out the tasks, which takes little time, and looks after a member process of its own too.

    Raises
    ------
    FarmError
        There is no MPI, or the launcher and the library do not know each other.
    """
    world = _world()
    if world.size == 1:
        with serial() as serial_pool:
            yield serial_pool
        return
    from mpi4py.futures import MPICommExecutor  # an MPI library, which a run on one computer does without

    served: Any = MPICommExecutor(world, root=0)
    with _closing(), served as ranks, ThreadPoolExecutor(1, "frenkel") as own_thread:
        yield None if ranks is None else [(ranks, world.size - 1), (own_thread, 1)]


@contextlib.contextmanager
def dask(workers: int | None = None, address: str | None = None) -> Iterator[Workers]:
    """The workers of a dask scheduler, or as many processes of this machine.

    Raises
    ------
    FarmError
        dask is not installed.
    """
    try:
        import distributed  # Dask, which only --engine dask needs
    except ImportError:
        raise FarmError('there is no dask here: pip install ".[dask]" in the clone brings it') from None
    local = {"n_workers": workers or cores(), "threads_per_worker": 1, "dashboard_address": None}
    make: Any = distributed.Client
    with make(address) if address else make(**local) as client:
        yield [(client.get_executor(pure=False, retries=0), max(sum(client.nthreads().values()), 1))]
        client.run(worker.close_all)


def choose(name: str | None) -> str:
    """Return the engine to use: the one named, or mpi under a launcher, or else the pool.

    Raises
    ------
    FarmError
        A launcher started several processes, but the engine is one for a single process.
    """
    if name is None:
        return "mpi" if launched() > 1 else "pool"
    if name != "mpi" and launched() > 1:
        raise FarmError(
            f"a launcher started {launched()} processes, and each would do all the work with engine {name}: "
            "use engine mpi, or start one process"
        )
    return name


def _world() -> Any:
    """Return COMM_WORLD, after checking that it holds every process that was launched."""
    try:
        from mpi4py import MPI  # an MPI library, and here is looked whether there is one
    except (ImportError, RuntimeError) as error:
        raise FarmError(f"{NO_MPI} ({error})") from None
    world = MPI.COMM_WORLD
    if world.size == 1 and launched() > 1:
        raise FarmError(
            f"a launcher started {launched()} processes, but MPI ({MPI.Get_library_version().split(',')[0]}) "
            "shows each of them one: start with the mpiexec that belongs to this MPI library, or under Slurm "
            "with srun --mpi=pmi2 (MPICH) or --mpi=pmix (Open MPI), or set MPI4PY_LIBMPI to the library of "
            "the launcher"
        )
    return world


def abort_on_errors() -> None:
    """Let an uncaught error on any rank end the whole job; the other ranks would wait for ever."""

    def hook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        traceback.print_exception(kind, error, trace)
        sys.stderr.flush()
        abort()

    sys.excepthook = hook


def abort() -> None:
    """End every rank of the job now, with status 1."""
    _world().Abort(1)


def run(
    workers: Workers,
    order: Order,
    plan_file: str,
    run_id: str,
    stop: Stop,
    *,
    finished: Callable[[Report], None],
    tick: Callable[[int], None],
) -> None:
    """Run every member of an order, or as many as there is time for.

    Parameters
    ----------
    workers : sequence of (Executor, int)
    order : Order
    plan_file, run_id : str
        For :func:`.worker.work`.
    stop : Stop
    finished : callable
        Called with each report.
    tick : callable
        Called about twice a second with the number of members handed out.

    Raises
    ------
    OSError
        A worker could not write; everything was stopped.
    """
    loop = _Loop(workers, order, plan_file, run_id, stop)
    while loop.running or (order.left and not stop.wanted()):
        loop.supply()
        loop.collect(finished)
        tick(sum(len(members) for members, _ in loop.running.values()))
        if stop.wanted():
            loop.call_off()
    if loop.error is not None:
        raise loop.error


class _Loop:
    """The tasks under way."""

    def __init__(self, workers: Workers, order: Order, plan_file: str, run_id: str, stop: Stop) -> None:
        self.workers, self.order, self.stop = workers, order, stop
        self.arguments = (plan_file, run_id)
        self.load = [0] * len(workers)
        self.running: dict[Future[Report], tuple[list[int], int]] = {}
        # A queue fed by the futures: waiting on all of them would cost their number per task.
        self.done: queue.SimpleQueue[Future[Report]] = queue.SimpleQueue()
        self.lost: dict[int, int] = {}
        self.error: BaseException | None = None
        self.called_off = threading.Event()

    def supply(self) -> None:
        """Hand out tasks until every worker has enough: one each, then the next for distant ones."""
        for ahead in (1, AHEAD):
            for number, (executor, count) in enumerate(self.workers):
                # Threads of this process get the next task at once, so none has to wait behind a long one.
                in_process = isinstance(executor, (Serial, ThreadPoolExecutor))
                room = count if in_process else ahead * count
                while self.load[number] < room and self.order.left and not self.stop.wanted():
                    self._submit(executor, number)

    def _submit(self, executor: Executor, number: int) -> None:
        members = self.order.next()
        future: Future[Report] = executor.submit(worker.work, *self.arguments, members)
        self.running[future] = (members, number)
        self.load[number] += 1
        future.add_done_callback(self.done.put)

    def collect(self, finished: Callable[[Report], None]) -> None:
        """Take what has come back; wait a little if nothing has."""
        try:
            future = self.done.get(timeout=TICK)
            while True:
                self._one(future, finished)
                future = self.done.get_nowait()
        except queue.Empty:
            return

    def call_off(self) -> None:
        """Take back what has not begun and tell all workers to stop."""
        if not self.called_off.is_set():
            self.called_off.set()
            self.stop.tell()
            for future in list(self.running):
                future.cancel()

    def _one(self, future: Future[Report], finished: Callable[[Report], None]) -> None:
        members, number = self.running.pop(future)
        self.load[number] -= 1
        if future.cancelled():
            for member in members:
                self.order.again(member)
            return
        error = future.exception()
        if error is None:
            self._report(future.result(), finished)
        elif isinstance(error, CancelledError):
            for member in members:
                self.order.again(member)
        elif isinstance(error, OSError) or not self._again(members):
            self.error = self.error or error
            self.stop.now(f"an error of a worker: {error}")

    def _report(self, report: Report, finished: Callable[[Report], None]) -> None:
        for receipt in report.receipts:
            if receipt.status == STOPPED:
                self.order.again(receipt.member)
                if not self.stop.wanted():
                    self.stop.now(receipt.error or "a worker was asked to")
            else:
                self.order.learn(receipt.member, receipt.wall)
        finished(report)

    def _again(self, members: list[int]) -> bool:
        """Put back the members of a lost worker, unless they have lost several already."""
        for member in members:
            self.lost[member] = self.lost.get(member, 0) + 1
            self.order.again(member)
        return max(self.lost[member] for member in members) < TRIES


__all__ = ["ENGINES", "FarmError", "Receipt", "Workers", "choose", "dask", "mpi", "pool", "run", "serial"]
