"""One start of a run: which others it refuses, what it leaves for other shells, and how it is launched."""

import json
import signal
import time

import pytest
import synthetic_members

from frenkel.mpi_runs import farm, launch, lock, session, shards, status
from frenkel.mpi_runs.order import Order
from frenkel.mpi_runs.worker import Receipt, Report


def execute(folder, number, part="all", workers=None, **options):
    job = synthetic_members.job(folder, number, {"job": {"isolated": False, "part": part, **options}})
    with farm.serial() as own:
        return session.execute(job, workers or own)


def test_a_part_runs_beside_another_but_not_beside_the_whole(tmp_path):
    with lock.hold(tmp_path, "2-of-2.lock"):
        assert execute(tmp_path, 2, "1-of-2").code == session.DONE
        with pytest.raises(lock.LockError):
            execute(tmp_path, 2, "all")
    with lock.hold(tmp_path, "all.lock"), pytest.raises(lock.LockError):
        execute(tmp_path, 2, "1-of-2")


def test_the_status_is_left_for_other_shells(tmp_path):
    execute(tmp_path, 3)
    with farm.pool(3) as workers:
        done = execute(tmp_path, 5, workers=workers)
    assert (done.ran, done.left, done.failed) == (2, 0, [])
    (said,) = status.read(tmp_path)
    assert [said[name] for name in ("part", "state", "total", "before", "done", "workers", "running")] == [
        "all", "done", 5, 3, 5, 3, 0
    ]  # fmt: skip
    execute(tmp_path, 7, deadline=time.monotonic() - 1)
    assert status.read(tmp_path)[0]["state"] == "stopped"


def test_a_run_that_breaks_says_so(tmp_path, monkeypatch):
    def full(self, frame):
        raise shards.ShardError(28, "the disk is full")

    monkeypatch.setattr(shards.Writer, "append", full)
    with pytest.raises(shards.ShardError, match="the disk is full"):
        execute(tmp_path, 3)
    assert status.read(tmp_path)[0]["state"] == "broken" and (tmp_path / "all.stop").exists()


def test_an_error_of_the_manager_stops_its_workers(tmp_path):
    def show(one):
        raise BrokenPipeError

    job = synthetic_members.job(tmp_path, 3, {"job": {"isolated": False}})
    with pytest.raises(BrokenPipeError), farm.serial() as workers:
        session.execute(job, workers, show)
    assert status.read(tmp_path)[0]["state"] == "broken" and (tmp_path / "all.stop").exists()


def test_the_status_is_written_now_and_then(tmp_path):
    file, one = status.File(tmp_path, "all"), status.Status(7)
    file.write(one)
    one.done = 4
    file.write(one)
    assert status.read(tmp_path)[0]["done"] == 0
    file.write(one, now=True)
    assert status.read(tmp_path)[0]["done"] == 4


def test_a_run_is_alive_while_its_process_is_or_its_status_is_renewed(tmp_path):
    here = lock.who() | {"state": "running", "now": 0.0}
    assert status.alive(here) and not status.alive(here | {"start": 1})
    assert not status.alive(here | {"state": "done"})
    there = here | {"host": "elsewhere"}
    assert not status.alive(there) and status.alive(there | {"now": time.time()})


def test_the_time_left_is_that_of_the_work_and_not_of_the_number():
    order, one = Order(range(3), 1, lambda member: (0, 1.0 + 9 * member)), status.Status(3, workers=2)
    assert order.next() == [2]
    order.learn(2, 38.0)
    one.take(Report("a", [Receipt(2, shards.OK, 38.0)]), order)
    assert one.rest() == 2.0 * (1 + 10) / 2


def launched(monkeypatch, number, of):
    monkeypatch.setenv("PMI_RANK", str(number))
    monkeypatch.setenv("PMI_SIZE", str(of))


def test_launched_processes_that_take_a_part_each_need_no_mpi(monkeypatch):
    assert launch.engine_of(None, None) == "pool" and launch.engine_of("serial", (1, 4)) == "serial"
    launched(monkeypatch, 1, 4)
    assert launch.engine_of(None, (2, 4)) == "pool"
    assert launch.engine_of("serial", (2, 4)) == "serial"
    assert launch.engine_of("mpi", (2, 4)) == "mpi"
    assert launch.engine_of(None, (1, 4)) == launch.engine_of(None, None) == "mpi"
    with pytest.raises(farm.FarmError, match="a launcher started 4 processes"):
        launch.engine_of("pool", (1, 4))


def test_an_engine_catches_the_signals_while_it_runs(monkeypatch):
    before = signal.getsignal(signal.SIGTERM)

    def go(workers):
        assert signal.getsignal(signal.SIGTERM) is not before
        return sum(count for _, count in workers)

    assert launch.start("pool", 3, None, go) == 3 and launch.start("serial", None, None, go) == 1
    assert signal.getsignal(signal.SIGTERM) is before


def test_as_many_processes_as_the_job_may_use(monkeypatch):
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    allowed = farm.cores()
    for given, expected in (("1", 1), ("100000", allowed), ("many", allowed)):
        monkeypatch.setenv("SLURM_CPUS_PER_TASK", given)
        assert farm.cores() == expected


def test_the_plan_says_what_workers_must_know(tmp_path):
    limit = time.monotonic() + 100
    execute(tmp_path, 1, "1-of-2", limit=7.0, grace=3.0, deadline=limit)
    plan = json.loads((tmp_path / "1-of-2.plan.json").read_text())
    assert [plan[name] for name in ("part", "limit", "grace", "isolated")] == ["1-of-2", 7.0, 3.0, False]
    assert abs(plan["deadline"] - time.time() - 100) < 5
