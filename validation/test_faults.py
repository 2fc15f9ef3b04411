"""Ten faults that end or hurt a run: no finished member is lost, and the same command goes on.

Expected behaviour of each is in the name of its test. Two need to mount a small file system and are skipped
where that is not allowed. The kill test is in the default suite with three kills, here with twenty.
"""

import contextlib
import os
import random
import signal
import subprocess
import time

import farm_tools
import pytest

from frenkel.mpi_runs import runs, session, shards

NUMBER = 60
verification = pytest.mark.verification


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    code, _, found, errors = farm_tools.run("serial", tmp_path_factory.mktemp("r") / "run", NUMBER)
    assert code == 0, errors
    return found


def finished(folder):
    found = runs.survey([folder])
    return set(found.member[found.status == shards.OK].tolist())


def wait_for(condition, limit=30.0):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def processes(folder):
    """Return the processes that work on a folder."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as stream:
            if str(folder).encode() in stream.read() and int(name) != os.getpid():
                found.append(int(name))
    return found


def ranks(folder):
    """Return the processes of a run that are neither mpiexec nor children, the first rank first."""
    found = []
    for pid in sorted(processes(folder)):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as stream:
            words = stream.read().split(b"\0")
            if b"-c" not in words and not any(b"mpiexec" in word or b"hydra" in word for word in words[:1]):
                found.append(pid)
    return found


def resume(folder, reference, before):
    """Run to the end; the members finished before must not run again, the content is that without faults."""
    code, said, found, errors = farm_tools.run("pool", folder, NUMBER, {"workers": 2})
    assert code == 0, errors
    assert found == reference
    assert said["ran"] <= NUMBER - len(before)


def killed_at_random(folder, reference, kills, seed):
    """Kill whole runs at random times, then go on; nothing that was finished may be lost."""
    draw = random.Random(seed)
    before = set()
    for _ in range(kills):
        process = farm_tools.start("pool", folder, NUMBER, {"workers": 2, "nap": 0.01})
        time.sleep(draw.uniform(0.3, 1.2))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        wait_for(lambda: not processes(folder))
        now = finished(folder) if folder.exists() else set()
        assert before <= now
        before = now
    resume(folder, reference, before)


def test_kill_at_random_times(tmp_path, reference):
    killed_at_random(tmp_path / "run", reference, 3, seed=1)


@verification
def test_kill_at_random_times_often(tmp_path, reference):
    for seed in range(4):
        killed_at_random(tmp_path / f"run{seed}", reference, 5, seed=seed)


@verification
@pytest.mark.parametrize("victim", ["worker", "manager", "mpiexec"])
def test_kill_of_a_rank_ends_the_job_and_resume_completes_it(tmp_path, reference, victim):
    farm_tools.needs_mpi()
    folder = tmp_path / "run"
    process = farm_tools.start("mpi", folder, NUMBER, {"nap": 0.1}, ranks=3)
    wait_for(lambda: folder.exists() and len(finished(folder)) >= 4)
    lockfile = (folder / "all.lock").read_text()
    manager = int(lockfile.split('"pid": ')[1].split(",")[0])
    others = [pid for pid in ranks(folder) if pid not in (manager, process.pid)]
    os.kill({"worker": others[-1], "manager": manager, "mpiexec": process.pid}[victim], signal.SIGKILL)
    begin = time.monotonic()
    process.communicate(timeout=20)
    assert process.returncode != 0
    wait_for(lambda: not processes(folder), 5.0)
    assert time.monotonic() - begin < 5
    resume(folder, reference, finished(folder))


@contextlib.contextmanager
def mounted(folder, options):
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting a file system is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


@verification
def test_full_disk_ends_with_one_sentence_and_resume_completes(tmp_path):
    disk = tmp_path / "disk"
    size = 20_000  # numbers: 160 kB a member
    whole = farm_tools.run("serial", tmp_path / "whole", NUMBER, {"size": size})[2]
    with mounted(disk, "size=4m"):
        begin = time.monotonic()
        code, _, _, errors = farm_tools.run("pool", disk / "run", NUMBER, {"workers": 2, "size": size})
        assert code != 0 and "No space left" in errors
        assert time.monotonic() - begin < 20
        before = finished(disk / "run")
        assert len(before) >= 15 and not runs.survey([disk / "run"]).faults
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        code, said, found, errors = farm_tools.run("pool", disk / "run", NUMBER, {"workers": 2, "size": size})
        assert (code, found) == (0, whole), errors
        assert said["ran"] == NUMBER - len(before)


@verification
def test_corrupt_shard_costs_the_damaged_member_alone(tmp_path, reference):
    folder = tmp_path / "run"
    assert farm_tools.run("serial", folder, NUMBER)[2] == reference
    path = next(folder.glob("*.shard"))
    found = shards.scan(path)
    with path.open("r+b") as stream:
        stream.seek(int(found.offset[NUMBER // 2]) + 60)
        stream.write(b"\1\2\3\4")
    code, said, again, errors = farm_tools.run("serial", folder, NUMBER)
    assert (code, again, said["ran"]) == (0, reference, 1), errors
    assert str(path) in said["faults"][0] and f"offset {int(found.offset[NUMBER // 2])}" in said["faults"][0]


@verification
def test_second_run_on_one_output_is_refused(tmp_path):
    folder = tmp_path / "run"
    first = farm_tools.start("pool", folder, 400, {"workers": 2, "nap": 0.05})
    wait_for(lambda: (folder / "all.lock").exists() and (folder / "all.lock").stat().st_size)
    code, _, _, errors = farm_tools.run("pool", folder, 400, {"workers": 2})
    assert code != 0 and "another run works on this output" in errors and str(first.pid) in errors
    first.send_signal(signal.SIGTERM)
    assert farm_tools.finish(first)[0] == session.STOPPED


@verification
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_signal_to_all_ranks_stops_with_75(tmp_path, reference, number):
    farm_tools.needs_mpi()
    folder = tmp_path / "run"
    process = farm_tools.start("mpi", folder, NUMBER, {"nap": 0.2}, ranks=2)
    wait_for(lambda: folder.exists() and len(finished(folder)) >= 2)
    process.send_signal(number)
    code, said, _, errors = farm_tools.finish(process)
    assert code == session.STOPPED and said["left"] > 0, errors
    assert not runs.survey([folder]).faults
    resume(folder, reference, finished(folder))


@verification
def test_signal_to_one_rank_stops_all_of_them(tmp_path, reference):
    farm_tools.needs_mpi()
    folder = tmp_path / "run"
    process = farm_tools.start("mpi", folder, NUMBER, {"nap": 0.2}, ranks=3)
    wait_for(lambda: folder.exists() and len(finished(folder)) >= 2)
    manager = int((folder / "all.lock").read_text().split('"pid": ')[1].split(",")[0])
    other = next(pid for pid in ranks(folder) if pid not in (manager, process.pid))
    os.kill(other, signal.SIGTERM)
    code, said, _, errors = farm_tools.finish(process)
    assert code == session.STOPPED and said["left"] > 0, errors
    resume(folder, reference, finished(folder))


@verification
def test_members_that_fail_are_recorded_and_the_rest_goes_on(tmp_path, reference):
    farm_tools.needs_mpi()
    folder = tmp_path / "run"
    faults = {"3": "raise", "11": "kill", "17": "segfault", "29": "hang"}
    settings = {"faults": faults, "job": {"limit": 2.0}}
    code, said, _, errors = farm_tools.run("mpi", folder, NUMBER, settings, ranks=2)
    assert (code, said["failed"]) == (session.FAILED, [3, 11, 17, 29]), errors
    resume(folder, reference, finished(folder))


@verification
def test_read_only_output_is_refused_before_any_member_runs(tmp_path):
    disk = tmp_path / "disk"
    with mounted(disk, "ro"):
        code, said, _, errors = farm_tools.run("pool", disk / "run", NUMBER)
        assert code != 0 and said is None
        assert f"{disk / 'run'} cannot be written: Read-only file system" in errors


@verification
def test_changed_configuration_is_refused_with_its_keys(tmp_path):
    folder = tmp_path / "run"
    assert farm_tools.run("serial", folder, NUMBER)[0] == 0
    code, said, _, errors = farm_tools.run("serial", folder, NUMBER, {"color": "blue"})
    assert code != 0 and said is None
    assert 'color: "red" -> "blue"' in errors and "--force" in errors


@verification
def test_error_on_rank_0_ends_all_ranks(tmp_path):
    farm_tools.needs_mpi()
    begin = time.monotonic()
    code, _, _, errors = farm_tools.run("mpi", "/proc/nowhere/run", NUMBER, ranks=3)
    assert code != 0 and "cannot be written" in errors and time.monotonic() - begin < 15
