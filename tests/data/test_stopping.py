"""When a run stops: what the signals, the clock and the files say, and for whom."""

import os
import signal
import time

import pytest
import synthetic_members
import xarray as xr

from frenkel.data import stopping, store
from frenkel.mpi_runs import farm, runs, session, shards


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Look at the files every time; leave the signals as they were."""
    monkeypatch.setattr(stopping, "FILE_INTERVAL", 0.0)
    before = stopping.catch_signals()
    yield
    stopping.restore_signals(before)
    stopping._received.clear()


def stop_of(folder, part="all", deadline=None, grace=60.0):
    return stopping.Stop(folder, part, deadline, grace)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_the_first_signal_stops_and_the_second_does_not_wait(tmp_path, number):
    stop = stop_of(tmp_path)
    assert not stop.wanted() and not stop.over()
    os.kill(os.getpid(), number)
    assert stop.wanted() and stop.reason == f"signal {signal.Signals(number).name}"
    assert not stop.over()
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.over() and stop.reason == f"signal {signal.Signals(number).name}"


def test_signals_of_an_earlier_run_are_forgotten_and_the_handlers_come_back(tmp_path):
    os.kill(os.getpid(), signal.SIGUSR1)
    outer = signal.getsignal(signal.SIGUSR1)
    inner = stopping.catch_signals()
    assert not stop_of(tmp_path).wanted()
    stopping.restore_signals(inner)
    assert signal.getsignal(signal.SIGUSR1) is outer


def test_a_signal_that_is_held_back_acts_at_the_end():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    done = []
    with pytest.raises(KeyboardInterrupt), stopping.held_back():
        os.kill(os.getpid(), signal.SIGINT)
        done.append("the rest of the file")
    assert done and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nothing_is_left_where_ctrl_c_met_the_writing_of_a_result(tmp_path, monkeypatch):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    table = xr.Dataset({"current": ("time", [1.0, 2.0])})
    write = xr.Dataset.to_netcdf

    def interrupted(self, *args, **kwargs):
        os.kill(os.getpid(), signal.SIGINT)
        return write(self, *args, **kwargs)

    monkeypatch.setattr(xr.Dataset, "to_netcdf", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.save_table(table, tmp_path / "one.nc")
    monkeypatch.undo()
    assert not list(tmp_path.iterdir())
    store.save_table(table, tmp_path / "one.nc")
    assert xr.load_dataset(tmp_path / "one.nc").current.values.tolist() == [1.0, 2.0]


def test_the_first_reason_stays(tmp_path):
    stop = stop_of(tmp_path)
    stop.now("one")
    since = stop.since
    stop.now("two")
    assert (stop.reason, stop.since) == ("one", since)


def test_running_members_are_waited_for_as_long_as_the_grace(tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(stopping.time, "monotonic", lambda: clock[0])
    stop = stop_of(tmp_path, grace=10.0)
    clock[0] = 200.0
    assert not stop.over()  # nothing is to stop
    stop.now("x")
    clock[0] = 209.0
    assert not stop.over()
    clock[0] = 210.0
    assert stop.over()


def test_the_deadline_is_met_on_the_clock_that_nobody_sets(tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(stopping.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(stopping.time, "time", lambda: 1e12)
    stop = stop_of(tmp_path, deadline=105.0)
    clock[0] = 104.9
    assert not stop.wanted()
    clock[0] = 105.0
    assert stop.wanted() and stop.reason == "the time limit"


def test_another_host_gets_the_deadline_on_its_own_clock(monkeypatch):
    """Its monotonic clock began at another time; the other clocks agree."""
    monkeypatch.setattr(stopping.time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(stopping.time, "time", lambda: 1e9)
    sent = stopping.for_other_hosts(160.0)
    monkeypatch.setattr(stopping.time, "monotonic", lambda: 7.0)
    monkeypatch.setattr(stopping.time, "time", lambda: 1e9 + 2.0)  # two seconds later
    assert stopping.from_other_host(sent) == 65.0
    assert stopping.for_other_hosts(None) is None and stopping.from_other_host(None) is None


def test_a_part_that_stops_stops_its_own_processes_alone(tmp_path):
    """Elements of a job array start, and reach their wall times, at different times."""
    mine, same, other = (stop_of(tmp_path, part) for part in ("1-of-2", "1-of-2", "2-of-2"))
    mine.tell()
    assert same.wanted() and same.reason == "another process of the run"
    assert not other.wanted()
    runs.write_plan(tmp_path, "2-of-2", {})
    assert stop_of(tmp_path, "1-of-2").wanted()
    runs.write_plan(tmp_path, "1-of-2", {})
    assert not stop_of(tmp_path, "1-of-2").wanted()


def test_an_element_of_an_array_at_its_wall_time_leaves_the_others_running(tmp_path, monkeypatch):
    def part(name):
        job = synthetic_members.job(tmp_path, 5, {"nap": 0.1, "job": {"isolated": False, "part": name}})
        with farm.serial() as workers:
            return session.execute(job, workers)

    with monkeypatch.context() as nap:
        nap.setattr(synthetic_members.time, "sleep", lambda time: os.kill(os.getpid(), signal.SIGUSR1))
        first = part("1-of-2")
    assert (first.code, first.reason, first.ran) == (session.STOPPED, "signal SIGUSR1", 1)
    assert stopping.own_file(tmp_path, "1-of-2").exists()
    stopping._received.clear()
    assert part("2-of-2").code == session.DONE


def test_files_are_looked_at_now_and_then(tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(stopping.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(stopping, "FILE_INTERVAL", 5.0)
    stop = stop_of(tmp_path)
    stop.tell()
    clock[0] = 104.0
    assert not stop.wanted()
    clock[0] = 105.0
    assert stop.wanted()


def test_a_disk_that_is_full_does_not_keep_a_run_from_stopping(tmp_path):
    stop_of(tmp_path / "gone").tell()


def test_the_hand_of_the_user_stops_every_part_and_ends_the_chain(tmp_path):
    """Jobs that submit themselves again on 75 must not use up their chain against the file."""
    parts = [stop_of(tmp_path, part) for part in ("1-of-2", "2-of-2")]
    (tmp_path / "stop").touch()
    assert all(stop.wanted() and str(tmp_path / "stop") in stop.reason for stop in parts)
    runs.write_plan(tmp_path, "1-of-2", {})
    job = synthetic_members.job(tmp_path, 2, {"job": {"isolated": False}})
    with farm.serial() as workers, pytest.raises(stopping.StopError, match="stop stops every run.*remove it"):
        session.execute(job, workers)
    (tmp_path / "stop").unlink()
    with farm.serial() as workers:
        assert session.execute(job, workers).code == session.DONE


def test_starting_anew_discards_the_files_that_stop(tmp_path):
    for name in ("stop", "all.stop", "1-of-2.stop"):
        (tmp_path / name).touch()
    job = synthetic_members.job(tmp_path, 2, {"job": {"isolated": False, "force": True}})
    with farm.serial() as workers:
        assert session.execute(job, workers).code == session.DONE
    assert not list(tmp_path.glob("*stop"))


def test_a_time_limit_that_is_over_before_the_start_runs_nothing(tmp_path):
    job = synthetic_members.job(tmp_path, 3, {"job": {"isolated": False, "deadline": time.monotonic() - 1}})
    with farm.serial() as workers:
        done = session.execute(job, workers)
    assert (done.code, done.ran, done.left, done.failed) == (session.STOPPED, 0, 3, [])
    assert done.reason == "the time limit"
    assert not [path for path in tmp_path.glob("*.shard") if len(shards.scan(path).member)]


def test_a_second_signal_ends_a_member_of_this_process():
    handlers, reached = stopping.catch_signals(), []
    try:
        with pytest.raises(KeyboardInterrupt), stopping.ended_by_second_signal():
            signal.raise_signal(signal.SIGINT)
            reached.append(1)
            signal.raise_signal(signal.SIGTERM)
            reached.append(2)
        signal.raise_signal(signal.SIGINT)  # nothing runs here
    finally:
        stopping.restore_signals(handlers)
    assert reached == [1]
