"""One run per output: a live lock is respected whatever the clocks say, and one of the dead is taken over."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from frenkel.mpi_runs import lock

HOLDER = (
    "import sys, time; from pathlib import Path; from frenkel.mpi_runs import lock\n"
    "with lock.hold(Path(sys.argv[1]), 'all.lock'):\n"
    "    print('held', flush=True); time.sleep(100)\n"
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Watch for a moment only."""
    monkeypatch.setattr(lock, "STALE", 0.3)
    monkeypatch.setattr(lock, "LOOK", 0.02)


def taken(folder):
    with lock.hold(folder, "all.lock"):
        return json.loads((folder / "all.lock").read_text())["pid"] == os.getpid()


def refused(folder, match):
    with pytest.raises(lock.LockError, match=match), lock.hold(folder, "all.lock"):
        raise AssertionError


def left_lock(folder, **changes):
    """Write the lock of a process that has ended; return its path."""
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    path, whole = folder / "all.lock", folder / "written"
    whole.write_text(json.dumps(lock.who() | {"pid": gone.pid} | changes))
    return whole.replace(path)


def test_a_second_run_is_refused_and_told_who_holds_the_lock(tmp_path):
    with lock.hold(tmp_path, "all.lock"):
        refused(tmp_path, rf"host {socket.gethostname()}, process {os.getpid()},.*all\.lock")
    assert not list(tmp_path.iterdir())


def test_parts_run_together_but_not_with_the_whole(tmp_path):
    with lock.hold(tmp_path, "1-of-2.lock", "all.lock"), lock.hold(tmp_path, "2-of-2.lock", "all.lock"):
        with pytest.raises(lock.LockError), lock.hold(tmp_path, "all.lock", "*.lock"):
            raise AssertionError
    with lock.hold(tmp_path, "all.lock", "*.lock"), pytest.raises(lock.LockError):
        with lock.hold(tmp_path, "1-of-2.lock", "all.lock"):
            raise AssertionError
    assert not list(tmp_path.iterdir())


def test_a_suspended_holder_keeps_its_lock_and_a_killed_one_loses_it_at_once(tmp_path, monkeypatch):
    """A laptop that slept, a stopped job, a clock that was put forward: the process is there."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGSTOP)
        os.utime(tmp_path / "all.lock", (time.time() - 1e4,) * 2)
        refused(tmp_path, f"process {holder.pid},")
        assert json.loads((tmp_path / "all.lock").read_text())["pid"] == holder.pid
        holder.kill()
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # dead, but not waited for
        monkeypatch.setattr(lock, "STALE", 5.0)
        begin = time.monotonic()
        assert taken(tmp_path) and time.monotonic() - begin < 3  # nothing to watch: the process is gone


def test_a_process_with_the_number_of_the_holder_is_not_the_holder(tmp_path):
    left_lock(tmp_path, pid=os.getpid(), start=1)
    assert taken(tmp_path)


@pytest.mark.parametrize("age", [-1e6, 0.0, 1e6])
def test_the_lock_of_another_host_is_watched_by_our_own_clock(tmp_path, age, caplog):
    """Neither a clock that is behind nor one ahead makes it stale, or fresh; the user is told of the wait."""
    path = left_lock(tmp_path, host="elsewhere")
    os.utime(path, (time.time() - age,) * 2)
    begin = time.monotonic()
    assert taken(tmp_path)
    assert 0.3 <= time.monotonic() - begin < 5
    assert caplog.messages == [f"watching for up to 0 s whether the holder of {path} lives"]


@pytest.mark.parametrize("age", [0.0, 1e6])
def test_a_lock_of_another_host_whose_heart_beats_is_respected(tmp_path, monkeypatch, age):
    monkeypatch.setattr(lock, "STALE", 60.0)
    path = left_lock(tmp_path, host="elsewhere")
    os.utime(path, (time.time() - age,) * 2)
    beating = threading.Timer(0.1, os.utime, (path,))
    beating.start()
    refused(tmp_path, "host elsewhere")
    beating.join()
    assert path.exists()


def test_many_locks_of_a_dead_host_are_watched_together(tmp_path):
    for part in range(20):
        left_lock(tmp_path, host="elsewhere").rename(tmp_path / f"{part}-of-20.lock")
    begin = time.monotonic()
    with lock.hold(tmp_path, "all.lock", "*.lock"):
        assert time.monotonic() - begin < 3  # 20 times 0.3 s one after another


def test_a_lock_without_words_is_watched_too(tmp_path, monkeypatch):
    """Its holder is about to write who it is, or died before it could."""
    with monkeypatch.context() as patient:
        patient.setattr(lock, "STALE", 60.0)
        _refused_once_it_has_words(tmp_path)
    (tmp_path / "all.lock").write_text("")
    assert taken(tmp_path)


def _refused_once_it_has_words(tmp_path):
    (tmp_path / "all.lock").touch()
    writing = threading.Timer(0.1, left_lock, (tmp_path,), {"pid": os.getpid()})
    writing.start()
    refused(tmp_path, f"process {os.getpid()}")
    writing.join()


def replaced(folder):
    left_lock(folder, pid=os.getpid())


def written(folder):
    (folder / "all.lock").write_text(json.dumps(lock.who()))


@pytest.mark.parametrize("words_come", [replaced, written])
def test_who_is_refused_reads_the_words_of_the_holder_whenever_they_come(tmp_path, monkeypatch, words_come):
    """Words that come between any two steps of a look: never refused by what was read before."""
    monkeypatch.setattr(lock, "STALE", 60.0)
    monkeypatch.setattr(lock, "LOOK", 0.001)
    steps = 0
    while (tmp_path / "all.lock").unlink(missing_ok=True) or _between(tmp_path, steps, words_come):
        steps += 1
    assert steps > 10


def _between(folder, step, words_come):
    """Look at a lock that gets its words before a step of the look; return whether there is such a step."""
    path, passed = folder / "all.lock", itertools.count()
    path.touch()
    os.utime(path, (1e9, 1e9))
    first = lock._look(path)

    def tracer(frame, event, _argument):
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if frame.f_code is not lock._look.__code__:
            return None
        if event == "opcode" and next(passed) == step:
            words_come(folder)
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        assert lock._doubtful(path, first)  # nothing to be seen yet
        seen = next(passed) > step + 1
    except lock.LockError as error:
        assert f"process {os.getpid()}" in str(error)
        seen = True
    finally:
        sys.settrace(before)
    return seen


@pytest.mark.parametrize(
    ("job", "restart", "ours"), [("12", "0", True), ("12", "1", False), ("13", "0", False)]
)
def test_the_lock_of_an_earlier_life_of_this_job_is_ours(tmp_path, monkeypatch, job, restart, ours):
    """Slurm starts a job again under its number, with a higher count; the same count is another process."""
    left_lock(tmp_path, host="elsewhere", job=job, restart=restart)
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    monkeypatch.setattr(lock, "STALE", 5.0)
    if ours:
        begin = time.monotonic()
        assert taken(tmp_path) and time.monotonic() - begin < 3
        return
    beating = threading.Timer(0.1, os.utime, (tmp_path / "all.lock",))
    beating.start()
    refused(tmp_path, f"host elsewhere.*job {job}")
    beating.join()


def test_who_lost_the_lock_leaves_that_of_the_next_one_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "HEARTBEAT", 0.01)
    with lock.hold(tmp_path, "all.lock"):
        (tmp_path / "all.lock").unlink()
        path = left_lock(tmp_path, host="elsewhere")
        os.utime(path, (1e9, 1e9))
        time.sleep(0.1)
    assert json.loads(path.read_text())["host"] == "elsewhere"
    assert path.stat().st_mtime == 1e9


def test_a_holder_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "STALE", 60.0)
    monkeypatch.setattr(lock, "HEARTBEAT", 0.01)
    with lock.hold(tmp_path, "all.lock") as path:
        os.utime(path, (1e9, 1e9))
        end = time.monotonic() + 5
        while path.stat().st_mtime == 1e9:
            assert time.monotonic() < end
            time.sleep(0.01)


def test_of_two_that_find_a_dead_lock_the_slower_one_respects_the_faster(tmp_path, monkeypatch):
    path = left_lock(tmp_path)
    judge = lock._refuse_held

    def slowly(paths):
        found = judge(paths)
        if len(calls) == 0:
            left_lock(tmp_path, pid=os.getpid())  # the faster one has it meanwhile, and lives
        calls.append(paths)
        return found

    calls = []
    monkeypatch.setattr(lock, "_refuse_held", slowly)
    refused(tmp_path, f"process {os.getpid()}")
    assert json.loads(path.read_text())["pid"] == os.getpid() and len(list(tmp_path.iterdir())) == 1


def test_a_disk_that_is_full_leaves_no_lock_without_words(tmp_path, monkeypatch):
    def full(handle, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lock.os, "write", full)
    with (
        pytest.raises(OSError, match=r"No space left on device: '.*all\.lock'"),
        lock.hold(tmp_path, "all.lock"),
    ):
        raise AssertionError
    assert not list(tmp_path.iterdir())
